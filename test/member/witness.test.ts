// The witness over the chaincode's own code in memory and a published log of the test's: growth, forks, shrinking, a stall,
// a differing leaf, another witness on another fork, and its memory across a kill. Real members run in test/fabric's network.
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LOG_ORIGIN, ORGANISATIONS, type Organisation, witnessName } from '../../domain/consortium.ts';
import { cosign, cosignaturesAt, newestCosignatures } from '../../ledger/chaincode/cosignatures.ts';
import { listKeys, registerKey } from '../../ledger/chaincode/keys.ts';
import { append, checkpointAt, listLeaves, readHeadOf } from '../../ledger/chaincode/log.ts';
import { LogRefusal, type State } from '../../ledger/chaincode/state.ts';
import { parseNote } from '../../ledger/checkpoint.ts';
import { cosignatureLine, formatWitnessKey, parseWitnessKey } from '../../ledger/cosignature.ts';
import { ChainFault, ChainRefusal } from '../../ledger/fabric/trouble.ts';
import type { Trust, WitnessKey } from '../../ledger/member/folder.ts';
import { PublishedFault, type PublishedLog } from '../../ledger/member/published.ts';
import { stateFile } from '../../ledger/member/state.ts';
import { createWitness, type Witness, type WitnessOptions } from '../../ledger/member/witness.ts';
import { rootOf } from '../../ledger/merkle.ts';
import { createTestLog, crypto, LOG_KEY, newLogKey, sha256, type TestLog } from '../fabric/test-log.ts';

const GENESIS = 'a'.repeat(64);

function newWitnessKey(of: Organisation): WitnessKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  const vkey = formatWitnessKey(witnessName(of), raw, sha256);
  const { name, keyId } = parseWitnessKey(vkey, sha256);
  return { name, keyId, vkey, sign: (message) => sign(null, message, privateKey) };
}

let folder: string;
let map: Map<string, Uint8Array>;
let log: TestLog;
let keys: Record<Organisation, WitnessKey>;
let trust: Trust;
let clock: number;
let anchored: number;

const stateOf = (of: Map<string, Uint8Array>): State => ({
  read: async (key) => of.get(key) ?? new Uint8Array(),
  write: async (key, value) => void of.set(key, value),
  async *scan(start, end) {
    for (const key of [...of.keys()].sort())
      if (key >= start && key < end) yield { key, value: of.get(key)! };
  },
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rehab-test-member-'));
  map = new Map();
  log = createTestLog();
  clock = Date.parse('2026-01-01T00:00:00.000Z');
  anchored = 0;
  keys = Object.fromEntries(ORGANISATIONS.map((of) => [of, newWitnessKey(of)])) as typeof keys;
  const each = (value: (of: Organisation) => string) =>
    Object.fromEntries(ORGANISATIONS.map((of) => [of, value(of)])) as Record<Organisation, string>;
  trust = {
    origin: LOG_ORIGIN,
    log: LOG_KEY.vkey,
    witnesses: each((of) => keys[of].vkey),
    roots: each(() => 'pem'),
    channel: 'rehab',
    genesis: GENESIS,
  };
  for (const by of ['administration', 'association'] as const) {
    await registerKey(stateOf(map), by, 'log', LOG_ORIGIN, LOG_KEY.vkey, sha256);
    for (const of of ORGANISATIONS) await registerKey(stateOf(map), by, 'witness', of, keys[of].vkey, sha256);
  }
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Grows our log and brings all of it to the channel. */
async function grow(count: number, from = log): Promise<void> {
  const { size } = await from.grow(count);
  await anchor(size, from);
}
async function anchor(size: number, from = log): Promise<void> {
  const { leaves, root, note } = await from.batch(anchored, size);
  const claimedRoot = Buffer.from(root).toString('hex');
  await append(
    stateOf(map),
    { firstIndex: anchored, leaves: Buffer.concat(leaves), claimedRoot, note },
    crypto,
  );
  anchored = size;
}

function chainOf(of: Organisation, own = map): WitnessOptions['chain'] {
  const state = stateOf(own);
  const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
  const refused = <T>(promise: Promise<T>): Promise<T> =>
    promise.catch((error: unknown) => {
      if (error instanceof LogRefusal) throw new ChainRefusal(error.code, []);
      throw error;
    });
  return {
    genesis: async () => GENESIS,
    keys: async () => (await listKeys(state)).map((key) => ({ ...key, former: [...key.former] })),
    async head() {
      const { root, size } = await readHeadOf(state, sha256);
      return { root: bytes(root), size };
    },
    async leaves(first, count) {
      const listed = await listLeaves(state, first, count);
      return Array.from({ length: listed.length / 32 }, (_, at) => listed.slice(at * 32, at * 32 + 32));
    },
    async checkpointAt(size) {
      try {
        const { root, note } = await checkpointAt(state, size);
        return { size, note, root: bytes(root) };
      } catch {
        return undefined;
      }
    },
    newestCosignatures: () => newestCosignatures(state),
    cosign: (size, line) => refused(cosign(state, of, size, line, crypto)),
  };
}

/** What `/log/` would serve of a log. */
function publishedOf(from: () => TestLog): PublishedLog {
  return {
    async checkpoint() {
      const newest = await from().checkpointUpTo(Number.MAX_SAFE_INTEGER);
      return newest?.note;
    },
    async hashes(level, first, end) {
      const span = 256 ** level;
      const leaves = await from().leaves(first * span, (end - first) * span);
      if (leaves.length < (end - first) * span) throw new PublishedFault('tile is missing');
      return Array.from({ length: end - first }, (_, at) =>
        rootOf(leaves.slice(at * span, (at + 1) * span), sha256),
      );
    },
  };
}

function witnessOf(of: Organisation, over: Partial<WitnessOptions> = {}): Promise<Witness> {
  return createWitness({
    organisation: of,
    trust,
    chain: chainOf(of),
    published: publishedOf(() => log),
    key: keys[of],
    store: stateFile(join(folder, of)),
    crypto,
    now: () => new Date(clock),
    onAlarm: () => {},
    limits: { cosignEvery: 0, recheckEvery: 0, agreeEvery: 0, page: 256 },
    ...over,
  });
}

const kinds = (witness: Witness) => witness.status().alarms.map(({ kind }) => kind);
const hexAt = (size: number, of = log) => Buffer.from(of.checkpointAt(size).root).toString('hex');

describe('growth', () => {
  test('three members cosign the same sizes, and each line counts on the chain', async () => {
    const all = await Promise.all(
      ORGANISATIONS.map((of) => witnessOf(of, { limits: { cosignEvery: 5_000 } })),
    );
    for (const count of [3, 300, 1, 513]) {
      await grow(count);
      clock += 6_000;
      for (const witness of all) await witness.once();
      expect((await cosignaturesAt(stateOf(map), anchored)).map(({ organisation }) => organisation)).toEqual([
        ...ORGANISATIONS,
      ]);
      for (const witness of all) {
        expect(kinds(witness)).toEqual([]);
        expect(witness.status()).toMatchObject({
          cosigned: { size: anchored, root: hexAt(anchored) },
          peer: { size: anchored, root: hexAt(anchored) },
          published: { size: anchored },
        });
      }
    }
  });

  test('between two cosignatures it waits, but follows another witness at once', async () => {
    const limits = { cosignEvery: 5_000 };
    const first = await witnessOf('hospital', { limits });
    const second = await witnessOf('association', { limits });
    await grow(2);
    await first.once();
    await second.once();
    await grow(2);
    clock += 1_000;
    await first.once();
    expect(first.status().cosigned?.size).toBe(2);
    clock += 5_000;
    await first.once();
    await grow(2);
    await second.once();
    expect(second.status().cosigned?.size).toBe(4);
  });

  test('a published log that is ahead of the chain is followed, and a stall is told and ends', async () => {
    const witness = await witnessOf('administration');
    await grow(300);
    await log.grow(400);
    await witness.once();
    expect(kinds(witness)).toEqual([]);
    clock += 61_000;
    await witness.once();
    expect(kinds(witness)).toEqual(['stalled']);
    await anchor(700);
    await witness.once();
    expect(kinds(witness)).toEqual([]);
    expect(witness.status().cosigned?.size).toBe(700);
  });

  test('a published log that does not answer, and a peer that does not, are told; growth goes on after', async () => {
    let down = true;
    const published = publishedOf(() => log);
    const witness = await witnessOf('administration', {
      published: {
        ...published,
        checkpoint: async () => {
          if (down) throw new PublishedFault('down');
          return published.checkpoint();
        },
      },
    });
    await grow(3);
    await witness.once();
    clock += 61_000;
    await witness.once();
    expect(kinds(witness)).toEqual(['published-unreachable']);
    down = false;
    await witness.once();
    expect(kinds(witness)).toEqual([]);

    let away = true;
    const chain = chainOf('hospital');
    const other = await witnessOf('hospital', {
      chain: {
        ...chain,
        head: async () => {
          if (away) throw new ChainFault([{ organisation: 'hospital', kind: 'down', message: 'no answer' }]);
          return chain.head();
        },
      },
    });
    await other.once();
    expect(kinds(other)).toEqual(['peer-unreachable']);
    away = false;
    await other.once();
    expect(kinds(other)).toEqual([]);
    expect(other.status().cosigned?.size).toBe(3);
  });
});

describe('what is refused and alarmed', () => {
  /** Both other members have cosigned 600 leaves. */
  async function bothAt600() {
    const both = [await witnessOf('administration'), await witnessOf('association')];
    await grow(600);
    for (const witness of both) await witness.once();
    return both;
  }

  test.each([
    ['at the size that was cosigned', 600],
    ['at a larger size', 640],
  ])('a rewritten log, signed with the real key, %s', async (_, size) => {
    const both = await bothAt600();
    const honest = log;
    const rewritten = createTestLog('rewritten', LOG_KEY);
    await rewritten.grow(size);
    log = rewritten;
    for (const witness of both) {
      await witness.once();
      // The pass over what was cosigned names the first leaf that differs as well.
      expect(kinds(witness)).toEqual(['forked-log', 'leaf-differs']);
      const [alarm] = witness.status().alarms;
      expect(alarm).toMatchObject({ size, roots: { published: hexAt(size, rewritten) } });
      expect(alarm?.roots.peer).not.toBe(alarm?.roots.published);
      expect(witness.status().cosigned).toMatchObject({ size: 600, root: hexAt(600, honest) });
    }
  });

  test('a rewritten log under the cosignatures of the one before it: both are said', async () => {
    const [witness] = await bothAt600();
    const lines = (await chainOf('hospital').newestCosignatures()).map(({ line }) => `${line}\n`).join('');
    expect(lines).toContain(witnessName('administration'));
    const rewritten = createTestLog('rewritten', LOG_KEY);
    await rewritten.grow(600);
    log = {
      ...rewritten,
      checkpointUpTo: async (...of: Parameters<TestLog['checkpointUpTo']>) => {
        const bare = await rewritten.checkpointUpTo(...of);
        return bare && { ...bare, note: bare.note + lines };
      },
    };
    await witness!.once();
    expect(new Set(kinds(witness!))).toEqual(new Set(['forged-checkpoint', 'forked-log', 'leaf-differs']));
    expect(witness!.status().alarms.find(({ kind }) => kind === 'forked-log')?.roots).toMatchObject({
      published: hexAt(600, rewritten),
    });
    expect(witness!.status().cosigned?.size).toBe(600);
  });

  test('it stays refused when the right log comes back, until a person has acknowledged it', async () => {
    const [witness] = await bothAt600();
    const honest = log;
    log = createTestLog('rewritten');
    await log.grow(600);
    await witness!.once();
    log = honest;
    await grow(5);
    await witness!.once();
    expect(witness!.status()).toMatchObject({
      cosigned: { size: 600 },
      alarms: [{ kind: 'forked-log' }, { kind: 'leaf-differs', index: 0 }],
    });
    // A restart forgets neither.
    const again = await witnessOf('administration');
    await again.once();
    expect(again.status()).toMatchObject({
      cosigned: { size: 600 },
      alarms: [{ kind: 'forked-log' }, { kind: 'leaf-differs', index: 0 }],
    });
    // Said once, it is kept, and it goes on from where it was; what lasts is raised again.
    await again.acknowledge();
    await again.once();
    expect(again.status()).toMatchObject({ cosigned: { size: 605 }, alarms: [] });
    log = createTestLog('rewritten');
    await log.grow(700);
    await again.once();
    expect(kinds(again)).toContain('forked-log');
    expect(again.status().cosigned).toMatchObject({ size: 605 });
  });

  test('a log that became shorter, and one that is empty', async () => {
    const both = await bothAt600();
    log = createTestLog();
    await log.grow(550);
    await both[0]!.once();
    expect(kinds(both[0]!)).toEqual(['shrunk-log']);
    log = createTestLog();
    await both[1]!.once();
    expect(kinds(both[1]!)).toEqual(['shrunk-log']);
  });

  test('a checkpoint by another key, or none at all', async () => {
    const [witness, other] = await bothAt600();
    log = createTestLog('log', newLogKey());
    await log.grow(600);
    await witness!.once();
    expect(kinds(witness!)).toEqual(['forged-checkpoint']);
    const nonsense = { ...log, checkpointUpTo: async () => ({ size: 0, root: new Uint8Array(), note: 'x' }) };
    log = nonsense as TestLog;
    await other!.once();
    expect(kinds(other!)).toEqual(['forged-checkpoint']);
  });

  test('its own peer on another fork, shorter, or with one altered leaf', async () => {
    const [witness] = await bothAt600();
    const kept = new Map(map);
    const key = [...map.keys()].find((each) => each.startsWith('leaves/0000000000000256'))!;
    map.set(
      key,
      Uint8Array.from(map.get(key)!, (byte, at) => (at === 33 ? byte ^ 1 : byte)),
    );
    // The pass over what was cosigned finds it within its pages, and names the leaf against the tiles.
    for (let look = 0; look < 4; look += 1) await witness!.once();
    expect(witness!.status().alarms).toMatchObject([
      { kind: 'leaf-differs', index: 257 },
      { kind: 'forked-peer', size: 600 },
    ]);

    map = new Map([...kept].filter(([each]) => each.startsWith('key/') || each.startsWith('proposal/')));
    anchored = 0;
    const forked = createTestLog('forked');
    await forked.grow(700);
    await anchor(700, forked);
    const other = await witnessOf('association', { chain: chainOf('association', map) });
    await other.once();
    expect(kinds(other)).toEqual(['forked-peer']);
    const empty = await witnessOf('association', { chain: chainOf('association', new Map()) });
    await empty.once();
    expect(kinds(empty)).toContain('shrunk-peer');
  });

  test('another member that cosigned another fork', async () => {
    await bothAt600();
    // On its own peer the association's newest line is over other leaves than ours.
    const theirs = new Map(
      [...map].filter(([each]) => each.startsWith('key/') || each.startsWith('proposal/')),
    );
    const forked = createTestLog('forked');
    await forked.grow(650);
    const { leaves, root, note } = await forked.batch(0, 650);
    const claimedRoot = Buffer.from(root).toString('hex');
    await append(
      stateOf(theirs),
      { firstIndex: 0, leaves: Buffer.concat(leaves), claimedRoot, note },
      crypto,
    );
    const liar = await witnessOf('association', {
      chain: chainOf('association', theirs),
      published: publishedOf(() => forked),
      store: stateFile(join(folder, 'liar')),
    });
    await liar.once();
    const [line] = await newestCosignatures(stateOf(theirs));
    await grow(50);
    const witness = await witnessOf('administration', {
      chain: { ...chainOf('administration'), newestCosignatures: async () => [line!] },
    });
    await witness.once();
    expect(kinds(witness)).toEqual(['forked-witness']);
    expect(witness.status().cosigned?.size).toBe(600);
  });

  test('keys in force, or a first block, that were not agreed on', async () => {
    await grow(3);
    const next = newLogKey();
    for (const by of ['hospital', 'administration'] as const)
      await registerKey(stateOf(map), by, 'log', LOG_ORIGIN, next.vkey, sha256);
    const witness = await witnessOf('association');
    await witness.once();
    expect(kinds(witness)).toEqual(['key-differs']);
    expect(witness.status().cosigned).toBeNull();
    const elsewhere = await witnessOf('administration', {
      chain: { ...chainOf('administration'), genesis: async () => 'b'.repeat(64), keys: async () => [] },
    });
    await elsewhere.once();
    expect(kinds(elsewhere)).toEqual(['key-differs']);
  });

  test('a log key that was replaced counts up to where it ended: a thief signs nothing larger with it', async () => {
    await grow(600);
    const next = newLogKey();
    for (const by of ['hospital', 'administration'] as const)
      await registerKey(stateOf(map), by, 'log', LOG_ORIGIN, next.vkey, sha256);
    const former = [{ of: 'log' as const, key: LOG_KEY.vkey, until: 600 }];
    const told = { ...trust, log: next.vkey, former };
    const witness = await witnessOf('association', { trust: told });
    await witness.once();
    expect(witness.status()).toMatchObject({ cosigned: { size: 600 }, alarms: [] });
    // The same log goes on under the new key.
    const renewed = createTestLog('log', next);
    await renewed.grow(600);
    await renewed.grow(100);
    await anchor(700, renewed);
    const onward = log;
    log = renewed;
    await witness.once();
    expect(witness.status()).toMatchObject({ cosigned: { size: 700 }, alarms: [] });
    // Whoever has the old key publishes what it signs with it.
    log = onward;
    await log.grow(200);
    const other = await witnessOf('administration', { trust: told });
    await other.once();
    expect(kinds(other)).toEqual(['forged-checkpoint']);
    // Chain and members refuse it alike.
    await expect(anchor(800, log)).rejects.toThrow(LogRefusal);
  });

  test('a witness key that was replaced counts up to where it ended, for the others and for its own member', async () => {
    const [first] = await bothAt600();
    expect(first?.status().cosigned?.size).toBe(600);
    const next = newWitnessKey('administration');
    const old = keys.administration;
    for (const by of ['hospital', 'association'] as const)
      await registerKey(stateOf(map), by, 'witness', 'administration', next.vkey, sha256);
    const told = {
      ...trust,
      witnesses: { ...trust.witnesses, administration: next.vkey },
      former: [{ of: 'administration' as const, key: old.vkey, until: 600 }],
    };
    const other = await witnessOf('hospital', { trust: told, store: stateFile(join(folder, 'other')) });
    await other.once();
    expect(other.status()).toMatchObject({ cosigned: { size: 600 }, alarms: [] });
    const renewed = await witnessOf('administration', { trust: told, key: next });
    await renewed.once();
    await grow(50);
    await renewed.once();
    await other.once();
    expect(kinds(renewed)).toEqual([]);
    expect(renewed.status().cosigned?.size).toBe(650);
    expect(other.status()).toMatchObject({ cosigned: { size: 650 }, alarms: [] });
    // A line of the old key over what came later is nobody's.
    await grow(10);
    const { note } = await log.checkpointAt(660);
    const line = await cosignatureLine(parseNote(note).text, old, 1, old.sign);
    const watching = await witnessOf('hospital', {
      trust: told,
      chain: {
        ...chainOf('hospital'),
        newestCosignatures: async () => [{ organisation: 'administration', size: 660, at: 1, line }],
      },
      store: stateFile(join(folder, 'other')),
    });
    await watching.once();
    expect(kinds(watching)).toEqual(['forked-witness']);
  });

  test('a key that our people agreed on is waited for; a chain that went back to the one before is not', async () => {
    await grow(3);
    const next = newLogKey();
    const told = {
      ...trust,
      log: next.vkey,
      former: [{ of: 'log' as const, key: LOG_KEY.vkey, until: 3 }],
    };
    const witness = await witnessOf('association', { trust: told });
    await witness.once();
    expect(witness.status()).toMatchObject({ cosigned: { size: 3 }, alarms: [] });
    const name = async (vkey: string) => {
      for (const by of ['hospital', 'administration'] as const)
        await registerKey(stateOf(map), by, 'log', LOG_ORIGIN, vkey, sha256);
    };
    await name(next.vkey);
    await witness.once();
    expect(kinds(witness)).toEqual([]);
    await name(LOG_KEY.vkey);
    await witness.once();
    expect(kinds(witness)).toEqual(['key-differs']);
  });

  test('what does not fit while our people write down another key is judged again, and is no alarm', async () => {
    await grow(3);
    const next = newLogKey();
    for (const by of ['hospital', 'administration'] as const)
      await registerKey(stateOf(map), by, 'log', LOG_ORIGIN, next.vkey, sha256);
    let changed = true;
    const witness = await witnessOf('association', { outdated: () => changed });
    await witness.once();
    expect(witness.status()).toMatchObject({ cosigned: null, alarms: [] });
    changed = false;
    await witness.once();
    expect(kinds(witness)).toEqual(['key-differs']);
  });

  test('that two others replace while it runs raises an alarm at the next look, and it cosigns no further', async () => {
    const witness = await witnessOf('association');
    await grow(3);
    await witness.once();
    expect(witness.status()).toMatchObject({ cosigned: { size: 3 }, alarms: [] });
    const { vkey } = newWitnessKey('hospital');
    for (const by of ['administration', 'hospital'] as const)
      await registerKey(stateOf(map), by, 'witness', 'hospital', vkey, sha256);
    await grow(2);
    await witness.once();
    expect(kinds(witness)).toEqual(['key-differs']);
    expect(witness.status().cosigned).toMatchObject({ size: 3 });
  });
});

describe('its memory', () => {
  test('a line that was signed and not sent before a kill is the one that is sent after', async () => {
    await grow(5);
    const chain = chainOf('association');
    const killed = await witnessOf('association', {
      chain: {
        ...chain,
        cosign: async () => {
          throw new ChainFault([]);
        },
      },
    });
    await killed.once();
    const signed = JSON.parse(await readFile(join(folder, 'association', 'state.json'), 'utf8')).cosigned;
    expect(signed.size).toBe(5);
    clock += 100_000;
    const again = await witnessOf('association');
    expect(again.status().cosigned).toMatchObject({ size: 5, root: signed.root });
    await again.once();
    const [kept] = await cosignaturesAt(stateOf(map), 5);
    expect(kept?.line).toBe(signed.line);
  });

  test('nobody is told of a cosignature before it is on the disk', async () => {
    const store = stateFile(join(folder, 'hospital'));
    const told: (number | undefined)[] = [];
    const witness: Witness = await witnessOf('hospital', {
      store: {
        read: store.read,
        async write(state) {
          told.push(witness.status().cosigned?.size);
          await store.write(state);
        },
      },
    });
    for (const count of [3, 2]) {
      await grow(count);
      await witness.once();
    }
    expect(told).toEqual([undefined, 3]);
    expect(witness.status().cosigned?.size).toBe(5);
  });

  test('a state that cannot be read stops it: it never begins anew', async () => {
    const first = await witnessOf('association');
    await grow(5);
    await first.once();
    const path = join(folder, 'association', 'state.json');
    await writeFile(path, (await readFile(path, 'utf8')).slice(0, 50));
    await expect(witnessOf('association')).rejects.toMatchObject({ name: 'FolderTrouble' });
  });
});
