// Station 0, rules: the six-minute walk test, two tests on one day, the longer distance counts. Data and scoring.
// Follows the ERS/ATS technical standard of 2014; what that asks to record stands as items.
// Must never compare two measurements whose course, aid or oxygen differ: those alone change the distance.
import {
  type Alert,
  type Choice,
  type Instrument,
  type Item,
  readAnswers,
  type Words,
} from './instrument.ts';

const w = (en: string, zh: string): Words => ({ en, 'zh-Hans': zh });

const AIDS: readonly Choice[] = [
  { value: 0, label: w('None', '无') },
  { value: 1, label: w('One stick', '单手杖') },
  { value: 2, label: w('Two sticks or crutches', '双手杖或拐杖') },
  { value: 3, label: w('Walking frame', '助行架') },
  { value: 4, label: w('Wheeled walker', '轮式助行器') },
  { value: 5, label: w('Another aid', '其他辅具') },
];

/** Borg category-ratio scale: 0, 0.5 and the whole numbers to 10. */
const BORG: readonly Choice[] = [0, 0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((value) => ({
  value,
  label: w(String(value), String(value)),
}));

const number = (
  id: string,
  text: Words,
  [min, max, step]: readonly [number, number, number],
  unit: string,
  counts = false,
): Item => ({ id, text, counts, kind: 'number', min, max, step, unit });

const choice = (id: string, text: Words, choices: readonly Choice[]): Item => ({
  id,
  text,
  counts: false,
  kind: 'choice',
  choices,
});

/** The items of one of the two tests; ids end in its number. */
const test = (n: 1 | 2): readonly Item[] => {
  const of = (en: string, zh: string) => w(`Test ${n}: ${en}`, `第 ${n} 次:${zh}`);
  return [
    number(`distance-${n}`, of('distance walked', '步行距离'), [0, 1000, 1], 'm', true),
    number(`rests-${n}`, of('number of rests', '休息次数'), [0, 50, 1], '{count}'),
    number(`rest-time-${n}`, of('time resting', '休息时间'), [0, 360, 1], 's'),
    number(`lowest-saturation-${n}`, of('lowest oxygen saturation', '最低血氧饱和度'), [40, 100, 1], '%'),
    number(`pulse-end-${n}`, of('pulse at the end', '结束时脉搏'), [20, 250, 1], '/min'),
    choice(`breathlessness-${n}`, of('breathlessness at the end (Borg)', '结束时气促(Borg)'), BORG),
    choice(`fatigue-${n}`, of('tiredness at the end (Borg)', '结束时疲劳(Borg)'), BORG),
  ];
};

const items: readonly Item[] = [
  number('course', w('Length of the course', '走道长度'), [5, 100, 1], 'm'),
  choice('aid', w('Walking aid', '助行器具'), AIDS),
  number('oxygen', w('Oxygen given', '吸氧流量'), [0, 15, 0.5], 'L/min'),
  ...test(1),
  ...test(2),
];

/** Below this the standard says to stop the test. */
const STOP_SATURATION = 80;
/** What is measured of the blood's oxygen, a walk each. */
const SATURATIONS = ['lowest-saturation-1', 'lowest-saturation-2'];

const desaturation = (item: string): Alert => ({
  code: 'low-saturation',
  level: 'attention',
  item,
  text: w(
    'Oxygen saturation fell below 80 %: the test is to be stopped there, and a doctor told.',
    '血氧饱和度低于 80 %:应停止测试并告知医生。',
  ),
});

const MID_SOURCE = 'doi 10.1183/16000617.0198-2024';

/** Six-minute walk test: metres walked in six minutes, the better of two tests. */
export const sixMinuteWalk: Instrument = {
  id: 'six-minute-walk',
  version: 1,
  variant: 'two tests, the longer distance counts',
  name: w('6-minute walk test', '6 分钟步行试验'),
  instruction: w(
    'Walk as far as possible in six minutes on a straight, level course. Do two tests with at least 30 minutes between. Resting is allowed, the clock goes on.',
    '在平直走道上六分钟内尽量走远。做两次,间隔至少 30 分钟。可以休息,计时不停。',
  ),
  source:
    'Holland AE et al. ERS/ATS technical standard: field walking tests in chronic respiratory disease. Eur Respir J 2014;44:1428–1446',
  licence: { state: 'free', statement: 'A published procedure, free to use.', toConfirm: [] },
  items,
  missingRule:
    'The longer of two distances counts, because people walk further the second time. One test alone gives its distance, marked incomplete and not compared (ERS/ATS 2014). An unrecorded condition is not assumed to be the usual one.',
  total: { min: 0, max: 1000, unit: 'm' },
  better: 'higher',
  bands: [],
  changes: [
    {
      kind: 'measurement-error',
      value: 54.1,
      population: 'stroke',
      name: 'MDC90',
      source:
        'Fulk et al. 2008, Physiother Theory Pract 24:195–204, doi 10.1080/09593980701588284 (in-patients)',
    },
    {
      kind: 'measurement-error',
      value: 32.4,
      population: 'heart-failure',
      name: 'MDC95',
      source: 'Shoemaker et al., Cardiopulm Phys Ther J, ISSN 1541-7891 (pilot of 22 outpatients)',
    },
    { kind: 'important', value: 25, population: 'chronic-respiratory', name: 'MID', source: MID_SOURCE },
    { kind: 'important', value: 23, population: 'heart-failure', name: 'MID (cardiac)', source: MID_SOURCE },
    {
      kind: 'important',
      value: 37,
      population: 'neurological-or-musculoskeletal',
      name: 'MID',
      source: MID_SOURCE,
    },
    {
      kind: 'important',
      value: 37,
      population: 'stroke',
      name: 'MID (neurological)',
      source: MID_SOURCE,
    },
  ],
  sameConditions: ['course', 'aid', 'oxygen'],
  alerts: SATURATIONS.map(desaturation),
  score(answers) {
    const { values, missing, faults } = readAnswers(items, answers);
    const alerts = SATURATIONS.filter((item) => (values.get(item) ?? STOP_SATURATION) < STOP_SATURATION).map(
      desaturation,
    );
    if (faults.length > 0) return { ok: false, faults, alerts };
    const distances = ['distance-1', 'distance-2'].flatMap((item) => values.get(item) ?? []);
    return {
      ok: true,
      total: distances.length === 0 ? null : Math.max(...distances),
      bands: [],
      complete: missing.length === 0,
      missing,
      estimated: [],
      alerts,
    };
  },
};
