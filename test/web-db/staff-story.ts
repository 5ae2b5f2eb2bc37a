// Test support of this suite: staff's work done over the app's own forms, as a browser without script does it.
import type { ActInput } from '../../domain/acts.ts';
import { barthel } from '../../domain/instruments/barthel.ts';
import { phq9 } from '../../domain/instruments/phq9.ts';
import { sixMinuteWalk } from '../../domain/instruments/six-minute-walk.ts';
import type { TaskKind } from '../../domain/lifecycle.ts';
import { formTo, type PageForm } from '../support/pages.ts';
import type { FormFields, WebWorld } from '../support/web-world.ts';

export type Browser = Awaited<ReturnType<WebWorld['signIn']>>;

export const APPLICATION: ActInput<'submit-application'> = {
  patientName: 'Testa Persona',
  birthDate: '1961-04-02',
  reason: 'Stroke in spring, lives alone',
  reasonCode: '230690007',
  goals: 'Shop without help',
  background: [{ text: 'High blood pressure' }],
};

/** A new case; the application itself is another helper's page, so it comes by the verb. */
export async function newCase(
  world: WebWorld,
  values: ActInput<'submit-application'> = APPLICATION,
): Promise<string> {
  const answer = await world.verbs.submitApplication(
    await world.request('referrer', 'submit-application', values, {}),
  );
  if (answer.kind !== 'done') throw new Error(`application refused: ${JSON.stringify(answer)}`);
  return answer.caseId;
}

export async function openTask(world: WebWorld, caseId: string, kind: TaskKind): Promise<string> {
  const [row] = await world.web.sql<{ id: string }[]>`
    select id from tasks where case_id = ${caseId} and kind = ${kind} and status = 'open' order by opened_at, id limit 1`;
  if (!row) throw new Error(`no open task ${kind}`);
  return row.id;
}

/** Claims over the task's own page. */
export async function claimByForm(browser: Browser, task: string): Promise<Response> {
  const html = await (await browser.get(`/tasks/${task}`)).text();
  const form = formTo(html, `/tasks/${task}/claim`);
  return await browser.post(form.action, form.fields);
}

/** Fills in the task's form and sends it, over the check page where there is one, up to the page where it is signed. */
export async function prepareByForm(browser: Browser, task: string, values: FormFields): Promise<Response> {
  const html = await (await browser.get(`/tasks/${task}`)).text();
  const form = formTo(html, /\/(check|sign|decide)$/);
  for (const name of Object.keys(values))
    if (!form.names.has(name)) throw new Error(`the form has no field ${name}`);
  const first = await browser.post(form.action, { ...form.fields, ...values });
  if (!form.action.endsWith('/check') || first.status !== 200) return first;
  const check = formTo(await first.text(), `/tasks/${task}/sign`);
  return await browser.post(check.action, check.fields);
}

/** The sign page's form with this person's signature: what is left to be sent. */
export async function signByForm(browser: Browser, task: string, values: FormFields): Promise<PageForm> {
  const prepared = await prepareByForm(browser, task, values);
  if (prepared.headers.get('location') !== `/tasks/${task}/sign`)
    throw new Error(`nothing to sign; the answer was ${prepared.status}`);
  return await browser.signed(`/tasks/${task}/sign`);
}

/** The same, and signs it where it must be; the answer of the last step. */
export async function completeByForm(browser: Browser, task: string, values: FormFields): Promise<Response> {
  const prepared = await prepareByForm(browser, task, values);
  if (prepared.headers.get('location') !== `/tasks/${task}/sign`) return prepared;
  const form = await browser.signed(`/tasks/${task}/sign`);
  return await browser.post(form.action, form.fields);
}

/** Signs in, claims and completes; the answer of the last step. */
export async function work(
  world: WebWorld,
  name: string,
  caseId: string,
  kind: TaskKind,
  values: FormFields,
): Promise<Response> {
  const browser = await world.signIn(name);
  const task = await openTask(world, caseId, kind);
  if (kind !== 'provide-papers') {
    const claimed = await claimByForm(browser, task);
    if (claimed.status !== 303) throw new Error(`claim of ${kind} answered ${claimed.status}`);
  }
  return await completeByForm(browser, task, values);
}

/** Every item answered with its first choice, or with a number in its range. */
const answered = (instrument: typeof barthel, better = false): FormFields =>
  Object.fromEntries(
    instrument.items.map((item) => [
      `m.${instrument.id}.${item.id}`,
      item.kind === 'number'
        ? String(item.min + (item.step < 1 ? 0 : Math.min(100, item.max - item.min)))
        : String(item.choices[better ? item.choices.length - 1 : 0]?.value),
    ]),
  );

export const MET: FormFields = {
  'criteria.need': 'met',
  'criteria.capacity': 'met',
  'criteria.prognosis': 'met',
};
export const ANSWERS = {
  low: { ...answered(barthel), ...answered(sixMinuteWalk) },
  high: { ...answered(barthel, true), ...answered(sixMinuteWalk) },
  phq: answered(phq9, true),
} as const;

/** A case in treatment with two sessions of physiotherapy, everything done over forms. */
export async function toTreatment(world: WebWorld): Promise<string> {
  const caseId = await newCase(world);
  const steps: [string, TaskKind, FormFields][] = [
    [
      'officerA',
      'decide-eligibility',
      { ...MET, choice: 'accept', reasons: 'All met', disciplines: ['physiotherapy'] },
    ],
    ['therapistA', 'assess', { ...ANSWERS.low, findings: 'Needs help with all of it' }],
    [
      'doctor',
      'propose-plan',
      { goals: 'Walk to the shop\nClimb stairs', 'sessions.physiotherapy': '2', minutes: '45' },
    ],
    ['officerB', 'approve-plan', { choice: 'approve' }],
  ];
  for (const [name, kind, values] of steps) {
    const answer = await work(world, name, caseId, kind, values);
    if (answer.status !== 303) throw new Error(`${kind} answered ${answer.status}: ${await answer.text()}`);
  }
  return caseId;
}
