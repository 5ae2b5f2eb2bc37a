// Station 1, web: keeping a draft as it is typed, and the page that checks a decision before it is signed. Nothing is decided here.
import { evidenceOf } from '../../db/views/task.ts';
import { TASK_KINDS } from '../../domain/lifecycle.ts';
import { refuse } from '../../domain/refusal.ts';
import { keyRefusal } from '../acting.tsx';
import type { WebDeps } from '../deps.ts';
import { disclose } from '../disclose.ts';
import { signedIn } from '../guard.ts';
import { fragment, Partial, VARY, wantsFragment } from '../layout.tsx';
import { landingOf, paths } from '../paths.ts';
import { goTo, pageAnswer, refusedPage, wordsFor } from '../respond.tsx';
import type { Routes } from '../routes.ts';
import { type Answers, aboutOf, judged, sentence } from './answers.tsx';
import { Check } from './check.tsx';
import { keepDraft } from './drafts.ts';
import { baselineOf, CHECKED, DraftState, instrumentsToFill } from './forms.tsx';
import { ScoreLine } from './instruments.tsx';
import type { LetterValues } from './letter.tsx';
import type { Opening } from './opening.tsx';
import { taskWords, withNames } from './words.ts';

const CHECKS = TASK_KINDS.filter((kind) => CHECKED.has(kind));

export function draftingRoutes(
  r: Routes,
  deps: WebDeps,
  { find, opened }: Opening,
  { sent, stale }: Answers,
): void {
  r.post('/tasks/:id/draft', 'task.draft', async (c) => {
    const session = signedIn(c);
    const head = await find(c);
    if (head instanceof Response) return head;
    const form = await sent(c, head);
    if (form instanceof Response) return form;
    const t = wordsFor(c, deps);
    const partial = wantsFragment(c.req.raw.headers);
    const holds =
      head.status === 'open' && head.holder?.id === session.person && head.claimNumber === form.claim;
    if (!holds) {
      const refusal = await withNames(
        deps,
        t,
        refuse('stale-claim', {
          detail:
            head.holder && head.holder.id !== session.person
              ? { holder: head.holder.name, since: head.holder.since }
              : {},
        }),
      );
      if (partial) return stale(c, head, t, refusal, form.typed, 409);
      return await opened(c, head, { status: 409, typed: form.typed, notice: sentence(t, refusal) });
    }
    const savedAt = await keepDraft(
      deps,
      session.person,
      { id: head.id, caseId: head.case.id },
      form.claim,
      form.typed,
    );
    if (form.leave) return goTo(c, landingOf(session.role));
    if (!partial) return goTo(c, paths.task(head.id));
    const evidence =
      head.kind === 'assess' || head.kind === 're-evaluate'
        ? await evidenceOf(deps.db, head.case.id, head.case.patientId)
        : undefined;
    c.header('Vary', VARY);
    return c.html(
      fragment(
        <DraftState t={t} savedAt={savedAt} />,
        evidence
          ? instrumentsToFill(head, evidence).map((instrument) => (
              <Partial target={`#score-${instrument.id}`}>
                <ScoreLine
                  t={t}
                  instrument={instrument}
                  typed={form.typed}
                  before={head.kind === 're-evaluate' ? baselineOf(evidence, instrument.id) : undefined}
                />
              </Partial>
            ))
          : null,
      ) as never,
    );
  });

  r.post('/tasks/:id/check', CHECKS, async (c) => {
    const session = signedIn(c);
    const head = await find(c);
    if (head instanceof Response) return head;
    const form = await sent(c, head);
    if (form instanceof Response) return form;
    const unbound = await keyRefusal(deps, session, head.kind, head.id, form.key, aboutOf(head));
    if (unbound) return await refusedPage(c, deps, unbound);
    const read = judged(head, form.typed);
    if ('faults' in read)
      return await opened(c, head, { status: 422, typed: form.typed, faults: read.faults, key: form.key });
    const holds = head.holder?.id === session.person && head.claimNumber === form.claim;
    // Kept under the claim, so that "Change" comes back to exactly this.
    if (holds)
      await keepDraft(deps, session.person, { id: head.id, caseId: head.case.id }, form.claim, form.typed);
    const t = wordsFor(c, deps);
    await disclose(deps, session, 'task', head.case.id);
    const evidence = await evidenceOf(deps.db, head.case.id, head.case.patientId);
    return await pageAnswer(
      c,
      deps,
      {
        title: t.work.checkTitle,
        caseNumber: head.case.number,
        lead: t.work.checkLead(taskWords(t, head.kind, head.discipline), head.case.number),
        back: { href: paths.task(head.id), words: t.work.back },
      },
      <Check
        t={t}
        head={head}
        evidence={evidence}
        typed={form.typed}
        values={read.values as LetterValues}
        parameters={deps.parameters}
        now={deps.now()}
        by={session.name}
        operation={form.key}
        claim={form.claim}
      />,
    );
  });
}
