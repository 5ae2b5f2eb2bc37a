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
  /** The size that the chain held before this one, 0 for none; older notes do not say. */
  readonly previous?: number | undefined;
}

/** The text that is signed about an anchor. */
export const anchoredText = (origin: string, { size, root, at, previous }: AnchoredNote): string =>
  `${origin}/anchored\n${size}\n${toHex(root)}\n${at}\n${previous === undefined ? '' : `${previous}\n`}`;

/** The size before it that an anchor's note states; undefined when it states none. */
export function previousIn(note: string): number | undefined {
  const line = note.split('\n')[4] ?? '';
  return /^(0|[1-9]\d{0,15})$/.test(line) ? Number(line) : undefined;
}

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
