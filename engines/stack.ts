// Engines: all of them together, over one data folder. Promise: one start at a time per folder, orphans of a killed
// run gone first, everything stopped in order, or nothing left running when a start fails.
// Never touches a folder that somebody else holds.
import { accessSync, chmodSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ORGANISATIONS } from '../domain/consortium.ts';
import type { Fabric } from './fabric/network.ts';
import { type Lock, tryLock } from './lock.ts';
import { type RunningPostgres, startPostgres } from './postgres.ts';
import type { Progress } from './progress.ts';
import type { EngineSettings } from './settings.ts';
import { createSupervisor, type Supervisor, stopOrphans } from './supervisor.ts';
import { type RunningTemporal, startTemporal } from './temporal.ts';
import { EngineTrouble } from './trouble.ts';
import { giveTo, letThrough, type Separation, separationOf } from './users.ts';

export type EnginePart = 'postgres' | 'temporal' | 'fabric';

export interface Engines {
  readonly postgres?: RunningPostgres;
  readonly temporal?: RunningTemporal;
  readonly fabric?: Fabric;
  /** Who runs as whom. */
  readonly separation: Separation;
  /** Keeps the engines; further processes may be started under it and are stopped with them. */
  readonly supervisor: Supervisor;
  /** Stops everything in reverse order and gives the folder up. A second call does nothing. */
  stop(): Promise<void>;
}

export interface StartEnginesOptions {
  readonly dataDir: string;
  readonly parts: readonly EnginePart[];
  readonly settings: EngineSettings;
  readonly progress: Progress;
  /** Made here unless given. Given, `supervisor.stopAll()` from outside breaks a start off. */
  readonly supervisor?: Supervisor;
  /** The folder's lock, when the caller has taken it already with `takeDataFolder`. Given up by `stop`. */
  readonly lock?: Lock;
}

/** Where pid files lie. */
export const pidDirOf = (dataDir: string): string => join(dataDir, 'pids');

/**
 * Starts the named engines side by side and resolves when all of them answer. Idempotent over a data folder: what
 * is there is kept. When one cannot start, the others are stopped and its EngineTrouble is thrown.
 */
export async function startEngines(options: StartEnginesOptions): Promise<Engines> {
  const { parts, settings, progress } = options;
  const dataDir = resolve(options.dataDir);
  const lock = options.lock ?? (await takeDataFolder(dataDir, progress));
  const supervisor = options.supervisor ?? createSupervisor({ pidDir: pidDirOf(dataDir), progress });
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= supervisor.stopAll().finally(() => lock.release());
    return stopping;
  };
  const separation = separate(dataDir, settings);
  const { users } = separation;
  const common = { dataDir, settings, progress, supervisor };
  const wants = (part: EnginePart): boolean => parts.includes(part);
  const timed = async <T>(name: string, starting: Promise<T>): Promise<T> => {
    const started = Date.now();
    const running = await starting;
    progress(`${name}: ready after ${((Date.now() - started) / 1000).toFixed(1)} s`);
    return running;
  };
  const starts = [
    wants('postgres') ? timed('Postgres', startPostgres(common)) : undefined,
    wants('temporal') ? timed('Temporal', startTemporal({ ...common, user: users?.operator })) : undefined,
    // Loaded when wanted: it brings the whole gRPC and chaincode machinery along.
    wants('fabric')
      ? timed(
          'Fabric',
          import('./fabric/network.ts').then(({ startFabric }) => startFabric({ ...common, users })),
        )
      : undefined,
  ] as const;
  let running: readonly [RunningPostgres | undefined, RunningTemporal | undefined, Fabric | undefined];
  try {
    running = await Promise.all(starts);
  } catch (error) {
    // The others may still be on their way, in a long build perhaps: the stopped supervisor lets none of them start.
    await stop();
    throw error;
  }
  const [postgres, temporal, fabric] = running;
  return {
    ...(postgres === undefined ? {} : { postgres }),
    ...(temporal === undefined ? {} : { temporal }),
    ...(fabric === undefined ? {} : { fabric }),
    separation,
    supervisor,
    stop,
  };
}

/** What the hospital's own processes write to. */
const OPERATORS = ['keys', 'cache', 'log'] as const;

/** Opens the way to each user's folders and gives the operator its own, or closes the folder to everybody else. */
function separate(dataDir: string, { fabricProfile }: EngineSettings): Separation {
  const separation =
    fabricProfile === undefined
      ? separationOf(dataDir)
      : // Its files belong to whoever wrote them, and the organisations run their parts elsewhere.
        { why: 'FABRIC_PROFILE names a network that others run' };
  const { users } = separation;
  if (users === undefined) {
    if ((statSync(dataDir).mode & 0o777) === 0o711) chmodSync(dataDir, 0o700);
    return separation;
  }
  letThrough(dataDir);
  for (const name of OPERATORS) giveTo(join(dataDir, name), users.operator);
  return separation;
}

/**
 * Makes the data folder (0700), takes its lock and stops what a killed run left in it. Throws EngineTrouble when
 * the folder cannot be used or another start holds it.
 */
export async function takeDataFolder(dataDir: string, progress: Progress): Promise<Lock> {
  demandUsable(dataDir);
  const lock = tryLock(join(dataDir, 'lock'));
  if ('heldBy' in lock) {
    throw new EngineTrouble(
      `The data folder ${dataDir} is in use by process ${lock.heldBy}, which is already running: stop it first (Ctrl-C there, or "kill ${lock.heldBy}"), or choose another folder with --data.`,
    );
  }
  try {
    await stopOrphans(pidDirOf(dataDir), progress);
    return lock;
  } catch (error) {
    lock.release();
    throw error;
  }
}

function demandUsable(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new EngineTrouble(
      `The data folder cannot be made: ${dataDir} (${code}). Choose one that you may write with --data.`,
    );
  }
  const uid = process.getuid?.();
  const owner = existsSync(dataDir) ? statSync(dataDir).uid : uid;
  try {
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    throw new EngineTrouble(
      `The data folder ${dataDir} belongs to user ${owner} and you are user ${uid}: start as that user, or choose another folder with --data.`,
    );
  }
  const closed = ['keys', 'temporal', ...ORGANISATIONS.map((name) => join('members', name))].find(
    (name) => existsSync(join(dataDir, name)) && !canEnter(join(dataDir, name)),
  );
  if (closed !== undefined) {
    throw new EngineTrouble(
      `The data folder ${dataDir} was last started as root, which gave ${closed} to a system user of its own: start as root again, or choose another folder with --data.`,
    );
  }
}

function canEnter(folder: string): boolean {
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
