// Composition of replay, Temporal's side: what one run's history says was asked, answered and done by the service itself.
// Reads events as they were written, decrypted with the processes' own codec. Never asks a worker.
import {
  type DataConverter,
  defaultPayloadConverter,
  type Payload,
  type PayloadCodec,
} from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import type { Answer } from '../../activities/act.ts';
import type { CaseStart, Progress } from '../../workflows/messages.ts';

export type History = temporal.api.history.v1.IHistory;
type Event = temporal.api.history.v1.IHistoryEvent;

/** An Update that a run accepted. */
export interface HistoryUpdate {
  /** The Update's id, which is the operation key. */
  readonly key: string;
  readonly name: string;
  readonly runId: string;
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

export interface RunFacts {
  readonly runId: string;
  readonly state: RunState;
  readonly startedAt: number;
  /** Milliseconds of the newest event. */
  readonly newestAt: number;
  readonly updates: readonly HistoryUpdate[];
  /** Answers of limits that the service itself brought to their end. */
  readonly lapses: readonly Answer[];
  /** What the run was told of the case when it took over from another. */
  readonly adopted: Progress;
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

/** Reads one run. Throws when a payload cannot be decrypted: the key folder is another one's. */
export async function readRun(history: History, runId: string, converter: DataConverter): Promise<RunFacts> {
  const codecs = converter.payloadCodecs ?? [];
  const events = history.events ?? [];
  const accepted = new Map<string, { name: string; answer: Answer | undefined; failed: boolean }>();
  const lapses: Answer[] = [];
  const lapseTasks = new Set<string>();
  let adopted: Progress = null;
  let state: RunState = 'running';
  for (const event of events) {
    const started = event.workflowExecutionStartedEventAttributes;
    if (started) {
      const start = await decoded<CaseStart>(codecs, started.input?.payloads?.[0]);
      adopted = start?.adopted ?? null;
    }
    const asked = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest;
    if (asked?.meta?.updateId)
      accepted.set(asked.meta.updateId, { name: asked.input?.name ?? '', answer: undefined, failed: false });
    const answered = event.workflowExecutionUpdateCompletedEventAttributes;
    const before = accepted.get(answered?.meta?.updateId ?? '');
    if (answered && before) {
      before.answer = await decoded<Answer>(codecs, answered.outcome?.success?.payloads?.[0]);
      before.failed = answered.outcome?.failure != null;
    }
    const lapse = await lapseIn(event, lapseTasks, codecs);
    if (lapse) lapses.push(lapse);
    for (const [attributes, end] of ENDS) if (event[attributes]) state = end;
  }
  return {
    runId,
    state,
    startedAt: timeOf(events[0]),
    newestAt: timeOf(events.at(-1)),
    updates: [...accepted].map(([key, update]) => ({ key, runId, ...update })),
    lapses,
    adopted,
  };
}

/** The answer of a limit's end, whether it came from a local activity's marker or from an ordinary one. */
async function lapseIn(
  event: Event,
  lapseTasks: Set<string>,
  codecs: readonly PayloadCodec[],
): Promise<Answer | undefined> {
  const scheduled = event.activityTaskScheduledEventAttributes;
  if (scheduled?.activityType?.name === LAPSE) lapseTasks.add(String(event.eventId));
  const completed = event.activityTaskCompletedEventAttributes;
  if (completed && lapseTasks.has(String(completed.scheduledEventId)))
    return await decoded<Answer>(codecs, completed.result?.payloads?.[0]);
  const marker = event.markerRecordedEventAttributes;
  if (marker?.markerName !== 'core_local_activity') return undefined;
  // The SDK's core writes this part itself, so it is not encrypted; it names the activity and holds nothing of ours.
  const data = marker.details?.data?.payloads?.[0]?.data;
  const told = data ? (JSON.parse(Buffer.from(data).toString('utf8')) as { activity_type?: string }) : {};
  if (told.activity_type !== LAPSE) return undefined;
  return await decoded<Answer>(codecs, marker.details?.result?.payloads?.[0]);
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
