// Composition: the log's key as a file, those that it had before, and the note of a replacement that is under way, all in the data
// folder's `keys` (docs/adr/0024). Promise: what is written here survives a power cut whole, old or new.
// Must never make a key in force by itself: two of three organisations do.
import { createPublicKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { LOG_ORIGIN, ORGANISATIONS } from '../domain/consortium.ts';
import { keptSecret } from '../engines/secrets.ts';
import { likeItsFolder } from '../engines/users.ts';
import { formatVerifierKey, keyIdOf } from '../ledger/checkpoint.ts';
import type { FormerKey } from '../ledger/evidence/format.ts';
import { writeDurably } from '../ledger/member/folder.ts';
import { nodeHashing } from '../ledger/record-key.ts';
import type { LogSigner } from '../ledger/sequencer.ts';
import { ed25519Raw } from '../ledger/signing.ts';
import { ed25519FromSeed } from './machine.ts';

const owner = z.enum(['log', ...ORGANISATIONS]);
const formerSchema = z.array(
  z.strictObject({ of: owner, key: z.string().min(1), until: z.int().nonnegative() }),
);
const replacementSchema = z.strictObject({
  of: owner,
  /** The key (vkey) that comes. */
  key: z.string().min(1),
  /** The key that goes, and the size up to which it counts. */
  former: z.string().min(1),
  until: z.int().nonnegative(),
});
/** A replacement past the point from which it is carried out: while its note is there, nothing is sequenced. */
export type Replacement = z.output<typeof replacementSchema>;

export const keyFile = (dataDir: string, name: 'log' | 'log-next' | 'former.json' | 'replacement.json') =>
  join(dataDir, 'keys', name);

/** The log's signer from its seed. */
export function logSigner(seed: Uint8Array): LogSigner {
  const key = ed25519FromSeed(seed);
  const publicKey = ed25519Raw(createPublicKey(key));
  return {
    name: LOG_ORIGIN,
    keyId: keyIdOf(LOG_ORIGIN, publicKey, nodeHashing.hash),
    publicKey,
    sign: (message) => sign(null, message, key),
  };
}

/** The log's vkey, from its seed. */
export const logKeyOf = (seed: Uint8Array): string =>
  formatVerifierKey(LOG_ORIGIN, logSigner(seed).publicKey, nodeHashing.hash);

/** A seed of the log's key, as it lies in the file of that name now; the one in use is made when there is none. */
export const logSeed = (dataDir: string, name: 'log' | 'log-next' = 'log'): Uint8Array =>
  Buffer.from(keptSecret(dataDir, name), 'hex');

/**
 * The log's signer as its file says at each call: what was replaced meanwhile signs nothing any more. Undefined while a
 * replacement is under way.
 */
export function signerInForce(dataDir: string): () => LogSigner | undefined {
  let known: { readonly seed: Uint8Array; readonly signer: LogSigner } | undefined;
  return () => {
    if (readReplacement(dataDir) !== undefined) return undefined;
    const seed = logSeed(dataDir);
    if (known === undefined || !Buffer.from(known.seed).equals(seed))
      known = { seed, signer: logSigner(seed) };
    return known.signer;
  };
}

/** The replacement that is under way, or undefined. */
export const readReplacement = (dataDir: string): Replacement | undefined =>
  readJson(keyFile(dataDir, 'replacement.json'), replacementSchema);

/** What this machine itself trusts of the log: the key in force, and each former key with the size up to which it counts. */
export function logTrust(dataDir: string): { readonly log: string; readonly former: readonly FormerKey[] } {
  const replacement = readReplacement(dataDir);
  const former = readJson(keyFile(dataDir, 'former.json'), formerSchema) ?? [];
  return {
    // From here on nothing is signed with the one before, whichever of the two the chain has in force by now.
    log: replacement?.of === 'log' ? replacement.key : logKeyOf(logSeed(dataDir)),
    former: replacement === undefined ? former : withFormer(former, replacement),
  };
}

/** The list with the key that a replacement takes out of force; the same again is one. */
export const withFormer = (
  list: readonly FormerKey[],
  { of, former: key, until }: Replacement,
): readonly FormerKey[] => [...list.filter((one) => one.of !== of || one.key !== key), { of, key, until }];

/** Writes down one of the JSON files; durable when it resolves. */
export async function writeKeyFile(
  dataDir: string,
  name: 'former.json' | 'replacement.json',
  content: readonly FormerKey[] | Replacement,
): Promise<void> {
  const path = keyFile(dataDir, name);
  await writeDurably(path, `${JSON.stringify(content, null, 2)}\n`);
  likeItsFolder(path);
}

function readJson<T>(path: string, schema: z.ZodType<T>): T | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return schema.parse(JSON.parse(text));
}
