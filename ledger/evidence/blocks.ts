// Station 7, evidence: what Fabric blocks say about leaves. Reads the bytes that a peer keeps (protobuf, Fabric 2.5), checks that an
// orderer signed the block, that enough organisations endorsed the transaction, and which leaves it wrote. Pure. Believes no
// number, name or hash that the endorsed bytes do not hold themselves.

import { CHAINCODE, MSP_IDS, ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { fromBase64, joinBytes, toHex } from '../bytes.ts';
import { issuedBy, readCertificate, type VerifyP256 } from '../certificates.ts';
import { der, derInteger, NotDer, p1363FromDer } from '../der.ts';
import { equalBytes, HASH_BYTES, type Hash } from '../merkle.ts';
import type { Step } from './check.ts';
import type { Evidence, EvidenceBlock, EvidenceTrust } from './format.ts';
import { all, EMPTY, field, listed, message, NotProtobuf, number, one, text, varintOf } from './protobuf.ts';

/** A run of leaves that an endorsed transaction wrote. */
export interface AnchoredLeaves {
  readonly first: number;
  readonly leaves: Uint8Array;
}

/** What a transaction wrote that evidence rests on: leaves, and digests of sets of parameters by their version. */
export interface LogWrites {
  readonly leaves: readonly AnchoredLeaves[];
  readonly parameters: readonly { readonly version: string; readonly sha256: string }[];
}

/** What the valid transactions of a block wrote. */
interface BlockRead extends LogWrites {
  readonly number: number;
  readonly channel: string;
}

/** Key under which the chaincode writes leaves, with the index of the first of them. */
const LEAVES_KEY = /^leaves\/([0-9]{16})$/;
/** Where it writes the digest of a set of parameters, behind it the version; and the digest in what it writes there. */
const PARAMETERS_KEY = 'parameters/';
const DIGEST = /^\{"sha256":"([0-9a-f]{64})",/;

/** What a block's valid transactions wrote to the log, without judging anybody's signature. Throws NotProtobuf. */
export function leavesInBlock(block: Uint8Array): BlockRead {
  const { header, envelopes, metadata } = partsOf(block);
  const written = envelopes.flatMap((bytes, at) => {
    if (metadata[2]?.[at] !== VALID) return [];
    const { channel, actions } = transactionOf(bytes);
    return actions.map(({ response }) => ({ channel, ...writesOf(response) }));
  });
  return {
    number: number(header, 1),
    channel: written.find(({ leaves }) => leaves.length > 0)?.channel ?? '',
    leaves: written.flatMap(({ leaves }) => leaves),
    parameters: written.flatMap(({ parameters }) => parameters),
  };
}

/** The hash that a block names as the one of the block before it, hexadecimal. Throws NotProtobuf. */
export const hashBefore = (block: Uint8Array): string => toHex(one(partsOf(block).header, 2));

function partsOf(bytes: Uint8Array) {
  const block = message(bytes);
  return {
    header: message(one(block, 1)),
    envelopes: all(message(one(block, 2)), 1),
    metadata: all(message(one(block, 3)), 1),
  };
}

/** A peer's notes on a transaction (peer.TxValidationCode): that it is valid, and that nobody looked. */
const VALID = 0;
const NOT_LOOKED_AT = 254;

/** Whether evidence rests on a transaction that wrote this. */
export type Needed = (writes: LogWrites) => boolean;

/** Needed for the leaves at these places, or the parameters of these versions. */
export const neededFor =
  (indexes: readonly number[], versions: readonly string[]): Needed =>
  ({ leaves, parameters }) =>
    leaves.some((run) => indexes.some((index) => leafAt(run, index) !== undefined)) ||
    parameters.some(({ version }) => versions.includes(version));

const leafAt = ({ first, leaves }: AnchoredLeaves, index: number): Uint8Array | undefined => {
  const from = (index - first) * HASH_BYTES;
  return from >= 0 && from < leaves.length ? leaves.subarray(from, from + HASH_BYTES) : undefined;
};

/**
 * A block as evidence carries it, out of the bytes that a peer keeps: header, transactions, and the orderers' signatures. Of
 * what the peer noted by itself, which nobody signs, only that the transactions that are needed were valid. One block has
 * one such form, so no byte of it goes unread. Throws NotProtobuf.
 */
export function blockInEvidence(bytes: Uint8Array, needed: Needed): Uint8Array {
  const { header, envelopes, metadata } = partsOf(bytes);
  const height = number(header, 1);
  const signatures = message(metadata[0] ?? EMPTY);
  const valid = Uint8Array.from(envelopes, (envelope, at) =>
    metadata[2]?.[at] === VALID &&
    transactionOf(envelope).actions.some(({ response }) => needed(writesOf(response)))
      ? VALID
      : NOT_LOOKED_AT,
  );
  const signed = joinBytes(
    field(1, one(signatures, 1)),
    ...all(signatures, 2).map((each) => {
      const fields = message(each);
      return listed(2, joinBytes(field(1, one(fields, 1)), field(2, one(fields, 2))));
    }),
  );
  return joinBytes(
    field(
      1,
      joinBytes(
        height === 0 ? EMPTY : joinBytes(Uint8Array.of(8), varintOf(height)),
        field(2, one(header, 2)),
        field(3, one(header, 3)),
      ),
    ),
    field(2, joinBytes(...envelopes.map((envelope) => listed(1, envelope)))),
    field(3, joinBytes(listed(1, signed), listed(1, EMPTY), listed(1, valid))),
  );
}

interface Action {
  /** The endorsed bytes. */
  readonly response: Uint8Array;
  readonly endorsements: readonly { readonly endorser: Uint8Array; readonly signature: Uint8Array }[];
}

/** Type of an ordinary transaction (common.HeaderType.ENDORSER_TRANSACTION). */
const ENDORSER_TRANSACTION = 3;

function transactionOf(envelope: Uint8Array): { channel: string; actions: Action[] } {
  const payload = message(one(message(envelope), 1));
  const channelHeader = message(one(message(one(payload, 1)), 1));
  if (number(channelHeader, 1) !== ENDORSER_TRANSACTION) return { channel: '', actions: [] };
  return {
    channel: text(one(channelHeader, 4)),
    actions: all(message(one(payload, 2)), 1).map((action) => {
      const endorsed = message(one(message(one(message(action), 2)), 2));
      return {
        response: one(endorsed, 1),
        endorsements: all(endorsed, 2).map((each) => {
          const fields = message(each);
          return { endorser: one(fields, 1), signature: one(fields, 2) };
        }),
      };
    }),
  };
}

/** What an endorsed response writes into the log's chaincode. */
function writesOf(response: Uint8Array): LogWrites {
  const leaves: AnchoredLeaves[] = [];
  const parameters: { version: string; sha256: string }[] = [];
  const results = message(one(message(one(message(response), 2)), 1));
  for (const space of all(results, 2)) {
    const fields = message(space);
    if (text(one(fields, 1)) !== CHAINCODE) continue;
    for (const write of all(message(one(fields, 2)), 3)) {
      const written = message(write);
      const [key, value] = [text(one(written, 1)), one(written, 3)];
      const { 1: first } = LEAVES_KEY.exec(key) ?? [];
      if (first !== undefined && value.length % HASH_BYTES === 0)
        leaves.push({ first: Number(first), leaves: value });
      const { 1: sha256 } = DIGEST.exec(text(value)) ?? [];
      if (key.startsWith(PARAMETERS_KEY) && sha256 !== undefined)
        parameters.push({ version: key.slice(PARAMETERS_KEY.length), sha256 });
    }
  }
  return { leaves, parameters };
}

/** The organisation whose authority certified an identity as its own; undefined when none did. */
async function organisationOf(
  identity: Uint8Array,
  trust: EvidenceTrust,
  verify: VerifyP256,
): Promise<{ organisation: Organisation; publicKey: Uint8Array } | undefined> {
  const fields = message(identity);
  const organisation = ORGANISATIONS.find((name) => MSP_IDS[name] === text(one(fields, 1)));
  const certificate = readCertificate(text(one(fields, 2)));
  const root = organisation && trust.roots[organisation];
  if (!organisation || !certificate || root === undefined) return undefined;
  return (await issuedBy(certificate, [root], verify))
    ? { organisation, publicKey: certificate.publicKey }
    : undefined;
}

async function signedBy(
  identity: Uint8Array,
  signed: Uint8Array,
  signature: Uint8Array,
  trust: EvidenceTrust,
  verify: VerifyP256,
): Promise<Organisation | undefined> {
  const known = await organisationOf(identity, trust, verify);
  return known && (await verify(known.publicKey, signed, p1363FromDer(signature)))
    ? known.organisation
    : undefined;
}

/** A block number as DER writes it: as few bytes as it takes. */
function numberBytes(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.from(bytes.length > 0 ? bytes : [0]);
}

/** Organisations that must endorse: the channel's policy is a majority of the three. */
const MAJORITY = 2;

/** Leaves that a majority endorsed, and by whom. */
export interface EndorsedLeaves extends AnchoredLeaves {
  readonly by: readonly Organisation[];
}

/** What a block's transactions wrote: those that were valid, which a majority endorsed, and the others. */
export interface EndorsedBlock {
  readonly number: number;
  readonly leaves: readonly EndorsedLeaves[];
  readonly parameters: LogWrites['parameters'];
  /** Written by transactions that do not count: they were not valid, or nobody looked. */
  readonly uncounted: LogWrites;
}

/** What a checker's platform gives for blocks. */
export interface BlockCrypto {
  readonly hash: Hash;
  readonly p256: VerifyP256;
}

/**
 * The leaves that a block wrote, once its orderer's and its endorsers' signatures are right; else why it cannot be relied on.
 * Never throws for bytes that are no block.
 */
export async function endorsedLeaves(
  bytes: Uint8Array,
  trust: EvidenceTrust,
  crypto: BlockCrypto,
): Promise<EndorsedBlock | { readonly fault: string }> {
  try {
    return await judged(bytes, trust, crypto);
  } catch (error) {
    if (error instanceof NotProtobuf || error instanceof NotDer) return { fault: 'it cannot be read' };
    throw error;
  }
}

async function judged(bytes: Uint8Array, trust: EvidenceTrust, { hash, p256: verify }: BlockCrypto) {
  const { header, envelopes, metadata } = partsOf(bytes);
  if (!equalBytes(one(header, 3), hash(joinBytes(...envelopes))))
    return { fault: 'its transactions are not those of its header' };
  // What orderers sign: the metadata's value, their own header, and the block's header in DER.
  const [blockNumber, previous, data] = [number(header, 1), one(header, 2), one(header, 3)];
  const headerBytes = der(0x30, derInteger(numberBytes(blockNumber)), der(0x04, previous), der(0x04, data));
  const signatures = message(metadata[0] ?? EMPTY);
  const orderers = all(signatures, 2);
  let ordered = orderers.length > 0;
  for (const each of orderers) {
    const fields = message(each);
    const identity = one(message(one(fields, 1)), 1);
    const signed = joinBytes(one(signatures, 1), one(fields, 1), headerBytes);
    ordered &&= (await signedBy(identity, signed, one(fields, 2), trust, verify)) !== undefined;
  }
  if (!ordered) return { fault: 'no orderer of the members signed it' };
  const counted: { leaves: EndorsedLeaves[]; parameters: LogWrites['parameters'][number][] } = {
    leaves: [],
    parameters: [],
  };
  const uncounted: LogWrites[] = [];
  for (const [at, envelope] of envelopes.entries()) {
    const { channel, actions } = transactionOf(envelope);
    for (const { response, endorsements } of actions) {
      const writes = writesOf(response);
      if (writes.leaves.length === 0 && writes.parameters.length === 0) continue;
      if (metadata[2]?.[at] !== VALID) {
        uncounted.push(writes);
        continue;
      }
      if (channel !== trust.channel) return { fault: 'it is of another channel' };
      const endorsed = new Set<Organisation>();
      for (const { endorser, signature } of endorsements) {
        const by = await signedBy(endorser, joinBytes(response, endorser), signature, trust, verify);
        if (by === undefined) return { fault: 'an endorsement is not by a member’s peer over these writes' };
        endorsed.add(by);
      }
      if (endorsed.size < MAJORITY) return { fault: `only ${endorsed.size} of the members endorsed it` };
      counted.leaves.push(...writes.leaves.map((run) => ({ ...run, by: [...endorsed] })));
      counted.parameters.push(...writes.parameters);
    }
  }
  return {
    number: blockNumber,
    ...counted,
    uncounted: {
      leaves: uncounted.flatMap(({ leaves }) => leaves),
      parameters: uncounted.flatMap(({ parameters }) => parameters),
    },
  };
}

/** What a block in evidence says, or why it cannot be relied on. */
async function blockOf(
  { number: named, bytes: encoded }: EvidenceBlock,
  needed: Needed,
  trust: EvidenceTrust,
  crypto: BlockCrypto,
): Promise<EndorsedBlock | { readonly fault: string }> {
  const bytes = fromBase64(encoded);
  if (!bytes) return { fault: 'it is not written as base64' };
  const read = await endorsedLeaves(bytes, trust, crypto);
  if ('fault' in read) return read;
  if (read.number !== named) return { fault: `it is another one: ${read.number}` };
  if (!equalBytes(blockInEvidence(bytes, needed), bytes))
    return { fault: 'it holds more than what counts, or spells it otherwise' };
  if (!needed(read)) return { fault: 'it holds nothing of this case' };
  return read;
}

/**
 * Checks the evidence's blocks, and that each entry's leaf was written by one of them at its place.
 * @returns the step, and the digests of parameters that the blocks show by version; null where two differ or it does not count
 */
export async function checkBlocks(
  evidence: Pick<Evidence, 'blocks' | 'parameters'>,
  trust: EvidenceTrust,
  entries: readonly { readonly leaf: Uint8Array; readonly index: number }[],
  crypto: BlockCrypto,
): Promise<{ readonly step: Step; readonly parameters: ReadonlyMap<string, string | null> }> {
  const wrong: string[] = [];
  const open: string[] = [];
  const anchored: AnchoredLeaves[] = [];
  const uncounted: AnchoredLeaves[] = [];
  const parameters = new Map<string, string | null>();
  const needed = neededFor(
    entries.map(({ index }) => index),
    evidence.parameters.map(({ version }) => version),
  );
  for (const block of evidence.blocks) {
    const read = await blockOf(block, needed, trust, crypto);
    if ('fault' in read) {
      wrong.push(`Block ${block.number} cannot be relied on: ${read.fault}`);
      continue;
    }
    anchored.push(...read.leaves);
    uncounted.push(...read.uncounted.leaves);
    for (const { version, sha256 } of read.parameters)
      parameters.set(version, (parameters.get(version) ?? sha256) === sha256 ? sha256 : null);
    for (const { version } of read.uncounted.parameters)
      if (!parameters.has(version)) parameters.set(version, null);
  }
  for (const [at, { leaf, index }] of entries.entries()) {
    const held = anchored.flatMap((run) => leafAt(run, index) ?? []);
    if (held.length > 1) wrong.push(`Entry ${at + 1}: more than one transaction wrote a leaf at ${index}`);
    else if (held[0] && !equalBytes(held[0], leaf))
      wrong.push(`Entry ${at + 1}: the members’ chain holds another leaf at ${index}`);
    else if (held.length === 0 && uncounted.some((run) => leafAt(run, index)))
      wrong.push(`Entry ${at + 1}: the transaction that wrote its leaf was not valid`);
    else if (held.length === 0) open.push(`Entry ${at + 1}: the block that anchored it is not there`);
  }
  const outcome = wrong.length > 0 ? 'wrong' : open.length > 0 ? 'open' : 'holds';
  const says = {
    holds: `All ${entries.length} leaves were written to the members’ chain, endorsed by a majority of them`,
    open: `${open.length} of ${entries.length} leaves are not shown to be on the members’ chain`,
    wrong: wrong[0] ?? '',
  }[outcome];
  return { step: { name: 'chain', outcome, says, details: [...wrong, ...open] }, parameters };
}
