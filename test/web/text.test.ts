// The catalogues: both languages say everything, nothing banned, and every value finds its place in the sentence.
import { describe, expect, it } from 'vitest';
import { ACT_FAULTS } from '../../domain/acts.ts';
import { REFUSAL_CODES } from '../../domain/refusal.ts';
import { en } from '../../web/text/en.ts';
import { formats, LANGS } from '../../web/text/formats.ts';
import { type Catalogue, langOf, text } from '../../web/text/text.ts';
import { zhHans } from '../../web/text/zh-hans.ts';
import { bannedWords } from '../support/words.ts';

type Entry = { path: string; say: (n: number) => string; arity: number };

/** Every sentence of a catalogue; functions are called with numbers that show singular and plural. */
function sentences(of: unknown, path = ''): Entry[] {
  if (typeof of === 'string') return [{ path, say: () => of, arity: 0 }];
  if (typeof of === 'function') {
    const call = of as (...values: unknown[]) => string;
    // One argument may be a number, a word, or a record of values: what is asked of it decides what it is.
    const value = (n: number) =>
      new Proxy(Object(n), {
        get: (target, key) => {
          if (key === Symbol.toPrimitive || key === 'valueOf') return () => n;
          if (key === 'toString') return () => String(n);
          if (
            typeof key === 'string' &&
            ['discipline', 'duty', 'skill', 'holder', 'at', 'min', 'max'].includes(key)
          )
            return undefined;
          return (target as Record<PropertyKey, unknown>)[key];
        },
      });
    return [
      {
        path,
        arity: call.length,
        say: (n) => {
          const unit =
            path.endsWith('clock.amount') || path.endsWith('clock.left') || path.endsWith('clock.overdue');
          if (unit) return call(n, 'working-day', '24 Nov 2026');
          if (path.endsWith('taskWithDiscipline')) return call('Task', 'physiotherapy');
          if (path.endsWith('.sign')) return call('Approve');
          if (path.endsWith('fields.sessionsOf')) return call('physiotherapy');
          return call(...Array.from({ length: call.length }, () => value(n)));
        },
      },
    ];
  }
  if (typeof of === 'object' && of !== null)
    return Object.entries(of).flatMap(([key, value]) => sentences(value, path ? `${path}.${key}` : key));
  throw new Error(`A catalogue may hold sentences only: ${path}`);
}

const CATALOGUES: readonly [string, Catalogue][] = [
  ['en', en],
  ['zh-Hans', zhHans],
];

describe('catalogues', () => {
  it('have the same keys and take the same values', () => {
    const shape = (catalogue: Catalogue) => sentences(catalogue).map(({ path }) => path);
    expect(shape(zhHans)).toEqual(shape(en));
  });

  it.each(CATALOGUES)('%s: no sentence is empty, banned or shows a hole', (_, catalogue) => {
    for (const { path, say } of sentences(catalogue)) {
      for (const n of [1, 2, 48_190]) {
        const said = say(n);
        expect(said.trim(), path).not.toBe('');
        expect(bannedWords(said), `${path}: ${said}`).toEqual([]);
        expect(said, path).not.toMatch(/\$\{|<|>/);
      }
    }
  });

  it('Chinese sentences are Chinese', () => {
    for (const { path, say } of sentences(zhHans)) {
      const said = say(3);
      // The name of the other language, and patterns that only join what they are given.
      if (path === 'otherLanguage' || /^[\d\s\p{P}]*$/u.test(said)) continue;
      expect(said, path).toMatch(/[\u4e00-\u9fff]/);
    }
  });

  it('the words both languages share mean the same thing everywhere (word list of the specification)', () => {
    expect(zhHans.proof.pending).toBe('待编号');
    expect(zhHans.proof.sequenced(48_190)).toBe('已编号 #48\u202f190');
    expect(zhHans.queue.takeNext).toBe('领取下一项');
    expect(zhHans.queue.claim).toBe('认领');
    expect(zhHans.queue.handBack).toBe('退回队列');
    expect(zhHans.criteriaTable.criterion).toBe('审批条件');
    expect(zhHans.audit.sound).toBe('完好');
    expect(zhHans.audit.tampered).toBe('被篡改');
    expect(zhHans.roles).toMatchObject({
      patient: '患者',
      guardian: '监护人',
      supporter: '协助人',
      therapist: '治疗师',
      'approval-officer': '审批员',
      administrator: '管理员',
      auditor: '审计员',
      doctor: '医生',
    });
    expect(Object.values(zhHans.stages)).toEqual([
      '申请',
      '评估',
      '治疗',
      '再评估',
      '审批',
      '随访',
      '已结案',
    ]);
  });

  it('says every refusal and every fault in words that tell what to do', () => {
    for (const [, catalogue] of CATALOGUES) {
      for (const code of REFUSAL_CODES) expect(catalogue.refusals[code]({}).length, code).toBeGreaterThan(5);
      for (const fault of ACT_FAULTS)
        expect(catalogue.faults[fault]({ min: 1, max: 5 }).length, fault).toBeGreaterThan(3);
    }
    expect(en.refusals['conflict-of-duties']({ duty: 'assess' })).toContain('You assessed this case');
    expect(en.refusals['stale-claim']({ holder: 'P. Sample', at: '14:05' })).toContain(
      'P. Sample took this over at 14:05',
    );
    expect(en.faults.outOfRange({ min: 0, max: 15 })).toBe('Enter a number from 0 to 15');
    expect(en.faults.tooLong({ max: 4000 })).toBe('Shorten this to 4000\u00a0characters at most');
  });

  it('uses plural rules', () => {
    expect(en.queue.total(1)).toBe('1\u00a0task');
    expect(en.queue.total(41)).toBe('41\u00a0tasks');
    expect(en.clock.left(1, 'working-day', '24 Nov 2026')).toBe('1\u00a0working day left, 24 Nov 2026');
    expect(zhHans.clock.left(3, 'working-day', '2026年11月24日')).toBe('还剩3个工作日，2026年11月24日');
  });
});

describe('formats', () => {
  const at = '2026-11-24T13:05:09.000Z';
  it.each([
    ['en', '24 Nov 2026, 14:05', '24 Nov 2026', '14:05'],
    ['zh-Hans', '2026年11月24日 14:05', '2026年11月24日', '14:05'],
  ] as const)('%s writes a moment in the zone of the site', (lang, dateTime, date, time) => {
    const f = formats(lang, 'Europe/Berlin');
    expect([f.dateTime(at), f.date(at), f.time(at)]).toEqual([dateTime, date, time]);
  });

  it('groups from 10 000, with Latin digits', () => {
    for (const lang of LANGS) {
      const f = formats(lang, 'UTC');
      expect(f.number(9_999)).toBe('9999');
      expect(f.number(10_000)).toBe('10\u202f000');
      expect(f.number(1.25, 1)).toMatch(/^1\.[23]$/);
    }
  });

  it('writes a calendar date as it is, whatever the zone', () => {
    expect(formats('en', 'Pacific/Kiritimati').calendarDate('1961-11-12')).toBe('12 Nov 1961');
    expect(formats('en', 'Pacific/Pago_Pago').calendarDate('1961-11-12')).toBe('12 Nov 1961');
  });

  it('midnight is 00:00 and not 24:00', () => {
    expect(formats('en', 'UTC').time('2026-11-24T00:00:00.000Z')).toBe('00:00');
    expect(formats('zh-Hans', 'UTC').time('2026-11-24T00:00:00.000Z')).toBe('00:00');
  });
});

describe('text', () => {
  it('is made once per language and zone', () => {
    expect(text('en', 'UTC')).toBe(text('en', 'UTC'));
    expect(text('en', 'UTC')).not.toBe(text('en', 'Europe/Berlin'));
  });

  it.each([
    [['zh-CN,zh;q=0.9,en;q=0.8'], 'zh-Hans'],
    [['de-DE,de;q=0.9,en;q=0.8'], 'en'],
    [['fr'], 'en'],
    [[undefined, undefined], 'en'],
    [['zh-Hans', 'en'], 'zh-Hans'],
    [['en', 'zh'], 'en'],
  ] as const)('%j asks for %s', (wishes, lang) => {
    expect(langOf(...wishes)).toBe(lang);
  });
});
