// Station 1, reads for screens: one task with everything its decision rests on: application, measures, earlier decisions,
// plan, sessions, clocks. What it gives is about a person: whoever asks has the look recorded first (web/disclose.ts).
import { asc, desc, eq, sql } from 'drizzle-orm';
import type { CaseFacts, CaseState, Outcome, Stage, TaskKind } from '../../domain/lifecycle.ts';
import type { Discipline, Role } from '../../domain/roles.ts';
import type { Database } from '../connection.ts';
import {
  applications,
  assessments,
  caseRelations,
  cases,
  clocks,
  decisions,
  measurements,
  persons,
  plans,
  tasks,
  therapySessions,
} from '../schema.ts';
import type { Holder, QueueClock } from './queue.ts';

const iso = (instant: string): string => new Date(instant).toISOString();
const isoOr = (instant: string | null): string | null => (instant === null ? null : iso(instant));

/** A task and what the rules need of its case; holds nothing about the patient's health. */
export interface TaskHead {
  readonly id: string;
  readonly kind: TaskKind;
  readonly discipline: Discipline | null;
  readonly status: 'open' | 'done' | 'cancelled';
  readonly claimNumber: number;
  /** Who holds it at `now`; null when nobody does. */
  readonly holder: Holder | null;
  readonly doneBy: { readonly id: string; readonly name: string; readonly at: string } | null;
  readonly case: {
    readonly id: string;
    readonly number: string;
    readonly patientId: string;
    readonly stage: Stage;
    readonly state: CaseState;
    readonly outcome: Outcome | null;
    readonly round: number;
    readonly parametersVersion: string;
  };
  readonly facts: CaseFacts;
  /** Clocks that run or stand still, the one that ends first in front. */
  readonly clocks: readonly QueueClock[];
}

/** The task, or undefined when there is none. */
export async function taskHead(db: Database, id: string, now: Date): Promise<TaskHead | undefined> {
  const [row] = await db
    .select({ task: tasks, kase: cases })
    .from(tasks)
    .innerJoin(cases, eq(cases.id, tasks.caseId))
    .where(eq(tasks.id, id));
  if (!row) return undefined;
  const { task, kase } = row;
  const [named, duties, relations, running] = await Promise.all([
    db
      .select({ id: persons.id, name: persons.name })
      .from(persons)
      .where(sql`${persons.id} in (${task.claimedBy ?? task.id}::uuid, ${task.doneBy ?? task.id}::uuid)`),
    db
      .select({ duty: decisions.duty, person: decisions.decidedBy })
      .from(decisions)
      .where(sql`${decisions.caseId} = ${kase.id} and ${decisions.duty} is not null`),
    db
      .select({ relation: caseRelations.relation, person: caseRelations.personId })
      .from(caseRelations)
      .where(eq(caseRelations.caseId, kase.id)),
    db
      .select()
      .from(clocks)
      .where(sql`${clocks.caseId} = ${kase.id} and ${clocks.stoppedAt} is null`)
      .orderBy(sql`(${clocks.pausedAt} is not null)`, asc(clocks.dueAt), asc(clocks.id)),
  ]);
  const nameOf = (person: string): string => named.find((p) => p.id === person)?.name ?? '';
  const until = isoOr(task.claimedUntil);
  const held = task.status === 'open' && task.claimedBy && until && until > now.toISOString();
  return {
    id: task.id,
    kind: task.kind,
    discipline: task.discipline,
    status: task.status,
    claimNumber: task.claimNumber,
    holder: held
      ? {
          id: task.claimedBy as string,
          name: nameOf(task.claimedBy as string),
          since: iso(task.claimedAt ?? task.openedAt),
          until,
        }
      : null,
    doneBy: task.doneBy
      ? { id: task.doneBy, name: nameOf(task.doneBy), at: iso(task.closedAt ?? task.openedAt) }
      : null,
    case: {
      id: kase.id,
      number: kase.number,
      patientId: kase.patientId,
      stage: kase.stage,
      state: kase.state,
      outcome: kase.outcome,
      round: kase.round,
      parametersVersion: kase.parametersVersion,
    },
    facts: {
      id: kase.id,
      state: kase.state,
      outcome: kase.outcome,
      round: kase.round,
      duties: duties.map(({ duty, person }) => ({ duty: duty as NonNullable<typeof duty>, person })),
      relations,
      tasks: [],
      sessionsLeft: {},
    },
    clocks: running.map((clock) => ({
      clock: clock.clock,
      startedAt: iso(clock.startedAt),
      dueAt: iso(clock.dueAt),
      pausedAt: isoOr(clock.pausedAt),
      pausedMs: clock.pausedMs,
      stoppedAt: null,
      lapsedAt: isoOr(clock.lapsedAt),
    })),
  };
}

/** One other condition, as an application brought it. */
export interface Background {
  readonly text: string;
  readonly since?: string;
  readonly until?: string;
  readonly status?: string;
  readonly why?: string;
}

/** A measurement with who took it, oldest first in its list. */
export interface Measured {
  readonly id: string;
  readonly instrument: string;
  readonly version: string;
  readonly answers: Readonly<Record<string, unknown>>;
  readonly total: number | null;
  readonly statedTotal: number | null;
  readonly alerts: readonly string[];
  readonly at: string;
  readonly by: string;
  readonly occasion: 'baseline' | 're-evaluation' | 'follow-up';
}

export interface Decided {
  readonly id: string;
  readonly action: string;
  readonly choice: string | null;
  readonly criteria: Readonly<Record<string, string>> | null;
  readonly reasons: string | null;
  readonly details: Readonly<Record<string, unknown>> | null;
  readonly round: number;
  readonly by: { readonly id: string; readonly name: string | null; readonly role: Role | 'service' };
  readonly at: string;
}

/** What a decision rests on. */
export interface Evidence {
  readonly patient: { readonly name: string; readonly birthDate: string | null; readonly sex: string | null };
  readonly application: {
    readonly reason: string;
    readonly reasonCode: string | null;
    readonly reasonSince: string | null;
    readonly goals: string | null;
    readonly background: readonly Background[];
    readonly questions: readonly string[];
    readonly submittedAt: string;
    readonly submittedBy: string;
  } | null;
  readonly assessments: readonly {
    readonly id: string;
    readonly discipline: Discipline | null;
    readonly occasion: 'baseline' | 're-evaluation' | 'follow-up';
    readonly findings: string;
    readonly at: string;
    readonly by: string;
  }[];
  readonly measured: readonly Measured[];
  /** Newest first; acts of the case, not claims. */
  readonly decisions: readonly Decided[];
  readonly plan: {
    readonly number: number;
    readonly status: 'proposed' | 'approved' | 'sent-back';
    readonly goals: readonly string[];
    readonly sessions: Readonly<Partial<Record<Discipline, number>>>;
    readonly sessionsLeft: Readonly<Partial<Record<Discipline, number>>>;
    readonly minutes: number;
    readonly proposedBy: string;
    readonly proposedAt: string;
  } | null;
  /** Newest first. */
  readonly sessions: readonly {
    readonly id: string;
    readonly discipline: Discipline;
    readonly held: boolean;
    readonly minutes: number;
    readonly note: string | null;
    readonly at: string;
    readonly by: string;
  }[];
}

/** Most sessions and decisions that one page shows. */
const SHOWN = 60;

/** Everything a decision in this case rests on. Record the look first. */
export async function evidenceOf(db: Database, caseId: string, patientId: string): Promise<Evidence> {
  const [[patient], [application], found, measured, decided, [plan], sessions] = await Promise.all([
    db
      .select({ name: persons.name, birthDate: persons.birthDate, sex: persons.sex })
      .from(persons)
      .where(eq(persons.id, patientId)),
    db
      .select({ row: applications, by: persons.name })
      .from(applications)
      .leftJoin(persons, eq(persons.id, applications.submittedBy))
      .where(eq(applications.caseId, caseId))
      .orderBy(desc(applications.round), desc(applications.submittedAt))
      .limit(1),
    db
      .select({ row: assessments, by: persons.name })
      .from(assessments)
      .leftJoin(persons, eq(persons.id, assessments.assessedBy))
      .where(eq(assessments.caseId, caseId))
      .orderBy(asc(assessments.assessedAt), asc(assessments.id)),
    db
      .select({ row: measurements, occasion: assessments.occasion, by: persons.name })
      .from(measurements)
      .innerJoin(assessments, eq(assessments.id, measurements.assessmentId))
      .leftJoin(persons, eq(persons.id, assessments.assessedBy))
      .where(eq(measurements.caseId, caseId))
      .orderBy(asc(measurements.measuredAt), asc(measurements.id)),
    db
      .select({ row: decisions, by: persons.name })
      .from(decisions)
      .leftJoin(persons, eq(persons.id, decisions.decidedBy))
      .where(eq(decisions.caseId, caseId))
      .orderBy(desc(decisions.decidedAt), desc(decisions.id))
      .limit(SHOWN),
    db
      .select({ row: plans, by: persons.name })
      .from(plans)
      .leftJoin(persons, eq(persons.id, plans.proposedBy))
      .where(eq(plans.caseId, caseId))
      .orderBy(desc(plans.number))
      .limit(1),
    db
      .select({ row: therapySessions, by: persons.name })
      .from(therapySessions)
      .leftJoin(persons, eq(persons.id, therapySessions.therapistId))
      .where(eq(therapySessions.caseId, caseId))
      .orderBy(desc(therapySessions.recordedAt), desc(therapySessions.id))
      .limit(SHOWN),
  ]);
  return {
    patient: patient ?? { name: '', birthDate: null, sex: null },
    application: application
      ? {
          ...application.row,
          background: application.row.background as Background[],
          submittedAt: iso(application.row.submittedAt),
          submittedBy: application.by ?? '',
        }
      : null,
    assessments: found.map(({ row, by }) => ({ ...row, at: iso(row.assessedAt), by: by ?? '' })),
    measured: measured.map(({ row, occasion, by }) => ({
      id: row.id,
      instrument: row.instrument,
      version: row.instrumentVersion,
      answers: row.answers as Record<string, unknown>,
      total: row.total === null ? null : Number(row.total),
      statedTotal: row.statedTotal === null ? null : Number(row.statedTotal),
      alerts: row.alerts,
      at: iso(row.measuredAt),
      by: by ?? '',
      occasion,
    })),
    decisions: decided.map(({ row, by }) => ({
      id: row.id,
      action: row.action,
      choice: row.choice,
      criteria: row.criteria as Record<string, string> | null,
      reasons: row.reasons,
      details: row.details as Record<string, unknown> | null,
      round: row.round,
      by: { id: row.decidedBy, name: by, role: row.role },
      at: iso(row.decidedAt),
    })),
    plan: plan ? { ...plan.row, proposedBy: plan.by ?? '', proposedAt: iso(plan.row.proposedAt) } : null,
    sessions: sessions.map(({ row, by }) => ({ ...row, at: iso(row.recordedAt), by: by ?? '' })),
  };
}

/** A person's name, for a sentence about who holds something. */
export async function nameOf(db: Database, person: string): Promise<string | undefined> {
  const [row] = await db.select({ name: persons.name }).from(persons).where(eq(persons.id, person));
  return row?.name;
}
