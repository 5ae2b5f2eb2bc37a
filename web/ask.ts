// Station 1 to 2, the only caller of Temporal: seals an act's values under the case key and asks the case for it. An
// answer that does not come in time is "still working", never "failed"; the same key asks again for the same act.
import { createHmac } from 'node:crypto';
import {
  type Client,
  isGrpcServiceError,
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { eq } from 'drizzle-orm';
import type { Database } from '../db/connection.ts';
import { cases, operations } from '../db/schema.ts';
import type { ActInput } from '../domain/acts.ts';
import { TASK_QUEUE } from '../domain/consortium.ts';
import { caseWorkflowId, uuidFrom } from '../domain/ids.ts';
import type { Action } from '../domain/lifecycle.ts';
import { sealContext, signedContext } from '../domain/operation-key.ts';
import { refuse } from '../domain/refusal.ts';
import type { Role } from '../domain/roles.ts';
import { canonicalJson } from '../ledger/canonical.ts';
import type { SignedAct } from '../ledger/envelope.ts';
import { type KeyRing, type KeyStore, open, type RecordKey, seal } from '../ledger/record-key.ts';
import type { Recorder } from '../ledger/recorded.ts';
import { type ActRequest, type Answer, actUpdate, type CaseStart } from '../workflows/messages.ts';
import { keepSent } from './outbox.ts';
import { type Asking, recordRefusal } from './recorded.ts';

/** No answer in time, or nobody to ask. */
export type Unanswered = { readonly kind: 'still-working' } | { readonly kind: 'unavailable' };

export interface ActOf<A extends Action> {
  readonly key: string;
  readonly action: A;
  readonly asking: Asking;
  /** Undefined for a new application: its case id is derived from the key. */
  readonly caseId?: string;
  readonly task?: { readonly id: string; readonly claim: number };
  /** Checked values, as `readActValues` gave them. */
  readonly values: ActInput<A>;
  /** What the person signed, for acts that need it. */
  readonly signed?: SignedAct;
}

export interface Ask {
  /** Asks for an act. Idempotent by key. */
  act<A extends Action>(act: ActOf<A>): Promise<Answer | Unanswered>;
  /** Asks again for an operation whose request is known, with the same key. */
  again(request: ActRequest): Promise<Answer | Unanswered>;
}

export interface AskDeps {
  readonly client: Client;
  readonly db: Database;
  /** For the refusal of an act on a case that has ended: there is no run any more that would record it. */
  readonly recorder: Recorder;
  readonly keyStore: KeyStore;
  readonly keys: KeyRing;
  /** Secret from which case ids of new applications are derived. */
  readonly caseIdSecret: string;
  /** How long a person waits before the page says "still working", in milliseconds. */
  readonly patienceMs: number;
  /** The workers' task queue; tests have one each. */
  readonly taskQueue?: string;
}

/** Actions that may find no running workflow and start one: a new application, and a closed case opened again. */
const STARTS: ReadonlySet<Action> = new Set(['submit-application', 'reopen']);

/** The case id of a new application: the same key is the same case, however often it is sent. */
export const caseIdFor = (secret: string, key: string): string =>
  uuidFrom(createHmac('sha256', secret).update(`case\n${key}`).digest());

/** An act as it travels: what is clinical in it sealed under the case key. */
export function sealedRequest<A extends Action>(
  caseKey: RecordKey,
  act: {
    readonly key: string;
    readonly action: A;
    readonly caseId: string;
    readonly asking: Asking;
    readonly task: { readonly id: string; readonly claim: number } | null;
    readonly values: ActInput<A>;
    readonly signed?: SignedAct | undefined;
  },
): ActRequest<A> {
  const { key, action, caseId, asking, task, values, signed } = act;
  const sealed = (plain: unknown, context: string): string =>
    Buffer.from(seal(caseKey, Buffer.from(JSON.stringify(plain)), context)).toString('base64');
  return {
    key,
    action,
    caseId,
    actor: { person: asking.person, role: asking.role, actingFor: null },
    task,
    sealed: sealed(values, sealContext(caseId, action, key)),
    ...(signed ? { signed: sealed(signed, signedContext(caseId, action, key)) } : {}),
  };
}

export function createAsk(deps: AskDeps): Ask {
  const { client } = deps;

  async function send(request: ActRequest): Promise<Answer | Unanswered> {
    const workflowId = caseWorkflowId(request.caseId);
    const update = actUpdate(request.action);
    try {
      // B2: the call itself ends, whatever hangs behind it.
      return await client.withDeadline(Date.now() + deps.patienceMs, async () => {
        if (!STARTS.has(request.action))
          return await client.workflow
            .getHandle(workflowId)
            .executeUpdate(update, { updateId: request.key, args: [request] });
        const start: CaseStart = { caseId: request.caseId };
        return await client.workflow.executeUpdateWithStart(update, {
          updateId: request.key,
          args: [request],
          startWorkflowOperation: new WithStartWorkflowOperation('caseWorkflow', {
            workflowId,
            taskQueue: deps.taskQueue ?? TASK_QUEUE,
            args: [start],
            workflowIdConflictPolicy: 'USE_EXISTING',
            workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          }),
        });
      });
    } catch (error) {
      const stored = await storedAnswer(request);
      if (stored) return stored;
      if (error instanceof WorkflowNotFoundError) return await nobodyThere(request);
      if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return { kind: 'still-working' };
      if (isGrpcServiceError(error)) {
        // NOT_FOUND 5: no run. DEADLINE_EXCEEDED 4 and CANCELLED 1: it may have arrived. The rest: nobody answers.
        if (error.code === 5) return await nobodyThere(request);
        if (error.code === 4 || error.code === 1) return { kind: 'still-working' };
        return { kind: 'unavailable' };
      }
      throw error;
    }
  }

  /** Nothing runs under the case's id: it has ended, says Postgres, and the refusal is recorded; or somebody must look into it. */
  async function nobodyThere(request: ActRequest): Promise<Answer | Unanswered> {
    const { action, caseId, actor, key, task } = request;
    const [kase] = await deps.db.select({ state: cases.state }).from(cases).where(eq(cases.id, caseId));
    if (STARTS.has(action) || (kase && kase.state !== 'closed')) return { kind: 'unavailable' };
    const refusal = kase
      ? refuse('wrong-state', { detail: { action, state: kase.state } })
      : refuse('unknown');
    // The session's role came in with `asking`.
    const asking: Asking = { person: actor.person, role: actor.role as Role };
    await recordRefusal(deps.recorder, key, asking, action, refusal, {
      caseId,
      ...(task ? { taskId: task.id } : {}),
    });
    return refusal;
  }

  /**
   * What the operation's row says of this request. Temporal knows an Update by its id alone and answers a repeat with the
   * first outcome, whatever was asked: only the row tells whether it was the same (DESIGN.md section 9, 4).
   */
  async function storedAnswer(request: ActRequest): Promise<Answer | undefined> {
    const [row] = await deps.db
      .select({ answer: operations.answer, args: operations.updateArgs })
      .from(operations)
      .where(eq(operations.id, request.key));
    if (!row) return undefined;
    const answer = row.answer as Answer;
    if (answer.kind !== 'done' || !row.args) return answer;
    const first = JSON.parse(row.args) as ActRequest;
    if (first.sealed === request.sealed) return answer;
    return (await meant(first)) === (await meant(request)) ? answer : refuse('key-reused');
  }

  /** What a request asks for, in one spelling: the same values are sealed to other bytes each time. */
  async function meant({ caseId, action, key, task, actor, sealed }: ActRequest): Promise<string> {
    const values = open(
      await deps.keys.of('case', caseId),
      Buffer.from(sealed, 'base64'),
      sealContext(caseId, action, key),
    );
    const { person, role } = actor;
    return canonicalJson({
      caseId,
      action,
      task,
      person,
      role,
      values: JSON.parse(Buffer.from(values).toString('utf8')),
    });
  }

  return {
    async act({ key, action, asking, caseId: known, task, values, signed }) {
      const caseId = known ?? caseIdFor(deps.caseIdSecret, key);
      // The key exists before anything is sealed under it, and is durable before anything is sent.
      if (!known) await deps.keyStore.create('case', caseId);
      const request = sealedRequest(await deps.keys.of('case', caseId), {
        key,
        action,
        caseId,
        asking,
        task: task ?? null,
        values,
        signed,
      });
      // What would start a run is looked for first: sent again after the case has ended, it would wake a run for nothing.
      const earlier = STARTS.has(action) ? await storedAnswer(request) : undefined;
      if (earlier) return earlier;
      const answer = await send(request);
      // Neither Temporal nor Postgres may have it: from here on it is sent again, whether or not anybody waits for it.
      if (answer.kind === 'still-working') await keepSent(deps.db, request, deps.recorder.now());
      return answer.kind === 'done' ? ((await storedAnswer(request)) ?? answer) : answer;
    },
    again: send,
  };
}
