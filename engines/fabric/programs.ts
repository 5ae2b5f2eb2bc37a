// Engines, Fabric: which programs the network needs and where they are found or built from.
// Promise: what is built is the pinned release, hashes of every module included. Never takes a newer one by itself.
import { join } from 'node:path';
import { type EngineSource, findOrBuild } from '../find-or-build.ts';
import type { Progress } from '../progress.ts';
import type { EngineSettings } from '../settings.ts';

export type FabricProgram = 'configtxgen' | 'cryptogen' | 'orderer' | 'osnadmin' | 'peer';
export type Programs = Readonly<Record<FabricProgram | 'fabric-ca-server', string>>;

const command = (name: string) => `github.com/hyperledger/fabric/cmd/${name}`;

/** Peer, orderer and the tools that make a channel. */
export function fabricSource(settings: EngineSettings): EngineSource<FabricProgram> {
  return {
    engine: 'fabric',
    version: '2.5.0',
    programs: {
      configtxgen: command('configtxgen'),
      cryptogen: command('cryptogen'),
      orderer: command('orderer'),
      osnadmin: command('osnadmin'),
      peer: command('peer'),
    },
    moduleDir: join(import.meta.dirname, 'tools'),
    ldflags: '-s -w -X github.com/hyperledger/fabric/common/metadata.Version=2.5.0',
    setting: { name: 'FABRIC_BIN', value: settings.fabricBin },
    instead:
      'set FABRIC_BIN to a folder with its programs or FABRIC_PROFILE to the profile of an existing network',
    usually: '3 minutes',
    goVersion: '1.24',
    wantsMiB: 1_500,
  };
}

/** The certificate authority; its store is SQLite, which is written in C. */
export function fabricCaSource(settings: EngineSettings): EngineSource<'fabric-ca-server'> {
  return {
    engine: 'fabric-ca',
    version: '1.5.15',
    programs: { 'fabric-ca-server': 'github.com/hyperledger/fabric-ca/cmd/fabric-ca-server' },
    moduleDir: join(import.meta.dirname, 'ca'),
    ldflags: '-s -w -X github.com/hyperledger/fabric-ca/lib/metadata.Version=1.5.15',
    needsC: true,
    setting: { name: 'FABRIC_BIN', value: settings.fabricBin },
    instead:
      'set FABRIC_BIN to a folder with its programs or FABRIC_PROFILE to the profile of an existing network',
    usually: '1 minute',
    goVersion: '1.24',
    wantsMiB: 800,
  };
}

/** Absolute paths of all programs. Throws EngineTrouble when one cannot be had. */
export async function findFabricPrograms(settings: EngineSettings, progress: Progress): Promise<Programs> {
  const options = { cacheDir: settings.cacheDir, environment: settings.environment, progress };
  const fabric = await findOrBuild(fabricSource(settings), options);
  const ca = await findOrBuild(fabricCaSource(settings), options);
  return { ...fabric.programs, ...ca.programs };
}
