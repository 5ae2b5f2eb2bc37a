// Station 1, reads for screens: safety alerts, those that wait and those that somebody has taken up. Initials only on lists;
// whoever shows them has the look recorded first. An alert that waits is never left out for its age, nor because its case ended.
import { sql } from 'drizzle-orm';
import { type AcknowledgementReason, type AlertStanding, IMMEDIATE_ALERTS } from '../../domain/alerts.ts';
import type { Organisation } from '../../domain/consortium.ts';
import type { Role } from '../../domain/roles.ts';
import type { Database } from '../connection.ts';

const iso = (instant: string): string => new Date(instant).toISOString();

/**
 * Whether somebody has acted in a case, or holds a task of it: one SQL expression, for screens and for the transaction that
 * decides. Its arguments are SQL, never what somebody sent.
 */
export const worksOn = (caseId: string, person: string, at: string): string =>
  `(exists (select 1 from decisions d where d.case_id = ${caseId} and d.decided_by = ${person})
    or exists (select 1 from tasks t where t.case_id = ${caseId} and t.status = 'open' and t.claimed_by = ${person} and t.claimed_until > ${at}))`;

/** Measurements with alerts that somebody must acknowledge; joined as `m`. */
const immediate = sql`m.alerts <> '[]'::jsonb and m.alerts ?| ${sql.param([...IMMEDIATE_ALERTS])}::text[]`;
const waiting = sql`not exists (select 1 from alert_acknowledgements a where a.measurement_id = m.id)`;

/** An alert that waits: of one instrument in one case the newest, which stands for those before it. */
export interface OpenAlert {
  /** The newest measurement that raised it. */
  readonly id: string;
  readonly caseId: string;
  readonly number: string;
  readonly codes: readonly string[];
  /** When the newest was measured, and the oldest that still waits. */
  readonly at: string;
  readonly since: string;
  readonly initials: string;
}

/** First letters of the first two words of a name; the person is joined as `p`. */
export const initials = sql`(select string_agg(left(word, 1), '. ' order by n) || '.' from regexp_split_to_table(trim(p.name), '\\s+') with ordinality as w(word, n) where n <= 2) as initials`;

/** Alerts that wait, longest first, and how many there are; of all cases, of those this person works on, or of one. */
export async function openAlerts(
  db: Database,
  of: 'all' | { readonly person: string; readonly now: Date } | { readonly caseId: string },
  limit: number,
): Promise<{ rows: OpenAlert[]; total: number }> {
  const scope =
    of === 'all'
      ? sql`true`
      : 'caseId' in of
        ? sql`m.case_id = ${of.caseId}::uuid`
        : sql`(select ${sql.raw(worksOn('m.case_id', 'asked.person', 'asked.at'))} from (select ${of.person}::uuid as person, ${of.now.toISOString()}::timestamptz as at) asked)`;
  const rows = await db.execute<{
    id: string;
    case_id: string;
    number: string;
    alerts: string[];
    measured_at: string;
    since: string;
    initials: string;
    total: number;
  }>(sql`
    with open as (
      select distinct on (m.case_id, m.instrument) m.id, m.case_id, m.alerts, m.measured_at,
        min(m.measured_at) over (partition by m.case_id, m.instrument) as since
      from measurements m where ${immediate} and ${waiting} and ${scope}
      order by m.case_id, m.instrument, m.measured_at desc, m.id desc)
    select o.*, c.number, ${initials}, (count(*) over ())::int as total
    from open o join cases c on c.id = o.case_id join persons p on p.id = c.patient_id
    order by o.since, o.id limit ${limit}`);
  return {
    rows: rows.map((row) => ({
      id: row.id,
      caseId: row.case_id,
      number: row.number,
      codes: row.alerts,
      at: iso(row.measured_at),
      since: iso(row.since),
      initials: row.initials,
    })),
    total: rows[0]?.total ?? 0,
  };
}

/** How many alerts wait, and how many of them were raised before an instant. */
export async function alertFigures(
  db: Database,
  before: Date,
): Promise<{ readonly open: number; readonly overdue: number }> {
  const [row] = await db.execute<{ open: number; overdue: number }>(sql`
    select count(*)::int as open, (count(*) filter (where since < ${before.toISOString()}::timestamptz))::int as overdue
    from (select min(m.measured_at) as since from measurements m where ${immediate} and ${waiting} group by m.case_id, m.instrument) o`);
  return row ?? { open: 0, overdue: 0 };
}

/** What was done about an alert. */
export interface AcknowledgementRow {
  readonly by: {
    readonly id: string;
    readonly name: string | null;
    readonly organisation: Organisation | null;
  };
  readonly role: Role;
  readonly at: string;
  readonly reason: AcknowledgementReason;
  readonly note: string | null;
}

/** A measurement of a case that raised an alert, newest first, with what was done about it, or null while it waits. */
export interface CaseAlert {
  readonly id: string;
  readonly instrument: string;
  readonly codes: readonly string[];
  readonly at: string;
  readonly acknowledged: AcknowledgementRow | null;
}

export async function alertsOfCase(db: Database, caseId: string): Promise<CaseAlert[]> {
  const rows = await db.execute<{
    id: string;
    instrument: string;
    alerts: string[];
    measured_at: string;
    reason: AcknowledgementReason | null;
    note: string | null;
    role: Role;
    acknowledged_by: string;
    acknowledged_at: string;
    name: string | null;
    organisation: Organisation | null;
  }>(sql`
    select m.id, m.instrument, m.alerts, m.measured_at, a.reason, a.note, a.role, a.acknowledged_by, a.acknowledged_at, p.name, p.organisation
    from measurements m left join alert_acknowledgements a on a.measurement_id = m.id left join persons p on p.id = a.acknowledged_by
    where m.case_id = ${caseId}::uuid and ${immediate} order by m.measured_at desc, m.id desc`);
  return rows.map((row) => ({
    id: row.id,
    instrument: row.instrument,
    codes: row.alerts,
    at: iso(row.measured_at),
    acknowledged:
      row.reason === null
        ? null
        : {
            by: { id: row.acknowledged_by, name: row.name, organisation: row.organisation },
            role: row.role,
            at: iso(row.acknowledged_at),
            reason: row.reason,
            note: row.note,
          },
  }));
}

/** How somebody stands to the case of an alert, for what a page offers; the act judges it again. */
export async function alertStanding(
  db: Database,
  caseId: string,
  person: string,
  now: Date,
): Promise<AlertStanding & { readonly lead: boolean }> {
  const [row] = await db.execute<{ related: boolean; worksOnIt: boolean; lead: boolean }>(sql`
    select exists (select 1 from case_relations l where l.case_id = asked.case_id and l.person_id = asked.person) as related,
      exists (select 1 from role_assignments r where r.person_id = asked.person and r.role = 'therapist' and r.lead and r.ended_at is null) as lead,
      ${sql.raw(worksOn('asked.case_id', 'asked.person', 'asked.at'))} as "worksOnIt"
    from (select ${caseId}::uuid as case_id, ${person}::uuid as person, ${now.toISOString()}::timestamptz as at) asked`);
  return row ?? { related: false, worksOnIt: false, lead: false };
}
