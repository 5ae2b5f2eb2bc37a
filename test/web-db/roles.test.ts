// Giving and ending roles: by the security administrator alone, never their own, never two administrations to one person, with a
// reason and a fresh proof; whoever loses a role has lost it with the next request.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { roleChangeRefusal } from '../../domain/role-changes.ts';
import { ROLES, SEPARATE_ADMINISTRATIONS } from '../../domain/roles.ts';
import { formTo, wordsOf } from '../support/pages.ts';
import { createWebWorld, type WebWorld } from '../support/web-world.ts';

let w: WebWorld;
let at = Date.now();
beforeAll(async () => {
  w = await createWebWorld();
  w.setClock(() => new Date(at));
  await w.addPerson('security', 'security-administrator');
  await w.addPerson('security2', 'security-administrator');
});
afterAll(() => w.close());

const rolesOf = async (name: string) =>
  (
    await w.web.sql<{ role: string; reason: string | null; end_reason: string | null; ended: boolean }[]>`
      select role, reason, end_reason, ended_at is not null as ended from role_assignments
      where person_id = ${w.as(name).id} order by role, assigned_at`
  ).map(({ role, reason, end_reason, ended }) => [role, reason, ended, end_reason]);
const entriesOf = async (name: string): Promise<string[]> =>
  (
    await w.web.sql<{ event: string }[]>`
      select event from audit_entries where subject_id = ${w.as(name).id} and event like 'role.%' order by subject_version`
  ).map(({ event }) => event);
const refusalsOf = async (name: string): Promise<string[]> =>
  (
    await w.web.sql<{ action: string; code: string }[]>`
      select action, code from refusals where person_id = ${w.as(name).id} order by refused_at, id`
  ).map(({ action, code }) => `${action} ${code}`);
const pathOf = (name: string): string => `/people/${w.as(name).id}`;
const give = (name: string): string => `${pathOf(name)}/roles/give`;
const end = (name: string): string => `${pathOf(name)}/roles/end`;

test('a role is given with its reason and ended with its reason, each an entry about the person', async () => {
  const b = await w.signIn('security');
  expect(await (await b.get('/people')).text()).toContain(`href="${pathOf('officerB')}"`);
  const form = formTo(await (await b.get(pathOf('officerB'))).text(), give('officerB'));
  const nothing = await b.post(form.action, form.fields);
  expect(nothing.status).toBe(422);
  const faults = wordsOf(await nothing.text());
  for (const said of ['Role: Choose one of the answers', 'Reason: Fill this in'])
    expect(faults).toContain(said);
  const unskilled = { ...form.fields, role: 'therapist', reason: 'Comes from the ward' };
  expect((await b.post(form.action, unskilled)).status).toBe(422);
  const values = { ...unskilled, disciplines: ['physiotherapy'], lead: 'yes' };
  const sent = await b.post(form.action, values);
  expect([sent.status, sent.headers.get('location')]).toEqual([303, `${pathOf('officerB')}?done=give`]);
  // Sent twice it is one act; as an act of its own it is already there.
  expect((await b.post(form.action, values)).status).toBe(303);
  const again = formTo(await (await b.get(pathOf('officerB'))).text(), give('officerB'));
  const second = await b.post(again.action, { ...values, key: again.fields.key ?? [] });
  expect([second.status, wordsOf(await second.text())]).toEqual([
    409,
    expect.stringContaining('This person holds this role already.'),
  ]);
  expect(await rolesOf('officerB')).toEqual([
    ['approval-officer', null, false, null],
    ['therapist', 'Comes from the ward', false, null],
  ]);
  expect(await entriesOf('officerB')).toEqual(['role.assigned']);

  // Signed in in the role that is being ended: over with the next request, whatever the cookie.
  const officer = await w.signIn('officerB');
  expect((await officer.get('/queue')).status).toBe(200);
  const ending = formTo(await (await b.get(pathOf('officerB'))).text(), end('officerB'));
  expect((await b.post(ending.action, { ...ending.fields, ending: 'approval-officer' })).status).toBe(422);
  const over = await b.post(ending.action, {
    ...ending.fields,
    ending: 'approval-officer',
    why: 'Left the office',
  });
  expect(over.status).toBe(303);
  // From another tab, where the form was opened before.
  const late = await b.post(end('officerB'), {
    key: formTo(await (await b.get(pathOf('officerB'))).text(), end('officerB')).fields.key ?? [],
    ending: 'approval-officer',
    why: 'Left the office',
  });
  expect([late.status, wordsOf(await late.text())]).toEqual([
    409,
    expect.stringContaining('This person does not hold this role any more.'),
  ]);
  expect((await officer.get('/queue')).headers.get('location')).toBe('/sign-in?to=%2Fqueue');
  expect(await rolesOf('officerB')).toEqual([
    ['approval-officer', null, true, 'Left the office'],
    ['therapist', 'Comes from the ward', false, null],
  ]);
  expect(await entriesOf('officerB')).toEqual(['role.assigned', 'role.ended']);
  const words = wordsOf(await (await b.get(pathOf('officerB'))).text());
  for (const said of ['Left the office', 'Comes from the ward']) expect(words).toContain(said);
});

describe('refused', () => {
  test('one’s own roles, two administrations to one person, and whoever is no security administrator', async () => {
    const b = await w.signIn('security');
    const own = await (await b.get(pathOf('security'))).text();
    expect(wordsOf(own)).toContain('Nobody changes their own roles.');
    expect(own).not.toContain('/roles/give');
    const tries = async (name: string, path: string, fields: Record<string, string>) => {
      at += 1;
      // A key of this person's, for the person acted on: as a page of an earlier state had it.
      const { operationKey } = await import('../../web/acting.tsx');
      const key = operationKey(w.webDeps, w.as('security').id, 'roles.manage', w.as(name).id);
      const before = (await refusalsOf('security')).length;
      const { status } = await b.post(path, { key, ...fields });
      return [status, (await refusalsOf('security')).slice(before)];
    };
    const conflict = [403, ['roles.manage conflict-of-duties']];
    expect(await tries('security', give('security'), { role: 'doctor', reason: 'x' })).toEqual(conflict);
    expect(await tries('security', end('security'), { ending: 'security-administrator', why: 'x' })).toEqual(
      conflict,
    );
    expect(await tries('administrator', give('administrator'), { role: 'auditor', reason: 'x' })).toEqual(
      conflict,
    );
    expect(await tries('auditor', give('auditor'), { role: 'security-administrator', reason: 'x' })).toEqual(
      conflict,
    );
    expect(await tries('officerC', end('officerC'), { ending: 'doctor', why: 'x' })).toEqual([
      409,
      ['roles.manage wrong-state'],
    ]);
    expect(await tries('officerC', give('officerC'), { role: 'patient', reason: 'x' })).toEqual([422, []]);
    expect(await rolesOf('administrator')).toEqual([['administrator', null, false, null]]);
    at += 1;
    expect((await b.get(`/people/${randomUUID()}`)).status).toBe(404);
    expect((await refusalsOf('security')).at(-1)).toBe('roles.manage unknown');
    expect((await b.post(give('officerC'), { key: 'x', role: 'doctor', reason: 'x' })).status).toBe(400);
    for (const name of ['administrator', 'auditor', 'officerA', 'doctor']) {
      const other = await w.signIn(name);
      expect((await other.post(give('officerC'), {})).status).toBe(403);
      expect((await other.get(pathOf('officerC'))).status).toBe(403);
    }
    expect(await rolesOf('officerC')).toEqual([['approval-officer', null, false, null]]);
  });

  test('without a fresh proof of who acts: asked for first, and nothing is changed', async () => {
    const b = await w.signIn('security2');
    const form = formTo(await (await b.get(pathOf('officerD'))).text(), give('officerD'));
    at += 6 * 60_000;
    const page = await (await b.get(pathOf('officerD'))).text();
    expect(page).not.toContain('/roles/give');
    expect(page).toContain('/sign-in/confirm');
    const late = await b.post(form.action, { ...form.fields, role: 'doctor', reason: 'Qualified' });
    expect(late.status).toBe(409);
    const asked = await late.text();
    expect(asked).toContain('/sign-in/confirm');
    expect(wordsOf(asked)).toContain('Qualified');
    expect(await rolesOf('officerD')).toEqual([['approval-officer', null, false, null]]);
  });

  test('past the web too: its database role ends a role once, and changes nothing else of it', async () => {
    const id = w.as('officerD').id;
    for (const change of ["role = 'auditor'", 'person_id = gen_random_uuid()', 'ended_at = null'])
      await expect(
        w.web.sql.unsafe(`update role_assignments set ${change} where person_id = '${id}'`),
      ).rejects.toMatchObject({ code: '42501' });
    await expect(
      w.web.sql.unsafe(`update role_assignments set ended_at = now() where person_id = '${id}'`),
    ).rejects.toMatchObject({ code: '23000' });
  });

  test('no two administrations, whichever comes first', () => {
    for (const held of SEPARATE_ADMINISTRATIONS)
      for (const role of ROLES)
        expect([held, role, roleChangeRefusal('a', 'b', 'give', role, [held])?.code]).toEqual([
          held,
          role,
          role === held
            ? 'duplicate'
            : (SEPARATE_ADMINISTRATIONS as readonly string[]).includes(role)
              ? 'conflict-of-duties'
              : undefined,
        ]);
  });
});
