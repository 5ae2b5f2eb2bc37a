// Station 6 on the chain: which person's certificate each organisation has issued and revoked, by fingerprint.
// Promise: an organisation speaks for its own people alone, and what it said can be added to but not taken back.
// Must never hold a name: a person is a UUID here, and a reason one word of a list.
import { ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { encode, LogRefusal, readValue, type State } from './state.ts';

/** A certificate as it stands on the chain. Times are ISO 8601 with milliseconds, UTC. */
export type ChainCertificate = {
  /** SHA-256 of its DER bytes, hexadecimal. */
  readonly fingerprint: string;
  readonly organisation: Organisation;
  /** UUID. */
  readonly person: string;
  readonly role: string;
  readonly notBefore: string;
  readonly notAfter: string;
  /** From `at` on its signatures do not count. */
  readonly revoked: { readonly at: string; readonly reason: string } | null;
};

type Issued = Omit<ChainCertificate, 'revoked'>;

/** Most certificates in one page. */
const MAX_PAGE = 500;

/** Writes down that the organisation issued a certificate. The same again is done; other facts are refused. */
export async function certify(
  state: State,
  organisation: Organisation,
  said: Omit<Issued, 'organisation'>,
): Promise<ChainCertificate> {
  const { fingerprint, person, role, notBefore, notAfter } = said;
  demand(HEX32, fingerprint, 'A fingerprint is 64 hexadecimal digits');
  demand(UUID, person, 'A person is named by a UUID');
  demand(WORD, role, 'A role is one word');
  demand(INSTANT, notBefore, INSTANT_SENTENCE);
  demand(INSTANT, notAfter, INSTANT_SENTENCE);
  if (notBefore >= notAfter) throw new LogRefusal('MALFORMED', 'A certificate ends after it begins');
  const issued: Issued = { fingerprint, notAfter, notBefore, organisation, person, role };
  const known = await certificateOf(state, fingerprint);
  if (known === undefined) await state.write(issuedKey(organisation, fingerprint), encode(issued));
  else {
    const { revoked, ...facts } = known;
    if (!Buffer.from(encode(facts)).equals(encode(issued)))
      throw new LogRefusal('ALREADY_CERTIFIED', 'Fingerprint stands here with other facts; compare both', {
        organisation: known.organisation,
      });
  }
  return known ?? { ...issued, revoked: null };
}

/**
 * Writes down that the organisation's own certificate does not count from `at` on; `at` may lie in the past, when a key
 * was found to be stolen. The same again is done; an earlier word is not replaced.
 */
export async function revoke(
  state: State,
  organisation: Organisation,
  fingerprint: string,
  at: string,
  reason: string,
): Promise<ChainCertificate> {
  demand(HEX32, fingerprint, 'A fingerprint is 64 hexadecimal digits');
  demand(INSTANT, at, INSTANT_SENTENCE);
  demand(WORD, reason, 'A reason is one word, as in RFC 5280 section 5.3.1');
  const issued = await readValue<Issued>(state, issuedKey(organisation, fingerprint));
  if (issued === undefined)
    throw new LogRefusal('NOT_FOUND', 'Organisation has no such certificate; it revokes its own alone', {
      organisation,
    });
  const before = await readValue<{ at: string; reason: string }>(state, revokedKey(fingerprint));
  if (before !== undefined && (before.at !== at || before.reason !== reason))
    throw new LogRefusal('ALREADY_REVOKED', 'Certificate was revoked before; that word stands', {
      at: before.at,
      reason: before.reason,
    });
  if (before === undefined) await state.write(revokedKey(fingerprint), encode({ at, reason }));
  return { ...issued, revoked: { at, reason } };
}

/** The certificate with this fingerprint, whoever issued it; undefined when nobody did. */
export async function certificateOf(
  state: State,
  fingerprint: string,
): Promise<ChainCertificate | undefined> {
  for (const organisation of ORGANISATIONS) {
    const issued = await readValue<Issued>(state, issuedKey(organisation, fingerprint));
    if (issued !== undefined) return withRevocation(state, issued);
  }
  return undefined;
}

/** An organisation's certificates in the order of their fingerprints, behind `after` (empty: from the first). */
export async function certificatesOf(
  state: State,
  organisation: Organisation,
  after: string,
  count: number,
): Promise<ChainCertificate[]> {
  const found: Issued[] = [];
  const wanted = Math.min(count, MAX_PAGE);
  // `~` comes behind every hexadecimal digit.
  for await (const { value } of state.scan(
    issuedKey(organisation, `${after}!`),
    issuedKey(organisation, '~'),
  )) {
    if (found.length === wanted) break;
    found.push(JSON.parse(Buffer.from(value).toString()) as Issued);
  }
  return Promise.all(found.map((issued) => withRevocation(state, issued)));
}

/**
 * Writes down the digest of a version of the parameters. The same again is done; one version never has two digests.
 */
export async function recordParameters(
  state: State,
  version: string,
  sha256: string,
): Promise<{ version: string; sha256: string }> {
  demand(VERSION, version, 'A version is a word of letters, digits, dots and dashes');
  demand(HEX32, sha256, 'A digest is 64 hexadecimal digits');
  const known = await parametersOf(state, version);
  if (known !== undefined && known.sha256 !== sha256)
    throw new LogRefusal('DIFFERENT_PARAMETERS', 'Version stands here with another digest; name a new one', {
      recorded: known.sha256,
      version,
    });
  if (known === undefined) await state.write(parametersKey(version), encode({ sha256, version }));
  return { sha256, version };
}

/** A version of the parameters as it was recorded; undefined when it was not. */
export function parametersOf(
  state: State,
  version: string,
): Promise<{ version: string; sha256: string } | undefined> {
  return readValue(state, parametersKey(version));
}

async function withRevocation(state: State, issued: Issued): Promise<ChainCertificate> {
  const revoked = await readValue<{ at: string; reason: string }>(state, revokedKey(issued.fingerprint));
  return { ...issued, revoked: revoked ?? null };
}

const HEX32 = /^[0-9a-f]{64}$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const WORD = /^[A-Za-z][A-Za-z-]{0,40}$/;
const VERSION = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,80}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
const INSTANT_SENTENCE = 'A time is ISO 8601 with milliseconds, in UTC';

/** The refused text itself is not repeated: it could be anything. */
function demand(form: RegExp, text: string, sentence: string) {
  if (!form.test(text)) throw new LogRefusal('MALFORMED', sentence);
}

const issuedKey = (organisation: Organisation, fingerprint: string) =>
  `certificate/${organisation}/${fingerprint}`;
const revokedKey = (fingerprint: string) => `revocation/${fingerprint}`;
const parametersKey = (version: string) => `parameters/${version}`;
