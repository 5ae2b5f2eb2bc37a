// Composition: verification's checks on all cores. Portions go to worker threads as flat bytes, the least busy one first;
// answers come back in order. A worker that fails fails the run: nothing is passed over.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { nodeHashing } from '../ledger/record-key.ts';
import { p256Check } from '../ledger/signing.ts';
import {
  type CheckContext,
  type Checking,
  checkingHere,
  type GivenEntry,
  type GivenRow,
} from '../ledger/verify-check.ts';
import {
  type Answer,
  packEntries,
  packRows,
  type Question,
  unpackEntries,
  unpackRows,
} from './verify-packing.ts';

export interface PoolOptions {
  /** How many threads. */
  readonly width?: number;
  /** So many entries are checked in this thread, as they are before another one would have loaded. */
  readonly here?: number;
}

interface Hand {
  readonly worker: Worker;
  readonly waiting: Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>;
}

/** Checks on threads beside this one, which start when there is enough to do. */
export function checkingPool(
  context: CheckContext,
  { width = availableParallelism(), here: few = 2000 }: PoolOptions = {},
): Checking {
  const here = checkingHere(context, { hashing: nodeHashing, p256: p256Check });
  let hands: readonly Hand[] | undefined;
  let given = 0;
  let asked = 0;

  async function ask(question: Question): Promise<Answer> {
    hands ??= Array.from({ length: width }, () => hire(context));
    const hand = hands.reduce((least, one) => (one.waiting.size < least.waiting.size ? one : least));
    const id = asked++;
    return await new Promise((resolve, reject) => {
      hand.waiting.set(id, { resolve, reject });
      hand.worker.postMessage({ id, question }, [question.bytes.buffer as ArrayBuffer]);
    });
  }

  return {
    // Each has one portion under its hands and one before it.
    ahead: 2 * width,
    async entries(portion: readonly GivenEntry[]) {
      given += portion.length;
      if (given <= few) return await here.entries(portion);
      return unpackEntries(await ask(packEntries(portion)));
    },
    async rows(portion: readonly GivenRow[]) {
      if (!hands) return await here.rows(portion);
      return unpackRows(await ask(packRows(portion)));
    },
    async close() {
      await Promise.all((hands ?? []).map(({ worker }) => worker.terminate()));
    },
  };
}

function hire(context: CheckContext): Hand {
  // Node itself reads these sources; a loader of the parent's would only take its time.
  const worker = new Worker(new URL('./verify-worker.ts', import.meta.url), {
    workerData: context,
    execArgv: [],
    // A portion lives for milliseconds: what it leaves behind is taken away soon, and not when memory runs short.
    resourceLimits: { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 256 },
  });
  const waiting: Hand['waiting'] = new Map();
  let broken: Error | undefined;
  const fail = (error: Error): void => {
    broken = error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.on('message', ({ id, answer }: { id: number; answer: Answer }) => {
    waiting.get(id)?.resolve(answer);
    waiting.delete(id);
  });
  worker.on('error', (error) => fail(error instanceof Error ? error : new Error('checking thread failed')));
  worker.on('exit', () => fail(broken ?? new Error('checking thread ended; verify again')));
  return { worker, waiting };
}
