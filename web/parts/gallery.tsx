// Station 1, web: `/parts`, every part in every state, for development and for the tests that look at it.
// Mounted only where the process says so (never outside loopback). All people are plainly invented; times are fixed.
import { Hono } from 'hono';
import type { Child } from 'hono/jsx';
import { CRITERIA } from '../../domain/acts.ts';
import { STAGES } from '../../domain/lifecycle.ts';
import { ROLES } from '../../domain/roles.ts';
import { ICON_NAMES } from '../assets/icons.ts';
import {
  CONTENT_SECURITY_POLICY,
  type Frame,
  formAttributes,
  fragment,
  Hidden,
  navigationOf,
  noticePartial,
  Partial,
  page,
  type Theme,
} from '../layout.tsx';
import type { Lang } from '../text/formats.ts';
import { langOf, type Text, text } from '../text/text.ts';
import { ClockBar, ClockCard, type ClockView } from './clock-bar.tsx';
import { CriteriaTable } from './criteria-table.tsx';
import { DataTable } from './data-table.tsx';
import { EmptyState } from './empty-state.tsx';
import { ErrorSummary } from './error-summary.tsx';
import { EvidenceList } from './evidence-list.tsx';
import { Field } from './field.tsx';
import { FilterBar } from './filter-bar.tsx';
import { FourStores } from './four-stores.tsx';
import { Hash } from './hash.tsx';
import { HeatTable } from './heat-table.tsx';
import { Icon } from './icon.tsx';
import { LiveBar } from './live-bar.tsx';
import { MeasureChart } from './measure-chart.tsx';
import { Notice } from './notice.tsx';
import { Pager } from './pager.tsx';
import { PrintFrame } from './print-frame.tsx';
import { ProofLine, ProofMark } from './proof-mark.tsx';
import { Said } from './said.tsx';
import { StageStrip } from './stage-strip.tsx';
import { StaleNotice } from './stale-notice.tsx';
import { StillWorking } from './still-working.tsx';
import { SummaryList } from './summary-list.tsx';
import { Tabs } from './tabs.tsx';
import { Tag } from './tag.tsx';
import { Tile } from './tile.tsx';
import { Timeline } from './timeline.tsx';
import { UndoBar } from './undo-bar.tsx';
import { Who } from './who.tsx';

const DAY = '2026-11-24T14:05:00.000Z';
const EARLIER = '2026-11-12T15:40:00.000Z';
const OFFICER = 'Kofi Example';
const THERAPIST = 'Jana Sample';
const HASH = '4f1c09ab77e0c2d19c4177e000aa11bb22cc33dd44ee55ff6677889900aabbcc';

/** What a caller may put into every text, so that tests can look for what must never run. */
export type GalleryWords = { name?: string; prose?: string };

/** The gallery as a sub-application: `app.route('/', partsGallery())`. */
export function partsGallery(words: GalleryWords = {}): Hono {
  const app = new Hono();
  const frameOf = (query: Record<string, string>): Frame => {
    const t = text(langOf(query.lang), 'Europe/Berlin');
    const role = ROLES.find((name) => name === query.role) ?? 'approval-officer';
    return {
      t,
      theme: (['light', 'dark'] as const).find((name) => name === query.theme) ?? ('system' satisfies Theme),
      density: query.density === 'compact' ? 'compact' : 'comfortable',
      path: '/queue',
      navigation: navigationOf(t, role, { queue: 41, day: 6 }),
      viewer: {
        name: words.name ?? OFFICER,
        role,
        roles: [role, 'doctor'],
        organisation: t.organisations.administration,
      },
      banner: { tone: 'note', words: t.frame.demonstration },
      checkpoint: { size: 48_230, anchored: 48_218, cosigned: { size: 48_210, count: 2 } },
      searchHref: '/cases',
    };
  };
  app.use(async (c, next) => {
    await next();
    c.header('content-security-policy', CONTENT_SECURITY_POLICY);
    c.header('vary', 'HX-Request, HX-Request-Type');
  });
  app.get('/parts', (c) => {
    const frame = frameOf(c.req.query());
    return c.html(
      page(
        frame,
        {
          title: 'Parts',
          lead: 'Every part in every state',
          audience: c.req.query('audience') === 'patient' ? 'patient' : 'staff',
          back: { href: '/queue', words: frame.t.task.back },
          actions: (
            <button type="button" class="button primary" aria-keyshortcuts="N">
              {frame.t.queue.takeNext}
            </button>
          ),
        },
        <Gallery t={frame.t} words={words} />,
      ),
    );
  });
  // Sentinels for the browser tests: what a server can answer to a form.
  app.post('/parts/answer/:kind', (c) => {
    const { t } = frameOf(c.req.query());
    switch (c.req.param('kind')) {
      case 'corrected':
        return c.html(<AnswerForm t={t} kind="corrected" fault />, 422);
      case 'down':
        return c.html(fragment(noticePartial(t.errors.down)), 503);
      case 'taken':
        return c.html(
          fragment(
            <Partial target="#stale">
              <StaleNotice
                title={t.stale.title}
                t={t}
                words={t.refusals['stale-claim']({ holder: THERAPIST, at: '14:05' })}
                kept="…"
              />
            </Partial>,
          ),
          409,
          { 'hx-reswap': 'none' },
        );
      default:
        return c.html(<AnswerForm t={t} kind="corrected" />);
    }
  });
  return app;
}

function AnswerForm({ t, kind, fault = false }: { t: Text; kind: string; fault?: boolean }) {
  return (
    <form id={`answer-${kind}`} {...formAttributes(`/parts/answer/${kind}?lang=${t.lang}`)}>
      <Hidden values={{ key: `key-${kind}` }} />
      {fault ? (
        <ErrorSummary t={t} faults={[{ field: `note-${kind}`, words: t.faults.required({}) }]} />
      ) : null}
      <Field
        t={t}
        name={`note-${kind}`}
        label={t.fields.note}
        fault={fault ? t.faults.required({}) : undefined}
      />
      <div class="actions">
        <button class="button" type="submit">
          {t.words.save}
        </button>
      </div>
    </form>
  );
}

function Section({ name, children }: { name: string; children?: Child }) {
  return (
    <section id={`part-${name.toLowerCase()}`}>
      <h2>{name}</h2>
      {children}
    </section>
  );
}

function Specimen({ of, children }: { of: string; children?: Child }) {
  return (
    <div class="specimen">
      <span class="meta mono">{of}</span>
      {children}
    </div>
  );
}

const CLOCKS: Record<string, ClockView> = {
  running: {
    state: 'running',
    amount: 12,
    unit: 'working-day',
    lastDay: '2026-12-10T22:00:00.000Z',
    spent: 0.2,
  },
  soon: { state: 'soon', amount: 1, unit: 'working-day', lastDay: DAY, spent: 0.85 },
  today: { state: 'soon', amount: 0, unit: 'working-day', lastDay: DAY, spent: 0.97 },
  late: { state: 'late', amount: 1, unit: 'working-day', lastDay: '2026-11-20T22:00:00.000Z' },
  paused: { state: 'paused', since: EARLIER, spent: 0.4 },
  met: { state: 'met', on: EARLIER },
  ended: { state: 'ended', on: EARLIER },
};

type QueueRow = {
  number: string;
  task: string;
  stage: string;
  clock: ClockView;
  who: string;
  mine?: boolean;
  gone?: boolean;
};

export function Gallery({ t, words }: { t: Text; words: GalleryWords }) {
  const name = words.name ?? THERAPIST;
  const prose = words.prose ?? (t.lang === 'en' ? PROSE_EN : PROSE_ZH);
  const rows: QueueRow[] = [
    {
      number: 'RC-V2RX-D8',
      task: t.tasks['decide-eligibility'],
      stage: t.stages.application,
      clock: CLOCKS.late as ClockView,
      who: t.words.nobody,
    },
    {
      number: 'RC-7QK4-M2',
      task: t.tasks['decide-outcome'],
      stage: t.stages.approval,
      clock: CLOCKS.soon as ClockView,
      who: t.words.you,
      mine: true,
    },
    {
      number: 'RC-Q8ZC-B5',
      task: t.tasks['approve-plan'],
      stage: t.stages.assessment,
      clock: CLOCKS.paused as ClockView,
      who: name,
      gone: true,
    },
    {
      number: 'RC-4HPW-K1',
      task: t.tasks['decide-appeal'],
      stage: t.stages.application,
      clock: CLOCKS.running as ClockView,
      who: t.words.nobody,
    },
  ];
  return (
    <div class="gallery">
      <Section name="Buttons">
        <div class="cluster">
          <button class="button" type="button">
            {t.task.check}
          </button>
          <button class="button grave" type="button">
            {t.buttons.withdraw}
          </button>
          <button class="button small" type="button">
            {t.queue.claim}
          </button>
          <button class="button" type="button" aria-busy="true">
            {t.script.saving}
          </button>
          <a class="button" href="#part-buttons">
            {t.case.openTask}
          </a>
          <button class="link" type="button">
            {t.task.saveLeave}
          </button>
        </div>
      </Section>

      <Section name="Tag">
        <div class="cluster">
          <Tag tone="good" word={t.judgements.met ?? ''} />
          <Tag tone="soon" word={t.clock.amount(2, 'working-day')} />
          <Tag tone="late" word={t.outcomes.refused} />
          <Tag tone="note" word={t.states['papers-asked']} />
          <Tag tone="quiet" word={t.stages.closed} />
        </div>
      </Section>

      <Section name="ProofMark">
        <div class="stack">
          <ProofLine t={t} proof={{ state: 'pending' }} />
          <ProofLine
            t={t}
            proof={{ state: 'sequenced', index: 48_190 }}
            waits={t.clock.amount(40, 'second')}
          />
          <ProofLine t={t} proof={{ state: 'anchored', index: 48_102, cosigned: { count: 2, of: 3 } }} />
          <ProofMark t={t} proof={{ state: 'anchored', index: 12 }} />
        </div>
      </Section>

      <Section name="ClockBar">
        <div class="cluster">
          {Object.entries(CLOCKS).map(([of, clock]) => (
            <Specimen of={of}>
              <ClockBar t={t} clock={clock} />
            </Specimen>
          ))}
        </div>
        <div class="card">
          <ClockCard
            t={t}
            name={t.clock.within(t.clocks['eligibility-decision'], t.clock.amount(3, 'week'))}
            clock={CLOCKS.soon as ClockView}
            started={EARLIER}
            due={DAY}
            lastDay={DAY}
            basis="SGB IX § 14 (2)"
            effect={t.clockEffects['eligibility-decision']}
          />
        </div>
      </Section>

      <Section name="StageStrip">
        {STAGES.map((stage) => (
          <Specimen of={stage}>
            <StageStrip t={t} stage={stage} round={stage === 'treatment' ? 2 : 1} />
          </Specimen>
        ))}
        <Specimen of="closed, ended in application">
          <StageStrip t={t} stage="closed" endedIn="application" />
        </Specimen>
      </Section>

      <Section name="Who">
        <div class="stack-tight">
          <p>
            <Who t={t} who={{ name, role: 'therapist', organisation: 'hospital' }} full />
          </p>
          <p>
            <Who
              t={t}
              who={{ name, role: 'approval-officer', actingFor: 'M. Placeholder', you: true }}
              full
            />
          </p>
          <p>
            <Who t={t} who={{ name: '林美样例', role: 'doctor' }} full />
          </p>
          <p>
            <Who t={t} who={{}} />
          </p>
        </div>
      </Section>

      <Section name="Hash">
        <Hash t={t} value={HASH} />
      </Section>

      <Section name="Notice">
        <div class="stack">
          <Notice tone="good">
            <p>{t.done['decide-eligibility']('RC-7QK4-M2')}</p>
          </Notice>
          <Notice tone="note">
            <p>{t.case.recorded}</p>
          </Notice>
          <Notice tone="soon">
            <p>{t.errors.down}</p>
          </Notice>
          <Notice tone="quiet">
            <p>{t.board.workGoesOn}</p>
          </Notice>
        </div>
      </Section>

      <Section name="StaleNotice">
        <StaleNotice
          title={t.stale.title}
          t={t}
          words={t.refusals['stale-claim']({ holder: name, at: '14:05' })}
          kept={prose}
          taskHref="#part-stalenotice"
        />
      </Section>

      <Section name="StillWorking">
        <StillWorking t={t} askHref="/ask/example" sentAt={DAY} poll={false} />
      </Section>

      <Section name="UndoBar">
        <UndoBar t={t} shown />
      </Section>

      <Section name="LiveBar">
        <LiveBar t={t} topic="queue" after={48190} asOf={DAY} here="/parts" pause />
      </Section>

      <Section name="EmptyState">
        <EmptyState
          words={t.queue.empty}
          more={t.queue.emptyTeam(12)}
          link={{ href: '#team', words: t.queue.toTeam }}
        />
      </Section>

      <Section name="FilterBar">
        <Tabs
          label={t.filter.views}
          links={[
            { href: '#mine', words: t.queue.views.mine ?? '', count: '7' },
            { href: '#open', words: t.queue.views.open ?? '', count: '41', current: true },
            { href: '#team', words: t.queue.views.team ?? '', count: '63' },
            { href: '#late', words: t.queue.views.late ?? '', count: '2' },
          ]}
        />
        <br />
        <FilterBar
          t={t}
          action="/parts"
          filters={[
            {
              name: 'stage',
              label: t.queue.stage,
              control: 'select',
              value: 'approval',
              options: STAGES.map((stage) => ({ value: stage, label: t.stages[stage] })),
            },
            { name: 'find', label: t.cases.find, control: 'text', value: '' },
          ]}
          clearHref="/parts"
        />
      </Section>

      <Section name="DataTable">
        <DataTable
          t={t}
          id="queue"
          caption={t.queue.caption}
          rows={rows}
          rowId={(row) => row.number}
          rowState={(row) => ({ mine: row.mine ?? false, gone: row.gone ?? false })}
          keys
          pick={{ name: 'task', value: (row) => row.number, label: (row) => t.table.select(row.number) }}
          columns={[
            {
              key: 'case',
              head: t.queue.case,
              rowHead: true,
              cell: (row) => (
                <a href={`#${row.number}`} data-row-link="">
                  {row.number}
                </a>
              ),
            },
            { key: 'task', head: t.queue.task, bare: true, cell: (row) => row.task },
            { key: 'stage', head: t.queue.stage, cell: (row) => row.stage },
            {
              key: 'clock',
              head: t.queue.timeLeft,
              bare: true,
              sort: { href: '#sorted', now: 'ascending' },
              cell: (row) => <ClockBar t={t} clock={row.clock} />,
            },
            { key: 'with', head: t.queue.with, cell: (row) => <Said inline text={row.who} /> },
          ]}
        />
        <Pager
          t={t}
          from={1}
          to={25}
          total={41}
          size={25}
          nextHref="#next"
          sizeHref={(size) => `#size-${size}`}
        />
        <Pager t={t} from={26} to={50} total={undefined} size={25} nextHref="#next" firstHref="#first" />
      </Section>

      <Section name="SummaryList">
        <SummaryList
          t={t}
          rows={[
            {
              term: t.fields.choice,
              value: <Tag tone="late" word={t.outcomes.refused} />,
              change: { href: '#c1' },
            },
            { term: t.fields.reasons, value: <Said text={prose} />, change: { href: '#c2' } },
            { term: t.fields.goals, value: '' },
          ]}
        />
        <div class="card">
          <SummaryList
            t={t}
            plain
            rows={[
              { term: t.fields.birthDate, value: t.calendarDate('1961-11-12') },
              { term: t.cases.number, value: 'RC-7QK4-M2' },
            ]}
          />
        </div>
      </Section>

      <Section name="ErrorSummary">
        <ErrorSummary
          t={t}
          faults={[
            { field: 'reasons', words: t.faults.reasonsNeeded({}) },
            { field: 'birthDate', words: t.faults.notADate({}) },
          ]}
        />
      </Section>

      <Section name="Field">
        <div class="form-page">
          <Field
            t={t}
            name="patientName"
            label={t.fields.patientName}
            hint={t.fields.patientNameHint}
            value={name}
          />
          <Field
            t={t}
            name="birthDate"
            control="date"
            label={t.fields.birthDate}
            hint={t.fields.dateHint}
            value="1961-13-40"
            fault={t.faults.notADate({})}
          />
          <Field
            t={t}
            name="reasons"
            control="textarea"
            label={t.fields.reasons}
            hint={t.fields.reasonsHint}
            fault={t.faults.reasonsNeeded({})}
            value={words.prose}
          />
          <Field
            t={t}
            name="minutes"
            control="number"
            label={t.fields.minutes}
            value={45}
            unit={t.fields.minutesUnit}
            optional
          />
          <Field
            t={t}
            name="sex"
            control="select"
            label={t.fields.sex}
            options={Object.entries(t.fields.sexes).map(([value, label]) => ({ value, label }))}
          />
          <Field
            t={t}
            name="choice"
            control="radios"
            layout="boxed"
            label={t.fields.choice}
            value="refuse"
            options={[
              {
                value: 'accept',
                label: t.choices['decide-eligibility'].accept ?? '',
                hint: t.choiceHints['decide-eligibility']?.accept,
                shortcut: 'A',
              },
              {
                value: 'refuse',
                label: t.choices['decide-eligibility'].refuse ?? '',
                hint: t.choiceHints['decide-eligibility']?.refuse,
                shortcut: 'R',
              },
            ]}
          />
          <Field
            t={t}
            name="disciplines"
            control="checkboxes"
            label={t.fields.disciplines}
            value={['physiotherapy']}
            options={Object.entries(t.disciplines).map(([value, label]) => ({ value, label }))}
          />
        </div>
      </Section>

      <Section name="CriteriaTable">
        <div class="columns">
          <CriteriaTable
            t={t}
            edit
            judgements={{ need: 'met' }}
            evidence={{ need: [1, 2], capacity: [2], prognosis: [1] }}
            fault={t.faults.judgeAll({})}
          />
          <CriteriaTable
            t={t}
            judgements={Object.fromEntries(CRITERIA.map((c, i) => [c, i === 1 ? 'not-met' : 'met']))}
          />
        </div>
      </Section>

      <Section name="EvidenceList">
        <EvidenceList
          t={t}
          items={[
            { title: t.case.facts, body: <Said text={prose} /> },
            { title: t.instruments.title, body: <p>Barthel 45 → 70</p>, meta: t.evidence.looking },
          ]}
        />
      </Section>

      <Section name="Timeline">
        <Timeline
          t={t}
          events={[
            {
              id: 'event-3',
              at: DAY,
              title: t.decided['decide-eligibility'].accept ?? '',
              who: { name: OFFICER, role: 'approval-officer', organisation: 'administration' },
              detail: <Said text={prose} />,
              proof: { state: 'pending' },
              weighty: true,
              technical: [
                { term: t.timeline.entry, value: <Hash t={t} value={HASH} /> },
                { term: t.timeline.parameters, value: '2026-11' },
              ],
            },
            {
              id: 'event-2',
              at: EARLIER,
              title: t.events['papers.provided'],
              who: { name, role: 'patient' },
              proof: { state: 'sequenced', index: 48_190 },
              waits: t.clock.amount(40, 'second'),
            },
            {
              id: 'event-1',
              at: EARLIER,
              title: t.events['clock.lapsed'],
              who: {},
              proof: { state: 'anchored', index: 48_102, cosigned: { count: 3, of: 3 } },
            },
          ]}
        />
        <Timeline t={t} id="timeline-empty" events={[]} />
      </Section>

      <Section name="MeasureChart">
        <div class="columns">
          <MeasureChart
            t={t}
            measure={{
              id: 'barthel',
              name: 'Barthel Index',
              range: [0, 100],
              better: 'higher',
              points: [
                { at: '2026-08-03T09:00:00.000Z', value: 45, by: name },
                { at: '2026-09-14T09:00:00.000Z', value: 52, by: name },
                { at: '2026-11-12T09:00:00.000Z', value: 70, by: THERAPIST },
              ],
              goal: 80,
              error: { value: 9, population: t.lang === 'en' ? 'people after a stroke' : '卒中后人群' },
            }}
          />
          <MeasureChart
            t={t}
            measure={{
              id: 'walk',
              name: t.lang === 'en' ? '6-minute walk' : '6 分钟步行',
              unit: 'm',
              range: [0, 1000],
              better: 'higher',
              points: [{ at: EARLIER, value: 210 }],
            }}
          />
          <MeasureChart
            t={t}
            measure={{
              id: 'phq',
              name: 'PHQ-9',
              range: [0, 27],
              better: 'lower',
              points: [
                { at: '2026-08-03T09:00:00.000Z', value: 14 },
                { at: EARLIER, value: 11 },
              ],
              error: { value: 5, population: t.lang === 'en' ? 'adults in primary care' : '基层医疗成年人' },
            }}
          />
          <MeasureChart
            t={t}
            measure={{ id: 'none', name: 'Barthel Index', range: [0, 100], better: 'higher', points: [] }}
          />
        </div>
      </Section>

      <Section name="Tile">
        <div class="tiles">
          <Tile id="tile-open" figure={t.number(12_040)} label={t.board.open} href="#open" />
          <Tile id="tile-late" figure="2" label={t.board.late} href="#late" tone="late" />
          <Tile id="tile-soon" figure="37" label={t.board.dueSoon} tone="soon" />
          <Tile
            id="tile-wait"
            figure="12"
            label={t.board.unanchored}
            note={t.board.oldest(t.clock.amount(40, 'second'))}
          />
        </div>
      </Section>

      <Section name="HeatTable">
        <HeatTable
          t={t}
          caption={t.board.stageByTime}
          corner={t.board.stage}
          columns={(['late', 'day', 'threeDays', 'tenDays', 'more', 'paused'] as const).map((key) => ({
            key,
            head: t.board.buckets[key],
            late: key === 'late',
          }))}
          rows={[
            {
              id: 'application',
              head: t.stages.application,
              cells: [1, 4, 11, 60, 210, 14].map((count) => ({ count, href: '#h' })),
            },
            {
              id: 'assessment',
              head: t.stages.assessment,
              cells: [0, 2, 9, 41, 180, 3].map((count) => ({ count, href: '#h' })),
            },
            {
              id: 'approval',
              head: t.stages.approval,
              cells: [1, 3, 8, 25, 90, 6].map((count) => ({ count, href: '#h' })),
            },
          ]}
        />
      </Section>

      <Section name="FourStores">
        <FourStores
          t={t}
          rows={[
            storesRow(1, t.events['papers.provided'], 'agrees'),
            storesRow(2, t.events['eligibility.decided'], 'differs'),
            storesRow(3, t.events['plan.decided'], 'waits'),
          ]}
        />
      </Section>

      <Section name="PrintFrame">
        <PrintFrame
          t={t}
          authority={t.organisations.administration}
          caseNumber="RC-7QK4-M2"
          hash={HASH}
          state={t.proof.sequenced(48_190)}
          printedAt={DAY}
        >
          <p>{prose}</p>
        </PrintFrame>
      </Section>

      <Section name="Forms">
        {['corrected', 'down', 'fine'].map((kind) => (
          <AnswerForm t={t} kind={kind} />
        ))}
      </Section>

      <Section name="Icons">
        <div class="cluster">
          {ICON_NAMES.map((icon) => (
            <Icon name={icon} />
          ))}
        </div>
      </Section>
    </div>
  );
}

function storesRow(number: number, act: string, state: 'agrees' | 'differs' | 'waits') {
  return {
    id: `store-${number}`,
    number,
    act,
    cells: {
      postgres: {
        state: state === 'differs' ? ('differs' as const) : ('agrees' as const),
        words: `row ${number}`,
      },
      history: { state: 'agrees' as const, words: `event ${number}` },
      log: { state: 'agrees' as const, words: `leaf ${number}` },
      chain: { state: state === 'waits' ? ('waits' as const) : ('agrees' as const), words: '40 s' },
    },
  };
}

const PROSE_EN =
  'Hip fracture in August, lives alone on the second floor. Walks 20 m with a frame.\nWants to shop without help again.';
const PROSE_ZH = '八月髋部骨折，独居二楼。借助助行架可行走 20 米。\n希望能够再次独自购物。';

/** The languages the gallery shows. */
export const GALLERY_LANGS: readonly Lang[] = ['en', 'zh-Hans'];
