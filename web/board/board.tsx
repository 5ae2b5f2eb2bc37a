// Station 1, web: the board. Figures first, each with the list behind it where the reader has that list. Everything that changes
// by itself is in one part, which is also what the stream sends.
import { BOARD_BUCKETS, type BoardFigures } from '../../db/views/board.ts';
import { ORGANISATIONS } from '../../domain/consortium.ts';
import { OUTCOMES, STAGES } from '../../domain/lifecycle.ts';
import type { Health } from '../deps.ts';
import { DataTable } from '../parts/data-table.tsx';
import { HeatTable } from '../parts/heat-table.tsx';
import { Moment } from '../parts/moment.tsx';
import { Said } from '../parts/said.tsx';
import { Tag } from '../parts/tag.tsx';
import { Tile } from '../parts/tile.tsx';
import { paths } from '../paths.ts';
import type { Text } from '../text/text.ts';
import type { Stand } from '../watch/standing.ts';

export interface BoardView {
  readonly figures: BoardFigures;
  readonly health: Health;
  /** Stations of the log that stand still. */
  readonly stopped: readonly Stand[];
  /** Whether the reader may open the queue and the list of cases behind a figure. */
  readonly lists: { readonly queue: boolean; readonly cases: boolean };
}

const queueHref = (query: Record<string, string>): string =>
  `${paths.queue}?${new URLSearchParams({ view: 'team', ...query })}`;

/** Stages that have tasks or cases: all but the end. */
const SHOWN = STAGES.filter((stage) => stage !== 'closed');

/** How long entries may wait to be anchored before the chain is called behind, in milliseconds. */
const PATIENCE_MS = 30_000;

export function Board({ t, view, now }: { t: Text; view: BoardView; now: Date }) {
  const { figures, health, lists, stopped } = view;
  const stand = (of: string) => stopped.find(({ station }) => station === of);
  const silent = stopped.flatMap(({ station }) => ORGANISATIONS.filter((of) => station === `witness ${of}`));
  const { log } = figures;
  const waiting = log.pending + log.unanchored;
  const behind =
    log.oldestAt !== null && waiting > 0 && now.getTime() - Date.parse(log.oldestAt) > PATIENCE_MS;
  const link = (query: Record<string, string>) => (lists.queue ? { href: queueHref(query) } : {});
  return (
    <div class="stack-wide" id="board">
      <div class="tiles">
        <Tile
          id="tile-open"
          figure={t.number(figures.open)}
          label={t.board.open}
          {...(lists.cases ? { href: `${paths.cases}?outcome=none` } : {})}
        />
        <Tile
          id="tile-late"
          figure={t.number(figures.late)}
          label={t.board.late}
          {...(figures.late > 0 ? { tone: 'late' as const } : {})}
          {...(lists.queue ? { href: `${paths.queue}?view=late` } : {})}
        />
        <Tile
          id="tile-soon"
          figure={t.number(figures.soon)}
          label={t.board.dueSoon}
          {...(figures.soon > 0 ? { tone: 'soon' as const } : {})}
          {...link({ clock: 'soon' })}
        />
        <Tile
          id="tile-unclaimed"
          figure={t.number(figures.unclaimed)}
          label={t.board.unclaimed}
          {...link({ who: 'nobody' })}
        />
        <Tile
          id="tile-alerts"
          figure={t.number(figures.alerts.overdue)}
          label={t.board.alertsOverdue}
          note={t.board.alertsOpen(figures.alerts.open)}
          {...(figures.alerts.overdue > 0 ? { tone: 'late' as const } : {})}
        />
        <Tile id="tile-decided" figure={t.number(figures.decidedToday)} label={t.board.decidedToday} />
        <Tile
          id="tile-unanchored"
          figure={t.number(waiting)}
          label={t.board.unanchored}
          {...(behind ? { tone: 'soon' as const } : {})}
          {...(log.oldestAt && waiting > 0 ? { note: t.board.oldest(t.time(log.oldestAt)) } : {})}
        />
      </div>
      <HeatTable
        t={t}
        id="heat"
        caption={t.board.stageByTime}
        corner={t.board.stage}
        columns={BOARD_BUCKETS.map((key) => ({ key, head: t.board.buckets[key], late: key === 'late' }))}
        rows={SHOWN.map((stage) => ({
          id: stage,
          head: t.stages[stage],
          cells: BOARD_BUCKETS.map((bucket) => ({
            count: figures.heat[stage]?.[bucket] ?? 0,
            href: lists.queue ? queueHref({ stage, clock: bucket }) : undefined,
          })),
        }))}
      />
      <div class="columns">
        <section class="stack-tight">
          <h2>{t.board.perStage}</h2>
          <DataTable
            t={t}
            id="per-stage"
            narrow="plain"
            caption={t.board.perStage}
            rows={STAGES.map((stage) => ({ stage, n: figures.perStage[stage] ?? 0 }))}
            rowId={({ stage }) => `per-stage-${stage}`}
            columns={[
              {
                key: 'stage',
                head: t.board.stage,
                rowHead: true,
                cell: ({ stage }) =>
                  lists.cases ? (
                    <a href={`${paths.cases}?stage=${stage}`} id={`per-stage-${stage}-link`}>
                      {t.stages[stage]}
                    </a>
                  ) : (
                    t.stages[stage]
                  ),
              },
              { key: 'n', head: t.navigation.cases, number: true, cell: ({ n }) => t.number(n) },
            ]}
          />
          <p class="cluster">
            {OUTCOMES.map((outcome) => (
              <span class="soft">
                {t.outcomes[outcome]}
                {t.marks.colon}
                <b class="figures">{t.number(figures.perOutcome[outcome] ?? 0)}</b>
              </span>
            ))}
          </p>
        </section>
        <section class="stack-tight">
          <h2>{t.board.load}</h2>
          {figures.load.length === 0 ? (
            <p class="soft">{t.boarding.nobodyBusy}</p>
          ) : (
            <DataTable
              t={t}
              id="load"
              narrow="plain"
              caption={t.board.load}
              rows={figures.load}
              rowId={({ id }) => `load-${id}`}
              columns={[
                {
                  key: 'who',
                  head: t.board.person,
                  rowHead: true,
                  cell: ({ name }) => <Said inline text={name} />,
                },
                {
                  key: 'held',
                  head: t.boarding.holds,
                  number: true,
                  cell: ({ id, held }) =>
                    lists.queue && held > 0 ? (
                      <a href={queueHref({ who: id })} id={`load-${id}-link`}>
                        {t.number(held)}
                      </a>
                    ) : (
                      t.number(held)
                    ),
                },
                { key: 'done', head: t.boarding.done, number: true, cell: ({ done }) => t.number(done) },
              ]}
            />
          )}
        </section>
      </div>
      <section class="card stack-tight" aria-labelledby="health-title">
        <h2 id="health-title">{t.board.health}</h2>
        <ul class="plain cluster health">
          <li>
            {t.board.database}
            {t.marks.colon}
            <Up t={t} up={health.postgres} />
          </li>
          <li>
            {t.board.engine}
            {t.marks.colon}
            <Up t={t} up={health.temporal} />
          </li>
          <li>
            {t.board.log}
            {t.marks.colon}
            <Goes t={t} stand={stand('sequencer')} /> <span class="soft">{t.boarding.size(log.size)}</span>
          </li>
          <li>
            {t.board.chain}
            {t.marks.colon}
            {behind && !stand('anchor') ? (
              <Tag tone="soon" word={t.board.catchingUp} />
            ) : (
              <Goes t={t} stand={stand('anchor')} />
            )}{' '}
            <span class="soft">{t.boarding.anchoredTo(log.anchored)}</span>
          </li>
          <li>
            {t.board.members}
            {t.marks.colon}
            <Up t={t} up={silent.length === 0} />
            {silent.length > 0 ? (
              <span class="soft"> {t.list(silent.map((of) => t.organisations[of]))}</span>
            ) : null}
          </li>
        </ul>
        {waiting > 0 ? (
          <p class="soft">
            {t.boarding.waitingEntries(waiting)}
            {log.oldestAt ? (
              <>
                {' ('}
                <Moment t={t} at={log.oldestAt} />)
              </>
            ) : null}
          </p>
        ) : null}
        {waiting > 0 ? <p class="soft">{t.board.workGoesOn}</p> : null}
      </section>
    </div>
  );
}

/** Whether a station goes on, and since when not. */
function Goes({ t, stand }: { t: Text; stand: Stand | undefined }) {
  if (!stand) return <Up t={t} up />;
  return (
    <>
      <Up t={t} up={false} />{' '}
      <span class="soft">
        <Moment t={t} at={stand.since} />
      </span>
    </>
  );
}

function Up({ t, up }: { t: Text; up: boolean }) {
  return up ? <Tag tone="good" word={t.board.ok} /> : <Tag tone="late" word={t.board.down} />;
}
