// Station 1, web: a decision as the patient will read it: decision first, reasons second, remedies third (UI.md 4.14). Made from
// the values that are about to be sent; plain words, no abbreviations.
import type { Child } from 'hono/jsx';
import type { Evidence, TaskHead } from '../../db/views/task.ts';
import { CRITERIA } from '../../domain/acts.ts';
import type { CaseClock } from '../../domain/lifecycle.ts';
import { dueAfterOf, type Parameters } from '../../domain/parameters.ts';
import type { Discipline } from '../../domain/roles.ts';
import { Said } from '../parts/said.tsx';
import type { Text } from '../text/text.ts';
import { planWords } from './evidence.tsx';

/** What the letter is made from: the checked values, as `readActValues` gave them. */
export interface LetterValues {
  readonly choice: string;
  readonly reasons?: string;
  readonly criteria?: Readonly<Record<string, string>> | undefined;
  readonly disciplines?: readonly Discipline[];
  readonly papers?: readonly string[];
}

export function Letter({
  t,
  head,
  evidence,
  values,
  parameters,
  now,
  by,
}: {
  t: Text;
  head: TaskHead;
  evidence: Evidence;
  values: LetterValues;
  parameters: Parameters;
  now: Date;
  by: string;
}) {
  const w = t.work.letter;
  const dueAfter = dueAfterOf(parameters);
  const dayOf = (clock: CaseClock): string => t.date(dueAfter(clock, now.toISOString(), 0));
  const fields = t.list((values.disciplines ?? []).map((d) => t.disciplines[d].toLowerCase()));
  const appeal = w.appealUntil(dayOf('appeal-period'));
  const { decision, next, remedy }: { decision: string; next?: Child; remedy?: string } = (() => {
    switch (`${head.kind} ${values.choice}`) {
      case 'decide-eligibility accept':
        return { decision: w.accept, next: w.acceptNext(fields, dayOf('assessment')) };
      case 'decide-eligibility refuse':
        return { decision: w.refuse, remedy: appeal };
      case 'decide-eligibility ask-papers':
        return { decision: w.ask, next: w.askNext(dayOf('papers-answer')) };
      case 'approve-plan approve':
        return {
          decision: w.planApproved,
          ...(evidence.plan
            ? { next: w.planNext(planWords(t, evidence.plan), dayOf('re-evaluation-interval')) }
            : {}),
        };
      case 'approve-plan send-back':
        return { decision: w.planBack, next: w.planBackNext };
      case 'decide-outcome approve':
        return { decision: w.outcome, next: w.outcomeNext(dayOf('follow-up-interval')) };
      case 'decide-outcome send-back':
        return { decision: w.outcomeBack, next: w.outcomeBackNext };
      case 'decide-appeal grant':
        return { decision: w.grant, next: w.acceptNext(fields, dayOf('assessment')) };
      default:
        return { decision: w.uphold, next: w.upholdNext };
    }
  })();
  const notMet =
    values.choice === 'refuse'
      ? CRITERIA.filter((criterion) => values.criteria?.[criterion] === 'not-met')
      : [];
  // Reasons of what is sent back are for colleagues; the patient reads what follows from it.
  const why = values.choice === 'send-back' ? '' : (values.reasons ?? '');
  return (
    <section class="card stack letter" aria-labelledby="letter-title">
      <h2 id="letter-title">{w.title}</h2>
      <p class="meta">{w.about(head.case.number, t.date(now))}</p>
      <p>
        <Said inline text={evidence.patient.name} />
      </p>
      <p class="lead">
        <strong>{decision}</strong>
      </p>
      {values.choice === 'ask-papers' && values.papers ? (
        <div class="stack-tight">
          <h3>{w.askList}</h3>
          <ul>
            {values.papers.map((paper) => (
              <li>
                <Said inline text={paper} />
              </li>
            ))}
          </ul>
        </div>
      ) : null}
      {why || notMet.length > 0 ? (
        <div class="stack-tight">
          <h3>{w.why}</h3>
          {notMet.length > 0 ? (
            <ul>
              {notMet.map((criterion) => (
                <li>{w.notMet(t.criteria[criterion])}</li>
              ))}
            </ul>
          ) : null}
          {why ? <Said text={why} /> : null}
        </div>
      ) : null}
      {next ? (
        <div class="stack-tight">
          <h3>{w.next}</h3>
          <p>{next}</p>
        </div>
      ) : null}
      {remedy ? (
        <div class="stack-tight">
          <h3>{w.remedy}</h3>
          <p>{remedy}</p>
        </div>
      ) : null}
      <p class="meta">{w.decidedBy(by)}</p>
    </section>
  );
}
