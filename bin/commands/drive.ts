// Composition: `rehab drive`: the people's work over HTTP, against a machine that runs. Results on standard output, progress on
// standard error; exit 0 without errors, 2 with, 1 when nobody can be reached.
import { type DriveReport, driveCases } from '../drive/drive.ts';
import { CannotReach } from '../drive/people.ts';

export interface DriveCommand {
  readonly origin: string;
  readonly cases: number;
  readonly concurrency: number;
  readonly seed: number;
  readonly from: readonly string[];
  readonly acknowledged?: string;
  readonly json: boolean;
}

/** Drives and prints. Returns the exit code. */
export async function drive(command: DriveCommand): Promise<number> {
  const { json, ...rest } = command;
  let report: DriveReport;
  try {
    report = await driveCases({ ...rest, progress: (line) => console.error(line) });
  } catch (error) {
    if (!(error instanceof CannotReach)) throw error;
    console.error(error.message);
    return 1;
  }
  if (json) console.log(JSON.stringify(report));
  else {
    const ended = Object.entries(report.ended).map(([outcome, n]) => `${n} ${outcome}`);
    console.log(`${report.cases} cases ended: ${ended.join(', ') || 'none'}.`);
    console.log(
      `${report.decisions} decisions in ${report.seconds.toFixed(1)} s, ${report.perSecond} a second; half within ${report.p50Ms} ms, 99 of 100 within ${report.p99Ms} ms.`,
    );
    for (const error of report.errors) console.log(`Error: ${error}`);
  }
  return report.errors.length === 0 ? 0 : 2;
}
