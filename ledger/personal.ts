// Station 1 and 4, whether a signed act may be taken: the web asks before the Update, the activity again inside the decision,
// with the certificate's row as it stands in that snapshot. Synchronous, on node:crypto. Writes nothing, reads nothing.
import type { Organisation } from '../domain/consortium.ts';
import { ACTION_EVENTS } from '../domain/events.ts';
import type { Action } from '../domain/lifecycle.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import { canonicalBytes } from './canonical.ts';
import {
  type Certificate,
  faultOf,
  issuersAmong,
  readCertificate,
  type SignatureFault,
} from './certificates.ts';
import { subjectPseudonym } from './entry.ts';
import {
  type Envelope,
  envelopeBytes,
  type SignedAct,
  STATEMENT_MINUTES,
  signatureBytes,
} from './envelope.ts';
import { nodeHashing, type RecordKey } from './record-key.ts';
import { verifyP256 } from './signing.ts';
import { readStatement, statementBytes } from './statement.ts';

/** Certificates (PEM) of each organisation's authority: what persons' certificates must descend from. */
export type CaRoots = Readonly<Partial<Record<Organisation, readonly string[]>>>;

/** An act before it is done, as the web and the activity see it. */
export interface AskedAct {
  readonly key: string;
  readonly action: Action;
  readonly caseId: string;
  readonly actor: { readonly person: string; readonly role: string };
  readonly task: { readonly id: string; readonly claim: number } | null;
}

/** A certificate as its row holds it. */
export interface CertificateRow {
  readonly id: string;
  readonly fingerprint: string;
  readonly personId: string;
  readonly organisation: Organisation;
  readonly role: string;
  readonly pem: string;
  readonly revokedAt: string | null;
}

/** Keyed digest of what was asked, so that the same key with other input is noticed, and a signature says which it was. */
export const inputDigest = (
  key: RecordKey,
  act: Pick<AskedAct, 'caseId' | 'task'> & { readonly action: string },
  values: unknown,
): string =>
  nodeHashing.text(
    nodeHashing.hmac(
      key.digest,
      canonicalBytes({
        action: act.action,
        case: act.caseId,
        task: act.task,
        values: JSON.parse(JSON.stringify(values)),
      }),
    ),
  );

const sha256 = (text: string): string => Buffer.from(nodeHashing.hash(statementBytes(text))).toString('hex');

/** What a person signs to do this act, with that certificate, having read that statement. */
export const envelopeFor = (
  key: RecordKey,
  act: AskedAct,
  given: {
    readonly certificate: string;
    readonly statement: string;
    /** Checked values, as `readActValues` gives them. */
    readonly values: unknown;
    readonly at: string;
    readonly parameters: string;
  },
): Envelope => ({
  v: 1,
  who: act.actor.person,
  role: act.actor.role,
  certificate: given.certificate,
  case: subjectPseudonym(key.digest, 'case', act.caseId, nodeHashing),
  task: act.task?.id ?? null,
  claim: act.task?.claim ?? null,
  action: act.action,
  operation: act.key,
  statement: sha256(given.statement),
  input: inputDigest(key, act, given.values),
  at: given.at,
  parameters: given.parameters,
});

const CERTIFICATE_FAULTS: ReadonlySet<SignatureFault> = new Set<SignatureFault>([
  'unknown-certificate',
  'not-certified',
  'not-valid-then',
  'revoked-then',
]);

/**
 * Whether this person signed this act with a certificate that counts at `at`.
 * @param row what is recorded under the envelope's fingerprint, or null
 * @returns the refusal, or undefined when all of it holds
 */
export function signatureRefusal(
  signed: SignedAct,
  act: AskedAct,
  given: {
    readonly key: RecordKey;
    readonly input: string;
    readonly parameters: string;
    readonly row: CertificateRow | null;
    readonly roots: CaRoots;
    readonly at: string;
  },
): Refusal | undefined {
  if (Date.parse(given.at) - Date.parse(signed.envelope.at) > STATEMENT_MINUTES * 60_000)
    return refuse('statement-old');
  const fault = faultOfSigned(signed, act, given);
  if (!fault) return undefined;
  return refuse(CERTIFICATE_FAULTS.has(fault) ? 'certificate-not-good' : 'signature-wrong', {
    detail: { fault },
  });
}

function faultOfSigned(
  { statement, envelope, signature }: SignedAct,
  act: AskedAct,
  { key, input, parameters, row, roots, at }: Parameters<typeof signatureRefusal>[2],
): SignatureFault | undefined {
  const known = row && certificateIn(row, roots);
  if (!row || !known) return 'unknown-certificate';
  if (row.personId !== act.actor.person || row.role !== act.actor.role) return 'another-person';
  if (
    envelope.task !== (act.task?.id ?? null) ||
    envelope.claim !== (act.task?.claim ?? null) ||
    envelope.action !== act.action ||
    envelope.input !== input
  )
    return 'another-act';
  if (!readStatement(statement.text) || envelope.statement !== sha256(statement.text))
    return 'without-statement';
  const fault = faultOf(
    envelope,
    signature,
    {
      person: act.actor.person,
      role: act.actor.role,
      pseudonym: subjectPseudonym(key.digest, 'case', act.caseId, nodeHashing),
      event: ACTION_EVENTS[act.action],
      operation: act.key,
      parameters,
      at,
    },
    known.certificate,
    row,
    0,
  );
  if (fault) return fault;
  if (!known.certified) return 'not-certified';
  const bytes = signatureBytes(signature.value);
  return bytes && verifyP256(known.certificate.publicKey, envelopeBytes(envelope), bytes)
    ? undefined
    : 'wrong';
}

interface Known {
  readonly certificate: Certificate;
  readonly certified: boolean;
}

/** A certificate's words and descent never change, so each is read and checked once. */
const certificatesKnown = new WeakMap<CaRoots, Map<string, Known>>();

function certificateIn(row: CertificateRow, roots: CaRoots): Known | undefined {
  const name = `${row.organisation} ${row.fingerprint} ${row.pem}`;
  let known = certificatesKnown.get(roots);
  if (!known) {
    known = new Map();
    certificatesKnown.set(roots, known);
  }
  const found = known.get(name);
  if (found) return found;
  const certificate = readCertificate(row.pem);
  if (!certificate || Buffer.from(nodeHashing.hash(certificate.raw)).toString('hex') !== row.fingerprint)
    return undefined;
  const certified = certifiedBy(certificate, roots[row.organisation] ?? []);
  const made = { certificate, certified };
  known.set(name, made);
  if (known.size > 5000) known.delete(known.keys().next().value as string);
  return made;
}

/** Whether one of these authorities gave the certificate. */
export const certifiedBy = (certificate: Certificate, roots: readonly string[]): boolean =>
  issuersAmong(certificate, roots).some((root) =>
    verifyP256(root.publicKey, certificate.toBeSigned, certificate.signature),
  );
