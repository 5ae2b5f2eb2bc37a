// Station 1, reads for screens: people who hold a role, and acts that were refused. Names of staff; nobody's health.
import { and, desc, eq, sql } from 'drizzle-orm';
import type { Organisation } from '../../domain/consortium.ts';
import type { RefusalCode } from '../../domain/refusal.ts';
import type { Discipline, Role } from '../../domain/roles.ts';
import type { Database } from '../connection.ts';
import { cases, persons, refusals, roleAssignments } from '../schema.ts';

export interface PersonLine {
  readonly id: string;
  readonly name: string;
  readonly organisation: Organisation | null;
  readonly roles: readonly {
    readonly role: Role;
    readonly disciplines: readonly Discipline[];
    readonly lead: boolean;
    readonly since: string;
  }[];
}

/** People who hold a role now, by name; those with `role` when it is given. */
export async function peopleWithRoles(
  db: Database,
  role: Role | undefined,
  limit: number,
): Promise<{ rows: PersonLine[]; total: number }> {
  const having = sql`from persons p where exists (select 1 from role_assignments r where r.person_id = p.id and r.ended_at is null ${role ? sql`and r.role = ${role}` : sql``})`;
  const [rows, [count]] = await Promise.all([
    db.execute<{
      id: string;
      name: string;
      organisation: Organisation | null;
      roles: { role: Role; disciplines: Discipline[]; lead: boolean; since: string }[];
    }>(sql`
      select p.id, p.name, p.organisation,
        (select json_agg(json_build_object('role', r.role, 'disciplines', r.disciplines, 'lead', r.lead, 'since', r.assigned_at) order by r.role)
          from role_assignments r where r.person_id = p.id and r.ended_at is null) as roles
      ${having} order by p.organisation nulls last, p.name, p.id limit ${limit}`),
    db.execute<{ n: number }>(sql`select count(*)::int as n ${having}`),
  ]);
  return {
    rows: [...rows].map(({ roles, ...person }) => ({
      ...person,
      roles: roles.map((one) => ({ ...one, since: new Date(one.since).toISOString() })),
    })),
    total: count?.n ?? 0,
  };
}

/** A role that somebody holds or held. */
export interface RoleLine {
  readonly role: Role;
  readonly disciplines: readonly Discipline[];
  readonly lead: boolean;
  readonly since: string;
  readonly reason: string | null;
  readonly until: string | null;
  readonly endReason: string | null;
}

/** One person with every role they hold or held, current ones first; undefined when there is no such person. */
export async function personWithRoles(
  db: Database,
  id: string,
): Promise<{ id: string; name: string; organisation: Organisation | null; roles: RoleLine[] } | undefined> {
  const [person] = await db
    .select({ id: persons.id, name: persons.name, organisation: persons.organisation })
    .from(persons)
    .where(eq(persons.id, id));
  if (!person) return undefined;
  const rows = await db
    .select()
    .from(roleAssignments)
    .where(eq(roleAssignments.personId, id))
    .orderBy(sql`ended_at is not null`, desc(roleAssignments.assignedAt), roleAssignments.id);
  return {
    ...person,
    roles: rows.map(({ role, disciplines, lead, assignedAt, reason, endedAt, endReason }) => ({
      role,
      disciplines,
      lead,
      since: new Date(assignedAt).toISOString(),
      reason,
      until: endedAt === null ? null : new Date(endedAt).toISOString(),
      endReason,
    })),
  };
}

export interface RefusalLine {
  readonly id: string;
  readonly name: string | null;
  readonly role: Role;
  readonly action: string;
  readonly code: RefusalCode;
  readonly caseId: string | null;
  readonly caseNumber: string | null;
  readonly at: string;
}

/** Refused acts, newest first. */
export async function refusalsPage(
  db: Database,
  code: RefusalCode | undefined,
  limit: number,
): Promise<{ rows: RefusalLine[]; total: number }> {
  const where = code ? and(eq(refusals.code, code)) : undefined;
  const [rows, total] = await Promise.all([
    db
      .select({
        id: refusals.id,
        name: persons.name,
        role: refusals.role,
        action: refusals.action,
        code: refusals.code,
        caseId: refusals.caseId,
        caseNumber: cases.number,
        at: refusals.refusedAt,
      })
      .from(refusals)
      .leftJoin(persons, eq(persons.id, refusals.personId))
      .leftJoin(cases, eq(cases.id, refusals.caseId))
      .where(where)
      .orderBy(desc(refusals.refusedAt), desc(refusals.id))
      .limit(limit),
    db.$count(refusals, where),
  ]);
  return {
    rows: rows.map((row) => ({
      ...row,
      code: row.code as RefusalCode,
      at: new Date(row.at).toISOString(),
    })),
    total,
  };
}
