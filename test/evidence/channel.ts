// Test support: blocks as a channel of three organisations makes them, written by Fabric's own protobuf classes and signed by peers and an
// orderer whose certificates come from the test's authorities. What real blocks hold is tested on a real network in test/fabric.
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { common, ledger, msp, peer } from '@hyperledger/fabric-protos';
import { CHAINCODE, CHANNEL, MSP_IDS, type Organisation } from '../../domain/consortium.ts';
import { der, derInteger } from '../../ledger/der.ts';
import { spki, type TestAuthority } from '../support/authority.ts';

interface Node {
  readonly identity: Uint8Array;
  readonly key: KeyObject;
}

/** A channel whose nodes those authorities certified. */
export function testChannel(authorities: Readonly<Record<Organisation, TestAuthority>>) {
  const node = (organisation: Organisation): Node => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const identity = new msp.SerializedIdentity();
    identity.setMspid(MSP_IDS[organisation]);
    const pem = authorities[organisation].issue({ publicKey: spki(publicKey), name: 'node', attributes: {} });
    identity.setIdBytes(Buffer.from(pem));
    return { identity: identity.serializeBinary(), key: privateKey };
  };
  const peers = { hospital: node('hospital'), association: node('association') };
  const orderer = node('administration');
  const blocks: Uint8Array[] = [];
  let previous: Uint8Array = new Uint8Array(32);

  function add(data: readonly Uint8Array[]): void {
    const header = new common.BlockHeader();
    header.setNumber(blocks.length);
    header.setPreviousHash(previous);
    const dataHash = createHash('sha256').update(Buffer.concat(data)).digest();
    header.setDataHash(dataHash);
    const number =
      blocks.length === 0 ? [0] : [...Buffer.from(blocks.length.toString(16).padStart(4, '0'), 'hex')];
    while (number.length > 1 && number[0] === 0) number.shift();
    const headerBytes = der(
      0x30,
      derInteger(Uint8Array.from(number)),
      der(0x04, previous),
      der(0x04, dataHash),
    );
    previous = createHash('sha256').update(headerBytes).digest();
    const signatureHeader = new common.SignatureHeader();
    signatureHeader.setCreator(orderer.identity);
    const signed = new common.MetadataSignature();
    signed.setSignatureHeader(signatureHeader.serializeBinary());
    const value = Buffer.from('last configuration');
    signed.setSignature(
      sign('sha256', Buffer.concat([value, signatureHeader.serializeBinary(), headerBytes]), orderer.key),
    );
    const signatures = new common.Metadata();
    signatures.setValue(value);
    signatures.addSignatures(signed);
    const metadata = new common.BlockMetadata();
    metadata.setMetadataList([signatures.serializeBinary(), new Uint8Array(0), new Uint8Array(data.length)]);
    const blockData = new common.BlockData();
    blockData.setDataList([...data]);
    const block = new common.Block();
    block.setHeader(header);
    block.setData(blockData);
    block.setMetadata(metadata);
    blocks.push(block.serializeBinary());
  }

  /** As the chaincode has it: no key holds leaves of two subtrees. */
  function leavesUnderKeys(first: number, leaves: readonly Uint8Array[]): [string, Uint8Array][] {
    const written: [string, Uint8Array][] = [];
    for (let at = 0; at < leaves.length; ) {
      const index = first + at;
      const count = Math.min(256 - (index % 256), leaves.length - at);
      written.push([
        `leaves/${String(index).padStart(16, '0')}`,
        Buffer.concat(leaves.slice(at, at + count)),
      ]);
      at += count;
    }
    return written;
  }

  function transaction(written: readonly (readonly [string, Uint8Array])[]): Uint8Array {
    const writes = new ledger.rwset.kvrwset.KVRWSet();
    for (const [key, value] of written) {
      const write = new ledger.rwset.kvrwset.KVWrite();
      write.setKey(key);
      write.setValue(value);
      writes.addWrites(write);
    }
    const space = new ledger.rwset.NsReadWriteSet();
    space.setNamespace(CHAINCODE);
    space.setRwset(writes.serializeBinary());
    const results = new ledger.rwset.TxReadWriteSet();
    results.addNsRwset(space);
    const action = new peer.ChaincodeAction();
    action.setResults(results.serializeBinary());
    const response = new peer.ProposalResponsePayload();
    response.setExtension$(action.serializeBinary());
    const responseBytes = response.serializeBinary();
    const endorsed = new peer.ChaincodeEndorsedAction();
    endorsed.setProposalResponsePayload(responseBytes);
    endorsed.setEndorsementsList(
      Object.values(peers).map(({ identity, key }) => {
        const endorsement = new peer.Endorsement();
        endorsement.setEndorser(identity);
        endorsement.setSignature(sign('sha256', Buffer.concat([responseBytes, identity]), key));
        return endorsement;
      }),
    );
    const payload = new peer.ChaincodeActionPayload();
    payload.setAction(endorsed);
    const transactionAction = new peer.TransactionAction();
    transactionAction.setPayload(payload.serializeBinary());
    const made = new peer.Transaction();
    made.addActions(transactionAction);
    const channelHeader = new common.ChannelHeader();
    channelHeader.setType(common.HeaderType.ENDORSER_TRANSACTION);
    channelHeader.setChannelId(CHANNEL);
    const header = new common.Header();
    header.setChannelHeader(channelHeader.serializeBinary());
    const whole = new common.Payload();
    whole.setHeader(header);
    whole.setData(made.serializeBinary());
    const envelope = new common.Envelope();
    envelope.setPayload(whole.serializeBinary());
    return envelope.serializeBinary();
  }

  // The first block of a channel is its configuration.
  add([new common.Envelope().serializeBinary()]);
  return {
    /** Writes leaves behind those before, in a block of their own. */
    anchor: (first: number, leaves: readonly Uint8Array[]): void =>
      add([transaction(leavesUnderKeys(first, leaves))]),
    /** Writes down the digest of a version of the parameters, as the chaincode does. */
    record: (version: string, sha256: string): void =>
      add([transaction([[`parameters/${version}`, Buffer.from(JSON.stringify({ sha256, version }))]])]),
    height: async (): Promise<number> => blocks.length,
    block: async (number: number): Promise<Uint8Array> => {
      const block = blocks[number];
      if (!block) throw new Error(`no such block: ${number}`);
      return block;
    },
  };
}
