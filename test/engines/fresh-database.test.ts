// Engines: the databases that tests get. Each is a copy of one migrated template, its own, and gone afterwards.
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FreshDatabase, freshDatabase } from '../support/engines.ts';

let migrations = 0;
const databases: FreshDatabase[] = [];

async function migrate(ownerUrl: string): Promise<void> {
  migrations += 1;
  const sql = postgres(ownerUrl, { max: 1 });
  await sql`CREATE TABLE notes (id integer PRIMARY KEY)`;
  await sql.end();
}

beforeAll(async () => {
  // At once, as several test files would ask.
  databases.push(...(await Promise.all([1, 2, 3].map(() => freshDatabase(migrate, 'engines_template')))));
});

afterAll(async () => {
  await Promise.all(databases.map((database) => database.drop()));
});

test('several ask at once: one migration, a database for each', async () => {
  expect(migrations).toBe(1);
  expect(new Set(databases.map(({ name }) => name)).size).toBe(3);
});

test('what one test writes no other test reads', async () => {
  const [first, second] = databases.map(({ ownerUrl }) => postgres(ownerUrl, { max: 1 }));
  if (first === undefined || second === undefined) throw new Error('two databases are needed');
  try {
    await first`INSERT INTO notes (id) VALUES (1)`;
    expect(await second`SELECT id FROM notes`).toHaveLength(0);
    expect(await first`SELECT id FROM notes`).toHaveLength(1);
  } finally {
    await first.end();
    await second.end();
  }
});

test('a dropped database is gone, even while somebody is connected', async () => {
  const database = await freshDatabase(migrate, 'engines_template');
  const sql = postgres(database.ownerUrl, { max: 1 });
  await sql`SELECT 1`;
  await database.drop();
  await expect(postgres(database.ownerUrl, { max: 1 })`SELECT 1`).rejects.toThrow('does not exist');
  await sql.end({ timeout: 0 });
});

test("by default it has today's tables, and each process's role can sign in", async () => {
  const database = await freshDatabase();
  try {
    for (const url of Object.values(database.urls)) {
      const sql = postgres(url, { max: 1 });
      expect(await sql`SELECT current_user`).toHaveLength(1);
      await sql.end();
    }
    const owner = postgres(database.ownerUrl, { max: 1 });
    const tables = await owner`SELECT 1 FROM pg_tables WHERE schemaname = 'public'`;
    await owner.end();
    expect(tables.length).toBeGreaterThan(0);
  } finally {
    await database.drop();
  }
});
