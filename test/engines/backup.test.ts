// What `rehab backup` and `rehab restore` refuse, and what they keep, over small folders. A whole machine is restored in test/drill.
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { backup, restore } from '../../bin/commands/backup.ts';
import { tryLock } from '../../engines/lock.ts';
import { silent } from '../../engines/progress.ts';
import { temporaryFolder } from '../support/engines.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const at = (...names: string[]): string => join(folder.path, ...names);
const kept = { folder: '', dataDir: '', progress: silent };

beforeEach(async () => {
  folder = await temporaryFolder();
  Object.assign(kept, { folder: at('backup'), dataDir: at('data') });
  for (const name of ['keys', 'postgres/base', 'temporal', 'log', 'logs', 'pids'])
    mkdirSync(at('data', name), { recursive: true, mode: 0o700 });
  writeFileSync(at('data/ports.json'), '{"web":1}');
  writeFileSync(at('data/keys/log'), 'a secret', { mode: 0o600 });
  writeFileSync(at('data/postgres/base/1'), Buffer.alloc(3 * 2 ** 20, 7));
  writeFileSync(at('data/temporal/temporal.db'), 'older');
  writeFileSync(at('data/log/published-size'), '40\n');
  writeFileSync(at('data/logs/web.log'), 'a line');
  writeFileSync(at('data/run.json'), '{}');
  symlinkSync('base/1', at('data/postgres/link'));
});
afterEach(() => folder.remove());

test('what comes back is what was there, with its modes; what a start makes anew is left out', async () => {
  await backup(kept);
  expect(statSync(kept.folder).mode & 0o777).toBe(0o700);
  await restore({ ...kept, dataDir: at('fresh') });
  expect(readdirSync(at('fresh')).sort()).toEqual(['keys', 'log', 'ports.json', 'postgres', 'temporal']);
  expect(readFileSync(at('fresh/keys/log'), 'utf8')).toBe('a secret');
  expect(statSync(at('fresh/keys/log')).mode & 0o777).toBe(0o600);
  expect(statSync(at('fresh/keys')).mode & 0o777).toBe(0o700);
  expect(readFileSync(at('fresh/postgres/link')).equals(readFileSync(at('data/postgres/base/1')))).toBe(true);
});

test('one store goes back alone, and the one that was there stays beside it', async () => {
  await backup(kept);
  writeFileSync(at('data/temporal/temporal.db'), 'newer');
  writeFileSync(at('data/keys/log'), 'as it is now');
  await restore({ ...kept, only: 'temporal' });
  expect(readFileSync(at('data/temporal/temporal.db'), 'utf8')).toBe('older');
  expect(readFileSync(at('data/keys/log'), 'utf8')).toBe('as it is now');
  const [aside = ''] = readdirSync(at('data')).filter((name) => name.startsWith('temporal.replaced-'));
  expect(readFileSync(at('data', aside, 'temporal.db'), 'utf8')).toBe('newer');
  // What was put aside is no part of the machine.
  await backup({ ...kept, folder: at('second') });
  expect(existsSync(at('second', aside))).toBe(false);
});

describe('a backup', () => {
  test.each([
    [
      'one byte more',
      () => appendFileSync(at('backup/postgres/base/1'), 'x'),
      /damaged.*postgres\/base\/1 is not what was kept/,
    ],
    ['one file less', () => rmSync(at('backup/keys/log')), /damaged.*keys\/log is missing/],
    [
      'no manifest, as when it was cut off',
      () => rmSync(at('backup/backup.json')),
      /There is no whole backup/,
    ],
    [
      'a path that leads out of the folder',
      () =>
        writeFileSync(
          at('backup/backup.json'),
          readFileSync(at('backup/backup.json'), 'utf8').replace('"keys/log"', '"../keys/log"'),
        ),
      /There is no whole backup/,
    ],
  ])('with %s is refused, and nothing is restored', async (_, damage, words) => {
    await backup(kept);
    damage();
    await expect(restore({ ...kept, dataDir: at('fresh') })).rejects.toThrow(words);
    expect(readdirSync(folder.path).sort()).toEqual(['backup', 'data']);
  });

  test('is neither made of a machine that runs nor put into one', async () => {
    await backup(kept);
    const lock = tryLock(at('data/lock'));
    try {
      await expect(backup({ ...kept, folder: at('second') })).rejects.toThrow(/in use by process/);
      await expect(restore({ ...kept, only: 'postgres' })).rejects.toThrow(/in use by process/);
    } finally {
      if ('release' in lock) lock.release();
    }
  });

  test('overwrites nothing, and is not made inside what it is of', async () => {
    await backup(kept);
    await expect(backup(kept)).rejects.toThrow(/not empty, and nothing is overwritten/);
    await expect(restore(kept)).rejects.toThrow(/not empty, and nothing is overwritten/);
    await expect(backup({ ...kept, folder: at('data/backup') })).rejects.toThrow(/would lie in the folder/);
    await expect(backup({ ...kept, dataDir: at('nowhere'), folder: at('second') })).rejects.toThrow(
      /There is no machine/,
    );
    expect(existsSync(at('nowhere'))).toBe(false);
  });
});
