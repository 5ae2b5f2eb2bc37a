// Station 0, rules: the closed list of roles and disciplines. Pure; knows no person and no clock.
// Every permission, task and audit entry names a role from this list and no other.

/** Every role a person can hold (DESIGN.md section 9, 14). */
export const ROLES = [
  'patient',
  'guardian',
  'supporter',
  'referrer',
  'approval-officer',
  'therapist',
  'doctor',
  'administrator',
  'security-administrator',
  'auditor',
  'researcher',
  'privacy-officer',
] as const;
export type Role = (typeof ROLES)[number];

/** The service itself, which acts on what nobody decided: limits that end, lists that an authority published. Has no role and no way to sign in. */
export const SERVICE = { person: '00000000-0000-8000-8000-000000000000', role: 'service' } as const;

/** Roles held by staff of one of the three organisations. */
export const STAFF_ROLES = [
  'approval-officer',
  'therapist',
  'doctor',
  'administrator',
  'security-administrator',
  'auditor',
  'privacy-officer',
] as const satisfies readonly Role[];

/**
 * Administration duties that one person must not hold together (MLPS level 3, 8.1.5: system, security
 * and audit administration are separate people).
 */
export const SEPARATE_ADMINISTRATIONS = [
  'administrator',
  'security-administrator',
  'auditor',
] as const satisfies readonly Role[];

/** How a person stands to one case. Staff have no standing relation: their tasks are their relation. */
export const RELATIONS = ['patient', 'guardian', 'supporter', 'referrer'] as const satisfies readonly Role[];
export type Relation = (typeof RELATIONS)[number];

/** Therapy disciplines that assess and treat. */
export const DISCIPLINES = ['physiotherapy', 'occupational-therapy', 'speech-therapy', 'psychology'] as const;
export type Discipline = (typeof DISCIPLINES)[number];

/** Which instruments each discipline brings to an assessment; ids of `domain/instruments`. */
export const DISCIPLINE_INSTRUMENTS = {
  physiotherapy: ['barthel-index', 'six-minute-walk'],
  'occupational-therapy': ['barthel-index'],
  'speech-therapy': ['barthel-index'],
  psychology: ['phq-9'],
} as const satisfies Record<Discipline, readonly string[]>;
