// Station 1, web: the auditor's pages: running verification, refused acts, and entries with filters that the address holds.
// An auditor only reads; that they read is recorded.
import { randomUUID } from 'node:crypto';
import { entriesOf } from '../../db/views/entries.ts';
import { refusalsPage } from '../../db/views/people.ts';
import { addDays, isLocalDate, startOfDay } from '../../domain/calendar.ts';
import { EVENTS } from '../../domain/events.ts';
import { isUuid } from '../../domain/ids.ts';
import { REFUSAL_CODES } from '../../domain/refusal.ts';
import type { WebDeps } from '../deps.ts';
import { disclose } from '../disclose.ts';
import { signedIn } from '../guard.ts';
import { wantsFragment } from '../layout.tsx';
import { FilterBar } from '../parts/filter-bar.tsx';
import { paths } from '../paths.ts';
import { recordEvent } from '../recorded.ts';
import { goTo, pageAnswer, pageOrFragment, wordsFor } from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';
import { EntryList, Refusals, VerifyStatus } from './audit.tsx';

const ENTRIES = 25;
const REFUSALS = 15;

export function auditRoutes(deps: WebDeps): Routes {
  const r = routes(deps);

  r.get('/audit', 'audit.see', async (c) => {
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    const status = () => <VerifyStatus t={t} state={deps.verifying.state()} />;
    if (wantsFragment(c.req.raw.headers)) return await pageOrFragment(c, deps, { title: '' }, null, status);
    await disclose(deps, session, 'audit', null);
    const event = EVENTS.find((known) => known === c.req.query('event'));
    const code = REFUSAL_CODES.find((known) => known === c.req.query('code'));
    const { zone } = deps.parameters.calendar;
    const day = (name: string): string => {
      const text = c.req.query(name) ?? '';
      return isLocalDate(text) ? text : '';
    };
    const [from, until] = [day('from'), day('until')];
    const [at = '', id = ''] = (c.req.query('after') ?? '').split('_');
    const before =
      isUuid(id) && !Number.isNaN(Date.parse(at)) ? { at: new Date(at).toISOString(), id } : undefined;
    const [entries, refusals] = await Promise.all([
      entriesOf(
        deps.db,
        {
          ...(event ? { event } : {}),
          ...(from ? { from: new Date(startOfDay(from, zone)).toISOString() } : {}),
          ...(until ? { until: new Date(startOfDay(addDays(until, 1), zone)).toISOString() } : {}),
          ...(before ? { before } : {}),
        },
        ENTRIES + 1,
      ),
      refusalsPage(deps.db, code, REFUSALS),
    ]);
    const shown = entries.slice(0, ENTRIES);
    const last = shown.at(-1);
    const query = { event: event ?? '', from, until, code: code ?? '' };
    const href = (over: Record<string, string>): string => {
      const search = new URLSearchParams(Object.entries({ ...query, ...over }).filter(([, value]) => value));
      return `${paths.audit}?${search}`;
    };
    return await pageAnswer(
      c,
      deps,
      { title: t.audit.title, lead: t.audit.lead },
      <div class="stack-wide">
        {status()}
        <section class="stack" aria-labelledby="entries-title">
          <h2 id="entries-title">{t.audit.latest}</h2>
          <FilterBar
            t={t}
            action={paths.audit}
            keep={code ? { code } : {}}
            filters={[
              {
                name: 'event',
                label: t.audit.event,
                control: 'select',
                value: event ?? '',
                options: EVENTS.map((value) => ({ value, label: t.events[value] })),
              },
              { name: 'from', label: t.auditing.since, control: 'text', value: from },
              { name: 'until', label: t.auditing.until, control: 'text', value: until },
            ]}
            clearHref={event || from || until ? paths.audit : undefined}
          />
          <EntryList t={t} rows={shown} />
          {entries.length > ENTRIES && last ? (
            <p>
              <a class="button small" rel="next" href={href({ after: `${last.at}_${last.id}` })}>
                {t.trail.older}
              </a>
            </p>
          ) : null}
        </section>
        <section class="stack" aria-labelledby="refusals-title">
          <h2 id="refusals-title">
            {t.auditing.refusals} <span class="soft figures">{t.number(refusals.total)}</span>
          </h2>
          <FilterBar
            t={t}
            action={paths.audit}
            keep={Object.fromEntries(
              Object.entries({ event: query.event, from, until }).filter(([, value]) => value),
            )}
            filters={[
              {
                name: 'code',
                label: t.auditing.code,
                control: 'select',
                value: code ?? '',
                options: REFUSAL_CODES.map((value) => ({
                  value,
                  label: t.auditing.codes[value] ?? value,
                })),
              },
            ]}
            clearHref={code ? paths.audit : undefined}
          />
          <Refusals t={t} rows={refusals.rows} />
        </section>
      </div>,
    );
  });

  r.post('/audit/verify', 'verify.run', async (c) => {
    const session = signedIn(c);
    if (!deps.verifying.state().running) {
      await recordEvent(deps.recorder, `verification-${randomUUID()}`, session, 'verification.run', {
        how: 'page',
      });
      deps.verifying.start();
    }
    return goTo(c, paths.audit);
  });

  return r;
}
