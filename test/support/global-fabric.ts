// Test support: one real three-organisation Fabric network for a vitest run, in a temporary folder. Give this file
// as `globalSetup` of a project; tests then call `inject('fabric')`. Never outlives the run.
import type { TestProject } from 'vitest/node';
import { temporaryEngines } from './engines.ts';

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { fabric, dataDir, stop } = await temporaryEngines(['fabric']);
  if (fabric === undefined) throw new Error('Fabric for tests: it did not start');
  const { profile, channel, peers } = fabric;
  project.provide('fabric', { profile, channel, peers, dataDir });
  return stop;
}
