// Station 6, the door to the channel: speaks the log's words, hides bytes, gateways and certificates.
// Promise: every phase has its time limit, any two organisations suffice, and each answer names whose it is.
// Must never report as failed what may have been committed, nor read one organisation's state through another.
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Client, credentials } from '@grpc/grpc-js';
import {
  type Contract,
  connect,
  type Gateway,
  GatewayError,
  hash,
  type Network,
  signers,
  type Transaction,
} from '@hyperledger/fabric-gateway';
import { common, peer as peerProtos } from '@hyperledger/fabric-protos';
import { z } from 'zod';
import { ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { type FabricProfile, identityFiles } from './profile.ts';
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
  /** Number of blocks that organisation's peer has. */
  blockHeight(of: Organisation): Promise<number>;
  /** A block's bytes, as that organisation's peer keeps them. */
  block(of: Organisation, number: number): Promise<Uint8Array>;
  close(): void;
};

const HASH_BYTES = 32;
const hex32 = z.string().regex(/^[0-9a-f]{64}$/);
const headReply = z.strictObject({ root: hex32, size: z.int().nonnegative() });
const checkpointReply = headReply.extend({ note: z.string() });

/** Opens connections to the three gateways. Nothing is sent before the first call; a peer that is down is no error. */
export function openChain(options: ChainOptions): Chain {
  const { gateways, close } = openGateways(options);
  const pairs = new PairOrder(options.as.organisation);

  async function evaluate(of: Organisation, name: string, ...args: string[]): Promise<Uint8Array> {
    const { contract, mspId } = gateways[of];
    try {
      return await contract.evaluate(name, { arguments: args, endorsingOrganizations: [mspId] });
    } catch (error) {
      const objections = objectionsIn(error, options.profile, [of]);
      if (objections.some(({ kind }) => kind === 'down')) pairs.avoid(of);
      throw asBadNews(objections);
    }
  }

  return {
    async append(batch) {
      const transaction = await endorse(options.profile, gateways, pairs, batch);
      await commit(transaction);
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
      const { network, mspId } = gateways[of];
      try {
        const bytes = await network.getContract('qscc').evaluate('GetChainInfo', {
          arguments: [options.profile.channel],
          endorsingOrganizations: [mspId],
        });
        return common.BlockchainInfo.deserializeBinary(bytes).getHeight();
      } catch (error) {
        throw asBadNews(objectionsIn(error, options.profile, [of]));
      }
    },
    async block(of, number) {
      const { network, mspId } = gateways[of];
      try {
        return await network.getContract('qscc').evaluate('GetBlockByNumber', {
          arguments: [options.profile.channel, String(number)],
          endorsingOrganizations: [mspId],
        });
      } catch (error) {
        throw asBadNews(objectionsIn(error, options.profile, [of]));
      }
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
  const everyMsp = ORGANISATIONS.map((name) => profile.organisations[name].mspId);
  await Promise.all(
    ORGANISATIONS.map(async (organisation) => {
      const as = { organisation, identity: 'reader' };
      const { gateways, close } = openGateways({ profile, as });
      try {
        for (;;) {
          signal?.throwIfAborted();
          try {
            const call = { endorsingOrganizations: everyMsp };
            await gateways[organisation].contract.newProposal('head', call).endorse();
            return;
          } catch (error) {
            if (Date.now() > end) throw asBadNews(objectionsIn(error, profile, [organisation]));
            await new Promise((resolve) => setTimeout(resolve, 200));
          }
        }
      } finally {
        close();
      }
    }),
  );
}

type Door = { readonly mspId: string; readonly contract: Contract; readonly network: Network };
type Gateways = Readonly<Record<Organisation, Door>>;

function openGateways({ profile, as, deadlines }: ChainOptions): { gateways: Gateways; close(): void } {
  const limits = { ...DEADLINES, ...deadlines };
  const within = (ms: number) => () => ({ deadline: Date.now() + ms });
  const files = identityFiles(profile, as.organisation, as.identity);
  const identity = {
    mspId: profile.organisations[as.organisation].mspId,
    credentials: readFileSync(files.certPath),
  };
  const signer = signers.newPrivateKeySigner(createPrivateKey(readFileSync(files.keyPath)));
  const opened: { gateway: Gateway; client: Client }[] = [];
  const gateways = ORGANISATIONS.map((name): [Organisation, Door] => {
    const { mspId, peer } = profile.organisations[name];
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
      identity,
      signer,
      hash: hash.sha256,
      evaluateOptions: within(limits.evaluate),
      endorseOptions: within(limits.endorse),
      submitOptions: within(limits.submit),
      commitStatusOptions: within(limits.commitStatus),
    });
    opened.push({ gateway, client });
    const network = gateway.getNetwork(profile.channel);
    return [name, { mspId, network, contract: network.getContract(profile.chaincode) }];
  });
  return {
    // The cast holds: one entry per organisation.
    gateways: Object.fromEntries(gateways) as Gateways,
    close() {
      for (const { gateway, client } of opened) {
        gateway.close();
        client.close();
      }
    },
  };
}

/** Which two organisations are asked, the first through its own gateway. The pair that worked last goes first. */
class PairOrder {
  #pairs: readonly (readonly [Organisation, Organisation])[];
  constructor(own: Organisation) {
    const [a, b] = ORGANISATIONS.filter((name) => name !== own);
    // Three organisations less one are two.
    this.#pairs = [
      [own, a!],
      [own, b!],
      [a!, b!],
    ];
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

/**
 * Collects two organisations' endorsements, which is the channel's majority.
 * 1. Pairs are tried until one agrees, so one that is down, lags or lies is gone round.
 * 2. A pair with an organisation that is down or said no is tried last and only while it could still help.
 * 3. Two that refuse are a majority against: refusal. Otherwise, with no pair left, it is a fault.
 */
async function endorse(
  profile: FabricProfile,
  gateways: Gateways,
  order: PairOrder,
  batch: ChainBatch,
): Promise<Transaction> {
  const objections = new Map<Organisation, Objection>();
  const call = {
    arguments: [String(batch.firstIndex), Buffer.from(batch.root).toString('hex')],
    // Transient: the leaves stand in the write set once, not a second time among the arguments.
    transientData: { leaves: Buffer.concat(batch.leaves), checkpoint: batch.note },
  };
  for (const pair of order.pairs) {
    if (pair.some((name) => objections.has(name) && objections.get(name)?.kind !== 'differs')) continue;
    const [first, second] = pair;
    try {
      const transaction = await gateways[first].contract
        .newProposal('append', {
          ...call,
          endorsingOrganizations: [gateways[first].mspId, gateways[second].mspId],
        })
        .endorse();
      order.worked(pair);
      return transaction;
    } catch (error) {
      for (const objection of objectionsIn(error, profile, pair)) {
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
function objectionsIn(error: unknown, profile: FabricProfile, asked: readonly Organisation[]): Objection[] {
  if (!(error instanceof GatewayError)) throw error;
  const said = error.details.flatMap(({ mspId, message }): Objection[] => {
    const organisation = ORGANISATIONS.find((name) => profile.organisations[name].mspId === mspId);
    return organisation === undefined ? [] : [objection(organisation, message)];
  });
  if (said.length > 0) return said;
  // Without details the gateway itself answered, or nobody did: it is down, or does not know the second one.
  const text = error.cause.details || error.message;
  const unknown = asked.find((name) => text.includes(profile.organisations[name].mspId));
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
