// Test support: a world whose acts go the whole way: sealed by `ask`, through a real Temporal and a real worker, to a real
// database. Each world has a task queue and case ids of its own.
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { inject } from 'vitest';
import { createActivities } from '../../activities/create.ts';
import { workflowBundle } from '../../bin/commands/worker.ts';
import { dataConverter } from '../../bin/payload-codec.ts';
import { connect } from '../../db/connection.ts';
import type { ActInput } from '../../domain/acts.ts';
import { TEMPORAL_NAMESPACE } from '../../domain/consortium.ts';
import { needsSignature } from '../../domain/events.ts';
import type { Action } from '../../domain/lifecycle.ts';
import { makeOperationKey } from '../../domain/operation-key.ts';
import { createAsk } from '../../web/ask.ts';
import { createWorld } from './case-world.ts';

// The worker's own notes of its coming and going would bury what a failing test says.
Runtime.install({ logger: new DefaultLogger('WARN') });

export type TemporalWorld = Awaited<ReturnType<typeof createTemporalWorld>>;

export async function createTemporalWorld(options: { parameters?: string; patienceMs?: number } = {}) {
  const world = await createWorld(undefined, options);
  const { address } = inject('temporal');
  const taskQueue = `test-${randomUUID()}`;
  const converter = dataConverter(randomBytes(32));
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace: TEMPORAL_NAMESPACE, dataConverter: converter });
  const native = await NativeConnection.connect({ address });
  const code = await workflowBundle(
    { dataDir: mkdtempSync(join(tmpdir(), 'rehab-bundle-')) },
    converter.failureConverterPath,
  );
  const startWorker = async (build = code, connection = native) => {
    const worker = await Worker.create({
      connection,
      namespace: TEMPORAL_NAMESPACE,
      taskQueue,
      workflowBundle: { code: build },
      activities: createActivities({
        recorder: world.recorder,
        keyed: world.keyed,
        dueAfter: world.parameters.dueAfter,
        roots: world.members.roots,
        note: () => undefined,
      }),
      dataConverter: converter,
    });
    const running = worker.run();
    return {
      stop: async () => {
        if (worker.getState() === 'RUNNING') worker.shutdown();
        await running;
      },
    };
  };
  const web = connect(world.fresh.urls.web, { max: 5, name: 'test-web' });
  const ask = createAsk({
    client,
    db: web.db,
    recorder: { ...world.recorder, sql: web.sql },
    keyStore: world.keyStore,
    keys: world.recorder.keys,
    caseIdSecret: 'test',
    patienceMs: options.patienceMs ?? 20_000,
    taskQueue,
  });
  let worker = await startWorker();
  return {
    ...world,
    ask,
    client,
    converter,
    taskQueue,
    code,
    /** A key as the web would render it. */
    key: (name: string, action: Action, target: string) =>
      makeOperationKey(world.keyed, randomBytes(16).toString('base64url'), {
        person: world.as(name).id,
        action,
        target,
      }),
    async act<A extends Action>(
      name: string,
      action: A,
      values: ActInput<A>,
      to: { caseId?: string; task?: { id: string; claim: number }; key?: string } = {},
    ) {
      const { id: person, role } = world.as(name);
      const key =
        to.key ??
        makeOperationKey(world.keyed, randomBytes(16).toString('base64url'), {
          person,
          action,
          target: to.task?.id ?? to.caseId ?? 'new',
        });
      const signed =
        to.caseId && needsSignature(action)
          ? await world.signedBy(name, { key, action, caseId: to.caseId, values, task: to.task ?? null })
          : undefined;
      return await ask.act({
        key,
        action,
        asking: { person, role },
        values,
        ...(to.caseId ? { caseId: to.caseId } : {}),
        ...(to.task ? { task: to.task } : {}),
        ...(signed ? { signed } : {}),
      });
    },
    async stopWorker() {
      await worker.stop();
    },
    /** `build`: code of another workflow bundle than today's. */
    async startWorker(build?: string) {
      worker = await startWorker(build);
    },
    /** One more worker on the same queue, with a connection of its own as another process has; whoever starts it stops it. */
    async startBeside(build: string) {
      const own = await NativeConnection.connect({ address });
      const beside = await startWorker(build, own);
      return {
        async stop() {
          await beside.stop();
          await own.close();
        },
      };
    },
    async close() {
      await worker.stop();
      await connection.close();
      await native.close();
      await web.close();
      await world.close();
    },
  };
}
