// Certification requests and the authority's door: what is sent, what comes back, what is refused.
// Runs against the real Fabric CA of a real network.
import { createPrivateKey, createPublicKey, generateKeyPairSync, verify, X509Certificate } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { organisationPaths } from '../../engines/fabric/layout.ts';
import { certificationRequestToSign } from '../../ledger/certification-request.ts';
import {
  type CaAddress,
  CaTrouble,
  certificationRequestFor,
  enroll,
  keyIdOfCertificate,
  register,
} from '../../ledger/fabric/ca.ts';
import type { IdentityFiles } from '../../ledger/fabric/profile.ts';
import { ChainRefusal } from '../../ledger/fabric/trouble.ts';
import { certificateHolds, entrySigner } from '../../ledger/signing.ts';
import { startTestNetwork, type TestNetwork } from './network.ts';
import { createTestLog } from './test-log.ts';

let network: TestNetwork;
let ca: CaAddress;
let registrar: { certificate: string; privateKey: string };

beforeAll(async () => {
  network = await startTestNetwork();
  const { url, name, tlsCaPath } = network.profile.organisations.hospital.ca;
  ca = { url, name, tlsCa: await readFile(tlsCaPath, 'utf8') };
  const folder = join(network.dataDir, 'members/hospital/registrar');
  registrar = {
    certificate: await readFile(join(folder, 'cert.pem'), 'utf8'),
    privateKey: await readFile(join(folder, 'key.pem'), 'utf8'),
  };
});
afterAll(() => network?.remove());

function newKey() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { privateKey: String(privateKey.export({ type: 'pkcs8', format: 'pem' })), publicKey };
}

test('a registered person’s key is certified, with the attributes, as a member of the organisation', async () => {
  const { privateKey, publicKey } = newKey();
  await register(ca, registrar, {
    id: 'person-1',
    secret: 'one-time',
    attributes: { 'rehab.person': 'p-1' },
  });
  const pem = await enroll(ca, {
    id: 'person-1',
    secret: 'one-time',
    csr: certificationRequestFor('person-1', privateKey),
  });
  const certificate = new X509Certificate(pem);
  expect(certificate.publicKey.equals(publicKey)).toBe(true);
  expect(certificate.raw.toString('latin1')).toContain(
    '{"attrs":{"hf.Affiliation":"","hf.EnrollmentID":"person-1","hf.Type":"client","rehab.person":"p-1"}}',
  );
  expect(keyIdOfCertificate(pem)).toMatch(/^[0-9a-f]{64}$/);
});

test('two hundred requests are well-formed, whatever the signature’s length', () => {
  // Leading zeros and set sign bits make DER integers of 31 to 33 bytes; all must come out right.
  for (let at = 0; at < 200; at += 1) {
    const { privateKey, publicKey } = newKey();
    const pem = certificationRequestFor(`name ${'x'.repeat(at)}`, privateKey);
    const der = Buffer.from(pem.replace(/-----.*-----|\n/g, ''), 'base64');
    const toSign = certificationRequestToSign(
      `name ${'x'.repeat(at)}`,
      publicKey.export({ type: 'spki', format: 'der' }),
    );
    const at0 = der.indexOf(toSign);
    expect(at0).toBeGreaterThan(0);
    const signature = der.subarray(der.indexOf(Buffer.from([0x03]), at0 + toSign.length + 12));
    expect(verify('sha256', toSign, createPublicKey(privateKey), signature.subarray(3))).toBe(true);
  }
});

test('a hundred tokens of the registrar are all accepted', async () => {
  // Half of all ECDSA signatures have the larger s, which Fabric refuses; the name is known after the first.
  for (let at = 0; at < 100; at += 1) {
    await register(ca, registrar, { id: 'person-2', secret: 'first', attributes: {} });
  }
  const { privateKey } = newKey();
  const csr = certificationRequestFor('person-2', privateKey);
  await expect(enroll(ca, { id: 'person-2', secret: 'first', csr })).resolves.toContain('BEGIN CERTIFICATE');
});

test('refused: a wrong secret, a foreign registrar, a role that is not the registrar’s to give, a request that is none', async () => {
  const { privateKey } = newKey();
  const csr = certificationRequestFor('ledger', privateKey);
  await expect(enroll(ca, { id: 'ledger', secret: 'guess', csr })).rejects.toBeInstanceOf(CaTrouble);
  const foreign = join(network.dataDir, 'members/association/registrar');
  const stranger = {
    certificate: await readFile(join(foreign, 'cert.pem'), 'utf8'),
    privateKey: await readFile(join(foreign, 'key.pem'), 'utf8'),
  };
  const identity = { id: 'person-3', secret: 's', attributes: {} };
  await expect(register(ca, stranger, identity)).rejects.toBeInstanceOf(CaTrouble);
  const powers = { id: 'person-4', secret: 's', attributes: { 'hf.Registrar.Roles': 'admin' } };
  await expect(register(ca, registrar, powers)).rejects.toBeInstanceOf(CaTrouble);
  await register(ca, registrar, { id: 'person-5', secret: 's', attributes: {} });
  await expect(enroll(ca, { id: 'person-5', secret: 's', csr: 'not a request' })).rejects.toBeInstanceOf(
    CaTrouble,
  );
});

test('an authority with another TLS root, or none, is never talked to', async () => {
  const other = await readFile(network.profile.organisations.association.ca.tlsCaPath, 'utf8');
  const csr = certificationRequestFor('x', newKey().privateKey);
  await expect(enroll({ ...ca, tlsCa: other }, { id: 'x', secret: 'x', csr })).rejects.toThrow(
    /CA cannot be asked/,
  );
  await expect(
    enroll({ ...ca, url: 'https://127.0.0.1:1' }, { id: 'x', secret: 'x', csr }),
  ).rejects.toMatchObject({ code: 0 });
});

test('the ledger attribute from another organisation’s authority does not let it append', async () => {
  const secrets = join(network.dataDir, 'members/association/registrar');
  const own = network.profile.organisations.association;
  const address = { url: own.ca.url, name: own.ca.name, tlsCa: await readFile(own.ca.tlsCaPath, 'utf8') };
  const theirs = {
    certificate: await readFile(join(secrets, 'cert.pem'), 'utf8'),
    privateKey: await readFile(join(secrets, 'key.pem'), 'utf8'),
  };
  const { privateKey } = newKey();
  await register(address, theirs, { id: 'ledger', secret: 's', attributes: { 'rehab.ledger': 'true' } });
  const csr = certificationRequestFor('ledger', privateKey);
  const certificate = await enroll(address, { id: 'ledger', secret: 's', csr });
  const files = {
    certPath: join(network.dataDir, 'forged.pem'),
    keyPath: join(network.dataDir, 'forged.key'),
  };
  await writeFile(files.certPath, certificate);
  await writeFile(files.keyPath, privateKey);
  const profile = structuredClone(network.profile);
  profile.organisations.association.identities.forged = files;
  const chain = network.client({ profile, as: { organisation: 'association', identity: 'forged' } });
  const log = createTestLog();
  await log.grow(3);
  const refused = await chain.append(await log.batch(0, 3)).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ChainRefusal);
  expect((refused as ChainRefusal).code).toBe('NOT_ALLOWED');
});

test('identities that near their end are renewed by a start, with the same keys; former certificates stay', async () => {
  const config = join(organisationPaths(network.dataDir, 'hospital').ca, 'fabric-ca-server-config.yaml');
  const { certPath, keyPath } = network.profile.organisations.hospital.identities.service as IdentityFiles;
  const key = await readFile(keyPath, 'utf8');
  // An authority whose certificates last an hour gives the service a new one.
  await network.stopNode('ca', 'hospital');
  await writeFile(config, (await readFile(config, 'utf8')).replace('expiry: 8760h', 'expiry: 1h'));
  await network.startNode('ca', 'hospital');
  const secret = await readFile(
    join(organisationPaths(network.dataDir, 'hospital').secrets, 'service'),
    'utf8',
  );
  const csr = certificationRequestFor('service', key);
  const short = await enroll(ca, { id: 'service', secret: secret.trim(), csr });
  const hours = (pem: string) => (new X509Certificate(pem).validToDate.getTime() - Date.now()) / 3_600_000;
  expect(hours(short)).toBeLessThan(1.1);
  await writeFile(certPath, short);
  const body = Buffer.from('signed under the certificate that ends');
  const signature = entrySigner(createPrivateKey(key), short).sign(body);

  await network.restart();
  const renewed = await readFile(certPath, 'utf8');
  expect(hours(renewed)).toBeGreaterThan(8000);
  expect(await readFile(keyPath, 'utf8')).toBe(key);
  const former = (await readdir(dirname(certPath))).filter((name) => name.startsWith('former-'));
  const kept = await Promise.all(former.map((name) => readFile(join(dirname(certPath), name), 'utf8')));
  expect(kept).toContain(short);
  const was = new X509Certificate(short);
  const root = await readFile(network.profile.organisations.hospital.ca.rootPath, 'utf8');
  expect(certificateHolds(was, [new X509Certificate(root)], new Date())).toBe(true);
  expect(verify('sha256', body, { key: was.publicKey, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
});
