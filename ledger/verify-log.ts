// Station 7, the log against itself and against the chain: every leaf of the database beside every organisation's own list,
// every checkpoint against the tree over the leaves that are right. Two peers that agree decide what is right; the
// database's own word breaks a tie and never overrules them. Never repairs, only names.
import { toHex } from './bytes.ts';
import { type Checkpoint, MalformedNote, parseCheckpoint, parseNote, verifyNote } from './checkpoint.ts';
import { commitmentOf } from './entry.ts';
import {
  appendLeaves,
  type CompactRange,
  EMPTY_RANGE,
  equalBytes,
  HASH_BYTES,
  type Hash,
  leafHash,
  mergeRanges,
  rootOf,
  rootOfRange,
} from './merkle.ts';
import { type Listing, listing, type Pin } from './reader.ts';
import type { EntryCheck, Placed, Report } from './verify-entries.ts';
import { firstSizeOver, lastSizeUpTo, packedBytes } from './verify-memory.ts';
import { anchoredText, noteSays } from './verify-notes.ts';
import type {
  Finding,
  StoredCheckpoint,
  StoredLeaf,
  StoredLog,
  Trust,
  VerifyReport,
  VerifySources,
} from './verify-sources.ts';

/** A hash that stands where another one belongs. */
interface Mismatch {
  readonly index: number;
  readonly got: string;
  readonly right: string;
}

interface PeerList {
  readonly table: string;
  readonly organisation: string;
  readonly root: Uint8Array;
  readonly list: Listing;
  readonly wrong: Mismatch[];
}

/** Sizes and roots as a table states them. */
interface Stated {
  readonly sizes: number[];
  readonly roots: ReturnType<typeof packedBytes>;
}

const say = (
  store: Finding['store'],
  table: string,
  row: string | null,
  column: string | null,
  kind: Finding['kind'],
  says: string,
  window: { rightAt: number | null; wrongAt: number | null } = { rightAt: null, wrongAt: null },
): Finding => ({ store, table, row, column, kind, ...window, says });

/**
 * Checks checkpoints, leaves, tree, head and anchors, and hands every entry to `entries` in the log's order.
 * @returns the report's counts
 */
export async function checkLog(
  sources: VerifySources,
  stored: StoredLog,
  pin: Pin,
  entries: EntryCheck,
  report: Report,
): Promise<VerifyReport['counts']> {
  const { hash } = sources.hashing;
  const checkpoints = await statedCheckpoints(sources.trust, stored, report);
  const anchors = await statedAnchors(sources.trust, stored, checkpoints, report);
  entries.times.sizes = checkpoints.sizes;
  entries.times.pinned = pin.size;
  entries.times.newest = checkpoints.sizes.at(-1) ?? 0;

  const peers = openLists(pin, hash, report);
  const tree = growingTree(hash, [
    [checkpoints, (size) => wrongCheckpoint(checkpoints.sizes, size, report)],
    [anchors, (size) => wrongAnchor(size, report)],
  ]);
  const walk = createWalk(pin.size, peers, tree, entries, hash, report);

  let pending = 0;
  let said = 0;
  for await (const portion of stored.leaves()) {
    await entries.add(await walk.leaves(portion));
    pending += portion.filter(({ index }) => index >= pin.size).length;
    if (walk.next() - said >= 100_000) {
      said = walk.next();
      sources.progress(`Read ${said} leaves`);
    }
  }
  await walk.end();
  // The tree is complete: what the peers, the anchors and the head state about it can be compared.
  const waiting = walk.lost();
  for await (const portion of stored.pending()) {
    const placed = portion.map((entry): Placed & { lost: boolean } => {
      const commitment = commitmentOf(entry.body, sources.hashing);
      const lost = waiting.delete(toHex(leafHash(commitment, hash)));
      return { entry, index: null, sound: true, commitment, lost };
    });
    pending += placed.filter(({ lost }) => !lost).length;
    await entries.add(placed);
  }
  walk.report([...waiting.values()]);
  await checkEnd(sources, stored, pin, peers, tree, checkpoints, anchors, report);

  return {
    entries: walk.counts.entries,
    leaves: walk.counts.leaves,
    anchored: Object.fromEntries(
      sources.peers.map(({ organisation }) => [organisation, anchoredBy(organisation, peers, pin.size)]),
    ),
    pending,
  };
}

/** How far an organisation's list hashes to its root. */
function anchoredBy(organisation: string, peers: readonly PeerList[], size: number): number {
  const peer = peers.find((each) => each.organisation === organisation);
  if (!peer) return 0;
  const sum = peer.list.sum();
  if (sum.size === size && equalBytes(sum.root, peer.root)) return size;
  return peer.wrong[0]?.index ?? peer.list.broken()?.at ?? 0;
}

/** Reads all checkpoints: each note must be signed and say what its row says. Roots are compared later, with the tree. */
async function statedCheckpoints(trust: Trust, stored: StoredLog, report: Report): Promise<Stated> {
  const stated: Stated = { sizes: [], roots: packedBytes(HASH_BYTES) };
  for await (const portion of stored.checkpoints())
    for (const row of portion) {
      const before = stated.sizes.at(-1) ?? null;
      checkNeighbour(row, before ?? 0, report);
      stated.sizes.push(row.size);
      stated.roots.push(row.root);
      const fault = await noteFault(trust, row.note, row.size, row.root);
      if (fault)
        report(
          say(
            'log',
            'log_checkpoints',
            String(row.size),
            'note',
            fault.kind,
            `Checkpoint ${fault.says}: size ${row.size}`,
            { rightAt: before, wrongAt: row.size },
          ),
        );
    }
  return stated;
}

/** Each checkpoint names the one before it, so that one that is taken away, or put in between, is missed. */
function checkNeighbour({ size, previous }: StoredCheckpoint, before: number, report: Report): void {
  if (previous === before) return;
  const gone = previous > before && previous < size;
  report(
    gone
      ? say(
          'log',
          'log_checkpoints',
          String(previous),
          null,
          'deleted',
          `Checkpoint is missing that the next one follows: size ${previous}, before ${size}`,
          { rightAt: before || null, wrongAt: size },
        )
      : say(
          'log',
          'log_checkpoints',
          String(size),
          'previous',
          'edited',
          `Checkpoint does not follow the one before it: size ${size} names ${previous}, not ${before}`,
          { rightAt: before || null, wrongAt: size },
        ),
  );
}

/** Reads what is called anchored: each signed as it stands, and each at a checkpoint of ours. */
async function statedAnchors(
  trust: Trust,
  stored: StoredLog,
  checkpoints: Stated,
  report: Report,
): Promise<Stated> {
  const stated: Stated = { sizes: [], roots: packedBytes(HASH_BYTES) };
  let next = 0;
  for await (const portion of stored.anchors())
    for (const row of portion) {
      const { size, root } = row;
      stated.sizes.push(size);
      stated.roots.push(root);
      const window = { rightAt: lastSizeUpTo(checkpoints.sizes, size - 1), wrongAt: size };
      const said = await noteSays(row.note, anchoredText(trust.origin, row), trust.logKeys, trust.verifyNote);
      if (said === 'not-signed')
        report(
          say(
            'log',
            'log_anchors',
            String(size),
            'note',
            'forged',
            `Anchor is not signed by the log's key: size ${size}`,
            window,
          ),
        );
      else if (said === 'other')
        report(
          say(
            'log',
            'log_anchors',
            String(size),
            differing(row.note, anchoredText(trust.origin, row)),
            'edited',
            `Anchor is not what was signed about it: size ${size}`,
            window,
          ),
        );
      while ((checkpoints.sizes[next] ?? Infinity) < size) next += 1;
      // Beyond the newest checkpoint the head tells; here only what stood between two of them.
      if (checkpoints.sizes[next] !== size && next < checkpoints.sizes.length && said === 'holds')
        report(
          say(
            'log',
            'log_checkpoints',
            String(size),
            null,
            'deleted',
            `Checkpoint is missing that was anchored: size ${size}`,
            window,
          ),
        );
    }
  return stated;
}

/** The column in which a note about an anchor differs from its row; the note itself when it is none. */
function differing(note: string, text: string): string {
  const told = note.split('\n');
  const at = text.split('\n').findIndex((line, i) => line !== told[i]);
  return ['note', 'size', 'root', 'at'][at] ?? 'note';
}

/** What is wrong with a signed note about this size and root; undefined when nothing is. */
async function noteFault(
  trust: Trust,
  text: string,
  size: number,
  root: Uint8Array,
): Promise<{ kind: 'forged' | 'edited'; says: string } | undefined> {
  let checkpoint: Checkpoint;
  try {
    const note = parseNote(text);
    checkpoint = parseCheckpoint(note.text);
    const verdict = await verifyNote(note, trust.logKeys, trust.verifyNote);
    if (!verdict.holds) return { kind: 'forged', says: "is not signed by the log's key" };
  } catch (error) {
    if (!(error instanceof MalformedNote)) throw error;
    return { kind: 'edited', says: 'is not a signed note' };
  }
  if (checkpoint.origin !== trust.origin) return { kind: 'forged', says: 'is of another log' };
  if (checkpoint.size !== size || !equalBytes(checkpoint.root, root))
    return { kind: 'edited', says: 'states another size or root than its row' };
  return undefined;
}

function wrongCheckpoint(sizes: readonly number[], size: number, report: Report): void {
  report(
    say(
      'log',
      'log_checkpoints',
      String(size),
      'root',
      'edited',
      `Checkpoint's root is not the root of the leaves before it: size ${size}`,
      { rightAt: lastSizeUpTo(sizes, size - 1), wrongAt: size },
    ),
  );
}

function wrongAnchor(size: number, report: Report): void {
  report(
    say(
      'log',
      'log_anchors',
      String(size),
      'root',
      'edited',
      `Anchor's root is not the root of the leaves before it: size ${size}`,
      { rightAt: null, wrongAt: size },
    ),
  );
}

/** Opens the list of each peer that has reached the pinned size; says of the others why they are not heard. */
function openLists(pin: Pin, hash: Hash, report: Report): PeerList[] {
  return pin.peers.flatMap((at): PeerList[] => {
    const { organisation } = at.peer;
    const table = `peer-${organisation}`;
    if (at.state === 'there')
      return [{ table, organisation, root: at.root, list: listing(at.peer, pin.size, hash), wrong: [] }];
    report(
      say(
        'chain',
        table,
        null,
        null,
        'unreadable',
        at.state === 'behind'
          ? `Peer has not reached the pinned size, ${pin.size}; verify again when it has caught up: it is at ${at.size}`
          : `Peer cannot be read; verify again when it answers: ${organisation}`,
      ),
    );
    return [];
  });
}

type Compared = readonly [stated: Stated, wrong: (size: number) => void];

/** The tree over the right leaves, compared at every size that somebody stated a root for; and its tiles. */
function growingTree(hash: Hash, compared: readonly Compared[]) {
  // Full subtrees of one tile's width, and the leaves behind them: a tile's root falls off where it is full.
  let whole: CompactRange = EMPTY_RANGE;
  let open: CompactRange = EMPTY_RANGE;
  let fresh: Uint8Array[] = [];
  const at = compared.map(() => 0);
  const tiles = growingTiles(hash);
  const flush = (): void => {
    if (fresh.length === 0) return;
    open = appendLeaves(open, fresh, hash);
    tiles.leaves(fresh);
    fresh = [];
    if (open.size < TILE_LEAVES) return;
    tiles.full(open.hashes[0] as Uint8Array); // a full one is one perfect subtree
    whole = mergeRanges(whole, open, hash);
    open = EMPTY_RANGE;
  };
  const range = (): CompactRange => {
    flush();
    return mergeRanges(whole, open, hash);
  };
  return {
    /** False once a leaf behind the pinned size is gone: nothing can be said about larger sizes. */
    whole: true,
    tiles,
    push(leaf: Uint8Array): void {
      fresh.push(leaf);
      const size = whole.size + open.size + fresh.length;
      for (const [which, [stated, wrong]] of compared.entries()) {
        while ((stated.sizes[at[which] as number] ?? Infinity) < size) at[which] = (at[which] as number) + 1;
        if (stated.sizes[at[which] as number] !== size) continue;
        if (!equalBytes(stated.roots.at(at[which] as number), rootOfRange(range(), hash))) wrong(size);
      }
      if (open.size + fresh.length === TILE_LEAVES) flush();
    },
    range,
  };
}
type Tree = ReturnType<typeof growingTree>;

/** Hashes in a full tile (C2SP tlog-tiles). */
const TILE_LEAVES = 256;

/** What the full tiles of each level must hold: a digest of their hashes, and their root. */
function growingTiles(hash: Hash) {
  const levels: {
    readonly digests: ReturnType<typeof packedBytes>;
    readonly roots: ReturnType<typeof packedBytes>;
  }[] = [];
  const joined = new Uint8Array(TILE_LEAVES * HASH_BYTES);
  let filled = 0;
  const level = (height: number) => {
    levels[height] ??= { digests: packedBytes(HASH_BYTES), roots: packedBytes(HASH_BYTES) };
    return levels[height];
  };
  const add = (height: number, digest: Uint8Array, root: Uint8Array): void => {
    const { digests, roots } = level(height);
    digests.push(digest);
    roots.push(root);
    if (roots.count() % TILE_LEAVES !== 0) return;
    const below = Array.from({ length: TILE_LEAVES }, (_, i) => roots.at(roots.count() - TILE_LEAVES + i));
    const bytes = new Uint8Array(TILE_LEAVES * HASH_BYTES);
    for (const [i, one] of below.entries()) bytes.set(one, i * HASH_BYTES);
    add(height + 1, hash(bytes), rootOf(below, hash));
  };
  return {
    leaves(hashes: readonly Uint8Array[]): void {
      for (const leaf of hashes) joined.set(leaf, HASH_BYTES * filled++);
    },
    full(root: Uint8Array): void {
      add(0, hash(joined), root);
      filled = 0;
    },
    /** Digest and root of a full tile; undefined when the tree has no such tile. */
    at: (height: number, index: number) =>
      index < (levels[height]?.roots.count() ?? 0)
        ? { digest: levels[height]?.digests.at(index), root: levels[height]?.roots.at(index) }
        : undefined,
    counts: (): number[] => levels.map(({ roots }) => roots.count()),
  };
}

/** What two peers agree on; else what the database and one peer agree on; else the only word there is. */
function decide(
  words: readonly (Uint8Array | undefined)[],
  own: Uint8Array | undefined,
): Uint8Array | undefined {
  const heard = words.filter((word) => word !== undefined);
  for (const [at, word] of heard.entries())
    if (heard.some((other, place) => place > at && equalBytes(word, other))) return word;
  if (own && heard.some((word) => equalBytes(word, own))) return own;
  return own ? (heard.length === 0 ? own : undefined) : heard[0];
}

/** Walks all indexes once, database and peers side by side. */
function createWalk(
  pinned: number,
  peers: readonly PeerList[],
  tree: Tree,
  entries: EntryCheck,
  hash: Hash,
  report: Report,
) {
  const counts = { entries: 0, leaves: 0 };
  const wrongLeaves: (Mismatch & { readonly column: string })[] = [];
  const wrongBodies: (Mismatch & { readonly entryId: string })[] = [];
  /** Leaf hashes that two peers hold and the database does not, by their index. */
  const lost = new Map<string, number>();
  /** Indexes that neither the database nor any peer tells of. */
  const unheard: number[] = [];
  let next = 0;

  /** What belongs at an index below the pinned size; names each peer that holds something else. */
  async function rightAt(index: number, own: Uint8Array | undefined): Promise<Uint8Array | undefined> {
    const words: (Uint8Array | undefined)[] = [];
    for (const { list } of peers) {
      const leaf = list.leaf(index);
      words.push(leaf instanceof Promise ? await leaf : leaf);
    }
    if (own && words.every((word) => word && equalBytes(word, own))) return own;
    const right = decide(words, own);
    if (!right) {
      if (words.some((word) => word !== undefined))
        report(
          say(
            'chain',
            'log_leaves',
            String(index),
            'leaf_hash',
            'forked',
            `Database and peers hold different leaves, and no two of them agree: index ${index}`,
            windowBefore(index),
          ),
        );
      return own;
    }
    for (const [at, word] of words.entries())
      if (word && !equalBytes(word, right))
        peers[at]?.wrong.push({ index, got: toHex(word), right: toHex(right) });
    return right;
  }

  const windowBefore = (index: number) => ({
    rightAt: lastSizeUpTo(entries.times.sizes, index),
    wrongAt: firstSizeOver(entries.times.sizes, index),
  });

  /** An index that no row of the database has. */
  async function hole(index: number): Promise<void> {
    const right = await rightAt(index, undefined);
    if (!right) {
      tree.whole = false;
      unheard.push(index);
      return;
    }
    lost.set(toHex(right), index);
    if (tree.whole) tree.push(right);
  }

  async function place(row: StoredLeaf): Promise<Placed | undefined> {
    const { index, entry } = row;
    const body = entry ? commitmentOf(entry.body, { hash }) : undefined;
    const fromBody = body && leafHash(body, hash);
    const fromCommitment =
      row.commitment.length === HASH_BYTES ? leafHash(row.commitment, hash) : new Uint8Array(0);
    const own =
      row.leafHash.length === HASH_BYTES
        ? row.leafHash
        : fromCommitment.length > 0
          ? fromCommitment
          : fromBody;
    const right =
      (index < pinned ? await rightAt(index, own) : decide([fromBody, fromCommitment], row.leafHash)) ?? own;
    if (!right) {
      tree.whole = false;
      return undefined;
    }
    if (tree.whole) tree.push(right);
    const known = toHex(right);
    const good = equalBytes(row.leafHash, right);
    if (!good) wrongLeaves.push({ index, got: toHex(row.leafHash), right: known, column: 'leaf_hash' });
    if (!equalBytes(fromCommitment, right) && (good || !equalBytes(fromCommitment, row.leafHash)))
      wrongLeaves.push({ index, got: toHex(fromCommitment), right: known, column: 'commitment' });
    if (index < pinned && good) counts.leaves += 1;
    const commitment = equalBytes(fromCommitment, right) ? row.commitment : (body ?? row.commitment);
    if (!entry || !body || !fromBody) {
      entries.absent(row.entryId, commitment);
      report(
        say(
          'log',
          'audit_entries',
          row.entryId,
          null,
          'deleted',
          `Entry is in the log and not in the database: index ${index}, ${row.entryId}`,
          entries.windowOf(index),
        ),
      );
      return undefined;
    }
    const sound = equalBytes(fromBody, right);
    if (!sound) wrongBodies.push({ index, got: toHex(fromBody), right: known, entryId: entry.id });
    else if (index < pinned) counts.entries += 1;
    return { entry, index, sound, commitment };
  }

  return {
    counts,
    next: () => next,
    async leaves(rows: readonly StoredLeaf[]): Promise<Placed[]> {
      const placed: Placed[] = [];
      for (const row of rows) {
        for (; next < Math.min(row.index, pinned); next++) await hole(next);
        if (row.index > next) {
          tree.whole = false;
          report(
            say(
              'log',
              'log_leaves',
              row.index - next === 1 ? String(next) : `${next}-${row.index - 1}`,
              null,
              'deleted',
              `Leaves are missing: index ${next} to ${row.index - 1}`,
              entries.windowOf(next),
            ),
          );
        }
        const found = await place(row);
        if (found) placed.push(found);
        next = row.index + 1;
      }
      return placed;
    },
    /** Leaves that only the chain has. */
    async end(): Promise<void> {
      for (; next < pinned; next++) await hole(next);
    },
    /** Leaf hashes that the database lost, with their index: an entry without a leaf may be the one. */
    lost: () => new Map(lost),
    /** Says what the walk found. `bodiless` are the lost indexes for which no entry was found either. */
    report(bodiless: readonly number[]): void {
      for (const { table, wrong } of peers)
        reportMismatches('chain', table, wrong, windowBefore, report, (index, kind) =>
          kind === 'reordered'
            ? `Peer holds a leaf at another place than the others: index ${index}`
            : `Peer holds another leaf than the others: index ${index}`,
        );
      const elsewhere = new Set([...wrongLeaves, ...wrongBodies].map(({ right }) => right));
      for (const { index, got, column } of wrongLeaves) {
        const reordered = elsewhere.has(got);
        report(
          say(
            'log',
            'log_leaves',
            String(index),
            reordered ? 'index' : column,
            reordered ? 'reordered' : 'edited',
            index >= pinned
              ? `Leaf is not the hash of its entry: index ${index}`
              : reordered
                ? `Leaf stands at another place than on the chain: index ${index}`
                : `Leaf is another one than on the chain: index ${index}`,
            entries.windowOf(index),
          ),
        );
      }
      const leavesWrong = new Set(wrongLeaves.map(({ index }) => index));
      for (const { index, got, entryId } of wrongBodies) {
        if (!elsewhere.has(got)) {
          report(
            say(
              'log',
              'audit_entries',
              entryId,
              'body',
              'edited',
              `Entry's bytes are not those that were logged: index ${index}, ${entryId}`,
              entries.windowOf(index),
            ),
          );
        } else if (!leavesWrong.has(index)) {
          report(
            say(
              'log',
              'log_leaves',
              String(index),
              'entry_id',
              'reordered',
              `Leaf names another entry than the one that was logged there: index ${index}`,
              entries.windowOf(index),
            ),
          );
        }
      }
      reportLost(
        [...lost.values(), ...unheard].sort((a, b) => a - b),
        bodiless,
        pinned,
        entries,
        report,
      );
    },
  };
}

/** What the chain has and the database does not: single leaves, or everything from some index on. */
function reportLost(
  indexes: readonly number[],
  bodiless: readonly number[],
  pinned: number,
  entries: EntryCheck,
  report: Report,
): void {
  const without = new Set(bodiless);
  let tail = pinned;
  const all = new Set(indexes);
  while (all.has(tail - 1)) tail -= 1;
  if (pinned - tail > 1) {
    const gone = [...without].some((index) => index >= tail);
    const window = { rightAt: null, wrongAt: pinned };
    const says = `The database's log ends before the chain's, as if an older state had been restored: index ${tail} of ${pinned}`;
    report(say('log', 'log_leaves', String(tail), null, 'truncated', says, window));
    if (gone)
      report(
        say(
          'log',
          'audit_entries',
          null,
          null,
          'truncated',
          `Entries that the chain anchored are not in the database: from index ${tail}`,
          window,
        ),
      );
  } else tail = pinned;
  for (const index of indexes) {
    if (index >= tail) continue;
    report(
      say(
        'log',
        'log_leaves',
        String(index),
        null,
        'deleted',
        `Leaf is missing in the database: index ${index}`,
        entries.windowOf(index),
      ),
    );
    if (without.has(index))
      report(
        say(
          'log',
          'audit_entries',
          null,
          null,
          'deleted',
          `Entry is on the chain and not in the database: index ${index}`,
          entries.windowOf(index),
        ),
      );
  }
}

/** One finding per leaf, or one for a run of more than this many neighbours. */
const SINGLY = 8;

function reportMismatches(
  store: Finding['store'],
  table: string,
  wrong: readonly Mismatch[],
  window: (index: number) => { rightAt: number | null; wrongAt: number | null },
  report: Report,
  says: (index: number, kind: 'edited' | 'reordered') => string,
): void {
  const elsewhere = new Set(wrong.map(({ right }) => right));
  for (let from = 0; from < wrong.length; ) {
    let to = from + 1;
    while (to < wrong.length && (wrong[to] as Mismatch).index === (wrong[to - 1] as Mismatch).index + 1)
      to += 1;
    const run = wrong.slice(from, to);
    const { index } = run[0] as Mismatch;
    if (run.length > SINGLY)
      report(
        say(
          store,
          table,
          `${index}-${index + run.length - 1}`,
          null,
          'edited',
          `${says(index, 'edited')}, and ${run.length - 1} behind it`,
          window(index),
        ),
      );
    else
      for (const { index: at, got } of run) {
        const kind = elsewhere.has(got) ? 'reordered' : 'edited';
        report(say(store, table, String(at), null, kind, says(at, kind), window(at)));
      }
    from = to;
  }
}

/** What is stated about the whole: each peer's root, the notes the chain keeps, the head, what is called anchored. */
async function checkEnd(
  sources: VerifySources,
  stored: StoredLog,
  pin: Pin,
  peers: readonly PeerList[],
  tree: Tree,
  checkpoints: Stated,
  anchors: Stated,
  report: Report,
): Promise<void> {
  const { hash } = sources.hashing;
  const times = { rightAt: lastSizeUpTo(checkpoints.sizes, pin.size - 1), wrongAt: pin.size };
  for (const { table, list, root, wrong, organisation } of peers) {
    const broken = list.broken();
    if (broken) {
      report(
        broken.why === 'unreadable'
          ? say(
              'chain',
              table,
              String(broken.at),
              null,
              'unreadable',
              `Peer stopped answering; verify again: ${organisation} at index ${broken.at}`,
            )
          : say(
              'chain',
              table,
              String(broken.at),
              null,
              broken.why === 'hole' ? 'deleted' : 'truncated',
              `Peer does not list leaves that it has anchored: ${organisation} from index ${broken.at}`,
              {
                rightAt: lastSizeUpTo(checkpoints.sizes, broken.at),
                wrongAt: firstSizeOver(checkpoints.sizes, broken.at) ?? pin.size,
              },
            ),
      );
      continue;
    }
    const sum = list.sum();
    if (!equalBytes(sum.root, root) && wrong.length === 0)
      report(
        say(
          'chain',
          table,
          'head',
          'root',
          'edited',
          `Peer states another root than its own leaves hash to: ${organisation} at size ${pin.size}`,
          times,
        ),
      );
    else if (wrong.length > 0 && equalBytes(sum.root, root))
      report(
        say(
          'chain',
          table,
          'head',
          'root',
          'forked',
          `Peer holds another log than the others, down to its root: ${organisation} at size ${pin.size}`,
          times,
        ),
      );
  }
  await checkKeptNotes(sources, pin, report);
  await checkHead(stored, tree, checkpoints, hash, report);
  await checkTiles(stored, tree, checkpoints, hash, report);
  await checkAnchorsReached(sources, anchors, pin, report);
}

async function checkKeptNotes(sources: VerifySources, pin: Pin, report: Report): Promise<void> {
  if (pin.size === 0) return;
  for (const at of pin.peers) {
    if (at.state !== 'there') continue;
    const fault = at.note
      ? await noteFault(sources.trust, at.note, pin.size, at.root)
      : { kind: 'edited' as const, says: 'is missing or of another root' };
    if (fault)
      report(
        say(
          'chain',
          `peer-${at.peer.organisation}`,
          `checkpoint ${pin.size}`,
          'note',
          fault.kind,
          `Peer's checkpoint ${fault.says}: ${at.peer.organisation} at size ${pin.size}`,
          { rightAt: null, wrongAt: pin.size },
        ),
      );
  }
}

async function checkHead(
  stored: StoredLog,
  tree: Tree,
  checkpoints: Stated,
  hash: Hash,
  report: Report,
): Promise<void> {
  const head = await stored.head();
  const newest = checkpoints.sizes.at(-1) ?? 0;
  const wrong = (column: string, kind: Finding['kind'], says: string): void =>
    report(
      say('log', 'log_head', '1', column, kind, says, {
        rightAt: lastSizeUpTo(checkpoints.sizes, newest - 1),
        wrongAt: newest,
      }),
    );
  if (!head) return wrong('size', 'deleted', 'Log head is missing');
  if (!tree.whole) return;
  const range = tree.range();
  if (head.size !== range.size)
    wrong(
      'size',
      'edited',
      `Log head states another size than the leaves have: ${head.size}, not ${range.size}`,
    );
  else {
    if (!equalBytes(head.root, rootOfRange(range, hash)))
      wrong('root', 'edited', "Log head's root is not the root of the leaves");
    if (toHex(head.range) !== range.hashes.map(toHex).join(''))
      wrong('range', 'edited', "Log head's compact range is not that of the leaves");
  }
  if (newest !== range.size)
    report(
      say(
        'log',
        'log_checkpoints',
        String(range.size),
        null,
        newest > range.size ? 'inserted' : 'deleted',
        newest > range.size
          ? `Checkpoint is larger than the log: size ${newest}`
          : `Newest checkpoint is missing: size ${range.size}`,
        { rightAt: null, wrongAt: range.size },
      ),
    );
}

/** Every full tile that the tree has, and no other, with the hashes and the root that the leaves give. */
async function checkTiles(
  stored: StoredLog,
  tree: Tree,
  checkpoints: Stated,
  hash: Hash,
  report: Report,
): Promise<void> {
  if (!tree.whole) return;
  const counts = tree.tiles.counts();
  const newest = checkpoints.sizes.at(-1) ?? 0;
  const wrong = (
    level: number,
    index: number,
    column: string | null,
    kind: Finding['kind'],
    says: string,
  ): void =>
    report(
      say(
        'log',
        'log_tiles',
        `${level} ${index}`,
        column,
        kind,
        `${says}: level ${level}, index ${index}`,
        // Right when it was full, wrong by now.
        {
          rightAt: firstSizeOver(checkpoints.sizes, (index + 1) * TILE_LEAVES ** (level + 1) - 1),
          wrongAt: newest,
        },
      ),
    );
  const next: number[] = [];
  const missing = (level: number, from: number, to: number): void => {
    for (let index = from; index < to; index++) wrong(level, index, null, 'deleted', 'Tile is missing');
  };
  for await (const portion of stored.tiles())
    for (const { level, index, hashes, root } of portion) {
      const right = tree.tiles.at(level, index);
      if (!right) {
        wrong(level, index, null, 'inserted', 'Tile is of no part of the tree');
        continue;
      }
      missing(level, next[level] ?? 0, index);
      next[level] = index + 1;
      if (!equalBytes(hash(hashes), right.digest as Uint8Array))
        wrong(level, index, 'hashes', 'edited', 'Tile does not hold the hashes of the tree');
      if (!equalBytes(root, right.root as Uint8Array))
        wrong(level, index, 'root', 'edited', "Tile's root is not that of its hashes");
    }
  for (const [level, count] of counts.entries()) missing(level, next[level] ?? 0, count);
}

/** An anchor that no peer has reached would let a screen call anchored what is not. Asked after the snapshot. */
async function checkAnchorsReached(
  sources: VerifySources,
  anchors: Stated,
  pin: Pin,
  report: Report,
): Promise<void> {
  const newest = anchors.sizes.at(-1) ?? 0;
  if (newest <= pin.size) return;
  const heads = await Promise.all(sources.peers.map((peer) => peer.head().catch(() => undefined)));
  const heard = heads.filter((head) => head !== undefined);
  if (heard.length === 0 || heard.some(({ size }) => size >= newest)) return;
  report(
    say(
      'log',
      'log_anchors',
      String(newest),
      'size',
      'forged',
      `Anchor is larger than what any peer holds: size ${newest}`,
      { rightAt: pin.size, wrongAt: newest },
    ),
  );
}
