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

/** Every audit event there is. */
export const EVENTS = [
  ...(Object.values(ACTION_EVENTS) as (typeof ACTION_EVENTS)[Action][]),
  'clock.lapsed',
  'task.claimed',
  'task.handed-back',
  'act.refused',
  'case.disclosed',
  'person.added',
  'role.assigned',
  'role.ended',
  'session.opened',
  'session.closed',
  'passkey.added',
  'verification.run',
] as const;
export type AuditEvent = (typeof EVENTS)[number];
