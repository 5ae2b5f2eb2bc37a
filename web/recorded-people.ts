// Station 1 to 4, the writes about people and their links, of the page and of the operator's command: `recorded()` like
// web/recorded.ts, a signed entry about the person each. Never holds or returns a token: whoever made it shows it once.

import {
  type Acting,
  confirmingPlan,
  type InvitationFacts,
  invitationFacts,
  makingPlan,
  standing,
  usingPlan,
  withdrawingPlan,
} from '../db/writes/invitations.ts';
import { addedPersonRows } from '../db/writes/people.ts';
import type { NewPerson } from '../domain/invitations.ts';
import { isRefusal, type Refusal } from '../domain/refusal.ts';
import type { Role } from '../domain/roles.ts';
import { inputDigest } from '../ledger/personal.ts';
import { type Operation, type Plan, type Recorder, recorded } from '../ledger/recorded.ts';

type Planned = Pick<Plan, 'event' | 'changes' | 'answer' | 'guards'>;

/** One act on a person's entry: judged by what stands in the transaction that writes it. */
async function about<T>(
  recorder: Recorder,
  {
    key,
    action,
    by,
    person,
    input,
  }: { key: string; action: string; by: Acting; person: string; input: unknown },
  decide: (facts: InvitationFacts, at: string, newId: () => string) => Planned | Refusal,
): Promise<{ answer: T | Refusal; repeated: boolean }> {
  const system = await recorder.keys.of('system', 'system');
  const operation: Operation = {
    key,
    action,
    inputDigest: inputDigest(system, { action, caseId: person, task: null }, input),
    subject: { kind: 'person', id: person },
    actor: by,
  };
  const { answer, repeated } = await recorded<InvitationFacts>(
    recorder,
    operation,
    invitationFacts(person, by.person, by.role),
    (facts, { at, newId }) => {
      const stands = standing(facts, by, action);
      if (isRefusal(stands)) return stands;
      const plan = decide(facts, at, newId);
      return isRefusal(plan) ? plan : { ...plan, guards: [...stands.guards, ...(plan.guards ?? [])] };
    },
  );
  return { answer: answer as unknown as T | Refusal, repeated };
}

/** Adds somebody with the role they begin with. The id is the caller's, so that a repeat adds nobody twice. */
export async function addStaff(
  recorder: Recorder,
  key: string,
  by: Acting,
  id: string,
  { name, organisation, role, disciplines, lead, reason }: Omit<NewPerson, 'reason'> & { reason?: string },
): Promise<{ readonly kind: 'added' } | Refusal> {
  const roles = [{ role, disciplines, lead, ...(reason === undefined ? {} : { reason }) }];
  const { answer } = await about<{ kind: 'added' }>(
    recorder,
    { key, action: 'people.add', by, person: id, input: { name, organisation, roles } },
    (_, at, newId) => ({
      event: 'person.added',
      changes: addedPersonRows({ id, name, organisation, roles }, at, newId),
      answer: { kind: 'added' },
    }),
  );
  return answer;
}

/** What became of a wish for a link. */
export interface LinkMade {
  readonly kind: 'made';
  /** A second person has to confirm it before it counts. */
  readonly recovery: boolean;
  readonly endsAt: string;
}

/**
 * Makes a link for somebody and withdraws what stood before.
 * @returns `repeated`: the link that counts is an earlier one, whose token nobody can show again
 */
export async function makeInvitation(
  recorder: Recorder,
  key: string,
  by: Acting,
  asked: { readonly person: string; readonly reason: string | null; readonly tokenHash: string },
): Promise<{ answer: LinkMade | Refusal; repeated: boolean }> {
  const { person, reason } = asked;
  return await about<LinkMade>(
    recorder,
    { key, action: 'invitation.make', by, person, input: { reason } },
    (facts, at, newId) => {
      const plan = makingPlan(facts, by, asked, at, newId);
      if (isRefusal(plan)) return plan;
      const { recovery, endsAt } = plan.link;
      return {
        event: 'invitation.made',
        changes: plan.changes,
        answer: { kind: 'made', recovery, endsAt },
      };
    },
  );
}

/** Confirms a link as the second person, or withdraws one. */
export async function decideInvitation(
  recorder: Recorder,
  key: string,
  by: Acting,
  what: 'confirm' | 'withdraw',
  { id, person }: { readonly id: string; readonly person: string },
): Promise<{ readonly kind: 'done' } | Refusal> {
  const { answer } = await about<{ kind: 'done' }>(
    recorder,
    { key, action: `invitation.${what}`, by, person, input: { id } },
    (facts, at) => {
      const plan = (what === 'confirm' ? confirmingPlan : withdrawingPlan)(facts, by.person, id, at);
      if (isRefusal(plan)) return plan;
      return {
        event: what === 'confirm' ? 'invitation.confirmed' : 'invitation.withdrawn',
        changes: plan.changes,
        answer: { kind: 'done' },
      };
    },
  );
  return answer;
}

/**
 * Uses a link up: of two at once, one does.
 * @returns whether former ways in end with it; undefined when the link lets nobody in
 */
export async function invitationUsed(
  recorder: Recorder,
  key: string,
  { id, person, role }: { readonly id: string; readonly person: string; readonly role: Role },
): Promise<{ readonly recovery: boolean } | undefined> {
  const { answer, repeated } = await recorded<InvitationFacts>(
    recorder,
    {
      key,
      action: 'invitation.use',
      inputDigest: id,
      subject: { kind: 'person', id: person },
      actor: { person, role },
    },
    invitationFacts(person, person, role),
    (facts, { at }) => {
      const plan = usingPlan(facts, id, at);
      if (plan?.role !== role) return { unchanged: { kind: 'void' } };
      return {
        event: 'invitation.used',
        changes: plan.changes,
        guards: plan.guards,
        answer: { kind: 'used', recovery: plan.recovery },
      };
    },
  );
  const { kind, recovery } = answer as { kind: string; recovery?: boolean };
  return kind === 'used' && !repeated ? { recovery: recovery === true } : undefined;
}
