// Engines: who a process is, so that after a crash exactly our own orphans are stopped and nobody else's.
// A pid alone proves nothing: pids are reused. Here a process is its pid, its start time and its boot.
// Never sends a signal to a process whose identity it has not just compared.
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';

/** One process that we started, as its pid file keeps it. */
export interface ProcessRecord {
  readonly pid: number;
  /** Start time as the kernel gives it, without spaces (clock ticks since boot, or `ps`'s date). */
  readonly startedAt: string;
  /** How to ask it to end. */
  readonly stopSignal: NodeJS.Signals;
  /** Which supervisor started it: a random word, new in each run. */
  readonly owner: string;
  readonly bootId: string;
  /** File name of the program. */
  readonly program: string;
}

/** Start time of a living process, or undefined when there is none (a zombie counts as none). */
export function startTimeOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    // proc_pid_stat(5): the program's name may hold spaces and brackets, so count from the last one.
    const fields = readText(`/proc/${pid}/stat`)?.split(') ').at(-1)?.split(' ');
    return fields === undefined || fields[0] === 'Z' ? undefined : fields[19];
  }
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    const [state, ...date] = line.split(/\s+/);
    return state === undefined || state.startsWith('Z') ? undefined : date.join('_');
  } catch {
    return undefined;
  }
}

/** Describes a process that was just started, or undefined when it has already ended. */
export function recordOf(
  pid: number,
  program: string,
  stopSignal: NodeJS.Signals,
  owner: string,
): ProcessRecord | undefined {
  const startedAt = startTimeOf(pid);
  if (startedAt === undefined) return undefined;
  return { pid, startedAt, stopSignal, owner, bootId: bootId(), program: basename(program) };
}

/** True when the recorded process still lives, and is the same one. */
export function isAlive(record: ProcessRecord): boolean {
  return record.bootId === bootId() && startTimeOf(record.pid) === record.startedAt;
}

/** Writes `FOLDER/NAME` so that a reader sees all of it or nothing. One line, for the guard's shell to read. */
export function writePidFile(folder: string, name: string, record: ProcessRecord): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { pid, startedAt, stopSignal, owner, bootId: boot, program } = record;
  const partial = join(folder, `.${name}.partial`);
  writeFileSync(partial, `${pid} ${startedAt} ${stopSignal.slice(3)} ${owner} ${boot} ${program}\n`, {
    mode: 0o600,
  });
  renameSync(partial, join(folder, name));
}

/** All readable pid files of a folder, by name. A half-written or foreign file is passed over. */
export function readPidFiles(folder: string): Map<string, ProcessRecord> {
  const records = new Map<string, ProcessRecord>();
  for (const name of listNames(folder)) {
    if (name.startsWith('.')) continue;
    const fields = readText(join(folder, name))?.trim().split(' ') ?? [];
    const [pid, startedAt, signal, owner, boot, ...program] = fields;
    if (startedAt === undefined || owner === undefined || boot === undefined) continue;
    if (signal !== 'TERM' && signal !== 'INT') continue;
    const stopSignal = signal === 'INT' ? 'SIGINT' : 'SIGTERM';
    records.set(name, {
      pid: Number(pid),
      startedAt,
      stopSignal,
      owner,
      bootId: boot,
      program: program.join(' '),
    });
  }
  return records;
}

export function removePidFile(folder: string, name: string): void {
  rmSync(join(folder, name), { force: true });
}

/**
 * Stops a recorded process if it still lives: asks, waits, then kills. Returns true when there was one.
 * The identity is compared again before each signal.
 */
export async function stopRecorded(record: ProcessRecord, withinMs = 10_000): Promise<boolean> {
  if (!isAlive(record)) return false;
  signalQuietly(record.pid, record.stopSignal);
  if (!(await goneWithin(record, withinMs)) && isAlive(record)) {
    signalQuietly(record.pid, 'SIGKILL');
    await goneWithin(record, 5_000);
  }
  return true;
}

async function goneWithin(record: ProcessRecord, ms: number): Promise<boolean> {
  const end = Date.now() + ms;
  while (Date.now() < end) {
    if (!isAlive(record)) return true;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return !isAlive(record);
}

/** Sends a signal; a process that is gone by then is what was wanted. */
export function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Processes whose working directory is `folder` (Linux only; elsewhere none are seen). */
export function processesIn(folder: string): number[] {
  if (process.platform !== 'linux') return [];
  return listNames('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => readLink(`/proc/${pid}/cwd`) === folder);
}

/** Program that a living process runs, by its command line; undefined when there is none. */
export function programOf(pid: number): string | undefined {
  const first = readText(`/proc/${pid}/cmdline`)?.split('\0')[0];
  return first === undefined || first === '' ? undefined : basename(first);
}

let boot: string | undefined;

function bootId(): string {
  boot ??= readText('/proc/sys/kernel/random/boot_id')?.trim() ?? 'unknown';
  return boot;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function listNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
