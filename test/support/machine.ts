// Test support: one whole machine, started as `rehab start` starts it, in a temporary data folder: the real engines, the real
// processes, the demonstration's people. Never a double, never the developer's own data folder, never a fixed port.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { seedStarted } from '../../bin/commands/seed.ts';
import { processEnvironment, startStack } from '../../bin/commands/start.ts';
import { type RunFile, readRunFile } from '../../bin/run-file.ts';
import { choosePort } from '../../engines/ports.ts';
import type { Progress } from '../../engines/progress.ts';
import { temporaryFolder, testSettings } from './engines.ts';

export interface TestMachine {
  /** Where people reach the web: under a name, because browsers keep passkeys for names only. */
  readonly url: string;
  readonly dataDir: string;
  /** What run.json holds now; pids follow restarts. */
  run(): RunFile;
  /** Port by the name under which it was chosen, such as `worker-ops`. */
  port(name: string): number;
  /** `rehab VERB …` over this machine as a person runs it, with its exit code and what it printed. */
  rehab(verb: string, ...args: string[]): Promise<{ code: number | null; out: string; err: string }>;
  /** Stops everything and removes the data folder. */
  stop(): Promise<void>;
}

const program = join(import.meta.dirname, '../../bin/rehab.mjs');

/**
 * Starts a machine whose data begin empty but for its people. The caller stops it. With `reachable` other system users
 * can reach the folder, so that a start as root gives each organisation its own; else all run as the tests' user.
 */
export async function startMachine(
  progress: Progress = () => {},
  { reachable = false } = {},
): Promise<TestMachine> {
  const folder = await temporaryFolder();
  if (reachable) chmodSync(folder.path, 0o711);
  const dataDir = join(folder.path, 'data');
  try {
    const stack = await startStack({
      dataDir,
      port: await choosePort({ dataDir: folder.path, name: 'web', progress }),
      program,
      settings: testSettings(),
      progress,
      environmentOf: (name, addresses) => ({
        ...processEnvironment(name, addresses),
        REHAB_PUBLIC_URL: `http://localhost:${addresses.webPort}`,
      }),
      seed: (addresses) => seedStarted(dataDir, addresses),
    });
    return {
      ...attachTo(dataDir),
      async stop() {
        await stack.stop();
        await folder.remove();
      },
    };
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

/** A machine that runs already and goes on running; for working on one story without waiting for a start. */
export function attachTo(dataDir: string): TestMachine {
  const run = (): RunFile => {
    const file = readRunFile(dataDir);
    if (!file) throw new Error(`no machine runs over this data folder: ${dataDir}`);
    return file;
  };
  const web = new URL(run().web);
  web.hostname = 'localhost';
  return {
    url: web.origin,
    dataDir,
    run,
    port(name) {
      const ports = JSON.parse(readFileSync(join(dataDir, 'ports.json'), 'utf8')) as Record<string, number>;
      const port = ports[name];
      if (port === undefined) throw new Error(`no such port was chosen: ${name}`);
      return port;
    },
    async rehab(verb, ...args) {
      const child = spawn(process.execPath, [program, verb, '--data', dataDir, ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const [out, err, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'close') as Promise<[number | null]>, // what `close` of a child is emitted with
      ]);
      return { code, out, err };
    },
    stop: async () => {},
  };
}
