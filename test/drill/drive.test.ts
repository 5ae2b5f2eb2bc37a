// The drive's own reading and drawing, without any engine: pages are read by the HTML standard, forms sent as browsers send them,
// and no plot gives one person two of the duties that exclude each other.
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { DEMONSTRATION_PEOPLE } from '../../bin/commands/seed.ts';
import { createBrowser } from '../../bin/drive/browser.ts';
import { drawFrom } from '../../bin/drive/draw.ts';
import { quantile } from '../../bin/drive/drive.ts';
import { fillIn, NotOffered, readPage } from '../../bin/drive/page.ts';
import { type Candidate, drawIntents, drawPlot, INTENTS, type Intent } from '../../bin/drive/plot.ts';
import { LIFECYCLE } from '../../domain/lifecycle.ts';
import type { Role } from '../../domain/roles.ts';

const PAGE = `<!doctype html><title>Task &amp; form</title>
<table><tr><th><a href="/tasks/1">RC-ABCD-EF</a></th><td>Assess: physiotherapy</td></tr></table>
<span class="tag good">Approved</span>
<form method="POST" action="/tasks/1/decide" id="f">
  <input type="hidden" name="key" value="k1">
  <fieldset><label><input type="radio" name="choice" value="accept">Yes</label>
  <label><input type="radio" name="choice" value="refuse">No</label></fieldset>
  <label><input type="checkbox" name="disciplines" value="physiotherapy" checked>P</label>
  <label><input type="checkbox" name="disciplines" value="psychology">Y</label>
  <select name="language"><option value="">Choose</option><option value="de">German</option></select>
  <textarea name="reasons">one
two</textarea>
  <input name="minutes" value="30"><input name="off" value="x" disabled>
  <button type="submit">Send</button><button type="submit" name="leave" value="1" formaction="/tasks/1/draft">Keep</button>
  <button type="button" name="no">Nothing</button>
</form><input form="f" name="outside" value="o">`;

describe('a page', () => {
  const page = readPage(PAGE);
  const form = page.forms[0];
  if (!form) throw new Error('page has no form');

  test('gives links with their rows, forms with their fields, tags', () => {
    expect(page.title).toBe('Task & form');
    expect(page.links).toEqual([
      { href: '/tasks/1', rel: '', words: 'RC-ABCD-EF', row: 'RC-ABCD-EF Assess: physiotherapy' },
    ]);
    expect(page.tags).toEqual(['Approved']);
    expect(form).toMatchObject({ method: 'post', action: '/tasks/1/decide', id: 'f' });
  });

  test('is sent as a browser sends it: order of the page, line breaks as CR LF, unchosen and disabled left out', () => {
    expect([...fillIn(form, {})]).toEqual([
      ['key', 'k1'],
      ['disciplines', 'physiotherapy'],
      ['language', ''],
      ['reasons', 'one\r\ntwo'],
      ['minutes', '30'],
      ['outside', 'o'],
    ]);
    expect(
      fillIn(form, {
        choice: 'refuse',
        disciplines: ['psychology'],
        language: 'de',
        minutes: '45',
      }).toString(),
    ).toBe(
      'key=k1&choice=refuse&disciplines=psychology&language=de&reasons=one%0D%0Atwo&minutes=45&outside=o',
    );
    const keep = form.controls.find(({ name }) => name === 'leave');
    expect(keep?.action).toBe('/tasks/1/draft');
    expect(keep && fillIn(form, {}, keep).get('leave')).toBe('1');
  });

  test('takes no answer that it does not offer', () => {
    expect(() => fillIn(form, { choice: 'grant' })).toThrow(NotOffered);
    expect(() => fillIn(form, { language: 'tlh' })).toThrow(NotOffered);
    expect(() => fillIn(form, { findings: 'x' })).toThrow(NotOffered);
    expect(() => fillIn(form, { off: 'y' })).toThrow(NotOffered);
    // A hidden field is not for people to write.
    expect(fillIn(form, { minutes: '1' }).get('key')).toBe('k1');
  });
});

describe('a browser', () => {
  let server: Server | undefined;
  afterEach(() => new Promise<void>((done) => (server ? server.close(() => done()) : done())));
  const serving = async (listener: RequestListener): Promise<string> => {
    const made = createServer(listener);
    server = made;
    await new Promise<void>((done) => made.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(made.address() as AddressInfo).port}`;
  };
  const bodyOf = async (request: AsyncIterable<Buffer>): Promise<string> => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    return Buffer.concat(parts).toString();
  };

  test('sends the same form with the same key again when nobody answers, on 503 and on 429, and asks on at 202', async () => {
    const bodies: string[] = [];
    let asked = 0;
    const origin = await serving(async (request, response) => {
      if (request.url === '/ask/k1') {
        asked++;
        if (asked < 2) return void response.writeHead(202).end('<a href="/ask/k1">again</a>');
        return void response.writeHead(303, { location: '/done' }).end();
      }
      if (request.url === '/done') return void response.end('<title>Done</title>');
      bodies.push(await bodyOf(request));
      if (bodies.length === 1) return void request.socket.destroy();
      if (bodies.length === 2) return void response.writeHead(503, { 'retry-after': '0.01' }).end();
      if (bodies.length === 3) return void response.writeHead(429).end();
      response.writeHead(202).end('<a href="/ask/k1">again</a>');
    });
    const browser = createBrowser({ origin });
    const page = readPage(
      '<form method=post action=/send><input type=hidden name=key value=k1><button>Go</button></form>',
    );
    const [form] = page.forms;
    if (!form) throw new Error('no form');
    const answer = await browser.submit(form);
    expect(bodies).toEqual(['key=k1', 'key=k1', 'key=k1', 'key=k1']);
    expect(answer).toMatchObject({ status: 303, at: '/done', page: { title: 'Done' } });
    expect(answer.repeats).toBe(5);
  });

  test('sends the form again when nobody knows of it, and takes the page that says so for done', async () => {
    let sent = 0;
    let asked = 0;
    const origin = await serving((request, response) => {
      if (request.url === '/send') sent++;
      else asked++;
      if (sent > 1 && request.url !== '/send') return void response.end('<title>It is done</title>');
      response.writeHead(202, { 'retry-after': '0.001' }).end('<a href="/ask/k1">again</a>');
    });
    const [form] = readPage('<form method=post action=/send><button>Go</button></form>').forms;
    if (!form) throw new Error('no form');
    const answer = await createBrowser({ origin }).submit(form);
    expect({ sent, asked }).toEqual({ sent: 2, asked: 6 });
    expect(answer).toMatchObject({ status: 200, done: true, page: { title: 'It is done' } });
  });

  test('gives up when its patience ends', async () => {
    const origin = await serving((request) => request.socket.destroy());
    await expect(createBrowser({ origin, patienceMs: 1 }).get('/')).rejects.toThrow('no answer');
  });

  test('keeps cookies, proves where a form comes from, and signs in again when its session has ended', async () => {
    const seen: (string | undefined)[] = [];
    const origin = await serving((request, response) => {
      if (request.method === 'POST')
        seen.push(request.headers.origin, request.headers['sec-fetch-site'] as string);
      if (request.url === '/sign-in')
        return void response
          .writeHead(200, { 'set-cookie': '__Host-rehab=t1; Path=/; Secure; HttpOnly' })
          .end();
      if (request.headers.cookie !== '__Host-rehab=t1') return void response.writeHead(401).end();
      response.end('<title>In</title>');
    });
    const browser = createBrowser({
      origin,
      signInAgain: async (plain) => void (await plain.get('/sign-in')),
    });
    expect((await browser.plain.get('/')).status).toBe(401);
    const [form] = readPage('<form method=post action=/x><button>Go</button></form>').forms;
    if (!form) throw new Error('no form');
    expect(await browser.submit(form)).toMatchObject({ status: 200, page: { title: 'In' } });
    expect(seen).toEqual([origin, 'same-origin', origin, 'same-origin']);
  });

  test('follows no link away from the web', async () => {
    await expect(createBrowser({ origin: 'http://127.0.0.1:1' }).get('http://example.com/')).rejects.toThrow(
      'away',
    );
  });
});

describe('a plot', () => {
  const people: Candidate[] = DEMONSTRATION_PEOPLE.flatMap(({ id, roles }) =>
    roles.map(({ role, disciplines, lead }) => ({
      id,
      role: role as Role,
      disciplines: disciplines ?? [],
      lead: lead ?? false,
    })),
  );

  test('is cast so that nobody takes two excluding duties, whichever way it goes', () => {
    for (let n = 0; n < 2000; n++) {
      const intent = (Object.keys(INTENTS) as Intent[])[n % 10] as Intent;
      const plot = drawPlot(intent, people, drawFrom(11, n), n % 3 === 0);
      const duties = new Map<string, Set<string>>();
      for (const step of [...plot.scenes.flat(2), ...(plot.tooLate ? [plot.tooLate] : [])]) {
        if (step.do !== 'task') continue;
        const duty = LIFECYCLE[step.kind].duty;
        const person = people.find(({ id }) => id === step.who);
        expect(LIFECYCLE[step.kind].roles).toContain(person?.role);
        if (step.discipline) expect(person?.disciplines).toContain(step.discipline);
        if (!duty) continue;
        const key = step.kind === 'decide-appeal' ? 'decide-appeal' : duty;
        duties.set(step.who, (duties.get(step.who) ?? new Set()).add(key));
      }
      for (const held of duties.values()) expect([...held]).toHaveLength(1);
      expect(plot.outcome).toBe(INTENTS[intent]);
    }
  });

  test('every intention comes up before any comes up again', () => {
    const intents = drawIntents(25, drawFrom(1, -1));
    expect(new Set(intents.slice(0, 10)).size).toBe(10);
    expect(new Set(intents.slice(10, 20)).size).toBe(10);
    expect(intents).toHaveLength(25);
  });
});

test('quantiles are nearest ranks', () => {
  const values = Array.from({ length: 100 }, (_, i) => i + 1);
  expect([quantile(values, 0.5), quantile(values, 0.99), quantile([7], 0.99), quantile([], 0.5)]).toEqual([
    50, 99, 7, 0,
  ]);
});
