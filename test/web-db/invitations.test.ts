// Ways in away from the demonstration: the operator's first security administrator, people added on the page, links that count once and
// for a day, and a lost device, which takes two people. With a real Chromium and a virtual authenticator where a passkey is made.
import { createHash } from 'node:crypto';
import { Hono } from 'hono';
import type { Browser, Page } from 'playwright-core';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { addFirst } from '../../bin/commands/people.ts';
import { passkeySession, signInAttemptCache, webSession } from '../../db/schema.ts';
import { INVITATION_HOURS } from '../../domain/invitations.ts';
import { SERVICE } from '../../domain/roles.ts';
import { createApp } from '../../web/app.tsx';
import { invitationUsed } from '../../web/recorded-people.ts';
import { giveAuthenticator } from '../support/authenticator.ts';
import { axeViolations } from '../support/axe.ts';
import { openBrowser, openPage } from '../support/browser.ts';
import { formTo, wordsOf } from '../support/pages.ts';
import { type Served, serveOnLoopback } from '../support/serve.ts';
import { createWebWorld, type WebWorld } from '../support/web-world.ts';

const HOUR = 3_600_000;

let w: WebWorld;
let browser: Browser;
let served: Served;
let url: string;
let app: Hono<never>;
/** Moved by tests that wait; a browser's own clock is not asked. */
let later = 0;

beforeAll(async () => {
  w = await createWebWorld();
  w.setClock(() => new Date(Date.now() + later));
  for (const name of ['security', 'security2'] as const) await w.addPerson(name, 'security-administrator');
  browser = await openBrowser();
  const shell = new Hono();
  shell.all('*', (c) => app.fetch(c.req.raw, c.env as never));
  served = await serveOnLoopback(shell);
  url = served.url.replace('127.0.0.1', 'localhost');
  app = createApp({ ...w.webDeps, settings: { publicUrl: new URL(url), demonstration: false } })
    .app as unknown as Hono<never>;
});
afterAll(async () => {
  await browser?.close();
  await served?.close();
  await w.close();
});

const pages: Page[] = [];
afterEach(async () => {
  for (const page of pages.splice(0)) await page.context().close();
  await w.web.db.delete(signInAttemptCache);
});

const tokenOf = (link: string): string => new URL(link).hash.slice(1);
const operators = (name: string) =>
  addFirst(
    { db: w.web.db, recorder: w.webDeps.recorder, publicUrl: new URL(url) },
    { name, organisation: 'administration' },
  );

/** A browser with a device of its own. */
async function device() {
  const page = await openPage(browser);
  pages.push(page);
  return { page, ...(await giveAuthenticator(page)) };
}
const VOID = 'This link lets nobody in.';
/** Opens a link and makes a passkey. */
async function accept(page: Page, token: string): Promise<void> {
  await page.goto(`${url}/invitation#${token}`);
  await page.getByRole('button', { name: 'Make my passkey and sign in' }).click();
  await page.waitForURL((at) => at.pathname !== '/invitation');
}
const ask = (path: string, body: unknown) =>
  app.request(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url },
    body: JSON.stringify(body),
  });
/** What a link answers to whoever holds it. */
async function opens(token: unknown): Promise<[status: number, body: string, cookie: string | null]> {
  const answer = await ask('/invitation/person', { token });
  return [answer.status, await answer.text(), answer.headers.get('set-cookie')];
}
const personCalled = async (name: string): Promise<string> =>
  (await w.web.sql<{ id: string }[]>`select id from persons where name = ${name}`)[0]?.id ?? '';
/** Entries about somebody, with whom they name as actor. */
const entriesOf = async (id: string): Promise<string[]> =>
  (
    await w.web.sql<{ event: string; person: string }[]>`
      select event, person_id as person from audit_entries where subject_id = ${id} order by subject_version`
  ).map(
    ({ event, person }) =>
      `${event} by ${person === SERVICE.person ? 'service' : person === id ? 'self' : 'other'}`,
  );
const refusalsOf = async (name: string): Promise<string[]> =>
  (
    await w.web.sql<{ action: string; code: string }[]>`
      select action, code from refusals where person_id = ${w.as(name).id} order by refused_at, id`
  ).map(({ action, code }) => `${action} ${code}`);

type Tab = Awaited<ReturnType<WebWorld['signIn']>>;
/** Adds somebody on the page and gives the token of the link that it shows. */
async function add(b: Tab, name: string, role = 'approval-officer'): Promise<{ id: string; token: string }> {
  const form = formTo(await (await b.get('/add-person')).text(), '/add-person');
  const answer = await b.post(form.action, {
    ...form.fields,
    name,
    organisation: 'administration',
    role,
    reason: 'Begins on Monday',
  });
  expect(answer.status).toBe(200);
  return { id: await personCalled(name), token: shownIn(await answer.text()) };
}
const shownIn = (html: string): string => /#([\w-]{43})</.exec(html)?.[1] ?? '';
/** Asks for a new link on the person's page. */
async function linkFor(b: Tab, id: string): Promise<string> {
  const form = formTo(await (await b.get(`/people/${id}`)).text(), `/people/${id}/invitation`);
  const answer = await b.post(form.action, { ...form.fields, wish: 'Lost it' });
  expect(answer.status).toBe(200);
  return shownIn(await answer.text());
}

describe('the operator', () => {
  test('lets the first security administrator in, once, and nobody after that', async () => {
    const first = await operators('Vera First');
    const second = await operators('Vera First');
    const other = await operators('Wim Other');
    expect(first).toMatch(new RegExp(`^${url}/invitation#[\\w-]{43}$`));
    expect(await personCalled('Vera First')).not.toBe('');
    // The second link ended the first; one of somebody else stands beside it.
    expect((await opens(tokenOf(first)))[0]).toBe(404);
    expect(await opens(tokenOf(second))).toEqual([200, JSON.stringify({ name: 'Vera First' }), null]);

    const { page, verifies } = await device();
    await page.goto(`${url}/invitation#${tokenOf(second)}`);
    await page.getByText('This link is for').waitFor();
    expect(await axeViolations(page)).toEqual([]);
    expect(await page.locator('[data-name]').textContent()).toBe('Vera First');
    expect(page.url()).toBe(`${url}/invitation`);
    // A device that does not verify its person makes no passkey, and the link is not used up.
    await verifies(false);
    await page.getByRole('button', { name: 'Make my passkey and sign in' }).click();
    await page.getByText('This passkey was not added.').waitFor();
    expect(await w.web.db.$count(passkeySession)).toBe(0);
    await verifies(true);
    await page.getByRole('button', { name: 'Make my passkey and sign in' }).click();
    await page.waitForURL('**/people');
    await page.getByText('Vera First').first().waitFor();
    for (const path of ['/people', '/add-person', `/people/${w.as('officerA').id}`])
      for (const width of [1280, 360]) {
        await page.setViewportSize({ width, height: 800 });
        await page.goto(`${url}${path}`);
        expect([path, width, await axeViolations(page)]).toEqual([path, width, []]);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        expect([path, width, wide <= width]).toEqual([path, width, true]);
      }
    await page.goto(`${url}/add-person`);
    await page.getByLabel('Name', { exact: true }).fill('Uwe Second');
    await page.getByLabel('Organisation').selectOption('administration');
    await page.getByLabel('Role', { exact: true }).selectOption('administrator');
    await page.getByLabel('Reason').fill('Second person');
    await page.getByRole('button', { name: 'Add a person' }).click();
    await page.getByText('The link is made.').waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(await axeViolations(page)).toEqual([]);
    // Alone, with one device: said until there is another way in.
    await page.goto(`${url}/people`);
    await page.getByText('You are the only security administrator with a passkey.').waitFor();
    // A new start signs in with what was made.
    await page.context().clearCookies();
    await page.goto(`${url}/sign-in`);
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await page.waitForURL('**/people');

    expect(await entriesOf(await personCalled('Vera First'))).toEqual([
      'person.added by service',
      'invitation.made by service',
      'invitation.made by service',
      'invitation.used by self',
      'passkey.added by self',
      'session.opened by self',
      'session.opened by self',
    ]);
    // Somebody is in: the operator's other link lets nobody in any more, and the operator adds nobody else.
    const late = await device();
    await late.page.goto(`${url}/invitation#${tokenOf(other)}`);
    await late.page.getByRole('button', { name: 'Make my passkey and sign in' }).click();
    await late.page.getByRole('status').getByText(VOID).waitFor();
    await expect(operators('Vera First')).rejects.toThrow('people are added and let in again on the page');
    await expect(operators('Xenia Third')).rejects.toThrow('people are added and let in again on the page');
    expect(await personCalled('Xenia Third')).toBe('');
    expect(await w.web.db.$count(passkeySession)).toBe(1);
  });

  test('leaves no token anywhere: its hash alone is kept', async () => {
    const b = await w.signIn('security');
    const { token } = await add(b, 'Yara Kept');
    const owner = postgres(w.fresh.ownerUrl, { max: 1 });
    const bytes = Buffer.from(token).toString('hex');
    const found: string[] = [];
    try {
      const tables = await owner<{ name: string }[]>`
        select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace`;
      expect(tables.length).toBeGreaterThan(30);
      for (const { name } of tables) {
        const [row] = await owner.unsafe<{ n: number }[]>(
          `select count(*)::int as n from public.${name} t where t::text like '%${token}%' or t::text like '%${bytes}%'`,
        );
        if (row?.n !== 0) found.push(name);
      }
    } finally {
      await owner.end();
    }
    expect(found).toEqual([]);
    const hash = createHash('sha256').update(token).digest('hex');
    expect(await w.web.sql`select 1 from invitations where token_hash = ${hash}`).toHaveLength(1);
  });
});

describe('a link', () => {
  test('that is nonsense, unknown, used, withdrawn or over reads the same, and opens nothing', async () => {
    const b = await w.signIn('security');
    const made = await add(b, 'Ada Used');
    const { page } = await device();
    await accept(page, made.token);
    const gone = await add(b, 'Ben Withdrawn');
    const form = formTo(
      await (await b.get(`/people/${gone.id}`)).text(),
      `/people/${gone.id}/invitation/withdraw`,
    );
    expect((await b.post(form.action, form.fields)).status).toBe(303);
    const ended = await add(b, 'Cleo Ended');
    const end = formTo(await (await b.get(`/people/${ended.id}`)).text(), `/people/${ended.id}/roles/end`);
    await b.post(end.action, { ...end.fields, ending: 'approval-officer', why: 'Did not come' });
    expect((await opens(ended.token))[0]).toBe(404);
    const old = await add(b, 'Cem Over');
    expect((await opens(old.token))[0]).toBe(200);
    later += INVITATION_HOURS * HOUR + 1000;
    const answers = [];
    for (const token of ['x', 7, null, 'A'.repeat(43), made.token, gone.token, ended.token, old.token])
      answers.push(JSON.stringify(await opens(token)));
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toContain(VOID);
    for (const path of ['/invitation/options', '/invitation'])
      for (const token of [made.token, gone.token, old.token, 'A'.repeat(43)])
        expect([path, (await ask(path, { token })).status]).toEqual([path, 404]);
    // What the person is shown, and what the page asks for where there is no script.
    const other = await device();
    await other.page.goto(`${url}/invitation#${made.token}`);
    await other.page.getByText(VOID).waitFor();
    expect(await other.page.getByRole('button', { name: 'Make my passkey' }).count()).toBe(0);
    const plain = await (await app.request(`${url}/invitation`)).text();
    expect(wordsOf(/<noscript>([\s\S]*?)<\/noscript>/.exec(plain)?.[1] ?? '')).toContain(
      'Making a passkey needs JavaScript',
    );
  });

  test('is guessed at no faster than a passkey is tried', async () => {
    const statuses = await Promise.all(
      Array.from(
        { length: 30 },
        async () => (await ask('/invitation/person', { token: 'A'.repeat(43) })).status,
      ),
    );
    expect(statuses.filter((status) => status === 404)).toHaveLength(20);
    expect(statuses.filter((status) => status === 429)).toHaveLength(10);
  });

  test('that two people send at once lets one of them in', async () => {
    const b = await w.signIn('security');
    const { id } = await add(b, 'Dia Once');
    const [link] = await w.web.sql<{ id: string }[]>`select id from invitations where person_id = ${id}`;
    const uses = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        invitationUsed(w.webDeps.recorder, `once-${id}-${at}`, {
          id: link?.id ?? '',
          person: id,
          role: 'approval-officer',
        }),
      ),
    );
    expect(uses.filter((used) => used !== undefined)).toEqual([{ recovery: false }]);
  });
});

describe('a person', () => {
  test('is added by the security administrator alone, with faults at their fields and a link shown once', async () => {
    for (const name of ['administrator', 'auditor', 'officerA', 'patient']) {
      const other = await w.signIn(name);
      expect([name, (await other.get('/add-person')).status]).toEqual([name, 403]);
      expect([name, (await other.post('/add-person', {})).status]).toEqual([name, 403]);
    }
    const b = await w.signIn('security');
    const form = formTo(await (await b.get('/add-person')).text(), '/add-person');
    const nothing = await b.post(form.action, { ...form.fields, role: 'therapist' });
    expect(nothing.status).toBe(422);
    const faulty = await nothing.text();
    for (const id of ['f-name-fault', 'f-disciplines-fault', 'f-reason-fault']) expect(faulty).toContain(id);
    const staff = { ...form.fields, name: 'Eli New', role: 'doctor', reason: 'Begins on Monday' };
    const outside = await b.post(form.action, staff);
    expect([outside.status, (await outside.text()).includes('f-organisation-fault')]).toEqual([422, true]);
    expect((await b.post(form.action, { ...staff, organisation: 'hospital', made_by: 'x' })).status).toBe(
      400,
    );
    expect((await b.post(form.action, { ...staff, organisation: 'hospital', key: 'x' })).status).toBe(400);
    expect(await personCalled('Eli New')).toBe('');

    const values = { ...staff, organisation: 'hospital' };
    const shown = await (await b.post(form.action, values)).text();
    const token = shownIn(shown);
    expect(wordsOf(shown)).toContain('It is shown once, works once');
    expect((await opens(token))[0]).toBe(200);
    // Sent again it is one person and one link, and the link is not shown a second time.
    const again = await (await b.post(form.action, values)).text();
    expect([shownIn(again), wordsOf(again).includes('was shown before')]).toEqual(['', true]);
    expect((await opens(token))[0]).toBe(200);
    const id = await personCalled('Eli New');
    expect(await entriesOf(id)).toEqual(['person.added by other', 'invitation.made by other']);
    expect(await w.web.sql`select role, reason from role_assignments where person_id = ${id}`).toEqual([
      { role: 'doctor', reason: 'Begins on Monday' },
    ]);
    expect(await (await b.get(`/people/${id}`)).text()).not.toContain(token);

    // A new link ends the one before; nobody makes one for themselves.
    const second = await linkFor(b, id);
    expect([(await opens(token))[0], (await opens(second))[0]]).toEqual([404, 200]);
    const own = w.as('security').id;
    expect(await (await b.get(`/people/${own}`)).text()).not.toContain(`/people/${own}/invitation"`);
    const { operationKey } = await import('../../web/acting.tsx');
    const key = operationKey(w.webDeps, own, 'invitation.make', own);
    expect((await b.post(`/people/${own}/invitation`, { key, wish: 'Me' })).status).toBe(403);
    expect(await refusalsOf('security')).toContain('invitation.make conflict-of-duties');
  });

  test('is added, and a link made, only with a fresh proof of who does it', async () => {
    const b = await w.signIn('security2');
    const form = formTo(await (await b.get('/add-person')).text(), '/add-person');
    const page = await (await b.get(`/people/${w.as('officerA').id}`)).text();
    const link = formTo(page, `/people/${w.as('officerA').id}/invitation`);
    later += 6 * 60_000;
    const late = await b.post(form.action, {
      ...form.fields,
      name: 'Fay Late',
      organisation: 'hospital',
      role: 'doctor',
      reason: 'Begins on Monday',
    });
    const html = await late.text();
    expect([late.status, html.includes('/sign-in/confirm'), html.includes('Fay Late')]).toEqual([
      409,
      true,
      true,
    ]);
    expect((await b.post(link.action, { ...link.fields, wish: 'x' })).status).toBe(409);
    expect(await personCalled('Fay Late')).toBe('');
    expect(await w.web.sql`select 1 from invitations where person_id = ${w.as('officerA').id}`).toEqual([]);
  });
});

describe('whoever lost their device', () => {
  test('gets in again by two people, and what they had before ends', async () => {
    const b = await w.signIn('security');
    const { id, token } = await add(b, 'Gil Lost');
    const lost = await device();
    await accept(lost.page, token);
    expect(await w.web.db.$count(webSession)).toBeGreaterThan(0);
    const recovery = await linkFor(b, id);
    // Until a second person has confirmed it, the link is worth nothing.
    expect((await opens(recovery))[0]).toBe(404);
    const [row] = await w.web.sql<{ id: string; recovery: boolean }[]>`
      select id, recovery from invitations where person_id = ${id} order by made_at desc limit 1`;
    expect(row?.recovery).toBe(true);
    const { operationKey } = await import('../../web/acting.tsx');
    const confirm = async (tab: Tab, name: string) => {
      const key = operationKey(w.webDeps, w.as(name).id, 'invitation.confirm', row?.id ?? '');
      return await tab.post(`/people/${id}/invitation/confirm`, { key, link: row?.id ?? '' });
    };
    // Not by whoever made it, nor by whoever it is for, nor by anybody else's role, nor without a fresh proof.
    const list = await (await b.get('/people')).text();
    expect(wordsOf(list)).toContain('Somebody else has to confirm.');
    expect((await confirm(b, 'security')).status).toBe(403);
    expect(await refusalsOf('security')).toContain('invitation.confirm conflict-of-duties');
    for (const name of ['auditor', 'officerA'])
      expect([name, (await confirm(await w.signIn(name), name)).status]).toEqual([name, 403]);
    const second = await w.signIn('administrator');
    later += 6 * 60_000;
    expect((await confirm(second, 'administrator')).headers.get('location')).toBe('/people');
    expect(await (await second.get('/people')).text()).toContain('/sign-in/confirm');
    expect((await opens(recovery))[0]).toBe(404);
    const fresh = await w.signIn('administrator');
    const form = formTo(await (await fresh.get('/people')).text(), `/people/${id}/invitation/confirm`);
    const done = await fresh.post(form.action, form.fields);
    expect(done.headers.get('location')).toBe('/people?done=confirmed');
    expect((await confirm(await w.signIn('security2'), 'security2')).status).toBe(409);
    // Whoever has the lost device is signed in until the link is used.
    await lost.page.goto(`${url}/settings`);
    expect(new URL(lost.page.url()).pathname).toBe('/settings');

    const found = await device();
    await accept(found.page, recovery);
    expect(await w.web.sql`select 1 from passkey_session where person_id = ${id}`).toHaveLength(1);
    await lost.page.goto(`${url}/settings`);
    expect(new URL(lost.page.url()).pathname).toBe('/sign-in');
    await lost.page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await lost.page.getByText('We could not sign you in with this passkey').waitFor();
    await found.page.goto(`${url}/settings`);
    expect(new URL(found.page.url()).pathname).toBe('/settings');
    expect((await entriesOf(id)).filter((entry) => entry.startsWith('invitation'))).toEqual([
      'invitation.made by other',
      'invitation.used by self',
      'invitation.made by other',
      'invitation.confirmed by other',
      'invitation.used by self',
    ]);
    // Whoever takes their last passkey away has had a way in all the same: still two people.
    await w.web.sql`delete from passkey_session where person_id = ${id}`;
    expect((await opens(await linkFor(await w.signIn('security'), id)))[0]).toBe(404);
  });

  test('is let in by one person alone in no way that the database takes, past the web too', async () => {
    const b = await w.signIn('security');
    const { id, token } = await add(b, 'Han Lone');
    const { page } = await device();
    await accept(page, token);
    await linkFor(b, id);
    const [row] = await w.web.sql<{ id: string; made_by: string }[]>`
      select id, made_by from invitations where person_id = ${id} and used_at is null`;
    const as = (change: string) =>
      w.web.sql.unsafe(`update invitations set ${change} where id = '${row?.id ?? ''}'`);
    for (const change of [
      `confirmed_by = '${row?.made_by}', confirmed_at = now()`,
      `confirmed_by = '${id}', confirmed_at = now()`,
      'used_at = now()',
      'recovery = false',
      `ends_at = ends_at + interval '1 year'`,
      `token_hash = 'x'`,
      'person_id = gen_random_uuid()',
      'made_by = gen_random_uuid()',
    ])
      await expect(as(change), change).rejects.toMatchObject({ code: '42501' });
    // What may be changed comes with its entry.
    for (const change of [
      `confirmed_by = '${w.as('administrator').id}', confirmed_at = now()`,
      'withdrawn_at = now()',
    ])
      await expect(as(change), change).rejects.toMatchObject({ code: '23000' });
    const [used] = await w.web.sql<{ id: string }[]>`
      select id from invitations where person_id = ${id} and used_at is not null`;
    await expect(
      w.web.sql`update invitations set used_at = null where id = ${used?.id ?? ''}`,
    ).rejects.toMatchObject({ code: '42501' });
  });
});
