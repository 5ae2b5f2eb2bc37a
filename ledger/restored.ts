// Station 5, a log that is older than what others hold of it: its database was restored from a backup. Says how much is missing and
// what is left of it where. Never fills the gap: whoever runs the log decides, with the members, what to bring back.
import { toHex } from './bytes.ts';
import { HASH_BYTES } from './merkle.ts';
import type { PeerLog } from './reader.ts';

/** Our log ends before a size that it is known to have had. Nothing may be sequenced: it would be another past. */
export class LogRestored extends Error {
  override readonly name = 'LogRestored';
  readonly size: number;
  readonly known: number;
  constructor(size: number, known: number) {
    super(
      `log is older than what was published of it; bring the newer database back, or see rehab doctor: ${size} of ${known}`,
    );
    this.size = size;
    this.known = known;
  }
}

/** What lies between the log's own end and the size it is known to have had. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  /** Leaves of the gap that members' peers still list: the tree can be brought back from there. */
  readonly onChain: number;
  /** Of those, entries whose bytes are here and wait: they can take their old places. */
  readonly bodiesHere: number;
  /** Leaves whose entries are lost with the backup: their acts must be looked for in Temporal's histories, or with receipts. */
  readonly bodiesLost: number;
}

/**
 * The largest size that two readable peers have reached, and how many answered: one alone could be lying, and would stop
 * everybody's work with it. Peers that do not answer say nothing.
 */
export async function knownToMembers(
  peers: readonly Pick<PeerLog, 'head'>[],
): Promise<{ readonly size: number; readonly answered: number }> {
  const heads = await Promise.all(peers.map((peer) => peer.head().catch(() => undefined)));
  const sizes = heads.flatMap((head) => (head ? [head.size] : [])).sort((a, b) => b - a);
  return { size: sizes[1] ?? 0, answered: sizes.length };
}

const PAGE = 8192;

/** Looks at a gap. `waiting` are leaf hashes of the entries that have no place here, in any order. */
export async function gapBetween(
  from: number,
  to: number,
  peers: readonly PeerLog[],
  waiting: readonly Uint8Array[],
): Promise<Gap> {
  let longest: readonly Uint8Array[] = [];
  for (const peer of peers) {
    const listed: Uint8Array[] = [];
    try {
      while (from + listed.length < to) {
        const page = await peer.leaves(from + listed.length, Math.min(PAGE, to - from - listed.length));
        if (page.length === 0) break;
        listed.push(...page);
      }
    } catch {
      // What it listed until then counts; another peer may list more.
    }
    if (listed.length > longest.length) longest = listed;
    if (longest.length === to - from) break;
  }
  const here = new Set(waiting.filter(({ length }) => length === HASH_BYTES).map((leaf) => toHex(leaf)));
  const bodiesHere = longest.filter((leaf) => here.has(toHex(leaf))).length;
  return { from, to, onChain: longest.length, bodiesHere, bodiesLost: to - from - bodiesHere };
}

/** A gap for whoever runs the log: what is missing, and what can be brought back from where. */
export const gapInWords = ({ from, to, onChain, bodiesHere, bodiesLost }: Gap): string =>
  [
    `Entries ${from} to ${to - 1} are missing here: this database is older than what was published.`,
    `Members' peers list ${onChain} of these ${to - from} leaves: the tree can be brought back from the chain.`,
    `${bodiesHere} of the entries are here and wait for their places; ${bodiesLost} are not here.`,
    'Acts that Temporal still has are named by rehab replay --all; receipts name the others. Nothing is sequenced until the newer database is back: stop, "rehab restore DIR --only postgres" with the newest backup, start.',
  ].join(' ');
