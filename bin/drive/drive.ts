// Drive, all cases: so many at once, each lived through by its people; counts, rates and what nobody intended. Ends by itself:
// every request has an end to its patience, and every list an end to how often it is looked through.

import type { Outcome } from '../../domain/lifecycle.ts';
import type { Role } from '../../domain/roles.ts';
import { DEMONSTRATION_PEOPLE } from '../commands/seed.ts';
import { drawFrom } from './draw.ts';
import { atTheDoor, filesIn, importFile } from './import.ts';
import { meetPeople, type Person } from './people.ts';
import { type Candidate, drawIntents, drawPlot } from './plot.ts';
import { live } from './story.ts';

/** What other programs read (DESIGN.md section 7). */
export interface DriveReport {
  readonly cases: number;
  /** Outcomes reached, by outcome. */
  readonly ended: Readonly<Partial<Record<Outcome, number>>>;
  /** Acts acknowledged: applications, decisions, steps. */
  readonly decisions: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Unintended refusals, and cases that ended otherwise than intended. */
  readonly errors: readonly string[];
}

export interface DriveOptions {
  /** Where the web is. */
  readonly origin: string;
  readonly cases: number;
  readonly concurrency: number;
  readonly seed: number;
  /** Records whose drafts become applications; the first cases are theirs. */
  readonly from?: readonly string[];
  /** File that gets one line of JSON per acknowledged decision, with its operation key. */
  readonly acknowledged?: string;
  readonly patienceMs?: number;
  readonly progress: (line: string) => void;
}

/** Drives cases through the lifecycle. Throws CannotReach when nobody can sign in. */
export async function driveCases(options: DriveOptions): Promise<DriveReport> {
  const { origin, cases, seed, progress } = options;
  const everybody = await meetPeople(origin, options.patienceMs);
  const people = new Map<string, Person>(
    everybody.flatMap((person) => [
      [`${person.id} ${person.role}`, person],
      [person.id, person],
    ]),
  );
  const candidates = candidatesAmong(everybody);
  const errors: string[] = [];
  const drafts = await draftsOf(everybody, filesIn(options.from ?? []), (error) => errors.push(error));
  const intents = drawIntents(cases, drawFrom(seed, -1));
  const took: number[] = [];
  const ended: Partial<Record<Outcome, number>> = {};
  let over = 0;
  const began = performance.now();

  const one = async (index: number): Promise<void> => {
    const draw = drawFrom(seed, index);
    const intent = intents[index];
    if (!intent) return;
    // Who withdraws or appeals has applied for themselves: a record of the referrer's is for the others.
    const own = intent === 'withdrawn' || intent.startsWith('appeal');
    const draft = own ? undefined : drafts.shift();
    const plot = drawPlot(intent, candidates, draw, draft !== undefined);
    const about = `case ${index + 1} (${intent})`;
    try {
      const ending = await live({
        people,
        plot,
        draw,
        ...(draft ? { draft } : {}),
        ...(options.acknowledged ? { acknowledged: options.acknowledged } : {}),
        tally: { decided: (ms) => took.push(ms) },
        now: () => new Date(),
      });
      if (ending.outcome) ended[ending.outcome] = (ended[ending.outcome] ?? 0) + 1;
      if (ending.outcome !== plot.outcome)
        errors.push(
          `${about} ended as ${ending.outcome ?? 'nothing'}, intended was ${plot.outcome} (${ending.number})`,
        );
    } catch (error) {
      errors.push(`${about}: ${error instanceof Error ? error.message : String(error)}`);
      progress(errors.at(-1) as string);
    }
    progress(`${++over} of ${cases} cases, ${took.length} decisions`);
  };

  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < cases) await one(next++);
  };
  await Promise.all(Array.from({ length: Math.min(options.concurrency, cases) }, worker));

  const seconds = (performance.now() - began) / 1000;
  // The keys go with this process: nobody shall sign with them after it.
  for (const ending of await Promise.allSettled(everybody.map(({ key }) => key.end())))
    if (ending.status === 'rejected') errors.push(String(ending.reason));
  const sorted = [...took].sort((a, b) => a - b);
  return {
    cases,
    ended,
    decisions: took.length,
    seconds: round(seconds, 3),
    perSecond: round(seconds > 0 ? took.length / seconds : 0, 2),
    p50Ms: round(quantile(sorted, 0.5), 1),
    p99Ms: round(quantile(sorted, 0.99), 1),
    errors,
  };
}

/** The demonstration's people as the sign-in page lists them, with what they can do. */
function candidatesAmong(people: readonly Person[]): Candidate[] {
  return people.flatMap(({ id, role }): Candidate[] => {
    const known = DEMONSTRATION_PEOPLE.find((one) => one.id === id);
    const held = known?.roles.find((one) => one.role === role);
    return known && held
      ? [{ id, role: role as Role, disciplines: held.disciplines ?? [], lead: held.lead ?? false }]
      : [];
  });
}

/** Drafts of the records, in their order; a record that is there already gives its draft again, or nothing. */
async function draftsOf(
  people: readonly Person[],
  files: readonly string[],
  failed: (error: string) => void,
): Promise<string[]> {
  if (files.length === 0) return [];
  const { person, door } = await atTheDoor(people);
  const drafts: string[] = [];
  for (const file of files) {
    const imported = await importFile(person.browser, door, file);
    if (imported.kind === 'draft') drafts.push(imported.draft);
    else if (imported.kind === 'duplicate' && imported.draft) drafts.push(imported.draft);
    else if (imported.kind === 'refused') failed(`record was refused: ${imported.faults[0]?.code} (${file})`);
  }
  return drafts;
}

/** The value below which so much of a sorted list lies (nearest rank); 0 for an empty one. */
export const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
