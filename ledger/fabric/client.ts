// Station 6, the door to the channel: speaks the log's words, hides bytes, gateways and certificates.
// Promise: every phase has its time limit, any two organisations suffice, and each answer names whose it is.
// Must never report as failed what may have been committed, nor read one organisation's state through another.
import { createPrivateKey } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { Client, credentials } from '@grpc/grpc-js';
import {
  type Contract,
  connect,
  GatewayError,
  hash,
  type Network,
  signers,
  type Transaction,
} from '@hyperledger/fabric-gateway';
import { common, peer as peerProtos } from '@hyperledger/fabric-protos';
import { z } from 'zod';
import { MSP_IDS, ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import {
  type FabricProfile,
  type IdentityFiles,
  identityFiles,
  type MemberProfile,
  type PeerAddress,
} from './profile.ts';
import { ChainFault, ChainRefusal, ChainUnknown, type Objection } from './trouble.ts';

/** Time limits of the four phases, in milliseconds. A batch of 100,000 leaves takes about 1 s to endorse. */
export type Deadlines = {
  readonly evaluate: number;
  readonly endorse: number;
  readonly submit: number;
  readonly commitStatus: number;
};
export const DEADLINES: Deadlines = {
  evaluate: 5_000,
  endorse: 15_000,
  submit: 10_000,
  commitStatus: 6_000,
};

export type ChainOptions = {
  readonly profile: FabricProfile;
  /** Who asks. Only the hospital's `ledger` may append; reading is open to every member. */
  readonly as: { readonly organisation: Organisation; readonly identity: string };
  readonly deadlines?: Partial<Deadlines>;
};

/** Size and root as one peer holds them. */
export type ChainHead = { readonly size: number; readonly root: Uint8Array };

/** Leaves behind the chain's last one, with the root and the signed checkpoint that they lead to. */
export type ChainBatch = {
  readonly firstIndex: number;
  readonly leaves: readonly Uint8Array[];
  readonly root: Uint8Array;
  readonly note: string;
};

export type Chain = {
  /**
   * Anchors a batch; committed when it resolves. The same batch again is done at once.
   * Throws ChainRefusal, ChainFault (nothing was sent) or ChainUnknown (it may have been committed).
   */
  append(batch: ChainBatch): Promise<void>;
  /** What that organisation's own peer holds. Throws ChainFault, or ChainRefusal when the peer says no. */
  head(of: Organisation): Promise<ChainHead>;
  /** Leaf hashes from that organisation's own peer, from index `first`; fewer than asked at the end or page limit. */
  leaves(of: Organisation, first: number, count: number): Promise<Uint8Array[]>;
  leafAt(of: Organisation, index: number): Promise<Uint8Array>;
  /** Root over the 256 leaves from index 256 × `index`. */
  subtreeRoot(of: Organisation, index: number): Promise<Uint8Array>;
  /** The checkpoint that came with the batch that ended at `size`; undefined when none did. */
  checkpointAt(of: Organisation, size: number): Promise<(ChainHead & { readonly note: string }) | undefined>;
  /** Every key of which an organisation has spoken, as that organisation's own peer holds it. */
  keys(of: Organisation): Promise<ChainKey[]>;
  /** The members' cosignatures of the checkpoint at exactly `size`. */
  cosignaturesAt(of: Organisation, size: number): Promise<ChainCosignature[]>;
  /** Each organisation's newest cosignature. */
  newestCosignatures(of: Organisation): Promise<ChainCosignature[]>;
  /** The certificate with this fingerprint (SHA-256 of its DER, hexadecimal), whoever issued it. */
  certificateOf(of: Organisation, fingerprint: string): Promise<ChainCertificate | undefined>;
  /** `issuer`'s certificates in the order of their fingerprints, behind `after` ('' for the first); 500 at most. */
  certificatesOf(
    of: Organisation,
    issuer: Organisation,
    after: string,
    count: number,
  ): Promise<ChainCertificate[]>;
  /** The digest under which a version of the parameters was recorded. */
  parametersOf(of: Organisation, version: string): Promise<string | undefined>;
  /** Names the log's key, or a witness's; in force once two organisations name the same. Only a `member` may. */
  registerKey(kind: ChainKey['kind'], name: string, vkey: string): Promise<ChainKey>;
  /** Submits our organisation's cosignature of the checkpoint at `size`; the first one stands. Only a `member` may. */
  cosign(size: number, line: string): Promise<ChainCosignature>;
  /** Writes down a certificate of our own organisation. Only a `member` may. */
  certify(certificate: Omit<ChainCertificate, 'organisation' | 'revoked'>): Promise<ChainCertificate>;
  /** Writes down that a certificate of our own organisation does not count from `at` on. Only a `member` may. */
  revoke(fingerprint: string, at: string, reason: string): Promise<ChainCertificate>;
  /** Writes down the digest (SHA-256, hexadecimal) of a version of the parameters. Only the hospital's `ledger` may. */
  recordParameters(version: string, sha256: string): Promise<void>;
  /** Number of blocks that organisation's peer has. */
  blockHeight(of: Organisation): Promise<number>;
  /** A block's bytes, as that organisation's peer keeps them. */
  block(of: Organisation, number: number): Promise<Uint8Array>;
  /** Hash of the channel's first block's header, hexadecimal: what the second block names as the one before it. */
  genesis(of: Organisation): Promise<string>;
  close(): void;
};

type WithoutOf<T> = T extends (of: Organisation, ...rest: infer Rest) => infer Answer
  ? (...rest: Rest) => Answer
  : never;
type Reading =
  | 'head'
  | 'leaves'
  | 'checkpointAt'
  | 'keys'
  | 'cosignaturesAt'
  | 'newestCosignatures'
  | 'certificateOf'
  | 'certificatesOf'
  | 'genesis';

/** The chain as one member has it: reads are its own peer's, and it speaks for its own organisation. */
export type MemberChain = Pick<Chain, 'registerKey' | 'cosign' | 'certify' | 'revoke' | 'close'> & {
  readonly [Name in Reading]: WithoutOf<Chain[Name]>;
};

const HASH_BYTES = 32;
const hex32 = z.string().regex(/^[0-9a-f]{64}$/);
const organisationName = z.enum(ORGANISATIONS);
const headReply = z.strictObject({ root: hex32, size: z.int().nonnegative() });
const checkpointReply = headReply.extend({ note: z.string() });
const keyReply = z.strictObject({
  kind: z.enum(['log', 'witness']),
  /** The log's origin, or the witness's organisation. */
  name: z.string(),
  /** The key in force; null until two organisations have named it. */
  vkey: z.string().nullable(),
  /** Keys that were in force before, oldest first. */
  former: z.array(z.string()),
  /** What each organisation named last. */
  proposals: z.partialRecord(organisationName, z.string()),
});
const cosignatureReply = z.strictObject({
  /** The time that was signed, in seconds since 1970. */
  at: z.int(),
  /** The line as it stands in a note, without its line feed. */
  line: z.string(),
  organisation: organisationName,
  size: z.int().positive(),
});
const certificateReply = z.strictObject({
  fingerprint: hex32,
  organisation: organisationName,
  person: z.string(),
  role: z.string(),
  notBefore: z.string(),
  notAfter: z.string(),
  revoked: z.strictObject({ at: z.string(), reason: z.string() }).nullable(),
});
const parametersReply = z.strictObject({ sha256: hex32, version: z.string() });

/** A key as the chain knows it. */
export type ChainKey = Readonly<z.infer<typeof keyReply>>;
export type ChainCosignature = Readonly<z.infer<typeof cosignatureReply>>;
/** A person's certificate as the chain knows it; times are ISO 8601 with milliseconds. */
export type ChainCertificate = Readonly<z.infer<typeof certificateReply>>;

/** Opens connections to the three gateways. Nothing is sent before the first call; a peer that is down is no error. */
export function openChain({ profile, as, deadlines = {} }: ChainOptions): Chain {
  const peers = Object.fromEntries(
    ORGANISATIONS.map((name) => [name, profile.organisations[name].peer]),
  ) as Record<Organisation, PeerAddress>; // one entry per organisation
  return openPeers({
    channel: profile.channel,
    chaincode: profile.chaincode,
    peers,
    as: as.organisation,
    files: identityFiles(profile, as.organisation, as.identity),
    deadlines,
  });
}

/** Opens the one connection that a member has: to its own organisation's peer, as its own identity. */
export function openMemberChain(profile: MemberProfile, deadlines: Partial<Deadlines> = {}): MemberChain {
  const { organisation: own, channel, chaincode, peer, identity } = profile;
  const chain = openPeers({
    channel,
    chaincode,
    peers: { [own]: peer },
    as: own,
    files: identity,
    deadlines,
  });
  return {
    head: () => chain.head(own),
    leaves: (first, count) => chain.leaves(own, first, count),
    checkpointAt: (size) => chain.checkpointAt(own, size),
    keys: () => chain.keys(own),
    cosignaturesAt: (size) => chain.cosignaturesAt(own, size),
    newestCosignatures: () => chain.newestCosignatures(own),
    certificateOf: (fingerprint) => chain.certificateOf(own, fingerprint),
    certificatesOf: (issuer, after, count) => chain.certificatesOf(own, issuer, after, count),
    genesis: () => chain.genesis(own),
    registerKey: chain.registerKey,
    cosign: chain.cosign,
    certify: chain.certify,
    revoke: chain.revoke,
    close: chain.close,
  };
}

function openPeers(options: PeersOptions): Chain {
  const { gateways, close } = renewedGateways(options);
  const pairs = new PairOrder(options.as, Object.keys(options.peers));

  function doorOf(of: Organisation): Door {
    const door = gateways()[of];
    if (door === undefined) throw new Error(`no connection to this organisation's peer was opened: ${of}`);
    return door;
  }

  async function evaluate(of: Organisation, name: string, ...args: string[]): Promise<Uint8Array> {
    try {
      return await doorOf(of).contract.evaluate(name, {
        arguments: args,
        endorsingOrganizations: [MSP_IDS[of]],
      });
    } catch (error) {
      const objections = objectionsIn(error, [of]);
      if (objections.some(({ kind }) => kind === 'down')) pairs.avoid(of);
      throw asBadNews(objections);
    }
  }

  async function system(of: Organisation, name: string, ...args: string[]): Promise<Uint8Array> {
    try {
      return await doorOf(of)
        .network.getContract('qscc')
        .evaluate(name, {
          arguments: [options.channel, ...args],
          endorsingOrganizations: [MSP_IDS[of]],
        });
    } catch (error) {
      throw asBadNews(objectionsIn(error, [of]));
    }
  }

  /** For small calls that may be said twice: one that lost a race against another is asked anew. */
  async function submit(name: string, args: readonly string[], transient?: Record<string, string>) {
    for (let tries = 1; ; tries += 1) {
      try {
        const call: Call = {
          name,
          arguments: [...args],
          ...(transient === undefined ? {} : { transientData: transient }),
        };
        const transaction = await endorse(gateways(), pairs, call);
        await commit(transaction);
        return parseJson(transaction.getResult());
      } catch (error) {
        const lost = error instanceof ChainRefusal && error.code.endsWith('_READ_CONFLICT');
        if (!lost || tries === SUBMIT_TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50 * tries));
      }
    }
  }

  return {
    async append(batch) {
      const transaction = await endorse(gateways(), pairs, {
        name: 'append',
        arguments: [String(batch.firstIndex), Buffer.from(batch.root).toString('hex')],
        // Transient: the leaves stand in the write set once, not a second time among the arguments.
        transientData: { leaves: Buffer.concat(batch.leaves), checkpoint: batch.note },
      });
      await commit(transaction);
    },
    keys: async (of) => z.array(keyReply).parse(parseJson(await evaluate(of, 'keys'))),
    cosignaturesAt: async (of, size) =>
      z.array(cosignatureReply).parse(parseJson(await evaluate(of, 'cosignaturesAt', String(size)))),
    newestCosignatures: async (of) =>
      z.array(cosignatureReply).parse(parseJson(await evaluate(of, 'newestCosignatures'))),
    certificateOf: async (of, fingerprint) =>
      certificateReply.nullable().parse(parseJson(await evaluate(of, 'certificateOf', fingerprint))) ??
      undefined,
    certificatesOf: async (of, issuer, after, count) =>
      z
        .array(certificateReply)
        .parse(parseJson(await evaluate(of, 'certificatesOf', issuer, after, String(count)))),
    parametersOf: async (of, version) =>
      parametersReply.nullable().parse(parseJson(await evaluate(of, 'parametersOf', version)))?.sha256,
    registerKey: async (kind, name, vkey) => keyReply.parse(await submit('registerKey', [kind, name, vkey])),
    cosign: async (size, line) =>
      cosignatureReply.parse(await submit('cosign', [String(size)], { cosignature: line })),
    certify: async ({ fingerprint, person, role, notBefore, notAfter }) =>
      certificateReply.parse(await submit('certify', [fingerprint, person, role, notBefore, notAfter])),
    revoke: async (fingerprint, at, reason) =>
      certificateReply.parse(await submit('revoke', [fingerprint, at, reason])),
    async recordParameters(version, sha256) {
      await submit('recordParameters', [version, sha256]);
    },
    async head(of) {
      return readHead(await evaluate(of, 'head'));
    },
    async leaves(of, first, count) {
      const bytes = await evaluate(of, 'listLeaves', String(first), String(count));
      if (bytes.length % HASH_BYTES !== 0)
        throw new Error(`Listing is cut; update chaincode or client: ${of}`);
      return Array.from({ length: bytes.length / HASH_BYTES }, (_, at) =>
        bytes.slice(at * HASH_BYTES, (at + 1) * HASH_BYTES),
      );
    },
    leafAt: (of, index) => evaluate(of, 'leafAt', String(index)),
    subtreeRoot: (of, index) => evaluate(of, 'subtreeRoot', String(index)),
    async checkpointAt(of, size) {
      try {
        const reply = checkpointReply.parse(parseJson(await evaluate(of, 'checkpointAt', String(size))));
        return { size: reply.size, root: fromHex(reply.root), note: reply.note };
      } catch (error) {
        if (error instanceof ChainRefusal && error.code === 'NOT_FOUND') return undefined;
        throw error;
      }
    },
    async blockHeight(of) {
      const bytes = await system(of, 'GetChainInfo');
      return common.BlockchainInfo.deserializeBinary(bytes).getHeight();
    },
    block: (of, number) => system(of, 'GetBlockByNumber', String(number)),
    async genesis(of) {
      const second = common.Block.deserializeBinary(await system(of, 'GetBlockByNumber', '1'));
      return Buffer.from(second.getHeader()?.getPreviousHash_asU8() ?? []).toString('hex');
    },
    close,
  };
}

/**
 * Resolves when each of the three gateways has got one endorsement by all three organisations: the network works.
 * Asked as each organisation's own reader, with a call that only reads. Throws ChainFault after `withinMs`.
 */
export async function awaitEndorsements(
  profile: FabricProfile,
  { withinMs, signal }: { readonly withinMs: number; readonly signal?: AbortSignal },
): Promise<void> {
  const end = Date.now() + withinMs;
  const everyMsp = ORGANISATIONS.map((name) => MSP_IDS[name]);
  await Promise.all(
    ORGANISATIONS.map(async (organisation) => {
      const { contract, close } = openGateway(profile.organisations[organisation].peer, {
        ...profile,
        as: organisation,
        files: identityFiles(profile, organisation, 'reader'),
        deadlines: {},
      });
      try {
        for (;;) {
          signal?.throwIfAborted();
          try {
            const call = { endorsingOrganizations: everyMsp };
            await contract.newProposal('head', call).endorse();
            return;
          } catch (error) {
            if (Date.now() > end) throw asBadNews(objectionsIn(error, [organisation]));
            await new Promise((resolve) => setTimeout(resolve, 200));
          }
        }
      } finally {
        close();
      }
    }),
  );
}

/** How often a call is asked anew that another one overtook. */
const SUBMIT_TRIES = 8;

type Door = { readonly contract: Contract; readonly network: Network; close(): void };
type Gateways = Readonly<Partial<Record<Organisation, Door>>>;
type Caller = {
  readonly channel: string;
  readonly chaincode: string;
  readonly as: Organisation;
  readonly files: IdentityFiles;
  readonly deadlines: Partial<Deadlines>;
};
type PeersOptions = Caller & { readonly peers: Readonly<Partial<Record<Organisation, PeerAddress>>> };

function openGateways(options: PeersOptions): { gateways: Gateways; close(): void } {
  const gateways: Partial<Record<Organisation, Door>> = {};
  for (const name of ORGANISATIONS) {
    const peer = options.peers[name];
    if (peer !== undefined) gateways[name] = openGateway(peer, options);
  }
  return {
    gateways,
    close() {
      for (const door of Object.values(gateways)) door.close();
    },
  };
}

/** How often it is looked whether the identity's certificate was renewed, and how long calls under the former one may take. */
const RENEWED_LOOK_MS = 1_000;
const CALLS_END_MS = 60_000;

/** The gateways under the identity's certificate as its file says: what is renewed while we run is used without a restart. */
function renewedGateways(options: PeersOptions): { gateways(): Gateways; close(): void } {
  const { certPath } = options.files;
  const writtenAt = (): number => statSync(certPath).mtimeMs;
  let written = writtenAt();
  let open = openGateways(options);
  let looked = performance.now();
  const former = new Map<NodeJS.Timeout, () => void>();
  return {
    gateways() {
      if (performance.now() - looked < RENEWED_LOOK_MS) return open.gateways;
      looked = performance.now();
      try {
        const now = writtenAt();
        if (now === written) return open.gateways;
        const { close } = open;
        open = openGateways(options);
        written = now;
        const timer = setTimeout(() => {
          former.delete(timer);
          close();
        }, CALLS_END_MS).unref();
        former.set(timer, close);
      } catch {
        // Being written, or not ours to read yet: looked for again.
      }
      return open.gateways;
    },
    close() {
      for (const [timer, end] of former) {
        clearTimeout(timer);
        end();
      }
      open.close();
    },
  };
}

function openGateway(peer: PeerAddress, { channel, chaincode, as, files, deadlines }: Caller): Door {
  const limits = { ...DEADLINES, ...deadlines };
  const within = (ms: number) => () => ({ deadline: Date.now() + ms });
  const client = new Client(peer.address, credentials.createSsl(readFileSync(peer.tlsCaPath)), {
    'grpc.ssl_target_name_override': peer.hostname,
    'grpc.max_receive_message_length': 16 * 2 ** 20,
    // A peer that comes back is found again within a second, not after gRPC's two minutes.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
    'grpc.keepalive_time_ms': 20_000,
    'grpc.keepalive_timeout_ms': 5_000,
  });
  const gateway = connect({
    client,
    identity: { mspId: MSP_IDS[as], credentials: readFileSync(files.certPath) },
    signer: signers.newPrivateKeySigner(createPrivateKey(readFileSync(files.keyPath))),
    hash: hash.sha256,
    evaluateOptions: within(limits.evaluate),
    endorseOptions: within(limits.endorse),
    submitOptions: within(limits.submit),
    commitStatusOptions: within(limits.commitStatus),
  });
  const network = gateway.getNetwork(channel);
  return {
    network,
    contract: network.getContract(chaincode),
    close() {
      gateway.close();
      client.close();
    },
  };
}

/** Which two organisations are asked, the first through its own gateway. The pair that worked last goes first. */
class PairOrder {
  #pairs: readonly (readonly [Organisation, Organisation])[];
  /** `doors`: whose gateways we reach; only they can be a pair's first. */
  constructor(own: Organisation, doors: readonly string[]) {
    const [a, b] = ORGANISATIONS.filter((name) => name !== own);
    // Three organisations less one are two.
    const pairs: [Organisation, Organisation][] = [
      [own, a!],
      [own, b!],
      [a!, b!],
    ];
    this.#pairs = pairs.filter(([first]) => doors.includes(first));
  }
  get pairs() {
    return this.#pairs;
  }
  /** This one did not answer just now, so the pair without it goes first: a frozen peer costs a whole time limit. */
  avoid(organisation: Organisation) {
    const without = this.#pairs.find((pair) => !pair.includes(organisation));
    if (without !== undefined) this.worked(without);
  }
  worked(pair: readonly [Organisation, Organisation]) {
    this.#pairs = [pair, ...this.#pairs.filter((other) => other !== pair)];
  }
}

type Call = {
  readonly name: string;
  readonly arguments: string[];
  readonly transientData?: Record<string, string | Uint8Array>;
};

/**
 * Collects two organisations' endorsements, which is the channel's majority.
 * 1. Pairs are tried until one agrees, so one that is down, lags or lies is gone round.
 * 2. A pair with an organisation that is down or said no is tried last and only while it could still help.
 * 3. Two that refuse are a majority against: refusal. Otherwise, with no pair left, it is a fault.
 */
async function endorse(gateways: Gateways, order: PairOrder, call: Call): Promise<Transaction> {
  const objections = new Map<Organisation, Objection>();
  const { name, ...options } = call;
  for (const pair of order.pairs) {
    if (pair.some((each) => objections.has(each) && objections.get(each)?.kind !== 'differs')) continue;
    const [first, second] = pair;
    try {
      // The order gives only pairs whose first has a door.
      const transaction = await gateways[first]!.contract.newProposal(name, {
        ...options,
        endorsingOrganizations: [MSP_IDS[first], MSP_IDS[second]],
      }).endorse();
      order.worked(pair);
      return transaction;
    } catch (error) {
      for (const objection of objectionsIn(error, pair)) {
        objections.set(objection.organisation, objection);
      }
    }
  }
  throw asBadNews([...objections.values()]);
}

async function commit(transaction: Transaction): Promise<void> {
  const submitted = await transaction.submit().catch((error: unknown) => {
    // An orderer may have taken it and the answer been lost; only the chain knows.
    throw new ChainUnknown('submit', error);
  });
  const status = await submitted.getStatus().catch((error: unknown) => {
    throw new ChainUnknown('commit', error);
  });
  if (!status.successful) throw new ChainRefusal(validationName(status.code), []);
}

/** Fabric's own name of a validation code, such as MVCC_READ_CONFLICT. */
function validationName(code: number): string {
  const names = Object.entries(peerProtos.TxValidationCode);
  return names.find(([, value]) => value === code)?.[0] ?? `VALIDATION_${code}`;
}

/** Two that refuse are a majority; one alone counts only where nobody else was asked. */
function asBadNews(objections: readonly Objection[]): ChainFault | ChainRefusal {
  const refused = objections.filter((each) => each.kind === 'refused');
  const [first] = refused;
  if (first !== undefined && (refused.length > 1 || objections.length === 1)) {
    return new ChainRefusal(first.code, objections);
  }
  return new ChainFault(objections);
}

/** Takes a failed call apart: who said what. `asked` are those who were to answer, the gateway's own first. */
function objectionsIn(error: unknown, asked: readonly Organisation[]): Objection[] {
  if (!(error instanceof GatewayError)) throw error;
  const said = error.details.flatMap(({ mspId, message }): Objection[] => {
    const organisation = ORGANISATIONS.find((name) => MSP_IDS[name] === mspId);
    return organisation === undefined ? [] : [objection(organisation, message)];
  });
  if (said.length > 0) return said;
  // Without details the gateway itself answered, or nobody did: it is down, or does not know the second one.
  const text = error.cause.details || error.message;
  const unknown = asked.find((name) => text.includes(MSP_IDS[name]));
  return [objection(unknown ?? asked[0]!, text)];
}

function objection(organisation: Organisation, message: string): Objection {
  if (message.includes('do not match')) return { organisation, kind: 'differs', message };
  const refusal = /\b([A-Z]+(?:_[A-Z]+)*): (.*?)(?: (\{.*\}))?$/.exec(
    message.replace(/^.*?chaincode response \d+, /, ''),
  );
  if (message.includes('chaincode response ') && refusal?.[1] !== undefined) {
    const facts = refusal[3] === undefined ? {} : (JSON.parse(refusal[3]) as Record<string, string | number>);
    return { organisation, kind: 'refused', code: refusal[1], message: refusal[2] ?? '', facts };
  }
  return { organisation, kind: 'down', message: message.slice(0, 300) };
}

function readHead(bytes: Uint8Array): ChainHead {
  const { root, size } = headReply.parse(parseJson(bytes));
  return { root: fromHex(root), size };
}

const parseJson = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString());
const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
