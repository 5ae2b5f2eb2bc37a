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

/** Public keys as node:crypto holds them; making one costs more than a signature's check. */
const publicKeys = new Map<string, KeyObject>();

/** Node's side of `VerifyP256`: false also for a key that is no P-256 key. */
export function verifyP256(spki: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  const name = Buffer.from(spki).toString('base64');
  let key = publicKeys.get(name);
  if (!key) {
    try {
      key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    } catch {
      return false;
    }
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return false;
    publicKeys.set(name, key);
    // The longest known is forgotten.
    if (publicKeys.size > 10_000) publicKeys.delete(publicKeys.keys().next().value as string);
  }
  return verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, signature);
}
