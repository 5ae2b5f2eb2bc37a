// Station 1, web: a task: opening it, claiming it, handing it back, keeping a draft, checking, signing and deciding. Each concern has a
// file of its own; here is what they share of the address.
import { needsSignature } from '../../domain/events.ts';
import { keyRefusal } from '../acting.tsx';
import type { WebDeps } from '../deps.ts';
import { signedIn } from '../guard.ts';
import { refusedPage } from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';
import { aboutOf, answers, judged } from './answers.tsx';
import { claimingRoutes } from './claiming.tsx';
import { deciding } from './deciding.tsx';
import { draftingRoutes } from './drafting.tsx';
import { opening, WORK } from './opening.tsx';
import { signingRoutes } from './signing.tsx';

export function taskRoutes(deps: WebDeps): Routes {
  const r = routes(deps);
  const tasks = opening(deps);
  const forms = answers(deps, tasks);
  const decisions = deciding(deps, forms);

  r.get('/tasks/:id', WORK, async (c) => {
    const head = await tasks.find(c);
    if (head instanceof Response) return head;
    return await tasks.opened(c, head, {});
  });

  claimingRoutes(r, deps, tasks);
  draftingRoutes(r, deps, tasks, forms);
  const decideSigned = signingRoutes(r, deps, tasks, forms, decisions);

  r.post('/tasks/:id/decide', WORK, async (c) => {
    const session = signedIn(c);
    const head = await tasks.find(c);
    if (head instanceof Response) return head;
    if (needsSignature(head.kind)) return await decideSigned(c, head);
    const form = await forms.sent(c, head);
    if (form instanceof Response) return form;
    const unbound = await keyRefusal(deps, session, head.kind, head.id, form.key, aboutOf(head));
    if (unbound) return await refusedPage(c, deps, unbound);
    const read = judged(head, form.typed);
    if ('faults' in read) return await forms.corrected(c, head, form, read.faults);
    return await decisions.decided(c, head, form, read.values, undefined, (notice) =>
      tasks.opened(c, head, { status: 503, typed: form.typed, key: form.key, notice }),
    );
  });
  return r;
}
