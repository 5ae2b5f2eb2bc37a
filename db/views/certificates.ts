// Station 1, reads for screens: certificates of persons, and by which one an act was signed. Public keys only; nothing here is
// about a patient.
import { and, asc, desc, eq, gt, isNotNull, isNull, lte } from 'drizzle-orm';
import type { Organisation } from '../../domain/consortium.ts';
import type { Role } from '../../domain/roles.ts';
import type { Database } from '../connection.ts';
import { certificates, persons } from '../schema.ts';

/** A certificate with whose it is. Instants are ISO 8601. */
export interface CertificateLine {
  readonly id: string;
  readonly fingerprint: string;
  readonly personId: string;
  readonly name: string;
  readonly organisation: Organisation;
  readonly role: Role;
  readonly pem: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly issuedAt: string;
  readonly revokedAt: string | null;
  readonly revocationReason: string | null;
}

const iso = (instant: string): string => new Date(instant).toISOString();

const select = (db: Database) =>
  db
    .select({ certificate: certificates, name: persons.name })
    .from(certificates)
    .innerJoin(persons, eq(persons.id, certificates.personId));

const lineOf = ({
  certificate,
  name,
}: {
  certificate: typeof certificates.$inferSelect;
  name: string;
}): CertificateLine => {
  const { entryId: _, ...row } = certificate;
  return {
    ...row,
    name,
    notBefore: iso(row.notBefore),
    notAfter: iso(row.notAfter),
    issuedAt: iso(row.issuedAt),
    revokedAt: row.revokedAt === null ? null : iso(row.revokedAt),
  };
};

/** A person's certificates for a role that count at `now`, newest first. */
export async function certificatesInForce(
  db: Database,
  person: string,
  role: Role,
  now: Date,
): Promise<CertificateLine[]> {
  const rows = await select(db)
    .where(
      and(
        eq(certificates.personId, person),
        eq(certificates.role, role),
        isNull(certificates.revokedAt),
        gt(certificates.notAfter, now.toISOString()),
      ),
    )
    .orderBy(desc(certificates.issuedAt));
  return rows.map(lineOf);
}

/** All certificates of a person, newest first. */
export async function certificatesOfPerson(db: Database, person: string): Promise<CertificateLine[]> {
  const rows = await select(db).where(eq(certificates.personId, person)).orderBy(desc(certificates.issuedAt));
  return rows.map(lineOf);
}

/** How a certificate stands: it counts, has ended by itself, or was ended. */
export const CERTIFICATE_STATES = ['in-force', 'over', 'revoked'] as const;
export type CertificateState = (typeof CERTIFICATE_STATES)[number];

/** Certificates of everybody that fit, by name, newest first; `limit` at most. States are as at `now`. */
export async function allCertificates(
  db: Database,
  now: Date,
  filters: {
    readonly organisation?: Organisation | undefined;
    readonly state?: CertificateState | undefined;
  },
  limit: number,
): Promise<CertificateLine[]> {
  const { revokedAt, notAfter, organisation } = certificates;
  const at = now.toISOString();
  const inState = {
    'in-force': and(isNull(revokedAt), gt(notAfter, at)),
    over: and(isNull(revokedAt), lte(notAfter, at)),
    revoked: isNotNull(revokedAt),
  };
  const rows = await select(db)
    .where(
      and(
        filters.organisation && eq(organisation, filters.organisation),
        filters.state && inState[filters.state],
      ),
    )
    .orderBy(asc(persons.name), desc(certificates.issuedAt))
    .limit(limit);
  return rows.map(lineOf);
}

/** The certificate of that fingerprint, or undefined. */
export async function certificateByFingerprint(
  db: Database,
  fingerprint: string,
): Promise<CertificateLine | undefined> {
  const [row] = await select(db).where(eq(certificates.fingerprint, fingerprint));
  return row && lineOf(row);
}

/** The certificate of that id, or undefined. */
export async function certificateById(db: Database, id: string): Promise<CertificateLine | undefined> {
  const [row] = await select(db).where(eq(certificates.id, id));
  return row && lineOf(row);
}

/** Certificates of an organisation that were revoked here and have not ended by themselves. */
export async function revokedOf(
  db: Database,
  organisation: Organisation,
  now: Date,
): Promise<CertificateLine[]> {
  const rows = await select(db).where(
    and(
      eq(certificates.organisation, organisation),
      isNotNull(certificates.revokedAt),
      gt(certificates.notAfter, now.toISOString()),
    ),
  );
  return rows.map(lineOf);
}

/** Certificates of an organisation that are not revoked. */
export async function unrevokedOf(db: Database, organisation: Organisation): Promise<CertificateLine[]> {
  const rows = await select(db).where(
    and(eq(certificates.organisation, organisation), isNull(certificates.revokedAt)),
  );
  return rows.map(lineOf);
}
