// Station 7, how a part of verification says what it found: a place, a kind and one sentence. Types and one helper; judges
// nothing, and reads nothing.
import type { Finding } from './verify-sources.ts';

/** A finding before it is told who else holds what (verify-witnesses.ts). */
export type Found = Omit<Finding, 'disagrees' | 'agree'>;
export type Report = (finding: Found) => void;

/** A hash that stands where another one belongs. */
export interface Mismatch {
  readonly index: number;
  readonly got: string;
  readonly right: string;
}

export const say = (
  store: Finding['store'],
  table: string | null,
  row: string | null,
  column: string | null,
  kind: Finding['kind'],
  says: string,
  window: { rightAt: number | null; wrongAt: number | null } = { rightAt: null, wrongAt: null },
): Found => ({ store, table, row, column, kind, ...window, says });
