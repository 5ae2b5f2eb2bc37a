// The rows that say what the chain has: complete whatever is killed when, written when the ledger starts where they are missing,
// and missed by verification where somebody took them.
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { noteAnchored } from '../../bin/anchored-log.ts';
import { connect } from '../../db/connection.ts';
import { signNote } from '../../ledger/checkpoint.ts';
import { anchoredText } from '../../ledger/verify-notes.ts';
import { quietly } from '../support/mutation.ts';
import { createVerifyWorld, peerOf, placeOf, type VerifyWorld } from '../support/verify-world.ts';

let world: VerifyWorld;
let owner: postgres.Sql;
let ledger: ReturnType<typeof connect>;
const sizes: number[] = [];

beforeAll(async () => {
  world = await createVerifyWorld();
  owner = postgres(world.world.fresh.ownerUrl, { max: 1, onnotice: () => undefined });
  ledger = connect(world.world.fresh.urls.ledger, { max: 1, name: 'anchors', statementSeconds: 30 });
  for (const story of ['withdrawn', 'refused', 'withdrawn', 'refused'] as const) {
    await world.live([story]);
    // One of our own that the chain is never told of.
    await world.sequencer.once();
    await world.live(['withdrawn']);
    sizes.push(await world.anchor());
  }
});
afterAll(async () => {
  await owner.end({ timeout: 5 });
  await ledger.close();
  await world.close();
});

const rows = async (): Promise<number[]> =>
  (await owner<{ size: string }[]>`select size from log_anchors order by size`).map(({ size }) =>
    Number(size),
  );
const without = (from: number) =>
  quietly(owner, 'log_anchors', () => owner`delete from log_anchors where size >= ${from}`);
const places = async () => (await world.verify()).findings.map(placeOf);

/** As the ledger does; the chain is what the peers keep. */
async function note(on: number | undefined): Promise<void> {
  const chain = {
    checkpointAt: async (of: string, size: number) => {
      const copy = world.copies.find(({ organisation }) => organisation === of);
      return copy && (await peerOf(copy).checkpointAt(size));
    },
  };
  const [copy] = world.copies;
  if (!copy) throw new Error('no copy');
  const head = await peerOf(copy).head();
  await noteAnchored({ db: ledger.db, chain, signer: world.signer, now: () => new Date() }, head, on);
}

test('a ledger that was killed before the newest row leaves what can be said: it is not there yet; its start writes it', async () => {
  const newest = sizes.at(-1) ?? 0;
  await without(newest);
  expect(await places()).toEqual([
    { store: 'log', table: 'log_anchors', row: String(newest), column: null, kind: 'unreadable' },
  ]);
  await note(undefined);
  expect(await rows()).toEqual(sizes);
  expect((await world.verify()).findings).toEqual([]);
  await note(undefined);
  expect(await rows()).toEqual(sizes);
});

test('rows that a restored database lacks are written from the chain, and no size that it never held', async () => {
  await without(sizes[1] ?? 0);
  expect(await places()).toEqual([
    { store: 'log', table: 'log_anchors', row: String(sizes[1]), column: null, kind: 'deleted' },
  ]);
  await note(undefined);
  expect(await rows()).toEqual(sizes);
  expect((await world.verify()).findings).toEqual([]);
});

test('what is taken away while the ledger runs is not written again, and the next row names it', async () => {
  const [last = 0, newest = 0] = sizes.slice(-2);
  await without(last);
  await note(last);
  expect(await rows()).toEqual([...sizes.slice(0, -2), newest]);
  expect(await places()).toEqual([
    { store: 'log', table: 'log_anchors', row: String(last), column: null, kind: 'deleted' },
  ]);
});

test('rows from before anchors named each other stay good', async () => {
  const { name, keyId, sign } = world.signer;
  const { report } = await world.changed(async ({ sql }) => {
    const kept = await sql<
      { size: string; root: Uint8Array; at: Date }[]
    >`select size, root, at from log_anchors`;
    await quietly(sql, 'log_anchors', async () => {
      for (const row of kept) {
        const text = anchoredText(name, { size: Number(row.size), root: row.root, at: row.at.toISOString() });
        const signed = await signNote(text, name, keyId, sign);
        await sql`update log_anchors set note = ${signed} where size = ${row.size}`;
      }
    });
  });
  expect(report.findings).toEqual([]);
});
