// No business row without its entry, whoever writes: each process's own database role is refused by grant or at COMMIT, nobody
// deletes or truncates, and what is written once cannot be changed. Role by table by verb, on the real database.
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tableShape } from '../../db/change.ts';
import { DATABASE_ROLES, type DatabaseRole } from '../../db/migrate.ts';
import { WRITTEN_ONCE } from '../../db/schema.ts';
import { RECORDED_TABLES } from '../support/mutate-rows.ts';
import { createVerifyWorld, type VerifyWorld } from '../support/verify-world.ts';

/** insufficient_privilege, and integrity_constraint_violation as `require_entry` raises it. */
const NOT_GRANTED = '42501';
const NO_ENTRY = '23000';
const LOG_TABLES = [
  'audit_entries',
  'log_leaves',
  'log_checkpoints',
  'log_anchors',
  'log_head',
  'audit_subjects',
  'log_tiles',
  'outside_changes',
];

let world: VerifyWorld;
const connections = new Map<DatabaseRole, postgres.Sql>();
beforeAll(async () => {
  world = await createVerifyWorld();
  await world.live(['approved', 'alerted', 'refused', 'stumbling']);
  await world.anchor();
  for (const role of DATABASE_ROLES)
    connections.set(role, postgres(world.world.fresh.urls[role], { max: 1, onnotice: () => undefined }));
});
afterAll(async () => {
  for (const sql of connections.values()) await sql.end({ timeout: 5 });
  await world.close();
});

const as = (role: DatabaseRole): postgres.Sql => connections.get(role) as postgres.Sql;

/** Code of the error, or what was done without one. */
async function outcome(role: DatabaseRole, statement: string): Promise<string> {
  try {
    const { count } = await as(role).unsafe(statement);
    return `done: ${count}`;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

const columnsOf = (table: string): string[] =>
  RECORDED_TABLES.find(({ name }) => name === table)?.columns.map(({ name }) => `"${name}"`) ?? [];

/** Uniqueness would refuse a copy before COMMIT does; what is tested is the entry. */
const UNIQUE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  cases: { '"number"': `number || 'x'` },
  alert_acknowledgements: { '"measurement_id"': 'gen_random_uuid()' },
  plans: { '"number"': 'number + 1000' },
  case_relations: { '"person_id"': 'gen_random_uuid()' },
  role_assignments: { '"person_id"': 'gen_random_uuid()' },
  applications: { '"source_digest"': 'null' },
  invitations: { '"token_hash"': 'gen_random_uuid()::text' },
  certificates: { '"fingerprint"': `fingerprint || gen_random_uuid()` },
};

/** Another row like one that is there, under an entry that is there: the entry is not of this transaction. */
const insertion = (table: string): string => {
  const [id, ...others] = columnsOf(table);
  const fresh = table === 'operations' ? `'inserted-' || gen_random_uuid()` : 'gen_random_uuid()';
  const values = others.map((column) => UNIQUE[table]?.[column] ?? column);
  return `insert into ${table} (${[id, ...others]}, entry_id) select ${fresh}, ${values}, entry_id from ${table} limit 1`;
};

describe.each(DATABASE_ROLES)('as rehab_%s', (role) => {
  test.each(RECORDED_TABLES.map(({ name }) => name))('no row of %s without its entry', async (table) => {
    expect([NOT_GRANTED, NO_ENTRY]).toContain(await outcome(role, insertion(table)));
    const column = columnsOf(table).find((name) => name !== '"id"');
    const editing = `update ${table} set ${column} = ${column}`;
    expect([NOT_GRANTED, NO_ENTRY]).toContain(await outcome(role, editing));
    expect([NOT_GRANTED, NO_ENTRY]).toContain(
      await outcome(role, `${editing}, entry_id = gen_random_uuid()`),
    );
  });

  test.each([...RECORDED_TABLES.map(({ name }) => name), ...LOG_TABLES])(
    'nothing of %s goes away',
    async (table) => {
      expect(await outcome(role, `delete from ${table}`)).toBe(NOT_GRANTED);
      expect(await outcome(role, `truncate ${table}`)).toBe(NOT_GRANTED);
    },
  );

  test('what is written once is not changed, entries and leaves least of all', async () => {
    for (const name of WRITTEN_ONCE) {
      const { name: table, columns } = tableShape(name);
      expect(await outcome(role, `update ${table} set "${columns[1]?.name}" = null`)).toBe(NOT_GRANTED);
    }
    for (const [table, column] of [
      ['audit_entries', 'event'],
      ['log_leaves', 'commitment'],
      ['log_checkpoints', 'note'],
      ['log_anchors', 'root'],
    ])
      expect(await outcome(role, `update ${table} set ${column} = ${column}`)).toBe(NOT_GRANTED);
  });

  test('nobody switches the guard off, says which transaction an entry is of, or makes themselves more', async () => {
    for (const statement of [
      'alter table decisions disable trigger all',
      'drop trigger decisions_require_entry on decisions',
      "set session_replication_role = 'replica'",
      'create or replace function require_entry() returns trigger language plpgsql as $$ begin return null; end $$',
      'create table public.mine (id int)',
      'set role rehab_owner',
      `insert into audit_entries (id, subject_kind, subject_id, subject_version, event, person_id, at, body, signature, key_id, xact)
       select gen_random_uuid(), subject_kind, subject_id, 9999, event, person_id, at, body, signature, key_id, xact from audit_entries limit 1`,
    ])
      expect(await outcome(role, statement)).toBe(NOT_GRANTED);
  });
});

describe('the guard judges the transaction', () => {
  test('a row that names an old entry, or an entry of another transaction, is refused at COMMIT', async () => {
    let reached = '';
    await expect(
      as('worker').begin(async (tx) => {
        await tx`update cases set state = 'closed'`;
        reached = 'before COMMIT';
      }),
    ).rejects.toMatchObject({ code: NO_ENTRY });
    expect(reached).toBe('before COMMIT');
  });

  test('an entry of the same transaction lets rows pass, and verify names what it does not vouch for', async () => {
    await world.onCopy(async (_, url) => {
      const worker = new URL(world.world.fresh.urls.worker);
      worker.pathname = new URL(url).pathname;
      const sql = postgres(worker.href, { max: 1, onnotice: () => undefined });
      try {
        // A worker that was taken over holds no signing key here: it copies an old entry's bytes.
        const { entry, kase } = await sql.begin(async (tx) => {
          const [made] = await tx<{ id: string }[]>`
            insert into audit_entries (id, subject_kind, subject_id, subject_version, event, person_id, at, body, signature, key_id)
            select gen_random_uuid(), subject_kind, subject_id, 9999, event, person_id, at, body, signature, key_id from audit_entries order by id limit 1
            returning id`;
          const entryId = made?.id ?? '';
          const [row] = await tx<{ id: string }[]>`
            update cases set state = 'closed', entry_id = ${entryId} where id = (select id from cases order by id limit 1) returning id`;
          return { entry: entryId, kase: row?.id };
        });
        const report = await world.verify({ url });
        expect(report.status).toBe('tampered');
        expect(report.findings).toContainEqual(
          expect.objectContaining({ table: 'audit_entries', row: entry, column: 'id', kind: 'edited' }),
        );
        expect(report.findings).toContainEqual(
          expect.objectContaining({ table: 'cases', row: kase, column: 'entry_id', kind: 'edited' }),
        );
      } finally {
        await sql.end({ timeout: 5 });
      }
    });
  });
});
