// Station 4, acts that share a statement: each is written whole or not at all, none is harmed by its neighbour, and what a
// process remembers of a person never stands above what the database says.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { insert } from '../../db/change.ts';
import { connect } from '../../db/connection.ts';
import { gather } from '../../ledger/gather.ts';
import { NO_FACTS, type Recorder, recorded } from '../../ledger/recorded.ts';
import { recordDisclosure } from '../../web/recorded.ts';
import { createWorld, type World } from '../support/case-world.ts';

let world: World;
let web: Recorder;
let other: Recorder;
beforeAll(async () => {
  world = await createWorld();
  const opened = [1, 2].map(() => connect(world.fresh.urls.web, { max: 4, name: 'test-web' }));
  [web, other] = opened.map(({ sql }) => ({ ...world.recorder, sql })) as [Recorder, Recorder];
  world.onClose(async () => {
    await Promise.all(opened.map((c) => c.close()));
  });
});
afterAll(() => world.close());

const someone = () => ({ person: randomUUID(), role: 'auditor' as const });

/** Writes one look under a key; `view` may be what Postgres refuses. */
const look = (recorder: Recorder, key: string, person: string, view = 'case') =>
  recorded(
    recorder,
    {
      key,
      action: 'disclosure',
      inputDigest: 'same',
      subject: { kind: 'person', id: person },
      actor: { person, role: 'auditor' },
    },
    NO_FACTS,
    (_, { at, newId }) => ({
      event: 'case.disclosed',
      changes: [
        insert('disclosures', {
          id: newId(),
          caseId: null,
          personId: person,
          role: 'auditor',
          view,
          shownAt: at,
        }),
      ],
      answer: { kind: 'shown' },
    }),
  );

/** Rows, operations and entries of a person, and whether the entries' versions and digests follow each other. */
async function written(person: string) {
  const [row] = await world.worker.sql<{ rows: number; keys: number; entries: number; chained: boolean }[]>`
    select (select count(*)::int from disclosures where person_id = ${person}) as rows,
      (select count(*)::int from operations where person_id = ${person}) as keys,
      count(*)::int as entries,
      bool_and(previous is not distinct from before and subject_version = place) as chained
    from (
      select subject_version, convert_from(body, 'UTF8')::json -> 'subject' ->> 'previous' as previous,
        lag(encode(sha256(body), 'hex')) over w as before, row_number() over w as place
      from audit_entries where subject_id = ${person} window w as (order by subject_version)) e`;
  return row;
}

describe('acts at once', () => {
  test('one that Postgres refuses, and one whose key is taken, leave their neighbours whole', async () => {
    const people = Array.from({ length: 24 }, () => randomUUID());
    const taken = randomUUID();
    await look(web, taken, people[3] as string);
    const tries = await Promise.allSettled(
      people.map((person, i) =>
        look(web, i === 5 ? taken : randomUUID(), person, i === 9 ? 'a\u0000b' : 'case'),
      ),
    );
    for (const [i, one] of tries.entries()) {
      const row = await written(people[i] as string);
      if (i === 9) {
        expect(one.status).toBe('rejected');
        expect(row).toMatchObject({ rows: 0, keys: 0, entries: 0 });
      } else if (i === 5) {
        expect(one).toMatchObject({ value: { repeated: true, answer: { code: 'key-reused' } } });
        expect(row).toMatchObject({ rows: 0, keys: 0, entries: 0 });
      } else {
        expect(one).toMatchObject({ value: { repeated: false, answer: { kind: 'shown' } } });
        const times = i === 3 ? 2 : 1;
        expect(row).toEqual({ rows: times, keys: times, entries: times, chained: true });
      }
    }
  });

  test('a hundred on one person, from two processes, follow each other without a gap', async () => {
    const { person } = someone();
    const asking = { person, role: 'auditor' as const };
    await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        recordDisclosure(i % 2 ? web : other, randomUUID(), asking, 'case', randomUUID()),
      ),
    );
    expect(await written(person)).toEqual({ rows: 100, keys: 100, entries: 100, chained: true });
  });

  test('a key that this process used, or another, is one act', async () => {
    const { person } = someone();
    const keys = [randomUUID(), randomUUID()];
    await look(web, keys[0] as string, person);
    await look(other, keys[1] as string, person);
    for (const recorder of [web, other])
      for (const key of keys)
        expect(await look(recorder, key, person)).toEqual({ answer: { kind: 'shown' }, repeated: true });
    const twins = await Promise.all(Array.from({ length: 10 }, () => look(web, 'one-key-for-ten', person)));
    expect(twins.filter((one) => !one.repeated)).toHaveLength(1);
    expect(await written(person)).toEqual({ rows: 3, keys: 3, entries: 3, chained: true });
  });
});

describe('gathering', () => {
  test('what comes first goes at once, what comes meanwhile goes together, two of one mark never do', async () => {
    const statements: string[][] = [];
    const release: (() => void)[] = [];
    const one = gather<string, string>({
      atOnce: 1,
      most: 3,
      mark: (item) => item.slice(0, 1),
      divisible: () => false,
      async run(items) {
        statements.push([...items]);
        await new Promise<void>((resolve) => release.push(resolve));
        return items.map((item) => item.toUpperCase());
      },
    });
    const next = async () => {
      while (release.length === 0) await new Promise((resolve) => setImmediate(resolve));
      release.shift()?.();
    };
    const first = one('a1');
    await new Promise((resolve) => setImmediate(resolve));
    expect(statements).toEqual([['a1']]);
    const rest = ['b1', 'b2', 'c1', 'd1', 'e1'].map(one);
    for (let i = 0; i < 3; i++) await next();
    expect(await Promise.all([first, ...rest])).toEqual(['A1', 'B1', 'B2', 'C1', 'D1', 'E1']);
    expect(statements).toEqual([['a1'], ['b1', 'c1', 'd1'], ['b2', 'e1']]);
  });

  test('when a statement fails each is tried alone, unless each alone would fare no better', async () => {
    const statements: number[] = [];
    const make = (divisible: boolean) =>
      gather<number, number>({
        atOnce: 1,
        most: 10,
        divisible: () => divisible,
        async run(items) {
          statements.push(items.length);
          if (items.includes(3)) throw new Error('three');
          return items;
        },
      });
    const some = await Promise.allSettled([1, 2, 3, 4].map(make(true)));
    expect(some.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(statements.splice(0)).toEqual([4, 1, 1, 1, 1]);
    const none = await Promise.allSettled([1, 2, 3, 4].map(make(false)));
    expect(none.every(({ status }) => status === 'rejected')).toBe(true);
    expect(statements).toEqual([4]);
  });
});
