// Station 1, web: the queue and taking the next task. Reads are views as addresses; the one write is a claim, which hands out a
// fencing number. The same form sent twice takes one task; two people never get the same one.
import { inArray } from 'drizzle-orm';
import type { Context } from 'hono';
import { operations } from '../../db/schema.ts';
import { newestCheckpoint } from '../../db/views/log.ts';
import {
  actorOf,
  CLOCK_FILTERS,
  QUEUE_VIEWS,
  type QueueAsk,
  type QueueFilters,
  type QueueView,
  queueCount,
  queuePage,
  takeable,
} from '../../db/views/queue.ts';
import { taskHead } from '../../db/views/task.ts';
import { endOfDay, localDateAt } from '../../domain/calendar.ts';
import { isUuid } from '../../domain/ids.ts';
import { STAGES, TASK_KINDS } from '../../domain/lifecycle.ts';
import { refuse } from '../../domain/refusal.ts';
import type { Session, WebDeps, WebEnv } from '../deps.ts';
import { fieldsSent } from '../form.ts';
import { signedIn } from '../guard.ts';
import { Hidden } from '../layout.tsx';
import { doneNotice } from '../operations/done.tsx';
import { LiveBar } from '../parts/live-bar.tsx';
import { Notice } from '../parts/notice.tsx';
import { paths } from '../paths.ts';
import { claimTask } from '../recorded.ts';
import { goTo, pageAnswer, refusedPage, wordsFor } from '../respond.tsx';
import { type Routes, routes } from '../routes.ts';
import { claimKey, claimKeyRefusal, NEXT } from '../tasks/keys.ts';
import type { Text } from '../text/text.ts';
import { PAGE_SIZES, QueueBody, queueHref, type RowFrame, TakeNext } from './queue.tsx';
import { markOf, packRows } from './shown-rows.ts';

/** How often somebody else may be quicker before we say that nothing is there. */
const TRIES = 12;
/** How many tasks are looked at when others take them at the same time. */
const WINDOW = 100;

/** What a page of this person's queue is asked with. */
export async function queueAsk(
  deps: WebDeps,
  session: Session,
  filters: QueueFilters = {},
): Promise<QueueAsk> {
  const now = deps.now();
  const { zone } = deps.parameters.calendar;
  return {
    actor: await actorOf(deps.db, session.person, session.role),
    parameters: deps.parameters,
    now,
    filters,
    endOfToday: new Date(endOfDay(localDateAt(now.getTime(), zone), zone)),
  };
}

/** What rows are rendered with, for the person who reads. */
export const rowFrame = (deps: WebDeps, t: Text, session: Session): RowFrame => ({
  t,
  person: session.person,
  role: session.role,
  parameters: deps.parameters,
  now: deps.now(),
  claimKey: (task) => claimKey(deps, session.person, 'task.claim', task),
  handBackKey: (task) => claimKey(deps, session.person, 'task.hand-back', task),
});

/** One of a closed list, nothing for empty text, `false` for anything else (N4). */
function closed<T extends string>(list: readonly T[], text: string | undefined): T | undefined | false {
  if (!text) return undefined;
  return list.find((known) => known === text) ?? false;
}

/** Filters and place of an address, or undefined when it holds something that no page of ours wrote. */
export function readQuery(asked: (name: string) => string | undefined, session: Session) {
  const fallback: QueueView = session.role === 'administrator' ? 'team' : 'open';
  const view = closed(QUEUE_VIEWS, asked('view'));
  const stage = closed(STAGES, asked('stage'));
  const kind = closed(TASK_KINDS, asked('kind'));
  const clock = closed(CLOCK_FILTERS, asked('clock'));
  const size = Number(asked('size') ?? 25);
  const who = asked('who') ?? '';
  const after = asked('after') || undefined;
  const known = who === '' || who === 'nobody' || who === 'me' || isUuid(who);
  if (
    view === false ||
    stage === false ||
    kind === false ||
    clock === false ||
    !known ||
    !PAGE_SIZES.some((n) => n === size) ||
    (after !== undefined && !isUuid(after))
  )
    return undefined;
  const filters: QueueFilters = {
    stage,
    kind,
    clock,
    who: who === 'me' ? session.person : who || undefined,
  };
  return { view: view ?? fallback, filters, size, after };
}

export function queueRoutes(deps: WebDeps): Routes {
  const r = routes(deps);

  r.get('/queue', 'queue.see', async (c) => {
    const session = signedIn(c);
    const t = wordsFor(c, deps);
    const query = readQuery((name) => c.req.query(name), session);
    if (!query) return await refusedPage(c, deps, refuse('malformed'));
    const { view, filters, size, after } = query;
    const ask = await queueAsk(deps, session, filters);
    const plain: QueueAsk = { ...ask, filters: {} };
    const filtering = Object.values(filters).some(Boolean);
    // Read before the rows: what comes in between is told again rather than missed.
    const checkpoint = await newestCheckpoint(deps.db);
    const [rows, open, mine, team, late, filteredTotal, before, barredRows, barredTotal] = await Promise.all([
      queuePage(deps.db, ask, view, size, after),
      queueCount(deps.db, plain, 'open'),
      queueCount(deps.db, plain, 'mine'),
      queueCount(deps.db, plain, 'team'),
      queueCount(deps.db, plain, 'late'),
      filtering ? queueCount(deps.db, ask, view) : undefined,
      after ? queueCount(deps.db, ask, view, after) : 0,
      view === 'open' ? queuePage(deps.db, plain, 'barred', 25) : [],
      view === 'open' ? queueCount(deps.db, plain, 'barred') : 0,
    ]);
    const counts = { open, mine, team, late };
    const total = filteredTotal ?? counts[view];
    // The rule has the last word on what is offered; the query only finds the candidates.
    const shown = view === 'open' ? rows.filter((row) => row.refusal === undefined) : rows;
    const frame = rowFrame(deps, t, session);
    const acts = session.role !== 'administrator' && open > 0;
    return await pageAnswer(
      c,
      deps,
      {
        title: t.queue.title,
        actions: acts ? (
          <TakeNext t={t} operation={claimKey(deps, session.person, 'task.claim', NEXT)} />
        ) : undefined,
      },
      <QueueBody
        frame={frame}
        view={view}
        filters={filters}
        size={size}
        rows={shown}
        counts={counts}
        total={total}
        before={before}
        after={after}
        barred={{ rows: barredRows, total: barredTotal }}
        live={
          <LiveBar
            t={t}
            topic="queue"
            about={{
              view,
              ...Object.fromEntries(Object.entries(filters).filter(([, value]) => value)),
              size: String(size),
              from: after ?? '',
              rows: packRows(
                await Promise.all(shown.map(async (row) => ({ id: row.id, mark: await markOf(frame, row) }))),
              ),
            }}
            after={checkpoint.size}
            asOf={ask.now}
            here={queueHref({ view, filters, size }, { after })}
          />
        }
        notice={
          <>
            {await doneNotice(deps, t, session, c.req.query('done'))}
            {await handedBack(c, t, session)}
            {c.req.query('none') === '1' ? <Notice tone="note">{t.queue.nothingNext}</Notice> : null}
          </>
        }
      />,
    );
  });

  /** "You handed RC-… back", with its opposite; only while nobody has it again. */
  async function handedBack(c: Context<WebEnv>, t: Text, session: Session) {
    const id = c.req.query('back') ?? '';
    if (!isUuid(id)) return null;
    const head = await taskHead(deps.db, id, deps.now());
    if (head?.status !== 'open' || head.holder) return null;
    return (
      <Notice
        tone="note"
        actions={
          <form method="post" action={paths.claim(id)}>
            <Hidden values={{ key: claimKey(deps, session.person, 'task.claim', id) }} />
            <button class="button small" type="submit">
              {t.work.undoHandBack}
            </button>
          </form>
        }
      >
        <p>{t.queue.handedBack(head.case.number)}</p>
      </Notice>
    );
  }

  r.post('/queue/next', 'task.claim', async (c) => {
    const session = signedIn(c);
    const fields = await fieldsSent(c, deps, { one: ['key'] });
    if (fields instanceof Response) return fields;
    const key = fields.get('key');
    const unbound = await claimKeyRefusal(deps, session, 'task.claim', NEXT, key);
    if (unbound) return await refusedPage(c, deps, unbound);
    // A key goes on to the next of its row only when a refusal has used it up, so every repeat of the form walks the same
    // row of keys, and among them there is one claim at most.
    const keys = Array.from({ length: TRIES }, (_, n) => (n === 0 ? key : `${key}.${n}`));
    const taken = await claimedUnder(keys);
    if (taken) return goTo(c, paths.task(taken));
    const ask = await queueAsk(deps, session);
    const lease = deps.parameters.figures['claim-lease'].value;
    let used = 0;
    for (let n = 0; n < TRIES; n++) {
      const rows = await takeable(deps.db, ask, Math.min(4 ** n, WINDOW));
      // The first is the next one. Whoever was overtaken spreads out, or all would run after the same task again.
      const row = rows[n === 0 ? 0 : Math.floor(Math.random() * rows.length)];
      if (!row) break;
      const answer = await claimTask(deps.recorder, keys[used] as string, session, row.caseId, row.id, lease);
      if (answer.kind === 'claimed') return goTo(c, paths.task(answer.task));
      if (answer.code === 'already-claimed') continue;
      const twin = await claimedUnder(keys);
      if (twin) return goTo(c, paths.task(twin));
      used += 1;
    }
    return goTo(c, `${paths.queue}?none=1`);
  });

  async function claimedUnder(keys: readonly string[]): Promise<string | undefined> {
    const rows = await deps.db
      .select({ answer: operations.answer })
      .from(operations)
      .where(inArray(operations.id, [...keys]));
    for (const { answer } of rows) {
      const claimed = answer as { kind?: string; task?: string } | null;
      if (claimed?.kind === 'claimed' && claimed.task) return claimed.task;
    }
    return undefined;
  }

  return r;
}
