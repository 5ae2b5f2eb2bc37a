// Station 5, order: takes committed entries and gives them their place in the log, in one transaction: leaves, tiles,
// head, signed checkpoint. Commit order is not serial-column order (T6), so pending entries are found by what is
// not in the log yet, never by a number that was drawn. Nothing leaves before COMMIT returned; after an unknown
// commit the head is read again. Never decides anything about an entry's content.
//
// 1. One at a time: a transaction-level advisory lock, and compare-and-swap on the head's size for a frozen
//    process that wakes late.
// 2. Entries of one subject keep their version order: a version is visible only when the one before it is.
// 3. The entry's hash is computed here from its stored bytes, never taken over.
// 4. Nothing is signed on the strength of memory: leaves are compared with what Postgres itself hashes the stored bytes
//    to, tiles are read back and hashed, the root is computed a second time from the stored edge of the tree, and the
//    signature is checked before it is kept (X22). Where they differ nothing is written, and the place is named.
import { createHash, verify } from 'node:crypto';
import postgres from 'postgres';
import { LOG_ORIGIN } from '../domain/consortium.ts';
import { formatCheckpoint, keyIdOf, parseNote, type Sign, signNote, verifyNote } from './checkpoint.ts';
import { appendLeaves, type CompactRange, equalBytes, HASH_BYTES, leafHash, rootOfRange } from './merkle.ts';
import { nodeHashing } from './record-key.ts';
import { LogRestored } from './restored.ts';
import { ed25519From } from './signing.ts';
import { edgeTiles, fullTilesAt, hashesAt, TILE_WIDTH, tileRoot, tileTree } from './tiles.ts';

/** The log's checkpoint key: a C2SP key name, the raw Ed25519 public key with its 4-byte id, and the signature. */
export interface LogSigner {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly sign: Sign;
}

/** What was read back is not what was written, or not what the tree over it says: nothing was signed. */
export class UnsoundLog extends Error {
  override readonly name = 'UnsoundLog';
  /** Table and row. */
  readonly place: string;
  constructor(place: string) {
    super(`log differs from what was read back; run rehab verify before the ledger goes on: ${place}`);
    this.place = place;
  }
}

export interface SequencerOptions {
  /** Connection of the `rehab_ledger` role; the sequencer keeps one direct connection of its own (T8). */
  readonly url: string;
  /** The log's signer; or what gives the one in force, asked under the lock: undefined while the key is being replaced. */
  readonly signer: LogSigner | (() => LogSigner | undefined);
  /** Entries taken at once. */
  readonly batch?: number;
  /** A size that the log is known to have had: with less in the database, it was restored, and nothing is sequenced (X17). */
  readonly known?: () => number;
}

export interface LogHead {
  readonly size: number;
  readonly root: Uint8Array;
}

export interface Sequencer {
  /**
   * Sequences what is pending, one batch. Durable when it returns.
   * @returns how many entries were taken, and the head; 0 when nothing waits, another sequencer is at work or the key is being replaced. `filled`:
   * tiles that an older log still lacked and got instead; ask again at once
   * @throws {LogRestored} when the log is older than it is known to have been
   * @throws {UnsoundLog} when something stored is not what it was; nothing was written or signed
   */
  once(): Promise<{ taken: number; filled: number; head: LogHead | undefined }>;
  close(): Promise<void>;
}

/** "rehab" read as a number: the advisory lock every sequencer of this database asks for, and whoever holds them still. */
export const SEQUENCER_LOCK = 0x7265_6861;

/** Tiles of an older log that are made in one transaction: some megabytes of leaf hashes. */
const FILL = 512;

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
  const open = () =>
    postgres(options.url, {
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
  let sql = open();
  // Every transaction below this one has ended and its entries are in the log: where the next search may begin.
  // Kept in memory only; a restart searches from the beginning once.
  let settledBelow = '0';

  const sequencer: Sequencer = {
    async once() {
      let below = settledBelow;
      const done = await sql.begin(async (tx) => {
        const [lock] = await tx<
          { mine: boolean }[]
        >`select pg_try_advisory_xact_lock(${SEQUENCER_LOCK}) as mine`;
        const signer = typeof options.signer === 'function' ? options.signer() : options.signer;
        if (!lock?.mine || signer === undefined) return { taken: 0, filled: 0, head: undefined };
        const [row] = await tx<{ size: string; range: Uint8Array; root: Uint8Array; horizon: string }[]>`
          select size, range, root, pg_snapshot_xmin(pg_current_snapshot())::text as horizon from log_head where id = 1 for update`;
        if (!row) throw new Error('log head is missing; run rehab migrate');
        const size = Number(row.size);
        const known = options.known?.() ?? 0;
        if (size < known) throw new LogRestored(size, known);
        // A log from before there were tiles gets them first, some at a time, so that no transaction is long.
        const filled = await growTiles(tx, size, FILL);
        if (filled > 0) return { taken: 0, filled, head: { size, root: row.root } };
        const pending = await tx<{ id: string; body: Uint8Array; xact: string }[]>`
          select e.id, e.body, e.xact::text from audit_entries e
          where e.xact >= ${settledBelow}::xid8 and not exists (select 1 from log_leaves l where l.entry_id = e.id)
          order by e.xact, e.subject_kind, e.subject_id, e.subject_version limit ${batch}`;
        below = settledWith(pending, batch, row.horizon);
        if (pending.length === 0) return { taken: 0, filled: 0, head: { size, root: row.root } };
        const commitments = pending.map((entry) => createHash('sha256').update(entry.body).digest());
        const leaves = commitments.map((commitment) => leafHash(commitment, nodeHashing.hash));
        const range = appendLeaves(unpackRange(size, row.range), leaves, nodeHashing.hash);
        const root = rootOfRange(range, nodeHashing.hash);
        await tx`insert into log_leaves (index, entry_id, commitment, leaf_hash)
          select ${size}::bigint + o - 1, id, decode(c, 'hex'), decode(l, 'hex')
          from unnest(${pending.map((e) => e.id)}::uuid[], ${commitments.map((c) => c.toString('hex'))}::text[], ${leaves.map((l) => Buffer.from(l).toString('hex'))}::text[]) with ordinality as t(id, c, l, o)`;
        await demandLeaves(tx, size, range.size);
        await growTiles(tx, range.size, Number.POSITIVE_INFINITY);
        const stored = await rootOfStored(tx, range.size);
        if (!equalBytes(stored, root)) throw new UnsoundLog(`log_head ${size}`);
        const note = await signedCheckpoint(signer, range.size, stored);
        await tx`insert into log_checkpoints (size, root, note, previous) values (${range.size}, ${root}, ${note}, ${size})`;
        const moved =
          await tx`update log_head set size = ${range.size}, root = ${root}, range = ${packRange(range)} where id = 1 and size = ${size}`;
        if (moved.count !== 1) throw new Error('log head moved under the lock; reload it');
        // Whoever shows queues and boards listens to this: one notice a batch, sent by COMMIT.
        await tx`select pg_notify('rehab_log', ${String(range.size)})`;
        return { taken: pending.length, filled: 0, head: { size: range.size, root } };
        // From here on the batch is durable: a crash before the answer is healed by reading the head again.
      });
      settledBelow = below;
      return done;
    },
    close: () => sql.end({ timeout: 5 }),
  };
  /**
   * After a fault the next pass has a new connection: the driver (postgres 3.4) never sends anything again on one that was
   * cut within a transaction (github.com/porsager/postgres/issues/1208).
   */
  const beginAnew = (error: unknown): never => {
    const broken = sql;
    sql = open();
    broken.end({ timeout: 0 }).catch(() => undefined);
    throw error;
  };
  return { ...sequencer, once: () => sequencer.once().catch(beginAnew) };
}

/**
 * Below which transaction all has ended and is in the log once this batch commits: nothing below the horizon is under way,
 * and a full batch took what was visible up to its last entry, perhaps not all of that one's transaction.
 */
function settledWith(taken: readonly { readonly xact: string }[], batch: number, horizon: string): string {
  const last = taken.length < batch ? undefined : taken.at(-1)?.xact;
  return last !== undefined && BigInt(last) < BigInt(horizon) ? last : horizon;
}

type Tx = postgres.TransactionSql;

/**
 * Compares the leaves of a range of indexes with what Postgres makes of the stored entries by its own SHA-256: another
 * program, another memory.
 */
async function demandLeaves(tx: Tx, from: number, to: number): Promise<void> {
  const [read] = await tx<{ count: number; wrong: string | null }[]>`
    select count(*)::int as count,
      min(l.index) filter (where l.commitment <> sha256(e.body) or l.leaf_hash <> sha256('\\x00'::bytea || sha256(e.body)))::text as wrong
    from log_leaves l join audit_entries e on e.id = l.entry_id where l.index >= ${from} and l.index < ${to}`;
  if (read?.count !== to - from) throw new UnsoundLog(`log_leaves ${from}`);
  if (read.wrong !== null) throw new UnsoundLog(`log_leaves ${read.wrong}`);
}

/** Makes the full tiles that a tree of `size` leaves has and the table has not, `most` per level, lowest level first. */
async function growTiles(tx: Tx, size: number, most: number): Promise<number> {
  let made = 0;
  for (let level = 0; fullTilesAt(level, size) > 0; level++) {
    const [newest] = await tx<{ next: string }[]>`
      select coalesce(max(index) + 1, 0)::text as next from log_tiles where level = ${level}`;
    const from = Number(newest?.next ?? 0);
    const to = Math.min(fullTilesAt(level, size), from + most);
    if (from >= to) continue;
    const below = await hashesBetween(tx, level, from * TILE_WIDTH, to * TILE_WIDTH);
    const tiles = Array.from({ length: to - from }, (_, i) => {
      const hashes = below.subarray(i * TILE_WIDTH * HASH_BYTES, (i + 1) * TILE_WIDTH * HASH_BYTES);
      return { index: from + i, hashes, root: tileRoot(hashes, nodeHashing.hash) };
    });
    await tx`insert into log_tiles (level, index, hashes, root)
      select ${level}, i, decode(h, 'hex'), decode(r, 'hex')
      from unnest(${tiles.map(({ index }) => index)}::bigint[], ${tiles.map(({ hashes }) => hex(hashes))}::text[], ${tiles.map(({ root }) => hex(root))}::text[]) as t(i, h, r)`;
    const kept = await tx<{ index: string; hashes: Uint8Array; root: Uint8Array }[]>`
      select index, hashes, root from log_tiles where level = ${level} and index >= ${from} and index < ${to} order by index`;
    if (kept.length !== tiles.length) throw new UnsoundLog(`log_tiles ${level}/${from}`);
    for (const [i, tile] of kept.entries())
      if (
        Number(tile.index) !== from + i ||
        tile.hashes.length !== TILE_WIDTH * HASH_BYTES ||
        !equalBytes(tileRoot(tile.hashes, nodeHashing.hash), tile.root)
      )
        throw new UnsoundLog(`log_tiles ${level}/${from + i}`);
    made += kept.length;
    // The next level needs all of this one: what is left comes with the next transaction.
    if (to < fullTilesAt(level, size)) break;
  }
  return made;
}

/** Hashes [from, to) of a level as they are stored: leaf hashes, or roots of the tiles below. */
async function hashesBetween(tx: Tx, level: number, from: number, to: number): Promise<Uint8Array> {
  const rows =
    level === 0
      ? await tx<{ hash: Uint8Array }[]>`
          select leaf_hash as hash from log_leaves where index >= ${from} and index < ${to} order by index`
      : await tx<{ hash: Uint8Array }[]>`
          select root as hash from log_tiles where level = ${level - 1} and index >= ${from} and index < ${to} order by index`;
  if (rows.length !== to - from || rows.some(({ hash }) => hash.length !== HASH_BYTES))
    throw new UnsoundLog(level === 0 ? `log_leaves ${from}` : `log_tiles ${level - 1}/${from}`);
  return Buffer.concat(rows.map(({ hash }) => hash));
}

/** Root of the tree over what is stored, from its right edge; shares nothing with the head's compact range. */
async function rootOfStored(tx: Tx, size: number): Promise<Uint8Array> {
  const edge = new Map<number, Uint8Array>();
  for (const { level, width } of edgeTiles(size)) {
    const end = hashesAt(level, size);
    edge.set(level, await hashesBetween(tx, level, end - width, end));
  }
  // A tree's perfect subtrees all begin in a tile of its edge, so no other tile is asked for.
  return await tileTree(({ level }) => edge.get(level) ?? new Uint8Array(0), size, nodeHashing.hash).root();
}

/** The checkpoint's note, whose text and signature were read back from the note itself. */
async function signedCheckpoint(signer: LogSigner, size: number, root: Uint8Array): Promise<string> {
  const text = formatCheckpoint({ origin: LOG_ORIGIN, size, root });
  const note = await signNote(text, signer.name, signer.keyId, signer.sign);
  const parsed = parseNote(note);
  const key = { ...signer, keyId: keyIdOf(signer.name, signer.publicKey, nodeHashing.hash) };
  const verdict = await verifyNote(parsed, [key], (publicKey, message, signature) =>
    verify(null, message, ed25519From(publicKey), signature),
  );
  if (parsed.text !== text || !verdict.holds) throw new UnsoundLog(`log_checkpoints ${size}`);
  return note;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
