// Station 0, rules: safety alerts that a measurement raised: which wait to be acknowledged, by when, by whom, and with what
// reason. Pure. An alert that waits never ends by itself: only an acknowledgement ends it.
import { z } from 'zod';
import { faultsOf, optionalProse } from './acts.ts';
import type { Alert } from './instruments/instrument.ts';
import { INSTRUMENTS } from './instruments/registry.ts';
import type { Actor } from './lifecycle.ts';
import type { Parameters } from './parameters.ts';
import { allows } from './permissions.ts';
import { type FieldFault, type Refusal, refuse } from './refusal.ts';

/** Codes of alerts that wait for somebody; the others only stand with their result. */
export const IMMEDIATE_ALERTS: readonly string[] = INSTRUMENTS.flatMap(({ alerts }) =>
  alerts.filter(({ level }) => level === 'immediate').map(({ code }) => code),
);

/** What was done, as a closed list; the last two need a note. */
export const ACKNOWLEDGEMENT_REASONS = [
  'spoke-with-patient',
  'safety-plan',
  'crisis-service',
  'under-treatment',
  'answered-by-mistake',
  'other',
] as const;
export type AcknowledgementReason = (typeof ACKNOWLEDGEMENT_REASONS)[number];
const NEEDS_NOTE: ReadonlySet<string> = new Set<AcknowledgementReason>(['answered-by-mistake', 'other']);

const acknowledgement = z
  .strictObject({
    reason: z.enum(ACKNOWLEDGEMENT_REASONS, { error: 'chooseOne' }),
    note: optionalProse(2000),
  })
  .superRefine((v, ctx) => {
    if (NEEDS_NOTE.has(v.reason) && !v.note)
      ctx.addIssue({ code: 'custom', path: ['note'], message: 'reasonsNeeded' });
  });
export type Acknowledgement = z.output<typeof acknowledgement>;

/** Reads what a form says was done, or says what is wrong at which field. */
export function readAcknowledgement(input: {
  readonly reason: string;
  readonly note: string;
}): { values: Acknowledgement } | { faults: FieldFault[] } {
  const result = acknowledgement.safeParse(input);
  return result.success ? { values: result.data } : { faults: faultsOf(result.error) };
}

/** By when an alert raised then must be acknowledged, as epoch milliseconds. */
export const acknowledgeBy = (parameters: Pick<Parameters, 'figures'>, raisedAt: string): number =>
  Date.parse(raisedAt) + parameters.figures['alert-acknowledgement'].value * 60_000;

/** Alerts that were raised before this instant are overdue. */
export const raisedBefore = (parameters: Pick<Parameters, 'figures'>, now: Date): Date =>
  new Date(now.getTime() - parameters.figures['alert-acknowledgement'].value * 60_000);

/** How a person stands to the case of an alert. */
export interface AlertStanding {
  /** Stands in a personal relation to the case. */
  readonly related: boolean;
  /** Has acted in the case, or holds a task of it now. */
  readonly worksOnIt: boolean;
}

/** Whether somebody sees every case's alerts: doctors and lead therapists, so that none waits for one absent person. */
export const answersForAll = ({ role, lead }: Pick<Actor, 'role' | 'lead'>): boolean =>
  role === 'doctor' || lead;

/** The first reason against a person's acknowledging an alert of a case, or undefined. */
export function acknowledgeRefusal(
  actor: Pick<Actor, 'role' | 'lead'>,
  { related, worksOnIt }: AlertStanding,
): Refusal | undefined {
  const detail = { action: 'alert.acknowledge' };
  if (!allows(actor.role, 'alert.acknowledge')) return refuse('wrong-role', { detail });
  if (related) return refuse('conflict-of-duties', { detail: { ...detail, duty: 'relation' } });
  if (!answersForAll(actor) && !worksOnIt) return refuse('not-related', { detail });
  return undefined;
}

/** What the alerts of these codes say, each once; a code that no instrument has any more says nothing. */
export function alertsOfCodes(codes: readonly string[], level?: Alert['level']): Alert[] {
  const known = INSTRUMENTS.flatMap(({ alerts }) => alerts);
  return [...new Set(codes)].flatMap((code) => {
    const alert = known.find((one) => one.code === code);
    return alert && (level === undefined || alert.level === level) ? [alert] : [];
  });
}
