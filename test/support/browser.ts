// Test support: a real Chromium on any Linux machine, with no system package and no download outside npm.
// Unpacks the build that `@sparticuz/chromium` ships once per version into the cache folder; `CHROMIUM` names another binary.
// Never used by the product; never shares a browser profile between tests.

import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import {
  access,
  constants,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { chromium } from 'playwright-core';

/** Folder of an installed package, found through its main file because most packages do not export package.json. */
function packageFolder(name: string): string {
  let folder = dirname(createRequire(import.meta.url).resolve(name));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

/** First of the usual cache folders that this user may write: root, ordinary user and user without a home all work. */
async function cacheFolder(): Promise<string> {
  const candidates = [process.env.XDG_CACHE_HOME, join(homedir(), '.cache')].filter(
    (path) => path !== undefined,
  );
  for (const candidate of candidates) {
    try {
      const folder = join(candidate, 'rehab');
      await mkdir(folder, { recursive: true });
      await access(folder, constants.W_OK);
      return folder;
    } catch {
      // Not ours to write: try the next one.
    }
  }
  const folder = join(tmpdir(), `rehab-cache-${process.getuid?.() ?? 'user'}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}

async function unbrotli(source: string, target: string, mode = 0o644): Promise<void> {
  await pipeline(createReadStream(source), createBrotliDecompress(), createWriteStream(target, { mode }));
}

async function untar(source: string, folder: string): Promise<void> {
  const tar = spawn('tar', ['-x', '-C', folder, '-f', '-'], { stdio: ['pipe', 'ignore', 'inherit'] });
  const ended = new Promise<void>((resolve, reject) => {
    tar.once('error', reject);
    tar.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`Unpacking stopped with tar exit code ${code}: ${source}`)),
    );
  });
  await pipeline(createReadStream(source), createBrotliDecompress(), tar.stdin);
  await ended;
}

type Installed = { executablePath: string; env: Record<string, string> };

async function unpack(): Promise<Installed> {
  const packed = packageFolder('@sparticuz/chromium');
  const { version } = JSON.parse(await readFile(join(packed, 'package.json'), 'utf8')) as { version: string };
  const cache = await cacheFolder();
  const folder = join(cache, `chromium-${version}`);
  if (!existsSync(folder)) {
    console.info(`Unpacking Chromium ${version} (once, about 10 s)`);
    const draft = await mkdtemp(join(cache, 'chromium-draft-'));
    const bin = join(packed, 'bin');
    await Promise.all([
      unbrotli(join(bin, 'chromium.br'), join(draft, 'chromium'), 0o755),
      untar(join(bin, 'al2023.tar.br'), draft),
      untar(join(bin, 'fonts.tar.br'), draft),
      untar(join(bin, 'swiftshader.tar.br'), draft),
    ]);
    await writeFile(join(draft, 'fonts.conf'), fontsConf(folder));
    try {
      // From here the folder is whole: it appears under its name in one step or not at all.
      await rename(draft, folder);
    } catch (error) {
      await rm(draft, { recursive: true, force: true });
      if (!existsSync(folder)) throw error;
    }
  }
  const libraries = [join(folder, 'lib'), process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  return {
    executablePath: join(folder, 'chromium'),
    env: { LD_LIBRARY_PATH: libraries, FONTCONFIG_FILE: join(folder, 'fonts.conf') },
  };
}

/** One Latin family for every machine, so that the same page has the same pixels everywhere. */
function fontsConf(folder: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${folder}/fonts</dir>
  <cachedir>${folder}/font-cache</cachedir>
  <alias binding="strong"><family>system-ui</family><prefer><family>Open Sans</family></prefer></alias>
  <alias binding="strong"><family>sans-serif</family><prefer><family>Open Sans</family></prefer></alias>
  <match target="font"><edit name="hintstyle" mode="assign"><const>hintnone</const></edit></match>
</fontconfig>
`;
}

/**
 * Starts Chromium. The caller closes it.
 * Fails with one sentence when neither `CHROMIUM` nor the packed build can be started.
 */
export async function openBrowser(): Promise<Browser> {
  const named = process.env.CHROMIUM;
  const { executablePath, env } = named ? { executablePath: named, env: {} } : await unpack();
  // Root may not use Chromium's sandbox, and the tests show it no page but our own.
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--no-zygote', '--disable-gpu', '--font-render-hinting=none', '--hide-scrollbars'],
    env: { ...(process.env as Record<string, string>), ...env },
  });
}

const NOTO = 'https://fonts.test/noto/';
let notoSheet: Promise<string> | undefined;

/** The Chinese test font under a name that the product's own font list holds, so that no product style changes. */
function notoStyles(): Promise<string> {
  notoSheet ??= readFile(
    join(packageFolder('@fontsource-variable/noto-sans-sc/wght.css'), 'wght.css'),
    'utf8',
  ).then((css) =>
    // One name from the Chinese list, one from the Latin list for Chinese words inside an English page.
    ["'Noto Sans CJK SC'", "'Noto Sans'"]
      .map((family) => css.replaceAll("'Noto Sans SC Variable'", family))
      .join('\n')
      .replaceAll('./files/', NOTO)
      .replaceAll('font-display: swap', 'font-display: block'),
  );
  return notoSheet;
}

export type ShotOptions = BrowserContextOptions & { width?: number; dark?: boolean; script?: boolean };

/** A page set as screenshots need it: fixed zone, no motion, Chinese glyphs present. The caller closes its context. */
export async function openPage(
  browser: Browser,
  { width = 1280, dark = false, script = true, ...rest }: ShotOptions = {},
): Promise<Page> {
  const context: BrowserContext = await browser.newContext({
    viewport: { width, height: width < 600 ? 780 : 900 },
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
    timezoneId: 'Europe/Berlin',
    javaScriptEnabled: script,
    ...rest,
  });
  return context.newPage();
}

/** Lets a page on loopback be somebody who is signed in already, in their language: `jar` holds their cookies. */
export async function signedInAs(page: Page, jar: ReadonlyMap<string, string>, lang = 'en'): Promise<void> {
  await page.context().addCookies(
    [...jar, ['lang', lang] as const].map(([name, value]) => ({
      name,
      value,
      domain: '127.0.0.1',
      path: '/',
      secure: name.startsWith('__Host-'),
    })),
  );
}

/** Gives a page opened with `bypassCSP: true` the Chinese glyphs; the product itself ships no font. */
export async function addChineseFont(page: Page): Promise<void> {
  const files = join(packageFolder('@fontsource-variable/noto-sans-sc/wght.css'), 'files');
  await page.route(`${NOTO}**`, async (route) => {
    const name = new URL(route.request().url()).pathname.split('/').at(-1) ?? '';
    await route.fulfill({
      body: await readFile(join(files, name)),
      contentType: 'font/woff2',
      headers: { 'access-control-allow-origin': '*' },
    });
  });
  await page.addStyleTag({ content: await notoStyles() });
  // Fonts load when text asks for them; ask for all the page's text at once and wait.
  await page.evaluate(async () => {
    const words = document.body.textContent ?? '';
    await Promise.all(
      ['Noto Sans CJK SC', 'Noto Sans'].map((name) => document.fonts.load(`16px "${name}"`, words)),
    );
    await document.fonts.ready;
  });
}

/** Names of the files in a package folder; used to find vendored test scripts such as axe-core. */
export async function packageFile(name: string, file: string): Promise<string> {
  const folder = packageFolder(name);
  if (!(await readdir(folder)).includes(file))
    throw new Error(`A package lacks the file a test needs: ${name}/${file}`);
  return readFile(join(folder, file), 'utf8');
}
