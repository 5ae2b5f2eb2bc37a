// Stations 4 to 7, bytes as text: the one spelling that entries, receipts, keys on the chain and findings share.
// Pure, and the browser's and the chaincode's too, so it uses nothing that only Node has. Never reads two spellings as the same bytes.

const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Bytes as lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += DIGITS[byte];
  return text;
}

/** Text as UTF-8. */
export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** One run of bytes out of several, in their order. */
export function joinBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Bytes as base64 with padding (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  let latin1 = '';
  // By pieces: a hostile line is long, and spreading it into arguments would overflow the stack.
  for (let at = 0; at < bytes.length; at += 4096)
    latin1 += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return btoa(latin1);
}

/** Bytes of strict base64 with padding; `undefined` for any other spelling of the same bytes. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const latin1 = atob(text);
  const bytes = new Uint8Array(latin1.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = latin1.charCodeAt(at);
  // Only a last group that is padded can be spelled in more than one way.
  const rest = bytes.length % 3;
  return rest === 0 || text.endsWith(toBase64(bytes.subarray(-rest))) ? bytes : undefined;
}
