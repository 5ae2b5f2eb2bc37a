// A database that was restored from an older copy, on real Postgres: the sequencer refuses to write another past over it, names the gap
// and what is left of it, and goes on as soon as the newer database is back.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { knownSize } from '../../bin/known-size.ts';
import { connect } from '../../db/connection.ts';
import { waitingLeaves } from '../../db/views/public-log.ts';
import type { PeerLog } from '../../ledger/reader.ts';
import { gapBetween, gapInWords, knownToMembers, LogRestored } from '../../ledger/restored.ts';
import { createSequencer } from '../../ledger/sequencer.ts';
import { recordEvent } from '../../web/recorded.ts';
import { createVerifyWorld, peerOf, type VerifyWorld } from '../support/verify-world.ts';

let v: VerifyWorld;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rehab-known-'));
  v = await createVerifyWorld();
  await v.live(['refused']);
  await v.anchor();
});
afterAll(async () => {
  await v.close();
  rmSync(folder, { recursive: true, force: true });
});

const act = () =>
  recordEvent(
    v.world.recorder,
    randomBytes(16).toString('hex'),
    { person: v.world.as('auditor').id, role: 'auditor' },
    'verification.run',
    { ok: true },
  );
/** A sequencer over a database whose log is known to have had this size. */
function sequencerOf(url: string, known: number) {
  const options = { url, signer: v.signer, now: () => new Date(), known: () => known };
  return createSequencer(options);
}

const silent: PeerLog = {
  organisation: 'association',
  head: () => Promise.reject(new Error('no answer')),
  checkpointAt: () => Promise.reject(new Error('no answer')),
  leaves: () => Promise.reject(new Error('no answer')),
};

test('a log that is older than the members know it is not gone on with, and the gap is named', async () => {
  const before = await v.anchor();
  for (let i = 0; i < 3; i++) await act(); // recorded, without a place yet: these stand in the backup
  await v.onCopy(async (owner, verifyUrl) => {
    for (let i = 0; i < 10; i++) await act(); // these do not
    const after = await v.anchor();
    expect(after).toBe(before + 13);

    const restored = new URL(v.world.fresh.urls.ledger);
    restored.pathname = new URL(verifyUrl).pathname;
    const peers = v.copies.map(peerOf);
    const known = await knownToMembers(peers);
    expect(known).toEqual({ size: after, answered: 3 });
    const sequencer = sequencerOf(restored.href, known.size);
    const { db, close } = connect(restored.href, { max: 1, name: 'test-ledger' });
    try {
      await owner`insert into audit_entries (id, subject_kind, subject_id, subject_version, event, person_id, at, body, signature, key_id)
        values (gen_random_uuid(), 'test', gen_random_uuid(), 1, 'verification.run', gen_random_uuid(), now(), 'new work', '', 'test')`;
      const refused = await sequencer.once().catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(LogRestored);
      expect(refused).toMatchObject({ size: before, known: after });
      const [left] = await owner`
        select (select count(*)::int from log_leaves) as leaves, (select max(size)::int from log_checkpoints) as checkpoint`;
      expect(left).toEqual({ leaves: before, checkpoint: before });

      const gap = await gapBetween(before, after, peers, await waitingLeaves(db));
      expect(gap).toEqual({ from: before, to: after, onChain: 13, bodiesHere: 3, bodiesLost: 10 });
      const words = gapInWords(gap);
      expect(words).toContain(`Entries ${before} to ${after - 1} are missing here`);
      expect(words).toContain('rehab replay --all');
      // With the chain away, what can be brought back is not known, and is not claimed.
      expect(await gapBetween(before, after, [silent], [])).toMatchObject({ onChain: 0, bodiesLost: 13 });
    } finally {
      await close();
      await sequencer.close();
    }
  });
  // The newer database is back: the same question, and the work goes on.
  const { size } = await knownToMembers(v.copies.map(peerOf));
  const again = sequencerOf(v.world.fresh.urls.ledger, size);
  await act();
  expect((await again.once()).taken).toBe(1);
  await again.close();
});

test('one member alone stops nobody, and silent ones say nothing', async () => {
  const [copy] = v.cloneCopies();
  if (!copy) throw new Error('a copy is needed');
  const liar: PeerLog = { ...peerOf(copy), head: async () => ({ size: 1_000_000, root: randomBytes(32) }) };
  const honest = v.copies.map(peerOf);
  const size = (await knownToMembers(honest)).size;
  expect(await knownToMembers([liar, ...honest.slice(1)])).toEqual({ size, answered: 3 });
  expect(await knownToMembers([liar, silent, silent])).toEqual({ size: 0, answered: 1 });
});

test('a machine remembers what it published, also when no member answers', () => {
  const first = knownSize(folder);
  expect(first.get()).toBe(0);
  first.raise(40);
  first.raise(30);
  expect([first.get(), knownSize(folder).get()]).toEqual([40, 40]);
});
