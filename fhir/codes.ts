// Door helper, FHIR: closed lists of codes that decide what a foreign record means for rehabilitation. Data only.
// Codes count, words do not: "drug rehabilitation" is no rehabilitation, and displays are misspelt or in any language.
// Must never grow by guessing: a code that is not here is never a reason by itself, it is set aside and asked about.
import type { Words } from '../domain/instruments/instrument.ts';

export const SNOMED = 'http://snomed.info/sct';
export const LOINC = 'http://loinc.org';
/** Code systems as people call them. */
const SYSTEM_NAMES: readonly (readonly [system: string, name: string])[] = [
  [SNOMED, 'SNOMED CT'],
  [LOINC, 'LOINC'],
  ['http://hl7.org/fhir/sid/icd-10-cm', 'ICD-10-CM'],
  ['http://hl7.org/fhir/sid/icd-10', 'ICD-10'],
  ['http://fhir.de/CodeSystem/bfarm/icd-10-gm', 'ICD-10-GM'],
  ['http://fhir.de/CodeSystem/dimdi/icd-10-gm', 'ICD-10-GM'],
];

/** A text in which each `system|code` of a known system reads as people write it: `SNOMED CT 230690007`. */
export const withSystemNames = (text: string): string =>
  SYSTEM_NAMES.reduce((words, [system, name]) => words.replaceAll(`${system}|`, `${name} `), text);

/** ICD-10 in its international, American and German editions: the first characters are the hierarchy. */
const ICD10 = new Set([
  'http://hl7.org/fhir/sid/icd-10',
  'http://hl7.org/fhir/sid/icd-10-cm',
  'http://fhir.de/CodeSystem/bfarm/icd-10-gm',
  'http://fhir.de/CodeSystem/dimdi/icd-10-gm',
]);

/** A coding as far as meaning needs it. */
export type Code = { readonly system: string; readonly code: string };

/** SNOMED CT codes, and ICD-10 categories by prefix. */
type CodeList = { readonly snomed: readonly string[]; readonly icd10: readonly string[] };

/**
 * Conditions that can be a reason for rehabilitation. `alone`: they call for it by their nature, also without an order.
 * `months`: only so long after the event, as long as nobody orders it.
 */
export type ReasonGroup = CodeList & {
  readonly id: string;
  readonly alone: boolean;
  readonly months?: number;
  readonly source: string;
};

const SYNTHEA = 'codes as in the public Synthea modules (Apache-2.0)';

const REASON_GROUPS: readonly ReasonGroup[] = [
  {
    id: 'stroke',
    // Cerebrovascular accident, ischaemic stroke, cerebral haemorrhage.
    snomed: ['230690007', '422504002', '274100004'],
    icd10: ['I60', 'I61', 'I62', 'I63', 'I64', 'I69'],
    alone: true,
    source: `ICD-10 chapter IX; ${SYNTHEA}`,
  },
  {
    id: 'spinal-cord',
    // Chronic paralysis from a lesion of the cord, cord injury, paraplegia, quadriplegia, vertebral fracture with cord injury.
    snomed: ['698754002', '90584004', '60389000', '11538006', '1734006'],
    icd10: ['G82', 'S14', 'S24', 'S34', 'T91.3'],
    alone: true,
    source: `ICD-10 chapters VI and XIX; ${SYNTHEA}`,
  },
  {
    id: 'brain',
    // Traumatic brain injury, hemiplegia, multiple sclerosis, Parkinson's disease.
    snomed: ['127295002', '50582007', '24700007', '49049000'],
    icd10: ['S06.2', 'S06.3', 'S06.5', 'G81', 'G35', 'G20'],
    alone: true,
    source: `ICD-10 chapters VI and XIX; ${SYNTHEA}`,
  },
  {
    id: 'heart-attack',
    snomed: ['22298006', '401303003', '401314000'],
    icd10: ['I21', 'I22'],
    alone: true,
    // Cardiac rehabilitation after an infarction within the preceding twelve months.
    months: 12,
    source: '42 CFR 410.49(b)(1)',
  },
  {
    id: 'hip-fracture',
    // Closed fracture of hip, fracture of neck of femur.
    snomed: ['359817006', '5913000'],
    icd10: ['S72'],
    alone: true,
    months: 6,
    source: 'House rule: rehabilitation follows within half a year of the fracture',
  },
  {
    id: 'concussion',
    snomed: ['62564004', '62106007', '110030002'],
    icd10: ['S06.0'],
    alone: false,
    source: SYNTHEA,
  },
  {
    id: 'lungs',
    // Chronic obstructive lung disease, emphysema, chronic obstructive bronchitis.
    snomed: ['13645005', '87433001', '185086009'],
    icd10: ['J43', 'J44'],
    alone: false,
    source: SYNTHEA,
  },
  {
    id: 'heart',
    // Coronary heart disease, heart failure, chronic congestive heart failure.
    snomed: ['53741008', '84114007', '88805009'],
    icd10: ['I25', 'I50'],
    alone: false,
    source: SYNTHEA,
  },
  {
    id: 'joints',
    // Osteoarthritis (any, hip, knee), rheumatoid arthritis, tear of meniscus.
    snomed: ['396275006', '239872002', '239873007', '69896004', '239720000'],
    icd10: ['M05', 'M06', 'M15', 'M16', 'M17', 'M18', 'M19', 'M23', 'S83.2'],
    alone: false,
    source: SYNTHEA,
  },
  {
    id: 'other-fracture',
    // Fracture of ankle, clavicle, forearm, rib, vertebral column without cord injury.
    snomed: ['16114001', '58150001', '65966004', '33737001', '15724005'],
    icd10: ['S22', 'S32', 'S42', 'S52', 'S62', 'S82', 'S92'],
    alone: false,
    source: SYNTHEA,
  },
];

/** Never the reason, whatever plan addresses them: diabetes and its first stage, overdose and dependence. */
const NEVER_A_REASON: CodeList = {
  snomed: ['15777000', '44054006', '46635009', '73211009', '55680006', '7200002'],
  icd10: [
    'E08',
    'E09',
    'E10',
    'E11',
    'E12',
    'E13',
    'E14',
    'R73',
    'F10',
    'F11',
    'F12',
    'F13',
    'F14',
    'F15',
    'F16',
    'F19',
    'T40',
  ],
};

/** Situations with past: the thing itself is over (history of cardiac arrest, infarction, appendectomy). */
const PAST: CodeList = {
  snomed: ['429007001', '399211009', '428251008'],
  icd10: ['Z85', 'Z86', 'Z87', 'Z92'],
};

/** Which past situation says that which event is over. */
const OVER_BY: Readonly<Record<string, readonly string[]>> = {
  '399211009': ['22298006', '401303003', '401314000'],
  '429007001': ['410429000'],
  '428251008': ['74400008', '47693006'],
};

export type OrderKind = 'rehabilitation' | 'therapy' | 'other-purpose' | 'unknown';

/** Rehabilitation by its own name: therapy, head injury, pulmonary. */
const REHABILITATION: CodeList = { snomed: ['52052004', '47387005', '15081005'], icd10: ['Z50'] };

/** Therapies that rehabilitation is made of: physical, exercise, stretching, joint mobility, occupational, speech. */
const THERAPY: CodeList = {
  snomed: ['91251008', '229065009', '229070002', '872781000000100', '84478008', '5154007', '410155007'],
  icd10: [],
};

/** Plans with another purpose, whatever their activities: drug rehabilitation, addiction, detoxification, diabetes, self care, wound care. */
const OTHER_PURPOSE: CodeList = {
  snomed: ['56876005', '60112009', '61480009', '266707007', '698360004', '326051000000105', '225358003'],
  icd10: [],
};

/** What a doctor must weigh before the person exercises; asked about, never decided here. */
type AttentionGroup = CodeList & {
  readonly id: string;
  readonly label: Words;
  readonly exercise: boolean;
};

const ATTENTION_GROUPS: readonly AttentionGroup[] = [
  {
    id: 'cardiac-arrest',
    snomed: ['410429000', '429007001'],
    icd10: ['I46', 'Z86.74'],
    label: { en: 'Cardiac arrest in the record', 'zh-Hans': '病历中有心脏骤停' },
    exercise: true,
  },
  {
    id: 'implanted-defibrillator',
    snomed: ['447365002'],
    icd10: ['Z95.81'],
    label: { en: 'Implanted defibrillator', 'zh-Hans': '植入式除颤器' },
    exercise: true,
  },
  {
    id: 'heart-disease',
    snomed: ['22298006', '401303003', '401314000', '399211009', '53741008', '84114007', '88805009'],
    icd10: ['I21', 'I22', 'I25', 'I50'],
    label: { en: 'Heart disease in the record', 'zh-Hans': '病历中有心脏病' },
    exercise: true,
  },
  {
    id: 'overdose',
    snomed: ['55680006'],
    icd10: ['T40'],
    label: { en: 'Drug overdose in the record', 'zh-Hans': '病历中有药物过量' },
    exercise: false,
  },
  {
    id: 'epilepsy',
    snomed: ['84757009'],
    icd10: ['G40'],
    label: { en: 'Epilepsy in the record', 'zh-Hans': '病历中有癫痫' },
    exercise: true,
  },
];

/** The group of reasons that one of the codes belongs to. */
export function reasonGroupOf(codes: readonly Code[]): ReasonGroup | undefined {
  return REASON_GROUPS.find((group) => holds(group, codes));
}

export const isNeverAReason = (codes: readonly Code[]): boolean => holds(NEVER_A_REASON, codes);
export const isPast = (codes: readonly Code[]): boolean => holds(PAST, codes);

/** SNOMED codes of the events that a past situation says are over. */
export function overBy(past: readonly Code[]): readonly string[] {
  return past.flatMap(({ system, code }) =>
    system === SNOMED && Object.hasOwn(OVER_BY, code) ? (OVER_BY[code] ?? []) : [],
  );
}

/**
 * What an order is for. `category` is what it is as a whole, `activities` what is done in it.
 * Rehabilitation by name counts wherever it stands; else the whole's other purpose outweighs exercises in it.
 */
export function orderKindOf(category: readonly Code[], activities: readonly Code[]): OrderKind {
  if (holds(REHABILITATION, [...category, ...activities])) return 'rehabilitation';
  if (holds(OTHER_PURPOSE, [...category, ...activities])) return 'other-purpose';
  if (holds(THERAPY, [...category, ...activities])) return 'therapy';
  return 'unknown';
}

export function attentionGroupOf(codes: readonly Code[]): AttentionGroup | undefined {
  return ATTENTION_GROUPS.find((group) => holds(group, codes));
}

/** `system|code` for the systems known here, as FHIR searches write it; null for others, whose codes mean nothing to us. */
export function tokenOf(codes: readonly Code[]): string | null {
  const known = codes.find(({ system }) => system === SNOMED || system === LOINC || ICD10.has(system));
  return known === undefined ? null : `${known.system}|${known.code}`;
}

function holds(list: CodeList, codes: readonly Code[]): boolean {
  return codes.some(({ system, code }) => {
    if (system === SNOMED) return list.snomed.includes(code);
    return ICD10.has(system) && list.icd10.some((prefix) => code.toUpperCase().startsWith(prefix));
  });
}
