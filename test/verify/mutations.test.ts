// Changes that are no single way of test/verify/ways.test.ts: what the schema does not know, what was put back, guards that
// are off, and the window of time in which something happened. Each is made in a transaction that is rolled back.
import { randomBytes } from 'node:crypto';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { logSigner } from '../../bin/log-keys.ts';
import { trustIn, trustOf } from '../../bin/verify-sources.ts';
import { formatVerifierKey } from '../../ledger/checkpoint.ts';
import { type EvidenceTrust, readEvidenceTrust } from '../../ledger/evidence/format.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { p256Check } from '../../ledger/signing.ts';
import { type CheckContext, type Checking, checkingHere } from '../../ledger/verify-check.ts';
import { PEER_WAYS } from '../support/mutate-peers.ts';
import { deleteRow, editColumn } from '../support/mutate-rows.ts';
import { type Place, quietly, seeded, type Way } from '../support/mutation.ts';
import { testMembers } from '../support/signing.ts';
import { createVerifyWorld, placeOf, type VerifyWorld } from '../support/verify-world.ts';

let world: VerifyWorld;
beforeAll(async () => {
  world = await createVerifyWorld();
  for (const story of ['approved', 'refused', 'stumbling'] as const) {
    await world.live([story]);
    // Several checkpoints, so that there are earlier ones to be right at.
    await world.anchor();
  }
});
afterAll(() => world.close());

/** Makes a change and verifies; it must be named. */
async function expectNamed(change: (sql: Sql) => Promise<Place>) {
  const { expected, report } = await world.changed(({ sql }) => change(sql));
  expect(report.findings).toContainEqual(expect.objectContaining(expected));
  expect(report.status).toBe('tampered');
  return report;
}

const expectWay = async (way: Way, seed = 7) =>
  await world.changed(async (target) => (await way.change({ ...target, choose: seeded(seed) })).finding);

describe('recorded tables', () => {
  test('a column that is edited is the only finding, with its window and who stands against it', async () => {
    const { expected, report } = await expectWay(editColumn('decisions', 'reasons', 'text'));
    expect(report.findings).toHaveLength(1);
    const [finding] = report.findings;
    expect(finding).toMatchObject(expected);
    // Right when its entry was sequenced, wrong at the size everything is compared at.
    expect(finding?.wrongAt).toBe(report.size);
    expect(finding?.rightAt).toBeGreaterThan(0);
    expect(finding?.rightAt).toBeLessThanOrEqual(report.size);
    expect(finding).toMatchObject({
      disagrees: 'postgres',
      agree: ['log', 'peer-administration', 'peer-hospital', 'peer-association'],
    });
  });

  test('a row that is deleted is the only finding', async () => {
    const { report } = await expectWay(deleteRow('measurements'));
    expect(report.findings).toHaveLength(1);
  });

  test('a column that the schema does not know', async () => {
    await expectNamed(async (sql) => {
      await sql`alter table plans add column note text`;
      const [row] =
        await sql`update plans set note = 'x' where id = (select id from plans order by id limit 1) returning id`;
      return { store: 'postgres', table: 'plans', row: row?.id, column: 'note', kind: 'edited' };
    });
  });

  test('a value that has no canonical form', async () => {
    await expectNamed(async (sql) => {
      const [row] =
        await sql`update cases set changed_at = 'infinity' where id = (select id from cases order by id limit 1) returning id`;
      return { store: 'postgres', table: 'cases', row: row?.id, column: 'changed_at', kind: 'edited' };
    });
  });

  test('a second row under the same key', async () => {
    await expectNamed(async (sql) => {
      await sql`alter table decisions drop constraint decisions_pkey`;
      const [row] = await sql`insert into decisions select * from decisions order by id limit 1 returning id`;
      return { store: 'postgres', table: 'decisions', row: row?.id, kind: 'inserted' };
    });
  });
});

describe('what was changed past the ledger and put back', () => {
  test('a row, by place, by whom and until when it was right', async () => {
    const report = await expectNamed(async (sql) => {
      const [row] = await sql`select id, reasons from decisions order by id limit 1`;
      await sql`update decisions set reasons = 'other' where id = ${row?.id}`;
      await sql`update decisions set reasons = ${row?.reasons} where id = ${row?.id}`;
      return { store: 'postgres', table: 'decisions', row: row?.id, column: 'reasons', kind: 'edited' };
    });
    expect(report.findings).toHaveLength(1);
    expect(report.findings[0]).toMatchObject({ rightAt: report.size, wrongAt: report.size });
  });

  test('a guard that is switched off, one that is gone, and a note that was taken away', async () => {
    const off = await expectNamed(async (sql) => {
      await sql`alter table decisions disable trigger decisions_outside`;
      return { store: 'postgres', table: 'decisions', row: 'decisions_outside', kind: 'edited' };
    });
    expect(off.findings).toHaveLength(1);
    await expectNamed(async (sql) => {
      await sql`drop trigger cases_outside on cases`;
      return { store: 'postgres', table: 'cases', row: 'cases_outside', kind: 'deleted' };
    });
    await expectNamed(async (sql) => {
      await sql`create or replace function public.require_entry() returns trigger language plpgsql as 'begin return null; end'`;
      return { store: 'postgres', table: null, row: 'require_entry', kind: 'edited' };
    });
    await expectNamed(async (sql) => {
      await sql`update plans set minutes = minutes + 1`;
      await sql`update plans set minutes = minutes - 1`;
      await sql`savepoint before`;
      await expect(sql`delete from outside_changes`).rejects.toMatchObject({ code: '42501' });
      await sql`rollback to savepoint before`;
      const [first] = await quietly(
        sql,
        'outside_changes',
        () =>
          sql<
            { id: string }[]
          >`delete from outside_changes where id = (select min(id) from outside_changes) returning id`,
      );
      return {
        store: 'postgres',
        table: 'outside_changes',
        kind: 'deleted',
        row: expect.stringMatching(new RegExp(`(^|-)${first?.id}$`)),
      };
    });
  });
});

describe('under keys that whoever verifies brought along', () => {
  const members = testMembers();
  afterAll(() => members.remove());
  const logKey = (name: string, publicKey: Uint8Array): string =>
    formatVerifierKey(name, publicKey, nodeHashing.hash);
  const rootsOf = ({ roots }: Pick<typeof members, 'roots'>): EvidenceTrust['roots'] =>
    Object.fromEntries(Object.entries(roots).map(([name, [pem]]) => [name, pem]));
  /** Verifies under a trust.json as a member publishes it. */
  async function under(changed: Partial<EvidenceTrust>) {
    const text = JSON.stringify({
      origin: world.signer.name,
      log: logKey(world.signer.name, world.signer.publicKey),
      witnesses: {},
      roots: rootsOf(world.world.members),
      channel: 'log',
      genesis: '00',
      ...changed,
    });
    const { serviceKeys } = world.sources('', []).trust;
    const trust = trustOf([], trustIn(readEvidenceTrust(Buffer.from(text))));
    return await world.verify({ change: { trust: { ...trust, serviceKeys } } });
  }

  test('it is sound under the right ones', async () => {
    expect((await under({})).findings).toEqual([]);
  });

  test('another key of the log: every checkpoint, every anchor, and each peer’s checkpoint is forged', async () => {
    const other = logSigner(randomBytes(32));
    const { findings, status } = await under({ log: logKey(other.name, other.publicKey) });
    expect(status).toBe('tampered');
    expect(new Set(findings.map(({ table, kind }) => `${table} ${kind}`))).toEqual(
      new Set([
        'log_checkpoints forged-checkpoint',
        'log_anchors forged-checkpoint',
        ...world.copies.map(({ organisation }) => `peer-${organisation} forged-checkpoint`),
      ]),
    );
  });

  test('a key of the log that was replaced counts for sizes up to where it ended, and for no larger one', async () => {
    const [newKey, oldKey] = [logSigner(randomBytes(32)), world.signer].map(({ name, publicKey }) =>
      logKey(name, publicKey),
    ) as [string, string];
    const { size } = await world.verify();
    const replacedAt = (until: number) => under({ log: newKey, former: [{ of: 'log', key: oldKey, until }] });
    expect((await replacedAt(size)).findings).toEqual([]);
    const { findings, status } = await replacedAt(size - 1);
    expect(status).toBe('tampered');
    expect(findings.map(placeOf)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ table: 'log_checkpoints', row: String(size), kind: 'forged-checkpoint' }),
        expect.objectContaining({ table: 'log_anchors', row: String(size), kind: 'forged-checkpoint' }),
      ]),
    );
    expect(
      findings.every(({ kind, row }) => kind === 'forged-checkpoint' && row?.endsWith(String(size))),
    ).toBe(true);
    // A former key of a witness is none of the log's.
    expect(
      (await under({ log: newKey, former: [{ of: 'hospital', key: oldKey, until: size }] })).status,
    ).toBe('tampered');
  });

  test('other authorities: every act that a person signed, and no other entry', async () => {
    const { findings, status } = await under({ roots: rootsOf(members) });
    expect(status).toBe('tampered');
    const [{ signed } = { signed: 0 }] = await world.world.worker.sql<{ signed: number }[]>`
      select count(*)::int as signed from statements`;
    expect(signed).toBeGreaterThan(5);
    expect(findings.map(({ column, kind }) => `${column} ${kind}`)).toEqual(
      Array.from({ length: signed }, () => 'body replaced-signature'),
    );
  });

  test('an act without a signature is named once people sign, and not before', async () => {
    // The same checks, of which one entry's says that nobody signed it.
    const without = (which: (seen: number) => boolean) => ({
      checking: (context: CheckContext): Checking => {
        const here = checkingHere(context, { hashing: nodeHashing, p256: p256Check });
        let seen = 0;
        return {
          ...here,
          entries: async (given) =>
            (await here.entries(given)).map((one) =>
              one.told?.person === 'signed' && which(seen++)
                ? { ...one, told: { ...one.told, person: 'missing' as const } }
                : one,
            ),
        };
      },
    });
    expect((await world.verify({ change: without((seen) => seen === 0) })).findings).toEqual([]);
    const { findings } = await world.verify({ change: without((seen) => seen === 1) });
    expect(findings.map(({ table, column, kind }) => [table, column, kind])).toEqual([
      ['audit_entries', 'body', 'forged'],
    ]);
  });
});

test('the count of a peer whose leaf is altered stops there', async () => {
  const way = PEER_WAYS.find(({ name }) => name === 'peer-hospital: a leaf edited') as Way;
  const { expected, report } = await expectWay(way);
  expect(report.findings).toHaveLength(1);
  expect(report.counts.anchored).toEqual({
    administration: report.size,
    hospital: Number(expected.row),
    association: report.size,
  });
  expect(report.findings[0]).toMatchObject({
    disagrees: 'peer-hospital',
    agree: ['log', 'peer-administration', 'peer-association'],
  });
});
