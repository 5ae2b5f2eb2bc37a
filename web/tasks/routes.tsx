// Station 1, web: a task: opening it, claiming it, handing it back, keeping a draft, checking and deciding. Opening is a recorded
// look; a claim is one atomic write; a decision is asked of the case and answered as it came: done, refused, not known yet.
import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import type { Child } from 'hono/jsx';
import { actorOf, queuePage } from '../../db/views/queue.ts';
import { evidenceOf, type TaskHead, taskHead } from '../../db/views/task.ts';
import { type ActInput, readActValues } from '../../domain/acts.ts';
import { needsSignature } from '../../domain/events.ts';
import { isUuid } from '../../domain/ids.ts';
import { claimRefusal, LIFECYCLE, refusalOf, TASK_KINDS, type TaskKind } from '../../domain/lifecycle.ts';
import { isStaff } from '../../domain/permissions.ts';
import { type FieldFault, isRefusal, RECORDED_REFUSALS, type Refusal, refuse } from '../../domain/refusal.ts';
import type { Role } from '../../domain/roles.ts';
import type { SignedAct } from '../../ledger/envelope.ts';
import type { Done } from '../../workflows/messages.ts';
import { keyRefusal, operationKey } from '../acting.tsx';
import type { Session, WebDeps, WebEnv } from '../deps.ts';
import { disclose } from '../disclose.ts';
import { readForm, takeFields } from '../form.ts';
import { signedIn } from '../guard.ts';
import { fragment, Hidden, noticePartial, Partial, TitleOf, VARY, wantsFragment } from '../layout.tsx';
import { outcomeOf } from '../operations/done.tsx';
import { ErrorSummary, faultWords } from '../parts/error-summary.tsx';
import { Notice } from '../parts/notice.tsx';
import { StaleNotice } from '../parts/stale-notice.tsx';
import { StillWorking } from '../parts/still-working.tsx';
import { landingOf, paths } from '../paths.ts';
import { QueueRowPart } from '../queue/queue.tsx';
import { queueAsk, rowFrame } from '../queue/routes.tsx';
import { claimTask, handBackTask, recordRefusal } from '../recorded.ts';
import {
  goTo,
  pageAnswer,
  refusalStatus,
  refusalWords,
  refusedPage,
  tooLarge,
  unavailable,
  wordsFor,
} from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';
import { beginSigning } from '../session.ts';
import { dropPrepared, type Prepared, prepare, preparedOf, signedBy } from '../signatures/prepared.ts';
import { Sign } from '../signatures/sign.tsx';
import { mustConfirm, signView } from '../signatures/view.tsx';
import type { Text } from '../text/text.ts';
import { Check, TypedHidden } from './check.tsx';
import { draftOf, dropDraft, keepDraft } from './drafts.ts';
import { fieldNames, formFaults, measuringFaults, type Typed, valuesTyped } from './fields.ts';
import { baselineOf, CHECKED, DraftState, instrumentsToFill, TaskForm } from './forms.tsx';
import { ScoreLine } from './instruments.tsx';
import { claimKey, claimKeyRefusal } from './keys.ts';
import type { LetterValues } from './letter.tsx';
import { HolderActs, Kept, keptText, PatientLine, TaskBody } from './task.tsx';
import { taskWords, withNames } from './words.ts';

/** Whoever may do any kind of task may ask for one; which of them is judged with the task in hand. */
const WORK = TASK_KINDS;
const CHECKS = TASK_KINDS.filter((kind) => CHECKED.has(kind));

/** A form of a task as it came in, or the answer to what could not be read. */
interface Sent {
  readonly key: string;
  readonly claim: number;
  readonly typed: Typed;
  readonly leave: boolean;
  /** The signature under the statement of this key, where the act needs one. */
  readonly signature?: { readonly certificate: string; readonly signature: string };
}

export function taskRoutes(deps: WebDeps): Routes {
  const r = routes(deps);

  // ---- Opening

  r.get('/tasks/:id', WORK, async (c) => {
    const head = await find(c);
    if (head instanceof Response) return head;
    return await opened(c, head, {});
  });

  /** The task of the address, when this person's role has to do with it; otherwise the answer, recorded. */
  async function find(c: Context<WebEnv>): Promise<TaskHead | Response> {
    const session = signedIn(c);
    const id = c.req.param('id') ?? '';
    const unknown = async (code: 'unknown' | 'not-related', caseId?: string) => {
      await recordRefusal(deps.recorder, `refusal-${randomUUID()}`, session, 'task.open', refuse(code), {
        ...(isUuid(id) ? { taskId: id } : {}),
        ...(caseId ? { caseId } : {}),
      });
      // Somebody else's task looks like none.
      return await refusedPage(c, deps, refuse('unknown'));
    };
    const head = isUuid(id) ? await taskHead(deps.db, id, deps.now()) : undefined;
    if (!head) return await unknown('unknown');
    const rule = LIFECYCLE[head.kind];
    const related = head.facts.relations.some(
      ({ person, relation }) => person === session.person && relation === session.role,
    );
    if (!isStaff(session.role) && !(rule.related && related))
      return await unknown('not-related', head.case.id);
    if (!(rule.roles as readonly Role[]).includes(session.role))
      return await refused(c, head, refuse('wrong-role', { detail: { action: head.kind } }));
    return head;
  }

  /** A refusal of the web's own, recorded where an auditor would ask, with the way to the case. */
  async function refused(
    c: Context<WebEnv>,
    head: TaskHead,
    refusal: Refusal,
    more?: Child,
  ): Promise<Response> {
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    if (RECORDED_REFUSALS.has(refusal.code))
      await recordRefusal(deps.recorder, `refusal-${randomUUID()}`, session, head.kind, refusal, {
        caseId: head.case.id,
        taskId: head.id,
      });
    return await refusedPage(
      c,
      deps,
      await withNames(deps, t, refusal),
      <div class="stack">
        <p>
          <a href={paths.case(head.case.id)}>
            {t.work.seeCase} {head.case.number}
          </a>
        </p>
        {more}
      </div>,
    );
  }

  /** What a page of the task shows besides what was stored. */
  interface Showing {
    readonly status?: 200 | 403 | 409 | 422 | 503;
    readonly typed?: Typed;
    readonly faults?: readonly FieldFault[];
    readonly key?: string;
    readonly notice?: Child;
  }

  /** The task's page: for whoever may do it; what was typed or drafted stands in the form. */
  async function opened(c: Context<WebEnv>, head: TaskHead, showing: Showing): Promise<Response> {
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    const draft = await draftOf(deps, session.person, { id: head.id, caseId: head.case.id });
    const typed = showing.typed ?? draft?.typed ?? {};
    if (head.status !== 'open') return await over(c, head, typed, showing);
    const actor = await actorOf(deps.db, session.person, session.role);
    const refusal = refusalOf(head.facts, actor, head.kind, head);
    if (refusal) return await refused(c, head, refusal, <Kept t={t} typed={typed} />);
    await disclose(deps, session, 'task', head.case.id);
    const evidence = await evidenceOf(deps.db, head.case.id, head.case.patientId);
    const claimless = LIFECYCLE[head.kind].related === true;
    const mine = head.holder?.id === session.person;
    const faults = faultWords(t, showing.faults ?? []);
    return await pageAnswer(
      c,
      deps,
      {
        title: taskWords(t, head.kind, head.discipline),
        caseNumber: head.case.number,
        lead: (
          <>
            <span class="figures">{head.case.number}</span> <PatientLine t={t} evidence={evidence} />
          </>
        ),
        back: backOf(c, t, session),
        faults,
        actions: (
          <HolderActs
            t={t}
            head={head}
            person={session.person}
            handBackKey={claimKey(deps, session.person, 'task.hand-back', head.id)}
          />
        ),
        ...(claimless ? { audience: 'patient' as const } : {}),
      },
      <TaskBody
        t={t}
        head={head}
        evidence={evidence}
        parameters={deps.parameters}
        now={deps.now()}
        person={session.person}
        state={
          mine || claimless
            ? {
                typed,
                faults,
                key: showing.key ?? operationKey(deps, session.person, head.kind, head.id),
                claim: claimless ? 0 : head.claimNumber,
                savedAt: showing.typed ? undefined : draft?.savedAt,
              }
            : undefined
        }
        claimKey={head.holder ? undefined : claimKey(deps, session.person, 'task.claim', head.id)}
        notice={showing.notice}
        kept={typed}
      />,
      showing.status ?? 200,
    );
  }

  /** A task that nobody does any more: who did it, and what this person had typed. */
  async function over(
    c: Context<WebEnv>,
    head: TaskHead,
    typed: Typed,
    { status, notice }: Showing,
  ): Promise<Response> {
    const t = wordsFor(c, deps);
    return await pageAnswer(
      c,
      deps,
      {
        title: taskWords(t, head.kind, head.discipline),
        caseNumber: head.case.number,
        back: backOf(c, t, signedIn(c)),
      },
      <div class="stack">
        {notice}
        <Notice
          tone={head.status === 'done' ? 'good' : 'quiet'}
          actions={
            <a class="button" href={paths.case(head.case.id)}>
              {t.work.seeCase}
            </a>
          }
        >
          <p>
            <strong>{head.case.number}.</strong>{' '}
            {head.doneBy ? t.work.taskOver(head.doneBy.name, t.dateTime(head.doneBy.at)) : t.work.taskGone}
          </p>
        </Notice>
        <Kept t={t} typed={typed} />
      </div>,
      status ?? 200,
    );
  }

  /** Back to the list this person came from, with its query; else to their own. */
  function backOf(c: Context<WebEnv>, t: Text, session: Session): { href: string; words: string } {
    const home = landingOf(session.role);
    const words =
      home === paths.day ? t.navigation.day : home === paths.my ? t.navigation.my : t.navigation.queue;
    const from = c.req.header('referer') ?? '';
    if (URL.canParse(from)) {
      const { origin, pathname, search } = new URL(from);
      // Only an address of our own list, and only its path: nothing else of a header reaches a page.
      if (
        origin === deps.settings.publicUrl.origin &&
        pathname === paths.queue &&
        !/done=|back=/.test(search)
      )
        return { href: `${paths.queue}${search}`, words: t.navigation.queue };
    }
    return { href: home, words };
  }

  // ---- Claiming and handing back

  r.post('/tasks/:id/claim', 'task.claim', async (c) => {
    const session = signedIn(c);
    const fields = await small(c, ['key', 'from']);
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
        : goTo(c, paths.task(head.id));
    return await claimRefused(c, head, answer, fields.get('from') === 'queue');
  });

  r.post('/tasks/:id/hand-back', 'task.hand-back', async (c) => {
    const session = signedIn(c);
    const fields = await small(c, ['key', 'claim', 'from']);
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

  /** A short form of named fields. */
  async function small(c: Context<WebEnv>, one: readonly string[]) {
    const form = await readForm(c);
    if (form === 'too-large') return await tooLarge(c, deps);
    if (isRefusal(form)) return await refusedPage(c, deps, form);
    const fields = takeFields(form, { one });
    return isRefusal(fields) ? await refusedPage(c, deps, fields) : fields;
  }

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

  // ---- Forms

  /** Reads a task's form: its key, its claim number and the fields of its kind; anything else is refused (A4). */
  async function sent(c: Context<WebEnv>, head: TaskHead): Promise<Sent | Response> {
    const form = await readForm(c);
    if (form === 'too-large') return await tooLarge(c, deps);
    if (isRefusal(form)) return await refusedPage(c, deps, form);
    const { one, many } = fieldNames(head.kind, head.discipline);
    const fields = takeFields(form, { one: ['key', 'claim', 'leave', ...one], many });
    if (isRefusal(fields)) return await refusedPage(c, deps, fields);
    return {
      key: fields.get('key'),
      claim: numberOf(fields.get('claim')),
      leave: fields.has('leave'),
      typed: Object.fromEntries(
        [...one, ...many].filter((name) => fields.has(name)).map((name) => [name, fields.all(name)]),
      ),
    };
  }

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

  // ---- Signing

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
    const fields = await small(c, ['key', 'claim', 'certificate', 'signature']);
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
    )
      return await opened(c, head, { status: 409, notice: sentence(t, refuse('statement-old')) });
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

  r.post('/tasks/:id/decide', WORK, async (c) => {
    const session = signedIn(c);
    const head = await find(c);
    if (head instanceof Response) return head;
    if (needsSignature(head.kind)) return await decideSigned(c, head);
    const form = await sent(c, head);
    if (form instanceof Response) return form;
    const unbound = await keyRefusal(deps, session, head.kind, head.id, form.key, aboutOf(head));
    if (unbound) return await refusedPage(c, deps, unbound);
    const read = judged(head, form.typed);
    if ('faults' in read) return await corrected(c, head, form, read.faults);
    return await decided(c, head, form, read.values, undefined, (notice) =>
      opened(c, head, { status: 503, typed: form.typed, key: form.key, notice }),
    );
  });

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
    const words = faultWords(t, faults);
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
            words={refusalWords(t, refusal)}
            kept={keptText(typed) || undefined}
            caseHref={paths.task(head.id)}
          />
        </Partial>,
      ) as never,
      status,
    );
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

  return r;
}

function NobodyThere({ t, request }: { t: Text; request: string }) {
  return (
    <Notice tone="late">
      <p>
        <strong>{t.errors.downTitle}.</strong> {t.errors.down}
      </p>
      <p class="meta">{t.words.requestNumber(request)}</p>
    </Notice>
  );
}

const aboutOf = (head: TaskHead) => ({ caseId: head.case.id, taskId: head.id });

const sentence = (t: Text, refusal: Refusal): Child => (
  <Notice tone="late">
    <p>{refusalWords(t, refusal)}</p>
  </Notice>
);

/** A claim number as a form sends it; what is none holds nothing. */
const numberOf = (text: string): number => (/^\d{1,9}$/.test(text) ? Number(text) : -1);

/** The values of a form, or its faults under the form's own names. */
function judged(head: TaskHead, typed: Typed): { values: unknown } | { faults: FieldFault[] } {
  const read = readActValues(head.kind, valuesTyped(head.kind, head.discipline, typed));
  const faults = [
    ...('faults' in read ? read.faults : []),
    ...measuringFaults(head.kind, head.discipline, typed),
  ];
  return faults.length > 0 || 'faults' in read ? { faults: formFaults(faults) } : { values: read.values };
}
