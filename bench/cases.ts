// Bench, cases to work on: brought from application to treatment by the same acts that people do, and their tasks
// claimed the way the web claims. Which way an act goes (through Temporal, or straight to its verb) is given.
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes, randomUUID } from 'node:crypto';
import type { ActRequest, Answer } from '../activities/act.ts';
import { createVerbs } from '../activities/create.ts';
import { authorityRoots } from '../bin/machine.ts';
import { parametersOf } from '../bin/parameters.ts';
import type { ActInput } from '../domain/acts.ts';
import { caseWorkflowId } from '../domain/ids.ts';
import type { Action } from '../domain/lifecycle.ts';
import { makeOperationKey } from '../domain/operation-key.ts';
import type { Recorder } from '../ledger/recorded.ts';
import { type Ask, caseIdFor, sealedRequest } from '../web/ask.ts';
import { type Asking, claimTask } from '../web/recorded.ts';
import { UPDATE_NAMES } from '../workflows/messages.ts';
import type { BenchMachine } from './machine.ts';

export interface HeldTask {
  readonly id: string;
  readonly claim: number;
}

/**
 * One way of doing an act: readies it as a person's browser does, with key and signature, and gives what sends it. Only the
 * sending is ever timed.
 */
export type Door = <A extends Action>(
  action: A,
  asking: Asking,
  values: ActInput<A>,
  to: { readonly caseId?: string; readonly task?: HeldTask },
) => Promise<() => Promise<Answer>>;

function keyFor(bench: BenchMachine, action: Action, asking: Asking, target: string): string {
  return makeOperationKey(bench.machine.secrets.keyed, randomBytes(16).toString('base64url'), {
    person: asking.person,
    action,
    target,
  });
}

/** Through Temporal, as the web asks. */
export const askDoor =
  (bench: BenchMachine, ask: Ask): Door =>
  async (action, asking, values, to) => {
    const key = keyFor(bench, action, asking, to.task?.id ?? to.caseId ?? 'new');
    const signed = await bench.signed({ key, action, asking, values, caseId: to.caseId, task: to.task });
    return async () => {
      const answer = await ask.act({ key, action, asking, values, ...to, ...(signed ? { signed } : {}) });
      if (answer.kind === 'still-working' || answer.kind === 'unavailable')
        throw new Error(`decision was not answered: ${answer.kind}`);
      return answer;
    };
  };

/** Straight to the verb that the worker runs: opening of sealed values, rules, rows, entry, signature. */
export function verbDoor(bench: BenchMachine, recorder: Recorder): Door {
  const { keyStore, keys, keyed } = bench.machine.secrets;
  // As the worker's activities know theirs.
  const workflow = new AsyncLocalStorage<{ id: string; run: string }>();
  const run = randomUUID();
  const verbs = createVerbs({
    recorder,
    keyed,
    dueAfter: parametersOf(bench.machine.settings).dueAfter,
    roots: authorityRoots(bench.machine),
    workflow: () => workflow.getStore() ?? { id: '', run },
    note: (error) => bench.say(String(error)),
  });
  return async (action, asking, values, to) => {
    const key = keyFor(bench, action, asking, to.task?.id ?? to.caseId ?? 'new');
    const caseId = to.caseId ?? caseIdFor(keyed('case ids'), key);
    if (!to.caseId) await keyStore.create('case', caseId);
    const task = to.task ?? null;
    const signed = await bench.signed({ key, action, asking, values, caseId, task });
    // Each verb takes the request of its own action; the name is that action's.
    const verb = verbs[UPDATE_NAMES[action]] as (request: ActRequest) => Promise<Answer>;
    return async () => {
      const request: ActRequest = sealedRequest(await keys.of('case', caseId), {
        ...{ key, action, caseId, asking, task, values },
        ...(signed ? { signed } : {}),
      });
      return await workflow.run({ id: caseWorkflowId(caseId), run }, () => verb(request));
    };
  };
}

/** A case in treatment, whose sessions one therapist records. */
export interface Treated {
  readonly caseId: string;
  readonly therapist: Asking;
  task: HeldTask;
  /** Sessions recorded so far. */
  sessions: number;
  /** Sends the session that `claimSessions` readied. */
  send?: () => Promise<Answer>;
}

const BARTHEL = {
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
const WALK = { instrument: 'six-minute-walk', answers: { 'distance-1': 240, 'distance-2': 260 } };

/** Claims the open task of a case, whoever held another before. */
export async function claimOpen(web: Recorder, caseId: string, asking: Asking): Promise<HeldTask> {
  const [task] = await web.sql<{ id: string }[]>`
    select id from tasks where case_id = ${caseId} and status = 'open' order by opened_at desc, id limit 1`;
  if (!task) throw new Error('case has no open task');
  const claimed = await claimTask(web, randomUUID(), asking, caseId, task.id, 60);
  if (claimed.kind !== 'claimed') throw new Error(`claim for the bench was refused: ${claimed.code}`);
  return { id: task.id, claim: claimed.claim };
}

/** Applications whose first task is open; `count` of them, `atOnce` at a time. */
export async function applications(
  bench: BenchMachine,
  door: Door,
  count: number,
  atOnce = 16,
): Promise<string[]> {
  const [referrer] = await bench.people('referrer', 1);
  return await pooled(count, atOnce, async (i) => {
    const send = await door(
      'submit-application',
      referrer as Asking,
      { patientName: `Bench Person ${i}`, birthDate: '1961-04-02', reason: 'Hip fracture, lives alone' },
      {},
    );
    const done = await send();
    if (done.kind !== 'done') throw new Error(`application for the bench was refused: ${done.code}`);
    return done.caseId;
  });
}

/** Cases in treatment, each with its session's task claimed by its therapist. */
export async function casesInTreatment(
  bench: BenchMachine,
  door: Door,
  web: Recorder,
  therapists: readonly Asking[],
  count: number,
  atOnce = 16,
): Promise<Treated[]> {
  const [eligibility, approval] = await bench.people('approval-officer', 2);
  const [assessor] = await bench.people('therapist', 1);
  const [doctor] = await bench.people('doctor', 1);
  const cases = await applications(bench, door, count, atOnce);
  const step = async <A extends Action>(
    caseId: string,
    action: A,
    asking: Asking | undefined,
    values: ActInput<A>,
  ) => {
    const who = asking as Asking; // made above
    const send = await door(action, who, values, { caseId, task: await claimOpen(web, caseId, who) });
    const done = await send();
    if (done.kind !== 'done') throw new Error(`case for the bench was refused: ${action} ${done.code}`);
  };
  return await pooled(count, atOnce, async (i) => {
    const caseId = cases[i] as string; // as many as were asked for
    const therapist = therapists[i % therapists.length] as Asking;
    await step(caseId, 'decide-eligibility', eligibility, {
      choice: 'accept',
      criteria: { need: 'met', capacity: 'met', prognosis: 'met' },
      disciplines: ['physiotherapy'],
    });
    await step(caseId, 'assess', assessor, { findings: 'Walks with an aid', measurements: [BARTHEL, WALK] });
    await step(caseId, 'propose-plan', doctor, {
      goals: ['Walk to the shop'],
      sessions: { physiotherapy: 60 },
      minutes: 45,
    });
    await step(caseId, 'approve-plan', approval, { choice: 'approve' });
    return { caseId, therapist, task: await claimOpen(web, caseId, therapist), sessions: 0 };
  });
}

/** Claims the next session's task of every case and readies the session: most are held; absences keep plans from running out. */
export async function claimSessions(door: Door, web: Recorder, cases: readonly Treated[]): Promise<void> {
  await pooled(cases.length, 16, async (i) => {
    const one = cases[i] as Treated;
    one.task = await claimOpen(web, one.caseId, one.therapist);
    const values: ActInput<'record-session'> =
      one.sessions++ < 50
        ? { choice: 'held', minutes: 45, note: 'Stairs with a rail, twice' }
        : { choice: 'absent', note: 'had a fever' };
    one.send = await door('record-session', one.therapist, values, { caseId: one.caseId, task: one.task });
  });
}

/** Records the session that was readied. */
export async function recordSession(one: Treated): Promise<void> {
  const done = await one.send?.();
  if (done?.kind !== 'done')
    throw new Error(`session for the bench was refused: ${done?.code ?? 'not readied'}`);
}

async function pooled<T>(count: number, atOnce: number, make: (i: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(atOnce, count) }, async () => {
      while (next < count) {
        const i = next++;
        made[i] = await make(i);
      }
    }),
  );
  return made;
}
