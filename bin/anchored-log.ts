// Composition: our own log as the anchor reads it, from what the sequencer committed. Reads only.
import { and, asc, desc, gte, lt, lte } from 'drizzle-orm';
import type { Database } from '../db/connection.ts';
import { logCheckpoints, logLeaves } from '../db/schema.ts';
import type { AnchoredLog } from '../ledger/anchor.ts';

/** Checkpoints and leaf hashes out of the ledger's tables. */
export const anchoredLog = (db: Database): AnchoredLog => ({
  async checkpointUpTo(size) {
    const [row] = await db
      .select()
      .from(logCheckpoints)
      .where(lte(logCheckpoints.size, size))
      .orderBy(desc(logCheckpoints.size))
      .limit(1);
    return row && { size: row.size, root: row.root, note: row.note };
  },
  async leaves(first, count) {
    const rows = await db
      .select({ leafHash: logLeaves.leafHash })
      .from(logLeaves)
      .where(and(gte(logLeaves.index, first), lt(logLeaves.index, first + count)))
      .orderBy(asc(logLeaves.index));
    return rows.map((row) => row.leafHash);
  },
});
