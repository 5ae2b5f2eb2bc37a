// Station 1, web: what became of an act, read from its operation's row: the only thing a screen may call done. A person sees
// their own operations and nobody else's. Writes nothing.
import { and, desc, eq } from 'drizzle-orm';
import type { Child } from 'hono/jsx';
import { measurements, operations } from '../../db/schema.ts';
import type { Alert, Answers } from '../../domain/instruments/instrument.ts';
import { instrumentById } from '../../domain/instruments/registry.ts';
import { ACTIONS, type Action } from '../../domain/lifecycle.ts';
import { isOperationKey } from '../../domain/operation-key.ts';
import { isRefusal, type Refusal } from '../../domain/refusal.ts';
import type { Done } from '../../workflows/messages.ts';
import type { Session, WebDeps } from '../deps.ts';
import { Notice } from '../parts/notice.tsx';
import { paths } from '../paths.ts';
import type { Text } from '../text/text.ts';
import { receiptNote } from './receipt.tsx';

export type Outcome =
  | { readonly kind: 'done'; readonly action: Action; readonly done: Done }
  | { readonly kind: 'refused'; readonly action: string; readonly refusal: Refusal }
  | { readonly kind: 'other'; readonly action: string };

/** What an operation of this person came to, or undefined while there is no answer (or it is not theirs). */
export async function outcomeOf(
  deps: Pick<WebDeps, 'db'>,
  person: string,
  operation: string,
): Promise<Outcome | undefined> {
  if (!isOperationKey(operation)) return undefined;
  const [row] = await deps.db
    .select({ action: operations.action, answer: operations.answer })
    .from(operations)
    .where(and(eq(operations.id, operation), eq(operations.personId, person)));
  if (!row) return undefined;
  const { answer } = row;
  if (isRefusal(answer)) return { kind: 'refused', action: row.action, refusal: answer };
  const action = ACTIONS.find((known) => known === row.action);
  return action && (answer as { kind?: string } | null)?.kind === 'done'
    ? { kind: 'done', action, done: answer as unknown as Done }
    : { kind: 'other', action: row.action };
}

/** The alerts that an act raised, in the words of their instruments; read back from what it recorded. */
export async function alertsOf(deps: Pick<WebDeps, 'db'>, done: Done): Promise<readonly Alert[]> {
  if (done.alerts.length === 0) return [];
  const rows = await deps.db
    .select({ instrument: measurements.instrument, answers: measurements.answers })
    .from(measurements)
    .where(eq(measurements.caseId, done.caseId))
    .orderBy(desc(measurements.measuredAt))
    .limit(8);
  const known = rows.flatMap((row) => [
    ...(instrumentById(row.instrument)?.score(row.answers as Answers).alerts ?? []),
  ]);
  return [...new Set(done.alerts)].flatMap((code) => known.find((alert) => alert.code === code) ?? []);
}

/** "Your decision on RC-… is recorded", with what a measurement demands of somebody today. */
export function DoneNotice({
  t,
  outcome,
  alerts = [],
  caseHref,
  receipt,
}: {
  t: Text;
  outcome: Extract<Outcome, { kind: 'done' }>;
  alerts?: readonly Alert[];
  caseHref?: string | undefined;
  receipt?: Child;
}) {
  return (
    <div class="stack">
      <Notice
        tone="good"
        actions={
          caseHref ? (
            <a class="button small" href={caseHref}>
              {t.work.seeCase}
            </a>
          ) : undefined
        }
      >
        <p>{t.done[outcome.action](outcome.done.number)}</p>
        {receipt}
      </Notice>
      {alerts.map((alert) => (
        <Notice tone="late">
          <p>
            <strong>{t.work.alertTitle}.</strong> {alert.text[t.lang]}
          </p>
        </Notice>
      ))}
    </div>
  );
}

/** The notice for `?done=OPERATION` of a list, or nothing. */
export async function doneNotice(
  deps: WebDeps,
  t: Text,
  session: Session,
  operation: string | undefined,
): Promise<Child> {
  if (!operation) return null;
  const outcome = await outcomeOf(deps, session.person, operation);
  if (outcome?.kind !== 'done') return null;
  return (
    <DoneNotice
      t={t}
      outcome={outcome}
      alerts={await alertsOf(deps, outcome.done)}
      caseHref={paths.case(outcome.done.caseId)}
      receipt={await receiptNote(deps, t, session, operation)}
    />
  );
}
