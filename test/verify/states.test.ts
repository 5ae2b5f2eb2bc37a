// Five hundred sound states are sound: worlds that grow act by act in an order drawn by a seed, verified after each step and
// while the next one is under way, with entries that wait, that are sequenced, that are anchored, and a peer that lags.
import { afterAll, expect, test } from 'vitest';
import { rootOf } from '../../ledger/merkle.ts';
import type { PeerLog } from '../../ledger/reader.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import type { StoredLog } from '../../ledger/verify-sources.ts';
import { type Choose, seeded } from '../support/mutation.ts';
import { onDatabase, STORIES, type Stage, type Story } from '../support/stories.ts';
import { createVerifyWorld, peerOf, type VerifyWorld } from '../support/verify-world.ts';

const SEED = Number(process.env.REHAB_TEST_SEED ?? 20261123);
const WORLDS = 5;
const STATES = 100;
/** Stories told at a time in one world. */
const LANES = 3;
const KINDS = Object.keys(STORIES) as Story[];

/** A stage on which nobody acts before their turn. */
function inTurns(world: VerifyWorld, choose: Choose) {
  const stage = onDatabase(world.world);
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

/** What a state is told apart by: what the snapshot held, and what was anchored. */
function watched(stored: StoredLog, seen: (mark: string) => void): StoredLog {
  let entries = 0;
  return {
    ...stored,
    async *leaves() {
      for await (const portion of stored.leaves()) {
        entries += portion.length;
        yield portion;
      }
    },
    async *pending() {
      const sequenced = entries;
      for await (const portion of stored.pending()) {
        entries += portion.length;
        yield portion;
      }
      seen(`${sequenced} of ${entries}`);
    },
  };
}

/** A peer that is at nothing when it is first asked. */
function lagging(peer: PeerLog): PeerLog {
  let asked = 0;
  return {
    ...peer,
    head: async () => (asked++ < 2 ? { size: 0, root: rootOf([], nodeHashing.hash) } : await peer.head()),
  };
}

const found: number[] = [];
afterAll(() => {
  console.info(`sound states verified: ${found.reduce((a, b) => a + b, 0)}, reported: 0`);
});

test.each(Array.from({ length: WORLDS }, (_, at) => SEED + at))(
  `${STATES} states of one world (seed %i)`,
  async (seed) => {
    const choose = seeded(seed);
    const world = await createVerifyWorld();
    const turns = inTurns(world, choose);
    const states = new Set<string>();
    try {
      for (let run = 0; states.size < STATES && run < 3 * STATES; run++) {
        const what = choose(10);
        const doing = what < 7 ? turns.step() : what < 9 ? world.sequencer.once() : world.anchor();
        // Half of the runs see the step while it is under way.
        if (choose(2) === 0) await doing;
        const anchored = Math.max(0, ...(world.copies[0]?.checkpoints.keys() ?? []));
        const late = choose(6);
        const peers = world.copies.map(peerOf).map((peer, at) => (at === late ? lagging(peer) : peer));
        const report = await world.verify({
          peers,
          watch: (stored) => watched(stored, (mark) => states.add(`${mark}, anchored ${anchored}`)),
        });
        expect(report.findings).toEqual([]);
        expect(report.status).toBe('sound');
        await doing;
      }
      expect(states.size).toBeGreaterThanOrEqual(STATES);
      found.push(states.size);
    } finally {
      await turns.end();
      await world.close();
    }
  },
  300_000,
);

test('every world was verified to its end', () => {
  expect(found.reduce((a, b) => a + b, 0)).toBeGreaterThanOrEqual(WORLDS * STATES);
});
