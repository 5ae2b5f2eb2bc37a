// Station 1, web: the one translation of outcomes into answers: a refusal's status and sentence, a fault's 503, an
// unknown outcome's 202. Pages and fragments both come from here; what was typed is never lost on the way.

import type { Context } from 'hono';
import type { Child } from 'hono/jsx';
import { newestCheckpoint } from '../db/views/log.ts';
import type { Organisation } from '../domain/consortium.ts';
import { isStaff, PERMISSIONS, rolesFor } from '../domain/permissions.ts';
import type { Refusal, RefusalCode } from '../domain/refusal.ts';
import type { Role } from '../domain/roles.ts';
import { judge } from './consortium/judged.ts';
import type { WebDeps, WebEnv } from './deps.ts';
import {
  type Frame,
  fragment,
  navigationOf,
  noticePartial,
  type PageOptions,
  Partial,
  page,
  TitleOf,
  VARY,
  wantsFragment,
} from './layout.tsx';
import { ErrorSummary, type FaultWords, faultWords } from './parts/error-summary.tsx';
import { Notice } from './parts/notice.tsx';
import { StillWorking } from './parts/still-working.tsx';
import { landingOf, ownAddress, paths, signInFor } from './paths.ts';
import { preferencesOf } from './preferences.ts';
import type { Moment as MomentValue } from './text/formats.ts';
import { langOf, type Text, text } from './text/text.ts';

/** The status of each refusal (DESIGN.md section 9, 23). */
export function refusalStatus(code: RefusalCode): 400 | 403 | 404 | 409 | 422 {
  switch (code) {
    case 'malformed':
    case 'key-unbound':
      return 400;
    case 'wrong-role':
    case 'not-related':
    case 'conflict-of-duties':
    case 'unsigned':
    case 'signature-wrong':
    case 'certificate-not-good':
      return 403;
    case 'unknown':
      return 404;
    case 'wrong-state':
    case 'stale-claim':
    case 'not-claimed':
    case 'already-claimed':
    case 'already-acknowledged':
    case 'key-reused':
    case 'too-late':
    case 'not-due':
    case 'not-delivered':
    case 'duplicate':
    case 'link-over':
    case 'statement-old':
      return 409;
    case 'values':
      return 422;
    default:
      return code satisfies never;
  }
}

/** The catalogue of a request: the cookie's language, else the browser's. */
export const wordsFor = (c: Context<WebEnv>, deps: WebDeps): Text =>
  text(langOf(preferencesOf(c).lang, c.req.header('accept-language')), deps.parameters.calendar.zone);

/** The address that was asked for, with its query. */
function addressOf(c: Context<WebEnv>): string {
  const { pathname, search } = new URL(c.req.url);
  return `${pathname}${search}`;
}

/** The frame of a request's page. Built anew each time; nothing of one person's frame reaches another's. */
export async function frameFor(c: Context<WebEnv>, deps: WebDeps): Promise<Frame> {
  const t = wordsFor(c, deps);
  const { session } = c.var;
  const { theme, density, keys, undo } = preferencesOf(c);
  return {
    t,
    theme,
    density,
    keys,
    undo,
    path: addressOf(c),
    demonstration: deps.settings.demonstration,
    ...(session
      ? {
          viewer: {
            name: session.name,
            role: session.role,
            roles: session.roles,
            organisation: session.organisation
              ? t.organisations[session.organisation as Organisation]
              : undefined,
          },
          navigation: navigationOf(t, session.role),
          banner: isStaff(session.role) ? memberBanner(t, deps) : undefined,
        }
      : {}),
    // The log is public: strangers may know how far it is.
    checkpoint: await newestCheckpoint(deps.db).catch(() => undefined),
  };
}

/** The red band on every page of staff while members do not agree. It waits for nobody: what was seen last is what it knows. */
function memberBanner(t: Text, deps: WebDeps): Frame['banner'] {
  const seen = deps.consortium.last();
  if (!seen || !judge(seen, new Map()).tampered) return undefined;
  return {
    tone: 'late',
    words: (
      <>
        {t.consortium.band} <a href={paths.consortium}>{t.consortium.bandLink}</a>
      </>
    ),
  };
}

/** Answers with a whole page. */
export async function pageAnswer(
  c: Context<WebEnv>,
  deps: WebDeps,
  options: PageOptions,
  body: Child,
  status: 200 | 202 | 400 | 401 | 403 | 404 | 409 | 413 | 422 | 429 | 500 | 503 = 200,
): Promise<Response> {
  c.header('Vary', VARY);
  return c.html(page(await frameFor(c, deps), options, body) as never, status);
}

/** Answers with a page, or with its fragment when htmx asks for one. */
export async function pageOrFragment(
  c: Context<WebEnv>,
  deps: WebDeps,
  options: PageOptions,
  body: Child,
  part: () => Child,
  status: 200 | 422 | 409 | 202 = 200,
): Promise<Response> {
  c.header('Vary', VARY);
  if (!wantsFragment(c.req.raw.headers)) return await pageAnswer(c, deps, options, body, status);
  const t = wordsFor(c, deps);
  // The summary stands above the h1, outside what is swapped: it goes along, and an empty one clears an older one.
  const summary = options.faults ? (
    <Partial target="#errors" swap="innerHTML">
      <ErrorSummary t={t} faults={options.faults} at={options.faultsAt ?? {}} />
    </Partial>
  ) : null;
  // htmx takes a fragment's title for the page's (UI.md 4, Frame: on errors it starts with "Error:").
  const title = options.title ? <TitleOf t={t} options={options} /> : null;
  return c.html(fragment(part(), summary, title) as never, status);
}

/** A refusal's sentence in the reader's language. */
export const refusalWords = (t: Text, refusal: Refusal): string =>
  t.refusals[refusal.code](refusal.detail ?? {});

/** A refusal's field faults in the reader's language. */
export const refusalFaults = (t: Text, refusal: Refusal): FaultWords[] => faultWords(t, refusal.fields ?? []);

/** A refusal for a role, with the roles that may: who is refused learns whom to ask (UI.md 1, principle 10). */
function withRoles(t: Text, refusal: Refusal, role: Role | undefined): Refusal {
  const action = PERMISSIONS.find((known) => known === refusal.detail?.action);
  if (refusal.code !== 'wrong-role' || !action || !role) return refusal;
  const roles = rolesFor(action).filter((one) => one !== role);
  return {
    ...refusal,
    detail: { ...refusal.detail, role: t.roles[role], roles: t.list(roles.map((one) => t.roles[one])) },
  };
}

/** A refusal as a page of its own, for what has no form to go back to. */
export async function refusedPage(
  c: Context<WebEnv>,
  deps: WebDeps,
  refusal: Refusal,
  more?: Child,
): Promise<Response> {
  const t = wordsFor(c, deps);
  const status = refusalStatus(refusal.code);
  const { session } = c.var;
  const title =
    status === 404
      ? t.errors.notFoundTitle
      : status === 403
        ? t.errors.forbiddenTitle
        : status === 400
          ? t.errors.malformedTitle
          : t.errors.staleTitle;
  return await pageAnswer(
    c,
    deps,
    { title, error: true },
    <div class="stack">
      <Notice tone="late">
        <p>{refusalWords(t, withRoles(t, refusal, session?.role))}</p>
      </Notice>
      {more ?? (
        <p>
          <a class="button" href={session ? landingOf(session.role) : paths.signIn}>
            {session ? t.errors.toStart : t.signIn.title}
          </a>
        </p>
      )}
    </div>,
    status,
  );
}

/**
 * Nobody is signed in. Whoever asked for a page comes to it after signing in. A fragment's request gets a notice in place, so that
 * the form and its text stay.
 */
export async function signedOut(c: Context<WebEnv>, deps: WebDeps): Promise<Response> {
  const t = wordsFor(c, deps);
  if (wantsFragment(c.req.raw.headers)) {
    c.header('HX-Reswap', 'none');
    return c.html(fragment(noticePartial(<SignedOut t={t} words={t.errors.signedOut} />)) as never, 401);
  }
  if (c.req.method === 'GET') return c.redirect(signInFor(addressOf(c)), 303);
  return await pageAnswer(
    c,
    deps,
    { title: t.errors.signedOutTitle, error: true },
    <Notice tone="note">
      <SignedOut t={t} words={t.errors.signedOutSent} />
    </Notice>,
    401,
  );
}

/** What to do, with the way there in a tab of its own: this one keeps what was typed. */
const SignedOut = ({ t, words }: { t: Text; words: string }) => (
  <p>
    {words}{' '}
    <a href={paths.signIn} target="_blank" rel="noopener">
      {t.signIn.title}
    </a>
  </p>
);

/** Too large a body. */
export async function tooLarge(c: Context<WebEnv>, deps: WebDeps): Promise<Response> {
  const t = wordsFor(c, deps);
  return await pageAnswer(
    c,
    deps,
    { title: t.errors.tooLargeTitle, error: true },
    <Notice tone="late">{t.errors.tooLarge}</Notice>,
    413,
  );
}

/**
 * A service of ours is down: what can still be done, when to try again, and the request's number. A page can be asked for again
 * by its link; what was sent is not sent again by one.
 */
export async function unavailable(c: Context<WebEnv>, deps: WebDeps): Promise<Response> {
  const t = wordsFor(c, deps);
  c.header('Retry-After', '5');
  if (wantsFragment(c.req.raw.headers))
    return c.html(
      fragment(noticePartial(`${t.errors.down} ${t.words.requestNumber(c.var.requestId)}`)) as never,
      503,
    );
  const here = c.req.method === 'GET' ? ownAddress(addressOf(c)) : undefined;
  return await pageAnswer(
    c,
    deps,
    { title: t.errors.downTitle, error: true },
    <Notice
      tone="late"
      actions={
        here ? (
          <a class="button" href={here}>
            {t.words.tryAgain}
          </a>
        ) : null
      }
    >
      <p>{t.errors.down}</p>
      <p class="meta">{t.words.requestNumber(c.var.requestId)}</p>
    </Notice>,
    503,
  );
}

/** No answer in time: asks again with the same number; ends in done or refused. */
export async function stillWorking(
  c: Context<WebEnv>,
  deps: WebDeps,
  operation: string,
  sentAt: MomentValue = deps.now(),
): Promise<Response> {
  const t = wordsFor(c, deps);
  const href = `/ask/${operation}`;
  c.header('Retry-After', '2');
  return await pageOrFragment(
    c,
    deps,
    { title: t.working.title },
    <StillWorking t={t} askHref={href} sentAt={sentAt} now={deps.now()} />,
    () => <StillWorking t={t} askHref={href} sentAt={sentAt} now={deps.now()} />,
    202,
  );
}

/** After a change: 303 for a plain form, `HX-Redirect` for htmx. */
export function goTo(c: Context<WebEnv>, path: string): Response {
  if (wantsFragment(c.req.raw.headers)) {
    c.header('HX-Redirect', path);
    return c.body(null, 200);
  }
  return c.redirect(path, 303);
}
