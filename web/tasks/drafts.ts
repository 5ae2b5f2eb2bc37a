// Station 1 to 4, web: half-written forms of tasks. A working table, never evidence: sealed under the case key, bound to the
// person and the task, saved only under the claim that is held. Shown again to the same person alone.
import { Buffer } from 'node:buffer';
import { and, eq, sql } from 'drizzle-orm';
import { taskDraft } from '../../db/schema.ts';
import { open, seal } from '../../ledger/record-key.ts';
import type { WebDeps } from '../deps.ts';
import type { Typed } from './fields.ts';

export interface TaskDraft {
  readonly typed: Typed;
  readonly savedAt: string;
  /** The claim under which it was written. */
  readonly claim: number;
}

const contextOf = (task: string, person: string): string => `task draft|${task}|${person}`;

/** Keeps what was typed; the newest counts. */
export async function keepDraft(
  deps: WebDeps,
  person: string,
  task: { readonly id: string; readonly caseId: string },
  claim: number,
  typed: Typed,
): Promise<string> {
  const savedAt = deps.now().toISOString();
  const sealed = seal(
    await deps.keys.of('case', task.caseId),
    Buffer.from(JSON.stringify({ claim, typed })),
    contextOf(task.id, person),
  );
  await deps.db
    .insert(taskDraft)
    .values({ taskId: task.id, personId: person, sealed, savedAt })
    .onConflictDoUpdate({
      target: [taskDraft.taskId, taskDraft.personId],
      set: { sealed: sql`excluded.sealed`, savedAt: sql`excluded.saved_at` },
    });
  return savedAt;
}

/** The person's own draft of a task, or undefined. */
export async function draftOf(
  deps: WebDeps,
  person: string,
  task: { readonly id: string; readonly caseId: string },
): Promise<TaskDraft | undefined> {
  const [row] = await deps.db
    .select()
    .from(taskDraft)
    .where(and(eq(taskDraft.taskId, task.id), eq(taskDraft.personId, person)));
  if (!row) return undefined;
  let plain: Uint8Array;
  try {
    plain = open(await deps.keys.of('case', task.caseId), row.sealed, contextOf(task.id, person));
  } catch {
    // Not sealed for this task and person, or the key is gone: then there is no draft, and the task opens all the same.
    return undefined;
  }
  // Sealed by `keepDraft` alone.
  const { claim, typed } = JSON.parse(Buffer.from(plain).toString('utf8')) as { claim: number; typed: Typed };
  return { typed, claim, savedAt: new Date(row.savedAt).toISOString() };
}

/** Takes the draft away: what it held is recorded now. */
export async function dropDraft(deps: WebDeps, person: string, task: string): Promise<void> {
  await deps.db.delete(taskDraft).where(and(eq(taskDraft.taskId, task), eq(taskDraft.personId, person)));
}
