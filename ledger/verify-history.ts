// Station 7, the story of each case as Temporal keeps it, beside what is recorded. The comparison itself comes as an argument
// (bin/replay); here its differences become findings, or witnesses of what was found already. Reads nothing.
import type { Found, Report } from './verify-finding.ts';
import type { HistoryDifference } from './verify-sources.ts';

/**
 * Reports each difference that does not follow from something that was found in the database or the log; there the history
 * stands against it.
 * @returns the findings that histories bear out
 */
export function judgeHistories(
  differing: readonly HistoryDifference[],
  found: readonly Found[],
  report: Report,
): ReadonlySet<Found> {
  const borneOut = new Set<Found>();
  // What is gone without a name may be any of those that the record lacks.
  const nameless = found.filter(
    ({ store, row, kind }) =>
      (store === 'log' || store === 'postgres') &&
      row === null &&
      (kind === 'deleted' || kind === 'truncated'),
  );
  for (const { workflow, place, kind, rows, lacks, says } of differing) {
    const named = found.filter(
      ({ store, row }) => (store === 'log' || store === 'postgres') && row !== null && rows.includes(row),
    );
    const because = named.length > 0 ? named : lacks ? nameless : [];
    for (const one of because) borneOut.add(one);
    if (because.length === 0)
      report({
        store: 'history',
        table: workflow,
        row: place,
        column: null,
        kind,
        rightAt: null,
        wrongAt: null,
        says,
      });
  }
  return borneOut;
}
