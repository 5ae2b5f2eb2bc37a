// Test support: a web world behind a real port on loopback, for browsers and for our own commands. The port is known only once it
// listens, so the app is made for it then. Ends with the world.
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { createWebWorld, type WebWorld, type WebWorldOptions } from './web-world.ts';

/** The world, and the address it is served at. */
export async function createServedWorld(
  options: Omit<WebWorldOptions, 'origin'> = {},
): Promise<{ world: WebWorld; url: string; close: () => Promise<void> }> {
  const holder: { fetch?: (request: Request) => Response | Promise<Response> } = {};
  const { server, url } = await new Promise<{ server: ReturnType<typeof serve>; url: string }>((resolve) => {
    const made = serve(
      {
        fetch: (request) => holder.fetch?.(request) ?? new Response(null, { status: 503 }),
        hostname: '127.0.0.1',
        port: 0,
      },
      (info: AddressInfo) => resolve({ server: made, url: `http://127.0.0.1:${info.port}` }),
    );
  });
  const world = await createWebWorld({ ...options, origin: url });
  holder.fetch = (request) => world.app.fetch(request);
  return {
    world,
    url,
    async close() {
      if ('closeAllConnections' in server) server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await world.close();
    },
  };
}
