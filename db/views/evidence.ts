// Station 1, reads for evidence: a case's entries with their places, the checkpoint that covers them, and what was signed. Bytes
// as they are stored; who may see what is judged by the caller.
import { and, asc, desc, eq, inArray } from 'drizzle-orm';
import type { Organisation } from '../../domain/consortium.ts';
import type { Database } from '../connection.ts';
import {
  auditEntries,
  cases,
  certificates,
  logCheckpoints,
  logLeaves,
  persons,
  statements,
} from '../schema.ts';

/** A case's entries by version, each with its place in the log or null. */
export async function evidenceEntries(db: Database, caseId: string) {
  return await db
    .select({
      id: auditEntries.id,
      body: auditEntries.body,
      signature: auditEntries.signature,
      index: logLeaves.index,
    })
    .from(auditEntries)
    .leftJoin(logLeaves, eq(logLeaves.entryId, auditEntries.id))
    .where(and(eq(auditEntries.subjectKind, 'case'), eq(auditEntries.subjectId, caseId)))
    .orderBy(asc(auditEntries.subjectVersion));
}

/** The checkpoints at these sizes, as far as there are, and the newest one; largest first. */
export async function checkpointsFor(
  db: Database,
  sizes: readonly number[],
): Promise<readonly { size: number; note: string }[]> {
  const columns = { size: logCheckpoints.size, note: logCheckpoints.note };
  const newest = await db.select(columns).from(logCheckpoints).orderBy(desc(logCheckpoints.size)).limit(1);
  const named =
    sizes.length === 0
      ? []
      : await db
          .select(columns)
          .from(logCheckpoints)
          .where(inArray(logCheckpoints.size, [...sizes]));
  return [...newest, ...named.filter(({ size }) => size !== newest[0]?.size)].sort((a, b) => b.size - a.size);
}

/** The place in the log where the first case under each version of the parameters begins, as far as it has one. */
export async function firstUnder(
  db: Database,
  versions: readonly string[],
): Promise<{ version: string; since: number }[]> {
  const found = versions.map(async (version) => {
    const [first] = await db
      .select({ since: logLeaves.index })
      .from(cases)
      .innerJoin(
        auditEntries,
        and(
          eq(auditEntries.subjectKind, 'case'),
          eq(auditEntries.subjectId, cases.id),
          eq(auditEntries.subjectVersion, 1),
        ),
      )
      .innerJoin(logLeaves, eq(logLeaves.entryId, auditEntries.id))
      .where(eq(cases.parametersVersion, version))
      .orderBy(asc(cases.openedAt))
      .limit(1);
    return first ? [{ version, since: first.since }] : [];
  });
  return (await Promise.all(found)).flat();
}

/** What was signed in a case, still sealed, by entry. */
export async function sealedStatements(db: Database, caseId: string) {
  return await db
    .select({ entryId: statements.entryId, sealed: statements.sealed })
    .from(statements)
    .where(eq(statements.caseId, caseId));
}

/** Certificates with these fingerprints, PEM. */
export async function certificatesNamed(db: Database, fingerprints: readonly string[]): Promise<string[]> {
  if (fingerprints.length === 0) return [];
  const rows = await db
    .select({ pem: certificates.pem })
    .from(certificates)
    .where(inArray(certificates.fingerprint, [...fingerprints]));
  return rows.map(({ pem }) => pem);
}

/** People by id, as the service names them today. */
export async function namesOf(
  db: Database,
  ids: readonly string[],
): Promise<ReadonlyMap<string, { name: string; organisation: Organisation | null }>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .select({ id: persons.id, name: persons.name, organisation: persons.organisation })
    .from(persons)
    .where(inArray(persons.id, [...ids]));
  return new Map(rows.map(({ id, ...named }) => [id, named]));
}
