// Tests of tiles: the one spelling of an address, the shape of the specification's own example, a foreign log's files, and
// proofs out of tiles against proofs out of leaves.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCheckpoint, parseNote } from '../../ledger/checkpoint.ts';
import {
  consistencyProof,
  hashLeafData,
  inclusionProof,
  leafHash,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from '../../ledger/merkle.ts';
import {
  bundleEntries,
  edgeTiles,
  entryBundle,
  fullTilesAt,
  hashesOf,
  parseTilePath,
  type TileAddress,
  type TileName,
  tilePath,
  tileRoot,
  tileTree,
} from '../../ledger/tiles.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
const leaves = Array.from({ length: 66_000 }, (_, at) =>
  leafHash(sha256(Buffer.from(`entry ${at}`)), sha256),
);

/** Tiles by their definition (C2SP tlog-tiles): hash `i` of level `l` is the root over leaves [i·256^l, (i+1)·256^l). */
const levels = [leaves];
for (let below = leaves; below.length >= 256; below = levels.at(-1) as Uint8Array[])
  levels.push(
    Array.from({ length: Math.floor(below.length / 256) }, (_, i) =>
      rootOf(below.slice(i * 256, (i + 1) * 256), sha256),
    ),
  );
const defined = ({ level, index, width }: TileName): Uint8Array =>
  new Uint8Array(Buffer.concat((levels[level] ?? []).slice(index * 256, index * 256 + width)));

describe('addresses', () => {
  const known: [string, TileAddress][] = [
    ['tile/0/x001/x234/067', { level: 0, index: 1_234_067, width: 256 }],
    ['tile/0/x001/067', { level: 0, index: 1067, width: 256 }],
    ['tile/63/000.p/255', { level: 63, index: 0, width: 255 }],
    ['tile/entries/x123/456.p/7', { level: 'entries', index: 123_456, width: 7 }],
    ['tile/1/999', { level: 1, index: 999, width: 256 }],
  ];
  test.each(known)('%s', (path, address) => {
    expect(parseTilePath(path)).toEqual(address);
    expect(tilePath(address)).toBe(path);
  });

  test.each([
    'tile/64/000', // no such level
    'tile/00/000',
    'tile/-1/000',
    'tile/0/0',
    'tile/0/1000',
    'tile/0/x000/001', // a group of zeros in front
    'tile/0/001/067',
    'tile/0/x001',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/000.p/07',
    'tile/0/000.p/',
    'tile/0/000/',
    'tile/data/000',
    'tile/entries/000.P/1',
    'tile/0/٠٠٠',
    ' tile/0/000',
    'tile/0/000\n',
  ])('%j is no address', (path) => {
    expect(parseTilePath(path)).toBeUndefined();
  });

  test('each tile has one address, and an address one spelling', () => {
    const address = fc.record({
      level: fc.oneof(fc.integer({ min: 0, max: 63 }), fc.constant('entries' as const)),
      index: fc.oneof(fc.integer({ min: 0, max: 70_000 }), fc.maxSafeNat()),
      width: fc.integer({ min: 1, max: 256 }),
    });
    fc.assert(
      fc.property(address, (tile) => {
        expect(parseTilePath(tilePath(tile as TileAddress))).toEqual(tile);
      }),
    );
    fc.assert(
      fc.property(
        fc.stringMatching(/^tile\/[0-9ex]{1,3}(\/x?[0-9]{1,4}){1,3}(\.p\/[0-9]{1,3})?$/),
        (path) => {
          const read = parseTilePath(path);
          if (read) expect(tilePath(read)).toBe(path);
        },
      ),
    );
  });
});

describe('a tree cut into tiles', () => {
  test('of 70,000 leaves is what the specification says', () => {
    expect([0, 1, 2].map((level) => fullTilesAt(level, 70_000))).toEqual([273, 1, 0]);
    expect(edgeTiles(70_000)).toEqual([
      { level: 0, index: 273, width: 112 },
      { level: 1, index: 1, width: 17 },
      { level: 2, index: 0, width: 1 },
    ]);
    expect(edgeTiles(256)).toEqual([{ level: 1, index: 0, width: 1 }]);
    expect(edgeTiles(0)).toEqual([]);
  });

  test('has the roots and proofs of the tree over its leaves, at every small size', async () => {
    for (let size = 0; size <= 70; size++) {
      const tree = tileTree(defined, size, sha256);
      const some = leaves.slice(0, size);
      expect(await tree.root()).toEqual(rootOf(some, sha256));
      for (let at = 0; at < size; at++)
        expect(await tree.inclusion(at)).toEqual(inclusionProof(at, some, sha256));
      for (let at = 0; at <= size; at++)
        expect(await tree.consistency(at)).toEqual(consistencyProof(at, some, sha256));
    }
  });

  test('and at sizes around whole tiles of each level', async () => {
    for (const size of [255, 256, 257, 511, 512, 513, 1000, 65_535, 65_536, 65_537, 65_793]) {
      const tree = tileTree(defined, size, sha256);
      const root = rootOf(leaves.slice(0, size), sha256);
      expect(await tree.root()).toEqual(root);
      for (const at of [0, 1, 254, 255, 256, size - 2, size - 1].filter((n) => n < size)) {
        const proof = await tree.inclusion(at);
        const claim = { index: at, size, leafHash: leaves[at] as Uint8Array, proof, root };
        expect(verifyInclusion(claim, sha256)).toBe(true);
        const size1 = at + 1;
        const root1 = rootOf(leaves.slice(0, size1), sha256);
        expect(
          verifyConsistency(
            { size1, size2: size, root1, root2: root, proof: await tree.consistency(size1) },
            sha256,
          ),
        ).toBe(true);
      }
    }
  });

  test('asks for no tile that the tree has not, and refuses one of another width', async () => {
    const asked: TileName[] = [];
    const tree = tileTree(
      (tile) => {
        asked.push(tile);
        return defined(tile);
      },
      65_793,
      sha256,
    );
    await tree.root();
    // The right edge alone: one tile a level.
    expect(asked.length).toBe(edgeTiles(65_793).length);
    const short = tileTree((tile) => defined(tile).subarray(32), 300, sha256);
    await expect(short.root()).rejects.toThrow('another width');
    await expect(tree.inclusion(65_793)).rejects.toThrow('not in the tree');
  });

  test('a full tile’s root is the hash one level up; a partial one has none', () => {
    expect(tileRoot(defined({ level: 0, index: 7, width: 256 }), sha256)).toEqual(levels[1]?.[7]);
    expect(() => tileRoot(defined({ level: 0, index: 7, width: 255 }), sha256)).toThrow('not full');
  });
});

describe('bundles of entries', () => {
  test('come back as they went in', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 256 }), (entries) => {
        expect(bundleEntries(entryBundle(entries))).toEqual(entries);
      }),
    );
  });
  test('are refused when lengths do not fill them', () => {
    const bundle = entryBundle([sha256(Buffer.from('a')), sha256(Buffer.from('b'))]);
    for (const length of [1, 2, 33, 35, 67])
      expect(bundleEntries(bundle.subarray(0, length))).toBeUndefined();
  });
});

describe.skipIf(!hasSharedData)('a log of transparency-dev/tessera', () => {
  const file = (path: string) => readFileSync(sharedData('c2sp-tlog-tiles', 'log', ...path.split('/')));
  const log = (path: string) => new Uint8Array(file(path));

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9])(
    'size %i is read by the addresses that it was written under',
    async (size) => {
      const said = parseCheckpoint(parseNote(file(`checkpoint.${size}`).toString('utf8')).text);
      const tree = tileTree((tile) => log(tilePath(tile)), size, sha256);
      expect(await tree.root()).toEqual(said.root);
      const bundle = log(tilePath({ level: 'entries', index: 0, width: size }));
      const entries = bundleEntries(bundle) ?? [];
      expect(entryBundle(entries)).toEqual(bundle);
      const tile = hashesOf(log(tilePath({ level: 0, index: 0, width: size })));
      for (const [index, entry] of entries.entries()) {
        const claim = { index, size, leafHash: hashLeafData(entry, sha256), root: said.root };
        expect(verifyInclusion({ ...claim, proof: await tree.inclusion(index) }, sha256)).toBe(true);
        expect(tile[index]).toEqual(claim.leafHash);
      }
    },
  );
});
