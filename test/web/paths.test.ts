// Addresses to come back to: ours as they are, with what their view holds; anything else not at all, whoever spelled it.
import { describe, expect, it } from 'vitest';
import { ownAddress, paths, signInFor, wantedPage } from '../../web/paths.ts';
import { FOREIGN_ADDRESSES } from '../support/foreign-addresses.ts';

const ID = '0198a3c4-0000-7000-8000-000000000001';

describe('an address to come back to', () => {
  it.each([
    paths.queue,
    `${paths.queue}?view=late&kind=assess&after=2026-11-23T09%3A00%3A00.000Z_${ID}`,
    paths.case(ID, 'measures'),
    paths.applyDraft(ID),
    paths.firstKey,
    `${paths.settings}?done=saved`,
    '/cases?q=%E6%9D%8E',
  ])('of ours: %s', (address) => {
    expect(wantedPage(address)).toBe(address);
    const door = new URL(signInFor(address), 'https://rehab.example');
    expect([door.pathname, door.searchParams.get('to')]).toEqual([paths.signIn, address]);
  });

  it.each(FOREIGN_ADDRESSES)('none: %j', (address) => {
    expect(wantedPage(address)).toBeUndefined();
    expect(signInFor(address)).toBe(paths.signIn);
  });

  it('that a browser takes for another place, or for the end of a header, is never one of ours', () => {
    const base = 'https://rehab.example';
    for (const address of FOREIGN_ADDRESSES) {
      const own = ownAddress(address);
      if (own === undefined) continue;
      expect([address, new URL(own, base).href]).toEqual([address, `${base}${address}`]);
    }
  });
});
