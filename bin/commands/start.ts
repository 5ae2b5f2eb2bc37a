import { join, resolve } from 'node:path';
import { DATABASE_ROLES, type DatabaseRole, migrate, type RolePasswords, roleUrl } from '../../db/migrate.ts';
import { ORGANISATIONS } from '../../domain/consortium.ts';
import { mayHoldDoors, networkTools, openDoors, withoutNetwork } from '../../engines/doors.ts';
import { memberPaths } from '../../engines/fabric/layout.ts';
import type { Lock } from '../../engines/lock.ts';
import { choosePort, readPorts } from '../../engines/ports.ts';
import { type Progress, progressToStderr } from '../../engines/progress.ts';
import { keptSecret } from '../../engines/secrets.ts';
import type { EngineSettings } from '../../engines/settings.ts';
import { type Engines, pidDirOf, startEngines, takeDataFolder } from '../../engines/stack.ts';
import { createSupervisor, type ProcessSpec, type Supervisor } from '../../engines/supervisor.ts';
import { EngineTrouble } from '../../engines/trouble.ts';
import { saysOf } from '../../engines/users.ts';
import { agreeOnKeys } from '../agreement.ts';
import { logKeyOf, logSeed, readReplacement } from '../log-keys.ts';
import { finishReplacement } from '../replacing.ts';
import { type RunFile, removeRunFile, writeRunFile } from '../run-file.ts';

/** The processes of ours, in the order in which they are started. */
export const PROCESSES = ['ledger', 'worker', 'web'] as const;
export type ProcessName = (typeof PROCESSES)[number];

/** Where everything is, for the seed and for the processes' environment. */
export interface StackAddresses {
  readonly dataDir: string;
  readonly ownerUrl: string;
  /** The database as each process's role. */
  readonly databaseUrls: Readonly<Record<DatabaseRole, string>>;
  readonly temporalAddress: string;
  readonly fabricProfile: string;
  readonly webUrl: string;
  readonly webPort: number;
  /** Port of each process's health and metrics, on 127.0.0.1. */
  readonly opsPorts: Readonly<Record<ProcessName, number>>;
  /** Each organisation's member, by its door; none with an outside network, where each organisation runs its own. */
  readonly members: Readonly<Record<string, string>>;
}

export interface StartOptions {
  /** `--data`, default `.rehab`. */
  readonly dataDir: string;
  /** `--port`: asked for, so in use means refusal. */
  readonly port?: number;
  /** Path of bin/rehab.mjs: each process is `node PROGRAM web --data DIR` and so on. */
  readonly program: string;
  readonly settings: EngineSettings;
  /** Fills a database that was just migrated; must be idempotent, since it runs at every start. */
  readonly seed: (addresses: StackAddresses) => Promise<void>;
  /** What a process reads from its environment, over that of `settings`. */
  readonly environmentOf?: (
    process: ProcessName,
    addresses: StackAddresses,
  ) => Record<string, string | undefined>;
  readonly progress?: Progress;
}

export interface RunningStack {
  readonly run: () => RunFile;
  readonly engines: Engines;
  stop(): Promise<void>;
}

/**
 * Starts everything and resolves when every process answers; `run.json` then stands and follows each restart.
 * Idempotent over a data folder. Throws EngineTrouble, with nothing left running. `breakOff` may be aborted at any
 * time before: what was started is stopped.
 */
export async function startStack(options: StartOptions, breakOff?: AbortSignal): Promise<RunningStack> {
  const { progress = progressToStderr } = options;
  const dataDir = resolve(options.dataDir);
  const lock = await takeDataFolder(dataDir, progress);
  // From here the folder is ours; what an earlier run wrote about itself is no longer true.
  removeRunFile(dataDir);
  const supervisor = createSupervisor({ pidDir: pidDirOf(dataDir), progress });
  const broken = Promise.withResolvers<never>();
  // A long step (a build) may still be under way then; the stopped supervisor starts nothing after it.
  const stop = (): void => void supervisor.stopAll().then(() => broken.reject(stoppedEarly()), broken.reject);
  breakOff?.addEventListener('abort', stop, { once: true });
  try {
    if (breakOff?.aborted) throw stoppedEarly();
    return await Promise.race([bringUp(options, dataDir, supervisor, lock), broken.promise]);
  } catch (error) {
    await supervisor.stopAll();
    lock.release();
    throw breakOff?.aborted ? stoppedEarly() : error;
  } finally {
    breakOff?.removeEventListener('abort', stop);
  }
}

const stoppedEarly = (): EngineTrouble =>
  new EngineTrouble('Stopped before everything was up; start again at any time.');

async function bringUp(
  options: StartOptions,
  dataDir: string,
  supervisor: Supervisor,
  lock: Lock,
): Promise<RunningStack> {
  const { settings, progress = progressToStderr } = options;
  const parts = ['postgres', 'temporal', 'fabric'] as const;
  const engines = await startEngines({ dataDir, parts, settings, progress, supervisor, lock });
  const { users } = engines.separation;
  if (engines.fabric !== undefined && engines.fabric.processes.length > 0)
    progress(saysOf(engines.separation));
  const { addresses, runFile } = await addressesOf(options, dataDir, engines, progress);
  if (engines.fabric !== undefined && engines.fabric.processes.length > 0) {
    await agreeOnKeys(dataDir, logKeyOf(logSeed(dataDir)), users);
    const cutOff = readReplacement(dataDir);
    if (cutOff !== undefined) {
      progress(`Keys: the replacement of the key of ${cutOff.of}, which was cut off, is finished`);
      await finishReplacement(dataDir, cutOff);
    }
  }
  progress('Database: bringing the tables to today’s shape');
  await migrate(addresses.ownerUrl, { passwords: rolePasswords(dataDir) });
  await options.seed(addresses);
  progress('Starting web, worker, ledger and the members');
  const operator = users === undefined ? {} : { user: users.operator };
  const members = await memberSpecs(options, addresses, engines, progress);
  await supervisor.startAll([
    ...PROCESSES.map((name) => ({ ...processSpec(name, options, addresses), ...operator })),
    ...members.specs,
  ]);
  await untilWebIsReady(addresses.webUrl);
  const run = (): RunFile => ({ ...runFile, pids: supervisor.pids() });
  const follow = followRun(() => writeRunFile(dataDir, run(), users?.operator), progress);
  const unfollow = supervisor.onPidChange(follow.write);
  const renewing = keepRenewing(engines, progress);
  return {
    run,
    engines,
    async stop() {
      clearInterval(renewing);
      unfollow();
      follow.end();
      removeRunFile(dataDir);
      await engines.stop();
      members.closeDoors();
    },
  };
}

/** How often it is looked for certificates that near their end; they have 30 days left then. */
const RENEW_EVERY_MS = 3_600_000;

/** Renews what nears its end while everything runs. An authority that is away is asked again an hour later. */
function keepRenewing({ fabric }: Engines, progress: Progress): NodeJS.Timeout {
  const renew = async (): Promise<void> => {
    const renewed = (await fabric?.renew()) ?? [];
    if (renewed.length > 0) progress(`Certificates were renewed: ${renewed.join(', ')}`);
  };
  return setInterval(() => {
    renew().catch((error: unknown) =>
      progress(
        `Certificates could not be renewed (${error instanceof Error ? error.message : 'unknown error'}): tried again in an hour`,
      ),
    );
  }, RENEW_EVERY_MS).unref();
}

/** How long until `run.json` is tried again. */
const RUN_FILE_REST_MS = 1_000;

/** Keeps `run.json` written. Once it stood, a disk that is full ends nothing: it is written when there is space again. */
function followRun(write: () => void, progress: Progress): { write(): void; end(): void } {
  let again: NodeJS.Timeout | undefined;
  let told = false;
  const follow = {
    write(): void {
      clearTimeout(again);
      try {
        write();
        told = false;
      } catch (error) {
        if (!told)
          progress(
            `run.json cannot be written (${error instanceof Error ? error.message : 'unknown error'}): make space on its disk; it is tried again`,
          );
        told = true;
        again = setTimeout(follow.write, RUN_FILE_REST_MS);
      }
    },
    end: () => clearTimeout(again),
  };
  write();
  return follow;
}

/**
 * The command: starts, prints the address on standard output (or, with `json`, what run.json holds), stays until
 * Ctrl-C or SIGTERM, stops everything in order. Returns the exit code: 0 stopped as asked, 1 could not start.
 */
export async function start(options: StartOptions & { readonly json?: boolean }): Promise<number> {
  const { progress = progressToStderr } = options;
  const asked = new AbortController();
  const ask = (): void => {
    if (asked.signal.aborted) return; // stopping takes seconds; a second Ctrl-C changes nothing
    progress('Stopping');
    asked.abort();
  };
  process.on('SIGINT', ask);
  process.on('SIGTERM', ask);
  process.on('SIGHUP', ask);
  try {
    const began = Date.now();
    const stack = await startStack(options, asked.signal);
    const run = stack.run();
    progress(`Everything is up after ${((Date.now() - began) / 1000).toFixed(1)} s. Stop with Ctrl-C.`);
    process.stdout.write(options.json ? `${JSON.stringify(run)}\n` : `${run.web}\n`);
    if (!asked.signal.aborted) {
      // A listener on a signal does not keep Node running by itself, a timer does.
      const alive = setInterval(() => {}, 2 ** 30);
      await new Promise<void>((done) => asked.signal.addEventListener('abort', () => done(), { once: true }));
      clearInterval(alive);
    }
    await stack.stop();
    progress('Stopped. All data are kept.');
    return 0;
  } catch (error) {
    if (!(error instanceof EngineTrouble)) throw error;
    progress(error.message);
    // Everything is stopped; only a build may still be under way, which would keep this process for minutes.
    process.exit(asked.signal.aborted ? 0 : 1);
  } finally {
    process.off('SIGINT', ask);
    process.off('SIGTERM', ask);
    process.off('SIGHUP', ask);
  }
}

/** Passwords of the processes' database roles, kept in the data folder's `keys`. */
export function rolePasswords(dataDir: string): RolePasswords {
  const secrets = DATABASE_ROLES.map((role) => [role, keptSecret(dataDir, `database-${role}`)]);
  return Object.fromEntries(secrets) as RolePasswords; // one entry per role
}

async function addressesOf(
  options: StartOptions,
  dataDir: string,
  { postgres, temporal, fabric }: Engines,
  progress: Progress,
): Promise<{ addresses: StackAddresses; runFile: Omit<RunFile, 'pids'> }> {
  if (postgres === undefined || temporal === undefined || fabric === undefined) {
    throw new Error('an engine that was asked for is missing');
  }
  const asked = options.port === undefined ? undefined : { port: options.port, by: '--port' };
  const webPort = await choosePort({ dataDir, name: 'web', asked, preferred: 3000, progress });
  const opsPort = (name: ProcessName): Promise<number> =>
    choosePort({ dataDir, name: `${name}-ops`, progress });
  const opsPorts = {
    web: await opsPort('web'),
    worker: await opsPort('worker'),
    ledger: await opsPort('ledger'),
  };
  const members: Record<string, string> = {};
  if (fabric.processes.length > 0) {
    for (const name of ORGANISATIONS)
      members[name] = `http://127.0.0.1:${await choosePort({ dataDir, name: `member-${name}`, progress })}`;
  }
  const passwords = rolePasswords(dataDir);
  const { ownerUrl } = postgres;
  const databaseUrls = Object.fromEntries(
    DATABASE_ROLES.map((role) => [role, roleUrl(ownerUrl, role, passwords)]),
  ) as Record<DatabaseRole, string>; // one entry per role
  const webUrl = `http://127.0.0.1:${webPort}`;
  const { profile, channel, peers } = fabric;
  return {
    addresses: {
      dataDir,
      ownerUrl,
      databaseUrls,
      temporalAddress: temporal.address,
      fabricProfile: profile,
      webUrl,
      webPort,
      opsPorts,
      members,
    },
    runFile: {
      web: webUrl,
      ops: `http://127.0.0.1:${opsPorts.web}`,
      postgres: { owner: ownerUrl, app: databaseUrls.web },
      temporal: temporal.address,
      fabric: { profile, channel, peers: { ...peers } },
      members,
    },
  };
}

/**
 * The environment that `start` gives a process over its own; the names are those that bin/config.ts reads. The
 * database is its own role's: the owner's address, which DATABASE_URL may hold, is taken away.
 */
export function processEnvironment(
  name: ProcessName,
  addresses: StackAddresses,
): Record<string, string | undefined> {
  return {
    DATABASE_URL: undefined,
    REHAB_DATABASE_URL: addresses.databaseUrls[name],
    TEMPORAL_ADDRESS: addresses.temporalAddress,
    FABRIC_PROFILE: addresses.fabricProfile,
    REHAB_MODE: 'demonstration',
    REHAB_HOST: '127.0.0.1',
    REHAB_PORT: String(addresses.webPort),
    REHAB_OPS_PORT: String(addresses.opsPorts[name]),
    REHAB_PUBLIC_URL: addresses.webUrl,
  };
}

function processSpec(name: ProcessName, options: StartOptions, addresses: StackAddresses): ProcessSpec {
  const { dataDir, webUrl, opsPorts } = addresses;
  const given = options.environmentOf ?? processEnvironment;
  // Alive, not "ready": a web whose Temporal is down must keep serving reads, so it must not be restarted.
  const health = name === 'web' ? `${webUrl}/healthz` : `http://127.0.0.1:${opsPorts[name]}/healthz`;
  return {
    name,
    command: process.execPath,
    args: [options.program, name, '--data', dataDir],
    env: { ...options.settings.environment, ...given(name, addresses) },
    logPath: join(dataDir, 'logs', `${name}.log`),
    ready: (signal) => demandAnswer(health, signal),
    readyWithinMs: 60_000,
    stopWithinMs: 20_000,
  };
}

/**
 * The members. Where each organisation has a user of its own, its member has that one; where the system can do it, it has
 * a network of its own besides, with doors to its peer, its authority and the published log.
 */
async function memberSpecs(
  options: StartOptions,
  addresses: StackAddresses,
  { separation: { users } }: Engines,
  progress: Progress,
): Promise<{ readonly specs: readonly ProcessSpec[]; closeDoors(): void }> {
  const { dataDir, webPort } = addresses;
  const tools = users === undefined ? undefined : networkTools();
  const ports = readPorts(dataDir);
  const specs: ProcessSpec[] = [];
  const closers: (() => void)[] = [];
  for (const name of ORGANISATIONS) {
    const url = addresses.members[name];
    if (url === undefined) continue;
    const spec = memberSpec(name, url, options, addresses);
    const user = users?.[name];
    const folder = join(memberPaths(dataDir, name).member, 'doors');
    if (user === undefined || tools === undefined || !mayHoldDoors(folder)) {
      specs.push(user === undefined ? spec : { ...spec, user });
      continue;
    }
    const outside = [ports[`peer-${name}`], ports[`ca-${name}`], webPort];
    const doors = {
      ports: outside.filter((port) => port !== undefined),
      inward: Number(new URL(url).port),
    };
    closers.push(await openDoors(folder, doors, user));
    const env = { ...spec.env, REHAB_MEMBER_DOORS: folder };
    specs.push(withoutNetwork({ ...spec, env }, user, tools));
  }
  if (specs.length > 0)
    progress(
      specs.every(({ env }) => env.REHAB_MEMBER_DOORS !== undefined)
        ? 'Each member has a network of its own, without a way to Postgres or Temporal'
        : 'Members share this machine’s network: Postgres asks them for a password that they do not have, Temporal asks nobody. Elsewhere keep Temporal behind a network of its own',
    );
  return { specs, closeDoors: () => closers.forEach((close) => void close()) };
}

/** An organisation's member: a process of its own over its own folder. Its environment holds nothing of the hospital's. */
function memberSpec(
  name: string,
  url: string,
  { program, settings }: StartOptions,
  { dataDir, webUrl }: StackAddresses,
): ProcessSpec {
  const { PATH, HOME, TMPDIR, LOG_LEVEL } = settings.environment;
  return {
    name: `member-${name}`,
    command: process.execPath,
    args: [program, 'member', '--org', name, '--data', dataDir],
    env: {
      PATH,
      HOME,
      TMPDIR,
      LOG_LEVEL,
      REHAB_MODE: 'demonstration',
      REHAB_PORT: new URL(url).port,
      REHAB_LOG_URL: `${webUrl}/log/`,
    },
    logPath: join(dataDir, 'logs', `member-${name}.log`),
    ready: (signal) => demandAnswer(`${url}/healthz`, signal),
    readyWithinMs: 60_000,
    stopWithinMs: 20_000,
  };
}

async function demandAnswer(url: string, signal: AbortSignal): Promise<void> {
  const response = await fetch(url, { signal, redirect: 'manual' });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`not ready: status ${response.status}`);
}

/** The address is printed when a person can work, not when a port is open. */
async function untilWebIsReady(webUrl: string): Promise<void> {
  const end = Date.now() + 60_000;
  for (;;) {
    try {
      await demandAnswer(`${webUrl}/readyz`, AbortSignal.timeout(5_000));
      return;
    } catch (error) {
      if (Date.now() > end) {
        const said = error instanceof Error ? error.message : 'no answer';
        throw new EngineTrouble(
          `The web answers but does not become ready (${said}): see its log in logs/web.log.`,
        );
      }
      await new Promise((done) => setTimeout(done, 100));
    }
  }
}
