// A whole case through the verbs on a real database: every state, every refusal that matters, exactly once.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Done } from '../../activities/act.ts';
import type { ActInput } from '../../domain/acts.ts';
import type { Action, TaskKind } from '../../domain/lifecycle.ts';
import { UPDATE_NAMES } from '../../workflows/messages.ts';
import { createWorld, type World } from '../support/case-world.ts';
import { claim } from '../support/claim.ts';
import { barthel, met, walk } from '../support/stories.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const application: ActInput<'submit-application'> = {
  patientName: 'Testa Persona',
  birthDate: '1961-04-02',
  reason: 'Hip fracture, lives alone',
};

async function submit(by = 'referrer', values = application): Promise<Done> {
  const answer = await world.verbs.submitApplication(
    await world.request(by, 'submit-application', values, {}),
  );
  if (answer.kind !== 'done') throw new Error(`refused: ${JSON.stringify(answer)}`);
  return answer;
}

async function openTasks(caseId: string, kind?: TaskKind) {
  return await world.worker.sql<
    { id: string; kind: TaskKind; discipline: string | null; claim_number: number; status: string }[]
  >`
    select id, kind, discipline, claim_number, status from tasks where case_id = ${caseId} and status = 'open' ${kind ? world.worker.sql`and kind = ${kind}` : world.worker.sql``} order by opened_at, id`;
}

/** Claims the open task of that kind and completes it. */
async function complete<A extends Action>(caseId: string, by: string, action: A, values: ActInput<A>) {
  const [task] = await openTasks(caseId, action as TaskKind);
  if (!task) throw new Error(`no open task ${action}`);
  const number = action === 'provide-papers' ? 0 : await claim(world, by, task.id);
  const request = await world.request(by, action, values, { caseId, task: { id: task.id, claim: number } });
  return await (world.verbs[UPDATE_NAMES[action]] as (r: unknown) => Promise<Done>)(request);
}

async function toTreatment(): Promise<Done> {
  const { caseId } = await submit();
  await complete(caseId, 'officerA', 'decide-eligibility', {
    choice: 'accept',
    criteria: met,
    disciplines: ['physiotherapy'],
  });
  await complete(caseId, 'therapistA', 'assess', {
    findings: 'Walks with an aid',
    measurements: [barthel, walk],
  });
  await complete(caseId, 'doctor', 'propose-plan', {
    goals: ['Walk to the shop'],
    sessions: { physiotherapy: 2 },
    minutes: 45,
  });
  return await complete(caseId, 'officerB', 'approve-plan', { choice: 'approve' });
}

describe('a case', () => {
  test('goes from application to approval and into follow-up', async () => {
    const { caseId, state } = await toTreatment();
    expect(state).toBe('in-treatment');
    const first = await complete(caseId, 'therapistA', 'record-session', { choice: 'held', minutes: 45 });
    expect(first.state).toBe('in-treatment');
    const absent = await complete(caseId, 'therapistA', 'record-session', {
      choice: 'absent',
      note: 'had a fever',
    });
    expect(absent.state).toBe('in-treatment');
    const last = await complete(caseId, 'therapistB', 'record-session', { choice: 'held', minutes: 40 });
    expect(last.state).toBe('re-evaluation-due');
    const again = await complete(caseId, 'therapistB', 're-evaluate', {
      choice: 'finish',
      findings: 'Walks alone',
      measurements: [barthel],
    });
    expect(again).toMatchObject({ kind: 'done', state: 'outcome-due' });
    const end = await complete(caseId, 'officerC', 'decide-outcome', { choice: 'approve' });
    expect(end).toMatchObject({
      kind: 'done',
      state: 'follow-up-waiting',
      outcome: 'approved',
      next: { clock: 'follow-up-interval' },
    });
    const events = await world.worker.sql<
      { event: string }[]
    >`select event from audit_entries where subject_kind = 'case' and subject_id = ${caseId} order by subject_version`;
    expect(events.map((e) => e.event)).toEqual([
      'application.submitted',
      'task.claimed',
      'eligibility.decided',
      'task.claimed',
      'assessment.recorded',
      'task.claimed',
      'plan.proposed',
      'task.claimed',
      'plan.decided',
      'task.claimed',
      'session.recorded',
      'task.claimed',
      'session.recorded',
      'task.claimed',
      'session.recorded',
      'task.claimed',
      're-evaluation.recorded',
      'task.claimed',
      'outcome.decided',
    ]);
  });

  test('one person never holds two duties, whatever the role allows', async () => {
    const { caseId } = await toTreatment();
    await complete(caseId, 'therapistA', 'record-session', { choice: 'held', minutes: 45 });
    await complete(caseId, 'therapistA', 'record-session', { choice: 'held', minutes: 45 });
    const [task] = await openTasks(caseId, 're-evaluate');
    const refused = await claim.attempt(world, 'therapistA', task?.id as string);
    expect(refused).toMatchObject({
      kind: 'refusal',
      code: 'conflict-of-duties',
      detail: { duty: 'assess' },
    });
    const [row] = await world.worker.sql`select action, code from refusals where case_id = ${caseId}`;
    expect(row).toMatchObject({ action: 'task.claim', code: 'conflict-of-duties' });
  });

  test('the same key is one act, and other input under it is refused', async () => {
    const { caseId } = await submit();
    const [task] = await openTasks(caseId);
    const number = await claim(world, 'officerA', task?.id as string);
    const to = { caseId, task: { id: task?.id as string, claim: number } };
    const request = await world.request(
      'officerA',
      'decide-eligibility',
      { choice: 'refuse', criteria: { ...met, need: 'not-met' }, reasons: 'No need shown' },
      to,
    );
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => world.verbs.decideEligibility(request)),
    );
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({ kind: 'done', state: 'refused', outcome: 'refused' });
    const other = await world.request(
      'officerA',
      'decide-eligibility',
      { choice: 'accept', criteria: met, disciplines: ['physiotherapy'] },
      { ...to, key: request.key },
    );
    expect(await world.verbs.decideEligibility(other)).toMatchObject({ code: 'key-reused' });
    const [count] = await world.worker
      .sql`select count(*)::int as n from decisions where case_id = ${caseId} and action = 'decide-eligibility'`;
    expect(count?.n).toBe(1);
  });

  test('a key made for somebody else is no key', async () => {
    const { caseId } = await submit();
    const [task] = await openTasks(caseId);
    const number = await claim(world, 'officerA', task?.id as string);
    const request = await world.request(
      'officerB',
      'decide-eligibility',
      { choice: 'ask-papers', papers: ['Report'] },
      { caseId, task: { id: task?.id as string, claim: number } },
    );
    const forged = { ...request, actor: { ...request.actor, person: world.as('officerA').id } };
    expect(await world.verbs.decideEligibility(forged)).toMatchObject({ code: 'key-unbound' });
  });

  test('an old claim number is refused after somebody else took over, and that is recorded', async () => {
    const { caseId } = await submit();
    const [task] = await openTasks(caseId);
    const first = await claim(world, 'officerA', task?.id as string);
    await claim.handBack(world, 'officerA', task?.id as string, first);
    const second = await claim(world, 'officerB', task?.id as string);
    expect(second).toBe(first + 1);
    const late = await world.request(
      'officerA',
      'decide-eligibility',
      { choice: 'ask-papers', papers: ['Report'] },
      { caseId, task: { id: task?.id as string, claim: first } },
    );
    expect(await world.verbs.decideEligibility(late)).toMatchObject({ code: 'stale-claim' });
    expect(await world.verbs.decideEligibility(late)).toMatchObject({ code: 'stale-claim' });
    const rows = await world.worker.sql`select code from refusals where case_id = ${caseId}`;
    expect(rows.length).toBe(1);
  });

  test('200 claims at once give one holder', async () => {
    const { caseId } = await submit();
    const [task] = await openTasks(caseId);
    const tries = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        claim.attempt(world, i % 2 ? 'officerA' : 'officerB', task?.id as string),
      ),
    );
    const holders = new Set(
      tries.map((t, i) => (t.kind === 'claimed' ? i % 2 : undefined)).filter((h) => h !== undefined),
    );
    expect(holders.size).toBe(1);
    const [row] = await world.worker.sql`select claim_number from tasks where id = ${task?.id as string}`;
    expect(row?.claim_number).toBe(1);
  });

  test('papers stop the clock, and it goes on when they come', async () => {
    const { caseId } = await submit('patient');
    const asked = await complete(caseId, 'officerA', 'decide-eligibility', {
      choice: 'ask-papers',
      papers: ['Hospital report'],
    });
    expect(asked).toMatchObject({ state: 'papers-asked', next: { clock: 'papers-answer' } });
    const paused = await world.worker
      .sql`select clock from clocks where case_id = ${caseId} and paused_at is not null order by clock`;
    expect(paused.map((c) => c.clock)).toEqual(['eligibility-decision', 'eligibility-deemed']);
    const back = await complete(caseId, 'patient', 'provide-papers', {
      answer: 'Report of 12 Nov is attached',
    });
    expect(back).toMatchObject({ state: 'eligibility-due', next: { clock: 'eligibility-decision' } });
  });

  test('a stranger cannot withdraw it, its patient can', async () => {
    const { caseId } = await submit('patient');
    const { caseId: other } = await submit();
    const foreign = await world.request('patient', 'withdraw', {}, { caseId: other });
    expect(await world.verbs.withdrawApplication(foreign)).toMatchObject({ code: 'not-related' });
    const own = await world.request('patient', 'withdraw', {}, { caseId });
    expect(await world.verbs.withdrawApplication(own)).toMatchObject({
      kind: 'done',
      state: 'closed',
      outcome: 'withdrawn',
    });
    expect(await openTasks(caseId)).toHaveLength(0);
  });

  test('a false score is refused at its item and nothing is stored', async () => {
    const { caseId } = await submit();
    await complete(caseId, 'officerA', 'decide-eligibility', {
      choice: 'accept',
      criteria: met,
      disciplines: ['physiotherapy'],
    });
    const wrong = { instrument: 'barthel-index', answers: { ...barthel.answers, feeding: 7 } };
    expect(
      await complete(caseId, 'therapistA', 'assess', { findings: 'x', measurements: [wrong, walk] }),
    ).toMatchObject({
      kind: 'refusal',
      code: 'values',
      fields: [expect.objectContaining({ field: 'barthel-index.feeding' })],
    });
    const [count] = await world.worker
      .sql`select count(*)::int as n from assessments where case_id = ${caseId}`;
    expect(count?.n).toBe(0);
  });

  test('a limit has its effect once, and not before its time', async () => {
    const { caseId, next } = await submit();
    expect(next?.clock).toBe('eligibility-decision');
    const early = await world.verbs.lapseClock({ caseId, clockId: next?.clockId as string });
    expect(early).toMatchObject({ kind: 'refusal', code: 'not-due' });
    world.setClock(() => new Date(Date.parse(next?.at as string) + 1));
    try {
      const lapsed = await world.verbs.lapseClock({ caseId, clockId: next?.clockId as string });
      expect(lapsed).toMatchObject({
        kind: 'done',
        state: 'eligibility-due',
        next: { clock: 'eligibility-deemed' },
      });
      const again = await world.verbs.lapseClock({ caseId, clockId: next?.clockId as string });
      expect(again).toEqual(lapsed);
    } finally {
      world.setClock(() => new Date());
    }
  });
});
