// Station 7, who says what: beside each finding the one that stands alone, and those that say the same against it. Worked out
// from all findings together, once they are known. Never changes what was found.
import type { Pin } from './reader.ts';
import type { Found } from './verify-finding.ts';
import type { Finding } from './verify-sources.ts';

/** Kinds that say that something could not be checked, not that it is wrong. */
export const UNCHECKED: ReadonlySet<Finding['kind']> = new Set(['unreadable', 'key-missing', 'out-of-time']);

/** Parts of the log that are the same statement as the leaves: the tree tells whether they are right. */
const OF_THE_TREE: ReadonlySet<string> = new Set(['root', 'range', 'hashes', 'size']);

/**
 * Tells of each finding which store disagrees with the others. A peer of which something is found itself stands for nobody;
 * what lies behind the pinned size has no peer to stand for it.
 * @param borneOut findings that the cases' histories say as well
 */
export function withWitnesses(
  found: readonly Found[],
  pin: Pin,
  borneOut: ReadonlySet<Found>,
): readonly Finding[] {
  const accused = new Set(found.flatMap(({ store, table }) => (store === 'chain' ? [table] : [])));
  const heard = pin.peers.flatMap(({ peer, state }) =>
    state === 'there' ? [`peer-${peer.organisation}`] : [],
  );
  const peers = heard.filter((name) => !accused.has(name));
  const wrongLeaves = new Set(
    found.flatMap(({ table, row }) => (table === 'log_leaves' && row !== null ? [row] : [])),
  );
  const anchored = (size: number | null): readonly string[] =>
    size !== null && size <= pin.size ? peers : [];

  function witnesses(one: Found): Pick<Finding, 'disagrees' | 'agree'> {
    const { store, table, row, column, kind, rightAt, wrongAt } = one;
    if (UNCHECKED.has(kind) || table === 'outside_changes') return { disagrees: null, agree: [] };
    if (store === 'postgres') return { disagrees: 'postgres', agree: ['log', ...anchored(rightAt ?? 0)] };
    if (store === 'chain') {
      if (!table?.startsWith('peer-')) return { disagrees: null, agree: [] };
      const log = row !== null && wrongLeaves.has(row) ? [] : ['log'];
      return { disagrees: table, agree: [...log, ...peers.filter((name) => name !== table)] };
    }
    if (store === 'history') return { disagrees: 'history', agree: ['postgres', 'log'] };
    if (store !== 'log') return { disagrees: store, agree: [] };
    if (table === 'log_leaves')
      return { disagrees: 'log', agree: anchored(kind === 'truncated' ? wrongAt : rightAt) };
    // Bytes that a leaf names are held by every peer, as the leaf; the signature beside them by nobody else.
    if (table === 'audit_entries')
      return { disagrees: 'log', agree: column === 'signature' ? [] : anchored(rightAt ?? wrongAt) };
    if (column !== null && !OF_THE_TREE.has(column)) return { disagrees: 'log', agree: [] };
    return { disagrees: 'log', agree: anchored(wrongAt) };
  }
  return found.map((one) => {
    const { disagrees, agree } = witnesses(one);
    const too = disagrees !== null && borneOut.has(one) ? ['history'] : [];
    return { ...one, disagrees, agree: [...agree, ...too] };
  });
}
