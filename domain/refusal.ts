// Station 0, rules: an expected "no", as a value. Pure. A refusal is decided where it arises, travels as a
// value (never as a thrown error or failure text), and is put into words in exactly one place, the web.

/** Why something was refused. The web maps each code to a status and a sentence; `refusalStatus` in web/respond.ts. */
export const REFUSAL_CODES = [
  'malformed', // the request could not be read, or carries fields nobody asked for
  'values', // a field's value cannot be taken; `fields` says which
  'unknown', // no such thing, or one that must look like none
  'wrong-role', // this role may not do this
  'not-related', // the person has no relation to this case
  'wrong-state', // the case is past, or before, this step
  'conflict-of-duties', // the person holds another duty in this case
  'not-claimed', // nobody, or somebody else, holds the task
  'stale-claim', // the claim number is an old one
  'already-claimed', // somebody else holds the task
  'already-acknowledged', // somebody has taken up this alert
  'key-reused', // the operation key was used with other input
  'key-unbound', // the operation key was not made for this person, action and task
  'too-late', // a period has ended
  'not-due', // a limit has not ended yet, or not any more
  'duplicate', // the same thing is already there
  'link-over', // the invitation was used, withdrawn or confirmed already, or its time is over
  'unsigned', // the act needs a personal signature and carries none
  'signature-wrong', // the signature is not this person's over this act and this statement
  'certificate-not-good', // the certificate is unknown, revoked, over, or of another authority
  'statement-old', // the text was put before the person too long ago
  'not-delivered', // it could not be brought to the case in all that time, and nothing was done
] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** One fault at one field, as a key of the text catalogue with its values. */
export interface FieldFault {
  readonly field: string;
  /** Key in the catalogue's `faults`, phrased there as what to do. */
  readonly fault: string;
  readonly values?: Readonly<Record<string, string | number>>;
}

/** An expected no. Holds ids and codes only, never what a person typed. */
export interface Refusal {
  readonly kind: 'refusal';
  readonly code: RefusalCode;
  readonly fields?: readonly FieldFault[];
  /** What the sentence may name: a duty, a state, who holds the task and since when. */
  readonly detail?: Readonly<Record<string, string>>;
}

/** Makes a refusal. */
export function refuse(code: RefusalCode, extra: Omit<Refusal, 'kind' | 'code'> = {}): Refusal {
  return { kind: 'refusal', code, ...extra };
}

/** True for a refusal among the values a step may return. */
export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'refusal';
}

/** Refusals that an auditor would ask about: they are recorded before they are answered (DESIGN.md section 2). */
export const RECORDED_REFUSALS: ReadonlySet<RefusalCode> = new Set<RefusalCode>([
  'unknown',
  'wrong-role',
  'not-related',
  'conflict-of-duties',
  'not-claimed',
  'stale-claim',
  'wrong-state',
  'too-late',
  'link-over',
  'key-unbound',
  'unsigned',
  'signature-wrong',
  'certificate-not-good',
  'not-delivered',
]);
