// Parts as markup: what a person typed never becomes markup, ids tie things together, states carry a word.
import type { Child } from 'hono/jsx';
import { describe, expect, it } from 'vitest';
import { refuse } from '../../domain/refusal.ts';
import { lineChart } from '../../web/charts/line.ts';
import { fragment, noticePartial, Partial } from '../../web/layout.tsx';
import { ClockBar, ClockCard, type ClockView, clockSentence } from '../../web/parts/clock-bar.tsx';
import { CriteriaTable } from '../../web/parts/criteria-table.tsx';
import { type Column, DataRow, DataTable, type DataTableProps } from '../../web/parts/data-table.tsx';
import { ErrorSummary, faultAt, faultWords } from '../../web/parts/error-summary.tsx';
import { dateOf, Field, fieldId } from '../../web/parts/field.tsx';
import { FourStores } from '../../web/parts/four-stores.tsx';
import { Gallery, partsGallery } from '../../web/parts/gallery.tsx';
import { Hash } from '../../web/parts/hash.tsx';
import { HeatTable } from '../../web/parts/heat-table.tsx';
import { MeasureChart, type MeasureView } from '../../web/parts/measure-chart.tsx';
import { Pager } from '../../web/parts/pager.tsx';
import { ProofLine, ProofMark } from '../../web/parts/proof-mark.tsx';
import { Said } from '../../web/parts/said.tsx';
import { StageStrip } from '../../web/parts/stage-strip.tsx';
import { StillWorking } from '../../web/parts/still-working.tsx';
import { Who } from '../../web/parts/who.tsx';
import { text } from '../../web/text/text.ts';
import { bannedWords, wordsOf } from '../support/words.ts';

const t = text('en', 'Europe/Berlin');
const zh = text('zh-Hans', 'Europe/Berlin');
const render = (child: Child): string => String(child);

/** Strings that must stay text wherever they are stored. */
const HOSTILE = [
  `<script>globalThis.hit=1</script>`,
  `"><img src=x onerror="globalThis.hit=1">`,
  `' onmouseover='globalThis.hit=1`,
  `</textarea></title><svg onload=globalThis.hit=1>`,
  `<hx-partial hx-target="body">gone</hx-partial>`,
  `javascript:globalThis.hit=1`,
  `\u202eright to left\u202c`,
  `{{constructor.constructor('globalThis.hit=1')()}}`,
];

describe('text written by people', () => {
  it.each(HOSTILE)('stays text in every part: %s', async (hostile) => {
    const answer = await partsGallery({ name: hostile, prose: hostile }).request('/parts');
    const html = await answer.text();
    expect(answer.status).toBe(200);
    // Not one tag or attribute more than with harmless words: what differs is inside quotes and between tags.
    const harmless = await (
      await partsGallery({ name: 'A. Nobody', prose: 'Nothing' }).request('/parts')
    ).text();
    const skeleton = (markup: string) => markup.replaceAll(/"[^"]*"/g, '""').replaceAll(/>[^<]*</g, '><');
    expect(skeleton(html)).toBe(skeleton(harmless));
    expect(html).not.toMatch(/\s(?:href|src|action|hx-[a-z]+)="javascript:/);
  });

  it('stands out of reach of htmx and in its own direction', () => {
    expect(render(<Said text="a" />)).toMatch(/<p class="said" dir="auto" hx-ignore="">/);
    expect(render(<Said inline text="a" />)).toMatch(/^<bdi hx-ignore="">/);
    expect(render(<Who t={t} who={{ name: 'A <b>' }} />)).toContain('<bdi hx-ignore="">A &lt;b&gt;</bdi>');
  });

  it('two renderings never mix, however they interleave', async () => {
    const app = [1, 2].map((n) => partsGallery({ name: `CANARY-${n}`, prose: `PROSE-${n}` }));
    const answers = await Promise.all(
      Array.from(
        { length: 40 },
        async (_, i) => [i % 2, await (await app[i % 2]?.request('/parts'))?.text()] as const,
      ),
    );
    for (const [which, html] of answers) {
      expect(html).toContain(`CANARY-${which + 1}`);
      expect(html).not.toContain(`CANARY-${2 - which}`);
    }
  });
});

describe('gallery', () => {
  it.each([t, zh])('uses no banned word and leaves no hole in %#', (words) => {
    const html = render(<Gallery t={words} words={{}} />);
    expect(bannedWords(wordsOf(html))).toEqual([]);
  });

  it('has no style attribute, no inline script, no handler attribute, and every id once', async () => {
    const html = await (await partsGallery().request('/parts')).text();
    expect(html).not.toMatch(/\sstyle=/);
    expect(html).not.toMatch(/<script(?![^>]*\ssrc=)/);
    expect(html).not.toMatch(/\s(on[a-z]+|hx-on[^=]*|hx-confirm|hx-boost|hx-disable)=/);
    const ids = [...html.matchAll(/\sid="([^"]*)"/g)].map((match) => match[1]);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });
});

describe('ClockBar', () => {
  const clocks: [ClockView, string, string][] = [
    [
      { state: 'soon', amount: 1, unit: 'working-day', lastDay: '2026-11-24T12:00:00.000Z', spent: 0.9 },
      '1\u00a0working day left, 24 Nov 2026',
      '还剩1个工作日，2026年11月24日',
    ],
    [
      { state: 'running', amount: 2, unit: 'month', lastDay: '2027-01-24T12:00:00.000Z', spent: 0 },
      '2\u00a0months left, 24 Jan 2027',
      '还剩2个月，2027年1月24日',
    ],
    [
      { state: 'soon', amount: 0, unit: 'day', lastDay: '2026-11-24T12:00:00.000Z', spent: 1 },
      'Due today, 24 Nov 2026',
      '今日到期，2026年11月24日',
    ],
    [
      { state: 'late', amount: 3, unit: 'day', lastDay: '2026-11-20T12:00:00.000Z' },
      'Overdue 3\u00a0days, 20 Nov 2026',
      '已逾期3天，2026年11月20日',
    ],
    [
      { state: 'paused', since: '2026-11-12T12:00:00.000Z', spent: 0.5 },
      'Paused since 12 Nov 2026',
      '自2026年11月12日起暂停计时',
    ],
    [{ state: 'met', on: '2026-11-12T12:00:00.000Z' }, 'Met on 12 Nov 2026', '已于2026年11月12日办结'],
  ];

  it.each(clocks)('%j is one sentence, the same in bar and card', (clock, english, chinese) => {
    expect(clockSentence(t, clock)).toBe(english);
    expect(clockSentence(zh, clock)).toBe(chinese);
    for (const html of [
      render(<ClockBar t={t} clock={clock} />),
      render(<ClockCard t={t} name="x" clock={clock} started="2026-11-01T00:00:00.000Z" />),
    ])
      expect(wordsOf(html).replaceAll(/\s+/g, ' ')).toContain(english.replaceAll('\u00a0', ' '));
  });

  it('keeps the moment machine-readable inside the sentence', () => {
    const html = render(<ClockBar t={t} clock={clocks[3]?.[0] as ClockView} />);
    expect(html).toContain('<time datetime="2026-11-20T12:00:00.000Z">20 Nov 2026</time>');
    expect(html).toContain('is-late');
  });

  it('draws no gauge for a limit that is over, and never past its ends', () => {
    expect(render(<ClockBar t={t} clock={{ state: 'met', on: '2026-11-12T12:00:00.000Z' }} />)).not.toContain(
      'gauge',
    );
    expect(
      render(<ClockBar t={t} clock={{ state: 'paused', since: '2026-11-12T12:00:00.000Z', spent: 1.7 }} />),
    ).toContain('class="gauge-spent" width="100"');
  });
});

describe('ProofMark', () => {
  it('prints the state it is given and says what is missing', () => {
    expect(render(<ProofMark t={t} proof={{ state: 'pending' }} />)).toContain('pending');
    expect(render(<ProofMark t={t} proof={{ state: 'sequenced', index: 7 }} />)).toContain('sequenced #7');
    expect(render(<ProofMark t={t} proof={{ state: 'anchored', index: 7 }} />)).not.toContain(' of ');
    expect(
      render(<ProofMark t={t} proof={{ state: 'anchored', index: 7, cosigned: { count: 2, of: 3 } }} />),
    ).toContain('anchored #7, 2 of 3');
    expect(render(<ProofLine t={t} proof={{ state: 'sequenced', index: 7 }} />)).toContain(
      t.proof.sequencedNote,
    );
    for (const state of [{ state: 'pending' }, { state: 'sequenced', index: 1 }] as const)
      expect(render(<ProofLine t={t} proof={state} />)).not.toContain('anchored');
    const cosigned = (count: number) =>
      render(<ProofLine t={t} proof={{ state: 'anchored', index: 7, cosigned: { count, of: 3 } }} />);
    expect(cosigned(1)).toContain(t.proof.uncosigned(2));
    // Where nothing is missing, nothing is said.
    expect(cosigned(3)).not.toContain('proof-note');
  });
});

describe('Field and ErrorSummary', () => {
  it('ties label, hint, fault and control together', () => {
    const html = render(
      <Field
        t={t}
        name="reasons"
        control="textarea"
        label="Reasons"
        hint="Why"
        fault="Give your reasons"
        value="a<b"
      />,
    );
    expect(html).toContain('<label class="label" for="f-reasons">');
    expect(html).toContain('id="f-reasons"');
    expect(html).toContain('aria-describedby="f-reasons-hint f-reasons-fault"');
    expect(html).toContain('aria-invalid="true"');
    expect(html).toContain('>a&lt;b</textarea>');
  });

  it('every line of the summary leads to an element of its field', () => {
    const fields = [
      render(<Field t={t} name="sessions.physiotherapy" control="number" label="x" value={3} />),
      render(<Field t={t} name="birthDate" control="date" label="x" value="1961-11-12" />),
      render(<Field t={t} name="choice" control="radios" label="x" options={[{ value: 'a', label: 'A' }]} />),
      render(
        <Field
          t={t}
          name="disciplines"
          control="checkboxes"
          label="x"
          options={[{ value: 'a', label: 'A' }]}
        />,
      ),
      render(<Field t={t} name="sex" control="select" label="x" options={[{ value: 'a', label: 'A' }]} />),
      render(<CriteriaTable t={t} edit />),
    ].join('');
    const names = ['sessions.physiotherapy', 'birthDate', 'choice', 'disciplines', 'sex', 'criteria'];
    const summary = render(<ErrorSummary t={t} faults={names.map((field) => ({ field, words: field }))} />);
    for (const name of names) {
      expect(summary).toContain(`href="#${fieldId(name)}"`);
      expect(fields).toMatch(new RegExp(`<(input|select|textarea)[^>]* id="${fieldId(name)}"`));
    }
    expect(summary).toMatch(/role="alert" tabindex="-1" autofocus/);
    expect(render(<ErrorSummary t={t} faults={[]} />)).toBe('');
  });

  it('no two lines of the summary read alike: what does not name its question has it named', () => {
    const faults = faultWords(
      t,
      [
        { field: 'm.phq-9.1', fault: 'required' },
        { field: 'findings', fault: 'required' },
        { field: 'choice', fault: 'chooseOne' },
        { field: 'sessions.physiotherapy', fault: 'notANumber' },
        { field: 'reasons', fault: 'reasonsNeeded' },
      ],
      { choice: 'Did the session take place?' },
    );
    const lines = [...render(<ErrorSummary t={t} faults={faults} />).matchAll(/<a [^>]*>([^<]*)</g)].map(
      ([, words]) => words,
    );
    expect(lines).toEqual([
      'Little interest or pleasure in doing things: Fill this in',
      'Findings: Fill this in',
      'Did the session take place? Choose one of the answers',
      'Sessions of physiotherapy: Enter a whole number, for example 45',
      'Give your reasons',
    ]);
    // At the field itself its question stands above it already.
    expect(faultAt(faults, 'findings')).toBe('Fill this in');
  });

  it('puts the faults of a refusal into words, unknown keys included', () => {
    const faults = faultWords(
      t,
      refuse('values', {
        fields: [
          { field: 'minutes', fault: 'outOfRange', values: { min: 10, max: 180 } },
          { field: 'else', fault: 'nobodyWroteThis' },
        ],
      }).fields ?? [],
    );
    expect(faultAt(faults, 'minutes')).toBe('Enter a number from 10 to 180');
    expect(faultAt(faults, 'else')).toBe(t.faults.notReadable({}));
    expect(faultAt(faults, 'other')).toBeUndefined();
  });

  it('orders the parts of a date by language and puts them together again', () => {
    const order = (words: typeof t) =>
      [
        ...render(<Field t={words} name="d" control="date" label="x" value="1961-11-02" />).matchAll(
          /name="d\.(\w+)" value="(\d+)"/g,
        ),
      ].map((match) => `${match[1]}=${match[2]}`);
    expect(order(t)).toEqual(['day=02', 'month=11', 'year=1961']);
    expect(order(zh)).toEqual(['year=1961', 'month=11', 'day=02']);
    expect(dateOf({ 'd.day': '2', 'd.month': '11', 'd.year': '1961' }, 'd')).toBe('1961-11-02');
    expect(dateOf({ 'd.day': ' ', 'd.month': '', 'd.year': '' }, 'd')).toBe('');
    expect(dateOf({ 'd.day': '40', 'd.year': '1961' }, 'd')).toBe('1961-00-40');
  });

  it('keeps what was chosen', () => {
    const options = ['a', 'b'].map((value) => ({ value, label: value }));
    const radios = render(<Field t={t} name="c" control="radios" label="x" value="b" options={options} />);
    expect(radios).toMatch(/value="b" checked/);
    expect(radios).not.toMatch(/value="a" checked/);
    expect(
      render(
        <Field t={t} name="c" control="checkboxes" label="x" value={['a', 'b']} options={options} />,
      ).match(/checked/g),
    ).toHaveLength(2);
    expect(render(<Field t={t} name="c" control="select" label="x" value="b" options={options} />)).toMatch(
      /value="b" selected/,
    );
  });
});

describe('DataTable', () => {
  type Row = { id: string; name: string };
  const columns: Column<Row>[] = [
    {
      key: 'name',
      head: 'Name',
      rowHead: true,
      cell: (row) => row.name,
      sort: { href: '?sort=name', now: 'ascending' },
    },
    { key: 'id', head: 'Id', cell: (row) => row.id },
  ];
  const table: DataTableProps<Row> = {
    t,
    caption: 'People',
    columns,
    rows: [{ id: 'r1', name: 'A' }],
    rowId: (row) => row.id,
  };

  it('has caption, scopes and sort for screen readers', () => {
    const html = render(<DataTable {...table} />);
    expect(html).toMatch(/<caption[^>]*>People<\/caption>/);
    expect(html).toContain('<th scope="row">A</th>');
    expect(html).toMatch(/<th scope="col" aria-sort="ascending">/);
    expect(html).toContain('<tr id="r1">');
  });

  it('a row alone is the row of the table, so that it can travel by itself', () => {
    const alone = render(<DataRow row={{ id: 'r1', name: 'A' }} table={table} />);
    expect(render(<DataTable {...table} />)).toContain(alone);
  });

  it('what scrolls sideways can be reached by keyboard and has a name', () => {
    expect(render(<DataTable {...table} id="x" narrow="scroll" />)).toMatch(
      /<section[^>]*tabindex="0" aria-labelledby="x-caption"/,
    );
  });
});

describe('smaller parts', () => {
  it('Pager offers as many as there are', () => {
    expect(render(<Pager t={t} from={26} to={41} total={41} size={25} firstHref="#" />)).not.toContain(
      'rel="next"',
    );
    expect(render(<Pager t={t} from={1} to={25} total={41} size={25} nextHref="#" />)).toContain('Next 16');
    expect(render(<Pager t={t} from={1} to={25} total={undefined} size={25} nextHref="#" />)).toContain(
      'more than',
    );
  });

  it('StageStrip says done, now and to come in words', () => {
    const html = render(<StageStrip t={t} stage="treatment" round={2} />);
    expect(html.match(/, done/g)).toHaveLength(2);
    expect(html.match(/aria-current="step"/g)).toHaveLength(1);
    expect(html.match(/, to come/g)).toHaveLength(3);
    expect(html).toContain('Treatment, round 2');
    expect(render(<StageStrip t={t} stage="closed" />).match(/, done/g)).toHaveLength(6);
    expect(render(<StageStrip t={t} stage="closed" endedIn="application" />)).toContain('ended here');
  });

  it('Hash shows eight and four, and copies the whole', () => {
    const html = render(<Hash t={t} value="0123456789abcdef0123" />);
    expect(html).toContain('>01234567…0123<');
    expect(html).toContain('data-copy="0123456789abcdef0123"');
  });

  it('HeatTable prints every figure, links where there is something, and marks late by more than shade', () => {
    const html = render(
      <HeatTable
        t={t}
        caption="c"
        corner="Stage"
        columns={[
          { key: 'late', head: 'late', late: true },
          { key: 'more', head: 'more' },
        ]}
        rows={[
          {
            id: 'a',
            head: 'Application',
            cells: [
              { count: 1, href: '/q?late' },
              { count: 0, href: '/q' },
            ],
          },
        ]}
      />,
    );
    expect(html).toMatch(
      /class="heat-late"><a href="\/q\?late">1<span class="visually-hidden"> Application, late<\/span>/,
    );
    expect(html).toContain('<span>0</span>');
  });

  it('FourStores counts, folds what agrees, and says the sign in words', () => {
    const cell = (state: 'agrees' | 'differs' | 'waits') => ({ state, words: 'row 1' });
    const html = render(
      <FourStores
        t={t}
        rows={[
          {
            id: 's1',
            number: 1,
            act: 'A',
            cells: {
              postgres: cell('agrees'),
              history: cell('agrees'),
              log: cell('agrees'),
              chain: cell('agrees'),
            },
          },
          {
            id: 's2',
            number: 2,
            act: 'B',
            cells: {
              postgres: cell('differs'),
              history: cell('agrees'),
              log: cell('agrees'),
              chain: cell('waits'),
            },
          },
        ]}
      />,
    );
    expect(html).toContain('1 agree, 1 differs, 0 wait');
    expect(html).toContain('differs: ');
    expect(html.indexOf('s2')).toBeLessThan(html.indexOf('s1'));
  });

  it('StillWorking asks again by script and by link', () => {
    const html = render(<StillWorking t={t} askHref="/ask/k1" />);
    expect(html).toContain('hx-get="/ask/k1"');
    expect(html).toContain('<a class="button" href="/ask/k1">');
    expect(bannedWords(wordsOf(html))).toEqual([]);
  });

  it('partials name their target, and a notice is all a fault sends', () => {
    expect(
      render(
        fragment(
          <p>x</p>,
          <Partial target="#row-1">
            <b>y</b>
          </Partial>,
        ),
      ),
    ).toBe('<p>x</p><hx-partial hx-target="#row-1"><b>y</b></hx-partial>');
    expect(render(noticePartial('a < b'))).toBe(
      '<hx-partial hx-target="#notice" hx-swap="innerHTML">a &lt; b</hx-partial>',
    );
  });
});

describe('MeasureChart', () => {
  const measure: MeasureView = {
    id: 'barthel',
    name: 'Barthel Index',
    range: [0, 100],
    better: 'higher',
    points: [
      { at: '2026-08-03T09:00:00.000Z', value: 45 },
      { at: '2026-09-03T09:00:00.000Z', value: 54 },
      { at: '2026-11-12T09:00:00.000Z', value: 70 },
    ],
    goal: 80,
    error: { value: 9, population: 'people after a stroke' },
  };

  it('calls a change real only beyond the error, and names whose figure it is', () => {
    const html = render(<MeasureChart t={t} measure={measure} />);
    expect(html.match(/real change/g)).toHaveLength(1);
    expect(html.match(/within measurement error/g)).toHaveLength(1);
    expect(html).toContain('people after a stroke');
    const { error: _, ...unknown } = measure;
    const without = render(<MeasureChart t={t} measure={unknown} />);
    expect(without).not.toContain('real change</');
    expect(without).toContain(t.chart.noError);
  });

  it('tells a worsening by word and sign, whichever way is better', () => {
    const worse = render(
      <MeasureChart
        t={t}
        measure={{ ...measure, better: 'lower', points: measure.points, goal: undefined }}
      />,
    );
    expect(worse).toMatch(/is-late[\s\S]*real change/);
  });

  it('always has its table, and for no points only words', () => {
    expect(render(<MeasureChart t={t} measure={measure} />)).toMatch(/<table/);
    const none = render(<MeasureChart t={t} measure={{ ...measure, points: [] }} />);
    expect(none).not.toMatch(/class="chart"|<table/);
    expect(none).toContain(t.chart.none);
  });

  it('lays every point inside the frame, also one alone, many alike and at the ends of the range', () => {
    const day = (n: number) => new Date(Date.UTC(2026, 0, n));
    for (const values of [[50], [0], [100], [7, 7, 7], [0, 100], [100, 0, 100]]) {
      const chart = lineChart(
        values.map((value, n) => ({ at: day(n + 1), value })),
        { height: 200, range: [0, 100], goal: 100, error: 9 },
      );
      for (const { x, y } of chart.points) {
        expect(x).toBeGreaterThanOrEqual(0);
        expect(x).toBeLessThanOrEqual(100);
        expect(y).toBeGreaterThanOrEqual(chart.top);
        expect(y).toBeLessThanOrEqual(chart.bottom);
      }
      for (const tick of chart.ticks) {
        expect(tick.value).toBeGreaterThanOrEqual(0);
        expect(tick.value).toBeLessThanOrEqual(100);
      }
      expect(chart.band?.height).toBeGreaterThan(0);
    }
  });
});
