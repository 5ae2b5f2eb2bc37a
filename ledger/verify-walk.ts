// Station 7, the leaves one by one: the database's own beside every organisation's list. Two that agree decide what is right;
// the database's own word breaks a tie and never overrules them. Never repairs, only names.
import { toHex } from './bytes.ts';
import { equalBytes, HASH_BYTES, type Hash, leafHash } from './merkle.ts';
import { type Listing, listing, type Pin } from './reader.ts';
import type { CheckedEntry } from './verify-check.ts';
import type { EntryCheck, Placed } from './verify-entries.ts';
import { type Mismatch, type Report, say } from './verify-finding.ts';
import { reportLost, reportMismatches } from './verify-lost.ts';
import { firstSizeOver, lastSizeUpTo } from './verify-memory.ts';
import type { Finding, StoredEntry, StoredLeaf } from './verify-sources.ts';
import type { Tree } from './verify-tree.ts';

export interface PeerList {
  readonly table: string;
  readonly organisation: string;
  readonly root: Uint8Array;
  readonly list: Listing;
  readonly wrong: Mismatch[];
}

/** Opens the list of each peer that has reached the pinned size; says of the others why they are not heard. */
export function openLists(pin: Pin, hash: Hash, report: Report): PeerList[] {
  return pin.peers.flatMap((at): PeerList[] => {
    const { organisation } = at.peer;
    const table = `peer-${organisation}`;
    if (at.state === 'there')
      return [{ table, organisation, root: at.root, list: listing(at.peer, pin.size, hash), wrong: [] }];
    report(
      say(
        'chain',
        table,
        null,
        null,
        'unreadable',
        at.state === 'behind'
          ? `Peer has not reached the pinned size, ${pin.size}; verify again when it has caught up: it is at ${at.size}`
          : `Peer cannot be read; verify again when it answers: ${organisation}`,
      ),
    );
    return [];
  });
}

/** What two peers agree on; else what the database and one peer agree on; else the only word there is. */
function decide(
  words: readonly (Uint8Array | undefined)[],
  own: Uint8Array | undefined,
): Uint8Array | undefined {
  const heard = words.filter((word) => word !== undefined);
  for (const [at, word] of heard.entries())
    if (heard.some((other, place) => place > at && equalBytes(word, other))) return word;
  if (own && heard.some((word) => equalBytes(word, own))) return own;
  return own ? (heard.length === 0 ? own : undefined) : heard[0];
}

/** An entry that was met where another one belongs. */
interface Stray {
  readonly entry: StoredEntry;
  readonly checked: CheckedEntry;
  readonly at: number;
}

/** An index whose own entry was not met there. */
interface Vacancy {
  readonly index: number;
  /** The entry that its leaf names; null where the leaf is missing too. */
  readonly names: string | null;
}

/**
 * Walks all indexes once, database and peers side by side.
 * @param end where the log ends, as head, checkpoints and peers say
 */
export function createWalk(
  pinned: number,
  end: number,
  peers: readonly PeerList[],
  tree: Tree,
  entries: EntryCheck,
  hash: Hash,
  report: Report,
) {
  const counts = { entries: 0, leaves: 0 };
  const wrongLeaves: (Mismatch & { readonly column: string })[] = [];
  const wrongBodies: (Mismatch & { readonly entryId: string })[] = [];
  /** By the leaf hash of their own bytes. */
  const strays = new Map<string, Stray>();
  /** By the leaf hash that belongs there. */
  const vacant = new Map<string, Vacancy>();
  /** Indexes of leaves that are missing; and those of them that stand elsewhere. */
  const holes = new Map<string, number>();
  /** Indexes whose leaf names another entry than the one that is there without a leaf. */
  const misnamed = new Set<number>();
  /** Indexes that neither the database nor any peer tells of. */
  const unheard: number[] = [];
  let next = 0;

  /** What belongs at an index below the pinned size; names each peer that holds something else. */
  async function rightAt(index: number, own: Uint8Array | undefined): Promise<Uint8Array | undefined> {
    const words: (Uint8Array | undefined)[] = [];
    for (const { list } of peers) {
      const leaf = list.leaf(index);
      words.push(leaf instanceof Promise ? await leaf : leaf);
    }
    if (own && words.every((word) => word && equalBytes(word, own))) return own;
    const right = decide(words, own);
    if (!right) {
      if (words.some((word) => word !== undefined))
        report(
          say(
            'chain',
            'log_leaves',
            String(index),
            'leaf_hash',
            'forked-log',
            `Database and peers hold different leaves, and no two of them agree: index ${index}`,
            windowBefore(index),
          ),
        );
      return own;
    }
    for (const [at, word] of words.entries())
      if (word && !equalBytes(word, right))
        peers[at]?.wrong.push({ index, got: toHex(word), right: toHex(right) });
    return right;
  }

  const windowBefore = (index: number) => ({
    rightAt: lastSizeUpTo(entries.times.sizes, index),
    wrongAt: firstSizeOver(entries.times.sizes, index),
  });

  /** The entry that belongs at an index and was met before it; else the index waits for one. */
  function fill(index: number, right: string, names: string | null): Placed[] {
    entries.displaced.add(right);
    const stray = strays.get(right);
    if (!stray) {
      vacant.set(right, { index, names });
      return [];
    }
    strays.delete(right);
    return [{ entry: stray.entry, checked: stray.checked, index, late: false }];
  }

  /** The index at which an entry belongs that is met behind it, or that no leaf names. */
  function homeOf(checked: CheckedEntry): Vacancy | undefined {
    if (vacant.size === 0) return undefined;
    const leaf = toHex(checked.leaf);
    const home = vacant.get(leaf);
    vacant.delete(leaf);
    return home;
  }

  /** An index that no row of the database has. */
  async function hole(index: number): Promise<Placed[]> {
    const right = await rightAt(index, undefined);
    if (!right) {
      tree.whole = false;
      unheard.push(index);
      return [];
    }
    holes.set(toHex(right), index);
    if (tree.whole) tree.push(right);
    return fill(index, toHex(right), null);
  }

  /** A leaf behind the end of the log: one of its own that was moved there, or none of it. */
  function beyond(
    { index, leafHash: stands, entry }: StoredLeaf,
    checked: CheckedEntry | undefined,
  ): Placed[] {
    const from = holes.get(toHex(stands));
    holes.delete(toHex(stands));
    report(
      from === undefined
        ? say(
            'log',
            'log_leaves',
            String(index),
            null,
            'inserted',
            `Leaf stands behind the end of the log: index ${index}`,
          )
        : say(
            'log',
            'log_leaves',
            String(from),
            'index',
            'reordered',
            `Leaf stands at another place than on the chain: index ${from}, at ${index}`,
            entries.windowOf(from),
          ),
    );
    if (!entry || !checked) return [];
    return [{ entry, checked, index: homeOf(checked)?.index ?? null, late: true }];
  }

  async function place(row: StoredLeaf, checked: CheckedEntry | undefined): Promise<Placed[]> {
    const { index, entry } = row;
    const body = checked?.commitment;
    const fromBody = checked?.leaf;
    const fromCommitment =
      fromBody && body && equalBytes(row.commitment, body)
        ? fromBody
        : row.commitment.length === HASH_BYTES
          ? leafHash(row.commitment, hash)
          : new Uint8Array(0);
    const own =
      row.leafHash.length === HASH_BYTES
        ? row.leafHash
        : fromCommitment.length > 0
          ? fromCommitment
          : fromBody;
    const right =
      (index < pinned ? await rightAt(index, own) : decide([fromBody, fromCommitment], row.leafHash)) ?? own;
    if (!right) {
      tree.whole = false;
      return [];
    }
    if (tree.whole) tree.push(right);
    const differs = (got: Uint8Array): Mismatch => ({ index, got: toHex(got), right: toHex(right) });
    const good = equalBytes(row.leafHash, right);
    if (!good) wrongLeaves.push({ ...differs(row.leafHash), column: 'leaf_hash' });
    if (!equalBytes(fromCommitment, right) && (good || !equalBytes(fromCommitment, row.leafHash)))
      wrongLeaves.push({ ...differs(fromCommitment), column: 'commitment' });
    if (index < pinned && good) counts.leaves += 1;
    if (entry && checked && fromBody && equalBytes(fromBody, right)) {
      if (index < pinned) counts.entries += 1;
      return [{ entry, checked, index, late: false }];
    }
    const placed: Placed[] = [];
    if (entry && checked && fromBody) {
      wrongBodies.push({ ...differs(fromBody), entryId: entry.id });
      const home = homeOf(checked);
      if (home) placed.push({ entry, checked, index: home.index, late: true });
      else strays.set(toHex(fromBody), { entry, checked, at: index });
    }
    placed.push(...fill(index, toHex(right), row.entryId));
    return placed;
  }

  return {
    counts,
    next: () => next,
    /** `checked` has an answer for each leaf, undefined where it has no entry. */
    async leaves(
      rows: readonly StoredLeaf[],
      checked: readonly (CheckedEntry | undefined)[],
    ): Promise<Placed[]> {
      const placed: Placed[] = [];
      for (const [at, row] of rows.entries()) {
        for (; next < Math.min(row.index, pinned); next++) placed.push(...(await hole(next)));
        if (row.index >= end) {
          placed.push(...beyond(row, checked[at]));
          continue;
        }
        if (row.index > next) {
          tree.whole = false;
          report(
            say(
              'log',
              'log_leaves',
              row.index - next === 1 ? String(next) : `${next}-${row.index - 1}`,
              null,
              'deleted',
              `Leaves are missing: index ${next} to ${row.index - 1}`,
              entries.windowOf(next),
            ),
          );
        }
        placed.push(...(await place(row, checked[at])));
        next = row.index + 1;
      }
      return placed;
    },
    /** Leaves that only the chain has, and their entries where they were met before. */
    async end(): Promise<Placed[]> {
      const placed: Placed[] = [];
      for (; next < pinned; next++) placed.push(...(await hole(next)));
      return placed;
    },
    /** Takes an entry that no leaf names; it may be the one that belongs at an index. */
    pending(entry: StoredEntry, checked: CheckedEntry): Placed {
      const home = homeOf(checked);
      if (!home) return { entry, checked, index: null, late: false };
      // An entry under another id is told by its own columns, and what names it rightly is not wrong; else it is the leaf that
      // names another one.
      if (home.names !== null && checked.told?.own === false) entries.renamed(home.names);
      else if (home.names !== null) misnamed.add(home.index);
      return { entry, checked, index: home.index, late: true };
    },
    /** Says what the walk found, once all entries were met. */
    report(): void {
      for (const { table, wrong } of peers)
        reportMismatches('chain', table, wrong, windowBefore, report, (index, kind) =>
          kind === 'reordered'
            ? `Peer holds a leaf at another place than the others: index ${index}`
            : `Peer holds another leaf than the others: index ${index}`,
        );
      const log = (index: number, column: string | null, kind: Finding['kind'], says: string): void =>
        report(
          say(
            'log',
            'log_leaves',
            String(index),
            column,
            kind,
            `${says}: index ${index}`,
            entries.windowOf(index),
          ),
        );
      const elsewhere = new Set([...wrongLeaves, ...wrongBodies].map(({ right }) => right));
      for (const { index, got, column } of wrongLeaves) {
        if (elsewhere.has(got))
          log(index, 'index', 'reordered', 'Leaf stands at another place than on the chain');
        else if (index < pinned) log(index, column, 'edited', 'Leaf is another one than on the chain');
        else log(index, column, 'edited', 'Leaf is not the hash of its entry');
      }
      const leavesWrong = new Set(wrongLeaves.map(({ index }) => index));
      for (const index of misnamed)
        log(index, 'entry_id', 'edited', 'Leaf names another entry than the one that was logged there');
      for (const { index, got, entryId } of wrongBodies) {
        if (misnamed.has(index)) continue;
        if (!elsewhere.has(got))
          report(
            say(
              'log',
              'audit_entries',
              entryId,
              'body',
              'edited',
              `Entry's bytes are not those that were logged: index ${index}, ${entryId}`,
              entries.windowOf(index),
            ),
          );
        else if (!leavesWrong.has(index))
          log(index, 'entry_id', 'reordered', 'Leaf names another entry than the one that was logged there');
      }
      for (const [right, { index, names }] of vacant) {
        entries.absent(names, right);
        // One that is named and there has other bytes; that is told above.
        if (names === null || wrongBodies.some((one) => one.index === index)) continue;
        report(
          say(
            'log',
            'audit_entries',
            names,
            null,
            'deleted',
            `Entry is in the log and not in the database: index ${index}, ${names}`,
            entries.windowOf(index),
          ),
        );
      }
      const bodiless = [...vacant.values()].flatMap(({ index, names }) => (names === null ? [index] : []));
      reportLost(
        [...holes.values(), ...unheard].sort((a, b) => a - b),
        bodiless,
        pinned,
        entries,
        report,
      );
    },
  };
}
