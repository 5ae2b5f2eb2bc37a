// Station 4, reads for writing: everything the rules need of one case, as one JSON value in the snapshot that
// `recorded()` takes together with the subject's version. Reads only; never joins what a screen wants.
import type { RunningClock } from '../../domain/case-clocks.ts';
import type { CaseFacts } from '../../domain/lifecycle.ts';
import type { Discipline } from '../../domain/roles.ts';
import { canonicalColumn, type Fragment, type Row } from '../change.ts';

/** The facts of a case and of the person who acts. */
export interface CaseSnapshot {
  readonly case: Row<'cases'> | null;
  /** The acting person's current assignment of the role they act in, or null when they do not hold it. */
  readonly assignment: {
    readonly id: string;
    readonly disciplines: readonly Discipline[];
    readonly lead: boolean;
  } | null;
  readonly duties: CaseFacts['duties'];
  readonly relations: CaseFacts['relations'];
  readonly tasks: readonly Row<'tasks'>[];
  readonly plan: Row<'plans'> | null;
  readonly clocks: readonly (Row<'clocks'> & RunningClock)[];
  readonly assessments: number;
  /** The certificate that was asked for by its fingerprint, when there is one. */
  readonly certificate: Row<'certificates'> | null;
}

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase());

/** Columns that hold an instant and are not called so. */
const INSTANTS: ReadonlySet<string> = new Set(['claimed_until', 'since', 'not_before', 'not_after']);

/** Rows come as JSON with column names; instants get their canonical spelling. */
export function rowFrom<T>(json: Record<string, unknown> | null): T | null {
  if (!json) return null;
  const row: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(json)) {
    if (name === 'entry_id') continue;
    row[camel(name)] =
      name.endsWith('_at') || INSTANTS.has(name)
        ? value === null
          ? null
          : canonicalColumn('timestamptz', value)
        : value;
  }
  return row as T;
}

/** The fragment for a case and the person acting in a role; with the certificate of that fingerprint, when one is named. */
export function caseFacts(caseId: string, person: string, role: string, certificate?: string): Fragment {
  const signed = certificate !== undefined;
  return {
    text: `SELECT json_build_object(${signed ? `'certificate', (SELECT to_jsonb(x) FROM certificates x WHERE x.fingerprint = $4),` : ''}
      'case', (SELECT to_jsonb(c) FROM cases c WHERE c.id = $1::uuid),
      'assignment', (SELECT json_build_object('id', r.id, 'disciplines', r.disciplines, 'lead', r.lead) FROM role_assignments r WHERE r.person_id = $2::uuid AND r.role = $3 AND r.ended_at IS NULL),
      'duties', (SELECT coalesce(json_agg(json_build_object('duty', d.duty, 'person', d.decided_by)), '[]') FROM decisions d WHERE d.case_id = $1::uuid AND d.duty IS NOT NULL),
      'relations', (SELECT coalesce(json_agg(json_build_object('relation', l.relation, 'person', l.person_id)), '[]') FROM case_relations l WHERE l.case_id = $1::uuid),
      'tasks', (SELECT coalesce(json_agg(to_jsonb(t)), '[]') FROM tasks t WHERE t.case_id = $1::uuid AND t.status = 'open'),
      'plan', (SELECT to_jsonb(p) FROM plans p WHERE p.case_id = $1::uuid ORDER BY p.number DESC LIMIT 1),
      'clocks', (SELECT coalesce(json_agg(to_jsonb(k)), '[]') FROM clocks k WHERE k.case_id = $1::uuid AND k.stopped_at IS NULL),
      'assessments', (SELECT count(*) FROM assessments a WHERE a.case_id = $1::uuid))`,
    params: signed ? [caseId, person, role, certificate] : [caseId, person, role],
  };
}

/** Reads the fragment's JSON into rows. */
export function readCaseFacts(json: unknown): CaseSnapshot {
  const facts = json as Record<string, unknown>;
  const rows = <T>(list: Record<string, unknown>[]): T[] => list.map((row) => rowFrom<T>(row) as T);
  return {
    case: rowFrom<Row<'cases'>>(facts.case as never),
    assignment: facts.assignment as CaseSnapshot['assignment'],
    duties: facts.duties as CaseFacts['duties'],
    relations: facts.relations as CaseFacts['relations'],
    tasks: rows<Row<'tasks'>>(facts.tasks as never),
    plan: rowFrom<Row<'plans'>>(facts.plan as never),
    clocks: rows<Row<'clocks'> & RunningClock>(facts.clocks as never),
    assessments: Number(facts.assessments),
    certificate: rowFrom<Row<'certificates'>>((facts.certificate ?? null) as never),
  };
}

/** The facts as the rules of `domain/lifecycle.ts` see them. Call only when the case exists. */
export function ruleFacts(snapshot: CaseSnapshot & { case: Row<'cases'> }): CaseFacts {
  return {
    id: snapshot.case.id,
    state: snapshot.case.state,
    outcome: snapshot.case.outcome,
    round: snapshot.case.round,
    duties: snapshot.duties,
    relations: snapshot.relations,
    tasks: snapshot.tasks,
    sessionsLeft: snapshot.plan?.status === 'approved' ? snapshot.plan.sessionsLeft : {},
  };
}

/**
 * That the person still holds the role, judged inside the writing statement and held until it commits: whoever ends the role
 * meanwhile waits for the act, or the act waits and then finds it ended (SECURITY.md A3). Only for a role that may update
 * assignments, which Postgres asks of who locks them.
 */
export const roleHeldUntilWritten = (assignmentId: string): Fragment => ({
  text: 'EXISTS (SELECT 1 FROM role_assignments WHERE id = $1::uuid AND ended_at IS NULL FOR SHARE)',
  params: [assignmentId],
});

/** The same without holding it: enough for a reservation, which the act that uses it judges again. */
export const roleStillHeld = (assignmentId: string): Fragment => ({
  text: 'EXISTS (SELECT 1 FROM role_assignments WHERE id = $1::uuid AND ended_at IS NULL)',
  params: [assignmentId],
});

/** That the certificate still counts, judged inside the writing statement. */
export const certificateStillCounts = (id: string): Fragment => ({
  text: 'EXISTS (SELECT 1 FROM certificates WHERE id = $1::uuid AND revoked_at IS NULL)',
  params: [id],
});
