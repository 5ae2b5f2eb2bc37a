// Sound runs stay sound: over thirty cases of all kinds, with entries that are not anchored, on an empty log, and while
// people work. Whatever is reported here is a false finding.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { onDatabase, STORIES, type Story } from '../support/stories.ts';
import { createVerifyWorld, peerOf, type VerifyWorld } from '../support/verify-world.ts';

const KINDS = Object.keys(STORIES) as Story[];

let world: VerifyWorld;
beforeAll(async () => {
  world = await createVerifyWorld();
});
afterAll(() => world.close());

describe('verify finds nothing', () => {
  test('in a log that has not begun, with people waiting to be sequenced', async () => {
    const report = await world.verify();
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ status: 'sound', size: 0, counts: { entries: 0, leaves: 0 } });
    expect(report.counts.pending).toBeGreaterThan(0);
  });

  test('in thirty cases, all anchored: every count is the size', async () => {
    await world.live(Array.from({ length: 30 }, (_, at) => KINDS[at % KINDS.length] as Story));
    const size = await world.anchor();
    const report = await world.verify();
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({
      status: 'sound',
      size,
      counts: {
        entries: size,
        leaves: size,
        anchored: { administration: size, hospital: size, association: size },
        pending: 0,
      },
    });
    expect(size).toBeGreaterThan(250);
  });

  test('in what came after the anchor, sequenced or not', async () => {
    await STORIES.withdrawn(onDatabase(world.world));
    await world.sequencer.once();
    await STORIES.refused(onDatabase(world.world));
    const report = await world.verify();
    expect(report.findings).toEqual([]);
    expect(report.status).toBe('sound');
    expect(report.counts.pending).toBeGreaterThanOrEqual(4);
    await world.anchor();
  });

  test('while people work, entries are sequenced and batches anchored', async () => {
    let working = true;
    const works = (async () => {
      const stage = onDatabase(world.world);
      for (let at = 0; working; at++) {
        await STORIES[KINDS[at % KINDS.length] as Story](stage);
        await (at % 2 ? world.anchor() : world.sequencer.once());
      }
    })();
    try {
      const sizes = new Set<number>();
      for (let run = 0; run < 5; run++) {
        const report = await world.verify();
        expect(report.findings).toEqual([]);
        expect(report.status).toBe('sound');
        sizes.add(report.size);
      }
      // Work really went on between the runs.
      expect(sizes.size).toBeGreaterThan(1);
    } finally {
      working = false;
      await works;
    }
  }, 300_000);

  test('with a peer that lags and catches up while it is waited for', async () => {
    await world.anchor();
    const [first, ...others] = world.cloneCopies();
    if (!first) throw new Error('no copy');
    const caughtUp = peerOf(first);
    const size = (await caughtUp.head()).size;
    let asked = 0;
    const lagging = {
      ...caughtUp,
      head: async () => (asked++ < 3 ? { size: 0, root: new Uint8Array(32) } : await caughtUp.head()),
    };
    const report = await world.verify({ peers: [lagging, ...others.map(peerOf)] });
    expect(report.findings).toEqual([]);
    expect(report.size).toBe(size);
  });
});
