// Station 1, web: a decision is asked of the case and answered as it came: done, refused, not known yet. The same form counts once, however
// often it is sent.
import type { Context } from 'hono';
import type { Child } from 'hono/jsx';
import type { TaskHead } from '../../db/views/task.ts';
import type { ActInput } from '../../domain/acts.ts';
import type { TaskKind } from '../../domain/lifecycle.ts';
import { isStaff } from '../../domain/permissions.ts';
import type { SignedAct } from '../../ledger/envelope.ts';
import type { Done } from '../../workflows/messages.ts';
import { operationKey } from '../acting.tsx';
import type { WebDeps, WebEnv } from '../deps.ts';
import { signedIn } from '../guard.ts';
import { fragment, Hidden, TitleOf, VARY, wantsFragment } from '../layout.tsx';
import { Notice } from '../parts/notice.tsx';
import { StillWorking } from '../parts/still-working.tsx';
import { landingOf, paths } from '../paths.ts';
import { goTo, pageAnswer, unavailable, wordsFor } from '../respond.tsx';
import { dropPrepared } from '../signatures/prepared.ts';
import type { Text } from '../text/text.ts';
import type { Answers, Sent } from './answers.tsx';
import { TypedHidden } from './check.tsx';
import { dropDraft, keepDraft } from './drafts.ts';
import { formFaults } from './fields.ts';

/** Asks the case for decisions and answers the person. */
export function deciding(deps: WebDeps, { corrected, notTaken }: Answers) {
  /** Asks the case for the decision and answers the person. */
  async function decided(
    c: Context<WebEnv>,
    head: TaskHead,
    form: Sent,
    values: unknown,
    signed: SignedAct | undefined,
    /** The form once more, with the same key and every word that was typed. */
    whenNobodyIsThere: (notice: Child) => Promise<Response>,
  ): Promise<Response> {
    const session = signedIn(c);
    const outcome = await deps.ask.act({
      key: form.key,
      action: head.kind,
      asking: { person: session.person, role: session.role },
      caseId: head.case.id,
      task: { id: head.id, claim: form.claim },
      values: values as ActInput<TaskKind>,
      ...(signed ? { signed } : {}),
    });
    switch (outcome.kind) {
      case 'done':
        return await done(c, head, form.key, outcome);
      case 'refusal':
        return outcome.code === 'values'
          ? // The answer stands under its key, in Temporal too: the corrected form is another act.
            await corrected(
              c,
              head,
              { ...form, key: operationKey(deps, session.person, head.kind, head.id) },
              formFaults(outcome.fields ?? []),
            )
          : await notTaken(c, head, form, outcome);
      case 'still-working':
        return await notKnown(c, head, form);
      case 'unavailable':
        if (wantsFragment(c.req.raw.headers)) return await unavailable(c, deps);
        c.header('Retry-After', '5');
        return await whenNobodyIsThere(<NobodyThere t={wordsFor(c, deps)} request={c.var.requestId} />);
      default:
        return outcome satisfies never;
    }
  }

  async function done(c: Context<WebEnv>, head: TaskHead, key: string, _done: Done): Promise<Response> {
    const session = signedIn(c);
    await dropDraft(deps, session.person, head.id);
    await dropPrepared(deps, session, key);
    return goTo(c, isStaff(session.role) ? `${landingOf(session.role)}?done=${key}` : paths.ask(key));
  }

  /** No answer in time. Asks for it by its number; the same form can be sent again and counts once. */
  async function notKnown(c: Context<WebEnv>, head: TaskHead, form: Sent): Promise<Response> {
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    if (isStaff(session.role))
      await keepDraft(deps, session.person, { id: head.id, caseId: head.case.id }, form.claim, form.typed);
    const part = (
      <div class="stack" id="task-form">
        <StillWorking t={t} askHref={paths.ask(form.key)} sentAt={deps.now()} />
        <form method="post" action={paths.decide(head.id)} class="stack-tight">
          <Hidden values={{ key: form.key, claim: form.claim, ...form.signature }} />
          {form.signature ? null : <TypedHidden typed={form.typed} />}
          <p class="soft">{t.work.sendAgainHint}</p>
          <button class="button" type="submit">
            {t.work.sendAgain}
          </button>
        </form>
      </div>
    );
    c.header('Retry-After', '2');
    c.header('Vary', VARY);
    const options = { title: t.working.title, caseNumber: head.case.number };
    return wantsFragment(c.req.raw.headers)
      ? c.html(fragment(part, <TitleOf t={t} options={options} />) as never, 202)
      : await pageAnswer(c, deps, options, part, 202);
  }

  return { decided, done };
}
export type Deciding = ReturnType<typeof deciding>;

function NobodyThere({ t, request }: { t: Text; request: string }) {
  return (
    <Notice tone="late">
      <p>
        <strong>
          {t.errors.downTitle}
          {t.marks.stop}
        </strong>
        {t.errors.down}
      </p>
      <p class="meta">{t.words.requestNumber(request)}</p>
    </Notice>
  );
}
