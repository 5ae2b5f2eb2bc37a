// Station 4, statements of safety alerts: what acknowledging one reads and writes. Pure plans for `recorded()`; an alert is
// taken up once, whoever comes second is told by whom.
import {
  type Acknowledgement,
  type AlertStanding,
  acknowledgeRefusal,
  IMMEDIATE_ALERTS,
} from '../../domain/alerts.ts';
import { type Refusal, refuse } from '../../domain/refusal.ts';
import type { Role } from '../../domain/roles.ts';
import { type Change, canonicalColumn, type Fragment, insert } from '../change.ts';
import { worksOn } from '../views/alerts.ts';

/** What the rules need to know of an alert: how the person stands to its case, and what the same instrument has raised there. */
export interface AlertFacts {
  readonly assignment: { readonly id: string; readonly lead: boolean } | null;
  readonly standing: AlertStanding;
  /** Measurements with an immediate alert, oldest first. */
  readonly raised: readonly {
    readonly id: string;
    readonly by: string | null;
    readonly since: string | null;
  }[];
}

/** The fragment for a measurement of a case and the person acting in a role at an instant. */
export function alertFacts(
  caseId: string,
  measurementId: string,
  person: string,
  role: string,
  at: string,
): Fragment {
  return {
    text: `SELECT json_build_object(
      'assignment', (SELECT json_build_object('id', r.id, 'lead', r.lead) FROM role_assignments r WHERE r.person_id = $3::uuid AND r.role = $4 AND r.ended_at IS NULL),
      'standing', json_build_object(
        'related', EXISTS (SELECT 1 FROM case_relations l WHERE l.case_id = $1::uuid AND l.person_id = $3::uuid),
        'worksOnIt', ${worksOn('$1::uuid', '$3::uuid', '$5::timestamptz')}),
      'raised', (SELECT coalesce(json_agg(json_build_object('id', m.id, 'by', a.acknowledged_by, 'since', a.acknowledged_at) ORDER BY m.measured_at, m.id), '[]')
        FROM measurements m LEFT JOIN alert_acknowledgements a ON a.measurement_id = m.id
        WHERE m.case_id = $1::uuid AND m.alerts ?| string_to_array($6, ' ')
          AND m.instrument = (SELECT o.instrument FROM measurements o WHERE o.id = $2::uuid AND o.case_id = $1::uuid)))`,
    params: [caseId, measurementId, person, role, at, IMMEDIATE_ALERTS.join(' ')],
  };
}

/** What acknowledging answers: which measurements it covers. */
export interface Acknowledged {
  readonly kind: 'acknowledged';
  readonly measurements: readonly string[];
}

/**
 * Acknowledges the alert that a measurement raised, and with it those that the same instrument raised in the case before and
 * that still wait: one talk answers for all of them. A later one waits on.
 */
export function acknowledgePlan(
  facts: AlertFacts,
  about: { readonly caseId: string; readonly measurementId: string },
  actor: { readonly person: string; readonly role: Role },
  values: Acknowledgement,
  at: string,
  newId: () => string,
): { changes: Change[]; answer: Acknowledged; assignment: string } | Refusal {
  const place = facts.raised.findIndex(({ id }) => id === about.measurementId);
  const alert = facts.raised[place];
  if (!alert) return refuse('unknown');
  if (!facts.assignment) return refuse('wrong-role', { detail: { action: 'alert.acknowledge' } });
  const refused = acknowledgeRefusal({ role: actor.role, lead: facts.assignment.lead }, facts.standing);
  if (refused) return refused;
  if (alert.by)
    return refuse('already-acknowledged', {
      detail: { holder: alert.by, since: String(canonicalColumn('timestamptz', alert.since)) },
    });
  const covered = facts.raised.slice(0, place + 1).filter(({ by }) => by === null);
  return {
    changes: covered.map(({ id }) =>
      insert('alertAcknowledgements', {
        id: newId(),
        caseId: about.caseId,
        measurementId: id,
        reason: values.reason,
        note: values.note || null,
        acknowledgedBy: actor.person,
        role: actor.role,
        acknowledgedAt: at,
      }),
    ),
    answer: { kind: 'acknowledged', measurements: covered.map(({ id }) => id) },
    assignment: facts.assignment.id,
  };
}
