// Station 7, what entries tell of clocks: a time that runs back, entries that are later than the anchor that holds them, and those
// that came long after their key's end. Clocks step and chains are away, so this is said and accuses nobody. Never judges an entry.
import type { Placed } from './verify-entries.ts';
import { firstSizeOver } from './verify-memory.ts';
import type { VerifyNote } from './verify-sources.ts';

/** Clocks further apart than this are said to be (SECURITY.md U5). */
const APART_MS = 2000;
/**
 * So much later than the end of the key that signed it may an entry reach the chain, which is away now and then. Later, whoever has
 * that key and the service's may have dated it back: an entry's own time is no proof that it is older (SECURITY.md E6, X21).
 */
const LATE_MS = 3_600_000;
/** Told one by one. */
const SHOWN = 100;

/**
 * Watches the times of entries in the log's order.
 * @param anchored when each size, ascending, was first seen on the chain, in Unix milliseconds
 */
export function createClockCheck(anchored: readonly { readonly size: number; readonly at: number }[]) {
  const notes: VerifyNote[] = [];
  const sizes = anchored.map(({ size }) => size);
  const times = new Map(anchored.map(({ size, at }) => [size, at]));
  let latest = Number.NEGATIVE_INFINITY;
  /** Sizes whose entries were said to be ahead: one clock is one note. */
  const ahead = new Set<number>();
  const say = (kind: VerifyNote['kind'], { entry, index }: Placed, ms: number, says: string): void => {
    if (notes.length < SHOWN)
      notes.push({ kind, entry: entry.id, index, seconds: Math.round(ms / 100) / 10, says });
  };
  return {
    notes,
    add(portion: readonly Placed[]): void {
      for (const placed of portion) {
        const { entry, checked, index, late } = placed;
        const at = Date.parse(entry.at);
        if (index === null || late || Number.isNaN(at)) continue;
        if (at < latest - APART_MS) {
          const back = latest - at;
          say(
            'clock-stepped-back',
            placed,
            back,
            `Time ran back in the log by ${inSeconds(back)}: index ${index}`,
          );
          // From here on by the new time: one step is one note.
          latest = at;
        } else latest = Math.max(latest, at);
        const size = firstSizeOver(sizes, index);
        const seen = size === null ? undefined : times.get(size);
        const ended = checked.told?.keysEnd ?? Number.POSITIVE_INFINITY;
        if (seen !== undefined && at <= ended && seen > ended + LATE_MS)
          say(
            'after-its-key',
            placed,
            seen - ended,
            `Entry is signed with a key that had ended when the chain first held it, ${inSeconds(seen - ended)} before; it says that it is older: index ${index}`,
          );
        if (size === null || seen === undefined || at <= seen + APART_MS || ahead.has(size)) continue;
        ahead.add(size);
        say(
          'clocks-apart',
          placed,
          at - seen,
          `Entry is later than the anchor that holds it, by ${inSeconds(at - seen)}: index ${index}, anchored at size ${size}`,
        );
      }
    },
  };
}

const inSeconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
