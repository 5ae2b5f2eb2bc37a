// Station 1, web: the public log under `/log/`, in the layout of C2SP tlog-tiles, for anybody's tlog client. Needs no session
// and knows none. Serves commitments, never an entry's content; a tile that does not hash to its root is not served.
import type { Context } from 'hono';
import { commitments, fullTile, levelHashes, newestNote } from '../../db/views/public-log.ts';
import { equalBytes } from '../../ledger/merkle.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { entryBundle, parseTilePath, TILE_WIDTH, type TileAddress, tileRoot } from '../../ledger/tiles.ts';
import type { WebDeps, WebEnv } from '../deps.ts';
import { type Routes, routes } from '../routes.ts';
import { throttle } from './throttle.ts';

/** What never changes may be kept for ever; what grows, only as long as nobody minds (C2SP tlog-tiles). */
const KEPT = {
  checkpoint: 'public, max-age=1',
  partial: 'public, max-age=60',
  full: 'public, max-age=31536000, immutable',
} as const;

/** A monitor reads a new log of a million entries within some minutes. */
const ALLOWANCE = { burst: 1000, perSecond: 50 };

export function logRoutes(deps: WebDeps): Routes {
  const r = routes(deps);
  const wait = throttle(ALLOWANCE, () => performance.now());

  /** Answers unless the address has asked too often. */
  const paced = (c: Context<WebEnv>, answer: () => Promise<Response>): Promise<Response> | Response => {
    const seconds = wait(c.env?.incoming?.socket?.remoteAddress ?? 'unknown');
    return seconds > 0 ? c.text('429', 429, { 'Retry-After': String(seconds) }) : answer();
  };

  r.get('/log/checkpoint', 'public', (c) =>
    paced(c, async () => {
      const newest = await newestNote(deps.db);
      return newest
        ? c.body(newest.note, 200, {
            'Content-Type': 'text/plain; charset=utf-8',
            'Cache-Control': KEPT.checkpoint,
          })
        : c.text('404', 404);
    }),
  );

  r.get('/log/tile/*', 'public', (c) =>
    paced(c, async () => {
      // As it was sent, for the router's own copy is decoded: an address has one spelling.
      const address = parseTilePath(new URL(c.req.url).pathname.slice('/log/'.length));
      const bytes = address && (await tileBytes(deps, address));
      if (!bytes) return c.text('404', 404);
      return c.body(new Uint8Array(bytes), 200, {
        'Content-Type': 'application/octet-stream',
        'Cache-Control': address.width === TILE_WIDTH ? KEPT.full : KEPT.partial,
      });
    }),
  );

  return r;
}

/** The bytes an address names; undefined when the log does not reach so far. */
async function tileBytes(
  { db }: Pick<WebDeps, 'db'>,
  { level, index, width }: TileAddress,
): Promise<Uint8Array | undefined> {
  const from = index * TILE_WIDTH;
  if (!Number.isSafeInteger(from + width)) return undefined;
  if (level === 'entries') {
    const entries = await commitments(db, from, from + width);
    return entries.length === width ? entryBundle(entries) : undefined;
  }
  if (width === TILE_WIDTH) {
    const tile = await fullTile(db, level, index);
    // Kept for ever by whoever fetches it: a flipped bit must not get that far.
    if (tile && !equalBytes(tileRoot(tile.hashes, nodeHashing.hash), tile.root))
      throw new Error(`tile does not hash to its root; run rehab verify: level ${level}, index ${index}`);
    return tile?.hashes;
  }
  const hashes = await levelHashes(db, level, from, from + width);
  return hashes.length === width ? Buffer.concat(hashes) : undefined;
}
