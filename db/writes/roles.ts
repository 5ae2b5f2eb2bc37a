// Station 4, statements of roles: what giving or ending one reads and writes. Pure plans for `recorded()`; the person who gets or
// loses the role is the subject, so two changes of one person follow each other.
import { type Refusal, refuse } from '../../domain/refusal.ts';
import { type Ending, type Giving, roleChangeRefusal } from '../../domain/role-changes.ts';
import { type Change, type Fragment, insert, type Row, update } from '../change.ts';
import { rowFrom } from './case-facts.ts';

/** What the rules need to know: who acts in which role still, and what the other person holds. */
export interface RoleFacts {
  readonly assignment: string | null;
  readonly known: boolean;
  /** Current assignments, as rows of the table. */
  readonly held: readonly Record<string, unknown>[];
}

export const roleFacts = (person: string, by: string, role: string): Fragment => ({
  text: `SELECT json_build_object(
    'assignment', (SELECT r.id FROM role_assignments r WHERE r.person_id = $2::uuid AND r.role = $3 AND r.ended_at IS NULL),
    'known', EXISTS (SELECT 1 FROM persons p WHERE p.id = $1::uuid),
    'held', (SELECT coalesce(json_agg(to_jsonb(r)), '[]') FROM role_assignments r WHERE r.person_id = $1::uuid AND r.ended_at IS NULL))`,
  params: [person, by, role],
});

/** A change of somebody's roles. */
export type RoleChange =
  | { readonly change: 'give'; readonly values: Giving }
  | { readonly change: 'end'; readonly values: Ending };

export function roleChangePlan(
  facts: RoleFacts,
  by: string,
  person: string,
  { change, values }: RoleChange,
  at: string,
  newId: () => string,
): { row: Change; assignment: string } | Refusal {
  if (!facts.known) return refuse('unknown');
  if (!facts.assignment) return refuse('wrong-role', { detail: { action: 'roles.manage' } });
  const held = facts.held.map((row) => rowFrom<Row<'roleAssignments'>>(row) as Row<'roleAssignments'>);
  const refused = roleChangeRefusal(
    by,
    person,
    change,
    values.role,
    held.map(({ role }) => role),
  );
  if (refused) return refused;
  const { assignment } = facts;
  if (change === 'give')
    return {
      assignment,
      row: insert('roleAssignments', {
        id: newId(),
        personId: person,
        role: values.role,
        disciplines: values.disciplines,
        lead: values.lead,
        assignedAt: at,
        reason: values.reason,
        endedAt: null,
        endReason: null,
      }),
    };
  const row = held.find(({ role }) => role === values.role);
  if (!row) return refuse('wrong-state');
  return { assignment, row: update('roleAssignments', { ...row, endedAt: at, endReason: values.reason }) };
}
