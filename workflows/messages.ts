// Station 2, the messages: what may be asked of a case and what it is started with. All that the web may import of
// the workflow. Wire names are the names here without their suffix; never renamed, only added.
import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { ActRequest, Answer, Done } from '../activities/act.ts';
import type { Action } from '../domain/lifecycle.ts';

/** The Update of each action. An Update and not a Signal: whoever decides gets the answer, or the refusal, at once. */
export const UPDATE_NAMES = {
  'submit-application': 'submitApplication',
  'decide-eligibility': 'decideEligibility',
  'provide-papers': 'providePapers',
  assess: 'recordAssessment',
  'propose-plan': 'proposePlan',
  'approve-plan': 'decidePlan',
  'record-session': 'recordSession',
  're-evaluate': 'recordReevaluation',
  'decide-outcome': 'decideOutcome',
  'record-follow-up': 'recordFollowUp',
  withdraw: 'withdrawApplication',
  appeal: 'makeAppeal',
  'decide-appeal': 'decideAppeal',
  reopen: 'reopenCase',
} as const satisfies Record<Action, string>;

export const actUpdate = (action: Action) => defineUpdate<Answer, [ActRequest]>(UPDATE_NAMES[action]);

/** Where a case is, as the workflow sees it. */
export const progressQuery = defineQuery<Progress>('progress');

export type Progress = Pick<Done, 'state' | 'stage' | 'outcome' | 'version' | 'next'> | null;

/** What a run is started with. A run that took over from another brings what that one knew. */
export interface CaseStart {
  readonly caseId: string;
  readonly adopted?: Progress;
  /** Keys already answered, with their answers: a repeat after the hand-over gets the same answer again. */
  readonly answered?: readonly (readonly [key: string, answer: Answer])[];
  /** Events after which this run and those after it hand over; the policy's when absent. */
  readonly eventsPerRun?: number;
}

export type { ActRequest, Answer, Done } from '../activities/act.ts';
