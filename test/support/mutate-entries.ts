// Test support: every way to change entries and leaves in the database: each column, rows taken away, added, exchanged, moved
// and cut off, signatures replaced. What is beside them (tiles, checkpoints, anchors) is changed in mutate-log.ts.
import { generateKeyPairSync, sign } from 'node:crypto';
import type { Sql } from 'postgres';
import {
  dropUnique,
  type Expected,
  flipBit,
  oneOf,
  type Place,
  quietly,
  type Target,
  twoOf,
  type Way,
} from './mutation.ts';

/** A place in the log's tables. */
export const inLog = (table: string, row: string, kind: Place['kind'], column?: string): Place => ({
  store: 'log',
  table,
  row,
  ...(kind ? { kind } : {}),
  ...(column === undefined ? {} : { column }),
});

/** One way, by its name. */
export const way = (
  table: string,
  name: string,
  kind: Way['kind'],
  change: (target: Target) => Promise<Expected>,
): Way => ({ name, table, kind, change });

interface Leaf {
  readonly index: number;
  readonly entryId: string;
}

async function leavesOf(sql: Sql): Promise<Leaf[]> {
  const rows = await sql<
    { index: string; entry_id: string }[]
  >`select index, entry_id from log_leaves order by index`;
  return rows.map(({ index, entry_id }) => ({ index: Number(index), entryId: entry_id }));
}

const anyLeaf = async ({ sql, choose }: Target): Promise<Leaf> =>
  oneOf(await leavesOf(sql), choose, 'log_leaves');

/** Edits one column of one entry. */
const entryColumn = (
  column: string,
  value: string,
  kind: Way['kind'] = 'edited',
  found = column,
  more: readonly Partial<Place>[] = [],
): Way =>
  way('audit_entries', `audit_entries.${column} edited`, kind, async (target) => {
    const { entryId } = await anyLeaf(target);
    await dropUnique(target.sql, 'audit_entries');
    await quietly(target.sql, 'audit_entries', () =>
      target.sql.unsafe(`update audit_entries set ${value} where id = $1`, [entryId]),
    );
    return {
      finding: inLog('audit_entries', entryId, kind, found),
      beside: more.map((place) => ({ ...inLog('audit_entries', entryId, undefined), ...place })),
    };
  });

/** Every way to change an entry. */
export const ENTRY_WAYS: readonly Way[] = [
  way('audit_entries', 'audit_entries.id edited', 'edited', async (target) => {
    const { entryId } = await anyLeaf(target);
    const [row] = await quietly(
      target.sql,
      'audit_entries',
      () =>
        target.sql<
          { id: string }[]
        >`update audit_entries set id = gen_random_uuid() where id = ${entryId} returning id`,
    );
    return { finding: inLog('audit_entries', row?.id ?? '', 'edited', 'id') };
  }),
  entryColumn('subject_kind', `subject_kind = subject_kind || 'x'`),
  entryColumn('subject_id', 'subject_id = gen_random_uuid()'),
  entryColumn('subject_version', 'subject_version = subject_version + 1000'),
  entryColumn('event', `event = event || 'x'`),
  entryColumn('person_id', 'person_id = gen_random_uuid()'),
  entryColumn('at', `at = at + interval '1 millisecond'`),
  entryColumn('key_id', `key_id = 'another'`, 'edited', 'key_id', [
    { column: 'signature', kind: 'replaced-signature' },
  ]),
  // Anywhere: what it says of rows, of its subject, of the entry before it.
  ...[0, 1, 2].map((part) =>
    way(
      'audit_entries',
      part === 0 ? 'audit_entries.body edited' : `a bit in part ${part + 1} of an entry`,
      'edited',
      async (target) => {
        const { entryId } = await anyLeaf(target);
        const [row] = await target.sql<
          { length: number }[]
        >`select length(body) as length from audit_entries where id = ${entryId}`;
        const third = Math.floor((row?.length ?? 0) / 3);
        const bit = 8 * third * part + target.choose(8 * third);
        await quietly(target.sql, 'audit_entries', () =>
          target.sql.unsafe(`update audit_entries set ${flipBit('body', bit)} where id = $1`, [entryId]),
        );
        return { finding: inLog('audit_entries', entryId, 'edited', 'body') };
      },
    ),
  ),
  way('audit_entries', 'audit_entries.signature edited', 'replaced-signature', async (target) => {
    const { entryId } = await anyLeaf(target);
    await quietly(target.sql, 'audit_entries', () =>
      target.sql.unsafe(
        `update audit_entries set ${flipBit('signature', target.choose(512))} where id = $1`,
        [entryId],
      ),
    );
    return { finding: inLog('audit_entries', entryId, 'replaced-signature', 'signature') };
  }),
  ...(
    [
      ['audit_entries.xact edited', `'1'`],
      // As if the entry had been written just now: its rows are older.
      ['an entry’s transaction made the one that edits it', 'pg_current_xact_id()'],
      ['an entry written anew as it was', 'xact'],
    ] as const
  ).map(([name, value]) =>
    way('audit_entries', name, 'edited', async (target) => {
      const { entryId } = await anyLeaf(target);
      await quietly(target.sql, 'audit_entries', () =>
        target.sql.unsafe(`update audit_entries set xact = ${value} where id = $1`, [entryId]),
      );
      return { finding: inLog('audit_entries', entryId, 'edited', 'xact') };
    }),
  ),
  way(
    'audit_entries',
    'an entry signed again with a key of somebody’s own',
    'replaced-signature',
    async (target) => {
      const { entryId } = await anyLeaf(target);
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
      const [row] = await target.sql<
        { body: Uint8Array }[]
      >`select body from audit_entries where id = ${entryId}`;
      const signature = sign('sha256', row?.body ?? new Uint8Array(0), {
        key: privateKey,
        dsaEncoding: 'ieee-p1363',
      });
      await quietly(
        target.sql,
        'audit_entries',
        () => target.sql`update audit_entries set signature = ${signature} where id = ${entryId}`,
      );
      return { finding: inLog('audit_entries', entryId, 'replaced-signature', 'signature') };
    },
  ),
  way('audit_entries', 'signatures of two entries exchanged', 'replaced-signature', async (target) => {
    const { sql, choose } = target;
    const leaves = await leavesOf(sql);
    const [a, b] = twoOf(leaves.length, choose, 'log_leaves').map((at) => leaves[at]?.entryId ?? '') as [
      string,
      string,
    ];
    await quietly(
      sql,
      'audit_entries',
      () => sql`update audit_entries e set signature = o.signature from audit_entries o
        where (e.id = ${a} and o.id = ${b}) or (e.id = ${b} and o.id = ${a})`,
    );
    return {
      finding: inLog('audit_entries', a, 'replaced-signature', 'signature'),
      beside: [inLog('audit_entries', b, 'replaced-signature', 'signature')],
    };
  }),
  way('audit_entries', 'an entry deleted', 'deleted', async (target) => {
    const { entryId } = await anyLeaf(target);
    await quietly(
      target.sql,
      'audit_entries',
      () => target.sql`delete from audit_entries where id = ${entryId}`,
    );
    return { finding: inLog('audit_entries', entryId, 'deleted') };
  }),
  way('audit_entries', 'an entry and its leaf deleted', 'deleted', async (target) => {
    const { sql, choose } = target;
    const { index, entryId } = oneOf((await leavesOf(sql)).slice(0, -1), choose, 'log_leaves');
    await quietly(sql, 'audit_entries', () => sql`delete from audit_entries where id = ${entryId}`);
    await quietly(sql, 'log_leaves', () => sql`delete from log_leaves where index = ${index}`);
    return {
      finding: inLog('log_leaves', String(index), 'deleted'),
      beside: [{ store: 'log', table: 'audit_entries', row: null, kind: 'deleted' }],
    };
  }),
  way('audit_entries', 'an entry that nobody signed inserted', 'replaced-signature', async (target) => {
    const { entryId } = await anyLeaf(target);
    const [row] = await quietly(
      target.sql,
      'audit_entries',
      () => target.sql<{ id: string }[]>`
      insert into audit_entries (id, subject_kind, subject_id, subject_version, event, person_id, at, body, signature, key_id)
      select gen_random_uuid(), subject_kind, subject_id, subject_version + 10000, event, person_id, at, body, set_byte(signature, 0, 255 - get_byte(signature, 0)), key_id
      from audit_entries where id = ${entryId} returning id`,
    );
    return {
      finding: inLog('audit_entries', row?.id ?? '', 'replaced-signature', 'signature'),
      beside: [inLog('audit_entries', row?.id ?? '', 'edited')],
    };
  }),
  way('audit_entries', 'an entry copied under another id', 'edited', async (target) => {
    const { entryId } = await anyLeaf(target);
    await dropUnique(target.sql, 'audit_entries');
    const [row] = await quietly(
      target.sql,
      'audit_entries',
      () => target.sql<{ id: string }[]>`
      insert into audit_entries (id, subject_kind, subject_id, subject_version, event, person_id, at, body, signature, key_id)
      select gen_random_uuid(), subject_kind, subject_id, subject_version, event, person_id, at, body, signature, key_id
      from audit_entries where id = ${entryId} returning id`,
    );
    return { finding: inLog('audit_entries', row?.id ?? '', 'edited', 'id') };
  }),
];

/** Every way to change a leaf. */
export const LEAF_WAYS: readonly Way[] = [
  way('log_leaves', 'log_leaves.index edited', 'reordered', async (target) => {
    const { sql, choose } = target;
    const leaves = await leavesOf(sql);
    const { index } = oneOf(leaves.slice(0, -1), choose, 'log_leaves');
    await quietly(
      sql,
      'log_leaves',
      () => sql`update log_leaves set index = ${leaves.length + choose(3)} where index = ${index}`,
    );
    return { finding: inLog('log_leaves', String(index), 'reordered', 'index') };
  }),
  way('log_leaves', 'log_leaves.entry_id edited', 'edited', async (target) => {
    const { index } = await anyLeaf(target);
    await quietly(
      target.sql,
      'log_leaves',
      () => target.sql`update log_leaves set entry_id = gen_random_uuid() where index = ${index}`,
    );
    return { finding: inLog('log_leaves', String(index), 'edited', 'entry_id') };
  }),
  way('log_leaves', "a leaf that names another leaf's entry", 'edited', async ({ sql, choose }) => {
    const leaves = await leavesOf(sql);
    const [a, b] = twoOf(leaves.length, choose, 'log_leaves');
    await dropUnique(sql, 'log_leaves');
    await quietly(
      sql,
      'log_leaves',
      () => sql`update log_leaves set entry_id = ${leaves[b]?.entryId ?? ''} where index = ${a}`,
    );
    return { finding: inLog('log_leaves', String(a), 'edited', 'entry_id') };
  }),
  ...['commitment', 'leaf_hash'].map((column) =>
    way('log_leaves', `log_leaves.${column} edited`, 'edited', async (target) => {
      const { index } = await anyLeaf(target);
      await quietly(target.sql, 'log_leaves', () =>
        target.sql.unsafe(`update log_leaves set ${flipBit(column, target.choose(256))} where index = $1`, [
          index,
        ]),
      );
      return { finding: inLog('log_leaves', String(index), 'edited', column) };
    }),
  ),
  way('log_leaves', 'a leaf deleted', 'deleted', async (target) => {
    const { sql, choose } = target;
    const { index } = oneOf((await leavesOf(sql)).slice(0, -1), choose, 'log_leaves');
    await quietly(sql, 'log_leaves', () => sql`delete from log_leaves where index = ${index}`);
    return { finding: inLog('log_leaves', String(index), 'deleted') };
  }),
  way('log_leaves', 'a leaf inserted behind the last one', 'inserted', async ({ sql }) => {
    const leaves = await leavesOf(sql);
    await quietly(
      sql,
      'log_leaves',
      () => sql`insert into log_leaves (index, entry_id, commitment, leaf_hash)
        select ${leaves.length}, gen_random_uuid(), commitment, leaf_hash from log_leaves where index = 0`,
    );
    return { finding: inLog('log_leaves', String(leaves.length), 'inserted') };
  }),
  way('log_leaves', 'two leaves exchanged', 'reordered', async ({ sql, choose }) => {
    const [a, b] = twoOf((await leavesOf(sql)).length, choose, 'log_leaves');
    await quietly(sql, 'log_leaves', async () => {
      await sql`update log_leaves set index = -1 where index = ${a}`;
      await sql`update log_leaves set index = ${a} where index = ${b}`;
      await sql`update log_leaves set index = ${b} where index = -1`;
    });
    return {
      finding: inLog('log_leaves', String(a), 'reordered'),
      beside: [inLog('log_leaves', String(b), 'reordered')],
    };
  }),
  way('log_leaves', 'entries of two leaves exchanged', 'reordered', async ({ sql, choose }) => {
    const leaves = await leavesOf(sql);
    const [a, b] = twoOf(leaves.length, choose, 'log_leaves');
    await dropUnique(sql, 'log_leaves');
    await quietly(sql, 'log_leaves', async () => {
      await sql`update log_leaves set entry_id = ${leaves[b]?.entryId ?? ''} where index = ${a}`;
      await sql`update log_leaves set entry_id = ${leaves[a]?.entryId ?? ''} where index = ${b}`;
    });
    return {
      finding: inLog('log_leaves', String(b), 'reordered', 'entry_id'),
      beside: [inLog('log_leaves', String(a), 'reordered', 'entry_id')],
    };
  }),
  way('log_leaves', 'the end of the log cut off', 'truncated', async ({ sql, choose }) => {
    const from = (await leavesOf(sql)).length - 2 - choose(10);
    await quietly(
      sql,
      'audit_entries',
      () =>
        sql`delete from audit_entries where id in (select entry_id from log_leaves where index >= ${from})`,
    );
    await quietly(sql, 'log_leaves', () => sql`delete from log_leaves where index >= ${from}`);
    return {
      finding: inLog('log_leaves', String(from), 'truncated'),
      beside: [{ store: 'log', table: 'audit_entries', row: null, kind: 'truncated' }],
    };
  }),
  way('log_leaves', 'leaves cut off, entries kept', 'truncated', async ({ sql, choose }) => {
    const from = (await leavesOf(sql)).length - 2 - choose(10);
    await quietly(sql, 'log_leaves', () => sql`delete from log_leaves where index >= ${from}`);
    return { finding: inLog('log_leaves', String(from), 'truncated') };
  }),
  way('log_leaves', 'all leaves taken away', 'truncated', async ({ sql }) => {
    await quietly(sql, 'log_leaves', () => sql`truncate log_leaves`);
    return { finding: inLog('log_leaves', '0', 'truncated') };
  }),
];
