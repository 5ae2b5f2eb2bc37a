// Composition: `run.json`, what a running machine tells other programs (DESIGN.md section 7). Written whole or not at
// all, mode 0600, because on loopback it holds URLs with passwords.
import { chownSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { SystemUser } from '../engines/users.ts';

export const RUN_FILE = z.object({
  web: z.string(),
  ops: z.string(),
  postgres: z.object({ owner: z.string(), app: z.string() }),
  temporal: z.string(),
  fabric: z.object({ profile: z.string(), channel: z.string(), peers: z.record(z.string(), z.string()) }),
  /** Each organisation's member, by its door. */
  members: z.record(z.string(), z.string()).optional(),
  pids: z.record(z.string(), z.number()),
});
export type RunFile = z.output<typeof RUN_FILE>;

/** What runs over a data folder, or undefined when nothing was ever started there. */
export function readRunFile(dataDir: string): RunFile | undefined {
  try {
    return RUN_FILE.parse(JSON.parse(readFileSync(join(dataDir, 'run.json'), 'utf8')));
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined;
    throw new Error('run.json cannot be read; stop what runs over this data folder and start again');
  }
}

/** Replaces `run.json` atomically. `owner` alone may read it, beside root. */
export function writeRunFile(dataDir: string, run: RunFile, owner?: SystemUser): void {
  const path = join(dataDir, 'run.json');
  const partial = `${path}.${process.pid}`;
  writeFileSync(partial, `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600 });
  if (owner !== undefined) chownSync(partial, owner.uid, owner.gid);
  renameSync(partial, path);
}

/** Takes `run.json` away: nothing runs over this data folder any more. */
export const removeRunFile = (dataDir: string): void => rmSync(join(dataDir, 'run.json'), { force: true });
