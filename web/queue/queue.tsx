// Station 1, web: the queue as people see it (UI.md 4.2): views as addresses, one link per row, least time left first. No names
// of patients; what is not for this person stands below with its reason.
import type { Child } from 'hono/jsx';
import {
  CLOCK_FILTERS,
  COUNTED,
  QUEUE_VIEWS,
  type QueueFilters,
  type QueueRow,
  type QueueView,
} from '../../db/views/queue.ts';
import { STAGES, TASK_KINDS } from '../../domain/lifecycle.ts';
import type { Parameters } from '../../domain/parameters.ts';
import type { Role } from '../../domain/roles.ts';
import { clockView } from '../clock-view.ts';
import { formAttributes, Hidden } from '../layout.tsx';
import { ClockBar } from '../parts/clock-bar.tsx';
import { type Column, DataRow, DataTable, type DataTableProps } from '../parts/data-table.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { FilterBar } from '../parts/filter-bar.tsx';
import { Pager } from '../parts/pager.tsx';
import { Said } from '../parts/said.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { paths } from '../paths.ts';
import { refusalWords } from '../respond.tsx';
import { taskWords } from '../tasks/words.ts';
import type { Text } from '../text/text.ts';

export const PAGE_SIZES = [25, 50, 100] as const;

/** An address of the queue: all of the view's state. */
export function queueHref(
  state: { view: QueueView; filters?: QueueFilters; size?: number },
  more: Readonly<Record<string, string | undefined>> = {},
): string {
  const query = new URLSearchParams({ view: state.view });
  const { filters = {}, size = 25 } = state;
  for (const [name, value] of Object.entries({
    ...filters,
    ...(size === 25 ? {} : { size: String(size) }),
    ...more,
  }))
    if (value) query.set(name, value);
  return `${paths.queue}?${query}`;
}

/** What a row needs besides itself. */
export interface RowFrame {
  readonly t: Text;
  readonly person: string;
  readonly role: Role;
  readonly parameters: Parameters;
  readonly now: Date;
  readonly claimKey: (task: string) => string;
  readonly handBackKey: (task: string) => string;
  /** Rows that stay in sight and are for this reader no more. */
  readonly gone?: (row: QueueRow) => boolean;
}

/**
 * Whether a row that is shown is for this reader no more: done by anybody, or, in a view of what one may take or holds, taken by
 * somebody else.
 */
export const isGone = (row: QueueRow, view: QueueView, person: string): boolean =>
  row.closed !== null ||
  ((view === 'open' || view === 'mine') && row.holder !== null && row.holder.id !== person);

export const rowId = (row: Pick<QueueRow, 'id'>): string => `task-${row.id}`;

function RowAct({ frame, row }: { frame: RowFrame; row: QueueRow }) {
  const { t, person } = frame;
  const words = taskWords(t, row.kind, row.discipline);
  if (row.closed) return null;
  if (row.holder?.id === person)
    return (
      <form {...formAttributes(paths.handBack(row.id))} hx-target={`#${rowId(row)}`} class="inline-form">
        <Hidden values={{ key: frame.handBackKey(row.id), claim: row.claimNumber, from: 'queue' }} />
        <button class="button small" type="submit" data-row-key="h" id={`act-${row.id}`}>
          {t.queue.handBack}
          <span class="visually-hidden">
            {' '}
            {words}, {row.number}
          </span>
        </button>
      </form>
    );
  if (row.holder || row.refusal || frame.role === 'administrator') return null;
  return (
    <form {...formAttributes(paths.claim(row.id))} hx-target={`#${rowId(row)}`} class="inline-form">
      <Hidden values={{ key: frame.claimKey(row.id), from: 'queue' }} />
      <button class="button small" type="submit" data-row-key="c" id={`act-${row.id}`}>
        {t.queue.claim}
        <span class="visually-hidden">
          {' '}
          {words}, {row.number}
        </span>
      </button>
    </form>
  );
}

function columns(frame: RowFrame, focus?: string): Column<QueueRow>[] {
  const { t, person, parameters, now } = frame;
  // Who cannot work on a task, by role or by discipline, reads the case instead.
  const href = (row: QueueRow) =>
    frame.role === 'administrator' || row.refusal?.code === 'wrong-role'
      ? paths.case(row.caseId)
      : paths.task(row.id);
  return [
    {
      key: 'case',
      head: t.queue.case,
      rowHead: true,
      cell: (row) => (
        <a
          href={href(row)}
          id={`open-${row.id}`}
          data-row-link=""
          class="nowrap"
          {...(focus === row.id ? { autofocus: true } : {})}
        >
          {row.number}
        </a>
      ),
    },
    { key: 'task', head: t.queue.task, cell: (row) => taskWords(t, row.kind, row.discipline) },
    {
      key: 'stage',
      head: t.queue.stage,
      cell: (row) =>
        row.round > 1 ? `${t.stages[row.stage]}, ${t.case.round(row.round)}` : t.stages[row.stage],
    },
    {
      key: 'clock',
      head: t.queue.timeLeft,
      bare: true,
      cell: (row) =>
        row.clock && !row.closed ? (
          <ClockBar t={t} clock={clockView(parameters, row.clock, now)} />
        ) : (
          <span class="soft">{t.clock.none}</span>
        ),
    },
    {
      key: 'with',
      head: t.queue.with,
      cell: (row) => (
        <span class="with">
          <span>
            {row.closed ? (
              row.closed.by ? (
                <SaidBy words={t.queue.doneBy('\u0000', t.time(row.closed.at))} name={row.closed.by} />
              ) : (
                t.queue.over(t.time(row.closed.at))
              )
            ) : frame.gone?.(row) && row.holder ? (
              <SaidBy words={t.queue.claimedBy('\u0000', t.time(row.holder.since))} name={row.holder.name} />
            ) : !row.holder ? (
              <span class="soft">{t.words.nobody}</span>
            ) : row.holder.id === person ? (
              <>
                <strong>{t.words.you}</strong>{' '}
                <span class="meta nowrap">{t.queue.until(t.time(row.holder.until))}</span>
              </>
            ) : (
              <Said inline text={row.holder.name} />
            )}
          </span>
          <RowAct frame={frame} row={row} />
        </span>
      ),
    },
  ];
}

const tableOf = (frame: RowFrame, rows: readonly QueueRow[], focus?: string): DataTableProps<QueueRow> => ({
  t: frame.t,
  id: 'queue-table',
  caption: frame.t.queue.caption,
  keys: true,
  rows,
  rowId,
  rowState: (row) => ({ mine: row.holder?.id === frame.person, gone: frame.gone?.(row) ?? false }),
  columns: columns(frame, focus),
});

/** A sentence with a person's name in it, the name kept as they write it. */
function SaidBy({ words, name }: { words: string; name: string }) {
  const [before = '', after = ''] = words.split('\u0000');
  return (
    <>
      {before}
      <Said inline text={name} />
      {after}
    </>
  );
}

/** One row as it is now, for a page that follows by itself: it takes no focus. */
export function QueueRowNow({ frame, row }: { frame: RowFrame; row: QueueRow }) {
  return <DataRow row={row} table={tableOf(frame, [row])} />;
}

/** What has happened to a list since it was shown: told in one line, and shown when the reader asks for it. */
export function QueueFresh({
  t,
  since,
}: {
  t: Text;
  since?: { readonly changed: number; readonly fresh: number; readonly at: Date; readonly href: string };
}) {
  return (
    <p class="queue-fresh" id="queue-fresh" role="status">
      {since ? (
        <>
          {t.live.changed(since.changed, since.fresh, t.time(since.at))}{' '}
          <a class="button small" href={since.href} id="queue-show">
            {t.live.show}
          </a>
        </>
      ) : null}
    </p>
  );
}

/** One row alone, after it was claimed or handed back; the focus goes to its link. */
export function QueueRowPart({ frame, row }: { frame: RowFrame; row: QueueRow }) {
  return <DataRow row={row} table={tableOf(frame, [row], row.id)} />;
}

export interface QueuePageProps {
  readonly frame: RowFrame;
  readonly view: QueueView;
  readonly filters: QueueFilters;
  readonly size: number;
  readonly rows: readonly QueueRow[];
  readonly counts: Readonly<Record<QueueView, number>>;
  /** Tasks of this view and these filters; one more than 10 000 means "more". */
  readonly total: number;
  /** How many stand before the first row. */
  readonly before: number;
  readonly after: string | undefined;
  readonly barred: { readonly rows: readonly QueueRow[]; readonly total: number };
  readonly notice?: Child;
  readonly live?: Child;
}

const countWords = (t: Text, n: number): string => (n > COUNTED ? `${t.number(COUNTED)}+` : t.number(n));

export function QueueBody(props: QueuePageProps) {
  const { frame, view, filters, size, rows, counts, total, before, barred } = props;
  const { t } = frame;
  const views = frame.role === 'administrator' ? (['team', 'late'] as const) : QUEUE_VIEWS;
  const filtering = Object.values(filters).some(Boolean);
  const last = rows.at(-1);
  const more = last !== undefined && before + rows.length < total;
  return (
    <div class="stack" id="queue">
      {props.notice}
      <Tabs
        label={t.filter.views}
        links={views.map((name) => ({
          href: queueHref({ view: name, size }),
          words: t.queue.views[name] ?? name,
          count: countWords(t, counts[name]),
          current: name === view,
        }))}
      />
      <FilterBar
        t={t}
        action={paths.queue}
        keep={{ view, ...(size === 25 ? {} : { size: String(size) }) }}
        clearHref={filtering ? queueHref({ view, size }) : undefined}
        filters={[
          {
            name: 'stage',
            label: t.queue.stage,
            control: 'select',
            value: filters.stage ?? '',
            options: STAGES.filter((stage) => stage !== 'closed').map((value) => ({
              value,
              label: t.stages[value],
            })),
          },
          {
            name: 'kind',
            label: t.queue.kind,
            control: 'select',
            value: filters.kind ?? '',
            options: TASK_KINDS.map((value) => ({ value, label: t.tasks[value] })),
          },
          {
            name: 'clock',
            label: t.queue.clock,
            control: 'select',
            value: filters.clock ?? '',
            options: CLOCK_FILTERS.filter((value) => value in t.queue.clocks || value === filters.clock).map(
              (value) => ({
                value,
                label: t.queue.clocks[value] ?? t.board.buckets[value as keyof typeof t.board.buckets],
              }),
            ),
          },
          {
            name: 'who',
            label: t.queue.with,
            control: 'select',
            value: filters.who === frame.person ? 'me' : (filters.who ?? ''),
            options: [
              { value: 'nobody', label: t.work.filterWho.nobody },
              { value: 'me', label: t.work.filterWho.me },
              ...(filters.who && filters.who !== 'nobody' && filters.who !== frame.person
                ? [{ value: filters.who, label: rows[0]?.holder?.name ?? t.words.unknown }]
                : []),
            ],
          },
        ]}
      />
      <div class="spread">
        <p class="meta" role="status">
          {total > COUNTED ? `${t.number(COUNTED)}+` : t.queue.total(total)}
        </p>
        {props.live}
      </div>
      {rows.length > 0 ? (
        <DataTable {...tableOf(frame, rows)} />
      ) : (
        <EmptyState
          words={filtering || view !== 'open' ? t.queue.emptyFilter : t.queue.empty}
          more={counts.team > 0 && view !== 'team' ? t.queue.emptyTeam(counts.team) : undefined}
          link={
            counts.team > 0 && view !== 'team'
              ? { href: queueHref({ view: 'team' }), words: t.queue.toTeam }
              : undefined
          }
        />
      )}
      <QueueFresh t={t} />
      {total > 0 ? (
        <Pager
          t={t}
          from={rows.length > 0 ? before + 1 : 0}
          to={before + rows.length}
          total={total > COUNTED ? undefined : total}
          size={size}
          nextHref={more ? queueHref({ view, filters, size }, { after: last.id }) : undefined}
          firstHref={props.after ? queueHref({ view, filters, size }) : undefined}
          sizeHref={(n) => queueHref({ view, filters, size: n })}
        />
      ) : null}
      {barred.total > 0 ? <Barred frame={frame} barred={barred} /> : null}
      <p class="meta">{t.queue.recordHint}</p>
    </div>
  );
}

/** Tasks of this role that this person's other duties keep them from, each with the reason. */
function Barred({ frame, barred }: { frame: RowFrame; barred: QueuePageProps['barred'] }) {
  const { t, parameters, now } = frame;
  return (
    <details class="details" id="not-for-you">
      <summary>{t.queue.notForYou(barred.total)}</summary>
      <div class="details-body">
        <DataTable
          t={t}
          id="barred-table"
          caption={t.queue.notForYou(barred.total)}
          rows={barred.rows}
          rowId={(row) => `barred-${row.id}`}
          columns={[
            {
              key: 'case',
              head: t.queue.case,
              rowHead: true,
              cell: (row) => (
                <a href={paths.case(row.caseId)} class="nowrap">
                  {row.number}
                </a>
              ),
            },
            { key: 'task', head: t.queue.task, cell: (row) => taskWords(t, row.kind, row.discipline) },
            {
              key: 'why',
              head: t.queue.notForYouWhy,
              cell: (row) => (row.refusal ? refusalWords(t, row.refusal) : ''),
            },
            {
              key: 'clock',
              head: t.queue.timeLeft,
              bare: true,
              cell: (row) =>
                row.clock ? (
                  <ClockBar t={t} clock={clockView(parameters, row.clock, now)} gauge={false} />
                ) : null,
            },
          ]}
        />
      </div>
    </details>
  );
}

/** The one primary act: the next task, whichever it is. */
export function TakeNext({ t, operation }: { t: Text; operation: string }) {
  return (
    <form method="post" action={paths.takeNext}>
      <Hidden values={{ key: operation }} />
      <button class="button primary" type="submit" aria-keyshortcuts="N">
        {t.queue.takeNext}
      </button>
    </form>
  );
}
