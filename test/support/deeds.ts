// Test support: what people do on the pages, as they do it in a browser: open, fill in, press. Used by the stories of test/e2e and
// by the tour that takes the README's pictures. Works with and without script; every deed ends on the page that answers it.
import type { Locator, Page } from 'playwright-core';
import { INSTRUMENTS } from '../../domain/instruments/registry.ts';
import type { TaskKind } from '../../domain/lifecycle.ts';
import type { Discipline } from '../../domain/roles.ts';
import { text } from '../../web/text/text.ts';

/** Words of the pages in English, as most of these people read them. The deeds themselves work in every language. */
export const t = text('en', 'Europe/Berlin');
const LANGUAGES = [t, text('zh-Hans', 'Europe/Berlin')];

/** What a person sees of an element; text that is hidden is not in it. */
export const shownIn = (place: Locator): Promise<string> => place.innerText();

export interface CaseRef {
  readonly id: string;
  readonly number: string;
}

const NUMBER = /RC-[0-9A-Z]{4}-[0-9A-Z]{2}/;

/** Fills in fields by their names. */
export async function fill(page: Page, fields: Readonly<Record<string, string | number>>): Promise<void> {
  for (const [name, value] of Object.entries(fields))
    await page.locator(`[name="${name}"]:not([type=hidden])`).fill(String(value));
}

/** Chooses among radios or checkboxes of a name. */
export const choose = async (page: Page, name: string, value: string): Promise<void> =>
  await page.locator(`input[name="${name}"][value="${value}"]`).check();

/** Presses the page's one primary button. */
export const pressPrimary = async (page: Page): Promise<void> =>
  await page.locator('main button.primary').click();

export interface Application {
  readonly patientName?: string;
  readonly birthDate?: readonly [day: string, month: string, year: string];
  readonly reason: string;
  readonly goals?: string;
}

/** Applies by the form at the address; ends on the applicant's list, which says the number. */
export async function apply(page: Page, application: Application): Promise<CaseRef> {
  await page.goto('/apply');
  await fillApplication(page, application);
  return await sendApplication(page);
}

export async function fillApplication(
  page: Page,
  { patientName, birthDate, reason, goals }: Application,
): Promise<void> {
  if (patientName) await fill(page, { patientName });
  if (birthDate)
    await fill(page, {
      'birthDate.day': birthDate[0],
      'birthDate.month': birthDate[1],
      'birthDate.year': birthDate[2],
    });
  await fill(page, { reason, ...(goals ? { goals } : {}) });
}

export async function sendApplication(page: Page): Promise<CaseRef> {
  await pressPrimary(page);
  await page.waitForURL(/\/my\?done=submit-application/);
  const id = new URL(page.url()).searchParams.get('case') ?? '';
  const number = NUMBER.exec(await shownIn(page.locator('.notice').first()))?.[0] ?? '';
  if (!id || !number) throw new Error('the page after applying does not name the case');
  return { id, number };
}

/** A task as the queue calls it, in whichever language. */
const taskWords = (kind: TaskKind, discipline?: Discipline): RegExp =>
  new RegExp(
    LANGUAGES.map((words) =>
      discipline ? words.taskWithDiscipline(words.tasks[kind], discipline) : words.tasks[kind],
    ).join('|'),
  );

/** Opens a task from the queue. */
export async function openTask(
  page: Page,
  { number }: CaseRef,
  kind: TaskKind,
  discipline?: Discipline,
): Promise<void> {
  await page.goto(`/queue?view=team&kind=${kind}&size=100`);
  await page
    .locator('#queue-table tbody tr', { hasText: number })
    .filter({ hasText: taskWords(kind, discipline) })
    .getByRole('link')
    .click();
  await page.waitForURL(/\/tasks\//);
}

/** Opens a task from the queue and claims it; ends with its form. */
export async function claimTask(
  page: Page,
  about: CaseRef,
  kind: TaskKind,
  discipline?: Discipline,
): Promise<void> {
  await openTask(page, about, kind, discipline);
  await page.locator('#decision form[action$="/claim"] button').click();
  await page.locator('#task-form').waitFor();
}

/** Makes a signing key in this browser and has it certified; stays where the page leads then. */
export async function makeKey(page: Page): Promise<void> {
  await page.goto('/keys');
  const confirm = page.locator('form[action="/sign-in/confirm"] button');
  if (await confirm.count()) await confirm.click();
  await page.locator('#make-key button:enabled').click();
  await page.waitForURL(/[?&]done=issued/);
}

const signButton = (page: Page): Locator => page.locator('#sign-form button.primary:enabled');

/** Shows who it is where the page asks for it, and makes this browser a key where it has none. Ends before the signature. */
async function readyToSign(page: Page): Promise<void> {
  const confirm = page.locator('form[action="/sign-in/confirm"] button');
  if (await confirm.count()) await confirm.click();
  const without = page.locator('#make-key-here:visible');
  await signButton(page).or(without).first().waitFor();
  if (await without.isVisible()) await page.locator('#make-key button:enabled').click();
  await signButton(page).waitFor();
}

/** Signs and sends, on a page that is ready to be signed: without waiting for the time in which it could be undone. */
export async function pressSign(page: Page): Promise<void> {
  await signButton(page).click();
  await page.locator('#undo-now').click();
}

/** From a form to the page where it is read and signed. */
export async function toSign(page: Page): Promise<void> {
  await pressPrimary(page);
  await page.waitForURL(/\/sign$/);
  await readyToSign(page);
}

/**
 * Signs what stands in the form and sends it; ends on the list that says it is recorded. Without script the text is prepared and
 * the page says why it cannot be signed there; then it is signed as that sentence says, in a browser with script.
 */
export async function send(page: Page): Promise<string> {
  await pressPrimary(page);
  await page.waitForURL(/\/sign$/);
  if (await page.locator('noscript p').count()) {
    if (!(await shownIn(page.locator('main'))).includes(t.signing.noScript))
      throw new Error('page does not say why nothing can be signed on it');
    await page.goto(await signedElsewhere(page));
  } else {
    await readyToSign(page);
    await pressSign(page);
    await page.waitForURL(/[?&]done=/);
  }
  return await shownIn(page.locator('.notice').first());
}

/** Signs the page's text in another browser of the same person, found among what waits for them; gives where that leads. */
async function signedElsewhere(page: Page): Promise<string> {
  const { pathname, origin } = new URL(page.url());
  const context = await page
    .context()
    .browser()
    ?.newContext({
      baseURL: origin,
      storageState: await page.context().storageState(),
    });
  if (!context) throw new Error('there is no browser to sign in');
  try {
    const other = await context.newPage();
    await other.goto('/signatures');
    await other.locator(`a[href="${pathname}"]`).click();
    await other.waitForURL(/\/sign$/);
    await readyToSign(other);
    await pressSign(other);
    await other.waitForURL(/[?&]done=/);
    return other.url();
  } finally {
    await context.close();
  }
}

/** From the form to the page that checks it; nothing is sent yet. */
export async function check(page: Page): Promise<void> {
  await pressPrimary(page);
  await page.locator('#check-form').waitFor();
}

/** From the form over the check page to the answer. */
export async function checkAndSend(page: Page): Promise<string> {
  await check(page);
  return await send(page);
}

export async function judgeAll(page: Page, but: Readonly<Record<string, 'not-met'>> = {}): Promise<void> {
  for (const criterion of ['need', 'capacity', 'prognosis'])
    await choose(page, `criteria.${criterion}`, but[criterion] ?? 'met');
}

export async function accept(
  page: Page,
  about: CaseRef,
  disciplines: readonly Discipline[],
  reasons: string,
): Promise<string> {
  await claimTask(page, about, 'decide-eligibility');
  await judgeAll(page);
  await choose(page, 'choice', 'accept');
  await fill(page, { reasons });
  for (const discipline of disciplines) await choose(page, 'disciplines', discipline);
  return await checkAndSend(page);
}

export async function askPapers(
  page: Page,
  about: CaseRef,
  papers: readonly string[],
  reasons: string,
): Promise<string> {
  await claimTask(page, about, 'decide-eligibility');
  await choose(page, 'choice', 'ask-papers');
  await fill(page, { papers: papers.join('\n'), reasons });
  return await checkAndSend(page);
}

export async function refuseApplication(page: Page, about: CaseRef, reasons: string): Promise<string> {
  await claimTask(page, about, 'decide-eligibility');
  await judgeAll(page, { prognosis: 'not-met' });
  await choose(page, 'choice', 'refuse');
  await fill(page, { reasons });
  return await checkAndSend(page);
}

/** How well the invented patient does, from 0 (worst) to 1 (best). */
export async function fillInstruments(page: Page, ids: readonly string[], level: number): Promise<void> {
  for (const instrument of INSTRUMENTS.filter(({ id }) => ids.includes(id)))
    for (const item of instrument.items) {
      const name = `m.${instrument.id}.${item.id}`;
      if (!item.counts) continue;
      if (item.kind === 'number') {
        await fill(page, { [name]: Math.round(180 + 260 * level) });
        continue;
      }
      const well = instrument.better === 'higher' ? level : 1 - level;
      const chosen = item.choices[Math.round(well * (item.choices.length - 1))];
      const control = page.locator(`[name="${name}"]`).first();
      if ((await control.evaluate((element) => element.tagName)) === 'SELECT')
        await control.selectOption(String(chosen?.value));
      else await choose(page, name, String(chosen?.value));
    }
}

export async function assess(
  page: Page,
  about: CaseRef,
  discipline: Discipline,
  instruments: readonly string[],
  findings: string,
  level = 0.4,
): Promise<string> {
  await claimTask(page, about, 'assess', discipline);
  await fillInstruments(page, instruments, level);
  await fill(page, { findings });
  return await send(page);
}

export async function proposePlan(
  page: Page,
  about: CaseRef,
  sessions: Readonly<Partial<Record<Discipline, number>>>,
  goals: readonly string[],
  reasons = '',
): Promise<string> {
  await claimTask(page, about, 'propose-plan');
  await fill(page, { goals: goals.join('\n'), minutes: 45, reasons });
  for (const [discipline, count] of Object.entries(sessions))
    await fill(page, { [`sessions.${discipline}`]: count });
  return await send(page);
}

export async function decide(
  page: Page,
  about: CaseRef,
  kind: 'approve-plan' | 'decide-outcome' | 'decide-appeal',
  choice: string,
  reasons: string,
): Promise<string> {
  await claimTask(page, about, kind);
  await choose(page, 'choice', choice);
  await fill(page, { reasons });
  return await checkAndSend(page);
}

/** Three taps from My day: Record, Held, Record the session. */
export async function recordSession(page: Page, { number }: CaseRef, note = ''): Promise<string> {
  await page.goto('/day');
  await page.locator('tr', { hasText: number }).locator('form[action$="/claim"] button').click();
  await choose(page, 'choice', 'held');
  if (note) await fill(page, { note });
  return await send(page);
}

export async function reEvaluate(
  page: Page,
  about: CaseRef,
  choice: 'continue' | 'change-plan' | 'finish',
  instruments: readonly string[],
  findings: string,
  level = 0.8,
): Promise<string> {
  await claimTask(page, about, 're-evaluate');
  await fillInstruments(page, instruments, level);
  await fill(page, { findings });
  await choose(page, 'choice', choice);
  return await send(page);
}
