// Station 1, web: an invitation's link: whom it lets in, a passkey with user verification, and the first session. The token comes in
// bodies of POSTs alone. Whatever is wrong with it is answered alike (I7), and tries are counted as those to sign in are (I4).
import type { Context } from 'hono';
import { z } from 'zod';
import { invitedBy } from '../../db/views/invitations.ts';
import { invitationState } from '../../domain/invitations.ts';
import type { WebDeps, WebEnv } from '../deps.ts';
import { paths } from '../paths.ts';
import { invitationUsed } from '../recorded-people.ts';
import { pageAnswer, wordsFor } from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';
import { openSession } from '../session.ts';
import {
  addOptions,
  countTry,
  forgetTries,
  jsonBody,
  keepPasskey,
  newPasskey,
  type Owner,
  passkeysWork,
} from '../sign-in/passkeys.ts';
import { firstPageOf, wait } from '../sign-in/routes.tsx';
import { InvitationPage } from './invitation.tsx';
import { sentHash } from './token.ts';

const sent = z.object({ token: z.string() });

/** Whom a request's token lets in, with the invitation and the rest of the body. */
interface Invited {
  readonly id: string;
  readonly owner: Owner;
  readonly recovery: boolean;
  readonly body: unknown;
}

export function invitationRoutes(deps: WebDeps): Routes {
  const r = routes(deps);

  r.get(paths.invitation, 'public', async (c) => {
    const t = wordsFor(c, deps);
    return await pageAnswer(
      c,
      deps,
      { title: t.invitations.page },
      <InvitationPage t={t} passkeys={passkeysWork(deps.settings.publicUrl)} />,
    );
  });

  r.post(`${paths.invitation}/person`, 'public', (c) =>
    withInvited(c, async ({ owner }) => c.json({ name: owner.name })),
  );

  r.post(`${paths.invitation}/options`, 'public', (c) =>
    withInvited(c, async ({ owner, recovery }) => {
      const options = await addOptions(deps, owner, { anew: recovery });
      return options ? c.json(options) : nobody(c);
    }),
  );

  r.post(paths.invitation, 'public', (c) =>
    withInvited(c, async ({ id, owner, body }) => {
      const passkey = await newPasskey(deps, owner.person, body);
      if (!passkey) return c.json({ words: wordsFor(c, deps).passkeys.refused }, 422);
      // The link is used up first: of two who send it at once only one gets in.
      const { person, role } = owner;
      const used = await invitationUsed(deps.recorder, `invitation-${passkey.challenge}`, {
        id,
        person,
        role,
      });
      if (!used || !(await keepPasskey(deps, owner, passkey, used.recovery ? 'recovery' : 'invitation')))
        return nobody(c);
      if (!(await openSession(c, deps, person, role, 'invitation'))) return nobody(c);
      await forgetTries(c, deps);
      return c.json({ go: await firstPageOf(deps, person, role) });
    }),
  );

  /** Answers whoever holds a link that counts; everybody else learns that it lets nobody in. */
  async function withInvited(
    c: Context<WebEnv>,
    then: (invited: Invited) => Promise<Response>,
  ): Promise<Response> {
    const seconds = await countTry(c, deps);
    if (seconds > 0) return wait(c, deps, seconds);
    const body = await jsonBody(c);
    const hash = sentHash(sent.safeParse(body).data?.token);
    const found = hash && (await invitedBy(deps.db, hash));
    if (!found || invitationState(found, deps.now().toISOString()) !== 'open') return nobody(c);
    const { id, personId: person, name, role, recovery } = found;
    return await then({ id, owner: { person, name, role }, recovery, body });
  }

  const nobody = (c: Context<WebEnv>): Response => c.json({ words: wordsFor(c, deps).invitations.void }, 404);

  return r;
}
