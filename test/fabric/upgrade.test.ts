// The chaincode goes from one version to the next on a channel that has data: each organisation installs and approves it, the
// definition is committed once, and everything that the former version kept is there and goes on growing.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LOG_ORIGIN, ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { bundleChaincode, type ChaincodeBundle } from '../../engines/fabric/chaincode-program.ts';
import { organisationPaths } from '../../engines/fabric/layout.ts';
import { findFabricPrograms } from '../../engines/fabric/programs.ts';
import { run } from '../../engines/fabric/run.ts';
import type { Chain } from '../../ledger/fabric/client.ts';
import { ChainRefusal } from '../../ledger/fabric/trouble.ts';
import { testSettings } from '../support/engines.ts';
import { startTestNetwork, type TestNetwork } from './network.ts';
import { createTestLog, LOG_KEY } from './test-log.ts';

let network: TestNetwork;
let today: ChaincodeBundle;
const log = createTestLog();

/** Today's program without one function, under a version before today's: what an organisation ran until now. */
function former({ program }: ChaincodeBundle): ChaincodeBundle {
  const text = Buffer.from(program).toString();
  const older = text.replace(/^( +)recordParameters: async \(stub/m, '$1recordNothing: async (stub');
  if (older === text) throw new Error('the chaincode no longer has the function that this test leaves out');
  return { program: Buffer.from(older), version: '1.9.0' };
}

beforeAll(async () => {
  today = await bundleChaincode();
  network = await startTestNetwork(undefined, former(today));
  await network.agreeOn(LOG_KEY.vkey);
}, 300_000);
afterAll(() => network?.remove());

async function anchor(chain: Chain, from: number, to: number): Promise<void> {
  await log.grow(to - from);
  await chain.append(await log.batch(from, to));
}

/** What the channel says of the chaincode, as an organisation's peer holds it. */
async function definition(of: Organisation): Promise<{ version: string; sequence: number }> {
  const paths = organisationPaths(network.dataDir, of);
  const { peer } = await findFabricPrograms(testSettings(), () => {});
  const answer = await run(
    peer,
    ['lifecycle', 'chaincode', 'querycommitted', '--channelID', 'rehab', '--output', 'json'],
    {
      env: {
        FABRIC_CFG_PATH: paths.peer,
        FABRIC_LOGGING_SPEC: 'error',
        CORE_PEER_ADDRESS: network.profile.organisations[of].peer.address,
        CORE_PEER_LOCALMSPID: network.profile.organisations[of].mspId,
        CORE_PEER_MSPCONFIGPATH: `${paths.admin}/msp`,
        CORE_PEER_TLS_ENABLED: 'true',
        CORE_PEER_TLS_ROOTCERT_FILE: paths.tlsCa,
      },
    },
  );
  const [one] = (JSON.parse(answer) as { chaincode_definitions: { version: string; sequence: number }[] })
    .chaincode_definitions;
  if (one === undefined) throw new Error('no chaincode is committed');
  return one;
}

test('from one version to the next, with all data, and the new function works on them', async () => {
  const before = network.client();
  await anchor(before, 0, 300);
  expect(await definition('association')).toMatchObject({ version: '1.9.0', sequence: 1 });
  // The former version does not know the function.
  await expect(before.recordParameters('2026-07', 'a'.repeat(64))).rejects.toMatchObject({
    name: ChainRefusal.name,
    code: 'MALFORMED',
  });
  const held = await Promise.all(
    ORGANISATIONS.map(async (of) => ({
      head: await before.head(of),
      leaves: await before.leaves(of, 0, 300),
      note: (await before.checkpointAt(of, 300))?.note,
      keys: await before.keys(of),
      genesis: await before.genesis(of),
    })),
  );

  await network.restart(today);
  for (const of of ORGANISATIONS)
    expect(await definition(of)).toMatchObject({ version: today.version, sequence: 2 });
  const after = network.client();
  for (const [at, of] of ORGANISATIONS.entries()) {
    expect(await after.head(of)).toEqual(held[at]?.head);
    expect(await after.leaves(of, 0, 300)).toEqual(held[at]?.leaves);
    expect((await after.checkpointAt(of, 300))?.note).toBe(held[at]?.note);
    expect(await after.keys(of)).toEqual(held[at]?.keys);
    expect(await after.genesis(of)).toBe(held[at]?.genesis);
  }
  expect(held[0]?.keys.find(({ kind }) => kind === 'log')).toMatchObject({
    name: LOG_ORIGIN,
    vkey: LOG_KEY.vkey,
  });

  // The log grows over the border, and the new function is there on all three.
  await anchor(after, 300, 520);
  const { root } = log.checkpointAt(520);
  for (const of of ORGANISATIONS)
    await expect.poll(() => after.head(of), { timeout: 30_000 }).toEqual({ size: 520, root });
  await after.recordParameters('2026-07', 'a'.repeat(64));
  for (const of of ORGANISATIONS)
    await expect.poll(() => after.parametersOf(of, '2026-07'), { timeout: 30_000 }).toBe('a'.repeat(64));

  // Said again, it changes nothing: the same definition stands.
  await network.restart(today);
  expect(await definition('hospital')).toMatchObject({ version: today.version, sequence: 2 });
}, 300_000);
