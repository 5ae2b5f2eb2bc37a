// Station 5, the tree: RFC 6962 Merkle tree over 32-byte commitments, as a compact range and as proofs.
// Runs unchanged in Node, the browser and the chaincode: the hash comes as an argument, nothing else is imported.
// Must never take a proof, size or hash on trust: what does not have exactly the right shape does not verify.

/** Synchronous SHA-256: takes any bytes, gives 32. It must not keep the bytes it is given: they are written over. */
export type Hash = (bytes: Uint8Array) => Uint8Array;

/** Bytes in a commitment, a leaf hash, a node hash and a root. */
export const HASH_BYTES = 32;

/**
 * The roots of the perfect subtrees that together cover the first `size` leaves, largest first.
 * `hashes` has one element per 1 bit of `size`; that is all a log must keep to grow.
 */
export type CompactRange = { readonly size: number; readonly hashes: readonly Uint8Array[] };

/** The range of a log without entries. */
export const EMPTY_RANGE: CompactRange = { size: 0, hashes: [] };

export type InclusionClaim = {
  readonly index: number;
  readonly size: number;
  readonly leafHash: Uint8Array;
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
};

export type ConsistencyClaim = {
  readonly size1: number;
  readonly size2: number;
  readonly root1: Uint8Array;
  readonly root2: Uint8Array;
  readonly proof: readonly Uint8Array[];
};

/** Compares all bytes; values of different lengths differ. The values are public, so time need not be constant. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/** SHA-256(0x00 ‖ data), RFC 6962 § 2.1, for data of any length: what a foreign tlog hashes. Ours: `leafHash`. */
export function hashLeafData(data: Uint8Array, hash: Hash): Uint8Array {
  const prefixed = new Uint8Array(data.length + 1);
  prefixed.set(data, 1);
  return hash(prefixed);
}

/** Leaf hash of one entry of our log. `commitment` is SHA-256 of the entry's bytes; any other length is refused. */
export function leafHash(commitment: Uint8Array, hash: Hash): Uint8Array {
  demandHash(commitment, 'commitment');
  prefixedLeaf.set(commitment, 1);
  return hash(prefixedLeaf);
}

// One buffer each for what is hashed most: making one takes a good part of the time of hashing it.
const prefixedLeaf = new Uint8Array(1 + HASH_BYTES);
const prefixedNode = Uint8Array.from({ length: 1 + 2 * HASH_BYTES }, (_, at) => (at === 0 ? 1 : 0));

/** SHA-256(0x01 ‖ left ‖ right), RFC 6962 § 2.1. */
export function nodeHash(left: Uint8Array, right: Uint8Array, hash: Hash): Uint8Array {
  demandHash(left, 'left hash');
  demandHash(right, 'right hash');
  prefixedNode.set(left, 1);
  prefixedNode.set(right, 1 + HASH_BYTES);
  return hash(prefixedNode);
}

/** The range after `leafHashes`, in order, were added behind `range`. `range` itself is not changed. */
export function appendLeaves(
  range: CompactRange,
  leafHashes: readonly Uint8Array[],
  hash: Hash,
): CompactRange {
  demandRange(range);
  const hashes = [...range.hashes];
  let size = range.size;
  for (const leaf of leafHashes) {
    demandHash(leaf, 'leaf hash');
    pushSubtree(hashes, size, leaf, 1, hash);
    size += 1;
  }
  return { size: demandSize(size), hashes };
}

/**
 * The range over `left` followed by `right`, where `right` was built on its own from the leaves behind `left`.
 * Its largest subtree must fit there (`left.size` a multiple of it), else the subtrees are not those of the whole.
 */
export function mergeRanges(left: CompactRange, right: CompactRange, hash: Hash): CompactRange {
  demandRange(left);
  demandRange(right);
  const hashes = [...left.hashes];
  let size = left.size;
  const widths = subtreeWidths(right.size);
  if (left.size % (widths[0] ?? 1) !== 0) {
    throw new RangeError(`Ranges do not align; merge at a multiple of the right range's largest subtree: \
${left.size} and ${right.size}`);
  }
  for (const [at, width] of widths.entries()) {
    // demandRange holds one hash per subtree, so the element is there.
    pushSubtree(hashes, size, right.hashes[at]!, width, hash);
    size += width;
  }
  return { size: demandSize(size), hashes };
}

/** Merkle tree hash of the range's leaves; of no leaves it is the hash of nothing (RFC 6962 § 2.1). */
export function rootOfRange(range: CompactRange, hash: Hash): Uint8Array {
  demandRange(range);
  let root: Uint8Array | undefined;
  for (const subtree of [...range.hashes].reverse()) {
    root = root === undefined ? subtree : nodeHash(subtree, root, hash);
  }
  return root ?? hash(new Uint8Array(0));
}

/** Merkle tree hash of all `leafHashes`, in order. */
export function rootOf(leafHashes: readonly Uint8Array[], hash: Hash): Uint8Array {
  return rootOfRange(appendLeaves(EMPTY_RANGE, leafHashes, hash), hash);
}

/** Audit path of leaf `index` in the tree over all `leafHashes`, nearest sibling first (RFC 6962 § 2.1.1). */
export function inclusionProof(index: number, leafHashes: readonly Uint8Array[], hash: Hash): Uint8Array[] {
  demandSize(index);
  if (index >= leafHashes.length) {
    throw new RangeError(`Leaf is not in the tree; ask below its size: ${index} of ${leafHashes.length}`);
  }
  const path: Uint8Array[] = [];
  let begin = 0;
  let end = leafHashes.length;
  while (end - begin > 1) {
    const middle = begin + splitPoint(end - begin);
    if (index < middle) {
      path.push(rootOf(leafHashes.slice(middle, end), hash));
      end = middle;
    } else {
      path.push(rootOf(leafHashes.slice(begin, middle), hash));
      begin = middle;
    }
  }
  return path.reverse();
}

/**
 * Proof that the tree over the first `size1` leaves is a prefix of the tree over all `leafHashes` (RFC 6962 § 2.1.2).
 * Empty when `size1` is 0 or the whole tree.
 */
export function consistencyProof(size1: number, leafHashes: readonly Uint8Array[], hash: Hash): Uint8Array[] {
  demandSize(size1);
  if (size1 > leafHashes.length) {
    throw new RangeError(`Tree is smaller; ask up to its size: ${size1} of ${leafHashes.length}`);
  }
  if (size1 === 0) return [];
  const path: Uint8Array[] = [];
  let begin = 0;
  let end = leafHashes.length;
  while (end !== size1) {
    const middle = begin + splitPoint(end - begin);
    if (size1 <= middle) {
      path.push(rootOf(leafHashes.slice(middle, end), hash));
      end = middle;
    } else {
      path.push(rootOf(leafHashes.slice(begin, middle), hash));
      begin = middle;
    }
  }
  // The verifier already holds the old root when the old tree is one whole subtree of the new one.
  if (begin !== 0) path.push(rootOf(leafHashes.slice(begin, end), hash));
  return path.reverse();
}

/** True only if `leafHash` stands at `index` in the tree of `size` leaves with `root` (RFC 9162 § 2.1.3.2). */
export function verifyInclusion(claim: InclusionClaim, hash: Hash): boolean {
  const { index, size, proof } = claim;
  if (!isSize(index) || !isSize(size) || index >= size) return false;
  if (![claim.leafHash, claim.root, ...proof].every(isHash)) return false;
  let node = index;
  let last = size - 1;
  let root = claim.leafHash;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      root = nodeHash(sibling, root, hash);
      while (node % 2 === 0 && node !== 0) {
        node /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      root = nodeHash(root, sibling, hash);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && equalBytes(root, claim.root);
}

/** True only if the tree (`size1`, `root1`) is a prefix of the tree (`size2`, `root2`) (RFC 9162 § 2.1.4.2). */
export function verifyConsistency(claim: ConsistencyClaim, hash: Hash): boolean {
  const { size1, size2, root1, root2, proof } = claim;
  if (!isSize(size1) || !isSize(size2) || size1 > size2) return false;
  if (![root1, root2, ...proof].every(isHash)) return false;
  if (size1 === size2) return proof.length === 0 && equalBytes(root1, root2);
  // Anything continues the empty tree, but only the one true empty root names it.
  if (size1 === 0) return proof.length === 0 && equalBytes(root1, hash(new Uint8Array(0)));
  const path = isPowerOfTwo(size1) ? [root1, ...proof] : [...proof];
  const first = path.shift();
  if (proof.length === 0 || first === undefined) return false;
  let node = size1 - 1;
  let last = size2 - 1;
  while (node % 2 === 1) {
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  let old = first;
  let whole = first;
  for (const sibling of path) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      old = nodeHash(sibling, old, hash);
      whole = nodeHash(sibling, whole, hash);
      while (node % 2 === 0 && node !== 0) {
        node /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      whole = nodeHash(whole, sibling, hash);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && equalBytes(old, root1) && equalBytes(whole, root2);
}

/** Adds a perfect subtree of `width` leaves behind `size` leaves, joining equal neighbours as binary addition carries. */
function pushSubtree(hashes: Uint8Array[], size: number, subtree: Uint8Array, width: number, hash: Hash) {
  let joined = subtree;
  for (let filled = size / width; filled % 2 === 1; filled = Math.floor(filled / 2)) {
    // A 1 bit of the size is a subtree in the list (the range invariant), so there is one to take.
    joined = nodeHash(hashes.pop()!, joined, hash);
  }
  hashes.push(joined);
}

/** Widths of the perfect subtrees of a tree, largest first: the 1 bits of its size. Arithmetic, as sizes pass 2^31. */
function subtreeWidths(size: number): number[] {
  const widths: number[] = [];
  for (let rest = size, width = 1; rest > 0; rest = Math.floor(rest / 2), width *= 2) {
    if (rest % 2 === 1) widths.unshift(width);
  }
  return widths;
}

/** Largest power of two smaller than `size`, which is at least 2 (RFC 6962 § 2.1: k < n ≤ 2k). */
function splitPoint(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

function isPowerOfTwo(size: number): boolean {
  return subtreeWidths(size).length === 1;
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isHash(value: Uint8Array): boolean {
  return value.length === HASH_BYTES;
}

function demandSize(value: number): number {
  if (!isSize(value)) throw new RangeError(`Not a tree size; give a whole number from 0: ${value}`);
  return value;
}

function demandHash(value: Uint8Array, name: string) {
  if (!isHash(value)) {
    throw new RangeError(`Wrong length; give ${HASH_BYTES} bytes: ${name} of ${value.length}`);
  }
}

function demandRange(range: CompactRange) {
  demandSize(range.size);
  if (range.hashes.length !== subtreeWidths(range.size).length) {
    throw new RangeError(`Not a compact range; give one hash per 1 bit of its size: \
${range.hashes.length} for ${range.size}`);
  }
  for (const subtree of range.hashes) demandHash(subtree, 'subtree root');
}
