// End to end: records read in by `rehab import` and cases lived through by `rehab drive`, seen from the printed result only and then
// compared with what Postgres and Temporal hold of everything that happened on the machine, the people's own stories included.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DriveReport } from '../../bin/drive/drive.ts';
import type { Imported } from '../../bin/drive/import.ts';
import { whatHappened } from '../drill/machine.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';
import type { World } from './world.ts';

/** One of each intention. */
const CASES = 10;

export function importAndDrive(world: () => World): void {
  describe.skipIf(!hasSharedData)('rehab import', () => {
    it('takes every Synthea record as a draft, refuses what is no record, and a second time nothing twice', async () => {
      const { rehab } = world().machine;
      const folder = sharedData('synthea-r4');
      const records = readdirSync(folder).filter((name) => name.endsWith('.json'));
      // Two were read in at the page, by the referrer whose story it is.
      const taken = records.filter((name) => /Gutmann|Zieme/.test(name));
      const others = records.filter((name) => !taken.includes(name));
      expect([taken.length, others.length]).toEqual([2, 6]);

      const first = await rehab('import', '--json', ...others.map((name) => join(folder, name)));
      expect(first.code).toBe(0);
      expect((JSON.parse(first.out) as Imported[]).map(({ kind }) => kind)).toEqual(
        others.map(() => 'draft'),
      );

      const again = await rehab('import', '--json', folder);
      expect(again.code).toBe(2);
      expect(
        (JSON.parse(again.out) as Imported[]).map((one) => (one.kind === 'duplicate' ? one.of : one.kind)),
      ).toEqual(records.sort().map((name) => (taken.includes(name) ? 'application' : 'draft')));

      const single = sharedData('rehab-ig-taiwan');
      const refused = await rehab('import', single);
      expect(refused.code).toBe(2);
      const files = readdirSync(single).filter((name) => name.endsWith('.json'));
      expect(refused.out.trim().split('\n')).toHaveLength(files.length);
      expect(refused.out).toMatch(/CarePlan.*: refused, This is a single CarePlan/);
    }, 120_000);

    it('says of a file that is not there so in one line', async () => {
      const missing = await world().machine.rehab('import', '/nowhere/at-all.json');
      expect(missing.code).toBe(2);
      expect(missing.out).toMatch(/refused, The file cannot be read/);
    });
  });

  describe('rehab drive', () => {
    it('brings every case to the outcome it was meant to have, and Postgres and Temporal tell the same story', async () => {
      const from = hasSharedData ? ['--from', sharedData('synthea-r4')] : [];
      const { code, out } = await world().machine.rehab(
        ...(['drive', '--json', '--cases', String(CASES)] as const),
        ...['--concurrency', '4', '--seed', '3', ...from],
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
      // Ten cases are each of the ten intentions: seven end approved, two refused, one withdrawn.
      expect(report.ended).toEqual({ approved: 7, refused: 2, withdrawn: 1 });
      const { operations, updates } = await whatHappened(world().machine.run());
      const decided = operations.filter(({ update_name }) => update_name);
      // What was too late for a withdrawal is an operation as well, a refused one.
      expect(decided.length).toBeGreaterThanOrEqual(report.decisions);
      expect(decided.filter(({ entries }) => entries !== 1)).toEqual([]);
      expect(new Set(decided.map(({ id }) => id))).toEqual(new Set(updates.keys()));
    }, 300_000);

    it('draws the same intentions from the same seed, others from another', async () => {
      const { drawFrom } = await import('../../bin/drive/draw.ts');
      const { drawIntents } = await import('../../bin/drive/plot.ts');
      expect(drawIntents(30, drawFrom(5, -1))).toEqual(drawIntents(30, drawFrom(5, -1)));
      expect(drawIntents(30, drawFrom(5, -1))).not.toEqual(drawIntents(30, drawFrom(6, -1)));
      expect(new Set(drawIntents(10, drawFrom(5, -1))).size).toBe(10);
    });
  });
}
