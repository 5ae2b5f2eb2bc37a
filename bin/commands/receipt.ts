// Composition of `rehab verify --receipt FILE`: whether the log kept the promise that somebody was given with an answer. Judged
// by the members' own peers; exit 0 the leaf is there, 1 that cannot be said, 2 it was promised and is not.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { LOG_ORIGIN } from '../../domain/consortium.ts';
import { readCertificate } from '../../ledger/certificates.ts';
import { openChain } from '../../ledger/fabric/client.ts';
import { readFabricProfile } from '../../ledger/fabric/profile.ts';
import { judgeReceipt, type ReceiptSources, type ReceiptVerdict } from '../../ledger/receipt.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { certificateHolds, verifyP256 } from '../../ledger/signing.ts';
import { fabricProfilePath, machineOf } from '../machine.ts';
import { lacksKeys, peersOf, verifierUrl } from '../verify-sources.ts';

export interface ReceiptOptions {
  readonly dataDir: string;
  readonly file: string;
  readonly json: boolean;
}

/** Judges a receipt's file by the network over a data folder, prints the verdict, and gives the exit code. */
export async function runReceipt({ dataDir, file, json }: ReceiptOptions): Promise<number> {
  let verdict: ReceiptVerdict;
  try {
    verdict = await judgeFile(dataDir, file);
  } catch (error) {
    const says = error instanceof Error ? error.message : 'sources cannot be opened';
    verdict = { status: 'unreadable', says, index: null, receipt: null };
  }
  const text = json ? `${JSON.stringify(verdict)}\n` : `${verdict.says}.\n`;
  await new Promise<void>((written) => process.stdout.write(text, () => written()));
  return { sound: 0, unreadable: 1, tampered: 2 }[verdict.status];
}

async function judgeFile(dataDir: string, file: string): Promise<ReceiptVerdict> {
  const bytes = readFileSync(file);
  const lacking = lacksKeys(dataDir);
  if (lacking) throw new Error(lacking);
  const machine = machineOf(dataDir);
  const profile = readFabricProfile(fabricProfilePath(machine));
  const roots = [new X509Certificate(readFileSync(profile.organisations.hospital.ca.rootPath))];
  const chain = openChain({ profile, as: { organisation: 'hospital', identity: 'reader' } });
  try {
    return await judgeReceipt(bytes, {
      origin: LOG_ORIGIN,
      hash: nodeHashing.hash,
      signed: signedUnder(roots),
      peers: peersOf(chain),
      own: (leaf) => ownLog(verifierUrl(machine), leaf),
      now: new Date(),
      wait: async (ms) => {
        await sleep(ms);
      },
    });
  } finally {
    chain.close();
  }
}

/**
 * Whether the service signed: under a certificate that one of the roots issued for the service, which held at that time. A
 * certificate of anybody else of the organisation promises nothing for it.
 */
export function signedUnder(roots: readonly X509Certificate[]): ReceiptSources['signed'] {
  return async (pem, at, bytes, signature) => {
    let certificate: X509Certificate;
    try {
      certificate = new X509Certificate(pem);
    } catch {
      return false;
    }
    const read = readCertificate(pem);
    return (
      certificateHolds(certificate, roots, at) &&
      read?.attributes['rehab.service'] === 'true' &&
      verifyP256(read.publicKey, bytes, Buffer.from(signature, 'base64url'))
    );
  };
}

/** Whether the service's own log has the leaf; undefined when the database does not answer. */
async function ownLog(url: string, leaf: Uint8Array): Promise<boolean | undefined> {
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => undefined });
  try {
    const rows = await sql`select 1 from log_leaves where leaf_hash = ${leaf}`;
    return rows.length > 0;
  } catch {
    return undefined;
  } finally {
    await sql.end({ timeout: 5 });
  }
}
