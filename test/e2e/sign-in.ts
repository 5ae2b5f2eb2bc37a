// End to end: ways in and out: a passkey is added and used with the browser's own authenticator; a device that does not know its
// owner is told so; after signing out nothing is left to see, also not by going back.

import postgres from 'postgres';
import { describe, expect, it } from 'vitest';
import { giveAuthenticator } from '../support/authenticator.ts';
import { apply, shownIn, t } from '../support/deeds.ts';
import { said } from './canary.ts';
import { as, signedIn, stranger, type World } from './world.ts';

/** Lets the person's last proof of who they are lie ten minutes back. */
async function longAgo(world: World, name: string): Promise<void> {
  const sql = postgres(world.machine.run().postgres.owner, { max: 1, onnotice: () => {} });
  try {
    await sql`update web_session set authenticated_at = now() - interval '10 minutes'
      where person_id = (select id from persons where name = ${name})`;
  } finally {
    await sql.end();
  }
}

export function signingIn(world: () => World): void {
  describe('signing in and out', () => {
    it('a passkey is added in the settings and signs in without any name', async () => {
      const page = await signedIn(world(), 'Lou Security');
      const device = await giveAuthenticator(page);
      await page.goto('/settings');
      await page.getByRole('button', { name: t.settings.addPasskey }).click();
      await page.getByText(t.passkeys.done).waitFor();
      await page.locator('.bar-tools details.menu summary').click();
      await page.getByRole('button', { name: t.frame.signOut, exact: true }).click();
      await page.waitForURL(/\/sign-in\?out=1/);
      expect(await shownIn(page.locator('main'))).toContain(t.signIn.signedOut);

      // A finger that the device does not know: the sentence is the same for every cause.
      await device.verifies(false);
      await page.getByRole('button', { name: t.signIn.passkey }).click();
      await page.getByText(t.signIn.unknown).waitFor();

      await device.verifies(true);
      await page.getByRole('button', { name: t.signIn.passkey }).click();
      await page.waitForURL(/\/people/);
      expect(await shownIn(page.locator('.bar'))).toContain('Lou Security');
      await page.context().close();
    });

    it('a new signing key needs a fresh proof: the passkey, or in the demonstration what stands for it', async () => {
      const page = await signedIn(world(), 'Kim Administrator');
      await giveAuthenticator(page);
      await page.goto('/settings');
      await page.getByRole('button', { name: t.settings.addPasskey }).click();
      await page.getByText(t.passkeys.done).waitFor();
      for (const name of [t.signing.confirmPasskey, t.signing.confirmButton]) {
        await longAgo(world(), 'Kim Administrator');
        await page.goto('/keys');
        await page.locator('#confirm-title').waitFor();
        expect(await page.locator('#make-key').count()).toBe(0);
        await page.getByRole('button', { name }).click();
        await page.locator('#make-key').waitFor();
      }
      await page.context().close();
    });

    it('after signing out, going back shows nothing, and a form that was open says what to do', async () => {
      const page = await signedIn(world(), 'Pat Patient');
      await page.goto('/apply');
      await page.goto('/my');
      const other = await page.context().newPage();
      await other.goto('/apply');
      await other.locator('[name=reason]').fill('written before I left');
      await page.locator('.bar-tools details.menu summary').click();
      await page.getByRole('button', { name: t.frame.signOut, exact: true }).click();
      await page.waitForURL(/\/sign-in\?out=1/);
      await page.goBack();
      await page.waitForURL(/\/sign-in/);
      // In the other tab the form stays, with every word.
      await other.getByRole('button', { name: t.buttons['submit-application'] }).click();
      await other.locator('#notice', { hasText: t.errors.signedOut }).waitFor();
      expect(await other.locator('[name=reason]').inputValue()).toBe('written before I left');
      await page.context().close();
    });

    it('a person with two roles switches between them, and sees what belongs to each', async () => {
      await as(world(), 'Uma Two-Roles', {}, async (page) => {
        const to = async (role: 'patient' | 'guardian'): Promise<void> => {
          await page.locator('.bar-tools details.menu summary').click();
          await page.getByRole('button', { name: t.frame.actingAs(t.roles[role]) }).click();
          await page.locator('.account-role', { hasText: t.roles[role] }).waitFor();
        };
        await to('guardian');
        const child = await apply(page, {
          patientName: said('Ivy'),
          birthDate: ['9', '8', '2015'],
          reason: said('a broken leg that healed crooked'),
        });
        await to('patient');
        expect(await shownIn(page.locator('main'))).not.toContain(child.number);
        const own = await apply(page, { reason: said('a shoulder that is stiff') });
        await page.goto('/my');
        expect(await shownIn(page.locator('main'))).not.toContain(child.number);
        expect(await shownIn(page.locator('main'))).toContain(own.number);
        await to('guardian');
        expect(await shownIn(page.locator('main'))).toContain(child.number);
        expect(await shownIn(page.locator('main'))).not.toContain(own.number);
        // The receipt of an act stays within reach after its answer is gone.
        await page.goto(`/cases/${child.id}/entries`);
        const href = await page.getByRole('link', { name: t.receipt.yours }).getAttribute('href');
        const receipt = (await (await page.request.get(href ?? '')).json()) as {
          receipt: { operation: string };
        };
        expect(href).toBe(`/receipts/${receipt.receipt.operation}`);
      });
    });

    it('a stranger reaches no page behind the door', async () => {
      const page = await stranger(world());
      for (const path of ['/queue', '/cases', '/board', '/audit', '/my', '/settings', '/day', '/people']) {
        await page.goto(path);
        expect(new URL(page.url()).pathname, path).toBe('/sign-in');
      }
      await page.context().close();
    });

    it('a page of another role says why not, and whom to ask', async () => {
      await as(world(), 'Mia Auditor', {}, async (page) => {
        const answer = await page.goto('/queue');
        expect(answer?.status()).toBe(403);
        expect(await shownIn(page.locator('main'))).toContain(
          t.refusals['wrong-role']({
            role: t.roles.auditor,
            roles: t.list(
              (['approval-officer', 'therapist', 'doctor', 'administrator'] as const).map(
                (role) => t.roles[role],
              ),
            ),
          }),
        );
        await page.getByRole('link', { name: t.errors.toStart }).click();
        await page.waitForURL(/\/audit$/);
      });
    });
  });
}
