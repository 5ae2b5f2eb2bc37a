// Engines: keeps processes running. Starts each in its order, waits until it really answers, restarts it when it
// dies, stops all in reverse. When the supervisor itself dies, however it dies, its processes end too (guard.sh,
// and the pid files at the next start). Never signals a process that it did not start itself.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  isAlive,
  readPidFiles,
  recordOf,
  removePidFile,
  signalQuietly,
  stopRecorded,
  writePidFile,
} from './processes.ts';
import type { Progress } from './progress.ts';
import { EngineTrouble, lastWords } from './trouble.ts';

/** One process to keep running. */
export interface ProcessSpec {
  /** Unique in the supervisor; its key in `run.json` and the name of its log and pid file. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the process; nothing is added to it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Numeric user and group to run as; only root may set them. */
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly logPath: string;
  /** Runs before each start and restart, e.g. to clear what a killed run left. */
  readonly before?: () => Promise<void>;
  /** One try to find out whether the process answers: resolves when it does, throws when not yet. */
  readonly ready: (signal: AbortSignal) => Promise<void>;
  /** Time limit from start to ready, in milliseconds. Default 30 s. */
  readonly readyWithinMs?: number;
  readonly stopSignal?: 'SIGTERM' | 'SIGINT';
  /** Time from the stop signal to SIGKILL, in milliseconds. Default 15 s. */
  readonly stopWithinMs?: number;
  /** Names that must be ready before this one starts, in `startAll`. */
  readonly after?: readonly string[];
}

export interface Supervisor {
  /**
   * Starts one process and resolves with its pid once it is ready. Throws EngineTrouble when it ends or does not
   * answer in time; it is then stopped. After that it is restarted whenever it ends, until `stop`.
   */
  start(spec: ProcessSpec): Promise<number>;
  /** Starts several, each as soon as those named in its `after` are ready. Rejects with the first that fails. */
  startAll(specs: readonly ProcessSpec[]): Promise<void>;
  /** Pids of the processes that live now, by name. */
  pids(): Record<string, number>;
  /** Calls back after each start, restart and end of a process. Returns how to stop that. */
  onPidChange(callback: (pids: Record<string, number>) => void): () => void;
  /** Stops one process for good. Unknown names are fine. */
  stop(name: string): Promise<void>;
  /** Stops all in reverse order of their start, for good: whatever would be started later is refused. */
  stopAll(): Promise<void>;
}

export interface SupervisorOptions {
  /** Folder of pid files, one supervisor at a time: `DATA/pids`. */
  readonly pidDir: string;
  readonly progress: Progress;
}

/** Delays before the first, second, … restart in a row, in milliseconds; the last one stays. */
const RESTART_DELAYS = [0, 250, 500, 1_000, 2_000, 5_000] as const;
/** A process that lived this long counts as healthy, and its next restart is at once again. */
const HEALTHY_AFTER_MS = 10_000;
const LOG_LIMIT_BYTES = 32 * 2 ** 20;

interface Kept {
  readonly spec: ProcessSpec;
  readonly stopping: AbortController;
  child: ChildProcess | undefined;
  /** Resolves when the running child has ended. */
  ended: Promise<void>;
  /** Resolves when nobody will start it again. */
  keeping: Promise<void>;
}

/** Makes a supervisor. It costs nothing until the first start. */
export function createSupervisor({ pidDir, progress }: SupervisorOptions): Supervisor {
  const owner = randomBytes(12).toString('hex');
  const kept = new Map<string, Kept>();
  const listeners = new Set<(pids: Record<string, number>) => void>();
  let guard: ChildProcess | undefined;
  let closed = false;

  const pids = (): Record<string, number> => {
    const living = [...kept].flatMap(([name, { child }]) =>
      child?.pid === undefined ? [] : [[name, child.pid]],
    );
    return Object.fromEntries(living) as Record<string, number>; // pairs of name and pid by construction
  };
  const tell = (): void => {
    for (const listener of listeners) listener(pids());
  };

  /** Spawns once. From its return on, the guard and the next start know the process; when it throws, there is none, or soon. */
  function launch(entry: Kept): void {
    const { spec } = entry;
    guard ??= startGuard(pidDir, owner);
    const log = openLog(spec.logPath);
    let child: ChildProcess;
    try {
      child = spawn(spec.command, spec.args, {
        // A group of its own, so that Ctrl-C reaches the supervisor alone and the order of stopping is ours.
        detached: true,
        env: spec.env as NodeJS.ProcessEnv, // undefined values are left out by spawn
        stdio: ['ignore', log, log],
        ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
        ...(spec.user ?? {}),
      });
    } finally {
      closeSync(log);
    }
    entry.ended = new Promise<void>((resolve) => {
      child.once('error', (error) => {
        if (child.pid === undefined) {
          progress(
            `${spec.name}: cannot be started (${error.message}); is ${spec.command} there, and may it be run?`,
          );
        }
        resolve();
      });
      child.once('exit', () => resolve());
    }).then(() => {
      entry.child = undefined;
      removePidFile(pidDir, spec.name);
      tell();
    });
    if (child.pid === undefined) return;
    entry.child = child;
    const record = recordOf(child.pid, spec.command, spec.stopSignal ?? 'SIGTERM', owner);
    try {
      if (record !== undefined) writePidFile(pidDir, spec.name, record);
    } catch (error) {
      // A full disk, say. Whom nobody knows of could outlive us, and work in the same folder as its successor.
      child.kill('SIGKILL');
      throw error;
    }
    tell();
  }

  /** Waits until the launched child answers. False when it ended or ran out of time; it may then still live. */
  async function becomesReady(entry: Kept): Promise<boolean> {
    const { spec } = entry;
    const deadline = Date.now() + (spec.readyWithinMs ?? 30_000);
    let over = entry.child === undefined;
    void entry.ended.then(() => {
      over = true;
    });
    while (!over && !entry.stopping.signal.aborted && Date.now() < deadline) {
      const limit = AbortSignal.timeout(Math.min(5_000, Math.max(1, deadline - Date.now())));
      try {
        await spec.ready(AbortSignal.any([limit, entry.stopping.signal]));
        if (!over) return true;
      } catch {
        await pause(50, entry.stopping.signal);
      }
    }
    return false;
  }

  async function endChild(entry: Kept): Promise<void> {
    const { child, spec } = entry;
    if (child?.pid === undefined) return;
    signalQuietly(child.pid, spec.stopSignal ?? 'SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), spec.stopWithinMs ?? 15_000);
    await entry.ended;
    clearTimeout(killer);
  }

  /** Restarts the child each time it ends, until it is stopped. */
  async function keep(entry: Kept): Promise<void> {
    const { spec, stopping } = entry;
    let failures = -1; // so that the first restart is at once
    let readyAt = Date.now();
    for (;;) {
      const child = entry.child;
      await entry.ended;
      if (stopping.signal.aborted) return;
      failures = Date.now() - readyAt >= HEALTHY_AFTER_MS ? 0 : failures + 1;
      const delay = RESTART_DELAYS[Math.min(failures, RESTART_DELAYS.length - 1)] ?? 0;
      const how = child?.signalCode ?? `exit code ${child?.exitCode ?? 'none'}`;
      progress(`${spec.name}: ended (${how}), restarting${delay === 0 ? '' : ` in ${delay} ms`}`);
      await pause(delay, stopping.signal);
      if (stopping.signal.aborted) return;
      try {
        await spec.before?.();
        if (stopping.signal.aborted) return;
        launch(entry);
      } catch (error) {
        progress(
          `${spec.name}: cannot be restarted: ${error instanceof Error ? error.message : String(error)}`,
        );
        // What was launched and could not be kept is on its way out, and is waited for.
        if (entry.child === undefined) entry.ended = Promise.resolve();
        readyAt = Date.now();
        continue;
      }
      if (await becomesReady(entry)) {
        readyAt = Date.now();
        progress(`${spec.name}: ready again`);
      } else if (!stopping.signal.aborted) {
        // Ended already, or alive without answering: either way the loop starts it anew.
        readyAt = Date.now();
        await endChild(entry);
      }
    }
  }

  async function start(spec: ProcessSpec): Promise<number> {
    if (closed) throw new EngineTrouble(`${spec.name} is not started, because everything is being stopped.`);
    if (kept.has(spec.name)) throw new Error(`process kept already: ${spec.name}`);
    const entry: Kept = {
      spec,
      stopping: new AbortController(),
      child: undefined,
      ended: Promise.resolve(),
      keeping: Promise.resolve(),
    };
    kept.set(spec.name, entry);
    try {
      await stopOrphan(spec.name);
      await spec.before?.();
      if (entry.stopping.signal.aborted)
        throw new EngineTrouble(`${spec.name} was stopped before it was ready.`);
      const logStart = sizeOf(spec.logPath);
      launch(entry);
      const child = entry.child;
      if (child === undefined) await entry.ended; // the reason arrives with its end
      if (!(await becomesReady(entry)) || child?.pid === undefined) {
        const ended = entry.child === undefined;
        const stopped = entry.stopping.signal.aborted;
        await endChild(entry);
        if (stopped) throw new EngineTrouble(`${spec.name} was stopped before it was ready.`);
        const said = lastWords(tail(spec.logPath, logStart));
        throw new EngineTrouble(
          `${spec.name} ${ended ? 'ended before it was ready' : `did not answer within ${(spec.readyWithinMs ?? 30_000) / 1000} s`}${said === '' ? '' : ` (its last words: ${said})`}: see ${spec.logPath}.`,
        );
      }
      entry.keeping = keep(entry);
      return child.pid;
    } catch (error) {
      kept.delete(spec.name);
      throw error;
    }
  }

  /** An orphan of an earlier, killed run holds ports and files: it goes before its successor starts. */
  async function stopOrphan(name: string): Promise<void> {
    const record = readPidFiles(pidDir).get(name);
    if (record === undefined || record.owner === owner) return;
    if (isAlive(record)) {
      progress(`${name}: stopping process ${record.pid}, left behind by an earlier run that was killed`);
      await stopRecorded(record);
    }
    removePidFile(pidDir, name);
  }

  async function startAll(specs: readonly ProcessSpec[]): Promise<void> {
    const started = new Map<string, Promise<number>>();
    const begin = (spec: ProcessSpec): Promise<number> => {
      const known = started.get(spec.name);
      if (known !== undefined) return known;
      const before = specs.filter((other) => spec.after?.includes(other.name));
      const starting = Promise.all(before.map(begin)).then(() => start(spec));
      started.set(spec.name, starting);
      return starting;
    };
    await Promise.all(specs.map(begin));
  }

  async function stop(name: string): Promise<void> {
    const entry = kept.get(name);
    if (entry === undefined) return;
    entry.stopping.abort();
    await endChild(entry);
    await entry.keeping;
    // A restart may have been on its way when the first signal went out.
    await endChild(entry);
    kept.delete(name);
  }

  async function stopAll(): Promise<void> {
    closed = true;
    for (const entry of kept.values()) entry.stopping.abort();
    for (const name of [...kept.keys()].reverse()) await stop(name);
    guard?.stdin?.end();
    guard = undefined;
  }

  return {
    start,
    startAll,
    pids,
    onPidChange(callback) {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    stop,
    stopAll,
  };
}

/** Stops every process that an earlier, killed run left in this folder. For the start of a whole stack. */
export async function stopOrphans(pidDir: string, progress: Progress): Promise<void> {
  const records = [...readPidFiles(pidDir)];
  for (const [name, record] of records) {
    if (isAlive(record))
      progress(`${name}: stopping process ${record.pid}, left behind by an earlier run that was killed`);
  }
  await Promise.all(records.map(([, record]) => stopRecorded(record)));
  for (const [name] of records) removePidFile(pidDir, name);
}

/** A shell that waits for our end and then stops what carries our word; see guard.sh. */
function startGuard(pidDir: string, owner: string): ChildProcess {
  mkdirSync(pidDir, { recursive: true, mode: 0o700 });
  const guard = spawn('/bin/sh', [join(import.meta.dirname, 'guard.sh'), pidDir, owner], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
  });
  // It must not keep this process alive, and its own end (somebody killed it) is no reason to stop working.
  guard.unref();
  if (guard.stdin !== null && 'unref' in guard.stdin && typeof guard.stdin.unref === 'function')
    guard.stdin.unref();
  guard.stdin?.on('error', () => {});
  guard.on('error', () => {});
  return guard;
}

function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (sizeOf(path) > LOG_LIMIT_BYTES) renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o600);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function tail(path: string, from: number): string {
  try {
    return readFileSync(path).subarray(from).toString('utf8');
  } catch {
    return '';
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || ms === 0) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
