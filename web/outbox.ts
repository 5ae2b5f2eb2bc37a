// Station 1 to 2, web: acts that were sent and not answered in time. An Update lives in Temporal's memory until its workflow task
// completes, so one that was lost there is nowhere; it stands here, with its values sealed, until it is done or refused. Sent
// again with the same key, by a loop of the web process, so that nobody has to stay on the page. A working table, never evidence.
import { setTimeout as sleep } from 'node:timers/promises';
import { and, eq, sql } from 'drizzle-orm';
import type { Database } from '../db/connection.ts';
import { askOutbox, operations } from '../db/schema.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import type { Role } from '../domain/roles.ts';
import type { Recorder } from '../ledger/recorded.ts';
import type { ActRequest, Answer } from '../workflows/messages.ts';
import { recordRefusal } from './recorded.ts';

/** After how long the first repeat is sent, and the longest pause between two, in seconds. */
const FIRST_REPEAT_S = 3;
const LONGEST_PAUSE_S = 60;
/** What could not be delivered in this time is given up: its key is used up by a recorded refusal, so that it stays undone. */
const GIVEN_UP_AFTER_MS = 24 * 3_600_000;
/** How long a refusal can be read on the act's page. */
const READABLE_MS = 7 * 24 * 3_600_000;
/** How many acts one pass sends, all at once. */
const AT_ONCE = 16;

/** An act that waits, or its refusal. */
export interface Sent {
  readonly sentAt: string;
  readonly refusal: Refusal | undefined;
  /** Where its form stands. */
  readonly caseId: string;
  readonly taskId: string | undefined;
  readonly action: string;
}

/** Keeps an act that was not answered in time. From here on it is sent again until it is done or refused. */
export async function keepSent(db: Database, request: ActRequest, now: Date): Promise<void> {
  await db
    .insert(askOutbox)
    .values({
      operationId: request.key,
      personId: request.actor.person,
      request: JSON.stringify(request),
      sentAt: now.toISOString(),
      nextAt: new Date(now.getTime() + FIRST_REPEAT_S * 1000).toISOString(),
      tries: 0,
    })
    .onConflictDoNothing();
}

/** A person's own act that was not answered in time; undefined when nothing of theirs waits under this key. */
export async function sentBy(db: Database, person: string, operation: string): Promise<Sent | undefined> {
  const [row] = await db
    .select()
    .from(askOutbox)
    .where(and(eq(askOutbox.operationId, operation), eq(askOutbox.personId, person)));
  if (!row) return undefined;
  const { caseId, task, action } = requestIn(row.request);
  return {
    sentAt: new Date(row.sentAt).toISOString(),
    refusal: isRefusal(row.answer) ? row.answer : undefined,
    caseId,
    taskId: task?.id,
    action,
  };
}

export interface OutboxDeps {
  readonly db: Database;
  /** Asks the case once more, with the same key; an answer that does not come in time is no answer. */
  readonly again: (
    request: ActRequest,
  ) => Promise<Answer | { readonly kind: 'still-working' | 'unavailable' }>;
  readonly recorder: Recorder;
  readonly now: () => Date;
  /** Told of what could not be sent; it is sent again later. */
  readonly note: (error: unknown) => void;
}

/**
 * Sends what is due once more, each act with its own key.
 * 1. What has its operation row meanwhile is answered: it leaves the table, or keeps its refusal to be read.
 * 2. What is due is taken by one process for the length of its next pause; another process takes other rows.
 * 3. What is too old is refused under its key. Whichever transaction comes first, that or the act's own, decides.
 * @returns how many acts were sent
 */
export async function sendAgain(deps: OutboxDeps): Promise<number> {
  const { db, now } = deps;
  const at = now().toISOString();
  const due = await db
    .update(askOutbox)
    .set({
      tries: sql`${askOutbox.tries} + 1`,
      nextAt: sql`${at}::timestamptz + make_interval(secs => least(${LONGEST_PAUSE_S}, ${FIRST_REPEAT_S} * power(2, least(${askOutbox.tries}, 10))))`,
    })
    .where(
      sql`${askOutbox.operationId} in (select operation_id from ask_outbox where answer is null and next_at <= ${at}::timestamptz
        order by next_at limit ${AT_ONCE} for update skip locked)`,
    )
    .returning({ request: askOutbox.request, sentAt: askOutbox.sentAt });
  await Promise.all(
    due.map(async ({ request, sentAt }) => {
      try {
        await sendOne(deps, requestIn(request), new Date(sentAt));
      } catch (error) {
        deps.note(error);
      }
    }),
  );
  const unread = new Date(now().getTime() - READABLE_MS).toISOString();
  await db.delete(askOutbox).where(sql`${askOutbox.answer} is not null and ${askOutbox.sentAt} < ${unread}`);
  return due.length;
}

async function sendOne(deps: OutboxDeps, request: ActRequest, sentAt: Date): Promise<void> {
  if (await settle(deps, request.key)) return;
  if (deps.now().getTime() - sentAt.getTime() > GIVEN_UP_AFTER_MS) {
    const { key, action, caseId, task, actor } = request;
    // The session's role came in with the act.
    const asking = { person: actor.person, role: actor.role as Role };
    const about = { caseId, ...(task ? { taskId: task.id } : {}) };
    await recordRefusal(deps.recorder, key, asking, action, refuse('not-delivered'), about);
    await settle(deps, key);
    return;
  }
  const answer = await deps.again(request);
  if (await settle(deps, request.key)) return;
  // A refusal that leaves no row of its own, such as that of a value: only here can the person still read it.
  if (answer.kind === 'refusal')
    await deps.db.update(askOutbox).set({ answer }).where(eq(askOutbox.operationId, request.key));
}

/** Takes over what the operation's row says. True when there is one. */
async function settle({ db }: OutboxDeps, key: string): Promise<boolean> {
  const [row] = await db.select({ answer: operations.answer }).from(operations).where(eq(operations.id, key));
  if (!row) return false;
  const mine = eq(askOutbox.operationId, key);
  if (isRefusal(row.answer)) await db.update(askOutbox).set({ answer: row.answer }).where(mine);
  else await db.delete(askOutbox).where(mine);
  return true;
}

/** Sends again and again until the signal. */
export async function keepSending(deps: OutboxDeps, signal: AbortSignal, restMs = 1000): Promise<void> {
  while (!signal.aborted) {
    try {
      await sendAgain(deps);
    } catch (error) {
      deps.note(error);
    }
    await sleep(restMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Written by `keepSent` alone. */
const requestIn = (text: string): ActRequest => JSON.parse(text) as ActRequest;
