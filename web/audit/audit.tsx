// Station 1, web: what an auditor sees first: whether all is sound, and if not, where. Then refused acts and the newest entries.
// Prints what the run reported; it judges nothing itself.
import type { EntryRow } from '../../db/views/entries.ts';
import type { RefusalLine } from '../../db/views/people.ts';
import { ACTIONS, type Action } from '../../domain/lifecycle.ts';
import type { Finding, VerifyReport } from '../../ledger/verify.ts';
import { proofOf } from '../cases/trail.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { Icon } from '../parts/icon.tsx';
import { Moment } from '../parts/moment.tsx';
import { Notice } from '../parts/notice.tsx';
import { ProofMark } from '../parts/proof-mark.tsx';
import { Said } from '../parts/said.tsx';
import { SummaryList } from '../parts/summary-list.tsx';
import { Tag } from '../parts/tag.tsx';
import { Who } from '../parts/who.tsx';
import { paths } from '../paths.ts';
import type { Attempt } from '../text/en.ts';
import type { Text } from '../text/text.ts';
import type { Verifying } from './verifying.ts';

/** Findings shown one by one; a broken store can give very many. */
const SHOWN = 200;

/** The state of verification. While a run goes on the part asks for itself again. */
export function VerifyStatus({ t, state }: { t: Text; state: ReturnType<Verifying['state']> }) {
  const { running, startedAt, report, failed } = state;
  return (
    <section
      class="stack"
      id="verify"
      aria-labelledby="verify-title"
      {...(running
        ? {
            'hx-get': paths.audit,
            'hx-trigger': 'load delay:2s',
            'hx-target': 'this',
            // A new element each time: a morphed one does not load again, and so would ask only once.
            'hx-swap': 'outerHTML',
          }
        : {})}
    >
      <div class="card stack">
        <div class="spread">
          <div class="stack-tight">
            <h2 id="verify-title" tabindex={-1}>
              {running ? t.audit.running : report ? headline(t, report) : t.audit.never}
            </h2>
            {startedAt ? (
              <p class="meta">
                {running ? t.auditing.startedAt(t.dateTime(startedAt)) : t.audit.last(t.dateTime(startedAt))}
                {report && !running
                  ? `, ${t.audit.took} ${t.audit.seconds(t.number(report.seconds, 1))}`
                  : ''}
              </p>
            ) : null}
          </div>
          <form method="post" action={paths.verify}>
            <button class="button primary" type="submit" disabled={running}>
              <Icon name="shield-check" />
              {t.audit.run}
            </button>
          </form>
        </div>
        {failed ? (
          <Notice tone="late">
            <p>{t.auditing.failed}</p>
          </Notice>
        ) : null}
        {report ? (
          <>
            <p class="cluster">
              <Tag
                tone={report.status === 'sound' ? 'good' : 'late'}
                word={t.audit[report.status]}
                {...(report.status === 'unreadable' ? { icon: 'circle-help' as const } : {})}
              />
              <span>{explained(t, report)}</span>
            </p>
            <SummaryList
              t={t}
              plain
              rows={[
                { term: t.audit.size, value: <span class="figures">{t.number(report.size)}</span> },
                {
                  term: t.audit.entries,
                  value: <span class="figures">{t.number(report.counts.entries)}</span>,
                },
                {
                  term: t.audit.leaves,
                  value: <span class="figures">{t.number(report.counts.leaves)}</span>,
                },
                ...Object.entries(report.counts.anchored).map(([organisation, n]) => ({
                  term: t.audit.anchored(
                    t.organisations[organisation as keyof typeof t.organisations] ?? organisation,
                  ),
                  value: <span class="figures">{t.number(n)}</span>,
                })),
                {
                  term: t.audit.pending,
                  value: <span class="figures">{t.number(report.counts.pending)}</span>,
                },
                ...(report.counts.cosigned === undefined
                  ? []
                  : [
                      {
                        term: t.audit.cosigned,
                        value: <span class="figures">{t.number(report.counts.cosigned)}</span>,
                      },
                    ]),
                {
                  term: t.audit.cases,
                  value:
                    report.counts.cases === undefined ? (
                      t.audit.casesLeftOut
                    ) : (
                      <span class="figures">{t.number(report.counts.cases)}</span>
                    ),
                },
              ]}
            />
          </>
        ) : null}
      </div>
      {report && report.findings.length > 0 ? (
        <Findings t={t} findings={report.findings} />
      ) : report ? (
        <p class="soft">{t.audit.noFindings}</p>
      ) : null}
      {report && report.notes.length > 0 ? (
        <div class="stack-tight">
          <h2>{t.audit.notes}</h2>
          <ul>
            {report.notes.slice(0, SHOWN).map(({ says }) => (
              <li>
                <Said inline text={says} />
              </li>
            ))}
          </ul>
        </div>
      ) : null}
    </section>
  );
}

const headline = (t: Text, report: VerifyReport): string => t.audit[report.status];

function explained(t: Text, report: VerifyReport): string {
  switch (report.status) {
    case 'sound':
      return t.audit.soundText(report.size);
    case 'tampered':
      return t.audit.tamperedText(report.findings.length);
    case 'unreadable':
      return t.audit.unreadableText;
    default:
      return report.status satisfies never;
  }
}

function Findings({ t, findings }: { t: Text; findings: readonly Finding[] }) {
  const size = (at: number | null) => (at === null ? t.words.unknown : `#${t.number(at)}`);
  return (
    <div class="stack-tight">
      <h2>
        {t.audit.findings} <span class="soft figures">{t.number(findings.length)}</span>
      </h2>
      <DataTable
        t={t}
        id="findings"
        caption={t.audit.findings}
        rows={findings.slice(0, SHOWN).map((finding, index) => ({ ...finding, index }))}
        rowId={(row) => `finding-${row.index}`}
        columns={[
          {
            key: 'says',
            head: t.auditing.whatHappened,
            rowHead: true,
            cell: (row) => (
              <>
                <Tag
                  tone="late"
                  word={`${t.audit.stores[row.store] ?? row.store}: ${t.audit.kinds[row.kind] ?? row.kind}`}
                />{' '}
                <Said inline text={row.says} />
              </>
            ),
          },
          { key: 'table', head: t.audit.table, cell: (row) => (row.table ? <code>{row.table}</code> : '') },
          { key: 'row', head: t.audit.row, cell: (row) => (row.row ? <code>{row.row}</code> : '') },
          {
            key: 'column',
            head: t.audit.column,
            cell: (row) => (row.column ? <code>{row.column}</code> : ''),
          },
          {
            key: 'against',
            head: t.audit.against,
            cell: (row) =>
              row.disagrees === null || row.agree.length === 0
                ? ''
                : t.audit.standsAlone(
                    witness(t, row.disagrees),
                    t.list(row.agree.map((name) => witness(t, name))),
                  ),
          },
          { key: 'right', head: t.audit.rightAt, cell: (row) => size(row.rightAt) },
          { key: 'wrong', head: t.audit.wrongAt, cell: (row) => size(row.wrongAt) },
        ]}
      />
      {findings.length > SHOWN ? <p>{t.auditing.more(findings.length - SHOWN)}</p> : null}
    </div>
  );
}

/** A store, or an organisation's own peer, as a person calls it. */
function witness(t: Text, name: string): string {
  const organisation = name.replace(/^peer-/, '');
  return organisation === name
    ? (t.audit.stores[name] ?? name)
    : t.audit.peer(t.organisations[organisation as keyof typeof t.organisations] ?? organisation);
}

/** What was attempted, in words where there are some. */
const actWords = (t: Text, action: string): string =>
  (ACTIONS as readonly string[]).includes(action)
    ? t.actions[action as Action]
    : (t.auditing.attempts[action as Attempt] ?? action);

export function Refusals({ t, rows }: { t: Text; rows: readonly RefusalLine[] }) {
  if (rows.length === 0) return <EmptyState words={t.auditing.refusalsNone} />;
  return (
    <DataTable
      t={t}
      id="refusals"
      caption={t.auditing.refusals}
      rows={rows}
      rowId={(row) => `refusal-${row.id}`}
      columns={[
        { key: 'at', head: t.auditing.when, cell: (row) => <Moment t={t} at={row.at} /> },
        {
          key: 'who',
          head: t.auditing.person,
          rowHead: true,
          cell: (row) => <Who t={t} who={{ name: row.name ?? t.words.unknown, role: row.role }} full />,
        },
        { key: 'act', head: t.auditing.action, cell: (row) => actWords(t, row.action) },
        { key: 'code', head: t.auditing.code, cell: (row) => t.auditing.codes[row.code] ?? row.code },
        {
          key: 'case',
          head: t.auditing.case,
          cell: (row) =>
            row.caseId && row.caseNumber ? (
              <a class="nowrap" href={paths.case(row.caseId)}>
                {row.caseNumber}
              </a>
            ) : (
              ''
            ),
        },
      ]}
    />
  );
}

export function EntryList({ t, rows }: { t: Text; rows: readonly EntryRow[] }) {
  if (rows.length === 0) return <EmptyState words={t.auditing.entriesNone} />;
  return (
    <DataTable
      t={t}
      id="entries"
      caption={t.audit.latest}
      rows={rows}
      rowId={(row) => `entry-${row.id}`}
      columns={[
        { key: 'at', head: t.auditing.when, cell: (row) => <Moment t={t} at={row.at} /> },
        {
          key: 'event',
          head: t.audit.event,
          rowHead: true,
          cell: (row) => {
            const words = t.events[row.event] ?? row.event;
            return row.witness
              ? t.eventWithChoice(words, t.organisations[row.witness] ?? row.witness)
              : words;
          },
        },
        {
          key: 'who',
          head: t.auditing.person,
          cell: (row) => (
            <Who
              t={t}
              who={{ name: row.by.name ?? undefined, organisation: row.by.organisation ?? undefined }}
            />
          ),
        },
        {
          key: 'subject',
          head: t.auditing.subject,
          cell: (row) =>
            row.subject.kind === 'case' ? (
              <a href={`${paths.case(row.subject.id, 'entries')}#entry-${row.id}`}>
                <span class="nowrap">{row.subject.number ?? t.auditing.subjects.case}</span>
                <span class="visually-hidden">
                  {t.marks.comma}
                  {t.auditing.entryOf(row.subject.version, t.events[row.event] ?? row.event)}
                </span>
              </a>
            ) : (
              (t.auditing.subjects[row.subject.kind] ?? row.subject.kind)
            ),
        },
        { key: 'proof', head: t.auditing.state, cell: (row) => <ProofMark t={t} proof={proofOf(row)} /> },
      ]}
    />
  );
}
