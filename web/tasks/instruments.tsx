// Station 1, web: answering an instrument: one item per row, large choices, the earlier answer beside. The server computes the
// score and says so; the form itself adds nothing up. Wordings come from the instrument's own file.

import type { Measured } from '../../db/views/task.ts';
import {
  type Change,
  changeBetween,
  type Instrument,
  type Item,
} from '../../domain/instruments/instrument.ts';
import { type FaultWords, faultAt } from '../parts/error-summary.tsx';
import { Field } from '../parts/field.tsx';
import { Notice } from '../parts/notice.tsx';
import type { Text } from '../text/text.ts';
import { answersTyped, itemField, one, statedField, statedTyped, type Typed } from './fields.ts';

/** UCUM units as people read them. */
export const unitWords = (unit: string): string => (/^\{.*\}$/.test(unit) ? '' : unit);

/** Most choices that stand as large buttons; longer scales are a list to choose from. */
const LARGE = 6;

export const answerWords = (t: Text, item: Item, answer: unknown): string => {
  if (item.kind === 'choice') {
    const choice = item.choices.find(({ value }) => value === answer);
    return choice ? choice.label[t.lang] : String(answer);
  }
  return [t.number(Number(answer), 1), unitWords(item.unit)].filter(Boolean).join('\u00a0');
};

/** The range of a total in words, with its unit where it has one. */
export function rangeWords(t: Text, instrument: Instrument): string {
  const { min, max, unit } = instrument.total;
  const words = t.instruments.rangeOf(t.number(min), t.number(max));
  return unitWords(unit) ? `${words}\u00a0${unitWords(unit)}` : words;
}

function ItemField({
  t,
  instrument,
  item,
  typed,
  faults,
  before,
}: {
  t: Text;
  instrument: Instrument;
  item: Item;
  typed: Typed;
  faults: readonly FaultWords[];
  before: Measured | undefined;
}) {
  const name = itemField(instrument.id, item.id);
  const earlier = before?.answers[item.id];
  const hint =
    earlier === undefined || earlier === null ? undefined : t.work.before(answerWords(t, item, earlier));
  const shared = {
    t,
    name,
    label: item.text[t.lang],
    hint,
    fault: faultAt(faults, name),
    optional: !item.counts,
  };
  if (item.kind === 'number')
    return <Field {...shared} control="number" value={one(typed, name)} unit={unitWords(item.unit)} />;
  const options = item.choices.map((choice) => ({
    value: String(choice.value),
    label: choice.label[t.lang],
  }));
  return item.choices.length > LARGE ? (
    <Field {...shared} control="select" value={one(typed, name)} options={options} width="short" />
  ) : (
    <Field {...shared} control="radios" layout="boxed" value={one(typed, name)} options={options} />
  );
}

/** What the answers come to so far; replaced whenever a draft is saved. */
export function ScoreLine({
  t,
  instrument,
  typed,
  before,
}: {
  t: Text;
  instrument: Instrument;
  typed: Typed;
  before: Measured | undefined;
}) {
  const answers = answersTyped(typed, instrument);
  const score = instrument.score(answers);
  const stated = statedTyped(typed, instrument);
  const urgent = score.alerts.filter(({ level }) => level === 'immediate');
  const words =
    !score.ok || Object.keys(answers).length === 0
      ? t.instruments.scoredByServer
      : score.total === null
        ? t.work.scoreOpen(score.missing.length)
        : t.work.scoreIs(t.number(score.total, 1), rangeWords(t, instrument));
  const bands = score.ok
    ? instrument.bands.filter(({ id }) => score.bands.includes(id)).map(({ label }) => label[t.lang])
    : [];
  return (
    <div id={`score-${instrument.id}`} class="score stack-tight">
      <p class="score-line">
        <strong>{words}</strong>
        {bands.length > 0 ? (
          <span class="soft">
            {t.marks.comma}
            {t.list(bands)}
          </span>
        ) : null}
        {before && score.ok && score.total !== null ? (
          <span class="soft">
            {t.marks.stop}
            <ChangeWords t={t} instrument={instrument} before={before} answers={answers} />
          </span>
        ) : null}
      </p>
      {stated !== undefined && score.ok && score.total !== null && stated !== score.total ? (
        <Notice tone="late">
          <p>{t.instruments.statedDiffers(t.number(stated, 1), t.number(score.total, 1))}</p>
        </Notice>
      ) : null}
      {urgent.map((alert) => (
        <Notice tone="late">
          <p>
            <strong>
              {t.work.alertTitle}
              {t.marks.stop}
            </strong>
            {alert.text[t.lang]}
          </p>
        </Notice>
      ))}
    </div>
  );
}

function ChangeWords({
  t,
  instrument,
  before,
  answers,
}: {
  t: Text;
  instrument: Instrument;
  before: Measured;
  answers: Readonly<Record<string, unknown>>;
}) {
  const change: Change = changeBetween(
    instrument,
    {
      instrument: before.instrument,
      version: Number(before.version),
      variant: instrument.variant,
      answers: before.answers,
    },
    { instrument: instrument.id, version: instrument.version, variant: instrument.variant, answers },
    null,
  );
  if (!change.comparable || before.total === null) return null;
  const { difference } = change;
  const sign = difference > 0 ? '+' : difference < 0 ? '−' : '±';
  return <>{t.work.scoreChange(`${sign}${t.number(Math.abs(difference), 1)}`, t.number(before.total, 1))}</>;
}

/** One instrument to fill in. `before` is its first measurement in this case, shown beside each item. */
export function InstrumentForm({
  t,
  instrument,
  typed,
  faults,
  before,
}: {
  t: Text;
  instrument: Instrument;
  typed: Typed;
  faults: readonly FaultWords[];
  before?: Measured | undefined;
}) {
  const stated = one(typed, statedField(instrument.id));
  return (
    <fieldset class="group instrument" id={`instrument-${instrument.id}`}>
      <legend>{instrument.name[t.lang]}</legend>
      <p>{instrument.instruction[t.lang]}</p>
      <div class="items">
        {instrument.items.map((item) => (
          <ItemField
            t={t}
            instrument={instrument}
            item={item}
            typed={typed}
            faults={faults}
            before={before}
          />
        ))}
      </div>
      {stated ? (
        <Field
          t={t}
          control="number"
          name={statedField(instrument.id)}
          label={t.instruments.stated}
          hint={t.instruments.statedHint}
          optional
          value={stated}
          fault={faultAt(faults, statedField(instrument.id))}
        />
      ) : null}
      <ScoreLine t={t} instrument={instrument} typed={typed} before={before} />
      <details class="details">
        <summary>{t.words.details}</summary>
        <div class="details-body boxed-list">
          <dl class="summary-list plain" lang="en">
            <div>
              <dt lang={t.lang}>{t.work.missingRule}</dt>
              <dd>{instrument.missingRule}</dd>
            </div>
            <div>
              <dt lang={t.lang}>{t.work.source}</dt>
              <dd>{instrument.source}</dd>
            </div>
            <div>
              <dt lang={t.lang}>{t.work.licence}</dt>
              <dd>{instrument.licence.statement}</dd>
            </div>
          </dl>
        </div>
      </details>
    </fieldset>
  );
}
