// Station 7, the entries in the log's order, each with what it says by itself (verify-check.ts): which faults count, and
// each subject's unbroken line of versions. Remembers who wrote which row last. Never judges a row, and reads nothing.
import { toHex } from './bytes.ts';
import { SIGNATURE_FAULTS } from './certificates.ts';
import { equalBytes, type Hash, leafHash } from './merkle.ts';
import type { CheckedEntry, EntryFault, ToldEntry } from './verify-check.ts';
import type { Found, Report } from './verify-finding.ts';
import { firstSizeOver, packedBytes, type RowName, rowMemory, uuidBytes } from './verify-memory.ts';
import type { Finding, StoredEntry } from './verify-sources.ts';
import { createTransactionCheck } from './verify-transactions.ts';

/** An entry whose bytes are those that the log holds at its place, or that has no place yet. */
export interface Placed {
  readonly entry: StoredEntry;
  readonly checked: CheckedEntry;
  /** Null while it waits for a place. */
  readonly index: number | null;
  /** It was met behind entries that come after it, because it or its leaf was moved; that is reported already. */
  readonly late: boolean;
}

interface SubjectLine {
  version: number;
  /** Hexadecimal. */
  last: string;
  entryId: string;
}

const isOfSignature = ({ column }: EntryFault): boolean => column === 'signature';

export type EntryCheck = ReturnType<typeof createEntryCheck>;

export const subjectName = (kind: string, id: string): string => `${kind} ${id}`;

export function createEntryCheck(hash: Hash, report: Report) {
  const memory = rowMemory();
  const ids = packedBytes(16);
  const bodies = packedBytes(32);
  const indexes: number[] = [];
  const subjects = new Map<string, SubjectLine>();
  /** Entries that a leaf names and nobody has: their rows cannot be judged, their successors name them rightly. */
  const absentIds = new Set<string>();
  const absentCommitments = new Set<string>();
  /** The same by leaf hash; and how many entries are gone of which no leaf tells the id. */
  const absentLeaves = new Set<string>();
  const transactions = createTransactionCheck();
  let nameless = 0;
  /** Leaf hashes of entries that were not met at their place: their successors follow them rightly. */
  const displaced = new Set<string>();
  let signing = false;
  const withoutKey = new Map<string, { count: number; readonly first: Found }>();
  /** Subjects without a key of which the database has a row: their key is gone, and the others were never any. */
  const rowed = new Set<string>();
  const keys = new Map<string, { good: number; readonly bad: Found[]; readonly first: string }>();
  const wrongKeys = new Set<string>();
  /** Ascending sizes of checkpoints, the pinned one, and the newest: what windows of time are made of. */
  const times: { sizes: readonly number[]; pinned: number; newest: number } = {
    sizes: [],
    pinned: 0,
    newest: 0,
  };

  /** Between the checkpoint that first covered an entry and the one everything is compared at. */
  function windowOf(index: number | null): Pick<Finding, 'rightAt' | 'wrongAt'> {
    if (index === null || index < 0) return { rightAt: null, wrongAt: null };
    const rightAt = firstSizeOver(times.sizes, index);
    return { rightAt, wrongAt: rightAt === null ? null : index < times.pinned ? times.pinned : times.newest };
  }

  function about(
    { entry, index }: Placed,
    column: string | null,
    kind: Finding['kind'],
    says: string,
  ): Found {
    return { store: 'log', table: 'audit_entries', row: entry.id, column, kind, ...windowOf(index), says };
  }

  const elsewhere = (placed: Placed): Found =>
    about(
      placed,
      'subject_id',
      'edited',
      `Entry is about another subject than its row says: ${placed.entry.id}`,
    );

  /** True when the entry belongs to the subject that its row names, or when nobody can tell. */
  function checkSubject(placed: Placed, told: ToldEntry): boolean {
    const { entry } = placed;
    const name = subjectName(entry.subjectKind, entry.subjectId);
    if (told.subject === 'no-key') {
      const first = withoutKey.get(name)?.first ?? elsewhere(placed);
      withoutKey.set(name, { count: (withoutKey.get(name)?.count ?? 0) + 1, first });
      // The first of an unknown subject may be of another one, whose next entry then follows it rightly.
      if (subjects.has(name)) return true;
      absentCommitments.add(toHex(placed.checked.commitment));
      return told.version === 1;
    }
    // A case has a key of its own, all others share one: how it fares with the others tells a wrong key from a moved entry.
    const mark = entry.subjectKind === 'case' ? name : 'shared';
    const tally = keys.get(mark) ?? { good: 0, bad: [], first: name };
    keys.set(mark, tally);
    if (told.subject === 'right') {
      tally.good += 1;
      return true;
    }
    tally.bad.push(elsewhere(placed));
    wrongKeys.add(name);
    return false;
  }

  function checkLine(placed: Placed, told: ToldEntry): void {
    const { entry, checked, late } = placed;
    const name = subjectName(entry.subjectKind, entry.subjectId);
    const line = subjects.get(name);
    const { version, previous } = told;
    const next = { version, last: toHex(checked.commitment), entryId: entry.id };
    if (late) {
      if (version > (line?.version ?? 0)) subjects.set(name, next);
      return;
    }
    if (!followsAbsent(previous)) {
      const expected = (line?.version ?? 0) + 1;
      if (version > expected) {
        const gap = version - 1 === expected ? `${expected}` : `${expected} to ${version - 1}`;
        report(
          about(
            placed,
            'subject_version',
            'deleted',
            `Entries of a subject are missing: version ${gap} of ${name}`,
          ),
        );
      } else if (version < expected) {
        report(
          about(
            placed,
            'subject_version',
            'inserted',
            `Subject has two entries of one version: ${version} of ${name}`,
          ),
        );
        return;
      } else if (previous !== (line?.last ?? null)) {
        report(
          about(
            placed,
            'body',
            'forged',
            `Entry does not follow its subject's last one: version ${version} of ${name}`,
          ),
        );
      }
    }
    subjects.set(name, next);
  }

  /** Whether it follows an entry that was not met at its place, or not at all. */
  const followsAbsent = (previous: string | null): boolean =>
    previous !== null &&
    (absentCommitments.has(previous) ||
      (displaced.size > 0 && displaced.has(toHex(leafHash(Buffer.from(previous, 'hex'), hash)))));

  /** Notes the rows that an entry wrote. One that is met late does not take them from those that came after it. */
  function wrote({ index, late }: Placed, row: RowName, ordinal: number): boolean {
    const writer = late ? memory.writer(row) : undefined;
    const place = writer === undefined ? -1 : (indexes[writer] as number);
    if (writer !== undefined && index !== null && (place === -1 || place > index)) return true;
    return memory.wrote(row, ordinal);
  }

  function remember(placed: Placed, told: ToldEntry | null): void {
    const ordinal = ids.count();
    ids.push(uuidBytes(placed.entry.id));
    bodies.push(placed.checked.commitment);
    indexes.push(placed.index ?? -1);
    if (!told) return;
    const again = told.rows.map((row) => wrote(placed, row, ordinal));
    for (const { at, key } of told.operations)
      if (again[at]) report(about(placed, 'body', 'forged', `Two entries stand for one operation: ${key}`));
    if (told.operation !== null && !told.operations.some(({ key }) => key === told.operation))
      report(
        about(placed, 'body', 'forged', `Entry names an operation and no row of it: ${placed.entry.id}`),
      );
  }

  /** From the first entry that a person signed on, every act that asks for it must be signed. */
  function checkPerson(placed: Placed, { person }: ToldEntry): void {
    if (person === 'signed') signing = true;
    if (person === 'missing' && signing)
      report(about(placed, 'body', 'forged', `${SIGNATURE_FAULTS.unsigned}: entry ${placed.entry.id}`));
  }

  function take(placed: Placed): void {
    const { entry, checked, index } = placed;
    const { told } = checked;
    transactions.entry(placed);
    // Bytes that are no entry and have no place are told by their signature alone.
    const faults = told || index !== null ? checked.faults : checked.faults.filter(isOfSignature);
    for (const { column, kind, says } of faults) report(about(placed, column, kind, says));
    // What has no place in the log and no signature either is nobody's word: it vouches for no row and follows nothing.
    const vouches = index !== null || (checked.signed && told?.own === true);
    remember(placed, vouches ? told : null);
    if (!vouches || !told) return;
    checkPerson(placed, told);
    // Of another kind of subject than the bytes say: its key would be another one's.
    const misfiled = faults.some(({ column }) => column === 'subject_kind');
    if (misfiled) wrongKeys.add(subjectName(entry.subjectKind, entry.subjectId));
    if (!misfiled && checkSubject(placed, told)) checkLine(placed, told);
    else absentCommitments.add(toHex(checked.commitment));
  }

  return {
    memory,
    subjects,
    times,
    windowOf,
    displaced,
    transactions,
    /** Whether an entry is gone, by what a row or a subject says of it; that is reported already. */
    isAbsent: (entryId: string): boolean => absentIds.has(entryId),
    isAbsentCommitment: (commitment: Uint8Array): boolean =>
      absentCommitments.has(toHex(commitment)) ||
      (absentLeaves.size > 0 && absentLeaves.has(toHex(leafHash(commitment, hash)))),
    /** Whether entries are gone of which nothing tells the id: a row that names an entry that nobody has may be theirs. */
    hasNameless: (): boolean => nameless > 0,
    /** Told of each row of the table of subjects. */
    hasRow(name: string): void {
      if (withoutKey.has(name)) rowed.add(name);
    },
    /** Whether a subject is only there because an entry was filed under an id that is nobody's. */
    isNobody: (name: string): boolean => withoutKey.has(name) && !rowed.has(name),
    /** Whether a subject's columns cannot be judged, because its key is missing or another one. */
    cannotJudge: (kind: string, id: string): boolean => {
      const name = subjectName(kind, id);
      return withoutKey.has(name) || wrongKeys.has(name);
    },
    /** What is known of an entry by its ordinal. */
    known: (ordinal: number) => ({
      id: ids.at(ordinal),
      bodyHash: bodies.at(ordinal),
      index: indexes[ordinal] as number,
    }),

    /** The id of an entry that stands under another one now; that is reported already. */
    renamed(entryId: string): void {
      absentIds.add(entryId);
    },

    /** An entry that is gone, or whose bytes are no longer those that were logged; null when nothing tells its id. */
    absent(entryId: string | null, leaf: string): void {
      if (entryId === null) nameless += 1;
      else absentIds.add(entryId);
      absentLeaves.add(leaf);
    },

    /** Takes entries in the log's order. */
    add(portion: readonly Placed[]): void {
      for (const placed of portion) take(placed);
    },

    /** Says what only the whole log can tell: which keys are missing, which are not the ones that were used. */
    finish(): void {
      for (const [name, { count, first }] of withoutKey) {
        if (!rowed.has(name)) {
          report(first);
          continue;
        }
        report({
          store: 'evidence',
          table: 'keys',
          row: name,
          column: null,
          kind: 'key-missing',
          rightAt: null,
          wrongAt: null,
          says: `Key is missing and no anchored entry says that it was erased, so ${count} entries cannot be checked: ${name}`,
        });
      }
      for (const { good, bad, first } of keys.values()) {
        if (good > 0 || bad.length === 0) {
          for (const finding of bad) report(finding);
          continue;
        }
        report({
          store: 'evidence',
          table: 'keys',
          row: first,
          column: null,
          kind: 'key-missing',
          rightAt: null,
          wrongAt: null,
          says: `Key is another one than its entries were made with, so ${bad.length} entries cannot be checked: ${first}`,
        });
      }
    },
    /** Whether bytes with this digest are those that this entry was checked with. */
    sameBytes: (ordinal: number, commitment: Uint8Array): boolean =>
      equalBytes(commitment, bodies.at(ordinal)),
  };
}
