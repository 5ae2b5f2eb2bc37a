// Test support: what a run ends with: a line per suite, then one line that counts what really ran.
import type { SerializedError } from 'vitest';
import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node';

/** Prints `SUITE: N passed, N failed, N skipped` for each suite, then the same over all. Errors outside tests count as failed. */
export class ClosingLine implements Reporter {
  onTestRunEnd(
    modules: readonly TestModule[],
    errors: readonly SerializedError[],
    reason: TestRunEndReason,
  ): void {
    const suites = new Map<string, { passed: number; failed: number; skipped: number }>();
    for (const module of modules) {
      const name = module.project.name;
      const counts = suites.get(name) ?? { passed: 0, failed: 0, skipped: 0 };
      suites.set(name, counts);
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') counts.passed++;
        else if (state === 'failed') counts.failed++;
        else counts.skipped++;
      }
      // A file that could not be loaded has no tests to fail.
      if (module.state() === 'failed' && module.errors().length > 0) counts.failed++;
    }
    const total = { passed: 0, failed: errors.length + (reason === 'interrupted' ? 1 : 0), skipped: 0 };
    console.log('');
    for (const [name, counts] of suites) {
      console.log(
        `  ${name.padEnd(14)} ${counts.passed} ok, ${counts.failed} not ok${counts.skipped > 0 ? `, ${counts.skipped} not run here` : ''}`,
      );
      total.passed += counts.passed;
      total.failed += counts.failed;
      total.skipped += counts.skipped;
    }
    console.log(
      `\n${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`,
    );
  }
}
