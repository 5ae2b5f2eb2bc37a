// Station 7, the entries one by one, in the log's order: form, signature, certificate, the columns beside the bytes, and
// each subject's unbroken line of versions. Remembers who wrote which row last. Never judges a row, and reads nothing.
import { toHex } from './bytes.ts';
import { type Entry, readEntry, subjectPseudonym } from './entry.ts';
import { equalBytes } from './merkle.ts';
import type { Found, Report } from './verify-finding.ts';
import { firstSizeOver, packedBytes, rowMemory, uuidBytes } from './verify-memory.ts';
import type { Finding, StoredEntry, VerifySources } from './verify-sources.ts';

/** An entry with its place: where it stands in the log, and whether its bytes are those the log holds there. */
export interface Placed {
  readonly entry: StoredEntry;
  /** Null while it waits for a place. */
  readonly index: number | null;
  /** False when its bytes are known not to be the log's; that is reported already, and nothing else is asked of them. */
  readonly sound: boolean;
  /** Hash under which the next entry of its subject must name it. */
  readonly commitment: Uint8Array;
}

interface SubjectLine {
  version: number;
  last: Uint8Array;
  entryId: string;
  /** An entry of it was not sound: the next one is taken as it is. */
  disturbed: boolean;
}

export type EntryCheck = ReturnType<typeof createEntryCheck>;

export const subjectName = (kind: string, id: string): string => `${kind} ${id}`;

export function createEntryCheck(sources: VerifySources, report: Report) {
  const { hashing, trust } = sources;
  const memory = rowMemory(hashing.hash);
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

  /** True when the service signed these bytes. */
  async function checkSignature(placed: Placed): Promise<boolean> {
    const { entry } = placed;
    const verdict = await trust.entrySignature(entry.keyId, new Date(entry.at), entry.body, entry.signature);
    if (verdict === 'holds') return true;
    if (verdict === 'not-yet-certified') {
      report(
        about(
          placed,
          'at',
          'out-of-time',
          `Entry is stamped before the certificate of its key began; see whether a clock was set back: entry ${entry.id}`,
        ),
      );
      return true;
    }
    const why = {
      wrong: 'Signature does not belong to these bytes and this key',
      'unknown-key': 'Signature is by a key that no trusted certificate names',
      'not-certified': 'Signature is by a key whose certificate did not hold at that time',
    }[verdict];
    report(about(placed, 'signature', 'replaced-signature', `${why}: entry ${entry.id}`));
    return false;
  }

  /** The columns beside the bytes are there to search by; each must repeat what the bytes say. */
  function checkColumns(placed: Placed, told: Entry): void {
    const { entry } = placed;
    const pairs: readonly (readonly [column: string, stored: unknown, signed: unknown])[] = [
      ['id', entry.id, told.id],
      ['subject_kind', entry.subjectKind, told.subject.kind],
      ['subject_version', entry.subjectVersion, told.subject.version],
      ['event', entry.event, told.event],
      ['person_id', entry.personId, told.actor?.person],
      ['at', entry.at, told.at],
      ['key_id', entry.keyId, told.actor?.key],
    ];
    for (const [column, stored, signed] of pairs)
      if (stored !== signed)
        report(
          about(placed, column, 'edited', `Column differs from the signed bytes: ${column} of ${entry.id}`),
        );
  }

  /** True when the entry belongs to the subject that its row names, or when nobody can tell. */
  async function checkPseudonym(placed: Placed, told: Entry): Promise<boolean> {
    const { entry } = placed;
    const name = subjectName(entry.subjectKind, entry.subjectId);
    const key = await sources.digestKey(entry.subjectKind, entry.subjectId);
    if (!key) {
      withoutKey.set(name, (withoutKey.get(name) ?? 0) + 1);
      return true;
    }
    // A case has a key of its own, all others share one: how it fares with the others tells a wrong key from a moved entry.
    const mark = entry.subjectKind === 'case' ? name : hashing.text(key);
    const tally = keys.get(mark) ?? { good: 0, bad: [], first: name };
    keys.set(mark, tally);
    if (subjectPseudonym(key, told.subject.kind, entry.subjectId, hashing) === told.subject.pseudonym) {
      tally.good += 1;
      return true;
    }
    tally.bad.push(
      about(placed, 'subject_id', 'edited', `Entry is about another subject than its row says: ${entry.id}`),
    );
    wrongKeys.add(name);
    return false;
  }

  function checkLine(placed: Placed, told: Entry): void {
    const { entry, commitment } = placed;
    const name = subjectName(entry.subjectKind, entry.subjectId);
    const line = subjects.get(name);
    const { version, previous } = told.subject;
    const next = { version, last: commitment, entryId: entry.id, disturbed: false };
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
      } else if (previous !== (line ? toHex(line.last) : null)) {
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

  function remember(placed: Placed, told: Entry | undefined): void {
    const ordinal = ids.count();
    ids.push(uuidBytes(placed.entry.id));
    bodies.push(hashing.hash(placed.entry.body));
    indexes.push(placed.index ?? -1);
    if (!told) return;
    let names = false;
    for (const change of told.changes) {
      if (typeof change?.table !== 'string' || typeof change.key !== 'string') continue;
      const again = memory.wrote(change.table, change.key, ordinal);
      if (change.table !== 'operations') continue;
      names ||= change.key === told.operation;
      if (again)
        report(about(placed, 'body', 'forged', `Two entries stand for one operation: ${change.key}`));
    }
    if (placed.sound && told.operation !== null && !names)
      report(
        about(placed, 'body', 'forged', `Entry names an operation and no row of it: ${placed.entry.id}`),
      );
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

    /** Takes entries in the log's order. Signatures of one portion are checked side by side. */
    async add(portion: readonly Placed[]): Promise<void> {
      const signed = await Promise.all(portion.map((placed) => placed.sound && checkSignature(placed)));
      for (const [at, placed] of portion.entries()) {
        const read = readEntry(placed.entry.body);
        const told = 'entry' in read ? read.entry : undefined;
        // What has no place in the log and no signature either is nobody's word: it vouches for no row and follows nothing.
        const vouches = placed.index !== null || (signed[at] === true && told?.id === placed.entry.id);
        remember(placed, vouches ? told : undefined);
        if (!vouches) {
          if (told) checkColumns(placed, told);
          continue;
        }
        const { subjectKind, subjectId } = placed.entry;
        if (!told) {
          if (placed.sound)
            report(
              about(placed, 'body', 'forged', `${'fault' in read ? read.fault : ''}: ${placed.entry.id}`),
            );
          continue;
        }
        if (!placed.sound) {
          subjects.set(subjectName(subjectKind, subjectId), {
            version: told.subject.version,
            last: placed.commitment,
            entryId: placed.entry.id,
            disturbed: true,
          });
          absentCommitments.add(toHex(placed.commitment));
          continue;
        }
        checkColumns(placed, told);
        if (await checkPseudonym(placed, told)) checkLine(placed, told);
        else absentCommitments.add(toHex(placed.commitment));
      }
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
    sameBytes: (ordinal: number, body: Uint8Array): boolean =>
      equalBytes(hashing.hash(body), bodies.at(ordinal)),
  };
}
