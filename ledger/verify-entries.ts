// Station 7, the entries in the log's order, each with what it says by itself (verify-check.ts): which faults count, and
// each subject's unbroken line of versions. Remembers who wrote which row last. Never judges a row, and reads nothing.
import { toHex } from './bytes.ts';
import { equalBytes } from './merkle.ts';
import type { CheckedEntry, EntryFault, ToldEntry } from './verify-check.ts';
import type { Found, Report } from './verify-finding.ts';
import { firstSizeOver, packedBytes, rowMemory, uuidBytes } from './verify-memory.ts';
import type { Finding, StoredEntry } from './verify-sources.ts';

/** An entry with its place: where it stands in the log, and whether its bytes are those the log holds there. */
export interface Placed {
  readonly entry: StoredEntry;
  readonly checked: CheckedEntry;
  /** Null while it waits for a place. */
  readonly index: number | null;
  /** False when its bytes are known not to be the log's; that is reported already, and nothing else is asked of them. */
  readonly sound: boolean;
  /** Hash under which the next entry of its subject must name it. */
  readonly commitment: Uint8Array;
}

interface SubjectLine {
  version: number;
  /** Hexadecimal. */
  last: string;
  entryId: string;
  /** An entry of it was not sound: the next one is taken as it is. */
  disturbed: boolean;
}

const isOfSignature = ({ column }: EntryFault): boolean => column === 'signature';

export type EntryCheck = ReturnType<typeof createEntryCheck>;

export const subjectName = (kind: string, id: string): string => `${kind} ${id}`;

export function createEntryCheck(report: Report) {
  const memory = rowMemory();
  const ids = packedBytes(16);
  const bodies = packedBytes(32);
  const indexes: number[] = [];
  const subjects = new Map<string, SubjectLine>();
  /** Entries that a leaf names and nobody has: their rows cannot be judged, their successors name them rightly. */
  const absentIds = new Set<string>();
  const absentCommitments = new Set<string>();
  const withoutKey = new Map<string, number>();
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

  /** True when the entry belongs to the subject that its row names, or when nobody can tell. */
  function checkSubject(placed: Placed, told: ToldEntry): boolean {
    const { entry } = placed;
    const name = subjectName(entry.subjectKind, entry.subjectId);
    if (told.subject === 'no-key') {
      withoutKey.set(name, (withoutKey.get(name) ?? 0) + 1);
      return true;
    }
    // A case has a key of its own, all others share one: how it fares with the others tells a wrong key from a moved entry.
    const mark = entry.subjectKind === 'case' ? name : 'shared';
    const tally = keys.get(mark) ?? { good: 0, bad: [], first: name };
    keys.set(mark, tally);
    if (told.subject === 'right') {
      tally.good += 1;
      return true;
    }
    tally.bad.push(
      about(placed, 'subject_id', 'edited', `Entry is about another subject than its row says: ${entry.id}`),
    );
    wrongKeys.add(name);
    return false;
  }

  function checkLine(placed: Placed, told: ToldEntry): void {
    const { entry, commitment } = placed;
    const name = subjectName(entry.subjectKind, entry.subjectId);
    const line = subjects.get(name);
    const { version, previous } = told;
    const next = { version, last: toHex(commitment), entryId: entry.id, disturbed: false };
    if (!line?.disturbed && !(previous && absentCommitments.has(previous))) {
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

  function remember(placed: Placed, told: ToldEntry | null): void {
    const ordinal = ids.count();
    ids.push(uuidBytes(placed.entry.id));
    bodies.push(placed.checked.commitment);
    indexes.push(placed.index ?? -1);
    if (!told) return;
    const again = told.rows.map((row) => memory.wrote(row, ordinal));
    for (const { at, key } of told.operations)
      if (again[at]) report(about(placed, 'body', 'forged', `Two entries stand for one operation: ${key}`));
    if (placed.sound && told.operation !== null && !told.operations.some(({ key }) => key === told.operation))
      report(
        about(placed, 'body', 'forged', `Entry names an operation and no row of it: ${placed.entry.id}`),
      );
  }

  function take(placed: Placed): void {
    const { entry, checked, index, sound } = placed;
    const { told } = checked;
    // Bytes that are no entry and have no place are told by their signature alone.
    const faults = told || index !== null ? checked.faults : checked.faults.filter(isOfSignature);
    if (sound) for (const { column, kind, says } of faults) report(about(placed, column, kind, says));
    // What has no place in the log and no signature either is nobody's word: it vouches for no row and follows nothing.
    const vouches = index !== null || (checked.signed && told?.own === true);
    remember(placed, vouches ? told : null);
    if (!vouches || !told) return;
    if (!sound) {
      subjects.set(subjectName(entry.subjectKind, entry.subjectId), {
        version: told.version,
        last: toHex(placed.commitment),
        entryId: entry.id,
        disturbed: true,
      });
      absentCommitments.add(toHex(placed.commitment));
      return;
    }
    if (checkSubject(placed, told)) checkLine(placed, told);
    else absentCommitments.add(toHex(placed.commitment));
  }

  return {
    memory,
    subjects,
    times,
    windowOf,
    absentIds,
    absentCommitments,
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

    /** A leaf whose entry is gone. */
    absent(entryId: string, commitment: Uint8Array): void {
      absentIds.add(entryId);
      absentCommitments.add(toHex(commitment));
    },

    /** Takes entries in the log's order. */
    add(portion: readonly Placed[]): void {
      for (const placed of portion) take(placed);
    },

    /** Says what only the whole log can tell: which keys are missing, which are not the ones that were used. */
    finish(): void {
      for (const [name, count] of withoutKey)
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
