// Station 3, the common way of every act on a case: open the sealed values, ask the rules inside `recorded()`, write
// what follows. The verbs differ only in their rows (application.ts, assessment.ts, plan.ts, treatment.ts, ending.ts).
// Durable when it returns; idempotent by the operation key. Never answers a refusal with an error.
import { Buffer } from 'node:buffer';
import type { Change, Row } from '../db/change.ts';
import { insert, update } from '../db/change.ts';
import {
  type CaseSnapshot,
  caseFacts,
  certificateStillCounts,
  readCaseFacts,
  roleHeldUntilWritten,
  ruleFacts,
} from '../db/writes/case-facts.ts';
import { type ActValues, readActValues } from '../domain/acts.ts';
import { clocksOnEntering, type DueAfter, nextLapse } from '../domain/case-clocks.ts';
import { ACTION_EVENTS, needsSignature } from '../domain/events.ts';
import {
  type Act,
  type Action,
  type Actor,
  type CaseState,
  claimRefusal,
  LIFECYCLE,
  type Outcome,
  refusalOf,
  STATES,
  type Stage,
  type Step,
  stepOf,
} from '../domain/lifecycle.ts';
import {
  type KeyedHash,
  keyBelongs,
  sealContext,
  signedContext,
  statementContext,
} from '../domain/operation-key.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import type { Role } from '../domain/roles.ts';
import type { JsonObject, JsonValue } from '../ledger/canonical.ts';
import { readSignedAct, type SignedAct } from '../ledger/envelope.ts';
import { type CaRoots, inputDigest, signatureRefusal } from '../ledger/personal.ts';
import { open, type RecordKey, seal } from '../ledger/record-key.ts';
import { type Deciding, type Operation, type Plan, type Recorder, recorded } from '../ledger/recorded.ts';

/** What an Update carries to its activity. Clinical values lie sealed under the case key. */
export interface ActRequest<A extends Action = Action> {
  readonly key: string;
  readonly action: A;
  readonly caseId: string;
  readonly actor: { readonly person: string; readonly role: Role; readonly actingFor: string | null };
  /** The task to complete and the claim's fencing number; null for acts that complete none. */
  readonly task: { readonly id: string; readonly claim: number } | null;
  /** Values sealed under the case key, base64. */
  readonly sealed: string;
  /** Statement, envelope and personal signature, sealed likewise; acts of staff are refused without. */
  readonly signed?: string;
}

/** What an act did. Ids and codes only: it travels through Temporal. */
export interface Done {
  readonly kind: 'done';
  readonly caseId: string;
  readonly number: string;
  readonly state: CaseState;
  readonly stage: Stage;
  readonly outcome: Outcome | null;
  /** The case's version after this act; the workflow adopts the newest. */
  readonly version: number;
  /** The limit that ends next, or null. */
  readonly next: { readonly clockId: string; readonly clock: string; readonly at: string } | null;
  /** Safety alerts that a measurement raised, by code. */
  readonly alerts: readonly string[];
}
export type Answer = Done | Refusal;

/** Where an activity runs: what it knows of its workflow. */
export interface WorkflowIdentity {
  readonly id: string;
  readonly run: string;
}

export interface ActDeps {
  readonly recorder: Recorder;
  /** HMAC under the processes' operation secret: what binds a key to person, action and target. */
  readonly keyed: KeyedHash;
  readonly dueAfter: DueAfter;
  /** Whom a person's certificate must come from. */
  readonly roots: CaRoots;
  readonly workflow: () => WorkflowIdentity;
}

/** What a verb adds to the common rows. */
export interface Rows {
  readonly changes: readonly Change[];
  readonly details?: JsonValue;
  readonly criteria?: JsonValue;
  readonly reasons?: string | null;
  /** What decides where the act leads. */
  readonly act: Omit<Act, 'action' | 'taskId'>;
  readonly alerts?: readonly string[];
}

/** What a verb sees when it makes its rows. */
export interface Making<A extends Action> {
  readonly values: ActValues<A>;
  readonly snapshot: CaseSnapshot & { case: Row<'cases'> };
  readonly request: ActRequest<A>;
  readonly task: Row<'tasks'> | undefined;
  readonly deciding: Deciding;
}

/** Opens an act's values, or refuses what is not what the web seals. */
export function openValues<A extends Action>(request: ActRequest<A>, key: RecordKey): ActValues<A> | Refusal {
  let input: unknown;
  try {
    input = JSON.parse(
      Buffer.from(
        open(
          key,
          Buffer.from(request.sealed, 'base64'),
          sealContext(request.caseId, request.action, request.key),
        ),
      ).toString('utf8'),
    );
  } catch {
    // Not sealed by us for this operation: an Update that came past the web.
    return refuse('malformed');
  }
  const read = readActValues(request.action, input);
  return 'faults' in read ? refuse('values', { fields: read.faults }) : read.values;
}

/** Opens what the person signed; undefined when there is nothing, or nothing that the web sealed for this operation. */
function openSigned(request: ActRequest, key: RecordKey): SignedAct | undefined {
  if (request.signed === undefined) return undefined;
  try {
    const plain = open(
      key,
      Buffer.from(request.signed, 'base64'),
      signedContext(request.caseId, request.action, request.key),
    );
    return readSignedAct(JSON.parse(Buffer.from(plain).toString('utf8')));
  } catch {
    return undefined;
  }
}

/** A signed act as its decision needs it: with the digest of its input, and its statement ready to be stored. */
interface Signing {
  readonly act: SignedAct | undefined;
  readonly key: RecordKey;
  readonly input: string;
  readonly sealedStatement: string;
}

export function operationOf(
  deps: ActDeps,
  request: ActRequest,
  updateName: string,
  digest: string,
): Operation {
  const workflow = deps.workflow();
  return {
    key: request.key,
    action: request.action,
    inputDigest: digest,
    subject: { kind: 'case', id: request.caseId },
    actor: request.actor,
    about: { caseId: request.caseId, ...(request.task ? { taskId: request.task.id } : {}) },
    workflow: {
      id: workflow.id,
      run: workflow.run,
      update: request.key,
      name: updateName,
      args: JSON.stringify(request),
    },
  };
}

/** Does an act on an existing case. `rows` is the verb's own part. */
export async function act<A extends Action>(
  deps: ActDeps,
  request: ActRequest<A>,
  updateName: string,
  rows: (making: Making<A>) => Rows | Refusal,
): Promise<Answer> {
  // A key that nobody rendered for this person, action and target is no operation at all: nothing is recorded under
  // it, and replay reports the Update as one without an entry.
  if (
    !keyBelongs(deps.keyed, request.key, {
      person: request.actor.person,
      action: request.action,
      target: request.task?.id ?? request.caseId,
    })
  )
    return refuse('key-unbound');
  const key = await deps.recorder.keys.of('case', request.caseId);
  const values = openValues(request, key);
  if (isRefusal(values)) return values;
  const input = inputDigest(key, request, values);
  const asked = needsSignature(request.action);
  const signed = asked ? openSigned(request, key) : undefined;
  const signing = asked
    ? { act: signed, key, input, sealedStatement: sealedStatement(signed, request, key) }
    : undefined;
  const { answer } = await recorded(
    deps.recorder,
    operationOf(deps, request, updateName, input),
    caseFacts(request.caseId, request.actor.person, request.actor.role, signed?.envelope.certificate),
    (facts, deciding) => planAct(deps, readCaseFacts(facts), request, values, signing, deciding, rows),
  );
  return answer as unknown as Answer;
}

/** The statement as it is stored: sealed under the case key, in base64. */
const sealedStatement = (signed: SignedAct | undefined, request: ActRequest, key: RecordKey): string =>
  signed
    ? Buffer.from(
        seal(key, Buffer.from(signed.statement.text), statementContext(request.caseId, request.key)),
      ).toString('base64')
    : '';

function planAct<A extends Action>(
  deps: ActDeps,
  snapshot: CaseSnapshot,
  request: ActRequest<A>,
  values: ActValues<A>,
  signing: Signing | undefined,
  deciding: Deciding,
  rows: (making: Making<A>) => Rows | Refusal,
): Plan | Refusal {
  const { action } = request;
  if (!snapshot.case) return refuse('unknown');
  if (!snapshot.assignment) return refuse('wrong-role', { detail: { action } });
  const existing = snapshot as CaseSnapshot & { case: Row<'cases'> };
  const facts = ruleFacts(existing);
  const actor: Actor = {
    person: request.actor.person,
    role: request.actor.role,
    disciplines: snapshot.assignment.disciplines,
    lead: snapshot.assignment.lead,
  };
  const task = request.task
    ? snapshot.tasks.find((t) => t.id === request.task?.id && t.kind === action)
    : undefined;
  const refused = refusalOf(facts, actor, action, task);
  if (refused) return refused;
  if (LIFECYCLE_TASKED.has(action)) {
    // Staff act on what they have claimed; applicants answer what was asked of them, without a claim.
    const stale = LIFECYCLE[action].related
      ? task
        ? undefined
        : refuse('wrong-state', { detail: { task: 'done' } })
      : claimRefusal(task, actor.person, request.task?.claim ?? 0, deciding.at);
    if (stale) return stale;
  } else if (request.task) {
    return refuse('malformed');
  }
  // Asked last of what the person must bring, and in the same snapshot as everything else.
  const unsigned = signing && unsignedRefusal(deps, snapshot, request, signing, deciding.at);
  if (unsigned) return unsigned;
  const made = rows({ values, snapshot: existing, request, task, deciding });
  if (isRefusal(made)) return made;
  const step = stepOf(facts, { action, ...made.act, ...(task ? { taskId: task.id } : {}) });
  const common = commonRows(deps, existing, step, task?.id, request.actor.person, deciding);
  const choice = (values as { choice?: string }).choice ?? null;
  return {
    event: ACTION_EVENTS[action],
    guards: [
      roleHeldUntilWritten(snapshot.assignment.id),
      ...(signing && snapshot.certificate ? [certificateStillCounts(snapshot.certificate.id)] : []),
    ],
    ...(signing?.act ? { personal: signing.act } : {}),
    changes: [
      ...common.changes,
      ...made.changes,
      ...(signing?.act
        ? [
            insert('statements', {
              id: deciding.newId(),
              caseId: existing.case.id,
              sealed: signing.sealedStatement,
              sha256: signing.act.envelope.statement,
              language: signing.act.statement.language,
              at: deciding.at,
            }),
          ]
        : []),
      insert('decisions', {
        id: deciding.newId(),
        caseId: existing.case.id,
        taskId: task?.id ?? null,
        action,
        choice,
        duty: LIFECYCLE[action].duty ?? null,
        criteria: made.criteria ?? null,
        reasons: made.reasons || null,
        details: made.details ?? null,
        stateBefore: existing.case.state,
        stateAfter: step.state,
        round: existing.case.round,
        decidedBy: request.actor.person,
        role: request.actor.role,
        decidedAt: deciding.at,
      }),
    ],
    answer: {
      ...doneAnswer(existing.case, step, deciding.version, common.next),
      alerts: [...(made.alerts ?? [])],
    } as unknown as JsonObject,
  };
}

function unsignedRefusal(
  deps: ActDeps,
  snapshot: CaseSnapshot,
  request: ActRequest,
  { act: signed, key, input }: Signing,
  at: string,
): Refusal | undefined {
  if (!signed) return refuse('unsigned', { detail: { action: request.action } });
  return signatureRefusal(signed, request, {
    key,
    input,
    parameters: deps.recorder.parameters,
    row: snapshot.certificate,
    roots: deps.roots,
    at,
  });
}

/** Actions that complete a task. */
const LIFECYCLE_TASKED: ReadonlySet<Action> = new Set([
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
]);

/** The rows that every change of state has in common: the case, its tasks, its clocks. */
export function commonRows(
  deps: Pick<ActDeps, 'dueAfter'>,
  snapshot: CaseSnapshot & { case: Row<'cases'> },
  step: Step,
  doneTask: string | undefined,
  person: string | null,
  deciding: Deciding,
  lapsed?: string,
): { changes: Change[]; next: Done['next'] } {
  const { at } = deciding;
  const changes: Change[] = [
    update('cases', {
      ...snapshot.case,
      state: step.state,
      stage: STATES[step.state],
      outcome: step.outcome,
      round: step.round,
      changedAt: at,
    }),
  ];
  const stateClocks = clocksOnEntering(step.state, snapshot.clocks, at, deps.dueAfter, deciding.newId);
  const running = [
    ...snapshot.clocks.filter((c) => !stateClocks.changed.some((changed) => changed.id === c.id)),
    ...stateClocks.changed,
    ...stateClocks.begun,
  ].map((c) => (c.id === lapsed ? { ...c, lapsedAt: at } : c));
  for (const clock of running) {
    const row = { ...clock, caseId: snapshot.case.id };
    if (stateClocks.begun.some((b) => b.id === clock.id)) changes.push(insert('clocks', row));
    else if (clock.id === lapsed || stateClocks.changed.some((c) => c.id === clock.id))
      changes.push(update('clocks', row));
  }
  const due =
    running
      .filter((c) => !c.stoppedAt && !c.pausedAt)
      .map((c) => c.dueAt)
      .sort()[0] ?? null;
  for (const task of snapshot.tasks) {
    if (task.id === doneTask)
      changes.push(update('tasks', { ...task, status: 'done', closedAt: at, doneBy: person }));
    else if (!step.keepTasks) changes.push(update('tasks', { ...task, status: 'cancelled', closedAt: at }));
  }
  for (const task of step.open)
    changes.push(
      insert('tasks', {
        id: deciding.newId(),
        caseId: snapshot.case.id,
        kind: task.kind,
        discipline: task.discipline,
        status: 'open',
        dueAt: due,
        openedAt: at,
        closedAt: null,
        claimNumber: 0,
        claimedBy: null,
        claimedAt: null,
        claimedUntil: null,
        doneBy: null,
      }),
    );
  return { changes, next: nextLapse(running) };
}

export function doneAnswer(
  kase: Pick<Row<'cases'>, 'id' | 'number'>,
  step: Pick<Step, 'state' | 'outcome'>,
  version: number,
  next: Done['next'],
): Done {
  return {
    kind: 'done',
    caseId: kase.id,
    number: kase.number,
    state: step.state,
    stage: STATES[step.state],
    outcome: step.outcome,
    version,
    next,
    alerts: [],
  };
}
