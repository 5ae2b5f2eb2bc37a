// Station 3, verbs of assessment, plan, treatment and re-evaluation: findings, measurements, plans, sessions.
// Scores are computed here from the answers; a total that a form states is kept only to be compared.
import { type Change, insert, type Row, update } from '../db/change.ts';
import type { ActValues } from '../domain/acts.ts';
import { instrumentById } from '../domain/instruments/registry.ts';
import { type FieldFault, isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { DISCIPLINE_INSTRUMENTS, DISCIPLINES, type Discipline } from '../domain/roles.ts';
import type { Making, Rows } from './act.ts';

type Measured = ActValues<'assess'>['measurements'];

/** Scores each measurement; faults name the instrument and the item. */
function measured(
  caseId: string,
  assessmentId: string,
  list: Measured,
  at: string,
  newId: () => string,
): { changes: Change[]; alerts: string[] } | Refusal {
  const changes: Change[] = [];
  const alerts: string[] = [];
  const faults: FieldFault[] = [];
  for (const { instrument: id, answers, statedTotal } of list) {
    const instrument = instrumentById(id);
    if (!instrument) {
      faults.push({ field: `measurements.${id}`, fault: 'unknownField' });
      continue;
    }
    const given = Object.fromEntries(Object.entries(answers).filter(([, answer]) => answer !== null));
    const score = instrument.score(given);
    if (!score.ok) {
      faults.push(...score.faults.map((fault) => ({ ...fault, field: `${id}.${fault.field}` })));
      continue;
    }
    alerts.push(...score.alerts.map((alert) => alert.code));
    changes.push(
      insert('measurements', {
        id: newId(),
        assessmentId,
        caseId,
        instrument: id,
        instrumentVersion: String(instrument.version),
        answers: given,
        total: score.total === null ? null : String(score.total),
        alerts: score.alerts.map((alert) => alert.code),
        statedTotal: statedTotal === undefined ? null : String(statedTotal),
        measuredAt: at,
      }),
    );
  }
  return faults.length > 0 ? refuse('values', { fields: faults }) : { changes, alerts };
}

/** One discipline's findings with its instruments: all of them, each with at least one answer. */
export function assessmentRows({
  values,
  snapshot,
  task,
  request,
  deciding,
}: Making<'assess'>): Rows | Refusal {
  const discipline = task?.discipline ?? null;
  const wanted: readonly string[] = discipline ? DISCIPLINE_INSTRUMENTS[discipline] : [];
  const lacking = wanted.filter((id) => !values.measurements.some((m) => m.instrument === id));
  if (lacking.length > 0)
    return refuse('values', {
      fields: lacking.map((id) => ({ field: `measurements.${id}`, fault: 'required' })),
    });
  const foreign = values.measurements.filter((m) => !wanted.includes(m.instrument));
  if (foreign.length > 0)
    return refuse('values', {
      fields: foreign.map((m) => ({ field: `measurements.${m.instrument}`, fault: 'unknownField' })),
    });
  return findings(
    snapshot.case.id,
    discipline,
    'baseline',
    values.findings,
    values.measurements,
    request.actor.person,
    deciding.at,
    deciding.newId,
    {},
  );
}

function findings(
  caseId: string,
  discipline: Discipline | null,
  occasion: Row<'assessments'>['occasion'],
  text: string,
  list: Measured,
  person: string,
  at: string,
  newId: () => string,
  act: Rows['act'],
): Rows | Refusal {
  const assessmentId = newId();
  const scores = measured(caseId, assessmentId, list, at, newId);
  if (isRefusal(scores)) return scores;
  return {
    changes: [
      insert('assessments', {
        id: assessmentId,
        caseId,
        discipline,
        occasion,
        findings: text,
        assessedBy: person,
        assessedAt: at,
      }),
      ...scores.changes,
    ],
    reasons: null,
    act,
    alerts: scores.alerts,
  };
}

export function planRows({ values, snapshot, request, deciding }: Making<'propose-plan'>): Rows {
  const sessions = positive(values.sessions);
  return {
    changes: [
      insert('plans', {
        id: deciding.newId(),
        caseId: snapshot.case.id,
        number: (snapshot.plan?.number ?? 0) + 1,
        status: 'proposed',
        goals: values.goals,
        sessions,
        sessionsLeft: sessions,
        minutes: values.minutes,
        proposedBy: request.actor.person,
        proposedAt: deciding.at,
      }),
    ],
    reasons: values.reasons,
    details: { sessions, minutes: values.minutes },
    act: {},
  };
}

export function planDecisionRows({ values, snapshot }: Making<'approve-plan'>): Rows | Refusal {
  const { plan } = snapshot;
  if (plan?.status !== 'proposed') return refuse('wrong-state', { detail: { plan: plan?.status ?? 'none' } });
  const approved = values.choice === 'approve';
  return {
    changes: [update('plans', { ...plan, status: approved ? 'approved' : 'sent-back' })],
    reasons: values.reasons,
    details: { plan: plan.number },
    act: { choice: values.choice, sessions: plan.sessions },
  };
}

export function sessionRows({
  values,
  snapshot,
  task,
  request,
  deciding,
}: Making<'record-session'>): Rows | Refusal {
  const { plan } = snapshot;
  const discipline = task?.discipline;
  if (!discipline || plan?.status !== 'approved')
    return refuse('wrong-state', { detail: { plan: plan?.status ?? 'none' } });
  const held = values.choice === 'held';
  const left = plan.sessionsLeft[discipline] ?? 0;
  return {
    changes: [
      insert('therapySessions', {
        id: deciding.newId(),
        caseId: snapshot.case.id,
        discipline,
        held,
        minutes: held ? values.minutes : 0,
        note: values.note || null,
        therapistId: request.actor.person,
        recordedAt: deciding.at,
      }),
      ...(held
        ? [
            update('plans', {
              ...plan,
              sessionsLeft: { ...plan.sessionsLeft, [discipline]: Math.max(0, left - 1) },
            }),
          ]
        : []),
    ],
    reasons: null,
    details: { discipline, held },
    act: { choice: values.choice },
  };
}

/** The same instruments again; what follows is continue, change the plan, or finish. */
export function reevaluationRows({
  values,
  snapshot,
  request,
  deciding,
}: Making<'re-evaluate'>): Rows | Refusal {
  if (values.measurements.length === 0)
    return refuse('values', { fields: [{ field: 'measurements', fault: 'required' }] });
  const { plan } = snapshot;
  const sessions = positive(values.sessions);
  const made = findings(
    snapshot.case.id,
    null,
    're-evaluation',
    values.findings,
    values.measurements,
    request.actor.person,
    deciding.at,
    deciding.newId,
    {
      choice: values.choice,
      ...(values.choice === 'continue' ? { sessions } : {}),
    },
  );
  if (isRefusal(made)) return made;
  if (values.choice !== 'continue') return made;
  if (plan?.status !== 'approved') return refuse('wrong-state', { detail: { plan: plan?.status ?? 'none' } });
  return {
    ...made,
    changes: [...made.changes, update('plans', { ...plan, sessionsLeft: sessions })],
    details: { sessions },
  };
}

export const outcomeRows = ({ values }: Making<'decide-outcome'>): Rows => ({
  changes: [],
  reasons: values.reasons,
  act: { choice: values.choice },
});

export function followUpRows({
  values,
  snapshot,
  request,
  deciding,
}: Making<'record-follow-up'>): Rows | Refusal {
  return findings(
    snapshot.case.id,
    null,
    'follow-up',
    values.findings,
    [],
    request.actor.person,
    deciding.at,
    deciding.newId,
    {},
  );
}

const positive = (
  sessions: Partial<Record<Discipline, number | undefined>>,
): Partial<Record<Discipline, number>> =>
  Object.fromEntries(
    DISCIPLINES.filter((d) => (sessions[d] ?? 0) > 0).map((d) => [d, sessions[d] as number]),
  );
