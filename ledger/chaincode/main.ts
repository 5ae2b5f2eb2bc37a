// Station 6 on the chain: the chaincode process, one per organisation, which its own peer calls over TLS.
// Promise: each call is one function of `log.ts`, and only the hospital's ledger identity may append.
// Must never keep anything between calls: all state lies in the channel.
import { hash as nodeHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type ChaincodeInterface,
  type ChaincodeResponse,
  type ChaincodeStub,
  ClientIdentity,
  Shim,
} from 'fabric-shim';
import { MSP_IDS } from '../../domain/consortium.ts';
import {
  append,
  checkpointAt,
  encode,
  LogRefusal,
  leafAt,
  listLeaves,
  readHeadOf,
  type State,
  subtreeRoot,
} from './log.ts';

/** Certificate attribute of the identity that may append; the hospital's CA gives it to `ledger` alone. */
const LEDGER_ATTRIBUTE = 'rehab.ledger';

const sha256 = (bytes: Uint8Array): Uint8Array => nodeHash('sha256', bytes, 'buffer');

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
    return encode(await append(state, batch, sha256));
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
    throw new LogRefusal('NOT_ALLOWED', "Only the hospital's ledger identity may append; use that one", {
      organisation: caller.getMSPID(),
    });
  }
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
