// Composition: the largest size of the log that this machine has published, kept beside the database and not in it, so that a restored
// backup is noticed also while no member answers. A file of one number; losing it loses only this second witness.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface KnownSize {
  get(): number;
  /** Raises the size; written whole or not at all. A smaller one changes nothing. */
  raise(size: number): void;
}

/** The number kept in a data folder; 0 when there is none. */
export function knownSize(dataDir: string): KnownSize {
  const folder = join(dataDir, 'log');
  const path = join(folder, 'published-size');
  let size = read(path);
  return {
    get: () => size,
    raise(larger) {
      if (larger <= size) return;
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(`${path}.partial`, `${larger}\n`, { mode: 0o600 });
      renameSync(`${path}.partial`, path);
      // Not before: what could not be kept (a full disk) is to be tried again with the next head.
      size = larger;
    },
  };
}

function read(path: string): number {
  try {
    const size = Number(readFileSync(path, 'utf8').trim());
    return Number.isSafeInteger(size) && size > 0 ? size : 0;
  } catch {
    return 0; // never written, or lost
  }
}
