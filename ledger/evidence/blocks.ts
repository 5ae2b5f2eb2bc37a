// Station 7, evidence: what Fabric blocks say about leaves. Reads the bytes that a peer keeps (protobuf, Fabric 2.5), checks that an
// orderer signed the block, that enough organisations endorsed the transaction, and which leaves it wrote. Pure. Believes no
// number, name or hash that the endorsed bytes do not hold themselves.

import { CHAINCODE, MSP_IDS, ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { fromBase64, joinBytes, toHex } from '../bytes.ts';
import { issuedBy, readCertificate, type VerifyP256 } from '../certificates.ts';
import { der, derInteger, NotDer, p1363FromDer } from '../der.ts';
import { equalBytes, HASH_BYTES, type Hash } from '../merkle.ts';
import type { Step } from './check.ts';
import type { Evidence, EvidenceTrust } from './format.ts';

/** Bytes that are no protobuf message, or not of the kind that was asked for. */
class NotProtobuf extends Error {
  override readonly name = 'NotProtobuf';
}

type Message = ReadonlyMap<number, readonly (Uint8Array | number)[]>;

/** Fields of a protobuf message: numbers for varints, bytes for what has a length (protobuf encoding). */
function message(bytes: Uint8Array): Message {
  const fields = new Map<number, (Uint8Array | number)[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || scale > 2 ** 63) throw new NotProtobuf('number does not end');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new NotProtobuf('field ends too late');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const kind = tag % 8;
    const value =
      kind === 0
        ? varint()
        : kind === 2
          ? take(varint())
          : kind === 1
            ? take(8)
            : kind === 5
              ? take(4)
              : undefined;
    if (value === undefined) throw new NotProtobuf('field is of an unknown kind');
    const number = Math.floor(tag / 8);
    fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  return fields;
}

const EMPTY = new Uint8Array(0);
const all = (of: Message, field: number): Uint8Array[] =>
  (of.get(field) ?? []).filter((value) => typeof value !== 'number');
/** The last one counts, as protobuf readers have it. */
const one = (of: Message, field: number): Uint8Array => all(of, field).at(-1) ?? EMPTY;
const number = (of: Message, field: number): number => {
  const value = of.get(field)?.at(-1);
  return typeof value === 'number' ? value : 0;
};
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** A run of leaves that an endorsed transaction wrote. */
export interface AnchoredLeaves {
  readonly first: number;
  readonly leaves: Uint8Array;
}

/** The transactions of a block that wrote leaves, with who endorsed each. */
interface BlockRead {
  readonly number: number;
  readonly channel: string;
  readonly leaves: readonly AnchoredLeaves[];
}

/** Key under which the chaincode writes leaves, with the index of the first of them. */
const LEAVES_KEY = /^leaves\/([0-9]{16})$/;

/** What a block's transactions wrote under the log's leaves, without judging anybody's signature. Throws NotProtobuf. */
export function leavesInBlock(block: Uint8Array): BlockRead {
  const { header, envelopes } = partsOf(block);
  const written = envelopes.flatMap((bytes) => {
    const { channel, actions } = transactionOf(bytes);
    return actions.map((action) => ({ channel, leaves: leavesOf(action.response) }));
  });
  return {
    number: number(header, 1),
    channel: written.find(({ leaves }) => leaves.length > 0)?.channel ?? '',
    leaves: written.flatMap(({ leaves }) => leaves),
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

/** Leaves in the writes of an endorsed response to the log's chaincode. */
function leavesOf(response: Uint8Array): AnchoredLeaves[] {
  const results = message(one(message(one(message(response), 2)), 1));
  return all(results, 2).flatMap((space) => {
    const fields = message(space);
    if (text(one(fields, 1)) !== CHAINCODE) return [];
    return all(message(one(fields, 2)), 3).flatMap((write) => {
      const { 1: first } = LEAVES_KEY.exec(text(one(message(write), 1))) ?? [];
      const leaves = one(message(write), 3);
      return first !== undefined && leaves.length % HASH_BYTES === 0
        ? [{ first: Number(first), leaves }]
        : [];
    });
  });
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
): Promise<
  { readonly number: number; readonly leaves: readonly EndorsedLeaves[] } | { readonly fault: string }
> {
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
  let ordered = false;
  for (const each of all(signatures, 2)) {
    const fields = message(each);
    const identity = one(message(one(fields, 1)), 1);
    const signed = joinBytes(one(signatures, 1), one(fields, 1), headerBytes);
    ordered ||= (await signedBy(identity, signed, one(fields, 2), trust, verify)) !== undefined;
  }
  if (!ordered) return { fault: 'no orderer of the members signed it' };
  const valid = metadata[2] ?? EMPTY;
  const written: EndorsedLeaves[] = [];
  for (const [at, envelope] of envelopes.entries()) {
    const { channel, actions } = transactionOf(envelope);
    const writes = actions.filter(({ response }) => leavesOf(response).length > 0);
    if (writes.length === 0) continue;
    if (channel !== trust.channel) return { fault: 'it is of another channel' };
    if (valid[at] !== 0) return { fault: 'its transaction was not valid' };
    for (const { response, endorsements } of writes) {
      const endorsed = new Set<Organisation>();
      for (const { endorser, signature } of endorsements) {
        const by = await signedBy(endorser, joinBytes(response, endorser), signature, trust, verify);
        if (by === undefined) return { fault: 'an endorsement is not by a member’s peer over these writes' };
        endorsed.add(by);
      }
      if (endorsed.size < MAJORITY) return { fault: `only ${endorsed.size} of the members endorsed it` };
      written.push(...leavesOf(response).map((run) => ({ ...run, by: [...endorsed] })));
    }
  }
  return { number: blockNumber, leaves: written };
}

/** Checks the evidence's blocks, and that each entry's leaf was written by one of them at its place. */
export async function checkBlocks(
  evidence: Evidence,
  trust: EvidenceTrust,
  entries: readonly { readonly leaf: Uint8Array; readonly index: number }[],
  crypto: BlockCrypto,
): Promise<Step> {
  const wrong: string[] = [];
  const open: string[] = [];
  const anchored: AnchoredLeaves[] = [];
  for (const { number: named, bytes: encoded } of evidence.blocks) {
    const bytes = fromBase64(encoded);
    const read = bytes
      ? await endorsedLeaves(bytes, trust, crypto)
      : { fault: 'it is not written as base64' };
    if ('fault' in read) wrong.push(`Block ${named} cannot be relied on: ${read.fault}`);
    else if (read.number !== named) wrong.push(`Block ${named} is another one: ${read.number}`);
    else anchored.push(...read.leaves);
  }
  for (const [at, { leaf, index }] of entries.entries()) {
    const held = anchored.flatMap(({ first, leaves }) => {
      const from = (index - first) * HASH_BYTES;
      return from >= 0 && from < leaves.length ? [leaves.subarray(from, from + HASH_BYTES)] : [];
    });
    if (held.length === 0) open.push(`Entry ${at + 1}: the block that anchored it is not there`);
    else if (!held.every((each) => equalBytes(each, leaf)))
      wrong.push(`Entry ${at + 1}: the members’ chain holds another leaf at ${index}`);
  }
  const outcome = wrong.length > 0 ? 'wrong' : open.length > 0 ? 'open' : 'holds';
  const says = {
    holds: `All ${entries.length} leaves were written to the members’ chain, endorsed by a majority of them`,
    open: `${open.length} of ${entries.length} leaves are not shown to be on the members’ chain`,
    wrong: wrong[0] ?? '',
  }[outcome];
  return { name: 'chain', outcome, says, details: [...wrong, ...open] };
}
