// Station 1, web: who may do what. Reads only; giving and ending roles is an act of its own.
import { type PersonLine, peopleWithRoles } from '../../db/views/people.ts';
import { ROLES } from '../../domain/roles.ts';
import type { WebDeps } from '../deps.ts';
import { DataTable } from '../parts/data-table.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { FilterBar } from '../parts/filter-bar.tsx';
import { Moment } from '../parts/moment.tsx';
import { Pager } from '../parts/pager.tsx';
import { Said } from '../parts/said.tsx';
import { paths } from '../paths.ts';
import { pageAnswer, wordsFor } from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';
import type { Text } from '../text/text.ts';

/** People on one page; a consortium has hundreds of staff, not thousands. */
const ROWS = 500;

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
            <PeopleTable t={t} rows={rows} />
            <Pager t={t} from={1} to={rows.length} total={total} size={ROWS} />
          </>
        )}
      </div>,
    );
  });
  return r;
}

function PeopleTable({ t, rows }: { t: Text; rows: readonly PersonLine[] }) {
  return (
    <DataTable
      t={t}
      id="people"
      caption={t.people.caption}
      rows={rows}
      rowId={(row) => `person-${row.id}`}
      columns={[
        { key: 'name', head: t.people.name, rowHead: true, cell: (row) => <Said inline text={row.name} /> },
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
