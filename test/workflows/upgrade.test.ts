// Upgrade and rollback with cases in flight (SECURITY.md X19): an older build's workflow code and today's work on the same cases, one
// after the other and side by side, on a real Temporal and a real database. REHAB_SOAK=1 has a hundred cases of each.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import {
  type ChangesInFlight,
  changesInFlight,
  changesInFlightAt,
  keepLooking,
  unknownChanges,
} from '../../bin/changes.ts';
import { checkChanges, examine } from '../../bin/commands/doctor.ts';
import { TASK_QUEUE, TEMPORAL_NAMESPACE } from '../../domain/consortium.ts';
import { caseWorkflowId } from '../../domain/ids.ts';
import { CHANGES } from '../../workflows/changes.ts';
import { actUpdate } from '../../workflows/messages.ts';
import { temporaryFolder, testSettings } from '../support/engines.ts';
import { complete, onTemporal, type Stage, submit, toTreatment } from '../support/stories.ts';
import { createTemporalWorld, type TemporalWorld } from '../support/temporal-world.ts';

const { EventType, WorkflowTaskFailedCause } = temporal.api.enums.v1;
const SOAK = process.env.REHAB_SOAK === '1';
/** Cases that each build opens. */
const CASES = SOAK ? 100 : 2;
const CHANGE = 'limit-timer-runs-on';
/** What the older build knows. */
const NONE: readonly string[] = [];
const absent = { choice: 'absent', note: 'had a fever' } as const;
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

let world: TemporalWorld;
let stage: Stage;
let older: string;
const ofOlder: string[] = [];
const ofToday: string[] = [];

beforeAll(async () => {
  world = await createTemporalWorld();
  stage = onTemporal(world);
  const { code } = await bundleWorkflowCode({
    workflowsPath: here('../../workflows/index.ts'),
    preloadModules: [here('../../workflows/without-traces.ts')],
    ...(world.converter.failureConverterPath
      ? { failureConverterPath: world.converter.failureConverterPath }
      : {}),
    logger: new DefaultLogger('WARN'),
    webpackConfigHook: (config) => {
      const alias = { [here('../../workflows/limit-timer.ts')]: here('./limit-timer-before.ts') };
      return { ...config, resolve: { ...config.resolve, alias: { ...config.resolve?.alias, ...alias } } };
    },
  });
  older = code;
});
afterAll(() => world.close());

const look = (): Promise<ChangesInFlight> => changesInFlight(world.client, { taskQueue: world.taskQueue });
const handleOf = (caseId: string) => world.client.workflow.getHandle(caseWorkflowId(caseId));

/** Looks until Temporal's lists, which follow behind, say so. */
async function listed(good: (seen: ChangesInFlight) => boolean, again = look): Promise<ChangesInFlight> {
  for (;;) {
    const seen = await again();
    if (good(seen)) return seen;
  }
}

/** Ten at a time. */
async function each<T>(of: readonly T[], work: (one: T) => Promise<unknown>): Promise<void> {
  const left = [...of];
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      for (let one = left.pop(); one !== undefined; one = left.pop()) await work(one);
    }),
  );
}

async function swapTo(build?: string): Promise<void> {
  await world.stopWorker();
  await world.startWorker(build);
}

const session = (caseId: string) => complete(stage, caseId, 'therapistA', 'record-session', absent);
const replayed = async (caseId: string, build: string): Promise<void> =>
  await Worker.runReplayHistory(
    { workflowBundle: { code: build }, dataConverter: world.converter },
    await handleOf(caseId).fetchHistory(),
    caseWorkflowId(caseId),
  );

describe('an upgrade with cases in flight', () => {
  test('goes on with what an older build opened, and back, as long as no case has used what is new', async () => {
    await swapTo(older);
    await each(
      Array.from({ length: CASES }, (_, at) => at),
      async () => ofOlder.push(await toTreatment(stage, 40)),
    );
    for (const build of [undefined, older, undefined]) {
      const seen = await listed(({ open }) => open === CASES);
      // Nothing holds up either build.
      expect(seen.used.size).toBe(0);
      expect([unknownChanges(seen), unknownChanges(seen, NONE)]).toEqual([undefined, undefined]);
      await swapTo(build);
      await each(ofOlder, session);
    }
  }, 900_000);

  test('is not taken back once a case has used what is new: doctor and worker say which, of how many cases, and what to do', async () => {
    await each(
      Array.from({ length: CASES }, (_, at) => at),
      async () => ofToday.push((await submit(stage, 'patient')).caseId),
    );
    // Both kinds side by side under today's build.
    await each([...ofOlder], session);
    const seen = await listed(({ used }) => used.get(CHANGE) === CASES);
    expect(seen).toEqual({ open: 2 * CASES, used: new Map([[CHANGE, CASES]]) });
    expect(unknownChanges(seen)).toBeUndefined();
    expect(unknownChanges(seen, NONE)).toBe(
      `cases in flight have used changes that this build does not know, and it cannot go on with them: ${CHANGE} (cases: ${CASES})`,
    );
    expect(checkChanges(seen)).toMatchObject({
      verdict: 'ok',
      says: `this build can go on with all ${2 * CASES} cases in flight; a build without ${CHANGE} could not with ${CASES} of them`,
    });
    expect(checkChanges(seen, NONE)).toMatchObject({
      verdict: 'trouble',
      says: unknownChanges(seen, NONE),
      remedy: expect.stringContaining('Start the newer build again'),
    });
  }, 900_000);

  test('and an older build that is started all the same answers nobody, loses nothing, and the newer one goes on', async () => {
    const caseId = ofToday[0] ?? '';
    const request = await world.request('patient', 'withdraw', {}, { caseId });
    await swapTo(older);
    const answer = handleOf(caseId).executeUpdate(actUpdate('withdraw'), {
      updateId: request.key,
      args: [request],
    });
    // A case that the older build opened goes on meanwhile.
    await session(ofOlder[0] ?? '');
    const failed = async () =>
      (await handleOf(caseId).fetchHistory()).events?.find(
        ({ eventType }) => eventType === EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED,
      )?.workflowTaskFailedEventAttributes?.cause;
    let cause = await failed();
    while (cause === undefined) cause = await failed();
    expect(cause).toBe(WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR);
    await swapTo();
    expect(await answer).toMatchObject({ kind: 'done', state: 'closed' });
    const entries = await world.worker.sql<{ n: number }[]>`
      select count(*)::int as n from audit_entries where subject_id = ${caseId}`;
    expect(entries[0]?.n).toBe(2);
  }, 300_000);

  test('an older build that runs beside the newer one leaves by itself', async () => {
    const beside = await world.startBeside(older);
    try {
      const said = await new Promise<string>((leave) => {
        keepLooking(world.client, leave, { everyMs: 20, known: NONE, taskQueue: world.taskQueue });
      });
      expect(said).toContain(CHANGE);
    } finally {
      await beside.stop();
    }
    // Today's build, which looks the same way while people work, has no reason to.
    const left: string[] = [];
    const leave = (why: string): number => left.push(why);
    const looking = keepLooking(world.client, leave, { everyMs: 1, taskQueue: world.taskQueue });
    await each([...ofOlder], session);
    looking.end();
    expect(left).toEqual([]);
    await complete(stage, ofToday[1] ?? '', 'officerA', 'decide-eligibility', {
      choice: 'ask-papers',
      papers: ['Report'],
    });
  }, 300_000);

  test('histories of both replay against today’s code; the older build’s code refuses those of the newer', async () => {
    for (const caseId of [...ofOlder, ...ofToday]) await replayed(caseId, world.code);
    for (const caseId of ofOlder) await replayed(caseId, older);
    for (const caseId of ofToday)
      await expect(replayed(caseId, older)).rejects.toThrow(DeterminismViolationError);
  }, 300_000);
});

describe('a case in flight that has used a change of a newer build than this one', () => {
  test('keeps `rehab worker` from starting, and `rehab doctor` names it; no other does', async () => {
    const { address } = inject('temporal');
    const folder = await temporaryFolder();
    const workerSays = (): Promise<{ code: unknown; said: string }> =>
      new Promise((resolve) =>
        execFile(
          process.execPath,
          [here('../../bin/rehab.mjs'), 'worker', '--data', join(folder.path, 'data')],
          { env: { PATH: process.env.PATH, HOME: process.env.HOME, TEMPORAL_ADDRESS: address } },
          (error, logged, said) => resolve({ code: error?.code, said: said + logged }),
        ),
      );
    const settings = { ...testSettings(), temporalAddress: address };
    const doctorSays = async () =>
      (await examine({ dataDir: join(folder.path, 'data'), settings })).find(
        ({ check }) => check === 'changes',
      );
    const newer = await world.client.workflow.start('caseWorkflow', {
      workflowId: `of-a-newer-build-${world.taskQueue}`,
      taskQueue: TASK_QUEUE,
      args: [{ caseId: 'of-a-newer-build' }],
      searchAttributes: { TemporalChangeVersion: [...CHANGES, 'of-a-newer-build'] },
    });
    try {
      await listed(
        ({ used }) => used.has('of-a-newer-build'),
        () => changesInFlight(world.client),
      );
      const { code, said } = await workerSays();
      expect(said.trim()).toBe(
        'No worker is started: cases in flight have used changes that this build does not know, and it cannot go on with them: of-a-newer-build (cases: 1). Start the newer build again that used them.',
      );
      expect(code).toBe(1);
      expect(await doctorSays()).toMatchObject({
        verdict: 'trouble',
        says: expect.stringContaining('of-a-newer-build (cases: 1)'),
      });
    } finally {
      await newer.terminate();
    }
    await listed(
      ({ used }) => !used.has('of-a-newer-build'),
      () => changesInFlight(world.client),
    );
    expect(checkChanges(await changesInFlightAt(address)).verdict).toBe('ok');
    // Gets as far as the database, which nobody told it of.
    const { said } = await workerSays();
    expect(said).toContain('databaseUrl');
    expect(said).not.toContain('No worker is started');
    await folder.remove();
  }, 120_000);

  test('cannot be asked for while Temporal is away: that is said, and never called well', async () => {
    const connection = Connection.lazy({ address: '127.0.0.1:1' });
    const client = new Client({ connection, namespace: TEMPORAL_NAMESPACE });
    const seen = await changesInFlight(client, { withinMs: 500 });
    await connection.close();
    expect(seen).toMatchObject({ open: 0, unread: expect.anything() });
    expect(checkChanges(seen).verdict).toBe('not run');
    // What was read before that counts.
    expect(checkChanges({ ...seen, used: new Map([['of-a-newer-build', 1]]) }).verdict).toBe('trouble');
  });
});
