// Engines, Fabric: makes the channel and puts the chaincode on it, each step only when it is still to do.
// Promise: a start that was cut off at any step goes on from there; a step done twice changes nothing.
// Never gives an organisation's step another organisation's key: each joins, installs and approves as itself.
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CHAINCODE, CHANNEL, MSP_IDS, ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import type { Progress } from '../progress.ts';
import { EngineTrouble, lastWords } from '../trouble.ts';
import type { ChaincodeProgram } from './chaincode-program.ts';
import { fillTemplate, writePrivately } from './configuration.ts';
import { fabricPaths, HOST, organisationPaths, type Ports, valuesOf } from './layout.ts';
import type { Programs } from './programs.ts';
import { run } from './run.ts';

export type ChannelOptions = {
  readonly dataDir: string;
  readonly ports: Ports;
  readonly programs: Programs;
  readonly progress: Progress;
};

/** Writes the channel's first block, unless it is there. */
export async function ensureGenesis({ dataDir, ports, programs }: ChannelOptions): Promise<void> {
  const paths = fabricPaths(dataDir);
  if ((await stat(paths.genesis).catch(() => undefined)) !== undefined) return;
  const values = Object.fromEntries(
    ORGANISATIONS.flatMap((organisation) =>
      Object.entries(valuesOf(dataDir, organisation, ports)).map(([key, value]) => [
        `${organisation}.${key}`,
        value,
      ]),
    ),
  );
  await writePrivately(join(paths.channel, 'configtx.yaml'), await fillTemplate('configtx.yaml', values));
  const partial = `${paths.genesis}.partial`;
  await run(programs.configtxgen, ['-profile', 'Rehab', '-channelID', CHANNEL, '-outputBlock', partial], {
    env: { FABRIC_CFG_PATH: paths.channel },
  });
  await writePrivately(paths.genesis, await readFile(partial));
  await rm(partial, { force: true });
}

/** Every orderer and every peer takes the channel, unless it has. All of them must be up. */
export async function ensureJoined(options: ChannelOptions): Promise<void> {
  const { genesis } = fabricPaths(options.dataDir);
  await Promise.all(
    ORGANISATIONS.map(async (organisation) => {
      const admin = ['--orderer-address', `${HOST}:${options.ports[organisation]['orderer-admin']}`];
      const { ordererTls } = organisationPaths(options.dataDir, organisation);
      const tls = [
        ['--ca-file', join(ordererTls, 'ca.crt')],
        ['--client-cert', join(ordererTls, 'server.crt')],
        ['--client-key', join(ordererTls, 'server.key')],
      ].flat();
      const listed = await run(options.programs.osnadmin, ['channel', 'list', ...admin, ...tls]);
      if (listed.includes(`"name": "${CHANNEL}"`)) return;
      const joined = await run(options.programs.osnadmin, [
        ...['channel', 'join', '--channelID', CHANNEL, '--config-block', genesis],
        ...[...admin, ...tls],
      ]);
      if (!joined.startsWith('Status: 201'))
        throw new EngineTrouble(
          `An orderer did not take the channel: see logs/orderer-${organisation}.log (${lastWords(joined)}).`,
        );
    }),
  );
  await Promise.all(
    ORGANISATIONS.map(async (organisation) => {
      const listed = await peer(options, organisation, ['channel', 'list']);
      if (listed.split('\n').includes(CHANNEL)) return;
      await peer(options, organisation, ['channel', 'join', '-b', genesis]);
    }),
  );
}

/** True when the orderers have chosen a leader in time, as one of them says of itself; before, they take nothing. */
export async function leaderIsChosen({ ports }: ChannelOptions, withinMs: number): Promise<boolean> {
  const leads = new RegExp(`^consensus_etcdraft_is_leader\\{channel="${CHANNEL}"\\} 1$`, 'm');
  const metrics = (organisation: Organisation) =>
    fetch(`http://${HOST}:${ports[organisation]['orderer-operations']}/metrics`, {
      signal: AbortSignal.timeout(2_000),
    })
      .then((response) => response.text())
      .catch(() => '');
  return within(withinMs, async () =>
    (await Promise.all(ORGANISATIONS.map(metrics))).some((page) => leads.test(page)),
  );
}

/**
 * Resolves when every orderer has taken its first snapshot. Until then its log begins with the members' joining, and
 * Fabric 2.5.0 to 2.5.2 can hang for ever while it reads that again (github.com/hyperledger/fabric/issues/4199).
 */
export async function awaitSnapshots({ dataDir }: ChannelOptions, withinMs: number): Promise<void> {
  const has = async (organisation: Organisation) => {
    const { orderer } = organisationPaths(dataDir, organisation);
    const files = await readdir(join(orderer, 'data', 'snapshots', CHANNEL)).catch(() => []);
    return files.some((name) => name.endsWith('.snap'));
  };
  const all = await within(withinMs, async () => (await Promise.all(ORGANISATIONS.map(has))).every(Boolean));
  if (!all) {
    throw new EngineTrouble(
      'An orderer took no snapshot: see logs/orderer-*.log in the data folder, and start again.',
    );
  }
}

async function within(ms: number, check: () => Promise<boolean>): Promise<boolean> {
  const end = Date.now() + ms;
  while (!(await check())) {
    if (Date.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return true;
}

/**
 * Each organisation installs and approves this program; with the first, or a new version, the definition is committed.
 * A program that changed without its version is approved again under the same definition, which needs no commit.
 */
export async function ensureChaincode(options: ChannelOptions, program: ChaincodeProgram): Promise<void> {
  const committed = await committedDefinition(options);
  const sequence =
    committed === undefined
      ? 1
      : committed.version === program.version
        ? committed.sequence
        : committed.sequence + 1;
  const definition = [
    ...['--channelID', CHANNEL, '--name', CHAINCODE],
    ...['--version', program.version, '--sequence', String(sequence)],
  ];
  await Promise.all(
    ORGANISATIONS.map(async (organisation) => {
      const installed = await peer(options, organisation, [
        ...['lifecycle', 'chaincode', 'queryinstalled', '--output', 'json'],
      ]);
      if (!installed.includes(program.packageId)) {
        await peer(options, organisation, ['lifecycle', 'chaincode', 'install', program.packagePath]);
      }
      const approved = await peer(options, organisation, [
        ...['lifecycle', 'chaincode', 'queryapproved', '--output', 'json'],
        ...['--channelID', CHANNEL, '--name', CHAINCODE, '--sequence', String(sequence)],
      ]).catch(() => '');
      if (!approved.includes(program.packageId)) {
        await peer(options, organisation, [
          ...['lifecycle', 'chaincode', 'approveformyorg', ...definition, '--package-id', program.packageId],
          ...ordererArguments(options, organisation),
        ]);
      }
    }),
  );
  if (sequence === committed?.sequence) return;
  const peers = ORGANISATIONS.flatMap((organisation) => [
    ...['--peerAddresses', `${HOST}:${options.ports[organisation].peer}`],
    ...['--tlsRootCertFiles', organisationPaths(options.dataDir, organisation).tlsCa],
  ]);
  await peer(options, 'hospital', [
    ...['lifecycle', 'chaincode', 'commit', ...definition, ...peers],
    ...ordererArguments(options, 'hospital'),
  ]);
}

type Definition = { readonly sequence: number; readonly version: string };

async function committedDefinition(options: ChannelOptions): Promise<Definition | undefined> {
  const answer = await peer(options, 'hospital', [
    ...['lifecycle', 'chaincode', 'querycommitted', '--channelID', CHANNEL, '--output', 'json'],
  ]);
  const { chaincode_definitions: definitions = [] } = JSON.parse(answer) as {
    chaincode_definitions?: (Definition & { name: string })[];
  };
  return definitions.find(({ name }) => name === CHAINCODE);
}

function ordererArguments({ dataDir, ports }: ChannelOptions, organisation: Organisation): string[] {
  const { ordererTls } = organisationPaths(dataDir, organisation);
  return [
    ...['--orderer', `${HOST}:${ports[organisation].orderer}`],
    ...['--tls', '--cafile', join(ordererTls, 'ca.crt')],
  ];
}

/** Runs the peer's command line as an organisation's administrator. */
function peer(options: ChannelOptions, organisation: Organisation, args: readonly string[]): Promise<string> {
  const paths = organisationPaths(options.dataDir, organisation);
  return run(options.programs.peer, args, {
    env: {
      FABRIC_CFG_PATH: paths.peer,
      FABRIC_LOGGING_SPEC: 'error',
      CORE_PEER_ADDRESS: `${HOST}:${options.ports[organisation].peer}`,
      CORE_PEER_LOCALMSPID: MSP_IDS[organisation],
      CORE_PEER_MSPCONFIGPATH: join(paths.admin, 'msp'),
      CORE_PEER_TLS_ENABLED: 'true',
      CORE_PEER_TLS_ROOTCERT_FILE: paths.tlsCa,
    },
  });
}
