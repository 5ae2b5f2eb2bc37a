// Engines: which port each part listens on. A port asked for is used or refused; a port of our own choosing is
// remembered in the data folder, so that addresses stay the same over restarts. Only ever looks at 127.0.0.1.
import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Progress } from './progress.ts';
import { EngineTrouble } from './trouble.ts';

export interface PortChoice {
  readonly dataDir: string;
  /** Under which the port is remembered, and what messages call it: "web", "postgres", "peer-hospital". */
  readonly name: string;
  /** A port that the person asked for, and with what ("--port", "REHAB_POSTGRES_PORT"). */
  readonly asked?: { readonly port: number; readonly by: string } | undefined;
  /** Taken when it is free and none is remembered. */
  readonly preferred?: number;
  /** True when other things rely on the remembered port, so that another one cannot be chosen. */
  readonly fixed?: boolean;
  readonly progress: Progress;
}

/** Chooses the port and remembers it. Throws EngineTrouble when a port that must be had is in use. */
export async function choosePort(choice: PortChoice): Promise<number> {
  const { dataDir, name, asked, preferred, fixed, progress } = choice;
  if (asked !== undefined) {
    if (!(await isFree(asked.port))) {
      throw new EngineTrouble(
        `Port ${asked.port} for ${name} is already in use: stop the program that listens there, or choose another port with ${asked.by}.`,
      );
    }
    return asked.port;
  }
  const remembered = readPorts(dataDir)[name];
  if (remembered !== undefined) {
    if (await isFree(remembered)) return remembered;
    if (fixed) {
      throw new EngineTrouble(
        `Port ${remembered} for ${name} is in use by another program, and the network's own configuration names it: stop that program and start again.`,
      );
    }
    progress(`${name}: port ${remembered} is in use by another program, choosing another`);
  }
  const port =
    preferred !== undefined && (await isFree(preferred)) ? preferred : await freePort(readPorts(dataDir));
  remember(dataDir, name, port);
  return port;
}

/** True when nothing listens on this port of 127.0.0.1. */
export async function isFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/** Ports that this process chose, whether or not somebody listens there yet. */
const handedOut = new Set<number>();

/**
 * A free port below the range from which systems take the near end of outgoing connections (32768 on Linux,
 * 49152 elsewhere): a port from that range may be somebody's outgoing connection at the next restart.
 */
async function freePort(taken: Readonly<Record<string, number>>): Promise<number> {
  const used = new Set(Object.values(taken));
  for (let tries = 0; tries < 200; tries += 1) {
    const port = randomInt(20_000, 32_000);
    if (used.has(port) || handedOut.has(port)) continue;
    handedOut.add(port); // before the wait below, in which another part may be choosing
    if (await isFree(port)) return port;
  }
  throw new EngineTrouble('No free port was found between 20000 and 32000 on 127.0.0.1: stop some programs.');
}

const PORTS = 'ports.json';

/** The ports that earlier starts chose, by name. */
export function readPorts(dataDir: string): Record<string, number> {
  try {
    const value: unknown = JSON.parse(readFileSync(join(dataDir, PORTS), 'utf8'));
    const ports = Object.entries(value ?? {}).filter((entry): entry is [string, number] =>
      Number.isInteger(entry[1]),
    );
    return Object.fromEntries(ports);
  } catch {
    return {}; // none chosen yet, or a damaged file: ports are chosen anew, no data depends on them
  }
}

function remember(dataDir: string, name: string, port: number): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const partial = join(dataDir, `.${PORTS}.partial`);
  writeFileSync(partial, `${JSON.stringify({ ...readPorts(dataDir), [name]: port }, null, 2)}\n`, {
    mode: 0o600,
  });
  renameSync(partial, join(dataDir, PORTS));
}
