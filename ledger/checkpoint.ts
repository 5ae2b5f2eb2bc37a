// Station 5, the checkpoint: C2SP tlog-checkpoint inside a C2SP signed note, written and read byte for byte.
// Hashing, signing and checking come as arguments (sync or async), so Node, browser and chaincode share it.
// Must never drop a signature line it does not know: cosignatures of others travel with the note.
import { fromBase64, joinBytes, toBase64, utf8 } from './bytes.ts';
import { equalBytes, HASH_BYTES, type Hash } from './merkle.ts';

/** Size and root of the log, under the origin that names it. `extensions` are further lines, none of them ours. */
export type Checkpoint = {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly extensions?: readonly string[];
};

/** One signature line: whose (name and 4-byte key id) and the signature's own bytes after the key id. */
export type NoteSignature = {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
};

/** A signed note taken apart: `text` ends in a line feed and is what the signatures are about. */
export type Note = { readonly text: string; readonly signatures: readonly NoteSignature[] };

/** An Ed25519 verifier key as its `vkey` string says it. */
export type VerifierKey = {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly publicKey: Uint8Array;
};

/** Ed25519 over `message`, by the private key that the caller keeps. Gives 64 bytes. */
export type Sign = (message: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** Ed25519 check with a raw 32-byte public key. */
export type VerifySignature = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => boolean | Promise<boolean>;

/**
 * `holds`: every signature of a known key is right, and there is at least one; `by` names them, `unknown` are the rest.
 * Otherwise `why` says which key's line is wrong, or that no known key signed.
 */
export type NoteVerdict =
  | {
      readonly holds: true;
      readonly by: readonly VerifierKey[];
      readonly unknown: readonly NoteSignature[];
    }
  | { readonly holds: false; readonly why: 'no-known-signature' | 'wrong-signature'; readonly name?: string };

/** Text that is not a note, checkpoint or vkey in the one allowed spelling. Never holds the text itself. */
export class MalformedNote extends Error {
  override readonly name = 'MalformedNote';
}

/** Signature type byte of plain Ed25519 in C2SP signed-note. */
const ED25519 = 1;
const KEY_ID_BYTES = 4;
/** Bounds on what is read from others: the reference implementation's 1 MB and 100 signatures. */
const MAX_NOTE_CHARACTERS = 1_000_000;
const MAX_SIGNATURES = 100;
const SIGNATURE_START = '— ';

/** The text that is signed: origin, size and base64 root, a line each, then extension lines. */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  const { origin, size, root, extensions = [] } = checkpoint;
  const lines = [origin, String(size), toBase64(root), ...extensions];
  const text = `${lines.join('\n')}\n`;
  // Reading it back refuses whatever could be read differently: a line feed in the origin, an unsafe size.
  parseCheckpoint(text);
  return text;
}

/** Reads a checkpoint text in its one allowed spelling (no leading zeros, strict base64); else MalformedNote. */
export function parseCheckpoint(text: string): Checkpoint {
  demandText(text);
  const lines = text.slice(0, -1).split('\n');
  const [origin = '', size = '', root = '', ...extensions] = lines;
  if (origin === '') throw new MalformedNote('Checkpoint has no origin line');
  if (!/^(0|[1-9][0-9]{0,15})$/.test(size) || !Number.isSafeInteger(Number(size))) {
    throw new MalformedNote('Checkpoint size is not a plain decimal number below 2^53');
  }
  const bytes = fromBase64(root);
  if (bytes?.length !== HASH_BYTES)
    throw new MalformedNote('Checkpoint root is not 32 bytes in strict base64');
  if (extensions.includes('')) throw new MalformedNote('Checkpoint has an empty extension line');
  return { origin, size: Number(size), root: bytes, ...(extensions.length > 0 && { extensions }) };
}

/** Ed25519 key id: first 4 bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key). */
export function keyIdOf(name: string, publicKey: Uint8Array, hash: Hash): Uint8Array {
  demandName(name);
  if (publicKey.length !== 32) throw new MalformedNote('Ed25519 public key is not 32 bytes');
  return hash(joinBytes(utf8(`${name}\n`), Uint8Array.of(ED25519), publicKey)).slice(0, KEY_ID_BYTES);
}

/** `name+keyid+base64(0x01 ‖ public key)`: how a log or witness publishes its Ed25519 key. */
export function formatVerifierKey(name: string, publicKey: Uint8Array, hash: Hash): string {
  const id = [...keyIdOf(name, publicKey, hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${name}+${id}+${toBase64(joinBytes(Uint8Array.of(ED25519), publicKey))}`;
}

/** Reads a vkey string; one whose key id does not follow from its own name and key is refused. */
export function parseVerifierKey(vkey: string, hash: Hash): VerifierKey {
  // A key name has no plus sign, base64 may have some: only the first two divide.
  const [name = '', id = '', ...rest] = vkey.split('+');
  const bytes = fromBase64(rest.join('+'));
  if (bytes?.length !== 33 || bytes[0] !== ED25519) throw new MalformedNote('Verifier key is not Ed25519');
  const publicKey = bytes.slice(1);
  if (formatVerifierKey(name, publicKey, hash) !== vkey) {
    throw new MalformedNote(`Verifier key id does not belong to this name and key: ${id.slice(0, 8)}`);
  }
  return { name, keyId: keyIdOf(name, publicKey, hash), publicKey };
}

/** Signs `text` and gives the note with that one signature line. */
export async function signNote(text: string, name: string, keyId: Uint8Array, sign: Sign): Promise<string> {
  demandText(text);
  const signature = await sign(utf8(text));
  return formatNote({ text, signatures: [{ name, keyId, signature }] });
}

/** The note's bytes as text: what was parsed comes out unchanged, lines of unknown keys included. */
export function formatNote(note: Note): string {
  demandText(note.text);
  const lines = note.signatures.map((line) => {
    demandName(line.name);
    if (line.keyId.length !== KEY_ID_BYTES) throw new MalformedNote('Key id is not 4 bytes');
    if (line.signature.length === 0) throw new MalformedNote('Signature is empty');
    return `${SIGNATURE_START}${line.name} ${toBase64(joinBytes(line.keyId, line.signature))}\n`;
  });
  if (lines.length === 0) throw new MalformedNote('Note has no signature');
  return `${note.text}\n${lines.join('')}`;
}

/**
 * Takes a note apart; anything but the one allowed spelling is MalformedNote. Checks no signature.
 * Bytes from outside are decoded by the caller with a fatal UTF-8 decoder, as a note is valid UTF-8.
 */
export function parseNote(note: string): Note {
  if (note.length > MAX_NOTE_CHARACTERS) throw new MalformedNote('Note is too long');
  const divide = note.lastIndexOf('\n\n');
  if (divide < 0 || !note.endsWith('\n')) throw new MalformedNote('Note has no signature block');
  const text = note.slice(0, divide + 1);
  demandText(text);
  const block = note.slice(divide + 2, -1);
  const lines = block.split('\n');
  if (block === '') throw new MalformedNote('Note has no signature');
  if (lines.length > MAX_SIGNATURES) throw new MalformedNote('Note has too many signatures');
  return { text, signatures: lines.map(parseSignatureLine) };
}

/**
 * Checks the note against the keys the caller trusts.
 * 1. A line counts for a key only if name and key id both match. 2. Each such line must verify, also a second one.
 * 3. Lines of other keys decide nothing. 4. At least one known key must have signed.
 */
export async function verifyNote(
  note: Note,
  keys: readonly VerifierKey[],
  verify: VerifySignature,
): Promise<NoteVerdict> {
  const message = utf8(note.text);
  const by = new Set<VerifierKey>();
  const unknown: NoteSignature[] = [];
  for (const line of note.signatures) {
    const key = keys.find((known) => known.name === line.name && equalBytes(known.keyId, line.keyId));
    if (key === undefined) {
      unknown.push(line);
      continue;
    }
    if (line.signature.length !== 64 || !(await verify(key.publicKey, message, line.signature))) {
      return { holds: false, why: 'wrong-signature', name: key.name };
    }
    by.add(key);
  }
  if (by.size === 0) return { holds: false, why: 'no-known-signature' };
  return { holds: true, by: [...by], unknown };
}

function parseSignatureLine(line: string): NoteSignature {
  if (!line.startsWith(SIGNATURE_START)) throw new MalformedNote('Signature line does not begin with a dash');
  const [name = '', encoded = '', ...more] = line.slice(SIGNATURE_START.length).split(' ');
  demandName(name);
  const bytes = fromBase64(encoded);
  if (more.length > 0 || bytes === undefined || bytes.length <= KEY_ID_BYTES) {
    throw new MalformedNote('Signature line is not name, space, strict base64 of key id and signature');
  }
  return { name, keyId: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) };
}

/** Note text: well-formed, ends in a line feed, no control characters besides line feeds (C2SP signed-note). */
function demandText(text: string) {
  if (!text.endsWith('\n')) throw new MalformedNote('Note text does not end in a line feed');
  if (!text.isWellFormed()) throw new MalformedNote('Note text holds a lone surrogate');
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x20 && code !== 0x0a) {
      throw new MalformedNote('Note text holds a control character');
    }
  }
}

function demandName(name: string) {
  if (name === '' || /[\s+\p{Cc}]/u.test(name) || !name.isWellFormed()) {
    throw new MalformedNote('Key name is empty or holds a space, a plus sign or a control character');
  }
}
