// Test support: a Hono application on a free loopback port, for tests that need a real browser in front of it.
// Ends with `close()`; holds no state.
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import type { Hono } from 'hono';

export type Served = { url: string; close: () => Promise<void> };

/** Listens on 127.0.0.1, port chosen by the system. */
export async function serveOnLoopback(app: Hono): Promise<Served> {
  return new Promise((resolve) => {
    const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, (info: AddressInfo) =>
      resolve({
        url: `http://127.0.0.1:${info.port}`,
        close: () =>
          new Promise((done, fail) => {
            if ('closeAllConnections' in server) server.closeAllConnections();
            server.close((error) => (error ? fail(error) : done()));
          }),
      }),
    );
  });
}
