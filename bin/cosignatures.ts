// Composition of the ledger process: brings the members' cosignatures from the chain to where the published checkpoint takes
// them along. A copy that can be made again at any time; each line is checked by whoever reads it.
// Must never make a line, nor hold one back: what the chain keeps is published.
import { setTimeout as sleep } from 'node:timers/promises';
import { inArray } from 'drizzle-orm';
import type { Database } from '../db/connection.ts';
import { logCheckpoints, logCosignatureCache } from '../db/schema.ts';
import type { Chain } from '../ledger/fabric/client.ts';

/** How often the chain is asked; members look every two seconds themselves. */
const REST_MS = 2_000;

/** Copies what is new until told to stop. Faults are noted and the chain is asked again. */
export async function keepCosignatures(
  db: Database,
  chain: Pick<Chain, 'newestCosignatures'>,
  { signal, note }: { readonly signal: AbortSignal; readonly note: (error: unknown) => void },
): Promise<void> {
  let known = '';
  while (!signal.aborted) {
    try {
      const newest = await chain.newestCosignatures('hospital');
      const seen = newest.map(({ organisation, size }) => `${organisation} ${size}`).join();
      if (seen !== known) await copyCosignatures(db, newest);
      known = seen;
    } catch (error) {
      if (!signal.aborted) note(error);
    }
    await sleep(REST_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Stores those lines whose checkpoint our log has; durable when it resolves, and nothing new when said again. */
export async function copyCosignatures(
  db: Database,
  lines: Awaited<ReturnType<Chain['newestCosignatures']>>,
): Promise<void> {
  if (lines.length === 0) return;
  const sizes = await db
    .select({ size: logCheckpoints.size })
    .from(logCheckpoints)
    .where(
      inArray(
        logCheckpoints.size,
        lines.map(({ size }) => size),
      ),
    );
  const rows = lines
    .filter((line) => sizes.some(({ size }) => size === line.size))
    .map(({ size, organisation, line, at }) => ({
      size,
      organisation,
      line,
      at: new Date(at * 1000).toISOString(),
    }));
  if (rows.length > 0) await db.insert(logCosignatureCache).values(rows).onConflictDoNothing();
}
