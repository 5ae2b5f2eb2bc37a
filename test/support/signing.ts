// Test support: members' doors over test authorities, and people who sign with keys of their own as a browser would: the key is
// made here, certified by the door of the person's organisation, and signs what the page says and nothing else.
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { readCertificate } from '../../ledger/certificates.ts';
import { enrolmentDoor } from '../../ledger/member/enrolment.ts';
import { membersOver } from '../../web/keys/members.ts';
import { keyOfRequest, spki, testAuthority } from './authority.ts';

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
  const doors = Object.fromEntries(
    ORGANISATIONS.map((of) => {
      const issued = new Map<string, string>();
      const door = enrolmentDoor({
        organisation: of,
        folder: join(folder, of),
        authority: {
          async issue({ name, attributes, csr }) {
            const pem = authorities[of].issue({ publicKey: keyOfRequest(csr), name, attributes });
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
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A key as a browser holds it, with its signatures in the form that WebCrypto gives. */
export function browserKey() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const raw = spki(publicKey);
  return {
    publicKey: Buffer.from(raw).toString('base64url'),
    name: createHash('sha256').update(raw).digest('hex'),
    sign: (bytes: Uint8Array): string => signedWith(privateKey, bytes),
  };
}
export type BrowserKey = ReturnType<typeof browserKey>;

const signedWith = (key: KeyObject, bytes: Uint8Array): string =>
  sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
