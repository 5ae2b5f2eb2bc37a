// Station 1, web: what waits for a person's signature, by case, each a link to the page where it is read and signed. Signs nothing
// by itself: a statement is signed where it is shown, one at a time.
import type { WebDeps } from '../deps.ts';
import { signedIn } from '../guard.ts';
import { DataTable } from '../parts/data-table.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { Moment } from '../parts/moment.tsx';
import { paths } from '../paths.ts';
import { pageAnswer, wordsFor } from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';
import { waitingFor } from './prepared.ts';

export function signatureRoutes(deps: WebDeps): Routes {
  const r = routes(deps);

  r.get('/signatures', 'signatures.see', async (c) => {
    const t = wordsFor(c, deps);
    const w = t.signing;
    const rows = await waitingFor(deps, signedIn(c));
    return await pageAnswer(
      c,
      deps,
      { title: w.trayTitle, lead: w.trayLead },
      <div class="stack">
        {rows.length === 0 ? (
          <EmptyState words={w.trayEmpty} />
        ) : (
          <DataTable
            t={t}
            id="signatures"
            caption={w.trayTitle}
            rows={rows}
            rowId={(row) => `signature-${row.operation}`}
            columns={[
              { key: 'case', head: t.signing.caseHead, rowHead: true, cell: (row) => row.case.number },
              { key: 'task', head: w.task, cell: (row) => t.actions[row.action] },
              {
                key: 'prepared',
                head: w.preparedAt,
                cell: (row) => <Moment t={t} at={row.preparedAt} />,
              },
              {
                key: 'open',
                head: w.trayOpen,
                cell: (row) => (
                  <a href={row.task ? paths.sign(row.task) : paths.signReopening(row.case.id)}>
                    {w.trayOpen}
                  </a>
                ),
              },
            ]}
          />
        )}
        <p class="meta">
          <a href={paths.keys}>{w.toKeys}</a>
        </p>
      </div>,
    );
  });

  return r;
}
