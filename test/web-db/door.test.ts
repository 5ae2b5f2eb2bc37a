// The door of the web: what a request must be before any route sees it, and what a session is worth (SECURITY.md I1, I2, I5,
// I8, N1, N2, N5, N6, N8; T21, T22). On a real Postgres.
import { createHash } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/connection.ts';
import { createApp } from '../../web/app.tsx';
import { FOREIGN_ADDRESSES } from '../support/foreign-addresses.ts';
import { formsOf, formTo, wordsOf } from '../support/pages.ts';
import { createWebWorld, type WebWorld } from '../support/web-world.ts';

let world: WebWorld;
beforeAll(async () => {
  world = await createWebWorld();
});
afterAll(() => world.close());

/** How many rows there are in every table that people's acts could change. */
async function rows(): Promise<Record<string, number>> {
  const names = [
    'audit_entries',
    'operations',
    'cases',
    'persons',
    'tasks',
    'web_session',
    'refusals',
    'disclosures',
  ];
  const counted: Record<string, number> = {};
  for (const name of names)
    counted[name] = Number((await world.web.sql.unsafe(`select count(*)::int as n from ${name}`))[0]?.n);
  return counted;
}

const TYPES = [
  'application/x-www-form-urlencoded',
  'Application/X-WWW-Form-URLencoded',
  'multipart/form-data; boundary=x',
  'text/plain',
  'application/json',
  'application/fhir+json',
  '',
];

describe('a change needs proof of same origin (N1, T22)', () => {
  const foreign: readonly Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'cross-site', origin: 'http://127.0.0.1:3000' },
    { origin: 'http://127.0.0.1:3001' },
    { origin: 'http://127.0.0.1:3000.evil.example' },
    { referer: 'http://127.0.0.1:3000/queue' },
    {},
  ];
  test('whatever the route, the content type and the headers', async () => {
    const signedIn = await world.signIn('referrer');
    const cookie = [...signedIn.jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const before = await rows();
    const posts = world.lines.filter((line) => line.method === 'POST');
    expect(posts.length).toBeGreaterThan(3);
    for (const { path } of posts)
      for (const headers of foreign)
        for (const type of TYPES) {
          const response = await world.app.request(
            `${world.origin}${path.replace(/:\w+/g, '00000000-0000-8000-8000-000000000001')}`,
            {
              method: 'POST',
              headers: { cookie, ...headers, ...(type ? { 'content-type': type } : {}) },
              body: 'a=b',
            },
          );
          expect([path, headers, type, response.status]).toEqual([path, headers, type, 403]);
        }
    expect(await rows()).toEqual(before);
  });

  test('no GET changes a row, and no other method is taken', async () => {
    const b = await world.signIn('auditor');
    await b.get('/sign-in');
    const before = await rows();
    for (const { path } of world.lines.filter((line) => line.method === 'POST'))
      await b.get(path.replace(/:\w+/g, '00000000-0000-8000-8000-000000000001'));
    const after = await rows();
    // A look may be written down, and a refused one is; nothing else.
    for (const name of ['cases', 'persons', 'tasks', 'web_session'])
      expect([name, after[name]]).toEqual([name, before[name]]);
    for (const method of ['PUT', 'DELETE', 'PATCH', 'PROPFIND']) {
      const response = await Promise.resolve(
        world.app.request(`${world.origin}/queue`, { method, headers: { origin: world.origin } }),
      ).catch(() => undefined);
      if (response) expect([method, response.status]).toEqual([method, 405]);
    }
  });
});

describe('a path has one spelling (N6, T22)', () => {
  test.each([
    '//queue',
    '/queue//',
    '/%2fqueue',
    '/queue%2f',
    '/%2Fqueue',
    '/./queue',
    '/x/../queue',
    '/%2e/queue',
    '/%2e%2e/queue',
    '/queue/%2e%2e/board',
    '/queue%5c',
    '/queue%00',
    '/queue/..%2fboard',
    '/%252fqueue',
    '/queue/.',
    '/queue/..',
    '/tasks/%2e%2e/queue',
    '/a//b',
    '/cases/%5C..',
    '/queue%25',
  ])('%s', async (path) => {
    const response = await world.app.request(new Request(`${world.origin}/queue`), undefined, {
      incoming: { url: path },
    });
    expect(response.status).toBe(400);
  });
});

describe('what comes in is capped before it is read (N2, N5, T21)', () => {
  const post = (body: BodyInit, headers: Record<string, string> = {}) =>
    world.app.request(`${world.origin}/sign-in/demonstration`, {
      method: 'POST',
      headers: { origin: world.origin, 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body,
      duplex: 'half',
    } as RequestInit);

  test('a long form, with its length, without, and with a false one', async () => {
    const long = `person=${'x'.repeat(70_000)}`;
    expect((await post(long)).status).toBe(413);
    const chunks = (size: number) =>
      new ReadableStream<Uint8Array>({
        start(controller) {
          for (let sent = 0; sent < size; sent += 1000)
            controller.enqueue(new TextEncoder().encode('y'.repeat(1000)));
          controller.close();
        },
      });
    expect((await post(chunks(70_000))).status).toBe(413);
    expect((await post(chunks(70_000), { 'content-length': '10' })).status).toBe(413);
    expect((await post('person=a', { 'content-length': '99999999' })).status).toBe(413);
  });

  test('a stream without end is cut off where the cap is', async () => {
    let pulled = 0;
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 8192;
        controller.enqueue(new Uint8Array(8192).fill(120));
      },
      cancel() {
        cancelled = true;
      },
    });
    expect((await post(endless)).status).toBe(413);
    expect(pulled).toBeLessThan(200_000);
    expect(cancelled).toBe(true);
  });

  test.each([
    ['a field nobody asked for', 'person=a&role=b&admin=1'],
    ['a field twice', 'person=a&person=b&role=c'],
    ['a prototype', '__proto__=1'],
    ['a prototype below', 'a.__proto__.b=1'],
    ['a constructor', 'constructor=1'],
    ['ten thousand fields', Array.from({ length: 10_000 }, (_, i) => `f${i}=1`).join('&')],
    ['bytes that are no text', '\u00ff'],
    ['another type', 'x'],
  ])('%s is refused in plain words', async (what, body) => {
    const bytes = what === 'bytes that are no text' ? new Uint8Array([0x61, 0x3d, 0xff, 0xfe]) : body;
    const response = await post(
      bytes as BodyInit,
      what === 'another type' ? { 'content-type': 'application/json' } : {},
    );
    expect([400, 413]).toContain(response.status);
    expect(await response.text()).not.toMatch(/\n\s+at |node_modules\/|\.tsx?:\d/);
    expect(({} as Record<string, unknown>).b).toBeUndefined();
    expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('1');
  });
});

describe('a session (I1, I2, I5, I8)', () => {
  test('is a cookie that says nothing, under all its guards', async () => {
    const { id, role } = world.as('officerA');
    const response = await world.browser().post('/sign-in/demonstration', { person: id, role });
    const [line] = response.headers.getSetCookie();
    expect(line).toMatch(/^__Host-rehab=[\w-]{43}; /);
    for (const part of ['Secure', 'HttpOnly', 'SameSite=Lax', 'Path=/']) expect(line).toContain(part);
    expect(line).not.toMatch(/Domain/i);
    const stored = await world.web.sql`select id from web_session`;
    // The row holds the token's hash: whoever reads the table cannot sign in with it.
    for (const { id: hash } of stored) expect(line).not.toContain(hash as string);
  });

  test('that was planted before signing in is unknown afterwards', async () => {
    const b = world.browser(new Map([['__Host-rehab', 'a'.repeat(43)]]));
    const { id, role } = world.as('officerA');
    await b.post('/sign-in/demonstration', { person: id, role });
    expect(b.jar.get('__Host-rehab')).not.toBe('a'.repeat(43));
    expect((await world.browser(new Map([['__Host-rehab', 'a'.repeat(43)]])).get('/settings')).status).toBe(
      303,
    );
  });

  test('stands in the settings of whoever it belongs to, who ends it from another; nobody else does', async () => {
    const [here, there] = [await world.signIn('therapistB'), await world.signIn('therapistB')];
    const other = await world.signIn('officerB');
    const listed = [
      ...(await (await here.get('/settings')).text()).matchAll(/name="session" value="([0-9a-f]{64})"/g),
    ];
    const { id: person } = world.as('therapistB');
    const own = await world.web.sql`select id from web_session where person_id = ${person}`;
    // All but the one that asks.
    expect(listed.length).toBe(own.length - 1);
    const token = there.jar.get('__Host-rehab') ?? '';
    const session = createHash('sha256').update(token).digest('hex');
    expect(listed.map(([, id]) => id)).toContain(session);
    expect((await other.post('/settings/sessions/end', { session })).status).toBe(404);
    expect((await there.get('/settings')).status).toBe(200);
    const ended = await here.post('/settings/sessions/end', { session });
    expect(ended.headers.get('location')).toBe('/settings?done=session');
    expect((await there.get('/settings')).status).toBe(303);
    expect((await here.get('/settings')).status).toBe(200);
    const [entry] = await world.web.sql`
      select count(*)::int as n from audit_entries where event = 'session.closed' and person_id = ${person}`;
    expect(entry?.n).toBe(1);
  });

  test('changes ways to sign in only a moment after its person proved who they are (I6)', async () => {
    const b = await world.signIn('officerB');
    const { id: person } = world.as('officerB');
    await world.web
      .sql`insert into passkey_session (id, person_id, public_key, counter, transports, created_at)
      values ('old-device', ${person}, '\\x00', 0, '{}', now())`;
    try {
      world.setClock(() => new Date(Date.now() + 6 * 60_000));
      const json = { 'content-type': 'application/json' };
      for (const path of ['/settings/passkeys/options', '/settings/passkeys'])
        expect((await b.post(path, {}, json)).status, path).toBe(403);
      const removing = await b.post('/settings/passkeys/remove', { passkey: 'old-device' });
      expect(removing.headers.get('location')).toBe('/settings');
      const page = await (await b.get('/settings')).text();
      expect(page).toContain('action="/sign-in/confirm"');
      expect(page).not.toContain('/settings/passkeys/remove');
      expect(page.match(/class="button primary"/g)).toHaveLength(1);
      expect((await b.post('/sign-in/confirm', { to: '/settings' })).headers.get('location')).toBe(
        '/settings',
      );
      const removed = await b.post('/settings/passkeys/remove', { passkey: 'old-device' });
      expect(removed.headers.get('location')).toBe('/settings?done=saved');
    } finally {
      world.setClock(() => new Date());
    }
  });

  test('ends with signing out, for every copy of the cookie', async () => {
    const b = await world.signIn('officerB');
    const copy = world.browser(new Map(b.jar));
    expect((await copy.get('/settings')).status).toBe(200);
    await b.post('/sign-out');
    expect((await copy.get('/settings')).status).toBe(303);
    expect((await copy.post('/settings/role', { role: 'approval-officer' })).status).toBe(401);
  });

  test('ends when the role does, on the very next request', async () => {
    await world.addPerson('leaver', 'approval-officer');
    const b = await world.signIn('leaver');
    expect((await b.get('/settings')).status).toBe(200);
    const owner = (await import('postgres')).default(world.fresh.superuserUrl, { max: 1 });
    await owner`update role_assignments set ended_at = now() where person_id = ${world.as('leaver').id}`;
    await owner.end();
    expect((await b.get('/settings')).status).toBe(303);
  });

  test('of staff ends after a quarter of an hour without a request, and after twelve hours whatever happens', async () => {
    const start = Date.now();
    try {
      const idle = await world.signIn('officerC');
      world.setClock(() => new Date(start + 14 * 60_000));
      expect((await idle.get('/settings')).status).toBe(200);
      world.setClock(() => new Date(start + 28 * 60_000));
      expect((await idle.get('/settings')).status).toBe(200);
      world.setClock(() => new Date(start + 44 * 60_000));
      expect((await idle.get('/settings')).status).toBe(303);
      world.setClock(() => new Date(start));
      const busy = await world.signIn('officerD');
      for (let minutes = 10; minutes < 12 * 60; minutes += 10) {
        world.setClock(() => new Date(start + minutes * 60_000));
        expect((await busy.get('/settings')).status).toBe(200);
      }
      world.setClock(() => new Date(start + (12 * 60 + 1) * 60_000));
      expect((await busy.get('/settings')).status).toBe(303);
    } finally {
      world.setClock(() => new Date());
    }
  });

  test('for a role that the person does not hold is not given', async () => {
    const { id } = world.as('patient');
    const response = await world
      .browser()
      .post('/sign-in/demonstration', { person: id, role: 'administrator' });
    expect(response.status).toBe(404);
    expect(response.headers.getSetCookie()).toEqual([]);
  });
});

describe('whoever asks for a page comes to it after signing in', () => {
  const signInAs = async (name: string, to: string) => {
    const { id, role } = world.as(name);
    const answer = await world.browser().post('/sign-in/demonstration', { person: id, role, to });
    return [answer.status, answer.headers.get('location')];
  };

  test('with what its view holds, and by nobody’s form but the door’s own', async () => {
    const b = world.browser();
    const away = (await b.get('/queue?view=late&size=50')).headers.get('location') ?? '';
    expect(away).toBe('/sign-in?to=%2Fqueue%3Fview%3Dlate%26size%3D50');
    const door = await (await b.get(away)).text();
    expect(wordsOf(door)).toContain('After signing in you come to the page you asked for.');
    const { id, role } = world.as('officerA');
    const form = formsOf(door).find(({ fields }) => fields.person?.[0] === id && fields.role?.[0] === role);
    const answer = await b.post(form?.action ?? '', form?.fields);
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/queue?view=late&size=50']);
    // Who is signed in already, in another tab, is not asked again.
    expect((await b.get(away)).headers.get('location')).toBe('/queue?view=late&size=50');
    // A change of language at the door does not forget it either.
    const { fields } = formTo(door, '/settings/language');
    expect((await world.browser().post('/settings/language', fields)).headers.get('location')).toBe(away);
  });

  test('where their role is judged as ever, and whoever asked for none comes to their own', async () => {
    const b = world.browser();
    const { id, role } = world.as('auditor');
    const answer = await b.post('/sign-in/demonstration', { person: id, role, to: '/queue' });
    expect((await b.get(answer.headers.get('location') ?? '')).status).toBe(403);
    expect(await signInAs('auditor', '')).toEqual([303, '/audit']);
  });

  test('a session that has ended is no different', async () => {
    const b = await world.signIn('auditor');
    try {
      world.setClock(() => new Date(Date.now() + 16 * 60_000));
      expect((await b.get('/board')).headers.get('location')).toBe('/sign-in?to=%2Fboard');
    } finally {
      world.setClock(() => new Date());
    }
  });

  test('a form that was sent leads nowhere, nor does a file or a stream', async () => {
    const sent = await world.browser().post('/tasks/x/decide', { key: 'x' });
    expect([sent.status, sent.headers.get('location')]).toEqual([401, null]);
    for (const path of ['/live?topic=queue', '/receipts/x', '/cases/x/evidence'])
      expect((await world.browser().get(path)).headers.get('location'), path).toBe('/sign-in');
  });

  test.each(FOREIGN_ADDRESSES)('%j is not followed', async (to) => {
    expect(await signInAs('auditor', to)).toEqual([303, '/audit']);
    const door = await (await world.browser().get(`/sign-in?${new URLSearchParams({ to })}`)).text();
    expect(formTo(door, '/sign-in/demonstration').fields.to).toBeUndefined();
    const b = await world.signIn('auditor');
    expect((await b.get(`/sign-in?${new URLSearchParams({ to })}`)).status).toBe(200);
    const confirmed = (await b.post('/sign-in/confirm', { to })).headers.get('location') ?? '';
    expect(new URL(confirmed, world.origin).origin).toBe(world.origin);
  });
});

test('the answer to a form, loaded anew, leads to the page that the form stood on', async () => {
  const id = '00000000-0000-4000-8000-000000000000';
  for (const [path, page] of [
    [`/tasks/${id}/check`, `/tasks/${id}`],
    [`/tasks/${id}/decide`, `/tasks/${id}`],
    [`/people/${id}/roles/give`, `/people/${id}`],
    ['/settings/sessions/end', '/settings'],
    ['/cases/find', '/cases'],
    ['/audit/verify', '/audit'],
    ['/sign-out', '/'],
    ['/tasks/%0d%0ax/check?y=1', '/tasks/%0d%0ax'],
  ] as const) {
    const answer = await world.browser().get(path);
    expect([path, answer.status, answer.headers.get('location')]).toEqual([path, 303, page]);
  }
});

test('while Postgres is away a page says so and is asked for again by its link; what was sent is not', async () => {
  const away = connect('postgres://nobody@127.0.0.1:1/none', { max: 1, name: 'test-away' });
  try {
    const { app } = createApp({ ...world.webDeps, db: away.db });
    const asked = async (path: string, init: RequestInit = {}) => {
      const headers = { cookie: `__Host-rehab=${'a'.repeat(43)}`, origin: world.origin, ...init.headers };
      const answer = await app.request(`${world.origin}${path}`, { ...init, headers });
      return { status: answer.status, html: await answer.text() };
    };
    const page = await asked('/queue?view=late');
    expect(page.status).toBe(503);
    expect(page.html).toMatch(/<a class="button" href="\/queue\?view=late">Try again<\/a>/);
    const sent = await asked('/queue/next', { method: 'POST', body: new URLSearchParams({ key: 'x' }) });
    expect(sent.status).toBe(503);
    expect(wordsOf(sent.html)).toContain('Nothing is lost, and saved drafts are kept.');
    expect(sent.html).not.toContain('>Try again<');
  } finally {
    await away.close();
    world.faults.length = 0;
  }
});

test('addresses come from the settings and never from a request (N8)', async () => {
  const b = await world.signIn('referrer');
  const response = await b.get('/settings', { host: 'evil.example', 'x-forwarded-host': 'evil.example' });
  const text = await response.text();
  expect(response.status).toBe(200);
  expect(text).not.toContain('evil.example');
  expect(response.headers.get('location') ?? '').not.toContain('evil');
});

test('demonstration people cannot be signed in as when there is no demonstration (I9)', async () => {
  const real = await createWebWorld({ demonstration: false });
  try {
    const { id, role } = real.as('officerA');
    expect((await real.browser().post('/sign-in/demonstration', { person: id, role })).status).toBe(404);
    expect(await (await real.browser().get('/sign-in')).text()).not.toContain('Test officerA');
  } finally {
    await real.close();
  }
});

test('a Postgres that is frozen and neither answers nor fails: 503 in words, and everything goes on after (B2, B3)', async () => {
  const world = await createWebWorld({ requestMs: 2000 });
  const superuser = postgres(world.fresh.superuserUrl, { max: 1 });
  const signal = async (name: 'SIGSTOP' | 'SIGCONT', pids: readonly number[]) => {
    for (const pid of pids) process.kill(pid, name);
  };
  let pids: number[] = [];
  try {
    const b = await world.signIn('officerA');
    // The whole pool is there before it is frozen: nobody is let in by a connection that is opened after.
    await Promise.all(Array.from({ length: 10 }, () => world.web.sql`select pg_sleep(0.3)`));
    const rows = await superuser<{ pid: number }[]>`
      select pid from pg_stat_activity where datname = ${world.fresh.name} and application_name = 'test-web'`;
    pids = rows.map(({ pid }) => pid);
    expect(pids.length).toBeGreaterThanOrEqual(10);
    await signal('SIGSTOP', pids);
    // As many as have a connection find it frozen, and more wait for one.
    const answers = await Promise.all(Array.from({ length: 24 }, () => b.get('/queue')));
    for (const answer of answers) {
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
      expect(await answer.text()).toContain('We cannot do this just now');
    }
    await signal('SIGCONT', pids);
    // Those that were asked meanwhile are answered first.
    await expect.poll(async () => (await b.get('/queue')).status, { timeout: 20_000 }).toBe(200);
  } finally {
    await signal('SIGCONT', pids);
    await superuser.end();
    await world.close();
  }
}, 60_000);
