// Station 3, verbs of the application: submit, decide eligibility, provide papers, withdraw, appeal, reopen.
// Each ends in `recorded()`; submitting also makes the case, its patient and its relations.
import { randomBytes } from 'node:crypto';
import { insert, type Row } from '../db/change.ts';
import { caseFacts, readCaseFacts, roleHeldUntilWritten } from '../db/writes/case-facts.ts';
import { type ActValues, daysToCome } from '../domain/acts.ts';
import { ACTION_EVENTS } from '../domain/events.ts';
import { caseNumber } from '../domain/ids.ts';
import { LIFECYCLE, STATES, stepOf } from '../domain/lifecycle.ts';
import { keyBelongs } from '../domain/operation-key.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import type { Relation } from '../domain/roles.ts';
import type { JsonObject } from '../ledger/canonical.ts';
import { inputDigest } from '../ledger/personal.ts';
import { type Deciding, type Plan, recorded } from '../ledger/recorded.ts';
import {
  type ActDeps,
  type ActRequest,
  type Answer,
  commonRows,
  doneAnswer,
  type Making,
  openValues,
  operationOf,
  type Rows,
} from './act.ts';

/** Opens a case. The case's key was made by whoever derived the case id; the id is derived from the operation. */
export async function submitApplication(
  deps: ActDeps,
  request: ActRequest<'submit-application'>,
  updateName: string,
): Promise<Answer> {
  if (
    !keyBelongs(deps.keyed, request.key, {
      person: request.actor.person,
      action: request.action,
      target: 'new',
    })
  )
    return refuse('key-unbound');
  const key = await deps.recorder.keys.of('case', request.caseId);
  const values = openValues(request, key);
  if (isRefusal(values)) return values;
  const operation = operationOf(deps, request, updateName, inputDigest(key, request, values));
  // The same bundle twice is one application: keyed with the operation secret, because the case is not known yet.
  const sourceDigest = values.source ? deps.keyed(`source\n${values.source}`) : null;
  const own = caseFacts(request.caseId, request.actor.person, request.actor.role);
  const read = {
    text: `SELECT json_build_object('facts', (${own.text}), 'person', (SELECT to_jsonb(p) FROM persons p WHERE p.id = $2::uuid), 'twin', (SELECT c.number FROM applications a JOIN cases c ON c.id = a.case_id WHERE a.source_digest = $4))`,
    params: [...own.params, sourceDigest],
  };
  const { answer } = await recorded(
    deps.recorder,
    operation,
    read,
    (json: { facts: unknown; person: unknown; twin: string | null }, deciding) => {
      const snapshot = readCaseFacts(json.facts);
      if (!snapshot.assignment || !LIFECYCLE['submit-application'].roles.includes(request.actor.role))
        return refuse('wrong-role', { detail: { action: request.action } });
      const toCome = daysToCome(values, deciding.at);
      if (toCome.length > 0) return refuse('values', { fields: toCome });
      if (snapshot.case) return refuse('duplicate');
      if (json.twin) return refuse('duplicate', { detail: { number: json.twin } });
      return submission(deps, request, values, sourceDigest, snapshot.assignment.id, deciding);
    },
  );
  return answer as unknown as Answer;
}

function submission(
  deps: ActDeps,
  request: ActRequest<'submit-application'>,
  values: ActValues<'submit-application'>,
  sourceDigest: string | null,
  assignment: string,
  deciding: Deciding,
): Plan {
  const { at } = deciding;
  const { person, role } = request.actor;
  const step = stepOf(
    {
      id: request.caseId,
      state: 'closed',
      outcome: null,
      round: 1,
      duties: [],
      relations: [],
      tasks: [],
      sessionsLeft: {},
    },
    { action: 'submit-application' },
  );
  const patientId = role === 'patient' ? person : deciding.newId();
  const kase: Row<'cases'> = {
    id: request.caseId,
    number: caseNumber(randomBytes(5)),
    patientId,
    state: step.state,
    stage: STATES[step.state],
    outcome: null,
    round: 1,
    openedAt: at,
    changedAt: at,
    parametersVersion: deps.recorder.parameters,
  };
  const relation = (personId: string, as: Relation) =>
    insert('caseRelations', { id: deciding.newId(), caseId: kase.id, personId, relation: as, since: at });
  const common = commonRows(
    deps,
    {
      case: kase,
      assignment: null,
      duties: [],
      relations: [],
      tasks: [],
      plan: null,
      clocks: [],
      assessments: 0,
      certificate: null,
    },
    step,
    undefined,
    person,
    deciding,
  );
  return {
    event: ACTION_EVENTS['submit-application'],
    guards: [roleHeldUntilWritten(assignment)],
    changes: [
      ...(role === 'patient'
        ? []
        : [
            insert('persons', {
              id: patientId,
              name: values.patientName,
              organisation: null,
              birthDate: values.birthDate,
              sex: values.sex,
              language: values.language || null,
              addedAt: at,
            }),
          ]),
      insert('cases', kase),
      ...common.changes.filter((change) => change.table !== 'cases'),
      relation(patientId, 'patient'),
      ...(role === 'patient' ? [] : [relation(person, role as Relation)]),
      insert('applications', {
        id: deciding.newId(),
        caseId: kase.id,
        round: 1,
        reason: values.reason,
        reasonCode: values.reasonCode || null,
        reasonSince: values.reasonSince || null,
        goals: values.goals || null,
        background: values.background,
        questions: values.questions,
        source: values.source ? 'fhir' : null,
        sourceDigest,
        submittedBy: person,
        submittedAt: at,
      }),
      insert('decisions', {
        id: deciding.newId(),
        caseId: kase.id,
        taskId: null,
        action: request.action,
        choice: null,
        duty: null,
        criteria: null,
        reasons: null,
        details: null,
        stateBefore: 'none',
        stateAfter: step.state,
        round: 1,
        decidedBy: person,
        role,
        decidedAt: at,
      }),
    ],
    answer: doneAnswer(kase, step, deciding.version, common.next) as unknown as JsonObject,
  };
}

export const eligibilityRows = ({ values }: Making<'decide-eligibility'>): Rows => ({
  changes: [],
  criteria: values.criteria ?? null,
  reasons: values.reasons,
  details:
    values.choice === 'accept'
      ? { disciplines: values.disciplines }
      : values.choice === 'ask-papers'
        ? { papers: values.papers }
        : null,
  act: { choice: values.choice, disciplines: values.disciplines },
});

export const papersRows = ({ values }: Making<'provide-papers'>): Rows => ({
  changes: [],
  reasons: values.answer,
  act: {},
});

export const withdrawalRows = ({ values }: Making<'withdraw'>): Rows => ({
  changes: [],
  reasons: values.reasons,
  act: {},
});

/** An appeal must come within its period; the clock that runs while a case is refused is that period. */
export function appealRows({ values, snapshot, deciding }: Making<'appeal'>): Rows | Refusal {
  const period = snapshot.clocks.find((clock) => clock.clock === 'appeal-period');
  if (period && period.dueAt < deciding.at)
    return refuse('too-late', { detail: { clock: 'appeal-period', dueAt: period.dueAt } });
  return { changes: [], reasons: values.reasons, act: {} };
}

export const appealDecisionRows = ({ values }: Making<'decide-appeal'>): Rows => ({
  changes: [],
  reasons: values.reasons,
  details: values.choice === 'grant' ? { disciplines: values.disciplines } : null,
  act: { choice: values.choice, disciplines: values.disciplines },
});

export const reopeningRows = ({ values }: Making<'reopen'>): Rows => ({
  changes: [],
  reasons: values.reasons,
  act: {},
});
