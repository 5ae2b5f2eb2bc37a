// Bench, how it is measured: rounds of ours and of the peer in turn, so that a machine whose speed changes under us
// changes for both, and medians over them. Also whose processor time it was.
import { readdirSync, readFileSync } from 'node:fs';

/** One round: how many operations in how many seconds, each one's time, and processor time by process. */
export interface Round {
  readonly n: number;
  readonly seconds: number;
  readonly latenciesMs: readonly number[];
  readonly cpuMs: Readonly<Record<string, number>>;
}

/** Does `count` operations by `writers` at once, each writer its share one after the other. */
export async function round(
  writers: number,
  count: number,
  pids: Readonly<Record<string, number>>,
  operation: (writer: number, turn: number) => Promise<unknown>,
): Promise<Round> {
  const latenciesMs: number[] = [];
  const turns = Math.ceil(count / writers);
  const cpu = cpuTimes(pids);
  // Our own is asked for by itself: looking at every other process takes milliseconds, which no operation used.
  const own = process.cpuUsage();
  const began = performance.now();
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let turn = 0; turn < turns; turn++) {
        const start = performance.now();
        await operation(writer, turn);
        latenciesMs.push(performance.now() - start);
      }
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  const used = process.cpuUsage(own);
  const after = cpuTimes(pids);
  const cpuMs = {
    bench: (used.user + used.system) / 1000,
    ...Object.fromEntries(Object.keys(after).map((name) => [name, (after[name] ?? 0) - (cpu[name] ?? 0)])),
  };
  return { n: turns * writers, seconds, latenciesMs, cpuMs };
}

export interface Side {
  /** Untimed, before each round: what the operations need, and what the last round left behind. */
  readonly prepare?: () => Promise<void>;
  readonly run: () => Promise<Round>;
}

/** What rounds of one side add up to. */
export interface Measured {
  readonly n: number;
  /** Median over rounds. */
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of one operation by process, median over rounds. */
  readonly cpuMsPerOperation: Readonly<Record<string, number>>;
  /** The rounds themselves, in their order. */
  readonly rounds: readonly Round[];
}

/** Ours, peer, ours, peer…: `rounds` of each after one of each that does not count. */
export async function interleaved(
  rounds: number,
  ours: Side,
  peer: Side,
): Promise<{ ours: Measured; peer: Measured }> {
  const measured: { ours: Round[]; peer: Round[] } = { ours: [], peer: [] };
  for (let i = -1; i < rounds; i++) {
    for (const name of ['ours', 'peer'] as const) {
      const side = name === 'ours' ? ours : peer;
      await side.prepare?.();
      const one = await side.run();
      if (i >= 0) measured[name].push(one);
    }
  }
  return { ours: summed(measured.ours), peer: summed(measured.peer) };
}

function summed(rounds: readonly Round[]): Measured {
  const latencies = rounds.flatMap((r) => r.latenciesMs).sort((a, b) => a - b);
  const names = new Set(rounds.flatMap((r) => Object.keys(r.cpuMs)));
  return {
    n: rounds.reduce((sum, r) => sum + r.n, 0),
    perSecond: median(rounds.map(perSecond)),
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    cpuMsPerOperation: Object.fromEntries(
      [...names].map((name) => [name, median(rounds.map((r) => (r.cpuMs[name] ?? 0) / r.n))]),
    ),
    rounds,
  };
}

/** What a round comes to, so that each of ours can be held against the peer's that ran beside it. */
export const perSecond = (one: Round): number => one.n / one.seconds;
export const p50Ms = (one: Round): number =>
  quantile(
    [...one.latenciesMs].sort((a, b) => a - b),
    0.5,
  );

/** Least and greatest ratio of ours to the peer's over the pairs of rounds. */
export function spread(ours: Measured, peer: Measured, of: (one: Round) => number): [number, number] {
  const ratios = ours.rounds.map((one, i) => of(one) / of(peer.rounds[i] as Round)); // as many of each
  return [Math.min(...ratios), Math.max(...ratios)];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1
    ? (sorted[Math.floor(middle)] as number)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** Nearest rank, of sorted values. */
export const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)] ?? Number.NaN;

/** Kernel ticks a second in /proc/PID/stat (proc_pid_stat(5)); 100 on every Linux that Node runs on. */
const TICK_MS = 10;

/** Processor time of others so far, by name; each process with its living children (Postgres' backends). Linux only, else empty. */
function cpuTimes(pids: Readonly<Record<string, number>>): Record<string, number> {
  const times: Record<string, number> = {};
  const stats = new Map<number, { parent: number; ms: number }>();
  try {
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      const stat = statOf(entry);
      if (stat) stats.set(Number(entry), stat);
    }
  } catch {
    return times; // no /proc here
  }
  for (const [name, pid] of Object.entries(pids)) {
    let ms = stats.get(pid)?.ms ?? 0;
    for (const { parent, ms: child } of stats.values()) if (parent === pid) ms += child;
    times[name] = ms;
  }
  return times;
}

function statOf(pid: string): { parent: number; ms: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may hold anything; fields are counted behind it.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(fields[1]), ms: (Number(fields[11]) + Number(fields[12])) * TICK_MS };
  } catch {
    return undefined; // ended while we looked
  }
}

/** One side of a comparison: what is done to each of `count` items, by the processor time of this thread alone. */
export const alone = (count: number, work: () => void) => ({
  run: async (): Promise<Round> => {
    const began = process.threadCpuUsage();
    work();
    const { user, system } = process.threadCpuUsage(began);
    const seconds = (user + system) / 1e6;
    return { n: count, seconds, latenciesMs: [(seconds * 1000) / count], cpuMs: {} };
  },
});
/** The same, item by item. */
export const each = <T>(items: readonly T[], work: (item: T) => void) =>
  alone(items.length, () => {
    for (const item of items) work(item);
  });
