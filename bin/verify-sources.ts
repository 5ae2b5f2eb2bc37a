// Composition: verification's sources over the running system: the database as `rehab_verify`, in one snapshot; each
// organisation's own peer; certificates and keys from where they are kept. Reads only, and makes nothing that is missing.
import { verify as verifyBytes, X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import postgres from 'postgres';
import { canonicalColumn, tableShape } from '../db/change.ts';
import { guardFaults } from '../db/guards.ts';
import { roleUrl } from '../db/migrate.ts';
import { RECORDED, type RecordedName } from '../db/schema.ts';
import { ORGANISATIONS, type Organisation } from '../domain/consortium.ts';
import { parseVerifierKey } from '../ledger/checkpoint.ts';
import type { ColumnValue } from '../ledger/entry.ts';
import type { EvidenceTrust } from '../ledger/evidence/format.ts';
import type { Chain, ChainCertificate } from '../ledger/fabric/client.ts';
import { type FabricProfile, identityFiles } from '../ledger/fabric/profile.ts';
import { ChainRefusal } from '../ledger/fabric/trouble.ts';
import { BrokenListing, type PeerLog } from '../ledger/reader.ts';
import { KeyMissing, type KeyStore, keyRing, nodeHashing } from '../ledger/record-key.ts';
import { certificateHolds, certificateKeyId, ed25519From } from '../ledger/signing.ts';
import {
  NO_VALUE,
  type OutsideChange,
  type PeerState,
  type StoredAnchor,
  type StoredCheckpoint,
  type StoredEntry,
  type StoredLeaf,
  type StoredLog,
  type StoredRow,
  type StoredTile,
  type Trust,
  type VerifySources,
} from '../ledger/verify-sources.ts';
import { databaseUrl, type Machine } from './machine.ts';

/** The database as the role that verifies, also in a process that was given another role's address. */
export const verifierUrl = (machine: Machine): string =>
  machine.run
    ? roleUrl(machine.run.postgres.owner, 'verify', machine.secrets.passwords)
    : databaseUrl(machine, 'verify');

/** Says why a data folder cannot be verified, when its keys were never made or lie elsewhere. */
export function lacksKeys(dataDir: string): string | undefined {
  return existsSync(join(dataDir, 'keys', 'log'))
    ? undefined
    : `data folder has no keys; name the folder of the machine with --data: ${dataDir}`;
}

/** Each organisation's own peer, as a reader of the log. */
export function peersOf(chain: Chain): PeerLog[] {
  return ORGANISATIONS.map((organisation) => ({
    organisation,
    head: () => chain.head(organisation),
    checkpointAt: (size) => chain.checkpointAt(organisation, size),
    async leaves(first, count) {
      try {
        return await chain.leaves(organisation, first, count);
      } catch (error) {
        if (error instanceof ChainRefusal && error.code === 'BROKEN_LEAVES') {
          const [objection] = error.objections;
          const index = objection?.kind === 'refused' ? Number(objection.facts.index) : first;
          throw new BrokenListing(Number.isSafeInteger(index) ? index : first);
        }
        throw error;
      }
    },
  }));
}

/** Certificates in one answer of a peer. */
const CERTIFICATES = 500;

/** What each organisation's own peer keeps beside the leaves. */
export function peerStatesOf(chain: Chain): PeerState[] {
  return ORGANISATIONS.map((organisation) => ({
    organisation,
    height: () => chain.blockHeight(organisation),
    genesis: () => chain.genesis(organisation),
    keys: () => chain.keys(organisation),
    async certificates() {
      const found: ChainCertificate[] = [];
      for (const issuer of ORGANISATIONS)
        for (let after = '', full = true; full; ) {
          const page = await chain.certificatesOf(organisation, issuer, after, CERTIFICATES);
          found.push(...page);
          after = page.at(-1)?.fingerprint ?? after;
          full = page.length === CERTIFICATES;
        }
      return found;
    },
    parameters: (version) => chain.parametersOf(organisation, version),
    cosignatures: () => chain.newestCosignatures(organisation),
  }));
}

/** Certificates of the service: today's, and former ones that entries may still name. */
export function serviceCertificates(profile: FabricProfile): X509Certificate[] {
  const { certPath } = identityFiles(profile, 'hospital', 'service');
  const folder = dirname(certPath);
  const former = readdirSync(folder).filter((name) => /^former-[0-9a-f]+\.pem$/.test(name));
  return [certPath, ...former.map((name) => join(folder, name))].map(
    (path) => new X509Certificate(readFileSync(path)),
  );
}

/** Each organisation's authority as the profile names it (PEM). */
export const rootsOf = (profile: FabricProfile): Trust['roots'] =>
  Object.fromEntries(
    ORGANISATIONS.map((name) => [name, [readFileSync(profile.organisations[name].ca.rootPath, 'utf8')]]),
  );

/** What is trusted beforehand. */
export interface TrustRoots extends Pick<Trust, 'origin' | 'roots'>, Pick<EvidenceTrust, 'former'> {
  /** The log's keys (vkey) that are in force. */
  readonly logKeys: readonly string[];
}

/** What a member's trust.json says. */
export const trustIn = ({ origin, log, roots, former }: EvidenceTrust): TrustRoots => ({
  origin,
  logKeys: [log],
  former,
  roots: Object.fromEntries(Object.entries(roots).map(([name, pem]) => [name, [pem]])),
});

/** Trust in certificates that descend from the roots, and in the log's keys. */
export function trustOf(
  certificates: readonly X509Certificate[],
  { origin, roots, logKeys, former = [] }: TrustRoots,
): Trust {
  const authorities = (roots.hospital ?? []).map((pem) => new X509Certificate(pem));
  const formerOnes = former.filter(({ of }) => of === 'log');
  return {
    origin,
    logKeys: [
      ...logKeys.map((vkey) => parseVerifierKey(vkey, nodeHashing.hash)),
      ...formerOnes.map(({ key, until }) => ({ ...parseVerifierKey(key, nodeHashing.hash), until })),
    ],
    verifyNote: (publicKey, message, signature) =>
      verifyBytes(null, message, ed25519From(publicKey), signature),
    roots,
    // A chain is checked once per certificate, its time of validity per entry.
    serviceKeys: certificates.map((certificate) => ({
      keyId: certificateKeyId(certificate),
      spki: certificate.publicKey.export({ format: 'der', type: 'spki' }),
      issued: certificateHolds(certificate, authorities, new Date(certificate.validFrom)),
      from: certificate.validFromDate.getTime(),
      to: certificate.validToDate.getTime(),
    })),
  };
}

/** The key that digests a subject's columns, from where keys are kept. */
export function digestKeys(keyStore: KeyStore): VerifySources['digestKey'] {
  const ring = keyRing(keyStore, 20_000);
  return async (kind, id) => {
    try {
      return (await (kind === 'case' ? ring.of('case', id) : ring.of('system', 'system'))).digest;
    } catch (error) {
      if (error instanceof KeyMissing) return undefined;
      throw error;
    }
  };
}

/** Rows of one portion. Entries come with their bytes, some thousands each, so portions stay below a few megabytes. */
const PORTION = 500;
/** Blocks of a table's file that are read at once: some hundred rows. */
const BLOCKS = 8;

/** An instant as it was written. */
const ISO = (column: string): string =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Both as 32 bits, which is what a row carries of the transaction that wrote it; frozen ones keep it. */
const TRANSACTIONS = 'e.xact::xid::text::float8 as stated_by, e.xmin::text::float8 as written_by';

const ENTRY_COLUMNS = `e.id, e.subject_kind, e.subject_id, e.subject_version, e.event, e.person_id,
  ${ISO('e.at')} as at, e.body, e.signature, e.key_id, ${TRANSACTIONS}`;

const LEAVES = `select l.index, l.entry_id, l.commitment, l.leaf_hash, ${ENTRY_COLUMNS}
  from public.log_leaves l left join public.audit_entries e on e.id = l.entry_id`;

type LeafRecord = EntryRecord & {
  index: string;
  entry_id: string;
  commitment: Uint8Array;
  leaf_hash: Uint8Array;
};

const storedLeaf = (row: LeafRecord): StoredLeaf => ({
  index: Number(row.index),
  entryId: row.entry_id,
  commitment: row.commitment,
  leafHash: row.leaf_hash,
  entry: row.id === null ? null : storedEntry(row),
});

interface RowRecord {
  row: Record<string, unknown>;
  id: string | null;
  subject_kind: string;
  subject_id: string;
  body: Uint8Array;
  row_by: number;
  stated_by: number;
  written_by: number;
}

interface EntryRecord {
  id: string | null;
  subject_kind: string;
  subject_id: string;
  subject_version: number;
  event: string;
  person_id: string;
  at: string;
  body: Uint8Array;
  signature: Uint8Array;
  key_id: string;
  stated_by: number;
  written_by: number;
}

/** A snapshot of the database, held until `close`. */
export interface Snapshot extends StoredLog {
  close(): Promise<void>;
}

/** Connections that read at once: what one of them waits for, the others read. */
const READERS = Math.min(4, availableParallelism());

/**
 * Takes one snapshot: REPEATABLE READ, READ ONLY, on connections of its own, all of which see the same. What commits later is
 * not in it, so work goes on meanwhile and is never a finding.
 */
export async function openSnapshot(url: string, readers = READERS): Promise<Snapshot> {
  const sql = postgres(url, {
    max: readers,
    connect_timeout: 10,
    onnotice: () => undefined,
    connection: {
      application_name: 'rehab-verify',
      statement_timeout: 600_000,
      lock_timeout: 10_000,
      // Peers may be slow between two portions.
      idle_in_transaction_session_timeout: 0,
      search_path: 'pg_catalog, public',
      TimeZone: 'UTC',
      DateStyle: 'ISO',
    } as Record<string, string | number>,
  });
  const close = () => sql.end({ timeout: 5 });
  const held: postgres.ReservedSql[] = [];
  try {
    for (let at = 0; at < readers; at++) held.push(await sql.reserve());
    const [first, ...others] = held as [postgres.ReservedSql, ...postgres.ReservedSql[]];
    await first.unsafe(BEGIN);
    // The snapshot is taken by the first statement, not by BEGIN.
    const [exported] = await first.unsafe<{ name: string }[]>('select pg_export_snapshot() as name');
    for (const other of others) {
      await other.unsafe(BEGIN);
      // The name is Postgres's own.
      await other.unsafe(`set transaction snapshot '${exported?.name}'`);
    }
    return {
      ...storedLogOver(first, others),
      async close() {
        for (const one of held) one.release();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The newest size that is called anchored, as the database has it by now. */
export async function newestAnchor(url: string): Promise<number> {
  const sql = postgres(url, { max: 1, connect_timeout: 10, onnotice: () => undefined });
  try {
    const [row] = await sql<
      { size: string | null }[]
    >`select max(size)::text as size from public.log_anchors`;
    return Number(row?.size ?? 0);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

const BEGIN = 'begin transaction isolation level repeatable read read only';

type Reader = Pick<postgres.ReservedSql, 'unsafe'>;

/**
 * The log as these connections see it. The caller holds a transaction open on each, and in all of them every answer is of one
 * instant. What is read by pieces comes in the order in which one connection alone would read it.
 */
export function storedLogOver(one: Reader, others: readonly Reader[] = []): StoredLog {
  const readers = [one, ...others];
  let cursors = 0;

  async function* portions<T>(query: string): AsyncGenerator<readonly T[]> {
    const name = `portion_${cursors++}`;
    await one.unsafe(`declare ${name} no scroll cursor for ${query}`);
    const fetch = () => one.unsafe(`fetch ${PORTION} from ${name}`);
    let next = fetch();
    for (;;) {
      const rows = await next;
      if (rows.length === 0) break;
      // The next portion is on its way while this one is checked. When it fails, that is told in its turn.
      next = fetch();
      next.catch(() => undefined);
      yield rows as unknown as readonly T[];
    }
    await one.unsafe(`close ${name}`);
  }
  async function* mapped<T, U>(query: string, shape: (row: T) => U): AsyncGenerator<readonly U[]> {
    for await (const portion of portions<T>(query)) yield portion.map(shape);
  }
  /** What `query` gives for each of these ranges in turn, each reader with two of them under way. Empty ones are left out. */
  async function* ranged<T, U>(
    query: string,
    ranges: readonly (readonly [from: string, to: string])[],
    shape: (row: T) => U,
  ): AsyncGenerator<readonly U[]> {
    const asked: Promise<unknown>[] = [];
    for (let at = 0; at < ranges.length + 2 * readers.length; at++) {
      const range = ranges[at];
      if (range) {
        const answer = (readers[at % readers.length] as Reader).unsafe(query, [...range], { prepare: true });
        // One that fails while an earlier one is awaited is told of when its turn comes.
        answer.catch(() => undefined);
        asked.push(answer);
      }
      if (at < 2 * readers.length - 1) continue;
      const rows = (await asked.shift()) as readonly T[] | undefined;
      if (rows && rows.length > 0) yield rows.map(shape);
    }
  }

  return {
    async *leaves() {
      const [counted] = await one.unsafe<{ count: string }[]>('select count(*) from public.log_leaves');
      const whole = Math.floor(Number(counted?.count ?? 0) / PORTION);
      // Leaves stand one behind the other from 0: what was moved before or behind them is read by a cursor.
      const ends = `${LEAVES} where l.index`;
      yield* mapped(`${ends} < 0 order by l.index`, storedLeaf);
      yield* ranged(
        `${LEAVES} where l.index >= $1::bigint and l.index < $2::bigint order by l.index`,
        Array.from({ length: whole }, (_, at) => [String(at * PORTION), String((at + 1) * PORTION)] as const),
        storedLeaf,
      );
      yield* mapped(`${ends} >= ${whole * PORTION} order by l.index`, storedLeaf);
    },
    pending: () =>
      mapped(
        `select ${ENTRY_COLUMNS} from public.audit_entries e
         where not exists (select 1 from public.log_leaves l where l.entry_id = e.id)
         order by e.xact, e.subject_kind, e.subject_id, e.subject_version`,
        storedEntry,
      ),
    entries: async (ids) =>
      (
        await one.unsafe<EntryRecord[]>(
          `select ${ENTRY_COLUMNS} from public.audit_entries e where e.id = any($1::uuid[])`,
          [ids as string[]],
        )
      ).map(storedEntry),
    checkpoints: () =>
      mapped<{ size: string; root: Uint8Array; note: string; previous: string }, StoredCheckpoint>(
        'select size, root, note, previous from public.log_checkpoints order by size',
        (row) => ({ ...row, size: Number(row.size), previous: Number(row.previous) }),
      ),
    anchors: () =>
      mapped<{ size: string; root: Uint8Array; at: string; note: string }, StoredAnchor>(
        `select size, root, ${ISO('at')} as at, note from public.log_anchors order by size`,
        (row) => ({ ...row, size: Number(row.size) }),
      ),
    tiles: () =>
      mapped<{ level: number; index: string; hashes: Uint8Array; root: Uint8Array }, StoredTile>(
        'select level, index, hashes, root from public.log_tiles order by level, index',
        (row) => ({ ...row, index: Number(row.index) }),
      ),
    outsideChanges: () =>
      mapped<
        {
          id: string;
          at: string;
          size: string;
          role: string;
          table_name: string;
          row_key: string | null;
          verb: OutsideChange['verb'];
          columns: string[];
        },
        OutsideChange
      >(
        `select id, ${ISO('at')} as at, size, case when session_role = acting_role then session_role else session_role || ' as ' || acting_role end as role, table_name, row_key, verb, columns
         from public.outside_changes order by id`,
        ({ table_name, row_key, ...row }) => ({
          ...row,
          id: Number(row.id),
          size: Number(row.size),
          table: table_name,
          row: row_key,
        }),
      ),
    certificates: async () =>
      (
        await one.unsafe<
          { fingerprint: string; pem: string; organisation: Organisation; revoked_at: string | null }[]
        >(
          `select fingerprint, pem, organisation, ${ISO('revoked_at')} as revoked_at from public.certificates`,
        )
      ).map(({ revoked_at, ...row }) => ({ ...row, revokedAt: revoked_at })),
    guardFaults: () => guardFaults(async <T>(query: string) => (await one.unsafe(query)) as unknown as T[]),
    heads: async () =>
      (
        await one.unsafe<{ id: number; size: string; root: Uint8Array; range: Uint8Array }[]>(
          'select id, size, root, range from public.log_head order by id',
        )
      ).map(({ id, size, root, range }) => ({ id, size: Number(size), root, range })),
    subjects: () =>
      mapped<
        { kind: string; id: string; version: number; last: Uint8Array; entry_id: string },
        { kind: string; id: string; version: number; last: Uint8Array; entryId: string }
      >('select kind, id, version, last, entry_id from public.audit_subjects', ({ entry_id, ...row }) => ({
        ...row,
        entryId: entry_id,
      })),
    tables: Object.keys(RECORDED).map((table) => tableShape(table as RecordedName).name),
    async *rows(table) {
      // The name is one of ours, never from outside.
      const query = `select to_jsonb(r) as row, r.xmin::text::float8 as row_by, e.id, e.subject_kind, e.subject_id, e.body, ${TRANSACTIONS}
         from public.${table} r left join public.audit_entries e on e.id = r.entry_id`;
      const shape = (one: RowRecord): StoredRow => ({
        ...storedRow(table, one.row),
        writtenBy: one.row_by,
        entry:
          one.id === null
            ? null
            : {
                subjectKind: one.subject_kind,
                subjectId: one.subject_id,
                body: one.body,
                statedBy: one.stated_by,
                writtenBy: one.written_by,
              },
      });
      const [size] = await one.unsafe<{ blocks: number }[]>(
        `select (pg_relation_size('public.${table}') / current_setting('block_size')::int)::int as blocks`,
      );
      // Where it stands in the table's file; what was added since the file was measured is not in the snapshot.
      const whole = Math.floor((size?.blocks ?? 0) / BLOCKS);
      yield* ranged(
        `${query} where r.ctid >= $1::text::tid and r.ctid < $2::text::tid`,
        Array.from({ length: whole }, (_, at) => [`(${at * BLOCKS},0)`, `(${(at + 1) * BLOCKS},0)`] as const),
        shape,
      );
      yield* mapped(`${query} where r.ctid >= '(${whole * BLOCKS},0)'::tid`, shape);
    },
  };
}

function storedEntry(row: EntryRecord): StoredEntry {
  return {
    id: row.id as string, // only asked where there is one
    subjectKind: row.subject_kind,
    subjectId: row.subject_id,
    subjectVersion: row.subject_version,
    event: row.event,
    personId: row.person_id,
    at: row.at,
    body: row.body,
    signature: row.signature,
    keyId: row.key_id,
    statedBy: row.stated_by,
    writtenBy: row.written_by,
  };
}

const typesByTable = new Map<string, ReadonlyMap<string, string>>();
for (const table of Object.keys(RECORDED) as RecordedName[]) {
  const shape = tableShape(table);
  typesByTable.set(shape.name, new Map(shape.columns.map(({ name, type }) => [name, type])));
}

/** Every column that the database has, also one that the schema does not know: nobody may have written it. */
function storedRow(table: string, row: Record<string, unknown>): Omit<StoredRow, 'entry' | 'writtenBy'> {
  const types = typesByTable.get(table);
  const columns: Record<string, ColumnValue | typeof NO_VALUE | null> = {};
  for (const [name, value] of Object.entries(row)) {
    if (name === 'entry_id') continue;
    columns[name] = value === null ? null : canonical(types?.get(name) ?? '', value);
  }
  return { key: String(row.id), entryId: String(row.entry_id), columns };
}

function canonical(type: string, value: unknown): ColumnValue | typeof NO_VALUE {
  try {
    return canonicalColumn(type, value);
  } catch {
    // An instant at infinity, for one: no writer of ours can have meant it.
    return NO_VALUE;
  }
}
