// Station 1, web: one database listener per process tells every open stream that the log has grown. What changed is read
// by each stream for its own session; the feed itself carries a number and nothing else (O7, X12).
import type { Sql } from '../../db/connection.ts';

export interface LiveFeed {
  /** Calls back with the log's size after each batch; returns how to stop. */
  subscribe(changed: (size: number) => void): () => void;
  readonly subscribers: () => number;
  close(): Promise<void>;
}

/** Most streams of one process (SECURITY.md G2). */
export const MAX_STREAMS = 1000;

/** Listens on `rehab_log`; after a lost connection everybody is told to look again. */
export async function createLiveFeed(sql: Sql, headSize: () => Promise<number>): Promise<LiveFeed> {
  const callbacks = new Set<(size: number) => void>();
  const tell = (size: number): void => {
    for (const changed of callbacks) changed(size);
  };
  const listening = await sql.listen(
    'rehab_log',
    (payload) => tell(Number(payload)),
    () => void headSize().then(tell, () => undefined),
  );
  return {
    subscribe(changed) {
      callbacks.add(changed);
      return () => callbacks.delete(changed);
    },
    subscribers: () => callbacks.size,
    close: () => listening.unlisten(),
  };
}
