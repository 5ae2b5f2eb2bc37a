// Signing from end to end on a real database: a key is enrolled through the member's door, the statement that is shown is the one
// that is signed, and everything that is not exactly that is refused, at the web's door and again inside the decision.
import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SoftwareKey, softwareKey } from '../../bin/drive/software-key.ts';
import { statementContext } from '../../domain/operation-key.ts';
import { checkPersonalSignature, readCertificate, readRevocationList } from '../../ledger/certificates.ts';
import { type Entry, readEntry } from '../../ledger/entry.ts';
import { envelopeBytes } from '../../ledger/envelope.ts';
import { nodeHashing, open } from '../../ledger/record-key.ts';
import { verifyP256 } from '../../ledger/signing.ts';
import { readStatement } from '../../ledger/statement.ts';
import { honourLists } from '../../web/keys/enrol.ts';
import { en } from '../../web/text/en.ts';
import { formTo, type PageForm, wordsOf } from '../support/pages.ts';
import { shownToSign, signedForm, type TestMembers } from '../support/signing.ts';
import { onDatabase, submit } from '../support/stories.ts';
import { createWebWorld, type WebWorld } from '../support/web-world.ts';

type Browser = Awaited<ReturnType<WebWorld['signIn']>>;

let members: TestMembers;
let world: WebWorld;
beforeAll(async () => {
  world = await createWebWorld();
  members = world.members;
  await world.addPerson('security', 'security-administrator');
});
afterAll(() => world.close());

/** What a page's form holds; each name once. */
const fieldsOf = ({ fields }: PageForm): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).map(([name, [value]]) => [name, value ?? '']));

const json = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' };

/** Posts JSON from a page of ours. */
async function postJson(browser: Browser, path: string, body: unknown): Promise<Response> {
  const cookie = [...browser.jar].map(([name, value]) => `${name}=${value}`).join('; ');
  return await world.app.request(`${world.origin}${path}`, {
    method: 'POST',
    headers: { ...json, cookie },
    body: JSON.stringify(body),
  });
}

/** Makes a key and has it certified, as the page's script does. */
async function enrol(browser: Browser, key: SoftwareKey = softwareKey()): Promise<SoftwareKey> {
  const asked = await postJson(browser, '/keys/request', { publicKey: key.publicKey });
  const { toSign } = (await asked.json()) as { toSign: string };
  const answer = await postJson(browser, '/keys', {
    publicKey: key.publicKey,
    signature: key.sign(Buffer.from(toSign, 'base64url')),
  });
  expect(await answer.json()).toEqual({ go: '/keys?done=issued', done: 'issued' });
  return key;
}

/** A decision that is prepared: its sign page. */
async function prepared(
  browser: Browser,
  reasons = 'Need is shown.',
): Promise<{ caseId: string; task: string; html: string }> {
  const { caseId } = await submit(onDatabase(world));
  const [row] = await world.web.sql<
    { id: string }[]
  >`select id from tasks where case_id = ${caseId} and status = 'open'`;
  const task = row?.id as string;
  const first = await (await browser.get(`/tasks/${task}`)).text();
  await browser.post(`/tasks/${task}/claim`, fieldsOf(formTo(first, /claim$/)));
  const form = formTo(await (await browser.get(`/tasks/${task}`)).text(), /check$/);
  const typed = {
    ...fieldsOf(form),
    choice: 'accept',
    'criteria.need': 'met',
    'criteria.capacity': 'met',
    'criteria.prognosis': 'met',
    reasons,
    disciplines: 'physiotherapy',
  };
  const check = formTo(await (await browser.post(form.action, typed)).text(), /sign$/);
  const answer = await browser.post(check.action, fieldsOf(check));
  expect([answer.status, answer.headers.get('location')]).toEqual([303, `/tasks/${task}/sign`]);
  return { caseId, task, html: await (await browser.get(`/tasks/${task}/sign`)).text() };
}

/** The form as the script sends it. */
const signed = (html: string, key: SoftwareKey) =>
  fieldsOf(signedForm(html, key)) as Record<'certificate' | 'signature', string>;

async function lastEntry(caseId: string): Promise<Entry> {
  const [row] = await world.web.sql<{ body: Uint8Array }[]>`
    select body from audit_entries where subject_id = ${caseId} order by subject_version desc limit 1`;
  const read = readEntry(Uint8Array.from(row?.body ?? []));
  if (!('entry' in read)) throw new Error(read.fault);
  return read.entry;
}

const refusalsOf = async (name: string): Promise<string[]> =>
  (
    await world.web.sql<{ code: string }[]>`
      select code from refusals where person_id = ${world.as(name).id} order by refused_at, id`
  ).map(({ code }) => code);

describe('a decision', () => {
  test('is signed as it is shown: page, envelope, entry and sealed statement are one', async () => {
    const browser = await world.signIn('officerA');
    const key = await enrol(browser);
    const reasons = 'Need is shown.\nsalt: not the salt <b>&amp;</b>';
    const { caseId, task, html } = await prepared(browser, reasons);
    const page = shownToSign(html, key);
    expect(readStatement(page.statement)?.lines).toContainEqual(['Reasons', reasons]);
    expect(page.statement).toMatch(
      /^I, Test officerA, approval officer, .*, accept the application in case RC-/,
    );
    expect(page.hash).toBe(createHash('sha256').update(page.statement).digest('hex'));

    const answer = await browser.post(`/tasks/${task}/decide`, signed(html, key));
    expect([answer.status, answer.headers.get('location')]).toEqual([303, expect.stringContaining('done=')]);
    const entry = await lastEntry(caseId);
    expect(entry.event).toBe('eligibility.decided');
    expect(new TextDecoder().decode(envelopeBytes(entry.envelope as never))).toBe(page.envelope);
    expect(entry.envelope).toMatchObject({ statement: page.hash, task, who: world.as('officerA').id });
    const [row] = await world.web.sql<{ sealed: string; sha256: string }[]>`
      select sealed, sha256 from statements where case_id = ${caseId}`;
    const text = open(
      await world.recorder.keys.of('case', caseId),
      Buffer.from(row?.sealed ?? '', 'base64'),
      statementContext(caseId, entry.operation ?? ''),
    );
    expect(Buffer.from(text).toString()).toBe(page.statement);
    expect(row?.sha256).toBe(page.hash);
    const [certificate] = await world.web.sql<{ pem: string }[]>`
      select pem from certificates where fingerprint = ${page.certificate}`;
    const state = { pem: certificate?.pem ?? '', organisation: 'administration' as const, revokedAt: null };
    const by = { hash: nodeHashing.hash, verify: verifyP256 };
    expect(await checkPersonalSignature(entry, state, members.roots, by)).toBeUndefined();
    // Sent again, the same act: the same answer, and no second entry.
    const again = await browser.post(`/tasks/${task}/decide`, signed(html, key));
    expect(again.headers.get('location')).toBe(answer.headers.get('location'));
    expect((await lastEntry(caseId)).id).toBe(entry.id);
  });

  test('without a signature, with another’s or over another text is refused, recorded, and decides nothing', async () => {
    const officerA = await world.signIn('officerA');
    const officerB = await world.signIn('officerB');
    const [keyA, keyB] = [await enrol(officerA), await enrol(officerB)];
    const one = await prepared(officerA);
    const other = await prepared(officerB);
    const before = (await refusalsOf('officerA')).length;
    const fields = signed(one.html, keyA);
    const envelopeOfB = shownToSign(other.html, keyB);
    const flipped = Buffer.from(fields.signature, 'base64url');
    flipped[40] = (flipped[40] as number) ^ 1;
    const wrongs: [Record<string, string>, number][] = [
      [{ signature: '' }, 403],
      [{ signature: flipped.toString('base64url') }, 403],
      // Somebody else's certificate, however well it signs.
      [
        {
          certificate: envelopeOfB.certificate,
          signature: keyB.sign(Buffer.from(shownToSign(one.html, keyA).envelope)),
        },
        403,
      ],
      // A signature over another case's statement.
      [{ signature: keyA.sign(Buffer.from(envelopeOfB.envelope)) }, 403],
      [{ certificate: '0'.repeat(64) }, 403],
      [{ who: world.as('officerB').id }, 400],
    ];
    for (const [part, status] of wrongs)
      expect((await officerA.post(`/tasks/${one.task}/decide`, { ...fields, ...part })).status).toBe(status);
    expect((await refusalsOf('officerA')).slice(before)).toEqual([
      'unsigned',
      'signature-wrong',
      'signature-wrong',
      'signature-wrong',
      'certificate-not-good',
    ]);
    expect((await lastEntry(one.caseId)).event).toBe('task.claimed');
    // Nothing was used up: signed rightly, it is taken.
    expect((await officerA.post(`/tasks/${one.task}/decide`, fields)).status).toBe(303);
  });

  test('that comes past the web unsigned is refused inside the transaction', async () => {
    const { caseId } = await submit(onDatabase(world));
    const [task] = await world.web.sql<{ id: string }[]>`select id from tasks where case_id = ${caseId}`;
    const id = task?.id as string;
    const browser = await world.signIn('officerC');
    const page = await (await browser.get(`/tasks/${id}`)).text();
    await browser.post(`/tasks/${id}/claim`, fieldsOf(formTo(page, /claim$/)));
    const request = await world.request(
      'officerC',
      'decide-eligibility',
      { choice: 'ask-papers', papers: ['Report'] },
      { caseId, task: { id, claim: 1 }, signed: null },
    );
    expect(await world.verbs.decideEligibility(request)).toMatchObject({ kind: 'refusal', code: 'unsigned' });
    expect(await refusalsOf('officerC')).toContain('unsigned');
    expect((await lastEntry(caseId)).event).toBe('task.claimed');
  });

  test('cannot be signed when its text is older than 15 minutes; made again, it can', async () => {
    const browser = await world.signIn('officerA');
    const key = await enrol(browser);
    const { task, html } = await prepared(browser);
    const started = Date.now();
    try {
      world.setClock(() => new Date(Date.now() + 14 * 60_000));
      await browser.get('/keys');
      world.setClock(() => new Date(Date.now() + 16 * 60_000));
      const late = await browser.post(`/tasks/${task}/decide`, signed(html, key));
      // The session is old as well: it must show first who it is.
      expect([303, 409]).toContain(late.status);
      const page = await (await browser.get(`/tasks/${task}/sign`)).text();
      expect(page).toContain('more than 15 minutes ago');
      const again = formTo(page, /sign$/);
      expect((await browser.post(again.action, fieldsOf(again))).status).toBe(303);
      const confirm = formTo(await (await browser.get(`/tasks/${task}/sign`)).text(), /confirm$/);
      expect((await browser.post(confirm.action, fieldsOf(confirm))).headers.get('location')).toBe(
        `/tasks/${task}/sign`,
      );
      const fresh = await (await browser.get(`/tasks/${task}/sign`)).text();
      expect((await browser.post(`/tasks/${task}/decide`, signed(fresh, key))).status).toBe(303);
      expect(Date.now() - started).toBeLessThan(600_000);
    } finally {
      world.setClock(() => new Date());
    }
  });

  test('asks for a fresh proof at the first signature of a session, and for the key alone at the next', async () => {
    const browser = await world.signIn('officerD');
    const key = await enrol(browser);
    const first = await prepared(browser);
    try {
      world.setClock(() => new Date(Date.now() + 6 * 60_000));
      const turned = await browser.post(`/tasks/${first.task}/decide`, signed(first.html, key));
      expect(turned.headers.get('location')).toBe(`/tasks/${first.task}/sign`);
      const page = await (await browser.get(`/tasks/${first.task}/sign`)).text();
      expect(page).not.toContain('id="sign-form"');
      const confirm = formTo(page, /confirm$/);
      await browser.post(confirm.action, fieldsOf(confirm));
      expect((await browser.post(`/tasks/${first.task}/decide`, signed(first.html, key))).status).toBe(303);
      world.setClock(() => new Date(Date.now() + 12 * 60_000));
      const next = await prepared(browser);
      expect(next.html).toContain('id="sign-form"');
      const done = await browser.post(`/tasks/${next.task}/decide`, signed(next.html, key));
      expect(done.headers.get('location')).toContain('done=');
    } finally {
      world.setClock(() => new Date());
    }
  });

  test('waits under Signatures while nobody has signed it', async () => {
    const browser = await world.signIn('officerB');
    const { task } = await prepared(browser);
    const tray = await (await browser.get('/signatures')).text();
    expect(tray).toContain(`/tasks/${task}/sign`);
    expect(await (await (await world.signIn('officerA')).get('/signatures')).text()).not.toContain(task);
  });
});

describe('a key', () => {
  test('is what whoever decides is led to at their first sign-in, and their work from then on', async () => {
    await world.addPerson('newcomer', 'approval-officer');
    await enrol(await world.signIn('officerD'));
    const browser = world.browser();
    const first = async (name: string) => {
      const { id, role } = world.as(name);
      return (await browser.post('/sign-in/demonstration', { person: id, role })).headers.get('location');
    };
    expect([await first('patient'), await first('officerD')]).toEqual(['/my', '/queue']);
    expect(await (await browser.get('/keys?done=issued')).text()).toMatch(/href="\/queue" id="to-work">/);
    expect(await first('newcomer')).toBe('/keys?first=1');
    const page = await (await browser.get('/keys?first=1')).text();
    expect(wordsOf(page)).toContain(en.keys.first);
    expect(page).toMatch(/<a class="button" href="\/queue" id="to-work">/);
  });
  test('is certified for its person and role, and written to the channel', async () => {
    const browser = await world.signIn('therapistA');
    const key = await enrol(browser);
    const rows = await world.web.sql<{ fingerprint: string; organisation: string; role: string }[]>`
      select fingerprint, organisation, role from certificates where person_id = ${world.as('therapistA').id}`;
    expect(rows).toEqual([{ fingerprint: expect.any(String), organisation: 'hospital', role: 'therapist' }]);
    expect(members.chain).toContainEqual({ of: 'hospital', fingerprint: rows[0]?.fingerprint });
    // One key, one person: nobody else is given a certificate of it, by whichever organisation they ask.
    const other = await world.signIn('therapistB');
    const { toSign } = (await (
      await postJson(other, '/keys/request', { publicKey: key.publicKey })
    ).json()) as {
      toSign: string;
    };
    const answer = await postJson(other, '/keys', {
      publicKey: key.publicKey,
      signature: key.sign(Buffer.from(toSign, 'base64url')),
    });
    expect(answer.status).toBe(503);
  });

  test('needs a fresh proof, and a signature by the key itself', async () => {
    const browser = await world.signIn('therapistB');
    const key = softwareKey();
    const { toSign } = (await (
      await postJson(browser, '/keys/request', { publicKey: key.publicKey })
    ).json()) as {
      toSign: string;
    };
    const forged = softwareKey().sign(Buffer.from(toSign, 'base64url'));
    expect((await postJson(browser, '/keys', { publicKey: key.publicKey, signature: forged })).status).toBe(
      422,
    );
    try {
      world.setClock(() => new Date(Date.now() + 6 * 60_000));
      expect((await postJson(browser, '/keys/request', { publicKey: key.publicKey })).status).toBe(403);
      const signature = key.sign(Buffer.from(toSign, 'base64url'));
      expect((await postJson(browser, '/keys', { publicKey: key.publicKey, signature })).status).toBe(403);
    } finally {
      world.setClock(() => new Date());
    }
  });

  test('counts no more once it is revoked; what was signed before stays good; a new one signs again', async () => {
    const browser = await world.signIn('officerA');
    const key = await enrol(browser);
    const before = await prepared(browser);
    await browser.post(`/tasks/${before.task}/decide`, signed(before.html, key));
    const after = await prepared(browser);
    const fields = signed(after.html, key);
    const [row] = await world.web.sql<{ id: string }[]>`
      select id from certificates where fingerprint = ${fields.certificate}`;
    const security = await world.signIn('security');
    const done = await security.post('/certificates/revoke', { certificate: row?.id ?? '', reason: 'lost' });
    expect(done.headers.get('location')).toBe('/certificates?done=revoked');
    const refused = await browser.post(`/tasks/${after.task}/decide`, fields);
    expect(refused.status).toBe(403);
    const entry = await lastEntry(before.caseId);
    const [state] = await world.web.sql<{ pem: string; revoked_at: string }[]>`
      select pem, revoked_at from certificates where fingerprint = ${fields.certificate}`;
    const revokedAt = new Date(state?.revoked_at ?? '').toISOString();
    expect(members.chain).toContainEqual({
      of: 'administration',
      fingerprint: fields.certificate,
      revokedAt,
    });
    const certificate = { pem: state?.pem ?? '', organisation: 'administration' as const, revokedAt };
    const by = { hash: nodeHashing.hash, verify: verifyP256 };
    expect(await checkPersonalSignature(entry, certificate, members.roots, by)).toBeUndefined();
    const later = { ...entry, at: new Date(Date.parse(revokedAt) + 60_000).toISOString() };
    expect(await checkPersonalSignature(later, certificate, members.roots, by)).toBe('revoked-then');
    const fresh = await enrol(browser);
    const html = await (await browser.get(`/tasks/${after.task}/sign`)).text();
    expect(html).not.toContain(fields.certificate);
    expect((await browser.post(`/tasks/${after.task}/decide`, signed(html, fresh))).status).toBe(303);
  });

  test('counts no more once its certificate has ended, and the page leads to a new one; what was signed before stays good', async () => {
    const browser = await world.signIn('officerC');
    members.setValidity(4 * 60_000);
    const key = await enrol(browser);
    members.setValidity(undefined);
    const before = await prepared(browser);
    expect((await browser.post(`/tasks/${before.task}/decide`, signed(before.html, key))).status).toBe(303);
    const after = await prepared(browser);
    const fields = signed(after.html, key);
    const entry = await lastEntry(before.caseId);
    const [state] = await world.web.sql<{ pem: string; not_after: string }[]>`
      select pem, not_after from certificates where fingerprint = ${fields.certificate}`;
    try {
      world.setClock(() => new Date(Date.now() + 5 * 60_000));
      const refused = await browser.post(`/tasks/${after.task}/decide`, fields);
      expect(refused.status).toBe(403);
      expect(await refused.text()).toContain('Make a new one under');
      const page = await (await browser.get(`/tasks/${after.task}/sign`)).text();
      expect(page).toContain('The certificate of your key ended on');
      expect(page).not.toContain(fields.certificate);
      // The same person, newly signed in: a new key, and the decision that waited is signed with it.
      const again = await world.signIn('officerC');
      const fresh = await enrol(again);
      const html = await (await again.get(`/tasks/${after.task}/sign`)).text();
      expect((await again.post(`/tasks/${after.task}/decide`, signed(html, fresh))).status).toBe(303);
      expect(await (await again.get('/keys')).text()).toContain('Ended');
    } finally {
      world.setClock(() => new Date());
    }
    const certificate = { pem: state?.pem ?? '', organisation: 'administration' as const, revokedAt: null };
    const by = { hash: nodeHashing.hash, verify: verifyP256 };
    expect(await checkPersonalSignature(entry, certificate, members.roots, by)).toBeUndefined();
    const at = new Date(Date.parse(state?.not_after ?? '') + 60_000).toISOString();
    expect(await checkPersonalSignature({ ...entry, at }, certificate, members.roots, by)).toBe(
      'not-valid-then',
    );
  });

  test('is ended past a page that says what follows, and with a fresh proof of who asks (I6)', async () => {
    const browser = await world.signIn('therapistA');
    await enrol(browser);
    const [row] = await world.web.sql<{ id: string }[]>`
      select id from certificates where person_id = ${world.as('therapistA').id} order by issued_at desc limit 1`;
    const certificate = row?.id ?? '';
    const ended = async () => {
      const [{ n = 0, at = null } = {}] = await world.web.sql<{ n: number; at: string | null }[]>`
        select (select count(*)::int from audit_entries
          where subject_id = c.person_id and event = 'certificate.revoked') as n, c.revoked_at as at from certificates c where c.id = ${certificate}`;
      return [n, at !== null];
    };
    const form = formTo(await (await browser.get('/keys')).text(), '/keys/check');
    expect([form.method, form.fields.certificate]).toEqual(['get', [certificate]]);
    const path = `/keys/check?certificate=${certificate}&reason=compromised`;
    const page = await (await browser.get(path)).text();
    for (const said of ['Revoke this certificate?', 'Nobody can undo it.', 'Somebody else may have it'])
      expect(wordsOf(page)).toContain(said);
    const act = formTo(page, '/keys/revoke');
    expect(act.fields).toEqual({ certificate: [certificate], reason: ['compromised'] });
    expect((await browser.get('/keys/check')).headers.get('location')).toBe('/keys');
    expect((await browser.get('/keys/check?certificate=x&reason=lost')).status).toBe(400);
    const stranger = await world.signIn('therapistB');
    expect((await stranger.get(path)).status).toBe(404);
    expect((await stranger.get(path.replace('/keys', '/certificates'))).status).toBe(403);
    try {
      world.setClock(() => new Date(Date.now() + 6 * 60_000));
      expect((await browser.post(act.action, act.fields)).headers.get('location')).toBe(path);
      const late = await (await browser.get(path)).text();
      expect(late).not.toContain('action="/keys/revoke"');
      expect(await ended()).toEqual([0, false]);
      const confirm = formTo(late, '/sign-in/confirm');
      expect((await browser.post(confirm.action, confirm.fields)).headers.get('location')).toBe(path);
      const again = formTo(await (await browser.get(path)).text(), '/keys/revoke');
      // Sent twice it is one act; whoever goes back to the page is shown the list.
      for (const _ of [1, 2])
        expect((await browser.post(again.action, again.fields)).headers.get('location')).toBe(
          '/keys?done=revoked',
        );
      expect(await ended()).toEqual([1, true]);
      expect((await browser.get(path)).headers.get('location')).toBe('/keys');
    } finally {
      world.setClock(() => new Date());
    }
  });

  test('is ended by its own person, and by nobody else but who looks after certificates', async () => {
    const browser = await world.signIn('therapistB');
    await enrol(browser);
    const [row] = await world.web.sql<{ id: string }[]>`
      select id from certificates where person_id = ${world.as('therapistB').id} and revoked_at is null`;
    const stranger = await world.signIn('therapistA');
    const fields = { certificate: row?.id ?? '', reason: 'lost' };
    expect((await stranger.post('/keys/revoke', fields)).status).toBe(404);
    expect((await stranger.post('/certificates/revoke', fields)).status).toBe(403);
    expect((await browser.post('/keys/revoke', fields)).headers.get('location')).toBe('/keys?done=revoked');
  });

  test('that an authority lists as revoked is ended here too; a list that it did not sign ends nothing', async () => {
    const browser = await world.signIn('doctor');
    await enrol(browser);
    const [row] = await world.web.sql<{ pem: string }[]>`
      select pem from certificates where person_id = ${world.as('doctor').id}`;
    members.authorities.hospital.revoke(readCertificate(row?.pem ?? '')?.serial ?? '');
    const { signing } = world.webDeps;
    const forged = { ...signing, roots: { ...members.roots, hospital: members.roots.administration } };
    expect(await honourLists({ ...world.webDeps, signing: forged })).toBe(0);
    expect(await honourLists(world.webDeps)).toBe(1);
    const [ended] = await world.web.sql<{ revocation_reason: string }[]>`
      select revocation_reason from certificates where person_id = ${world.as('doctor').id}`;
    expect(ended?.revocation_reason).toBe('listed');
  });

  test('that was ended while its member was away is on the authority’s list as soon as the member is back', async () => {
    const browser = await world.signIn('lead');
    await enrol(browser);
    const [row] = await world.web.sql<{ id: string; pem: string }[]>`
      select id, pem from certificates where person_id = ${world.as('lead').id}`;
    const serial = readCertificate(row?.pem ?? '')?.serial ?? '';
    const onTheList = () => readRevocationList(members.authorities.hospital.crl())?.revoked.has(serial);
    members.setAway(true);
    const answer = await browser.post('/keys/revoke', { certificate: row?.id ?? '', reason: 'lost' });
    // Here it counts no more at once; the page says what follows.
    expect(answer.headers.get('location')).toBe('/keys?done=revoked-waits');
    await honourLists(world.webDeps);
    expect(onTheList()).toBe(false);
    members.setAway(false);
    await honourLists(world.webDeps);
    expect(onTheList()).toBe(true);
  });

  test('is asked for again when its member did not answer', async () => {
    const browser = await world.signIn('doctor');
    members.setAway(true);
    const key = softwareKey();
    const { toSign } = (await (
      await postJson(browser, '/keys/request', { publicKey: key.publicKey })
    ).json()) as {
      toSign: string;
    };
    const body = { publicKey: key.publicKey, signature: key.sign(Buffer.from(toSign, 'base64url')) };
    expect((await postJson(browser, '/keys', body)).status).toBe(503);
    members.setAway(false);
    expect((await postJson(browser, '/keys', body)).status).toBe(200);
  });
});

test('certificates are found by organisation and by state, each where it belongs and nowhere else', async () => {
  await enrol(await world.signIn('officerB'));
  const rows = await world.web.sql<{ id: string; organisation: string; revoked: boolean }[]>`
    select id, organisation, revoked_at is not null as revoked from certificates`;
  expect(new Set(rows.map(({ revoked }) => revoked))).toEqual(new Set([true, false]));
  const security = await world.signIn('security');
  const shown = async (query: string): Promise<string[]> =>
    [
      ...(await (await security.get(`/certificates${query}`)).text()).matchAll(
        /<tr id="certificate-([^"]+)"/g,
      ),
    ]
      .map(([, id]) => id ?? '')
      .sort();
  const where = (fits: (row: (typeof rows)[number]) => boolean): string[] =>
    rows
      .filter(fits)
      .map(({ id }) => id)
      .sort();
  expect(await shown('')).toEqual(where(() => true));
  expect(await shown('?state=revoked')).toEqual(where(({ revoked }) => revoked));
  expect(await shown('?state=in-force')).toEqual(where(({ revoked }) => !revoked));
  expect(await shown('?state=over')).toEqual([]);
  for (const { organisation } of rows)
    expect(await shown(`?organisation=${organisation}&state=in-force`)).toEqual(
      where((row) => row.organisation === organisation && !row.revoked),
    );
});

describe('the database', () => {
  test('lets the web revoke a certificate and change nothing else of it', async () => {
    const change = (set: string) => world.web.sql.unsafe(`update certificates set ${set}`);
    await expect(change(`person_id = '${randomUUID()}'`)).rejects.toMatchObject({ code: '42501' });
    await expect(change('revoked_at = null')).rejects.toMatchObject({ code: '42501' });
  });
});
