// Composition of replay: fetches all runs of each case, replays them against a workflow bundle, and reconciles them with what
// is recorded. Work that goes on meanwhile is read again before it is called a difference. Reads only.
import type { Client } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import {
  DefaultLogger,
  makeTelemetryFilterString,
  type ReplayResult,
  Runtime,
  Worker,
} from '@temporalio/worker';
import { caseIdOf, caseWorkflowId } from '../../domain/ids.ts';
import type { Difference } from './difference.ts';
import { type CaseSources, readCase, settled, temporalReader } from './histories.ts';
import type { History } from './history.ts';

import type { RecordedActs } from './recorded-acts.ts';

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
  readonly digestOf: CaseSources['digestOf'];
  /** Only workflows of this task queue are looked for; tests have one each. */
  readonly taskQueue?: string;
  /** How long a difference in a case that just moved is read again before it counts. */
  readonly settleMs?: number;
  readonly progress: (line: string) => void;
}

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
  const reader = temporalReader(client, sources.taskQueue);
  const runIds = await reader.runs(asked);
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
      const { converter, digestOf, settleMs } = sources;
      const from = { reader, converter, recorded, digestOf, settleMs };
      const read = await readCase(from, caseId, runIds.get(caseId) ?? []);
      const before = known.get(caseId) ?? { row: undefined, acts: [] };
      for (const { event, recorded: was, replayed } of await settled(from, caseId, before, read.runs))
        differ({ case: caseId, event, recorded: was, replayed });
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
