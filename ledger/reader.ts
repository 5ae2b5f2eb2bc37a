// Station 7, reading what others hold: one organisation's own list of leaves, page by page, and the newest size that two
// of them have reached. Pure of any network: peers come as an argument. Never believes a list because of who gave it.
import {
  appendLeaves,
  type CompactRange,
  EMPTY_RANGE,
  equalBytes,
  type Hash,
  rootOfRange,
} from './merkle.ts';

/** Size and root that somebody claims. */
export interface SizedRoot {
  readonly size: number;
  readonly root: Uint8Array;
}

/** One organisation's own copy of the log. Every answer may throw: then this organisation cannot be read now. */
export interface PeerLog {
  readonly organisation: string;
  head(): Promise<SizedRoot>;
  /** What was accepted with the batch that ended at `size`; undefined when none ended there. */
  checkpointAt(size: number): Promise<(SizedRoot & { readonly note: string }) | undefined>;
  /** Leaf hashes from index `first`, `count` at most. Throws BrokenListing when its own list has a hole. */
  leaves(first: number, count: number): Promise<readonly Uint8Array[]>;
}

/** A peer says itself that leaves are missing from its list, from this index on. */
export class BrokenListing extends Error {
  override readonly name = 'BrokenListing';
  readonly index: number;
  constructor(index: number) {
    super(`list of leaves has a hole; restore this peer from the others: ${index}`);
    this.index = index;
  }
}

/** What one peer says about the pinned size. */
export type PeerAtPin =
  | {
      readonly peer: PeerLog;
      readonly state: 'there';
      readonly root: Uint8Array;
      readonly note: string | null;
    }
  | { readonly peer: PeerLog; readonly state: 'behind'; readonly size: number }
  | { readonly peer: PeerLog; readonly state: 'unreadable' };

export interface Pin {
  /** Newest size that two of the peers have reached; the only one's when one alone answers; else 0. */
  readonly size: number;
  readonly peers: readonly PeerAtPin[];
}

const LAG_TRIES = 20;
const LAG_WAIT_MS = 500;

/**
 * Pins the newest anchored size and each peer's root there. A peer that lags is waited for, about ten seconds.
 * @param wait resolves after that many milliseconds
 */
export async function pinNewest(
  peers: readonly PeerLog[],
  wait: (ms: number) => Promise<void>,
): Promise<Pin> {
  const heads = await Promise.all(
    peers.map(async (peer) => ({ peer, head: await peer.head().catch(() => undefined) })),
  );
  const sizes = heads.flatMap(({ head }) => (head ? [head.size] : [])).sort((a, b) => b - a);
  const size = sizes[1] ?? sizes[0] ?? 0;
  return {
    size,
    peers: await Promise.all(
      heads.map(({ peer, head }) =>
        head
          ? atSize(peer, head, size, wait).catch((): PeerAtPin => ({ peer, state: 'unreadable' }))
          : Promise.resolve<PeerAtPin>({ peer, state: 'unreadable' }),
      ),
    ),
  };
}

async function atSize(
  peer: PeerLog,
  first: SizedRoot,
  size: number,
  wait: (ms: number) => Promise<void>,
): Promise<PeerAtPin> {
  let head = first;
  for (let tries = 0; head.size < size && tries < LAG_TRIES; tries++) {
    await wait(LAG_WAIT_MS);
    head = await peer.head();
  }
  if (head.size < size) return { peer, state: 'behind', size: head.size };
  if (size === 0) return { peer, state: 'there', root: head.root, note: null };
  const kept = await peer.checkpointAt(size);
  // The root a peer states for its head is its word, too: when both are known they must be the same.
  const root = head.size === size ? head.root : (kept?.root ?? new Uint8Array(0));
  return { peer, state: 'there', root, note: kept && equalBytes(kept.root, root) ? kept.note : null };
}

/** A peer's leaves in order, and the tree over those taken so far. */
export interface Listing {
  /** The leaf at `index`, which only grows from call to call; undefined when the list ends or breaks before it. */
  leaf(index: number): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** How many leaves were listed, and the root over them. Ask at the end. */
  sum(): SizedRoot;
  /** Where the list broke off: the peer's own admission, its end, or no answer. */
  broken(): { readonly at: number; readonly why: 'hole' | 'end' | 'unreadable' } | undefined;
}

const PAGE = 8192;
/** So often a page is asked for before the peer is said to have stopped answering: a list of a million takes minutes. */
const ASKED = 3;

/** Lists a peer's leaves below `size`, hashing each page into a tree as it comes. */
export function listing(peer: PeerLog, size: number, hash: Hash): Listing {
  let range: CompactRange = EMPTY_RANGE;
  let page: readonly Uint8Array[] = [];
  let first = 0;
  let broken: ReturnType<Listing['broken']>;
  /** The page behind this one, on its way while this one is compared. */
  let coming: Promise<readonly Uint8Array[]> | undefined;
  async function ask(from: number): Promise<readonly Uint8Array[]> {
    for (let times = 1; ; times++) {
      try {
        return await peer.leaves(from, Math.min(PAGE, size - from));
      } catch (error) {
        // What the peer admits is its answer; anything else may have been a moment's.
        if (error instanceof BrokenListing || times === ASKED) throw error;
      }
    }
  }

  async function turn(index: number): Promise<Uint8Array | undefined> {
    while (!broken && index >= first + page.length) {
      first += page.length;
      try {
        page = await (coming ?? ask(first));
      } catch (error) {
        page = [];
        broken =
          error instanceof BrokenListing
            ? { at: error.index, why: 'hole' }
            : { at: first, why: 'unreadable' };
        break;
      }
      if (page.length === 0) broken = { at: first, why: 'end' };
      range = appendLeaves(range, page, hash);
      const next = first + page.length;
      coming = next < size ? ask(next) : undefined;
      // When it fails, that is told in its turn.
      coming?.catch(() => undefined);
    }
    return page[index - first];
  }

  return {
    leaf(index) {
      if (index >= size) return undefined;
      const here = page[index - first];
      return here ?? (broken ? undefined : turn(index));
    },
    sum: () => ({ size: range.size, root: rootOfRange(range, hash) }),
    broken: () => broken,
  };
}
