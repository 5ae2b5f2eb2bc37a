// No orphaned decision: what was committed while Temporal lost the Update is asked again until the history has it, on a real
// Temporal and a real database, under the ledger's own database role.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createVerbs } from '../../activities/create.ts';
import { createReAsk, keepReAsking, type Pass } from '../../bin/re-ask.ts';
import { type Connection, connect } from '../../db/connection.ts';
import { caseWorkflowId } from '../../domain/ids.ts';
import { progressQuery } from '../../workflows/messages.ts';
import type { Answer } from '../support/case-world.ts';
import { claim, openTask } from '../support/claim.ts';
import { createTemporalWorld, type TemporalWorld } from '../support/temporal-world.ts';

const application = { patientName: 'Testa Persona', birthDate: '1961-04-02', reason: 'Hip fracture' };
const accept = {
  choice: 'accept' as const,
  criteria: { need: 'met', capacity: 'met', prognosis: 'met' } as const,
  disciplines: ['physiotherapy' as const],
};

let world: TemporalWorld;
let ledger: Connection;
const noted: unknown[] = [];
beforeAll(async () => {
  world = await createTemporalWorld();
  ledger = connect(world.fresh.urls.ledger, { max: 3, name: 'test-ledger' });
});
afterAll(async () => {
  await ledger.close();
  await world.close();
});

const reAsk = (afterMs = 0) =>
  createReAsk({
    db: ledger.db,
    client: world.client,
    now: () => new Date(),
    note: (error) => noted.push(error),
    taskQueue: world.taskQueue,
    afterMs,
  });

/** Passes until nothing waits; at most twenty. */
async function untilNothingWaits(asking = reAsk()): Promise<Pass[]> {
  const passes: Pass[] = [];
  for (let i = 0; i < 20; i++) {
    passes.push(await asking.once());
    if (passes.at(-1)?.waiting === 0) return passes;
  }
  throw new Error(`decisions still wait: ${JSON.stringify(passes)} ${noted.join('; ')}`);
}

async function submitted(by = 'patient'): Promise<string> {
  const answer = await world.act(by, 'submit-application', application);
  if (answer.kind !== 'done') throw new Error(JSON.stringify(answer));
  return answer.caseId;
}

/** The verbs as a worker whose Temporal dies before it hears of them: committed, and in no history. */
async function orphaned(caseId: string) {
  const { runId } = await world.client.workflow.getHandle(caseWorkflowId(caseId)).describe();
  return createVerbs({
    ...world.deps,
    workflow: () => ({ id: caseWorkflowId(caseId), run: runId }),
    note: (error) => noted.push(error),
  });
}

/** Ids of the Updates in a case's history, over all its runs. */
async function updatesOf(caseId: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const run of world.client.workflow.list({ query: `WorkflowId = '${caseWorkflowId(caseId)}'` })) {
    const history = await world.client.workflow.getHandle(run.workflowId, run.runId).fetchHistory();
    for (const event of history.events ?? [])
      if (event.workflowExecutionUpdateCompletedEventAttributes)
        ids.push(event.workflowExecutionUpdateCompletedEventAttributes.meta?.updateId ?? '');
  }
  return ids;
}

const count = async (query: Promise<readonly { n: number }[]>): Promise<number> => (await query)[0]?.n ?? -1;

describe('asking again', () => {
  test('a decision that Temporal never heard of reaches the history, once, with the answer that was stored', async () => {
    const caseId = await submitted();
    const task = await openTask(world, caseId);
    const verbs = await orphaned(caseId);
    const request = await world.request('officerA', 'decide-eligibility', accept, {
      caseId,
      task: { id: task, claim: await claim(world, 'officerA', task) },
    });
    const answer = (await verbs.decideEligibility(request)) as Answer;
    expect(answer).toMatchObject({ kind: 'done', state: 'assessment-due' });
    expect(await updatesOf(caseId)).not.toContain(request.key);
    const handle = world.client.workflow.getHandle(caseWorkflowId(caseId));
    expect(await handle.query(progressQuery)).toMatchObject({ state: 'eligibility-due' });

    const passes = await untilNothingWaits();
    expect(passes.reduce((sum, pass) => sum + pass.askedAgain, 0)).toBe(1);

    expect((await updatesOf(caseId)).filter((id) => id === request.key)).toHaveLength(1);
    expect(await handle.getUpdateHandle(request.key).result()).toEqual(answer);
    expect(await handle.query(progressQuery)).toMatchObject({ state: 'assessment-due' });
    expect(
      await count(
        world.worker.sql<
          { n: number }[]
        >`select count(*)::int as n from audit_entries where subject_id = ${caseId} and event = 'eligibility.decided'`,
      ),
    ).toBe(1);
  });

  test('what is in the history is marked as settled and not looked at again, by this process or the next', async () => {
    const caseId = await submitted();
    await untilNothingWaits();
    const [row] = await world.worker.sql<
      { key: string }[]
    >`select id as key from operations where workflow_id = ${caseWorkflowId(caseId)}`;
    const key = row?.key ?? '';
    expect(
      await count(
        ledger.sql<
          { n: number }[]
        >`select count(*)::int as n from operation_settled_cache where operation_id = ${key}`,
      ),
    ).toBe(1);
    expect(await reAsk().once()).toEqual({ settled: 0, askedAgain: 0, waiting: 0 });
    expect((await updatesOf(caseId)).filter((id) => id === key)).toHaveLength(1);
  });

  test('a decision younger than the limit is left to whoever asked first', async () => {
    const caseId = await submitted();
    const verbs = await orphaned(caseId);
    const request = await world.request('patient', 'withdraw', {}, { caseId });
    await verbs.withdrawApplication(request);
    expect(await reAsk(600_000).once()).toEqual({ settled: 0, askedAgain: 0, waiting: 0 });
    await untilNothingWaits();
    expect(await updatesOf(caseId)).toContain(request.key);
    expect(await world.client.workflow.getHandle(caseWorkflowId(caseId)).result()).toBe('withdrawn');
  });

  test('a decision whose time is before what was read already, because a clock stepped back, is asked again too', async () => {
    const asking = reAsk(600_000);
    const before = await submitted();
    expect(await asking.once()).toMatchObject({ askedAgain: 0 });
    const caseId = await submitted();
    world.setClock(() => new Date(Date.now() - 3_600_000));
    const verbs = await orphaned(caseId);
    const request = await world.request('patient', 'withdraw', {}, { caseId });
    await verbs.withdrawApplication(request);
    world.setClock(() => new Date());
    // The one of an hour ago has had its time; what is young is left alone.
    expect(await asking.once()).toMatchObject({ askedAgain: 1 });
    expect(await updatesOf(caseId)).toContain(request.key);
    expect(await updatesOf(before)).toHaveLength(1);
    await untilNothingWaits();
  });

  test('a refusal that was recorded and lost is asked again too, and stays the same refusal', async () => {
    const caseId = await submitted();
    const task = await openTask(world, caseId);
    const number = await claim(world, 'officerA', task);
    const verbs = await orphaned(caseId);
    const request = await world.request('officerB', 'decide-eligibility', accept, {
      caseId,
      task: { id: task, claim: number },
    });
    const answer = (await verbs.decideEligibility(request)) as Answer;
    expect(answer.kind).toBe('refusal');
    await untilNothingWaits();
    const handle = world.client.workflow.getHandle(caseWorkflowId(caseId));
    expect(await handle.getUpdateHandle(request.key).result()).toEqual(answer);
    expect(await handle.query(progressQuery)).toMatchObject({ state: 'eligibility-due' });
  });

  test('a case that closed before anybody noticed takes the lost decision in, and stays closed with its outcome', async () => {
    const caseId = await submitted();
    const task = await openTask(world, caseId);
    const verbs = await orphaned(caseId);
    const lost = await world.request('officerA', 'decide-eligibility', accept, {
      caseId,
      task: { id: task, claim: await claim(world, 'officerA', task) },
    });
    await verbs.decideEligibility(lost);
    expect(await world.act('patient', 'withdraw', {}, { caseId })).toMatchObject({ outcome: 'withdrawn' });
    const handle = world.client.workflow.getHandle(caseWorkflowId(caseId));
    expect(await handle.result()).toBe('withdrawn');
    expect(await updatesOf(caseId)).not.toContain(lost.key);

    await untilNothingWaits();

    expect((await updatesOf(caseId)).filter((id) => id === lost.key)).toHaveLength(1);
    expect(await handle.result()).toBe('withdrawn');
    expect((await handle.describe()).status.name).toBe('COMPLETED');
    const [row] = await world.worker.sql`select state, outcome from cases where id = ${caseId}`;
    expect(row).toMatchObject({ state: 'closed', outcome: 'withdrawn' });
  });

  test('a case that somebody terminated past the web is not brought back: it stays for replay to report', async () => {
    const caseId = await submitted();
    const verbs = await orphaned(caseId);
    const task = await openTask(world, caseId);
    const request = await world.request('officerA', 'decide-eligibility', accept, {
      caseId,
      task: { id: task, claim: await claim(world, 'officerA', task) },
    });
    await verbs.decideEligibility(request);
    const handle = world.client.workflow.getHandle(caseWorkflowId(caseId));
    await handle.terminate('test');
    noted.length = 0;
    const asking = reAsk();
    expect(await asking.once()).toMatchObject({ askedAgain: 0, waiting: 1 });
    expect(await asking.once()).toMatchObject({ askedAgain: 0, waiting: 1 });
    expect(noted.length).toBe(2);
    expect((await handle.describe()).status.name).toBe('TERMINATED');
    // Leaves nothing that waits to the tests after it.
    await ledger.sql`insert into operation_settled_cache (operation_id, at) values (${request.key}, now())`;
  });

  test('the loop goes on after a pass that failed, and ends when it is told to', async () => {
    const stop = new AbortController();
    const told: Pass[] = [];
    const faults: unknown[] = [];
    let passes = 0;
    await keepReAsking(
      {
        once: async () => {
          passes++;
          if (passes === 1) throw new Error('away');
          if (passes === 3) stop.abort();
          return { settled: 1, askedAgain: passes === 2 ? 1 : 0, waiting: 0 };
        },
      },
      { signal: stop.signal, restMs: 1, note: (e) => faults.push(e), told: (pass) => told.push(pass) },
    );
    expect(passes).toBe(3);
    expect(faults).toHaveLength(1);
    expect(told).toEqual([{ settled: 1, askedAgain: 1, waiting: 0 }]);
  });
});
