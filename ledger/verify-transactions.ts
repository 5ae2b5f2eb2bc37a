// Station 7, the transaction that each entry says wrote it, against what Postgres itself keeps of each row: an entry is inserted
// once and never updated, and no row that it wrote is older than it. Says nothing of an entry that is found wrong otherwise.
import type { Placed } from './verify-entries.ts';
import { type Found, type Report, say } from './verify-finding.ts';
import type { Finding, StoredEntry, StoredRow, VerifyNote } from './verify-sources.ts';

/** Told one by one; all of a log's entries may be wrong. */
const SHOWN = 1000;

interface Wrong {
  readonly entry: string;
  readonly index: number | null;
}

/** Whether `a` came after `b`: transactions are numbered in a ring of 32 bits, of which half lies ahead. */
const isLater = (a: number, b: number): boolean => ((a - b) | 0) > 0;

export function createTransactionCheck() {
  /** Entries whose row was written by another transaction than it names. */
  const rewritten: Wrong[] = [];
  let count = 0;
  let newest: number | undefined;
  /** The earliest transaction of those that are right. */
  let earliest: number | undefined;
  /** Entries that name a later transaction than a row of theirs, by id. */
  const postdated = new Map<string, number>();

  return {
    entry({ entry: { id, statedBy, writtenBy }, index }: Placed): void {
      if (statedBy === writtenBy) {
        if (earliest === undefined || isLater(earliest, statedBy)) earliest = statedBy;
        return;
      }
      count += 1;
      if (newest === undefined || isLater(writtenBy, newest)) newest = writtenBy;
      if (rewritten.length < SHOWN) rewritten.push({ entry: id, index });
    },

    /** Told of each row that names an entry, and of that entry's place in the log, -1 for none. */
    row(
      { entryId, writtenBy }: Pick<StoredRow, 'entryId' | 'writtenBy'>,
      entry: Pick<StoredEntry, 'statedBy' | 'writtenBy'>,
      index: number,
    ): void {
      if (entry.statedBy === entry.writtenBy && isLater(entry.statedBy, writtenBy) && postdated.size < SHOWN)
        postdated.set(entryId, index);
    },

    /**
     * Reports, once everything else is found. Where all entries before a moment were written anew, as by a restored dump,
     * their numbers say nothing any more: that is a note.
     */
    finish(
      found: readonly Found[],
      windowOf: (index: number | null) => Pick<Finding, 'rightAt' | 'wrongAt'>,
      report: Report,
    ): readonly VerifyNote[] {
      const known = new Set(found.flatMap(({ table, row }) => (table === 'audit_entries' ? [row] : [])));
      const wrong = ({ entry, index }: Wrong): void => {
        if (known.has(entry)) return;
        report(
          say(
            'log',
            'audit_entries',
            entry,
            'xact',
            'edited',
            `Entry was not written by the transaction that it names: ${entry}`,
            windowOf(index),
          ),
        );
      };
      const [first] = rewritten;
      const loaded =
        newest !== undefined && (earliest === undefined || isLater(earliest, newest)) ? first : undefined;
      if (!loaded) {
        for (const one of rewritten) wrong(one);
        if (count > rewritten.length)
          report(
            say(
              'log',
              'audit_entries',
              null,
              'xact',
              'edited',
              `More entries were not written by the transaction that they name than are told one by one: ${count - rewritten.length}`,
            ),
          );
      }
      for (const [entry, index] of postdated) wrong({ entry, index: index < 0 ? null : index });
      if (!loaded) return [];
      const { entry, index } = loaded;
      const says = `Entries were loaded anew as a whole, as from a dump, so nothing shows which transactions wrote them: ${count}, from ${entry} on`;
      return [{ kind: 'loaded-anew', entry, index, seconds: null, says }];
    },
  };
}
