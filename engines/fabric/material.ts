// Engines, Fabric: each organisation's own keys and certificates, made once, and the identities its CA certifies.
// Promise: private keys lie in their organisation's folder alone, 0600, and are never made a second time.
// Never copies anything from one organisation's folder to another's except public certificates into the genesis.
import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CHAINCODE, CHANNEL, MSP_IDS, ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { type CaAddress, certificationRequestFor, enroll, register } from '../../ledger/fabric/ca.ts';
import type { FabricProfile, IdentityFiles, MemberProfile } from '../../ledger/fabric/profile.ts';
import { fillTemplate, makePrivate, writePrivately } from './configuration.ts';
import {
  connectionPath,
  fabricPaths,
  HOST,
  organisationPaths,
  type Ports,
  peerHostname,
  valuesOf,
} from './layout.ts';
import type { Programs } from './programs.ts';
import { run } from './run.ts';

/** The identity that speaks for its organisation on the channel. */
const MEMBER = { 'rehab.member': 'true' };

/** Identities that each organisation's CA certifies, with the attributes that stand in their certificates. */
const ENROLLED: Readonly<Record<Organisation, Readonly<Record<string, Readonly<Record<string, string>>>>>> = {
  administration: { reader: {}, member: MEMBER },
  hospital: {
    reader: {},
    member: MEMBER,
    // The one identity that the chaincode lets append.
    ledger: { 'rehab.ledger': 'true' },
    // Signs audit entries; it has no business on the channel.
    service: { 'rehab.service': 'true' },
  },
  association: { reader: {}, member: MEMBER },
};

/** A certificate is renewed, with the same key, when it has less than this left. */
const RENEW_BEFORE_MS = 30 * 24 * 60 * 60 * 1000;

/** Makes an organisation's roots, node certificates and administrator, unless they are there. */
export async function ensureMaterial(
  organisation: Organisation,
  { dataDir, ports, programs }: { dataDir: string; ports: Ports; programs: Programs },
): Promise<void> {
  const paths = organisationPaths(dataDir, organisation);
  if (!(await exists(paths.crypto))) {
    await mkdir(paths.folder, { recursive: true, mode: 0o700 });
    const partial = `${paths.crypto}.partial`;
    await rm(partial, { recursive: true, force: true });
    const config = join(paths.folder, 'organisation.yaml');
    const values = valuesOf(dataDir, organisation, ports);
    await writePrivately(config, await fillTemplate('organisation.yaml', values));
    await run(programs.cryptogen, ['generate', `--config=${config}`, `--output=${partial}`]);
    await makePrivate(partial);
    // From here the organisation has its identity; a crash before leaves a folder that the next start removes.
    await rename(partial, paths.crypto);
  }
  // Rewritten at each start, as the ports may only now be known.
  const pem = (path: string) => readFile(path, 'utf8');
  await writePrivately(
    connectionPath(dataDir, organisation),
    JSON.stringify({
      address: `${HOST}:${ports[organisation].chaincode}`,
      dial_timeout: '5s',
      tls_required: true,
      client_auth_required: true,
      client_key: await pem(join(paths.peerTls, 'server.key')),
      client_cert: await pem(join(paths.peerTls, 'server.crt')),
      root_cert: await pem(paths.tlsCa),
    }),
  );
}

/** The secret of an organisation's registrar, made at first use. It lies with the organisation's member alone. */
export async function registrarSecret(dataDir: string, organisation: Organisation): Promise<string> {
  const { registrar, secrets } = organisationPaths(dataDir, organisation);
  await moveFormerRegistrar(secrets, registrar);
  return keptSecret(join(registrar, 'secret'));
}

/** Folders of before the members kept these among the organisation's other secrets; the authority knows them by now. */
async function moveFormerRegistrar(from: string, to: string): Promise<void> {
  for (const [former, name] of [
    ['registrar', 'secret'],
    ['registrar.cert.pem', 'cert.pem'],
    ['registrar.key.pem', 'key.pem'],
  ] as const) {
    if (!(await exists(join(from, former)))) continue;
    await mkdir(to, { recursive: true, mode: 0o700 });
    await rename(join(from, former), join(to, name));
  }
}

/** Folders of before the operator had identities of its own kept them with the hospital's; the keys stay the same. */
async function moveFormerIdentities(dataDir: string, organisation: Organisation): Promise<void> {
  const { identities } = organisationPaths(dataDir, organisation);
  const { operator } = fabricPaths(dataDir);
  if (organisation !== 'hospital' || !(await exists(identities))) return;
  for (const name of await readdir(identities)) {
    if (await exists(join(operator, name))) continue;
    await mkdir(operator, { recursive: true, mode: 0o700 });
    await rename(join(identities, name), join(operator, name));
  }
}

/**
 * Certifies every identity of an organisation that is missing or nears its end, under the key that it has. The CA must be up.
 * Gives the names of those that it certified.
 */
export async function ensureIdentities(
  dataDir: string,
  organisation: Organisation,
  caPort: number,
): Promise<readonly string[]> {
  await moveFormerIdentities(dataDir, organisation);
  const wanted = Object.entries(ENROLLED[organisation]);
  const due = await Promise.all(wanted.map(([name]) => isDue(identityPaths(dataDir, organisation, name))));
  if (!due.includes(true) && !(await isDue(registrarFiles(dataDir, organisation)))) return [];
  const ca = await caAddress(dataDir, organisation, caPort);
  const registrar = await ensureRegistrar(dataDir, organisation, ca);
  for (const [at, [name, attributes]] of wanted.entries()) {
    if (!due[at]) continue;
    const secret = await secretOf(dataDir, organisation, name);
    await register(ca, registrar, { id: name, secret, attributes });
    await certify(dataDir, organisation, ca, name, secret);
  }
  return wanted.flatMap(([name], at) => (due[at] ? [`${name} of ${organisation}`] : []));
}

/** What the hospital's own processes need to reach the network; paths count from the profile's own folder. */
export async function writeProfile(dataDir: string, ports: Ports): Promise<string> {
  const { profile, root } = fabricPaths(dataDir);
  const relative = (path: string) => path.slice(root.length + 1);
  const organisations: Record<string, FabricProfile['organisations'][Organisation]> = {};
  for (const organisation of ORGANISATIONS) {
    const paths = organisationPaths(dataDir, organisation);
    await writePrivately(paths.publicRoot, await readFile(paths.rootCertificate));
    await writePrivately(paths.publicTlsRoot, await readFile(paths.tlsCa));
    const identities: Record<string, IdentityFiles> = { admin: await adminFiles(dataDir, organisation) };
    for (const name of Object.keys(ENROLLED[organisation])) {
      // Nobody but the member itself is given its identity.
      if (name !== 'member') identities[name] = identityPaths(dataDir, organisation, name);
    }
    organisations[organisation] = {
      mspId: MSP_IDS[organisation],
      peer: {
        address: `${HOST}:${ports[organisation].peer}`,
        tlsCaPath: relative(paths.publicTlsRoot),
        hostname: peerHostname(organisation),
      },
      ca: {
        url: `https://${HOST}:${ports[organisation].ca}`,
        tlsCaPath: relative(paths.publicTlsRoot),
        name: `ca-${organisation}`,
        rootPath: relative(paths.publicRoot),
      },
      identities: Object.fromEntries(
        Object.entries(identities).map(([name, { certPath, keyPath }]) => [
          name,
          { certPath: relative(certPath), keyPath: relative(keyPath) },
        ]),
      ),
    };
  }
  const text = JSON.stringify({ channel: CHANNEL, chaincode: CHAINCODE, organisations }, null, 2);
  await writePrivately(profile, `${text}\n`);
  return profile;
}

/**
 * What an organisation's member needs, in its own folder: its own part of the profile and its organisation's roots.
 * Paths count from that folder, so that it can be carried to another machine.
 */
export async function writeMemberProfile(
  dataDir: string,
  organisation: Organisation,
  ports: Ports,
): Promise<void> {
  const paths = organisationPaths(dataDir, organisation);
  await writePrivately(paths.memberRoot, await readFile(paths.rootCertificate));
  await writePrivately(paths.memberTlsRoot, await readFile(paths.tlsCa));
  const profile: MemberProfile = {
    channel: CHANNEL,
    chaincode: CHAINCODE,
    organisation,
    peer: {
      address: `${HOST}:${ports[organisation].peer}`,
      tlsCaPath: 'roots/tls.pem',
      hostname: peerHostname(organisation),
    },
    ca: {
      url: `https://${HOST}:${ports[organisation].ca}`,
      tlsCaPath: 'roots/tls.pem',
      name: `ca-${organisation}`,
      rootPath: 'roots/ca.pem',
    },
    identity: { certPath: 'identity/cert.pem', keyPath: 'identity/key.pem' },
  };
  await writePrivately(paths.memberProfile, `${JSON.stringify(profile, null, 2)}\n`);
}

/** Certificate and key of an organisation's administrator on the channel. */
export async function adminFiles(dataDir: string, organisation: Organisation): Promise<IdentityFiles> {
  const msp = join(organisationPaths(dataDir, organisation).admin, 'msp');
  const [cert] = await readdir(join(msp, 'signcerts'));
  const [key] = await readdir(join(msp, 'keystore'));
  return { certPath: join(msp, 'signcerts', String(cert)), keyPath: join(msp, 'keystore', String(key)) };
}

function identityPaths(dataDir: string, organisation: Organisation, name: string): IdentityFiles {
  const { identities, memberIdentity } = organisationPaths(dataDir, organisation);
  // What the hospital's own processes use lies where those can read it, apart from the hospital's peer and authority.
  const others = organisation === 'hospital' ? fabricPaths(dataDir).operator : identities;
  const folder = name === 'member' ? memberIdentity : join(others, name);
  return { certPath: join(folder, 'cert.pem'), keyPath: join(folder, 'key.pem') };
}

async function caAddress(dataDir: string, organisation: Organisation, port: number): Promise<CaAddress> {
  const { tlsCa } = organisationPaths(dataDir, organisation);
  return {
    url: `https://${HOST}:${port}`,
    name: `ca-${organisation}`,
    tlsCa: await readFile(tlsCa, 'utf8'),
  };
}

function registrarFiles(dataDir: string, organisation: Organisation): IdentityFiles {
  const { registrar } = organisationPaths(dataDir, organisation);
  return { certPath: join(registrar, 'cert.pem'), keyPath: join(registrar, 'key.pem') };
}

/** The registrar's own certificate lies beside its secret, not among the identities that others are given. */
async function ensureRegistrar(dataDir: string, organisation: Organisation, ca: CaAddress) {
  const secret = await registrarSecret(dataDir, organisation);
  const files = registrarFiles(dataDir, organisation);
  if (await isDue(files)) await certifyInto(files, ca, 'registrar', secret);
  return {
    certificate: await readFile(files.certPath, 'utf8'),
    privateKey: await readFile(files.keyPath, 'utf8'),
  };
}

async function certify(
  dataDir: string,
  organisation: Organisation,
  ca: CaAddress,
  name: string,
  secret: string,
) {
  await certifyInto(identityPaths(dataDir, organisation, name), ca, name, secret);
}

async function certifyInto(files: IdentityFiles, ca: CaAddress, id: string, secret: string): Promise<void> {
  if (!(await exists(files.keyPath))) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await writePrivately(files.keyPath, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  }
  const csr = certificationRequestFor(id, await readFile(files.keyPath, 'utf8'));
  const certificate = await enroll(ca, { id, secret, csr });
  // What was signed under an earlier certificate names that one, so it stays beside the new one.
  if (await exists(files.certPath)) await keepFormer(files.certPath);
  await writePrivately(files.certPath, certificate);
}

async function keepFormer(certPath: string): Promise<void> {
  const { fingerprint256 } = new X509Certificate(await readFile(certPath));
  const name = `former-${fingerprint256.replaceAll(':', '').toLowerCase().slice(0, 16)}.pem`;
  await writePrivately(join(dirname(certPath), name), await readFile(certPath, 'utf8'));
}

async function isDue({ certPath, keyPath }: IdentityFiles): Promise<boolean> {
  if (!(await exists(certPath)) || !(await exists(keyPath))) return true;
  const end = new X509Certificate(await readFile(certPath)).validToDate.getTime();
  return end - Date.now() < RENEW_BEFORE_MS;
}

function secretOf(dataDir: string, organisation: Organisation, name: string): Promise<string> {
  return keptSecret(join(organisationPaths(dataDir, organisation).secrets, name));
}

/** Written before it is first used, so that a crash in between leaves a name that can still be enrolled. */
async function keptSecret(path: string): Promise<string> {
  if (!(await exists(path))) await writePrivately(path, randomBytes(24).toString('base64url'));
  return (await readFile(path, 'utf8')).trim();
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
