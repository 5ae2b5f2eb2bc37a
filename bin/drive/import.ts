// Drive, records: reads files from disk and hands each to the web's door for records, as the person who is signed in. Says what
// became of each; one file that is refused changes nothing for the others.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Browser } from './browser.ts';
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

const refused = (file: string, code: string, message: string): Imported => ({
  kind: 'refused',
  file,
  faults: [{ code, path: '', message }],
});

/** Hands one file to the door that the person's pages lead to. */
export async function importFile(browser: Browser, door: string, file: string): Promise<Imported> {
  let bytes: Uint8Array;
  try {
    if (statSync(file).size > LARGEST) return refused(file, 'too-large', 'The file is larger than 10 MiB.');
    bytes = readFileSync(file);
  } catch {
    return refused(file, 'not-there', 'The file cannot be read; is it there, and may you read it?');
  }
  const answer = await browser.send(door, 'application/fhir+json', bytes);
  let said: unknown;
  try {
    said = JSON.parse(answer.body);
  } catch {
    throw new CannotReach(`the door for records answered ${answer.status} and no JSON`);
  }
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
