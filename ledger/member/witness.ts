// Station 6, the witness: follows its own organisation's peer and the published log, re-computes both, cosigns growth.
// Promise: it signs only what it re-computed from its last cosigned state on, keeps that state before a line leaves, and
// never signs two roots at one size nor a smaller log. What does not fit raises an alarm that stays until a person says so.
// Must never take a root from anybody: not from the peer, not from the log, not from another witness.

import { ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { fromBase64 } from '../bytes.ts';
import {
  type Checkpoint,
  type Note,
  parseCheckpoint,
  parseNote,
  parseVerifierKey,
  type VerifySignature,
  verifyNote,
} from '../checkpoint.ts';
import { cosignatureLine, cosignedAt, parseWitnessKey } from '../cosignature.ts';
import { keysFor, notYetInForce } from '../evidence/format.ts';
import type { ChainHead, MemberChain } from '../fabric/client.ts';
import { ChainFault, ChainRefusal, ChainUnknown } from '../fabric/trouble.ts';
import {
  appendLeaves,
  type CompactRange,
  EMPTY_RANGE,
  equalBytes,
  type Hash,
  rootOfRange,
} from '../merkle.ts';
import { TILE_WIDTH } from '../tiles.ts';
import type { Trust, WitnessKey } from './folder.ts';
import { PublishedFault, type PublishedLog } from './published.ts';
import { type Alarm, type AlarmKind, type MemberState, PASSING, type StateStore } from './state.ts';

export type WitnessOptions = {
  readonly organisation: Organisation;
  readonly trust: Trust;
  readonly chain: Pick<
    MemberChain,
    'checkpointAt' | 'cosign' | 'genesis' | 'head' | 'keys' | 'leaves' | 'newestCosignatures'
  >;
  readonly published: PublishedLog;
  readonly key: WitnessKey;
  readonly store: StateStore;
  readonly crypto: { readonly hash: Hash; readonly verify: VerifySignature };
  readonly now: () => Date;
  /** Called once for each alarm that is new. */
  readonly onAlarm: (alarm: Alarm) => void;
  readonly limits?: Partial<Limits>;
  /**
   * Whether what the organisations agreed on is another than `trust` and `key` by now: then what does not fit is no alarm, the
   * look ends, and whoever runs the witness makes a new one.
   */
  readonly outdated?: () => boolean;
};

/** What was agreed on changed in the middle of a look. */
class Outdated extends Error {
  override readonly name = 'Outdated';
}

/** Milliseconds, but for `page`. */
export type Limits = {
  /** Growth is cosigned at most so often, unless another witness has cosigned it already. */
  readonly cosignEvery: number;
  /** So long may the published log be ahead of the chain, or not answer. */
  readonly stalled: number;
  /** Rest between two passes over everything that was cosigned. */
  readonly recheckEvery: number;
  /** How often the channel's first block and the keys in force are compared with what was agreed. */
  readonly agreeEvery: number;
  /** Leaves of one step of such a pass; a multiple of 256. */
  readonly page: number;
};
export const LIMITS: Limits = {
  cosignEvery: 5_000,
  stalled: 60_000,
  recheckEvery: 600_000,
  agreeEvery: 10_000,
  page: 2_048,
};

export type WitnessStatus = {
  readonly organisation: Organisation;
  /** The last checkpoint that this witness cosigned. `at` is ISO 8601. */
  readonly cosigned: { readonly size: number; readonly root: string; readonly at: string } | null;
  /** What its own peer holds, re-computed. */
  readonly peer: { readonly size: number; readonly root: string } | null;
  /** The largest checkpoint that the published log has shown. */
  readonly published: { readonly size: number; readonly root: string } | null;
  /** Those that stand: not acknowledged, or going on. */
  readonly alarms: readonly Alarm[];
  /** When it last looked at both without a fault. */
  readonly looked: string | null;
};

export type Witness = {
  /** Looks once and cosigns what may be. Faults become alarms; throws only when its own folder fails. */
  once(): Promise<void>;
  /** A person has seen the alarms that stand: the witness goes on, and raises them again if they last. Durable. */
  acknowledge(): Promise<void>;
  status(): WitnessStatus;
};

/** Leaves in one call to the peer. */
const LISTING = 8_192;
/** Ranges at sizes seen before, for roots at sizes in between. */
const KEPT_RANGES = 32;

/** Reads the kept state and makes a witness that goes on from it. Throws FolderTrouble when it cannot be read. */
export async function createWitness(options: WitnessOptions): Promise<Witness> {
  const { organisation, trust, chain, published, key, store, crypto, now, onAlarm } = options;
  const { outdated = () => false } = options;
  const limits = { ...LIMITS, ...options.limits };
  const { hash, verify } = crypto;
  /** The log's keys that count at a size: the agreed one, and former ones up to where they ended. */
  const logKeysAt = (size: number) => keysFor(trust, 'log', size).map((key) => parseVerifierKey(key, hash));

  /** The time of a witness's line over a text of that size, under one of its keys that count there; else undefined. */
  async function lineOf(of: Organisation, size: number, text: string, line: string) {
    for (const key of keysFor(trust, of, size)) {
      const at = await cosignedAt(text, line, parseWitnessKey(key, hash), verify);
      if (at !== undefined) return at;
    }
    return undefined;
  }

  let state: MemberState = await store.read();
  /** What was cosigned and is on the disk: nobody is told of more. */
  let told = state.cosigned;
  /** What the peer holds as far as it was re-computed; grows from the last cosigned state. */
  let range: CompactRange = cosignedRange(state);
  const ranges: CompactRange[] = [EMPTY_RANGE, range];
  /** The size of our own cosignature that the chain is known to have. */
  let submitted = 0;
  let cosignedLast = 0;
  let peerSeen: ChainHead | undefined;
  let ahead: { readonly since: number } | undefined;
  let silent: { readonly since: number } | undefined;
  let looked: string | null = null;
  let pass: { range: CompactRange; readonly until: CompactRange } | undefined;
  let rested = 0;
  let agreedLast = Number.NEGATIVE_INFINITY;

  // Alarms -----------------------------------------------------------------------------------------------------------

  type Facts = { size?: number; index?: number; roots?: Record<string, string>; says: string };

  /** Raises an alarm once; the same one again is one. Durable when it resolves. */
  async function raise(kind: AlarmKind, { size, index, roots = {}, says }: Facts): Promise<void> {
    const same = (alarm: Alarm) =>
      alarm.kind === kind &&
      alarm.acknowledged === null &&
      // One differing leaf is enough to stop; a rewritten log would name all of them.
      (PASSING.has(kind) ||
        kind === 'leaf-differs' ||
        (alarm.size === (size ?? null) && alarm.index === (index ?? null)));
    if (state.alarms.some(same)) return;
    if (outdated()) throw new Outdated();
    const alarm: Alarm = {
      kind,
      says,
      size: size ?? null,
      index: index ?? null,
      roots,
      since: now().toISOString(),
      acknowledged: null,
    };
    state = { ...state, alarms: [...state.alarms, alarm] };
    await store.write(state);
    onAlarm(alarm);
  }

  /** A passing alarm ends with its cause. */
  async function ended(kind: AlarmKind): Promise<void> {
    const alarms = state.alarms.filter((alarm) => alarm.kind !== kind);
    if (alarms.length === state.alarms.length) return;
    state = { ...state, alarms };
    await store.write(state);
  }

  const tampered = (): boolean =>
    state.alarms.some(({ kind, acknowledged }) => acknowledged === null && !PASSING.has(kind));

  // The peer ---------------------------------------------------------------------------------------------------------

  function keep(next: CompactRange): void {
    if (ranges.some(({ size }) => size === next.size)) return;
    ranges.push(next);
    ranges.sort((a, b) => a.size - b.size);
    // The empty one stays: from it everything can be computed.
    if (ranges.length > KEPT_RANGES) ranges.splice(1, 1);
  }

  /** Our own peer's leaves behind `from`, up to `size`; undefined when it lists fewer. */
  async function extended(from: CompactRange, size: number): Promise<CompactRange | undefined> {
    let grown = from;
    while (grown.size < size) {
      const page = await chain.leaves(grown.size, Math.min(LISTING, size - grown.size));
      if (page.length === 0) return undefined;
      grown = appendLeaves(grown, page, hash);
    }
    return grown;
  }

  /** The root that our own peer's leaves give at a size that it has passed. */
  async function rootAt(size: number): Promise<Uint8Array | undefined> {
    const nearest = ranges.findLast((each) => each.size <= size) ?? EMPTY_RANGE;
    const grown = await extended(nearest, size);
    if (grown === undefined) return undefined;
    keep(grown);
    return rootOfRange(grown, hash);
  }

  /** Follows our own peer: what it added must hash to what it says. Gives its head once that is so. */
  async function followPeer(): Promise<ChainHead | undefined> {
    const head = await chain.head();
    if (now().getTime() - agreedLast >= limits.agreeEvery) {
      await demandAgreed();
      agreedLast = now().getTime();
    }
    if (head.size < range.size) {
      await raise('shrunk-peer', {
        size: head.size,
        roots: { peer: toHex(head.root) },
        says: `Our own peer holds ${head.size} leaves and held ${range.size} before; keep its data and ask why.`,
      });
      return undefined;
    }
    const grown = await extended(range, head.size);
    const root = grown && rootOfRange(grown, hash);
    if (grown === undefined || root === undefined || !equalBytes(root, head.root)) {
      await raise('forked-peer', {
        size: head.size,
        roots: { peer: toHex(head.root), ...(root && { computed: toHex(root) }) },
        says: 'What our own peer lists does not grow from what we cosigned to what it says; keep its data and compare.',
      });
      return undefined;
    }
    range = grown;
    keep(grown);
    peerSeen = head;
    return head;
  }

  /** The chain's first block and its keys in force are those that our people agreed on. */
  async function demandAgreed(): Promise<void> {
    const genesis = await chain.genesis();
    if (genesis !== trust.genesis)
      await raise('key-differs', {
        roots: { agreed: trust.genesis, peer: genesis },
        says: 'Our own peer is on a channel with another first block than agreed; correct trust.json or the peer.',
      });
    for (const { kind, name, vkey, former } of await chain.keys()) {
      const of = kind === 'log' ? 'log' : (name as Organisation);
      const wanted = kind === 'log' ? trust.log : trust.witnesses[name as Organisation];
      if (vkey === null || vkey === wanted || (kind === 'log' && name !== trust.origin)) continue;
      // Our people have agreed on a new key, and two have not named it yet.
      if (!notYetInForce(trust, of, wanted, { vkey, former }))
        await raise('key-differs', {
          roots: { agreed: wanted, chain: vkey },
          says: `Two organisations have put another ${kind} key in force for ${name}; agree on it or object.`,
        });
    }
  }

  // The published log ------------------------------------------------------------------------------------------------

  /**
   * A note that the agreed log key signed, and those witnesses whose lines in it are right; else an alarm, undefined. A wrong
   * line is an alarm too, but what the log key signed is still to be compared: it may be why the line is wrong.
   */
  async function judged(
    text: string,
  ): Promise<{ checkpoint: Checkpoint; note: Note; by: Organisation[] } | undefined> {
    const forged = (says: string, size?: number) =>
      raise('forged-checkpoint', { says, ...(size !== undefined && { size }) });
    let note: Note;
    let checkpoint: Checkpoint;
    try {
      note = parseNote(text);
      checkpoint = parseCheckpoint(note.text);
    } catch {
      await forged('The published checkpoint is no signed note; ask the hospital what it publishes.');
      return undefined;
    }
    const { size } = checkpoint;
    const verdict = await verifyNote(note, logKeysAt(size), verify);
    if (checkpoint.origin !== trust.origin || !verdict.holds) {
      await forged('The checkpoint is not signed by the agreed log key; do not believe it.', size);
      return undefined;
    }
    const lines = text.slice(note.text.length + 1, -1).split('\n');
    const by: Organisation[] = [];
    for (const of of ORGANISATIONS) {
      const { name } = parseWitnessKey(trust.witnesses[of], hash);
      const line = lines.find((each) => each.startsWith(`— ${name} `));
      if (line === undefined) continue;
      if ((await lineOf(of, size, note.text, line)) !== undefined) by.push(of);
      else
        await forged(
          `The checkpoint bears a line of ${of} that its witness did not give for it; do not believe it.`,
          size,
        );
    }
    return { checkpoint, note, by };
  }

  /** Compares the published log with our own peer's, which held `head` before it was asked. */
  async function followPublished(head: ChainHead): Promise<void> {
    const text = await published.checkpoint();
    if (text === undefined) {
      if (head.size > 0 || state.published !== null)
        await raise('shrunk-log', {
          size: 0,
          roots: { peer: toHex(head.root) },
          says: `The published log is empty and the chain holds ${head.size} leaves; do not let it go on as if new.`,
        });
      return;
    }
    const read = await judged(text);
    if (read === undefined) return;
    const { size, root } = read.checkpoint;
    const before = state.published;
    if (size < head.size || (before !== null && size < before.size)) {
      await raise('shrunk-log', {
        size,
        roots: { published: toHex(root), peer: toHex(head.root) },
        says: `The published log has ${size} leaves; the chain holds ${head.size} and it showed ${before?.size ?? 0} before.`,
      });
    }
    const ours =
      size <= head.size
        ? await rootAt(size)
        : rootOfRange(appendLeaves(range, await published.hashes(0, range.size, size, size), hash), hash);
    if (ours === undefined) return; // the peer lists less than it says: raised when it is followed
    if (!equalBytes(ours, root)) {
      await raise('forked-log', {
        size,
        roots: { published: toHex(root), peer: toHex(ours) },
        says:
          read.by.length === 0
            ? 'The published log has another root at this size than our own peer; stop it and compare leaf by leaf.'
            : `The published log has another root at this size than our own peer, cosigned by ${read.by.join(' and ')}; stop it and compare leaf by leaf.`,
      });
      return;
    }
    if (before === null || size > before.size) state = { ...state, published: { size, root: toHex(root) } };
    if (size === head.size) ahead = undefined;
    else ahead ??= { since: now().getTime() };
  }

  // Other witnesses --------------------------------------------------------------------------------------------------

  /** Sizes that other witnesses have cosigned beyond ours; a line that is not over our own root is an alarm. */
  async function followWitnesses(head: ChainHead): Promise<number[]> {
    const sizes: number[] = [];
    for (const { organisation: of, size, line } of await chain.newestCosignatures()) {
      if (of === organisation || size > head.size) continue;
      const own = await chain.checkpointAt(size);
      const at = own && (await lineOf(of, size, parseNote(own.note).text, line));
      if (own === undefined || at === undefined || !equalBytes(own.root, (await rootAt(size)) ?? EMPTY)) {
        await raise('forked-witness', {
          size,
          roots: own ? { peer: toHex(own.root) } : {},
          says: `The cosignature of ${of} is not over what our own peer holds there; compare with ${of}.`,
        });
      } else if (size > (state.cosigned?.size ?? 0)) sizes.push(size);
    }
    return sizes;
  }

  // Cosigning --------------------------------------------------------------------------------------------------------

  /** The size to cosign now: what another witness has cosigned, else the head when it is time. */
  function sizeToCosign(head: ChainHead, others: readonly number[]): number | undefined {
    const last = state.cosigned?.size ?? 0;
    const theirs = Math.max(0, ...others);
    if (theirs > last) return theirs;
    const due = now().getTime() - cosignedLast >= limits.cosignEvery;
    return head.size > last && due ? head.size : undefined;
  }

  async function cosign(size: number): Promise<void> {
    const anchored = await chain.checkpointAt(size);
    const root = await rootAt(size);
    if (anchored === undefined || root === undefined) return;
    const read = await judged(anchored.note);
    if (read === undefined || tampered() || outdated()) return;
    if (read.checkpoint.size !== size || !equalBytes(read.checkpoint.root, root)) {
      await raise('forked-peer', {
        size,
        roots: { peer: toHex(read.checkpoint.root), computed: toHex(root) },
        says: "Our own peer's checkpoint is not over the leaves that it lists; keep its data and compare.",
      });
      return;
    }
    const at = Math.floor(now().getTime() / 1000);
    const line = await cosignatureLine(read.note.text, key, at, key.sign);
    const grown = ranges.find((each) => each.size === size) ?? range;
    state = {
      ...state,
      cosigned: { size, root: toHex(root), hashes: grown.hashes.map(toHex), at, line },
    };
    await store.write(state);
    told = state.cosigned;
    // From here a restart knows what was signed; only now may the line leave.
    cosignedLast = now().getTime();
  }

  const bearsOurKey = (line: string): boolean =>
    equalBytes(fromBase64(line.split(' ').at(-1) ?? '')?.slice(0, 4) ?? EMPTY, key.keyId);

  /** Brings our newest line to the chain, also one that a crash kept back. */
  async function submit(): Promise<void> {
    const { cosigned } = state;
    if (cosigned === null || cosigned.size <= submitted) return;
    try {
      await chain.cosign(cosigned.size, cosigned.line);
    } catch (error) {
      // The organisation's key was used elsewhere: somebody else signs in our name.
      if (error instanceof ChainRefusal && error.code === 'SMALLER_SIZE')
        await raise('key-differs', {
          size: cosigned.size,
          says: 'The chain has a larger cosignature in our name than we gave; somebody else holds our witness key.',
        });
      // Signed under a former key of ours and not sent in time: what comes next is under today's.
      else if (
        !(error instanceof ChainRefusal && error.code === 'WRONG_COSIGNATURE' && !bearsOurKey(cosigned.line))
      )
        throw error;
    }
    submitted = cosigned.size;
  }

  // Looking again at what was cosigned -------------------------------------------------------------------------------

  /** One page of a pass: our own peer's leaves, and the published tiles over them, against what was cosigned. */
  async function recheck(): Promise<void> {
    if (pass === undefined) {
      if (state.cosigned === null || now().getTime() - rested < limits.recheckEvery) return;
      pass = { range: EMPTY_RANGE, until: cosignedRange(state) };
    }
    const { until } = pass;
    const first = pass.range.size;
    const count = Math.min(limits.page, until.size - first);
    const page = await chain.leaves(first, count);
    if (page.length < count) {
      await raise('shrunk-peer', {
        size: until.size,
        index: first + page.length,
        says: `Our own peer no longer lists leaf ${first + page.length}; keep its data and restore it from the others.`,
      });
      pass = undefined;
      rested = now().getTime();
      return;
    }
    await compareWithTiles(first, page);
    pass.range = appendLeaves(pass.range, page, hash);
    if (pass.range.size < until.size) return;
    if (!equalBytes(rootOfRange(pass.range, hash), rootOfRange(until, hash)))
      await raise('forked-peer', {
        size: until.size,
        roots: { cosigned: toHex(rootOfRange(until, hash)), peer: toHex(rootOfRange(pass.range, hash)) },
        says: 'The leaves that our own peer lists no longer hash to what we cosigned; restore it from the others.',
      });
    pass = undefined;
    rested = now().getTime();
  }

  /** Full blocks of 256 by their root in the published tiles; where one differs, the leaf is looked for. */
  async function compareWithTiles(first: number, page: readonly Uint8Array[]): Promise<void> {
    const size = state.published?.size ?? 0;
    const from = Math.ceil(first / TILE_WIDTH);
    const end = Math.floor(Math.min(first + page.length, size) / TILE_WIDTH);
    if (end <= from) return;
    const theirs = await published.hashes(1, from, end, size);
    for (const [at, root] of theirs.entries()) {
      const begin = (from + at) * TILE_WIDTH;
      const block = page.slice(begin - first, begin - first + TILE_WIDTH);
      if (equalBytes(rootOfRange(appendLeaves(EMPTY_RANGE, block, hash), hash), root)) continue;
      const leaves = await published.hashes(0, begin, begin + TILE_WIDTH, size);
      const index = leaves.findIndex((leaf, n) => !equalBytes(leaf, block[n] ?? EMPTY));
      const ours = block[Math.max(index, 0)];
      const published_ = leaves[Math.max(index, 0)];
      await raise('leaf-differs', {
        index: begin + Math.max(index, 0),
        roots: { ...(ours && { peer: toHex(ours) }), ...(published_ && { published: toHex(published_) }) },
        says: `Leaf ${begin + Math.max(index, 0)} differs between our own peer and the published tiles; run verify.`,
      });
    }
  }

  async function look(): Promise<void> {
    try {
      const head = await followPeer();
      await ended('peer-unreachable');
      if (head === undefined) return;
      try {
        await followPublished(head);
        await recheck();
        silent = undefined;
        await ended('published-unreachable');
        looked = now().toISOString();
      } catch (error) {
        if (!(error instanceof PublishedFault)) throw error;
        silent ??= { since: now().getTime() };
      }
      await raiseDelays(head);
      if (tampered()) return;
      const others = head.size > (state.cosigned?.size ?? 0) ? await followWitnesses(head) : [];
      const size = tampered() ? undefined : sizeToCosign(head, others);
      if (size !== undefined) await cosign(size);
      if (!tampered()) await submit();
    } catch (error) {
      if (!(error instanceof ChainFault || error instanceof ChainRefusal || error instanceof ChainUnknown))
        throw error;
      await raise('peer-unreachable', {
        says: `Our own peer, or the network behind it, cannot be asked: ${error.message.slice(0, 200)}`,
      });
    }
  }

  return {
    once: () =>
      look().catch((error: unknown) => {
        if (!(error instanceof Outdated)) throw error;
      }),
    async acknowledge() {
      const at = now().toISOString();
      const alarms = state.alarms.map((alarm) => ({ ...alarm, acknowledged: alarm.acknowledged ?? at }));
      state = { ...state, alarms };
      await store.write(state);
    },
    status: () => ({
      organisation,
      cosigned: told && {
        size: told.size,
        root: told.root,
        at: new Date(told.at * 1000).toISOString(),
      },
      peer: peerSeen === undefined ? null : { size: peerSeen.size, root: toHex(peerSeen.root) },
      published: state.published,
      alarms: state.alarms.filter(({ acknowledged }) => acknowledged === null),
      looked,
    }),
  };

  async function raiseDelays(head: ChainHead): Promise<void> {
    const late = (since: number | undefined) =>
      since !== undefined && now().getTime() - since > limits.stalled;
    if (late(silent?.since))
      await raise('published-unreachable', {
        says: 'The published log has not answered for longer than the limit; growth there cannot be followed.',
      });
    if (late(ahead?.since))
      await raise('stalled', {
        size: head.size,
        says: `The published log is ahead of the chain, which stays at ${head.size}; look at the ledger's anchor.`,
      });
    else await ended('stalled');
  }
}

/** The compact range at the last cosigned checkpoint. */
function cosignedRange({ cosigned }: MemberState): CompactRange {
  return cosigned === null
    ? EMPTY_RANGE
    : { size: cosigned.size, hashes: cosigned.hashes.map((hex) => Uint8Array.from(Buffer.from(hex, 'hex'))) };
}

const EMPTY = new Uint8Array();
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
