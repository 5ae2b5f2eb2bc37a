// The stream on a real database: a right judged before each message, a session that ends, caps, and text that begins no line (O7, G2, I5).
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { webSession } from '../../db/schema.ts';
import { openStream, sseMessage } from '../../web/live/stream.ts';
import { packRows, unpackRows } from '../../web/queue/shown-rows.ts';
import { claim } from '../support/claim.ts';
import { complete, onDatabase, submit } from '../support/stories.ts';
import { createWebWorld, type WebWorld } from '../support/web-world.ts';

let w: WebWorld;
beforeAll(async () => {
  w = await createWebWorld();
});
afterAll(async () => {
  await w.close();
});

/** Reads a stream message by message. */
function reader(body: ReadableStream<Uint8Array> | null) {
  if (!body) throw new Error('no stream');
  const of = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  return {
    /** The next message, or undefined at the end. */
    async next(): Promise<string | undefined> {
      for (;;) {
        const end = text.indexOf('\n\n');
        if (end >= 0) {
          const message = text.slice(0, end);
          text = text.slice(end + 2);
          return message;
        }
        const { done, value } = await of.read();
        if (done) return undefined;
        text += decoder.decode(value, { stream: true });
      }
    },
    async until(found: (message: string) => boolean): Promise<string> {
      for (;;) {
        const message = await this.next();
        if (message === undefined) throw new Error('the stream ended first');
        if (found(message)) return message;
      }
    },
    cancel: () => of.cancel(),
  };
}

/** Tells all streams that the log has grown, as the sequencer does. */
const grow = (size: number) => w.worker.sql`select pg_notify('rehab_log', ${String(size)})`;

describe('messages', () => {
  it('prefix every line, whatever ends it', () => {
    const message = sseMessage({ id: 3, data: 'a\nevent: ended\rid: 9\r\nb' });
    expect(message).toBe('id: 3\ndata: a\ndata: event: ended\ndata: id: 9\ndata: b\n\n');
    expect(sseMessage({ id: 4 })).toBe('id: 4\n\n');
  });
});

describe('a stream', () => {
  it('sends the board when the log grows, with the place it stands at', async () => {
    const b = await w.signIn('administrator');
    const answer = await b.get('/live?topic=board&after=0');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const stream = reader(answer.body);
    expect(await stream.next()).toMatch(/^event: beat\n/);
    await submit(onDatabase(w));
    await grow(7);
    const message = await stream.until((one) => one.startsWith('id: '));
    expect(message).toMatch(/^id: 7\ndata: <hx-partial hx-target="#board"/);
    expect(message.split('\n').every((line) => /^(id|data): /.test(line))).toBe(true);
    expect(message).not.toContain('autofocus');
    await stream.cancel();
  });

  it('ends at once when its session ends, and says so', async () => {
    const b = await w.signIn('auditor');
    const stream = reader((await b.get('/live?topic=board&after=0')).body);
    await stream.next();
    await w.web.db.delete(webSession);
    await grow(8);
    await stream.until((one) => one.startsWith('event: ended'));
    expect(await stream.next()).toBeUndefined();
  });

  it('does not keep a session alive', async () => {
    const b = await w.signIn('auditor');
    const [before] = await w.web.db.select().from(webSession);
    const later = new Date(Date.now() + 60_000);
    w.setClock(() => later);
    const stream = reader((await b.get('/live?topic=board&after=0')).body);
    await stream.next();
    const [after] = await w.web.db.select().from(webSession);
    expect(after?.seenAt).toBe(before?.seenAt);
    w.setClock(() => new Date());
    await stream.cancel();
  });

  it('is for those who may: by role, by case, and four at a time', async () => {
    expect((await (await w.signIn('patient')).get('/live?topic=board')).status).toBe(404);
    expect((await (await w.signIn('officerA')).get('/live?topic=board')).status).toBe(404);
    expect((await w.browser().get('/live?topic=board')).status).toBe(303);
    const b = await w.signIn('administrator');
    expect((await b.get('/live?topic=nothing')).status).toBe(400);
    expect((await b.get('/live?topic=constructor')).status).toBe(400);
    expect((await b.get('/live?topic=case&case=00000000-0000-4000-8000-000000000000')).status).toBe(404);
    const four = await Promise.all(Array.from({ length: 4 }, () => b.get('/live?topic=board')));
    expect(four.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const fifth = await b.get('/live?topic=board');
    expect(fifth.status).toBe(429);
    expect(fifth.headers.get('retry-after')).toBe('20');
    for (const one of four) await one.body?.cancel();
    const again = await b.get('/live?topic=board');
    expect(again.status).toBe(200);
    await again.body?.cancel();
  });

  it('follows a case: where it is, and the marks of its entries', async () => {
    const { caseId } = await submit(onDatabase(w));
    const b = await w.signIn('officerB');
    const stream = reader((await b.get(`/live?topic=case&case=${caseId}&after=0`)).body);
    await stream.next();
    await grow(12);
    const message = await stream.until((one) => one.startsWith('id: '));
    expect(message).toContain('hx-target="#where"');
    expect(message).toContain('pending');
    await stream.cancel();
  });

  it('follows a page of the queue: values in place, what is taken stays greyed, what is new waits', async () => {
    const { caseId } = await submit(onDatabase(w));
    const b = await w.signIn('officerA');
    const page = await (await b.get('/queue?size=100')).text();
    const address = (/hx-sse:connect="([^"]*)"/.exec(page)?.[1] ?? '').replaceAll('&amp;', '&');
    expect(address).toMatch(/^\/live\?topic=queue&view=open&/);
    const [task] = await w.web.sql<
      { id: string }[]
    >`select id from tasks where case_id = ${caseId} and status = 'open'`;
    const id = task?.id as string;
    const stream = reader((await b.get(address)).body);
    await stream.next();
    // Nothing has changed since the page: the place moves on, and nothing is sent.
    await grow(21);
    expect(await stream.until((one) => one.startsWith('id: 21'))).toBe('id: 21');
    await claim(w, 'officerB', id);
    const fresh = await submit(onDatabase(w));
    await grow(22);
    const second = await stream.until((one) => one.startsWith('id: 22\n'));
    expect(second.match(/hx-target="#task-/g)).toHaveLength(1);
    expect(second).toMatch(new RegExp(`<tr id="task-${id}" class="gone">`));
    expect(second.replace(/<[^>]*>/g, '')).toMatch(/Test officerB claimed this at \d\d:\d\d/);
    expect(second).not.toContain('action="/tasks/');
    expect(second.replace(/<[^>]*>/g, '')).toMatch(/1\srow changed, 1 new at \d\d:\d\d/);
    expect(second).not.toContain(fresh.number);
    expect(second).not.toContain('autofocus');
    // Done by its holder: it stays, greyed, with who did it.
    await complete(onDatabase(w), caseId, 'officerB', 'decide-eligibility', {
      choice: 'accept',
      criteria: { need: 'met', capacity: 'met', prognosis: 'met' },
      disciplines: ['physiotherapy'],
    });
    await grow(23);
    const third = await stream.until((one) => one.startsWith('id: 23\n'));
    expect(third.replace(/<[^>]*>/g, '')).toMatch(/Test officerB did this at/);
    // One announcement in ten seconds.
    expect(third).not.toContain('queue-fresh');
    await stream.cancel();
    // Whoever comes back with the page as it was is told the same again.
    const back = reader((await b.get(address)).body);
    await back.next();
    await grow(24);
    const told = (await back.until((one) => one.startsWith('id: 24\n'))).replace(/<[^>]*>/g, '');
    expect(told).toMatch(/Test officerB did this at/);
    expect(told).toMatch(/1\srow changed, 1 new at/);
    await back.cancel();
  });

  it('gives no row of a kind that is not the reader’s, whatever ids are asked for', async () => {
    const { caseId } = await submit(onDatabase(w));
    const [task] = await w.web.sql<
      { id: string }[]
    >`select id from tasks where case_id = ${caseId} and status = 'open'`;
    const b = await w.signIn('therapistA');
    const rows = packRows([{ id: task?.id as string, mark: '00ff00ff' }]);
    expect(unpackRows(rows)).toEqual([{ id: task?.id, mark: '00ff00ff' }]);
    const stream = reader((await b.get(`/live?topic=queue&view=open&rows=${rows}&after=0`)).body);
    await stream.next();
    await grow(30);
    await stream.until((one) => one.startsWith('id: 30'));
    await grow(31);
    expect(await stream.until((one) => one.startsWith('id: 31'))).toBe('id: 31');
    await stream.cancel();
    for (const query of ['rows=x', 'rows=%00', 'view=nothing', 'size=7', `rows=${'A'.repeat(4000)}`])
      expect((await b.get(`/live?topic=queue&${query}`)).status, query).toBe(400);
    expect((await (await w.signIn('auditor')).get('/live?topic=queue')).status).toBe(404);
    expect((await (await w.signIn('patient')).get('/live?topic=queue')).status).toBe(404);
  });

  it('asks a reader who was long away to load anew', async () => {
    const stop = new AbortController();
    const stream = reader(
      openStream({
        live: w.webDeps.live,
        size: async () => 2000,
        after: 1,
        now: () => new Date(),
        render: async () => ({ html: '<p></p>' }),
        still: async () => true,
        signal: stop.signal,
        closed: () => undefined,
        trouble: (error) => {
          throw error;
        },
      }),
    );
    await stream.next();
    expect(await stream.next()).toMatch(/^id: 2000\nevent: reload-me/);
    stop.abort();
    expect(await stream.next()).toBeUndefined();
  });

  it('beats, and lets go of a reader that does not read', async () => {
    let closed = 0;
    const body = openStream({
      live: w.webDeps.live,
      size: async () => 1,
      after: 1,
      now: () => new Date(),
      render: async () => ({ html: 'x' }),
      still: async () => true,
      signal: new AbortController().signal,
      closed: () => {
        closed += 1;
      },
      trouble: () => undefined,
      beatMs: 1,
    });
    await new Promise<void>((resolve) => {
      const look = setInterval(() => {
        if (closed === 0) return;
        clearInterval(look);
        resolve();
      }, 5);
    });
    expect(closed).toBe(1);
    await body.cancel();
    expect(closed).toBe(1);
  });
});
