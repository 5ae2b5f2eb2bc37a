// Station 1, web: how a person gets in: whether they have a passkey, the link that stands for them, and the forms by which the security
// administrator makes one and withdraws it. A link is shown once, by the answer that made it.
import type { InvitationLine } from '../../db/views/invitations.ts';
import { makingRefusal } from '../../domain/invitations.ts';
import { Hidden } from '../layout.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { type FaultWords, faultAt } from '../parts/error-summary.tsx';
import { Field } from '../parts/field.tsx';
import { Moment } from '../parts/moment.tsx';
import { Notice } from '../parts/notice.tsx';
import { Said } from '../parts/said.tsx';
import { paths } from '../paths.ts';
import type { Text } from '../text/text.ts';

/** What was typed into the form for a link. */
export interface TypedLink {
  readonly reason: string;
  readonly faults: readonly FaultWords[];
}

export interface WaysInProps {
  readonly t: Text;
  readonly reader: string;
  readonly person: string;
  readonly ways: {
    readonly passkeys: number;
    readonly former: boolean;
    readonly link: InvitationLine | undefined;
  };
  /** Whether forms are offered: not before whoever reads has shown who they are. */
  readonly forms: boolean;
  readonly makeKey: string;
  readonly withdrawKey: string;
  readonly typed?: TypedLink | undefined;
}

export function WaysIn({ t, reader, person, ways, forms, makeKey, withdrawKey, typed }: WaysInProps) {
  const w = t.invitations;
  const { passkeys, former, link } = ways;
  const recovery = passkeys > 0 || former;
  return (
    <section class="stack" aria-labelledby="ways-in">
      <h2 id="ways-in">{w.title}</h2>
      <p>{passkeys > 0 ? w.passkeys(passkeys) : former ? w.formerPasskey : w.noPasskey}</p>
      {link ? (
        <div class="stack-tight">
          <p>
            {w.stands(link.maker ?? w.operator, t.dateTime(link.endsAt))}{' '}
            {link.confirmer ? w.confirmedBy(link.confirmer) : link.recovery ? w.waits : null}
          </p>
          {forms ? (
            <form method="post" action={paths.withdrawLink(person)}>
              <Hidden values={{ key: withdrawKey, link: link.id }} />
              <button class="button small" type="submit">
                {w.withdraw}
              </button>
            </form>
          ) : null}
        </div>
      ) : null}
      {forms && !makingRefusal(reader, person) ? (
        <form method="post" action={paths.invite(person)} class="card stack" novalidate>
          <h3>{recovery ? w.recover : w.make}</h3>
          <p class="soft">{recovery ? w.recoverHint : w.makeHint}</p>
          <Hidden values={{ key: makeKey }} />
          <Field
            t={t}
            name="wish"
            label={t.manage.why}
            hint={t.manage.whyHint}
            value={typed?.reason}
            maxlength={500}
            fault={faultAt(typed?.faults ?? [], 'wish')}
          />
          <p>
            <button class="button" type="submit">
              {w.make}
            </button>
          </p>
        </form>
      ) : null}
    </section>
  );
}

/** The answer that shows a link, once; or says that it was shown before. */
export function LinkShown({
  t,
  person,
  link,
  recovery,
  endsAt,
  passkeys,
}: {
  t: Text;
  person: string;
  /** Undefined when an earlier answer showed it. */
  link: string | undefined;
  recovery: boolean;
  endsAt: string;
  /** Whether the service is reached under a name, as passkeys demand. */
  passkeys: boolean;
}) {
  const w = t.invitations;
  return (
    <div class="stack">
      {link === undefined ? (
        <Notice tone="note">{w.shownBefore}</Notice>
      ) : (
        <Notice
          tone="good"
          actions={
            <button type="button" class="button small needs-script" data-copy={link}>
              {w.copy}
            </button>
          }
        >
          <p>
            <strong>{w.made}</strong> {w.shownOnce(t.dateTime(endsAt))}
          </p>
          <p>
            <code class="link-once" hx-ignore="">
              {link}
            </code>
          </p>
          {recovery ? <p>{w.waits}</p> : null}
        </Notice>
      )}
      {passkeys ? null : <p class="soft">{t.passkeys.needsName}</p>}
      <p>
        <a class="button" href={paths.person(person)}>
          {w.toPerson}
        </a>
      </p>
    </div>
  );
}

/** Links that wait for a second person. Whoever made one, or whom it is for, sees it and cannot confirm it. */
export function WaitingLinks({
  t,
  links,
  reader,
  keyOf,
}: {
  t: Text;
  links: readonly InvitationLine[];
  reader: string;
  /** A key for confirming a link; undefined while whoever reads has not shown who they are. */
  keyOf: ((link: InvitationLine) => string) | undefined;
}) {
  const w = t.invitations;
  return (
    <section class="stack" aria-labelledby="waiting-links">
      <h2 id="waiting-links">{w.waitingTitle}</h2>
      <p class="soft">{w.waitingLead}</p>
      <DataTable
        t={t}
        id="links"
        caption={w.waitingCaption}
        rows={links}
        rowId={(row) => `link-${row.id}`}
        columns={[
          {
            key: 'name',
            head: w.waitingFor,
            rowHead: true,
            cell: (row) => <Said inline text={row.name} />,
          },
          {
            key: 'maker',
            head: w.waitingMaker,
            cell: (row) => (
              <>
                <Said inline text={row.maker ?? w.operator} />
                {row.reason ? <Said text={row.reason} /> : null}
              </>
            ),
          },
          { key: 'until', head: w.waitingUntil, cell: (row) => <Moment t={t} at={row.endsAt} /> },
          {
            key: 'confirm',
            head: w.confirmLink,
            cell: (row) =>
              reader === row.madeBy || reader === row.personId ? (
                <span class="soft">{w.notYou}</span>
              ) : keyOf ? (
                <form method="post" action={paths.confirmLink(row.personId)}>
                  <Hidden values={{ key: keyOf(row), link: row.id }} />
                  <button class="button small" type="submit" aria-label={w.confirmNamed(row.name)}>
                    {w.confirmLink}
                  </button>
                </form>
              ) : (
                ''
              ),
          },
        ]}
      />
    </section>
  );
}
