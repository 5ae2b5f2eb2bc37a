// Drive, records: reads files from disk and hands each to the web's door for records, as the person who is signed in. Says what
// became of each; one file that is refused changes nothing for the others.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readCaseNumber } from '../../domain/ids.ts';
import type { Browser } from './browser.ts';
import { nextOf } from './page.ts';
import { CannotReach, meetPeople, type Person } from './people.ts';

/** The door takes no larger file (SECURITY.md G5); a larger one is refused here, unread. */
const LARGEST = 10 * 1024 * 1024;

/** What became of one file. */
export type Imported =
  | {
      readonly kind: 'draft';
      readonly file: string;
      /** Where the draft is completed and sent. */
      readonly draft: string;
      readonly reason: string | null;
      readonly because: string | null;
      readonly questions: readonly { readonly code: string; readonly text: string }[];
      readonly setAside: number;
    }
  | {
      readonly kind: 'duplicate';
      readonly file: string;
      readonly of: 'draft' | 'application';
      readonly draft: string | null;
    }
  | {
      readonly kind: 'refused';
      readonly file: string;
      readonly faults: readonly { readonly code: string; readonly path: string; readonly message: string }[];
    };

const TAKEN = z.object({
  draft: z.string(),
  reason: z.object({ text: z.string(), because: z.string() }).nullable(),
  questions: z.array(z.object({ code: z.string(), text: z.string() })),
  setAside: z.array(z.unknown()),
});
const DUPLICATE = z.object({ duplicate: z.enum(['draft', 'application']), draft: z.string().nullable() });
const FAULTS = z.object({
  faults: z.array(z.object({ code: z.string(), path: z.string(), message: z.string() })),
});

/** Files to read: those named, and those that end in .json in folders that are named, in the order of their names. */
export function filesIn(paths: readonly string[]): string[] {
  return paths.flatMap((path) =>
    statSync(path, { throwIfNoEntry: false })?.isDirectory()
      ? readdirSync(path, { recursive: true, encoding: 'utf8' })
          .filter((name) => name.endsWith('.json'))
          .sort()
          .map((name) => join(path, name))
      : [path],
  );
}

const refused = (file: string, code: string, message: string): Extract<Imported, { kind: 'refused' }> => ({
  kind: 'refused',
  file,
  faults: [{ code, path: '', message }],
});

function bytesOf(file: string): { readonly bytes: Uint8Array } | Extract<Imported, { kind: 'refused' }> {
  try {
    if (statSync(file).size > LARGEST) return refused(file, 'too-large', 'The file is larger than 10 MiB.');
    return { bytes: readFileSync(file) };
  } catch {
    return refused(file, 'not-there', 'The file cannot be read; is it there, and may you read it?');
  }
}

function jsonOf(body: string, status: number): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new CannotReach(`the door answered ${status} and no JSON`);
  }
}

/** Hands one file to the door that the person's pages lead to. */
export async function importFile(browser: Browser, door: string, file: string): Promise<Imported> {
  const bytes = bytesOf(file);
  if ('kind' in bytes) return bytes;
  const answer = await browser.send(door, 'application/fhir+json', bytes.bytes);
  const said = jsonOf(answer.body, answer.status);
  const taken = TAKEN.safeParse(said);
  if (answer.status === 201 && taken.success)
    return {
      kind: 'draft',
      file,
      draft: `/apply?draft=${taken.data.draft}`,
      reason: taken.data.reason?.text ?? null,
      because: taken.data.reason?.because ?? null,
      questions: taken.data.questions,
      setAside: taken.data.setAside.length,
    };
  const duplicate = DUPLICATE.safeParse(said);
  if (answer.status === 409 && duplicate.success) {
    const { duplicate: of, draft } = duplicate.data;
    return { kind: 'duplicate', file, of, draft: draft === null ? null : `/apply?draft=${draft}` };
  }
  const faults = FAULTS.safeParse(said);
  if (faults.success) return { kind: 'refused', file, faults: faults.data.faults };
  throw new CannotReach(`the door for records answered ${answer.status} in a shape that is not known`);
}

/** What became of one file of published results. */
export type Attached =
  | {
      readonly kind: 'filled';
      readonly file: string;
      /** The task whose form the answers stand in now; nothing is recorded before its holder does it. */
      readonly task: string;
      readonly results: readonly {
        readonly instrument: string;
        readonly taken: boolean;
        readonly total: number | null;
        readonly stated: number | null;
        readonly findings: readonly { readonly code: string; readonly text: string }[];
      }[];
    }
  | Extract<Imported, { kind: 'refused' }>;

const FILLED = z.object({
  task: z.string(),
  results: z.array(
    z.object({
      instrument: z.string(),
      taken: z.boolean(),
      total: z.number().nullable(),
      stated: z.number().nullable(),
      findings: z.array(z.object({ code: z.string(), text: z.string() })),
    }),
  ),
});

/**
 * Hands published results to the form of the assessment that a therapist holds in a case.
 * @param number the case number, as the pages print it
 */
export async function attachAll(
  origin: string,
  number: string,
  paths: readonly string[],
  told: (attached: Attached) => void,
): Promise<Attached[]> {
  const wanted = readCaseNumber(number);
  const holder = wanted ? await holderOf(await meetPeople(origin), wanted) : undefined;
  const all: Attached[] = [];
  for (const file of filesIn(paths)) {
    const attached = holder
      ? await attachFile(holder.person.browser, holder.door, file)
      : refused(
          file,
          wanted ? 'not-claimed' : 'no-case',
          wanted
            ? 'No therapist holds an assessment or re-evaluation of this case; one must claim it first.'
            : 'This is no case number; it stands on the pages of the case, for example RC-7QK4-M2.',
        );
    all.push(attached);
    told(attached);
  }
  return all;
}

async function attachFile(browser: Browser, door: string, file: string): Promise<Attached> {
  const bytes = bytesOf(file);
  if ('kind' in bytes) return bytes;
  const answer = await browser.send(door, 'application/fhir+json', bytes.bytes);
  const said = jsonOf(answer.body, answer.status);
  const filled = FILLED.safeParse(said);
  if (answer.status === 200 && filled.success) return { kind: 'filled', file, ...filled.data };
  const faults = FAULTS.safeParse(said);
  if (faults.success) return { kind: 'refused', file, faults: faults.data.faults };
  if (answer.status === 409)
    return refused(file, 'not-claimed', 'The assessment is not held any more; claim it again first.');
  throw new CannotReach(`the door for results answered ${answer.status} in a shape that is not known`);
}

/** The therapist who holds a task of the case with a form for results, and the address its page gives for them. */
async function holderOf(
  people: readonly Person[],
  number: string,
): Promise<{ person: Person; door: string } | undefined> {
  for (const person of people.filter(({ role }) => role === 'therapist')) {
    const home = await person.home();
    const queue = home.page.links.find(({ href }) => /^\/queue(\?|$)/.test(href));
    if (!queue) continue;
    const all = await person.browser.get(queue.href);
    const own = all.page.links.find(({ href }) => /[?&]view=mine\b/.test(href));
    let mine = own ? await person.browser.get(own.href) : all;
    for (;;) {
      for (const link of mine.page.links) {
        if (!/^\/tasks\//.test(link.href) || !link.row.includes(number)) continue;
        const task = await person.browser.get(link.href);
        const door = task.page.links.find(({ href }) => /\/import-results$/.test(href));
        if (door) return { person, door: door.href };
      }
      const next = nextOf(mine.page);
      if (!next) break;
      mine = await person.browser.get(next.href);
    }
  }
  return undefined;
}

/** Somebody who may read records in, and the address their pages give for it. */
export async function atTheDoor(
  people: readonly Person[],
  role = 'referrer',
): Promise<{ person: Person; door: string }> {
  const person = people.find((one) => one.role === role);
  if (!person) throw new CannotReach(`the sign-in page offers nobody as ${role}`);
  const home = await person.home();
  const link = home.page.links.find(({ href }) => /\/import$/.test(href));
  if (!link) throw new CannotReach('reading in a record is not offered on the first page');
  return { person, door: link.href };
}

/** Signs in and hands in every file. */
export async function importAll(
  origin: string,
  paths: readonly string[],
  told: (imported: Imported) => void,
): Promise<Imported[]> {
  const { person, door } = await atTheDoor(await meetPeople(origin));
  const all: Imported[] = [];
  for (const file of filesIn(paths)) {
    const imported = await importFile(person.browser, door, file);
    all.push(imported);
    told(imported);
  }
  return all;
}
