// Station 1, web: the list of cases and the pages of one case, a section each. Who may see which section is judged here, the
// look is recorded, and only then is anything read.
import type { Context } from 'hono';
import type { Child } from 'hono/jsx';
import { alertStanding, alertsOfCase, openAlerts } from '../../db/views/alerts.ts';
import {
  applicationOf,
  clocksOf,
  decisionsOf,
  findingsOf,
  measurementsOf,
  openTasksOf,
  patientOf,
  planOf,
  relationsOf,
} from '../../db/views/case.ts';
import { caseByNumber, casesByName, casesPage } from '../../db/views/cases.ts';
import { entriesOf, entryCount } from '../../db/views/entries.ts';
import { newestCheckpoint } from '../../db/views/log.ts';
import { acknowledgeRefusal } from '../../domain/alerts.ts';
import { isUuid, readCaseNumber } from '../../domain/ids.ts';
import { ACTIONS, type Action, LIFECYCLE, OUTCOMES, STAGES } from '../../domain/lifecycle.ts';
import { refuse } from '../../domain/refusal.ts';
import { WaitingAlert } from '../alerts/alerts.tsx';
import type { Session, WebDeps, WebEnv } from '../deps.ts';
import { disclose } from '../disclose.ts';
import { offersEvidence } from '../evidence/routes.tsx';
import { fieldsSent } from '../form.ts';
import { signedIn } from '../guard.ts';
import { factsOf, mayAct } from '../my/acts.tsx';
import { endedInOf, myCase } from '../my/my-case.tsx';
import { receiptNote } from '../operations/receipt.tsx';
import { LiveBar } from '../parts/live-bar.tsx';
import { Notice } from '../parts/notice.tsx';
import { type CaseSection, paths } from '../paths.ts';
import { recordRefusal } from '../recorded.ts';
import { goTo, pageAnswer, refusedPage, wordsFor } from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';
import type { Text } from '../text/text.ts';
import {
  CaseHeading,
  Clocks,
  type DutyLine,
  Entries,
  Overview,
  People,
  SectionTabs,
  sectionsFor,
  WhereItIs,
} from './case.tsx';
import { CaseList, FoundByName, listHref } from './list.tsx';
import { Measures } from './measures.tsx';
import { resultRoutes, takesResults } from './results.tsx';
import { caseToSee, type Seen } from './see.tsx';
import { eventOf, shownChanges } from './trail.tsx';
import { organisationOf, taskWords, turnsOf } from './whose-turn.ts';

/** Entries on one page of the trail, and on the overview. */
const TRAIL_PAGE = 25;
const TIMELINE = 12;
/** Names one search may show; each is a look. */
const HITS = 25;
const SIZES = [25, 50, 100];
/** Alerts above a case: one for each instrument that can raise one. */
const ALERTS = 20;

export function caseRoutes(deps: WebDeps): Routes {
  const r = routes(deps);

  r.get('/cases', 'cases.list', async (c) => {
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    const stage = STAGES.find((known) => known === c.req.query('stage'));
    const outcome = ([...OUTCOMES, 'none'] as const).find((known) => known === c.req.query('outcome'));
    const size = SIZES.find((known) => String(known) === c.req.query('rows')) ?? 25;
    const place = placeOf(c.req.query('after'));
    const { rows, total, before, more } = await casesPage(
      deps.db,
      { ...(stage ? { stage } : {}), ...(outcome ? { outcome } : {}) },
      place,
      size,
      deps.now(),
    );
    const last = rows.at(-1);
    const kept = {
      stage: stage ?? '',
      outcome: outcome ?? '',
      rows: size === 25 ? '' : String(size),
    };
    return await pageAnswer(
      c,
      deps,
      { title: t.cases.title, lead: t.queue.recordHint },
      <CaseList
        t={t}
        deps={deps}
        person={session.person}
        rows={rows}
        query={{ stage: kept.stage, outcome: kept.outcome, size }}
        total={total}
        before={before}
        nextHref={more && last ? listHref({ ...kept, after: `${last.changedAt}_${last.id}` }) : undefined}
      />,
    );
  });

  r.post('/cases/find', 'cases.list', async (c) => {
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    const fields = await fieldsSent(c, deps, { one: ['what'] });
    if (fields instanceof Response) return fields;
    const what = fields.get('what').trim().slice(0, 200);
    const number = readCaseNumber(what);
    const hit = number ? await caseByNumber(deps.db, number) : undefined;
    if (hit) return goTo(c, paths.case(hit.id));
    if (what === '') return goTo(c, paths.cases);
    const { rows, more } = await casesByName(deps.db, what, HITS, deps.now());
    for (const row of rows) await disclose(deps, session, 'find', row.id);
    return await pageAnswer(
      c,
      deps,
      { title: t.finder.title, back: { href: paths.cases, words: t.cases.title } },
      <FoundByName t={t} deps={deps} person={session.person} rows={rows} more={more} asked={what} />,
    );
  });

  const section = (
    path: string,
    name: CaseSection,
    body: (c: Context<WebEnv>, seen: Seen) => Promise<{ body: Child; count?: number }>,
  ) =>
    r.get(path, ['case.see', 'case.see-own'], async (c) => {
      const session = signedIn(c);
      const seen = await caseToSee(c, deps, session, name);
      if (seen instanceof Response) return seen;
      if (!sectionsFor(seen).includes(name)) return await sectionRefused(c, deps, session, seen, name);
      const { body: shown, count } = await body(c, seen);
      return await sectionPage(c, deps, seen, name, shown, count);
    });

  r.get('/cases/:id', ['case.see', 'case.see-own'], async (c) => {
    const session = signedIn(c);
    const seen = await caseToSee(c, deps, session, 'overview');
    if (seen instanceof Response) return seen;
    const t = wordsFor(c, deps);
    if (seen.own)
      return await pageAnswer(
        c,
        deps,
        {
          title: t.case.title(seen.head.number),
          caseNumber: seen.head.number,
          lead: t.my.lead,
          back: {
            href: paths.my,
            words: session.role === 'referrer' ? t.navigation.applications : t.navigation.my,
          },
          ...(session.role === 'referrer' ? {} : { audience: 'patient' as const }),
        },
        await myCase(deps, t, seen),
      );
    const { body } = await overview(deps, t, seen);
    return await sectionPage(c, deps, seen, 'overview', body);
  });

  section('/cases/:id/measures', 'measures', async (c, { head, session }) => {
    const [rows, application, alerts] = await Promise.all([
      measurementsOf(deps.db, head.id),
      applicationOf(deps.db, head.id),
      alertsOfCase(deps.db, head.id),
    ]);
    return {
      body: (
        <Measures
          t={wordsFor(c, deps)}
          rows={rows}
          reasonCode={application?.reasonCode ?? null}
          alerts={alerts}
          reader={session.person}
        />
      ),
    };
  });

  section('/cases/:id/people', 'people', async (c, seen) => {
    const lines = await dutyLines(c, deps, seen);
    return { body: <People t={wordsFor(c, deps)} lines={lines} />, count: lines.length };
  });

  section('/cases/:id/clocks', 'clocks', async (c, { head }) => ({
    body: <Clocks t={wordsFor(c, deps)} clocks={await clocksOf(deps.db, head.id)} deps={deps} />,
  }));

  section('/cases/:id/entries', 'entries', async (c, seen) => {
    const t = wordsFor(c, deps);
    const { head } = seen;
    const asked = /^\d{1,9}$/.test(c.req.query('before') ?? '') ? Number(c.req.query('before')) : undefined;
    const [entries, total] = await Promise.all([
      entriesOf(
        deps.db,
        {
          subject: { kind: 'case', id: head.id },
          ...(asked === undefined ? {} : { beforeVersion: asked }),
        },
        TRAIL_PAGE,
      ),
      entryCount(deps.db, 'case', head.id),
    ]);
    const details = await shownChanges(deps, head.id, entries, seen.clinical);
    const oldest = entries.at(-1)?.subject.version ?? 1;
    const here = paths.case(head.id, 'entries');
    return {
      body: (
        <Entries
          t={t}
          total={total}
          events={entries.map((row) =>
            eventOf(t, row, {
              clinical: seen.clinical,
              reader: seen.session.person,
              details: details.get(row.id),
            }),
          )}
          olderHref={oldest > 1 ? `${here}?before=${oldest}` : undefined}
          newestHref={asked === undefined ? undefined : here}
        />
      ),
      count: total,
    };
  });

  resultRoutes(r, deps);
  return r;
}

/** A place in the list as an address spells it. */
function placeOf(text: string | undefined): { changedAt: string; id: string } | undefined {
  const [changedAt = '', id = ''] = (text ?? '').split('_');
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/.test(changedAt) &&
    !Number.isNaN(Date.parse(changedAt)) &&
    isUuid(id)
    ? { changedAt, id }
    : undefined;
}

async function overview(deps: WebDeps, t: Text, seen: Seen): Promise<{ body: Child }> {
  const { head } = seen;
  const [entries, clocks, tasks, patient, application, { plan, held }, measurements, findings] =
    await Promise.all([
      entriesOf(deps.db, { subject: { kind: 'case', id: head.id } }, TIMELINE),
      clocksOf(deps.db, head.id),
      openTasksOf(deps.db, head.id, deps.now()),
      patientOf(deps.db, head.patientId),
      applicationOf(deps.db, head.id),
      planOf(deps.db, head.id),
      seen.clinical ? measurementsOf(deps.db, head.id) : [],
      seen.clinical ? findingsOf(deps.db, head.id) : [],
    ]);
  return {
    body: (
      <Overview
        t={t}
        seen={seen}
        deps={deps}
        events={entries.map((row) =>
          eventOf(t, row, { clinical: seen.clinical, reader: seen.session.person }),
        )}
        turns={turnsOf(t, tasks, seen.own, seen.session.person)}
        clocks={clocks}
        patient={patient}
        application={application}
        plan={plan}
        held={held}
        measurements={measurements}
        findings={findings}
      />
    ),
  };
}

/** The frame that every section has in common. */
async function sectionPage(
  c: Context<WebEnv>,
  deps: WebDeps,
  seen: Seen,
  section: CaseSection,
  body: Child,
  count?: number,
): Promise<Response> {
  const t = wordsFor(c, deps);
  const { head, session } = seen;
  const [clocks, tasks, patient, decisions, facts] = await Promise.all([
    clocksOf(deps.db, head.id),
    openTasksOf(deps.db, head.id, deps.now()),
    patientOf(deps.db, head.patientId),
    decisionsOf(deps.db, head.id),
    factsOf(deps, head),
  ]);
  const checkpoint = await newestCheckpoint(deps.db);
  const turns = turnsOf(t, tasks, seen.own, session.person);
  const mine = turns.find(({ yours, task }) => yours && task.holder);
  const done = ACTIONS.find((action) => action === c.req.query('done')) as Action | undefined;
  const patientPage = seen.own !== undefined && seen.own !== 'referrer';
  return await pageAnswer(
    c,
    deps,
    {
      title: section === 'overview' ? t.case.title(head.number) : t.case.sections[section],
      caseNumber: head.number,
      heading: <CaseHeading number={head.number} patient={patient} />,
      lead: (
        <>
          {t.stages[head.stage]}
          {head.round > 1 ? `, ${t.case.round(head.round)}` : ''}
          {seen.own ? null : (
            <>
              <br />
              <span class="meta">{t.case.recorded}</span>
            </>
          )}
        </>
      ),
      back: seen.own
        ? { href: paths.case(head.id), words: t.case.title(head.number) }
        : { href: paths.cases, words: t.cases.title },
      actions: (
        <>
          {section === 'overview' && !seen.own ? (
            <LiveBar
              t={t}
              topic="case"
              about={{ case: head.id }}
              after={checkpoint.size}
              asOf={deps.now()}
              here={paths.case(head.id)}
            />
          ) : null}
          {mine ? (
            <a class="button primary" href={paths.task(mine.task.id)}>
              {t.case.openTask}
            </a>
          ) : null}
          {mine && takesResults(mine.task.kind) ? (
            <a class="button" href={paths.importResults(head.id)}>
              {t.resultsIn.link}
            </a>
          ) : null}
          {offersEvidence(deps, session.role) ? (
            <a class="button" href={paths.evidence(head.id)} download="">
              {t.report.link}
            </a>
          ) : null}
          {!seen.own && !mayAct(seen, facts, 'reopen') ? (
            <a class="button" href={paths.act(head.id, 'reopen')}>
              {t.actions.reopen}
            </a>
          ) : null}
        </>
      ),
      ...(patientPage ? { audience: 'patient' as const } : {}),
    },
    <div class="stack">
      {done ? (
        <Notice tone="good">
          <p>{t.done[done](head.number)}</p>
          {await receiptNote(deps, t, session, c.req.query('receipt'))}
        </Notice>
      ) : null}
      {await waitingAlerts(deps, t, seen)}
      <WhereItIs
        t={t}
        seen={seen}
        turns={turns}
        clocks={clocks}
        deps={deps}
        endedIn={endedInOf(head.stage, head.outcome, decisions)}
      />
      <SectionTabs
        t={t}
        seen={seen}
        section={section}
        {...(count === undefined ? {} : { counts: { [section]: count } })}
      />
      {body}
    </div>,
  );
}

/** Safety alerts of the case that nobody has taken up; for staff who see what was found. */
async function waitingAlerts(deps: WebDeps, t: Text, { head, session, clinical, own }: Seen): Promise<Child> {
  if (!clinical || own) return null;
  const { rows } = await openAlerts(deps.db, { caseId: head.id }, ALERTS);
  if (rows.length === 0) return null;
  const now = deps.now();
  const standing = await alertStanding(deps.db, head.id, session.person, now);
  const may = !acknowledgeRefusal({ role: session.role, lead: standing.lead }, standing);
  return rows.map((alert) => (
    <WaitingAlert t={t} parameters={deps.parameters} now={now} alert={alert} act={may ? 'offer' : 'others'} />
  ));
}

/** A section this reader does not have: said, and recorded. */
async function sectionRefused(
  c: Context<WebEnv>,
  deps: WebDeps,
  session: Session,
  seen: Seen,
  section: CaseSection,
): Promise<Response> {
  const refusal = refuse('wrong-role', { detail: { action: `case.${section}` } });
  await recordRefusal(deps.recorder, `refusal-${c.var.requestId}`, session, 'case.see', refusal, {
    caseId: seen.head.id,
  });
  return await refusedPage(
    c,
    deps,
    refusal,
    <p>
      <a href={paths.case(seen.head.id)}>{wordsFor(c, deps).errors.toCase}</a>
    </p>,
  );
}

/** Everybody who stands in a relation to the case, did something in it, or has to act now. */
async function dutyLines(c: Context<WebEnv>, deps: WebDeps, seen: Seen): Promise<DutyLine[]> {
  const t = wordsFor(c, deps);
  const { head, session } = seen;
  const [relations, decisions, tasks] = await Promise.all([
    relationsOf(deps.db, head.id),
    decisionsOf(deps.db, head.id),
    openTasksOf(deps.db, head.id, deps.now()),
  ]);
  const now = tasks.map((task): DutyLine => {
    const organisation = organisationOf(task.kind);
    return {
      id: `task-${task.id}`,
      what: taskWords(t, task),
      who: task.holder
        ? {
            name: task.holder.name,
            organisation: task.holder.organisation ?? undefined,
            you: task.holder.id === session.person,
          }
        : {
            name: organisation
              ? t.organisations[organisation]
              : t.list(
                  LIFECYCLE[task.kind].roles
                    .filter((role) => relations.some(({ relation }) => relation === role))
                    .map((role) => t.roles[role]),
                ),
          },
      since: task.openedAt,
      now: true,
    };
  });
  const related = relations.map(
    (one): DutyLine => ({
      id: `relation-${one.relation}-${one.person}`,
      what: t.relations[one.relation],
      who: {
        name: one.name,
        organisation: one.organisation ?? undefined,
        you: one.person === session.person,
      },
      since: one.since,
      now: false,
    }),
  );
  const held = decisions
    .filter(({ role }) => role !== 'service')
    .map(
      (one): DutyLine => ({
        id: `decision-${one.id}`,
        what: t.actions[one.action as Action] ?? one.action,
        who: {
          name: one.by.name ?? undefined,
          role: one.role === 'service' ? undefined : one.role,
          organisation: one.by.organisation ?? undefined,
          you: one.by.id === session.person,
        },
        since: one.at,
        now: false,
      }),
    );
  return [...now, ...related, ...held];
}
