// Composition of replay, the comparison: what a case's histories say against what Postgres and the log say, both ways. Pure.
// Every accepted Update has one operation and one entry with the same answer; every entry has its Update, or its limit.
import type { Answer, Done } from '../../activities/act.ts';
import { RECORDED_REFUSALS, type RefusalCode } from '../../domain/refusal.ts';
import { canonicalJson } from '../../ledger/canonical.ts';
import type { HistoryUpdate, RunFacts } from './history.ts';
import type { RecordedAct, RecordedCase } from './recorded-acts.ts';

/** One difference. Ids, codes and states only: neither side's values. */
export interface Difference {
  readonly case: string;
  /** The Update's or the audit event's name, or `workflow` for what concerns the case as a whole. */
  readonly event: string;
  readonly recorded: string | null;
  readonly replayed: string | null;
}

/** What a history may answer without leaving an entry: asking again with other values is no act. */
const leavesNothing = (code: RefusalCode): boolean => !RECORDED_REFUSALS.has(code);

type Differ = (event: string, recorded: string | null, replayed: string | null) => void;

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
): readonly Difference[] {
  const found: Difference[] = [];
  const differ: Differ = (event, was, is) => {
    found.push({ case: caseId, event, recorded: was, replayed: is });
  };

  if (runs.length === 0) {
    // One difference for the whole: without a workflow every single act is missing.
    differ('workflow', recorded.row?.state ?? `${recorded.acts.length} acts`, null);
    return found;
  }
  const acts = new Map(recorded.acts.map((act) => [act.key, act]));
  const updates = new Map<string, HistoryUpdate>();
  for (const run of runs)
    for (const update of run.updates) {
      const before = updates.get(update.key);
      // Accepted again in a later run, an Update gets the same answer again.
      if (before?.answer && update.answer && !same(before.answer, update.answer))
        differ(update.name, inWords(before.answer), inWords(update.answer));
      if (!before?.answer) updates.set(update.key, update);
      checkUpdate(update, run, acts.get(update.key), differ);
    }
  const lapses = runs.flatMap((run) => run.lapses).filter((answer) => answer.kind === 'done');
  for (const act of recorded.acts) checkAct(act, updates, lapses, differ);
  for (const lapse of lapses) {
    const entry = recorded.acts.find(
      (act) => act.entry?.update === '' && act.entry.version === lapse.version && act.operation,
    );
    if (!entry) differ('clock.lapsed', null, inWords(lapse));
  }
  checkEnd(recorded, runs, [...updates.values()], lapses, differ);
  return found;
}

/** History to Postgres: an accepted Update is one operation and one entry with the same answer. */
function checkUpdate(
  update: HistoryUpdate,
  run: RunFacts,
  act: RecordedAct | undefined,
  differ: Differ,
): void {
  const { name, answer } = update;
  const was = act ? inWords(act.operation?.answer) : null;
  if (update.failed) differ(name, was, 'failed');
  else if (!answer) {
    // Still under way; a run that has ended answers nobody any more.
    if (run.state !== 'running') differ(name, was, `no answer, run ${run.state}`);
  } else if (!act) {
    if (answer.kind === 'done' || !leavesNothing(answer.code)) differ(name, null, inWords(answer));
  } else if (!act.entry) differ(name, 'operation without entry', inWords(answer));
  else if (!act.operation) differ(name, 'entry without operation', inWords(answer));
  else if (!same(act.operation.answer, answer)) differ(name, was, inWords(answer));
  else if (act.operation.updateName !== name) differ(name, act.operation.updateName, name);
  else if (act.operation.entryId !== act.entry.id)
    differ(name, `operation names another entry than ${act.entry.id}`, inWords(answer));
}

/** Postgres to history: an entry of a workflow has its Update, or the limit that rang. */
function checkAct(
  act: RecordedAct,
  updates: ReadonlyMap<string, HistoryUpdate>,
  lapses: readonly Done[],
  differ: Differ,
): void {
  const { entry, operation } = act;
  const update = updates.get(act.key);
  if (!entry) {
    if (!update) differ(operation?.updateName || 'operation', 'operation without entry', null);
  } else if (entry.update !== '') {
    if (entry.update !== act.key)
      differ(entry.event, `entry ${entry.id} names another Update than its operation`, null);
    else if (!update) differ(entry.event, `entry ${entry.id}`, null);
  } else if (entry.event !== 'act.refused') {
    const rang = lapses.find(({ version }) => version === entry.version);
    if (!rang) differ(entry.event, `entry ${entry.id}`, null);
    else if (!operation) differ(entry.event, 'entry without operation', inWords(rang));
    else if (!same(operation.answer, rang)) differ(entry.event, inWords(operation.answer), inWords(rang));
  }
}

/** Where the case stands, on both sides. */
function checkEnd(
  { row, acts }: RecordedCase,
  runs: readonly RunFacts[],
  updates: readonly HistoryUpdate[],
  lapses: readonly Done[],
  differ: Differ,
): void {
  const newest = runs.at(-1) as RunFacts; // there is one
  const done = [...updates.flatMap(({ answer }) => (answer?.kind === 'done' ? [answer] : [])), ...lapses];
  const last = done.sort((a, b) => b.version - a.version)[0];
  if (!row) {
    // A first application that was refused leaves a run that ended, and no case.
    if (
      last ||
      newest.state !== 'completed' ||
      acts.some(({ operation }) => operation?.answer.kind === 'done')
    )
      differ('workflow', null, last ? inWords(last) : newest.state);
    return;
  }
  const closed = row.state === 'closed';
  const expected = closed ? 'completed' : 'running';
  if (newest.state !== expected) differ('workflow', row.state, `run ${newest.state}`);
  const state = last ?? runs.findLast(({ adopted }) => adopted)?.adopted;
  if (!state) differ('workflow', row.state, 'no act');
  else if (state.state !== row.state || state.stage !== row.stage || state.outcome !== row.outcome)
    differ(
      'workflow',
      `${row.state}, ${row.stage}, ${row.outcome}`,
      `${state.state}, ${state.stage}, ${state.outcome}`,
    );
}

const same = (a: unknown, b: unknown): boolean => plain(a) === plain(b);
const plain = (value: unknown): string => canonicalJson(JSON.parse(JSON.stringify(value ?? null)));
