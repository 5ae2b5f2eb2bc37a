// Insert, read, same digest (DESIGN.md section 9, 8): any value that a column of a recorded table can hold is digested alike
// before it is written and after verify's own reader read it back. Otherwise an honest row would look like tampering.
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSnapshot } from '../../bin/verify-sources.ts';
import { type Change, insert, tableShape, update } from '../../db/change.ts';
import { type Connection, connect } from '../../db/connection.ts';
import { RECORDED, type RecordedName } from '../../db/schema.ts';
import { type ColumnValue, columnDigest, type Entry } from '../../ledger/entry.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { recorded } from '../../ledger/recorded.ts';
import { createWorld, type World } from '../support/case-world.ts';

let world: World;
let web: Connection;
beforeAll(async () => {
  world = await createWorld();
  web = connect(world.fresh.urls.web, { max: 2, name: 'test-web' });
});
afterAll(async () => {
  await web.close();
  await world.close();
});

/** Text as people write it and as nobody should: any script, unnormalised, quotes, backslashes, line ends, beyond the BMP. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: 'grapheme', maxLength: 100 }),
  fc.constantFrom(
    '',
    ' ',
    'e\u0301 and \u00e9',
    '\u212b \u00c5 A\u030a',
    "'; drop table persons; --",
    '\\x41 \\u0041 \\n',
    '{"a":1}',
    '{1,NULL,"x"}',
    'NULL',
    '\u202eabc\u202c',
    '\ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67',
    'a\tb\r\nc',
    '\u0001\u001f\u007f\u0085\u2028\u2029\ufeff',
    '漢字かな한국어',
    'x'.repeat(9_000),
  ),
);
/** What the door lets through to a row, and more: all but NUL, half characters and noncharacters. */
const storable = text.filter(
  (t) => t.isWellFormed() && !t.includes('\u0000') && !/\p{Noncharacter_Code_Point}/u.test(t),
);
const number = fc
  .oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.constantFrom(0, -0, 1e21, 1.5e300, 5e-324, 1e-7, 0.1, 123456789.12345679, -1e-20, 2 ** 53 - 1),
  )
  .filter((n) => !Number.isInteger(n) || Number.isSafeInteger(n) || Math.abs(n) >= 1e21);
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small' },
    fc.boolean(),
    number,
    storable,
    fc.constant(null),
    fc.array(tie('json'), { maxLength: 5 }),
    fc.dictionary(
      storable.filter((key) => !['__proto__', 'constructor', 'prototype'].includes(key)),
      tie('json'),
      { maxKeys: 5, noNullPrototype: true },
    ),
  ),
}));
/** Instants with milliseconds, from long before Christ was counted from to the last year that has four digits. */
const instant = fc
  .oneof(
    fc.date({
      min: new Date('0001-01-01T00:00:00.000Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    }),
    fc.constantFrom(
      new Date('1969-12-31T23:59:59.999Z'),
      new Date('1970-01-01T00:00:00.001Z'),
      new Date('1582-10-10T12:00:00.000Z'),
      new Date('1893-03-31T23:06:32.000Z'),
      new Date('2026-03-29T01:30:00.000Z'),
      new Date('2026-10-25T00:30:00.500Z'),
      new Date('2000-02-29T00:00:00.000Z'),
    ),
  )
  .map((date) => date.toISOString());

/** Any value of a column type; `null` values come besides where the column may be null. */
function anyOf(type: string): fc.Arbitrary<unknown> {
  if (type.startsWith('timestamp')) return instant;
  switch (type) {
    case 'uuid':
      return fc.uuid();
    case 'text':
      return storable;
    case 'date':
      return instant.map((at) => at.slice(0, 10));
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    case 'bigint':
      return fc.maxSafeInteger();
    case 'jsonb':
      // JSON null in a column is no value: rows never hold it.
      return json.filter((value) => value !== null);
    default:
      throw new Error(`no values for columns of type ${type}: add them here, and an encoder if need be`);
  }
}

const names = Object.keys(RECORDED) as RecordedName[];
const UPDATED: readonly RecordedName[] = ['persons', 'roleAssignments', 'cases', 'tasks', 'plans', 'clocks'];

/** Any row of a table, with an id of its own. */
function rowOf(table: RecordedName): fc.Arbitrary<Record<string, unknown>> {
  const columns = Object.entries(RECORDED[table]) as [
    string,
    { notNull?: boolean; getSQLType?: () => string },
  ][];
  const shape: Record<string, fc.Arbitrary<unknown>> = {};
  for (const [property, column] of columns) {
    if (property === 'entryId' || property === 'id' || !column.getSQLType) continue;
    const value = anyOf(column.getSQLType().replace(/ collate.*$/, ''));
    shape[property] = column.notNull ? value : fc.option(value, { nil: null, freq: 4 });
  }
  // Texts under an index stay short enough for it, and those that must differ do.
  for (const [property, column] of columns)
    if (shape[property] && column.getSQLType?.().includes('collate'))
      shape[property] = shape[property].map((value) =>
        value === null ? null : `${randomUUID()}${String(value).slice(0, 300)}`.toWellFormed(),
      );
  return fc.record(shape).map((row) => ({ ...row, id: randomUUID() }));
}

/** Digests of a row as the entry that wrote it states them, and as its row gives them when verify reads it. */
async function bothDigests(
  tables: readonly RecordedName[],
): Promise<{ stated: unknown; read: unknown; rows: number }> {
  const snapshot = await openSnapshot(world.fresh.urls.verify);
  const stated: Record<string, unknown> = {};
  const read: Record<string, unknown> = {};
  let rows = 0;
  try {
    for (const table of tables) {
      const { name } = tableShape(table);
      for await (const portion of snapshot.rows(name))
        for (const { key, columns, entry } of portion) {
          if (!entry) throw new Error(`row without an entry in ${name}`);
          rows++;
          const told = JSON.parse(Buffer.from(entry.body).toString('utf8')) as Entry;
          const secret = await world.recorder.keys.of(
            entry.subjectKind === 'case' ? 'case' : 'system',
            entry.subjectKind === 'case' ? entry.subjectId : 'system',
          );
          const change = told.changes.findLast((one) => one.table === name && one.key === key);
          stated[`${name} ${key}`] = change?.columns;
          read[`${name} ${key}`] = Object.fromEntries(
            Object.entries(columns)
              .filter(([, value]) => value !== null)
              .map(([column, value]) => [
                column,
                columnDigest(secret.digest, told.id, name, key, column, value as ColumnValue, nodeHashing),
              ]),
          );
        }
    }
  } finally {
    await snapshot.close();
  }
  return { stated, read, rows };
}

const WEB_ALONE: ReadonlySet<RecordedName> = new Set([
  'certificates',
  'alertAcknowledgements',
  'invitations',
]);

async function write(changes: readonly Change[]): Promise<void> {
  const caseId = randomUUID();
  await world.keyStore.create('case', caseId);
  // These are recorded by the web alone; everything else may be by the worker.
  const byWeb = changes.some(({ table }) => WEB_ALONE.has(table));
  const { answer } = await recorded(
    byWeb ? { ...world.recorder, sql: web.sql } : world.recorder,
    {
      key: `canonical-${randomUUID()}`,
      action: 'test',
      inputDigest: 'test',
      subject: { kind: 'case', id: caseId },
      actor: { person: world.as('doctor').id, role: 'doctor' },
    },
    { text: 'SELECT null::json', params: [] },
    () => ({ event: 'task.claimed', changes, answer: { kind: 'written' } }),
  );
  expect(answer).toEqual({ kind: 'written' });
}

describe('insert, read, same digest', () => {
  test.each(names.filter((name) => name !== 'operations'))('%s', async (table) => {
    await fc.assert(
      fc.asyncProperty(fc.array(rowOf(table), { minLength: 8, maxLength: 16 }), async (rows) => {
        await write(rows.map((row) => insert(table, row as never)));
      }),
      { numRuns: 4, endOnFailure: true },
    );
    const { stated, read, rows } = await bothDigests([table]);
    expect(rows).toBeGreaterThanOrEqual(30);
    expect(read).toEqual(stated);
  });

  test.each(UPDATED)('%s, written again', async (table) => {
    const [before = [], after = []] = fc.sample(fc.array(rowOf(table), { minLength: 12, maxLength: 12 }), 2);
    await write(before.map((row) => insert(table, row as never)));
    // Values become null and null becomes values: both are told by the entry that wrote last.
    await write(before.map((row, i) => update(table, { ...after[i], id: row.id } as never)));
    const { stated, read } = await bothDigests([table]);
    expect(read).toEqual(stated);
  });

  test('operations, whatever is answered', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc
          .dictionary(fc.string({ minLength: 1, maxLength: 8 }), json, { maxKeys: 4, noNullPrototype: true })
          .filter(
            (answer) =>
              JSON.stringify(answer).isWellFormed() &&
              !/\\u0000|__proto__|constructor|prototype|\uffff|\ufffe/.test(JSON.stringify(answer)),
          ),
        async (answer) => {
          const key = `canonical-${randomUUID()}`;
          const operation = {
            key,
            action: 'test',
            inputDigest: 'test',
            subject: { kind: 'person' as const, id: world.as('doctor').id },
            actor: { person: world.as('doctor').id, role: 'doctor' },
          };
          const read = { text: 'SELECT null::json', params: [] };
          const plan = () => ({ event: 'task.claimed' as const, changes: [], answer: answer as never });
          const first = await recorded(world.recorder, operation, read, plan);
          const again = await recorded(world.recorder, operation, read, plan);
          expect(again.repeated).toBe(true);
          expect(JSON.parse(JSON.stringify(again.answer))).toEqual(JSON.parse(JSON.stringify(first.answer)));
        },
      ),
      { numRuns: 40, endOnFailure: true },
    );
    const { stated, read } = await bothDigests(['operations']);
    expect(read).toEqual(stated);
  });
});

describe('what a row cannot hold', () => {
  const plain = {
    id: '',
    organisation: null,
    birthDate: null,
    sex: null,
    language: null,
    addedAt: '2026-01-01T00:00:00.000Z',
  };
  test.each([
    ['NUL in text', 'a\u0000b'],
    ['half a character', 'a\ud800'],
  ])('%s is written nowhere, neither row nor entry', async (_, name) => {
    const id = randomUUID();
    await expect(write([insert('persons', { ...plain, id, name })])).rejects.toThrow();
    expect(await world.worker.sql`select 1 from persons where id = ${id}`).toHaveLength(0);
  });
  test.each([
    ['NUL in jsonb', { a: ['x\u0000'] }],
    ['a reserved key', JSON.parse('{"__proto__": {"polluted": 1}}')],
    ['an unsafe number', { a: 2 ** 60 }],
    ['no number', { a: Number.NaN }],
  ])('%s is written nowhere', async (_, details) => {
    const id = randomUUID();
    const change = insert('plans', {
      id,
      caseId: randomUUID(),
      number: 1,
      status: 'proposed',
      goals: details as never,
      sessions: {},
      sessionsLeft: {},
      minutes: 1,
      proposedBy: randomUUID(),
      proposedAt: '2026-01-01T00:00:00.000Z',
    });
    await expect(write([change])).rejects.toThrow();
    expect(await world.worker.sql`select 1 from plans where id = ${id}`).toHaveLength(0);
  });
  test('an instant beyond the year 9999 is written nowhere, or reads back alike', async () => {
    const id = randomUUID();
    try {
      await write([insert('persons', { ...plain, id, name: 'x', addedAt: '+010000-01-01T00:00:00.000Z' })]);
    } catch {
      expect(await world.worker.sql`select 1 from persons where id = ${id}`).toHaveLength(0);
      return;
    }
    const { stated, read } = await bothDigests(['persons']);
    expect(read).toEqual(stated);
  });
});
