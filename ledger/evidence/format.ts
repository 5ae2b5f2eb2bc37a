// Station 7, evidence: the shape of `evidence.json`, of `trust.json` beside which it is judged, and how both are read. The
// format is described in docs/evidence-format.md. Pure, and the browser's too. Reads strictly and judges nothing.
import { ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { canonicalJson, NotCanonical, parseIJson } from '../canonical.ts';

/** One field that is shown: where it stands, its canonical JSON text, and what opens its digest. */
export interface Opening {
  readonly table: string;
  readonly key: string;
  readonly column: string;
  /** 43 characters of base64url (docs/adr/0013). */
  readonly opening: string;
  readonly value: string;
}

export interface EvidenceEntry {
  /** The stored bytes, base64. */
  readonly body: string;
  /** The service's signature over them: ECDSA P-256, IEEE P1363, base64. */
  readonly signature: string;
  /** Place of its leaf in the log. */
  readonly index: number;
  /** Audit path to the checkpoint's root, nearest sibling first, base64. */
  readonly proof: readonly string[];
  readonly openings: readonly Opening[];
  /** The statement that was signed, word for word; null when none was, or when it is not shown. */
  readonly statement: string | null;
}

/** A block of the channel that anchored some of the entries' leaves: the bytes a peer keeps, base64. */
export interface EvidenceBlock {
  readonly number: number;
  readonly bytes: string;
}

export interface Evidence {
  readonly format: 'rehab-evidence';
  readonly v: 1;
  readonly madeAt: string;
  readonly origin: string;
  /** What all entries are about. */
  readonly subject: { readonly kind: string; readonly pseudonym: string };
  /** Signed note with cosignatures (C2SP tlog-checkpoint, tlog-cosignature). */
  readonly checkpoint: string;
  /** In the order of the subject's versions, from the first. */
  readonly entries: readonly EvidenceEntry[];
  /** Entries of the subject that had no place under the checkpoint when this was made. */
  readonly waiting: number;
  /** Certificates that the signatures name: the service's and persons', PEM. */
  readonly certificates: readonly string[];
  /** The authorities' lists of what they revoked, PEM. */
  readonly revocations: readonly string[];
  /** Sets of parameters that the entries name: the canonical JSON text of each. */
  readonly parameters: readonly { readonly version: string; readonly set: string }[];
  readonly blocks: readonly EvidenceBlock[];
}

/** A key that was in force before, and still counts for what it signed then. */
export interface FormerKey {
  /** Whose: the log's, or an organisation's witness's. */
  readonly of: 'log' | Organisation;
  readonly key: string;
  /** It counts for checkpoints of this size and smaller ones, and never for larger ones. */
  readonly until: number;
}

/** What whoever checks trusts beforehand; each member publishes it. Never taken from the evidence. */
export interface EvidenceTrust {
  readonly origin: string;
  /** The log's vkey. */
  readonly log: string;
  readonly witnesses: Readonly<Partial<Record<Organisation, string>>>;
  /** Certificate of each organisation's authority, PEM. */
  readonly roots: Readonly<Partial<Record<Organisation, string>>>;
  readonly channel: string;
  /** Hash of the channel's first block's header, hexadecimal. */
  readonly genesis: string;
  readonly former?: readonly FormerKey[] | undefined;
}

/** The keys (vkey) that count for a checkpoint of this size: the one in force, and former ones up to where they ended. */
export const keysFor = (
  { log, witnesses, former = [] }: Pick<EvidenceTrust, 'log' | 'witnesses' | 'former'>,
  of: FormerKey['of'],
  size: number,
): readonly string[] => [
  ...[of === 'log' ? log : witnesses[of]].filter((key) => key !== undefined),
  ...former.filter((one) => one.of === of && size <= one.until).map(({ key }) => key),
];

/**
 * Whether the chain has only not come to a trusted key yet: it holds the one before it, and never had the trusted one in
 * force. A chain that went back to a former key has.
 */
export const notYetInForce = (
  { former = [] }: Pick<EvidenceTrust, 'former'>,
  of: FormerKey['of'],
  trusted: string,
  held: { readonly vkey?: unknown; readonly former?: unknown },
): boolean =>
  former.some((one) => one.of === of && one.key === held.vkey) &&
  Array.isArray(held.former) &&
  !held.former.includes(trusted);

/** Text that is not what it should be; the message says what, and holds none of it. */
export class NotEvidence extends Error {
  override readonly name = 'NotEvidence';
}

/** More than this is not read: a case of some thousand entries with its blocks stays far below. */
export const MAX_EVIDENCE_BYTES = 64 * 1024 * 1024;
const LIMITS = { depth: 8, keys: 2_000_000, keysPerObject: 100_000 };

type Fields = Readonly<Record<string, unknown>>;

const isText = (value: unknown): value is string => typeof value === 'string';
const isInstant = (value: unknown): boolean => {
  const at = isText(value) ? Date.parse(value) : Number.NaN;
  return !Number.isNaN(at) && new Date(at).toISOString() === value;
};
const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isList = Array.isArray as (value: unknown) => value is readonly unknown[];

/** The value as an object with exactly these fields; it may have the `optional` ones besides. */
function fieldsOf(
  value: unknown,
  where: string,
  names: readonly string[],
  optional: readonly string[] = [],
): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new NotEvidence(`${where} is not an object`);
  const known = Object.keys(value).filter((name) => !optional.includes(name));
  if (known.sort().join() !== [...names].sort().join())
    throw new NotEvidence(`${where} does not have the fields it should`);
  return value as Fields;
}

function demand(holds: boolean, where: string): asserts holds {
  if (!holds) throw new NotEvidence(`${where} is not of its form`);
}

const NOT_JSON = 'is not JSON that is read the same way everywhere';

/** `evidence.json` in its one spelling: canonical JSON and a line feed. */
export const evidenceText = (evidence: Evidence): string => `${canonicalJson(evidence)}\n`;

/**
 * Reads `evidence.json`. Written anew it must be the same bytes, so no byte of it goes unread: nothing stands there twice,
 * between the lines or in another spelling. Throws NotEvidence.
 */
export function readEvidence(bytes: Uint8Array): Evidence {
  if (bytes.length > MAX_EVIDENCE_BYTES) throw new NotEvidence('Evidence is too long');
  let text: string;
  let parsed: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    parsed = JSON.parse(text);
  } catch {
    throw new NotEvidence(`Evidence ${NOT_JSON}`);
  }
  const evidence = shaped(parsed);
  try {
    if (evidenceText(evidence) === text) return evidence;
  } catch (error) {
    if (!(error instanceof NotCanonical)) throw error;
    throw new NotEvidence(`Evidence ${NOT_JSON}`);
  }
  throw new NotEvidence('Evidence is not written in its one spelling');
}

/** The value, once it has every field of evidence and no other. */
function shaped(parsed: unknown): Evidence {
  const value = fieldsOf(parsed, 'Evidence', [
    'blocks',
    'certificates',
    'checkpoint',
    'entries',
    'format',
    'madeAt',
    'origin',
    'parameters',
    'revocations',
    'subject',
    'v',
    'waiting',
  ]);
  demand(value.format === 'rehab-evidence' && value.v === 1, 'Format');
  demand([value.origin, value.checkpoint].every(isText) && isInstant(value.madeAt), 'Head');
  demand(isSize(value.waiting), 'Number of waiting entries');
  const subject = fieldsOf(value.subject, 'Subject', ['kind', 'pseudonym']);
  demand(isText(subject.kind) && isText(subject.pseudonym), 'Subject');
  for (const list of ['certificates', 'revocations'] as const) {
    const given = value[list];
    demand(isList(given) && given.every(isText), list);
  }
  demand(isList(value.entries) && isList(value.parameters) && isList(value.blocks), 'Lists');
  for (const one of value.entries) {
    const entry = fieldsOf(one, 'Entry', ['body', 'index', 'openings', 'proof', 'signature', 'statement']);
    demand(isText(entry.body) && isText(entry.signature) && isSize(entry.index), 'Entry');
    demand(entry.statement === null || isText(entry.statement), 'Statement');
    demand(isList(entry.proof) && entry.proof.every(isText), 'Proof');
    demand(isList(entry.openings), 'Openings');
    for (const each of entry.openings) {
      const opening = fieldsOf(each, 'Opening', ['column', 'key', 'opening', 'table', 'value']);
      demand(Object.values(opening).every(isText), 'Opening');
    }
  }
  for (const one of value.parameters) {
    const set = fieldsOf(one, 'Parameters', ['set', 'version']);
    demand(isText(set.set) && isText(set.version), 'Parameters');
  }
  for (const one of value.blocks) {
    const block = fieldsOf(one, 'Block', ['bytes', 'number']);
    demand(isSize(block.number) && isText(block.bytes), 'Block');
  }
  return value as unknown as Evidence; // every field was looked at
}

/** Reads `trust.json`. Throws NotEvidence. */
export function readEvidenceTrust(bytes: Uint8Array): EvidenceTrust {
  if (bytes.length > MAX_EVIDENCE_BYTES) throw new NotEvidence('Trust is too long');
  const parsed = parseIJson(bytes, LIMITS);
  if (!parsed.ok) throw new NotEvidence(`Trust ${NOT_JSON}`);
  const value = fieldsOf(
    parsed.value,
    'Trust',
    ['channel', 'genesis', 'log', 'origin', 'roots', 'witnesses'],
    ['former'],
  );
  demand([value.channel, value.genesis, value.log, value.origin].every(isText), 'Trust');
  for (const list of ['roots', 'witnesses'] as const) {
    const given = (value[list] ?? {}) as Fields;
    const known = Object.keys(given).every((name) => (ORGANISATIONS as readonly string[]).includes(name));
    demand(known && Object.values(given).every(isText), list);
  }
  demand(value.former === undefined || isList(value.former), 'Former keys');
  for (const one of value.former ?? []) {
    const { of, key, until } = fieldsOf(one, 'Former key', ['key', 'of', 'until']);
    demand(
      ['log', ...ORGANISATIONS].some((name) => name === of),
      'Former key',
    );
    demand(isText(key) && isSize(until), 'Former key');
  }
  return value as unknown as EvidenceTrust; // every field was looked at
}
