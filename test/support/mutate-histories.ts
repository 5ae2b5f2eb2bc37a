// Test support: every way to change the histories of cases as whoever reads them gets them: Updates, steps, limits, runs and
// whole cases, taken away, added, edited, exchanged. Temporal's server rewrites no history for us, so its own answers are altered.
import { randomUUID } from 'node:crypto';
import type { Payload } from '@temporalio/common';
import type { Answer } from '../../activities/act.ts';
import type { HistoryReader } from '../../bin/replay/histories.ts';
import type { History } from '../../bin/replay/history.ts';
import type { RecordedCase } from '../../bin/replay/recorded-acts.ts';
import { caseWorkflowId } from '../../domain/ids.ts';
import { type ActRequest, type CaseStart, UPDATE_NAMES } from '../../workflows/messages.ts';
import { type Choose, type Expected, oneOf, type Place, twoOf } from './mutation.ts';

type Events = NonNullable<History['events']>;
type Event = Events[number];

/** Histories without their encryption, by case and run. */
export type Kept = Map<string, Map<string, { events: Events }>>;

export interface HistoryTarget {
  readonly kept: Kept;
  readonly recorded: ReadonlyMap<string, RecordedCase>;
  readonly choose: Choose;
}

/** One way to change histories. `change` throws when there is nothing to change. */
export interface HistoryWay {
  readonly name: string;
  readonly kind: 'edited' | 'deleted' | 'inserted' | 'truncated';
  readonly change: (target: HistoryTarget) => Expected;
}

/** Whoever reads gets what is kept here. */
export const keptReader = (kept: Kept): HistoryReader => ({
  runs: async (asked) =>
    new Map((asked ?? [...kept.keys()]).map((id) => [id, [...(kept.get(id)?.keys() ?? [])]])),
  newest: async (caseId) => [...(kept.get(caseId)?.keys() ?? [])].at(-1),
  history: async (caseId, runId) => kept.get(caseId)?.get(runId),
});

function changed<T>(payload: Payload | null | undefined, change: (value: T) => unknown): Payload {
  const value = JSON.parse(Buffer.from(payload?.data ?? []).toString('utf8')) as T;
  return { ...payload, data: Buffer.from(JSON.stringify(change(value) ?? null)) };
}

const payloads = (payload: Payload) => ({ payloads: [payload] });
const acceptedIn = (event: Event) => event.workflowExecutionUpdateAcceptedEventAttributes;
const completedIn = (event: Event) => event.workflowExecutionUpdateCompletedEventAttributes;
const keyOf = (event: Event): string | undefined =>
  acceptedIn(event)?.acceptedRequest?.meta?.updateId ?? completedIn(event)?.meta?.updateId ?? undefined;

/** The step's name in a local activity's marker. */
function stepOf(event: Event): string | undefined {
  const data = event.markerRecordedEventAttributes?.details?.data?.payloads?.[0]?.data;
  if (!data) return undefined;
  return (JSON.parse(Buffer.from(data).toString('utf8')) as { activity_type?: string }).activity_type;
}

interface Run {
  readonly caseId: string;
  readonly runId: string;
  readonly events: Events;
}
const runsIn = (kept: Kept): Run[] =>
  [...kept].flatMap(([caseId, runs]) => [...runs].map(([runId, { events }]) => ({ caseId, runId, events })));

interface Update extends Run {
  readonly key: string;
  readonly accepted: Event;
  readonly completed: Event;
}

/**
 * Updates that are recorded and were asked of one run alone. One that was refused for its values left nothing to compare
 * with; one that is asked again is answered from what was given before.
 */
function updatesIn({ kept, recorded }: Pick<HistoryTarget, 'kept' | 'recorded'>): Update[] {
  const all = runsIn(kept).flatMap((run) =>
    run.events.flatMap((completed): Update[] => {
      const key = completedIn(completed) && keyOf(completed);
      const accepted = run.events.find((event) => acceptedIn(event) && keyOf(event) === key);
      return key && accepted ? [{ ...run, key, accepted, completed }] : [];
    }),
  );
  return all.filter(
    ({ caseId, key }) =>
      recorded.get(caseId)?.acts.some((act) => act.key === key) &&
      all.filter((other) => other.key === key).length === 1,
  );
}

const put = (kept: Kept, { caseId, runId }: Pick<Run, 'caseId' | 'runId'>, events: Events): void => {
  kept.get(caseId)?.set(runId, { events });
};
const replace = (kept: Kept, run: Run, from: Event, to: Event): void =>
  put(
    kept,
    run,
    run.events.map((event) => (event === from ? to : event)),
  );

const withAnswer = (event: Event, answer: (before: Answer) => Answer): Event => {
  const done = completedIn(event);
  const payload = changed<Answer>(done?.outcome?.success?.payloads?.[0], answer);
  return {
    ...event,
    workflowExecutionUpdateCompletedEventAttributes: { ...done, outcome: { success: payloads(payload) } },
  };
};
const withRequest = (event: Event, request: (before: ActRequest) => unknown): Event => {
  const asked = acceptedIn(event);
  const input = asked?.acceptedRequest?.input;
  return {
    ...event,
    workflowExecutionUpdateAcceptedEventAttributes: {
      ...asked,
      acceptedRequest: {
        ...asked?.acceptedRequest,
        input: { ...input, args: payloads(changed(input?.args?.payloads?.[0], request)) },
      },
    },
  };
};
const renamed = (event: Event, key: string): Event => {
  const asked = acceptedIn(event);
  const done = completedIn(event);
  if (asked) {
    const acceptedRequest = {
      ...asked.acceptedRequest,
      meta: { ...asked.acceptedRequest?.meta, updateId: key },
    };
    return { ...event, workflowExecutionUpdateAcceptedEventAttributes: { ...asked, acceptedRequest } };
  }
  const meta = { ...done?.meta, updateId: key };
  return { ...event, workflowExecutionUpdateCompletedEventAttributes: { ...done, meta } };
};
const withStart = (event: Event, change: (start: CaseStart) => CaseStart): Event => {
  const started = event.workflowExecutionStartedEventAttributes;
  const input = payloads(changed<CaseStart>(started?.input?.payloads?.[0], change));
  return { ...event, workflowExecutionStartedEventAttributes: { ...started, input } };
};

/** The same answer with another state: what somebody would have who wanted another outcome. */
const otherwise = (answer: Answer): Answer =>
  answer.kind === 'done'
    ? { ...answer, outcome: answer.outcome === 'approved' ? 'refused' : 'approved' }
    : { ...answer, code: answer.code === 'values' ? 'malformed' : 'values' };

const at = (caseId: string, row: string | null, kind: HistoryWay['kind']): Place => ({
  store: 'history',
  table: caseWorkflowId(caseId),
  row,
  kind,
});

/** What may follow in the same case from an Update that is another one: its runs, and where the case stands. */
const follows = (kept: Kept, caseId: string, ...rows: readonly string[]): Place[] =>
  [null, ...rows, ...(kept.get(caseId)?.keys() ?? [])].map((row) => ({
    store: 'history',
    table: caseWorkflowId(caseId),
    row,
  }));
const anywhere = (caseId: string): Place[] => [{ store: 'history', table: caseWorkflowId(caseId) }];

const onUpdate = (
  name: string,
  kind: HistoryWay['kind'],
  change: (update: Update, target: HistoryTarget) => void,
  which: (update: Update) => boolean = () => true,
): HistoryWay => ({
  name,
  kind,
  change(target) {
    const update = oneOf(updatesIn(target).filter(which), target.choose, name);
    const beside = follows(target.kept, update.caseId, update.key);
    change(update, target);
    return { finding: at(update.caseId, update.key, kind), beside };
  },
});

const hasEnded = ({ events }: Run): boolean => {
  const last = events.at(-1);
  return !!(
    last?.workflowExecutionCompletedEventAttributes ?? last?.workflowExecutionContinuedAsNewEventAttributes
  );
};

const isDone = (event: Event): boolean => {
  const answer = completedIn(event)?.outcome?.success?.payloads?.[0]?.data;
  return (JSON.parse(Buffer.from(answer ?? []).toString('utf8')) as Answer).kind === 'done';
};

/** Puts an Update that nobody asked behind the first one of a run. */
function addUpdate(kept: Kept, update: Update, key: string, answer: (before: Answer) => Answer): void {
  const { events, accepted, completed } = update;
  const raw = withRequest(renamed(accepted, key), (request) => ({ ...request, key }));
  const where = events.indexOf(completed) + 1;
  const done = withAnswer(renamed(completed, key), answer);
  put(kept, update, [...events.slice(0, where), raw, done, ...events.slice(where)]);
}

const UPDATE_WAYS: readonly HistoryWay[] = [
  onUpdate('an Update deleted', 'deleted', ({ key, ...run }, { kept }) =>
    put(
      kept,
      run,
      run.events.filter((event) => keyOf(event) !== key),
    ),
  ),
  onUpdate('an Update deleted with its step', 'deleted', ({ key, accepted, ...run }, { kept }) => {
    const name = acceptedIn(accepted)?.acceptedRequest?.input?.name;
    const step = run.events.find(
      (event) => run.events.indexOf(event) > run.events.indexOf(accepted) && stepOf(event) === name,
    );
    put(
      kept,
      run,
      run.events.filter((event) => keyOf(event) !== key && event !== step),
    );
  }),
  onUpdate('an answer edited', 'edited', ({ completed, ...run }, { kept }) =>
    replace(kept, run, completed, withAnswer(completed, otherwise)),
  ),
  onUpdate('the version in an answer edited', 'edited', ({ completed, ...run }, { kept }) =>
    replace(
      kept,
      run,
      completed,
      withAnswer(completed, (answer) =>
        answer.kind === 'done' ? { ...answer, version: answer.version + 1 } : otherwise(answer),
      ),
    ),
  ),
  onUpdate('an answer that became a failure', 'edited', ({ completed, ...run }, { kept }) =>
    replace(kept, run, completed, {
      ...completed,
      workflowExecutionUpdateCompletedEventAttributes: {
        ...completedIn(completed),
        outcome: { failure: { message: 'failed' } },
      },
    }),
  ),
  onUpdate(
    'an answer taken away from a run that has ended',
    'truncated',
    ({ completed, ...run }, { kept }) =>
      put(
        kept,
        run,
        run.events.filter((event) => event !== completed),
      ),
    hasEnded,
  ),
  onUpdate('an Update under the name of another', 'edited', ({ accepted, ...run }, { kept, choose }) => {
    const asked = acceptedIn(accepted);
    const input = asked?.acceptedRequest?.input;
    const name = oneOf(
      Object.values(UPDATE_NAMES).filter((one) => one !== input?.name),
      choose,
      'names',
    );
    replace(kept, run, accepted, {
      ...accepted,
      workflowExecutionUpdateAcceptedEventAttributes: {
        ...asked,
        acceptedRequest: { ...asked?.acceptedRequest, input: { ...input, name } },
      },
    });
  }),
  onUpdate('an Update asked by somebody else', 'edited', ({ accepted, ...run }, { kept }) =>
    replace(
      kept,
      run,
      accepted,
      withRequest(accepted, (request) => ({ ...request, actor: { ...request.actor, person: randomUUID() } })),
    ),
  ),
  onUpdate('an Update asked with other values', 'edited', ({ accepted, ...run }, { kept, choose }) =>
    replace(
      kept,
      run,
      accepted,
      withRequest(accepted, (request) => {
        const sealed = Buffer.from(request.sealed, 'base64');
        const byte = choose(sealed.length);
        sealed[byte] = (sealed[byte] ?? 0) ^ 1;
        return { ...request, sealed: sealed.toString('base64') };
      }),
    ),
  ),
  onUpdate('an Update whose input is nothing of ours', 'edited', ({ accepted, ...run }, { kept }) =>
    replace(
      kept,
      run,
      accepted,
      withRequest(accepted, () => 'nothing'),
    ),
  ),
  {
    name: 'an Update under another key',
    kind: 'deleted',
    change({ kept, recorded, choose }) {
      const { key, ...run } = oneOf(updatesIn({ kept, recorded }), choose, 'updates');
      const other = randomUUID();
      put(
        kept,
        run,
        run.events.map((event) => (keyOf(event) === key ? renamed(event, other) : event)),
      );
      return { finding: at(run.caseId, key, 'deleted'), beside: follows(kept, run.caseId, key, other) };
    },
  },
  {
    name: 'answers of two Updates exchanged',
    kind: 'edited',
    change({ kept, recorded, choose }) {
      const runs = runsIn(kept).filter(
        ({ runId }) => updatesIn({ kept, recorded }).filter((update) => update.runId === runId).length > 1,
      );
      const { runId } = oneOf(runs, choose, 'runs');
      const mine = updatesIn({ kept, recorded }).filter((update) => update.runId === runId);
      const [a, b] = twoOf(mine.length, choose, 'updates').map((n) => mine[n]) as [Update, Update];
      const outcomeOf = (update: Update) => completedIn(update.completed)?.outcome;
      const swapped = (event: Event): Event => {
        const from = event === a.completed ? b : event === b.completed ? a : undefined;
        if (!from) return event;
        const done = { ...completedIn(event), outcome: outcomeOf(from) ?? null };
        return { ...event, workflowExecutionUpdateCompletedEventAttributes: done };
      };
      put(kept, a, a.events.map(swapped));
      return { finding: at(a.caseId, a.key, 'edited'), beside: follows(kept, a.caseId, a.key, b.key) };
    },
  },
  {
    name: 'a raw Update past the web, refused',
    kind: 'inserted',
    change({ kept, recorded, choose }) {
      const update = oneOf(updatesIn({ kept, recorded }), choose, 'updates');
      const key = randomUUID();
      addUpdate(kept, update, key, () => ({ kind: 'refusal', code: 'key-unbound' }));
      return { finding: at(update.caseId, key, 'inserted') };
    },
  },
  {
    name: 'a raw Update past the web, said to be done',
    kind: 'inserted',
    change({ kept, recorded, choose }) {
      const done = updatesIn({ kept, recorded }).filter(({ completed }) => isDone(completed));
      const update = oneOf(done, choose, 'updates');
      const key = randomUUID();
      addUpdate(kept, update, key, otherwise);
      return { finding: at(update.caseId, key, 'inserted'), beside: follows(kept, update.caseId, key) };
    },
  },
  {
    name: 'the end of a history cut off, before an Update',
    kind: 'deleted',
    change({ kept, recorded, choose }) {
      const { key, events, accepted, ...run } = oneOf(updatesIn({ kept, recorded }), choose, 'updates');
      const left = events.slice(0, events.indexOf(accepted));
      put(kept, run, left);
      return { finding: at(run.caseId, key, 'deleted'), beside: anywhere(run.caseId) };
    },
  },
];

const STEPS: ReadonlySet<string> = new Set(Object.values(UPDATE_NAMES));

const answerOf = (event: Event): Payload | null | undefined =>
  event.markerRecordedEventAttributes?.details?.result?.payloads?.[0];
const withResult = (event: Event, change: (answer: Answer) => Answer): Event => {
  const marker = event.markerRecordedEventAttributes;
  const result = payloads(changed<Answer>(answerOf(event), change));
  return {
    ...event,
    markerRecordedEventAttributes: { ...marker, details: { ...marker?.details, result } },
  };
};

/** A limit that rang, with the operation that is recorded of it. */
function anyLapse({ kept, recorded, choose }: HistoryTarget) {
  const lapses = runsIn(kept).flatMap((run) =>
    run.events.flatMap((event) => {
      if (stepOf(event) !== 'lapseClock' || !answerOf(event)) return [];
      const { version } = JSON.parse(Buffer.from(answerOf(event)?.data ?? []).toString()) as {
        version: number;
      };
      const act = recorded
        .get(run.caseId)
        ?.acts.find(({ entry }) => entry?.update === '' && entry.version === version);
      return act ? [{ ...run, event, key: act.key }] : [];
    }),
  );
  return oneOf(lapses, choose, 'limits');
}

const STEP_WAYS: readonly HistoryWay[] = [
  {
    name: 'what a step gave back edited',
    kind: 'edited',
    change({ kept, recorded, choose }) {
      const steps = runsIn(kept).flatMap((run) =>
        run.events
          .filter((event) => STEPS.has(stepOf(event) ?? '') && answerOf(event))
          .map((event) => ({ ...run, event })),
      );
      const { event, ...run } = oneOf(steps, choose, 'steps');
      const keys = updatesIn({ kept, recorded })
        .filter(({ runId }) => runId === run.runId)
        .map(({ key }) => key);
      replace(kept, run, event, withResult(event, otherwise));
      const { row: _, ...finding } = at(run.caseId, null, 'edited');
      return { finding, beside: follows(kept, run.caseId, ...keys) };
    },
  },
  {
    name: 'the end of a limit deleted',
    kind: 'deleted',
    change(target) {
      const { event, key, ...run } = anyLapse(target);
      put(
        target.kept,
        run,
        run.events.filter((one) => one !== event),
      );
      return { finding: at(run.caseId, key, 'deleted'), beside: follows(target.kept, run.caseId) };
    },
  },
  {
    name: 'the end of a limit edited',
    kind: 'edited',
    change(target) {
      const { event, key, ...run } = anyLapse(target);
      replace(target.kept, run, event, withResult(event, otherwise));
      return { finding: at(run.caseId, key, 'edited'), beside: follows(target.kept, run.caseId) };
    },
  },
  {
    name: 'the end of a limit that never rang',
    kind: 'inserted',
    change(target) {
      const { event, ...run } = anyLapse(target);
      const version = 100 + target.choose(100);
      const made = withResult(event, (answer) => (answer.kind === 'done' ? { ...answer, version } : answer));
      put(
        target.kept,
        run,
        run.events.flatMap((one) => (one === event ? [one, made] : [one])),
      );
      return {
        finding: at(run.caseId, `version ${version}`, 'inserted'),
        beside: follows(target.kept, run.caseId),
      };
    },
  },
];

const startedIn = (run: Run) => run.events[0]?.workflowExecutionStartedEventAttributes;
const ended = (run: Run, name: 'Terminated' | 'Canceled' | 'Failed' | 'TimedOut'): Events => {
  const last = run.events.at(-1) as Event; // a run has events
  const { eventId, eventTime } = last;
  const kept = hasEnded(run) ? run.events.slice(0, -1) : run.events;
  return [
    ...kept,
    {
      eventId: eventId ?? null,
      eventTime: eventTime ?? null,
      [`workflowExecution${name}EventAttributes`]: {},
    },
  ];
};

/** A run that took over from another one, and its first event. */
function takenOver(kept: Parameters<HistoryWay['change']>[0]['kept'], choose: Choose) {
  const run = oneOf(
    runsIn(kept).filter((one) => startedIn(one)?.continuedExecutionRunId),
    choose,
    'runs',
  );
  return { run, first: run.events[0] as Event }; // a run has events
}

const RUN_WAYS: readonly HistoryWay[] = [
  ...(['Terminated', 'Canceled', 'Failed', 'TimedOut'] as const).map(
    (name): HistoryWay => ({
      name: `a run that was ended from outside: ${name}`,
      kind: 'truncated',
      change({ kept, choose }) {
        const run = oneOf(runsIn(kept), choose, 'runs');
        const newest = [...(kept.get(run.caseId)?.keys() ?? [])].at(-1) === run.runId;
        put(kept, run, ended(run, name));
        return {
          finding: at(run.caseId, newest ? null : run.runId, 'truncated'),
          beside: follows(kept, run.caseId),
        };
      },
    }),
  ),
  {
    name: 'a run that another took over from is gone',
    kind: 'deleted',
    change({ kept, choose }) {
      const named = new Set(runsIn(kept).map((run) => startedIn(run)?.continuedExecutionRunId));
      const { caseId, runId } = oneOf(
        runsIn(kept).filter((run) => named.has(run.runId)),
        choose,
        'runs',
      );
      kept.get(caseId)?.delete(runId);
      return { finding: at(caseId, runId, 'deleted'), beside: anywhere(caseId) };
    },
  },
  {
    name: 'a case is gone',
    kind: 'deleted',
    change({ kept, choose }) {
      const caseId = oneOf([...kept.keys()], choose, 'cases');
      kept.delete(caseId);
      return { finding: at(caseId, null, 'deleted') };
    },
  },
  {
    name: 'a case that nobody recorded',
    kind: 'inserted',
    change({ kept, choose }) {
      const runs = kept.get(oneOf([...kept.keys()], choose, 'cases')) ?? new Map();
      const caseId = randomUUID();
      const made = [...runs].map(([runId, { events }]): [string, { events: Events }] => [
        runId,
        {
          events: events.map((event: Event) =>
            event.workflowExecutionStartedEventAttributes
              ? withStart(event, (start) => ({ ...start, caseId }))
              : event,
          ),
        },
      ]);
      kept.set(caseId, new Map(made));
      return { finding: at(caseId, null, 'inserted'), beside: anywhere(caseId) };
    },
  },
  {
    name: 'histories of two cases exchanged',
    kind: 'edited',
    change({ kept, choose }) {
      const cases = [...kept.keys()];
      const [a, b] = twoOf(cases.length, choose, 'cases').map((n) => cases[n]) as [string, string];
      const [ofA, ofB] = [kept.get(a) ?? new Map(), kept.get(b) ?? new Map()];
      kept.set(a, ofB).set(b, ofA);
      return {
        finding: at(a, [...ofB.keys()][0] ?? null, 'edited'),
        beside: [...anywhere(a), ...anywhere(b)],
      };
    },
  },
  ...([false, true] as const).map(
    (disguised): HistoryWay => ({
      name: disguised ? 'a run copied, and said to be one of its own' : 'a run copied',
      kind: 'inserted',
      change({ kept, choose }) {
        const { caseId, events } = oneOf(runsIn(kept), choose, 'runs');
        const runId = randomUUID();
        const [first, ...rest] = events;
        const started = first?.workflowExecutionStartedEventAttributes;
        const originalExecutionRunId = disguised ? runId : (started?.originalExecutionRunId ?? null);
        kept.get(caseId)?.set(runId, {
          events: [
            { ...first, workflowExecutionStartedEventAttributes: { ...started, originalExecutionRunId } },
            ...rest,
          ],
        });
        return { finding: at(caseId, runId, 'inserted'), beside: anywhere(caseId) };
      },
    }),
  ),
  {
    name: 'a run started for another case',
    kind: 'edited',
    change({ kept, choose }) {
      const run = oneOf(runsIn(kept), choose, 'runs');
      const first = run.events[0] as Event; // a run has events
      replace(
        kept,
        run,
        first,
        withStart(first, (start) => ({ ...start, caseId: randomUUID() })),
      );
      return { finding: at(run.caseId, run.runId, 'edited') };
    },
  },
  {
    name: 'what a run took over edited',
    kind: 'edited',
    change({ kept, choose }) {
      const { run, first } = takenOver(kept, choose);
      const edited = withStart(first, ({ adopted = null, ...start }) => ({
        ...start,
        adopted: adopted && { ...adopted, version: adopted.version + 1 },
      }));
      replace(kept, run, first, edited);
      return { finding: at(run.caseId, run.runId, 'edited') };
    },
  },
  {
    name: 'the answers that a run took over edited',
    kind: 'edited',
    change({ kept, choose }) {
      const { run, first } = takenOver(kept, choose);
      let key = '';
      const edited = withStart(first, ({ answered = [], ...start }) => {
        const n = choose(answered.length);
        key = answered[n]?.[0] ?? '';
        return {
          ...start,
          answered: answered.map((one, i) => (i === n ? [one[0], otherwise(one[1])] : one)),
        };
      });
      replace(kept, run, first, edited);
      return { finding: at(run.caseId, key, 'edited') };
    },
  },
  {
    name: 'the outcome with which a run ended edited',
    kind: 'edited',
    change({ kept, choose }) {
      const completed = runsIn(kept).filter(
        ({ events }) => events.at(-1)?.workflowExecutionCompletedEventAttributes,
      );
      const run = oneOf(completed, choose, 'runs');
      const last = run.events.at(-1) as Event; // a run has events
      const done = last.workflowExecutionCompletedEventAttributes;
      const result = payloads(changed<string>(done?.result?.payloads?.[0], (outcome) => `${outcome}-not`));
      const workflowExecutionCompletedEventAttributes = { ...done, result };
      replace(kept, run, last, { ...last, workflowExecutionCompletedEventAttributes });
      return { finding: at(run.caseId, run.runId, 'edited') };
    },
  },
];

/** Every way to change histories. */
export const HISTORY_WAYS: readonly HistoryWay[] = [...UPDATE_WAYS, ...STEP_WAYS, ...RUN_WAYS];
