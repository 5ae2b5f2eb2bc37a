// Engines: choosing ports. A port asked for is used or refused; a chosen one stays the same from start to start.
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { choosePort, isFree } from '../../engines/ports.ts';
import { silent } from '../../engines/progress.ts';
import { temporaryFolder } from '../support/engines.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const servers: Server[] = [];

beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.close();
    await once(server, 'close');
  }
  await folder.remove();
});

async function occupy(port = 0, host = '127.0.0.1'): Promise<number> {
  const server = createServer();
  servers.push(server);
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

const choice = () => ({ dataDir: folder.path, name: 'web', progress: silent });

test('a port asked for and in use: one sentence that names it and what to do', async () => {
  const port = await occupy();
  await expect(choosePort({ ...choice(), asked: { port, by: '--port' } })).rejects.toThrow(
    `Port ${port} for web is already in use: stop the program that listens there, or choose another port with --port.`,
  );
});

test('a program that listens on all addresses counts as well', async () => {
  const port = await occupy(0, '0.0.0.0');
  expect(await isFree(port)).toBe(false);
});

test('the chosen port is remembered', async () => {
  const port = await choosePort(choice());
  expect(await choosePort(choice())).toBe(port);
});

test('the preferred port is taken when it is free, passed over when it is not', async () => {
  const taken = await occupy();
  expect(await choosePort({ ...choice(), preferred: taken })).not.toBe(taken);
});

test('a remembered port that somebody else took is replaced, with a word about it', async () => {
  const port = await choosePort(choice());
  await occupy(port);
  const lines: string[] = [];
  expect(await choosePort({ ...choice(), progress: (line) => lines.push(line) })).not.toBe(port);
  expect(lines).toEqual([`web: port ${port} is in use by another program, choosing another`]);
});

test('a remembered port that other things rely on is refused instead', async () => {
  const port = await choosePort({ ...choice(), fixed: true });
  await occupy(port);
  await expect(choosePort({ ...choice(), fixed: true })).rejects.toThrow(
    `Port ${port} for web is in use by another program`,
  );
});

test('two parts never get one port', async () => {
  const names = Array.from({ length: 20 }, (_, index) => `part-${index}`);
  const ports = await Promise.all(names.map((name) => choosePort({ ...choice(), name })));
  expect(new Set(ports).size).toBe(names.length);
});
