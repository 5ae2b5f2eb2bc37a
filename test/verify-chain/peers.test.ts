// Verification over a real three-organisation network: entries signed under the certificate that the hospital's authority gave,
// leaves listed from each peer's own state, a peer that is away, and a peer whose operator altered one leaf.
import { createPrivateKey, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anchorRow } from '../../bin/anchored-log.ts';
import { logSigner } from '../../bin/commands/ledger.ts';
import { checkingPool } from '../../bin/verify-pool.ts';
import { digestKeys, openSnapshot, peersOf, serviceCertificates, trustOf } from '../../bin/verify-sources.ts';
import { LOG_ORIGIN, type Organisation } from '../../domain/consortium.ts';
import { createAnchor } from '../../ledger/anchor.ts';
import { formatVerifierKey } from '../../ledger/checkpoint.ts';
import { identityFiles } from '../../ledger/fabric/profile.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { createSequencer } from '../../ledger/sequencer.ts';
import { entrySigner } from '../../ledger/signing.ts';
import { type VerifyReport, verify } from '../../ledger/verify.ts';
import { alterLeaf, startTestNetwork, type TestNetwork } from '../fabric/network.ts';
import { createWorld, type World } from '../support/case-world.ts';
import { onDatabase, STORIES } from '../support/stories.ts';

let network: TestNetwork;
let world: World;
let size: number;
const log = logSigner(randomBytes(32));

beforeAll(async () => {
  network = await startTestNetwork();
  await network.agreeOn(formatVerifierKey(LOG_ORIGIN, log.publicKey, nodeHashing.hash));
  const { certPath, keyPath } = identityFiles(network.profile, 'hospital', 'service');
  world = await createWorld(undefined, {
    signer: entrySigner(createPrivateKey(readFileSync(keyPath)), readFileSync(certPath, 'utf8')),
  });
  const sequencer = createSequencer({ url: world.fresh.urls.ledger, signer: log });
  const ledger = postgres(world.fresh.urls.ledger, { max: 1, onnotice: () => undefined });
  const anchor = createAnchor({
    chain: network.client(),
    log: {
      async checkpointUpTo(most) {
        const [row] = await ledger<{ size: string; root: Uint8Array; note: string }[]>`
          select size, root, note from log_checkpoints where size <= ${most} order by size desc limit 1`;
        return row && { ...row, size: Number(row.size) };
      },
      leaves: async (first, count) =>
        (
          await ledger<{ leaf_hash: Uint8Array }[]>`
            select leaf_hash from log_leaves where index >= ${first} and index < ${first + count} order by index`
        ).map(({ leaf_hash }) => leaf_hash),
    },
    onAnchored: async (head) => {
      await ledger`insert into log_anchors ${ledger(await anchorRow(log, head, new Date()))} on conflict do nothing`;
    },
  });
  for (const story of ['approved', 'withdrawn'] as const) {
    await STORIES[story](onDatabase(world));
    while ((await sequencer.once()).taken > 0);
    ({ size } = await anchor.once());
  }
  await ledger.end({ timeout: 5 });
  await sequencer.close();
}, 300_000);
afterAll(async () => {
  await world?.close();
  await network?.remove();
}, 120_000);

/** Verifies as `rehab verify` does, with the roots of `roots` for the service's certificate, beside those of the people. */
async function verified(roots: Organisation = 'hospital'): Promise<VerifyReport> {
  let snapshot: Awaited<ReturnType<typeof openSnapshot>> | undefined;
  try {
    return await verify({
      hashing: nodeHashing,
      trust: trustOf(serviceCertificates(network.profile), {
        origin: LOG_ORIGIN,
        roots: {
          ...world.members.roots,
          hospital: [
            readFileSync(network.profile.organisations[roots].ca.rootPath, 'utf8'),
            ...(world.members.roots.hospital ?? []),
          ],
        },
        logKeys: [formatVerifierKey(LOG_ORIGIN, log.publicKey, nodeHashing.hash)],
      }),
      checking: (context) => checkingPool(context),
      peers: peersOf(network.client({ as: { organisation: 'hospital', identity: 'reader' } })),
      open: async () => {
        snapshot = await openSnapshot(world.fresh.urls.verify);
        return snapshot;
      },
      digestKey: digestKeys(world.keyStore),
      wait: async (ms) => {
        await sleep(ms);
      },
      clock: () => performance.now(),
      progress: () => undefined,
      note: (error) => console.info(error),
    });
  } finally {
    await snapshot?.close();
  }
}

test('entries, leaves, and the leaves of each of three peers are equal at the pinned size', async () => {
  const report = await verified();
  expect(report.findings).toEqual([]);
  expect(report).toMatchObject({
    status: 'sound',
    size,
    counts: {
      entries: size,
      leaves: size,
      anchored: { administration: size, hospital: size, association: size },
      pending: 0,
    },
  });
  expect(size).toBeGreaterThan(20);
});

test("a certificate that another organisation's authority would have to answer for does not count", async () => {
  const report = await verified('association');
  expect(report.status).toBe('tampered');
  expect(new Set(report.findings.map(({ column, kind }) => `${column} ${kind}`))).toEqual(
    new Set(['signature replaced-signature']),
  );
  expect(report.findings).toHaveLength(size);
});

test('a peer that is away is said to be, and a leaf that its operator alters meanwhile is named', async () => {
  await network.stopNode('peer', 'association');
  const away = await verified();
  expect(away.status).toBe('unreadable');
  expect(away.findings.map(({ table, kind }) => [table, kind])).toEqual([['peer-association', 'unreadable']]);

  await alterLeaf(network.dataDir, 'association', 5);
  await network.startNode('peer', 'association');
  // A peer that has just started answers when its chaincode has found it again.
  let report = await verified();
  for (let tries = 0; report.status === 'unreadable' && tries < 30; tries++) report = await verified();
  expect(report.status).toBe('tampered');
  expect(report.findings).toEqual([
    expect.objectContaining({ store: 'chain', table: 'peer-association', row: '5', kind: 'edited' }),
  ]);
  expect(report.counts.anchored).toEqual({ administration: size, hospital: size, association: 5 });
}, 300_000);
