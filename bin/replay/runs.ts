// Composition of replay, the runs of one case among themselves: one after another, each taking over what the one before it knew,
// each ended as ours end. Pure. Says nothing of what is recorded.
import type { Answer } from '../../activities/act.ts';
import { type Differ, same } from './difference.ts';
import type { RunFacts } from './history.ts';

/** Ends that a run of ours comes to by itself; anything else was done to it. */
const OWN_ENDS: ReadonlySet<RunFacts['state']> = new Set(['completed', 'continued']);

/** Compares a case's runs, in the order in which they began. The newest one's end is compared with the case's row elsewhere. */
export function checkRuns(caseId: string, runs: readonly RunFacts[], differ: Differ): void {
  const answers = new Map<string, Answer>();
  const ids = new Set(runs.map(({ runId }) => runId));
  for (const [at, run] of runs.entries()) {
    const { runId, continued, state } = run;
    const about = (was: string | null, is: string | null, kind: Parameters<Differ>[3], place = runId): void =>
      differ('workflow', was, is, kind, { place });
    const before = runs[at - 1];
    if (run.caseId !== caseId) about(`run of case ${caseId}`, 'run of another case', 'edited');
    if (run.original !== runId) about(null, `run ${runId} was copied from another or reset`, 'inserted');
    else if (before && (before.state === 'running' || run.startedAt < before.newestAt))
      about(null, `run ${runId} began before the one before it ended`, 'inserted');
    else if (before && !OWN_ENDS.has(before.state))
      about(`run ${before.runId}`, `run ${before.state}`, 'truncated', before.runId);
    if (continued && !ids.has(continued)) about(`run ${continued}`, null, 'deleted', continued);
    else if (before?.state === 'continued' && continued !== before.runId)
      about(`run after ${before.runId}`, null, 'deleted', before.runId);
    if (continued && ids.has(continued)) checkTakenOver(run, [...answers], differ);
    for (const { key, answer } of run.updates) if (answer && !answers.has(key)) answers.set(key, answer);
    for (const [n, lapse] of run.lapses.entries()) answers.set(`${runId} ${n}`, lapse);
    checkSteps(run, differ);
    if (state === 'completed' && !same(run.result, newestOf([...answers.values()])?.outcome))
      about('outcome of the newest act', 'run ended with another outcome', 'edited');
  }
}

/** What a run was told when it took over is what the runs before it answered. */
function checkTakenOver(
  { runId, adopted, answered }: RunFacts,
  answers: readonly (readonly [key: string, answer: Answer])[],
  differ: Differ,
): void {
  const given = new Map(answers);
  const newest = newestOf([...given.values()]);
  const parts = (of: typeof adopted | typeof newest) => of && [of.state, of.stage, of.outcome, of.version];
  if (!same(parts(adopted), parts(newest ?? null)))
    differ('workflow', 'newest act before it', 'run took over another state', 'edited', { place: runId });
  for (const [key, answer] of answered)
    if (!same(given.get(key), answer))
      differ('workflow', 'answer that was given', 'run took over another answer', 'edited', { place: key });
}

/** What a step gave back is what its Update answered. */
function checkSteps({ steps, updates, state }: RunFacts, differ: Differ): void {
  // While a run goes on, a step may be done whose Update has not answered yet.
  const open = state === 'running' && updates.some(({ answer }) => !answer);
  for (const { name, answer } of steps) {
    const mine = updates.filter((update) => update.name === name);
    if (open || mine.some((update) => same(update.answer, answer))) continue;
    differ(name, 'answer of its Update', 'step gave another answer', 'edited', {
      place: mine.length === 1 ? (mine[0]?.key ?? null) : null,
    });
  }
}

const newestOf = (answers: readonly Answer[]) =>
  answers
    .flatMap((answer) => (answer.kind === 'done' ? [answer] : []))
    .sort((a, b) => b.version - a.version)[0];
