// Composition of replay: fetches all runs of each case, replays them against a workflow bundle, and reconciles them with what
// is recorded. Work that goes on meanwhile is read again before it is called a difference. Reads only.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { type DataConverter, WorkflowNotFoundError } from '@temporalio/common';
import {
  DefaultLogger,
  makeTelemetryFilterString,
  type ReplayResult,
  Runtime,
  Worker,
} from '@temporalio/worker';
import { caseIdOf, caseWorkflowId } from '../../domain/ids.ts';
import { type History, type RunFacts, readRun } from './history.ts';
import { type Difference, reconcile } from './reconcile.ts';
import type { RecordedActs, RecordedCase } from './recorded-acts.ts';

/** Keeps the SDK from printing what the report says better. To be called before anything else uses the SDK's runtime. */
export const quietRuntime = (): void => {
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => undefined),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
  });
};

export interface ReplayReport {
  readonly cases: number;
  readonly agreed: number;
  readonly differing: readonly Difference[];
  readonly seconds: number;
}

export interface ReplaySources {
  readonly client: Client;
  readonly converter: DataConverter;
  /** Code of the workflow bundle to replay against. */
  readonly bundle: string;
  readonly recorded: RecordedActs;
  /** Only workflows of this task queue are looked for; tests have one each. */
  readonly taskQueue?: string;
  /** How long a difference in a case that just moved is read again before it counts. */
  readonly settleMs?: number;
  readonly progress: (line: string) => void;
}

/** An orphaned decision is asked again after 30 s (bin/re-ask.ts); by then history and Postgres must agree. */
const SETTLE_MS = 60_000;

/**
 * Replays and reconciles.
 * @param asked case ids; undefined for all that Postgres or Temporal knows
 */
export async function replay(
  sources: ReplaySources,
  asked: readonly string[] | undefined,
): Promise<ReplayReport> {
  const { client, recorded, progress } = sources;
  const began = performance.now();
  // Postgres first: what its snapshot has must be in a history that is read later, or it moved and is read again.
  const known = asked
    ? new Map(await Promise.all(asked.map(async (id) => [id, await recorded.one(id)] as const)))
    : await recorded.all();
  const runIds = await runsByCase(client, asked, sources.taskQueue);
  const caseIds = asked ?? [...new Set([...known.keys(), ...runIds.keys()])];
  progress(`Replaying ${caseIds.length} cases`);

  const differing = new Map<string, Difference[]>();
  const differ = (difference: Difference): void => {
    differing.set(difference.case, [...(differing.get(difference.case) ?? []), difference]);
  };
  const caseOfRun = new Map<string, string>();

  /** Reads each case's runs, reconciles it, and hands the histories on to be replayed. */
  async function* histories() {
    let count = 0;
    for (const caseId of caseIds) {
      const read = await readCase(sources, caseId, runIds.get(caseId) ?? []);
      const before = known.get(caseId) ?? { row: undefined, acts: [] };
      for (const difference of await settled(sources, caseId, before, read.runs)) differ(difference);
      for (const { runId, history } of read.histories) {
        caseOfRun.set(runId, caseId);
        yield { workflowId: caseWorkflowId(caseId), history };
      }
      count += 1;
      if (count % 100 === 0) progress(`Read ${count} of ${caseIds.length} cases`);
    }
  }
  for await (const { workflowId, runId, error } of replayAll(sources, histories())) {
    if (!error) continue;
    const caseId = caseIdOf(workflowId) ?? caseOfRun.get(runId) ?? workflowId;
    differ({ case: caseId, event: 'workflow', recorded: `history of run ${runId}`, replayed: error.name });
  }
  return {
    cases: caseIds.length,
    agreed: caseIds.length - differing.size,
    differing: [...differing.values()].flat(),
    seconds: Math.round((performance.now() - began) / 10) / 100,
  };
}

/**
 * Replays histories against the bundle, as the worker would after a restart. A run that no worker has worked on yet (it was
 * just started, or just handed over to) has nothing to replay, and the SDK would wait for its first task for ever.
 */
export function replayAll(
  { bundle, converter }: Pick<ReplaySources, 'bundle' | 'converter'>,
  histories: AsyncIterable<{ workflowId: string; history: History }>,
): AsyncIterable<ReplayResult> {
  return Worker.runReplayHistories(
    { workflowBundle: { code: bundle }, dataConverter: converter, replayName: 'rehab-replay' },
    worked(histories),
  );
}

/** Whether a worker has worked on a run, so that there is something to replay. */
export const isWorked = ({ events }: History): boolean =>
  events?.some(({ workflowTaskCompletedEventAttributes: done }) => done) ?? false;

async function* worked<T extends { history: History }>(histories: AsyncIterable<T>): AsyncIterable<T> {
  for await (const one of histories) if (isWorked(one.history)) yield one;
}

/** All runs that Temporal lists, by case. Its lists may lag; the newest run of each case is asked for by itself. */
async function runsByCase(
  client: Client,
  asked: readonly string[] | undefined,
  taskQueue: string | undefined,
): Promise<Map<string, string[]>> {
  const queue = taskQueue ? ` and TaskQueue = '${taskQueue}'` : '';
  const queries = asked
    ? asked.map((id) => `WorkflowId = '${caseWorkflowId(id)}'${queue}`)
    : [`WorkflowType = 'caseWorkflow'${queue}`];
  const runs = new Map<string, string[]>();
  for (const query of queries)
    for await (const { workflowId, runId } of client.workflow.list({ query })) {
      const caseId = caseIdOf(workflowId);
      if (caseId) runs.set(caseId, [...(runs.get(caseId) ?? []), runId]);
    }
  return runs;
}

interface ReadCase {
  readonly runs: readonly RunFacts[];
  readonly histories: readonly { readonly runId: string; readonly history: History }[];
}

/** Fetches the histories of a case: the listed runs, the newest one, and those that a run names as before or after it. */
async function readCase(
  { client, converter }: ReplaySources,
  caseId: string,
  listed: readonly string[],
): Promise<ReadCase> {
  const workflowId = caseWorkflowId(caseId);
  const wanted = new Set(listed);
  const newest = await unlessGone(async () => (await client.workflow.getHandle(workflowId).describe()).runId);
  if (newest) wanted.add(newest);
  const histories: { runId: string; history: History; facts: RunFacts }[] = [];
  for (const runId of wanted) {
    const history = await unlessGone(() => client.workflow.getHandle(workflowId, runId).fetchHistory());
    if (!history) continue;
    const first = history.events?.[0]?.workflowExecutionStartedEventAttributes;
    if (first?.continuedExecutionRunId) wanted.add(first.continuedExecutionRunId);
    histories.push({ runId, history, facts: await readRun(history, runId, converter) });
  }
  histories.sort((a, b) => a.facts.startedAt - b.facts.startedAt);
  return { runs: histories.map(({ facts }) => facts), histories };
}

async function unlessGone<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/**
 * The differences of a case that stay. An act is committed before its Update is in the history, and goes on while we read:
 * a case that moved lately is read again, both sides, until it agrees or has rested.
 */
async function settled(
  sources: ReplaySources,
  caseId: string,
  before: RecordedCase,
  runs: readonly RunFacts[],
): Promise<readonly Difference[]> {
  const settleMs = sources.settleMs ?? SETTLE_MS;
  let found = reconcile(caseId, before, runs);
  for (let waited = false; found.length > 0; waited = true) {
    if (waited) await sleep(Math.min(1000, settleMs));
    // Postgres first, as above.
    const recorded = await sources.recorded.one(caseId);
    const listed = (await runsByCase(sources.client, [caseId], undefined)).get(caseId) ?? [];
    const read = await readCase(sources, caseId, listed);
    found = reconcile(caseId, recorded, read.runs);
    const moved = Math.max(
      0,
      ...recorded.acts.map(({ entry }) => entry?.at ?? 0),
      ...read.runs.map(({ newestAt }) => newestAt),
    );
    if (Date.now() - moved > settleMs) break;
  }
  return found;
}
