// What the web sees of the log's stations (SECURITY.md U3), on a real Postgres with a real sequencer: entries that wait for as long
// as the limit become an entry and a word on the board; when the log goes on, another one and a better word.
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LOG_ORIGIN } from '../../domain/consortium.ts';
import { keyIdOf } from '../../ledger/checkpoint.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { createSequencer, type Sequencer } from '../../ledger/sequencer.ts';
import { ed25519Raw } from '../../ledger/signing.ts';
import { STOPPED_MS } from '../../web/watch/standing.ts';
import { wordsOf } from '../support/pages.ts';
import { createWebWorld, type WebWorld } from '../support/web-world.ts';

let world: WebWorld;
let sequencer: Sequencer;
const start = Date.now();
const passed = (ms: number) => world.setClock(() => new Date(start + ms));

beforeAll(async () => {
  world = await createWebWorld();
  const log = generateKeyPairSync('ed25519');
  const publicKey = ed25519Raw(createPublicKey(log.privateKey));
  sequencer = createSequencer({
    url: world.fresh.urls.ledger,
    signer: {
      name: LOG_ORIGIN,
      keyId: keyIdOf(LOG_ORIGIN, publicKey, nodeHashing.hash),
      publicKey,
      sign: (message) => sign(null, message, log.privateKey),
    },
  });
});
afterAll(async () => {
  await sequencer.close();
  await world.close();
});

const told = async () =>
  (
    await world.web.sql<{ event: string }[]>`
      select event from audit_entries where event ~ '[.](stopped|resumed)$' order by event`
  ).map(({ event }) => event);
/** The board's words. */
const board = async (): Promise<string> =>
  wordsOf(await (await (await world.signIn('administrator')).get('/board')).text());

test('a log that does not grow stands still after the limit, and is told of once', async () => {
  await world.watch();
  expect(await board()).toMatch(/Log: working/);
  passed(STOPPED_MS - 1_000);
  await world.watch();
  expect(await told()).toEqual([]);
  passed(STOPPED_MS);
  await world.watch();
  passed(STOPPED_MS + 5_000);
  await world.watch();
  // In this world no member answers, and no chain is there; what was never sequenced does not wait for it.
  const members = ['witness.stopped', 'witness.stopped', 'witness.stopped'];
  expect(await told()).toEqual(['sequencer.stopped', ...members]);
  expect(await board()).toMatch(/Log: not answering/);
  expect(await board()).toMatch(/Members: not answering Health administration, Hospital and /);
});

test('auditors find it under its name, with the member that it is about', async () => {
  const auditor = await world.signIn('auditor');
  const page = wordsOf(await (await auditor.get('/audit?event=witness.stopped')).text());
  expect(page).toMatch(/Member does not answer: Hospital/);
});

test('another web process takes up what was stopped, and tells of it no second time', async () => {
  const before = await told();
  const another = world.newWatch();
  await another.once();
  expect(await told()).toEqual(before);
  expect(another.stopped().map(({ station }) => station)).toContain('sequencer');
});

test('when the log goes on, that is an entry too, and what the chain does not take is told in its turn', async () => {
  passed(STOPPED_MS + 10_000);
  while ((await sequencer.once()).taken > 0);
  await world.watch();
  expect(await told()).toContain('sequencer.resumed');
  expect(await board()).toMatch(/Log: working/);
  while ((await sequencer.once()).taken > 0);
  passed(2 * STOPPED_MS + 10_000);
  await world.watch();
  expect(await told()).toContain('anchor.stopped');
  expect(await board()).toMatch(/Chain: not answering/);
});
