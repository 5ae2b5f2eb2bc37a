import { defineConfig } from 'vitest/config';
import { ClosingLine } from './test/support/closing-line.ts';

const POSTGRES = 'test/support/global-postgres.ts';
const TEMPORAL = 'test/support/global-temporal.ts';

/** A suite: a folder under test/, with the real engines it needs. Suites with engines run their files one by one. */
const suite = (name: string, globalSetup: string[] = [], fileParallelism = globalSetup.length === 0) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.{ts,tsx}`], globalSetup, fileParallelism },
});

/** A suite whose stories start whole machines of their own: its limit only ends what hangs, also on a busy machine. */
const machines = (name: string, globalSetup: string[] = []) => {
  const { extends: base, test } = suite(name, globalSetup, false);
  return { extends: base, test: { ...test, testTimeout: 240_000 } };
};

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'hono/jsx' } },
  test: {
    testTimeout: 60_000,
    hookTimeout: 180_000,
    pool: 'forks',
    reporters: ['default', new ClosingLine()],
    projects: [
      suite('domain'),
      suite('fhir'),
      suite('ledger'),
      suite('web'),
      suite('arch'),
      suite('activities', [POSTGRES]),
      suite('web-db', [POSTGRES]),
      suite('workflows', [POSTGRES, TEMPORAL]),
      suite('replay', [POSTGRES, TEMPORAL]),
      suite('evidence', [POSTGRES]),
      suite('verify', [POSTGRES]),
      suite('verify-chain', [POSTGRES]),
      machines('engines', [POSTGRES]),
      suite('member'),
      machines('fabric'),
      machines('e2e'),
      machines('drill', [POSTGRES, TEMPORAL]),
      machines('fault'),
    ],
  },
});
