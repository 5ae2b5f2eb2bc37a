// Bench, the machine under measure: `rehab start` in a temporary data folder, everything on, anchoring running. Never
// touches a data folder that somebody uses, and leaves no process and no folder behind.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { addPerson } from '../activities/people.ts';
import { seedStarted } from '../bin/commands/seed.ts';
import { type RunningStack, startStack } from '../bin/commands/start.ts';
import { environment, readConfig } from '../bin/config.ts';
import { type Signer, signAct, softwareKey } from '../bin/drive/software-key.ts';
import { databaseUrl, type Machine, machineOf } from '../bin/machine.ts';
import { signingOf } from '../bin/member-doors.ts';
import { parametersOf } from '../bin/parameters.ts';
import { recorderOf } from '../bin/recorder.ts';
import { type Connection, connect, type Sql } from '../db/connection.ts';
import { certificatesOfPerson } from '../db/views/certificates.ts';
import { type ActInput, readActValues } from '../domain/acts.ts';
import { needsSignature } from '../domain/events.ts';
import type { Action } from '../domain/lifecycle.ts';
import { isStaff } from '../domain/permissions.ts';
import { isRefusal } from '../domain/refusal.ts';
import { DISCIPLINES, type Role } from '../domain/roles.ts';
import { engineSettings } from '../engines/settings.ts';
import type { SignedAct } from '../ledger/envelope.ts';
import type { Recorder } from '../ledger/recorded.ts';
import { enrol, requestToSign } from '../web/keys/enrol.ts';
import type { Asking } from '../web/recorded.ts';

export interface BenchMachine {
  readonly machine: Machine;
  readonly stack: RunningStack;
  /** As the owner of the tables: for what only the bench does (its own tables, counting). */
  readonly owner: Sql;
  /** Pids by name, as run.json has them. */
  readonly pids: () => Record<string, number>;
  readonly say: (line: string) => void;
  /** A recorder and its pool, made as the process of that role makes it. */
  recorder(
    role: 'web' | 'worker',
    pool: number,
  ): { readonly recorder: Recorder; readonly connection: Connection };
  /** `count` people of a role, made for this run; staff with a key that their member certified. */
  people(role: Role, count: number): Promise<Asking[]>;
  /** What somebody made here signs to do an act; undefined for acts that nobody signs. */
  signed<A extends Action>(act: {
    readonly key: string;
    readonly action: A;
    readonly asking: Asking;
    readonly values: ActInput<A>;
    readonly caseId: string | undefined;
    readonly task: { readonly id: string; readonly claim: number } | null | undefined;
  }): Promise<SignedAct | undefined>;
  /** Resolves when every entry has its place in the log, so that one round does not pay for the one before. */
  sequenced(): Promise<void>;
  /** Resolves when every entry has its place and the chain holds all that has one. */
  anchored(): Promise<void>;
  /**
   * Marks operations whose case was never Temporal's (`verbDoor`) as settled: the ledger would look for their Updates
   * again and again, and the peer's rounds would pay for it.
   */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts everything. The engines named in the environment are not used: the bench brings its own. */
export async function startMachine(say: (line: string) => void): Promise<BenchMachine> {
  const dataDir = mkdtempSync(join(tmpdir(), 'rehab-bench-'));
  const { DATABASE_URL, TEMPORAL_ADDRESS, FABRIC_PROFILE, ...rest } = environment();
  const asked = new AbortController();
  const breakOff = (): void => asked.abort();
  process.once('SIGINT', breakOff);
  process.once('SIGTERM', breakOff);
  let stack: RunningStack;
  try {
    stack = await startStack(
      {
        dataDir,
        program: fileURLToPath(new URL('../bin/rehab.mjs', import.meta.url)),
        // The port is where a profile of the worker is asked for; nothing listens there before.
        settings: engineSettings({ ...rest, LOG_LEVEL: 'warn', NODE_OPTIONS: '--inspect-port=0' }),
        progress: say,
        seed: (addresses) => seedStarted(dataDir, addresses),
      },
      asked.signal,
    );
  } catch (error) {
    rmSync(dataDir, { recursive: true, force: true });
    throw error;
  }
  const machine: Machine = { ...machineOf(dataDir), settings: readConfig({ LOG_LEVEL: 'warn' }) };
  const owner = postgres(stack.run().postgres.owner, { max: 2, onnotice: () => undefined });
  const closing: Connection[] = [];
  const recorder: BenchMachine['recorder'] = (role, pool) => {
    const connection = connect(databaseUrl(machine, role), { max: pool, name: `rehab-bench-${role}` });
    closing.push(connection);
    return {
      connection,
      recorder: recorderOf(machine, connection.sql),
    };
  };
  let adder: Recorder | undefined;
  let stopping: Promise<void> | undefined;
  // From here on a signal ends the run: everything is stopped and removed, and then we go.
  process.off('SIGINT', breakOff);
  process.off('SIGTERM', breakOff);
  const end = (): void => {
    say('stopping');
    void bench.stop().finally(() => process.exit(130));
  };
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  let certifying: ReturnType<typeof certifier> | undefined;
  const signers = new Map<string, Signer>();
  const bench: BenchMachine = {
    machine,
    stack,
    owner,
    say,
    recorder,
    pids: () => stack.run().pids,
    async people(role, count) {
      adder ??= recorder('worker', 4).recorder;
      const by = adder;
      const organisation = isStaff(role) ? (CLINICAL.has(role) ? 'hospital' : 'administration') : null;
      const made = await Promise.all(
        Array.from({ length: count }, async (_, i) => {
          const id = randomUUID();
          const added = await addPerson(by, {
            key: `bench-person-${id}`,
            id,
            name: `Bench ${role} ${i + 1}`,
            organisation,
            roles: [{ role, ...(role === 'therapist' ? { disciplines: DISCIPLINES } : {}) }],
          });
          if (isRefusal(added)) throw new Error(`person for the bench was refused: ${added.code}`);
          return { person: id, role };
        }),
      );
      if (organisation !== null) {
        certifying ??= certifier(machine, recorder('web', 4));
        for (const asking of made) signers.set(asking.person, await certifying({ ...asking, organisation }));
      }
      return made;
    },
    async signed({ key, action, asking, values, caseId, task }) {
      const signer = signers.get(asking.person);
      if (!signer || !needsSignature(action) || caseId === undefined) return undefined;
      const read = readActValues(action, JSON.parse(JSON.stringify(values)));
      if ('faults' in read) throw new Error(`values of the bench cannot be taken: ${action}`);
      return signAct(
        signer,
        await machine.secrets.keys.of('case', caseId),
        { key, action, caseId, actor: asking, task: task ?? null },
        {
          values: read.values,
          at: new Date().toISOString(),
          parameters: parametersOf(machine.settings).version,
        },
      );
    },
    async sequenced() {
      for (;;) {
        const [row] = await owner<{ waiting: string }[]>`
          select (select count(*) from audit_entries) - (select size from log_head) as waiting`;
        if (Number(row?.waiting) === 0) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async anchored() {
      await this.sequenced();
      for (;;) {
        const [row] = await owner<{ waiting: string }[]>`
          select (select size from log_head) - coalesce((select max(size) from log_anchors), 0) as waiting`;
        if (Number(row?.waiting) === 0) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    async settled() {
      await owner`
        insert into operation_settled_cache (operation_id, at)
        select o.id, now() from operations o where o.workflow_id is not null
          and not exists (select 1 from operation_settled_cache c where c.operation_id = o.id)
        on conflict do nothing`;
    },
    stop() {
      stopping ??= (async () => {
        process.off('SIGINT', end);
        process.off('SIGTERM', end);
        await Promise.all([...closing.map((c) => c.close()), owner.end({ timeout: 5 })]);
        await stack.stop();
        rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
      })();
      return stopping;
    },
  };
  return bench;
}

const CLINICAL: ReadonlySet<Role> = new Set<Role>(['therapist', 'doctor']);

/** Has people's keys certified through their members' doors, as the web does. */
function certifier(machine: Machine, { recorder, connection }: ReturnType<BenchMachine['recorder']>) {
  const deps = {
    db: connection.db,
    recorder,
    now: () => new Date(),
    signing: signingOf(machine, (error) => console.error(String(error))),
  };
  return async (who: Asking & { readonly organisation: string }): Promise<Signer> => {
    const key = softwareKey();
    const publicKey = Buffer.from(key.publicKey, 'base64url');
    for (let tries = 0; tries < 20; tries++) {
      const { kind } = await enrol(deps, who, publicKey, key.sign(requestToSign(who, publicKey)));
      const [line] = kind === 'issued' ? await certificatesOfPerson(connection.db, who.person) : [];
      if (line) return { key, fingerprint: line.fingerprint };
      // The channel may not answer at once after a start.
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    throw new Error('nobody certified a key for the bench; look at the log of that organisation’s member');
  };
}

/** What the figures were measured on. */
export async function machineLine(bench: BenchMachine): Promise<string> {
  const [first] = cpus();
  const [row] = await bench.owner<{ server_version: string }[]>`show server_version`;
  const { temporal } = bench.stack.engines;
  return [
    `${cpus().length} cores (${first?.model.trim() ?? 'unknown'})`,
    `${Math.floor(totalmem() / 2 ** 30)} GiB`,
    `${process.platform} ${release()}`,
    `Node ${process.versions.node}`,
    `Postgres ${row?.server_version.split(' ')[0]}`,
    `Temporal ${temporal?.serverVersion}`,
    'Fabric 2.5.0, three organisations',
  ].join(', ');
}
