// Test support: pictures of pages. Alone it writes the gallery of parts in eight variants: `tsx test/support/shots.ts FOLDER`.
// Fixed zone, no motion, hidden caret, Chinese glyphs: the same page gives the same picture on every machine.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Hono } from 'hono';
import type { Browser, Page } from 'playwright-core';
import { addChineseFont, openBrowser, openPage, type ShotOptions } from './browser.ts';
import { serveOnLoopback } from './serve.ts';

/** Opens an address ready for its picture. `before` may sign in or act first. The caller closes the context. */
export async function openForShot(
  browser: Browser,
  url: string,
  options: ShotOptions = {},
  before?: (page: Page) => Promise<void>,
): Promise<Page> {
  // The test font is not the product's: only for pictures may the content policy be passed by.
  const page = await openPage(browser, { bypassCSP: true, ...options });
  await before?.(page);
  await page.goto(url);
  return page;
}

/** Takes the picture of a page as it stands, from its top. `whole` takes all of it, otherwise what is in view. */
export async function shot(
  page: Page,
  path: string,
  { whole = true }: { whole?: boolean } = {},
): Promise<void> {
  await addChineseFont(page);
  await page.evaluate(() => {
    (document.activeElement as HTMLElement | null)?.blur();
    scrollTo(0, 0);
  });
  await page.screenshot({ path, fullPage: whole, animations: 'disabled', caret: 'hide' });
}

/** {1280, 360} × {light, dark} × {en, zh-Hans}: UI.md section 8. */
export const VARIANTS = [1280, 360].flatMap((width) =>
  [false, true].flatMap((dark) =>
    (['en', 'zh-Hans'] as const).map((lang) => ({
      width,
      dark,
      lang,
      name: `${width}-${dark ? 'dark' : 'light'}-${lang}`,
    })),
  ),
);

const SOAK = process.env.REHAB_SOAK !== undefined;
/** Which variant is the first today; `REHAB_VARIANT`, from 0 to 7, chooses another day's. */
const TURN = Number(process.env.REHAB_VARIANT ?? Math.floor(Date.now() / 86_400_000)) % VARIANTS.length;

/**
 * How pages are looked at: one of the eight variants, in rotation by the day and by what is looked at, so that every run has all of
 * them and each page meets each in turn; in a soak all eight (DESIGN.md section 9, 27).
 */
export const variantsOf = (nth: number): typeof VARIANTS =>
  SOAK ? VARIANTS : [...VARIANTS, ...VARIANTS].slice((TURN + nth) % VARIANTS.length).slice(0, 1);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { assetRoutes } = await import('../../web/assets/manifest.ts');
  const { partsGallery } = await import('../../web/parts/gallery.tsx');
  const folder = process.argv[2] ?? 'test/.artifacts/parts';
  await mkdir(folder, { recursive: true });
  const app = new Hono();
  app.route('/', assetRoutes());
  app.route('/', partsGallery());
  app.get('/live', (c) => c.body(null, 204));
  const served = await serveOnLoopback(app);
  const browser = await openBrowser();
  try {
    for (const { width, dark, lang, name } of VARIANTS) {
      const page = await openForShot(browser, `${served.url}/parts?lang=${lang}`, { width, dark });
      const path = join(folder, `${name}.png`);
      await shot(page, path);
      console.info(path);
      await page.context().close();
    }
  } finally {
    await browser.close();
    await served.close();
  }
}
