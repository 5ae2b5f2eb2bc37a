// Station 1, web: drafts of applications: a working table, never evidence. What was read in from a file lies sealed until the
// person who read it in completes and sends it. One draft per person and source; nobody reads another's.
import { randomUUID } from 'node:crypto';
import { and, desc, eq } from 'drizzle-orm';
import type { Database } from '../../db/connection.ts';
import { applicationDraft, applications } from '../../db/schema.ts';
import { type KeyRing, type KeyStore, open, seal } from '../../ledger/record-key.ts';

/** What seals and opens drafts. */
export interface DraftKeys {
  readonly db: Database;
  readonly keyStore: KeyStore;
  readonly keys: KeyRing;
}

export interface KeptDraft<T> {
  readonly id: string;
  readonly createdAt: string;
  readonly content: T;
}

const contextOf = (id: string): string => `application draft ${id}`;

/**
 * Keeps a draft for a person.
 * @param sourceDigest keyed digest of the source, the same that a sent application carries
 * @returns the draft's id, or where the same source already is: among the person's drafts, or in an application
 */
export async function keepDraft(
  deps: DraftKeys,
  person: string,
  sourceDigest: string,
  content: unknown,
  at: Date,
): Promise<
  { readonly id: string } | { readonly duplicate: 'draft' | 'application'; readonly id: string | null }
> {
  const [sent] = await deps.db
    .select({ id: applications.id })
    .from(applications)
    .where(eq(applications.sourceDigest, sourceDigest));
  if (sent) return { duplicate: 'application', id: null };
  const id = randomUUID();
  await deps.keyStore.create('draft', id);
  const sealed = seal(await deps.keys.of('draft', id), Buffer.from(JSON.stringify(content)), contextOf(id));
  const kept = await deps.db
    .insert(applicationDraft)
    .values({ id, personId: person, sourceDigest, sealed, createdAt: at.toISOString() })
    .onConflictDoNothing()
    .returning({ id: applicationDraft.id });
  if (kept.length > 0) return { id };
  const [earlier] = await deps.db
    .select({ id: applicationDraft.id })
    .from(applicationDraft)
    .where(and(eq(applicationDraft.personId, person), eq(applicationDraft.sourceDigest, sourceDigest)));
  return { duplicate: 'draft', id: earlier?.id ?? null };
}

/** A person's own drafts, newest first; 100 at most. */
export async function draftsOf<T>(deps: DraftKeys, person: string): Promise<KeptDraft<T>[]> {
  const rows = await deps.db
    .select()
    .from(applicationDraft)
    .where(eq(applicationDraft.personId, person))
    .orderBy(desc(applicationDraft.createdAt))
    .limit(100);
  return await Promise.all(rows.map((row) => opened<T>(deps, row)));
}

/** One draft of the person's own; another's is as if it were not there. */
export async function draftOf<T>(
  deps: DraftKeys,
  person: string,
  id: string,
): Promise<KeptDraft<T> | undefined> {
  const [row] = await deps.db
    .select()
    .from(applicationDraft)
    .where(and(eq(applicationDraft.id, id), eq(applicationDraft.personId, person)));
  return row && (await opened<T>(deps, row));
}

/** Takes a draft away: it was sent, or its owner does not want it. */
export async function dropDraft(deps: Pick<DraftKeys, 'db'>, person: string, id: string): Promise<void> {
  await deps.db
    .delete(applicationDraft)
    .where(and(eq(applicationDraft.id, id), eq(applicationDraft.personId, person)));
}

async function opened<T>(deps: DraftKeys, row: typeof applicationDraft.$inferSelect): Promise<KeptDraft<T>> {
  const plain = open(await deps.keys.of('draft', row.id), row.sealed, contextOf(row.id));
  return {
    id: row.id,
    createdAt: new Date(row.createdAt).toISOString(),
    // Sealed by `keepDraft` alone, whose caller gave a T.
    content: JSON.parse(Buffer.from(plain).toString('utf8')) as T,
  };
}
