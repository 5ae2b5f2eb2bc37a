// What cannot be read is never sound: peers that are away, keys that are gone, a database that stops answering.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PeerLog } from '../../ledger/reader.ts';
import { KeyMissing } from '../../ledger/record-key.ts';
import { createVerifyWorld, peerOf, placeOf, type VerifyWorld } from '../support/verify-world.ts';

let world: VerifyWorld;
let cases: string[];
beforeAll(async () => {
  world = await createVerifyWorld();
  cases = await world.live(['approved', 'withdrawn', 'stumbling']);
  await world.anchor();
});
afterAll(() => world.close());

const away = (organisation: string): PeerLog => {
  const fails = async () => {
    throw new Error('peer is away');
  };
  return { organisation, head: fails, checkpointAt: fails, leaves: fails };
};

describe('verify says that it could not read', () => {
  test.each([1, 2, 3])('%i of three peers', async (count) => {
    const peers = world.copies.map((copy, at) => (at < count ? away(copy.organisation) : peerOf(copy)));
    const report = await world.verify({ peers });
    expect(report.status).toBe('unreadable');
    expect(report.findings.map(({ table, kind }) => [table, kind])).toEqual(
      world.copies.slice(0, count).map(({ organisation }) => [`peer-${organisation}`, 'unreadable']),
    );
  });

  test('a peer that stops answering in the middle of its list', async () => {
    const [first, ...others] = world.copies.map(peerOf) as [PeerLog, PeerLog, PeerLog];
    const tired = {
      ...first,
      leaves: async () => {
        throw new Error('peer is away');
      },
    };
    const report = await world.verify({ peers: [tired, ...others] });
    expect(report.status).toBe('unreadable');
    expect(report.findings).toHaveLength(1);
    expect(report.counts.anchored.administration).toBe(0);
  });

  test('but not for one question that was lost: a page is asked for again', async () => {
    const lost = new Set<string>();
    const peers = world.copies.map((copy) => {
      const peer = peerOf(copy);
      return {
        ...peer,
        leaves: async (first: number, count: number) => {
          const question = `${peer.organisation} ${first}`;
          if (!lost.has(question)) {
            lost.add(question);
            throw new Error('no answer in time');
          }
          return await peer.leaves(first, count);
        },
      };
    });
    const report = await world.verify({ peers });
    expect(report.findings).toEqual([]);
    expect(report.status).toBe('sound');
    expect(lost.size).toBe(peers.length);
  });

  test('a peer that stays behind', async () => {
    const copies = world.cloneCopies();
    const [first] = copies;
    if (!first) throw new Error('no copy');
    first.checkpoints = new Map();
    const report = await world.verify({ peers: copies.map(peerOf) });
    expect(report.status).toBe('unreadable');
    expect(report.findings.map(({ table, kind }) => [table, kind])).toEqual([
      ['peer-administration', 'unreadable'],
    ]);
  });

  test("a case's key that is gone, or another case's", async () => {
    const [one, other] = cases as [string, string];
    const honest = world.sources(world.world.fresh.urls.verify, []).digestKey;
    for (const digestKey of [
      async (kind: string, id: string) => (id === one ? undefined : await honest(kind, id)),
      async (kind: string, id: string) => await honest(kind, id === one ? other : id),
    ]) {
      const report = await world.verify({ change: { digestKey } });
      expect(report.findings.map(placeOf)).toEqual([
        expect.objectContaining({ store: 'evidence', kind: 'key-missing' }),
      ]);
      expect(report.status).toBe('unreadable');
    }
  });

  test('a key store that fails, and a database that stops answering', async () => {
    const broken = await world.verify({
      change: {
        digestKey: async () => {
          throw new KeyMissing('case');
        },
        note: () => undefined,
      },
    });
    expect(broken.status).toBe('unreadable');
    const closed = await world.verify({
      change: {
        open: async () => {
          throw new Error('no database');
        },
        note: () => undefined,
      },
    });
    expect(closed).toMatchObject({ status: 'unreadable', findings: [{ kind: 'unreadable' }] });
  });

  test('beside tampering it is tampering', async () => {
    const [first, second, third] = world.cloneCopies();
    if (!first || !second || !third) throw new Error('no copy');
    second.leaves[3] = (second.leaves[3] as Uint8Array).map((byte) => byte ^ 1);
    const report = await world.verify({ peers: [away(first.organisation), peerOf(second), peerOf(third)] });
    expect(report.status).toBe('tampered');
    expect(report.findings.map(placeOf)).toContainEqual({
      store: 'chain',
      table: 'peer-hospital',
      row: '3',
      column: null,
      kind: 'edited',
    });
  });
});
