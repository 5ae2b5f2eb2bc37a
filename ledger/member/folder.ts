// Station 6, a member's folder: its profile, its witness key, and what its people have agreed to trust.
// Promise: a file is written whole or not at all and flushed before its name appears, readable by its owner alone.
// Must never read outside its own folder.
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  sign,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { ORGANISATIONS, type Organisation, witnessName } from '../../domain/consortium.ts';
import type { Sign, VerifierKey } from '../checkpoint.ts';
import { formatWitnessKey, parseWitnessKey } from '../cosignature.ts';
import { type MemberProfile, readMemberProfile } from '../fabric/profile.ts';

/**
 * What verification starts from, as an organisation's people have agreed on it and as its member publishes it.
 * `genesis` is the hash of the header of the channel's first block, hexadecimal: what its second block names.
 */
export const trustSchema = z.strictObject({
  origin: z.string().min(1),
  /** The log's vkey (C2SP signed-note, Ed25519). */
  log: z.string().min(1),
  /** Each witness's vkey (C2SP tlog-cosignature). */
  witnesses: z.record(z.enum(ORGANISATIONS), z.string().min(1)),
  /** Each organisation's root certificate, PEM. */
  roots: z.record(z.enum(ORGANISATIONS), z.string().min(1)),
  channel: z.string().min(1),
  genesis: z.string().regex(/^[0-9a-f]{64}$/),
  /** Keys that were in force before (docs/evidence-format.md). */
  former: z
    .array(
      z.strictObject({
        of: z.enum(['log', ...ORGANISATIONS]),
        key: z.string().min(1),
        until: z.int().nonnegative(),
      }),
    )
    .optional(),
});
export type Trust = z.infer<typeof trustSchema>;

/** The member cannot run with this folder; `message` says which file and what to do. */
export class FolderTrouble extends Error {
  override readonly name = 'FolderTrouble';
}

export type MemberFolder = {
  readonly path: string;
  readonly profile: MemberProfile;
  readonly trust: Trust;
  readonly witness: WitnessKey;
};

/** A witness's key, which signs and is not given away. */
export type WitnessKey = Pick<VerifierKey, 'keyId' | 'name'> & { readonly vkey: string; readonly sign: Sign };

const sha256 = (bytes: Uint8Array): Uint8Array => hash('sha256', bytes, 'buffer');
export const witnessKeyPath = (folder: string): string => join(folder, 'witness.pem');
export const trustPath = (folder: string): string => join(folder, 'trust.json');

/** Changes with what the organisations agreed on, and with the witness key. */
export const stampOf = (folder: string): string =>
  hash('sha256', JSON.stringify([trustPath(folder), witnessKeyPath(folder)].map(readIfThere)));

/** Reads a member's folder. Throws FolderTrouble or ProfileTrouble. */
export function openMemberFolder(path: string): MemberFolder {
  const profile = readMemberProfile(join(path, 'profile.json'));
  const trust = readTrust(path);
  if (trust === undefined)
    throw new FolderTrouble(
      `Member's trust.json is missing; write down there what the organisations agreed on: ${trustPath(path)}`,
    );
  return { path, profile, trust, witness: readWitnessKey(path, profile.organisation) };
}

/** What was agreed on; undefined when nothing was yet. Throws FolderTrouble when the file is not such a thing. */
export function readTrust(folder: string): Trust | undefined {
  const text = readIfThere(trustPath(folder));
  if (text === undefined) return undefined;
  try {
    return trustSchema.parse(JSON.parse(text));
  } catch {
    throw new FolderTrouble(`Member's trust.json is damaged; write it anew: ${trustPath(folder)}`);
  }
}

/** The witness key of this folder, made now when there is none. Gives its vkey. */
export async function ensureWitnessKey(folder: string, organisation: Organisation): Promise<string> {
  if (readIfThere(witnessKeyPath(folder)) === undefined) {
    const { privateKey } = generateKeyPairSync('ed25519');
    await writeDurably(witnessKeyPath(folder), String(privateKey.export({ type: 'pkcs8', format: 'pem' })));
  }
  return readWitnessKey(folder, organisation).vkey;
}

function readWitnessKey(folder: string, organisation: Organisation): WitnessKey {
  let key: KeyObject;
  try {
    key = createPrivateKey(readFileSync(witnessKeyPath(folder)));
  } catch {
    throw new FolderTrouble(`Member's witness key cannot be read; restore it: ${witnessKeyPath(folder)}`);
  }
  const jwk = createPublicKey(key).export({ format: 'jwk' });
  if (jwk.crv !== 'Ed25519' || jwk.x === undefined)
    throw new FolderTrouble(`Member's witness key is not Ed25519; restore it: ${witnessKeyPath(folder)}`);
  const vkey = formatWitnessKey(witnessName(organisation), Buffer.from(jwk.x, 'base64url'), sha256);
  const { name, keyId } = parseWitnessKey(vkey, sha256);
  return { name, keyId, vkey, sign: (message) => sign(null, message, key) };
}

/** Writes a file that survives a power cut whole, old or new: flushed, renamed, and the folder flushed after it. */
export async function writeDurably(path: string, content: string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const partial = `${path}.partial`;
  const file = await open(partial, 'w', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(partial, path);
  const directory = await open(folder, 'r');
  await directory.sync().finally(() => directory.close());
  // From here the new content is what a restart reads.
}

/** The text of a file, or undefined when there is none. */
export async function readText(path: string): Promise<string | undefined> {
  return await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
