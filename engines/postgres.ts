// Engines: Postgres. Makes the cluster once, starts it, waits until it answers, keeps it running, stops it.
// Promise: durable settings (fsync and synchronous_commit on), scram passwords, 127.0.0.1 only, no statement
// values in its log. Never deletes data: what it cannot open it refuses with a sentence.
import { spawnSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import postgres from 'postgres';
import { choosePort } from './ports.ts';
import {
  mayEnter,
  type PostgresPrograms,
  postgresPrograms,
  type ServerUser,
  serverUser,
} from './postgres-programs.ts';
import { processesIn, programOf, startTimeOf } from './processes.ts';
import type { Progress } from './progress.ts';
import { keptSecret } from './secrets.ts';
import type { EngineSettings } from './settings.ts';
import { createSupervisor, type Supervisor } from './supervisor.ts';
import { EngineTrouble, lastWords } from './trouble.ts';

export interface RunningPostgres {
  readonly how: 'setting' | 'embedded';
  /** Owner of the database `rehab`; may make roles. */
  readonly ownerUrl: string;
  /** Only for the Postgres that we run ourselves. */
  readonly superuserUrl?: string;
  /** As `SHOW server_version` says it, e.g. "18.4". */
  readonly version: string;
  /** The postmaster's pid now; undefined for an existing Postgres, or between a death and the restart. */
  pid(): number | undefined;
  stop(): Promise<void>;
}

export interface PostgresOptions {
  readonly dataDir: string;
  readonly settings: EngineSettings;
  readonly progress: Progress;
  /** Keeps the process; without one the engine makes its own, with pid files in `DATA/pids`. */
  readonly supervisor?: Supervisor;
}

/** Oldest major whose SQL the migrations use. */
const OLDEST_MAJOR = 18;
/** Outside loopback nothing older is accepted (SECURITY.md T28). */
export const FLOOR_OUTSIDE_LOOPBACK = '18.6';
const DATABASE = 'rehab';
const OWNER = 'rehab_owner';
const SUPERUSER = 'postgres';

/** For two cores and a few GiB shared with the other engines; everything that durability rests on is spelled out. */
const SERVER_SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '120',
  password_encryption: 'scram-sha-256',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  wal_compression: 'on',
  max_wal_size: '2GB',
  min_wal_size: '256MB',
  checkpoint_timeout: '15min',
  shared_buffers: '256MB',
  effective_cache_size: '1GB',
  work_mem: '8MB',
  maintenance_work_mem: '64MB',
  random_page_cost: '1.1',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // No patient data in logs (SECURITY.md P9): neither statements nor their values nor the rows that violate a constraint.
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_parameter_max_length: '0',
  log_parameter_max_length_on_error: '0',
  log_connections: '',
  log_checkpoints: 'off',
};

/**
 * Postgres, by DATABASE_URL or our own. Resolves when a query as the owner was answered. Idempotent: an existing
 * cluster, role or database is kept as it is. Throws EngineTrouble.
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const { databaseUrl } = options.settings;
  return databaseUrl === undefined ? await startOwn(options) : await useExisting(databaseUrl);
}

/** True for an address that never leaves the machine. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}

/** Compares dotted versions by their numbers: true when `version` is `floor` or later. */
export function isAtLeast(version: string, floor: string): boolean {
  const numbers = (text: string): number[] => text.split('.').map((part) => Number.parseInt(part, 10) || 0);
  const is = numbers(version);
  const wanted = numbers(floor);
  for (const [index, part] of wanted.entries()) {
    const mine = is[index] ?? 0;
    if (mine !== part) return mine > part;
  }
  return true;
}

async function useExisting(url: string): Promise<RunningPostgres> {
  const host = hostOf(url);
  const version = await serverVersion(url).catch((error: unknown) => {
    throw new EngineTrouble(
      `DATABASE_URL does not lead to a Postgres that answers (${causeOf(error)}): correct it, or remove it to use the built-in one.`,
    );
  });
  if (!isAtLeast(version, String(OLDEST_MAJOR))) {
    throw new EngineTrouble(`DATABASE_URL leads to Postgres ${version}: ${OLDEST_MAJOR} or later is needed.`);
  }
  if (!isLoopback(host) && !isAtLeast(version, FLOOR_OUTSIDE_LOOPBACK)) {
    throw new EngineTrouble(
      `DATABASE_URL leads to Postgres ${version} on another machine: ${FLOOR_OUTSIDE_LOOPBACK} or later is needed there (older ones have published holes).`,
    );
  }
  return { how: 'setting', ownerUrl: url, version, pid: () => undefined, stop: async () => {} };
}

async function startOwn({
  dataDir,
  settings,
  progress,
  supervisor,
}: PostgresOptions): Promise<RunningPostgres> {
  const cluster = resolve(dataDir, 'postgres');
  const user = serverUser(cluster);
  const programs = await postgresPrograms({ cacheDir: settings.cacheDir, user, progress });
  const superPassword = keptSecret(dataDir, 'postgres-superuser');
  const ownerPassword = keptSecret(dataDir, 'postgres-owner');
  makeCluster({ cluster, programs, user, password: superPassword, progress });
  const asked = settings.postgresPort;
  const port = await choosePort({
    dataDir,
    name: 'postgres',
    asked: asked === undefined ? undefined : { port: asked, by: 'REHAB_POSTGRES_PORT' },
    progress,
  });
  const superuserUrl = urlOf(SUPERUSER, superPassword, port, 'postgres');
  const ownerUrl = urlOf(OWNER, ownerPassword, port, DATABASE);
  const keeper = supervisor ?? createSupervisor({ pidDir: join(dataDir, 'pids'), progress });
  await keeper.start({
    name: 'postgres',
    command: programs.postgres,
    args: ['-D', seenBy(cluster, user), ...serverArguments({ ...SERVER_SETTINGS, port: String(port) })],
    // Nothing of our environment (secrets, PGOPTIONS, locale) reaches the server.
    env: { PATH: settings.environment.PATH, TZ: 'UTC' },
    cwd: cluster,
    ...(user === undefined ? {} : { user }),
    logPath: join(dataDir, 'logs', 'postgres.log'),
    before: () => clearKilledRun(cluster),
    ready: async () => {
      await serverVersion(superuserUrl);
    },
    readyWithinMs: 120_000, // after kill -9 it replays its write-ahead log first
    stopSignal: 'SIGINT', // "fast": ends sessions, keeps everything committed
    stopWithinMs: 60_000,
  });
  try {
    await makeOwner(superuserUrl, ownerPassword);
    const version = await serverVersion(ownerUrl);
    return {
      how: 'embedded',
      ownerUrl,
      superuserUrl,
      version,
      pid: () => keeper.pids().postgres,
      stop: () => keeper.stop('postgres'),
    };
  } catch (error) {
    await keeper.stop('postgres');
    throw error;
  }
}

/** Makes the cluster beside its final place and renames it there, so that a half-made one is never started. */
function makeCluster(options: {
  readonly cluster: string;
  readonly programs: PostgresPrograms;
  readonly user: ServerUser | undefined;
  readonly password: string;
  readonly progress: Progress;
}): void {
  const { cluster, programs, user, password, progress } = options;
  if (existsSync(cluster)) {
    demandOurs(cluster);
    return;
  }
  progress('Postgres: making its data folder, once');
  const making = `${cluster}.partial`;
  rmSync(making, { recursive: true, force: true });
  const data = join(making, 'data');
  const passwordFile = join(making, 'password');
  mkdirSync(data, { recursive: true, mode: 0o700 });
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (user !== undefined)
    for (const path of [making, data, passwordFile]) chownSync(path, user.uid, user.gid);
  const dataSeen = seenBy(data, user);
  const made = spawnSync(
    programs.initdb,
    [
      ...[
        '-D',
        dataSeen,
        '-U',
        SUPERUSER,
        '--pwfile',
        dataSeen === data ? passwordFile : `${dataSeen}/../password`,
      ],
      ...['--auth-host=scram-sha-256', '--auth-local=reject', '--encoding=UTF8', '--data-checksums'],
      // Sorting by code point never changes with a library (SECURITY.md T9).
      ...['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--no-instructions'],
    ],
    {
      cwd: data,
      env: { PATH: process.platform === 'win32' ? undefined : '/usr/local/bin:/usr/bin:/bin', TZ: 'UTC' },
      encoding: 'utf8',
      ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
    },
  );
  if (made.status !== 0) {
    rmSync(making, { recursive: true, force: true });
    const said = made.error?.message ?? lastWords(made.stderr.replace(/initdb: removing contents.*/g, ''));
    const full = /no space left|ENOSPC/i.test(`${said}${made.stderr}`);
    throw new EngineTrouble(
      full
        ? `The disk is full: Postgres needs about 100 MiB for a new data folder in ${cluster}.`
        : `Postgres could not make its data folder ${cluster}: ${said}`,
    );
  }
  rmSync(passwordFile);
  // From here the cluster exists for good.
  renameSync(data, cluster);
  rmSync(making, { recursive: true, force: true });
}

function demandOurs(cluster: string): void {
  const major = readOr(join(cluster, 'PG_VERSION'));
  if (major === undefined) {
    const foreign = statSync(cluster).uid !== process.getuid?.() && process.getuid?.() !== 0;
    throw new EngineTrouble(
      foreign
        ? `The data folder ${cluster} belongs to another user: start as that user, or choose another folder with --data.`
        : `The data folder ${cluster} holds no Postgres cluster: move it away, or choose another folder with --data.`,
    );
  }
  if (major.trim() === String(OLDEST_MAJOR)) return;
  throw new EngineTrouble(
    `The data in ${cluster} were written by Postgres ${major.trim()} and this is ${OLDEST_MAJOR}: bring them over with pg_upgrade, or choose another folder with --data.`,
  );
}

/**
 * The folder's name as the server must be told it. An unprivileged user may be unable to walk there (below /root,
 * say), though the folder itself is its own: then it starts inside, and calls it its working directory.
 */
function seenBy(folder: string, user: ServerUser | undefined): string {
  if (mayEnter(folder, user)) return folder;
  if (process.platform === 'linux') return '/proc/self/cwd';
  throw new EngineTrouble(
    `${user?.name} cannot enter ${folder}, and Postgres must run as that user: choose a data folder that it can enter with --data.`,
  );
}

/**
 * Before each start, after whatever ended the last run:
 * 1. a server that lives and works in the folder is somebody else's start: refuse;
 * 2. after kill -9 its backends may still be writing, and end by themselves in a moment: wait for them;
 * 3. postmaster.pid may name a pid that is another program by now (after a reboot), and Postgres would refuse to
 *    start: remove the file, since nobody works in the folder. Postgres itself deals with every other case.
 */
async function clearKilledRun(cluster: string): Promise<void> {
  const pidFile = join(cluster, 'postmaster.pid');
  const pid = Number.parseInt(readOr(pidFile) ?? '', 10);
  const end = Date.now() + 10_000;
  let living = serversIn(cluster);
  while (living.length > 0 && !living.includes(pid) && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    living = serversIn(cluster);
  }
  if (living.length > 0) {
    const server = living.includes(pid) ? pid : living[0];
    throw new EngineTrouble(
      `Another Postgres (process ${server}) is working in ${cluster}: stop it first, with "kill -INT ${server}".`,
    );
  }
  if (process.platform === 'linux' && pid > 0 && startTimeOf(pid) !== undefined)
    rmSync(pidFile, { force: true });
}

/** A person's shell may stand in the folder as well; only Postgres' own processes count. */
function serversIn(cluster: string): number[] {
  return processesIn(cluster).filter((pid) => programOf(pid)?.startsWith('postgres'));
}

/** One connection that passes no arrays. The driver's own question about their types rejects unheard when Postgres goes meanwhile. */
const PLAIN = { max: 1, fetch_types: false } as const;

async function makeOwner(superuserUrl: string, password: string): Promise<void> {
  const sql = postgres(superuserUrl, { ...PLAIN, onnotice: () => {} });
  try {
    // The secret is hexadecimal, so it can stand in a literal; utility statements take no parameters.
    const [role] = await sql`SELECT 1 FROM pg_roles WHERE rolname = ${OWNER}`;
    const verb = role === undefined ? 'CREATE' : 'ALTER';
    await sql.unsafe(`${verb} ROLE ${OWNER} LOGIN NOSUPERUSER CREATEROLE PASSWORD '${password}'`);
    const [database] = await sql`SELECT 1 FROM pg_database WHERE datname = ${DATABASE}`;
    if (database === undefined) await sql.unsafe(`CREATE DATABASE ${DATABASE} OWNER ${OWNER}`);
  } finally {
    await sql.end();
  }
}

/** Version of the server, as "18.4". The connection is closed before this returns. */
export async function serverVersion(url: string): Promise<string> {
  const sql = postgres(url, { ...PLAIN, connect_timeout: 5, onnotice: () => {} });
  try {
    const [row] = await sql<{ server_version: string }[]>`SHOW server_version`;
    return /^[\d.]+/.exec(row?.server_version ?? '')?.[0] ?? 'unknown';
  } finally {
    await sql.end({ timeout: 1 });
  }
}

function serverArguments(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

function urlOf(role: string, password: string, port: number, database: string): string {
  return `postgres://${role}:${password}@127.0.0.1:${port}/${database}`;
}

function hostOf(url: string): string {
  try {
    return new URL(url).hostname;
  } catch {
    throw new EngineTrouble(
      'DATABASE_URL is not an address: write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE.',
    );
  }
}

function causeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error) return String(error.code);
  return error instanceof Error ? error.message : 'no answer';
}

function readOr(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
