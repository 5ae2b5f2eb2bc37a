// Station 4, the way to Postgres: one pool per process under that process's own role. Never the owner's role,
// except for migrations. Every limit of SECURITY.md B2 is set here and nowhere else.
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import * as schema from './schema.ts';

export type Sql = postgres.Sql;
export type Database = PostgresJsDatabase<typeof schema>;

export interface Connection {
  /** Typed reads. */
  readonly db: Database;
  /** The driver underneath, for statements built by `recorded()` and the sequencer. */
  readonly sql: Sql;
  close(): Promise<void>;
}

/**
 * Opens a pool. `url` names the role; `max` connections at most. Statements end after 5 s, waits for a lock
 * after 2 s, an idle transaction after 10 s (B2). Times come back as text and are made canonical by readers.
 */
export function connect(
  url: string,
  options: { max?: number; name: string; statementSeconds?: number } = { name: 'rehab' },
): Connection {
  const sql = postgres(url, {
    max: options.max ?? 10,
    connect_timeout: 10,
    idle_timeout: 300,
    onnotice: () => undefined,
    connection: {
      application_name: options.name,
      statement_timeout: (options.statementSeconds ?? 5) * 1000,
      lock_timeout: 2000,
      idle_in_transaction_session_timeout: 10_000,
      TimeZone: 'UTC',
    } as Record<string, string | number>,
  });
  const db = drizzle(sql, { schema });
  return { db, sql, close: () => sql.end({ timeout: 5 }) };
}
