// Station 4, the statement: the text about an act that is shown to whoever signs it, and its one spelling as bytes.
// What is shown is made from these bytes and from nothing else. Pure, and the browser's too; knows no language.
// Its clinical words never travel in the open: the entry holds only the digest, the text lies sealed under the case key.

/** What a statement says: the sentence of the act, then one line for each thing that belongs to it. */
export interface Statement {
  /** "I, …, refuse the application in case …": one line. */
  readonly sentence: string;
  /** In the order shown. A label is one line without a colon; a value may have several lines. */
  readonly lines: readonly (readonly [label: string, value: string])[];
  /** 128 random bits, base64url: nobody who knows what could be said can guess from the digest what was. */
  readonly salt: string;
}

/** What cannot be said in one spelling; the message holds nothing of the text. */
export class NotAStatement extends Error {
  override readonly name = 'NotAStatement';
}

const SALT = 'salt';
/** What a browser could show in another way than it is written: carriage returns and other controls. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is the point
const UNSEEN = /[\u0000-\u0009\u000b-\u001f\u007f\u2028\u2029]/;

/**
 * The statement's text. Lines of a value after its first are indented by two blanks, so that no value can look like
 * another line. `readStatement` gives back what was written. Throws NotAStatement.
 */
export function statementText({ sentence, lines, salt }: Statement): string {
  const oneLine = (text: string): boolean => text !== '' && !text.includes('\n');
  if (!oneLine(sentence)) throw new NotAStatement('sentence of a statement is not one line');
  if (!/^[\w-]{22}$/.test(salt)) throw new NotAStatement('salt of a statement is not 128 bits');
  for (const [label] of lines)
    if (
      !oneLine(label) ||
      label.includes(': ') ||
      label.endsWith(':') ||
      /^\s|\s$/.test(label) ||
      label === SALT
    )
      throw new NotAStatement('label of a statement cannot stand before a value');
  const text = [
    sentence,
    ...lines.map(([label, value]) => `${label}: ${value.replaceAll('\n', '\n  ')}`),
    `${SALT}: ${salt}`,
  ].join('\n');
  if (UNSEEN.test(text) || !text.isWellFormed())
    throw new NotAStatement('statement holds characters that nobody sees');
  return text;
}

/** Reads a statement back, or undefined when the text is none. */
export function readStatement(text: string): Statement | undefined {
  const [sentence = '', ...rest] = text.split('\n');
  const lines: [string, string][] = [];
  for (const line of rest) {
    const last = lines.at(-1);
    if (line.startsWith('  ') && last) {
      last[1] += `\n${line.slice(2)}`;
      continue;
    }
    const colon = line.indexOf(': ');
    if (colon < 0) return undefined;
    lines.push([line.slice(0, colon), line.slice(colon + 2)]);
  }
  const [label, salt] = lines.pop() ?? [];
  if (label !== SALT || salt === undefined) return undefined;
  const statement = { sentence, lines, salt };
  try {
    return statementText(statement) === text ? statement : undefined;
  } catch {
    return undefined;
  }
}

/** The bytes that are hashed: the text in UTF-8. */
export const statementBytes = (text: string): Uint8Array => new TextEncoder().encode(text);
