// Engines, Fabric: the twelve processes of the network as the supervisor wants them.
// Promise: each starts from its organisation's own folder, and is ready when it answers, not when it was started.
// Never passes a secret in arguments or environment: programs read their own files.
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import type { ProcessSpec } from '../supervisor.ts';
import { giveTo, runnableBy, type Users } from '../users.ts';
import type { ChaincodeProgram } from './chaincode-program.ts';
import { fillTemplate, writePrivately } from './configuration.ts';
import { connectionPath, fabricPaths, HOST, organisationPaths, type Ports, valuesOf } from './layout.ts';
import type { Programs } from './programs.ts';

export type NodeKind = 'ca' | 'orderer' | 'peer' | 'chaincode';

/** Warnings alone, without colours: one line per event. */
const LOGGING = {
  FABRIC_LOGGING_SPEC: 'warning:orderer.consensus.etcdraft=info',
  FABRIC_LOGGING_FORMAT: '%{time:2006-01-02T15:04:05.000Z07:00} %{level} %{module} %{message}',
};

export type NodeOptions = {
  readonly dataDir: string;
  readonly ports: Ports;
  readonly programs: Programs;
  readonly chaincode: ChaincodeProgram;
  /** Each organisation's processes and files are its own user's, where there are such users. */
  readonly users: Users | undefined;
  /** Where sh and cp are, for the builder's three scripts. */
  readonly path: string;
  /** Secret of the CA's registrar, from the organisation's own folder. */
  readonly registrarSecret: (organisation: Organisation) => Promise<string>;
};

/** Name of a process in the supervisor, in `run.json` and of its log. */
export function nodeName(kind: NodeKind, organisation: Organisation): string {
  return `${kind}-${organisation}`;
}

/** Writes every program's configuration and gives all processes; only the order within `after` matters. */
export async function networkNodes(options: NodeOptions): Promise<ProcessSpec[]> {
  const { peer, orderer, 'fabric-ca-server': ca } = options.programs;
  const running = { peer, orderer, 'fabric-ca-server': ca };
  const users = ORGANISATIONS.flatMap((organisation) => options.users?.[organisation] ?? []);
  const programs = { ...options.programs, ...(await runnableBy(users, running)) };
  const specs = await Promise.all(
    ORGANISATIONS.map((organisation) => organisationNodes(organisation, { ...options, programs })),
  );
  return specs.flat();
}

async function organisationNodes(organisation: Organisation, options: NodeOptions): Promise<ProcessSpec[]> {
  const { dataDir, programs, chaincode } = options;
  const user = options.users?.[organisation];
  const ports = options.ports[organisation];
  const paths = organisationPaths(dataDir, organisation);
  const values = {
    ...valuesOf(dataDir, organisation, options.ports),
    REGISTRAR_SECRET: await options.registrarSecret(organisation),
  };
  await writePrivately(join(paths.peer, 'core.yaml'), await fillTemplate('core.yaml', values));
  await writePrivately(join(paths.orderer, 'orderer.yaml'), await fillTemplate('orderer.yaml', values));
  await writePrivately(join(paths.ca, 'fabric-ca-server-config.yaml'), await fillTemplate('ca.yaml', values));
  await mkdir(paths.chaincode, { recursive: true, mode: 0o700 });
  if (user !== undefined) giveTo(paths.folder, user);

  const spec = (kind: NodeKind, rest: Omit<ProcessSpec, 'name' | 'logPath'>): ProcessSpec => {
    const name = nodeName(kind, organisation);
    const logPath = join(fabricPaths(dataDir).logs, `${name}.log`);
    return { name, logPath, readyWithinMs: 60_000, ...(user === undefined ? {} : { user }), ...rest };
  };
  return [
    spec('ca', {
      command: programs['fabric-ca-server'],
      args: ['start', '--home', paths.ca],
      env: { PATH: options.path, HOME: paths.ca },
      cwd: paths.ca,
      ready: healthy(ports['ca-operations']),
    }),
    spec('orderer', {
      command: programs.orderer,
      args: [],
      env: { PATH: options.path, FABRIC_CFG_PATH: paths.orderer, ...LOGGING },
      cwd: paths.orderer,
      ready: healthy(ports['orderer-operations']),
    }),
    spec('chaincode', {
      command: process.execPath,
      // The heap's limit is what makes V8 collect early: a batch at its limit needs about 60 MB.
      args: ['--max-old-space-size=256', chaincode.bundlePath],
      env: {
        PATH: options.path,
        CHAINCODE_ID: chaincode.packageId,
        CHAINCODE_ADDRESS: `${HOST}:${ports.chaincode}`,
        CHAINCODE_TLS_KEY: join(paths.chaincodeTls, 'server.key'),
        CHAINCODE_TLS_CERT: join(paths.chaincodeTls, 'server.crt'),
        CHAINCODE_TLS_CLIENT_CA: join(paths.chaincodeTls, 'ca.crt'),
        CORE_CHAINCODE_LOGGING_LEVEL: 'warn',
        CORE_CHAINCODE_LOGGING_SHIM: 'warn',
      },
      cwd: paths.chaincode,
      ready: listening(ports.chaincode),
    }),
    spec('peer', {
      command: programs.peer,
      args: ['node', 'start'],
      env: {
        PATH: options.path,
        FABRIC_CFG_PATH: paths.peer,
        ...LOGGING,
        REHAB_CHAINCODE_CONNECTION: connectionPath(dataDir, organisation),
      },
      cwd: paths.peer,
      ready: healthy(ports['peer-operations']),
    }),
  ];
}

/** Fabric's own health endpoint, on loopback. */
function healthy(port: number): ProcessSpec['ready'] {
  return async (signal) => {
    const response = await fetch(`http://${HOST}:${port}/healthz`, { signal });
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`health status ${response.status}`);
  };
}

/** A program without a health endpoint is ready when it takes a connection; whether it works, an endorsement shows. */
function listening(port: number): ProcessSpec['ready'] {
  return (signal) =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: HOST, signal }, () => {
        socket.destroy();
        resolve();
      });
      socket.once('error', reject);
    });
}
