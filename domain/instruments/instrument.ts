// Station 0, rules: what an assessment instrument is: data plus one pure scoring function. The next one is one file
// and one line in registry.ts. Holds the parts that all share: reading answers, bands, change between measurements.
// Must never count a missing item as zero, and never call a difference real without naming for whom that was measured.
import type { FieldFault } from '../refusal.ts';

/** The languages every wording is kept in. */
export type Words = { readonly en: string; readonly 'zh-Hans': string };

/** One answer that can be chosen. `codes` are the LOINC answer codes that mean it in this item. */
export type Choice = { readonly value: number; readonly label: Words; readonly codes?: readonly string[] };

/** One question or measurement. `counts` says whether it must be there for the total. */
export type Item = {
  readonly id: string;
  readonly text: Words;
  readonly counts: boolean;
  /** LOINC code of the question. */
  readonly loinc?: string;
} & (
  | { readonly kind: 'choice'; readonly choices: readonly Choice[] }
  | {
      readonly kind: 'number';
      readonly min: number;
      readonly max: number;
      readonly step: number;
      /** UCUM unit. */
      readonly unit: string;
    }
);

/** A range of the total with a name, `from` and `to` included. */
export type Band = { readonly id: string; readonly from: number; readonly to: number; readonly label: Words };

/** People for whom a figure of change was measured. A figure holds for its own population only. */
export type Population =
  | 'stroke'
  | 'chronic-respiratory'
  | 'heart-failure'
  | 'neurological-or-musculoskeletal'
  | 'late-life-depression';

/**
 * How much change means something. `measurement-error`: below it, a difference may be chance. `important`: patients
 * notice it (called MCID or MID by its source). Points or units of the total.
 */
export type ChangeFigure = {
  readonly kind: 'measurement-error' | 'important';
  readonly value: number;
  readonly population: Population;
  readonly name: string;
  readonly source: string;
};

/** May we use it: what we know, and what a person must still confirm before real use (empty: nothing). */
export type Licence = {
  readonly state: 'free' | 'confirm-commercial-use';
  readonly statement: string;
  readonly toConfirm: readonly string[];
};

/** Something a person must see. `immediate` makes a safety task at once; `attention` stands with the result. */
export type Alert = {
  readonly code: string;
  readonly level: 'immediate' | 'attention';
  readonly item: string;
  readonly text: Words;
};

/** Answers by item id. An item that is absent, null or undefined was not answered. */
export type Answers = Readonly<Record<string, unknown>>;

/**
 * `total` is null when the instrument's missing-item rule forbids one. `bands` are the ids of the bands it falls in.
 * `complete` means that every counting item was answered; `missing` names those that were not, `estimated` those that
 * the instrument's own rule filled. When an answer cannot be taken there is no score, but alerts are still told.
 */
export type Score =
  | {
      readonly ok: true;
      readonly total: number | null;
      readonly bands: readonly string[];
      readonly complete: boolean;
      readonly missing: readonly string[];
      readonly estimated: readonly string[];
      readonly alerts: readonly Alert[];
    }
  | { readonly ok: false; readonly faults: readonly FieldFault[]; readonly alerts: readonly Alert[] };

export type Instrument = {
  readonly id: string;
  /** Raised whenever an item, a rule or a figure changes; results of different versions are not compared. */
  readonly version: number;
  /** Which of several published forms this is. */
  readonly variant: string;
  readonly name: Words;
  /** What the person filling it in must know. */
  readonly instruction: Words;
  readonly source: string;
  readonly licence: Licence;
  readonly items: readonly Item[];
  /** The rule for unanswered items in words, with its source. */
  readonly missingRule: string;
  readonly total: {
    readonly min: number;
    readonly max: number;
    readonly unit: string;
    readonly loinc?: string;
  };
  readonly better: 'higher' | 'lower';
  readonly bands: readonly Band[];
  readonly bandSource?: string;
  readonly changes: readonly ChangeFigure[];
  /** Items that must be equal in two measurements for their totals to be compared. */
  readonly sameConditions: readonly string[];
  /** Every alert that `score` can tell. */
  readonly alerts: readonly Alert[];
  readonly score: (answers: Answers) => Score;
};

/** Keys in the catalogue's `faults` that an answer can earn. */
export const ANSWER_FAULTS = ['unknownItem', 'notANumber', 'chooseOne', 'outOfRange', 'offStep'] as const;

/** What `readAnswers` found. `values` holds only answers that can be taken; `missing` only items that count. */
export type ReadAnswers = {
  readonly values: ReadonlyMap<string, number>;
  readonly missing: readonly string[];
  readonly faults: readonly FieldFault[];
};

/** Checks answers against the items: unknown items, wrong types, values out of range or off the step, one fault each. */
export function readAnswers(items: readonly Item[], answers: Answers): ReadAnswers {
  const values = new Map<string, number>();
  const faults: FieldFault[] = [];
  const known = new Map(items.map((item) => [item.id, item]));
  for (const [field, answer] of Object.entries(answers)) {
    const item = known.get(field);
    if (item === undefined) faults.push({ field, fault: 'unknownItem' });
    else if (answer !== null && answer !== undefined) {
      const fault = faultOf(item, answer);
      if (fault !== undefined) faults.push({ field, ...fault });
      // faultOf let it pass, so it is a number.
      else values.set(field, answer as number);
    }
  }
  const missing = items.filter((item) => item.counts && !isAnswered(answers, item.id)).map((item) => item.id);
  return { values, missing, faults };
}

/**
 * Answers as a form sends them: text by item id. Empty text is no answer; a plain decimal becomes its number; anything
 * else is left as it is, so that `score` names the item.
 */
export function answersFromText(fields: Readonly<Record<string, string>>): Answers {
  return Object.fromEntries(
    Object.entries(fields)
      .map(([field, text]) => [field, text.trim()] as const)
      .filter(([, text]) => text !== '')
      .map(([field, text]) => [field, /^-?[0-9]{1,9}(\.[0-9]{1,6})?$/.test(text) ? Number(text) : text]),
  );
}

/** Ids of the bands that hold the total. */
export function bandsOf(bands: readonly Band[], total: number | null): readonly string[] {
  if (total === null) return [];
  return bands.filter((band) => total >= band.from && total <= band.to).map((band) => band.id);
}

/** One measurement, as far as comparing needs it. */
export type Measurement = {
  readonly instrument: string;
  readonly version: number;
  readonly variant: string;
  readonly answers: Answers;
};

/** Why two measurements cannot be compared. */
export type NotComparable =
  | 'other-instrument'
  | 'other-version'
  | 'no-total'
  | 'incomplete'
  | 'other-conditions';

/**
 * The change from one measurement to the next.
 * `real`: `yes` only if the difference is larger than the measurement error of this very population; `unknown` when
 * nobody measured it there. `important` likewise against what patients notice. `figures` are those that were used.
 */
export type Change =
  | { readonly comparable: false; readonly why: NotComparable; readonly items: readonly string[] }
  | {
      readonly comparable: true;
      readonly difference: number;
      readonly direction: 'better' | 'worse' | 'same';
      readonly real: 'yes' | 'no' | 'unknown';
      readonly important: 'yes' | 'no' | 'unknown';
      readonly population: Population | null;
      readonly figures: readonly ChangeFigure[];
    };

/**
 * Compares two measurements with one instrument, for a person of `population` (null: none of those measured).
 * Refuses to compare across versions and variants, without a total, with tests or items missing, or when a condition
 * that moves the result (aid, course, oxygen) was another one.
 */
export function changeBetween(
  instrument: Instrument,
  before: Measurement,
  after: Measurement,
  population: Population | null,
): Change {
  const no = (why: NotComparable, items: readonly string[] = []): Change => ({
    comparable: false,
    why,
    items,
  });
  for (const { instrument: id, version, variant } of [before, after]) {
    if (id !== instrument.id) return no('other-instrument');
    if (version !== instrument.version || variant !== instrument.variant) return no('other-version');
  }
  const first = instrument.score(before.answers);
  const second = instrument.score(after.answers);
  if (!first.ok || !second.ok || first.total === null || second.total === null) return no('no-total');
  // An estimated total follows the instrument's own rule and may be compared; a gap that no rule fills may not.
  const gaps = [...first.missing, ...second.missing].filter(
    (item) => !first.estimated.includes(item) && !second.estimated.includes(item),
  );
  if (gaps.length > 0) return no('incomplete', [...new Set(gaps)]);
  const changed = instrument.sameConditions.filter(
    (item) => (before.answers[item] ?? null) !== (after.answers[item] ?? null),
  );
  if (changed.length > 0) return no('other-conditions', changed);

  const difference = second.total - first.total;
  const upwards = difference > 0 === (instrument.better === 'higher');
  const figures = instrument.changes.filter((figure) => figure.population === population);
  const error = figures.find((figure) => figure.kind === 'measurement-error');
  const noticed = figures.find((figure) => figure.kind === 'important');
  return {
    comparable: true,
    difference,
    direction: difference === 0 ? 'same' : upwards ? 'better' : 'worse',
    real: answer(error, (figure) => Math.abs(difference) > figure.value),
    important: answer(noticed, (figure) => Math.abs(difference) >= figure.value),
    population,
    figures,
  };
}

function answer(figure: ChangeFigure | undefined, holds: (figure: ChangeFigure) => boolean) {
  if (figure === undefined) return 'unknown';
  return holds(figure) ? 'yes' : 'no';
}

function isAnswered(answers: Answers, item: string): boolean {
  return Object.hasOwn(answers, item) && answers[item] !== null && answers[item] !== undefined;
}

function faultOf(item: Item, value: unknown): Omit<FieldFault, 'field'> | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value)) return { fault: 'notANumber' };
  if (item.kind === 'choice') {
    return item.choices.some((choice) => choice.value === value) ? undefined : { fault: 'chooseOne' };
  }
  const { min, max, step } = item;
  if (value < min || value > max) return { fault: 'outOfRange', values: { min, max } };
  // In whole steps; a thousandth of one forgives how 0.1 is kept in binary.
  const steps = (value - min) / step;
  if (Math.abs(steps - Math.round(steps)) > 0.001) return { fault: 'offStep', values: { step } };
  return undefined;
}
