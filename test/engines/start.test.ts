// Engines: `rehab start` as a person runs it, on real engines, with stand-ins for our own three processes. First start,
// restarts, run.json, a second start, Ctrl-C, kill -9, a warm start over the same folder.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { examine } from '../../bin/commands/doctor.ts';
import { type RunFile, readRunFile } from '../../bin/run-file.ts';
import { ORGANISATIONS } from '../../domain/consortium.ts';
import { startTimeOf } from '../../engines/processes.ts';
import { listeningAddresses, temporaryFolder, testSettings } from '../support/engines.ts';

const script = join(import.meta.dirname, '../support/start-stack.mjs');
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let dataDir: string;
let running: Started;

interface Started {
  readonly child: ChildProcess;
  readonly address: string;
  readonly progress: string[];
}

/** Starts and waits for the printed address, or for the end. */
async function start(...args: string[]): Promise<Started> {
  const child = spawn(process.execPath, [script, dataDir, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const progress: string[] = [];
  createInterface(child.stderr).on('line', (line) => progress.push(line));
  const first = await Promise.race([once(createInterface(child.stdout), 'line'), once(child, 'exit')]);
  return { child, address: typeof first[0] === 'string' ? first[0] : '', progress };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  child.kill(signal);
  await once(child, 'exit');
  return child.exitCode;
}

function run(): RunFile {
  const file = readRunFile(dataDir);
  if (file === undefined) throw new Error('run.json is missing');
  return file;
}

const isGone = (pid: number): boolean => startTimeOf(pid) === undefined;

beforeAll(async () => {
  folder = await temporaryFolder();
  dataDir = join(folder.path, 'data');
  running = await start();
}, 1_200_000); // first builds take minutes
afterAll(async () => {
  await end(running.child, 'SIGTERM');
  await folder.remove();
});

test('the first start shows its long steps and prints the address, where the web answers', async () => {
  expect(running.progress.join('\n')).toMatch(/Postgres: ready after .*/);
  expect(running.progress.join('\n')).toMatch(/Temporal: ready after .*/);
  expect(running.progress.join('\n')).toMatch(/Fabric: ready after .*/);
  expect(running.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect((await fetch(`${running.address}/readyz`)).status).toBe(200);
});

test('run.json has the promised shape, is closed to others, and names living processes', () => {
  const file = run();
  expect(statSync(join(dataDir, 'run.json')).mode & 0o777).toBe(0o600);
  expect(Object.keys(file).sort()).toEqual([
    'fabric',
    'members',
    'ops',
    'pids',
    'postgres',
    'temporal',
    'web',
  ]);
  expect(file.web).toBe(running.address);
  expect(file.postgres.owner).toMatch(/^postgres:\/\/rehab_owner:\w+@127\.0\.0\.1:\d+\/rehab$/);
  expect(file.postgres.app).toMatch(/^postgres:\/\/rehab_web:\w+@127\.0\.0\.1:\d+\/rehab$/);
  expect(file.temporal).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(Object.keys(file.fabric.peers).sort()).toEqual([...ORGANISATIONS].sort());
  expect(existsSync(file.fabric.profile)).toBe(true);
  const wanted = ORGANISATIONS.flatMap((name) => [`peer-${name}`, `orderer-${name}`, `member-${name}`]);
  expect(Object.keys(file.members ?? {}).sort()).toEqual([...ORGANISATIONS].sort());
  expect(Object.keys(file.pids)).toEqual(
    expect.arrayContaining(['web', 'worker', 'ledger', 'temporal', 'postgres', ...wanted]),
  );
  expect(Object.values(file.pids).filter(isGone)).toEqual([]);
});

test.runIf(process.platform === 'linux')('nothing listens beyond 127.0.0.1', () => {
  for (const [name, pid] of Object.entries(run().pids)) {
    expect({ name, at: [...listeningAddresses(pid)] }).toEqual({ name, at: ['127.0.0.1'] });
  }
});

test('a process gets its own database role, and never the owner’s address', async () => {
  const environment = await (await fetch(`${running.address}/environment`)).json();
  expect(environment.REHAB_DATABASE_URL).toBe(run().postgres.app);
  expect(environment.DATABASE_URL).toBeUndefined();
  expect(JSON.stringify(environment)).not.toContain(new URL(run().postgres.owner).password);
});

test('a member gets nothing of the hospital’s, and its folder is closed to others', async () => {
  for (const organisation of ORGANISATIONS) {
    const url = run().members?.[organisation];
    const environment = await (await fetch(`${url}/environment`)).json();
    expect(Object.keys(environment).filter((name) => /DATABASE|POSTGRES|TEMPORAL|FABRIC/.test(name))).toEqual(
      [],
    );
    expect(environment.REHAB_LOG_URL).toBe(`${running.address}/log/`);
    const paths = readdirSync(join(dataDir, 'members', organisation), { recursive: true, encoding: 'utf8' });
    expect(paths).toEqual(
      expect.arrayContaining(['identity/key.pem', 'registrar/secret', 'registrar/key.pem', 'witness.pem']),
    );
    for (const path of ['', ...paths])
      expect(`${path} ${statSync(join(dataDir, 'members', organisation, path)).mode & 0o077}`).toBe(
        `${path} 0`,
      );
  }
});

test('doctor finds nothing but the old server versions to say', async () => {
  const findings = await examine({ dataDir, settings: testSettings() });
  expect(findings.filter(({ verdict }) => verdict === 'trouble' || verdict === 'not run')).toEqual([]);
  for (const { check } of findings.filter(({ verdict }) => verdict === 'warn'))
    expect(check).toMatch(/version|programs|organisations/);
  expect(findings.map(({ check }) => check)).toEqual(
    expect.arrayContaining([
      'postgres settings',
      'temporal namespace',
      'changes',
      'peers',
      'certificates',
      'clock',
    ]),
  );
});

test('a second start over the same folder: one sentence, and the first one goes on', async () => {
  const second = await start();
  expect(second.child.exitCode).toBe(1);
  expect(second.progress).toEqual([
    `The data folder ${dataDir} is in use by process ${running.child.pid}, which is already running: stop it first (Ctrl-C there, or "kill ${running.child.pid}"), or choose another folder with --data.`,
  ]);
  expect(Object.values(run().pids).filter(isGone)).toEqual([]);
});

describe('kill -9 of one process: it is started again, and run.json names the new one', () => {
  test.each(['web', 'worker', 'ledger', 'postgres', 'temporal', 'peer-hospital', 'orderer-hospital'])(
    '%s',
    async (name) => {
      const before = run().pids[name];
      if (before === undefined) throw new Error(`${name} does not run`);
      process.kill(before, 'SIGKILL');
      await vi.waitFor(
        () => {
          expect(run().pids[name] ?? before).not.toBe(before);
          expect(running.progress.filter((line) => line === `${name}: ready again`)).not.toEqual([]);
        },
        { timeout: 60_000, interval: 100 },
      );
    },
  );
});

test('Ctrl-C stops everything in order and takes run.json away; the next start has all data and addresses', async () => {
  const before = run();
  const sql = postgres(before.postgres.owner, { max: 1 });
  await sql`CREATE TABLE kept (id integer)`;
  await sql.end();
  expect(await end(running.child, 'SIGINT')).toBe(0);
  expect(running.progress.at(-1)).toBe('Stopped. All data are kept.');
  expect(existsSync(join(dataDir, 'run.json'))).toBe(false);
  expect(Object.values(before.pids).filter((pid) => !isGone(pid))).toEqual([]);

  running = await start();
  const { pids: _, ...addresses } = run();
  const { pids: __, ...addressesBefore } = before;
  expect(addresses).toEqual(addressesBefore);
  const again = postgres(addresses.postgres.owner, { max: 1 });
  expect(await again`SELECT * FROM kept`).toEqual([]);
  await again.end();
  expect(readFileSync(join(dataDir, 'seeded'), 'utf8')).toBe('..'); // once at each start
});

test('kill -9 of `rehab start` itself: everything ends, and the next start comes up', async () => {
  const { pids } = run();
  await end(running.child, 'SIGKILL');
  await vi.waitFor(() => expect(Object.entries(pids).filter(([, pid]) => !isGone(pid))).toEqual([]), 30_000);
  expect(existsSync(join(dataDir, 'run.json'))).toBe(true);
  running = await start();
  expect((await fetch(`${running.address}/readyz`)).status).toBe(200);
  expect(run().pids.web).not.toBe(pids.web);
});

test('Ctrl-C in the middle of a start leaves nothing running', async () => {
  await end(running.child, 'SIGTERM');
  const child = spawn(process.execPath, [script, dataDir], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines = createInterface(child.stderr);
  await once(lines, 'line'); // the first engine is up, others are on their way
  const said: string[] = [];
  lines.on('line', (line) => said.push(line));
  expect(await end(child, 'SIGINT')).toBe(0);
  expect(said.at(-1)).toBe('Stopped before everything was up; start again at any time.');
  running = await start();
  expect(running.address).not.toBe('');
});

test('a port that was asked for and is in use: one sentence, nothing left running', async () => {
  await end(running.child, 'SIGTERM');
  const { createServer } = await import('node:http');
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const address = other.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const refused = await start(String(address.port));
  expect(refused.child.exitCode).toBe(1);
  expect(refused.progress.at(-1)).toBe(
    `Port ${address.port} for web is already in use: stop the program that listens there, or choose another port with --port.`,
  );
  other.close();
});
