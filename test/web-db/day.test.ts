// The therapist's day: sessions to record in three taps, what a measurement demands today, initials with their look.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formsOf, formTo, wordsOf } from '../support/pages.ts';
import { createWebWorld, type WebWorld } from '../support/web-world.ts';
import { ANSWERS, APPLICATION, MET, newCase, openTask, toTreatment, work } from './staff-story.ts';

let world: WebWorld;
beforeAll(async () => {
  world = await createWebWorld();
});
afterAll(() => world.close());

test('a session is recorded in three acts from the day, which then says so', async () => {
  const caseId = await toTreatment(world);
  const task = await openTask(world, caseId, 'record-session');
  const therapist = await world.signIn('therapistB');
  // Opening the day and the task writes no business row; the first tap claims.
  const day = await (await therapist.get('/day')).text();
  expect(wordsOf(day)).toContain('T. P.');
  expect(wordsOf(day)).not.toContain(APPLICATION.patientName);
  const record = formTo(day, `/tasks/${task}/claim`);
  expect(record.buttons[0]).toMatch(/^Record/);
  const opened = await therapist.post(record.action, record.fields);
  // To the form: on a phone it stands under everything it rests on.
  expect(opened.headers.get('location')).toBe(`/tasks/${task}#decision`);
  const form = formTo(await (await therapist.get(`/tasks/${task}`)).text(), /sign$/);
  // The plan's minutes stand there; the second tap says that it was held, the third goes to what is signed with the fourth.
  expect(form.fields.minutes).toEqual(['45']);
  const shown = await therapist.post(form.action, { ...form.fields, choice: 'held' });
  const signed = await therapist.signed(shown.headers.get('location') ?? '');
  const sent = await therapist.post(signed.action, signed.fields);
  expect(sent.status).toBe(303);
  const after = wordsOf(await (await therapist.get(sent.headers.get('location') as string)).text());
  expect(after).toContain('The session of');
  expect(after).toMatch(/Physiotherapy\s+45/);
});

test('an answer that cannot wait stands on the day of whoever asked, of doctors and leads, and of nobody else', async () => {
  const caseId = await newCase(world);
  await work(world, 'officerA', caseId, 'decide-eligibility', {
    ...MET,
    choice: 'accept',
    disciplines: 'psychology',
  });
  const sent = await work(world, 'therapistA', caseId, 'assess', { ...ANSWERS.phq, findings: 'Low mood' });
  const told = 'Thoughts of being better off dead or of self-harm were reported.';
  const asker = await world.signIn('therapistA');
  expect(wordsOf(await (await asker.get(sent.headers.get('location') as string)).text())).toContain(told);
  for (const [name, sees] of [
    ['therapistA', true],
    ['doctor', true],
    ['lead', true],
    ['therapistB', false],
  ] as const) {
    const browser = await world.signIn(name);
    const words = wordsOf(await (await browser.get('/day')).text());
    expect(words.includes(told), name).toBe(sees);
  }
  const [looks] = await world.web.sql<{ n: number }[]>`
    select count(*)::int as n from disclosures where view = 'day' and person_id = ${world.as('doctor').id}`;
  expect(looks?.n).toBe(1);
});

test('a doctor has tasks and no sessions; an officer has no day', async () => {
  const caseId = await newCase(world);
  await work(world, 'officerA', caseId, 'decide-eligibility', {
    ...MET,
    choice: 'accept',
    disciplines: 'psychology',
  });
  await work(world, 'therapistA', caseId, 'assess', { ...ANSWERS.phq, findings: 'Low mood' });
  const task = await openTask(world, caseId, 'propose-plan');
  const html = await (await (await world.signIn('doctor')).get('/day')).text();
  expect(formsOf(html).map(({ action }) => action)).toContain(`/tasks/${task}/claim`);
  expect(wordsOf(html)).not.toContain('Sessions today');
  expect((await (await world.signIn('officerA')).get('/day')).status).toBe(403);
});
