// Test support of keys: what a thief of the log's key can make with it, on real evidence, on the real channel and as a checkpoint of
// an export; and a certificate of the service as its authority gives it now. Holds what a test kept before it was replaced.
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { logSigner } from '../../bin/log-keys.ts';
import { LOG_ORIGIN, type Organisation } from '../../domain/consortium.ts';
import { formatCheckpoint, parseCheckpoint, parseNote, signNote } from '../../ledger/checkpoint.ts';
import type { Evidence } from '../../ledger/evidence/format.ts';
import { certificationRequestFor, enroll } from '../../ledger/fabric/ca.ts';
import { openChain } from '../../ledger/fabric/client.ts';
import { readFabricProfile } from '../../ledger/fabric/profile.ts';
import { appendLeaves, EMPTY_RANGE, rootOfRange } from '../../ledger/merkle.ts';
import { nodeHashing } from '../../ledger/record-key.ts';

const { hash } = nodeHashing;

/** The same checkpoint, signed with another key of the log; the members' lines under it stay. */
async function resigned(note: string, seed: Uint8Array): Promise<string> {
  const signer = logSigner(seed);
  const { text } = parseNote(note);
  const lines = note.slice(text.length + 1).split('\n');
  const others = lines.filter((line) => line !== '' && !line.startsWith(`— ${signer.name} `));
  const signed = await signNote(text, signer.name, signer.keyId, signer.sign);
  return [signed, ...others.map((line) => `${line}\n`)].join('');
}

/** Evidence whose checkpoint bears the thief's signature in place of the log's. */
export const evidenceSignedBy = async (evidence: Evidence, seed: Uint8Array): Promise<Evidence> => ({
  ...evidence,
  checkpoint: await resigned(evidence.checkpoint, seed),
});

/** Signs an export's newest checkpoint with the thief's key. Gives its size. */
export async function signExport(folder: string, seed: Uint8Array): Promise<number> {
  const path = join(folder, 'checkpoint');
  const note = readFileSync(path, 'utf8');
  writeFileSync(path, await resigned(note, seed));
  return parseCheckpoint(parseNote(note).text).size;
}

/** Sends the channel one leaf more, under a checkpoint that the key signs: as the ledger itself, whose identity was stolen too. */
export async function appendWith(profilePath: string, seed: Uint8Array): Promise<void> {
  const chain = openChain({
    profile: readFabricProfile(profilePath),
    as: { organisation: 'hospital', identity: 'ledger' },
  });
  try {
    const { size } = await chain.head('hospital');
    let range = EMPTY_RANGE;
    while (range.size < size)
      range = appendLeaves(range, await chain.leaves('hospital', range.size, size - range.size), hash);
    const leaf = randomBytes(32);
    const root = rootOfRange(appendLeaves(range, [leaf], hash), hash);
    const { name, keyId, sign } = logSigner(seed);
    const text = formatCheckpoint({ origin: LOG_ORIGIN, size: size + 1, root });
    await chain.append({
      firstIndex: size,
      leaves: [leaf],
      root,
      note: await signNote(text, name, keyId, sign),
    });
  } finally {
    chain.close();
  }
}

/** The size that an organisation's member has cosigned last, as the hospital's peer keeps it; 0 when none. */
export async function cosignedSize(profilePath: string, organisation: Organisation): Promise<number> {
  const chain = openChain({
    profile: readFabricProfile(profilePath),
    as: { organisation: 'hospital', identity: 'reader' },
  });
  try {
    const lines = await chain.newestCosignatures('hospital');
    return lines.find((line) => line.organisation === organisation)?.size ?? 0;
  } finally {
    chain.close();
  }
}

/** Another certificate for the service's key, as the hospital's authority gives it now (PEM). */
export async function certified(dataDir: string): Promise<string> {
  const folder = join(dataDir, 'fabric', 'organisations', 'hospital');
  const { ca, identities } = readFabricProfile(join(dataDir, 'fabric', 'profile.json')).organisations
    .hospital;
  const key = readFileSync(identities.service?.keyPath ?? '', 'utf8');
  const secret = readFileSync(join(folder, 'secrets', 'service'), 'utf8').trim();
  const csr = certificationRequestFor('service', key);
  const address = { url: ca.url, name: ca.name, tlsCa: readFileSync(ca.tlsCaPath, 'utf8') };
  return await enroll(address, { id: 'service', secret, csr });
}
