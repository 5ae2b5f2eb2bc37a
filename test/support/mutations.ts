// Test support: changes that somebody with all rights on the database, or on one peer, could make behind our back; each with
// the finding that must name it. Applied to copies only. The choice of row is the caller's, so that runs can be repeated.
import type { Sql } from 'postgres';
import { tableShape } from '../../db/change.ts';
import { RECORDED, type RecordedName } from '../../db/schema.ts';
import type { Finding } from '../../ledger/verify.ts';
import type { Copy } from './verify-world.ts';

/** What must be among the findings. Fields that are left out may be anything. */
export type Expected = Partial<Omit<Finding, 'says'>>;

/** Gives a whole number below `below`. */
export type Choose = (below: number) => number;

export interface Target {
  readonly sql: Sql;
  readonly copies: readonly Copy[];
  readonly choose: Choose;
}

/** Changes something. Undefined when there is nothing to change there. */
export type Mutation = (target: Target) => Promise<Expected | undefined>;

export const RECORDED_TABLES = (Object.keys(RECORDED) as RecordedName[]).map((name) => tableShape(name));

async function anyKey(sql: Sql, table: string, choose: Choose): Promise<string | undefined> {
  const rows = await sql.unsafe<{ id: string }[]>(`select id::text as id from ${table} order by 1`);
  return rows.length === 0 ? undefined : (rows[choose(rows.length)] as { id: string }).id;
}

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

/** Edits one column of one row; a null one gets a value. */
export const editColumn =
  (table: string, column: string, type: string): Mutation =>
  async ({ sql, choose }) => {
    const key = await anyKey(sql, table, choose);
    if (key === undefined) return undefined;
    await sql.unsafe(
      `update ${table} set "${column}" = case when "${column}" is null then ${some(type)} else ${another(type, column)} end where id::text = $1`,
      [key],
    );
    return { store: 'postgres', table, row: key, column, kind: 'edited' };
  };

export const emptyColumn =
  (table: string, column: string): Mutation =>
  async ({ sql, choose }) => {
    const rows = await sql.unsafe<{ id: string }[]>(
      `select id::text as id from ${table} where "${column}" is not null order by 1`,
    );
    if (rows.length === 0) return undefined;
    const { id } = rows[choose(rows.length)] as { id: string };
    await sql.unsafe(`alter table ${table} alter column "${column}" drop not null`);
    await sql.unsafe(`update ${table} set "${column}" = null where id::text = $1`, [id]);
    return { store: 'postgres', table, row: id, column, kind: 'edited' };
  };

export const deleteRow =
  (table: string): Mutation =>
  async ({ sql, choose }) => {
    const key = await anyKey(sql, table, choose);
    if (key === undefined) return undefined;
    await sql.unsafe(`delete from ${table} where id::text = $1`, [key]);
    return { store: 'postgres', table, row: key, kind: 'deleted' };
  };

/** Adds a row like another one, which also names that one's entry. Indexes that forbid it are dropped first. */
export const insertRow =
  (table: string): Mutation =>
  async ({ sql, choose }) => {
    const key = await anyKey(sql, table, choose);
    if (key === undefined) return undefined;
    for (const { name } of await sql<{ name: string }[]>`
      select i.relname as name from pg_index x join pg_class i on i.oid = x.indexrelid
      where x.indrelid = ${table}::regclass and x.indisunique and not x.indisprimary`)
      await sql.unsafe(`drop index ${name}`);
    const fresh = table === 'operations' ? `'inserted-operation'` : 'gen_random_uuid()';
    const columns =
      RECORDED_TABLES.find(({ name }) => name === table)
        ?.columns.filter(({ name }) => name !== 'id')
        .map(({ name }) => `"${name}"`) ?? [];
    const [row] = await sql.unsafe<{ id: string }[]>(
      `insert into ${table} (id, entry_id, ${columns}) select ${fresh}, entry_id, ${columns} from ${table} where id::text = $1 returning id::text as id`,
      [key],
    );
    return { store: 'postgres', table, row: row?.id ?? '', kind: 'inserted' };
  };

/** Puts a row back to what an earlier entry said of it, by naming that entry; the values stay. */
const nameOtherEntry: Mutation = async ({ sql, choose }) => {
  const key = await anyKey(sql, 'decisions', choose);
  if (key === undefined) return undefined;
  await sql`update decisions set entry_id = (select id from audit_entries e where e.id <> decisions.entry_id order by e.id limit 1) where id = ${key}`;
  return { store: 'postgres', table: 'decisions', row: key, column: 'entry_id', kind: 'edited' };
};

const leafCount = async (sql: Sql): Promise<number> =>
  (await sql<{ n: number }[]>`select count(*)::int as n from log_leaves`)[0]?.n ?? 0;

const leafAt = async (sql: Sql, index: number): Promise<{ entry_id: string }> => {
  const [leaf] = await sql<{ entry_id: string }[]>`select entry_id from log_leaves where index = ${index}`;
  if (!leaf) throw new Error('no such leaf');
  return leaf;
};

const flipBit = (column: string, bit: number): string =>
  `${column} = set_bit(${column}, ${bit}, 1 - get_bit(${column}, ${bit}))`;

/** Flips one bit of a byte column of the entry at some place in the log. */
const flipInEntry =
  (column: 'body' | 'signature', kind: Finding['kind']): Mutation =>
  async ({ sql, choose }) => {
    const { entry_id } = await leafAt(sql, choose(await leafCount(sql)));
    await sql.unsafe(`update audit_entries set ${flipBit(column, choose(64 * 8))} where id = $1`, [entry_id]);
    return { store: 'log', table: 'audit_entries', row: entry_id, column, kind };
  };

const editEntryColumn =
  (column: string, value: string): Mutation =>
  async ({ sql, choose }) => {
    const { entry_id } = await leafAt(sql, choose(await leafCount(sql)));
    await sql.unsafe(`update audit_entries set ${column} = ${value} where id = $1`, [entry_id]);
    return { store: 'log', table: 'audit_entries', row: entry_id, column, kind: 'edited' };
  };

const flipInLeaf =
  (column: 'commitment' | 'leaf_hash'): Mutation =>
  async ({ sql, choose }) => {
    const index = choose(await leafCount(sql));
    await sql.unsafe(`update log_leaves set ${flipBit(column, choose(256))} where index = $1`, [index]);
    return { store: 'log', table: 'log_leaves', row: String(index), column, kind: 'edited' };
  };

const twoPlaces = (count: number, choose: Choose): [number, number] => {
  const first = choose(count);
  return [first, (first + 1 + choose(count - 1)) % count];
};

async function anyCheckpoint(sql: Sql, choose: Choose): Promise<number> {
  const rows = await sql<{ size: string }[]>`select size from log_checkpoints order by size`;
  return Number(rows[choose(rows.length)]?.size);
}

async function anySubject(sql: Sql, choose: Choose): Promise<{ kind: string; id: string }> {
  const rows = await sql<{ kind: string; id: string }[]>`select kind, id from audit_subjects order by id`;
  return rows[choose(rows.length)] as { kind: string; id: string };
}

const editSubject =
  (column: string, value: string): Mutation =>
  async ({ sql, choose }) => {
    const { kind, id } = await anySubject(sql, choose);
    await sql.unsafe(`update audit_subjects set ${column} = ${value} where id = $1`, [id]);
    return { store: 'postgres', table: 'audit_subjects', row: `${kind} ${id}`, column, kind: 'edited' };
  };

/** Everything that is no recorded table. */
export const OTHER_MUTATIONS: Readonly<Record<string, Mutation>> = {
  'a row that names another entry': nameOtherEntry,
  "one bit of an entry's bytes": flipInEntry('body', 'edited'),
  "one bit of an entry's signature": flipInEntry('signature', 'replaced-signature'),
  "an entry's event": editEntryColumn('event', `event || 'x'`),
  "an entry's person": editEntryColumn('person_id', 'gen_random_uuid()'),
  "an entry's time": editEntryColumn('at', `at + interval '1 millisecond'`),
  "an entry's version": editEntryColumn('subject_version', 'subject_version + 1000'),
  "an entry's key": async ({ sql, choose }) => {
    const { entry_id } = await leafAt(sql, choose(await leafCount(sql)));
    await sql`update audit_entries set key_id = 'another' where id = ${entry_id}`;
    return {
      store: 'log',
      table: 'audit_entries',
      row: entry_id,
      column: 'signature',
      kind: 'replaced-signature',
    };
  },
  'an entry': async ({ sql, choose }) => {
    const { entry_id } = await leafAt(sql, choose(await leafCount(sql)));
    await sql`delete from audit_entries where id = ${entry_id}`;
    return { store: 'log', table: 'audit_entries', row: entry_id, kind: 'deleted' };
  },
  'an entry and its leaf': async ({ sql, choose }) => {
    const index = choose((await leafCount(sql)) - 1);
    const { entry_id } = await leafAt(sql, index);
    await sql`delete from audit_entries where id = ${entry_id}`;
    await sql`delete from log_leaves where index = ${index}`;
    return { store: 'log', table: 'log_leaves', row: String(index), kind: 'deleted' };
  },
  'an entry that nobody signed': async ({ sql, choose }) => {
    const { entry_id } = await leafAt(sql, choose(await leafCount(sql)));
    const [row] = await sql<{ id: string }[]>`
      insert into audit_entries (id, subject_kind, subject_id, subject_version, event, person_id, at, body, signature, key_id)
      select gen_random_uuid(), subject_kind, subject_id, subject_version + 10000, event, person_id, at, body, set_byte(signature, 0, 255 - get_byte(signature, 0)), key_id
      from audit_entries where id = ${entry_id} returning id`;
    return { store: 'log', table: 'audit_entries', row: row?.id ?? '', kind: 'replaced-signature' };
  },
  "a leaf's commitment": flipInLeaf('commitment'),
  "a leaf's hash": flipInLeaf('leaf_hash'),
  'a leaf': async ({ sql, choose }) => {
    const index = choose((await leafCount(sql)) - 1);
    await sql`delete from log_leaves where index = ${index}`;
    return { store: 'log', table: 'log_leaves', row: String(index), kind: 'deleted' };
  },
  'two leaves that changed places': async ({ sql, choose }) => {
    const [a, b] = twoPlaces(await leafCount(sql), choose);
    await sql`update log_leaves set index = -1 where index = ${a}`;
    await sql`update log_leaves set index = ${a} where index = ${b}`;
    await sql`update log_leaves set index = ${b} where index = -1`;
    return { store: 'log', table: 'log_leaves', row: String(a), kind: 'reordered' };
  },
  'two leaves that changed entries': async ({ sql, choose }) => {
    const [a, b] = twoPlaces(await leafCount(sql), choose);
    const [one, other] = [await leafAt(sql, a), await leafAt(sql, b)];
    await sql`drop index log_leaves_entry`;
    await sql`update log_leaves set entry_id = ${other.entry_id} where index = ${a}`;
    await sql`update log_leaves set entry_id = ${one.entry_id} where index = ${b}`;
    return { store: 'log', table: 'log_leaves', row: String(b), column: 'entry_id', kind: 'reordered' };
  },
  'the end of the log': async ({ sql, choose }) => {
    const size = await leafCount(sql);
    const from = size - 2 - choose(10);
    await sql`delete from audit_entries where id in (select entry_id from log_leaves where index >= ${from})`;
    await sql`delete from log_leaves where index >= ${from}`;
    return { store: 'log', table: 'log_leaves', row: String(from), kind: 'truncated' };
  },
  "a checkpoint's root": async ({ sql, choose }) => {
    const size = await anyCheckpoint(sql, choose);
    await sql.unsafe(`update log_checkpoints set ${flipBit('root', choose(256))} where size = $1`, [size]);
    return { store: 'log', table: 'log_checkpoints', row: String(size), column: 'root', kind: 'edited' };
  },
  "a checkpoint's signature": async ({ sql, choose }) => {
    const size = await anyCheckpoint(sql, choose);
    // The last characters are base64 of the signature's end; one letter in its middle becomes another.
    await sql`update log_checkpoints set note = overlay(note placing (case substr(note, length(note) - 20, 1) when 'A' then 'B' else 'A' end) from length(note) - 20 for 1) where size = ${size}`;
    return {
      store: 'log',
      table: 'log_checkpoints',
      row: String(size),
      column: 'note',
      kind: 'forged-checkpoint',
    };
  },
  "another checkpoint's note": async ({ sql }) => {
    const [first, second] = await sql<{ size: string }[]>`select size from log_checkpoints order by size`;
    if (!first || !second) return undefined;
    await sql`update log_checkpoints set note = (select note from log_checkpoints where size = ${second.size}) where size = ${first.size}`;
    return { store: 'log', table: 'log_checkpoints', row: first.size, column: 'note', kind: 'edited' };
  },
  'the newest checkpoint': async ({ sql }) => {
    const [row] = await sql<
      { size: string }[]
    >`delete from log_checkpoints where size = (select max(size) from log_checkpoints) returning size`;
    return { store: 'log', table: 'log_checkpoints', row: row?.size ?? '', kind: 'deleted' };
  },
  'a checkpoint for a log that is larger': async ({ sql }) => {
    await sql`insert into log_checkpoints (size, root, note, previous) select size + 5, root, note, size from log_checkpoints order by size desc limit 1`;
    return { store: 'log', table: 'log_checkpoints', kind: 'inserted' };
  },
  "the head's size": async ({ sql }) => {
    await sql`update log_head set size = size + 1`;
    return { store: 'log', table: 'log_head', column: 'size', kind: 'edited' };
  },
  "the head's root": async ({ sql, choose }) => {
    await sql.unsafe(`update log_head set ${flipBit('root', choose(256))}`);
    return { store: 'log', table: 'log_head', column: 'root', kind: 'edited' };
  },
  "the head's range": async ({ sql, choose }) => {
    await sql.unsafe(`update log_head set ${flipBit('range', choose(256))}`);
    return { store: 'log', table: 'log_head', column: 'range', kind: 'edited' };
  },
  'the head': async ({ sql }) => {
    await sql`delete from log_head`;
    return { store: 'log', table: 'log_head', kind: 'deleted' };
  },
  "an anchor's root": async ({ sql, choose }) => {
    await sql.unsafe(`update log_anchors set ${flipBit('root', choose(256))}`);
    return { store: 'log', table: 'log_anchors', column: 'root', kind: 'edited' };
  },
  'an anchor that no chain has': async ({ sql }) => {
    await sql`insert into log_anchors (size, root, at, note) select size + 1000, root, at, note from log_anchors order by size desc limit 1`;
    return { store: 'log', table: 'log_anchors', kind: 'forged-checkpoint' };
  },
  "a subject's version": editSubject('version', 'version + 1'),
  "a subject's last digest": editSubject('last', 'set_bit(last, 5, 1 - get_bit(last, 5))'),
  "a subject's entry": editSubject('entry_id', 'gen_random_uuid()'),
  'a subject': async ({ sql, choose }) => {
    const { kind, id } = await anySubject(sql, choose);
    await sql`delete from audit_subjects where id = ${id}`;
    return { store: 'postgres', table: 'audit_subjects', row: `${kind} ${id}`, kind: 'deleted' };
  },
  'a subject that has no entry': async ({ sql }) => {
    await sql`insert into audit_subjects (kind, id, version, last, entry_id) select kind, gen_random_uuid(), version, sha256('x'), gen_random_uuid() from audit_subjects limit 1`;
    return { store: 'postgres', table: 'audit_subjects', kind: 'inserted' };
  },
  'a leaf on one peer': async ({ copies, choose }) => {
    const copy = copies[choose(copies.length)] as Copy;
    const index = choose(copy.leaves.length);
    const leaf = copy.leaves[index] as Uint8Array;
    const byte = choose(32);
    leaf[byte] = (leaf[byte] as number) ^ 1;
    return { store: 'chain', table: `peer-${copy.organisation}`, row: String(index), kind: 'edited' };
  },
  'two leaves on one peer that changed places': async ({ copies, choose }) => {
    const copy = copies[choose(copies.length)] as Copy;
    const [a, b] = twoPlaces(copy.leaves.length, choose);
    const kept = copy.leaves[a] as Uint8Array;
    copy.leaves[a] = copy.leaves[b] as Uint8Array;
    copy.leaves[b] = kept;
    return { store: 'chain', table: `peer-${copy.organisation}`, row: String(a), kind: 'reordered' };
  },
  'the end of the list of one peer': async ({ copies, choose }) => {
    const copy = copies[choose(copies.length)] as Copy;
    const length = choose(copy.leaves.length);
    copy.leaves = copy.leaves.slice(0, length);
    return { store: 'chain', table: `peer-${copy.organisation}`, row: String(length), kind: 'truncated' };
  },
  'the root that one peer states': async ({ copies, choose }) => {
    const copy = copies[choose(copies.length)] as Copy;
    for (const [size, kept] of copy.checkpoints)
      copy.checkpoints.set(size, { ...kept, root: kept.root.map((byte) => byte ^ 1) });
    return { store: 'chain', table: `peer-${copy.organisation}`, row: 'head', kind: 'edited' };
  },
};

/** Every mutation by name: each column of each recorded table, rows taken and added, and all others. */
export const ALL_MUTATIONS: Readonly<Record<string, Mutation>> = {
  ...Object.fromEntries(
    RECORDED_TABLES.flatMap(({ name, columns }) => [
      ...columns
        .filter((column) => column.name !== 'id')
        .map((column) => [`${name}.${column.name} edited`, editColumn(name, column.name, column.type)]),
      [`a row of ${name} deleted`, deleteRow(name)],
      [`a row of ${name} inserted`, insertRow(name)],
    ]),
  ),
  ...OTHER_MUTATIONS,
};

/** A repeatable choice (mulberry32, public domain). */
export function seeded(seed: number): Choose {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}
