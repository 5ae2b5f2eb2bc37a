// Composition: whether this build can go on with the cases in flight. A case that a newer build has led through a change of the
// workflow's code cannot be replayed by code without it: its decisions would wait, without an answer. Reads only.
import { Client, Connection } from '@temporalio/client';
import { TASK_QUEUE, TEMPORAL_NAMESPACE } from '../domain/consortium.ts';
import { CHANGES } from '../workflows/changes.ts';

/** What open cases have used, as far as it could be read. */
export interface ChangesInFlight {
  /** Open cases that were read. */
  readonly open: number;
  /** Cases by change id. */
  readonly used: ReadonlyMap<string, number>;
  /** What kept the others from being read; undefined when all were. */
  readonly unread?: unknown;
}

interface Look {
  /** Only workflows of this queue are looked at; tests have one each. */
  readonly taskQueue?: string;
  /** Stops after so many open cases. */
  readonly atMost?: number;
  /** Stops after so long, in milliseconds. */
  readonly withinMs?: number;
}

/** What Temporal gives at once (frontend.visibilityMaxPageSize). */
const PAGE = 1000;

/**
 * Asks Temporal for the open cases and the change ids in their search attribute `TemporalChangeVersion`, newest runs first.
 * Relies on the SDK, which writes all ids that a run has used there beside each marker, as long as together they are shorter
 * than 2,048 bytes, and on the lists of Temporal, which follow within a second. No query can ask for "any id but these" where a case
 * has several, so the list is walked, a thousand cases a query. A run that took over from another counts what that one used.
 * Never throws: what could not be read is said.
 */
export async function changesInFlight(client: Client, look: Look = {}): Promise<ChangesInFlight> {
  const { taskQueue = TASK_QUEUE, atMost = Number.POSITIVE_INFINITY, withinMs = 10_000 } = look;
  const query = `ExecutionStatus = 'Running' and TaskQueue = '${taskQueue}'`;
  const used = new Map<string, number>();
  let open = 0;
  try {
    await client.withDeadline(Date.now() + withinMs, async () => {
      for await (const { searchAttributes } of client.workflow.list({ query, pageSize: PAGE })) {
        for (const id of searchAttributes.TemporalChangeVersion ?? [])
          used.set(String(id), (used.get(String(id)) ?? 0) + 1);
        open += 1;
        if (open >= atMost) break;
      }
    });
  } catch (unread) {
    return { open, used, unread };
  }
  return { open, used };
}

/** The same for whoever has no connection yet. Throws when there is no Temporal at the address. */
export async function changesInFlightAt(address: string): Promise<ChangesInFlight> {
  const connection = await Connection.connect({ address, connectTimeout: 5_000 });
  try {
    return await changesInFlight(new Client({ connection, namespace: TEMPORAL_NAMESPACE }));
  } finally {
    await connection.close();
  }
}

/** What is to be done about them. */
export const NEWER_BUILD = 'Start the newer build again that used them.';

/** Which changes of cases in flight a build does not know, in words; undefined when it knows them all. */
export function unknownChanges(
  { used }: Pick<ChangesInFlight, 'used'>,
  known: readonly string[] = CHANGES,
): string | undefined {
  const unknown = [...used].filter(([id]) => !known.includes(id)).sort(([, a], [, b]) => b - a);
  if (unknown.length === 0) return undefined;
  const named = unknown.slice(0, 3).map(([id, cases]) => `${printable(id)} (cases: ${cases})`);
  const more = unknown.length > named.length ? ` and ${unknown.length - named.length} more` : '';
  return `cases in flight have used changes that this build does not know, and it cannot go on with them: ${named.join(', ')}${more}`;
}

/** Whoever can write to Temporal can put anything there. */
const printable = (id: string): string => id.replaceAll(/[^\w.-]/g, '?').slice(0, 40);

/**
 * Looks again while a worker runs, at the newest cases only: one query. Once a newer build that runs beside has led a case through a
 * change that this build does not know, `leave` is told, once. When Temporal cannot be asked it is asked the next time.
 */
export function keepLooking(
  client: Client,
  leave: (unknown: string) => void,
  options: {
    readonly everyMs?: number;
    readonly known?: readonly string[];
    readonly taskQueue?: string;
  } = {},
): { end(): void } {
  const { everyMs = 30_000, known, ...look } = options;
  let timer: NodeJS.Timeout | undefined;
  const next = (): void => {
    timer = setTimeout(async () => {
      const unknown = unknownChanges(await changesInFlight(client, { ...look, atMost: PAGE }), known);
      if (timer === undefined) return;
      if (unknown === undefined) next();
      else leave(unknown);
    }, everyMs);
    timer.unref();
  };
  next();
  return {
    end: () => {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
