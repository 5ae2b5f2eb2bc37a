// Kill drills (SECURITY.md P1, X1 to X6): a whole machine under a drive, each of its processes killed in turn and, at the worst
// moment there is, worker and Temporal between COMMIT and answer. Afterwards nothing that was acknowledged is missing, nothing
// happened twice, and nothing is orphaned; and a backup of it comes back whole. A few kills here; `npm run soak` does twenty of each.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backup, restore } from '../../bin/commands/backup.ts';
import type { DriveReport } from '../../bin/drive/drive.ts';
import { silent } from '../../engines/progress.ts';
import { temporaryFolder } from '../support/engines.ts';
import { type DrillMachine, startMachine, unsettled, whatHappened } from './machine.ts';
import { threeWays } from './three-ways.ts';

const soak = process.env.REHAB_SOAK === '1';
/** Kills of each of worker and Temporal between COMMIT and answer. */
const KILLS = soak ? 20 : 2;
const IN_TURN = [
  'web',
  'worker',
  'ledger',
  'temporal',
  'postgres',
  'peer-association',
  'orderer-administration',
] as const;
const CASES = soak ? 30 : 8;
const CONCURRENCY = 4;
/** Between COMMIT and answer, so that a kill can fall there. */
const PAUSE_MS = 250;
const SETTLED_WITHIN_MS = 180_000;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let machine: DrillMachine;
const reports: DriveReport[] = [];
const struck: { worker: string[]; temporal: string[] } = { worker: [], temporal: [] };
/** What the run came to; printed at the end, since a drill without its figures says little. */
const figures: Record<string, unknown> = {};

beforeAll(async () => {
  folder = await temporaryFolder();
  machine = await startMachine(PAUSE_MS, join(folder.path, 'data'));
}, 1_200_000); // first builds take minutes
afterAll(async () => {
  figures.kills = {
    inTurn: IN_TURN.length,
    worker: struck.worker.length,
    temporal: struck.temporal.length,
  };
  console.info(`kill drill: ${JSON.stringify(figures)}`);
  await machine?.stop();
  if (!process.env.REHAB_DRILL_KEEP) await folder?.remove();
}, 120_000);

/** Drives one batch of cases after the other until it is told to end. */
function keepDriving(): { end(): Promise<void> } {
  let over = false;
  const driving = (async () => {
    for (let seed = 1; !over; seed++) reports.push(await machine.drive(CASES, CONCURRENCY, seed));
  })();
  return {
    end: async () => {
      over = true;
      await driving;
    },
  };
}

describe('kill -9 during a drive', () => {
  test(
    'of every process in turn, and of worker and Temporal between COMMIT and answer: the drive reaches what it intended',
    async () => {
      const driving = keepDriving();
      try {
        for (const name of IN_TURN) await machine.kill(name);
        for (let n = 0; n < KILLS; n++) {
          struck.worker.push(await machine.killBetweenCommitAndAnswer('worker'));
          struck.temporal.push(await machine.killBetweenCommitAndAnswer('temporal'));
        }
      } finally {
        await driving.end();
      }
      expect(reports.flatMap(({ errors }) => errors)).toEqual([]);
      expect(struck.worker).toHaveLength(KILLS);
      expect(struck.temporal).toHaveLength(KILLS);
      const ended = reports.reduce(
        (sum, { ended }) => sum + Object.values(ended).reduce((a, b) => a + b, 0),
        0,
      );
      expect(ended).toBe(reports.length * CASES);
      figures.cases = ended;
      figures.decisions = reports.reduce((sum, { decisions }) => sum + decisions, 0);
    },
    soak ? 3_600_000 : 900_000,
  );

  test('no acknowledged decision is missing, none happened twice', async () => {
    const { operations, entries } = await whatHappened(machine.run());
    const acknowledged = machine.acknowledged();
    figures.acknowledged = acknowledged.length;
    figures.operations = operations.length;
    expect(acknowledged.length).toBeGreaterThan(30);
    expect(new Set(acknowledged.map(({ key }) => key)).size).toBe(acknowledged.length);
    const known = new Set(operations.map(({ id }) => id));
    expect(acknowledged.filter(({ key }) => !known.has(key) || entries.get(key) !== 1)).toEqual([]);
    expect(operations.filter((operation) => operation.entries !== 1)).toEqual([]);
    expect([...entries.keys()].filter((key) => !known.has(key))).toEqual([]);
    for (const key of [...struck.worker, ...struck.temporal]) expect(entries.get(key)).toBe(1);
  }, 300_000);

  test('no decision is orphaned: every committed Update stands in the history, and no other', async () => {
    const end = Date.now() + SETTLED_WITHIN_MS;
    while ((await unsettled(machine.run())) > 0 && Date.now() < end) await sleep(1000);
    expect(await unsettled(machine.run())).toBe(0);
    const { operations, updates } = await whatHappened(machine.run());
    const committed = new Set(operations.filter(({ update_name }) => update_name).map(({ id }) => id));
    figures.updates = updates.size;
    figures.askedAgain = machine.askedAgain();
    expect([...committed].filter((id) => !updates.has(id))).toEqual([]);
    expect([...updates.keys()].filter((id) => !committed.has(id))).toEqual([]);
  }, 600_000);

  test('verify is sound, and replay agrees', async () => {
    const verified = await machine.rehab('verify', '--json');
    figures.verified = JSON.parse(verified.out).counts;
    expect({ code: verified.code, ...JSON.parse(verified.out) }).toMatchObject({
      code: 0,
      status: 'sound',
      findings: [],
    });
    const replayed = await machine.rehab('replay', '--all', '--json');
    figures.replayed = JSON.parse(replayed.out).agreed;
    expect({ code: replayed.code, ...JSON.parse(replayed.out) }).toMatchObject({ code: 0, differing: [] });
  }, 600_000);

  test("Postgres, Temporal's own command line and the three peers tell the same story", async () => {
    const comparisons = await threeWays(machine.dataDir, machine.run());
    expect(comparisons.filter(({ same }) => !same)).toEqual([]);
    figures.compared = comparisons.length;
    expect(comparisons.length).toBeGreaterThan(10);
  }, 300_000);
});

test('a backup brings the machine back into a fresh folder: nothing acknowledged is missing, verify and replay are sound, and work goes on (R1)', async () => {
  const at = (name: string): string => join(folder.path, name);
  await machine.stop();
  await backup({ dataDir: at('data'), folder: at('backup'), progress: silent });
  rmSync(at('data'), { recursive: true });
  await restore({ dataDir: at('fresh'), folder: at('backup'), progress: silent });
  machine = await startMachine(0, at('fresh'));
  const { operations } = await whatHappened(machine.run());
  const known = new Set(operations.map(({ id }) => id));
  expect(machine.acknowledged().filter(({ key }) => !known.has(key))).toEqual([]);
  const verified = await machine.rehab('verify', '--json');
  const report = JSON.parse(verified.out);
  expect({ code: verified.code, ...report }).toMatchObject({ code: 0, status: 'sound', findings: [] });
  expect(report.counts.entries).toBeGreaterThanOrEqual((figures.verified as { entries: number }).entries);
  figures.restored = report.counts;
  const replayed = await machine.rehab('replay', '--all', '--json');
  expect({ code: replayed.code, ...JSON.parse(replayed.out) }).toMatchObject({ code: 0, differing: [] });
  expect((await machine.drive(1, 1, 1000)).errors).toEqual([]);
}, 600_000);
