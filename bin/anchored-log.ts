// Composition: our own log as the anchor reads it, from what the sequencer committed, and the rows that say what the chain has,
// each naming the one before it, so that one that is taken away is missed. Never writes a size that no chain has.
import { and, asc, desc, eq, gte, lt, lte } from 'drizzle-orm';
import type { Database } from '../db/connection.ts';
import { logAnchors, logCheckpoints, logLeaves } from '../db/schema.ts';
import { ORGANISATIONS } from '../domain/consortium.ts';
import type { AnchoredLog } from '../ledger/anchor.ts';
import { signNote } from '../ledger/checkpoint.ts';
import type { Chain } from '../ledger/fabric/client.ts';
import { ChainFault } from '../ledger/fabric/trouble.ts';
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

/**
 * The row of `log_anchors` that says, signed, that the chain was seen to hold this size and root at this time.
 * @param previous the size that the chain held before it, 0 for none
 */
export async function anchorRow(
  signer: LogSigner,
  { size, root, previous }: SizedRoot & { readonly previous: number },
  seenAt: Date,
): Promise<typeof logAnchors.$inferInsert> {
  const at = seenAt.toISOString();
  const note = await signNote(
    anchoredText(signer.name, { size, root, at, previous }),
    signer.name,
    signer.keyId,
    signer.sign,
  );
  return { size, root, at, note };
}

interface Noting {
  readonly db: Database;
  readonly chain: Pick<Chain, 'checkpointAt'>;
  readonly signer: LogSigner;
  readonly now: () => Date;
}

/**
 * Writes down that the chain holds `head`; nothing when that stands there already. A head that was read, and not appended by
 * us, may follow sizes of which the database has no row: of an anchor that was killed, or restored from before them. They are
 * asked of the chain and written first.
 * @param on the size before it, where this process appended to it itself
 */
export async function noteAnchored(
  { db, chain, signer, now }: Noting,
  head: SizedRoot,
  on: number | undefined,
): Promise<void> {
  const rows: (typeof logAnchors.$inferInsert)[] = [];
  for (let next = head; next.size > 0 && !(await isNoted(db, next.size)); ) {
    const before = on === undefined ? await keptBefore(db, chain, next.size) : { size: on, root: next.root };
    rows.unshift(await anchorRow(signer, { ...next, previous: before.size }, now()));
    // What we appended to was written down before: whoever took it away since is not helped.
    if (on !== undefined) break;
    next = before;
  }
  if (rows.length > 0) await db.insert(logAnchors).values(rows).onConflictDoNothing();
}

async function isNoted(db: Database, size: number): Promise<boolean> {
  const rows = await db.select({ size: logAnchors.size }).from(logAnchors).where(eq(logAnchors.size, size));
  return rows.length > 0;
}

/** The size that the chain held before this one: the next smaller checkpoint of ours that it keeps. */
async function keptBefore(db: Database, chain: Noting['chain'], size: number): Promise<SizedRoot> {
  for (let below = size; ; ) {
    const [ours] = await db
      .select({ size: logCheckpoints.size, root: logCheckpoints.root })
      .from(logCheckpoints)
      .where(lt(logCheckpoints.size, below))
      .orderBy(desc(logCheckpoints.size))
      .limit(1);
    if (!ours) return { size: 0, root: new Uint8Array(0) };
    if (await isKept(chain, ours.size)) return ours;
    below = ours.size;
  }
}

/** Whether the chain keeps a checkpoint of this size; two peers must say so when none does. */
async function isKept(chain: Noting['chain'], size: number): Promise<boolean> {
  const answers = await Promise.allSettled(ORGANISATIONS.map((of) => chain.checkpointAt(of, size)));
  const told = answers.filter((answer) => answer.status === 'fulfilled');
  if (told.some(({ value }) => value !== undefined)) return true;
  if (told.length < 2) throw new ChainFault([]);
  return false;
}
