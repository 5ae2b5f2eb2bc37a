// End to end: what every story shares: one machine, one browser, and people who are signed in at it. Watches all pages for what
// must never happen on any: a breach of the content policy, an error in the console, an answer of 5xx that nobody provoked.
import type { Browser, Page, Response } from 'playwright-core';
import { openBrowser, openPage, type ShotOptions } from '../support/browser.ts';
import { attachTo, startMachine, type TestMachine } from '../support/machine.ts';

export interface World {
  readonly machine: TestMachine;
  readonly browser: Browser;
  /** Everything that was wrong on any page; a story that provoked it takes it out with `expectTrouble`. */
  readonly trouble: string[];
  /** Titles and addresses of all pages that were shown, for the search of the canaries. */
  readonly visited: Set<string>;
  /** What pages asked our server for by themselves or by a press on them, as `METHOD path`; typed addresses are not among them. */
  readonly asked: Set<string>;
  close(): Promise<void>;
}

/** Starts machine and browser. `REHAB_E2E_DATA` names the data folder of a machine that runs already. */
export async function openWorld(): Promise<World> {
  const running = process.env.REHAB_E2E_DATA;
  const machine = running
    ? attachTo(running)
    : await startMachine((line) => process.stderr.write(`${line}\n`));
  const browser = await openBrowser();
  return {
    machine,
    browser,
    trouble: [],
    visited: new Set(),
    asked: new Set(),
    async close() {
      await browser.close();
      await machine.stop();
    },
  };
}

/** How a person works: with script or without, and what their screen is like. */
export interface Manner extends Omit<ShotOptions, 'locale'> {
  readonly lang?: 'en' | 'zh-Hans';
}

/** Opens the sign-in page as a stranger. The caller closes the page's context. */
export async function stranger(world: World, { lang = 'en', ...manner }: Manner = {}): Promise<Page> {
  const page = await openPage(world.browser, {
    ...manner,
    baseURL: world.machine.url,
    locale: lang === 'en' ? 'en-GB' : 'zh-CN',
  });
  page.setDefaultTimeout(30_000);
  watch(world, page);
  await page.goto('/sign-in');
  return page;
}

/** Signs in one of the demonstration's people by the list, and lands where their role lands. */
export async function signedIn(world: World, name: string, manner: Manner = {}): Promise<Page> {
  const page = await stranger(world, manner);
  // Somebody with two roles stands there once for each.
  await page.locator('button.person', { hasText: name }).first().click();
  await page.waitForURL((url) => url.pathname !== '/sign-in' && url.pathname !== '/sign-in/demonstration');
  // Whoever decides and has no key yet is led to make one first; a story of its own does so, the others come to their work.
  if (new URL(page.url()).pathname === '/keys') await page.locator('#to-work').click();
  await page.waitForURL((url) => url.pathname !== '/keys');
  return page;
}

/** Signs somebody in for as long as `story` lasts. */
export async function as<R>(
  world: World,
  name: string,
  manner: Manner,
  story: (page: Page) => Promise<R>,
): Promise<R> {
  const page = await signedIn(world, name, manner);
  try {
    return await story(page);
  } finally {
    await page.context().close();
  }
}

function watch(world: World, page: Page): void {
  const note = (what: string): void => {
    world.trouble.push(`${new URL(page.url()).pathname}: ${what}`);
  };
  page.on('pageerror', (error) => note(`script error: ${error.message}`));
  page.on('console', (message) => {
    const text = message.text();
    // A browser also reports each answer of 4xx and 5xx here; `response` below judges those by what they are.
    if (/^Failed to load resource/.test(text)) return;
    if (message.type() === 'error' || /Content Security Policy|Refused to/i.test(text))
      note(`console: ${text}`);
  });
  page.on('response', (response: Response) => {
    const { pathname } = new URL(response.url());
    const status = response.status();
    if (status >= 500 || (status === 404 && pathname.startsWith('/assets/')))
      note(`${status} from ${pathname}`);
  });
  page.on('request', (request) => {
    const { origin, pathname } = new URL(request.url());
    // A browser names the page it comes from; an address that was typed comes from none.
    if (origin === world.machine.url && request.headers().referer?.startsWith(origin))
      world.asked.add(`${request.method()} ${pathname}`);
  });
  page.on('framenavigated', async (frame) => {
    world.visited.add(frame.url());
    world.visited.add(await frame.title().catch(() => ''));
  });
}

/** Takes out of the world's trouble what a story provoked itself; fails when it did not come. */
export function expectTrouble(world: World, pattern: RegExp): void {
  const kept = world.trouble.filter((line) => !pattern.test(line));
  if (kept.length === world.trouble.length) throw new Error(`expected trouble did not come: ${pattern}`);
  world.trouble.splice(0, world.trouble.length, ...kept);
}
