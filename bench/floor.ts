// Bench, the floor of an audited write: the very rows that one act wrote (business rows, operation, signed entry, subject),
// written once more by one bare statement with plain parameters, into copies of the tables that have their indexes and
// none of their guards. What an act costs beyond this is our code; what this costs beyond the peer is the audit itself.
import { randomUUID } from 'node:crypto';
import { tableShape } from '../db/change.ts';
import type { Sql } from '../db/connection.ts';
import { RECORDED, type RecordedName } from '../db/schema.ts';

interface FloorRow {
  readonly table: string;
  /** The whole row as text by column; a null is left out. */
  readonly columns: readonly { readonly name: string; readonly type: string; readonly text: string }[];
  readonly replaces: boolean;
}

export interface Floor {
  /** How many rows a write has. */
  readonly rows: number;
  /** Writes them once, each of `writer`'s own copies replaced and every other row new. */
  write(sql: Sql, writer: number): Promise<unknown>;
}

/** The rows of the newest act with one of these events, ready to be written by up to `writers` at once. Makes tables `bench.floor_…`. */
export async function floorOf(owner: Sql, events: readonly string[], writers: number): Promise<Floor> {
  // Nobody has written over its rows since: it is its subject's last.
  const [entry] = await owner<{ id: string }[]>`
    select e.id from audit_entries e join audit_subjects s on s.entry_id = e.id
    where e.event = any(${[...events]}) order by e.at desc limit 1`;
  if (!entry) throw new Error(`no act to take the floor of: ${events.join(', ')}`);
  const rows: FloorRow[] = [];
  for (const name of Object.keys(RECORDED) as RecordedName[])
    rows.push(...(await rowsOf(owner, tableShape(name).name, 'entry_id', entry.id)));
  rows.push(...(await rowsOf(owner, 'audit_subjects', 'entry_id', entry.id)));
  rows.push(...(await rowsOf(owner, 'audit_entries', 'id', entry.id)));
  const own = Array.from({ length: writers }, () => rows.map(() => randomUUID()));
  for (const [i, row] of rows.entries()) {
    const copy = `bench.floor_${row.table}`;
    await owner.unsafe(`create table if not exists ${copy} (like ${row.table} including all)`);
    await owner.unsafe(`grant select, insert, update on ${copy} to rehab_web, rehab_worker`);
    if (!row.replaces) continue;
    for (const ids of own) {
      const { text, values } = insertOf(row, 0, fresh(row, ids[i] as string));
      await owner.unsafe(text, values, { prepare: false });
    }
  }
  return {
    rows: rows.length,
    async write(sql, writer) {
      const parts: string[] = [];
      const values: string[] = [];
      for (const [i, row] of rows.entries()) {
        const texts = fresh(row, row.replaces ? (own[writer]?.[i] as string) : randomUUID());
        const part = (row.replaces ? updateOf : insertOf)(row, values.length, texts);
        parts.push(`w${i} AS (${part.text} RETURNING 1)`);
        values.push(...part.values);
      }
      await sql.unsafe(`WITH ${parts.join(', ')} SELECT 1`, values, { prepare: true });
    },
  };
}

async function rowsOf(owner: Sql, table: string, by: string, id: string): Promise<FloorRow[]> {
  const columns = await owner<{ name: string; type: string }[]>`
    select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
    where attrelid = ${table}::regclass and attnum > 0 and not attisdropped and attname <> 'xact' order by attnum`;
  const texts = columns.map(({ name }) => `"${name}"::text as "${name}"`).join(', ');
  const found = await owner.unsafe<Record<string, string | null>[]>(
    `select ${texts} from ${table} where "${by}" = $1::text::uuid`,
    [id],
  );
  return found.map((row) => ({
    table,
    columns: columns.flatMap(({ name, type }) => {
      const text = row[name];
      return text === null || text === undefined ? [] : [{ name, type, text }];
    }),
    // What there was before the act is changed by it: the subject, the case, its plan and the task that is done.
    replaces:
      ['audit_subjects', 'cases', 'plans'].includes(table) || (table === 'tasks' && row.status !== 'open'),
  }));
}

/** Identity by itself, and what must be unique besides; everything else stays as it is. */
const UNIQUE: Readonly<Record<string, string>> = {
  audit_entries: 'subject_id',
  cases: 'number',
  plans: 'case_id',
};
const fresh = (row: FloorRow, id: string): string[] =>
  row.columns.map(({ name, text }) => (name === 'id' || name === UNIQUE[row.table] ? id : text));

const placed = (row: FloorRow, i: number, from: number): string =>
  `$${from + i + 1}::text::${row.columns[i]?.type}`;

function insertOf(row: FloorRow, from: number, values: string[]): { text: string; values: string[] } {
  const names = row.columns.map(({ name }) => `"${name}"`).join(', ');
  const given = row.columns.map((_, i) => placed(row, i, from)).join(', ');
  return { text: `INSERT INTO bench.floor_${row.table} (${names}) VALUES (${given})`, values };
}

function updateOf(row: FloorRow, from: number, values: string[]): { text: string; values: string[] } {
  const id = row.columns.findIndex(({ name }) => name === 'id');
  const changed = row.columns.flatMap(({ name }, i) =>
    i === id ? [] : [`"${name}" = ${placed(row, i, from)}`],
  );
  // The one table whose key begins with another column.
  const kind = row.table === 'audit_subjects' ? row.columns.findIndex(({ name }) => name === 'kind') : -1;
  const found = [id, kind].flatMap((i) =>
    i < 0 ? [] : [`"${row.columns[i]?.name}" = ${placed(row, i, from)}`],
  );
  return {
    text: `UPDATE bench.floor_${row.table} SET ${changed.join(', ')} WHERE ${found.join(' AND ')}`,
    values,
  };
}
