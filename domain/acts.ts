// Station 0, rules: the values each action carries, as schemas. The web reads forms with them, the activity
// reads the opened payload with them again, so that nothing unnamed ever reaches a row. Pure.
// A fault's message is a key of the text catalogue (`faults`), phrased there as what to do.
import { z } from 'zod';
import { type Action, CHOICES } from './lifecycle.ts';
import type { FieldFault } from './refusal.ts';
import { DISCIPLINES } from './roles.ts';

/** C0 and C1 controls except line feed and tab; bidirectional overrides and isolates; lone surrogates; BOM. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is the point
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]/u;

/** What neither a row nor an entry could carry (NUL, noncharacters) must stop here: later it would be tried for ever. */
const clean = (text: string): boolean =>
  text.isWellFormed() && !CONTROLS.test(text) && !/\p{Noncharacter_Code_Point}/u.test(text);

/** Text of codes and marks that nobody types: any that can be stored. Every text in this file is one of these four. */
const mark = (max: number) => z.string().max(max, 'tooLong').refine(clean, 'controlCharacters');

const line = (max: number) =>
  z
    .string({ error: 'required' })
    .trim()
    .min(1, 'required')
    .max(max, 'tooLong')
    .refine((text) => clean(text) && !/[\n\t]/.test(text), 'controlCharacters');
/** Lines of text that say something. */
export const prose = (max = 4000) =>
  z
    .string({ error: 'required' })
    .transform((text) => text.replace(/\r\n?/g, '\n').trim())
    .pipe(z.string().min(1, 'required').max(max, 'tooLong').refine(clean, 'controlCharacters'));
/** Lines of text that may be empty. */
export const optionalProse = (max = 4000) =>
  z
    .string()
    .transform((text) => text.replace(/\r\n?/g, '\n').trim())
    .pipe(z.string().max(max, 'tooLong').refine(clean, 'controlCharacters'))
    .default('');

/** A calendar date that exists, `YYYY-MM-DD`. */
const date = z.string({ error: 'required' }).refine((text) => {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const parsed = new Date(`${text}T00:00:00.000Z`);
  return (
    !Number.isNaN(parsed.getTime()) &&
    parsed.toISOString().startsWith(text) &&
    parsed.getUTCFullYear() >= 1890
  );
}, 'notADate');

const whole = (min: number, max: number) =>
  z
    .union(
      [
        z.number(),
        z
          .string()
          .trim()
          .regex(/^\d{1,6}$/, 'notANumber')
          .transform(Number),
      ],
      { error: 'notANumber' },
    )
    .pipe(z.number().int('notANumber').min(min, 'outOfRange').max(max, 'outOfRange'));

const choice = <A extends Action>(action: A) =>
  z.enum(CHOICES[action] as unknown as [string, ...string[]], { error: 'chooseOne' }) as unknown as z.ZodType<
    (typeof CHOICES)[A][number]
  >;
const disciplines = z.array(z.enum(DISCIPLINES)).max(DISCIPLINES.length);
const sessions = z.partialRecord(z.enum(DISCIPLINES), whole(0, 60));

/** Names that reach a prototype (SECURITY.md N5); no item of an instrument is called so. */
const RESERVED: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Answers to one instrument, by item id; scored and range-checked by `domain/instruments`. */
const measurement = z.strictObject({
  instrument: mark(60),
  answers: z.record(
    mark(60).refine((item) => !RESERVED.has(item), 'unknownField'),
    // Within what every reader of JSON keeps exactly; the instrument knows its own range.
    z.union([z.number().min(-1e9, 'outOfRange').max(1e9, 'outOfRange'), mark(200), z.null()]),
  ),
  /** What the source says the total is; kept to be compared, never taken for the score. */
  statedTotal: z.number({ error: 'notANumber' }).min(-1e6, 'outOfRange').max(1e6, 'outOfRange').optional(),
});
const measurements = z.array(measurement).max(8);

/** What an officer judges before deciding; the wording stands in the text catalogue. */
export const CRITERIA = ['need', 'capacity', 'prognosis'] as const;
export type Criterion = (typeof CRITERIA)[number];
const judgement = z.enum(['met', 'not-met'], { error: 'chooseOne' });
const criteria = z.strictObject({
  need: judgement,
  capacity: judgement,
  prognosis: judgement,
} satisfies Record<Criterion, typeof judgement>);

const background = z.strictObject({
  text: line(300),
  code: line(60).optional(),
  since: mark(40).optional(),
  until: mark(40).optional(),
  status: mark(40).optional(),
  why: line(300).optional(),
});

const raw = {
  'submit-application': z.strictObject({
    patientName: line(200),
    birthDate: date,
    sex: z.enum(['female', 'male', 'other', 'unknown'], { error: 'chooseOne' }).default('unknown'),
    language: mark(35).default(''),
    reason: prose(2000),
    reasonCode: mark(60).default(''),
    reasonSince: z.union([z.literal(''), date]).default(''),
    goals: optionalProse(2000),
    background: z.array(background).max(200).default([]),
    source: mark(300).default(''),
    questions: z.array(line(300)).max(40).default([]),
  }),
  'decide-eligibility': z
    .strictObject({
      choice: choice('decide-eligibility'),
      criteria: criteria.optional(),
      reasons: optionalProse(),
      disciplines: disciplines.default([]),
      papers: z.array(line(300)).max(20).default([]),
    })
    .superRefine((v, ctx) => {
      const fault = (field: string, message: string) =>
        ctx.addIssue({ code: 'custom', path: [field], message });
      if (v.choice !== 'ask-papers' && !v.criteria) fault('criteria', 'judgeAll');
      if (v.choice === 'refuse' && !v.reasons) fault('reasons', 'reasonsNeeded');
      if (v.choice === 'accept' && v.disciplines.length === 0) fault('disciplines', 'chooseDiscipline');
      if (v.choice === 'ask-papers' && v.papers.length === 0) fault('papers', 'namePapers');
      if (v.choice === 'refuse' && v.criteria && !Object.values(v.criteria).includes('not-met'))
        fault('criteria', 'refusalNeedsNotMet');
    }),
  'provide-papers': z.strictObject({ answer: prose() }),
  assess: z.strictObject({ findings: prose(), measurements }),
  'propose-plan': z
    .strictObject({
      goals: z.array(line(300)).min(1, 'nameGoal').max(12),
      sessions,
      minutes: whole(10, 180),
      reasons: optionalProse(),
    })
    .superRefine((v, ctx) => {
      if (!Object.values(v.sessions).some((count) => (count ?? 0) > 0))
        ctx.addIssue({ code: 'custom', path: ['sessions'], message: 'planSessions' });
    }),
  'approve-plan': z
    .strictObject({ choice: choice('approve-plan'), reasons: optionalProse() })
    .superRefine(sendBackNeedsReasons),
  'record-session': z
    .strictObject({
      choice: choice('record-session'),
      minutes: whole(0, 240).default(0),
      note: optionalProse(2000),
    })
    .superRefine((v, ctx) => {
      if (v.choice === 'held' && v.minutes < 5)
        ctx.addIssue({ code: 'custom', path: ['minutes'], message: 'sessionMinutes' });
      if (v.choice === 'absent' && !v.note)
        ctx.addIssue({ code: 'custom', path: ['note'], message: 'reasonsNeeded' });
    }),
  're-evaluate': z
    .strictObject({
      choice: choice('re-evaluate'),
      findings: prose(),
      measurements,
      sessions: sessions.default({}),
    })
    .superRefine((v, ctx) => {
      if (v.choice === 'continue' && !Object.values(v.sessions).some((count) => (count ?? 0) > 0))
        ctx.addIssue({ code: 'custom', path: ['sessions'], message: 'planSessions' });
    }),
  'decide-outcome': z
    .strictObject({ choice: choice('decide-outcome'), reasons: optionalProse() })
    .superRefine(sendBackNeedsReasons),
  'record-follow-up': z.strictObject({ findings: prose() }),
  withdraw: z.strictObject({ reasons: optionalProse(2000) }),
  appeal: z.strictObject({ reasons: prose() }),
  'decide-appeal': z
    .strictObject({ choice: choice('decide-appeal'), reasons: prose(), disciplines: disciplines.default([]) })
    .superRefine((v, ctx) => {
      if (v.choice === 'grant' && v.disciplines.length === 0)
        ctx.addIssue({ code: 'custom', path: ['disciplines'], message: 'chooseDiscipline' });
    }),
  reopen: z.strictObject({ reasons: prose() }),
} satisfies Record<Action, z.ZodType>;

function sendBackNeedsReasons(v: { choice: string; reasons: string }, ctx: z.RefinementCtx): void {
  if (v.choice === 'send-back' && !v.reasons)
    ctx.addIssue({ code: 'custom', path: ['reasons'], message: 'reasonsNeeded' });
}

export type ActValues<A extends Action = Action> = z.output<(typeof raw)[A]>;
/** Values as written to a payload: plain JSON. */
export type ActInput<A extends Action = Action> = z.input<(typeof raw)[A]>;

/** How far ahead of UTC a calendar on earth is, in milliseconds. */
const FARTHEST_EAST_MS = 14 * 3_600_000;

/**
 * Days of an application that have begun nowhere on earth yet: nobody is born and nothing has hurt since a day to come.
 * @param now ISO instant
 */
export function daysToCome(
  values: Pick<ActValues<'submit-application'>, 'birthDate' | 'reasonSince'>,
  now: string,
): FieldFault[] {
  const today = Date.parse(now) + FARTHEST_EAST_MS;
  return (['birthDate', 'reasonSince'] as const)
    .filter((field) => values[field] !== '' && Date.parse(values[field]) > today)
    .map((field) => ({ field, fault: 'inFuture' }));
}

/** Reads the values of an action, or says what is wrong at which field. */
export function readActValues<A extends Action>(
  action: A,
  input: unknown,
): { values: ActValues<A> } | { faults: FieldFault[] } {
  const result = raw[action].safeParse(input);
  if (result.success) return { values: result.data as ActValues<A> };
  return { faults: faultsOf(result.error) };
}

/** What a schema of this folder found, one fault per field, as keys of the catalogue's `faults`. */
export function faultsOf(error: z.ZodError): FieldFault[] {
  const faults: FieldFault[] = [];
  for (const issue of error.issues) {
    const field =
      issue.path.map(String).join('.') || (issue.code === 'unrecognized_keys' ? (issue.keys[0] ?? '') : '');
    if (faults.some((f) => f.field === field)) continue; // one fault per field
    const fault =
      issue.code === 'unrecognized_keys'
        ? 'unknownField'
        : KNOWN_FAULTS.has(issue.message)
          ? issue.message
          : 'notReadable';
    const limit =
      issue.code === 'too_big'
        ? { max: Number(issue.maximum) }
        : issue.code === 'too_small' && issue.origin === 'number'
          ? { min: Number(issue.minimum) }
          : undefined;
    faults.push({ field, fault, ...(limit ? { values: limit } : {}) });
  }
  return faults;
}

/** Every key that may stand in the catalogue's `faults` from this file. */
export const ACT_FAULTS = [
  'required',
  'tooLong',
  'controlCharacters',
  'notADate',
  'inFuture',
  'notANumber',
  'outOfRange',
  'chooseOne',
  'judgeAll',
  'reasonsNeeded',
  'chooseDiscipline',
  'namePapers',
  'refusalNeedsNotMet',
  'therapistsOnly',
  'nameGoal',
  'planSessions',
  'sessionMinutes',
  'unknownField',
  'notReadable',
] as const;
const KNOWN_FAULTS: ReadonlySet<string> = new Set(ACT_FAULTS);
