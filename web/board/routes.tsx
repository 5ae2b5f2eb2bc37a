// Station 1, web: the board as a page, and as what the stream sends when something changed.
import { boardFigures } from '../../db/views/board.ts';
import { raisedBefore } from '../../domain/alerts.ts';
import { startOfDay } from '../../domain/calendar.ts';
import { allows } from '../../domain/permissions.ts';
import { todayIn } from '../clock-view.ts';
import type { Session, WebDeps } from '../deps.ts';
import { signedIn } from '../guard.ts';
import { LiveBar } from '../parts/live-bar.tsx';
import { paths } from '../paths.ts';
import { pageAnswer, wordsFor } from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';
import { Board, type BoardView } from './board.tsx';

/** The board as this session may see it, now. */
export async function boardView(deps: WebDeps, session: Pick<Session, 'role'>): Promise<BoardView> {
  const now = deps.now();
  const { calendar } = deps.parameters;
  const start = new Date(startOfDay(todayIn(deps.parameters, now), calendar.zone));
  const [figures, health] = await Promise.all([
    boardFigures(deps.db, now, start, raisedBefore(deps.parameters, now)),
    deps.health(),
  ]);
  return {
    figures,
    health,
    stopped: deps.stopped(),
    lists: {
      queue: allows(session.role, 'queue.see'),
      cases: allows(session.role, 'cases.list'),
    },
  };
}

export function boardRoutes(deps: WebDeps): Routes {
  const r = routes(deps);
  r.get('/board', 'board.see', async (c) => {
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    const view = await boardView(deps, session);
    const now = deps.now();
    return await pageAnswer(
      c,
      deps,
      {
        title: t.board.title,
        actions: (
          <LiveBar t={t} topic="board" after={view.figures.log.size} asOf={now} here={paths.board} pause />
        ),
      },
      <Board t={t} view={view} now={now} />,
    );
  });
  return r;
}
