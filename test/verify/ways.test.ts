// Whatever is changed behind our back is named at its place: every column of every table that is recorded, derived or the
// ledger's, rows, entries, leaves, tiles, checkpoints and each peer's own list, one change at a time, each as somebody makes it
// who owns the database and switches off what would note it. Nothing else may be named.
import { getTableColumns, getTableName } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { logSigner } from '../../bin/log-keys.ts';
import { DERIVED, LEDGER, RECORDED } from '../../db/schema.ts';
import type { Finding } from '../../ledger/verify.ts';
import { logWays } from '../support/mutate-log.ts';
import { PEER_WAYS } from '../support/mutate-peers.ts';
import { ROW_WAYS } from '../support/mutate-rows.ts';
import { type Place, seeded, type Way } from '../support/mutation.ts';
import { STORIES, type Story } from '../support/stories.ts';
import { createVerifyWorld, type VerifyWorld } from '../support/verify-world.ts';

/** Chosen by a seed, so that a failure can be repeated; another seed by REHAB_TEST_SEED. */
const SEED = Number(process.env.REHAB_TEST_SEED ?? 20261123);
const LEAST = 500;

let world: VerifyWorld;
beforeAll(async () => {
  world = await createVerifyWorld();
  const stories = Object.keys(STORIES) as Story[];
  // Several checkpoints, so that there are earlier ones to be right at, and more leaves than fill a tile.
  for (let at = 0, size = 0; size <= 256 + 10; at++) {
    await world.live([stories[at % stories.length] as Story]);
    size = await world.anchor();
  }
});
afterAll(() => world.close());

const fits = (finding: Finding, place: Place): boolean =>
  Object.entries(place).every(([field, value]) => finding[field as keyof Finding] === value);

const told = new Map<string, { made: number; found: number; located: number }>();

const choose = seeded(SEED);
/** The log and the peers' lists have few ways and many places: each is changed at two of them. */
const TWICE = ['', ', at another place'];
const ALL: readonly (readonly [name: string, way: (world: VerifyWorld) => Way, seed: number])[] = [
  ...ROW_WAYS.map((way) => [way.name, () => way, choose(2 ** 31)] as const),
  ...TWICE.flatMap((again) => [
    ...PEER_WAYS.map((way) => [`${way.name}${again}`, () => way, choose(2 ** 31)] as const),
    ...logWays(logSigner(new Uint8Array(32))).map(
      ({ name }, at) =>
        [
          `${name}${again}`,
          ({ signer }: VerifyWorld) => logWays(signer)[at] as Way,
          choose(2 ** 31),
        ] as const,
    ),
  ]),
];

test('an unchanged world is sound', async () => {
  const { report } = await world.changed(async () => undefined);
  expect(report.findings).toEqual([]);
});

describe('every column has its way', () => {
  const names = new Set(ALL.map(([name]) => name));
  test.each(
    [...Object.values(RECORDED), ...Object.values(DERIVED), ...Object.values(LEDGER)].map(
      (t) => [getTableName(t), t] as const,
    ),
  )('%s', (table, shape) => {
    // What it notes is no state: it is empty in a sound world, and each note is a finding.
    if (table === getTableName(LEDGER.outsideChanges)) return;
    for (const { name } of Object.values(getTableColumns(shape)))
      expect(names).toContain(`${table}.${name} edited`);
  });
});

describe(`changes, one at a time (seed ${SEED})`, () => {
  test.each(ALL)('%s', async (_, make, seed) => {
    const way = make(world);
    const count = told.get(way.kind) ?? { made: 0, found: 0, located: 0 };
    told.set(way.kind, count);
    count.made += 1;
    const { expected, report } = await world.changed((target) =>
      way.change({ ...target, choose: seeded(seed) }),
    );
    if (report.status === 'tampered') count.found += 1;
    const { finding, beside = [] } = expected;
    expect(report.findings).toContainEqual(expect.objectContaining(finding));
    // Nothing may be said of a place at which nothing was done.
    expect(report.findings.filter((one) => ![finding, ...beside].some((place) => fits(one, place)))).toEqual(
      [],
    );
    expect(report.status).toBe('tampered');
    count.located += 1;
  });

  test(`at least ${LEAST}, every one found and rightly located`, () => {
    const sum = { made: 0, found: 0, located: 0 };
    for (const [kind, count] of told) {
      console.info(`${kind}: ${count.made} made, ${count.found} found, ${count.located} rightly located`);
      for (const of of ['made', 'found', 'located'] as const) sum[of] += count[of];
    }
    console.info(`all: ${sum.made} made, ${sum.found} found, ${sum.located} rightly located`);
    expect(sum.made).toBeGreaterThanOrEqual(LEAST);
    expect(sum).toMatchObject({ found: sum.made, located: sum.made });
  });
});
