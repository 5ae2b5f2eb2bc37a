// Station 1 to 6, web: a key that a browser made becomes a person's certificate: the request is put together here, signed by the
// browser, certified by the member of the person's own organisation, checked, and recorded. Never sees a private key.
import { setTimeout as sleep } from 'node:timers/promises';
import { and, eq } from 'drizzle-orm';
import { certificateRequestCache } from '../../db/schema.ts';
import { revokedOf, unrevokedOf } from '../../db/views/certificates.ts';
import { ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { SERVICE } from '../../domain/roles.ts';
import {
  fingerprintOf,
  issuersAmong,
  keyNameOf,
  readCertificate,
  readRevocationList,
} from '../../ledger/certificates.ts';
import {
  certificationRequest,
  certificationRequestToSign,
  enrolmentName,
} from '../../ledger/certification-request.ts';
import { derFromP1363 } from '../../ledger/der.ts';
import { signatureBytes } from '../../ledger/envelope.ts';
import { certifiedBy } from '../../ledger/personal.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { verifyP256 } from '../../ledger/signing.ts';
import type { Session, WebDeps } from '../deps.ts';
import { recordCertificate, recordRevocation } from '../recorded.ts';
import type { MemberAnswer } from './members.ts';

/** A P-256 key's SubjectPublicKeyInfo, DER, from base64url: 91 bytes with this beginning (RFC 5480). */
const P256 = '3059301306072a8648ce3d020106082a8648ce3d03010703420004';

export function publicKeyFrom(text: string): Uint8Array | undefined {
  if (!/^[\w-]{122}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length === 91 && bytes.subarray(0, 27).toString('hex') === P256 ? bytes : undefined;
}

/** What the browser must sign to ask for a certificate of this key: the request of RFC 2986, without its signature. */
export const requestToSign = (session: Pick<Session, 'person'>, publicKey: Uint8Array): Uint8Array =>
  certificationRequestToSign(
    enrolmentName(session.person, keyNameOf(publicKey, nodeHashing.hash)),
    publicKey,
  );

/** The organisation that certifies a person; undefined for those who belong to none. */
export const organisationOf = (session: Pick<Session, 'organisation'>): Organisation | undefined =>
  ORGANISATIONS.find((one) => one === session.organisation);

/** What enrolling and ending certificates needs of the web. */
type KeyDeps = Pick<WebDeps, 'db' | 'recorder' | 'signing' | 'now'>;
/** Whose certificate it is. */
type Holder = Pick<Session, 'person' | 'role'>;

export type Enrolled =
  | { readonly kind: 'issued' | 'waiting'; readonly demonstration: boolean }
  | { readonly kind: 'wrong' | 'refused' | 'nobody' };

/** Sends the browser's request to the member of the person's organisation, and records what comes back. */
export async function enrol(
  deps: KeyDeps,
  session: Holder & Pick<Session, 'organisation'>,
  publicKey: Uint8Array,
  signature: string,
): Promise<Enrolled> {
  const organisation = organisationOf(session);
  const bytes = signatureBytes(signature);
  const toSign = requestToSign(session, publicKey);
  if (!organisation || !bytes || !verifyP256(publicKey, toSign, bytes)) return { kind: 'wrong' };
  const answer = await deps.signing.members.enrol(organisation, {
    person: session.person,
    role: session.role,
    csr: certificationRequest(toSign, derFromP1363(bytes)),
  });
  if (!answer) return { kind: 'nobody' };
  await deps.db
    .insert(certificateRequestCache)
    .values({
      keyName: keyNameOf(publicKey, nodeHashing.hash),
      personId: session.person,
      role: session.role,
      organisation,
      requestId: answer.id,
      askedAt: deps.now().toISOString(),
    })
    .onConflictDoNothing();
  return await taken(deps, session, organisation, keyNameOf(publicKey, nodeHashing.hash), answer);
}

/** Records the certificate when the member has given it: of this key, of this person and role, of this authority. */
async function taken(
  deps: KeyDeps,
  session: Holder,
  organisation: Organisation,
  keyName: string,
  answer: MemberAnswer,
): Promise<Enrolled> {
  const { demonstration } = answer;
  const over = () =>
    deps.db.delete(certificateRequestCache).where(eq(certificateRequestCache.keyName, keyName));
  if (answer.state === 'refused') {
    await over();
    return { kind: 'refused' };
  }
  if (answer.state === 'waiting' || answer.certificate === undefined)
    return { kind: 'waiting', demonstration };
  const certificate = readCertificate(answer.certificate);
  if (
    !certificate ||
    keyNameOf(certificate.publicKey, nodeHashing.hash) !== keyName ||
    certificate.attributes['rehab.person'] !== session.person ||
    certificate.attributes['rehab.role'] !== session.role ||
    !certifiedBy(certificate, deps.signing.roots[organisation] ?? [])
  )
    return { kind: 'wrong' };
  await recordCertificate(deps.recorder, session, {
    fingerprint: fingerprintOf(certificate, nodeHashing.hash),
    person: session.person,
    organisation,
    role: session.role,
    pem: answer.certificate,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
  });
  await over();
  return { kind: 'issued', demonstration };
}

/** Asks after the person's keys that wait; gives how many still do. */
export async function askAfterWaiting(deps: WebDeps, session: Session): Promise<number> {
  const rows = await deps.db
    .select()
    .from(certificateRequestCache)
    .where(
      and(
        eq(certificateRequestCache.personId, session.person),
        eq(certificateRequestCache.role, session.role),
      ),
    );
  let waiting = 0;
  for (const { organisation, requestId, keyName } of rows) {
    const answer = await deps.signing.members.enrolment(organisation, requestId);
    const enrolled = answer && (await taken(deps, session, organisation, keyName, answer));
    if (!enrolled || enrolled.kind === 'waiting') waiting += 1;
  }
  return waiting;
}

/**
 * Ends a certificate: here and now, and at its authority as soon as two of that organisation's people have approved.
 * @returns whether the authority has it on its list already; undefined when nobody answered there
 */
export async function revoke(
  deps: WebDeps,
  session: Session,
  certificate: {
    readonly fingerprint: string;
    readonly personId: string;
    readonly organisation: Organisation;
  },
  reason: string,
): Promise<MemberAnswer | undefined> {
  // First here, where it takes effect for every decision that comes: it must not count while others deliberate.
  const at = await recordRevocation(deps.recorder, session, certificate, reason);
  return at === undefined
    ? undefined
    : await deps.signing.members.revoke(certificate.organisation, {
        fingerprint: certificate.fingerprint,
        reason,
        at,
      });
}

/** What keeping in step with the authorities' lists needs of the web. */
type ListDeps = Pick<WebDeps, 'db' | 'recorder' | 'signing' | 'now'>;

/**
 * Brings each authority's revocation list and what is recorded here to the same: what stands on the list is ended here, as
 * somebody may have revoked it without us; what was ended here and is not on the list is told to its member again, as the
 * member may have been away then.
 * @returns how many were ended here
 */
export async function honourLists(deps: ListDeps): Promise<number> {
  const { db, signing } = deps;
  let ended = 0;
  for (const organisation of ORGANISATIONS) {
    const [known, revoked] = [
      await unrevokedOf(db, organisation),
      await revokedOf(db, organisation, deps.now()),
    ];
    if (known.length + revoked.length === 0) continue;
    const list = readRevocationList((await signing.members.crl(organisation)) ?? '');
    // A list that the authority did not sign is nobody's word.
    if (
      !list ||
      !issuersAmong(list, signing.roots[organisation] ?? []).some((root) =>
        verifyP256(root.publicKey, list.toBeSigned, list.signature),
      )
    )
      continue;
    const listed = ({ pem }: { readonly pem: string }): boolean =>
      list.revoked.has(readCertificate(pem)?.serial ?? '');
    for (const line of known.filter(listed)) {
      await recordRevocation(deps.recorder, SERVICE, line, 'listed');
      ended += 1;
    }
    for (const { fingerprint, revocationReason, revokedAt } of revoked.filter((line) => !listed(line)))
      await signing.members.revoke(organisation, {
        fingerprint,
        reason: revocationReason ?? '',
        at: revokedAt ?? '',
      });
  }
  return ended;
}

/** Honours the lists again and again until the signal, each minute. */
export async function keepHonouring(
  deps: ListDeps,
  note: (error: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await honourLists(deps);
    } catch (error) {
      note(error);
    }
    await sleep(60_000, undefined, { signal }).catch(() => undefined);
  }
}
