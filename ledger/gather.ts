// Station 4, group commit: what arrives while a statement is under way goes together in the next one, so that one round
// trip, one plan and one flush to disk serve many acts. Nothing waits when nothing is under way. One that cannot be
// carried out must never harm its neighbours: when a statement fails, each of its acts is tried alone.

/** How acts of one shape are gathered. */
export interface Gathering<Item, Result> {
  /** Statements of this shape under way at once. */
  readonly atOnce: number;
  /** Most items in one statement. */
  readonly most: number;
  /** Items with the same mark never go together; the later one waits for the next statement. */
  readonly mark?: (item: Item) => string;
  /** Carries out all, or throws having done nothing. Results in the order of the items. */
  readonly run: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** Whether an error was the statement's own, so that its parts may still succeed alone. */
  readonly divisible: (error: unknown) => boolean;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** Gives the function that an item is handed to; it resolves when the item's statement is durable. */
export function gather<Item, Result>(options: Gathering<Item, Result>): (item: Item) => Promise<Result> {
  let waiting: Waiting<Item, Result>[] = [];
  let underWay = 0;
  let asked = false;

  function next(): void {
    asked = false;
    while (underWay < options.atOnce && waiting.length > 0) {
      const together = take();
      underWay += 1;
      void carryOut(together).finally(() => {
        underWay -= 1;
        next();
      });
    }
  }

  /** The longest waiting, without two of the same mark. */
  function take(): Waiting<Item, Result>[] {
    const marks = new Set<string>();
    const taken: Waiting<Item, Result>[] = [];
    const left: Waiting<Item, Result>[] = [];
    for (const one of waiting) {
      const mark = options.mark?.(one.item);
      if (taken.length >= options.most || (mark !== undefined && marks.has(mark))) left.push(one);
      else {
        if (mark !== undefined) marks.add(mark);
        taken.push(one);
      }
    }
    waiting = left;
    return taken;
  }

  /** Never rejects: each item gets its result or its error. */
  async function carryOut(together: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await options.run(together.map(({ item }) => item));
      for (const [i, { resolve }] of together.entries()) resolve(results[i] as Result); // one for each item
    } catch (error) {
      if (together.length > 1 && options.divisible(error))
        await Promise.all(together.map((one) => carryOut([one])));
      else for (const { reject } of together) reject(error);
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (asked || underWay >= options.atOnce) return;
      asked = true;
      // At the end of this turn of the event loop: what arrives in the same turn goes together, and nobody waits longer.
      setImmediate(next);
    });
}

/** Whose turn it is with a subject: acts of one process on one subject follow each other instead of colliding. */
export class Turns {
  readonly #waiting = new Map<string, (() => void)[]>();

  /**
   * Runs `body` when those before it on the same subject are done. When one fails, those that wait go on at once, all
   * of them: the database tells them apart as it does for acts of different processes.
   */
  async take<T>(subject: string, body: () => Promise<T>): Promise<T> {
    const queue = this.#waiting.get(subject);
    if (queue) await new Promise<void>((resolve) => queue.push(resolve));
    else this.#waiting.set(subject, []);
    let failed = true;
    try {
      const result = await body();
      failed = false;
      return result;
    } finally {
      this.#next(subject, failed);
    }
  }

  #next(subject: string, all: boolean): void {
    const queue = this.#waiting.get(subject);
    if (!queue) return;
    const released = all ? queue.splice(0) : queue.splice(0, 1);
    if (released.length === 0) this.#waiting.delete(subject);
    for (const release of released) release();
  }
}
