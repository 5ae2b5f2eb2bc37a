// Station 1, web: makes the files a browser fetches out of our sources and the pinned packages.
// Same sources give the same bytes and so the same hashed names. Never runs in production, which reads what this wrote.

import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build, transform } from 'esbuild';
import { bundle } from 'lightningcss';
import { ICON_NAMES } from './icons.ts';

/** A file as it is served: `name` is what code asks for, `file` carries the hash of the bytes. */
export type BuiltAsset = { name: string; file: string; type: string; bytes: Uint8Array };

/** Browsers with `light-dark()`, container queries and `:has()`: nothing is rewritten for older ones. */
const TARGETS = { chrome: 123 << 16, edge: 123 << 16, firefox: 121 << 16, safari: (17 << 16) | (5 << 8) };

const here = import.meta.dirname;

const packageFile = createRequire(import.meta.url).resolve;
/** Folder of the icon drawings. */
const lucide = join(dirname(packageFile('lucide-static/package.json')), 'icons');

function built(name: string, type: string, content: string | Uint8Array): BuiltAsset {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
  const dot = name.lastIndexOf('.');
  return { name, file: `${name.slice(0, dot)}.${hash}${name.slice(dot)}`, type, bytes };
}

function styles(): BuiltAsset {
  const { code } = bundle({ filename: join(here, 'css/index.css'), minify: true, targets: TARGETS });
  return built('style.css', 'text/css; charset=utf-8', code);
}

/** One sprite of symbols; only the drawing is kept, strokes come from the `.icon` class. */
async function sprite(): Promise<BuiltAsset> {
  const symbols = await Promise.all(
    ICON_NAMES.map(async (name) => {
      const svg = await readFile(join(lucide, `${name}.svg`), 'utf8');
      const drawing = svg
        .replace(/<!--.*?-->/gs, '')
        .replace(/^\s*<svg[^>]*>\s*/s, '')
        .replace(/<\/svg>\s*$/s, '')
        .replace(/\s*\n\s*/g, '')
        .replaceAll(' />', '/>');
      return `<symbol id="${name}" viewBox="0 0 24 24">${drawing}</symbol>`;
    }),
  );
  const licence = '<!-- icons: lucide, ISC licence -->';
  return built(
    'icons.svg',
    'image/svg+xml',
    `${licence}<svg xmlns="http://www.w3.org/2000/svg">${symbols.join('')}</svg>`,
  );
}

/** The mark of the service for browser tabs: the same way-points as in the bar, on the action colour. */
async function favicon(): Promise<BuiltAsset> {
  const svg = await readFile(join(lucide, 'waypoints.svg'), 'utf8');
  const drawing = /<svg[^>]*>(.*)<\/svg>/s.exec(svg)?.[1]?.replace(/\s*\n\s*/g, '') ?? '';
  return built(
    'favicon.svg',
    'image/svg+xml',
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-4 -4 32 32"><rect x="-4" y="-4" width="32" height="32" rx="5" fill="#0b5c63"/><g fill="none" stroke="#fff" stroke-width="2.25" stroke-linecap="round" stroke-linejoin="round">${drawing}</g></svg>`,
  );
}

/** htmx and its stream extension in one file, because they always travel together and a request costs more than a name. */
async function htmx(): Promise<BuiltAsset> {
  const folder = dirname(packageFile('htmx.org/dist/htmx.min.js'));
  const [core, sse] = await Promise.all(
    ['htmx.min.js', 'ext/hx-sse.min.js'].map((file) => readFile(join(folder, file), 'utf8')),
  );
  const code = [core, sse]
    .map((text) => (text ?? '').replace(/\n\/\/# sourceMappingURL=.*\s*$/, ''))
    .join('\n');
  return built('htmx.js', 'text/javascript; charset=utf-8', code);
}

async function app(): Promise<BuiltAsset> {
  const source = await readFile(join(here, 'app.js'), 'utf8');
  const { code } = await transform(source, { minify: true, target: 'es2022', format: 'iife' });
  return built('app.js', 'text/javascript; charset=utf-8', code);
}

/** A script with what it imports in one file: passkeys and signing keys, for the pages that need them. */
async function bundled(name: string): Promise<BuiltAsset> {
  const { outputFiles } = await build({
    entryPoints: [join(here, name)],
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    write: false,
    legalComments: 'none',
  });
  return built(name, 'text/javascript; charset=utf-8', outputFiles[0]?.contents ?? '');
}

/** Builds every asset in memory; takes a fraction of a second. */
export async function makeAssets(): Promise<BuiltAsset[]> {
  return [
    styles(),
    ...(await Promise.all([htmx(), app(), bundled('passkey.js'), bundled('keys.js'), sprite(), favicon()])),
  ];
}

/** Writes the assets and `manifest.json` into a folder, for production. The folder may exist. */
export async function buildAssets(outDir: string): Promise<BuiltAsset[]> {
  const assets = await makeAssets();
  await mkdir(outDir, { recursive: true });
  await Promise.all(assets.map((asset) => writeFile(join(outDir, asset.file), asset.bytes)));
  const manifest = assets.map(({ name, file, type }) => ({ name, file, type }));
  // Last, so that a manifest never names a file that is not there yet.
  await writeFile(join(outDir, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return assets;
}
