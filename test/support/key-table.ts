// Test support: docs/keys.md as tables: which key files a machine may have, with their algorithm, and what our code takes from
// crypto. Reads the document; knows no key by itself.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ORGANISATIONS } from '../../domain/consortium.ts';

const document = readFileSync(fileURLToPath(new URL('../../docs/keys.md', import.meta.url)), 'utf8');

/** The rows of the table below a heading, as cells. */
function rowsBelow(heading: string): string[][] {
  const [, part = ''] = document.split(`## ${heading}\n`);
  const rows = (part.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
const quoted = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);

/** Calls of crypto that the document names. */
export const namedCalls = (): string[] =>
  rowsBelow('Algorithms in our code').flatMap(([calls]) => quoted(calls));

export interface NamedKey {
  readonly key: string;
  readonly algorithm: string;
  readonly pattern: string;
  is(path: string): boolean;
}

/** One for each file pattern of the document. */
export const namedKeys = (): NamedKey[] =>
  rowsBelow('What there is').flatMap(([key = '', algorithm = '', , , files]) =>
    quoted(files).map((pattern) => {
      const source = pattern
        .replaceAll('.', '\\.')
        .replaceAll('**', '\0')
        .replaceAll('*', '[^/]+')
        .replaceAll('\0', '.+')
        .replaceAll('ORG', `(${ORGANISATIONS.join('|')})`);
      const expression = new RegExp(`^${source}$`);
      return { key, algorithm, pattern, is: (path: string) => expression.test(path) };
    }),
  );

/** Stores, which hold certificates of whoever acted; looked through for private keys all the same. */
const STORES = /^(fabric\/channel\/|fabric\/organisations\/[^/]+\/(peer|orderer)\/data\/)|\.db$/;
/** Written by Postgres, Temporal and the log writers; no key of ours is put there. */
const NOT_OURS = /^(postgres|temporal|cache|logs|pids)\//;
const KEPT = /^keys\/|\/(secrets|registrar|keystore)\//;

export interface KeyFile {
  readonly path: string;
  /** What the file says itself, where it is a PEM key or certificate. */
  readonly algorithm: 'P-256' | 'Ed25519' | undefined;
}

/** Every file of a data folder that holds a private key, a secret or a certificate. */
export function keyFilesIn(dataDir: string): KeyFile[] {
  return filesBelow(dataDir, '').flatMap((path) => {
    const text = unlessGone(() => readFileSync(join(dataDir, path), 'latin1'));
    if (text === undefined) return [];
    const secret = text.includes('PRIVATE KEY-----') || KEPT.test(path);
    const certificate = text.includes('-----BEGIN CERTIFICATE-----') && !STORES.test(path);
    return secret || certificate ? [{ path, algorithm: algorithmOf(path, text) }] : [];
  });
}

function filesBelow(dataDir: string, folder: string): string[] {
  const entries = unlessGone(() => readdirSync(join(dataDir, folder), { withFileTypes: true })) ?? [];
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (NOT_OURS.test(`${path}/`)) return [];
    return entry.isDirectory() ? filesBelow(dataDir, path) : entry.isFile() ? [path] : [];
  });
}

/** What a running machine takes away while it is looked at is not there. */
function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Fabric CA's own format, of keys that nobody uses. */
const IDEMIX = /\/Issuer\w+$/;

function algorithmOf(path: string, text: string): KeyFile['algorithm'] {
  const pem = text.trim();
  if (!pem.startsWith('-----BEGIN') || IDEMIX.test(path)) return undefined;
  const key = pem.includes('PRIVATE KEY') ? createPrivateKey(pem) : new X509Certificate(pem).publicKey;
  if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'P-256';
  if (key.asymmetricKeyType === 'ed25519') return 'Ed25519';
  throw new Error(`key of an algorithm that no table names: ${key.asymmetricKeyType}`);
}
