// Engines: the one kind of error a person is meant to read. Its message is one sentence (or two) that names
// what is wrong and what to do; commands print it without a stack. Anything else that is thrown is a bug.

/** An engine cannot be had, started or trusted; `message` says what to do about it. */
export class EngineTrouble extends Error {
  override readonly name = 'EngineTrouble';
}

/** The last line of a text that says something, for quoting a program's own complaint; at most 300 characters. */
export function lastWords(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return (lines.at(-1) ?? '').trim().slice(0, 300);
}
