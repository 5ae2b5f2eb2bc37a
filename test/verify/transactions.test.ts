// Which transaction wrote an entry: what Postgres keeps of a row stays through freezing, and a table that is loaded anew as a whole,
// as from a dump, is noted and accuses nobody.
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { quietly } from '../support/mutation.ts';
import { createVerifyWorld, type VerifyWorld } from '../support/verify-world.ts';

let world: VerifyWorld;
beforeAll(async () => {
  world = await createVerifyWorld();
  await world.live(['approved', 'refused']);
  await world.anchor();
});
afterAll(() => world.close());

test('frozen rows keep who wrote them', async () => {
  const owner = postgres(world.world.fresh.ownerUrl, { max: 1, onnotice: () => undefined });
  try {
    await owner.unsafe('vacuum (freeze) audit_entries');
    const [{ frozen } = { frozen: 0 }] = await owner<{ frozen: number }[]>`
      select count(*)::int as frozen from audit_entries where xmin = xact::xid and age(xmin) >= 0`;
    expect(frozen).toBeGreaterThan(20);
    const report = await world.verify();
    expect([report.findings, report.notes]).toEqual([[], []]);
  } finally {
    await owner.end({ timeout: 5 });
  }
});

test('a table that was loaded anew as a whole is one note, and part of it is a finding for each', async () => {
  const whole = await world.changed(({ sql }) =>
    quietly(sql, 'audit_entries', () => sql`update audit_entries set event = event`),
  );
  expect([whole.report.status, whole.report.findings]).toEqual(['sound', []]);
  expect(whole.report.notes).toEqual([
    expect.objectContaining({ kind: 'loaded-anew', index: 0, seconds: null }),
  ]);
  const part = await world.changed(({ sql }) =>
    quietly(
      sql,
      'audit_entries',
      () =>
        sql`update audit_entries set event = event where id in (select entry_id from log_leaves where index < 3)`,
    ),
  );
  expect(part.report.findings.map(({ column, kind }) => `${column} ${kind}`)).toEqual(
    Array.from({ length: 3 }, () => 'xact edited'),
  );
});
