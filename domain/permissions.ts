// Station 0, rules: the one permission table. Every route, Update, activity, stream and export names one
// action of it; what is missing here is forbidden. Pure. Case actions come from `lifecycle.ts`, never twice.
import { ACTIONS, type Action, LIFECYCLE } from './lifecycle.ts';
import { ROLES, type Role, STAFF_ROLES } from './roles.ts';

const CLINICAL = ['approval-officer', 'therapist', 'doctor'] as const satisfies readonly Role[];

/** What can be done besides acting on a case. `own` means: only in relation to the person or their cases. */
const OTHER = {
  'sign-in': { roles: ROLES },
  'settings.change': { roles: ROLES, own: true },
  'queue.see': { roles: ['approval-officer', 'therapist', 'doctor', 'administrator'] },
  'day.see': { roles: ['therapist', 'doctor'] },
  // Therapists for cases they work on; domain/alerts.ts judges how they stand to the case.
  'alert.acknowledge': { roles: ['therapist', 'doctor'] },
  'task.claim': { roles: CLINICAL },
  'task.hand-back': { roles: CLINICAL },
  'task.draft': { roles: [...CLINICAL, 'patient', 'guardian', 'referrer'] },
  'cases.list': { roles: [...CLINICAL, 'administrator', 'auditor', 'privacy-officer'] },
  'case.see': { roles: [...CLINICAL, 'administrator', 'auditor', 'privacy-officer'] },
  'case.see-own': { roles: ['patient', 'guardian', 'supporter', 'referrer'], own: true },
  'case.entries': { roles: [...CLINICAL, 'administrator', 'auditor', 'privacy-officer'] },
  'case.evidence': { roles: ['approval-officer', 'auditor', 'patient', 'guardian'] },
  'application.import': { roles: ['referrer', 'doctor'] },
  'board.see': { roles: ['administrator', 'auditor'] },
  'keys.own': { roles: STAFF_ROLES, own: true },
  'signatures.see': { roles: CLINICAL, own: true },
  'certificates.manage': { roles: ['security-administrator'] },
  // Never their own, and never two administrations to one person: domain/role-changes.ts.
  'roles.manage': { roles: ['security-administrator'] },
  // People get in by links; who had a way in before needs two people: domain/invitations.ts.
  'people.add': { roles: ['security-administrator'] },
  'invitation.make': { roles: ['security-administrator'] },
  'invitation.withdraw': { roles: ['security-administrator'] },
  'invitation.confirm': { roles: ['administrator', 'security-administrator'] },
  'people.see': { roles: ['administrator', 'security-administrator'] },
  'audit.see': { roles: ['auditor'] },
  'verify.run': { roles: ['auditor'] },
} as const satisfies Record<string, { roles: readonly Role[]; own?: true }>;

export type Permission = Action | keyof typeof OTHER;
export const PERMISSIONS: readonly Permission[] = [
  ...ACTIONS,
  ...(Object.keys(OTHER) as (keyof typeof OTHER)[]),
];

/** Roles that may do something at all; the state of a case and its duties are judged besides. */
export function rolesFor(permission: Permission): readonly Role[] {
  return permission in OTHER
    ? OTHER[permission as keyof typeof OTHER].roles
    : (LIFECYCLE[permission as Action]?.roles ?? []);
}

/** Whether a role may do something at all. Unknown names are refused by the compiler, and by `false` at run time. */
export function allows(role: Role, permission: Permission): boolean {
  return rolesFor(permission).includes(role);
}

/** Whether a role belongs to staff, who sign in for an organisation. */
export const isStaff = (role: Role): boolean => (STAFF_ROLES as readonly Role[]).includes(role);
