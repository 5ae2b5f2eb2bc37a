// Station 6, the cosignature: C2SP tlog-cosignature v1 (Ed25519, with its time) over a checkpoint's text, as one line of a note.
// Hashing, signing and checking come as arguments, so that member, chaincode and verifier share it.
// Must never give a time that was not signed, nor take a log's own signature for a witness's.
import { fromBase64, joinBytes, toBase64, toHex, utf8 } from './bytes.ts';
import {
  formatNote,
  MalformedNote,
  type NoteSignature,
  parseNote,
  type Sign,
  type VerifierKey,
  type VerifySignature,
} from './checkpoint.ts';
import type { Hash } from './merkle.ts';

/** Signature type byte of a timestamped Ed25519 witness cosignature (C2SP signed-note, signature types). */
const COSIGNATURE_V1 = 4;
/** Eight bytes of time, 64 of Ed25519. */
const COSIGNATURE_BYTES = 72;

/** Ed25519 key id of a witness: first 4 bytes of SHA-256(name ‖ 0x0A ‖ 0x04 ‖ public key). */
export function witnessKeyIdOf(name: string, publicKey: Uint8Array, hash: Hash): Uint8Array {
  if (publicKey.length !== 32) throw new MalformedNote('Ed25519 public key is not 32 bytes');
  return hash(joinBytes(utf8(`${name}\n`), Uint8Array.of(COSIGNATURE_V1), publicKey)).slice(0, 4);
}

/** `name+keyid+base64(0x04 ‖ public key)`: how a witness publishes its key. */
export function formatWitnessKey(name: string, publicKey: Uint8Array, hash: Hash): string {
  const id = toHex(witnessKeyIdOf(name, publicKey, hash));
  return `${name}+${id}+${toBase64(joinBytes(Uint8Array.of(COSIGNATURE_V1), publicKey))}`;
}

/** Reads a witness's vkey; one whose id does not follow from its own name and key, or of another kind, is refused. */
export function parseWitnessKey(vkey: string, hash: Hash): VerifierKey {
  // A key name has no plus sign, base64 may have some: only the first two divide.
  const [name = '', , ...rest] = vkey.split('+');
  const bytes = fromBase64(rest.join('+'));
  if (name === '' || bytes?.length !== 33 || bytes[0] !== COSIGNATURE_V1)
    throw new MalformedNote('Witness key is not a cosignature key (Ed25519, type 4)');
  const publicKey = bytes.slice(1);
  if (formatWitnessKey(name, publicKey, hash) !== vkey)
    throw new MalformedNote('Witness key id does not belong to this name and key');
  return { name, keyId: witnessKeyIdOf(name, publicKey, hash), publicKey };
}

/**
 * Cosigns a checkpoint's text at `at`, in whole seconds since 1970, and gives the line as it stands in a note, without
 * its line feed. Whoever calls has checked before that the checkpoint grows from the last one it cosigned.
 */
export async function cosignatureLine(
  text: string,
  key: Pick<VerifierKey, 'name' | 'keyId'>,
  at: number,
  sign: Sign,
): Promise<string> {
  const signature = new Uint8Array(COSIGNATURE_BYTES);
  new DataView(signature.buffer).setBigUint64(0, BigInt(at));
  signature.set(await sign(cosignedMessage(text, at)), 8);
  const line: NoteSignature = { name: key.name, keyId: key.keyId, signature };
  const note = formatNote({ text, signatures: [line] });
  return note.slice(text.length + 1, -1);
}

/** The time of a cosignature in seconds since 1970 when the line is that key's and signs this text; else undefined. */
export async function cosignedAt(
  text: string,
  line: string,
  key: VerifierKey,
  verify: VerifySignature,
): Promise<number | undefined> {
  let parsed: NoteSignature | undefined;
  try {
    const { signatures } = parseNote(`${text}\n${line}\n`);
    parsed = signatures.length === 1 ? signatures[0] : undefined;
  } catch (error) {
    if (!(error instanceof MalformedNote)) throw error;
  }
  if (parsed?.name !== key.name || toHex(parsed.keyId) !== toHex(key.keyId)) return undefined;
  if (parsed.signature.length !== COSIGNATURE_BYTES) return undefined;
  const { buffer, byteOffset } = parsed.signature;
  const at = Number(new DataView(buffer, byteOffset, 8).getBigUint64(0));
  if (!Number.isSafeInteger(at)) return undefined;
  const right = await verify(key.publicKey, cosignedMessage(text, at), parsed.signature.subarray(8));
  return right ? at : undefined;
}

/** The note with these lines behind its own signatures; a line that stands there already is not repeated. */
export function withCosignatures(note: string, lines: readonly string[]): string {
  const added = lines.filter((line) => !note.includes(`\n${line}\n`));
  const whole = `${note}${added.map((line) => `${line}\n`).join('')}`;
  parseNote(whole);
  return whole;
}

/** What is signed: a header line, the time, and the checkpoint's text as it stands. */
const cosignedMessage = (text: string, at: number): Uint8Array => utf8(`cosignature/v1\ntime ${at}\n${text}`);
