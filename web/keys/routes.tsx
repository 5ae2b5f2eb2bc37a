// Station 1, web: making a signing key in a browser and having it certified, and the lists of certificates. A new key needs a fresh
// proof of who asks (I6); the member of the person's organisation decides with two people of its own.
import type { Context } from 'hono';
import { allCertificates, CERTIFICATE_STATES, certificatesOfPerson } from '../../db/views/certificates.ts';
import { ORGANISATIONS } from '../../domain/consortium.ts';
import type { WebDeps, WebEnv } from '../deps.ts';
import { signedIn } from '../guard.ts';
import { landingOf, paths } from '../paths.ts';
import { pageAnswer, wordsFor } from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';
import { isFresh } from '../session.ts';
import { jsonBody, passkeysWork } from '../sign-in/passkeys.ts';
import { Confirm } from '../signatures/sign.tsx';
import { askAfterWaiting, enrol, organisationOf, publicKeyFrom, requestToSign } from './enrol.ts';
import { Certificates, Keys } from './keys.tsx';
import { revokingRoutes } from './revoking.tsx';

/** Certificates on one page; a consortium has hundreds of staff, not thousands. */
const ROWS = 1000;

export function keyRoutes(deps: WebDeps): Routes {
  const r = routes(deps);

  r.get('/keys', 'keys.own', async (c) => {
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    const waiting = await askAfterWaiting(deps, session);
    const done = c.req.query('done') ?? '';
    const fresh = isFresh(session, deps.now());
    const first = c.req.query('first') === '1';
    return await pageAnswer(
      c,
      deps,
      { title: t.keys.title, lead: t.keys.lead },
      <Keys
        t={t}
        person={session.person}
        lines={await certificatesOfPerson(deps.db, session.person)}
        now={deps.now()}
        waiting={waiting}
        said={saidOf(t.keys, done)}
        confirm={
          fresh ? undefined : (
            <Confirm
              t={t}
              demonstration={deps.settings.demonstration}
              passkeys={passkeysWork(deps.settings.publicUrl)}
              to={paths.keys}
              words={t.signing.confirmForKey}
            />
          )
        }
        demonstration={deps.settings.demonstration}
        outside={organisationOf(session) === undefined}
        onward={first || done === 'issued' ? { href: landingOf(session.role), first } : undefined}
      />,
    );
  });

  /** Told to the script on the page: that the person must show first who they are, there. */
  const stale = (c: Context<WebEnv>): Response =>
    c.json({ words: wordsFor(c, deps).signing.confirmForKey, go: paths.keys }, 403);

  r.post('/keys/request', 'keys.own', async (c) => {
    const session = signedIn(c);
    if (!isFresh(session, deps.now())) return stale(c);
    const body = (await jsonBody(c)) as { publicKey?: unknown } | undefined;
    const publicKey = publicKeyFrom(String(body?.publicKey ?? ''));
    const { outside, refused } = wordsFor(c, deps).keys;
    if (!publicKey) return c.json({ words: refused }, 422);
    if (!organisationOf(session)) return c.json({ words: outside }, 422);
    return c.json({ toSign: Buffer.from(requestToSign(session, publicKey)).toString('base64url') });
  });

  r.post('/keys', 'keys.own', async (c) => {
    const session = signedIn(c);
    if (!isFresh(session, deps.now())) return stale(c);
    const body = (await jsonBody(c)) as { publicKey?: unknown; signature?: unknown } | undefined;
    const publicKey = publicKeyFrom(String(body?.publicKey ?? ''));
    const w = wordsFor(c, deps).keys;
    if (!publicKey) return c.json({ words: w.refused }, 422);
    const enrolled = await enrol(deps, session, publicKey, String(body?.signature ?? ''));
    switch (enrolled.kind) {
      case 'issued':
      case 'waiting':
        return c.json({ go: `${paths.keys}?done=${enrolled.kind}`, done: enrolled.kind });
      case 'nobody':
        return c.json({ words: w.nobody }, 503);
      case 'wrong':
        return c.json({ words: w.wrong }, 422);
      case 'refused':
        return c.json({ words: w.refused }, 403);
      default:
        return enrolled satisfies never;
    }
  });

  revokingRoutes(r, deps);

  r.get('/certificates', 'certificates.manage', async (c) => {
    const t = wordsFor(c, deps);
    const organisation = ORGANISATIONS.find((known) => known === c.req.query('organisation'));
    const state = CERTIFICATE_STATES.find((known) => known === c.req.query('state'));
    return await pageAnswer(
      c,
      deps,
      { title: t.keys.adminTitle, lead: t.keys.adminLead },
      <Certificates
        t={t}
        lines={await allCertificates(deps.db, deps.now(), { organisation, state }, ROWS)}
        filters={{ organisation, state }}
        now={deps.now()}
        said={saidOf(t.keys, c.req.query('done') ?? '')}
        demonstration={deps.settings.demonstration}
      />,
    );
  });

  return r;
}

const saidOf = (
  w: { issued: string; revokedDone: string; revokedWaits: string },
  done: string,
): string | undefined =>
  done === 'issued'
    ? w.issued
    : done === 'revoked'
      ? w.revokedDone
      : done === 'revoked-waits'
        ? w.revokedWaits
        : undefined;
