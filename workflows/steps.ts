// Station 2, how a step is carried out: as a local activity, and when that does not succeed in five seconds, as an
// ordinary one without limit, with the same key. The key makes the second way the same act. One step at a time: local
// activities that ran beside each other may come back in another order when the history is replayed.
import { isCancellation, proxyActivities, proxyLocalActivities, TemporalFailure } from '@temporalio/workflow';
import type { Activities } from '../activities/create.ts';
import type { LapseRequest } from '../activities/limits.ts';
import type { Action } from '../domain/lifecycle.ts';
import { type ActRequest, type Answer, type Progress, UPDATE_NAMES } from './messages.ts';
import { PATIENT, SHORT } from './policies.ts';

export interface Steps {
  act(action: Action, request: ActRequest): Promise<Answer>;
  /** Lets a limit have its effect; `moved` is told when the limit no longer ends then. */
  lapse(request: LapseRequest, moved: (next: NonNullable<Progress>['next']) => void): Promise<Answer>;
}

export function createSteps(): Steps {
  const short = proxyLocalActivities<Activities>(SHORT);
  const patient = proxyActivities<Activities>(PATIENT);
  type Verb = (input: unknown) => Promise<Answer>;
  const carryOut = async (name: keyof Activities, input: unknown): Promise<Answer> => {
    try {
      return await (short[name] as Verb)(input);
    } catch (error) {
      // A local activity's failure comes bare, an ordinary one's in an ActivityFailure: both are TemporalFailures.
      if (!(error instanceof TemporalFailure) || isCancellation(error)) throw error;
      return await (patient[name] as Verb)(input);
    }
  };
  let last: Promise<unknown> = Promise.resolve();
  /** After the step before it. Two acts on one case could not be written at once anyway: the case's version is their lock. */
  const inTurn = (body: () => Promise<Answer>): Promise<Answer> => {
    const turn = last.then(body, body);
    last = turn.catch(() => undefined);
    return turn;
  };
  return {
    act: (action, request) => inTurn(() => carryOut(UPDATE_NAMES[action], request)),
    async lapse(request, moved) {
      const answer = await inTurn(() => carryOut('lapseClock', request));
      if (answer.kind === 'refusal' && answer.detail?.next) moved(JSON.parse(answer.detail.next));
      return answer;
    },
  };
}
