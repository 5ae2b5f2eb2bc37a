// The block that recorded a version of the parameters is part of the evidence wherever it stands: mostly beside the first entries
// under it, and far away where the chain was away when the machine began.
import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { blocksFor } from '../../bin/evidence-sources.ts';
import { ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { fromBase64 } from '../../ledger/bytes.ts';
import { leavesInBlock } from '../../ledger/evidence/blocks.ts';
import { type TestAuthority, testAuthority } from '../support/authority.ts';
import { testChannel } from './channel.ts';

const sha256 = createHash('sha256').update('parameters').digest('hex');
const authorities = Object.fromEntries(ORGANISATIONS.map((name) => [name, testAuthority(name)])) as Record<
  Organisation,
  TestAuthority
>;

/** A channel that begins with leaves, and has another block with one leaf behind each of them. */
function channelWith(blocks: number, recordedAt: number | undefined) {
  const channel = testChannel(authorities);
  let leaves = 0;
  for (let number = 1; number < blocks; number++)
    if (number === recordedAt) channel.record('late', sha256);
    else channel.anchor(leaves++, [randomBytes(32)]);
  return channel;
}

const blocksOf = async (channel: ReturnType<typeof channelWith>, since: number) =>
  await blocksFor([0], [{ version: 'late', since }], channel.height, channel.block);

test.each([2, 300, 399])('is found at %i of 400 blocks', async (recordedAt) => {
  const channel = channelWith(400, recordedAt);
  for (const since of [0, 397]) {
    const found = await blocksOf(channel, since);
    expect(found.map(({ number }) => number)).toEqual([1, recordedAt]);
    const [, block] = found;
    const { parameters } = leavesInBlock(fromBase64(block?.bytes ?? '') ?? new Uint8Array(0));
    expect(parameters).toEqual([expect.objectContaining({ version: 'late' })]);
  }
});

test('one that was never recorded is left out', async () => {
  expect((await blocksOf(channelWith(40, undefined), 0)).map(({ number }) => number)).toEqual([1]);
});
