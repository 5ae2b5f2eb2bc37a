// Station 1, reads for screens: the task queue. Which tasks a person may do is the rule of domain/lifecycle.ts, said in SQL
// so that it can be paged and counted; every row that is shown is judged by the rule itself besides. No names of patients.
import { and, eq, isNull, type SQL, sql } from 'drizzle-orm';
import {
  type Actor,
  type CaseState,
  type Duty,
  LIFECYCLE,
  type Outcome,
  PAUSED_IN,
  refusalOf,
  STATE_CLOCKS,
  type Stage,
  TASK_KINDS,
  type TaskKind,
} from '../../domain/lifecycle.ts';
import type { Parameters } from '../../domain/parameters.ts';
import type { Refusal } from '../../domain/refusal.ts';
import type { Discipline, Relation, Role } from '../../domain/roles.ts';
import type { Database } from '../connection.ts';
import { roleAssignments } from '../schema.ts';

/** Open: what this person may do now. Team: every open task of the role. Late: those of the team past their last day. */
export const QUEUE_VIEWS = ['open', 'mine', 'team', 'late'] as const;
export type QueueView = (typeof QUEUE_VIEWS)[number];

/** Filters by time left. The first four are offered; the others are the board's columns, which do not overlap. */
export const CLOCK_FILTERS = [
  'late',
  'today',
  'soon',
  'paused',
  'day',
  'threeDays',
  'tenDays',
  'more',
] as const;
export type ClockFilter = (typeof CLOCK_FILTERS)[number];

/** Most tasks that are counted one by one. */
export const COUNTED = 10_000;

export interface QueueFilters {
  readonly stage?: Stage | undefined;
  readonly kind?: TaskKind | undefined;
  readonly clock?: ClockFilter | undefined;
  /** `nobody`, or a person's id. */
  readonly who?: string | undefined;
  /** This one alone. */
  readonly task?: string | undefined;
}

/** Who holds a task now, since and until when. Instants are ISO 8601. */
export interface Holder {
  readonly id: string;
  readonly name: string;
  readonly since: string;
  readonly until: string;
}

export interface QueueRow {
  readonly id: string;
  readonly kind: TaskKind;
  readonly discipline: Discipline | null;
  readonly caseId: string;
  readonly number: string;
  readonly stage: Stage;
  readonly round: number;
  readonly openedAt: string;
  /** Null when nobody holds it, also after a claim has lapsed. */
  readonly holder: Holder | null;
  /** How the task ended, when it is open no more; a page of the queue has none of those. */
  readonly closed: { readonly by: string | null; readonly at: string } | null;
  readonly claimNumber: number;
  /** The limit that ends first, of those that run. */
  readonly clock: QueueClock | null;
  /** Why this person may not do it; undefined when they may. */
  readonly refusal: Refusal | undefined;
}

export interface QueueClock {
  readonly clock: keyof Parameters['clocks'];
  readonly startedAt: string;
  readonly dueAt: string;
  readonly pausedAt: string | null;
  readonly pausedMs: number;
  readonly stoppedAt: string | null;
  readonly lapsedAt: string | null;
}

/** Who looks, in which role, with which skills. */
export async function actorOf(db: Database, person: string, role: Role): Promise<Actor> {
  const [row] = await db
    .select({ disciplines: roleAssignments.disciplines, lead: roleAssignments.lead })
    .from(roleAssignments)
    .where(
      and(
        eq(roleAssignments.personId, person),
        eq(roleAssignments.role, role),
        isNull(roleAssignments.endedAt),
      ),
    );
  return { person, role, disciplines: row?.disciplines ?? [], lead: row?.lead ?? false };
}

interface KindRule {
  readonly kind: TaskKind;
  readonly duty: Duty | null;
  readonly fresh: boolean;
  readonly skilled: boolean;
  readonly priority: number;
}

/** The limit a kind of task works against: the first one that runs in its state. */
function priorityOf(parameters: Parameters, kind: TaskKind): number {
  const state = LIFECYCLE[kind].states[0] as CaseState;
  const clock = STATE_CLOCKS[state].find((name) => !(PAUSED_IN[state] ?? []).includes(name));
  return clock ? parameters.clocks[clock].priority : 99;
}

/** Kinds of task of a role. Administrators do none and see all. */
function kindsOf(parameters: Parameters, role: Role): KindRule[] {
  return TASK_KINDS.filter(
    (kind) =>
      role === 'administrator' ||
      ((LIFECYCLE[kind].roles as readonly Role[]).includes(role) && !LIFECYCLE[kind].related),
  ).map((kind) => ({
    kind,
    duty: LIFECYCLE[kind].duty ?? null,
    fresh: LIFECYCLE[kind].freshEyes ?? false,
    skilled: LIFECYCLE[kind].skill === 'discipline',
    priority: priorityOf(parameters, kind),
  }));
}

/** What everybody's queue is asked with. */
export interface QueueAsk {
  readonly actor: Actor;
  readonly parameters: Parameters;
  readonly now: Date;
  readonly filters?: QueueFilters;
  /** End of today in the site's zone. */
  readonly endOfToday: Date;
}

/**
 * What the person's duties and relations bar them from, found once for a statement: both are few, and every other condition
 * is then a look into a small table.
 */
const standing = (person: string): SQL => sql`
  held as materialized (select d.case_id, d.duty from decisions d where d.decided_by = ${person}::uuid and d.duty is not null),
  near as materialized (select r.case_id from case_relations r where r.person_id = ${person}::uuid)`;

/** That the person holds a duty or a relation which bars them from this task. Same as `refusalOf`. */
const barred = (rule: KindRule): SQL =>
  rule.duty === null
    ? sql`t.case_id in (select case_id from near)`
    : sql`t.case_id in (select case_id from near union all select case_id from held where ${rule.fresh} or duty <> ${rule.duty})`;

/** That the person has the task's discipline where it asks for one. Same as `refusalOf`. */
const skilled = (rule: KindRule, actor: Actor): SQL =>
  rule.skilled
    ? sql`(t.discipline is null or t.discipline = any(string_to_array(${actor.disciplines.join(',')}, ',')))`
    : sql`true`;

const freeFor = (person: string, now: string): SQL =>
  sql`(t.claimed_by is null or t.claimed_until <= ${now}::timestamptz or t.claimed_by = ${person}::uuid)`;

/** Kinds that the view can show at all, and the conditions on a task of each. */
function viewOf(
  ask: QueueAsk,
  view: QueueView | 'barred',
): { rules: KindRule[]; where: (rule: KindRule) => SQL } {
  const { actor, parameters } = ask;
  const now = ask.now.toISOString();
  const rules = kindsOf(parameters, actor.role);
  // A therapist who is no lead may not propose a plan; a doctor may.
  const able = rules.filter(
    ({ kind }) => !(actor.role === 'therapist' && LIFECYCLE[kind].skill === 'lead' && !actor.lead),
  );
  const own = actor.role === 'administrator' ? [] : able;
  switch (view) {
    case 'open':
      return {
        rules: own,
        where: (rule) =>
          sql`${skilled(rule, actor)} and not ${barred(rule)} and ${freeFor(actor.person, now)}`,
      };
    case 'barred':
      return {
        rules: own,
        where: (rule) => sql`${skilled(rule, actor)} and ${barred(rule)} and ${freeFor(actor.person, now)}`,
      };
    case 'mine':
      return {
        rules,
        where: () => sql`t.claimed_by = ${actor.person}::uuid and t.claimed_until > ${now}::timestamptz`,
      };
    case 'team':
      return { rules, where: () => sql`true` };
    case 'late':
      return { rules, where: () => sql`t.due_at < ${now}::timestamptz` };
    default:
      return view satisfies never;
  }
}

const DAY = 86_400_000;

function filtered(ask: QueueAsk): SQL {
  const { filters = {}, now, endOfToday } = ask;
  const at = now.toISOString();
  const after = (days: number) => new Date(now.getTime() + days * DAY).toISOString();
  const between = (from: string, to: string) =>
    sql`t.due_at >= ${from}::timestamptz and t.due_at < ${to}::timestamptz`;
  const paused = sql`exists (select 1 from clocks p where p.case_id = t.case_id and p.stopped_at is null and p.paused_at is not null)`;
  const parts: SQL[] = [sql`true`];
  if (filters.task) parts.push(sql`t.id = ${filters.task}::uuid`);
  if (filters.stage)
    parts.push(sql`exists (select 1 from cases c where c.id = t.case_id and c.stage = ${filters.stage})`);
  if (filters.who === 'nobody')
    parts.push(sql`(t.claimed_by is null or t.claimed_until <= ${at}::timestamptz)`);
  else if (filters.who)
    parts.push(sql`t.claimed_by = ${filters.who}::uuid and t.claimed_until > ${at}::timestamptz`);
  switch (filters.clock) {
    case undefined:
      break;
    case 'late':
      parts.push(sql`t.due_at < ${at}::timestamptz`);
      break;
    case 'today':
      parts.push(between(at, new Date(endOfToday.getTime() + 1).toISOString()));
      break;
    case 'soon':
      parts.push(between(at, after(3)));
      break;
    case 'day':
      parts.push(sql`${between(at, after(1))} and not ${paused}`);
      break;
    case 'threeDays':
      parts.push(sql`${between(after(1), after(3))} and not ${paused}`);
      break;
    case 'tenDays':
      parts.push(sql`${between(after(3), after(10))} and not ${paused}`);
      break;
    case 'more':
      parts.push(sql`t.due_at >= ${after(10)}::timestamptz and not ${paused}`);
      break;
    case 'paused':
      parts.push(paused);
      break;
    default:
      filters.clock satisfies never;
  }
  return sql.join(parts, sql` and `);
}

const chosen = (rules: readonly KindRule[], filters: QueueFilters | undefined): KindRule[] =>
  rules.filter(({ kind }) => !filters?.kind || kind === filters.kind);

/** Where a task stands in the order: legal time left, the law's priority, age. Every open task has a last day. */
interface Place {
  readonly kind: TaskKind;
  readonly due_at: string;
  readonly opened_at: string;
  readonly id: string;
}

async function placeOf(db: Database, task: string): Promise<Place | undefined> {
  const [place] = await db.execute<Place & Record<string, unknown>>(
    sql`select t.kind, t.due_at, t.opened_at, t.id from tasks t where t.id = ${task}::uuid`,
  );
  return place;
}

/**
 * That a task of this kind stands behind a place, or up to it. Said so that the index on (kind, due_at, opened_at, id)
 * begins or ends there.
 */
function from(rule: KindRule, place: Place | undefined, priority: number, side: 'behind' | 'up to'): SQL {
  if (!place) return sql`true`;
  const due = sql`${place.due_at}::timestamptz`;
  const later = side === 'behind';
  if (rule.priority > priority) return later ? sql`t.due_at >= ${due}` : sql`t.due_at < ${due}`;
  if (rule.priority < priority) return later ? sql`t.due_at > ${due}` : sql`t.due_at <= ${due}`;
  const here = sql`(${due}, ${place.opened_at}::timestamptz, ${place.id}::uuid)`;
  return later ? sql`(t.due_at, t.opened_at, t.id) > ${here}` : sql`(t.due_at, t.opened_at, t.id) <= ${here}`;
}

/**
 * How many tasks a view has, counted one by one up to 10 000; one more than that means "more".
 * `upTo` counts only those that stand before a task in the order, and the task.
 */
export async function queueCount(
  db: Database,
  ask: QueueAsk,
  view: QueueView | 'barred',
  upTo?: string,
): Promise<number> {
  const { rules, where } = viewOf(ask, view);
  const kinds = chosen(rules, ask.filters);
  if (kinds.length === 0) return 0;
  const place = upTo ? await placeOf(db, upTo) : undefined;
  const priority = place ? priorityOf(ask.parameters, place.kind) : 0;
  const parts = kinds.map(
    (rule) => sql`(select 1 from tasks t where t.kind = ${rule.kind} and t.status = 'open'
      and ${where(rule)} and ${filtered(ask)} and ${from(rule, place, priority, 'up to')} limit ${COUNTED + 1})`,
  );
  const [row] = await db.execute<{ n: number }>(sql`
    with ${standing(ask.actor.person)}
    select count(*)::int as n from (select 1 from (${sql.join(parts, sql` union all `)}) as found limit ${COUNTED + 1}) as counted`);
  return row?.n ?? 0;
}

type Listed = {
  id: string;
  kind: TaskKind;
  discipline: Discipline | null;
  case_id: string;
  number: string;
  stage: Stage;
  state: CaseState;
  outcome: Outcome | null;
  round: number;
  opened_at: string;
  claim_number: number;
  claimed_by: string | null;
  claimed_at: string | null;
  claimed_until: string | null;
  status: 'open' | 'done' | 'cancelled';
  closed_at: string | null;
  holder: string | null;
  closer: string | null;
  clock: {
    clock: QueueClock['clock'];
    started_at: string;
    due_at: string;
    paused_at: string | null;
    paused_ms: number;
    lapsed_at: string | null;
  } | null;
  duties: { duty: Duty; person: string }[];
  relations: { relation: Relation; person: string }[];
};

/** A task's own columns in a list. */
const COLUMNS = sql`t.id, t.kind, t.discipline, t.case_id, t.due_at, t.opened_at, t.claim_number, t.claimed_by, t.claimed_at, t.claimed_until, t.status, t.closed_at, t.done_by`;

/** What a row shows and is judged by, for each `p` of a list with its case `c`. */
const ABOUT = sql`p.*, c.number, c.stage, c.state, c.outcome, c.round,
      (select h.name from persons h where h.id = p.claimed_by) as holder,
      (select h.name from persons h where h.id = p.done_by) as closer,
      (select json_build_object('clock', x.clock, 'started_at', x.started_at, 'due_at', x.due_at, 'paused_at', x.paused_at, 'paused_ms', x.paused_ms, 'lapsed_at', x.lapsed_at)
        from clocks x where x.case_id = p.case_id and x.stopped_at is null order by (x.paused_at is not null), x.due_at, x.id limit 1) as clock,
      (select coalesce(json_agg(json_build_object('duty', d.duty, 'person', d.decided_by)), '[]') from decisions d where d.case_id = p.case_id and d.duty is not null) as duties,
      (select coalesce(json_agg(json_build_object('relation', r.relation, 'person', r.person_id)), '[]') from case_relations r where r.case_id = p.case_id) as relations`;

/** One page of a view after a task (none: from the start), in the order of the queue. `size` at most 200. */
export async function queuePage(
  db: Database,
  ask: QueueAsk,
  view: QueueView | 'barred',
  size: number,
  after?: string,
): Promise<QueueRow[]> {
  const { rules, where } = viewOf(ask, view);
  const kinds = chosen(rules, ask.filters);
  if (kinds.length === 0) return [];
  const limit = Math.min(Math.max(size, 1), 200);
  const place = after ? await placeOf(db, after) : undefined;
  const priority = place ? priorityOf(ask.parameters, place.kind) : 0;
  // One short sorted list per kind, then the best of them: the work does not grow with the number of open tasks.
  const lists = kinds.map(
    (rule) => sql`(select ${COLUMNS}, ${rule.priority}::integer as priority
      from tasks t where t.kind = ${rule.kind} and t.status = 'open'
      and ${where(rule)} and ${filtered(ask)} and ${from(rule, place, priority, 'behind')}
      order by t.due_at, t.opened_at, t.id limit ${limit})`,
  );
  const rows = await db.execute<Listed>(sql`
    with ${standing(ask.actor.person)},
    page as (select * from (${sql.join(lists, sql` union all `)}) as l order by l.due_at, l.priority, l.opened_at, l.id limit ${limit})
    select ${ABOUT} from page p join cases c on c.id = p.case_id order by p.due_at, p.priority, p.opened_at, p.id`);
  const now = ask.now.toISOString();
  return rows.map((row) => rowOf(row, ask.actor, now));
}

/**
 * Tasks that a page showed, as they are now, also those that are open no more; in no particular order. Of kinds that the
 * reader's role sees, and no others, whatever ids are given. At most 200.
 */
export async function queueRowsNow(
  db: Database,
  ask: Pick<QueueAsk, 'actor' | 'parameters' | 'now'>,
  ids: readonly string[],
): Promise<QueueRow[]> {
  const kinds = kindsOf(ask.parameters, ask.actor.role).map(({ kind }) => kind);
  if (ids.length === 0 || kinds.length === 0) return [];
  const rows = await db.execute<Listed>(sql`
    with page as (select ${COLUMNS} from tasks t
      where t.id = any(string_to_array(${ids.slice(0, 200).join(',')}, ',')::uuid[]) and t.kind = any(string_to_array(${kinds.join(',')}, ',')))
    select ${ABOUT} from page p join cases c on c.id = p.case_id`);
  const now = ask.now.toISOString();
  return rows.map((row) => rowOf(row, ask.actor, now));
}

const iso = (instant: string): string => new Date(instant).toISOString();

function rowOf(row: Listed, actor: Actor, now: string): QueueRow {
  const until = row.claimed_until ? iso(row.claimed_until) : null;
  const held = row.claimed_by !== null && until !== null && until > now;
  return {
    id: row.id,
    kind: row.kind,
    discipline: row.discipline,
    caseId: row.case_id,
    number: row.number,
    stage: row.stage,
    round: row.round,
    openedAt: iso(row.opened_at),
    holder:
      held && row.status === 'open'
        ? {
            id: row.claimed_by as string,
            name: row.holder ?? '',
            since: iso(row.claimed_at ?? row.opened_at),
            until: until as string,
          }
        : null,
    closed: row.status === 'open' ? null : { by: row.closer, at: iso(row.closed_at ?? row.opened_at) },
    claimNumber: row.claim_number,
    clock: row.clock
      ? {
          clock: row.clock.clock,
          startedAt: iso(row.clock.started_at),
          dueAt: iso(row.clock.due_at),
          pausedAt: row.clock.paused_at ? iso(row.clock.paused_at) : null,
          pausedMs: Number(row.clock.paused_ms),
          stoppedAt: null,
          lapsedAt: row.clock.lapsed_at ? iso(row.clock.lapsed_at) : null,
        }
      : null,
    refusal: refusalOf(
      {
        id: row.case_id,
        state: row.state,
        outcome: row.outcome,
        round: row.round,
        duties: row.duties,
        relations: row.relations,
        tasks: [],
        sessionsLeft: {},
      },
      actor,
      row.kind,
      row,
    ),
  };
}

/** Tasks this person may take now and nobody holds, best first. */
export async function takeable(db: Database, ask: QueueAsk, size: number): Promise<QueueRow[]> {
  const rows = await queuePage(db, { ...ask, filters: { ...ask.filters, who: 'nobody' } }, 'open', size);
  return rows.filter((row) => row.refusal === undefined);
}
