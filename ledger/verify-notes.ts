// Station 7, what the ledger says beside the log, as a signed note under the log's key: when it saw a size anchored. Its first
// line is no log's origin, so that it can never be taken for a checkpoint.
import { toHex } from './bytes.ts';
import {
  MalformedNote,
  parseNote,
  type VerifierKey,
  type VerifySignature,
  verifyNote,
} from './checkpoint.ts';

/** That the service saw the chain hold this size and root, at this time (ISO, UTC). */
export interface AnchoredNote {
  readonly size: number;
  readonly root: Uint8Array;
  readonly at: string;
}

/** The text that is signed about an anchor. */
export const anchoredText = (origin: string, { size, root, at }: AnchoredNote): string =>
  `${origin}/anchored\n${size}\n${toHex(root)}\n${at}\n`;

/** Whether a note says exactly this, under one of these keys. */
export async function noteSays(
  note: string,
  text: string,
  keys: readonly VerifierKey[],
  verify: VerifySignature,
): Promise<'holds' | 'other' | 'not-signed'> {
  try {
    const parsed = parseNote(note);
    if (parsed.text !== text) return 'other';
    return (await verifyNote(parsed, keys, verify)).holds ? 'holds' : 'not-signed';
  } catch (error) {
    if (!(error instanceof MalformedNote)) throw error;
    return 'other';
  }
}
