// What somebody might try against the verbs and the tables: text that Postgres or the canonical form cannot carry, keys used by
// others, rights of a process used past the ledger. Each was a hole once, or would be one.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Done } from '../../activities/act.ts';
import { asFailure } from '../../activities/failures.ts';
import { connect } from '../../db/connection.ts';
import { DATABASE_ROLES, migrate, type RolePasswords } from '../../db/migrate.ts';
import type { ActInput } from '../../domain/acts.ts';
import { KeyMissing } from '../../ledger/record-key.ts';
import { recorded } from '../../ledger/recorded.ts';
import { claimTask } from '../../web/recorded.ts';
import { createWorld, type World } from '../support/case-world.ts';
import { claim, openTask } from '../support/claim.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const application: ActInput<'submit-application'> = {
  patientName: 'Testa Persona',
  birthDate: '1961-04-02',
  reason: 'Hip fracture, lives alone',
};

async function submit(by = 'referrer', over: Partial<ActInput<'submit-application'>> = {}) {
  return await world.verbs.submitApplication(
    await world.request(by, 'submit-application', { ...application, ...over }, {}),
  );
}

describe('text that cannot be stored is refused at its field and never tried again and again', () => {
  const NUL = 'a\u0000b';
  const NONCHARACTER = 'a\uffff';
  const HALF = 'a\ud800';
  test.each([
    ['reason', { reason: NUL }],
    ['reason', { reason: NONCHARACTER }],
    ['reason', { reason: HALF }],
    ['reason', { reason: `a${String.fromCodePoint(0x1fffe)}` }],
    ['patientName', { patientName: NONCHARACTER }],
    ['language', { language: NUL }],
    ['language', { language: NONCHARACTER }],
    ['reasonCode', { reasonCode: NUL }],
    ['source', { source: HALF }],
    ['questions.0', { questions: [NUL] }],
    ['background.0.since', { background: [{ text: 'x', since: NUL }] }],
    ['background.0.until', { background: [{ text: 'x', until: NONCHARACTER }] }],
    ['background.0.status', { background: [{ text: 'x', status: HALF }] }],
  ])('%s', async (field, over) => {
    // Sealed past the door's own reading, as a faulty web would.
    expect(await submit('referrer', over)).toMatchObject({
      kind: 'refusal',
      code: 'values',
      fields: [{ field, fault: 'controlCharacters' }],
    });
  });

  test('names that reach a prototype are refused among the answers of an instrument', async () => {
    const { caseId } = (await submit()) as Done;
    const id = await openTask(world, caseId);
    await world.verbs.decideEligibility(
      await world.request(
        'officerA',
        'decide-eligibility',
        {
          choice: 'accept',
          criteria: { need: 'met', capacity: 'met', prognosis: 'met' },
          disciplines: ['physiotherapy'],
        },
        { caseId, task: { id, claim: await claim(world, 'officerA', id) } },
      ),
    );
    const assess = await openTask(world, caseId);
    const number = await claim(world, 'therapistA', assess);
    for (const name of ['__proto__', 'constructor', 'prototype', NUL, HALF]) {
      const answers = JSON.parse(`{${JSON.stringify(name)}: 5}`);
      const answer = await world.verbs.recordAssessment(
        await world.request(
          'therapistA',
          'assess',
          { findings: 'x', measurements: [{ instrument: 'barthel-index', answers }] },
          { caseId, task: { id: assess, claim: number } },
        ),
      );
      expect([name, answer]).toEqual([name, expect.objectContaining({ kind: 'refusal' })]);
    }
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('a key', () => {
  test('that somebody else used is no answer for me, and neither is one of another action', async () => {
    const { caseId } = (await submit()) as Done;
    const task = await openTask(world, caseId);
    const key = randomUUID();
    const recorder = world.recorder;
    const mine = world.as('officerA');
    const other = world.as('officerB');
    const claimed = await claimTask(recorder, key, { person: mine.id, role: mine.role }, caseId, task, 60);
    expect(claimed.kind).toBe('claimed');
    expect(
      await claimTask(recorder, key, { person: other.id, role: other.role }, caseId, task, 60),
    ).toMatchObject({ kind: 'refusal', code: 'key-reused' });
    const { answer } = await recorded(
      recorder,
      {
        key,
        action: 'something-else',
        inputDigest: task,
        subject: { kind: 'case', id: caseId },
        actor: { person: mine.id, role: mine.role },
      },
      { text: 'SELECT null::json', params: [] },
      () => ({ event: 'task.claimed', changes: [], answer: {} }),
    );
    expect(answer).toMatchObject({ code: 'key-reused' });
  });

  test('file that is away for a moment ends nothing: the act is tried again', async () => {
    const failure = await asFailure(
      () => Promise.reject(new KeyMissing('case')),
      () => undefined,
    ).catch((error) => error);
    expect(failure).toMatchObject({ type: 'KeyMissing' });
    expect(failure.nonRetryable ?? false).toBe(false);
  });
});

describe('rights of the processes', () => {
  test('a temporary table does not open the guard', async () => {
    const { caseId } = (await submit()) as Done;
    const task = await openTask(world, caseId);
    for (const role of ['web', 'worker'] as const) {
      const { sql, close } = connect(world.fresh.urls[role], { max: 1, name: 'test-intruder' });
      try {
        const attempt = sql.begin(async (tx) => {
          // Relations of pg_temp are found before those of pg_catalog: the guard's question would be answered by us.
          await tx`create temporary table pg_class (oid oid, relowner oid) on commit drop`;
          await tx`insert into pg_temp.pg_class select 'public.tasks'::regclass::oid, (select oid from pg_roles where rolname = current_user)`;
          await tx`update tasks set claimed_by = ${world.as('officerC').id} where id = ${task}`;
        });
        await expect(attempt).rejects.toMatchObject({ code: expect.stringMatching(/^(23000|42501)$/) });
      } finally {
        await close();
      }
    }
    const [row] = await world.worker.sql`select claimed_by from tasks where id = ${task}`;
    expect(row?.claimed_by).toBeNull();
  });

  test('the web changes of a task who holds it, and nothing else, even with an entry', async () => {
    const { caseId } = (await submit()) as Done;
    const task = await openTask(world, caseId);
    const { sql, close } = connect(world.fresh.urls.web, { max: 1, name: 'test-intruder' });
    const person = world.as('officerC').id;
    try {
      const withEntry = (change: (tx: typeof sql, entry: string) => Promise<unknown>) =>
        sql.begin(async (tx) => {
          const entry = randomUUID();
          await tx`insert into audit_entries (id, subject_kind, subject_id, subject_version, event, person_id, at, body, signature, key_id)
            values (${entry}, 'case', ${caseId}, ${1000 + Math.floor(Math.random() * 1e6)}, 'task.claimed', ${person}, now(), 'x', 'x', 'x')`;
          await change(tx as unknown as typeof sql, entry);
          // What was tried and allowed is not left behind for other tests.
          throw new Error('allowed');
        });
      const changes = {
        status: 'done',
        kind: 'decide-outcome',
        case_id: randomUUID(),
        done_by: person,
        closed_at: new Date().toISOString(),
        due_at: new Date().toISOString(),
        opened_at: new Date().toISOString(),
        discipline: 'psychology',
      };
      for (const [column, value] of Object.entries(changes))
        await expect(
          withEntry(
            (tx, entry) =>
              tx`update tasks set ${tx({ [column]: value, entry_id: entry })} where id = ${task}`,
          ),
          column,
        ).rejects.toMatchObject({ code: '42501' });
      await expect(
        withEntry(
          (tx, entry) =>
            tx`update tasks set claimed_by = ${person}, claim_number = 1, entry_id = ${entry} where id = ${task}`,
        ),
      ).rejects.toThrow('allowed');
      // A fencing number never goes back.
      await expect(
        withEntry(
          (tx, entry) => tx`update tasks set claim_number = -1, entry_id = ${entry} where id = ${task}`,
        ),
      ).rejects.toMatchObject({ code: '42501' });
    } finally {
      await close();
    }
  });

  test('no process rewrites, removes or re-times an entry', async () => {
    for (const role of ['web', 'worker', 'ledger', 'verify'] as const) {
      const { sql, close } = connect(world.fresh.urls[role], { max: 1, name: 'test-intruder' });
      try {
        await expect(sql`update audit_entries set event = 'x'`).rejects.toMatchObject({ code: '42501' });
        await expect(sql`delete from audit_entries`).rejects.toMatchObject({ code: '42501' });
        await expect(sql`truncate audit_entries`).rejects.toMatchObject({ code: '42501' });
        await expect(sql`insert into audit_entries (xact) values ('1'::xid8)`).rejects.toMatchObject({
          code: '42501',
        });
        await expect(sql`create table mine (id int)`).rejects.toMatchObject({ code: '42501' });
      } finally {
        await close();
      }
    }
  });

  test('a start takes away what a copied database gives to everybody', async () => {
    const { urls, ownerUrl } = world.fresh;
    const passwords = Object.fromEntries(
      DATABASE_ROLES.map((role) => [role, new URL(urls[role]).password]),
    ) as RolePasswords;
    await migrate(ownerUrl, { passwords });
    for (const role of DATABASE_ROLES) {
      const { sql, close } = connect(urls[role], { max: 1, name: 'test-intruder' });
      await expect(sql`create temporary table mine (id int)`).rejects.toMatchObject({ code: '42501' });
      await close();
    }
  });
});
