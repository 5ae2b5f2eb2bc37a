// Station 4: a statement has one text, that text has one meaning, and nothing that nobody sees stands in it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  NotAStatement,
  readStatement,
  type Statement,
  statementBytes,
  statementText,
} from '../../ledger/statement.ts';

const SALT = 'AAAAAAAAAAAAAAAAAAAAAA';
const shown = fc
  .string({ unit: 'grapheme' })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what a statement refuses
  .map((s) => s.replace(/[\u0000-\u001f\u007f\u2028\u2029]/g, '').toWellFormed());
const label = shown
  .map((s) => s.replaceAll(':', '').trim())
  .filter((s) => s !== '' && s !== 'salt' && !/^\s|\s$/.test(s));
const value = fc.array(shown, { minLength: 1, maxLength: 4 }).map((lines) => lines.join('\n'));
const statement: fc.Arbitrary<Statement> = fc.record({
  sentence: shown.filter((s) => s !== ''),
  lines: fc.array(fc.tuple(label, value), { maxLength: 6 }),
  salt: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((b) => Buffer.from(b).toString('base64url')),
});

test('what is written is read back: no value can look like another line', () => {
  fc.assert(
    fc.property(statement, (one) => {
      expect(readStatement(statementText(one))).toEqual(one);
    }),
    { numRuns: 1000 },
  );
});

test('two different statements never have the same text', () => {
  fc.assert(
    fc.property(statement, statement, (a, b) => {
      if (JSON.stringify(a) !== JSON.stringify(b)) expect(statementText(a)).not.toBe(statementText(b));
    }),
  );
});

test('the text as bytes, by a vector', () => {
  const text = statementText({
    sentence: 'I, Ada Officer, approval officer, accept the application in case RC-7QK4-M2.',
    lines: [
      ['Reasons', 'Need is shown.\nSalt: is a word'],
      ['标准', '符合'],
    ],
    salt: SALT,
  });
  expect(text).toBe(
    'I, Ada Officer, approval officer, accept the application in case RC-7QK4-M2.\nReasons: Need is shown.\n  Salt: is a word\n标准: 符合\nsalt: AAAAAAAAAAAAAAAAAAAAAA',
  );
  expect(Buffer.from(statementBytes(text)).toString('utf8')).toBe(text);
});

describe('what has no one spelling is refused', () => {
  const good: Statement = { sentence: 'I do.', lines: [['Reasons', 'none']], salt: SALT };
  test.each([
    { ...good, sentence: '' },
    { ...good, sentence: 'I do.\nReasons: all' },
    { ...good, sentence: 'I do.\r' },
    { ...good, salt: 'short' },
    { ...good, lines: [['salt', 'x']] as const },
    { ...good, lines: [['a: b', 'x']] as const },
    { ...good, lines: [['a:', 'x']] as const },
    { ...good, lines: [[' a', 'x']] as const },
    { ...good, lines: [['Reasons', 'a\u0000b']] as const },
    { ...good, lines: [['Reasons', 'a\tb']] as const },
    { ...good, lines: [['Reasons', 'a\ud800b']] as const },
  ])('%j', (one) => expect(() => statementText(one as Statement)).toThrow(NotAStatement));

  test.each([
    '',
    'I do.',
    'I do.\nno label',
    'I do.\nsalt: short',
    `I do.\n  salt: ${SALT}`,
    `salt: ${SALT}`,
    `I do.\nsalt: ${SALT}\n`,
  ])('not read: %j', (text) => expect(readStatement(text)).toBeUndefined());
});
