// Station 7, many leaves in few words: what the chain has and the database does not, and runs of leaves that differ.
// Never leaves one out.
import type { EntryCheck } from './verify-entries.ts';
import { type Mismatch, type Report, say } from './verify-finding.ts';
import type { Finding } from './verify-sources.ts';

/** What the chain has and the database does not: single leaves, or everything from some index on. */
export function reportLost(
  indexes: readonly number[],
  bodiless: readonly number[],
  pinned: number,
  entries: EntryCheck,
  report: Report,
): void {
  const without = new Set(bodiless);
  let tail = pinned;
  const all = new Set(indexes);
  while (all.has(tail - 1)) tail -= 1;
  if (pinned - tail > 1) {
    const gone = [...without].some((index) => index >= tail);
    const window = { rightAt: null, wrongAt: pinned };
    const says = `The database's log ends before the chain's, as if an older state had been restored: index ${tail} of ${pinned}`;
    report(say('log', 'log_leaves', String(tail), null, 'truncated', says, window));
    if (gone)
      report(
        say(
          'log',
          'audit_entries',
          null,
          null,
          'truncated',
          `Entries that the chain anchored are not in the database: from index ${tail}`,
          window,
        ),
      );
  } else tail = pinned;
  for (const index of indexes) {
    if (index >= tail) continue;
    report(
      say(
        'log',
        'log_leaves',
        String(index),
        null,
        'deleted',
        `Leaf is missing in the database: index ${index}`,
        entries.windowOf(index),
      ),
    );
    if (without.has(index))
      report(
        say(
          'log',
          'audit_entries',
          null,
          null,
          'deleted',
          `Entry is on the chain and not in the database: index ${index}`,
          entries.windowOf(index),
        ),
      );
  }
}

const SHIFTED = {
  deleted: 'Leaf was taken out and those behind it moved up',
  inserted: 'Leaf was put in and those behind it moved down',
} as const;

/** Whether each of a run holds what belongs to its neighbour. Two that changed places are no such run. */
function shiftOf(run: readonly Mismatch[]): keyof typeof SHIFTED | undefined {
  if (run.length < 3) return undefined;
  if (run.slice(1).every(({ right }, at) => run[at]?.got === right)) return 'deleted';
  if (run.slice(1).every(({ got }, at) => run[at]?.right === got)) return 'inserted';
  return undefined;
}

/** One finding per leaf, or one for a run of more than this many neighbours. */
const SINGLY = 8;

export function reportMismatches(
  store: Finding['store'],
  table: string,
  wrong: readonly Mismatch[],
  window: (index: number) => { rightAt: number | null; wrongAt: number | null },
  report: Report,
  says: (index: number, kind: 'edited' | 'reordered') => string,
): void {
  const elsewhere = new Set(wrong.map(({ right }) => right));
  for (let from = 0; from < wrong.length; ) {
    let to = from + 1;
    while (to < wrong.length && (wrong[to] as Mismatch).index === (wrong[to - 1] as Mismatch).index + 1)
      to += 1;
    const run = wrong.slice(from, to);
    const { index } = run[0] as Mismatch;
    const shift = shiftOf(run);
    if (shift)
      report(
        say(store, table, String(index), null, shift, `${SHIFTED[shift]}: index ${index}`, window(index)),
      );
    else if (run.length > SINGLY)
      report(
        say(
          store,
          table,
          `${index}-${index + run.length - 1}`,
          null,
          'edited',
          `${says(index, 'edited')}, and ${run.length - 1} behind it`,
          window(index),
        ),
      );
    else
      for (const { index: at, got } of run) {
        const kind = elsewhere.has(got) ? 'reordered' : 'edited';
        report(say(store, table, String(at), null, kind, says(at, kind), window(at)));
      }
    from = to;
  }
}
