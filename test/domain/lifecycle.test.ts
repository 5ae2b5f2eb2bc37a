// The lifecycle table: every state × action × role, and a model that lets anybody try anything for whole lives of cases.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ACTIONS,
  type Act,
  type Action,
  type Actor,
  barringDuty,
  CASE_CLOCKS,
  CASE_STATES,
  type CaseFacts,
  type CaseState,
  CHOICES,
  claimRefusal,
  DUTIES,
  type Duty,
  LIFECYCLE,
  lapseOf,
  PAUSED_IN,
  refusalOf,
  STAGES,
  STATE_CLOCKS,
  STATES,
  type Step,
  stepOf,
  TASK_KINDS,
  type TaskFacts,
  type TaskKind,
} from '../../domain/lifecycle.ts';
import { allows, PERMISSIONS, rolesFor } from '../../domain/permissions.ts';
import {
  DISCIPLINES,
  type Discipline,
  RELATIONS,
  type Relation,
  ROLES,
  type Role,
} from '../../domain/roles.ts';

const empty: CaseFacts = {
  id: 'c',
  state: 'eligibility-due',
  outcome: null,
  round: 1,
  duties: [],
  relations: [],
  tasks: [],
  sessionsLeft: {},
};
const actor = (role: Role, person = 'p', lead = true): Actor => ({
  person,
  role,
  disciplines: DISCIPLINES,
  lead,
});

/** Written out by hand, not read from the table: which roles may do which action in which state. */
const EXPECTED: Readonly<Record<Action, readonly [states: readonly string[], roles: readonly Role[]]>> = {
  'submit-application': [[], ['patient', 'guardian', 'referrer']],
  'decide-eligibility': [['eligibility-due'], ['approval-officer']],
  'provide-papers': [['papers-asked'], ['patient', 'guardian', 'referrer']],
  assess: [['assessment-due'], ['therapist']],
  'propose-plan': [['plan-due'], ['doctor', 'therapist']],
  'approve-plan': [['plan-approval-due'], ['approval-officer']],
  'record-session': [['in-treatment'], ['therapist']],
  're-evaluate': [['re-evaluation-due'], ['therapist']],
  'decide-outcome': [['outcome-due'], ['approval-officer']],
  'record-follow-up': [['follow-up-due'], ['therapist', 'doctor']],
  withdraw: [
    [
      'eligibility-due',
      'papers-asked',
      'appeal-due',
      'assessment-due',
      'plan-due',
      'plan-approval-due',
      'in-treatment',
      're-evaluation-due',
      'outcome-due',
    ],
    ['patient', 'guardian'],
  ],
  appeal: [['refused'], ['patient', 'guardian']],
  'decide-appeal': [['appeal-due'], ['approval-officer']],
  reopen: [['closed'], ['approval-officer']],
};

describe('every state, action and role', () => {
  const cells = CASE_STATES.flatMap((state) =>
    ACTIONS.flatMap((action) => ROLES.map((role) => ({ state, action, role }))),
  );
  test(`${cells.length} cells say what the book says`, () => {
    for (const { state, action, role } of cells) {
      const related = (RELATIONS as readonly Role[]).includes(role) && LIFECYCLE[action].related;
      const facts: CaseFacts = {
        ...empty,
        state,
        relations: related ? [{ relation: role as Relation, person: 'p' }] : [],
      };
      const [states, roles] = EXPECTED[action];
      const expected = states.includes(state) && roles.includes(role);
      expect([state, action, role, refusalOf(facts, actor(role), action) === undefined]).toEqual([
        state,
        action,
        role,
        expected,
      ]);
    }
  });

  test('a role that may not is told so before anything about the case is told', () => {
    for (const { state, action, role } of cells) {
      if (rolesFor(action).includes(role)) continue;
      expect(refusalOf({ ...empty, state }, actor(role), action)?.code).toBe('wrong-role');
    }
  });

  test('who stands in no relation to a case may do nothing a relation is needed for', () => {
    for (const action of ['provide-papers', 'withdraw', 'appeal'] as const)
      expect(
        refusalOf({ ...empty, state: LIFECYCLE[action].states[0] as CaseState }, actor('patient'), action)
          ?.code,
      ).toBe('not-related');
  });

  test('whoever stands in a relation to a case does no staff act in it', () => {
    const facts: CaseFacts = { ...empty, relations: [{ relation: 'patient', person: 'p' }] };
    expect(refusalOf(facts, actor('approval-officer'), 'decide-eligibility')).toMatchObject({
      code: 'conflict-of-duties',
      detail: { duty: 'relation' },
    });
  });

  test('a therapist needs the discipline of the task, and to lead for a plan', () => {
    const therapist: Actor = { person: 'p', role: 'therapist', disciplines: ['psychology'], lead: false };
    expect(
      refusalOf({ ...empty, state: 'assessment-due' }, therapist, 'assess', { discipline: 'physiotherapy' }),
    ).toMatchObject({ code: 'wrong-role', detail: { discipline: 'physiotherapy' } });
    expect(
      refusalOf({ ...empty, state: 'assessment-due' }, therapist, 'assess', { discipline: 'psychology' }),
    ).toBeUndefined();
    expect(refusalOf({ ...empty, state: 'plan-due' }, therapist, 'propose-plan')).toMatchObject({
      code: 'wrong-role',
      detail: { skill: 'lead' },
    });
  });
});

describe('duties', () => {
  test('each duty bars from the five others and not from itself', () => {
    for (const held of DUTIES)
      for (const action of ACTIONS) {
        const { duty, freshEyes } = LIFECYCLE[action];
        const facts = { duties: [{ duty: held, person: 'p' }] };
        const barred = duty !== undefined && (duty !== held || freshEyes === true);
        expect([held, action, barringDuty(facts, action, 'p')]).toEqual([
          held,
          action,
          barred ? held : undefined,
        ]);
        expect(barringDuty(facts, action, 'somebody else')).toBeUndefined();
      }
  });

  test('all six duties are asked for by some action', () => {
    expect(new Set(ACTIONS.map((action) => LIFECYCLE[action].duty).filter(Boolean))).toEqual(new Set(DUTIES));
  });
});

describe('claims', () => {
  const task: TaskFacts = {
    id: 't',
    kind: 'assess',
    discipline: null,
    claimNumber: 3,
    claimedBy: 'p',
    claimedUntil: '2026-11-23T10:00:00.000Z',
  };
  test.each([
    ['held', task, 'p', 3, '2026-11-23T09:59:59.999Z', undefined],
    ['at the very end', task, 'p', 3, '2026-11-23T10:00:00.000Z', 'not-claimed'],
    ['an older number', task, 'p', 2, '2026-11-23T09:00:00.000Z', 'stale-claim'],
    ['a number never given', task, 'p', 4, '2026-11-23T09:00:00.000Z', 'stale-claim'],
    ['somebody else', task, 'q', 3, '2026-11-23T09:00:00.000Z', 'not-claimed'],
    [
      'handed back',
      { ...task, claimedBy: null, claimedUntil: null },
      'p',
      3,
      '2026-11-23T09:00:00.000Z',
      'not-claimed',
    ],
    ['no such task', undefined, 'p', 3, '2026-11-23T09:00:00.000Z', 'wrong-state'],
  ] as const)('%s', (_, given, person, number, at, code) => {
    expect(claimRefusal(given, person, number, at)?.code).toBe(code);
  });
});

test('every state belongs to a stage and says which clocks run', () => {
  for (const state of CASE_STATES) {
    expect(STAGES).toContain(STATES[state]);
    for (const clock of STATE_CLOCKS[state]) expect(CASE_CLOCKS).toContain(clock);
    for (const clock of PAUSED_IN[state] ?? []) expect(STATE_CLOCKS[state]).toContain(clock);
  }
  // Every clock runs somewhere, and every state but the last has one: nothing waits without a limit.
  expect(new Set(Object.values(STATE_CLOCKS).flat())).toEqual(new Set(CASE_CLOCKS));
  for (const state of CASE_STATES)
    expect([state, STATE_CLOCKS[state].length > 0]).toEqual([state, state !== 'closed']);
});

test('a permission nobody declared is nobody’s', () => {
  for (const role of ROLES) expect(allows(role, 'no.such' as never)).toBe(false);
  for (const permission of PERMISSIONS) expect(rolesFor(permission).length).toBeGreaterThan(0);
});

/** A case as the model keeps it: what the transaction would write. */
class Model {
  facts: CaseFacts = {
    ...empty,
    id: 'm',
    state: 'closed',
    relations: [{ relation: 'patient', person: 'patient' }],
  };
  next = 0;
  plan: Partial<Record<Discipline, number>> = {};

  constructor() {
    this.adopt(stepOf(this.facts, { action: 'submit-application' }));
  }
  adopt(step: Step, done?: string): void {
    const kept = step.keepTasks ? this.facts.tasks.filter((task) => task.id !== done) : [];
    const opened = step.open.map(
      (task): TaskFacts => ({
        ...task,
        id: `t${this.next++}`,
        claimNumber: 0,
        claimedBy: null,
        claimedUntil: null,
      }),
    );
    this.facts = {
      ...this.facts,
      state: step.state,
      outcome: step.outcome,
      round: step.round,
      tasks: [...kept, ...opened],
    };
  }
  /** Tries an act; true when it was done. */
  attempt(who: Actor, action: Action, choice: number, disciplines: Discipline[]): boolean {
    const task = (TASK_KINDS as readonly Action[]).includes(action)
      ? this.facts.tasks.find((t) => t.kind === action)
      : undefined;
    if ((TASK_KINDS as readonly Action[]).includes(action) && !task) return false;
    if (refusalOf(this.facts, who, action, task)) return false;
    const choices: readonly string[] = CHOICES[action];
    const chosen = choices[choice % Math.max(1, choices.length)];
    const sessions = Object.fromEntries(disciplines.map((d) => [d, 1 + (choice % 2)]));
    const act: Act = {
      action,
      disciplines,
      sessions,
      ...(chosen ? { choice: chosen } : {}),
      ...(task ? { taskId: task.id } : {}),
    };
    const step = stepOf(this.facts, act);
    if (action === 'record-session' && chosen === 'held' && task?.discipline)
      this.facts = {
        ...this.facts,
        sessionsLeft: {
          ...this.facts.sessionsLeft,
          [task.discipline]: Math.max(0, (this.facts.sessionsLeft[task.discipline] ?? 0) - 1),
        },
      };
    if (
      (action === 'approve-plan' && chosen === 'approve') ||
      (action === 're-evaluate' && chosen === 'continue')
    )
      this.facts = { ...this.facts, sessionsLeft: sessions };
    const { duty } = LIFECYCLE[action];
    if (duty) this.facts = { ...this.facts, duties: [...this.facts.duties, { duty, person: who.person }] };
    this.adopt(step, task?.id);
    return true;
  }
}

const OPEN_TASK_OF: Partial<Record<CaseState, TaskKind>> = {
  'eligibility-due': 'decide-eligibility',
  'papers-asked': 'provide-papers',
  'appeal-due': 'decide-appeal',
  'assessment-due': 'assess',
  'plan-due': 'propose-plan',
  'plan-approval-due': 'approve-plan',
  'in-treatment': 'record-session',
  're-evaluation-due': 're-evaluate',
  'outcome-due': 'decide-outcome',
  'follow-up-due': 'record-follow-up',
};

test('whatever is tried by whomever, a case stays whole', () => {
  const person = fc.record({
    person: fc.constantFrom('patient', 'a', 'b', 'c', 'd', 'e', 'f', 'g'),
    role: fc.constantFrom(...ROLES),
  });
  const attempt = fc.record({
    who: person,
    action: fc.constantFrom(...ACTIONS.filter((a) => a !== 'submit-application')),
    choice: fc.nat(11),
    disciplines: fc.subarray([...DISCIPLINES], { minLength: 1 }),
    fitting: fc.boolean(),
    lapse: fc.option(fc.constantFrom(...CASE_CLOCKS), { freq: 6 }),
  });
  let done = 0;
  const reached = new Set<CaseState>();
  fc.assert(
    fc.property(fc.array(attempt, { minLength: 40, maxLength: 400 }), (attempts) => {
      const model = new Model();
      for (const attempted of attempts) {
        const { choice, disciplines, lapse } = attempted;
        const before = model.facts;
        // Half of the attempts are what the state offers, by a role that may; the rest are anything by anybody.
        const offered = ACTIONS.filter((a) => LIFECYCLE[a].states.includes(before.state));
        const action =
          attempted.fitting && offered.length > 0
            ? (offered[choice % offered.length] as Action)
            : attempted.action;
        const roles = LIFECYCLE[action].roles;
        const who = attempted.fitting
          ? { ...attempted.who, role: roles[choice % roles.length] as Role }
          : attempted.who;
        if (lapse && STATE_CLOCKS[before.state].includes(lapse)) {
          const step = lapseOf(before, lapse, ['physiotherapy']);
          if (step) model.adopt(step);
        } else if (model.attempt(actor(who.role, who.person), action, choice, disciplines)) done++;
        const { facts } = model;
        reached.add(facts.state);
        // 1. Nobody ever holds two duties.
        for (const p of new Set(facts.duties.map((d) => d.person)))
          expect(new Set(facts.duties.filter((d) => d.person === p).map((d): Duty => d.duty)).size).toBe(1);
        // 2. The open tasks are exactly those of the state.
        const kind = OPEN_TASK_OF[facts.state];
        for (const task of facts.tasks) expect(task.kind).toBe(kind);
        expect(facts.tasks.length > 0).toBe(kind !== undefined);
        expect(new Set(facts.tasks.map((t) => t.discipline)).size).toBe(facts.tasks.length);
        // 3. An outcome stands exactly where one was given.
        if (facts.state === 'follow-up-waiting' || facts.state === 'follow-up-due')
          expect(facts.outcome).toBe('approved');
        if (facts.state === 'closed') expect(facts.outcome).not.toBeNull();
        if (STATES[facts.state] === 'assessment' || STATES[facts.state] === 'treatment')
          expect(facts.outcome).toBeNull();
        // 4. A round only grows.
        expect(facts.round).toBeGreaterThanOrEqual(before.round);
      }
    }),
    { numRuns: 300, seed: 20261123 },
  );
  // The model went somewhere: it would hold trivially if everything were refused.
  expect(done).toBeGreaterThan(2000);
  expect([...reached].sort()).toEqual([...CASE_STATES].sort());
});
