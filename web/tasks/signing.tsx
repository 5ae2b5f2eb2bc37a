// Station 1, web: a decision that is signed: what the person signs is what was prepared for them, and the form brings the signature
// alone. A signature that does not fit decides nothing.
import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import type { Child } from 'hono/jsx';
import type { TaskHead } from '../../db/views/task.ts';
import { needsSignature } from '../../domain/events.ts';
import { claimRefusal } from '../../domain/lifecycle.ts';
import { isRefusal, RECORDED_REFUSALS, type Refusal, refuse } from '../../domain/refusal.ts';
import { keyRefusal, operationKey } from '../acting.tsx';
import type { Session, WebDeps, WebEnv } from '../deps.ts';
import { disclose } from '../disclose.ts';
import { fieldsSent } from '../form.ts';
import { signedIn } from '../guard.ts';
import { Hidden, wantsFragment } from '../layout.tsx';
import { outcomeOf } from '../operations/done.tsx';
import { paths } from '../paths.ts';
import { recordRefusal } from '../recorded.ts';
import { goTo, pageAnswer, refusalStatus, refusedPage, wordsFor } from '../respond.tsx';
import type { Routes } from '../routes.ts';
import { beginSigning } from '../session.ts';
import { type Prepared, prepare, preparedOf, signedBy } from '../signatures/prepared.ts';
import { Sign } from '../signatures/sign.tsx';
import { mustConfirm, signView } from '../signatures/view.tsx';
import { type Answers, aboutOf, judged, numberOf, type Sent, sentence } from './answers.tsx';
import { TypedHidden } from './check.tsx';
import type { Deciding } from './deciding.tsx';
import { keepDraft } from './drafts.ts';
import { type Opening, WORK } from './opening.tsx';
import { taskWords } from './words.ts';

/** Declares the sign page; gives back how a signed decision is taken. */
export function signingRoutes(
  r: Routes,
  deps: WebDeps,
  { find, opened }: Opening,
  { sent, corrected, notTaken, stale }: Answers,
  { decided, done }: Deciding,
): (c: Context<WebEnv>, head: TaskHead) => Promise<Response> {
  r.post('/tasks/:id/sign', WORK, async (c) => {
    const session = signedIn(c);
    const head = await find(c);
    if (head instanceof Response) return head;
    const form = await sent(c, head);
    if (form instanceof Response) return form;
    if (!needsSignature(head.kind)) return await refusedPage(c, deps, refuse('unknown'));
    const unbound = await keyRefusal(deps, session, head.kind, head.id, form.key, aboutOf(head));
    if (unbound) return await refusedPage(c, deps, unbound);
    const read = judged(head, form.typed);
    if ('faults' in read) return await corrected(c, head, form, read.faults);
    // Nobody signs what would not be taken: the claim is asked now, and again when the decision is written.
    const held = head.status === 'open' && {
      ...head,
      claimedBy: head.holder?.id ?? null,
      claimedUntil: head.holder?.until ?? null,
    };
    const stale = claimRefusal(held || undefined, session.person, form.claim, deps.now().toISOString());
    if (stale) {
      await recordRefusal(deps.recorder, `refusal-${randomUUID()}`, session, head.kind, stale, aboutOf(head));
      return await notTaken(c, head, form, stale);
    }
    await keepDraft(deps, session.person, { id: head.id, caseId: head.case.id }, form.claim, form.typed);
    const t = wordsFor(c, deps);
    const [clock] = head.clocks;
    await prepare(deps, t, session, {
      key: form.key,
      action: head.kind,
      case: head.case,
      task: { id: head.id, claim: form.claim, discipline: head.discipline },
      values: read.values,
      typed: form.typed,
      lastDay: clock ? t.date(clock.dueAt) : undefined,
    });
    return goTo(c, paths.sign(head.id));
  });

  r.get('/tasks/:id/sign', WORK, async (c) => {
    const head = await find(c);
    if (head instanceof Response) return head;
    const prepared = await preparedOf(deps, signedIn(c), { task: head.id });
    if (!prepared || head.status !== 'open') return c.redirect(paths.task(head.id), 303);
    return await signPage(c, head, prepared);
  });

  async function signPage(
    c: Context<WebEnv>,
    head: TaskHead,
    prepared: Prepared,
    again: { status?: 200 | 403 | 409 | 503; notice?: Child } = {},
  ): Promise<Response> {
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    await disclose(deps, session, 'task', head.case.id);
    const { key, task } = prepared.act;
    const choice = (prepared.values as { choice?: string }).choice ?? '';
    return await pageAnswer(
      c,
      deps,
      {
        title: t.signing.title,
        caseNumber: head.case.number,
        lead: t.work.checkLead(taskWords(t, head.kind, head.discipline), head.case.number),
        back: { href: paths.task(head.id), words: t.work.back },
      },
      <Sign
        t={t}
        view={
          await signView(deps, t, session, prepared, {
            action: paths.decide(head.id),
            hidden: { key, claim: task?.claim ?? 0 },
            button: t.signing.sign(t.work.send[head.kind]?.[choice] ?? t.buttons[head.kind]),
            back: { href: paths.task(head.id), words: t.work.back },
            here: paths.sign(head.id),
            again: (
              <form method="post" action={paths.sign(head.id)}>
                {/* A key of its own: what was sent under the old one and came too late is answered under it for ever. */}
                <Hidden
                  values={{
                    key: operationKey(deps, session.person, head.kind, head.id),
                    claim: task?.claim ?? 0,
                  }}
                />
                <TypedHidden typed={prepared.typed} />
                <button class="button" type="submit">
                  {t.signing.again}
                </button>
              </form>
            ),
            notice: again.notice,
          })
        }
      />,
      again.status ?? 200,
    );
  }

  /** A signed decision: what the person signed is what was prepared for them; the form brings the signature alone. */
  async function decideSigned(c: Context<WebEnv>, head: TaskHead): Promise<Response> {
    const session = signedIn(c);
    const fields = await fieldsSent(c, deps, { one: ['key', 'claim', 'certificate', 'signature'] });
    if (fields instanceof Response) return fields;
    const key = fields.get('key');
    const unbound = await keyRefusal(deps, session, head.kind, head.id, key, aboutOf(head));
    if (unbound) return await refusedPage(c, deps, unbound);
    const prepared = await preparedOf(deps, session, { operation: key });
    const earlier = await outcomeOf(deps, session.person, key);
    if (earlier?.kind === 'done') return await done(c, head, key, earlier.done);
    const t = wordsFor(c, deps);
    // Nothing that was put before this person: nothing that they could have signed.
    if (
      !prepared ||
      prepared.act.task?.id !== head.id ||
      prepared.act.task.claim !== numberOf(fields.get('claim'))
    ) {
      const refusal = await whyNotThis(head, session);
      return wantsFragment(c.req.raw.headers)
        ? stale(c, head, t, refusal, {}, 409)
        : await opened(c, head, { status: 409, notice: sentence(t, refusal) });
    }
    if (mustConfirm(deps, session)) return goTo(c, paths.sign(head.id));
    const given = { certificate: fields.get('certificate'), signature: fields.get('signature') };
    const signed = await signedBy(deps, prepared, given);
    const form: Sent = {
      key,
      claim: prepared.act.task.claim,
      typed: prepared.typed,
      leave: false,
      signature: given,
    };
    if (isRefusal(signed)) {
      if (RECORDED_REFUSALS.has(signed.code))
        await recordRefusal(
          deps.recorder,
          `refusal-${randomUUID()}`,
          session,
          head.kind,
          signed,
          aboutOf(head),
        );
      const status = refusalStatus(signed.code) === 403 ? 403 : 409;
      return wantsFragment(c.req.raw.headers)
        ? stale(c, head, t, signed, form.typed, status)
        : await signPage(c, head, prepared, { status, notice: sentence(t, signed) });
    }
    await beginSigning(deps, session);
    return await decided(c, head, form, prepared.values, signed, (notice) =>
      signPage(c, head, prepared, { status: 503, notice }),
    );
  }

  /** Why a text cannot be signed that this person once had before them: done meanwhile, replaced from another tab, or long ago. */
  async function whyNotThis(head: TaskHead, session: Session): Promise<Refusal> {
    if (head.status !== 'open') return refuse('wrong-state', { detail: { action: head.kind } });
    const newer = await preparedOf(deps, session, { task: head.id });
    return refuse('statement-old', newer ? { detail: { replaced: 'yes' } } : {});
  }

  return decideSigned;
}
