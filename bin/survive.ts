// Composition: what a process outlives. The Postgres driver (postgres 3.4) throws out of a timer when a connection is cut
// while a write is waiting (connection.js nextWrite, socket already null); the query itself is rejected or retried by its
// owner. Its own first question of each connection, about array types, has no owner at all. Ending web, worker or ledger
// over either would turn a restart of Postgres into a restart of everything.
import type { Logger } from 'pino';
import { faultFacts } from './log.ts';

/** What the driver asks by itself (connection.js fetchArrayTypes); nothing of ours reads that catalogue. */
const OF_TYPES = /from pg_catalog\.pg_type a\s+left join pg_catalog\.pg_type b on b\.oid = a\.typelem/;

/** Keeps the process up over those two faults of the driver; everything else ends it, as it would have. */
export function survive(log: Logger): void {
  const fromDriver = (error: unknown): boolean =>
    error instanceof Error &&
    (/postgres\/(src|cjs\/src)\/connection\.js/.test(error.stack ?? '') ||
      ('query' in error && OF_TYPES.test(String(error.query))));
  const judge = (error: unknown): void => {
    if (fromDriver(error)) {
      log.warn(faultFacts(error), 'connection to Postgres was cut');
      return;
    }
    log.fatal(faultFacts(error), 'process ends over a fault nobody caught');
    process.exit(1);
  };
  process.on('uncaughtException', judge);
  process.on('unhandledRejection', judge);
}
