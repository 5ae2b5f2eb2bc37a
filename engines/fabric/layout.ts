// Engines, Fabric: where everything lies in the data folder, and on which ports each organisation listens.
// Promise: what belongs to one organisation lies under its own folder, which no other process user can read.
// Never holds a path outside the data folder except the product's own files.
import { join } from 'node:path';
import { CHAINCODE, MSP_IDS, ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { choosePort } from '../ports.ts';
import type { Progress } from '../progress.ts';

/** The address that everything listens on and is called at; a network beyond one machine is given by a profile. */
export const HOST = '127.0.0.1';

const PORT_NAMES = [
  'peer',
  'peer-operations',
  'peer-chaincode',
  'orderer',
  'orderer-admin',
  'orderer-operations',
  'ca',
  'ca-operations',
  'chaincode',
] as const;
export type PortName = (typeof PORT_NAMES)[number];
export type Ports = Readonly<Record<Organisation, Readonly<Record<PortName, number>>>>;

export function fabricPaths(dataDir: string) {
  const root = join(dataDir, 'fabric');
  return {
    root,
    profile: join(root, 'profile.json'),
    /** Written last; its presence says that channel and chaincode stand. */
    marker: join(root, 'set-up.json'),
    channel: join(root, 'channel'),
    genesis: join(root, 'channel', 'genesis.block'),
    chaincode: join(root, 'chaincode'),
    organisations: join(root, 'organisations'),
    /** Certificates of the three roots, for everybody. */
    roots: join(root, 'roots'),
    /** The identities with which the hospital's own processes reach the channel, and sign. */
    operator: join(root, 'operator'),
    logs: join(dataDir, 'logs'),
  };
}

/** One organisation's files. */
export function organisationPaths(dataDir: string, organisation: Organisation) {
  const folder = join(fabricPaths(dataDir).organisations, organisation);
  const domain = domainOf(organisation);
  const crypto = join(folder, 'crypto', 'peerOrganizations', domain);
  const node = (name: string) => join(crypto, 'peers', `${name}.${domain}`);
  return {
    folder,
    crypto: join(folder, 'crypto'),
    /** The organisation's public membership: what the channel knows of it. */
    msp: join(crypto, 'msp'),
    root: join(crypto, 'ca'),
    /** The public half of it: what verification starts from. */
    rootCertificate: join(crypto, 'msp', 'cacerts', `ca.${domain}-cert.pem`),
    tlsCa: join(crypto, 'tlsca', `tlsca.${domain}-cert.pem`),
    admin: join(crypto, 'users', `Admin@${domain}`),
    peer: join(folder, 'peer'),
    peerMsp: join(node('peer'), 'msp'),
    peerTls: join(node('peer'), 'tls'),
    orderer: join(folder, 'orderer'),
    ordererMsp: join(node('orderer'), 'msp'),
    ordererTls: join(node('orderer'), 'tls'),
    ca: join(folder, 'ca'),
    caTls: join(node('ca'), 'tls'),
    chaincode: join(folder, 'chaincode'),
    chaincodeTls: join(node('chaincode'), 'tls'),
    identities: join(folder, 'identities'),
    publicRoot: join(fabricPaths(dataDir).roots, organisation, 'ca.pem'),
    publicTlsRoot: join(fabricPaths(dataDir).roots, organisation, 'tls.pem'),
    secrets: join(folder, 'secrets'),
    ...memberPaths(dataDir, organisation),
  };
}

/** What an organisation's member has: all of it in one folder that is its own, and nothing outside it. */
export function memberPaths(dataDir: string, organisation: Organisation) {
  const member = join(dataDir, 'members', organisation);
  return {
    member,
    memberProfile: join(member, 'profile.json'),
    memberIdentity: join(member, 'identity'),
    memberRoot: join(member, 'roots', 'ca.pem'),
    memberTlsRoot: join(member, 'roots', 'tls.pem'),
    /** Secret, certificate and key of the one who may register names at the organisation's authority. */
    registrar: join(member, 'registrar'),
  };
}

/** The name space of an organisation's certificates; `.internal` is reserved for private use (ICANN, 2024). */
export function domainOf(organisation: Organisation): string {
  return `${organisation}.rehab.internal`;
}

/** The name that an organisation's peer proves in TLS. */
export function peerHostname(organisation: Organisation): string {
  return `peer.${domainOf(organisation)}`;
}

/** The ports of all organisations: chosen once, then kept, because the channel's own configuration names them. */
export async function choosePorts(dataDir: string, fixed: boolean, progress: Progress): Promise<Ports> {
  const ports: Record<string, Record<string, number>> = {};
  for (const organisation of ORGANISATIONS) {
    const own: Record<string, number> = {};
    for (const name of PORT_NAMES) {
      own[name] = await choosePort({ dataDir, name: `${name}-${organisation}`, fixed, progress });
    }
    ports[organisation] = own;
  }
  // The cast holds: both loops run over all names.
  return ports as Ports;
}

/** The values that the configuration templates of one organisation name. */
export function valuesOf(dataDir: string, organisation: Organisation, ports: Ports): Record<string, string> {
  const paths = organisationPaths(dataDir, organisation);
  const own = ports[organisation];
  return {
    ORG: organisation,
    DOMAIN: domainOf(organisation),
    MSP_ID: MSP_IDS[organisation],
    HOST,
    MSP: paths.msp,
    PEER_PORT: String(own.peer),
    PEER_OPERATIONS_PORT: String(own['peer-operations']),
    PEER_CHAINCODE_PORT: String(own['peer-chaincode']),
    PEER_MSP: paths.peerMsp,
    PEER_TLS: paths.peerTls,
    PEER_DATA: join(paths.peer, 'data'),
    ORDERER_PORT: String(own.orderer),
    ORDERER_ADMIN_PORT: String(own['orderer-admin']),
    ORDERER_OPERATIONS_PORT: String(own['orderer-operations']),
    ORDERER_MSP: paths.ordererMsp,
    ORDERER_TLS: paths.ordererTls,
    ORDERER_DATA: join(paths.orderer, 'data'),
    CA_PORT: String(own.ca),
    CA_OPERATIONS_PORT: String(own['ca-operations']),
    CA_TLS: paths.caTls,
    CA_ROOT: paths.root,
    BUILDER: join(import.meta.dirname, 'builder'),
  };
}

/** Where the file that tells a peer its chaincode's address lies. */
export function connectionPath(dataDir: string, organisation: Organisation): string {
  return join(organisationPaths(dataDir, organisation).chaincode, `${CHAINCODE}.connection.json`);
}
