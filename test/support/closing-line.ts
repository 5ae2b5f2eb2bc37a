// Test support: what a run of vitest counted, by suite, for `test/run.ts`, which prints the line over all of them.
import { writeFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import type { SerializedError } from 'vitest';
import type { Reporter, TestModule } from 'vitest/node';

/** The environment variable that names the file. */
export const COUNTS_FILE = 'REHAB_TEST_COUNTS';

/** What ran, by suite. `failures`: each failed test by its name, with what its errors say first. */
export type Counts = Record<string, { passed: number; failed: number; skipped: number; failures: string[] }>;

const nothing = () => ({ passed: 0, failed: 0, skipped: 0, failures: [] });

/** A failure in a few lines: the whole message and stack stand where the test ran. */
const failure = (name: string, errors: readonly SerializedError[]): string =>
  [name, ...errors.map(({ message }) => stripVTControlCharacters(message).slice(0, 600))]
    .join('\n')
    .replaceAll('\n', '\n      ');

/** Writes the counts; an error outside any test counts as a failed one of the first suite. */
export class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const file = process.env[COUNTS_FILE];
    if (!file) return;
    const suites: Counts = {};
    for (const module of modules) {
      const name = module.project.name;
      suites[name] ??= nothing();
      const counts = suites[name];
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result();
        if (state === 'passed') counts.passed++;
        else if (state !== 'failed') counts.skipped++;
        else {
          counts.failed++;
          counts.failures.push(failure(`${module.relativeModuleId} > ${test.fullName}`, errors));
        }
      }
      // A file that could not be loaded has no tests to fail.
      if (module.state() !== 'failed' || module.errors().length === 0) continue;
      counts.failed++;
      counts.failures.push(failure(module.relativeModuleId, module.errors()));
    }
    const first = Object.values(suites)[0];
    if (first) {
      first.failed += errors.length;
      first.failures.push(...errors.map((error) => failure('outside any test', [error])));
    }
    writeFileSync(file, JSON.stringify(suites));
  }
}
