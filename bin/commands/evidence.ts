// Composition of `rehab evidence CASE -o FILE`: one case's evidence out of the running machine, as one file that verifies without it.
// Exit 0 written, 1 could not be made. Never overwrites a file.
import { writeFileSync } from 'node:fs';
import { connect } from '../../db/connection.ts';
import { caseByNumber } from '../../db/views/cases.ts';
import { isUuid, readCaseNumber } from '../../domain/ids.ts';
import { openChain } from '../../ledger/fabric/client.ts';
import { readFabricProfile } from '../../ledger/fabric/profile.ts';
import { text } from '../../web/text/text.ts';
import { evidenceFile } from '../evidence.ts';
import { evidenceFrom } from '../evidence-sources.ts';
import { databaseUrl, fabricProfilePath, machineOf } from '../machine.ts';
import { lacksKeys } from '../verify-sources.ts';

export interface EvidenceOptions {
  readonly dataDir: string;
  /** Number or id. */
  readonly about: string;
  readonly file: string;
}

/** Makes the file, says its name, and gives the exit code. */
export async function runEvidence({ dataDir, about, file }: EvidenceOptions): Promise<number> {
  const lacking = lacksKeys(dataDir);
  if (lacking) {
    console.error(lacking);
    return 1;
  }
  const machine = machineOf(dataDir);
  const connection = connect(databaseUrl(machine, 'web'), { max: 4, name: 'rehab-evidence' });
  const chain = openChain({
    profile: readFabricProfile(fabricProfilePath(machine)),
    as: { organisation: 'hospital', identity: 'reader' },
  });
  try {
    const number = readCaseNumber(about);
    const caseId = isUuid(about) ? about : number && (await caseByNumber(connection.db, number))?.id;
    if (!caseId) throw new Error('there is no such case; give its number or its id');
    const from = evidenceFrom(machine, connection.db, chain, (line) => console.error(line));
    const made = await evidenceFile(from, caseId, {
      care: true,
      t: text('en', from.parameters.calendar.zone),
    });
    if (!made) throw new Error('case has no entry in the log yet; try again in a moment');
    writeFileSync(file, made.bytes, { flag: 'wx', mode: 0o600 });
    console.error(`Evidence was written: ${file}`);
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : 'evidence cannot be made');
    return 1;
  } finally {
    chain.close();
    await connection.close();
  }
}
