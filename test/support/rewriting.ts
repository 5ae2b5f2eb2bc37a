// Test support: a past that is rewritten with everything the operator has: row, entry, all leaves after it, tiles, tree,
// checkpoints, anchors and head, signed again with the service's and the log's real keys. Never touches the chain.
import { getTableName } from 'drizzle-orm';
import type { Sql } from 'postgres';
import { anchorRow } from '../../bin/anchored-log.ts';
import { RECORDED } from '../../db/schema.ts';
import { LOG_ORIGIN } from '../../domain/consortium.ts';
import { formatCheckpoint, signNote } from '../../ledger/checkpoint.ts';
import { columnDigest, type Entry, entryBytes } from '../../ledger/entry.ts';
import { appendLeaves, EMPTY_RANGE, leafHash, rootOf, rootOfRange } from '../../ledger/merkle.ts';
import { type KeyStore, nodeHashing, recordKey } from '../../ledger/record-key.ts';
import type { LogSigner } from '../../ledger/sequencer.ts';
import type { EntrySigner } from '../../ledger/signing.ts';

/** What the operator has in hand. */
export interface Hands {
  readonly keyStore: KeyStore;
  readonly service: EntrySigner;
  readonly log: LogSigner;
}

export interface Rewritten {
  /** Index of the rewritten entry. */
  readonly index: number;
  readonly entryId: string;
  /** What peers would hold if they had gone along. */
  readonly leaves: readonly Uint8Array[];
  readonly checkpoints: Map<number, { root: Uint8Array; note: string }>;
}

/** Rewrites why a case was withdrawn, and everything that follows from it, as if it had always been so. */
export async function rewriteWithdrawal(sql: Sql, caseId: string, hands: Hands): Promise<Rewritten> {
  // Whoever has all this also switches off what would note it, and on again.
  await guards(sql, 'DISABLE TRIGGER');
  const [decision] = await sql<{ id: string; entry_id: string }[]>`
    update decisions set reasons = 'Never wanted it' where case_id = ${caseId} and action = 'withdraw' returning id, entry_id`;
  if (!decision) throw new Error('no such decision');
  const secret = await hands.keyStore.get('case', caseId);
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
  await sql`update audit_entries set body = ${body}, signature = ${hands.service.sign(body)}, xact = pg_current_xact_id() where id = ${entryId}`;
  // Written anew behind the entry, as the rows that it wrote are.
  for (const table of Object.values(RECORDED).map(getTableName))
    await sql.unsafe(`update ${table} set entry_id = entry_id where entry_id = $1`, [entryId]);
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
    const { name, keyId, sign } = hands.log;
    const note = await signNote(formatCheckpoint({ origin: LOG_ORIGIN, size, root }), name, keyId, sign);
    checkpoints.set(size, { root, note });
    await sql`update log_checkpoints set root = ${root}, note = ${note} where size = ${size}`;
    const [anchor] = await sql<
      { at: Date; previous: string }[]
    >`select at, (select coalesce(max(b.size), 0) from log_anchors b where b.size < ${size}) as previous from log_anchors where size = ${size}`;
    if (anchor) {
      const previous = Number(anchor.previous);
      await sql`update log_anchors set ${sql(await anchorRow(hands.log, { size, root, previous }, anchor.at))} where size = ${size}`;
    }
    await sql`update log_head set root = ${root}, range = ${Buffer.concat(range.hashes)} where size = ${size}`;
  }
  // Every leaf after it, as tiles.
  for (const { level, index: at, hashes, root } of tilesOf(leaves))
    await sql`update log_tiles set hashes = ${hashes}, root = ${root} where level = ${level} and index = ${at}`;
  await guards(sql, 'ENABLE ALWAYS TRIGGER');
  return { index, entryId, leaves, checkpoints };
}

async function guards(sql: Sql, how: string): Promise<void> {
  const triggers = await sql<{ table: string; name: string }[]>`
    select c.relname as table, t.tgname as name from pg_trigger t join pg_class c on c.oid = t.tgrelid where not t.tgisinternal`;
  for (const { table, name } of triggers) await sql.unsafe(`alter table ${table} ${how} ${name}`);
}

/** Full tiles of the lowest level; these logs are too small for others. */
const tilesOf = (leaves: readonly Uint8Array[]) =>
  Array.from({ length: Math.floor(leaves.length / 256) }, (_, index) => {
    const mine = leaves.slice(index * 256, (index + 1) * 256);
    return { level: 0, index, hashes: Buffer.concat(mine), root: rootOf(mine, nodeHashing.hash) };
  });
