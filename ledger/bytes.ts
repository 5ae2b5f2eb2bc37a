// Stations 4 to 7, bytes as text: the one spelling that entries, receipts, keys on the chain and findings share.
// Pure, and the browser's and the chaincode's too, so it uses nothing that only Node has. Never reads text back.

/** Bytes as lower-case hexadecimal. */
export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
