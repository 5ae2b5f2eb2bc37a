// Test support: a log of our own in memory, with real leaves, roots and signed checkpoints, for anchoring.
// Never a tree of its own making: leaves, roots and notes come from the product's own code.
import { createHash, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { LOG_ORIGIN } from '../../domain/consortium.ts';
import type { AnchoredLog, LoggedCheckpoint } from '../../ledger/anchor.ts';
import { formatCheckpoint, formatVerifierKey, keyIdOf, signNote } from '../../ledger/checkpoint.ts';
import type { ChainBatch } from '../../ledger/fabric/client.ts';
import { appendLeaves, type CompactRange, EMPTY_RANGE, leafHash, rootOfRange } from '../../ledger/merkle.ts';

export const sha256 = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(createHash('sha256').update(bytes).digest());

/** Ed25519 with a raw key. */
export const ed25519 = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
  const x = Buffer.from(publicKey).toString('base64url');
  return verify(
    null,
    message,
    createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }),
    signature,
  );
};

/** What the chaincode's process brings along. */
export const crypto = { hash: sha256, verify: ed25519 };

/** A log's key of the test's own. */
export function newLogKey(name: string = LOG_ORIGIN) {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  return {
    vkey: formatVerifierKey(name, raw, sha256),
    signNote: (text: string) =>
      signNote(text, name, keyIdOf(name, raw, sha256), (message) => sign(null, message, privateKey)),
  };
}
export type LogKey = ReturnType<typeof newLogKey>;

/** The key of every test log that is not told otherwise. */
export const LOG_KEY = newLogKey();

export type TestLog = AnchoredLog & {
  readonly key: LogKey;
  readonly size: number;
  /** Adds entries, with one checkpoint behind them. */
  grow(count: number): Promise<LoggedCheckpoint>;
  /** The batch that leads from one checkpoint to another. */
  batch(from: number, to: number): Promise<ChainBatch>;
  checkpointAt(size: number): LoggedCheckpoint;
};

/** `seed` makes the leaves: two logs of one seed are equal, of two seeds they differ. */
export function createTestLog(seed = 'log', key: LogKey = LOG_KEY): TestLog {
  const leaves: Uint8Array[] = [];
  const checkpoints: LoggedCheckpoint[] = [];
  let range: CompactRange = EMPTY_RANGE;

  const log: TestLog = {
    key,
    get size() {
      return range.size;
    },
    async grow(count) {
      const added = Array.from({ length: count }, (_, at) =>
        leafHash(sha256(Buffer.from(`${seed} ${range.size + at}`)), sha256),
      );
      leaves.push(...added);
      range = appendLeaves(range, added, sha256);
      const root = rootOfRange(range, sha256);
      const text = formatCheckpoint({ origin: LOG_ORIGIN, size: range.size, root });
      const note = await key.signNote(text);
      const checkpoint = { size: range.size, root, note };
      checkpoints.push(checkpoint);
      return checkpoint;
    },
    async checkpointUpTo(size) {
      return checkpoints.findLast((each) => each.size <= size);
    },
    checkpointAt(size) {
      const found = checkpoints.find((each) => each.size === size);
      if (found === undefined) throw new Error(`the test's log has no checkpoint at ${size}`);
      return found;
    },
    async leaves(first, count) {
      return leaves.slice(first, first + count);
    },
    async batch(from, to) {
      const { root, note } = log.checkpointAt(to);
      return { firstIndex: from, leaves: leaves.slice(from, to), root, note };
    },
  };
  return log;
}
