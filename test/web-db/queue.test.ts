// The queue: who is offered what (the query against the rule itself), paging, claims and taking the next task.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nextOf, readPage } from '../../bin/drive/page.ts';
import { actorOf, queueCount, queuePage } from '../../db/views/queue.ts';
import { caseFacts, readCaseFacts, ruleFacts } from '../../db/writes/case-facts.ts';
import { refusalOf, type TaskKind } from '../../domain/lifecycle.ts';
import { claim } from '../support/claim.ts';
import { formsOf, formTo, wordsOf } from '../support/pages.ts';
import { createWebWorld, HTMX, type WebWorld } from '../support/web-world.ts';
import { APPLICATION, MET, newCase, openTask, toTreatment, work } from './staff-story.ts';

let world: WebWorld;
beforeAll(async () => {
  world = await createWebWorld();
});
afterAll(() => world.close());

const STAFF = ['officerA', 'officerB', 'officerC', 'therapistA', 'therapistB', 'lead', 'doctor'];

const askOf = async (name: string) => ({
  actor: await actorOf(world.web.db, world.as(name).id, world.as(name).role),
  parameters: world.parameters.set,
  now: new Date(),
  endOfToday: new Date(),
});

const openTasks = async () =>
  await world.web.sql<
    { id: string; case_id: string; kind: TaskKind; claimed_by: string | null; discipline: string | null }[]
  >`select id, case_id, kind, claimed_by, discipline from tasks where status = 'open'`;

describe('what is offered', () => {
  test('the query offers exactly what the rule allows, for every person and every open task', async () => {
    // Cases in as many states as forms reach: duties of officers A, B and therapist A, a held claim, a person's own case.
    await toTreatment(world);
    const decided = await newCase(world);
    await work(world, 'officerC', decided, 'decide-eligibility', {
      ...MET,
      choice: 'accept',
      disciplines: ['occupational-therapy', 'psychology', 'physiotherapy'],
    });
    const held = await newCase(world);
    await claim(world, 'officerB', await openTask(world, held, 'decide-eligibility'));
    await newCase(world);
    const facts = new Map<string, ReturnType<typeof ruleFacts>>();
    const tasks = await openTasks();
    for (const { case_id } of tasks) {
      const { text, params } = caseFacts(case_id, world.as('officerA').id, 'approval-officer');
      const [row] = await world.web.sql.unsafe<{ json_build_object: unknown }[]>(text, params as never[]);
      const snapshot = readCaseFacts(row?.json_build_object);
      facts.set(
        case_id,
        ruleFacts({ ...snapshot, case: snapshot.case as NonNullable<typeof snapshot.case> }),
      );
    }
    let allowed = 0;
    let refused = 0;
    for (const name of STAFF) {
      const ask = await askOf(name);
      const offered = new Set((await queuePage(world.web.db, ask, 'open', 200)).map((row) => row.id));
      const barred = new Set((await queuePage(world.web.db, ask, 'barred', 200)).map((row) => row.id));
      for (const task of tasks) {
        const refusal = refusalOf(
          facts.get(task.case_id) as NonNullable<ReturnType<(typeof facts)['get']>>,
          ask.actor,
          task.kind,
          task as never,
        );
        const free = task.claimed_by === null || task.claimed_by === ask.actor.person;
        expect(offered.has(task.id), `${name}, ${task.kind}`).toBe(!refusal && free);
        expect(barred.has(task.id), `${name}, ${task.kind}`).toBe(
          refusal?.code === 'conflict-of-duties' && free,
        );
        if (refusal) refused += 1;
        else allowed += 1;
      }
      expect(await queueCount(world.web.db, ask, 'open')).toBe(offered.size);
    }
    // The walk would prove nothing if it met only one kind of answer.
    expect(allowed).toBeGreaterThan(5);
    expect(refused).toBeGreaterThan(20);
  });

  test('rows name no patient, and what a duty bars stands below with its reason', async () => {
    const caseId = await toTreatment(world);
    for (const minutes of ['45', '45'])
      await work(world, 'therapistB', caseId, 'record-session', { choice: 'held', minutes });
    const [row] = await world.web.sql<{ number: string }[]>`select number from cases where id = ${caseId}`;
    const html = await (await (await world.signIn('therapistA')).get('/queue')).text();
    const words = wordsOf(html);
    expect(words).not.toContain(APPLICATION.patientName);
    expect(words).toContain(row?.number);
    expect(words).toContain('You assessed this case, so somebody else must do this');
  });

  test('an address with a value that no page wrote is refused, whatever it carries', async () => {
    const officer = await world.signIn('officerA');
    for (const query of [
      "view=open'--",
      'view=__proto__',
      'kind=constructor',
      'stage=closed"',
      'size=26',
      'size=1e9',
      'after=1',
      "who=' or 1=1",
    ])
      expect((await officer.get(`/queue?${encodeURI(query)}`)).status, query).toBe(400);
    expect((await officer.get('/queue?view=team&stage=&kind=&clock=&who=')).status).toBe(200);
  });
});

describe('paging', () => {
  test('walking by key meets every task once, in the order of time left', async () => {
    for (let n = 0; n < 51; n++) await newCase(world);
    const ask = await askOf('officerD');
    const total = await queueCount(world.web.db, ask, 'open');
    const seen: string[] = [];
    let after: string | undefined;
    for (;;) {
      const rows = await queuePage(world.web.db, ask, 'open', 7, after);
      if (rows.length === 0) break;
      if (after) expect(await queueCount(world.web.db, ask, 'open', after)).toBe(seen.length);
      seen.push(...rows.map((row) => row.id));
      after = rows.at(-1)?.id;
    }
    expect(seen.length).toBe(total);
    expect(new Set(seen).size).toBe(total);
    const ordered = await world.web.sql<{ id: string }[]>`
      select id from tasks where id = any(${seen}) order by due_at, opened_at, id`;
    // Kinds of this officer's queue share a due day only within a kind here, so the plain order is the whole order.
    const kinds = new Set((await openTasks()).filter(({ id }) => seen.includes(id)).map(({ kind }) => kind));
    if (kinds.size === 1) expect(seen).toEqual(ordered.map(({ id }) => id));
    // The same by its pages, three of them and more: each leads on to the one behind it, the last to none.
    const browser = await world.signIn('officerD');
    const linked: string[] = [];
    let href: string | undefined = '/queue?view=open&size=25';
    for (let pages = 0; href !== undefined && pages * 25 < total + 25; pages++) {
      const page = readPage(await (await browser.get(href)).text());
      linked.push(...page.links.flatMap((link) => /^\/tasks\/([0-9a-f-]{36})$/.exec(link.href)?.[1] ?? []));
      href = nextOf(page)?.href;
    }
    expect(href).toBeUndefined();
    expect(linked).toEqual(seen);
  });
});

describe('claims', () => {
  test('twelve people take the next task at once: twelve different tasks, numbers strictly rising', async () => {
    for (let n = 0; n < 12; n++) await newCase(world);
    const names = Array.from({ length: 12 }, (_, n) => `next${n}`);
    for (const name of names) await world.addPerson(name, 'approval-officer');
    const forms = await Promise.all(
      names.map(async (name) => {
        const browser = await world.signIn(name);
        return { browser, form: formTo(await (await browser.get('/queue')).text(), '/queue/next') };
      }),
    );
    const answers = await Promise.all(
      forms.map(({ browser, form }) => browser.post(form.action, form.fields)),
    );
    const places = answers.map((answer) => answer.headers.get('location') ?? '');
    expect(answers.map((answer) => answer.status)).toEqual(Array(12).fill(303));
    expect(places.every((place) => place.startsWith('/tasks/'))).toBe(true);
    expect(new Set(places).size).toBe(12);
  });

  test('the same form sent five times at once, and again later, takes one task', async () => {
    await newCase(world);
    await newCase(world);
    const browser = await world.signIn('officerD');
    const form = formTo(await (await browser.get('/queue')).text(), '/queue/next');
    const before = await mineOf('officerD');
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => browser.post(form.action, form.fields)),
    );
    const again = await browser.post(form.action, form.fields);
    const places = new Set([...answers, again].map((answer) => answer.headers.get('location')));
    expect(places.size).toBe(1);
    expect((await mineOf('officerD')) - before).toBe(1);
  });

  async function mineOf(name: string): Promise<number> {
    const [row] = await world.web.sql<{ n: number }[]>`
      select count(*)::int as n from tasks where status = 'open' and claimed_by = ${world.as(name).id}`;
    return row?.n ?? 0;
  }

  test('somebody else’s task answers 409 with who holds it, as page and as row', async () => {
    const task = await openTask(world, await newCase(world), 'decide-eligibility');
    const a = await world.signIn('officerA');
    const b = await world.signIn('officerB');
    const theirs = formTo(await (await b.get(`/tasks/${task}`)).text(), `/tasks/${task}/claim`);
    const ours = formTo(await (await a.get(`/tasks/${task}`)).text(), `/tasks/${task}/claim`);
    expect((await a.post(ours.action, ours.fields)).headers.get('location')).toBe(`/tasks/${task}`);
    const late = await b.post(theirs.action, theirs.fields);
    expect(late.status).toBe(409);
    expect(wordsOf(await late.text())).toContain('Test officerA is already working on this task.');
    const row = await b.post(theirs.action, { ...theirs.fields, from: 'queue' }, HTMX);
    expect(row.status).toBe(409);
    const html = await row.text();
    expect(html).toMatch(new RegExp(`^<tr id="task-${task}"`));
    expect(wordsOf(html)).toContain('Test officerA');
  });

  test('from the list a claim answers with its row, whose link takes the focus; handing back does the same', async () => {
    const task = await openTask(world, await newCase(world), 'decide-eligibility');
    const browser = await world.signIn('officerC');
    const list = await (await browser.get('/queue?size=100')).text();
    const form = formTo(list, `/tasks/${task}/claim`);
    const claimed = await (await browser.post(form.action, form.fields, HTMX)).text();
    expect(claimed).toMatch(new RegExp(`^<tr id="task-${task}" class="mine"`));
    expect(claimed).toMatch(new RegExp(`id="open-${task}"[^>]*autofocus`));
    const back = formTo(claimed, `/tasks/${task}/hand-back`);
    const answer = await browser.post(back.action, back.fields, HTMX);
    expect(answer.status).toBe(200);
    expect(formsOf(await answer.text()).map(({ action }) => action)).toEqual([`/tasks/${task}/claim`]);
    const [row] = await world.web.sql`select claimed_by, claim_number from tasks where id = ${task}`;
    expect(row).toMatchObject({ claimed_by: null, claim_number: 1 });
  });

  test('a key made for somebody else, or for another task, is refused and recorded', async () => {
    const task = await openTask(world, await newCase(world), 'decide-eligibility');
    const other = await openTask(world, await newCase(world), 'decide-eligibility');
    const a = await world.signIn('officerA');
    const b = await world.signIn('officerB');
    const form = formTo(await (await a.get(`/tasks/${task}`)).text(), `/tasks/${task}/claim`);
    for (const [browser, place] of [
      [b, `/tasks/${task}/claim`],
      [a, `/tasks/${other}/claim`],
      [a, '/queue/next'],
    ] as const)
      expect((await browser.post(place, form.fields)).status).toBe(400);
    const [row] = await world.web.sql<{ n: number }[]>`
      select count(*)::int as n from refusals where code = 'key-unbound' and (task_id in (${task}, ${other}) or task_id is null)`;
    expect(row?.n).toBe(3);
    const [free] = await world.web.sql`select claimed_by from tasks where id = ${task}`;
    expect(free?.claimed_by).toBeNull();
  });

  test('a claim that its number has outlived hands nothing back', async () => {
    const task = await openTask(world, await newCase(world), 'decide-eligibility');
    const a = await world.signIn('officerA');
    const first = formTo(await (await a.get(`/tasks/${task}`)).text(), `/tasks/${task}/claim`);
    await a.post(first.action, first.fields);
    const back = formTo(await (await a.get(`/tasks/${task}`)).text(), `/tasks/${task}/hand-back`);
    world.setClock(() => new Date(Date.now() + 9 * 3_600_000));
    try {
      const later = await world.signIn('officerB');
      const second = formTo(await (await later.get(`/tasks/${task}`)).text(), `/tasks/${task}/claim`);
      expect((await later.post(second.action, second.fields)).status).toBe(303);
      const aLater = await world.signIn('officerA');
      const answer = await aLater.post(back.action, back.fields);
      expect(answer.status).toBe(409);
      expect(wordsOf(await answer.text())).toContain('Test officerB');
    } finally {
      world.setClock(() => new Date());
    }
    const [row] = await world.web.sql`select claimed_by, claim_number from tasks where id = ${task}`;
    expect(row).toMatchObject({ claimed_by: world.as('officerB').id, claim_number: 2 });
  });

  test('an administrator sees the team’s tasks and is offered no claim', async () => {
    await newCase(world);
    const admin = await world.signIn('administrator');
    const html = await (await admin.get('/queue')).text();
    expect(html).toContain('Decide application');
    expect(formsOf(html).filter(({ action }) => /claim|next/.test(action))).toEqual([]);
    const [first] = /\/tasks\/[0-9a-f-]{36}/.exec(html) ?? [];
    expect(first).toBeUndefined();
  });
});
