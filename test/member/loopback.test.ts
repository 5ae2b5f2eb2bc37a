// A demonstration exists on loopback alone (SECURITY.md I9): whatever would offer invented people, add them or have requests approve
// themselves says so in one sentence and does not start. The commands as they are, started.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, expect, test } from 'vitest';

const program = join(import.meta.dirname, '../../bin/rehab.mjs');
const dataDir = mkdtempSync(join(tmpdir(), 'rehab-loopback-'));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

const SENTENCE =
  'a demonstration exists only on loopback; set REHAB_MODE=real, or REHAB_HOST, REHAB_PUBLIC_URL and REHAB_LOG_URL to 127.0.0.1\n';
const INSIDE = { REHAB_LOG_URL: 'http://127.0.0.1:3000/log/', REHAB_PORT: '3999' };

async function run(args: readonly string[], settings: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [program, ...args, '--data', dataDir], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...INSIDE, ...settings },
  });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number]>, // what `close` of a child is emitted with
  ]);
  return { code, out, err };
}

const WEB = ['web'];
const SEED = ['seed'];
const MEMBER = ['member', '--org', 'hospital'];
const demonstration = { REHAB_MODE: 'demonstration' };

test.each<[name: string, args: readonly string[], settings: Readonly<Record<string, string>>]>([
  ['the web, reached under a name', WEB, { ...demonstration, REHAB_PUBLIC_URL: 'https://rehab.example' }],
  ['the web, listening everywhere', WEB, { ...demonstration, REHAB_HOST: '0.0.0.0' }],
  ['seeding, the web reached under a name', SEED, { REHAB_PUBLIC_URL: 'https://rehab.example' }],
  ['seeding, the web listening everywhere', SEED, { REHAB_HOST: '0.0.0.0' }],
  [
    'a member, the web reached under a name',
    MEMBER,
    { ...demonstration, REHAB_PUBLIC_URL: 'https://rehab.example' },
  ],
  [
    'a member, the log published elsewhere',
    MEMBER,
    { ...demonstration, REHAB_LOG_URL: 'https://rehab.example/log/' },
  ],
])('%s: one sentence, exit 1', async (_, args, settings) => {
  expect(await run(args, settings)).toEqual({ code: 1, out: '', err: SENTENCE });
});

test('a member that is no demonstration gets past it, wherever the log is published', async () => {
  const { code, err } = await run(MEMBER, { REHAB_LOG_URL: 'https://rehab.example/log/' });
  expect([code, err.includes('exists only on loopback')]).toEqual([1, false]);
});
