// Station 1, web: the built files and their addresses, held in memory for the life of the process.
// Reads what `buildAssets` wrote beside it (`built/`), or builds from source when nothing is there. Holds nothing about people.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Hono } from 'hono';

/** What code may ask for. */
export type AssetName =
  | 'style.css'
  | 'htmx.js'
  | 'app.js'
  | 'passkey.js'
  | 'keys.js'
  | 'icons.svg'
  | 'favicon.svg';

type Held = { file: string; type: string; bytes: Uint8Array<ArrayBuffer>; gzip: Uint8Array<ArrayBuffer> };

const BASE = '/assets/';
const FOLDER = join(import.meta.dirname, 'built');

async function load(): Promise<Map<string, Held>> {
  const held = new Map<string, Held>();
  const keep = (name: string, file: string, type: string, content: Uint8Array) => {
    // Copied once, so that the view is over an ArrayBuffer of its own as Response demands.
    const bytes = new Uint8Array(content);
    held.set(name, { file, type, bytes, gzip: new Uint8Array(gzipSync(bytes, { level: 9 })) });
  };
  const manifest = join(FOLDER, 'manifest.json');
  if (existsSync(manifest)) {
    const list = JSON.parse(await readFile(manifest, 'utf8')) as {
      name: string;
      file: string;
      type: string;
    }[];
    for (const { name, file, type } of list) keep(name, file, type, await readFile(join(FOLDER, file)));
  } else {
    const { makeAssets } = await import('./build.ts');
    for (const { name, file, type, bytes } of await makeAssets()) keep(name, file, type, bytes);
  }
  return held;
}

const assets = await load();

/** Address of a built file; it changes whenever the bytes do, so browsers may keep it for ever. */
export function assetUrl(name: AssetName): string {
  const held = assets.get(name);
  if (!held) throw new Error(`No such asset was built; run the build: ${name}`);
  return BASE + held.file;
}

/** Size in bytes as sent with gzip; for the budgets of the interface. */
export function assetGzipSize(name: AssetName): number {
  return assets.get(name)?.gzip.length ?? 0;
}

/** Serves the built files under `/assets/`. Mount at the root: `app.route('/', assetRoutes())`. */
export function assetRoutes(): Hono {
  const byFile = new Map([...assets.values()].map((held) => [held.file, held]));
  return new Hono().get(`${BASE}:file`, (c) => {
    const held = byFile.get(c.req.param('file'));
    if (!held) return c.notFound();
    const zipped = /\bgzip\b/.test(c.req.header('accept-encoding') ?? '');
    return c.body(zipped ? held.gzip : held.bytes, 200, {
      'content-type': held.type,
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'Accept-Encoding',
      'x-content-type-options': 'nosniff',
      ...(zipped ? { 'content-encoding': 'gzip' } : {}),
    });
  });
}
