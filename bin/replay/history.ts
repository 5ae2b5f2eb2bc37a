// Composition of replay, Temporal's side: what one run's history says was asked, answered and done by the service itself.
// Reads events as they were written, decrypted with the processes' own codec. Never asks a worker.
import {
  type DataConverter,
  defaultPayloadConverter,
  type Payload,
  type PayloadCodec,
} from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import type { ActRequest, Answer } from '../../activities/act.ts';
import { type CaseStart, type Progress, UPDATE_NAMES } from '../../workflows/messages.ts';

export type History = temporal.api.history.v1.IHistory;
type Event = temporal.api.history.v1.IHistoryEvent;

/** An Update that a run accepted. */
export interface HistoryUpdate {
  /** The Update's id, which is the operation key. */
  readonly key: string;
  readonly name: string;
  /** What was asked; undefined when it is nothing that can be read. */
  readonly request: ActRequest | undefined;
  /** Digest of its values under the case's key, where that was asked for. */
  readonly inputDigest?: string | undefined;
  /** Undefined while it has no answer. */
  readonly answer: Answer | undefined;
  /** It ended in a failure, which none of ours does. */
  readonly failed: boolean;
}

/** How a run ended, or that it goes on. */
export type RunState =
  | 'running'
  | 'completed'
  | 'continued'
  | 'failed'
  | 'cancelled'
  | 'terminated'
  | 'timed-out';

/** What a step of ours gave back to the workflow, as the history has it. */
export interface HistoryStep {
  readonly name: string;
  readonly answer: Answer;
}

export interface RunFacts {
  readonly runId: string;
  /** What the run says of itself: the run that it was made as, and the one that it took over from. */
  readonly original: string;
  readonly continued: string | null;
  /** The case that it was started for. */
  readonly caseId: string | null;
  readonly state: RunState;
  readonly startedAt: number;
  /** Milliseconds of the newest event. */
  readonly newestAt: number;
  readonly updates: readonly HistoryUpdate[];
  /** Answers of limits that the service itself brought to their end. */
  readonly lapses: readonly Answer[];
  /** What the steps of its Updates gave back. */
  readonly steps: readonly HistoryStep[];
  /** What the run was told of the case, and of answers given before, when it took over from another. */
  readonly adopted: Progress;
  readonly answered: readonly (readonly [key: string, answer: Answer])[];
  /** What it gave back at its end; undefined while it has not completed. */
  readonly result: unknown;
}

const ENDS: readonly (readonly [keyof Event, RunState])[] = [
  ['workflowExecutionCompletedEventAttributes', 'completed'],
  ['workflowExecutionContinuedAsNewEventAttributes', 'continued'],
  ['workflowExecutionFailedEventAttributes', 'failed'],
  ['workflowExecutionCanceledEventAttributes', 'cancelled'],
  ['workflowExecutionTerminatedEventAttributes', 'terminated'],
  ['workflowExecutionTimedOutEventAttributes', 'timed-out'],
];

const LAPSE = 'lapseClock';
const ACTS: ReadonlySet<string> = new Set(Object.values(UPDATE_NAMES));

/** Reads one run. Throws when a payload cannot be decrypted: the key folder is another one's. */
export async function readRun(history: History, runId: string, converter: DataConverter): Promise<RunFacts> {
  const codecs = converter.payloadCodecs ?? [];
  const events = history.events ?? [];
  const accepted = new Map<string, { -readonly [K in keyof HistoryUpdate]: HistoryUpdate[K] }>();
  const steps: HistoryStep[] = [];
  const scheduled = new Map<string, string>();
  let start: CaseStart | undefined;
  let state: RunState = 'running';
  let result: unknown;
  for (const event of events) {
    const started = event.workflowExecutionStartedEventAttributes;
    if (started) start = await decoded<CaseStart>(codecs, started.input?.payloads?.[0]);
    const asked = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest;
    const key = asked?.meta?.updateId;
    if (key) {
      const request = await decoded<ActRequest>(codecs, asked.input?.args?.payloads?.[0]);
      accepted.set(key, { key, name: asked.input?.name ?? '', request, answer: undefined, failed: false });
    }
    const answered = event.workflowExecutionUpdateCompletedEventAttributes;
    const before = accepted.get(answered?.meta?.updateId ?? '');
    if (answered && before) {
      before.answer = await decoded<Answer>(codecs, answered.outcome?.success?.payloads?.[0]);
      before.failed = answered.outcome?.failure != null;
    }
    const step = await stepIn(event, scheduled, codecs);
    if (step) steps.push(step);
    for (const [attributes, end] of ENDS) if (event[attributes]) state = end;
    const completed = event.workflowExecutionCompletedEventAttributes;
    if (completed) result = (await decoded<unknown>(codecs, completed.result?.payloads?.[0])) ?? null;
  }
  const first = events[0]?.workflowExecutionStartedEventAttributes;
  return {
    runId,
    original: first?.originalExecutionRunId ?? '',
    continued: first?.continuedExecutionRunId || null,
    caseId: start?.caseId ?? null,
    state,
    startedAt: timeOf(events[0]),
    newestAt: timeOf(events.at(-1)),
    updates: [...accepted.values()],
    lapses: steps.filter(({ name }) => name === LAPSE).map(({ answer }) => answer),
    steps: steps.filter(({ name }) => ACTS.has(name)),
    adopted: start?.adopted ?? null,
    answered: start?.answered ?? [],
    result,
  };
}

/** What a step gave back, whether it stands in a local activity's marker or came from an ordinary one. */
async function stepIn(
  event: Event,
  scheduled: Map<string, string>,
  codecs: readonly PayloadCodec[],
): Promise<HistoryStep | undefined> {
  const task = event.activityTaskScheduledEventAttributes;
  if (task) scheduled.set(String(event.eventId), task.activityType?.name ?? '');
  const completed = event.activityTaskCompletedEventAttributes;
  if (completed) {
    const name = scheduled.get(String(completed.scheduledEventId)) ?? '';
    const answer = await decoded<Answer>(codecs, completed.result?.payloads?.[0]);
    return answer && { name, answer };
  }
  const marker = event.markerRecordedEventAttributes;
  if (marker?.markerName !== 'core_local_activity') return undefined;
  // The SDK's core writes this part itself, so it is not encrypted; it names the activity and holds nothing of ours.
  const data = marker.details?.data?.payloads?.[0]?.data;
  const told = data ? (JSON.parse(Buffer.from(data).toString('utf8')) as { activity_type?: string }) : {};
  const answer = await decoded<Answer>(codecs, marker.details?.result?.payloads?.[0]);
  return answer && { name: told.activity_type ?? '', answer };
}

async function decoded<T>(
  codecs: readonly PayloadCodec[],
  payload: Payload | null | undefined,
): Promise<T | undefined> {
  if (!payload) return undefined;
  let payloads: Payload[] = [payload];
  for (const codec of codecs) payloads = await codec.decode(payloads);
  return defaultPayloadConverter.fromPayload<T>(payloads[0] as Payload); // one in, one out
}

const timeOf = (event: Event | undefined): number =>
  Number(event?.eventTime?.seconds ?? 0) * 1000 + Number(event?.eventTime?.nanos ?? 0) / 1e6;
