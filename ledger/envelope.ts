// Station 4, the envelope: what a person signs about an act, and the form in which it stands in the entry.
// Its canonical bytes stand verbatim inside the entry's bytes, so that the signature can be checked from the entry alone.
// Pure, and the browser's too. Never holds a clinical word: those are in the statement, of which only the digest is here.
import { canonicalBytes } from './canonical.ts';

/** What a person's signature vouches for, version 1 (DESIGN.md section 5). Digests are hexadecimal. */
export interface Envelope {
  readonly v: 1;
  /** The person who signs: a UUID. */
  readonly who: string;
  /** The role in which they act. */
  readonly role: string;
  /** SHA-256 of the DER bytes of the certificate whose key signs. */
  readonly certificate: string;
  /** The subject's pseudonym in the log. */
  readonly case: string;
  readonly task: string | null;
  /** The fencing number of the claim under which the person acts. */
  readonly claim: number | null;
  readonly action: string;
  /** The operation key: one signature, one act. */
  readonly operation: string;
  /** SHA-256 of the statement's UTF-8 bytes. */
  readonly statement: string;
  /** The digest of the operation's input. */
  readonly input: string;
  /** When the statement was put before the person, ISO 8601 with milliseconds. */
  readonly at: string;
  /** The version of the parameters that were in force. */
  readonly parameters: string;
}

/** A statement counts this long from when it was put before the person (DESIGN.md section 9, 30). */
export const STATEMENT_MINUTES = 15;

/** A person's signature over an envelope. */
export interface PersonalSignature {
  /** The same fingerprint as the envelope's. */
  readonly certificate: string;
  /** ECDSA P-256 with SHA-256 over the envelope's canonical bytes, IEEE P1363 form, base64url without padding. */
  readonly value: string;
}

/** The bytes that are signed, and that stand verbatim in the entry (RFC 8785). */
export const envelopeBytes = (envelope: Envelope): Uint8Array => canonicalBytes(envelope);

const HEX = /^[0-9a-f]{64}$/;
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** Reads an envelope: exactly its fields, each of its form; undefined for anything else. */
export function readEnvelope(value: unknown): Envelope | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const e = value as Readonly<Record<string, unknown>>;
  const good =
    Object.keys(e).sort().join() ===
      'action,at,case,certificate,claim,input,operation,parameters,role,statement,task,v,who' &&
    e.v === 1 &&
    [e.who, e.role, e.case, e.action, e.operation, e.input, e.parameters].every(isText) &&
    typeof e.certificate === 'string' &&
    HEX.test(e.certificate) &&
    typeof e.statement === 'string' &&
    HEX.test(e.statement) &&
    (e.task === null || isText(e.task)) &&
    (e.claim === null || Number.isSafeInteger(e.claim)) &&
    typeof e.at === 'string' &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(e.at);
  return good ? (value as Envelope) : undefined;
}

/** The 64 bytes of a signature's value; undefined when it is not spelled as one. */
export function signatureBytes(value: string): Uint8Array | undefined {
  if (!/^[\w-]{86}$/.test(value)) return undefined;
  const text = atob(`${value.replaceAll('-', '+').replaceAll('_', '/')}==`);
  const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
  // The last character holds four bits only: two spellings of one signature would be two entries.
  return signatureValue(bytes) === value ? bytes : undefined;
}

/** A signature's 64 bytes as they are written. */
export const signatureValue = (bytes: Uint8Array): string =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

/** An act as a person signed it: the statement that was shown, the envelope, and the signature over that. */
export interface SignedAct {
  readonly statement: { readonly text: string; readonly language: string };
  readonly envelope: Envelope;
  readonly signature: PersonalSignature;
}

/** Reads a signed act; undefined for anything that is none. Judges nothing. */
export function readSignedAct(value: unknown): SignedAct | undefined {
  const { statement, envelope, signature } = (value ?? {}) as Partial<SignedAct>;
  return readEnvelope(envelope) &&
    typeof statement?.text === 'string' &&
    typeof statement.language === 'string' &&
    typeof signature?.certificate === 'string' &&
    typeof signature.value === 'string' &&
    signatureBytes(signature.value)
    ? (value as SignedAct)
    : undefined;
}
