// The test command: every suite, one after the other, so that each has the machine to itself and no engine stands about
// for a suite that does not need it. Prints what failed and each suite's result, and ends with one line that counts what really ran.
// `npm test -- SUITE…` runs those named; what begins with a dash is passed on to vitest.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COUNTS_FILE, type Counts } from './support/closing-line.ts';

/** Suites that run together need no engines; all others come alone. */
const GROUPS = [
  ['domain', 'fhir', 'ledger', 'member', 'web', 'arch'],
  ['activities'],
  ['web-db'],
  ['workflows'],
  ['replay'],
  ['evidence'],
  ['verify'],
  ['verify-chain'],
  ['engines'],
  ['fabric'],
  ['e2e'],
  ['drill'],
  ['fault'],
] as const;

const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const asked = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const options = process.argv.slice(2).filter((argument) => argument.startsWith('-'));
const known = new Set<string>(GROUPS.flat());
const unknown = asked.filter((name) => !known.has(name));
if (unknown.length > 0) {
  console.error(`No such suite: ${unknown.join(', ')}. There are ${[...known].join(', ')}.`);
  process.exit(2);
}

/** Runs one group; its counts by suite, or undefined when it ended before it could count. */
async function runGroup(suites: readonly string[]): Promise<Counts | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'rehab-counts-'));
  const file = join(folder, 'counts.json');
  try {
    const child = spawn(
      process.execPath,
      [
        vitest,
        'run',
        '--passWithNoTests=false',
        ...suites.flatMap((name) => ['--project', name]),
        ...options,
      ],
      {
        stdio: ['ignore', 'inherit', 'inherit'],
        env: { ...process.env, [COUNTS_FILE]: file },
      },
    );
    const code = await new Promise<number>((resolve) => child.on('close', (status) => resolve(status ?? 1)));
    const counts = JSON.parse(readFileSync(file, 'utf8')) as Counts;
    // A run that failed without a failed test (a global set-up, an unhandled error) has failed all the same.
    if (code !== 0 && !Object.values(counts).some((c) => c.failed > 0))
      counts[suites[0] as string] = {
        ...(counts[suites[0] as string] ?? { passed: 0, skipped: 0 }),
        failed: 1,
        failures: [`ended with ${code}, and no test failed`],
      };
    return counts;
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const results: [name: string, passed: number, failed: number, skipped: number, seconds: number][] = [];
const failures: string[] = [];
for (const group of GROUPS) {
  const suites = group.filter((name) => asked.length === 0 || asked.includes(name));
  if (suites.length === 0) continue;
  const began = Date.now();
  console.log(`\n== ${suites.join(', ')}`);
  const counts = (await runGroup(suites)) ?? {
    [suites[0] as string]: { passed: 0, failed: 1, skipped: 0, failures: ['ended before it could count'] },
  };
  const seconds = Math.round((Date.now() - began) / 1000);
  for (const [name, { passed, failed, skipped, failures: told }] of Object.entries(counts)) {
    results.push([name, passed, failed, skipped, seconds]);
    failures.push(...told.map((failure) => `  ${name}: ${failure}`));
  }
}

// Once more at the end, where whoever reads a long run's last page finds it.
if (failures.length > 0) console.log(`\nnot ok:\n${failures.join('\n')}`);
console.log('');
const total = { passed: 0, failed: 0, skipped: 0 };
for (const [name, passed, failed, skipped, seconds] of results) {
  console.log(
    `  ${name.padEnd(14)} ${passed} ok, ${failed} not ok${skipped > 0 ? `, ${skipped} not run here` : ''} (${seconds} s)`,
  );
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}
console.log(
  `\n${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`,
);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
