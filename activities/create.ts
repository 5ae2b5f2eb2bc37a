// Station 3, the verbs as Temporal sees them: one activity per verb, built with what the process gives it. The workflow
// imports the type of this and nothing else. Each is durable when it returns and idempotent by the key in its input.
import { Context } from '@temporalio/activity';
import type { Action } from '../domain/lifecycle.ts';
import type { Refusal } from '../domain/refusal.ts';
import { type ActDeps, type ActRequest, type Answer, act, type Making, type Rows } from './act.ts';
import {
  appealDecisionRows,
  appealRows,
  eligibilityRows,
  papersRows,
  reopeningRows,
  submitApplication,
  withdrawalRows,
} from './application.ts';
import {
  assessmentRows,
  followUpRows,
  outcomeRows,
  planDecisionRows,
  planRows,
  reevaluationRows,
  sessionRows,
} from './assessment.ts';
import { asFailure } from './failures.ts';
import { type LapseRequest, lapseClock } from './limits.ts';

export interface ActivityDeps extends Omit<ActDeps, 'workflow'> {
  /** Told of every fault, for the log; must not print its content to anything a patient's data may not reach. */
  readonly note: (error: unknown) => void;
}

/** The activities as a worker registers them. */
export const createActivities = (given: ActivityDeps) =>
  createVerbs({
    ...given,
    workflow: () => {
      const { workflowExecution } = Context.current().info;
      // Our activities are only ever scheduled by a workflow.
      if (!workflowExecution) throw new Error('activity runs outside a workflow');
      return { id: workflowExecution.workflowId, run: workflowExecution.runId };
    },
  });

/** The verbs themselves, for whoever says which workflow they run in. */
export function createVerbs(deps: ActDeps & Pick<ActivityDeps, 'note'>) {
  const verb =
    <A extends Action>(name: string, rows: (making: Making<A>) => Rows | Refusal) =>
    (request: ActRequest<A>): Promise<Answer> =>
      asFailure(() => act(deps, request, name, rows), deps.note);
  return {
    submitApplication: (request: ActRequest<'submit-application'>): Promise<Answer> =>
      asFailure(() => submitApplication(deps, request, 'submitApplication'), deps.note),
    decideEligibility: verb<'decide-eligibility'>('decideEligibility', eligibilityRows),
    providePapers: verb<'provide-papers'>('providePapers', papersRows),
    recordAssessment: verb<'assess'>('recordAssessment', assessmentRows),
    proposePlan: verb<'propose-plan'>('proposePlan', planRows),
    decidePlan: verb<'approve-plan'>('decidePlan', planDecisionRows),
    recordSession: verb<'record-session'>('recordSession', sessionRows),
    recordReevaluation: verb<'re-evaluate'>('recordReevaluation', reevaluationRows),
    decideOutcome: verb<'decide-outcome'>('decideOutcome', outcomeRows),
    recordFollowUp: verb<'record-follow-up'>('recordFollowUp', followUpRows),
    withdrawApplication: verb<'withdraw'>('withdrawApplication', withdrawalRows),
    makeAppeal: verb<'appeal'>('makeAppeal', appealRows),
    decideAppeal: verb<'decide-appeal'>('decideAppeal', appealDecisionRows),
    reopenCase: verb<'reopen'>('reopenCase', reopeningRows),
    lapseClock: (request: LapseRequest): Promise<Answer> =>
      asFailure(() => lapseClock(deps, request), deps.note),
  };
}
export type Activities = ReturnType<typeof createActivities>;
