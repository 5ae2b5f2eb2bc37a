// Station 1, web: the criteria of a decision, the evidence for each and the officer's judgement: to fill in, or as it was judged.
import { CRITERIA, type Criterion } from '../../domain/acts.ts';
import type { Text } from '../text/text.ts';
import { EvidenceLink } from './evidence-list.tsx';
import { Icon } from './icon.tsx';
import { Tag } from './tag.tsx';

export type Judgements = Partial<Record<Criterion, string>>;

/** `edit: true` renders radios named `criteria.need` and so on; otherwise the judgements stand as tags. */
export function CriteriaTable({
  t,
  judgements = {},
  evidence = {},
  edit = false,
  fault,
}: {
  t: Text;
  judgements?: Judgements;
  /** Numbers of the evidence that speaks to a criterion. */
  evidence?: Partial<Record<Criterion, readonly number[]>>;
  edit?: boolean;
  fault?: string | undefined;
}) {
  const cited = CRITERIA.some((criterion) => (evidence[criterion] ?? []).length > 0);
  return (
    <div class={fault ? 'field-bad' : undefined}>
      {fault ? (
        <p class="fault field" id="f-criteria-fault">
          <Icon name="octagon-alert" />
          <span>
            <span class="visually-hidden">{t.errors.fieldPrefix} </span>
            {fault}
          </span>
        </p>
      ) : null}
      <div class="table-box">
        <table class="table cards criteria">
          <caption class="visually-hidden">{t.criteriaTable.caption}</caption>
          <thead>
            <tr>
              <th scope="col">{t.criteriaTable.criterion}</th>
              {cited ? <th scope="col">{t.criteriaTable.evidence}</th> : null}
              <th scope="col">{t.criteriaTable.judgement}</th>
            </tr>
          </thead>
          <tbody>
            {CRITERIA.map((criterion, row) => (
              <tr>
                <th scope="row">
                  {t.criteria[criterion]}
                  <p class="meta">{t.criteriaHints[criterion]}</p>
                </th>
                {cited ? (
                  <td data-label={t.criteriaTable.evidence}>
                    <span class="cluster">
                      {(evidence[criterion] ?? []).map((number) => (
                        <EvidenceLink t={t} number={number} />
                      ))}
                    </span>
                  </td>
                ) : null}
                <td class="bare" data-label={t.criteriaTable.judgement}>
                  {edit ? (
                    <fieldset>
                      <legend class="visually-hidden">
                        {t.criteriaTable.judgeHint(t.criteria[criterion])}
                      </legend>
                      <div class="options row">
                        {(['met', 'not-met'] as const).map((value, index) => (
                          <label class="option">
                            <input
                              type="radio"
                              id={
                                row === 0 && index === 0 ? 'f-criteria' : `f-criteria-${criterion}-${value}`
                              }
                              name={`criteria.${criterion}`}
                              value={value}
                              checked={judgements[criterion] === value}
                              {...(fault ? { 'aria-describedby': 'f-criteria-fault' } : {})}
                            />
                            <span class="nowrap">{t.judgements[value]}</span>
                          </label>
                        ))}
                      </div>
                    </fieldset>
                  ) : (
                    <Judged t={t} value={judgements[criterion]} />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function Judged({ t, value }: { t: Text; value: string | undefined }) {
  if (!value) return <span class="soft">{t.criteriaTable.notJudged}</span>;
  return value === 'met' ? (
    <Tag tone="good" word={t.judgements.met ?? value} />
  ) : (
    <Tag tone="late" icon="circle-x" word={t.judgements['not-met'] ?? value} />
  );
}
