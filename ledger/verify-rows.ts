// Station 7, rows: every column of every recorded row against the entry that wrote it last, rows that no entry vouches for,
// rows that are gone, and the derived table rebuilt. Never asks whether a change was allowed, only whether it was recorded.
import { toHex } from './bytes.ts';
import { type ColumnValue, columnDigest, type Entry, type EntryChange } from './entry.ts';
import { equalBytes } from './merkle.ts';
import { type EntryCheck, subjectName } from './verify-entries.ts';
import type { Report } from './verify-finding.ts';
import { uuidBytes } from './verify-memory.ts';
import {
  type Finding,
  NO_VALUE,
  type StoredLog,
  type StoredRow,
  type VerifySources,
} from './verify-sources.ts';

/** Compares what entries say of subjects with the table that `recorded()` locks by. */
export async function checkSubjects(stored: StoredLog, entries: EntryCheck, report: Report): Promise<void> {
  const unseen = new Set(entries.subjects.keys());
  const finding = (name: string, column: string | null, kind: Finding['kind'], says: string): void =>
    report({
      store: 'postgres',
      table: 'audit_subjects',
      row: name,
      column,
      kind,
      rightAt: null,
      wrongAt: entries.times.newest || null,
      says: `${says}: ${name}`,
    });
  for await (const portion of stored.subjects())
    for (const row of portion) {
      const name = subjectName(row.kind, row.id);
      unseen.delete(name);
      // Its last entry was taken away; that is the finding, and this row is the witness.
      if (entries.absentIds.has(row.entryId) || entries.absentCommitments.has(toHex(row.last))) continue;
      const line = entries.subjects.get(name);
      if (!line) {
        finding(name, null, 'inserted', 'Subject has no entry');
        continue;
      }
      if (row.version !== line.version)
        finding(name, 'version', 'edited', "Version is not that of the subject's last entry");
      if (!equalBytes(row.last, line.last))
        finding(name, 'last', 'edited', "Digest is not that of the subject's last entry");
      if (row.entryId !== line.entryId)
        finding(name, 'entry_id', 'edited', "Entry named is not the subject's last one");
    }
  for (const name of unseen) finding(name, null, 'deleted', 'Subject has entries and no row');
}

/** Checks all recorded tables. */
export async function checkRows(
  sources: VerifySources,
  stored: StoredLog,
  entries: EntryCheck,
  report: Report,
): Promise<void> {
  const met = new Map<string, number>();
  for (const table of stored.tables) {
    let count = 0;
    for await (const portion of stored.rows(table))
      for (const row of portion) {
        count += 1;
        await checkRow(sources, stored, entries, table, row, report);
      }
    met.set(table, count);
    sources.progress(`Compared ${count} rows of ${table}`);
  }
  await reportUnmet(stored, entries, met, report);
}

async function checkRow(
  sources: VerifySources,
  stored: StoredLog,
  entries: EntryCheck,
  table: string,
  row: StoredRow,
  report: Report,
): Promise<void> {
  const writer = entries.memory.writer(table, row.key);
  const finding = (
    column: string | null,
    kind: Finding['kind'],
    says: string,
    window = entries.windowOf(writer === undefined ? null : entries.known(writer).index),
  ): void => report({ store: 'postgres', table, row: row.key, column, kind, ...window, says });
  const first = entries.memory.meet(table, row.key);
  // The entry that wrote it was taken away: that is the finding, and nothing can be said of the row.
  if (entries.absentIds.has(row.entryId)) return;
  if (writer === undefined || !first)
    return finding(null, 'inserted', `No entry vouches for this row: ${table} ${row.key}`, {
      rightAt: null,
      wrongAt: entries.times.newest || null,
    });

  const { id } = entries.known(writer);
  let { entry } = row;
  if (!equalBytes(uuidBytes(row.entryId), id) || !entry) {
    finding('entry_id', 'edited', `Row does not name the entry that wrote it last: ${table} ${row.key}`);
    [entry = null] = await stored.entries([uuidText(id)]);
  }
  // Both readings are of one snapshot; a database that answers differently cannot be judged.
  if (!entry || !entries.sameBytes(writer, entry.body))
    throw new Error('database gave two answers about one entry; verify again');
  if (entries.cannotJudge(entry.subjectKind, entry.subjectId)) return;
  const key = await sources.digestKey(entry.subjectKind, entry.subjectId);
  const change = changeOf(entry.body, table, row.key);
  // Its key is known to be there, and the entry was met with this row in it.
  if (!key || !change) return;
  const told = JSON.parse(new TextDecoder().decode(entry.body)) as Entry;
  for (const column of new Set([...Object.keys(row.columns), ...Object.keys(change.columns)])) {
    const value = row.columns[column] ?? null;
    if (!matches(sources, key, told.id, table, row.key, column, value, change.columns[column]))
      finding(column, 'edited', `Column is not what the entry says: ${table} ${row.key} ${column}`);
  }
}

function matches(
  { hashing }: VerifySources,
  key: Uint8Array,
  entryId: string,
  table: string,
  row: string,
  column: string,
  value: ColumnValue | typeof NO_VALUE | null,
  digest: string | undefined,
): boolean {
  if (value === null || digest === undefined) return value === null && digest === undefined;
  if (value === NO_VALUE) return false;
  try {
    return columnDigest(key, entryId, table, row, column, value, hashing) === digest;
  } catch {
    // A value that has no canonical form was never written by us.
    return false;
  }
}

/** What an entry's bytes say of a row. They were read and compared before, so plain JSON will do. */
function changeOf(body: Uint8Array, table: string, key: string): EntryChange | undefined {
  const told = JSON.parse(new TextDecoder().decode(body)) as Entry;
  // The last word on a row counts, should an entry name it twice.
  return told.changes.findLast((change) => change?.table === table && change.key === key);
}

const PORTION = 200;

/** Rows that entries vouch for and nobody met: deleted, or a table that lost all of them. */
async function reportUnmet(
  stored: StoredLog,
  entries: EntryCheck,
  met: ReadonlyMap<string, number>,
  report: Report,
): Promise<void> {
  const ordinals = entries.memory.unmet();
  const gone = new Map<string, { key: string; index: number }[]>();
  for (let from = 0; from < ordinals.length; from += PORTION) {
    const portion = new Map(
      ordinals.slice(from, from + PORTION).map((ordinal) => [uuidText(entries.known(ordinal).id), ordinal]),
    );
    for (const { id, body } of await stored.entries([...portion.keys()])) {
      const ordinal = portion.get(id) as number; // asked for by this id
      const told = JSON.parse(new TextDecoder().decode(body)) as Entry;
      for (const change of told.changes) {
        if (typeof change?.table !== 'string' || typeof change.key !== 'string') continue;
        const { table, key } = change;
        if (entries.memory.writer(table, key) !== ordinal || entries.memory.met(table, key)) continue;
        const list = gone.get(table) ?? [];
        list.push({ key, index: entries.known(ordinal).index });
        gone.set(table, list);
      }
    }
  }
  for (const [table, rows] of gone) {
    if (!met.get(table) && rows.length > 1) {
      report({
        store: 'postgres',
        table,
        row: null,
        column: null,
        kind: 'truncated',
        ...entries.windowOf(Math.max(...rows.map(({ index }) => index))),
        says: `Table has lost all of its rows: ${table}, ${rows.length} rows`,
      });
      continue;
    }
    for (const { key, index } of rows)
      report({
        store: 'postgres',
        table,
        row: key,
        column: null,
        kind: 'deleted',
        ...entries.windowOf(index),
        says: `Row is gone that an entry vouches for: ${table} ${key}`,
      });
  }
}

function uuidText(bytes: Uint8Array): string {
  const text = toHex(bytes);
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`;
}
