// Station 4, the guards of tables: which triggers the migrations and this file define, what makes those of every table that is
// recorded, derived or the ledger's, and how a database differs from that. Never mends in silence: what was missing or
// altered is written down before it is put back.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getTableColumns, getTableName } from 'drizzle-orm';
import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core';
import type postgres from 'postgres';
import { DERIVED, LEDGER, outsideChanges, RECORDED } from './schema.ts';

export const migrationsFolder = new URL('../migrations', import.meta.url).pathname;

/** A trigger or function that is not what it is defined to be. Names only. */
export interface GuardFault {
  readonly table: string | null;
  readonly guard: string;
  readonly fault: 'missing' | 'disabled' | 'altered' | 'foreign';
}

interface Guard {
  readonly table: string;
  readonly name: string;
  readonly function: string;
  /** As `pg_get_triggerdef` prints it; undefined for those of the migrations, whose function and table are compared. */
  readonly definition?: string;
}

/** The roles of our own processes, by the names that db/migrate.ts gives them: everybody else is outside. */
const INSIDE = ['rehab_web', 'rehab_worker', 'rehab_ledger', 'rehab_verify'];
const OUTSIDE = `((SESSION_USER <> ALL (ARRAY[${INSIDE.map((role) => `'${role}'::name`).join(', ')}])))`;

const TABLES: readonly PgTable[] = [
  ...Object.values(RECORDED),
  ...Object.values(DERIVED),
  ...Object.values(LEDGER),
];

/** Columns whose values name a row, in the order in which findings print them. */
export function keyColumns(table: PgTable): string[] {
  const [composite] = getTableConfig(table).primaryKeys;
  if (composite) return composite.columns.map(({ name }) => name);
  return Object.values(getTableColumns(table)).flatMap((column) => (column.primary ? [column.name] : []));
}

/** The triggers that note outside changes, and the two that keep those notes. */
function noting(): Guard[] {
  const kept = getTableName(outsideChanges);
  return TABLES.flatMap((table): Guard[] => {
    const name = getTableName(table);
    if (name === kept)
      return [
        {
          table: name,
          name: `${name}_keep`,
          function: 'keep_outside_changes',
          definition: `CREATE TRIGGER ${name}_keep BEFORE DELETE OR UPDATE ON public.${name} FOR EACH ROW EXECUTE FUNCTION keep_outside_changes()`,
        },
        {
          table: name,
          name: `${name}_keep_all`,
          function: 'keep_outside_changes',
          definition: `CREATE TRIGGER ${name}_keep_all BEFORE TRUNCATE ON public.${name} FOR EACH STATEMENT EXECUTE FUNCTION keep_outside_changes()`,
        },
      ];
    const key = keyColumns(table)
      .map((column) => `'${column}'`)
      .join(', ');
    return [
      {
        table: name,
        name: `${name}_outside`,
        function: 'note_outside_change',
        definition: `CREATE TRIGGER ${name}_outside AFTER INSERT OR DELETE OR UPDATE ON public.${name} FOR EACH ROW WHEN ${OUTSIDE} EXECUTE FUNCTION note_outside_change(${key})`,
      },
      {
        table: name,
        name: `${name}_outside_all`,
        function: 'note_outside_change',
        definition: `CREATE TRIGGER ${name}_outside_all AFTER TRUNCATE ON public.${name} FOR EACH STATEMENT EXECUTE FUNCTION note_outside_change()`,
      },
    ];
  });
}

/** What a migration may say of guards, in the order in which it stands there. */
const SAID = new RegExp(
  [
    String.raw`\bCREATE\s+(?:OR REPLACE\s+)?(?:CONSTRAINT\s+)?TRIGGER\s+"?(?<trigger>\w+)"?\s[^;]*?\sON\s+"?(?<on>\w+)"?\s[^;]*?EXECUTE FUNCTION\s+(?<run>\w+)\(`,
    String.raw`\bDROP TRIGGER (?:IF EXISTS )?"?(?<gone>\w+)"? ON "?(?<from>\w+)"?`,
    String.raw`\bCREATE (?:OR REPLACE )?FUNCTION\s+"?(?<written>\w+)"?\s*\([^;]*?\sAS \$\$(?<text>[\s\S]*?)\$\$`,
    String.raw`\bDROP FUNCTION (?:IF EXISTS )?"?(?<dropped>\w+)"?`,
  ].join('|'),
  'g',
);

/** What the migrations define: their triggers as they stand after the last one, and each function's last text. */
function fromMigrations(): { triggers: Guard[]; functions: Map<string, string> } {
  const triggers = new Map<string, Guard>();
  const functions = new Map<string, string>();
  const files = readdirSync(migrationsFolder)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  for (const file of files)
    for (const { groups = {} } of readFileSync(join(migrationsFolder, file), 'utf8').matchAll(SAID)) {
      const { trigger, on = '', run = '', gone, from, written, text = '', dropped } = groups;
      if (trigger) triggers.set(`${on} ${trigger}`, { table: on, name: trigger, function: run });
      if (gone) triggers.delete(`${from} ${gone}`);
      if (written) functions.set(written, text);
      if (dropped) functions.delete(dropped);
    }
  return { triggers: [...triggers.values()], functions };
}

interface TriggerRow {
  table: string;
  name: string;
  function: string;
  enabled: string;
  definition: string;
}

/**
 * How the database's triggers and functions differ from what is defined.
 * @param ask runs one query and gives its rows; any role may ask
 */
export async function guardFaults(
  ask: <T>(query: string) => Promise<readonly T[]>,
): Promise<readonly GuardFault[]> {
  const { triggers, functions } = fromMigrations();
  const guards = [...triggers, ...noting()];
  const watched = new Set([
    ...TABLES.map((table) => getTableName(table)),
    ...guards.map(({ table }) => table),
  ]);
  const found = await ask<TriggerRow>(
    `select c.relname as table, t.tgname as name, p.proname as function, t.tgenabled::text as enabled, pg_get_triggerdef(t.oid) as definition
     from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
     join pg_catalog.pg_proc p on p.oid = t.tgfoid
     where c.relnamespace = 'public'::regnamespace and not t.tgisinternal`,
  );
  const faults: GuardFault[] = [];
  const byName = new Map(found.map((row) => [`${row.table} ${row.name}`, row]));
  for (const { table, name, function: run, definition } of guards) {
    const row = byName.get(`${table} ${name}`);
    byName.delete(`${table} ${name}`);
    const fault = !row
      ? 'missing'
      : row.enabled !== 'A'
        ? 'disabled'
        : row.function !== run || (definition !== undefined && row.definition !== definition)
          ? 'altered'
          : undefined;
    if (fault) faults.push({ table, guard: name, fault });
  }
  // A trigger that nobody defined could undo what a guard does.
  for (const { table, name } of byName.values())
    if (watched.has(table)) faults.push({ table, guard: name, fault: 'foreign' });
  const sources = new Map(
    (
      await ask<{ name: string; source: string }>(
        `select proname as name, prosrc as source from pg_catalog.pg_proc where pronamespace = 'public'::regnamespace`,
      )
    ).map(({ name, source }) => [name, source]),
  );
  for (const [name, text] of functions) {
    const source = sources.get(name);
    if (source !== text)
      faults.push({ table: null, guard: name, fault: source === undefined ? 'missing' : 'altered' });
  }
  return faults;
}

/** How things stood before the migrations ran: which tables had been guarded, and which triggers were switched off. */
export interface GuardsBefore {
  readonly tables: ReadonlySet<string>;
  readonly disabled: ReadonlySet<string>;
}

export async function guardsBefore(sql: postgres.Sql): Promise<GuardsBefore> {
  const tables = new Set(
    (
      await sql<
        { name: string }[]
      >`select relname as name from pg_catalog.pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'`
    ).map(({ name }) => name),
  );
  // The first run that makes guards finds none, and nobody took them.
  if (!tables.has(getTableName(outsideChanges))) return { tables: new Set(), disabled: new Set() };
  const disabled = await sql<{ name: string }[]>`
    select c.relname || ' ' || t.tgname as name from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
    where c.relnamespace = 'public'::regnamespace and not t.tgisinternal and t.tgenabled <> 'A'`;
  return { tables, disabled: new Set(disabled.map(({ name }) => name)) };
}

/**
 * Makes the triggers that are not there yet, and has all of them fire whatever a session is set to. One that somebody had
 * taken away, altered or switched off is written down as an outside change, then put back. Run as the owner, after the
 * migrations.
 */
export async function putGuards(sql: postgres.Sql, before: GuardsBefore): Promise<void> {
  const definitions = new Map(noting().map((guard) => [`${guard.table} ${guard.name}`, guard.definition]));
  await sql.begin(async (tx) => {
    // A query of ours, without parameters; the driver's row type says less than we know.
    const faults = await guardFaults(async (query) => (await tx.unsafe(query)) as never);
    for (const { table, guard, fault } of faults) {
      // What has no table, or what nobody defined, is for a person to judge; verify names it.
      if (table === null || fault === 'foreign') continue;
      const definition = definitions.get(`${table} ${guard}`);
      const taken = fault !== 'disabled' && definition !== undefined && before.tables.has(table);
      if (taken || before.disabled.has(`${table} ${guard}`))
        await tx`
          insert into outside_changes (id, at, size, session_role, acting_role, table_name, row_key, verb, columns)
          values ((select coalesce(max(id), 0) + 1 from outside_changes), clock_timestamp(), (select size from log_head where id = 1), session_user, current_user, ${table}, ${guard}, 'GUARD', ${[fault]})`;
      if (fault !== 'disabled') {
        if (definition === undefined) continue;
        await tx.unsafe(`DROP TRIGGER IF EXISTS ${guard} ON public.${table}`);
        await tx.unsafe(definition);
      }
      await tx.unsafe(`ALTER TABLE public.${table} ENABLE ALWAYS TRIGGER ${guard}`);
    }
  });
}
