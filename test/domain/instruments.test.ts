// Tests of the instruments: published rules as tables, every missing-item case, properties, and change between two.
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { barthel } from '../../domain/instruments/barthel.ts';
import {
  ANSWER_FAULTS,
  type Answers,
  answersFromText,
  changeBetween,
  type Instrument,
  type Item,
  type Measurement,
} from '../../domain/instruments/instrument.ts';
import { phq9 } from '../../domain/instruments/phq9.ts';
import { INSTRUMENTS, instrumentById } from '../../domain/instruments/registry.ts';
import { sixMinuteWalk } from '../../domain/instruments/six-minute-walk.ts';

const scored = (instrument: Instrument, answers: Answers) => {
  const score = instrument.score(answers);
  if (!score.ok)
    throw new Error(`faults: ${score.faults.map(({ field, fault }) => `${field} ${fault}`).join()}`);
  return score;
};

const valuesOf = (item: Item): number[] => {
  if (item.kind === 'choice') return item.choices.map((choice) => choice.value);
  return [item.min, item.min + item.step, item.max];
};

const counting = (instrument: Instrument) => instrument.items.filter((item) => item.counts);

/** Every counting item at its lowest or highest value. */
const all = (instrument: Instrument, which: 'min' | 'max'): Record<string, number> =>
  Object.fromEntries(counting(instrument).map((item) => [item.id, Math[which](...valuesOf(item))]));

/** Answers to any of the items, all of them allowed. */
const someAnswers = (instrument: Instrument): fc.Arbitrary<Record<string, number>> =>
  fc
    .tuple(...instrument.items.map((item) => fc.option(fc.constantFrom(...valuesOf(item)), { freq: 4 })))
    .map((values) =>
      Object.fromEntries(
        values.flatMap((value, at) => (value === null ? [] : [[instrument.items[at]!.id, value] as const])),
      ),
    );

describe.each(INSTRUMENTS)('$id', (instrument) => {
  it('is complete as data', () => {
    expect(new Set(instrument.items.map((item) => item.id)).size).toBe(instrument.items.length);
    expect(instrumentById(instrument.id)).toBe(instrument);
    const words = [
      instrument.name,
      instrument.instruction,
      ...instrument.bands.map((band) => band.label),
      ...instrument.items.map((item) => item.text),
      ...instrument.items.flatMap((item) => (item.kind === 'choice' ? item.choices.map((c) => c.label) : [])),
    ];
    for (const { en, 'zh-Hans': zh } of words) {
      expect(en.trim()).not.toBe('');
      expect(zh.trim()).not.toBe('');
    }
    expect(instrument.source).not.toBe('');
    expect(instrument.missingRule).not.toBe('');
    for (const figure of instrument.changes) expect(figure.source).toMatch(/doi|\d{4}/);
    for (const id of instrument.sameConditions) expect(instrument.items.map((i) => i.id)).toContain(id);
  });

  it('has choices that differ, in rising order', () => {
    for (const item of instrument.items) {
      if (item.kind !== 'choice') continue;
      const values = item.choices.map((choice) => choice.value);
      expect(values).toEqual([...new Set(values)].sort((a, b) => a - b));
      const codes = item.choices.flatMap((choice) => choice.codes ?? []);
      expect(new Set(codes).size).toBe(codes.length);
    }
  });

  it('spans its range exactly', () => {
    expect(scored(instrument, all(instrument, 'min')).total).toBe(instrument.total.min);
    expect(scored(instrument, all(instrument, 'max')).total).toBe(instrument.total.max);
  });

  it('gives every possible total exactly one band, where it has bands', () => {
    if (instrument.bands.length === 0) return;
    for (let total = instrument.total.min; total <= instrument.total.max; total += 1) {
      expect(instrument.bands.filter((band) => total >= band.from && total <= band.to)).toHaveLength(1);
    }
  });

  it('never leaves its range, never scores a gap as zero, and tells what is missing', () => {
    fc.assert(
      fc.property(someAnswers(instrument), (answers) => {
        const score = scored(instrument, answers);
        const missing = counting(instrument)
          .filter((item) => !(item.id in answers))
          .map((item) => item.id);
        expect(score.missing).toEqual(missing);
        expect(score.complete).toBe(missing.length === 0);
        if (score.total === null) expect(score.bands).toEqual([]);
        else {
          expect(score.total).toBeGreaterThanOrEqual(instrument.total.min);
          expect(score.total).toBeLessThanOrEqual(instrument.total.max);
          expect(Number.isInteger(score.total)).toBe(true);
        }
      }),
    );
  });

  it('never falls when one counting answer rises', () => {
    fc.assert(
      fc.property(someAnswers(instrument), fc.nat(), (answers, pick) => {
        const items = counting(instrument).filter((item) => item.id in answers);
        const item = items[pick % Math.max(items.length, 1)];
        if (item === undefined) return;
        const before = scored(instrument, answers).total;
        for (const value of valuesOf(item).filter((v) => v > answers[item.id]!)) {
          const after = scored(instrument, { ...answers, [item.id]: value }).total;
          expect(after === null).toBe(before === null);
          expect(after ?? 0).toBeGreaterThanOrEqual(before ?? 0);
        }
      }),
    );
  });

  it('takes nothing that is not an allowed answer, and names the item', () => {
    const item = instrument.items[0]!;
    const bad = [
      'x',
      '',
      '5',
      true,
      [],
      {},
      Number.NaN,
      Number.POSITIVE_INFINITY,
      -1,
      10_000,
      0.3,
      10n,
      new Date(0),
    ];
    for (const value of bad) {
      const score = instrument.score({ [item.id]: value });
      expect(score.ok, String(value)).toBe(false);
      if (score.ok) continue;
      expect(score.faults.map((fault) => fault.field)).toEqual([item.id]);
      expect(ANSWER_FAULTS).toContain(score.faults[0]!.fault);
    }
    for (const field of ['unknown', '__proto__', 'constructor', 'toString']) {
      const score = instrument.score(JSON.parse(`{"${field}": 1}`));
      expect(score).toMatchObject({ ok: false, faults: [{ field, fault: 'unknownItem' }] });
    }
  });

  it('reports every faulty item at once', () => {
    const answers = Object.fromEntries(instrument.items.map((item) => [item.id, -1]));
    const score = instrument.score(answers);
    expect(score.ok || score.faults.map((fault) => fault.field)).toEqual(
      instrument.items.map((item) => item.id),
    );
  });
});

describe('Barthel Index', () => {
  // Item values of Mahoney and Barthel 1965.
  it.each([
    ['feeding', [0, 5, 10]],
    ['bathing', [0, 5]],
    ['grooming', [0, 5]],
    ['dressing', [0, 5, 10]],
    ['bowels', [0, 5, 10]],
    ['bladder', [0, 5, 10]],
    ['toilet', [0, 5, 10]],
    ['transfer', [0, 5, 10, 15]],
    ['mobility', [0, 5, 10, 15]],
    ['stairs', [0, 5, 10]],
  ])('scores %s as %j', (id, values) => {
    expect(valuesOf(barthel.items.find((item) => item.id === id)!)).toEqual(values);
  });

  it('is the sum of its items', () => {
    const answers = {
      feeding: 5,
      bathing: 0,
      grooming: 0,
      dressing: 5,
      bowels: 0,
      bladder: 5,
      toilet: 5,
      transfer: 15,
      mobility: 5,
      stairs: 5,
    };
    expect(scored(barthel, answers)).toMatchObject({
      total: 45,
      bands: ['severe'],
      complete: true,
      alerts: [],
    });
  });

  it.each([
    [0, 'total'],
    [20, 'total'],
    [25, 'severe'],
    [60, 'severe'],
    [65, 'moderate'],
    [90, 'moderate'],
    [95, 'slight'],
    [100, 'independent'],
  ])('calls %i %s', (total, band) => {
    let rest = total;
    const answers: Record<string, number> = {};
    for (const item of barthel.items) {
      const value = Math.min(rest, Math.max(...valuesOf(item)));
      answers[item.id] = value;
      rest -= value;
    }
    expect(scored(barthel, answers)).toMatchObject({ total, bands: [band] });
  });

  it('gives no total whichever item is missing', () => {
    for (const item of barthel.items) {
      const { [item.id]: _, ...rest } = all(barthel, 'max');
      expect(scored(barthel, rest)).toMatchObject({
        total: null,
        bands: [],
        complete: false,
        missing: [item.id],
      });
      expect(scored(barthel, { ...rest, [item.id]: null })).toMatchObject({
        total: null,
        missing: [item.id],
      });
    }
  });

  it('names its variant, and that commercial use is still to be confirmed', () => {
    expect(barthel.variant).toContain('0-100');
    expect(barthel.licence.state).toBe('confirm-commercial-use');
    expect(barthel.licence.toConfirm.join()).toMatch(/commercial/);
  });
});

describe('PHQ-9', () => {
  const answers = (...values: (number | null)[]): Answers =>
    Object.fromEntries(values.map((value, at) => [String(at + 1), value]));

  // Kroenke, Spitzer, Williams 2001: cut points 5, 10, 15, 20.
  it.each([
    [0, 'minimal'],
    [4, 'minimal'],
    [5, 'mild'],
    [9, 'mild'],
    [10, 'moderate'],
    [14, 'moderate'],
    [15, 'moderately-severe'],
    [19, 'moderately-severe'],
    [20, 'severe'],
    [27, 'severe'],
  ])('calls %i %s', (total, band) => {
    const values = Array.from({ length: 9 }, (_, at) => Math.max(0, Math.min(3, total - at * 3)));
    expect(scored(phq9, answers(...values))).toMatchObject({ total, bands: [band], complete: true });
  });

  it('leaves the tenth question out of the total', () => {
    expect(scored(phq9, { ...answers(1, 1, 1, 1, 1, 1, 1, 1, 0), 10: 3 }).total).toBe(8);
    expect(scored(phq9, answers(1, 1, 1, 1, 1, 1, 1, 1, 0)).missing).toEqual([]);
  });

  it.each([1, 2, 3])('raises an immediate alert when item 9 is %i, and not at 0', (value) => {
    expect(scored(phq9, answers(0, 0, 0, 0, 0, 0, 0, 0, value)).alerts).toMatchObject([
      { code: 'thoughts-of-self-harm', level: 'immediate', item: '9' },
    ]);
    expect(scored(phq9, answers(3, 3, 3, 3, 3, 3, 3, 3, 0)).alerts).toEqual([]);
  });

  it('raises it also when nothing else is answered, or another answer is wrong', () => {
    expect(scored(phq9, { 9: 1 })).toMatchObject({ total: null, alerts: [{ level: 'immediate' }] });
    expect(phq9.score({ 1: 'x', 9: 1 })).toMatchObject({ ok: false, alerts: [{ level: 'immediate' }] });
  });

  it('asks for item 9 when it was skipped or not readable, and not on an empty form', () => {
    expect(scored(phq9, answers(1, 1, 1, 1, 1, 1, 1, 1)).alerts).toMatchObject([
      { code: 'self-harm-not-answered', level: 'attention' },
    ]);
    expect(phq9.score({ ...answers(1, 1), 9: 'often' })).toMatchObject({
      ok: false,
      alerts: [{ code: 'self-harm-not-answered' }],
    });
    expect(scored(phq9, {}).alerts).toEqual([]);
  });

  it('follows its missing-item rule in all 512 cases', () => {
    for (let mask = 0; mask < 512; mask += 1) {
      const values = Array.from({ length: 9 }, (_, at) => ((mask >> at) & 1 ? null : at % 4));
      const given = values.filter((value) => value !== null);
      const gone = 9 - given.length;
      const score = scored(phq9, answers(...values));
      expect(score.missing).toHaveLength(gone);
      if (gone > 2) expect(score).toMatchObject({ total: null, bands: [], estimated: [] });
      else {
        const mean = given.reduce((sum, value) => sum + value, 0) / given.length;
        expect(score.total).toBe(Math.round(given.reduce((sum, v) => sum + v, 0) + mean * gone));
        expect(score.estimated).toEqual(score.missing);
      }
    }
  });
});

describe('6-minute walk', () => {
  it.each([
    [412, 430, 430],
    [430, 412, 430],
    [0, 0, 0],
  ])('takes the better of %i and %i m', (first, second, total) => {
    const score = scored(sixMinuteWalk, { 'distance-1': first, 'distance-2': second });
    expect(score).toMatchObject({ total, complete: true, missing: [] });
  });

  it.each([
    [{ 'distance-1': 300 }, 300, ['distance-2']],
    [{ 'distance-2': 300 }, 300, ['distance-1']],
    [{ course: 30, aid: 1 }, null, ['distance-1', 'distance-2']],
  ])('is incomplete with %j', (answers, total, missing) => {
    expect(scored(sixMinuteWalk, answers)).toMatchObject({ total, complete: false, missing });
  });

  it.each([
    [79, 1],
    [80, 0],
    [95, 0],
  ])('at %i %% saturation tells %i alerts', (saturation, alerts) => {
    const score = scored(sixMinuteWalk, { 'distance-1': 300, 'lowest-saturation-1': saturation });
    expect(score.alerts).toHaveLength(alerts);
  });

  it('takes half steps of Borg and of oxygen, and no others', () => {
    expect(sixMinuteWalk.score({ 'breathlessness-1': 0.5, oxygen: 2.5 }).ok).toBe(true);
    expect(sixMinuteWalk.score({ 'breathlessness-1': 1.5 })).toMatchObject({
      faults: [{ fault: 'chooseOne' }],
    });
    expect(sixMinuteWalk.score({ oxygen: 2.25 })).toMatchObject({ faults: [{ fault: 'offStep' }] });
    expect(sixMinuteWalk.score({ 'distance-1': 1001 })).toMatchObject({
      faults: [{ fault: 'outOfRange', values: { min: 0, max: 1000 } }],
    });
  });
});

describe('change between two measurements', () => {
  const measured = (
    instrument: Instrument,
    answers: Answers,
    other: Partial<Measurement> = {},
  ): Measurement => ({
    instrument: instrument.id,
    version: instrument.version,
    variant: instrument.variant,
    answers,
    ...other,
  });
  const walk = (metres: number, more: Answers = {}) =>
    measured(sixMinuteWalk, {
      'distance-1': metres,
      'distance-2': 0,
      course: 30,
      aid: 0,
      oxygen: 0,
      ...more,
    });

  const barthelOf = (total: number) => {
    let rest = total;
    const answers: Record<string, number> = {};
    for (const item of barthel.items) {
      answers[item.id] = Math.min(rest, Math.max(...valuesOf(item)));
      rest -= answers[item.id]!;
    }
    return measured(barthel, answers);
  };

  it.each([
    [45, 45, 'same', 'no', 'no'],
    [45, 50, 'better', 'no', 'no'],
    [45, 55, 'better', 'no', 'yes'],
    [45, 65, 'better', 'no', 'yes'],
    [45, 70, 'better', 'yes', 'yes'],
    [70, 45, 'worse', 'yes', 'yes'],
  ])('Barthel %i to %i after stroke: %s, real %s, important %s', (from, to, direction, real, important) => {
    expect(changeBetween(barthel, barthelOf(from), barthelOf(to), 'stroke')).toMatchObject({
      comparable: true,
      difference: to - from,
      direction,
      real,
      important,
      population: 'stroke',
    });
  });

  it('claims nothing for people nobody measured', () => {
    expect(changeBetween(barthel, barthelOf(0), barthelOf(100), 'heart-failure')).toMatchObject({
      direction: 'better',
      real: 'unknown',
      important: 'unknown',
      figures: [],
    });
    expect(changeBetween(barthel, barthelOf(0), barthelOf(100), null)).toMatchObject({ real: 'unknown' });
    // The respiratory MID is known, the measurement error is not.
    expect(changeBetween(sixMinuteWalk, walk(300), walk(330), 'chronic-respiratory')).toMatchObject({
      real: 'unknown',
      important: 'yes',
    });
  });

  it.each([
    [300, 354, 'no'],
    [300, 355, 'yes'],
    [355, 300, 'yes'],
    [354, 300, 'no'],
  ])('walk %i to %i m after stroke is real: %s', (from, to, real) => {
    expect(changeBetween(sixMinuteWalk, walk(from), walk(to), 'stroke')).toMatchObject({ real });
  });

  it('knows that a lower PHQ-9 is better', () => {
    const flat = (value: number) =>
      measured(phq9, Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [n, value])));
    expect(changeBetween(phq9, flat(3), flat(1), 'late-life-depression')).toMatchObject({
      difference: -18,
      direction: 'better',
      real: 'yes',
      important: 'yes',
    });
  });

  it('compares an estimated total, because the instrument allows it', () => {
    const gap = measured(phq9, { 1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1, 7: 1, 9: 0 });
    expect(changeBetween(phq9, gap, gap, null)).toMatchObject({
      comparable: true,
      difference: 0,
      direction: 'same',
    });
  });

  test.each<[string, Measurement, Measurement, string]>([
    ['another instrument', barthelOf(50), walk(300), 'other-instrument'],
    ['another version', walk(300), { ...walk(300), version: 2 }, 'other-version'],
    ['another variant', walk(300), { ...walk(300), variant: 'one test' }, 'other-version'],
    [
      'one test only',
      walk(300),
      measured(sixMinuteWalk, { 'distance-1': 300, course: 30, aid: 0, oxygen: 0 }),
      'incomplete',
    ],
    ['no test', walk(300), measured(sixMinuteWalk, { course: 30, aid: 0, oxygen: 0 }), 'no-total'],
    ['faulty answers', walk(300), walk(-5), 'no-total'],
    ['another aid', walk(300), walk(400, { aid: 4 }), 'other-conditions'],
    ['a shorter course', walk(300), walk(400, { course: 10 }), 'other-conditions'],
    ['oxygen not recorded', walk(300), walk(400, { oxygen: null }), 'other-conditions'],
  ])('refuses to compare with %s', (_, before, after, why) => {
    const instrument = instrumentById(before.instrument)!;
    expect(changeBetween(instrument, before, after, 'stroke')).toMatchObject({ comparable: false, why });
  });
});

describe('answers from a form', () => {
  it('turns plain decimals into numbers, leaves empty ones out, and keeps the rest for the fault', () => {
    expect(
      answersFromText({
        a: '10',
        b: ' 0.5 ',
        c: '',
        d: '  ',
        e: 'ten',
        f: '1e3',
        g: '0x10',
        h: '-1',
        i: '１０',
      }),
    ).toEqual({
      a: 10,
      b: 0.5,
      e: 'ten',
      f: '1e3',
      g: '0x10',
      h: -1,
      i: '１０',
    });
  });
});
