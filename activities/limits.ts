// Station 3, the end of a limit: what happens to the case when a clock has run out. The service acts, once, under a
// key derived from the clock; a clock that was stopped or moved in the meantime has no effect.
import { insert, update } from '../db/change.ts';
import { caseFacts, readCaseFacts, ruleFacts } from '../db/writes/case-facts.ts';
import { nextLapse } from '../domain/case-clocks.ts';
import { lapseOf } from '../domain/lifecycle.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { SERVICE } from '../domain/roles.ts';
import type { JsonObject } from '../ledger/canonical.ts';
import { type Plan, recorded } from '../ledger/recorded.ts';
import { type ActDeps, type Answer, commonRows, doneAnswer } from './act.ts';

export interface LapseRequest {
  readonly caseId: string;
  readonly clockId: string;
}

/** Lets a limit have its effect. Answers with the case as it is when the limit no longer runs. */
export async function lapseClock(deps: ActDeps, request: LapseRequest): Promise<Answer> {
  const workflow = deps.workflow();
  const { answer } = await recorded(
    deps.recorder,
    {
      key: `lapse-${request.clockId}`,
      action: 'clock.lapse',
      inputDigest: request.clockId,
      subject: { kind: 'case', id: request.caseId },
      actor: SERVICE,
      about: { caseId: request.caseId },
      workflow: { ...workflow, update: '', name: '', args: '' },
    },
    caseFacts(request.caseId, SERVICE.person, SERVICE.role),
    (json, deciding): Plan | Refusal => {
      const snapshot = readCaseFacts(json);
      const kase = snapshot.case;
      if (!kase) return refuse('unknown');
      const existing = { ...snapshot, case: kase };
      const clock = snapshot.clocks.find((c) => c.id === request.clockId);
      // Stopped, paused, lengthened or already had its effect: the workflow learns what is next instead.
      if (!clock || clock.pausedAt || clock.lapsedAt || clock.dueAt > deciding.at)
        return refuse('not-due', {
          detail: { next: JSON.stringify(nextLapse(snapshot.clocks)), state: kase.state },
        });
      const step = lapseOf(ruleFacts(existing), clock.clock, ['physiotherapy']);
      if (!step) {
        const lapsed = { ...clock, lapsedAt: deciding.at };
        const rest = snapshot.clocks.map((c) => (c.id === clock.id ? lapsed : c));
        return {
          event: 'clock.lapsed',
          changes: [update('clocks', { ...lapsed, caseId: kase.id })],
          answer: doneAnswer(kase, kase, deciding.version, nextLapse(rest)) as unknown as JsonObject,
        };
      }
      const common = commonRows(deps, existing, step, undefined, null, deciding, clock.id);
      return {
        event: 'clock.lapsed',
        changes: [
          ...common.changes,
          insert('decisions', {
            id: deciding.newId(),
            caseId: kase.id,
            taskId: null,
            action: 'clock.lapse',
            choice: clock.clock,
            duty: null,
            criteria: null,
            reasons: null,
            details: null,
            stateBefore: kase.state,
            stateAfter: step.state,
            round: kase.round,
            decidedBy: SERVICE.person,
            role: 'service',
            decidedAt: deciding.at,
          }),
        ],
        answer: doneAnswer(kase, step, deciding.version, common.next) as unknown as JsonObject,
      };
    },
  );
  return answer as unknown as Answer;
}
