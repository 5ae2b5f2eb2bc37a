// Engines: keeping processes running. Real processes, really killed; the supervisor too.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readPidFiles, startTimeOf, writePidFile } from '../../engines/processes.ts';
import { silent } from '../../engines/progress.ts';
import {
  createSupervisor,
  type ProcessSpec,
  type Supervisor,
  stopOrphans,
} from '../../engines/supervisor.ts';
import { temporaryFolder } from '../support/engines.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let pidDir: string;
let supervisor: Supervisor;
let said: string[];

beforeEach(async () => {
  folder = await temporaryFolder();
  pidDir = join(folder.path, 'pids');
  said = [];
  supervisor = createSupervisor({ pidDir, progress: (line) => said.push(line) });
});
afterEach(async () => {
  await supervisor.stopAll();
  await folder.remove();
});

/** A shell that says so when it is ready, and then stays. */
function spec(name: string, change: Partial<ProcessSpec> & { script?: string } = {}): ProcessSpec {
  const { script, ...rest } = change;
  const mark = join(folder.path, `${name}.ready`);
  return {
    name,
    command: '/bin/sh',
    args: ['-c', script ?? `echo $$ >"${mark}"; exec sleep 600`],
    env: { PATH: process.env.PATH },
    logPath: join(folder.path, 'logs', `${name}.log`),
    ready: async () => {
      if (!existsSync(mark)) throw new Error('not yet');
    },
    ...rest,
  };
}

const isGone = (pid: number): boolean => startTimeOf(pid) === undefined;

test('starts in order, resolves with the pid when ready, and stops in reverse order', async () => {
  const order: string[] = [];
  supervisor.onPidChange((pids) => order.push(Object.keys(pids).join(' ')));
  await supervisor.startAll([
    spec('third', { after: ['second'] }),
    spec('first'),
    spec('second', { after: ['first'] }),
  ]);
  const pids = Object.values(supervisor.pids());
  await supervisor.stopAll();
  expect(order).toEqual(['first', 'first second', 'first second third', 'first second', 'first', '']);
  expect(pids.every(isGone)).toBe(true);
  expect(readdirSync(pidDir)).toEqual([]);
});

test('kill -9 of a process: it is started again, and whoever listens is told the new pid', async () => {
  const before = await supervisor.start(spec('part'));
  const seen: (number | undefined)[] = [];
  supervisor.onPidChange((pids) => seen.push(pids.part));
  process.kill(before, 'SIGKILL');
  await vi.waitFor(() => expect(said).toContain('part: ready again'), 10_000);
  const after = supervisor.pids().part;
  expect(seen).toEqual([undefined, after]);
  expect(after).not.toBe(before);
  expect(readPidFiles(pidDir).get('part')?.pid).toBe(after);
});

test('a process that keeps dying is started again and again, ever more slowly, and can still be stopped', async () => {
  const mark = join(folder.path, 'part.ready');
  // The first run lives until it is killed; every later one ends at once.
  const script = `if [ -e "${mark}.2" ]; then exit 3; fi; touch "${mark}" "${mark}.2"; exec sleep 600`;
  const pid = await supervisor.start(spec('part', { script }));
  process.kill(pid, 'SIGKILL');
  await vi.waitFor(() => expect(said.at(-1)).toBe('part: ended (exit code 3), restarting in 500 ms'), 10_000);
  await supervisor.stop('part');
  expect(said.filter((line) => line.startsWith('part: ended'))).toEqual([
    'part: ended (SIGKILL), restarting',
    'part: ended (exit code 3), restarting in 250 ms',
    'part: ended (exit code 3), restarting in 500 ms',
  ]);
});

test('a process that cannot be noted, as on a full disk, is not left running beside its successor', async () => {
  const marks = join(folder.path, 'lives');
  const before = await supervisor.start(
    spec('part', { script: `echo $$ >>"${marks}"; : >"${join(folder.path, 'part.ready')}"; exec sleep 600` }),
  );
  // Nobody can write where a folder lies.
  const inTheWay = join(pidDir, '.part.partial');
  mkdirSync(inTheWay);
  process.kill(before, 'SIGKILL');
  const tries = () => said.filter((line) => line.startsWith('part: cannot be restarted')).length;
  await vi.waitFor(() => expect(tries()).toBeGreaterThan(3), 20_000);
  // Each waits longer than the one before: restarts without a rest would be hundreds by now.
  expect(said).toContain('part: ended (SIGKILL), restarting in 1000 ms');
  rmSync(inTheWay, { recursive: true });
  await vi.waitFor(() => expect(said).toContain('part: ready again'), 20_000);
  const lived = () => readFileSync(marks, 'utf8').trim().split('\n').map(Number);
  // The mark that a life before it left calls it ready before it has written a line.
  await vi.waitFor(() => expect(lived()).toContain(supervisor.pids().part), 20_000);
  expect(lived().filter((pid) => !isGone(pid))).toEqual([supervisor.pids().part]);
}, 60_000);

test('a process that ends before it is ready: one sentence with its last words and its log', async () => {
  const start = supervisor.start(
    spec('part', { script: 'echo first; echo the disk is on fire >&2; exit 1' }),
  );
  await expect(start).rejects.toThrow(
    `part ended before it was ready (its last words: the disk is on fire): see ${join(folder.path, 'logs', 'part.log')}.`,
  );
  expect(supervisor.pids()).toEqual({});
});

test('a process that does not answer in time is stopped', async () => {
  const start = supervisor.start(spec('part', { script: 'echo $$; exec sleep 600', readyWithinMs: 300 }));
  await expect(start).rejects.toThrow(/^part did not answer within 0\.3 s/);
  expect(isGone(Number(readFileSync(join(folder.path, 'logs', 'part.log'), 'utf8')))).toBe(true);
});

test('a program that is not there', async () => {
  await expect(supervisor.start(spec('part', { command: join(folder.path, 'nothing') }))).rejects.toThrow(
    'part ended before it was ready',
  );
  expect(said[0]).toMatch(/^part: cannot be started \(.*ENOENT\); is .*nothing there, and may it be run\?$/);
});

test('a process that does not heed the signal is killed', async () => {
  const mark = join(folder.path, 'part.ready');
  const script = `trap '' TERM; touch "${mark}"; exec sleep 600`;
  const pid = await supervisor.start(spec('part', { script, stopWithinMs: 100 }));
  await supervisor.stop('part');
  expect(isGone(pid)).toBe(true);
});

test('stopping everything breaks a start off', async () => {
  const start = supervisor.start(spec('part', { script: 'exec sleep 600' }));
  const refused = expect(start).rejects.toThrow('part was stopped before it was ready');
  await vi.waitFor(() => expect(supervisor.pids().part).toBeDefined());
  await supervisor.stopAll();
  await refused;
});

describe('when the supervisor itself is killed', () => {
  /** A process of its own that supervises one process, which it names. */
  async function otherSupervisor(): Promise<{ parent: ChildProcess; child: number }> {
    const script = `
      import { createSupervisor } from ${JSON.stringify(join(import.meta.dirname, '../../engines/supervisor.ts'))};
      const supervisor = createSupervisor({ pidDir: ${JSON.stringify(pidDir)}, progress: () => {} });
      console.log(await supervisor.start({
        name: 'part', command: '/bin/sh', args: ['-c', 'exec sleep 600'], env: {},
        logPath: ${JSON.stringify(join(folder.path, 'logs', 'part.log'))}, ready: async () => {},
      }));
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(createInterface(parent.stdout), 'line');
    return { parent, child: Number(line) };
  }

  async function kill(child: ChildProcess): Promise<void> {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  test('its processes end with it', async () => {
    const { parent, child } = await otherSupervisor();
    await kill(parent);
    await vi.waitFor(() => expect(isGone(child)).toBe(true), 10_000);
    await vi.waitFor(() => expect(readdirSync(pidDir)).toEqual([]), 10_000);
  });

  test('and when the guard was killed as well, the next start stops the orphan first', async () => {
    const { parent, child } = await otherSupervisor();
    const guard = guardOf(readPidFiles(pidDir).get('part')?.owner);
    process.kill(guard, 'SIGKILL');
    await vi.waitFor(() => expect(isGone(guard)).toBe(true));
    await kill(parent);
    expect(isGone(child)).toBe(false);
    const pid = await supervisor.start(spec('part'));
    expect(isGone(child)).toBe(true);
    expect(pid).not.toBe(child);
    expect(said[0]).toBe(`part: stopping process ${child}, left behind by an earlier run that was killed`);
  });

  test('a new run’s processes are none of the old guard’s business', async () => {
    const { parent, child } = await otherSupervisor();
    const pid = await supervisor.start(spec('part'));
    expect(isGone(child)).toBe(true);
    await kill(parent);
    // The old guard has looked once its pid is gone.
    expect(supervisor.pids().part).toBe(pid);
    expect(isGone(pid)).toBe(false);
  });

  function guardOf(owner: string | undefined): number {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    const guard = pids.find((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return owner !== undefined && words.includes(owner);
      } catch {
        return false;
      }
    });
    if (guard === undefined) throw new Error('no guard');
    return Number(guard);
  }
});

describe('a pid file', () => {
  test('whose pid is somebody else by now: that process is left alone', async () => {
    const stranger = spawn('/bin/sleep', ['60']);
    await once(stranger, 'spawn');
    if (stranger.pid === undefined) throw new Error('no pid');
    const record = {
      pid: stranger.pid,
      startedAt: '12345',
      stopSignal: 'SIGTERM',
      owner: 'other',
      bootId: 'x',
      program: 'sleep',
    } as const;
    writePidFile(pidDir, 'part', record);
    await stopOrphans(pidDir, silent);
    expect(isGone(stranger.pid)).toBe(false);
    expect(readdirSync(pidDir)).toEqual([]);
    stranger.kill();
    await once(stranger, 'exit');
  });

  test('that is damaged stops nobody and hinders nothing', async () => {
    writePidFile(pidDir, 'other', {
      pid: 1,
      startedAt: '1',
      stopSignal: 'SIGTERM',
      owner: 'o',
      bootId: 'b',
      program: 'p',
    });
    writeFileSync(join(pidDir, 'part'), 'half');
    await stopOrphans(pidDir, silent);
    expect(await supervisor.start(spec('part'))).toBeGreaterThan(0);
  });
});
