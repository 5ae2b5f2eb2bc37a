// Test support: what a change behind our back is, to whoever generates them and whoever verifies after them: what is changed,
// the finding that must name it, and what may stand beside it. Applied inside a transaction that is rolled back.
import type { Sql } from 'postgres';
import type { Finding } from '../../ledger/verify.ts';
import type { Copy } from './verify-world.ts';

/** Fields that a finding must have; those left out may be anything. */
export type Place = Partial<Omit<Finding, 'says'>>;

/** What verification must say of a change. */
export interface Expected {
  readonly finding: Place;
  /** What may be found besides, because it follows from the same change. Everything else is wrongly located. */
  readonly beside?: readonly Place[];
}

/** Gives a whole number below `below`. */
export type Choose = (below: number) => number;

export interface Target {
  /** As the owner of the tables. */
  readonly sql: Sql;
  readonly copies: readonly Copy[];
  readonly choose: Choose;
}

/** One way to change something. `change` throws when there is nothing to change: no store may be left empty. */
export interface Way {
  readonly name: string;
  /** The table or the peer's list that is changed. */
  readonly table: string;
  readonly kind: Finding['kind'];
  readonly change: (target: Target) => Promise<Expected>;
}

/** A repeatable choice (mulberry32, public domain). */
export function seeded(seed: number): Choose {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** One of several. Throws when there is none. */
export function oneOf<T>(list: readonly T[], choose: Choose, of: string): T {
  if (list.length === 0) throw new Error(`nothing to change, the world left it empty: ${of}`);
  return list[choose(list.length)] as T;
}

export function twoOf(count: number, choose: Choose, of: string): [number, number] {
  if (count < 2) throw new Error(`nothing to exchange: ${of}`);
  const first = choose(count);
  return [first, (first + 1 + choose(count - 1)) % count];
}

/**
 * Changes a table as somebody who knows of its triggers would: they are switched off meanwhile, and on again as they were, so
 * that nothing but what is stored can give the change away.
 */
export async function quietly<T>(sql: Sql, table: string, change: () => Promise<T>): Promise<T> {
  const triggers = await sql<{ name: string }[]>`
    select tgname as name from pg_trigger where tgrelid = ${table}::regclass and not tgisinternal`;
  await sql.unsafe(`alter table ${table} disable trigger user`);
  const done = await change();
  for (const { name } of triggers) await sql.unsafe(`alter table ${table} enable always trigger ${name}`);
  return done;
}

/** Takes away what would refuse a row that is like another: whoever owns a table can do so. */
export async function dropUnique(sql: Sql, table: string): Promise<void> {
  for (const { name } of await sql<{ name: string }[]>`
    select i.relname as name from pg_index x join pg_class i on i.oid = x.indexrelid
    where x.indrelid = ${table}::regclass and x.indisunique and not x.indisprimary`)
    await sql.unsafe(`drop index ${name}`);
}

/** Flips one bit of a byte column, as SQL. */
export const flipBit = (column: string, bit: number): string =>
  `${column} = set_bit(${column}, ${bit}, 1 - get_bit(${column}, ${bit}))`;
