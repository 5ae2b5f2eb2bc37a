// Station 1, reads for screens: where the log stands, and the state of an entry in the log's own words.
import { desc, sql } from 'drizzle-orm';
import type { Database } from '../connection.ts';
import { logAnchors, logHead } from '../schema.ts';

/** Size of the newest checkpoint and of the newest one the chain has accepted. */
export async function newestCheckpoint(
  db: Database,
): Promise<{ size: number; anchored: number | undefined }> {
  const [head] = await db.select({ size: logHead.size }).from(logHead);
  const [anchor] = await db
    .select({ size: logAnchors.size })
    .from(logAnchors)
    .orderBy(desc(logAnchors.size))
    .limit(1);
  return { size: head?.size ?? 0, anchored: anchor?.size };
}

/** Entries that have no place in the log yet, and those the chain has not accepted; with the age of the oldest. */
export async function logBacklog(
  db: Database,
): Promise<{ pending: number; unanchored: number; oldestAt: string | null }> {
  const [row] = await db.execute<{ pending: number; unanchored: number; oldest: string | null }>(sql`
    with anchored as (select coalesce(max(size), 0) as size from log_anchors)
    select
      (select count(*)::int from audit_entries e where e.xact >= coalesce((select a.xact from log_leaves l join audit_entries a on a.id = l.entry_id order by l.index desc offset 5000 limit 1), '0'::xid8) and not exists (select 1 from log_leaves l where l.entry_id = e.id)) as pending,
      (select h.size - a.size from log_head h, anchored a)::int as unanchored,
      (select to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') from log_leaves l join audit_entries e on e.id = l.entry_id, anchored a where l.index = a.size) as oldest`);
  return { pending: row?.pending ?? 0, unanchored: row?.unanchored ?? 0, oldestAt: row?.oldest ?? null };
}
