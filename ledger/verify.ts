// Station 7, verification: re-derives stations 4 to 6 from raw bytes and trusts nothing above it. Its sources come as an
// argument, so that an outsider can run it on an export. Reads only; what cannot be read is said, never passed over.

/** Where something is wrong. */
export const STORES = ['postgres', 'log', 'chain', 'history', 'evidence'] as const;

/** What happened to it. */
export const FINDING_KINDS = [
  'edited',
  'deleted',
  'inserted',
  'reordered',
  'truncated',
  'forged',
  'forked',
  'key-missing',
  'unreadable',
] as const;

/** One thing that is wrong, as precisely as the stores allow (DESIGN.md section 7). */
export interface Finding {
  readonly store: (typeof STORES)[number];
  /** Table, or the store's own collection: `log_leaves`, `checkpoints`, `peer-hospital`. */
  readonly table: string | null;
  readonly row: string | null;
  readonly column: string | null;
  readonly kind: (typeof FINDING_KINDS)[number];
  /** Size of the last checkpoint at which it was right, and of the first at which it is wrong; null when not known. */
  readonly rightAt: number | null;
  readonly wrongAt: number | null;
  /** One sentence for a person; ids and places only. */
  readonly says: string;
}

/** The report of a run (DESIGN.md section 7). */
export interface VerifyReport {
  readonly status: 'sound' | 'unreadable' | 'tampered';
  /** Size of the newest anchored checkpoint, at which everything was compared. */
  readonly size: number;
  readonly counts: {
    readonly entries: number;
    readonly leaves: number;
    readonly anchored: Readonly<Record<string, number>>;
    readonly pending: number;
  };
  readonly findings: readonly Finding[];
  readonly seconds: number;
}
