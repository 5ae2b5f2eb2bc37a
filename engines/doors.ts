// Engines: a network of its own for a process, with nothing in it but doors that somebody made: each door is a socket file
// through which one port of this machine is reached. So a member reaches its peer, its authority and the published log,
// and has no way to Postgres or Temporal. Linux, as root, with unshare, ip and setpriv; elsewhere there are no doors.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { connect, createServer, type NetConnectOpts, type Socket } from 'node:net';
import { join } from 'node:path';
import type { ProcessSpec } from './supervisor.ts';
import type { SystemUser } from './users.ts';

const HOST = '127.0.0.1';
/** unix(7): a socket's path has at most 107 bytes. */
const LONGEST_PATH = 107;

/** The system's programs that make such a network, by their paths. */
export interface NetworkTools {
  readonly unshare: string;
  readonly ip: string;
  readonly setpriv: string;
}

/** The tools, when this machine has them and lets us; else undefined. */
export function networkTools(): NetworkTools | undefined {
  const [unshare, ip, setpriv] = ['unshare', 'ip', 'setpriv'].map((name) =>
    ['/usr/bin', '/usr/sbin', '/bin', '/sbin'].map((folder) => join(folder, name)).find(existsSync),
  );
  if (unshare === undefined || ip === undefined || setpriv === undefined) return undefined;
  const tried = spawnSync(unshare, ['--net', '--', ip, 'link', 'set', 'lo', 'up'], { stdio: 'ignore' });
  return tried.status === 0 ? { unshare, ip, setpriv } : undefined;
}

/** The same process as that user in a network of its own; the command's pid stays the process's. */
export function withoutNetwork(spec: ProcessSpec, user: SystemUser, tools: NetworkTools): ProcessSpec {
  const { user: _, ...rest } = spec;
  const script = '"$0" link set lo up && exec "$@"';
  const dropped = ['--reuid', String(user.uid), '--regid', String(user.gid)];
  return {
    ...rest,
    command: tools.unshare,
    args: [
      ...['--net', '--', '/bin/sh', '-c', script, tools.ip],
      ...[tools.setpriv, ...dropped, '--clear-groups', '--no-new-privs', '--', spec.command, ...spec.args],
    ],
  };
}

/** True when sockets in this folder have names that the system takes. */
export const mayHoldDoors = (folder: string): boolean =>
  Buffer.byteLength(outward(folder, 65_535)) <= LONGEST_PATH;

/**
 * The machine's side: whoever has the folder reaches `ports` of this machine through it, and `inward`, a port of this
 * machine, leads to the process behind the doors. Gives how to close them.
 */
export async function openDoors(
  folder: string,
  { ports, inward: port }: { readonly ports: readonly number[]; readonly inward: number },
  { uid, gid }: SystemUser,
): Promise<Close> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const closers = await Promise.all([
    ...ports.map((to) => passOn({ path: outward(folder, to) }, { port: to, host: HOST })),
    passOn({ port, host: HOST }, { path: inward(folder) }),
  ]);
  for (const to of ports) {
    chownSync(outward(folder, to), uid, gid);
    chmodSync(outward(folder, to), 0o600);
  }
  chownSync(folder, uid, gid);
  return () => closers.forEach((close) => void close());
}

/**
 * The other side, in the network that has nothing: the doors' ports are there, and `port` here is reached from outside.
 * Gives how to close them.
 */
export async function standBehindDoors(folder: string, port: number): Promise<Close> {
  const ports = readdirSync(folder).flatMap((name) => /^to-(\d+)$/.exec(name)?.[1] ?? []);
  rmSync(inward(folder), { force: true });
  const closers = await Promise.all([
    ...ports.map((to) => passOn({ port: Number(to), host: HOST }, { path: outward(folder, Number(to)) })),
    passOn({ path: inward(folder) }, { port, host: HOST }),
  ]);
  return () => closers.forEach((close) => void close());
}

const outward = (folder: string, port: number): string => join(folder, `to-${port}`);
const inward = (folder: string): string => join(folder, 'in');

/** Ends what was listened for, and every connection that passes. */
export type Close = () => void;

/** Listens at one place and passes each connection on to another. */
export async function passOn(
  from: { readonly port: number; readonly host?: string } | { readonly path: string },
  to: NetConnectOpts,
): Promise<Close> {
  const open = new Set<Socket>();
  const server = createServer((outside) => {
    const inside = connect(to);
    for (const socket of [outside, inside]) {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
    }
    outside.pipe(inside).pipe(outside);
    outside.on('error', () => inside.destroy());
    inside.on('error', () => outside.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(from, resolve);
  });
  return () => {
    server.close();
    for (const socket of open) socket.destroy();
  };
}
