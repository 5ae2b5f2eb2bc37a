// Station 1, web: who may do what, and one person's roles, which the security administrator gives and ends. A change needs a
// fresh proof of who makes it (I6), and is judged in its transaction.
import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import { type PersonLine, peopleWithRoles, personWithRoles } from '../../db/views/people.ts';
import { isUuid } from '../../domain/ids.ts';
import { allows } from '../../domain/permissions.ts';
import { type FieldFault, isRefusal, refuse } from '../../domain/refusal.ts';
import { readEnding, readGiving } from '../../domain/role-changes.ts';
import { ROLES } from '../../domain/roles.ts';
import { keyRefusal, operationKey } from '../acting.tsx';
import type { WebDeps, WebEnv } from '../deps.ts';
import { readForm, takeFields } from '../form.ts';
import { signedIn } from '../guard.ts';
import { DataTable } from '../parts/data-table.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { faultWords } from '../parts/error-summary.tsx';
import { FilterBar } from '../parts/filter-bar.tsx';
import { Moment } from '../parts/moment.tsx';
import { Notice } from '../parts/notice.tsx';
import { Pager } from '../parts/pager.tsx';
import { Said } from '../parts/said.tsx';
import { paths } from '../paths.ts';
import { changeRole, recordRefusal } from '../recorded.ts';
import {
  goTo,
  pageAnswer,
  refusalStatus,
  refusalWords,
  refusedPage,
  tooLarge,
  wordsFor,
} from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';
import { isFresh } from '../session.ts';
import { passkeysWork } from '../sign-in/passkeys.ts';
import { Confirm } from '../signatures/sign.tsx';
import type { Text } from '../text/text.ts';
import { PersonRoles, type TypedRole } from './person.tsx';

/** People on one page; a consortium has hundreds of staff, not thousands. */
const ROWS = 500;
const ACTION = 'roles.manage';

export function peopleRoutes(deps: WebDeps): Routes {
  const r = routes(deps);
  r.get('/people', 'people.see', async (c) => {
    const t = wordsFor(c, deps);
    const role = ROLES.find((known) => known === c.req.query('role'));
    const { rows, total } = await peopleWithRoles(deps.db, role, ROWS);
    return await pageAnswer(
      c,
      deps,
      { title: t.people.title, lead: t.manage.lead },
      <div class="stack">
        <FilterBar
          t={t}
          action={paths.people}
          filters={[
            {
              name: 'role',
              label: t.people.roles,
              control: 'select',
              value: role ?? '',
              options: ROLES.map((value) => ({ value, label: t.roles[value] })),
            },
          ]}
          clearHref={role ? paths.people : undefined}
        />
        {rows.length === 0 ? (
          <EmptyState words={t.people.empty} />
        ) : (
          <>
            <PeopleTable t={t} rows={rows} links={allows(signedIn(c).role, ACTION)} />
            <Pager t={t} from={1} to={rows.length} total={total} size={ROWS} />
          </>
        )}
      </div>,
    );
  });
  r.get('/people/:id', ACTION, async (c) => {
    const person = await open(c);
    return person instanceof Response ? person : await shown(c, person);
  });

  r.post('/people/:id/roles/give', ACTION, async (c) => {
    const form = await readForm(c);
    if (form === 'too-large') return await tooLarge(c, deps);
    if (isRefusal(form)) return await refusedPage(c, deps, form);
    const fields = takeFields(form, { one: ['key', 'role', 'lead', 'reason'], many: ['disciplines'] });
    if (isRefusal(fields)) return await refusedPage(c, deps, fields);
    const typed = {
      role: fields.get('role'),
      disciplines: [...fields.all('disciplines')],
      lead: fields.get('lead') === 'yes',
      reason: fields.get('reason'),
    };
    const read = readGiving(typed);
    return await change(
      c,
      fields.get('key'),
      { change: 'give', ...typed, faults: [] },
      'faults' in read ? read : { change: { change: 'give', values: read.values } },
    );
  });

  r.post('/people/:id/roles/end', ACTION, async (c) => {
    const form = await readForm(c);
    if (form === 'too-large') return await tooLarge(c, deps);
    if (isRefusal(form)) return await refusedPage(c, deps, form);
    // The page has two forms; no two of its fields share a name.
    const fields = takeFields(form, { one: ['key', 'ending', 'why'] });
    if (isRefusal(fields)) return await refusedPage(c, deps, fields);
    const typed = { role: fields.get('ending'), reason: fields.get('why') };
    const read = readEnding(typed);
    const names: Readonly<Record<string, string>> = { role: 'ending', reason: 'why' };
    return await change(
      c,
      fields.get('key'),
      { change: 'end', ...typed, disciplines: [], lead: false, faults: [] },
      'faults' in read
        ? { faults: read.faults.map((one) => ({ ...one, field: names[one.field] ?? one.field })) }
        : { change: { change: 'end', values: read.values } },
    );
  });

  /** Does a change and answers it, with what was typed when it is not done. */
  async function change(
    c: Context<WebEnv>,
    key: string,
    typed: TypedRole,
    read: { change: Parameters<typeof changeRole>[4] } | { faults: readonly FieldFault[] },
  ): Promise<Response> {
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    const person = await open(c);
    if (person instanceof Response) return person;
    const unbound = await keyRefusal(deps, session, ACTION, person.id, key);
    if (unbound) return await refusedPage(c, deps, unbound);
    // Not done and not lost: the page asks for the proof first, the form comes again with what was typed.
    if (!isFresh(session, deps.now())) return await shown(c, person, { typed, status: 409 });
    if ('faults' in read)
      return await shown(c, person, { typed: { ...typed, faults: faultWords(t, read.faults) }, status: 422 });
    const answer = await changeRole(deps.recorder, key, session, person.id, read.change);
    if (!isRefusal(answer)) return goTo(c, `${paths.person(person.id)}?done=${typed.change}`);
    if (refusalStatus(answer.code) !== 409) return await refusedPage(c, deps, answer);
    const now = await open(c);
    return now instanceof Response
      ? now
      : await shown(c, now, { typed, status: 409, notice: refusalWords(t, answer) });
  }

  /** The person of the address; anybody unknown is refused, and that is recorded. */
  async function open(c: Context<WebEnv>) {
    const id = c.req.param('id') ?? '';
    const person = isUuid(id) ? await personWithRoles(deps.db, id) : undefined;
    if (person) return person;
    const refusal = refuse('unknown');
    await recordRefusal(deps.recorder, `refusal-${randomUUID()}`, signedIn(c), ACTION, refusal, {});
    return await refusedPage(c, deps, refusal);
  }

  async function shown(
    c: Context<WebEnv>,
    person: NonNullable<Awaited<ReturnType<typeof personWithRoles>>>,
    { typed, status = 200, notice }: { typed?: TypedRole; status?: 200 | 409 | 422; notice?: string } = {},
  ): Promise<Response> {
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    const done = status === 200 ? c.req.query('done') : undefined;
    const said =
      notice ?? (done === 'give' ? t.manage.given : done === 'end' ? t.manage.endedNow : undefined);
    return await pageAnswer(
      c,
      deps,
      {
        title: t.manage.personTitle,
        heading: <Said inline text={person.name} />,
        lead: person.organisation ? t.organisations[person.organisation] : t.manage.outside,
        back: { href: paths.people, words: t.people.title },
        faults: typed?.faults ?? [],
      },
      <PersonRoles
        t={t}
        reader={session.person}
        person={person}
        keyOf={() => operationKey(deps, session.person, ACTION, person.id)}
        typed={typed}
        confirm={
          isFresh(session, deps.now()) ? undefined : (
            <Confirm
              t={t}
              demonstration={deps.settings.demonstration}
              passkeys={passkeysWork(deps.settings.publicUrl)}
              to={paths.person(person.id)}
              words={t.manage.confirm}
            />
          )
        }
        notice={
          said ? (
            <Notice tone={notice ? 'late' : 'good'}>
              <p>{said}</p>
            </Notice>
          ) : undefined
        }
      />,
      status,
    );
  }

  return r;
}

function PeopleTable({ t, rows, links }: { t: Text; rows: readonly PersonLine[]; links: boolean }) {
  return (
    <DataTable
      t={t}
      id="people"
      caption={t.people.caption}
      rows={rows}
      rowId={(row) => `person-${row.id}`}
      columns={[
        {
          key: 'name',
          head: t.people.name,
          rowHead: true,
          cell: (row) =>
            links ? (
              <a href={paths.person(row.id)} data-row-link="">
                <Said inline text={row.name} />
              </a>
            ) : (
              <Said inline text={row.name} />
            ),
        },
        {
          key: 'organisation',
          head: t.people.organisation,
          cell: (row) =>
            row.organisation ? (
              t.organisations[row.organisation]
            ) : (
              <span class="soft">{t.manage.outside}</span>
            ),
        },
        {
          key: 'roles',
          head: t.people.roles,
          cell: (row) => t.list(row.roles.map(({ role }) => t.roles[role])),
        },
        {
          key: 'disciplines',
          head: t.people.disciplines,
          cell: (row) =>
            row.roles
              .flatMap(({ disciplines, lead }) => [
                ...(lead ? [t.manage.lead2] : []),
                ...disciplines.map((discipline) => t.disciplines[discipline]),
              ])
              .join(', '),
        },
        {
          key: 'since',
          head: t.people.since,
          cell: (row) => (row.roles[0] ? <Moment t={t} at={row.roles[0].since} show="date" /> : ''),
        },
      ]}
    />
  );
}
