// Station 4, signatures of the service: P-256 over an entry's bytes, Ed25519 over a checkpoint. The bytes come
// in ready; this file never changes them, never reads a file and never keeps a private key beyond its closure.
import { createHash, createPublicKey, type KeyObject, sign, verify, X509Certificate } from 'node:crypto';

/** Signs entries. `keyId` names the certificate whose key did it. */
export interface EntrySigner {
  readonly keyId: string;
  /** ECDSA P-256 with SHA-256, IEEE P1363 form, 64 bytes. */
  sign(body: Uint8Array): Uint8Array;
}

/** How a certificate is named in entries: first 16 hexadecimal digits of SHA-256 over its DER bytes. */
export const certificateKeyId = (certificate: X509Certificate): string =>
  createHash('sha256').update(certificate.raw).digest('hex').slice(0, 16);

/**
 * A signer from the service's private key and the certificate its organisation's CA gave it.
 * @throws when the key is not P-256 or does not belong to the certificate
 */
export function entrySigner(privateKey: KeyObject, certificatePem: string): EntrySigner {
  const certificate = new X509Certificate(certificatePem);
  if (privateKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new Error('service key must be P-256; enrol the service again');
  if (!certificate.checkPrivateKey(privateKey))
    throw new Error('service key and certificate do not belong together; enrol the service again');
  return {
    keyId: certificateKeyId(certificate),
    // Asked for in P1363, node:crypto reads the whole key out at each signature, which takes as long as signing.
    sign: (body) => p1363(sign('sha256', body, privateKey)),
  };
}

/** A P-256 signature in DER (RFC 3279 section 2.2.3: a sequence of two integers) as its two 32-byte numbers. */
export function p1363(der: Uint8Array): Uint8Array {
  const numbers = new Uint8Array(64);
  let at = 2; // behind the sequence's tag and length, which is below 128 for P-256
  for (const end of [32, 64]) {
    const length = der[at + 1] as number; // a signature just made is well-formed
    // A leading zero keeps a number positive; leading zeros of the number itself are left out.
    const digits = der.subarray(at + 2, at + 2 + length);
    const trimmed = digits.length > 32 ? digits.subarray(digits.length - 32) : digits;
    numbers.set(trimmed, end - trimmed.length);
    at += 2 + length;
  }
  return numbers;
}

/** The inverse of `p1363`: 64 bytes as a DER sequence of two integers; undefined for any other length. */
export function derSignature(numbers: Uint8Array): Uint8Array | undefined {
  if (numbers.length !== 64) return undefined;
  const der = new Uint8Array(72);
  let at = 2;
  for (let from = 0; from < 64; from += 32) {
    let first = from;
    while (first < from + 31 && numbers[first] === 0) first += 1;
    // A number whose first bit is set would read as negative without a zero before it.
    const zero = (numbers[first] as number) >= 0x80 ? 1 : 0;
    der[at] = 0x02;
    der[at + 1] = from + 32 - first + zero;
    der.set(numbers.subarray(first, from + 32), at + 2 + zero);
    at += 2 + zero + from + 32 - first;
  }
  der[0] = 0x30;
  der[1] = at - 2;
  return der.subarray(0, at);
}

/** Whether a CA of these roots issued the certificate (one level, as Fabric CAs issue it) and it had begun and not ended at `at`. */
export function certificateHolds(
  certificate: X509Certificate,
  roots: readonly X509Certificate[],
  at: Date,
): boolean {
  if (new Date(certificate.validFrom) > at || new Date(certificate.validTo) < at) return false;
  return roots.some((root) => certificate.checkIssued(root) && certificate.verify(root.publicKey));
}

/** The 32 raw bytes of an Ed25519 public key. */
export function ed25519Raw(key: KeyObject): Uint8Array {
  const jwk = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  return Buffer.from(jwk.x as string, 'base64url');
}

/** An Ed25519 public key from its 32 raw bytes. */
export const ed25519From = (raw: Uint8Array): KeyObject =>
  createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(raw).toString('base64url') },
    format: 'jwk',
  });

/** Checks signatures of one key: P-256 with SHA-256, P1363 form, over these bytes. */
export type CheckSignature = (bytes: Uint8Array, signature: Uint8Array) => boolean;

/** Checks by key; making a key costs more than a signature's check. */
const checks = new Map<string, CheckSignature>();

/** Node's check for one P-256 key (DER SubjectPublicKeyInfo); undefined when it is no such key. */
export function p256Check(spki: Uint8Array): CheckSignature | undefined {
  const name = Buffer.from(spki.buffer, spki.byteOffset, spki.byteLength).toString('base64');
  const known = checks.get(name);
  if (known) return known;
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return undefined;
  const check: CheckSignature = (bytes, signature) => {
    // Given in P1363, node:crypto reads the whole key out at each check, which takes as long as checking.
    const der = derSignature(signature);
    return der !== undefined && verify('sha256', bytes, key, der);
  };
  checks.set(name, check);
  // The longest known is forgotten.
  if (checks.size > 10_000) checks.delete(checks.keys().next().value as string);
  return check;
}

/** Node's side of `VerifyP256`: false also for a key that is no P-256 key. */
export const verifyP256 = (spki: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean =>
  p256Check(spki)?.(bytes, signature) ?? false;
