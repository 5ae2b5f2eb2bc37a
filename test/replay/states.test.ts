// Sound states with histories: cases that live through a real Temporal, act by act in an order drawn by a seed, verified after each
// act and while the next one is under way: database, log, chain and histories in one run. Whatever is reported is a false finding.
import { expect, test } from 'vitest';
import { compareHistories, digestWith, temporalReader } from '../../bin/replay/histories.ts';
import { recordedActs } from '../../bin/replay/recorded-acts.ts';
import { seeded } from '../support/mutation.ts';
import { onTemporal } from '../support/stories.ts';
import { createTemporalWorld } from '../support/temporal-world.ts';
import { inTurns } from '../support/turns.ts';
import { createVerifyWorld } from '../support/verify-world.ts';

const SEED = Number(process.env.REHAB_TEST_SEED ?? 20261123);
/** States of one world, after which its cases are many and a new world is quicker. */
const STATES = 50;
const WORLDS = process.env.REHAB_SOAK ? 10 : 2;
/** A case that just moved is read again for so long; a sound one agrees much sooner. */
const SETTLE_MS = 60_000;

test.each(Array.from({ length: WORLDS }, (_, at) => SEED + at))(
  `${STATES} states of one world, histories compared (seed %i)`,
  async (seed) => {
    const choose = seeded(seed);
    const temporal = await createTemporalWorld();
    const world = await createVerifyWorld(temporal);
    const recorded = recordedActs(temporal.fresh.urls.verify);
    const turns = inTurns(onTemporal(temporal), choose);
    const histories = () =>
      compareHistories({
        reader: temporalReader(temporal.client, temporal.taskQueue),
        converter: temporal.converter,
        recorded,
        digestOf: digestWith(temporal.recorder.keys),
        settleMs: SETTLE_MS,
        progress: () => undefined,
      });
    const states = new Set<string>();
    let cases = 0;
    try {
      for (let run = 0; states.size < STATES && run < 3 * STATES; run++) {
        const what = choose(10);
        const doing = what < 8 ? turns.step() : what < 9 ? world.sequencer.once() : world.anchor();
        // One in three sees the act while it is under way.
        if (choose(3) > 0) await doing;
        const { findings, status, size, counts } = await world.verify({ change: { histories } });
        expect(findings).toEqual([]);
        expect(status).toBe('sound');
        states.add(
          `${size} anchored, ${counts.leaves} leaves, ${counts.pending} waiting, ${counts.cases} cases`,
        );
        cases = Math.max(cases, counts.cases ?? 0);
        await doing;
      }
      expect(states.size).toBeGreaterThanOrEqual(STATES);
      expect(cases).toBeGreaterThan(3);
      console.info(`histories: ${states.size} sound states of ${cases} cases, none reported`);
    } finally {
      await turns.end();
      await recorded.close();
      // The world that it verifies is closed with it.
      await world.close();
    }
  },
  600_000,
);
