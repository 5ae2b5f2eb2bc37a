// Blocks of a real three-organisation channel as evidence: found by the leaves they wrote, believed for the orderer's and the
// majority's signatures alone, and refused for one changed byte, another channel or authorities that are not trusted.
import { readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blocksFor } from '../../bin/evidence-sources.ts';
import { keyFile, logKeyOf, logSeed, logTrust, signerInForce, writeKeyFile } from '../../bin/log-keys.ts';
import { NODE_CRYPTO } from '../../bin/node-crypto.ts';
import { finishReplacement } from '../../bin/replacing.ts';
import { CHANNEL, LOG_ORIGIN, ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { fromBase64, toBase64 } from '../../ledger/bytes.ts';
import { checkBlocks, leavesInBlock } from '../../ledger/evidence/blocks.ts';
import type { EvidenceBlock, EvidenceTrust } from '../../ledger/evidence/format.ts';
import type { Chain } from '../../ledger/fabric/client.ts';
import { HASH_BYTES } from '../../ledger/merkle.ts';
import { testAuthority } from '../support/authority.ts';
import { startTestNetwork, type TestNetwork } from './network.ts';
import { createTestLog, LOG_KEY, sha256 } from './test-log.ts';

const SIZES = [3, 10, 300, 301, 1000];
const log = createTestLog('blocks');
let network: TestNetwork;
let chain: Chain;
let trust: EvidenceTrust;

beforeAll(async () => {
  network = await startTestNetwork();
  await network.agreeOn(LOG_KEY.vkey);
  chain = network.client();
  let size = 0;
  for (const next of SIZES) {
    await log.grow(next - size);
    await chain.append(await log.batch(size, next));
    size = next;
  }
  const roots = Object.fromEntries(
    ORGANISATIONS.map((name) => [
      name,
      readFileSync(network.profile.organisations[name].ca.rootPath, 'utf8'),
    ]),
  );
  trust = { origin: LOG_ORIGIN, log: LOG_KEY.vkey, witnesses: {}, roots, channel: CHANNEL, genesis: '' };
});
afterAll(async () => {
  await network?.remove();
});

const found = (indexes: readonly number[], reads?: number[]) =>
  blocksFor(
    indexes,
    [],
    () => chain.blockHeight('association'),
    (number) => {
      reads?.push(number);
      return chain.block('association', number);
    },
  );
/** The leaf at an index, from the chain itself. */
const entryAt = async (index: number) => ({ index, leaf: await chain.leafAt('administration', index) });
const evidenceOf = (blocks: readonly EvidenceBlock[]) => ({ blocks, parameters: [] });
const check = async (blocks: readonly EvidenceBlock[], indexes: readonly number[], under = trust) =>
  (await checkBlocks(evidenceOf(blocks), under, await Promise.all(indexes.map(entryAt)), NODE_CRYPTO)).step;

describe('blocks', () => {
  test('are found by the leaves they wrote, each once, in few reads', async () => {
    const reads: number[] = [];
    const blocks = await found([0, 2, 3, 299, 300, 301, 999], reads);
    expect(blocks.length).toBe(SIZES.length);
    expect(new Set(reads).size).toBe(reads.length);
    const runs = blocks.flatMap(({ bytes }) => leavesInBlock(fromBase64(bytes) ?? new Uint8Array(0)).leaves);
    const leaves = runs.reduce((sum, run) => sum + run.leaves.length / HASH_BYTES, 0);
    expect(leaves).toBe(1000);
    expect(await found([1000, 5000])).toEqual([]);
  });

  test('show that the leaves are on the chain, endorsed by a majority', async () => {
    const indexes = [0, 9, 299, 300, 700, 999];
    const step = await check(await found(indexes), indexes);
    expect(step.details).toEqual([]);
    expect(step).toMatchObject({ outcome: 'holds', name: 'chain' });
    const missing = await check((await found(indexes)).slice(1), indexes);
    expect(missing).toMatchObject({
      outcome: 'open',
      says: '1 of 6 leaves are not shown to be on the members’ chain',
    });
  });

  test('are refused for one changed byte of what was ordered and endorsed', async () => {
    const [block] = await found([5]);
    if (!block) throw new Error('there is no block');
    const bytes = fromBase64(block.bytes) ?? new Uint8Array(0);
    for (let at = 0; at < bytes.length; at += 7) {
      const changed = bytes.slice();
      changed[at] = (changed[at] as number) ^ (1 << (at % 8));
      const step = await check([{ ...block, bytes: toBase64(changed) }], [5]);
      expect([at, step.outcome]).toEqual([at, 'wrong']);
    }
    expect(bytes.length).toBeGreaterThan(1000);
  });

  test('are refused under other authorities, another channel, another number', async () => {
    const blocks = await found([5]);
    const other = Object.fromEntries(ORGANISATIONS.map((name) => [name, testAuthority().root]));
    expect((await check(blocks, [5], { ...trust, roots: other })).outcome).toBe('wrong');
    expect((await check(blocks, [5], { ...trust, channel: 'other' })).outcome).toBe('wrong');
    // One authority that is not trusted leaves its endorsement without worth.
    const { hospital = '', association = '' } = trust.roots;
    expect((await check(blocks, [5], { ...trust, roots: { hospital, association } })).outcome).toBe('wrong');
    const renumbered = blocks.map((block) => ({ ...block, number: block.number + 1 }));
    expect((await check(renumbered, [5])).outcome).toBe('wrong');
    const { step } = await checkBlocks(
      evidenceOf(blocks),
      trust,
      [{ index: 5, leaf: new Uint8Array(32) }],
      NODE_CRYPTO,
    );
    expect(step).toMatchObject({ outcome: 'wrong', says: expect.stringContaining('another leaf at 5') });
  });

  test('of other bytes are no blocks', async () => {
    for (const bytes of ['', 'AAAA', toBase64(sha256(new Uint8Array(3))), '!!'])
      expect((await check([{ number: 1, bytes }], [5])).outcome).toBe('wrong');
  });
});

// Last: from here on the channel has another key of the log in force.
test('the replacement of a key is finished from every step at which it can be cut off', async () => {
  const { dataDir } = network;
  const was = logSeed(dataDir);
  const replacement = {
    of: 'log' as const,
    key: logKeyOf(logSeed(dataDir, 'log-next')),
    former: LOG_KEY.vkey,
    until: 0,
  };
  const note = keyFile(dataDir, 'replacement.json');
  const trustOf = (of: Organisation) => join(dataDir, 'members', of, 'trust.json');
  // In the order in which they are written.
  const files = [
    ...ORGANISATIONS.map(trustOf),
    keyFile(dataDir, 'former.json'),
    keyFile(dataDir, 'log'),
    keyFile(dataDir, 'log-next'),
    note,
  ];
  const text = (path: string) => readFile(path, 'utf8').catch(() => undefined);
  const all = () => Promise.all(files.map(text));
  const inForce = async () =>
    (await Promise.all(ORGANISATIONS.map((of) => chain.keys(of)))).map(
      (keys) => keys.find(({ kind }) => kind === 'log')?.vkey,
    );

  await writeKeyFile(dataDir, 'replacement.json', replacement);
  // While it is under way the machine trusts the key that comes, and signs with neither.
  expect(signerInForce(dataDir)()).toBeUndefined();
  expect(logTrust(dataDir).log).toBe(replacement.key);
  const before = await all();
  await finishReplacement(dataDir, replacement);
  const after = await all();
  // A peer has a block a moment after another.
  await expect.poll(inForce, { timeout: 30_000 }).toEqual(ORGANISATIONS.map(() => replacement.key));
  expect(after.map((one) => one !== undefined)).toEqual([true, true, true, true, true, false, false]);
  expect(logTrust(dataDir)).toEqual({
    log: replacement.key,
    former: [{ of: 'log', key: LOG_KEY.vkey, until: 0 }],
  });
  expect(Buffer.from(logSeed(dataDir)).equals(was)).toBe(false);

  // Killed before each of those files was written: what came later is as it was, and the note is there.
  for (let step = 0; step < files.length; step++) {
    // The two key files change places in one step.
    if (files[step] === keyFile(dataDir, 'log-next')) continue;
    for (const [at, path] of files.entries()) {
      const content = at >= step || path === note ? before[at] : after[at];
      if (content === undefined) await rm(path, { force: true });
      else await writeFile(path, content, { mode: 0o600 });
    }
    await finishReplacement(dataDir, replacement);
    expect([step, await all()]).toEqual([step, after]);
  }
  expect(await inForce()).toEqual(ORGANISATIONS.map(() => replacement.key));
});
