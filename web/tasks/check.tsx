// Station 1, web: the page between deciding and sending: every answer with a way back to it, what contradicts itself asked about,
// and the decision as the patient will read it. Nothing is sent before its one button.
import type { Evidence, TaskHead } from '../../db/views/task.ts';
import { CRITERIA } from '../../domain/acts.ts';
import { dueAfterOf, type Parameters } from '../../domain/parameters.ts';
import { formAttributes, Hidden } from '../layout.tsx';
import { fieldId } from '../parts/field.tsx';
import { Notice } from '../parts/notice.tsx';
import { Said } from '../parts/said.tsx';
import { StalePlace } from '../parts/stale-notice.tsx';
import { SummaryList, type SummaryRow } from '../parts/summary-list.tsx';
import { Tag } from '../parts/tag.tsx';
import { paths } from '../paths.ts';
import type { Text } from '../text/text.ts';
import type { Typed } from './fields.ts';
import { Letter, type LetterValues } from './letter.tsx';

/** What was typed, as hidden inputs under the same names: what is shown is what is sent. */
export function TypedHidden({ typed }: { typed: Typed }) {
  return (
    <>
      {Object.entries(typed).flatMap(([name, values]) =>
        values.map((value) => <input type="hidden" name={name} value={value} />),
      )}
    </>
  );
}

export function CheckForm({
  t,
  head,
  typed,
  key_,
  claim,
}: {
  t: Text;
  head: TaskHead;
  typed: Typed;
  key_: string;
  claim: number;
}) {
  return (
    <form id="check-form" class="stack" {...formAttributes(paths.sign(head.id))}>
      <Hidden values={{ key: key_, claim }} />
      <TypedHidden typed={typed} />
      <div class="actions">
        <button class="button primary" type="submit" aria-keyshortcuts="Control+Enter">
          {t.signing.goOn}
        </button>
        <a class="button" href={paths.task(head.id)}>
          {t.work.back}
        </a>
      </div>
      <p class="meta">{t.signing.nothingSent}</p>
    </form>
  );
}

export function Check({
  t,
  head,
  evidence,
  typed,
  values,
  parameters,
  now,
  by,
  operation,
  claim,
}: {
  t: Text;
  head: TaskHead;
  evidence: Evidence;
  typed: Typed;
  values: LetterValues;
  parameters: Parameters;
  now: Date;
  by: string;
  operation: string;
  claim: number;
}) {
  const notMet = CRITERIA.filter((criterion) => values.criteria?.[criterion] === 'not-met');
  return (
    <div class="split">
      <div class="stack-wide">
        {values.choice === 'accept' && notMet.length > 0 ? (
          <Notice tone="soon">
            <p>{t.work.contradictsAccept(t.list(notMet.map((criterion) => t.criteria[criterion])))}</p>
          </Notice>
        ) : null}
        <SummaryList t={t} rows={summaryRows(t, head, values)} />
        <StalePlace />
        <CheckForm t={t} head={head} typed={typed} key_={operation} claim={claim} />
      </div>
      <Letter
        t={t}
        title={t.work.letter.title}
        letter={{
          action: head.kind,
          values,
          caseNumber: head.case.number,
          patientName: evidence.patient.name,
          plan: evidence.plan,
          at: now,
          by,
          dueOf: (clock) => dueAfterOf(parameters)(clock, now.toISOString(), 0),
        }}
      />
    </div>
  );
}

function summaryRows(t: Text, head: TaskHead, values: LetterValues): SummaryRow[] {
  const change = (field: string) => ({ href: `${paths.task(head.id)}#${fieldId(field)}` });
  const rows: SummaryRow[] = [
    {
      term: t.task.outcome,
      value: <strong>{t.choices[head.kind][values.choice] ?? values.choice}</strong>,
      change: change('choice'),
    },
  ];
  if (values.criteria)
    for (const criterion of CRITERIA)
      rows.push({
        term: t.criteria[criterion],
        value:
          values.criteria[criterion] === 'met' ? (
            <Tag tone="good" word={t.judgements.met ?? ''} />
          ) : (
            <Tag tone="late" icon="circle-x" word={t.judgements['not-met'] ?? ''} />
          ),
        change: change('criteria'),
      });
  rows.push({
    term: t.fields.reasons,
    value: values.reasons ? <Said text={values.reasons} /> : '',
    change: change('reasons'),
  });
  if (values.disciplines && (values.choice === 'accept' || values.choice === 'grant'))
    rows.push({
      term: t.fields.disciplines,
      value: t.list(values.disciplines.map((d) => t.disciplines[d])),
      change: change('disciplines'),
    });
  if (values.choice === 'ask-papers' && values.papers)
    rows.push({
      term: t.fields.papers,
      value: (
        <ul>
          {values.papers.map((paper) => (
            <li>
              <Said inline text={paper} />
            </li>
          ))}
        </ul>
      ),
      change: change('papers'),
    });
  return rows;
}
