// Drive, keys: a signing key as a browser holds one, for programs that stand in for a person: made here, certified by the person's
// member like any other, gone with the process. Only for invented people; a person's own key never leaves their browser.
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { keyNameOf } from '../../ledger/certificates.ts';
import { envelopeBytes, type SignedAct, signatureValue } from '../../ledger/envelope.ts';
import { type AskedAct, envelopeFor } from '../../ledger/personal.ts';
import { nodeHashing, type RecordKey } from '../../ledger/record-key.ts';
import { statementText } from '../../ledger/statement.ts';

export interface SoftwareKey {
  /** SubjectPublicKeyInfo, DER, base64url: as the page's script sends it. */
  readonly publicKey: string;
  /** By which pages name the key. */
  readonly name: string;
  /** ECDSA P-256 with SHA-256, IEEE P1363, base64url: the form that WebCrypto gives. */
  sign(bytes: Uint8Array): string;
}

export function softwareKey(): SoftwareKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return {
    publicKey: spki.toString('base64url'),
    name: keyNameOf(spki, nodeHashing.hash),
    sign: (bytes) => signatureValue(sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' })),
  };
}

/** A key with the certificate that was given for it. */
export interface Signer {
  readonly key: SoftwareKey;
  /** Of the certificate, as envelopes name it. */
  readonly fingerprint: string;
}

/** What a person signs who is shown no page: an act asked for by a program, with a statement of the same form. */
export function signAct(
  { key, fingerprint }: Signer,
  caseKey: RecordKey,
  act: AskedAct,
  given: {
    /** Checked values, as `readActValues` gives them. */
    readonly values: unknown;
    readonly at: string;
    readonly parameters: string;
  },
): SignedAct {
  const text = statementText({
    sentence: `I, ${act.actor.role}, do this in case ${act.caseId}: ${act.action}`,
    lines: [
      ['Rules', given.parameters],
      ['Decided', given.at],
      ['Signed by', act.actor.person],
    ],
    salt: randomBytes(16).toString('base64url'),
  });
  const envelope = envelopeFor(caseKey, act, { ...given, certificate: fingerprint, statement: text });
  return {
    statement: { text, language: 'en' },
    envelope,
    signature: { certificate: fingerprint, value: key.sign(envelopeBytes(envelope)) },
  };
}
