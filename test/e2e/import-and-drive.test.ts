// End to end: records read in by `rehab import` and cases lived through by `rehab drive`, on a whole machine as a person starts
// it, seen from the printed result only and then compared with what Postgres and Temporal hold.
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DriveReport } from '../../bin/drive/drive.ts';
import type { Imported } from '../../bin/drive/import.ts';
import { type DrillMachine, startMachine, whatHappened } from '../drill/machine.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';

const CASES = 20;

let machine: DrillMachine;
beforeAll(async () => {
  machine = await startMachine(0);
}, 1_200_000); // first builds take minutes
afterAll(() => machine?.stop(), 120_000);

describe.skipIf(!hasSharedData)('rehab import', () => {
  test('takes every Synthea record as a draft, refuses what is no record, and a second time nothing twice', async () => {
    const first = await machine.rehab('import', '--json', sharedData('synthea-r4'));
    expect(first.code).toBe(0);
    const drafts = JSON.parse(first.out) as Imported[];
    expect(drafts.map(({ kind }) => kind)).toEqual(Array.from({ length: 8 }, () => 'draft'));

    const again = await machine.rehab('import', '--json', sharedData('synthea-r4'));
    expect(again.code).toBe(2);
    expect((JSON.parse(again.out) as Imported[]).map(({ kind }) => kind)).toEqual(
      Array.from({ length: 8 }, () => 'duplicate'),
    );

    const single = sharedData('rehab-ig-taiwan');
    const refused = await machine.rehab('import', single);
    expect(refused.code).toBe(2);
    const files = readdirSync(single).filter((name) => name.endsWith('.json'));
    expect(refused.out.trim().split('\n')).toHaveLength(files.length);
    expect(refused.out).toMatch(/CarePlan.*: refused, This is a single CarePlan/);
  }, 300_000);

  test('a file that is not there is one line, and the web that is not there is exit code 1', async () => {
    const missing = await machine.rehab('import', '/nowhere/at-all.json');
    expect(missing.code).toBe(2);
    expect(missing.out).toMatch(/refused, The file cannot be read/);
  });
});

describe('rehab drive', () => {
  test('every case reaches the outcome it was meant to, and Postgres and Temporal tell the same story', async () => {
    const from = hasSharedData ? ['--from', sharedData('synthea-r4')] : [];
    const { code, out } = await machine.rehab(
      ...['drive', '--json', '--cases', String(CASES), '--concurrency', '4', '--seed', '3', ...from],
    );
    const report = JSON.parse(out) as DriveReport;
    expect(report.errors).toEqual([]);
    expect(code).toBe(0);
    expect(Object.keys(report)).toEqual([
      'cases',
      'ended',
      'decisions',
      'seconds',
      'perSecond',
      'p50Ms',
      'p99Ms',
      'errors',
    ]);
    // Twenty cases are each of the ten intentions twice: seven end approved, two refused, one withdrawn.
    expect(report.ended).toEqual({ approved: 14, refused: 4, withdrawn: 2 });
    const { operations, updates } = await whatHappened(machine.run());
    const decided = operations.filter(({ update_name }) => update_name);
    // The two that were too late for a withdrawal are operations as well, refused ones.
    expect(decided.length).toBeGreaterThanOrEqual(report.decisions);
    expect(decided.filter(({ entries }) => entries !== 1)).toEqual([]);
    expect(new Set(decided.map(({ id }) => id))).toEqual(new Set(updates.keys()));
  }, 900_000);

  test('the same seed draws the same intentions, another seed others', async () => {
    const { drawFrom } = await import('../../bin/drive/draw.ts');
    const { drawIntents } = await import('../../bin/drive/plot.ts');
    expect(drawIntents(30, drawFrom(5, -1))).toEqual(drawIntents(30, drawFrom(5, -1)));
    expect(drawIntents(30, drawFrom(5, -1))).not.toEqual(drawIntents(30, drawFrom(6, -1)));
    expect(new Set(drawIntents(10, drawFrom(5, -1))).size).toBe(10);
  });
});
