// End to end: a word that stands nowhere else, typed into every field of free text, and the search for it in raw bytes, however
// it was written down. What is searched must be shown to hold what it should: a search that finds nothing proves nothing alone.
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** The word. Letters only, so that no encoding of text changes it. */
export const CANARY = `kanari${[...randomBytes(8)].map((byte) => String.fromCharCode(97 + (byte % 26))).join('')}`;

/** Free text with the word in it. */
export const said = (what: string): string => `${what} ${CANARY} says so`;

/** The spellings under which bytes of a word may lie in a file: as text, hexadecimal, UTF-16, and base64 at any offset. */
export function spellingsOf(word: string): Buffer[] {
  const bytes = Buffer.from(word);
  const base64 = [0, 1, 2].map((shift) => {
    const whole = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    // The first and last characters depend on the neighbours.
    return whole.slice(shift === 0 ? 0 : shift + 1, -1);
  });
  const hex = bytes.toString('hex');
  return [
    bytes,
    Buffer.from(word.toUpperCase()),
    Buffer.from(hex),
    Buffer.from(hex.toUpperCase()),
    Buffer.from(word, 'utf16le'),
    ...base64.map((text) => Buffer.from(text)),
  ];
}

/** Every file below a folder, with its size; what goes away while we look is left out. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => {
      try {
        return statSync(path).isFile();
      } catch {
        return false;
      }
    });
}

/** Files among these that hold one of the spellings. */
export function filesWith(paths: readonly string[], needles: readonly Buffer[]): string[] {
  return paths.filter((path) => {
    let bytes: Buffer;
    try {
      bytes = readFileSync(path);
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return false;
      throw error;
    }
    return needles.some((needle) => bytes.includes(needle));
  });
}
