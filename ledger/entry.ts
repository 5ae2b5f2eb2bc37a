// Station 4, the audit entry: its fields, its canonical bytes and the digests of the columns it names.
// What is hashed and signed are these bytes, stored as they are and never rebuilt.
// Pure: hashing comes as an argument, so that the browser's verifier runs the same code.
import type { AuditEvent } from '../domain/events.ts';
import { canonicalBytes, canonicalJson, parseIJson, RESERVED_KEYS } from './canonical.ts';
import { type Envelope, type PersonalSignature, readEnvelope } from './envelope.ts';
import { equalBytes } from './merkle.ts';

/** Keyed and plain SHA-256. Node passes node:crypto, the browser a WebCrypto-backed one. */
export interface Hashing {
  /** SHA-256 of the bytes, 32 bytes. */
  readonly hash: (bytes: Uint8Array) => Uint8Array;
  /** HMAC-SHA-256 (RFC 2104), 32 bytes. */
  readonly hmac: (key: Uint8Array, bytes: Uint8Array) => Uint8Array;
  /** Bytes as base64url without padding (RFC 4648 section 5). */
  readonly text: (bytes: Uint8Array) => string;
  /** The same as `text(hmac(key, UTF-8 bytes of the text))`, where the platform has a shorter way to it. */
  readonly keyed?: (key: Uint8Array, text: string) => string;
  /** The same as `text(hash(UTF-8 bytes of the text))`, likewise. */
  readonly digested?: (text: string) => string;
}

/** One row an entry vouches for: every column that is not null, by its keyed digest. */
export interface EntryChange {
  readonly table: string;
  readonly key: string;
  /** Column name to base64url digest; a column that is not named must be null (DESIGN.md section 9, 8). */
  readonly columns: Readonly<Record<string, string>>;
}

/** The fields of an entry, version 1 (DESIGN.md section 5). Digests are base64url, `previous` is hexadecimal. */
export interface Entry {
  readonly v: 1;
  readonly id: string;
  /** 128 random bits, so that an entry with guessable content cannot be guessed from its hash. */
  readonly salt: string;
  readonly at: string;
  readonly event: AuditEvent;
  readonly operation: string | null;
  readonly subject: {
    readonly kind: string;
    /** HMAC of the subject's id under its digest key: destroying the key cuts the tie. */
    readonly pseudonym: string;
    readonly version: number;
    /** SHA-256 of the subject's entry before this one; null for the first. */
    readonly previous: string | null;
  };
  readonly actor: {
    readonly person: string;
    readonly role: string;
    /** The service key that signs the entry. */
    readonly key: string;
    readonly actingFor: string | null;
  };
  /** What the person signed, and their signature; null, both, where the act asks for no personal signature. */
  readonly envelope: Envelope | null;
  readonly signature: PersonalSignature | null;
  readonly changes: readonly EntryChange[];
  readonly parameters: string;
  readonly workflow: { readonly id: string; readonly run: string; readonly update: string } | null;
  /** Hash of the process bundle that decided. */
  readonly bundle: string;
}

/** An entry's canonical bytes (RFC 8785). Throws `NotCanonical` for what I-JSON cannot carry. */
export const entryBytes = (entry: Entry): Uint8Array => canonicalBytes(entry);

/**
 * The same bytes as text, for an entry that was built here and so has exactly these fields: written in one pass, where
 * `entryBytes` walks whatever it is given twice. Throws `NotCanonical` likewise. `test/ledger` holds both to each other.
 */
export function entryText(entry: Entry): string {
  const { actor, subject, workflow } = entry;
  const changes = entry.changes.map(({ table, key, columns }) => {
    const digests = Object.keys(columns)
      .sort()
      .map((name) => `${quoted(name)}:${quoted(columns[name] as string)}`); // its own keys
    return `{"columns":{${digests.join()}},"key":${quoted(key)},"table":${quoted(table)}}`;
  });
  // Names in UTF-16 order, as RFC 8785 section 3.2.3 sorts them.
  return [
    `{"actor":{"actingFor":${quotedOrNull(actor.actingFor)},"key":${quoted(actor.key)},"person":${quoted(actor.person)},"role":${quoted(actor.role)}}`,
    `"at":${quoted(entry.at)}`,
    `"bundle":${quoted(entry.bundle)}`,
    `"changes":[${changes.join()}]`,
    `"envelope":${canonicalJson(entry.envelope)}`,
    `"event":${quoted(entry.event)}`,
    `"id":${quoted(entry.id)}`,
    `"operation":${quotedOrNull(entry.operation)}`,
    `"parameters":${quoted(entry.parameters)}`,
    `"salt":${quoted(entry.salt)}`,
    `"signature":${canonicalJson(entry.signature)}`,
    `"subject":{"kind":${quoted(subject.kind)},"previous":${quotedOrNull(subject.previous)},"pseudonym":${quoted(subject.pseudonym)},"version":${canonicalJson(subject.version)}}`,
    `"v":${canonicalJson(entry.v)}`,
    `"workflow":${workflow ? `{"id":${quoted(workflow.id)},"run":${quoted(workflow.run)},"update":${quoted(workflow.update)}}` : 'null'}}`,
  ].join();
}

/** Texts that JSON writes as they are; any other goes the long way, which also judges it. */
const PLAIN = /^[\w .:/+=|-]*$/;
const quoted = (text: string): string => (PLAIN.test(text) ? `"${text}"` : canonicalJson(text));
const quotedOrNull = (text: string | null): string => (text === null ? 'null' : quoted(text));

/** Reads an entry back from its stored bytes, or says why they are none. */
export function readEntry(bytes: Uint8Array): { entry: Entry } | { fault: string } {
  const written = readWritten(bytes);
  if (written) return { entry: written };
  const parsed = parseIJson(bytes, { depth: 8, keys: 100_000, keysPerObject: 1000 });
  if (!parsed.ok) return { fault: 'entry is not I-JSON' };
  const value = parsed.value as Partial<Entry> | null;
  if (typeof value !== 'object' || value === null || value.v !== 1)
    return { fault: 'entry has an unknown version' };
  if (
    typeof value.id !== 'string' ||
    typeof value.event !== 'string' ||
    typeof value.at !== 'string' ||
    typeof value.subject?.version !== 'number' ||
    typeof value.subject.pseudonym !== 'string' ||
    !Array.isArray(value.changes) ||
    typeof value.envelope !== 'object' ||
    typeof value.signature !== 'object'
  )
    return { fault: 'entry lacks a field' };
  if ((value.envelope === null) !== (value.signature === null))
    return { fault: 'entry has an envelope and no signature, or the other way round' };
  if (!equalBytes(entryBytes(value as Entry), bytes)) return { fault: 'entry bytes are not canonical' };
  return { entry: value as Entry };
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const allTexts = (...values: readonly unknown[]): boolean =>
  values.every((value) => typeof value === 'string');
const textOrNull = (value: unknown): boolean => value === null || typeof value === 'string';

/**
 * The short way for bytes as we write them, all but a few of millions: an entry of exactly the known fields and types whose
 * text, written anew, is these bytes. So nothing was named twice, left over or spelled otherwise; undefined for anything
 * else, which the strict reader then judges.
 */
function readWritten(bytes: Uint8Array): Entry | undefined {
  try {
    const text = strict.decode(bytes);
    const value = JSON.parse(text) as Entry;
    return value.v === 1 && isWritten(value) && entryText(value) === text ? value : undefined;
  } catch {
    return undefined; // no UTF-8, no JSON, a field that is missing
  }
}

function isWritten({ actor, subject, workflow, envelope, signature, changes, ...rest }: Entry): boolean {
  if (!allTexts(rest.id, rest.salt, rest.at, rest.event, rest.parameters, rest.bundle)) return false;
  if (!textOrNull(rest.operation) || !textOrNull(subject.previous) || !textOrNull(actor.actingFor))
    return false;
  if (!allTexts(subject.kind, subject.pseudonym, actor.person, actor.role, actor.key)) return false;
  if (workflow !== null && !allTexts(workflow.id, workflow.run, workflow.update)) return false;
  if ((envelope === null) !== (signature === null)) return false;
  if (envelope && !readEnvelope(envelope)) return false;
  if (signature && !(allTexts(...Object.values(signature)) && Object.keys(signature).length === 2))
    return false;
  return typeof subject.version === 'number' && changes.length <= 1000 && changes.every(isWrittenChange);
}

/** Rows have some tens of columns; whatever has more, or a name that reaches a prototype, goes the long way. */
function isWrittenChange({ table, key, columns }: EntryChange): boolean {
  const names = Object.keys(columns);
  return (
    allTexts(table, key) &&
    names.length <= 90 &&
    names.every((name) => !RESERVED_KEYS.has(name) && typeof columns[name] === 'string')
  );
}

/** The leaf's data: SHA-256 of the entry's bytes (RFC 6962 tree over 32-byte commitments). */
export const commitmentOf = (bytes: Uint8Array, hashing: Pick<Hashing, 'hash'>): Uint8Array =>
  hashing.hash(bytes);

const utf8 = new TextEncoder();

/** What a column holds, as the one canonical text that is digested; `null` is never digested. */
export type ColumnValue = string | number | boolean | object;

/**
 * Keyed digest of one column: SHA-256 over the column's opening and its canonical value (docs/adr/0013). The opening is
 * bound to the entry, so that a digest cannot be moved to another row or time.
 */
export function columnDigest(
  digestKey: Uint8Array,
  entryId: string,
  table: string,
  key: string,
  column: string,
  value: ColumnValue,
  hashing: Digesting,
): string {
  return columnTextDigest(digestKey, entryId, table, key, column, columnText(value), hashing);
}

/** A column's value as the text that is digested: canonical JSON. */
export const columnText = (value: ColumnValue): string =>
  typeof value === 'object' ? canonicalJson(value) : JSON.stringify(value);

/** `columnDigest` of a value whose text is already known. */
export const columnTextDigest = (
  digestKey: Uint8Array,
  entryId: string,
  table: string,
  key: string,
  column: string,
  text: string,
  hashing: Digesting,
): string => openedDigest(columnOpening(digestKey, entryId, table, key, column, hashing), text, hashing);

/**
 * What opens one column's digest: HMAC-SHA-256 under the subject's digest key over entry, table, key and column, base64url.
 * Whoever is given it can check this column of this entry, and learns nothing of any other.
 */
export const columnOpening = (
  digestKey: Uint8Array,
  entryId: string,
  table: string,
  key: string,
  column: string,
  hashing: Digesting,
): string => keyedText(digestKey, `${entryId}\n${table}\n${key}\n${column}`, hashing);

/** The digest that an opening and a value's text give: SHA-256 over the opening's 43 characters and the text, base64url. */
export const openedDigest = (
  opening: string,
  text: string,
  hashing: Pick<Hashing, 'hash' | 'text' | 'digested'>,
): string =>
  hashing.digested
    ? hashing.digested(opening + text)
    : hashing.text(hashing.hash(utf8.encode(opening + text)));

type Digesting = Hashing;

const keyedText = (key: Uint8Array, text: string, hashing: Digesting): string =>
  hashing.keyed ? hashing.keyed(key, text) : hashing.text(hashing.hmac(key, utf8.encode(text)));

/** The pseudonym under which a subject stands in the log. */
export const subjectPseudonym = (
  digestKey: Uint8Array,
  kind: string,
  id: string,
  hashing: Digesting,
): string => keyedText(digestKey, `subject\n${kind}\n${id}`, hashing);
