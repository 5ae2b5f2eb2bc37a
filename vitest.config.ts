import { defineConfig } from 'vitest/config';
import { ClosingLine } from './test/support/closing-line.ts';

const POSTGRES = 'test/support/global-postgres.ts';
const TEMPORAL = 'test/support/global-temporal.ts';

/** A suite: a folder under test/, with the real engines it needs. Suites with engines run their files one by one. */
const suite = (name: string, globalSetup: string[] = [], fileParallelism = globalSetup.length === 0) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.{ts,tsx}`], globalSetup, fileParallelism },
});

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
      suite('engines', [POSTGRES]),
      suite('member'),
      suite('fabric', [], false),
      suite('e2e', [], false),
      suite('drill', [POSTGRES, TEMPORAL]),
      suite('fault', [], false),
    ],
  },
});
