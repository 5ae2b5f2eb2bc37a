// Station 7, what one entry or one row says by itself: bytes, digests, form, signature, the columns beside them, the
// values of a row. Needs nothing but its arguments, so that it runs on any core (bin/verify-pool.ts hands it out).
// Never knows a place in the log, another entry, or a source.
import { SIGNED_EVENTS } from '../domain/events.ts';
import {
  type CertificateState,
  issuersAmong,
  personallySigned,
  SIGNATURE_FAULTS,
  type SignatureFault,
} from './certificates.ts';
import {
  columnDigest,
  commitmentOf,
  type Entry,
  type Hashing,
  readEntry,
  subjectPseudonym,
} from './entry.ts';
import { leafHash } from './merkle.ts';
import type { CheckSignature } from './signing.ts';
import { type RowName, rowName } from './verify-memory.ts';
import { type Finding, NO_VALUE, type StoredEntry, type StoredRow, type Trust } from './verify-sources.ts';

/** A certificate of the service, as far as a signature's check needs it. Plain data. */
export interface ServiceKey {
  /** How entries name it (ledger/signing.ts). */
  readonly keyId: string;
  /** The public key: DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  /** Whether a trusted authority issued it. */
  readonly issued: boolean;
  /** When it begins and ends, Unix milliseconds. */
  readonly from: number;
  readonly to: number;
}

/** A person's certificate as it is recorded, with the earliest time at which anybody says that it was revoked. */
export interface PersonCertificate extends CertificateState {
  readonly fingerprint: string;
}

/** Everything a check may know besides what it checks. Plain data, so that it can be handed to another thread. */
export interface CheckContext {
  readonly serviceKeys: readonly ServiceKey[];
  /** Recorded certificates of persons, and the authorities (PEM) from which each organisation's must descend. */
  readonly certificates: readonly PersonCertificate[];
  readonly roots: Trust['roots'];
}

/** What the platform brings: hashes, and P-256. */
export interface CheckTools {
  readonly hashing: Hashing;
  /** The check for one key; undefined when it is no P-256 key. */
  readonly p256: (spki: Uint8Array) => CheckSignature | undefined;
}

/** Something an entry says of itself that does not hold. */
export interface EntryFault {
  readonly column: string;
  readonly kind: Finding['kind'];
  readonly says: string;
}

/** What an entry tells that only the rest of the log can judge. */
export interface ToldEntry {
  /** Whether the bytes carry the id of their row. */
  readonly own: boolean;
  readonly version: number;
  readonly previous: string | null;
  readonly operation: string | null;
  /** Whether the person signed; `missing` when nobody did and such an act asks for it. */
  readonly person: 'signed' | 'missing' | 'not-asked';
  /** When the first of the keys that signed it ended, Unix milliseconds: a person's by revocation, any by its certificate's end. */
  readonly keysEnd: number;
  /** Whether it is about the subject that its row names; `no-key` when nobody can tell. */
  readonly subject: 'right' | 'other' | 'no-key';
  /** Rows that it vouches for, in its order. */
  readonly rows: readonly RowName[];
  /** Which of them are rows of `operations`, and their keys. */
  readonly operations: readonly { readonly at: number; readonly key: string }[];
}

export interface CheckedEntry {
  readonly commitment: Uint8Array;
  readonly leaf: Uint8Array;
  readonly signed: boolean;
  readonly faults: readonly EntryFault[];
  /** Null when its bytes are no entry; then `faults` says why. */
  readonly told: ToldEntry | null;
}

/** An entry to check, with the key that digests its subject's columns, when there is one. */
export interface GivenEntry {
  readonly entry: StoredEntry;
  readonly key: Uint8Array | undefined;
}

/** A row to check against the entry that wrote it last. */
export interface GivenRow {
  readonly table: string;
  readonly key: string;
  readonly columns: StoredRow['columns'];
  readonly body: Uint8Array;
  readonly digestKey: Uint8Array;
}

export interface CheckedRow {
  /** SHA-256 of the entry's bytes. */
  readonly commitment: Uint8Array;
  /** Columns that are not what the entry says. */
  readonly wrong: readonly string[];
}

/** Checks entries and rows, however many at once. Answers stand in the order of what was given. */
export interface Checking {
  entries(given: readonly GivenEntry[]): Promise<readonly CheckedEntry[]>;
  rows(given: readonly GivenRow[]): Promise<readonly CheckedRow[]>;
  /** How many portions are worth handing over before the first answer is taken. */
  readonly ahead: number;
  close(): Promise<void>;
}

/** Checks in this thread. */
export const checkingHere = (context: CheckContext, tools: CheckTools): Checking => ({
  ahead: 1,
  entries: async (given) => given.map((one) => checkEntry(one, context, tools)),
  rows: async (given) => given.map((one) => checkRow(one, tools)),
  close: async () => undefined,
});

/** Everything that an entry says by itself. Never throws for what it finds. */
export function checkEntry(
  { entry, key }: GivenEntry,
  context: CheckContext,
  tools: CheckTools,
): CheckedEntry {
  const { hashing } = tools;
  const commitment = commitmentOf(entry.body, hashing);
  const leaf = leafHash(commitment, hashing.hash);
  const { signed, fault } = signatureOf(entry, context, tools);
  const faults: EntryFault[] = [];
  if (fault) faults.push(fault);
  const read = readEntry(entry.body);
  if ('fault' in read) {
    faults.push({ column: 'body', kind: 'forged', says: `${read.fault}: ${entry.id}` });
    return { commitment, leaf, signed, faults, told: null };
  }
  faults.push(...columnFaults(entry, read.entry));
  const person = personOf(read.entry, context, tools);
  if (person.fault) faults.push(person.fault);
  const told = {
    ...toldBy(read.entry, entry, key, hashing),
    person: person.signed,
    keysEnd: Math.min(person.ends ?? Number.POSITIVE_INFINITY, keyOf(entry, context)?.to ?? 0),
  };
  return { commitment, leaf, signed, faults, told };
}

/** What each context's certificates are found by, and which of them their authority gave. */
const prepared = new WeakMap<
  CheckContext,
  { readonly byFingerprint: ReadonlyMap<string, PersonCertificate>; readonly issued: Map<string, boolean> }
>();

/** Whether the person's own signature holds, with the certificate as it stood when the act was done. */
function personOf(
  entry: Entry,
  context: CheckContext,
  { hashing, p256 }: CheckTools,
): { readonly signed: ToldEntry['person']; readonly ends?: number; readonly fault?: EntryFault } {
  if (entry.signature === null) return { signed: SIGNED_EVENTS.has(entry.event) ? 'missing' : 'not-asked' };
  let known = prepared.get(context);
  if (!known) {
    const byFingerprint = new Map(context.certificates.map((one) => [one.fingerprint, one]));
    known = { byFingerprint, issued: new Map() };
    prepared.set(context, known);
  }
  const state = known.byFingerprint.get(entry.signature.certificate);
  const held = personallySigned(entry, state, hashing.hash);
  const fault = faultOf(held, state, known.issued);
  if (!fault) {
    const notAfter = typeof held === 'object' ? held.certificate.notAfter : undefined;
    const ends = [state?.revokedAt, notAfter].flatMap((at) => (at ? [Date.parse(at)] : []));
    return { signed: 'signed', ends: Math.min(...ends) };
  }
  const says = `${SIGNATURE_FAULTS[fault]}: entry ${entry.id}`;
  return { signed: 'signed', fault: { column: 'body', kind: 'replaced-signature', says } };

  function faultOf(
    signed: ReturnType<typeof personallySigned>,
    by: PersonCertificate | undefined,
    issued: Map<string, boolean>,
  ): SignatureFault | undefined {
    if (typeof signed !== 'object' || !by) return typeof signed === 'object' ? 'unknown-certificate' : signed;
    const { certificate, bytes, signature } = signed;
    let given = issued.get(by.fingerprint);
    if (given === undefined) {
      given = issuersAmong(certificate, context.roots[by.organisation] ?? []).some(
        (root) => p256(root.publicKey)?.(certificate.toBeSigned, certificate.signature) ?? false,
      );
      issued.set(by.fingerprint, given);
    }
    if (!given) return 'not-certified';
    return p256(certificate.publicKey)?.(bytes, signature) ? undefined : 'wrong';
  }
}

const keyOf = ({ keyId }: Pick<StoredEntry, 'keyId'>, { serviceKeys }: Pick<CheckContext, 'serviceKeys'>) =>
  serviceKeys.find((one) => one.keyId === keyId);

/** Whether the service signed these bytes, and what is wrong with that. */
export function signatureOf(
  { id, keyId, at, body, signature }: StoredEntry,
  { serviceKeys }: CheckContext,
  { p256 }: CheckTools,
): { readonly signed: boolean; readonly fault?: EntryFault } {
  const replaced = (why: string) => ({
    signed: false,
    fault: { column: 'signature', kind: 'replaced-signature' as const, says: `${why}: entry ${id}` },
  });
  const certificate = keyOf({ keyId }, { serviceKeys });
  if (!certificate) return replaced('Signature is by a key that no trusted certificate names');
  const time = Date.parse(at);
  if (!certificate.issued || !(time <= certificate.to))
    return replaced('Signature is by a key whose certificate did not hold at that time');
  if (!p256(certificate.spki)?.(body, signature))
    return replaced('Signature does not belong to these bytes and this key');
  if (time >= certificate.from) return { signed: true };
  const says = `Entry is stamped before the certificate of its key began; see whether a clock was set back: entry ${id}`;
  return { signed: true, fault: { column: 'at', kind: 'out-of-time', says } };
}

/** The columns beside the bytes are there to search by; each must repeat what the bytes say. */
function columnFaults(entry: StoredEntry, told: Entry): EntryFault[] {
  const pairs: readonly (readonly [column: string, stored: unknown, signed: unknown])[] = [
    ['id', entry.id, told.id],
    ['subject_kind', entry.subjectKind, told.subject.kind],
    ['subject_version', entry.subjectVersion, told.subject.version],
    ['event', entry.event, told.event],
    ['person_id', entry.personId, told.actor?.person],
    ['at', entry.at, told.at],
    ['key_id', entry.keyId, told.actor?.key],
  ];
  return pairs
    .filter(([, stored, signed]) => stored !== signed)
    .map(([column]) => ({
      column,
      kind: 'edited',
      says: `Column differs from the signed bytes: ${column} of ${entry.id}`,
    }));
}

function toldBy(
  told: Entry,
  stored: StoredEntry,
  key: Uint8Array | undefined,
  hashing: Hashing,
): Omit<ToldEntry, 'person' | 'keysEnd'> {
  const { version, previous, kind, pseudonym } = told.subject;
  const rows: RowName[] = [];
  const operations: { at: number; key: string }[] = [];
  for (const change of told.changes) {
    if (typeof change?.table !== 'string' || typeof change.key !== 'string') continue;
    if (change.table === 'operations') operations.push({ at: rows.length, key: change.key });
    rows.push(rowName(change.table, change.key, hashing.hash));
  }
  return {
    own: told.id === stored.id,
    version,
    previous,
    operation: told.operation,
    subject: !key
      ? 'no-key'
      : subjectPseudonym(key, kind, stored.subjectId, hashing) === pseudonym
        ? 'right'
        : 'other',
    rows,
    operations,
  };
}

const text = new TextDecoder();

/** Every column of a row against what its entry's bytes say. They were read and compared before, so plain JSON will do. */
export function checkRow(
  { table, key, columns, body, digestKey }: GivenRow,
  { hashing }: CheckTools,
): CheckedRow {
  const commitment = commitmentOf(body, hashing);
  const told = JSON.parse(text.decode(body)) as Entry;
  // The last word on a row counts, should an entry name it twice.
  const change = told.changes.findLast((one) => one?.table === table && one.key === key);
  if (!change) return { commitment, wrong: [] }; // the entry was met with this row in it
  const names = new Set([...Object.keys(columns), ...Object.keys(change.columns)]);
  const matches = (name: string): boolean => {
    const value = columns[name] ?? null;
    const digest = change.columns[name];
    if (value === null || digest === undefined) return value === null && digest === undefined;
    return value !== NO_VALUE && digestOf(digestKey, told.id, table, key, name, value, hashing) === digest;
  };
  return { commitment, wrong: [...names].filter((name) => !matches(name)) };
}

/** A column's digest; undefined for a value that has no canonical form, and so was never written by us. */
function digestOf(...of: Parameters<typeof columnDigest>): string | undefined {
  try {
    return columnDigest(...of);
  } catch {
    return undefined;
  }
}
