// The end of a run and what arrives just then: a case that is opened again while its run is ending, keys that are sent again
// after the end or with other input, a key folder that is away when a timer rings. On a real Temporal and a real database.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Done } from '../../activities/act.ts';
import { TEMPORAL_NAMESPACE } from '../../domain/consortium.ts';
import { caseWorkflowId } from '../../domain/ids.ts';
import { KeyMissing } from '../../ledger/record-key.ts';
import type { Recorder } from '../../ledger/recorded.ts';
import { actUpdate, progressQuery } from '../../workflows/messages.ts';
import { claim, openTask } from '../support/claim.ts';
import { createTemporalWorld, type TemporalWorld } from '../support/temporal-world.ts';

const application = { patientName: 'Testa Persona', birthDate: '1961-04-02', reason: 'Hip fracture' };
const seconds = (length: number) => ({ unit: 'seconds' as const, length });

let world: TemporalWorld;
beforeAll(async () => {
  world = await createTemporalWorld({
    parameters: JSON.stringify({ version: 'test-seconds', clocks: { 'appeal-period': seconds(2) } }),
  });
});
afterAll(() => world.close());

async function submitted(by = 'patient'): Promise<Done> {
  const answer = await world.act(by, 'submit-application', application);
  if (answer.kind !== 'done') throw new Error(JSON.stringify(answer));
  return answer;
}

const handleOf = (caseId: string) => world.client.workflow.getHandle(caseWorkflowId(caseId));
const statusOf = async (caseId: string) => (await handleOf(caseId).describe()).status.name;

/** Until Temporal has been told of an Update, whatever became of it. */
async function admitted(caseId: string, updateId: string): Promise<void> {
  for (;;) {
    try {
      await world.client.workflowService.pollWorkflowExecutionUpdate({
        namespace: TEMPORAL_NAMESPACE,
        updateRef: { workflowExecution: { workflowId: caseWorkflowId(caseId) }, updateId },
      });
      return;
    } catch (error) {
      if ((error as { code?: number }).code !== 5) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

describe('a case that is opened again', () => {
  test('while its run is ending goes on', async () => {
    const { caseId } = await submitted();
    const withdraw = world.key('patient', 'withdraw', caseId);
    const reopen = world.key('officerA', 'reopen', caseId);
    // Both arrive in one workflow task. The reopening meets a fault at first, so that it is done when the run is already on
    // its way to its end, and only waits for whoever asked last.
    const { signer } = world.recorder;
    let faults = 0;
    (world.recorder as { signer: Recorder['signer'] }).signer = {
      ...signer,
      sign(body) {
        if (Buffer.from(body).includes(reopen) && faults++ === 0) throw new Error('the signer is away');
        return signer.sign(body);
      },
    };
    await world.stopWorker();
    const ending = world.act('patient', 'withdraw', {}, { caseId, key: withdraw });
    await admitted(caseId, withdraw);
    const opening = world.act('officerA', 'reopen', { reasons: 'New findings' }, { caseId, key: reopen });
    await admitted(caseId, reopen);
    const { runId } = await handleOf(caseId).describe();
    await world.startWorker();
    expect(await ending).toMatchObject({ kind: 'done', state: 'closed' });
    expect(await opening).toMatchObject({ kind: 'done', state: 'eligibility-due' });
    (world.recorder as { signer: Recorder['signer'] }).signer = signer;
    expect(faults).toBeGreaterThan(1);
    expect(await handleOf(caseId).query(progressQuery)).toMatchObject({ state: 'eligibility-due' });
    expect(await handleOf(caseId).describe()).toMatchObject({ runId, status: { name: 'RUNNING' } });
    // And its next act finds somebody to ask.
    expect(await world.act('patient', 'withdraw', {}, { caseId })).toMatchObject({ state: 'closed' });
  });
});

describe('after the end', () => {
  test('the application sent again brings its answer and wakes nobody', async () => {
    const key = world.key('patient', 'submit-application', 'new');
    const first = (await world.act('patient', 'submit-application', application, { key })) as Done;
    await world.act('patient', 'withdraw', {}, { caseId: first.caseId });
    await handleOf(first.caseId).result();
    expect(await world.act('patient', 'submit-application', application, { key })).toEqual(first);
    expect(await statusOf(first.caseId)).toBe('COMPLETED');
  });

  test('a refusal is recorded, once, and says what is true', async () => {
    const { caseId } = await submitted();
    await world.act('patient', 'withdraw', {}, { caseId });
    await handleOf(caseId).result();
    const key = world.key('patient', 'withdraw', caseId);
    for (let i = 0; i < 2; i++)
      expect(await world.act('patient', 'withdraw', {}, { caseId, key })).toMatchObject({
        kind: 'refusal',
        code: 'wrong-state',
      });
    const rows = await world.worker
      .sql`select action, code, person_id from refusals where case_id = ${caseId}`;
    expect(rows).toEqual([{ action: 'withdraw', code: 'wrong-state', person_id: world.as('patient').id }]);
  });

  test('of a run that somebody ended behind our back, nobody is told that the case is closed', async () => {
    const { caseId } = await submitted();
    await handleOf(caseId).terminate('test');
    expect(await world.act('patient', 'withdraw', {}, { caseId })).toEqual({ kind: 'unavailable' });
    const rows = await world.worker.sql`select code from refusals where case_id = ${caseId}`;
    expect(rows.length).toBe(0);
  });
});

describe('a key with other input', () => {
  test('is refused, though Temporal knows the Update by its id alone', async () => {
    const { caseId } = await submitted();
    const id = await openTask(world, caseId);
    const task = { id, claim: await claim(world, 'officerA', id) };
    const key = world.key('officerA', 'decide-eligibility', id);
    const refuse = {
      choice: 'refuse' as const,
      criteria: { need: 'not-met', capacity: 'met', prognosis: 'met' } as const,
      reasons: 'No need shown',
    };
    const first = await world.act('officerA', 'decide-eligibility', refuse, { caseId, task, key });
    expect(first).toMatchObject({ state: 'refused' });
    expect(
      await world.act(
        'officerA',
        'decide-eligibility',
        {
          choice: 'accept',
          criteria: { need: 'met', capacity: 'met', prognosis: 'met' },
          disciplines: ['physiotherapy'],
        },
        { caseId, task, key },
      ),
    ).toMatchObject({ kind: 'refusal', code: 'key-reused' });
    expect(await world.act('officerA', 'decide-eligibility', refuse, { caseId, task, key })).toEqual(first);
  });

  test('is refused for an application too', async () => {
    const key = world.key('patient', 'submit-application', 'new');
    const first = await world.act('patient', 'submit-application', application, { key });
    expect(
      await world.act('patient', 'submit-application', { ...application, reason: 'Another' }, { key }),
    ).toMatchObject({ kind: 'refusal', code: 'key-reused' });
    expect(await world.act('patient', 'submit-application', application, { key })).toEqual(first);
  });
});

describe('when a service is away for longer than the short tries last', () => {
  /** Lets the keys of a case be away for so many questions. */
  async function keysAway(caseId: string, times: number, meanwhile: () => Promise<void>): Promise<void> {
    const { recorder } = world;
    const { keys } = recorder;
    let asked = 0;
    (recorder as { keys: Recorder['keys'] }).keys = {
      of: async (kind, id) => {
        if (id === caseId && asked++ < times) throw new KeyMissing(kind);
        return await keys.of(kind, id);
      },
    };
    try {
      await meanwhile();
      expect(asked).toBeGreaterThan(times);
    } finally {
      (recorder as { keys: Recorder['keys'] }).keys = keys;
    }
  }

  test('a limit that rings waits for it, and the case goes on', async () => {
    const { caseId } = await submitted();
    const id = await openTask(world, caseId);
    const task = { id, claim: await claim(world, 'officerA', id) };
    await world.act(
      'officerA',
      'decide-eligibility',
      {
        choice: 'refuse',
        criteria: { need: 'not-met', capacity: 'met', prognosis: 'met' },
        reasons: 'No need shown',
      },
      { caseId, task },
    );
    await keysAway(caseId, 5, async () => expect(await handleOf(caseId).result()).toBe('refused'));
  });

  test('a decision is answered when it is back, never with a fault', async () => {
    const { caseId } = await submitted();
    const key = world.key('patient', 'withdraw', caseId);
    const request = await world.request('patient', 'withdraw', {}, { caseId, key });
    await keysAway(caseId, 5, async () =>
      expect(
        await handleOf(caseId).executeUpdate(actUpdate('withdraw'), { updateId: key, args: [request] }),
      ).toMatchObject({ state: 'closed' }),
    );
    const rows = await world.worker.sql`select action from decisions where case_id = ${caseId}`;
    expect(rows.map(({ action }) => action)).toEqual(['submit-application', 'withdraw']);
  });
});
