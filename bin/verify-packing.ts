// Composition: portions of verification's work as they go between threads. Bytes of a portion lie in one buffer, which changes
// hands without being copied; the rest is plain data. Packs and unpacks only.
import { joinBytes } from '../ledger/bytes.ts';
import type { CheckedEntry, CheckedRow, GivenEntry, GivenRow, ToldEntry } from '../ledger/verify-check.ts';
import { NO_VALUE, type StoredEntry } from '../ledger/verify-sources.ts';

interface Packed {
  readonly bytes: Uint8Array;
}

type Bare<T, K extends keyof T> = Omit<T, K>;
type EntryQuestion = Packed & {
  readonly of: 'entries';
  readonly items: readonly {
    readonly entry: Bare<StoredEntry, 'body' | 'signature'>;
    /** Lengths of body, signature and key; a key that is not there has none. */
    readonly lengths: readonly [number, number, number];
  }[];
};
type RowQuestion = Packed & {
  readonly of: 'rows';
  readonly items: readonly (Bare<GivenRow, 'body' | 'digestKey'> & {
    /** Columns without a value: a symbol cannot go to another thread. */
    readonly without: readonly string[];
    readonly lengths: readonly [number, number];
  })[];
};
export type Question = EntryQuestion | RowQuestion;

type EntryAnswer = Packed & {
  readonly of: 'entries';
  readonly items: readonly (Bare<CheckedEntry, 'commitment' | 'leaf' | 'told'> & {
    readonly told: (Bare<ToldEntry, 'rows'> & { readonly rows: number }) | null;
  })[];
};
type RowAnswer = Packed & { readonly of: 'rows'; readonly items: readonly (readonly string[])[] };
export type Answer = EntryAnswer | RowAnswer;

/** Takes pieces off the front. */
function taker(bytes: Uint8Array): (length: number) => Uint8Array {
  let at = 0;
  return (length) => {
    at += length;
    return bytes.subarray(at - length, at);
  };
}

const NONE = new Uint8Array(0);

export const packEntries = (portion: readonly GivenEntry[]): EntryQuestion => ({
  of: 'entries',
  bytes: joinBytes(...portion.flatMap(({ entry, key }) => [entry.body, entry.signature, key ?? NONE])),
  items: portion.map(({ entry: { body, signature, ...entry }, key }) => ({
    entry,
    lengths: [body.length, signature.length, key?.length ?? 0],
  })),
});

export function unpackGivenEntries({ bytes, items }: EntryQuestion): GivenEntry[] {
  const take = taker(bytes);
  return items.map(({ entry, lengths: [body, signature, key] }) => ({
    entry: { ...entry, body: take(body), signature: take(signature) },
    key: key > 0 ? take(key) : undefined,
  }));
}

export const packRows = (portion: readonly GivenRow[]): RowQuestion => ({
  of: 'rows',
  bytes: joinBytes(...portion.flatMap(({ body, digestKey }) => [body, digestKey])),
  items: portion.map(({ table, key, columns, body, digestKey }) => {
    const without = Object.keys(columns).filter((name) => columns[name] === NO_VALUE);
    const valued =
      without.length === 0
        ? columns
        : { ...columns, ...Object.fromEntries(without.map((name) => [name, null])) };
    return { table, key, columns: valued, without, lengths: [body.length, digestKey.length] };
  }),
});

export function unpackGivenRows({ bytes, items }: RowQuestion): GivenRow[] {
  const take = taker(bytes);
  return items.map(({ table, key, columns, without, lengths: [body, digestKey] }) => ({
    table,
    key,
    columns:
      without.length === 0
        ? columns
        : { ...columns, ...Object.fromEntries(without.map((name) => [name, NO_VALUE])) },
    body: take(body),
    digestKey: take(digestKey),
  }));
}

export function packCheckedEntries(checked: readonly CheckedEntry[]): EntryAnswer {
  return {
    of: 'entries',
    bytes: joinBytes(
      ...checked.flatMap(({ commitment, leaf, told }) => [
        commitment,
        leaf,
        new Uint8Array(Uint32Array.from((told?.rows ?? []).flat()).buffer),
      ]),
    ),
    items: checked.map(({ signed, faults, told }) => ({
      signed,
      faults,
      told: told && { ...told, rows: told.rows.length },
    })),
  };
}

export function unpackEntries(answer: Answer): CheckedEntry[] {
  const { bytes, items } = answer as EntryAnswer; // asked for entries
  const take = taker(bytes);
  return items.map(({ signed, faults, told }) => {
    const commitment = take(32);
    const leaf = take(32);
    // Every piece before it is a multiple of four bytes long.
    const numbers = take(8 * (told?.rows ?? 0));
    const words = new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length / 4);
    return { commitment, leaf, signed, faults, told: told && { ...told, rows: pairs(words) } };
  });
}

const pairs = (words: Uint32Array): (readonly [number, number])[] =>
  Array.from({ length: words.length / 2 }, (_, i) => [words[2 * i] as number, words[2 * i + 1] as number]);

export const packCheckedRows = (checked: readonly CheckedRow[]): RowAnswer => ({
  of: 'rows',
  bytes: joinBytes(...checked.map(({ commitment }) => commitment)),
  items: checked.map(({ wrong }) => wrong),
});

export function unpackRows(answer: Answer): CheckedRow[] {
  const { bytes, items } = answer as RowAnswer; // asked for rows
  const take = taker(bytes);
  return items.map((wrong) => ({ commitment: take(32), wrong }));
}
