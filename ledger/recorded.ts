// Station 4, the promise: ONE transaction writes the business rows, their signed audit entry and the operation
// key, or nothing. There is no other way to write a recorded table. Never waits for anything but Postgres.
//
// How it keeps that in two round trips:
// 1. One statement reads the operation key, the newest version of the subject, and the facts the rules need: one snapshot.
// 2. The rules decide on those facts (pure), the entry is built and signed here.
// 3. One statement takes the subject's row lock by raising its version from the one that was read, and only then
//    writes rows, entry and key. If anybody changed the subject in between, nothing is written and we start again at 1.
// So every rule (role, claim number, duties, state) is true in the transaction that commits (SECURITY.md A3).
// Acts that come while a statement is under way share the next one (gather.ts): each of them is still written whole
// or not at all, and when the statement fails each is tried alone.
import { hash, randomBytes, randomUUID } from 'node:crypto';
import { type Change, canonicalColumn, type Fragment, insert, type Row, tableShape } from '../db/change.ts';
import type { Sql } from '../db/connection.ts';
import type { AuditEvent } from '../domain/events.ts';
import { isRefusal, RECORDED_REFUSALS, type Refusal, refuse } from '../domain/refusal.ts';
import type { JsonObject, JsonValue } from './canonical.ts';
import { columnText, columnTextDigest, type EntryChange, entryText, subjectPseudonym } from './entry.ts';
import type { Envelope, PersonalSignature } from './envelope.ts';
import { gather, Turns } from './gather.ts';
import { type KeyRing, nodeHashing } from './record-key.ts';
import { CertificateEnded, type EntrySigner } from './signing.ts';
import {
  type Reading,
  readingJson,
  readingText,
  shapeName,
  type TableWrite,
  type Writing,
  writingParameters,
  writingText,
} from './statements.ts';

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
  /** What the person signed, when the act needs their own signature; it was checked by whoever decided. */
  readonly personal?: { readonly envelope: Envelope; readonly signature: PersonalSignature };
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

/** A subject's newest version, and the digest of its last entry in hexadecimal. */
interface Head {
  readonly version: number;
  readonly last: string;
}

interface Read {
  operation: { input_digest: string; person: string; action: string; answer: JsonValue } | null;
  subject: Head | null;
  person: Head | null;
  facts: unknown;
}

/** For acts whose rules need to know nothing. */
export const NO_FACTS: Fragment = { text: 'SELECT null::json', params: [] };

/** How often a busy subject is tried again before the caller's retry policy takes over. */
const TRIES = 40;

/**
 * Does one act, once.
 * @param read SQL expression giving the facts as JSON, in the same snapshot as the subject's version
 * @param decide the rules: pure, may be asked several times; a refusal that auditors ask about is recorded and uses the key up
 * @returns the stored answer, whether written now or at an earlier try; a `Refusal` is an answer too
 * @throws Fault when Postgres cannot be reached or the subject stays contended; the act may be repeated with the same key
 * @throws {CertificateEnded} when the service's certificate has; likewise, once it is renewed
 */
export async function recorded<F>(
  recorder: Recorder,
  operation: Operation,
  read: Fragment,
  decide: (facts: F, deciding: Deciding) => Plan | Refusal | Unchanged,
): Promise<Recorded> {
  const door = doorOf(recorder.sql);
  // Acts of this process on one subject follow each other; those of others are told apart by the subject's version.
  const done = await door.turns.take(`${operation.subject.kind} ${operation.subject.id}`, () =>
    once(recorder, door, operation, read, decide),
  );
  if (done.written) await recorder.afterCommit?.(operation.key);
  return { answer: done.answer, repeated: done.repeated };
}

/** Reads, decides and writes until it is written, or known not to be. */
async function once<F>(
  recorder: Recorder,
  door: Door,
  operation: Operation,
  read: Fragment,
  decide: (facts: F, deciding: Deciding) => Plan | Refusal | Unchanged,
): Promise<Recorded & { readonly written: boolean }> {
  const { subject: of, actor } = operation;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const own = of.kind === 'person' && of.id === actor.person;
    const known = attempt === 0 && own && read.text === NO_FACTS.text ? door.heads.get(of.id) : undefined;
    const seen = known
      ? { operation: null, subject: known, person: known, facts: null }
      : await door.read({ key: operation.key, ...of, person: actor.person, facts: read });
    if (seen.operation) {
      // A key is one person's, for one action, with one input: anything else gets no answer of it.
      return seen.operation.input_digest === operation.inputDigest &&
        seen.operation.person === actor.person &&
        seen.operation.action === operation.action
        ? { answer: seen.operation.answer, repeated: true, written: false }
        : { answer: refuse('key-reused') as unknown as JsonValue, repeated: true, written: false };
    }
    const now = recorder.now();
    const { keyId, ends } = recorder.signer;
    if (now.getTime() > ends) throw new CertificateEnded(keyId, ends);
    const at = now.toISOString();
    const decided = decide(seen.facts as F, {
      at,
      version: (seen.subject?.version ?? 0) + 1,
      newId: randomUUID,
    });
    if (isRefusal(decided) && !RECORDED_REFUSALS.has(decided.code))
      return { answer: decided as unknown as JsonValue, repeated: false, written: false };
    if ('unchanged' in decided) return { answer: decided.unchanged, repeated: false, written: false };
    const plan = isRefusal(decided) ? refusalPlan(operation, decided, at) : decided;
    const subject = isRefusal(decided) ? { kind: 'person' as const, id: actor.person } : of;
    const before = isRefusal(decided) ? seen.person : seen.subject;
    if (await door.write(await writingOf(recorder, operation, plan, subject, before, at)))
      return { answer: plan.answer, repeated: false, written: true };
    door.heads.forget(subject);
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

/**
 * What an act writes: its rows, the entry that vouches for every column of them, the service's signature. Writes nothing;
 * whoever writes in bulk hands it to a statement of `statements.ts`.
 */
export async function writingOf(
  recorder: Recorder,
  operation: Operation,
  plan: Plan,
  subject: { kind: string; id: string },
  before: Head | null,
  at: string,
): Promise<Writing> {
  const entryId = randomUUID();
  const key = await recorder.keys.of(
    subject.kind === 'case' ? 'case' : 'system',
    subject.kind === 'case' ? subject.id : 'system',
  );
  const { workflow, actor } = operation;
  const operationRow = insert('operations', {
    id: operation.key,
    personId: actor.person,
    action: operation.action,
    inputDigest: operation.inputDigest,
    workflowId: workflow?.id ?? null,
    updateName: workflow?.name ?? null,
    updateArgs: workflow?.args ?? null,
    answer: plan.answer,
    at,
  });
  // Once: a certificate that is renewed meanwhile would be named beside the one before it.
  const { signer } = recorder;
  // 1. What the entry vouches for: every column of every row, by keyed digest. The text that is digested is the text
  //    that is stored.
  const changes: EntryChange[] = [];
  const rows = new Map<string, { readonly write: TableWrite; readonly rows: string[] }>();
  for (const { table, write, row } of [...plan.changes, operationRow]) {
    const shape = tableShape(table);
    const values = row as Record<string, unknown>;
    const rowKey = String(values.id);
    const digests: Record<string, string> = {};
    let json = '';
    for (const { property, name, type } of shape.columns) {
      const value = values[property] ?? null;
      if (value === null) continue; // a column that is not named is null, in the entry and in the statement
      const text = columnText(canonicalColumn(type, value));
      digests[name] = columnTextDigest(key.digest, entryId, shape.name, rowKey, name, text, nodeHashing);
      json += `${json === '' ? '' : ','}"${name}":${text}`;
    }
    changes.push({ table: shape.name, key: rowKey, columns: digests });
    const name = `${table} ${write}`;
    const together = rows.get(name);
    if (together) together.rows.push(json);
    else rows.set(name, { write: { table, write }, rows: [json] });
  }
  // 2. The entry, its bytes and the service's signature over them.
  const version = (before?.version ?? 0) + 1;
  const body = entryText({
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
      person: actor.person,
      role: actor.role,
      key: signer.keyId,
      actingFor: actor.actingFor ?? null,
    },
    envelope: plan.personal?.envelope ?? null,
    signature: plan.personal?.signature ?? null,
    changes,
    parameters: recorder.parameters,
    workflow: workflow ? { id: workflow.id, run: workflow.run, update: workflow.update } : null,
    bundle: recorder.bundle,
  });
  const bytes = Buffer.from(body);
  // Sorted, so that acts that write the same tables have the same shape in whatever order they named them.
  const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
  return {
    shape: {
      first: before === null,
      writes: sorted.map(({ write }) => write),
      guards: plan.guards ?? [],
    },
    entry: {
      kind: subject.kind,
      id: subject.id,
      version,
      last: hash('sha256', bytes),
      entry: entryId,
      event: plan.event,
      person: actor.person,
      at,
      body,
      signature: Buffer.from(signer.sign(bytes)).toString('hex'),
      keyId: signer.keyId,
    },
    rows: sorted.map((one) => one.rows),
  };
}

/** A process's way into one pool: its two statements, gathered by shape, and the turns of subjects. */
interface Door {
  readonly turns: Turns;
  readonly heads: Heads;
  read(reading: Reading): Promise<Read>;
  /** True when written and durable; false when the subject or the key was somebody else's first. */
  write(writing: Writing): Promise<boolean>;
}

/**
 * Where persons' subjects stood when this process last wrote about them. An act whose rules need no facts starts from
 * there, without reading: when the person was written about elsewhere since, or the key was used before, the statement
 * writes nothing, and the act begins again by reading.
 */
class Heads {
  readonly #known = new Map<string, Head>();

  get(person: string): Head | undefined {
    return this.#known.get(person);
  }

  remember({ kind, id, version, last }: Writing['entry']): void {
    if (kind !== 'person') return;
    this.#known.delete(id);
    this.#known.set(id, { version, last });
    // The longest unused is forgotten.
    if (this.#known.size > 10_000) this.#known.delete(this.#known.keys().next().value as string);
  }

  forget({ id }: { id: string }): void {
    this.#known.delete(id);
  }
}

const doors = new WeakMap<Sql, Door>();

/** Statements of one shape under way at once, and most acts in one: this process signs the next while Postgres writes. */
const TOGETHER = { atOnce: 4, most: 16, divisible: isStatementsOwn };

function doorOf(sql: Sql): Door {
  const known = doors.get(sql);
  if (known) return known;
  const ask = async <T extends object>(text: string, parameters: readonly (string | number)[]) =>
    // The driver's type of a parameter is not exported.
    (await sql.unsafe<T[]>(text, parameters as never[], { prepare: true })) as readonly T[];
  const readings = new Map<string, (reading: Reading) => Promise<Read>>();
  const writings = new Map<string, (writing: Writing) => Promise<boolean>>();
  const door: Door = {
    turns: new Turns(),
    heads: new Heads(),
    read(reading) {
      const name = `${reading.facts.text} ${reading.facts.params.length}`;
      let gathered = readings.get(name);
      if (!gathered) {
        const text = readingText(reading.facts);
        gathered = gather<Reading, Read>({
          ...TOGETHER,
          async run(acts) {
            const rows = await ask<Read & { o: number }>(text, [readingJson(acts)]);
            return rows.toSorted((a, b) => a.o - b.o);
          },
        });
        readings.set(name, gathered);
      }
      return gathered(reading);
    },
    async write(writing) {
      const name = shapeName(writing.shape);
      let gathered = writings.get(name);
      if (!gathered) {
        const text = writingText(writing.shape);
        gathered = gather<Writing, boolean>({
          ...TOGETHER,
          // Only one act can raise a subject's version: a second one in the same statement would be wasted.
          mark: ({ entry }) => `${entry.kind} ${entry.id}`,
          async run(acts) {
            // In the order of subjects, so that two processes never wait for each other's rows.
            const inOrder = acts
              .map((act, i) => ({ act, i }))
              .sort((a, b) => (a.act.entry.id < b.act.entry.id ? -1 : 1));
            const won = await ask<{ o: number }>(text, writingParameters(inOrder.map(({ act }) => act)));
            // From here on the acts are durable: a crash now loses only the answers, which the keys bring back.
            const written = new Set(won.map(({ o }) => inOrder[o]?.i));
            return acts.map((_, i) => written.has(i));
          },
        });
        writings.set(name, gathered);
      }
      try {
        const written = await gathered(writing);
        if (written) door.heads.remember(writing.entry);
        return written;
      } catch (error) {
        // The same key committed by a twin: the next read finds its answer. A case number drawn twice: drawn again.
        if ((error as { code?: string }).code === '23505') return false;
        throw error;
      }
    },
  };
  doors.set(sql, door);
  return door;
}

/** Whether Postgres refused a statement and is still there: then what was gathered may succeed one by one. */
function isStatementsOwn(error: unknown): boolean {
  const { severity, code } = error as { severity?: unknown; code?: unknown };
  // Classes 08, 53, 57P and 58: the connection or the server is going, and each alone would fare no better.
  return severity === 'ERROR' && typeof code === 'string' && !/^(08|53|57P|58)/.test(code);
}
