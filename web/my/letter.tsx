// Station 1, web: the letter of a decision, for the patient or their guardian, as a page that prints. Made from what stands recorded;
// whoever is neither gets the same answer as for a letter that does not exist.
import { randomUUID } from 'node:crypto';
import type { ClockRow, DecisionRow } from '../../db/views/case.ts';
import { clocksOf, decisionsOf, patientOf, planOf } from '../../db/views/case.ts';
import { type CaseClock, CHOICES } from '../../domain/lifecycle.ts';
import { dueAfterOf, type Parameters } from '../../domain/parameters.ts';
import { refuse } from '../../domain/refusal.ts';
import type { Relation } from '../../domain/roles.ts';
import { caseToSee } from '../cases/see.tsx';
import type { WebDeps } from '../deps.ts';
import { signedIn } from '../guard.ts';
import { PrintFrame } from '../parts/print-frame.tsx';
import { paths } from '../paths.ts';
import { recordRefusal } from '../recorded.ts';
import { pageAnswer, refusedPage, wordsFor } from '../respond.tsx';
import type { Routes } from '../routes.ts';
import { Letter, type LetterValues } from '../tasks/letter.tsx';

/** Decisions of which a patient is told by letter. */
const LETTERS = ['decide-eligibility', 'approve-plan', 'decide-outcome', 'decide-appeal'] as const;

/** Whether a decision comes with a letter, and this reader may open it. */
export const hasLetter = (decision: DecisionRow, own: Relation | undefined): boolean =>
  (own === 'patient' || own === 'guardian') &&
  LETTERS.some(
    (action) =>
      action === decision.action && (CHOICES[action] as readonly string[]).includes(decision.choice ?? ''),
  );

export function letterRoute(r: Routes, deps: WebDeps): void {
  r.get('/cases/:id/letters/:decision', 'case.see-own', async (c) => {
    const session = signedIn(c);
    const seen = await caseToSee(c, deps, session, 'letter', 'case.see-own');
    if (seen instanceof Response) return seen;
    const { head, own } = seen;
    const [decisions, clocks, patient] = await Promise.all([
      decisionsOf(deps.db, head.id),
      clocksOf(deps.db, head.id),
      patientOf(deps.db, head.patientId),
    ]);
    const decision = decisions.find(({ id }) => id === c.req.param('decision'));
    if (!decision || !hasLetter(decision, own)) {
      const refusal = refuse('unknown');
      await recordRefusal(deps.recorder, `refusal-${randomUUID()}`, session, 'case.see-own', refusal, {
        caseId: head.id,
      });
      return await refusedPage(c, deps, refusal);
    }
    const t = wordsFor(c, deps);
    const number = decision.details?.plan;
    const { plan } =
      typeof number === 'number' ? await planOf(deps.db, head.id, number) : { plan: undefined };
    const authority = decision.by.organisation ? t.organisations[decision.by.organisation] : t.service;
    return await pageAnswer(
      c,
      deps,
      {
        title: t.work.letter.letter,
        caseNumber: head.number,
        lead: authority,
        back: { href: paths.case(head.id), words: t.case.title(head.number) },
        audience: 'patient',
      },
      <PrintFrame t={t} authority={authority} caseNumber={head.number} printedAt={deps.now()}>
        <div class="my">
          <Letter
            t={t}
            letter={{
              action: decision.action,
              values: {
                ...(decision.details as Partial<LetterValues> | null),
                choice: decision.choice ?? '',
                reasons: decision.reasons ?? '',
                criteria: decision.criteria ?? undefined,
              },
              caseNumber: head.number,
              patientName: patient?.name ?? '',
              plan,
              at: decision.at,
              by: decision.by.name ?? '',
              dueOf: (clock) => startedBy(decision, clock, clocks, deps.parameters),
            }}
          />
        </div>
      </PrintFrame>,
    );
  });
}

/** The day of a limit that a decision started: as it stands recorded, else as it is counted. */
const startedBy = (
  { at }: DecisionRow,
  clock: CaseClock,
  clocks: readonly ClockRow[],
  parameters: Parameters,
): string =>
  clocks.find((row) => row.clock === clock && row.startedAt === at)?.dueAt ??
  dueAfterOf(parameters)(clock, at, 0);
