// Engines: the lock that two starts and two builds meet at. Its holder is a real process that is really killed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockWhenFree, tryLock } from '../../engines/lock.ts';
import { temporaryFolder } from '../support/engines.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let path: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'lock');
});
afterEach(() => folder.remove());

/** A process that takes the lock and keeps it until it is killed. */
async function holder(): Promise<ReturnType<typeof spawn>> {
  const script = `
    import { tryLock } from ${JSON.stringify(join(import.meta.dirname, '../../engines/lock.ts'))};
    globalThis.lock = tryLock(${JSON.stringify(path)});
    console.log('release' in globalThis.lock ? 'held' : 'refused');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = await once(child.stdout, 'data');
  expect(String(said)).toBe('held\n');
  return child;
}

test('a lock that is held is refused with the holder’s pid', async () => {
  const child = await holder();
  expect(tryLock(path)).toEqual({ heldBy: child.pid });
  child.kill('SIGKILL');
  await once(child, 'exit');
});

test('kill -9 of the holder gives the lock up, and the one who waits gets it', async () => {
  const child = await holder();
  let waitedFor = 0;
  const waiting = lockWhenFree(path, (pid) => {
    waitedFor = pid;
    child.kill('SIGKILL');
  });
  const lock = await waiting;
  expect(waitedFor).toBe(child.pid);
  expect(tryLock(path)).toEqual({ heldBy: process.pid });
  lock.release();
  const again = tryLock(path);
  if (!('release' in again)) throw new Error('the lock was not given up');
  again.release();
});
