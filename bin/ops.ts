// Composition: a process's own port for operations: alive or not, and its metrics. Status only to strangers; never a
// version, never a person (SECURITY.md R3).
import { createServer } from 'node:http';
import type { Logger } from 'pino';

export interface Ops {
  close(): Promise<void>;
}

/** Serves `/healthz` and `/metrics` on 127.0.0.1; nothing when no port is set. `metrics` gives Prometheus text lines. */
export async function serveOps(
  port: number | undefined,
  log: Logger,
  metrics: () => string | Promise<string> = () => '',
): Promise<Ops> {
  if (!port) return { close: async () => undefined };
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      if (request.url === '/healthz') response.end('ok');
      else if (request.url === '/metrics') {
        const { rss, heapUsed } = process.memoryUsage();
        response.setHeader('Content-Type', 'text/plain; version=0.0.4');
        response.end(
          `process_resident_memory_bytes ${rss}\nprocess_heap_bytes ${heapUsed}\n${await metrics()}`,
        );
      } else response.writeHead(404).end();
    };
    answer().catch(() => response.writeHead(500).end());
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  log.debug({ port }, 'operations port is open');
  return { close: () => new Promise((resolve) => server.close(() => resolve())) };
}
