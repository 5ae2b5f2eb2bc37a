// Test support: members' doors over test authorities, and people who sign with keys of their own as a browser would: the key is
// made here, certified by the door of the person's organisation, and signs what the page says and nothing else.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Signer, type SoftwareKey, softwareKey } from '../../bin/drive/software-key.ts';
import { ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import type { Role } from '../../domain/roles.ts';
import { fingerprintOf, readCertificate } from '../../ledger/certificates.ts';
import {
  certificationRequest,
  certificationRequestToSign,
  enrolmentName,
} from '../../ledger/certification-request.ts';
import { derFromP1363 } from '../../ledger/der.ts';
import { enrolmentDoor } from '../../ledger/member/enrolment.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import type { Recorder } from '../../ledger/recorded.ts';
import { membersOver } from '../../web/keys/members.ts';
import { recordCertificate } from '../../web/recorded.ts';
import { keyOfRequest, testAuthority } from './authority.ts';
import { formsOf, type PageForm } from './pages.ts';

export type TestMembers = ReturnType<typeof testMembers>;

/** The three members' doors, each over an authority of its own. `demonstration: false`: nobody approves by themselves. */
export function testMembers({ demonstration = true } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'rehab-members-'));
  const chain: { readonly of: Organisation; readonly fingerprint: string; readonly revokedAt?: string }[] =
    [];
  const authorities = Object.fromEntries(
    ORGANISATIONS.map((of) => [of, testAuthority(`authority of ${of}`)]),
  ) as Record<Organisation, ReturnType<typeof testAuthority>>;
  const faults: unknown[] = [];
  let away = false;
  let validForMs: number | undefined;
  const doors = Object.fromEntries(
    ORGANISATIONS.map((of) => {
      const issued = new Map<string, string>();
      const door = enrolmentDoor({
        organisation: of,
        folder: join(folder, of),
        authority: {
          async issue({ name, attributes, csr }) {
            const ends = validForMs === undefined ? {} : { notAfter: new Date(Date.now() + validForMs) };
            const pem = authorities[of].issue({ publicKey: keyOfRequest(csr), name, attributes, ...ends });
            issued.set(name, pem);
            return pem;
          },
          async revoke(name) {
            authorities[of].revoke(readCertificate(issued.get(name) ?? '')?.serial ?? '');
          },
          crl: async () => authorities[of].crl(),
        },
        chain: {
          async certify({ fingerprint }) {
            chain.push({ of, fingerprint });
          },
          async revoke(fingerprint, at) {
            chain.push({ of, fingerprint, revokedAt: at });
          },
        },
        demonstration,
        now: () => new Date(),
        note: (error) => faults.push(error),
      });
      return [of, door];
    }),
  ) as Record<Organisation, ReturnType<typeof enrolmentDoor>>;
  return {
    folder,
    authorities,
    doors,
    /** What the members wrote to the channel. */
    chain,
    faults,
    roots: Object.fromEntries(ORGANISATIONS.map((of) => [of, [authorities[of].root]])) as Record<
      Organisation,
      string[]
    >,
    members: membersOver(
      (of, path, init) => (away ? undefined : Promise.resolve(doors[of].request(path, init))),
      (error) => faults.push(error),
    ),
    /** From now on no member answers, or all do again. */
    setAway(value: boolean): void {
      away = value;
    },
    /** How long certificates last that are issued from now on; a year when undefined. */
    setValidity(ms: number | undefined): void {
      validForMs = ms;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What a browser sends for a certificate of this key, as PEM: signed by the key itself. */
export function requestOf(person: string, key: SoftwareKey): string {
  const toSign = certificationRequestToSign(
    enrolmentName(person, key.name),
    Buffer.from(key.publicKey, 'base64url'),
  );
  return certificationRequest(toSign, derFromP1363(Buffer.from(key.sign(toSign), 'base64url')));
}

/** A key for somebody, certified by their organisation's authority, recorded as the web records it. */
export async function certifiedSigner(
  members: TestMembers,
  recorder: Recorder,
  { person, role, organisation }: { person: string; role: Role; organisation: Organisation },
): Promise<Signer> {
  const key = softwareKey();
  const pem = members.authorities[organisation].issue({
    publicKey: Buffer.from(key.publicKey, 'base64url'),
    attributes: { 'rehab.person': person, 'rehab.role': role },
    // Worlds move their clocks by years.
    notBefore: new Date('2000-01-01T00:00:00Z'),
    notAfter: new Date('2100-01-01T00:00:00Z'),
  });
  const certificate = readCertificate(pem);
  if (!certificate) throw new Error('certificate cannot be read');
  const fingerprint = fingerprintOf(certificate, nodeHashing.hash);
  const { notBefore, notAfter } = certificate;
  await recordCertificate(
    recorder,
    { person, role },
    { fingerprint, person, organisation, role, pem, notBefore, notAfter },
  );
  return { key, fingerprint };
}

/** Text of an element as a browser reads it. */
const textOf = (html: string): string =>
  html
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&');

/** What a sign page puts before the person: statement, hash, and the envelope for this key. */
export function shownToSign(html: string, key: SoftwareKey) {
  const envelope = new RegExp(`data-envelope="([0-9a-f]{64})" data-key="${key.name}"[^>]*>([^<]*)<`).exec(
    html,
  );
  return {
    statement: textOf(/<pre id="statement"[^>]*>([\s\S]*?)<\/pre>/.exec(html)?.[1] ?? ''),
    hash: /data-hash="([0-9a-f]{64})"/.exec(html)?.[1] ?? '',
    certificate: envelope?.[1] ?? '',
    envelope: textOf(envelope?.[2] ?? ''),
  };
}

/** The form of a sign page as its script sends it with this key. */
export function signedForm(html: string, key: SoftwareKey): PageForm {
  const form = formsOf(html).find(({ names }) => names.has('signature'));
  if (!form) throw new Error('page has nothing to sign');
  const { certificate, envelope } = shownToSign(html, key);
  const signature = key.sign(Buffer.from(envelope));
  return { ...form, fields: { ...form.fields, certificate: [certificate], signature: [signature] } };
}
