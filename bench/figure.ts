// Bench, the figures: one shape for every number that is printed, and its three ways out (a line for people, JSON for
// programs, a table row for docs/performance.md). Numbers are cut off, never rounded up.

/** One measured figure (DESIGN.md section 7, `npm run bench`). */
export interface Figure {
  readonly bench: string;
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  /** What it is held against, measured in the same run; null when the goal is a number of its own. */
  readonly peer: string | null;
  readonly peerValue: number | null;
  /** `value / peerValue`. */
  readonly ratio: number | null;
  /** Least and greatest ratio over the rounds. */
  readonly spread: readonly [number, number] | null;
  /** As `ratio >= 0.6` or `value <= 2`; null when nothing is demanded. */
  readonly goal: string | null;
  readonly met: boolean | null;
  /** Operations measured on our side. */
  readonly n: number;
  readonly concurrency: number;
}

/** What is demanded of a figure. */
export interface Goal {
  readonly of: 'ratio' | 'value';
  readonly sign: '>=' | '<=';
  readonly bound: number;
}

/** Makes a figure and judges it by the numbers before they are cut off. */
export function figure(
  of: Pick<Figure, 'bench' | 'figure' | 'value' | 'unit' | 'n' | 'concurrency'> & {
    readonly peer?: {
      readonly is: string;
      readonly value: number;
      readonly spread?: readonly [number, number];
    };
    readonly goal?: Goal;
  },
): Figure {
  const { peer, goal, ...rest } = of;
  const ratio = peer ? of.value / peer.value : null;
  const judged = goal?.of === 'ratio' ? ratio : of.value;
  return {
    bench: rest.bench,
    figure: rest.figure,
    value: cut(of.value),
    unit: rest.unit,
    peer: peer?.is ?? null,
    peerValue: peer ? cut(peer.value) : null,
    ratio: ratio === null ? null : cut(ratio),
    spread: peer?.spread ? [cut(peer.spread[0]), cut(peer.spread[1])] : null,
    goal: goal ? `${goal.of} ${goal.sign} ${goal.bound}` : null,
    met: goal && judged !== null ? (goal.sign === '>=' ? judged >= goal.bound : judged <= goal.bound) : null,
    n: rest.n,
    concurrency: rest.concurrency,
  };
}

/** Three significant digits, cut off towards zero. */
function cut(value: number): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const step = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 2);
  return Number((Math.trunc(value / step + 1e-9) * step).toPrecision(3));
}

const spreadOf = ({ spread }: Figure): string => (spread ? ` (${spread[0]} to ${spread[1]})` : '');

/** A line for people. */
export function sentence(one: Figure): string {
  const users = one.concurrency > 1 ? ` at ${one.concurrency}` : '';
  const against =
    one.peer === null ? '' : `, ${one.peer} ${one.peerValue} ${one.unit}: ratio ${one.ratio}${spreadOf(one)}`;
  const verdict = one.goal === null ? '' : ` (goal ${one.goal}: ${one.met ? 'met' : 'MISSED'})`;
  return `${one.bench} ${one.figure}${users}: ${one.value} ${one.unit}${against}${verdict}`;
}

/** A row of the table in docs/performance.md; its head is `TABLE_HEAD`. */
export const tableRow = (one: Figure): string =>
  `| ${[one.bench, one.figure, one.concurrency, one.n, `${one.value} ${one.unit}`, one.peer === null ? '' : `${one.peer}: ${one.peerValue}`, one.ratio === null ? '' : `${one.ratio}${spreadOf(one)}`, one.goal ?? '', one.met === null ? '' : one.met ? 'met' : '**missed**'].join(' | ')} |`;
export const TABLE_HEAD =
  '| bench | figure | concurrency | n | value | peer | ratio | goal | |\n|---|---|---|---|---|---|---|---|---|';
