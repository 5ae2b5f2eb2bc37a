// Checked on threads or in one: the same findings in the same order, whatever was changed. A thread that dies is told of.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkingPool } from '../../bin/verify-pool.ts';
import type { Checking } from '../../ledger/verify-check.ts';
import { logWays } from '../support/mutate-log.ts';
import { PEER_WAYS } from '../support/mutate-peers.ts';
import { ROW_WAYS } from '../support/mutate-rows.ts';
import { seeded } from '../support/mutation.ts';
import { STORIES, type Story } from '../support/stories.ts';
import { createVerifyWorld, peerOf, type VerifyWorld } from '../support/verify-world.ts';

let world: VerifyWorld;
beforeAll(async () => {
  world = await createVerifyWorld();
  await world.live(Object.keys(STORIES) as Story[]);
  await world.anchor();
});
afterAll(() => world.close());

/** Everything but the time it took. */
const told = ({ seconds: _, ...report }: Awaited<ReturnType<VerifyWorld['verify']>>) => report;
const onThreads = {
  checking: (context: Parameters<typeof checkingPool>[0]) => checkingPool(context, { width: 2, here: 0 }),
};

test('a sound log is sound on threads, and every entry is counted', async () => {
  const report = await world.verify({ change: onThreads });
  expect(told(report)).toEqual(told(await world.verify()));
  expect(report.status).toBe('sound');
  expect(report.counts.entries).toBeGreaterThan(50);
});

test('many changes at once are found alike, and in the same order', async () => {
  const copies = world.cloneCopies();
  await world.onCopy(async (sql, url) => {
    const choose = seeded(11);
    const ways = [...ROW_WAYS, ...PEER_WAYS, ...logWays(world.signer)];
    let made = 0;
    for (let turn = 0; turn < 24; turn++) {
      const way = ways[choose(ways.length)];
      // One change may have taken away what the next one needs.
      await way?.change({ sql, copies, choose }).then(
        () => (made += 1),
        () => undefined,
      );
    }
    // A value that no canonical form stands for, which cannot be handed to a thread as it is.
    await sql`update operations set at = 'infinity' where id = (select id from operations order by id limit 1)`;
    expect(made).toBeGreaterThan(12);
    const peers = copies.map(peerOf);
    const here = told(await world.verify({ url, peers }));
    expect(here.findings.length).toBeGreaterThan(12);
    for (let run = 0; run < 3; run++)
      expect(told(await world.verify({ url, peers, change: onThreads }))).toEqual(here);
  });
});

test('a thread that ends leaves nothing passed over', async () => {
  let pool: Checking | undefined;
  const report = await world.verify({
    change: {
      note: () => undefined,
      checking(context) {
        const made = onThreads.checking(context);
        pool = made;
        return {
          ...made,
          async entries(given) {
            const answers = made.entries(given);
            // As if the system had ended it while it worked.
            void made.close();
            return await answers;
          },
        };
      },
    },
  });
  expect(pool).toBeDefined();
  expect(report.status).toBe('unreadable');
  expect(report.findings.map(({ kind }) => kind)).toContain('unreadable');
});
