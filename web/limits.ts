// Station 1, how long a request may take (SECURITY.md B2). A store that is frozen neither answers nor fails: its statements' own
// limits are kept by itself. Whoever asks is answered all the same. Never ends what was begun: its operation key makes it safe to
// send again.
import type { MiddlewareHandler } from 'hono';
import type { WebEnv } from './deps.ts';

/** B2: a request within 30 s. */
export const REQUEST_MS = 30_000;

/** Says that somebody did not answer in time; with the code of an outage. */
export class Late extends Error {
  readonly code = 'ETIMEDOUT';
  override readonly name = 'Late';
}

/** What the work gives, or Late after `ms` milliseconds; the work itself goes on. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Late('no answer in time')), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Answers as when a store is away once a request has taken so long. A stream has been answered when its first byte can go. */
export const inTime =
  (ms: number): MiddlewareHandler<WebEnv> =>
  (_, next) =>
    within(ms, next());
