// Station 7, evidence: puts one subject's evidence together from what the stores hold. Opens a field only where its value still is
// what the entry recorded and whoever asks may see it; everything else stays a digest. Judges nothing: that is check.ts.

import { toBase64 } from '../bytes.ts';
import { fingerprintOf, keyIdOf, readCertificate, readRevocationList } from '../certificates.ts';
import { pemOf } from '../der.ts';
import type { Entry, Hashing } from '../entry.ts';
import { columnOpening, columnTextDigest, readEntry, subjectPseudonym } from '../entry.ts';
import { type ReadTile, tileTree } from '../tiles.ts';
import type { Evidence, EvidenceBlock, EvidenceEntry, Opening } from './format.ts';

/** An entry as it is stored, with its place in the log when it has one. */
export interface SourceEntry {
  readonly id: string;
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
  readonly index: number | null;
}

/** Where evidence comes from. */
export interface EvidenceSources {
  readonly origin: string;
  readonly madeAt: Date;
  readonly hashing: Hashing;
  readonly subject: { readonly kind: string; readonly id: string };
  /** Key of the subject's digests. */
  readonly digestKey: Uint8Array;
  /** The checkpoint everything is proved under, with the cosignatures there are. */
  readonly checkpoint: { readonly size: number; readonly note: string };
  readonly tile: ReadTile;
  /** The subject's entries, by version from the first. */
  readonly entries: readonly SourceEntry[];
  /** Canonical text of every column of these rows that is not null, as they are now; by row and column. */
  rows(table: string, keys: readonly string[]): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>>;
  mayOpen(table: string, column: string): boolean;
  /** What was signed, by entry; only where it may be shown. */
  statements(): Promise<ReadonlyMap<string, string>>;
  readonly certificates: readonly string[];
  readonly revocations: readonly string[];
  readonly parameters: readonly { readonly version: string; readonly set: string }[];
  /** Blocks that wrote these leaves, and the digests of these parameters, each once; fewer when they cannot be had now. */
  blocks(indexes: readonly number[], versions: readonly string[]): Promise<readonly EvidenceBlock[]>;
}

/** Makes the evidence. Entries that the checkpoint does not cover, and all after them, are counted and left out. */
export async function makeEvidence(sources: EvidenceSources): Promise<Evidence> {
  const { checkpoint, hashing, subject, digestKey } = sources;
  const uncovered = sources.entries.findIndex(({ index }) => index === null || index >= checkpoint.size);
  const covered = uncovered < 0 ? sources.entries : sources.entries.slice(0, uncovered);
  const tree = tileTree(sources.tile, checkpoint.size, hashing.hash);
  const read = covered.flatMap(({ body }) => {
    const one = readEntry(body);
    return 'entry' in one ? [one.entry] : [];
  });
  const openings = await openingsOf(sources, read);
  const statements = await sources.statements();
  const versions = new Set(read.map((entry) => entry.parameters));
  const parameters = sources.parameters.filter(({ version }) => versions.has(version));
  const entries: EvidenceEntry[] = [];
  for (const { id, body, signature, index } of covered)
    if (index !== null)
      entries.push({
        body: toBase64(body),
        signature: toBase64(signature),
        index,
        proof: (await tree.inclusion(index)).map(toBase64),
        openings: openings.get(id) ?? [],
        statement: statements.get(id) ?? null,
      });
  return {
    format: 'rehab-evidence',
    v: 1,
    madeAt: sources.madeAt.toISOString(),
    origin: sources.origin,
    subject: {
      kind: subject.kind,
      pseudonym: subjectPseudonym(digestKey, subject.kind, subject.id, hashing),
    },
    checkpoint: checkpoint.note,
    entries,
    waiting: sources.entries.length - covered.length,
    certificates: certificatesNamed(sources, read),
    revocations: sources.revocations.map((pem) => {
      const list = readRevocationList(pem);
      return list ? pemOf('X509 CRL', list.raw) : pem;
    }),
    parameters,
    blocks: await sources.blocks(
      entries.map(({ index }) => index),
      parameters.map(({ version }) => version),
    ),
  };
}

/** The certificates that these entries name, each once and in the one spelling of PEM. */
function certificatesNamed({ certificates, hashing }: EvidenceSources, read: readonly Entry[]): string[] {
  const named = new Set(read.flatMap(({ actor, signature }) => [actor.key, signature?.certificate]));
  const kept = certificates.flatMap((pem) => {
    const certificate = readCertificate(pem);
    const fingerprint = certificate && fingerprintOf(certificate, hashing.hash);
    return certificate && fingerprint && (named.has(fingerprint) || named.has(keyIdOf(fingerprint)))
      ? [pemOf('CERTIFICATE', certificate.raw)]
      : [];
  });
  return [...new Set(kept)];
}

/** Openings by entry: of every field whose value now is what the entry recorded, and that may be opened. */
async function openingsOf(
  { hashing, digestKey, rows, mayOpen }: EvidenceSources,
  read: readonly Entry[],
): Promise<ReadonlyMap<string, readonly Opening[]>> {
  const wanted = new Map<string, Set<string>>();
  for (const { table, key } of read.flatMap(({ changes }) => changes))
    wanted.set(table, (wanted.get(table) ?? new Set()).add(key));
  const now = new Map(
    await Promise.all(
      [...wanted].map(async ([table, keys]) => [table, await rows(table, [...keys])] as const),
    ),
  );
  return new Map(
    read.map(({ id, changes }) => [
      id,
      changes.flatMap(({ table, key, columns }) =>
        Object.entries(columns).flatMap(([column, digest]): Opening[] => {
          const value = mayOpen(table, column) ? now.get(table)?.get(key)?.get(column) : undefined;
          if (value === undefined) return [];
          if (columnTextDigest(digestKey, id, table, key, column, value, hashing) !== digest) return [];
          return [
            { table, key, column, value, opening: columnOpening(digestKey, id, table, key, column, hashing) },
          ];
        }),
      ),
    ]),
  );
}
