// Test support: every byte of evidence.json, changed one at a time, given to the whole verifier on all cores. Says which bytes were taken
// although they were changed, and which were refused by a step that is not about them. Judges nothing itself.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { utf8 } from '../../ledger/bytes.ts';
import { canonicalJson } from '../../ledger/canonical.ts';
import type { StepName } from '../../ledger/evidence/check.ts';
import { type Evidence, type EvidenceTrust, evidenceText } from '../../ledger/evidence/format.ts';

/** The steps of which one must refuse a change below such a path; none where nothing is signed (docs/evidence-format.md). */
const ABOUT: readonly (readonly [path: RegExp, steps: readonly StepName[]])[] = [
  [/^\/blocks/, ['chain']],
  [/^\/certificates/, ['service', 'persons']],
  [/^\/checkpoint/, ['checkpoint', 'cosignatures']],
  [/^\/entries\/\d+\/(body|index|proof)/, ['inclusion']],
  [/^\/entries\/\d+\/signature/, ['service']],
  [/^\/entries\/\d+\/statement/, ['statements']],
  [/^\/entries\/\d+\/openings/, ['openings']],
  [/^\/(madeAt|waiting)/, []],
  [/^\/origin/, ['checkpoint']],
  [/^\/parameters/, ['parameters']],
  [/^\/revocations/, ['service']],
  [/^\/subject/, ['order']],
  [/^\/(format|v)/, []],
];

/** A run of the file's bytes that spell one value, and what must refuse it. */
export interface Stretch {
  readonly from: number;
  readonly end: number;
  readonly path: string;
  readonly steps: readonly StepName[];
  /** Not signed by anybody: it may be taken when it is changed. */
  readonly unsigned: boolean;
}

/** Where each value that is no object and no list stands in the file; what lies between them is form. */
export function stretchesOf(evidence: Evidence): Stretch[] {
  const found: Stretch[] = [];
  let at = 0;
  const walk = (value: unknown, path: string): void => {
    if (Array.isArray(value)) {
      at += 1;
      for (const [which, one] of value.entries()) {
        if (which > 0) at += 1;
        walk(one, `${path}/${which}`);
      }
      at += 1;
    } else if (typeof value === 'object' && value !== null) {
      at += 1;
      for (const [which, name] of Object.keys(value).sort().entries()) {
        if (which > 0) at += 1;
        at += utf8(canonicalJson(name)).length + 1;
        walk((value as Record<string, unknown>)[name], `${path}/${name}`);
      }
      at += 1;
    } else {
      const end = at + utf8(canonicalJson(value)).length;
      const steps = ABOUT.find(([about]) => about.test(path))?.[1];
      if (!steps) throw new Error(`nothing is known of ${path}`);
      found.push({ from: at, end, path, steps, unsigned: /^\/(madeAt|waiting)/.test(path) });
      at = end;
    }
  };
  walk(evidence, '');
  if (utf8(evidenceText(evidence)).length !== at + 1) throw new Error('places were not counted rightly');
  return found;
}

/** What a thread is given: the file, what is trusted, and which of its bytes are this thread's. */
export interface Share {
  readonly bytes: Uint8Array;
  readonly trust: EvidenceTrust;
  readonly stretches: readonly Stretch[];
  /** Every so many bytes from the first. */
  readonly first: number;
  readonly every: number;
}

export interface Tried {
  readonly tried: number;
  /** Taken, or refused by a step that is not about them; the first of them, in words. */
  readonly faults: readonly string[];
  /** Changes of what nobody signs that were taken. */
  readonly unsignedTaken: number;
  /** How many could not be read as evidence, and how many each step refused. */
  readonly refusedBy: Readonly<Record<string, number>>;
}

/** Changes every byte (or one in `every`, from `first`) of the file and checks each as a whole. */
export async function everyByteChanged(
  evidence: Evidence,
  trust: EvidenceTrust,
  { every = 1, first = 0 }: { readonly every?: number; readonly first?: number } = {},
): Promise<Tried> {
  const width = availableParallelism();
  const shares = Array.from({ length: width }, (_, thread) =>
    inThread({
      bytes: utf8(evidenceText(evidence)),
      trust,
      stretches: stretchesOf(evidence),
      first: first + thread * every,
      every: every * width,
    }),
  );
  const done = await Promise.all(shares);
  const refusedBy: Record<string, number> = {};
  for (const [name, count] of done.flatMap((one) => Object.entries(one.refusedBy)))
    refusedBy[name] = (refusedBy[name] ?? 0) + count;
  return {
    tried: done.reduce((sum, { tried }) => sum + tried, 0),
    faults: done.flatMap(({ faults }) => faults),
    unsignedTaken: done.reduce((sum, { unsignedTaken }) => sum + unsignedTaken, 0),
    refusedBy,
  };
}

const inThread = (share: Share): Promise<Tried> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./evidence-bytes-thread.ts', import.meta.url), {
      workerData: share,
      execArgv: [],
    });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`thread ended: ${code}`)));
  });
