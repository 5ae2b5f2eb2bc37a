// Test support: one real Temporal for a vitest run, in a temporary folder. Give this file as `globalSetup` of a
// project; tests then call `inject('temporal')` and keep to task queues of their own. Never outlives the run.
import type { TestProject } from 'vitest/node';
import { temporaryEngines } from './engines.ts';

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { temporal, stop } = await temporaryEngines(['temporal']);
  if (temporal?.cli === undefined) throw new Error('Temporal for tests: its command line is needed');
  project.provide('temporal', { address: temporal.address, cli: temporal.cli });
  return stop;
}
