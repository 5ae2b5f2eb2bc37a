// Test support: a certificate authority as small as one can be: a P-256 root of its own, and certificates with Fabric's
// attributes, in the same X.509 that Fabric CA writes. What the real one does is tested in test/fabric.
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { ATTRIBUTES_OID } from '../../ledger/certificates.ts';
import { der, derInteger, element, elements, pemBytes, pemOf } from '../../ledger/der.ts';

const oid = (...bytes: number[]): Uint8Array => der(0x06, Uint8Array.from(bytes));
const text = (words: string): Uint8Array => new TextEncoder().encode(words);
const ECDSA_WITH_SHA256 = der(0x30, oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
const nameOf = (words: string): Uint8Array =>
  der(0x30, der(0x31, der(0x30, oid(0x55, 0x04, 0x03), der(0x0c, text(words)))));
const timeOf = (at: Date): Uint8Array =>
  der(
    0x18,
    text(
      at
        .toISOString()
        .replace(/\.\d{3}/, '')
        .replace(/[-:T]/g, ''),
    ),
  );

export interface Issuing {
  /** DER of the key's SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  readonly name?: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

export type TestAuthority = ReturnType<typeof testAuthority>;

export function testAuthority(name = 'test authority') {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const revoked: { readonly serial: Uint8Array; readonly at: Date }[] = [];
  const signed = (body: Uint8Array): Uint8Array =>
    der(0x30, body, ECDSA_WITH_SHA256, der(0x03, Uint8Array.of(0), sign('sha256', body, privateKey)));
  const certificate = (
    subject: string,
    key: Uint8Array,
    extensions: Uint8Array,
    from: Date,
    to: Date,
  ): string =>
    pemOf(
      'CERTIFICATE',
      signed(
        der(
          0x30,
          der(0xa0, der(0x02, Uint8Array.of(2))),
          derInteger(Uint8Array.of(1, ...randomBytes(15))),
          ECDSA_WITH_SHA256,
          nameOf(name),
          der(0x30, timeOf(from), timeOf(to)),
          nameOf(subject),
          key,
          der(0xa3, der(0x30, extensions)),
        ),
      ),
    );
  const years = (n: number): Date => new Date(Date.now() + n * 365 * 86_400_000);
  // Basic constraints: an authority.
  const authority = der(0x30, oid(0x55, 0x1d, 0x13), der(0x04, der(0x30, der(0x01, Uint8Array.of(0xff)))));
  return {
    /** PEM. */
    root: certificate(name, spki(publicKey), authority, years(-1), years(10)),
    issue: ({ publicKey: key, name: subject = 'person', attributes, notBefore, notAfter }: Issuing): string =>
      certificate(
        subject,
        key,
        der(0x30, der(0x06, ATTRIBUTES_OID), der(0x04, text(JSON.stringify({ attrs: attributes })))),
        notBefore ?? new Date(Date.now() - 60_000),
        notAfter ?? years(1),
      ),
    revoke(serial: string, at = new Date()): void {
      revoked.push({ serial: Buffer.from(serial, 'hex'), at });
    },
    /** The list of what is revoked (RFC 5280 section 5), PEM. */
    crl: (): string =>
      pemOf(
        'X509 CRL',
        signed(
          der(
            0x30,
            der(0x02, Uint8Array.of(1)),
            ECDSA_WITH_SHA256,
            nameOf(name),
            timeOf(new Date()),
            timeOf(years(1)),
            ...(revoked.length > 0
              ? [der(0x30, ...revoked.map(({ serial, at }) => der(0x30, derInteger(serial), timeOf(at))))]
              : []),
          ),
        ),
      ),
  };
}

/** The public key that a certification request is for, DER. */
export function keyOfRequest(csr: string): Uint8Array {
  const bytes = pemBytes(csr, 'CERTIFICATE REQUEST');
  if (!bytes) throw new Error('no certification request');
  const [toSign] = elements(element(bytes, 0x30).content);
  const key = elements(element(toSign?.raw ?? bytes, 0x30).content)[2];
  if (!key) throw new Error('no key in the request');
  return key.raw;
}

export const spki = (key: KeyObject): Uint8Array =>
  (key.type === 'private' ? createPublicKey(key) : key).export({ type: 'spki', format: 'der' });
