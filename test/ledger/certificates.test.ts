// Station 4 and 7: a personal signature holds for the act that was signed, by the person who signed, with the certificate as
// it stood then, and for nothing else. Every way to move or to change it is tried.
import { generateKeyPairSync, hash, sign, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type CertificateState,
  checkPersonalSignature,
  fingerprintOf,
  issuedBy,
  REVOCATION_MARGIN_MS,
  readCertificate,
} from '../../ledger/certificates.ts';
import { derFromP1363, elements, NotDer, p1363FromDer } from '../../ledger/der.ts';
import type { Entry } from '../../ledger/entry.ts';
import {
  type Envelope,
  envelopeBytes,
  readEnvelope,
  readSignedAct,
  signatureBytes,
  signatureValue,
} from '../../ledger/envelope.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { verifyP256 } from '../../ledger/signing.ts';
import { spki, testAuthority } from '../support/authority.ts';

const by = { hash: nodeHashing.hash, verify: verifyP256 };
const authority = testAuthority();
const other = testAuthority('another authority');
const roots = { hospital: [authority.root] };
const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const PERSON = '00000000-0000-8000-8000-000000000011';
const attributes = { 'rehab.person': PERSON, 'rehab.role': 'therapist', 'hf.Type': 'client' };
const pem = authority.issue({ publicKey: spki(pair.publicKey), attributes });
const state: CertificateState = { pem, organisation: 'hospital', revokedAt: null };
const certificate = readCertificate(pem);
if (!certificate) throw new Error('certificate cannot be read');
const fingerprint = fingerprintOf(certificate, nodeHashing.hash);
const AT = new Date().toISOString();

const envelope: Envelope = {
  v: 1,
  who: PERSON,
  role: 'therapist',
  certificate: fingerprint,
  case: 'pseudonym-of-the-case',
  task: '00000000-0000-8000-8000-0000000000aa',
  claim: 3,
  action: 'record-session',
  operation: 'nonce.mark',
  statement: hash('sha256', 'what was shown'),
  input: 'digest-of-the-input',
  at: AT,
  parameters: 'p1',
};
const signatureOf = (one: Envelope, key = pair.privateKey) => ({
  certificate: one.certificate,
  value: signatureValue(sign('sha256', envelopeBytes(one), { key, dsaEncoding: 'ieee-p1363' })),
});
const entry: Entry = {
  v: 1,
  id: '00000000-0000-8000-8000-0000000000bb',
  salt: 'salt',
  at: AT,
  event: 'session.recorded',
  operation: envelope.operation,
  subject: { kind: 'case', pseudonym: envelope.case, version: 2, previous: 'ab' },
  actor: { person: PERSON, role: 'therapist', key: 'service', actingFor: null },
  envelope,
  signature: signatureOf(envelope),
  changes: [{ table: 'statements', key: 'x', columns: {} }],
  parameters: 'p1',
  workflow: null,
  bundle: 'b',
};
const check = (one: Entry, as: CertificateState | null = state, trust: object = roots) =>
  checkPersonalSignature(one, as ?? undefined, trust, by);

describe('a certificate', () => {
  test('is read as node:crypto reads it', () => {
    const known = new X509Certificate(pem);
    expect(certificate).toMatchObject({
      serial: known.serialNumber,
      notBefore: known.validFromDate.toISOString(),
      notAfter: known.validToDate.toISOString(),
      attributes,
    });
    expect(Buffer.from(certificate.publicKey)).toEqual(spki(known.publicKey));
    expect(fingerprint).toBe(known.fingerprint256.replaceAll(':', '').toLowerCase());
    expect(known.checkIssued(new X509Certificate(authority.root))).toBe(true);
  });

  test('is issued by its own authority, and by no other', async () => {
    expect(await issuedBy(certificate, [other.root, authority.root], verifyP256)).toBe(true);
    expect(await issuedBy(certificate, [other.root], verifyP256)).toBe(false);
    expect(await issuedBy(certificate, [], verifyP256)).toBe(false);
    // The same name under another key is another authority.
    expect(await issuedBy(certificate, [testAuthority().root], verifyP256)).toBe(false);
  });

  test('with any changed byte is none, or not issued', async () => {
    const good = new X509Certificate(pem).raw;
    for (let i = 0; i < good.length; i++) {
      const bytes = Buffer.from(good);
      bytes[i] = (bytes[i] as number) ^ 0x01;
      const read = readCertificate(
        `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64')}\n-----END CERTIFICATE-----\n`,
      );
      if (!read) continue;
      const same = Buffer.from(read.toBeSigned).equals(Buffer.from(certificate.toBeSigned));
      // The outer algorithm's name stands outside what is signed, and is never read.
      if (same && Buffer.from(read.signature).equals(Buffer.from(certificate.signature))) continue;
      expect([i, await issuedBy(read, [authority.root], verifyP256)]).toEqual([i, false]);
    }
  });

  test('no bytes make the reader throw anything but its own', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        try {
          elements(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(NotDer);
        }
        expect(readCertificate(Buffer.from(bytes).toString('latin1'))).toBeUndefined();
      }),
    );
  });
});

describe('a personal signature', () => {
  test('holds as it was made', async () => expect(await check(entry)).toBeUndefined());

  test('is demanded of every decision and of nothing else', async () => {
    const without = { ...entry, envelope: null, signature: null };
    expect(await check(without)).toBe('unsigned');
    expect(await check({ ...without, event: 'task.claimed' })).toBeUndefined();
  });

  test('cannot be grafted: any field of the envelope that is changed afterwards shows', async () => {
    for (const name of Object.keys(envelope) as (keyof Envelope)[]) {
      const changed = { ...envelope, [name]: name === 'claim' ? 4 : name === 'v' ? 2 : `${envelope[name]}0` };
      expect([name, await check({ ...entry, envelope: changed as Envelope })]).not.toEqual([name, undefined]);
    }
    // Another statement of the same length and form: only the signature itself can tell.
    const grafted = { ...envelope, statement: hash('sha256', 'what was not shown') };
    expect(await check({ ...entry, envelope: grafted })).toBe('wrong');
  });

  test('cannot be moved to another act, case, person or time', async () => {
    const moved: [Partial<Entry>, string][] = [
      [{ operation: 'other.mark' }, 'another-act'],
      [{ subject: { ...entry.subject, pseudonym: 'another case' } }, 'another-act'],
      [{ event: 'outcome.decided' }, 'another-act'],
      [{ parameters: 'p2' }, 'another-act'],
      [{ actor: { ...entry.actor, person: '00000000-0000-8000-8000-000000000012' } }, 'another-person'],
      [{ actor: { ...entry.actor, role: 'doctor' } }, 'another-person'],
      [{ at: '2020-01-01T00:00:00.000Z' }, 'not-valid-then'],
      [{ at: '2090-01-01T00:00:00.000Z' }, 'not-valid-then'],
      [{ changes: [] }, 'without-statement'],
    ];
    for (const [part, fault] of moved) expect(await check({ ...entry, ...part })).toBe(fault);
  });

  test('with any changed bit of the signature is wrong', async () => {
    const good = Buffer.from(entry.signature?.value ?? '', 'base64url');
    for (let i = 0; i < 512; i++) {
      const bytes = Buffer.from(good);
      bytes[i >> 3] = (bytes[i >> 3] as number) ^ (1 << (i & 7));
      const signature = { certificate: fingerprint, value: bytes.toString('base64url') };
      expect([i, await check({ ...entry, signature })]).toEqual([i, 'wrong']);
    }
  });

  test('needs the certificate that was recorded, by the authority that is trusted', async () => {
    expect(await check(entry, null)).toBe('unknown-certificate');
    expect(await check(entry, state, {})).toBe('not-certified');
    expect(await check(entry, { ...state, organisation: 'administration' })).toBe('not-certified');
    // Whoever holds all keys of the service still holds none of an authority, and none of the person.
    const forger = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const forged = other.issue({ publicKey: spki(forger.publicKey), attributes });
    const read = readCertificate(forged);
    const own = { ...envelope, certificate: fingerprintOf(read as never, nodeHashing.hash) };
    const byForger = { ...entry, envelope: own, signature: signatureOf(own, forger.privateKey) };
    expect(await check(byForger, { ...state, pem: forged })).toBe('not-certified');
    expect(await check({ ...entry, signature: signatureOf(envelope, forger.privateKey) })).toBe('wrong');
  });

  test('counts until its certificate is revoked, and never after', async () => {
    const revokedAt = (ms: number) => ({ ...state, revokedAt: new Date(Date.parse(AT) + ms).toISOString() });
    expect(await check(entry, revokedAt(60_000))).toBeUndefined();
    expect(await check(entry, revokedAt(1))).toBeUndefined();
    expect(await check(entry, revokedAt(1 - REVOCATION_MARGIN_MS))).toBeUndefined();
    expect(await check(entry, revokedAt(-REVOCATION_MARGIN_MS))).toBe('revoked-then');
    expect(await check(entry, revokedAt(-60_000))).toBe('revoked-then');
  });
});

describe('what is read', () => {
  test('an envelope has exactly its fields', () => {
    expect(readEnvelope(envelope)).toBe(envelope);
    expect(readEnvelope({ ...envelope, more: 1 })).toBeUndefined();
    expect(readEnvelope({ ...envelope, at: '2026-01-01' })).toBeUndefined();
    expect(readEnvelope({ ...envelope, claim: 1.5 })).toBeUndefined();
    for (const name of Object.keys(envelope))
      expect(
        readEnvelope(Object.fromEntries(Object.entries(envelope).filter(([n]) => n !== name))),
      ).toBeUndefined();
    expect(readEnvelope({ ...envelope, task: null, claim: null })).toBeDefined();
  });

  test('a signature has one spelling', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (bytes) => {
        const value = signatureValue(bytes);
        expect(value).toBe(Buffer.from(bytes).toString('base64url'));
        expect(signatureBytes(value)).toEqual(bytes);
        // The last character's lower four bits mean nothing; only zero is taken.
        const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
        const last = alphabet.indexOf(value.at(-1) as string);
        expect(signatureBytes(value.slice(0, -1) + alphabet[last | 1])).toBeUndefined();
      }),
    );
    for (const wrong of ['', 'A', `${'A'.repeat(86)}==`, '='.repeat(86)])
      expect(signatureBytes(wrong)).toBeUndefined();
  });

  test('a signed act is read whole or not at all', () => {
    const statement = { text: 'said', language: 'en' };
    const whole = { statement, envelope, signature: entry.signature };
    expect(readSignedAct(whole)).toBe(whole);
    for (const wrong of [
      null,
      1,
      {},
      { ...whole, statement: {} },
      { ...whole, signature: {} },
      { ...whole, envelope: {} },
    ])
      expect(readSignedAct(wrong)).toBeUndefined();
  });

  test('both forms of a signature give each other back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (bytes) => {
        expect(p1363FromDer(derFromP1363(bytes))).toEqual(bytes);
      }),
    );
  });
});
