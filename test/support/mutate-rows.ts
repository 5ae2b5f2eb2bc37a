// Test support: every way to change a recorded or derived table, generated from the schema: each column of each table, and rows
// taken away, added, exchanged, and put back. A new table or column is covered by being there.
import { getTableName } from 'drizzle-orm';
import { getTableConfig } from 'drizzle-orm/pg-core';
import type { Sql } from 'postgres';
import { tableShape } from '../../db/change.ts';
import { keyColumns } from '../../db/guards.ts';
import { DERIVED, RECORDED, type RecordedName } from '../../db/schema.ts';
import {
  type Choose,
  dropUnique,
  oneOf,
  type Place,
  quietly,
  type Target,
  twoOf,
  type Way,
} from './mutation.ts';

export const RECORDED_TABLES = (Object.keys(RECORDED) as RecordedName[]).map((name) => tableShape(name));
type Table = (typeof RECORDED_TABLES)[number];

async function keysOf(sql: Sql, table: string): Promise<string[]> {
  return (await sql.unsafe<{ id: string }[]>(`select id::text as id from ${table} order by 1`)).map(
    ({ id }) => id,
  );
}
const anyKey = async (sql: Sql, table: string, choose: Choose): Promise<string> =>
  oneOf(await keysOf(sql, table), choose, table);

/** Another value of the same type, as SQL over the column. */
function another(type: string, column: string): string {
  if (type === 'uuid') return 'gen_random_uuid()';
  if (type === 'boolean') return `not "${column}"`;
  if (type === 'integer' || type === 'bigint') return `"${column}" + 1`;
  if (type === 'date') return `"${column}" + 1`;
  if (type === 'jsonb') return `jsonb_build_array("${column}", 'more')`;
  if (type.startsWith('timestamp')) return `"${column}" + interval '1 millisecond'`;
  return `"${column}" || 'x'`;
}

/** A value where there was none. */
function some(type: string): string {
  if (type === 'uuid') return 'gen_random_uuid()';
  if (type === 'boolean') return 'true';
  if (type === 'integer' || type === 'bigint') return '1';
  if (type === 'date') return `date '2026-01-01'`;
  if (type === 'jsonb') return `'{}'::jsonb`;
  if (type.startsWith('timestamp')) return `timestamptz '2026-01-01T00:00:00Z'`;
  return `'x'`;
}

const inRow = (table: string, row: string | null, kind: Place['kind'], column?: string): Place => ({
  store: 'postgres',
  table,
  row,
  ...(kind ? { kind } : {}),
  ...(column === undefined ? {} : { column }),
});

/** Edits one column of one row; a null one gets a value. */
export const editColumn = (table: string, column: string, type: string): Way => ({
  name: `${table}.${column} edited`,
  table,
  kind: 'edited',
  async change({ sql, choose }) {
    const key = await anyKey(sql, table, choose);
    await dropUnique(sql, table);
    await quietly(sql, table, () =>
      sql.unsafe(
        `update ${table} set "${column}" = case when "${column}" is null then ${some(type)} else ${another(type, column)} end where id::text = $1`,
        [key],
      ),
    );
    return { finding: inRow(table, key, 'edited', column) };
  },
});

/** Takes a column's value away; where none has one, gives one. */
export const emptyColumn = (table: string, column: string, type: string): Way => ({
  name: `${table}.${column} emptied`,
  table,
  kind: 'edited',
  async change({ sql, choose }) {
    const filled = await sql.unsafe<{ id: string }[]>(
      `select id::text as id from ${table} where "${column}" is not null order by 1`,
    );
    const key = filled.length > 0 ? oneOf(filled, choose, table).id : await anyKey(sql, table, choose);
    await sql.unsafe(`alter table ${table} alter column "${column}" drop not null`);
    await quietly(sql, table, () =>
      sql.unsafe(
        `update ${table} set "${column}" = ${filled.length > 0 ? 'null' : some(type)} where id::text = $1`,
        [key],
      ),
    );
    return { finding: inRow(table, key, 'edited', column) };
  },
});

export const deleteRow = (table: string): Way => ({
  name: `a row of ${table} deleted`,
  table,
  kind: 'deleted',
  async change({ sql, choose }) {
    const key = await anyKey(sql, table, choose);
    await quietly(sql, table, () => sql.unsafe(`delete from ${table} where id::text = $1`, [key]));
    return { finding: inRow(table, key, 'deleted') };
  },
});

const columnsBut = ({ columns }: Table, ...names: string[]): string[] =>
  columns.filter(({ name }) => !names.includes(name)).map(({ name }) => `"${name}"`);

/** Adds a row like another one, which also names that one's entry. */
export const insertRow = (shape: Table): Way => ({
  name: `a row of ${shape.name} inserted`,
  table: shape.name,
  kind: 'inserted',
  async change({ sql, choose }) {
    const table = shape.name;
    const key = await anyKey(sql, table, choose);
    await dropUnique(sql, table);
    const fresh = table === 'operations' ? `'inserted-operation'` : 'gen_random_uuid()';
    const columns = columnsBut(shape, 'id');
    const [row] = await quietly(sql, table, () =>
      sql.unsafe<{ id: string }[]>(
        `insert into ${table} (id, entry_id, ${columns}) select ${fresh}, entry_id, ${columns} from ${table} where id::text = $1 returning id::text as id`,
        [key],
      ),
    );
    return { finding: inRow(table, row?.id ?? '', 'inserted') };
  },
});

/** Gives a row another key: the one that was is gone, and nobody vouches for the one that is. */
const renameRow = ({ name: table }: Table): Way => ({
  name: `${table}.id edited`,
  table,
  kind: 'deleted',
  async change({ sql, choose }) {
    const key = await anyKey(sql, table, choose);
    const fresh = table === 'operations' ? `'renamed-operation'` : 'gen_random_uuid()';
    const [row] = await quietly(sql, table, () =>
      sql.unsafe<{ id: string }[]>(
        `update ${table} set id = ${fresh} where id::text = $1 returning id::text as id`,
        [key],
      ),
    );
    return {
      finding: inRow(table, key, 'deleted'),
      beside: [inRow(table, row?.id ?? '', 'inserted')],
    };
  },
});

/** Has a row name another entry than the one that wrote it; its values stay. */
const nameOtherEntry = ({ name: table }: Table): Way => ({
  name: `${table}.entry_id edited`,
  table,
  kind: 'edited',
  async change({ sql, choose }) {
    const key = await anyKey(sql, table, choose);
    await quietly(sql, table, () =>
      sql.unsafe(
        `update ${table} set entry_id = (select id from audit_entries e where e.id <> ${table}.entry_id order by e.id limit 1) where id::text = $1`,
        [key],
      ),
    );
    return { finding: inRow(table, key, 'edited', 'entry_id') };
  },
});

/** Two rows exchange all that they hold, each under its own key. */
const exchangeRows = (shape: Table): Way => ({
  name: `two rows of ${shape.name} exchanged`,
  table: shape.name,
  kind: 'edited',
  async change({ sql, choose }) {
    const table = shape.name;
    const keys = await keysOf(sql, table);
    const [a, b] = twoOf(keys.length, choose, table).map((at) => keys[at] as string) as [string, string];
    await dropUnique(sql, table);
    const columns = [...columnsBut(shape, 'id'), 'entry_id'];
    await quietly(sql, table, () =>
      sql.unsafe(
        `update ${table} t set ${columns.map((column) => `${column} = o.${column}`)} from ${table} o
         where (t.id::text = $1 and o.id::text = $2) or (t.id::text = $2 and o.id::text = $1)`,
        [a, b],
      ),
    );
    return {
      finding: inRow(table, a, 'edited'),
      beside: [inRow(table, a, 'edited'), inRow(table, b, 'edited')],
    };
  },
});

/** Takes all rows of a table away; one that has a single row loses that one. */
const emptyTable = ({ name: table }: Table): Way => ({
  name: `${table} emptied`,
  table,
  kind: 'truncated',
  async change({ sql }) {
    const keys = await keysOf(sql, table);
    if (keys.length === 0) throw new Error(`nothing to take away: ${table}`);
    await quietly(sql, table, () => sql.unsafe(`truncate ${table}`));
    return {
      finding:
        keys.length === 1 ? inRow(table, keys[0] as string, 'deleted') : inRow(table, null, 'truncated'),
    };
  },
});

/** Changes a row before everybody's eyes and puts it back: nothing is wrong any more, and the triggers tell. */
const changeAndPutBack = ({ name: table, columns }: Table): Way => ({
  name: `${table} changed and put back`,
  table,
  kind: 'edited',
  async change({ sql, choose }) {
    const key = await anyKey(sql, table, choose);
    const column =
      columns.find(({ type, name }) => name !== 'id' && !/jsonb|date/.test(type)) ?? columns.at(-1);
    if (!column) throw new Error(`table has no column: ${table}`);
    await dropUnique(sql, table);
    await sql.unsafe(
      `create temporary table kept on commit drop as select * from ${table} where id::text = $1`,
      [key],
    );
    const { name, type } = column;
    await sql.unsafe(
      `update ${table} set "${name}" = case when "${name}" is null then ${some(type)} else ${another(type, name)} end where id::text = $1`,
      [key],
    );
    await sql.unsafe(`update ${table} t set "${name}" = k."${name}" from kept k where t.id = k.id`);
    return { finding: inRow(table, key, 'edited', name) };
  },
});

/** What people signed under a certificate that is changed or gone counts no more, and each such entry says so. */
const FOLLOWS: Readonly<Record<string, readonly Place[]>> = {
  certificates: [{ store: 'log', table: 'audit_entries', column: 'body', kind: 'replaced-signature' }],
};

/** The same way, with what follows from a change of its table. */
const following = (one: Way): Way => ({
  ...one,
  async change(target) {
    const { finding, beside = [] } = await one.change(target);
    return { finding, beside: [...beside, ...(FOLLOWS[one.table] ?? [])] };
  },
});

const recordedWays = (shape: Table): Way[] => [
  ...shape.columns
    .filter(({ name }) => name !== 'id')
    .flatMap(({ name, type }) => [editColumn(shape.name, name, type), emptyColumn(shape.name, name, type)]),
  renameRow(shape),
  nameOtherEntry(shape),
  deleteRow(shape.name),
  insertRow(shape),
  exchangeRows(shape),
  emptyTable(shape),
  changeAndPutBack(shape),
];

/** Ways for tables that are rebuilt from entries. Rows are named by their key's columns, one behind the other. */
function derivedWays(drizzled: (typeof DERIVED)[keyof typeof DERIVED]): Way[] {
  const table = getTableName(drizzled);
  const keys = keyColumns(drizzled);
  const named = keys.map((column) => `"${column}"::text`).join(` || ' ' || `);
  const columns = getTableConfig(drizzled).columns;
  const any = async ({ sql, choose }: Target): Promise<string> =>
    oneOf(
      await sql.unsafe<{ row: string }[]>(`select ${named} as row from ${table} order by 1`),
      choose,
      table,
    ).row;
  const typed = (type: string, column: string): string =>
    type === 'bytea' ? `set_bit("${column}", 5, 1 - get_bit("${column}", 5))` : another(type, column);
  return [
    ...columns.map(
      ({ name, getSQLType }, at): Way => ({
        name: `${table}.${name} edited`,
        table,
        kind: keys.includes(name) ? 'deleted' : 'edited',
        async change(target) {
          const { sql } = target;
          const row = await any(target);
          const type = getSQLType.call(columns[at]).replace(/ collate.*$/, '');
          const [now] = await quietly(sql, table, () =>
            sql.unsafe<{ row: string }[]>(
              `update ${table} set "${name}" = ${typed(type, name)} where ${named} = $1 returning ${named} as row`,
              [row],
            ),
          );
          return keys.includes(name)
            ? { finding: inRow(table, row, 'deleted'), beside: [inRow(table, now?.row ?? '', 'inserted')] }
            : { finding: inRow(table, row, 'edited', name) };
        },
      }),
    ),
    {
      name: `a row of ${table} deleted`,
      table,
      kind: 'deleted',
      async change(target) {
        const row = await any(target);
        await quietly(target.sql, table, () =>
          target.sql.unsafe(`delete from ${table} where ${named} = $1`, [row]),
        );
        return { finding: inRow(table, row, 'deleted') };
      },
    },
    {
      name: `a row of ${table} inserted`,
      table,
      kind: 'inserted',
      async change(target) {
        const row = await any(target);
        const values = columns.map(({ name }) =>
          keys.includes(name) && name !== 'kind' ? 'gen_random_uuid()' : `"${name}"`,
        );
        const [made] = await quietly(target.sql, table, () =>
          target.sql.unsafe<{ row: string }[]>(
            `insert into ${table} (${columns.map(({ name }) => `"${name}"`)}) select ${values} from ${table} where ${named} = $1 returning ${named} as row`,
            [row],
          ),
        );
        return { finding: inRow(table, made?.row ?? '', 'inserted') };
      },
    },
    {
      name: `${table} emptied`,
      table,
      kind: 'deleted',
      async change(target) {
        const row = await any(target);
        await quietly(target.sql, table, () => target.sql.unsafe(`truncate ${table}`));
        return {
          finding: inRow(table, row, 'deleted'),
          beside: [{ store: 'postgres', table, kind: 'deleted' }],
        };
      },
    },
  ];
}

/** Every way to change a recorded or derived table. */
export const ROW_WAYS: readonly Way[] = [
  ...RECORDED_TABLES.flatMap(recordedWays).map(following),
  ...Object.values(DERIVED).flatMap(derivedWays),
];
