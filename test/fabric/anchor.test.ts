// The anchor against three peers in memory: each step failed, failed but stored, lagging and disagreeing.
// The peers run the chaincode's own log; the network's tests repeat the main cases on real ones.
import { describe, expect, test } from 'vitest';
import { LOG_ORIGIN, ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { createAnchor, keepAnchoring } from '../../ledger/anchor.ts';
import { registerKey } from '../../ledger/chaincode/keys.ts';
import { append, checkpointAt, readHeadOf } from '../../ledger/chaincode/log.ts';
import { LogRefusal, type State, toHex } from '../../ledger/chaincode/state.ts';
import type { Chain, ChainBatch } from '../../ledger/fabric/client.ts';
import {
  ChainFault,
  ChainRefusal,
  ChainUnknown,
  type Objection,
  TamperError,
} from '../../ledger/fabric/trouble.ts';
import { createTestLog, crypto, LOG_KEY, sha256, type TestLog } from './test-log.ts';

type Peers = Record<Organisation, Map<string, Uint8Array>>;

/** Three peers that take a batch together, or without those in `lagging`. */
function memoryChain(
  peers: Peers = { administration: new Map(), hospital: new Map(), association: new Map() },
) {
  const lagging = new Set<Organisation>();
  const down = new Set<Organisation>();
  let sent = 0;
  const stateOf = (of: Organisation): State => ({
    read: async (key) => peers[of].get(key) ?? new Uint8Array(),
    write: async (key, value) => void peers[of].set(key, value),
    scan: () => {
      throw new Error('anchoring never lists');
    },
  });
  const demandUp = (of: Organisation) => {
    if (down.has(of)) throw new ChainFault([{ organisation: of, kind: 'down', message: 'no answer' }]);
  };
  const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
  const chain: Pick<Chain, 'append' | 'checkpointAt' | 'head'> = {
    async append(batch: ChainBatch) {
      sent += 1;
      for (const of of ORGANISATIONS) {
        if (lagging.has(of) || down.has(of)) continue;
        for (const by of ['administration', 'hospital'] as const)
          await registerKey(stateOf(of), by, 'log', LOG_ORIGIN, LOG_KEY.vkey, sha256);
        const call = {
          firstIndex: batch.firstIndex,
          claimedRoot: toHex(batch.root),
          leaves: Buffer.concat(batch.leaves),
          note: batch.note,
        };
        await append(stateOf(of), call, crypto).catch((error: unknown) => {
          if (!(error instanceof LogRefusal)) throw error;
          const { code, message, facts } = error;
          const objection: Objection = { organisation: of, kind: 'refused', code, message, facts };
          throw new ChainRefusal(code, [objection]);
        });
      }
    },
    async head(of) {
      demandUp(of);
      const { root, size } = await readHeadOf(stateOf(of), sha256);
      return { root: fromHex(root), size };
    },
    async checkpointAt(of, size) {
      demandUp(of);
      const { root, note } = await checkpointAt(stateOf(of), size);
      return { root: fromHex(root), size, note };
    },
  };
  return { chain, peers, lagging, down, sent: () => sent };
}

function anchorOf(chain: Pick<Chain, 'append' | 'checkpointAt' | 'head'>, log: TestLog, batch?: number) {
  const anchored: number[] = [];
  const anchor = createAnchor({
    chain,
    log,
    onAnchored: async ({ size }) => void anchored.push(size),
    ...(batch !== undefined && { batch }),
  });
  return { anchor, anchored };
}

async function sizes(chain: Pick<Chain, 'head'>): Promise<number[]> {
  return Promise.all(ORGANISATIONS.map(async (of) => (await chain.head(of)).size));
}

describe('each way of failing, once', () => {
  const failures: [string, (append: Chain['append'], batch: ChainBatch) => Promise<void>][] = [
    [
      'failed before it was sent',
      async () => {
        throw new ChainUnknown('submit', new Error('reset'));
      },
    ],
    [
      'failed but stored',
      async (append, batch) => {
        await append(batch);
        throw new ChainUnknown('commit', new Error('reset'));
      },
    ],
    [
      'lost a race against another anchor',
      async (append, batch) => {
        await append(batch);
        throw new ChainRefusal('MVCC_READ_CONFLICT', []);
      },
    ],
    [
      'asked a peer that had not caught up',
      async () => {
        throw new ChainRefusal('WRONG_FIRST_INDEX', []);
      },
    ],
  ];
  test.each(failures)('%s', async (_, fail) => {
    const { chain } = memoryChain();
    const log = createTestLog();
    await log.grow(5);
    let failed = false;
    const flaky = {
      ...chain,
      async append(batch: ChainBatch) {
        if (failed) return chain.append(batch);
        failed = true;
        return fail(chain.append, batch);
      },
    };
    const { anchor, anchored } = anchorOf(flaky, log);
    expect(await anchor.once()).toEqual({ gained: 5, size: 5 });
    expect(anchored).toEqual([5]);
    expect(await sizes(chain)).toEqual([5, 5, 5]);
    await log.grow(2);
    expect(await anchor.once()).toEqual({ gained: 2, size: 7 });
  });

  test('an outcome that stays open is told, and the next call goes on', async () => {
    const { chain } = memoryChain();
    const log = createTestLog();
    await log.grow(5);
    let open = true;
    const { anchor, anchored } = anchorOf(
      {
        ...chain,
        async append(batch) {
          if (open) throw new ChainUnknown('submit', new Error('no orderer'));
          await chain.append(batch);
        },
      },
      log,
    );
    await expect(anchor.once()).rejects.toBeInstanceOf(ChainUnknown);
    expect(anchored).toEqual([]);
    open = false;
    expect(await anchor.once()).toEqual({ gained: 5, size: 5 });
  });

  test('when the caller could not store it, it is told again', async () => {
    const { chain, sent } = memoryChain();
    const log = createTestLog();
    await log.grow(5);
    const stored: number[] = [];
    let broken = true;
    const anchor = createAnchor({
      chain,
      log,
      onAnchored: async ({ size }) => {
        if (broken) throw new Error('database is down');
        stored.push(size);
      },
    });
    await expect(anchor.once()).rejects.toThrow('database is down');
    broken = false;
    expect((await anchor.once()).size).toBe(5);
    expect(stored).toEqual([5]);
    expect(sent()).toBe(1);
  });

  test('a new anchor over an anchored log reports the size and sends nothing', async () => {
    const { chain, sent } = memoryChain();
    const log = createTestLog();
    await log.grow(5);
    await anchorOf(chain, log).anchor.once();
    const { anchor, anchored } = anchorOf(chain, log);
    expect(await anchor.once()).toEqual({ gained: 0, size: 5 });
    expect(anchored).toEqual([5]);
    expect(sent()).toBe(1);
  });

  test('batches end at checkpoints and never pass the limit', async () => {
    const { chain, sent } = memoryChain();
    const log = createTestLog();
    for (let at = 0; at < 10; at += 1) await log.grow(7);
    const { anchor, anchored } = anchorOf(chain, log, 20);
    while ((await anchor.once()).gained > 0);
    expect(anchored).toEqual([14, 28, 42, 56, 70]);
    expect(sent()).toBe(5);
  });
});

describe('what peers say', () => {
  test('a peer that lags, or is down, is no tampering', async () => {
    const { chain, lagging, down } = memoryChain();
    const log = createTestLog();
    await log.grow(5);
    await anchorOf(chain, log).anchor.once();
    lagging.add('association');
    await log.grow(5);
    expect(await anchorOf(chain, log).anchor.once()).toEqual({ gained: 5, size: 10 });
    expect(await sizes(chain)).toEqual([10, 10, 5]);
    expect(await anchorOf(chain, log).anchor.once()).toEqual({ gained: 0, size: 10 });
    down.add('association');
    expect(await anchorOf(chain, log).anchor.once()).toEqual({ gained: 0, size: 10 });
  });

  test('one peer alone says nothing', async () => {
    const { chain, down } = memoryChain();
    const log = createTestLog();
    await log.grow(5);
    down.add('hospital');
    down.add('association');
    const fault = await anchorOf(chain, log)
      .anchor.once()
      .catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(ChainFault);
    expect((fault as ChainFault).objections.map(({ organisation }) => organisation).sort()).toEqual([
      'association',
      'hospital',
    ]);
  });

  test.each([
    ['the same size', 0],
    ['a size that the other has passed', 3],
  ])('two roots at %s stop everything and are shown', async (_, more) => {
    const log = createTestLog();
    const forged = createTestLog('forged');
    const honest = memoryChain();
    const liar = memoryChain();
    await log.grow(5);
    await forged.grow(5);
    await anchorOf(honest.chain, log).anchor.once();
    await anchorOf(liar.chain, forged).anchor.once();
    const split = memoryChain({ ...honest.peers, association: liar.peers.association });
    split.lagging.add('association');
    if (more > 0) {
      await log.grow(more);
      await honest.chain.append(await log.batch(5, 5 + more));
    }
    const found = await anchorOf(split.chain, log)
      .anchor.once()
      .catch((error: unknown) => error);
    expect(found).toBeInstanceOf(TamperError);
    expect((found as TamperError).kind).toBe('peers-differ');
    expect((found as TamperError).disagreement.size).toBe(5);
    const roots = (found as TamperError).disagreement.roots;
    expect(roots.association).toBe(toHex(forged.checkpointAt(5).root));
    expect(Object.values(roots)).toContain(toHex(log.checkpointAt(5).root));
  });

  test('one peer that claims more than the others is not believed', async () => {
    const log = createTestLog();
    await log.grow(5);
    const { chain } = memoryChain();
    await anchorOf(chain, log).anchor.once();
    await log.grow(5);
    const boasting = {
      ...chain,
      head: async (of: Organisation) =>
        of === 'association' ? { size: 10, root: log.checkpointAt(10).root } : chain.head(of),
      checkpointAt: async (of: Organisation, size: number) => chain.checkpointAt(of, size),
    };
    const { anchor, anchored } = anchorOf(boasting, log);
    expect(await anchor.once()).toEqual({ gained: 5, size: 10 });
    // First the five that two peers hold, then the ten that were really committed.
    expect(anchored).toEqual([5, 10]);
  });

  test('a refusal that repeating cannot mend is thrown as it is', async () => {
    const { chain } = memoryChain();
    const log = createTestLog();
    await log.grow(1);
    const { anchor } = anchorOf(
      {
        ...chain,
        append: async () => {
          throw new ChainRefusal('NOT_ALLOWED', []);
        },
      },
      log,
    );
    await expect(anchor.once()).rejects.toMatchObject({ name: 'ChainRefusal', code: 'NOT_ALLOWED' });
  });
});

test('keeping on: our own store’s faults are outlived too', async () => {
  const { chain } = memoryChain();
  const log = createTestLog();
  await log.grow(5);
  const controller = new AbortController();
  const told: string[] = [];
  let broken = true;
  const anchored: number[] = [];
  const anchor = createAnchor({
    chain,
    log: {
      ...log,
      async checkpointUpTo(size) {
        if (!broken) return log.checkpointUpTo(size);
        broken = false;
        throw new Error('connection ended');
      },
    },
    onAnchored: async ({ size }) => void anchored.push(size),
  });
  await keepAnchoring(anchor, {
    signal: controller.signal,
    onTrouble: (error) => told.push((error as Error).message),
    changed: async () => controller.abort(),
  });
  expect(told).toEqual(['connection ended']);
  expect(anchored).toEqual([5]);
});

test.each([
  { first: 5, anchored: [5] },
  { first: 1000, anchored: [1000, 1005] },
])('keeping on: after $first leaves the next wait for others or do not', async ({ first, anchored }) => {
  const { chain } = memoryChain();
  const log = createTestLog();
  await log.grow(first);
  const controller = new AbortController();
  const seen: number[] = [];
  let turns = 0;
  const anchor = createAnchor({
    chain,
    log,
    async onAnchored({ size }) {
      seen.push(size);
      if (seen.length > 1) return;
      await log.grow(5);
      // A second anchor needs far fewer turns of the event loop than this.
      const turn = (): void => void (++turns < 500 ? setImmediate(turn) : controller.abort());
      turn();
    },
  });
  await keepAnchoring(anchor, {
    signal: controller.signal,
    restMs: 3_600_000,
    onTrouble: (error) => {
      throw error;
    },
    changed: async () => controller.abort(),
  });
  expect(seen).toEqual(anchored);
});

test('keeping on: faults are told and outlived, tampering is thrown', async () => {
  const { chain } = memoryChain();
  const log = createTestLog();
  await log.grow(5);
  const controller = new AbortController();
  const told: string[] = [];
  const troubles = [
    new ChainFault([]),
    new ChainUnknown('submit', undefined),
    new ChainRefusal('NOT_ALLOWED', []),
  ];
  const { anchor, anchored } = anchorOf(
    {
      ...chain,
      async append(batch) {
        const trouble = troubles.shift();
        if (trouble !== undefined) throw trouble;
        await chain.append(batch);
      },
    },
    log,
  );
  await keepAnchoring(anchor, {
    signal: controller.signal,
    onTrouble: (error) => told.push((error as Error).name),
    changed: async () => controller.abort(),
  });
  // The open outcome is looked up within the same call, so it is no trouble to tell.
  expect(told).toEqual(['ChainFault', 'ChainRefusal']);
  expect(anchored).toEqual([5]);

  const rewritten = createTestLog('rewritten');
  await rewritten.grow(5);
  await expect(
    keepAnchoring(anchorOf(chain, rewritten).anchor, {
      signal: new AbortController().signal,
      onTrouble: () => {},
      changed: async () => {},
    }),
  ).rejects.toBeInstanceOf(TamperError);
});
