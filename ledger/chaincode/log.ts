// Station 6 on the chain: the transparency log as key-value state, the same on every organisation's peer.
// Promise: it only grows, each leaf is written once, and the root is computed here, never taken from the caller.
// Must never read a clock, a random number or anything else on which two honest peers could differ.
import {
  type Checkpoint,
  MalformedNote,
  type Note,
  parseCheckpoint,
  parseNote,
  verifyNote,
} from '../checkpoint.ts';
import type { CompactRange, Hash } from '../merkle.ts';
import { appendLeaves, EMPTY_RANGE, equalBytes, HASH_BYTES, mergeRanges, rootOfRange } from '../merkle.ts';
import { keyInForce } from './keys.ts';
import { type Crypto, decode, encode, fromHex, LogRefusal, pad, type State, toHex } from './state.ts';

/** Leaves under one subtree root; no key holds leaves of two subtrees. */
export const SUBTREE_LEAVES = 256;
/** Most leaves in one call: 4 MiB of transient data, well below the orderers' 10 MB for a transaction. */
export const MAX_BATCH = 131_072;
/** Most leaves in one page of `listLeaves`: 1 MiB. */
export const MAX_PAGE = 32_768;

/** Size of the log and its root in hex. */
export type Head = { readonly root: string; readonly size: number };

/** `note` is the signed note that came with the batch that ended at `size`. */
export type AnchoredCheckpoint = Head & { readonly note: string };

export type Batch = {
  readonly firstIndex: number;
  /** Hex. */
  readonly claimedRoot: string;
  /** Leaf hashes (RFC 6962), one behind the other. */
  readonly leaves: Uint8Array;
  /** Signed note over the checkpoint at the new size. */
  readonly note: string;
};

/** `origin` is what the first checkpoint said; an empty log has none. */
type StoredHead = Head & { readonly hashes: readonly string[]; readonly origin?: string };

/**
 * Adds a batch behind the last leaf.
 * 1. The first index is the head's size. 2. The root computed here is the claimed one and the checkpoint's.
 * 3. The origin never changes, and the checkpoint is signed by the log key in force for it. 4. The same call again
 * writes nothing and answers the same. 5. Growth reads the head and that key alone, so that a batch conflicts only with
 * another batch.
 */
export async function append(state: State, batch: Batch, crypto: Crypto): Promise<Head> {
  const { hash } = crypto;
  const count = batch.leaves.length / HASH_BYTES;
  if (!Number.isInteger(count) || count < 1 || count > MAX_BATCH) {
    throw new LogRefusal('MALFORMED', 'Leaves are not a batch of 32-byte hashes; send 1 up to the limit', {
      bytes: batch.leaves.length,
      limit: MAX_BATCH,
    });
  }
  const head = await readHead(state, hash);
  const size = batch.firstIndex + count;
  if (size <= head.size) return repeated(state, batch, size, head.size);
  if (batch.firstIndex !== head.size) {
    throw new LogRefusal('WRONG_FIRST_INDEX', 'Batch does not begin behind the last leaf; read the head', {
      firstIndex: batch.firstIndex,
      size: head.size,
    });
  }

  const writes = new Map<string, Uint8Array>();
  let { whole, open } = splitRange({ size: head.size, hashes: head.hashes.map(fromHex) });
  for (const piece of piecesOf(batch)) {
    writes.set(leavesKey(piece.first), piece.bytes);
    open = appendLeaves(open, leavesIn(piece.bytes), hash);
    if (open.size === SUBTREE_LEAVES) {
      // A full subtree is one perfect tree, so its range is its root alone.
      writes.set(subtreeKey(whole.size / SUBTREE_LEAVES), open.hashes[0]!);
      whole = mergeRanges(whole, open, hash);
      open = EMPTY_RANGE;
    }
  }
  const range = mergeRanges(whole, open, hash);
  const root = toHex(rootOfRange(range, hash));
  if (root !== batch.claimedRoot) {
    throw new LogRefusal('WRONG_ROOT', 'Leaves do not hash to the claimed root; check both before sending', {
      claimed: batch.claimedRoot,
      computed: root,
      size,
    });
  }
  const origin = await demandCheckpoint(state, batch.note, { root, size }, head.origin, crypto);
  writes.set('head', encode({ hashes: range.hashes.map(toHex), origin, root, size }));
  writes.set(checkpointKey(size), encode({ note: batch.note, root, size }));
  for (const [key, value] of writes) await state.write(key, value);
  return { root, size };
}

/** Size and root of the whole log; of the empty log the root is the hash of nothing. */
export async function readHeadOf(state: State, hash: Hash): Promise<Head> {
  const { root, size } = await readHead(state, hash);
  return { root, size };
}

/** The leaf hash at `index`. */
export async function leafAt(state: State, index: number): Promise<Uint8Array> {
  const [leaf] = leavesIn(await listLeaves(state, index, 1));
  if (leaf === undefined)
    throw new LogRefusal('NOT_FOUND', 'Leaf is not in the log; ask below its size', { index });
  return leaf;
}

/**
 * Up to `count` leaf hashes from index `first`, one behind the other; fewer at the log's end or at the page's limit.
 * Reads the leaves alone, not the head: what is listed is what this peer really keeps. A gap is BROKEN_LEAVES.
 */
export async function listLeaves(state: State, first: number, count: number): Promise<Uint8Array> {
  const wanted = Math.min(count, MAX_PAGE);
  const listed = new Uint8Array(wanted * HASH_BYTES);
  if (wanted === 0) return listed;
  const start = first - (first % SUBTREE_LEAVES);
  let next = start;
  let filled = 0;
  for await (const { key, value } of state.scan(leavesKey(start), leavesKey(first + wanted))) {
    if (key !== leavesKey(next) || value.length % HASH_BYTES !== 0 || value.length === 0) {
      throw new LogRefusal('BROKEN_LEAVES', 'Leaves are missing or cut; restore this peer from the others', {
        index: next,
      });
    }
    const end = next + value.length / HASH_BYTES;
    if (end > first) {
      const from = Math.max(first - next, 0) * HASH_BYTES;
      const part = value.subarray(from, Math.min(value.length, from + (wanted - filled) * HASH_BYTES));
      listed.set(part, filled * HASH_BYTES);
      filled += part.length / HASH_BYTES;
    }
    next = end;
  }
  return listed.slice(0, filled * HASH_BYTES);
}

/** Root over the 256 leaves from index 256 × `index`, once all of them are in the log. */
export async function subtreeRoot(state: State, index: number): Promise<Uint8Array> {
  const root = await state.read(subtreeKey(index));
  if (root.length !== HASH_BYTES) {
    throw new LogRefusal('NOT_FOUND', 'Subtree is not full; ask below the size divided by 256', { index });
  }
  return root;
}

/** The checkpoint of the batch that ended at exactly `size`. */
export async function checkpointAt(state: State, size: number): Promise<AnchoredCheckpoint> {
  const stored = await state.read(checkpointKey(size));
  if (stored.length === 0)
    throw new LogRefusal('NOT_FOUND', 'No batch ended at this size; ask for another', { size });
  return decode<AnchoredCheckpoint>(stored);
}

/** A batch that ends inside the log: done when it is exactly one that was taken, else refused. Writes nothing. */
async function repeated(state: State, batch: Batch, size: number, headSize: number): Promise<Head> {
  const stored = await state.read(checkpointKey(size));
  if (stored.length === 0) {
    throw new LogRefusal('SMALLER_SIZE', 'Log has grown past this batch; read the head', { headSize, size });
  }
  const { root } = decode<AnchoredCheckpoint>(stored);
  if (root !== batch.claimedRoot) {
    throw new LogRefusal('DIFFERENT_ROOT', 'Log has another root at this size; stop and compare the logs', {
      anchored: root,
      claimed: batch.claimedRoot,
      size,
    });
  }
  for (const piece of piecesOf(batch)) {
    if (!equalBytes(await state.read(leavesKey(piece.first)), piece.bytes)) {
      throw new LogRefusal('DIFFERENT_LEAVES', 'Batch was not taken like this; read the head', {
        index: piece.first,
        size,
      });
    }
  }
  return { root, size };
}

/** Gives the note's origin, once the note is about this log at its new size and signed by the log's key in force. */
async function demandCheckpoint(
  state: State,
  text: string,
  { root, size }: Head,
  origin: string | undefined,
  { hash, verify }: Crypto,
): Promise<string> {
  const read = readCheckpoint(text);
  if (
    read === undefined ||
    read.checkpoint.size !== size ||
    toHex(read.checkpoint.root) !== root ||
    read.checkpoint.origin !== (origin ?? read.checkpoint.origin)
  )
    throw new LogRefusal(
      'WRONG_CHECKPOINT',
      'Note is not about this log at its new size; sign the right one',
      {
        size,
      },
    );
  const key = await keyInForce(state, 'log', read.checkpoint.origin, hash);
  const verdict = await verifyNote(read.note, [key], verify);
  if (!verdict.holds)
    throw new LogRefusal(
      'WRONG_SIGNATURE',
      'Checkpoint is not signed by the log key in force; use that key',
      {
        size,
        why: verdict.why,
      },
    );
  return read.checkpoint.origin;
}

function readCheckpoint(text: string): { note: Note; checkpoint: Checkpoint } | undefined {
  try {
    const note = parseNote(text);
    return { note, checkpoint: parseCheckpoint(note.text) };
  } catch (error) {
    // A text that is no note is refused like a note about something else.
    if (error instanceof MalformedNote) return undefined;
    throw error;
  }
}

async function readHead(state: State, hash: Hash): Promise<StoredHead> {
  const stored = await state.read('head');
  if (stored.length > 0) return decode<StoredHead>(stored);
  return { hashes: [], root: toHex(rootOfRange(EMPTY_RANGE, hash)), size: 0 };
}

/** Splits at the last full subtree: `whole` covers full subtrees of 256 leaves, `open` the leaves behind them. */
function splitRange(range: CompactRange): { whole: CompactRange; open: CompactRange } {
  const openSize = range.size % SUBTREE_LEAVES;
  let parts = 0;
  for (let rest = openSize; rest > 0; rest >>= 1) parts += rest & 1;
  const at = range.hashes.length - parts;
  return {
    whole: { size: range.size - openSize, hashes: range.hashes.slice(0, at) },
    open: { size: openSize, hashes: range.hashes.slice(at) },
  };
}

/** Cuts a batch where a subtree ends, so that each piece lies under one key and is never touched again. */
function* piecesOf(batch: Batch): Generator<{ first: number; bytes: Uint8Array }> {
  let first = batch.firstIndex;
  for (let at = 0; at < batch.leaves.length; ) {
    const room = SUBTREE_LEAVES - (first % SUBTREE_LEAVES);
    const bytes = batch.leaves.subarray(at, at + room * HASH_BYTES);
    yield { first, bytes };
    at += bytes.length;
    first += bytes.length / HASH_BYTES;
  }
}

function leavesIn(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: bytes.length / HASH_BYTES }, (_, at) =>
    bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES),
  );
}

const leavesKey = (first: number) => `leaves/${pad(first)}`;
const subtreeKey = (index: number) => `subtree/${pad(index)}`;
const checkpointKey = (size: number) => `checkpoint/${pad(size)}`;
