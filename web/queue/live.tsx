// Station 1, web: the queue as it goes on while somebody reads it (UI.md 4.2, 5.10). Values of rows in sight change in place; what is
// new or stands elsewhere waits behind "Show", so nothing moves under pointer or focus. Reads only; pushes no focus.
import type { Child } from 'hono/jsx';
import { type QueueRow, queuePage, queueRowsNow } from '../../db/views/queue.ts';
import type { Session, WebDeps } from '../deps.ts';
import { Partial } from '../layout.tsx';
import type { Text } from '../text/text.ts';
import { isGone, QueueFresh, QueueRowNow, queueHref, rowId } from './queue.tsx';
import { queueAsk, readQuery, rowFrame } from './routes.tsx';
import { markOf, unpackRows } from './shown-rows.ts';

/** The line above the list speaks at most this often (UI.md 1, 8: one announcement in 10 s). */
const SPEAKS_MS = 10_000;

/**
 * Follows one page of the queue. Each call of what it returns gives what has changed since the call before, the first what has
 * changed since the page.
 * @param asked the page's query, with its place as `from` and its rows as `rows`
 * @returns undefined when the query is none that a page of ours wrote
 */
export function followQueue(
  deps: WebDeps,
  t: Text,
  first: Session,
  asked: (name: string) => string | undefined,
): ((session: Session) => Promise<Child>) | undefined {
  const query = readQuery((name) => (name === 'after' ? asked('from') : asked(name)), first);
  const shown = unpackRows(asked('rows') ?? '');
  if (!query || !shown) return undefined;
  const ids = shown.map(({ id }) => id);
  const { view, filters, size, after } = query;
  const href = queueHref({ view, filters, size }, { after });
  /** The mark of what each row said last. */
  const said = new Map(shown.map(({ id, mark }) => [id, mark]));
  const changed = new Set<string>();
  let spoke = Number.NEGATIVE_INFINITY;
  let told = '';

  return async (session) => {
    const ask = await queueAsk(deps, session, filters);
    const [now, page] = await Promise.all([
      queueRowsNow(deps.db, ask, ids),
      queuePage(deps.db, ask, view, size, after),
    ]);
    const gone = (row: QueueRow) => isGone(row, view, session.person);
    const frame = { ...rowFrame(deps, t, session), gone };
    const rows: Child[] = [];
    for (const row of now) {
      const mark = await markOf(frame, row);
      if (said.get(row.id) === mark) continue;
      // What the reader did in this row is no news to them.
      if (row.holder?.id === session.person) changed.delete(row.id);
      else changed.add(row.id);
      said.set(row.id, mark);
      rows.push(
        <Partial target={`#${rowId(row)}`}>
          <QueueRowNow frame={frame} row={row} />
        </Partial>,
      );
    }
    const offered = page.filter((row) => view !== 'open' || row.refusal === undefined).map(({ id }) => id);
    const fresh = offered.filter((id) => !ids.includes(id)).length;
    const inSight = offered.filter((id) => ids.includes(id));
    const moved = ids.filter((id) => inSight.includes(id)).some((id, n) => id !== inSight[n]);
    const at = deps.now();
    const words = fresh > 0 || moved || changed.size > 0 ? `${changed.size} ${fresh} ${moved}` : '';
    const speaks = words !== told && at.getTime() - spoke >= SPEAKS_MS;
    if (speaks) {
      told = words;
      spoke = at.getTime();
    }
    return (
      <>
        {rows}
        {speaks ? (
          <Partial target="#queue-fresh">
            {words ? (
              <QueueFresh t={t} since={{ changed: changed.size, fresh, at, href }} />
            ) : (
              <QueueFresh t={t} />
            )}
          </Partial>
        ) : null}
      </>
    );
  };
}
