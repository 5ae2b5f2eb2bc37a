// Station 7, rows: every column of every recorded row against the entry that wrote it last, rows that no entry vouches for,
// rows that are gone, and the derived table rebuilt. Never asks whether a change was allowed, only whether it was recorded.
import { toHex } from './bytes.ts';
import type { Entry } from './entry.ts';
import { equalBytes, type Hash } from './merkle.ts';
import { ahead, progressOf } from './verify-ahead.ts';
import type { CheckedRow, Checking, GivenRow } from './verify-check.ts';
import { type EntryCheck, subjectName } from './verify-entries.ts';
import type { Found, Report } from './verify-finding.ts';
import { rowName, uuidBytes } from './verify-memory.ts';
import type { Finding, StoredLog, StoredRow, VerifySources } from './verify-sources.ts';

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
      entries.hasRow(name);
      // Its last entry was taken away; that is the finding, and this row is the witness.
      if (entries.isAbsent(row.entryId) || entries.isAbsentCommitment(row.last)) continue;
      const line = entries.subjects.get(name);
      if (!line) {
        finding(name, null, 'inserted', 'Subject has no entry');
        continue;
      }
      if (row.version !== line.version)
        finding(name, 'version', 'edited', "Version is not that of the subject's last entry");
      if (toHex(row.last) !== line.last)
        finding(name, 'last', 'edited', "Digest is not that of the subject's last entry");
      if (row.entryId !== line.entryId)
        finding(name, 'entry_id', 'edited', "Entry named is not the subject's last one");
    }
  for (const name of unseen)
    if (!entries.isNobody(name)) finding(name, null, 'deleted', 'Subject has entries and no row');
}

/** A row whose columns are to be compared, and what was found about it before. */
interface Met {
  readonly row: StoredRow;
  readonly given: GivenRow | undefined;
  /** The ordinal of the entry that wrote it last. */
  readonly writer: number | undefined;
  readonly findings: readonly Found[];
}

/** Checks all recorded tables. */
export async function checkRows(
  sources: VerifySources,
  stored: StoredLog,
  checking: Checking,
  entries: EntryCheck,
  report: Report,
): Promise<void> {
  const met = new Map<string, number>();
  const progress = progressOf(sources, 'rows', entries.memory.count());
  let done = 0;
  for (const table of stored.tables) {
    let count = 0;
    for await (const { answers } of ahead(stored.rows(table), checking.ahead, async (rows) => {
      const found: Met[] = [];
      for (const row of rows) found.push(await meet(sources, stored, entries, table, row));
      const given = found.flatMap((one) => one.given ?? []);
      return { found, checked: (given.length > 0 ? await checking.rows(given) : []).values() };
    })) {
      for (const one of answers.found) {
        for (const finding of one.findings) report(finding);
        // One answer for each that was given.
        if (one.given) tell(entries, table, one, answers.checked.next().value as CheckedRow, report);
      }
      count += answers.found.length;
      progress(done + count);
    }
    met.set(table, count);
    done += count;
    sources.progress(`Compared ${count} rows of ${table}`);
  }
  await reportUnmet(sources.hashing.hash, stored, entries, met, report);
}

/** Whether an entry vouches for a row, and which: what can be told before its columns are compared. */
async function meet(
  { hashing, digestKey }: VerifySources,
  stored: StoredLog,
  entries: EntryCheck,
  table: string,
  row: StoredRow,
): Promise<Met> {
  const name = rowName(table, row.key, hashing.hash);
  const writer = entries.memory.writer(name);
  const first = entries.memory.meet(name);
  const only = (...findings: Found[]): Met => ({ row, given: undefined, writer, findings });
  // The entry that wrote it was taken away: that is the finding, and nothing can be said of the row.
  if (entries.isAbsent(row.entryId) || (row.entry === null && entries.hasNameless())) return only();
  if (writer === undefined || !first)
    return only({
      ...found(entries, table, row, undefined),
      column: null,
      kind: 'inserted',
      wrongAt: entries.times.newest || null,
      says: `No entry vouches for this row: ${table} ${row.key}`,
    });

  const { id, index } = entries.known(writer);
  const findings: Found[] = [];
  let { entry } = row;
  if (entry) entries.transactions.row(row, entry, index);
  if (!equalBytes(uuidBytes(row.entryId), id) || !entry) {
    findings.push({
      ...found(entries, table, row, writer),
      column: 'entry_id',
      kind: 'edited',
      says: `Row does not name the entry that wrote it last: ${table} ${row.key}`,
    });
    [entry = null] = await stored.entries([uuidText(id)]);
  }
  if (!entry) throw twoAnswers();
  const judged = !entries.cannotJudge(entry.subjectKind, entry.subjectId);
  const key = judged ? await digestKey(entry.subjectKind, entry.subjectId) : undefined;
  // A key that is missing was told of with the entries.
  if (!key) return only(...findings);
  const given = { table, key: row.key, columns: row.columns, body: entry.body, digestKey: key };
  return { row, given, writer, findings };
}

/** Both readings are of one snapshot; a database that answers differently cannot be judged. */
const twoAnswers = () => new Error('database gave two answers about one entry; verify again');

/** Where a finding about a row belongs: the row, and the time since its entry. */
const found = (
  entries: EntryCheck,
  table: string,
  row: StoredRow,
  writer: number | undefined,
): Pick<Finding, 'store' | 'table' | 'row' | 'rightAt' | 'wrongAt'> => ({
  store: 'postgres',
  table,
  row: row.key,
  ...entries.windowOf(writer === undefined ? null : entries.known(writer).index),
});

function tell(
  entries: EntryCheck,
  table: string,
  { row, writer }: Met,
  { commitment, wrong }: CheckedRow,
  report: Report,
): void {
  if (writer === undefined || !entries.sameBytes(writer, commitment)) throw twoAnswers();
  for (const column of wrong)
    report({
      ...found(entries, table, row, writer),
      column,
      kind: 'edited',
      says: `Column is not what the entry says: ${table} ${row.key} ${column}`,
    });
}

const PORTION = 200;

/** Rows that entries vouch for and nobody met: deleted, or a table that lost all of them. */
async function reportUnmet(
  hash: Hash,
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
        const name = rowName(table, key, hash);
        if (entries.memory.writer(name) !== ordinal || entries.memory.met(name)) continue;
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
