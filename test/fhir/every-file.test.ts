// Tests: every FHIR file of the real input gets one plain answer, at the door for records and at that for results.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { readAssessmentResults } from '../../fhir/results.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';
import table from './expectations/every-file.json' with { type: 'json' };
import { read } from './support.ts';

const SETS = ['mii-pro-phq9', 'pacio-functional-status', 'rehab-ig-taiwan', 'synthea-r4'];
const files = hasSharedData
  ? SETS.flatMap((set) =>
      readdirSync(sharedData(set))
        .filter((name) => name.endsWith('.json'))
        .map((name) => `${set}/${name}`),
    ).sort()
  : [];

/** Both answers in one line each, as a person would be told. */
function answersTo(file: string): { record: string; results: string } {
  const bytes = readFileSync(sharedData(...file.split('/')));
  const record = read(bytes);
  const results = readAssessmentResults(bytes);
  const told = (faults: readonly { code: string; message: string }[]) =>
    faults.map(({ code, message }) => `${code}: ${message}`).join(' ');
  return {
    record:
      record.kind === 'refused'
        ? told(record.faults)
        : `draft: ${record.draft.reason?.basis ?? 'no reason'}, asks for ${record.draft.questions.map((q) => q.code).join(', ')}`,
    results:
      results.kind === 'refused'
        ? told(results.faults)
        : results.results
            .map(({ instrument, score, statedTotal, findings, attachable }) => {
              const total = score.ok ? score.total : 'faulty';
              const notes = [...findings, ...score.alerts].map(({ code }) => code).join(', ');
              return `${attachable ? 'attachable' : 'not attachable'}: ${instrument} computed ${total}, stated ${statedTotal}; ${notes}`;
            })
            .join(' | '),
  };
}

describe.skipIf(!hasSharedData)('every file', () => {
  it('stands in the table', () => {
    expect(Object.keys(table).sort()).toEqual(files);
    expect(files.length).toBeGreaterThan(80);
  });

  test.each(files)('%s', (file) => {
    expect(answersTo(file)).toEqual(table[file as keyof typeof table]);
  });

  it('is answered without a name, date or text from the file', () => {
    const said = JSON.stringify(files.map(answersTo));
    expect(said).not.toMatch(/Betsy|Smith|張|Schuster|Hara|Casares|Patient\/|19\d\d-|20\d\d-/);
  });
});
