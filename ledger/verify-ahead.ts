// Station 7, how a run keeps every core busy and its memory flat: portions are read and handed over a few ahead of whoever
// takes the answers, and taken in their order. Also how far a run has come, in words. Knows nothing of what is checked.
import type { CheckedEntry, Checking } from './verify-check.ts';
import type { StoredEntry, VerifySources } from './verify-sources.ts';

/** Works on portions of `source`, at most `most` at once, and gives each with its answers in the order of the source. */
export async function* ahead<P, A>(
  source: AsyncIterable<P>,
  most: number,
  work: (portion: P) => Promise<A>,
): AsyncGenerator<{ readonly portion: P; readonly answers: A }> {
  const waiting: { readonly portion: P; readonly answers: Promise<A> }[] = [];
  const next = async () => {
    const { portion, answers } = waiting.shift() as (typeof waiting)[number]; // asked only when one waits
    return { portion, answers: await answers };
  };
  for await (const portion of source) {
    const answers = work(portion);
    // One that fails while an earlier one is awaited is told of when its turn comes.
    answers.catch(() => undefined);
    waiting.push({ portion, answers });
    if (waiting.length >= most) yield await next();
  }
  while (waiting.length > 0) yield await next();
}

/** Checks with the keys of subjects fetched for them. */
export function withKeys(checking: Checking, digestKey: VerifySources['digestKey']) {
  return {
    ahead: checking.ahead,
    /** An answer for each, undefined where there is no entry. */
    async entries(portion: readonly (StoredEntry | null)[]): Promise<readonly (CheckedEntry | undefined)[]> {
      const given = [];
      for (const entry of portion)
        if (entry) given.push({ entry, key: await digestKey(entry.subjectKind, entry.subjectId) });
      const answers = (await checking.entries(given)).values();
      return portion.map((entry) => (entry ? answers.next().value : undefined));
    },
  };
}

/** Said this often at most. */
const EVERY_MS = 2000;

/** Tells how far a run has come: so many of `total`, how many a second, and how long the rest will take at that. */
export function progressOf(
  { clock, progress }: Pick<VerifySources, 'clock' | 'progress'>,
  what: string,
  total: number,
): (done: number) => void {
  const began = clock();
  let said = began;
  return (done) => {
    const now = clock();
    if (now - said < EVERY_MS) return;
    said = now;
    const perSecond = (done / (now - began)) * 1000;
    const left = Math.max(0, total - done) / perSecond;
    progress(
      `Checked ${done} of ${total} ${what}, ${Math.floor(perSecond)} a second, about ${Math.ceil(left)} s left`,
    );
  };
}
