// Test support: an organisation's member as it runs outside the demonstration, over a copy of its folder, so that a test can
// change what it remembers and see who approves. The real process, on the machine's own peers; never the machine's own member.
import { spawn } from 'node:child_process';
import { cp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { vi } from 'vitest';
import type { Organisation } from '../../domain/consortium.ts';
import { memberPaths } from '../../engines/fabric/layout.ts';
import type { WitnessStatus } from '../../ledger/member/witness.ts';
import { freePortForTests } from './engines.ts';
import type { TestMachine } from './machine.ts';

export interface MemberProcess {
  readonly url: string;
  /** Its own copy. */
  readonly folder: string;
  status(): Promise<WitnessStatus>;
  stop(): Promise<void>;
}

/** Starts it once `change` has had the folder, and resolves when its door answers. */
export async function startMemberProcess(
  machine: TestMachine,
  of: Organisation,
  change: (folder: string) => Promise<void> = async () => {},
): Promise<MemberProcess> {
  const dataDir = join(dirname(machine.dataDir), `copy-${of}`);
  const { member: folder } = memberPaths(dataDir, of);
  await cp(memberPaths(machine.dataDir, of).member, folder, {
    recursive: true,
    filter: (path) => !path.includes('/doors'),
  });
  await change(folder);
  const port = await freePortForTests();
  const program = join(import.meta.dirname, '../../bin/rehab.mjs');
  const child = spawn(process.execPath, [program, 'member', '--org', of, '--data', dataDir], {
    env: {
      PATH: process.env.PATH,
      REHAB_PORT: String(port),
      REHAB_MODE: 'real',
      REHAB_LOG_URL: `${machine.run().web}/log/`,
    },
    stdio: 'ignore',
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  const answers = async (): Promise<void> => {
    const response = await fetch(`${url}/healthz`);
    if ((await response.text()) !== 'ok') throw new Error('member does not answer');
  };
  await vi.waitFor(answers, { timeout: 60_000, interval: 200 });
  return {
    url,
    folder,
    status: async () => (await (await fetch(`${url}/status`)).json()) as WitnessStatus,
    async stop() {
      child.kill('SIGKILL');
      await ended;
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** What the machine's own member of an organisation says. */
export const memberStatus = async (machine: TestMachine, of: Organisation): Promise<WitnessStatus> =>
  (await (await fetch(`${machine.run().members?.[of]}/status`)).json()) as WitnessStatus;
