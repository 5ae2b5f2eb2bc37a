import { defineConfig } from 'vitest/config';

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'hono/jsx' } },
  test: {
    testTimeout: 60_000,
    hookTimeout: 180_000,
    pool: 'forks',
    projects: [
      {
        extends: true,
        test: { name: 'pure', include: ['test/{domain,fhir,ledger,web}/**/*.test.{ts,tsx}'] },
      },
      {
        extends: true,
        test: {
          name: 'activities',
          include: ['test/activities/**/*.test.ts'],
          globalSetup: ['test/support/global-postgres.ts'],
        },
      },
      {
        extends: true,
        test: { name: 'engines', include: ['test/engines/**/*.test.ts'], fileParallelism: false },
      },
      {
        extends: true,
        test: { name: 'fabric', include: ['test/fabric/**/*.test.ts'], fileParallelism: false },
      },
    ],
  },
});
