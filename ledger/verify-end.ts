// Station 7, what is stated about the whole, once the tree is complete: each peer's root, the notes the chain keeps, the head,
// the tiles, and what is called anchored. Never judges a single entry.
import { toHex } from './bytes.ts';
import { equalBytes, type Hash, rootOfRange } from './merkle.ts';
import type { Pin } from './reader.ts';
import { noteFault, type Stated } from './verify-checkpoints.ts';
import { type Report, say } from './verify-finding.ts';
import { firstSizeOver, lastSizeUpTo, placeOf } from './verify-memory.ts';
import type { Finding, StoredLog, VerifySources } from './verify-sources.ts';
import { TILE_LEAVES, type Tree } from './verify-tree.ts';
import type { PeerList } from './verify-walk.ts';

/** What is stated about the whole: each peer's root, the notes the chain keeps, the head, what is called anchored. */
export async function checkEnd(
  sources: VerifySources,
  stored: StoredLog,
  pin: Pin,
  peers: readonly PeerList[],
  tree: Tree,
  checkpoints: Stated,
  anchors: Stated,
  report: Report,
): Promise<void> {
  const { hash } = sources.hashing;
  const times = { rightAt: lastSizeUpTo(checkpoints.sizes, pin.size - 1), wrongAt: pin.size };
  for (const { table, list, root, wrong, organisation } of peers) {
    const broken = list.broken();
    if (broken) {
      report(
        broken.why === 'unreadable'
          ? say(
              'chain',
              table,
              String(broken.at),
              null,
              'unreadable',
              `Peer stopped answering; verify again: ${organisation} at index ${broken.at}`,
            )
          : say(
              'chain',
              table,
              String(broken.at),
              null,
              broken.why === 'hole' ? 'deleted' : 'truncated',
              `Peer does not list leaves that it has anchored: ${organisation} from index ${broken.at}`,
              {
                rightAt: lastSizeUpTo(checkpoints.sizes, broken.at),
                wrongAt: firstSizeOver(checkpoints.sizes, broken.at) ?? pin.size,
              },
            ),
      );
      continue;
    }
    const sum = list.sum();
    if (!equalBytes(sum.root, root) && wrong.length === 0)
      report(
        say(
          'chain',
          table,
          'head',
          'root',
          'edited',
          `Peer states another root than its own leaves hash to: ${organisation} at size ${pin.size}`,
          times,
        ),
      );
    else if (wrong.length > 0 && equalBytes(sum.root, root))
      report(
        say(
          'chain',
          table,
          'head',
          'root',
          'forked-log',
          `Peer holds another log than the others, down to its root: ${organisation} at size ${pin.size}`,
          times,
        ),
      );
  }
  await checkKeptNotes(sources, pin, report);
  await checkHead(stored, tree, checkpoints, hash, report);
  await checkTiles(stored, tree, checkpoints, hash, report);
  await checkAnchorsReached(sources, anchors, pin, report);
  await checkNewestAnchor(sources, anchors, checkpoints, pin, report);
}

async function checkKeptNotes(sources: VerifySources, pin: Pin, report: Report): Promise<void> {
  if (pin.size === 0) return;
  for (const at of pin.peers) {
    if (at.state !== 'there') continue;
    const fault = at.note
      ? await noteFault(sources.trust, at.note, pin.size, at.root)
      : { kind: 'edited' as const, says: 'is missing or of another root' };
    if (fault)
      report(
        say(
          'chain',
          `peer-${at.peer.organisation}`,
          `checkpoint ${pin.size}`,
          'note',
          fault.kind,
          `Peer's checkpoint ${fault.says}: ${at.peer.organisation} at size ${pin.size}`,
          { rightAt: null, wrongAt: pin.size },
        ),
      );
  }
}

async function checkHead(
  stored: StoredLog,
  tree: Tree,
  checkpoints: Stated,
  hash: Hash,
  report: Report,
): Promise<void> {
  const [head, ...others] = await stored.heads();
  const newest = checkpoints.sizes.at(-1) ?? 0;
  const wrong = (column: string | null, kind: Finding['kind'], says: string, row = 1): void =>
    report(
      say('log', 'log_head', String(row), column, kind, says, {
        rightAt: lastSizeUpTo(checkpoints.sizes, newest - 1),
        wrongAt: newest,
      }),
    );
  for (const { id } of head && head.id !== 1 ? [head, ...others] : others)
    wrong(null, 'inserted', `Log has one head, and this is another: ${id}`, id);
  if (head?.id !== 1) return wrong(null, 'deleted', 'Log head is missing');
  if (!tree.whole) return;
  const range = tree.range();
  if (head.size !== range.size)
    wrong(
      'size',
      'edited',
      `Log head states another size than the leaves have: ${head.size}, not ${range.size}`,
    );
  else {
    if (!equalBytes(head.root, rootOfRange(range, hash)))
      wrong('root', 'edited', "Log head's root is not the root of the leaves");
    if (toHex(head.range) !== range.hashes.map(toHex).join(''))
      wrong('range', 'edited', "Log head's compact range is not that of the leaves");
  }
  if (newest !== range.size)
    report(
      say(
        'log',
        'log_checkpoints',
        String(Math.max(newest, range.size)),
        null,
        newest > range.size ? 'inserted' : 'deleted',
        newest > range.size
          ? `Checkpoint is larger than the log: size ${newest}`
          : `Newest checkpoint is missing: size ${range.size}`,
        { rightAt: null, wrongAt: range.size },
      ),
    );
}

/** Every full tile that the tree has, and no other, with the hashes and the root that the leaves give. */
async function checkTiles(
  stored: StoredLog,
  tree: Tree,
  checkpoints: Stated,
  hash: Hash,
  report: Report,
): Promise<void> {
  if (!tree.whole) return;
  const counts = tree.tiles.counts();
  const newest = checkpoints.sizes.at(-1) ?? 0;
  const wrong = (
    level: number,
    index: number,
    column: string | null,
    kind: Finding['kind'],
    says: string,
  ): void =>
    report(
      say(
        'log',
        'log_tiles',
        `${level} ${index}`,
        column,
        kind,
        `${says}: level ${level}, index ${index}`,
        // Right when it was full, wrong by now.
        {
          rightAt: firstSizeOver(checkpoints.sizes, (index + 1) * TILE_LEAVES ** (level + 1) - 1),
          wrongAt: newest,
        },
      ),
    );
  const next: number[] = [];
  const missing = (level: number, from: number, to: number): void => {
    for (let index = from; index < to; index++) wrong(level, index, null, 'deleted', 'Tile is missing');
  };
  for await (const portion of stored.tiles())
    for (const { level, index, hashes, root } of portion) {
      const right = tree.tiles.at(level, index);
      if (!right) {
        wrong(level, index, null, 'inserted', 'Tile is of no part of the tree');
        continue;
      }
      missing(level, next[level] ?? 0, index);
      next[level] = index + 1;
      if (!equalBytes(hash(hashes), right.digest as Uint8Array))
        wrong(level, index, 'hashes', 'edited', 'Tile does not hold the hashes of the tree');
      if (!equalBytes(root, right.root as Uint8Array))
        wrong(level, index, 'root', 'edited', "Tile's root is not that of its hashes");
    }
  for (const [level, count] of counts.entries()) missing(level, next[level] ?? 0, count);
}

/** An anchor that no peer has reached would let a screen call anchored what is not. Asked after the snapshot. */
async function checkAnchorsReached(
  sources: VerifySources,
  anchors: Stated,
  pin: Pin,
  report: Report,
): Promise<void> {
  const newest = anchors.sizes.at(-1) ?? 0;
  if (newest <= pin.size) return;
  const heads = await Promise.all(sources.peers.map((peer) => peer.head().catch(() => undefined)));
  const heard = heads.filter((head) => head !== undefined);
  if (heard.length === 0 || heard.some(({ size }) => size >= newest)) return;
  report(
    say(
      'log',
      'log_anchors',
      String(newest),
      'size',
      'forged-checkpoint',
      `Anchor is larger than what any peer holds: size ${newest}`,
      { rightAt: pin.size, wrongAt: newest },
    ),
  );
}

const TRIES = 20;
const REST_MS = 500;

/**
 * Nothing is appended to the chain on a size that has no row, so every size that it keeps below its newest has one. The row of
 * the newest itself comes a moment later: it is waited for, and a ledger that is not running has not written it yet.
 */
async function checkNewestAnchor(
  { newestAnchor, wait }: VerifySources,
  anchors: Stated,
  checkpoints: Stated,
  pin: Pin,
  report: Report,
): Promise<void> {
  const noted = anchors.sizes.at(-1) ?? 0;
  // Where the log has no checkpoint of the pinned size it was cut off, which is told.
  if (!newestAnchor || noted >= pin.size || placeOf(checkpoints.sizes, pin.size) < 0) return;
  const wrong = (row: string | null, kind: Finding['kind'], says: string): void =>
    report(say('log', 'log_anchors', row, null, kind, says, { rightAt: noted || null, wrongAt: pin.size }));
  for (const size of checkpoints.sizes) {
    if (size <= noted || size >= pin.size || !(await isKept(pin, size))) continue;
    return noted === 0
      ? wrong(null, 'truncated', `Anchors are missing that the chain has: from size ${size} on`)
      : wrong(String(size), 'deleted', `Anchor is missing that the chain has: size ${size}`);
  }
  for (let tries = 0; tries < TRIES; tries++) {
    if ((await newestAnchor()) >= pin.size) return;
    await wait(REST_MS);
  }
  wrong(
    String(pin.size),
    'unreadable',
    `Newest anchor has no row; start the ledger, which writes it, and verify again: size ${pin.size}`,
  );
}

/** Whether a peer keeps a checkpoint of this size. */
async function isKept({ peers }: Pin, size: number): Promise<boolean> {
  const kept = await Promise.all(peers.map(({ peer }) => peer.checkpointAt(size).catch(() => undefined)));
  return kept.some((one) => one !== undefined);
}
