// Engines: a system user for each organisation, and one for the hospital's own processes, so that the kernel keeps their
// secrets apart on one machine. Possible only for root; otherwise, and wherever those users could not reach what they
// must run, it says why in one sentence. Never makes an account, and never gives away what lies outside the data folder.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, lchownSync, lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { copyFile, mkdir, rename, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ORGANISATIONS, type Organisation } from '../domain/consortium.ts';
import { EngineTrouble } from './trouble.ts';

/** Numeric user and group of a process. */
export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

/** `operator` is the hospital as who runs web, worker, ledger and Temporal; `hospital` is its node and member. */
export type Owner = Organisation | 'operator';
export const OWNERS = [...ORGANISATIONS, 'operator'] as const;
export type Users = Readonly<Record<Owner, SystemUser>>;

/** Who runs as whom, or why all run as one. */
export type Separation =
  | { readonly users: Users; readonly why?: never }
  | { readonly users?: never; readonly why: string };

/**
 * Numbers that no system hands out (systemd, "Users, Groups, UIDs and GIDs": 60578 to 61183 are unused), for machines
 * without accounts `rehab-administration`, `rehab-hospital`, `rehab-association` and `rehab-operator`.
 */
const FIRST_UID = 60_700;
/** Where programs lie when the cache is behind a closed folder such as /root. */
export const SHARED_CACHE = '/var/cache/rehab';

/** Decides for a data folder, which need not exist yet. */
export function separationOf(dataDir: string): Separation {
  if (process.getuid?.() !== 0)
    return { why: 'only a start as root can give each organisation a system user of its own' };
  const users = chosenUsers();
  const above = dirname(resolve(dataDir));
  const code = join(import.meta.dirname, '..');
  for (const user of Object.values(users)) {
    const blocked = firstBlocked(user, above, code, process.execPath);
    if (blocked !== undefined) return { why: `other system users cannot reach ${blocked}` };
  }
  return { users };
}

/** One sentence for the person who starts. */
export function saysOf({ users, why }: Separation): string {
  return users !== undefined
    ? 'Each organisation runs under a system user of its own, and cannot read the others’ folders'
    : `All three organisations run as one system user, which holds all their secrets: ${why}. To keep them apart give each a machine or a container of its own`;
}

function chosenUsers(): Users {
  let next = FIRST_UID;
  const free = (): number => {
    while (idOf('-nu', String(next)) !== undefined) next += 1;
    next += 1;
    return next - 1;
  };
  const entries = OWNERS.map((owner): [Owner, SystemUser] => {
    const uid = Number(idOf('-u', `rehab-${owner}`));
    const gid = Number(idOf('-g', `rehab-${owner}`));
    if (uid > 0 && gid > 0) return [owner, { uid, gid }];
    const number = free();
    return [owner, { uid: number, gid: number }];
  });
  return Object.fromEntries(entries) as Users; // one entry per owner
}

function idOf(flag: '-u' | '-g' | '-nu', name: string): string | undefined {
  const said = spawnSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return said.status === 0 ? said.stdout.trim() : undefined;
}

/** The first of the three that the user cannot use, or undefined when all is well. */
function firstBlocked(
  { uid, gid }: SystemUser,
  folder: string,
  code: string,
  program: string,
): string | undefined {
  const script = 'cd -- "$1" || exit 11; [ -r "$2/package.json" ] || exit 12; [ -x "$3" ] || exit 13';
  const { status } = spawnSync('/bin/sh', ['-c', script, 'sh', folder, code, program], {
    uid,
    gid,
    stdio: 'ignore',
    cwd: '/',
  });
  return status === 0 ? undefined : status === 12 ? code : status === 13 ? program : folder;
}

/** Lets the users walk through a folder, which they still cannot list. */
export function letThrough(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  chmodSync(folder, 0o711);
}

/** Gives a folder and all in it to a user, and closes it to everybody else. Makes it when it is not there. */
export function giveTo(folder: string, { uid, gid }: SystemUser): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  give(folder, uid, gid);
  chmodSync(folder, 0o700);
}

function give(path: string, uid: number, gid: number): void {
  const state = lstatSync(path, { throwIfNoEntry: false });
  if (state === undefined) return; // gone meanwhile
  if (state.uid !== uid || state.gid !== gid) lchownSync(path, uid, gid);
  if (!state.isDirectory()) return;
  for (const name of readdirSync(path)) give(join(path, name), uid, gid);
}

/** As root: gives what was just written to whom its folder belongs, so that the folder's own processes can read it. */
export function likeItsFolder(path: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(dirname(path));
  if (uid !== 0) chownSync(path, uid, gid);
}

/** The same programs where every one of the users can run them: where they are, or copied into the shared cache. */
export async function runnableBy<Name extends string>(
  users: readonly SystemUser[],
  programs: Readonly<Record<Name, string>>,
): Promise<Record<Name, string>> {
  const entries = await Promise.all(
    Object.entries<string>(programs).map(async ([name, path]) => [
      name,
      users.every((user) => mayRun(user, path)) ? path : await shared(path),
    ]),
  );
  return Object.fromEntries(entries) as Record<Name, string>; // the same names
}

function mayRun({ uid, gid }: SystemUser, path: string): boolean {
  return (
    spawnSync('/bin/sh', ['-c', '[ -x "$1" ]', 'sh', path], { uid, gid, stdio: 'ignore', cwd: '/' })
      .status === 0
  );
}

/** A copy in the shared cache, which root alone writes; made anew when the original is another file by now. */
async function shared(path: string): Promise<string> {
  const from = createHash('sha256').update(dirname(path)).digest('hex').slice(0, 8);
  const folder = join(SHARED_CACHE, `${basename(dirname(path))}-${from}`);
  const copy = join(folder, basename(path));
  const original = await stat(path);
  // A file's time is set to the millisecond.
  const same = (other: typeof original | undefined): boolean =>
    other !== undefined && other.size === original.size && Math.abs(other.mtimeMs - original.mtimeMs) < 2;
  if (same(await stat(copy).catch(() => undefined))) return copy;
  const partial = `${copy}.partial-${process.pid}`;
  try {
    await mkdir(folder, { recursive: true, mode: 0o755 });
    await copyFile(path, partial);
    chmodSync(partial, 0o755);
    await utimes(partial, original.atime, original.mtime);
    await rename(partial, copy);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new EngineTrouble(
      `The organisations' own users cannot run ${path}, and it cannot be copied to ${folder} (${code}): make it runnable for others, or free that folder.`,
    );
  }
  return copy;
}
