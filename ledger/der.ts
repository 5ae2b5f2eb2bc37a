// Station 4 and 7, DER (X.690): what is needed of it to read and to write certificates, requests and signatures.
// Strict: a length that is not the shortest, or that reaches beyond the end, is refused. Pure, and the browser's too.
import { joinBytes, toBase64 } from './bytes.ts';
import { equalBytes } from './merkle.ts';

/** One element: its tag, what it holds, and all of its bytes. */
export interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly raw: Uint8Array;
}

/** Bytes that are no DER, or not of the shape that was asked for. */
export class NotDer extends Error {
  override readonly name = 'NotDer';
}

/** The elements that stand one after another in these bytes. Throws NotDer. */
export function elements(bytes: Uint8Array): Element[] {
  const found: Element[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at] as number;
    let length = bytes[at + 1] ?? -1;
    let head = 2;
    if (length === 0x80 || length < 0) throw new NotDer('DER has no length');
    if (length > 0x80) {
      const count = length - 0x80;
      if (count > 4) throw new NotDer('DER is too long');
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + (bytes[at + 2 + i] ?? 0);
      head += count;
      if (length < 0x80 || length < 256 ** (count - 1)) throw new NotDer('DER length is not the shortest');
    }
    if (at + head + length > bytes.length) throw new NotDer('DER ends too early');
    found.push({
      tag,
      content: bytes.subarray(at + head, at + head + length),
      raw: bytes.subarray(at, at + head + length),
    });
    at += head + length;
  }
  return found;
}

/** The one element that these bytes are. Throws NotDer. */
export function element(bytes: Uint8Array, tag: number): Element {
  const [only, ...more] = elements(bytes);
  if (only?.tag !== tag || more.length > 0) throw new NotDer('DER is of another kind');
  return only;
}

/** Writes an element. */
export function der(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const size = content.reduce((sum, part) => sum + part.length, 0);
  const length =
    size < 0x80
      ? [size]
      : size < 0x100
        ? [0x81, size]
        : size < 0x10000
          ? [0x82, size >> 8, size & 0xff]
          : [0x83, size >> 16, (size >> 8) & 0xff, size & 0xff];
  return joinBytes(Uint8Array.of(tag, ...length), ...content);
}

/** A whole number that is not negative, from its bytes. */
export function derInteger(bytes: Uint8Array): Uint8Array {
  let from = 0;
  while (from < bytes.length - 1 && bytes[from] === 0) from++;
  const digits = bytes.subarray(from);
  // A leading 1 bit would make the number negative.
  return (digits[0] ?? 0) >= 0x80 ? der(0x02, Uint8Array.of(0), digits) : der(0x02, digits);
}

/** An ECDSA signature of P-256 in DER (RFC 3279 section 2.2.3) as its two 32-byte numbers (IEEE P1363). Throws NotDer. */
export function p1363FromDer(signature: Uint8Array): Uint8Array {
  const parts = elements(element(signature, 0x30).content);
  const numbers = new Uint8Array(64);
  if (parts.length !== 2) throw new NotDer('signature has no two numbers');
  for (const [i, { tag, content }] of parts.entries()) {
    const digits = content[0] === 0 ? content.subarray(1) : content;
    if (tag !== 0x02 || digits.length > 32) throw new NotDer('signature is of another curve');
    numbers.set(digits, 32 * (i + 1) - digits.length);
  }
  if (!equalBytes(derFromP1363(numbers), signature)) throw new NotDer('signature is not in its one spelling');
  return numbers;
}

/** The way back: 64 bytes, as WebCrypto gives them, in DER. */
export const derFromP1363 = (signature: Uint8Array): Uint8Array =>
  der(0x30, derInteger(signature.subarray(0, 32)), derInteger(signature.subarray(32, 64)));

/** The bytes in a PEM block of that label, or undefined when there is none that can be read. */
export function pemBytes(pem: string, label = 'CERTIFICATE'): Uint8Array | undefined {
  const body = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`).exec(
    pem,
  )?.[1];
  if (body === undefined) return undefined;
  try {
    const latin1 = atob(body.replace(/\s/g, ''));
    const bytes = new Uint8Array(latin1.length);
    for (let at = 0; at < bytes.length; at++) bytes[at] = latin1.charCodeAt(at);
    return bytes;
  } catch {
    return undefined;
  }
}

/** A PEM block. */
export function pemOf(label: string, bytes: Uint8Array): string {
  return `-----BEGIN ${label}-----\n${(toBase64(bytes).match(/.{1,64}/g) ?? []).join('\n')}\n-----END ${label}-----\n`;
}
