// Keys as files: the first one stays, whoever else makes one at the same time; half a key is no key.
import { mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keyFiles } from '../../bin/key-files.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rehab-keys-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('50 at once make one key, and nothing else is left behind', async () => {
  const store = keyFiles(join(folder, 'a', 'b'));
  const seen = await Promise.all(
    Array.from({ length: 50 }, async () => {
      await store.create('case', 'one');
      return Buffer.from((await store.get('case', 'one')) ?? []).toString('hex');
    }),
  );
  expect(new Set(seen).size).toBe(1);
  expect(seen[0]).toMatch(/^[0-9a-f]{64}$/);
  const files = await readdir(join(folder, 'a', 'b', 'case', 'ne'));
  expect(files).toEqual(['one.key']);
  expect((await stat(join(folder, 'a', 'b', 'case', 'ne', 'one.key'))).mode & 0o777).toBe(0o600);
});

test('a key that is not there is undefined; half a key is a fault', async () => {
  const store = keyFiles(folder);
  expect(await store.get('case', 'none')).toBeUndefined();
  await store.create('case', 'half');
  await truncate(join(folder, 'case', 'lf', 'half.key'), 16);
  await expect(store.get('case', 'half')).rejects.toThrow(/damaged/);
});

test.each(['../x', 'a/b', '', '.', 'x\u0000', 'x'.repeat(65)])('%j is no name', async (name) => {
  const store = keyFiles(folder);
  await expect(store.get('case', name)).rejects.toThrow('not a key name');
  await expect(store.create(name, 'x')).rejects.toThrow('not a key name');
});
