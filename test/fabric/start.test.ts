// Starting the network: cut off at each step and finished, ports taken, files damaged. Each is recovered from, or
// refused in one sentence without harm.
import { readFile, rename, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { MSP_IDS, ORGANISATIONS } from '../../domain/consortium.ts';
import { type Fabric, startFabric } from '../../engines/fabric/network.ts';
import type { Progress } from '../../engines/progress.ts';
import { createSupervisor, type Supervisor } from '../../engines/supervisor.ts';
import { EngineTrouble } from '../../engines/trouble.ts';
import { openChain } from '../../ledger/fabric/client.ts';
import { ProfileTrouble, readFabricProfile } from '../../ledger/fabric/profile.ts';
import { temporaryFolder, testSettings } from '../support/engines.ts';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

async function folder(): Promise<string> {
  const made = await temporaryFolder();
  cleanUp.push(made.remove);
  return made.path;
}

type Started = { readonly fabric: Fabric; readonly supervisor: Supervisor; stop(): Promise<void> };

async function start(dataDir: string, progress: Progress = () => {}): Promise<Started> {
  const supervisor = createSupervisor({ pidDir: join(dataDir, 'pids'), progress: () => {} });
  const stop = () => supervisor.stopAll();
  cleanUp.push(stop);
  const fabric = await startFabric({ dataDir, settings: testSettings(), supervisor, progress });
  return { fabric, supervisor, stop };
}

describe('a first start that is cut off', () => {
  test('goes on from where it was, at whichever step it ended', async () => {
    const dataDir = await folder();
    const steps = ['setting up', 'joining', 'installing'];
    let secrets = '';
    for (const step of steps) {
      const cut = start(dataDir, (line) => {
        if (line.includes(step)) throw new Error(`cut off at: ${step}`);
      });
      await expect(cut).rejects.toThrow(`cut off at: ${step}`);
      if (step === 'joining') secrets = await keyOfLedger(dataDir);
    }
    const { fabric, supervisor } = await start(dataDir);
    // What an earlier try had made is kept: the key that was certified then is the key now.
    expect(await keyOfLedger(dataDir)).toBe(secrets);
    expect(Object.keys(supervisor.pids()).sort()).toEqual([...fabric.processes].sort());
    expect(fabric.processes).toHaveLength(12);
    const profile = readFabricProfile(fabric.profile);
    const chain = openChain({ profile, as: { organisation: 'association', identity: 'reader' } });
    cleanUp.push(async () => chain.close());
    for (const of of ORGANISATIONS) expect((await chain.head(of)).size).toBe(0);
  });
});

describe('a later start', () => {
  test('refuses a taken port by name and a damaged marker by path, harms nothing, and takes an older folder over', async () => {
    const dataDir = await folder();
    const first = await start(dataDir);
    const address = first.fabric.peers.hospital;
    await first.stop();

    const squatter = await listenOn(Number(address.split(':')[1]));
    await expect(start(dataDir)).rejects.toThrow(/Port \d+ for peer-hospital is in use/);
    await new Promise((resolve) => squatter.close(resolve));

    const marker = join(dataDir, 'fabric', 'set-up.json');
    const good = await readFile(marker);
    await writeFile(marker, '{"channel":');
    const refused = await start(dataDir).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(EngineTrouble);
    expect(String(refused)).toContain(marker);
    await writeFile(marker, good);

    // As folders of before had it: the hospital's own processes' identities among the hospital's.
    const key = await keyOfLedger(dataDir);
    await rename(join(dataDir, 'fabric/operator'), join(dataDir, 'fabric/organisations/hospital/identities'));
    const again = await start(dataDir);
    expect(again.fabric.peers.hospital).toBe(address);
    expect(await keyOfLedger(dataDir)).toBe(key);
  });
});

describe('the profile', () => {
  test('an outside network is taken from its profile, and nothing is started', async () => {
    const dataDir = await folder();
    const path = join(dataDir, 'outside.json');
    await writeFile(path, JSON.stringify(exampleProfile()));
    const supervisor = createSupervisor({ pidDir: join(dataDir, 'pids'), progress: () => {} });
    const settings = { ...testSettings(), fabricProfile: path };
    const fabric = await startFabric({ dataDir, settings, supervisor, progress: () => {} });
    expect(fabric.profile).toBe(path);
    expect(fabric.peers).toEqual({
      administration: 'peer.administration.example:7051',
      hospital: 'peer.hospital.example:7051',
      association: 'peer.association.example:7051',
    });
    expect(supervisor.pids()).toEqual({});
    const profile = readFabricProfile(path);
    expect(profile.organisations.hospital.peer.tlsCaPath).toBe(join(dataDir, 'hospital/tls.pem'));
  });

  test.each<[string, (profile: ReturnType<typeof exampleProfile>) => unknown]>([
    [
      'an organisation is missing',
      ({ organisations: { hospital, ...others }, ...rest }) => ({ ...rest, organisations: others }),
    ],
    ['a field nobody knows', (profile) => ({ ...profile, secret: 'x' })],
    [
      'an address without a port',
      (profile) => {
        profile.organisations.hospital!.peer.address = 'peer.hospital.example';
        return profile;
      },
    ],
    [
      'an organisation by another name than the channel’s',
      (profile) => ({
        ...profile,
        organisations: {
          ...profile.organisations,
          hospital: { ...profile.organisations.hospital, mspId: 'Hospital2MSP' },
        },
      }),
    ],
    [
      'an authority without TLS',
      (profile) => {
        profile.organisations.hospital!.ca.url = 'http://ca.hospital.example:7054';
        return profile;
      },
    ],
  ])('is refused when %s', async (_, change) => {
    const path = join(await folder(), 'profile.json');
    await writeFile(path, JSON.stringify(change(exampleProfile())));
    expect(() => readFabricProfile(path)).toThrow(ProfileTrouble);
  });

  test('is refused when it is not there, or no JSON', async () => {
    const path = join(await folder(), 'profile.json');
    expect(() => readFabricProfile(path)).toThrow(/cannot be read/);
    await writeFile(path, 'channel: rehab');
    expect(() => readFabricProfile(path)).toThrow(/not JSON/);
  });
});

function exampleProfile() {
  return {
    channel: 'rehab',
    chaincode: 'rehab-log',
    organisations: Object.fromEntries(
      ORGANISATIONS.map((name) => [
        name,
        {
          mspId: MSP_IDS[name],
          peer: {
            address: `peer.${name}.example:7051`,
            tlsCaPath: `${name}/tls.pem`,
            hostname: `peer.${name}.example`,
          },
          ca: {
            url: `https://ca.${name}.example:7054`,
            tlsCaPath: `${name}/tls.pem`,
            name: `ca-${name}`,
            rootPath: `${name}/ca.pem`,
          },
          identities: { reader: { certPath: `${name}/reader.pem`, keyPath: `${name}/reader.key` } },
        },
      ]),
    ),
  };
}

async function keyOfLedger(dataDir: string): Promise<string> {
  return readFile(join(dataDir, 'fabric/operator/ledger/key.pem'), 'utf8');
}

function listenOn(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
