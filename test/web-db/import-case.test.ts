// Published results read into a case's assessment, by the command and by hand: what is taken, what is flagged, what is refused,
// and that nothing is recorded before the therapist records it.
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { importRecords } from '../../bin/commands/import.ts';
import { attachAll } from '../../bin/drive/import.ts';
import { formTo, wordsOf } from '../support/pages.ts';
import { createServedWorld } from '../support/served-world.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';
import type { WebWorld } from '../support/web-world.ts';
import { ANSWERS, claimByForm, MET, newCase, openTask, work } from './staff-story.ts';

let world: WebWorld;
let url: string;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ world, url, close } = await createServedWorld());
});
afterAll(() => close());
afterEach(() => vi.restoreAllMocks());

/** A case whose assessment by one discipline waits; its number. */
async function toAssess(discipline: string) {
  const caseId = await newCase(world);
  await work(world, 'officerA', caseId, 'decide-eligibility', {
    ...MET,
    choice: 'accept',
    disciplines: discipline,
  });
  const [row] = await world.web.sql<{ number: string }[]>`select number from cases where id = ${caseId}`;
  return { caseId, number: row?.number as string, task: await openTask(world, caseId, 'assess') };
}
const attach = (number: string, ...files: string[]) => attachAll(url, number, files, () => undefined);

describe.skipIf(!hasSharedData)('rehab import --case', () => {
  const barthel = () => sharedData('rehab-ig-taiwan', 'QuestionnaireResponse-BarthelIndexExample.json');
  const phq = () => sharedData('mii-pro-phq9', 'QuestionnaireResponse-mii-exa-pro-phq-9-response.json');
  const goal = () => sharedData('rehab-ig-taiwan', 'Goal-GoalExample.json');

  test('a stated total that the answers do not give is flagged, kept beside the score, and shown where the score stands', async () => {
    const { caseId, number, task } = await toAssess('physiotherapy');
    const therapist = await world.signIn('therapistB');
    const [early] = await attach(number, barthel());
    expect(early).toMatchObject({ kind: 'refused', faults: [{ code: 'not-claimed' }] });
    await claimByForm(therapist, task);
    // The case's page leads there for whoever holds the assessment, and for nobody else.
    const door = `/cases/${caseId}/import-results`;
    expect(await (await therapist.get(`/cases/${caseId}`)).text()).toContain(`href="${door}"`);
    expect(await (await therapist.get(`/tasks/${task}`)).text()).toContain(`href="${door}"`);
    for (const other of ['therapistA', 'officerA', 'doctor'])
      expect(await (await (await world.signIn(other)).get(`/cases/${caseId}`)).text()).not.toContain(door);

    const [attached] = await attach(number.toLowerCase().replace('rc-', ''), barthel());
    expect(attached).toMatchObject({
      kind: 'filled',
      task,
      results: [
        {
          instrument: 'barthel-index',
          taken: true,
          total: 45,
          stated: 100,
          findings: [{ code: 'total-differs' }],
        },
      ],
    });
    const count = async () =>
      (await world.web.sql`select 1 from measurements where case_id = ${caseId}`).length;
    expect(await count()).toBe(0);

    const page = await (await therapist.get(`/tasks/${task}`)).text();
    expect(wordsOf(page)).toContain('The source states 100, the answers add up to 45.');
    const form = formTo(page, /sign$/);
    expect(form.fields['stated.barthel-index']).toEqual(['100']);
    expect(form.fields['m.barthel-index.transfer']).toEqual(['15']);
    const wrong = await therapist.post(form.action, { ...form.fields, 'stated.barthel-index': 'a hundred' });
    expect(wrong.status).toBe(422);
    expect(await wrong.text()).toContain('href="#f-stated-barthel-index"');
    const walked = Object.fromEntries(
      Object.entries(ANSWERS.low).filter(([name]) => name.startsWith('m.six-minute-walk.')),
    );
    await therapist.post(form.action, { ...form.fields, ...walked, findings: 'Read in' });
    const signed = await therapist.signed(`/tasks/${task}/sign`);
    const done = await therapist.post(signed.action, signed.fields);
    expect(done.headers.get('location')).toMatch(/^\/day\?done=/);
    const rows = await world.web.sql`
      select instrument, total, stated_total from measurements where case_id = ${caseId} order by instrument`;
    expect(rows).toEqual([
      { instrument: 'barthel-index', total: '45', stated_total: '100' },
      { instrument: 'six-minute-walk', total: expect.any(String), stated_total: null },
    ]);
    // Whoever reads the scores, on the case or as evidence, reads that too.
    const measures = wordsOf(await (await therapist.get(`/cases/${caseId}/measures`)).text());
    expect(measures).toMatch(/Barthel Index.*: The source states 100, the answers add up to 45/);
    const plan = await openTask(world, caseId, 'propose-plan');
    const evidence = wordsOf(await (await (await world.signIn('doctor')).get(`/tasks/${plan}`)).text());
    expect(evidence).toContain('The source states 100, the answers add up to 45.');
    // It is done: nobody holds an assessment any more.
    expect((await attach(number, barthel()))[0]).toMatchObject({ kind: 'refused' });
  });

  test('the command prints a line a file, or JSON, and its exit code says whether all were taken', async () => {
    const { number, task } = await toAssess('psychology');
    await claimByForm(await world.signIn('therapistA'), task);
    const said: string[] = [];
    vi.spyOn(console, 'log').mockImplementation((line: string) => void said.push(line));
    const command = { origin: url, case: number, json: false };
    expect(await importRecords({ ...command, files: [phq()] })).toBe(0);
    expect(said.splice(0)).toEqual([expect.stringMatching(/phq-9 filled in, total 27\. /)]);
    // A form of another discipline, and a file without results, are refused; the good one is taken all the same.
    expect(await importRecords({ ...command, files: [goal(), barthel(), phq()] })).toBe(2);
    expect(said.splice(0)).toEqual([
      expect.stringMatching(/Goal-GoalExample\.json: refused, .*no result/),
      expect.stringMatching(/barthel-index not taken, total 45, stated 100\./),
      expect.stringMatching(/phq-9 filled in/),
    ]);
    expect(await importRecords({ ...command, json: true, files: [phq()] })).toBe(0);
    expect(JSON.parse(said.splice(0).join(''))).toMatchObject([{ kind: 'filled', task }]);
    expect(await importRecords({ ...command, case: 'RC-0000-00', files: [phq()] })).toBe(2);
    expect(said.splice(0).join('')).toMatch(/This is no case number/);
    // The form shows no stated total where it agrees with the score.
    const form = wordsOf(await (await (await world.signIn('therapistA')).get(`/tasks/${task}`)).text());
    expect(form).toContain('Score 27 (0 to 27)');
    expect(form).not.toContain('the answers add up to');
  });
});

describe('by hand', () => {
  test('the form says what is missing, at the field and above, and what stands in the way', async () => {
    const { caseId, task } = await toAssess('psychology');
    const therapist = await world.signIn('therapistA');
    const path = `/cases/${caseId}/import-results`;
    expect(wordsOf(await (await therapist.get(path)).text())).toContain('Claim the assessment first');
    await claimByForm(therapist, task);
    const send = (body: FormData) =>
      fetch(`${url}${path}`, {
        method: 'POST',
        body,
        headers: {
          origin: url,
          cookie: [...therapist.jar].map(([name, value]) => `${name}=${value}`).join('; '),
        },
      });
    const empty = await send(new FormData());
    expect(empty.status).toBe(422);
    const page = await empty.text();
    expect(page).toContain('<title>Error: ');
    expect(page).toContain('href="#f-file"');
    expect(page).toMatch(
      /<input[^>]*id="f-file"[^>]*aria-describedby="f-file-fault"[^>]*aria-invalid="true"/,
    );
    const pasted = new FormData();
    pasted.set(
      'text',
      JSON.stringify({
        resourceType: 'QuestionnaireResponse',
        status: 'completed',
        item: [
          ...Array.from({ length: 9 }, (_, at) => ({
            linkId: `PHQ-9.${at + 1}`,
            answer: [{ valueInteger: 1 }],
          })),
          { linkId: 'PHQ-9.Score', answer: [{ valueInteger: 12 }] },
        ],
      }),
    );
    const filled = await send(pasted);
    expect(filled.status).toBe(200);
    expect(wordsOf(await filled.text())).toContain('The source states 12, the answers add up to 9.');
    const form = formTo(await (await therapist.get(`/tasks/${task}`)).text(), /sign$/);
    expect(form.fields['stated.phq-9']).toEqual(['12']);
    // Taken out of the form, it is not kept.
    await therapist.post(form.action, { ...form.fields, 'stated.phq-9': '', findings: 'Low' });
    const signed = await therapist.signed(`/tasks/${task}/sign`);
    const done = await therapist.post(signed.action, signed.fields);
    expect(done.status).toBe(303);
    const [row] = await world.web.sql`select total, stated_total from measurements where case_id = ${caseId}`;
    expect(row).toEqual({ total: '9', stated_total: null });
  });
});
