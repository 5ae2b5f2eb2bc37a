// Engines: one holder at a time, across processes, released by the kernel when the holder dies, however it dies.
// SQLite's own file lock is used because Node offers no flock; a lock file with a pid in it can outlive its
// holder. Never holds anything but the holder's pid.
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface Lock {
  /** Gives the lock up. A second call does nothing. */
  release(): void;
}

const SQLITE_BUSY = 5;

/**
 * Takes the lock at `path`, or tells who has it (pid, or 0 when the holder has not written it yet).
 * The file stays behind when the lock is given up: deleting it would let two holders in.
 */
export function tryLock(path: string): Lock | { readonly heldBy: number } {
  mkdirSync(dirname(path), { recursive: true });
  closeSync(openSync(path, 'a', 0o600));
  const file = new DatabaseSync(path);
  try {
    file.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE');
    file.exec('CREATE TABLE IF NOT EXISTS holder (pid INTEGER NOT NULL)');
    file.exec('BEGIN IMMEDIATE');
    file.exec('DELETE FROM holder');
    file.prepare('INSERT INTO holder (pid) VALUES (?)').run(process.pid);
    file.exec('COMMIT');
    // From here the pid can be read; the reservation below is the lock, and readers pass it.
    file.exec('BEGIN IMMEDIATE');
  } catch (error) {
    const heldBy = isBusy(error) ? holderOf(file) : undefined;
    file.close();
    if (heldBy === undefined) throw error;
    return { heldBy };
  }
  let held = true;
  return {
    release() {
      if (!held) return;
      held = false;
      file.close();
    },
  };
}

/** Takes the lock, waiting for its holder as long as it takes; `waiting` is told once who that is. */
export async function lockWhenFree(path: string, waiting: (pid: number) => void): Promise<Lock> {
  let told = false;
  for (;;) {
    const lock = tryLock(path);
    if ('release' in lock) return lock;
    if (!told) waiting(lock.heldBy);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}

function holderOf(file: DatabaseSync): number {
  try {
    const row = file.prepare('SELECT pid FROM holder').get();
    return typeof row?.pid === 'number' ? row.pid : 0;
  } catch {
    return 0; // the holder is between its two steps
  }
}
