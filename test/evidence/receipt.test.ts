// Receipts against the log: who left an act out is convicted by the receipt alone, and nobody is by anything less. On a real
// database, with each organisation's own copy of the log.
import { randomBytes, verify } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signedUnder } from '../../bin/commands/receipt.ts';
import { LOG_ORIGIN } from '../../domain/consortium.ts';
import type { PeerLog } from '../../ledger/reader.ts';
import { judgeReceipt, type ReceiptSources, writeReceipt } from '../../ledger/receipt.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { recordEvent } from '../../web/recorded.ts';
import { createVerifyWorld, peerOf, type VerifyWorld } from '../support/verify-world.ts';

let v: VerifyWorld;
beforeAll(async () => {
  v = await createVerifyWorld();
  await v.live(['approved']);
  await v.anchor();
});
afterAll(async () => {
  await v.close();
});

/** Does something and gives its receipt, as it would come with the answer. */
async function act(): Promise<{ bytes: Uint8Array; entry: string; at: Date }> {
  const key = randomBytes(16).toString('hex');
  await recordEvent(
    v.world.recorder,
    key,
    { person: v.world.as('auditor').id, role: 'auditor' },
    'verification.run',
    {
      ok: true,
    },
  );
  const [row] = await v.world.worker.sql<{ id: string; at: string; body: Uint8Array }[]>`
    select e.id, e.at, e.body from operations o join audit_entries e on e.id = o.entry_id where o.id = ${key}`;
  if (!row) throw new Error('nothing was recorded');
  const at = new Date(row.at);
  const text = writeReceipt(
    LOG_ORIGIN,
    { id: row.id, operation: key, at: at.toISOString(), body: row.body },
    1440,
    { certificate: 'not certified', sign: v.world.recorder.signer.sign },
    nodeHashing,
  );
  return { bytes: new TextEncoder().encode(text), entry: row.id, at };
}

const DAY = 86_400_000;
const judge = (
  bytes: Uint8Array,
  now: Date,
  peers: readonly PeerLog[] = v.copies.map(peerOf),
  change: Partial<ReceiptSources> = {},
) =>
  judgeReceipt(bytes, {
    origin: LOG_ORIGIN,
    hash: nodeHashing.hash,
    signed: async (_, __, signed, signature) =>
      verify(
        'sha256',
        signed,
        { key: v.world.publicKey, dsaEncoding: 'ieee-p1363' },
        Buffer.from(signature, 'base64url'),
      ),
    peers,
    own: async () => false,
    now,
    wait: async () => undefined,
    ...change,
  });

const silent: PeerLog = {
  organisation: 'association',
  head: () => Promise.reject(new Error('no answer')),
  checkpointAt: () => Promise.reject(new Error('no answer')),
  leaves: () => Promise.reject(new Error('no answer')),
};

describe('a receipt', () => {
  test('is kept: the leaf is in every member’s list', async () => {
    const { bytes, at } = await act();
    const size = await v.anchor();
    const verdict = await judge(bytes, new Date(at.getTime() + 2 * DAY));
    expect(verdict).toMatchObject({ status: 'sound', index: size - 1 });
  });

  test('convicts whoever dropped the pending entry, once the time is over and not before', async () => {
    const { bytes, entry, at } = await act();
    const owner = postgres(v.world.fresh.superuserUrl, { max: 1, onnotice: () => undefined });
    await owner`delete from audit_entries where id = ${entry}`;
    await owner.end();
    await act();
    await v.anchor();
    expect(await judge(bytes, at)).toMatchObject({ status: 'unreadable' });
    expect(await judge(bytes, new Date(at.getTime() + DAY + 1))).toMatchObject({
      status: 'tampered',
      says: expect.stringContaining('left the act out'),
    });
    // One member that does not answer saves nobody; two leave nobody to ask.
    const [a, b, c] = v.copies.map(peerOf);
    if (!a || !b || !c) throw new Error('three copies are needed');
    const late = new Date(at.getTime() + 2 * DAY);
    expect((await judge(bytes, late, [a, b, silent])).status).toBe('tampered');
    expect((await judge(bytes, late, [a, silent, silent])).status).toBe('unreadable');
    const noList = { ...b, leaves: silent.leaves };
    expect((await judge(bytes, late, [a, noList, noList])).status).toBe('unreadable');
  });

  test('names members that do not agree', async () => {
    const { bytes, at } = await act();
    const size = await v.anchor();
    const copies = v.cloneCopies();
    const [first] = copies;
    if (first) first.leaves[size - 1] = randomBytes(32);
    const verdict = await judge(bytes, new Date(at.getTime() + 2 * DAY), copies.map(peerOf));
    expect(verdict).toMatchObject({ status: 'tampered', says: expect.stringContaining('2 of 3') });
  });

  test('says so when the service’s own log alone has the leaf after its time', async () => {
    const { bytes, at } = await act();
    const verdict = await judge(bytes, new Date(at.getTime() + 2 * DAY), undefined, {
      own: async () => true,
    });
    expect(verdict).toMatchObject({ status: 'tampered', says: expect.stringContaining('own log alone') });
    await v.anchor();
  });

  test('promises nothing when one byte of it is another, or another signed it', async () => {
    const { bytes, at } = await act();
    await v.anchor();
    const late = new Date(at.getTime() + 2 * DAY);
    // The certificate's own text is the authority's to check, which this world has not.
    const text = new TextDecoder().decode(bytes);
    const [from, to] = [
      text.indexOf('not certified'),
      text.indexOf('not certified') + 'not certified'.length,
    ];
    for (let i = 0; i < bytes.length - 1; i++) {
      if (i >= from && i < to) continue;
      const changed = bytes.slice();
      changed[i] = (changed[i] as number) ^ 1;
      expect([i, (await judge(changed, late)).status]).toEqual([i, 'unreadable']);
    }
    const forged = new TextDecoder()
      .decode(bytes)
      .replace(/"leaf":"[0-9a-f]{64}"/, `"leaf":"${'0'.repeat(64)}"`);
    expect((await judge(new TextEncoder().encode(forged), late)).says).toContain('not signed');
  });

  test('a certificate that is none is no signature', async () => {
    expect(await signedUnder([])('not certified', new Date(), Buffer.from('x'), '')).toBe(false);
  });
});
