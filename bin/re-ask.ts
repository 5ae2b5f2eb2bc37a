// Composition, no orphaned decision (DESIGN.md section 9, 1): an Update lives in Temporal's memory until its workflow task
// completes, and `recorded()` commits before that. What was committed but never reached the history is asked again, with
// the same id; the stored answer comes back and the workflow adopts it. Never does an act that was not done already.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, isGrpcServiceError, WithStartWorkflowOperation } from '@temporalio/client';
import { and, asc, eq, isNull, ne, sql } from 'drizzle-orm';
import type { Database } from '../db/connection.ts';
import { auditEntries, auditSubjects, cases, operationSettledCache, operations } from '../db/schema.ts';
import { TASK_QUEUE, TEMPORAL_NAMESPACE } from '../domain/consortium.ts';
import { ACTION_EVENTS, type AuditEvent } from '../domain/events.ts';
import { type ActRequest, actUpdate, type CaseStart } from '../workflows/messages.ts';

/** How old an operation is before its Update is looked for: whoever asked first has had their time. */
export const ORPHAN_AFTER_MS = 30_000;
/** How many entries are read in one go, and how many operations are looked for at once. */
const BATCH = 500;
/** How many operations are kept in mind: those that are young, and those that wait. The rest is read later. */
const MOST_PENDING = 20_000;
const AT_ONCE = 8;
/** Before every id there is. */
const NO_ID = '00000000-0000-0000-0000-000000000000';
/** What comes of an Update: acts, and their refusals. Claims and disclosures, which are most entries, are not even read. */
const OF_UPDATES: readonly AuditEvent[] = [...Object.values(ACTION_EVENTS), 'act.refused'];
/** How long Temporal may take to answer one question. */
const ANSWER_MS = 15_000;

export interface ReAskDeps {
  /** Reads, and marks what is settled, under the ledger's role. */
  readonly db: Database;
  readonly client: Client;
  readonly now: () => Date;
  /** Told of what could not be asked; it is asked again later. */
  readonly note: (error: unknown) => void;
  /** The workers' task queue; tests have one each. */
  readonly taskQueue?: string;
  readonly afterMs?: number;
}

/** One pass: how many Updates were found in the history, asked again, and left for later. */
export interface Pass {
  readonly settled: number;
  readonly askedAgain: number;
  readonly waiting: number;
}

interface Pending {
  readonly operation: string;
  readonly workflowId: string;
  /** The run in which the act was done; the Update may stand there or in a later one. */
  readonly runId: string;
  /** The entry's time, and when it was read here by a clock that never steps. Milliseconds. */
  readonly at: number;
  readonly readAt: number;
}

/**
 * Looks for committed operations whose Update is not in Temporal's history.
 * 1. Entries are read in the order of their transactions, each once per process; what is known to be settled is left out.
 * 2. An Update that Temporal knows as completed is settled for good, and marked.
 * 3. One it does not know in the run of the act, nor in the newest run, is asked again with the same id.
 * 4. A case that closed meanwhile gets a short run that adopts its end, takes the Update in, and ends.
 * 5. Whatever fails stays pending. A crash loses nothing: what is not marked is looked at again.
 */
export function createReAsk(deps: ReAskDeps): { once(): Promise<Pass> } {
  const { db, client } = deps;
  const pending = new Map<string, Pending>();
  let readUpTo: { readonly xact: string; readonly id: string } | undefined;
  const afterMs = deps.afterMs ?? ORPHAN_AFTER_MS;

  /** From where to read after a start: nothing before the oldest operation that is not settled needs a look. */
  async function beginning(): Promise<{ xact: string; id: string }> {
    const [oldest] = await db
      .select({ xact: sql<string | null>`min(${auditEntries.xact})::text` })
      .from(operations)
      .innerJoin(auditEntries, eq(auditEntries.id, operations.entryId))
      .leftJoin(operationSettledCache, eq(operationSettledCache.operationId, operations.id))
      .where(and(ne(operations.updateArgs, ''), isNull(operationSettledCache.operationId)));
    return { xact: oldest?.xact ?? (await horizon()), id: NO_ID };
  }

  /** Every transaction below it has ended: nothing appears there any more. */
  async function horizon(): Promise<string> {
    const [row] = await db.execute<{ xmin: string }>(
      sql`select pg_snapshot_xmin(pg_current_snapshot())::text as xmin`,
    );
    return row?.xmin ?? '0';
  }

  async function readEntries(): Promise<void> {
    readUpTo ??= await beginning();
    // In the order of transactions and not of time: a clock that stepped back must hide nothing from us.
    const below = await horizon();
    while (pending.size < MOST_PENDING) {
      const { xact, id }: { xact: string; id: string } = readUpTo;
      const rows: { id: string; xact: string; at: string; body: Uint8Array }[] = await db
        .select({
          id: auditEntries.id,
          xact: sql<string>`${auditEntries.xact}::text`,
          at: auditEntries.at,
          body: auditEntries.body,
        })
        .from(auditEntries)
        .where(
          sql`${auditEntries.event} = any(${sql.param([...OF_UPDATES])}::text[])
            and (${auditEntries.xact} > ${xact}::xid8 or (${auditEntries.xact} = ${xact}::xid8 and ${auditEntries.id} > ${id}))
            and ${auditEntries.xact} >= ${xact}::xid8 and ${auditEntries.xact} < ${below}::xid8`,
        )
        .orderBy(asc(auditEntries.xact), asc(auditEntries.id))
        .limit(BATCH);
      const read: string[] = [];
      for (const row of rows) {
        const entry = JSON.parse(Buffer.from(row.body).toString('utf8')) as {
          operation: string;
          workflow: { id: string; run: string; update: string } | null;
        };
        // The end of a limit is the workflow's own act: its timer rings again by itself.
        if (!entry.workflow?.update) continue;
        read.push(entry.operation);
        pending.set(entry.operation, {
          operation: entry.operation,
          workflowId: entry.workflow.id,
          runId: entry.workflow.run,
          at: new Date(row.at).getTime(),
          readAt: performance.now(),
        });
      }
      await dropSettled(read);
      const last = rows.at(-1);
      if (!last || rows.length < BATCH) {
        readUpTo = { xact: below, id: NO_ID };
        return;
      }
      readUpTo = { xact: last.xact, id: last.id };
    }
  }

  /** Whoever asked first has had their time: by the entry's own time, or by ours when clocks disagree. */
  const isDue = ({ at, readAt }: Pending): boolean =>
    deps.now().getTime() - at >= afterMs || performance.now() - readAt >= afterMs;

  async function dropSettled(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const rows = await db
      .select({ id: operationSettledCache.operationId })
      .from(operationSettledCache)
      .where(sql`${operationSettledCache.operationId} = any(${sql.param([...ids])}::text[])`);
    for (const { id } of rows) pending.delete(id);
  }

  /** Whether Temporal has the Update, as it stands after its last completed workflow task. */
  async function known(one: Pending, runId: string): Promise<'completed' | 'under-way' | 'unknown'> {
    try {
      const answer = await client.withDeadline(Date.now() + ANSWER_MS, () =>
        client.workflowService.pollWorkflowExecutionUpdate({
          namespace: TEMPORAL_NAMESPACE,
          updateRef: {
            workflowExecution: { workflowId: one.workflowId, runId },
            updateId: one.operation,
          },
        }),
      );
      return answer.outcome ? 'completed' : 'under-way';
    } catch (error) {
      // NOT_FOUND 5: neither in the history nor in memory.
      if (isGrpcServiceError(error) && error.code === 5) return 'unknown';
      throw error;
    }
  }

  async function settle(one: Pending): Promise<void> {
    await db
      .insert(operationSettledCache)
      .values({ operationId: one.operation, at: deps.now().toISOString() })
      .onConflictDoNothing();
    pending.delete(one.operation);
  }

  async function askAgain(one: Pending): Promise<boolean> {
    const [row] = await db
      .select({ args: operations.updateArgs })
      .from(operations)
      .where(eq(operations.id, one.operation));
    if (!row?.args) {
      // An entry without its operation row: somebody took it away. Verify reports it; there is nothing to ask.
      pending.delete(one.operation);
      return false;
    }
    const request = JSON.parse(row.args) as ActRequest;
    const update = actUpdate(request.action);
    const asked = { updateId: request.key, args: [request] as [ActRequest] };
    await client.withDeadline(Date.now() + ANSWER_MS, async () => {
      try {
        await client.workflow.getHandle(one.workflowId).executeUpdate(update, asked);
      } catch (error) {
        if (!isNotFound(error)) throw error;
        const start = await closedStart(request.caseId);
        // A case that Postgres has open and Temporal does not: not for us to mend. Replay reports it.
        if (!start) throw error;
        await client.workflow.executeUpdateWithStart(update, {
          ...asked,
          startWorkflowOperation: new WithStartWorkflowOperation('caseWorkflow', {
            workflowId: one.workflowId,
            taskQueue: deps.taskQueue ?? TASK_QUEUE,
            args: [start],
            workflowIdConflictPolicy: 'USE_EXISTING',
            workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          }),
        });
      }
    });
    return true;
  }

  /** What a run is started with that only takes in what was missed: the case as Postgres has it, when it is closed. */
  async function closedStart(caseId: string): Promise<CaseStart | undefined> {
    const [row] = await db
      .select({
        state: cases.state,
        stage: cases.stage,
        outcome: cases.outcome,
        version: auditSubjects.version,
      })
      .from(cases)
      .innerJoin(auditSubjects, and(eq(auditSubjects.kind, 'case'), eq(auditSubjects.id, cases.id)))
      .where(eq(cases.id, caseId));
    return row?.state === 'closed' ? { caseId, adopted: { ...row, next: null } } : undefined;
  }

  return {
    async once() {
      await readEntries();
      let settled = 0;
      let askedAgain = 0;
      let failed = 0;
      const due = [...pending.values()].filter(isDue);
      const queue = due.values();
      const work = async (): Promise<void> => {
        for (const one of queue) {
          // Temporal or Postgres is away: the rest of the pass would only say so again.
          if (failed >= AT_ONCE) return;
          try {
            let state = await known(one, one.runId);
            if (state === 'unknown') state = await known(one, '');
            if (state === 'unknown' && (await askAgain(one))) {
              askedAgain++;
              state = 'completed';
            }
            if (state === 'completed') {
              await settle(one);
              settled++;
            }
          } catch (error) {
            if (failed++ === 0) deps.note(error);
          }
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      return { settled, askedAgain, waiting: due.length - settled };
    },
  };
}

/** Whether Temporal says that nothing runs under this workflow id. */
function isNotFound(error: unknown): boolean {
  for (let e = error; e instanceof Error; e = e.cause)
    if (e.name === 'WorkflowNotFoundError' || (isGrpcServiceError(e) && e.code === 5)) return true;
  return false;
}

/** Passes again and again until it is told to stop. `told` hears of each pass that asked again. */
export async function keepReAsking(
  reAsk: { once(): Promise<Pass> },
  options: {
    signal: AbortSignal;
    restMs: number;
    note: (error: unknown) => void;
    told: (pass: Pass) => void;
  },
): Promise<void> {
  while (!options.signal.aborted) {
    try {
      const pass = await reAsk.once();
      if (pass.askedAgain > 0) options.told(pass);
    } catch (error) {
      options.note(error);
    }
    await sleep(options.restMs, undefined, { signal: options.signal }).catch(() => undefined);
  }
}
