// End to end: an officer's harder days: working by keyboard alone, a task taken over while one writes, a worker that dies while a
// decision is on its way, a store that is broken. Nothing typed is lost, nothing is decided twice, and no page says more than is so.
import { kill } from 'node:process';
import type { Page } from 'playwright-core';
import postgres from 'postgres';
import { describe, expect, it } from 'vitest';
import {
  apply,
  type CaseRef,
  check,
  choose,
  claimTask,
  fill,
  fillInstruments,
  judgeAll,
  makeKey,
  pressPrimary,
  pressSign,
  shownIn,
  t,
  toSign,
} from '../support/deeds.ts';
import { CANARY, said } from './canary.ts';
import type { Left } from './life.ts';
import { look } from './look.ts';
import { as, expectTrouble, signedIn, type World } from './world.ts';

/** A new case that waits for an officer. */
const newCase = (world: World, reason: string): Promise<CaseRef> =>
  as(world, 'Quin Patient', {}, (page) => apply(page, { reason: said(reason), goals: said('be well') }));

/** Decisions of a case as they stand in the database, by the owner's eyes. */
async function decisionsIn(world: World, about: CaseRef): Promise<string[]> {
  const sql = postgres(world.machine.run().postgres.owner, { max: 1, onnotice: () => {} });
  try {
    const rows = await sql<{ action: string }[]>`
      select action from decisions where case_id = ${about.id} order by decided_at`;
    return rows.map(({ action }) => action);
  } finally {
    await sql.end();
  }
}

export function officersDays(world: () => World, left: Left): void {
  describe('an officer by keyboard alone', () => {
    it('takes the next task, judges, checks and decides without a mouse', async () => {
      const about = await newCase(world(), 'knees that hurt');
      left.cases.set('by keyboard', about);
      await as(world(), 'Ben Officer', {}, async (page) => {
        const { keyboard } = page;
        await makeKey(page);
        const press = async (...keys: string[]): Promise<void> => {
          for (const key of keys) await keyboard.press(key);
        };
        await page.goto('/queue?kind=decide-eligibility&size=100');
        // J goes down the list until the row of this case has the focus.
        const focused = () => page.evaluate(() => document.activeElement?.closest('tr')?.textContent ?? '');
        for (let row = 0; row < 100 && !(await focused()).includes(about.number); row++) await press('j');
        expect(await focused()).toContain(about.number);
        await press('c');
        await page.locator('tr.mine', { hasText: about.number }).waitFor();
        // The focus comes back to the row that was claimed.
        await expect.poll(focused).toContain(about.number);
        await press('Enter');
        await page.locator('#task-form').waitFor();
        await press('d');
        expect(await page.evaluate(() => location.hash)).toBe('#decision-title');
        /** Goes on with the tab key to a control of this name, past the links to the evidence. */
        const tabTo = async (name: string): Promise<void> => {
          const at = () => page.evaluate(() => document.activeElement?.getAttribute('name'));
          for (let stop = 0; stop < 12 && (await at()) !== name; stop++) await press('Tab');
          expect(await at()).toBe(name);
        };
        for (const criterion of ['need', 'capacity', 'prognosis']) {
          await tabTo(`criteria.${criterion}`);
          await press('Space');
        }
        await press('r');
        expect(await page.locator('input[name=choice]:checked').getAttribute('value')).toBe('refuse');
        await press('a');
        expect(await page.locator('input[name=choice]:checked').getAttribute('value')).toBe('accept');
        await tabTo('reasons');
        // A letter in a field is a letter and no command.
        await keyboard.type(said('paper and aim agree, next step'));
        await tabTo('disciplines');
        await press('Space', 'Control+Enter');
        await page.locator('#check-form').waitFor();
        await press('Control+Enter');
        await page.waitForURL(/\/sign$/);
        await page.locator('#sign-form button.primary:enabled').waitFor();
        await press('Control+Enter');
        // What comes now has focus: Z undoes it, and again; after that comes “Sign now”.
        await page.locator('#undo-undo:focus').waitFor();
        await press('z');
        await page.locator('#sign-state', { hasText: t.signing.undone }).waitFor();
        await press('Control+Enter');
        await page.locator('#undo-undo:focus').waitFor();
        await press('Tab', 'Enter');
        await page.waitForURL(/[?&]done=/);
        expect(await shownIn(page.locator('.notice').first())).toContain(about.number);
      });
      expect(await decisionsIn(world(), about)).toContain('decide-eligibility');
    });

    it('opens the sheet of keys, goes to the cases, and can switch keys off', async () => {
      await as(world(), 'Ben Officer', {}, async (page) => {
        await page.keyboard.press('?');
        await page.locator('dialog#keys-sheet[open]').waitFor();
        await page.keyboard.press('Escape');
        await page.keyboard.press('g');
        await page.keyboard.press('c');
        await page.waitForURL(/\/cases$/);
        await page.goto('/settings');
        await choose(page, 'keys', 'off');
        await page.getByRole('button', { name: t.settings.save }).click();
        await page.getByText(t.settings.saved).waitFor();
        await page.keyboard.press('?');
        expect(await page.locator('dialog#keys-sheet[open]').count()).toBe(0);
      });
    });

    it('takes the next task with one button, and hands it back with one', async () => {
      left.cases.set('handed back', await newCase(world(), 'an ankle that gives way'));
      for (const script of [true, false])
        await as(world(), 'Dan Officer', { script }, async (page) => {
          await page.getByRole('button', { name: t.queue.takeNext }).click();
          await page.waitForURL(/\/tasks\//);
          await page.locator('#task-form').waitFor();
          await page.getByRole('button', { name: t.task.handBack }).click();
          await page.waitForURL(/\/queue\?back=/);
          await page.getByRole('button', { name: t.work.undoHandBack }).waitFor();
        });
    });
  });

  describe('a task that was taken over', () => {
    for (const script of [true, false])
      it(`gives back every word to whoever wrote too late (${script ? 'with' : 'without'} script)`, async () => {
        const about = await newCase(world(), 'a shoulder that is stiff');
        left.cases.set(`taken over ${script}`, about);
        const first = await signedIn(world(), 'Ada Officer', { script });
        await claimTask(first, about, 'decide-eligibility');
        const second = await first.context().newPage();
        await second.goto(first.url());
        await second.getByRole('button', { name: t.task.handBack }).click();
        await second.waitForURL(/\/queue\?back=/);
        await as(world(), 'Cora Officer', { script }, async (other) => {
          await claimTask(other, about, 'decide-eligibility');
        });
        const words = said('I had written a long reason');
        await judgeAll(first);
        await choose(first, 'choice', 'accept');
        await choose(first, 'disciplines', 'physiotherapy');
        await fill(first, { reasons: words });
        await check(first);
        await pressPrimary(first);
        // Who has it now is said by name, and the text is there to copy.
        await first.getByText('Cora Officer').first().waitFor();
        expect(await shownIn(first.locator('main'))).toContain(words);
        await first.context().close();
        expect(await decisionsIn(world(), about)).not.toContain('decide-eligibility');
      });

    it('says so in place, without moving the form, where the form is sent in place', async () => {
      const about = left.cases.get('guarded');
      if (!about) throw new Error('the story of the board comes first');
      const first = await signedIn(world(), 'Eve Therapist');
      await claimTask(first, about, 'assess', 'physiotherapy');
      const second = await first.context().newPage();
      await second.goto(first.url());
      await second.getByRole('button', { name: t.task.handBack }).click();
      await second.waitForURL(/\/queue\?back=/);
      await as(world(), 'Hugo Therapist', {}, (other) => claimTask(other, about, 'assess', 'physiotherapy'));
      await fillInstruments(first, ['barthel-index', 'six-minute-walk'], 0.5);
      await fill(first, { findings: said('a weak grip') });
      await pressPrimary(first);
      await first.locator('#stale', { hasText: 'Hugo Therapist' }).waitFor();
      expect(await first.locator('#task-form [name=findings]').inputValue()).toBe(said('a weak grip'));
      await first.context().close();
    });
  });

  describe('a worker that dies during two decisions', () => {
    it('leaves pages that say "still working" and end in done, once each, with script and without', async () => {
      const both = await Promise.all(
        [true, false].map(async (script) => {
          const about = await newCase(world(), 'a back that aches');
          left.cases.set(`worker lost ${script}`, about);
          // Without script nobody signs; the patient, who needs no signature, withdraws.
          const page = await signedIn(world(), script ? 'Ada Officer' : 'Quin Patient', { script });
          if (!script) {
            await page.goto(`/cases/${about.id}/withdraw`);
            await fill(page, { reasons: said('it went away') });
            const press = () => page.getByRole('button', { name: t.buttons.withdraw }).click();
            return { script, about, page, action: 'withdraw' as const, press };
          }
          await claimTask(page, about, 'decide-eligibility');
          await judgeAll(page);
          await choose(page, 'choice', 'accept');
          await choose(page, 'disciplines', 'physiotherapy');
          await fill(page, { reasons: said('all is there') });
          await check(page);
          await toSign(page);
          const press = () => pressSign(page);
          return { script, about, page, action: 'decide-eligibility' as const, press };
        }),
      );
      const { worker } = world().machine.run().pids;
      if (!worker) throw new Error('run.json names no worker');
      // Stopped first, so that the decisions surely are on their way when the worker dies.
      kill(worker, 'SIGSTOP');
      await Promise.all(
        both.map(async ({ page, press }) => {
          const answered = page.waitForResponse(/\/(decide|withdraw)$/);
          await press();
          expect((await answered).status()).toBe(202);
          await page.getByText(t.working.unsure).waitFor();
        }),
      );
      kill(worker, 'SIGKILL');
      await Promise.all(
        both.map(async ({ script, about, page, action }) => {
          // With script the page asks by itself; without, its link asks.
          if (script) await page.waitForURL(/[?&]done=/, { timeout: 60_000 });
          else
            await expect
              .poll(
                async () => {
                  const again = page.getByRole('link', { name: t.working.again });
                  if (!(await again.count())) return true;
                  await again.click();
                  return false;
                },
                { timeout: 60_000, interval: 1000 },
              )
              .toBe(true);
          expect(await shownIn(page.locator('main'))).toContain(t.done[action](about.number));
          await page.context().close();
        }),
      );
      for (const { about, action } of both)
        expect((await decisionsIn(world(), about)).filter((a) => a === action)).toHaveLength(1);
    }, 120_000);
  });

  describe('a store that is broken', () => {
    /** Makes something wrong in the database while `story` runs, so that what people type meets an error that quotes it. */
    async function broken<R>(how: string, undo: string, story: () => Promise<R>): Promise<R> {
      const sql = postgres(world().machine.run().postgres.owner, { max: 1, onnotice: () => {} });
      try {
        await sql.unsafe(how);
        return await story();
      } finally {
        await sql.unsafe(undo);
        await sql.end();
      }
    }

    it('a search that meets an error shows a number and nothing else', async () => {
      await as(world(), 'Ada Officer', {}, async (page) => {
        await page.goto('/cases');
        await broken('revoke select on cases from rehab_web', 'grant select on cases to rehab_web', () =>
          find(page, CANARY),
        );
        const shown = await page.content();
        expect(await shownIn(page.locator('h1'))).toBe(t.errors.bugTitle);
        expect(shown).toMatch(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/);
        expect(shown).not.toMatch(/permission denied|relation|postgres|select "|params|\bat \S+:\d+/i);
        expect(shown).not.toContain(CANARY);
      });
      expectTrouble(world(), /^\/cases\S*: 500 from \/cases/);
    });

    it('a decision that meets an error is not known yet, and is done once when the error is gone', async () => {
      const about = await newCase(world(), 'a foot that drags');
      left.cases.set('store broken', about);
      await as(world(), 'Ada Officer', {}, async (page) => {
        await claimTask(page, about, 'decide-eligibility');
        await judgeAll(page);
        await choose(page, 'choice', 'accept');
        await choose(page, 'disciplines', 'physiotherapy');
        await fill(page, { reasons: said('while the store is broken') });
        await check(page);
        await toSign(page);
        // Postgres says of a row that breaks a constraint what stands in it.
        await broken(
          'alter table decisions add constraint sentinel check (id is null) not valid',
          'alter table decisions drop constraint sentinel',
          async () => {
            await pressSign(page);
            await page.getByText(t.working.unsure).waitFor();
            await look(world(), page, 'a decision that is not known yet');
            expect(await page.content()).not.toMatch(/sentinel|constraint|decisions/);
          },
        );
        await page.waitForURL(/[?&]done=/, { timeout: 60_000 });
      });
      expect((await decisionsIn(world(), about)).filter((a) => a === 'decide-eligibility')).toHaveLength(1);
    });
  });
}

async function find(page: Page, what: string): Promise<void> {
  await fill(page, { what });
  await page.getByRole('button', { name: t.finder.find }).click();
  await page.waitForLoadState();
}
