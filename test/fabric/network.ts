// Test support: a real three-organisation network of a test file's own, whose processes can be stopped, frozen,
// started again and altered one by one. Never a double of Fabric, never the developer's own data folder.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { agreeOnKeys } from '../../bin/agreement.ts';
import type { Organisation } from '../../domain/consortium.ts';
import type { ChaincodeBundle } from '../../engines/fabric/chaincode-program.ts';
import { memberPaths, organisationPaths } from '../../engines/fabric/layout.ts';
import { type Fabric, startFabric } from '../../engines/fabric/network.ts';
import { type NodeKind, nodeName } from '../../engines/fabric/nodes.ts';
import { createSupervisor, type ProcessSpec, type Supervisor } from '../../engines/supervisor.ts';
import {
  type Chain,
  type ChainOptions,
  type MemberChain,
  openChain,
  openMemberChain,
} from '../../ledger/fabric/client.ts';
import { type FabricProfile, readFabricProfile, readMemberProfile } from '../../ledger/fabric/profile.ts';
import { temporaryFolder, testSettings } from '../support/engines.ts';

export type TestNetwork = {
  readonly dataDir: string;
  readonly profile: FabricProfile;
  /** What the start said to the person. */
  readonly lines: readonly string[];
  /** The three organisations agree on this log key and on their witnesses' keys, as at a first start. */
  agreeOn(logKey: string): Promise<void>;
  /** An organisation's member's own connection; closed by `remove`. */
  member(organisation: Organisation): MemberChain;
  /** A client as the hospital's `ledger`, unless told otherwise; closed by `remove`. */
  client(options?: Partial<ChainOptions>): Chain;
  pid(kind: NodeKind, organisation: Organisation): number;
  stopNode(kind: NodeKind, organisation: Organisation): Promise<void>;
  /** Starts a stopped node again; with `change` as another process in its place. */
  startNode(
    kind: NodeKind,
    organisation: Organisation,
    change?: (spec: ProcessSpec) => Promise<ProcessSpec> | ProcessSpec,
  ): Promise<void>;
  /** Stops all processes and starts the network again from its folder, with another chaincode if given. Gives the milliseconds the start took. */
  restart(chaincode?: ChaincodeBundle): Promise<number>;
  stop(): Promise<void>;
  remove(): Promise<void>;
};

/** Starts a network in a folder of its own, or in `dataDir`. */
export async function startTestNetwork(
  dataDir?: string,
  firstChaincode?: ChaincodeBundle,
): Promise<TestNetwork> {
  const folder = dataDir === undefined ? await temporaryFolder() : { path: dataDir, remove: async () => {} };
  const specs = new Map<string, ProcessSpec>();
  const lines: string[] = [];
  const chains: Pick<Chain, 'close'>[] = [];
  let supervisor: Supervisor;
  let fabric: Fabric;

  async function start(chaincode?: ChaincodeBundle): Promise<void> {
    const inner = createSupervisor({
      pidDir: join(folder.path, 'pids'),
      progress: (line) => lines.push(line),
    });
    supervisor = {
      ...inner,
      startAll(all) {
        for (const spec of all) specs.set(spec.name, spec);
        return inner.startAll(all);
      },
    };
    fabric = await startFabric({
      dataDir: folder.path,
      settings: testSettings(),
      ...(chaincode === undefined ? {} : { chaincode }),
      supervisor,
      progress: (line) => lines.push(line),
    });
  }
  async function stop(): Promise<void> {
    for (const chain of chains.splice(0)) chain.close();
    await fabric.stop();
    await supervisor.stopAll();
  }

  try {
    await start(firstChaincode);
  } catch (error) {
    await folder.remove();
    throw error;
  }
  const profile = readFabricProfile(fabric!.profile);
  return {
    dataDir: folder.path,
    profile,
    lines,
    agreeOn: (logKey) => agreeOnKeys(folder.path, logKey),
    member(organisation) {
      const chain = openMemberChain(readMemberProfile(memberPaths(folder.path, organisation).memberProfile));
      chains.push(chain);
      return chain;
    },
    client(options = {}) {
      const chain = openChain({ profile, as: { organisation: 'hospital', identity: 'ledger' }, ...options });
      chains.push(chain);
      return chain;
    },
    pid(kind, organisation) {
      const pid = supervisor.pids()[nodeName(kind, organisation)];
      if (pid === undefined) throw new Error(`not running: ${nodeName(kind, organisation)}`);
      return pid;
    },
    stopNode: (kind, organisation) => supervisor.stop(nodeName(kind, organisation)),
    async startNode(kind, organisation, change = (spec) => spec) {
      const spec = specs.get(nodeName(kind, organisation));
      if (spec === undefined) throw new Error(`no such node: ${nodeName(kind, organisation)}`);
      await supervisor.start(await change(spec));
    },
    async restart(chaincode) {
      await stop();
      const begin = performance.now();
      await start(chaincode);
      return performance.now() - begin;
    },
    stop,
    async remove() {
      await stop();
      await folder.remove();
    },
  };
}

/** The organisation's chaincode, altered: it computes another root than its state says, and calls it right. */
export async function lyingChaincode(spec: ProcessSpec): Promise<ProcessSpec> {
  const bundle = spec.args.at(-1)!;
  const honest = await readFile(bundle, 'utf8');
  const lies = [
    [/const root = toHex\(rootOfRange\(range, hash\w*\)\);/, 'const root = "f0".repeat(32);'],
    [/if \(root !== batch\.claimedRoot\)/, 'if (false)'],
    [/toHex\(\w+\.checkpoint\.root\) !== root/, 'false'],
  ] as const;
  let lie = honest;
  for (const [line, instead] of lies) {
    if (!line.test(lie)) throw new Error(`the chaincode no longer has a line that this test alters: ${line}`);
    lie = lie.replace(line, instead);
  }
  const altered = bundle.replace(/\.cjs$/, '.lying.cjs');
  await writeFile(altered, lie);
  return { ...spec, args: [...spec.args.slice(0, -1), altered] };
}

/** A value of the log's chaincode in a peer's state: its own bytes, which may be changed in place and not in length. */
export interface PeerState {
  /** Keys of the chaincode, in byte order. */
  readonly keys: readonly string[];
  value(key: string): Buffer;
  /** Takes the key out of the state. */
  remove(key: string): void;
  /** Each key gets the other's value. */
  exchange(a: string, b: string): void;
}

/**
 * Changes the state of a stopped peer, as its operator could behind its back. Blocks are left alone, so nothing but reading the
 * state and comparing it can show it.
 * @returns puts everything back, while the peer is stopped again
 */
export async function alterState(
  dataDir: string,
  organisation: Organisation,
  change: (state: PeerState) => void,
): Promise<() => Promise<void>> {
  const before = new Map<string, Buffer>();
  const wanted = new Map<string, Buffer | undefined>();
  await onState(dataDir, organisation, async (level) => {
    const whole = new Map<string, Buffer>();
    for await (const [key, value] of level.iterator()) whole.set(key.toString('latin1'), value);
    // The key ends in the chaincode's own, behind the channel's name, the chaincode's, and a zero byte.
    const names = new Map([...whole.keys()].map((key) => [key.slice(key.lastIndexOf('\0') + 1), key]));
    const after = new Map<string, Buffer>([...whole].map(([key, value]) => [key, Buffer.from(value)]));
    const named = (key: string): string => {
      const name = names.get(key);
      if (name === undefined) throw new Error(`no such key in the state of ${organisation}: ${key}`);
      return name;
    };
    change({
      keys: [...names.keys()].sort(),
      // Fabric wraps the value: a few bytes of version around it. Ours is the longest field.
      value: (key) => longestField(after.get(named(key)) as Buffer),
      remove: (key) => void after.delete(named(key)),
      exchange(a, b) {
        const kept = after.get(named(a)) as Buffer;
        after.set(named(a), after.get(named(b)) as Buffer).set(named(b), kept);
      },
    });
    for (const [key, value] of whole)
      if (!after.get(key)?.equals(value)) {
        before.set(key, value);
        wanted.set(key, after.get(key));
      }
    await write(level, wanted);
  });
  return () => onState(dataDir, organisation, (level) => write(level, before));
}

type Level = ClassicLevel<Buffer<ArrayBufferLike>, Buffer<ArrayBufferLike>>;

async function onState(
  dataDir: string,
  organisation: Organisation,
  body: (level: Level) => Promise<void>,
): Promise<void> {
  const path = join(organisationPaths(dataDir, organisation).peer, 'data', 'ledgersData', 'stateLeveldb');
  const level: Level = new ClassicLevel(path, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  try {
    await body(level);
  } finally {
    await level.close();
  }
}

async function write(level: Level, values: ReadonlyMap<string, Buffer | undefined>): Promise<void> {
  for (const [key, value] of values)
    if (value === undefined) await level.del(Buffer.from(key, 'latin1'), { sync: true });
    else await level.put(Buffer.from(key, 'latin1'), value, { sync: true });
}

/** The key that holds the leaf at `index`, and the leaf's own bytes in its value. */
export function leafIn({ keys, value }: PeerState, index: number): { key: string; leaf: Buffer } {
  for (const key of keys.filter((one) => one.startsWith('leaves/'))) {
    const first = Number(key.slice('leaves/'.length));
    const leaves = value(key);
    if (index < first || index >= first + leaves.length / 32) continue;
    return { key, leaf: leaves.subarray((index - first) * 32, (index - first + 1) * 32) };
  }
  throw new Error(`no such leaf in the state: ${index}`);
}

/** Flips one bit of the leaf at `index` in the state of a stopped peer. */
export async function alterLeaf(dataDir: string, organisation: Organisation, index: number): Promise<void> {
  await alterState(dataDir, organisation, (state) => {
    const { leaf } = leafIn(state, index);
    leaf[0] = (leaf[0] ?? 0) ^ 1;
  });
}

/** The longest length-delimited field of a protobuf message whose fields are all of that kind. */
function longestField(message: Buffer): Buffer {
  let longest = message.subarray(0, 0);
  for (let at = 0; at < message.length; ) {
    at += 1;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at]!;
      at += 1;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    const field = message.subarray(at, at + length);
    if (field.length > longest.length) longest = field;
    at += length;
  }
  return longest;
}
