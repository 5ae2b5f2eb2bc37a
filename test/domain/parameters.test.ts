// Tests of the parameters: every clock has a source and a rising window, overrides make another version.
import { describe, expect, it } from 'vitest';
import { isLocalDate, isZone } from '../../domain/calendar.ts';
import { EVENTS } from '../../domain/events.ts';
import { CASE_CLOCKS, CASE_STATES, PAUSED_IN } from '../../domain/lifecycle.ts';
import {
  DEFAULT_PARAMETERS,
  dueAfterOf,
  parameterOverrides,
  parametersOn,
  withOverrides,
} from '../../domain/parameters.ts';

const { clocks, figures, calendar } = DEFAULT_PARAMETERS;

describe('the default parameters', () => {
  it.each(CASE_CLOCKS)('%s is whole', (id) => {
    const clock = clocks[id];
    expect(clock.id).toBe(id);
    expect(clock.legalBasis).toMatch(/§|[Hh]ouse rule/);
    expect(EVENTS).toContain(clock.startsWith);
    expect(clock.earliest).toBeLessThanOrEqual(clock.due);
    expect(clock.due).toBeLessThanOrEqual(clock.length);
    expect(clock.tells.length).toBeGreaterThan(0);
    expect(clock.unit).not.toBe('seconds');
  });

  it('hold the limits of the law', () => {
    expect(clocks['eligibility-decision']).toMatchObject({ unit: 'calendar-days', length: 21 });
    expect(clocks['eligibility-deemed']).toMatchObject({
      unit: 'months',
      length: 2,
      effect: 'deemed-approved',
    });
    expect(clocks['appeal-period']).toMatchObject({ unit: 'months', length: 1, effect: 'close' });
    expect(clocks['follow-up-interval']).toMatchObject({ unit: 'months', length: 6 });
  });

  it('let every clock stand still that the lifecycle stops', () => {
    for (const state of CASE_STATES) {
      for (const id of PAUSED_IN[state] ?? []) expect(clocks[id].pauseGrounds).toContain('papers-missing');
    }
  });

  it('have a calendar and figures that can be used', () => {
    expect(isZone(calendar.zone)).toBe(true);
    expect(isLocalDate(DEFAULT_PARAMETERS.effectiveFrom)).toBe(true);
    for (const figure of Object.values(figures)) {
      expect(figure.value).toBeGreaterThan(0);
      expect(figure.legalBasis).not.toBe('');
    }
  });
});

describe('the last instant of a clock', () => {
  const dueAfter = dueAfterOf(DEFAULT_PARAMETERS);
  it.each([
    ['eligibility-decision', '2026-12-04T10:00:00.000Z', 0, '2026-12-28T22:59:59.999Z'],
    ['eligibility-decision', '2026-11-02T10:00:00.000Z', 86_400_000, '2026-11-24T22:59:59.999Z'],
    ['eligibility-deemed', '2026-12-31T10:00:00.000Z', 0, '2027-03-01T22:59:59.999Z'],
    ['appeal-period', '2026-03-31T10:00:00.000Z', 0, '2026-04-30T21:59:59.999Z'],
    ['assessment', '2026-12-18T10:00:00.000Z', 0, '2027-01-05T22:59:59.999Z'],
    ['follow-up-interval', '2026-08-31T10:00:00.000Z', 0, '2027-03-01T22:59:59.999Z'],
  ] as const)('%s from %s, still for %i ms, is %s', (clock, start, pausedMs, due) => {
    expect(dueAfter(clock, start, pausedMs)).toBe(due);
  });
});

describe('overrides', () => {
  const fast = withOverrides(DEFAULT_PARAMETERS, {
    version: 'test-seconds',
    clocks: { 'papers-answer': { unit: 'seconds', length: 2 } },
    figures: { 'claim-lease': 1 },
  });

  it('change lengths and figures, keep the law, and make another version', () => {
    expect(fast.version).toBe('test-seconds');
    expect(fast.clocks['papers-answer']).toEqual({
      ...clocks['papers-answer'],
      unit: 'seconds',
      earliest: 0,
      due: 2,
      length: 2,
    });
    expect(fast.clocks.assessment).toEqual(clocks.assessment);
    expect(fast.figures['claim-lease']).toEqual({ ...figures['claim-lease'], value: 1 });
    expect(dueAfterOf(fast)('papers-answer', '2026-12-25T00:00:00.000Z', 500)).toBe(
      '2026-12-25T00:00:02.500Z',
    );
    expect(DEFAULT_PARAMETERS.clocks['papers-answer'].unit).toBe('calendar-days');
  });

  it.each([
    ['the same version', { version: DEFAULT_PARAMETERS.version }],
    ['no version', {}],
    ['a version with spaces', { version: 'a b' }],
    ['an unknown clock', { version: 'x', clocks: { lunch: { unit: 'seconds', length: 1 } } }],
    ['an unknown unit', { version: 'x', clocks: { plan: { unit: 'hours', length: 1 } } }],
    ['no length', { version: 'x', clocks: { plan: { unit: 'seconds' } } }],
    ['a length of nothing', { version: 'x', clocks: { plan: { unit: 'seconds', length: 0 } } }],
    ['a fractional length', { version: 'x', clocks: { plan: { unit: 'seconds', length: 1.5 } } }],
    ['a due day behind the last', { version: 'x', clocks: { plan: { unit: 'seconds', length: 1, due: 2 } } }],
    ['another effect', { version: 'x', clocks: { plan: { unit: 'seconds', length: 1, effect: 'close' } } }],
    ['an unknown figure', { version: 'x', figures: { lunch: 1 } }],
    ['an unknown key', { version: 'x', calendar: {} }],
    ['a day that does not exist', { version: 'x', effectiveFrom: '2026-02-30' }],
  ])('are refused with %s', (_, overrides) => {
    // The schema's input type does not admit most of these, which is the point.
    expect(() => withOverrides(DEFAULT_PARAMETERS, overrides as never)).toThrow();
  });

  it('read what a file may hold', () => {
    expect(parameterOverrides.parse({ version: 'v1' })).toEqual({ version: 'v1', clocks: {}, figures: {} });
  });
});

describe('the set in force', () => {
  const later = withOverrides(DEFAULT_PARAMETERS, { version: '2027-01', effectiveFrom: '2027-01-01' });
  it.each([
    ['2026-10-31', undefined],
    ['2026-11-01', '2026-11'],
    ['2026-12-31', '2026-11'],
    ['2027-01-01', '2027-01'],
  ])('on %s is %s', (day, version) => {
    expect(parametersOn([later, DEFAULT_PARAMETERS], day)?.version).toBe(version);
  });
});
