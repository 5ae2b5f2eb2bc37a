// Station 1, web: the list of cases. Rows show number, stage and time; a name stands only where it was searched for, by a form
// that posts, and each name that is shown is a recorded look.
import type { CaseLine, NameHit } from '../../db/views/cases.ts';
import { OUTCOMES, STAGES } from '../../domain/lifecycle.ts';
import { clockView, leadingClock } from '../clock-view.ts';
import type { WebDeps } from '../deps.ts';
import { ClockBar } from '../parts/clock-bar.tsx';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { Field } from '../parts/field.tsx';
import { FilterBar } from '../parts/filter-bar.tsx';
import { Icon } from '../parts/icon.tsx';
import { Moment } from '../parts/moment.tsx';
import { Pager } from '../parts/pager.tsx';
import { Said } from '../parts/said.tsx';
import { Tag } from '../parts/tag.tsx';
import { paths } from '../paths.ts';
import type { Text } from '../text/text.ts';
import { turnsOf } from './whose-turn.ts';

export interface ListQuery {
  readonly stage: string;
  readonly outcome: string;
  readonly size: number;
}

/** Address of the list with a query; empty values are left out. */
export function listHref(query: Partial<Record<'stage' | 'outcome' | 'after' | 'rows', string>>): string {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value));
  return search.size > 0 ? `${paths.cases}?${search}` : paths.cases;
}

function columnsOf<Row extends CaseLine>(
  t: Text,
  deps: Pick<WebDeps, 'parameters' | 'now'>,
  person: string,
): Column<Row>[] {
  return [
    {
      key: 'number',
      head: t.cases.number,
      rowHead: true,
      cell: (row) => (
        <a class="nowrap" href={paths.case(row.id)} data-row-link="" id={`open-${row.id}`}>
          {row.number}
        </a>
      ),
    },
    {
      key: 'stage',
      head: t.cases.stage,
      cell: (row) =>
        `${t.stages[row.stage]}${row.round > 1 ? `${t.marks.comma}${t.case.round(row.round)}` : ''}`,
    },
    {
      key: 'move',
      head: t.cases.move,
      cell: (row) => {
        const turns = turnsOf(t, row.tasks, undefined, person);
        return turns.length > 0 ? (
          // One element: on a card each child of a cell would stand in a column of its own.
          <span>
            {turns.map(({ words }, index) => (
              <>
                {index > 0 ? t.marks.semicolon : ''}
                <Said inline text={words} />
              </>
            ))}
          </span>
        ) : (
          <span class="soft">{t.states[row.state]}</span>
        );
      },
    },
    {
      key: 'time',
      head: t.queue.timeLeft,
      cell: (row) => {
        const leading = leadingClock(deps.parameters, row.clocks);
        return leading ? (
          <ClockBar t={t} clock={clockView(deps.parameters, leading, deps.now())} gauge={false} />
        ) : row.outcome ? (
          ''
        ) : (
          <span class="soft">{t.clock.none}</span>
        );
      },
    },
    {
      key: 'outcome',
      head: t.cases.outcome,
      cell: (row) =>
        row.outcome ? (
          <Tag
            tone={row.outcome === 'approved' ? 'good' : row.outcome === 'refused' ? 'late' : 'quiet'}
            word={t.outcomes[row.outcome]}
          />
        ) : (
          ''
        ),
    },
    { key: 'changed', head: t.cases.changed, cell: (row) => <Moment t={t} at={row.changedAt} /> },
  ];
}

export function CaseList({
  t,
  deps,
  person,
  rows,
  query,
  total,
  before,
  nextHref,
  asked = '',
}: {
  t: Text;
  deps: Pick<WebDeps, 'parameters' | 'now'>;
  person: string;
  rows: readonly CaseLine[];
  query: ListQuery;
  total: number | undefined;
  before: number;
  nextHref: string | undefined;
  asked?: string;
}) {
  const filtered = query.stage !== '' || query.outcome !== '';
  return (
    <div class="stack">
      <Finder t={t} value={asked} />
      <FilterBar
        t={t}
        action={paths.cases}
        filters={[
          {
            name: 'stage',
            label: t.cases.stage,
            control: 'select',
            value: query.stage,
            options: STAGES.map((value) => ({ value, label: t.stages[value] })),
          },
          {
            name: 'outcome',
            label: t.cases.outcome,
            control: 'select',
            value: query.outcome,
            options: [
              { value: 'none', label: t.words.none },
              ...OUTCOMES.map((value) => ({ value, label: t.outcomes[value] })),
            ],
          },
        ]}
        keep={query.size === 25 ? {} : { rows: String(query.size) }}
        clearHref={filtered ? paths.cases : undefined}
      />
      {rows.length === 0 ? (
        <EmptyState
          words={filtered ? t.cases.emptyFilter : t.cases.empty}
          link={filtered ? { href: paths.cases, words: t.filter.clear } : undefined}
        />
      ) : (
        <>
          <DataTable
            t={t}
            id="cases"
            caption={t.cases.caption}
            columns={columnsOf(t, deps, person)}
            rows={rows}
            rowId={(row) => `case-${row.id}`}
            keys
          />
          <Pager
            t={t}
            from={before + 1}
            to={before + rows.length}
            total={total}
            size={query.size}
            nextHref={nextHref}
            firstHref={before > 0 ? listHref({ stage: query.stage, outcome: query.outcome }) : undefined}
            sizeHref={(size) =>
              listHref({ stage: query.stage, outcome: query.outcome, rows: size === 25 ? '' : String(size) })
            }
          />
        </>
      )}
    </div>
  );
}

/** Finding by number or name: posts, so that a name never stands in an address. */
export function Finder({ t, value = '', fault }: { t: Text; value?: string; fault?: string | undefined }) {
  return (
    <search>
      <form class="finder" method="post" action={paths.findCase}>
        <Field
          t={t}
          name="what"
          control="search"
          label={t.finder.what}
          hint={t.finder.hint}
          value={value}
          fault={fault}
          width="medium"
          maxlength={200}
        />
        <button class="button" type="submit">
          <Icon name="search" />
          {t.finder.find}
        </button>
      </form>
    </search>
  );
}

export function FoundByName({
  t,
  deps,
  person,
  rows,
  more,
  asked,
}: {
  t: Text;
  deps: Pick<WebDeps, 'parameters' | 'now'>;
  person: string;
  rows: readonly NameHit[];
  more: boolean;
  asked: string;
}) {
  return (
    <div class="stack">
      <Finder t={t} value={asked} />
      <p role="status">
        {rows.length === 0 ? t.finder.none : t.finder.found(rows.length)} {more ? t.finder.more : ''}
      </p>
      {rows.length > 0 ? (
        <DataTable
          t={t}
          id="found"
          caption={t.finder.title}
          rows={rows}
          rowId={(row) => `found-${row.id}`}
          keys
          columns={[
            ...columnsOf<NameHit>(t, deps, person).slice(0, 1),
            {
              key: 'name',
              head: t.fields.patientName,
              cell: (row: NameHit) => <Said inline text={row.patientName} />,
            },
            {
              key: 'born',
              head: t.finder.born,
              cell: (row: NameHit) => row.birthDate?.slice(0, 4) ?? '',
            },
            ...columnsOf<NameHit>(t, deps, person).slice(1),
          ]}
        />
      ) : null}
    </div>
  );
}
