// Station 4, what a write is made of: whole rows of recorded tables, and pieces of SQL for reads and guards.
// Only describes; `ledger/recorded.ts` is the one that writes.
import { getTableColumns, getTableName } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import { RECORDED, type RecordedName } from './schema.ts';

export type Row<T extends RecordedName> = Omit<(typeof RECORDED)[T]['$inferSelect'], 'entryId'>;

/** One row to write: the whole row as it is afterwards, so that its entry vouches for every column. */
export type Change = {
  [T in RecordedName]: { readonly table: T; readonly write: 'insert' | 'update'; readonly row: Row<T> };
}[RecordedName];

/** Typed shorthand for a change. */
export const insert = <T extends RecordedName>(table: T, row: Row<T>): Change =>
  ({ table, write: 'insert', row }) as unknown as Change;
export const update = <T extends RecordedName>(table: T, row: Row<T>): Change =>
  ({ table, write: 'update', row }) as unknown as Change;

/** A piece of SQL with its parameters, numbered `$1`… on its own. */
export interface Fragment {
  readonly text: string;
  readonly params: readonly unknown[];
}

interface TableShape {
  readonly name: string;
  /** Property in the row, column name and SQL type, in the table's order, `entry_id` left out. */
  readonly columns: readonly { readonly property: string; readonly name: string; readonly type: string }[];
}

const shapes = new Map<RecordedName, TableShape>();

/** SQL name and columns of a recorded table, as entries name them. */
export function tableShape(table: RecordedName): TableShape {
  const known = shapes.get(table);
  if (known) return known;
  const columns = Object.entries(getTableColumns(RECORDED[table]) as Record<string, PgColumn>)
    .filter(([property]) => property !== 'entryId')
    .map(([property, column]) => ({
      property,
      name: column.name,
      type: column.getSQLType().replace(/ collate.*$/, ''),
    }));
  const shape = { name: getTableName(RECORDED[table]), columns };
  shapes.set(table, shape);
  return shape;
}

/**
 * The one canonical encoder per column type: what a value is digested as, equal before it is written and after it
 * is read back. Timestamps become ISO 8601 UTC with milliseconds; everything else is JSON already.
 */
export function canonicalColumn(type: string, value: unknown): string | number | boolean | object {
  if (type.startsWith('timestamp')) return new Date(value as string).toISOString();
  if (type === 'bigint') return Number(value);
  return value as string | number | boolean | object;
}
