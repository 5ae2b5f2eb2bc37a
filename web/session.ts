// Station 1, web: who is signed in. The truth is the database row, read at every request; the cookie holds a random
// token and nothing else (I1, I2, I8). Streams and polling are no activity (I5).
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { and, desc, eq, gt, isNull, lt, ne, sql } from 'drizzle-orm';
import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { persons, roleAssignments, webSession } from '../db/schema.ts';
import { isStaff } from '../domain/permissions.ts';
import type { Role } from '../domain/roles.ts';
import type { Session, WebDeps, WebEnv } from './deps.ts';
import { recordEvent } from './recorded.ts';

export const SESSION_COOKIE = '__Host-rehab';
/** Idle end for staff 15 minutes, for patients an hour; absolute end 12 hours (I5). */
const IDLE_MINUTES = { staff: 15, others: 60 };
const ABSOLUTE_HOURS = 12;
/** The row is touched at most this often. */
const TOUCH_SECONDS = 30;

const idOf = (token: string): string => createHash('sha256').update(token).digest('hex');
const minutesBefore = (now: Date, minutes: number): string =>
  new Date(now.getTime() - minutes * 60_000).toISOString();

/** The session of a request, or undefined. `active` requests move the idle end; streams pass false. */
export async function sessionOf(
  c: Context<WebEnv>,
  deps: WebDeps,
  active = true,
): Promise<Session | undefined> {
  const token = getCookie(c, SESSION_COOKIE);
  return token && /^[\w-]{43}$/.test(token) ? await sessionByToken(deps, token, active) : undefined;
}

/** The session behind a token, while it and its role last. */
export async function sessionByToken(
  deps: WebDeps,
  token: string,
  active: boolean,
): Promise<Session | undefined> {
  const id = idOf(token);
  const now = deps.now();
  const [row] = await deps.db
    .select({
      person: webSession.personId,
      role: webSession.role,
      seenAt: webSession.seenAt,
      endsAt: webSession.endsAt,
      authenticatedAt: webSession.authenticatedAt,
      signingSince: webSession.signingSince,
      name: persons.name,
      organisation: persons.organisation,
      roles: sql<
        Role[]
      >`(select coalesce(json_agg(r.role order by r.role), '[]') from role_assignments r where r.person_id = ${webSession.personId} and r.ended_at is null)`,
    })
    .from(webSession)
    .innerJoin(persons, eq(persons.id, webSession.personId))
    .where(eq(webSession.id, id));
  if (!row) return undefined;
  const idle = isStaff(row.role) ? IDLE_MINUTES.staff : IDLE_MINUTES.others;
  const seen = new Date(row.seenAt);
  const over =
    now >= new Date(row.endsAt) ||
    seen.toISOString() < minutesBefore(now, idle) ||
    !row.roles.includes(row.role);
  if (over) {
    await deps.db.delete(webSession).where(eq(webSession.id, id));
    return undefined;
  }
  if (active && now.getTime() - seen.getTime() > TOUCH_SECONDS * 1000)
    await deps.db.update(webSession).set({ seenAt: now.toISOString() }).where(eq(webSession.id, id));
  return {
    id,
    person: row.person,
    name: row.name,
    organisation: row.organisation,
    role: row.role,
    roles: row.roles,
    endsAt: new Date(row.endsAt).toISOString(),
    authenticatedAt: new Date(row.authenticatedAt).toISOString(),
    signingSince: row.signingSince === null ? null : new Date(row.signingSince).toISOString(),
  };
}

/** Proof of who somebody is counts as fresh this long (I6). */
const FRESH_MINUTES = 5;

/** Whether the person proved a moment ago who they are. */
export const isFresh = (session: Session, now: Date): boolean =>
  session.authenticatedAt >= minutesBefore(now, FRESH_MINUTES);

/** Notes that the person has begun to sign in this session: what follows needs their key alone (E5). */
export async function beginSigning(deps: WebDeps, session: Session): Promise<void> {
  if (session.signingSince !== null) return;
  await deps.db
    .update(webSession)
    .set({ signingSince: deps.now().toISOString() })
    .where(eq(webSession.id, session.id));
}

/**
 * Opens a session: a new token always, the one that came with the request dies (I2). Recorded before the cookie is set.
 * @returns false when the person does not hold the role
 */
export async function openSession(
  c: Context<WebEnv>,
  deps: WebDeps,
  person: string,
  role: Role,
  how: 'passkey' | 'invitation' | 'demonstration' | 'role-switch' | 'confirmed',
): Promise<boolean> {
  const [held] = await deps.db
    .select({ id: roleAssignments.id })
    .from(roleAssignments)
    .where(
      and(
        eq(roleAssignments.personId, person),
        eq(roleAssignments.role, role),
        isNull(roleAssignments.endedAt),
      ),
    );
  if (!held) return false;
  const old = getCookie(c, SESSION_COOKIE);
  const token = randomBytes(32).toString('base64url');
  const now = deps.now();
  await recordEvent(deps.recorder, `session-${randomUUID()}`, { person, role }, 'session.opened', { how });
  if (old) await deps.db.delete(webSession).where(eq(webSession.id, idOf(old)));
  await deps.db.delete(webSession).where(lt(webSession.endsAt, now.toISOString()));
  await deps.db.insert(webSession).values({
    id: idOf(token),
    personId: person,
    role,
    createdAt: now.toISOString(),
    seenAt: now.toISOString(),
    endsAt: new Date(now.getTime() + ABSOLUTE_HOURS * 3_600_000).toISOString(),
    // A change of role proves nothing anew.
    authenticatedAt:
      how === 'role-switch' ? (c.var.session?.authenticatedAt ?? now.toISOString()) : now.toISOString(),
    signingSince: null,
  });
  setCookie(c, SESSION_COOKIE, token, {
    path: '/',
    secure: true,
    httpOnly: true,
    sameSite: 'Lax',
    maxAge: ABSOLUTE_HOURS * 3600,
  });
  return true;
}

/** One place where a person is signed in. */
export interface OwnSession {
  readonly id: string;
  readonly role: Role;
  readonly since: string;
  readonly seenAt: string;
  /** The one that asks. */
  readonly here: boolean;
}

/** Where a person is signed in now, the newest use first. Idle sessions are over, whether or not their row still stands. */
export async function sessionsOf(deps: WebDeps, session: Session): Promise<OwnSession[]> {
  const now = deps.now();
  const rows = await deps.db
    .select()
    .from(webSession)
    .where(and(eq(webSession.personId, session.person), gt(webSession.endsAt, now.toISOString())))
    .orderBy(desc(webSession.seenAt));
  return rows
    .map((row) => ({
      id: row.id,
      role: row.role,
      since: new Date(row.createdAt).toISOString(),
      seenAt: new Date(row.seenAt).toISOString(),
      here: row.id === session.id,
    }))
    .filter(
      ({ role, seenAt }) =>
        seenAt >= minutesBefore(now, isStaff(role) ? IDLE_MINUTES.staff : IDLE_MINUTES.others),
    );
}

/** Ends another session of the same person, on its very next request. False when they have no such session. */
export async function endSession(deps: WebDeps, session: Session, id: string): Promise<boolean> {
  const ended = await deps.db
    .delete(webSession)
    .where(and(eq(webSession.id, id), ne(webSession.id, session.id), eq(webSession.personId, session.person)))
    .returning({ id: webSession.id });
  if (ended.length === 0) return false;
  await recordEvent(deps.recorder, `session-${randomUUID()}`, session, 'session.closed', {
    how: 'ended-elsewhere',
  });
  return true;
}

/** Ends the session of a request, on the very next request everywhere. */
export async function closeSession(c: Context<WebEnv>, deps: WebDeps): Promise<void> {
  const session = c.var.session;
  if (session) {
    await deps.db.delete(webSession).where(eq(webSession.id, session.id));
    await recordEvent(deps.recorder, `session-${randomUUID()}`, session, 'session.closed', {
      how: 'signed-out',
    });
  }
  deleteCookie(c, SESSION_COOKIE, { path: '/', secure: true });
}
