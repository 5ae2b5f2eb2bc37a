// Test support: what invented people do in a case, told once and done by whoever carries it out: verbs on a database, or
// Updates through Temporal. Each story names its end; an unexpected refusal ends the test.
import { randomBytes } from 'node:crypto';
import type { Done } from '../../activities/act.ts';
import type { Acknowledged } from '../../db/writes/alerts.ts';
import type { ActInput } from '../../domain/acts.ts';
import type { Acknowledgement } from '../../domain/alerts.ts';
import type { Action, TaskKind } from '../../domain/lifecycle.ts';
import type { Refusal } from '../../domain/refusal.ts';
import { acknowledgeAlert } from '../../web/recorded.ts';
import { UPDATE_NAMES } from '../../workflows/messages.ts';
import type { Answer, World } from './case-world.ts';
import { claim, openTask } from './claim.ts';
import type { TemporalWorld } from './temporal-world.ts';

/** Carries out one act of somebody in the cast. */
export interface Stage {
  readonly world: World;
  act<A extends Action>(
    by: string,
    action: A,
    values: ActInput<A>,
    to: { caseId?: string; task?: { id: string; claim: number } },
  ): Promise<Answer>;
}

/** The verbs themselves, as the worker would call them. */
export const onDatabase = (world: World): Stage => ({
  world,
  async act(by, action, values, to) {
    const request = await world.request(by, action, values, to);
    return await (world.verbs[UPDATE_NAMES[action]] as (request: unknown) => Promise<Answer>)(request);
  },
});

/** The whole way through Temporal. */
export const onTemporal = (world: TemporalWorld): Stage => ({
  world,
  act: async (by, action, values, to) => {
    const answer = await world.act(by, action, values, to);
    if (answer.kind !== 'done' && answer.kind !== 'refusal')
      throw new Error(`no answer to ${action}: ${answer.kind}`);
    return answer;
  },
});

export const met = { need: 'met', capacity: 'met', prognosis: 'met' } as const;
export const barthel = {
  instrument: 'barthel-index',
  answers: {
    feeding: 5,
    bathing: 0,
    grooming: 5,
    dressing: 5,
    bowels: 10,
    bladder: 10,
    toilet: 5,
    transfer: 10,
    mobility: 10,
    stairs: 5,
  },
};
export const walk = { instrument: 'six-minute-walk', answers: { 'distance-1': 240, 'distance-2': 260 } };

/** A whole PHQ-9 with this answer to the question about self-harm. */
export const phq = (selfHarm: number) => ({
  instrument: 'phq-9',
  answers: { 1: 1, 2: 2, 3: 1, 4: 1, 5: 0, 6: 1, 7: 0, 8: 0, 9: selfHarm },
});

/** Somebody acknowledges the newest alert of a case, as the web has it recorded. */
export async function acknowledge(
  world: World,
  by: string,
  caseId: string,
  values: Acknowledgement,
  key = randomBytes(16).toString('hex'),
): Promise<Acknowledged | Refusal> {
  const [newest] = await world.worker.sql<{ id: string }[]>`
    select id from measurements where case_id = ${caseId} and alerts <> '[]'::jsonb order by measured_at desc, id desc limit 1`;
  const { id: person, role } = world.as(by);
  return await acknowledgeAlert(
    world.asWeb(),
    key,
    { person, role },
    { caseId, measurementId: newest?.id ?? caseId },
    values,
  );
}

function done(answer: Answer, action: string): Done {
  if (answer.kind !== 'done') throw new Error(`${action} was refused: ${JSON.stringify(answer)}`);
  return answer;
}

/** Opens a case. */
export async function submit(stage: Stage, by = 'referrer'): Promise<Done> {
  const values: ActInput<'submit-application'> = {
    patientName: 'Testa Persona',
    birthDate: '1961-04-02',
    sex: 'female',
    language: 'en',
    reason: 'Hip fracture, lives alone',
    reasonSince: '2026-09-01',
    goals: 'Walk to the shop',
    questions: ['Which hospital?'],
  };
  return done(await stage.act(by, 'submit-application', values, {}), 'submit-application');
}

/** Claims the open task of that kind and completes it. */
export async function complete<A extends Action>(
  stage: Stage,
  caseId: string,
  by: string,
  action: A,
  values: ActInput<A>,
): Promise<Done> {
  const [task] = await stage.world.worker.sql<{ id: string }[]>`
    select id from tasks where case_id = ${caseId} and status = 'open' and kind = ${action as TaskKind} order by opened_at, id`;
  if (!task) throw new Error(`no open task: ${action}`);
  const number = action === 'provide-papers' ? 0 : await claim(stage.world, by, task.id);
  return done(await stage.act(by, action, values, { caseId, task: { id: task.id, claim: number } }), action);
}

/** To an approved plan. */
export async function toTreatment(stage: Stage, sessions = 1): Promise<string> {
  const { caseId } = await submit(stage);
  await complete(stage, caseId, 'officerA', 'decide-eligibility', {
    choice: 'accept',
    criteria: met,
    disciplines: ['physiotherapy'],
  });
  await complete(stage, caseId, 'therapistA', 'assess', {
    findings: 'Walks with an aid',
    measurements: [barthel, walk],
  });
  await complete(stage, caseId, 'doctor', 'propose-plan', {
    goals: ['Walk to the shop'],
    sessions: { physiotherapy: sessions },
    minutes: 45,
  });
  await complete(stage, caseId, 'officerB', 'approve-plan', { choice: 'approve' });
  return caseId;
}

/** Stories by the outcome or the state they end in. Each gives the case's id. */
export const STORIES = {
  async approved(stage: Stage): Promise<string> {
    const caseId = await toTreatment(stage, 2);
    await complete(stage, caseId, 'therapistA', 'record-session', { choice: 'held', minutes: 45 });
    await complete(stage, caseId, 'therapistA', 'record-session', { choice: 'absent', note: 'had a fever' });
    await complete(stage, caseId, 'therapistB', 'record-session', { choice: 'held', minutes: 40 });
    await complete(stage, caseId, 'therapistB', 're-evaluate', {
      choice: 'finish',
      findings: 'Walks alone',
      measurements: [barthel],
    });
    await complete(stage, caseId, 'officerC', 'decide-outcome', { choice: 'approve' });
    return caseId;
  },
  async 'sent-back'(stage: Stage): Promise<string> {
    const caseId = await toTreatment(stage);
    await complete(stage, caseId, 'therapistA', 'record-session', { choice: 'held', minutes: 45 });
    await complete(stage, caseId, 'therapistB', 're-evaluate', {
      choice: 'finish',
      findings: 'Walks with a stick',
      measurements: [barthel],
    });
    await complete(stage, caseId, 'officerC', 'decide-outcome', {
      choice: 'send-back',
      reasons: 'Stairs were not tried',
    });
    return caseId;
  },
  /** Two questionnaires that raise a safety alert, and one talk that answers for both. */
  async alerted(stage: Stage): Promise<string> {
    const { caseId } = await submit(stage);
    await complete(stage, caseId, 'officerA', 'decide-eligibility', {
      choice: 'accept',
      criteria: met,
      disciplines: ['psychology'],
    });
    await complete(stage, caseId, 'therapistA', 'assess', { findings: 'Low mood', measurements: [phq(1)] });
    await complete(stage, caseId, 'doctor', 'propose-plan', {
      goals: ['Sleep through'],
      sessions: { psychology: 1 },
      minutes: 45,
    });
    await complete(stage, caseId, 'officerB', 'approve-plan', { choice: 'approve' });
    await complete(stage, caseId, 'therapistA', 'record-session', { choice: 'held', minutes: 45 });
    await complete(stage, caseId, 'therapistB', 're-evaluate', {
      choice: 'finish',
      findings: 'Sleeps better',
      measurements: [phq(2)],
    });
    const answer = await acknowledge(stage.world, 'therapistA', caseId, {
      reason: 'safety-plan',
      note: 'Agreed whom to call at night',
    });
    if (answer.kind !== 'acknowledged') throw new Error(`acknowledging was refused: ${answer.code}`);
    return caseId;
  },
  async refused(stage: Stage): Promise<string> {
    const { caseId } = await submit(stage, 'patient');
    await complete(stage, caseId, 'officerA', 'decide-eligibility', {
      choice: 'refuse',
      criteria: { ...met, need: 'not-met' },
      reasons: 'No need shown',
    });
    return caseId;
  },
  async appealed(stage: Stage): Promise<string> {
    const caseId = await STORIES.refused(stage);
    done(await stage.act('patient', 'appeal', { reasons: 'My doctor says otherwise' }, { caseId }), 'appeal');
    await complete(stage, caseId, 'officerB', 'decide-appeal', {
      choice: 'grant',
      reasons: 'The report shows need',
      disciplines: ['physiotherapy'],
    });
    return caseId;
  },
  async withdrawn(stage: Stage): Promise<string> {
    const { caseId } = await submit(stage, 'patient');
    done(await stage.act('patient', 'withdraw', { reasons: 'Moving away' }, { caseId }), 'withdraw');
    return caseId;
  },
  async papers(stage: Stage): Promise<string> {
    const { caseId } = await submit(stage, 'patient');
    await complete(stage, caseId, 'officerA', 'decide-eligibility', {
      choice: 'ask-papers',
      papers: ['Hospital report'],
    });
    await complete(stage, caseId, 'patient', 'provide-papers', { answer: 'Report of November' });
    return caseId;
  },
  /** With refusals: a recorded one, for a foreign person, and one of values, which leaves nothing behind. */
  async stumbling(stage: Stage): Promise<string> {
    const { caseId } = await submit(stage);
    const foreign = await stage.act('patient', 'withdraw', {}, { caseId });
    if (foreign.kind !== 'refusal') throw new Error('a stranger could withdraw');
    await complete(stage, caseId, 'officerA', 'decide-eligibility', {
      choice: 'accept',
      criteria: met,
      disciplines: ['physiotherapy'],
    });
    const wrong = { instrument: 'barthel-index', answers: { ...barthel.answers, feeding: 7 } };
    const id = await openTask(stage.world, caseId);
    const number = await claim(stage.world, 'therapistA', id);
    const values = { findings: 'Walks', measurements: [wrong, walk] };
    const refused = await stage.act('therapistA', 'assess', values, { caseId, task: { id, claim: number } });
    if (refused.kind !== 'refusal') throw new Error('a false score was taken');
    return caseId;
  },
} as const;
export type Story = keyof typeof STORIES;
