// Replay over cases that were really lived, on a real Temporal and a real database: what agrees is not reported, and whatever is
// done to one side alone is.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createVerbs } from '../../activities/create.ts';
import { digestWith } from '../../bin/replay/histories.ts';
import { type RecordedActs, recordedActs } from '../../bin/replay/recorded-acts.ts';
import { type ReplaySources, replay } from '../../bin/replay/replay.ts';
import { TEMPORAL_NAMESPACE } from '../../domain/consortium.ts';
import { caseWorkflowId } from '../../domain/ids.ts';
import { continuedCase } from '../support/continued-case.ts';
import { saveHistories } from '../support/save-histories.ts';
import { complete, onTemporal, STORIES, type Stage, type Story, submit } from '../support/stories.ts';
import { createTemporalWorld, type TemporalWorld } from '../support/temporal-world.ts';

const seconds = (length: number) => ({ unit: 'seconds' as const, length });

let world: TemporalWorld;
let stage: Stage;
let owner: postgres.Sql;
let recorded: RecordedActs;
const lived = new Map<Story | 'lapsed-and-reopened' | 'continued', string>();

beforeAll(async () => {
  world = await createTemporalWorld({
    parameters: JSON.stringify({ version: 'test-seconds', clocks: { 'appeal-period': seconds(4) } }),
  });
  stage = onTemporal(world);
  owner = postgres(world.fresh.ownerUrl, { max: 1, onnotice: () => undefined });
  recorded = recordedActs(world.fresh.urls.verify);
  for (const story of Object.keys(STORIES) as Story[]) {
    if (story === 'refused') continue; // its appeal period ends below
    lived.set(story, await STORIES[story](stage));
  }
  // A refusal that nobody appeals becomes final when its period ends; an officer may open the case again.
  const final = await STORIES.refused(stage);
  await world.client.workflow.getHandle(caseWorkflowId(final)).result();
  const again = await stage.act('officerB', 'reopen', { reasons: 'New findings' }, { caseId: final });
  if (again.kind !== 'done') throw new Error('case could not be opened again');
  lived.set('lapsed-and-reopened', final);
  lived.set('continued', await continuedCase(world, stage));
});
afterAll(async () => {
  await recorded.close();
  await owner.end({ timeout: 5 });
  await world.close();
});

const sources = (more: Partial<ReplaySources> = {}): ReplaySources => ({
  client: world.client,
  converter: world.converter,
  bundle: world.code,
  recorded,
  digestOf: digestWith(world.recorder.keys),
  taskQueue: world.taskQueue,
  settleMs: 300,
  progress: () => undefined,
  ...more,
});

const differences = async (...cases: string[]) => {
  const { differing } = await replay(sources(), cases);
  return differing;
};

/** Runs Temporal's own command line, as an operator would. */
async function temporal(...args: string[]): Promise<string> {
  const { address, cli } = inject('temporal');
  const { stdout } = await promisify(execFile)(cli, [
    ...args,
    '--address',
    address,
    '--namespace',
    TEMPORAL_NAMESPACE,
  ]);
  return stdout;
}

/** Takes an act out of the database, with everything that tells of it. */
async function takeAway(caseId: string, event: string): Promise<void> {
  const [entry] = await owner<{ id: string }[]>`
    select id from audit_entries where subject_id = ${caseId} and event = ${event} order by subject_version desc limit 1`;
  const id = entry?.id ?? '';
  await owner`delete from decisions where entry_id = ${id}`;
  await owner`delete from operations where entry_id = ${id}`;
  await owner`delete from audit_entries where id = ${id}`;
}

describe('replay agrees', () => {
  test('with every story that was lived, in all runs', async () => {
    const report = await replay(sources(), undefined);
    expect(report.differing).toEqual([]);
    expect(report).toMatchObject({ cases: lived.size, agreed: lived.size });
  });

  // Adds the histories of a run on invented people to the saved ones, when it is asked to; they are never replaced.
  test.runIf(process.env.REHAB_SAVE_HISTORIES)('and keeps their histories', async () => {
    for (const [story, caseId] of lived)
      expect(await saveHistories(world.client, world.converter, caseId, story)).not.toHaveLength(0);
  });

  test('while people work', async () => {
    let working = true;
    const works = (async () => {
      while (working) await STORIES.papers(stage);
    })();
    try {
      for (let run = 0; run < 2; run++) {
        const report = await replay(sources({ settleMs: 60_000 }), undefined);
        expect(report.differing).toEqual([]);
      }
    } finally {
      working = false;
      await works;
    }
  }, 300_000);
});

describe('replay names', () => {
  test('an entry that was deleted with its rows', async () => {
    const caseId = await STORIES.papers(stage);
    await takeAway(caseId, 'papers.provided');
    expect(await differences(caseId)).toEqual([
      {
        case: caseId,
        event: 'providePapers',
        recorded: null,
        replayed: expect.stringContaining('eligibility-due'),
      },
    ]);
  });

  test('an entry alone, or an operation alone, that was deleted', async () => {
    const one = await STORIES.withdrawn(stage);
    await owner`delete from audit_entries where subject_id = ${one} and event = 'application.withdrawn'`;
    expect(await differences(one)).toEqual([
      expect.objectContaining({ event: 'withdrawApplication', recorded: 'operation without entry' }),
    ]);
    const other = await STORIES.withdrawn(stage);
    await owner`delete from operations where workflow_id = ${caseWorkflowId(other)} and action = 'withdraw'`;
    expect(await differences(other)).toEqual([
      expect.objectContaining({ event: 'withdrawApplication', recorded: 'entry without operation' }),
    ]);
  });

  test('an answer, and a state, that was edited', async () => {
    const caseId = await STORIES.withdrawn(stage);
    await owner`update operations set answer = jsonb_set(answer, '{outcome}', '"approved"') where workflow_id = ${caseWorkflowId(caseId)} and action = 'withdraw'`;
    expect(await differences(caseId)).toEqual([expect.objectContaining({ event: 'withdrawApplication' })]);
    const other = await STORIES.withdrawn(stage);
    await owner`update cases set outcome = 'approved' where id = ${other}`;
    expect(await differences(other)).toEqual([
      {
        case: other,
        event: 'workflow',
        recorded: 'closed, closed, approved',
        replayed: 'closed, closed, withdrawn',
      },
    ]);
  });

  test('a raw Update past the web', async () => {
    const { caseId } = await submit(stage, 'patient');
    const input = {
      key: 'made-by-hand',
      action: 'withdraw',
      caseId,
      actor: { person: world.as('patient').id, role: 'patient', actingFor: null },
      task: null,
      sealed: '',
    };
    await temporal(
      'workflow',
      'update',
      'start',
      '--wait-for-stage',
      'accepted',
      '--workflow-id',
      caseWorkflowId(caseId),
      '--name',
      'withdrawApplication',
      '--update-id',
      'made-by-hand',
      '--input',
      JSON.stringify(input),
    );
    await world.client.workflow.getHandle(caseWorkflowId(caseId)).getUpdateHandle('made-by-hand').result();
    expect(await differences(caseId)).toEqual([
      { case: caseId, event: 'withdrawApplication', recorded: null, replayed: 'refused: key-unbound' },
    ]);
  });

  test('a case that was terminated by hand', async () => {
    const { caseId } = await submit(stage);
    await temporal('workflow', 'terminate', '--workflow-id', caseWorkflowId(caseId), '--reason', 'test');
    expect(await differences(caseId)).toEqual([
      { case: caseId, event: 'workflow', recorded: 'eligibility-due', replayed: 'run terminated' },
    ]);
  });

  test('a case that Temporal does not have, whatever it says of its acts', async () => {
    const caseId = await STORIES.papers(stage);
    await temporal('workflow', 'delete', '--workflow-id', caseWorkflowId(caseId));
    await expect
      .poll(() => differences(caseId), { timeout: 30_000 })
      .toEqual([{ case: caseId, event: 'workflow', recorded: 'eligibility-due', replayed: null }]);
  });

  test('a case that Postgres does not have', async () => {
    const { caseId } = await submit(stage);
    await owner`delete from operations where workflow_id = ${caseWorkflowId(caseId)}`;
    await owner`delete from audit_entries where subject_id = ${caseId}`;
    await owner`delete from cases where id = ${caseId}`;
    const found = await differences(caseId);
    expect(found).toContainEqual(expect.objectContaining({ event: 'submitApplication', recorded: null }));
    expect(found).toContainEqual(expect.objectContaining({ event: 'workflow', recorded: null }));
    // Found also when nobody names it: among all cases it is one that only Temporal has.
    const { differing } = await replay(sources(), undefined);
    expect(differing).toContainEqual(expect.objectContaining({ case: caseId, event: 'workflow' }));
  });

  test('a run that somebody started by hand, and that no case belongs to', async () => {
    const caseId = crypto.randomUUID();
    await world.client.workflow.start('caseWorkflow', {
      workflowId: caseWorkflowId(caseId),
      taskQueue: world.taskQueue,
      args: [{ caseId }],
    });
    expect(await differences(caseId)).toEqual([
      { case: caseId, event: 'workflow', recorded: null, replayed: 'running' },
    ]);
  });

  test('a run that has only begun and has no task yet, and comes to an end all the same', async () => {
    // As Temporal leaves a run that was handed over to for a while. The SDK's replay waits for such a one for ever.
    const caseId = crypto.randomUUID();
    const handle = await world.client.workflow.start('caseWorkflow', {
      workflowId: caseWorkflowId(caseId),
      taskQueue: world.taskQueue,
      args: [{ caseId }],
      startDelay: '1 hour',
    });
    expect((await handle.describe()).historyLength).toBe(1);
    expect(await differences(caseId)).toEqual([
      { case: caseId, event: 'workflow', recorded: null, replayed: 'running' },
    ]);
    await handle.terminate('test');
  });

  test('the end of a limit whose entry was deleted, or that never rang', async () => {
    const caseId = await STORIES.refused(stage);
    await world.client.workflow.getHandle(caseWorkflowId(caseId)).result();
    expect(await differences(caseId)).toEqual([]);
    await takeAway(caseId, 'clock.lapsed');
    expect(await differences(caseId)).toEqual([
      expect.objectContaining({ event: 'clock.lapsed', recorded: null }),
    ]);
  });

  test('an entry whose Update no history has', async () => {
    // Done by the verb itself, past Temporal, as a worker that was taken over could.
    const { caseId } = await submit(stage, 'patient');
    const request = await world.request('patient', 'withdraw', {}, { caseId });
    const verbs = createVerbs({
      ...world.deps,
      workflow: () => ({ id: caseWorkflowId(caseId), run: 'none' }),
      note: () => undefined,
    });
    await verbs.withdrawApplication(request);
    const found = await differences(caseId);
    expect(found).toContainEqual(expect.objectContaining({ event: 'application.withdrawn', replayed: null }));
    expect(found).toContainEqual(
      expect.objectContaining({ event: 'workflow', recorded: 'closed', replayed: 'run running' }),
    );
  });

  test('a recorded refusal whose entry was deleted, though it is filed under a person', async () => {
    const caseId = await STORIES.stumbling(stage);
    expect(await differences(caseId)).toEqual([]);
    await owner`delete from audit_entries where id = (select entry_id from operations where workflow_id = ${caseWorkflowId(caseId)} and answer ->> 'kind' = 'refusal' limit 1)`;
    expect(await differences(caseId)).toEqual([
      expect.objectContaining({ event: 'withdrawApplication', recorded: 'operation without entry' }),
    ]);
  });
});

test('a story goes on after it was replayed', async () => {
  const caseId = await STORIES.papers(stage);
  expect(await differences(caseId)).toEqual([]);
  await complete(stage, caseId, 'officerB', 'decide-eligibility', {
    choice: 'accept',
    criteria: { need: 'met', capacity: 'met', prognosis: 'met' },
    disciplines: ['physiotherapy'],
  });
  expect(await differences(caseId)).toEqual([]);
});
