// Station 5, tiles: the tree cut into C2SP tlog-tiles, with the one spelling of their addresses, and proofs read out of them.
// A tile is 256 consecutive hashes of one height; only full ones are kept, as they never change; partial ones are cut off
// what is kept below them. Must never fill a gap: a tile that is shorter than its tree says is refused.
import { HASH_BYTES, type Hash, nodeHash, rootOf } from './merkle.ts';

/** Hashes in a full tile. */
export const TILE_WIDTH = 256;
/** Levels that an address may name (C2SP tlog-tiles, "Merkle Tree"). */
const MAX_LEVEL = 63;

/** One tile: `level` 0 holds leaf hashes, each level above the roots of 256 full tiles below. `width` is 256 when it is full. */
export interface TileName {
  readonly level: number;
  readonly index: number;
  readonly width: number;
}

/** What an address below `tile/` names: hashes of a level, or a bundle of entries. */
export type TileAddress = TileName | (Omit<TileName, 'level'> & { readonly level: 'entries' });

/** Address of a tile or bundle, as C2SP tlog-tiles spells it: `tile/0/x001/067`, `tile/entries/000.p/9`. */
export function tilePath({ level, index, width }: TileAddress): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g) as string[]; // at least one group
  const last = groups.pop();
  const partial = width === TILE_WIDTH ? '' : `.p/${width}`;
  return ['tile', level, ...groups.map((group) => `x${group}`), `${last}${partial}`].join('/');
}

/** Reads an address in its one allowed spelling; undefined for any other text. */
export function parseTilePath(path: string): TileAddress | undefined {
  const found =
    /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/.exec(path);
  if (!found) return undefined;
  const [, level = '', groups = '', partial] = found;
  const address = {
    level: level === 'entries' ? ('entries' as const) : Number(level),
    index: Number(groups.replace(/[x/]/g, '')),
    width: partial === undefined ? TILE_WIDTH : Number(partial),
  };
  const fits =
    Number.isSafeInteger(address.index) &&
    (partial === undefined || address.width < TILE_WIDTH) &&
    (address.level === 'entries' || address.level <= MAX_LEVEL);
  // Written back it must be the same: no group of zeros in front, no width of a full tile.
  return fits && tilePath(address) === path ? address : undefined;
}

/** How many hashes of a level a tree of `size` leaves has. */
export const hashesAt = (level: number, size: number): number => Math.floor(size / TILE_WIDTH ** level);

/** How many full tiles of a level a tree of `size` leaves has. */
export const fullTilesAt = (level: number, size: number): number => hashesAt(level + 1, size);

/** Every tile at the right edge of a tree of `size` leaves: the partial ones, one for each level that has one. */
export function edgeTiles(size: number): TileName[] {
  const tiles: TileName[] = [];
  for (let level = 0; hashesAt(level, size) > 0; level++) {
    const width = hashesAt(level, size) % TILE_WIDTH;
    if (width > 0) tiles.push({ level, index: fullTilesAt(level, size), width });
  }
  return tiles;
}

/** The tile of a level that holds hash `at` of it, as wide as a tree of `size` leaves has it. */
export function tileAround(level: number, at: number, size: number): TileName {
  const index = Math.floor(at / TILE_WIDTH);
  const width = Math.min(TILE_WIDTH, hashesAt(level, size) - index * TILE_WIDTH);
  if (width <= at % TILE_WIDTH)
    throw new RangeError(`Tree has no such hash: ${at} of level ${level}, size ${size}`);
  return { level, index, width };
}

/** A tile's bytes as its hashes. */
export function hashesOf(tile: Uint8Array): Uint8Array[] {
  if (tile.length % HASH_BYTES !== 0)
    throw new RangeError(`Tile is not made of whole hashes: ${tile.length} bytes`);
  return Array.from({ length: tile.length / HASH_BYTES }, (_, i) =>
    tile.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
  );
}

/** Root of the subtree that a full tile spans: one hash of the level above. */
export function tileRoot(tile: Uint8Array, hash: Hash): Uint8Array {
  if (tile.length !== TILE_WIDTH * HASH_BYTES) throw new RangeError(`Tile is not full: ${tile.length} bytes`);
  return rootOf(hashesOf(tile), hash);
}

/** A bundle of log entries: each behind its length in two bytes, big-endian (C2SP tlog-tiles, "Log entries"). */
export function entryBundle(entries: readonly Uint8Array[]): Uint8Array {
  const bundle = new Uint8Array(entries.reduce((length, entry) => length + 2 + entry.length, 0));
  let at = 0;
  for (const entry of entries) {
    if (entry.length > 0xffff) throw new RangeError(`Entry is too long for a bundle: ${entry.length} bytes`);
    bundle[at] = entry.length >> 8;
    bundle[at + 1] = entry.length & 0xff;
    bundle.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return bundle;
}

/** The entries of a bundle; undefined when its lengths do not fill it exactly. */
export function bundleEntries(bundle: Uint8Array): Uint8Array[] | undefined {
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bundle.length; ) {
    const length = ((bundle[at] ?? 0) << 8) | (bundle[at + 1] ?? 0);
    if (at + 2 + length > bundle.length) return undefined;
    entries.push(bundle.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return entries;
}

/** Gives a tile's bytes, `width` hashes of them. May throw when there is no such tile. */
export type ReadTile = (tile: TileName) => Uint8Array | Promise<Uint8Array>;

/** Reads trees and proofs out of tiles. Each tile is asked for once. */
export function tileTree(read: ReadTile, size: number, hash: Hash) {
  const known = new Map<string, Promise<Uint8Array>>();

  async function hashAt(level: number, at: number): Promise<Uint8Array> {
    const tile = tileAround(level, at, size);
    const name = `${level}/${tile.index}`;
    let bytes = known.get(name);
    if (!bytes) {
      bytes = Promise.resolve(read(tile));
      known.set(name, bytes);
    }
    const from = (at % TILE_WIDTH) * HASH_BYTES;
    const hashes = await bytes;
    if (hashes.length !== tile.width * HASH_BYTES)
      throw new RangeError(`Tile has another width than its tree says: ${tilePath(tile)}`);
    return hashes.subarray(from, from + HASH_BYTES);
  }

  /** Root of the perfect subtree over leaves [n·2^height, (n+1)·2^height). */
  async function subtree(height: number, n: number): Promise<Uint8Array> {
    if (height % 8 === 0) return await hashAt(height / 8, n);
    return nodeHash(await subtree(height - 1, 2 * n), await subtree(height - 1, 2 * n + 1), hash);
  }

  /** Root over leaves [begin, end), which is a node of the tree or its right edge (RFC 6962 section 2.1). */
  async function span(begin: number, end: number): Promise<Uint8Array> {
    const width = end - begin;
    const height = Math.floor(Math.log2(width));
    if (2 ** height === width) return await subtree(height, begin / width);
    const middle = begin + 2 ** height;
    return nodeHash(await span(begin, middle), await span(middle, end), hash);
  }

  /** Largest power of two below `width`, which is at least 2. */
  const split = (width: number): number => 2 ** (Math.ceil(Math.log2(width)) - 1);

  return {
    /** Root of the whole tree. */
    async root(): Promise<Uint8Array> {
      return size === 0 ? hash(new Uint8Array(0)) : await span(0, size);
    },
    /** Audit path of a leaf, nearest sibling first (RFC 6962 section 2.1.1). */
    async inclusion(index: number): Promise<Uint8Array[]> {
      if (!Number.isSafeInteger(index) || index < 0 || index >= size)
        throw new RangeError(`Leaf is not in the tree; ask below its size: ${index} of ${size}`);
      const path: Uint8Array[] = [];
      let begin = 0;
      let end = size;
      while (end - begin > 1) {
        const middle = begin + split(end - begin);
        const left = index < middle;
        path.push(await (left ? span(middle, end) : span(begin, middle)));
        if (left) end = middle;
        else begin = middle;
      }
      return path.reverse();
    },
    /** Proof that the tree over the first `size1` leaves is a prefix of this one (RFC 6962 section 2.1.2). */
    async consistency(size1: number): Promise<Uint8Array[]> {
      if (!Number.isSafeInteger(size1) || size1 < 0 || size1 > size)
        throw new RangeError(`Tree is smaller; ask up to its size: ${size1} of ${size}`);
      if (size1 === 0) return [];
      const path: Uint8Array[] = [];
      let begin = 0;
      let end = size;
      while (end !== size1) {
        const middle = begin + split(end - begin);
        const left = size1 <= middle;
        path.push(await (left ? span(middle, end) : span(begin, middle)));
        if (left) end = middle;
        else begin = middle;
      }
      if (begin !== 0) path.push(await span(begin, end));
      return path.reverse();
    },
  };
}
