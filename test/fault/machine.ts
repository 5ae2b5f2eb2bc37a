// Test support of the faults: a whole machine whose processes reach Postgres and the peers through proxies of ours and whose
// clocks can be stepped; the people's work kept going meanwhile; and the one oracle that every fault is followed by.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import postgres from 'postgres';
import { expect } from 'vitest';
import { seedStarted } from '../../bin/commands/seed.ts';
import { type ProcessName, processEnvironment, startStack } from '../../bin/commands/start.ts';
import { type DriveReport, driveCases } from '../../bin/drive/drive.ts';
import { type RunFile, readRunFile } from '../../bin/run-file.ts';
import { ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { choosePort } from '../../engines/ports.ts';
import { type Acknowledged, unsettled, whatHappened } from '../drill/machine.ts';
import { temporaryFolder, testSettings } from '../support/engines.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { smallDisk } from '../support/small-disk.ts';

const program = fileURLToPath(new URL('../../bin/rehab.mjs', import.meta.url));
const clock = fileURLToPath(new URL('./clock.mjs', import.meta.url));
/** How long anything may take to come back or to rest, on a machine that does other work too. */
const PATIENCE_MS = 120_000;
const OURS = ['web', 'worker', 'ledger'] as const;

export type FaultMachine = Awaited<ReturnType<typeof startFaultMachine>>;

/** Starts a machine in a folder of its own, or on a disk of its own with so many MiB. The caller stops it. */
export async function startFaultMachine({ diskMiB }: { readonly diskMiB?: number } = {}) {
  const folder = await temporaryFolder();
  const dataDir = join(folder.path, 'data');
  const disk = diskMiB === undefined ? undefined : smallDisk(dataDir, diskMiB);
  const acknowledgedFile = join(folder.path, 'acknowledged.jsonl');
  const clockFile = (name: string) => join(folder.path, `clock-${name}`);
  const proxied = async <K extends string>(names: readonly K[]): Promise<Record<K, TestProxy>> =>
    Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await startProxy()] as const)),
    ) as Record<K, TestProxy>; // one per name
  const database = await proxied(OURS);
  const peers = await proxied(ORGANISATIONS);
  const said: string[] = [];
  const started: ChildProcess[] = [];
  let fabricProfile = '';

  /** Postgres and the peers by way of the proxies. */
  function environmentOf(
    name: ProcessName,
    addresses: Parameters<typeof processEnvironment>[1],
  ): Record<string, string | undefined> {
    const plain = processEnvironment(name, addresses);
    if (fabricProfile === '') {
      fabricProfile = join(dirname(addresses.fabricProfile), 'through-proxies.json');
      let text = readFileSync(addresses.fabricProfile, 'utf8');
      const { organisations } = JSON.parse(text) as {
        organisations: Record<Organisation, { peer: { address: string } }>;
      };
      for (const organisation of ORGANISATIONS) {
        const { address } = organisations[organisation].peer;
        peers[organisation].to(Number(address.split(':')[1]));
        text = text.replaceAll(`"${address}"`, `"127.0.0.1:${peers[organisation].port}"`);
      }
      writeFileSync(fabricProfile, text);
    }
    const ours = OURS.find((one) => one === name);
    if (!ours) return plain;
    const url = new URL(plain.REHAB_DATABASE_URL ?? '');
    database[ours].to(Number(url.port));
    url.port = String(database[ours].port);
    return {
      ...plain,
      REHAB_DATABASE_URL: url.href,
      FABRIC_PROFILE: fabricProfile,
      REHAB_TEST_CLOCK: clockFile(name),
      NODE_OPTIONS: `--import ${pathToFileURL(clock).href}`,
    };
  }

  const stack = await startStack({
    dataDir,
    port: await choosePort({ dataDir: folder.path, name: 'web', progress: () => undefined }),
    program,
    settings: testSettings(),
    progress: (line) => said.push(line),
    environmentOf,
    seed: (addresses) => seedStarted(dataDir, addresses),
  });

  const run = (): RunFile => {
    const file = readRunFile(dataDir);
    if (!file) throw new Error('run.json is missing');
    return file;
  };
  const owner = postgres(run().postgres.owner, { max: 1, onnotice: () => undefined });
  const pid = (name: string): number => {
    const found = run().pids[name];
    if (found === undefined) throw new Error(`no such process: ${name}`);
    return found;
  };
  async function untilBack(name: string, old: number): Promise<void> {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const now = readRunFile(dataDir)?.pids[name];
      const ready = said.indexOf(`${name}: ready again`);
      if (now !== undefined && now !== old && ready >= 0) {
        said.splice(ready, 1);
        return;
      }
      if (Date.now() > end) throw new Error(`${name} did not come back: ${said.slice(-5).join(' ')}`);
      await sleep(50);
    }
  }
  async function rehab(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
    const [verb = '', ...rest] = args;
    const child = spawn(process.execPath, [program, verb, '--data', dataDir, ...rest], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, out, err };
  }

  /** Sizes of the log and of what each peer really holds; peers are asked past the proxies, by `rehab verify`. */
  async function backlog(): Promise<{ entries: number; size: number; anchored: number }> {
    const [row] = await owner<{ entries: number; size: number; anchored: number }[]>`
      select (select count(*)::int from audit_entries) as entries, (select size::int from log_head) as size,
        (select coalesce(max(size), 0)::int from log_anchors) as anchored`;
    return row ?? { entries: -1, size: -1, anchored: -1 };
  }
  async function atRest(): Promise<void> {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const { entries, size, anchored } = await backlog();
      if (entries === size && size === anchored) return;
      if (Date.now() > end) throw new Error(`log does not come to rest: ${entries} ${size} ${anchored}`);
      await sleep(100);
    }
  }

  return {
    dataDir,
    /** Its disk, when it has one of its own. */
    disk,
    run,
    database,
    peers,
    pid,
    rehab,
    owner,
    backlog,
    atRest,
    /** Pids of what the supervisor keeps, as it knows them. */
    stackPids: () => stack.run().pids,
    /** What the supervisor said. */
    said,
    freeze: (...names: string[]) => {
      for (const name of names) process.kill(pid(name), 'SIGSTOP');
    },
    thaw: (...names: string[]) => {
      for (const name of names) process.kill(pid(name), 'SIGCONT');
    },
    /** `kill -9`, without waiting. */
    strike(name: string): Promise<void> {
      const old = pid(name);
      process.kill(old, 'SIGKILL');
      return untilBack(name, old);
    },
    /** Steps a process's clock, in milliseconds; 0 mends it. */
    async setClock(name: string, off: number): Promise<void> {
      writeFileSync(clockFile(name), String(off));
      await sleep(200);
    },
    /** A second process beside the supervised one; ended by `stopSecond`, or with the machine. */
    async second(name: 'ledger'): Promise<ChildProcess> {
      const child = spawn(process.execPath, [program, name, '--data', dataDir], {
        stdio: ['ignore', 'ignore', 'ignore'],
        env: {
          ...process.env,
          FABRIC_PROFILE: fabricProfile,
          REHAB_OPS_PORT: String(
            await choosePort({ dataDir: folder.path, name: `second-${name}`, progress: () => undefined }),
          ),
        },
      });
      started.push(child);
      return child;
    },
    /** Runs `rehab …` and kills it as soon as a file is there. Gives whether the file stayed behind. */
    async killedAt(path: string, ...args: string[]): Promise<boolean> {
      const [verb = '', ...rest] = args;
      const child = spawn(process.execPath, [program, verb, '--data', dataDir, ...rest], {
        stdio: ['ignore', 'ignore', 'ignore'],
      });
      const over = once(child, 'close');
      while (child.exitCode === null && !existsSync(path)) await sleep(2);
      child.kill('SIGKILL');
      await over;
      return existsSync(path);
    },
    /** Works cases through their lives, as their people do. */
    async drive(cases: number, seedNumber: number): Promise<DriveReport> {
      return await driveCases({
        origin: run().web,
        cases,
        concurrency: 3,
        seed: seedNumber,
        acknowledged: acknowledgedFile,
        progress: () => undefined,
      });
    },
    /** An act that a test did by itself and was told is done. */
    acknowledge(key: string, what: string): void {
      appendFileSync(acknowledgedFile, `${JSON.stringify({ key, what })}\n`);
    },
    /**
     * The same after every fault: what was acknowledged is there once, every operation has its one entry, `verify` is sound
     * on all three peers up to the last entry, and `replay` agrees. `settled`: waits besides until every decision was found
     * in a history or asked again, which begins half a minute after it, and demands that none is orphaned and none waits.
     */
    async oracle({ settled }: { settled: boolean }): Promise<{
      entries: number;
      acknowledged: number;
      /** What verification notes and accuses nobody of. */
      notes: readonly { readonly kind: string }[];
    }> {
      const end = Date.now() + PATIENCE_MS;
      while (settled && (await unsettled(run())) > 0 && Date.now() < end) await sleep(250);
      await atRest();
      const { operations, entries, updates } = await whatHappened(run());
      const known = new Set(operations.map(({ id }) => id));
      const acknowledged = readFileSync(acknowledgedFile, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Acknowledged);
      expect(acknowledged.filter(({ key }) => !known.has(key) || entries.get(key) !== 1)).toEqual([]);
      expect(operations.filter((operation) => operation.entries !== 1)).toEqual([]);
      expect([...entries.keys()].filter((key) => !known.has(key))).toEqual([]);
      if (settled) {
        expect(await unsettled(run())).toBe(0);
        const committed = operations.filter(({ update_name }) => update_name).map(({ id }) => id);
        expect(committed.filter((id) => !updates.has(id))).toEqual([]);
        expect(await owner`select operation_id from ask_outbox where answer is null`).toHaveLength(0);
      }
      const verified = await rehab('verify', '--json');
      const report = JSON.parse(verified.out || '{}');
      expect({ code: verified.code, ...report }).toMatchObject({ code: 0, status: 'sound', findings: [] });
      for (const organisation of ORGANISATIONS)
        expect(report.counts.anchored[organisation]).toBe(report.counts.entries);
      const replayed = await rehab('replay', '--all', '--json');
      expect({ code: replayed.code, ...JSON.parse(replayed.out || '{}') }).toMatchObject({
        code: 0,
        differing: [],
      });
      const notes: readonly { readonly kind: string }[] = report.notes;
      return { entries: report.counts.entries, acknowledged: acknowledged.length, notes };
    },
    async stop(): Promise<void> {
      for (const child of started) if (child.exitCode === null) child.kill('SIGKILL');
      for (const name of Object.keys(run().pids)) {
        try {
          process.kill(pid(name), 'SIGCONT');
        } catch {
          // It has ended by itself.
        }
      }
      await owner.end({ timeout: 5 });
      await stack.stop();
      await Promise.all([...Object.values(database), ...Object.values(peers)].map((proxy) => proxy.close()));
      if (!process.env.REHAB_DRILL_KEEP) disk?.unmount();
      if (!process.env.REHAB_DRILL_KEEP) rmSync(folder.path, { recursive: true, force: true });
    },
  };
}
