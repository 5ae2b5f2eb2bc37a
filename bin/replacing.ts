// Composition: replaces the log's key or a witness's on a running machine (docs/adr/0024). Nothing is sequenced meanwhile, so that the
// size up to which the old key counts is one that two members have cosigned; acts go on and wait for their place, some seconds.
// Promise: killed at any step, it is taken up again by itself at a start or by the same command; no step is undone.
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { LOG_ORIGIN, ORGANISATIONS, type Organisation, witnessName } from '../domain/consortium.ts';
import { memberPaths } from '../engines/fabric/layout.ts';
import type { Progress } from '../engines/progress.ts';
import { EngineTrouble } from '../engines/trouble.ts';
import { likeItsFolder } from '../engines/users.ts';
import { formatWitnessKey } from '../ledger/cosignature.ts';
import { ENOUGH } from '../ledger/evidence/cosigned.ts';
import { type Chain, type MemberChain, openChain, openMemberChain } from '../ledger/fabric/client.ts';
import { readFabricProfile, readMemberProfile } from '../ledger/fabric/profile.ts';
import { readTrust, type Trust, trustPath, witnessKeyPath, writeDurably } from '../ledger/member/folder.ts';
import { nodeHashing } from '../ledger/record-key.ts';
import { SEQUENCER_LOCK } from '../ledger/sequencer.ts';
import { ed25519Raw } from '../ledger/signing.ts';
import { nameKeys } from './agreement.ts';
import {
  keyFile,
  logKeyOf,
  logSeed,
  logTrust,
  type Replacement,
  readReplacement,
  withFormer,
  writeKeyFile,
} from './log-keys.ts';
import { databaseUrl, fabricProfilePath, type Machine } from './machine.ts';

/** How long the log may take to come to rest, cosigned, before the replacement is given up with nothing changed. */
const REST_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 200;

/**
 * Replaces a key of a running machine, or takes up a replacement that was cut off; when it resolves, two of the three
 * organisations have the new key in force, the old one's private half is gone, and sequencing goes on under the new one.
 * @throws EngineTrouble in words; before the point of no return nothing was changed, after it the same command goes on
 */
export async function replaceKey(
  machine: Machine,
  of: Replacement['of'],
  progress: Progress,
): Promise<Replacement> {
  const { dataDir } = machine;
  const begun = readReplacement(dataDir);
  if (begun !== undefined) {
    progress(`A replacement of the key of ${begun.of} was begun and cut off; it is finished now`);
    return await finishReplacement(dataDir, begun);
  }
  for (const organisation of ORGANISATIONS) demandFolder(dataDir, organisation);
  const key = await nextKey(dataDir, of);
  const chain = openChain({
    profile: readFabricProfile(fabricProfilePath(machine)),
    as: { organisation: 'hospital', identity: 'reader' },
  });
  const sql = postgres(databaseUrl(machine, 'ledger'), { max: 1, onnotice: () => undefined });
  const held = await sql.reserve();
  try {
    await held`select pg_advisory_lock(${SEQUENCER_LOCK})`;
    progress('Sequencing is held; acts go on and wait for their place until two members have cosigned');
    const until = await cosignedRest(held, chain);
    const replacement = { of, key, former: keyNow(dataDir, of), until };
    await writeKeyFile(dataDir, 'replacement.json', replacement);
    await stillHeld(held).catch(async (error: unknown) => {
      await rm(keyFile(dataDir, 'replacement.json'));
      throw error;
    });
    // From here on the note itself holds every sequencer, also when this process is killed.
    return await finishReplacement(dataDir, replacement);
  } finally {
    held.release();
    await sql.end({ timeout: 5 });
    chain.close();
  }
}

/**
 * Carries out a replacement from wherever it stopped: each organisation's people write the new key down and name it, the new
 * key takes the old one's place, and the note goes. Needs the network up.
 */
export async function finishReplacement(dataDir: string, replacement: Replacement): Promise<Replacement> {
  for (const organisation of ORGANISATIONS) await agree(dataDir, organisation, replacement);
  await name(dataDir, replacement);
  await writeKeyFile(dataDir, 'former.json', withFormer(logTrust(dataDir).former, replacement));
  await takeIntoUse(dataDir, replacement);
  await rm(keyFile(dataDir, 'replacement.json'));
  await flush(dirname(keyFile(dataDir, 'replacement.json')));
  return replacement;
}

/** Nothing is begun that this user could not carry out. */
function demandFolder(dataDir: string, organisation: Organisation): void {
  const { member } = memberPaths(dataDir, organisation);
  try {
    accessSync(trustPath(member), constants.R_OK);
    accessSync(member, constants.W_OK | constants.X_OK);
  } catch {
    throw new EngineTrouble(
      `The folder of ${organisation}'s member cannot be written, and nothing was changed: run this as the user who starts the machine, where the three members' folders are.`,
    );
  }
}

/** Writes the new key, and the old one with its size, into what an organisation's people agreed on. */
async function agree(dataDir: string, organisation: Organisation, replacement: Replacement): Promise<void> {
  const { member } = memberPaths(dataDir, organisation);
  const trust = readTrust(member);
  if (trust === undefined)
    throw new EngineTrouble(`${organisation} has no trust.json: start the machine once.`);
  const { of, key } = replacement;
  const agreed: Trust = {
    ...trust,
    ...(of === 'log' ? { log: key } : { witnesses: { ...trust.witnesses, [of]: key } }),
    former: [...withFormer(trust.former ?? [], replacement)],
  };
  await writeDurably(trustPath(member), `${JSON.stringify(agreed, null, 2)}\n`);
  likeItsFolder(trustPath(member));
}

/** Has each organisation name the key on the chain. Two are enough; one that is away names it at the next start. */
async function name(dataDir: string, { of, key }: Replacement): Promise<void> {
  const faults: unknown[] = [];
  let inForce = false;
  for (const organisation of ORGANISATIONS) {
    const chain: MemberChain = openMemberChain(
      readMemberProfile(memberPaths(dataDir, organisation).memberProfile),
    );
    try {
      await nameKeys(dataDir, organisation, chain);
      const [kind, called] = of === 'log' ? ['log', LOG_ORIGIN] : ['witness', of];
      inForce ||= (await chain.keys()).some(
        (one) => one.kind === kind && one.name === called && one.vkey === key,
      );
    } catch (error) {
      faults.push(error);
    } finally {
      chain.close();
    }
  }
  if (!inForce)
    throw new EngineTrouble(
      `Two of three organisations could not name the new key of ${of}, and nothing is sequenced until they have; see that their peers run, then run the same command again: ${faults
        .map((error) => (error instanceof Error ? error.message : 'no reason given'))
        .join(' ')}`,
    );
}

/** The new private key takes the old one's place, which is gone with that. */
async function takeIntoUse(dataDir: string, { of, key }: Replacement): Promise<void> {
  const { next, current } = privateFiles(dataDir, of);
  if (existsSync(next)) {
    await rename(next, current);
    await flush(dirname(current));
  }
  if (keyNow(dataDir, of) !== key)
    throw new EngineTrouble(
      `The private key that was put in force is not there: restore ${next} or ${current}, then run the same command again.`,
    );
}

const privateFiles = (dataDir: string, of: Replacement['of']): { next: string; current: string } => {
  if (of === 'log') return { next: keyFile(dataDir, 'log-next'), current: keyFile(dataDir, 'log') };
  const current = witnessKeyPath(memberPaths(dataDir, of).member);
  return { next: current.replace(/\.pem$/, '-next.pem'), current };
};

/** The key that comes (vkey), made and kept when there is none yet. */
async function nextKey(dataDir: string, of: Replacement['of']): Promise<string> {
  const { next } = privateFiles(dataDir, of);
  if (of === 'log') {
    const key = logKeyOf(logSeed(dataDir, 'log-next'));
    // Not before it is on the disk may anybody name it.
    await (await open(next, 'r')).datasync();
    await flush(dirname(next));
    return key;
  }
  if (!existsSync(next)) {
    const { privateKey } = generateKeyPairSync('ed25519');
    await writeDurably(next, String(privateKey.export({ type: 'pkcs8', format: 'pem' })));
    likeItsFolder(next);
  }
  return vkeyIn(next, of);
}

const keyNow = (dataDir: string, of: Replacement['of']): string =>
  of === 'log' ? logKeyOf(logSeed(dataDir)) : vkeyIn(privateFiles(dataDir, of).current, of);

const vkeyIn = (path: string, of: Organisation): string =>
  formatWitnessKey(
    witnessName(of),
    ed25519Raw(createPublicKey(createPrivateKey(readFileSync(path)))),
    nodeHashing.hash,
  );

/** The log's size, once it does not grow any more and two members have cosigned it: what the old key signed ends there. */
async function cosignedRest(
  held: postgres.ReservedSql,
  chain: Pick<Chain, 'newestCosignatures'>,
): Promise<number> {
  const end = Date.now() + REST_WITHIN_MS;
  for (;;) {
    const [head] = await held<{ size: string }[]>`select size from log_head where id = 1`;
    const size = Number(head?.size ?? 0);
    const lines = size === 0 ? [] : await newestOf(chain);
    if (size === 0 || lines.filter((line) => line.size === size).length >= ENOUGH) return size;
    if (Date.now() > end)
      throw new EngineTrouble(
        `Two members have not cosigned the log at ${size}, and nothing was changed: see "rehab doctor", then run the same command again.`,
      );
    await sleep(LOOK_EVERY_MS);
  }
}

async function newestOf(chain: Pick<Chain, 'newestCosignatures'>) {
  for (const organisation of ORGANISATIONS)
    try {
      return await chain.newestCosignatures(organisation);
    } catch {
      // The next peer is asked.
    }
  return [];
}

/** Throws unless this connection has held the sequencers all the time. */
async function stillHeld(held: postgres.ReservedSql): Promise<void> {
  const rows = await held`
    select 1 from pg_locks where locktype = 'advisory' and pid = pg_backend_pid() and granted`;
  if (rows.length === 0)
    throw new EngineTrouble(
      'Postgres was away meanwhile, and nothing was changed: run the same command again.',
    );
}

async function flush(folder: string): Promise<void> {
  const directory = await open(folder, 'r');
  await directory.sync().finally(() => directory.close());
}
