// Door helper, FHIR: published answers to an instrument become answers of ours, scored by our own rules. Pure.
// A stated total is only compared with the computed one, never taken; what cannot be read is named, not guessed.
// Must never attach a result of an instrument we do not score, nor follow a reference to find one.
import { z } from 'zod';
import type { Answers, Choice, Instrument, Item, Score, Words } from '../domain/instruments/instrument.ts';
import { INSTRUMENTS } from '../domain/instruments/registry.ts';
import type { JsonObject } from '../ledger/canonical.ts';
import { LOINC } from './codes.ts';
import {
  code,
  concept,
  date,
  type Entry,
  type FhirFault,
  faultOf,
  type Refused,
  readEntries,
  readResource,
  reference,
  refused,
} from './resources.ts';

/** What a person should know about a result that was read. */
export const FINDINGS = {
  'total-differs': {
    en: 'The stated total is not what the answers add up to.',
    'zh-Hans': '所载总分与各项之和不符。',
  },
  'total-not-computable': {
    en: 'A total is stated, but too many answers are missing to compute one.',
    'zh-Hans': '载有总分,但缺少的答案过多,无法计算。',
  },
  'total-without-answers': {
    en: 'Only a total is stated, without the answers it comes from. It cannot be checked or attached.',
    'zh-Hans': '只有总分,没有各项答案。无法核对或附加。',
  },
  'panel-code-for-total': {
    en: 'The total carries the code of the whole form, not that of the total.',
    'zh-Hans': '总分使用了整份量表的编码,而不是总分的编码。',
  },
  'other-link-ids': {
    en: 'The questions are named otherwise than on the published form; they were matched by their numbers.',
    'zh-Hans': '题目标识与公布的量表不同;按题号对应。',
  },
  'unknown-question': {
    en: 'Some questions do not belong to the instrument; they were left out.',
    'zh-Hans': '部分题目不属于该量表;已忽略。',
  },
  'unknown-answer': {
    en: 'Some answers are none of the allowed ones; they count as missing.',
    'zh-Hans': '部分答案不在允许范围内;按缺失处理。',
  },
  'answered-twice': {
    en: 'Some questions are answered twice; they count as missing.',
    'zh-Hans': '部分题目有两个答案;按缺失处理。',
  },
  'no-code-system': {
    en: 'Answers carry a code without its system; read as LOINC.',
    'zh-Hans': '答案编码没有注明体系;按 LOINC 读取。',
  },
  'not-finished': {
    en: 'The form is not marked as completed. It is not attached.',
    'zh-Hans': '量表未标为完成。不予附加。',
  },
} as const satisfies Record<string, Words>;
export type FindingCode = keyof typeof FINDINGS;

/** `items` are ids of our instrument's items; `stated` and `computed` are totals. Holds no text from the file. */
export type Finding = {
  readonly code: FindingCode;
  readonly text: Words;
  readonly items?: readonly string[];
  readonly count?: number;
  readonly stated?: number;
  readonly computed?: number;
};

/** Answers read from one response or panel, with our own score of them. */
export type ImportedResult = {
  readonly instrument: string;
  readonly version: number;
  readonly variant: string;
  readonly answers: Answers;
  readonly score: Score;
  readonly statedTotal: number | null;
  readonly findings: readonly Finding[];
  /** True when there are answers to attach and the form is finished. */
  readonly attachable: boolean;
  /** When it was answered, as written. */
  readonly at: string | null;
  /** Whom the file says it is about; the person who attaches it compares. */
  readonly subject: string | null;
  readonly source: string;
};

export type ResultsAnswer =
  | { readonly kind: 'results'; readonly results: readonly ImportedResult[] }
  | Refused;

/** How published forms name the questions of an instrument. `own` is the published form's spelling, `others` are seen. */
type Naming = {
  readonly instrument: string;
  readonly panel: readonly string[];
  readonly own: (linkId: string) => string | undefined;
  readonly others: (linkId: string) => string | undefined;
  readonly total: (linkId: string) => boolean;
};

const BARTHEL_NAMES: Readonly<Record<string, string>> = {
  feeding: 'feeding',
  grooming: 'grooming',
  'toilet use': 'toilet',
  bathing: 'bathing',
  dressing: 'dressing',
  bowels: 'bowels',
  bladder: 'bladder',
  mobility: 'mobility',
  stairs: 'stairs',
  transfer: 'transfer',
};

const own = (names: Readonly<Record<string, string>>, name: string): string | undefined =>
  Object.hasOwn(names, name) ? names[name] : undefined;

const NAMINGS: readonly Naming[] = [
  {
    instrument: 'barthel-index',
    panel: [],
    // Letter, hyphen, name: the Taiwanese rehabilitation guide.
    own: (linkId) => own(BARTHEL_NAMES, linkId.replace(/^[A-J]-/, '').toLowerCase()),
    others: () => undefined,
    total: (linkId) => /^[A-Z]-total-score-barthel$/i.test(linkId),
  },
  {
    instrument: 'phq-9',
    panel: ['44249-1'],
    // Form of the German core data set; its own published example leaves the 9 out.
    own: (linkId) => /^PHQ-9\.(10|[1-9])$/.exec(linkId)?.[1],
    others: (linkId) => /^PHQ[-_.]?9?[-_.](10|[1-9])$/i.exec(linkId)?.[1],
    total: (linkId) => /^PHQ(-9)?\.Score$/i.test(linkId),
  },
];

/** Section GG of the US forms, recognised so that the answer can name it: link ids of the form, LOINC codes of its items. */
const SECTION_GG = {
  linkId: /GG01[37]0/,
  // Panels and items of self-care on admission, at discharge, in the last three days, and as goals.
  loinc: [
    '83219-6',
    '83220-4',
    '83221-2',
    '83222-0',
    '83223-8',
    '83224-6',
    '83225-3',
    '83226-1',
    '83227-9',
    '83228-7',
    '83229-5',
    '83230-3',
    '83231-1',
    '83232-9',
    '83233-7',
    '83254-3',
    '85054-5',
  ],
};

const quantity = z.looseObject({ value: z.number().optional() });
const coded = z.looseObject({ system: code.optional(), code: code.optional() });
const answer = z.looseObject({
  valueCoding: coded.optional(),
  valueInteger: z.number().optional(),
  valueDecimal: z.number().optional(),
  valueQuantity: quantity.optional(),
});
type ResponseItem = {
  linkId: string;
  answer?: z.output<typeof answer>[] | undefined;
  item?: ResponseItem[] | undefined;
};
const responseItem: z.ZodType<ResponseItem> = z.looseObject({
  linkId: code,
  answer: z.array(answer).max(100, 'too-long').optional(),
  get item() {
    return z.array(responseItem).max(1000, 'too-long').optional();
  },
}) as z.ZodType<ResponseItem>;
const response = z.looseObject({
  status: code.optional(),
  subject: reference.optional(),
  authored: date.optional(),
  item: z.array(responseItem).max(1000, 'too-long').optional(),
});
const valued = {
  code: concept.optional(),
  valueCodeableConcept: concept.optional(),
  valueInteger: z.number().optional(),
  valueQuantity: quantity.optional(),
};
const observation = z.looseObject({
  ...valued,
  status: code.optional(),
  subject: reference.optional(),
  effectiveDateTime: date.optional(),
  component: z.array(z.looseObject(valued)).max(200, 'too-long').optional(),
});

/** One question as the file has it, in either kind of resource. */
type Given = { readonly linkId?: string; readonly loinc: readonly string[]; readonly value: Value };
type Value = {
  readonly codes: readonly { system?: string | undefined; code: string }[];
  readonly number: number | undefined;
};

/**
 * Reads a QuestionnaireResponse, an Observation, or a Bundle of them as results of instruments we score.
 * 1. Questions are matched by LOINC code or link id, answers by LOINC answer code or number. 2. The score is ours.
 * 3. Whatever does not fit becomes a finding. 4. Nothing readable at all is refused with what was found instead.
 */
export function readAssessmentResults(input: string | Uint8Array): ResultsAnswer {
  const resource = readResource(input);
  if (resource.kind === 'refused') return resource;
  if (resource.type !== 'Bundle')
    return answerFor([{ raw: resource.raw, type: resource.type, path: resource.type }]);
  const bundle = readEntries(resource.raw);
  return 'kind' in bundle ? bundle : answerFor(bundle.entries);
}

/** True when the resource holds answers to an instrument we score. */
export function hasFunctionalResult(raw: JsonObject): boolean {
  return readOne({ raw, type: String(raw.resourceType), path: '' }, []).some((result) => result.attachable);
}

function answerFor(entries: readonly Pick<Entry, 'raw' | 'type' | 'path'>[]): ResultsAnswer {
  const faults: FhirFault[] = [];
  const results = entries.flatMap((entry) => readOne(entry, faults));
  if (faults.length > 0) return refused(...faults);
  if (results.length > 0) return { kind: 'results', results };
  const [first] = entries;
  return refused({
    code: 'no-results',
    path: entries.length === 1 ? (first?.path ?? '') : 'Bundle.entry',
    message: whyNone(entries),
  });
}

function whyNone(entries: readonly Pick<Entry, 'raw' | 'type'>[]): string {
  const names = INSTRUMENTS.map((instrument) => instrument.name.en).join(', ');
  const candidates = entries.filter(({ type }) => type === 'QuestionnaireResponse' || type === 'Observation');
  if (candidates.length === 0) {
    const what = entries.length === 1 ? `This ${entries[0]?.type} holds` : 'The bundle holds';
    return `${what} no result of an instrument; send a QuestionnaireResponse or an Observation.`;
  }
  if (candidates.some(({ raw }) => isSectionGg(raw))) {
    return `Section GG is not an instrument that is scored here, so nothing can be attached; scored are: ${names}.`;
  }
  return `No instrument that is scored here was recognised, so nothing can be attached; scored are: ${names}.`;
}

function isSectionGg(raw: JsonObject): boolean {
  const faults: FhirFault[] = [];
  const given = givenIn({ raw, type: String(raw.resourceType), path: '' }, faults)?.given ?? [];
  return given.some(
    ({ linkId = '', loinc }) =>
      SECTION_GG.linkId.test(linkId) || loinc.some((one) => SECTION_GG.loinc.includes(one)),
  );
}

function readOne(entry: Pick<Entry, 'raw' | 'type' | 'path'>, faults: FhirFault[]): ImportedResult[] {
  const read = givenIn(entry, faults);
  if (read === undefined || read.status === 'entered-in-error') return [];
  const naming = NAMINGS.find((one) => recognises(one, read.given));
  const instrument = INSTRUMENTS.find(({ id }) => id === naming?.instrument);
  if (naming === undefined || instrument === undefined) return [];
  return [resultOf(instrument, naming, read, entry.path)];
}

type ReadGiven = {
  readonly given: readonly Given[];
  readonly status: string | undefined;
  readonly at: string | undefined;
  readonly subject: string | undefined;
};

function givenIn(
  { raw, type, path }: Pick<Entry, 'raw' | 'type' | 'path'>,
  faults: FhirFault[],
): ReadGiven | undefined {
  if (type === 'QuestionnaireResponse') {
    const read = response.safeParse(raw);
    if (!read.success) {
      faults.push(...read.error.issues.map((issue) => faultOf(path, issue)));
      return undefined;
    }
    const { item = [], status, authored, subject } = read.data;
    return { given: flatten(item).flatMap(givenInItem), status, at: authored, subject: subject?.reference };
  }
  if (type === 'Observation') {
    const read = observation.safeParse(raw);
    if (!read.success) {
      faults.push(...read.error.issues.map((issue) => faultOf(path, issue)));
      return undefined;
    }
    const { component = [], status, effectiveDateTime, subject } = read.data;
    const given = [read.data, ...component].map((one) => ({
      loinc: loincIn(one.code),
      value: {
        codes: (one.valueCodeableConcept?.coding ?? []).flatMap(({ system, code: value }) =>
          value === undefined ? [] : [{ system, code: value }],
        ),
        number: one.valueInteger ?? one.valueQuantity?.value,
      },
    }));
    return { given, status, at: effectiveDateTime, subject: subject?.reference };
  }
  return undefined;
}

function flatten(items: readonly ResponseItem[]): ResponseItem[] {
  return items.flatMap((item) => [item, ...flatten(item.item ?? [])]);
}

function givenInItem({ linkId, answer: answers = [], item }: ResponseItem): Given[] {
  // A heading has no answer of its own and is no question.
  if (answers.length === 0 && item !== undefined) return [];
  const loinc = /^\/?(\d{1,7}-\d)$/.exec(linkId)?.[1];
  const of = (value: Value): Given => ({ linkId, loinc: loinc === undefined ? [] : [loinc], value });
  if (answers.length === 0) return [of({ codes: [], number: undefined })];
  return answers.map(({ valueCoding, valueInteger, valueDecimal, valueQuantity }) =>
    of({
      codes: valueCoding?.code === undefined ? [] : [{ system: valueCoding.system, code: valueCoding.code }],
      number: valueInteger ?? valueDecimal ?? valueQuantity?.value,
    }),
  );
}

function loincIn(value: z.output<typeof concept> | undefined): string[] {
  return (value?.coding ?? []).flatMap(({ system, code: one }) =>
    system === LOINC && one !== undefined ? [one] : [],
  );
}

function itemIdOf(
  naming: Naming,
  instrument: Instrument,
  { linkId = '', loinc }: Given,
): { id: string; isOwn: boolean } | undefined {
  const byCode = instrument.items.find((item) => item.loinc !== undefined && loinc.includes(item.loinc));
  if (byCode !== undefined) return { id: byCode.id, isOwn: true };
  const id = naming.own(linkId);
  if (id !== undefined) return { id, isOwn: true };
  const other = naming.others(linkId);
  return other === undefined ? undefined : { id: other, isOwn: false };
}

function isTotal(naming: Naming, instrument: Instrument, { linkId = '', loinc }: Given): boolean {
  const { loinc: total } = instrument.total;
  return naming.total(linkId) || (total !== undefined && loinc.includes(total));
}

/** More than half of the counting items by name, or its total or panel by code. */
function recognises(naming: Naming, given: readonly Given[]): boolean {
  const instrument = INSTRUMENTS.find(({ id }) => id === naming.instrument);
  if (instrument === undefined) return false;
  if (
    given.some(
      (one) => one.linkId === undefined && (isTotal(naming, instrument, one) || isPanel(naming, one)),
    )
  )
    return true;
  const counting = instrument.items.filter((item) => item.counts).map((item) => item.id);
  const found = new Set(given.flatMap((one) => itemIdOf(naming, instrument, one)?.id ?? []));
  return counting.filter((id) => found.has(id)).length * 2 > counting.length;
}

const isPanel = (naming: Naming, { loinc }: Given): boolean =>
  loinc.some((one) => naming.panel.includes(one));

function resultOf(instrument: Instrument, naming: Naming, read: ReadGiven, source: string): ImportedResult {
  const answers = new Map<string, number>();
  const seen = new Set<string>();
  const twice = new Set<string>();
  const unreadable = new Set<string>();
  const totals: { value: number; byPanel: boolean }[] = [];
  let [unknown, otherIds, noSystem] = [0, 0, 0];
  for (const one of read.given) {
    const isOwnTotal = isTotal(naming, instrument, one);
    if (isOwnTotal || isPanel(naming, one)) {
      if (one.value.number !== undefined) totals.push({ value: one.value.number, byPanel: !isOwnTotal });
      continue;
    }
    const match = itemIdOf(naming, instrument, one);
    const item = instrument.items.find(({ id }) => id === match?.id);
    if (match === undefined || item === undefined) {
      unknown += 1;
      continue;
    }
    if (one.value.codes.length === 0 && one.value.number === undefined) continue;
    if (!match.isOwn) otherIds += 1;
    if (seen.has(item.id)) twice.add(item.id);
    seen.add(item.id);
    const value = valueIn(item, one.value);
    if (value === undefined) unreadable.add(item.id);
    else answers.set(item.id, value);
    if (value !== undefined && one.value.codes.some(({ system }) => system === undefined)) noSystem += 1;
  }
  for (const id of [...twice, ...unreadable]) answers.delete(id);
  const taken: Answers = Object.fromEntries(answers);
  const score = instrument.score(taken);
  const computed = score.ok ? score.total : null;
  const [stated] = totals;
  const isFinished =
    read.status === undefined || ['completed', 'amended', 'final', 'corrected'].includes(read.status);
  const findings: Finding[] = [];
  const find = (code: FindingCode, more: Omit<Finding, 'code' | 'text'> = {}) =>
    findings.push({ code, text: FINDINGS[code], ...more });
  if (stated !== undefined && answers.size === 0) find('total-without-answers', { stated: stated.value });
  else if (stated !== undefined && computed === null) find('total-not-computable', { stated: stated.value });
  else if (stated !== undefined && computed !== null && stated.value !== computed) {
    find('total-differs', { stated: stated.value, computed });
  }
  if (stated?.byPanel) find('panel-code-for-total');
  if (otherIds > 0) find('other-link-ids', { count: otherIds });
  if (unknown > 0) find('unknown-question', { count: unknown });
  if (unreadable.size > 0) find('unknown-answer', { items: [...unreadable] });
  if (twice.size > 0) find('answered-twice', { items: [...twice] });
  if (noSystem > 0) find('no-code-system', { count: noSystem });
  if (!isFinished) find('not-finished');
  return {
    instrument: instrument.id,
    version: instrument.version,
    variant: instrument.variant,
    answers: taken,
    score,
    statedTotal: stated?.value ?? null,
    findings,
    attachable: isFinished && answers.size > 0,
    at: read.at ?? null,
    subject: read.subject ?? null,
    source,
  };
}

/** The item's value: by answer code first, else a number that is one of its values. */
function valueIn(item: Item, { codes, number }: Value): number | undefined {
  if (item.kind === 'number') return number;
  const byCode = item.choices.find((choice) => codes.some((one) => means(choice, one)));
  if (byCode !== undefined) return byCode.value;
  // A code that is none of the item's must not be outvoted by a number beside it.
  return codes.length === 0 ? item.choices.find((choice) => choice.value === number)?.value : undefined;
}

function means(
  choice: Choice,
  { system, code: value }: { system?: string | undefined; code: string },
): boolean {
  return (system === undefined || system === LOINC) && (choice.codes ?? []).includes(value);
}
