// Five hundred sound states are sound: worlds that grow act by act in an order drawn by a seed, verified after each step and
// while the next one is under way, with entries that wait, that are sequenced, that are anchored, and a peer that lags.
import { afterAll, expect, test } from 'vitest';
import { rootOf } from '../../ledger/merkle.ts';
import type { PeerLog } from '../../ledger/reader.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import type { StoredLog } from '../../ledger/verify-sources.ts';
import { seeded } from '../support/mutation.ts';
import { onDatabase } from '../support/stories.ts';
import { inTurns } from '../support/turns.ts';
import { createVerifyWorld, peerOf } from '../support/verify-world.ts';

const SEED = Number(process.env.REHAB_TEST_SEED ?? 20261123);
const WORLDS = 5;
const STATES = 100;

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
    const turns = inTurns(onDatabase(world.world), choose);
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
