// Station 1, web: my day (UI.md 4.3): what must be acknowledged, the sessions to record, what is to finish, what was recorded.
// Everything is one tap from here. Initials instead of names; the look at them is recorded.
import type { Child } from 'hono/jsx';
import type { OpenAlert } from '../../db/views/alerts.ts';
import type { RecordedSession } from '../../db/views/day.ts';
import type { QueueRow } from '../../db/views/queue.ts';
import type { Parameters } from '../../domain/parameters.ts';
import type { Discipline } from '../../domain/roles.ts';
import { WaitingAlert } from '../alerts/alerts.tsx';
import { clockView } from '../clock-view.ts';
import { Hidden } from '../layout.tsx';
import { ClockBar } from '../parts/clock-bar.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { Moment } from '../parts/moment.tsx';
import { Said } from '../parts/said.tsx';
import { Tag } from '../parts/tag.tsx';
import { paths } from '../paths.ts';
import { queueHref } from '../queue/queue.tsx';
import { taskWords } from '../tasks/words.ts';
import type { Text } from '../text/text.ts';

export interface DayProps {
  readonly t: Text;
  readonly person: string;
  readonly parameters: Parameters;
  readonly now: Date;
  /** Alerts that wait for this person, longest first, and how many wait in all. */
  readonly alerts: readonly OpenAlert[];
  readonly alertsTotal: number;
  /** Sessions this person may record, or holds. */
  readonly sessions: readonly QueueRow[];
  readonly initials: ReadonlyMap<string, string>;
  readonly treatment: ReadonlyMap<
    string,
    { readonly left: Readonly<Partial<Record<Discipline, number>>>; readonly minutes: number }
  >;
  /** Claimed tasks of other kinds. */
  readonly toFinish: readonly QueueRow[];
  /** Open tasks of other kinds that this person may take. */
  readonly free: readonly QueueRow[];
  readonly freeTotal: number;
  readonly recorded: readonly RecordedSession[];
  readonly claimKey: (task: string) => string;
  readonly notice?: Child;
  /** Doctors record no sessions. */
  readonly therapist: boolean;
}

/** One tap: claims the task and opens it; or just opens it when it is this person's already. */
function OpenTask({ props, row, words }: { props: DayProps; row: QueueRow; words: string }) {
  const label = (
    <>
      {words}
      <span class="visually-hidden">
        {' '}
        {taskWords(props.t, row.kind, row.discipline)}, {row.number}
      </span>
    </>
  );
  return row.holder ? (
    <a class="button small nowrap" href={paths.work(row.id, row.kind)}>
      {label}
    </a>
  ) : (
    <form method="post" action={paths.claim(row.id)} class="inline-form">
      <Hidden values={{ key: props.claimKey(row.id) }} />
      <button class="button small nowrap" type="submit" data-row-key="c">
        {label}
      </button>
    </form>
  );
}

export function Day(props: DayProps) {
  const { t, alerts, sessions, toFinish, free, freeTotal, recorded } = props;
  const weekly = props.parameters.figures['weekly-therapy'].value;
  const treated = [...new Map(sessions.map((row) => [row.caseId, row])).values()];
  return (
    <div class="stack-wide">
      {props.notice}
      {alerts.map((alert) => (
        <WaitingAlert t={t} parameters={props.parameters} now={props.now} alert={alert} act="offer" named />
      ))}
      {props.alertsTotal > alerts.length ? <p>{t.alerts.more(props.alertsTotal - alerts.length)}</p> : null}
      <div class="columns">
        {props.therapist ? (
          <div class="stack-wide">
            <section class="stack" aria-labelledby="day-sessions">
              <h2 id="day-sessions">
                {t.day.sessions} <span class="count">{t.number(sessions.length)}</span>
              </h2>
              {sessions.length > 0 ? (
                <>
                  <p class="soft">{t.work.day.sessionsLead}</p>
                  <DataTable
                    t={t}
                    id="day-sessions-table"
                    narrow="plain"
                    caption={t.day.sessions}
                    keys
                    rows={sessions}
                    rowId={(row) => `session-${row.id}`}
                    rowState={(row) => ({ mine: row.holder !== null })}
                    columns={[
                      {
                        key: 'case',
                        head: t.queue.case,
                        rowHead: true,
                        cell: (row) => (
                          <span>
                            <a class="nowrap" href={paths.task(row.id)} data-row-link="">
                              {row.number}
                            </a>{' '}
                            <Said inline text={props.initials.get(row.caseId) ?? ''} />{' '}
                            <span class="meta">{row.discipline ? t.disciplines[row.discipline] : ''}</span>
                          </span>
                        ),
                      },
                      {
                        key: 'left',
                        head: t.case.sessions,
                        cell: (row) =>
                          row.discipline
                            ? t.work.left(props.treatment.get(row.caseId)?.left[row.discipline] ?? 0)
                            : '',
                      },
                      {
                        key: 'act',
                        head: t.day.record,
                        bare: true,
                        cell: (row) => <OpenTask props={props} row={row} words={t.day.record} />,
                      },
                    ]}
                  />
                  <p class="meta">{t.work.day.initialsHint}</p>
                </>
              ) : (
                <EmptyState words={t.day.none} />
              )}
            </section>
            <section class="stack" aria-labelledby="day-done">
              <h2 id="day-done">
                {t.day.done} <span class="count">{t.number(recorded.length)}</span>
              </h2>
              {recorded.length > 0 ? (
                <DataTable
                  t={t}
                  id="day-done-table"
                  caption={t.day.done}
                  narrow="plain"
                  rows={recorded}
                  rowId={(row) => `recorded-${row.id}`}
                  columns={[
                    {
                      key: 'case',
                      head: t.queue.case,
                      rowHead: true,
                      cell: (row) => (
                        <a class="nowrap" href={paths.case(row.caseId)}>
                          {row.number}
                        </a>
                      ),
                    },
                    {
                      key: 'at',
                      head: t.auditing.when,
                      cell: (row) => <Moment t={t} at={row.at} show="time" />,
                    },
                    {
                      key: 'what',
                      head: t.queue.task,
                      cell: (row) =>
                        row.held ? (
                          <span>
                            {t.disciplines[row.discipline]}{' '}
                            <span class="meta nowrap">{t.clock.amount(row.minutes, 'minute')}</span>
                          </span>
                        ) : (
                          <Tag tone="quiet" word={t.choices['record-session'].absent ?? ''} />
                        ),
                    },
                  ]}
                />
              ) : (
                <p class="soft">{t.work.day.doneNone}</p>
              )}
              {treated.length > 0 ? (
                <>
                  <h3>{t.work.day.minutes}</h3>
                  <ul class="plain stack-tight">
                    {treated.map((row) => (
                      <li class="figures">
                        {row.number}:{' '}
                        {t.work.day.minutesOf(props.treatment.get(row.caseId)?.minutes ?? 0, weekly)}
                      </li>
                    ))}
                  </ul>
                </>
              ) : null}
            </section>
          </div>
        ) : null}
        <section class="stack" aria-labelledby="day-finish">
          <h2 id="day-finish">
            {t.day.toFinish} <span class="count">{t.number(toFinish.length)}</span>
          </h2>
          {toFinish.length > 0 ? (
            <Tasks props={props} rows={toFinish} id="finish" words={t.work.day.open} />
          ) : (
            <EmptyState words={t.day.noneToFinish} />
          )}
          {free.length > 0 ? (
            <>
              <h2 id="day-free">
                {t.day.free} <span class="count">{t.number(freeTotal)}</span>
              </h2>
              <Tasks props={props} rows={free} id="free" words={t.queue.claim} />
              {freeTotal > free.length ? (
                <p>
                  <a href={queueHref({ view: 'open' })}>{t.work.day.openToMe(freeTotal - free.length)}</a>
                </p>
              ) : null}
            </>
          ) : null}
        </section>
      </div>
    </div>
  );
}

function Tasks({
  props,
  rows,
  id,
  words,
}: {
  props: DayProps;
  rows: readonly QueueRow[];
  id: string;
  words: string;
}) {
  const { t, parameters, now } = props;
  return (
    <DataTable
      t={t}
      id={`day-${id}-table`}
      narrow="plain"
      caption={id === 'finish' ? t.day.toFinish : t.day.free}
      keys
      rows={rows}
      rowId={(row) => `${id}-${row.id}`}
      columns={[
        {
          key: 'task',
          head: t.queue.task,
          rowHead: true,
          cell: (row) => (
            <span>
              <a href={paths.task(row.id)} data-row-link="">
                {taskWords(t, row.kind, row.discipline)}
              </a>{' '}
              <span class="meta nowrap">{row.number}</span>
            </span>
          ),
        },
        {
          key: 'clock',
          head: t.queue.timeLeft,
          bare: true,
          cell: (row) =>
            row.clock ? <ClockBar t={t} clock={clockView(parameters, row.clock, now)} gauge={false} /> : null,
        },
        {
          key: 'act',
          head: words,
          bare: true,
          cell: (row) => <OpenTask props={props} row={row} words={words} />,
        },
      ]}
    />
  );
}
