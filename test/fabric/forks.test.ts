// A whole machine whose members are away, remember another history, or see the hospital's Postgres rewritten completely and
// consistently with its real keys: who cosigns then, who refuses, and what verify says.
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { driveCases } from '../../bin/drive/drive.ts';
import { logSigner } from '../../bin/log-keys.ts';
import { machineOf } from '../../bin/machine.ts';
import { ORGANISATIONS, type Organisation, witnessName } from '../../domain/consortium.ts';
import { parseNote } from '../../ledger/checkpoint.ts';
import { type Chain, openChain } from '../../ledger/fabric/client.ts';
import { identityFiles, readFabricProfile } from '../../ledger/fabric/profile.ts';
import { entrySigner } from '../../ledger/signing.ts';
import { startMachine, type TestMachine } from '../support/machine.ts';
import { memberStatus, startMemberProcess } from '../support/member-process.ts';
import { rewriteWithdrawal } from '../support/rewriting.ts';

/** Draws a case whose applicant withdraws. */
const WITHDRAWN = 13;
const PATIENCE = { timeout: 90_000, interval: 250 };

let machine: TestMachine;
let owner: postgres.Sql;
let chain: Chain;

beforeAll(async () => {
  machine = await startMachine(() => {}, { reachable: true });
  owner = postgres(machine.run().postgres.owner, { max: 1, onnotice: () => undefined });
  chain = openChain({
    profile: readFabricProfile(machine.run().fabric.profile),
    as: { organisation: 'hospital', identity: 'reader' },
  });
}, 300_000);
afterAll(async () => {
  chain?.close();
  await owner?.end({ timeout: 5 });
  await machine?.stop();
}, 180_000);

/** One case is lived through. */
async function live(seed: number): Promise<void> {
  const report = await driveCases({
    origin: machine.run().web,
    cases: 1,
    concurrency: 1,
    seed,
    progress: () => undefined,
  });
  expect(report.errors).toEqual([]);
}

/** Waits until everything is anchored and these have cosigned all of it; gives the size. */
async function cosignedBy(...who: Organisation[]): Promise<number> {
  let size = 0;
  await vi.waitFor(async () => {
    const [row] = await owner<{ entries: number; size: number }[]>`
      select (select count(*)::int from audit_entries) as entries, (select size::int from log_head) as size`;
    size = row?.size ?? 0;
    expect(row?.entries).toBe(size);
    for (const of of who)
      expect(await memberStatus(machine, of)).toMatchObject({ cosigned: { size }, alarms: [] });
  }, PATIENCE);
  return size;
}

const published = async (): Promise<string> =>
  await (await fetch(`${machine.run().web}/log/checkpoint`)).text();

describe('members', () => {
  test('one that is away for long: two of three go on, and it cosigns all of it when it is back', async () => {
    const before = await cosignedBy(...ORGANISATIONS);
    const pid = machine.run().pids['member-association'] as number;
    process.kill(pid, 'SIGSTOP');
    try {
      await live(WITHDRAWN);
      await live(WITHDRAWN + 1);
      const size = await cosignedBy('administration', 'hospital');
      expect(size).toBeGreaterThan(before + 10);
      await vi.waitFor(async () => {
        const lines = parseNote(await published()).signatures.map(({ name }) => name);
        for (const of of ['administration', 'hospital'] as const) expect(lines).toContain(witnessName(of));
        expect(lines).not.toContain(witnessName('association'));
      }, PATIENCE);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    const size = await cosignedBy(...ORGANISATIONS);
    await vi.waitFor(async () => {
      const newest = await chain.newestCosignatures('administration');
      expect(newest.map((line) => line.size)).toEqual(ORGANISATIONS.map(() => size));
    }, PATIENCE);
  }, 300_000);

  test('one that remembers another history finds its own peer on a fork, and signs nothing', async () => {
    const size = await cosignedBy(...ORGANISATIONS);
    const before = await chain.newestCosignatures('hospital');
    const other = await startMemberProcess(machine, 'association', async (folder) => {
      const path = join(folder, 'state.json');
      const state = JSON.parse(await readFile(path, 'utf8'));
      // It has cosigned a log of the same size whose last leaves are others.
      const hashes = state.cosigned.hashes.with(-1, 'ab'.repeat(32));
      await writeFile(
        path,
        JSON.stringify({ ...state, cosigned: { ...state.cosigned, hashes, root: 'cd'.repeat(32) } }),
      );
    });
    try {
      await vi.waitFor(async () => {
        const status = await other.status();
        expect(status.alarms.map(({ kind }) => kind)).toContain('forked-peer');
        expect(status.cosigned?.size).toBe(size);
      }, PATIENCE);
      expect(await chain.newestCosignatures('hospital')).toEqual(before);
    } finally {
      await other.stop();
    }
  }, 120_000);

  test('what the parameters in force are stands on every peer', async () => {
    const [row] = await owner<{ version: string }[]>`
      select convert_from(body, 'UTF8')::jsonb ->> 'parameters' as version from audit_entries limit 1`;
    for (const of of ORGANISATIONS)
      await vi.waitFor(
        async () => expect(await chain.parametersOf(of, row?.version ?? '')).toMatch(/^[0-9a-f]{64}$/),
        PATIENCE,
      );
  });
});

test('a Postgres rewritten completely and consistently, with the real keys: the members refuse, and verify shows it', async () => {
  const size = await cosignedBy(...ORGANISATIONS);
  const cosigned = await chain.newestCosignatures('administration');
  const [withdrawn] = await owner<{ case_id: string }[]>`
    select case_id from decisions where action = 'withdraw' limit 1`;
  if (withdrawn === undefined) throw new Error('nobody has withdrawn');
  const { secrets } = machineOf(machine.dataDir);
  const service = identityFiles(readFabricProfile(machine.run().fabric.profile), 'hospital', 'service');
  const { index, entryId } = (await owner.begin(async (sql) => {
    // Cosignatures of the former checkpoints would give it away at once.
    await sql`delete from log_cosignature_cache`;
    return await rewriteWithdrawal(sql as unknown as postgres.Sql, withdrawn.case_id, {
      keyStore: secrets.keyStore,
      service: entrySigner(
        createPrivateKey(readFileSync(service.keyPath)),
        readFileSync(service.certPath, 'utf8'),
      ),
      log: logSigner(secrets.logSeed),
    });
  })) as { index: number; entryId: string };
  expect(index).toBeLessThan(size);

  const refuses = async (of: Organisation) => {
    const status = await memberStatus(machine, of);
    const forked = status.alarms.find(({ kind }) => kind === 'forked-log');
    expect(forked?.roots).toEqual({
      published: expect.stringMatching(/^[0-9a-f]{64}$/),
      peer: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(forked?.roots.published).not.toBe(forked?.roots.peer);
    expect(status.cosigned?.size).toBe(size);
  };
  for (const of of ['administration', 'association'] as const) await vi.waitFor(() => refuses(of), PATIENCE);

  // The hospital goes on as if nothing were: its log grows and is published under its real key, and nobody cosigns it.
  await live(WITHDRAWN);
  await vi.waitFor(
    async () => expect(Number((await published()).split('\n')[1])).toBeGreaterThan(size),
    PATIENCE,
  );
  for (const of of ['administration', 'association'] as const) await vi.waitFor(() => refuses(of), PATIENCE);
  expect(await chain.newestCosignatures('administration')).toEqual(cosigned);
  for (const of of ORGANISATIONS) expect((await chain.head(of)).size).toBe(size);

  const { code, out } = await machine.rehab('verify', '--json');
  expect(code).toBe(2);
  const { findings } = JSON.parse(out) as { findings: { table: string; row: string; kind: string }[] };
  const places = findings.map(({ table, row, kind }) => `${table} ${row} ${kind}`);
  expect(places).toContain(`log_leaves ${index} edited`);
  expect(places).toContain(`audit_entries ${entryId} edited`);
}, 300_000);
