// Composition of replay, reading: all runs of each case as Temporal keeps them, beside what is recorded of it. Work that goes on
// meanwhile is read again before it is called a difference. Reads only; whoever keeps the histories comes in as an argument.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { type DataConverter, WorkflowNotFoundError } from '@temporalio/common';
import { type ActRequest, openValues } from '../../activities/act.ts';
import { caseIdOf, caseWorkflowId } from '../../domain/ids.ts';
import { isRefusal } from '../../domain/refusal.ts';
import { inputDigest } from '../../ledger/personal.ts';
import type { KeyRing } from '../../ledger/record-key.ts';
import type { HistoryDifference } from '../../ledger/verify-sources.ts';
import type { Disagreement } from './difference.ts';
import { type History, type RunFacts, readRun } from './history.ts';
import { reconcile } from './reconcile.ts';
import { askedOf, type RecordedActs, type RecordedCase } from './recorded-acts.ts';

/** Whoever keeps the histories. */
export interface HistoryReader {
  /** Runs by case, of the cases asked for, or of all. */
  runs(asked: readonly string[] | undefined): Promise<ReadonlyMap<string, readonly string[]>>;
  /** The newest run of a case; undefined when there is none. */
  newest(caseId: string): Promise<string | undefined>;
  history(caseId: string, runId: string): Promise<History | undefined>;
}

/** Histories as a Temporal server keeps them. `taskQueue`: only workflows of it are listed; tests have one each. */
export const temporalReader = (client: Client, taskQueue?: string): HistoryReader => ({
  runs: (asked) => runsByCase(client, asked, taskQueue),
  newest: (caseId) =>
    unlessGone(async () => (await client.workflow.getHandle(caseWorkflowId(caseId)).describe()).runId),
  history: (caseId, runId) =>
    unlessGone(() => client.workflow.getHandle(caseWorkflowId(caseId), runId).fetchHistory()),
});

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

async function unlessGone<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** What a case is read from. */
export interface CaseSources {
  readonly reader: HistoryReader;
  readonly converter: DataConverter;
  readonly recorded: Pick<RecordedActs, 'one'>;
  /** Digest of a request's values under its case's key; undefined when they cannot be opened with it. */
  readonly digestOf: (request: ActRequest) => Promise<string | undefined>;
  /** How long a difference in a case that just moved is read again before it counts. */
  readonly settleMs?: number | undefined;
}

interface ReadCase {
  readonly runs: readonly RunFacts[];
  readonly histories: readonly { readonly runId: string; readonly history: History }[];
}

/** Fetches the histories of a case: the listed runs, the newest one, and those that a run names as before or after it. */
export async function readCase(
  { reader, converter }: Pick<CaseSources, 'reader' | 'converter'>,
  caseId: string,
  listed: readonly string[],
): Promise<ReadCase> {
  const wanted = new Set(listed);
  const newest = await reader.newest(caseId);
  if (newest) wanted.add(newest);
  const histories: { runId: string; history: History; facts: RunFacts }[] = [];
  for (const runId of wanted) {
    const history = await reader.history(caseId, runId);
    if (!history) continue;
    const first = history.events?.[0]?.workflowExecutionStartedEventAttributes;
    if (first?.continuedExecutionRunId) wanted.add(first.continuedExecutionRunId);
    histories.push({ runId, history, facts: await readRun(history, runId, converter) });
  }
  histories.sort((a, b) => a.facts.startedAt - b.facts.startedAt);
  return { runs: histories.map(({ facts }) => facts), histories };
}

/** An orphaned decision is asked again after 30 s (bin/re-ask.ts); by then history and Postgres must agree. */
const SETTLE_MS = 60_000;

/**
 * The differences of a case that stay. An act is committed before its Update is in the history, and goes on while we read:
 * a case that moved lately is read again, both sides, until it agrees or has rested.
 */
export async function settled(
  sources: CaseSources,
  caseId: string,
  before: RecordedCase,
  runs: readonly RunFacts[],
): Promise<readonly Disagreement[]> {
  const settleMs = sources.settleMs ?? SETTLE_MS;
  let found = await compared(sources, caseId, before, runs);
  for (let waited = false; found.length > 0; waited = true) {
    if (waited) await sleep(Math.min(1000, settleMs));
    // Postgres first: what its snapshot has must be in a history that is read later.
    const recorded = await sources.recorded.one(caseId);
    const listed = (await sources.reader.runs([caseId])).get(caseId) ?? [];
    const read = await readCase(sources, caseId, listed);
    found = await compared(sources, caseId, recorded, read.runs);
    const moved = Math.max(
      0,
      ...recorded.acts.map(({ entry }) => entry?.at ?? 0),
      ...read.runs.map(({ newestAt }) => newestAt),
    );
    if (Date.now() - moved > settleMs) break;
  }
  return found;
}

/** Compares one case. Values are opened only where the same key was asked with other bytes: sealed anew they may be the same. */
async function compared(
  { digestOf }: Pick<CaseSources, 'digestOf'>,
  caseId: string,
  recorded: RecordedCase,
  runs: readonly RunFacts[],
): Promise<readonly Disagreement[]> {
  const asked = new Map(recorded.acts.map(({ key, operation }) => [key, operation?.asked]));
  const opened = runs.map(async (run) => ({
    ...run,
    updates: await Promise.all(
      run.updates.map(async (update) => {
        const { key, request } = update;
        if (!request || !asked.get(key) || askedOf(JSON.stringify(request)) === asked.get(key)) return update;
        return { ...update, inputDigest: await digestOf(request) };
      }),
    ),
  }));
  return reconcile(caseId, recorded, await Promise.all(opened));
}

/** The digest of a request's values, with the keys of cases. */
export const digestWith =
  (keys: Pick<KeyRing, 'of'>): CaseSources['digestOf'] =>
  async (request) => {
    try {
      const key = await keys.of('case', request.caseId);
      const values = openValues(request, key);
      return isRefusal(values) ? undefined : inputDigest(key, request, values);
    } catch {
      // No key, or nothing that was asked in our form: it stays another input.
      return undefined;
    }
  };

/** Every case that is recorded or that a history is kept of, compared both ways. */
export async function compareHistories(
  sources: CaseSources & { readonly recorded: RecordedActs; readonly progress: (line: string) => void },
): Promise<{ readonly cases: number; readonly differing: readonly HistoryDifference[] }> {
  // Postgres first: what its snapshot has must be in a history that is read later, or it moved and is read again.
  const known = await sources.recorded.all();
  const runIds = await sources.reader.runs(undefined);
  const caseIds = [...new Set([...known.keys(), ...runIds.keys()])];
  const differing: HistoryDifference[] = [];
  for (const [at, caseId] of caseIds.entries()) {
    const { runs } = await readCase(sources, caseId, runIds.get(caseId) ?? []);
    const before = known.get(caseId) ?? { row: undefined, acts: [] };
    for (const one of await settled(sources, caseId, before, runs)) differing.push(inFindings(one));
    if ((at + 1) % 100 === 0)
      sources.progress(`Compared the histories of ${at + 1} of ${caseIds.length} cases`);
  }
  return { cases: caseIds.length, differing };
}

const inFindings = ({
  case: caseId,
  event,
  recorded,
  replayed,
  ...rest
}: Disagreement): HistoryDifference => ({
  ...rest,
  workflow: caseWorkflowId(caseId),
  says: `History and record differ: case ${caseId}, ${event}: recorded ${recorded ?? 'nothing'}; in the history ${replayed ?? 'nothing'}`,
});
