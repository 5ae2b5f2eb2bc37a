// Test support: stories told side by side, one act at a time in an order that is chosen, so that whoever verifies between two acts
// meets a state of its own. Ends every story that it began.
import type { Choose } from './mutation.ts';
import { STORIES, type Stage, type Story } from './stories.ts';

/** Stories told at a time in one world. */
const LANES = 3;
const KINDS = Object.keys(STORIES) as Story[];

/** A stage on which nobody acts before their turn: stories are told at a time, one act of one of them with each step. */
export function inTurns(stage: Stage, choose: Choose) {
  const waiting: (() => void)[] = [];
  let settled: () => void = () => undefined;
  const gated: Stage = {
    world: stage.world,
    async act(by, action, values, to) {
      await new Promise<void>((go) => {
        waiting.push(go);
        settled();
      });
      return await stage.act(by, action, values, to);
    },
  };
  let ended = false;
  const faults: unknown[] = [];
  const lanes = Array.from({ length: LANES }, async () => {
    while (!ended) await STORIES[KINDS[choose(KINDS.length)] as Story](gated);
  });
  for (const lane of lanes) lane.catch((error: unknown) => void faults.push(error));
  return {
    /** Lets one act happen; resolves when whoever did it waits for their next turn. */
    async step(): Promise<void> {
      if (faults.length > 0) throw faults[0];
      const rested = new Promise<void>((done) => {
        settled = done;
      });
      const [go] = waiting.splice(choose(waiting.length), 1);
      go?.();
      await Promise.race([rested, ...lanes]);
    },
    async end(): Promise<void> {
      ended = true;
      while (waiting.length > 0 || !(await Promise.race([Promise.all(lanes), soon()]))) waiting.shift()?.();
    },
  };
}

const soon = (): Promise<undefined> => new Promise((done) => setImmediate(() => done(undefined)));
