// Station 7, an export: the whole log as files, and its check without database, chain or network. Laid out so that the log's part of it
// can be served as it is to any tlog client (C2SP tlog-tiles). Reads only; trusts nothing that lies in it; memory stays flat, as entries
// are read a bundle at a time.

import { ORGANISATIONS, type Organisation } from '../domain/consortium.ts';
import { toHex } from './bytes.ts';
import {
  type Certificate,
  type CertificateState,
  checkPersonalSignature,
  fingerprintOf,
  issuedBy,
  issuersAmong,
  type RevocationList,
  readCertificate,
  readRevocationList,
  SIGNATURE_FAULTS,
} from './certificates.ts';
import { MalformedNote, parseCheckpoint, parseNote, parseVerifierKey, verifyNote } from './checkpoint.ts';
import { readEntry } from './entry.ts';
import { endorsedLeaves } from './evidence/blocks.ts';
import type { EvidenceCrypto } from './evidence/check.ts';
import { cosignedBy, ENOUGH, membersOf } from './evidence/cosigned.ts';
import { type EvidenceTrust, keysFor } from './evidence/format.ts';
import { appendLeaves, EMPTY_RANGE, equalBytes, HASH_BYTES, leafHash, rootOfRange } from './merkle.ts';
import { bundleEntries, edgeTiles, fullTilesAt, hashesOf, TILE_WIDTH, tilePath, tileRoot } from './tiles.ts';
import type { Finding, VerifyReport } from './verify-sources.ts';

/** Files of an export, by their path in it. */
export interface ExportFiles {
  /** Undefined when there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Names in a folder; empty when there is none. */
  list(folder: string): Promise<readonly string[]>;
}

/** What `format.json` says. */
export interface ExportFormat {
  readonly format: 'rehab-export';
  readonly v: 1;
  readonly origin: string;
  readonly size: number;
  readonly madeAt: string;
}

/** Name of the file with the entries of bundle `index`: of each its bytes and the service's signature, both empty where one may not read it. */
export const entriesPath = (index: number): string =>
  tilePath({ level: 0, index, width: TILE_WIDTH }).replace('tile/0/', 'entries/');

/** Pieces one behind the other, each behind its length in four bytes, big-endian. */
export function lengthPrefixed(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + 4 + piece.length, 0));
  const view = new DataView(whole.buffer);
  let at = 0;
  for (const piece of pieces) {
    view.setUint32(at, piece.length);
    whole.set(piece, at + 4);
    at += 4 + piece.length;
  }
  return whole;
}

/** The pieces again; undefined when the lengths do not fill the bytes. */
export function piecesOf(bytes: Uint8Array): Uint8Array[] | undefined {
  const pieces: Uint8Array[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const length = at + 4 <= bytes.length ? view.getUint32(at) : bytes.length;
    if (at + 4 + length > bytes.length) return undefined;
    pieces.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return pieces;
}

type Report = (finding: Finding) => void;

const finding = (
  store: Finding['store'],
  table: string,
  row: string | null,
  kind: Finding['kind'],
  says: string,
): Finding => ({
  store,
  table,
  row,
  column: null,
  kind,
  rightAt: null,
  wrongAt: null,
  disagrees: null,
  agree: [],
  says,
});

export interface ExportSources {
  readonly files: ExportFiles;
  readonly trust: EvidenceTrust;
  readonly crypto: EvidenceCrypto;
  /** Milliseconds of a clock that does not run back. */
  readonly clock: () => number;
  readonly progress: (line: string) => void;
}

/**
 * Checks an export: every checkpoint's signature, every tile, every leaf under every checkpoint, every entry's bytes and signatures, each
 * subject's unbroken line, and the leaves that the members' peers endorsed. Never throws for what it finds.
 */
export async function verifyExport(sources: ExportSources): Promise<VerifyReport> {
  const began = sources.clock();
  const findings: Finding[] = [];
  const report: Report = (one) => void findings.push(one);
  const counts = { entries: 0, leaves: 0, anchored: {} as Record<string, number>, pending: 0 };
  let size = 0;
  try {
    const checkpoints = await checkNotes(sources, report);
    const newest = checkpoints.at(-1);
    size = newest?.size ?? 0;
    if (!newest)
      report(
        finding(
          'evidence',
          'checkpoint',
          null,
          'unreadable',
          'Export holds no checkpoint that can be trusted',
        ),
      );
    else {
      await checkCosignatures(sources, report);
      Object.assign(counts, await checkLeaves(sources, checkpoints, size, report));
      counts.anchored = await checkChain(sources, size, report);
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown fault';
    report(finding('evidence', 'export', null, 'unreadable', `Export could not be read to its end: ${why}`));
  }
  const tampered = findings.some(({ kind }) => kind !== 'unreadable' && kind !== 'key-missing');
  return {
    status: tampered ? 'tampered' : findings.length > 0 ? 'unreadable' : 'sound',
    size,
    counts,
    findings,
    notes: [],
    seconds: Math.round((sources.clock() - began) / 10) / 100,
  };
}

const utf8 = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes);

/** The log's checkpoints, each signed by the key that is trusted; smallest first. */
async function checkNotes(
  { files, trust, crypto }: ExportSources,
  report: Report,
): Promise<readonly { readonly size: number; readonly root: Uint8Array }[]> {
  const packed = await files.read('checkpoints');
  const notes = packed && piecesOf(packed);
  if (!notes) {
    report(finding('evidence', 'checkpoints', null, 'unreadable', 'Checkpoints are missing, or cut'));
    return [];
  }
  const newest = await files.read('checkpoint');
  const stated: { size: number; root: Uint8Array }[] = [];
  for (const [at, bytes] of [...notes, ...(newest ? [newest] : [])].entries()) {
    const row = String(at);
    try {
      const note = parseNote(utf8(bytes));
      const { origin, size, root } = parseCheckpoint(note.text);
      const keys = keysFor(trust, 'log', size).map((vkey) => parseVerifierKey(vkey, crypto.hash));
      const verdict = await verifyNote(note, keys, crypto.ed25519);
      if (!verdict.holds || origin !== trust.origin)
        report(
          finding(
            'log',
            'log_checkpoints',
            row,
            'forged-checkpoint',
            'Checkpoint is not signed by the log’s key that is trusted',
          ),
        );
      else {
        const before = stated.at(-1);
        const again = at === notes.length && before?.size === size && equalBytes(before.root, root);
        if (before && size <= before.size && !again)
          report(
            finding(
              'log',
              'log_checkpoints',
              String(size),
              'reordered',
              `Checkpoint does not grow: size ${size}`,
            ),
          );
        else if (!again) stated.push({ size, root });
      }
    } catch (error) {
      if (!(error instanceof MalformedNote || error instanceof TypeError)) throw error;
      report(finding('log', 'log_checkpoints', row, 'edited', 'Checkpoint cannot be read'));
    }
  }
  if (!newest)
    report(finding('evidence', 'checkpoint', null, 'unreadable', 'The newest checkpoint is missing'));
  return stated;
}

/** The newest checkpoint counts when enough of the members whose keys are trusted have cosigned it. */
async function checkCosignatures({ files, trust, crypto }: ExportSources, report: Report): Promise<void> {
  const newest = await files.read('checkpoint');
  let note: string;
  let size: number;
  try {
    note = utf8(newest ?? new Uint8Array(0));
    size = parseCheckpoint(parseNote(note).text).size;
  } catch {
    return; // told of with the checkpoints
  }
  const cosigned = await cosignedBy(note, size, trust, crypto);
  for (const says of cosigned.wrong)
    report(finding('log', 'log_cosignatures', null, 'replaced-signature', says));
  const members = membersOf(cosigned);
  if (members < ENOUGH && cosigned.wrong.length === 0)
    report(
      finding(
        'evidence',
        'checkpoint',
        null,
        'unreadable',
        `Checkpoint is cosigned by ${members} of ${ORGANISATIONS.length} members, ${ENOUGH} are needed: ${cosigned.open.join('; ')}`,
      ),
    );
}

/** Where each subject stands, by pseudonym: version and commitment of its last entry; and the commitments whose entries are not given. */
interface Lines {
  readonly subjects: Map<string, { readonly version: number; readonly last: string }>;
  readonly absent: Set<string>;
}

/** Leaves, tiles, entries and roots up to the newest checkpoint. */
async function checkLeaves(
  sources: ExportSources,
  checkpoints: readonly { readonly size: number; readonly root: Uint8Array }[],
  size: number,
  report: Report,
): Promise<{ entries: number; leaves: number }> {
  const { files, crypto } = sources;
  const judge = await entryJudge(sources, report);
  const lines: Lines = { subjects: new Map(), absent: new Set() };
  const wanted = new Map(checkpoints.map(({ size: at, root }) => [at, root]));
  const levels: Uint8Array[][] = [];
  let range = EMPTY_RANGE;
  let entries = 0;
  for (let first = 0; first < size; first += TILE_WIDTH) {
    const index = first / TILE_WIDTH;
    const width = Math.min(TILE_WIDTH, size - first);
    const tile = await files.read(tilePath({ level: 0, index, width }));
    const bundle = await files.read(tilePath({ level: 'entries', index, width }));
    const packed = await files.read(entriesPath(index));
    const commitments = bundle && bundleEntries(bundle);
    const pieces = packed && piecesOf(packed);
    if (
      commitments?.length !== width ||
      tile?.length !== width * HASH_BYTES ||
      pieces?.length !== 2 * width
    ) {
      report(
        finding(
          'evidence',
          'entries',
          String(first),
          'unreadable',
          `Bundle is missing or cut: entries from ${first}`,
        ),
      );
      return { entries, leaves: range.size };
    }
    for (const [at, leaf] of hashesOf(tile).entries()) {
      const place = first + at;
      const [body, signature, commitment] = [pieces[2 * at], pieces[2 * at + 1], commitments[at]];
      const bodied = body !== undefined && body.length > 0;
      const hashed = bodied ? crypto.hash(body) : commitment;
      if (
        commitment?.length !== HASH_BYTES ||
        hashed === undefined ||
        !equalBytes(hashed, commitment) ||
        !equalBytes(leafHash(hashed, crypto.hash), leaf)
      )
        report(
          finding(
            'log',
            'audit_entries',
            String(place),
            'edited',
            `Entry ${place} does not hash to its leaf`,
          ),
        );
      else if (bodied) {
        entries += 1;
        await judge(place, body, signature ?? new Uint8Array(0), lines);
      } else lines.absent.add(toHex(hashed));
      range = appendLeaves(range, [leaf], crypto.hash);
      const root = wanted.get(place + 1);
      if (root && !equalBytes(rootOfRange(range, crypto.hash), root))
        report(
          finding(
            'log',
            'log_checkpoints',
            String(place + 1),
            'forked-log',
            `Leaves do not hash to the checkpoint of ${place + 1}`,
          ),
        );
    }
    if (width === TILE_WIDTH) {
      levels[0] ??= [];
      levels[0].push(tileRoot(tile, crypto.hash));
    }
    if ((index + 1) % 400 === 0) sources.progress(`Read ${first + width} entries`);
  }
  await checkTiles(sources, levels, size, report);
  return { entries, leaves: range.size };
}

/** Tiles above the leaves, against the roots of those below. */
async function checkTiles(
  { files, crypto }: ExportSources,
  levels: Uint8Array[][],
  size: number,
  report: Report,
) {
  for (let level = 1; (levels[level - 1]?.length ?? 0) > 0; level++) {
    const below = levels[level - 1] ?? [];
    const edge = edgeTiles(size).find((tile) => tile.level === level);
    const tiles = Array.from({ length: fullTilesAt(level, size) }, (_, index) => ({
      level,
      index,
      width: TILE_WIDTH,
    }));
    for (const tile of edge ? [...tiles, edge] : tiles) {
      const from = tile.index * TILE_WIDTH;
      const kept = await files.read(tilePath(tile));
      const right = below.slice(from, from + tile.width);
      if (
        !kept ||
        hashesOf(kept).length !== right.length ||
        !hashesOf(kept).every((one, i) => equalBytes(one, right[i] ?? one.subarray(0, 0)))
      )
        report(
          finding(
            'log',
            'log_tiles',
            `${level}/${tile.index}`,
            kept ? 'edited' : 'deleted',
            `Tile is not what the tiles below it hash to: ${tilePath(tile)}`,
          ),
        );
      if (tile.width === TILE_WIDTH && kept?.length === TILE_WIDTH * HASH_BYTES) {
        levels[level] ??= [];
        levels[level]?.push(tileRoot(kept, crypto.hash));
      }
    }
  }
}

/** Judges an entry: form, its subject's line, the service's signature and the person's. */
async function entryJudge({ files, trust, crypto }: ExportSources, report: Report) {
  const pem = await files.read('certificates.pem');
  const crl = await files.read('crl.pem');
  const blocksOf = (bytes: Uint8Array | undefined, label: string): string[] =>
    (bytes ? utf8(bytes) : '').match(
      new RegExp(`-----BEGIN ${label}-----[^-]*-----END ${label}-----`, 'g'),
    ) ?? [];
  const certificates = new Map<
    string,
    { certificate: Certificate; pem: string; organisation: Organisation | undefined }
  >();
  const authority = async (signed: Pick<Certificate, 'issuer' | 'toBeSigned' | 'signature'>) => {
    for (const organisation of ORGANISATIONS) {
      const root = trust.roots[organisation];
      for (const one of root === undefined ? [] : issuersAmong(signed, [root]))
        if (await crypto.p256(one.publicKey, signed.toBeSigned, signed.signature)) return organisation;
    }
    return undefined;
  };
  for (const text of blocksOf(pem, 'CERTIFICATE')) {
    const certificate = readCertificate(text);
    if (!certificate) continue;
    const fingerprint = fingerprintOf(certificate, crypto.hash);
    const known = { certificate, pem: text, organisation: await authority(certificate) };
    certificates.set(fingerprint, known);
    certificates.set(fingerprint.slice(0, 16), known);
  }
  const lists = new Map<Organisation, RevocationList>();
  for (const text of blocksOf(crl, 'X509 CRL')) {
    const list = readRevocationList(text);
    const organisation = list && (await authority(list));
    if (list && organisation) lists.set(organisation, list);
    else
      report(
        finding(
          'evidence',
          'crl.pem',
          null,
          'forged',
          'A revocation list is not signed by an authority that is trusted',
        ),
      );
  }
  const roots = Object.fromEntries(
    ORGANISATIONS.flatMap((name) => (trust.roots[name] ? [[name, [trust.roots[name]]]] : [])),
  ) as Partial<Record<Organisation, readonly string[]>>;

  return async (place: number, body: Uint8Array, signature: Uint8Array, lines: Lines): Promise<void> => {
    const read = readEntry(body);
    const row = String(place);
    if ('fault' in read) {
      report(finding('log', 'audit_entries', row, 'edited', `Entry ${place} cannot be read: ${read.fault}`));
      return;
    }
    const { entry } = read;
    const name = `${entry.subject.kind} ${entry.subject.pseudonym}`;
    const before = lines.subjects.get(name);
    // An entry that one may not read stands between: its commitment is what the next one names.
    const { previous, version } = entry.subject;
    const skips = previous !== null && lines.absent.has(previous);
    if (!skips && (version !== (before?.version ?? 0) + 1 || previous !== (before?.last ?? null)))
      report(
        finding(
          'log',
          'audit_entries',
          row,
          'reordered',
          `Entry ${place} does not follow its subject’s entry before it`,
        ),
      );
    lines.subjects.set(name, { version, last: toHex(crypto.hash(body)) });

    const service = certificates.get(entry.actor.key);
    const given =
      service !== undefined &&
      service.certificate.attributes['rehab.service'] === 'true' &&
      (await issuedBy(service.certificate, roots.hospital ?? [], crypto.p256)) &&
      entry.at >= service.certificate.notBefore &&
      entry.at <= service.certificate.notAfter;
    if (
      !given ||
      signature.length !== 64 ||
      !(await crypto.p256(service.certificate.publicKey, body, signature))
    )
      report(
        finding(
          'log',
          'audit_entries',
          row,
          'replaced-signature',
          `Entry ${place} is not signed by the service under a certificate that is trusted`,
        ),
      );

    const personal = entry.signature ? certificates.get(entry.signature.certificate) : undefined;
    const state: CertificateState | undefined = personal?.organisation && {
      pem: personal.pem,
      organisation: personal.organisation,
      revokedAt: lists.get(personal.organisation)?.revoked.get(personal.certificate.serial) ?? null,
    };
    const fault = await checkPersonalSignature(entry, state, roots, {
      hash: crypto.hash,
      verify: crypto.p256,
    });
    if (fault)
      report(
        finding(
          'log',
          'audit_entries',
          row,
          'replaced-signature',
          `Entry ${place}: ${SIGNATURE_FAULTS[fault]}`,
        ),
      );
  };
}

/** The blocks' leaves beside the log's; gives how far each organisation has endorsed the log without a gap. */
async function checkChain(
  { files, trust, crypto }: ExportSources,
  size: number,
  report: Report,
): Promise<Record<string, number>> {
  const names = [...(await files.list('blocks'))].sort();
  const endorsed = new Map<Organisation, number>();
  const tileOf = leafTiles(files, size);
  let reached = 0;
  for (const name of names) {
    const bytes = await files.read(`blocks/${name}`);
    const read = bytes ? await endorsedLeaves(bytes, trust, crypto) : { fault: 'it is missing' };
    if ('fault' in read) {
      report(finding('chain', 'blocks', name, 'forged', `Block cannot be relied on: ${read.fault}`));
      continue;
    }
    for (const { first, leaves, by } of read.leaves) {
      for (let at = 0; at < leaves.length; at += HASH_BYTES) {
        const index = first + at / HASH_BYTES;
        if (index >= size) break;
        const tile = await tileOf(Math.floor(index / TILE_WIDTH));
        const from = (index % TILE_WIDTH) * HASH_BYTES;
        if (
          !tile ||
          !equalBytes(tile.subarray(from, from + HASH_BYTES), leaves.subarray(at, at + HASH_BYTES))
        )
          report(
            finding('chain', 'blocks', name, 'forked-log', `Members’ chain holds another leaf at ${index}`),
          );
      }
      if (first <= reached) reached = Math.max(reached, first + leaves.length / HASH_BYTES);
      for (const organisation of by)
        endorsed.set(organisation, (endorsed.get(organisation) ?? 0) + leaves.length / HASH_BYTES);
    }
  }
  if (reached < size)
    report(
      finding(
        'chain',
        'blocks',
        null,
        'unreadable',
        `Blocks show ${reached} of ${size} leaves on the members’ chain`,
      ),
    );
  return Object.fromEntries(ORGANISATIONS.map((name) => [name, Math.min(size, endorsed.get(name) ?? 0)]));
}

/** Reads tiles of leaves, and keeps the one that was read last: leaves come in order. */
function leafTiles(files: ExportFiles, size: number): (index: number) => Promise<Uint8Array | undefined> {
  let last: { readonly index: number; readonly bytes: Uint8Array | undefined } | undefined;
  return async (index) => {
    if (last?.index !== index) {
      const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
      last = { index, bytes: await files.read(tilePath({ level: 0, index, width })) };
    }
    return last.bytes;
  };
}
