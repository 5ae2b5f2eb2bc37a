// Staff's pages in a real browser: keys, answers in place, drafts by themselves, and axe on every page in both themes and languages.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { axeViolations } from '../support/axe.ts';
import { openBrowser, openPage, type ShotOptions, signedInAs } from '../support/browser.ts';
import { send, t, toSign } from '../support/deeds.ts';
import { formTo } from '../support/pages.ts';
import { createServedWorld } from '../support/served-world.ts';
import type { WebWorld } from '../support/web-world.ts';
import { MET, newCase, openTask, prepareByForm, toTreatment, work } from './staff-story.ts';

let world: WebWorld;
let browser: Browser;
let url: string;
let stop: () => Promise<void>;
const troubles: string[] = [];

beforeAll(async () => {
  const served = await createServedWorld();
  ({ world, url } = served);
  await world.addPerson('security', 'security-administrator');
  browser = await openBrowser();
  stop = async () => {
    await browser.close();
    await served.close();
  };
});
afterAll(() => stop());

/** A page of somebody of the cast. Anything the content policy refuses, or any script fault, is a trouble. */
async function pageOf(name: string, options: ShotOptions & { lang?: string } = {}): Promise<Page> {
  const person = await world.signIn(name);
  const page = await openPage(browser, options);
  page.on('pageerror', (error) => troubles.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) troubles.push(message.text());
  });
  await signedInAs(page, person.jar, options.lang);
  return page;
}

async function claimFor(name: string, kind: Parameters<typeof openTask>[2], caseId: string): Promise<string> {
  const task = await openTask(world, caseId, kind);
  const person = await world.signIn(name);
  const form = formTo(await (await person.get(`/tasks/${task}`)).text(), `/tasks/${task}/claim`);
  await person.post(form.action, form.fields);
  return task;
}

describe('by keyboard', () => {
  test('J moves, C claims in place, Enter opens, A chooses, Ctrl+Enter checks and sends', async () => {
    for (let n = 0; n < 3; n++) await newCase(world);
    const page = await pageOf('officerA');
    await page.goto(`${url}/queue`);
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    const row = await page.evaluate(() => document.activeElement?.closest('tr')?.id ?? '');
    expect(row).toMatch(/^task-/);
    await page.keyboard.press('c');
    await page.waitForSelector(`#${row}.mine`);
    await page.waitForFunction(() => document.getElementById('notice')?.textContent?.includes('You claimed'));
    // The focus stays in the row that was claimed.
    expect(await page.evaluate(() => document.activeElement?.closest('tr')?.id)).toBe(row);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/tasks/**');
    for (const criterion of ['need', 'capacity', 'prognosis'])
      await page.locator(`[name="criteria.${criterion}"][value=met]`).check();
    await page.locator('h1').click();
    await page.keyboard.press('a');
    expect(await page.locator('[name=choice][value=accept]').isChecked()).toBe(true);
    await page.locator('[name=disciplines][value=physiotherapy]').check();
    await page.keyboard.press('Control+Enter');
    await page.waitForURL('**/check');
    await page.keyboard.press('Control+Enter');
    // A first decision: the page makes this browser its key, and stays.
    await page.waitForURL('**/sign');
    await page.getByRole('button', { name: 'Make a signing key in this browser' }).click();
    await page.locator('#sign-form button.primary:enabled').waitFor();
    await page.keyboard.press('Control+Enter');
    // What comes now has focus: undo first, then “Sign now”.
    await page.locator('#undo-undo:focus').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/queue?done=*');
    expect(await page.locator('main').textContent()).toContain('Your decision on');
    await page.context().close();
  });

  test('N takes the next task and opens it; H hands it back, with its opposite beside the sentence', async () => {
    await newCase(world);
    const page = await pageOf('officerB');
    await page.goto(`${url}/queue`);
    await page.keyboard.press('n');
    await page.waitForURL('**/tasks/**');
    await page.keyboard.press('h');
    await page.waitForURL('**/queue?back=*');
    await page.getByRole('button', { name: 'Take it back' }).click();
    await page.waitForURL('**/tasks/**');
    await page.context().close();
  });
});

describe('a queue that goes on', () => {
  test('a row that somebody takes is greyed under the reader’s focus, which stays in it; what is new waits for Show', async () => {
    for (let n = 0; n < 3; n++) await newCase(world);
    const page = await pageOf('officerA');
    const connected = page.waitForResponse((response) => response.url().includes('/live?topic=queue'));
    await page.goto(`${url}/queue`);
    await connected;
    const order = () => page.$$eval('#queue-table tbody tr', (rows) => rows.map(({ id }) => id));
    const before = await order();
    const claimable = page.locator('#queue-table [data-row-key=c]').last();
    await claimable.focus();
    const row = await page.evaluate(() => document.activeElement?.closest('tr')?.id ?? '');
    const task = row.replace('task-', '');
    const other = await world.signIn('officerB');
    const form = formTo(await (await other.get(`/tasks/${task}`)).text(), `/tasks/${task}/claim`);
    const scroll = await page.evaluate(() => scrollY);
    expect((await other.post(form.action, form.fields)).status).toBe(303);
    const fresh = await newCase(world);
    // Told by the next beat at the latest; the button was under the focus, and its row keeps it.
    await page.waitForSelector(`#${row}.gone`);
    expect(await page.locator(`#${row}`).textContent()).toContain('Test officerB claimed this at');
    expect(await page.locator(`#${row} button`).count()).toBe(0);
    await page.waitForFunction((id) => document.activeElement?.id === `open-${id}`, task);
    await page.waitForSelector('#queue-show');
    expect(await page.locator('#queue-fresh').textContent()).toMatch(/1\srow changed, 1 new/);
    expect(await order()).toEqual(before);
    expect(await page.evaluate(() => scrollY)).toBe(scroll);
    for (const dark of [false, true]) {
      await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
      expect(await axeViolations(page)).toEqual([]);
    }
    await page.locator('#queue-show').click();
    await page.waitForURL('**/queue?view=open*');
    expect(await order()).toContain(`task-${await openTask(world, fresh, 'decide-eligibility')}`);
    expect(await page.locator(`#${row}`).count()).toBe(0);
    await page.context().close();
  });
});

describe('answers in place', () => {
  test('a fault is swapped in, the summary takes the focus, the text stays; corrected it goes through', async () => {
    const caseId = await toTreatment(world);
    const task = await claimFor('therapistB', 'record-session', caseId);
    const page = await pageOf('therapistB');
    await page.goto(`${url}/tasks/${task}`);
    await page.evaluate(() => Object.assign(globalThis, { samePage: true }));
    await page.locator('[name=choice][value=absent]').check();
    await page.getByRole('button', { name: 'Go on to sign' }).click();
    await page.waitForSelector('#error-summary');
    await page.waitForFunction(() => document.title.startsWith('Error: '));
    expect(await page.title()).toMatch(/^Error: Record session: physiotherapy – RC-\w{4}-\w{2} – /);
    expect(await page.locator('main title').count()).toBe(0);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('error-summary');
    expect(await page.evaluate(() => 'samePage' in globalThis)).toBe(true);
    expect(await page.locator('[name=choice][value=absent]').isChecked()).toBe(true);
    await page.locator('[name=note]').fill('Had a fever');
    await send(page);
    await page.waitForURL('**/day?done=*');
    await page.context().close();
  });

  test('a draft saves itself after the last key, and survives a reload', async () => {
    const task = await claimFor('officerC', 'decide-eligibility', await newCase(world));
    const page = await pageOf('officerC');
    await page.goto(`${url}/tasks/${task}`);
    const saved = page.waitForResponse((response) => response.url().endsWith('/draft'));
    await page.locator('[name=reasons]').pressSequentially('Half a thought');
    expect((await saved).status()).toBe(200);
    await page.waitForFunction(() =>
      document.getElementById('draft-state')?.textContent?.includes('Draft saved'),
    );
    await page.reload();
    expect(await page.locator('[name=reasons]').inputValue()).toBe('Half a thought');
    await page.getByRole('button', { name: 'Save and leave' }).click();
    await page.waitForURL('**/queue');
    await page.context().close();
  });

  test('going back from the sign page comes to the form with what was typed, and sends nothing', async () => {
    const task = await claimFor('officerD', 'decide-eligibility', await newCase(world));
    const page = await pageOf('officerD');
    await page.goto(`${url}/tasks/${task}`);
    for (const criterion of ['need', 'capacity', 'prognosis'])
      await page.locator(`[name="criteria.${criterion}"][value=met]`).check();
    await page.locator('[name=choice][value=accept]').check();
    await page.locator('[name=disciplines][value=physiotherapy]').check();
    await page.locator('[name=reasons]').fill('Kept on the way back');
    await page.getByRole('button', { name: t.task.check }).click();
    await page.locator('#check-form').waitFor();
    await toSign(page);
    await page.goBack();
    await page.waitForURL(`**/tasks/${task}`);
    expect(await page.locator('[name=reasons]').inputValue()).toBe('Kept on the way back');
    await page.context().close();
  });

  test('while nobody answers the form stays as it is, and the notice says so', async () => {
    const caseId = await toTreatment(world);
    const task = await claimFor('therapistA', 'record-session', caseId);
    const page = await pageOf('therapistA');
    await page.goto(`${url}/tasks/${task}`);
    await page.locator('[name=choice][value=held]').check();
    await page.locator('[name=note]').fill('Stairs');
    await toSign(page);
    world.setTrouble('unavailable');
    await page.getByRole('button', { name: 'Sign: record the session' }).click();
    const sign = page.getByRole('button', { name: t.signing.signNow });
    await sign.click();
    await page.waitForFunction(() =>
      document.getElementById('notice')?.textContent?.includes('Nothing is lost'),
    );
    world.setTrouble(undefined);
    expect(await page.locator('#statement').textContent()).toContain('Note: Stairs');
    // The browser notes the 503 itself; that is what was meant to happen.
    troubles.splice(0, troubles.length, ...troubles.filter((line) => !/status of 503/.test(line)));
    await sign.click();
    await page.waitForURL('**/day?done=*');
    await page.context().close();
  });
});

describe('axe', () => {
  test('finds nothing on any page of staff, in both themes and languages, wide and narrow', async () => {
    const caseId = await toTreatment(world);
    const other = await newCase(world);
    await work(world, 'officerA', other, 'decide-eligibility', {
      ...MET,
      choice: 'accept',
      disciplines: 'psychology',
    });
    const session = await claimFor('therapistA', 'record-session', caseId);
    const assess = await claimFor('therapistA', 'assess', other);
    const decide = await claimFor('officerD', 'decide-eligibility', await newCase(world));
    const free = await openTask(world, await newCase(world), 'decide-eligibility');
    const late = await toTreatment(world);
    for (const minutes of ['45', '45'])
      await work(world, 'therapistA', late, 'record-session', { choice: 'held', minutes });
    const again = await claimFor('therapistB', 're-evaluate', late);
    const signing = await claimFor('officerB', 'decide-eligibility', await newCase(world));
    const accepted = { ...MET, choice: 'accept', disciplines: 'psychology' };
    await prepareByForm(await world.signIn('officerB'), signing, accepted);
    const pages: [string, string][] = [
      ['officerD', '/queue'],
      ['officerD', '/queue?view=team&kind=assess&clock=soon'],
      ['officerD', `/tasks/${decide}`],
      ['officerA', `/tasks/${free}`],
      ['therapistA', '/day'],
      ['therapistA', `/tasks/${session}`],
      ['therapistA', `/tasks/${assess}`],
      ['therapistB', `/tasks/${again}`],
      ['doctor', '/day'],
      ['officerB', `/tasks/${signing}/sign`],
      ['officerB', '/signatures'],
      ['officerA', '/keys'],
      ['security', '/certificates'],
    ];
    const found: string[] = [];
    for (const [n, [name, path]] of pages.entries())
      for (const dark of [false, true]) {
        // Widths and languages in rotation, so that each page meets both of each.
        const narrow = (n + Number(dark)) % 2 === 1;
        const page = await pageOf(name, { dark, width: narrow ? 360 : 1280, lang: dark ? 'zh-Hans' : 'en' });
        await page.goto(`${url}${path}`);
        const violations = await axeViolations(page);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        found.push(...violations.map((line) => `${path} ${dark ? 'dark zh' : 'light en'}: ${line}`));
        if (wide) found.push(`${path} ${narrow ? 360 : 1280}: scrolls sideways`);
        await page.context().close();
      }
    expect(found).toEqual([]);
    expect(troubles).toEqual([]);
  }, 180_000);
});
