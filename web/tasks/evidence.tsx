// Station 1, web: what a decision rests on, numbered, newest facts of the case in the order in which they are weighed. Shown
// only after the look was recorded. Text that people wrote stands as they wrote it.
import type { Child } from 'hono/jsx';
import type { Decided, Evidence, Measured, TaskHead } from '../../db/views/task.ts';
import { CRITERIA } from '../../domain/acts.ts';
import type { Instrument } from '../../domain/instruments/instrument.ts';
import { populationOf } from '../../domain/instruments/population.ts';
import { INSTRUMENTS } from '../../domain/instruments/registry.ts';
import type { Action, TaskKind } from '../../domain/lifecycle.ts';
import { DISCIPLINES } from '../../domain/roles.ts';
import { type EvidenceItem, EvidenceList } from '../parts/evidence-list.tsx';
import { MeasureChart, type MeasureView } from '../parts/measure-chart.tsx';
import { Moment } from '../parts/moment.tsx';
import { Notice } from '../parts/notice.tsx';
import { Said } from '../parts/said.tsx';
import { StatedTotals } from '../parts/stated-totals.tsx';
import { SummaryList } from '../parts/summary-list.tsx';
import { Tag } from '../parts/tag.tsx';
import type { Text } from '../text/text.ts';
import { unitWords } from './instruments.tsx';
import { decidedWords } from './words.ts';

/** One chart per instrument that was measured, oldest value first. */
export function measureViews(t: Text, evidence: Evidence): MeasureView[] {
  const population = populationOf(evidence.application?.reasonCode ?? null);
  return INSTRUMENTS.flatMap((instrument) => {
    const values = evidence.measured.filter((m) => m.instrument === instrument.id && m.total !== null);
    return values.length > 0 ? [measureView(t, instrument, values, population)] : [];
  });
}

function measureView(
  t: Text,
  instrument: Instrument,
  values: readonly Measured[],
  population: ReturnType<typeof populationOf>,
): MeasureView {
  const error = instrument.changes.find(
    (figure) => figure.kind === 'measurement-error' && figure.population === population,
  );
  return {
    id: instrument.id,
    name: instrument.name[t.lang],
    unit: unitWords(instrument.total.unit) || undefined,
    range: [instrument.total.min, instrument.total.max],
    better: instrument.better,
    points: values.map(({ at, total, by }) => ({ at, value: total as number, by })),
    ...(error
      ? {
          error: { value: error.value, population: t.work.populations[error.population] ?? error.population },
        }
      : {}),
  };
}

/** A FHIR date as people read it; one without its day stays as the record says it. */
const dayWords = (t: Text, date: string): string =>
  /^\d{4}-\d\d-\d\d/.test(date) ? t.calendarDate(date.slice(0, 10)) : date;

const byLine = (t: Text, name: string, at: string): Child => {
  const [before = '', between = '', after = ''] = t.work.by('\u0000', '\u0000').split('\u0000');
  return (
    <>
      {before}
      <Said inline text={name} />
      {between}
      <Moment t={t} at={at} show="date" />
      {after}
    </>
  );
};

/** "6 sessions of 45 minutes" per discipline, in the closed order of disciplines. */
export function planWords(
  t: Text,
  plan: { sessions: Readonly<Partial<Record<string, number>>>; minutes: number },
): string {
  return t.list(
    DISCIPLINES.filter((d) => (plan.sessions[d] ?? 0) > 0).map(
      (d) => `${t.disciplines[d]}: ${t.work.sessionsOf(plan.sessions[d] ?? 0, plan.minutes)}`,
    ),
  );
}

/** An earlier decision in words: what, how, why. */
function Decision({ t, decided }: { t: Text; decided: Decided }) {
  const { action, choice } = decided;
  const title = decidedWords(t, action, choice) ?? t.actions[action as Action];
  return (
    <li class="stack-tight">
      <p>
        <strong>{title}</strong>
        <span class="meta">
          {' '}
          {decided.by.name ? (
            byLine(t, decided.by.name, decided.at)
          ) : (
            <Moment t={t} at={decided.at} show="date" />
          )}
        </span>
      </p>
      {decided.criteria ? <Judged t={t} criteria={decided.criteria} /> : null}
      {decided.reasons ? <Said text={decided.reasons} /> : null}
    </li>
  );
}

/** How each criterion was judged, in one line each. */
function Judged({ t, criteria }: { t: Text; criteria: Readonly<Record<string, string>> }) {
  return (
    <dl class="judged">
      {CRITERIA.map((criterion) => (
        <>
          <dt>{t.criteria[criterion]}</dt>
          <dd>
            {criteria[criterion] === 'met' ? (
              <Tag tone="good" word={t.judgements.met ?? ''} />
            ) : (
              <Tag tone="late" icon="circle-x" word={t.judgements['not-met'] ?? ''} />
            )}
          </dd>
        </>
      ))}
    </dl>
  );
}

/** Decisions worth reading before the next one; sessions and findings have places of their own. */
const WEIGHED: readonly string[] = [
  'decide-eligibility',
  'provide-papers',
  'propose-plan',
  'approve-plan',
  'decide-outcome',
  'appeal',
  'decide-appeal',
  'clock.lapse',
  'reopen',
];

/** The evidence in the order in which a task of this kind weighs it. */
export function evidenceItems(t: Text, head: TaskHead, evidence: Evidence): EvidenceItem[] {
  const items: EvidenceItem[] = [];
  const { application } = evidence;
  const { kind } = head;
  const measures = measureViews(t, evidence);
  const late: readonly TaskKind[] = ['decide-outcome', 're-evaluate', 'record-follow-up', 'record-session'];
  const addApplication = () => {
    if (!application) return;
    items.push({
      title: t.work.titles.reason,
      body: <Said text={application.reason} />,
      meta: (
        <>
          {[
            application.reasonCode ? t.work.code(application.reasonCode) : '',
            application.reasonSince ? t.work.since(t.calendarDate(application.reasonSince)) : '',
          ]
            .filter(Boolean)
            .join(t.marks.comma)}
          {application.reasonCode || application.reasonSince ? t.marks.stop : ''}
          {byLine(t, application.submittedBy, application.submittedAt)}
        </>
      ),
    });
    if (application.goals)
      items.push({ title: t.work.titles.goals, body: <Said text={application.goals} /> });
    if (application.background.length > 0)
      items.push({
        title: t.work.titles.background,
        body: (
          <ul class="stack-tight">
            {application.background.map((fact) => (
              <li>
                <Said inline text={fact.text} />
                {fact.since ? <span class="meta"> {t.work.since(dayWords(t, fact.since))}</span> : null}
                {fact.why ? (
                  <span class="meta">
                    {' '}
                    <Said inline text={fact.why} />
                  </span>
                ) : null}
              </li>
            ))}
          </ul>
        ),
      });
    if (application.questions.length > 0)
      items.push({
        title: t.work.titles.questions,
        body: (
          <ul class="stack-tight">
            {application.questions.map((question) => (
              <li>
                <Said inline text={question} />
              </li>
            ))}
          </ul>
        ),
      });
  };
  const addPapers = () => {
    const answered = evidence.decisions.filter((d) => d.action === 'provide-papers' && d.reasons);
    if (answered.length === 0) return;
    items.push({
      title: t.work.titles.papers,
      body: (
        <ul class="plain stack">
          {answered.map((answer) => {
            const asked = evidence.decisions.find(
              (d) => d.action === 'decide-eligibility' && d.choice === 'ask-papers' && d.at <= answer.at,
            );
            return (
              <li class="stack-tight">
                {asked ? <p class="meta">{t.list(papersOf(asked))}</p> : null}
                <Said text={answer.reasons ?? ''} />
                {answer.by.name ? <p class="meta">{byLine(t, answer.by.name, answer.at)}</p> : null}
              </li>
            );
          })}
        </ul>
      ),
    });
  };
  const addFindings = () => {
    if (evidence.assessments.length === 0) return;
    items.push({
      title: t.work.titles.findings,
      body: (
        <ul class="plain stack">
          {[...evidence.assessments].reverse().map((found) => (
            <li class="stack-tight">
              <p class="meta">
                {t.work.occasions[found.occasion]}
                {found.discipline ? `${t.marks.comma}${t.disciplines[found.discipline]}` : ''}
                {t.marks.stop}
                {byLine(t, found.by, found.at)}
              </p>
              <Said text={found.findings} />
            </li>
          ))}
        </ul>
      ),
    });
  };
  const addMeasures = () => {
    const alerts = evidence.measured.flatMap((m) => {
      const instrument = INSTRUMENTS.find(({ id }) => id === m.instrument);
      const score = m.alerts.length > 0 ? instrument?.score(m.answers) : undefined;
      return (score?.alerts ?? [])
        .filter(({ level }) => level === 'immediate')
        .map((alert) => ({ m, alert }));
    });
    if (measures.length === 0 && alerts.length === 0) return;
    items.push({
      title: t.case.sections.measures,
      body: (
        <div class="stack">
          {alerts.map(({ m, alert }) => (
            <Notice tone="late">
              <p>
                {alert.text[t.lang]} <Moment t={t} at={m.at} show="date" />
              </p>
            </Notice>
          ))}
          <StatedTotals t={t} rows={evidence.measured} />
          {measures.map((measure) => (
            <MeasureChart t={t} measure={measure} />
          ))}
        </div>
      ),
    });
  };
  const addPlan = () => {
    const { plan } = evidence;
    if (!plan) return;
    items.push({
      title: t.work.titles.plan(plan.number),
      body: (
        <div class="stack-tight">
          <p>
            <Tag
              tone={plan.status === 'approved' ? 'good' : plan.status === 'proposed' ? 'note' : 'late'}
              word={t.work.planStatus[plan.status]}
            />
          </p>
          <SummaryList
            t={t}
            plain
            rows={[
              {
                term: t.case.goals,
                value: (
                  <ul>
                    {plan.goals.map((goal) => (
                      <li>
                        <Said inline text={goal} />
                      </li>
                    ))}
                  </ul>
                ),
              },
              { term: t.case.sessions, value: planWords(t, plan) },
            ]}
          />
        </div>
      ),
      meta: byLine(t, plan.proposedBy, plan.proposedAt),
    });
  };
  const addSessions = () => {
    const { sessions, plan } = evidence;
    if (sessions.length === 0) {
      if (kind === 'record-session')
        items.push({ title: t.work.titles.sessions, body: <p class="soft">{t.work.noSessions}</p> });
      return;
    }
    const held = sessions.filter((session) => session.held).length;
    const left = DISCIPLINES.reduce((sum, d) => sum + (plan?.sessionsLeft[d] ?? 0), 0);
    const row = (session: (typeof sessions)[number]) => (
      <li>
        <Moment t={t} at={session.at} show="date" />
        {t.marks.comma}
        {t.disciplines[session.discipline]}
        {t.marks.colon}
        {t.choices['record-session'][session.held ? 'held' : 'absent']}
        {session.held ? `${t.marks.comma}${t.clock.amount(session.minutes, 'minute')}` : ''}
        {session.note ? (
          <>
            {t.marks.stop}
            <Said inline text={session.note} />
          </>
        ) : null}
        <span class="meta">
          {' '}
          <Said inline text={session.by} />
        </span>
      </li>
    );
    items.push({
      title: t.work.titles.sessions,
      body: (
        <div class="stack-tight">
          <p>
            {t.work.heldOf(held, sessions.length - held)}
            {kind === 'record-session' ? `, ${t.work.left(left)}` : ''}
          </p>
          <ul class="stack-tight">{sessions.slice(0, 5).map(row)}</ul>
          {sessions.length > 5 ? (
            <details class="details">
              <summary>{t.work.allSessions(sessions.length)}</summary>
              <ul class="details-body stack-tight">{sessions.slice(5).map(row)}</ul>
            </details>
          ) : null}
        </div>
      ),
    });
  };
  const addDecisions = () => {
    const weighed = evidence.decisions.filter(
      (d) => WEIGHED.includes(d.action) && d.action !== 'provide-papers',
    );
    if (weighed.length === 0) return;
    items.push({
      title: t.work.titles.decisions,
      body: (
        <ol class="plain stack">
          {weighed.map((decided) => (
            <Decision t={t} decided={decided} />
          ))}
        </ol>
      ),
    });
  };
  const addAppeal = () => {
    const appeal = evidence.decisions.find((d) => d.action === 'appeal');
    if (appeal?.reasons)
      items.push({
        title: t.work.titles.appeal,
        body: <Said text={appeal.reasons} />,
        ...(appeal.by.name ? { meta: byLine(t, appeal.by.name, appeal.at) } : {}),
      });
  };

  switch (kind) {
    case 'decide-eligibility':
      addApplication();
      addPapers();
      addDecisions();
      return items;
    case 'decide-appeal':
      addAppeal();
      addDecisions();
      addApplication();
      addPapers();
      return items;
    case 'approve-plan':
      addPlan();
      addMeasures();
      addFindings();
      addApplication();
      addDecisions();
      return items;
    default:
      if (late.includes(kind)) {
        if (kind === 'decide-outcome') addMeasures();
        addPlan();
        addSessions();
        if (kind !== 'decide-outcome') addMeasures();
        addFindings();
        addApplication();
        if (kind === 'decide-outcome') addDecisions();
        return items;
      }
      // Assess and propose a plan.
      addApplication();
      addFindings();
      addMeasures();
      addDecisions();
      return items;
  }
}

/** The papers that a decision asked for. */
export function papersOf(decided: Pick<Decided, 'details'>): string[] {
  const papers = decided.details?.papers;
  return Array.isArray(papers) ? papers.filter((paper) => typeof paper === 'string') : [];
}

/** The pane of evidence. */
export function EvidencePane({ t, head, evidence }: { t: Text; head: TaskHead; evidence: Evidence }) {
  return (
    <section class="stack" id="evidence" aria-labelledby="evidence-title">
      <h2 id="evidence-title" tabindex={-1}>
        {t.task.evidence}
      </h2>
      <EvidenceList t={t} items={evidenceItems(t, head, evidence)} />
      <p class="meta">{t.work.looked}</p>
    </section>
  );
}
