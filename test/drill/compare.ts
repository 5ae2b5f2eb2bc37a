// Test support: `npm run compare -- [--data DIR] [--cases N --concurrency C]`: drives cases on a running demonstration machine,
// then compares what Postgres, Temporal's own command line and the three peers say. Exit 0 alike, 2 not.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { driveCases } from '../../bin/drive/drive.ts';
import { readRunFile } from '../../bin/run-file.ts';
import { threeWays } from './three-ways.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: '.rehab' },
    cases: { type: 'string', default: '0' },
    concurrency: { type: 'string', default: '8' },
    seed: { type: 'string', default: '1' },
  },
});
const dataDir = resolve(values.data);
const run = readRunFile(dataDir);
if (!run) {
  console.error(`No machine runs over this data folder; start one, or name it with --data: ${dataDir}`);
  process.exit(1);
}
let sound = true;
if (Number(values.cases) > 0) {
  const report = await driveCases({
    origin: run.web,
    cases: Number(values.cases),
    concurrency: Number(values.concurrency),
    seed: Number(values.seed),
    progress: (line) => console.error(line),
  });
  console.log(JSON.stringify(report));
  sound = report.errors.length === 0;
}
for (const { what, said, same } of await threeWays(dataDir, run)) {
  sound &&= same;
  const told = Object.entries(said).map(([who, value]) => `${who} ${value}`);
  console.log(`${same ? 'alike ' : 'DIFFER'}  ${what}: ${told.join(', ')}`);
}
console.log(sound ? 'One story.' : 'Not one story.');
process.exitCode = sound ? 0 : 2;
