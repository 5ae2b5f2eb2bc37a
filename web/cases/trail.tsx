// Station 1, web: entries as a person reads them. Business first; actor, key, leaf and digests fold out. A value is shown beside
// its digest only where the reader may see it and it still is what the entry vouched for.

import { canonicalColumn } from '../../db/change.ts';
import type { EntryRow } from '../../db/views/entries.ts';
import { recordedTable, rowsNow } from '../../db/views/entries.ts';
import { ORGANISATIONS } from '../../domain/consortium.ts';
import type { Role } from '../../domain/roles.ts';
import { columnDigest, type Entry, readEntry } from '../../ledger/entry.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import type { WebDeps } from '../deps.ts';
import { opensPlainly, opensToCare } from '../evidence/opened.ts';
import { Hash } from '../parts/hash.tsx';
import { Icon } from '../parts/icon.tsx';
import { Moment } from '../parts/moment.tsx';
import type { ProofView } from '../parts/proof-mark.tsx';
import { Said } from '../parts/said.tsx';
import type { TimelineEvent } from '../parts/timeline.tsx';
import type { WhoView } from '../parts/who.tsx';
import { paths } from '../paths.ts';
import { decidedWords } from '../tasks/words.ts';
import type { Text } from '../text/text.ts';

/** How far an entry has come. */
export const proofOf = (entry: Pick<EntryRow, 'leaf' | 'anchor' | 'cosigned'>): ProofView =>
  entry.leaf === null
    ? { state: 'pending' }
    : entry.anchor
      ? {
          state: 'anchored',
          index: entry.leaf.index,
          cosigned: { count: entry.cosigned, of: ORGANISATIONS.length },
        }
      : { state: 'sequenced', index: entry.leaf.index };

export interface ShownColumn {
  readonly column: string;
  readonly digest: string;
  /** The value as text, `later` when a later entry changed it, `hidden` when this reader may not see it. */
  readonly value: { readonly text: string } | 'later' | 'hidden';
}
export interface ShownChange {
  readonly table: string;
  readonly key: string;
  readonly columns: readonly ShownColumn[];
}

/** What each entry vouches for, with the values this reader may see. Entries of one case. */
export async function shownChanges(
  deps: Pick<WebDeps, 'db' | 'keys'>,
  caseId: string,
  entries: readonly EntryRow[],
  clinical: boolean,
): Promise<Map<string, { entry: Entry; changes: ShownChange[] } | { fault: string }>> {
  const key = await deps.keys.of('case', caseId);
  const read = new Map(entries.map((row) => [row.id, readEntry(row.body)]));
  const wanted = new Map<string, Set<string>>();
  for (const one of read.values())
    if ('entry' in one)
      for (const { table, key: rowKey } of one.entry.changes)
        if (opensToCare(table)) wanted.set(table, (wanted.get(table) ?? new Set()).add(rowKey));
  const now = new Map(
    await Promise.all(
      [...wanted].map(async ([table, keys]) => [table, await rowsNow(deps.db, table, [...keys])] as const),
    ),
  );
  const shown = (
    entry: Entry,
    table: string,
    rowKey: string,
    column: string,
    digest: string,
  ): ShownColumn => {
    if (!(clinical ? opensToCare : opensPlainly)(table, column)) return { column, digest, value: 'hidden' };
    const type = recordedTable(table)?.columns.find(({ name }) => name === column)?.type;
    const value = now.get(table)?.get(rowKey)?.[column];
    if (type === undefined || value === undefined || value === null)
      return { column, digest, value: 'later' };
    const canonical = canonicalColumn(type, value);
    const same = columnDigest(key.digest, entry.id, table, rowKey, column, canonical, nodeHashing) === digest;
    return {
      column,
      digest,
      value: same
        ? { text: typeof canonical === 'object' ? JSON.stringify(canonical) : String(canonical) }
        : 'later',
    };
  };
  return new Map(
    [...read].map(([id, one]) => [
      id,
      'fault' in one
        ? one
        : {
            entry: one.entry,
            changes: one.entry.changes.map(({ table, key: rowKey, columns }) => ({
              table,
              key: rowKey,
              columns: Object.entries(columns).map(([column, digest]) =>
                shown(one.entry, table, rowKey, column, digest),
              ),
            })),
          },
    ]),
  );
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** An entry as an event of the timeline. `reasons` are shown to those who may see them. */
export function eventOf(
  t: Text,
  row: EntryRow,
  options: {
    readonly clinical: boolean;
    readonly reader: string;
    readonly details?: { entry: Entry; changes: ShownChange[] } | { fault: string } | undefined;
  },
): TimelineEvent {
  const { decision } = row;
  const title =
    (decision && decidedWords(t, decision.action, decision.choice)) ?? t.events[row.event] ?? row.event;
  const { details } = options;
  // Whoever acted may have the receipt again; a refusal has none, and of a look nobody needs one.
  const own = row.by.id === options.reader && row.event !== 'act.refused' && row.event !== 'case.disclosed';
  const operation = own && details && 'entry' in details ? details.entry.operation : null;
  const role = details && 'entry' in details ? details.entry.actor.role : decision?.role;
  const who: WhoView = {
    name: row.by.name ?? undefined,
    role: role && role !== 'service' ? (role as Role) : undefined,
    organisation: row.by.organisation ?? undefined,
    you: row.by.id === options.reader,
    ...(details && 'entry' in details && details.entry.actor.actingFor
      ? { actingFor: details.entry.actor.actingFor }
      : {}),
  };
  return {
    id: `entry-${row.id}`,
    at: row.at,
    title: decision?.discipline ? `${title}, ${t.disciplines[decision.discipline]}` : title,
    who,
    proof: proofOf(row),
    ...(row.signed ? { signed: t.signing.signedBy(row.by.name ?? t.words.none) } : {}),
    weighty: decision !== null,
    detail: options.clinical ? saidIn(t, row) : undefined,
    ...(operation ? { receipt: paths.receipt(operation) } : {}),
    ...(details ? { technical: technicalOf(t, row, details) } : {}),
  };
}

/** What a person wrote with the act, and what was done about an alert. */
function saidIn(t: Text, { decision, acknowledgement }: EntryRow) {
  if (acknowledgement)
    return (
      <>
        <p>{t.alerts.reasons[acknowledgement.reason]}</p>
        {acknowledgement.note ? <Said text={acknowledgement.note} /> : null}
      </>
    );
  return decision?.reasons ? <Said text={decision.reasons} /> : undefined;
}

function technicalOf(
  t: Text,
  row: EntryRow,
  details: { entry: Entry; changes: ShownChange[] } | { fault: string },
) {
  const common = [
    { term: t.timeline.entry, value: <Hash t={t} value={row.id} /> },
    {
      term: t.trail.commitment,
      value: row.leaf ? <Hash t={t} value={hex(row.leaf.commitment)} /> : t.proof.pending,
    },
    {
      term: t.timeline.leaf,
      value: row.leaf ? (
        <>
          #{t.number(row.leaf.index)} <Hash t={t} value={hex(row.leaf.hash)} />
        </>
      ) : (
        t.proof.pendingNote
      ),
    },
    {
      term: t.timeline.checkpoint,
      value: row.checkpoint === null ? t.proof.pendingNote : `#${t.number(row.checkpoint)}`,
    },
    {
      term: t.trail.anchor,
      value: row.anchor ? (
        <>
          #{t.number(row.anchor.size)}, <Moment t={t} at={row.anchor.at} />
        </>
      ) : (
        t.proof.sequencedNote
      ),
    },
  ];
  if ('fault' in details) return [{ term: t.timeline.entry, value: t.trail.unreadable }, ...common];
  const { entry } = details;
  return [
    { term: t.timeline.actor, value: <Hash t={t} value={entry.actor.person} /> },
    { term: t.trail.role, value: t.roles[entry.actor.role as Role] ?? t.who.system },
    // Three identities, never merged: who signed it themselves, the service that recorded it, and for whom it was done.
    {
      term: t.trail.personal,
      value: entry.signature ? <Hash t={t} value={entry.signature.certificate} /> : t.words.none,
    },
    { term: t.trail.key, value: <Hash t={t} value={entry.actor.key} /> },
    { term: t.timeline.forWhom, value: entry.actor.actingFor ?? t.words.none },
    { term: t.timeline.version, value: t.number(entry.subject.version) },
    { term: t.timeline.parameters, value: entry.parameters },
    {
      term: t.trail.process,
      value: entry.workflow ? <Hash t={t} value={entry.workflow.run} /> : t.words.none,
    },
    { term: t.trail.bundle, value: <Hash t={t} value={entry.bundle} /> },
    ...common,
    { term: t.timeline.changes, value: <Changes t={t} changes={details.changes} /> },
  ];
}

function Changes({ t, changes }: { t: Text; changes: readonly ShownChange[] }) {
  return (
    <div class="stack-tight">
      {changes.map((change) => (
        <details class="details">
          <summary>
            <Icon name="chevron-right" />
            <code>{change.table}</code>
            <span class="soft">{t.trail.fold(change.columns.length)}</span>
          </summary>
          <div class="table-box">
            <table class="table plain digests">
              <caption class="visually-hidden">{t.trail.rowOf(change.table)}</caption>
              <thead>
                <tr>
                  <th scope="col">{t.timeline.column}</th>
                  <th scope="col">{t.trail.value}</th>
                  <th scope="col">{t.trail.digest}</th>
                </tr>
              </thead>
              <tbody>
                {change.columns.map(({ column, digest, value }) => (
                  <tr>
                    <th scope="row">
                      <code>{column}</code>
                    </th>
                    <td>
                      {value === 'hidden' ? (
                        <span class="soft">{t.trail.valueHidden}</span>
                      ) : value === 'later' ? (
                        <span class="soft">{t.trail.valueLater}</span>
                      ) : (
                        <Said
                          inline
                          text={value.text.length > 240 ? `${value.text.slice(0, 240)}…` : value.text}
                        />
                      )}
                    </td>
                    <td>
                      <Hash t={t} value={digest} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </details>
      ))}
    </div>
  );
}
