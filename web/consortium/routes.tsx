// Station 1, web: `/consortium`, open to everybody: the log is public, and so is what its members say of it. Holds no data of any
// person, and asks the members only as often as they can bear.
import { cosignedCheckpoints, logBacklog, rootsAt } from '../../db/views/log.ts';
import type { WebDeps } from '../deps.ts';
import { pageOrFragment, wordsFor } from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';
import { ConsortiumPart, type ConsortiumView } from './consortium.tsx';
import { judge, sizesNamed } from './judged.ts';

/** Checkpoints on the page. */
const CHECKPOINTS = 8;

export function consortiumRoutes(deps: WebDeps): Routes {
  const r = routes(deps);
  r.get('/consortium', 'public', async (c) => {
    const t = wordsFor(c, deps);
    const [seen, checkpoints, backlog] = await Promise.all([
      deps.consortium.look(),
      cosignedCheckpoints(deps.db, CHECKPOINTS),
      logBacklog(deps.db),
    ]);
    const judged = judge(seen, await rootsAt(deps.db, sizesNamed(seen)));
    const view: ConsortiumView = { seen, judged, checkpoints, backlog };
    const part = () => <ConsortiumPart t={t} view={view} />;
    return await pageOrFragment(
      c,
      deps,
      { title: t.consortium.title, lead: t.consortium.lead },
      part(),
      part,
    );
  });
  return r;
}
