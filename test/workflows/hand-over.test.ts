// A long history hands over to a new run (SECURITY.md T1): decision and hand-over fall into one workflow task, a hundred times
// over, while every decision is sent three times at once and again after the hand-over. On a real Temporal and a real database.
import { temporal } from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Done } from '../../activities/act.ts';
import type { ActInput } from '../../domain/acts.ts';
import { caseWorkflowId } from '../../domain/ids.ts';
import type { Action } from '../../domain/lifecycle.ts';
import {
  type ActRequest,
  type Answer,
  actUpdate,
  type CaseStart,
  type Progress,
  progressQuery,
} from '../../workflows/messages.ts';
import { claim, openTask } from '../support/claim.ts';
import { createTemporalWorld, type TemporalWorld } from '../support/temporal-world.ts';

const application = { patientName: 'Testa Persona', birthDate: '1961-04-02', reason: 'Hip fracture' };
const { EventType } = temporal.api.enums.v1;
/** Rounds of "papers asked" and "papers provided": two decisions each. */
const ROUNDS = 60;

let world: TemporalWorld;
beforeAll(async () => {
  world = await createTemporalWorld();
});
afterAll(() => world.close());

/** Opens a case whose runs hand over after so few events that every decision meets a hand-over. */
async function submitted(eventsPerRun: number): Promise<Done> {
  const key = world.key('patient', 'submit-application', 'new');
  const request = await world.request('patient', 'submit-application', application, { key });
  const start: CaseStart = { caseId: request.caseId, eventsPerRun };
  await world.client.workflow.start('caseWorkflow', {
    workflowId: caseWorkflowId(request.caseId),
    taskQueue: world.taskQueue,
    args: [start],
  });
  return (await send(request)) as Done;
}

const handleOf = (caseId: string) => world.client.workflow.getHandle(caseWorkflowId(caseId));
const send = (request: ActRequest): Promise<Answer> =>
  handleOf(request.caseId).executeUpdate(actUpdate(request.action), {
    updateId: request.key,
    args: [request],
  });

async function requestFor<A extends Action>(name: string, caseId: string, action: A, values: ActInput<A>) {
  const id = await openTask(world, caseId);
  const number = action === 'provide-papers' ? 0 : await claim(world, name, id);
  return await world.request(name, action, values, { caseId, task: { id, claim: number } });
}

/** Where the workflow is; asked again while the run that takes over has no task yet. */
async function progressOf(caseId: string): Promise<Progress> {
  for (;;) {
    try {
      return await handleOf(caseId).query(progressQuery);
    } catch (error) {
      if ((error as { cause?: { code?: number } }).cause?.code !== 9) throw error;
    }
  }
}

/** The histories of all runs of a case, oldest first. */
async function histories(caseId: string) {
  const runs: temporal.api.history.v1.IHistory[] = [];
  let { runId } = await handleOf(caseId).describe();
  for (;;) {
    const history = await world.client.workflow.getHandle(caseWorkflowId(caseId), runId).fetchHistory();
    runs.unshift(history);
    const before = history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
    if (!before) return runs;
    runId = before;
  }
}

describe('a hand-over to a new run', () => {
  test('in the task of a decision does nothing twice, loses nothing and forgets no answer', async () => {
    const opened = await submitted(8);
    const { caseId } = opened;
    const sent: { request: ActRequest; answer: Answer }[] = [];
    const decide = async (request: ActRequest, state: string) => {
      const answers = await Promise.all([send(request), send(request), send(request)]);
      for (const answer of answers) expect(answer).toEqual(answers[0]);
      expect(answers[0]).toMatchObject({ kind: 'done', state });
      const before = sent.at(-1);
      // The one before was answered by a run that may have ended since.
      if (before) expect(await send(before.request)).toEqual(before.answer);
      sent.push({ request, answer: answers[0] as Answer });
    };
    for (let round = 0; round < ROUNDS; round++) {
      const papers = [`Report ${round}`];
      await decide(
        await requestFor('officerA', caseId, 'decide-eligibility', { choice: 'ask-papers', papers }),
        'papers-asked',
      );
      await decide(
        await requestFor('patient', caseId, 'provide-papers', { answer: 'Here' }),
        'eligibility-due',
      );
    }
    // Long after: the first ones are no longer carried along, their rows answer.
    for (const { request, answer } of sent.slice(0, 10)) expect(await send(request)).toEqual(answer);

    const operations = await world.worker.sql<{ n: number }[]>`
      select count(*)::int as n from audit_entries where subject_kind = 'case' and subject_id = ${caseId} and event <> 'task.claimed'`;
    expect(operations[0]?.n).toBe(1 + 2 * ROUNDS);
    const versions = await world.worker.sql<{ v: number }[]>`
      select subject_version as v from audit_entries where subject_kind = 'case' and subject_id = ${caseId} order by 1`;
    expect(versions.map(({ v }) => v)).toEqual(versions.map((_, i) => i + 1));

    const runs = await histories(caseId);
    // What this test is about did happen: a decision completed in the very task that handed over.
    const together = runs.filter(({ events = [] }) => {
      const task = (events ?? []).findLastIndex(
        (e) => e.eventType === EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
      );
      const last = (events ?? []).slice(task);
      return (
        last.some((e) => e.eventType === EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED) &&
        last.some((e) => e.eventType === EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW)
      );
    });
    expect(together.length).toBeGreaterThanOrEqual(100);
    // Temporal lets runs that hand over this fast wait before their first task, unless somebody asks for something.
    const last = sent.at(-1);
    while (last && (await handleOf(caseId).describe()).historyLength === 1)
      expect(await send(last.request)).toEqual(last.answer);
    expect(await progressOf(caseId)).toMatchObject({ state: 'eligibility-due' });

    // Every run that did anything replays against the code that made it; one that has just begun has nothing to replay.
    const worked = runs.filter(({ events }) =>
      events?.some((e) => e.eventType === EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED),
    );
    expect(worked.length).toBeGreaterThanOrEqual(runs.length - 1);
    let replayed = 0;
    for await (const result of Worker.runReplayHistories(
      { workflowBundle: { code: world.code }, dataConverter: world.converter },
      worked.map((history, i) => ({ workflowId: `${caseWorkflowId(caseId)}-${i}`, history })),
    )) {
      expect(result.error).toBeUndefined();
      replayed++;
    }
    expect(replayed).toBe(worked.length);
  }, 300_000);

  test('tells Temporal where the case is, also when the stage changed in that very task', async () => {
    const { caseId } = await submitted(8);
    await send(
      await requestFor('officerA', caseId, 'decide-eligibility', {
        choice: 'accept',
        criteria: { need: 'met', capacity: 'met', prognosis: 'met' },
        disciplines: ['physiotherapy'],
      }),
    );
    // The query is answered by the run that took over.
    expect(await progressOf(caseId)).toMatchObject({ stage: 'assessment' });
    const { searchAttributes } = await handleOf(caseId).describe();
    expect(searchAttributes.RehabStage).toEqual(['assessment']);
  });

  test('with a limit of nothing at all still gets somewhere', async () => {
    const { caseId } = await submitted(0);
    expect(await progressOf(caseId)).toMatchObject({ state: 'eligibility-due' });
    const request = await world.request('patient', 'withdraw', {}, { caseId });
    expect(await send(request)).toMatchObject({ state: 'closed' });
    expect(await handleOf(caseId).result()).toBe('withdrawn');
    const { searchAttributes } = await handleOf(caseId).describe();
    expect(searchAttributes).toMatchObject({ RehabStage: ['closed'], RehabOutcome: ['withdrawn'] });
  });
});

describe('acts that arrive in one workflow task', () => {
  test('replay as they happened', async () => {
    const { caseId } = await submitted(4000);
    await send(
      await requestFor('officerA', caseId, 'decide-eligibility', {
        choice: 'accept',
        criteria: { need: 'met', capacity: 'met', prognosis: 'met' },
        disciplines: ['physiotherapy'],
      }),
    );
    // Six at once while nobody works: all come in the first task of the worker. One is done, the others are refused.
    const requests = await Promise.all(
      Array.from({ length: 6 }, () => world.request('patient', 'withdraw', {}, { caseId })),
    );
    await world.stopWorker();
    const answers = requests.map(send);
    await new Promise((resolve) => setImmediate(resolve));
    await world.startWorker();
    const kinds = (await Promise.all(answers)).map(({ kind }) => kind).sort();
    expect(kinds).toEqual(['done', ...Array.from({ length: 5 }, () => 'refusal')]);
    const [history] = await histories(caseId);
    await Worker.runReplayHistory(
      { workflowBundle: { code: world.code }, dataConverter: world.converter },
      history,
      caseWorkflowId(caseId),
    );
  });
});
