// Station 4, keys of a subject: what digests its columns and seals its values. Keys lie outside the database
// and its backups; destroying one erases what it sealed and unties its digests (DESIGN.md section 9, 5).
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hash,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import type { Hashing } from './entry.ts';

/** Where keys are kept: a folder of key files, or a key management service. */
export interface KeyStore {
  /** Makes the subject's key if it has none; durable when it returns. */
  create(kind: string, id: string): Promise<void>;
  /** The subject's 32 secret bytes; undefined when there is none, or none any more. */
  get(kind: string, id: string): Promise<Uint8Array | undefined>;
}

/** The two keys derived from a subject's secret. */
export interface RecordKey {
  /** Key of column digests and of the pseudonym. */
  readonly digest: Uint8Array;
  /** AES-256-GCM key of sealed values. */
  readonly seal: Uint8Array;
}

/** Derives both keys (HKDF-SHA-256, RFC 5869, one label each). */
export function recordKey(secret: Uint8Array): RecordKey {
  const derive = (label: string) => new Uint8Array(hkdfSync('sha256', secret, '', `rehab/${label}/v1`, 32));
  return { digest: derive('digest'), seal: derive('seal') };
}

/** The key of a subject is missing: destroyed, or the key folder is not the one this database belongs to. */
export class KeyMissing extends Error {
  override readonly name = 'KeyMissing';
  constructor(kind: string) {
    super(`record key is missing for a ${kind}; check that the key folder belongs to this database`);
  }
}

/**
 * Seals values for a subject: AES-256-GCM, fresh 96-bit nonce, `context` as associated data. Result: nonce, ciphertext, tag.
 */
export function seal(key: RecordKey, plain: Uint8Array, context: string): Uint8Array {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key.seal, nonce);
  cipher.setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** Opens what `seal` made under the same context; throws when one byte differs. */
export function open(key: RecordKey, sealed: Uint8Array, context: string): Uint8Array {
  const bytes = Buffer.from(sealed);
  if (bytes.length < 28) throw new Error('sealed value is too short');
  const decipher = createDecipheriv('aes-256-gcm', key.seal, bytes.subarray(0, 12));
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(bytes.subarray(bytes.length - 16));
  return Buffer.concat([decipher.update(bytes.subarray(12, bytes.length - 16)), decipher.final()]);
}

/** Remembers derived keys, so that a busy case costs one read of its key file. Bounded; the oldest is forgotten. */
export function keyRing(store: KeyStore, max = 2000): { of(kind: string, id: string): Promise<RecordKey> } {
  const known = new Map<string, RecordKey>();
  return {
    async of(kind, id) {
      const name = `${kind}/${id}`;
      const found = known.get(name);
      if (found) return found;
      const secret = await store.get(kind, id);
      if (!secret) throw new KeyMissing(kind);
      const key = recordKey(secret);
      known.set(name, key);
      if (known.size > max) known.delete(known.keys().next().value as string);
      return key;
    },
  };
}
export type KeyRing = ReturnType<typeof keyRing>;

/** Keys as node:crypto holds them: making one costs more than the HMAC itself. Gone with the bytes they were made of. */
const keyObjects = new WeakMap<Uint8Array, KeyObject>();

function keyObject(key: Uint8Array): KeyObject {
  let made = keyObjects.get(key);
  if (!made) {
    made = createSecretKey(key);
    keyObjects.set(key, made);
  }
  return made;
}

/** node:crypto's side of `Hashing`. */
export const nodeHashing: Hashing = {
  hash: (bytes) => hash('sha256', bytes, 'buffer'),
  hmac: (key, bytes) => createHmac('sha256', keyObject(key)).update(bytes).digest(),
  keyed: (key, text) => createHmac('sha256', keyObject(key)).update(text, 'utf8').digest('base64url'),
  digested: (text) => hash('sha256', text, 'base64url'),
  text: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url'),
};
