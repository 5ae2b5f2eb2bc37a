// Station 0, rules: giving and ending roles. Nobody changes their own; system, security and audit administration stay with three
// people (SECURITY.md A7). Pure.
import { z } from 'zod';
import { faultsOf, prose } from './acts.ts';
import { type FieldFault, type Refusal, refuse } from './refusal.ts';
import { DISCIPLINES, type Role, SEPARATE_ADMINISTRATIONS, STAFF_ROLES } from './roles.ts';

/** Roles that are given by hand; those of a case follow from it. */
export const GIVEN_ROLES = [...STAFF_ROLES, 'referrer'] as const satisfies readonly Role[];

const giving = z
  .strictObject({
    role: z.enum(GIVEN_ROLES, { error: 'chooseOne' }),
    disciplines: z.array(z.enum(DISCIPLINES, { error: 'chooseOne' })).max(DISCIPLINES.length),
    lead: z.boolean(),
    reason: prose(500),
  })
  .superRefine((v, ctx) => {
    const fault = (field: string, message: string) =>
      ctx.addIssue({ code: 'custom', path: [field], message });
    if (v.role === 'therapist' && v.disciplines.length === 0) fault('disciplines', 'chooseDiscipline');
    if (v.role !== 'therapist' && (v.disciplines.length > 0 || v.lead))
      fault('disciplines', 'therapistsOnly');
  });
export type Giving = z.output<typeof giving>;

const ending = z.strictObject({
  role: z.enum(GIVEN_ROLES, { error: 'chooseOne' }),
  reason: prose(500),
});
export type Ending = z.output<typeof ending>;

type Read<T> = { values: T } | { faults: FieldFault[] };

/** Reads the form by which a role is given. */
export function readGiving(input: unknown): Read<Giving> {
  const result = giving.safeParse(input);
  return result.success ? { values: result.data } : { faults: faultsOf(result.error) };
}

/** Reads the form by which a role is ended. */
export function readEnding(input: unknown): Read<Ending> {
  const result = ending.safeParse(input);
  return result.success ? { values: result.data } : { faults: faultsOf(result.error) };
}

/** The first reason against giving or ending a role of a person who holds these roles, or undefined. */
export function roleChangeRefusal(
  by: string,
  person: string,
  change: 'give' | 'end',
  role: Role,
  held: readonly Role[],
): Refusal | undefined {
  const detail = { action: 'roles.manage' };
  if (by === person) return refuse('conflict-of-duties', { detail: { ...detail, duty: 'own-roles' } });
  if (change === 'end') return held.includes(role) ? undefined : refuse('wrong-state', { detail });
  if (held.includes(role)) return refuse('duplicate', { detail });
  const separate: readonly Role[] = SEPARATE_ADMINISTRATIONS;
  if (separate.includes(role) && held.some((one) => separate.includes(one)))
    return refuse('conflict-of-duties', { detail: { ...detail, duty: 'administrations' } });
  return undefined;
}
