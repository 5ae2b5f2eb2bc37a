// Station 0, rules: the one table of the case's life. Which action is allowed in which state, for which
// role, as which duty, and where it leads. Everything else asks this file. Pure: no clock, no random, no I/O.

import { type Refusal, refuse } from './refusal.ts';
import { DISCIPLINES, type Discipline, type Relation, type Role } from './roles.ts';

/** The five stages of a rehabilitation, what follows, and the end. `RehabStage` in Temporal holds these. */
export const STAGES = [
  'application',
  'assessment',
  'treatment',
  're-evaluation',
  'approval',
  'follow-up',
  'closed',
] as const;
export type Stage = (typeof STAGES)[number];

/** How a case ended. An outcome is there before the workflow closes: appeal and follow-up still run. */
export const OUTCOMES = ['approved', 'refused', 'withdrawn'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Each state of a case with the stage it belongs to. */
export const STATES = {
  'eligibility-due': 'application',
  'papers-asked': 'application',
  refused: 'application',
  'appeal-due': 'application',
  'assessment-due': 'assessment',
  'plan-due': 'assessment',
  'plan-approval-due': 'assessment',
  'in-treatment': 'treatment',
  're-evaluation-due': 're-evaluation',
  'outcome-due': 'approval',
  'follow-up-waiting': 'follow-up',
  'follow-up-due': 'follow-up',
  closed: 'closed',
} as const satisfies Record<string, Stage>;
export type CaseState = keyof typeof STATES;
export const CASE_STATES = Object.keys(STATES) as CaseState[];

/** The six acts that exclude each other in one case (DESIGN.md section 9, 13). */
export const DUTIES = [
  'decide-eligibility',
  'assess',
  'propose-plan',
  'approve-plan',
  're-evaluate',
  'decide-outcome',
] as const;
export type Duty = (typeof DUTIES)[number];

/** Everything a person can do to a case. */
export const ACTIONS = [
  'submit-application',
  'decide-eligibility',
  'provide-papers',
  'assess',
  'propose-plan',
  'approve-plan',
  'record-session',
  're-evaluate',
  'decide-outcome',
  'record-follow-up',
  'withdraw',
  'appeal',
  'decide-appeal',
  'reopen',
] as const;
export type Action = (typeof ACTIONS)[number];

/** Actions that complete a task; the task's kind is the action's name. */
export const TASK_KINDS = [
  'decide-eligibility',
  'provide-papers',
  'assess',
  'propose-plan',
  'approve-plan',
  'record-session',
  're-evaluate',
  'decide-outcome',
  'record-follow-up',
  'decide-appeal',
] as const satisfies readonly Action[];
export type TaskKind = (typeof TASK_KINDS)[number];

/** What an action may be decided as; empty when there is nothing to choose. */
export const CHOICES = {
  'submit-application': [],
  'decide-eligibility': ['accept', 'refuse', 'ask-papers'],
  'provide-papers': [],
  assess: [],
  'propose-plan': [],
  'approve-plan': ['approve', 'send-back'],
  'record-session': ['held', 'absent'],
  're-evaluate': ['continue', 'change-plan', 'finish'],
  'decide-outcome': ['approve', 'send-back'],
  'record-follow-up': [],
  withdraw: [],
  appeal: [],
  'decide-appeal': ['grant', 'uphold'],
  reopen: [],
} as const satisfies Record<Action, readonly string[]>;
export type Choice<A extends Action = Action> = (typeof CHOICES)[A][number];

interface Rule {
  /** States in which the action is allowed; `none` is the case that does not exist yet. */
  readonly states: readonly (CaseState | 'none')[];
  readonly roles: readonly Role[];
  /** The duty the person takes on by doing it, which bars them from the five others. */
  readonly duty?: Duty;
  /** Whoever does this must hold no duty in the case at all, not even the same one. */
  readonly freshEyes?: true;
  /** Only those who stand in a relation to the case (patient, guardian, referrer) may do it. */
  readonly related?: true;
  /** A therapist must have the task's discipline, or be a lead therapist. */
  readonly skill?: 'discipline' | 'lead';
}

const OPEN_STATES = CASE_STATES.filter(
  (state) =>
    state !== 'closed' && state !== 'refused' && state !== 'follow-up-waiting' && state !== 'follow-up-due',
);

/** The table. One line per action; tests walk every state × action × role. */
export const LIFECYCLE: Readonly<Record<Action, Rule>> = {
  'submit-application': { states: ['none'], roles: ['patient', 'guardian', 'referrer'] },
  'decide-eligibility': {
    states: ['eligibility-due'],
    roles: ['approval-officer'],
    duty: 'decide-eligibility',
  },
  'provide-papers': { states: ['papers-asked'], roles: ['patient', 'guardian', 'referrer'], related: true },
  assess: { states: ['assessment-due'], roles: ['therapist'], duty: 'assess', skill: 'discipline' },
  'propose-plan': {
    states: ['plan-due'],
    roles: ['doctor', 'therapist'],
    duty: 'propose-plan',
    skill: 'lead',
  },
  'approve-plan': { states: ['plan-approval-due'], roles: ['approval-officer'], duty: 'approve-plan' },
  'record-session': { states: ['in-treatment'], roles: ['therapist'], skill: 'discipline' },
  're-evaluate': { states: ['re-evaluation-due'], roles: ['therapist'], duty: 're-evaluate' },
  'decide-outcome': { states: ['outcome-due'], roles: ['approval-officer'], duty: 'decide-outcome' },
  'record-follow-up': { states: ['follow-up-due'], roles: ['therapist', 'doctor'] },
  withdraw: { states: OPEN_STATES, roles: ['patient', 'guardian'], related: true },
  appeal: { states: ['refused'], roles: ['patient', 'guardian'], related: true },
  'decide-appeal': {
    states: ['appeal-due'],
    roles: ['approval-officer'],
    duty: 'decide-eligibility',
    freshEyes: true,
  },
  reopen: { states: ['closed'], roles: ['approval-officer'] },
};

/** A person acting, with the one role they act in. */
export interface Actor {
  readonly person: string;
  readonly role: Role;
  readonly disciplines: readonly Discipline[];
  /** Lead therapists may propose a plan. */
  readonly lead: boolean;
}

/** An open task as the rules see it. */
export interface TaskFacts {
  readonly id: string;
  readonly kind: TaskKind;
  readonly discipline: Discipline | null;
  readonly claimNumber: number;
  readonly claimedBy: string | null;
  /** ISO instant at which the claim lapses by itself. */
  readonly claimedUntil: string | null;
}

/** What the rules need to know of a case. Read in one snapshot together with its version. */
export interface CaseFacts {
  readonly id: string;
  readonly state: CaseState;
  readonly outcome: Outcome | null;
  readonly round: number;
  readonly duties: readonly { readonly duty: Duty; readonly person: string }[];
  readonly relations: readonly { readonly relation: Relation; readonly person: string }[];
  readonly tasks: readonly TaskFacts[];
  /** Sessions still to be held per discipline under the approved plan. */
  readonly sessionsLeft: Readonly<Partial<Record<Discipline, number>>>;
}

/** The duty that bars a person from an action in this case, or undefined. */
export function barringDuty(
  facts: Pick<CaseFacts, 'duties'>,
  action: Action,
  person: string,
): Duty | undefined {
  const rule = LIFECYCLE[action];
  if (!rule.duty) return undefined;
  return facts.duties.find((held) => held.person === person && (rule.freshEyes || held.duty !== rule.duty))
    ?.duty;
}

/**
 * Whether a person may do an action to a case now. Asked when a task is offered, when it is claimed, and
 * inside the completing transaction; returns the first reason against it, or undefined.
 */
export function refusalOf(
  facts: CaseFacts,
  actor: Actor,
  action: Action,
  task?: Pick<TaskFacts, 'discipline'>,
): Refusal | undefined {
  const rule = LIFECYCLE[action];
  if (!rule.roles.includes(actor.role)) return refuse('wrong-role', { detail: { action } });
  const related = facts.relations.some((r) => r.person === actor.person && r.relation === actor.role);
  if (rule.related && !related) return refuse('not-related', { detail: { action } });
  // A patient's own case is no task of theirs: whoever stands in a relation to a case holds no staff act in it.
  if (!rule.related && facts.relations.some((r) => r.person === actor.person))
    return refuse('conflict-of-duties', { detail: { action, duty: 'relation' } });
  if (!rule.states.includes(facts.state))
    return refuse('wrong-state', { detail: { action, state: facts.state } });
  if (actor.role === 'therapist' && rule.skill === 'lead' && !actor.lead)
    return refuse('wrong-role', { detail: { action, skill: 'lead' } });
  if (rule.skill === 'discipline' && task?.discipline && !actor.disciplines.includes(task.discipline))
    return refuse('wrong-role', { detail: { action, discipline: task.discipline } });
  const duty = barringDuty(facts, action, actor.person);
  if (duty) return refuse('conflict-of-duties', { detail: { action, duty } });
  return undefined;
}

/**
 * Whether a person holds the task with this claim number at this instant (a fencing number: an older one
 * is refused however late it arrives). Claims lapse by comparison at use; nobody sweeps.
 */
export function claimRefusal(
  task: TaskFacts | undefined,
  person: string,
  claim: number,
  at: string,
): Refusal | undefined {
  if (!task) return refuse('wrong-state', { detail: { task: 'done' } });
  if (task.claimNumber !== claim)
    return refuse('stale-claim', { detail: task.claimedBy ? { holder: task.claimedBy } : {} });
  if (task.claimedBy !== person || !task.claimedUntil || task.claimedUntil <= at)
    return refuse('not-claimed');
  return undefined;
}

/** A task to be opened. */
export interface NewTask {
  readonly kind: TaskKind;
  readonly discipline: Discipline | null;
}

/** Limits that can run in a case; lengths and effects stand in `domain/parameters.ts`. */
export const CASE_CLOCKS = [
  'eligibility-decision',
  'eligibility-deemed',
  'papers-answer',
  'assessment',
  'plan',
  'plan-approval',
  're-evaluation-interval',
  're-evaluation',
  'outcome-decision',
  'follow-up-interval',
  'follow-up',
  'appeal-period',
  'appeal-decision',
] as const;
export type CaseClock = (typeof CASE_CLOCKS)[number];

/** Clocks that run while a case is in a state. A clock in both the old and the new state goes on. */
export const STATE_CLOCKS: Readonly<Record<CaseState, readonly CaseClock[]>> = {
  'eligibility-due': ['eligibility-decision', 'eligibility-deemed'],
  'papers-asked': ['eligibility-decision', 'eligibility-deemed', 'papers-answer'],
  refused: ['appeal-period'],
  'appeal-due': ['appeal-decision'],
  'assessment-due': ['assessment'],
  'plan-due': ['plan'],
  'plan-approval-due': ['plan-approval'],
  'in-treatment': ['re-evaluation-interval'],
  're-evaluation-due': ['re-evaluation'],
  'outcome-due': ['outcome-decision'],
  'follow-up-waiting': ['follow-up-interval'],
  'follow-up-due': ['follow-up'],
  closed: [],
};

/** Clocks that stand still while the applicant looks for papers (SGB IX § 14: the authority waits for what is missing). */
export const PAUSED_IN: Readonly<Partial<Record<CaseState, readonly CaseClock[]>>> = {
  'papers-asked': ['eligibility-decision', 'eligibility-deemed'],
};

/** What an act does to the case. Open tasks of the old state that are not kept are cancelled. */
export interface Step {
  readonly state: CaseState;
  readonly outcome: Outcome | null;
  readonly round: number;
  readonly open: readonly NewTask[];
  /** Keep the other open tasks (another discipline still assesses or treats). */
  readonly keepTasks: boolean;
}

/** An act as the rules see it: the choice and what decides where it leads. */
export interface Act {
  readonly action: Action;
  readonly choice?: string;
  /** Disciplines chosen on acceptance or granted appeal. */
  readonly disciplines?: readonly Discipline[];
  /** Sessions per discipline in an approved plan. */
  readonly sessions?: Readonly<Partial<Record<Discipline, number>>>;
  /** The task it completes. */
  readonly taskId?: string;
}

const tasksFor = (kind: TaskKind, disciplines: readonly Discipline[]): NewTask[] =>
  DISCIPLINES.filter((d) => disciplines.includes(d)).map((discipline) => ({ kind, discipline }));
const one = (kind: TaskKind): NewTask[] => [{ kind, discipline: null }];

/**
 * Where an allowed act leads. Call `refusalOf` first; a choice that the action does not have is a
 * programming error here, because the shape was checked at the door.
 */
export function stepOf(facts: CaseFacts, act: Act): Step {
  const stay = (state: CaseState, open: readonly NewTask[], rest: Partial<Step> = {}): Step => ({
    state,
    outcome: facts.outcome,
    round: facts.round,
    open,
    keepTasks: false,
    ...rest,
  });
  const othersOpen = facts.tasks.filter((task) => task.id !== act.taskId && task.kind === act.action);
  const treat = (sessions: Readonly<Partial<Record<Discipline, number>>>): Step => {
    const left = DISCIPLINES.filter((d) => (sessions[d] ?? 0) > 0);
    return left.length > 0
      ? stay('in-treatment', tasksFor('record-session', left))
      : stay('re-evaluation-due', one('re-evaluate'));
  };
  switch (act.action) {
    case 'submit-application':
      return stay('eligibility-due', one('decide-eligibility'), { outcome: null });
    case 'decide-eligibility':
      if (act.choice === 'accept')
        return stay('assessment-due', tasksFor('assess', act.disciplines ?? []), { outcome: null });
      if (act.choice === 'refuse') return stay('refused', [], { outcome: 'refused' });
      return stay('papers-asked', one('provide-papers'));
    case 'provide-papers':
      return stay('eligibility-due', one('decide-eligibility'));
    case 'assess':
      return othersOpen.length > 0
        ? stay('assessment-due', [], { keepTasks: true })
        : stay('plan-due', one('propose-plan'));
    case 'propose-plan':
      return stay('plan-approval-due', one('approve-plan'));
    case 'approve-plan':
      return act.choice === 'approve' ? treat(act.sessions ?? {}) : stay('plan-due', one('propose-plan'));
    case 'record-session': {
      const task = facts.tasks.find((t) => t.id === act.taskId);
      const discipline = task?.discipline;
      const left = discipline ? (facts.sessionsLeft[discipline] ?? 0) - (act.choice === 'held' ? 1 : 0) : 0;
      if (discipline && left > 0)
        return stay('in-treatment', [{ kind: 'record-session', discipline }], { keepTasks: true });
      return othersOpen.length > 0
        ? stay('in-treatment', [], { keepTasks: true })
        : stay('re-evaluation-due', one('re-evaluate'));
    }
    case 're-evaluate':
      if (act.choice === 'continue') return treat(act.sessions ?? {});
      if (act.choice === 'change-plan') return stay('plan-due', one('propose-plan'));
      return stay('outcome-due', one('decide-outcome'));
    case 'decide-outcome':
      return act.choice === 'approve'
        ? stay('follow-up-waiting', [], { outcome: 'approved' })
        : stay('re-evaluation-due', one('re-evaluate'));
    case 'record-follow-up':
      return stay('closed', []);
    case 'withdraw':
      return stay('closed', [], { outcome: 'withdrawn' });
    case 'appeal':
      return stay('appeal-due', one('decide-appeal'));
    case 'decide-appeal':
      return act.choice === 'grant'
        ? stay('assessment-due', tasksFor('assess', act.disciplines ?? []), { outcome: null })
        : stay('closed', [], { outcome: 'refused' });
    case 'reopen':
      return stay('eligibility-due', one('decide-eligibility'), { outcome: null, round: facts.round + 1 });
    default:
      return act.action satisfies never;
  }
}

/** What the end of a limit does to the case; undefined when it only warns. `disciplines` are those a deemed acceptance opens. */
export function lapseOf(
  facts: CaseFacts,
  clock: CaseClock,
  disciplines: readonly Discipline[],
): Step | undefined {
  const base = { outcome: facts.outcome, round: facts.round, keepTasks: false };
  switch (clock) {
    case 'eligibility-deemed':
      // SGB IX § 18(3): without a reasoned notice within two months the benefit counts as approved.
      return facts.state === 'eligibility-due'
        ? { ...base, state: 'assessment-due', open: tasksFor('assess', disciplines) }
        : undefined;
    case 'papers-answer':
      return facts.state === 'papers-asked'
        ? { ...base, state: 'eligibility-due', open: one('decide-eligibility') }
        : undefined;
    case 're-evaluation-interval':
      return facts.state === 'in-treatment'
        ? { ...base, state: 're-evaluation-due', open: one('re-evaluate') }
        : undefined;
    case 'follow-up-interval':
      return facts.state === 'follow-up-waiting'
        ? { ...base, state: 'follow-up-due', open: one('record-follow-up') }
        : undefined;
    case 'appeal-period':
      return facts.state === 'refused' ? { ...base, state: 'closed', open: [] } : undefined;
    case 'eligibility-decision':
    case 'assessment':
    case 'plan':
    case 'plan-approval':
    case 're-evaluation':
    case 'outcome-decision':
    case 'follow-up':
    case 'appeal-decision':
      return undefined;
    default:
      return clock satisfies never;
  }
}
