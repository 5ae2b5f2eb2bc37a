// Test support: every way to change what is stated over the leaves: tiles, checkpoints, the head, anchors, notes of outside
// changes; each column of each, taken away, added, and forged with a key of somebody's own and with the real ones.
import { randomBytes } from 'node:crypto';
import type { Sql } from 'postgres';
import { anchorRow } from '../../bin/anchored-log.ts';
import { logSigner } from '../../bin/log-keys.ts';
import { formatCheckpoint, signNote } from '../../ledger/checkpoint.ts';
import type { LogSigner } from '../../ledger/sequencer.ts';
import { ENTRY_WAYS, inLog, LEAF_WAYS, way } from './mutate-entries.ts';
import { type Choose, flipBit, oneOf, quietly, type Target, type Way } from './mutation.ts';

async function sizesOf(sql: Sql): Promise<number[]> {
  return (await sql<{ size: string }[]>`select size from log_checkpoints order by size`).map(({ size }) =>
    Number(size),
  );
}

/** Not the newest one, which the head stands for too. */
const earlierSize = async ({ sql, choose }: Target): Promise<number> =>
  oneOf((await sizesOf(sql)).slice(0, -1), choose, 'log_checkpoints');

const anchorSizes = async (sql: Sql): Promise<number[]> =>
  (await sql<{ size: string }[]>`select size from log_anchors order by size`).map(({ size }) => Number(size));

const anchorBefore = async (sql: Sql, size: number): Promise<number> =>
  (await anchorSizes(sql)).findLast((one) => one < size) ?? 0;

const anyAnchor = async ({ sql, choose }: Target): Promise<number> =>
  oneOf(await anchorSizes(sql), choose, 'log_anchors');

interface TileKey {
  readonly level: number;
  readonly index: string;
}

const anyTile = async ({ sql, choose }: Target): Promise<TileKey> =>
  oneOf(
    await sql<TileKey[]>`select level, index::text as index from log_tiles order by 1, 2`,
    choose,
    'log_tiles',
  );

const TILE_WAYS: readonly Way[] = [
  ...(['level', 'index'] as const).map((column) =>
    way('log_tiles', `log_tiles.${column} edited`, 'deleted', async (target) => {
      const tile = await anyTile(target);
      await quietly(target.sql, 'log_tiles', () =>
        target.sql.unsafe(`update log_tiles set ${column} = ${column} + 5 where level = $1 and index = $2`, [
          tile.level,
          tile.index,
        ]),
      );
      const moved =
        column === 'level' ? `${tile.level + 5} ${tile.index}` : `${tile.level} ${Number(tile.index) + 5}`;
      return {
        finding: inLog('log_tiles', `${tile.level} ${tile.index}`, 'deleted'),
        beside: [inLog('log_tiles', moved, 'inserted')],
      };
    }),
  ),
  ...(['hashes', 'root'] as const).map((column) =>
    way('log_tiles', `log_tiles.${column} edited`, 'edited', async (target) => {
      const { level, index } = await anyTile(target);
      const bit = target.choose(column === 'root' ? 256 : 65_536);
      await quietly(target.sql, 'log_tiles', () =>
        target.sql.unsafe(`update log_tiles set ${flipBit(column, bit)} where level = $1 and index = $2`, [
          level,
          index,
        ]),
      );
      return { finding: inLog('log_tiles', `${level} ${index}`, 'edited', column) };
    }),
  ),
  way('log_tiles', 'a tile deleted', 'deleted', async (target) => {
    const { level, index } = await anyTile(target);
    await quietly(
      target.sql,
      'log_tiles',
      () => target.sql`delete from log_tiles where level = ${level} and index = ${index}`,
    );
    return { finding: inLog('log_tiles', `${level} ${index}`, 'deleted') };
  }),
  way('log_tiles', 'a tile inserted', 'inserted', async ({ sql, choose }) => {
    const index = 50 + choose(50);
    await quietly(
      sql,
      'log_tiles',
      () =>
        sql`insert into log_tiles (level, index, hashes, root) select level, ${index}, hashes, root from log_tiles order by level, index limit 1`,
    );
    return { finding: inLog('log_tiles', `0 ${index}`, 'inserted') };
  }),
  way('log_tiles', 'hashes of a tile exchanged', 'edited', async (target) => {
    const { level, index } = await anyTile(target);
    await quietly(
      target.sql,
      'log_tiles',
      () =>
        target.sql`update log_tiles set hashes = substring(hashes from 33 for 32) || substring(hashes for 32) || substring(hashes from 65) where level = ${level} and index = ${index}`,
    );
    return { finding: inLog('log_tiles', `${level} ${index}`, 'edited', 'hashes') };
  }),
  way('log_tiles', 'log_tiles emptied', 'deleted', async (target) => {
    const { level, index } = await anyTile(target);
    await quietly(target.sql, 'log_tiles', () => target.sql`truncate log_tiles`);
    return {
      finding: inLog('log_tiles', `${level} ${index}`, 'deleted'),
      beside: [{ store: 'log', table: 'log_tiles', kind: 'deleted' }],
    };
  }),
];

/** A note over a root that is not the tree's, signed with that key. */
const noteOver = (signer: LogSigner, size: number, root: Uint8Array): Promise<string> =>
  signNote(formatCheckpoint({ origin: signer.name, size, root }), signer.name, signer.keyId, signer.sign);

const checkpointWays = (real: LogSigner): readonly Way[] => [
  way('log_checkpoints', 'log_checkpoints.size edited', 'deleted', async (target) => {
    const size = await earlierSize(target);
    await quietly(
      target.sql,
      'log_checkpoints',
      () => target.sql`update log_checkpoints set size = size + 100000 where size = ${size}`,
    );
    return {
      finding: inLog('log_checkpoints', String(size), 'deleted'),
      beside: [{ store: 'log', table: 'log_checkpoints', row: String(size + 100_000) }],
    };
  }),
  way('log_checkpoints', 'log_checkpoints.root edited', 'edited', async ({ sql, choose }) => {
    const size = oneOf(await sizesOf(sql), choose, 'log_checkpoints');
    await quietly(sql, 'log_checkpoints', () =>
      sql.unsafe(`update log_checkpoints set ${flipBit('root', choose(256))} where size = $1`, [size]),
    );
    return { finding: inLog('log_checkpoints', String(size), 'edited', 'root') };
  }),
  way('log_checkpoints', 'log_checkpoints.note edited', 'edited', async (target) => {
    const { sql } = target;
    const sizes = await sizesOf(sql);
    const size = await earlierSize(target);
    await quietly(
      sql,
      'log_checkpoints',
      () =>
        sql`update log_checkpoints set note = (select note from log_checkpoints where size = ${sizes.at(-1) ?? 0}) where size = ${size}`,
    );
    return { finding: inLog('log_checkpoints', String(size), 'edited', 'note') };
  }),
  way('log_checkpoints', 'log_checkpoints.previous edited', 'edited', async ({ sql, choose }) => {
    const size = oneOf((await sizesOf(sql)).slice(1), choose, 'log_checkpoints');
    await quietly(
      sql,
      'log_checkpoints',
      () => sql`update log_checkpoints set previous = 0 where size = ${size}`,
    );
    return { finding: inLog('log_checkpoints', String(size), 'edited', 'previous') };
  }),
  way(
    'log_checkpoints',
    "one letter of a checkpoint's signature",
    'forged-checkpoint',
    async ({ sql, choose }) => {
      const size = oneOf(await sizesOf(sql), choose, 'log_checkpoints');
      await quietly(
        sql,
        'log_checkpoints',
        () =>
          sql`update log_checkpoints set note = overlay(note placing (case substr(note, length(note) - 20, 1) when 'A' then 'B' else 'A' end) from length(note) - 20 for 1) where size = ${size}`,
      );
      return { finding: inLog('log_checkpoints', String(size), 'forged-checkpoint', 'note') };
    },
  ),
  way(
    'log_checkpoints',
    'a checkpoint signed again with a key of somebody’s own',
    'forged-checkpoint',
    async ({ sql, choose }) => {
      const size = oneOf(await sizesOf(sql), choose, 'log_checkpoints');
      const [row] = await sql<{ root: Uint8Array }[]>`select root from log_checkpoints where size = ${size}`;
      const note = await noteOver(logSigner(randomBytes(32)), size, row?.root ?? new Uint8Array(32));
      await quietly(
        sql,
        'log_checkpoints',
        () => sql`update log_checkpoints set note = ${note} where size = ${size}`,
      );
      return { finding: inLog('log_checkpoints', String(size), 'forged-checkpoint', 'note') };
    },
  ),
  way(
    'log_checkpoints',
    'a checkpoint of another tree, signed with the real key',
    'forked-log',
    async ({ sql, choose }) => {
      const size = oneOf(await sizesOf(sql), choose, 'log_checkpoints');
      const root = randomBytes(32);
      const note = await noteOver(real, size, root);
      await quietly(
        sql,
        'log_checkpoints',
        () => sql`update log_checkpoints set root = ${root}, note = ${note} where size = ${size}`,
      );
      return { finding: inLog('log_checkpoints', String(size), 'forked-log', 'root') };
    },
  ),
  way(
    'log_checkpoints',
    'a note of another tree, signed with the real key',
    'forked-log',
    async ({ sql, choose }) => {
      const size = oneOf(await sizesOf(sql), choose, 'log_checkpoints');
      const note = await noteOver(real, size, randomBytes(32));
      await quietly(
        sql,
        'log_checkpoints',
        () => sql`update log_checkpoints set note = ${note} where size = ${size}`,
      );
      return { finding: inLog('log_checkpoints', String(size), 'forked-log', 'note') };
    },
  ),
  way('log_checkpoints', 'a checkpoint deleted', 'deleted', async (target) => {
    const size = await earlierSize(target);
    await quietly(
      target.sql,
      'log_checkpoints',
      () => target.sql`delete from log_checkpoints where size = ${size}`,
    );
    return { finding: inLog('log_checkpoints', String(size), 'deleted') };
  }),
  way('log_checkpoints', 'the newest checkpoint deleted', 'deleted', async ({ sql }) => {
    const size = (await sizesOf(sql)).at(-1) ?? 0;
    await quietly(sql, 'log_checkpoints', () => sql`delete from log_checkpoints where size = ${size}`);
    return { finding: inLog('log_checkpoints', String(size), 'deleted') };
  }),
  way('log_checkpoints', 'a checkpoint for a larger log inserted', 'inserted', async ({ sql }) => {
    const [row] = await quietly(
      sql,
      'log_checkpoints',
      () =>
        sql<
          { size: string }[]
        >`insert into log_checkpoints (size, root, note, previous) select size + 5, root, note, size from log_checkpoints order by size desc limit 1 returning size`,
    );
    return {
      finding: inLog('log_checkpoints', row?.size ?? '', 'inserted'),
      beside: [inLog('log_checkpoints', row?.size ?? '', 'edited', 'note')],
    };
  }),
  way('log_checkpoints', 'log_checkpoints emptied', 'deleted', async ({ sql }) => {
    const sizes = await sizesOf(sql);
    await quietly(sql, 'log_checkpoints', () => sql`truncate log_checkpoints`);
    return { finding: inLog('log_checkpoints', String(sizes.at(-1)), 'deleted') };
  }),
];

const headWay = (name: string, kind: Way['kind'], statement: string, column?: string): Way =>
  way('log_head', name, kind, async ({ sql, choose }) => {
    await quietly(sql, 'log_head', () => sql.unsafe(statement.replace('BIT', String(choose(256)))));
    return { finding: inLog('log_head', kind === 'inserted' ? '2' : '1', kind, column) };
  });

const flippedHead = (column: string): string =>
  `update log_head set ${column} = set_bit(${column}, BIT, 1 - get_bit(${column}, BIT))`.replaceAll(
    'BIT',
    '7',
  );

const HEAD_WAYS: readonly Way[] = [
  way('log_head', 'log_head.id edited', 'deleted', async ({ sql }) => {
    await quietly(sql, 'log_head', () => sql`update log_head set id = 2`);
    return { finding: inLog('log_head', '1', 'deleted'), beside: [inLog('log_head', '2', 'inserted')] };
  }),
  headWay('log_head.size edited', 'edited', 'update log_head set size = size + 1', 'size'),
  headWay('log_head.root edited', 'edited', flippedHead('root'), 'root'),
  headWay('log_head.range edited', 'edited', flippedHead('range'), 'range'),
  headWay('the head deleted', 'deleted', 'delete from log_head'),
  headWay(
    'a second head inserted',
    'inserted',
    'insert into log_head (id, size, root, range) select 2, size, root, range from log_head',
  ),
];

const anchorWays = (real: LogSigner): readonly Way[] => [
  way('log_anchors', 'log_anchors.size edited', 'edited', async (target) => {
    const size = await anyAnchor(target);
    await quietly(
      target.sql,
      'log_anchors',
      () => target.sql`update log_anchors set size = size + 1000 where size = ${size}`,
    );
    return {
      finding: inLog('log_anchors', String(size + 1000), 'edited', 'size'),
      beside: [
        { store: 'log', table: 'log_anchors', row: String(size + 1000) },
        inLog('log_anchors', String(size), 'deleted'),
      ],
    };
  }),
  way('log_anchors', 'log_anchors.root edited', 'edited', async (target) => {
    const size = await anyAnchor(target);
    await quietly(target.sql, 'log_anchors', () =>
      target.sql.unsafe(`update log_anchors set ${flipBit('root', target.choose(256))} where size = $1`, [
        size,
      ]),
    );
    return { finding: inLog('log_anchors', String(size), 'edited', 'root') };
  }),
  way('log_anchors', 'log_anchors.at edited', 'edited', async (target) => {
    const size = await anyAnchor(target);
    await quietly(
      target.sql,
      'log_anchors',
      () => target.sql`update log_anchors set at = at - interval '1 hour' where size = ${size}`,
    );
    return { finding: inLog('log_anchors', String(size), 'edited', 'at') };
  }),
  way('log_anchors', 'log_anchors.note edited', 'forged-checkpoint', async (target) => {
    const size = await anyAnchor(target);
    const [row] = await target.sql<
      { root: Uint8Array; at: Date }[]
    >`select root, at from log_anchors where size = ${size}`;
    const forged = await anchorRow(
      logSigner(randomBytes(32)),
      { size, root: row?.root ?? new Uint8Array(32), previous: await anchorBefore(target.sql, size) },
      row?.at ?? new Date(0),
    );
    await quietly(
      target.sql,
      'log_anchors',
      () => target.sql`update log_anchors set note = ${forged.note} where size = ${size}`,
    );
    return { finding: inLog('log_anchors', String(size), 'forged-checkpoint', 'note') };
  }),
  way(
    'log_anchors',
    'an anchor that no chain has inserted, signed with the real key',
    'forged-checkpoint',
    async ({ sql }) => {
      const size = ((await anchorSizes(sql)).at(-1) ?? 0) + 1000;
      const previous = await anchorBefore(sql, size);
      const row = await anchorRow(real, { size, root: randomBytes(32), previous }, new Date());
      await quietly(sql, 'log_anchors', () => sql`insert into log_anchors ${sql(row)}`);
      return { finding: inLog('log_anchors', String(size), 'forged-checkpoint', 'size') };
    },
  ),
  way(
    'log_anchors',
    'an anchor between two others inserted, signed with the real key',
    'inserted',
    async ({ sql, choose }) => {
      const anchored = await anchorSizes(sql);
      const between = (await sizesOf(sql)).filter(
        (size) => !anchored.includes(size) && size < (anchored.at(-1) ?? 0),
      );
      const size = oneOf(between, choose, 'log_checkpoints that were not anchored');
      const [row] = await sql<{ root: Uint8Array }[]>`select root from log_checkpoints where size = ${size}`;
      const previous = await anchorBefore(sql, size);
      const made = await anchorRow(real, { size, root: row?.root ?? randomBytes(32), previous }, new Date());
      await quietly(sql, 'log_anchors', () => sql`insert into log_anchors ${sql(made)}`);
      return { finding: inLog('log_anchors', String(size), 'inserted') };
    },
  ),
  way('log_anchors', 'an anchor deleted', 'deleted', async ({ sql, choose }) => {
    const size = oneOf((await anchorSizes(sql)).slice(0, -1), choose, 'log_anchors');
    await quietly(sql, 'log_anchors', () => sql`delete from log_anchors where size = ${size}`);
    return { finding: inLog('log_anchors', String(size), 'deleted') };
  }),
  // It reads as one that the ledger has not written yet, which is not sound either.
  way('log_anchors', 'the newest anchor deleted', 'unreadable', async ({ sql }) => {
    const size = (await anchorSizes(sql)).at(-1) ?? 0;
    await quietly(sql, 'log_anchors', () => sql`delete from log_anchors where size = ${size}`);
    return { finding: inLog('log_anchors', String(size), 'unreadable') };
  }),
  way('log_anchors', 'the newest anchors deleted', 'deleted', async ({ sql, choose }) => {
    const from = oneOf((await anchorSizes(sql)).slice(1, -1), choose, 'log_anchors');
    await quietly(sql, 'log_anchors', () => sql`delete from log_anchors where size >= ${from}`);
    return { finding: inLog('log_anchors', String(from), 'deleted') };
  }),
  way('log_anchors', 'an anchor deleted, guards on', 'deleted', async (target) => {
    const size = await anyAnchor(target);
    await target.sql`delete from log_anchors where size = ${size}`;
    return {
      finding: inLog('log_anchors', String(size), 'deleted'),
      beside: [inLog('log_anchors', String(size), 'unreadable')],
    };
  }),
  way('log_anchors', 'log_anchors emptied', 'truncated', async ({ sql }) => {
    await quietly(sql, 'log_anchors', () => sql`truncate log_anchors`);
    return { finding: { store: 'log', table: 'log_anchors', row: null, kind: 'truncated' } };
  }),
];

const noteOutside = (choose: Choose): string => ['plans', 'cases', 'decisions'][choose(3)] as string;

const OUTSIDE_WAYS: readonly Way[] = [
  way('outside_changes', 'a note of a change inserted', 'edited', async ({ sql, choose }) => {
    const table = noteOutside(choose);
    const [row] = await sql.unsafe<{ id: string }[]>(
      `select id::text as id from ${table} order by 1 limit 1`,
    );
    await sql`insert into outside_changes (id, at, size, session_role, acting_role, table_name, row_key, verb, columns)
      select 1, now(), size, 'somebody', 'somebody', ${table}, ${row?.id ?? ''}, 'UPDATE', '{entry_id}' from log_head`;
    return { finding: { store: 'postgres', table, row: row?.id ?? '', kind: 'edited' } };
  }),
  way('outside_changes', 'the first of two notes deleted', 'deleted', async ({ sql }) => {
    const [row] = await sql<{ id: string }[]>`select id from plans order by id limit 1`;
    const id = row?.id ?? '';
    await sql`update plans set minutes = minutes + 1 where id = ${id}`;
    await sql`update plans set minutes = minutes - 1 where id = ${id}`;
    const [first] = await quietly(
      sql,
      'outside_changes',
      () =>
        sql<
          { id: string }[]
        >`delete from outside_changes where id = (select min(id) from outside_changes) returning id`,
    );
    return {
      finding: { store: 'postgres', table: 'outside_changes', kind: 'deleted' },
      beside: [
        { store: 'postgres', table: 'plans', row: id, kind: 'edited' },
        { table: 'outside_changes', row: first?.id ?? '' },
      ],
    };
  }),
];

/** Every way to change the log's tables. `real` is the log's own key, for whoever has stolen it. */
export const logWays = (real: LogSigner): readonly Way[] => [
  ...ENTRY_WAYS,
  ...LEAF_WAYS,
  ...TILE_WAYS,
  ...checkpointWays(real),
  ...HEAD_WAYS,
  ...anchorWays(real),
  ...OUTSIDE_WAYS,
];
