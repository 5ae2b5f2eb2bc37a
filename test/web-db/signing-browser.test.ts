// Signing in a real browser (P6, E4, T19): the text that a person reads is byte for byte what is hashed, signed and recorded; the key
// cannot be taken out of the browser; a page that was tampered with signs nothing; what cannot be kept or done is said in words.
import { createHash } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { statementContext } from '../../domain/operation-key.ts';
import { checkPersonalSignature } from '../../ledger/certificates.ts';
import { readEntry } from '../../ledger/entry.ts';
import { envelopeBytes } from '../../ledger/envelope.ts';
import { nodeHashing, open } from '../../ledger/record-key.ts';
import { verifyP256 } from '../../ledger/signing.ts';
import { openBrowser, openPage, signedInAs } from '../support/browser.ts';
import { makeKey, pressSign, t, toSign } from '../support/deeds.ts';
import { createServedWorld } from '../support/served-world.ts';
import type { WebWorld } from '../support/web-world.ts';
import { claimByForm, MET, newCase, openTask, prepareByForm } from './staff-story.ts';

let world: WebWorld;
let browser: Browser;
let url: string;
let stop: () => Promise<void>;

beforeAll(async () => {
  const served = await createServedWorld();
  ({ world, url } = served);
  browser = await openBrowser();
  stop = async () => {
    await browser.close();
    await served.close();
  };
});
afterAll(() => stop());

/** A page of somebody of the cast, in a browser of their own. */
async function pageOf(name: string, script = true): Promise<Page> {
  const person = await world.signIn(name);
  const page = await openPage(browser, { script, baseURL: url });
  await signedInAs(page, person.jar);
  return page;
}

const REASONS = 'Need is shown.\nsalt: not the salt <b>&amp;</b> “quoted” 漢字 e\u0301';

/** A decision that is prepared and waits for this person's signature. */
async function waiting(name: string): Promise<{ caseId: string; task: string }> {
  const caseId = await newCase(world);
  const task = await openTask(world, caseId, 'decide-eligibility');
  const person = await world.signIn(name);
  await claimByForm(person, task);
  await prepareByForm(person, task, {
    ...MET,
    choice: 'accept',
    reasons: REASONS,
    disciplines: 'psychology',
  });
  return { caseId, task };
}

const decisions = async (caseId: string): Promise<number> =>
  (await world.web.sql`select 1 from decisions where case_id = ${caseId} and action <> 'submit-application'`)
    .length;

describe('a decision in a browser', () => {
  test('text of the panel, its hash, the envelope and the entry are one (P6)', async () => {
    const { caseId, task } = await waiting('officerA');
    const page = await pageOf('officerA');
    await page.goto(`/tasks/${task}/sign`);
    // The first signature of all: the page that needs a key makes it, and stays.
    await page.locator('#make-key button:enabled').click();
    const envelope = page.locator('[data-envelope]');
    await page.locator('#sign-form button.primary:enabled').waitFor();
    expect(new URL(page.url()).pathname).toBe(`/tasks/${task}/sign`);
    const shown = (await page.locator('#statement').textContent()) ?? '';
    // What is read is what stands there: no style takes a letter away or adds one.
    expect(await page.locator('#statement').innerText()).toBe(shown);
    expect(shown).toContain('漢字 e\u0301');
    const signed = (await envelope.textContent()) ?? '';
    await pressSign(page);
    await page.waitForURL(/[?&]done=/);

    const [row] = await world.web.sql<{ body: Uint8Array }[]>`
      select body from audit_entries where subject_id = ${caseId} order by subject_version desc limit 1`;
    const body = Uint8Array.from(row?.body ?? []);
    const read = readEntry(body);
    if (!('entry' in read)) throw new Error(read.fault);
    const { entry } = read;
    const digest = createHash('sha256').update(shown).digest('hex');
    expect(entry.envelope).toMatchObject({ statement: digest, task, who: world.as('officerA').id });
    expect(new TextDecoder().decode(envelopeBytes(entry.envelope as never))).toBe(signed);
    expect(new TextDecoder().decode(body)).toContain(signed);
    const [kept] = await world.web.sql<{ sealed: string; sha256: string }[]>`
      select sealed, sha256 from statements where case_id = ${caseId}`;
    expect(kept?.sha256).toBe(digest);
    const opened = open(
      await world.recorder.keys.of('case', caseId),
      Buffer.from(kept?.sealed ?? '', 'base64'),
      statementContext(caseId, entry.operation ?? ''),
    );
    expect(Buffer.from(opened).toString()).toBe(shown);
    const [certificate] = await world.web.sql<{ pem: string }[]>`
      select pem from certificates where fingerprint = ${entry.signature?.certificate ?? ''}`;
    const state = { pem: certificate?.pem ?? '', organisation: 'administration' as const, revokedAt: null };
    const by = { hash: nodeHashing.hash, verify: verifyP256 };
    expect(await checkPersonalSignature(entry, state, world.members.roots, by)).toBeUndefined();
    // Three identities stand there apart.
    expect(entry.actor.key).not.toBe(entry.signature?.certificate);
    await page.goto(`/cases/${caseId}`);
    expect(await page.locator('.timeline').innerText()).toContain(t.signing.signedBy('Test officerA'));
    await page.context().close();
  });

  test('a text that was changed in the page is not signed, and nothing is sent', async () => {
    const { caseId, task } = await waiting('officerB');
    const page = await pageOf('officerB');
    await makeKey(page);
    await page.goto(`/tasks/${task}/sign`);
    await page.locator('#sign-form button.primary:enabled').waitFor();
    await page.evaluate(() => {
      const text = document.getElementById('statement') as HTMLElement;
      text.textContent = (text.textContent ?? '').replace('Need is shown', 'Need is shewn');
    });
    const sent: string[] = [];
    page.on('request', (request) => sent.push(request.method()));
    await pressSign(page);
    await page.locator('#sign-state', { hasText: t.signing.changed }).waitFor();
    expect(sent).not.toContain('POST');
    expect(await decisions(caseId)).toBe(0);
    await page.context().close();
  });

  test('can be undone for as long as the person chose: until then nothing is signed and nothing is sent', async () => {
    const { caseId, task } = await waiting('officerB');
    const page = await pageOf('officerB');
    await makeKey(page);
    await page.clock.install();
    await page.goto(`/tasks/${task}/sign`);
    const sent: string[] = [];
    page.on('request', (request) => sent.push(request.method()));
    const sign = page.locator('#sign-form button.primary:enabled');
    const undo = page.locator('#undo-undo');
    const untouched = async () => {
      expect(sent).not.toContain('POST');
      expect(await page.locator('#sign-form [name=signature]').inputValue()).toBe('');
      expect(await decisions(caseId)).toBe(0);
    };
    // Pressed twice, as people do: the second press is not “Sign now”. Who then leaves has not signed.
    await sign.dblclick();
    await page.clock.runFor(5_000);
    await untouched();
    await page.goto(`/tasks/${task}/sign`);
    await page.clock.runFor(20_000);
    await untouched();
    await sign.click();
    await page.locator('#undo-undo:focus').waitFor();
    expect(await undo.getAttribute('aria-describedby')).toBe('undo-words');
    expect(await page.locator('#undo-words').innerText()).toBe(t.signing.undoIn('10'));
    await page.clock.runFor(4_000);
    expect(await page.locator('#undo-words').innerText()).toBe(t.signing.undoIn('6'));
    await page.keyboard.press('z');
    expect(await page.locator('#sign-state').innerText()).toBe(t.signing.undone);
    expect(await sign.evaluate((button) => button === document.activeElement)).toBe(true);
    await page.clock.runFor(20_000);
    await untouched();

    // Whoever wants no clock sets none.
    await page.goto('/settings');
    await page.locator('[name=undo][value=wait]').check();
    await page.locator('main button.primary').click();
    await page.waitForURL(/done=saved/);
    sent.length = 0;
    await page.goto(`/tasks/${task}/sign`);
    await sign.click();
    expect(await page.locator('#undo-words').innerText()).toBe(t.signing.undoWait);
    await page.clock.runFor(120_000);
    await untouched();

    // And whoever set one, and does nothing, has signed.
    await page.goto('/settings');
    await page.locator('[name=undo][value="30"]').check();
    await page.locator('main button.primary').click();
    await page.waitForURL(/done=saved/);
    await page.goto(`/tasks/${task}/sign`);
    await sign.click();
    await page.locator('#undo-undo:focus').waitFor();
    await page.clock.runFor(29_000);
    expect(await decisions(caseId)).toBe(0);
    await page.clock.runFor(2_000);
    await page.waitForURL(/[?&]done=/);
    expect(await decisions(caseId)).toBe(1);
    await page.context().close();
  });

  test('without script it says why it cannot be signed there, and that the text waits', async () => {
    const { caseId, task } = await waiting('officerC');
    const page = await pageOf('officerC', false);
    await page.goto(`/tasks/${task}/sign`);
    expect(await page.locator('main').innerText()).toContain(t.signing.noScript);
    expect(await page.locator('button.primary:enabled').count()).toBe(0);
    await page.goto('/signatures');
    await page.locator(`a[href="/tasks/${task}/sign"]`).click();
    expect(await page.locator('#statement').textContent()).toContain('Need is shown.');
    await page.context().close();
    // The same person, with script: it is signed there.
    const other = await pageOf('officerC');
    await other.goto(`/tasks/${task}/sign`);
    await other.locator('#make-key button:enabled').click();
    await pressSign(other);
    await other.waitForURL(/[?&]done=/);
    expect(await decisions(caseId)).toBe(1);
    await other.context().close();
  });
});

describe('a key in a browser', () => {
  test('cannot be taken out, and is still there when the page is opened again (E4)', async () => {
    const page = await pageOf('therapistA');
    await makeKey(page);
    const outcome = await page.evaluate(async () => {
      const done = <T>(request: IDBRequest<T>): Promise<T> =>
        new Promise((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
      const base = await done(indexedDB.open('rehab-keys'));
      const [record] = await done(base.transaction('keys').objectStore('keys').getAll());
      base.close();
      const tries = await Promise.allSettled(
        (['pkcs8', 'jwk'] as const).map((format) => crypto.subtle.exportKey(format, record.privateKey)),
      );
      return { extractable: record.privateKey.extractable, tries: tries.map(({ status }) => status) };
    });
    expect(outcome).toEqual({ extractable: false, tries: ['rejected', 'rejected'] });
    await page.reload();
    await page.locator('[data-key-here]', { hasText: t.keys.here }).waitFor();
    await page.context().close();
  });

  test('that the browser will not keep is said so, and nobody is asked to certify it (T19)', async () => {
    const page = await pageOf('therapistB');
    await page.addInitScript(() => {
      IDBObjectStore.prototype.put = () => {
        throw new DOMException('no room', 'QuotaExceededError');
      };
    });
    await page.goto('/keys');
    const asked: string[] = [];
    page.on('request', (request) => asked.push(`${request.method()} ${new URL(request.url()).pathname}`));
    await page.locator('#make-key button:enabled').click();
    await page.getByText(t.keys.unstored).waitFor();
    expect(asked.filter((line) => line.startsWith('POST'))).toEqual([]);
    await page.context().close();
  });

  test('that is lost is ended, and another one signs: the page says which browser holds what', async () => {
    const lost = await pageOf('officerD');
    await makeKey(lost);
    await lost.context().close();
    const { caseId, task } = await waiting('officerD');
    const page = await pageOf('officerD');
    await page.goto(`/tasks/${task}/sign`);
    await page.locator('#make-key-here', { hasText: t.signing.noKeyHere }).waitFor();
    await page.goto('/keys');
    await page.getByText(t.keys.elsewhere).waitFor();
    await page.getByRole('button', { name: t.keys.revoke }).click();
    await page.getByRole('button', { name: t.keys.revokeNow }).click();
    await page.getByText(t.keys.revokedDone).waitFor();
    await page.goto(`/tasks/${task}`);
    await page.locator('#task-form button.primary').click();
    await page.locator('#check-form').waitFor();
    await toSign(page);
    await pressSign(page);
    await page.waitForURL(/[?&]done=/);
    expect(await decisions(caseId)).toBe(1);
    await page.context().close();
  });
});
