// Test support: `npm run history:save -- CASE… [--data DIR]` saves the histories of cases of a running demonstration machine,
// each under its outcome or state. CASE is a number or an id. Never for real people.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { machineOf, temporalAddress } from '../../bin/machine.ts';
import { dataConverter } from '../../bin/payload-codec.ts';
import { recordedActs } from '../../bin/replay/recorded-acts.ts';
import { verifierUrl } from '../../bin/verify-sources.ts';
import { TEMPORAL_NAMESPACE } from '../../domain/consortium.ts';
import { saveHistories } from './save-histories.ts';

/** Gives the files written. Throws when the case is not there, or when nothing runs over the folder. */
async function saveCase(dataDir: string, asked: string): Promise<string[]> {
  const machine = machineOf(resolve(dataDir));
  // `rehab start` runs the demonstration, whose people are invented; other machines have no run file.
  if (!machine.run)
    throw new Error('only a demonstration machine that runs: name its data folder with --data');
  const recorded = recordedActs(verifierUrl(machine));
  const connection = await Connection.connect({ address: temporalAddress(machine) });
  try {
    const caseId = await recorded.caseIds(asked);
    if (!caseId) throw new Error(`no such case; give its number or its id: ${asked}`);
    const { row } = await recorded.one(caseId);
    const converter = dataConverter(machine.secrets.payload);
    const client = new Client({ connection, namespace: TEMPORAL_NAMESPACE, dataConverter: converter });
    return await saveHistories(client, converter, caseId, row?.outcome ?? row?.state ?? 'unknown');
  } finally {
    await connection.close();
    await recorded.close();
  }
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { data: { type: 'string', default: '.rehab' } },
});
if (positionals.length === 0) {
  console.error('Name at least one case: npm run history:save -- CASE [--data DIR]');
  process.exitCode = 1;
}
for (const asked of positionals)
  for (const path of await saveCase(values.data, asked)) console.log(`Saved ${path}`);
