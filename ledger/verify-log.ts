// Station 7, the log against itself and against the chain: every leaf of the database beside every organisation's own list,
// every checkpoint against the tree over the leaves that are right. Two peers that agree decide what is right; the
// database's own word breaks a tie and never overrules them. Never repairs, only names.
import { equalBytes } from './merkle.ts';
import type { Pin } from './reader.ts';
import { ahead, progressOf, withKeys } from './verify-ahead.ts';
import type { CheckedEntry, Checking } from './verify-check.ts';
import {
  judgeCheckpoint,
  reportUnjudged,
  statedAnchors,
  statedCheckpoints,
  statedRoot,
  wrongAnchor,
} from './verify-checkpoints.ts';
import { createClockCheck } from './verify-clock.ts';
import { checkEnd } from './verify-end.ts';
import type { EntryCheck } from './verify-entries.ts';
import type { Report } from './verify-finding.ts';
import type { StoredLog, VerifyReport, VerifySources } from './verify-sources.ts';
import { growingTree } from './verify-tree.ts';
import { createWalk, openLists, type PeerList } from './verify-walk.ts';

/**
 * Checks checkpoints, leaves, tree, head and anchors, and hands every entry to `entries` in the log's order.
 * @returns the report's counts, what the entries' times tell, and the root that is stated of a size
 */
export async function checkLog(
  sources: VerifySources,
  stored: StoredLog,
  pin: Pin,
  checking: Checking,
  entries: EntryCheck,
  report: Report,
): Promise<{
  readonly counts: VerifyReport['counts'];
  readonly notes: VerifyReport['notes'];
  readonly rootAt: (size: number) => Uint8Array | undefined;
}> {
  const { hash } = sources.hashing;
  const checkpoints = await statedCheckpoints(sources.trust, stored, report);
  const anchors = await statedAnchors(sources.trust, stored, checkpoints, report);
  entries.times.sizes = checkpoints.sizes;
  entries.times.pinned = pin.size;
  entries.times.newest = checkpoints.sizes.at(-1) ?? 0;

  const peers = openLists(pin, hash, report);
  const tree = growingTree(hash, [
    [checkpoints, (size, given, root) => judgeCheckpoint(checkpoints, size, given, root, report)],
    [
      anchors,
      (size, given, root) => {
        if (!equalBytes(given, root)) wrongAnchor(size, report);
      },
    ],
  ]);
  const ends = [...(await stored.heads()).map(({ size }) => size), entries.times.newest, pin.size];
  const walk = createWalk(pin.size, Math.max(...ends), peers, tree, entries, hash, report);

  let pending = 0;
  const progress = progressOf(sources, 'entries', pin.size);
  const clocks = createClockCheck(anchors.times);
  const checked = withKeys(checking, sources.digestKey);
  for await (const { portion, answers } of ahead(stored.leaves(), checking.ahead, (leaves) =>
    checked.entries(leaves.map(({ entry }) => entry)),
  )) {
    const met = await walk.leaves(portion, answers);
    entries.add(met);
    clocks.add(met);
    pending += portion.filter(({ index }) => index >= pin.size).length;
    progress(walk.next());
  }
  entries.add(await walk.end());
  // The tree is complete: what the peers, the anchors and the head state about it can be compared.
  for await (const { portion, answers } of ahead(stored.pending(), checking.ahead, checked.entries)) {
    // One answer for each.
    const placed = portion.map((entry, at) => walk.pending(entry, answers[at] as CheckedEntry));
    pending += placed.filter(({ index }) => index === null).length;
    entries.add(placed);
  }
  walk.report();
  reportUnjudged(checkpoints, report);
  await checkEnd(sources, stored, pin, peers, tree, checkpoints, anchors, report);

  const counts = {
    entries: walk.counts.entries,
    leaves: walk.counts.leaves,
    anchored: Object.fromEntries(
      sources.peers.map(({ organisation }) => [organisation, anchoredBy(organisation, peers, pin.size)]),
    ),
    pending,
  };
  return { counts, notes: clocks.notes, rootAt: (size) => statedRoot(checkpoints, size) };
}

/** How far an organisation's list hashes to its root. */
function anchoredBy(organisation: string, peers: readonly PeerList[], size: number): number {
  const peer = peers.find((each) => each.organisation === organisation);
  if (!peer) return 0;
  const sum = peer.list.sum();
  if (sum.size === size && equalBytes(sum.root, peer.root)) return size;
  return peer.wrong[0]?.index ?? peer.list.broken()?.at ?? 0;
}
