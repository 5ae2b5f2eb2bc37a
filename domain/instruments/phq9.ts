// Station 0, rules: PHQ-9, the nine-item depression scale of the Patient Health Questionnaire. Data and scoring.
// The wording is the published one, which may be reproduced, translated and displayed without permission.
// Must never let an answer above zero to item 9 pass without an immediate alert, whatever else is missing or wrong.
import { type Alert, bandsOf, type Instrument, type Item, readAnswers, type Words } from './instrument.ts';

const w = (en: string, zh: string): Words => ({ en, 'zh-Hans': zh });

// LOINC answer list LL358-3.
const FREQUENCY = [
  { value: 0, label: w('Not at all', '完全不会'), codes: ['LA6568-5'] },
  { value: 1, label: w('Several days', '好几天'), codes: ['LA6569-3'] },
  { value: 2, label: w('More than half the days', '一半以上的天数'), codes: ['LA6570-1'] },
  { value: 3, label: w('Nearly every day', '几乎每天'), codes: ['LA6571-9'] },
];

const question = (id: string, loinc: string, text: Words): Item => ({
  id,
  loinc,
  text,
  counts: true,
  kind: 'choice',
  choices: FREQUENCY,
});

const items: readonly Item[] = [
  question('1', '44250-9', w('Little interest or pleasure in doing things', '做事时提不起劲或没有兴趣')),
  question('2', '44255-8', w('Feeling down, depressed, or hopeless', '感到心情低落、沮丧或绝望')),
  question(
    '3',
    '44259-0',
    w('Trouble falling or staying asleep, or sleeping too much', '入睡困难、睡不安稳或睡眠过多'),
  ),
  question('4', '44254-1', w('Feeling tired or having little energy', '感觉疲倦或没有活力')),
  question('5', '44251-7', w('Poor appetite or overeating', '食欲不振或吃太多')),
  question(
    '6',
    '44258-2',
    w(
      'Feeling bad about yourself – or that you are a failure or have let yourself or your family down',
      '觉得自己很糟,或觉得自己很失败,或让自己或家人失望',
    ),
  ),
  question(
    '7',
    '44252-5',
    w(
      'Trouble concentrating on things, such as reading the newspaper or watching television',
      '对事物专注有困难,例如阅读报纸或看电视时',
    ),
  ),
  question(
    '8',
    '44253-3',
    w(
      'Moving or speaking so slowly that other people could have noticed? Or the opposite – being so fidgety or restless that you have been moving around a lot more than usual',
      '动作或说话速度缓慢到别人已经觉察?或正好相反,烦躁或坐立不安、动来动去的情况更胜于平常',
    ),
  ),
  question(
    '9',
    '44260-8',
    w(
      'Thoughts that you would be better off dead or of hurting yourself in some way',
      '有不如死掉或用某种方式伤害自己的念头',
    ),
  ),
  {
    id: '10',
    loinc: '69722-7',
    text: w(
      'If you checked off any problems, how difficult have these problems made it for you to do your work, take care of things at home, or get along with other people?',
      '如果您选出了任何问题,这些问题在您工作、处理家务或与他人相处上造成了多大的困难?',
    ),
    counts: false,
    kind: 'choice',
    // LOINC answer list LL359-1.
    choices: [
      { value: 0, label: w('Not difficult at all', '毫无困难'), codes: ['LA6572-7'] },
      { value: 1, label: w('Somewhat difficult', '有点困难'), codes: ['LA6573-5'] },
      { value: 2, label: w('Very difficult', '非常困难'), codes: ['LA6575-0'] },
      { value: 3, label: w('Extremely difficult', '极度困难'), codes: ['LA6574-3'] },
    ],
  },
];

const bands = [
  { id: 'minimal', from: 0, to: 4, label: w('None or minimal', '无或极轻') },
  { id: 'mild', from: 5, to: 9, label: w('Mild', '轻度') },
  { id: 'moderate', from: 10, to: 14, label: w('Moderate', '中度') },
  { id: 'moderately-severe', from: 15, to: 19, label: w('Moderately severe', '中重度') },
  { id: 'severe', from: 20, to: 27, label: w('Severe', '重度') },
] as const;

const SAFETY_ITEM = '9';
const MOST_MISSING = 2;

const SELF_HARM: Alert = {
  code: 'thoughts-of-self-harm',
  level: 'immediate',
  item: SAFETY_ITEM,
  text: w(
    'Thoughts of being better off dead or of self-harm were reported. Speak with the person today.',
    '报告有不如死掉或伤害自己的念头。请在今天与此人谈话。',
  ),
};

const SELF_HARM_UNANSWERED: Alert = {
  code: 'self-harm-not-answered',
  level: 'attention',
  item: SAFETY_ITEM,
  text: w(
    'The question about self-harm was not answered. Ask it in person.',
    '关于自伤的问题没有回答。请当面询问。',
  ),
};

/** PHQ-9: how often nine problems bothered a person in the last two weeks, 0 (never) to 27 (nearly every day). */
export const phq9: Instrument = {
  id: 'phq-9',
  version: 1,
  variant: '9 items, last two weeks',
  name: w('PHQ-9 depression questionnaire', 'PHQ-9 抑郁问卷'),
  instruction: w(
    'Over the last 2 weeks, how often have you been bothered by any of the following problems?',
    '在过去的两周里,您有多少时间受到以下问题的困扰?',
  ),
  source:
    'Kroenke K, Spitzer RL, Williams JBW. The PHQ-9. J Gen Intern Med 2001;16:606–613. Developed by Drs. Robert L. Spitzer, Janet B.W. Williams, Kurt Kroenke and colleagues, with an educational grant from Pfizer Inc.',
  licence: {
    state: 'free',
    statement: 'No permission required to reproduce, translate, display or distribute (stated on the form).',
    toConfirm: ['The Simplified Chinese wording, against the published translation, by a clinician'],
  },
  items,
  missingRule:
    'Up to two of the nine items may be missing; each counts as the average of the answered ones, the total is rounded to a whole number. With more missing there is no total (Kroenke et al. 2010, Gen Hosp Psychiatry 32:345–359; Arrieta et al. 2017).',
  total: { min: 0, max: 27, unit: '{score}', loinc: '44261-6' },
  better: 'lower',
  bands,
  bandSource:
    'Kroenke, Spitzer, Williams 2001: 5, 10, 15 and 20 begin mild, moderate, moderately severe and severe',
  changes: [
    {
      kind: 'measurement-error',
      value: 5,
      population: 'late-life-depression',
      name: '2 standard errors of measurement',
      source: 'Löwe et al. 2004, Med Care 42:1194–1201, doi 10.1097/00005650-200412000-00006',
    },
    {
      kind: 'important',
      value: 5,
      population: 'late-life-depression',
      name: 'MCID',
      source: 'Löwe et al. 2004, Med Care 42:1194–1201, doi 10.1097/00005650-200412000-00006',
    },
  ],
  sameConditions: [],
  alerts: [SELF_HARM, SELF_HARM_UNANSWERED],
  score(answers) {
    const { values, missing, faults } = readAnswers(items, answers);
    const thoughts = values.get(SAFETY_ITEM);
    const answered = items.filter((item) => item.counts && values.has(item.id));
    const alerts: Alert[] = [];
    if (thoughts !== undefined && thoughts > 0) alerts.push(SELF_HARM);
    // An answer that could not be read is no answer either; a form nobody began asks nothing yet.
    if (thoughts === undefined && answered.length > 0) alerts.push(SELF_HARM_UNANSWERED);
    if (faults.length > 0) return { ok: false, faults, alerts };
    const sum = answered.reduce((points, item) => points + (values.get(item.id) ?? 0), 0);
    const counted = answered.length + missing.length;
    const total = missing.length > MOST_MISSING ? null : Math.round((sum / answered.length) * counted);
    return {
      ok: true,
      total,
      bands: bandsOf(bands, total),
      complete: missing.length === 0,
      missing,
      estimated: total === null ? [] : missing,
      alerts,
    };
  },
};
