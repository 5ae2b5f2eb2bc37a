// Station 1, web: the page where a safety alert is acknowledged. Whoever comes second, or may not, is told so in place of the
// form; the transaction judges it again. The look at the case is recorded before anything is shown.
import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import type { Child } from 'hono/jsx';
import { alertStanding, alertsOfCase, openAlerts } from '../../db/views/alerts.ts';
import { acknowledgeRefusal, readAcknowledgement } from '../../domain/alerts.ts';
import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import { keyRefusal, operationKey } from '../acting.tsx';
import { caseToSee, type Seen } from '../cases/see.tsx';
import type { WebDeps, WebEnv } from '../deps.ts';
import { fieldsSent } from '../form.ts';
import { signedIn } from '../guard.ts';
import { type FaultWords, faultWords } from '../parts/error-summary.tsx';
import { Notice } from '../parts/notice.tsx';
import { paths } from '../paths.ts';
import { acknowledgeAlert, recordRefusal } from '../recorded.ts';
import { goTo, pageAnswer, refusalStatus, refusalWords, refusedPage, wordsFor } from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';
import { withNames } from '../tasks/words.ts';
import { AcknowledgeForm, TakenUp, WaitingAlert } from './alerts.tsx';

const ACTION = 'alert.acknowledge';

interface Typed {
  readonly key?: string;
  readonly reason: string;
  readonly note: string;
  readonly faults: readonly FaultWords[];
}
const NOTHING_TYPED: Typed = { reason: '', note: '', faults: [] };

export function alertRoutes(deps: WebDeps): Routes {
  const r = routes(deps);

  r.get('/cases/:id/alerts/:alert', ACTION, async (c) => {
    const found = await open(c);
    return found instanceof Response ? found : await answer(c, found, NOTHING_TYPED);
  });

  r.post('/cases/:id/alerts/:alert', ACTION, async (c) => {
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    const fields = await fieldsSent(c, deps, { one: ['key', 'reason', 'note'] });
    if (fields instanceof Response) return fields;
    const found = await open(c);
    if (found instanceof Response) return found;
    const { seen, alert } = found;
    const about = { caseId: seen.head.id, measurementId: alert.id };
    const typed = { reason: fields.get('reason'), note: fields.get('note') };
    const key = fields.get('key');
    const unbound = await keyRefusal(deps, session, ACTION, alert.id, key, { caseId: seen.head.id });
    if (unbound) return await refusedPage(c, deps, unbound);
    const read = readAcknowledgement(typed);
    if ('faults' in read)
      return await answer(
        c,
        found,
        {
          ...typed,
          key,
          faults: faultWords(t, read.faults, { reason: t.alerts.reason, note: t.alerts.note }),
        },
        { status: 422 },
      );
    const said = await acknowledgeAlert(deps.recorder, key, session, about, read.values);
    if (!isRefusal(said)) return goTo(c, `${paths.case(seen.head.id, 'measures')}#taken-up-${alert.id}`);
    const named = await withNames(deps, t, said);
    if (refusalStatus(said.code) !== 409) return await refusedPage(c, deps, named, toCase(seen));
    // Somebody was quicker, or the form was sent with other answers: the alert as it is now, under the sentence.
    const now = await open(c);
    return now instanceof Response
      ? now
      : await answer(c, now, NOTHING_TYPED, { status: 409, refusal: named });
  });

  /** The alert of the address, if there is one and the reader may see its case. */
  async function open(c: Context<WebEnv>) {
    const session = signedIn(c);
    const seen = await caseToSee(c, deps, session, 'alert', ACTION);
    if (seen instanceof Response) return seen;
    const alert = (await alertsOfCase(deps.db, seen.head.id)).find(({ id }) => id === c.req.param('alert'));
    if (alert) return { seen, alert };
    const refusal = refuse('unknown');
    const about = { caseId: seen.head.id };
    await recordRefusal(deps.recorder, `refusal-${randomUUID()}`, session, ACTION, refusal, about);
    return await refusedPage(c, deps, refusal);
  }
  type Found = Exclude<Awaited<ReturnType<typeof open>>, Response>;

  async function answer(
    c: Context<WebEnv>,
    { seen, alert }: Found,
    typed: Typed,
    { status = 200, refusal }: { status?: 200 | 409 | 422; refusal?: Refusal } = {},
  ): Promise<Response> {
    const t = wordsFor(c, deps);
    const { session, head } = seen;
    const now = deps.now();
    const { parameters } = deps;
    const [standing, { rows }] = await Promise.all([
      alertStanding(deps.db, head.id, session.person, now),
      openAlerts(deps.db, { caseId: head.id }, 20),
    ]);
    // The newest stands for those before it; an older one's address shows that it waits all the same.
    const waiting = alert.acknowledged
      ? undefined
      : (rows.find(({ id }) => id === alert.id) ?? {
          ...alert,
          caseId: head.id,
          number: head.number,
          since: alert.at,
          initials: '',
        });
    const against = acknowledgeRefusal({ role: session.role, lead: standing.lead }, standing);
    return await pageAnswer(
      c,
      deps,
      {
        title: t.alerts.title,
        caseNumber: head.number,
        back: { href: paths.case(head.id), words: t.case.title(head.number) },
        faults: typed.faults,
      },
      <div class="stack">
        {refusal ? (
          <Notice tone="late">
            <p>{refusalWords(t, refusal)}</p>
          </Notice>
        ) : null}
        {alert.acknowledged ? (
          <Notice tone="good" actions={toCase(seen)}>
            <TakenUp t={t} row={alert.acknowledged} reader={session.person} />
          </Notice>
        ) : null}
        {waiting ? <WaitingAlert t={t} parameters={parameters} now={now} alert={waiting} /> : null}
        {waiting && against ? <p>{refusalWords(t, against)}</p> : null}
        {waiting && !against ? (
          <>
            <p class="soft">{t.alerts.lead}</p>
            <AcknowledgeForm
              t={t}
              action={paths.alert(head.id, alert.id)}
              operation={typed.key ?? operationKey(deps, session.person, ACTION, alert.id)}
              reason={typed.reason}
              note={typed.note}
              faults={typed.faults}
            />
          </>
        ) : null}
      </div>,
      status,
    );
  }

  const toCase = ({ head }: Seen): Child => (
    <a class="button" href={paths.case(head.id, 'measures')}>
      {head.number}
    </a>
  );

  return r;
}
