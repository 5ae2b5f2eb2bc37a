// Test support: one thread of evidence-bytes.ts. Reads and checks the changed file with the same modules as everybody; only what a
// signature's check answered for exactly these bytes before is not asked again.
import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { NODE_CRYPTO } from '../../bin/node-crypto.ts';
import { checkEvidence, type EvidenceCrypto } from '../../ledger/evidence/check.ts';
import { NotEvidence, readEvidence } from '../../ledger/evidence/format.ts';
import type { Share, Stretch, Tried } from './evidence-bytes.ts';

type Verify = (key: Uint8Array, bytes: Uint8Array, signature: Uint8Array) => boolean | Promise<boolean>;

/** The same answers: a signature's check depends on nothing but its three arguments, and all of them are in the name. */
function remembered(verify: Verify): Verify {
  const answers = new Map<string, boolean | Promise<boolean>>();
  return (key, bytes, signature) => {
    const name = createHash('sha256')
      .update(`${key.length} ${bytes.length} `)
      .update(key)
      .update(bytes)
      .update(signature)
      .digest('base64');
    const answer = answers.get(name) ?? verify(key, bytes, signature);
    // What was changed comes once; the sound ones come first.
    if (answers.size < 2000) answers.set(name, answer);
    return answer;
  };
}

const crypto: EvidenceCrypto = {
  hash: NODE_CRYPTO.hash,
  p256: remembered(NODE_CRYPTO.p256),
  ed25519: remembered(NODE_CRYPTO.ed25519),
};

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Another byte in its place, of the same kind where it can be: what still can be read is the harder change. */
function other(byte: number, at: number): number {
  const digit = byte - 0x30;
  if (digit >= 0 && digit <= 9) return 0x30 + ((digit + 1 + (at % 9)) % 10);
  const place = BASE64.indexOf(String.fromCharCode(byte));
  if (place >= 0) return BASE64.charCodeAt((place + 1 + (at % 63)) % 64);
  return byte ^ (1 << (at % 4));
}

const { bytes, trust, stretches, first, every } = workerData as Share;

/** What the change was refused by; empty when it was taken. */
async function refusalOf(changed: Uint8Array): Promise<string[]> {
  try {
    const { verdict, steps } = await checkEvidence(readEvidence(changed), trust, crypto);
    if (verdict === 'holds') return [];
    return steps.flatMap(({ name, outcome, says }) =>
      outcome === 'wrong' && says.length > 10 ? [name] : [],
    );
  } catch (error) {
    if (error instanceof NotEvidence && error.message.length > 10) return ['reading'];
    throw error;
  }
}

const faults: string[] = [];
const refusedBy: Record<string, number> = {};
let tried = 0;
let unsignedTaken = 0;
let which = 0;
await refusalOf(bytes);
for (let at = first; at < bytes.length; at += every) {
  while ((stretches[which]?.end ?? Number.POSITIVE_INFINITY) <= at) which += 1;
  const here: Stretch | undefined = (stretches[which]?.from ?? 0) <= at ? stretches[which] : undefined;
  const changed = Uint8Array.from(bytes);
  changed[at] = other(bytes[at] as number, at);
  const refused = await refusalOf(changed);
  tried += 1;
  for (const name of refused) refusedBy[name] = (refusedBy[name] ?? 0) + 1;
  const right = refused.includes('reading') || here?.steps.some((name) => refused.includes(name));
  if (refused.length === 0 && here?.unsigned) unsignedTaken += 1;
  else if (!right && faults.length < 20)
    faults.push(`byte ${at}, ${here?.path ?? 'form'}: ${refused.join() || 'taken'}`);
}
parentPort?.postMessage({ tried, faults, unsignedTaken, refusedBy } satisfies Tried);
