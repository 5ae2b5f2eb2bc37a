#!/usr/bin/env node
// The one command. Runs under the Node that package.json pins, whatever the machine has, and loads the sources through
// tsx: there is no build step (docs/adr/0008).
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const pinned = [`../node_modules/node-${process.platform}-${process.arch}/bin/node`]
  .map(here)
  .find(existsSync);
const wanted = 24;

if (Number(process.versions.node.split('.')[0]) === wanted) {
  const { register } = await import('tsx/esm/api');
  // By its path: tsx looks in the folder it is called from otherwise, and views would not be Hono's.
  register({ tsconfig: here('../tsconfig.json') });
  await import('./rehab.ts');
} else if (pinned) {
  // The machine's Node need only run npm. Signals reach the child by themselves in a terminal; others are passed on.
  const child = spawn(pinned, [here('./rehab.mjs'), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
} else {
  console.error(
    `rehab needs Node ${wanted}, this is ${process.versions.node}; run npm ci again, or install Node ${wanted}.`,
  );
  process.exit(1);
}
