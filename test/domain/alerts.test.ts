// Station 0: which alerts wait, by when, who may take them up, and with what.
import { describe, expect, it, test } from 'vitest';
import {
  ACKNOWLEDGEMENT_REASONS,
  acknowledgeBy,
  acknowledgeRefusal,
  alertsOfCodes,
  IMMEDIATE_ALERTS,
  raisedBefore,
  readAcknowledgement,
} from '../../domain/alerts.ts';
import { INSTRUMENTS } from '../../domain/instruments/registry.ts';
import { DEFAULT_PARAMETERS } from '../../domain/parameters.ts';
import { ROLES } from '../../domain/roles.ts';

test('every alert that an instrument tells is in its list, so that its code is known when it is read back', () => {
  // Each item at each of its ends, alone and with all others answered.
  for (const instrument of INSTRUMENTS) {
    const known = instrument.alerts.map(({ code }) => code);
    const ends = instrument.items.map((item) =>
      item.kind === 'choice' ? item.choices.map(({ value }) => value) : [item.min, item.max],
    );
    const all = (at: 0 | -1) =>
      Object.fromEntries(instrument.items.map((item, n) => [item.id, ends[n]?.at(at)]));
    const told = new Set<string>();
    for (const [n, item] of instrument.items.entries())
      for (const value of ends[n] ?? [])
        for (const answers of [
          { [item.id]: value },
          { ...all(0), [item.id]: value },
          { ...all(-1), [item.id]: value },
        ])
          for (const { code, level } of instrument.score(answers).alerts) {
            told.add(code);
            expect(alertsOfCodes([code])[0]?.level).toBe(level);
          }
    expect([...told].filter((code) => !known.includes(code))).toEqual([]);
    expect(known.filter((code) => !told.has(code))).toEqual([]);
  }
  expect(IMMEDIATE_ALERTS).toEqual(['thoughts-of-self-harm']);
});

test('an alert is overdue four hours after it was raised, and says the same both ways', () => {
  const raised = '2026-11-23T10:00:00.000Z';
  const by = acknowledgeBy(DEFAULT_PARAMETERS, raised);
  expect(new Date(by).toISOString()).toBe('2026-11-23T14:00:00.000Z');
  expect(raisedBefore(DEFAULT_PARAMETERS, new Date(by)).toISOString()).toBe(raised);
});

describe('who may', () => {
  const plain = { related: false, worksOnIt: false };
  it.each(ROLES)('%s', (role) => {
    const code = (standing: typeof plain, lead = false) => acknowledgeRefusal({ role, lead }, standing)?.code;
    if (role !== 'therapist' && role !== 'doctor') {
      expect(code({ related: false, worksOnIt: true })).toBe('wrong-role');
      return;
    }
    expect(code({ ...plain, worksOnIt: true })).toBeUndefined();
    expect(code(plain)).toBe(role === 'doctor' ? undefined : 'not-related');
    expect(code(plain, true)).toBeUndefined();
    // Nobody takes up an alert of their own case, or of somebody close to them.
    expect(code({ related: true, worksOnIt: true }, true)).toBe('conflict-of-duties');
  });
});

describe('what was done', () => {
  const faults = (reason: string, note: string) => {
    const read = readAcknowledgement({ reason, note });
    return 'faults' in read ? read.faults : [];
  };
  it('is one of a closed list; two of its answers need a note', () => {
    for (const reason of ACKNOWLEDGEMENT_REASONS) {
      const alone = faults(reason, '  ');
      if (reason === 'other' || reason === 'answered-by-mistake')
        expect(alone).toEqual([{ field: 'note', fault: 'reasonsNeeded' }]);
      else expect(alone).toEqual([]);
      expect(readAcknowledgement({ reason, note: ' Called back\r\nat noon ' })).toEqual({
        values: { reason, note: 'Called back\nat noon' },
      });
    }
    expect(faults('', '')).toEqual([{ field: 'reason', fault: 'chooseOne' }]);
    expect(faults('constructor', '')).toEqual([{ field: 'reason', fault: 'chooseOne' }]);
  });
  it('is text that can be stored, of a length that can be read', () => {
    expect(faults('other', 'x'.repeat(2000))).toEqual([]);
    expect(faults('other', 'x'.repeat(2001))).toEqual([
      { field: 'note', fault: 'tooLong', values: { max: 2000 } },
    ]);
    for (const hostile of ['a\u0000b', 'a\u202eb', '\ud800'])
      expect(faults('other', hostile)).toEqual([{ field: 'note', fault: 'controlCharacters' }]);
  });
});
