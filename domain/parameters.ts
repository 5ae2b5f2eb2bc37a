// Station 0, rules: the versioned set of limits and numbers a case runs under, each with the law or house rule behind it.
// A case keeps the version it began under; entries name it. Overrides make another version, never the same one.
// Must never hold a length without saying where it comes from. Software parameters, not legal advice.
import { z } from 'zod';
import type { Calendar, LocalDate } from './calendar.ts';
import { isLocalDate } from './calendar.ts';
import type { DueAfter } from './case-clocks.ts';
import { CLOCK_UNITS, type Clock, windowOf } from './clocks.ts';
import type { AuditEvent } from './events.ts';
import { CASE_CLOCKS, type CaseClock } from './lifecycle.ts';

/** A number with its unit and where it comes from. */
export type Figure = {
  readonly value: number;
  readonly unit: 'minutes' | 'minutes-a-week';
  readonly name: { readonly en: string; readonly 'zh-Hans': string };
  readonly legalBasis: string;
};

export const FIGURES = [
  'claim-lease',
  'disclosure-window',
  'receipt-due',
  'weekly-therapy',
  'alert-acknowledgement',
] as const;
export type FigureName = (typeof FIGURES)[number];

/** A clock of a case: its start event is one that the audit trail knows. */
export type CaseClockRule = Clock & { readonly id: CaseClock; readonly startsWith: AuditEvent };

export type Parameters = {
  /** Named by every entry written under the set. */
  readonly version: string;
  /** First day on which a new case begins under it. */
  readonly effectiveFrom: LocalDate;
  readonly calendar: Calendar;
  readonly clocks: Readonly<Record<CaseClock, CaseClockRule>>;
  readonly figures: Readonly<Record<FigureName, Figure>>;
};

const w = (en: string, zh: string) => ({ en, 'zh-Hans': zh });

/** German public holidays of every Land; those of single Länder are not in it. */
export const GERMANY: Calendar = {
  id: 'de',
  zone: 'Europe/Berlin',
  weekend: [6, 7],
  holidays: [
    { month: 1, day: 1, name: w("New Year's Day", '元旦') },
    { easter: -2, name: w('Good Friday', '耶稣受难日') },
    { easter: 1, name: w('Easter Monday', '复活节星期一') },
    { month: 5, day: 1, name: w('Labour Day', '劳动节') },
    { easter: 39, name: w('Ascension Day', '耶稣升天节') },
    { easter: 50, name: w('Whit Monday', '圣灵降临节星期一') },
    { month: 10, day: 3, years: [1990, 2200], name: w('German Unity Day', '德国统一日') },
    { date: '2017-10-31', name: w('Reformation Day, 500 years', '宗教改革 500 周年') },
    { month: 12, day: 25, name: w('Christmas Day', '圣诞节') },
    { month: 12, day: 26, name: w('Second Day of Christmas', '圣诞节次日') },
  ],
  extraWorkingDays: [],
  source: 'Public holidays common to all sixteen Länder; Unity Day by Einigungsvertrag Art. 2(2)',
};

const rule = (
  id: CaseClock,
  name: Clock['name'],
  startsWith: AuditEvent,
  rest: Omit<Clock, 'id' | 'name' | 'startsWith' | 'earliest' | 'movesToWorkingDay' | 'pauseGrounds'> &
    Partial<Pick<Clock, 'earliest' | 'pauseGrounds'>>,
): CaseClockRule => ({
  id,
  name,
  startsWith,
  earliest: 0,
  // SGB X § 26(3): a last day on a Saturday, Sunday or public holiday moves to the next working day.
  movesToWorkingDay: true,
  pauseGrounds: [],
  ...rest,
});

const clocks: Readonly<Record<CaseClock, CaseClockRule>> = {
  'eligibility-decision': rule(
    'eligibility-decision',
    w('Decision on the application', '申请审批决定'),
    'application.submitted',
    {
      legalBasis:
        'SGB IX § 14(2) sentence 2: three weeks from receipt. That it stands still while papers are missing follows § 18(2) no. 3 by analogy: to be confirmed by a lawyer',
      unit: 'calendar-days',
      due: 14,
      length: 21,
      pauseGrounds: ['papers-missing'],
      effect: 'escalate',
      tells: ['approval-officer', 'administrator'],
      priority: 2,
    },
  ),
  'eligibility-deemed': rule(
    'eligibility-deemed',
    w('Approval without a decision', '逾期视为批准'),
    'application.submitted',
    {
      legalBasis:
        'SGB IX § 18(1) and (3): without a reasoned notice within two months the benefit counts as approved; it stands still while the applicant owes cooperation, § 18(2) no. 3',
      unit: 'months',
      due: 1,
      length: 2,
      pauseGrounds: ['papers-missing'],
      effect: 'deemed-approved',
      tells: ['patient', 'approval-officer', 'administrator'],
      priority: 1,
    },
  ),
  'papers-answer': rule('papers-answer', w('Sending missing papers', '补交材料'), 'eligibility.decided', {
    legalBasis: 'SGB I § 66(3): an adequate period set in writing; four weeks is a house rule',
    unit: 'calendar-days',
    due: 21,
    length: 28,
    effect: 'next-step',
    tells: ['patient', 'referrer', 'approval-officer'],
    priority: 5,
  }),
  assessment: rule('assessment', w('Assessment', '评估'), 'eligibility.decided', {
    legalBasis: 'House rule after SGB IX § 17(2): an expert reports within two weeks of commission',
    unit: 'working-days',
    due: 5,
    length: 10,
    effect: 'escalate',
    tells: ['therapist', 'doctor', 'administrator'],
    priority: 4,
  }),
  plan: rule('plan', w('Proposing the plan', '提出计划'), 'assessment.recorded', {
    legalBasis: 'House rule: five working days from the last assessment',
    unit: 'working-days',
    due: 3,
    length: 5,
    effect: 'escalate',
    tells: ['doctor', 'therapist', 'administrator'],
    priority: 6,
  }),
  'plan-approval': rule('plan-approval', w('Approval of the plan', '计划审批'), 'plan.proposed', {
    legalBasis:
      'SGB IX § 14(2) sentence 3: two weeks after the expert report, read here as the proposed plan',
    unit: 'calendar-days',
    due: 10,
    length: 14,
    effect: 'escalate',
    tells: ['approval-officer', 'administrator'],
    priority: 3,
  }),
  're-evaluation-interval': rule(
    're-evaluation-interval',
    w('Until re-evaluation', '距再评估'),
    'plan.decided',
    {
      legalBasis: 'House rule: four weeks of treatment, then the same instruments again',
      unit: 'calendar-days',
      earliest: 14,
      due: 21,
      length: 28,
      pauseGrounds: ['in-hospital'],
      effect: 'next-step',
      tells: ['therapist'],
      priority: 9,
    },
  ),
  're-evaluation': rule('re-evaluation', w('Re-evaluation', '再评估'), 'clock.lapsed', {
    legalBasis: 'House rule: five working days from when it became due',
    unit: 'working-days',
    due: 3,
    length: 5,
    effect: 'escalate',
    tells: ['therapist', 'doctor', 'administrator'],
    priority: 7,
  }),
  'outcome-decision': rule('outcome-decision', w('Final approval', '最终审批'), 're-evaluation.recorded', {
    legalBasis: 'House rule: two weeks from the last re-evaluation',
    unit: 'calendar-days',
    due: 10,
    length: 14,
    effect: 'escalate',
    tells: ['approval-officer', 'administrator'],
    priority: 8,
  }),
  'follow-up-interval': rule('follow-up-interval', w('Until follow-up', '距随访'), 'outcome.decided', {
    legalBasis: 'House rule: six months after the outcome',
    unit: 'months',
    earliest: 5,
    due: 6,
    length: 6,
    effect: 'next-step',
    tells: ['therapist', 'patient'],
    priority: 12,
  }),
  'follow-up': rule('follow-up', w('Follow-up', '随访'), 'clock.lapsed', {
    legalBasis: 'House rule: four weeks from when it became due',
    unit: 'calendar-days',
    due: 14,
    length: 28,
    effect: 'notify',
    tells: ['therapist', 'administrator'],
    priority: 11,
  }),
  'appeal-period': rule('appeal-period', w('Appealing the decision', '提出复议'), 'eligibility.decided', {
    legalBasis: 'SGG § 84(1): one month from notification',
    unit: 'months',
    due: 1,
    length: 1,
    effect: 'close',
    tells: ['patient', 'referrer'],
    priority: 10,
  }),
  'appeal-decision': rule('appeal-decision', w('Decision on the appeal', '复议决定'), 'appeal.made', {
    legalBasis: 'SGG § 88(2): three months, after which the applicant may sue for inaction',
    unit: 'months',
    due: 2,
    length: 3,
    effect: 'escalate',
    tells: ['patient', 'approval-officer', 'administrator'],
    priority: 3,
  }),
};

/** The set under which the demonstration consortium works. */
export const DEFAULT_PARAMETERS: Parameters = {
  version: '2026-11',
  effectiveFrom: '2026-11-01',
  calendar: GERMANY,
  clocks,
  figures: {
    'claim-lease': {
      value: 480,
      unit: 'minutes',
      name: w('How long a claim holds', '认领有效时间'),
      legalBasis: 'House rule: one working day',
    },
    'disclosure-window': {
      value: 15,
      unit: 'minutes',
      name: w('Repeated looks counted as one', '重复查阅合并时间'),
      legalBasis: 'House rule: one entry per person and view in this time',
    },
    'receipt-due': {
      value: 1440,
      unit: 'minutes',
      name: w('In the log after an act at the latest', '操作后最迟写入日志的时间'),
      legalBasis: 'House rule: one day, as certificate transparency logs promise',
    },
    'weekly-therapy': {
      value: 900,
      unit: 'minutes-a-week',
      name: w('Therapy in a week', '每周治疗时间'),
      legalBasis: 'After the US rule of 15 hours in 7 days for in-patients; warns, never blocks',
    },
    'alert-acknowledgement': {
      value: 240,
      unit: 'minutes',
      name: w('Acknowledging a safety alert', '确认安全警示'),
      legalBasis:
        'House rule: within four hours, around the clock; it becomes overdue and never ends by itself',
    },
  },
};

const length = z.int().min(0).max(100_000);
const clockOverride = z
  .strictObject({
    unit: z.enum(CLOCK_UNITS),
    earliest: length.default(0),
    due: length.optional(),
    length: length.min(1),
  })
  .transform(({ due, ...rest }) => ({ ...rest, due: due ?? rest.length }))
  .refine(({ earliest, due, length }) => earliest <= due && due <= length, {
    error: 'earliest, due and length must rise in this order',
  });

/**
 * Another set made from one that stands: lengths in other units (tests and demonstrations use seconds), other figures.
 * It must have a version of its own, for entries name the version they were written under.
 */
export const parameterOverrides = z.strictObject({
  version: z.string().regex(/^[a-z0-9][a-z0-9.+-]{0,39}$/, 'letters, digits, dot, plus and hyphen only'),
  effectiveFrom: z.string().refine(isLocalDate, 'a date, YYYY-MM-DD').optional(),
  clocks: z.partialRecord(z.enum(CASE_CLOCKS), clockOverride).default({}),
  figures: z.partialRecord(z.enum(FIGURES), z.int().min(1).max(1_000_000)).default({}),
});
export type ParameterOverrides = z.input<typeof parameterOverrides>;

/** The set with the overrides applied; throws when they are not well formed or reuse the version. */
export function withOverrides(set: Parameters, overrides: ParameterOverrides): Parameters {
  const read = parameterOverrides.parse(overrides);
  if (read.version === set.version) {
    throw new RangeError(`Overridden parameters need a version of their own: ${set.version}`);
  }
  return {
    ...set,
    version: read.version,
    effectiveFrom: read.effectiveFrom ?? set.effectiveFrom,
    clocks: mapRecord(set.clocks, (clock) => ({ ...clock, ...read.clocks[clock.id] })),
    figures: mapRecord(set.figures, (figure, name) => ({
      ...figure,
      value: read.figures[name] ?? figure.value,
    })),
  };
}

/** The last instant of a clock of the set, as `domain/case-clocks.ts` asks for it: ISO 8601 UTC. */
export function dueAfterOf(set: Parameters): DueAfter {
  return (id, startedAt, pausedMs) => {
    const run = { startedAt, pausedAt: null, pausedMs };
    // The clock does not stand still, so the window does not depend on when it is asked for.
    return new Date(windowOf(set.clocks[id], run, set.calendar, startedAt).lastAt).toISOString();
  };
}

/** The newest set in force on the day, among those given; undefined when none is yet. */
export function parametersOn(sets: readonly Parameters[], day: LocalDate): Parameters | undefined {
  return sets
    .filter((set) => set.effectiveFrom <= day)
    .reduce<Parameters | undefined>(
      (newest, set) => (newest === undefined || set.effectiveFrom > newest.effectiveFrom ? set : newest),
      undefined,
    );
}

function mapRecord<K extends string, V>(
  record: Readonly<Record<K, V>>,
  change: (value: V, key: K) => V,
): Record<K, V> {
  const entries = Object.entries<V>(record).map(([key, value]) => [key, change(value, key as K)]);
  // Same keys, values of the same type: what went in as a record comes out as one.
  return Object.fromEntries(entries) as Record<K, V>;
}
