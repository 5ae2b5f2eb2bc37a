// Tests of checkpoints and signed notes: a foreign log read byte for byte, round trips, and what must be refused.
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  sign as nodeSign,
  verify as nodeVerify,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  formatCheckpoint,
  formatNote,
  formatVerifierKey,
  keyIdOf,
  MalformedNote,
  parseCheckpoint,
  parseNote,
  parseVerifierKey,
  signNote,
  verifyNote,
} from '../../ledger/checkpoint.ts';
import { hashLeafData, rootOf } from '../../ledger/merkle.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());

/** Raw Ed25519 key checked by node:crypto, which reads it as a JWK. */
const verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
  const x = Buffer.from(publicKey).toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return nodeVerify(null, message, key, signature);
};

function newSigner(name: string) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = new Uint8Array(Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url'));
  const sign = (message: Uint8Array) => new Uint8Array(nodeSign(null, message, privateKey));
  return { name, raw, keyId: keyIdOf(name, raw, sha256), vkey: formatVerifierKey(name, raw, sha256), sign };
}

const FOREIGN = 'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx';
const ROOT = sha256(new Uint8Array(0));

describe.skipIf(!hasSharedData)('a log of transparency-dev/tessera', () => {
  const log = (...path: string[]) => readFileSync(sharedData('c2sp-tlog-tiles', 'log', ...path));

  /** Leaf data of a C2SP entry bundle: each behind its length in two bytes, big-endian. */
  function entriesOf(bundle: Buffer): Uint8Array[] {
    const entries: Uint8Array[] = [];
    for (let at = 0; at < bundle.length; ) {
      const length = bundle.readUInt16BE(at);
      entries.push(new Uint8Array(bundle.subarray(at + 2, at + 2 + length)));
      at += 2 + length;
    }
    return entries;
  }

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])(
    'size %i: signature, tile, entries and root agree',
    async (size) => {
      const text = log(`checkpoint.${size}`).toString('utf8');
      const note = parseNote(text);
      const key = parseVerifierKey(FOREIGN, sha256);
      expect(await verifyNote(note, [key], verify)).toEqual({ holds: true, by: [key], unknown: [] });
      expect(formatNote(note)).toBe(text);

      const checkpoint = parseCheckpoint(note.text);
      expect(checkpoint).toMatchObject({ origin: 'example.com/log/testdata', size });
      expect(formatCheckpoint(checkpoint)).toBe(note.text);
      if (size === 0) return expect(checkpoint.root).toEqual(ROOT);

      const tile = new Uint8Array(log('tile', '0', '000.p', String(size)));
      const hashes = Array.from({ length: size }, (_, at) => tile.slice(at * 32, at * 32 + 32));
      expect(tile.length).toBe(size * 32);
      const entries = entriesOf(log('tile', 'entries', '000.p', String(size)));
      expect(entries.map((entry) => hashLeafData(entry, sha256))).toEqual(hashes);
      expect(rootOf(hashes, sha256)).toEqual(checkpoint.root);
    },
  );

  it('is refused when one bit of text or signature changes', async () => {
    const text = log('checkpoint.9').toString('utf8');
    const key = parseVerifierKey(FOREIGN, sha256);
    const other = parseNote(text.replace('\n9\n', '\n8\n'));
    expect(await verifyNote(other, [key], verify)).toEqual({
      holds: false,
      why: 'wrong-signature',
      name: key.name,
    });
    const { text: signed, signatures } = parseNote(text);
    for (let bit = 0; bit < 512; bit += 1) {
      const signature = signatures[0]!.signature.slice();
      signature[bit >> 3]! ^= 1 << (bit & 7);
      const verdict = await verifyNote(
        { text: signed, signatures: [{ ...signatures[0]!, signature }] },
        [key],
        verify,
      );
      expect(verdict.holds).toBe(false);
    }
  });
});

describe('a checkpoint', () => {
  it('reads back as it was written', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z][a-z./-]{0,30}$/),
        fc.maxSafeNat(),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (origin, size, root) => {
          const read = parseCheckpoint(formatCheckpoint({ origin, size, root: new Uint8Array(root) }));
          expect(read).toEqual({ origin, size, root: new Uint8Array(root) });
        },
      ),
    );
  });

  it('keeps extension lines', () => {
    const text = formatCheckpoint({ origin: 'a/log', size: 1, root: ROOT, extensions: ['one', 'two'] });
    expect(parseCheckpoint(text).extensions).toEqual(['one', 'two']);
  });

  const root = Buffer.from(ROOT).toString('base64');
  it.each([
    ['no last line feed', `log\n1\n${root}`],
    ['no origin', `\n1\n${root}\n`],
    ['only two lines', 'log\n1\n'],
    ['a leading zero', `log\n01\n${root}\n`],
    ['a plus sign', `log\n+1\n${root}\n`],
    ['an exponent', `log\n1e3\n${root}\n`],
    ['a negative size', `log\n-1\n${root}\n`],
    ['a size of 2^53', `log\n9007199254740992\n${root}\n`],
    ['a size of 2^64', `log\n18446744073709551616\n${root}\n`],
    ['an empty size', `log\n\n${root}\n`],
    ['a root of 31 bytes', `log\n1\n${Buffer.alloc(31).toString('base64')}\n`],
    ['base64 without padding', `log\n1\n${root.slice(0, -1)}\n`],
    ['base64 for addresses', `log\n1\n${Buffer.alloc(32, 255).toString('base64url')}=\n`],
    ['base64 with stray bits', `log\n1\n${root.slice(0, -2)}V=\n`],
    ['space around the root', `log\n1\n ${root}\n`],
    ['an empty extension line', `log\n1\n${root}\n\n`],
    ['carriage returns', `log\r\n1\r\n${root}\r\n`],
    ['a control character', `lo\u0000g\n1\n${root}\n`],
    ['a lone surrogate', `lo\ud800g\n1\n${root}\n`],
  ])('is refused with %s', (_, text) => {
    expect(() => parseCheckpoint(text)).toThrow(MalformedNote);
  });

  it('is never written in a form that would read back differently', () => {
    expect(() => formatCheckpoint({ origin: 'log\n5', size: 1, root: ROOT })).toThrow(MalformedNote);
    expect(() => formatCheckpoint({ origin: 'log', size: 1.5, root: ROOT })).toThrow(MalformedNote);
    expect(() => formatCheckpoint({ origin: 'log', size: 1, root: new Uint8Array(31) })).toThrow(
      MalformedNote,
    );
  });
});

describe('a signed note', () => {
  const log = newSigner('rehab/log');
  const witness = newSigner('witness.example');
  const text = formatCheckpoint({ origin: 'rehab/log', size: 0, root: ROOT });

  it('holds for the key that signed it', async () => {
    const note = parseNote(await signNote(text, log.name, log.keyId, log.sign));
    expect(note.text).toBe(text);
    const key = parseVerifierKey(log.vkey, sha256);
    expect(await verifyNote(note, [key], verify)).toEqual({ holds: true, by: [key], unknown: [] });
  });

  it('keeps and reports lines of keys it does not know', async () => {
    const ours = parseNote(await signNote(text, log.name, log.keyId, log.sign));
    const theirs = parseNote(await signNote(text, witness.name, witness.keyId, witness.sign));
    // A cosignature is longer than 64 bytes; an unknown line may be of any length.
    const odd = { name: 'else.example', keyId: Uint8Array.of(1, 2, 3, 4), signature: new Uint8Array(72) };
    const both = formatNote({ text, signatures: [odd, ...theirs.signatures, ...ours.signatures] });
    const read = parseNote(both);
    expect(formatNote(read)).toBe(both);
    const verdict = await verifyNote(read, [parseVerifierKey(log.vkey, sha256)], verify);
    expect(verdict).toMatchObject({
      holds: true,
      unknown: [{ name: 'else.example' }, { name: 'witness.example' }],
    });
  });

  it('does not hold when nobody known signed, also under the right name', async () => {
    const stranger = newSigner('rehab/log');
    const note = parseNote(await signNote(text, stranger.name, stranger.keyId, stranger.sign));
    const verdict = await verifyNote(note, [parseVerifierKey(log.vkey, sha256)], verify);
    expect(verdict).toEqual({ holds: false, why: 'no-known-signature' });
    expect(await verifyNote(note, [], verify)).toEqual({ holds: false, why: 'no-known-signature' });
  });

  it('does not hold when one of two lines of a known key is wrong', async () => {
    const note = parseNote(await signNote(text, log.name, log.keyId, log.sign));
    const bad = { ...note.signatures[0]!, signature: new Uint8Array(64) };
    for (const signatures of [
      [...note.signatures, bad],
      [bad, ...note.signatures],
    ]) {
      const verdict = await verifyNote({ text, signatures }, [parseVerifierKey(log.vkey, sha256)], verify);
      expect(verdict).toEqual({ holds: false, why: 'wrong-signature', name: 'rehab/log' });
    }
  });

  it('may hold blank lines in its text: the last one divides', async () => {
    const odd = 'one\n\ntwo\n';
    expect(parseNote(await signNote(odd, log.name, log.keyId, log.sign)).text).toBe(odd);
  });

  const line = '— rehab/log AAAAAAA=\n';
  it.each([
    ['no signature block', 'text\n'],
    ['an empty signature block', 'text\n\n'],
    ['no last line feed', `text\n\n${line.slice(0, -1)}`],
    ['a hyphen for the dash', 'text\n\n- rehab/log AAAAAAA=\n'],
    ['no space', 'text\n\n— rehab/logAAAAAAA=\n'],
    ['two spaces', 'text\n\n— rehab/log  AAAAAAA=\n'],
    ['something behind', 'text\n\n— rehab/log AAAAAAA= x\n'],
    ['a key id and no signature', 'text\n\n— rehab/log AAAAAA==\n'],
    ['a name with a plus sign', 'text\n\n— re+hab AAAAAAA=\n'],
    ['carriage returns', 'text\r\n\r\n— rehab/log AAAAAAA=\r\n'],
    ['a tab in the text', `te\txt\n\n${line}`],
    ['101 signatures', `text\n\n${line.repeat(101)}`],
    ['more than a million characters', `${'x'.repeat(1_000_000)}\n\n${line}`],
    ['a signature of 900,000 characters that is not base64', `text\n\n— rehab/log ${'A'.repeat(900_001)}\n`],
  ])('is refused with %s', (_, note) => {
    expect(() => parseNote(note)).toThrow(MalformedNote);
  });

  it('survives any text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string().map((s) => `text\n\n— ${s}\n`),
        ),
        (input) => {
          try {
            expect(formatNote(parseNote(input))).toBe(input);
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedNote);
          }
        },
      ),
    );
  });
});

describe('a verifier key', () => {
  it('is spelled as others spell it', () => {
    const key = parseVerifierKey(FOREIGN, sha256);
    expect(formatVerifierKey(key.name, key.publicKey, sha256)).toBe(FOREIGN);
    expect(Buffer.from(key.keyId).toString('hex')).toBe('33d7b496');
  });

  it.each([
    ['another name', FOREIGN.replace('example', 'exbmple')],
    ['another key id', FOREIGN.replace('33d7b496', '33d7b497')],
    ['a key id in capitals', FOREIGN.replace('33d7b496', '33D7B496')],
    ['another key', FOREIGN.replace('AeHTu4', 'AeHTu5')],
    ['another algorithm', FOREIGN.replace('+AeHT', '+AuHT')],
    ['no key', 'example.com/log/testdata+33d7b496+'],
    ['nothing', ''],
  ])('is refused with %s', (_, vkey) => {
    expect(() => parseVerifierKey(vkey, sha256)).toThrow(MalformedNote);
  });
});
