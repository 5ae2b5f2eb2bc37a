// Station 4, the envelope: what a person signs about an act, and the form in which it stands in the entry.
// Its canonical bytes stand verbatim inside the entry's bytes, so that the signature can be checked from the entry alone.
// Pure, and the browser's too. Never holds a clinical word: those are in the statement, of which only the digest is here.

/** What a person's signature vouches for, version 1 (DESIGN.md section 5). Digests are hexadecimal. */
export interface Envelope {
  readonly v: 1;
  /** The person who signs: a UUID. */
  readonly who: string;
  /** The role in which they act. */
  readonly role: string;
  /** SHA-256 of the DER bytes of the certificate whose key signs. */
  readonly certificate: string;
  /** The subject's pseudonym in the log. */
  readonly case: string;
  readonly task: string | null;
  /** The fencing number of the claim under which the person acts. */
  readonly claim: number | null;
  readonly action: string;
  /** The operation key: one signature, one act. */
  readonly operation: string;
  /** SHA-256 of the statement's UTF-8 bytes. */
  readonly statement: string;
  /** The digest of the operation's input. */
  readonly input: string;
  /** When the statement was put before the person, ISO 8601 with milliseconds. */
  readonly at: string;
  /** The version of the parameters that were in force. */
  readonly parameters: string;
}

/** A person's signature over an envelope. */
export interface PersonalSignature {
  /** The same fingerprint as the envelope's. */
  readonly certificate: string;
  /** ECDSA P-256 with SHA-256 over the envelope's canonical bytes, IEEE P1363 form, base64url without padding. */
  readonly value: string;
}
