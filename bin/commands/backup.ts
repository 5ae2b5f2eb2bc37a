// Composition: `rehab backup` and `rehab restore`, a stopped machine's data folder as a copy that is whole or none. Each file carries
// its hash, and nothing is restored that differs from it. Never overwrites: what is replaced stays beside, under a name of its own.
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, readlinkSync } from 'node:fs';
import { chmod, lchown, lstat, mkdir, open, readFile, rename, rm, rmdir, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { type Progress, progressToStderr } from '../../engines/progress.ts';
import { takeDataFolder } from '../../engines/stack.ts';
import { EngineTrouble } from '../../engines/trouble.ts';
import { knownSize } from '../known-size.ts';

/** What a machine makes anew at each start, or writes for people alone. */
const LEFT_OUT: ReadonlySet<string> = new Set(['cache', 'lock', 'logs', 'pids', 'run.json']);
/** What `restore` puts into an existing folder by itself: stores whose owner restores them without asking the others. */
type Part = 'postgres' | 'temporal';

const MANIFEST = 'backup.json';
const relativePath = z
  .string()
  .refine(
    (path) => path !== '' && !path.split('/').some((name) => name === '' || name === '.' || name === '..'),
  );
const owned = { path: relativePath, mode: z.number().int(), uid: z.number().int(), gid: z.number().int() };
const manifest = z.object({
  format: z.literal('rehab-backup/1'),
  made: z.iso.datetime(),
  /** Size of the log that this machine had published. */
  logSize: z.number().int().nonnegative(),
  folders: z.array(z.object(owned)),
  files: z.array(z.object({ ...owned, size: z.number().int(), sha256: z.string().regex(/^[0-9a-f]{64}$/) })),
  links: z.array(z.object({ path: relativePath, to: z.string() })),
});
type Manifest = z.output<typeof manifest>;

export interface BackupOptions {
  readonly dataDir: string;
  /** Folder of the backup. */
  readonly folder: string;
  readonly progress?: Progress;
}

/**
 * Copies a stopped machine into a new folder: every store, every key. The manifest is written last, so a copy that was cut
 * off is none. Whoever has the copy has all keys of the machine, those of people whose records were destroyed since included.
 * @throws EngineTrouble when the machine runs, or the folder is not empty
 */
export async function backup({ dataDir, folder, progress = progressToStderr }: BackupOptions): Promise<void> {
  const from = resolve(dataDir);
  const to = resolve(folder);
  if (!existsSync(join(from, 'ports.json')))
    throw new EngineTrouble(`There is no machine in ${from}: name its data folder with --data.`);
  if (`${to}/`.startsWith(`${from}/`))
    throw new EngineTrouble(
      `The backup would lie in the folder that it is of: choose another one than ${to}.`,
    );
  demandEmpty(to);
  const lock = await takeDataFolder(from, progress);
  try {
    await mkdir(to, { recursive: true, mode: 0o700 });
    const kept: Manifest = {
      format: 'rehab-backup/1',
      made: new Date().toISOString(),
      logSize: knownSize(from).get(),
      folders: [],
      files: [],
      links: [],
    };
    for (const name of readdirSync(from).sort())
      if (!LEFT_OUT.has(name) && !name.includes('.replaced-')) await take(from, to, name, kept);
    const text = `${JSON.stringify(kept, null, 1)}\n`;
    await write(join(to, MANIFEST), 0o600, async (file) => await file.writeFile(text));
    progress(
      `Backup of ${kept.files.length} files, log of size ${kept.logSize}, is in ${to}. It holds every key of this machine: keep it as closely. SHA-256 of its ${MANIFEST}: ${sha256(text)}`,
    );
  } finally {
    lock.release();
  }
}

export interface RestoreOptions extends BackupOptions {
  /** Only this store, into the folder of a machine that is there; the one it has is put aside. */
  readonly only?: Part | undefined;
}

/**
 * Makes a data folder from a backup: a new one, or with `only` one store of an existing one. All of it or nothing; each file is
 * held against its hash on the way.
 * @throws EngineTrouble when the backup is damaged, the machine runs, or the folder is there already
 */
export async function restore(options: RestoreOptions): Promise<void> {
  const { only, progress = progressToStderr } = options;
  const from = resolve(options.folder);
  const dataDir = resolve(options.dataDir);
  const kept = await readManifest(from);
  const of = `the backup of ${kept.made}, log of size ${kept.logSize}`;
  if (only !== undefined) {
    await restorePart(from, dataDir, kept, only, progress);
    progress(
      `${only} is as in ${of}; everything else is as it was. Start the machine; then "rehab verify", "rehab replay --all" and "rehab doctor" say what that means.`,
    );
    return;
  }
  demandEmpty(dataDir);
  const making = `${dataDir}.restoring-${process.pid}`;
  try {
    await mkdir(making, { mode: 0o700 });
    await bring(from, making, kept);
    if (existsSync(dataDir)) await rmdir(dataDir);
    await rename(making, dataDir);
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    throw error;
  }
  progress(
    `${dataDir} is as in ${of}. Start it with "rehab start --data ${dataDir}", then run "rehab verify" and "rehab replay --all".`,
  );
}

async function restorePart(
  from: string,
  dataDir: string,
  kept: Manifest,
  part: Part,
  progress: Progress,
): Promise<void> {
  if (!existsSync(join(dataDir, part)))
    throw new EngineTrouble(
      `There is no ${part} in ${dataDir} to be replaced: name its data folder with --data.`,
    );
  const lock = await takeDataFolder(dataDir, progress);
  const making = join(dataDir, `.restoring-${process.pid}`);
  try {
    const within = <T extends { readonly path: string }>(all: readonly T[]): T[] =>
      all.filter(({ path }) => path === part || path.startsWith(`${part}/`));
    await mkdir(making, { mode: 0o700 });
    await bring(from, making, {
      ...kept,
      folders: within(kept.folders),
      files: within(kept.files),
      links: within(kept.links),
    });
    const aside = `${part}.replaced-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`;
    await rename(join(dataDir, part), join(dataDir, aside));
    await rename(join(making, part), join(dataDir, part));
    progress(`What ${part} was until now is kept in ${join(dataDir, aside)}`);
  } finally {
    await rm(making, { recursive: true, force: true });
    lock.release();
  }
}

/** Copies one name and all below it, and notes what it copied. */
async function take(from: string, to: string, path: string, kept: Manifest): Promise<void> {
  const state = await lstat(join(from, path));
  const { uid, gid, size } = state;
  const about = { path, mode: state.mode & 0o777, uid, gid };
  if (state.isSymbolicLink()) {
    const target = readlinkSync(join(from, path));
    await symlink(target, join(to, path));
    kept.links.push({ path, to: target });
  } else if (state.isDirectory()) {
    await mkdir(join(to, path), { mode: 0o700 });
    kept.folders.push(about);
    for (const name of readdirSync(join(from, path)).sort()) await take(from, to, `${path}/${name}`, kept);
  } else if (state.isFile()) {
    const hash = await copy(join(from, path), join(to, path));
    kept.files.push({ ...about, size, sha256: hash });
  } else
    throw new EngineTrouble(`This is neither a file nor a folder, and nothing of ours: ${join(from, path)}.`);
}

/** Brings back what the manifest names, each file held against its hash, with its owner and mode. */
async function bring(from: string, to: string, kept: Manifest): Promise<void> {
  for (const { path } of kept.folders) await mkdir(join(to, path), { mode: 0o700 });
  for (const file of kept.files) {
    const hash = await copy(join(from, file.path), join(to, file.path)).catch((error: unknown) => {
      if ((error as { code?: string }).code === 'ENOENT') return 'missing';
      throw error;
    });
    if (hash !== file.sha256)
      throw new EngineTrouble(
        `The backup in ${from} is damaged, and nothing was restored from it: ${file.path} is ${hash === 'missing' ? 'missing' : 'not what was kept'}.`,
      );
    await belong(join(to, file.path), file);
  }
  for (const { path, to: target } of kept.links) await symlink(target, join(to, path));
  // Folders last, innermost first: a closed one takes no files.
  for (const folder of kept.folders.toReversed()) await belong(join(to, folder.path), folder);
}

async function belong(
  path: string,
  { mode, uid, gid }: { mode: number; uid: number; gid: number },
): Promise<void> {
  // Only root may give away; whoever else restores has it all.
  if (process.getuid?.() === 0) await lchown(path, uid, gid);
  await chmod(path, mode);
}

/** Copies a file durably, and gives the SHA-256 of what was written. */
async function copy(from: string, to: string): Promise<string> {
  const hash = createHash('sha256');
  await write(to, 0o600, async (file) => {
    // Opened here: a stream whose failure comes before anybody listens to it ends the process.
    const source: AsyncIterable<Buffer> = createReadStream(from, { highWaterMark: 2 ** 20 });
    for await (const part of source) {
      hash.update(part);
      await file.writeFile(part);
    }
  });
  return hash.digest('hex');
}

async function write(
  path: string,
  mode: number,
  fill: (file: Awaited<ReturnType<typeof open>>) => Promise<void>,
): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    await fill(file);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function readManifest(folder: string): Promise<Manifest> {
  try {
    return manifest.parse(JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')));
  } catch {
    throw new EngineTrouble(
      `There is no whole backup in ${folder}: its ${MANIFEST}, which is written last, is missing or cannot be read.`,
    );
  }
}

function demandEmpty(folder: string): void {
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new EngineTrouble(`${folder} is not empty, and nothing is overwritten: choose a new folder.`);
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
