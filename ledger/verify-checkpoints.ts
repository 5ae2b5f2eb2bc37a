// Station 7, what is signed about sizes: every checkpoint by the log's key and after its neighbour, every anchor as it was
// signed. Their roots are compared later, with the tree. Never judges a leaf.
import { type Checkpoint, MalformedNote, parseCheckpoint, parseNote, verifyNote } from './checkpoint.ts';
import { equalBytes, HASH_BYTES } from './merkle.ts';
import { type Report, say } from './verify-finding.ts';
import { lastSizeUpTo, packedBytes, placeOf } from './verify-memory.ts';
import { anchoredText, noteSays, previousIn } from './verify-notes.ts';
import { logKeysFor, type StoredCheckpoint, type StoredLog, type Trust } from './verify-sources.ts';

/** Sizes and roots as a table states them. */
export interface Stated {
  readonly sizes: number[];
  /** Roots that rightly signed notes state, where the row states another one. */
  readonly otherwise: Map<number, Uint8Array>;
  /** Sizes of which the row says what was signed. */
  readonly vouched: Set<number>;
  readonly roots: ReturnType<typeof packedBytes>;
}

/** Anchors, with the time at which each was seen. */
export interface StatedAnchors extends Stated {
  readonly times: { readonly size: number; readonly at: number }[];
}

/** Reads all checkpoints: each note must be signed and say what its row says. Roots are compared later, with the tree. */
export async function statedCheckpoints(trust: Trust, stored: StoredLog, report: Report): Promise<Stated> {
  const stated: Stated = {
    sizes: [],
    otherwise: new Map(),
    vouched: new Set(),
    roots: packedBytes(HASH_BYTES),
  };
  for await (const portion of stored.checkpoints())
    for (const row of portion) {
      const before = stated.sizes.at(-1) ?? null;
      checkNeighbour(row, before ?? 0, report);
      stated.sizes.push(row.size);
      stated.roots.push(row.root);
      const { fault, root } = await readNote(trust, row.note, row.size);
      // Which of the two roots is right, the tree tells.
      if (root && !equalBytes(root, row.root)) stated.otherwise.set(row.size, root);
      else if (root) stated.vouched.add(row.size);
      if (fault)
        report(
          say(
            'log',
            'log_checkpoints',
            String(row.size),
            'note',
            fault.kind,
            `Checkpoint ${fault.says}: size ${row.size}`,
            { rightAt: before, wrongAt: row.size },
          ),
        );
    }
  return stated;
}

/** Each checkpoint names the one before it, so that one that is taken away, or put in between, is missed. */
function checkNeighbour({ size, previous }: StoredCheckpoint, before: number, report: Report): void {
  if (previous === before) return;
  const gone = previous > before && previous < size;
  report(
    gone
      ? say(
          'log',
          'log_checkpoints',
          String(previous),
          null,
          'deleted',
          `Checkpoint is missing that the next one follows: size ${previous}, before ${size}`,
          { rightAt: before || null, wrongAt: size },
        )
      : say(
          'log',
          'log_checkpoints',
          String(size),
          'previous',
          'edited',
          `Checkpoint does not follow the one before it: size ${size} names ${previous}, not ${before}`,
          { rightAt: before || null, wrongAt: size },
        ),
  );
}

/** The root that is stated of a size; undefined when none is, or when the row and what was signed differ. */
export function statedRoot(stated: Stated, size: number): Uint8Array | undefined {
  const at = placeOf(stated.sizes, size);
  return at < 0 || !stated.vouched.has(size) ? undefined : stated.roots.at(at);
}

/** Reads what is called anchored: each signed as it stands, and each at a checkpoint of ours. */
export async function statedAnchors(
  trust: Trust,
  stored: StoredLog,
  checkpoints: Stated,
  report: Report,
): Promise<StatedAnchors> {
  const stated: StatedAnchors = {
    sizes: [],
    times: [],
    otherwise: new Map(),
    vouched: new Set(),
    roots: packedBytes(HASH_BYTES),
  };
  let next = 0;
  for await (const portion of stored.anchors())
    for (const row of portion) {
      const { size, root } = row;
      const before = stated.sizes.at(-1) ?? 0;
      const previous = previousIn(row.note);
      const text = anchoredText(trust.origin, { ...row, previous });
      stated.sizes.push(size);
      stated.roots.push(root);
      stated.times.push({ size, at: Date.parse(row.at) });
      const window = { rightAt: lastSizeUpTo(checkpoints.sizes, size - 1), wrongAt: size };
      const keys = logKeysFor(trust, size);
      const said = await noteSays(row.note, text, keys, trust.verifyNote);
      if (said === 'not-signed')
        report(
          say(
            'log',
            'log_anchors',
            String(size),
            'note',
            'forged-checkpoint',
            `Anchor is not signed by the log's key: size ${size}`,
            window,
          ),
        );
      else if (said === 'other')
        report(
          say(
            'log',
            'log_anchors',
            String(size),
            differing(row.note, text),
            'edited',
            `Anchor is not what was signed about it: size ${size}`,
            window,
          ),
        );
      if (said === 'holds' && previous !== undefined) checkAnchorBefore(size, previous, before, report);
      while ((checkpoints.sizes[next] ?? Infinity) < size) next += 1;
      // Beyond the newest checkpoint the head tells; here only what stood between two of them.
      if (checkpoints.sizes[next] !== size && next < checkpoints.sizes.length && said === 'holds')
        report(
          say(
            'log',
            'log_checkpoints',
            String(size),
            null,
            'deleted',
            `Checkpoint is missing that was anchored: size ${size}`,
            window,
          ),
        );
    }
  return stated;
}

/** Each anchor's note names the size that the chain held before it, and there is a row of that one and of none between. */
function checkAnchorBefore(size: number, previous: number, before: number, report: Report): void {
  if (previous === before) return;
  const [row, kind, says] =
    previous > before
      ? ([previous, 'deleted', `Anchor is missing that the next one follows: size ${previous}`] as const)
      : ([before, 'inserted', `Anchor is of a size at which the next one saw none: size ${before}`] as const);
  report(
    say('log', 'log_anchors', String(row), null, kind, `${says}, before ${size}`, {
      rightAt: null,
      wrongAt: size,
    }),
  );
}

/** The column in which a note about an anchor differs from its row; the note itself when it is none. */
function differing(note: string, text: string): string {
  const told = note.split('\n');
  const at = text.split('\n').findIndex((line, i) => line !== told[i]);
  return ['note', 'size', 'root', 'at'][at] ?? 'note';
}

/** What is wrong with a signed note about this size and root; undefined when nothing is. */
export async function noteFault(
  trust: Trust,
  text: string,
  size: number,
  root: Uint8Array,
): Promise<NoteFault | undefined> {
  const read = await readNote(trust, text, size);
  if (read.fault) return read.fault;
  return equalBytes(read.root, root) ? undefined : ELSEWHERE;
}

interface NoteFault {
  readonly kind: 'forged-checkpoint' | 'edited';
  readonly says: string;
}

const ELSEWHERE: NoteFault = { kind: 'edited', says: 'states another size or root than its row' };

/** The root that a note states of this size under the log's key, or what is wrong with it. */
async function readNote(
  trust: Trust,
  text: string,
  size: number,
): Promise<
  | { readonly fault: NoteFault; readonly root?: undefined }
  | { readonly fault?: undefined; readonly root: Uint8Array }
> {
  let checkpoint: Checkpoint;
  try {
    const note = parseNote(text);
    checkpoint = parseCheckpoint(note.text);
    const verdict = await verifyNote(note, logKeysFor(trust, checkpoint.size), trust.verifyNote);
    if (!verdict.holds)
      return { fault: { kind: 'forged-checkpoint', says: "is not signed by the log's key" } };
  } catch (error) {
    if (!(error instanceof MalformedNote)) throw error;
    return { fault: { kind: 'edited', says: 'is not a signed note' } };
  }
  if (checkpoint.origin !== trust.origin)
    return { fault: { kind: 'forged-checkpoint', says: 'is of another log' } };
  return checkpoint.size === size ? { root: checkpoint.root } : { fault: ELSEWHERE };
}

/** Judges what a checkpoint's row and its note state, once the tree over the leaves before it is known. */
export function judgeCheckpoint(
  stated: Stated,
  size: number,
  given: Uint8Array,
  tree: Uint8Array,
  report: Report,
): void {
  const signed = stated.otherwise.get(size);
  stated.otherwise.delete(size);
  const window = { rightAt: lastSizeUpTo(stated.sizes, size - 1), wrongAt: size };
  const wrong = (column: 'root' | 'note', kind: 'edited' | 'forked-log', says: string): void =>
    report(say('log', 'log_checkpoints', String(size), column, kind, `${says}: size ${size}`, window));
  if (!equalBytes(given, tree)) {
    if (stated.vouched.has(size))
      wrong(
        'root',
        'forked-log',
        "Checkpoint under the log's own key is of another tree than the leaves before it",
      );
    else wrong('root', 'edited', "Checkpoint's root is not the root of the leaves before it");
  }
  if (signed && !equalBytes(signed, tree))
    wrong('note', 'forked-log', "Note under the log's own key is of another tree than the leaves before it");
}

/** Says of notes that differ from their rows where no tree could tell which is right. */
export function reportUnjudged(stated: Stated, report: Report): void {
  for (const size of stated.otherwise.keys())
    report(
      say(
        'log',
        'log_checkpoints',
        String(size),
        'note',
        ELSEWHERE.kind,
        `Checkpoint ${ELSEWHERE.says}: size ${size}`,
        {
          rightAt: lastSizeUpTo(stated.sizes, size - 1),
          wrongAt: size,
        },
      ),
    );
}

export function wrongAnchor(size: number, report: Report): void {
  report(
    say(
      'log',
      'log_anchors',
      String(size),
      'root',
      'edited',
      `Anchor's root is not the root of the leaves before it: size ${size}`,
      { rightAt: null, wrongAt: size },
    ),
  );
}
