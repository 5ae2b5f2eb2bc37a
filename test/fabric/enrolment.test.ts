// A member's enrolment door over its real authority and the real channel: two people approve, the certificate carries person and
// role and descends from the organisation's root, the channel knows it, and its end is on the authority's signed list.
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { softwareKey } from '../../bin/drive/software-key.ts';
import { memberPaths } from '../../engines/fabric/layout.ts';
import {
  fingerprintOf,
  issuersAmong,
  readCertificate,
  readRevocationList,
} from '../../ledger/certificates.ts';
import {
  certificationRequest,
  certificationRequestToSign,
  enrolmentName,
} from '../../ledger/certification-request.ts';
import { derFromP1363 } from '../../ledger/der.ts';
import { fabricAuthority } from '../../ledger/fabric/ca.ts';
import { approvalBy, enrolmentDoor, ensureApprover, readRequest } from '../../ledger/member/enrolment.ts';
import { certifiedBy } from '../../ledger/personal.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { verifyP256 } from '../../ledger/signing.ts';
import { requestOf } from '../support/signing.ts';
import { startTestNetwork, type TestNetwork } from './network.ts';

const PERSON = '00000000-0000-8000-8000-000000000011';
let network: TestNetwork;
let door: ReturnType<typeof enrolmentDoor>;
let folder: string;
let root: string;
const faults: unknown[] = [];

beforeAll(async () => {
  network = await startTestNetwork();
  const { url, name, tlsCaPath, rootPath } = network.profile.organisations.hospital.ca;
  const { registrar } = memberPaths(network.dataDir, 'hospital');
  root = await readFile(rootPath, 'utf8');
  folder = join(network.dataDir, 'door');
  door = enrolmentDoor({
    organisation: 'hospital',
    folder,
    authority: fabricAuthority(
      { url, name, tlsCa: await readFile(tlsCaPath, 'utf8') },
      {
        certificate: await readFile(join(registrar, 'cert.pem'), 'utf8'),
        privateKey: await readFile(join(registrar, 'key.pem'), 'utf8'),
      },
    ),
    chain: network.member('hospital'),
    demonstration: false,
    now: () => new Date(),
    note: (error) => faults.push(error),
  });
  for (const one of ['one', 'two', 'three']) await ensureApprover(folder, one);
});
afterAll(() => network?.remove());

const ask = async (path: string, body?: unknown) => {
  const response = await door.request(
    path,
    body === undefined
      ? undefined
      : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
  );
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

const approve = (kind: string, id: string, name: string) => {
  const request = readRequest(folder, id);
  if (!request) throw new Error('no such request');
  return ask(`/${kind}/${id}/approvals`, approvalBy(folder, 'hospital', request, name));
};

test('a key is certified after two different people have approved, and ended the same way', async () => {
  const key = softwareKey();
  const csr = requestOf(PERSON, key);
  const asked = await ask('/enrolments', { person: PERSON, role: 'therapist', csr });
  expect(asked).toMatchObject({ status: 202, body: { state: 'waiting', approvals: 0, needed: 2 } });
  const id = String(asked.body.id);

  // One person twice is one person, and a signature over another request is nobody's.
  expect(await approve('enrolments', id, 'one')).toMatchObject({ body: { state: 'waiting', approvals: 1 } });
  expect((await approve('enrolments', id, 'one')).status).toBe(403);
  const request = readRequest(folder, id);
  const other = approvalBy(folder, 'administration', request as never, 'two');
  expect((await ask(`/enrolments/${id}/approvals`, other)).status).toBe(403);

  const issued = await approve('enrolments', id, 'two');
  expect(faults).toEqual([]);
  expect(issued.body).toMatchObject({ state: 'issued', approvals: 2 });
  const certificate = readCertificate(String(issued.body.certificate));
  if (!certificate) throw new Error('certificate cannot be read');
  expect(certificate.attributes).toMatchObject({ 'rehab.person': PERSON, 'rehab.role': 'therapist' });
  expect(certifiedBy(certificate, [root])).toBe(true);
  expect(certificate.serial).toBe(new X509Certificate(String(issued.body.certificate)).serialNumber);
  const fingerprint = fingerprintOf(certificate, nodeHashing.hash);
  expect(await network.member('hospital').certificateOf(fingerprint)).toMatchObject({
    person: PERSON,
    role: 'therapist',
    revoked: null,
  });
  // Asked again, it is the same request with the same certificate.
  expect((await ask('/enrolments', { person: PERSON, role: 'therapist', csr })).body).toEqual(issued.body);
  // The same key for somebody else, or for another role, is nobody's.
  expect((await ask('/enrolments', { person: PERSON, role: 'doctor', csr })).status).toBe(409);

  const at = new Date().toISOString();
  const ending = await ask('/revocations', { fingerprint, reason: 'lost', at });
  expect(ending.body).toMatchObject({ state: 'waiting', approvals: 0 });
  const end = String(ending.body.id);
  await approve('revocations', end, 'three');
  expect((await approve('revocations', end, 'one')).body).toMatchObject({ state: 'issued' });
  const list = readRevocationList(await (await door.request('/crl')).text());
  if (!list) throw new Error('revocation list cannot be read');
  expect([...list.revoked.keys()]).toEqual([certificate.serial]);
  expect(
    issuersAmong(list, [root]).some(({ publicKey }) =>
      verifyP256(publicKey, list.toBeSigned, list.signature),
    ),
  ).toBe(true);
  expect(await network.member('hospital').certificateOf(fingerprint)).toMatchObject({
    revoked: { at, reason: 'lost' },
  });
});

test('what is no request is refused, and leaves nothing behind', async () => {
  const key = softwareKey();
  const toSign = certificationRequestToSign(
    enrolmentName(PERSON, key.name),
    Buffer.from(key.publicKey, 'base64url'),
  );
  const forged = certificationRequest(
    toSign,
    derFromP1363(Buffer.from(softwareKey().sign(toSign), 'base64url')),
  );
  for (const body of [
    { person: PERSON, role: 'therapist', csr: forged },
    { person: PERSON, role: 'patient', csr: forged },
    { person: 'x', role: 'therapist', csr: forged },
    { person: PERSON, role: 'therapist', csr: 'x' },
    null,
  ])
    expect((await ask('/enrolments', body)).status).toBe(400);
  expect(
    (await ask('/revocations', { fingerprint: 'a'.repeat(64), reason: 'lost', at: new Date().toISOString() }))
      .status,
  ).toBe(404);
  expect((await ask('/enrolments/00000000-0000-8000-8000-000000000099')).status).toBe(404);
});
