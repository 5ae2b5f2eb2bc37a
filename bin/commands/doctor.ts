// Composition: `rehab doctor`, one line per check, with the remedy beside what is wrong. Only reads: it starts,
// builds, mends and deletes nothing. Never prints a secret, and never calls a check passed that it could not make.

import { execFile } from 'node:child_process';
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { connect } from 'node:net';
import { join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { z } from 'zod';
import { CHANNEL, ORGANISATIONS } from '../../domain/consortium.ts';
import { fabricCaSource, fabricSource } from '../../engines/fabric/programs.ts';
import { type EngineSource, findEngine, onPath } from '../../engines/find-or-build.ts';
import { tryLock } from '../../engines/lock.ts';
import { readPorts } from '../../engines/ports.ts';
import { isAtLeast, isLoopback, FLOOR_OUTSIDE_LOOPBACK as POSTGRES_FLOOR } from '../../engines/postgres.ts';
import { serverUser, unpackedPostgres } from '../../engines/postgres-programs.ts';
import { startTimeOf } from '../../engines/processes.ts';
import { silent } from '../../engines/progress.ts';
import type { EngineSettings } from '../../engines/settings.ts';
import {
  namespaceState,
  RETENTION_MS,
  serverVersionOf,
  FLOOR_OUTSIDE_LOOPBACK as TEMPORAL_FLOOR,
  temporalSource,
} from '../../engines/temporal.ts';
import { OWNERS } from '../../engines/users.ts';
import { CHANGES } from '../../workflows/changes.ts';
import { certificateEnds } from '../certificate-ends.ts';
import { type ChangesInFlight, changesInFlightAt, NEWER_BUILD, unknownChanges } from '../changes.ts';
import { knownSize } from '../known-size.ts';
import { type Replacement, readReplacement } from '../log-keys.ts';
import { type RunFile, readRunFile } from '../run-file.ts';

/** `warn` asks for attention; only `trouble` makes the command fail; `not run` says why a check could not be made. */
export type Verdict = 'ok' | 'warn' | 'trouble' | 'not run';

export interface Finding {
  /** Constant name of the check, for programs. */
  readonly check: string;
  readonly verdict: Verdict;
  /** What was seen, for people. */
  readonly says: string;
  /** What to do; there whenever something is wrong. */
  readonly remedy?: string;
}

export interface DoctorOptions {
  readonly dataDir: string;
  readonly settings: EngineSettings;
  /** Further checks, e.g. of staffing and anchor lag, which are not the engines'. */
  readonly more?: readonly (() => Promise<readonly Finding[]>)[];
  readonly now?: Date;
}

/** Runs every check; one that throws becomes a `trouble` of its own, and the others still run. */
export async function examine(options: DoctorOptions): Promise<Finding[]> {
  const dataDir = resolve(options.dataDir);
  const { settings } = options;
  const now = options.now ?? new Date();
  const run = readRunFileOrUndefined(dataDir);
  const running = isHeld(dataDir);
  const checks: readonly [string, () => Promise<readonly Finding[]>][] = [
    ['node', async () => [checkNode(process.versions.node)]],
    ['go', () => checkGo(settings)],
    ['postgres programs', () => checkPostgresPrograms(dataDir, settings)],
    ['temporal programs', () => checkTemporalPrograms(settings)],
    ['fabric programs', () => checkFabricPrograms(settings)],
    ['disk', () => checkDisks([dataDir, settings.cacheDir])],
    ['data folder', async () => checkDataFolder(dataDir)],
    ['organisations', async () => checkOrganisations(dataDir)],
    ['ports', () => checkPorts(dataDir, running)],
    ['processes', async () => checkProcesses(run, running)],
    ['postgres', () => checkPostgres(run, running, settings)],
    ['log', () => checkLog(dataDir, run, running, settings)],
    ['temporal', () => checkTemporal(run, running, settings)],
    ['changes', () => checkChangesInFlight(run, running, settings)],
    ['peers', () => checkPeers(dataDir, running, settings)],
    ['members', () => checkMembers(run, running)],
    ['keys', async () => [checkReplacement(readReplacement(dataDir))]],
    ['certificates', async () => checkCertificates(dataDir, now)],
    ['people’s certificates', () => checkPeople(run, running, settings, now)],
    ...(options.more ?? []).map((check, index): [string, () => Promise<readonly Finding[]>] => [
      `more ${index}`,
      check,
    ]),
  ];
  const findings: Finding[] = [];
  for (const [check, make] of checks) {
    try {
      findings.push(...(await make()));
    } catch (error) {
      findings.push({
        check,
        verdict: 'trouble',
        says: wordsOf(error),
        remedy: 'Mend that, then run rehab doctor again.',
      });
    }
  }
  return findings;
}

/** The command. Prints one line per check, or one JSON object; returns 1 when there is real trouble, else 0. */
export async function doctor(options: DoctorOptions & { readonly json?: boolean }): Promise<number> {
  const checks = await examine(options);
  const trouble = checks.some(({ verdict }) => verdict === 'trouble');
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ status: trouble ? 'trouble' : 'ok', checks })}\n`);
  } else {
    for (const finding of checks) process.stdout.write(`${lineOf(finding)}\n`);
  }
  return trouble ? 1 : 0;
}

/** One line for people. */
export function lineOf({ check, verdict, says, remedy }: Finding): string {
  return `${verdict.padEnd(8)}${check}: ${says}${remedy === undefined ? '' : ` → ${remedy}`}`;
}

/** Node 24 LTS, with the hole of T28 closed (SECURITY.md section 5). */
export function checkNode(version: string): Finding {
  const check = 'node';
  if (isAtLeast(version, '24.17') && !isAtLeast(version, '25'))
    return { check, verdict: 'ok', says: version };
  const remedy =
    'Run "npm ci" again and start with npx or npm, which use the Node pinned in package.json (24.17 or later).';
  return { check, verdict: 'trouble', says: `${version} is not a current Node 24`, remedy };
}

async function checkGo(settings: EngineSettings): Promise<Finding[]> {
  const check = 'go';
  const go = await onPath('go', settings.environment.PATH);
  if (go === undefined) {
    const says = 'not on PATH; it is needed only to build engines that are not found';
    return [{ check, verdict: 'ok', says }];
  }
  const said = await promisify(execFile)(go, ['env', 'GOVERSION'], { timeout: 20_000 });
  return [{ check, verdict: 'ok', says: `${said.stdout.trim()} at ${go}` }];
}

async function checkPostgresPrograms(dataDir: string, settings: EngineSettings): Promise<Finding[]> {
  const check = 'postgres programs';
  if (settings.databaseUrl !== undefined)
    return [{ check, verdict: 'ok', says: 'not needed, DATABASE_URL is set' }];
  const user = serverUser(join(dataDir, 'postgres'));
  const programs = await unpackedPostgres(settings.cacheDir, user);
  if (programs === undefined) return [{ check, verdict: 'ok', says: 'will be unpacked at the next start' }];
  const as = user === undefined ? '' : `, run as ${user.name}`;
  return [{ check, verdict: 'ok', says: `hashes as pinned, ${programs.postgres}${as}` }];
}

async function checkTemporalPrograms(settings: EngineSettings): Promise<Finding[]> {
  const check = 'temporal programs';
  if (settings.temporalAddress !== undefined)
    return [{ check, verdict: 'ok', says: 'not needed, TEMPORAL_ADDRESS is set' }];
  const found = await lookFor(check, temporalSource(settings), settings);
  if ('verdict' in found) return [found];
  const version = await serverVersionOf(found.programs.temporal);
  const finding: Finding = {
    check,
    verdict: 'ok',
    says: `found by ${found.how}, server ${version}, ${found.programs.temporal}`,
  };
  return [floored(finding, version, TEMPORAL_FLOOR, true)];
}

async function checkFabricPrograms(settings: EngineSettings): Promise<Finding[]> {
  const check = 'fabric programs';
  if (settings.fabricProfile !== undefined)
    return [{ check, verdict: 'ok', says: 'not needed, FABRIC_PROFILE is set' }];
  return [
    await checkTools(fabricSource(settings), settings),
    await checkTools(fabricCaSource(settings), settings),
  ];
}

async function checkTools<Program extends string>(
  source: EngineSource<Program>,
  settings: EngineSettings,
): Promise<Finding> {
  const check = `${source.engine} programs`;
  const found = await lookFor(check, source, settings);
  if ('verdict' in found) return found;
  return { check, verdict: 'ok', says: `${source.version} found by ${found.how}` };
}

async function lookFor<Program extends string>(
  check: string,
  source: EngineSource<Program>,
  settings: EngineSettings,
) {
  const { cacheDir, environment } = settings;
  const found = await findEngine(source, { cacheDir, environment, progress: silent });
  if (found !== undefined) return found;
  const go = await onPath('go', environment.PATH);
  const finding: Finding =
    go === undefined
      ? {
          check,
          verdict: 'trouble',
          says: `${source.engine} ${source.version} is not here and cannot be built without Go`,
          remedy: `Install Go ${source.goVersion} or later from https://go.dev/dl/, or ${source.instead}.`,
        }
      : {
          check,
          verdict: 'ok',
          says: `${source.engine} ${source.version} will be built at the next start (${source.usually}, once)`,
        };
  return finding;
}

/** Versions below a floor are a warning on loopback, trouble elsewhere (DESIGN.md section 9, 19). */
export function floored(finding: Finding, version: string, floor: string, loopback: boolean): Finding {
  if (isAtLeast(version, floor)) return finding;
  return {
    ...finding,
    verdict: loopback ? 'warn' : 'trouble',
    says: `${finding.says}; older than ${floor}`,
    remedy: loopback
      ? `Good enough on one machine; anywhere else use ${floor} or later.`
      : `Bring it to ${floor} or later: older ones have published holes.`,
  };
}

const GIB = 2 ** 30;

async function checkDisks(folders: readonly string[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const folder of folders) {
    const { bavail, bsize } = await statfs(nearestExisting(folder));
    findings.push(checkSpace(folder, bavail * bsize));
  }
  return findings;
}

/** Below 512 MiB Postgres and the orderers may stop in the middle of work. */
export function checkSpace(folder: string, freeBytes: number): Finding {
  const check = 'disk';
  const says = `${(freeBytes / GIB).toFixed(1)} GiB free for ${folder}`;
  if (freeBytes >= 4 * GIB) return { check, verdict: 'ok', says };
  const remedy = 'Free space or move the folder to a larger disk; the stack writes steadily.';
  return { check, verdict: freeBytes >= GIB / 2 ? 'warn' : 'trouble', says, remedy };
}

/** Nobody but the owner may read the data folder, its keys and its addresses. */
export function checkDataFolder(dataDir: string): Finding[] {
  const check = 'data folder';
  if (!existsSync(dataDir))
    return [{ check, verdict: 'ok', says: `${dataDir} will be made at the first start` }];
  const open: string[] = [];
  for (const path of [dataDir, join(dataDir, 'run.json'), ...below(join(dataDir, 'keys'))]) {
    const state = lstatSync(path, { throwIfNoEntry: false });
    // The organisations' own users walk through the folder to theirs; they cannot list it.
    const walked = path === dataDir && ownersOf(dataDir).size > 1 ? 0o011 : 0;
    if (state !== undefined && (state.mode & 0o077 & ~walked) !== 0)
      open.push(relative(dataDir, path) || dataDir);
  }
  if (open.length === 0) return [{ check, verdict: 'ok', says: `${dataDir}, closed to other users` }];
  const says = `other users may enter or read ${open.slice(0, 3).join(', ')}${open.length > 3 ? ` and ${open.length - 3} more` : ''}`;
  return [
    {
      check,
      verdict: 'trouble',
      says,
      remedy: `Run "chmod -R go= ${join(dataDir, 'keys')} && chmod go= ${dataDir}".`,
    },
  ];
}

/** Folders of each organisation's secrets, and of the hospital's own processes. */
const secretFolders = (dataDir: string): string[] =>
  [
    ...ORGANISATIONS.flatMap((name) => [`fabric/organisations/${name}`, `members/${name}`]),
    ...['keys', 'temporal', 'fabric/operator'],
  ]
    .map((name) => join(dataDir, name))
    .filter((path) => existsSync(path));

/** System users to whom those folders belong. */
const ownersOf = (dataDir: string): Set<number> =>
  new Set(secretFolders(dataDir).map((path) => lstatSync(path).uid));

/** Each organisation's secrets belong to a system user of its own, as far as one machine can keep them apart. */
export function checkOrganisations(dataDir: string): Finding[] {
  const check = 'organisations';
  const folders = secretFolders(dataDir);
  if (folders.length === 0) return [{ check, verdict: 'not run', says: 'they have no folders yet' }];
  const open = folders.filter((path) => (lstatSync(path).mode & 0o077) !== 0);
  if (open.length > 0) {
    const says = `other users may enter ${open.map((path) => relative(dataDir, path)).join(', ')}`;
    return [{ check, verdict: 'trouble', says, remedy: `Run "chmod go= ${open.join(' ')}".` }];
  }
  if (ownersOf(dataDir).size >= OWNERS.length)
    return [{ check, verdict: 'ok', says: 'each has a system user of its own, beside the operator’s' }];
  return [
    {
      check,
      verdict: 'warn',
      says: 'all run as one system user, which holds all their secrets',
      remedy:
        'Good enough for a demonstration; for real give each a machine or a container of its own. A start as root, from folders that other users can reach, gives each a system user.',
    },
  ];
}

async function checkPorts(dataDir: string, running: boolean): Promise<Finding[]> {
  const check = 'ports';
  const ports = Object.entries(readPorts(dataDir));
  if (ports.length === 0) return [{ check, verdict: 'ok', says: 'none chosen yet' }];
  const answering = await Promise.all(
    ports.map(async ([name, port]) => ({ name, port, open: await answers(port) })),
  );
  const odd = answering.filter(({ open }) => open !== running);
  const names = odd.map(({ name, port }) => `${name} ${port}`).join(', ');
  if (odd.length === 0) {
    const says = `all ${ports.length} ports ${running ? 'answer' : 'are free'} on 127.0.0.1`;
    return [{ check, verdict: 'ok', says }];
  }
  return running
    ? [
        {
          check,
          verdict: 'warn',
          says: `no answer at ${names}`,
          remedy: 'See the log of each in the data folder’s logs.',
        },
      ]
    : [
        {
          check,
          verdict: 'warn',
          says: `used by another program: ${names}`,
          remedy:
            'Stop that program before the next start; ports of peers and orderers cannot be changed, others will be.',
        },
      ];
}

function checkProcesses(run: RunFile | undefined, running: boolean): Finding[] {
  const check = 'processes';
  if (!running) {
    return run === undefined
      ? [{ check, verdict: 'ok', says: 'nothing is running over this data folder' }]
      : [
          {
            check,
            verdict: 'warn',
            says: 'run.json stands, but nothing runs: an earlier run was killed',
            remedy: 'Start again; it cleans up by itself.',
          },
        ];
  }
  if (run === undefined)
    return [
      {
        check,
        verdict: 'warn',
        says: 'a start is under way',
        remedy: 'Wait until it has printed its address.',
      },
    ];
  const dead = Object.entries(run.pids).filter(([, pid]) => startTimeOf(pid) === undefined);
  if (dead.length === 0)
    return [{ check, verdict: 'ok', says: `${Object.keys(run.pids).length} processes are alive` }];
  const names = dead.map(([name]) => name).join(', ');
  return [
    {
      check,
      verdict: 'warn',
      says: `not alive at this moment: ${names}`,
      remedy: 'They are restarted by themselves; if not, see their logs.',
    },
  ];
}

async function checkPostgres(
  run: RunFile | undefined,
  running: boolean,
  settings: EngineSettings,
): Promise<Finding[]> {
  const url = settings.databaseUrl ?? (running ? run?.postgres.owner : undefined);
  if (url === undefined) return [notRunning('postgres settings')];
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} });
  try {
    const rows = await sql<{ name: string; setting: string }[]>`
      SELECT name, setting FROM pg_settings WHERE name = ANY(${[...Object.keys(DURABLE), 'server_version']})`;
    const values = Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
    const version = /^[\d.]+/.exec(values.server_version ?? '')?.[0] ?? '0';
    const asked = Date.now();
    const [clock] = await sql<
      { ms: number }[]
    >`SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms`;
    const answered = Date.now();
    const loopback = isLoopback(new URL(url).hostname);
    return [
      floored({ check: 'postgres version', verdict: 'ok', says: version }, version, POSTGRES_FLOOR, loopback),
      checkDurability(values),
      checkClock((clock?.ms ?? Number.NaN) - (asked + answered) / 2),
    ];
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** Whether the database is as new as what was published of its log: a restored one is not (SECURITY.md X17). */
async function checkLog(
  dataDir: string,
  run: RunFile | undefined,
  running: boolean,
  settings: EngineSettings,
): Promise<Finding[]> {
  const check = 'log';
  const url = settings.databaseUrl ?? (running ? run?.postgres.owner : undefined);
  if (url === undefined) return [notRunning(check)];
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} });
  try {
    const [made] = await sql<{ there: boolean }[]>`select to_regclass('log_head') is not null as there`;
    if (!made?.there) return [{ check, verdict: 'not run', says: 'the database has no tables yet' }];
    const [head] = await sql<{ size: string }[]>`select size from log_head where id = 1`;
    return [checkLogSize(Number(head?.size ?? 0), knownSize(dataDir).get())];
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** `size` is the database's, `published` the largest that this machine or two members have seen of it. */
export function checkLogSize(size: number, published: number): Finding {
  const check = 'log';
  if (size >= published) return { check, verdict: 'ok', says: `size ${size}, as new as what was published` };
  return {
    check,
    verdict: 'trouble',
    says: `the database ends at ${size} and ${published} entries were published: it is older, and nothing is sequenced`,
    remedy:
      'Stop, bring the newer database back with "rehab restore DIR --only postgres", and start; logs/ledger.log says what is missing.',
  };
}

/** What an acknowledged act rests on. */
const DURABLE: Readonly<Record<string, string>> = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  data_checksums: 'on',
  password_encryption: 'scram-sha-256',
};

/** `values` are rows of pg_settings by name. */
export function checkDurability(values: Readonly<Record<string, string>>): Finding {
  const check = 'postgres settings';
  const wrong = Object.entries(DURABLE).filter(([name, wanted]) => {
    // Stricter kinds of synchronous commit wait for a replica as well.
    if (name === 'synchronous_commit' && values[name] === 'remote_apply') return false;
    return values[name] !== wanted;
  });
  if (wrong.length === 0) return { check, verdict: 'ok', says: Object.keys(DURABLE).join(', ') };
  const says = wrong.map(([name]) => `${name} is ${values[name] ?? 'unknown'}`).join(', ');
  const remedy = `Set ${wrong.map(([name, wanted]) => `${name} = ${wanted}`).join(', ')}: without it acknowledged acts can be lost.`;
  return { check, verdict: 'trouble', says, remedy };
}

/** More than 2 s apart is a finding (SECURITY.md U5). `skewMs` is Postgres' clock minus ours. */
export function checkClock(skewMs: number): Finding {
  const check = 'clock';
  const says = `${Math.abs(skewMs / 1000).toFixed(3)} s between this machine and Postgres`;
  if (Math.abs(skewMs) <= 2_000) return { check, verdict: 'ok', says };
  return {
    check,
    verdict: 'trouble',
    says,
    remedy: 'Set both clocks by one time service (NTP): legal limits run on them.',
  };
}

async function checkTemporal(
  run: RunFile | undefined,
  running: boolean,
  settings: EngineSettings,
): Promise<Finding[]> {
  const address = settings.temporalAddress ?? (running ? run?.temporal : undefined);
  if (address === undefined) return [notRunning('temporal namespace')];
  const state = await namespaceState(address);
  const loopback = isLoopback(address.slice(0, address.lastIndexOf(':')));
  const version: Finding = {
    check: 'temporal version',
    verdict: 'ok',
    says: `server ${state.serverVersion}`,
  };
  return [floored(version, state.serverVersion, TEMPORAL_FLOOR, loopback), checkNamespace(state)];
}

/** Ten years, and the two search attributes (DESIGN.md section 9, 12). */
export function checkNamespace(state: {
  retentionMs: number;
  missingAttributes: readonly string[];
}): Finding {
  const check = 'temporal namespace';
  const years = (state.retentionMs / (365.25 * 86_400_000)).toFixed(1);
  const remedy = 'Start once with "rehab start", which sets both.';
  if (state.retentionMs < RETENTION_MS) {
    return { check, verdict: 'trouble', says: `closed histories are kept ${years} years only`, remedy };
  }
  if (state.missingAttributes.length > 0) {
    return {
      check,
      verdict: 'trouble',
      says: `search attributes missing: ${state.missingAttributes.join(', ')}`,
      remedy,
    };
  }
  return { check, verdict: 'ok', says: `histories kept ${years} years, search attributes there` };
}

async function checkChangesInFlight(
  run: RunFile | undefined,
  running: boolean,
  settings: EngineSettings,
): Promise<Finding[]> {
  const address = settings.temporalAddress ?? (running ? run?.temporal : undefined);
  if (address === undefined) return [notRunning('changes')];
  return [checkChanges(await changesInFlightAt(address))];
}

/** Whether this build can go on with every case in flight (SECURITY.md X19). `known`: the change ids of the build. */
export function checkChanges(inFlight: ChangesInFlight, known: readonly string[] = CHANGES): Finding {
  const check = 'changes';
  const { open, used, unread } = inFlight;
  const unknown = unknownChanges(inFlight, known);
  if (unknown !== undefined)
    return {
      check,
      verdict: 'trouble',
      says: unknown,
      remedy: `${NEWER_BUILD} No worker of this one starts.`,
    };
  if (unread !== undefined)
    return {
      check,
      verdict: 'not run',
      says: `Temporal listed ${open} cases in flight, and then no more`,
      remedy: 'Run rehab doctor again before a worker of an older build is started.',
    };
  const held = [...used].map(([id, cases]) => `; a build without ${id} could not with ${cases} of them`);
  return {
    check,
    verdict: 'ok',
    says: `this build can go on with all ${open} cases in flight${held.join('')}`,
  };
}

async function checkPeers(dataDir: string, running: boolean, settings: EngineSettings): Promise<Finding[]> {
  const check = 'peers';
  if (settings.fabricProfile !== undefined) {
    return [
      {
        check,
        verdict: 'not run',
        says: 'FABRIC_PROFILE is set: heights are read at the peers’ own operations ports',
      },
    ];
  }
  if (!running) return [notRunning(check)];
  // A block reaches the peers one after the other; a difference that stays is a finding.
  const end = Date.now() + 3_000;
  let heights = await peerHeights(dataDir);
  while (checkHeights(heights).verdict !== 'ok' && Date.now() < end) {
    await new Promise((done) => setTimeout(done, 200));
    heights = await peerHeights(dataDir);
  }
  return [checkHeights(heights)];
}

/** Block heights by organisation; undefined where a peer did not say. */
export function checkHeights(heights: Readonly<Record<string, number | undefined>>): Finding {
  const check = 'peers';
  const said = Object.entries(heights).map(([name, height]) => `${name} ${height ?? 'silent'}`);
  const known = new Set(Object.values(heights));
  if (known.size === 1 && !known.has(undefined))
    return { check, verdict: 'ok', says: `all at height ${[...known][0]}` };
  const remedy = 'A peer that is behind catches up by itself; if it does not within a minute, see its log.';
  return {
    check,
    verdict: known.has(undefined) ? 'trouble' : 'warn',
    says: `heights differ: ${said.join(', ')}`,
    remedy,
  };
}

/** Reads each peer's height off its metrics (Fabric, "ledger_blockchain_height"). */
async function peerHeights(dataDir: string): Promise<Record<string, number | undefined>> {
  const ports = readPorts(dataDir);
  const heights: Record<string, number | undefined> = {};
  for (const organisation of ORGANISATIONS) {
    const port = ports[`peer-operations-${organisation}`];
    const text = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(5_000) })
      .then((response) => response.text())
      .catch(() => '');
    const height = new RegExp(`^ledger_blockchain_height\\{channel="${CHANNEL}"\\} (\\S+)$`, 'm').exec(
      text,
    )?.[1];
    heights[organisation] = height === undefined ? undefined : Number(height);
  }
  return heights;
}

async function checkMembers(run: RunFile | undefined, running: boolean): Promise<Finding[]> {
  const members = running ? run?.members : undefined;
  if (members === undefined) return [notRunning('members')];
  return await Promise.all(
    Object.entries(members).map(async ([organisation, url]) => {
      const response = await fetch(`${url}/status`, { signal: AbortSignal.timeout(5_000) }).catch(
        () => undefined,
      );
      const said = memberSays.safeParse(await response?.json().catch(() => undefined));
      return checkMember(organisation, said.data);
    }),
  );
}

/** Of a member's /status, what is judged here. */
const memberSays = z.object({
  cosigned: z.object({ size: z.number() }).nullable(),
  alarms: z.array(z.object({ kind: z.string(), says: z.string() })),
  looked: z.string().nullable(),
});

/** What an organisation's member says of itself; undefined when it does not answer. */
export function checkMember(organisation: string, said: z.infer<typeof memberSays> | undefined): Finding {
  const check = `member ${organisation}`;
  if (said === undefined)
    return {
      check,
      verdict: 'trouble',
      says: 'does not answer',
      remedy: `See logs/member-${organisation}.log in the data folder; it is started again by itself.`,
    };
  const [alarm] = said.alarms;
  if (alarm !== undefined)
    return {
      check,
      verdict: 'trouble',
      says: `${said.alarms.length === 1 ? 'an alarm stands' : `${said.alarms.length} alarms stand`}: ${alarm.kind}: ${alarm.says}`,
      remedy: `Find out why with its people and "rehab verify"; then say so with "rehab member acknowledge --org ${organisation}".`,
    };
  if (said.looked === null)
    return { check, verdict: 'warn', says: 'has not looked yet', remedy: 'Wait some seconds and ask again.' };
  return {
    check,
    verdict: 'ok',
    says: said.cosigned === null ? 'nothing to cosign yet' : `cosigned size ${said.cosigned.size}`,
  };
}

/** A replacement that was cut off holds the sequencer: entries wait, and nothing is lost. */
export function checkReplacement(replacement: Replacement | undefined): Finding {
  const check = 'keys';
  if (replacement === undefined) return { check, verdict: 'ok', says: 'no key is being replaced' };
  const { of } = replacement;
  const says = `the key of ${of} is being replaced, and entries wait for their place until that is done`;
  const again = of === 'log' ? 'rotate log' : `rotate witness --org ${of}`;
  const remedy = `If that lasts it was cut off: run "rehab keys ${again}", or stop and start, which finish it.`;
  return { check, verdict: 'warn', says, remedy };
}

/** Every certificate in use that ends within 30 days, the first of all in front (SECURITY.md X20). */
export function checkCertificates(dataDir: string, now: Date): Finding[] {
  const check = 'certificates';
  const all = certificateEnds(dataDir, now);
  const [first] = all;
  if (first === undefined) return [{ check, verdict: 'not run', says: 'there are none yet' }];
  const near = all.filter(({ days }) => days <= WARN_DAYS);
  if (near.length === 0) {
    const says = `${all.length} certificates, the first ends in ${Math.floor(first.days)} days`;
    return [{ check, verdict: 'ok', says }];
  }
  return near.map(({ path, copies, days, remedy }) => ({
    check,
    verdict: days <= 1 ? 'trouble' : 'warn',
    says: `${path}${copies === 1 ? '' : ` and ${copies - 1} copies of it`} ${endsIn(days)}`,
    remedy,
  }));
}

/** Warned from so many days on, then again a week and a day before the end. */
const WARN_DAYS = 30;

const endsIn = (days: number): string =>
  days <= 0
    ? 'has ended'
    : `ends in ${days.toFixed(1)} days${days > 1 && days <= 7 ? ', within a week' : ''}`;

/** People's own certificates, who have no later one: each of them renews theirs. */
async function checkPeople(
  run: RunFile | undefined,
  running: boolean,
  settings: EngineSettings,
  now: Date,
): Promise<Finding[]> {
  const check = 'people’s certificates';
  const url = settings.databaseUrl ?? (running ? run?.postgres.owner : undefined);
  if (url === undefined) return [notRunning(check)];
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} });
  try {
    const [made] = await sql<{ there: boolean }[]>`select to_regclass('certificates') is not null as there`;
    if (!made?.there) return [{ check, verdict: 'not run', says: 'the database has no tables yet' }];
    const soon = new Date(now.getTime() + WARN_DAYS * DAY_MS);
    // Longer ago: somebody who does not sign any more.
    const lately = new Date(now.getTime() - WARN_DAYS * DAY_MS);
    const rows = await sql<{ ends: Date }[]>`
      select max(not_after) as ends from certificates where revoked_at is null
      group by person_id, role having max(not_after) between ${lately} and ${soon} order by 1`;
    return [checkPeoplesEnds(rows.map(({ ends }) => (new Date(ends).getTime() - now.getTime()) / DAY_MS))];
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** `days` until the last certificate of each person ends who has none that lasts longer than 30, soonest first. */
export function checkPeoplesEnds(days: readonly number[]): Finding {
  const check = 'people’s certificates';
  const [first] = days;
  if (first === undefined) return { check, verdict: 'ok', says: 'nobody’s ends within 30 days' };
  return {
    check,
    verdict: 'warn',
    says: `${days.length} people have none that lasts longer than 30 days; the first ${endsIn(first)}`,
    remedy:
      'Each of them makes a new key under "Your signing key", before the end or when signing next; what they have signed stays good.',
  };
}

const DAY_MS = 86_400_000;

function notRunning(check: string): Finding {
  return { check, verdict: 'not run', says: 'the stack is not running; start it to have this checked' };
}

/** True when a start holds the data folder. Takes nothing that is not given back at once. */
function isHeld(dataDir: string): boolean {
  const path = join(dataDir, 'lock');
  if (!existsSync(path)) return false;
  const lock = tryLock(path);
  if ('heldBy' in lock) return true;
  lock.release();
  return false;
}

function readRunFileOrUndefined(dataDir: string): RunFile | undefined {
  try {
    return readRunFile(dataDir);
  } catch {
    return undefined; // damaged, or not ours to read: the checks below say what follows from that
  }
}

async function answers(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 2_000 });
    const done = (open: boolean): void => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
    socket.once('timeout', () => done(false));
  });
}

function nearestExisting(folder: string): string {
  return existsSync(folder) ? folder : nearestExisting(resolve(folder, '..'));
}

/** The folder itself and everything below it; nothing when it is not there. */
function below(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return [folder, ...entries.map((entry) => join(entry.parentPath, entry.name))];
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : 'failed without a message';
}
