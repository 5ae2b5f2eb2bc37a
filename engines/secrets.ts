// Engines: secrets of one machine's stack, made once and kept in the data folder's `keys` (folder 0700, files
// 0600). Never printed, never passed in a command line, never overwritten.
import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { likeItsFolder } from './users.ts';

/** The kept secret of that name, made now if there is none: 32 random bytes in hexadecimal. */
export function keptSecret(dataDir: string, name: string): string {
  const folder = join(dataDir, 'keys');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const path = join(folder, name);
  const known = readSecret(path);
  if (known !== undefined) return known;
  const partial = join(folder, `.${name}.${process.pid}`);
  writeFileSync(partial, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
  likeItsFolder(partial);
  try {
    linkSync(partial, path); // link refuses an existing name, so of two makers one wins and both read its secret
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    rmSync(partial, { force: true });
  }
  const made = readSecret(path);
  if (made === undefined) throw new Error(`secret vanished: ${name}`);
  return made;
}

function readSecret(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
