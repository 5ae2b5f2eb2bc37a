// Station 1, web: my day, for therapists and doctors. Gathers what this person may do now from the queue's own rules; shows
// initials, so the look is recorded before. Writes nothing else.
import { openAlerts } from '../../db/views/alerts.ts';
import { initialsOf, recordedSince, treatmentOf } from '../../db/views/day.ts';
import { queueCount, queuePage } from '../../db/views/queue.ts';
import { answersForAll } from '../../domain/alerts.ts';
import { localDateAt, startOfDay } from '../../domain/calendar.ts';
import type { WebDeps } from '../deps.ts';
import { disclose } from '../disclose.ts';
import { signedIn } from '../guard.ts';
import { doneNotice } from '../operations/done.tsx';
import { queueAsk } from '../queue/routes.tsx';
import { pageAnswer, wordsFor } from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';
import { claimKey } from '../tasks/keys.ts';
import { Day } from './day.tsx';

const DAY = 86_400_000;
/** Most alerts on the page; the longest waiting stand first. */
const ALERTS = 20;
/** Most sessions and other tasks on the page; the queue has the rest. */
const SESSIONS = 30;
const OTHERS = 8;

export function dayRoutes(deps: WebDeps): Routes {
  const r = routes(deps);

  r.get('/day', 'day.see', async (c) => {
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    const ask = await queueAsk(deps, session);
    const { now, actor } = ask;
    const therapist = session.role === 'therapist';
    const { zone } = deps.parameters.calendar;
    const midnight = new Date(startOfDay(localDateAt(now.getTime(), zone), zone)).toISOString();
    const weekAgo = new Date(now.getTime() - 7 * DAY).toISOString();
    const [sessions, mine, open, openTotal, sessionTotal, recorded, alerts] = await Promise.all([
      therapist ? queuePage(deps.db, { ...ask, filters: { kind: 'record-session' } }, 'open', SESSIONS) : [],
      queuePage(deps.db, ask, 'mine', 50),
      queuePage(deps.db, { ...ask, filters: { who: 'nobody' } }, 'open', SESSIONS + OTHERS),
      queueCount(deps.db, { ...ask, filters: { who: 'nobody' } }, 'open'),
      queueCount(deps.db, { ...ask, filters: { who: 'nobody', kind: 'record-session' } }, 'open'),
      recordedSince(deps.db, session.person, midnight),
      openAlerts(deps.db, answersForAll(actor) ? 'all' : { person: session.person, now }, ALERTS),
    ]);
    const offered = sessions.filter((row) => row.refusal === undefined);
    const cases = [...new Set(offered.map((row) => row.caseId))];
    if (cases.length > 0 || alerts.rows.length > 0) await disclose(deps, session, 'day', null);
    const [initials, treatment] = await Promise.all([
      initialsOf(deps.db, cases),
      treatmentOf(deps.db, cases, weekAgo),
    ]);
    const free = open.filter((row) => row.refusal === undefined && row.kind !== 'record-session');
    return await pageAnswer(
      c,
      deps,
      { title: t.day.title, lead: t.date(now) },
      <Day
        t={t}
        person={session.person}
        parameters={deps.parameters}
        now={now}
        alerts={alerts.rows}
        alertsTotal={alerts.total}
        sessions={offered}
        initials={initials}
        treatment={treatment}
        toFinish={mine.filter((row) => row.kind !== 'record-session')}
        free={free.slice(0, OTHERS)}
        freeTotal={Math.max(openTotal - sessionTotal, free.length)}
        recorded={recorded}
        claimKey={(task) => claimKey(deps, session.person, 'task.claim', task)}
        notice={await doneNotice(deps, t, session, c.req.query('done'), alerts.rows)}
        therapist={therapist}
      />,
    );
  });

  return r;
}
