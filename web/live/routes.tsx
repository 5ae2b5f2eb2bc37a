// Station 1, web: what pages follow by themselves. One address; the topic names one action of the permission table, and the right
// is judged again before every message. Streams are no activity: they do not keep a session alive.
import { getCookie } from 'hono/cookie';
import type { Child } from 'hono/jsx';
import { caseFor, clocksOf, decisionsOf, openTasksOf } from '../../db/views/case.ts';
import { entriesOf } from '../../db/views/entries.ts';
import { newestCheckpoint } from '../../db/views/log.ts';
import { isUuid } from '../../domain/ids.ts';
import { allows } from '../../domain/permissions.ts';
import { refuse } from '../../domain/refusal.ts';
import { Board } from '../board/board.tsx';
import { boardView } from '../board/routes.tsx';
import { WhereItIs } from '../cases/case.tsx';
import { eventOf } from '../cases/trail.tsx';
import { turnsOf } from '../cases/whose-turn.ts';
import type { Session, WebDeps } from '../deps.ts';
import { signedIn } from '../guard.ts';
import { Partial } from '../layout.tsx';
import { endedInOf } from '../my/my-case.tsx';
import { TimelineItem } from '../parts/timeline.tsx';
import { followQueue } from '../queue/live.tsx';
import { refusedPage, wordsFor } from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';
import { SESSION_COOKIE, sessionByToken } from '../session.ts';
import type { Text } from '../text/text.ts';
import { MAX_STREAMS } from './feed.ts';
import { openStream } from './stream.ts';

/** Streams of one session (G2). */
const PER_SESSION = 4;
/** Entries of a case whose marks are kept fresh. */
const MARKS = 12;

/** What a topic sends: partials for this session, or undefined when it may not see them (any more). */
type Look = (session: Session) => Promise<Child | undefined>;

/** A topic for one stream, with what it was asked about; undefined when no page of ours asks so. */
type Topic = (
  deps: WebDeps,
  t: Text,
  first: Session,
  asked: (name: string) => string | undefined,
) => Look | undefined;

const TOPICS: Readonly<Record<'board' | 'case' | 'queue', Topic>> = {
  board: (deps, t) => async (session) =>
    allows(session.role, 'board.see') ? (
      <Partial target="#board">
        <Board t={t} view={await boardView(deps, session)} now={deps.now()} />
      </Partial>
    ) : undefined,
  queue: (deps, t, first, asked) => {
    const look = followQueue(deps, t, first, asked);
    return look && (async (session) => (allows(session.role, 'queue.see') ? await look(session) : undefined));
  },
  case: (deps, t, _first, asked) => async (session) => {
    const id = asked('case') ?? '';
    const found = isUuid(id) ? await caseFor(deps.db, id, session.person) : undefined;
    // The case page of staff; people of the case have pages that do not move.
    if (!found || !allows(session.role, 'case.see')) return undefined;
    const { head } = found;
    const [clocks, tasks, decisions, entries] = await Promise.all([
      clocksOf(deps.db, id),
      openTasksOf(deps.db, id, deps.now()),
      decisionsOf(deps.db, id),
      entriesOf(deps.db, { subject: { kind: 'case', id } }, MARKS),
    ]);
    const clinical = ['approval-officer', 'therapist', 'doctor'].includes(session.role);
    return (
      <>
        <Partial target="#where">
          <WhereItIs
            t={t}
            seen={{ head, session, own: undefined, clinical }}
            turns={turnsOf(t, tasks, undefined, session.person)}
            clocks={clocks}
            deps={deps}
            endedIn={endedInOf(head.stage, head.outcome, decisions)}
          />
        </Partial>
        {entries.map((row) => (
          <Partial target={`#timeline > #entry-${row.id}`}>
            <TimelineItem t={t} event={eventOf(t, row, { clinical, reader: session.person })} />
          </Partial>
        ))}
      </>
    );
  },
};

/** Markup of a part as text. */
const markup = async (part: Child): Promise<string> =>
  String(await (part as { toString(): unknown }).toString());

export function liveRoutes(deps: WebDeps): Routes {
  const r = routes(deps);
  const open = new Map<string, number>();
  let all = 0;

  r.get('/live', 'signed-in', async (c) => {
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    const name = c.req.query('topic') ?? '';
    const topic = Object.hasOwn(TOPICS, name) ? TOPICS[name as keyof typeof TOPICS] : undefined;
    const asked = (part: string) => c.req.query(part);
    const look = topic?.(deps, t, session, asked);
    if (!topic || !look) return await refusedPage(c, deps, refuse('malformed'));
    const held = open.get(session.id) ?? 0;
    if (held >= PER_SESSION || all >= MAX_STREAMS) {
      c.header('Retry-After', '20');
      return c.text(t.tooMany.streams, 429);
    }
    // Taken before anything is waited for, so that many at once are still counted one by one.
    open.set(session.id, held + 1);
    all += 1;
    const closed = () => {
      all -= 1;
      const left = (open.get(session.id) ?? 1) - 1;
      if (left > 0) open.set(session.id, left);
      else open.delete(session.id);
    };
    let may: boolean;
    try {
      // Looked at apart from the stream's own: what is judged here is not shown.
      may = (await topic(deps, t, session, asked)?.(session)) !== undefined;
    } catch (error) {
      closed();
      throw error;
    }
    if (!may) {
      closed();
      return await refusedPage(c, deps, refuse('unknown'));
    }
    const token = getCookie(c, SESSION_COOKIE) ?? '';
    /** The session as it is now; another role in it is another right, so the stream ends. */
    const again = async (): Promise<Session | undefined> => {
      const now = await sessionByToken(deps, token, false);
      return now && now.role === session.role ? now : undefined;
    };
    const known = Number(c.req.header('last-event-id') ?? c.req.query('after'));
    const size = async () => (await newestCheckpoint(deps.db)).size;
    const body = openStream({
      live: deps.live,
      size,
      after: Number.isSafeInteger(known) && known >= 0 ? known : undefined,
      now: deps.now,
      signal: c.req.raw.signal,
      still: async () => (await again()) !== undefined,
      async render() {
        const now = await again();
        const part = now && (await look(now));
        return part ? { html: await markup(part) } : 'ended';
      },
      closed,
      trouble: (error) => deps.note({ requestId: c.var.requestId, path: '/live', error }),
    });
    c.header('Content-Type', 'text/event-stream; charset=utf-8');
    c.header('X-Accel-Buffering', 'no');
    return c.body(body);
  });

  return r;
}
