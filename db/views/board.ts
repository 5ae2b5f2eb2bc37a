// Station 1, reads for screens: the figures of the board. Counts only, names of staff with their load, nobody's case.
// Each count is asked for in the same words as the list behind it (db/views/queue.ts), so that both say the same.
import { sql } from 'drizzle-orm';
import type { Outcome, Stage } from '../../domain/lifecycle.ts';
import type { Database } from '../connection.ts';
import { alertFigures } from './alerts.ts';
import { logBacklog, newestCheckpoint } from './log.ts';

/** Columns of stage × time left, in the order of urgency; names are those of the queue's filter. */
export const BOARD_BUCKETS = ['late', 'day', 'threeDays', 'tenDays', 'more', 'paused'] as const;
export type BoardBucket = (typeof BOARD_BUCKETS)[number];

export interface BoardFigures {
  readonly open: number;
  readonly perStage: Readonly<Partial<Record<Stage, number>>>;
  readonly perOutcome: Readonly<Partial<Record<Outcome, number>>>;
  readonly late: number;
  readonly soon: number;
  readonly unclaimed: number;
  readonly decidedToday: number;
  /** Safety alerts that nobody has taken up; counts alone, for whose they are is not the board's to say. */
  readonly alerts: { readonly open: number; readonly overdue: number };
  /** Open tasks by stage of their case and time left. */
  readonly heat: Readonly<Partial<Record<Stage, Readonly<Record<BoardBucket, number>>>>>;
  readonly load: readonly {
    readonly id: string;
    readonly name: string;
    readonly held: number;
    readonly done: number;
  }[];
  readonly log: {
    readonly size: number;
    readonly anchored: number;
    readonly pending: number;
    readonly unanchored: number;
    /** When the oldest entry that waits to be anchored was written. */
    readonly oldestAt: string | null;
  };
}

/** Most people in the list of load. */
const PEOPLE = 30;

/**
 * @param startOfToday first instant of today in the site's zone
 * @param alertsDue alerts raised before this are overdue
 */
export async function boardFigures(
  db: Database,
  now: Date,
  startOfToday: Date,
  alertsDue: Date,
): Promise<BoardFigures> {
  const at = now.toISOString();
  const after = (days: number) => new Date(now.getTime() + days * 86_400_000).toISOString();
  const today = startOfToday.toISOString();
  const [cases, tasks, load, [decided], checkpoint, backlog, alerts] = await Promise.all([
    db.execute<{ stage: Stage; outcome: Outcome | null; n: number }>(
      sql`select stage, outcome, count(*)::int as n from cases group by stage, outcome`,
    ),
    db.execute<{
      stage: Stage;
      unclaimed: number;
      late: number;
      soon: number;
      day: number;
      three: number;
      ten: number;
      more: number;
      paused: number;
    }>(sql`
      with open as (
        select c.stage, t.due_at,
          (t.claimed_by is null or t.claimed_until <= ${at}::timestamptz) as free,
          exists (select 1 from clocks p where p.case_id = t.case_id and p.stopped_at is null and p.paused_at is not null) as standing
        from tasks t join cases c on c.id = t.case_id where t.status = 'open')
      select stage,
        (count(*) filter (where free))::int as unclaimed,
        (count(*) filter (where due_at < ${at}::timestamptz))::int as late,
        (count(*) filter (where due_at >= ${at}::timestamptz and due_at < ${after(3)}::timestamptz))::int as soon,
        (count(*) filter (where not standing and due_at >= ${at}::timestamptz and due_at < ${after(1)}::timestamptz))::int as day,
        (count(*) filter (where not standing and due_at >= ${after(1)}::timestamptz and due_at < ${after(3)}::timestamptz))::int as three,
        (count(*) filter (where not standing and due_at >= ${after(3)}::timestamptz and due_at < ${after(10)}::timestamptz))::int as ten,
        (count(*) filter (where not standing and due_at >= ${after(10)}::timestamptz))::int as more,
        (count(*) filter (where standing))::int as paused
      from open group by stage`),
    db.execute<{ id: string; name: string; held: number; done: number }>(sql`
      with held as (
        select claimed_by as id, count(*)::int as n from tasks
        where status = 'open' and claimed_by is not null and claimed_until > ${at}::timestamptz group by 1),
      done as (
        select done_by as id, count(*)::int as n from tasks
        where status = 'done' and done_by is not null and closed_at >= ${today}::timestamptz group by 1)
      select p.id, p.name, coalesce(h.n, 0) as held, coalesce(d.n, 0) as done
      from persons p left join held h on h.id = p.id left join done d on d.id = p.id
      where (h.n is not null or d.n is not null) and exists (select 1 from role_assignments r where r.person_id = p.id and r.role in ('approval-officer', 'therapist', 'doctor'))
      order by held desc, done desc, p.name limit ${PEOPLE}`),
    db.execute<{ n: number }>(
      sql`select count(*)::int as n from decisions where decided_at >= ${today}::timestamptz and role <> 'service'`,
    ),
    newestCheckpoint(db),
    logBacklog(db),
    alertFigures(db, alertsDue),
  ]);
  const perStage: Partial<Record<Stage, number>> = {};
  const perOutcome: Partial<Record<Outcome, number>> = {};
  for (const { stage, outcome, n } of cases) {
    perStage[stage] = (perStage[stage] ?? 0) + n;
    if (outcome) perOutcome[outcome] = (perOutcome[outcome] ?? 0) + n;
  }
  const sum = (pick: (row: (typeof tasks)[number]) => number): number =>
    [...tasks].reduce((total, row) => total + pick(row), 0);
  return {
    open: Object.entries(perStage).reduce((total, [stage, n]) => total + (stage === 'closed' ? 0 : n), 0),
    perStage,
    perOutcome,
    late: sum((row) => row.late),
    soon: sum((row) => row.soon),
    unclaimed: sum((row) => row.unclaimed),
    decidedToday: decided?.n ?? 0,
    alerts,
    heat: Object.fromEntries(
      [...tasks].map((row) => [
        row.stage,
        {
          late: row.late,
          day: row.day,
          threeDays: row.three,
          tenDays: row.ten,
          more: row.more,
          paused: row.paused,
        },
      ]),
    ),
    load: [...load],
    log: { size: checkpoint.size, anchored: checkpoint.anchored ?? 0, ...backlog },
  };
}
