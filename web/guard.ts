// Station 1, web: what a request must be before any route sees it: one spelling of its path (N6), proof of same origin
// for a change (N1), a session, and a role that may do what the route names (A1). Refusals are recorded.
import { randomUUID } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { allows, type Permission } from '../domain/permissions.ts';
import { refuse } from '../domain/refusal.ts';
import type { Session, WebDeps, WebEnv } from './deps.ts';
import { recordRefusal } from './recorded.ts';
import { refusedPage, signedOut } from './respond.tsx';
import { sessionOf } from './session.ts';

/** Refuses paths with more than one spelling: empty segments, encoded slashes and dots, backslashes. */
export const onePath: MiddlewareHandler<WebEnv> = async (c, next) => {
  const target = c.env?.incoming?.url ?? new URL(c.req.url).pathname;
  const path = target.split('?')[0] ?? '';
  if (!path.startsWith('/') || /\/\/|\\|%2f|%5c|%2e|%25|%00|\/\.{1,2}(\/|$)/i.test(path))
    return c.text('400', 400);
  return await next();
};

/** A change needs proof that it came from a page of ours, whatever its content type. */
export function sameOrigin(publicUrl: URL): MiddlewareHandler<WebEnv> {
  return async (c, next) => {
    const method = c.req.method;
    if (method === 'GET' || method === 'HEAD') return await next();
    if (method !== 'POST') return c.text('405', 405);
    const site = c.req.header('sec-fetch-site');
    const proof = site !== undefined ? site === 'same-origin' : c.req.header('origin') === publicUrl.origin;
    if (!proof) return c.text('403', 403);
    return await next();
  };
}

/** Reads the session once for the request. */
export function withSession(
  deps: WebDeps,
  active: (c: Context<WebEnv>) => boolean,
): MiddlewareHandler<WebEnv> {
  return async (c, next) => {
    c.set('session', await sessionOf(c, deps, active(c)));
    return await next();
  };
}

/** Lets a request through that may do what the route names; otherwise 401 or 403, the latter recorded. */
export function guard(
  deps: WebDeps,
  permission: Permission | readonly Permission[],
): MiddlewareHandler<WebEnv> {
  const any = typeof permission === 'string' ? [permission] : permission;
  const [named = 'sign-in'] = any;
  return async (c, next) => {
    const { session } = c.var;
    if (!session) return signedOut(c, deps);
    if (!any.some((one) => allows(session.role, one))) {
      const refusal = refuse('wrong-role', { detail: { action: named } });
      await recordRefusal(deps.recorder, `refusal-${randomUUID()}`, session, named, refusal, {});
      // Which of several it would have been is not known here, so neither is who may.
      return await refusedPage(c, deps, any.length === 1 ? refusal : refuse('wrong-role'));
    }
    return await next();
  };
}

/** The session of a guarded route. */
export function signedIn(c: Context<WebEnv>): Session {
  const { session } = c.var;
  if (!session) throw new Error('route is not guarded');
  return session;
}
