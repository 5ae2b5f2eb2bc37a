// The sequencer on a real database: nothing is skipped, nothing twice, whatever commits late, races or dies.
import { createPublicKey, generateKeyPairSync, randomUUID, sign, verify } from 'node:crypto';
import postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LOG_ORIGIN } from '../../domain/consortium.ts';
import { keyIdOf, parseCheckpoint, parseNote, verifyNote } from '../../ledger/checkpoint.ts';
import { leafHash, rootOf } from '../../ledger/merkle.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { createSequencer, type LogSigner, type Sequencer } from '../../ledger/sequencer.ts';
import { ed25519From, ed25519Raw } from '../../ledger/signing.ts';
import { fullTilesAt, tileRoot } from '../../ledger/tiles.ts';
import { recordEvent } from '../../web/recorded.ts';
import { createWorld, type World } from '../support/case-world.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const publicKey = ed25519Raw(createPublicKey(privateKey));
const keyId = keyIdOf(LOG_ORIGIN, publicKey, nodeHashing.hash);

let world: World;
let sequencers: Sequencer[] = [];
beforeEach(async () => {
  world = await createWorld();
});
afterEach(async () => {
  await Promise.all(sequencers.map((s) => s.close()));
  sequencers = [];
  await world.close();
});

const SIGNER: LogSigner = {
  name: LOG_ORIGIN,
  keyId,
  publicKey,
  sign: (message) => sign(null, message, privateKey),
};

function sequencer(batch?: number, signer = SIGNER): Sequencer {
  const made = createSequencer({
    url: world.fresh.urls.ledger,
    signer,
    ...(batch ? { batch } : {}),
  });
  sequencers.push(made);
  return made;
}

const happen = (person = world.as('auditor').id) =>
  recordEvent({ ...world.recorder }, randomUUID(), { person, role: 'auditor' }, 'verification.run', {
    ok: true,
  });

/** The oracle: every committed entry is in the log once, contiguous, hashed from its bytes, under a checkpoint that holds. */
async function checkLog(): Promise<number> {
  const { sql } = world.worker;
  const [head] = await sql<{ size: string; root: Uint8Array }[]>`select size, root from log_head`;
  const leaves = await sql<
    { index: string; leaf_hash: Uint8Array; body: Uint8Array | null; subject: string; version: number }[]
  >`
    select l.index, l.leaf_hash, e.body, e.subject_kind || e.subject_id as subject, e.subject_version as version
    from log_leaves l left join audit_entries e on e.id = l.entry_id order by l.index`;
  const [entries] = await sql`select count(*)::int as n from audit_entries`;
  expect(leaves.length).toBe(entries?.n);
  expect(leaves.map((leaf) => Number(leaf.index))).toEqual(leaves.map((_, i) => i));
  const hashes = leaves.map(({ body }) => leafHash(nodeHashing.hash(body as Uint8Array), nodeHashing.hash));
  for (const [i, leaf] of leaves.entries())
    expect(Buffer.from(leaf.leaf_hash)).toEqual(Buffer.from(hashes[i] as Uint8Array));
  expect(Buffer.from(head?.root as Uint8Array)).toEqual(Buffer.from(rootOf(hashes, nodeHashing.hash)));
  const versions = new Map<string, number>();
  for (const { subject, version } of leaves) {
    expect(version).toBe((versions.get(subject) ?? 0) + 1);
    versions.set(subject, version);
  }
  const checkpoints = await sql<
    { size: string; root: Uint8Array; note: string }[]
  >`select size, root, note from log_checkpoints order by size`;
  for (const { size, root, note } of checkpoints) {
    const held = await verifyNote(
      parseNote(note),
      [{ name: LOG_ORIGIN, keyId, publicKey }],
      (raw, message, signature) => verify(null, message, ed25519From(raw), signature),
    );
    expect(held).toMatchObject({ holds: true });
    const said = parseCheckpoint(parseNote(note).text);
    expect(said.size).toBe(Number(size));
    expect(Buffer.from(said.root)).toEqual(
      Buffer.from(rootOf(hashes.slice(0, Number(size)), nodeHashing.hash)),
    );
    expect(Buffer.from(root)).toEqual(Buffer.from(said.root));
  }
  const tiles = await sql<{ level: number; index: string; hashes: Uint8Array; root: Uint8Array }[]>`
    select level, index, hashes, root from log_tiles order by level, index`;
  const expected = [0, 1, 2].flatMap((level) =>
    Array.from({ length: fullTilesAt(level, hashes.length) }, (_, index) => ({ level, index })),
  );
  expect(tiles.map(({ level, index }) => ({ level, index: Number(index) }))).toEqual(expected);
  for (const tile of tiles) {
    const from = Number(tile.index) * 256;
    const below =
      tile.level === 0
        ? hashes
        : tiles.filter(({ level }) => level === tile.level - 1).map(({ root }) => root);
    expect(Buffer.from(tile.hashes)).toEqual(Buffer.concat(below.slice(from, from + 256)));
    expect(Buffer.from(tile.root)).toEqual(Buffer.from(tileRoot(tile.hashes, nodeHashing.hash)));
  }
  return leaves.length;
}

async function drain(s: Sequencer): Promise<number> {
  let taken = 0;
  for (;;) {
    const once = await s.once();
    if (once.taken === 0 && once.filled === 0) return taken;
    taken += once.taken;
  }
}

describe('the sequencer', () => {
  test('takes what is there, in batches of any size, and then rests', async () => {
    for (let i = 0; i < 25; i++) await happen();
    const s = sequencer(7);
    expect(await drain(s)).toBeGreaterThanOrEqual(25);
    expect((await s.once()).taken).toBe(0);
    await checkLog();
  });

  test.each([
    ['one batch', undefined],
    ['several full batches', 2],
  ])('a transaction that began first and commits last is not skipped (T6), behind %s', async (_, batch) => {
    const s = sequencer(batch);
    await drain(s);
    const late = postgres(world.fresh.urls.worker, { max: 1 });
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let inserted: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => {
      inserted = resolve;
    });
    const id = randomUUID();
    const committing = late.begin(async (tx) => {
      const body = Buffer.from('{"late":true}');
      await tx`insert into audit_entries (id, subject_kind, subject_id, subject_version, event, person_id, at, body, signature, key_id)
        values (${id}, 'person', ${randomUUID()}, 1, 'verification.run', ${randomUUID()}, now(), ${body}, ${body}, 'x')`;
      inserted();
      await held;
    });
    await waiting;
    for (let i = 0; i < 5; i++) await happen();
    expect(await drain(s)).toBe(5);
    // Even after the sequencer saw an empty backlog, the late one is still ahead of its search.
    expect((await s.once()).taken).toBe(0);
    release();
    await committing;
    expect(await drain(s)).toBe(1);
    await late.end();
    await checkLog();
  });

  test('two of them never take the same entry, and one that restarts goes on', async () => {
    const [a, b] = [sequencer(3), sequencer(3)];
    const writing = (async () => {
      for (let i = 0; i < 60; i++) await happen();
    })();
    const working = [a, b].map(async (s) => {
      for (let i = 0; i < 60; i++) await s.once();
    });
    await Promise.all([writing, ...working]);
    await drain(a);
    await drain(sequencer());
    expect(await checkLog()).toBeGreaterThanOrEqual(60);
  });

  test('an older head is never written over: a frozen one that wakes late stops', async () => {
    for (let i = 0; i < 3; i++) await happen();
    const s = sequencer();
    await drain(s);
    // Somebody moved the head under it without the lock: the compare-and-swap refuses.
    const admin = postgres(world.fresh.superuserUrl, { max: 1 });
    await admin`create rule frozen as on update to log_head where old.size >= 0 do instead nothing`;
    await happen();
    await expect(s.once()).rejects.toThrow('log head moved');
    await admin`drop rule frozen on log_head`;
    await admin.end();
    await drain(s);
    await checkLog();
  });
});

/** Entries of nobody, many at once. */
async function many(count: number): Promise<void> {
  await world.worker.sql`
    insert into audit_entries (id, subject_kind, subject_id, subject_version, event, person_id, at, body, signature, key_id)
    select gen_random_uuid(), 'test', gen_random_uuid(), 1, 'verification.run', gen_random_uuid(), now(),
      convert_to(gen_random_uuid()::text, 'UTF8'), '\\x00', 'test' from generate_series(1, ${count})`;
}

/** Runs as who owns the tables. */
async function asOwner(change: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const admin = postgres(world.fresh.superuserUrl, { max: 1, onnotice: () => undefined });
  try {
    await change(admin);
  } finally {
    await admin.end();
  }
}

describe('tiles', () => {
  test('are written with the leaves, however the log is cut into batches', async () => {
    await many(700);
    const s = sequencer(150);
    await drain(s);
    expect(await checkLog()).toBeGreaterThanOrEqual(700);
  });

  test('are made for a log from before there were any, and then it goes on', async () => {
    await many(66_000);
    const s = sequencer(20_000);
    await drain(s);
    await asOwner((sql) => sql`delete from log_tiles`);
    await happen();
    const first = await s.once();
    expect([first.taken, first.filled]).toEqual([0, 258]);
    expect(await drain(s)).toBe(1);
    await checkLog();
  });
});

describe('nothing is signed on the strength of memory (X22)', () => {
  const nothingWritten = async (): Promise<void> => {
    const [row] = await world.worker.sql`
      select (select size from log_head)::int as head, (select count(*)::int from log_leaves) as leaves,
        (select coalesce(max(size), 0)::int from log_checkpoints) as checkpoint`;
    expect([row?.leaves, row?.checkpoint]).toEqual([row?.head, row?.head]);
  };

  test.each([
    [
      'a leaf that is stored otherwise than it was computed',
      'log_leaves',
      'new.leaf_hash := set_byte(new.leaf_hash, 3, get_byte(new.leaf_hash, 3) # 1)',
      /log_leaves \d+$/,
    ],
    [
      'a tile that is stored otherwise',
      'log_tiles',
      'new.hashes := set_byte(new.hashes, 8000, get_byte(new.hashes, 8000) # 16)',
      /log_tiles 0\/0$/,
    ],
    [
      'the root of a tile',
      'log_tiles',
      'new.root := set_byte(new.root, 0, get_byte(new.root, 0) # 128)',
      /log_tiles 0\/0$/,
    ],
  ])('%s', async (_, table, change, place) => {
    const s = sequencer();
    await drain(s);
    await asOwner((sql) =>
      sql.unsafe(`create function flip() returns trigger language plpgsql as $$ begin ${change}; return new; end $$;
        create trigger flip before insert on ${table} for each row execute function flip()`),
    );
    await many(300);
    await expect(s.once()).rejects.toThrow(place);
    await nothingWritten();
    await asOwner((sql) => sql.unsafe(`drop trigger flip on ${table}; drop function flip()`));
    expect(await drain(s)).toBe(300);
    await checkLog();
  });

  test('one bit of the stored edge, of a tile’s root, of the head', async () => {
    await many(600);
    const s = sequencer();
    await drain(s);
    const flips = [
      `update log_leaves set leaf_hash = set_byte(leaf_hash, 0, get_byte(leaf_hash, 0) # 1) where index = (select max(index) from log_leaves)`,
      `update log_tiles set root = set_byte(root, 31, get_byte(root, 31) # 1) where level = 0 and index = 1`,
      `update log_head set range = set_byte(range, 5, get_byte(range, 5) # 1)`,
    ];
    for (const flip of flips) {
      await asOwner((sql) => sql.unsafe(flip));
      await happen();
      await expect(s.once()).rejects.toThrow('log differs from what was read back');
      await nothingWritten();
      await asOwner((sql) => sql.unsafe(flip)); // the same bit again is what it was
    }
    expect(await drain(s)).toBe(flips.length);
    await checkLog();
  });

  test('a signature that came out wrong is never kept', async () => {
    let wrong = true;
    const s = sequencer(undefined, {
      ...SIGNER,
      sign: (message) => {
        const made = sign(null, message, privateKey);
        if (wrong) made[10] = (made[10] as number) ^ 4;
        return made;
      },
    });
    await expect(s.once()).rejects.toThrow('log_checkpoints');
    await nothingWritten();
    wrong = false;
    await drain(s);
    await checkLog();
  });
});
