// The published checkpoint takes the members' cosignatures along: lines as the chain keeps them, copied once, behind the log's
// own signature, and none at a size that our log does not have. Pages count them as they stand.
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyCosignatures } from '../../bin/cosignatures.ts';
import { connect } from '../../db/connection.ts';
import { LOG_ORIGIN, type Organisation, witnessName } from '../../domain/consortium.ts';
import { toHex } from '../../ledger/bytes.ts';
import { keyIdOf, parseCheckpoint, parseNote } from '../../ledger/checkpoint.ts';
import { cosignatureLine, cosignedAt, formatWitnessKey, parseWitnessKey } from '../../ledger/cosignature.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { createSequencer, type Sequencer } from '../../ledger/sequencer.ts';
import { ed25519Raw } from '../../ledger/signing.ts';
import { consortiumOver } from '../../web/consortium/members.ts';
import { ed25519 } from '../fabric/test-log.ts';
import { growLog } from '../support/log-growth.ts';
import { createWebWorld, type WebWorld } from '../support/web-world.ts';

const log = generateKeyPairSync('ed25519');
const publicKey = ed25519Raw(createPublicKey(log.privateKey));

let world: WebWorld;
let sequencer: Sequencer;
let ledger: ReturnType<typeof connect>;

beforeAll(async () => {
  world = await createWebWorld();
  sequencer = createSequencer({
    url: world.fresh.urls.ledger,
    signer: {
      name: LOG_ORIGIN,
      keyId: keyIdOf(LOG_ORIGIN, publicKey, nodeHashing.hash),
      publicKey,
      sign: (message) => sign(null, message, log.privateKey),
    },
  });
  ledger = connect(world.fresh.urls.ledger, { max: 1, name: 'test-ledger', statementSeconds: 30 });
});
afterAll(async () => {
  await ledger.close();
  await sequencer.close();
  await world.close();
});

function witness(organisation: Organisation) {
  const { privateKey } = generateKeyPairSync('ed25519');
  const raw = ed25519Raw(createPublicKey(privateKey));
  const name = witnessName(organisation);
  const key = parseWitnessKey(formatWitnessKey(name, raw, nodeHashing.hash), nodeHashing.hash);
  return {
    key,
    async cosignature(text: string, size: number) {
      const at = 1_700_000_000;
      const line = await cosignatureLine(text, key, at, (message) => sign(null, message, privateKey));
      return { organisation, size, line, at };
    },
  };
}

const checkpoint = async () => await (await world.app.request(`${world.origin}/log/checkpoint`)).text();

const grow = (count: number) => growLog(world.worker.sql, sequencer, count);

test('lines stand behind the log’s signature, each right, and go with their own size alone', async () => {
  await grow(3);
  const { text } = parseNote(await checkpoint());
  const { size } = parseCheckpoint(text);
  const both = { association: witness('association'), hospital: witness('hospital') };
  const lines = [await both.hospital.cosignature(text, size), await both.association.cosignature(text, size)];
  await copyCosignatures(ledger.db, lines);
  await copyCosignatures(ledger.db, [...lines, await both.hospital.cosignature(text, size + 99)]);

  const note = await checkpoint();
  expect(parseNote(note).signatures.map(({ name }) => name)).toEqual([
    LOG_ORIGIN,
    witnessName('association'),
    witnessName('hospital'),
  ]);
  for (const { organisation, line } of lines) {
    expect(note).toContain(`\n${line}\n`);
    const { key } = both[organisation as keyof typeof both];
    expect(await cosignedAt(text, line, key, ed25519)).toBe(1_700_000_000);
  }

  await grow(2);
  expect(parseNote(await checkpoint()).signatures).toHaveLength(1);
});

test('only the ledger may put a line there, and nobody changes one', async () => {
  const insert = `insert into log_cosignature_cache values (1, 'hospital', 'x', now())`;
  await expect(world.web.sql.unsafe(insert)).rejects.toThrow('permission denied');
  await expect(world.worker.sql.unsafe(insert)).rejects.toThrow('permission denied');
  await expect(ledger.sql.unsafe(`update log_cosignature_cache set line = 'x'`)).rejects.toThrow(
    'permission denied',
  );
});

test('the consortium’s page shows them to everybody, and every footer counts them', async () => {
  await grow(1);
  const { text } = parseNote(await checkpoint());
  const { size, root } = parseCheckpoint(text);
  const of = (organisation: Organisation) => witness(organisation).cosignature(text, size);
  await copyCosignatures(ledger.db, [await of('hospital')]);
  const page = async () => await (await world.app.request(`${world.origin}/consortium`)).text();
  // One alone counts for nothing more than it is.
  expect(await page()).not.toContain(`up to #${size}<`);
  await copyCosignatures(ledger.db, [await of('administration')]);
  const html = await page();
  expect(html).toContain(`cosigned 2 of 3 up to #${size}<`);
  expect(html).toContain(`id="checkpoint-${size}"`);
  expect(html).toContain(`title="${toHex(root)}"`);
  expect(html).toContain('No answer from: Health administration, Hospital and Patients’ association.');
});

test('while members do not agree, every page of staff says so, and no patient’s', async () => {
  const member = (root: string) => ({
    cosigned: null,
    peer: { size: 7, root },
    published: null,
    alarms: [],
    looked: new Date().toISOString(),
  });
  const split = consortiumOver(
    (of, path) =>
      path === '/status'
        ? Promise.resolve(Response.json(member((of === 'hospital' ? 'aa' : 'bb').repeat(32))))
        : undefined,
    () => new Date(),
  );
  await split.look();
  const other = await createWebWorld({ consortium: split });
  try {
    const officer = await (await other.signIn('officerA')).get('/queue');
    expect(await officer.text()).toContain('Members of the consortium do not agree about the log.');
    const patient = await (await other.signIn('patient')).get('/my');
    expect(await patient.text()).not.toContain('do not agree');
    const page = await (await other.browser().get('/consortium')).text();
    expect(page).toContain('Two roots at size #7.');
  } finally {
    await other.close();
  }
});
