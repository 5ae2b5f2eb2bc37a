// Tests of clocks: cases worked out by hand from the law, day-by-day explanations, and properties against an oracle
// that counts days one at a time with Date and Intl and shares no code with what it checks.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addDays, localDateAt } from '../../domain/calendar.ts';
import {
  byUrgency,
  type Clock,
  type ClockRun,
  explainDays,
  pause,
  remainingOf,
  resume,
  statusOf,
  windowOf,
} from '../../domain/clocks.ts';
import { GERMANY } from '../../domain/parameters.ts';
import { isRefusal } from '../../domain/refusal.ts';

const clock = (over: Partial<Clock> = {}): Clock => ({
  id: 'test',
  name: { en: 'Test', 'zh-Hans': '测试' },
  legalBasis: 'for this test',
  startsWith: 'application.submitted',
  unit: 'calendar-days',
  earliest: 0,
  due: over.length ?? 21,
  length: 21,
  movesToWorkingDay: true,
  pauseGrounds: ['papers-missing'],
  effect: 'escalate',
  tells: [],
  priority: 1,
  ...over,
});
const run = (startedAt: string, over: Partial<ClockRun> = {}): ClockRun => ({
  startedAt,
  pausedAt: null,
  pausedMs: 0,
  ...over,
});
const HOUR = 3_600_000;
const lastOf = (c: Clock, r: ClockRun, now = r.startedAt) => windowOf(c, r, GERMANY, now).last;

describe('the last day', () => {
  it.each<[string, Partial<Clock>, string, string]>([
    ['three weeks end on the weekday of the start', { length: 21 }, '2026-11-02T09:00:00Z', '2026-11-23'],
    ['a last day on Saturday moves to Monday', { length: 5 }, '2026-11-02T09:00:00Z', '2026-11-09'],
    [
      'a last day on 25 December moves past the holidays',
      { length: 21 },
      '2026-12-04T09:00:00Z',
      '2026-12-28',
    ],
    ['a last day on 24 December stays', { length: 21 }, '2026-12-03T09:00:00Z', '2026-12-24'],
    [
      'a last day on Good Friday moves past Easter Monday',
      { length: 14 },
      '2026-03-20T09:00:00Z',
      '2026-04-07',
    ],
    [
      'one that does not move stays on Sunday',
      { length: 6, movesToWorkingDay: false },
      '2026-11-02T09:00:00Z',
      '2026-11-08',
    ],
    [
      'a month from 31 January is 28 February, here a Saturday moved',
      { unit: 'months', length: 1 },
      '2026-01-31T09:00:00Z',
      '2026-03-02',
    ],
    [
      'a month from 31 January is 28 February',
      { unit: 'months', length: 1, movesToWorkingDay: false },
      '2026-01-31T09:00:00Z',
      '2026-02-28',
    ],
    [
      'a month in a leap year',
      { unit: 'months', length: 1, movesToWorkingDay: false },
      '2028-01-31T09:00:00Z',
      '2028-02-29',
    ],
    ['two months', { unit: 'months', length: 2 }, '2026-11-23T09:00:00Z', '2027-01-25'],
    [
      'working days pass over weekends',
      { unit: 'working-days', length: 5 },
      '2026-11-20T09:00:00Z',
      '2026-11-27',
    ],
    [
      'working days pass over Christmas',
      { unit: 'working-days', length: 5 },
      '2026-12-22T09:00:00Z',
      '2026-12-30',
    ],
    [
      'one working day from a Friday is Monday, not three days of 24 hours',
      { unit: 'working-days', length: 1 },
      '2026-11-20T15:30:00Z',
      '2026-11-23',
    ],
    ['working days from a Sunday', { unit: 'working-days', length: 1 }, '2026-11-22T15:30:00Z', '2026-11-23'],
    // 22:30 UTC on the 1st is 23:30 in Berlin in winter, but already the 2nd in summer.
    [
      'late in the evening in winter it is still that day',
      { length: 1 },
      '2026-12-01T22:30:00Z',
      '2026-12-02',
    ],
    ['late in the evening in summer it is the next', { length: 1 }, '2026-06-29T22:30:00Z', '2026-07-01'],
  ])('%s', (_, over, start, last) => {
    expect(lastOf(clock(over), run(start))).toBe(last);
  });

  it('ends with the last millisecond of the day in the zone, across both clock changes', () => {
    const at = (start: string, length: number) =>
      new Date(windowOf(clock({ length }), run(start), GERMANY, start).lastAt).toISOString();
    expect(at('2026-03-20T09:00:00Z', 10)).toBe('2026-03-30T21:59:59.999Z');
    expect(at('2026-03-17T09:00:00Z', 10)).toBe('2026-03-27T22:59:59.999Z');
    expect(at('2026-10-16T09:00:00Z', 10)).toBe('2026-10-26T22:59:59.999Z');
  });

  it('does not depend on the hour of the start event, only on its day', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 86_399_999 }), (ms) => {
        // 1 November 2026 23:00 UTC is midnight of the 2nd in Berlin.
        const start = new Date(Date.parse('2026-11-01T23:00:00.000Z') + ms).toISOString();
        expect(lastOf(clock(), run(start))).toBe('2026-11-23');
      }),
    );
  });
});

describe('earliest and due day', () => {
  it('stand before the last', () => {
    const c = clock({ earliest: 14, due: 20, length: 28 });
    expect(windowOf(c, run('2026-11-02T09:00:00Z'), GERMANY, '2026-11-02T09:00:00Z')).toEqual({
      earliest: '2026-11-16',
      due: '2026-11-23',
      last: '2026-11-30',
      earliestAt: Date.parse('2026-11-15T23:00:00.000Z'),
      dueAt: Date.parse('2026-11-23T22:59:59.999Z'),
      lastAt: Date.parse('2026-11-30T22:59:59.999Z'),
    });
  });

  it('are at once where nothing is to be waited for', () => {
    const window = windowOf(clock(), run('2026-11-02T09:00:00.123Z'), GERMANY, '2026-11-02T09:00:00.123Z');
    expect(window).toMatchObject({
      earliest: '2026-11-02',
      earliestAt: Date.parse('2026-11-02T09:00:00.123Z'),
    });
  });
});

describe('standing still', () => {
  const start = '2026-11-02T09:00:00Z';
  it.each([
    [0, '2026-11-23'],
    [1, '2026-11-24'],
    [24 * HOUR, '2026-11-24'],
    [24 * HOUR + 1, '2026-11-25'],
    [4 * 24 * HOUR, '2026-11-27'],
    [5 * 24 * HOUR, '2026-11-30'],
  ])('for %i ms makes the last day %s', (pausedMs, last) => {
    expect(lastOf(clock(), run(start, { pausedMs }))).toBe(last);
  });

  it('moves the last day along while it lasts, and is shown as paused', () => {
    const still = run(start, { pausedAt: '2026-11-10T09:00:00Z' });
    expect(lastOf(clock(), still, '2026-11-12T08:00:00Z')).toBe('2026-11-25');
    expect(lastOf(clock(), still, '2026-12-10T09:00:00Z')).toBe('2026-12-23');
    expect(statusOf(clock(), still, GERMANY, '2027-05-01T00:00:00Z')).toBe('paused');
  });

  it('begins and ends only as the law allows', () => {
    const started = run(start);
    const paused = pause(clock(), started, 'papers-missing', '2026-11-05T10:00:00Z');
    expect(paused).toEqual({ ...started, pausedAt: '2026-11-05T10:00:00Z' });
    if (isRefusal(paused)) throw new Error('refused');
    expect(pause(clock(), paused, 'papers-missing', '2026-11-06T10:00:00Z')).toMatchObject({
      code: 'wrong-state',
    });
    const resumed = resume(paused, '2026-11-07T10:00:00Z');
    expect(resumed).toEqual({ ...started, pausedMs: 48 * HOUR });
    if (isRefusal(resumed)) throw new Error('refused');
    expect(resume(resumed, '2026-11-08T10:00:00Z')).toMatchObject({ code: 'wrong-state' });
    expect(pause(clock(), started, 'in-hospital', start)).toMatchObject({
      code: 'values',
      fields: [{ field: 'ground', fault: 'noPauseGround' }],
    });
  });

  it('never shortens a clock, and many short pauses never add more than one day too much', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(5 * 24 * HOUR), fc.nat(5 * 24 * HOUR)), { maxLength: 8 }),
        (spans) => {
          let at = Date.parse(start);
          let state = run(start);
          let total = 0;
          for (const [running, still] of spans) {
            at += running;
            const paused = pause(clock(), state, 'papers-missing', new Date(at).toISOString());
            if (isRefusal(paused)) throw new Error('refused');
            at += still;
            const resumed = resume(paused, new Date(at).toISOString());
            if (isRefusal(resumed)) throw new Error('refused');
            state = resumed;
            total += still;
          }
          expect(state.pausedMs).toBe(total);
          const plain = clock({ movesToWorkingDay: false });
          const added =
            windowOf(plain, state, GERMANY, start).lastAt -
            windowOf(plain, run(start), GERMANY, start).lastAt;
          // An hour either way for a clock change in between.
          expect(added).toBeGreaterThanOrEqual(total - HOUR);
          expect(added).toBeLessThan(total + 25 * HOUR);
        },
      ),
    );
  });
});

describe('status and what is left', () => {
  const c = clock({ due: 14 });
  const r = run('2026-11-02T09:00:00Z');
  it.each([
    ['2026-11-02T09:00:00Z', 'good', 21],
    ['2026-11-15T22:59:59.999Z', 'good', 8],
    ['2026-11-15T23:00:00.000Z', 'soon', 7],
    ['2026-11-22T23:00:00.000Z', 'soon', 0],
    ['2026-11-23T22:59:59.999Z', 'soon', 0],
    ['2026-11-23T23:00:00.000Z', 'late', -1],
    ['2026-12-03T12:00:00Z', 'late', -10],
  ])('at %s it is %s with %i days', (now, status, value) => {
    expect(statusOf(c, r, GERMANY, now)).toBe(status);
    expect(remainingOf(c, r, GERMANY, now)).toEqual({ unit: 'calendar-days', value });
  });

  it.each([
    ['2026-12-18T12:00:00Z', 3],
    ['2026-12-21T12:00:00Z', 2],
    ['2026-12-23T12:00:00Z', 0],
    ['2026-12-24T12:00:00Z', -1],
    ['2026-12-27T12:00:00Z', -1],
    ['2026-12-28T12:00:00Z', -2],
  ])('at %s there are %i working days', (now, value) => {
    const working = clock({ unit: 'working-days', length: 5 });
    expect(remainingOf(working, run('2026-12-16T09:00:00Z'), GERMANY, now)).toEqual({
      unit: 'working-days',
      value,
    });
  });

  it.each([
    ['2026-11-23T12:00:00Z', 2, 2],
    ['2026-11-26T12:00:00Z', 1, 30],
    ['2027-01-25T12:00:00Z', 0, 0],
    ['2027-01-26T12:00:00Z', 0, -1],
    ['2027-03-01T12:00:00Z', -1, -4],
  ])('at %s there are %i months and %i days', (now, value, days) => {
    const months = clock({ unit: 'months', length: 2 });
    expect(remainingOf(months, run('2026-11-23T09:00:00Z'), GERMANY, now)).toEqual({
      unit: 'months',
      value,
      days,
    });
  });

  it('counts seconds to the millisecond, for tests and demonstrations', () => {
    const seconds = clock({ unit: 'seconds', earliest: 1, due: 3, length: 5 });
    const started = run('2026-12-25T00:00:00.500Z', { pausedMs: 250 });
    const at = (now: string) => [
      statusOf(seconds, started, GERMANY, now),
      remainingOf(seconds, started, GERMANY, now).value,
    ];
    expect(windowOf(seconds, started, GERMANY, started.startedAt)).toMatchObject({
      earliestAt: Date.parse('2026-12-25T00:00:01.750Z'),
      lastAt: Date.parse('2026-12-25T00:00:05.750Z'),
      last: '2026-12-25',
    });
    expect(at('2026-12-25T00:00:03.749Z')).toEqual(['good', 2]);
    expect(at('2026-12-25T00:00:03.750Z')).toEqual(['soon', 2]);
    expect(at('2026-12-25T00:00:05.750Z')).toEqual(['soon', 0]);
    expect(at('2026-12-25T00:00:05.751Z')).toEqual(['late', -1]);
    expect(explainDays(seconds, started, GERMANY, started.startedAt)).toEqual([]);
  });
});

describe('day by day', () => {
  const days = (c: Clock, r: ClockRun) => explainDays(c, r, GERMANY, r.startedAt);

  it('24 December counts, 25 December does not', () => {
    const c = clock({ unit: 'working-days', due: 2, length: 3 });
    expect(days(c, run('2026-12-22T09:00:00Z'))).toEqual([
      { date: '2026-12-22', counts: false, why: 'start-day', marks: ['earliest'] },
      { date: '2026-12-23', counts: true, nth: 1, why: 'counts', marks: [] },
      { date: '2026-12-24', counts: true, nth: 2, why: 'counts', marks: ['due'] },
      {
        date: '2026-12-25',
        counts: false,
        why: 'holiday',
        name: { en: 'Christmas Day', 'zh-Hans': '圣诞节' },
        marks: [],
      },
      {
        date: '2026-12-26',
        counts: false,
        why: 'holiday',
        name: { en: 'Second Day of Christmas', 'zh-Hans': '圣诞节次日' },
        marks: [],
      },
      { date: '2026-12-27', counts: false, why: 'weekend', marks: [] },
      { date: '2026-12-28', counts: true, nth: 3, why: 'counts', marks: ['last'] },
    ]);
  });

  it('shows days made up for a pause and the move to a working day', () => {
    const c = clock({ length: 3 });
    const shown = days(c, run('2026-12-21T09:00:00Z', { pausedMs: 30 * HOUR }));
    expect(shown.map(({ date, why }) => `${date.slice(8)} ${why}`)).toEqual([
      '21 start-day',
      '22 counts',
      '23 counts',
      '24 counts',
      '25 made-up',
      '26 made-up',
      '27 moved',
      '28 moved',
    ]);
    expect(shown.at(-1)?.marks).toEqual(['due', 'last']);
  });
});

describe('properties', () => {
  const someClock = fc.record({
    unit: fc.constantFrom('calendar-days' as const, 'working-days' as const, 'months' as const),
    length: fc.integer({ min: 1, max: 40 }),
    movesToWorkingDay: fc.boolean(),
  });
  const someStart = fc
    .integer({ min: Date.UTC(2020, 0), max: Date.UTC(2029, 0) })
    .map((ms) => new Date(ms).toISOString());

  /** Easter Sundays as published, so that the oracle computes none. */
  const EASTER: Record<number, string> = {
    2020: '04-12',
    2021: '04-04',
    2022: '04-17',
    2023: '04-09',
    2024: '03-31',
    2025: '04-20',
    2026: '04-05',
    2027: '03-28',
    2028: '04-16',
    2029: '04-01',
    2030: '04-21',
    2031: '04-13',
    2032: '03-28',
  };
  const noon = (date: string) => new Date(`${date}T12:00:00Z`);
  const next = (date: string) => new Date(noon(date).getTime() + 86_400_000).toISOString().slice(0, 10);
  const works = (date: string): boolean => {
    const day = noon(date);
    if ([0, 6].includes(day.getUTCDay())) return false;
    if (['01-01', '05-01', '10-03', '12-25', '12-26'].includes(date.slice(5))) return false;
    const easter = noon(`${date.slice(0, 4)}-${EASTER[day.getUTCFullYear()]}`).getTime();
    return ![-2, 1, 39, 50].includes(Math.round((day.getTime() - easter) / 86_400_000));
  };
  const berlin = (instant: number | string) =>
    new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Berlin', dateStyle: 'short' }).format(
      typeof instant === 'number' ? instant : Date.parse(instant),
    );

  it('the last day is the one an oracle counts to', () => {
    fc.assert(
      fc.property(someClock, someStart, (shape, start) => {
        let date = berlin(start);
        if (shape.unit === 'months') {
          const [y, m, d] = date.split('-').map(Number) as [number, number, number];
          const month = new Date(Date.UTC(y, m - 1 + shape.length + 1, 0, 12));
          month.setUTCDate(Math.min(d, month.getUTCDate()));
          date = month.toISOString().slice(0, 10);
        } else {
          for (let left = shape.length; left > 0; ) {
            date = next(date);
            if (shape.unit === 'calendar-days' || works(date)) left -= 1;
          }
        }
        if (shape.movesToWorkingDay) while (!works(date)) date = next(date);
        const { last, lastAt } = windowOf(clock(shape), run(start), GERMANY, start);
        expect(last).toBe(date);
        expect([berlin(lastAt), berlin(lastAt + 1)]).toEqual([date, next(date)]);
      }),
      { numRuns: 1000 },
    );
  });

  it('explanation, window and remainder tell the same story', () => {
    fc.assert(
      fc.property(someClock, someStart, fc.nat(40 * 24), (shape, start, pausedHours) => {
        const c = clock(shape);
        const r = run(start, { pausedMs: pausedHours * HOUR });
        const window = windowOf(c, r, GERMANY, start);
        const days = explainDays(c, r, GERMANY, start);
        expect(days[0]).toMatchObject({
          date: localDateAt(Date.parse(start), 'Europe/Berlin'),
          why: 'start-day',
        });
        expect(days.at(-1)).toMatchObject({ date: window.last });
        for (const [at, day] of days.entries()) expect(day.date).toBe(addDays(days[0]!.date, at));
        const counted = days.filter((day) => day.counts);
        expect(counted.map((day) => day.nth)).toEqual(counted.map((_, at) => at + 1));
        if (shape.unit !== 'months') expect(counted).toHaveLength(shape.length);
        expect(days.filter((day) => day.why === 'made-up')).toHaveLength(Math.ceil(pausedHours / 24));
        if (shape.unit === 'calendar-days') {
          expect(remainingOf(c, r, GERMANY, start).value).toBe(days.length - 1);
        }
      }),
    );
  });

  it('time only runs out', () => {
    fc.assert(
      fc.property(
        someClock,
        someStart,
        fc.nat(1500 * HOUR),
        fc.nat(100 * HOUR),
        (shape, start, passed, more) => {
          const c = clock({ ...shape, due: Math.ceil(shape.length / 2) });
          const at = (ms: number) => new Date(Date.parse(start) + ms).toISOString();
          const order = ['good', 'soon', 'late'];
          const before = order.indexOf(statusOf(c, run(start), GERMANY, at(passed)));
          const after = order.indexOf(statusOf(c, run(start), GERMANY, at(passed + more)));
          expect(after).toBeGreaterThanOrEqual(before);
          const left = (ms: number) => {
            const { value, days = 0 } = remainingOf(c, run(start), GERMANY, at(ms));
            return value * 31 + days;
          };
          expect(left(passed + more)).toBeLessThanOrEqual(left(passed));
        },
      ),
    );
  });
});

it('orders by the last instant, then the law, then the start', () => {
  const of = (lastAt: number, priority: number, startedAt: string) => ({
    clock: clock({ priority }),
    run: run(startedAt),
    lastAt,
  });
  const [a, b, c, d] = [
    of(1, 9, '2026-01-02T00:00:00Z'),
    of(2, 1, '2026-01-02T00:00:00Z'),
    of(2, 2, '2026-01-01T00:00:00Z'),
    of(2, 2, '2026-01-02T00:00:00Z'),
  ];
  expect([d, c, b, a].sort(byUrgency)).toEqual([a, b, c, d]);
});

it('refuses what is not an instant', () => {
  expect(() => windowOf(clock(), run('yesterday'), GERMANY, '2026-01-01T00:00:00Z')).toThrow(RangeError);
});
