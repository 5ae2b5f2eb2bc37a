// Station 0, rules: invitations, the links by which people get their first passkey, and a new one when a device is lost. Who once had a
// way in gets a link that counts only when a second person has confirmed it (DESIGN.md section 9, 15). Pure.
import { z } from 'zod';
import { faultsOf, prose } from './acts.ts';
import { ORGANISATIONS } from './consortium.ts';
import { isStaff } from './permissions.ts';
import { type FieldFault, type Refusal, refuse } from './refusal.ts';
import { type Giving, readGiving } from './role-changes.ts';

/** Hours for which a link can be used. */
export const INVITATION_HOURS = 24;

/** What is known of an invitation; times are ISO 8601 in UTC. */
export interface Invitation {
  readonly personId: string;
  /** The person had a way in before: a second person has to confirm. */
  readonly recovery: boolean;
  readonly madeBy: string;
  readonly endsAt: string;
  readonly confirmedBy: string | null;
  readonly usedAt: string | null;
  readonly withdrawnAt: string | null;
}

export type InvitationState = 'open' | 'unconfirmed' | 'used' | 'withdrawn' | 'over';

/** What an invitation is worth at a time: a link lets in when it is `open`, and never otherwise. */
export function invitationState(one: Invitation, at: string): InvitationState {
  if (one.usedAt !== null) return 'used';
  if (one.withdrawnAt !== null) return 'withdrawn';
  if (one.endsAt <= at) return 'over';
  return one.recovery && one.confirmedBy === null ? 'unconfirmed' : 'open';
}

/** Whether a link could still be used, now or once it is confirmed. */
export const stillStands = (one: Invitation, at: string): boolean =>
  ['open', 'unconfirmed'].includes(invitationState(one, at));

/** The first reason against making a link for somebody, or undefined. */
export const makingRefusal = (by: string, person: string): Refusal | undefined =>
  by === person ? refuse('conflict-of-duties', { detail: { duty: 'own-link' } }) : undefined;

/** The first reason against confirming a link, or undefined: neither its maker nor its person is a second person. */
export function confirmingRefusal(by: string, one: Invitation, at: string): Refusal | undefined {
  if (by === one.personId || by === one.madeBy)
    return refuse('conflict-of-duties', { detail: { duty: 'second-person' } });
  return invitationState(one, at) === 'unconfirmed' ? undefined : refuse('link-over');
}

const person = z.strictObject({
  name: prose(200),
  organisation: z.enum(['', ...ORGANISATIONS], { error: 'chooseOne' }),
});

/** Somebody to be added, with the role they begin with and why. */
export type NewPerson = Giving & {
  readonly name: string;
  readonly organisation: (typeof ORGANISATIONS)[number] | null;
};

/** Reads the form by which somebody is added. Staff belong to an organisation; who refers may belong to none. */
export function readNewPerson(input: {
  readonly name: unknown;
  readonly organisation: unknown;
  readonly role: unknown;
  readonly disciplines: unknown;
  readonly lead: unknown;
  readonly reason: unknown;
}): { values: NewPerson } | { faults: FieldFault[] } {
  const { name, organisation, ...role } = input;
  const who = person.safeParse({ name, organisation });
  const giving = readGiving(role);
  const faults = [
    ...(who.success ? [] : faultsOf(who.error)),
    ...('faults' in giving ? giving.faults : []),
    ...(who.success && who.data.organisation === '' && 'values' in giving && isStaff(giving.values.role)
      ? [{ field: 'organisation', fault: 'chooseOne' }]
      : []),
  ];
  if (faults.length > 0 || !who.success || 'faults' in giving) return { faults };
  return {
    values: { ...giving.values, name: who.data.name, organisation: who.data.organisation || null },
  };
}

const asking = z.strictObject({ reason: prose(500) });

/** Reads the form by which a link is asked for. */
export function readAsking(input: unknown): { values: { reason: string } } | { faults: FieldFault[] } {
  const result = asking.safeParse(input);
  return result.success ? { values: result.data } : { faults: faultsOf(result.error) };
}
