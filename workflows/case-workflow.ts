// Station 2, the story of a case: people's acts come as Updates, limits come as timers, and the case goes from
// application to approval and follow-up until nothing can happen any more. Postgres says what happened; this says
// what must happen next. Deterministic: no I/O, no clock of its own, no random.

import { defineSearchAttributeKey } from '@temporalio/common';
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { ACTIONS, type Outcome } from '../domain/lifecycle.ts';
import { limitTimer } from './limit-timer.ts';
import {
  type ActRequest,
  type Answer,
  actUpdate,
  type CaseStart,
  type Progress,
  progressQuery,
} from './messages.ts';
import {
  A_MOMENT_MS,
  A_WHILE_MS,
  ANSWERS_CARRIED,
  EVENTS_PER_RUN,
  LEAST_EVENTS_PER_RUN,
} from './policies.ts';
import { createSteps } from './steps.ts';

const STAGE = defineSearchAttributeKey('RehabStage', 'KEYWORD');
const OUTCOME = defineSearchAttributeKey('RehabOutcome', 'KEYWORD');

/**
 * One case. Ends when the case is closed: after follow-up, a withdrawal, or a refusal whose appeal period is over.
 * @returns the outcome, or null when the application itself was refused entry (a duplicate)
 */
export async function caseWorkflow(start: CaseStart): Promise<Outcome | null> {
  const steps = createSteps();
  const untilOr = limitTimer();
  const answered = new Map<string, Answer>(start.answered ?? []);
  let now: Progress = start.adopted ?? null;
  let told = now;
  let begun = now !== null;
  /** Where the case is by now: handlers change it while the story below waits. */
  const current = (): Progress => now;

  /** The newest version wins: acts may overtake each other between transaction and workflow task. */
  const adopt = (answer: Answer): void => {
    begun = true;
    if (answer.kind === 'done' && (!now || answer.version > now.version)) {
      now = {
        state: answer.state,
        stage: answer.stage,
        outcome: answer.outcome,
        version: answer.version,
        next: answer.next,
      };
    }
  };

  for (const action of ACTIONS) {
    setHandler(
      actUpdate(action),
      async (request: ActRequest): Promise<Answer> => {
        const before = answered.get(request.key);
        if (before) return before;
        const answer = await steps.act(action, request);
        answered.set(request.key, answer);
        adopt(answer);
        return answer;
      },
      { validator: (request) => demandShape(action, start.caseId, request) },
    );
  }
  setHandler(progressQuery, () => now);

  // The first act opens the case, or is refused and leaves nothing behind.
  await condition(() => begun && allHandlersFinished());

  let margin = A_MOMENT_MS;
  for (;;) {
    const seen = current();
    if (!seen || seen.state === 'closed') {
      if (seen) told = tell(told, seen);
      // Whoever asked last is answered before the run ends, and may have opened the case again.
      await condition(allHandlersFinished);
      if (current() !== seen) continue;
      return seen?.outcome ?? null;
    }
    told = tell(told, seen);
    const { version, next } = seen;
    const inTime = await untilOr(() => current()?.version !== version || handOver(start), next?.at, margin);
    margin = A_MOMENT_MS;
    if (!inTime && next) {
      // The limit ran out while nobody acted: it has its effect once, or turns out to have moved.
      adopt(
        await steps.lapse({ caseId: start.caseId, clockId: next.clockId }, (moved) => {
          if (now && now.version === version) now = { ...now, next: moved };
        }),
      );
      const after = current();
      if (after?.version === version && after.next?.at === next.at)
        margin = Math.min(2 * (Date.now() - Date.parse(next.at)), A_WHILE_MS);
    }
    if (handOver(start)) {
      await condition(allHandlersFinished);
      const last = current();
      // A case that was closed meanwhile needs no other run; the next run takes over what is told as told.
      if (!last || last.state === 'closed') continue;
      tell(told, last);
      await continueAsNew<typeof caseWorkflow>({
        ...start,
        adopted: last,
        answered: [...answered].slice(-ANSWERS_CARRIED),
      });
    }
  }
}

/** A long history goes on in a new run, so that no case outgrows what Temporal keeps. */
function handOver({ eventsPerRun = EVENTS_PER_RUN }: CaseStart): boolean {
  const info = workflowInfo();
  return info.continueAsNewSuggested || info.historyLength > Math.max(eventsPerRun, LEAST_EVENTS_PER_RUN);
}

/** Temporal's own lists show stage and outcome, and nothing else about a case. */
function tell(before: Progress, now: NonNullable<Progress>): Progress {
  if (before?.stage !== now.stage || before.outcome !== now.outcome)
    upsertSearchAttributes([
      { key: STAGE, value: now.stage },
      { key: OUTCOME, value: now.outcome },
    ]);
  return now;
}

/** Shape only; everything a person could be told no about is decided, recorded and returned by the step. */
function demandShape(action: string, caseId: string, request: ActRequest): void {
  if (
    typeof request !== 'object' ||
    request === null ||
    request.action !== action ||
    request.caseId !== caseId ||
    typeof request.key !== 'string' ||
    typeof request.sealed !== 'string' ||
    typeof request.actor?.person !== 'string'
  )
    throw new Error('update does not have the shape of an act on this case');
}
