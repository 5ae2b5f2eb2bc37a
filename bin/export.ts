// Composition: writes the whole log as files that anybody can check without database, chain or network, and reads them back for that
// check. A folder is whole when its format.json stands in it, which is written last; nothing that is there is written over.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { and, asc, eq, gte, lt, lte } from 'drizzle-orm';
import type { Database } from '../db/connection.ts';
import { auditEntries, certificates, logCheckpoints, logLeaves } from '../db/schema.ts';
import { LOG_ORIGIN } from '../domain/consortium.ts';
import { withCosignatures } from '../ledger/cosignature.ts';
import { leavesInBlock } from '../ledger/evidence/blocks.ts';
import { ENOUGH } from '../ledger/evidence/cosigned.ts';
import { type ExportFiles, type ExportFormat, entriesPath, lengthPrefixed } from '../ledger/export.ts';
import { HASH_BYTES } from '../ledger/merkle.ts';
import { nodeHashing } from '../ledger/record-key.ts';
import { entryBundle, hashesAt, TILE_WIDTH, tilePath, tileRoot } from '../ledger/tiles.ts';

/** Where an export comes from. */
export interface ExportFrom {
  readonly db: Database;
  readonly serviceCertificates: readonly string[];
  revocations(): Promise<readonly string[]>;
  /** The newest size that the chain has accepted. */
  anchored(): Promise<number>;
  /** The members' newest cosignatures, as far as they can be had: each a line of the note at that size. */
  cosignatures(): Promise<readonly { readonly size: number; readonly line: string }[]>;
  blockHeight(): Promise<number>;
  block(number: number): Promise<Uint8Array>;
  /** What this machine itself trusts, for readers; a check never takes it from here. */
  readonly trust: string;
  readonly now: () => Date;
  readonly progress: (line: string) => void;
}

/** Files below a folder. */
export const folderFiles = (folder: string): ExportFiles => ({
  async read(path) {
    try {
      return await readFile(join(folder, path));
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return undefined;
      throw error;
    }
  },
  async list(path) {
    try {
      return await readdir(join(folder, path));
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return [];
      throw error;
    }
  },
});

/** Whether a folder holds a whole export. */
export async function isExport(folder: string): Promise<boolean> {
  return (await folderFiles(folder).read('format.json')) !== undefined;
}

/**
 * Writes an export up to the newest size that the chain has accepted and enough members have cosigned; while there is none,
 * up to the newest accepted one, with the cosignatures it has.
 * @returns that size
 * @throws when the folder is not empty, or nothing is anchored yet
 */
export async function writeExport(from: ExportFrom, folder: string): Promise<number> {
  const { db } = from;
  if ((await folderFiles(folder).list('.')).length > 0)
    throw new Error(`folder is not empty and holds no export; name another one: ${folder}`);
  const { size, lines: cosignatures } = await newestCosigned(from);
  const notes = await db
    .select({ size: logCheckpoints.size, note: logCheckpoints.note })
    .from(logCheckpoints)
    .where(lte(logCheckpoints.size, size))
    .orderBy(asc(logCheckpoints.size));
  const newest = notes.at(-1);
  if (newest?.size !== size || size === 0) throw new Error('nothing is anchored yet; try again in a moment');

  const write = async (path: string, content: Uint8Array | string): Promise<void> => {
    const whole = join(folder, path);
    await mkdir(dirname(whole), { recursive: true, mode: 0o700 });
    await writeFile(whole, content, { flag: 'wx', mode: 0o600 });
  };
  await write('checkpoints', lengthPrefixed(notes.map(({ note }) => Buffer.from(note))));
  await write('checkpoint', withCosignatures(newest.note, cosignatures));
  await writeLog(from, size, write);
  await writeBlocks(from, size, write);
  const persons = await db
    .select({ pem: certificates.pem })
    .from(certificates)
    .orderBy(asc(certificates.fingerprint));
  await write('certificates.pem', lines([...from.serviceCertificates, ...persons.map(({ pem }) => pem)]));
  await write('crl.pem', lines(await from.revocations()));
  await write('trust.json', from.trust);
  const format: ExportFormat = {
    format: 'rehab-export',
    v: 1,
    origin: LOG_ORIGIN,
    size,
    madeAt: from.now().toISOString(),
  };
  // From here on the export is whole.
  await write('format.json', `${JSON.stringify(format)}\n`);
  return size;
}

/** How far an export goes, and who stands for that. */
async function newestCosigned(
  from: Pick<ExportFrom, 'anchored' | 'cosignatures'>,
): Promise<{ readonly size: number; readonly lines: readonly string[] }> {
  const given = await from.cosignatures();
  const anchored = await from.anchored();
  const linesAt = (size: number) => given.filter((one) => one.size === size).map(({ line }) => line);
  const enough = given
    .map(({ size }) => size)
    .filter((size) => size <= anchored && linesAt(size).length >= ENOUGH);
  const size = enough.length > 0 ? Math.max(...enough) : anchored;
  return { size, lines: linesAt(size) };
}

const lines = (pems: readonly string[]): string => pems.map((pem) => `${pem.trim()}\n`).join('');

type Write = (path: string, content: Uint8Array | string) => Promise<void>;

/** Tiles, bundles and entries, 256 at a time. */
async function writeLog({ db, progress }: ExportFrom, size: number, write: Write): Promise<void> {
  const levels: Uint8Array[][] = [];
  /** Adds a hash to a level, and writes its tile when it is full. */
  const add = async (level: number, hash: Uint8Array): Promise<void> => {
    levels[level] ??= [];
    const open = levels[level];
    open.push(hash);
    if (open.length < TILE_WIDTH) return;
    const tile = Buffer.concat(open);
    const index = full[level] ?? 0;
    full[level] = index + 1;
    levels[level] = [];
    await write(tilePath({ level, index, width: TILE_WIDTH }), tile);
    await add(level + 1, tileRoot(tile, nodeHashing.hash));
  };
  const full: number[] = [];
  for (let first = 0; first < size; first += TILE_WIDTH) {
    const end = Math.min(size, first + TILE_WIDTH);
    const rows = await db
      .select({
        commitment: logLeaves.commitment,
        leaf: logLeaves.leafHash,
        body: auditEntries.body,
        signature: auditEntries.signature,
      })
      .from(logLeaves)
      .leftJoin(auditEntries, eq(auditEntries.id, logLeaves.entryId))
      .where(and(gte(logLeaves.index, first), lt(logLeaves.index, end)))
      .orderBy(asc(logLeaves.index));
    if (rows.length !== end - first) throw new Error(`leaves are missing; run rehab verify: from ${first}`);
    const index = first / TILE_WIDTH;
    await write(
      tilePath({ level: 'entries', index, width: rows.length }),
      entryBundle(rows.map(({ commitment }) => commitment)),
    );
    const none = new Uint8Array(0);
    await write(
      entriesPath(index),
      lengthPrefixed(rows.flatMap(({ body, signature }) => [body ?? none, signature ?? none])),
    );
    for (const { leaf } of rows) await add(0, leaf);
    if ((index + 1) % 400 === 0) progress(`Wrote ${end} entries`);
  }
  for (const [level, open] of levels.entries())
    if (open.length > 0)
      await write(
        tilePath({ level, index: Math.floor(hashesAt(level, size) / TILE_WIDTH), width: open.length }),
        Buffer.concat(open),
      );
}

/** Every block that wrote leaves below the size. */
async function writeBlocks(from: ExportFrom, size: number, write: Write): Promise<void> {
  const height = await from.blockHeight();
  let reached = 0;
  for (let number = 0; number < height && reached < size; number++) {
    const bytes = await from.block(number);
    const { leaves } = leavesInBlock(bytes);
    if (leaves.length === 0) continue;
    await write(`blocks/${String(number).padStart(16, '0')}`, bytes);
    for (const run of leaves) reached = Math.max(reached, run.first + run.leaves.length / HASH_BYTES);
  }
}
