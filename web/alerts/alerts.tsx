// Station 1, web: a safety alert as people meet it: on My day, on the case, and on the page where it is acknowledged. One wording
// and one mark of time for all of them. Decides nothing.
import type { Child } from 'hono/jsx';
import type { AcknowledgementRow, CaseAlert, OpenAlert } from '../../db/views/alerts.ts';
import { ACKNOWLEDGEMENT_REASONS, acknowledgeBy, alertsOfCodes } from '../../domain/alerts.ts';
import type { Parameters } from '../../domain/parameters.ts';
import { byTimeView } from '../clock-view.ts';
import { Hidden } from '../layout.tsx';
import { ClockBar } from '../parts/clock-bar.tsx';
import { type FaultWords, faultAt } from '../parts/error-summary.tsx';
import { Field } from '../parts/field.tsx';
import { Moment } from '../parts/moment.tsx';
import { Notice } from '../parts/notice.tsx';
import { Said } from '../parts/said.tsx';
import { Who } from '../parts/who.tsx';
import { paths } from '../paths.ts';
import type { Text } from '../text/text.ts';

interface Telling {
  readonly t: Text;
  readonly parameters: Pick<Parameters, 'figures'>;
  readonly now: Date;
}

/** What an alert says, in the instruments' own words. */
export const alertWords = (t: Text, codes: readonly string[]): string[] =>
  alertsOfCodes(codes, 'immediate').map(({ text }) => text[t.lang]);

/** By when it must be acknowledged, with the mark that limits have. */
function ByTime({ t, parameters, now, since }: Telling & { since: string }) {
  const by = acknowledgeBy(parameters, since);
  return (
    <p class="cluster">
      <span>
        {t.alerts.by} <Moment t={t} at={new Date(by)} />
      </span>
      <ClockBar t={t} clock={byTimeView(since, by, now)} gauge={false} />
    </p>
  );
}

/** The link to the page where an alert is acknowledged. */
export function AcknowledgeLink({
  t,
  alert: { caseId, id, number },
}: {
  t: Text;
  alert: Pick<OpenAlert, 'caseId' | 'id' | 'number'>;
}) {
  return (
    <a class="button" href={paths.alert(caseId, id)}>
      {t.alerts.acknowledge}
      <span class="visually-hidden"> {number}</span>
    </a>
  );
}

/**
 * An alert that waits. `named` says whose it is, where the page does not; `act` offers to acknowledge it, or says who may, where
 * the page does neither by itself.
 */
export function WaitingAlert({
  alert,
  act,
  named = false,
  ...telling
}: Telling & { alert: OpenAlert; act?: 'offer' | 'others'; named?: boolean }) {
  const { t } = telling;
  return (
    <Notice
      tone="late"
      id={`alert-${alert.id}`}
      actions={
        <>
          {act === 'offer' ? <AcknowledgeLink t={t} alert={alert} /> : null}
          {named ? (
            <a class="button" href={paths.case(alert.caseId, 'measures')}>
              {t.work.seeCase}
              <span class="visually-hidden"> {alert.number}</span>
            </a>
          ) : null}
        </>
      }
    >
      <p>
        <strong>
          {t.work.alertTitle}
          {t.marks.stop}
        </strong>{' '}
        {named ? (
          <>
            <span class="figures">{alert.number}</span> <Said inline text={alert.initials} />
          </>
        ) : null}
      </p>
      {alertWords(t, alert.codes).map((words) => (
        <p>
          {words}{' '}
          <span class="soft nowrap">
            <Moment t={t} at={alert.at} />
          </span>
        </p>
      ))}
      <ByTime {...telling} since={alert.since} />
      {act === 'others' ? <p class="soft">{t.alerts.who}</p> : null}
    </Notice>
  );
}

/** What was done about an alert: who, when, what. */
export function TakenUp({ t, row, reader }: { t: Text; row: AcknowledgementRow; reader: string }) {
  return (
    <>
      <p>
        <strong>
          {t.alerts.reasons[row.reason]}
          {t.marks.stop}
        </strong>
      </p>
      {row.note ? <Said text={row.note} /> : null}
      <p class="meta">
        <Who
          t={t}
          who={{
            name: row.by.name ?? undefined,
            role: row.role,
            organisation: row.by.organisation ?? undefined,
            you: row.by.id === reader,
          }}
        />
        , <Moment t={t} at={row.at} />
      </p>
    </>
  );
}

/** Alerts of a case that somebody has taken up. */
export function TakenUpAlerts({
  t,
  alerts,
  reader,
}: {
  t: Text;
  alerts: readonly CaseAlert[];
  reader: string;
}) {
  const done = alerts.flatMap(({ acknowledged, ...alert }) =>
    acknowledged ? [{ ...alert, acknowledged }] : [],
  );
  if (done.length === 0) return null;
  return (
    <section class="stack-tight" aria-labelledby="taken-up">
      <h2 id="taken-up">{t.alerts.takenUp}</h2>
      <ul class="plain columns">
        {done.map(({ id, codes, at, acknowledged }) => (
          <li class="card stack-tight" id={`taken-up-${id}`}>
            {alertWords(t, codes).map((words) => (
              <p class="soft">
                {words}{' '}
                <span class="nowrap">
                  <Moment t={t} at={at} />
                </span>
              </p>
            ))}
            <TakenUp t={t} row={acknowledged} reader={reader} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The form in which an alert is acknowledged. */
export function AcknowledgeForm({
  t,
  action,
  operation,
  reason,
  note,
  faults,
}: {
  t: Text;
  action: string;
  operation: string;
  reason: string;
  note: string;
  faults: readonly FaultWords[];
}): Child {
  return (
    <form method="post" action={action} class="stack" novalidate>
      <Hidden values={{ key: operation }} />
      <Field
        t={t}
        name="reason"
        label={t.alerts.reason}
        control="radios"
        layout="boxed"
        value={reason}
        options={ACKNOWLEDGEMENT_REASONS.map((value) => ({ value, label: t.alerts.reasons[value] }))}
        fault={faultAt(faults, 'reason')}
      />
      <Field
        t={t}
        name="note"
        label={t.alerts.note}
        hint={t.alerts.noteHint}
        control="textarea"
        rows={3}
        maxlength={2000}
        value={note}
        fault={faultAt(faults, 'note')}
      />
      <p>
        <button class="button primary" type="submit">
          {t.alerts.acknowledge}
        </button>
      </p>
    </form>
  );
}
