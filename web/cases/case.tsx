// Station 1, web: the sections of a case for those who work on it. Each is an address of its own; business acts stand first.
import type {
  ApplicationRow,
  ClockRow,
  FindingRow,
  MeasurementRow,
  PatientView,
  PlanRow,
} from '../../db/views/case.ts';
import { DISCIPLINES, type Discipline } from '../../domain/roles.ts';
import { clockView, leadingClock } from '../clock-view.ts';
import type { WebDeps } from '../deps.ts';
import { ClockBar } from '../parts/clock-bar.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { Icon } from '../parts/icon.tsx';
import { Moment } from '../parts/moment.tsx';
import { Said } from '../parts/said.tsx';
import { StageStrip } from '../parts/stage-strip.tsx';
import { SummaryList, type SummaryRow } from '../parts/summary-list.tsx';
import { type TabLink, Tabs } from '../parts/tabs.tsx';
import { Tag } from '../parts/tag.tsx';
import { Timeline, type TimelineEvent } from '../parts/timeline.tsx';
import { Who } from '../parts/who.tsx';
import { CASE_SECTIONS, type CaseSection, paths } from '../paths.ts';
import type { Text } from '../text/text.ts';
import { ClockOf } from './clocks.tsx';
import { measureViews } from './measures.tsx';
import type { Seen } from './see.tsx';
import type { Turn } from './whose-turn.ts';

/** Sections this reader has. */
export const sectionsFor = (seen: Pick<Seen, 'own' | 'clinical'>): readonly CaseSection[] =>
  CASE_SECTIONS.filter((section) => {
    if (section === 'measures') return seen.clinical;
    if (seen.own === 'supporter' || seen.own === 'referrer')
      return section === 'overview' || section === 'clocks';
    return true;
  });

/** Case number, name and year of birth, and the tabs. */
export function CaseHeading({ number, patient }: { number: string; patient: PatientView | undefined }) {
  return (
    <>
      <span class="nowrap">{number}</span>
      {patient ? (
        <span class="soft">
          {'  '}
          <Said inline text={patient.name} />
          {patient.birthDate ? `, ${patient.birthDate.slice(0, 4)}` : ''}
        </span>
      ) : null}
    </>
  );
}

export function SectionTabs({
  t,
  seen,
  section,
  counts = {},
}: {
  t: Text;
  seen: Seen;
  section: CaseSection;
  counts?: Partial<Record<CaseSection, number>>;
}) {
  const links: TabLink[] = sectionsFor(seen).map((one) => ({
    href: paths.case(seen.head.id, one),
    words: t.case.sections[one],
    count: counts[one] === undefined ? undefined : t.number(counts[one]),
    current: one === section,
  }));
  return <Tabs label={t.case.sectionNav} links={links} />;
}

/** Where the case is and whose move it is; stands above every section. */
export function WhereItIs({
  t,
  seen,
  turns,
  clocks,
  deps,
  endedIn,
}: {
  t: Text;
  seen: Seen;
  turns: readonly Turn[];
  clocks: readonly ClockRow[];
  deps: Pick<WebDeps, 'parameters' | 'now'>;
  endedIn: Parameters<typeof StageStrip>[0]['endedIn'];
}) {
  const { head } = seen;
  const leading = leadingClock(deps.parameters, clocks);
  return (
    <div class="stack" id="where">
      <StageStrip t={t} stage={head.stage} endedIn={endedIn} round={head.round} />
      <div class="card spread">
        <p class="whose">
          <span class="soft">
            {t.case.whoseMove}
            {t.marks.colon}
          </span>
          {turns.length > 0 ? (
            <b>
              {turns.map((turn, index) => (
                <>
                  {index > 0 ? t.marks.semicolon : ''}
                  <Said inline text={turn.words} />
                </>
              ))}
            </b>
          ) : leading && head.stage !== 'closed' ? (
            t.my.waits(t.clocks[leading.clock])
          ) : (
            t.case.moveNobody
          )}
        </p>
        {head.outcome ? (
          <Tag
            tone={head.outcome === 'approved' ? 'good' : head.outcome === 'refused' ? 'late' : 'quiet'}
            word={t.outcomes[head.outcome]}
          />
        ) : null}
        {leading ? (
          <div>
            <span class="meta">{t.clocks[leading.clock]}</span>
            <br />
            <ClockBar t={t} clock={clockView(deps.parameters, leading, deps.now())} />
          </div>
        ) : null}
      </div>
    </div>
  );
}

export interface OverviewProps {
  readonly t: Text;
  readonly seen: Seen;
  readonly deps: Pick<WebDeps, 'parameters' | 'now'>;
  readonly events: readonly TimelineEvent[];
  readonly turns: readonly Turn[];
  readonly clocks: readonly ClockRow[];
  readonly patient: PatientView | undefined;
  readonly application: ApplicationRow | undefined;
  readonly plan: PlanRow | undefined;
  readonly held: Readonly<Partial<Record<Discipline, number>>>;
  readonly measurements: readonly MeasurementRow[];
  readonly findings: readonly FindingRow[];
}

export function Overview(props: OverviewProps) {
  const { t, seen, deps, events, turns, clocks, patient, application, plan, held } = props;
  const running = clocks.filter((clock) => !clock.stoppedAt && !clock.lapsedAt);
  const measures = seen.clinical ? measureViews(t, props.measurements, application?.reasonCode ?? null) : [];
  return (
    <div class="aside-split">
      <div class="stack">
        <section class="stack-tight">
          <h2>{t.case.timeline}</h2>
          <Timeline t={t} events={events} />
          <p>
            <a href={paths.case(seen.head.id, 'entries')}>{t.my.entriesLink}</a>
          </p>
        </section>
      </div>
      <aside class="stack">
        <section class="card stack-tight">
          <h2>{t.case.answerable}</h2>
          {turns.length > 0 ? (
            <ul class="plain stack-tight">
              {turns.map(({ task, words }) => (
                <li>
                  <Said inline text={words} />
                  {task.holder ? <p class="meta">{t.queue.until(t.dateTime(task.holder.until))}</p> : null}
                </li>
              ))}
            </ul>
          ) : (
            <p class="soft">{t.case.moveNobody}</p>
          )}
        </section>
        {running.length > 0 ? (
          <section class="card stack-tight">
            <h2>{t.case.sections.clocks}</h2>
            <ul class="plain stack-tight">
              {running.map((clock) => (
                <li>
                  <span class="meta">{t.clocks[clock.clock]}</span>
                  <br />
                  <ClockBar t={t} clock={clockView(deps.parameters, clock, deps.now())} />
                </li>
              ))}
            </ul>
          </section>
        ) : null}
        {measures.length > 0 ? (
          <section class="card stack-tight">
            <h2>{t.case.sections.measures}</h2>
            <ul class="plain stack-tight">
              {measures.map(({ name, points, unit }) => {
                const first = points[0]?.value ?? 0;
                const last = points.at(-1)?.value ?? 0;
                const with_ = (n: number) => `${t.number(n, 1)}${unit ? `\u00a0${unit}` : ''}`;
                return (
                  <li class="spread">
                    <span>{name}</span>
                    <b class="figures">
                      {points.length > 1 ? (
                        <span class="change-of">
                          {with_(first)}
                          <Icon name="arrow-right" />
                          <span class="visually-hidden">{t.words.to}</span> {with_(last)}
                        </span>
                      ) : (
                        with_(last)
                      )}
                    </b>
                  </li>
                );
              })}
            </ul>
            <p>
              <a href={paths.case(seen.head.id, 'measures')}>{t.case.sections.measures}</a>
            </p>
          </section>
        ) : null}
        {plan ? <PlanCard t={t} plan={plan} held={held} clinical={seen.clinical} /> : null}
        <section class="card stack-tight">
          <h2>{t.case.facts}</h2>
          <SummaryList t={t} plain rows={factsOf(t, seen, patient, application)} />
          {seen.clinical && application && application.questions.length > 0 ? (
            <>
              <h3>{t.fields.questions}</h3>
              <ul>
                {application.questions.map((question) => (
                  <li>
                    <Said inline text={question} />
                  </li>
                ))}
              </ul>
            </>
          ) : null}
          {seen.clinical && application && application.background.length > 0 ? (
            <details class="details">
              <summary>
                <Icon name="chevron-right" />
                {t.fields.background} ({t.number(application.background.length)})
              </summary>
              <ul class="details-body">
                {application.background.map(({ text, why }) => (
                  <li>
                    <Said inline text={text} />
                    {why ? (
                      <span class="soft">
                        {' '}
                        (<Said inline text={why} />)
                      </span>
                    ) : null}
                  </li>
                ))}
              </ul>
            </details>
          ) : null}
        </section>
        {seen.clinical && props.findings.length > 0 ? (
          <section class="card stack-tight">
            <h2>{t.fields.findings}</h2>
            {props.findings.map((finding) => (
              <div>
                <p class="meta">
                  {finding.discipline ? `${t.disciplines[finding.discipline]}, ` : ''}
                  <Said inline text={finding.by ?? t.words.unknown} />,{' '}
                  <Moment t={t} at={finding.at} show="date" />
                </p>
                <Said text={finding.findings} />
              </div>
            ))}
          </section>
        ) : null}
      </aside>
    </div>
  );
}

function factsOf(
  t: Text,
  seen: Seen,
  patient: PatientView | undefined,
  application: ApplicationRow | undefined,
): SummaryRow[] {
  const rows: SummaryRow[] = [];
  if (application && seen.clinical) {
    rows.push({ term: t.fields.reason, value: <Said text={application.reason} /> });
    if (application.reasonSince)
      rows.push({ term: t.fields.reasonSince, value: t.calendarDate(application.reasonSince) });
    if (application.goals) rows.push({ term: t.fields.goals, value: <Said text={application.goals} /> });
  }
  if (patient?.birthDate && seen.clinical)
    rows.push({ term: t.fields.birthDate, value: t.calendarDate(patient.birthDate) });
  if (patient?.sex && seen.clinical)
    rows.push({ term: t.fields.sex, value: t.fields.sexes[patient.sex] ?? patient.sex });
  rows.push({ term: t.cases.state, value: t.states[seen.head.state] });
  rows.push({ term: t.events['application.submitted'], value: <Moment t={t} at={seen.head.openedAt} /> });
  return rows;
}

export function PlanCard({
  t,
  plan,
  held,
  clinical,
}: {
  t: Text;
  plan: PlanRow;
  held: Readonly<Partial<Record<Discipline, number>>>;
  clinical: boolean;
}) {
  return (
    <section class="card stack-tight">
      <h2>{t.case.planNumber(plan.number)}</h2>
      {clinical && plan.goals.length > 0 ? (
        <>
          <h3>{t.case.goals}</h3>
          <ul>
            {plan.goals.map((goal) => (
              <li>
                <Said inline text={goal} />
              </li>
            ))}
          </ul>
        </>
      ) : null}
      <h3>{t.case.sessions}</h3>
      <ul class="plain">
        {DISCIPLINES.filter((discipline) => (plan.sessions[discipline] ?? 0) > 0).map((discipline) => (
          <li>
            {t.disciplines[discipline]}
            {t.marks.colon}
            {t.case.sessionsDone(
              held[discipline] ?? 0,
              Math.max(plan.sessions[discipline] ?? 0, held[discipline] ?? 0),
            )}
          </li>
        ))}
      </ul>
      <p class="meta">
        {t.fields.minutes}
        {t.marks.colon}
        {t.number(plan.minutes)}
      </p>
    </section>
  );
}

export interface DutyLine {
  readonly id: string;
  readonly what: string;
  readonly who: Parameters<typeof Who>[0]['who'];
  readonly since: string;
  readonly now: boolean;
}

export function People({ t, lines }: { t: Text; lines: readonly DutyLine[] }) {
  return (
    <div class="stack">
      <p class="soft">{t.case.peopleLead}</p>
      <DataTable
        t={t}
        id="people"
        caption={t.case.sections.people}
        rows={lines}
        rowId={(line) => `who-${line.id}`}
        columns={[
          {
            key: 'who',
            head: t.case.person,
            rowHead: true,
            cell: (line) => <Who t={t} who={line.who} full />,
          },
          { key: 'what', head: t.case.relation, cell: (line) => line.what },
          {
            key: 'now',
            head: t.case.answerable,
            cell: (line) => (line.now ? <Tag tone="note" word={t.words.yes} /> : ''),
          },
          { key: 'since', head: t.case.since, cell: (line) => <Moment t={t} at={line.since} /> },
        ]}
      />
    </div>
  );
}

export function Clocks({
  t,
  clocks,
  deps,
}: {
  t: Text;
  clocks: readonly ClockRow[];
  deps: Pick<WebDeps, 'parameters' | 'now'>;
}) {
  if (clocks.length === 0) return <EmptyState words={t.case.noClocks} />;
  const running = clocks.filter((clock) => !clock.stoppedAt && !clock.lapsedAt);
  const over = clocks.filter((clock) => clock.stoppedAt || clock.lapsedAt);
  const list = (rows: readonly ClockRow[]) => (
    <ul class="plain columns">
      {rows.map((row) => (
        <li class="card stack-tight">
          <ClockOf t={t} row={row} parameters={deps.parameters} now={deps.now()} days />
        </li>
      ))}
    </ul>
  );
  return (
    <div class="stack">
      <p class="soft">{t.case.clocksLead}</p>
      <h2>{t.clockDays.running}</h2>
      {running.length > 0 ? list(running) : <p>{t.case.noClocks}</p>}
      {over.length > 0 ? (
        <>
          <h2>{t.clockDays.over}</h2>
          {list(over)}
        </>
      ) : null}
    </div>
  );
}

export function Entries({
  t,
  events,
  total,
  olderHref,
  newestHref,
}: {
  t: Text;
  events: readonly TimelineEvent[];
  total: number;
  olderHref?: string | undefined;
  newestHref?: string | undefined;
}) {
  return (
    <div class="stack">
      <div class="spread">
        <p class="soft">{t.case.entriesLead}</p>
        <span class="meta">{t.trail.count(total)}</span>
      </div>
      {events.length > 0 ? <Timeline t={t} events={events} id="entries" /> : <p>{t.case.noEntries}</p>}
      <nav class="pager" aria-label={t.pager.label}>
        {newestHref ? <a href={newestHref}>{t.trail.newest}</a> : null}
        {olderHref ? (
          <a class="button small" href={olderHref} rel="next">
            {t.trail.older}
          </a>
        ) : null}
      </nav>
    </div>
  );
}
