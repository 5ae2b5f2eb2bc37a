// Station 1, reads for the public log: the newest checkpoint, tiles and bundles of commitments as C2SP tlog-tiles serves them.
// Hashes alone: nothing here can say whom an entry is about. Never gives a tile that the log does not have in full width.
import { and, asc, desc, eq, gte, lt, sql } from 'drizzle-orm';
import type { Database } from '../connection.ts';
import { logCheckpoints, logCosignatureCache, logLeaves, logTiles } from '../schema.ts';

/** The newest checkpoint's note, with the members' cosignatures that there are; undefined while the log is empty. */
export async function newestNote(db: Database): Promise<{ size: number; note: string } | undefined> {
  const [row] = await db
    .select({ size: logCheckpoints.size, note: logCheckpoints.note })
    .from(logCheckpoints)
    .orderBy(desc(logCheckpoints.size))
    .limit(1);
  return row && { size: row.size, note: row.note + (await cosignatureLines(db, row.size)) };
}

/** Lines of a note, in the order of the organisations' names: a signed note takes them behind its own. */
async function cosignatureLines(db: Database, size: number): Promise<string> {
  const rows = await db
    .select({ line: logCosignatureCache.line })
    .from(logCosignatureCache)
    .where(eq(logCosignatureCache.size, size))
    .orderBy(asc(logCosignatureCache.organisation));
  return rows.map(({ line }) => `${line}\n`).join('');
}

/** A full tile as it was written, with the root that was written beside it. */
export async function fullTile(
  db: Database,
  level: number,
  index: number,
): Promise<{ hashes: Uint8Array; root: Uint8Array } | undefined> {
  const [row] = await db
    .select({ hashes: logTiles.hashes, root: logTiles.root })
    .from(logTiles)
    .where(and(eq(logTiles.level, level), eq(logTiles.index, index)));
  return row;
}

/** Hashes [from, to) of a level: leaf hashes, or roots of the tiles below. Fewer when the log has no more. */
export async function levelHashes(
  db: Database,
  level: number,
  from: number,
  to: number,
): Promise<readonly Uint8Array[]> {
  if (level === 0) {
    const rows = await db
      .select({ hash: logLeaves.leafHash })
      .from(logLeaves)
      .where(and(gte(logLeaves.index, from), lt(logLeaves.index, to)))
      .orderBy(asc(logLeaves.index));
    return rows.map(({ hash }) => hash);
  }
  const rows = await db
    .select({ hash: logTiles.root })
    .from(logTiles)
    .where(and(eq(logTiles.level, level - 1), gte(logTiles.index, from), lt(logTiles.index, to)))
    .orderBy(asc(logTiles.index));
  return rows.map(({ hash }) => hash);
}

/** Commitments of leaves [from, to), what the log's entries are to everybody. Fewer when the log has no more. */
export async function commitments(db: Database, from: number, to: number): Promise<readonly Uint8Array[]> {
  const rows = await db
    .select({ commitment: logLeaves.commitment })
    .from(logLeaves)
    .where(and(gte(logLeaves.index, from), lt(logLeaves.index, to)))
    .orderBy(asc(logLeaves.index));
  return rows.map(({ commitment }) => commitment);
}

/** Leaf hashes that entries without a place would have (RFC 6962), as Postgres computes them. */
export async function waitingLeaves(db: Database): Promise<readonly Uint8Array[]> {
  const rows = await db.execute<{ leaf: Uint8Array }>(sql`
    select sha256('\\x00'::bytea || sha256(e.body)) as leaf from audit_entries e
    where not exists (select 1 from log_leaves l where l.entry_id = e.id)`);
  return rows.map(({ leaf }) => leaf);
}
