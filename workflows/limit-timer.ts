// Station 2, the one timer of a case: it rings when the limit that ends next has run out. While acts leave that limit where it is,
// the timer goes on running; each that is stopped and started again is two events and a write of the server's for nothing.
import { CancellationScope, condition, patched, sleep } from '@temporalio/workflow';

/** Waits for `happened`, or `margin` milliseconds longer than until `at`; true when it happened in time. */
export type UntilOr = (happened: () => boolean, at: string | undefined, margin: number) => Promise<boolean>;

/** The case's way of waiting. Ask once, at the beginning of a run: a run that began without this goes on without it. */
export const limitTimer = (): UntilOr => (patched('limit-timer-runs-on') ? runningOn() : afresh);

function runningOn(): UntilOr {
  let running: { readonly at: string; readonly scope: CancellationScope } | undefined;
  let rang = false;

  const start = (at: string, margin: number): void => {
    const scope = new CancellationScope();
    running = { at, scope };
    const ends = scope.run(() => sleep(leftUntil(at) + margin));
    // Stopped by the next start, or with the run; whoever waits then is told by `condition`.
    ends.then(
      () => {
        rang = true;
      },
      () => undefined,
    );
  };

  return async (happened, at, margin) => {
    if (rang || running?.at !== at) {
      if (!rang) running?.scope.cancel();
      rang = false;
      running = undefined;
      if (at) start(at, margin);
    }
    await condition(() => rang || happened());
    return happened();
  };
}

/** A timer of its own for each wait. */
const afresh: UntilOr = async (happened, at, margin) => {
  if (at) return await condition(happened, leftUntil(at) + margin);
  await condition(happened);
  return true;
};

const leftUntil = (at: string): number => Math.max(0, Date.parse(at) - Date.now());
