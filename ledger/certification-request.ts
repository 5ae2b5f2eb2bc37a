// Station 1 and 6, certification requests (RFC 2986): the bytes that the holder of a key signs to ask for a certificate.
// Pure: whoever holds the key signs them elsewhere, and no private key ever comes here.
import { der, pemOf } from './der.ts';

/** The name under which an authority knows one person's one key; a request must bear it. `key` is the key's own name. */
export const enrolmentName = (person: string, key: string): string => `person-${person}-${key.slice(0, 16)}`;

/**
 * The bytes of a certification request (RFC 2986) that the holder of the key must sign with ECDSA and SHA-256.
 * `publicKey` is the key's SubjectPublicKeyInfo, DER. The CA puts its own name for the holder in the certificate.
 */
export function certificationRequestToSign(commonName: string, publicKey: Uint8Array): Uint8Array {
  const name = der(0x30, der(0x31, der(0x30, COMMON_NAME, der(0x0c, new TextEncoder().encode(commonName)))));
  return der(0x30, der(0x02, Uint8Array.of(0)), name, publicKey, der(0xa0));
}

/** The signed request as PEM. `signature` is ECDSA in DER, as Node makes it (`derFromP1363` wraps WebCrypto's 64 bytes). */
export function certificationRequest(toSign: Uint8Array, signature: Uint8Array): string {
  const body = der(0x30, toSign, der(0x30, ECDSA_WITH_SHA256), der(0x03, Uint8Array.of(0), signature));
  return pemOf('CERTIFICATE REQUEST', body);
}

// Object identifiers are written out, tag and length included.
const COMMON_NAME = Uint8Array.of(0x06, 0x03, 0x55, 0x04, 0x03);
const ECDSA_WITH_SHA256 = Uint8Array.of(0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02);
