// Engines: Postgres, the real one. First start, later starts, kill -9, what is left behind, who may come in.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { appendFile, chmod, cp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { isAtLeast, isLoopback, type RunningPostgres, startPostgres } from '../../engines/postgres.ts';
import { postgresPrograms } from '../../engines/postgres-programs.ts';
import { silent } from '../../engines/progress.ts';
import {
  checkoutIsOpenToOthers,
  listeningAddresses,
  temporaryFolder,
  testSettings,
} from '../support/engines.ts';

const settings = testSettings();
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let dataDir: string;
let running: RunningPostgres;

const start = () => startPostgres({ dataDir, settings, progress: silent });

async function query<Row extends Record<string, unknown>>(url: string, text: string): Promise<Row[]> {
  // Postgres is killed in these tests: the driver's own question about types would reject unheard.
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => {} });
  try {
    return await sql.unsafe<Row[]>(text);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

function pidOf(engine: RunningPostgres): number {
  const pid = engine.pid();
  if (pid === undefined) throw new Error('Postgres is not running');
  return pid;
}

beforeAll(async () => {
  folder = await temporaryFolder();
  dataDir = join(folder.path, 'data');
  running = await start();
  await query(running.ownerUrl, 'CREATE TABLE notes (id integer PRIMARY KEY)');
});
afterAll(async () => {
  await running.stop();
  await folder.remove();
});

test('settings that durability and privacy rest on', async () => {
  const { superuserUrl = '' } = running; // some settings are shown to nobody else
  const rows = await query<{ name: string; setting: string }>(
    superuserUrl,
    'SELECT name, setting FROM pg_settings',
  );
  const values = Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
  expect(values).toMatchObject({
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    data_checksums: 'on',
    password_encryption: 'scram-sha-256',
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    TimeZone: 'UTC',
    server_encoding: 'UTF8',
    log_error_verbosity: 'terse',
  });
});

test('the owner owns the database, may make roles, and is no superuser', async () => {
  const [row] = await query(
    running.ownerUrl,
    `SELECT current_user::text AS who, rolsuper, rolcreaterole, rolcreatedb,
            (SELECT datdba = pg_roles.oid FROM pg_database WHERE datname = current_database()) AS owns
       FROM pg_roles WHERE rolname = current_user`,
  );
  expect(row).toEqual({
    who: 'rehab_owner',
    rolsuper: false,
    rolcreaterole: true,
    rolcreatedb: false,
    owns: true,
  });
});

test('text sorts by code point, whatever the system’s library thinks', async () => {
  const rows = await query<{ word: string }>(
    running.ownerUrl,
    `SELECT word FROM (VALUES ('é'), ('Z'), ('a'), ('中')) AS words (word) ORDER BY word`,
  );
  expect(rows.map(({ word }) => word)).toEqual(['Z', 'a', 'é', '中']);
});

test('a wrong password is refused, and so is none', async () => {
  for (const password of ['wrong', '']) {
    const url = new URL(running.ownerUrl);
    url.password = password;
    await expect(query(url.href, 'SELECT 1')).rejects.toThrow(/password/i);
  }
});

test.runIf(process.platform === 'linux')('it listens on 127.0.0.1 and nowhere else', () => {
  expect(listeningAddresses(pidOf(running))).toEqual(new Set(['127.0.0.1']));
});

test('what violates a rule is not written to the log with its values', async () => {
  await expect(
    query(
      running.ownerUrl,
      `CREATE TEMP TABLE people (name text UNIQUE); INSERT INTO people VALUES ('canary-7391'), ('canary-7391')`,
    ),
  ).rejects.toThrow('duplicate key');
  const log = readFileSync(join(dataDir, 'logs', 'postgres.log'), 'utf8');
  expect(log).toContain('duplicate key');
  expect(log).not.toContain('canary-7391');
});

test('secrets and data are closed to others', () => {
  for (const name of ['keys', 'postgres', 'logs']) expect(statSync(join(dataDir, name)).mode & 0o077).toBe(0);
  expect(statSync(join(dataDir, 'keys', 'postgres-owner')).mode & 0o777).toBe(0o600);
  const arguments_ = readFileSync(`/proc/${pidOf(running)}/cmdline`, 'utf8');
  expect(arguments_).not.toContain(readFileSync(join(dataDir, 'keys', 'postgres-superuser'), 'utf8').trim());
});

test('kill -9: it comes back by itself at the same address with everything that was committed', async () => {
  await query(running.ownerUrl, 'INSERT INTO notes VALUES (1)');
  const before = pidOf(running);
  process.kill(before, 'SIGKILL');
  await vi.waitFor(
    async () => expect(await query(running.ownerUrl, 'SELECT id FROM notes')).toEqual([{ id: 1 }]),
    {
      timeout: 30_000,
      interval: 100,
    },
  );
  expect(pidOf(running)).not.toBe(before);
});

test('stop and start again: the same addresses, the same data', async () => {
  const { ownerUrl } = running;
  await running.stop();
  running = await start();
  expect(running.ownerUrl).toBe(ownerUrl);
  expect(await query(ownerUrl, 'SELECT id FROM notes')).toEqual([{ id: 1 }]);
});

test.runIf(process.platform === 'linux')(
  'a postmaster.pid whose pid is somebody else by now hinders nothing',
  async () => {
    await running.stop();
    // This very process stands for the program that got the pid after a reboot.
    writeFileSync(
      join(dataDir, 'postgres', 'postmaster.pid'),
      `${process.pid}\n/nowhere\n0\n1\n\n\n  1 1\nready\n`,
    );
    running = await start();
    expect(await query(running.ownerUrl, 'SELECT id FROM notes')).toEqual([{ id: 1 }]);
  },
);

test('a second server on the same data is refused while the first one runs', async () => {
  // Another supervisor, which knows nothing of the first one's pid files.
  const { createSupervisor } = await import('../../engines/supervisor.ts');
  const supervisor = createSupervisor({ pidDir: join(folder.path, 'other-pids'), progress: silent });
  try {
    const second = startPostgres({ dataDir, settings, supervisor, progress: silent });
    await expect(second).rejects.toThrow(/^Another Postgres \(process \d+\) is working in .*: stop it first/);
  } finally {
    await supervisor.stopAll();
  }
});

test('a first start that was cut off is taken up again', async () => {
  const cut = join(folder.path, 'cut');
  mkdirSync(join(cut, 'postgres.partial', 'data', 'base'), { recursive: true });
  const again = await startPostgres({ dataDir: cut, settings, progress: silent });
  expect(again.version).toBe('18.4');
  expect(existsSync(join(cut, 'postgres.partial'))).toBe(false);
  await again.stop();
});

test('data of another major version are refused with a sentence, and left as they are', async () => {
  const old = join(folder.path, 'old');
  mkdirSync(join(old, 'postgres'), { recursive: true, mode: 0o700 });
  writeFileSync(join(old, 'postgres', 'PG_VERSION'), '16\n');
  await expect(startPostgres({ dataDir: old, settings, progress: silent })).rejects.toThrow(
    /were written by Postgres 16 and this is 18: bring them over with pg_upgrade/,
  );
  expect(readFileSync(join(old, 'postgres', 'PG_VERSION'), 'utf8')).toBe('16\n');
});

test('a port that was asked for and is in use', async () => {
  const port = Number(new URL(running.ownerUrl).port);
  const asking = startPostgres({
    dataDir: join(folder.path, 'asking'),
    settings: { ...settings, postgresPort: port },
    progress: silent,
  });
  await expect(asking).rejects.toThrow(
    `Port ${port} for postgres is already in use: stop the program that listens there, or choose another port with REHAB_POSTGRES_PORT.`,
  );
});

describe('an existing Postgres, by DATABASE_URL', () => {
  const use = (databaseUrl: string) =>
    startPostgres({ dataDir, settings: { ...settings, databaseUrl }, progress: silent });

  test('is used as it is, and not stopped', async () => {
    const existing = await use(running.ownerUrl);
    expect(existing).toMatchObject({ how: 'setting', ownerUrl: running.ownerUrl, version: '18.4' });
    await existing.stop();
    expect(await query(running.ownerUrl, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('that does not answer, or whose address is none: one sentence, without the password', async () => {
    await expect(use('postgres://somebody:secret-word@127.0.0.1:1/rehab')).rejects.toThrow(
      'DATABASE_URL does not lead to a Postgres that answers (ECONNREFUSED): correct it, or remove it to use the built-in one.',
    );
    await expect(use('secret-word')).rejects.toThrow('DATABASE_URL is not an address: write it as');
  });
});

test('the programs: one changed byte is refused, in the cache', async () => {
  const cacheDir = join(folder.path, 'cache');
  const { postgres: program } = await postgresPrograms({ cacheDir, user: undefined, progress: silent });
  const copy = `${program}.copy`;
  await cp(program, copy);
  await appendFile(copy, 'x');
  await rename(copy, program);
  await expect(postgresPrograms({ cacheDir, user: undefined, progress: silent })).rejects.toThrow(
    /^The Postgres programs are not the pinned ones: .* Find out why, then delete/,
  );
  await rm(cacheDir, { recursive: true });
});

test('versions and hosts', () => {
  expect(isAtLeast('18.10', '18.6')).toBe(true);
  expect(isAtLeast('18.4', '18.6')).toBe(false);
  expect(isAtLeast('19', '18.6')).toBe(true);
  expect(['localhost', '127.0.0.1', '127.9.9.9', '::1', '[::1]'].every(isLoopback)).toBe(true);
  expect(['127.0.0.1.example.org', '10.0.0.1', '0.0.0.0', 'localhost.example.org'].some(isLoopback)).toBe(
    false,
  );
});

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.info('not run here: starting as other users, because only root may become another user');

describe.runIf(isRoot && process.platform === 'linux')('whoever starts it', () => {
  /** Runs the engines in a process of its own and returns what it says first. */
  async function startAs(
    command: string[],
    home: string,
    dir: string,
  ): Promise<Record<string, { url: string; pid: number }>> {
    const script = join(import.meta.dirname, '../support/start-engines.mjs');
    const [program = '', ...args] = [...command, process.execPath, script, dir, 'postgres'];
    const child = spawn(program, args, {
      env: { PATH: process.env.PATH, HOME: home, XDG_CACHE_HOME: join(home, 'cache') },
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: '/',
    });
    stops.push(async () => {
      if (child.exitCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
    });
    const [line] = await once(child.stdout, 'data');
    return JSON.parse(String(line));
  }
  const stops: (() => Promise<void>)[] = [];
  afterAll(async () => {
    for (const stop of stops) await stop();
  });

  test('root, with data and cache below a folder that only root can enter', async () => {
    const closed = join(folder.path, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    const { postgres: engine } = await startAs([], closed, join(closed, 'data'));
    if (engine === undefined) throw new Error('no Postgres');
    expect(statSync(`/proc/${engine.pid}`).uid).not.toBe(0);
    expect(statSync(join(closed, 'data', 'postgres')).uid).toBe(statSync(`/proc/${engine.pid}`).uid);
    expect(await query(engine.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  const open = checkoutIsOpenToOthers();
  if (!open) console.info('not run here: an ordinary user, who may not read this checkout');
  test.runIf(open)('an ordinary user', async () => {
    const home = join(folder.path, 'home');
    mkdirSync(home);
    await chmod(folder.path, 0o755);
    const uid = 65_534;
    await import('node:fs/promises').then(({ chown }) => chown(home, uid, uid));
    const become = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--'];
    const { postgres: engine } = await startAs(become, home, join(home, 'data'));
    if (engine === undefined) throw new Error('no Postgres');
    expect(statSync(`/proc/${engine.pid}`).uid).toBe(uid);
    expect(await query(engine.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
});
