// Composition of replay, the comparison: what a case's histories say against what Postgres and the log say, both ways. Pure.
// Every accepted Update has one operation and one entry with the same input and answer; every entry has its Update, or its limit.
import type { Answer, Done } from '../../activities/act.ts';
import { RECORDED_REFUSALS, type RefusalCode } from '../../domain/refusal.ts';
import { type Differ, type Disagreement, same } from './difference.ts';
import type { HistoryUpdate, RunFacts } from './history.ts';
import { askedOf, type RecordedAct, type RecordedCase } from './recorded-acts.ts';
import { checkRuns } from './runs.ts';

/** What a history may answer without leaving an entry: asking again with other values is no act. */
const leavesNothing = (code: RefusalCode): boolean => !RECORDED_REFUSALS.has(code);

const inWords = (answer: Answer | undefined): string =>
  answer === undefined
    ? 'no answer'
    : answer.kind === 'done'
      ? `${answer.state} at version ${answer.version}`
      : `refused: ${answer.code}`;

/** Compares one case. `runs` are all runs of its workflow id, in the order in which they began. */
export function reconcile(
  caseId: string,
  recorded: RecordedCase,
  runs: readonly RunFacts[],
): readonly Disagreement[] {
  const found: Disagreement[] = [];
  const differ: Differ = (event, was, is, kind, { place = null, rows = [], lacks = false } = {}) => {
    found.push({ case: caseId, event, recorded: was, replayed: is, kind, place, rows, lacks });
  };

  if (runs.length === 0) {
    // One difference for the whole: without a workflow every single act is missing.
    differ('workflow', recorded.row?.state ?? `${recorded.acts.length} acts`, null, 'deleted');
    return found;
  }
  const acts = new Map(recorded.acts.map((act) => [act.key, act]));
  const updates = new Map<string, HistoryUpdate>();
  for (const run of runs)
    for (const update of run.updates) {
      const before = updates.get(update.key);
      // Accepted again in a later run, an Update gets the same answer again.
      if (before?.answer && update.answer && !same(before.answer, update.answer))
        differ(update.name, inWords(before.answer), inWords(update.answer), 'edited', { place: update.key });
      if (!before?.answer) updates.set(update.key, update);
      checkUpdate(update, run, acts.get(update.key), differ);
    }
  const lapses = runs.flatMap((run) => run.lapses).filter((answer) => answer.kind === 'done');
  for (const act of recorded.acts) checkAct(act, updates, lapses, differ);
  for (const lapse of lapses) {
    const entry = recorded.acts.find(
      (act) => act.entry?.update === '' && act.entry.version === lapse.version && act.operation,
    );
    if (!entry)
      differ('clock.lapsed', null, inWords(lapse), 'inserted', {
        place: `version ${lapse.version}`,
        lacks: true,
      });
  }
  checkRuns(caseId, runs, differ);
  checkEnd(caseId, recorded, runs, [...updates.values()], lapses, differ);
  return found;
}

/** History to Postgres: an accepted Update is one operation and one entry with the same answer. */
function checkUpdate(
  update: HistoryUpdate,
  run: RunFacts,
  act: RecordedAct | undefined,
  differ: Differ,
): void {
  const { name, answer, key } = update;
  const was = act ? inWords(act.operation?.answer) : null;
  const at = { place: key, rows: rowsOf(act, key) };
  const lacking = { ...at, lacks: true };
  if (update.failed) differ(name, was, 'failed', 'edited', at);
  else if (!answer) {
    // Still under way; a run that has ended answers nobody any more.
    if (run.state !== 'running') differ(name, was, `no answer, run ${run.state}`, 'truncated', at);
  } else if (!act) {
    if (answer.kind === 'done' || !leavesNothing(answer.code))
      differ(name, null, inWords(answer), 'inserted', lacking);
  } else if (!act.entry) differ(name, 'operation without entry', inWords(answer), 'inserted', lacking);
  else if (!act.operation) differ(name, 'entry without operation', inWords(answer), 'inserted', lacking);
  else if (!same(act.operation.answer, answer)) differ(name, was, inWords(answer), 'edited', at);
  else if (act.operation.updateName !== name) differ(name, act.operation.updateName, name, 'edited', at);
  else if (act.operation.entryId !== act.entry.id)
    differ(name, `operation names another entry than ${act.entry.id}`, inWords(answer), 'edited', at);
  else if (!sameInput(update, act)) differ(name, was, 'asked with another input', 'edited', at);
}

/** Whether a history asked what is recorded; sealed anew, the same values are the same input. */
function sameInput({ key, request, inputDigest }: HistoryUpdate, { operation, entry }: RecordedAct): boolean {
  if (!operation?.asked || !entry) return true;
  if (!request) return false;
  if (askedOf(JSON.stringify(request)) === operation.asked) return true;
  return (
    inputDigest === operation.inputDigest &&
    request.key === key &&
    request.actor?.person === entry.person &&
    request.actor.role === entry.role
  );
}

const rowsOf = (act: RecordedAct | undefined, key: string): readonly string[] =>
  [key, act?.entry?.id, act?.operation?.entryId].filter((row) => row !== undefined);

/** Postgres to history: an entry of a workflow has its Update, or the limit that rang. */
function checkAct(
  act: RecordedAct,
  updates: ReadonlyMap<string, HistoryUpdate>,
  lapses: readonly Done[],
  differ: Differ,
): void {
  const { entry, operation, key } = act;
  const update = updates.get(key);
  const at = { place: key, rows: rowsOf(act, key) };
  if (!entry) {
    if (!update)
      differ(operation?.updateName || 'operation', 'operation without entry', null, 'deleted', {
        ...at,
        lacks: true,
      });
  } else if (entry.update !== '') {
    if (entry.update !== key)
      differ(entry.event, `entry ${entry.id} names another Update than its operation`, null, 'edited', at);
    else if (!update) differ(entry.event, `entry ${entry.id}`, null, 'deleted', at);
  } else if (entry.event !== 'act.refused') {
    const rang = lapses.find(({ version }) => version === entry.version);
    if (!rang) differ(entry.event, `entry ${entry.id}`, null, 'deleted', at);
    else if (!operation)
      differ(entry.event, 'entry without operation', inWords(rang), 'inserted', { ...at, lacks: true });
    else if (!same(operation.answer, rang))
      differ(entry.event, inWords(operation.answer), inWords(rang), 'edited', at);
  }
}

/** Where the case stands, on both sides. */
function checkEnd(
  caseId: string,
  { row, acts }: RecordedCase,
  runs: readonly RunFacts[],
  updates: readonly HistoryUpdate[],
  lapses: readonly Done[],
  differ: Differ,
): void {
  const newest = runs.at(-1) as RunFacts; // there is one
  const done = [...updates.flatMap(({ answer }) => (answer?.kind === 'done' ? [answer] : [])), ...lapses];
  const last = done.sort((a, b) => b.version - a.version)[0];
  const at = { rows: [caseId] };
  if (!row) {
    // A first application that was refused leaves a run that ended, and no case.
    if (
      last ||
      newest.state !== 'completed' ||
      acts.some(({ operation }) => operation?.answer.kind === 'done')
    )
      differ('workflow', null, last ? inWords(last) : newest.state, 'inserted', { ...at, lacks: true });
    return;
  }
  const expected = row.state === 'closed' ? 'completed' : 'running';
  if (newest.state !== expected) differ('workflow', row.state, `run ${newest.state}`, 'truncated', at);
  const state = last ?? runs.findLast(({ adopted }) => adopted)?.adopted;
  if (!state) differ('workflow', row.state, 'no act', 'truncated', at);
  else if (state.state !== row.state || state.stage !== row.stage || state.outcome !== row.outcome)
    differ(
      'workflow',
      `${row.state}, ${row.stage}, ${row.outcome}`,
      `${state.state}, ${state.stage}, ${state.outcome}`,
      'edited',
      at,
    );
}
