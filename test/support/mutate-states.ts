// Test support: every way to change what a real peer keeps in its state, as its operator can while it is stopped: leaves, head,
// checkpoints, keys, certificates, parameters, cosignatures. Each names what verification must say of that peer.
import { ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { leafIn, type PeerState } from '../fabric/network.ts';
import { type Choose, type Expected, oneOf, type Place, twoOf } from './mutation.ts';

interface StateTarget {
  readonly state: PeerState;
  readonly organisation: Organisation;
  readonly choose: Choose;
}

interface StateWay {
  readonly name: string;
  readonly change: (target: StateTarget) => Expected;
}

const keysUnder = ({ keys }: PeerState, prefix: string): string[] =>
  keys.filter((key) => key.startsWith(prefix));
const sizeOf = (state: PeerState): number =>
  Number(keysUnder(state, 'checkpoint/').at(-1)?.slice('checkpoint/'.length));

/** Changes one letter of a JSON value, behind the text that comes before it. */
function letter(value: Buffer, before: string, choose: Choose): void {
  const from = value.indexOf(before);
  if (from < 0) throw new Error(`nothing to change in a value: ${before}`);
  const at = from + Buffer.byteLength(before) + choose(8);
  value[at] = value[at] === 0x61 ? 0x62 : 0x61; // a, or b where it is one
}

const way = (
  name: string,
  kind: NonNullable<Place['kind']>,
  change: (target: StateTarget) => { row: string; column?: string; beside?: readonly Omit<Place, 'table'>[] },
): StateWay => ({
  name,
  change(target) {
    const { row, column, beside = [] } = change(target);
    const table = `peer-${target.organisation}`;
    return {
      finding: {
        store: 'chain',
        table,
        row,
        kind,
        disagrees: table,
        ...(column === undefined ? {} : { column }),
      },
      beside: beside.map((place) => ({ store: 'chain', table, ...place })),
    };
  },
});

const nameOfKey = (key: string): string => {
  const [, kind = '', name = ''] = key.split('/');
  return `key ${kind} ${decodeURIComponent(name)}`;
};

/** Every way, in an order in which three that stand beside each other never touch one place. */
export const STATE_WAYS: readonly StateWay[] = [
  way('a leaf edited', 'edited', ({ state, choose }) => {
    const index = choose(sizeOf(state));
    const { leaf } = leafIn(state, index);
    const byte = choose(32);
    leaf[byte] = (leaf[byte] ?? 0) ^ (1 << choose(8));
    return { row: String(index) };
  }),
  way('the key of the log edited', 'edited', ({ state, choose }) => {
    const key = oneOf(keysUnder(state, 'key/log/'), choose, 'keys');
    letter(state.value(key), '+', choose);
    return { row: nameOfKey(key), column: 'vkey' };
  }),
  way('a certificate deleted', 'deleted', ({ state, choose }) => {
    const key = oneOf(keysUnder(state, 'certificate/'), choose, 'certificates');
    state.remove(key);
    return { row: `certificate ${key.split('/')[2]}` };
  }),
  way('two leaves exchanged', 'reordered', ({ state, choose }) => {
    const [a, b] = twoOf(sizeOf(state), choose, 'leaves');
    const [one, other] = [leafIn(state, a).leaf, leafIn(state, b).leaf];
    const kept = Buffer.from(one);
    one.set(other);
    other.set(kept);
    return { row: String(a), beside: [{ row: String(b), kind: 'reordered' }] };
  }),
  way('the parameters’ digest edited', 'edited', ({ state, choose }) => {
    const key = oneOf(keysUnder(state, 'parameters/'), choose, 'parameters');
    letter(state.value(key), '"sha256":"', choose);
    return { row: key.replace('/', ' '), column: 'sha256' };
  }),
  way('a cosignature edited', 'edited', ({ state, choose }) => {
    const key = oneOf(keysUnder(state, 'cosigned/'), choose, 'cosignatures');
    letter(state.value(key), '"line":"— rehab', choose);
    return { row: `cosignature ${key.split('/')[1]}`, column: 'line' };
  }),
  way('leaves removed', 'deleted', ({ state, choose }) => {
    const key = oneOf(keysUnder(state, 'leaves/').slice(0, -1), choose, 'leaves');
    const row = String(Number(key.slice('leaves/'.length)));
    state.remove(key);
    return { row };
  }),
  way('a key of a witness removed', 'edited', ({ state, choose }) => {
    const key = oneOf(keysUnder(state, 'key/witness/'), choose, 'keys');
    state.remove(key);
    return { row: nameOfKey(key), column: 'vkey' };
  }),
  way('a certificate for another role', 'edited', ({ state, choose }) => {
    const key = oneOf(keysUnder(state, 'certificate/'), choose, 'certificates');
    letter(state.value(key), '"role":"', () => choose(6));
    return { row: `certificate ${key.split('/')[2]}`, column: 'role' };
  }),
  way('the last leaves removed', 'truncated', ({ state }) => {
    const key = keysUnder(state, 'leaves/').at(-1) ?? '';
    const row = String(Number(key.slice('leaves/'.length)));
    state.remove(key);
    return { row };
  }),
  way('what an organisation said of a key removed', 'edited', ({ state, choose }) => {
    const key = oneOf(keysUnder(state, 'proposal/'), choose, 'proposals');
    state.remove(key);
    return { row: nameOfKey(key), column: 'proposals' };
  }),
  way('a cosignature removed', 'deleted', ({ state, choose }) => {
    const key = oneOf(keysUnder(state, 'cosigned/'), choose, 'cosignatures');
    state.remove(key);
    return { row: `cosignature ${key.split('/')[1]}` };
  }),
  way('the root of its head edited', 'edited', ({ state, choose }) => {
    letter(state.value('head'), '"root":"', choose);
    const size = sizeOf(state);
    return { row: 'head', column: 'root', beside: [{ row: `checkpoint ${size}`, kind: 'edited' }] };
  }),
  way('the note of its newest checkpoint edited', 'forged-checkpoint', ({ state, choose }) => {
    const size = sizeOf(state);
    const key = keysUnder(state, 'checkpoint/').at(-1) ?? '';
    // Inside the signature, in base64, which is what the note ends with.
    const value = state.value(key);
    const at = value.indexOf('"root"') - 40 - choose(8);
    value[at] = value[at] === 0x61 ? 0x62 : 0x61;
    return { row: `checkpoint ${size}`, column: 'note' };
  }),
  way('keys of two witnesses exchanged', 'edited', ({ state, choose }) => {
    const keys = keysUnder(state, 'key/witness/');
    const [a, b] = twoOf(ORGANISATIONS.length, choose, 'keys').map((at) => keys[at] ?? '') as [
      string,
      string,
    ];
    state.exchange(a, b);
    return { row: nameOfKey(a), column: 'vkey', beside: [{ row: nameOfKey(b), column: 'vkey' }] };
  }),
  way('the parameters removed', 'deleted', ({ state, choose }) => {
    const key = oneOf(keysUnder(state, 'parameters/'), choose, 'parameters');
    state.remove(key);
    return { row: key.replace('/', ' ') };
  }),
  way('its newest checkpoint removed', 'edited', ({ state }) => {
    const key = keysUnder(state, 'checkpoint/').at(-1) ?? '';
    const size = sizeOf(state);
    state.remove(key);
    return { row: `checkpoint ${size}`, column: 'note' };
  }),
];
