// Test support: one real Postgres for a vitest run, in a temporary folder. Give this file as `globalSetup` of a
// project; tests then call `freshDatabase()` or `inject('postgres')`. Never outlives the run.
import type { TestProject } from 'vitest/node';
import { temporaryEngines } from './engines.ts';

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { postgres, stop } = await temporaryEngines(['postgres']);
  if (postgres?.superuserUrl === undefined) throw new Error('Postgres for tests: its superuser is needed');
  project.provide('postgres', { superuserUrl: postgres.superuserUrl, ownerUrl: postgres.ownerUrl });
  return stop;
}
