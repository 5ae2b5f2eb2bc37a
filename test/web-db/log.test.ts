// The public log as strangers see it: what each address answers, and a Go client that knows C2SP and nothing of ours, which
// follows the log and proves inclusion and growth. Needs Go and, once, its module proxy; without them it says so.
import { execFile, execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LOG_ORIGIN } from '../../domain/consortium.ts';
import { formatVerifierKey, keyIdOf, parseCheckpoint, parseNote } from '../../ledger/checkpoint.ts';
import { leafHash, rootOf } from '../../ledger/merkle.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { createSequencer, type Sequencer } from '../../ledger/sequencer.ts';
import { ed25519Raw } from '../../ledger/signing.ts';
import { bundleEntries, hashesOf } from '../../ledger/tiles.ts';
import { throttle } from '../../web/log/throttle.ts';
import { temporaryFolder } from '../support/engines.ts';
import { growLog } from '../support/log-growth.ts';
import { type Served, serveOnLoopback } from '../support/serve.ts';
import { createWebWorld, type WebWorld } from '../support/web-world.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const publicKey = ed25519Raw(createPublicKey(privateKey));
const vkey = formatVerifierKey(LOG_ORIGIN, publicKey, nodeHashing.hash);

/** Plain bytes, to compare. */
const sha256 = (data: Uint8Array): Uint8Array => new Uint8Array(nodeHashing.hash(data));

let world: WebWorld;
let sequencer: Sequencer;
let served: Served;

beforeAll(async () => {
  world = await createWebWorld();
  const options = {
    url: world.fresh.urls.ledger,
    signer: {
      name: LOG_ORIGIN,
      keyId: keyIdOf(LOG_ORIGIN, publicKey, nodeHashing.hash),
      publicKey,
      sign: (message: Uint8Array) => sign(null, message, privateKey),
    },
    now: () => new Date(),
  };
  sequencer = createSequencer(options);
  served = await serveOnLoopback(world.app as never);
});
afterAll(async () => {
  await served.close();
  await sequencer.close();
  await world.close();
});

const get = (path: string, headers: Record<string, string> = {}) =>
  world.app.request(`${world.origin}/log/${path}`, { headers });
const bytes = async (path: string) => new Uint8Array(await (await get(path)).arrayBuffer());

const grow = (count: number) => growLog(world.worker.sql, sequencer, count);

describe('addresses below /log/', () => {
  test('an empty log has no checkpoint and no tile', async () => {
    for (const path of ['checkpoint', 'tile/0/000', 'tile/0/000.p/1', 'tile/entries/000.p/1'])
      expect([path, (await get(path)).status]).toEqual([path, 404]);
  });

  test('checkpoint, tiles and bundles say the same log, without a session', async () => {
    await grow(600);
    const answer = await get('checkpoint');
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('public, max-age=1');
    expect(answer.headers.get('set-cookie')).toBeNull();
    const { size, root } = parseCheckpoint(parseNote(await answer.text()).text);
    const width = size - 512;
    const leaves: Uint8Array[] = [];
    for (const path of ['000', '001', `002.p/${width}`]) {
      const tile = await get(`tile/0/${path}`);
      expect(tile.headers.get('content-type')).toBe('application/octet-stream');
      expect(tile.headers.get('cache-control')).toBe(
        path.includes('.p') ? 'public, max-age=60' : 'public, max-age=31536000, immutable',
      );
      const hashes = hashesOf(new Uint8Array(await tile.arrayBuffer()));
      const entries = bundleEntries(await bytes(`tile/entries/${path}`)) ?? [];
      expect(entries.map((entry) => leafHash(entry, sha256))).toEqual(hashes);
      leaves.push(...hashes);
    }
    expect(leaves.length).toBe(size);
    expect(rootOf(leaves, sha256)).toEqual(root);
    expect(hashesOf(await bytes('tile/1/000.p/2'))).toEqual(
      [leaves.slice(0, 256), leaves.slice(256, 512)].map((some) => rootOf(some, sha256)),
    );
    // Tiles of earlier checkpoints stay.
    expect(await bytes('tile/0/000.p/3')).toEqual((await bytes('tile/0/000')).subarray(0, 96));
  });

  test.each([
    'tile/0/002', // not full yet
    'tile/0/002.p/255',
    'tile/0/003.p/1',
    'tile/1/000',
    'tile/2/000.p/1',
    'tile/63/000.p/1',
    'tile/0/x999/x999/x999/x999/999',
    'tile/0/0',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/x000/000',
    'tile/entries/003.p/1',
    'tile/data/000',
    'tile/',
    'tile/0/%30%30%30',
    'checkpoint/',
    '',
  ])('%j is not there', async (path) => {
    const answer = await get(path);
    expect(answer.status).toBe(404);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('a person’s cookie is not looked at', async () => {
    const b = await world.signIn('auditor');
    const [before] = await world.worker
      .sql`select n_tup_upd::int as n from pg_stat_user_tables where relname = 'web_session'`;
    const cookie = [...b.jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await get('checkpoint', { cookie });
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([200, null]);
    const [after] = await world.worker
      .sql`select n_tup_upd::int as n from pg_stat_user_tables where relname = 'web_session'`;
    expect(after).toEqual(before);
  });

  test('a full tile that does not hash to its root is not handed out to be kept for ever', async () => {
    const admin = postgres(world.fresh.superuserUrl, { max: 1 });
    const flip = () =>
      admin`update log_tiles set hashes = set_byte(hashes, 77, get_byte(hashes, 77) # 1) where level = 0 and index = 1`;
    await flip();
    const answer = await get('tile/0/001');
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([500, 'no-store']);
    await flip();
    expect((await get('tile/0/001')).status).toBe(200);
    await admin.end();
  });
});

test('an address that asks too often is told to wait, and nobody else is', () => {
  let now = 0;
  const wait = throttle({ burst: 3, perSecond: 2 }, () => now);
  expect([wait('a'), wait('a'), wait('a'), wait('a'), wait('b')]).toEqual([0, 0, 0, 1, 0]);
  now = 500;
  expect([wait('a'), wait('a')]).toEqual([0, 1]);
  now = 60_000;
  expect([wait('a'), wait('a'), wait('a'), wait('a')]).toEqual([0, 0, 0, 1]);
});

const go = (() => {
  try {
    return execFileSync('go', ['version'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
})();
if (!go) console.info('not run here: the Go tlog client, as there is no Go on PATH');

describe.skipIf(!go)('a Go client of golang.org/x/mod/sumdb', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let client: string;
  beforeAll(async () => {
    folder = await temporaryFolder();
    client = join(folder.path, 'client');
    try {
      await promisify(execFile)('go', ['build', '-o', client, '.'], {
        cwd: join(import.meta.dirname, 'log-client'),
        timeout: 900_000,
      });
    } catch (error) {
      const said = String((error as { stderr?: string }).stderr ?? error);
      // Without its module there is no client: on a laptop that is said, in CI it fails.
      if (process.env.CI || !/dial tcp|lookup|no such host|i\/o timeout|connection refused/.test(said))
        throw error;
      console.info('not run here: the Go tlog client, as its module could not be fetched');
    }
  }, 900_000);
  afterAll(() => folder.remove());

  const follow = async (...more: string[]) => {
    const { stdout } = await promisify(execFile)(client, [`${served.url}/log`, vkey, ...more], {
      encoding: 'utf8',
      timeout: 120_000,
    });
    return JSON.parse(stdout) as { size: number; included: number; grownFrom: number; checkpoint: string };
  };

  test('follows the log, and proves every entry and its growth', async ({ skip }) => {
    if (!existsSync(client)) skip();
    const first = await follow();
    expect(first.size).toBeGreaterThan(600);
    expect(first.included).toBe(first.size);
    const kept = join(folder.path, 'checkpoint');
    writeFileSync(kept, first.checkpoint);
    for (const growth of [1, 300, 700]) {
      await grow(growth);
      const next = await follow(kept);
      expect(next).toMatchObject({ included: next.size, grownFrom: first.size });
      expect(next.size).toBeGreaterThanOrEqual(first.size + growth);
    }
  });

  test('finds a leaf that was changed, and a checkpoint of another key', async ({ skip }) => {
    if (!existsSync(client)) skip();
    const admin = postgres(world.fresh.superuserUrl, { max: 1 });
    const flip = () =>
      admin`update log_leaves set commitment = set_byte(commitment, 0, get_byte(commitment, 0) # 1) where index = 300`;
    await flip();
    await expect(follow()).rejects.toThrow('entry 300');
    await flip();
    await admin.end();
    const other = ed25519Raw(generateKeyPairSync('ed25519').publicKey);
    await expect(
      promisify(execFile)(client, [
        `${served.url}/log`,
        formatVerifierKey(LOG_ORIGIN, other, nodeHashing.hash),
      ]),
    ).rejects.toThrow('no verifiable signatures');
  });
});
