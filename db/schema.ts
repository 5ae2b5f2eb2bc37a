// Station 4, the tables. Each is marked *recorded*, *derived* or *working* (DESIGN.md section 9, 7); an
// unmarked one fails a test. Recorded tables change only inside `recorded()` and hold no value computed by
// the database; each of their rows names the entry that last wrote it.
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  customType,
  date,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { AcknowledgementReason } from '../domain/alerts.ts';
import type { Organisation } from '../domain/consortium.ts';
import type { CaseClock, CaseState, Duty, Outcome, Stage, TaskKind } from '../domain/lifecycle.ts';
import type { Discipline, Relation, Role } from '../domain/roles.ts';

const bytea = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'bytea' });
/** Text that is a key, code or hash: byte order, so that a library's new collation cannot break uniqueness (T9). */
const key = customType<{ data: string; driverData: string }>({ dataType: () => 'text collate "C"' });
const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'string' });
const entryId = () => uuid('entry_id').notNull();

// ---- recorded -----------------------------------------------------------------------------------------

/** A human being known to the consortium: staff, patients, guardians, referrers. */
export const persons = pgTable('persons', {
  id: uuid('id').primaryKey(),
  name: text('name').notNull(),
  organisation: key('organisation').$type<Organisation>(),
  birthDate: date('birth_date', { mode: 'string' }),
  sex: key('sex'),
  language: key('language'),
  addedAt: instant('added_at').notNull(),
  entryId: entryId(),
});

/** A role a person holds; ended, never deleted. */
export const roleAssignments = pgTable(
  'role_assignments',
  {
    id: uuid('id').primaryKey(),
    personId: uuid('person_id').notNull(),
    role: key('role').$type<Role>().notNull(),
    disciplines: jsonb('disciplines').$type<Discipline[]>().notNull(),
    lead: boolean('lead').notNull(),
    assignedAt: instant('assigned_at').notNull(),
    /** Why somebody gave it; null for what a machine was set up with. */
    reason: text('reason'),
    endedAt: instant('ended_at'),
    endReason: text('end_reason'),
    entryId: entryId(),
  },
  (t) => [uniqueIndex('role_assignments_current').on(t.personId, t.role).where(sql`ended_at is null`)],
);

/** A link by which somebody gets a passkey, once. The token itself is kept nowhere. Confirmed, used and withdrawn at most once each. */
export const invitations = pgTable(
  'invitations',
  {
    id: uuid('id').primaryKey(),
    personId: uuid('person_id').notNull(),
    /** SHA-256 of the token, hexadecimal. */
    tokenHash: key('token_hash').notNull(),
    /** The person had a way in before, so a second person has to confirm. */
    recovery: boolean('recovery').notNull(),
    /** Null for the first one, which the operator made at the machine. */
    reason: text('reason'),
    madeBy: uuid('made_by').notNull(),
    role: key('role').$type<Role | 'service'>().notNull(),
    madeAt: instant('made_at').notNull(),
    endsAt: instant('ends_at').notNull(),
    confirmedBy: uuid('confirmed_by'),
    confirmedAt: instant('confirmed_at'),
    usedAt: instant('used_at'),
    withdrawnBy: uuid('withdrawn_by'),
    withdrawnAt: instant('withdrawn_at'),
    entryId: entryId(),
  },
  (t) => [
    uniqueIndex('invitations_token').on(t.tokenHash),
    index('invitations_person').on(t.personId, t.madeAt),
    index('invitations_standing').on(t.endsAt).where(sql`used_at is null and withdrawn_at is null`),
  ],
);

/** One person's rehabilitation. */
export const cases = pgTable(
  'cases',
  {
    id: uuid('id').primaryKey(),
    number: key('number').notNull(),
    patientId: uuid('patient_id').notNull(),
    state: key('state').$type<CaseState>().notNull(),
    stage: key('stage').$type<Stage>().notNull(),
    outcome: key('outcome').$type<Outcome>(),
    round: integer('round').notNull(),
    openedAt: instant('opened_at').notNull(),
    changedAt: instant('changed_at').notNull(),
    parametersVersion: key('parameters_version').notNull(),
    entryId: entryId(),
  },
  (t) => [
    uniqueIndex('cases_number').on(t.number),
    index('cases_state').on(t.state, t.changedAt),
    index('cases_patient').on(t.patientId),
    index('cases_opened').on(t.openedAt, t.id),
  ],
);

/** Who stands in which relation to a case. */
export const caseRelations = pgTable(
  'case_relations',
  {
    id: uuid('id').primaryKey(),
    caseId: uuid('case_id').notNull(),
    personId: uuid('person_id').notNull(),
    relation: key('relation').$type<Relation>().notNull(),
    since: instant('since').notNull(),
    entryId: entryId(),
  },
  (t) => [
    uniqueIndex('case_relations_once').on(t.caseId, t.personId, t.relation),
    index('case_relations_person').on(t.personId),
  ],
);

/** What was applied for, once per round. */
export const applications = pgTable(
  'applications',
  {
    id: uuid('id').primaryKey(),
    caseId: uuid('case_id').notNull(),
    round: integer('round').notNull(),
    reason: text('reason').notNull(),
    reasonCode: key('reason_code'),
    reasonSince: date('reason_since', { mode: 'string' }),
    goals: text('goals'),
    background: jsonb('background').notNull(),
    questions: jsonb('questions').$type<string[]>().notNull(),
    source: text('source'),
    sourceDigest: key('source_digest'),
    submittedBy: uuid('submitted_by').notNull(),
    submittedAt: instant('submitted_at').notNull(),
    entryId: entryId(),
  },
  (t) => [
    index('applications_case').on(t.caseId),
    uniqueIndex('applications_source').on(t.sourceDigest).where(sql`source_digest is not null`),
  ],
);

/** A step somebody must do. */
export const tasks = pgTable(
  'tasks',
  {
    id: uuid('id').primaryKey(),
    caseId: uuid('case_id').notNull(),
    kind: key('kind').$type<TaskKind>().notNull(),
    discipline: key('discipline').$type<Discipline>(),
    status: key('status').$type<'open' | 'done' | 'cancelled'>().notNull(),
    dueAt: instant('due_at'),
    openedAt: instant('opened_at').notNull(),
    closedAt: instant('closed_at'),
    claimNumber: integer('claim_number').notNull(),
    claimedBy: uuid('claimed_by'),
    claimedAt: instant('claimed_at'),
    claimedUntil: instant('claimed_until'),
    doneBy: uuid('done_by'),
    entryId: entryId(),
  },
  (t) => [
    index('tasks_queue').on(t.kind, t.dueAt, t.openedAt, t.id).where(sql`status = 'open'`),
    index('tasks_case').on(t.caseId, t.openedAt),
    index('tasks_holder').on(t.claimedBy).where(sql`status = 'open'`),
  ],
);

/** What completed a task, or changed the case without one. Never changed afterwards. */
export const decisions = pgTable(
  'decisions',
  {
    id: uuid('id').primaryKey(),
    caseId: uuid('case_id').notNull(),
    taskId: uuid('task_id'),
    action: key('action').notNull(),
    choice: key('choice'),
    duty: key('duty').$type<Duty>(),
    criteria: jsonb('criteria'),
    reasons: text('reasons'),
    details: jsonb('details'),
    stateBefore: key('state_before').notNull(),
    stateAfter: key('state_after').notNull(),
    round: integer('round').notNull(),
    decidedBy: uuid('decided_by').notNull(),
    role: key('role').$type<Role | 'service'>().notNull(),
    decidedAt: instant('decided_at').notNull(),
    entryId: entryId(),
  },
  (t) => [
    index('decisions_case').on(t.caseId, t.decidedAt),
    // What somebody's duties bar them from is asked for every page of a queue.
    index('decisions_duties').on(t.decidedBy, t.caseId).where(sql`duty is not null`),
  ],
);

/** Findings of one discipline at one occasion. Never changed afterwards. */
export const assessments = pgTable(
  'assessments',
  {
    id: uuid('id').primaryKey(),
    caseId: uuid('case_id').notNull(),
    discipline: key('discipline').$type<Discipline>(),
    occasion: key('occasion').$type<'baseline' | 're-evaluation' | 'follow-up'>().notNull(),
    findings: text('findings').notNull(),
    assessedBy: uuid('assessed_by').notNull(),
    assessedAt: instant('assessed_at').notNull(),
    entryId: entryId(),
  },
  (t) => [index('assessments_case').on(t.caseId, t.assessedAt)],
);

/** One instrument's answers and the score the server computed. Never changed afterwards. */
export const measurements = pgTable(
  'measurements',
  {
    id: uuid('id').primaryKey(),
    assessmentId: uuid('assessment_id').notNull(),
    caseId: uuid('case_id').notNull(),
    instrument: key('instrument').notNull(),
    instrumentVersion: key('instrument_version').notNull(),
    answers: jsonb('answers').notNull(),
    /** Total in the instrument's unit, as decimal text; null when its missing-item rule gives none. */
    total: key('total'),
    alerts: jsonb('alerts').$type<string[]>().notNull(),
    statedTotal: key('stated_total'),
    measuredAt: instant('measured_at').notNull(),
    entryId: entryId(),
  },
  (t) => [
    index('measurements_case').on(t.caseId, t.instrument, t.measuredAt),
    // Few measurements raise an alert, and those that did are asked for on each day's page and on the board.
    index('measurements_alerts').on(t.measuredAt).where(sql`alerts <> '[]'::jsonb`),
  ],
);

/** Who took up a safety alert that a measurement raised, and what was done. Once per measurement; never changed afterwards. */
export const alertAcknowledgements = pgTable(
  'alert_acknowledgements',
  {
    id: uuid('id').primaryKey(),
    caseId: uuid('case_id').notNull(),
    measurementId: uuid('measurement_id').notNull(),
    reason: key('reason').$type<AcknowledgementReason>().notNull(),
    note: text('note'),
    acknowledgedBy: uuid('acknowledged_by').notNull(),
    role: key('role').$type<Role>().notNull(),
    acknowledgedAt: instant('acknowledged_at').notNull(),
    entryId: entryId(),
  },
  (t) => [
    uniqueIndex('alert_acknowledgements_measurement').on(t.measurementId),
    index('alert_acknowledgements_case').on(t.caseId),
  ],
);

/** A proposed plan; approved or sent back by a decision. */
export const plans = pgTable(
  'plans',
  {
    id: uuid('id').primaryKey(),
    caseId: uuid('case_id').notNull(),
    number: integer('number').notNull(),
    status: key('status').$type<'proposed' | 'approved' | 'sent-back'>().notNull(),
    goals: jsonb('goals').$type<string[]>().notNull(),
    sessions: jsonb('sessions').$type<Partial<Record<Discipline, number>>>().notNull(),
    /** Sessions still to be held, by discipline. */
    sessionsLeft: jsonb('sessions_left').$type<Partial<Record<Discipline, number>>>().notNull(),
    minutes: integer('minutes').notNull(),
    proposedBy: uuid('proposed_by').notNull(),
    proposedAt: instant('proposed_at').notNull(),
    entryId: entryId(),
  },
  (t) => [uniqueIndex('plans_number').on(t.caseId, t.number)],
);

/** A therapy session, held or missed. Never changed afterwards. */
export const therapySessions = pgTable(
  'therapy_sessions',
  {
    id: uuid('id').primaryKey(),
    caseId: uuid('case_id').notNull(),
    discipline: key('discipline').$type<Discipline>().notNull(),
    held: boolean('held').notNull(),
    minutes: integer('minutes').notNull(),
    note: text('note'),
    therapistId: uuid('therapist_id').notNull(),
    recordedAt: instant('recorded_at').notNull(),
    entryId: entryId(),
  },
  (t) => [index('therapy_sessions_case').on(t.caseId, t.recordedAt)],
);

/** A limit that runs, stands still or has ended in a case. */
export const clocks = pgTable(
  'clocks',
  {
    id: uuid('id').primaryKey(),
    caseId: uuid('case_id').notNull(),
    clock: key('clock').$type<CaseClock>().notNull(),
    startedAt: instant('started_at').notNull(),
    dueAt: instant('due_at').notNull(),
    pausedAt: instant('paused_at'),
    /** Milliseconds the clock has stood still so far. */
    pausedMs: bigint('paused_ms', { mode: 'number' }).notNull(),
    stoppedAt: instant('stopped_at'),
    lapsedAt: instant('lapsed_at'),
    entryId: entryId(),
  },
  (t) => [
    index('clocks_case').on(t.caseId),
    index('clocks_running').on(t.dueAt).where(sql`stopped_at is null`),
  ],
);

/** That a person was shown something about a case. Never changed afterwards. */
export const disclosures = pgTable(
  'disclosures',
  {
    id: uuid('id').primaryKey(),
    caseId: uuid('case_id'),
    personId: uuid('person_id').notNull(),
    role: key('role').$type<Role>().notNull(),
    view: key('view').notNull(),
    shownAt: instant('shown_at').notNull(),
    entryId: entryId(),
  },
  (t) => [
    index('disclosures_case').on(t.caseId, t.shownAt),
    index('disclosures_person').on(t.personId, t.view, t.shownAt),
  ],
);

/** A refusal that an auditor would ask about. Never changed afterwards. */
export const refusals = pgTable(
  'refusals',
  {
    id: uuid('id').primaryKey(),
    personId: uuid('person_id').notNull(),
    role: key('role').$type<Role>().notNull(),
    action: key('action').notNull(),
    code: key('code').notNull(),
    caseId: uuid('case_id'),
    taskId: uuid('task_id'),
    refusedAt: instant('refused_at').notNull(),
    entryId: entryId(),
  },
  (t) => [index('refusals_person').on(t.personId, t.refusedAt), index('refusals_case').on(t.caseId)],
);

/** One act: the key that makes it one, what was asked, and what was answered. Never changed afterwards. */
export const operations = pgTable(
  'operations',
  {
    /** The Temporal Update id of a decision. */
    id: key('id').primaryKey(),
    personId: uuid('person_id').notNull(),
    action: key('action').notNull(),
    inputDigest: key('input_digest').notNull(),
    workflowId: key('workflow_id'),
    updateName: key('update_name'),
    /** The Update's sealed arguments, so that an orphaned one can be asked again (DESIGN.md section 9, 1). */
    updateArgs: key('update_args'),
    answer: jsonb('answer').notNull(),
    at: instant('at').notNull(),
    entryId: entryId(),
  },
  // Claims and disclosures, which are most operations, have no workflow.
  (t) => [index('operations_workflow').on(t.workflowId).where(sql`workflow_id is not null`)],
);

/** What a person signed about an act, word for word. Never changed afterwards. */
export const statements = pgTable(
  'statements',
  {
    id: uuid('id').primaryKey(),
    caseId: uuid('case_id').notNull(),
    /** The text, sealed under the case key, base64: erasing that key erases it. */
    sealed: key('sealed').notNull(),
    /** SHA-256 of the text's UTF-8 bytes, hexadecimal; the same as in the entry's envelope. */
    sha256: key('sha256').notNull(),
    language: key('language').notNull(),
    at: instant('at').notNull(),
    entryId: entryId(),
  },
  (t) => [index('statements_case').on(t.caseId, t.at), index('statements_entry').on(t.entryId)],
);

/** Certificates that the organisations' authorities gave to persons. Changed only by being revoked, once. */
export const certificates = pgTable(
  'certificates',
  {
    id: uuid('id').primaryKey(),
    /** SHA-256 of the certificate's DER, hexadecimal. */
    fingerprint: key('fingerprint').notNull(),
    personId: uuid('person_id').notNull(),
    organisation: key('organisation').$type<Organisation>().notNull(),
    role: key('role').$type<Role>().notNull(),
    pem: key('pem').notNull(),
    notBefore: instant('not_before').notNull(),
    notAfter: instant('not_after').notNull(),
    issuedAt: instant('issued_at').notNull(),
    revokedAt: instant('revoked_at'),
    revocationReason: key('revocation_reason'),
    entryId: entryId(),
  },
  (t) => [
    uniqueIndex('certificates_fingerprint').on(t.fingerprint),
    index('certificates_person').on(t.personId, t.role),
  ],
);

// ---- derived: rebuilt and compared by verify -------------------------------------------------------------

/** Newest version of each subject and the digest of its last entry: the lock under which a subject changes. */
export const auditSubjects = pgTable(
  'audit_subjects',
  {
    kind: key('kind').notNull(),
    id: uuid('id').notNull(),
    version: integer('version').notNull(),
    /** SHA-256 of the subject's last entry. */
    last: bytea('last').notNull(),
    entryId: entryId(),
  },
  (t) => [primaryKey({ columns: [t.kind, t.id] })],
);

// ---- the ledger: append-only, its own truth ----------------------------------------------------------------

/** Signed audit entries, as the bytes that were hashed and signed. */
export const auditEntries = pgTable(
  'audit_entries',
  {
    id: uuid('id').primaryKey(),
    subjectKind: key('subject_kind').notNull(),
    subjectId: uuid('subject_id').notNull(),
    subjectVersion: integer('subject_version').notNull(),
    event: key('event').notNull(),
    personId: uuid('person_id').notNull(),
    at: instant('at').notNull(),
    /** Canonical JSON (RFC 8785); never rebuilt. */
    body: bytea('body').notNull(),
    /** P-256 over the body, IEEE P1363, by the service. */
    signature: bytea('signature').notNull(),
    keyId: key('key_id').notNull(),
    /** The writing transaction: how the triggers recognise that a row came with its entry. */
    xact: customType<{ data: string }>({ dataType: () => 'xid8' })('xact')
      .notNull()
      .default(sql`pg_current_xact_id()`),
  },
  (t) => [
    uniqueIndex('audit_entries_subject').on(t.subjectKind, t.subjectId, t.subjectVersion),
    index('audit_entries_xact').on(t.xact),
    index('audit_entries_at').on(t.at),
  ],
);

/** Position of each entry in the log. */
export const logLeaves = pgTable(
  'log_leaves',
  {
    index: bigint('index', { mode: 'number' }).primaryKey(),
    entryId: uuid('entry_id').notNull(),
    /** SHA-256 of the entry's bytes: the leaf's data. */
    commitment: bytea('commitment').notNull(),
    leafHash: bytea('leaf_hash').notNull(),
  },
  (t) => [uniqueIndex('log_leaves_entry').on(t.entryId)],
);

/** Full tiles of the log (C2SP tlog-tiles); a partial one is cut off what is below it. Written once, never changed. */
export const logTiles = pgTable(
  'log_tiles',
  {
    /** 0: of leaf hashes; above: of roots of 256 tiles below. */
    level: integer('level').notNull(),
    index: bigint('index', { mode: 'number' }).notNull(),
    /** 256 hashes of 32 bytes. */
    hashes: bytea('hashes').notNull(),
    /** Root over them: one hash of the level above. */
    root: bytea('root').notNull(),
  },
  (t) => [primaryKey({ columns: [t.level, t.index] })],
);

/** Signed checkpoints (C2SP signed notes). */
export const logCheckpoints = pgTable('log_checkpoints', {
  size: bigint('size', { mode: 'number' }).primaryKey(),
  root: bytea('root').notNull(),
  note: text('note').notNull(),
  /** Size of the checkpoint before it, 0 for the first: one that is taken away leaves a gap. */
  previous: bigint('previous', { mode: 'number' }).notNull(),
});

/** One row: the size the log has, and the compact range to grow it from. */
export const logHead = pgTable('log_head', {
  id: integer('id').primaryKey(),
  size: bigint('size', { mode: 'number' }).notNull(),
  root: bytea('root').notNull(),
  range: bytea('range').notNull(),
});

/** What the chain has accepted: checkpoint size, and when the service saw it there. */
export const logAnchors = pgTable('log_anchors', {
  size: bigint('size', { mode: 'number' }).primaryKey(),
  root: bytea('root').notNull(),
  at: instant('at').notNull(),
  /** The same three, signed by the log's key (ledger/verify-notes.ts). */
  note: text('note').notNull(),
});

/**
 * Members’ cosignatures as the chain was seen to keep them, so that the published checkpoint can carry them. A copy: each line
 * is checked by whoever reads it, and the chain says them again.
 */
export const logCosignatureCache = pgTable(
  'log_cosignature_cache',
  {
    size: bigint('size', { mode: 'number' }).notNull(),
    organisation: key('organisation').notNull(),
    /** The line as it stands in a note, without its line feed. */
    line: text('line').notNull(),
    /** The time that was signed. */
    at: instant('at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.size, t.organisation] })],
);

/**
 * Changes of recorded, derived and ledger tables that came without `recorded()`: written by triggers, never by a process of
 * ours, and by nobody changed. Places only, no values.
 */
export const outsideChanges = pgTable('outside_changes', {
  /** Counts without gaps, so that one that is taken away is missed. */
  id: bigint('id', { mode: 'number' }).primaryKey(),
  at: instant('at').notNull(),
  /** Size of the log when it happened. */
  size: bigint('size', { mode: 'number' }).notNull(),
  /** Database roles: who signed in, and as whom it was done. */
  session: key('session_role').notNull(),
  acting: key('acting_role').notNull(),
  table: key('table_name').notNull(),
  /** Null for what concerns the whole table. */
  row: key('row_key'),
  verb: key('verb').$type<'INSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE' | 'GUARD'>().notNull(),
  /** Names of the columns that an update changed. */
  columns: text('columns').array().notNull(),
});

// ---- working -----------------------------------------------------------------------------------------------

/** Sign-in sessions; the truth about who is signed in (I1). */
export const webSession = pgTable(
  'web_session',
  {
    /** SHA-256 of the cookie's token. */
    id: key('id').primaryKey(),
    personId: uuid('person_id').notNull(),
    role: key('role').$type<Role>().notNull(),
    createdAt: instant('created_at').notNull(),
    seenAt: instant('seen_at').notNull(),
    endsAt: instant('ends_at').notNull(),
    /** When the person last proved who they are; a change of role is no proof (I6). */
    authenticatedAt: instant('authenticated_at').notNull(),
    /** When the first act of this session was signed (E5); null until then. */
    signingSince: instant('signing_since'),
  },
  (t) => [index('web_session_person').on(t.personId)],
);

/** Challenges of the sign-in library, short-lived. */
export const passkeyChallengeCache = pgTable('passkey_challenge_cache', {
  id: key('id').primaryKey(),
  challenge: key('challenge').notNull(),
  personId: uuid('person_id'),
  endsAt: instant('ends_at').notNull(),
});

/** Passkeys as the sign-in library keeps them (its counter changes at each use). */
export const passkeySession = pgTable(
  'passkey_session',
  {
    id: key('id').primaryKey(),
    personId: uuid('person_id').notNull(),
    publicKey: bytea('public_key').notNull(),
    counter: bigint('counter', { mode: 'number' }).notNull(),
    transports: jsonb('transports').$type<string[]>().notNull(),
    createdAt: instant('created_at').notNull(),
  },
  (t) => [index('passkey_session_person').on(t.personId)],
);

/** Half-written forms, bound to the claim; never evidence. */
export const taskDraft = pgTable(
  'task_draft',
  {
    taskId: uuid('task_id').notNull(),
    personId: uuid('person_id').notNull(),
    /** Sealed under the case key. */
    sealed: bytea('sealed').notNull(),
    savedAt: instant('saved_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.taskId, t.personId] })],
);

/** Statements that were prepared and wait for a signature; never evidence. */
export const signingDraft = pgTable(
  'signing_draft',
  {
    /** The operation key of the act: one statement, one act. */
    operationId: key('operation_id').primaryKey(),
    personId: uuid('person_id').notNull(),
    role: key('role').$type<Role>().notNull(),
    action: key('action').notNull(),
    caseId: uuid('case_id').notNull(),
    taskId: uuid('task_id'),
    /** Statement, values and what was typed, sealed under the case key. */
    sealed: bytea('sealed').notNull(),
    preparedAt: instant('prepared_at').notNull(),
  },
  (t) => [index('signing_draft_person').on(t.personId, t.preparedAt)],
);

/** Keys that wait for their certificate: the member's number for the request, by the key's name. */
export const certificateRequestCache = pgTable(
  'certificate_request_cache',
  {
    /** SHA-256 of the public key, hexadecimal. */
    keyName: key('key_name').primaryKey(),
    personId: uuid('person_id').notNull(),
    role: key('role').$type<Role>().notNull(),
    organisation: key('organisation').$type<Organisation>().notNull(),
    /** The member's own number of the request. */
    requestId: key('request_id').notNull(),
    askedAt: instant('asked_at').notNull(),
  },
  (t) => [index('certificate_request_cache_person').on(t.personId)],
);

/** Acts that were sent to a case and not answered in time: sent again with the same key until they are done or refused. */
export const askOutbox = pgTable(
  'ask_outbox',
  {
    operationId: key('operation_id').primaryKey(),
    personId: uuid('person_id').notNull(),
    /** The Update's arguments, as `operations.update_args` holds them: the values are sealed under the case key. */
    request: key('request').notNull(),
    sentAt: instant('sent_at').notNull(),
    nextAt: instant('next_at').notNull(),
    tries: integer('tries').notNull(),
    /** A refusal, kept to be read; null while the act waits. */
    answer: jsonb('answer'),
  },
  (t) => [index('ask_outbox_next').on(t.nextAt)],
);

/** Applications read in from a file that nobody has sent yet; never evidence. */
export const applicationDraft = pgTable(
  'application_draft',
  {
    id: uuid('id').primaryKey(),
    personId: uuid('person_id').notNull(),
    /** The same keyed digest as `applications.source_digest`: one draft per person and source. */
    sourceDigest: key('source_digest').notNull(),
    /** Sealed under the draft's own key. */
    sealed: bytea('sealed').notNull(),
    createdAt: instant('created_at').notNull(),
  },
  (t) => [uniqueIndex('application_draft_source').on(t.personId, t.sourceDigest)],
);

/** Tries to sign in, counted before they are checked (I4): by address and by kind of try. */
export const signInAttemptCache = pgTable('sign_in_attempt_cache', {
  /** Digest of the address, so that nobody's address is kept. */
  id: key('id').primaryKey(),
  tries: integer('tries').notNull(),
  /** Until when the count stands. */
  endsAt: instant('ends_at').notNull(),
});

/** Operations whose Update is known to be in Temporal's history. */
export const operationSettledCache = pgTable('operation_settled_cache', {
  operationId: key('operation_id').primaryKey(),
  at: instant('at').notNull(),
});

/** The mark of each table; a table without one fails a test. */
export const RECORDED = {
  persons,
  roleAssignments,
  invitations,
  cases,
  caseRelations,
  applications,
  tasks,
  decisions,
  assessments,
  measurements,
  alertAcknowledgements,
  plans,
  therapySessions,
  clocks,
  disclosures,
  refusals,
  operations,
  statements,
  certificates,
} as const;
export const DERIVED = { auditSubjects } as const;
export const LEDGER = {
  auditEntries,
  logLeaves,
  logTiles,
  logCheckpoints,
  logHead,
  logAnchors,
  outsideChanges,
} as const;
export const WORKING = {
  webSession,
  passkeyChallengeCache,
  passkeySession,
  taskDraft,
  applicationDraft,
  signInAttemptCache,
  signingDraft,
  certificateRequestCache,
  operationSettledCache,
  askOutbox,
  logCosignatureCache,
} as const;

export type RecordedName = keyof typeof RECORDED;
/** Recorded tables whose rows are never changed once written. */
export const WRITTEN_ONCE: readonly RecordedName[] = [
  'caseRelations',
  'applications',
  'decisions',
  'assessments',
  'measurements',
  'alertAcknowledgements',
  'therapySessions',
  'disclosures',
  'refusals',
  'operations',
  'statements',
];
