// Station 7, the checker's page: one HTML file out of the same modules that the server runs. No reference leaves it, and its policy
// allows exactly its own script and style, by hash. Same sources give the same bytes.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const here = import.meta.dirname;
const hashed = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

let made: Promise<string> | undefined;

/** `verify.html`, built once per process. */
export function verifyPage(): Promise<string> {
  made ??= make();
  return made;
}

async function make(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(here, 'verify.ts')],
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    write: false,
    legalComments: 'none',
  });
  // Nothing in the script may end its element.
  const script = (outputFiles[0]?.text ?? '').replaceAll('</script', '<\\/script');
  const style = await readFile(join(here, 'verify.css'), 'utf8');
  const policy = `default-src 'none'; script-src ${hashed(script)}; style-src ${hashed(style)}; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Check evidence</title>
<style>${style}</style>
</head>
<body>
<main id="page"><div id="result" aria-live="polite"></div></main>
<noscript>This page checks by itself, in your browser: it needs its script.</noscript>
<script>${script}</script>
</body>
</html>
`;
}
