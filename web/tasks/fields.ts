// Station 1, web: the fields of each kind of task's form, and how what was typed becomes the act's values. Names that are not
// listed here are refused before anything else (A4); who acts, when and in which role never come from a form.
import { CRITERIA } from '../../domain/acts.ts';
import { type Answers, answersFromText, type Instrument } from '../../domain/instruments/instrument.ts';
import { INSTRUMENTS, instrumentById } from '../../domain/instruments/registry.ts';
import type { TaskKind } from '../../domain/lifecycle.ts';
import type { FieldFault } from '../../domain/refusal.ts';
import { DISCIPLINE_INSTRUMENTS, DISCIPLINES, type Discipline } from '../../domain/roles.ts';

/** What was typed, by field name; nothing is lost of it, however wrong. */
export type Typed = Readonly<Record<string, readonly string[]>>;

export const one = (typed: Typed, name: string): string => typed[name]?.[0] ?? '';
export const many = (typed: Typed, name: string): readonly string[] => typed[name] ?? [];

/** Field of an instrument's item. */
export const itemField = (instrument: string, item: string): string => `m.${instrument}.${item}`;

/** Field of the total that a source states for an instrument; there only when one was read in. */
export const statedField = (instrument: string): string => `stated.${instrument}`;

/** The instruments a task may bring answers to. A re-evaluation repeats what was measured before, whichever that was. */
export function instrumentsOf(kind: TaskKind, discipline: Discipline | null): readonly Instrument[] {
  if (kind === 're-evaluate') return INSTRUMENTS;
  if (kind !== 'assess' || !discipline) return [];
  return DISCIPLINE_INSTRUMENTS[discipline].flatMap((id) => instrumentById(id) ?? []);
}

const perDiscipline = DISCIPLINES.map((discipline) => `sessions.${discipline}`);

const PLAIN: Record<TaskKind, { one: readonly string[]; many: readonly string[] }> = {
  'decide-eligibility': {
    one: ['choice', 'reasons', ...CRITERIA.map((criterion) => `criteria.${criterion}`)],
    many: ['disciplines', 'papers'],
  },
  'provide-papers': { one: ['answer'], many: [] },
  assess: { one: ['findings'], many: [] },
  'propose-plan': { one: ['minutes', 'reasons', ...perDiscipline], many: ['goals'] },
  'approve-plan': { one: ['choice', 'reasons'], many: [] },
  'record-session': { one: ['choice', 'minutes', 'note'], many: [] },
  're-evaluate': { one: ['choice', 'findings', ...perDiscipline], many: [] },
  'decide-outcome': { one: ['choice', 'reasons'], many: [] },
  'record-follow-up': { one: ['findings'], many: [] },
  'decide-appeal': { one: ['choice', 'reasons'], many: ['disciplines'] },
};

/** Every name the form of this task may carry besides its key and claim number. */
export function fieldNames(
  kind: TaskKind,
  discipline: Discipline | null,
): { one: readonly string[]; many: readonly string[] } {
  const items = instrumentsOf(kind, discipline).flatMap((instrument) => [
    ...instrument.items.map((item) => itemField(instrument.id, item.id)),
    statedField(instrument.id),
  ]);
  return { one: [...PLAIN[kind].one, ...items], many: PLAIN[kind].many };
}

/** Lists may come as several fields, or as one with a line each. */
const lines = (values: readonly string[]): string[] =>
  values
    .flatMap((value) => value.split(/\r\n?|\n/))
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** Answers to one instrument as typed. */
export const answersTyped = (typed: Typed, instrument: Instrument): Answers =>
  answersFromText(
    Object.fromEntries(
      instrument.items.map((item) => [item.id, one(typed, itemField(instrument.id, item.id))]),
    ),
  );

/** The total that the source states; NaN when what stands there is no number, undefined when nothing does. */
export function statedTyped(typed: Typed, instrument: Pick<Instrument, 'id'>): number | undefined {
  const text = one(typed, statedField(instrument.id)).trim();
  if (text === '') return undefined;
  return /^-?\d{1,6}([.,]\d{1,4})?$/.test(text) ? Number(text.replace(',', '.')) : Number.NaN;
}

function sessionsTyped(typed: Typed): Record<string, string> {
  return Object.fromEntries(
    DISCIPLINES.map((discipline) => [discipline, one(typed, `sessions.${discipline}`).trim()]).filter(
      ([, count]) => count !== '',
    ),
  );
}

const given = (name: string, text: string): Record<string, string> =>
  text.trim() === '' ? {} : { [name]: text };

/** The act's values as `readActValues` takes them. Shapes only; whether they may stand is judged there. */
export function valuesTyped(kind: TaskKind, discipline: Discipline | null, typed: Typed): unknown {
  const choice = given('choice', one(typed, 'choice'));
  const reasons = { reasons: one(typed, 'reasons') };
  switch (kind) {
    case 'decide-eligibility': {
      const judged = Object.fromEntries(
        CRITERIA.map((criterion) => [criterion, one(typed, `criteria.${criterion}`)]).filter(
          ([, v]) => v !== '',
        ),
      );
      const asking = one(typed, 'choice') === 'ask-papers';
      const whole = Object.keys(judged).length === CRITERIA.length;
      return {
        ...choice,
        ...reasons,
        // Asking for papers needs no judgement; half of one is none.
        ...(Object.keys(judged).length > 0 && (whole || !asking) ? { criteria: judged } : {}),
        disciplines: many(typed, 'disciplines'),
        papers: lines(many(typed, 'papers')),
      };
    }
    case 'provide-papers':
      return { answer: one(typed, 'answer') };
    case 'assess':
    case 're-evaluate': {
      const measurements = instrumentsOf(kind, discipline)
        .map((instrument) => {
          const stated = statedTyped(typed, instrument);
          return {
            instrument: instrument.id,
            answers: answersTyped(typed, instrument),
            ...(stated === undefined || Number.isNaN(stated) ? {} : { statedTotal: stated }),
          };
        })
        .filter(({ answers }) => kind === 'assess' || Object.keys(answers).length > 0);
      return kind === 'assess'
        ? { findings: one(typed, 'findings'), measurements }
        : { ...choice, findings: one(typed, 'findings'), measurements, sessions: sessionsTyped(typed) };
    }
    case 'propose-plan':
      return {
        goals: lines(many(typed, 'goals')),
        sessions: sessionsTyped(typed),
        ...given('minutes', one(typed, 'minutes')),
        ...reasons,
      };
    case 'record-session':
      return {
        ...choice,
        ...given('minutes', one(typed, 'choice') === 'absent' ? '' : one(typed, 'minutes')),
        note: one(typed, 'note'),
      };
    case 'approve-plan':
    case 'decide-outcome':
      return { ...choice, ...reasons };
    case 'record-follow-up':
      return { findings: one(typed, 'findings') };
    case 'decide-appeal':
      return { ...choice, ...reasons, disciplines: many(typed, 'disciplines') };
    default:
      return kind satisfies never;
  }
}

/** Faults that only the instruments know: an answer out of range, or an instrument that was not begun. */
export function measuringFaults(kind: TaskKind, discipline: Discipline | null, typed: Typed): FieldFault[] {
  const instruments = instrumentsOf(kind, discipline);
  const faults: FieldFault[] = [];
  let begun = 0;
  for (const instrument of instruments) {
    const answers = answersTyped(typed, instrument);
    if (Object.keys(answers).length > 0) begun += 1;
    else if (kind === 'assess') faults.push(nothingAnswered(instrument));
    if (Number.isNaN(statedTyped(typed, instrument)))
      faults.push({ field: statedField(instrument.id), fault: 'notANumber' });
    const score = instrument.score(answers);
    if (!score.ok)
      faults.push(
        ...score.faults.map((fault) => ({ ...fault, field: itemField(instrument.id, fault.field) })),
      );
  }
  const first = instruments[0];
  if (kind === 're-evaluate' && begun === 0 && first) faults.push(nothingAnswered(first));
  return faults;
}

const nothingAnswered = (instrument: Instrument): FieldFault => ({
  field: itemField(instrument.id, instrument.items[0]?.id ?? ''),
  fault: 'required',
});

/** A fault's field as the form names it; the worker names measurements by instrument and item. */
export function formFaults(faults: readonly FieldFault[]): FieldFault[] {
  const renamed = faults.map((fault) => {
    const { field } = fault;
    if (field.startsWith('criteria'))
      return { ...fault, field: 'criteria', fault: fault.fault === 'chooseOne' ? 'judgeAll' : fault.fault };
    const whole = /^measurements\.(.+)$/.exec(field)?.[1];
    const instrument = instrumentById(whole ?? field.split('.')[0] ?? '');
    if (instrument && whole) return { ...fault, field: nothingAnswered(instrument).field };
    if (instrument) return { ...fault, field: `m.${field}` };
    if (/^(papers|goals|disciplines|sessions)\b/.test(field) && !/^sessions\../.test(field))
      return { ...fault, field: field.split('.')[0] as string };
    return fault;
  });
  // One fault per field, the first.
  return renamed.filter((fault, i) => renamed.findIndex((other) => other.field === fault.field) === i);
}
