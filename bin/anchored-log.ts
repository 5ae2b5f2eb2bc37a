// Composition: our own log as the anchor reads it, from what the sequencer committed, and the row that says what the chain
// has. Reads only; the row is the caller's to write.
import { and, asc, desc, gte, lt, lte } from 'drizzle-orm';
import type { Database } from '../db/connection.ts';
import { type logAnchors, logCheckpoints, logLeaves } from '../db/schema.ts';
import type { AnchoredLog } from '../ledger/anchor.ts';
import { signNote } from '../ledger/checkpoint.ts';
import type { SizedRoot } from '../ledger/reader.ts';
import type { LogSigner } from '../ledger/sequencer.ts';
import { anchoredText } from '../ledger/verify-notes.ts';

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

/** The row of `log_anchors` that says, signed, that the chain was seen to hold this size and root at this time. */
export async function anchorRow(
  signer: LogSigner,
  { size, root }: SizedRoot,
  seenAt: Date,
): Promise<typeof logAnchors.$inferInsert> {
  const at = seenAt.toISOString();
  const note = await signNote(
    anchoredText(signer.name, { size, root, at }),
    signer.name,
    signer.keyId,
    signer.sign,
  );
  return { size, root, at, note };
}
