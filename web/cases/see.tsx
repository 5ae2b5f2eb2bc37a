// Station 1, web: the door of every page about one case. Staff see a case by their role, others only their own; a foreign case
// answers exactly as one that does not exist, and leaves a refusal entry (A2). A look is recorded before anything is shown.
import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import { type CaseHead, caseFor } from '../../db/views/case.ts';
import { isUuid } from '../../domain/ids.ts';
import { allows, type Permission } from '../../domain/permissions.ts';
import { refuse } from '../../domain/refusal.ts';
import type { Relation } from '../../domain/roles.ts';
import type { Session, WebDeps, WebEnv } from '../deps.ts';
import { disclose } from '../disclose.ts';
import { recordRefusal } from '../recorded.ts';
import { refusedPage } from '../respond.tsx';

/** Roles that see what was found and why; the others see how the case goes. */
const CLINICAL = ['approval-officer', 'therapist', 'doctor'] as const;

/** A case that may be shown, and to whom. */
export interface Seen {
  readonly head: CaseHead;
  readonly session: Session;
  /** How the reader stands to the case in the role they act in; undefined for staff. */
  readonly own: Relation | undefined;
  /** Whether findings, reasons and values of measurements may be shown. */
  readonly clinical: boolean;
}

/**
 * The case of the address, if this person may see it; otherwise the answer to give.
 * @param view short closed name of what will be shown; `null` when nothing about the person is shown (a form of their own)
 */
export async function caseToSee(
  c: Context<WebEnv>,
  deps: WebDeps,
  session: Session,
  view: string | null,
  permission: Permission = 'case.see',
): Promise<Seen | Response> {
  const id = c.req.param('id') ?? '';
  const found = isUuid(id) ? await caseFor(deps.db, id, session.person) : undefined;
  const staff = allows(session.role, 'case.see');
  const own = found?.relations.find((relation) => relation === session.role);
  if (!found || !(staff || own)) {
    const refusal = refuse('unknown');
    await recordRefusal(
      deps.recorder,
      `refusal-${randomUUID()}`,
      session,
      permission,
      refusal,
      isUuid(id) ? { caseId: id } : {},
    );
    return await refusedPage(c, deps, refusal);
  }
  // People looking at their own data disclose nothing to anybody.
  if (view !== null && own !== 'patient') await disclose(deps, session, view, found.head.id);
  return {
    head: found.head,
    session,
    own,
    clinical:
      own === 'patient' || own === 'guardian' || (CLINICAL as readonly string[]).includes(session.role),
  };
}
