// Test support: what a run of vitest counted, by suite, for `test/run.ts`, which prints the line over all of them.
import { writeFileSync } from 'node:fs';
import type { SerializedError } from 'vitest';
import type { Reporter, TestModule } from 'vitest/node';

/** The environment variable that names the file. */
export const COUNTS_FILE = 'REHAB_TEST_COUNTS';

/** What ran, by suite. */
export type Counts = Record<string, { passed: number; failed: number; skipped: number }>;

/** Writes the counts; an error outside any test counts as a failed one of the first suite. */
export class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const file = process.env[COUNTS_FILE];
    if (!file) return;
    const suites: Counts = {};
    for (const module of modules) {
      const name = module.project.name;
      suites[name] ??= { passed: 0, failed: 0, skipped: 0 };
      const counts = suites[name];
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') counts.passed++;
        else if (state === 'failed') counts.failed++;
        else counts.skipped++;
      }
      // A file that could not be loaded has no tests to fail.
      if (module.state() === 'failed' && module.errors().length > 0) counts.failed++;
    }
    const first = Object.values(suites)[0];
    if (first) first.failed += errors.length;
    writeFileSync(file, JSON.stringify(suites));
  }
}
