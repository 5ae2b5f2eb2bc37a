// Composition of replay, what a difference is: between the histories of a case and what is recorded of it. Types, and when two
// values are the same. Compares nothing by itself.
import { canonicalJson } from '../../ledger/canonical.ts';
import type { HistoryDifference } from '../../ledger/verify-sources.ts';

/** One difference. Ids, codes and states only: neither side's values. */
export interface Difference {
  readonly case: string;
  /** The Update's or the audit event's name, or `workflow` for what concerns the case as a whole. */
  readonly event: string;
  readonly recorded: string | null;
  readonly replayed: string | null;
}

/** A difference with its place in the history, what happened there should the record be right, and rows that tell the same. */
export interface Disagreement
  extends Difference,
    Pick<HistoryDifference, 'kind' | 'place' | 'rows' | 'lacks'> {}

/** Where a difference stands: the operation key or run it is about, and the rows that it would follow from. */
export type Place = Partial<Pick<Disagreement, 'place' | 'rows' | 'lacks'>>;

export type Differ = (
  event: string,
  recorded: string | null,
  replayed: string | null,
  kind: Disagreement['kind'],
  at?: Place,
) => void;

const plain = (value: unknown): string => canonicalJson(JSON.parse(JSON.stringify(value ?? null)));
/** Whether two values are the same as JSON. */
export const same = (a: unknown, b: unknown): boolean => plain(a) === plain(b);
