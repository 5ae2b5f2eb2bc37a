// Door helper, FHIR: reads bytes into the few R4 resources we use, or says plainly at which field they are not that.
// Caps come first, then strict JSON, then shapes. Fields we do not use are neither checked nor kept.
// Must never follow a reference out of the file: no address taken from input is ever opened (SECURITY.md N7).
import { z } from 'zod';
import { isLocalDate } from '../domain/calendar.ts';
import { type IJsonLimits, type JsonObject, type JsonValue, parseIJson } from '../ledger/canonical.ts';

/** SECURITY.md G5. Keys are capped higher than for our own forms: real whole-life records hold 17,000 and more. */
export const FHIR_LIMITS: IJsonLimits & { readonly bytes: number; readonly entries: number } = {
  bytes: 10 * 1024 * 1024,
  depth: 32,
  keys: 400_000,
  keysPerObject: 200,
  entries: 20_000,
};

export type FhirFaultCode =
  | 'too-large'
  | 'not-json'
  | 'not-fhir'
  | 'wrong-type'
  | 'single-resource'
  | 'bundle-type'
  | 'no-patient'
  | 'several-patients'
  | 'patient-deceased'
  | 'control-characters'
  | 'too-long'
  | 'not-a-date'
  | 'no-results';

/** One thing wrong with a file: where (FHIR path, indexes and field names only) and one plain sentence. */
export type FhirFault = { readonly code: FhirFaultCode; readonly path: string; readonly message: string };

/** A file that cannot be taken, with every reason found (at most 20). */
export type Refused = { readonly kind: 'refused'; readonly faults: readonly FhirFault[] };

export const refused = (...faults: readonly FhirFault[]): Refused => ({
  kind: 'refused',
  faults: faults.slice(0, 20),
});

/** Controls except white space, and the marks that turn the direction of text around (they hide what is written). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is the point
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff]/u;

/** Text as it is shown: white space runs become one space. Markup stays as it is, it is escaped where it is shown. */
const text = (max: number) =>
  z
    .string()
    .refine((value) => !CONTROLS.test(value), 'control-characters')
    .transform((value) => value.replace(/[\t\n\r ]+/g, ' ').trim())
    .refine((value) => value.length <= max, 'too-long');

const FHIR_DATE = /^\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2}))?)?)?$/;

/** A FHIR date or dateTime that exists: its year, month or day may end it, a time needs its zone. */
export const date = z.string().refine((value) => {
  if (value.length > 40 || !FHIR_DATE.test(value)) return false;
  const day = `${value.slice(0, 10)}${'-01-01'.slice(value.length - 4)}`.slice(0, 10);
  return isLocalDate(day) && isTime(value);
}, 'not-a-date');

export const code = z
  .string()
  .max(200, 'too-long')
  .refine((value) => !CONTROLS.test(value), 'control-characters');
const coding = z.looseObject({
  system: code.optional(),
  code: code.optional(),
  display: text(300).optional(),
});
export const concept = z.looseObject({
  coding: z.array(coding).max(50, 'too-long').optional(),
  text: text(300).optional(),
});
const concepts = z.array(concept).max(200, 'too-long').optional();
export const reference = z.looseObject({ reference: z.string().max(2048, 'too-long').optional() });
const references = z.array(reference).max(1000, 'too-long').optional();
const period = z.looseObject({ start: date.optional(), end: date.optional() });

const name = z.looseObject({
  use: code.optional(),
  text: text(200).optional(),
  family: text(100).optional(),
  given: z.array(text(100)).max(10, 'too-long').optional(),
});

const schemas = {
  Patient: z.looseObject({
    name: z.array(name).max(20, 'too-long').optional(),
    identifier: z
      .array(z.looseObject({ system: code.optional(), value: code.optional() }))
      .max(50, 'too-long')
      .optional(),
    gender: z.enum(['male', 'female', 'other', 'unknown']).optional(),
    birthDate: date.optional(),
    deceasedBoolean: z.boolean().optional(),
    deceasedDateTime: date.optional(),
    communication: z
      .array(z.looseObject({ language: concept.optional(), preferred: z.boolean().optional() }))
      .max(20, 'too-long')
      .optional(),
  }),
  Condition: z.looseObject({
    clinicalStatus: concept.optional(),
    verificationStatus: concept.optional(),
    code: concept.optional(),
    subject: reference.optional(),
    onsetDateTime: date.optional(),
    onsetPeriod: period.optional(),
    recordedDate: date.optional(),
    abatementDateTime: date.optional(),
    abatementPeriod: period.optional(),
  }),
  CarePlan: z.looseObject({
    status: code.optional(),
    intent: code.optional(),
    category: concepts,
    title: text(300).optional(),
    subject: reference.optional(),
    period: period.optional(),
    addresses: references,
    goal: references,
    activity: z
      .array(
        z.looseObject({
          detail: z.looseObject({ code: concept.optional(), status: code.optional() }).optional(),
        }),
      )
      .max(500, 'too-long')
      .optional(),
  }),
  ServiceRequest: z.looseObject({
    status: code.optional(),
    intent: code.optional(),
    category: concepts,
    code: concept.optional(),
    orderDetail: concepts,
    subject: reference.optional(),
    authoredOn: date.optional(),
    reasonCode: concepts,
    reasonReference: references,
  }),
  Procedure: z.looseObject({
    status: code.optional(),
    code: concept.optional(),
    subject: reference.optional(),
    performedDateTime: date.optional(),
    performedPeriod: period.optional(),
  }),
  Encounter: z.looseObject({
    status: code.optional(),
    type: concepts,
    subject: reference.optional(),
    period: period.optional(),
    reasonCode: concepts,
  }),
  AllergyIntolerance: z.looseObject({
    clinicalStatus: concept.optional(),
    verificationStatus: concept.optional(),
    code: concept.optional(),
    patient: reference.optional(),
  }),
  Goal: z.looseObject({ lifecycleStatus: code.optional(), description: concept.optional() }),
} as const;

type Schemas = typeof schemas;
export type ResourceType = keyof Schemas;
export type Resource<T extends ResourceType> = z.output<Schemas[T]>;
export type Concept = z.output<typeof concept>;
export type Reference = z.output<typeof reference>;

/** One entry of a bundle, with its resource as it was read. */
export type Entry = {
  readonly path: string;
  readonly fullUrl: string | undefined;
  readonly type: string;
  readonly id: string | undefined;
  readonly raw: JsonObject;
};

export type Bundle = { readonly type: string; readonly entries: readonly Entry[] };

/** Reads bytes or text as one FHIR resource in JSON; caps, UTF-8, strict JSON and a resourceType are demanded. */
export function readResource(
  input: string | Uint8Array,
): { kind: 'resource'; raw: JsonObject; type: string } | Refused {
  // In UTF-16 units text is never longer than in UTF-8, so the cheap test comes first.
  const bytes =
    typeof input === 'string' && input.length <= FHIR_LIMITS.bytes ? byteLength(input) : input.length;
  if (bytes > FHIR_LIMITS.bytes) {
    return refused({
      code: 'too-large',
      path: '',
      message: 'The file is larger than 10 MiB; send fewer years of it.',
    });
  }
  const read = parseIJson(input, FHIR_LIMITS);
  if (!read.ok) {
    const { line, column, message } = read.fault;
    return refused({
      code: 'not-json',
      path: '',
      message: `The file is not strict JSON: ${message}, at line ${line}, column ${column}.`,
    });
  }
  const raw = read.value;
  if (
    !isObject(raw) ||
    typeof raw.resourceType !== 'string' ||
    !/^[A-Z][A-Za-z]{1,63}$/.test(raw.resourceType)
  ) {
    return refused({
      code: 'not-fhir',
      path: '',
      message: 'The file is JSON but no FHIR resource: it has no resourceType.',
    });
  }
  return { kind: 'resource', raw, type: raw.resourceType };
}

const BUNDLE_TYPES = ['transaction', 'batch', 'collection', 'document', 'message', 'searchset'];

/** The entries of a bundle that carry a resource. A history or an answer to a transaction holds no one state of a record. */
export function readEntries(raw: JsonObject): Bundle | Refused {
  const { type, entry = [] } = raw;
  if (typeof type !== 'string' || !BUNDLE_TYPES.includes(type)) {
    return refused({
      code: 'bundle-type',
      path: 'Bundle.type',
      message: `The bundle's type cannot be read as a record; use one of ${BUNDLE_TYPES.join(', ')}.`,
    });
  }
  if (!Array.isArray(entry)) return refused(wrongType('Bundle.entry'));
  if (entry.length > FHIR_LIMITS.entries) {
    return refused({
      code: 'too-long',
      path: 'Bundle.entry',
      message: 'The bundle has more than 20,000 entries.',
    });
  }
  const entries: Entry[] = [];
  const faults: FhirFault[] = [];
  for (const [at, item] of entry.entries() as Iterable<[number, JsonValue]>) {
    const path = `Bundle.entry[${at}]`;
    if (!isObject(item)) {
      faults.push(wrongType(path));
      continue;
    }
    const { fullUrl, resource } = item;
    if (resource === undefined) continue;
    if (!isObject(resource) || typeof resource.resourceType !== 'string')
      faults.push(wrongType(`${path}.resource`));
    else if (fullUrl !== undefined && typeof fullUrl !== 'string') faults.push(wrongType(`${path}.fullUrl`));
    else {
      entries.push({
        path: `${path}.resource`,
        fullUrl,
        type: resource.resourceType,
        id: typeof resource.id === 'string' ? resource.id : undefined,
        raw: resource,
      });
    }
  }
  return faults.length > 0 ? refused(...faults) : { type, entries };
}

/** Reads one resource in the shape we use; `faults` receives what is wrong with it, by field. */
export function readAs<T extends ResourceType>(
  type: T,
  { raw, path }: Pick<Entry, 'raw' | 'path'>,
  faults: FhirFault[],
): Resource<T> | undefined {
  const result = schemas[type].safeParse(raw);
  // The schema is the one of `type`; the index loses that.
  if (result.success) return result.data as Resource<T>;
  for (const issue of result.error.issues) faults.push(faultOf(path, issue));
  return undefined;
}

/** What the reference names among the entries, or why it names nothing here. Nothing outside is ever opened. */
export function resolve(
  target: Reference | undefined,
  entries: ReadonlyMap<string, Entry>,
): Entry | 'not-given' | 'not-in-file' | 'elsewhere' {
  const address = target?.reference;
  if (address === undefined || address === '') return 'not-given';
  const [plain = ''] = address.split('/_history/');
  const found = entries.get(plain);
  if (found !== undefined) return found;
  return /^https?:/i.test(plain) ? 'elsewhere' : 'not-in-file';
}

/** Entries by everything that may refer to them: full address, and type with id. The first of two with one name wins. */
export function indexOf(entries: readonly Entry[]): ReadonlyMap<string, Entry> {
  const index = new Map<string, Entry>();
  for (const entry of entries) {
    const names = [entry.fullUrl, entry.id === undefined ? undefined : `${entry.type}/${entry.id}`];
    for (const name of names) if (name !== undefined && !index.has(name)) index.set(name, entry);
  }
  return index;
}

/** The fault that a schema's complaint is, below `path`. */
export function faultOf(path: string, issue: z.core.$ZodIssue): FhirFault {
  const at = issue.path.reduce<string>(
    (sum, part) => (typeof part === 'number' ? `${sum}[${part}]` : `${sum}.${String(part)}`),
    path,
  );
  if (issue.code === 'custom' || issue.code === 'too_big') {
    switch (issue.message) {
      case 'control-characters':
        return {
          code: 'control-characters',
          path: at,
          message: 'The text holds control characters or marks that turn its direction; remove them.',
        };
      case 'too-long':
        return {
          code: 'too-long',
          path: at,
          message: 'The value is longer than any honest one; shorten it.',
        };
      case 'not-a-date':
        return {
          code: 'not-a-date',
          path: at,
          message: 'This is no date that exists; write YYYY, YYYY-MM or YYYY-MM-DD.',
        };
    }
  }
  return wrongType(at);
}

function wrongType(path: string): FhirFault {
  return { code: 'wrong-type', path, message: 'The field does not hold what FHIR R4 puts there.' };
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Hours, minutes, seconds and zone in range, where there are any. Second 60 is a leap second. */
function isTime(value: string): boolean {
  if (value.length <= 10) return true;
  const [hours = 0, minutes = 0, seconds = 0] = value.slice(11, 19).split(':').map(Number);
  const zone = /[+-](\d{2}):(\d{2})$/.exec(value);
  const inZone = zone === null || (Number(zone[1]) <= 14 && Number(zone[2]) <= 59);
  return hours <= 23 && minutes <= 59 && seconds <= 60 && inZone;
}

function byteLength(input: string): number {
  return new TextEncoder().encode(input).length;
}
