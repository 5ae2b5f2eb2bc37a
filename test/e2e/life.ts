// End to end: a whole case by its people, each at their own screen, with script and without: applied for, asked about, assessed,
// planned, treated, re-evaluated, planned again, approved in the end by a fourth officer, while the three others are told why not.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import {
  accept,
  apply,
  type CaseRef,
  checkAndSend,
  choose,
  claimTask,
  decide,
  fill,
  fillInstruments,
  judgeAll,
  openTask,
  pressPrimary,
  proposePlan,
  recordSession,
  reEvaluate,
  send,
  sendApplication,
  shownIn,
  t,
} from '../support/deeds.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';
import { said } from './canary.ts';
import { as, type World } from './world.ts';

/** Cases that the stories leave behind, for the stories that come after them. */
export interface Left {
  readonly cases: Map<string, CaseRef>;
}

export function lives(world: () => World, left: Left): void {
  for (const script of [true, false])
    describe(`a whole case, ${script ? 'with script' : 'without script'}`, () => {
      const manner = { script };
      const by = <R>(name: string, story: (page: Page) => Promise<R>) => as(world(), name, manner, story);
      let about: CaseRef;

      it('the patient applies; what is missing is said at its field and nothing typed is lost', async () => {
        await by('Pat Patient', async (page) => {
          await page.goto('/apply');
          // A patient is known: neither name nor day of birth is asked.
          expect(await page.locator('[name=patientName]').count()).toBe(0);
          await fill(page, { goals: said('walk to the shop') });
          await page.getByRole('button', { name: t.buttons['submit-application'] }).click();
          await page.locator('#error-summary').waitFor();
          expect(await page.locator('#error-summary li').allInnerTexts()).toEqual([
            t.errors.about(t.fields.reason, t.faults.required?.({}) ?? ''),
          ]);
          await page.locator('#error-summary a').click();
          expect(await page.evaluate(() => document.activeElement?.getAttribute('name'))).toBe('reason');
          expect(await page.locator('[name=goals]').inputValue()).toBe(said('walk to the shop'));
          await fill(page, { reason: said('a hip that was broken') });
          about = await sendApplication(page);
          left.cases.set(`lived ${script}`, about);
        });
      });

      it('the officer takes the next task and asks for papers, after a page that shows the letter', async () => {
        await by('Ada Officer', async (page) => {
          await claimTask(page, about, 'decide-eligibility');
          await choose(page, 'choice', 'ask-papers');
          await page.getByRole('button', { name: t.task.check }).click();
          await page.locator('#error-summary').waitFor();
          expect(await shownIn(page.locator('#error-summary'))).toContain(t.faults.namePapers?.({}));
          expect(await page.title()).toMatch(/^Error: /);
          await fill(page, {
            papers: `${said('report of the operation')}\n${said('list of medicines')}`,
            reasons: said('we do not know what was operated'),
          });
          await page.getByRole('button', { name: t.task.check }).click();
          await page.locator('#check-form').waitFor();
          const letter = await shownIn(page.locator('main'));
          expect(letter).toContain(said('list of medicines'));
          expect(letter).toContain(t.work.letter.ask);
          expect(await send(page)).toContain(t.done['decide-eligibility'](about.number));
        });
      });

      it('the patient sees whose turn it is and by when, and answers', async () => {
        await by('Pat Patient', async (page) => {
          await page.goto(`/cases/${about.id}`);
          const shown = await shownIn(page.locator('main'));
          expect(shown).toContain(t.my.yourTurn);
          expect(shown).toContain(said('report of the operation'));
          expect(await page.locator('.answers time').count()).toBeGreaterThan(0);
          await page.getByRole('link', { name: t.my.answer }).click();
          await page.locator('[name=answer]').fill(said('the left hip, in spring'));
          await pressPrimary(page);
          await page.waitForURL(/\/my\?done=provide-papers/);
          expect(await shownIn(page.locator('.notice').first())).toContain(
            t.done['provide-papers'](about.number),
          );
          await page.goto(`/cases/${about.id}`);
          expect(await shownIn(page.locator('main'))).toContain(
            t.my.turnOf(t.organisations.administration, t.tasks['decide-eligibility']),
          );
        });
      });

      it('the officer accepts', async () => {
        await by('Ada Officer', async (page) => {
          expect(await accept(page, about, ['physiotherapy'], said('need and aim are plain'))).toContain(
            about.number,
          );
        });
      });

      it('the therapist assesses; a wrong score is said at its field, the rest is kept', async () => {
        await by('Eve Therapist', async (page) => {
          await claimTask(page, about, 'assess', 'physiotherapy');
          await fillInstruments(page, ['barthel-index', 'six-minute-walk'], 0.4);
          await fill(page, { 'm.six-minute-walk.distance-1': 9999, findings: said('walks with a frame') });
          await pressPrimary(page);
          await page.locator('#error-summary').waitFor();
          expect(await page.locator('#error-summary li').count()).toBe(1);
          const field = page.locator('[name="m.six-minute-walk.distance-1"]');
          expect(await field.getAttribute('aria-invalid')).toBe('true');
          const described = (await field.getAttribute('aria-describedby')) ?? '';
          expect(await shownIn(page.locator(`[id="${described.split(' ').at(-1)}"]`))).toContain(
            t.faults.outOfRange?.({ min: 0, max: 1000 }),
          );
          expect(await field.inputValue()).toBe('9999');
          expect(await page.locator('[name=findings]').inputValue()).toBe(said('walks with a frame'));
          expect(
            await page.locator('input[name="m.barthel-index.feeding"]:checked').getAttribute('value'),
          ).not.toBeNull();
          await field.fill('284');
          expect(await send(page)).toContain(t.done.assess(about.number));
        });
      });

      it('the doctor proposes a plan and the officer approves it', async () => {
        await by('Dr Iris Doctor', async (page) => {
          await proposePlan(
            page,
            about,
            { physiotherapy: 1 },
            [said('climb ten stairs')],
            said('small steps'),
          );
        });
        await by('Ben Officer', async (page) => {
          await decide(page, about, 'approve-plan', 'approve', said('the aim fits the time'));
        });
      });

      it('the therapist records a session in three taps from My day', async () => {
        await by('Eve Therapist', async (page) => {
          // Record, Held, Record the session: deeds.ts presses exactly these three, and a note is free.
          expect(await recordSession(page, about, said('tired after ten minutes'))).toContain(
            t.done['record-session'](about.number),
          );
        });
      });

      it('the re-evaluation changes the plan; a third officer approves the new one', async () => {
        await by('Finn Therapist', async (page) => {
          await reEvaluate(
            page,
            about,
            'change-plan',
            ['barthel-index', 'six-minute-walk'],
            said('stairs are still too much'),
            0.6,
          );
        });
        await by('Dr Iris Doctor', async (page) => {
          await proposePlan(page, about, { physiotherapy: 1 }, [said('twelve stairs')]);
        });
        await by('Cora Officer', async (page) => {
          await decide(page, about, 'approve-plan', 'approve', said('one more week is due'));
        });
        await by('Eve Therapist', async (page) => {
          await recordSession(page, about);
        });
        await by('Finn Therapist', async (page) => {
          await reEvaluate(
            page,
            about,
            'finish',
            ['barthel-index', 'six-minute-walk'],
            said('walks alone'),
            0.9,
          );
        });
      });

      it('three officers are shown why the end is not theirs to decide, on the list and on the page', async () => {
        const reasons = {
          'Ada Officer': 'decide-eligibility',
          'Ben Officer': 'approve-plan',
          'Cora Officer': 'approve-plan',
        } as const;
        for (const [name, duty] of Object.entries(reasons))
          await by(name, async (page) => {
            const why = t.refusals['conflict-of-duties']({ duty });
            const row = page.locator('#barred-table tbody tr', { hasText: about.number });
            // It is not offered among the tasks that are open, and not hidden either.
            expect(await page.locator('#queue-table tbody tr', { hasText: about.number }).count()).toBe(0);
            await page.locator('#not-for-you summary').click();
            expect(await shownIn(row)).toContain(why);
            await openTask(page, about, 'decide-outcome');
            expect(await shownIn(page.locator('main'))).toContain(why);
            expect(await page.getByRole('button', { name: t.task.claim }).count()).toBe(0);
          });
      });

      it('a fourth officer approves, and the patient reads it', async () => {
        await by('Dan Officer', async (page) => {
          expect(
            await decide(page, about, 'decide-outcome', 'approve', said('all aims are reached')),
          ).toContain(t.done['decide-outcome'](about.number));
        });
        await by('Pat Patient', async (page) => {
          await page.goto(`/cases/${about.id}`);
          const shown = await shownIn(page.locator('main'));
          expect(shown).toContain(t.my.outcome(t.outcomes.approved));
          expect(shown).toContain(said('all aims are reached'));
          // Who looked is there, with names.
          expect(shown).toContain('Eve Therapist');
        });
      });

      it.skipIf(!hasSharedData)('the referrer reads in a record, completes it and applies', async () => {
        // One record orders rehabilitation; in the other nothing fits, so the reason is asked for and not invented.
        const file = sharedData(
          'synthea-r4',
          script ? 'concussion_Desmond_Gutmann.json' : 'hip-fracture_Kathe_Zieme.json',
        );
        await by('Olga Referrer', async (page) => {
          await page.goto('/my');
          await page.getByRole('link', { name: t.my.import }).click();
          await page.locator('input[type=file]').setInputFiles(file);
          await pressPrimary(page);
          await page.waitForURL(/\/apply\?draft=/);
          const aside = await shownIn(page.locator('aside'));
          const reason = page.locator('[name=reason]');
          if (script) {
            expect(await reason.inputValue()).toContain('Concussion');
            expect(aside).toContain(t.drafted.proposed);
          } else {
            expect(await reason.inputValue()).toBe('');
            expect(aside).toContain(t.importing.noReason);
            await reason.fill(said('a hip that was broken and healed, and hurts'));
          }
          await fill(page, { goals: said('live at home again') });
          left.cases.set(`imported ${script}`, await sendApplication(page));
          // The same file again is known, and nothing is added.
          await page.goto('/apply/import');
          await page.locator('input[type=file]').setInputFiles(file);
          await pressPrimary(page);
          await page.getByText(t.importing.duplicateApplication).waitFor();
        });
      });

      it('a refusal is appealed against, and another officer upholds it', async () => {
        const ref = await by('Quin Patient', async (page) =>
          apply(page, { reason: said('a sore thumb'), goals: said('type faster') }),
        );
        left.cases.set(`refused ${script}`, ref);
        await by('Ada Officer', async (page) => {
          await claimTask(page, ref, 'decide-eligibility');
          await judgeAll(page, { prognosis: 'not-met' });
          await choose(page, 'choice', 'refuse');
          await fill(page, { reasons: said('a thumb heals by itself') });
          await checkAndSend(page);
        });
        await by('Quin Patient', async (page) => {
          await page.goto(`/cases/${ref.id}`);
          expect(await shownIn(page.locator('main'))).toContain(said('a thumb heals by itself'));
          await page.getByRole('link', { name: t.my.appeal }).click();
          await fill(page, { reasons: said('it does not heal') });
          await pressPrimary(page);
          await page.waitForURL(/\/my\?done=appeal/);
        });
        await by('Ada Officer', async (page) => {
          await openTask(page, ref, 'decide-appeal');
          expect(await shownIn(page.locator('main'))).toContain(
            t.refusals['conflict-of-duties']({ duty: 'decide-eligibility' }),
          );
        });
        await by('Dan Officer', async (page) => {
          await decide(page, ref, 'decide-appeal', 'uphold', said('nothing new is said'));
        });
      });

      it('the patient withdraws, and the case is over for everybody', async () => {
        const ref = await by('Quin Patient', async (page) =>
          apply(page, { reason: said('a stiff neck'), goals: said('look over the shoulder') }),
        );
        left.cases.set(`withdrawn ${script}`, ref);
        await by('Quin Patient', async (page) => {
          await page.goto(`/cases/${ref.id}`);
          await page.getByRole('link', { name: t.my.withdraw }).click();
          // What follows is said before the button.
          expect(await shownIn(page.locator('main'))).toContain(t.withdraw.effect);
          await fill(page, { reasons: said('it went away') });
          await page.getByRole('button', { name: t.buttons.withdraw }).click();
          await page.waitForURL(/\/my\?done=withdraw/);
        });
        await by('Ada Officer', async (page) => {
          await page.goto('/queue?view=team&size=100');
          expect(await page.locator('#queue tbody tr', { hasText: ref.number }).count()).toBe(0);
        });
      });
    });
}
