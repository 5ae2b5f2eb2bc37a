// A safety alert until somebody takes it up: on My day and on the case, by form without script, once, by those who may, and
// told afterwards with who, when and what. It never leaves My day by itself.
import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { boardFigures } from '../../db/views/board.ts';
import { raisedBefore } from '../../domain/alerts.ts';
import { formTo, wordsOf } from '../support/pages.ts';
import { acknowledge, complete, met, onDatabase, phq, STORIES, submit } from '../support/stories.ts';
import { createWebWorld, type WebWorld } from '../support/web-world.ts';
import type { Browser } from './staff-story.ts';

const TOLD = 'Thoughts of being better off dead or of self-harm were reported.';
const HOSTILE = '"><script>globalThis.hit=1</script>';
const HOUR = 3_600_000;

let w: WebWorld;
let at = Date.now();
beforeAll(async () => {
  w = await createWebWorld();
  w.setClock(() => new Date(at));
});
afterAll(() => w.close());

interface Raised {
  readonly caseId: string;
  readonly alert: string;
  readonly path: string;
}

/** A case in which therapistA has asked, and the answer cannot wait. */
async function raised(by = 'referrer'): Promise<Raised> {
  const { caseId } = await submit(onDatabase(w), by);
  await complete(onDatabase(w), caseId, 'officerA', 'decide-eligibility', {
    choice: 'accept',
    criteria: met,
    disciplines: ['psychology'],
  });
  await complete(onDatabase(w), caseId, 'therapistA', 'assess', {
    findings: 'Low mood',
    measurements: [phq(1)],
  });
  const [row] = await w.web.sql<{ id: string }[]>`select id from measurements where case_id = ${caseId}`;
  const alert = row?.id ?? '';
  return { caseId, alert, path: `/cases/${caseId}/alerts/${alert}` };
}

const rowsOf = async (caseId: string) =>
  await w.web.sql<{ measurement_id: string; reason: string; note: string | null; acknowledged_by: string }[]>`
    select measurement_id, reason, note, acknowledged_by from alert_acknowledgements where case_id = ${caseId} order by id`;
const entriesOf = async (caseId: string) =>
  (
    await w.web.sql<{ n: number }[]>`
      select count(*)::int as n from audit_entries where subject_id = ${caseId} and event = 'alert.acknowledged'`
  )[0]?.n;
const refusalsOf = async (name: string) =>
  (
    await w.web.sql<{ code: string; action: string; case_id: string | null }[]>`
      select code, action, case_id from refusals where person_id = ${w.as(name).id} order by refused_at, id`
  ).map(({ code, action }) => `${action} ${code}`);
const day = async (browser: Browser): Promise<string> => await (await browser.get('/day')).text();
const board = async () =>
  (await boardFigures(w.web.db, new Date(at), new Date(at), raisedBefore(w.parameters.set, new Date(at))))
    .alerts;

test('from My day to the case: acknowledged once, with who, when and what, and gone from every day', async () => {
  const { caseId, alert, path } = await raised();
  const b = await w.signIn('therapistA');
  expect(wordsOf(await day(b))).toContain(TOLD);
  expect(await day(b)).toContain(`href="${path}"`);
  // On the case, above every section.
  for (const section of ['', '/measures', '/entries'])
    expect(await (await b.get(`/cases/${caseId}${section}`)).text()).toContain(`href="${path}"`);
  const form = formTo(await (await b.get(path)).text(), path);
  const nothing = await b.post(path, form.fields);
  expect([nothing.status, wordsOf(await nothing.text())]).toEqual([
    422,
    expect.stringContaining('What was done: Choose one of the answers'),
  ]);
  const unsaid = await b.post(path, { ...form.fields, reason: 'other', note: ' ' });
  expect(unsaid.status).toBe(422);
  const again = await unsaid.text();
  expect(again).toContain('id="error-summary"');
  expect(wordsOf(again)).toContain('Give your reasons');
  // The key is the same still, and what was chosen stands there.
  const corrected = formTo(again, path);
  expect(corrected.fields).toMatchObject({ key: form.fields.key, reason: ['other'] });
  expect(await rowsOf(caseId)).toEqual([]);
  const values = { ...corrected.fields, reason: 'safety-plan', note: `Whom to call ${HOSTILE}` };
  const sent = await b.post(path, values);
  expect([sent.status, sent.headers.get('location')]).toEqual([
    303,
    `/cases/${caseId}/measures#taken-up-${alert}`,
  ]);
  // Sent twice it is one act, and under the same key nothing else.
  expect((await b.post(path, values)).status).toBe(303);
  expect((await b.post(path, { ...values, note: 'Other words' })).status).toBe(409);
  expect(await rowsOf(caseId)).toEqual([
    {
      measurement_id: alert,
      reason: 'safety-plan',
      note: `Whom to call ${HOSTILE}`,
      acknowledged_by: w.as('therapistA').id,
    },
  ]);
  expect(await entriesOf(caseId)).toBe(1);

  expect(await day(b)).not.toContain(alert);
  expect(await day(await w.signIn('doctor'))).not.toContain(alert);
  const measures = await (await b.get(`/cases/${caseId}/measures`)).text();
  expect(measures).not.toContain(HOSTILE);
  for (const said of ['Made a safety plan with the patient', 'Whom to call', 'Test therapistA', TOLD])
    expect(wordsOf(measures)).toContain(said);
  const overview = wordsOf(await (await b.get(`/cases/${caseId}`)).text());
  expect(overview).toContain('Safety alert acknowledged');
  // Who does not treat reads that it happened, and neither what was found nor what was written.
  const administrator = wordsOf(
    await (await (await w.signIn('administrator')).get(`/cases/${caseId}`)).text(),
  );
  expect(administrator).toContain('Safety alert acknowledged');
  expect(administrator).not.toContain('Whom to call');
  expect(administrator).not.toContain('safety plan');
  const [look] = await w.web.sql<{ n: number }[]>`
    select count(*)::int as n from disclosures where view = 'alert' and case_id = ${caseId}`;
  expect(look?.n).toBe(1);
});

test('it waits for as long as nobody takes it up, overdue first, and the board counts it', async () => {
  const first = await raised();
  const before = await board();
  expect(before).toEqual({ open: 1, overdue: 0 });
  const b = await w.signIn('therapistA');
  const fresh = wordsOf(await day(b));
  expect(fresh).toMatch(/4\shours left/);
  at += 4 * HOUR + 1;
  expect(await board()).toEqual({ open: 1, overdue: 1 });
  at += 8 * 24 * HOUR;
  const second = await raised();
  const late = await w.signIn('therapistA');
  const html = await day(late);
  expect(wordsOf(html)).toMatch(/Overdue 8\sdays/);
  expect(html.indexOf(first.alert)).toBeGreaterThan(0);
  expect(html.indexOf(first.alert)).toBeLessThan(html.indexOf(second.alert));
  const words = wordsOf(await (await (await w.signIn('administrator')).get('/board')).text());
  expect(words).toMatch(/1 Safety alerts overdue, 2 waiting/);
  // Not even the end of its case ends it.
  const ended = await raised('patient');
  const withdrawn = await onDatabase(w).act('patient', 'withdraw', {}, { caseId: ended.caseId });
  expect(withdrawn).toMatchObject({ kind: 'done', state: 'closed' });
  expect(await day(await w.signIn('doctor'))).toContain(ended.alert);
  for (const { caseId } of [first, second, ended])
    expect(await acknowledge(w, 'doctor', caseId, { reason: 'under-treatment', note: '' })).toMatchObject({
      kind: 'acknowledged',
    });
  expect(await board()).toEqual({ open: 0, overdue: 0 });
});

test('one talk answers for what the same instrument raised before, and not for what it raises after', async () => {
  const caseId = await STORIES.alerted(onDatabase(w));
  const rows = await rowsOf(caseId);
  expect(rows).toHaveLength(2);
  expect(new Set(rows.map(({ measurement_id }) => measurement_id)).size).toBe(2);
  expect(await entriesOf(caseId)).toBe(1);
  // Measured again and again it stands on the day once, under the newest, with the time of the oldest.
  const stage = onDatabase(w);
  await complete(stage, caseId, 'officerC', 'decide-outcome', { choice: 'send-back', reasons: 'Ask again' });
  at += HOUR;
  await complete(stage, caseId, 'therapistB', 're-evaluate', {
    choice: 'finish',
    findings: 'Worse',
    measurements: [phq(3)],
  });
  expect(await board()).toEqual({ open: 1, overdue: 0 });
  const [newest] = await w.web.sql<{ id: string }[]>`
    select id from measurements where case_id = ${caseId} order by measured_at desc limit 1`;
  const html = await day(await w.signIn('doctor'));
  expect(html.split(`/cases/${caseId}/alerts/`).length).toBe(2);
  expect(html).toContain(`/cases/${caseId}/alerts/${newest?.id}`);
  expect((await acknowledge(w, 'lead', caseId, { reason: 'crisis-service', note: '' })).kind).toBe(
    'acknowledged',
  );
  expect(await rowsOf(caseId)).toHaveLength(3);
});

describe('who comes second, or may not', () => {
  test('two at once: one is told of the other, and nothing is there twice', async () => {
    const { caseId, path } = await raised();
    const [a, b] = [await w.signIn('therapistA'), await w.signIn('doctor')];
    const forms = [
      formTo(await (await a.get(path)).text(), path),
      formTo(await (await b.get(path)).text(), path),
    ];
    const answers = await Promise.all(
      [a, b].map((one, n) => one.post(path, { ...forms[n]?.fields, reason: 'spoke-with-patient' })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 409]);
    const [first] = await rowsOf(caseId);
    const late = answers.find(({ status }) => status === 409);
    const words = wordsOf((await late?.text()) ?? '');
    const name = first?.acknowledged_by === w.as('doctor').id ? 'Test doctor' : 'Test therapistA';
    expect(words).toContain(`${name} already acknowledged this at`);
    expect(words).toContain('Spoke with the patient, no danger now');
    expect(await rowsOf(caseId)).toHaveLength(1);
    expect(await entriesOf(caseId)).toBe(1);
    // Who opens the page now finds no form.
    expect(await (await a.get(path)).text()).not.toContain(`action="${path}"`);
  });

  test('a therapist who does not work on the case is told who may, page and form, and it is recorded', async () => {
    const { caseId, alert, path } = await raised();
    const b = await w.signIn('therapistB');
    expect(await day(b)).not.toContain(alert);
    // The case's own page shows the alert to everybody who treats, and says who may end it.
    const page = await (await b.get(`/cases/${caseId}`)).text();
    expect(wordsOf(page)).toContain(TOLD);
    expect(wordsOf(page)).toContain('Doctors, lead therapists and whoever works on this case');
    expect(page).not.toContain(`href="${path}"`);
    const own = await (await b.get(path)).text();
    expect(own).not.toContain(`action="${path}"`);
    expect(wordsOf(own)).toContain('Only doctors, lead therapists and whoever works on this case');
    at += 1;
    const { kind, ...told } = await acknowledge(w, 'therapistB', caseId, { reason: 'safety-plan', note: '' });
    expect([kind, told]).toMatchObject(['refusal', { code: 'not-related' }]);
    expect((await refusalsOf('therapistB')).at(-1)).toBe('alert.acknowledge not-related');
    // Whoever takes a task of the case works on it.
    await complete(onDatabase(w), caseId, 'doctor', 'propose-plan', {
      goals: ['Sleep through'],
      sessions: { physiotherapy: 1 },
      minutes: 45,
    });
    await complete(onDatabase(w), caseId, 'officerB', 'approve-plan', { choice: 'approve' });
    const [task] = await w.web.sql<{ id: string }[]>`
      select id from tasks where case_id = ${caseId} and status = 'open'`;
    const queue = await (await b.get(`/tasks/${task?.id}`)).text();
    const claim = formTo(queue, `/tasks/${task?.id}/claim`);
    expect((await b.post(claim.action, claim.fields)).status).toBe(303);
    expect(await day(b)).toContain(`href="${path}"`);
    const form = formTo(await (await b.get(path)).text(), path);
    expect((await b.post(path, { ...form.fields, reason: 'spoke-with-patient' })).status).toBe(303);
  });

  test('nobody who is related to the case, no other role, no foreign key, and no alert that is none', async () => {
    const { caseId, alert, path } = await raised();
    const { id } = w.as('doctor');
    const b = await w.signIn('doctor');
    const form = formTo(await (await b.get(path)).text(), path);
    const fields = { ...form.fields, reason: 'safety-plan', note: '' };
    const other = await raised();
    for (const [what, to, sent, status, code] of [
      ['a key of another alert', other.path, fields, 400, 'key-unbound'],
      ['no key', path, { reason: 'safety-plan', note: '' }, 400, 'key-unbound'],
      ['another case', `/cases/${other.caseId}/alerts/${alert}`, fields, 404, 'unknown'],
      ['no alert', `/cases/${caseId}/alerts/${randomUUID()}`, fields, 404, 'unknown'],
      ['no id', `/cases/${caseId}/alerts/x`, fields, 404, 'unknown'],
      ['no case', `/cases/${randomUUID()}/alerts/${alert}`, fields, 404, 'unknown'],
    ] as const) {
      at += 1;
      const before = (await refusalsOf('doctor')).length;
      expect([what, (await b.post(to, sent)).status]).toEqual([what, status]);
      expect([what, (await refusalsOf('doctor')).slice(before)]).toEqual([
        what,
        [`alert.acknowledge ${code}`],
      ]);
    }
    expect((await b.post(path, { ...fields, role: 'doctor' })).status).toBe(400);
    expect((await b.post(path, { ...fields, reason: 'none-of-these' })).status).toBe(422);
    expect((await b.post(path, { ...fields, note: 'x'.repeat(2001) })).status).toBe(422);
    expect((await b.post(path, { ...fields, note: 'a\u202eb' })).status).toBe(422);
    expect((await w.browser().post(path, fields)).status).toBe(401);
    for (const name of ['officerA', 'administrator', 'auditor', 'patient', 'referrer']) {
      const one = await w.signIn(name);
      expect([name, (await one.get(path)).status]).toEqual([name, 403]);
      expect([name, (await one.post(path, fields)).status]).toEqual([name, 403]);
    }
    // An officer reads the alert on the case, and who may end it.
    const officer = await (await (await w.signIn('officerA')).get(`/cases/${caseId}`)).text();
    expect(wordsOf(officer)).toContain(TOLD);
    expect(officer).not.toContain(`href="${path}"`);
    // The doctor's role ends while the form is open: refused inside the transaction, whatever the session says.
    const owner = postgres(w.fresh.ownerUrl, { max: 1, onnotice: () => undefined });
    await owner`update role_assignments set ended_at = now() where person_id = ${id}`;
    await owner.end();
    expect(await acknowledge(w, 'doctor', caseId, { reason: 'safety-plan', note: '' })).toMatchObject({
      code: 'wrong-role',
    });
    expect(await rowsOf(caseId)).toEqual([]);
  });
});
