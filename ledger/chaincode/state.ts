// Station 6 on the chain: what every function of the chaincode shares: the channel's state, refusals, and one way to write.
// Promise: refusals have stable codes, and equal values become equal bytes on every peer.
// Must never read a clock, a random number or anything else on which two honest peers could differ.
import type { VerifySignature } from '../checkpoint.ts';
import type { Hash } from '../merkle.ts';

/** What the functions need of the channel's state. A transaction sees the state before it, never its own writes. */
export type State = {
  /** Empty when the key has no value. */
  read(key: string): Promise<Uint8Array>;
  write(key: string, value: Uint8Array): Promise<void>;
  /** Keys from `start` up to but not `end`, in byte order. */
  scan(start: string, end: string): AsyncIterable<{ key: string; value: Uint8Array }>;
};

/** SHA-256 and Ed25519, which the process around this brings along. */
export type Crypto = { readonly hash: Hash; readonly verify: VerifySignature };

/** Why a call is refused. Stable words: clients and findings read them. */
export const REFUSAL_CODES = [
  'ALREADY_CERTIFIED',
  'ALREADY_REVOKED',
  'BROKEN_LEAVES',
  'DIFFERENT_LEAVES',
  'DIFFERENT_PARAMETERS',
  'DIFFERENT_ROOT',
  'KEY_NOT_REGISTERED',
  'MALFORMED',
  'NOT_ALLOWED',
  'NOT_FOUND',
  'SMALLER_SIZE',
  'WRONG_CHECKPOINT',
  'WRONG_COSIGNATURE',
  'WRONG_FIRST_INDEX',
  'WRONG_ROOT',
  'WRONG_SIGNATURE',
] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

export type Facts = Readonly<Record<string, string | number>>;

/** A refusal with its code and the facts that the caller needs to go on. */
export class LogRefusal extends Error {
  override readonly name = 'LogRefusal';
  readonly code: RefusalCode;
  readonly facts: Facts;
  constructor(code: RefusalCode, message: string, facts: Facts = {}) {
    super(message);
    this.code = code;
    this.facts = facts;
  }
}

/** Numbers in keys are padded so that byte order is their order. Sixteen digits hold every safe integer. */
export const pad = (number: number): string => String(number).padStart(16, '0');

export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
export const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

/** JSON with sorted keys at every depth: all peers must write the same bytes. */
export function encode(value: unknown): Uint8Array {
  return Buffer.from(
    JSON.stringify(value, (_, part: unknown) =>
      part !== null && typeof part === 'object' && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
        : part,
    ),
  );
}

export const decode = <T>(bytes: Uint8Array): T => JSON.parse(Buffer.from(bytes).toString()) as T;

/** The value under a key, or undefined when it has none. */
export async function readValue<T>(state: State, key: string): Promise<T | undefined> {
  const stored = await state.read(key);
  return stored.length === 0 ? undefined : decode<T>(stored);
}
