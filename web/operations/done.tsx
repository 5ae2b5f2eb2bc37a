// Station 1, web: what became of an act, read from its operation's row: the only thing a screen may call done. A person sees
// their own operations and nobody else's. Writes nothing.
import { and, eq } from 'drizzle-orm';
import type { Child } from 'hono/jsx';
import { measurements, operations } from '../../db/schema.ts';
import { alertsOfCodes } from '../../domain/alerts.ts';
import type { Alert } from '../../domain/instruments/instrument.ts';
import { ACTIONS, type Action } from '../../domain/lifecycle.ts';
import { isOperationKey } from '../../domain/operation-key.ts';
import { allows } from '../../domain/permissions.ts';
import { isRefusal, type Refusal } from '../../domain/refusal.ts';
import type { Done } from '../../workflows/messages.ts';
import { AcknowledgeLink } from '../alerts/alerts.tsx';
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

/** An alert that an act raised, with the measurement that did. */
interface Raised {
  readonly measurement: string;
  readonly alert: Alert;
}

/** The alerts that an act raised, in the words of their instruments; read back from what it recorded. */
async function alertsOf(deps: Pick<WebDeps, 'db'>, operation: string): Promise<Raised[]> {
  const rows = await deps.db
    .select({ measurement: measurements.id, codes: measurements.alerts })
    .from(measurements)
    .innerJoin(operations, eq(operations.entryId, measurements.entryId))
    .where(eq(operations.id, operation));
  return rows.flatMap(({ measurement, codes }) =>
    alertsOfCodes(codes).map((alert) => ({ measurement, alert })),
  );
}

/** "Your decision on RC-… is recorded", with what a measurement demands of somebody today. */
export function DoneNotice({
  t,
  outcome,
  alerts = [],
  acknowledges = false,
  caseHref,
  receipt,
}: {
  t: Text;
  outcome: Extract<Outcome, { kind: 'done' }>;
  alerts?: readonly Raised[];
  /** Whether the reader can be led to where an alert is acknowledged. */
  acknowledges?: boolean;
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
      {alerts.map(({ measurement, alert }) => (
        <Notice
          tone="late"
          actions={
            acknowledges && alert.level === 'immediate' ? (
              <AcknowledgeLink t={t} alert={{ ...outcome.done, id: measurement }} />
            ) : undefined
          }
        >
          <p>
            <strong>{t.work.alertTitle}.</strong> {alert.text[t.lang]}
          </p>
        </Notice>
      ))}
    </div>
  );
}

/** The notice for `?done=OPERATION` of a list, or nothing; without the alerts that the page itself shows. */
export async function doneNotice(
  deps: WebDeps,
  t: Text,
  session: Session,
  operation: string | undefined,
  shown: readonly { readonly id: string }[] = [],
): Promise<Child> {
  if (!operation) return null;
  const outcome = await outcomeOf(deps, session.person, operation);
  if (outcome?.kind !== 'done') return null;
  const raised = outcome.done.alerts.length > 0 ? await alertsOf(deps, operation) : [];
  return (
    <DoneNotice
      t={t}
      outcome={outcome}
      alerts={raised.filter(({ measurement }) => !shown.some(({ id }) => id === measurement))}
      acknowledges={allows(session.role, 'alert.acknowledge')}
      caseHref={paths.case(outcome.done.caseId)}
      receipt={await receiptNote(deps, t, session, operation)}
    />
  );
}
