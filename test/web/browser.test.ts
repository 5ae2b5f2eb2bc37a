// The gallery in a real browser: accessible, inside its content policy, usable by keyboard and at 320 px,
// and the behaviours of app.js against real answers, silence included.
import { Hono } from 'hono';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { assetRoutes } from '../../web/assets/manifest.ts';
import { HTMX_CONFIG } from '../../web/layout.tsx';
import { GALLERY_LANGS, partsGallery } from '../../web/parts/gallery.tsx';
import { axeViolations } from '../support/axe.ts';
import { openBrowser, openPage, type ShotOptions } from '../support/browser.ts';
import { type Served, serveOnLoopback } from '../support/serve.ts';

const HOSTILE = `"><img src=x onerror="globalThis.hit=1"><script>globalThis.hit=1</script>`;

let browser: Browser;
let served: Served;
let hostile: Served;

beforeAll(async () => {
  browser = await openBrowser();
  const app = new Hono();
  app.route('/', assetRoutes());
  app.get('/live', (c) => c.body(null, 204));
  app.post('/parts/answer/fine', async (c) => {
    const { key } = await c.req.parseBody();
    return c.html(
      `<form id="answer-fine"><p id="arrived">${key === 'key-fine' ? 'arrived' : 'another key'}</p></form>`,
    );
  });
  app.route('/', partsGallery());
  served = await serveOnLoopback(app);
  const other = new Hono();
  other.route('/', assetRoutes());
  other.route('/', partsGallery({ name: HOSTILE, prose: HOSTILE }));
  hostile = await serveOnLoopback(other);
});
afterAll(async () => {
  await browser?.close();
  await Promise.all([served?.close(), hostile?.close()]);
});

const pages: Page[] = [];
/** Opens the gallery and collects what must not happen: violations of the content policy and page errors. */
async function gallery(
  query = '',
  options: ShotOptions = {},
  at: Served = served,
): Promise<{ page: Page; faults: string[] }> {
  const page = await openPage(browser, options);
  pages.push(page);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/i.test(message.text())) faults.push(message.text());
  });
  await page.goto(`${at.url}/parts${query}`);
  return { page, faults };
}
afterEach(async () => {
  for (const page of pages.splice(0)) await page.context().close();
});

describe('accessibility', () => {
  for (const lang of GALLERY_LANGS)
    for (const dark of [false, true])
      it(`axe finds nothing in ${lang}, ${dark ? 'dark' : 'light'}`, async () => {
        const { page, faults } = await gallery(`?lang=${lang}`, { dark });
        expect(await axeViolations(page)).toEqual([]);
        expect(faults).toEqual([]);
      });

  it('axe finds nothing on a phone, for patients, with the setting against the device', async () => {
    const { page } = await gallery('?audience=patient&theme=dark', { width: 360, dark: false });
    expect(await axeViolations(page)).toEqual([]);
    expect(
      await page.evaluate(() => getComputedStyle(document.body.parentElement as Element).backgroundColor),
    ).toBe('rgb(17, 24, 22)');
  });

  it.each([
    [320, 'en'],
    [320, 'zh-Hans'],
    [640, 'en'],
  ])('nothing makes the page scroll sideways at %d px in %s', async (width, lang) => {
    const { page } = await gallery(`?lang=${lang}`, { width });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
  });

  it('text at 200 % still fits the screen', async () => {
    const { page } = await gallery('', { width: 1280 });
    await page.evaluate(() => {
      document.documentElement.style.fontSize = '200%';
    });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(1280);
  });

  it('targets are at least 24 px, for patients 44 px where one acts', async () => {
    const { page } = await gallery('?audience=patient', { width: 360 });
    const small = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('main .button:not(.small), main .control')]
        .filter((element) => element.getBoundingClientRect().height < 44)
        .map((element) => element.outerHTML.slice(0, 80)),
    );
    expect(small.filter((html) => !html.includes('filter-'))).toEqual([]);
  });

  it('every stop of the tab key is visible, has a ring, and there is no trap', async () => {
    const { page } = await gallery();
    const seen = new Set<string>();
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    for (let stop = 0; stop < 160; stop += 1) {
      await page.keyboard.press('Tab');
      const at = await page.evaluate(() => {
        const element = document.activeElement as HTMLElement;
        if (!element || element === document.body) return { end: true, name: '', ring: '', inView: true };
        const box = element.getBoundingClientRect();
        const bar = document.querySelector('.bar')?.getBoundingClientRect().bottom ?? 0;
        return {
          end: false,
          name: `${element.tagName} ${element.id} ${element.className} ${Math.round(box.x)} ${Math.round(box.y + scrollY)}`,
          ring: getComputedStyle(element).outlineStyle,
          inView:
            box.bottom > 0 && box.top < innerHeight && (element.closest('.bar') !== null || box.bottom > bar),
        };
      });
      if (at.end) break;
      expect(at.ring, at.name).toBe('solid');
      expect(at.inView, `hidden while focused: ${at.name}`).toBe(true);
      expect(seen.has(at.name), `focus came back to: ${at.name}`).toBe(false);
      seen.add(at.name);
    }
    expect(seen.size).toBeGreaterThan(40);
  });

  it('forced colours keep every status told apart by word and icon', async () => {
    const { page } = await gallery('', { forcedColors: 'active' });
    for (const tag of await page.locator('.tag').all()) {
      expect(((await tag.textContent()) ?? '').trim()).not.toBe('');
      expect(await tag.locator('svg.icon').count()).toBe(1);
    }
    expect(await axeViolations(page)).toEqual([]);
  });
});

describe('hostile words', () => {
  it.each([true, false])('nothing runs, script on: %s', async (script) => {
    const { page, faults } = await gallery('', { script }, hostile);
    expect(faults).toEqual([]);
    expect(await page.locator('img').count()).toBe(0);
    if (script) expect(await page.evaluate(() => (globalThis as { hit?: number }).hit)).toBeUndefined();
    await expect.poll(() => page.locator('.account-name').first().textContent()).toBe(HOSTILE);
  });
});

describe('script', () => {
  it('the fixed settings are what htmx runs with, and first visit costs six requests', async () => {
    const page = await openPage(browser);
    pages.push(page);
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(`${served.url}/parts`, { waitUntil: 'load' });
    const config = await page.evaluate(
      () => (globalThis as unknown as { htmx: { config: Record<string, unknown> } }).htmx.config,
    );
    expect(config).toMatchObject(JSON.parse(HTMX_CONFIG) as object);
    expect(requests.filter((url) => !url.includes('/live')).length).toBeLessThanOrEqual(6);
  });

  it('a refused form comes back with its text and its summary in focus', async () => {
    const { page } = await gallery();
    await page.fill('#f-note-corrected', 'typed by a person');
    await page.click('#answer-corrected button');
    await page.waitForSelector('#answer-corrected .error-summary');
    expect(await page.evaluate(() => document.activeElement?.className)).toBe('error-summary');
    expect(await page.inputValue('#f-note-corrected')).toBe('typed by a person');
    await page.click('#answer-corrected .error-summary a');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('f-note-corrected');
  });

  it('a store that is down leaves the form as it is and says so', async () => {
    const { page } = await gallery('?lang=zh-Hans');
    await page.fill('#f-note-down', 'typed by a person');
    await page.click('#answer-down button');
    await expect.poll(() => page.textContent('#notice')).toContain('内容不会丢失');
    expect(await page.inputValue('#f-note-down')).toBe('typed by a person');
  });

  it('no answer: the same key is asked again until it is known, and what is typed meanwhile stays', async () => {
    const { page } = await gallery();
    let alive = false;
    const asked: string[] = [];
    await page.fill('#f-note-fine', 'first');
    // The far side dies after it took the request.
    await page.route('**/parts/answer/fine?*', async (route) => {
      const sent = new URLSearchParams(route.request().postData() ?? '');
      asked.push(`${sent.get('key')} ${sent.get('note-fine')}`);
      return alive ? route.continue() : route.abort('connectionreset');
    });
    await page.click('#answer-fine button');
    await expect.poll(() => page.textContent('#notice')).toContain('We are not sure yet');
    await page.fill('#f-note-fine', 'second');
    await expect.poll(() => asked.length, { timeout: 10_000 }).toBe(2);
    expect(await page.inputValue('#f-note-fine')).toBe('second');
    alive = true;
    await page.waitForSelector('#arrived', { timeout: 20_000 });
    expect(await page.textContent('#arrived')).toBe('arrived');
    expect(asked).toEqual(['key-fine first', 'key-fine first', 'key-fine first']);
    expect(await page.textContent('#alert')).toBe('');
  });

  it('keys: J and K move, X selects, ? lists them, and none of it inside a field', async () => {
    const { page } = await gallery();
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    const at = () => page.evaluate(() => document.activeElement?.textContent?.trim());
    await page.keyboard.press('j');
    expect(await at()).toBe('RC-V2RX-D8');
    await page.keyboard.press('j');
    expect(await at()).toBe('RC-7QK4-M2');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('k');
    expect(await at()).toBe('RC-7QK4-M2');
    await page.keyboard.press('x');
    expect(await page.isChecked('#RC-7QK4-M2-pick')).toBe(true);
    await page.focus('#f-patientName');
    await page.keyboard.press('?');
    expect(await page.isVisible('#keys-sheet')).toBe(false);
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await page.keyboard.press('?');
    expect(await page.isVisible('#keys-sheet')).toBe(true);
    await page.keyboard.press('Escape');
    expect(await page.isVisible('#keys-sheet')).toBe(false);
    await page.keyboard.press('r');
    expect(await page.isChecked('input[name=choice][value=refuse]')).toBe(true);
  });

  it('keys can be switched off', async () => {
    const { page } = await gallery();
    await page.evaluate(() => {
      document.documentElement.dataset.keys = 'off';
      (document.activeElement as HTMLElement | null)?.blur();
    });
    await page.keyboard.press('?');
    expect(await page.isVisible('#keys-sheet')).toBe(false);
  });

  it('nothing of a page stays in the browser', async () => {
    const { page } = await gallery();
    expect(await page.evaluate(() => [localStorage.length, sessionStorage.length])).toEqual([0, 0]);
  });
});
