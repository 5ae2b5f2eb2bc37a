// Station 1, web: the letter of a decision, for the patient or their guardian, as a page that prints. Made from what stands recorded;
// whoever is neither gets the same answer as for a letter that does not exist.
import { randomUUID } from 'node:crypto';
import type { ClockRow, DecisionRow } from '../../db/views/case.ts';
import { clocksOf, decisionsOf, patientOf, planOf } from '../../db/views/case.ts';
import { type EntryRow, entriesOf } from '../../db/views/entries.ts';
import { type CaseClock, CHOICES } from '../../domain/lifecycle.ts';
import { dueAfterOf, type Parameters } from '../../domain/parameters.ts';
import { refuse } from '../../domain/refusal.ts';
import type { Relation } from '../../domain/roles.ts';
import { caseToSee } from '../cases/see.tsx';
import { proofOf } from '../cases/trail.tsx';
import type { WebDeps } from '../deps.ts';
import { signedIn } from '../guard.ts';
import { PrintFrame } from '../parts/print-frame.tsx';
import { ProofMark, proofWords } from '../parts/proof-mark.tsx';
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
    const entry = await entryOf(deps, head.id, decision);
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
      <PrintFrame
        t={t}
        authority={authority}
        caseNumber={head.number}
        printedAt={deps.now()}
        date={decision.at}
        state={entry && proofWords(t, proofOf(entry))}
        hash={entry?.id}
      >
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
          {entry ? (
            <p class="cluster meta">
              {entry.signed ? <span>{t.signing.signedBy(entry.by.name ?? t.words.none)}</span> : null}
              <ProofMark t={t} proof={proofOf(entry)} />
            </p>
          ) : null}
        </div>
      </PrintFrame>,
    );
  });
}

/** The decision's own entry, which stands under the instant it was decided at. */
async function entryOf(
  { db }: Pick<WebDeps, 'db'>,
  id: string,
  { action, at }: DecisionRow,
): Promise<EntryRow | undefined> {
  const until = new Date(Date.parse(at) + 1).toISOString();
  const rows = await entriesOf(db, { subject: { kind: 'case', id }, from: at, until }, 20);
  return rows.find(({ decision }) => decision?.action === action);
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
