// Station 1, web: signing in and out. Passkeys with user verification, or, in the demonstration on loopback, a list of
// invented people. Known and unknown people are answered alike (I7).
import { asc, eq, isNull } from 'drizzle-orm';
import type { Context } from 'hono';
import { persons, roleAssignments } from '../../db/schema.ts';
import { certificatesOfPerson } from '../../db/views/certificates.ts';
import { isUuid } from '../../domain/ids.ts';
import { allows } from '../../domain/permissions.ts';
import { refuse } from '../../domain/refusal.ts';
import { ROLES, type Role } from '../../domain/roles.ts';
import type { WebDeps, WebEnv } from '../deps.ts';
import { fieldsSent } from '../form.ts';
import { signedIn } from '../guard.ts';
import { landingOf, ownAddress, paths, wantedPage } from '../paths.ts';
import { goTo, pageAnswer, refusedPage, wordsFor } from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';
import { closeSession, openSession } from '../session.ts';
import { countTry, jsonBody, passkeysWork, signInOptions, signInWith } from './passkeys.ts';
import { SignIn } from './sign-in.tsx';

export function signInRoutes(deps: WebDeps): Routes {
  const r = routes(deps);
  const { demonstration } = deps.settings;

  r.get('/', 'public', (c) => c.redirect(c.var.session ? landingOf(c.var.session.role) : '/sign-in', 303));

  r.get('/sign-in', 'public', async (c) => {
    const to = wantedPage(c.req.query('to') ?? '');
    // Signed in meanwhile, in another tab.
    if (to && c.var.session) return c.redirect(to, 303);
    const t = wordsFor(c, deps);
    const people = demonstration
      ? await deps.db
          .select({
            id: persons.id,
            name: persons.name,
            organisation: persons.organisation,
            role: roleAssignments.role,
            lead: roleAssignments.lead,
            disciplines: roleAssignments.disciplines,
          })
          .from(roleAssignments)
          .innerJoin(persons, eq(persons.id, roleAssignments.personId))
          .where(isNull(roleAssignments.endedAt))
          .orderBy(asc(roleAssignments.role), asc(persons.name))
      : [];
    return await pageAnswer(
      c,
      deps,
      { title: t.signIn.title },
      <SignIn
        t={t}
        people={people}
        passkeys={passkeysWork(deps.settings.publicUrl)}
        signedOut={c.req.query('out') === '1'}
        to={to}
      />,
    );
  });

  r.post('/sign-in/passkey/options', 'public', async (c) => {
    const seconds = await countTry(c, deps);
    return seconds > 0 ? wait(c, deps, seconds) : c.json(await signInOptions(deps));
  });

  r.post('/sign-in/passkey', 'public', async (c) => {
    const seconds = await countTry(c, deps);
    if (seconds > 0) return wait(c, deps, seconds);
    const body = await jsonBody(c);
    const found = await signInWith(c, deps, body);
    if (!found || !(await openSession(c, deps, found.person, found.role, 'passkey')))
      return c.json({ words: wordsFor(c, deps).signIn.unknown }, 401);
    return c.json({ go: wantedPage(goingTo(body)) ?? (await firstPageOf(deps, found.person, found.role)) });
  });

  if (demonstration)
    r.post('/sign-in/demonstration', 'public', async (c) => {
      const fields = await fieldsSent(c, deps, { one: ['person', 'role', 'to'] });
      if (fields instanceof Response) return fields;
      const role = ROLES.find((known) => known === fields.get('role'));
      if (
        !isUuid(fields.get('person')) ||
        !role ||
        !(await openSession(c, deps, fields.get('person'), role, 'demonstration'))
      )
        return await refusedPage(c, deps, refuse('unknown'));
      return goTo(c, wantedPage(fields.get('to')) ?? (await firstPageOf(deps, fields.get('person'), role)));
    });

  confirming(r, deps);

  r.post('/sign-out', 'public', async (c) => {
    await closeSession(c, deps);
    return goTo(c, '/sign-in?out=1');
  });

  r.post('/settings/role', 'signed-in', async (c) => {
    const { session } = c.var;
    const fields = await fieldsSent(c, deps, { one: ['role'] });
    if (fields instanceof Response) return fields;
    const role = ROLES.find((known) => known === fields.get('role')) as Role | undefined;
    if (!session || !role || !(await openSession(c, deps, session.person, role, 'role-switch')))
      return await refusedPage(c, deps, refuse('wrong-role', { detail: { action: 'sign-in' } }));
    return goTo(c, landingOf(role));
  });

  return r;
}

/** Where somebody comes to who signs in: whoever decides and never had a key makes one first, else the role's own page. */
export async function firstPageOf(deps: WebDeps, person: string, role: Role): Promise<string> {
  if (!allows(role, 'signatures.see')) return landingOf(role);
  const held = await certificatesOfPerson(deps.db, person);
  return held.some((line) => line.role === role) ? landingOf(role) : paths.firstKey;
}

/** Where the script on the page says that it leads; unjudged. */
function goingTo(body: unknown): string {
  const to = (body as { to?: unknown } | undefined)?.to;
  return typeof to === 'string' ? to : '';
}

/** Told to programs of ours alone: the script on the page. */
export function wait(c: Context<WebEnv>, deps: WebDeps, seconds: number): Response {
  c.header('Retry-After', String(seconds));
  return c.json({ words: wordsFor(c, deps).errors.tooMany(seconds) }, 429);
}

/** A fresh proof of who is signed in already: for their first signature, and for a new key (I6). */
function confirming(r: Routes, deps: WebDeps): void {
  r.post('/sign-in/confirm/passkey/options', 'signed-in', async (c) => {
    const seconds = await countTry(c, deps);
    return seconds > 0 ? wait(c, deps, seconds) : c.json(await signInOptions(deps));
  });

  r.post('/sign-in/confirm/passkey', 'signed-in', async (c) => {
    const seconds = await countTry(c, deps);
    if (seconds > 0) return wait(c, deps, seconds);
    const session = signedIn(c);
    const body = await jsonBody(c);
    const found = await signInWith(c, deps, body);
    // Somebody else's passkey proves nothing about this person.
    if (
      found?.person !== session.person ||
      !(await openSession(c, deps, session.person, session.role, 'confirmed'))
    )
      return c.json({ words: wordsFor(c, deps).signing.notConfirmed }, 409);
    return c.json({ go: ownAddress(goingTo(body)) ?? '/' });
  });

  if (deps.settings.demonstration)
    r.post('/sign-in/confirm', 'signed-in', async (c) => {
      const session = signedIn(c);
      const fields = await fieldsSent(c, deps, { one: ['to'] });
      if (fields instanceof Response) return fields;
      if (!(await openSession(c, deps, session.person, session.role, 'confirmed')))
        return await refusedPage(c, deps, refuse('unknown'));
      return goTo(c, ownAddress(fields.get('to')) ?? '/');
    });
}
