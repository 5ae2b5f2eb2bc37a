// Station 1, web: how routes are declared, so that each names one action of the permission table (A1) and a test can walk
// them all. A route without a permission is public and says so.

import type { Context } from 'hono';
import { Hono } from 'hono';
import type { Permission } from '../domain/permissions.ts';
import type { WebDeps, WebEnv } from './deps.ts';
import { guard } from './guard.ts';

export interface RouteLine {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** One action of the permission table; of several, any one lets a request through to what tells them apart. */
  readonly permission: Permission | readonly Permission[] | 'public' | 'signed-in';
}

type Handler = (c: Context<WebEnv>) => Promise<Response> | Response;

/** A folder's routes: declares them on a Hono app and keeps their list. */
export function routes(deps: WebDeps) {
  const app = new Hono<WebEnv>();
  const lines: RouteLine[] = [];
  const declare =
    (method: 'GET' | 'POST') => (path: string, permission: RouteLine['permission'], handler: Handler) => {
      lines.push({ method, path, permission });
      const checks =
        permission === 'public' ? [] : [guard(deps, permission === 'signed-in' ? 'sign-in' : permission)];
      app.on(method, [path], ...checks, handler);
    };
  return { app, lines, get: declare('GET'), post: declare('POST') };
}
export type Routes = ReturnType<typeof routes>;
