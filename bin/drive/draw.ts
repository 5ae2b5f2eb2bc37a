// Drive, chance: everything that is drawn comes from one seed, a stream per case, so that the same seed gives the same cases
// whatever the concurrency. Not for secrets.

export interface Draw {
  /** From 0 up to, not including, 1. */
  next(): number;
  /** A whole number from `min` to `max`, both included. */
  whole(min: number, max: number): number;
  one<T>(of: readonly T[]): T;
  /** True as often as `share` says. */
  chance(share: number): boolean;
  shuffled<T>(of: readonly T[]): T[];
}

/** A stream of numbers for a seed and a place in it (mulberry32: a public-domain generator with 32 bits of state). */
export function drawFrom(seed: number, stream: number): Draw {
  let state = (Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b)) | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    whole,
    one(of) {
      const chosen = of[whole(0, of.length - 1)];
      if (chosen === undefined) throw new Error('nothing to draw from');
      return chosen;
    },
    chance: (share) => next() < share,
    shuffled(of) {
      const left = [...of];
      for (let i = left.length - 1; i > 0; i--) {
        const j = whole(0, i);
        [left[i], left[j]] = [left[j] as (typeof left)[0], left[i] as (typeof left)[0]];
      }
      return left;
    },
  };
}
