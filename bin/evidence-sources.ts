// Composition: what evidence is made out of on a running machine: the database, the service's certificates, the peers' blocks and
// the members' revocation lists. What does not answer now is left out and said; the checker shows what is missing.
import type { Database } from '../db/connection.ts';
import { ORGANISATIONS, type Organisation } from '../domain/consortium.ts';
import { toBase64 } from '../ledger/bytes.ts';
import { blockInEvidence, leavesInBlock, neededFor } from '../ledger/evidence/blocks.ts';
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
  chain: Pick<Chain, 'block' | 'blockHeight' | 'newestCosignatures' | 'parametersOf'>,
  say: (line: string) => void,
): EvidenceFrom {
  return {
    db,
    keys: machine.secrets.keys,
    parameters: parametersOf(machine.settings).set,
    // Read each time: one that is renewed signs from then on.
    get serviceCertificates() {
      return serviceCertificates(readFabricProfile(fabricProfilePath(machine))).map((certificate) =>
        certificate.toString(),
      );
    },
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
    async blocks(indexes, versions) {
      for (const organisation of ORGANISATIONS)
        try {
          const recorded = [];
          // One that was never recorded would be looked for in every block.
          for (const one of versions)
            if ((await chain.parametersOf(organisation, one.version)) !== undefined) recorded.push(one);
          return await blocksFor(
            indexes,
            recorded,
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

type ReadBlock = (number: number) => Promise<Uint8Array>;

/**
 * The blocks that wrote these leaves and recorded these parameters, each once, as evidence carries them. A version that was
 * never recorded is looked for in every block.
 */
export async function blocksFor(
  indexes: readonly number[],
  versions: readonly { readonly version: string; readonly since: number }[],
  height: () => Promise<number>,
  readBlock: ReadBlock,
): Promise<EvidenceBlock[]> {
  const held = new Map<number, Promise<Uint8Array>>();
  const read: ReadBlock = (number) => {
    const known = held.get(number) ?? readBlock(number);
    held.set(number, known);
    return known;
  };
  const count = await height();
  const wanted = new Set(await blocksWith(indexes, count, read));
  for (const { version, since } of versions) {
    const [near] = await blocksWith([since], count, read);
    const number = near === undefined ? undefined : await blockRecording(version, near, count, readBlock);
    if (number !== undefined) wanted.add(number);
  }
  const needed = neededFor(
    indexes,
    versions.map(({ version }) => version),
  );
  const made: EvidenceBlock[] = [];
  for (const number of [...wanted].sort((a, b) => a - b))
    made.push({ number, bytes: toBase64(blockInEvidence(await read(number), needed)) });
  return made;
}

/** Blocks that are read at once while one is looked for. */
const AT_ONCE = 16;

/**
 * The block that recorded the digest of a version of the parameters, looked for outwards from `near`: mostly it is of the same
 * start of the machine, and where the chain was away then, of a later one.
 */
async function blockRecording(
  version: string,
  near: number,
  count: number,
  read: ReadBlock,
): Promise<number | undefined> {
  const farthest = Math.max(near, count - 1 - near);
  for (let from = 0; from <= farthest; from += AT_ONCE / 2) {
    const away = Array.from({ length: AT_ONCE / 2 }, (_, at) => from + at);
    const numbers = [...new Set(away.flatMap((by) => [near - by, near + by]))].filter(
      (number) => number >= 0 && number < count,
    );
    const found = await Promise.all(
      numbers.map(async (number) =>
        leavesInBlock(await read(number)).parameters.some((one) => one.version === version),
      ),
    );
    const at = found.indexOf(true);
    if (at >= 0) return numbers[at];
  }
  return undefined;
}

/**
 * Numbers of the blocks that wrote these leaves, each once. Blocks stand in the order of the leaves they wrote, so each is
 * found by halving; blocks that wrote none are stepped over.
 */
async function blocksWith(
  indexes: readonly number[],
  count: number,
  read: ReadBlock,
): Promise<readonly number[]> {
  const known = new Map<number, { first: number; end: number } | undefined>();
  const look = async (number: number) => {
    if (!known.has(number)) {
      const { leaves } = leavesInBlock(await read(number));
      const ends = leaves.map((run) => run.first + run.leaves.length / HASH_BYTES);
      known.set(
        number,
        leaves.length === 0
          ? undefined
          : { first: Math.min(...leaves.map(({ first }) => first)), end: Math.max(...ends) },
      );
    }
    return known.get(number);
  };
  const wanted = new Set<number>();
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
        wanted.add(middle);
        break;
      }
    }
  }
  return [...wanted];
}
