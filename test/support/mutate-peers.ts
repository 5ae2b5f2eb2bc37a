// Test support: every way to change what one organisation's peer lists, as verification reads it: its leaves, their order and
// number, the root it states and the checkpoint it keeps. A real peer is altered in test/verify-chain.
import { randomBytes } from 'node:crypto';
import { logSigner } from '../../bin/log-keys.ts';
import { ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { formatCheckpoint, signNote } from '../../ledger/checkpoint.ts';
import { rootOf } from '../../ledger/merkle.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { type Expected, type Place, type Target, twoOf, type Way } from './mutation.ts';
import type { Copy } from './verify-world.ts';

const flipped = (bytes: Uint8Array, byte: number): Uint8Array =>
  bytes.map((value, at) => (at === byte ? value ^ 1 : value));

/** The copy's newest checkpoint, which is the pinned one. */
function newest(copy: Copy): { size: number; root: Uint8Array; note: string } {
  const size = Math.max(...copy.checkpoints.keys());
  const kept = copy.checkpoints.get(size);
  if (!kept) throw new Error('nothing is anchored');
  return { size, ...kept };
}

function waysOf(organisation: Organisation): Way[] {
  const table = `peer-${organisation}`;
  const on = (row: string, kind: Place['kind'], column?: string): Place => ({
    store: 'chain',
    table,
    row,
    ...(kind ? { kind } : {}),
    ...(column === undefined ? {} : { column }),
  });
  /** What follows from leaves that are not those that were hashed. */
  const besides: readonly Place[] = [{ store: 'chain', table }];
  const way = (
    name: string,
    kind: Way['kind'],
    change: (copy: Copy, target: Target) => Promise<Expected> | Expected,
  ): Way => ({
    name: `${table}: ${name}`,
    table,
    kind,
    async change(target) {
      const copy = target.copies.find((one) => one.organisation === organisation);
      if (!copy) throw new Error('no such peer');
      return await change(copy, target);
    },
  });
  return [
    way('a leaf edited', 'edited', (copy, { choose }) => {
      const index = choose(copy.leaves.length);
      copy.leaves[index] = flipped(copy.leaves[index] as Uint8Array, choose(32));
      return { finding: on(String(index), 'edited') };
    }),
    way('many leaves edited', 'edited', (copy, { choose }) => {
      const index = choose(copy.leaves.length - 20);
      for (let at = index; at < index + 20; at++)
        copy.leaves[at] = flipped(copy.leaves[at] as Uint8Array, choose(32));
      return { finding: on(`${index}-${index + 19}`, 'edited') };
    }),
    way('two leaves exchanged', 'reordered', (copy, { choose }) => {
      const [a, b] = twoOf(copy.leaves.length, choose, table);
      const kept = copy.leaves[a] as Uint8Array;
      copy.leaves[a] = copy.leaves[b] as Uint8Array;
      copy.leaves[b] = kept;
      return { finding: on(String(a), 'reordered'), beside: [on(String(b), 'reordered')] };
    }),
    way('a leaf taken out, those behind it moved up', 'deleted', (copy, { choose }) => {
      const index = choose(copy.leaves.length - 10);
      copy.leaves.splice(index, 1);
      return { finding: on(String(index), 'deleted'), beside: [on(String(copy.leaves.length), 'truncated')] };
    }),
    way('a leaf put in, those behind it moved down', 'inserted', (copy, { choose }) => {
      const index = choose(copy.leaves.length - 10);
      copy.leaves.splice(index, 0, randomBytes(32));
      return { finding: on(String(index), 'inserted') };
    }),
    way('a leaf missing from its list', 'deleted', (copy, { choose }) => {
      const index = choose(copy.leaves.length);
      copy.hole = index;
      return { finding: on(String(index), 'deleted') };
    }),
    way('the end of its list', 'truncated', (copy, { choose }) => {
      const length = choose(copy.leaves.length);
      copy.leaves = copy.leaves.slice(0, length);
      return { finding: on(String(length), 'truncated') };
    }),
    way('the root it states', 'edited', (copy, { choose }) => {
      const { size, root, note } = newest(copy);
      copy.checkpoints.set(size, { root: flipped(root, choose(32)), note });
      return { finding: on('head', 'edited', 'root'), beside: besides };
    }),
    way('another log, down to its root', 'forked-log', (copy, { choose }) => {
      const { size, note } = newest(copy);
      const index = choose(size);
      copy.leaves[index] = randomBytes(32);
      copy.checkpoints.set(size, { root: rootOf(copy.leaves.slice(0, size), nodeHashing.hash), note });
      return { finding: on('head', 'forked-log', 'root'), beside: besides };
    }),
    way('the checkpoint it keeps, signed with a key of its own', 'forged-checkpoint', async (copy) => {
      const { size, root } = newest(copy);
      const { name, keyId, sign } = logSigner(randomBytes(32));
      const note = await signNote(formatCheckpoint({ origin: name, size, root }), name, keyId, sign);
      copy.checkpoints.set(size, { root, note });
      return { finding: on(`checkpoint ${size}`, 'forged-checkpoint', 'note') };
    }),
    way('the checkpoint it keeps, another one', 'edited', (copy) => {
      const { size, root } = newest(copy);
      copy.checkpoints.set(size, { root, note: 'not a note' });
      return { finding: on(`checkpoint ${size}`, 'edited', 'note') };
    }),
  ];
}

/** Every way to change one peer's own list, for each of the three. */
export const PEER_WAYS: readonly Way[] = ORGANISATIONS.flatMap(waysOf);
