// Door helper, FHIR: the words of what is asked for, and of why something was set aside. Data only, in both languages.
// Must never hold a value from a record: the sentence is fixed, what it is about stands beside it.
import type { Words } from '../domain/instruments/instrument.ts';

/** What the record does not say, or not clearly enough. */
export const QUESTIONS = {
  name: { en: "What is the person's name?", 'zh-Hans': '此人的姓名是什么?' },
  'birth-date': {
    en: 'On which day was the person born? The record does not say exactly.',
    'zh-Hans': '此人的出生日期是哪一天?病历没有准确说明。',
  },
  reason: {
    en: 'What is the rehabilitation for? Nothing current in the record is a reason by itself.',
    'zh-Hans': '康复的原因是什么?病历中没有现时可作为原因的内容。',
  },
  'choose-reason': {
    en: 'The record holds more than one possible reason. Which one is it?',
    'zh-Hans': '病历中有不止一个可能的原因。是哪一个?',
  },
  diagnosis: {
    en: 'The reason stands only at a visit. Send the diagnosis.',
    'zh-Hans': '原因只见于一次就诊记录。请提交诊断。',
  },
  'still-current': {
    en: 'Is the reason still as the record says? It began long ago, or its state is not given.',
    'zh-Hans': '原因是否仍如病历所述?它开始已久,或未说明状态。',
  },
  function: {
    en: 'How does the person manage daily life? The record has no functional assessment that can be read.',
    'zh-Hans': '此人日常生活能力如何?病历中没有可读取的功能评估。',
  },
  goals: { en: 'What does the person want to be able to do again?', 'zh-Hans': '此人希望恢复哪些能力?' },
  'earlier-rehabilitation': {
    en: 'There was rehabilitation before. What has changed since?',
    'zh-Hans': '以前做过康复。此后有什么变化?',
  },
  'exercise-clearance': {
    en: 'May the person exercise? A doctor must weigh what stands under attention.',
    'zh-Hans': '此人可以运动吗?须由医生权衡注意事项。',
  },
  'newer-record': {
    en: 'The newest entry of the record is more than 90 days old. Send what is newer.',
    'zh-Hans': '病历的最新内容已超过 90 天。请提交更新的材料。',
  },
  dates: {
    en: 'Some dates contradict each other or lie in the future. Check those marked.',
    'zh-Hans': '部分日期互相矛盾或在未来。请核对标出的日期。',
  },
  references: {
    en: 'The record refers to things it does not hold. Send them if they matter.',
    'zh-Hans': '病历引用了其中没有的内容。如有必要请补交。',
  },
} as const satisfies Record<string, Words>;
export type QuestionCode = keyof typeof QUESTIONS;

/** Why something in the record is not the reason. */
export const CAUSES = {
  'in-error': { en: 'entered in error or refuted', 'zh-Hans': '录入有误或已被否定' },
  'not-confirmed': { en: 'not confirmed', 'zh-Hans': '未确诊' },
  finished: { en: 'over, by its status or end date', 'zh-Hans': '按状态或结束日期已结束' },
  past: { en: 'a past situation, not a present one', 'zh-Hans': '既往情况,非现时' },
  'listed-as-past': {
    en: 'stands as active, but the record also lists it as history',
    'zh-Hans': '标为现存,但病历又列为既往史',
  },
  'too-long-ago': {
    en: 'an event too long ago to be the reason without an order',
    'zh-Hans': '事件过久,无医嘱不能作为原因',
  },
  'needs-order': {
    en: 'can be a reason, but nobody orders rehabilitation for it',
    'zh-Hans': '可作为原因,但没有针对它的康复医嘱',
  },
  'other-reason': {
    en: 'another reason comes first; can be chosen instead',
    'zh-Hans': '有更优先的原因;可改选此项',
  },
  'not-a-reason': { en: 'not a reason for rehabilitation', 'zh-Hans': '不是康复的原因' },
  'other-purpose': { en: 'serves another purpose than rehabilitation', 'zh-Hans': '用于康复以外的目的' },
  'not-an-order': { en: 'a plan or proposal, nobody has ordered it', 'zh-Hans': '只是计划或建议,未下医嘱' },
  'orders-nothing-known': {
    en: 'orders no rehabilitation that its codes name',
    'zh-Hans': '编码中没有康复内容',
  },
  'nothing-current': {
    en: 'orders rehabilitation, but for nothing that is current',
    'zh-Hans': '有康复医嘱,但所针对的已不是现存情况',
  },
  'without-meaning': { en: 'has neither a code nor words', 'zh-Hans': '既无编码也无文字' },
  'someone-else': { en: 'is about somebody else', 'zh-Hans': '属于另一个人' },
  'subject-unknown': {
    en: 'does not say whom it is about, or names nobody in the file',
    'zh-Hans': '未说明属于谁,或所指之人不在文件中',
  },
  earlier: { en: 'rehabilitation done before', 'zh-Hans': '以前做过的康复' },
} as const satisfies Record<string, Words>;
export type CauseCode = keyof typeof CAUSES;

/** Why a reason is proposed, strongest first. */
export const BASES = {
  'rehabilitation-ordered': { en: 'rehabilitation is ordered for it', 'zh-Hans': '有针对它的康复医嘱' },
  'calls-for-it': { en: 'it calls for rehabilitation by its nature', 'zh-Hans': '其性质需要康复' },
  'therapy-ordered': { en: 'therapy is ordered for it', 'zh-Hans': '有针对它的治疗医嘱' },
  'reason-of-visit': { en: 'it is the reason of a visit', 'zh-Hans': '它是就诊原因' },
} as const satisfies Record<string, Words>;
export type BasisCode = keyof typeof BASES;
