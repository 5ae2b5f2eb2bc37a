// Station 1, reads for screens: lists of cases, paged by key, without anybody's name unless one was searched for.
import { and, desc, eq, ilike, isNull, lt, or, type SQL, sql } from 'drizzle-orm';
import type { CaseState, Outcome, Stage } from '../../domain/lifecycle.ts';
import type { Database } from '../connection.ts';
import { cases, persons } from '../schema.ts';
import { type ClockRow, clocksOfMany, type OpenTask, openTasksOfMany } from './case.ts';

export interface CaseLine {
  readonly id: string;
  readonly number: string;
  readonly state: CaseState;
  readonly stage: Stage;
  readonly outcome: Outcome | null;
  readonly round: number;
  readonly changedAt: string;
  readonly tasks: readonly OpenTask[];
  readonly clocks: readonly ClockRow[];
}

/** Filters of the list, each a closed value or absent. */
export interface CaseFilter {
  readonly stage?: Stage;
  readonly outcome?: Outcome | 'none';
  readonly state?: CaseState;
}

/** A place in the list: newest change first, then id. */
export interface CasePlace {
  readonly changedAt: string;
  readonly id: string;
}

const COUNT_CAP = 10_000;

const conditions = ({ stage, outcome, state }: CaseFilter): SQL[] => [
  ...(stage ? [eq(cases.stage, stage)] : []),
  ...(outcome === 'none' ? [isNull(cases.outcome)] : outcome ? [eq(cases.outcome, outcome)] : []),
  ...(state ? [eq(cases.state, state)] : []),
];

const columns = {
  id: cases.id,
  number: cases.number,
  state: cases.state,
  stage: cases.stage,
  outcome: cases.outcome,
  round: cases.round,
  changedAt: cases.changedAt,
};

/** A page of the list with its place among all; `total` is undefined beyond 10 000. */
export async function casesPage(
  db: Database,
  filter: CaseFilter,
  after: CasePlace | undefined,
  limit: number,
  now: Date,
): Promise<{ rows: CaseLine[]; total: number | undefined; before: number; more: boolean }> {
  const where = conditions(filter);
  const place = after
    ? or(
        lt(cases.changedAt, after.changedAt),
        and(eq(cases.changedAt, after.changedAt), lt(cases.id, after.id)),
      )
    : undefined;
  const capped = (extra?: SQL) =>
    db.select({ n: sql<number>`count(*)::int` }).from(
      db
        .select({ id: cases.id })
        .from(cases)
        .where(and(...where, extra))
        .limit(COUNT_CAP + 1)
        .as('counted'),
    );
  const [found, [all], [rest]] = await Promise.all([
    db
      .select(columns)
      .from(cases)
      .where(and(...where, place))
      .orderBy(desc(cases.changedAt), desc(cases.id))
      .limit(limit + 1),
    capped(),
    after ? capped(place) : Promise.resolve([{ n: -1 }]),
  ]);
  const total = all?.n ?? 0;
  return {
    rows: await linesOf(db, found.slice(0, limit), now),
    total: total > COUNT_CAP ? undefined : total,
    before: after ? Math.max(0, total - (rest?.n ?? 0)) : 0,
    more: found.length > limit,
  };
}

type Found = Omit<CaseLine, 'tasks' | 'clocks'>;

async function linesOf(db: Database, found: readonly Found[], now: Date): Promise<CaseLine[]> {
  const ids = found.map(({ id }) => id);
  const [tasks, clocks] = await Promise.all([openTasksOfMany(db, ids, now), clocksOfMany(db, ids)]);
  return found.map((row) => ({
    ...row,
    changedAt: new Date(row.changedAt).toISOString(),
    tasks: tasks.get(row.id) ?? [],
    clocks: clocks.get(row.id) ?? [],
  }));
}

/** The case with this number. */
export async function caseByNumber(db: Database, number: string): Promise<{ id: string } | undefined> {
  const [row] = await db.select({ id: cases.id }).from(cases).where(eq(cases.number, number));
  return row;
}

export interface NameHit extends CaseLine {
  readonly patientName: string;
  readonly birthDate: string | null;
}

/** Cases whose patient's name contains the text, newest change first. `more` says that the list was cut. */
export async function casesByName(
  db: Database,
  text: string,
  limit: number,
  now: Date,
): Promise<{ rows: NameHit[]; more: boolean }> {
  const pattern = `%${text.replace(/[\\%_]/g, (c) => `\\${c}`)}%`;
  const found = await db
    .select({ ...columns, patientName: persons.name, birthDate: persons.birthDate })
    .from(cases)
    .innerJoin(persons, eq(persons.id, cases.patientId))
    .where(ilike(persons.name, pattern))
    .orderBy(desc(cases.changedAt), desc(cases.id))
    .limit(limit + 1);
  const kept = found.slice(0, limit);
  const lines = await linesOf(db, kept, now);
  return {
    rows: kept.map(({ patientName, birthDate }, at) => ({
      ...(lines[at] as CaseLine),
      patientName,
      birthDate,
    })),
    more: found.length > limit,
  };
}
