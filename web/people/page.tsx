// Station 1, web: the page of one person: the roles they hold and how they get in. Everybody's forms come back to it with what was
// typed; a change needs a fresh proof of who makes it (I6), so without one the page asks for that instead.
import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import { waysInOf } from '../../db/views/invitations.ts';
import { personWithRoles } from '../../db/views/people.ts';
import { isUuid } from '../../domain/ids.ts';
import type { Permission } from '../../domain/permissions.ts';
import { refuse } from '../../domain/refusal.ts';
import { operationKey } from '../acting.tsx';
import type { WebDeps, WebEnv } from '../deps.ts';
import { signedIn } from '../guard.ts';
import { Notice } from '../parts/notice.tsx';
import { Said } from '../parts/said.tsx';
import { paths } from '../paths.ts';
import { recordRefusal } from '../recorded.ts';
import { pageAnswer, refusedPage, wordsFor } from '../respond.tsx';
import { isFresh } from '../session.ts';
import { passkeysWork } from '../sign-in/passkeys.ts';
import { Confirm } from '../signatures/sign.tsx';
import { PersonRoles, type TypedRole } from './person.tsx';
import { type TypedLink, WaysIn } from './ways-in.tsx';

export type OpenedPerson = NonNullable<Awaited<ReturnType<typeof personWithRoles>>>;

/** The person of the address; anybody unknown is refused, and that is recorded. */
export async function openPerson(
  c: Context<WebEnv>,
  deps: WebDeps,
  action: Permission,
): Promise<OpenedPerson | Response> {
  const id = c.req.param('id') ?? '';
  const person = isUuid(id) ? await personWithRoles(deps.db, id) : undefined;
  if (person) return person;
  const refusal = refuse('unknown');
  await recordRefusal(deps.recorder, `refusal-${randomUUID()}`, signedIn(c), action, refusal, {});
  return await refusedPage(c, deps, refusal);
}

/** The way to a fresh proof, or undefined when there is one. */
export const confirmFirst = (c: Context<WebEnv>, deps: WebDeps, to: string, words: string) =>
  isFresh(signedIn(c), deps.now()) ? undefined : (
    <Confirm
      t={wordsFor(c, deps)}
      demonstration={deps.settings.demonstration}
      passkeys={passkeysWork(deps.settings.publicUrl)}
      to={to}
      words={words}
    />
  );

/** The page, with what was typed when nothing was done. */
export async function personPage(
  c: Context<WebEnv>,
  deps: WebDeps,
  person: OpenedPerson,
  {
    typed,
    typedLink,
    status = 200,
    notice,
  }: { typed?: TypedRole; typedLink?: TypedLink; status?: 200 | 409 | 422; notice?: string } = {},
): Promise<Response> {
  const session = signedIn(c);
  const t = wordsFor(c, deps);
  const done = status === 200 ? c.req.query('done') : undefined;
  const told: Readonly<Record<string, string>> = {
    give: t.manage.given,
    end: t.manage.endedNow,
    withdrawn: t.invitations.withdrawn,
  };
  const said = notice ?? (done === undefined ? undefined : told[done]);
  const confirm = confirmFirst(c, deps, paths.person(person.id), t.manage.confirm);
  const key = (action: Permission) => operationKey(deps, session.person, action, person.id);
  return await pageAnswer(
    c,
    deps,
    {
      title: t.manage.personTitle,
      heading: <Said inline text={person.name} />,
      lead: person.organisation ? t.organisations[person.organisation] : t.manage.outside,
      back: { href: paths.people, words: t.people.title },
      faults: typed?.faults ?? typedLink?.faults ?? [],
    },
    <PersonRoles
      t={t}
      reader={session.person}
      person={person}
      keyOf={() => key('roles.manage')}
      typed={typed}
      confirm={confirm}
      notice={
        said ? (
          <Notice tone={notice ? 'late' : 'good'}>
            <p>{said}</p>
          </Notice>
        ) : undefined
      }
      waysIn={
        <WaysIn
          t={t}
          reader={session.person}
          person={person.id}
          ways={await waysInOf(deps.db, person.id, deps.now().toISOString())}
          forms={confirm === undefined && person.roles.some(({ until }) => until === null)}
          makeKey={key('invitation.make')}
          withdrawKey={key('invitation.withdraw')}
          typed={typedLink}
        />
      }
    />,
    status,
  );
}
