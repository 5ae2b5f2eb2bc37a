// Station 4, the tables' making: roles, then migrations, as the owner. Idempotent; run at every start.
// Never changes recorded data: such a change goes through `recorded()` (DESIGN.md section 9, 8).
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate as applyMigrations } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { guardsBefore, migrationsFolder, putGuards } from './guards.ts';

/** The database roles, one per process and one for whoever verifies. */
export const DATABASE_ROLES = ['web', 'worker', 'ledger', 'verify'] as const;
export type DatabaseRole = (typeof DATABASE_ROLES)[number];
export type RolePasswords = Readonly<Record<DatabaseRole, string>>;

/**
 * Makes the roles with these passwords and brings the tables to today's shape.
 * @param ownerUrl connection of the database's owner, who may create roles
 * @throws when the server cannot be reached or a migration fails; nothing is half done, each runs in a transaction
 */
export async function migrate(ownerUrl: string, options: { passwords: RolePasswords }): Promise<void> {
  const sql = postgres(ownerUrl, { max: 1, onnotice: () => undefined });
  try {
    for (const role of DATABASE_ROLES) {
      const name = `rehab_${role}`;
      const [known] = await sql`select 1 from pg_roles where rolname = ${name}`;
      // Passwords are hexadecimal by construction (checked), because DDL takes no parameters.
      const password = options.passwords[role];
      if (!/^[0-9a-f]{16,}$/.test(password))
        throw new Error(`role password of ${name} must be 16 or more hexadecimal digits`);
      try {
        // A role that is there keeps what it is; only a superuser might repeat its attributes.
        await sql.unsafe(
          known
            ? `ALTER ROLE ${name} PASSWORD '${password}'`
            : `CREATE ROLE ${name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '${password}'`,
        );
      } catch (error) {
        // Two starts at once may both find the role missing; the second one's creation is the same thing.
        if ((error as { code?: string }).code !== '42710' && (error as { code?: string }).code !== '23505')
          throw error;
      }
    }
    const before = await guardsBefore(sql);
    await applyMigrations(drizzle(sql), { migrationsFolder });
    await putGuards(sql, before);
    // At every start, because a restored or copied database has its default rights again: no process of ours needs
    // temporary tables, whose names are found before those of the catalogue.
    await sql`do $$ begin execute format('revoke temporary on database %I from public', current_database()); end $$`;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** The same database seen through a process's role. */
export function roleUrl(ownerUrl: string, role: DatabaseRole, passwords: RolePasswords): string {
  const url = new URL(ownerUrl);
  url.username = `rehab_${role}`;
  url.password = passwords[role];
  return url.href;
}
