// Tasks over the app's own forms: a whole case without script, corrections, refusals, drafts, lost answers, looks.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { refuse } from '../../domain/refusal.ts';
import { formsOf, formTo, wordsOf } from '../support/pages.ts';
import { createWebWorld, type FormFields, HTMX, type WebWorld } from '../support/web-world.ts';
import {
  ANSWERS,
  APPLICATION,
  type Browser,
  claimByForm,
  completeByForm,
  MET,
  newCase,
  openTask,
  signByForm,
  toTreatment,
  work,
} from './staff-story.ts';

let world: WebWorld;
beforeAll(async () => {
  world = await createWebWorld();
});
afterAll(() => world.close());

const count = async (table: string, where = 'true'): Promise<number> => {
  const [row] = await world.web.sql.unsafe<{ n: number }[]>(
    `select count(*)::int as n from ${table} where ${where}`,
  );
  return row?.n ?? 0;
};

/** A decision on an application, claimed and open in a browser. */
async function claimed(name = 'officerA', values = APPLICATION) {
  const caseId = await newCase(world, values);
  const task = await openTask(world, caseId, 'decide-eligibility');
  const browser = await world.signIn(name);
  expect((await claimByForm(browser, task)).status).toBe(303);
  const page = await (await browser.get(`/tasks/${task}`)).text();
  return { caseId, task, browser, page };
}

const formOf = async (browser: Browser, task: string) =>
  formTo(await (await browser.get(`/tasks/${task}`)).text(), /\/(check|sign)$/);

describe('a whole case over forms', () => {
  test('goes from application to the outcome without script', async () => {
    const caseId = await toTreatment(world);
    for (const minutes of ['45', '40']) {
      const session = await work(world, 'therapistA', caseId, 'record-session', { choice: 'held', minutes });
      expect(session.status).toBe(303);
    }
    const again = await work(world, 'therapistB', caseId, 're-evaluate', {
      ...ANSWERS.high,
      findings: 'Does all of it alone',
      choice: 'finish',
    });
    expect(again.status).toBe(303);
    const end = await work(world, 'officerC', caseId, 'decide-outcome', { choice: 'approve' });
    expect(end.status).toBe(303);
    const [row] = await world.web.sql`select state, outcome from cases where id = ${caseId}`;
    expect(row).toMatchObject({ state: 'follow-up-waiting', outcome: 'approved' });
    // The list that it leads to says what was done, read from the operation.
    const officer = await world.signIn('officerC');
    const list = await officer.get(end.headers.get('location') as string);
    expect(wordsOf(await list.text())).toContain('Your decision on the outcome of');
    const stranger = await world.signIn('officerA');
    const theirs = await stranger.get(end.headers.get('location') as string);
    expect(wordsOf(await theirs.text())).not.toContain('Your decision on the outcome of');
    // Half a year later the follow-up is due; it is the last form of the case.
    world.setClock(() => new Date(Date.now() + 200 * 86_400_000));
    try {
      const [clock] = await world.web.sql<{ id: string }[]>`
        select id from clocks where case_id = ${caseId} and clock = 'follow-up-interval' and stopped_at is null`;
      await world.verbs.lapseClock({ caseId, clockId: clock?.id as string });
      const followed = await work(world, 'doctor', caseId, 'record-follow-up', {
        findings: 'Walks to the shop',
      });
      expect(followed.status).toBe(303);
    } finally {
      world.setClock(() => new Date());
    }
    const [closed] = await world.web.sql`select state from cases where id = ${caseId}`;
    expect(closed?.state).toBe('closed');
    expect(world.faults).toEqual([]);
  });

  test('papers are asked for, sent by the one who applied, and read by the officer', async () => {
    const caseId = await newCase(world);
    await work(world, 'officerA', caseId, 'decide-eligibility', {
      choice: 'ask-papers',
      reasons: 'The date is missing',
      papers: 'Hospital letter\r\nList of medicines',
    });
    const referrer = await world.signIn('referrer');
    const task = await openTask(world, caseId, 'provide-papers');
    const asked = await (await referrer.get(`/tasks/${task}`)).text();
    expect(wordsOf(asked)).toMatch(/Hospital letter .*List of medicines .*The date is missing/);
    const sent = await completeByForm(referrer, task, { answer: 'Operated on 3 March' });
    expect(sent.status).toBe(303);
    expect(wordsOf(await (await referrer.get(sent.headers.get('location') as string)).text())).toContain(
      'Your papers for',
    );
    const next = await world.signIn('officerB');
    const decision = await openTask(world, caseId, 'decide-eligibility');
    const page = wordsOf(await (await next.get(`/tasks/${decision}`)).text());
    expect(page).toContain('Operated on 3 March');
  });

  test('a refusal is appealed against, and somebody who decided nothing there decides again', async () => {
    const submitted = await world.verbs.submitApplication(
      await world.request('patient', 'submit-application', APPLICATION, {}),
    );
    if (submitted.kind !== 'done') throw new Error('application refused');
    const { caseId } = submitted;
    await work(world, 'officerB', caseId, 'decide-eligibility', {
      ...MET,
      'criteria.prognosis': 'not-met',
      choice: 'refuse',
      reasons: 'The goals cannot be reached',
    });
    await world.verbs.makeAppeal(
      await world.request('patient', 'appeal', { reasons: 'I walk already' }, { caseId }),
    );
    const task = await openTask(world, caseId, 'decide-appeal');
    const same = await (await world.signIn('officerB')).get(`/tasks/${task}`);
    expect(same.status).toBe(403);
    const fresh = await world.signIn('officerC');
    const page = wordsOf(await (await fresh.get(`/tasks/${task}`)).text());
    expect(page).toMatch(/I walk already.*The goals cannot be reached/);
    const granted = await work(world, 'officerC', caseId, 'decide-appeal', {
      choice: 'grant',
      reasons: 'Goals are within reach',
      disciplines: ['physiotherapy'],
    });
    expect(granted.status).toBe(303);
    const [row] = await world.web.sql`select state, outcome from cases where id = ${caseId}`;
    expect(row).toMatchObject({ state: 'assessment-due', outcome: null });
  });

  test('a plan is sent back with reasons and proposed again', async () => {
    const caseId = await newCase(world);
    await work(world, 'officerA', caseId, 'decide-eligibility', {
      ...MET,
      choice: 'accept',
      disciplines: 'psychology',
    });
    await work(world, 'therapistA', caseId, 'assess', { ...ANSWERS.phq, findings: 'Low mood' });
    await work(world, 'lead', caseId, 'propose-plan', {
      goals: 'Sleep',
      'sessions.psychology': '4',
      minutes: '50',
    });
    const bare = await work(world, 'officerB', caseId, 'approve-plan', { choice: 'send-back' });
    expect(bare.status).toBe(422);
    const task = await openTask(world, caseId, 'approve-plan');
    const officer = await world.signIn('officerB');
    const back = await completeByForm(officer, task, { choice: 'send-back', reasons: 'Too few sessions' });
    expect(back.status).toBe(303);
    const again = await openTask(world, caseId, 'propose-plan');
    const page = wordsOf(await (await (await world.signIn('lead')).get(`/tasks/${again}`)).text());
    expect(page).toContain('Too few sessions');
  });
});

describe('corrections', () => {
  test('faults stand at their fields and above, what was typed stays, the key stays', async () => {
    const { task, browser, page } = await claimed();
    const form = formTo(page, /check$/);
    const typed = {
      ...form.fields,
      choice: 'refuse',
      'criteria.need': 'met',
      reasons: ' <b>Not & never</b> ',
    };
    const answer = await browser.post(form.action, typed);
    expect(answer.status).toBe(422);
    const html = await answer.text();
    expect(html).toContain('<title>Error: ');
    const again = formTo(html, form.action);
    expect(again.fields.key).toEqual(form.fields.key);
    expect(again.fields.reasons).toEqual([' <b>Not & never</b> ']);
    expect(again.fields['criteria.need']).toEqual(['met']);
    expect(again.fields.choice).toEqual(['refuse']);
    expect(html).toContain('href="#f-criteria"');
    expect(html).not.toContain('<b>Not');
    expect(await count('decisions', `task_id = '${task}'`)).toBe(0);
  });

  test('a refusal of values that came from the case uses its key up: the corrected form is another act, and is done', async () => {
    const caseId = await newCase(world);
    await work(world, 'officerA', caseId, 'decide-eligibility', {
      ...MET,
      choice: 'accept',
      disciplines: 'psychology',
    });
    const task = await openTask(world, caseId, 'assess');
    const browser = await world.signIn('therapistA');
    await claimByForm(browser, task);
    const form = await formOf(browser, task);
    const typed = { ...ANSWERS.phq, findings: 'Low mood' };
    const toSign = async (fields: FormFields) => {
      expect((await browser.post(form.action, fields)).headers.get('location')).toBe(`/tasks/${task}/sign`);
      return await browser.signed(`/tasks/${task}/sign`);
    };
    const no = refuse('values', { fields: [{ field: 'findings', fault: 'tooLong' }] });
    for (const headers of [{}, HTMX]) {
      const signed = await toSign({ ...form.fields, ...typed });
      world.refuseNext(no);
      const refused = await browser.post(signed.action, signed.fields, headers);
      expect(refused.status).toBe(422);
      const html = await refused.text();
      expect(html).toContain('href="#f-findings"');
      const again = formTo(html, form.action);
      expect(again.fields.findings).toEqual(['Low mood']);
      expect(again.fields.key).not.toEqual(form.fields.key);
      // The old key is answered as it was, however the form was corrected.
      const repeated = await toSign({ ...form.fields, ...typed, findings: 'Low' });
      expect((await browser.post(repeated.action, repeated.fields)).status).toBe(422);
      form.fields.key = again.fields.key as string[];
    }
    expect(await count('assessments', `case_id = '${caseId}'`)).toBe(0);
    const sent = await toSign({ ...form.fields, ...typed });
    for (let time = 0; time < 2; time++)
      expect((await browser.post(sent.action, sent.fields)).headers.get('location')).toMatch(/^\/day\?done=/);
    expect(await count('assessments', `case_id = '${caseId}'`)).toBe(1);
  });

  test('the same holds for an act without a task, as page and as fragment', async () => {
    const submitted = await world.verbs.submitApplication(
      await world.request('patient', 'submit-application', APPLICATION, {}),
    );
    if (submitted.kind !== 'done') throw new Error('application refused');
    const { caseId } = submitted;
    const browser = await world.signIn('patient');
    const path = `/cases/${caseId}/withdraw`;
    let form = formTo(await (await browser.get(path)).text(), path);
    for (const headers of [{}, HTMX]) {
      world.refuseNext(refuse('values', { fields: [{ field: 'reasons', fault: 'tooLong' }] }));
      const refused = await browser.post(path, { ...form.fields, reasons: 'Moved away' }, headers);
      expect(refused.status).toBe(422);
      const again = formTo(await refused.text(), path);
      expect(again.fields.reasons).toEqual(['Moved away']);
      expect(again.fields.key).not.toEqual(form.fields.key);
      expect((await browser.post(path, form.fields)).status).toBe(422);
      form = again;
    }
    expect((await browser.post(path, form.fields)).status).toBe(303);
    expect(await count('decisions', `case_id = '${caseId}' and action = 'withdraw'`)).toBe(1);
  });

  test('an instrument’s faults name the item, in the page and in the fragment alike', async () => {
    const caseId = await newCase(world);
    await work(world, 'officerA', caseId, 'decide-eligibility', {
      ...MET,
      choice: 'accept',
      disciplines: 'physiotherapy',
    });
    const task = await openTask(world, caseId, 'assess');
    const browser = await world.signIn('therapistB');
    await claimByForm(browser, task);
    const form = await formOf(browser, task);
    const wrong = {
      ...form.fields,
      ...ANSWERS.low,
      findings: 'Seen',
      'm.six-minute-walk.distance-1': '5000',
      'm.barthel-index.feeding': '7',
    };
    const answer = await browser.post(form.action, wrong);
    expect(answer.status).toBe(422);
    const html = await answer.text();
    for (const field of ['m.six-minute-walk.distance-1', 'm.barthel-index.feeding']) {
      const id = `f-${field.replace(/[^A-Za-z0-9_-]/g, '-')}`;
      expect(html).toContain(`href="#${id}"`);
      expect(html).toContain(`id="${id}"`);
      expect(html).toContain(`id="${id}-fault"`);
    }
    const part = await browser.post(form.action, wrong, HTMX);
    expect(part.status).toBe(422);
    const fragment = await part.text();
    expect(fragment).not.toContain('<html');
    expect(fragment).toContain('hx-target="#errors"');
    expect(formTo(fragment, form.action).fields.key).toEqual(form.fields.key);
    const fine = await browser.post(form.action, { ...form.fields, ...ANSWERS.low, findings: 'Seen' }, HTMX);
    expect(fine.headers.get('hx-redirect')).toBe(`/tasks/${task}/sign`);
  });

  test('a field that nobody asked for is refused, whatever it is called; nothing is stored', async () => {
    const { task, browser, page } = await claimed();
    const form = formTo(page, /check$/);
    const columns = [
      'decided_by',
      'role',
      'state',
      'case_id',
      'decidedBy',
      'duty',
      'at',
      'm.barthel-index.feeding',
    ];
    for (const name of [...columns, '__proto__', 'constructor', 'criteria.other', 'sessions.physiotherapy'])
      for (const action of [
        form.action,
        ...['sign', 'decide', 'draft'].map((step) => `/tasks/${task}/${step}`),
      ]) {
        const answer = await browser.post(action, { ...form.fields, ...MET, choice: 'accept', [name]: 'x' });
        expect(answer.status, `${action} ${name}`).toBe(400);
      }
    // One field twice is not a list unless the form has one.
    expect((await browser.post(form.action, { ...form.fields, choice: ['accept', 'refuse'] })).status).toBe(
      400,
    );
    expect(await count('decisions', `task_id = '${task}'`)).toBe(0);
    expect(await count('task_draft', `task_id = '${task}'`)).toBe(0);
  });
});

describe('checking', () => {
  test('the check page sums up, asks about a contradiction, and shows what the patient will read', async () => {
    const { task, browser, page } = await claimed();
    const form = formTo(page, /check$/);
    const answer = await browser.post(form.action, {
      ...form.fields,
      ...MET,
      'criteria.prognosis': 'not-met',
      choice: 'accept',
      reasons: 'Worth a try',
      disciplines: ['physiotherapy', 'psychology'],
    });
    expect(answer.status).toBe(200);
    const html = await answer.text();
    const words = wordsOf(html);
    expect(words).toContain('You judged as not met: Prognosis.');
    expect(words).toContain('We accept your application for rehabilitation.');
    expect(words).toContain('physiotherapy and psychology');
    expect(html).toContain(`href="/tasks/${task}#f-reasons"`);
    const send = formTo(html, `/tasks/${task}/sign`);
    expect(send.buttons).toContain('Go on to sign');
    // Nothing is decided yet, and "Change" comes back to what was typed.
    expect(await count('decisions', `task_id = '${task}'`)).toBe(0);
    const back = await formOf(browser, task);
    expect(back.fields).toMatchObject({
      reasons: ['Worth a try'],
      disciplines: ['physiotherapy', 'psychology'],
    });
    expect((await browser.post(send.action, send.fields)).status).toBe(303);
    expect(await count('decisions', `task_id = '${task}'`)).toBe(0);
    const signed = await browser.signed(`/tasks/${task}/sign`);
    expect(signed.buttons).toContain('Sign: accept the application');
    expect((await browser.post(signed.action, signed.fields)).status).toBe(303);
    expect(await count('decisions', `task_id = '${task}'`)).toBe(1);
    expect(await count('task_draft', `task_id = '${task}'`)).toBe(0);
  });

  test('a refusal names the day until which one can appeal', async () => {
    const { browser, page } = await claimed();
    const form = formTo(page, /check$/);
    const html = await (
      await browser.post(form.action, {
        ...form.fields,
        ...MET,
        'criteria.need': 'not-met',
        choice: 'refuse',
        reasons: 'Ordinary treatment is enough',
      })
    ).text();
    expect(wordsOf(html)).toMatch(/you can appeal until \d{1,2} \w{3} \d{4}\./);
    expect(wordsOf(html)).toContain('Not met: Need for rehabilitation');
  });
});

describe('one act', () => {
  test('the same form sent again, at once or later, is one decision with one answer', async () => {
    const { task, browser } = await claimed();
    const form = await signByForm(browser, task, { ...MET, choice: 'accept', disciplines: 'physiotherapy' });
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => browser.post(form.action, form.fields)),
    );
    const later = await browser.post(form.action, form.fields);
    expect(new Set([...answers, later].map((answer) => answer.headers.get('location'))).size).toBe(1);
    expect(await count('decisions', `task_id = '${task}'`)).toBe(1);
  });

  test('a lost answer says “not sure yet”; asked for by its number it is done, and sending again does not repeat it', async () => {
    const { task, browser } = await claimed();
    const form = await signByForm(browser, task, { ...MET, choice: 'accept', disciplines: 'psychology' });
    world.setTrouble('still-working', { arrives: true });
    const lost = await browser.post(form.action, form.fields);
    world.setTrouble(undefined);
    expect(lost.status).toBe(202);
    const html = await lost.text();
    expect(wordsOf(html)).toContain('We are not sure yet whether it arrived.');
    expect(wordsOf(html)).not.toMatch(/failed/i);
    const key = form.fields.key?.[0] as string;
    expect(html).toContain(`hx-get="/ask/${key}"`);
    const repeat = formTo(html, form.action);
    // The same signature under the same key: nothing is signed twice.
    expect(repeat.fields).toEqual(form.fields);
    const asked = await browser.get(`/ask/${key}`);
    expect(asked.status).toBe(303);
    expect(asked.headers.get('location')).toBe(`/queue?done=${key}`);
    expect((await browser.post(repeat.action, repeat.fields)).headers.get('location')).toBe(
      `/queue?done=${key}`,
    );
    expect(await count('decisions', `task_id = '${task}'`)).toBe(1);
    // Nobody else learns anything from the number.
    const stranger = await world.signIn('officerB');
    expect((await stranger.get(`/ask/${key}`)).status).toBe(404);
  });

  test('while an answer is not there it stays “still working”, as page and as fragment', async () => {
    const { task, browser } = await claimed();
    const form = await signByForm(browser, task, { ...MET, choice: 'accept', disciplines: 'psychology' });
    const key = form.fields.key?.[0] as string;
    world.setTrouble('still-working');
    await browser.post(form.action, form.fields);
    world.setTrouble(undefined);
    const answer = await browser.get(`/ask/${key}`);
    expect(answer.status).toBe(202);
    const part = await browser.get(`/ask/${key}`, HTMX);
    expect(part.status).toBe(202);
    expect(await part.text()).toMatch(/^<div id="still-working"/);
    expect((await browser.get('/ask/nonsense')).status).toBe(404);
  });

  test('with nobody to ask the answer is 503 with a time, the form and its key kept; afterwards the same form goes through', async () => {
    const { task, browser } = await claimed();
    const form = await signByForm(browser, task, {
      ...MET,
      choice: 'accept',
      reasons: 'Kept through the outage',
      disciplines: 'psychology',
    });
    world.setTrouble('unavailable');
    const down = await browser.post(form.action, form.fields);
    const part = await browser.post(form.action, form.fields, HTMX);
    world.setTrouble(undefined);
    expect([down.status, down.headers.get('retry-after')]).toEqual([503, '5']);
    const html = await down.text();
    expect(wordsOf(html)).toContain('Kept through the outage');
    const kept = formTo(html, form.action);
    // The signature is made anew by the script; the text and the key it is over stay.
    expect(kept.fields.key).toEqual(form.fields.key);
    // A fault never replaces the form: its body speaks through the notice alone.
    expect(part.status).toBe(503);
    expect(await part.text()).toMatch(/^<hx-partial hx-target="#notice"/);
    const signed = await browser.signed(`/tasks/${task}/sign`);
    expect((await browser.post(signed.action, signed.fields)).status).toBe(303);
    expect(await count('decisions', `task_id = '${task}'`)).toBe(1);
  });
});

describe('refusals', () => {
  test('signed in one of two tabs it counts once; the other is told why not, by page and in place', async () => {
    const { task, browser } = await claimed();
    const typed = { ...MET, choice: 'accept', disciplines: 'psychology' };
    const first = await signByForm(browser, task, typed);
    const newer = await signByForm(browser, task, { ...typed, reasons: 'From the other tab' });
    expect(newer.fields.key).not.toEqual(first.fields.key);
    // The text that was put before the person last is the one that counts, and the page of the other says so.
    for (const headers of [{}, HTMX]) {
      const replaced = await browser.post(first.action, first.fields, headers);
      expect([replaced.status, wordsOf(await replaced.text())]).toEqual([
        409,
        expect.stringContaining('You have made a newer text for this task since'),
      ]);
    }
    expect((await browser.post(newer.action, newer.fields)).status).toBe(303);
    const late = await browser.post(first.action, first.fields);
    expect([late.status, wordsOf(await late.text())]).toEqual([
      409,
      expect.stringContaining('You completed this task on'),
    ]);
    const inPlace = await (await browser.post(first.action, first.fields, HTMX)).text();
    expect(inPlace).toMatch(/^<hx-partial hx-target="#stale"/);
    expect(wordsOf(inPlace)).toContain('The case has moved on');
    expect(wordsOf(inPlace)).not.toContain('Somebody else took this over');
    expect(await count('decisions', `task_id = '${task}'`)).toBe(1);
    // Whoever goes back to the page where it was signed comes to the same sentence.
    const back = await browser.get(`/tasks/${task}/sign`);
    expect(back.headers.get('location')).toBe(`/tasks/${task}`);
    expect(wordsOf(await (await browser.get(`/tasks/${task}`)).text())).toContain(
      'You completed this task on',
    );
  });

  test('taken over: 409, who holds it, the text kept and the refusal in the log', async () => {
    const { task } = await claimed('officerA');
    const lease = world.parameters.set.figures['claim-lease'].value * 60_000;
    try {
      // Signed while the claim still holds, sent when somebody else has it.
      world.setClock(() => new Date(Date.now() + lease - 120_000));
      const late = await world.signIn('officerA');
      const typed = { ...MET, choice: 'accept', reasons: 'Mine, and dear to me', disciplines: 'psychology' };
      const form = await signByForm(late, task, typed);
      world.setClock(() => new Date(Date.now() + lease + 60_000));
      const other = await world.signIn('officerB');
      expect((await claimByForm(other, task)).status).toBe(303);
      const answer = await late.post(form.action, form.fields);
      expect(answer.status).toBe(409);
      const words = wordsOf(await answer.text());
      expect(words).toContain('Test officerB took this over');
      expect(words).toContain('Mine, and dear to me');
      const second = formTo(await (await other.get(`/tasks/${task}`)).text(), /check$/);
      expect(second.fields.reasons).toEqual(['']);
      const partial = await late.post(form.action, form.fields, HTMX);
      expect([partial.status, partial.headers.get('hx-reswap')]).toEqual([409, 'none']);
      expect(await partial.text()).toMatch(/^<hx-partial hx-target="#stale"/);
    } finally {
      world.setClock(() => new Date());
    }
    expect(await count('refusals', `task_id = '${task}' and code = 'stale-claim'`)).toBeGreaterThan(0);
    expect(await count('decisions', `task_id = '${task}'`)).toBe(0);
  });

  test('somebody else’s task looks like none to people of other cases, and leaves an entry', async () => {
    const caseId = await newCase(world);
    const task = await openTask(world, caseId, 'decide-eligibility');
    const patient = await world.signIn('patient');
    const unknown = await patient.get('/tasks/00000000-0000-4000-8000-000000000000');
    for (const answer of [
      await patient.get(`/tasks/${task}`),
      await patient.post(`/tasks/${task}/decide`, {}),
      await patient.post(`/tasks/${task}/draft`, {}),
    ]) {
      expect(answer.status).toBe(404);
      expect(wordsOf(await answer.text()).replace(/\/tasks\/\S+/g, '')).toContain('There is no such page');
    }
    expect(unknown.status).toBe(404);
    expect(await count('refusals', `task_id = '${task}' and code = 'not-related'`)).toBe(3);
    // What their role could never do is refused by the role.
    expect((await patient.post(`/tasks/${task}/claim`, {})).status).toBe(403);
    expect((await (await world.signIn('auditor')).get(`/tasks/${task}`)).status).toBe(403);
    expect((await (await world.signIn('therapistA')).get(`/tasks/${task}`)).status).toBe(403);
  });

  test('a duty bars: no evidence, no look, the reason and the way to the case', async () => {
    const caseId = await toTreatment(world);
    for (const minutes of ['45', '45'])
      await work(world, 'therapistB', caseId, 'record-session', { choice: 'held', minutes });
    const task = await openTask(world, caseId, 're-evaluate');
    const assessor = await world.signIn('therapistA');
    const before = await count('disclosures', `case_id = '${caseId}'`);
    const answer = await assessor.get(`/tasks/${task}`);
    expect(answer.status).toBe(403);
    const html = await answer.text();
    expect(wordsOf(html)).toContain('You assessed this case, so somebody else must do this');
    expect(html).toContain(`href="/cases/${caseId}"`);
    expect(html).not.toContain(APPLICATION.reason);
    expect(await count('disclosures', `case_id = '${caseId}'`)).toBe(before);
    expect(await count('refusals', `task_id = '${task}' and code = 'conflict-of-duties'`)).toBe(1);
  });
});

describe('looks', () => {
  test('opening is one entry per person in the window, and reading writes nothing else', async () => {
    const { caseId, task, browser } = await claimed('officerD');
    const tables = ['tasks', 'decisions', 'cases', 'clocks', 'operations', 'assessments', 'plans'];
    const looks = () =>
      count('disclosures', `case_id = '${caseId}' and person_id = '${world.as('officerD').id}'`);
    expect(await looks()).toBe(1);
    const version = async () => {
      const [row] = await world.web
        .sql`select version from audit_subjects where kind = 'case' and id = ${caseId}`;
      return row?.version;
    };
    const rows = await Promise.all(tables.map((table) => count(table)));
    const at = await version();
    await Promise.all(Array.from({ length: 5 }, () => browser.get(`/tasks/${task}`)));
    await browser.get('/queue');
    expect(await looks()).toBe(1);
    expect(await version()).toBe(at);
    expect(await Promise.all(tables.map((table) => count(table)))).toEqual(rows);
    world.setClock(() => new Date(Date.now() + 16 * 60_000));
    try {
      const later = await world.signIn('officerD');
      await Promise.all(Array.from({ length: 4 }, () => later.get(`/tasks/${task}`)));
      expect(await looks()).toBe(2);
    } finally {
      world.setClock(() => new Date());
    }
  });

  test('pages of people are kept nowhere, and say by which headers they differ', async () => {
    const { task, browser } = await claimed();
    for (const path of [`/tasks/${task}`, '/queue']) {
      const answer = await browser.get(path);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('vary')).toContain('HX-Request');
    }
  });
});

describe('drafts', () => {
  test('a draft is sealed, shown again to its writer alone, and says when it was saved', async () => {
    const { task, browser, page } = await claimed();
    const form = formTo(page, /check$/);
    const text = 'Half a thought about SECRETCANARY';
    const saved = await browser.post(`/tasks/${task}/draft`, { ...form.fields, reasons: text }, HTMX);
    expect(saved.status).toBe(200);
    expect(wordsOf(await saved.text())).toMatch(/Draft saved \d\d:\d\d/);
    const again = await (await browser.get(`/tasks/${task}`)).text();
    expect(formTo(again, /check$/).fields.reasons).toEqual([text]);
    const [row] = await world.web.sql<
      { sealed: Buffer }[]
    >`select sealed from task_draft where task_id = ${task}`;
    expect(Buffer.from(row?.sealed ?? '').includes('SECRETCANARY')).toBe(false);
    const other = await world.signIn('officerB');
    expect(await (await other.get(`/tasks/${task}`)).text()).not.toContain('SECRETCANARY');
    const left = await browser.post(`/tasks/${task}/draft`, { ...form.fields, reasons: text, leave: '1' });
    expect([left.status, left.headers.get('location')]).toEqual([303, '/queue']);
  });

  test('a draft under a claim that is not held is not saved, and its text comes back', async () => {
    const { task, browser, page } = await claimed();
    const form = formTo(page, /check$/);
    const answer = await browser.post(`/tasks/${task}/draft`, {
      ...form.fields,
      claim: '7',
      reasons: 'Typed under another number',
    });
    expect(answer.status).toBe(409);
    expect(wordsOf(await answer.text())).toContain('Typed under another number');
    expect(await count('task_draft', `task_id = '${task}'`)).toBe(0);
  });

  test('while answers are given the draft’s answer brings the score', async () => {
    const caseId = await newCase(world);
    await work(world, 'officerA', caseId, 'decide-eligibility', {
      ...MET,
      choice: 'accept',
      disciplines: 'psychology',
    });
    const task = await openTask(world, caseId, 'assess');
    const browser = await world.signIn('therapistA');
    await claimByForm(browser, task);
    const form = await formOf(browser, task);
    const answer = await browser.post(`/tasks/${task}/draft`, { ...form.fields, ...ANSWERS.phq }, HTMX);
    const html = await answer.text();
    expect(html).toContain('hx-target="#score-phq-9"');
    expect(wordsOf(html)).toContain('Score 27 (0 to 27)');
    expect(wordsOf(html)).toContain('Speak with the person today.');
  });
});

describe('text that people wrote', () => {
  test('markup, quotes and right-to-left text in an application never become markup of ours', async () => {
    const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)> {{7*7}} javascript:alert(1) שלום`;
    const { page } = await claimed('officerC', {
      ...APPLICATION,
      reason: hostile,
      patientName: `O'<b>Test</b>`,
    });
    expect(page).not.toMatch(/<script>alert|<img src=x|<b>Test/);
    expect(wordsOf(page)).toContain(hostile);
    expect(formsOf(page).length).toBeGreaterThan(1);
  });
});
