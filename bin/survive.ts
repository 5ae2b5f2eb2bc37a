// Composition: what a process outlives. The Postgres driver (postgres 3.4) throws out of a timer when a connection is cut
// while a write is waiting (connection.js nextWrite, socket already null); the query itself is rejected or retried by its
// owner. Ending web, worker or ledger over it would turn a restart of Postgres into a restart of everything.
import type { Logger } from 'pino';
import { faultFacts } from './log.ts';

/** Keeps the process up over that one fault; everything else ends it, as it would have. */
export function survive(log: Logger): void {
  const fromDriver = (error: unknown): boolean =>
    error instanceof Error && /postgres\/(src|cjs\/src)\/connection\.js/.test(error.stack ?? '');
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
