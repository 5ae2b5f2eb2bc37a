// Station 0, vocabulary: the closed list of audit events. Names are noun.past-tense, versioned in the entry,
// only ever added to, never renamed: old entries must stay readable for as long as the law asks.
import type { Action } from './lifecycle.ts';

/** What each action on a case is called in the audit trail. */
export const ACTION_EVENTS = {
  'submit-application': 'application.submitted',
  'decide-eligibility': 'eligibility.decided',
  'provide-papers': 'papers.provided',
  assess: 'assessment.recorded',
  'propose-plan': 'plan.proposed',
  'approve-plan': 'plan.decided',
  'record-session': 'session.recorded',
  're-evaluate': 're-evaluation.recorded',
  'decide-outcome': 'outcome.decided',
  'record-follow-up': 'follow-up.recorded',
  withdraw: 'application.withdrawn',
  appeal: 'appeal.made',
  'decide-appeal': 'appeal.decided',
  reopen: 'case.reopened',
} as const satisfies Record<Action, string>;

/** Actions that need the person's own signature: every decision, sign-off and approval of staff. */
export const SIGNED_ACTIONS = [
  'decide-eligibility',
  'assess',
  'propose-plan',
  'approve-plan',
  'record-session',
  're-evaluate',
  'decide-outcome',
  'record-follow-up',
  'decide-appeal',
  'reopen',
] as const satisfies readonly Action[];
export type SignedAction = (typeof SIGNED_ACTIONS)[number];

/** Whether an action needs a personal signature. */
export const needsSignature = (action: Action): action is SignedAction =>
  (SIGNED_ACTIONS as readonly Action[]).includes(action);

/** A station of the log stands still, or goes on again. */
export const STATION_EVENTS = [
  'sequencer.stopped',
  'sequencer.resumed',
  'anchor.stopped',
  'anchor.resumed',
  'witness.stopped',
  'witness.resumed',
] as const;

/** Every audit event there is. */
export const EVENTS = [
  ...(Object.values(ACTION_EVENTS) as (typeof ACTION_EVENTS)[Action][]),
  'clock.lapsed',
  'task.claimed',
  'task.handed-back',
  'alert.acknowledged',
  'act.refused',
  'case.disclosed',
  'person.added',
  'role.assigned',
  'role.ended',
  'invitation.made',
  'invitation.confirmed',
  'invitation.used',
  'invitation.withdrawn',
  'session.opened',
  'session.closed',
  'passkey.added',
  'certificate.issued',
  'certificate.revoked',
  'verification.run',
  ...STATION_EVENTS,
] as const;
export type AuditEvent = (typeof EVENTS)[number];

/** Events whose entry must carry a personal signature. */
export const SIGNED_EVENTS: ReadonlySet<AuditEvent> = new Set(
  SIGNED_ACTIONS.map((action) => ACTION_EVENTS[action]),
);
