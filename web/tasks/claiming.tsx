// Station 1, web: claiming a task and handing it back, each one atomic write. A row of the queue answers in place, with who holds it now.
import type { Context } from 'hono';
import { queuePage } from '../../db/views/queue.ts';
import { type TaskHead, taskHead } from '../../db/views/task.ts';
import type { Refusal } from '../../domain/refusal.ts';
import type { WebDeps, WebEnv } from '../deps.ts';
import { fieldsSent } from '../form.ts';
import { signedIn } from '../guard.ts';
import { fragment, noticePartial, VARY, wantsFragment } from '../layout.tsx';
import { Notice } from '../parts/notice.tsx';
import { paths } from '../paths.ts';
import { QueueRowPart } from '../queue/queue.tsx';
import { queueAsk, rowFrame } from '../queue/routes.tsx';
import { claimTask, handBackTask } from '../recorded.ts';
import { goTo, refusalStatus, refusalWords, refusedPage, wordsFor } from '../respond.tsx';
import type { Routes } from '../routes.ts';
import { numberOf } from './answers.tsx';
import { claimKeyRefusal } from './keys.ts';
import type { Opening } from './opening.tsx';
import { taskWords, withNames } from './words.ts';

export function claimingRoutes(r: Routes, deps: WebDeps, { find, opened }: Opening): void {
  r.post('/tasks/:id/claim', 'task.claim', async (c) => {
    const session = signedIn(c);
    const fields = await fieldsSent(c, deps, { one: ['key', 'from'] });
    if (fields instanceof Response) return fields;
    const head = await find(c);
    if (head instanceof Response) return head;
    const unbound = await claimKeyRefusal(deps, session, 'task.claim', head.id, fields.get('key'));
    if (unbound) return await refusedPage(c, deps, unbound);
    const answer = await claimTask(
      deps.recorder,
      fields.get('key'),
      session,
      head.case.id,
      head.id,
      deps.parameters.figures['claim-lease'].value,
    );
    const t = wordsFor(c, deps);
    if (answer.kind === 'claimed')
      return fields.get('from') === 'queue' && wantsFragment(c.req.raw.headers)
        ? await row(
            c,
            head.id,
            t.queue.claimedNow(taskWords(t, head.kind, head.discipline), head.case.number),
          )
        : goTo(c, paths.work(head.id, head.kind));
    return await claimRefused(c, head, answer, fields.get('from') === 'queue');
  });

  r.post('/tasks/:id/hand-back', 'task.hand-back', async (c) => {
    const session = signedIn(c);
    const fields = await fieldsSent(c, deps, { one: ['key', 'claim', 'from'] });
    if (fields instanceof Response) return fields;
    const head = await find(c);
    if (head instanceof Response) return head;
    const unbound = await claimKeyRefusal(deps, session, 'task.hand-back', head.id, fields.get('key'));
    if (unbound) return await refusedPage(c, deps, unbound);
    const answer = await handBackTask(
      deps.recorder,
      fields.get('key'),
      session,
      head.case.id,
      head.id,
      numberOf(fields.get('claim')),
    );
    const t = wordsFor(c, deps);
    if (answer.kind === 'handed-back')
      return fields.get('from') === 'queue' && wantsFragment(c.req.raw.headers)
        ? await row(c, head.id, t.queue.handedBack(head.case.number))
        : goTo(c, `${paths.queue}?back=${head.id}`);
    return await claimRefused(c, head, answer, fields.get('from') === 'queue');
  });

  /** The task's row in the queue as it is now, with a sentence about what happened. */
  async function row(c: Context<WebEnv>, task: string, words: string, status: 200 | 409 = 200) {
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    const ask = await queueAsk(deps, session, { task });
    const [found] = await queuePage(deps.db, ask, 'team', 1);
    c.header('Vary', VARY);
    return c.html(
      fragment(
        found ? <QueueRowPart frame={rowFrame(deps, t, session)} row={found} /> : null,
        noticePartial(words, { alert: status === 409 }),
      ) as never,
      status,
    );
  }

  /** Somebody else was quicker, or the claim is an old one: said with who holds it now. Recorded where it was decided. */
  async function claimRefused(
    c: Context<WebEnv>,
    head: TaskHead,
    refusal: Refusal,
    fromQueue: boolean,
  ): Promise<Response> {
    const t = wordsFor(c, deps);
    const named = await withNames(deps, t, refusal);
    const status = refusalStatus(refusal.code);
    if (fromQueue && wantsFragment(c.req.raw.headers) && status === 409)
      return await row(c, head.id, refusalWords(t, named), 409);
    if (status !== 409)
      return await refusedPage(
        c,
        deps,
        named,
        <p>
          <a href={paths.case(head.case.id)}>{t.work.seeCase}</a>
        </p>,
      );
    // The task as it is now, under the sentence; what this person drafted is still theirs.
    const now = (await taskHead(deps.db, head.id, deps.now())) ?? head;
    return await opened(c, now, {
      status: 409,
      notice: (
        <Notice tone="late">
          <p>{refusalWords(t, named)}</p>
        </Notice>
      ),
    });
  }
}
