// Station 7, what a run remembers of the entries it has read, in flat arrays: who wrote each row last, what each entry hashed
// to, and the sizes of checkpoints. A million entries cost some tens of megabytes. Knows nothing of sources or findings.
import { utf8 } from './bytes.ts';
import type { Hash } from './merkle.ts';

/** A list of byte strings of one length. */
export interface PackedBytes {
  readonly count: () => number;
  push(bytes: Uint8Array): void;
  at(index: number): Uint8Array;
}

/** Items in one piece: a list grows by pieces, so that it never stands in memory twice. */
const PIECE = 1 << 14;

export function packedBytes(width: number): PackedBytes {
  const pieces: Uint8Array[] = [];
  let count = 0;
  return {
    count: () => count,
    push(value) {
      if (count % PIECE === 0) pieces.push(new Uint8Array(width * PIECE));
      pieces.at(-1)?.set(value.subarray(0, width), (count % PIECE) * width);
      count += 1;
    },
    at(index) {
      const from = (index % PIECE) * width;
      return pieces[Math.floor(index / PIECE)]?.subarray(from, from + width) ?? new Uint8Array(0);
    },
  };
}

/** The bytes of a UUID; anything else gives zeros, which no entry has. */
export function uuidBytes(text: string): Uint8Array {
  const hex = text.replaceAll('-', '');
  const bytes = new Uint8Array(16);
  if (!/^[0-9a-f]{32}$/.test(hex)) return bytes;
  for (let i = 0; i < 16; i++) bytes[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** A row's name in a run's memory: the first 8 bytes of SHA-256(table, key), as two numbers. */
export type RowName = readonly [high: number, low: number];

export function rowName(table: string, key: string, hash: Hash): RowName {
  const digest = hash(utf8(`${table}\n${key}`));
  const view = new DataView(digest.buffer, digest.byteOffset, 8);
  return [view.getUint32(0), view.getUint32(4)];
}

/** Which entry wrote each row last, by ordinal, and which rows were met. */
export interface RowMemory {
  /** How many rows entries vouch for. */
  readonly count: () => number;
  /** Notes that the entry with this ordinal wrote the row. True when an earlier entry had written it already. */
  wrote(row: RowName, ordinal: number): boolean;
  /** The ordinal of the row's last writer; undefined when no entry ever named it. */
  writer(row: RowName): number | undefined;
  /** Marks a row as met. False when it was met before. */
  meet(row: RowName): boolean;
  met(row: RowName): boolean;
  /** Ordinals whose rows were not all met, each once, in order. */
  unmet(): number[];
}

const SHARDS = 64;

/**
 * Open addressing over row names, in parts that grow one by one, so that no growth needs twice the memory. Two rows that
 * share all 64 bits would be taken for one; whoever could arrange that still has to match the digests of the other row,
 * and the second one to be met is reported.
 */
export function rowMemory(): RowMemory {
  const shards = Array.from({ length: SHARDS }, rowShard);
  const of = ([high]: RowName) => shards[high % SHARDS] as ReturnType<typeof rowShard>; // there are so many
  return {
    count: () => shards.reduce((sum, shard) => sum + shard.count(), 0),
    wrote: (row, ordinal) => of(row).wrote(row, ordinal),
    writer: (row) => of(row).writer(row),
    meet: (row) => of(row).meet(row),
    met: (row) => of(row).met(row),
    unmet() {
      const ordinals = new Set<number>();
      for (const shard of shards) shard.unmet(ordinals);
      return [...ordinals].sort((a, b) => a - b);
    },
  };
}

function rowShard() {
  let slots = 1 << 6;
  let used = 0;
  let high = new Uint32Array(slots);
  let low = new Uint32Array(slots);
  /** Ordinal plus one; 0 is an empty slot. */
  let last = new Uint32Array(slots);
  let seen = new Uint8Array(slots);

  const find = (h: number, l: number): number => {
    let slot = l & (slots - 1);
    while (last[slot] !== 0 && (high[slot] !== h || low[slot] !== l)) slot = (slot + 1) & (slots - 1);
    return slot;
  };
  const grow = (): void => {
    const old = { high, low, last, seen, slots };
    slots *= 2;
    high = new Uint32Array(slots);
    low = new Uint32Array(slots);
    last = new Uint32Array(slots);
    seen = new Uint8Array(slots);
    for (let i = 0; i < old.slots; i++) {
      if (old.last[i] === 0) continue;
      const slot = find(old.high[i] as number, old.low[i] as number);
      high[slot] = old.high[i] as number;
      low[slot] = old.low[i] as number;
      last[slot] = old.last[i] as number;
      seen[slot] = old.seen[i] as number;
    }
  };

  return {
    count: () => used,
    wrote([h, l]: RowName, ordinal: number): boolean {
      if (used * 10 > slots * 7) grow();
      const slot = find(h, l);
      const known = last[slot] !== 0;
      if (!known) used += 1;
      high[slot] = h;
      low[slot] = l;
      last[slot] = ordinal + 1;
      return known;
    },
    writer([h, l]: RowName): number | undefined {
      const slot = find(h, l);
      return last[slot] === 0 ? undefined : (last[slot] as number) - 1;
    },
    meet([h, l]: RowName): boolean {
      const slot = find(h, l);
      if (last[slot] === 0 || seen[slot] === 1) return false;
      seen[slot] = 1;
      return true;
    },
    met: ([h, l]: RowName): boolean => seen[find(h, l)] === 1,
    unmet(ordinals: Set<number>): void {
      for (let i = 0; i < slots; i++)
        if (last[i] !== 0 && seen[i] === 0) ordinals.add((last[i] as number) - 1);
    },
  };
}

/** Where in the ascending sizes the first one larger than `index` stands. */
function placeOver(sizes: readonly number[], index: number): number {
  let from = 0;
  let to = sizes.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((sizes[middle] as number) > index) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** Where this size stands among the ascending ones; -1 when it does not. */
export function placeOf(sizes: readonly number[], size: number): number {
  const at = placeOver(sizes, size) - 1;
  return sizes[at] === size ? at : -1;
}

/** Smallest of the ascending sizes that is larger than `index`: the checkpoint that first covered it; or null. */
export const firstSizeOver = (sizes: readonly number[], index: number): number | null =>
  sizes[placeOver(sizes, index)] ?? null;

/** Largest of the ascending sizes that is at most `index`: the last checkpoint without it; or null. */
export const lastSizeUpTo = (sizes: readonly number[], index: number): number | null =>
  sizes[placeOver(sizes, index) - 1] ?? null;
