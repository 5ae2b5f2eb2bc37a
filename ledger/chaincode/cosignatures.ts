// Station 6 on the chain: the members' cosignatures of checkpoints, each checked here before it counts.
// Promise: a line is kept only when it is that organisation's witness key over the checkpoint that this chain holds.
// Must never let an organisation go back, nor replace a line that was kept.
import { ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { parseNote } from '../checkpoint.ts';
import { cosignedAt } from '../cosignature.ts';
import { keyInForce } from './keys.ts';
import { checkpointAt } from './log.ts';
import { type Crypto, encode, LogRefusal, pad, readValue, type State } from './state.ts';

/** One organisation's cosignature. `at` is the time that it signed, in seconds since 1970; `line` stands in a note. */
export type Cosignature = {
  readonly at: number;
  readonly line: string;
  readonly organisation: Organisation;
  readonly size: number;
};

/**
 * Keeps an organisation's cosignature of the checkpoint at `size`.
 * 1. A batch ended at that size, and the line signs exactly its checkpoint. 2. An organisation that has cosigned here
 * before gets the same answer again, whatever line it sends. 3. It never cosigns a smaller size than its last one.
 */
export async function cosign(
  state: State,
  organisation: Organisation,
  size: number,
  line: string,
  crypto: Crypto,
): Promise<Cosignature> {
  const kept = await readValue<Cosignature>(state, cosignatureKey(size, organisation));
  if (kept !== undefined) return kept;
  const { note } = await checkpointAt(state, size);
  const newest = await readValue<Cosignature>(state, newestKey(organisation));
  if (newest !== undefined && newest.size > size)
    throw new LogRefusal('SMALLER_SIZE', 'Organisation has cosigned a larger log; cosign growth only', {
      cosigned: newest.size,
      size,
    });
  const key = await keyInForce(state, 'witness', organisation, crypto.hash);
  const at = await cosignedAt(parseNote(note).text, line, key, crypto.verify);
  if (at === undefined)
    throw new LogRefusal(
      'WRONG_COSIGNATURE',
      "Line is not this witness's over the checkpoint here; sign that one",
      {
        organisation,
        size,
      },
    );
  const cosignature = { at, line, organisation, size };
  await state.write(cosignatureKey(size, organisation), encode(cosignature));
  await state.write(newestKey(organisation), encode(cosignature));
  return cosignature;
}

/** The cosignatures of the checkpoint at exactly `size`, in the organisations' order. */
export function cosignaturesAt(state: State, size: number): Promise<Cosignature[]> {
  return readAll(state, (organisation) => cosignatureKey(size, organisation));
}

/** Each organisation's newest cosignature. */
export function newestCosignatures(state: State): Promise<Cosignature[]> {
  return readAll(state, newestKey);
}

async function readAll(state: State, keyOf: (of: Organisation) => string): Promise<Cosignature[]> {
  const found: Cosignature[] = [];
  for (const organisation of ORGANISATIONS) {
    const cosignature = await readValue<Cosignature>(state, keyOf(organisation));
    if (cosignature !== undefined) found.push(cosignature);
  }
  return found;
}

const cosignatureKey = (size: number, of: Organisation) => `cosignature/${pad(size)}/${of}`;
const newestKey = (of: Organisation) => `cosigned/${of}`;
