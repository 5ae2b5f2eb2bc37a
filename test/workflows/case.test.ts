// The whole way: ask, Update, local activity, transaction, answer; on a real Temporal and a real database.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Done } from '../../activities/act.ts';
import { caseWorkflowId } from '../../domain/ids.ts';
import { actUpdate, progressQuery } from '../../workflows/messages.ts';
import { claim, openTask } from '../support/claim.ts';
import { createTemporalWorld, type TemporalWorld } from '../support/temporal-world.ts';

const application = {
  patientName: 'Testa Persona',
  birthDate: '1961-04-02',
  reason: 'Hip fracture, canary-reason-7731',
};
const seconds = (length: number) => ({ unit: 'seconds' as const, length });

let world: TemporalWorld;
beforeAll(async () => {
  world = await createTemporalWorld({
    parameters: JSON.stringify({
      version: 'test-seconds',
      clocks: { 'follow-up-interval': seconds(2), 'appeal-period': seconds(3) },
    }),
  });
});
afterAll(() => world.close());

async function submitted(by = 'referrer'): Promise<Done> {
  const answer = await world.act(by, 'submit-application', application);
  if (answer.kind !== 'done') throw new Error(JSON.stringify(answer));
  return answer;
}

describe('the case workflow', () => {
  test('opens a case by Update-with-Start, and the same key again is the same case', async () => {
    const key = world.key('referrer', 'submit-application', 'new');
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => world.act('referrer', 'submit-application', application, { key })),
    );
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({ kind: 'done', state: 'eligibility-due' });
    const [count] = await world.worker.sql`select count(*)::int as n from operations where id = ${key}`;
    expect(count?.n).toBe(1);
  });

  test('one decision sent 100 times at once is one entry and 100 equal answers', async () => {
    const { caseId } = await submitted();
    const id = await openTask(world, caseId);
    const task = { id, claim: await claim(world, 'officerA', id) };
    const key = world.key('officerA', 'decide-eligibility', id);
    const values = {
      choice: 'accept' as const,
      criteria: { need: 'met', capacity: 'met', prognosis: 'met' } as const,
      disciplines: ['physiotherapy' as const],
    };
    const answers = await Promise.all(
      Array.from({ length: 100 }, () =>
        world.act('officerA', 'decide-eligibility', values, { caseId, task, key }),
      ),
    );
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({ kind: 'done', state: 'assessment-due' });
    const [count] = await world.worker
      .sql`select count(*)::int as n from audit_entries where subject_id = ${caseId} and event = 'eligibility.decided'`;
    expect(count?.n).toBe(1);
  });

  test('an answer that does not come is still working, and the same key brings it once the worker is back', async () => {
    const { caseId } = await submitted('patient');
    await world.stopWorker();
    const impatient = await createImpatient();
    const key = world.key('patient', 'withdraw', caseId);
    expect(await impatient('patient', 'withdraw', {}, { caseId, key })).toEqual({ kind: 'still-working' });
    await world.startWorker();
    expect(await world.act('patient', 'withdraw', {}, { caseId, key })).toMatchObject({
      kind: 'done',
      outcome: 'withdrawn',
    });
    const [count] = await world.worker
      .sql`select count(*)::int as n from decisions where case_id = ${caseId} and action = 'withdraw'`;
    expect(count?.n).toBe(1);
  });

  test('limits ring: a refusal is final when its appeal period ends, and the run closes with the outcome', async () => {
    const { caseId } = await submitted('patient');
    const id = await openTask(world, caseId);
    const task = { id, claim: await claim(world, 'officerA', id) };
    const refused = await world.act(
      'officerA',
      'decide-eligibility',
      {
        choice: 'refuse',
        criteria: { need: 'not-met', capacity: 'met', prognosis: 'met' },
        reasons: 'No need shown',
      },
      { caseId, task },
    );
    expect(refused).toMatchObject({ state: 'refused', outcome: 'refused', next: { clock: 'appeal-period' } });
    expect(await world.client.workflow.getHandle(caseWorkflowId(caseId)).result()).toBe('refused');
    const [row] = await world.worker.sql`select state, outcome from cases where id = ${caseId}`;
    expect(row).toMatchObject({ state: 'closed', outcome: 'refused' });
    const lapsed = await world.worker
      .sql`select event from audit_entries where subject_id = ${caseId} and event = 'clock.lapsed'`;
    expect(lapsed.length).toBe(1);
    // The case has ended: whoever comes late is told so.
    expect(await world.act('patient', 'appeal', { reasons: 'I do need it' }, { caseId })).toMatchObject({
      kind: 'refusal',
    });
    // An officer may open it again: a new run of the same workflow.
    expect(await world.act('officerB', 'reopen', { reasons: 'New findings' }, { caseId })).toMatchObject({
      kind: 'done',
      state: 'eligibility-due',
      outcome: null,
    });
    const progress = await world.client.workflow.getHandle(caseWorkflowId(caseId)).query(progressQuery);
    expect(progress).toMatchObject({ state: 'eligibility-due' });
  });

  test('an appeal in time is decided by fresh eyes', async () => {
    const { caseId } = await submitted('patient');
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
    expect(
      await world.act('patient', 'appeal', { reasons: 'My doctor says otherwise' }, { caseId }),
    ).toMatchObject({ state: 'appeal-due' });
    const appeal = await openTask(world, caseId);
    expect(await claim.attempt(world, 'officerA', appeal)).toMatchObject({ code: 'conflict-of-duties' });
    const number = await claim(world, 'officerB', appeal);
    expect(
      await world.act(
        'officerB',
        'decide-appeal',
        { choice: 'grant', reasons: 'Report shows need', disciplines: ['physiotherapy'] },
        { caseId, task: { id: appeal, claim: number } },
      ),
    ).toMatchObject({
      state: 'assessment-due',
      outcome: null,
    });
  });

  test('nothing of what was written stands in Temporal in clear', async () => {
    const { caseId } = await submitted();
    const handle = world.client.workflow.getHandle(caseWorkflowId(caseId));
    const history = await handle.fetchHistory();
    const raw = JSON.stringify(history, (_, value) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
    );
    expect(raw).not.toContain('canary-reason');
    expect(raw).not.toContain('Testa');
    // The history does hold the act: the search above looked at something.
    expect(raw).toContain('submitApplication');
  });

  test('no promise of a workflow carries a stack trace', async () => {
    const { caseId } = await submitted();
    // The SDK’s own query: the places where the workflow waits, if any trace was taken.
    const traces = await world.client.workflow.getHandle(caseWorkflowId(caseId)).query('__stack_trace');
    expect(traces).not.toContain(' at ');
  });

  test('an Update past the web is refused by its shape, or by a key that nobody rendered', async () => {
    const { caseId } = await submitted();
    const handle = world.client.workflow.getHandle(caseWorkflowId(caseId));
    await expect(
      handle.executeUpdate(actUpdate('withdraw'), { args: [{ wrong: true } as never] }),
    ).rejects.toThrow();
    const forged = await handle.executeUpdate(actUpdate('withdraw'), {
      args: [
        {
          key: 'forged',
          action: 'withdraw',
          caseId,
          actor: { person: world.as('patient').id, role: 'patient', actingFor: null },
          task: null,
          sealed: '',
        },
      ],
    });
    expect(forged).toMatchObject({ kind: 'refusal', code: 'key-unbound' });
  });
});

async function createImpatient() {
  const { createAsk } = await import('../../web/ask.ts');
  const { connect } = await import('../../db/connection.ts');
  const web = connect(world.fresh.urls.web, { max: 2, name: 'test-web' });
  world.onClose(() => web.close());
  const ask = createAsk({
    client: world.client,
    db: web.db,
    recorder: { ...world.recorder, sql: web.sql },
    keyStore: world.keyStore,
    keys: world.recorder.keys,
    caseIdSecret: 'test',
    patienceMs: 1500,
    taskQueue: world.taskQueue,
  });
  return async (
    name: string,
    action: 'withdraw',
    values: Record<string, never>,
    to: { caseId: string; key: string },
  ) => {
    const { id: person, role } = world.as(name);
    return await ask.act({ key: to.key, action, asking: { person, role }, values, caseId: to.caseId });
  };
}
