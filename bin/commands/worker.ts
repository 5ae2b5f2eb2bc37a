// Composition of the worker: Temporal's tasks on one side, Postgres under the worker's role on the other. Holds no
// state; any number may run.
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createActivities } from '../../activities/create.ts';
import { connect } from '../../db/connection.ts';
import { TASK_QUEUE, TEMPORAL_NAMESPACE } from '../../domain/consortium.ts';
import { EngineTrouble } from '../../engines/trouble.ts';
import type { Recorder } from '../../ledger/recorded.ts';
import { changesInFlight, keepLooking, NEWER_BUILD, unknownChanges } from '../changes.ts';
import { faultFacts, processLog } from '../log.ts';
import { authorityRoots, databaseUrl, type Machine, processBundle, temporalAddress } from '../machine.ts';
import { serveOps } from '../ops.ts';
import { parametersOf } from '../parameters.ts';
import { dataConverter } from '../payload-codec.ts';
import { recorderOf } from '../recorder.ts';
import { survive } from '../survive.ts';

/**
 * Runs until it is told to stop; lets running activities end. Throws EngineTrouble before the first task when cases in flight have
 * used changes that this build does not know, and leaves when that comes to be while it runs.
 */
export async function runWorker(machine: Machine): Promise<void> {
  const log = processLog('worker', machine.settings.LOG_LEVEL);
  survive(log);
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message }) =>
      log[level === 'ERROR' ? 'error' : 'warn']({ temporal: true }, message),
    ),
    shutdownSignals: ['SIGINT', 'SIGTERM'],
  });
  const connection = await NativeConnection.connect({ address: temporalAddress(machine) });
  try {
    const client = new Client({ connection, namespace: TEMPORAL_NAMESPACE });
    await demandKnownChanges(client, log);
    await work(machine, connection, client, log);
  } finally {
    // A worker that was made and never ran still holds it; what kept it from running is the news then.
    await connection.close().catch(() => undefined);
  }
}

/** Before the first task. What cannot be asked holds nobody up: a case that cannot go on here waits, and loses nothing. */
async function demandKnownChanges(client: Client, log: Logger): Promise<void> {
  const inFlight = await changesInFlight(client);
  const unknown = unknownChanges(inFlight);
  if (unknown !== undefined) throw new EngineTrouble(`No worker is started: ${unknown}. ${NEWER_BUILD}`);
  if (inFlight.unread !== undefined)
    log.warn(
      { ...faultFacts(inFlight.unread), read: inFlight.open },
      'changes of cases in flight could not be read; the worker starts without knowing them all',
    );
}

async function work(
  machine: Machine,
  connection: NativeConnection,
  client: Client,
  log: Logger,
): Promise<void> {
  const { sql, close } = connect(databaseUrl(machine, 'worker'), { max: 16, name: 'rehab-worker' });
  const parameters = parametersOf(machine.settings);
  const recorder = recorderOf(machine, sql, drill(machine));
  const activities = createActivities({
    recorder,
    keyed: machine.secrets.keyed,
    dueAfter: parameters.dueAfter,
    roots: authorityRoots(machine),
    note: (error) => log.warn(faultFacts(error), 'activity met a fault'),
  });
  const converter = dataConverter(machine.secrets.payload);
  const worker = await Worker.create({
    connection,
    namespace: TEMPORAL_NAMESPACE,
    taskQueue: TASK_QUEUE,
    workflowBundle: { code: await workflowBundle(machine, converter.failureConverterPath) },
    activities,
    dataConverter: converter,
    maxConcurrentWorkflowTaskExecutions: 40,
    maxConcurrentLocalActivityExecutions: 100,
    shutdownGraceTime: '5 seconds',
  });
  const ops = await serveOps(machine.settings.REHAB_OPS_PORT, log);
  log.info({ queue: TASK_QUEUE }, 'worker is ready');
  let left: string | undefined;
  const looking = keepLooking(client, (unknown) => {
    left = unknown;
    if (worker.getState() === 'RUNNING') worker.shutdown();
  });
  try {
    await worker.run();
  } finally {
    looking.end();
    await ops.close();
    await close();
  }
  if (left !== undefined) throw new EngineTrouble(`This worker leaves: ${left}. ${NEWER_BUILD}`);
}

/** The workflow bundle of these sources, built once and kept by their hash. */
export async function workflowBundle(
  machine: Pick<Machine, 'dataDir'>,
  failureConverterPath: string | undefined,
): Promise<string> {
  const workflows = (name: string): string =>
    fileURLToPath(
      new URL(`../../workflows/${name}${extname(fileURLToPath(import.meta.url))}`, import.meta.url),
    );
  const version = (
    JSON.parse(
      readFileSync(
        fileURLToPath(
          new URL(
            '../../package.json',
            new URL(
              existsSync(fileURLToPath(new URL('../../package.json', import.meta.url))) ? '.' : '..',
              import.meta.url,
            ),
          ),
        ),
        'utf8',
      ),
    ) as { dependencies: Record<string, string> }
  ).dependencies['@temporalio/worker'];
  const folder = join(machine.dataDir, 'cache');
  const path = join(
    folder,
    `workflows-${createHash('sha256').update(`${processBundle()} ${version}`).digest('hex').slice(0, 16)}.js`,
  );
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { code } = await bundleWorkflowCode({
      workflowsPath: workflows('index'),
      preloadModules: [workflows('without-traces')],
      logger: new DefaultLogger('WARN'),
      ...(failureConverterPath ? { failureConverterPath } : {}),
    });
    const partial = `${path}.${process.pid}`;
    writeFileSync(partial, code);
    renameSync(partial, path);
  }
  return readFileSync(path, 'utf8');
}

/** Where the kill drills strike: after COMMIT, before anybody is answered, marked in a file. */
function drill(machine: Machine): Pick<Recorder, 'afterCommit'> {
  const { REHAB_DRILL_PAUSE_MS: pause, REHAB_DRILL_MARKS: marks } = machine.settings;
  if (!pause || !marks) return {};
  return {
    afterCommit: async (key) => {
      appendFileSync(marks, `${JSON.stringify({ key, pid: process.pid, at: 'committed' })}\n`);
      await new Promise((resolve) => setTimeout(resolve, pause));
      appendFileSync(marks, `${JSON.stringify({ key, pid: process.pid, at: 'answering' })}\n`);
    },
  };
}
