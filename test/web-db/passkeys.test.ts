// Passkeys in a real Chromium with a virtual authenticator: added in the settings, used without a name, refused alike whatever is
// wrong, and counted in the database. Also every page in the browser: nothing it loads breaks the content policy, and axe is content.
import { Hono } from 'hono';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { auditEntries, passkeySession, signInAttemptCache, webSession } from '../../db/schema.ts';
import { createApp } from '../../web/app.tsx';
import { type Authenticator, giveAuthenticator } from '../support/authenticator.ts';
import { openBrowser, openPage } from '../support/browser.ts';
import { type Served, serveOnLoopback } from '../support/serve.ts';
import { createWebWorld, type WebWorld } from '../support/web-world.ts';

let w: WebWorld;
let browser: Browser;
let served: Served;
let url: string;
let app: Hono<never>;

beforeAll(async () => {
  w = await createWebWorld();
  browser = await openBrowser();
  const shell = new Hono();
  shell.all('*', (c) => app.fetch(c.req.raw, c.env as never));
  served = await serveOnLoopback(shell);
  // Passkeys belong to a name, so the service is reached under one.
  url = served.url.replace('127.0.0.1', 'localhost');
  app = createApp({ ...w.webDeps, settings: { publicUrl: new URL(url), demonstration: true } })
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

async function open(): Promise<Authenticator & { page: Page; faults: string[] }> {
  const page = await openPage(browser);
  pages.push(page);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/i.test(message.text())) faults.push(message.text());
  });
  return { page, faults, ...(await giveAuthenticator(page)) };
}

/** Signs in from the list and adds a passkey. */
async function withPasskey(name: string) {
  const opened = await open();
  const { page } = opened;
  await page.goto(`${url}/sign-in`);
  await page.getByRole('button', { name: `Test ${name}` }).click();
  await page.waitForURL((at) => !at.pathname.startsWith('/sign-in'));
  await page.goto(`${url}/settings`);
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.waitForURL('**/settings?done=passkey');
  return opened;
}

const signOut = async (page: Page): Promise<void> => {
  await page.locator('details.menu:not(.bar-menu) > summary').click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL('**/sign-in?out=1');
};

describe('a passkey', () => {
  it('is added with its entry, and signs in without a name', async () => {
    const { page, faults } = await withPasskey('auditor');
    await page.getByText('The passkey is added').waitFor();
    const [kept] = await w.web.db.select().from(passkeySession);
    expect(kept?.personId).toBe(w.as('auditor').id);
    const added = (await w.web.db.select().from(auditEntries)).filter(
      ({ event }) => event === 'passkey.added',
    );
    expect(added.map(({ personId }) => personId)).toEqual([w.as('auditor').id]);

    await signOut(page);
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await page.waitForURL('**/audit');
    await page.getByText('Test auditor').first().waitFor();

    // From an address that was asked for signed out, it leads there.
    await signOut(page);
    await page.goto(`${url}/cases?stage=treatment`);
    await page.getByText('After signing in you come to the page you asked for.').waitFor();
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await page.waitForURL('**/cases?stage=treatment');
    expect(faults).toEqual([]);
  });

  it('is not taken without the person being verified', async () => {
    const { page, verifies } = await withPasskey('doctor');
    await signOut(page);
    await verifies(false);
    const before = await w.web.db.$count(webSession);
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await page.getByText('We could not sign you in with this passkey').waitFor();
    expect(await w.web.db.$count(webSession)).toBe(before);
  });

  it('that is unknown, and one that was removed, read the same', async () => {
    const { page } = await withPasskey('therapistB');
    await page.getByRole('button', { name: 'Remove' }).click();
    await page.waitForURL('**/settings?done=saved');
    await page.getByText('You have no passkey yet').waitFor();
    await signOut(page);
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await page.getByText('We could not sign you in with this passkey').waitFor();
  });

  it('whose role has ended opens nothing', async () => {
    const { page } = await withPasskey('officerD');
    await signOut(page);
    await w.web.sql`select 1`;
    const owner = (await import('postgres')).default(w.fresh.ownerUrl, { max: 1 });
    await owner`update role_assignments set ended_at = now() where person_id = ${w.as('officerD').id}`;
    await owner.end();
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await page.getByText('We could not sign you in with this passkey').waitFor();
  });
});

describe('the address for signing in', () => {
  const ask = (path: string, body: unknown) =>
    app.request(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: url },
      body: JSON.stringify(body),
    });
  const response = {
    id: 'x',
    rawId: 'x',
    type: 'public-key',
    clientExtensionResults: {},
    response: { clientDataJSON: 'x', authenticatorData: 'x', signature: 'x' },
  };

  it('answers an unknown passkey, a used challenge and nonsense alike', async () => {
    const { id } = (await (await ask('/sign-in/passkey/options', {})).json()) as { id: string };
    const answers = await Promise.all(
      [
        { id, response },
        { id, response },
        { id: '00000000-0000-4000-8000-000000000000', response },
        { id, response: { ...response, __proto__: { a: 1 }, id: { $ne: 1 } } },
        [],
        'x',
        null,
      ].map(async (body) => {
        const answer = await ask('/sign-in/passkey', body);
        return [answer.status, await answer.text(), answer.headers.get('set-cookie')];
      }),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]?.[0]).toBe(401);
  });

  it('makes an address wait that tries too often, ever longer, and never for ever', async () => {
    const statuses: number[] = [];
    // Together, as an attacker would.
    await Promise.all(
      Array.from({ length: 40 }, async () => {
        statuses.push((await ask('/sign-in/passkey', {})).status);
      }),
    );
    expect(statuses.filter((status) => status === 401)).toHaveLength(20);
    expect(statuses.filter((status) => status === 429)).toHaveLength(20);
    const late = await ask('/sign-in/passkey', {});
    expect(late.status).toBe(429);
    const wait = Number(late.headers.get('retry-after'));
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(900);
    const then = new Date(Date.now() + (wait + 1) * 1000);
    w.setClock(() => then);
    expect((await ask('/sign-in/passkey', {})).status).toBe(401);
    w.setClock(() => new Date());
  });
});
