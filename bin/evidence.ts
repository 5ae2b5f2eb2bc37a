// Composition: evidence of one case out of the running system, for the command and for the web. Reads the database as whoever
// asks is let to, the peers' blocks, and the members' lists; what cannot be had now is left out, and the checker says so.

import { canonicalColumn } from '../db/change.ts';
import type { Database } from '../db/connection.ts';
import { recordedTable, rowsNow } from '../db/views/entries.ts';
import {
  certificatesNamed,
  checkpointsFor,
  evidenceEntries,
  firstUnder,
  namesOf,
  sealedStatements,
} from '../db/views/evidence.ts';
import { fullTile, levelHashes } from '../db/views/public-log.ts';
import { LOG_ORIGIN } from '../domain/consortium.ts';
import { statementContext } from '../domain/operation-key.ts';
import type { Parameters } from '../domain/parameters.ts';
import { canonicalJson } from '../ledger/canonical.ts';
import { withCosignatures } from '../ledger/cosignature.ts';
import { columnText, readEntry } from '../ledger/entry.ts';
import { ENOUGH } from '../ledger/evidence/cosigned.ts';
import { type Evidence, type EvidenceBlock, evidenceText } from '../ledger/evidence/format.ts';
import { makeEvidence } from '../ledger/evidence/make.ts';
import { verifyPage } from '../ledger/evidence/page/build.ts';
import { packEvidence } from '../ledger/evidence/zip.ts';
import { type KeyRing, nodeHashing, open } from '../ledger/record-key.ts';
import { TILE_WIDTH } from '../ledger/tiles.ts';
import { opensPlainly, opensToCare } from '../web/evidence/opened.ts';
import { caseNumberIn, reportPage } from '../web/evidence/report.tsx';
import type { Text } from '../web/text/text.ts';

/** What evidence is made out of. */
export interface EvidenceFrom {
  readonly db: Database;
  readonly keys: KeyRing;
  readonly parameters: Parameters;
  /** The service's certificates, today's and former ones, PEM. */
  readonly serviceCertificates: readonly string[];
  /** The members' newest cosignatures, as far as they can be had: each a line of the note at that size. */
  cosignatures(): Promise<readonly { readonly size: number; readonly line: string }[]>;
  /** Lists of what each authority revoked, PEM, as far as they can be had. */
  revocations(): Promise<readonly string[]>;
  /**
   * Blocks that wrote these leaves, and the digests of these parameters, as far as they can be had. `since` is the place of
   * the first entry of a case under each version.
   */
  blocks(
    indexes: readonly number[],
    versions: readonly { readonly version: string; readonly since: number }[],
  ): Promise<readonly EvidenceBlock[]>;
  readonly now: () => Date;
}

/**
 * Evidence of a case; undefined while nothing of it is in the log. `care`: also what was found and why, for those who may
 * see it.
 * @throws KeyMissing when the case was erased
 */
export async function caseEvidence(
  from: EvidenceFrom,
  caseId: string,
  care: boolean,
): Promise<Evidence | undefined> {
  const { db } = from;
  const entries = await evidenceEntries(db, caseId);
  const checkpoint = await checkpointOver(from, entries);
  if (!checkpoint || !entries.some(({ index }) => index !== null && index < checkpoint.size))
    return undefined;
  const key = await from.keys.of('case', caseId);
  const fingerprints = new Set<string>();
  const operations = new Map<string, string>();
  const read = entries.flatMap(({ body }) => {
    const one = readEntry(body);
    return 'entry' in one ? [one.entry] : [];
  });
  for (const entry of read) {
    if (entry.signature) fingerprints.add(entry.signature.certificate);
    if (entry.operation) operations.set(entry.id, entry.operation);
  }
  return await makeEvidence({
    origin: LOG_ORIGIN,
    madeAt: from.now(),
    hashing: nodeHashing,
    subject: { kind: 'case', id: caseId },
    digestKey: key.digest,
    checkpoint,
    async tile({ level, index, width }) {
      const at = index * TILE_WIDTH;
      const hashes =
        width === TILE_WIDTH
          ? (await fullTile(db, level, index))?.hashes
          : Buffer.concat(await levelHashes(db, level, at, at + width));
      if (!hashes) throw new Error(`tile is missing; run rehab verify: level ${level}, index ${index}`);
      return hashes;
    },
    entries,
    rows: (table, keys) => canonicalRows(db, table, keys),
    mayOpen: care ? opensToCare : opensPlainly,
    async statements() {
      if (!care) return new Map();
      return new Map(
        (await sealedStatements(db, caseId)).map(({ entryId, sealed }) => {
          const context = statementContext(caseId, operations.get(entryId) ?? '');
          return [entryId, Buffer.from(open(key, Buffer.from(sealed, 'base64'), context)).toString('utf8')];
        }),
      );
    },
    certificates: [...from.serviceCertificates, ...(await certificatesNamed(db, [...fingerprints]))],
    revocations: await from.revocations(),
    parameters: [{ version: from.parameters.version, set: canonicalJson(from.parameters) }],
    blocks: async (indexes, versions) => from.blocks(indexes, await firstUnder(db, versions)),
  });
}

/**
 * The checkpoint to prove entries under: the newest that enough members cosigned and that covers all of them; while there is
 * none, the newest with the cosignatures it has.
 */
async function checkpointOver(
  { db, cosignatures }: EvidenceFrom,
  entries: readonly { readonly index: number | null }[],
): Promise<{ readonly size: number; readonly note: string; readonly enough: boolean } | undefined> {
  const lines = await cosignatures();
  const linesAt = (size: number) => lines.filter((one) => one.size === size).map(({ line }) => line);
  const checkpoints = await checkpointsFor(db, [...new Set(lines.map(({ size }) => size))]);
  const end = Math.max(0, ...entries.map(({ index }) => (index ?? -1) + 1));
  const enough = checkpoints.find(({ size }) => size >= end && linesAt(size).length >= ENOUGH);
  const chosen = enough ?? checkpoints[0];
  return (
    chosen && {
      size: chosen.size,
      note: withCosignatures(chosen.note, linesAt(chosen.size)),
      enough: enough !== undefined,
    }
  );
}

/**
 * Whether a case's evidence would be whole now: every entry has its place under a checkpoint that enough members cosigned.
 * While it is not, evidence says what is still open, and a moment later it may be.
 */
export async function isWhole(from: EvidenceFrom, caseId: string): Promise<boolean> {
  const entries = await evidenceEntries(from.db, caseId);
  const checkpoint = await checkpointOver(from, entries);
  return (
    checkpoint?.enough === true && entries.every(({ index }) => index !== null && index < checkpoint.size)
  );
}

/** A case's evidence file: the evidence, the report in this language, and the page that checks it. */
export async function evidenceFile(
  from: EvidenceFrom,
  caseId: string,
  { care, t }: { readonly care: boolean; readonly t: Text },
): Promise<{ readonly name: string; readonly bytes: Uint8Array } | undefined> {
  const evidence = await caseEvidence(from, caseId, care);
  if (!evidence) return undefined;
  const persons = new Set(
    evidence.entries.flatMap(({ body }) => {
      const one = readEntry(Buffer.from(body, 'base64'));
      return 'entry' in one ? [one.entry.actor.person] : [];
    }),
  );
  return {
    name: `evidence-${caseNumberIn(evidence)}.zip`,
    bytes: packEvidence({
      'README.txt': README,
      'evidence.json': evidenceText(evidence),
      'report.html': reportPage(t, evidence, await namesOf(from.db, [...persons])),
      'verify.html': await verifyPage(),
    }),
  };
}

const README = `Evidence of one case.

evidence.json  what is proved: entries, signatures, proofs, checkpoint, certificates, blocks
verify.html    checks it in a browser, without a network
report.html    the same for reading and printing

Get trust.json from a member of the consortium that you trust, open verify.html, choose this file and trust.json.
The format is described in docs/evidence-format.md of the program.
`;

/** Rows as they are now, every column that is not null by its canonical text. */
async function canonicalRows(
  db: Database,
  table: string,
  keys: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const types = new Map(recordedTable(table)?.columns.map(({ name, type }) => [name, type]));
  return new Map(
    [...(await rowsNow(db, table, keys))].map(([key, row]) => [
      key,
      new Map(
        Object.entries(row).flatMap(([column, value]): [string, string][] => {
          const type = types.get(column);
          return type === undefined || value === null
            ? []
            : [[column, columnText(canonicalColumn(type, value))]];
        }),
      ),
    ]),
  );
}
