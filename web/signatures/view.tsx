// Station 1, web: what a sign page is made from, for tasks and for acts on a case alike: the envelopes of the person's keys, the
// age of the statement, and whether they must show first who they are.
import type { Child } from 'hono/jsx';
import { certificatesOfPerson } from '../../db/views/certificates.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { statementBytes } from '../../ledger/statement.ts';
import type { Session, WebDeps } from '../deps.ts';
import { organisationOf } from '../keys/enrol.ts';
import { MakeKey } from '../keys/keys.tsx';
import { isFresh } from '../session.ts';
import { passkeysWork } from '../sign-in/passkeys.ts';
import type { Text } from '../text/text.ts';
import { envelopesOf, isOld, type Prepared } from './prepared.ts';
import { Confirm, type SignView } from './sign.tsx';

/** The first signature of a session needs a proof of who signs besides the key; later ones the key alone (E5). */
export const mustConfirm = (deps: Pick<WebDeps, 'now'>, session: Session): boolean =>
  session.signingSince === null && !isFresh(session, deps.now());

/** The parts of a sign page that follow from what was prepared. */
export async function signView(
  deps: WebDeps,
  t: Text,
  session: Session,
  prepared: Prepared,
  given: Pick<SignView, 'action' | 'hidden' | 'button' | 'back' | 'again'> & {
    /** Address of the page itself, to come back to. */
    readonly here: string;
    readonly notice: Child | undefined;
  },
): Promise<SignView> {
  const { here, notice, ...rest } = given;
  const toSign = await envelopesOf(deps, prepared);
  const confirmBefore = (words: string): Child => (
    <Confirm
      t={t}
      demonstration={deps.settings.demonstration}
      passkeys={passkeysWork(deps.settings.publicUrl)}
      to={here}
      words={words}
    />
  );
  return {
    ...rest,
    prepared,
    digest: Buffer.from(nodeHashing.hash(statementBytes(prepared.text))).toString('hex'),
    toSign,
    over: toSign.length > 0 ? undefined : await endedOn(deps, session),
    old: isOld(prepared, deps.now()),
    confirm: mustConfirm(deps, session) ? confirmBefore(t.signing.confirmToSign) : undefined,
    makeKey: !organisationOf(session) ? (
      <p>{t.keys.outside}</p>
    ) : isFresh(session, deps.now()) ? (
      <MakeKey t={t} person={session.person} here primary={toSign.length === 0} />
    ) : (
      confirmBefore(t.signing.confirmForKey)
    ),
    demonstration: deps.settings.demonstration,
    ...(notice ? { notice } : {}),
  };
}

/** When the newest certificate of the person in this role ended by itself; undefined when there is none, or it was revoked. */
async function endedOn(deps: WebDeps, { person, role }: Session): Promise<string | undefined> {
  const [newest] = (await certificatesOfPerson(deps.db, person)).filter((line) => line.role === role);
  return newest && !newest.revokedAt && newest.notAfter <= deps.now().toISOString()
    ? newest.notAfter
    : undefined;
}
