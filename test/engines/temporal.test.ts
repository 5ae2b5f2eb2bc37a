// Engines: Temporal, the real server. First start, later starts, kill -9, retention, where it listens.
import { mkdirSync, readFileSync } from 'node:fs';
import { appendFile, cp } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { TEMPORAL_NAMESPACE } from '../../domain/consortium.ts';
import { findEngine } from '../../engines/find-or-build.ts';
import { silent } from '../../engines/progress.ts';
import {
  namespaceState,
  RETENTION_MS,
  type RunningTemporal,
  startTemporal,
  temporalSource,
} from '../../engines/temporal.ts';
import { listeningAddresses, temporaryFolder, testSettings } from '../support/engines.ts';

const settings = testSettings();
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let dataDir: string;
let running: RunningTemporal;

const start = (retentionMs?: number) =>
  startTemporal({
    dataDir,
    settings,
    progress: silent,
    ...(retentionMs === undefined ? {} : { retentionMs }),
  });

function pidOf(engine: RunningTemporal): number {
  const pid = engine.pid();
  if (pid === undefined) throw new Error('Temporal is not running');
  return pid;
}

/** Starts a workflow that no worker will ever take: its history is one accepted event. */
async function begin(workflowId: string): Promise<string> {
  return await withClient(async (client) => {
    const handle = await client.workflow.start('waiting', { taskQueue: 'engines-test', workflowId });
    return handle.firstExecutionRunId;
  });
}

async function runIdOf(workflowId: string): Promise<string> {
  return await withClient(async (client) => (await client.workflow.getHandle(workflowId).describe()).runId);
}

async function withClient<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: running.address, connectTimeout: 5_000 });
  try {
    return await work(new Client({ connection, namespace: TEMPORAL_NAMESPACE }));
  } finally {
    await connection.close();
  }
}

beforeAll(async () => {
  folder = await temporaryFolder();
  dataDir = join(folder.path, 'data');
  // As an older version of ours, or a person, might have left it.
  running = await start(86_400_000 * 30);
}, 900_000); // a first build takes minutes
afterAll(async () => {
  await running.stop();
  await folder.remove();
});

test('a namespace with too short a retention is given ten years at the next start', async () => {
  expect((await namespaceState(running.address)).retentionMs).toBeLessThan(RETENTION_MS);
  await running.stop();
  running = await start();
  expect(await namespaceState(running.address)).toMatchObject({
    retentionMs: RETENTION_MS,
    missingAttributes: [],
  });
});

test('a longer retention is never shortened', async () => {
  await running.stop();
  running = await start(86_400_000);
  expect((await namespaceState(running.address)).retentionMs).toBe(RETENTION_MS);
});

test.runIf(process.platform === 'linux')('everything it opens is on 127.0.0.1', () => {
  expect(listeningAddresses(pidOf(running))).toEqual(new Set(['127.0.0.1']));
});

test('its web interface and its metrics answer where it says', async () => {
  for (const url of [running.uiUrl, running.metricsUrl]) expect((await fetch(url ?? '')).status).toBe(200);
});

test('the settings that make it durable and quick are the ones it runs with', () => {
  const words = readFileSync(`/proc/${pidOf(running)}/cmdline`, 'utf8').split('\0');
  const pragmas = words.filter((_, index) => words[index - 1] === '--sqlite-pragma');
  expect(pragmas).toEqual([
    'journal_mode=WAL',
    'synchronous=FULL',
    'cache_size=-65536',
    'temp_store=MEMORY',
    'mmap_size=268435456',
    'wal_autocheckpoint=4000',
  ]);
});

test('kill -9: it comes back by itself at the same address, and an accepted start is still there', async () => {
  const runId = await begin('survives-kill');
  const before = pidOf(running);
  process.kill(before, 'SIGKILL');
  await vi.waitFor(async () => expect(await runIdOf('survives-kill')).toBe(runId), {
    timeout: 60_000,
    interval: 250,
  });
  expect(pidOf(running)).not.toBe(before);
});

test('stop and start again: the same address, the same histories', async () => {
  const runId = await begin('survives-stop');
  const { address } = running;
  await running.stop();
  running = await start();
  expect(running.address).toBe(address);
  expect(await runIdOf('survives-stop')).toBe(runId);
});

test('an existing server, by TEMPORAL_ADDRESS, is used and not stopped', async () => {
  const existing = await startTemporal({
    dataDir,
    settings: { ...settings, temporalAddress: running.address },
    progress: silent,
  });
  expect(existing).toMatchObject({ how: 'address', address: running.address });
  await existing.stop();
  expect(await namespaceState(running.address)).toMatchObject({ missingAttributes: [] });
});

test('an address where nobody answers: one sentence', async () => {
  const using = startTemporal({
    dataDir,
    settings: { ...settings, temporalAddress: '127.0.0.1:1' },
    progress: silent,
  });
  await expect(using).rejects.toThrow(
    /^TEMPORAL_ADDRESS 127\.0\.0\.1:1 does not lead to a Temporal .* remove it to use the built-in one\.$/,
  );
});

test('one byte more in the cached program, and it is not started', async () => {
  const { cli } = running;
  const source = temporalSource(settings);
  if (cli === undefined || running.how === 'path' || running.how === 'setting') {
    console.info('not run here: the cached Temporal is not used on this machine');
    return;
  }
  const cacheDir = join(folder.path, 'cache');
  mkdirSync(cacheDir);
  await cp(join(cli, '..'), join(cacheDir, 'temporal-1.5.1'), { recursive: true });
  const options = { cacheDir, environment: { PATH: '' }, progress: silent };
  expect((await findEngine(source, options))?.how).toBe('cache');
  await appendFile(join(cacheDir, 'temporal-1.5.1', 'temporal'), 'x');
  await expect(findEngine(source, options)).rejects.toThrow('The cached temporal is not what was built here');
});
