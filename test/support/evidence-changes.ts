// Test support: evidence with one byte of one signed part changed, for every part and places spread over it. Nothing here judges;
// whoever uses it demands that each is refused.
import { fromBase64, toBase64, utf8 } from '../../ledger/bytes.ts';
import { leavesInBlock } from '../../ledger/evidence/blocks.ts';
import type { StepName } from '../../ledger/evidence/check.ts';
import type { Evidence } from '../../ledger/evidence/format.ts';

/** One way to change one byte of something signed, and the steps of which one must refuse it. */
export interface Change {
  readonly what: string;
  readonly steps: readonly StepName[];
  readonly evidence: Evidence;
}

/** `count` places spread over a length, its first and last among them. */
const places = (length: number, count: number): number[] =>
  length <= count
    ? Array.from({ length }, (_, at) => at)
    : Array.from({ length: count }, (_, i) => Math.floor((i * (length - 1)) / (count - 1)));

const flipped = (bytes: Uint8Array, at: number): Uint8Array => {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] as number) ^ 1;
  return copy;
};
const bytesOf = (text: string): Uint8Array => {
  const bytes = fromBase64(text);
  if (!bytes) throw new Error('not base64');
  return bytes;
};
/** Every entry's signed parts, each with `count` of its bytes changed, one at a time. */
export function* changesOfEntries(sound: Evidence, count: number): Generator<Change> {
  for (const [number, entry] of sound.entries.entries()) {
    const put = (changed: Partial<typeof entry>): Evidence => ({
      ...sound,
      entries: sound.entries.with(number, { ...entry, ...changed }),
    });
    for (const name of ['body', 'signature'] as const) {
      const bytes = bytesOf(entry[name]);
      for (const at of places(bytes.length, count))
        yield {
          what: `${name} of entry ${number + 1}, byte ${at}`,
          steps: name === 'body' ? ['inclusion'] : ['service'],
          evidence: put({ [name]: toBase64(flipped(bytes, at)) }),
        };
    }
    for (const [step, node] of entry.proof.entries())
      yield {
        what: `proof of entry ${number + 1}, node ${step}`,
        steps: ['inclusion'],
        evidence: put({ proof: entry.proof.with(step, toBase64(flipped(bytesOf(node), 31))) }),
      };
    if (entry.statement !== null) {
      const characters = [...entry.statement];
      for (const at of places(characters.length, count))
        yield {
          what: `statement of entry ${number + 1}, character ${at}`,
          steps: ['statements'],
          evidence: put({ statement: characters.with(at, characters[at] === 'x' ? 'y' : 'x').join('') }),
        };
    }
    for (const [which, opening] of entry.openings.entries()) {
      const openings = (one: Partial<typeof opening>): Evidence =>
        put({ openings: entry.openings.with(which, { ...opening, ...one }) });
      const where = `opening ${which} of entry ${number + 1}`;
      const other = opening.opening.startsWith('A') ? 'B' : 'A';
      yield {
        what: where,
        steps: ['openings'],
        evidence: openings({ opening: other + opening.opening.slice(1) }),
      };
      yield {
        what: `${where}, its value`,
        steps: ['openings'],
        evidence: openings({ value: `${opening.value} ` }),
      };
    }
  }
}

/** Checkpoint, certificates, lists and blocks. */
export function* changesAround(sound: Evidence, count: number): Generator<Change> {
  const divide = sound.checkpoint.indexOf('\n\n');
  const note = utf8(sound.checkpoint);
  // The text, and the log's own signature behind the name of its key.
  const [signature = ''] = sound.checkpoint.slice(divide + 2).split('\n');
  const from = utf8(sound.checkpoint.slice(0, divide + 2 + signature.lastIndexOf(' ') + 1)).length;
  const log = places(signature.slice(signature.lastIndexOf(' ') + 1).length, count).map((at) => from + at);
  for (const at of [...places(divide, count), ...log]) {
    const changed = Uint8Array.from(note);
    changed[at] = changed[at] === 0x41 ? 0x42 : 0x41;
    yield {
      what: `checkpoint, byte ${at}`,
      steps: ['checkpoint'],
      evidence: { ...sound, checkpoint: new TextDecoder().decode(changed) },
    };
  }
  for (const [line, text] of sound.checkpoint.split('\n').entries()) {
    if (!text.startsWith('— rehab/witness/')) continue;
    const at = text.length - 20;
    const changed = `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
    yield {
      what: `cosignature in line ${line}`,
      steps: ['cosignatures'],
      evidence: { ...sound, checkpoint: sound.checkpoint.split('\n').with(line, changed).join('\n') },
    };
  }
  for (const [number, block] of sound.blocks.entries()) {
    const bytes = bytesOf(block.bytes);
    for (const run of leavesInBlock(bytes).leaves)
      for (const at of places(run.leaves.length, count)) {
        const place = Buffer.from(bytes).indexOf(run.leaves) + at;
        yield {
          what: `block ${block.number}, byte ${place}`,
          steps: ['chain'],
          evidence: {
            ...sound,
            blocks: sound.blocks.with(number, { ...block, bytes: toBase64(flipped(bytes, place)) }),
          },
        };
      }
  }
}
