// Engines, Fabric: the three organisations' network on one machine, from nothing or from its own data folder.
// Promise: what it returns works, since one endorsement by all three was asked through each of the three gateways.
// Never starts over: data that is there is used or refused, and a set-up that was cut off is finished.
import { chmodSync, chownSync, mkdirSync, readdirSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CHANNEL, ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { awaitEndorsements } from '../../ledger/fabric/client.ts';
import { readFabricProfile } from '../../ledger/fabric/profile.ts';
import { readPorts } from '../ports.ts';
import type { Progress } from '../progress.ts';
import type { EngineSettings } from '../settings.ts';
import type { ProcessSpec, Supervisor } from '../supervisor.ts';
import { EngineTrouble } from '../trouble.ts';
import { giveTo, letThrough, type Users } from '../users.ts';
import { bundleChaincode, type ChaincodeBundle, packChaincode } from './chaincode-program.ts';
import {
  awaitSnapshots,
  type ChannelOptions,
  ensureChaincode,
  ensureGenesis,
  ensureJoined,
  leaderIsChosen,
} from './channel.ts';
import { makePrivate, writePrivately } from './configuration.ts';
import { choosePorts, fabricPaths, HOST, organisationPaths, type Ports } from './layout.ts';
import {
  ensureIdentities,
  ensureMaterial,
  registrarSecret,
  writeMemberProfile,
  writeProfile,
} from './material.ts';
import { networkNodes } from './nodes.ts';
import { findFabricPrograms } from './programs.ts';

export type FabricOptions = {
  /** The whole data folder; Fabric's part is `fabric/` in it. */
  readonly dataDir: string;
  readonly settings: EngineSettings;
  readonly supervisor: Supervisor;
  readonly progress: Progress;
  /** System users of the organisations, when the machine can keep them apart. */
  readonly users?: Users | undefined;
  /** Another version of the chaincode than today's sources. */
  readonly chaincode?: ChaincodeBundle;
};

export type Fabric = {
  /** Path of the profile file that clients read. */
  readonly profile: string;
  readonly channel: string;
  /** HOST:PORT of each organisation's peer. */
  readonly peers: Readonly<Record<Organisation, string>>;
  /** Names of our processes in the supervisor; none with an outside network. */
  readonly processes: readonly string[];
  /** Renews what nears its end while everything runs, under the same keys; says which. An outside network renews its own. */
  renew(): Promise<readonly string[]>;
  /** Stops our processes; an outside network goes on. */
  stop(): Promise<void>;
};

const READY_WITHIN_MS = 90_000;
/** An election takes 2 to 4 s on an idle machine. */
const LEADER_WITHIN_MS = 20_000;
const LEADER_TRIES = 4;

/** What the finished set-up keeps in `set-up.json`. */
type SetUp = { readonly channel: string; readonly packageId: string };

/**
 * Starts the network, or takes the outside one that the settings name.
 * First start: material, first block, processes, channel, identities, chaincode, marker. Later: processes alone.
 * Leftovers of a killed run must be stopped before (`stopOrphans`). Throws EngineTrouble with what to do.
 */
export async function startFabric(options: FabricOptions): Promise<Fabric> {
  const { dataDir, settings, supervisor, progress, users } = options;
  if (settings.fabricProfile !== undefined) return outsideNetwork(settings.fabricProfile);
  const paths = fabricPaths(dataDir);
  const programs = await findFabricPrograms(settings, progress);
  const done = await readSetUp(paths.marker);
  const ports = await choosePorts(dataDir, await exists(paths.genesis), progress);
  const chaincode = await packChaincode(paths.chaincode, options.chaincode ?? (await bundleChaincode()));
  if (users !== undefined) openTheWay(dataDir);
  if (done === undefined) progress('Fabric: setting up three organisations and their channel, about 20 s');

  for (const organisation of ORGANISATIONS) await ensureMaterial(organisation, { dataDir, ports, programs });
  const channel = { dataDir, ports, programs, progress };
  await ensureGenesis(channel);
  const nodes = await networkNodes({
    dataDir,
    ports,
    programs,
    chaincode,
    users,
    path: settings.environment.PATH ?? '/usr/bin:/bin',
    registrarSecret: (organisation) => registrarSecret(dataDir, organisation),
  });
  const fabric = running(options, nodes, ports);
  try {
    await supervisor.startAll(nodes);
    for (const organisation of ORGANISATIONS) {
      // The CA's own program makes keys that others could read, were it not for the folder above them.
      await makePrivate(organisationPaths(dataDir, organisation).ca);
      await ensureIdentities(dataDir, organisation, ports[organisation].ca);
      await writeMemberProfile(dataDir, organisation, ports);
    }
    await writeProfile(dataDir, ports);
    if (users !== undefined) giveAway(dataDir, users);
    if (done === undefined) {
      progress('Fabric: joining the channel');
      await ensureJoined(channel);
    }
    await ensureLeader(options, nodes, channel);
    if (done?.packageId !== chaincode.packageId) {
      progress(
        done === undefined
          ? 'Fabric: installing and approving the chaincode at each organisation'
          : 'Fabric: the chaincode is another than at the last start; each organisation approves it, and all data are kept',
      );
      await ensureChaincode(channel, chaincode);
    }
    await awaitEndorsements(readFabricProfile(paths.profile), { withinMs: READY_WITHIN_MS });
    if (done === undefined) await awaitSnapshots(channel, READY_WITHIN_MS);
    const setUp: SetUp = { channel: CHANNEL, packageId: chaincode.packageId };
    // From here a start only starts; before, it looks at each step.
    if (done?.packageId !== chaincode.packageId)
      await writePrivately(paths.marker, `${JSON.stringify(setUp)}\n`);
    return fabric;
  } catch (error) {
    await fabric.stop();
    throw error;
  }
}

/** Each organisation's user may walk to its own folders, and everybody may read the program and the public roots. */
function openTheWay(dataDir: string): void {
  const { root, organisations, chaincode, roots } = fabricPaths(dataDir);
  const members = join(dataDir, 'members');
  for (const folder of [root, organisations, members]) letThrough(folder);
  for (const folder of [chaincode, roots]) openToReaders(folder);
}

/** What was made by us in the folders of others becomes theirs. */
function giveAway(dataDir: string, users: Users): void {
  const { operator, profile, roots } = fabricPaths(dataDir);
  for (const organisation of ORGANISATIONS) {
    const { folder, member } = organisationPaths(dataDir, organisation);
    giveTo(folder, users[organisation]);
    giveTo(member, users[organisation]);
  }
  giveTo(operator, users.operator);
  chownSync(profile, users.operator.uid, users.operator.gid);
  openToReaders(roots);
}

function openToReaders(folder: string): void {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
}

/**
 * Waits for a leader, and starts the orderers anew when there is none: a set-up that was cut off before the first
 * snapshot can leave them hanging (see awaitSnapshots). Their data is not touched.
 */
async function ensureLeader(
  { supervisor, progress }: FabricOptions,
  nodes: readonly ProcessSpec[],
  channel: ChannelOptions,
): Promise<void> {
  const orderers = nodes.filter(({ name }) => name.startsWith('orderer-'));
  for (let tries = 0; tries < LEADER_TRIES; tries += 1) {
    if (await leaderIsChosen(channel, LEADER_WITHIN_MS)) return;
    progress('Fabric: the orderers chose no leader, starting them anew');
    await Promise.all(orderers.map(({ name }) => supervisor.stop(name)));
    await supervisor.startAll(orderers);
  }
  throw new EngineTrouble(
    'Fabric: the orderers chose no leader: see logs/orderer-*.log in the data folder, and start again.',
  );
}

function running(
  { dataDir, supervisor }: FabricOptions,
  nodes: readonly ProcessSpec[],
  ports: Ports,
): Fabric {
  const processes = nodes.map(({ name }) => name);
  return {
    profile: fabricPaths(dataDir).profile,
    channel: CHANNEL,
    peers: byOrganisation((organisation) => `${HOST}:${ports[organisation].peer}`),
    processes,
    renew: () => renewIdentities(dataDir),
    async stop() {
      // Peers first: they are the callers of the others.
      const peers = processes.filter((name) => name.startsWith('peer-'));
      await Promise.all(peers.map((name) => supervisor.stop(name)));
      await Promise.all(processes.map((name) => supervisor.stop(name)));
    },
  };
}

/**
 * Has the identities of processes and members certified anew that have less than 30 days left, and registrars with them. Their
 * authorities must be up. Processes go on under the new certificates by themselves. Gives their names.
 */
export async function renewIdentities(dataDir: string): Promise<readonly string[]> {
  const ports = readPorts(dataDir);
  const renewed: string[] = [];
  for (const organisation of ORGANISATIONS) {
    const port = ports[`ca-${organisation}`];
    if (port === undefined)
      throw new EngineTrouble(
        'The network is not one of this machine: have its identities renewed at its own authorities.',
      );
    renewed.push(...(await ensureIdentities(dataDir, organisation, port)));
  }
  return renewed;
}

function outsideNetwork(path: string): Fabric {
  const profile = readFabricProfile(path);
  return {
    profile: path,
    channel: profile.channel,
    peers: byOrganisation((organisation) => profile.organisations[organisation].peer.address),
    processes: [],
    renew: async () => [],
    async stop() {},
  };
}

function byOrganisation<T>(value: (organisation: Organisation) => T): Record<Organisation, T> {
  // The cast holds: one entry per organisation.
  return Object.fromEntries(ORGANISATIONS.map((name) => [name, value(name)])) as Record<Organisation, T>;
}

async function readSetUp(marker: string): Promise<SetUp | undefined> {
  const text = await readFile(marker, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const { channel, packageId } = JSON.parse(text) as Partial<SetUp>;
    if (channel === CHANNEL && typeof packageId === 'string') return { channel, packageId };
  } catch {
    // Fall through to the one sentence below.
  }
  throw new EngineTrouble(
    `Fabric's set-up file is damaged: delete ${marker} and start again; no data depends on it.`,
  );
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
