// Composition of `rehab verify --export DIR`: writes an export when the folder has none, and checks the one that is there. Writing needs
// the running machine; checking needs only the folder and a trust.json from elsewhere. Exit codes are those of verify.

import { readFileSync } from 'node:fs';
import { connect } from '../../db/connection.ts';
import { newestCheckpoint } from '../../db/views/log.ts';
import { CHANNEL, LOG_ORIGIN, ORGANISATIONS } from '../../domain/consortium.ts';
import { hashBefore } from '../../ledger/evidence/blocks.ts';
import { readEvidenceTrust } from '../../ledger/evidence/format.ts';
import { verifyExport } from '../../ledger/export.ts';
import { openChain } from '../../ledger/fabric/client.ts';
import { readFabricProfile } from '../../ledger/fabric/profile.ts';
import type { VerifyReport } from '../../ledger/verify-sources.ts';
import { evidenceFrom } from '../evidence-sources.ts';
import { folderFiles, isExport, writeExport } from '../export.ts';
import { logTrust } from '../log-keys.ts';
import { fabricProfilePath, machineOf } from '../machine.ts';
import { NODE_CRYPTO } from '../node-crypto.ts';
import { lacksKeys, verifierUrl } from '../verify-sources.ts';
import { inWords } from './verify.ts';

export interface ExportOptions {
  readonly dataDir: string;
  readonly folder: string;
  readonly trust: string | undefined;
  readonly json: boolean;
}

/** Writes or checks, prints what came of it, and gives the exit code. */
export async function runExport({ dataDir, folder, trust, json }: ExportOptions): Promise<number> {
  try {
    if (!(await isExport(folder))) {
      const size = await writeFrom(dataDir, folder);
      console.error(`Export of ${size} entries was written: ${folder}`);
      if (trust === undefined) return 0;
    }
    if (trust === undefined)
      throw new Error('an export is checked against what you trust; name a member’s trust.json with --trust');
    const report = await verifyExport({
      files: folderFiles(folder),
      trust: readEvidenceTrust(readFileSync(trust)),
      crypto: NODE_CRYPTO,
      clock: () => performance.now(),
      progress: (line) => console.error(line),
    });
    await say(json ? `${JSON.stringify(report)}\n` : inWords(report));
    return { sound: 0, unreadable: 1, tampered: 2 }[(report satisfies VerifyReport).status];
  } catch (error) {
    console.error(error instanceof Error ? error.message : 'export cannot be read or written');
    return 1;
  }
}

const say = (text: string): Promise<void> =>
  new Promise((written) => process.stdout.write(text, () => written()));

async function writeFrom(dataDir: string, folder: string): Promise<number> {
  const lacking = lacksKeys(dataDir);
  if (lacking) throw new Error(lacking);
  const machine = machineOf(dataDir);
  const profile = readFabricProfile(fabricProfilePath(machine));
  const chain = openChain({ profile, as: { organisation: 'hospital', identity: 'reader' } });
  const connection = connect(verifierUrl(machine), { max: 2, name: 'rehab-export', statementSeconds: 600 });
  const say = (line: string): void => console.error(line);
  try {
    const { serviceCertificates, revocations, cosignatures, now } = evidenceFrom(
      machine,
      connection.db,
      chain,
      say,
    );
    const witnesses = (await chain.keys('hospital'))
      .filter(({ kind, vkey }) => kind === 'witness' && vkey !== null)
      .map(({ name, vkey }) => [name, vkey]);
    return await writeExport(
      {
        db: connection.db,
        serviceCertificates,
        revocations,
        cosignatures,
        now,
        progress: say,
        anchored: async () => (await newestCheckpoint(connection.db)).anchored ?? 0,
        blockHeight: () => chain.blockHeight('hospital'),
        block: (number) => chain.block('hospital', number),
        trust: `${JSON.stringify({
          origin: LOG_ORIGIN,
          ...logTrust(dataDir),
          witnesses: Object.fromEntries(witnesses),
          roots: Object.fromEntries(
            ORGANISATIONS.map((name) => [
              name,
              readFileSync(profile.organisations[name].ca.rootPath, 'utf8'),
            ]),
          ),
          channel: CHANNEL,
          genesis: hashBefore(await chain.block('hospital', 1)),
        })}\n`,
      },
      folder,
    );
  } finally {
    chain.close();
    await connection.close();
  }
}
