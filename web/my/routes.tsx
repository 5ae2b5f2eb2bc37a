// Station 1, web: what belongs to people who are in a case themselves: their cases, who looked, and their acts.
import { casesOf, looksAt } from '../../db/views/case.ts';
import { ACTIONS, type Action } from '../../domain/lifecycle.ts';
import { allows } from '../../domain/permissions.ts';
import { RELATIONS } from '../../domain/roles.ts';
import { DraftList } from '../apply/apply.tsx';
import { draftsOf } from '../apply/drafts.ts';
import type { DraftContent } from '../apply/record-draft.ts';
import { caseToSee } from '../cases/see.tsx';
import type { WebDeps } from '../deps.ts';
import { disclose } from '../disclose.ts';
import { signedIn } from '../guard.ts';
import { receiptNote } from '../operations/receipt.tsx';
import { Notice } from '../parts/notice.tsx';
import { paths } from '../paths.ts';
import { pageAnswer, wordsFor } from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';
import { actForms } from './acts.tsx';
import { letterRoute } from './letter.tsx';
import { Looks, MyActs, MyList } from './my.tsx';
import { myCase } from './my-case.tsx';

/** Rows of the list of looks on its own page. */
const LOOKS = 500;

export function myRoutes(deps: WebDeps): Routes {
  const r = routes(deps);

  r.get('/my', 'case.see-own', async (c) => {
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    const relations = RELATIONS.filter((relation) => relation === session.role);
    const cases = await casesOf(deps.db, session.person, relations);
    const referrer = session.role === 'referrer';
    const done = ACTIONS.find((action) => action === c.req.query('done')) as Action | undefined;
    const about = cases.find(({ id }) => id === c.req.query('case'));
    const notice =
      done && about ? (
        <Notice tone="good">
          <p>{t.done[done](about.number)}</p>
          {await receiptNote(deps, t, session, c.req.query('receipt'))}
        </Notice>
      ) : null;
    const [only] = cases;
    if (only && cases.length === 1 && !referrer) {
      const body = await myCase(deps, t, {
        head: only,
        session,
        own: relations[0],
        clinical: session.role !== 'supporter',
      });
      return await pageAnswer(
        c,
        deps,
        {
          title: t.my.title,
          heading: (
            <>
              {t.my.title} <span class="soft nowrap">{only.number}</span>
            </>
          ),
          lead: t.my.lead,
          caseNumber: only.number,
          audience: 'patient',
        },
        <>
          {notice}
          {body}
        </>,
      );
    }
    // Names of several people on one page: one look at all of them.
    if (cases.length > 0 && session.role !== 'patient') await disclose(deps, session, 'cases', null);
    const drafts = allows(session.role, 'application.import')
      ? await draftsOf<DraftContent>(deps, session.person)
      : [];
    return await pageAnswer(
      c,
      deps,
      {
        title: referrer ? t.my.titleApplications : t.my.titleMany,
        ...(referrer ? {} : { audience: 'patient' as const }),
        actions: (
          <MyActs
            t={t}
            apply={allows(session.role, 'submit-application')}
            importing={allows(session.role, 'application.import')}
          />
        ),
      },
      <>
        {notice}
        <MyList
          t={t}
          cases={cases}
          referrer={session.role !== 'patient'}
          drafts={drafts.length > 0 ? <DraftList t={t} drafts={drafts} /> : undefined}
        />
      </>,
    );
  });

  r.get('/cases/:id/access', ['case.see-own', 'case.see'], async (c) => {
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    const seen = await caseToSee(c, deps, session, 'access');
    if (seen instanceof Response) return seen;
    const { looks } = await looksAt(deps.db, seen.head.id, LOOKS);
    return await pageAnswer(
      c,
      deps,
      {
        title: t.my.looked,
        caseNumber: seen.head.number,
        lead: t.my.lookedLead,
        back: { href: seen.own ? paths.my : paths.case(seen.head.id), words: t.case.title(seen.head.number) },
        ...(seen.own && seen.own !== 'referrer' ? { audience: 'patient' as const } : {}),
      },
      looks.length > 0 ? <Looks t={t} looks={looks} /> : <p>{t.my.lookedNone}</p>,
    );
  });

  letterRoute(r, deps);
  actForms(r, deps);
  return r;
}
