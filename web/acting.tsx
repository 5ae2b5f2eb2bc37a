// Station 1, web: the common way of a form that asks for an act on a case: its operation key, and what each outcome answers.
// What was typed is never lost: every answer but "done" holds the form again. Writes nothing by itself.
import { randomBytes, randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import type { Child } from 'hono/jsx';
import type { ActInput } from '../domain/acts.ts';
import type { Action } from '../domain/lifecycle.ts';
import { keyBelongs, makeOperationKey } from '../domain/operation-key.ts';
import type { Permission } from '../domain/permissions.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import type { SignedAct } from '../ledger/envelope.ts';
import type { Done } from '../workflows/messages.ts';
import type { WebDeps, WebEnv } from './deps.ts';
import { wantsFragment } from './layout.tsx';
import { Notice } from './parts/notice.tsx';
import type { Asking } from './recorded.ts';
import { recordRefusal } from './recorded.ts';
import { refusalStatus, refusalWords, refusedPage, stillWorking, unavailable, wordsFor } from './respond.tsx';

/** A new operation key for the form that is being rendered. `target` is the task's id, the case's id, or `new`. */
export const operationKey = (deps: WebDeps, person: string, action: Permission, target: string): string =>
  makeOperationKey(deps.keyed, randomBytes(16).toString('base64url'), { person, action, target });

/** What a form's route gives, so that every outcome can be answered. */
export interface Acting<A extends Action> {
  readonly action: A;
  readonly asking: Asking;
  readonly key: string;
  readonly caseId?: string;
  readonly task?: { readonly id: string; readonly claim: number };
  readonly values: ActInput<A>;
  /** What the person signed, for acts that need it. */
  readonly signed?: SignedAct;
  /** The form again with what was typed. `notice` stands above it, `key` is a new one when the old one is used up. */
  readonly again: (answer: {
    status: 409 | 422 | 503;
    refusal?: Refusal;
    notice?: Child;
    key: string;
  }) => Promise<Response>;
  readonly done: (done: Done) => Promise<Response> | Response;
}

/** Whether the key was rendered for this person, action and target; otherwise the refusal, recorded. */
export async function keyRefusal(
  deps: WebDeps,
  asking: Asking,
  action: Permission,
  target: string,
  key: string,
  about: { caseId?: string; taskId?: string } = {},
): Promise<Refusal | undefined> {
  if (keyBelongs(deps.keyed, key, { person: asking.person, action, target })) return undefined;
  const refusal = refuse('key-unbound');
  await recordRefusal(deps.recorder, `refusal-${randomUUID()}`, asking, action, refusal, about);
  return refusal;
}

/** Asks the case for the act and answers the person. */
export async function answerAct<A extends Action>(
  c: Context<WebEnv>,
  deps: WebDeps,
  acting: Acting<A>,
): Promise<Response> {
  const { action, asking, key, caseId, task, values, signed } = acting;
  const target = task?.id ?? caseId ?? 'new';
  const about = { ...(caseId ? { caseId } : {}), ...(task ? { taskId: task.id } : {}) };
  const unbound = await keyRefusal(deps, asking, action, target, key, about);
  if (unbound) return await refusedPage(c, deps, unbound);
  const outcome = await deps.ask.act({
    key,
    action,
    asking,
    values,
    ...(caseId ? { caseId } : {}),
    ...(task ? { task } : {}),
    ...(signed ? { signed } : {}),
  });
  const t = wordsFor(c, deps);
  if (isRefusal(outcome)) {
    // Whatever came back stands under its key, in Temporal too: what is sent next is another act with a key of its own.
    const keep = outcome.code === 'values';
    return await acting.again({
      status: refusalStatus(outcome.code) === 422 ? 422 : 409,
      refusal: outcome,
      key: operationKey(deps, asking.person, action, target),
      ...(keep
        ? {}
        : {
            notice: (
              <Notice tone="late">
                <p>{refusalWords(t, outcome)}</p>
              </Notice>
            ),
          }),
    });
  }
  switch (outcome.kind) {
    case 'done':
      return await acting.done(outcome);
    case 'still-working':
      return await stillWorking(c, deps, key);
    case 'unavailable':
      if (wantsFragment(c.req.raw.headers)) return await unavailable(c, deps);
      c.header('Retry-After', '5');
      return await acting.again({
        status: 503,
        key,
        notice: (
          <Notice tone="late">
            <p>
              <strong>
                {t.errors.downTitle}
                {t.marks.stop}
              </strong>
              {t.errors.down}
            </p>
          </Notice>
        ),
      });
    default:
      return outcome satisfies never;
  }
}
