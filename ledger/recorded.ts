// Station 4, the promise: ONE transaction writes the business rows, their signed audit entry and the operation
// key, or nothing. There is no other way to write a recorded table. Never waits for anything but Postgres.
//
// How it keeps that in two round trips:
// 1. One statement reads the operation key, the newest version of the subject, and the facts the rules need: one snapshot.
// 2. The rules decide on those facts (pure), the entry is built and signed here.
// 3. One statement takes the subject's row lock by raising its version from the one that was read, and only then
//    writes rows, entry and key. If anybody changed the subject in between, nothing is written and we start again at 1.
// So every rule (role, claim number, duties, state) is true in the transaction that commits (SECURITY.md A3).
import { randomBytes, randomUUID } from 'node:crypto';
import { type Change, canonicalColumn, type Fragment, insert, type Row, tableShape } from '../db/change.ts';
import type { Sql } from '../db/connection.ts';
import type { AuditEvent } from '../domain/events.ts';
import { isRefusal, RECORDED_REFUSALS, type Refusal, refuse } from '../domain/refusal.ts';
import { canonicalJson, type JsonObject, type JsonValue } from './canonical.ts';
import { columnDigest, type Entry, type EntryChange, entryBytes, subjectPseudonym } from './entry.ts';
import { type KeyRing, nodeHashing } from './record-key.ts';
import type { EntrySigner } from './signing.ts';

/** What is to be done: who, under which key, to which subject. */
export interface Operation {
  /** Operation key: one act, whatever is repeated. Also the Temporal Update id. */
  readonly key: string;
  readonly action: string;
  /** Keyed digest of the input: the same key with other input is refused. */
  readonly inputDigest: string;
  readonly subject: { readonly kind: 'case' | 'person'; readonly id: string };
  readonly actor: { readonly person: string; readonly role: string; readonly actingFor?: string | null };
  /** For the refusal's row, so that an auditor finds it. */
  readonly about?: { readonly caseId?: string; readonly taskId?: string };
  readonly workflow?: {
    readonly id: string;
    readonly run: string;
    readonly update: string;
    readonly name: string;
    readonly args: string;
  };
}

/** What the rules decided to write, and the answer that every repeat will get. */
export interface Plan {
  readonly event: AuditEvent;
  readonly changes: readonly Change[];
  readonly answer: JsonObject;
  /** Conditions on other subjects' rows, judged inside the writing statement: each an SQL expression that must be true. */
  readonly guards?: readonly Fragment[];
}

/** Nothing is to be written: the subject already is as asked. The key stays free. */
export interface Unchanged {
  readonly unchanged: JsonValue;
}

export interface Deciding {
  readonly at: string;
  /** The version the subject will have once this act is written. */
  readonly version: number;
  newId(): string;
}

/** Everything `recorded()` needs from the process it runs in. */
export interface Recorder {
  readonly sql: Sql;
  readonly keys: KeyRing;
  readonly signer: EntrySigner;
  /** Hash of the process bundle, and the parameters' version, as they stand in entries. */
  readonly bundle: string;
  readonly parameters: string;
  readonly now: () => Date;
  /** Called when the transaction is durable and nobody has been answered: where the kill drills strike. */
  readonly afterCommit?: (key: string) => Promise<void>;
}

export type Recorded = { readonly answer: JsonValue; readonly repeated: boolean };

interface Read {
  operation: { input_digest: string; person: string; action: string; answer: JsonValue } | null;
  subject: { version: number; last: string } | null;
  person: { version: number; last: string } | null;
  facts: unknown;
}

/** How often a busy subject is tried again before the caller's retry policy takes over. */
const TRIES = 40;

/**
 * Does one act, once.
 * @param read SQL expression giving the facts as JSON, in the same snapshot as the subject's version
 * @param decide the rules: pure, may be asked several times; a refusal that auditors ask about is recorded and uses the key up
 * @returns the stored answer, whether written now or at an earlier try; a `Refusal` is an answer too
 * @throws Fault when Postgres cannot be reached or the subject stays contended; the act may be repeated with the same key
 */
export async function recorded<F>(
  recorder: Recorder,
  operation: Operation,
  read: Fragment,
  decide: (facts: F, deciding: Deciding) => Plan | Refusal | Unchanged,
): Promise<Recorded> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const seen = await readOnce(recorder.sql, operation, read);
    if (seen.operation) {
      // A key is one person's, for one action, with one input: anything else gets no answer of it.
      return seen.operation.input_digest === operation.inputDigest &&
        seen.operation.person === operation.actor.person &&
        seen.operation.action === operation.action
        ? { answer: seen.operation.answer, repeated: true }
        : { answer: refuse('key-reused') as unknown as JsonValue, repeated: true };
    }
    const at = recorder.now().toISOString();
    const decided = decide(seen.facts as F, {
      at,
      version: (seen.subject?.version ?? 0) + 1,
      newId: randomUUID,
    });
    if (isRefusal(decided) && !RECORDED_REFUSALS.has(decided.code))
      return { answer: decided as unknown as JsonValue, repeated: false };
    if ('unchanged' in decided) return { answer: decided.unchanged, repeated: false };
    const plan = isRefusal(decided) ? refusalPlan(operation, decided, at) : decided;
    const subject = isRefusal(decided)
      ? { kind: 'person' as const, id: operation.actor.person }
      : operation.subject;
    const before = isRefusal(decided) ? seen.person : seen.subject;
    const written = await writeOnce(recorder, operation, plan, subject, before, at);
    if (written === 'written') {
      await recorder.afterCommit?.(operation.key);
      return { answer: plan.answer, repeated: false };
    }
    if (attempt > 2) await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * attempt));
  }
  throw new Error(`subject stays contended after ${TRIES} tries; try again`);
}

function refusalPlan(operation: Operation, refusal: Refusal, at: string): Plan {
  const { person, role } = operation.actor;
  return {
    event: 'act.refused',
    changes: [
      insert('refusals', {
        id: randomUUID(),
        personId: person,
        role: role as Row<'refusals'>['role'],
        action: operation.action,
        code: refusal.code,
        caseId: operation.about?.caseId ?? null,
        taskId: operation.about?.taskId ?? null,
        refusedAt: at,
      }),
    ],
    answer: refusal as unknown as JsonObject,
  };
}

async function readOnce(sql: Sql, operation: Operation, read: Fragment): Promise<Read> {
  const base = 5;
  const text = `SELECT
    (SELECT json_build_object('input_digest', o.input_digest, 'person', o.person_id, 'action', o.action, 'answer', o.answer) FROM operations o WHERE o.id = $1) AS operation,
    (SELECT json_build_object('version', s.version, 'last', encode(s.last, 'hex')) FROM audit_subjects s WHERE s.kind = $2 AND s.id = $3::uuid) AS subject,
    (SELECT json_build_object('version', p.version, 'last', encode(p.last, 'hex')) FROM audit_subjects p WHERE p.kind = 'person' AND p.id = $4::uuid) AS person,
    (${renumber(read.text, base - 1)}) AS facts`;
  const [row] = await sql.unsafe<Read[]>(
    text,
    [
      operation.key,
      operation.subject.kind,
      operation.subject.id,
      operation.actor.person,
      ...read.params,
    ] as never[],
    { prepare: true },
  );
  return row as Read;
}

/** `$1` of a fragment becomes `$(1 + offset)`. */
const renumber = (text: string, offset: number): string =>
  text.replace(/\$(\d+)/g, (_, n: string) => `$${Number(n) + offset}`);

async function writeOnce(
  recorder: Recorder,
  operation: Operation,
  plan: Plan,
  subject: { kind: string; id: string },
  before: { version: number; last: string } | null,
  at: string,
): Promise<'written' | 'conflict'> {
  const entryId = randomUUID();
  const key = await recorder.keys.of(
    subject.kind === 'case' ? 'case' : 'system',
    subject.kind === 'case' ? subject.id : 'system',
  );
  const version = (before?.version ?? 0) + 1;
  const params: unknown[] = [];
  const p = (value: unknown, type: string): string => {
    params.push(value);
    return `$${params.length}::${type}`;
  };
  const workflow = operation.workflow;
  const operationRow = insert('operations', {
    id: operation.key,
    personId: operation.actor.person,
    action: operation.action,
    inputDigest: operation.inputDigest,
    workflowId: workflow?.id ?? null,
    updateName: workflow?.name ?? null,
    updateArgs: workflow?.args ?? null,
    answer: plan.answer,
    at,
  });
  // 1. What the entry vouches for: every column of every row, by keyed digest.
  const changes: EntryChange[] = [];
  const writes: string[] = [];
  for (const [i, change] of [...plan.changes, operationRow].entries()) {
    const shape = tableShape(change.table);
    const row = change.row as Record<string, unknown>;
    const rowKey = String(row.id);
    const digests: Record<string, string> = {};
    const names: string[] = [];
    const values: string[] = [];
    for (const column of shape.columns) {
      const value = row[column.property] ?? null;
      names.push(`"${column.name}"`);
      if (value === null) {
        values.push(`NULL::${column.type}`);
        continue;
      }
      const canonical = canonicalColumn(column.type, value);
      digests[column.name] = columnDigest(
        key.digest,
        entryId,
        shape.name,
        rowKey,
        column.name,
        canonical,
        nodeHashing,
      );
      values.push(p(column.type === 'jsonb' ? canonicalJson(value) : value, column.type));
    }
    changes.push({ table: shape.name, key: rowKey, columns: digests });
    names.push('"entry_id"');
    values.push(`'${entryId}'::uuid`);
    writes.push(
      change.write === 'insert'
        ? `w${i} AS (INSERT INTO ${shape.name} (${names.join(', ')}) SELECT ${values.join(', ')} FROM s)`
        : `w${i} AS (UPDATE ${shape.name} SET (${names.slice(1).join(', ')}) = (SELECT ${values.slice(1).join(', ')}) WHERE id = ${values[0]} AND EXISTS (SELECT 1 FROM s))`,
    );
  }
  // 2. The entry, its bytes and the service's signature over them.
  const entry: Entry = {
    v: 1,
    id: entryId,
    salt: randomBytes(16).toString('base64url'),
    at,
    event: plan.event,
    operation: operation.key,
    subject: {
      kind: subject.kind,
      pseudonym: subjectPseudonym(key.digest, subject.kind, subject.id, nodeHashing),
      version,
      previous: before?.last ?? null,
    },
    actor: {
      person: operation.actor.person,
      role: operation.actor.role,
      key: recorder.signer.keyId,
      actingFor: operation.actor.actingFor ?? null,
    },
    changes,
    parameters: recorder.parameters,
    workflow: workflow ? { id: workflow.id, run: workflow.run, update: workflow.update } : null,
    bundle: recorder.bundle,
  };
  const body = entryBytes(entry);
  const signature = recorder.signer.sign(body);
  const last = nodeHashing.hash(body);
  // 3. One statement. `s` is the lock and the compare-and-swap; everything else selects from it.
  const guards = (plan.guards ?? []).map((guard) => {
    const offset = params.length;
    params.push(...guard.params);
    return ` AND (${renumber(guard.text, offset)})`;
  });
  // The entry id is written into the text for rows, but the statement must stay one per shape for the server's
  // plan cache: it is passed as a parameter instead.
  const entryParam = p(entryId, 'uuid');
  const rows = writes.map((text) => text.replaceAll(`'${entryId}'::uuid`, entryParam));
  const kind = p(subject.kind, 'text');
  const id = p(subject.id, 'uuid');
  const versionParam = p(version, 'integer');
  const lastParam = p(last, 'bytea');
  const lock = before
    ? `s AS (UPDATE audit_subjects SET version = ${versionParam}, last = ${lastParam}, entry_id = ${entryParam} WHERE kind = ${kind} AND id = ${id} AND version = ${versionParam} - 1${guards.join('')} RETURNING 1)`
    : `s AS (INSERT INTO audit_subjects (kind, id, version, last, entry_id) SELECT ${kind}, ${id}, ${versionParam}, ${lastParam}, ${entryParam} WHERE true${guards.join('')} ON CONFLICT DO NOTHING RETURNING 1)`;
  const entryWrite = `e AS (INSERT INTO audit_entries (id, subject_kind, subject_id, subject_version, event, person_id, at, body, signature, key_id)
    SELECT ${entryParam}, ${kind}, ${id}, ${versionParam}, ${p(plan.event, 'text')}, ${p(operation.actor.person, 'uuid')}, ${p(at, 'timestamptz')}, ${p(body, 'bytea')}, ${p(signature, 'bytea')}, ${p(recorder.signer.keyId, 'text')} FROM s)`;
  const text = `WITH ${lock}, ${entryWrite}, ${rows.join(', ')} SELECT count(*)::int AS done FROM s`;
  try {
    const [result] = await recorder.sql.unsafe<{ done: number }[]>(text, params as never[], {
      prepare: true,
    });
    // From here on the act is durable: a crash now loses only the answer, which the key brings back.
    return result?.done === 1 ? 'written' : 'conflict';
  } catch (error) {
    // The same key committed by a twin: the next read finds its answer. A case number drawn twice: drawn again.
    if ((error as { code?: string }).code === '23505') return 'conflict';
    throw error;
  }
}
