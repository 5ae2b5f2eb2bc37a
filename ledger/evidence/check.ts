// Station 7, evidence: checks one case's evidence against what was trusted beforehand, step by step, from raw bytes. Runs the same
// in Node and in a browser without a network: hashing and signatures come as arguments. Trusts nothing that stands in the
// evidence; a step that cannot be done is said and never counted as done.

import { ORGANISATIONS, type Organisation, witnessName } from '../../domain/consortium.ts';
import { SIGNED_EVENTS } from '../../domain/events.ts';
import { fromBase64, toHex, utf8 } from '../bytes.ts';
import {
  type Certificate,
  type CertificateState,
  checkPersonalSignature,
  fingerprintOf,
  issuedBy,
  issuersAmong,
  keyIdOf,
  type RevocationList,
  readCertificate,
  readRevocationList,
  SIGNATURE_FAULTS,
  type VerifyP256,
} from '../certificates.ts';
import {
  type Checkpoint,
  MalformedNote,
  parseCheckpoint,
  parseNote,
  parseVerifierKey,
  type VerifySignature,
  verifyNote,
} from '../checkpoint.ts';
import { pemOf } from '../der.ts';
import { type Entry, openedDigest, readEntry } from '../entry.ts';
import { type Hash, leafHash, verifyInclusion } from '../merkle.ts';
import { statementBytes } from '../statement.ts';
import { checkBlocks } from './blocks.ts';
import { cosignedBy, ENOUGH, membersOf } from './cosigned.ts';
import { type Evidence, type EvidenceTrust, keysFor } from './format.ts';

/** What a checker's platform gives. */
export interface EvidenceCrypto {
  readonly hash: Hash;
  readonly ed25519: VerifySignature;
  readonly p256: VerifyP256;
}

/** The steps, in their order. Pages explain each by its name. */
export const STEPS = [
  'checkpoint',
  'cosignatures',
  'inclusion',
  'order',
  'service',
  'persons',
  'statements',
  'openings',
  'chain',
  'parameters',
] as const;
export type StepName = (typeof STEPS)[number];

/** `holds`: done and right. `wrong`: done, and it is not right. `open`: could not be done in full with what is there. */
export interface Step {
  readonly name: StepName;
  readonly outcome: 'holds' | 'wrong' | 'open';
  /** What was found, one sentence; names entries by their number. */
  readonly says: string;
  /** Every single fault, or what is open. */
  readonly details: readonly string[];
}

export interface CheckedEntry {
  readonly index: number;
  readonly entry: Entry | null;
}

export interface EvidenceVerdict {
  /** Whether nothing is wrong. What is open stands in the steps. */
  readonly verdict: 'holds' | 'refused';
  readonly steps: readonly Step[];
  readonly checkpoint: { readonly size: number; readonly root: string } | null;
  /** Members whose cosignature is right, with the time that they signed. */
  readonly cosigned: readonly { readonly organisation: Organisation; readonly at: string }[];
  readonly entries: readonly CheckedEntry[];
}

/** A step in the making. */
class Faults {
  readonly wrong: string[] = [];
  readonly open: string[] = [];
  step(name: StepName, right: string, counted = ''): Step {
    const { wrong, open } = this;
    const outcome = wrong.length > 0 ? 'wrong' : open.length > 0 ? 'open' : 'holds';
    const [first = ''] = [...wrong, ...open];
    return {
      name,
      outcome,
      says: outcome === 'holds' ? right : counted || first,
      details: [...wrong, ...open],
    };
  }
}

/** Checks everything that the evidence holds. Never throws for what it finds. */
export async function checkEvidence(
  evidence: Evidence,
  trust: EvidenceTrust,
  crypto: EvidenceCrypto,
): Promise<EvidenceVerdict> {
  const steps: Step[] = [];
  const { checkpoint, step } = await checkCheckpoint(evidence, trust, crypto);
  steps.push(step);
  const cosigned = await checkCosignatures(evidence, checkpoint?.size ?? 0, trust, crypto, steps);
  const entries = checkInclusion(evidence, checkpoint, crypto.hash, steps);
  checkOrder(evidence, entries, crypto.hash, steps);
  const known = await certificatesOf(evidence, entries, trust, crypto);
  await checkService(evidence, entries, trust, known, crypto, steps);
  await checkPersons(entries, trust, known, crypto, steps);
  checkStatements(evidence, entries, crypto.hash, steps);
  checkOpenings(evidence, entries, crypto.hash, steps);
  const chain = await checkBlocks(evidence, trust, entries, crypto);
  steps.push(chain.step);
  checkParameters(evidence, entries, chain.parameters, crypto.hash, steps);
  return {
    verdict: steps.some(({ outcome }) => outcome === 'wrong') ? 'refused' : 'holds',
    steps,
    checkpoint: checkpoint && { size: checkpoint.size, root: toHex(checkpoint.root) },
    cosigned,
    entries: entries.map(({ index, entry }) => ({ index, entry })),
  };
}

/** An entry on its way through the steps. */
interface Read {
  readonly number: number;
  readonly index: number;
  readonly body: Uint8Array;
  readonly commitment: Uint8Array;
  readonly leaf: Uint8Array;
  /** Null when its bytes are no entry. */
  readonly entry: Entry | null;
}

async function checkCheckpoint(
  evidence: Evidence,
  trust: EvidenceTrust,
  { hash, ed25519 }: EvidenceCrypto,
): Promise<{ checkpoint: Checkpoint | null; step: Step }> {
  const faults = new Faults();
  let checkpoint: Checkpoint | null = null;
  try {
    const note = parseNote(evidence.checkpoint);
    checkpoint = parseCheckpoint(note.text);
    if (checkpoint.origin !== trust.origin || evidence.origin !== trust.origin)
      faults.wrong.push('Checkpoint is of another log than the one that is trusted');
    const keys = keysFor(trust, 'log', checkpoint.size).map((vkey) => parseVerifierKey(vkey, hash));
    const verdict = await verifyNote(note, keys, ed25519);
    const witnesses = witnessNames(trust, checkpoint.size);
    if (verdict.holds && verdict.unknown.some(({ name }) => !witnesses.has(name)))
      faults.wrong.push('Checkpoint carries a signature line of nobody who is trusted');
    if (!verdict.holds)
      faults.wrong.push(
        verdict.why === 'wrong-signature'
          ? 'Checkpoint’s signature does not belong to its text'
          : 'Checkpoint is not signed by the log’s key that is trusted',
      );
  } catch (error) {
    if (!(error instanceof MalformedNote)) throw error;
    faults.wrong.push(`Checkpoint or the log’s key cannot be read: ${error.message}`);
  }
  const size = checkpoint?.size ?? 0;
  return {
    checkpoint,
    step: faults.step('checkpoint', `Signed by the log’s own key: ${size} entries`),
  };
}

/** Names under which witnesses sign: of each organisation those that are trusted, or, when none is, the one it goes by. */
const witnessNames = (trust: EvidenceTrust, size: number): ReadonlySet<string> =>
  new Set(
    ORGANISATIONS.flatMap((organisation) => {
      const names = keysFor(trust, organisation, size).map((vkey) => vkey.split('+')[0] ?? '');
      return names.length > 0 ? names : [witnessName(organisation)];
    }),
  );

async function checkCosignatures(
  evidence: Evidence,
  size: number,
  trust: EvidenceTrust,
  crypto: EvidenceCrypto,
  steps: Step[],
): Promise<EvidenceVerdict['cosigned']> {
  const faults = new Faults();
  const cosigned = await cosignedBy(evidence.checkpoint, size, trust, crypto);
  const members = membersOf(cosigned);
  faults.wrong.push(...cosigned.wrong);
  if (members < ENOUGH) faults.open.push(...cosigned.open);
  const says = `Cosigned by ${members} of ${ORGANISATIONS.length} members`;
  steps.push(
    faults.step('cosignatures', says, faults.wrong.length > 0 ? '' : `${says}; ${ENOUGH} are needed`),
  );
  return cosigned.by;
}

function checkInclusion(
  evidence: Evidence,
  checkpoint: Checkpoint | null,
  hash: Hash,
  steps: Step[],
): Read[] {
  const faults = new Faults();
  const entries = evidence.entries.map(({ body: text, index, proof: path }, at): Read => {
    const number = at + 1;
    const body = fromBase64(text) ?? new Uint8Array(0);
    const read = readEntry(body);
    const entry = 'entry' in read && isWhole(read.entry) ? read.entry : null;
    if (!entry)
      faults.wrong.push(
        `Entry ${number} cannot be read: ${'fault' in read ? read.fault : 'it lacks a field'}`,
      );
    const commitment = hash(body);
    const leaf = leafHash(commitment, hash);
    const proof = path.map((one) => fromBase64(one) ?? new Uint8Array(0));
    const { size = 0, root = new Uint8Array(0) } = checkpoint ?? {};
    if (!verifyInclusion({ index, size, leafHash: leaf, proof, root }, hash))
      faults.wrong.push(
        `Entry ${number} is not in the log at ${index}: its bytes and proof do not lead to the root`,
      );
    return { number, index, body, commitment, leaf, entry };
  });
  if (entries.length === 0) faults.wrong.push('Evidence holds no entry');
  if (evidence.waiting > 0)
    faults.open.push(
      `${evidence.waiting} more entries had no place under this checkpoint when the evidence was made`,
    );
  steps.push(faults.step('inclusion', `All ${entries.length} entries are in the log, at the places named`));
  return entries;
}

/** Whether every field that a step looks at is there: bytes that were altered can be canonical JSON of another shape. */
function isWhole({ actor, subject, changes, parameters, bundle, event, operation }: Entry): boolean {
  const texts: unknown[] = [
    actor?.key,
    actor?.person,
    actor?.role,
    subject.kind,
    subject.pseudonym,
    parameters,
    bundle,
    event,
    operation ?? '',
    subject.previous ?? '',
  ];
  return (
    texts.every((text) => typeof text === 'string') &&
    changes.every(
      (change) =>
        typeof change?.table === 'string' &&
        typeof change.key === 'string' &&
        typeof change.columns === 'object' &&
        change.columns !== null &&
        Object.values(change.columns).every((digest) => typeof digest === 'string'),
    )
  );
}

function checkOrder(evidence: Evidence, entries: readonly Read[], hash: Hash, steps: Step[]): void {
  const faults = new Faults();
  const { kind, pseudonym } = evidence.subject;
  let before: Read | undefined;
  const ids = new Set<string>();
  for (const read of entries) {
    const { number, entry } = read;
    if (entry) {
      const { subject } = entry;
      if (subject.kind !== kind || subject.pseudonym !== pseudonym)
        faults.wrong.push(`Entry ${number} is about somebody or something else`);
      if (subject.version !== number)
        faults.wrong.push(
          `Entry ${number} says that it is number ${subject.version}: one is missing or moved`,
        );
      const previous = before ? toHex(hash(before.body)) : null;
      if (subject.previous !== previous)
        faults.wrong.push(`Entry ${number} does not name the entry before it by its hash`);
      if (before && read.index <= before.index)
        faults.wrong.push(`Entry ${number} stands before the entry that it follows`);
      if (ids.has(entry.id)) faults.wrong.push(`Entry ${number} is there twice`);
      ids.add(entry.id);
    }
    before = read;
  }
  steps.push(
    faults.step(
      'order',
      `Entries 1 to ${entries.length} follow each other without a gap; newer ones, if there are any, are not in this file`,
    ),
  );
}

interface Known {
  readonly certificates: ReadonlyMap<string, Certificate & { readonly pem: string }>;
  /** By the start of the fingerprint, as entries name the service's. */
  readonly byKeyId: ReadonlyMap<string, Certificate & { readonly pem: string }>;
  readonly lists: ReadonlyMap<Organisation, RevocationList>;
  readonly faults: readonly string[];
}

/** Certificates by fingerprint, and each authority's newest list of what it revoked, signed by it. */
async function certificatesOf(
  evidence: Evidence,
  entries: readonly Read[],
  trust: EvidenceTrust,
  crypto: EvidenceCrypto,
): Promise<Known> {
  const certificates = new Map<string, Certificate & { pem: string }>();
  const byKeyId = new Map<string, Certificate & { pem: string }>();
  const lists = new Map<Organisation, RevocationList>();
  const faults: string[] = [];
  const named = new Set(
    entries.flatMap(({ entry }) => (entry ? [entry.actor.key, entry.signature?.certificate] : [])),
  );
  for (const pem of evidence.certificates) {
    const certificate = readCertificate(pem);
    if (!certificate || pemOf('CERTIFICATE', certificate.raw) !== pem) {
      faults.push('A certificate cannot be read');
      continue;
    }
    const fingerprint = fingerprintOf(certificate, crypto.hash);
    if (!named.has(fingerprint) && !named.has(keyIdOf(fingerprint)))
      faults.push('A certificate is there that no entry names');
    else if (certificates.has(fingerprint)) faults.push('A certificate is there twice');
    certificates.set(fingerprint, { ...certificate, pem });
    byKeyId.set(keyIdOf(fingerprint), { ...certificate, pem });
  }
  for (const pem of evidence.revocations) {
    const list = readRevocationList(pem);
    const organisation = list && (await authorityOf(list, trust, crypto.p256));
    if (!list || !organisation || pemOf('X509 CRL', list.raw) !== pem) {
      faults.push('A revocation list is not signed by an authority that is trusted');
      continue;
    }
    const newest = lists.get(organisation);
    if (!newest || newest.thisUpdate < list.thisUpdate) lists.set(organisation, list);
  }
  return { certificates, byKeyId, lists, faults };
}

/** Whose authority signed a certificate or list. */
async function authorityOf(
  signed: Pick<Certificate, 'issuer' | 'toBeSigned' | 'signature'>,
  trust: EvidenceTrust,
  verify: VerifyP256,
): Promise<Organisation | undefined> {
  for (const organisation of ORGANISATIONS) {
    const root = trust.roots[organisation];
    for (const authority of root === undefined ? [] : issuersAmong(signed, [root]))
      if (await verify(authority.publicKey, signed.toBeSigned, signed.signature)) return organisation;
  }
  return undefined;
}

async function checkService(
  evidence: Evidence,
  entries: readonly Read[],
  trust: EvidenceTrust,
  known: Known,
  { p256 }: EvidenceCrypto,
  steps: Step[],
): Promise<void> {
  const faults = new Faults();
  faults.wrong.push(...known.faults);
  const descends = new Map<string, boolean>();
  for (const { number, body, entry } of entries) {
    if (!entry) continue;
    const certificate = known.byKeyId.get(entry.actor.key);
    if (!certificate) {
      faults.wrong.push(`Entry ${number} is signed by a key whose certificate is not there`);
      continue;
    }
    let issued = descends.get(certificate.pem);
    if (issued === undefined) {
      issued =
        certificate.attributes['rehab.service'] === 'true' &&
        (await issuedBy(certificate, trust.roots.hospital ? [trust.roots.hospital] : [], p256));
      descends.set(certificate.pem, issued);
    }
    if (!issued)
      faults.wrong.push(
        `Entry ${number} is signed under a certificate that the hospital’s authority did not give the service`,
      );
    if (entry.at < certificate.notBefore || entry.at > certificate.notAfter)
      faults.wrong.push(`Entry ${number} is signed when the service’s certificate was not valid`);
    const revokedAt = known.lists.get('hospital')?.revoked.get(certificate.serial);
    if (revokedAt !== undefined && entry.at >= revokedAt)
      faults.wrong.push(`Entry ${number} is signed after the service’s certificate was revoked`);
    const signature = fromBase64(evidence.entries[number - 1]?.signature ?? '');
    if (signature?.length !== 64 || !(await p256(certificate.publicKey, body, signature)))
      faults.wrong.push(`Entry ${number} does not carry the service’s signature over its bytes`);
  }
  steps.push(faults.step('service', `All ${entries.length} entries are signed by the service`));
}

async function checkPersons(
  entries: readonly Read[],
  trust: EvidenceTrust,
  known: Known,
  { hash, p256 }: EvidenceCrypto,
  steps: Step[],
): Promise<void> {
  const faults = new Faults();
  let signed = 0;
  const roots = Object.fromEntries(
    ORGANISATIONS.flatMap((name) => (trust.roots[name] ? [[name, [trust.roots[name]]]] : [])),
  ) as Partial<Record<Organisation, readonly string[]>>;
  for (const { number, entry } of entries) {
    if (!entry || (entry.signature === null && !SIGNED_EVENTS.has(entry.event))) continue;
    const fingerprint = entry.signature?.certificate ?? '';
    const certificate = known.certificates.get(fingerprint);
    const organisation = certificate && (await authorityOf(certificate, trust, p256));
    const list = organisation && known.lists.get(organisation);
    if (organisation && !list)
      faults.open.push(
        `Entry ${number}: no revocation list of the ${organisation} is there, so whether the certificate stood is not shown`,
      );
    const state: CertificateState | undefined =
      certificate && organisation
        ? { pem: certificate.pem, organisation, revokedAt: list?.revoked.get(certificate.serial) ?? null }
        : undefined;
    const fault =
      certificate && !organisation
        ? ('not-certified' as const)
        : await checkPersonalSignature(entry, state, roots, { hash, verify: p256 });
    if (fault) faults.wrong.push(`Entry ${number}: ${SIGNATURE_FAULTS[fault]}`);
    else signed += 1;
  }
  steps.push(faults.step('persons', `Decisions signed by the persons who took them: ${signed}`));
}

function checkStatements(evidence: Evidence, entries: readonly Read[], hash: Hash, steps: Step[]): void {
  const faults = new Faults();
  let shown = 0;
  for (const { number, entry } of entries) {
    const text = evidence.entries[number - 1]?.statement ?? null;
    if (text === null) {
      if (entry?.envelope) faults.open.push(`Entry ${number}: what was signed is not shown, only its hash`);
      continue;
    }
    shown += 1;
    if (!entry?.envelope) faults.wrong.push(`Entry ${number}: a statement is shown that nobody signed`);
    else if (toHex(hash(statementBytes(text))) !== entry.envelope.statement)
      faults.wrong.push(`Entry ${number}: the statement shown is not the one that was signed`);
  }
  steps.push(faults.step('statements', `Statements shown, word for word as they were signed: ${shown}`));
}

const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

function checkOpenings(evidence: Evidence, entries: readonly Read[], hash: Hash, steps: Step[]): void {
  const faults = new Faults();
  let opened = 0;
  let closed = 0;
  for (const { number, entry } of entries) {
    if (!entry) continue;
    const seen = new Set<string>();
    for (const { table, key, column, opening, value } of evidence.entries[number - 1]?.openings ?? []) {
      const place = `${table} ${key} ${column}`;
      const digest = entry.changes.find((change) => change.table === table && change.key === key)?.columns[
        column
      ];
      // The text that is hashed must have one place where the opening ends.
      const right =
        digest !== undefined &&
        /^[\w-]{43}$/.test(opening) &&
        openedDigest(opening, value, { hash, text: base64url }) === digest;
      if (!right || seen.has(place))
        faults.wrong.push(`Entry ${number}: the value shown for ${table} ${column} is not what was recorded`);
      seen.add(place);
      opened += 1;
    }
    closed += entry.changes.reduce((sum, { columns }) => sum + Object.keys(columns).length, 0) - seen.size;
  }
  steps.push(
    faults.step('openings', `${opened} fields are shown with their true values; ${closed} stay closed`),
  );
}

function checkParameters(
  evidence: Evidence,
  entries: readonly Read[],
  onChain: ReadonlyMap<string, string | null>,
  hash: Hash,
  steps: Step[],
): void {
  const faults = new Faults();
  const versions = new Set(entries.flatMap(({ entry }) => (entry ? [entry.parameters] : [])));
  const given = new Set<string>();
  for (const { version, set } of evidence.parameters) {
    const digest = onChain.get(version);
    if (!versions.has(version)) faults.wrong.push(`Parameters ${version} are there, which no entry names`);
    else if (given.has(version)) faults.wrong.push(`Parameters ${version} are there twice`);
    else if (!setSays(set, version))
      faults.wrong.push(`Parameters ${version} are of another version by their own words`);
    else if (digest === undefined)
      faults.open.push(`Parameters ${version}: the block that holds their digest is not there`);
    else if (toHex(hash(utf8(set))) !== digest)
      faults.wrong.push(`Parameters ${version} are not those whose digest the members’ chain holds`);
    given.add(version);
  }
  for (const version of versions)
    if (!given.has(version)) faults.open.push(`Parameters ${version} are not there`);
  const bundles = new Set(entries.flatMap(({ entry }) => (entry ? [entry.bundle] : [])));
  steps.push(
    faults.step(
      'parameters',
      `Decided under parameters ${[...versions].join(', ')}, by program ${[...bundles].join(', ')}`,
    ),
  );
}

/** Whether a set of parameters names itself by this version. */
function setSays(text: string, version: string): boolean {
  try {
    return (JSON.parse(text) as { version?: unknown } | null)?.version === version;
  } catch {
    return false;
  }
}
