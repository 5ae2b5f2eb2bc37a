// Station 6, certificates: asks an organisation's Fabric CA to certify a key that somebody else made.
// Promise: a private key never passes through here except the registrar's, which signs one request in place.
// Must never log a secret, and never talk to a CA whose TLS root is not the organisation's own.
import { createHash, createPrivateKey, createPublicKey, sign, X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import { certificationRequest, certificationRequestToSign } from '../certification-request.ts';
import { derFromP1363 } from '../der.ts';
import type { Authority } from '../member/enrolment.ts';

/** Where an organisation's CA answers. `tlsCa` is PEM. */
export type CaAddress = { readonly url: string; readonly name: string; readonly tlsCa: string };

/** The CA said no, or could not be asked. `code` is the CA's own number, 0 when there was no answer. */
export class CaTrouble extends Error {
  override readonly name = 'CaTrouble';
  readonly code: number;
  constructor(message: string, code: number) {
    super(message);
    this.code = code;
  }
}

/** Fabric CA's answer to a name that it knows already (lib/caerrors: ErrIdentityAlreadyRegistered). */
const ALREADY_REGISTERED = 74;
const CA_TIMEOUT_MS = 10_000;

/** A request for a key at hand: `privateKey` is PEM, P-256. */
export function certificationRequestFor(commonName: string, privateKey: string): string {
  const key = createPrivateKey(privateKey);
  const toSign = certificationRequestToSign(
    commonName,
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
  );
  return certificationRequest(toSign, sign('sha256', toSign, key));
}

/** Exchanges name, secret and request for a certificate (PEM). Attributes given at registration stand in it. */
export async function enroll(
  ca: CaAddress,
  as: { readonly id: string; readonly secret: string; readonly csr: string },
): Promise<string> {
  const basic = Buffer.from(`${as.id}:${as.secret}`).toString('base64');
  const result = await ask(ca, '/api/v1/enroll', `Basic ${basic}`, {
    caname: ca.name,
    certificate_request: as.csr,
  });
  const certificate = Buffer.from(String(result.Cert ?? ''), 'base64').toString();
  // Fails here, not at the first signature, when the answer is something else.
  return new X509Certificate(certificate).toString();
}

/**
 * Makes a name known to the CA, with the secret that enrols it and the attributes that its certificates carry.
 * Resolves also when the name was known before: the secret is then the earlier one.
 */
export async function register(
  ca: CaAddress,
  registrar: { readonly certificate: string; readonly privateKey: string },
  identity: {
    readonly id: string;
    readonly secret: string;
    readonly attributes: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const body = {
    caname: ca.name,
    id: identity.id,
    secret: identity.secret,
    type: 'client',
    affiliation: '',
    max_enrollments: -1,
    attrs: Object.entries(identity.attributes).map(([name, value]) => ({ name, value, ecert: true })),
  };
  try {
    await ask(ca, '/api/v1/register', (path, text) => token(registrar, path, text), body);
  } catch (error) {
    if (!(error instanceof CaTrouble && error.code === ALREADY_REGISTERED)) throw error;
  }
}

/** Puts every certificate of a name on the authority's revocation list, and lets it enrol no more. May be repeated. */
async function revokeName(
  ca: CaAddress,
  registrar: { readonly certificate: string; readonly privateKey: string },
  id: string,
): Promise<void> {
  const body = { caname: ca.name, id, reason: 'unspecified' };
  await ask(ca, '/api/v1/revoke', (path, text) => token(registrar, path, text), body);
}

/** The authority's signed revocation list, PEM. */
async function revocationList(
  ca: CaAddress,
  registrar: { readonly certificate: string; readonly privateKey: string },
): Promise<string> {
  const result = await ask(ca, '/api/v1/gencrl', (path, text) => token(registrar, path, text), {
    caname: ca.name,
  });
  return Buffer.from(String(result.CRL ?? ''), 'base64').toString();
}

/** An organisation's Fabric CA as its member's enrolment door uses it: with the registrar's identity, which nobody else has. */
export function fabricAuthority(
  ca: CaAddress,
  registrar: { readonly certificate: string; readonly privateKey: string },
): Authority {
  return {
    async issue({ name, secret, attributes, csr }) {
      await register(ca, registrar, { id: name, secret, attributes });
      return await enroll(ca, { id: name, secret, csr });
    },
    revoke: (name) => revokeName(ca, registrar, name),
    crl: () => revocationList(ca, registrar),
  };
}

/** Fabric CA's token: certificate and a signature over method, path, body and certificate. */
function token(
  registrar: { readonly certificate: string; readonly privateKey: string },
  path: string,
  body: string,
): string {
  const base64 = (text: string | Uint8Array) => Buffer.from(text).toString('base64');
  const certificate = base64(registrar.certificate);
  const payload = ['POST', base64(path), base64(body), certificate].join('.');
  const signature = sign('sha256', Buffer.from(payload), {
    key: registrar.privateKey,
    dsaEncoding: 'ieee-p1363',
  });
  return `${certificate}.${base64(lowS(signature))}`;
}

/** ECDSA signature of P-256 in DER with the smaller of its two possible s, the only one that Fabric accepts. */
function lowS(signature: Uint8Array): Uint8Array {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`);
  const low = (s > order / 2n ? order - s : s).toString(16).padStart(64, '0');
  return derFromP1363(Buffer.concat([signature.subarray(0, 32), Buffer.from(low, 'hex')]));
}

type Answer = { readonly success?: boolean; readonly result?: unknown; readonly errors?: unknown };

async function ask(
  ca: CaAddress,
  path: string,
  authorization: string | ((path: string, body: string) => string),
  body: unknown,
): Promise<Record<string, unknown>> {
  const text = JSON.stringify(body);
  const answer = await post(
    ca,
    path,
    typeof authorization === 'string' ? authorization : authorization(path, text),
    text,
  );
  if (answer.success === true && typeof answer.result === 'object' && answer.result !== null) {
    return answer.result as Record<string, unknown>;
  }
  const [first] = Array.isArray(answer.errors)
    ? (answer.errors as { code?: number; message?: string }[])
    : [];
  throw new CaTrouble(
    `CA refused; read its log: ${ca.name} ${first?.message ?? 'no reason given'}`,
    first?.code ?? 0,
  );
}

function post(ca: CaAddress, path: string, authorization: string, body: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const failed = (why: string) =>
      reject(new CaTrouble(`CA cannot be asked; is it running? ${ca.name} ${why}`, 0));
    const call = request(
      new URL(path, ca.url),
      {
        method: 'POST',
        ca: ca.tlsCa,
        headers: {
          authorization,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        },
        signal: AbortSignal.timeout(CA_TIMEOUT_MS),
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', (error) => failed(error.message));
        response.on('end', () => {
          try {
            resolve(JSON.parse(Buffer.concat(parts).toString()) as Answer);
          } catch {
            failed(`status ${response.statusCode}`);
          }
        });
      },
    );
    call.on('error', (error) => failed(error.message));
    call.end(body);
  });
}

/** The name under which a certificate's key is known in entries: SHA-256 of its SubjectPublicKeyInfo, hex. */
export function keyIdOfCertificate(certificate: string): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('hex');
}
