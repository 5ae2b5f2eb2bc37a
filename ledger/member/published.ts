// Station 6, a member's view of the published log: checkpoint and tiles under `/log/`, as any tlog client reads them.
// Promise: a tile has the width that was asked for, or it was not read. Never sends anything that says who asks.
import { hashesOf, TILE_WIDTH, tileAround, tilePath } from '../tiles.ts';

/** The published log. Everything in it is somebody else's word until it was checked. */
export type PublishedLog = {
  /** The newest checkpoint's note; undefined while the log is empty. Throws PublishedFault when it cannot be read. */
  checkpoint(): Promise<string | undefined>;
  /** Hashes `first` up to but not `end` of a level (0: leaf hashes), of a tree of `size`. Throws PublishedFault. */
  hashes(level: number, first: number, end: number, size: number): Promise<Uint8Array[]>;
};

/** The published log cannot be read now; ask again. */
export class PublishedFault extends Error {
  override readonly name = 'PublishedFault';
}

const TIMEOUT_MS = 10_000;
/** C2SP: a checkpoint is small; a tile holds 256 hashes. */
const MAX_BYTES = 64 * 1024;

/** The log below `url`, which ends in a slash. */
export function publishedLog(url: string): PublishedLog {
  async function read(path: string): Promise<Uint8Array | undefined> {
    let response: Response;
    try {
      response = await fetch(new URL(path, url), {
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (response.status === 404) {
        await response.body?.cancel();
        return undefined;
      }
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (response.ok && bytes.length <= MAX_BYTES) return bytes;
    } catch (error) {
      throw new PublishedFault('Published log does not answer; it is asked again', { cause: error });
    }
    throw new PublishedFault(`Published log answers with status ${response.status}; it is asked again`);
  }

  return {
    async checkpoint() {
      const bytes = await read('checkpoint');
      // A note is valid UTF-8; what is not becomes a text that is no note, and is judged as such.
      return bytes && new TextDecoder().decode(bytes);
    },
    async hashes(level, first, end, size) {
      const found: Uint8Array[] = [];
      for (let at = first; at < end; ) {
        const tile = tileAround(level, at, size);
        const bytes = await read(tilePath(tile));
        const hashes = bytes === undefined || bytes.length % 32 !== 0 ? [] : hashesOf(bytes);
        if (hashes.length !== tile.width)
          throw new PublishedFault(`Published tile is missing or has another width: ${tilePath(tile)}`);
        const from = at - tile.index * TILE_WIDTH;
        const part = hashes.slice(from, from + end - at);
        found.push(...part);
        at += part.length;
      }
      return found;
    },
  };
}
