// Station 1, web: a decision as the patient reads it: decision first, reasons second, remedies third (UI.md 4.14). Made from the values
// that are about to be sent, or from what stands recorded; plain words, no abbreviations.
import type { Child } from 'hono/jsx';
import { CRITERIA } from '../../domain/acts.ts';
import type { CaseClock } from '../../domain/lifecycle.ts';
import type { Discipline } from '../../domain/roles.ts';
import { Said } from '../parts/said.tsx';
import type { Moment } from '../text/formats.ts';
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

/** A decision of which a patient is told by letter. */
export interface LetterView {
  readonly action: string;
  readonly values: LetterValues;
  readonly caseNumber: string;
  readonly patientName: string;
  /** The plan that was decided on, where one was. */
  readonly plan: Parameters<typeof planWords>[1] | null | undefined;
  readonly at: Moment;
  readonly by: string;
  /** The last day of a limit that the decision starts. */
  readonly dueOf: (clock: CaseClock) => Moment;
}

/** `title` heads it where it is not the page itself. */
export function Letter({ t, letter, title }: { t: Text; letter: LetterView; title?: string }) {
  const { values, plan } = letter;
  const w = t.work.letter;
  const dayOf = (clock: CaseClock): string => t.date(letter.dueOf(clock));
  const fields = t.list((values.disciplines ?? []).map((d) => t.disciplines[d].toLowerCase()));
  const appeal = w.appealUntil(dayOf('appeal-period'));
  const { decision, next, remedy }: { decision: string; next?: Child; remedy?: string } = (() => {
    switch (`${letter.action} ${values.choice}`) {
      case 'decide-eligibility accept':
        return { decision: w.accept, next: w.acceptNext(fields, dayOf('assessment')) };
      case 'decide-eligibility refuse':
        return { decision: w.refuse, remedy: appeal };
      case 'decide-eligibility ask-papers':
        return { decision: w.ask, next: w.askNext(dayOf('papers-answer')) };
      case 'approve-plan approve':
        return {
          decision: w.planApproved,
          ...(plan ? { next: w.planNext(planWords(t, plan), dayOf('re-evaluation-interval')) } : {}),
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
  // Under a title of its own a letter's parts are one step further down.
  const Heading = ({ children }: { children?: Child }) => (title ? <h3>{children}</h3> : <h2>{children}</h2>);
  return (
    <section class="card stack letter" aria-label={title ?? w.letter}>
      {title ? <h2>{title}</h2> : null}
      <p class="meta">{w.about(letter.caseNumber, t.date(letter.at))}</p>
      <p>
        <Said inline text={letter.patientName} />
      </p>
      <p class="lead">
        <strong>{decision}</strong>
      </p>
      {values.choice === 'ask-papers' && values.papers ? (
        <div class="stack-tight">
          <Heading>{w.askList}</Heading>
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
          <Heading>{w.why}</Heading>
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
          <Heading>{w.next}</Heading>
          <p>{next}</p>
        </div>
      ) : null}
      {remedy ? (
        <div class="stack-tight">
          <Heading>{w.remedy}</Heading>
          <p>{remedy}</p>
        </div>
      ) : null}
      <p class="meta">{w.decidedBy(letter.by)}</p>
    </section>
  );
}
