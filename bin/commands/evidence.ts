// Composition of `rehab evidence CASE -o FILE`: one case's evidence out of the running machine, as one file that verifies without it.
// Exit 0 written, 1 could not be made. Never overwrites a file.
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../db/connection.ts';
import { caseByNumber } from '../../db/views/cases.ts';
import { isUuid, readCaseNumber } from '../../domain/ids.ts';
import { openChain } from '../../ledger/fabric/client.ts';
import { readFabricProfile } from '../../ledger/fabric/profile.ts';
import { text } from '../../web/text/text.ts';
import { evidenceFile, isWhole } from '../evidence.ts';
import { evidenceFrom } from '../evidence-sources.ts';
import { databaseUrl, fabricProfilePath, machineOf } from '../machine.ts';
import { lacksKeys } from '../verify-sources.ts';

/** Members cosign within seconds of a decision; for so long it is worth waiting for them. */
const PROOF_MS = 30_000;
const LOOK_MS = 1000;

/** Waits until everything of the case is proved; false when that does not come. */
async function wholeSoon(whole: () => Promise<boolean>): Promise<boolean> {
  const until = performance.now() + PROOF_MS;
  let said = false;
  while (!(await whole())) {
    if (performance.now() > until) return false;
    if (!said) console.error('Waiting for the members to cosign the newest entries');
    said = true;
    await sleep(LOOK_MS);
  }
  return true;
}

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
  const told = new Set<string>();
  // Asked again and again while it waits, a peer that is away is told of once.
  const once = (line: string): void => {
    if (!told.has(line)) console.error(line);
    told.add(line);
  };
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
    const from = evidenceFrom(machine, connection.db, chain, once);
    const whole = await wholeSoon(() => isWhole(from, caseId));
    const made = await evidenceFile(from, caseId, {
      care: true,
      t: text('en', from.parameters.calendar.zone),
    });
    if (!made) throw new Error('case has no entry in the log yet; try again in a moment');
    writeFileSync(file, made.bytes, { flag: 'wx', mode: 0o600 });
    console.error(`Evidence was written: ${file}`);
    if (!whole)
      console.error(
        'The newest entries are not under a checkpoint that two members cosigned, and the evidence says so; make it again when the members have caught up.',
      );
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : 'evidence cannot be made');
    return 1;
  } finally {
    chain.close();
    await connection.close();
  }
}
