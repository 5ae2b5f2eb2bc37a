// Station 1, web: the app. Built by a function, never listens by itself. Order of what a request meets: number, headers,
// one spelling of its path, same origin, session, then its route with its guard.
import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import { refuse } from '../domain/refusal.ts';
import { assetRoutes } from './assets/manifest.ts';
import type { WebDeps, WebEnv } from './deps.ts';
import { onePath, sameOrigin, withSession } from './guard.ts';
import { CONTENT_SECURITY_POLICY } from './layout.tsx';
import { inTime, REQUEST_MS, within } from './limits.ts';
import { logRoutes } from './log/routes.ts';
import { Notice } from './parts/notice.tsx';
import { pageAnswer, refusedPage, unavailable, wordsFor } from './respond.tsx';
import type { RouteLine } from './routes.ts';
import { subjects } from './subjects.ts';

/** How long the page of an outage may look for its frame, which needs Postgres; then its words go without, milliseconds. */
const FRAME_MS = 2000;

/** The app with the list of its routes. */
export function createApp(deps: WebDeps): {
  readonly app: Hono<WebEnv>;
  readonly lines: readonly RouteLine[];
} {
  const app = new Hono<WebEnv>();
  const lines: RouteLine[] = [];

  app.use(async (c, next) => {
    c.set('requestId', randomUUID());
    await next();
    c.header('X-Request-Id', c.var.requestId);
    // Behind sign-in nothing is kept anywhere; assets set their own header.
    if (!c.res.headers.has('Cache-Control')) c.header('Cache-Control', 'no-store');
  });
  app.use(
    secureHeaders({
      strictTransportSecurity: 'max-age=31536000; includeSubDomains',
      referrerPolicy: 'same-origin',
      xFrameOptions: 'DENY',
      crossOriginOpenerPolicy: 'same-origin',
      crossOriginResourcePolicy: 'same-origin',
    }),
  );
  app.use(async (c, next) => {
    await next();
    c.header('Content-Security-Policy', CONTENT_SECURITY_POLICY);
  });
  app.use(inTime(deps.settings.requestMs ?? REQUEST_MS));
  app.use(onePath);
  app.use(sameOrigin(deps.settings.publicUrl));

  app.get('/healthz', (c) => c.text('ok'));
  app.get('/readyz', async (c) => {
    const { postgres } = await deps.health();
    return postgres ? c.text('ready') : c.text('not ready', 503);
  });
  app.route('/', assetRoutes());

  // Before the session: whoever reads the log is nobody to us, and reading it is no sign of life of a person.
  const log = logRoutes(deps);
  lines.push(...log.lines);
  app.route('/', log.app);

  app.use(withSession(deps, (c) => c.req.path !== '/live'));
  const declared = subjects.map((subject) => subject(deps));
  lines.push(...declared.flatMap((subject) => subject.lines));
  // Before the subjects: `/cases/:id` would take `/cases/find` for a case.
  for (const [path, depth] of answersOf(lines))
    app.get(path, (c) => c.redirect(new URL(c.req.url).pathname.split('/', depth).join('/') || '/', 303));
  for (const subject of declared) app.route('/', subject.app);

  app.notFound(async (c) => await refusedPage(c, deps, refuse('unknown')));
  app.onError(async (error, c) => {
    deps.note({ requestId: c.var.requestId, path: c.req.routePath, error });
    const down = isOutage(error);
    try {
      if (down) return await within(FRAME_MS, unavailable(c, deps));
      const t = wordsFor(c, deps);
      return await pageAnswer(
        c,
        deps,
        { title: t.errors.bugTitle, error: true },
        <Notice tone="late">
          <p>{t.errors.bug}</p>
          <p class="meta">{t.words.requestNumber(c.var.requestId)}</p>
        </Notice>,
        500,
      );
    } catch {
      // The page itself needs Postgres for its frame; then the words and the number have to do.
      const { errors, marks } = wordsFor(c, deps);
      const words = down ? `${errors.downTitle}${marks.stop}${errors.down}` : errors.bug;
      return c.text(`${words}\n${c.var.requestId}`, down ? 503 : 500, { 'Retry-After': '5' });
    }
  });
  return { app, lines };
}

/**
 * Addresses that only forms are sent to, each with how many parts of it are the nearest page above. The answer to a form stands at
 * such an address: whoever loads it anew, comes back to it or changes the language there comes to that page.
 */
function answersOf(lines: readonly RouteLine[]): [path: string, depth: number][] {
  const pages = new Set(lines.filter(({ method }) => method === 'GET').map(({ path }) => path));
  return lines
    .filter(({ path }) => !pages.has(path))
    .map(({ path }) => {
      const parts = path.split('/');
      while (parts.length > 1 && !pages.has(parts.join('/'))) parts.pop();
      return [path, parts.length];
    });
}

/**
 * Whether a fault says that Postgres cannot be reached, does not answer in time or has no space, that a file finds none, or that
 * nothing can be signed now, rather than that we are wrong.
 */
function isOutage(error: unknown): boolean {
  for (let e = error; e instanceof Error; e = e.cause) {
    const code = String((e as { code?: unknown }).code ?? '');
    if (
      /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|CONNECTION_\w+|CONNECT_TIMEOUT|08\w{3}|57P0\d|57014|55P03|53[123]00|58030|ENOSPC|EDQUOT)$/.test(
        code,
      )
    )
      return true;
    if (/contended/.test(e.message) || e.name === 'CertificateEnded') return true;
  }
  return false;
}
