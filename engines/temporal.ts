// Engines: Temporal. Starts the development server on a file, waits until the namespace answers, keeps it running.
// Promise: every accepted event is on disk (WAL with synchronous=FULL), 127.0.0.1 only, histories kept ten years.
// Never starts a server beside an existing one that TEMPORAL_ADDRESS names.
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { msNumberToTs, tsToMs } from '@temporalio/common/lib/time.js';
import { TEMPORAL_NAMESPACE } from '../domain/consortium.ts';
import { type EngineSource, findOrBuild } from './find-or-build.ts';
import { choosePort } from './ports.ts';
import { isAtLeast, isLoopback } from './postgres.ts';
import type { Progress } from './progress.ts';
import type { EngineSettings } from './settings.ts';
import { createSupervisor, type Supervisor } from './supervisor.ts';
import { EngineTrouble } from './trouble.ts';
import { giveTo, runnableBy, type SystemUser } from './users.ts';

export interface RunningTemporal {
  readonly how: 'address' | 'setting' | 'path' | 'cache' | 'built';
  /** HOST:PORT of the frontend. */
  readonly address: string;
  /** Only for the server that we run ourselves. */
  readonly uiUrl?: string;
  readonly metricsUrl?: string;
  /** The `temporal` program that runs it, for its own command line. */
  readonly cli?: string;
  readonly serverVersion: string;
  pid(): number | undefined;
  stop(): Promise<void>;
}

export interface TemporalOptions {
  readonly dataDir: string;
  readonly settings: EngineSettings;
  readonly progress: Progress;
  /** Keeps the process; without one the engine makes its own, with pid files in `DATA/pids`. */
  readonly supervisor?: Supervisor;
  /** Runs the server, and has its data; ourselves unless given. */
  readonly user?: SystemUser | undefined;
  /** Retention of closed histories in milliseconds. Default ten years; tests of the check itself pass another. */
  readonly retentionMs?: number;
}

const DAY_MS = 86_400_000;
/** Ten years with their leap days: Temporal must not forget a case before its record may be destroyed. */
export const RETENTION_MS = 3_653 * DAY_MS;
/** Outside loopback nothing older is accepted: namespace checks could be passed by (SECURITY.md T4). */
export const FLOOR_OUTSIDE_LOOPBACK = '1.29.5';
/** The oldest server that a `temporal` found on PATH may bring. */
const OLDEST_SERVER = '1.29.0';

/** Closed sets of values, never patient data (DESIGN.md section 9, 12). */
export const SEARCH_ATTRIBUTES = ['RehabStage', 'RehabOutcome'] as const;
/** temporal.api.enums.v1.IndexedValueType, INDEXED_VALUE_TYPE_KEYWORD. */
const KEYWORD = 2;

/** As durable as the default, and twice as fast (DESIGN.md section 4, measured). */
const PRAGMAS = [
  'journal_mode=WAL',
  'synchronous=FULL',
  'cache_size=-65536',
  'temp_store=MEMORY',
  'mmap_size=268435456',
  'wal_autocheckpoint=4000',
] as const;

/**
 * The Temporal command line, pinned to 1.5.1: later versions have a `replace` in their go.mod. The download that
 * the TypeScript SDK offers is left out: it comes without a hash that we could check (SECURITY.md S3).
 */
export function temporalSource(settings: EngineSettings): EngineSource<'temporal'> {
  return {
    engine: 'temporal',
    version: '1.5.1',
    programs: { temporal: 'github.com/temporalio/cli/cmd/temporal' },
    moduleDir: join(import.meta.dirname, 'temporal'),
    ldflags: '-s -w -X github.com/temporalio/cli/temporalcli.Version=1.5.1',
    setting: { name: 'TEMPORAL_CLI', value: settings.temporalCli },
    instead: 'set TEMPORAL_CLI to a temporal program, or TEMPORAL_ADDRESS to a server that runs',
    usually: '4 to 6 minutes',
    goVersion: '1.25',
    wantsMiB: 3_000,
    refuses: async ({ temporal }) => {
      const version = await serverVersionOf(temporal);
      if (isAtLeast(version, OLDEST_SERVER)) return undefined;
      return `its server is ${version}, and ${OLDEST_SERVER} or later is needed`;
    },
  };
}

/** Version of the server inside a `temporal` program, e.g. "1.29.1"; "0" when it does not say. */
export async function serverVersionOf(cli: string): Promise<string> {
  const said = await promisify(execFile)(cli, ['--version'], { timeout: 20_000 }).catch(() => ({
    stdout: '',
  }));
  return /Server (\d+(?:\.\d+)*)/.exec(said.stdout)?.[1] ?? '0';
}

/**
 * Temporal, by TEMPORAL_ADDRESS or our own. Resolves when the namespace `rehab` answers, has its retention and its
 * search attributes. Idempotent. Throws EngineTrouble.
 */
export async function startTemporal(options: TemporalOptions): Promise<RunningTemporal> {
  const { temporalAddress } = options.settings;
  if (temporalAddress === undefined) return await startOwn(options);
  const host = temporalAddress.slice(0, temporalAddress.lastIndexOf(':'));
  const version = await prepareNamespace(temporalAddress, options.retentionMs ?? RETENTION_MS).catch(
    (error: unknown) => {
      throw new EngineTrouble(
        `TEMPORAL_ADDRESS ${temporalAddress} does not lead to a Temporal with a usable namespace ${TEMPORAL_NAMESPACE} (${wordsOf(error)}): correct it, or remove it to use the built-in one.`,
      );
    },
  );
  if (!isLoopback(host) && !isAtLeast(version, FLOOR_OUTSIDE_LOOPBACK)) {
    throw new EngineTrouble(
      `TEMPORAL_ADDRESS leads to a Temporal ${version} on another machine: ${FLOOR_OUTSIDE_LOOPBACK} or later is needed there (older ones have published holes).`,
    );
  }
  return {
    how: 'address',
    address: temporalAddress,
    serverVersion: version,
    pid: () => undefined,
    stop: async () => {},
  };
}

async function startOwn(options: TemporalOptions): Promise<RunningTemporal> {
  const { dataDir, settings, progress, user } = options;
  const { cacheDir, environment } = settings;
  const found = await findOrBuild(temporalSource(settings), { cacheDir, environment, progress });
  const folder = resolve(dataDir, 'temporal');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (user !== undefined) giveTo(folder, user);
  const programs = user === undefined ? found.programs : await runnableBy([user], found.programs);
  const port = async (name: string, asked?: number, by = ''): Promise<number> =>
    await choosePort({
      dataDir,
      name,
      asked: asked === undefined ? undefined : { port: asked, by },
      progress,
    });
  const frontend = await port('temporal', settings.temporalPort, 'REHAB_TEMPORAL_PORT');
  const ui = await port('temporal-ui', settings.temporalUiPort, 'REHAB_TEMPORAL_UI_PORT');
  const http = await port('temporal-http');
  const metrics = await port('temporal-metrics');
  const address = `127.0.0.1:${frontend}`;
  const keeper = options.supervisor ?? createSupervisor({ pidDir: join(dataDir, 'pids'), progress });
  await keeper.start({
    name: 'temporal',
    command: programs.temporal,
    args: [
      ...['server', 'start-dev', '--log-level', 'warn', '--disable-config-file', '--disable-config-env'],
      ...['--ip', '127.0.0.1', '--port', String(frontend), '--http-port', String(http)],
      ...['--ui-ip', '127.0.0.1', '--ui-port', String(ui), '--metrics-port', String(metrics)],
      ...['--db-filename', join(folder, 'temporal.db')],
      ...PRAGMAS.flatMap((pragma) => ['--sqlite-pragma', pragma]),
      // Named at the start so that they are usable in the same second; prepareNamespace checks them.
      ...['--namespace', TEMPORAL_NAMESPACE],
      ...SEARCH_ATTRIBUTES.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
    ],
    // Go asks for the user's name, and a system user without an account has none but this.
    env: { PATH: environment.PATH, HOME: folder, USER: 'temporal', TZ: 'UTC' },
    cwd: folder,
    ...(user === undefined ? {} : { user }),
    logPath: join(dataDir, 'logs', 'temporal.log'),
    ready: async () => await describeNamespace(address),
    readyWithinMs: 60_000,
    stopWithinMs: 20_000,
  });
  try {
    const serverVersion = await prepareNamespace(address, options.retentionMs ?? RETENTION_MS);
    return {
      how: found.how,
      address,
      uiUrl: `http://127.0.0.1:${ui}`,
      metricsUrl: `http://127.0.0.1:${metrics}/metrics`,
      cli: programs.temporal,
      serverVersion,
      pid: () => keeper.pids().temporal,
      stop: () => keeper.stop('temporal'),
    };
  } catch (error) {
    await keeper.stop('temporal');
    throw error;
  }
}

/** What a look at the namespace shows. */
export interface NamespaceState {
  readonly serverVersion: string;
  readonly retentionMs: number;
  /** Those of ours that are missing or of another type. */
  readonly missingAttributes: readonly string[];
}

/** Reads the namespace without changing anything. For `rehab doctor`. Throws when Temporal does not answer. */
export async function namespaceState(address: string): Promise<NamespaceState> {
  return await connected(address, async (connection) => {
    const { serverVersion } = await connection.workflowService.getSystemInfo({});
    const { config } = await connection.workflowService.describeNamespace({ namespace: TEMPORAL_NAMESPACE });
    return {
      serverVersion: serverVersion ?? '0',
      retentionMs: tsToMs(config?.workflowExecutionRetentionTtl),
      missingAttributes: await missingAttributes(connection),
    };
  });
}

/**
 * Creates the namespace when there is none, lengthens its retention when it is shorter (never shortens it), adds
 * missing search attributes. Returns the server's version.
 */
async function prepareNamespace(address: string, retentionMs: number): Promise<string> {
  return await connected(address, async (connection) => {
    const { serverVersion } = await connection.workflowService.getSystemInfo({});
    const wanted = msNumberToTs(retentionMs);
    const found = await connection.workflowService
      .describeNamespace({ namespace: TEMPORAL_NAMESPACE })
      .catch((error: unknown) => {
        if (grpcCode(error) === NOT_FOUND) return undefined;
        throw error;
      });
    if (found === undefined) {
      await connection.workflowService
        .registerNamespace({ namespace: TEMPORAL_NAMESPACE, workflowExecutionRetentionPeriod: wanted })
        .catch((error: unknown) => {
          if (grpcCode(error) !== ALREADY_EXISTS) throw error; // another start was quicker
        });
    } else if (tsToMs(found.config?.workflowExecutionRetentionTtl) < retentionMs) {
      await connection.workflowService.updateNamespace({
        namespace: TEMPORAL_NAMESPACE,
        config: { workflowExecutionRetentionTtl: wanted },
      });
    }
    await addAttributes(connection);
    return serverVersion ?? '0';
  });
}

async function addAttributes(connection: Connection): Promise<void> {
  // A namespace that was just registered reaches the server's other parts within seconds; until then it is "not found".
  const end = Date.now() + 30_000;
  for (;;) {
    try {
      const missing = await missingAttributes(connection);
      if (missing.length === 0) return;
      const searchAttributes = Object.fromEntries(missing.map((name) => [name, KEYWORD]));
      await connection.operatorService.addSearchAttributes({
        namespace: TEMPORAL_NAMESPACE,
        searchAttributes,
      });
    } catch (error) {
      const code = grpcCode(error);
      if ((code !== NOT_FOUND && code !== ALREADY_EXISTS) || Date.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function missingAttributes(connection: Connection): Promise<string[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({
    namespace: TEMPORAL_NAMESPACE,
  });
  return SEARCH_ATTRIBUTES.filter((name) => customAttributes?.[name] !== KEYWORD);
}

async function describeNamespace(address: string): Promise<void> {
  await connected(address, (connection) =>
    connection.workflowService.describeNamespace({ namespace: TEMPORAL_NAMESPACE }),
  );
}

/** Runs `work` over a connection of its own, all of it within 35 seconds (waiting for a new namespace included). */
async function connected<T>(address: string, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address, connectTimeout: 5_000 });
  try {
    return await connection.withDeadline(Date.now() + 35_000, () => work(connection));
  } finally {
    await connection.close();
  }
}

/** gRPC status codes, https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;

function grpcCode(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}

function wordsOf(error: unknown): string {
  if (error instanceof Error && 'details' in error && typeof error.details === 'string') return error.details;
  return error instanceof Error ? error.message : 'no answer';
}
