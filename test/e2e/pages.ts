// End to end: every page as each role sees it, empty and full and refused, wide and narrow, in both languages, by day and by night, in
// rotation. The forms of all tasks are walked through with their errors first. No page is left out, none is excused from anything.
import type { Page } from 'playwright-core';
import { describe, it } from 'vitest';
import {
  accept,
  apply,
  type CaseRef,
  check,
  choose,
  claimTask,
  fill,
  fillInstruments,
  judgeAll,
  openTask,
  pressPrimary,
  send,
} from '../support/deeds.ts';
import { variantsOf } from '../support/shots.ts';
import { said } from './canary.ts';
import type { Left } from './life.ts';
import { look } from './look.ts';
import { as, type Manner, stranger, type World } from './world.ts';

/** How long one person's pages may take, all eight variants of a soak included. */
const SWEEP_MS = 300_000;
/** Pages that are the same for everybody. */
const COMMON = ['/settings', '/help', '/there-is-no-such-page'];
const LISTS: Readonly<Record<string, readonly string[]>> = {
  'Pat Patient': ['/my', '/apply', '/queue', ...COMMON],
  'Rosa Guardian': ['/my', '/apply'],
  'Olga Referrer': ['/my', '/apply', '/apply/import'],
  'Ben Officer': ['/queue', '/queue?view=mine', '/queue?view=late', '/cases'],
  'Hugo Therapist': ['/day', '/queue', '/cases'],
  'Dr Jon Doctor': ['/queue', '/cases', '/day'],
  'Kim Administrator': ['/board', '/queue', '/cases', '/people', '/consortium'],
  'Lou Security': ['/people'],
  'Mia Auditor': ['/audit', '/cases', '/board', '/consortium'],
  'Noa Privacy': ['/cases'],
};
const name = ({ width, lang, dark }: Manner, path: string): string =>
  `${path} (${width}, ${lang}, ${dark ? 'dark' : 'light'})`;

async function lookAt(world: World, who: string, manner: Manner, paths: readonly string[]): Promise<void> {
  await as(world, who, manner, async (page) => {
    for (const path of paths) {
      await page.goto(path);
      await look(world, page, name(manner, `${who} at ${path}`));
    }
  });
}

/** While nobody has applied for anything. */
export function emptyPages(world: () => World): void {
  describe('pages while there is nothing', () => {
    it('signing in', async () => {
      for (const manner of variantsOf(0)) {
        const page = await stranger(world(), manner);
        await look(world(), page, name(manner, '/sign-in'));
        await page.context().close();
      }
    });
    for (const [nth, [who, paths]] of Object.entries(LISTS).entries())
      it(
        who,
        async () => {
          for (const manner of variantsOf(nth)) await lookAt(world(), who, manner, paths);
        },
        SWEEP_MS,
      );
  });
}

/** After the lives were lived. */
export function fullPages(world: () => World, left: Left): void {
  const known = (what: string): CaseRef => {
    const found = left.cases.get(what);
    if (!found) throw new Error(`the story that leaves this case comes first: ${what}`);
    return found;
  };
  const SECTIONS = ['', '/measures', '/people', '/clocks', '/entries'];

  describe('pages when there is much', () => {
    for (const [nth, [who, paths]] of Object.entries(LISTS).entries())
      it(
        who,
        async () => {
          const lived = `/cases/${known('lived true').id}`;
          const extra: Readonly<Record<string, readonly string[]>> = {
            'Pat Patient': [...SECTIONS.map((section) => `${lived}${section}`), `${lived}/access`],
            'Olga Referrer': [lived, `/cases/${known('refused true').id}`],
            'Ben Officer': SECTIONS.map((section) => `${lived}${section}`),
            'Hugo Therapist': [lived, `${lived}/measures`],
            'Kim Administrator': [lived, `${lived}/people`, `${lived}/measures`],
            'Mia Auditor': [`${lived}/entries`, '/audit?event=task.claimed'],
            'Noa Privacy': [`${lived}/entries`, `${lived}/access`],
          };
          for (const manner of variantsOf(nth + 1))
            await lookAt(world(), who, manner, [
              ...paths.filter((path) => !COMMON.includes(path)),
              ...(extra[who] ?? []),
            ]);
        },
        SWEEP_MS,
      );
  });
}

/** Every form of a case's life: before it is claimed, claimed, sent empty, and on the page that checks it. */
export function everyForm(world: () => World): void {
  for (const manner of variantsOf(0))
    it(name(manner, 'every form, empty and full'), async () => {
      const by = <R>(who: string, story: (page: Page) => Promise<R>) => as(world(), who, manner, story);
      const see = (page: Page, what: string) => look(world(), page, name(manner, what));
      /** The form sent as it is, with its errors. */
      const wrong = async (page: Page, what: string): Promise<void> => {
        await pressPrimary(page);
        await page.locator('#error-summary').waitFor();
        await see(page, `${what}, with errors`);
      };

      const about = await by('Quin Patient', async (page) => {
        await page.goto('/apply');
        await wrong(page, 'applying');
        const ref = await apply(page, { reason: said('a knee that was operated'), goals: said('kneel') });
        await see(page, 'own cases after applying');
        await page.goto(`/cases/${ref.id}/withdraw`);
        await see(page, 'withdrawing');
        return ref;
      });
      await by('Olga Referrer', async (page) => {
        await page.goto('/apply/import');
        await wrong(page, 'reading in nothing');
        await fill(page, { text: '{"resourceType":"Patient"}' });
        await pressPrimary(page);
        await page.locator('.tag').first().waitFor();
        await see(page, 'reading in what is no record');
      });
      await by('Ada Officer', async (page) => {
        await openTask(page, about, 'decide-eligibility');
        await see(page, 'a task that is free');
        await claimTask(page, about, 'decide-eligibility');
        await wrong(page, 'deciding an application');
        await choose(page, 'choice', 'ask-papers');
        await fill(page, { papers: said('the report'), reasons: said('it is missing') });
        await check(page);
        await see(page, 'checking a question for papers');
        await send(page);
        await see(page, 'the queue after a decision');
      });
      await by('Quin Patient', async (page) => {
        await page.goto(`/cases/${about.id}`);
        await see(page, 'own case that waits for papers');
        await page.goto(`/cases/${about.id}/papers`);
        await wrong(page, 'answering papers');
        await fill(page, { answer: said('here it is') });
        await pressPrimary(page);
        await page.waitForURL(/\/my\?done=provide-papers/);
      });
      await by('Ada Officer', (page) => accept(page, about, ['psychology'], said('accepted')));
      await by('Gina Therapist', async (page) => {
        await claimTask(page, about, 'assess', 'psychology');
        await wrong(page, 'assessing');
        await fillInstruments(page, ['phq-9'], 0.5);
        await fill(page, { findings: said('low in the evenings') });
        await send(page);
        await page.goto('/day');
        await see(page, 'a day with a safety alert');
        await page.locator(`a[href^="/cases/${about.id}/alerts/"]`).click();
        await page.waitForURL(/\/alerts\//);
        await wrong(page, 'acknowledging an alert');
        await choose(page, 'reason', 'spoke-with-patient');
        await fill(page, { note: said('calm, and not alone') });
        await pressPrimary(page);
        await page.waitForURL(/\/measures/);
        await see(page, 'measures with an alert that was taken up');
        await page.goto('/day');
        await page.locator(`a[href^="/cases/${about.id}/alerts/"]`).waitFor({ state: 'detached' });
      });
      await by('Dr Jon Doctor', async (page) => {
        await claimTask(page, about, 'propose-plan');
        await wrong(page, 'proposing a plan');
        await fill(page, { goals: said('sleep through'), minutes: 45, 'sessions.psychology': 1 });
        await send(page);
      });
      await by('Ben Officer', async (page) => {
        await claimTask(page, about, 'approve-plan');
        await wrong(page, 'deciding a plan');
        await choose(page, 'choice', 'approve');
        await fill(page, { reasons: said('it fits') });
        await check(page);
        await see(page, 'checking a plan');
        await send(page);
      });
      await by('Hugo Therapist', async (page) => {
        await page.goto('/day');
        await see(page, 'a day with a session');
        await claimTask(page, about, 'record-session', 'psychology');
        await wrong(page, 'recording a session');
        await choose(page, 'choice', 'held');
        await send(page);
      });
      await by('Hugo Therapist', async (page) => {
        await claimTask(page, about, 're-evaluate');
        await wrong(page, 're-evaluating');
        await fillInstruments(page, ['phq-9'], 0.8);
        await fill(page, { findings: said('much lighter') });
        await choose(page, 'choice', 'finish');
        await send(page);
      });
      await by('Ben Officer', async (page) => {
        await openTask(page, about, 'decide-outcome');
        await see(page, 'a task that is barred');
      });
      await by('Cora Officer', async (page) => {
        await claimTask(page, about, 'decide-outcome');
        await wrong(page, 'deciding the outcome');
        await choose(page, 'choice', 'approve');
        await fill(page, { reasons: said('reached') });
        await check(page);
        await see(page, 'checking an outcome');
        await send(page);
      });
      const refused = await by('Quin Patient', (page) => apply(page, { reason: said('a bad mood') }));
      await by('Ada Officer', async (page) => {
        await claimTask(page, refused, 'decide-eligibility');
        await judgeAll(page, { need: 'not-met' });
        await choose(page, 'choice', 'refuse');
        await fill(page, { reasons: said('ordinary treatment is enough') });
        await check(page);
        await see(page, 'checking a refusal');
        await send(page);
      });
      await by('Quin Patient', async (page) => {
        await page.goto(`/cases/${refused.id}`);
        await see(page, 'own case that was refused');
        await page.goto(`/cases/${refused.id}/appeal`);
        await wrong(page, 'appealing');
        await fill(page, { reasons: said('it is not') });
        await pressPrimary(page);
        await page.waitForURL(/\/my\?done=appeal/);
      });
      await by('Dan Officer', async (page) => {
        await claimTask(page, refused, 'decide-appeal');
        await wrong(page, 'deciding an appeal');
        await choose(page, 'choice', 'uphold');
        await fill(page, { reasons: said('it is') });
        await check(page);
        await see(page, 'checking an appeal');
        await send(page);
        await page.goto(`/cases/${refused.id}/reopen`);
        await wrong(page, 'reopening');
        await fill(page, { reasons: said('a new report came in') });
        await send(page);
        await see(page, 'a case that was reopened');
      });
    }, 300_000);
}
