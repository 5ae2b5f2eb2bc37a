// Station 1, web: what comes in with a task's form and how it is answered when it is not taken: values to correct, an old claim, a rule
// that says no. What was typed is kept each time.
import type { Context } from 'hono';
import type { Child } from 'hono/jsx';
import { evidenceOf, type TaskHead, taskHead } from '../../db/views/task.ts';
import { readActValues } from '../../domain/acts.ts';
import type { FieldFault, Refusal, RefusalCode } from '../../domain/refusal.ts';
import type { WebDeps, WebEnv } from '../deps.ts';
import { disclose } from '../disclose.ts';
import { fieldsSent } from '../form.ts';
import { signedIn } from '../guard.ts';
import { fragment, Partial, TitleOf, VARY, wantsFragment } from '../layout.tsx';
import { ErrorSummary, faultWords } from '../parts/error-summary.tsx';
import { Notice } from '../parts/notice.tsx';
import { StaleNotice } from '../parts/stale-notice.tsx';
import { paths } from '../paths.ts';
import { refusalStatus, refusalWords, refusedPage, wordsFor } from '../respond.tsx';
import type { Text } from '../text/text.ts';
import { keepDraft } from './drafts.ts';
import { fieldNames, formFaults, measuringFaults, type Typed, valuesTyped } from './fields.ts';
import { CHECKED, questionsOf, TaskForm } from './forms.tsx';
import type { Opening } from './opening.tsx';
import { Kept, keptText } from './task.tsx';
import { taskWords, withNames } from './words.ts';

/** A form of a task as it came in, or the answer to what could not be read. */
export interface Sent {
  readonly key: string;
  readonly claim: number;
  readonly typed: Typed;
  readonly leave: boolean;
  /** The signature under the statement of this key, where the act needs one. */
  readonly signature?: { readonly certificate: string; readonly signature: string };
}

export const aboutOf = (head: TaskHead) => ({ caseId: head.case.id, taskId: head.id });

export const sentence = (t: Text, refusal: Refusal): Child => (
  <Notice tone="late">
    <p>{refusalWords(t, refusal)}</p>
  </Notice>
);

/** A claim number as a form sends it; what is none holds nothing. */
export const numberOf = (text: string): number => (/^\d{1,9}$/.test(text) ? Number(text) : -1);

/** The values of a form, or its faults under the form's own names. */
export function judged(head: TaskHead, typed: Typed): { values: unknown } | { faults: FieldFault[] } {
  const read = readActValues(head.kind, valuesTyped(head.kind, head.discipline, typed));
  const faults = [
    ...('faults' in read ? read.faults : []),
    ...measuringFaults(head.kind, head.discipline, typed),
  ];
  return faults.length > 0 || 'faults' in read ? { faults: formFaults(faults) } : { values: read.values };
}

/** Refusals because somebody else holds the task now. */
const TAKEN_OVER: ReadonlySet<RefusalCode> = new Set(['stale-claim', 'already-claimed']);

/** Reads forms of tasks and answers those that are not taken. */
export function answers(deps: WebDeps, { opened }: Opening) {
  /** Reads a task's form: its key, its claim number and the fields of its kind; anything else is refused (A4). */
  async function sent(c: Context<WebEnv>, head: TaskHead): Promise<Sent | Response> {
    const { one, many } = fieldNames(head.kind, head.discipline);
    const fields = await fieldsSent(c, deps, { one: ['key', 'claim', 'leave', ...one], many });
    if (fields instanceof Response) return fields;
    return {
      key: fields.get('key'),
      claim: numberOf(fields.get('claim')),
      leave: fields.has('leave'),
      typed: Object.fromEntries(
        [...one, ...many].filter((name) => fields.has(name)).map((name) => [name, fields.all(name)]),
      ),
    };
  }

  /** Values to correct: the form again, the faults at their fields, the same key (nothing was used up). */
  async function corrected(
    c: Context<WebEnv>,
    head: TaskHead,
    form: Sent,
    faults: readonly FieldFault[],
  ): Promise<Response> {
    if (!wantsFragment(c.req.raw.headers) || CHECKED.has(head.kind))
      return await opened(c, head, { status: 422, typed: form.typed, faults, key: form.key });
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    await disclose(deps, session, 'task', head.case.id);
    const evidence = await evidenceOf(deps.db, head.case.id, head.case.patientId);
    const words = faultWords(t, faults, questionsOf(t, head.kind));
    c.header('Vary', VARY);
    return c.html(
      fragment(
        <TaskForm
          t={t}
          head={head}
          evidence={evidence}
          state={{ typed: form.typed, faults: words, key: form.key, claim: form.claim }}
        />,
        <Partial target="#errors" swap="innerHTML">
          <ErrorSummary t={t} faults={words} />
        </Partial>,
        <TitleOf
          t={t}
          options={{
            title: taskWords(t, head.kind, head.discipline),
            caseNumber: head.case.number,
            error: true,
          }}
        />,
      ) as never,
      422,
    );
  }

  /** The rules said no, and that stands in the log: what was typed is kept as a draft and shown beside the reason. */
  async function notTaken(
    c: Context<WebEnv>,
    head: TaskHead,
    form: Sent,
    refusal: Refusal,
  ): Promise<Response> {
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    const now = (await taskHead(deps.db, head.id, deps.now())) ?? head;
    await keepDraft(deps, session.person, { id: head.id, caseId: head.case.id }, form.claim, form.typed);
    const named = await withNames(deps, t, refusal);
    const status = refusalStatus(refusal.code);
    if (wantsFragment(c.req.raw.headers))
      return stale(c, head, t, named, form.typed, status === 403 ? 403 : 409);
    if (status === 403 || status === 400 || status === 404)
      return await refusedPage(
        c,
        deps,
        named,
        <div class="stack">
          <p>
            <a href={paths.case(head.case.id)}>{t.work.seeCase}</a>
          </p>
          <Kept t={t} typed={form.typed} />
        </div>,
      );
    return await opened(c, now, { status: 409, typed: form.typed, notice: sentence(t, named) });
  }

  /** Into `#stale`: the form and its text stay where they are. */
  function stale(
    c: Context<WebEnv>,
    head: TaskHead,
    t: Text,
    refusal: Refusal,
    typed: Typed,
    status: 403 | 409,
  ): Response {
    c.header('Vary', VARY);
    c.header('HX-Reswap', 'none');
    return c.html(
      fragment(
        <Partial target="#stale">
          <StaleNotice
            t={t}
            title={TAKEN_OVER.has(refusal.code) ? t.stale.title : t.work.refusedTitle}
            words={refusalWords(t, refusal)}
            kept={keptText(typed) || undefined}
            taskHref={paths.task(head.id)}
          />
        </Partial>,
      ) as never,
      status,
    );
  }

  return { sent, corrected, notTaken, stale };
}
export type Answers = ReturnType<typeof answers>;
