// Station 1 to 4, web: statements that are ready to be signed. A working table, never evidence: sealed under the case key, bound
// to the person and the operation. What is signed is taken from here and from nowhere else: no text comes back from a form.
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { and, desc, eq, lt, sql } from 'drizzle-orm';
import { cases, operations, signingDraft } from '../../db/schema.ts';
import { certificateByFingerprint, certificatesInForce } from '../../db/views/certificates.ts';
import type { SignedAction } from '../../domain/events.ts';
import { type Refusal, refuse } from '../../domain/refusal.ts';
import type { Discipline } from '../../domain/roles.ts';
import { canonicalJson } from '../../ledger/canonical.ts';
import { keyNameOf, readCertificate } from '../../ledger/certificates.ts';
import { type Envelope, type SignedAct, STATEMENT_MINUTES, signatureBytes } from '../../ledger/envelope.ts';
import { type AskedAct, envelopeFor, inputDigest, signatureRefusal } from '../../ledger/personal.ts';
import { nodeHashing, open, seal } from '../../ledger/record-key.ts';
import type { Session, WebDeps } from '../deps.ts';
import type { Typed } from '../tasks/fields.ts';
import type { Text } from '../text/text.ts';
import { statementFor } from './statement.ts';

/** What nobody signed is forgotten after this. */
const KEPT_DAYS = 14;

/** What is asked for, before there is a statement about it. */
export interface Preparing {
  readonly key: string;
  readonly action: SignedAction;
  readonly case: { readonly id: string; readonly number: string };
  readonly task:
    | { readonly id: string; readonly claim: number; readonly discipline: Discipline | null }
    | undefined;
  /** Checked values, as `readActValues` gave them. */
  readonly values: unknown;
  /** What was typed, so that the way back keeps it. */
  readonly typed: Typed;
  readonly lastDay: string | undefined;
}

/** A statement that waits for its signature. */
export interface Prepared {
  readonly act: AskedAct;
  readonly text: string;
  readonly language: string;
  readonly at: string;
  readonly parameters: string;
  readonly values: unknown;
  readonly typed: Typed;
}

const contextOf = (key: string, person: string): string => `to sign|${key}|${person}`;

/** Puts the statement of an act into words and keeps it. One operation key, one statement: the newest counts. */
export async function prepare(deps: WebDeps, t: Text, session: Session, asked: Preparing): Promise<Prepared> {
  const at = deps.now().toISOString();
  const values = JSON.parse(JSON.stringify(asked.values)) as Record<string, unknown>;
  const text = statementFor(t, {
    action: asked.action,
    discipline: asked.task?.discipline ?? null,
    caseNumber: asked.case.number,
    session,
    values,
    rules: deps.recorder.parameters,
    at,
    lastDay: asked.lastDay,
    salt: randomBytes(16).toString('base64url'),
  });
  const prepared: Prepared = {
    act: {
      key: asked.key,
      action: asked.action,
      caseId: asked.case.id,
      actor: { person: session.person, role: session.role },
      task: asked.task ? { id: asked.task.id, claim: asked.task.claim } : null,
    },
    text,
    language: t.lang,
    at,
    parameters: deps.recorder.parameters,
    values,
    typed: asked.typed,
  };
  const sealed = seal(
    await deps.keys.of('case', asked.case.id),
    Buffer.from(JSON.stringify(prepared)),
    contextOf(asked.key, session.person),
  );
  await deps.db
    .delete(signingDraft)
    .where(
      and(
        eq(signingDraft.personId, session.person),
        lt(signingDraft.preparedAt, new Date(deps.now().getTime() - KEPT_DAYS * 86_400_000).toISOString()),
      ),
    );
  // A task has one statement at a time: the one before is not what the person wants to sign any more.
  if (asked.task)
    await deps.db
      .delete(signingDraft)
      .where(and(eq(signingDraft.personId, session.person), eq(signingDraft.taskId, asked.task.id)));
  await deps.db
    .insert(signingDraft)
    .values({
      operationId: asked.key,
      personId: session.person,
      role: session.role,
      action: asked.action,
      caseId: asked.case.id,
      taskId: asked.task?.id ?? null,
      sealed,
      preparedAt: at,
    })
    .onConflictDoUpdate({
      target: signingDraft.operationId,
      set: { sealed: sql`excluded.sealed`, preparedAt: sql`excluded.prepared_at` },
    });
  return prepared;
}

/** The person's newest statement of a task or of a case, or the one of an operation; undefined when there is none. */
export async function preparedOf(
  deps: WebDeps,
  session: Session,
  of: { readonly task: string } | { readonly operation: string } | { readonly case: string },
): Promise<Prepared | undefined> {
  const [row] = await deps.db
    .select()
    .from(signingDraft)
    .where(
      and(
        eq(signingDraft.personId, session.person),
        eq(signingDraft.role, session.role),
        'task' in of
          ? eq(signingDraft.taskId, of.task)
          : 'operation' in of
            ? eq(signingDraft.operationId, of.operation)
            : and(eq(signingDraft.caseId, of.case), sql`${signingDraft.taskId} is null`),
      ),
    )
    .orderBy(desc(signingDraft.preparedAt))
    .limit(1);
  if (!row) return undefined;
  try {
    const plain = open(
      await deps.keys.of('case', row.caseId),
      row.sealed,
      contextOf(row.operationId, session.person),
    );
    // Sealed by `prepare` alone.
    return JSON.parse(Buffer.from(plain).toString('utf8')) as Prepared;
  } catch {
    // Not sealed for this person and operation, or the key is gone: then there is nothing to sign.
    return undefined;
  }
}

/** Takes a statement away: it is signed and done, or will not be. */
export async function dropPrepared(deps: WebDeps, session: Session, operation: string): Promise<void> {
  await deps.db
    .delete(signingDraft)
    .where(and(eq(signingDraft.operationId, operation), eq(signingDraft.personId, session.person)));
}

/** What waits for a person's signature. */
export interface Waiting {
  readonly operation: string;
  readonly action: SignedAction;
  readonly task: string | null;
  readonly case: { readonly id: string; readonly number: string };
  readonly preparedAt: string;
}

/** Everything that waits for the person's signature in their role, by case. Without what was done meanwhile. */
export async function waitingFor(deps: Pick<WebDeps, 'db'>, session: Session): Promise<Waiting[]> {
  const rows = await deps.db
    .select({ draft: signingDraft, number: cases.number })
    .from(signingDraft)
    .innerJoin(cases, eq(cases.id, signingDraft.caseId))
    .where(
      and(
        eq(signingDraft.personId, session.person),
        eq(signingDraft.role, session.role),
        sql`not exists (select 1 from ${operations} where ${operations.id} = ${signingDraft.operationId})`,
        sql`(${signingDraft.taskId} is null or exists (select 1 from tasks where tasks.id = ${signingDraft.taskId} and tasks.status = 'open'))`,
      ),
    )
    .orderBy(cases.number, signingDraft.preparedAt);
  return rows.map(({ draft, number }) => ({
    operation: draft.operationId,
    action: draft.action as SignedAction,
    task: draft.taskId,
    case: { id: draft.caseId, number },
    preparedAt: new Date(draft.preparedAt).toISOString(),
  }));
}

/** Whether the statement was put before the person too long ago. */
export const isOld = (prepared: Pick<Prepared, 'at'>, now: Date): boolean =>
  now.getTime() - Date.parse(prepared.at) > STATEMENT_MINUTES * 60_000;

/** What one of the person's keys would sign. */
export interface ToSign {
  /** By which the browser finds its key. */
  readonly keyName: string;
  readonly fingerprint: string;
  readonly notAfter: string;
  readonly envelope: Envelope;
  /** The envelope's canonical text: exactly what is signed. */
  readonly text: string;
}

/** The envelopes of a statement, one for each of the person's certificates that count now. */
export async function envelopesOf(deps: WebDeps, prepared: Prepared): Promise<ToSign[]> {
  const { act } = prepared;
  const key = await deps.keys.of('case', act.caseId);
  const role = act.actor.role as Session['role'];
  const own = await certificatesInForce(deps.db, act.actor.person, role, deps.now());
  return own.flatMap(({ pem, fingerprint, notAfter }) => {
    const certificate = readCertificate(pem);
    if (!certificate) return [];
    const envelope = envelopeFor(key, act, {
      certificate: fingerprint,
      statement: prepared.text,
      values: prepared.values,
      at: prepared.at,
      parameters: prepared.parameters,
    });
    return [
      {
        keyName: keyNameOf(certificate.publicKey, nodeHashing.hash),
        fingerprint,
        notAfter,
        envelope,
        text: canonicalJson(envelope),
      },
    ];
  });
}

/**
 * The signed act, when this signature is this person's over this statement, with a certificate that counts now; else the
 * refusal. Asked before anything is asked of the case; the activity asks again.
 */
export async function signedBy(
  deps: WebDeps,
  prepared: Prepared,
  given: { readonly certificate: string; readonly signature: string },
): Promise<SignedAct | Refusal> {
  const { act } = prepared;
  if (given.signature === '') return refuse('unsigned', { detail: { action: act.action } });
  if (!signatureBytes(given.signature) || !/^[0-9a-f]{64}$/.test(given.certificate))
    return refuse('signature-wrong', { detail: { fault: 'wrong' } });
  const key = await deps.keys.of('case', act.caseId);
  const signed: SignedAct = {
    statement: { text: prepared.text, language: prepared.language },
    envelope: envelopeFor(key, act, {
      certificate: given.certificate,
      statement: prepared.text,
      values: prepared.values,
      at: prepared.at,
      parameters: prepared.parameters,
    }),
    signature: { certificate: given.certificate, value: given.signature },
  };
  const row = await certificateByFingerprint(deps.db, given.certificate);
  return (
    signatureRefusal(signed, act, {
      key,
      input: inputDigest(key, act, prepared.values),
      parameters: deps.recorder.parameters,
      row: row ?? null,
      roots: deps.signing.roots,
      at: deps.now().toISOString(),
    }) ?? signed
  );
}
