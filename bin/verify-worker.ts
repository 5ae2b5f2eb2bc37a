// Composition: one thread of verification. Takes packed portions, checks them (ledger/verify-check.ts) and answers packed.
// Node loads it without a loader, so nothing it imports may need one. Holds no connection and reads nothing.
import { parentPort, workerData } from 'node:worker_threads';
import { nodeHashing } from '../ledger/record-key.ts';
import { p256Check } from '../ledger/signing.ts';
import { type CheckContext, checkEntry, checkRow } from '../ledger/verify-check.ts';
import {
  packCheckedEntries,
  packCheckedRows,
  type Question,
  unpackGivenEntries,
  unpackGivenRows,
} from './verify-packing.ts';

const tools = { hashing: nodeHashing, p256: p256Check };
const context = workerData as CheckContext;

parentPort?.on('message', ({ id, question }: { id: number; question: Question }) => {
  const answer =
    question.of === 'entries'
      ? packCheckedEntries(unpackGivenEntries(question).map((one) => checkEntry(one, context, tools)))
      : packCheckedRows(unpackGivenRows(question).map((one) => checkRow(one, tools)));
  parentPort?.postMessage({ id, answer }, [answer.bytes.buffer as ArrayBuffer]);
});
