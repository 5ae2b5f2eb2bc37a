// Station 1, web: passkeys, with the well-kept library. User verification is demanded, so that a passkey is both factors (I3).
// Challenges and counts of tries lie in the database, so that several web processes act as one (I4). Knows nobody by name.
import { randomUUID } from 'node:crypto';
import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import { and, asc, eq, gt, isNull, lt, sql } from 'drizzle-orm';
import type { Context } from 'hono';
import { z } from 'zod';
import {
  passkeyChallengeCache,
  passkeySession,
  roleAssignments,
  signInAttemptCache,
  webSession,
} from '../../db/schema.ts';
import type { Role } from '../../domain/roles.ts';
import { parseIJson } from '../../ledger/canonical.ts';
import type { WebDeps, WebEnv } from '../deps.ts';
import { FORM_BYTES, readBody } from '../form.ts';
import { type Asking, recordEvent } from '../recorded.ts';

/** How long a challenge may be answered. */
const CHALLENGE_MS = 5 * 60_000;
/** Tries of one address before it has to wait, and the longest wait. Never a lock: it always ends. */
const FREE_TRIES = 20;
const WINDOW_SECONDS = 60;
const LONGEST_WAIT_SECONDS = 900;
/** Passkeys of one person. */
export const MAX_PASSKEYS = 10;

/** Passkeys belong to a name; browsers refuse them for an address in numbers. */
export const passkeysWork = (publicUrl: URL): boolean =>
  !/^\d{1,3}(\.\d{1,3}){3}$/.test(publicUrl.hostname) && !publicUrl.hostname.startsWith('[');

const RP_NAME = 'Rehabilitation';

// Only what the library itself reads is let through, and nothing is guessed: it checks every field.
const text = z.string().max(16_384);
const shared = {
  id: text,
  rawId: text,
  type: z.literal('public-key'),
  authenticatorAttachment: text.optional(),
  clientExtensionResults: z.looseObject({}),
};
const authentication = z.object({
  id: z.uuid(),
  response: z.object({
    ...shared,
    response: z.object({
      clientDataJSON: text,
      authenticatorData: text,
      signature: text,
      userHandle: text.optional(),
    }),
  }),
});
const registration = z.object({
  id: z.uuid(),
  response: z.object({
    ...shared,
    response: z.object({
      clientDataJSON: text,
      attestationObject: text,
      transports: z.array(z.string().max(40)).max(10).optional(),
    }),
  }),
});

/** The body of a program's request as JSON, or undefined when it is none. Caps come first (N2). */
export async function jsonBody(c: Context<WebEnv>): Promise<unknown> {
  const bytes = await readBody(c, FORM_BYTES);
  if (bytes === 'too-large') return undefined;
  const read = parseIJson(bytes, { depth: 8, keys: 500, keysPerObject: 100 });
  return read.ok ? read.value : undefined;
}

/**
 * Counts a try of an address before anything is checked.
 * @returns seconds to wait, or 0
 */
export async function countTry(c: Context<WebEnv>, deps: WebDeps): Promise<number> {
  const now = deps.now();
  const id = bucketOf(c, deps);
  const until = new Date(now.getTime() + WINDOW_SECONDS * 1000).toISOString();
  const at = now.toISOString();
  const over = lt(signInAttemptCache.endsAt, at);
  // Each try beyond the free ones doubles the time until the count ends.
  const [row] = await deps.db
    .insert(signInAttemptCache)
    .values({ id, tries: 1, endsAt: until })
    .onConflictDoUpdate({
      target: signInAttemptCache.id,
      set: {
        tries: sql`case when ${over} then 1 else least(${signInAttemptCache.tries} + 1, 1000) end`,
        endsAt: sql`case when ${over} then ${until}::timestamptz
          when ${signInAttemptCache.tries} < ${FREE_TRIES} then ${signInAttemptCache.endsAt}
          else ${at}::timestamptz + make_interval(secs => least(${LONGEST_WAIT_SECONDS}, 2 ^ least(${signInAttemptCache.tries} - ${FREE_TRIES}, 20))) end`,
      },
    })
    .returning({ tries: signInAttemptCache.tries, endsAt: signInAttemptCache.endsAt });
  if (!row || row.tries <= FREE_TRIES) return 0;
  return Math.max(1, Math.ceil((new Date(row.endsAt).getTime() - now.getTime()) / 1000));
}

/** An address that signed in has shown who it is: its count begins again. */
export const forgetTries = (c: Context<WebEnv>, deps: WebDeps) =>
  deps.db.delete(signInAttemptCache).where(eq(signInAttemptCache.id, bucketOf(c, deps)));

/** The socket's address, never a header's; kept as a keyed digest. */
const bucketOf = (c: Context<WebEnv>, deps: WebDeps): string =>
  deps.keyed(`sign-in ${c.env?.incoming?.socket?.remoteAddress ?? 'unknown'}`);

async function keepChallenge(deps: WebDeps, challenge: string, person: string | null): Promise<string> {
  const now = deps.now();
  const id = randomUUID();
  await deps.db.delete(passkeyChallengeCache).where(lt(passkeyChallengeCache.endsAt, now.toISOString()));
  await deps.db.insert(passkeyChallengeCache).values({
    id,
    challenge,
    personId: person,
    endsAt: new Date(now.getTime() + CHALLENGE_MS).toISOString(),
  });
  return id;
}

/** A challenge is answered once, by whom it was given to. */
async function takeChallenge(deps: WebDeps, id: string, person: string | null): Promise<string | undefined> {
  const [row] = await deps.db
    .delete(passkeyChallengeCache)
    .where(
      and(
        eq(passkeyChallengeCache.id, id),
        gt(passkeyChallengeCache.endsAt, deps.now().toISOString()),
        person === null ? isNull(passkeyChallengeCache.personId) : eq(passkeyChallengeCache.personId, person),
      ),
    )
    .returning({ challenge: passkeyChallengeCache.challenge });
  return row?.challenge;
}

/** Options for signing in: no name is asked, the device offers what it has. */
export async function signInOptions(deps: WebDeps) {
  const options = await generateAuthenticationOptions({
    rpID: deps.settings.publicUrl.hostname,
    userVerification: 'required',
  });
  return { id: await keepChallenge(deps, options.challenge, null), options };
}

/** Who signs in with this answer, and in which of their roles; undefined when it is not so, whatever the reason (I7). */
export async function signInWith(
  c: Context<WebEnv>,
  deps: WebDeps,
  body: unknown,
): Promise<{ person: string; role: Role } | undefined> {
  const read = authentication.safeParse(body);
  if (!read.success) return undefined;
  const challenge = await takeChallenge(deps, read.data.id, null);
  if (!challenge) return undefined;
  const response = read.data.response as AuthenticationResponseJSON;
  const [known] = await deps.db.select().from(passkeySession).where(eq(passkeySession.id, response.id));
  if (!known) return undefined;
  let counter: number;
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: deps.settings.publicUrl.origin,
      expectedRPID: deps.settings.publicUrl.hostname,
      requireUserVerification: true,
      credential: {
        id: known.id,
        publicKey: new Uint8Array(known.publicKey),
        counter: known.counter,
      },
    });
    if (!verified) return undefined;
    counter = authenticationInfo.newCounter;
  } catch {
    // A wrong signature, a counter that went back, another origin: the library throws, the person is told the same.
    return undefined;
  }
  // The counter only ever rises, also when two answers arrive together.
  const raised = await deps.db
    .update(passkeySession)
    .set({ counter })
    .where(
      and(
        eq(passkeySession.id, known.id),
        counter === 0 ? eq(passkeySession.counter, 0) : lt(passkeySession.counter, counter),
      ),
    )
    .returning({ id: passkeySession.id });
  if (raised.length === 0) return undefined;
  const [first] = await deps.db
    .select({ role: roleAssignments.role })
    .from(roleAssignments)
    .where(and(eq(roleAssignments.personId, known.personId), isNull(roleAssignments.endedAt)))
    .orderBy(asc(roleAssignments.assignedAt))
    .limit(1);
  if (!first) return undefined;
  await forgetTries(c, deps);
  return { person: known.personId, role: first.role };
}

/** A person's passkeys, oldest first. */
export const passkeysOf = (deps: Pick<WebDeps, 'db'>, person: string) =>
  deps.db
    .select({
      id: passkeySession.id,
      createdAt: passkeySession.createdAt,
      transports: passkeySession.transports,
    })
    .from(passkeySession)
    .where(eq(passkeySession.personId, person))
    .orderBy(asc(passkeySession.createdAt));

/** Whose passkey it will be. */
export interface Owner extends Asking {
  readonly name: string;
}

/** Options for adding a passkey to a person; undefined when they have enough. `anew`: what they have is about to be removed. */
export async function addOptions(deps: WebDeps, owner: Owner, { anew = false } = {}) {
  const known = anew ? [] : await passkeysOf(deps, owner.person);
  if (known.length >= MAX_PASSKEYS) return undefined;
  const options = await generateRegistrationOptions({
    rpName: RP_NAME,
    rpID: deps.settings.publicUrl.hostname,
    userName: owner.name,
    userDisplayName: owner.name,
    userID: new TextEncoder().encode(owner.person),
    attestationType: 'none',
    excludeCredentials: known.map(({ id }) => ({ id })),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
  });
  return { id: await keepChallenge(deps, options.challenge, owner.person), options };
}

/** A passkey that its device has just made for a person, the person being verified. */
export interface NewPasskey {
  /** Number of the challenge that it answered. */
  readonly challenge: string;
  readonly id: string;
  readonly publicKey: Uint8Array;
  readonly counter: number;
  readonly transports: string[];
}

/** The passkey of this answer, or undefined when it is none, whatever the reason. Keeps nothing. */
export async function newPasskey(
  deps: WebDeps,
  person: string,
  body: unknown,
): Promise<NewPasskey | undefined> {
  const read = registration.safeParse(body);
  if (!read.success) return undefined;
  const challenge = await takeChallenge(deps, read.data.id, person);
  if (!challenge) return undefined;
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: read.data.response as RegistrationResponseJSON,
      expectedChallenge: challenge,
      expectedOrigin: deps.settings.publicUrl.origin,
      expectedRPID: deps.settings.publicUrl.hostname,
      requireUserVerification: true,
    });
    if (!verified) return undefined;
    const { id, publicKey, counter, transports = [] } = registrationInfo.credential;
    return { challenge: read.data.id, id, publicKey, counter, transports };
  } catch {
    // Another origin, nobody verified, nonsense: the library throws, the person is told the same.
    return undefined;
  }
}

/**
 * Keeps a passkey, with its entry first: it cannot be used before it is recorded. After a lost device what the person had before is
 * removed and every session of theirs ended, in one transaction with it.
 * @returns false when somebody has this passkey already
 */
export async function keepPasskey(
  deps: WebDeps,
  owner: Asking,
  { challenge, ...passkey }: NewPasskey,
  how: 'settings' | 'invitation' | 'recovery',
): Promise<boolean> {
  await recordEvent(deps.recorder, `passkey-${challenge}`, owner, 'passkey.added', { how });
  return await deps.db.transaction(async (tx) => {
    if (how === 'recovery') {
      await tx.delete(passkeySession).where(eq(passkeySession.personId, owner.person));
      await tx.delete(webSession).where(eq(webSession.personId, owner.person));
    }
    const added = await tx
      .insert(passkeySession)
      .values({ ...passkey, personId: owner.person, createdAt: deps.now().toISOString() })
      .onConflictDoNothing()
      .returning({ id: passkeySession.id });
    return added.length > 0;
  });
}

/** Adds the passkey of this answer to the person who is signed in. */
export async function addPasskey(deps: WebDeps, owner: Owner, body: unknown): Promise<boolean> {
  const passkey = await newPasskey(deps, owner.person, body);
  if (!passkey || (await passkeysOf(deps, owner.person)).length >= MAX_PASSKEYS) return false;
  return await keepPasskey(deps, owner, passkey, 'settings');
}

/** Takes a passkey of the person's own away. */
export const removePasskey = (deps: Pick<WebDeps, 'db'>, person: string, id: string) =>
  deps.db
    .delete(passkeySession)
    .where(and(eq(passkeySession.id, id), eq(passkeySession.personId, person)))
    .returning({ id: passkeySession.id });
