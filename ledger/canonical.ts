// Station 4, the bytes: one spelling per JSON value (RFC 8785), and a strict reader of JSON from outside (RFC 7493).
// What is hashed or signed comes out of `canonicalJson`; what comes in through a door goes through `parseIJson`.
// Must never repair: a value that another reader could understand differently is refused, not rounded or dropped.
import canonicalize from 'canonicalize';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export type JsonObject = { readonly [key: string]: JsonValue };

/** Why a text is no I-JSON, as codes that a door can translate. */
export type IJsonFaultCode =
  | 'not-utf8'
  | 'syntax'
  | 'duplicate-key'
  | 'reserved-key'
  | 'too-deep'
  | 'too-many-keys'
  | 'unsafe-number'
  | 'unsafe-text';

/** Where reading stopped: line and column from 1 (in UTF-16 units). The message holds nothing of the text. */
export type IJsonFault = {
  readonly code: IJsonFaultCode;
  readonly line: number;
  readonly column: number;
  readonly message: string;
};

export type IJsonResult =
  | { readonly ok: true; readonly value: JsonValue }
  | { readonly ok: false; readonly fault: IJsonFault };

/** Caps on structure. The size of the text is the door's to cap, on the bytes, before it comes here. */
export type IJsonLimits = { readonly depth: number; readonly keys: number; readonly keysPerObject: number };

/** SECURITY.md G5: 32 levels, 10,000 keys in all. A door with larger honest input passes its own. */
export const DEFAULT_LIMITS: IJsonLimits = { depth: 32, keys: 10_000, keysPerObject: 10_000 };

/** A value that has no canonical form; `path` is a JSON pointer to it, the message holds no value. */
export class NotCanonical extends TypeError {
  override readonly name = 'NotCanonical';
  readonly path: string;
  constructor(reason: string, path: string) {
    super(`Value cannot be hashed or signed; ${reason}: at ${path === '' ? 'the root' : path}`);
    this.path = path;
  }
}

/** Names that reach a prototype when a parsed object is merged or indexed carelessly (SECURITY.md N5). */
export const RESERVED_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * RFC 8785 text of a plain JSON value. Deterministic for equal values, whatever the order of keys.
 * Throws NotCanonical for what JSON cannot say or readers understand differently: undefined, functions, class
 * instances (dates too), holes, non-finite numbers, whole numbers beyond 2^53 that print as digits, lone surrogates,
 * noncharacters, reserved keys, cycles and nesting beyond 32.
 */
export function canonicalJson(value: unknown): string {
  demandJson(value, '', 0);
  // demandJson left only what the serialiser always gives text for.
  return canonicalize(value) as string;
}

/** UTF-8 bytes of `canonicalJson`: what is hashed, signed and stored as it is. */
export function canonicalBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(canonicalJson(value));
}

/**
 * Reads JSON text, or its UTF-8 bytes, as I-JSON (RFC 7493), strictly.
 * 1. JSON of RFC 8259 and nothing more (no comments, no byte order mark, nothing behind the value). 2. No key twice in
 * one object, none that reaches a prototype. 3. No number that a double cannot hold as written, whole ones up to 2^53−1.
 * 4. No lone surrogates or noncharacters. 5. `limits` on depth and keys. Never throws on input.
 */
export function parseIJson(input: string | Uint8Array, limits: IJsonLimits = DEFAULT_LIMITS): IJsonResult {
  let text: string;
  try {
    text =
      typeof input === 'string'
        ? input
        : new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(input);
  } catch {
    return {
      ok: false,
      fault: { code: 'not-utf8', line: 1, column: 1, message: 'The text is not valid UTF-8' },
    };
  }
  try {
    return { ok: true, value: new Reader(text, limits).read() };
  } catch (error) {
    if (error instanceof Stop) return { ok: false, fault: error.fault };
    throw error;
  }
}

function demandJson(value: unknown, path: string, depth: number): void {
  switch (typeof value) {
    case 'boolean':
      return;
    case 'number':
      if (!isSafeNumber(value)) throw new NotCanonical('give a finite number, whole ones below 2^53', path);
      return;
    case 'string':
      if (!isSafeText(value)) throw new NotCanonical('give well-formed text', path);
      return;
    case 'object':
      break;
    default:
      throw new NotCanonical(`JSON has no ${typeof value}`, path);
  }
  if (value === null) return;
  if (depth >= DEFAULT_LIMITS.depth) throw new NotCanonical('nest less deeply, or break the cycle', path);
  if (Array.isArray(value)) {
    // By index, so that a hole is seen as the undefined it is.
    for (let at = 0; at < value.length; at += 1) demandJson(value[at], `${path}/${at}`, depth + 1);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    throw new NotCanonical('give a plain object', path);
  if (Object.getOwnPropertySymbols(value).length > 0) throw new NotCanonical('JSON has no symbols', path);
  for (const [key, member] of Object.entries(value)) {
    if (RESERVED_KEYS.has(key)) throw new NotCanonical('rename the reserved key', path);
    if (!isSafeText(key)) throw new NotCanonical('give well-formed keys', path);
    demandJson(member, `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, depth + 1);
  }
}

/**
 * A number every reader understands alike. RFC 8785 prints whole numbers below 10^21 as digits, and readers with
 * integers of their own would take those beyond 2^53−1 for exact; larger ones print with an exponent.
 */
function isSafeNumber(value: number): boolean {
  if (!Number.isFinite(value)) return false;
  return !Number.isInteger(value) || Number.isSafeInteger(value) || Math.abs(value) >= 1e21;
}

/** RFC 7493 § 2.1: no surrogate without its other half, no code point that Unicode says is no character. */
function isSafeText(text: string): boolean {
  return text.isWellFormed() && !/\p{Noncharacter_Code_Point}/u.test(text);
}

class Stop extends Error {
  readonly fault: IJsonFault;
  constructor(fault: IJsonFault) {
    super(fault.message);
    this.fault = fault;
  }
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;

/** Recursive descent over one text; recursion is bounded by the depth limit. */
class Reader {
  readonly #text: string;
  readonly #limits: IJsonLimits;
  #at = 0;
  #keys = 0;

  constructor(text: string, limits: IJsonLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  read(): JsonValue {
    const value = this.#value(1);
    this.#space();
    if (this.#at < this.#text.length) this.#stop('syntax', 'There is something behind the JSON value');
    return value;
  }

  #value(depth: number): JsonValue {
    this.#space();
    const start = this.#text[this.#at];
    if (start === '{' || start === '[') {
      if (depth > this.#limits.depth) {
        this.#stop('too-deep', `The JSON is nested too deeply; the limit is ${this.#limits.depth} levels`);
      }
      this.#at += 1;
      return start === '{' ? this.#object(depth) : this.#array(depth);
    }
    if (start === '"') return this.#string();
    if (start === '-' || (start !== undefined && start >= '0' && start <= '9')) return this.#number();
    for (const [word, value] of [
      ['true', true],
      ['false', false],
      ['null', null],
    ] as const) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    return this.#stop('syntax', 'A JSON value is expected');
  }

  #object(depth: number): JsonObject {
    const members = new Map<string, JsonValue>();
    this.#space();
    if (this.#take('}')) return {};
    do {
      this.#space();
      const keyAt = this.#at;
      if (this.#text[keyAt] !== '"') this.#stop('syntax', 'A key in double quotes is expected');
      const key = this.#string();
      if (RESERVED_KEYS.has(key)) this.#stop('reserved-key', 'A key is reserved and not allowed', keyAt);
      if (members.has(key)) this.#stop('duplicate-key', 'A key stands twice in one object', keyAt);
      this.#keys += 1;
      if (this.#keys > this.#limits.keys || members.size >= this.#limits.keysPerObject) {
        this.#stop('too-many-keys', `The JSON has too many keys; the limit is ${this.#limits.keys}`, keyAt);
      }
      this.#space();
      if (!this.#take(':')) this.#stop('syntax', 'A colon is expected');
      members.set(key, this.#value(depth + 1));
      this.#space();
    } while (this.#take(','));
    if (!this.#take('}')) this.#stop('syntax', 'A comma or closing brace is expected');
    return Object.fromEntries(members);
  }

  #array(depth: number): JsonValue[] {
    const items: JsonValue[] = [];
    this.#space();
    if (this.#take(']')) return items;
    do {
      items.push(this.#value(depth + 1));
      this.#space();
    } while (this.#take(','));
    if (!this.#take(']')) this.#stop('syntax', 'A comma or closing bracket is expected');
    return items;
  }

  #string(): string {
    const start = this.#at;
    let end = start + 1;
    let plain = true;
    for (; ; end += 1) {
      const code = this.#text.charCodeAt(end);
      if (code === 0x22) break;
      // NaN behind the end of the text is no number below 0x20, so it is asked for by itself.
      if (Number.isNaN(code)) this.#stop('syntax', 'A text in quotes does not end', start);
      if (code < 0x20) this.#stop('syntax', 'A text holds a raw control character', end);
      if (code === 0x5c) {
        plain = false;
        end += 1;
      }
    }
    this.#at = end + 1;
    const value = plain ? this.#text.slice(start + 1, end) : this.#unescaped(start, end + 1);
    if (!isSafeText(value)) this.#stop('unsafe-text', 'A text holds half a character or none', start);
    return value;
  }

  #unescaped(start: number, end: number): string {
    try {
      // A JSON string literal by its quotes, so the result is text.
      return JSON.parse(this.#text.slice(start, end)) as string;
    } catch {
      return this.#stop('syntax', 'A text holds an unknown escape', start);
    }
  }

  #number(): number {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match === null) return this.#stop('syntax', 'A number is not written as JSON writes it');
    const [literal, fraction, exponent] = match;
    const value = Number(literal);
    const whole = fraction === undefined && exponent === undefined;
    const vanished = value === 0 && /[1-9]/.test(literal.split(/[eE]/)[0] ?? '');
    if (!isSafeNumber(value) || vanished || (whole && !Number.isSafeInteger(value))) {
      this.#stop('unsafe-number', 'A number is too large or too small to be kept exactly');
    }
    this.#at += literal.length;
    return value;
  }

  #space() {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at += 1;
    }
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #stop(code: IJsonFaultCode, message: string, at = this.#at): never {
    const before = this.#text.slice(0, at);
    const line = before.split('\n').length;
    throw new Stop({ code, line, column: at - before.lastIndexOf('\n'), message });
  }
}
