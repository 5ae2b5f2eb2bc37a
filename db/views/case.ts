// Station 1, reads for screens: one case with everything a person's page prints. Reads only; who may see it is judged by the
// caller, before it is shown and after the look is recorded. Instants come back as ISO 8601 UTC.
import { and, asc, desc, eq, gte, inArray, sql } from 'drizzle-orm';
import type { Organisation } from '../../domain/consortium.ts';
import type { CaseClock, CaseState, Duty, Outcome, Stage, TaskKind } from '../../domain/lifecycle.ts';
import type { Discipline, Relation, Role } from '../../domain/roles.ts';
import type { Database } from '../connection.ts';
import {
  applications,
  assessments,
  caseRelations,
  cases,
  clocks,
  decisions,
  disclosures,
  measurements,
  persons,
  plans,
  tasks,
  therapySessions,
} from '../schema.ts';

/** An instant as data prints it. */
export const iso = (instant: string): string => new Date(instant).toISOString();
const isoOrNull = (instant: string | null): string | null => (instant === null ? null : iso(instant));

/** A case's own facts, without anybody's name. */
export interface CaseHead {
  readonly id: string;
  readonly number: string;
  readonly state: CaseState;
  readonly stage: Stage;
  readonly outcome: Outcome | null;
  readonly round: number;
  readonly openedAt: string;
  readonly changedAt: string;
  readonly patientId: string;
}

/** What decides who may see a case: its facts, and how this person stands to it. */
export async function caseFor(
  db: Database,
  caseId: string,
  person: string,
): Promise<{ readonly head: CaseHead; readonly relations: readonly Relation[] } | undefined> {
  const [row] = await db
    .select({
      id: cases.id,
      number: cases.number,
      state: cases.state,
      stage: cases.stage,
      outcome: cases.outcome,
      round: cases.round,
      openedAt: cases.openedAt,
      changedAt: cases.changedAt,
      patientId: cases.patientId,
      relations: sql<
        Relation[]
      >`(select coalesce(json_agg(r.relation), '[]') from case_relations r where r.case_id = cases.id and r.person_id = ${person})`,
    })
    .from(cases)
    .where(eq(cases.id, caseId));
  if (!row) return undefined;
  const { relations, ...head } = row;
  return { head: { ...head, openedAt: iso(head.openedAt), changedAt: iso(head.changedAt) }, relations };
}

export interface PatientView {
  readonly name: string;
  readonly birthDate: string | null;
  readonly sex: string | null;
  readonly language: string | null;
}

/** The patient's own facts. */
export async function patientOf(db: Database, patientId: string): Promise<PatientView | undefined> {
  const [row] = await db
    .select({
      name: persons.name,
      birthDate: persons.birthDate,
      sex: persons.sex,
      language: persons.language,
    })
    .from(persons)
    .where(eq(persons.id, patientId));
  return row;
}

export interface ClockRow {
  readonly id: string;
  readonly clock: CaseClock;
  readonly startedAt: string;
  readonly dueAt: string;
  readonly pausedAt: string | null;
  readonly pausedMs: number;
  readonly stoppedAt: string | null;
  readonly lapsedAt: string | null;
}

/** Every clock the case ever had, running ones first, then newest. */
export async function clocksOf(db: Database, caseId: string): Promise<ClockRow[]> {
  return (await clocksOfMany(db, [caseId])).get(caseId) ?? [];
}

/** The same for several cases, by case. */
export async function clocksOfMany(
  db: Database,
  caseIds: readonly string[],
): Promise<Map<string, ClockRow[]>> {
  if (caseIds.length === 0) return new Map();
  const rows = await db
    .select()
    .from(clocks)
    .where(inArray(clocks.caseId, [...caseIds]))
    .orderBy(sql`${clocks.stoppedAt} is not null`, desc(clocks.startedAt), asc(clocks.clock));
  return Map.groupBy(rows.map(clockRow), ({ caseId }) => caseId);
}

function clockRow(row: typeof clocks.$inferSelect): ClockRow & { caseId: string } {
  return {
    caseId: row.caseId,
    id: row.id,
    clock: row.clock,
    startedAt: iso(row.startedAt),
    dueAt: iso(row.dueAt),
    pausedAt: isoOrNull(row.pausedAt),
    pausedMs: row.pausedMs,
    stoppedAt: isoOrNull(row.stoppedAt),
    lapsedAt: isoOrNull(row.lapsedAt),
  };
}

export interface OpenTask {
  readonly id: string;
  readonly kind: TaskKind;
  readonly discipline: Discipline | null;
  readonly openedAt: string;
  readonly dueAt: string | null;
  /** The number under which the task is held, or was last. */
  readonly claimNumber: number;
  /** Who holds it at `now`; a lapsed claim holds nothing. */
  readonly holder: {
    readonly id: string;
    readonly name: string;
    readonly organisation: Organisation | null;
    readonly until: string;
  } | null;
}

/** Open tasks of the case, as they stand at `now`. */
export async function openTasksOf(db: Database, caseId: string, now: Date): Promise<OpenTask[]> {
  return (await openTasksOfMany(db, [caseId], now)).get(caseId) ?? [];
}

/** The same for several cases, by case. */
export async function openTasksOfMany(
  db: Database,
  caseIds: readonly string[],
  now: Date,
): Promise<Map<string, OpenTask[]>> {
  if (caseIds.length === 0) return new Map();
  const rows = await db
    .select({ task: tasks, name: persons.name, organisation: persons.organisation })
    .from(tasks)
    .leftJoin(persons, eq(persons.id, tasks.claimedBy))
    .where(and(inArray(tasks.caseId, [...caseIds]), eq(tasks.status, 'open')))
    .orderBy(asc(tasks.openedAt), asc(tasks.id));
  const open = rows.map(({ task, name, organisation }) => ({
    caseId: task.caseId,
    id: task.id,
    kind: task.kind,
    discipline: task.discipline,
    openedAt: iso(task.openedAt),
    dueAt: isoOrNull(task.dueAt),
    claimNumber: task.claimNumber,
    holder:
      task.claimedBy && task.claimedUntil && name !== null && new Date(task.claimedUntil) > now
        ? { id: task.claimedBy, name, organisation, until: iso(task.claimedUntil) }
        : null,
  }));
  return Map.groupBy(open, ({ caseId }) => caseId);
}

export interface DecisionRow {
  readonly id: string;
  readonly action: string;
  readonly choice: string | null;
  readonly duty: Duty | null;
  readonly criteria: Readonly<Record<string, string>> | null;
  readonly reasons: string | null;
  readonly details: Readonly<Record<string, unknown>> | null;
  readonly stateBefore: string;
  readonly stateAfter: string;
  readonly round: number;
  readonly at: string;
  readonly by: {
    readonly id: string;
    readonly name: string | null;
    readonly organisation: Organisation | null;
  };
  readonly role: Role | 'service';
  readonly discipline: Discipline | null;
}

/** What was decided and done, newest first; `limit` of them. */
export async function decisionsOf(db: Database, caseId: string, limit = 200): Promise<DecisionRow[]> {
  const rows = await db
    .select({
      decision: decisions,
      name: persons.name,
      organisation: persons.organisation,
      discipline: tasks.discipline,
    })
    .from(decisions)
    .leftJoin(persons, eq(persons.id, decisions.decidedBy))
    .leftJoin(tasks, eq(tasks.id, decisions.taskId))
    .where(eq(decisions.caseId, caseId))
    .orderBy(desc(decisions.decidedAt), desc(decisions.id))
    .limit(limit);
  return rows.map(({ decision, name, organisation, discipline }) => ({
    id: decision.id,
    action: decision.action,
    choice: decision.choice,
    duty: decision.duty,
    criteria: decision.criteria as DecisionRow['criteria'],
    reasons: decision.reasons,
    details: decision.details as DecisionRow['details'],
    stateBefore: decision.stateBefore,
    stateAfter: decision.stateAfter,
    round: decision.round,
    at: iso(decision.decidedAt),
    by: { id: decision.decidedBy, name, organisation },
    role: decision.role,
    discipline,
  }));
}

export interface ApplicationRow {
  readonly reason: string;
  readonly reasonCode: string | null;
  readonly reasonSince: string | null;
  readonly goals: string | null;
  readonly background: readonly { readonly text: string; readonly why?: string }[];
  readonly questions: readonly string[];
  readonly submittedAt: string;
}

/** The case's application. */
export async function applicationOf(db: Database, caseId: string): Promise<ApplicationRow | undefined> {
  const [row] = await db
    .select()
    .from(applications)
    .where(eq(applications.caseId, caseId))
    .orderBy(desc(applications.round))
    .limit(1);
  return (
    row && {
      reason: row.reason,
      reasonCode: row.reasonCode,
      reasonSince: row.reasonSince,
      goals: row.goals,
      background: row.background as ApplicationRow['background'],
      questions: row.questions,
      submittedAt: iso(row.submittedAt),
    }
  );
}

export interface PlanRow {
  readonly number: number;
  readonly status: 'proposed' | 'approved' | 'sent-back';
  readonly goals: readonly string[];
  readonly sessions: Readonly<Partial<Record<Discipline, number>>>;
  readonly minutes: number;
  readonly proposedAt: string;
  readonly proposedBy: string | null;
}

/** The newest plan, or the one with this number, and how many sessions of each discipline were held in the case. */
export async function planOf(
  db: Database,
  caseId: string,
  number?: number,
): Promise<{ plan: PlanRow | undefined; held: Readonly<Partial<Record<Discipline, number>>> }> {
  const [row] = await db
    .select({ plan: plans, name: persons.name })
    .from(plans)
    .leftJoin(persons, eq(persons.id, plans.proposedBy))
    .where(and(eq(plans.caseId, caseId), number === undefined ? undefined : eq(plans.number, number)))
    .orderBy(desc(plans.number))
    .limit(1);
  const held = await db
    .select({ discipline: therapySessions.discipline, count: sql<number>`count(*)::int` })
    .from(therapySessions)
    .where(and(eq(therapySessions.caseId, caseId), eq(therapySessions.held, true)))
    .groupBy(therapySessions.discipline);
  return {
    plan: row && {
      number: row.plan.number,
      status: row.plan.status,
      goals: row.plan.goals,
      sessions: row.plan.sessions,
      minutes: row.plan.minutes,
      proposedAt: iso(row.plan.proposedAt),
      proposedBy: row.name,
    },
    held: Object.fromEntries(held.map(({ discipline, count }) => [discipline, count])),
  };
}

export interface RelationRow {
  readonly relation: Relation;
  readonly person: string;
  readonly name: string;
  readonly organisation: Organisation | null;
  readonly since: string;
}

/** Who stands in which relation to the case. */
export async function relationsOf(db: Database, caseId: string): Promise<RelationRow[]> {
  const rows = await db
    .select({
      relation: caseRelations.relation,
      person: caseRelations.personId,
      name: persons.name,
      organisation: persons.organisation,
      since: caseRelations.since,
    })
    .from(caseRelations)
    .innerJoin(persons, eq(persons.id, caseRelations.personId))
    .where(eq(caseRelations.caseId, caseId))
    .orderBy(asc(caseRelations.since), asc(caseRelations.relation));
  return rows.map((row) => ({ ...row, since: iso(row.since) }));
}

export interface MeasurementRow {
  readonly id: string;
  readonly instrument: string;
  readonly instrumentVersion: string;
  readonly answers: Readonly<Record<string, unknown>>;
  readonly total: number | null;
  /** What the source stated; compared with `total`, never shown as the score. */
  readonly statedTotal: number | null;
  readonly alerts: readonly string[];
  readonly at: string;
  readonly by: string | null;
  readonly occasion: string;
}

/** Every measurement, oldest first. */
export async function measurementsOf(db: Database, caseId: string): Promise<MeasurementRow[]> {
  const rows = await db
    .select({ measurement: measurements, occasion: assessments.occasion, by: persons.name })
    .from(measurements)
    .innerJoin(assessments, eq(assessments.id, measurements.assessmentId))
    .leftJoin(persons, eq(persons.id, assessments.assessedBy))
    .where(eq(measurements.caseId, caseId))
    .orderBy(asc(measurements.measuredAt), asc(measurements.id));
  return rows.map(({ measurement, occasion, by }) => ({
    id: measurement.id,
    instrument: measurement.instrument,
    instrumentVersion: measurement.instrumentVersion,
    answers: measurement.answers as MeasurementRow['answers'],
    total: measurement.total === null ? null : Number(measurement.total),
    statedTotal: measurement.statedTotal === null ? null : Number(measurement.statedTotal),
    alerts: measurement.alerts,
    at: iso(measurement.measuredAt),
    by,
    occasion,
  }));
}

export interface FindingRow {
  readonly id: string;
  readonly discipline: Discipline | null;
  readonly occasion: 'baseline' | 're-evaluation' | 'follow-up';
  readonly findings: string;
  readonly by: string | null;
  readonly at: string;
}

/** What assessors wrote, newest first. */
export async function findingsOf(db: Database, caseId: string): Promise<FindingRow[]> {
  const rows = await db
    .select({ assessment: assessments, by: persons.name })
    .from(assessments)
    .leftJoin(persons, eq(persons.id, assessments.assessedBy))
    .where(eq(assessments.caseId, caseId))
    .orderBy(desc(assessments.assessedAt));
  return rows.map(({ assessment, by }) => ({
    id: assessment.id,
    discipline: assessment.discipline,
    occasion: assessment.occasion,
    findings: assessment.findings,
    by,
    at: iso(assessment.assessedAt),
  }));
}

export interface LookRow {
  readonly id: string;
  readonly person: string;
  readonly name: string | null;
  readonly organisation: Organisation | null;
  readonly role: Role;
  readonly view: string;
  readonly at: string;
}

/** Who looked at the case, newest first, with how many looks there are. */
export async function looksAt(
  db: Database,
  caseId: string,
  limit: number,
): Promise<{ looks: LookRow[]; total: number }> {
  const [rows, [count]] = await Promise.all([
    db
      .select({
        id: disclosures.id,
        person: disclosures.personId,
        name: persons.name,
        organisation: persons.organisation,
        role: disclosures.role,
        view: disclosures.view,
        at: disclosures.shownAt,
      })
      .from(disclosures)
      .leftJoin(persons, eq(persons.id, disclosures.personId))
      .where(eq(disclosures.caseId, caseId))
      .orderBy(desc(disclosures.shownAt), desc(disclosures.id))
      .limit(limit),
    db.select({ total: sql<number>`count(*)::int` }).from(disclosures).where(eq(disclosures.caseId, caseId)),
  ]);
  return { looks: rows.map((row) => ({ ...row, at: iso(row.at) })), total: count?.total ?? 0 };
}

/** The case that a person opened last in a role, at `since` or later; undefined when there is none. */
export async function lastOpened(
  db: Database,
  person: string,
  relation: Relation,
  since: string,
): Promise<{ readonly id: string; readonly number: string; readonly openedAt: string } | undefined> {
  const [row] = await db
    .select({ id: cases.id, number: cases.number, openedAt: cases.openedAt })
    .from(cases)
    .innerJoin(caseRelations, eq(caseRelations.caseId, cases.id))
    .where(
      and(
        eq(caseRelations.personId, person),
        eq(caseRelations.relation, relation),
        gte(cases.openedAt, since),
      ),
    )
    .orderBy(desc(cases.openedAt))
    .limit(1);
  return row && { ...row, openedAt: iso(row.openedAt) };
}

/** Cases to which a person stands in one of these relations, newest change first. */
export async function casesOf(
  db: Database,
  person: string,
  relations: readonly Relation[],
): Promise<(CaseHead & { readonly patientName: string })[]> {
  const rows = await db
    .selectDistinctOn([cases.id], { head: cases, patientName: persons.name })
    .from(cases)
    .innerJoin(caseRelations, eq(caseRelations.caseId, cases.id))
    .innerJoin(persons, eq(persons.id, cases.patientId))
    .where(and(eq(caseRelations.personId, person), inArray(caseRelations.relation, [...relations])))
    .orderBy(cases.id);
  return rows
    .map(({ head, patientName }) => ({
      id: head.id,
      number: head.number,
      state: head.state,
      stage: head.stage,
      outcome: head.outcome,
      round: head.round,
      openedAt: iso(head.openedAt),
      changedAt: iso(head.changedAt),
      patientId: head.patientId,
      patientName,
    }))
    .sort((a, b) => (a.changedAt < b.changedAt ? 1 : a.changedAt > b.changedAt ? -1 : 0));
}
