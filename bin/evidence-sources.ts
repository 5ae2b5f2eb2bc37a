// Composition: what evidence is made out of on a running machine: the database, the service's certificates, the peers' blocks and
// the members' revocation lists. What does not answer now is left out and said; the checker shows what is missing.
import type { Database } from '../db/connection.ts';
import { ORGANISATIONS, type Organisation } from '../domain/consortium.ts';
import { toBase64 } from '../ledger/bytes.ts';
import { leavesInBlock } from '../ledger/evidence/blocks.ts';
import type { EvidenceBlock } from '../ledger/evidence/format.ts';
import type { Chain } from '../ledger/fabric/client.ts';
import { readFabricProfile } from '../ledger/fabric/profile.ts';
import { HASH_BYTES } from '../ledger/merkle.ts';
import type { EvidenceFrom } from './evidence.ts';
import { fabricProfilePath, type Machine } from './machine.ts';
import { memberUrls } from './member-doors.ts';
import { parametersOf } from './parameters.ts';
import { serviceCertificates } from './verify-sources.ts';

/** Time for a member to answer with its list. */
const MEMBER_MS = 3000;

/** The sources of a machine. `say` is told what is left out, and why. */
export function evidenceFrom(
  machine: Machine,
  db: Database,
  chain: Pick<Chain, 'block' | 'blockHeight' | 'newestCosignatures'>,
  say: (line: string) => void,
): EvidenceFrom {
  return {
    db,
    keys: machine.secrets.keys,
    parameters: parametersOf(machine.settings).set,
    serviceCertificates: serviceCertificates(readFabricProfile(fabricProfilePath(machine))).map(
      (certificate) => certificate.toString(),
    ),
    async cosignatures() {
      for (const organisation of ORGANISATIONS)
        try {
          return await chain.newestCosignatures(organisation);
        } catch {
          say(`Cosignatures cannot be read from the ${organisation}’s peer; the next one is asked`);
        }
      return [];
    },
    revocations: () => listsOf(memberUrls(machine), say),
    async blocks(indexes) {
      for (const organisation of ORGANISATIONS)
        try {
          return await blocksWith(
            indexes,
            () => chain.blockHeight(organisation),
            (number) => chain.block(organisation, number),
          );
        } catch {
          say(`Blocks cannot be read from the ${organisation}’s peer; the next one is asked`);
        }
      return [];
    },
    now: () => new Date(),
  };
}

/** Each member's list of what its authority revoked, PEM; without those that do not answer. */
async function listsOf(
  members: Readonly<Partial<Record<Organisation, string>>>,
  say: (line: string) => void,
): Promise<readonly string[]> {
  const lists = await Promise.all(
    Object.entries(members).map(async ([organisation, url]) => {
      try {
        const answer = await fetch(new URL('/crl', url), {
          redirect: 'error',
          signal: AbortSignal.timeout(MEMBER_MS),
        });
        if (answer.ok) return [await answer.text()];
      } catch {
        // Said below: a member that is away is not this file's fault.
      }
      say(`Revocation list of the ${organisation} cannot be had now and is left out`);
      return [];
    }),
  );
  return lists.flat();
}

/**
 * The blocks that wrote these leaves, each once. Blocks stand in the order of the leaves they wrote, so each is found by
 * halving; blocks that wrote none are stepped over.
 */
export async function blocksWith(
  indexes: readonly number[],
  height: () => Promise<number>,
  read: (number: number) => Promise<Uint8Array>,
): Promise<EvidenceBlock[]> {
  const known = new Map<number, { bytes: Uint8Array; first: number; end: number } | undefined>();
  const look = async (number: number) => {
    if (!known.has(number)) {
      const bytes = await read(number);
      const { leaves } = leavesInBlock(bytes);
      const ends = leaves.map((run) => run.first + run.leaves.length / HASH_BYTES);
      known.set(
        number,
        leaves.length === 0
          ? undefined
          : { bytes, first: Math.min(...leaves.map(({ first }) => first)), end: Math.max(...ends) },
      );
    }
    return known.get(number);
  };
  const count = await height();
  const wanted = new Map<number, Uint8Array>();
  for (const index of indexes) {
    let low = 0;
    let high = count - 1;
    while (low <= high) {
      let middle = Math.floor((low + high) / 2);
      let block = await look(middle);
      // Nothing of the log in it: the next one below that has something decides, or everything is above.
      while (!block && middle > low) {
        middle -= 1;
        block = await look(middle);
      }
      if (!block) {
        low = Math.floor((low + high) / 2) + 1;
        continue;
      }
      if (index < block.first) high = middle - 1;
      else if (index >= block.end) low = Math.max(Math.floor((low + high) / 2), middle) + 1;
      else {
        wanted.set(middle, block.bytes);
        break;
      }
    }
  }
  return [...wanted].sort(([a], [b]) => a - b).map(([number, bytes]) => ({ number, bytes: toBase64(bytes) }));
}
