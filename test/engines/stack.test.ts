// Engines: all of them over one data folder. Two starts, a start that fails, a run that is killed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import postgres from 'postgres';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readPidFiles, startTimeOf } from '../../engines/processes.ts';
import { silent } from '../../engines/progress.ts';
import { startEngines } from '../../engines/stack.ts';
import { namespaceState } from '../../engines/temporal.ts';
import { checkoutIsOpenToOthers, temporaryFolder, testSettings } from '../support/engines.ts';

const settings = testSettings();
const isRoot = process.getuid?.() === 0;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let dataDir: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  dataDir = join(folder.path, 'data');
});
afterEach(() => folder.remove());

const isGone = (pid: number): boolean => startTimeOf(pid) === undefined;

test('Postgres and Temporal side by side; a second start over the same folder is refused; stop leaves nothing', async () => {
  const engines = await startEngines({
    dataDir,
    parts: ['postgres', 'temporal'],
    settings,
    progress: silent,
  });
  const second = startEngines({ dataDir, parts: ['postgres'], settings, progress: silent });
  await expect(second).rejects.toThrow(
    `The data folder ${dataDir} is in use by process ${process.pid}, which is already running: stop it first`,
  );
  const pids = Object.values(engines.supervisor.pids());
  expect(pids).toHaveLength(2);
  await engines.stop();
  expect(pids.every(isGone)).toBe(true);
  const again = await startEngines({ dataDir, parts: ['postgres'], settings, progress: silent });
  await again.stop();
});

test('when one engine cannot start, the others are stopped and the folder is given up', async () => {
  const broken = { ...settings, temporalCli: join(folder.path, 'nothing') };
  const start = startEngines({
    dataDir,
    parts: ['postgres', 'temporal'],
    settings: broken,
    progress: silent,
  });
  await expect(start).rejects.toThrow(/^TEMPORAL_CLI points at/);
  expect(readPidFiles(join(dataDir, 'pids')).size).toBe(0);
  const again = await startEngines({ dataDir, parts: ['postgres'], settings, progress: silent });
  await again.stop();
});

test('kill -9 of the whole run: its engines end, and the next start has all data', async () => {
  const script = join(import.meta.dirname, '../support/start-engines.mjs');
  const child = spawn(process.execPath, [script, dataDir, 'postgres', 'temporal'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = await once(createInterface(child.stdout), 'line');
  const first = JSON.parse(String(line)) as Record<
    'postgres' | 'temporal',
    { pid: number; url: string; address: string }
  >;
  const sql = postgres(first.postgres.url, { max: 1 });
  await sql`CREATE TABLE kept (id integer)`;
  await sql.end();

  child.kill('SIGKILL');
  await once(child, 'exit');
  await vi.waitFor(() => expect(isGone(first.postgres.pid) && isGone(first.temporal.pid)).toBe(true), 20_000);

  const engines = await startEngines({
    dataDir,
    parts: ['postgres', 'temporal'],
    settings,
    progress: silent,
  });
  expect(engines.postgres?.superuserUrl).toBe(first.postgres.url);
  expect(engines.temporal?.address).toBe(first.temporal.address);
  const again = postgres(first.postgres.url, { max: 1 });
  expect(await again`SELECT * FROM kept`).toEqual([]);
  await again.end();
  expect((await namespaceState(first.temporal.address)).missingAttributes).toEqual([]);
  await engines.stop();
});

test('a data folder that cannot be made: one sentence', async () => {
  writeFileSync(join(folder.path, 'file'), '');
  const start = startEngines({
    dataDir: join(folder.path, 'file', 'data'),
    parts: [],
    settings,
    progress: silent,
  });
  await expect(start).rejects.toThrow(
    /^The data folder cannot be made: .* Choose one that you may write with --data\.$/,
  );
});

const asAnother = isRoot && checkoutIsOpenToOthers();
if (!asAnother)
  console.info(
    'not run here: a data folder of another user; it needs root and a checkout that others may read',
  );
test.runIf(asAnother)('a data folder of another user: one sentence, nothing touched', async () => {
  mkdirSync(dataDir, { mode: 0o700 });
  chmodSync(folder.path, 0o755);
  await chown(dataDir, 1, 1);
  const script = join(import.meta.dirname, '../support/start-engines.mjs');
  const child = spawn(
    'setpriv',
    ['--reuid=65534', '--regid=65534', '--clear-groups', '--', process.execPath, script, dataDir],
    {
      env: { PATH: process.env.PATH, HOME: folder.path },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const [line] = await once(createInterface(child.stdout), 'line');
  expect(JSON.parse(String(line)).trouble).toBe(
    `The data folder ${dataDir} belongs to user 1 and you are user 65534: start as that user, or choose another folder with --data.`,
  );
  expect(readdirSync(dataDir)).toEqual([]);
});
