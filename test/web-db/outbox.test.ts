// Acts that were sent and not answered in time, on a real database: sent again with the same key until they are done or refused,
// by nobody twice, read by nobody else, and given up only so that they stay undone.
import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { refuse } from '../../domain/refusal.ts';
import { type OutboxDeps, sendAgain } from '../../web/outbox.ts';
import type { ActRequest } from '../../workflows/messages.ts';
import { wordsOf } from '../support/pages.ts';
import { createWebWorld, HTMX, type WebWorld } from '../support/web-world.ts';
import type { Browser } from './staff-story.ts';

let world: WebWorld;
beforeAll(async () => {
  world = await createWebWorld();
});
afterAll(() => world.close());

/** Moves on with each test, so that what an earlier one left is never due by accident. */
let now = Date.now();
const later = (ms: number): void => {
  now += ms;
  world.setClock(() => new Date(now));
};
beforeEach(async () => {
  later(0);
  world.setTrouble(undefined);
  await world.web.sql`delete from ask_outbox`;
});

const passes = (more: Partial<OutboxDeps> = {}): Promise<number> =>
  sendAgain({
    db: world.web.db,
    again: world.webDeps.ask.again,
    recorder: world.webDeps.recorder,
    now: () => new Date(now),
    note: (error) => {
      throw error;
    },
    ...more,
  });

const FILLED = {
  draft: '',
  patientName: 'Nora Testperson',
  'birthDate.day': '14',
  'birthDate.month': '3',
  'birthDate.year': '1958',
  sex: 'female',
  language: 'de',
  'reasonSince.day': '',
  'reasonSince.month': '',
  'reasonSince.year': '',
  goals: 'Walk to the shop',
};

/** The key of a form that is not sent yet. */
async function keyFor(browser: Browser): Promise<string> {
  return /name="key" value="([\w.-]+)"/.exec(await (await browser.get('/apply')).text())?.[1] ?? '';
}

/** An application that was sent and of which nobody has heard since. */
async function lost(): Promise<{ browser: Browser; key: string }> {
  const browser = await world.signIn('referrer');
  const key = await keyFor(browser);
  world.setTrouble('still-working');
  const reason = `Stroke in spring ${randomUUID()}`;
  const answer = await browser.post('/apply', { ...FILLED, reason, key });
  expect(answer.status).toBe(202);
  return { browser, key };
}

const operations = async (key: string): Promise<number> => {
  const [row] = await world.web.sql<{ n: number }[]>`
    select count(*)::int as n from operations where id = ${key}`;
  return row?.n ?? -1;
};
const waiting = async (): Promise<ActRequest[]> =>
  (await world.web.sql<{ request: string }[]>`select request from ask_outbox where answer is null`).map(
    ({ request }) => JSON.parse(request) as ActRequest,
  );

describe('an act that was lost before anybody did it', () => {
  test('is sent again with its own key, is done once, and the page that waits says so', async () => {
    const { browser, key } = await lost();
    expect(await operations(key)).toBe(0);
    later(5_000);
    // Still nobody there: it stays, and the page says what is true.
    expect(await passes()).toBe(1);
    const page = await browser.get(`/ask/${key}`);
    expect(page.status).toBe(202);
    expect(wordsOf(await page.text())).not.toContain('Nothing is recorded yet');
    later(60_000);
    expect(wordsOf(await (await browser.get(`/ask/${key}`, HTMX)).text())).toContain(
      'Nothing is recorded yet. It is kept and sent again until it is done or refused.',
    );
    world.setTrouble(undefined);
    expect(await passes()).toBe(1);
    expect(await operations(key)).toBe(1);
    const done = await browser.get(`/ask/${key}`);
    expect(done.status).toBe(200);
    expect(wordsOf(await done.text())).toContain('Its number is RC-');
    later(600_000);
    expect(await passes()).toBe(0);
    expect(await operations(key)).toBe(1);
  });

  test('pauses between repeats grow, and end at a minute', async () => {
    await lost();
    const pauses: number[] = [];
    for (let i = 0; i < 9; i++) {
      const [row] = await world.web.sql<{ next_at: Date | string }[]>`select next_at from ask_outbox`;
      const next = new Date(row?.next_at ?? 0).getTime();
      pauses.push((next - now) / 1000);
      now = next;
      expect(await passes()).toBe(1);
    }
    expect(pauses).toEqual([3, 3, 6, 12, 24, 48, 60, 60, 60]);
  });

  test('is sent by one process, however many look', async () => {
    await lost();
    await lost();
    later(5_000);
    const sent: string[] = [];
    const again = async ({ key }: ActRequest) => {
      sent.push(key);
      return { kind: 'still-working' as const };
    };
    await Promise.all(Array.from({ length: 6 }, () => passes({ again })));
    expect(sent).toHaveLength(2);
    expect(new Set(sent).size).toBe(2);
  });

  test('holds no value in clear, and no other process may read it', async () => {
    await lost();
    const [row] = await world.web.sql<{ request: string }[]>`select request from ask_outbox`;
    expect(row?.request).not.toMatch(/Nora|Stroke|1958/);
    for (const role of ['worker', 'ledger', 'verify'] as const) {
      const sql = postgres(world.fresh.urls[role], { max: 1, onnotice: () => undefined });
      await expect(sql`select * from ask_outbox`).rejects.toThrow('permission denied');
      await sql.end();
    }
  });
});

describe('an act that is refused when it is sent again', () => {
  test('says so, also when the refusal leaves no row of its own, and leads back to its form', async () => {
    const { browser, key } = await lost();
    world.setTrouble(undefined);
    world.refuseNext(refuse('values', { fields: [{ field: 'birthDate', fault: 'notADate' }] }));
    later(5_000);
    await passes();
    expect(await operations(key)).toBe(0);
    expect(await waiting()).toEqual([]);
    const page = await browser.get(`/ask/${key}`);
    expect(page.status).toBe(422);
    expect(await page.text()).toContain('href="/apply"');
    const part = await browser.get(`/ask/${key}`, HTMX);
    expect(part.status).toBe(200);
    expect(await part.text()).toContain('href="/apply"');
    // It can be read for a week.
    later(8 * 86_400_000);
    await passes();
    expect(await world.web.sql`select 1 from ask_outbox`).toHaveLength(0);
  });

  test('after a day it is given up so that it stays undone, whatever arrives later', async () => {
    const { key } = await lost();
    const [request] = await waiting();
    if (!request) throw new Error('nothing waits');
    later(25 * 3_600_000);
    await passes();
    const page = await (await world.signIn('referrer')).get(`/ask/${key}`);
    expect(wordsOf(await page.text())).toContain('Nothing was recorded. Send it again.');
    expect(await operations(key)).toBe(1);
    const [refusal] = await world.web.sql`select code from refusals order by refused_at desc limit 1`;
    expect(refusal?.code).toBe('not-delivered');
    // The Update arrives after all: its key is used up.
    world.setTrouble(undefined);
    expect(await world.webDeps.ask.again(request)).toMatchObject({ kind: 'refusal', code: 'key-reused' });
    expect(await world.web.sql`select 1 from cases where id = ${request.caseId}`).toHaveLength(0);
  });

  test('when it was done just before it is given up, it is done', async () => {
    const { key } = await lost();
    const [request] = await waiting();
    if (!request) throw new Error('nothing waits');
    world.setTrouble(undefined);
    await world.webDeps.ask.again(request);
    later(25 * 3_600_000);
    await passes();
    const done = await (await world.signIn('referrer')).get(`/ask/${key}`);
    expect(wordsOf(await done.text())).toContain('Its number is RC-');
    expect(await world.web.sql`select 1 from ask_outbox`).toHaveLength(0);
  });
});

test('of what was never sent, and of what somebody else sent, the page says the same: nothing is recorded here', async () => {
  const { browser, key } = await lost();
  const stranger = await world.signIn('patient');
  const theirs = await stranger.get(`/ask/${key}`);
  expect(theirs.status).toBe(404);
  expect(wordsOf(await theirs.text())).toContain('nothing is on its way');
  const unsent = await browser.get(`/ask/${await keyFor(browser)}`);
  expect(unsent.status).toBe(404);
  expect((await browser.get('/ask/nonsense')).status).toBe(404);
});
