// End to end: those who watch: the administrator's board changes by itself when somebody decides elsewhere, and the auditor has
// everything verified from the page. With script both come by themselves; without, by loading the page again.
import { describe, expect, it } from 'vitest';
import { toHex } from '../../ledger/bytes.ts';
import { parseCheckpoint, parseNote } from '../../ledger/checkpoint.ts';
import { accept, apply, type CaseRef, shownIn, t } from '../support/deeds.ts';
import { said } from './canary.ts';
import type { Left } from './life.ts';
import { look } from './look.ts';
import { as, stranger, type World } from './world.ts';

export function watching(world: () => World, left: Left): void {
  describe('watching', () => {
    it('the board changes by itself when an officer decides in another browser', async () => {
      await as(world(), 'Kim Administrator', {}, async (board) => {
        await board.goto('/board');
        await board.locator('.live[data-live=on]').waitFor();
        // Were the page loaded anew, this would be gone.
        await board.evaluate(() => Object.assign(globalThis, { sameDocument: true }));
        const decided = board.locator('#tile-decided');
        const before = await shownIn(decided);
        const row = board.locator('#load', { hasText: 'Ada Officer' });

        const about: CaseRef = await as(world(), 'Rosa Guardian', {}, (page) =>
          apply(page, {
            patientName: said('Zoe'),
            birthDate: ['3', '4', '1958'],
            reason: said('a stroke with a weak arm'),
            goals: said('cook again'),
          }),
        );
        left.cases.set('guarded', about);
        await as(world(), 'Ada Officer', {}, (page) =>
          accept(page, about, ['physiotherapy', 'psychology'], said('need is plain')),
        );

        await expect.poll(() => shownIn(decided), { timeout: 20_000 }).not.toBe(before);
        await row.waitFor();
        expect(await board.evaluate(() => 'sameDocument' in globalThis)).toBe(true);
        // Nothing that arrives by itself may move the focus.
        expect(await board.evaluate(() => document.activeElement === document.body)).toBe(true);
      });
    });

    it('the board stands still when it is paused, and says since when', async () => {
      await as(world(), 'Kim Administrator', {}, async (board) => {
        await board.goto('/board');
        await board.locator('.live[data-live=on]').waitFor();
        await board.locator('[data-live-pause]').click();
        await board.locator('.live[data-live=off]').waitFor();
        expect(await shownIn(board.locator('.live-words'))).toMatch(/^Paused since \d\d:\d\d$/);
      });
    });

    it('anybody sees the members watch the log, and finds the checkpoint there that they cosigned', async () => {
      const page = await stranger(world());
      await expect
        .poll(
          async () => {
            await page.goto('/consortium');
            return await page.locator('#members .is-good').count();
          },
          { timeout: 60_000, interval: 1000 },
        )
        .toBe(3);
      expect(await shownIn(page.locator('#alarms'))).toBe(t.consortium.agree);
      const cosigned = page.locator('#checkpoints tbody tr').filter({ hasNotText: t.consortium.notThis });
      await cosigned.first().waitFor();
      // The file behind the link is what the members read; the log may grow between that and the page.
      const href = await page.getByRole('link', { name: '/log/checkpoint' }).getAttribute('href');
      await expect
        .poll(
          async () => {
            const note = parseNote(await (await page.request.get(href ?? '')).text());
            const { size, root } = parseCheckpoint(note.text);
            await page.goto('/consortium');
            const row = page.locator(`#checkpoint-${size} code`);
            return (await row.count()) === 1 && (await row.getAttribute('title')) === toHex(root);
          },
          { timeout: 20_000, interval: 500 },
        )
        .toBe(true);
      await look(world(), page, 'the consortium, as a stranger');
      await page.context().close();
    });

    for (const script of [true, false])
      it(`the auditor runs verification from the page and sees "Sound" (${script ? 'with' : 'without'} script)`, async () => {
        await as(world(), 'Mia Auditor', { script }, async (page) => {
          expect(new URL(page.url()).pathname).toBe('/audit');
          await page.getByRole('button', { name: t.audit.run }).click();
          const title = page.locator('#verify-title');
          await expect
            .poll(
              async () => {
                if (!script) await page.goto('/audit');
                return await shownIn(title);
              },
              { timeout: 60_000, interval: 1000 },
            )
            .toBe(t.audit.sound);
          const shown = await shownIn(page.locator('#verify'));
          for (const organisation of Object.values(t.organisations))
            expect(shown).toContain(t.audit.anchored(organisation));
          for (const words of [t.audit.cosigned, t.audit.cases]) expect(shown).toContain(words);
          expect(shown).not.toContain(t.audit.casesLeftOut);
          expect(shown).toContain(t.audit.noFindings);
          // Acts that were refused stand there with who and why.
          expect(await shownIn(page.locator('#refusals'))).toContain(t.auditing.codes['conflict-of-duties']);
        });
      });
  });
}
