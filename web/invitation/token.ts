// Station 1, web: the secret of an invitation: 256 random bits, shown once as part of a link. Only its SHA-256 is kept. It stands
// behind the link's "#", which no browser sends: no log, no proxy and no Referer ever has it.
import { createHash, randomBytes } from 'node:crypto';
import { paths } from '../paths.ts';

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

/** A new link at the web's address, and the hash by which it is known. */
export function newLink(publicUrl: URL): { readonly link: string; readonly tokenHash: string } {
  const token = randomBytes(32).toString('base64url');
  return { link: `${new URL(paths.invitation, publicUrl).href}#${token}`, tokenHash: hashOf(token) };
}

/** The hash of what a browser sent as its token; undefined when it cannot be one. */
export const sentHash = (token: unknown): string | undefined =>
  typeof token === 'string' && /^[\w-]{43}$/.test(token) ? hashOf(token) : undefined;
