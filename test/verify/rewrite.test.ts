// A past that is rewritten with everything the operator has: row, entry, all leaves after it, tree, checkpoints, head, signed again
// with the service's and the log's real keys. The database then agrees with itself; the chain alone gives it away.

import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anchorRow } from '../../bin/anchored-log.ts';
import { LOG_ORIGIN } from '../../domain/consortium.ts';
import { formatCheckpoint, signNote } from '../../ledger/checkpoint.ts';
import { columnDigest, type Entry, entryBytes } from '../../ledger/entry.ts';
import { appendLeaves, EMPTY_RANGE, leafHash, rootOf, rootOfRange } from '../../ledger/merkle.ts';
import { nodeHashing, recordKey } from '../../ledger/record-key.ts';
import { type Copy, createVerifyWorld, peerOf, placeOf, type VerifyWorld } from '../support/verify-world.ts';

let world: VerifyWorld;
let cases: string[];
beforeAll(async () => {
  world = await createVerifyWorld();
  cases = await world.live(['approved']);
  await world.anchor();
  cases.push(...(await world.live(['withdrawn', 'refused', 'stumbling'])));
  await world.anchor();
});
afterAll(() => world.close());

/**
 * Rewrites why a case was withdrawn, and everything that follows from it, as if it had always been so.
 * @returns index of the rewritten entry, and what peers would hold if they had gone along
 */
async function rewrite(
  sql: Sql,
  caseId: string,
): Promise<{ index: number; entryId: string; copies: Copy[] }> {
  // Whoever has all this also switches off what would note it, and on again.
  await guards(sql, 'DISABLE TRIGGER');
  const [decision] = await sql<{ id: string; entry_id: string }[]>`
    update decisions set reasons = 'Never wanted it' where case_id = ${caseId} and action = 'withdraw' returning id, entry_id`;
  if (!decision) throw new Error('no such decision');
  const secret = await world.world.keyStore.get('case', caseId);
  if (!secret) throw new Error('no key');
  const entryId = decision.entry_id;
  const [stored] = await sql<{ body: Uint8Array }[]>`select body from audit_entries where id = ${entryId}`;
  const entry = JSON.parse(Buffer.from(stored?.body ?? []).toString()) as Entry;
  const body = entryBytes({
    ...entry,
    changes: entry.changes.map((change) =>
      change.key === decision.id
        ? {
            ...change,
            columns: {
              ...change.columns,
              reasons: columnDigest(
                recordKey(secret).digest,
                entryId,
                'decisions',
                change.key,
                'reasons',
                'Never wanted it',
                nodeHashing,
              ),
            },
          }
        : change,
    ),
  });
  await sql`update audit_entries set body = ${body}, signature = ${world.world.recorder.signer.sign(body)} where id = ${entryId}`;
  const commitment = nodeHashing.hash(body);
  // It was the last entry of its case, so nothing else names it.
  await sql`update audit_subjects set last = ${commitment} where entry_id = ${entryId}`;
  const [leaf] = await sql<{ index: string }[]>`
    update log_leaves set commitment = ${commitment}, leaf_hash = ${leafHash(commitment, nodeHashing.hash)} where entry_id = ${entryId} returning index`;
  const index = Number(leaf?.index);

  const leaves = (
    await sql<{ leaf_hash: Uint8Array }[]>`select leaf_hash from log_leaves order by index`
  ).map(({ leaf_hash }) => Uint8Array.from(leaf_hash));
  const checkpoints = new Map<number, { root: Uint8Array; note: string }>();
  const sizes = await sql<{ size: string }[]>`select size from log_checkpoints order by size`;
  let range = EMPTY_RANGE;
  for (const size of sizes.map((row) => Number(row.size))) {
    range = appendLeaves(range, leaves.slice(range.size, size), nodeHashing.hash);
    const root = rootOfRange(range, nodeHashing.hash);
    const { name, keyId, sign } = world.signer;
    const note = await signNote(formatCheckpoint({ origin: LOG_ORIGIN, size, root }), name, keyId, sign);
    checkpoints.set(size, { root, note });
    await sql`update log_checkpoints set root = ${root}, note = ${note} where size = ${size}`;
    const [anchor] = await sql<{ at: Date }[]>`select at from log_anchors where size = ${size}`;
    if (anchor)
      await sql`update log_anchors set ${sql(await anchorRow(world.signer, { size, root }, anchor.at))} where size = ${size}`;
    await sql`update log_head set root = ${root}, range = ${Buffer.concat(range.hashes)} where size = ${size}`;
  }
  // Every leaf after it, as tiles.
  for (const { level, index: at, hashes, root } of tilesOf(leaves))
    await sql`update log_tiles set hashes = ${hashes}, root = ${root} where level = ${level} and index = ${at}`;
  await guards(sql, 'ENABLE ALWAYS TRIGGER');
  return {
    index,
    entryId,
    copies: world.copies.map(({ organisation }) => ({ organisation, leaves, checkpoints })),
  };
}

async function guards(sql: Sql, how: string): Promise<void> {
  const triggers = await sql<{ table: string; name: string }[]>`
    select c.relname as table, t.tgname as name from pg_trigger t join pg_class c on c.oid = t.tgrelid where not t.tgisinternal`;
  for (const { table, name } of triggers) await sql.unsafe(`alter table ${table} ${how} ${name}`);
}

/** Full tiles of the lowest level; this log is too small for others. */
const tilesOf = (leaves: readonly Uint8Array[]) =>
  Array.from({ length: Math.floor(leaves.length / 256) }, (_, index) => {
    const mine = leaves.slice(index * 256, (index + 1) * 256);
    return { level: 0, index, hashes: Buffer.concat(mine), root: rootOf(mine, nodeHashing.hash) };
  });

describe('a consistent rewrite with all real keys', () => {
  test('is given away by the chain, and by nothing else', async () => {
    await world.onCopy(async (sql, url) => {
      const { index, entryId, copies } = await rewrite(sql, cases[1] as string);
      // With peers that went along there is nothing to find: so the database really agrees with itself.
      expect((await world.verify({ url, peers: copies.map(peerOf) })).findings).toEqual([]);

      const report = await world.verify({ url });
      expect(report.status).toBe('tampered');
      const places = report.findings.map(placeOf);
      expect(places).toContainEqual({
        store: 'log',
        table: 'log_leaves',
        row: String(index),
        column: 'leaf_hash',
        kind: 'edited',
      });
      expect(places).toContainEqual({
        store: 'log',
        table: 'audit_entries',
        row: entryId,
        column: 'body',
        kind: 'edited',
      });
      // Right at the checkpoint that first covered it, which the chain still holds; wrong by now.
      const leaf = report.findings.find(({ table }) => table === 'log_leaves');
      expect(leaf?.rightAt).toBeGreaterThan(index);
      expect(leaf?.wrongAt).toBe(report.size);
      // Only checkpoints that cover it were replaced.
      const replaced = report.findings.filter(({ table }) => table === 'log_checkpoints');
      expect(replaced.length).toBeGreaterThan(0);
      for (const { row } of replaced) expect(Number(row)).toBeGreaterThan(index);
    });
  });

  test('one peer that goes along is named beside it', async () => {
    await world.onCopy(async (sql, url) => {
      const { index, copies } = await rewrite(sql, cases[1] as string);
      const peers = world.copies.map((copy) =>
        peerOf(
          copy.organisation === 'hospital'
            ? (copies.find((c) => c.organisation === 'hospital') as Copy)
            : copy,
        ),
      );
      const report = await world.verify({ url, peers });
      const places = report.findings.map(placeOf);
      expect(places).toContainEqual({
        store: 'chain',
        table: 'peer-hospital',
        row: String(index),
        column: null,
        kind: 'edited',
      });
      expect(places).toContainEqual({
        store: 'chain',
        table: 'peer-hospital',
        row: 'head',
        column: 'root',
        kind: 'forked-log',
      });
      expect(places).toContainEqual({
        store: 'log',
        table: 'log_leaves',
        row: String(index),
        column: 'leaf_hash',
        kind: 'edited',
      });
      expect(report.counts.anchored).toMatchObject({
        administration: report.size,
        association: report.size,
      });
    });
  });
});
