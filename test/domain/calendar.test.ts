// Tests of the calendar: known holidays and zone jumps, and properties against oracles that share no code with it.
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  addDays,
  addMonths,
  type Calendar,
  DAY_MS,
  dayKind,
  daysBetween,
  endOfDay,
  isLocalDate,
  isZone,
  localDateAt,
  startOfDay,
  weekday,
  workingDayFrom,
} from '../../domain/calendar.ts';
import { GERMANY } from '../../domain/parameters.ts';

/** Days 1950–2150 as ISO dates, from Date itself. */
const someDate = fc
  .integer({ min: -7305, max: 65_743 })
  .map((days) => new Date(days * DAY_MS).toISOString().slice(0, 10));

/** What Intl prints in the Swedish way, which is ISO: the oracle for the local date. */
const printers = new Map<string, Intl.DateTimeFormat>();
const printedDate = (ms: number, zone: string) => {
  const printer =
    printers.get(zone) ?? new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short' });
  printers.set(zone, printer);
  return printer.format(ms);
};

describe('a date', () => {
  it.each(['2026-02-28', '2024-02-29', '1890-01-01', '2200-12-31', '2000-02-29'])('%s exists', (text) => {
    expect(isLocalDate(text)).toBe(true);
  });
  it.each([
    '2026-02-29',
    '1900-02-29',
    '2026-13-01',
    '2026-00-01',
    '2026-01-00',
    '2026-04-31',
    '1889-12-31',
    '2201-01-01',
    '2026-1-1',
    '26-01-01',
    '2026-01-01T00:00',
    '2026/01/01',
    '',
    ' 2026-01-01',
    '２０２６-01-01',
    '+002026-01-01',
  ])('%s does not', (text) => {
    expect(isLocalDate(text)).toBe(false);
  });

  it('adds and subtracts days as Date does', () => {
    fc.assert(
      fc.property(someDate, fc.integer({ min: -5000, max: 5000 }), (date, days) => {
        const oracle = new Date(`${date}T12:00:00Z`);
        oracle.setUTCDate(oracle.getUTCDate() + days);
        const sum = addDays(date, days);
        expect(sum).toBe(oracle.toISOString().slice(0, 10));
        expect(daysBetween(date, sum)).toBe(days);
        expect(weekday(sum)).toBe(oracle.getUTCDay() === 0 ? 7 : oracle.getUTCDay());
      }),
    );
  });

  it.each([
    ['2026-01-31', 1, '2026-02-28'],
    ['2024-01-31', 1, '2024-02-29'],
    ['2026-01-30', 1, '2026-02-28'],
    ['2026-08-31', 1, '2026-09-30'],
    ['2026-10-31', 4, '2027-02-28'],
    ['2026-12-31', 2, '2027-02-28'],
    ['2026-03-31', -1, '2026-02-28'],
    ['2026-01-15', -1, '2025-12-15'],
    ['2026-01-15', 12, '2027-01-15'],
    ['2024-02-29', 12, '2025-02-28'],
    ['2026-05-15', 0, '2026-05-15'],
  ])('%s and %i months is %s', (date, months, sum) => {
    expect(addMonths(date, months)).toBe(sum);
  });

  it('adds months so that the day stays, or is the last of a shorter month', () => {
    fc.assert(
      fc.property(someDate, fc.integer({ min: -60, max: 60 }), (date, months) => {
        const sum = addMonths(date, months);
        expect(isLocalDate(sum)).toBe(true);
        const [y, m, d] = sum.split('-').map(Number) as [number, number, number];
        const [fy, fm, fd] = date.split('-').map(Number) as [number, number, number];
        expect(y * 12 + m).toBe(fy * 12 + fm + months);
        const lastOfMonth = addDays(sum, 1).slice(8) === '01';
        expect(d === fd || (d < fd && lastOfMonth)).toBe(true);
      }),
    );
  });
});

describe('days and instants in a zone', () => {
  // Each with a night on which its clocks jumped, or with an odd offset.
  const zones: [zone: string, around: string][] = [
    ['Europe/Berlin', '2026-03-29'],
    ['Europe/Berlin', '2026-10-25'],
    ['America/New_York', '2026-11-01'],
    ['America/Sao_Paulo', '2018-11-04'], // midnight skipped
    ['America/Sao_Paulo', '2018-02-18'], // midnight twice
    ['Asia/Beirut', '2022-03-27'], // midnight skipped
    ['America/Havana', '2025-11-02'], // midnight twice, both on the same day
    ['America/St_Johns', '2010-11-07'], // a minute past midnight, back into the day before
    ['Africa/Cairo', '2025-04-25'],
    ['Pacific/Apia', '2011-12-31'], // a whole day skipped
    ['Pacific/Kwajalein', '1993-08-21'],
    ['Asia/Kathmandu', '2026-06-01'],
    ['Australia/Lord_Howe', '2026-04-05'],
    ['Asia/Shanghai', '1988-04-17'],
    ['Pacific/Kiritimati', '2026-01-01'],
    ['UTC', '2026-01-01'],
  ];

  test.each(zones)('%s around %s agree with a scan of every minute', (zone, around) => {
    for (const date of [-2, -1, 0, 1].map((days) => addDays(around, days))) {
      const from = Date.parse(`${date}T00:00:00Z`) - 30 * 3_600_000;
      const minutes = Array.from({ length: 84 * 60 }, (_, at) => from + at * 60_000);
      const first = minutes.find((ms) => printedDate(ms, zone) >= date);
      const last = minutes.findLast((ms) => printedDate(ms, zone) <= date);
      expect(startOfDay(date, zone)).toBe(first);
      expect(endOfDay(date, zone)).toBe(last! + 59_999);
    }
  });

  it('agree with Intl at any instant', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...new Set(zones.map(([zone]) => zone))),
        fc.integer({ min: Date.UTC(1990, 0), max: Date.UTC(2090, 0) }),
        (zone, ms) => {
          const date = localDateAt(ms, zone);
          expect(date).toBe(printedDate(ms, zone));
          expect(startOfDay(date, zone)).toBeLessThanOrEqual(ms);
          expect(endOfDay(date, zone)).toBeGreaterThanOrEqual(ms);
        },
      ),
    );
  });

  it('have days of 23 and 25 hours in Berlin', () => {
    const hours = (date: string) =>
      (endOfDay(date, 'Europe/Berlin') + 1 - startOfDay(date, 'Europe/Berlin')) / 3_600_000;
    expect(['2026-03-28', '2026-03-29', '2026-10-25'].map(hours)).toEqual([24, 23, 25]);
  });

  it('know zones', () => {
    expect(['Europe/Berlin', 'Asia/Shanghai', 'UTC'].map(isZone)).toEqual([true, true, true]);
    expect(['Mars/Olympus', '', 'Europe', '../etc'].map(isZone)).toEqual([false, false, false, false]);
  });
});

describe('working days', () => {
  // Published dates of Easter Sunday.
  it.each([
    '2000-04-23',
    '2008-03-23',
    '2011-04-24',
    '2019-04-21',
    '2024-03-31',
    '2025-04-20',
    '2026-04-05',
    '2027-03-28',
    '2028-04-16',
    '2029-04-01',
    '2030-04-21',
    '2038-04-25',
    '2076-04-19',
  ])('stand around Easter %s', (sunday) => {
    const why = (days: number) => dayKind(addDays(sunday, days), GERMANY).why;
    expect([-3, -2, -1, 0, 1, 2].map(why)).toEqual([
      'working-day',
      'holiday',
      'weekend',
      'weekend',
      'holiday',
      'working-day',
    ]);
    // In 2008 Ascension Day was 1 May, which has its name already.
    expect(dayKind(addDays(sunday, 39), GERMANY).name?.en).toBe(
      sunday === '2008-03-23' ? 'Labour Day' : 'Ascension Day',
    );
    expect(dayKind(addDays(sunday, 50), GERMANY).name?.en).toBe('Whit Monday');
  });

  it.each([
    ['2026-12-24', 'working-day'],
    ['2026-12-25', 'holiday'],
    ['2026-12-26', 'holiday'],
    ['2026-12-27', 'weekend'],
    ['2026-12-31', 'working-day'],
    ['2027-01-01', 'holiday'],
    ['2026-10-03', 'holiday'],
    ['1989-10-03', 'working-day'],
    ['2017-10-31', 'holiday'],
    ['2018-10-31', 'working-day'],
  ])('%s is a %s in Germany', (date, why) => {
    expect(dayKind(date, GERMANY)).toMatchObject({ why, working: why === 'working-day' });
  });

  const moved: Calendar = {
    id: 'moved',
    zone: 'Asia/Shanghai',
    weekend: [6, 7],
    holidays: [{ month: 10, day: 1, name: { en: 'National Day', 'zh-Hans': '国庆节' } }],
    extraWorkingDays: ['2026-10-10'],
    source: 'made up for this test',
  };

  it('can be moved onto a weekend', () => {
    expect(dayKind('2026-10-10', moved)).toEqual({ working: true, why: 'extra-working-day' });
    expect(dayKind('2026-10-11', moved)).toEqual({ working: false, why: 'weekend' });
    expect(workingDayFrom('2026-10-10', moved)).toBe('2026-10-10');
  });

  it('are found from any day on', () => {
    expect(workingDayFrom('2026-12-25', GERMANY)).toBe('2026-12-28');
    expect(workingDayFrom('2026-04-03', GERMANY)).toBe('2026-04-07');
    expect(workingDayFrom('2026-11-23', GERMANY)).toBe('2026-11-23');
    expect(() =>
      workingDayFrom('2026-01-01', { ...moved, weekend: [1, 2, 3, 4, 5, 6, 7], extraWorkingDays: [] }),
    ).toThrow(/no working day/);
  });
});
