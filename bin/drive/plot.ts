// Drive, intentions: which way a case is meant to go, who of the staff takes which part in it, and the steps that follow. Drawn
// from the seed before anything is asked of the web. Pure.
import type { Choice, Outcome, TaskKind } from '../../domain/lifecycle.ts';
import { DISCIPLINES, type Discipline, type Role } from '../../domain/roles.ts';
import type { Draw } from './draw.ts';

/** Ways a case can be meant to go, each with the outcome it must reach. */
export const INTENTS = {
  approved: 'approved',
  'papers-asked': 'approved',
  'plan-sent-back': 'approved',
  'treatment-continued': 'approved',
  'plan-changed': 'approved',
  'outcome-sent-back': 'approved',
  refused: 'refused',
  'appeal-granted': 'approved',
  'appeal-upheld': 'refused',
  withdrawn: 'withdrawn',
} as const satisfies Record<string, Outcome>;
export type Intent = keyof typeof INTENTS;

/** Somebody who can be cast, as the sign-in page and the demonstration's people say. */
export interface Candidate {
  readonly id: string;
  readonly role: Role;
  readonly disciplines: readonly Discipline[];
  readonly lead: boolean;
}

/** One thing that one person does. */
export type Step =
  | { readonly do: 'apply' }
  | { readonly do: 'provide-papers' }
  | { readonly do: 'appeal' }
  | { readonly do: 'withdraw' }
  | {
      readonly do: 'task';
      readonly kind: TaskKind;
      readonly who: string;
      readonly choice?: Choice;
      readonly discipline?: Discipline;
      /** Disciplines chosen on acceptance. */
      readonly disciplines?: readonly Discipline[];
      /** Sessions planned or prescribed. */
      readonly sessions?: Readonly<Partial<Record<Discipline, number>>>;
    };
export type TaskStep = Extract<Step, { do: 'task' }>;

/** Chains that go on side by side; each chain is done in order. */
export type Scene = readonly (readonly Step[])[];

export interface Plot {
  readonly intent: Intent;
  readonly outcome: Outcome;
  readonly applicant: { readonly id: string; readonly role: Role };
  readonly scenes: readonly Scene[];
  /** A task that somebody has open while the patient withdraws; sending it afterwards must be refused. */
  readonly tooLate?: TaskStep;
}

/** Intents for so many cases: each comes up before any comes up again, in an order that the seed draws. */
export function drawIntents(count: number, draw: Draw): Intent[] {
  const intents: Intent[] = [];
  while (intents.length < count) intents.push(...draw.shuffled(Object.keys(INTENTS) as Intent[]));
  return intents.slice(0, count);
}

/**
 * Casts and plots a case so that no two of the six excluding duties fall on one person.
 * @param byRecord the application comes from an imported record, so the referrer makes it
 * @throws when the staff is too small for the duties
 */
export function drawPlot(intent: Intent, people: readonly Candidate[], draw: Draw, byRecord: boolean): Plot {
  const of = (...roles: Role[]) => people.filter(({ role }) => roles.includes(role));
  const officers = draw.shuffled(of('approval-officer'));
  const [eligibility, planning, ending, appealing] = officers.map(({ id }) => id);
  if (!eligibility || !planning || !ending || !appealing) throw new Error('staff is too small: officers');
  const therapists = draw.shuffled(of('therapist'));
  const { disciplines, assessors, reEvaluator, proposer } = castTherapy(people, therapists, draw);
  const selfApplied = intent === 'withdrawn' || intent.startsWith('appeal');
  const applicant = draw.one(
    selfApplied
      ? of('patient', 'guardian')
      : byRecord
        ? of('referrer')
        : of('patient', 'guardian', 'referrer'),
  );

  const task = (kind: TaskKind, who: string, rest: Omit<TaskStep, 'do' | 'kind' | 'who'> = {}): Scene => [
    [{ do: 'task', kind, who, ...rest }],
  ];
  const accept = task('decide-eligibility', eligibility, { choice: 'accept', disciplines });
  const refuse = task('decide-eligibility', eligibility, { choice: 'refuse' });
  const assess: Scene = disciplines.map((discipline, i) => [
    { do: 'task', kind: 'assess', who: assessors[i] as string, discipline },
  ]);
  const sessions = Object.fromEntries(disciplines.map((d) => [d, draw.whole(1, 2)]));
  const propose = task('propose-plan', proposer, { sessions });
  const approvePlan = task('approve-plan', planning, { choice: 'approve' });
  const treat = (planned: Readonly<Partial<Record<Discipline, number>>>): Scene =>
    disciplines
      .filter((d) => planned[d])
      .map((discipline): Step[] => {
        const held = Array.from({ length: planned[discipline] ?? 0 }, () => 'held' as const);
        // Now and then somebody does not come; the session stays to be held.
        const choices = draw.chance(0.2) ? (['absent', ...held] as const) : held;
        const fitting = therapists.filter((t) => t.disciplines.includes(discipline));
        return choices.map((choice) => ({
          do: 'task',
          kind: 'record-session',
          who: draw.one(fitting).id,
          discipline,
          choice,
        }));
      });
  const reEvaluate = (choice: 'continue' | 'change-plan' | 'finish', again = {}): Scene =>
    task('re-evaluate', reEvaluator, { choice, ...(choice === 'continue' ? { sessions: again } : {}) });
  const finish = [reEvaluate('finish'), task('decide-outcome', ending, { choice: 'approve' })];
  const straight = [accept, assess, propose, approvePlan, treat(sessions), ...finish];
  const apply: Scene = [[{ do: 'apply' }]];
  const plot = (scenes: Scene[], tooLate?: TaskStep): Plot => ({
    intent,
    outcome: INTENTS[intent],
    applicant: { id: applicant.id, role: applicant.role },
    scenes: [apply, ...scenes],
    ...(tooLate ? { tooLate } : {}),
  });

  switch (intent) {
    case 'approved':
      return plot(straight);
    case 'papers-asked':
      return plot([
        task('decide-eligibility', eligibility, { choice: 'ask-papers' }),
        [[{ do: 'provide-papers' }]],
        ...straight,
      ]);
    case 'plan-sent-back':
      return plot([
        accept,
        assess,
        propose,
        task('approve-plan', planning, { choice: 'send-back' }),
        propose,
        approvePlan,
        treat(sessions),
        ...finish,
      ]);
    case 'treatment-continued': {
      const again = { [draw.one(disciplines)]: 1 };
      return plot([
        accept,
        assess,
        propose,
        approvePlan,
        treat(sessions),
        reEvaluate('continue', again),
        treat(again),
        ...finish,
      ]);
    }
    case 'plan-changed':
      return plot([
        accept,
        assess,
        propose,
        approvePlan,
        treat(sessions),
        reEvaluate('change-plan'),
        propose,
        approvePlan,
        treat(sessions),
        ...finish,
      ]);
    case 'outcome-sent-back':
      return plot([
        ...straight.slice(0, -1),
        task('decide-outcome', ending, { choice: 'send-back' }),
        ...finish,
      ]);
    case 'refused':
      return plot([refuse]);
    case 'appeal-granted':
      return plot([
        refuse,
        [[{ do: 'appeal' }]],
        task('decide-appeal', appealing, { choice: 'grant', disciplines }),
        ...straight.slice(1),
      ]);
    case 'appeal-upheld':
      return plot([refuse, [[{ do: 'appeal' }]], task('decide-appeal', appealing, { choice: 'uphold' })]);
    case 'withdrawn': {
      const until = draw.whole(0, straight.length - 1);
      const next = straight[until]?.[0]?.[0];
      const tooLate = draw.chance(0.5) && next?.do === 'task' ? next : undefined;
      return plot([...straight.slice(0, until), [[{ do: 'withdraw' }]]], tooLate);
    }
    default:
      return intent satisfies never;
  }
}

/** Disciplines, who assesses each, who re-evaluates and who proposes: no duty twice. */
function castTherapy(people: readonly Candidate[], therapists: readonly Candidate[], draw: Draw) {
  const known = DISCIPLINES.filter((d) => therapists.some((t) => t.disciplines.includes(d)));
  const disciplines = draw.shuffled(known).slice(0, draw.one([1, 1, 2, 2, 3]));
  const assessors: string[] = [];
  for (const discipline of disciplines) {
    const fitting = therapists.filter((t) => t.disciplines.includes(discipline));
    // Whoever assesses already may assess this too: so somebody is left to re-evaluate.
    const chosen = fitting.find(({ id }) => assessors.includes(id)) ?? fitting[0];
    if (chosen && new Set([...assessors, chosen.id]).size < therapists.length) assessors.push(chosen.id);
    else throw new Error('staff is too small: therapists');
  }
  const free = therapists.filter(({ id }) => !assessors.includes(id));
  const reEvaluator = free.find(({ lead }) => !lead) ?? free[0];
  const leads = free.filter(({ id, lead }) => lead && id !== reEvaluator?.id);
  const doctors = people.filter(({ role }) => role === 'doctor');
  const proposer = leads[0] && draw.chance(0.25) ? leads[0] : draw.one(doctors);
  if (!reEvaluator) throw new Error('staff is too small: therapists');
  return { disciplines, assessors, reEvaluator: reEvaluator.id, proposer: proposer.id };
}
