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
import type { StoredLeaf } from './verify-sources.ts';
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

/** Walks all indexes once, database and peers side by side. */
export function createWalk(
  pinned: number,
  peers: readonly PeerList[],
  tree: Tree,
  entries: EntryCheck,
  hash: Hash,
  report: Report,
) {
  const counts = { entries: 0, leaves: 0 };
  const wrongLeaves: (Mismatch & { readonly column: string })[] = [];
  const wrongBodies: (Mismatch & { readonly entryId: string })[] = [];
  /** Leaf hashes that two peers hold and the database does not, by their index. */
  const lost = new Map<string, number>();
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

  /** An index that no row of the database has. */
  async function hole(index: number): Promise<void> {
    const right = await rightAt(index, undefined);
    if (!right) {
      tree.whole = false;
      unheard.push(index);
      return;
    }
    lost.set(toHex(right), index);
    if (tree.whole) tree.push(right);
  }

  async function place(row: StoredLeaf, checked: CheckedEntry | undefined): Promise<Placed | undefined> {
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
      return undefined;
    }
    if (tree.whole) tree.push(right);
    const differs = (got: Uint8Array): Mismatch => ({ index, got: toHex(got), right: toHex(right) });
    const good = equalBytes(row.leafHash, right);
    if (!good) wrongLeaves.push({ ...differs(row.leafHash), column: 'leaf_hash' });
    if (!equalBytes(fromCommitment, right) && (good || !equalBytes(fromCommitment, row.leafHash)))
      wrongLeaves.push({ ...differs(fromCommitment), column: 'commitment' });
    if (index < pinned && good) counts.leaves += 1;
    const commitment = equalBytes(fromCommitment, right) ? row.commitment : (body ?? row.commitment);
    if (!entry || !checked || !fromBody) {
      entries.absent(row.entryId, commitment);
      report(
        say(
          'log',
          'audit_entries',
          row.entryId,
          null,
          'deleted',
          `Entry is in the log and not in the database: index ${index}, ${row.entryId}`,
          entries.windowOf(index),
        ),
      );
      return undefined;
    }
    const sound = equalBytes(fromBody, right);
    if (!sound) wrongBodies.push({ ...differs(fromBody), entryId: entry.id });
    else if (index < pinned) counts.entries += 1;
    return { entry, checked, index, sound, commitment };
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
        for (; next < Math.min(row.index, pinned); next++) await hole(next);
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
        const found = await place(row, checked[at]);
        if (found) placed.push(found);
        next = row.index + 1;
      }
      return placed;
    },
    /** Leaves that only the chain has. */
    async end(): Promise<void> {
      for (; next < pinned; next++) await hole(next);
    },
    /** Leaf hashes that the database lost, with their index: an entry without a leaf may be the one. */
    lost: () => new Map(lost),
    /** Says what the walk found. `bodiless` are the lost indexes for which no entry was found either. */
    report(bodiless: readonly number[]): void {
      for (const { table, wrong } of peers)
        reportMismatches('chain', table, wrong, windowBefore, report, (index, kind) =>
          kind === 'reordered'
            ? `Peer holds a leaf at another place than the others: index ${index}`
            : `Peer holds another leaf than the others: index ${index}`,
        );
      const elsewhere = new Set([...wrongLeaves, ...wrongBodies].map(({ right }) => right));
      for (const { index, got, column } of wrongLeaves) {
        const reordered = elsewhere.has(got);
        report(
          say(
            'log',
            'log_leaves',
            String(index),
            reordered ? 'index' : column,
            reordered ? 'reordered' : 'edited',
            index >= pinned
              ? `Leaf is not the hash of its entry: index ${index}`
              : reordered
                ? `Leaf stands at another place than on the chain: index ${index}`
                : `Leaf is another one than on the chain: index ${index}`,
            entries.windowOf(index),
          ),
        );
      }
      const leavesWrong = new Set(wrongLeaves.map(({ index }) => index));
      for (const { index, got, entryId } of wrongBodies) {
        if (!elsewhere.has(got)) {
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
        } else if (!leavesWrong.has(index)) {
          report(
            say(
              'log',
              'log_leaves',
              String(index),
              'entry_id',
              'reordered',
              `Leaf names another entry than the one that was logged there: index ${index}`,
              entries.windowOf(index),
            ),
          );
        }
      }
      reportLost(
        [...lost.values(), ...unheard].sort((a, b) => a - b),
        bodiless,
        pinned,
        entries,
        report,
      );
    },
  };
}
