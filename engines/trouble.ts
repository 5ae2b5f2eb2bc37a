// Engines: the one kind of error a person is meant to read. Its message is one sentence (or two) that names
// what is wrong and what to do; commands print it without a stack. Anything else that is thrown is a bug.

/** An engine cannot be had, started or trusted; `message` says what to do about it. */
export class EngineTrouble extends Error {
  override readonly name = 'EngineTrouble';
}

/**
 * The line of a text that best says what went wrong, for quoting a program's own complaint: the last one that names
 * an error, else the last one that says anything. At most 300 characters; stack frames and banners are passed over.
 */
export function lastWords(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /[a-z]{2}/i.test(line) && !/^(at |Node\.js v)/.test(line));
  const complaint = lines.findLast((line) => /error|fatal|panic|refused|cannot|failed|not found/i.test(line));
  return (complaint ?? lines.at(-1) ?? '').slice(0, 300);
}
