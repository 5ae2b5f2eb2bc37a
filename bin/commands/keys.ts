// Composition of `rehab keys rotate` and `renew`: replaces a key of the running machine, renews its certificates, and says what was
// done. Progress goes to standard error, the result to standard output. Never prints a private key.
import { setTimeout as sleep } from 'node:timers/promises';
import { renewIdentities } from '../../engines/fabric/network.ts';
import { EngineTrouble } from '../../engines/trouble.ts';
import { trustSchema } from '../../ledger/member/folder.ts';
import type { Replacement } from '../log-keys.ts';
import { type Machine, machineOf } from '../machine.ts';
import { memberUrls } from '../member-doors.ts';
import { replaceKey } from '../replacing.ts';

/** Renews what has less than 30 days left. Processes go on under the new certificates by themselves. Returns the exit code. */
export async function renewCertificates(dataDir: string): Promise<number> {
  const renewed = await renewIdentities(dataDir);
  process.stdout.write(`${JSON.stringify({ renewed })}\n`);
  return 0;
}

/** Members look every two seconds. */
const TAKEN_OVER_WITHIN_MS = 20_000;

/** Replaces the log's key, or the witness key of an organisation. Returns the exit code. */
export async function rotateKey(dataDir: string, of: Replacement['of']): Promise<number> {
  const machine = machineOf(dataDir);
  if (machine.run === undefined)
    throw new EngineTrouble(
      'A key is replaced on a running machine: start it with npm start, or name its data folder with --data.',
    );
  const replacement = await replaceKey(machine, of, (line) => console.error(line));
  const silent = await withoutIt(machine, replacement);
  if (silent.length > 0)
    console.error(`Not yet taken over by ${silent.join(' and ')}, who will at their next look or start.`);
  const { key, former, until } = replacement;
  process.stdout.write(`${JSON.stringify({ of: replacement.of, key, former, until })}\n`);
  return 0;
}

/** The members that do not publish the new key within some seconds. */
async function withoutIt(machine: Machine, { of, key }: Replacement): Promise<string[]> {
  const end = Date.now() + TAKEN_OVER_WITHIN_MS;
  let silent = Object.entries(memberUrls(machine));
  for (;;) {
    const answers = await Promise.all(
      silent.map(async ([, url]) => {
        const said = await fetch(new URL('/trust.json', url), { signal: AbortSignal.timeout(5_000) })
          .then((answer) => answer.json())
          .catch(() => undefined);
        const { data } = trustSchema.safeParse(said);
        return (of === 'log' ? data?.log : data?.witnesses[of]) === key;
      }),
    );
    silent = silent.filter((_, at) => !answers[at]);
    if (silent.length === 0 || Date.now() > end) return silent.map(([name]) => name);
    await sleep(200);
  }
}
