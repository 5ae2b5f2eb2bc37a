// Station 0, rules: Barthel Index, the original 0–100 form in steps of 5. Data and its pure scoring function.
// Wordings are our own short ones, the published guidelines are not reproduced.
// Must never be mixed with the 0–20 form or the five-level Modified Barthel: the variant stands in every result.
import { bandsOf, type Choice, type Instrument, type Item, readAnswers, type Words } from './instrument.ts';

const w = (en: string, zh: string): Words => ({ en, 'zh-Hans': zh });

/** Choices from least to most independent, 5 points apart, each with its LOINC answer code. */
const choices = (
  ...levels: readonly (readonly [code: string, en: string, zh: string])[]
): readonly Choice[] =>
  levels.map(([code, en, zh], at) => ({ value: at * 5, label: w(en, zh), codes: [code] }));

const item = (id: string, loinc: string, text: Words, levels: readonly Choice[]): Item => ({
  id,
  loinc,
  text,
  counts: true,
  kind: 'choice',
  choices: levels,
});

// LOINC question and answer codes as used by HL7 US Behavioral Health Profiles and PACIO PFE (LOINC to ICF, Barthel).
const items: readonly Item[] = [
  item(
    'feeding',
    '83184-2',
    w('Eating', '进食'),
    choices(
      ['LA24937-7', 'Cannot', '不能自行进食'],
      ['LA31630-9', 'Needs help, such as cutting food', '需要帮助,例如切食物'],
      ['LA12302-8', 'Independent', '独立'],
    ),
  ),
  item(
    'bathing',
    '83181-8',
    w('Bath or shower', '洗澡'),
    choices(['LA12304-4', 'Needs help', '需要帮助'], ['LA31636-6', 'Independent', '独立']),
  ),
  item(
    'grooming',
    '96767-9',
    w('Washing face, hair, teeth, shaving', '洗脸、梳头、刷牙、剃须'),
    choices(['LA31643-2', 'Needs help', '需要帮助'], ['LA31644-0', 'Independent', '独立']),
  ),
  item(
    'dressing',
    '83182-6',
    w('Dressing', '穿脱衣服'),
    choices(
      ['LA12304-4', 'Cannot', '不能自行穿脱'],
      ['LA31637-4', 'Needs help, does half or more', '需要帮助,自己完成一半以上'],
      ['LA31638-2', 'Independent, fasteners and shoes too', '独立,包括扣子、拉链和鞋子'],
    ),
  ),
  item(
    'bowels',
    '96759-6',
    w('Bowel control', '大便控制'),
    choices(
      ['LA31627-5', 'No control', '失禁'],
      ['LA31626-7', 'Occasional accident', '偶尔失禁'],
      ['LA31625-9', 'Full control', '能控制'],
    ),
  ),
  item(
    'bladder',
    '96760-4',
    w('Bladder control', '小便控制'),
    choices(
      ['LA31628-3', 'No control, or a catheter handled by others', '失禁,或导尿需他人处理'],
      ['LA31626-7', 'Occasional accident', '偶尔失禁'],
      ['LA31625-9', 'Full control', '能控制'],
    ),
  ),
  item(
    'toilet',
    '83183-4',
    w('Using the toilet', '如厕'),
    choices(
      ['LA12304-4', 'Cannot', '不能自行如厕'],
      ['LA31631-7', 'Needs some help', '需要部分帮助'],
      ['LA31632-5', 'Independent', '独立'],
    ),
  ),
  item(
    'transfer',
    '83185-9',
    w('Moving between bed and chair', '床椅转移'),
    choices(
      ['LA31633-3', 'Cannot, no sitting balance', '不能,坐不稳'],
      ['LA31634-1', 'Much help from one or two people', '需一至两人大量帮助'],
      ['LA31635-8', 'Little help, or supervision', '需少量帮助或监护'],
      ['LA12302-8', 'Independent', '独立'],
    ),
  ),
  item(
    'mobility',
    '83186-7',
    w('Walking on the level, 50 m', '平地行走 50 米'),
    choices(
      ['LA31639-0', 'Cannot', '不能'],
      ['LA31640-8', 'Independent in a wheelchair', '使用轮椅独立'],
      ['LA31641-6', 'Walks with help of one person', '需一人帮助行走'],
      ['LA31642-4', 'Walks independently, aid allowed', '独立行走,可用辅具'],
    ),
  ),
  item(
    'stairs',
    '96758-8',
    w('Stairs', '上下楼梯'),
    choices(
      ['LA24937-7', 'Cannot', '不能'],
      ['LA31629-1', 'Needs help or supervision', '需要帮助或监护'],
      ['LA12302-8', 'Independent', '独立'],
    ),
  ),
];

const bands = [
  { id: 'total', from: 0, to: 20, label: w('Total dependence', '完全依赖') },
  { id: 'severe', from: 21, to: 60, label: w('Severe dependence', '重度依赖') },
  { id: 'moderate', from: 61, to: 90, label: w('Moderate dependence', '中度依赖') },
  { id: 'slight', from: 91, to: 99, label: w('Slight dependence', '轻度依赖') },
  { id: 'independent', from: 100, to: 100, label: w('Independent', '独立') },
] as const;

const SOURCE_OF_CHANGE =
  'Hsieh et al. 2007, Neurorehabil Neural Repair 21:233–238, doi 10.1177/1545968306294729, on the 20-point scale';

/** Barthel Index: ten items of what a person does in daily life, 0 (dependent) to 100 (independent). */
export const barthel: Instrument = {
  id: 'barthel-index',
  version: 1,
  variant: '0-100 in steps of 5',
  name: w('Barthel Index', '巴氏指数'),
  instruction: w(
    'Record what the person did over the last 24 to 48 hours, not what they could do. Who needs supervision is not independent. Aids are allowed.',
    '记录此人过去 24 至 48 小时实际做到的,而不是能做到的。需要监护即不算独立。可以使用辅具。',
  ),
  source: 'Mahoney FI, Barthel DW. Functional evaluation: the Barthel Index. Md State Med J 1965;14:61–65',
  licence: {
    state: 'confirm-commercial-use',
    statement:
      'Copyright Maryland State Medical Society. May be used freely for non-commercial purposes with the citation (known from secondary sources only).',
    toConfirm: [
      'Permission for commercial use, from the Maryland State Medical Society',
      'The wording of the items in both languages, by a clinician',
    ],
  },
  items,
  missingRule:
    'No total unless all ten items are answered: the original gives no rule for missing items, and zero would mean dependence.',
  total: { min: 0, max: 100, unit: '{score}', loinc: '96761-2' },
  better: 'higher',
  bands,
  bandSource: 'Shah, Vanclay, Cooper 1989, J Clin Epidemiol 42:703–709, as quoted by secondary sources',
  changes: [
    {
      kind: 'measurement-error',
      // 1.96 × √2 × 1.45 points of 20, times 5.
      value: 20.1,
      population: 'stroke',
      name: 'MDC95',
      source: `Computed from the standard error of measurement of 1.45 in ${SOURCE_OF_CHANGE}`,
    },
    {
      kind: 'important',
      // 1.85 points of 20, times 5.
      value: 9.25,
      population: 'stroke',
      name: 'MCID',
      source: SOURCE_OF_CHANGE,
    },
  ],
  sameConditions: [],
  alerts: [],
  score(answers) {
    const { values, missing, faults } = readAnswers(items, answers);
    if (faults.length > 0) return { ok: false, faults, alerts: [] };
    const complete = missing.length === 0;
    const total = complete ? [...values.values()].reduce((sum, value) => sum + value, 0) : null;
    return { ok: true, total, bands: bandsOf(bands, total), complete, missing, estimated: [], alerts: [] };
  },
};
