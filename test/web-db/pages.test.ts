// Every route of the app on a real database: who may (A1), whose it is (A2), what stands in each answer's headers (O5), that text of
// others stays text (O1), that requests do not mix (O4), and that looks are recorded once.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disclosures, refusals } from '../../db/schema.ts';
import { allows } from '../../domain/permissions.ts';
import { ROLES, type Role } from '../../domain/roles.ts';
import { signInFor } from '../../web/paths.ts';
import type { RouteLine } from '../../web/routes.ts';
import { text } from '../../web/text/text.ts';
import { onDatabase, STORIES, submit } from '../support/stories.ts';
import { createWebWorld, HTMX, type WebWorld } from '../support/web-world.ts';
import { bannedWords, wordsOf } from '../support/words.ts';

const HOSTILE = `"><img src=x onerror="globalThis.hit=1"><script>globalThis.hit=1</script>\u2028{{x}}`;

let w: WebWorld;
let approved: string;
let refused: string;
type Browser = Awaited<ReturnType<WebWorld['signIn']>>;
const as = new Map<Role, Browser>();
const NAMES: Partial<Record<Role, string>> = {
  referrer: 'referrer',
  patient: 'patient',
  'approval-officer': 'officerA',
  therapist: 'therapistA',
  doctor: 'doctor',
  auditor: 'auditor',
  administrator: 'administrator',
};

beforeAll(async () => {
  w = await createWebWorld();
  approved = await STORIES.approved(onDatabase(w));
  refused = await STORIES.refused(onDatabase(w));
  for (const role of ROLES) {
    const name = NAMES[role] ?? role;
    if (!NAMES[role]) await w.addPerson(name, role);
    as.set(role, await w.signIn(name));
  }
});
afterAll(async () => {
  await w.close();
});

const b = (role: Role): Browser => {
  const browser = as.get(role);
  if (!browser) throw new Error(`nobody is signed in as ${role}`);
  return browser;
};

const UNKNOWN = '00000000-0000-4000-8000-000000000000';
/** An address of a declared path: ids are of nothing that exists. */
const addressOf = (line: RouteLine, id = UNKNOWN): string => line.path.replace(/:\w+/g, id);
const mayAtAll = (role: Role, permission: RouteLine['permission']): boolean =>
  permission === 'public' ||
  permission === 'signed-in' ||
  (Array.isArray(permission) ? permission : [permission]).some((one) => allows(role, one as never));
const send = (browser: Pick<Browser, 'get' | 'post'>, line: RouteLine, path: string) =>
  line.method === 'GET' ? browser.get(path) : browser.post(path, {});

describe('every route names who may (A1)', () => {
  it('there are routes, and no two are the same', () => {
    const all = w.lines.map(({ method, path }) => `${method} ${path}`);
    expect(all.length).toBeGreaterThan(30);
    expect(new Set(all).size).toBe(all.length);
  });

  it('nobody signed in: public routes answer, all others lead to the door or say so', async () => {
    for (const line of w.lines) {
      const answer = await send(w.browser(), line, addressOf(line));
      await answer.body?.cancel();
      const what = `${line.method} ${line.path}`;
      // A passkey that is none is told so with 401: the one public address that judges who somebody is.
      if (line.path.startsWith('/sign-in/passkey')) expect([200, 401, 429], what).toContain(answer.status);
      else if (line.permission === 'public') expect(answer.status, what).not.toBe(401);
      else if (line.method === 'GET') {
        expect(answer.status, what).toBe(303);
        expect(answer.headers.get('location'), what).toBe(signInFor(addressOf(line)));
      } else expect(answer.status, what).toBe(401);
    }
  });

  it.each(ROLES.map((role) => [role]))(
    '%s gets through where the table says so, and nowhere else',
    async (role) => {
      for (const line of w.lines) {
        // Signing out would end the walk.
        if (line.path === '/sign-out' || line.path === '/settings/role') continue;
        // Judged by the test above, whoever asks.
        if (line.path.startsWith('/sign-in/passkey')) continue;
        const before = await w.web.db.$count(refusals);
        const answer = await send(b(role), line, addressOf(line));
        const body = await answer.text();
        const what = `${role} ${line.method} ${line.path}`;
        if (mayAtAll(role, line.permission)) {
          const throttled = /^\/(sign-in\/confirm\/passkey|invitation)/.test(line.path) ? [429] : [];
          expect([200, 303, 400, 404, 409, 415, 422, ...throttled], `${what}: ${answer.status}`).toContain(
            answer.status,
          );
        } else {
          expect(answer.status, what).toBe(403);
          expect(await w.web.db.$count(refusals), what).toBe(before + 1);
          expect(body, what).toContain('does not include this');
          const part = await (line.method === 'GET'
            ? b(role).get(addressOf(line), HTMX)
            : b(role).post(addressOf(line), {}, HTMX));
          expect(part.status, `${what}, as a fragment`).toBe(403);
          await part.body?.cancel();
        }
      }
      expect(w.faults).toEqual([]);
    },
  );
});

describe('a foreign id answers as an unknown one (A2)', () => {
  const withCase = () => w.lines.filter(({ path }) => path.startsWith('/cases/:id'));

  it('for people of other cases, on every route of a case, and leaves a refusal entry', async () => {
    expect(withCase().length).toBeGreaterThan(8);
    for (const role of ['patient', 'guardian', 'supporter', 'referrer'] as const) {
      // The patient's own case is the refused one, the referrer's the approved one.
      const foreign = role === 'patient' ? approved : refused;
      for (const line of withCase()) {
        if (!mayAtAll(role, line.permission)) continue;
        const what = `${role} ${line.method} ${line.path}`;
        const before = await w.web.db.$count(refusals);
        const one = await send(b(role), line, addressOf(line, foreign));
        const other = await send(b(role), line, addressOf(line, randomUUID()));
        expect(one.status, what).toBe(404);
        expect(other.status, what).toBe(404);
        const strip = (html: string) => html.replace(/value="\/cases\/[^"]*"/g, '');
        expect(strip(await one.text()), what).toBe(strip(await other.text()));
        expect(await w.web.db.$count(refusals), what).toBe(before + 2);
      }
    }
  });

  it('an id that is none is no fault', async () => {
    for (const id of ['x', '%27', '1'.repeat(200), 'null']) {
      const answer = await b('approval-officer').get(`/cases/${id}`);
      expect(answer.status).toBe(404);
    }
    expect(w.faults).toEqual([]);
  });

  it('a role of the case opens its pages', async () => {
    for (const [role, id] of [
      ['patient', refused],
      ['referrer', approved],
    ] as const) {
      expect((await b(role).get(`/cases/${id}`)).status).toBe(200);
      expect((await b(role).get(`/cases/${id}/clocks`)).status).toBe(200);
    }
    expect((await b('patient').get(`/cases/${refused}/entries`)).status).toBe(200);
    // Who refers a person does not read their results afterwards.
    expect((await b('referrer').get(`/cases/${approved}/measures`)).status).toBe(403);
    expect((await b('referrer').get(`/cases/${approved}/entries`)).status).toBe(403);
  });
});

describe('the auditor’s list of entries', () => {
  it('links each entry by its case, its place there and what happened, no two alike', async () => {
    const html = await (await b('auditor').get('/audit?event=eligibility.decided')).text();
    const links = [...html.matchAll(/<a href="(\/cases\/[^"]+#entry-[^"]+)">(.*?)<\/a>/gs)];
    expect(links.length).toBeGreaterThan(1);
    const names = links.map(([, , inside = '']) => inside.replace(/<[^>]*>/g, ''));
    for (const name of names) expect(name).toMatch(/^RC-\w{4}-\w{2}, entry \d+, \w/);
    expect(new Set(names).size).toBe(new Set(links.map(([, href]) => href)).size);
  });
});

describe('what is found stays with those who treat and decide', () => {
  it('a patient reads the letter of a decision about them, and nobody else does', async () => {
    const page = await (await b('patient').get(`/cases/${refused}`)).text();
    const letters = [...page.matchAll(/href="(\/cases\/[^"]+\/letters\/[^"]+)"/g)].map(
      ([, href]) => href ?? '',
    );
    expect(letters).toHaveLength(1);
    const [letter = ''] = letters;
    const words = wordsOf(await (await b('patient').get(letter)).text());
    const [row] = await w.web.sql<{ reasons: string; due: Date }[]>`
      select d.reasons, c.due_at as due from decisions d
      join clocks c on c.case_id = d.case_id and c.clock = 'appeal-period' and c.started_at = d.decided_at
      where d.case_id = ${refused} and d.choice = 'refuse'`;
    expect(words).toContain('We refuse your application for rehabilitation.');
    expect(words).toContain('Not met: ');
    expect(words).toContain(row?.reasons ?? 'no row');
    expect(words).toContain(
      `you can appeal until ${text('en', w.webDeps.parameters.calendar.zone).date(row?.due ?? new Date(0))}`,
    );
    // On paper too it says who signed, how far its entry has come, and bears the day of the decision.
    const [decided] = await w.web.sql<{ at: Date; entry: string; name: string }[]>`
      select d.decided_at as at, d.entry_id as entry, p.name from decisions d join persons p on p.id = d.decided_by
      where d.case_id = ${refused} and d.choice = 'refuse'`;
    expect(words).toMatch(/State when printed: (pending|sequenced #\d+|anchored #\d+, \d of 3)/);
    expect(words).toContain(`${decided?.entry}`);
    expect(words).toContain(`Decided by ${decided?.name}`);
    // Another decision's id, another case's, and people who are no party to it.
    const [id] = letter.split('/').slice(-1);
    for (const path of [`/cases/${refused}/letters/${randomUUID()}`, `/cases/${approved}/letters/${id}`])
      expect((await b('patient').get(path)).status, path).toBe(404);
    for (const role of ['guardian', 'supporter', 'referrer'] as const)
      expect((await b(role).get(letter)).status, role).toBe(404);
    expect((await b('approval-officer').get(letter)).status).toBe(403);
  });

  it('administrators and auditors see how a case goes, not what was found', async () => {
    for (const role of ['administrator', 'auditor', 'privacy-officer'] as const) {
      const page = await (await b(role).get(`/cases/${approved}`)).text();
      expect(page).toContain('Rehabilitation approved');
      expect(page).not.toContain('Hip fracture, lives alone');
      expect(page).not.toContain('Walks alone');
      expect((await b(role).get(`/cases/${approved}/measures`)).status).toBe(403);
      const entries = await (await b(role).get(`/cases/${approved}/entries`)).text();
      expect(entries).toContain('not for this role');
      expect(entries).not.toContain('Walks alone');
    }
    const officer = await (await b('approval-officer').get(`/cases/${approved}`)).text();
    expect(officer).toContain('Hip fracture, lives alone');
    const trail = await (await b('therapist').get(`/cases/${approved}/entries`)).text();
    expect(trail).toContain('Walks alone');
  });

  it('a value is shown only while it is what the entry vouched for', async () => {
    const page = await (await b('approval-officer').get(`/cases/${approved}/entries`)).text();
    expect(page).toContain('changed by a later entry');
  });

  it('measures stand as a chart with its table', async () => {
    const page = await (await b('doctor').get(`/cases/${approved}/measures`)).text();
    expect(page).toContain('Barthel Index');
    expect(page).toMatch(/<svg\s+class="chart/);
    expect(page).toMatch(/<table/);
  });
});

describe('looks are recorded (P7)', () => {
  it('once per person, case and view, before anything is shown', async () => {
    const fresh = (await submit(onDatabase(w))).caseId;
    const mine = async () =>
      (await w.web.db.select().from(disclosures)).filter(({ caseId }) => caseId === fresh);
    expect(await mine()).toEqual([]);
    for (let i = 0; i < 3; i++) await b('approval-officer').get(`/cases/${fresh}`);
    await b('approval-officer').get(`/cases/${fresh}/measures`);
    expect((await mine()).map(({ view }) => view).sort()).toEqual(['measures', 'overview']);
    const page = await (await b('therapist').get(`/cases/${fresh}/access`)).text();
    expect(page).toContain('Test officerA');
  });

  it('a name that was searched for is a look at each case it shows, and stands in no address', async () => {
    const before = await w.web.db.$count(disclosures);
    const answer = await b('auditor').post('/cases/find', { what: 'testa' });
    const html = await answer.text();
    expect(html).toContain('Testa Persona');
    expect(await w.web.db.$count(disclosures)).toBeGreaterThan(before);
    expect(html).not.toMatch(/(href|action)="[^"]*[Tt]esta/);
    const [row] = await w.web.sql<{ number: string }[]>`select number from cases where id = ${approved}`;
    const byNumber = await b('auditor').post('/cases/find', { what: row?.number.toLowerCase() ?? '' });
    expect(byNumber.headers.get('location')).toBe(`/cases/${approved}`);
    for (const what of ['%', '_', "'; drop table cases; --", '\\'])
      expect(await (await b('auditor').post('/cases/find', { what })).text()).toContain('No case fits');
  });
});

describe('answers', () => {
  const pages = () =>
    w.lines
      .filter(({ method, path }) => method === 'GET' && !['/live', '/'].includes(path))
      .map((line) => addressOf(line, approved));

  it('carry the headers that keep them in (O2, O5)', async () => {
    const seen = new Set<string>();
    for (const path of [...pages(), '/no/such/page'])
      for (const role of ['administrator', 'approval-officer', 'patient'] as const) {
        const answer = await b(role).get(path);
        await answer.body?.cancel();
        const of = (name: string) => answer.headers.get(name);
        seen.add(
          JSON.stringify([
            of('cache-control'),
            of('content-security-policy'),
            of('x-content-type-options'),
            of('strict-transport-security'),
            of('referrer-policy'),
            of('cross-origin-opener-policy'),
            of('x-frame-options'),
          ]),
        );
        expect(of('x-request-id'), path).toMatch(/^[0-9a-f-]{36}$/);
        const type = of('content-type');
        if (type) expect(type.toLowerCase(), path).toMatch(/charset=utf-8/);
        if (type?.startsWith('text/html')) expect(of('vary'), path).toContain('HX-Request');
      }
    expect([...seen]).toEqual([
      JSON.stringify([
        'no-store',
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        'nosniff',
        'max-age=31536000; includeSubDomains',
        'same-origin',
        'same-origin',
        'DENY',
      ]),
    ]);
  });

  it('speak both languages in plain words, and no page has two primary buttons', async () => {
    for (const path of pages())
      for (const lang of ['en', 'zh-Hans'] as const)
        for (const role of ['administrator', 'approval-officer', 'auditor', 'patient', 'referrer'] as const) {
          const answer = await b(role).get(path, {
            cookie: `__Host-lang=${lang}; ${[...b(role).jar].map(([name, value]) => `${name}=${value}`).join('; ')}`,
          });
          if (answer.status !== 200) {
            await answer.body?.cancel();
            continue;
          }
          const html = await answer.text();
          expect(html).toContain(`<html lang="${lang}"`);
          // What auditors fold out is the one exception for ledger words.
          const plain = html
            .replace(/<details[\s\S]*?<\/details>/g, '')
            .replace(/<dialog[\s\S]*?<\/dialog>/g, '');
          expect(bannedWords(wordsOf(plain)), `${path} ${lang} ${role}`).toEqual([]);
          const main = /<main[\s\S]*<\/main>/.exec(html)?.[0] ?? '';
          expect(main.match(/class="button primary"/g)?.length ?? 0, `${path} ${role}`).toBeLessThan(2);
          expect(html).not.toContain('[object Object]');
        }
  });

  it('never mix two people (O4)', async () => {
    const two = ['approval-officer', 'auditor'] as const;
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, at) => {
        const role = two[at % 2] as (typeof two)[number];
        return [
          role,
          await (await b(role).get(at % 4 < 2 ? '/cases' : `/cases/${approved}`)).text(),
        ] as const;
      }),
    );
    for (const [role, html] of answers) {
      expect(html).toContain(role === 'auditor' ? 'Test auditor' : 'Test officerA');
      const bar = /<header[\s\S]*?<\/header>/.exec(html)?.[0] ?? '';
      expect(bar).not.toContain(role === 'auditor' ? 'Test officerA' : 'Test auditor');
    }
  });
});

describe('text of others stays text (O1)', () => {
  it('on every page that shows it', async () => {
    const referrer = b('referrer');
    const key = /name="key" value="([\w.-]+)"/.exec(await (await referrer.get('/apply')).text())?.[1] ?? '';
    const hostile = HOSTILE.replace('\u2028', ' ');
    const sent = await referrer.post('/apply', {
      key,
      draft: '',
      patientName: hostile,
      'birthDate.day': '2',
      'birthDate.month': '4',
      'birthDate.year': '1961',
      sex: 'female',
      language: 'de',
      reason: hostile,
      goals: hostile,
    });
    const id = /case=([0-9a-f-]{36})/.exec(sent.headers.get('location') ?? '')?.[1] ?? '';
    expect(id).not.toBe('');
    const shown = [
      [referrer, '/my'],
      [referrer, `/cases/${id}`],
      ...(['', '/measures', '/people', '/clocks', '/entries', '/access'] as const).map(
        (section) => [b('approval-officer'), `/cases/${id}${section}`] as const,
      ),
      [b('administrator'), '/board'],
      [b('auditor'), '/audit'],
    ] as const;
    let seen = 0;
    for (const [browser, path] of shown) {
      const answer = await browser.get(path);
      expect(answer.status, path).toBe(200);
      const html = await answer.text();
      expect(html, path).not.toContain('<img src=x');
      expect(html, path).not.toContain('<script>globalThis');
      if (html.includes('&lt;img src=x')) seen += 1;
    }
    expect(seen).toBeGreaterThan(4);
    const found = await (await b('approval-officer').post('/cases/find', { what: 'onerror' })).text();
    expect(found).toContain('&lt;img src=x');
    expect(found).not.toContain('<img src=x');
    const echoed = await (await b('approval-officer').post('/cases/find', { what: '"><b>x' })).text();
    expect(echoed).not.toContain('"><b>x');
  });
});

describe('settings', () => {
  it('are kept in cookies that hold nothing personal (I8)', async () => {
    const browser = await w.signIn('doctor');
    const answer = await browser.post('/settings', {
      lang: 'zh-Hans',
      theme: 'dark',
      density: 'compact',
      keys: 'off',
    });
    expect(answer.status).toBe(303);
    for (const line of answer.headers.getSetCookie())
      expect(line).toMatch(/^__Host-\w+=[\w-]+; .*Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    const html = await (await browser.get('/settings')).text();
    expect(html).toMatch(/<html lang="zh-Hans" data-theme="dark" data-density="compact" data-keys="off"/);
    expect((await browser.post('/settings', { theme: 'pink' })).status).toBe(400);
  });

  it('a change of language comes back to our own pages only', async () => {
    const browser = w.browser();
    for (const [from, to] of [
      ['/sign-in', '/sign-in'],
      ['/queue?view=late&kind=assess', '/queue?view=late&kind=assess'],
      ['//evil.example', '/'],
      ['https://evil.example', '/'],
      ['/\\evil.example', '/'],
      ['/../x', '/'],
    ] as const) {
      const answer = await browser.post('/settings/language', { language: 'en', from });
      expect(answer.headers.get('location')).toBe(to);
    }
  });
});
