// Station 7, what a run remembers of the entries it has read, in flat arrays: who wrote each row last, what each entry hashed
// to, and the sizes of checkpoints. A million entries cost some tens of megabytes. Knows nothing of sources or findings.
import type { Hash } from './merkle.ts';

const utf8 = new TextEncoder();

/** A list of byte strings of one length. */
export interface PackedBytes {
  readonly count: () => number;
  push(bytes: Uint8Array): void;
  at(index: number): Uint8Array;
}

export function packedBytes(width: number): PackedBytes {
  let bytes = new Uint8Array(width * 1024);
  let count = 0;
  return {
    count: () => count,
    push(value) {
      if ((count + 1) * width > bytes.length) {
        const larger = new Uint8Array(bytes.length * 2);
        larger.set(bytes);
        bytes = larger;
      }
      bytes.set(value.subarray(0, width), count * width);
      count += 1;
    },
    at: (index) => bytes.subarray(index * width, (index + 1) * width),
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

/** Which entry wrote each row last, by ordinal, and which rows were met. */
export interface RowMemory {
  /** Notes that the entry with this ordinal wrote the row. True when an earlier entry had written it already. */
  wrote(table: string, key: string, ordinal: number): boolean;
  /** The ordinal of the row's last writer; undefined when no entry ever named it. */
  writer(table: string, key: string): number | undefined;
  /** Marks a row as met. False when it was met before. */
  meet(table: string, key: string): boolean;
  met(table: string, key: string): boolean;
  /** Ordinals whose rows were not all met, each once, in order. */
  unmet(): number[];
}

/**
 * Open addressing over the first 8 bytes of SHA-256(table, key). Two rows that share all 64 bits would be taken for one;
 * whoever could arrange that still has to match the digests of the other row, and the second one to be met is reported.
 */
export function rowMemory(hash: Hash): RowMemory {
  let slots = 1 << 12;
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
  const name = (table: string, key: string): [number, number] => {
    const digest = hash(utf8.encode(`${table}\n${key}`));
    const view = new DataView(digest.buffer, digest.byteOffset, 8);
    return [view.getUint32(0), view.getUint32(4)];
  };

  return {
    wrote(table, key, ordinal) {
      if (used * 10 > slots * 6) grow();
      const [h, l] = name(table, key);
      const slot = find(h, l);
      const known = last[slot] !== 0;
      if (!known) used += 1;
      high[slot] = h;
      low[slot] = l;
      last[slot] = ordinal + 1;
      return known;
    },
    writer(table, key) {
      const slot = find(...name(table, key));
      return last[slot] === 0 ? undefined : (last[slot] as number) - 1;
    },
    meet(table, key) {
      const slot = find(...name(table, key));
      if (last[slot] === 0 || seen[slot] === 1) return false;
      seen[slot] = 1;
      return true;
    },
    met: (table, key) => seen[find(...name(table, key))] === 1,
    unmet() {
      const ordinals = new Set<number>();
      for (let i = 0; i < slots; i++)
        if (last[i] !== 0 && seen[i] === 0) ordinals.add((last[i] as number) - 1);
      return [...ordinals].sort((a, b) => a - b);
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

/** Smallest of the ascending sizes that is larger than `index`: the checkpoint that first covered it; or null. */
export const firstSizeOver = (sizes: readonly number[], index: number): number | null =>
  sizes[placeOver(sizes, index)] ?? null;

/** Largest of the ascending sizes that is at most `index`: the last checkpoint without it; or null. */
export const lastSizeUpTo = (sizes: readonly number[], index: number): number | null =>
  sizes[placeOver(sizes, index) - 1] ?? null;
