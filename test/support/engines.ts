// Test support: real engines for tests. One of each per vitest run (global-*.ts), a database of its own per test
// file. Never a double, never the developer's own data folder.
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import postgres from 'postgres';
import { inject } from 'vitest';
import { migrate as migrateToday, type RolePasswords, roleUrl } from '../../db/migrate.ts';
import { choosePort } from '../../engines/ports.ts';
import type { Progress } from '../../engines/progress.ts';
import { type EngineSettings, engineSettings } from '../../engines/settings.ts';
import { type EnginePart, type Engines, startEngines } from '../../engines/stack.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** From global-postgres.ts. */
    postgres: { readonly superuserUrl: string; readonly ownerUrl: string };
    /** From global-temporal.ts; `cli` runs Temporal's own command line. */
    temporal: { readonly address: string; readonly cli: string };
  }
}

/** The settings of this machine, without those that point at existing servers: tests bring their own. */
export function testSettings(environment: NodeJS.ProcessEnv = process.env): EngineSettings {
  const { DATABASE_URL, TEMPORAL_ADDRESS, FABRIC_PROFILE, ...rest } = environment;
  return engineSettings(rest);
}

/** A new empty folder below the system's temporary folder, and how to remove it. */
export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'rehab-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** Long steps (a first build takes minutes) must be seen while the tests wait for them. */
const showProgress: Progress = (line) => {
  if (process.env.REHAB_TEST_QUIET === undefined) process.stderr.write(`${line}\n`);
};

/** Starts engines in a temporary data folder; `stop` stops them and removes the folder. */
export async function temporaryEngines(
  parts: readonly EnginePart[],
  progress: Progress = showProgress,
): Promise<Engines & { readonly dataDir: string }> {
  const folder = await temporaryFolder();
  try {
    const engines = await startEngines({ dataDir: folder.path, parts, settings: testSettings(), progress });
    return {
      ...engines,
      dataDir: folder.path,
      async stop() {
        await engines.stop();
        await folder.remove();
      },
    };
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

export interface FreshDatabase {
  readonly name: string;
  /** As the owner of the tables. */
  readonly ownerUrl: string;
  readonly superuserUrl: string;
  /** The same database as each process's role; the roles exist once today's migrations ran. */
  readonly urls: Readonly<Record<keyof RolePasswords, string>>;
  drop(): Promise<void>;
}

/** Brings an empty database, given as its owner's URL, to today's schema. */
export type Migrate = (ownerUrl: string) => Promise<unknown>;

/** Passwords of the processes' roles in test databases. */
const TEST_PASSWORDS: RolePasswords = {
  web: '77656277656277656277656277656277',
  worker: '776f726b6572776f726b6572776f726b',
  ledger: '6c65646765726c65646765726c656467',
  verify: '76657269667976657269667976657269',
};

/** Today's schema, as `rehab migrate` makes it. */
const migrateAll: Migrate = (ownerUrl) => migrateToday(ownerUrl, { passwords: TEST_PASSWORDS });

/**
 * A database of its own, copied from a template that was migrated once per run (by default with today's
 * migrations). Needs global-postgres.ts. `template` names the template: different migrations need different names.
 */
export async function freshDatabase(
  migrate: Migrate = migrateAll,
  template = 'rehab_template',
): Promise<FreshDatabase> {
  const { superuserUrl, ownerUrl } = inject('postgres');
  const admin = postgres(superuserUrl, { max: 1, onnotice: () => {} });
  const owner = decodeURIComponent(new URL(ownerUrl).username);
  const name = `test_${crypto.randomUUID().replaceAll('-', '')}`;
  try {
    // Held by one worker at a time: the first makes the template, the others wait for it and copy it.
    await admin`SELECT pg_advisory_lock(hashtext('rehab test template'))`;
    const [made] = await admin`SELECT 1 FROM pg_database WHERE datname = ${template}`;
    if (made === undefined) {
      const making = `${template}_making`;
      await admin.unsafe(`DROP DATABASE IF EXISTS ${making}`);
      await admin.unsafe(`CREATE DATABASE ${making} OWNER ${owner}`);
      await migrate(withDatabase(ownerUrl, making));
      await admin.unsafe(`ALTER DATABASE ${making} RENAME TO ${template}`);
    }
    await admin.unsafe(`CREATE DATABASE ${name} OWNER ${owner} TEMPLATE ${template}`);
  } finally {
    await admin.end();
  }
  const own = withDatabase(ownerUrl, name);
  return {
    name,
    ownerUrl: own,
    superuserUrl: withDatabase(superuserUrl, name),
    urls: {
      web: roleUrl(own, 'web', TEST_PASSWORDS),
      worker: roleUrl(own, 'worker', TEST_PASSWORDS),
      ledger: roleUrl(own, 'ledger', TEST_PASSWORDS),
      verify: roleUrl(own, 'verify', TEST_PASSWORDS),
    },
    async drop() {
      const sql = postgres(superuserUrl, { max: 1, onnotice: () => {} });
      try {
        await sql.unsafe(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      } finally {
        await sql.end();
      }
    },
  };
}

function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}

/** Addresses (without ports) on which a process listens over TCP, read from the kernel. Linux only. */
export function listeningAddresses(pid: number): Set<string> {
  const inodes = new Set<string>();
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    const inode = /^socket:\[(\d+)\]$/.exec(linkOrNothing(`/proc/${pid}/fd/${fd}`))?.[1];
    if (inode !== undefined) inodes.add(inode);
  }
  const addresses = new Set<string>();
  for (const table of ['tcp', 'tcp6']) {
    // proc_pid_net(5): local address is field 1, state field 3 (0A is LISTEN), inode field 9.
    for (const line of readFileSync(`/proc/net/${table}`, 'utf8').split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[3] !== '0A' || !inodes.has(fields[9] ?? '')) continue;
      addresses.add(readableAddress(fields[1]?.split(':')[0] ?? ''));
    }
  }
  return addresses;
}

/** IPv4 in the kernel's little-endian hexadecimal as dotted numbers; IPv6 stays as it is. */
function readableAddress(hex: string): string {
  if (hex.length !== 8) return hex;
  return (hex.match(/../g) ?? [])
    .reverse()
    .map((byte) => Number.parseInt(byte, 16))
    .join('.');
}

function linkOrNothing(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed while we looked
  }
}

/** A port of 127.0.0.1 on which nothing listens at this moment. */
export async function freePortForTests(): Promise<number> {
  const folder = await temporaryFolder();
  try {
    return await choosePort({ dataDir: folder.path, name: 'test', progress: () => {} });
  } finally {
    await folder.remove();
  }
}

/** Whether another user could run this checkout: every folder on its way lets others through. */
export function checkoutIsOpenToOthers(): boolean {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}
