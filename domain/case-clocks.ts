// Station 0, rules: which limits start, stand still, go on and stop when a case changes its state. Pure: what a
// limit's length comes to in its calendar is asked of `dueAfter`, which parameters answer.
import { type CaseClock, type CaseState, PAUSED_IN, STATE_CLOCKS } from './lifecycle.ts';

/** A clock of a case, as it stands in its row. Instants are ISO 8601 UTC. */
export interface RunningClock {
  readonly id: string;
  readonly clock: CaseClock;
  readonly startedAt: string;
  readonly dueAt: string;
  readonly pausedAt: string | null;
  readonly pausedMs: number;
  readonly stoppedAt: string | null;
  readonly lapsedAt: string | null;
}

/** The last instant of a limit that started at `startedAt` and stood still for `pausedMs`. */
export type DueAfter = (clock: CaseClock, startedAt: string, pausedMs: number) => string;

/** The clocks to write: those that changed and those that began. */
export interface ClockChanges {
  readonly changed: readonly RunningClock[];
  readonly begun: readonly RunningClock[];
}

/** What entering `state` at `at` does to the clocks that run. Every clock named twice by a caller stays one. */
export function clocksOnEntering(
  state: CaseState,
  running: readonly RunningClock[],
  at: string,
  dueAfter: DueAfter,
  newId: () => string,
): ClockChanges {
  const wanted = STATE_CLOCKS[state];
  const still = PAUSED_IN[state] ?? [];
  const changed: RunningClock[] = [];
  for (const clock of running) {
    if (!wanted.includes(clock.clock)) {
      changed.push({ ...clock, stoppedAt: at });
    } else if (still.includes(clock.clock) && !clock.pausedAt) {
      changed.push({ ...clock, pausedAt: at });
    } else if (!still.includes(clock.clock) && clock.pausedAt) {
      // Two machines' clocks: a pause that seems to end before it began took no time, and never shortens a limit.
      const pausedMs = clock.pausedMs + Math.max(0, Date.parse(at) - Date.parse(clock.pausedAt));
      changed.push({
        ...clock,
        pausedAt: null,
        pausedMs,
        dueAt: dueAfter(clock.clock, clock.startedAt, pausedMs),
      });
    }
  }
  const begun = wanted
    .filter((clock) => !running.some((r) => r.clock === clock))
    .map(
      (clock): RunningClock => ({
        id: newId(),
        clock,
        startedAt: at,
        dueAt: dueAfter(clock, at, 0),
        pausedAt: still.includes(clock) ? at : null,
        pausedMs: 0,
        stoppedAt: null,
        lapsedAt: null,
      }),
    );
  return { changed, begun };
}

/** The clock that ends next, among those that run, do not stand still and have not had their effect. */
export function nextLapse(
  clocks: readonly RunningClock[],
): { clockId: string; clock: CaseClock; at: string } | null {
  const due = clocks
    .filter((c) => !c.stoppedAt && !c.pausedAt && !c.lapsedAt)
    .sort((a, b) => (a.dueAt < b.dueAt ? -1 : a.dueAt > b.dueAt ? 1 : a.id < b.id ? -1 : 1));
  const first = due[0];
  return first ? { clockId: first.id, clock: first.clock, at: first.dueAt } : null;
}
