// Station 1, web: the rows that a page of the queue shows, as the address of its stream carries them: ids of tasks and a mark of
// what each row said, so that the stream knows what has changed since the page, also after a lost connection. Never names.
import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import type { QueueRow } from '../../db/views/queue.ts';
import { PAGE_SIZES, QueueRowNow, type RowFrame } from './queue.tsx';

const MOST = Math.max(...PAGE_SIZES);
const ID = 16;
const MARK = 4;

/** A row of a page: its task, and the mark of what it said. */
export interface ShownRow {
  readonly id: string;
  readonly mark: string;
}

/** The mark of a row as it stands: of all it says but its operation keys, which are new each time. */
export async function markOf(frame: RowFrame, row: QueueRow): Promise<string> {
  const part = QueueRowNow({ frame: { ...frame, claimKey: () => '', handBackKey: () => '' }, row });
  const said = String(await (part as { toString(): unknown }).toString());
  return hash('sha256', said).slice(0, MARK * 2);
}

/** Rows as an address carries them: 16 bytes of id and 4 of mark each, base64url. */
export const packRows = (rows: readonly ShownRow[]): string =>
  Buffer.from(rows.map(({ id, mark }) => id.replaceAll('-', '') + mark).join(''), 'hex').toString(
    'base64url',
  );

/** The rows of an address, or undefined when no page of ours wrote it. */
export function unpackRows(text: string): ShownRow[] | undefined {
  const bytes = Buffer.from(text, 'base64url');
  const each = ID + MARK;
  if (bytes.toString('base64url') !== text || bytes.length % each !== 0 || bytes.length > MOST * each)
    return undefined;
  return Array.from({ length: bytes.length / each }, (_, n) => {
    const one = bytes.subarray(n * each, n * each + each).toString('hex');
    return {
      id: one.slice(0, ID * 2).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
      mark: one.slice(ID * 2),
    };
  });
}
