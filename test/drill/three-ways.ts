// Test support: one story, told three ways: by Postgres, by Temporal's own command line, and by each organisation's peer through
// Fabric's own command line. Reads past all of our code: SQL as the owner, raw events as JSON. Never mends what differs.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import postgres from 'postgres';
import type { RunFile } from '../../bin/run-file.ts';
import {
  CHAINCODE,
  CHANNEL,
  MSP_IDS,
  ORGANISATIONS,
  type Organisation,
  TEMPORAL_NAMESPACE,
} from '../../domain/consortium.ts';
import { organisationPaths } from '../../engines/fabric/layout.ts';
import { findFabricPrograms } from '../../engines/fabric/programs.ts';
import { findEngine } from '../../engines/find-or-build.ts';
import { engineSettings } from '../../engines/settings.ts';
import { temporalSource } from '../../engines/temporal.ts';

const execute = promisify(execFile);
/** How long the log may take to come to rest: everything committed is sequenced and held by all three peers. */
const RESTS_WITHIN_MS = 90_000;
/** How many histories are fetched at the same time; each is a process of its own. */
const AT_ONCE = 4;

/** One thing that all who know of it must say alike. */
export interface Comparison {
  readonly what: string;
  readonly said: Readonly<Record<string, string | number>>;
  readonly same: boolean;
}

interface Kase {
  readonly id: string;
  readonly stage: string;
  readonly outcome: string | null;
  readonly updates: readonly string[];
}

/** Compares a running machine's three stores, once its log has come to rest. Every difference is a line with `same: false`. */
export async function threeWays(dataDir: string, run: RunFile): Promise<Comparison[]> {
  const temporal = await temporalCli(run);
  const peer = await peerCli(dataDir, run);
  const sql = postgres(run.postgres.owner, { max: 1, onnotice: () => undefined });
  try {
    const log = await atRest(sql, peer);
    return [...(await compareCases(sql, temporal)), ...(await compareLogs(log, peer))];
  } finally {
    await sql.end();
  }
}

// ---- Postgres and Temporal: the cases

async function compareCases(sql: postgres.Sql, temporal: Cli): Promise<Comparison[]> {
  const { cases, listed, newest, otherwise } = await seenAtRest(sql, temporal);
  const comparisons: Comparison[] = [
    compare('cases', { Postgres: cases.length, 'temporal workflow list': newest.size }),
  ];
  for (const [attribute, column] of [
    ['RehabStage', 'stage'],
    ['RehabOutcome', 'outcome'],
  ] as const) {
    const values = new Set([...cases.map((kase) => kase[column]), ...listed.map((run) => run[column])]);
    for (const value of [...values].sort()) {
      const counted = await temporal('workflow', 'count', '--query', queryOf(attribute, value));
      // Temporal counts runs: those that a later run of the same case took over from are left out.
      const earlier = listed.filter(
        (run) => run[column] === value && newest.get(run.workflowId)?.runId !== run.runId,
      );
      comparisons.push(
        compare(`${attribute} ${value ?? 'none yet'}`, {
          Postgres: cases.filter((kase) => kase[column] === value).length,
          'temporal workflow count': Number(JSON.parse(counted).count ?? 0) - earlier.length,
        }),
      );
    }
  }
  comparisons.push(compare('cases whose stage, outcome or end differs', { both: otherwise.length, none: 0 }));
  const heard = await updatesIn(temporal, listed);
  const recorded = cases.flatMap(({ updates }) => updates);
  comparisons.push(
    compare('decisions', { Postgres: recorded.length, 'temporal workflow show': heard.size }),
    compare('keys of decisions, hashed in their order', {
      Postgres: digest(recorded),
      'temporal workflow show': digest([...heard]),
    }),
  );
  return comparisons;
}

/**
 * Cases and the runs that Temporal lists, once they agree. What it lists follows its histories with a delay, a long one after a kill:
 * what never agrees is compared as it is.
 */
async function seenAtRest(sql: postgres.Sql, temporal: Cli) {
  const end = Date.now() + RESTS_WITHIN_MS;
  for (;;) {
    const cases = await sql<Kase[]>`
      select c.id, c.stage, c.outcome, coalesce(array_agg(o.id order by o.id) filter (where o.id is not null), '{}') as updates
      from cases c left join operations o on o.workflow_id = 'case-' || c.id and o.update_name is not null
      group by c.id`;
    const listed = await listRuns(temporal);
    const newest = new Map<string, ListedRun>();
    for (const run of listed)
      if (run.startedAt > (newest.get(run.workflowId)?.startedAt ?? '')) newest.set(run.workflowId, run);
    const otherwise = cases.filter((kase) => {
      const run = newest.get(`case-${kase.id}`);
      const status = kase.stage === 'closed' ? 'COMPLETED' : 'RUNNING';
      return run?.stage !== kase.stage || run.outcome !== kase.outcome || !run.status.endsWith(status);
    });
    if (otherwise.length === 0 || Date.now() > end) return { cases, listed, newest, otherwise };
    await sleep(500);
  }
}

interface ListedRun {
  readonly workflowId: string;
  readonly runId: string;
  readonly startedAt: string;
  readonly status: string;
  readonly stage: string | null;
  readonly outcome: string | null;
}

/** As `temporal workflow list -o json` writes it; the values of search attributes are base64 of JSON. */
interface TemporalListed {
  readonly execution: { readonly workflowId: string; readonly runId: string };
  readonly startTime: string;
  readonly status: string;
  readonly searchAttributes?: {
    readonly indexedFields?: Readonly<Record<string, { readonly data: string }>>;
  };
}

async function listRuns(temporal: Cli): Promise<ListedRun[]> {
  const out = await temporal('workflow', 'list', '--query', "WorkflowType = 'caseWorkflow'");
  return (JSON.parse(out) as TemporalListed[]).map(({ execution, startTime, status, searchAttributes }) => {
    const attribute = (name: string): string | null => {
      const data = searchAttributes?.indexedFields?.[name]?.data;
      return data ? (JSON.parse(Buffer.from(data, 'base64').toString('utf8')) as string | null) : null;
    };
    return {
      ...execution,
      startedAt: startTime,
      status,
      stage: attribute('RehabStage'),
      outcome: attribute('RehabOutcome'),
    };
  });
}

const queryOf = (attribute: string, value: string | null): string =>
  `WorkflowType = 'caseWorkflow' and ${value === null ? `${attribute} is null` : `${attribute} = '${value}'`}`;

/** Ids of all completed Updates, from the raw events of every run. */
async function updatesIn(temporal: Cli, runs: readonly ListedRun[]): Promise<Set<string>> {
  const ids = new Set<string>();
  const queue = runs.values();
  const work = async (): Promise<void> => {
    for (const { workflowId, runId } of queue) {
      const out = await temporal('workflow', 'show', '--workflow-id', workflowId, '--run-id', runId);
      const { events } = JSON.parse(out) as {
        events: { workflowExecutionUpdateCompletedEventAttributes?: { meta?: { updateId?: string } } }[];
      };
      for (const event of events) {
        const id = event.workflowExecutionUpdateCompletedEventAttributes?.meta?.updateId;
        if (id) ids.add(id);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return ids;
}

// ---- Postgres and the three peers: the log

interface Log {
  readonly entries: number;
  readonly size: number;
  readonly root: string;
}

/** Waits until every committed entry is in the log and on every peer. What never comes to rest is compared as it is. */
async function atRest(sql: postgres.Sql, peer: PeerCli): Promise<Log> {
  const end = Date.now() + RESTS_WITHIN_MS;
  for (;;) {
    const [log] = await sql<Log[]>`
      select (select count(*)::int from audit_entries) as entries, size::int as size, encode(root, 'hex') as root
      from log_head where id = 1`;
    if (!log) throw new Error('log head is missing; run rehab migrate');
    const heads = await Promise.all(ORGANISATIONS.map((organisation) => headOf(peer, organisation)));
    if ((log.entries === log.size && heads.every(({ size }) => size === log.size)) || Date.now() > end)
      return log;
    await sleep(500);
  }
}

async function compareLogs(log: Log, peer: PeerCli): Promise<Comparison[]> {
  const heads = await Promise.all(ORGANISATIONS.map((organisation) => headOf(peer, organisation)));
  const chains = await Promise.all(ORGANISATIONS.map((organisation) => chainOf(peer, organisation)));
  const each = <T>(values: readonly T[]) =>
    Object.fromEntries(ORGANISATIONS.map((organisation, i) => [`peer ${organisation}`, values[i] as T]));
  return [
    compare('entries', {
      Postgres: log.entries,
      'log head': log.size,
      ...each(heads.map(({ size }) => size)),
    }),
    compare('root', { Postgres: log.root, ...each(heads.map(({ root }) => root)) }),
    compare('block height', each(chains.map(({ height }) => height))),
    compare('hash of the newest block', each(chains.map(({ currentBlockHash }) => currentBlockHash))),
  ];
}

async function headOf(peer: PeerCli, organisation: Organisation): Promise<{ size: number; root: string }> {
  const query = ['chaincode', 'query', '-C', CHANNEL, '-n', CHAINCODE, '-c', '{"Args":["head"]}'];
  return JSON.parse(await peer(organisation, ...query)) as { size: number; root: string };
}

async function chainOf(
  peer: PeerCli,
  organisation: Organisation,
): Promise<{ height: number; currentBlockHash: string }> {
  const said = await peer(organisation, 'channel', 'getinfo', '-c', CHANNEL);
  return JSON.parse(said.slice(said.indexOf('{'))) as { height: number; currentBlockHash: string };
}

// ---- The command lines

type Cli = (...args: string[]) => Promise<string>;
type PeerCli = (organisation: Organisation, ...args: string[]) => Promise<string>;

/** Temporal's own command line against this machine. */
async function temporalCli(run: RunFile): Promise<Cli> {
  const settings = engineSettings(process.env);
  const found = await findEngine(temporalSource(settings), {
    cacheDir: settings.cacheDir,
    environment: settings.environment,
    progress: () => undefined,
  });
  if (!found) throw new Error('temporal program is missing; set TEMPORAL_CLI, or start a machine once');
  return async (...args) => {
    const where = ['--address', run.temporal, '--namespace', TEMPORAL_NAMESPACE, '-o', 'json'];
    const { stdout } = await execute(found.programs.temporal, [...args, ...where], { maxBuffer: 2 ** 28 });
    return stdout;
  };
}

/** Fabric's own command line, as each organisation's administrator against its own peer. */
async function peerCli(dataDir: string, run: RunFile): Promise<PeerCli> {
  const programs = await findFabricPrograms(engineSettings(process.env), () => undefined);
  return async (organisation, ...args) => {
    const paths = organisationPaths(dataDir, organisation);
    const { stdout } = await execute(programs.peer, args, {
      env: {
        FABRIC_CFG_PATH: paths.peer,
        FABRIC_LOGGING_SPEC: 'error',
        CORE_PEER_ADDRESS: run.fabric.peers[organisation],
        CORE_PEER_LOCALMSPID: MSP_IDS[organisation],
        CORE_PEER_MSPCONFIGPATH: join(paths.admin, 'msp'),
        CORE_PEER_TLS_ENABLED: 'true',
        CORE_PEER_TLS_ROOTCERT_FILE: paths.tlsCa,
      },
    });
    return stdout;
  };
}

const compare = (what: string, said: Readonly<Record<string, string | number>>): Comparison => ({
  what,
  said,
  same: new Set(Object.values(said)).size === 1,
});

const digest = (keys: readonly string[]): string =>
  createHash('sha256')
    .update([...keys].sort().join('\n'))
    .digest('hex')
    .slice(0, 16);
