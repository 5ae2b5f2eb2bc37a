// Station 4, statements of invitations: what making, confirming, withdrawing and using a link reads and writes. Pure plans for
// `recorded()`; the person whom the link lets in is the subject, so whatever happens to their links happens one after another.
import {
  confirmingRefusal,
  INVITATION_HOURS,
  invitationState,
  makingRefusal,
  stillStands,
} from '../../domain/invitations.ts';
import { type Refusal, refuse } from '../../domain/refusal.ts';
import type { Role } from '../../domain/roles.ts';
import { type Change, type Fragment, insert, type Row, update } from '../change.ts';
import { roleStillHeld, rowFrom } from './case-facts.ts';

/** What the rules need to know of a person and of whoever acts. */
export interface InvitationFacts {
  /** Of whoever acts, in the role they act in; null when they do not hold it. */
  readonly assignment: string | null;
  readonly known: boolean;
  /** Current roles of the person, the oldest first. */
  readonly roles: readonly Role[];
  readonly passkeys: number;
  /** Somebody who has a passkey is security administrator. */
  readonly administered: boolean;
  /** Every link the person ever had, as rows of the table. */
  readonly links: readonly Record<string, unknown>[];
}

const ADMINISTERED = `EXISTS (SELECT 1 FROM role_assignments r JOIN passkey_session k ON k.person_id = r.person_id
  WHERE r.role = 'security-administrator' AND r.ended_at IS NULL)`;

export const invitationFacts = (person: string, by: string, role: string): Fragment => ({
  text: `SELECT json_build_object(
    'assignment', (SELECT r.id FROM role_assignments r WHERE r.person_id = $2::uuid AND r.role = $3 AND r.ended_at IS NULL),
    'known', EXISTS (SELECT 1 FROM persons p WHERE p.id = $1::uuid),
    'roles', (SELECT coalesce(json_agg(r.role ORDER BY r.assigned_at, r.id), '[]') FROM role_assignments r WHERE r.person_id = $1::uuid AND r.ended_at IS NULL),
    'passkeys', (SELECT count(*) FROM passkey_session k WHERE k.person_id = $1::uuid),
    'administered', ${ADMINISTERED},
    'links', (SELECT coalesce(json_agg(to_jsonb(i)), '[]') FROM invitations i WHERE i.person_id = $1::uuid))`,
  params: [person, by, role],
});

/** Who acts: somebody in a role, or the operator at the machine, for whom the service stands. */
export interface Acting {
  readonly person: string;
  readonly role: Role | 'service';
}

/**
 * What lets somebody act on people and links: the role, held in the very statement that writes; for the operator, that nobody who
 * could do it on the page has a way in.
 */
export function standing(
  facts: Pick<InvitationFacts, 'assignment' | 'administered'>,
  by: Acting,
  action: string,
): { guards: Fragment[] } | Refusal {
  if (by.role === 'service')
    return facts.administered
      ? refuse('wrong-role', { detail: { action } })
      : { guards: [{ text: `NOT ${ADMINISTERED}`, params: [] }] };
  return facts.assignment
    ? { guards: [roleStillHeld(facts.assignment)] }
    : refuse('wrong-role', { detail: { action } });
}

type Link = Row<'invitations'>;
const linksOf = (facts: InvitationFacts): Link[] => facts.links.map((row) => rowFrom<Link>(row) as Link);
/** The link that is meant; undefined when the person has none of that id. */
const linkOf = (facts: InvitationFacts, id: string): Link | undefined =>
  linksOf(facts).find((one) => one.id === id);

/** Makes a link; whatever stood before is withdrawn, so that never two count. */
export function makingPlan(
  facts: InvitationFacts,
  by: Acting,
  asked: { readonly person: string; readonly reason: string | null; readonly tokenHash: string },
  at: string,
  newId: () => string,
): { changes: Change[]; link: Link } | Refusal {
  if (!facts.known || facts.roles.length === 0) return refuse('unknown');
  const refused = makingRefusal(by.person, asked.person);
  if (refused) return refused;
  const links = linksOf(facts);
  const link: Link = {
    id: newId(),
    personId: asked.person,
    tokenHash: asked.tokenHash,
    recovery: facts.passkeys > 0 || links.some(({ usedAt }) => usedAt !== null),
    reason: asked.reason,
    madeBy: by.person,
    role: by.role,
    madeAt: at,
    endsAt: new Date(Date.parse(at) + INVITATION_HOURS * 3_600_000).toISOString(),
    confirmedBy: null,
    confirmedAt: null,
    usedAt: null,
    withdrawnBy: null,
    withdrawnAt: null,
  };
  const former = links
    .filter((one) => stillStands(one, at))
    .map((one) => update('invitations', { ...one, withdrawnBy: by.person, withdrawnAt: at }));
  return { changes: [insert('invitations', link), ...former], link };
}

export function confirmingPlan(
  facts: InvitationFacts,
  by: string,
  id: string,
  at: string,
): { changes: Change[] } | Refusal {
  const link = linkOf(facts, id);
  if (!link) return refuse('unknown');
  const refused = confirmingRefusal(by, link, at);
  return refused ?? { changes: [update('invitations', { ...link, confirmedBy: by, confirmedAt: at })] };
}

export function withdrawingPlan(
  facts: InvitationFacts,
  by: string,
  id: string,
  at: string,
): { changes: Change[] } | Refusal {
  const link = linkOf(facts, id);
  if (!link) return refuse('unknown');
  if (!stillStands(link, at)) return refuse('link-over');
  return { changes: [update('invitations', { ...link, withdrawnBy: by, withdrawnAt: at })] };
}

/**
 * Uses a link up. One that lets nobody in is undefined, whatever the reason: used, withdrawn, over, not confirmed, of somebody
 * without a role, of somebody who got in another way meanwhile, or the operator's once a security administrator is in.
 */
export function usingPlan(
  facts: InvitationFacts,
  id: string,
  at: string,
): { changes: Change[]; guards: Fragment[]; role: Role; recovery: boolean } | undefined {
  const link = linkOf(facts, id);
  const [role] = facts.roles;
  if (!link || !role || invitationState(link, at) !== 'open') return undefined;
  if (facts.passkeys > 0 && !link.recovery) return undefined;
  const operators = link.role === 'service';
  if (operators && facts.administered) return undefined;
  return {
    changes: [update('invitations', { ...link, usedAt: at })],
    guards: operators ? [{ text: `NOT ${ADMINISTERED}`, params: [] }] : [],
    role,
    recovery: link.recovery,
  };
}
