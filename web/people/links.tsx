// Station 1, web: adding a person, and the links by which people get in: made and withdrawn by the security administrator, confirmed
// by a second person after a lost device. Each act needs a fresh proof (I6) and is judged in its transaction.
import type { Context } from 'hono';
import { isUuid, uuidFrom } from '../../domain/ids.ts';
import { readAsking, readNewPerson } from '../../domain/invitations.ts';
import type { Permission } from '../../domain/permissions.ts';
import { isRefusal, refuse } from '../../domain/refusal.ts';
import { keyRefusal, operationKey } from '../acting.tsx';
import type { WebDeps, WebEnv } from '../deps.ts';
import { fieldsSent } from '../form.ts';
import { signedIn } from '../guard.ts';
import { newLink } from '../invitation/token.ts';
import { faultWords } from '../parts/error-summary.tsx';
import { Said } from '../parts/said.tsx';
import { paths } from '../paths.ts';
import { addStaff, decideInvitation, type LinkMade, makeInvitation } from '../recorded-people.ts';
import { goTo, pageAnswer, refusalStatus, refusalWords, refusedPage, wordsFor } from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';
import { isFresh } from '../session.ts';
import { passkeysWork } from '../sign-in/passkeys.ts';
import { AddPersonForm, type TypedPerson } from './adding.tsx';
import { confirmFirst, openPerson, personPage } from './page.tsx';
import { LinkShown } from './ways-in.tsx';

/** Field names of a page that has more forms than one. */
const QUESTIONS = (t: ReturnType<typeof wordsFor>) => ({
  name: t.invitations.name,
  organisation: t.invitations.organisation,
  role: t.manage.role,
  reason: t.manage.why,
  wish: t.manage.why,
});

export function linkRoutes(deps: WebDeps): Routes {
  const r = routes(deps);

  /** The answer to a form whose key was not made for this person, action and target. */
  async function unbound(c: Context<WebEnv>, action: Permission, target: string, key: string) {
    const refusal = await keyRefusal(deps, signedIn(c), action, target, key);
    return refusal && (await refusedPage(c, deps, refusal));
  }

  r.get(paths.addPerson, 'people.add', (c) => adding(c));

  r.post(paths.addPerson, 'people.add', async (c) => {
    const one = ['key', 'name', 'organisation', 'role', 'lead', 'reason'];
    const fields = await fieldsSent(c, deps, { one, many: ['disciplines'] });
    if (fields instanceof Response) return fields;
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    const key = fields.get('key');
    const foreign = await unbound(c, 'people.add', 'new', key);
    if (foreign) return foreign;
    const input = {
      name: fields.get('name'),
      organisation: fields.get('organisation'),
      role: fields.get('role'),
      disciplines: [...fields.all('disciplines')],
      lead: fields.get('lead') === 'yes',
      reason: fields.get('reason'),
    };
    if (!isFresh(session, deps.now()))
      return await adding(c, { typed: { ...input, faults: [] }, status: 409 });
    const read = readNewPerson(input);
    if ('faults' in read)
      return await adding(c, {
        typed: { ...input, faults: faultWords(t, read.faults, QUESTIONS(t)) },
        status: 422,
      });
    // The same form is the same person, however often it is sent.
    const id = uuidFrom(Buffer.from(deps.keyed(`person\n${key}`), 'base64url'));
    const added = await addStaff(deps.recorder, key, session, id, read.values);
    if (isRefusal(added)) return await refusedPage(c, deps, added);
    return await linkAnswer(c, { id, name: read.values.name }, `${key}-link`, read.values.reason);
  });

  r.post('/people/:id/invitation', 'invitation.make', async (c) => {
    const fields = await fieldsSent(c, deps, { one: ['key', 'wish'] });
    if (fields instanceof Response) return fields;
    const t = wordsFor(c, deps);
    const person = await openPerson(c, deps, 'invitation.make');
    if (person instanceof Response) return person;
    const key = fields.get('key');
    const foreign = await unbound(c, 'invitation.make', person.id, key);
    if (foreign) return foreign;
    const reason = fields.get('wish');
    if (!isFresh(signedIn(c), deps.now()))
      return await personPage(c, deps, person, { typedLink: { reason, faults: [] }, status: 409 });
    const read = readAsking({ reason });
    if ('values' in read) return await linkAnswer(c, person, key, read.values.reason);
    const faults = read.faults.map((fault) => ({ ...fault, field: 'wish' }));
    return await personPage(c, deps, person, {
      typedLink: { reason, faults: faultWords(t, faults, QUESTIONS(t)) },
      status: 422,
    });
  });

  r.post('/people/:id/invitation/withdraw', 'invitation.withdraw', async (c) => {
    const fields = await fieldsSent(c, deps, { one: ['key', 'link'] });
    if (fields instanceof Response) return fields;
    const person = await openPerson(c, deps, 'invitation.withdraw');
    if (person instanceof Response) return person;
    const key = fields.get('key');
    const foreign = await unbound(c, 'invitation.withdraw', person.id, key);
    if (foreign) return foreign;
    if (!isFresh(signedIn(c), deps.now())) return await personPage(c, deps, person, { status: 409 });
    const about = { id: fields.get('link'), person: person.id };
    const answer = await decideInvitation(deps.recorder, key, signedIn(c), 'withdraw', about);
    if (!isRefusal(answer)) return goTo(c, `${paths.person(person.id)}?done=withdrawn`);
    if (refusalStatus(answer.code) !== 409) return await refusedPage(c, deps, answer);
    return await personPage(c, deps, person, {
      status: 409,
      notice: refusalWords(wordsFor(c, deps), answer),
    });
  });

  r.post('/people/:id/invitation/confirm', 'invitation.confirm', async (c) => {
    const fields = await fieldsSent(c, deps, { one: ['key', 'link'] });
    if (fields instanceof Response) return fields;
    const [key, id, person] = [fields.get('key'), fields.get('link'), c.req.param('id') ?? ''];
    const foreign = await unbound(c, 'invitation.confirm', id, key);
    if (foreign) return foreign;
    if (!isUuid(person)) return await refusedPage(c, deps, refuse('unknown'));
    // The list asks for the proof; nothing was typed that could be lost.
    if (!isFresh(signedIn(c), deps.now())) return goTo(c, paths.people);
    const answer = await decideInvitation(deps.recorder, key, signedIn(c), 'confirm', { id, person });
    return isRefusal(answer) ? await refusedPage(c, deps, answer) : goTo(c, `${paths.people}?done=confirmed`);
  });

  /** Makes a link for somebody and shows it; what was made by an earlier copy of the form cannot be shown again. */
  async function linkAnswer(
    c: Context<WebEnv>,
    person: { readonly id: string; readonly name: string },
    key: string,
    reason: string,
  ): Promise<Response> {
    const t = wordsFor(c, deps);
    const { publicUrl } = deps.settings;
    const { link, tokenHash } = newLink(publicUrl);
    const asked = { person: person.id, reason, tokenHash };
    const { answer, repeated } = await makeInvitation(deps.recorder, key, signedIn(c), asked);
    if (isRefusal(answer)) return await refusedPage(c, deps, answer);
    const { recovery, endsAt }: LinkMade = answer;
    return await pageAnswer(
      c,
      deps,
      {
        title: t.invitations.personFor,
        heading: <Said inline text={person.name} />,
        lead: t.invitations.personFor,
        back: { href: paths.people, words: t.people.title },
      },
      <LinkShown
        t={t}
        person={person.id}
        link={repeated ? undefined : link}
        recovery={recovery}
        endsAt={endsAt}
        passkeys={passkeysWork(publicUrl)}
      />,
    );
  }

  /** The page of the form, with what was typed when nothing was done. */
  async function adding(
    c: Context<WebEnv>,
    { typed, status = 200 }: { typed?: TypedPerson; status?: 200 | 409 | 422 } = {},
  ): Promise<Response> {
    const t = wordsFor(c, deps);
    return await pageAnswer(
      c,
      deps,
      {
        title: t.invitations.add,
        lead: t.invitations.addLead,
        back: { href: paths.people, words: t.people.title },
        faults: typed?.faults ?? [],
      },
      <AddPersonForm
        t={t}
        typed={typed}
        formKey={operationKey(deps, signedIn(c).person, 'people.add', 'new')}
        confirm={confirmFirst(c, deps, paths.addPerson, t.invitations.confirm)}
      />,
      status,
    );
  }

  return r;
}
