// Test support: transactions endorsed by exactly those organisations that a test names, as a dishonest operator
// would assemble them. Never used by the product, whose client always asks a majority.
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Client, credentials } from '@grpc/grpc-js';
import { connect, signers } from '@hyperledger/fabric-gateway';
import { peer } from '@hyperledger/fabric-protos';
import type { Organisation } from '../../domain/consortium.ts';
import type { ChainBatch } from '../../ledger/fabric/client.ts';
import { type FabricProfile, identityFiles } from '../../ledger/fabric/profile.ts';

export type Outcome = { readonly successful: boolean; readonly code: string };

/** Endorses through the first organisation's gateway; the function it gives sends the transaction and waits. */
export async function endorsedBy(
  profile: FabricProfile,
  batch: ChainBatch,
  organisations: readonly [Organisation, ...Organisation[]],
): Promise<() => Promise<Outcome>> {
  const files = identityFiles(profile, 'hospital', 'ledger');
  const door = profile.organisations[organisations[0]].peer;
  const client = new Client(door.address, credentials.createSsl(readFileSync(door.tlsCaPath)), {
    'grpc.ssl_target_name_override': door.hostname,
  });
  const gateway = connect({
    client,
    identity: { mspId: profile.organisations.hospital.mspId, credentials: readFileSync(files.certPath) },
    signer: signers.newPrivateKeySigner(createPrivateKey(readFileSync(files.keyPath))),
    endorseOptions: () => ({ deadline: Date.now() + 15_000 }),
  });
  const close = () => {
    gateway.close();
    client.close();
  };
  try {
    const transaction = await gateway
      .getNetwork(profile.channel)
      .getContract(profile.chaincode)
      .newProposal('append', {
        arguments: [String(batch.firstIndex), Buffer.from(batch.root).toString('hex')],
        transientData: { leaves: Buffer.concat(batch.leaves), checkpoint: batch.note },
        endorsingOrganizations: organisations.map((name) => profile.organisations[name].mspId),
      })
      .endorse();
    return async () => {
      try {
        const status = await (await transaction.submit()).getStatus();
        const names = Object.entries(peer.TxValidationCode);
        return {
          successful: status.successful,
          code: names.find(([, value]) => value === status.code)?.[0] ?? String(status.code),
        };
      } finally {
        close();
      }
    };
  } catch (error) {
    close();
    throw error;
  }
}

export async function endorsedByHospitalAlone(profile: FabricProfile, batch: ChainBatch): Promise<Outcome> {
  return (await endorsedBy(profile, batch, ['hospital']))();
}
