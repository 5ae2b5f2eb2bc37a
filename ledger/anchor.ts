// Station 6, the anchor: brings the log's leaves and checkpoints to the channel, in order, one batch in flight.
// Promise: a leaf is called anchored only when the chain has it, and an answer that was lost is looked up.
// Must never send what the chain already has as new, and never go on when two stores hold different roots.
import { setTimeout as sleep } from 'node:timers/promises';
import { ORGANISATIONS, type Organisation } from '../domain/consortium.ts';
import type { Chain, ChainHead } from './fabric/client.ts';
import { ChainFault, ChainRefusal, ChainUnknown, type Objection, TamperError } from './fabric/trouble.ts';
import { equalBytes } from './merkle.ts';

/** A signed checkpoint of our own log. */
export type LoggedCheckpoint = {
  readonly size: number;
  readonly root: Uint8Array;
  readonly note: string;
};

/** What the anchor reads of our own log; only what is committed there. */
export type AnchoredLog = {
  /** The newest checkpoint whose size is at most `size`; undefined when there is none. */
  checkpointUpTo(size: number): Promise<LoggedCheckpoint | undefined>;
  /** Leaf hashes from index `first`; all of them exist. */
  leaves(first: number, count: number): Promise<readonly Uint8Array[]>;
};

export type AnchorOptions = {
  readonly chain: Pick<Chain, 'append' | 'checkpointAt' | 'head'>;
  readonly log: AnchoredLog;
  /**
   * Stores that the log is anchored up to `size`. Called with growing sizes, and again with the last one after a
   * restart, so it must be idempotent. When it throws, the size is reported again by the next `once`. Nothing is ever
   * appended on a size that was not stored before.
   * @param on the size that the chain had before, where this anchor appended to it; undefined where the head was read
   */
  readonly onAnchored: (head: ChainHead, on: number | undefined) => Promise<void>;
  /** Most leaves in one batch; small in tests. */
  readonly batch?: number;
};

export type Anchor = {
  /**
   * Anchors at most one batch. Gives how many leaves the chain gained, and its size; 0 when nothing waits.
   * Throws ChainFault (nothing was sent: ask again later), ChainUnknown (outcome still open after looking: ask
   * again), TamperError (stop), or ChainRefusal for what no repeating mends, such as the wrong identity.
   */
  once(): Promise<{ readonly gained: number; readonly size: number }>;
};

/** A transaction of 100,000 leaves is 3.2 MB and takes about 2 s; larger ones gain nothing. */
const BATCH = 100_000;
/** How often one call looks again when an outcome is open or peers lag; waits grow to about 3 s in all. */
const TRIES = 7;
const FIRST_WAIT_MS = 25;
/** From so many leaves on there are more behind them. */
const FEW = 1000;

/** Refusals that only say that somebody reads an older state than we do, or that we do. */
const BEHIND: ReadonlySet<string> = new Set([
  'WRONG_FIRST_INDEX',
  'SMALLER_SIZE',
  'MVCC_READ_CONFLICT',
  'PHANTOM_READ_CONFLICT',
]);
/** Refusals that say that our bytes and the chain's are not the same. */
const DIFFERENT: ReadonlySet<string> = new Set([
  'DIFFERENT_ROOT',
  'DIFFERENT_LEAVES',
  'WRONG_ROOT',
  'WRONG_CHECKPOINT',
]);

/** Makes an anchor. Two of them over one log are safe, only wasteful: the chain takes each batch once. */
export function createAnchor(options: AnchorOptions): Anchor {
  const { chain, log, onAnchored, batch = BATCH } = options;
  // What we know the chain to hold; undefined means: read it first. Lives in memory only, the chain is the truth.
  let known: ChainHead | undefined;
  let on: number | undefined;
  let reported = -1;

  async function reportedHead(head: ChainHead): Promise<ChainHead> {
    if (head.size > reported && head.size > 0) await onAnchored(head, on);
    // From here the caller has it durably; a crash before makes the next start report it again.
    reported = Math.max(reported, head.size);
    return head;
  }

  return {
    async once() {
      let before = known?.size;
      for (let tries = 0; ; tries += 1) {
        known ??= await committedHead(chain, log);
        const head = await reportedHead(known);
        before ??= head.size;
        if (head.size > before) return { gained: head.size - before, size: head.size };
        const checkpoint = await log.checkpointUpTo(head.size + batch);
        if (checkpoint === undefined || checkpoint.size <= head.size) return { gained: 0, size: head.size };
        const count = checkpoint.size - head.size;
        try {
          await chain.append({
            firstIndex: head.size,
            leaves: await log.leaves(head.size, count),
            root: checkpoint.root,
            note: checkpoint.note,
          });
          known = { size: checkpoint.size, root: checkpoint.root };
          on = head.size;
        } catch (error) {
          // What the chain holds is in doubt from here until it was read again.
          known = undefined;
          on = undefined;
          if (error instanceof ChainRefusal && DIFFERENT.has(error.code)) {
            await committedHead(chain, log);
            throw new TamperError('log-differs', {
              size: checkpoint.size,
              roots: { log: toHex(checkpoint.root), ...computedRoots(error.objections) },
            });
          }
          const open = error instanceof ChainUnknown;
          if (!open && !(error instanceof ChainRefusal && BEHIND.has(error.code))) throw error;
          if (tries + 1 >= TRIES) throw open ? error : new ChainFault(error.objections);
          await wait(FIRST_WAIT_MS * 2 ** tries);
        }
      }
    },
  };
}

/**
 * Anchors until the signal. `changed` resolves when the log has grown, or after a while.
 * Only tampering ends it and is thrown. All other trouble (the chain's, or our own store's) is told to `onTrouble` and
 * tried again, soon at first and every 5 s in the end: whatever is mended is then caught up without a hand.
 */
export async function keepAnchoring(
  anchor: Anchor,
  options: {
    readonly changed: (signal: AbortSignal) => Promise<void>;
    readonly onTrouble: (error: unknown) => void;
    readonly signal: AbortSignal;
    /**
     * How far apart anchors begin, while each takes in less than `FEW`; 0 when absent. One of a single leaf costs every peer,
     * orderer and member nearly as much as one of a hundred.
     */
    readonly restMs?: number;
  },
): Promise<void> {
  const { changed, onTrouble, signal, restMs = 0 } = options;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const began = performance.now();
      const { gained } = await anchor.once();
      failures = 0;
      if (gained === 0) await changed(signal);
      else if (gained < FEW) await wait(Math.max(0, restMs - (performance.now() - began)), signal);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof TamperError) throw error;
      onTrouble(error);
      await wait(Math.min(5_000, 250 * 2 ** failures), signal);
      failures += 1;
    }
  }
}

/**
 * What the chain has committed, from the peers' own words.
 * 1. Two must answer, else it is a fault: one alone could be lagging or lying. 2. Of different sizes the second
 * largest counts, which two peers have reached. 3. Two roots at one size are tampering, also when one peer lags and
 * the other is asked for its checkpoint there. 4. So is a root that is not our log's, or more leaves than it has.
 */
async function committedHead(chain: AnchorOptions['chain'], log: AnchoredLog): Promise<ChainHead> {
  const heads: { of: Organisation; head: ChainHead }[] = [];
  const objections: Objection[] = [];
  await Promise.all(
    ORGANISATIONS.map(async (of) => {
      try {
        heads.push({ of, head: await chain.head(of) });
      } catch (error) {
        if (!(error instanceof ChainFault) && !(error instanceof ChainRefusal)) throw error;
        objections.push(...error.objections);
      }
    }),
  );
  heads.sort((a, b) => b.head.size - a.head.size);
  const [first, second] = heads;
  if (first === undefined || second === undefined) throw new ChainFault(objections);

  for (const { of, head } of heads.slice(1)) {
    const ahead = head.size === first.head.size ? first.head : await checkpointOf(chain, first.of, head.size);
    if (ahead !== undefined && !equalBytes(ahead.root, head.root)) {
      throw new TamperError('peers-differ', {
        size: head.size,
        roots: { [first.of]: toHex(ahead.root), [of]: toHex(head.root) },
      });
    }
  }
  const { size, root } = second.head;
  const ours = await log.checkpointUpTo(size);
  if (size > 0 && (ours === undefined || ours.size < size)) {
    const newest = await log.checkpointUpTo(Number.MAX_SAFE_INTEGER);
    if (newest === undefined || newest.size < size) {
      throw new TamperError('log-behind', {
        size,
        roots: { [second.of]: toHex(root), ...(newest !== undefined && { log: toHex(newest.root) }) },
      });
    }
  } else if (ours !== undefined && ours.size === size && !equalBytes(ours.root, root)) {
    throw new TamperError('log-differs', {
      size,
      roots: { [second.of]: toHex(root), log: toHex(ours.root) },
    });
  }
  return second.head;
}

/** A peer's checkpoint at a size it has passed; undefined when it cannot say (the empty log has none). */
async function checkpointOf(
  chain: AnchorOptions['chain'],
  of: Organisation,
  size: number,
): Promise<ChainHead | undefined> {
  if (size === 0) return undefined;
  try {
    return await chain.checkpointAt(of, size);
  } catch (error) {
    if (error instanceof ChainFault || error instanceof ChainRefusal) return undefined;
    throw error;
  }
}

/** The roots that peers named in their refusals. */
function computedRoots(objections: readonly Objection[]): Partial<Record<Organisation, string>> {
  const roots: Partial<Record<Organisation, string>> = {};
  for (const objection of objections) {
    if (objection.kind !== 'refused') continue;
    const root = objection.facts.computed ?? objection.facts.anchored;
    if (typeof root === 'string') roots[objection.organisation] = root;
  }
  return roots;
}

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Rests for so long, or until the signal. */
async function wait(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
