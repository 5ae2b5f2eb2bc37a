// Applying as people and programs do, on a real database: the form with its faults, records as drafts, what was asked answered,
// withdrawing and appealing; and that nothing is stored of what was refused.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applicationDraft, applications, cases, measurements, operations } from '../../db/schema.ts';
import { claim } from '../support/claim.ts';
import { formTo, wordsOf } from '../support/pages.ts';
import { bundle, order } from '../support/record.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';
import { complete, onDatabase, submit } from '../support/stories.ts';
import { createWebWorld, HTMX, type WebWorld } from '../support/web-world.ts';

let w: WebWorld;
beforeAll(async () => {
  w = await createWebWorld();
});
afterAll(async () => {
  await w.close();
});

/** A hidden value of a form in a page. */
const hidden = (html: string, name: string): string =>
  new RegExp(`<input type="hidden" name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? '';
const keyOf = (html: string): string => {
  const key = /name="key" value="([\w.-]+)"/.exec(html)?.[1];
  if (!key) throw new Error('the page holds no operation key');
  return key;
};

const FILLED = {
  draft: '',
  patientName: 'Lin Sample',
  'birthDate.day': '2',
  'birthDate.month': '4',
  'birthDate.year': '1961',
  sex: 'female',
  language: 'de',
  reason: 'Stroke in spring; cannot dress or climb stairs alone.',
  'reasonSince.day': '',
  'reasonSince.month': '',
  'reasonSince.year': '',
  goals: 'Walk to the shop',
};

/** Sends an application as the referrer and gives the case's id. */
async function applied(): Promise<string> {
  const b = await w.signIn('referrer');
  const key = keyOf(await (await b.get('/apply')).text());
  const sent = await b.post('/apply', { ...FILLED, key });
  const id = /case=([0-9a-f-]{36})/.exec(sent.headers.get('location') ?? '')?.[1];
  if (sent.status !== 303 || !id) throw new Error(`applying answered ${sent.status}`);
  return id;
}

describe('the form', () => {
  it('becomes a case, once, whatever is repeated', async () => {
    const b = await w.signIn('referrer');
    const key = keyOf(await (await b.get('/apply')).text());
    const first = await b.post('/apply', { ...FILLED, key });
    const again = await b.post('/apply', { ...FILLED, key });
    expect(first.status).toBe(303);
    expect(again.headers.get('location')).toBe(first.headers.get('location'));
    const page = await (await b.get(first.headers.get('location') ?? '')).text();
    expect(page).toMatch(/We have your application\. Its number is RC-/);
    expect(page).toContain('Lin Sample');
    // Whoever goes back to the form is told that it is another application now.
    const [number = ''] = /RC-\w{4}-\w{2}/.exec(page) ?? [];
    expect(wordsOf(await (await b.get('/apply')).text())).toContain(`You sent ${number} at `);
  });

  it('says at each field what to correct, keeps what was typed and the key, and stores nothing', async () => {
    const b = await w.signIn('referrer');
    const before = await w.web.db.$count(cases);
    const key = keyOf(await (await b.get('/apply')).text());
    const bad = { ...FILLED, key, patientName: '', 'birthDate.day': '31', 'birthDate.month': '2' };
    const page = await b.post('/apply', bad);
    const html = await page.text();
    expect(page.status).toBe(422);
    expect(html).toContain('There are 2 things to correct');
    expect(html).toContain('Enter a date that exists');
    expect(html).toContain('Stroke in spring');
    expect(hidden(html, 'key')).toBe(key);
    expect(html).toMatch(/<title>Error: /);
    expect(await w.web.db.$count(cases)).toBe(before);

    const part = await b.post('/apply', bad, HTMX);
    expect(part.status).toBe(422);
    expect(await part.text()).not.toContain('<html');
    expect(part.headers.get('vary')).toContain('HX-Request');
  });

  it('takes no day that has not come yet, from the form or past it', async () => {
    const b = await w.signIn('referrer');
    const key = keyOf(await (await b.get('/apply')).text());
    const ahead = {
      ...FILLED,
      key,
      'birthDate.year': '2999',
      'reasonSince.day': '1',
      'reasonSince.month': '1',
    };
    const page = await b.post('/apply', { ...ahead, 'reasonSince.year': '2999' });
    expect(page.status).toBe(422);
    expect((await page.text()).split('Enter a date that is not in the future').length).toBe(5);
    const values = { patientName: 'Lin Sample', birthDate: '2999-01-01', reason: 'A wrist' };
    const request = await w.request('referrer', 'submit-application', values, {});
    expect(await w.verbs.submitApplication(request)).toMatchObject({
      kind: 'refusal',
      code: 'values',
      fields: [{ field: 'birthDate', fault: 'inFuture' }],
    });
  });

  it.each([
    ['a field nobody asked for', { state: 'closed' }, 400],
    ['a role of one’s own making', { role: 'approval-officer' }, 400],
    ['a field of a prototype', { __proto__x: '1' }, 400],
    ['a sex that is none', { sex: 'x' }, 422],
    ['control characters in a name', { patientName: 'Lin\u202eelpmaS' }, 422],
    ['a reason without end', { reason: 'x'.repeat(3000) }, 422],
    ['somebody else’s draft', { draft: '00000000-0000-4000-8000-000000000000' }, 404],
  ])('refuses %s', async (_, over, status) => {
    const b = await w.signIn('referrer');
    const before = await w.web.db.$count(cases);
    const key = keyOf(await (await b.get('/apply')).text());
    expect((await b.post('/apply', { ...FILLED, key, ...over })).status).toBe(status);
    expect(await w.web.db.$count(cases)).toBe(before);
  });

  it('takes no key that was made for another person or act', async () => {
    const patient = await w.signIn('patient');
    const key = keyOf(await (await patient.get('/apply')).text());
    const b = await w.signIn('referrer');
    const before = await w.web.db.$count(operations);
    const answer = await b.post('/apply', { ...FILLED, key });
    expect(answer.status).toBe(400);
    // The refusal itself is an operation with its entry.
    expect(await w.web.db.$count(operations)).toBe(before + 1);
  });

  it('keeps the text when nobody answers, and says still working when it may have arrived', async () => {
    const b = await w.signIn('referrer');
    const key = keyOf(await (await b.get('/apply')).text());
    w.setTrouble('unavailable');
    const down = await b.post('/apply', { ...FILLED, key });
    expect(down.status).toBe(503);
    expect(down.headers.get('retry-after')).toBe('5');
    const html = await down.text();
    expect(html).toContain('Stroke in spring');
    expect(hidden(html, 'key')).toBe(key);
    w.setTrouble('still-working');
    const unsure = await b.post('/apply', { ...FILLED, key });
    expect(unsure.status).toBe(202);
    expect(await unsure.text()).toContain(`/ask/${key}`);
    w.setTrouble(undefined);
    expect((await b.post('/apply', { ...FILLED, key })).status).toBe(303);
  });

  it('asks a patient neither for name nor for what the service knows', async () => {
    const b = await w.signIn('patient');
    const html = await (await b.get('/apply')).text();
    expect(html).toContain('Test patient');
    expect(html).not.toContain('name="patientName"');
    expect(html).toContain('data-audience="patient"');
  });
});

describe('a record', () => {
  const json = JSON.stringify(bundle());
  const send = (b: Awaited<ReturnType<WebWorld['signIn']>>, body: string, type = 'application/fhir+json') =>
    w.app.request(`${w.origin}/apply/import`, {
      method: 'POST',
      headers: {
        'content-type': type,
        origin: w.origin,
        cookie: [...b.jar].map(([name, value]) => `${name}=${value}`).join('; '),
      },
      body,
    });

  it('becomes a draft that fills in the form, sealed, once', async () => {
    const b = await w.signIn('referrer');
    const answer = await send(b, json);
    expect(answer.status).toBe(201);
    const report = (await answer.json()) as {
      draft: string;
      reason: { text: string };
      questions: { code: string; text: string }[];
    };
    expect(report.reason.text).toBe(order.reason);
    expect(report.questions.map(({ code }) => code)).toContain('function');

    const [row] = await w.web.db.select().from(applicationDraft);
    expect(Buffer.from(row?.sealed ?? []).toString('latin1')).not.toContain(order.name);

    const twice = await send(b, json);
    expect(twice.status).toBe(409);
    expect(await twice.json()).toEqual({ duplicate: 'draft', draft: report.draft });

    const form = await (await b.get(`/apply?draft=${report.draft}`)).text();
    expect(form).toContain(order.name);
    expect(form).toContain(order.reason);
    const sent = await b.post('/apply', {
      ...FILLED,
      key: keyOf(form),
      draft: report.draft,
      patientName: order.name,
      reason: order.reason,
    });
    expect(sent.status).toBe(303);
    const [kept] = (await w.web.db.select().from(applications)).filter(({ source }) => source === 'fhir');
    expect(kept?.reasonCode).toBe(order.code);
    expect(kept?.questions.length).toBeGreaterThan(0);
    expect(await w.web.db.$count(applicationDraft)).toBe(0);

    // The same record again, from anybody: it is an application already.
    expect(await (await send(b, json)).json()).toEqual({ duplicate: 'application', draft: null });
  });

  it('of somebody else is as if it were not there', async () => {
    const b = await w.signIn('referrer');
    const answer = await send(b, JSON.stringify(bundle('Another Sample')));
    const { draft } = (await answer.json()) as { draft: string };
    const other = await w.signIn('patient');
    expect((await other.get(`/apply?draft=${draft}`)).status).toBe(404);
  });

  it.each([
    ['no JSON', '{', 'not-json'],
    ['no FHIR', '{"a":1}', 'not-fhir'],
    ['one resource', '{"resourceType":"Patient"}', 'single-resource'],
    ['nobody in it', '{"resourceType":"Bundle","type":"collection","entry":[]}', 'no-patient'],
    ['100,000 levels', '['.repeat(100_000), 'not-json'],
  ])('with %s is refused with its reason, and nothing is kept', async (_, body, code) => {
    const b = await w.signIn('referrer');
    const before = await w.web.db.$count(applicationDraft);
    const answer = await send(b, body);
    expect(answer.status).toBe(422);
    const { faults } = (await answer.json()) as { faults: { code: string; message: string }[] };
    expect(faults[0]?.code).toBe(code);
    expect(faults[0]?.message).toMatch(/\.$/);
    expect(await w.web.db.$count(applicationDraft)).toBe(before);
  });

  it('larger than 10 MiB is not read to its end', async () => {
    const b = await w.signIn('referrer');
    expect((await send(b, ' '.repeat(10 * 1024 * 1024 + 1))).status).toBe(413);
  });

  it('may come as files in a form, each with its own outcome', async () => {
    const b = await w.signIn('referrer');
    const form = new FormData();
    form.append('file', new File([JSON.stringify(bundle('Form Sample'))], 'good.json'));
    form.append('file', new File(['{'], '<img src=x onerror=alert(1)>.json'));
    form.append('text', '');
    const answer = await w.app.request(`${w.origin}/apply/import`, {
      method: 'POST',
      headers: {
        origin: w.origin,
        cookie: [...b.jar].map(([name, value]) => `${name}=${value}`).join('; '),
      },
      body: form,
    });
    const html = await answer.text();
    expect(answer.status).toBe(200);
    expect(html).toContain('Taken as a draft');
    expect(html).toContain('The file is not readable JSON.');
    expect(html).not.toContain('<img src=x');
  });

  it.skipIf(!hasSharedData)('of the published files is a draft with open questions', async () => {
    const b = await w.signIn('referrer');
    const file = readFileSync(sharedData('synthea-r4', 'copd-pulmonary-rehab_Adolfo_Marquardt.json'), 'utf8');
    const answer = await send(b, file);
    expect(answer.status).toBe(201);
    const { draft } = (await answer.json()) as { draft: string };
    const form = await (await b.get(`/apply?draft=${draft}`)).text();
    expect(form).toContain('Adolfo Marquardt');
    const sent = await b.post('/apply', {
      ...FILLED,
      key: keyOf(form),
      draft,
      patientName: 'Adolfo Marquardt',
      reason: 'COPD',
    });
    expect(sent.status).toBe(303);
  });
});

describe('afterwards', () => {
  const decide = async (caseId: string, values: Record<string, unknown>) => {
    const [task] = await w.web.sql<{ id: string }[]>`
      select id from tasks where case_id = ${caseId} and status = 'open' and kind = 'decide-eligibility'`;
    if (!task) throw new Error('no such task');
    const number = await claim(w, 'officerA', task.id);
    const answer = await w.verbs.decideEligibility(
      await w.request('officerA', 'decide-eligibility', values as never, {
        caseId,
        task: { id: task.id, claim: number },
      }),
    );
    if (answer.kind !== 'done') throw new Error(`deciding was refused: ${answer.code}`);
  };

  it('what was asked for is answered without a claim, once', async () => {
    const caseId = await applied();
    await decide(caseId, { choice: 'ask-papers', papers: ['Report of the <b>clinic</b>'] });
    const b = await w.signIn('referrer');
    const html = await (await b.get(`/cases/${caseId}/papers`)).text();
    expect(html).toContain('Report of the &lt;b&gt;clinic&lt;/b&gt;');
    const { action, fields } = formTo(html, /papers$/);
    expect((await b.post(action, { ...fields, answer: '' })).status).toBe(422);
    const answered = { ...fields, answer: 'Here is what it says.' };
    // Sent twice at once, and again later: one act, one answer.
    const answers = await Promise.all([b.post(action, answered), b.post(action, answered)]);
    const done = await b.post(action, answered);
    expect([...answers, done].map(({ status }) => status)).toEqual([303, 303, 303]);
    expect(new Set([...answers, done].map(({ headers }) => headers.get('location'))).size).toBe(1);
    expect(await (await b.get(done.headers.get('location') ?? '')).text()).toContain('Your papers for');
    expect((await b.get(action)).status).toBe(409);
    const [row] = await w.web.sql`
      select count(*)::int as n from decisions where case_id = ${caseId} and action = 'provide-papers'`;
    expect(row?.n).toBe(1);
    // The key stands for these words and this task; with others it is refused, the typed text kept.
    const other = await b.post(action, { ...fields, answer: 'Something else.' });
    expect(other.status).toBe(409);
    expect(await other.text()).toContain('Something else.');
    const refused = async () => {
      const rows = await w.web
        .sql`select code from refusals where action = 'provide-papers' order by refused_at`;
      return rows.map(({ code }) => code);
    };
    const before = await refused();
    const moved = await b.post(action, { ...answered, task: '00000000-0000-4000-8000-000000000000' });
    expect(moved.status).toBe(400);
    expect(await refused()).toEqual([...before, 'key-unbound']);
    expect((await b.post(action, { ...answered, task: 'x' })).status).toBe(400);
  });

  it('a refusal may be appealed by those it concerns, and withdrawing is theirs alone', async () => {
    const caseId = await applied();
    const b = await w.signIn('referrer');
    // A referrer may neither withdraw nor appeal.
    expect((await b.get(`/cases/${caseId}/withdraw`)).status).toBe(403);
    // To a patient of another case it is as if there were none.
    const p = await w.signIn('patient');
    const foreign = await p.get(`/cases/${caseId}/withdraw`);
    const unknown = await p.get('/cases/00000000-0000-4000-8000-000000000000/withdraw');
    expect([foreign.status, unknown.status]).toEqual([404, 404]);

    const key = keyOf(await (await p.get('/apply')).text());
    const sent = await p.post('/apply', {
      key,
      draft: '',
      'birthDate.day': '1',
      'birthDate.month': '2',
      'birthDate.year': '1950',
      language: '',
      reason: 'Hip replaced in May',
      goals: '',
    });
    const own = /case=([0-9a-f-]{36})/.exec(sent.headers.get('location') ?? '')?.[1] ?? '';
    expect(own).not.toBe('');
    await decide(own, {
      choice: 'refuse',
      reasons: 'The prognosis is not met.',
      criteria: { need: 'met', capacity: 'met', prognosis: 'not-met' },
    });
    const my = await (await p.get('/my')).text();
    expect(my).toContain('The prognosis is not met.');
    expect(my).toContain(`/cases/${own}/appeal`);
    const page = await (await p.get(`/cases/${own}/appeal`)).text();
    expect(page).toContain('You can appeal until');
    const done = await p.post(`/cases/${own}/appeal`, {
      key: keyOf(page),
      reasons: 'A new report says otherwise.',
    });
    expect(done.status).toBe(303);
    const withdrawal = await (await p.get(`/cases/${own}/withdraw`)).text();
    const otherTab = formTo(await (await p.get(`/cases/${own}/withdraw`)).text(), /withdraw$/);
    const gone = await p.post(`/cases/${own}/withdraw`, { key: keyOf(withdrawal), reasons: '' });
    expect(gone.status).toBe(303);
    expect(await (await p.get(gone.headers.get('location') ?? '')).text()).toContain('is withdrawn');
    // The same form in another tab: why it is too late, what was typed, and the way on instead of the form once more.
    for (const headers of [{}, HTMX]) {
      const late = await p.post(
        otherTab.action,
        { ...otherTab.fields, reasons: 'I am moving away' },
        headers,
      );
      const html = await late.text();
      expect(late.status).toBe(409);
      for (const said of ['The case has moved on', 'I am moving away', 'See the case'])
        expect(wordsOf(html)).toContain(said);
      expect(html).not.toContain(`action="/cases/${own}/withdraw"`);
      expect(wordsOf(html)).not.toContain('The case ends now');
    }

    const officer = await w.signIn('officerB');
    const reopening = await (await officer.get(`/cases/${own}/reopen`)).text();
    const reopened = await officer.post(`/cases/${own}/reopen`, {
      key: keyOf(reopening),
      reasons: 'A new report came in.',
    });
    expect(reopened.headers.get('location')).toBe(`/cases/${own}/reopen/sign`);
    const form = await officer.signed(`/cases/${own}/reopen/sign`);
    expect((await officer.post(form.action, form.fields)).status).toBe(303);
    const after = await (await officer.get(`/cases/${own}`)).text();
    expect(after).toContain('round 2');
  });
});

describe('published results', () => {
  const post = (b: Awaited<ReturnType<WebWorld['signIn']>>, caseId: string, body: string) =>
    w.app.request(`${w.origin}/cases/${caseId}/import-results`, {
      method: 'POST',
      headers: {
        'content-type': 'application/fhir+json',
        origin: w.origin,
        cookie: [...b.jar].map(([name, value]) => `${name}=${value}`).join('; '),
      },
      body,
    });

  it.skipIf(!hasSharedData)(
    'fill in the form of the assessment that one holds, totals compared',
    async () => {
      const { caseId } = await submit(onDatabase(w));
      await complete(onDatabase(w), caseId, 'officerA', 'decide-eligibility', {
        choice: 'accept',
        criteria: { need: 'met', capacity: 'met', prognosis: 'met' },
        disciplines: ['physiotherapy'],
      });
      const file = readFileSync(
        sharedData('rehab-ig-taiwan', 'QuestionnaireResponse-BarthelIndexExample.json'),
        'utf8',
      );
      const b = await w.signIn('therapistA');
      expect((await post(b, caseId, file)).status).toBe(409);
      const [task] = await w.web.sql<{ id: string }[]>`
      select id from tasks where case_id = ${caseId} and status = 'open' and kind = 'assess'`;
      await claim(w, 'therapistA', task?.id ?? '');
      const answer = await post(b, caseId, file);
      expect(answer.status).toBe(200);
      const { results, task: filled } = (await answer.json()) as {
        task: string;
        results: { instrument: string; taken: boolean; total: number; stated: number | null }[];
      };
      expect(filled).toBe(task?.id);
      expect(results[0]).toMatchObject({ instrument: 'barthel-index', taken: true });
      const form = await (await b.get(`/tasks/${filled}`)).text();
      expect(form).toMatch(/name="m\.barthel-index\.feeding"[^>]*checked/);
      expect((await post(b, caseId, '{}')).status).toBe(422);
      // Nothing is recorded until a person does it.
      expect(await w.web.db.$count(measurements)).toBe(0);
    },
  );
});
