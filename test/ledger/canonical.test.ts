// Tests of canonical JSON and the strict reader: RFC 8785 vectors, round trips, and every kind of input refused.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { canonicalBytes, canonicalJson, NotCanonical, parseIJson } from '../../ledger/canonical.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';

const read = (text: string | Uint8Array) => {
  const result = parseIJson(text);
  if (!result.ok) throw new Error(result.fault.message);
  return result.value;
};
const codeOf = (text: string | Uint8Array) => {
  const result = parseIJson(text);
  return result.ok ? 'ok' : result.fault.code;
};

describe.skipIf(!hasSharedData)('vectors of RFC 8785', () => {
  test.each(['arrays', 'french', 'structures', 'values'])('%s', (name) => {
    const value = read(new Uint8Array(readFileSync(sharedData('rfc8785-jcs', 'input', `${name}.json`))));
    const bytes = Buffer.from(canonicalBytes(value));
    expect(bytes).toEqual(readFileSync(sharedData('rfc8785-jcs', 'output', `${name}.json`)));
    const hex = readFileSync(sharedData('rfc8785-jcs', 'outhex', `${name}.txt`), 'utf8').replace(/\s/g, '');
    expect(bytes.toString('hex')).toBe(hex);
  });
});

describe('canonical text', () => {
  /** JSON values in I-JSON's range; keys and texts of all of Unicode, numbers of all magnitudes. */
  const text = fc.string({ unit: 'binary' }).filter((s) => !/\p{Noncharacter_Code_Point}/u.test(s));
  const key = text.filter((s) => !['__proto__', 'constructor', 'prototype'].includes(s));
  const number = fc
    .oneof(fc.maxSafeInteger(), fc.double({ noNaN: true, noDefaultInfinity: true }))
    .filter((n) => !Number.isInteger(n) || Number.isSafeInteger(n) || Math.abs(n) >= 1e21)
    .map((n) => (Object.is(n, -0) ? 0 : n));
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom(null, true, false),
      number,
      text,
      fc.array(tie('value'), { maxLength: 6 }),
      fc.dictionary(key, tie('value'), { maxKeys: 6, noNullPrototype: true }),
    ),
  }));

  it('reads back as the same value, and writes as the same text', () => {
    fc.assert(
      fc.property(value, (json) => {
        const canonical = canonicalJson(json);
        expect(JSON.parse(canonical)).toEqual(json);
        expect(read(canonical)).toEqual(json);
        expect(canonicalJson(read(canonical))).toBe(canonical);
      }),
      { numRuns: 500 },
    );
  });

  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(key, value, { noNullPrototype: true }), (json) => {
        const turned = Object.fromEntries(Object.entries(json).reverse());
        expect(canonicalJson(turned)).toBe(canonicalJson(json));
      }),
    );
  });

  it('orders keys by UTF-16 units and writes no escapes beyond the needed', () => {
    expect(canonicalJson({ '\u{1f600}': 1, '\ufb33': 2, é: '\u007f/\u2028' })).toBe(
      '{"é":"\u007f/\u2028","\u{1f600}":1,"\ufb33":2}',
    );
  });

  const cycle: unknown[] = [];
  cycle.push(cycle);
  let deep: unknown = 0;
  for (let level = 0; level < 33; level += 1) deep = [deep];
  it.each<[string, unknown, string]>([
    ['undefined', undefined, ''],
    ['an undefined member', { a: { b: undefined } }, '/a/b'],
    ['an undefined element', [1, undefined], '/1'],
    // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested
    ['a hole', [1, , 2], '/1'],
    ['a function', { a: () => 1 }, '/a'],
    ['a big integer', [1n], '/0'],
    ['a symbol', [Symbol('x')], '/0'],
    ['a symbol as key', { [Symbol('x')]: 1 }, ''],
    ['a date', { at: new Date(0) }, '/at'],
    ['a map', [new Map()], '/0'],
    ['bytes', [new Uint8Array(1)], '/0'],
    ['a boxed number', [Object(1)], '/0'],
    ['not a number', [Number.NaN], '/0'],
    ['infinity', [Number.POSITIVE_INFINITY], '/0'],
    ['2^53', { 'a/b': 2 ** 53 }, '/a~1b'],
    ['-(2^53)', [-(2 ** 53)], '/0'],
    ['a lone surrogate', ['\ud800'], '/0'],
    ['a lone surrogate in a key', { '\udc00': 1 }, ''],
    ['a noncharacter', ['\uffff'], '/0'],
    ['a prototype key', JSON.parse('{"__proto__": 1}'), ''],
    ['a constructor key', { constructor: 1 }, ''],
    ['a cycle', cycle, '/0'.repeat(32)],
    ['33 levels', deep, '/0'.repeat(32)],
  ])('is refused for %s', (_, json, path) => {
    expect(() => canonicalJson(json)).toThrow(NotCanonical);
    expect(() => canonicalJson(json)).toThrow(expect.objectContaining({ path }));
  });

  it('says nothing of the value in its refusal', () => {
    expect(() => canonicalJson({ name: 'Zwetschge\ud800' })).toThrow(/^(?!.*Zwetschge)/);
  });
});

describe('the strict reader', () => {
  it.each<[string, string]>([
    ['', 'syntax'],
    [' ', 'syntax'],
    ['{', 'syntax'],
    ['[1,]', 'syntax'],
    ['[,1]', 'syntax'],
    ['{"a":1,}', 'syntax'],
    ['{"a" 1}', 'syntax'],
    ['{a:1}', 'syntax'],
    ["{'a':1}", 'syntax'],
    ['[1] x', 'syntax'],
    ['// c\n1', 'syntax'],
    ['\ufeff1', 'syntax'],
    ['\u00a01', 'syntax'],
    ['NaN', 'syntax'],
    ['Infinity', 'syntax'],
    ['-', 'syntax'],
    ['+1', 'syntax'],
    ['01', 'syntax'],
    ['1.', 'syntax'],
    ['.5', 'syntax'],
    ['1e', 'syntax'],
    ['0x10', 'syntax'],
    ['"\t"', 'syntax'],
    ['"\\x41"', 'syntax'],
    ['"\\u12"', 'syntax'],
    ['"open', 'syntax'],
    ['"open\\', 'syntax'],
    ['"open\\"', 'syntax'],
    ['tru', 'syntax'],
    ['nullx', 'syntax'],
    ['{"a":1,"a":2}', 'duplicate-key'],
    ['{"a":1,"\\u0061":2}', 'duplicate-key'],
    ['[{"b":{"a":1,"c":2,"a":1}}]', 'duplicate-key'],
    ['{"__proto__":1}', 'reserved-key'],
    ['{"\\u005f_proto__":{"admin":true}}', 'reserved-key'],
    ['{"a":{"constructor":{"prototype":{}}}}', 'reserved-key'],
    ['9007199254740992', 'unsafe-number'],
    ['-9007199254740993', 'unsafe-number'],
    ['9007199254740993.0', 'unsafe-number'],
    ['1e400', 'unsafe-number'],
    ['1e-400', 'unsafe-number'],
    ['1000000000000000000000000', 'unsafe-number'],
    ['"\\ud800"', 'unsafe-text'],
    ['"\\udc00\\ud800"', 'unsafe-text'],
    ['"\ud83d"', 'unsafe-text'],
    ['{"\\ud800":1}', 'unsafe-text'],
    ['"\\uffff"', 'unsafe-text'],
    ['"\\ufdd0"', 'unsafe-text'],
  ])('answers %j with %s', (input, code) => {
    expect(codeOf(input)).toBe(code);
  });

  it.each<[string, unknown]>([
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['0e0', 0],
    ['0.0', 0],
    ['1E30', 1e30],
    [' \r\n\t[ ] ', []],
    ['"\\ud83d\\ude00\\/\\u0000"', '😀/\u0000'],
    ['{"":{"":[]}}', { '': { '': [] } }],
    ['{"toString":1,"hasOwnProperty":2}', { toString: 1, hasOwnProperty: 2 }],
  ])('takes %s', (input, value) => {
    expect(read(input)).toEqual(value);
  });

  it('agrees with JSON.parse on whatever it takes, and takes nothing that JSON.parse refuses', () => {
    const fragment = fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"',
        '\\',
        'u0041',
        'a',
        '1',
        '-',
        '.',
        'e',
        'true',
        'null',
        ' ',
        '"a"',
        '\n',
      ],
    );
    const input = fc.oneof(
      fc.array(fragment, { maxLength: 14 }).map((parts) => parts.join('')),
      fc.json(),
    );
    fc.assert(
      fc.property(input, (text) => {
        const result = parseIJson(text);
        if (result.ok) expect(result.value).toEqual(JSON.parse(text));
        else if (result.fault.code === 'syntax') expect(() => JSON.parse(text)).toThrow(SyntaxError);
      }),
      { numRuns: 3000 },
    );
  });

  it('counts depth and keys at the limit exactly', () => {
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    expect(codeOf(nested(32))).toBe('ok');
    expect(codeOf(nested(33))).toBe('too-deep');
    const wide = (keys: number) => `{${Array.from({ length: keys }, (_, at) => `"k${at}":0`).join(',')}}`;
    expect(codeOf(wide(10_000))).toBe('ok');
    expect(codeOf(wide(10_001))).toBe('too-many-keys');
    expect(codeOf(`[${wide(5_000)},${wide(5_001)}]`)).toBe('too-many-keys');
  });

  it('answers 100,000 levels and 1,000,000 keys without growing', () => {
    expect(codeOf('['.repeat(100_000))).toBe('too-deep');
    expect(codeOf('{"a":'.repeat(100_000))).toBe('too-deep');
    expect(codeOf(`{${Array.from({ length: 1_000_000 }, (_, at) => `"${at}":0`).join(',')}}`)).toBe(
      'too-many-keys',
    );
  });

  it('refuses bytes that are not UTF-8, and a byte order mark', () => {
    expect(codeOf(Uint8Array.of(0x22, 0xff, 0x22))).toBe('not-utf8');
    expect(codeOf(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22))).toBe('not-utf8');
    expect(codeOf(Uint8Array.of(0xc0, 0xaf))).toBe('not-utf8');
    expect(codeOf(Uint8Array.of(0xef, 0xbb, 0xbf, 0x31))).toBe('syntax');
  });

  it('says where, and nothing of what', () => {
    const result = parseIJson('{\n  "name": "Zwetschge",\n  "name": "Quitte"\n}');
    expect(result).toEqual({
      ok: false,
      fault: { code: 'duplicate-key', line: 3, column: 3, message: 'A key stands twice in one object' },
    });
  });

  it('leaves prototypes as they were', () => {
    codeOf('{"__proto__":{"admin":true}}');
    codeOf('{"constructor":{"prototype":{"admin":true}}}');
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
  });
});
