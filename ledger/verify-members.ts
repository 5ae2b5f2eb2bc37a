// Station 7, what the chain keeps beside the leaves: first block, keys in force, certificates, parameters and cosignatures, as each
// organisation's own peer has them, side by side and against what is trusted. Reads each again while it moves. Never repairs.
import { ORGANISATIONS } from '../domain/consortium.ts';
import { canonicalJson } from './canonical.ts';
import { MalformedNote, parseCheckpoint, parseNote } from './checkpoint.ts';
import { cosignedAt, parseWitnessKey } from './cosignature.ts';
import { ENOUGH } from './evidence/cosigned.ts';
import { type FormerKey, keysFor, notYetInForce } from './evidence/format.ts';
import { equalBytes } from './merkle.ts';
import type { Pin } from './reader.ts';
import type { PersonCertificate } from './verify-check.ts';
import { type Report, say } from './verify-finding.ts';
import type {
  Consortium,
  MemberTrust,
  PeerState,
  StatedCosignature,
  VerifyNote,
  VerifySources,
} from './verify-sources.ts';

/** What a peer keeps, by place: `genesis`, `key log NAME`, `certificate FINGERPRINT`, `parameters VERSION`, `cosignature …`. */
type Kept = ReadonlyMap<string, unknown>;

interface Heard {
  readonly table: string;
  readonly height: number;
  readonly kept: Kept;
}

/** A place at which peers do not hold the same. */
interface Apart {
  readonly place: string;
  /** Who stands alone; null when no two hold the same. */
  readonly alone: string | null;
  readonly column: string | null;
  readonly kind: 'edited' | 'deleted' | 'inserted' | 'forked-log';
}

/** Notes that are told one by one. */
const SHOWN = 100;
const CERTIFICATE = 'certificate ';
const TRIES = 20;
const REST_MS = 500;

/**
 * Compares everything beside the leaves.
 * @param rootAt the root that the database's checkpoint of a size states; undefined where there is none or it is found wrong
 * @param recorded certificates of persons as the database has them
 * @returns the size of the newest checkpoint that two members have cosigned, 0 when there is none; and notes
 */
export async function checkMembers(
  sources: VerifySources & { readonly consortium: Consortium },
  pin: Pin,
  recorded: readonly PersonCertificate[],
  rootAt: (size: number) => Uint8Array | undefined,
  report: Report,
): Promise<{ readonly cosigned: number; readonly notes: readonly VerifyNote[] }> {
  const there = new Set(
    pin.peers.flatMap(({ peer, state }) => (state === 'there' ? [peer.organisation] : [])),
  );
  const { peers, trust, parameters } = sources.consortium;
  const asked = peers.filter(({ organisation }) => there.has(organisation));
  const { heard, apart } = await settled(asked, parameters.version, sources.wait, report);
  for (const { place, alone, column, kind } of apart)
    report(
      alone === null
        ? say('chain', 'peers', place, column, kind, `No two peers hold the same: ${place}`)
        : say(
            'chain',
            alone,
            place,
            column,
            kind,
            `Peer does not hold what the others do: ${alone}, ${place}`,
          ),
    );
  const agreed = agreedOf(heard, new Set(apart.map(({ place }) => place)));
  checkTrusted(agreed, trust, sources.consortium, report);
  const notes = heard.length === 0 ? [] : checkCertificates(recorded, agreed, heard.length, apart, report);
  return { cosigned: await checkCosigned(sources, agreed, trust, rootAt, report), notes };
}

/** What the chain says of a certificate, as far as it is compared. */
type Listed = Awaited<ReturnType<PeerState['certificates']>>[number];

/**
 * Certificates as the database has them against the chain's list. A member lists one before it hands it out, so one that is
 * recorded and not listed is forged. The other way, and where one of the two alone knows an end, somebody may not have come by
 * or may still deliberate: that is a note.
 */
function checkCertificates(
  recorded: readonly PersonCertificate[],
  agreed: Kept,
  heard: number,
  apart: readonly Apart[],
  report: Report,
): VerifyNote[] {
  const notes: VerifyNote[] = [];
  const note = (says: string): void =>
    void (
      notes.length < SHOWN &&
      notes.push({ kind: 'certificates-apart', entry: null, index: null, seconds: null, says })
    );
  const unlisted = new Set(
    [...agreed.keys()].flatMap((place) =>
      place.startsWith(CERTIFICATE) ? [place.slice(CERTIFICATE.length)] : [],
    ),
  );
  const differ = new Set(apart.map(({ place }) => place));
  for (const { fingerprint, organisation, revokedAt } of recorded) {
    const listed = agreed.get(`${CERTIFICATE}${fingerprint}`) as Listed | undefined;
    unlisted.delete(fingerprint);
    if (differ.has(`${CERTIFICATE}${fingerprint}`)) continue;
    const wrong = (column: string | null, kind: 'forged' | 'unreadable', says: string): void =>
      report(say('chain', 'certificates', fingerprint, column, kind, `${says}: ${fingerprint}`));
    if (!listed) {
      // One that lags may be the one that has it.
      if (heard < ORGANISATIONS.length)
        wrong(null, 'unreadable', 'Certificate is not listed by the peers that answered; verify again');
      else wrong(null, 'forged', 'Certificate is recorded that no member ever put on the chain');
    } else if (listed.organisation !== organisation)
      wrong(
        'organisation',
        'forged',
        'Certificate was put on the chain by another organisation than is recorded',
      );
    else if (listed.revoked && revokedAt === null)
      note(`Certificate is revoked on the chain and not in the database yet: ${fingerprint}`);
    else if (!listed.revoked && revokedAt !== null)
      note(`Certificate was ended in the database and its member has not revoked it yet: ${fingerprint}`);
  }
  for (const fingerprint of unlisted)
    note(`Certificate is on the chain and was never taken into the database: ${fingerprint}`);
  return notes;
}

/** Reads until the peers agree, about ten seconds; what stays apart is told, and what only moved is not. */
async function settled(
  peers: readonly PeerState[],
  version: string,
  wait: VerifySources['wait'],
  report: Report,
): Promise<{ heard: readonly Heard[]; apart: readonly Apart[] }> {
  let before: ReadonlySet<string> | undefined;
  for (let tries = 1; ; tries++) {
    const read = await Promise.all(peers.map((peer) => readPeer(peer, version)));
    const all = read.filter((one) => one !== undefined);
    // One that has fewer blocks lacks what stands in the others: it is behind, and cannot be compared.
    const newest = Math.max(...all.map(({ height }) => height));
    const heard = all.filter(({ height }) => height === newest);
    const found = differences(heard);
    const name = (one: Apart): string => `${one.place}\n${one.alone}`;
    if ((found.length === 0 && heard.length === all.length) || tries === TRIES) {
      for (const [at, one] of read.entries())
        if (!one || !heard.includes(one)) unread(peers[at], one, report);
      return { heard, apart: before ? found.filter((one) => before?.has(name(one))) : found };
    }
    before = new Set(found.map(name));
    await wait(REST_MS);
  }
}

function unread(peer: PeerState | undefined, behind: Heard | undefined, report: Report): void {
  const organisation = peer?.organisation ?? '';
  const says = behind
    ? `Peer has fewer blocks than the others; verify again when it has caught up: ${organisation} at ${behind.height}`
    : `Peer does not tell keys, certificates and cosignatures; verify again: ${organisation}`;
  report(say('chain', `peer-${organisation}`, null, null, 'unreadable', says));
}

async function readPeer(peer: PeerState, version: string): Promise<Heard | undefined> {
  try {
    // First, so that what is read is of this height or a later one.
    const height = await peer.height();
    const [genesis, keys, certificates, digest, cosignatures] = await Promise.all([
      peer.genesis(),
      peer.keys(),
      peer.certificates(),
      peer.parameters(version),
      peer.cosignatures(),
    ]);
    const kept = new Map<string, unknown>([['genesis', { hash: genesis }]]);
    for (const { kind, name, ...key } of keys) kept.set(`key ${kind} ${name}`, key);
    for (const { fingerprint, ...rest } of certificates) kept.set(`${CERTIFICATE}${fingerprint}`, rest);
    if (digest !== undefined) kept.set(`parameters ${version}`, { sha256: digest });
    for (const { organisation, ...rest } of cosignatures) kept.set(`cosignature ${organisation}`, rest);
    return { table: `peer-${peer.organisation}`, height, kept };
  } catch {
    return undefined;
  }
}

const text = (value: unknown): string | undefined => (value === undefined ? undefined : canonicalJson(value));

/** Places at which what is heard is not the same everywhere. */
function differences(heard: readonly Heard[]): Apart[] {
  if (heard.length < 2) return [];
  const places = new Set(heard.flatMap(({ kept }) => [...kept.keys()]));
  return [...places].flatMap((place): Apart[] => {
    const words = heard.map(({ table, kept }) => ({ table, value: kept.get(place) }));
    const right = words.find((word) => words.filter((o) => text(o.value) === text(word.value)).length > 1);
    if (!right) return [{ place, alone: null, column: null, kind: 'forked-log' }];
    return words
      .filter(({ value }) => text(value) !== text(right.value))
      .map(({ table, value }) => ({
        place,
        alone: table,
        column: columnOf(value, right.value),
        kind: value === undefined ? 'deleted' : right.value === undefined ? 'inserted' : 'edited',
      }));
  });
}

/** The one field in which two differ; null when it is more than one. */
function columnOf(a: unknown, b: unknown): string | null {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return null;
  const fields = Object.keys({ ...a, ...b }) as (keyof typeof a)[];
  const wrong = fields.filter((field) => text(a[field] ?? null) !== text((b as typeof a)[field] ?? null));
  return wrong.length === 1 ? (wrong[0] ?? null) : null;
}

/** What most of them hold; places at which no two agree are left out. */
function agreedOf(heard: readonly Heard[], apart: ReadonlySet<string>): Kept {
  const agreed = new Map<string, unknown>();
  for (const { kept } of heard)
    for (const [place, value] of kept) {
      const same = heard.filter((other) => text(other.kept.get(place)) === text(value)).length;
      if (same > 1 || (heard.length === 1 && !apart.has(place))) agreed.set(place, value);
    }
  return agreed;
}

/** The first block, the keys in force and the parameters against what is trusted. */
function checkTrusted(
  agreed: Kept,
  trust: MemberTrust,
  { parameters }: Pick<Consortium, 'parameters'>,
  report: Report,
): void {
  const compare = (
    place: string,
    field: string,
    wanted: string | undefined,
    what: string,
    keyOf?: FormerKey['of'],
  ): void => {
    const held = agreed.get(place) as Readonly<Record<string, unknown>> | undefined;
    if (wanted === undefined || held === undefined || held[field] === wanted) return;
    // Two organisations have agreed on a key, and are about to name it.
    if (keyOf !== undefined && notYetInForce(trust, keyOf, wanted, held)) return;
    report(say('chain', 'peers', place, field, 'forged', `Chain holds ${what} than is trusted: ${place}`));
  };
  compare('genesis', 'hash', trust.genesis, 'another first block');
  compare(`key log ${trust.origin}`, 'vkey', trust.log, 'another key of the log in force', 'log');
  for (const organisation of ORGANISATIONS)
    compare(
      `key witness ${organisation}`,
      'vkey',
      trust.witnesses?.[organisation],
      'another key of a witness in force',
      organisation,
    );
  compare(
    `parameters ${parameters.version}`,
    'sha256',
    parameters.sha256,
    'another digest of the parameters',
  );
}

/** Every member's newest cosignature must be its witness's, over the checkpoint that the log has at that size. */
async function checkCosigned(
  { hashing, trust: { verifyNote }, peers, consortium }: VerifySources & { readonly consortium: Consortium },
  agreed: Kept,
  trust: MemberTrust,
  rootAt: (size: number) => Uint8Array | undefined,
  report: Report,
): Promise<number> {
  const sizes: number[] = [];
  for (const organisation of ORGANISATIONS) {
    const kept = agreed.get(`cosignature ${organisation}`) as
      | Omit<StatedCosignature, 'organisation'>
      | undefined;
    const vkeys = kept ? witnessKeys(organisation, kept.size, agreed, trust) : [];
    if (!kept || vkeys.length === 0) continue;
    const wrong = (kind: 'replaced-signature' | 'forked-log', says: string): void =>
      report(
        say(
          'chain',
          'cosignatures',
          `${organisation} ${kept.size}`,
          'line',
          kind,
          `${says}: ${organisation} at size ${kept.size}`,
          {
            rightAt: null,
            wrongAt: kept.size,
          },
        ),
      );
    const note = await noteAt(peers, kept.size);
    if (note === undefined) continue;
    try {
      const { text: signed } = parseNote(note);
      const { root } = parseCheckpoint(signed);
      const keys = vkeys.map((vkey) => parseWitnessKey(vkey, hashing.hash));
      const times = await Promise.all(keys.map((key) => cosignedAt(signed, kept.line, key, verifyNote)));
      const own = rootAt(kept.size);
      if (times.every((time) => time === undefined))
        wrong('replaced-signature', 'Cosignature is not its witness’s over that checkpoint');
      else if (own && !equalBytes(own, root))
        wrong('forked-log', 'Member has cosigned another tree than the log states');
      else sizes.push(kept.size);
    } catch (error) {
      if (!(error instanceof MalformedNote)) throw error;
      wrong('replaced-signature', 'Cosigned checkpoint or its key cannot be read');
    }
  }
  sizes.sort((a, b) => b - a);
  // What two have cosigned in full: each cosigns growth only, so a larger size stands for the smaller ones.
  const cosigned = sizes[ENOUGH - 1] ?? 0;
  if (consortium.demandCosigned && cosigned === 0)
    report(
      say(
        'chain',
        'cosignatures',
        null,
        null,
        'unreadable',
        `Log is cosigned by ${sizes.length} of ${ORGANISATIONS.length} members, ${ENOUGH} are needed; verify again when they have`,
      ),
    );
  return cosigned;
}

/** Witness keys that count: those that are trusted; where nobody brought any along, those that the chain has in force. */
function witnessKeys(
  organisation: (typeof ORGANISATIONS)[number],
  size: number,
  agreed: Kept,
  { log, witnesses, former }: MemberTrust,
): readonly string[] {
  if (witnesses) return keysFor({ log, witnesses, former }, organisation, size);
  const held = agreed.get(`key witness ${organisation}`) as
    | { readonly vkey: string | null; readonly former: readonly string[] }
    | undefined;
  return held ? [held.vkey, ...held.former].filter((key) => key !== null) : [];
}

/** The note of a checkpoint as two peers keep it, or the only one that answers. */
async function noteAt(peers: VerifySources['peers'], size: number): Promise<string | undefined> {
  const kept = await Promise.all(peers.map((peer) => peer.checkpointAt(size).catch(() => undefined)));
  const notes = kept.flatMap((one) => one?.note ?? []);
  return notes.find((note, at) => notes.indexOf(note, at + 1) > at) ?? notes[0];
}
