// Station 6 on the chain: the chaincode process, one per organisation, which its own peer calls over TLS.
// Promise: each call is one function of the files beside it, under the organisation and attribute that it demands.
// Must never keep anything between calls: all state lies in the channel.
import { createPublicKey, hash as nodeHash, verify as nodeVerify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type ChaincodeInterface,
  type ChaincodeResponse,
  type ChaincodeStub,
  ClientIdentity,
  Shim,
} from 'fabric-shim';
import { MSP_IDS, ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import {
  certificateOf,
  certificatesOf,
  certify,
  parametersOf,
  recordParameters,
  revoke,
} from './certificates.ts';
import { cosign, cosignaturesAt, newestCosignatures } from './cosignatures.ts';
import { listKeys, registerKey } from './keys.ts';
import { append, checkpointAt, leafAt, listLeaves, readHeadOf, subtreeRoot } from './log.ts';
import { type Crypto, encode, LogRefusal, type State } from './state.ts';

/** Certificate attribute of the identity that may append; the hospital's CA gives it to `ledger` alone. */
const LEDGER_ATTRIBUTE = 'rehab.ledger';
/** Certificate attribute of the identity that speaks for its organisation; each CA gives it to its `member` alone. */
const MEMBER_ATTRIBUTE = 'rehab.member';

const sha256 = (bytes: Uint8Array): Uint8Array => nodeHash('sha256', bytes, 'buffer');

/** Ed25519 with a raw key. A key that is no point on the curve verifies nothing. */
function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const x = Buffer.from(publicKey).toString('base64url');
  try {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    return nodeVerify(null, message, key, signature);
  } catch {
    return false;
  }
}

const crypto: Crypto = { hash: sha256, verify: verifyEd25519 };

type Call = (stub: ChaincodeStub, state: State, args: readonly string[]) => Promise<Uint8Array>;

/** Every function of the chaincode. What is not here does not exist. */
const CALLS: Readonly<Record<string, Call>> = {
  append: async (stub, state, args) => {
    demandLedger(stub);
    const [firstIndex, claimedRoot = ''] = demandArguments(args, 2);
    const transient = stub.getTransient();
    const batch = {
      firstIndex: wholeNumber(firstIndex),
      claimedRoot,
      leaves: transient.get('leaves') ?? new Uint8Array(),
      note: Buffer.from(transient.get('checkpoint') ?? []).toString(),
    };
    return encode(await append(state, batch, crypto));
  },
  head: async (_, state, args) => {
    demandArguments(args, 0);
    return encode(await readHeadOf(state, sha256));
  },
  leafAt: async (_, state, args) => {
    const [index] = demandArguments(args, 1);
    return leafAt(state, wholeNumber(index));
  },
  listLeaves: async (_, state, args) => {
    const [first, count] = demandArguments(args, 2);
    return listLeaves(state, wholeNumber(first), wholeNumber(count));
  },
  subtreeRoot: async (_, state, args) => {
    const [index] = demandArguments(args, 1);
    return subtreeRoot(state, wholeNumber(index));
  },
  checkpointAt: async (_, state, args) => {
    const [size] = demandArguments(args, 1);
    return encode(await checkpointAt(state, wholeNumber(size)));
  },
  registerKey: async (stub, state, args) => {
    const [kind = '', name = '', vkey = ''] = demandArguments(args, 3);
    return encode(await registerKey(state, demandMember(stub), kind, name, vkey, sha256));
  },
  keys: async (_, state, args) => {
    demandArguments(args, 0);
    return encode(await listKeys(state));
  },
  cosign: async (stub, state, args) => {
    const [size] = demandArguments(args, 1);
    const line = Buffer.from(stub.getTransient().get('cosignature') ?? []).toString();
    return encode(await cosign(state, demandMember(stub), wholeNumber(size), line, crypto));
  },
  cosignaturesAt: async (_, state, args) => {
    const [size] = demandArguments(args, 1);
    return encode(await cosignaturesAt(state, wholeNumber(size)));
  },
  newestCosignatures: async (_, state, args) => {
    demandArguments(args, 0);
    return encode(await newestCosignatures(state));
  },
  certify: async (stub, state, args) => {
    const [fingerprint = '', person = '', role = '', notBefore = '', notAfter = ''] = demandArguments(
      args,
      5,
    );
    const said = { fingerprint, person, role, notBefore, notAfter };
    return encode(await certify(state, demandMember(stub), said));
  },
  revoke: async (stub, state, args) => {
    const [fingerprint = '', at = '', reason = ''] = demandArguments(args, 3);
    return encode(await revoke(state, demandMember(stub), fingerprint, at, reason));
  },
  certificateOf: async (_, state, args) => {
    const [fingerprint = ''] = demandArguments(args, 1);
    return encode((await certificateOf(state, fingerprint)) ?? null);
  },
  certificatesOf: async (_, state, args) => {
    const [organisation, after = '', count] = demandArguments(args, 3);
    const of = ORGANISATIONS.find((name) => name === organisation);
    if (of === undefined) throw new LogRefusal('MALFORMED', 'Not one of the three organisations; name one');
    return encode(await certificatesOf(state, of, after, wholeNumber(count)));
  },
  recordParameters: async (stub, state, args) => {
    const [version = '', sha256 = ''] = demandArguments(args, 2);
    demandLedger(stub);
    return encode(await recordParameters(state, version, sha256));
  },
  parametersOf: async (_, state, args) => {
    const [version = ''] = demandArguments(args, 1);
    return encode((await parametersOf(state, version)) ?? null);
  },
};

class RehabLog implements ChaincodeInterface {
  async Init(): Promise<ChaincodeResponse> {
    return Shim.success();
  }

  async Invoke(stub: ChaincodeStub): Promise<ChaincodeResponse> {
    const { fcn, params } = stub.getFunctionAndParameters();
    try {
      const call = Object.hasOwn(CALLS, fcn) ? CALLS[fcn] : undefined;
      if (call === undefined)
        throw new LogRefusal('MALFORMED', 'No such function; update the caller or the chaincode');
      return Shim.success(Buffer.from(await call(stub, stateOf(stub), params)));
    } catch (error) {
      return Shim.error(describe(error));
    }
  }
}

/** `CODE: sentence {facts}`: what clients read back. An error that is not ours says its kind, never its content. */
function describe(error: unknown): string {
  if (error instanceof LogRefusal) {
    return `${error.code}: ${error.message} ${Buffer.from(encode(error.facts)).toString()}`;
  }
  console.error('Call failed', error);
  return 'FAULT: Chaincode failed; read its log';
}

function stateOf(stub: ChaincodeStub): State {
  return {
    read: (key) => stub.getState(key),
    write: (key, value) => stub.putState(key, value),
    async *scan(start, end) {
      const found = await stub.getStateByRange(start, end);
      try {
        for (let item = await found.next(); !item.done; item = await found.next()) yield item.value;
      } finally {
        await found.close();
      }
    },
  };
}

/** Organisation and attribute stand in the certificate, which the peer has already checked against the channel. */
function demandLedger(stub: ChaincodeStub) {
  const caller = new ClientIdentity(stub);
  if (caller.getMSPID() !== MSP_IDS.hospital || !caller.assertAttributeValue(LEDGER_ATTRIBUTE, 'true')) {
    throw new LogRefusal('NOT_ALLOWED', "Only the hospital's ledger identity may do this; use that one", {
      organisation: caller.getMSPID(),
    });
  }
}

/** The organisation for which the caller speaks: its own, and only as its member. */
function demandMember(stub: ChaincodeStub): Organisation {
  const caller = new ClientIdentity(stub);
  const organisation = ORGANISATIONS.find((name) => MSP_IDS[name] === caller.getMSPID());
  if (organisation === undefined || !caller.assertAttributeValue(MEMBER_ATTRIBUTE, 'true')) {
    throw new LogRefusal('NOT_ALLOWED', "Only an organisation's member may do this; use its identity", {
      organisation: caller.getMSPID(),
    });
  }
  return organisation;
}

function demandArguments(args: readonly string[], count: number): readonly string[] {
  if (args.length === count) return args;
  throw new LogRefusal('MALFORMED', 'Wrong number of arguments; update the caller or the chaincode', {
    expected: count,
    given: args.length,
  });
}

function wholeNumber(text: string | undefined): number {
  const number = Number(text);
  if (text !== undefined && /^(0|[1-9][0-9]{0,15})$/.test(text) && Number.isSafeInteger(number))
    return number;
  throw new LogRefusal('MALFORMED', 'Not a whole number from 0; write it in plain decimal digits');
}

/** A setting that the engine gives to this process; there is no default for any of them. */
function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '')
    throw new Error(`Setting is missing; start through the engine: ${name}`);
  return value;
}

const server = Shim.server(new RehabLog(), {
  ccid: setting('CHAINCODE_ID'),
  address: setting('CHAINCODE_ADDRESS'),
  tlsProps: {
    key: readFileSync(setting('CHAINCODE_TLS_KEY')),
    cert: readFileSync(setting('CHAINCODE_TLS_CERT')),
    clientCACerts: readFileSync(setting('CHAINCODE_TLS_CLIENT_CA')),
  },
  // A batch at its limit is 4 MiB of leaves, and gRPC's own default would refuse it.
  'grpc.max_receive_message_length': 16 * 1024 * 1024,
});
process.on('SIGTERM', () => process.exit(0));
process.on('SIGINT', () => process.exit(0));
server.start().then(
  () => console.log('Chaincode listens'),
  (error: unknown) => {
    console.error('Chaincode cannot listen; free its port', error);
    process.exit(1);
  },
);
