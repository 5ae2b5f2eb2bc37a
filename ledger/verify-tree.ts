// Station 7, the tree over the leaves that are right, as it grows: compared at every size that somebody stated a root for, and
// cut into the tiles that must be there. Holds roots and digests, never leaves.
import {
  appendLeaves,
  type CompactRange,
  EMPTY_RANGE,
  HASH_BYTES,
  type Hash,
  mergeRanges,
  rootOf,
  rootOfRange,
} from './merkle.ts';
import type { Stated } from './verify-checkpoints.ts';
import { packedBytes } from './verify-memory.ts';

type Compared = readonly [stated: Stated, judge: (size: number, given: Uint8Array, root: Uint8Array) => void];

/** The tree over the right leaves, compared at every size that somebody stated a root for; and its tiles. */
export function growingTree(hash: Hash, compared: readonly Compared[]) {
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
      for (const [which, [stated, judge]] of compared.entries()) {
        while ((stated.sizes[at[which] as number] ?? Infinity) < size) at[which] = (at[which] as number) + 1;
        if (stated.sizes[at[which] as number] !== size) continue;
        judge(size, stated.roots.at(at[which] as number), rootOfRange(range(), hash));
      }
      if (open.size + fresh.length === TILE_LEAVES) flush();
    },
    range,
  };
}
export type Tree = ReturnType<typeof growingTree>;

/** Hashes in a full tile (C2SP tlog-tiles). */
export const TILE_LEAVES = 256;

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
