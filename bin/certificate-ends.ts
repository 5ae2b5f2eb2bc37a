// Composition: which certificates a machine's data folder holds, when each ends, and who renews it how. Reads public halves only;
// what was signed under a former certificate is nobody's trouble any more.
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export interface CertificateEnd {
  /** The first file that holds it, from the data folder. */
  readonly path: string;
  /** How many files hold the same one. */
  readonly copies: number;
  /** Days until it ends; below 0 when it has. */
  readonly days: number;
  /** What a person does. */
  readonly remedy: string;
}

const DAY_MS = 86_400_000;

/** What was signed under it names it, so it stays; that it ends is no trouble. */
const FORMER = /\bformer-[0-9a-f]+\.pem$/;

/** By where a certificate lies, what it is: the first that fits. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [
    /^(fabric\/operator|fabric\/organisations\/[^/]+\/identities|members\/[^/]+\/(identity|registrar))\//,
    'Run "rehab keys renew", which has it certified anew for the same key; a running machine does so by itself each hour, and so does a start.',
  ],
  [
    /\/(users|peers)\/[^/]+\/(tls\/(server|client)\.crt|msp\/signcerts\/)/,
    'Have its key certified anew by its organisation’s authority, for TLS by the TLS authority, put the certificate in its place and start that node again, one organisation after the other; the channel goes on with the two others.',
  ],
  [
    /\/(ca|tlsca|cacerts|tlscacerts|roots)\/|\/tls\/ca\.crt$/,
    'It is an authority’s: before that day put its new certificate, for the same key, into the channel’s configuration and everybody’s trust.json, agreed on by two of three organisations.',
  ],
];

/** Each certificate once, the one that ends first in front. */
export function certificateEnds(dataDir: string, now: Date): CertificateEnd[] {
  const known = new Map<string, CertificateEnd>();
  const paths = ['fabric', 'members'].flatMap((folder) => filesBelow(dataDir, join(dataDir, folder)));
  for (const path of paths.filter((name) => /\.(pem|crt)$/.test(name) && !FORMER.test(name))) {
    const text = readFileSync(join(dataDir, path), 'utf8');
    if (!text.includes('BEGIN CERTIFICATE')) continue;
    const { fingerprint256, validToDate } = new X509Certificate(text);
    const before = known.get(fingerprint256);
    const days = (validToDate.getTime() - now.getTime()) / DAY_MS;
    const remedy =
      REMEDIES.find(([place]) => place.test(path))?.[1] ?? 'Have it renewed by whoever issued it.';
    known.set(
      fingerprint256,
      before ? { ...before, copies: before.copies + 1 } : { path, copies: 1, days, remedy },
    );
  }
  return [...known.values()].sort((a, b) => a.days - b.days);
}

const filesBelow = (dataDir: string, folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(dataDir, join(entry.parentPath, entry.name)))
        .sort()
    : [];
