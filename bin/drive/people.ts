// Drive, people: whoever the sign-in page lists, each with a browser of their own. They sign in by the page's own form, and
// again when their session has ended.
import { type Answer, type Browser, createBrowser } from './browser.ts';
import { keyOf, type PersonKey } from './keys.ts';
import type { Form } from './page.ts';

/** The web is not there, or not as it must be. */
export class CannotReach extends Error {
  override readonly name = 'CannotReach';
}

export interface Person {
  readonly id: string;
  readonly role: string;
  readonly name: string;
  readonly browser: Browser;
  /** Where this person starts: the page after signing in. */
  home(): Promise<Answer>;
  /** The signing key of this person's browser. */
  readonly key: PersonKey;
}

/** How long the first page is waited for. */
const ENTRANCE_MS = 10_000;

const hidden = (form: Form, name: string): string =>
  form.controls.find((control) => control.name === name && control.kind === 'hidden')?.value ?? '';

/** The forms by which demonstration people sign in. */
const signInForms = (forms: readonly Form[]): Form[] =>
  forms.filter((form) => form.method === 'post' && hidden(form, 'person') && hidden(form, 'role'));

/**
 * Everybody whom the sign-in page offers. Nobody is signed in yet.
 * @throws CannotReach when nobody answers, or the page offers no demonstration people
 */
export async function meetPeople(origin: string, patienceMs?: number): Promise<Person[]> {
  const patience = patienceMs === undefined ? {} : { patienceMs };
  // Nobody waits five minutes to hear that nothing runs.
  const stranger = createBrowser({ origin, patienceMs: ENTRANCE_MS });
  let entrance: Answer;
  try {
    entrance = await stranger.get(origin);
  } catch {
    throw new CannotReach(
      'the web does not answer; start the machine with npm start, or name its data folder with --data',
    );
  }
  const forms = signInForms(entrance.page.forms);
  if (forms.length === 0)
    throw new CannotReach(
      'the web offers no demonstration people to sign in as; it must run in demonstration mode, on loopback',
    );
  return forms.map((form) => {
    const id = hidden(form, 'person');
    const role = hidden(form, 'role');
    let landing: string | undefined;
    const signIn = async (browser: Browser): Promise<Answer> => {
      // The page is read again each time: what it asks for may have changed.
      const { page } = await browser.get(origin);
      const own = signInForms(page.forms).find(
        (f) => hidden(f, 'person') === id && hidden(f, 'role') === role,
      );
      if (!own) throw new Error('sign-in page does not offer this person any more');
      const answer = await browser.submit(own);
      if (answer.status !== 303) throw new Error(`sign-in was refused: ${answer.status}`);
      // Whoever decides and has no key yet is led to make one first; the service's own address leads on to their work.
      const first = answer.page.forms.some((f) => f.id === 'make-key') ? await browser.get(origin) : answer;
      landing = first.at;
      return first;
    };
    // For signing in itself, a browser that shares the cookies but does not sign in again.
    const browser = createBrowser({
      origin,
      ...patience,
      signInAgain: async (plain) => void (await signIn(plain)),
    });
    let entering: Promise<Answer> | undefined;
    return {
      id,
      role,
      browser,
      key: keyOf(browser),
      name: form.controls.find(({ kind }) => kind === 'button')?.words ?? id,
      async home() {
        if (landing === undefined) {
          entering ??= signIn(browser.plain).finally(() => {
            entering = undefined;
          });
          return await entering;
        }
        return await browser.get(landing);
      },
    };
  });
}
