// Restore drills (SECURITY.md X17, X18): one store is put back by command from an older state. What is older than what was published is
// never gone on with, says so, and is mended by the newest backup. Part of `npm run soak`; a whole restore is in the kill drill.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backup, restore } from '../../bin/commands/backup.ts';
import type { Finding } from '../../bin/commands/doctor.ts';
import type { RunFile } from '../../bin/run-file.ts';
import { silent } from '../../engines/progress.ts';
import { temporaryFolder } from '../support/engines.ts';
import { type DrillMachine, startMachine } from './machine.ts';

const soak = process.env.REHAB_SOAK === '1';
if (!soak) console.info('not run here: stores restored from older backups, which is part of npm run soak');
const CASES = 2;
/** How long the log may take to come to rest, on a machine that does other work too. */
const REST_WITHIN_MS = 120_000;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let dataDir: string;
let machine: DrillMachine | undefined;
const figures: Record<string, unknown> = {};

const at = (name: string): string => join(folder.path, name);
const started = async (over = dataDir): Promise<DrillMachine> => {
  machine = await startMachine(0, over);
  return machine;
};
const stopped = async (): Promise<void> => {
  await machine?.stop();
  machine = undefined;
};

async function work(seed: number): Promise<void> {
  const report = await machine?.drive(CASES, 2, seed);
  expect(report?.errors).toEqual([]);
}

/** Waits until every entry is in the log, and anchored. */
async function atRest({ postgres: { owner } }: RunFile): Promise<void> {
  const sql = postgres(owner, { max: 1, onnotice: () => undefined });
  const end = Date.now() + REST_WITHIN_MS;
  try {
    for (;;) {
      const [row] = await sql<{ entries: number; size: number; anchored: number }[]>`
        select (select count(*)::int from audit_entries) as entries, (select size::int from log_head) as size,
          (select coalesce(max(size), 0)::int from log_anchors) as anchored`;
      if (row && row.entries === row.size && row.size === row.anchored) return;
      if (Date.now() > end) throw new Error(`log does not come to rest: ${JSON.stringify(row)}`);
      await sleep(100);
    }
  } finally {
    await sql.end();
  }
}

interface Verified {
  readonly code: number | null;
  readonly status: string;
  readonly counts: { readonly entries: number; readonly anchored: Record<string, number> };
  readonly findings: readonly { readonly store: string; readonly table: string; readonly kind: string }[];
}
async function verified(on: DrillMachine, ...more: string[]): Promise<Verified> {
  const { code, out, err } = await on.rehab('verify', '--json', ...more);
  expect(out, err).toMatch(/^\{/);
  return { code, ...JSON.parse(out) };
}
async function replayed(on: DrillMachine): Promise<{ code: number | null; differing: { says: string }[] }> {
  const { code, out } = await on.rehab('replay', '--all', '--json');
  return { code, ...JSON.parse(out) };
}
/** Sound on all three peers up to the last entry, by `verify` and by `replay`. */
async function demandSound(on: DrillMachine): Promise<number> {
  await atRest(on.run());
  const report = await verified(on);
  expect(report).toMatchObject({ code: 0, status: 'sound', findings: [] });
  expect(await replayed(on)).toMatchObject({ code: 0, differing: [] });
  return report.counts.entries;
}

beforeAll(async () => {
  if (!soak) return;
  folder = await temporaryFolder();
  dataDir = at('data');
  await started();
  await work(1);
  await stopped();
  await backup({ dataDir, folder: at('older'), progress: silent });
  await started();
  await work(2);
  figures.newer = await demandSound(machine as DrillMachine);
  await stopped();
  await backup({ dataDir, folder: at('newer'), progress: silent });
}, 1_200_000); // first builds take minutes
afterAll(async () => {
  console.info(`restore drill: ${JSON.stringify(figures)}`);
  await stopped();
  if (!process.env.REHAB_DRILL_KEEP) await folder?.remove();
}, 120_000);

describe.runIf(soak)('a Postgres that was restored alone from an older backup', () => {
  test('is not gone on with: the ledger refuses to sequence and names the gap, doctor says what to do (X17, X18)', async () => {
    await restore({ dataDir, folder: at('older'), only: 'postgres', progress: silent });
    const said = join(dataDir, 'logs', 'ledger.log');
    rmSync(said);
    const on = await started();
    await expect.poll(() => readFileSync(said, 'utf8'), { timeout: 60_000 }).toMatch(/are missing here/);
    const doctor = await on.rehab('doctor', '--json');
    const { checks } = JSON.parse(doctor.out) as { checks: Finding[] };
    expect(checks.find(({ check }) => check === 'log')).toMatchObject({
      verdict: 'trouble',
      says: expect.stringMatching(/^the database ends at \d+ and \d+ entries were published: it is older/),
      remedy: expect.stringContaining('rehab restore DIR --only postgres'),
    });
    const report = await verified(on);
    figures.older = report.counts.entries;
    expect(report.code).toBe(2);
    expect(report.findings).toContainEqual(
      expect.objectContaining({ table: 'log_leaves', kind: 'truncated' }),
    );
    // Temporal is newer than Postgres: every case of the time between is named.
    const { code, differing } = await replayed(on);
    expect(code).not.toBe(0);
    expect(differing.length).toBeGreaterThanOrEqual(CASES);
    figures.differing = differing.length;
    await stopped();
  }, 600_000);

  test('is mended by the newest backup, and work goes on', async () => {
    await restore({ dataDir, folder: at('newer'), only: 'postgres', progress: silent });
    expect(readdirSync(dataDir).filter((name) => name.startsWith('postgres.replaced-'))).toHaveLength(2);
    const on = await started();
    await work(3);
    figures.mended = await demandSound(on);
    expect(figures.mended).toBeGreaterThan(figures.newer as number);
    await stopped();
  }, 600_000);
});

describe.runIf(soak)('a Temporal that was restored alone from an older backup', () => {
  test('takes nothing from the log, verify and replay name every case that it lost, and its newest backup mends it (X18)', async () => {
    await backup({ dataDir, folder: at('newest'), progress: silent });
    await restore({ dataDir, folder: at('older'), only: 'temporal', progress: silent });
    const without = await started();
    // Log, rows and chain are what they were; the histories are not.
    expect(await verified(without, '--no-histories')).toMatchObject({
      code: 0,
      status: 'sound',
      findings: [],
    });
    const report = await verified(without);
    expect(report.code).toBe(2);
    expect(new Set(report.findings.map(({ store }) => store))).toEqual(new Set(['history']));
    const { code, differing } = await replayed(without);
    expect(code).not.toBe(0);
    expect(differing.length).toBeGreaterThanOrEqual(2 * CASES);
    figures.lostHistories = differing.length;
    await stopped();
    await restore({ dataDir, folder: at('newest'), only: 'temporal', progress: silent });
    await started();
    await work(4);
    await demandSound(machine as DrillMachine);
    await stopped();
  }, 600_000);
});
