// Composition of the worker: Temporal's tasks on one side, Postgres under the worker's role on the other. Holds no
// state; any number may run.
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createActivities } from '../../activities/create.ts';
import { connect } from '../../db/connection.ts';
import { TASK_QUEUE, TEMPORAL_NAMESPACE } from '../../domain/consortium.ts';
import type { Recorder } from '../../ledger/recorded.ts';
import { faultFacts, processLog } from '../log.ts';
import {
  authorityRoots,
  databaseUrl,
  type Machine,
  processBundle,
  renewedSigner,
  temporalAddress,
} from '../machine.ts';
import { serveOps } from '../ops.ts';
import { parametersOf } from '../parameters.ts';
import { dataConverter } from '../payload-codec.ts';
import { survive } from '../survive.ts';

/** Runs until it is told to stop; lets running activities end. */
export async function runWorker(machine: Machine): Promise<void> {
  const log = processLog('worker', machine.settings.LOG_LEVEL);
  survive(log);
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message }) =>
      log[level === 'ERROR' ? 'error' : 'warn']({ temporal: true }, message),
    ),
    shutdownSignals: ['SIGINT', 'SIGTERM'],
  });
  const { sql, close } = connect(databaseUrl(machine, 'worker'), { max: 16, name: 'rehab-worker' });
  const parameters = parametersOf(machine.settings);
  const signer = renewedSigner(machine);
  const recorder: Recorder = {
    sql,
    keys: machine.secrets.keys,
    get signer() {
      return signer();
    },
    bundle: processBundle(),
    parameters: parameters.version,
    now: () => new Date(),
    ...drill(machine),
  };
  const activities = createActivities({
    recorder,
    keyed: machine.secrets.keyed,
    dueAfter: parameters.dueAfter,
    roots: authorityRoots(machine),
    note: (error) => log.warn(faultFacts(error), 'activity met a fault'),
  });
  const connection = await NativeConnection.connect({ address: temporalAddress(machine) });
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
  try {
    await worker.run();
  } finally {
    await ops.close();
    await connection.close();
    await close();
  }
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
