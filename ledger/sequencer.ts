// Station 5, order: takes committed entries and gives them their place in the log, in one transaction: leaves,
// head, signed checkpoint. Commit order is not serial-column order (T6), so pending entries are found by what is
// not in the log yet, never by a number that was drawn. Nothing leaves before COMMIT returned; after an unknown
// commit the head is read again. Never decides anything about an entry's content.
//
// 1. One at a time: a transaction-level advisory lock, and compare-and-swap on the head's size for a frozen
//    process that wakes late.
// 2. Entries of one subject keep their version order: a version is visible only when the one before it is.
// 3. The entry's hash is computed here from its stored bytes, never taken over.
import { createHash } from 'node:crypto';
import postgres from 'postgres';
import { LOG_ORIGIN } from '../domain/consortium.ts';
import { formatCheckpoint, type Sign, signNote } from './checkpoint.ts';
import { appendLeaves, type CompactRange, HASH_BYTES, leafHash, rootOfRange } from './merkle.ts';
import { nodeHashing } from './record-key.ts';

/** The log's checkpoint key: a C2SP key name, its 4-byte id and the Ed25519 signature. */
export interface LogSigner {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly sign: Sign;
}

export interface SequencerOptions {
  /** Connection of the `rehab_ledger` role; the sequencer keeps one direct connection of its own (T8). */
  readonly url: string;
  readonly signer: LogSigner;
  readonly now: () => Date;
  /** Entries taken at once. */
  readonly batch?: number;
}

export interface LogHead {
  readonly size: number;
  readonly root: Uint8Array;
}

export interface Sequencer {
  /**
   * Sequences what is pending, one batch. Durable when it returns.
   * @returns how many entries were taken, and the head; 0 when nothing waits or another sequencer is at work
   */
  once(): Promise<{ taken: number; head: LogHead | undefined }>;
  close(): Promise<void>;
}

/** "rehab" read as a number: the advisory lock every sequencer of this database asks for. */
const LOCK = 0x7265_6861;

/** Bytes of a compact range, largest subtree first; the size says how many there are. */
const packRange = (range: CompactRange): Buffer => Buffer.concat(range.hashes);
const unpackRange = (size: number, bytes: Uint8Array): CompactRange => ({
  size,
  hashes: Array.from(
    { length: bytes.length / HASH_BYTES },
    (_, i) => new Uint8Array(bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)),
  ),
});

export function createSequencer(options: SequencerOptions): Sequencer {
  const batch = options.batch ?? 4000;
  const sql = postgres(options.url, {
    max: 1,
    onnotice: () => undefined,
    connection: {
      application_name: 'rehab-sequencer',
      statement_timeout: 30_000,
      lock_timeout: 2000,
      idle_in_transaction_session_timeout: 10_000,
      TimeZone: 'UTC',
    } as Record<string, string | number>,
  });
  // Every transaction below this one has ended and its entries are in the log: where the next search may begin.
  // Kept in memory only; a restart searches from the beginning once.
  let settledBelow = '0';

  return {
    async once() {
      return await sql.begin(async (tx) => {
        const [lock] = await tx<{ mine: boolean }[]>`select pg_try_advisory_xact_lock(${LOCK}) as mine`;
        if (!lock?.mine) return { taken: 0, head: undefined };
        const [row] = await tx<{ size: string; range: Uint8Array; root: Uint8Array; horizon: string }[]>`
          select size, range, root, pg_snapshot_xmin(pg_current_snapshot())::text as horizon from log_head where id = 1 for update`;
        if (!row) throw new Error('log head is missing; run rehab migrate');
        const size = Number(row.size);
        const pending = await tx<{ id: string; body: Uint8Array }[]>`
          select e.id, e.body from audit_entries e
          where e.xact >= ${settledBelow}::xid8 and not exists (select 1 from log_leaves l where l.entry_id = e.id)
          order by e.xact, e.subject_kind, e.subject_id, e.subject_version limit ${batch}`;
        if (pending.length === 0) {
          settledBelow = row.horizon;
          return { taken: 0, head: { size, root: row.root } };
        }
        const commitments = pending.map((entry) => createHash('sha256').update(entry.body).digest());
        const leaves = commitments.map((commitment) => leafHash(commitment, nodeHashing.hash));
        const range = appendLeaves(unpackRange(size, row.range), leaves, nodeHashing.hash);
        const root = rootOfRange(range, nodeHashing.hash);
        const at = options.now().toISOString();
        const note = await signNote(
          formatCheckpoint({ origin: LOG_ORIGIN, size: range.size, root }),
          options.signer.name,
          options.signer.keyId,
          options.signer.sign,
        );
        await tx`insert into log_leaves (index, entry_id, commitment, leaf_hash)
          select ${size}::bigint + o - 1, id, decode(c, 'hex'), decode(l, 'hex')
          from unnest(${pending.map((e) => e.id)}::uuid[], ${commitments.map((c) => c.toString('hex'))}::text[], ${leaves.map((l) => Buffer.from(l).toString('hex'))}::text[]) with ordinality as t(id, c, l, o)`;
        await tx`insert into log_checkpoints (size, root, note, at) values (${range.size}, ${root}, ${note}, ${at})`;
        const moved =
          await tx`update log_head set size = ${range.size}, root = ${root}, range = ${packRange(range)}, at = ${at} where id = 1 and size = ${size}`;
        if (moved.count !== 1) throw new Error('log head moved under the lock; reload it');
        // Whoever shows queues and boards listens to this: one notice a batch, sent by COMMIT.
        await tx`select pg_notify('rehab_log', ${String(range.size)})`;
        return { taken: pending.length, head: { size: range.size, root } };
        // From here on the batch is durable: a crash before the answer is healed by reading the head again.
      });
    },
    close: () => sql.end({ timeout: 5 }),
  };
}
