// Station 4, signatures of the service: P-256 over an entry's bytes, Ed25519 over a checkpoint. The bytes come
// in ready; this file never changes them, never reads a file and never keeps a private key beyond its closure.
import { createHash, createPublicKey, type KeyObject, sign, verify, X509Certificate } from 'node:crypto';
import { derFromP1363, p1363FromDer } from './der.ts';

/** Signs entries. `keyId` names the certificate whose key did it. */
export interface EntrySigner {
  readonly keyId: string;
  /** When that certificate ends, in milliseconds since 1970: what is signed later is nobody's signature. */
  readonly ends: number;
  /** ECDSA P-256 with SHA-256, IEEE P1363 form, 64 bytes. */
  sign(body: Uint8Array): Uint8Array;
}

/** Nothing is recorded under a certificate that has ended: `verify` would rightly take none of it, for ever. */
export class CertificateEnded extends Error {
  override readonly name = 'CertificateEnded';
  constructor(keyId: string, ends: number) {
    super(
      `service's certificate has ended, and nothing is recorded; run "rehab keys renew": ${keyId} ${new Date(ends).toISOString()}`,
    );
  }
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
    ends: certificate.validToDate.getTime(),
    // Asked for in P1363, node:crypto reads the whole key out at each signature, which takes as long as signing.
    sign: (body) => p1363FromDer(sign('sha256', body, privateKey)),
  };
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
    return signature.length === 64 && verify('sha256', bytes, key, derFromP1363(signature));
  };
  checks.set(name, check);
  // The longest known is forgotten.
  if (checks.size > 10_000) checks.delete(checks.keys().next().value as string);
  return check;
}

/** Node's side of `VerifyP256`: false also for a key that is no P-256 key. */
export const verifyP256 = (spki: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean =>
  p256Check(spki)?.(bytes, signature) ?? false;
