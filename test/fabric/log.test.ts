// The chaincode's log over a map instead of a channel: growth, refusals and listing, whatever way the same leaves
// are cut into batches. The network's own tests run the same code behind a real peer.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LOG_ORIGIN } from '../../domain/consortium.ts';
import { registerKey } from '../../ledger/chaincode/keys.ts';
import {
  append,
  type Batch,
  checkpointAt,
  leafAt,
  listLeaves,
  readHeadOf,
  SUBTREE_LEAVES,
  subtreeRoot,
} from '../../ledger/chaincode/log.ts';
import { encode, LogRefusal, type State, toHex } from '../../ledger/chaincode/state.ts';
import { formatCheckpoint, parseNote } from '../../ledger/checkpoint.ts';
import { rootOf } from '../../ledger/merkle.ts';
import { crypto, LOG_KEY, newLogKey, sha256 } from './test-log.ts';

type MapState = State & { readonly map: Map<string, Uint8Array>; readonly rewritten: string[] };

/** As Fabric reads: a transaction sees the state before it, never its own writes. */
function mapState(): MapState {
  const map = new Map<string, Uint8Array>();
  const rewritten: string[] = [];
  return {
    map,
    rewritten,
    read: async (key) => map.get(key) ?? new Uint8Array(),
    write: async (key, value) => {
      if (map.has(key) && key !== 'head') rewritten.push(key);
      map.set(key, value);
    },
    async *scan(start, end) {
      for (const key of [...map.keys()].sort()) {
        if (key >= start && key < end) yield { key, value: map.get(key)! };
      }
    },
  };
}

/** A state in which two organisations have named the log's key. */
async function agreedState(): Promise<MapState> {
  const state = mapState();
  for (const by of ['administration', 'hospital'] as const)
    await registerKey(state, by, 'log', LOG_ORIGIN, LOG_KEY.vkey, sha256);
  state.rewritten.length = 0;
  return state;
}

const leafHashes = (count: number, seed = 'a') =>
  Array.from({ length: count }, (_, at) => sha256(Buffer.from(`${seed}${at}`)));

async function batchOf(all: readonly Uint8Array[], from: number, to: number): Promise<Batch> {
  const root = rootOf(all.slice(0, to), sha256);
  const text = formatCheckpoint({ origin: LOG_ORIGIN, size: to, root });
  return {
    firstIndex: from,
    claimedRoot: toHex(root),
    leaves: Buffer.concat(all.slice(from, to)),
    note: await LOG_KEY.signNote(text),
  };
}

async function grown(sizes: readonly number[], seed?: string) {
  const all = leafHashes(sizes.at(-1) ?? 0, seed);
  const state = await agreedState();
  let from = 0;
  for (const to of sizes) {
    await append(state, await batchOf(all, from, to), crypto);
    from = to;
  }
  return { all, state };
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => 'done',
    (thrown: unknown) => thrown,
  );
  return error instanceof LogRefusal ? error.code : String(error);
}

describe('growth', () => {
  test('however the same leaves are cut into batches: same root, same listing, same subtrees, nothing rewritten', async () => {
    const all = leafHashes(1_100);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: 1_100 }), { minLength: 1, maxLength: 12 }),
        fc.nat(1_100),
        fc.nat(600),
        async (cuts, first, count) => {
          const sizes = cuts.sort((a, b) => a - b);
          const { state } = await grown(sizes);
          const size = sizes.at(-1)!;
          const expected = all.slice(0, size);
          expect(await readHeadOf(state, sha256)).toEqual({ root: toHex(rootOf(expected, sha256)), size });
          expect(toHex(await listLeaves(state, first, count))).toBe(
            toHex(Buffer.concat(expected.slice(first, first + count))),
          );
          for (let at = 0; (at + 1) * SUBTREE_LEAVES <= size; at += 1) {
            const under = expected.slice(at * SUBTREE_LEAVES, (at + 1) * SUBTREE_LEAVES);
            expect(toHex(await subtreeRoot(state, at))).toBe(toHex(rootOf(under, sha256)));
          }
          expect(state.rewritten).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('an empty log has the hash of nothing, and lists nothing', async () => {
    const state = mapState();
    expect(await readHeadOf(state, sha256)).toEqual({ root: toHex(sha256(new Uint8Array())), size: 0 });
    expect(await listLeaves(state, 0, 10)).toHaveLength(0);
    expect(await refusal(leafAt(state, 0))).toBe('NOT_FOUND');
    expect(await refusal(subtreeRoot(state, 0))).toBe('NOT_FOUND');
    expect(await refusal(checkpointAt(state, 0))).toBe('NOT_FOUND');
  });

  test('leaves are written once, as raw bytes', async () => {
    const { all, state } = await grown([100, 300, 1_000]);
    const stored = [...state.map]
      .filter(([key]) => key.startsWith('leaves/'))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    expect(toHex(Buffer.concat(stored.map(([, value]) => value)))).toBe(toHex(Buffer.concat(all)));
  });

  test('the same call again writes nothing and answers the same, also after later growth', async () => {
    const { all, state } = await grown([300, 700]);
    const before = new Map(state.map);
    for (const [from, to] of [
      [300, 700],
      [0, 300],
    ] as const) {
      const again = await batchOf(all, from, to);
      expect(await append(state, again, crypto)).toEqual({ root: again.claimedRoot, size: to });
    }
    expect(state.map).toEqual(before);
  });
});

describe('refusals', () => {
  test.each<[string, string, (batch: Batch) => Batch | Promise<Batch>]>([
    ['a later first index', 'WRONG_FIRST_INDEX', (batch) => ({ ...batch, firstIndex: 301 })],
    ['a size inside the log where no batch ended', 'SMALLER_SIZE', (batch) => ({ ...batch, firstIndex: 0 })],
    ['an overlap that grows', 'WRONG_FIRST_INDEX', () => batchOf(leafHashes(320), 299, 320)],
    ['another root at a size it has', 'DIFFERENT_ROOT', () => batchOf(leafHashes(300, 'b'), 100, 300)],
    ['a wrong root', 'WRONG_ROOT', (batch) => ({ ...batch, claimedRoot: '00'.repeat(32) })],
    ['one changed bit in a leaf', 'WRONG_ROOT', (batch) => ({ ...batch, leaves: flipped(batch.leaves) })],
    ['no leaves', 'MALFORMED', (batch) => ({ ...batch, leaves: new Uint8Array() })],
    ['half a leaf', 'MALFORMED', (batch) => ({ ...batch, leaves: batch.leaves.slice(16) })],
    ['no checkpoint', 'WRONG_CHECKPOINT', (batch) => ({ ...batch, note: '' })],
    [
      'another size’s checkpoint',
      'WRONG_CHECKPOINT',
      async (batch) => ({ ...batch, note: (await batchOf(leafHashes(310), 300, 309)).note }),
    ],
    [
      'another origin',
      'WRONG_CHECKPOINT',
      (batch) => ({ ...batch, note: batch.note.replace(LOG_ORIGIN, 'other/log') }),
    ],
    [
      'a checkpoint signed by another key',
      'WRONG_SIGNATURE',
      async (batch) => ({ ...batch, note: await newLogKey().signNote(parseNote(batch.note).text) }),
    ],
    [
      'a checkpoint whose signature is cut',
      'WRONG_SIGNATURE',
      (batch) => ({ ...batch, note: batch.note.replace(/.{8}\n$/, '\n') }),
    ],
  ])('%s', async (_, code, change) => {
    const { all, state } = await grown([100, 300]);
    const before = new Map(state.map);
    const good = await batchOf([...all, ...leafHashes(310).slice(300)], 300, 310);
    expect(await refusal(Promise.resolve(change(good)).then((batch) => append(state, batch, crypto)))).toBe(
      code,
    );
    expect(state.map).toEqual(before);
    expect(await refusal(append(state, good, crypto))).toBe('done');
  });

  test('a log whose key nobody, or one organisation alone, has named does not grow', async () => {
    const state = mapState();
    const batch = await batchOf(leafHashes(3), 0, 3);
    expect(await refusal(append(state, batch, crypto))).toBe('KEY_NOT_REGISTERED');
    await registerKey(state, 'hospital', 'log', LOG_ORIGIN, LOG_KEY.vkey, sha256);
    await registerKey(state, 'hospital', 'log', LOG_ORIGIN, LOG_KEY.vkey, sha256);
    expect(await refusal(append(state, batch, crypto))).toBe('KEY_NOT_REGISTERED');
    await registerKey(state, 'association', 'log', LOG_ORIGIN, LOG_KEY.vkey, sha256);
    expect(await refusal(append(state, batch, crypto))).toBe('done');
  });

  test('the leaves of a repeated batch must be the same bytes', async () => {
    const { all, state } = await grown([100, 300]);
    const again = await batchOf(all, 100, 300);
    expect(await refusal(append(state, { ...again, leaves: flipped(again.leaves) }, crypto))).toBe(
      'DIFFERENT_LEAVES',
    );
  });

  test.each([
    ['missing', (map: Map<string, Uint8Array>, key: string) => map.delete(key)],
    ['cut', (map: Map<string, Uint8Array>, key: string) => map.set(key, map.get(key)!.slice(0, 40))],
  ])('leaves that are %s in the state are named, never passed over', async (_, damage) => {
    const { state } = await grown([100, 300, 600]);
    damage(state.map, 'leaves/0000000000000256');
    const error = await listLeaves(state, 0, 600).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'BROKEN_LEAVES', facts: { index: 256 } });
  });
});

test('what is written does not depend on the order of keys', () => {
  expect(Buffer.from(encode({ b: { d: 1, c: [2, { f: 1, e: 2 }] }, a: 'x' })).toString()).toBe(
    '{"a":"x","b":{"c":[2,{"e":2,"f":1}],"d":1}}',
  );
});

function flipped(bytes: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(bytes);
  changed[5] = changed[5]! ^ 1;
  return changed;
}
