// Station 7, what verification reads: the shapes of its sources and of what it finds. Built by bin over the running system, or
// over an export by an outsider. Types and which key counts where; nothing that could read anything by itself.
import type { Organisation } from '../domain/consortium.ts';
import type { VerifierKey, VerifySignature } from './checkpoint.ts';
import type { ColumnValue, Hashing } from './entry.ts';
import type { FormerKey } from './evidence/format.ts';
import type { PeerLog } from './reader.ts';
import type { CheckContext, Checking, PersonCertificate, ServiceKey } from './verify-check.ts';

/** Where something is wrong. */
export const STORES = ['postgres', 'log', 'chain', 'history', 'evidence'] as const;

/**
 * What happened to it. `forged`: made with real keys, and against the ledger's own rules. `out-of-time`: signed rightly, at a
 * time at which its certificate had not begun, as by a clock that was set back.
 */
export const FINDING_KINDS = [
  'edited',
  'deleted',
  'inserted',
  'reordered',
  'truncated',
  'replaced-signature',
  'forged-checkpoint',
  'forked-log',
  'forged',
  'out-of-time',
  'key-missing',
  'unreadable',
] as const;

/** One thing that is wrong, as precisely as the stores allow (DESIGN.md section 7). */
export interface Finding {
  readonly store: (typeof STORES)[number];
  /** Table, or the store's own collection: `log_leaves`, `log_checkpoints`, `peer-hospital`. */
  readonly table: string | null;
  readonly row: string | null;
  readonly column: string | null;
  readonly kind: (typeof FINDING_KINDS)[number];
  /** Size of the last checkpoint at which it was right, and of the first at which it is wrong; null when not known. */
  readonly rightAt: number | null;
  readonly wrongAt: number | null;
  /** Which of those that should say the same stands alone: `postgres`, `log`, `peer-hospital`, `history`; null when none can be told. */
  readonly disagrees: string | null;
  /** Those that say the same, against it. */
  readonly agree: readonly string[];
  /** One sentence for a person; ids and places only. */
  readonly says: string;
}

/** Something that is not wrong and should be known: what clocks did, a load, what is under way between stores. Never changes the verdict. */
export interface VerifyNote {
  readonly kind:
    | 'clock-stepped-back'
    | 'clocks-apart'
    | 'after-its-key'
    | 'loaded-anew'
    | 'certificates-apart';
  /** The entry at which it shows, and its index; null where it is about none. */
  readonly entry: string | null;
  readonly index: number | null;
  /** By how much, where it is about time. */
  readonly seconds: number | null;
  /** One sentence for a person. */
  readonly says: string;
}

/** The report of a run (DESIGN.md section 7). */
export interface VerifyReport {
  readonly status: 'sound' | 'unreadable' | 'tampered';
  /** Size of the newest anchored checkpoint, at which everything was compared. */
  readonly size: number;
  readonly counts: {
    /** Entries below that size whose bytes hash to the leaf at their place. */
    readonly entries: number;
    /** Leaves below that size as the log keeps them. */
    readonly leaves: number;
    /** Leaves listed from each organisation's own peer, as far as they hash to its root. */
    readonly anchored: Readonly<Record<string, number>>;
    /** Entries behind that size: checked like all others, and not anchored yet. */
    readonly pending: number;
    /** Cases whose histories were compared; absent when histories were not asked for. */
    readonly cases?: number;
    /** Size of the newest checkpoint that two members have cosigned; absent when they were not asked. */
    readonly cosigned?: number;
  };
  readonly findings: readonly Finding[];
  readonly notes: readonly VerifyNote[];
  readonly seconds: number;
}

/** An entry as it is stored: its bytes, its signature, and the columns beside them. */
export interface StoredEntry {
  readonly id: string;
  readonly subjectKind: string;
  readonly subjectId: string;
  readonly subjectVersion: number;
  readonly event: string;
  readonly personId: string;
  readonly at: string;
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
  readonly keyId: string;
  /** The transaction that its row names as the writing one, and the one that Postgres says wrote the row: 32 bits of each. */
  readonly statedBy: number;
  readonly writtenBy: number;
}

/** A place in the log, with the entry that it names, when there is one. */
export interface StoredLeaf {
  readonly index: number;
  readonly entryId: string;
  readonly commitment: Uint8Array;
  readonly leafHash: Uint8Array;
  readonly entry: StoredEntry | null;
}

/** Stands for a stored value that has no canonical form, and so cannot be what was written. */
export const NO_VALUE = Symbol('no canonical value');

/** A row of a recorded table. */
export interface StoredRow {
  readonly key: string;
  readonly entryId: string;
  /** The transaction that wrote the row as it stands, by Postgres: 32 bits of it. */
  readonly writtenBy: number;
  /** Every column but the entry's id, in its canonical form (db/change.ts); null where it is null. */
  readonly columns: Readonly<Record<string, ColumnValue | typeof NO_VALUE | null>>;
  /** The entry that the row names, when there is one. */
  readonly entry: Pick<StoredEntry, 'subjectKind' | 'subjectId' | 'body' | 'statedBy' | 'writtenBy'> | null;
}

export interface StoredSubject {
  readonly kind: string;
  readonly id: string;
  readonly version: number;
  readonly last: Uint8Array;
  readonly entryId: string;
}

export interface StoredCheckpoint {
  readonly size: number;
  readonly root: Uint8Array;
  readonly note: string;
  /** Size of the checkpoint before it. */
  readonly previous: number;
}

/** That the chain was seen to hold a size. */
export interface StoredAnchor {
  readonly size: number;
  readonly root: Uint8Array;
  readonly at: string;
  readonly note: string;
}

/** 256 hashes of one height, and the root over them. */
export interface StoredTile {
  readonly level: number;
  readonly index: number;
  readonly hashes: Uint8Array;
  readonly root: Uint8Array;
}

/** A change that came without `recorded()`, as a trigger of the database noted it. */
export interface OutsideChange {
  readonly id: number;
  readonly at: string;
  /** Size of the log when it happened. */
  readonly size: number;
  readonly role: string;
  readonly table: string;
  readonly row: string | null;
  readonly verb: 'INSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE' | 'GUARD';
  readonly columns: readonly string[];
}

/** A trigger or function of the database that is not as it was defined. */
export interface StoredGuardFault {
  readonly table: string | null;
  readonly guard: string;
  readonly fault: 'missing' | 'disabled' | 'altered' | 'foreign';
}

/**
 * One snapshot of the database: every answer must be of the same instant, or work that commits meanwhile looks like
 * tampering. Listings come in portions; each may throw, then the run ends as unreadable.
 */
export interface StoredLog {
  /** In the order of their index. */
  leaves(): AsyncIterable<readonly StoredLeaf[]>;
  /** Entries that no leaf names, in the order in which they were committed. */
  pending(): AsyncIterable<readonly StoredEntry[]>;
  entries(ids: readonly string[]): Promise<readonly StoredEntry[]>;
  /** In the order of their size. */
  checkpoints(): AsyncIterable<readonly StoredCheckpoint[]>;
  /** In the order of their size. */
  anchors(): AsyncIterable<readonly StoredAnchor[]>;
  /** Full tiles, by level and index. */
  tiles(): AsyncIterable<readonly StoredTile[]>;
  /** Rows of the head's table, by their number. There is to be one, and its number is 1. */
  heads(): Promise<
    readonly {
      readonly id: number;
      readonly size: number;
      readonly root: Uint8Array;
      readonly range: Uint8Array;
    }[]
  >;
  subjects(): AsyncIterable<readonly StoredSubject[]>;
  /** In the order in which they were noted. */
  outsideChanges(): AsyncIterable<readonly OutsideChange[]>;
  /** Certificates of persons, as they are recorded. */
  certificates(): Promise<readonly PersonCertificate[]>;
  /** How the guards of the tables differ from what is defined. */
  guardFaults(): Promise<readonly StoredGuardFault[]>;
  /** Recorded tables by name. */
  readonly tables: readonly string[];
  rows(table: string): AsyncIterable<readonly StoredRow[]>;
}

/** One thing in which a history differs from the record. */
export interface HistoryDifference {
  /** The case's workflow, by its id. */
  readonly workflow: string;
  /** Operation key of the Update, or run, that it is about; null for the case as a whole. */
  readonly place: string | null;
  /** What happened to the history, should the record be right. */
  readonly kind: Extract<Finding['kind'], 'edited' | 'deleted' | 'inserted' | 'truncated'>;
  /** Rows that the difference follows from, should they be wrong. */
  readonly rows: readonly string[];
  /** The record has nothing, or not everything, where the history has something. */
  readonly lacks: boolean;
  readonly says: string;
}

/** Every case's history against what is recorded of it. */
export type CompareHistories = () => Promise<{
  readonly cases: number;
  readonly differing: readonly HistoryDifference[];
}>;

/** A key of the log. A former one counts for sizes up to `until` and no larger ones. */
export interface LogKey extends VerifierKey {
  readonly until?: number;
}

/** The keys that count for what is said of this size. */
export const logKeysFor = ({ logKeys }: Pick<Trust, 'logKeys'>, size: number): readonly LogKey[] =>
  logKeys.filter(({ until = size }) => size <= until);

/** Whose signatures count. Never taken from what is verified. */
export interface Trust {
  /** Origin line of the log's checkpoints, and the keys that sign them. */
  readonly origin: string;
  readonly logKeys: readonly LogKey[];
  readonly verifyNote: VerifySignature;
  /** Certificates of the service, and whether a trusted authority gave them. */
  readonly serviceKeys: readonly ServiceKey[];
  /** Authorities (PEM) from which the certificates of each organisation's people must descend. */
  readonly roots: Readonly<Partial<Record<Organisation, readonly string[]>>>;
}

export interface StatedCosignature {
  readonly organisation: string;
  readonly size: number;
  /** The line as it stands in a note. */
  readonly line: string;
  /** Seconds since 1970. */
  readonly at: number;
}

/** What one organisation's own peer keeps beside the leaves. Every answer may throw: then it cannot be read now. */
export interface PeerState {
  readonly organisation: string;
  /** How many blocks it has: peers of one height hold the same. */
  height(): Promise<number>;
  /** Hash of the channel's first block's header, hexadecimal. */
  genesis(): Promise<string>;
  keys(): Promise<
    readonly {
      readonly kind: string;
      readonly name: string;
      readonly vkey: string | null;
      readonly former: readonly string[];
      readonly proposals: Readonly<Record<string, string | undefined>>;
    }[]
  >;
  /** Every certificate, whoever issued it. */
  certificates(): Promise<
    readonly {
      readonly fingerprint: string;
      readonly organisation: string;
      readonly revoked: object | null;
    }[]
  >;
  /** The digest that was recorded for a version; undefined when none was. */
  parameters(version: string): Promise<string | undefined>;
  /** Each organisation's newest cosignature. */
  cosignatures(): Promise<readonly StatedCosignature[]>;
}

/** What whoever verifies knows of the consortium; what is absent is compared between peers alone. */
export interface MemberTrust extends Pick<Trust, 'origin'> {
  readonly log: string;
  readonly witnesses?: Readonly<Partial<Record<Organisation, string>>>;
  readonly former?: readonly FormerKey[] | undefined;
  readonly genesis?: string;
}

/** The peers beside the log, and what is to be found there. */
export interface Consortium {
  readonly peers: readonly PeerState[];
  readonly trust: MemberTrust;
  /** The parameters in force, and the SHA-256 of their canonical JSON, hexadecimal. */
  readonly parameters: { readonly version: string; readonly sha256: string };
  /** Whether a log that no two members have cosigned is one that could not be checked. */
  readonly demandCosigned: boolean;
}

/** Everything a run needs. */
export interface VerifySources {
  readonly hashing: Hashing;
  readonly trust: Trust;
  /** Where entries and rows are checked: in this thread, or on all cores. Closed when the run ends. */
  readonly checking: (context: CheckContext) => Checking;
  readonly peers: readonly PeerLog[];
  /** Absent where there are no members to ask, as in an export. */
  readonly consortium?: Consortium | undefined;
  /** Compares the histories with the record; absent when they are not asked for. */
  readonly histories?: CompareHistories | undefined;
  /** Opens the snapshot. Called after the anchored size is pinned, so that the snapshot holds at least that much. */
  open(): Promise<StoredLog>;
  /**
   * The newest size that has a row in the database by now, also one that came after the snapshot; absent where there is no
   * ledger that could still write one.
   */
  readonly newestAnchor?: (() => Promise<number>) | undefined;
  /** The key that digests a subject's columns; undefined when it is not there. */
  digestKey(subjectKind: string, subjectId: string): Promise<Uint8Array | undefined>;
  readonly wait: (ms: number) => Promise<void>;
  /** Milliseconds of a clock that does not run back. */
  readonly clock: () => number;
  readonly progress: (line: string) => void;
  /** Told of the error behind a source that could not be read to its end. */
  readonly note: (error: unknown) => void;
}
