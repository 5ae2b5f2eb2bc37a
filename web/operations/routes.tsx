// Station 1, web: `/ask/OPERATION`, the outcome of an act whose answer did not come in time. Looks it up by its number; done or
// refused is said only when a row says so; what waits to be sent again is "still working". Safe to leave and to come back to.
import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import { isOperationKey } from '../../domain/operation-key.ts';
import { isStaff } from '../../domain/permissions.ts';
import { refuse } from '../../domain/refusal.ts';
import type { WebDeps, WebEnv } from '../deps.ts';
import { signedIn } from '../guard.ts';
import { wantsFragment } from '../layout.tsx';
import { type Sent, sentBy } from '../outbox.ts';
import { Notice } from '../parts/notice.tsx';
import { landingOf, paths } from '../paths.ts';
import { recordRefusal } from '../recorded.ts';
import {
  goTo,
  pageAnswer,
  pageOrFragment,
  refusalWords,
  refusedPage,
  stillWorking,
  wordsFor,
} from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';
import { withNames } from '../tasks/words.ts';
import type { Text } from '../text/text.ts';
import { DoneNotice, type Outcome, outcomeOf } from './done.tsx';
import { receiptNote, receiptOf } from './receipt.tsx';

export function operationRoutes(deps: WebDeps): Routes {
  const r = routes(deps);

  /** Neither recorded nor on its way: said plainly, and the same of somebody else's act. */
  async function nothingHere(c: Context<WebEnv>, t: Text, back: string): Promise<Response> {
    const part = () => (
      <div id="still-working" class="stack">
        <Notice tone="note">
          <p>{t.working.nothing}</p>
        </Notice>
        <p>
          <a class="button" href={back}>
            {t.work.back}
          </a>
        </p>
      </div>
    );
    const options = { title: t.working.nothingTitle };
    return wantsFragment(c.req.raw.headers)
      ? await pageOrFragment(c, deps, options, part(), part)
      : await pageAnswer(c, deps, options, part(), 404);
  }

  r.get('/ask/:operation', 'signed-in', async (c) => {
    const operation = c.req.param('operation') ?? '';
    if (!isOperationKey(operation)) return await refusedPage(c, deps, refuse('unknown'));
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    const recorded = await outcomeOf(deps, session.person, operation);
    // What was not answered in time waits here, and so does a refusal that left no row of its own.
    const sent = recorded?.kind === 'done' ? undefined : await sentBy(deps.db, session.person, operation);
    if (!recorded && sent && !sent.refusal) return await stillWorking(c, deps, operation, sent.sentAt);
    const outcome: Outcome | undefined =
      recorded ?? (sent?.refusal && { kind: 'refused', action: sent.action, refusal: sent.refusal });
    if (!outcome) return await nothingHere(c, t, landingOf(session.role));
    if (outcome.kind === 'refused') {
      const words = refusalWords(t, await withNames(deps, t, outcome.refusal));
      const toForm = sent ? (
        <p>
          <a class="button" href={formOf(sent)}>
            {t.working.toForm}
          </a>
        </p>
      ) : null;
      const part = () => (
        <div id="still-working" class="stack">
          <Notice tone="late">
            <p>
              <strong>{t.work.refusedTitle}.</strong> {words}
            </p>
          </Notice>
          {toForm}
        </div>
      );
      // A fragment is the outcome of a question that was well asked; the page's status is the refusal's own.
      return wantsFragment(c.req.raw.headers)
        ? await pageOrFragment(c, deps, { title: t.work.refusedTitle }, part(), part)
        : await refusedPage(c, deps, await withNames(deps, t, outcome.refusal), toForm);
    }
    // Staff go back to their list, which says what was done; everybody else reads it here.
    if (outcome.kind === 'done' && isStaff(session.role))
      return goTo(c, `${landingOf(session.role)}?done=${operation}`);
    if (outcome.kind === 'done') {
      const receipt = await receiptNote(deps, t, session, operation);
      const part = () => (
        <div id="still-working" class="stack">
          <DoneNotice t={t} outcome={outcome} receipt={receipt} />
          <p>
            <a class="button primary" href={paths.my}>
              {t.work.toMine}
            </a>
          </p>
        </div>
      );
      return await pageOrFragment(c, deps, { title: t.work.doneTitle, audience: 'patient' }, part(), part);
    }
    return goTo(c, landingOf(session.role));
  });

  r.get('/receipts/:operation', 'signed-in', async (c) => {
    const session = signedIn(c);
    const kept = await receiptOf(deps, session.person, c.req.param('operation') ?? '');
    if (kept === 'foreign') {
      // A foreign act answers as an unknown one does, and that somebody asked is written down (A2).
      const refusal = refuse('unknown');
      await recordRefusal(
        deps.recorder,
        `refusal-${randomUUID()}`,
        session,
        'receipt.keep',
        refuse('not-related'),
        {},
      );
      return await refusedPage(c, deps, refusal);
    }
    if (!kept) return await refusedPage(c, deps, refuse('unknown'));
    return c.body(kept.text, 200, {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Disposition': `attachment; filename="receipt-${kept.entry}.json"`,
    });
  });

  return r;
}

/** Where the form of an act stands: a task's keeps what was drafted. */
function formOf({ taskId, caseId, action }: Sent): string {
  if (taskId) return paths.task(taskId);
  if (action === 'withdraw' || action === 'appeal' || action === 'reopen') return paths.act(caseId, action);
  return action === 'submit-application' ? paths.apply : paths.my;
}
