// Station 1, web: a task as whoever may do it sees it: found by its address, opened, over, or refused with the reason. Opening is a
// recorded look, and so is every refusal; somebody else's task looks like none.
import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import type { Child } from 'hono/jsx';
import { actorOf } from '../../db/views/queue.ts';
import { evidenceOf, type TaskHead, taskHead } from '../../db/views/task.ts';
import { isUuid } from '../../domain/ids.ts';
import { LIFECYCLE, refusalOf, TASK_KINDS } from '../../domain/lifecycle.ts';
import { isStaff } from '../../domain/permissions.ts';
import { type FieldFault, RECORDED_REFUSALS, type Refusal, refuse } from '../../domain/refusal.ts';
import type { Role } from '../../domain/roles.ts';
import { operationKey } from '../acting.tsx';
import type { Session, WebDeps, WebEnv } from '../deps.ts';
import { disclose } from '../disclose.ts';
import { signedIn } from '../guard.ts';
import { faultWords } from '../parts/error-summary.tsx';
import { Notice } from '../parts/notice.tsx';
import { landingOf, paths } from '../paths.ts';
import { recordRefusal } from '../recorded.ts';
import { pageAnswer, refusedPage, wordsFor } from '../respond.tsx';
import type { Text } from '../text/text.ts';
import { draftOf } from './drafts.ts';
import type { Typed } from './fields.ts';
import { questionsOf } from './forms.tsx';
import { claimKey } from './keys.ts';
import { HolderActs, Kept, PatientLine, TaskBody } from './task.tsx';
import { taskWords, withNames } from './words.ts';

/** Whoever may do any kind of task may ask for one; which of them is judged with the task in hand. */
export const WORK = TASK_KINDS;

/** What a page of the task shows besides what was stored. */
export interface Showing {
  readonly status?: 200 | 403 | 409 | 422 | 503;
  readonly typed?: Typed;
  readonly faults?: readonly FieldFault[];
  readonly key?: string;
  readonly notice?: Child;
}

/** Finds tasks and answers with their pages. */
export function opening(deps: WebDeps) {
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
    const faults = faultWords(t, showing.faults ?? [], questionsOf(t, head.kind));
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
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    return await pageAnswer(
      c,
      deps,
      {
        title: taskWords(t, head.kind, head.discipline),
        caseNumber: head.case.number,
        back: backOf(c, t, session),
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
            <strong>
              {head.case.number}
              {t.marks.stop}
            </strong>{' '}
            {!head.doneBy
              ? t.work.taskGone
              : head.doneBy.id === session.person
                ? t.work.taskOverYou(t.dateTime(head.doneBy.at))
                : t.work.taskOver(head.doneBy.name, t.dateTime(head.doneBy.at))}
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

  return { find, refused, opened };
}
export type Opening = ReturnType<typeof opening>;
