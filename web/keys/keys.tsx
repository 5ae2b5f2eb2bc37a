// Station 1, web: a person's own keys and certificates, and everybody's for whoever looks after them. Forms and tables alone;
// what needs the browser's keys is done by the script, and said in words where there is none.
import type { Child } from 'hono/jsx';
import {
  CERTIFICATE_STATES,
  type CertificateLine,
  type CertificateState,
} from '../../db/views/certificates.ts';
import { ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { keyNameOf, readCertificate } from '../../ledger/certificates.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { assetUrl } from '../assets/manifest.ts';
import { Hidden } from '../layout.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { FilterBar } from '../parts/filter-bar.tsx';
import { Hash } from '../parts/hash.tsx';
import { Icon } from '../parts/icon.tsx';
import { Moment } from '../parts/moment.tsx';
import { Notice } from '../parts/notice.tsx';
import { Said } from '../parts/said.tsx';
import { Tag } from '../parts/tag.tsx';
import { paths } from '../paths.ts';
import type { Text } from '../text/text.ts';

/** A certificate that ends within this should be followed by another. */
const SOON_DAYS = 30;

/** Reasons a person may give for ending a certificate. */
export const REVOCATION_REASONS = ['lost', 'replaced', 'compromised', 'left'] as const;

/** The list from which a certificate is ended: a person's own, or everybody's. */
export type CertificateList = typeof paths.keys | typeof paths.certificates;

function State({ t, line, now }: { t: Text; line: CertificateLine; now: Date }) {
  const w = t.keys;
  if (line.revokedAt)
    return (
      <div>
        <Tag tone="late" icon="circle-x" word={w.states.revoked} />
        <div class="meta">
          {w.revokedFrom(t.dateTime(line.revokedAt), w.reasons[line.revocationReason ?? ''] ?? '')}
        </div>
      </div>
    );
  if (line.notAfter <= now.toISOString()) return <Tag tone="quiet" word={w.states.over} />;
  const soon = Date.parse(line.notAfter) - now.getTime() < SOON_DAYS * 86_400_000;
  return <Tag tone={soon ? 'soon' : 'good'} word={soon ? w.endsSoon : w.states['in-force']} />;
}

/** In a row of such a list: asks for the reason, and leads to the page that checks. */
function Revoking({ t, line, list }: { t: Text; line: CertificateLine; list: CertificateList }) {
  if (line.revokedAt) return null;
  const name = `reason-${line.id}`;
  const whose = (
    <span class="visually-hidden">
      {' '}
      <Said inline text={line.name} /> {line.fingerprint.slice(0, 8)}
    </span>
  );
  return (
    <form method="get" action={paths.checkRevocation(list)} class="cluster">
      <Hidden values={{ certificate: line.id }} />
      <label class="visually-hidden" for={name}>
        {t.keys.reason}
        {whose}
      </label>
      <select class="control fit" id={name} name="reason">
        {REVOCATION_REASONS.map((reason) => (
          <option value={reason}>{t.keys.reasons[reason]}</option>
        ))}
      </select>
      <button class="button small" type="submit">
        {t.keys.revoke}
        {whose}
      </button>
    </form>
  );
}

/** Makes a key in this browser and has it certified. `here`: the page it stands on is what needs the key, and is shown again. */
export function MakeKey({
  t,
  person,
  here = false,
  primary = true,
}: {
  t: Text;
  person: string;
  here?: boolean;
  primary?: boolean;
}) {
  const w = t.keys;
  return (
    <form
      id="make-key"
      class="stack-tight"
      method="post"
      action={paths.keys}
      data-make-key
      data-person={person}
      data-making={w.making}
      data-unstored={w.unstored}
      data-refused={w.refused}
      {...(here ? { 'data-stay': true } : {})}
    >
      <p class="soft">{w.makeHint}</p>
      <div class="cluster">
        <button class={primary ? 'button primary' : 'button'} type="submit" disabled>
          <Icon name="key-round" />
          {w.make}
        </button>
        <span role="status" />
      </div>
      <p class="soft" data-persisted data-kept={w.kept} data-loose={w.loose} />
      <noscript>
        <p>{t.signing.noScript}</p>
      </noscript>
    </form>
  );
}

export function Keys({
  t,
  person,
  lines,
  now,
  waiting,
  said,
  confirm,
  demonstration,
  outside,
  onward,
}: {
  t: Text;
  person: string;
  lines: readonly CertificateLine[];
  now: Date;
  waiting: number;
  said: string | undefined;
  /** Stands instead of the button until the person has shown who they are. */
  confirm: Child | undefined;
  demonstration: boolean;
  outside: boolean;
  /** The way to the person's work: after their first key, or past making it. */
  onward: { readonly href: string; readonly first: boolean } | undefined;
}) {
  const w = t.keys;
  const toWork = (
    <a class="button" href={onward?.href} id="to-work">
      {onward?.first ? w.later : w.toWork}
    </a>
  );
  return (
    <div class="stack-wide">
      {said ? (
        <Notice tone="good" actions={onward ? toWork : null}>
          <p>{said}</p>
        </Notice>
      ) : onward?.first ? (
        <Notice tone="note" icon="key-round" actions={toWork}>
          <p>{w.first}</p>
        </Notice>
      ) : null}
      {waiting > 0 ? (
        <Notice tone="note" icon="hourglass">
          <p>{w.waiting}</p>
        </Notice>
      ) : null}
      {outside ? (
        <Notice tone="soon">
          <p>{w.outside}</p>
        </Notice>
      ) : (
        (confirm ?? <MakeKey t={t} person={person} />)
      )}
      <section class="stack" aria-labelledby="certificates-title">
        <h2 id="certificates-title">{w.table}</h2>
        {lines.length === 0 ? (
          <EmptyState words={w.none} />
        ) : (
          <DataTable
            t={t}
            id="own-certificates"
            caption={w.table}
            rows={lines}
            rowId={(line) => `certificate-${line.id}`}
            columns={[
              {
                key: 'fingerprint',
                head: w.fingerprint,
                rowHead: true,
                cell: (line) => <Hash t={t} value={line.fingerprint} />,
              },
              { key: 'role', head: w.role, cell: (line) => t.roles[line.role] },
              {
                key: 'until',
                head: w.until,
                cell: (line) => <Moment t={t} at={line.notAfter} show="date" />,
              },
              {
                key: 'place',
                head: w.place,
                cell: (line) => (
                  <span data-key-here={keyNameIn(line)} data-here={w.here} data-elsewhere={w.elsewhere} />
                ),
              },
              { key: 'state', head: w.state, cell: (line) => <State t={t} line={line} now={now} /> },
              {
                key: 'revoke',
                head: w.revoke,
                cell: (line) => <Revoking t={t} line={line} list={paths.keys} />,
              },
            ]}
          />
        )}
        <p class="meta">{w.revokeHint}</p>
      </section>
      {demonstration ? <p class="meta">{t.signing.demonstration}</p> : null}
      <script src={assetUrl('keys.js')} defer />
    </div>
  );
}

const keyNameIn = (line: CertificateLine): string => {
  const certificate = readCertificate(line.pem);
  return certificate ? keyNameOf(certificate.publicKey, nodeHashing.hash) : '';
};

export function Certificates({
  t,
  lines,
  filters,
  now,
  said,
  demonstration,
}: {
  t: Text;
  lines: readonly CertificateLine[];
  filters: { readonly organisation: Organisation | undefined; readonly state: CertificateState | undefined };
  now: Date;
  said: string | undefined;
  demonstration: boolean;
}) {
  const w = t.keys;
  const filtered = filters.organisation !== undefined || filters.state !== undefined;
  return (
    <div class="stack">
      {said ? (
        <Notice tone="good">
          <p>{said}</p>
        </Notice>
      ) : null}
      <FilterBar
        t={t}
        action={paths.certificates}
        filters={[
          {
            name: 'organisation',
            label: w.organisation,
            control: 'select',
            value: filters.organisation ?? '',
            options: ORGANISATIONS.map((value) => ({ value, label: t.organisations[value] })),
          },
          {
            name: 'state',
            label: w.state,
            control: 'select',
            value: filters.state ?? '',
            options: CERTIFICATE_STATES.map((value) => ({ value, label: w.states[value] })),
          },
        ]}
        clearHref={filtered ? paths.certificates : undefined}
      />
      {lines.length === 0 ? (
        <EmptyState words={filtered ? w.noneFits : w.noneYet} />
      ) : (
        <DataTable
          t={t}
          id="certificates"
          caption={w.adminTitle}
          rows={lines}
          rowId={(line) => `certificate-${line.id}`}
          columns={[
            {
              key: 'person',
              head: w.person,
              rowHead: true,
              cell: (line) => <Said inline text={line.name} />,
            },
            {
              key: 'organisation',
              head: w.organisation,
              cell: (line) => t.organisations[line.organisation],
            },
            { key: 'role', head: w.role, cell: (line) => t.roles[line.role] },
            {
              key: 'fingerprint',
              head: w.fingerprint,
              cell: (line) => <Hash t={t} value={line.fingerprint} />,
            },
            { key: 'until', head: w.until, cell: (line) => <Moment t={t} at={line.notAfter} show="date" /> },
            { key: 'state', head: w.state, cell: (line) => <State t={t} line={line} now={now} /> },
            {
              key: 'revoke',
              head: w.revoke,
              cell: (line) => <Revoking t={t} line={line} list={paths.certificates} />,
            },
          ]}
        />
      )}
      <p class="meta">
        {w.renewHint} {w.revokeHint}
      </p>
      {demonstration ? <p class="meta">{t.signing.demonstration}</p> : null}
    </div>
  );
}
