// Station 2, how long and how often: retry and timeout options, named once.
import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow';

/** A step of a decision is a short transaction: three tries in five seconds, in the workflow's own task. */
export const SHORT: LocalActivityOptions = {
  startToCloseTimeout: '5 seconds',
  scheduleToCloseTimeout: '5 seconds',
  retry: { maximumAttempts: 3, initialInterval: '200 milliseconds', backoffCoefficient: 2 },
};

/** The same step when Postgres is away for longer: without limit, because a decision that was accepted is kept. */
export const PATIENT: ActivityOptions = {
  startToCloseTimeout: '15 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 1.5, maximumInterval: '15 seconds' },
};

/** Answers carried to the next run; a repeat that is older than that is answered by the operation's own row. */
export const ANSWERS_CARRIED = 100;

/** Events after which a run hands over to the next. Temporal warns at 10,240 (docs: workflow execution limits). */
export const EVENTS_PER_RUN = 4000;

/** A run must outlast its own beginning, or it would only ever hand over. */
export const LEAST_EVENTS_PER_RUN = 8;

/** A timer rings this much after its limit, so that Temporal's clock and ours need not agree to the millisecond. */
export const A_MOMENT_MS = 250;

/** When they differ by more, a limit that is not yet due by ours is asked again after twice as long, up to this. */
export const A_WHILE_MS = 60_000;
