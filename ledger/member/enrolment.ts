// Station 6, the enrolment door of a member: who gets a certificate of this organisation, and whose certificate counts no
// more. Promise: nothing is issued or revoked without two of the organisation's own people, whose signatures are checked
// against keys in the member's folder; every request is on disk before it is answered, and goes on after a crash.
// It alone holds the registrar's secret of its authority, and never sees a person's private key.
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import type { Organisation } from '../../domain/consortium.ts';
import { uuidFrom } from '../../domain/ids.ts';
import { STAFF_ROLES } from '../../domain/roles.ts';
import { canonicalBytes } from '../canonical.ts';
import { type Certificate, fingerprintOf, readCertificate } from '../certificates.ts';
import { enrolmentName } from '../certification-request.ts';
import { element, elements, NotDer, pemBytes } from '../der.ts';
import { nodeHashing } from '../record-key.ts';
import { writeDurably } from './folder.ts';

/** The organisation's certificate authority, reached with the registrar's secret. */
export interface Authority {
  /** Gives a certificate (PEM) for the request's key, with these attributes. The same name and secret may come again. */
  issue(asked: {
    readonly name: string;
    readonly secret: string;
    readonly attributes: Readonly<Record<string, string>>;
    readonly csr: string;
  }): Promise<string>;
  /** Puts everything that was issued under the name on the revocation list. May come again. */
  revoke(name: string): Promise<void>;
  /** The signed revocation list, PEM. */
  crl(): Promise<string>;
}

/** The channel, as the organisation's own member may write to it. Both may be asked again for the same. */
export interface CertificateChain {
  certify(certificate: {
    readonly fingerprint: string;
    readonly person: string;
    readonly role: string;
    readonly notBefore: string;
    readonly notAfter: string;
  }): Promise<unknown>;
  revoke(fingerprint: string, at: string, reason: string): Promise<unknown>;
}

export interface EnrolmentDeps {
  readonly organisation: Organisation;
  /** The member's own folder; requests lie in `requests/`, keys of those who approve in `people/NAME.pub.pem`. */
  readonly folder: string;
  readonly authority: Authority;
  readonly chain: CertificateChain;
  /** On loopback, with invented people: two of them approve by themselves, and every answer says so. */
  readonly demonstration: boolean;
  readonly now: () => Date;
  readonly note: (error: unknown) => void;
}

/** How many different people must approve. */
const NEEDED = 2;

const enrolmentBody = z.strictObject({
  person: z.uuid(),
  role: z.enum(STAFF_ROLES),
  csr: z.string().min(1).max(8000),
});
const revocationBody = z.strictObject({
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  reason: z.enum(['lost', 'left', 'replaced', 'compromised']),
  at: z.iso.datetime({ precision: 3 }),
});
const approvalBody = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]{1,40}$/),
  signature: z.string().regex(/^[\w-]{86}$/),
});

const approvals = z.array(z.strictObject({ name: z.string(), signature: z.string(), at: z.string() }));
const stored = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('enrolment'),
    id: z.uuid(),
    person: z.uuid(),
    role: z.enum(STAFF_ROLES),
    csr: z.string(),
    /** SHA-256 of the key that is asked for. */
    key: z.string(),
    /** Name and one-time secret under which the authority knows this one request. */
    name: z.string(),
    secret: z.string(),
    askedAt: z.string(),
    state: z.enum(['waiting', 'issued', 'refused']),
    approvals,
    certificate: z.string().nullable(),
  }),
  z.strictObject({
    kind: z.literal('revocation'),
    id: z.uuid(),
    fingerprint: z.string(),
    reason: z.string(),
    at: z.string(),
    askedAt: z.string(),
    state: z.enum(['waiting', 'issued', 'refused']),
    approvals,
  }),
]);
export type StoredRequest = z.infer<typeof stored>;
type StoredEnrolment = Extract<StoredRequest, { kind: 'enrolment' }>;

/** What an approval signs: the request, whole, and the organisation whose it is. */
export function approvalBytes(organisation: Organisation, request: StoredRequest): Uint8Array {
  const { id, kind, askedAt } = request;
  return canonicalBytes(
    kind === 'enrolment'
      ? {
          v: 1,
          organisation,
          id,
          kind,
          askedAt,
          person: request.person,
          role: request.role,
          key: request.key,
        }
      : {
          v: 1,
          organisation,
          id,
          kind,
          askedAt,
          fingerprint: request.fingerprint,
          reason: request.reason,
          at: request.at,
        },
  );
}

const requestPath = (folder: string, id: string): string => join(folder, 'requests', `${id}.json`);
const keyPath = (folder: string, name: string): string => join(folder, 'people', `${name}.key.pem`);
const publicPath = (folder: string, name: string): string => join(folder, 'people', `${name}.pub.pem`);

/** The request of that number, or undefined. */
export function readRequest(folder: string, id: string): StoredRequest | undefined {
  if (!z.uuid().safeParse(id).success) return undefined;
  let text: string;
  try {
    text = readFileSync(requestPath(folder, id), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return stored.parse(JSON.parse(text));
}

/**
 * Makes the key pair of somebody who may approve, unless it is there. Only the public half need stay in the folder.
 * One call at a time for each name: two at once would leave halves of different pairs, and nothing signed would count.
 */
export async function ensureApprover(folder: string, name: string): Promise<void> {
  try {
    readFileSync(publicPath(folder, name));
    return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  await writeDurably(keyPath(folder, name), String(privateKey.export({ type: 'pkcs8', format: 'pem' })));
  await writeDurably(publicPath(folder, name), String(publicKey.export({ type: 'spki', format: 'pem' })));
}

/** Signs an approval with the person's key, in the folder unless another file is named. Throws when there is none. */
export function approvalBy(
  folder: string,
  organisation: Organisation,
  request: StoredRequest,
  name: string,
  keyFile = keyPath(folder, name),
): { readonly name: string; readonly signature: string } {
  const key = createPrivateKey(readFileSync(keyFile));
  return { name, signature: sign(null, approvalBytes(organisation, request), key).toString('base64url') };
}

/** The two who approve by themselves in the demonstration. */
export const DEMONSTRATION_APPROVERS = ['registrar-one', 'registrar-two'] as const;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const sha256 = (bytes: Uint8Array): string => hex(nodeHashing.hash(bytes));

/** SubjectPublicKeyInfo of a certification request whose signature is by that very key; undefined for anything else. */
function keyOfRequest(csr: string): Uint8Array | undefined {
  const bytes = pemBytes(csr, 'CERTIFICATE REQUEST');
  if (!bytes) return undefined;
  try {
    const [toSign, , signature] = elements(element(bytes, 0x30).content);
    const spki = toSign && elements(element(toSign.raw, 0x30).content)[2]?.raw;
    if (!toSign || !spki || !signature) return undefined;
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    // Whoever asks shows that they hold the key: P-256, ECDSA with SHA-256.
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' &&
      verify('sha256', toSign.raw, key, signature.content.subarray(1))
      ? spki
      : undefined;
  } catch (error) {
    if (error instanceof NotDer || error instanceof Error) return undefined;
    throw error;
  }
}

/**
 * The door: `/enrolments`, `/revocations`, `/crl`. Composes nothing but routes; the member's process listens.
 * The same request again is the same request: its number follows from what is asked.
 */
export function enrolmentDoor(deps: EnrolmentDeps): Hono {
  const { organisation, folder, authority, chain, demonstration } = deps;
  mkdirSync(join(folder, 'requests'), { recursive: true, mode: 0o700 });
  mkdirSync(join(folder, 'people'), { recursive: true, mode: 0o700 });
  const turns = new Map<string, Promise<unknown>>();

  /** One step at a time for each request. */
  function inTurn<T>(id: string, body: () => Promise<T>): Promise<T> {
    const turn = (turns.get(id) ?? Promise.resolve()).then(body, body);
    const over = turn.then(
      () => undefined,
      () => undefined,
    );
    turns.set(id, over);
    void over.then(() => {
      if (turns.get(id) === over) turns.delete(id);
    });
    return turn;
  }

  const keep = (request: StoredRequest): Promise<void> =>
    writeDurably(requestPath(folder, request.id), JSON.stringify(request));

  const all = (): StoredRequest[] =>
    readdirSync(join(folder, 'requests'))
      .filter((name) => name.endsWith('.json'))
      .flatMap((name) => readRequest(folder, name.slice(0, -'.json'.length)) ?? []);

  /** Keys of the organisation's people, by name. Two names with one key are one person. */
  function keyOf(name: string): KeyObject | undefined {
    try {
      return createPublicKey(readFileSync(publicPath(folder, name)));
    } catch {
      return undefined;
    }
  }

  /** How many different people's signatures over this request hold. */
  function approvers(request: StoredRequest): number {
    const bytes = approvalBytes(organisation, request);
    const held = new Set<string>();
    for (const { name, signature } of request.approvals) {
      const key = keyOf(name);
      if (
        key?.asymmetricKeyType === 'ed25519' &&
        verify(null, bytes, key, Buffer.from(signature, 'base64url'))
      )
        held.add(hex(key.export({ type: 'spki', format: 'der' })));
    }
    return held.size;
  }

  /** In the demonstration the two invented people approve whatever is asked. */
  async function approvedByThemselves(request: StoredRequest): Promise<StoredRequest> {
    if (!demonstration || request.state !== 'waiting' || approvers(request) >= NEEDED) return request;
    const at = deps.now().toISOString();
    const given = [];
    for (const name of DEMONSTRATION_APPROVERS) {
      await inTurn(`approver ${name}`, () => ensureApprover(folder, name));
      given.push({ ...approvalBy(folder, organisation, request, name), at });
    }
    const next = { ...request, approvals: given };
    await keep(next);
    return next;
  }

  /** Does what two people have approved, from wherever it stopped. What cannot be done now is done at the next look. */
  async function advanced(asked: StoredRequest): Promise<StoredRequest> {
    const request = await approvedByThemselves(asked);
    if (request.state !== 'waiting' || approvers(request) < NEEDED) return request;
    try {
      return request.kind === 'enrolment' ? await issue(request) : await revoke(request);
    } catch (error) {
      deps.note(error);
      return request;
    }
  }

  async function issue(request: StoredEnrolment): Promise<StoredRequest> {
    let known = request;
    if (known.certificate === null) {
      const certificate = await authority.issue({
        name: request.name,
        secret: request.secret,
        attributes: { 'rehab.person': request.person, 'rehab.role': request.role },
        csr: request.csr,
      });
      known = { ...request, certificate };
      // Kept before it is told to anybody: asked again after a crash, the authority would give another one.
      await keep(known);
    }
    const certificate = readCertificate(known.certificate ?? '');
    if (!certificate || sha256(certificate.publicKey) !== request.key)
      throw new Error('authority certified another key than was asked for; look at its log');
    await chain.certify({
      fingerprint: fingerprintOf(certificate, nodeHashing.hash),
      person: request.person,
      role: request.role,
      notBefore: certificate.notBefore,
      notAfter: certificate.notAfter,
    });
    const issued: StoredRequest = { ...known, state: 'issued' };
    await keep(issued);
    return issued;
  }

  async function revoke(request: Extract<StoredRequest, { kind: 'revocation' }>): Promise<StoredRequest> {
    const enrolment = certified(request.fingerprint);
    if (!enrolment) throw new Error('certificate to revoke is not of this member; look at its requests');
    await authority.revoke(enrolment.name);
    await chain.revoke(request.fingerprint, request.at, request.reason);
    const done: StoredRequest = { ...request, state: 'issued' };
    await keep(done);
    return done;
  }

  /** The enrolment that led to this certificate. */
  function certified(fingerprint: string): StoredEnrolment | undefined {
    return all().find((one): one is StoredEnrolment => {
      if (one.kind !== 'enrolment' || one.certificate === null) return false;
      const certificate: Certificate | undefined = readCertificate(one.certificate);
      return certificate !== undefined && fingerprintOf(certificate, nodeHashing.hash) === fingerprint;
    });
  }

  const shapeOf = (request: StoredRequest) => ({
    id: request.id,
    state: request.state,
    approvals: approvers(request),
    needed: NEEDED,
    demonstration,
    ...(request.kind === 'enrolment' && request.state === 'issued'
      ? { certificate: request.certificate }
      : {}),
  });

  async function bodyOf<T>(c: Context, schema: z.ZodType<T>): Promise<T | undefined> {
    const body = schema.safeParse(await c.req.json().catch(() => undefined));
    return body.success ? body.data : undefined;
  }
  const malformed = (c: Context) => c.json({ fault: 'request is not of its form' }, 400);
  const unknown = (c: Context) => c.json({ fault: 'no such request' }, 404);

  const app = new Hono();
  app.use(bodyLimit({ maxSize: 16_384, onError: (c) => c.json({ fault: 'request is too large' }, 413) }));

  app.post('/enrolments', async (c) => {
    const body = await bodyOf(c, enrolmentBody);
    const spki = body && keyOfRequest(body.csr);
    if (!body || !spki) return malformed(c);
    const key = sha256(spki);
    const id = uuidFrom(
      hash('sha256', `enrolment\n${organisation}\n${body.person}\n${body.role}\n${key}`, 'buffer'),
    );
    return await inTurn(`key ${key}`, async () => {
      const known = readRequest(folder, id);
      // One key, one person, one role, for ever.
      if (!known && all().some((one) => one.kind === 'enrolment' && one.key === key))
        return c.json({ fault: 'key is somebody’s already; make a new one' }, 409);
      const request: StoredRequest = known ?? {
        kind: 'enrolment',
        id,
        ...body,
        key,
        name: enrolmentName(body.person, key),
        secret: randomBytes(24).toString('base64url'),
        askedAt: deps.now().toISOString(),
        state: 'waiting',
        approvals: [],
        certificate: null,
      };
      if (!known) await keep(request);
      return c.json(shapeOf(await inTurn(id, () => advanced(request))), 202);
    });
  });

  app.post('/revocations', async (c) => {
    const body = await bodyOf(c, revocationBody);
    if (!body) return malformed(c);
    if (!certified(body.fingerprint)) return unknown(c);
    const id = uuidFrom(hash('sha256', `revocation\n${organisation}\n${body.fingerprint}`, 'buffer'));
    return await inTurn(id, async () => {
      const known = readRequest(folder, id);
      const request: StoredRequest = known ?? {
        kind: 'revocation',
        id,
        ...body,
        askedAt: deps.now().toISOString(),
        state: 'waiting',
        approvals: [],
      };
      if (!known) await keep(request);
      return c.json(shapeOf(await advanced(request)), 202);
    });
  });

  for (const kind of ['enrolment', 'revocation'] as const) {
    app.get(`/${kind}s/:id`, async (c) => {
      const id = c.req.param('id');
      if (readRequest(folder, id)?.kind !== kind) return unknown(c);
      return await inTurn(id, async () => {
        const request = readRequest(folder, id);
        return request ? c.json(shapeOf(await advanced(request))) : unknown(c);
      });
    });

    app.post(`/${kind}s/:id/approvals`, async (c) => {
      const id = c.req.param('id');
      const body = await bodyOf(c, approvalBody);
      if (!body) return malformed(c);
      return await inTurn(id, async () => {
        const request = readRequest(folder, id);
        if (request?.kind !== kind) return unknown(c);
        if (request.state !== 'waiting') return c.json(shapeOf(request));
        const next = {
          ...request,
          approvals: [
            ...request.approvals.filter(({ name }) => name !== body.name),
            { ...body, at: deps.now().toISOString() },
          ],
        };
        // A signature that does not hold adds nobody, and is not kept.
        if (approvers(next) <= approvers(request))
          return c.json({ fault: 'approval is not by another of this organisation’s people' }, 403);
        await keep(next);
        return c.json(shapeOf(await advanced(next)));
      });
    });
  }

  app.get('/crl', async (c) => {
    try {
      return c.text(await authority.crl(), 200, { 'content-type': 'application/x-pem-file' });
    } catch (error) {
      deps.note(error);
      return c.json({ fault: 'authority does not answer; try again' }, 503);
    }
  });

  return app;
}
