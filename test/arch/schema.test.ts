// The tables: each is marked, keys and hashes sort by bytes, and the migrations say what the schema says.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { getTableColumns, getTableName, is } from 'drizzle-orm';
import { PgTable } from 'drizzle-orm/pg-core';
import { expect, test } from 'vitest';
import * as schema from '../../db/schema.ts';

const root = resolve(import.meta.dirname, '../..');
const tables: [string, PgTable][] = Object.entries(schema).flatMap(([name, value]): [string, PgTable][] =>
  is(value, PgTable) ? [[name, value as unknown as PgTable]] : [],
);
const marks = {
  recorded: schema.RECORDED,
  derived: schema.DERIVED,
  ledger: schema.LEDGER,
  working: schema.WORKING,
};

test('every table carries exactly one mark', () => {
  expect(tables.length).toBeGreaterThan(15);
  for (const [name] of tables)
    expect([name, Object.values(marks).filter((group) => name in group).length]).toEqual([name, 1]);
});

test('working tables say so in their name, and no other table does', () => {
  for (const [name, table] of tables)
    expect([name, /_(session|draft|cache|outbox)$/.test(getTableName(table))]).toEqual([
      name,
      name in schema.WORKING,
    ]);
});

test('recorded tables name their entry and hold no value computed by the database', () => {
  for (const table of Object.values(schema.RECORDED) as unknown as PgTable[]) {
    const columns = getTableColumns(table);
    expect(Object.keys(columns)).toContain('entryId');
    for (const column of Object.values(columns))
      expect([column.name, column.hasDefault, column.generated]).toEqual([column.name, false, undefined]);
  }
});

test('the migrations give today’s schema', () => {
  const out = mkdtempSync(join(root, 'node_modules/.cache-migrations-'));
  try {
    cpSync(join(root, 'migrations'), join(out, 'migrations'), { recursive: true });
    const before = readdirSync(join(out, 'migrations'));
    writeFileSync(
      join(out, 'drizzle.config.ts'),
      `export default { dialect: 'postgresql', schema: '${join(root, 'db/schema.ts')}', out: './migrations' };`,
    );
    const said = execFileSync(
      process.execPath,
      [join(root, 'node_modules/drizzle-kit/bin.cjs'), 'generate'],
      { cwd: out, encoding: 'utf8' },
    );
    expect(readdirSync(join(out, 'migrations'))).toEqual(before);
    expect(said).toContain('No schema changes');
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});

test('every recorded table has its guard, and roles get no right to delete one', () => {
  const sql = readdirSync(join(root, 'migrations'))
    .filter((name) => name.endsWith('.sql'))
    .map((name) => readFileSync(join(root, 'migrations', name), 'utf8'))
    .join('\n');
  for (const table of Object.values(schema.RECORDED))
    expect(sql).toContain(`${getTableName(table)}_require_entry AFTER`);
  const grants = sql.match(/GRANT[^;]*DELETE[^;]*;/g) ?? [];
  const working = Object.values(schema.WORKING).map((table) => getTableName(table));
  for (const grant of grants)
    for (const name of (/ON ([\w, ]+) TO/.exec(grant)?.[1] ?? '').split(','))
      expect(working).toContain(name.trim());
});
