// Station 1, web: who may do what, and one person's roles, which the security administrator gives and ends. A change needs a
// fresh proof of who makes it (I6), and is judged in its transaction.
import type { Context } from 'hono';
import { securityAdministrators, unconfirmedLinks } from '../../db/views/invitations.ts';
import { type PersonLine, peopleWithRoles } from '../../db/views/people.ts';
import { allows } from '../../domain/permissions.ts';
import { type FieldFault, isRefusal } from '../../domain/refusal.ts';
import { readEnding, readGiving } from '../../domain/role-changes.ts';
import { ROLES } from '../../domain/roles.ts';
import { keyRefusal, operationKey } from '../acting.tsx';
import type { WebDeps, WebEnv } from '../deps.ts';
import { fieldsSent } from '../form.ts';
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
import { changeRole } from '../recorded.ts';
import { goTo, pageAnswer, refusalStatus, refusalWords, refusedPage, wordsFor } from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';
import { isFresh } from '../session.ts';
import type { Text } from '../text/text.ts';
import { confirmFirst, openPerson, personPage } from './page.tsx';
import type { TypedRole } from './person.tsx';
import { WaitingLinks } from './ways-in.tsx';

/** People on one page; a consortium has hundreds of staff, not thousands. */
const ROWS = 500;
const ACTION = 'roles.manage';

export function peopleRoutes(deps: WebDeps): Routes {
  const r = routes(deps);
  r.get('/people', 'people.see', async (c) => {
    const t = wordsFor(c, deps);
    const role = ROLES.find((known) => known === c.req.query('role'));
    const session = signedIn(c);
    const [{ rows, total }, waiting] = await Promise.all([
      peopleWithRoles(deps.db, role, ROWS),
      unconfirmedLinks(deps.db, deps.now().toISOString()),
    ]);
    const alone =
      session.role === 'security-administrator' &&
      (await securityAdministrators(deps.db)).every(({ id, passkeys }) =>
        id === session.person ? passkeys === 1 : passkeys === 0,
      );
    const links = allows(session.role, 'invitation.confirm') ? waiting : [];
    const mine = links.filter(({ madeBy, personId }) => ![madeBy, personId].includes(session.person));
    const confirm = mine.length > 0 ? confirmFirst(c, deps, paths.people, t.invitations.confirm) : undefined;
    return await pageAnswer(
      c,
      deps,
      {
        title: t.people.title,
        lead: t.manage.lead,
        actions: allows(session.role, 'people.add') ? (
          <a class="button" href={paths.addPerson}>
            {t.invitations.add}
          </a>
        ) : undefined,
      },
      <div class="stack">
        {c.req.query('done') === 'confirmed' ? (
          <Notice tone="good">{t.invitations.linkConfirmed}</Notice>
        ) : null}
        {alone ? <Notice tone="soon">{t.invitations.onlyOne}</Notice> : null}
        {links.length > 0 ? (
          <WaitingLinks
            t={t}
            links={links}
            reader={session.person}
            keyOf={
              confirm ? undefined : ({ id }) => operationKey(deps, session.person, 'invitation.confirm', id)
            }
          />
        ) : null}
        {confirm}
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
    const person = await openPerson(c, deps, ACTION);
    return person instanceof Response ? person : await personPage(c, deps, person);
  });

  r.post('/people/:id/roles/give', ACTION, async (c) => {
    const fields = await fieldsSent(c, deps, {
      one: ['key', 'role', 'lead', 'reason'],
      many: ['disciplines'],
    });
    if (fields instanceof Response) return fields;
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
    // The page has two forms; no two of its fields share a name.
    const fields = await fieldsSent(c, deps, { one: ['key', 'ending', 'why'] });
    if (fields instanceof Response) return fields;
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
    const person = await openPerson(c, deps, ACTION);
    if (person instanceof Response) return person;
    const unbound = await keyRefusal(deps, session, ACTION, person.id, key);
    if (unbound) return await refusedPage(c, deps, unbound);
    // Not done and not lost: the page asks for the proof first, and gives back what was typed.
    if (!isFresh(session, deps.now())) return await personPage(c, deps, person, { typed, status: 409 });
    if ('faults' in read) {
      const { role, why } = t.manage;
      const faults = faultWords(t, read.faults, { role, ending: role, reason: why, why });
      return await personPage(c, deps, person, { typed: { ...typed, faults }, status: 422 });
    }
    const answer = await changeRole(deps.recorder, key, session, person.id, read.change);
    if (!isRefusal(answer)) return goTo(c, `${paths.person(person.id)}?done=${typed.change}`);
    if (refusalStatus(answer.code) !== 409) return await refusedPage(c, deps, answer);
    const now = await openPerson(c, deps, ACTION);
    return now instanceof Response
      ? now
      : await personPage(c, deps, now, { typed, status: 409, notice: refusalWords(t, answer) });
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
            t.list(
              row.roles.flatMap(({ disciplines, lead }) => [
                ...(lead ? [t.manage.lead2] : []),
                ...disciplines.map((discipline) => t.disciplines[discipline]),
              ]),
            ),
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
