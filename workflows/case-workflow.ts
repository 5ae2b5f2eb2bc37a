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
import {
  type ActRequest,
  type Answer,
  actUpdate,
  type CaseStart,
  type Progress,
  progressQuery,
} from './messages.ts';
import { A_MOMENT_MS, ANSWERS_CARRIED, EVENTS_PER_RUN } from './policies.ts';
import { createSteps } from './steps.ts';

const STAGE = defineSearchAttributeKey('RehabStage', 'KEYWORD');
const OUTCOME = defineSearchAttributeKey('RehabOutcome', 'KEYWORD');

/**
 * One case. Ends when the case is closed: after follow-up, a withdrawal, or a refusal whose appeal period is over.
 * @returns the outcome, or null when the application itself was refused entry (a duplicate)
 */
export async function caseWorkflow(start: CaseStart): Promise<Outcome | null> {
  const steps = createSteps();
  const answered = new Map<string, Answer>(start.answered ?? []);
  let now: Progress = start.adopted ?? null;
  let told = now;
  let begun = now !== null;

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

  while (now && now.state !== 'closed') {
    tell(told, now);
    told = now;
    const { version, next } = now as NonNullable<Progress>;
    const changed = () => now?.version !== version || handOver();
    const inTime = await untilOr(changed, next?.at);
    if (!inTime && next) {
      // The limit ran out while nobody acted: it has its effect once, or turns out to have moved.
      adopt(
        await steps.lapse({ caseId: start.caseId, clockId: next.clockId }, (moved) => {
          if (now && now.version === version) now = { ...now, next: moved };
        }),
      );
    }
    if (handOver() && now && (now as NonNullable<Progress>).state !== 'closed') {
      await condition(allHandlersFinished);
      await continueAsNew<typeof caseWorkflow>({
        caseId: start.caseId,
        adopted: now,
        answered: [...answered].slice(-ANSWERS_CARRIED),
      });
    }
  }
  if (now) tell(told, now);
  // Whoever asked last is answered before the run ends.
  await condition(allHandlersFinished);
  return now?.outcome ?? null;
}

/** Waits for `happened`, or a moment longer than until `at`; true when it happened in time. */
async function untilOr(happened: () => boolean, at: string | undefined): Promise<boolean> {
  if (at) return await condition(happened, Math.max(0, Date.parse(at) - Date.now()) + A_MOMENT_MS);
  await condition(happened);
  return true;
}

/** A long history goes on in a new run, so that no case outgrows what Temporal keeps. */
function handOver(): boolean {
  const info = workflowInfo();
  return info.continueAsNewSuggested || info.historyLength > EVENTS_PER_RUN;
}

/** Temporal's own lists show stage and outcome, and nothing else about a case. */
function tell(before: Progress, now: NonNullable<Progress>): void {
  if (before?.stage === now.stage && before.outcome === now.outcome) return;
  upsertSearchAttributes([
    { key: STAGE, value: now.stage },
    { key: OUTCOME, value: now.outcome },
  ]);
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
