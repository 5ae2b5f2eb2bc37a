// The files a browser fetches: budgets of UI.md section 8, stable names, and how they are served.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildAssets, makeAssets } from '../../web/assets/build.ts';
import { ICON_NAMES } from '../../web/assets/icons.ts';
import { assetGzipSize, assetRoutes, assetUrl } from '../../web/assets/manifest.ts';

describe('assets', () => {
  it('stay inside their budgets (gzip)', () => {
    expect(assetGzipSize('style.css')).toBeLessThanOrEqual(14_000);
    expect(assetGzipSize('htmx.js') + assetGzipSize('app.js')).toBeLessThanOrEqual(23_000);
    expect(assetGzipSize('icons.svg')).toBeLessThanOrEqual(3_000);
  });

  it('have names that follow from their bytes: the same twice, and hashed', async () => {
    const [one, two] = await Promise.all([makeAssets(), makeAssets()]);
    expect(one.map((asset) => asset.file)).toEqual(two.map((asset) => asset.file));
    for (const asset of one) expect(asset.file).toMatch(/^[a-z]+\.[0-9a-f]{12}\.(css|js|svg)$/);
  });

  it('keep the licence lines of what is not ours', async () => {
    const files = await makeAssets();
    const textOf = (name: string) =>
      new TextDecoder().decode(files.find((asset) => asset.name === name)?.bytes ?? new Uint8Array());
    expect(textOf('icons.svg')).toContain('ISC');
    for (const name of ICON_NAMES)
      expect(textOf('icons.svg')).toContain(`<symbol id="${name}" viewBox="0 0 24 24"><`);
  });

  it('never hold what our content policy refuses', async () => {
    const app = (await makeAssets()).find((asset) => asset.name === 'app.js');
    const code = new TextDecoder().decode(app?.bytes);
    expect(code).not.toMatch(
      /\beval\(|new Function|innerHTML|insertAdjacentHTML|outerHTML|document\.write|localStorage|sessionStorage/,
    );
  });

  it('are written with a manifest for production', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'assets-'));
    try {
      const built = await buildAssets(folder);
      const names = await readdir(folder);
      for (const asset of built) expect(names).toContain(asset.file);
      const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as {
        name: string;
      }[];
      expect(manifest.map((entry) => entry.name)).toEqual(built.map((asset) => asset.name));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('are served for ever, zipped where asked, and nothing else is', async () => {
    const app = assetRoutes();
    const plain = await app.request(assetUrl('style.css'));
    expect(plain.status).toBe(200);
    expect(plain.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(plain.headers.get('content-type')).toBe('text/css; charset=utf-8');
    expect(plain.headers.get('x-content-type-options')).toBe('nosniff');
    const zipped = await app.request(assetUrl('app.js'), { headers: { 'accept-encoding': 'gzip, br' } });
    expect(zipped.headers.get('content-encoding')).toBe('gzip');
    for (const path of [
      '/assets/style.css',
      '/assets/../package.json',
      '/assets/%2e%2e%2fapp.js',
      '/assets/',
    ])
      expect((await app.request(path)).status, path).toBe(404);
  });
});
