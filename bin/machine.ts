// Composition: what every process of ours is made of: its settings, its secrets, its way to Postgres, Temporal and
// Fabric. The processes hold no state; all of it lies in the data folder or behind the settings.
import { createHash, createHmac, createPrivateKey, type KeyObject } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DATABASE_ROLES, type DatabaseRole, type RolePasswords, roleUrl } from '../db/migrate.ts';
import { ORGANISATIONS } from '../domain/consortium.ts';
import type { KeyedHash } from '../domain/operation-key.ts';
import { keptSecret } from '../engines/secrets.ts';
import { identityFiles, readFabricProfile } from '../ledger/fabric/profile.ts';
import type { CaRoots } from '../ledger/personal.ts';
import { type KeyRing, type KeyStore, keyRing } from '../ledger/record-key.ts';
import { type EntrySigner, entrySigner } from '../ledger/signing.ts';
import { readConfig, type Settings } from './config.ts';
import { keyFiles } from './key-files.ts';
import { type RunFile, readRunFile } from './run-file.ts';

/** Secrets of one data folder, made once at the first start. */
export interface Secrets {
  /** Key of the Temporal payload codec. */
  readonly payload: Uint8Array;
  /** HMAC under the operation secret. */
  readonly keyed: KeyedHash;
  readonly passwords: RolePasswords;
  readonly keyStore: KeyStore;
  readonly keys: KeyRing;
  /** Ed25519 seed of the log's checkpoint key. */
  readonly logSeed: Uint8Array;
}

export function secretsOf(dataDir: string): Secrets {
  const secret = (name: string): Buffer => Buffer.from(keptSecret(dataDir, name), 'hex');
  const operation = secret('operation');
  const keyStore = keyFiles(join(dataDir, 'keys', 'subjects'));
  return {
    payload: secret('payload'),
    keyed: (text) => createHmac('sha256', operation).update(text).digest('base64url'),
    passwords: Object.fromEntries(
      DATABASE_ROLES.map((role) => [role, keptSecret(dataDir, `database-${role}`)]),
    ) as RolePasswords,
    keyStore,
    keys: keyRing(keyStore),
    logSeed: secret('log'),
  };
}

/** An Ed25519 private key from its 32-byte seed (RFC 8410 PKCS#8 wrapping). */
export const ed25519FromSeed = (seed: Uint8Array): KeyObject =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]),
    format: 'der',
    type: 'pkcs8',
  });

/** A machine, or a process somewhere: what is set, and what runs beside it. */
export interface Machine {
  readonly dataDir: string;
  readonly settings: Settings;
  readonly run: RunFile | undefined;
  readonly secrets: Secrets;
}

export function machineOf(dataDir: string): Machine {
  return { dataDir, settings: readConfig(), run: readRunFile(dataDir), secrets: secretsOf(dataDir) };
}

const missing = (what: string, setting: string): Error =>
  new Error(
    `${what} is not known; set ${setting}, or start the machine with npm start and name its data folder with --data`,
  );

/** Postgres under a process's role. */
export function databaseUrl(machine: Machine, role: DatabaseRole): string {
  if (machine.settings.REHAB_DATABASE_URL) return machine.settings.REHAB_DATABASE_URL;
  if (!machine.run) throw missing('Postgres', 'REHAB_DATABASE_URL');
  return roleUrl(machine.run.postgres.owner, role, machine.secrets.passwords);
}

export function temporalAddress(machine: Machine): string {
  const address = machine.settings.TEMPORAL_ADDRESS ?? machine.run?.temporal;
  if (!address) throw missing('Temporal', 'TEMPORAL_ADDRESS');
  return address;
}

export function fabricProfilePath(machine: Machine): string {
  const path = machine.settings.FABRIC_PROFILE ?? machine.run?.fabric.profile;
  if (!path) throw missing('the Fabric network', 'FABRIC_PROFILE');
  return path;
}

/** The organisations' authorities, whose certificates persons sign under. */
export function authorityRoots(machine: Machine): CaRoots {
  const { organisations } = readFabricProfile(fabricProfilePath(machine));
  return Object.fromEntries(
    ORGANISATIONS.map((name) => [name, [readFileSync(organisations[name].ca.rootPath, 'utf8')]]),
  );
}

/** The certificate that the hospital's CA gave the service, PEM. */
export const serviceCertificate = (machine: Machine): string =>
  readFileSync(
    identityFiles(readFabricProfile(fabricProfilePath(machine)), 'hospital', 'service').certPath,
    'utf8',
  );

/** The service's signer, from that certificate. */
export function serviceSigner(machine: Machine): EntrySigner {
  const identity = identityFiles(readFabricProfile(fabricProfilePath(machine)), 'hospital', 'service');
  return entrySigner(
    createPrivateKey(readFileSync(identity.keyPath)),
    readFileSync(identity.certPath, 'utf8'),
  );
}

/** How often it is looked whether a certificate was renewed. */
const RENEWED_LOOK_MS = 1_000;

/**
 * The service's signer as its files say at each call: what was renewed while we run is used without a restart. While the files
 * cannot be read, or do not belong together, the one before goes on.
 */
export function renewedSigner(machine: Machine): () => EntrySigner {
  const { certPath } = identityFiles(readFabricProfile(fabricProfilePath(machine)), 'hospital', 'service');
  // First, so that what is renewed while it is read is read again.
  let written = statSync(certPath).mtimeMs;
  let signer = serviceSigner(machine);
  let looked = performance.now();
  return () => {
    if (performance.now() - looked < RENEWED_LOOK_MS) return signer;
    looked = performance.now();
    try {
      const now = statSync(certPath).mtimeMs;
      if (now === written) return signer;
      signer = serviceSigner(machine);
      written = now;
    } catch {
      // Looked for again; when the certificate ends before that, it is said in words.
    }
    return signer;
  };
}

const DECIDING_FOLDERS = ['activities', 'db', 'domain', 'ledger', 'workflows'];

/** Hash of the code that decides, as it stands in entries: SHA-256 over its files, first 32 hexadecimal digits. */
export function processBundle(): string {
  const hash = createHash('sha256');
  const root = fileURLToPath(new URL('..', import.meta.url));
  const ending = extname(fileURLToPath(import.meta.url));
  for (const folder of DECIDING_FOLDERS) {
    const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith(ending) && !name.includes('node_modules'))
      .sort();
    for (const name of files)
      hash.update(`${folder}/${name}\n`).update(readFileSync(join(root, folder, name)));
  }
  return hash.digest('hex').slice(0, 32);
}
