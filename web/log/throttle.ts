// Station 1, web: how fast one address may read the public log. Counts in this process's memory and forgets the quiet ones;
// knows addresses only as keys of that count, and writes none of them anywhere.

/** Requests an address may make at once, and how many of them come back each second. */
export interface Allowance {
  readonly burst: number;
  readonly perSecond: number;
}

/** Addresses that are counted at once; beyond that the one quiet for longest is forgotten. */
const ADDRESSES = 10_000;

/**
 * A count of requests by address that leaks at a steady rate.
 * @param now milliseconds of a clock that does not run back
 * @returns takes one request of an address: 0 when it may be answered, else the seconds to wait
 */
export function throttle({ burst, perSecond }: Allowance, now: () => number): (address: string) => number {
  const counts = new Map<string, { level: number; at: number }>();
  return (address) => {
    const at = now();
    const known = counts.get(address);
    const level = known ? Math.max(0, known.level - ((at - known.at) / 1000) * perSecond) : 0;
    counts.delete(address); // behind all others again
    if (level + 1 > burst) {
      counts.set(address, { level, at });
      return Math.ceil((level + 1 - burst) / perSecond);
    }
    counts.set(address, { level: level + 1, at });
    if (counts.size > ADDRESSES) counts.delete(counts.keys().next().value as string);
    return 0;
  };
}
