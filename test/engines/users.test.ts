// Engines: who runs as whom. What needs root says so where the tests are not root; a whole machine kept apart is tried in
// test/fabric/members.test.ts.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keptSecret } from '../../engines/secrets.ts';
import {
  giveTo,
  likeItsFolder,
  OWNERS,
  runnableBy,
  SHARED_CACHE,
  saysOf,
  separationOf,
} from '../../engines/users.ts';
import { checkoutIsOpenToOthers, temporaryFolder } from '../support/engines.ts';

const root = process.getuid?.() === 0;
if (!root) console.info('not run here: giving folders to other system users, because the tests are not root');
const SOMEBODY = { uid: 60_790, gid: 60_790 };

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

/** What a process of that user prints. */
function as({ uid, gid }: typeof SOMEBODY, script: string): string {
  const loader = ['--import', 'tsx', '--input-type=module', '-e', script];
  return spawnSync(process.execPath, loader, {
    uid,
    gid,
    cwd: join(import.meta.dirname, '../..'),
    env: { PATH: process.env.PATH, TMPDIR: '/tmp' },
    encoding: 'utf8',
  }).stdout.trim();
}

describe.runIf(root)('as root', () => {
  test('four users that are different and not root, where others can reach the folder', () => {
    chmodSync(folder.path, 0o711);
    const separation = separationOf(join(folder.path, 'data'));
    if (!checkoutIsOpenToOthers()) {
      expect(saysOf(separation)).toContain('other system users cannot reach');
      return;
    }
    const uids = OWNERS.map((owner) => separation.users?.[owner].uid);
    expect(new Set(uids).size).toBe(OWNERS.length);
    expect(uids).not.toContain(0);
    expect(separationOf(join(folder.path, 'data'))).toEqual(separation);
  });

  test('a closed folder above it is named, and no user is given', () => {
    const separation = separationOf(join(folder.path, 'data'));
    expect(separation.users).toBeUndefined();
    expect(saysOf(separation)).toBe(
      `All three organisations run as one system user, which holds all their secrets: other system users cannot reach ${folder.path}. To keep them apart give each a machine or a container of its own`,
    );
  });

  test('a folder that is given is closed to others, and what a link in it leads to is left alone', () => {
    const given = join(folder.path, 'given');
    const foreign = join(folder.path, 'foreign');
    mkdirSync(join(given, 'deep'), { recursive: true, mode: 0o755 });
    writeFileSync(join(given, 'deep', 'file'), 'x');
    mkdirSync(foreign);
    writeFileSync(join(foreign, 'file'), 'x');
    symlinkSync(foreign, join(given, 'link'));
    giveTo(given, SOMEBODY);
    for (const path of ['', 'deep', 'deep/file', 'link'])
      expect(`${path} ${lstatSync(join(given, path)).uid}`).toBe(`${path} ${SOMEBODY.uid}`);
    expect(lstatSync(given).mode & 0o777).toBe(0o700);
    for (const path of ['', 'file']) expect(lstatSync(join(foreign, path)).uid).toBe(0);
  });

  test('what is written into somebody’s folder becomes theirs, a new secret too', () => {
    giveTo(join(folder.path, 'keys'), SOMEBODY);
    keptSecret(folder.path, 'one');
    expect(lstatSync(join(folder.path, 'keys', 'one'))).toMatchObject(SOMEBODY);
    const mine = join(folder.path, 'mine');
    writeFileSync(mine, 'x');
    likeItsFolder(mine);
    expect(lstatSync(mine).uid).toBe(0);
  });

  test('a program behind a closed folder is copied to where the user can run it, and anew when it changes', async () => {
    const program = join(folder.path, 'says');
    writeFileSync(program, '#!/bin/sh\necho one\n', { mode: 0o755 });
    const { says } = await runnableBy([SOMEBODY], { says: program });
    expect(says.startsWith(SHARED_CACHE)).toBe(true);
    try {
      const run = () => spawnSync(says, { ...SOMEBODY, cwd: '/', encoding: 'utf8' }).stdout;
      expect(run()).toBe('one\n');
      writeFileSync(program, '#!/bin/sh\necho another\n');
      expect(await runnableBy([SOMEBODY], { says: program })).toEqual({ says });
      expect(run()).toBe('another\n');
    } finally {
      await rm(dirname(says), { recursive: true });
    }
    chmodSync(folder.path, 0o711);
    expect(await runnableBy([SOMEBODY], { says: program })).toEqual({ says: program });
  });

  test.runIf(checkoutIsOpenToOthers())(
    'a folder that was started as root is refused to an ordinary user in one sentence',
    () => {
      chmodSync(folder.path, 0o711);
      const dataDir = join(folder.path, 'data');
      mkdirSync(join(dataDir, 'members', 'hospital'), { recursive: true });
      chownSync(dataDir, SOMEBODY.uid, SOMEBODY.gid);
      giveTo(join(dataDir, 'members', 'hospital'), { uid: 60_791, gid: 60_791 });
      const stack = pathToFileURL(join(import.meta.dirname, '../../engines/stack.ts')).href;
      const script = `
        const { takeDataFolder } = await import(${JSON.stringify(stack)});
        await takeDataFolder(${JSON.stringify(dataDir)}, () => {}).catch((error) => console.log(error.message));`;
      expect(as(SOMEBODY, script)).toBe(
        `The data folder ${dataDir} was last started as root, which gave members/hospital to a system user of its own: start as root again, or choose another folder with --data.`,
      );
    },
  );

  test.runIf(checkoutIsOpenToOthers())('an ordinary user separates nobody, and says so', () => {
    const users = pathToFileURL(join(import.meta.dirname, '../../engines/users.ts')).href;
    const script = `
      const { separationOf } = await import(${JSON.stringify(users)});
      console.log(separationOf('/tmp/data').why);`;
    expect(as(SOMEBODY, script)).toBe(
      'only a start as root can give each organisation a system user of its own',
    );
  });
});
