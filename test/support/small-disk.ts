// Test support: a disk of its own for a folder, which a test makes full and gives space back to. A file system in memory: it needs
// root, and where it cannot be had the test says so aloud. Never touches what is mounted elsewhere.
import { spawnSync } from 'node:child_process';
import { mkdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './engines.ts';

export interface SmallDisk {
  /** From here on nobody gets another block; what is overwritten in place still fits. */
  fill(): void;
  /** There is space again. */
  free(): void;
  /** Bytes that are taken. */
  used(): number;
  unmount(): void;
}

/** Runs `mount` or `umount`; why it did not work, or undefined when it did. */
function trouble(program: 'mount' | 'umount', ...args: string[]): string | undefined {
  const done = spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  return done.status === 0 ? undefined : (done.error?.message ?? done.stderr.trim());
}

/** Mounts a disk of so many MiB at a folder, which is made. */
export function smallDisk(folder: string, mebibytes: number): SmallDisk {
  mkdirSync(folder, { recursive: true });
  const must = (options: string): void => {
    const why = trouble('mount', ...options.split(' '), folder);
    if (why !== undefined) throw new Error(`disk for the test cannot be had: ${why}`);
  };
  must(`-t tmpfs -o size=${mebibytes}m,mode=0711 rehab-test`);
  const used = (): number => {
    const { blocks, bfree, bsize } = statfsSync(folder);
    return (blocks - bfree) * bsize;
  };
  return {
    used,
    fill() {
      // Somebody may take another block between the question and the answer.
      for (let tries = 0; ; tries += 1) {
        const why = trouble('mount', '-o', `remount,size=${used()}`, folder);
        if (why === undefined) return;
        if (tries === 50) throw new Error(`disk cannot be made full: ${why}`);
      }
    },
    free: () => must(`-o remount,size=${mebibytes}m`),
    unmount() {
      const why = trouble('umount', '-l', folder);
      if (why !== undefined) throw new Error(`disk of the test stays behind: ${why}`);
    },
  };
}

/** Whether this machine lets us mount. CI runs as root, so there it is an error when it does not. */
export async function maySmallDisk(): Promise<boolean> {
  const { path, remove } = await temporaryFolder();
  try {
    const at = join(path, 'disk');
    smallDisk(at, 1).unmount();
    return true;
  } catch (error) {
    if (process.env.CI && process.getuid?.() === 0) throw error;
    console.info(`not run here: a full disk needs root, who may mount one (${String(error)})`);
    return false;
  } finally {
    await remove();
  }
}
