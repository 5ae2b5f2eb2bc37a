// Composition of `rehab replay`: recorded histories against today's workflow code, and against Postgres and the log. Progress
// goes to standard error, the report to standard output; exit 0 agreed, 1 could not read, 2 differing.
import { Client, Connection } from '@temporalio/client';
import { TEMPORAL_NAMESPACE } from '../../domain/consortium.ts';
import { faultFacts } from '../log.ts';
import { machineOf, temporalAddress } from '../machine.ts';
import { dataConverter } from '../payload-codec.ts';
import { digestWith } from '../replay/histories.ts';
import { recordedActs } from '../replay/recorded-acts.ts';
import { quietRuntime, type ReplayReport, replay } from '../replay/replay.ts';
import { lacksKeys, verifierUrl } from '../verify-sources.ts';
import { workflowBundle } from './worker.ts';

export interface ReplayOptions {
  readonly dataDir: string;
  /** Case ids or numbers; empty for all. */
  readonly cases: readonly string[];
  readonly json: boolean;
}

/** Replays the cases of the machine over a data folder. Prints the report, and gives the exit code. */
export async function runReplay(options: ReplayOptions): Promise<number> {
  let report: ReplayReport;
  try {
    report = await replayMachine(options);
  } catch (error) {
    // Our own sentences name what to do; of others only kind and place are told.
    console.error(
      error instanceof NotAsked ? error.message : `Could not be read: ${JSON.stringify(faultFacts(error))}`,
    );
    return 1;
  }
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : inWords(report));
  return report.differing.length > 0 ? 2 : 0;
}

class NotAsked extends Error {
  override readonly name = 'NotAsked';
}

async function replayMachine({ dataDir, cases }: ReplayOptions): Promise<ReplayReport> {
  const lacking = lacksKeys(dataDir);
  if (lacking) throw new NotAsked(lacking);
  const { machine, databaseUrl, address } = whereabouts(dataDir);
  // The replaying worker's own notes would bury what it finds; each difference is in the report.
  quietRuntime();
  const converter = dataConverter(machine.secrets.payload);
  const recorded = recordedActs(databaseUrl);
  const connection = await Connection.connect({ address });
  try {
    const asked: string[] = [];
    for (const one of cases) {
      const id = await recorded.caseIds(one);
      if (!id) throw new NotAsked(`no such case; give its number or its id, or --all: ${one}`);
      asked.push(id);
    }
    return await replay(
      {
        client: new Client({ connection, namespace: TEMPORAL_NAMESPACE, dataConverter: converter }),
        converter,
        bundle: await workflowBundle(machine, converter.failureConverterPath),
        recorded,
        digestOf: digestWith(machine.secrets.keys),
        progress: (line) => console.error(line),
      },
      cases.length > 0 ? asked : undefined,
    );
  } finally {
    await connection.close();
    await recorded.close();
  }
}

/** Where everything is, or the sentence that says what is not known. */
function whereabouts(dataDir: string) {
  try {
    const machine = machineOf(dataDir);
    return { machine, databaseUrl: verifierUrl(machine), address: temporalAddress(machine) };
  } catch (error) {
    throw new NotAsked(error instanceof Error ? error.message : 'settings cannot be read');
  }
}

/** The report for a person: one sentence per difference, then the sum. */
export function inWords({ cases, agreed, differing, seconds }: ReplayReport): string {
  const lines = differing.map(
    (each) =>
      `Case ${each.case}, ${each.event}: recorded ${each.recorded ?? 'nothing'}; in the history ${each.replayed ?? 'nothing'}.`,
  );
  lines.push(`${agreed} of ${cases} cases agree. ${seconds} s.`);
  return `${lines.join('\n')}\n`;
}
