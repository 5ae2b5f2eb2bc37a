// Station 1 to 4, the web's only way to write (DESIGN.md section 9, 9): claims, alerts taken up, refusals, disclosures, sessions.
// The case's state changes by Updates alone. Each ends in `recorded()` under the web's database role.
import { insert, type Row, update } from '../db/change.ts';
import { type Acknowledged, type AlertFacts, acknowledgePlan, alertFacts } from '../db/writes/alerts.ts';
import { caseFacts, readCaseFacts, roleStillHeld, rowFrom, ruleFacts } from '../db/writes/case-facts.ts';
import { type Claimed, claimPlan, handBackPlan } from '../db/writes/claims.ts';
import { type RoleChange, type RoleFacts, roleChangePlan, roleFacts } from '../db/writes/roles.ts';
import type { Acknowledgement } from '../domain/alerts.ts';
import type { Organisation } from '../domain/consortium.ts';
import type { AuditEvent } from '../domain/events.ts';
import type { Actor } from '../domain/lifecycle.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import type { Role } from '../domain/roles.ts';
import type { JsonObject, JsonValue } from '../ledger/canonical.ts';
import { inputDigest } from '../ledger/personal.ts';
import { type Recorder, recorded } from '../ledger/recorded.ts';

/** Who asks: the session's person in the role they act in. */
export interface Asking {
  readonly person: string;
  readonly role: Role;
}

/** Takes a task. The case is the subject, so a claim and a decision never overtake each other. */
export async function claimTask(
  recorder: Recorder,
  key: string,
  asking: Asking,
  caseId: string,
  taskId: string,
  leaseMinutes: number,
): Promise<Claimed | Refusal> {
  const { answer } = await recorded(
    recorder,
    {
      key,
      action: 'task.claim',
      inputDigest: taskId,
      subject: { kind: 'case', id: caseId },
      actor: asking,
      about: { caseId, taskId },
    },
    caseFacts(caseId, asking.person, asking.role),
    (json, { at }) => {
      const snapshot = readCaseFacts(json);
      if (!snapshot.case) return refuse('unknown');
      if (!snapshot.assignment) return refuse('wrong-role', { detail: { action: 'task.claim' } });
      const actor: Actor = {
        ...asking,
        disciplines: snapshot.assignment.disciplines,
        lead: snapshot.assignment.lead,
      };
      const plan = claimPlan(
        ruleFacts({ ...snapshot, case: snapshot.case }),
        snapshot.tasks.find((t) => t.id === taskId),
        actor,
        at,
        leaseMinutes,
      );
      if ('kind' in plan) return plan;
      if (!plan.change) return { unchanged: plan.answer as unknown as JsonValue };
      return {
        event: 'task.claimed',
        guards: [roleStillHeld(snapshot.assignment.id)],
        changes: [plan.change],
        answer: plan.answer as unknown as JsonObject,
      };
    },
  );
  return answer as unknown as Claimed | Refusal;
}

/** Hands a task back to the queue. */
export async function handBackTask(
  recorder: Recorder,
  key: string,
  asking: Asking,
  caseId: string,
  taskId: string,
  claim: number,
): Promise<{ kind: 'handed-back' } | Refusal> {
  const { answer } = await recorded(
    recorder,
    {
      key,
      action: 'task.hand-back',
      inputDigest: `${taskId} ${claim}`,
      subject: { kind: 'case', id: caseId },
      actor: asking,
      about: { caseId, taskId },
    },
    caseFacts(caseId, asking.person, asking.role),
    (json, { at }) => {
      const snapshot = readCaseFacts(json);
      const change = handBackPlan(
        snapshot.tasks.find((t) => t.id === taskId),
        asking.person,
        claim,
        at,
      );
      if ('kind' in change) return change;
      return { event: 'task.handed-back', changes: [change], answer: { kind: 'handed-back' } };
    },
  );
  return answer as unknown as { kind: 'handed-back' } | Refusal;
}

/**
 * Acknowledges a safety alert with what was done. The case is the subject, so of two people at once one is told of the other.
 * @returns what it covers, or `already-acknowledged` with who was first
 */
export async function acknowledgeAlert(
  recorder: Recorder,
  key: string,
  asking: Asking,
  about: { readonly caseId: string; readonly measurementId: string },
  values: Acknowledgement,
): Promise<Acknowledged | Refusal> {
  const action = 'alert.acknowledge';
  const { caseId, measurementId } = about;
  const caseKey = await recorder.keys.of('case', caseId);
  const { answer } = await recorded<AlertFacts>(
    recorder,
    {
      key,
      action,
      inputDigest: inputDigest(caseKey, { action, caseId, task: null }, { ...values, measurementId }),
      subject: { kind: 'case', id: caseId },
      actor: asking,
      about: { caseId },
    },
    alertFacts(caseId, measurementId, asking.person, asking.role, recorder.now().toISOString()),
    (facts, { at, newId }) => {
      const plan = acknowledgePlan(facts, about, asking, values, at, newId);
      if ('kind' in plan) return plan;
      return {
        event: 'alert.acknowledged',
        guards: [roleStillHeld(plan.assignment)],
        changes: plan.changes,
        answer: plan.answer as unknown as JsonObject,
      };
    },
  );
  return answer as unknown as Acknowledged | Refusal;
}

/**
 * Gives a role to somebody, or ends one. The person is the subject, and their sessions in an ended role are over with their
 * next request.
 */
export async function changeRole(
  recorder: Recorder,
  key: string,
  asking: Asking,
  person: string,
  change: RoleChange,
): Promise<{ readonly kind: 'changed' } | Refusal> {
  const system = await recorder.keys.of('system', 'system');
  const { answer } = await recorded<RoleFacts>(
    recorder,
    {
      key,
      action: 'roles.manage',
      inputDigest: inputDigest(system, { action: 'roles.manage', caseId: person, task: null }, change),
      subject: { kind: 'person', id: person },
      actor: asking,
    },
    roleFacts(person, asking.person, asking.role),
    (facts, { at, newId }) => {
      const plan = roleChangePlan(facts, asking.person, person, change, at, newId);
      if ('kind' in plan) return plan;
      return {
        event: change.change === 'give' ? 'role.assigned' : 'role.ended',
        guards: [roleStillHeld(plan.assignment)],
        changes: [plan.row],
        answer: { kind: 'changed' },
      };
    },
  );
  return answer as unknown as { kind: 'changed' } | Refusal;
}

/** Records a refusal that arose before any transaction: a foreign address, a role that may not. Answers nothing. */
export async function recordRefusal(
  recorder: Recorder,
  key: string,
  asking: Asking,
  action: string,
  refusal: Refusal,
  about: { caseId?: string; taskId?: string },
): Promise<void> {
  await recorded(
    recorder,
    {
      key,
      action,
      inputDigest: refusal.code,
      subject: { kind: 'person', id: asking.person },
      actor: asking,
      about,
    },
    { text: 'SELECT null::json', params: [] },
    () => refusal,
  );
}

/** Records that a person was shown something, before it is shown. Not repeated for the same view within the window. */
export async function recordDisclosure(
  recorder: Recorder,
  key: string,
  asking: Asking,
  view: string,
  caseId: string | null,
): Promise<void> {
  await recorded(
    recorder,
    {
      key,
      action: 'disclosure',
      inputDigest: `${view} ${caseId ?? ''}`,
      subject: { kind: 'person', id: asking.person },
      actor: asking,
    },
    { text: 'SELECT null::json', params: [] },
    (_, { at, newId }) => ({
      event: 'case.disclosed',
      changes: [
        insert('disclosures', {
          id: newId(),
          caseId,
          personId: asking.person,
          role: asking.role,
          view,
          shownAt: at,
        }),
      ],
      answer: { kind: 'shown' },
    }),
  );
}

/** Records something that changes no business row: a person signed in or out, ran a verification; the service saw a station stop. */
export async function recordEvent(
  recorder: Recorder,
  key: string,
  asking: { readonly person: string; readonly role: Role | 'service' },
  event: AuditEvent,
  answer: JsonObject,
): Promise<void> {
  await recorded(
    recorder,
    { key, action: event, inputDigest: event, subject: { kind: 'person', id: asking.person }, actor: asking },
    { text: 'SELECT null::json', params: [] },
    () => ({
      event,
      changes: [],
      answer,
    }),
  );
}

/** A certificate that a member gave to a person, as it is recorded. */
export interface IssuedCertificate {
  readonly fingerprint: string;
  readonly person: string;
  readonly organisation: Organisation;
  readonly role: Role;
  readonly pem: string;
  readonly notBefore: string;
  readonly notAfter: string;
}

/** Records a person's certificate, once. From then on their signatures by its key count. */
export async function recordCertificate(
  recorder: Recorder,
  asking: Asking,
  given: IssuedCertificate,
): Promise<void> {
  const { fingerprint, person, organisation, role, pem, notBefore, notAfter } = given;
  await recorded(
    recorder,
    {
      key: `certificate-${fingerprint}`,
      action: 'certificate.issue',
      inputDigest: fingerprint,
      subject: { kind: 'person', id: person },
      actor: asking,
    },
    { text: 'SELECT null::json', params: [] },
    (_, { at, newId }) => ({
      event: 'certificate.issued',
      changes: [
        insert('certificates', {
          id: newId(),
          fingerprint,
          personId: person,
          organisation,
          role,
          pem,
          notBefore,
          notAfter,
          issuedAt: at,
          revokedAt: null,
          revocationReason: null,
        }),
      ],
      answer: { kind: 'issued' },
    }),
  );
}

/**
 * Ends a certificate from now on: no decision that is written after this counts its signature. The person is the subject.
 * @returns from when it counts no more; undefined when there is no such certificate
 */
export async function recordRevocation(
  recorder: Recorder,
  asking: { readonly person: string; readonly role: Role | 'service' },
  certificate: { readonly fingerprint: string; readonly personId: string },
  reason: string,
): Promise<string | undefined> {
  const { answer } = await recorded(
    recorder,
    {
      key: `revocation-${certificate.fingerprint}`,
      action: 'certificate.revoke',
      inputDigest: certificate.fingerprint,
      subject: { kind: 'person', id: certificate.personId },
      actor: asking,
    },
    {
      text: 'SELECT to_jsonb(c) FROM certificates c WHERE c.fingerprint = $1',
      params: [certificate.fingerprint],
    },
    (json, { at }) => {
      const row = rowFrom<Row<'certificates'>>(json as Record<string, unknown> | null);
      if (!row) return refuse('unknown');
      if (row.revokedAt !== null) return { unchanged: { kind: 'revoked', at: row.revokedAt } };
      return {
        event: 'certificate.revoked',
        changes: [update('certificates', { ...row, revokedAt: at, revocationReason: reason })],
        answer: { kind: 'revoked', at },
      };
    },
  );
  return (answer as { at?: string }).at;
}
