// Station 1, web: ending a certificate: a person their own, a security administrator anybody's. Nobody can undo it, so a page says
// first whose it is and what follows. It needs a fresh proof of who asks (I6), and looking at that page changes nothing.
import type { Context } from 'hono';
import type { Child } from 'hono/jsx';
import { type CertificateLine, certificateById } from '../../db/views/certificates.ts';
import { isUuid } from '../../domain/ids.ts';
import { refuse } from '../../domain/refusal.ts';
import type { WebDeps, WebEnv } from '../deps.ts';
import { fieldsSent } from '../form.ts';
import { signedIn } from '../guard.ts';
import { Hidden } from '../layout.tsx';
import { Hash } from '../parts/hash.tsx';
import { Moment } from '../parts/moment.tsx';
import { Notice } from '../parts/notice.tsx';
import { Said } from '../parts/said.tsx';
import { SummaryList } from '../parts/summary-list.tsx';
import { paths } from '../paths.ts';
import { goTo, pageAnswer, refusedPage, wordsFor } from '../respond.tsx';
import type { Routes } from '../routes.ts';
import { isFresh } from '../session.ts';
import { passkeysWork } from '../sign-in/passkeys.ts';
import { Confirm } from '../signatures/sign.tsx';
import type { Text } from '../text/text.ts';
import { revoke } from './enrol.ts';
import { type CertificateList, REVOCATION_REASONS } from './keys.tsx';

type Reason = (typeof REVOCATION_REASONS)[number];

/** Declares the page that checks and the act, for both lists. */
export function revokingRoutes(r: Routes, deps: WebDeps): void {
  for (const [list, permission] of [
    [paths.keys, 'keys.own'],
    [paths.certificates, 'certificates.manage'],
  ] as const) {
    r.get(paths.checkRevocation(list), permission, async (c) => {
      const [id, reason] = [c.req.query('certificate'), c.req.query('reason')];
      // Without what it is about there is nothing to check: back to where that is chosen.
      if (id === undefined || reason === undefined) return c.redirect(list, 303);
      const asked = await read(c, list, id, reason);
      if (asked instanceof Response) return asked;
      return asked.line.revokedAt ? c.redirect(list, 303) : await checked(c, list, asked);
    });

    r.post(paths.revoke(list), permission, async (c) => {
      const fields = await fieldsSent(c, deps, { one: ['certificate', 'reason'] });
      if (fields instanceof Response) return fields;
      const asked = await read(c, list, fields.get('certificate'), fields.get('reason'));
      if (asked instanceof Response) return asked;
      const session = signedIn(c);
      if (!isFresh(session, deps.now())) return goTo(c, checkHref(list, asked));
      const answer = await revoke(deps, session, asked.line, asked.reason);
      return goTo(c, `${list}?done=${answer?.state === 'issued' ? 'revoked' : 'revoked-waits'}`);
    });
  }

  /** What is asked for; a certificate that is not theirs answers as one that does not exist. */
  async function read(c: Context<WebEnv>, list: CertificateList, id: string, given: string) {
    const reason = REVOCATION_REASONS.find((one) => one === given);
    if (!reason || !isUuid(id)) return await refusedPage(c, deps, refuse('malformed'));
    const line = await certificateById(deps.db, id);
    return line && (list !== paths.keys || line.personId === signedIn(c).person)
      ? { line, reason }
      : await refusedPage(c, deps, refuse('unknown'));
  }

  async function checked(c: Context<WebEnv>, list: CertificateList, asked: Asked): Promise<Response> {
    const t = wordsFor(c, deps);
    const { line, reason } = asked;
    const fresh = isFresh(signedIn(c), deps.now());
    return await pageAnswer(
      c,
      deps,
      {
        title: t.keys.checkTitle,
        lead: t.keys.checkLead,
        back: { href: list, words: list === paths.keys ? t.keys.title : t.keys.adminTitle },
      },
      <div class="form-page stack-wide">
        <SummaryList
          t={t}
          rows={[
            { term: t.keys.person, value: <Said inline text={line.name} /> },
            { term: t.keys.organisation, value: t.organisations[line.organisation] },
            { term: t.keys.role, value: t.roles[line.role] },
            { term: t.keys.fingerprint, value: <Hash t={t} value={line.fingerprint} /> },
            { term: t.keys.until, value: <Moment t={t} at={line.notAfter} show="date" /> },
            {
              term: t.keys.reason,
              value: t.keys.reasons[reason],
              change: { href: `${list}#reason-${line.id}` },
            },
          ]}
        />
        <Notice tone="soon">
          <p>{t.keys.revokeHint}</p>
          <p>{t.keys.final}</p>
        </Notice>
        {fresh ? (
          <RevokeForm t={t} list={list} asked={asked} />
        ) : (
          <Confirm
            t={t}
            demonstration={deps.settings.demonstration}
            passkeys={passkeysWork(deps.settings.publicUrl)}
            to={checkHref(list, asked)}
            words={t.keys.confirmRevocation}
          />
        )}
      </div>,
    );
  }
}

interface Asked {
  readonly line: CertificateLine;
  readonly reason: Reason;
}

/** The page that checks, with what it is about: it can be loaded anew, and come back to. */
const checkHref = (list: CertificateList, { line, reason }: Asked): string =>
  `${paths.checkRevocation(list)}?${new URLSearchParams({ certificate: line.id, reason })}`;

function RevokeForm({ t, list, asked }: { t: Text; list: CertificateList; asked: Asked }): Child {
  return (
    <form method="post" action={paths.revoke(list)} class="actions">
      <Hidden values={{ certificate: asked.line.id, reason: asked.reason }} />
      <button class="button grave" type="submit">
        {t.keys.revokeNow}
      </button>
      <a class="button" href={list}>
        {t.keys.keep}
      </a>
    </form>
  );
}
