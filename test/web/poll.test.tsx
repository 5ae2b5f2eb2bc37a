// Parts that ask for themselves until they know, in a real browser: each answer that is not the last is followed by another
// question, and the last one ends it.
import { Hono } from 'hono';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { assetRoutes } from '../../web/assets/manifest.ts';
import { VerifyStatus } from '../../web/audit/audit.tsx';
import { page } from '../../web/layout.tsx';
import { StillWorking } from '../../web/parts/still-working.tsx';
import { text } from '../../web/text/text.ts';
import { openBrowser, openPage } from '../support/browser.ts';
import { type Served, serveOnLoopback } from '../support/serve.ts';

const t = text('en');
let browser: Browser;
let served: Served;
const asked = { still: 0, verify: 0 };

beforeAll(async () => {
  browser = await openBrowser();
  const state = { running: true, startedAt: '2026-11-23T07:00:00.000Z', report: null, failed: false };
  const app = new Hono();
  app.route('/', assetRoutes());
  const body = (
    <>
      <StillWorking t={t} askHref="/ask/1" />
      <VerifyStatus t={t} state={state} />
    </>
  );
  app.get('/page', (c) =>
    c.html(page({ t, theme: 'light', path: '/page' }, { title: 'Waiting' }, body) as never),
  );
  app.get('/ask/1', (c) => {
    asked.still += 1;
    return asked.still < 3
      ? c.html((<StillWorking t={t} askHref="/ask/1" />) as never, 202)
      : c.html((<p id="still-working">It is known now</p>) as never);
  });
  app.get('/audit', (c) => {
    asked.verify += 1;
    return c.html((<VerifyStatus t={t} state={{ ...state, running: asked.verify < 3 }} />) as never);
  });
  served = await serveOnLoopback(app);
});
afterAll(async () => {
  await browser?.close();
  await served?.close();
});

it('ask until they know, and then no more', async () => {
  const view = await openPage(browser);
  await view.goto(`${served.url}/page`);
  await view.getByText('It is known now').waitFor();
  await view.getByRole('heading', { name: 'Not run yet.' }).waitFor();
  expect(asked).toEqual({ still: 3, verify: 3 });
  await view.context().close();
});
