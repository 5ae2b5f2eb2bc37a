// Station 4, statements of claims: what taking and handing back a task writes. Pure plans for `recorded()`; a claim is
// a reservation, one atomic act that hands out a fencing number. An expired claim lapses by comparison, no sweeper.
import { type Actor, type CaseFacts, claimRefusal, refusalOf } from '../../domain/lifecycle.ts';
import { type Refusal, refuse } from '../../domain/refusal.ts';
import { type Change, type Row, update } from '../change.ts';

/** What claiming answers: the fencing number every later act on the task must carry. */
export interface Claimed {
  readonly kind: 'claimed';
  readonly task: string;
  readonly claim: number;
  readonly until: string;
}

/**
 * Takes a task for `leaseMinutes`, when the rules allow it and nobody holds it. Claiming one's own task again gives the
 * same number, and lengthens the lease once half of it is over; before that nothing changes (`change` is absent).
 */
export function claimPlan(
  facts: CaseFacts,
  task: Row<'tasks'> | undefined,
  actor: Actor,
  at: string,
  leaseMinutes: number,
): { change?: Change; answer: Claimed } | Refusal {
  if (!task) return refuse('wrong-state', { detail: { task: 'done' } });
  const refused = refusalOf(facts, actor, task.kind, task);
  if (refused) return refused;
  if (task.claimedBy && task.claimedUntil && task.claimedUntil > at && task.claimedBy !== actor.person)
    return refuse('already-claimed', { detail: { holder: task.claimedBy, since: task.claimedAt ?? '' } });
  const own = task.claimedBy === actor.person && task.claimedUntil !== null && task.claimedUntil > at;
  const claim = own ? task.claimNumber : task.claimNumber + 1;
  if (own && Date.parse(task.claimedUntil as string) - Date.parse(at) > leaseMinutes * 30_000)
    return { answer: { kind: 'claimed', task: task.id, claim, until: task.claimedUntil as string } };
  const until = new Date(Date.parse(at) + leaseMinutes * 60_000).toISOString();
  return {
    change: update('tasks', {
      ...task,
      claimNumber: claim,
      claimedBy: actor.person,
      claimedAt: own ? task.claimedAt : at,
      claimedUntil: until,
    }),
    answer: { kind: 'claimed', task: task.id, claim, until },
  };
}

/** Gives a task back to the queue. The number stays used: whoever takes it next gets a higher one. */
export function handBackPlan(
  task: Row<'tasks'> | undefined,
  person: string,
  claim: number,
  at: string,
): Change | Refusal {
  const stale = claimRefusal(task, person, claim, at);
  if (stale || !task) return stale ?? refuse('wrong-state');
  return update('tasks', { ...task, claimedBy: null, claimedAt: null, claimedUntil: null });
}
