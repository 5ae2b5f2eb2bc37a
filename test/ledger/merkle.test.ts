// Tests of the Merkle tree: other people's vectors, all small trees exhaustively, properties, and a golden root.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  appendLeaves,
  type CompactRange,
  consistencyProof,
  EMPTY_RANGE,
  equalBytes,
  hashLeafData,
  inclusionProof,
  leafHash,
  mergeRanges,
  nodeHash,
  rootOf,
  rootOfRange,
  verifyConsistency,
  verifyInclusion,
} from '../../ledger/merkle.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const base64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

/** Leaf hashes of the commitments SHA-256("entry N"). */
const leaves = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, at) => leafHash(sha256(new TextEncoder().encode(`entry ${at}`)), sha256));

/** The definition of RFC 6962 § 2.1, word by word: the oracle that shares nothing with the code under test. */
function definedRoot(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length === 0) return sha256(new Uint8Array(0));
  if (hashes.length === 1) return hashes[0]!;
  const k = 2 ** Math.floor(Math.log2(hashes.length - 1));
  return sha256(new Uint8Array([1, ...definedRoot(hashes.slice(0, k)), ...definedRoot(hashes.slice(k))]));
}

const flip = (bytes: Uint8Array, bit: number): Uint8Array => {
  const changed = bytes.slice();
  changed[bit >> 3]! ^= 1 << (bit & 7);
  return changed;
};

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

describe.skipIf(!hasSharedData)('vectors of transparency-dev/merkle', () => {
  const root = sharedData('rfc6962-merkle');
  const inclusion = hasSharedData ? filesBelow(join(root, 'inclusion')) : [];
  const consistency = hasSharedData ? filesBelow(join(root, 'consistency')) : [];

  it('are all there', () => {
    expect([inclusion.length, consistency.length]).toEqual([59, 43]);
  });

  test.each(inclusion.map((file) => [relative(root, file), file]))('%s', (_, file) => {
    const vector = JSON.parse(readFileSync(file, 'utf8'));
    const holds = verifyInclusion(
      {
        index: vector.leafIdx,
        size: vector.treeSize,
        leafHash: base64(vector.leafHash),
        proof: (vector.proof ?? []).map(base64),
        root: base64(vector.root),
      },
      sha256,
    );
    expect(holds).toBe(!vector.wantErr);
  });

  test.each(consistency.map((file) => [relative(root, file), file]))('%s', (_, file) => {
    const vector = JSON.parse(readFileSync(file, 'utf8'));
    const holds = verifyConsistency(
      {
        size1: vector.size1,
        size2: vector.size2,
        root1: base64(vector.root1),
        root2: base64(vector.root2),
        proof: (vector.proof ?? []).map(base64),
      },
      sha256,
    );
    expect(holds).toBe(!vector.wantErr);
  });
});

describe('the tree', () => {
  it('gives the empty root of RFC 6962', () => {
    expect(hex(rootOf([], sha256))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(hex(hashLeafData(new Uint8Array(0), sha256))).toBe(
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    );
  });

  it('agrees with the definition for every size below 130', () => {
    const all = leaves(129);
    for (let size = 0; size <= 129; size += 1) {
      expect(hex(rootOf(all.slice(0, size), sha256))).toBe(hex(definedRoot(all.slice(0, size))));
    }
  });

  it('has this accumulated root over all trees up to 1,000 leaves', () => {
    let range = EMPTY_RANGE;
    let accumulated = rootOfRange(range, sha256);
    for (const leaf of leaves(1000)) {
      range = appendLeaves(range, [leaf], sha256);
      accumulated = sha256(new Uint8Array([...accumulated, ...rootOfRange(range, sha256)]));
    }
    expect(hex(accumulated)).toBe('179589558f5335624a7e448e470763b9e1df919d789f5ac2f33ffd1f4a84adf1');
  });

  it('has the same root however the same entries are cut into batches', () => {
    const all = leaves(400);
    fc.assert(
      fc.property(fc.nat(400), fc.array(fc.nat(60), { maxLength: 30 }), (size, cuts) => {
        let range = EMPTY_RANGE;
        for (const cut of [...cuts, size]) {
          const begin = Math.min(range.size, size);
          range = appendLeaves(range, all.slice(begin, Math.min(begin + cut, size)), sha256);
        }
        expect(range.size).toBe(size);
        expect(hex(rootOfRange(range, sha256))).toBe(hex(definedRoot(all.slice(0, size))));
      }),
    );
  });

  it('joins ranges built apart where they align, and refuses them where they do not', () => {
    const all = leaves(96);
    for (let left = 0; left <= 64; left += 1) {
      for (let right = 0; right <= 32; right += 1) {
        const join = () =>
          mergeRanges(
            appendLeaves(EMPTY_RANGE, all.slice(0, left), sha256),
            appendLeaves(EMPTY_RANGE, all.slice(left, left + right), sha256),
            sha256,
          );
        const largest = right === 0 ? 1 : 2 ** Math.floor(Math.log2(right));
        if (left % largest !== 0) expect(join).toThrow(RangeError);
        else {
          const joined = join();
          expect(joined.size).toBe(left + right);
          expect(hex(rootOfRange(joined, sha256))).toBe(hex(definedRoot(all.slice(0, left + right))));
          // The joined range goes on growing like one that was never cut.
          const grown = appendLeaves(joined, all.slice(left + right, left + right + 1), sha256);
          expect(hex(rootOfRange(grown, sha256))).toBe(hex(definedRoot(all.slice(0, grown.size))));
        }
      }
    }
  });

  it('leaves the range it was given unchanged', () => {
    const range = appendLeaves(EMPTY_RANGE, leaves(7), sha256);
    const before = range.hashes.map(hex);
    appendLeaves(range, leaves(3), sha256);
    expect(range.hashes.map(hex)).toEqual(before);
  });

  it('counts beyond 2^32 leaves', () => {
    const width = 2 ** 40;
    const range: CompactRange = { size: width, hashes: leaves(1) };
    const grown = appendLeaves(range, leaves(2).slice(1), sha256);
    expect(grown.size).toBe(width + 1);
    const [left, right] = leaves(2);
    expect(hex(rootOfRange(grown, sha256))).toBe(hex(nodeHash(left!, right!, sha256)));
  });

  it.each<[string, () => unknown]>([
    ['a commitment of 31 bytes', () => leafHash(new Uint8Array(31), sha256)],
    ['a leaf hash of 33 bytes', () => appendLeaves(EMPTY_RANGE, [new Uint8Array(33)], sha256)],
    ['a range with a hash too many', () => rootOfRange({ size: 4, hashes: leaves(2) }, sha256)],
    ['a range with a hash too few', () => appendLeaves({ size: 3, hashes: leaves(1) }, [], sha256)],
    ['a fractional size', () => rootOfRange({ size: 0.5, hashes: [] }, sha256)],
    ['a proof of a leaf behind the end', () => inclusionProof(3, leaves(3), sha256)],
    ['a proof from a larger tree', () => consistencyProof(4, leaves(3), sha256)],
  ])('refuses %s', (_, act) => {
    expect(act).toThrow(RangeError);
  });
});

describe('proofs', () => {
  const all = leaves(129);
  const roots = Array.from({ length: 130 }, (_, size) => definedRoot(all.slice(0, size)));

  it('of inclusion hold for every leaf of every tree below 130, and for that leaf and tree alone', () => {
    for (let size = 1; size < 130; size += 1) {
      for (let index = 0; index < size; index += 1) {
        const proof = inclusionProof(index, all.slice(0, size), sha256);
        const claim = { index, size, leafHash: all[index]!, proof, root: roots[size]! };
        if (!verifyInclusion(claim, sha256)) expect.fail(`refused: leaf ${index} of ${size}`);
        const other = (index + 1) % size;
        if (other !== index && verifyInclusion({ ...claim, index: other }, sha256)) {
          expect.fail(`held at another index: leaf ${index} of ${size}`);
        }
        if (verifyInclusion({ ...claim, root: roots[size - 1]! }, sha256)) {
          expect.fail(`held in another tree: leaf ${index} of ${size}`);
        }
      }
    }
  });

  it('of consistency hold for every pair below 130, and not for another root', () => {
    for (let size2 = 0; size2 < 130; size2 += 1) {
      for (let size1 = 0; size1 <= size2; size1 += 1) {
        const proof = consistencyProof(size1, all.slice(0, size2), sha256);
        const claim = { size1, size2, root1: roots[size1]!, root2: roots[size2]!, proof };
        if (!verifyConsistency(claim, sha256)) expect.fail(`refused: ${size1} to ${size2}`);
        const wrong = roots[size1 === 0 ? 1 : size1 - 1]!;
        if (verifyConsistency({ ...claim, root1: wrong }, sha256)) {
          expect.fail(`held for another old root: ${size1} to ${size2}`);
        }
      }
    }
  });

  it('fail when one bit of anything changes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 129 }),
        fc.nat(),
        fc.nat(255),
        fc.nat(),
        (size, pick, bit, element) => {
          const index = pick % size;
          const proof = inclusionProof(index, all.slice(0, size), sha256);
          const claim = { index, size, leafHash: all[index]!, proof, root: roots[size]! };
          const inclusionChanges = [
            { ...claim, leafHash: flip(claim.leafHash, bit) },
            { ...claim, root: flip(claim.root, bit) },
            ...(proof.length === 0 ? [] : [{ ...claim, proof: withFlip(proof, element, bit) }]),
            { ...claim, proof: [...proof, all[0]!] },
            { ...claim, proof: [all[0]!, ...proof] },
            ...(proof.length === 0 ? [] : [{ ...claim, proof: proof.slice(1) }]),
          ];
          for (const changed of inclusionChanges) expect(verifyInclusion(changed, sha256)).toBe(false);

          const size1 = 1 + (pick % size);
          const path = consistencyProof(size1, all.slice(0, size), sha256);
          const growth = { size1, size2: size, root1: roots[size1]!, root2: roots[size]!, proof: path };
          const growthChanges = [
            { ...growth, root1: flip(growth.root1, bit) },
            { ...growth, root2: flip(growth.root2, bit) },
            ...(path.length === 0 ? [] : [{ ...growth, proof: withFlip(path, element, bit) }]),
            { ...growth, proof: [...path, all[0]!] },
            ...(path.length === 0 ? [] : [{ ...growth, proof: path.slice(1) }]),
          ];
          for (const changed of growthChanges) expect(verifyConsistency(changed, sha256)).toBe(false);
        },
      ),
      { numRuns: 300 },
    );
  });

  function withFlip(proof: readonly Uint8Array[], element: number, bit: number): Uint8Array[] {
    const at = element % proof.length;
    return proof.map((hash, index) => (index === at ? flip(hash, bit) : hash));
  }
});

it('compares bytes by content and length', () => {
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 0))).toBe(false);
});
