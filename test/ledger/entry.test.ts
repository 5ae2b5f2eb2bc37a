// Station 4, the short ways of building an entry give byte for byte what the long ones give: text, digests, signatures.
import { createHash, createHmac, generateKeyPairSync, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EVENTS } from '../../domain/events.ts';
import { canonicalJson, NotCanonical } from '../../ledger/canonical.ts';
import { derFromP1363, p1363FromDer } from '../../ledger/der.ts';
import {
  columnDigest,
  columnOpening,
  type Entry,
  entryBytes,
  entryText,
  openedDigest,
  readEntry,
  subjectPseudonym,
} from '../../ledger/entry.ts';
import type { Envelope, PersonalSignature } from '../../ledger/envelope.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { verifyP256 } from '../../ledger/signing.ts';

/** Any text that I-JSON can carry, and often one that JSON must escape. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }).filter((s) => s.isWellFormed() && !/\p{Noncharacter_Code_Point}/u.test(s)),
  fc.constantFrom('', '"', '\\', '\u0000', '\u2028', 'é', '😀', 'a/b', 'a\nb', '<x>', 'a_b-c'),
  fc.uuid(),
);
const orNull = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: null });
const envelope: fc.Arbitrary<Envelope> = fc.record({
  v: fc.constant(1 as const),
  who: text,
  role: text,
  certificate: text,
  case: text,
  task: orNull(text),
  claim: orNull(fc.nat()),
  action: text,
  operation: text,
  statement: text,
  input: text,
  at: text,
  parameters: text,
});
const signed: fc.Arbitrary<{ envelope: Envelope | null; signature: PersonalSignature | null }> = fc.oneof(
  fc.constant({ envelope: null, signature: null }),
  fc.record({ envelope, signature: fc.record({ certificate: text, value: text }) }),
);
const unsigned = fc.record({
  v: fc.constant(1 as const),
  id: text,
  salt: text,
  at: text,
  event: fc.constantFrom(...EVENTS),
  operation: orNull(text),
  subject: fc.record({
    kind: text,
    pseudonym: text,
    version: fc.nat(),
    previous: orNull(text),
  }),
  actor: fc.record({ person: text, role: text, key: text, actingFor: orNull(text) }),
  changes: fc.array(
    fc.record({
      table: text,
      key: text,
      columns: fc.dictionary(
        text.filter((s) => !['__proto__', 'constructor', 'prototype'].includes(s)),
        text,
        { noNullPrototype: true },
      ),
    }),
    { maxLength: 4 },
  ),
  parameters: text,
  workflow: orNull(fc.record({ id: text, run: text, update: text })),
  bundle: text,
});
const entry: fc.Arbitrary<Entry> = fc.tuple(unsigned, signed).map(([one, by]) => ({ ...one, ...by }));

test('the text of an entry is its canonical bytes', () => {
  fc.assert(
    fc.property(entry, (one) => {
      expect(entryText(one)).toBe(new TextDecoder().decode(entryBytes(one)));
    }),
    { numRuns: 1000 },
  );
});

test('an entry is read back as it was written, its envelope standing in its bytes as it was signed', () => {
  fc.assert(
    fc.property(entry, (one) => {
      const written = entryText(one);
      expect(readEntry(Buffer.from(written))).toEqual({ entry: one });
      if (one.envelope) expect(written).toContain(canonicalJson(one.envelope));
    }),
  );
});

test('an entry with half of what a signature needs is none', () => {
  fc.assert(
    fc.property(entry, envelope, (one, put) => {
      const halves: unknown[] = [
        { ...one, envelope: put, signature: null },
        { ...one, envelope: null, signature: { certificate: 'c', value: 'v' } },
        { ...one, envelope: undefined },
        { ...one, signature: undefined },
      ];
      for (const half of halves)
        expect(readEntry(entryBytes(JSON.parse(JSON.stringify(half))))).toHaveProperty('fault');
    }),
    { numRuns: 50 },
  );
});

test('what has no canonical form has no text either', () => {
  fc.assert(
    fc.property(entry, (one) => {
      const broken = { ...one, actor: { ...one.actor, role: 'a\ud800b' } };
      expect(() => entryText(broken)).toThrow(NotCanonical);
    }),
    { numRuns: 20 },
  );
});

test('a digest is SHA-256 over a keyed opening and the value, whichever way it is asked for', () => {
  const { keyed: _, digested: __, ...long } = nodeHashing;
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      text,
      text,
      text,
      (key, id, column, value) => {
        const opening = createHmac('sha256', key).update(`${id}\nt\nk\n${column}`).digest('base64url');
        const wanted = createHash('sha256').update(opening).update(JSON.stringify(value)).digest('base64url');
        expect(columnOpening(key, id, 't', 'k', column, nodeHashing)).toBe(opening);
        expect(openedDigest(opening, JSON.stringify(value), long)).toBe(wanted);
        expect(columnDigest(key, id, 't', 'k', column, value, nodeHashing)).toBe(wanted);
        expect(columnDigest(key, id, 't', 'k', column, value, long)).toBe(wanted);
        expect(subjectPseudonym(key, 'case', id, nodeHashing)).toBe(subjectPseudonym(key, 'case', id, long));
      },
    ),
  );
});

test("a signature's check refuses what node:crypto refuses: other bytes, other numbers, other lengths", () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const body = Buffer.from('entry');
  const good = p1363FromDer(sign('sha256', body, privateKey));
  expect(verifyP256(spki, body, good)).toBe(true);
  expect(verifyP256(spki, Buffer.from('other'), good)).toBe(false);
  for (let bit = 0; bit < 512; bit++) {
    const altered = Uint8Array.from(good);
    altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(verifyP256(spki, body, altered)).toBe(false);
  }
  const zeros = new Uint8Array(64);
  const ones = new Uint8Array(64).fill(0xff);
  for (const odd of [zeros, ones, good.subarray(1), Uint8Array.from([...good, 0]), new Uint8Array(0)]) {
    expect(verifyP256(spki, body, odd)).toBe(false);
    expect(verify('sha256', body, { key: publicKey, dsaEncoding: 'ieee-p1363' }, odd)).toBe(false);
  }
  expect(verifyP256(spki.subarray(1), body, good)).toBe(false);
  const { publicKey: other } = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
  expect(verifyP256(other.export({ format: 'der', type: 'spki' }), body, good)).toBe(false);
});

test('a signature turned into its two numbers still holds, short numbers included', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const lengths = new Set<number>();
  // A number that DER writes in 31 bytes comes once in about 256 signatures, so they are made until one has come.
  for (let i = 0; i < 1500 || Math.min(...lengths) >= 70; i++) {
    const body = Buffer.from(`entry ${i}`);
    const der = sign('sha256', body, privateKey);
    lengths.add(der.length);
    const two = p1363FromDer(der);
    expect(two.length).toBe(64);
    if (!verify('sha256', body, { key: publicKey, dsaEncoding: 'ieee-p1363' }, two))
      throw new Error(`signature does not hold: DER of ${der.length} bytes`);
    expect(derFromP1363(two)).toEqual(Uint8Array.from(der));
  }
  expect([...lengths].sort()).toEqual(expect.arrayContaining([70, 71, 72]));
});

test('bytes that another reader could take differently are no entry', () => {
  const good = entryText({
    v: 1,
    id: 'i',
    salt: 's',
    at: 'a',
    event: EVENTS[0] as Entry['event'],
    operation: null,
    subject: { kind: 'case', pseudonym: 'p', version: 1, previous: null },
    actor: { person: 'x', role: 'r', key: 'k', actingFor: null },
    envelope: null,
    signature: null,
    changes: [{ table: 't', key: 'k', columns: { a: 'b' } }],
    parameters: '1',
    workflow: null,
    bundle: 'b',
  });
  const read = (text: string) => readEntry(Buffer.from(text));
  expect(read(good)).toHaveProperty('entry');
  const twice = good.replace('"a":"b"', '"a":"b","a":"b"');
  const changes: Readonly<Record<string, string>> = {
    'a name twice': twice,
    'a space': good.replace('":', '": '),
    'another order': good.replace('"key":"k","table":"t"', '"table":"t","key":"k"'),
    'an escape that is not needed': good.replace('"salt":"s"', '"salt":"\\u0073"'),
    'a name that reaches a prototype': good.replace('"a":"b"', '"__proto__":"b"'),
    'half a character': good.replace('"salt":"s"', '"salt":"\\ud800"'),
    'a number written otherwise': good.replace('"version":1', '"version":1.0'),
    'a text for a number': good.replace('"version":1', '"version":"1"'),
    'a signature without an envelope': good.replace(
      '"signature":null',
      '"signature":{"certificate":"c","value":"v"}',
    ),
    'a byte order mark': `\ufeff${good}`,
    'something behind it': `${good} `,
    'another version': good.replace('"v":1', '"v":2'),
  };
  for (const [what, text] of Object.entries(changes)) {
    expect(text, what).not.toBe(good);
    expect(read(text), what).toHaveProperty('fault');
  }
  expect(readEntry(Buffer.from([...Buffer.from(good), 0xff]))).toHaveProperty('fault');
  // Fields of a later writer are no fault: their bytes are vouched for like the others.
  expect(read(good.replace('"bundle":"b"', '"bundle":"b","bundled":true'))).toHaveProperty('entry');
});
