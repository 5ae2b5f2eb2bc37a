// Station 4 and 7, certificates of persons: what stands in one, whether its organisation's authority gave it, and whether a
// personal signature in an entry holds with the certificate as it stood then. Trust comes in as an argument, never from
// what is checked. Pure: hashing and P-256 come as arguments too, so that the browser's verifier runs the same code.

import type { Organisation } from '../domain/consortium.ts';
import { ACTION_EVENTS, type AuditEvent, SIGNED_EVENTS } from '../domain/events.ts';
import { toHex } from './bytes.ts';
import { type Element, element, elements, NotDer, p1363FromDer, pemBytes } from './der.ts';
import type { Entry, Hashing } from './entry.ts';
import {
  type Envelope,
  envelopeBytes,
  type PersonalSignature,
  readEnvelope,
  signatureBytes,
} from './envelope.ts';
import { equalBytes } from './merkle.ts';

/** ECDSA P-256 with SHA-256: whether `signature` (64 bytes, IEEE P1363) over `bytes` is by the key `spki` (DER). */
export type VerifyP256 = (
  spki: Uint8Array,
  bytes: Uint8Array,
  signature: Uint8Array,
) => boolean | Promise<boolean>;

/** What is read of an X.509 certificate (RFC 5280). */
export interface Certificate {
  readonly raw: Uint8Array;
  /** Upper-case hexadecimal, as revocation lists name it. */
  readonly serial: string;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** ISO 8601 with milliseconds. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** Attributes that Fabric's authority writes: `rehab.person`, `rehab.role`. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly toBeSigned: Uint8Array;
  /** IEEE P1363, 64 bytes. */
  readonly signature: Uint8Array;
}

/** Object identifier of Fabric's attributes, 1.2.3.4.5.6.7.8.1 (fabric/core/chaincode/lib attrmgr). */
export const ATTRIBUTES_OID = Uint8Array.of(0x2a, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x01);

/** What was read, by its text: the same few certificates come with every entry. The longest known is forgotten. */
const known = new Map<string, Certificate | undefined>();
const KNOWN = 1000;

/** Reads a certificate from PEM; undefined when it is none, or none with a P-256 signature. */
export function readCertificate(pem: string): Certificate | undefined {
  if (known.has(pem)) return known.get(pem);
  const certificate = parsed(pem);
  known.set(pem, certificate);
  if (known.size > KNOWN) known.delete(known.keys().next().value as string);
  return certificate;
}

function parsed(pem: string): Certificate | undefined {
  const raw = pemBytes(pem);
  if (!raw) return undefined;
  try {
    const { toBeSigned, parts, algorithm, signature } = signedParts(raw);
    // Version 3, then serial number, algorithm, issuer, validity, subject, key, and extensions at the end.
    const [version, serial, named, issuer, validity, subject, publicKey] = parts;
    if (version?.tag !== 0xa0 || !serial || !issuer || !validity || !subject || !publicKey) return undefined;
    if (!named || !equalBytes(named.raw, algorithm.raw)) return undefined;
    const [notBefore, notAfter] = elements(validity.content);
    const extensions = parts.find(({ tag }) => tag === 0xa3);
    return {
      raw,
      serial: serialOf(serial),
      issuer: issuer.raw,
      subject: subject.raw,
      notBefore: instantOf(notBefore),
      notAfter: instantOf(notAfter),
      publicKey: publicKey.raw,
      attributes: extensions ? attributesOf(element(extensions.content, 0x30).content) : {},
      toBeSigned: toBeSigned.raw,
      signature,
    };
  } catch (error) {
    if (error instanceof NotDer) return undefined;
    throw error;
  }
}

/**
 * The three parts of a certificate or list: what is signed, the algorithm, and the signature as whole bytes. Nothing may
 * stand behind them: they are not all signed. Throws NotDer.
 */
function signedParts(raw: Uint8Array) {
  const [toBeSigned, algorithm, signature, ...more] = elements(element(raw, 0x30).content);
  if (!toBeSigned || !algorithm || signature?.tag !== 0x03 || signature.content[0] !== 0 || more.length > 0)
    throw new NotDer('it is not signed as certificates are');
  return {
    toBeSigned,
    parts: elements(element(toBeSigned.raw, 0x30).content),
    algorithm,
    signature: p1363FromDer(signature.content.subarray(1)),
  };
}

/** UTCTime or GeneralizedTime, in the one form that RFC 5280 section 4.1.2.5 allows. */
function instantOf(time: Element | undefined): string {
  const text = new TextDecoder().decode(time?.content);
  const two = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  const four = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  const [, year, month, day, hour, minute, second] = (time?.tag === 0x17 ? two : four) ?? [];
  if (!year) throw new NotDer('time is not written as certificates write it');
  const whole = two && time?.tag === 0x17 ? (Number(year) >= 50 ? `19${year}` : `20${year}`) : year;
  const at = new Date(`${whole}-${month}-${day}T${hour}:${minute}:${second}.000Z`);
  if (Number.isNaN(at.getTime())) throw new NotDer('time does not exist');
  return at.toISOString();
}

function attributesOf(extensions: Uint8Array): Record<string, string> {
  const given: Record<string, string> = {};
  for (const extension of elements(extensions)) {
    const parts = elements(extension.content);
    const [id] = parts;
    const value = parts.at(-1);
    if (id?.tag !== 0x06 || value?.tag !== 0x04 || toHex(id.content) !== toHex(ATTRIBUTES_OID)) continue;
    let read: unknown;
    try {
      read = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value.content));
    } catch {
      throw new NotDer('attributes cannot be read');
    }
    const attrs = (read as { attrs?: unknown })?.attrs;
    if (typeof attrs !== 'object' || attrs === null) throw new NotDer('attributes cannot be read');
    for (const [name, text] of Object.entries(attrs)) if (typeof text === 'string') given[name] = text;
  }
  return given;
}

/** How a certificate is named in envelopes, on the chain and in `certificates`: SHA-256 of its DER, hexadecimal. */
export const fingerprintOf = (certificate: Certificate, hash: Hashing['hash']): string =>
  toHex(hash(certificate.raw));

/** How entries name the service's certificate, by its fingerprint. */
export const keyIdOf = (fingerprint: string): string => fingerprint.slice(0, 16);

/** How a browser finds its own key again: SHA-256 of the key's SubjectPublicKeyInfo, hexadecimal. */
export const keyNameOf = (publicKey: Uint8Array, hash: Hashing['hash']): string => toHex(hash(publicKey));

/** Those of the authorities (PEM) whose name the certificate or list says it is by. Whether it is, their keys tell. */
export const issuersAmong = (
  { issuer }: Pick<Certificate, 'issuer'>,
  roots: readonly string[],
): Certificate[] =>
  roots.flatMap((pem) => readCertificate(pem) ?? []).filter((root) => toHex(root.subject) === toHex(issuer));

/** What is read of a revocation list (RFC 5280 section 5). */
export interface RevocationList {
  readonly raw: Uint8Array;
  readonly issuer: Uint8Array;
  readonly thisUpdate: string;
  /** Serial numbers as `Certificate.serial` has them, each with the instant from which it counts no more. */
  readonly revoked: ReadonlyMap<string, string>;
  readonly toBeSigned: Uint8Array;
  readonly signature: Uint8Array;
}

const serialOf = ({ content }: Element): string =>
  toHex(content[0] === 0 ? content.subarray(1) : content).toUpperCase();

/** Reads a revocation list from PEM; undefined when it is none, or none with a P-256 signature. */
export function readRevocationList(pem: string): RevocationList | undefined {
  const raw = pemBytes(pem, 'X509 CRL');
  if (!raw) return undefined;
  try {
    const { toBeSigned, parts, algorithm, signature } = signedParts(raw);
    // The version stands there only when it is 2, the next update and the list itself only when there are any.
    const [named, issuer, thisUpdate, ...rest] = parts[0]?.tag === 0x02 ? parts.slice(1) : parts;
    if (!issuer || !named || !equalBytes(named.raw, algorithm.raw)) return undefined;
    const list = rest.find(({ tag }) => tag === 0x30);
    const revoked = new Map<string, string>();
    for (const one of list ? elements(list.content) : []) {
      const [serial, at] = elements(one.content);
      if (serial) revoked.set(serialOf(serial), instantOf(at));
    }
    return {
      raw,
      issuer: issuer.raw,
      thisUpdate: instantOf(thisUpdate),
      revoked,
      toBeSigned: toBeSigned.raw,
      signature,
    };
  } catch (error) {
    if (error instanceof NotDer) return undefined;
    throw error;
  }
}

/** Whether one of these authorities (PEM) issued the certificate: one level, as Fabric CAs issue it. Says nothing of time. */
export async function issuedBy(
  certificate: Certificate,
  roots: readonly string[],
  verify: VerifyP256,
): Promise<boolean> {
  for (const root of issuersAmong(certificate, roots))
    if (await verify(root.publicKey, certificate.toBeSigned, certificate.signature)) return true;
  return false;
}

/** A person's certificate with what is known of it besides its own words. */
export interface CertificateState {
  readonly pem: string;
  readonly organisation: Organisation;
  /** From when it counts no more; null while it does. */
  readonly revokedAt: string | null;
}

/** Why a personal signature does not hold. */
export const SIGNATURE_FAULTS = {
  unsigned: 'Decision carries no personal signature',
  'not-an-envelope': 'What was signed is no envelope',
  'unknown-certificate': 'Signature is by a certificate that nobody recorded',
  'not-certified': 'Certificate was not given by the authority of its organisation',
  'not-valid-then': 'Certificate was not valid at that time',
  'revoked-then': 'Certificate had been revoked by that time',
  'another-person': 'Signature is another person’s than the entry names',
  'another-act': 'Signature is for another act than the entry records',
  'without-statement': 'Entry names no statement that was signed',
  wrong: 'Signature does not belong to what was signed',
} as const;
export type SignatureFault = keyof typeof SIGNATURE_FAULTS;

/**
 * An act is written a moment after its certificate was looked at, by another clock than the one that revokes: what falls
 * within this of the revocation is not held against it.
 */
export const REVOCATION_MARGIN_MS = 5000;

/** What an envelope is held against: the act as the entry records it. */
export interface ActSigned {
  readonly person: string;
  readonly role: string;
  readonly pseudonym: string;
  readonly event: AuditEvent;
  readonly operation: string | null;
  readonly parameters: string;
  readonly at: string;
}

/**
 * Whether envelope, certificate and act belong together, apart from the two signatures. `marginMs` is what may lie between
 * the revocation and an act that is still taken.
 */
export function faultOf(
  envelope: Envelope,
  signature: PersonalSignature,
  act: ActSigned,
  certificate: Certificate,
  state: CertificateState & { readonly fingerprint: string },
  marginMs: number,
): SignatureFault | undefined {
  if (envelope.certificate !== state.fingerprint || signature.certificate !== state.fingerprint)
    return 'unknown-certificate';
  const { attributes } = certificate;
  if (
    envelope.who !== act.person ||
    envelope.role !== act.role ||
    attributes['rehab.person'] !== act.person ||
    attributes['rehab.role'] !== act.role
  )
    return 'another-person';
  if (
    envelope.case !== act.pseudonym ||
    envelope.operation !== act.operation ||
    envelope.parameters !== act.parameters ||
    (ACTION_EVENTS as Readonly<Record<string, AuditEvent>>)[envelope.action] !== act.event
  )
    return 'another-act';
  if (act.at < certificate.notBefore || act.at > certificate.notAfter) return 'not-valid-then';
  if (state.revokedAt !== null && Date.parse(act.at) >= Date.parse(state.revokedAt) + marginMs)
    return 'revoked-then';
  return undefined;
}

/** What of a personal signature is to be verified: its bytes under the key of its certificate, which an authority gave. */
export interface PersonallySigned {
  readonly certificate: Certificate;
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * Everything about an entry's personal signature that needs no key: with the certificate as it stood when the act was done.
 * `state` is what is recorded under the envelope's fingerprint.
 * @returns what is still to be verified; or why it does not hold; undefined when there is none and the event asks for none
 */
export function personallySigned(
  entry: Entry,
  state: CertificateState | undefined,
  hash: Hashing['hash'],
): PersonallySigned | SignatureFault | undefined {
  const { envelope, signature } = entry;
  if (envelope === null || signature === null) return SIGNED_EVENTS.has(entry.event) ? 'unsigned' : undefined;
  const read = readEnvelope(envelope);
  const bytes = signatureBytes(signature.value);
  if (!read || !bytes) return 'not-an-envelope';
  const certificate = state && readCertificate(state.pem);
  if (!state || !certificate) return 'unknown-certificate';
  const fault = faultOf(
    read,
    signature,
    {
      person: entry.actor.person,
      role: entry.actor.role,
      pseudonym: entry.subject.pseudonym,
      event: entry.event,
      operation: entry.operation,
      parameters: entry.parameters,
      at: entry.at,
    },
    certificate,
    { ...state, fingerprint: fingerprintOf(certificate, hash) },
    REVOCATION_MARGIN_MS,
  );
  if (fault) return fault;
  if (!entry.changes.some(({ table }) => table === 'statements')) return 'without-statement';
  return { certificate, bytes: envelopeBytes(read), signature: bytes };
}

/**
 * Checks the personal signature of an entry for ever, under the authorities' roots that whoever checks trusts.
 * @returns why it does not hold; undefined when it does, or when the event asks for none and there is none
 */
export async function checkPersonalSignature(
  entry: Entry,
  state: CertificateState | undefined,
  roots: Readonly<Partial<Record<Organisation, readonly string[]>>>,
  { hash, verify }: { readonly hash: Hashing['hash']; readonly verify: VerifyP256 },
): Promise<SignatureFault | undefined> {
  const signed = personallySigned(entry, state, hash);
  if (typeof signed !== 'object') return signed;
  const { certificate, bytes, signature } = signed;
  if (!(await issuedBy(certificate, state ? (roots[state.organisation] ?? []) : [], verify)))
    return 'not-certified';
  return (await verify(certificate.publicKey, bytes, signature)) ? undefined : 'wrong';
}
