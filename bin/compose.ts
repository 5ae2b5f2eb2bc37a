// Composition for docker-compose.yml: the same network, chaincode, tables and seed as `rehab start`, with each process in
// a container of its own. All containers share one network namespace, so that everything stays on its loopback; only
// the door is published. Never starts or stops a process of another container.
import { spawn } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { migrate, roleUrl } from '../db/migrate.ts';
import type { Organisation } from '../domain/consortium.ts';
import { passOn } from '../engines/doors.ts';
import { startFabric } from '../engines/fabric/network.ts';
import { readPorts } from '../engines/ports.ts';
import { startPostgres } from '../engines/postgres.ts';
import { progressToStderr as progress } from '../engines/progress.ts';
import { engineSettings } from '../engines/settings.ts';
import type { ProcessSpec, Supervisor } from '../engines/supervisor.ts';
import { startTemporal } from '../engines/temporal.ts';
import { EngineTrouble } from '../engines/trouble.ts';
import { agreeOnKeys } from './agreement.ts';
import { seedStarted } from './commands/seed.ts';
import { environment } from './config.ts';
import { logKeyOf, readReplacement } from './log-keys.ts';
import { machineOf, secretsOf } from './machine.ts';
import { finishReplacement } from './replacing.ts';
import { writeRunFile } from './run-file.ts';

/** How to start each process of the network; written by `network`, read in the process's own container. */
const nodesSchema = z.record(
  z.string(),
  z.object({
    command: z.string(),
    args: z.array(z.string()),
    env: z.record(z.string(), z.string()),
    cwd: z.string().optional(),
  }),
);

/** Where docker-compose.yml has each member listen. */
const MEMBERS = {
  administration: 'http://127.0.0.1:9471',
  hospital: 'http://127.0.0.1:9472',
  association: 'http://127.0.0.1:9473',
} as const satisfies Record<Organisation, string>;

const VERBS = ['network', 'run', 'setup', 'door'] as const;
const WAIT_MS = 300_000;

/** `compose.ts VERB DATA-FOLDER [NAME | FROM TO]` */
async function main([verb, folder, ...rest]: readonly string[]): Promise<void> {
  if (folder === undefined)
    throw new EngineTrouble(`compose: say one of ${VERBS.join(', ')} and the data folder.`);
  const dataDir = resolve(folder);
  const [first = '', second = ''] = rest;
  switch (verb) {
    case 'network':
      return await network(dataDir);
    case 'run':
      return await runNode(dataDir, first);
    case 'setup':
      return await setup(dataDir);
    case 'door':
      return await door(Number(first), Number(second));
    default:
      throw new EngineTrouble(`compose: unknown verb ${verb}; say one of ${VERBS.join(', ')}.`);
  }
}

/**
 * The Fabric network's set-up, once per `up`. Writes how each process is started, waits until its container has
 * started it, then makes channel, identities and chaincode with the code of `rehab start`.
 */
async function network(dataDir: string): Promise<void> {
  if (await alreadyUp(dataDir)) return progress('Fabric: the network is up');
  // Processes of an earlier `up` must not be started by an old recipe while this one is being written.
  rmSync(nodesPath(dataDir), { force: true });
  const supervisor: Supervisor = {
    ...notOurs,
    async startAll(specs) {
      writeNodes(dataDir, specs);
      await Promise.all(specs.map(untilReady));
    },
  };
  await startFabric({ dataDir, settings: engineSettings(environment()), supervisor, progress });
  await agreeOnKeys(dataDir, logKeyOf(secretsOf(dataDir).logSeed));
  const cutOff = readReplacement(dataDir);
  if (cutOff !== undefined) await finishReplacement(dataDir, cutOff);
  progress('Fabric: ready');
}

/** Here processes are containers: compose starts, restarts and stops them. */
const notOurs: Supervisor = {
  start: () => Promise.reject(new Error('compose starts the processes')),
  startAll: () => Promise.reject(new Error('compose starts the processes')),
  pids: () => ({}),
  onPidChange: () => () => {},
  stop: async () => {},
  stopAll: async () => {},
};

async function untilReady({ name, ready }: ProcessSpec): Promise<void> {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    try {
      return await ready(AbortSignal.timeout(5_000));
    } catch {
      if (Date.now() > end)
        throw new EngineTrouble(`${name} did not answer: see "docker compose logs ${name}".`);
      await pause(250);
    }
  }
}

/** Runs one process of the network in this container until it ends, and ends as it did. */
async function runNode(dataDir: string, name: string): Promise<void> {
  const end = Date.now() + WAIT_MS;
  let node = readNode(dataDir, name);
  while (node === undefined) {
    if (Date.now() > end)
      throw new EngineTrouble(`Nothing says how to start ${name}: see "docker compose logs network".`);
    await pause(250);
    node = readNode(dataDir, name);
  }
  const { command, args, env, cwd } = node;
  const child = spawn(command, args, { env, stdio: 'inherit', ...(cwd === undefined ? {} : { cwd }) });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill(signal));
  process.exitCode = await new Promise<number>((done, failed) => {
    child.once('error', failed);
    child.once('exit', (code, signal) => done(code ?? (signal === 'SIGTERM' || signal === 'SIGINT' ? 0 : 1)));
  });
}

/** Everything that stands between the engines and our own processes; idempotent, once per `up`. */
async function setup(dataDir: string): Promise<void> {
  const settings = engineSettings(environment());
  const { databaseUrl, temporalAddress } = settings;
  if (databaseUrl === undefined || temporalAddress === undefined) {
    throw new EngineTrouble('compose: setup needs DATABASE_URL (as the owner) and TEMPORAL_ADDRESS.');
  }
  const common = { dataDir, settings, progress };
  const postgres = await startPostgres(common);
  const temporal = await startTemporal(common);
  // Outside, so that no process is looked for: its profile alone is read.
  const profile = join(dataDir, 'fabric', 'profile.json');
  const fabric = await startFabric({
    ...common,
    settings: { ...settings, fabricProfile: profile },
    supervisor: notOurs,
  });
  const { passwords } = secretsOf(dataDir);
  await migrate(postgres.ownerUrl, { passwords });
  await seedStarted(dataDir, {
    databaseUrls: { worker: roleUrl(postgres.ownerUrl, 'worker', passwords) },
    fabricProfile: profile,
  });
  const machine = machineOf(dataDir);
  const { REHAB_PUBLIC_URL: web = 'http://127.0.0.1:3000' } = machine.settings;
  writeRunFile(dataDir, {
    web,
    ops: `http://127.0.0.1:${machine.settings.REHAB_OPS_PORT ?? 9464}`,
    postgres: { owner: postgres.ownerUrl, app: roleUrl(postgres.ownerUrl, 'web', passwords) },
    temporal: temporal.address,
    fabric: { profile, channel: fabric.channel, peers: { ...fabric.peers } },
    members: MEMBERS,
    pids: {}, // each process is pid 1 of its own container
  });
  progress('Database, namespace and people: ready');
}

/** Passes connections from the namespace's outside to a port on its loopback: the only thing that compose publishes. */
async function door(from: number, to: number): Promise<void> {
  await passOn({ port: from }, { port: to, host: '127.0.0.1' });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));
}

const nodesPath = (dataDir: string): string => join(dataDir, 'nodes.json');

function writeNodes(dataDir: string, specs: readonly ProcessSpec[]): void {
  const nodes = Object.fromEntries(
    specs.map(({ name, command, args, env, cwd }) => [name, { command, args, env, cwd }]),
  );
  const partial = `${nodesPath(dataDir)}.partial`;
  writeFileSync(partial, `${JSON.stringify(nodes, null, 2)}\n`, { mode: 0o600 });
  renameSync(partial, nodesPath(dataDir));
}

function readNode(dataDir: string, name: string): z.infer<typeof nodesSchema>[string] | undefined {
  let text: string;
  try {
    text = readFileSync(nodesPath(dataDir), 'utf8');
  } catch {
    return undefined; // not written yet
  }
  const node = nodesSchema.parse(JSON.parse(text))[name];
  if (node === undefined) throw new EngineTrouble(`compose: the network has no process ${name}.`);
  return node;
}

/** Port at which a process of the network shows that it lives: its operations port, or the chaincode's own. */
function portOf(dataDir: string, name: string): number {
  const [, kind = '', organisation = ''] = /^(peer|orderer|ca|chaincode)-(\w+)$/.exec(name) ?? [];
  const port = readPorts(dataDir)[kind === 'chaincode' ? name : `${kind}-operations-${organisation}`];
  if (port === undefined) throw new EngineTrouble(`compose: no port is known for ${name}.`);
  return port;
}

async function demandAnswer(port: number): Promise<void> {
  await new Promise<void>((done, failed) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 2_000 }, () => {
      socket.destroy();
      done();
    });
    socket.once('timeout', () => socket.destroy(new Error('no answer in time')));
    socket.once('error', failed);
  });
}

/** True when the set-up was finished earlier and every process answers: "up" was said again over a running stack. */
async function alreadyUp(dataDir: string): Promise<boolean> {
  try {
    readFileSync(join(dataDir, 'fabric', 'set-up.json'));
    const nodes = nodesSchema.parse(JSON.parse(readFileSync(nodesPath(dataDir), 'utf8')));
    await Promise.all(Object.keys(nodes).map((name) => demandAnswer(portOf(dataDir, name))));
    return true;
  } catch {
    return false;
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
