// Station 1, reads for screens: links that stand, by person and for whoever may confirm one, and the one that a token opens. Names of
// staff; nobody's health, and never a token.
import { and, asc, desc, eq, gt, isNull, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import type { Organisation } from '../../domain/consortium.ts';
import { type Invitation, stillStands } from '../../domain/invitations.ts';
import type { Role } from '../../domain/roles.ts';
import type { Database } from '../connection.ts';
import { invitations, passkeySession, persons, roleAssignments } from '../schema.ts';

/** A link with the names of whom it lets in and who made it. */
export interface InvitationLine extends Invitation {
  readonly id: string;
  readonly name: string;
  readonly organisation: Organisation | null;
  /** Null for the operator at the machine. */
  readonly maker: string | null;
  readonly reason: string | null;
  readonly madeAt: string;
  readonly confirmer: string | null;
}

const iso = (at: string | null): string | null => (at === null ? null : new Date(at).toISOString());

async function lines(db: Database, where: ReturnType<typeof and>): Promise<InvitationLine[]> {
  const maker = alias(persons, 'maker');
  const confirmer = alias(persons, 'confirmer');
  const rows = await db
    .select({
      row: invitations,
      name: persons.name,
      organisation: persons.organisation,
      maker: maker.name,
      confirmer: confirmer.name,
    })
    .from(invitations)
    .innerJoin(persons, eq(persons.id, invitations.personId))
    .leftJoin(maker, eq(maker.id, invitations.madeBy))
    .leftJoin(confirmer, eq(confirmer.id, invitations.confirmedBy))
    .where(where)
    .orderBy(desc(invitations.madeAt), invitations.id);
  return rows.map(({ row, ...names }) => ({
    ...names,
    id: row.id,
    personId: row.personId,
    recovery: row.recovery,
    reason: row.reason,
    madeBy: row.madeBy,
    madeAt: new Date(row.madeAt).toISOString(),
    endsAt: new Date(row.endsAt).toISOString(),
    confirmedBy: row.confirmedBy,
    usedAt: iso(row.usedAt),
    withdrawnAt: iso(row.withdrawnAt),
  }));
}

/** What lets a person in: how many passkeys, whether they ever came by a link, and the link that stands. */
export async function waysInOf(
  db: Database,
  person: string,
  at: string,
): Promise<{ passkeys: number; former: boolean; link: InvitationLine | undefined }> {
  const [passkeys, links] = await Promise.all([
    db.$count(passkeySession, eq(passkeySession.personId, person)),
    lines(db, eq(invitations.personId, person)),
  ]);
  return {
    passkeys,
    former: links.some(({ usedAt }) => usedAt !== null),
    link: links.find((one) => stillStands(one, at)),
  };
}

/** Links that wait for a second person, the newest first. */
export const unconfirmedLinks = (db: Database, at: string): Promise<InvitationLine[]> =>
  lines(
    db,
    and(
      eq(invitations.recovery, true),
      isNull(invitations.confirmedBy),
      isNull(invitations.usedAt),
      isNull(invitations.withdrawnAt),
      gt(invitations.endsAt, at),
    ),
  );

/** Whom the token with this hash was made for, with the role they begin in; whether it still counts is judged elsewhere. */
export async function invitedBy(
  db: Database,
  tokenHash: string,
): Promise<
  (Invitation & { id: string; name: string; organisation: Organisation | null; role: Role }) | undefined
> {
  const [line] = await lines(db, eq(invitations.tokenHash, tokenHash));
  if (!line) return undefined;
  const [first] = await db
    .select({ role: roleAssignments.role })
    .from(roleAssignments)
    .where(and(eq(roleAssignments.personId, line.personId), isNull(roleAssignments.endedAt)))
    .orderBy(asc(roleAssignments.assignedAt), asc(roleAssignments.id))
    .limit(1);
  return first && { ...line, role: first.role };
}

/** People who administer security, with how many passkeys they have. */
export async function securityAdministrators(
  db: Database,
): Promise<{ id: string; name: string; organisation: Organisation | null; passkeys: number }[]> {
  return await db
    .select({
      id: persons.id,
      name: persons.name,
      organisation: persons.organisation,
      passkeys: sql<number>`(select count(*)::int from ${passkeySession} k where k.person_id = ${persons.id})`,
    })
    .from(roleAssignments)
    .innerJoin(persons, eq(persons.id, roleAssignments.personId))
    .where(and(eq(roleAssignments.role, 'security-administrator'), isNull(roleAssignments.endedAt)))
    .orderBy(asc(roleAssignments.assignedAt));
}
