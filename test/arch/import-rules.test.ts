// Who may import whom: today's tree has no violation, and each rule catches one that is planted for it. A rule that
// catches nothing would be worse than none.

import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const run = promisify(execFile);
const rules = (
  createRequire(import.meta.url)(join(root, '.dependency-cruiser.cjs')) as { forbidden: { name: string }[] }
).forbidden.map((rule) => rule.name);
const FOLDERS = ['activities', 'bin', 'db', 'domain', 'engines', 'fhir', 'ledger', 'web', 'workflows'];

async function violations(
  cwd: string,
  folders: readonly string[],
): Promise<{ rule: string; from: string; to: string }[]> {
  const { stdout } = await run(
    process.execPath,
    [
      realpathSync(join(root, 'node_modules/.bin/depcruise')),
      '--config',
      '.dependency-cruiser.cjs',
      '--output-type',
      'json',
      ...folders,
    ],
    { cwd, maxBuffer: 64 * 1024 * 1024 },
  ).catch((error: { stdout: string }) => error);
  const { summary } = JSON.parse(stdout) as {
    summary: { violations: { rule: { name: string }; from: string; to: string }[] };
  };
  return summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to }));
}

/** One file that breaks each rule: where it stands and what it says. */
const PLANTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'no-cycles': {
    'domain/a.ts': "import { b } from './b.ts'; export const a = () => b;",
    'domain/b.ts': "import { a } from './a.ts'; export const b = () => a;",
  },
  'no-orphans': { 'domain/alone.ts': 'export const alone = 1;' },
  'domain-knows-only': {
    'domain/reads.ts': "import { readFileSync } from 'node:fs'; export const x = readFileSync;",
  },
  'workflows-know-only': {
    'workflows/writes.ts': "import { t } from '../db/t.ts'; export const x = t;",
    'db/t.ts': 'export const t = 1;',
  },
  'workflows-take-types-of-activities': {
    'workflows/acts.ts': "import { t } from '../activities/t.ts'; export const x = t;",
    'activities/t.ts': 'export const t = 1;',
  },
  'activities-knows-only': {
    'activities/serves.ts': "import { t } from '../web/t.ts'; export const x = t;",
    'web/t.ts': 'export const t = 1;',
  },
  'db-knows-only': {
    'db/signs.ts': "import { t } from '../ledger/t.ts'; export const x = t;",
    'ledger/t.ts': 'export const t = 1;',
  },
  'db-guards-know-only': {
    'db/guards.ts': "import { t } from '../ledger/t.ts'; export const x = t;",
    'ledger/t.ts': 'export const t = 1;',
  },
  'ledger-core-knows-only': {
    'ledger/verify.ts': "import { t } from '../db/t.ts'; export const x = t;",
    'db/t.ts': 'export const t = 1;',
  },
  'ledger-writes-know-only': {
    'ledger/recorded.ts': "import { t } from '../web/t.ts'; export const x = t;",
    'web/t.ts': 'export const t = 1;',
  },
  'only-the-anchor-knows-the-chain': {
    'activities/anchors.ts': "import { t } from '../ledger/fabric/t.ts'; export const x = t;",
    'ledger/fabric/t.ts': 'export const t = 1;',
  },
  'chaincode-knows-only': {
    'ledger/chaincode/reads.ts': "import { t } from '../../db/t.ts'; export const x = t;",
    'db/t.ts': 'export const t = 1;',
  },
  'web-knows-only': {
    'web/acts.ts': "import { t } from '../activities/t.ts'; export const x = t;",
    'activities/t.ts': 'export const t = 1;',
  },
  'web-writes-from-one-file': {
    'web/writes.ts': "import { t } from '../ledger/recorded.ts'; export const x = t;",
    'ledger/recorded.ts': 'export const t = 1;',
  },
  'web-asks-from-one-file': {
    'web/asks.ts': "import { Client } from '@temporalio/client'; export const x = Client;",
  },
  'web-knows-messages-only': {
    'web/runs.ts': "import { t } from '../workflows/t.ts'; export const x = t;",
    'workflows/t.ts': 'export const t = 1;',
  },
  'engines-knows-only': {
    'engines/asks.ts': "import { t } from '../web/t.ts'; export const x = t;",
    'web/t.ts': 'export const t = 1;',
  },
  'engines-are-run-by-bin': {
    'web/starts.ts': "import { t } from '../engines/t.ts'; export const x = t;",
    'engines/t.ts': 'export const t = 1;',
  },
  'fhir-knows-only': {
    'fhir/serves.ts': "import { t } from '../web/t.ts'; export const x = t;",
    'web/t.ts': 'export const t = 1;',
  },
  'nobody-imports-composition': {
    'web/composes.ts': "import { t } from '../bin/t.ts'; export const x = t;",
    'bin/t.ts': 'export const t = 1;',
  },
};

const folder = mkdtempSync(join(tmpdir(), 'rehab-arch-'));
beforeAll(() => {
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('nobody imports what they must not', async () => {
  expect(await violations(root, FOLDERS)).toEqual([]);
});

test('every rule has a plant, and every plant a rule', () => {
  expect(Object.keys(PLANTS).sort()).toEqual([...rules].sort());
});

test.each(Object.entries(PLANTS))('%s catches its plant', async (rule, files) => {
  const place = join(folder, rule);
  mkdirSync(place);
  for (const name of ['.dependency-cruiser.cjs', 'tsconfig.json'])
    cpSync(join(root, name), join(place, name));
  symlinkSync(join(root, 'node_modules'), join(place, 'node_modules'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(place, path)), { recursive: true });
    writeFileSync(join(place, path), text);
  }
  const found = await violations(place, [
    ...new Set(Object.keys(files).map((path) => path.split('/')[0] as string)),
  ]);
  expect(found.map((violation) => violation.rule)).toContain(rule);
});
