// Composition: keys as files, outside the database and its backups. One file per subject (0600, folder 0700), written
// whole and flushed before its name appears, so that no row is ever sealed under a key that a crash could take away.
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { likeItsFolder } from '../engines/users.ts';
import type { KeyStore } from '../ledger/record-key.ts';

/** A key store over `folder`. Creating twice keeps the first key. */
export function keyFiles(folder: string): KeyStore {
  const pathOf = (kind: string, id: string): string => {
    if (!/^[\w-]{1,64}$/.test(kind) || !/^[\w-]{1,64}$/.test(id)) throw new Error('not a key name');
    return join(folder, kind, id.slice(-2), `${id}.key`);
  };
  return {
    async create(kind, id) {
      const path = pathOf(kind, id);
      const made = await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      if (made) belongAsAbove(made, dirname(path));
      // A folder's own name lies in the folder above it.
      if (made)
        for (let up = dirname(path); up.length >= made.length; up = dirname(up)) await flush(dirname(up));
      const partial = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
      const file = await open(partial, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
      try {
        await file.writeFile(randomBytes(32));
        await file.sync();
      } finally {
        await file.close();
      }
      try {
        likeItsFolder(partial);
        await link(partial, path);
      } catch (error) {
        if ((error as { code?: string }).code !== 'EEXIST') throw error;
      } finally {
        await unlink(partial);
      }
      // Also when somebody else made it a moment ago: they may not have come this far.
      await flush(dirname(path));
    },
    async get(kind, id) {
      try {
        const secret = new Uint8Array(await readFile(pathOf(kind, id)));
        // Half a key would digest and seal as well as a whole one, and never be missed.
        if (secret.length !== 32)
          throw new Error(`key file is damaged: it holds ${secret.length} bytes, not 32`);
        return secret;
      } catch (error) {
        if ((error as { code?: string }).code === 'ENOENT') return undefined;
        throw error;
      }
    },
  };
}

/** Folders that were made from `first` down to `last` belong to whom the folder above them belongs. */
function belongAsAbove(first: string, last: string): void {
  if (last.length > first.length) belongAsAbove(first, dirname(last));
  likeItsFolder(last);
}

async function flush(folder: string): Promise<void> {
  const directory = await open(folder, constants.O_RDONLY);
  await directory.sync().finally(() => directory.close());
}
