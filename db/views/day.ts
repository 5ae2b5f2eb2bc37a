// Station 1, reads for screens: a therapist's or doctor's day: what was recorded today, therapy minutes of a week. Initials only;
// whoever shows them has the look recorded first (web/disclose.ts).
import { sql } from 'drizzle-orm';
import type { Discipline } from '../../domain/roles.ts';
import type { Database } from '../connection.ts';
import { initials } from './alerts.ts';

const iso = (instant: string): string => new Date(instant).toISOString();

/** The initials of the patients of some cases, by case. */
export async function initialsOf(db: Database, caseIds: readonly string[]): Promise<Map<string, string>> {
  if (caseIds.length === 0) return new Map();
  const rows = await db.execute<{ id: string; initials: string }>(sql`
    select c.id, ${initials} from cases c join persons p on p.id = c.patient_id
    where c.id in (${sql.join(
      caseIds.map((id) => sql`${id}::uuid`),
      sql`, `,
    )})`);
  return new Map(rows.map((row) => [row.id, row.initials]));
}

/** A session this person recorded. */
export interface RecordedSession {
  readonly id: string;
  readonly caseId: string;
  readonly number: string;
  readonly discipline: Discipline;
  readonly held: boolean;
  readonly minutes: number;
  readonly at: string;
}

/** What this person recorded since an instant, newest first. */
export async function recordedSince(db: Database, person: string, since: string): Promise<RecordedSession[]> {
  const rows = await db.execute<{
    id: string;
    case_id: string;
    number: string;
    discipline: Discipline;
    held: boolean;
    minutes: number;
    recorded_at: string;
  }>(sql`
    select s.id, s.case_id, c.number, s.discipline, s.held, s.minutes, s.recorded_at
    from cases c join therapy_sessions s on s.case_id = c.id
    where s.therapist_id = ${person}::uuid and s.recorded_at >= ${since}::timestamptz
    order by s.recorded_at desc, s.id limit 50`);
  return rows.map((row) => ({
    id: row.id,
    caseId: row.case_id,
    number: row.number,
    discipline: row.discipline,
    held: row.held,
    minutes: row.minutes,
    at: iso(row.recorded_at),
  }));
}

/** Sessions left and therapy minutes since an instant, for some cases. */
export async function treatmentOf(
  db: Database,
  caseIds: readonly string[],
  since: string,
): Promise<Map<string, { left: Readonly<Partial<Record<Discipline, number>>>; minutes: number }>> {
  if (caseIds.length === 0) return new Map();
  const rows = await db.execute<{
    id: string;
    left: Partial<Record<Discipline, number>> | null;
    minutes: number;
  }>(sql`
    select c.id,
      (select p.sessions_left from plans p where p.case_id = c.id and p.status = 'approved' order by p.number desc limit 1) as left,
      (select coalesce(sum(s.minutes), 0)::int from therapy_sessions s where s.case_id = c.id and s.held and s.recorded_at >= ${since}::timestamptz) as minutes
    from cases c where c.id in (${sql.join(
      caseIds.map((id) => sql`${id}::uuid`),
      sql`, `,
    )})`);
  return new Map(rows.map((row) => [row.id, { left: row.left ?? {}, minutes: row.minutes }]));
}
