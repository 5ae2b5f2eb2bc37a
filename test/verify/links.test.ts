// Every link that verification demands (SECURITY.md U1): body, signature, leaf, index, tree, checkpoint, anchor, cosignatures, chain,
// keys, history. Each piece alone is left out, or exchanged for a sound one that is about something else: never is that sound.
import { generateKeyPairSync, sign } from 'node:crypto';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LOG_ORIGIN, ORGANISATIONS, type Organisation, witnessName } from '../../domain/consortium.ts';
import { formatVerifierKey, parseNote } from '../../ledger/checkpoint.ts';
import { cosignatureLine, formatWitnessKey, witnessKeyIdOf } from '../../ledger/cosignature.ts';
import type { PeerLog } from '../../ledger/reader.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { ed25519Raw } from '../../ledger/signing.ts';
import type { Finding, VerifySources } from '../../ledger/verify.ts';
import { createClockCheck } from '../../ledger/verify-clock.ts';
import type { Placed } from '../../ledger/verify-entries.ts';
import type { Consortium, PeerState, StatedCosignature } from '../../ledger/verify-sources.ts';
import { quietly } from '../support/mutation.ts';
import { type Copy, createVerifyWorld, peerOf, type VerifyWorld } from '../support/verify-world.ts';

type Kept = Awaited<ReturnType<PeerState['keys']>>;

let world: VerifyWorld;
let whole: Consortium;
let lines: readonly StatedCosignature[];
let size: number;
/** Of the checkpoint before, by the same witnesses. */
let olderLines: readonly StatedCosignature[];

const PARAMETERS = { version: 'test', sha256: '5a'.repeat(32) };
const CERTIFICATE = { fingerprint: 'ab'.repeat(32), organisation: 'hospital', revoked: null };
/** Those that people sign under, as their members put them on the chain. */
let listed: Awaited<ReturnType<PeerState['certificates']>> = [];
const onChain = async () => [CERTIFICATE, ...listed];

function witness(organisation: Organisation) {
  const { privateKey } = generateKeyPairSync('ed25519');
  const name = witnessName(organisation);
  const publicKey = ed25519Raw(privateKey);
  return {
    name,
    keyId: witnessKeyIdOf(name, publicKey, nodeHashing.hash),
    vkey: formatWitnessKey(name, publicKey, nodeHashing.hash),
    sign: (bytes: Uint8Array) => sign(null, bytes, privateKey),
  };
}
const witnesses = {
  administration: witness('administration'),
  hospital: witness('hospital'),
  association: witness('association'),
};

/** What a peer keeps beside the leaves, with parts of it exchanged. */
const stateOf = (organisation: string, change: Partial<Omit<PeerState, 'organisation'>> = {}): PeerState => ({
  organisation,
  height: async () => 40,
  genesis: async () => '11'.repeat(32),
  keys: async () => keysHeld(),
  certificates: onChain,
  parameters: async () => PARAMETERS.sha256,
  cosignatures: async () => lines,
  ...change,
});

const keyRecord = (kind: string, name: string, vkey: string): Kept[number] => ({
  kind,
  name,
  vkey,
  former: [],
  proposals: { administration: vkey, hospital: vkey },
});
const logKey = (): string => formatVerifierKey(LOG_ORIGIN, world.signer.publicKey, nodeHashing.hash);
const keysHeld = (): Kept => [
  keyRecord('log', LOG_ORIGIN, logKey()),
  ...ORGANISATIONS.map((name) => keyRecord('witness', name, witnesses[name].vkey)),
];

async function cosigned(at: number): Promise<readonly StatedCosignature[]> {
  const { text } = parseNote(world.copies[0]?.checkpoints.get(at)?.note ?? '');
  return await Promise.all(
    ORGANISATIONS.map(async (organisation) => {
      const { sign: by, ...key } = witnesses[organisation];
      const line = await cosignatureLine(text, key, 1_795_000_000, by);
      return { organisation, size: at, line, at: 1_795_000_000 };
    }),
  );
}

beforeAll(async () => {
  world = await createVerifyWorld();
  let older = 0;
  for (const story of [
    'approved',
    'approved',
    'approved',
    'approved',
    'approved',
    'withdrawn',
    'refused',
  ] as const) {
    await world.live([story]);
    older = size;
    size = await world.anchor();
  }
  // More than a tile, so that there is one to leave out.
  for (; size <= 260; size = await world.anchor()) {
    await world.live(['approved']);
    older = size;
  }
  listed = (
    await world.world.worker.sql<
      { fingerprint: string; organisation: string }[]
    >`select fingerprint, organisation from certificates`
  ).map((one) => ({ ...one, revoked: null }));
  [lines, olderLines] = [await cosigned(size), await cosigned(older)];
  whole = {
    peers: ORGANISATIONS.map((organisation) => stateOf(organisation)),
    trust: {
      origin: LOG_ORIGIN,
      log: logKey(),
      genesis: '11'.repeat(32),
      witnesses: Object.fromEntries(ORGANISATIONS.map((name) => [name, witnesses[name].vkey])),
    },
    parameters: PARAMETERS,
    demandCosigned: true,
  };
});
afterAll(() => world.close());

const agreeing: VerifySources['histories'] = async () => ({ cases: 1, differing: [] });

/** Everything is asked for, and one thing is changed. */
async function demanded(
  change: (target: { sql: Sql; copies: readonly Copy[] }) => Promise<unknown>,
  more: () => Partial<VerifySources> = () => ({}),
) {
  return (await world.changed(change, { consortium: whole, histories: agreeing, ...more() })).report;
}

/** As the owner of a table who switches off what would note it. */
const inTable =
  (table: string, statement: string) =>
  async ({ sql }: { sql: Sql }) =>
    await quietly(sql, table, () => sql.unsafe(statement));
const untouched = async () => undefined;
const newestOfCopy = (copy: Copy): number => Math.max(...copy.checkpoints.keys());

/** The first peer keeps something else beside the leaves. */
const onePeer = (change: () => Partial<Omit<PeerState, 'organisation'>>) => () => ({
  consortium: {
    ...whole,
    peers: ORGANISATIONS.map((name, at) => stateOf(name, at === 0 ? change() : {})),
  },
});
const allPeers = (change: () => Partial<Omit<PeerState, 'organisation'>>) => () => ({
  consortium: { ...whole, peers: ORGANISATIONS.map((name) => stateOf(name, change())) },
});
const away = async () => {
  throw new Error('peer is away');
};
const silent = (copies: readonly Copy[], count: number): readonly PeerLog[] =>
  copies.map((copy, at) =>
    at < count
      ? { organisation: copy.organisation, head: away, checkpointAt: away, leaves: away }
      : peerOf(copy),
  );

type Row = readonly [
  link: string,
  piece: string,
  status: 'tampered' | 'unreadable',
  where: Partial<Finding>,
  change: Parameters<typeof demanded>[0],
  more?: Parameters<typeof demanded>[1],
];

const TABLE: readonly Row[] = [
  [
    'body',
    'left out',
    'tampered',
    { table: 'audit_entries', kind: 'deleted' },
    inTable(
      'audit_entries',
      'delete from audit_entries where id = (select entry_id from log_leaves where index = 40)',
    ),
  ],
  [
    'body',
    'exchanged for that of another entry',
    'tampered',
    { table: 'audit_entries', column: 'body' },
    inTable(
      'audit_entries',
      'update audit_entries set body = o.body, signature = o.signature from audit_entries o where audit_entries.id = (select entry_id from log_leaves where index = 40) and o.id = (select entry_id from log_leaves where index = 41)',
    ),
  ],
  [
    'signature',
    'left out',
    'tampered',
    { table: 'audit_entries', kind: 'replaced-signature' },
    inTable(
      'audit_entries',
      `update audit_entries set signature = '\\x' where id = (select entry_id from log_leaves where index = 40)`,
    ),
  ],
  [
    'signature',
    'exchanged for that of another entry',
    'tampered',
    { table: 'audit_entries', kind: 'replaced-signature' },
    inTable(
      'audit_entries',
      'update audit_entries set signature = o.signature from audit_entries o where audit_entries.id = (select entry_id from log_leaves where index = 40) and o.id = (select entry_id from log_leaves where index = 41)',
    ),
  ],
  [
    'leaf',
    'left out',
    'tampered',
    { table: 'log_leaves', row: '40', kind: 'deleted' },
    inTable('log_leaves', 'delete from log_leaves where index = 40'),
  ],
  [
    'leaf',
    'exchanged for that of another entry',
    'tampered',
    { table: 'log_leaves', row: '40' },
    inTable(
      'log_leaves',
      'update log_leaves set commitment = o.commitment, leaf_hash = o.leaf_hash from log_leaves o where log_leaves.index = 40 and o.index = 41',
    ),
  ],
  [
    'index',
    'exchanged',
    'tampered',
    { table: 'log_leaves', kind: 'reordered' },
    inTable(
      'log_leaves',
      'update log_leaves set index = -1 where index = 40; update log_leaves set index = 40 where index = 41; update log_leaves set index = 41 where index = -1',
    ),
  ],
  [
    'tree',
    'a tile left out',
    'tampered',
    { table: 'log_tiles', kind: 'deleted' },
    inTable('log_tiles', 'delete from log_tiles'),
  ],
  [
    'tree',
    'its head left out',
    'tampered',
    { table: 'log_head', kind: 'deleted' },
    inTable('log_head', 'delete from log_head'),
  ],
  [
    'tree',
    'the root of its head exchanged for an older one',
    'tampered',
    { table: 'log_head', column: 'root' },
    inTable(
      'log_head',
      'update log_head set root = (select root from log_checkpoints order by size limit 1)',
    ),
  ],
  [
    'checkpoint',
    'left out',
    'tampered',
    { table: 'log_checkpoints', kind: 'deleted' },
    inTable(
      'log_checkpoints',
      'delete from log_checkpoints where size = (select max(size) from log_checkpoints)',
    ),
  ],
  [
    'checkpoint',
    'its note exchanged for an older one',
    'tampered',
    { table: 'log_checkpoints', column: 'note' },
    inTable(
      'log_checkpoints',
      'update log_checkpoints set note = (select note from log_checkpoints order by size limit 1) where size = (select max(size) from log_checkpoints)',
    ),
  ],
  [
    'anchor',
    'its note exchanged for an older one',
    'tampered',
    { table: 'log_anchors', kind: 'edited' },
    inTable(
      'log_anchors',
      'update log_anchors set note = (select note from log_anchors order by size limit 1) where size = (select max(size) from log_anchors)',
    ),
  ],
  [
    'cosignatures',
    'left out, all',
    'unreadable',
    { table: 'cosignatures', kind: 'unreadable' },
    untouched,
    allPeers(() => ({ cosignatures: async () => [] })),
  ],
  [
    'cosignatures',
    'left out, two of three',
    'unreadable',
    { table: 'cosignatures', kind: 'unreadable' },
    untouched,
    allPeers(() => ({ cosignatures: async () => lines.slice(0, 1) })),
  ],
  [
    'cosignatures',
    'left out at one peer',
    'tampered',
    { table: 'peer-administration', row: 'cosignature hospital', kind: 'deleted' },
    untouched,
    onePeer(() => ({
      cosignatures: async () => lines.filter(({ organisation }) => organisation !== 'hospital'),
    })),
  ],
  [
    'cosignatures',
    'exchanged for those of an older checkpoint',
    'tampered',
    { table: 'cosignatures', kind: 'replaced-signature' },
    untouched,
    allPeers(() => ({ cosignatures: async () => olderLines.map((line) => ({ ...line, size })) })),
  ],
  [
    'cosignatures',
    'exchanged for another member’s',
    'tampered',
    { table: 'cosignatures', kind: 'replaced-signature' },
    untouched,
    allPeers(() => ({
      cosignatures: async () => lines.map((line, at) => ({ ...line, line: lines[(at + 1) % 3]?.line ?? '' })),
    })),
  ],
  [
    'chain',
    'one peer left out',
    'unreadable',
    { table: 'peer-administration', kind: 'unreadable' },
    untouched,
    () => ({ peers: silent(world.copies, 1) }),
  ],
  [
    'chain',
    'all peers left out',
    'unreadable',
    { table: 'peer-hospital', kind: 'unreadable' },
    untouched,
    () => ({ peers: silent(world.copies, 3) }),
  ],
  [
    'chain',
    'leaves of a peer left out',
    'tampered',
    { table: 'peer-administration', kind: 'truncated' },
    async ({ copies }) => {
      if (copies[0]) copies[0].leaves = copies[0].leaves.slice(0, 40);
    },
  ],
  [
    'chain',
    'two leaves of a peer exchanged',
    'tampered',
    { table: 'peer-administration', kind: 'reordered' },
    async ({ copies }) => {
      const { leaves } = copies[0] as Copy;
      [leaves[40], leaves[41]] = [leaves[41] as Uint8Array, leaves[40] as Uint8Array];
    },
  ],
  [
    'chain',
    'the checkpoint of a peer left out',
    'tampered',
    { table: 'peer-administration', column: 'note' },
    async ({ copies }) => {
      const copy = copies[0] as Copy;
      const at = newestOfCopy(copy);
      const { root } = copy.checkpoints.get(at) as { root: Uint8Array };
      copy.checkpoints.set(at, { root, note: '' });
    },
  ],
  [
    'chain',
    'the checkpoint of a peer exchanged for an older one',
    'tampered',
    { table: 'peer-administration', column: 'note' },
    async ({ copies }) => {
      const copy = copies[0] as Copy;
      const at = newestOfCopy(copy);
      const { root } = copy.checkpoints.get(at) as { root: Uint8Array };
      const [first] = copy.checkpoints.values();
      copy.checkpoints.set(at, { root, note: first?.note ?? '' });
    },
  ],
  [
    'chain',
    'what a peer keeps beside the leaves left out',
    'unreadable',
    { table: 'peer-administration', kind: 'unreadable' },
    untouched,
    onePeer(() => ({ keys: away })),
  ],
  [
    'chain',
    'its first block exchanged',
    'tampered',
    { table: 'peers', row: 'genesis', kind: 'forged' },
    untouched,
    allPeers(() => ({ genesis: async () => '22'.repeat(32) })),
  ],
  [
    'chain',
    'a peer of another channel',
    'tampered',
    { table: 'peer-administration', row: 'genesis', kind: 'edited' },
    untouched,
    onePeer(() => ({ genesis: async () => '22'.repeat(32) })),
  ],
  [
    'keys',
    'the log’s left out at a peer',
    'tampered',
    { table: 'peer-administration', row: `key log ${LOG_ORIGIN}`, kind: 'deleted' },
    untouched,
    onePeer(() => ({ keys: async () => keysHeld().slice(1) })),
  ],
  [
    'keys',
    'a witness’s exchanged for another’s',
    'tampered',
    { table: 'peers', row: 'key witness hospital', kind: 'forged' },
    untouched,
    allPeers(() => ({
      keys: async () =>
        keysHeld().map((key) =>
          key.name === 'hospital' ? { ...key, vkey: witnesses.association.vkey } : key,
        ),
    })),
  ],
  [
    'certificates',
    'left out at a peer',
    'tampered',
    { table: 'peer-administration', row: `certificate ${CERTIFICATE.fingerprint}`, kind: 'deleted' },
    untouched,
    onePeer(() => ({ certificates: async () => listed })),
  ],
  [
    'certificates',
    'one more at a peer',
    'tampered',
    { table: 'peer-administration', kind: 'inserted' },
    untouched,
    onePeer(() => ({
      certificates: async () => [...(await onChain()), { ...CERTIFICATE, fingerprint: 'cd'.repeat(32) }],
    })),
  ],
  [
    'parameters',
    'left out at a peer',
    'tampered',
    { table: 'peer-administration', row: 'parameters test', kind: 'deleted' },
    untouched,
    onePeer(() => ({ parameters: async () => undefined })),
  ],
  [
    'parameters',
    'exchanged',
    'tampered',
    { table: 'peers', row: 'parameters test', kind: 'forged' },
    untouched,
    allPeers(() => ({ parameters: async () => '6b'.repeat(32) })),
  ],
  [
    'history',
    'left out',
    'unreadable',
    { store: 'history', kind: 'unreadable' },
    untouched,
    () => ({ histories: away, note: () => undefined }),
  ],
  [
    'history',
    'that of another case',
    'tampered',
    { store: 'history', table: 'case-1', kind: 'edited' },
    untouched,
    () => ({
      histories: async () => ({
        cases: 1,
        differing: [
          { workflow: 'case-1', place: null, kind: 'edited', rows: [], lacks: false, says: 'differs' },
        ],
      }),
    }),
  ],
];

describe('every link is demanded', () => {
  test('with all of them in place everything is sound, and cosigned to its end', async () => {
    const report = await demanded(untouched);
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ status: 'sound', size, counts: { cosigned: size, cases: 1 } });
  });

  test.each(TABLE.map(([link, piece, ...rest]) => [`${link}: ${piece}`, ...rest] as const))(
    '%s',
    async (...row) => {
      const [, status, where, change, more] = row;
      const report = await demanded(change, more);
      expect(report.findings).toContainEqual(expect.objectContaining(where));
      expect(report.status).toBe(status);
    },
  );
});

describe('certificates of the database and of the chain', () => {
  const everywhere = (certificates: typeof listed) => () => ({
    consortium: {
      ...whole,
      peers: ORGANISATIONS.map((name) => stateOf(name, { certificates: async () => certificates })),
    },
  });
  const about = async (certificates: typeof listed) => await demanded(untouched, everywhere(certificates));

  test('one that is recorded and on no chain, or there by another organisation, is forged', async () => {
    const [first, ...others] = listed as [(typeof listed)[number], ...typeof listed];
    expect(others).not.toHaveLength(0);
    const missing = await about(others);
    expect(missing.findings).toEqual([
      expect.objectContaining({
        store: 'chain',
        table: 'certificates',
        row: first.fingerprint,
        kind: 'forged',
      }),
    ]);
    const organisation = first.organisation === 'hospital' ? 'association' : 'hospital';
    const foreign = await about([{ ...first, organisation }, ...others]);
    expect(foreign.findings).toEqual([
      expect.objectContaining({
        table: 'certificates',
        row: first.fingerprint,
        column: 'organisation',
        kind: 'forged',
      }),
    ]);
  });

  test('one that is only on the chain, and an end that only one of the two knows, is a note', async () => {
    const [first, ...others] = listed as [(typeof listed)[number], ...typeof listed];
    const report = await about([{ ...first, revoked: { at: '', reason: 'lost' } }, ...others, CERTIFICATE]);
    expect([report.status, report.findings]).toEqual(['sound', []]);
    const told = report.notes.filter(({ kind }) => kind === 'certificates-apart').map(({ says }) => says);
    expect(told).toEqual([
      expect.stringMatching(`revoked on the chain and not in the database yet: ${first.fingerprint}`),
      expect.stringMatching(`never taken into the database: ${CERTIFICATE.fingerprint}`),
    ]);
  });
});

test('peers that move while they are read are not apart, and no two that agree is told', async () => {
  let asked = 0;
  const growing = { certificates: async () => (asked++ < 2 ? listed : await onChain()) };
  expect(
    (
      await demanded(
        untouched,
        onePeer(() => growing),
      )
    ).findings,
  ).toEqual([]);
  // One that has fewer blocks is behind, and accused of nothing.
  const behind = await demanded(
    untouched,
    onePeer(() => ({ height: async () => 39, certificates: async () => listed })),
  );
  expect(behind.findings.map(({ table, kind }) => [table, kind])).toEqual([
    ['peer-administration', 'unreadable'],
  ]);
  const three = () => ({
    consortium: {
      ...whole,
      peers: ORGANISATIONS.map((name, at) => stateOf(name, { parameters: async () => `${at}`.repeat(64) })),
    },
  });
  expect((await demanded(untouched, three)).findings).toEqual([
    expect.objectContaining({ table: 'peers', row: 'parameters test', kind: 'forked-log', disagrees: null }),
  ]);
});

describe('clocks', () => {
  test('an entry that the chain first held long after its key had ended is noted, whatever time it states', () => {
    const HOUR = 3_600_000;
    const placed = (index: number, at: number, keysEnd: number) =>
      ({
        entry: { id: `entry ${index}`, at: new Date(at).toISOString() },
        checked: { told: { keysEnd } },
        index,
        late: false,
      }) as unknown as Placed;
    const never = Number.POSITIVE_INFINITY;
    const clocks = createClockCheck([
      { size: 2, at: 10 * HOUR },
      { size: 4, at: 20 * HOUR },
    ]);
    clocks.add([
      // Anchored before its key ended, just after, long after, and by a key that never ended.
      placed(0, 9 * HOUR, 11 * HOUR),
      placed(1, 9 * HOUR, 9.5 * HOUR),
      placed(2, 9 * HOUR, 11 * HOUR),
      placed(3, 9 * HOUR, never),
      placed(4, 9 * HOUR, 11 * HOUR),
    ]);
    expect(clocks.notes.map(({ kind, index, seconds }) => [kind, index, seconds])).toEqual([
      ['after-its-key', 2, 9 * 3600],
    ]);
  });

  test('of a key that was ended, the acts that were in the log by then are not noted, and the others are', async () => {
    const [row] = await world.world.worker.sql<{ last: string; signed: number }[]>`
      select max(e.at)::text as last, count(s.id)::int as signed from statements s join audit_entries e on e.id = s.entry_id`;
    const ended = Date.parse(row?.last ?? '') + 1;
    const later = (ms: number) =>
      world.verify({
        change: { consortium: whole },
        watch: (stored) => ({
          ...stored,
          certificates: async () =>
            (await stored.certificates()).map((one) => ({
              ...one,
              revokedAt: new Date(ended).toISOString(),
            })),
          async *anchors() {
            for await (const portion of stored.anchors())
              yield portion.map((anchor) => ({ ...anchor, at: new Date(ended + ms).toISOString() }));
          },
        }),
      });
    const noted = async (ms: number) =>
      (await later(ms)).notes.filter(({ kind }) => kind === 'after-its-key').length;
    expect(row?.signed).toBeGreaterThan(0);
    expect(await noted(3_600_000)).toBe(0);
    expect(await noted(3_600_001)).toBe(Math.min(row?.signed ?? 0, 100));
  });

  test('a time that runs back is noted once for each step, and accuses nobody', async () => {
    const ahead = (index: number): number => (index >= 40 && index < 50 ? 3_600_000 : 0);
    const report = await world.verify({
      change: { consortium: whole },
      watch: (stored) => ({
        ...stored,
        async *leaves() {
          for await (const portion of stored.leaves())
            yield portion.map((leaf) => ({
              ...leaf,
              entry: leaf.entry && {
                ...leaf.entry,
                at: new Date(Date.parse(leaf.entry.at) + ahead(leaf.index)).toISOString(),
              },
            }));
        },
      }),
    });
    expect(report.notes.filter(({ kind }) => kind === 'clock-stepped-back')).toEqual([
      expect.objectContaining({ index: 50, seconds: expect.closeTo(3600, -2) }),
    ]);
    expect(report.notes).toContainEqual(expect.objectContaining({ kind: 'clocks-apart', index: 40 }));
    // The column was edited, and that alone is what verification accuses somebody of.
    expect(new Set(report.findings.map(({ column, kind }) => `${column} ${kind}`))).toEqual(
      new Set(['at edited']),
    );
    const { notes, status } = await world.verify();
    expect([notes, status]).toEqual([[], 'sound']);
  });
});
