// A past that is rewritten with everything the operator has: row, entry, all leaves after it, tree, checkpoints, head, signed again
// with the service's and the log's real keys. The database then agrees with itself; the chain alone gives it away.

import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rewriteWithdrawal } from '../support/rewriting.ts';
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

/** The past rewritten with the world's keys, and what peers would hold if they had gone along. */
async function rewrite(sql: Sql, caseId: string) {
  const { keyStore, recorder } = world.world;
  const hands = { keyStore, service: recorder.signer, log: world.signer };
  const { leaves, checkpoints, ...rest } = await rewriteWithdrawal(sql, caseId, hands);
  const copies = world.copies.map(
    ({ organisation }): Copy => ({ organisation, leaves: [...leaves], checkpoints }),
  );
  return { ...rest, copies };
}

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
