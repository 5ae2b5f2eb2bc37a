// Bench, the entry: `npm run bench -- [NAME…] [--json] [--write] [--rounds N] [--entries N]`. One machine, one run, every figure
// with its peer from the same run. Writes to docs/performance.md only when told to.
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { benchAnchor } from './anchor.ts';
import { benchDecision } from './decision.ts';
import { type Figure, sentence, TABLE_HEAD, tableRow } from './figure.ts';
import { benchLedger } from './ledger.ts';
import { type BenchMachine, machineLine, startMachine } from './machine.ts';
import { benchWrite } from './write.ts';

const BENCHES: Readonly<
  Record<string, (bench: BenchMachine, rounds: number, entries: number) => Promise<Figure[]>>
> = {
  write: benchWrite,
  decision: benchDecision,
  anchor: benchAnchor,
  ledger: benchLedger,
};
const PAGE = fileURLToPath(new URL('../docs/performance.md', import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    entries: { type: 'string', default: '1000000' },
    help: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const entries = Number(values.entries);
const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
const unknown = names.filter((name) => !(name in BENCHES));
if (
  values.help ||
  unknown.length > 0 ||
  !(Number.isInteger(rounds) && rounds >= 1 && Number.isInteger(entries) && entries >= 1)
) {
  console.error(
    `npm run bench -- [${Object.keys(BENCHES).join('|')}]… [--json] [--write] [--rounds N] [--entries N]\nStarts a machine of its own in a temporary folder. --write appends to docs/performance.md.`,
  );
  process.exit(values.help ? 0 : 1);
}

const said: string[] = [];
const bench = await startMachine((line) => {
  console.error(line);
  if (line.startsWith('  ')) said.push(line.trim());
});
try {
  const line = await machineLine(bench);
  console.error(line);
  const figures: Figure[] = [];
  for (const name of names) {
    const made = await BENCHES[name]?.(bench, rounds, entries);
    for (const one of made ?? []) {
      console.log(values.json ? JSON.stringify(one) : sentence(one));
      figures.push(one);
    }
  }
  if (values.write) writePage(line, figures);
} finally {
  await bench.stop();
}

function writePage(line: string, figures: readonly Figure[]): void {
  if (!existsSync(PAGE)) writeFileSync(PAGE, '# Performance\n');
  const when = new Date().toISOString().slice(0, 16).replace('T', ' ');
  appendFileSync(
    PAGE,
    [
      '',
      `## ${when} UTC: ${names.join(', ')}`,
      '',
      `${line}. ${rounds} rounds of each side in turn, medians.`,
      '',
      TABLE_HEAD,
      ...figures.map(tableRow),
      '',
      '```',
      ...said,
      '```',
      '',
    ].join('\n'),
  );
}
