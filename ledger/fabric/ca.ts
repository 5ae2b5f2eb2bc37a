// Station 6, certificates: asks an organisation's Fabric CA to certify a key that somebody else made.
// Promise: a private key never passes through here except the registrar's, which signs one request in place.
// Must never log a secret, and never talk to a CA whose TLS root is not the organisation's own.
import { createHash, createPrivateKey, createPublicKey, sign, X509Certificate } from 'node:crypto';
import { request } from 'node:https';

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

/**
 * The bytes of a certification request (RFC 2986) that the holder of the key must sign with ECDSA and SHA-256.
 * `publicKey` is the key's SubjectPublicKeyInfo, DER. The CA puts its own name for the holder in the certificate.
 */
export function certificationRequestToSign(commonName: string, publicKey: Uint8Array): Uint8Array {
  const name = der(0x30, der(0x31, der(0x30, COMMON_NAME, der(0x0c, new TextEncoder().encode(commonName)))));
  return der(0x30, der(0x02, Uint8Array.of(0)), name, publicKey, der(0xa0));
}

/** The signed request as PEM. `signature` is ECDSA in DER, as Node makes it (WebCrypto's 64 bytes must be wrapped). */
export function certificationRequest(toSign: Uint8Array, signature: Uint8Array): string {
  const body = der(0x30, toSign, der(0x30, ECDSA_WITH_SHA256), der(0x03, Uint8Array.of(0), signature));
  const lines =
    Buffer.from(body)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`;
}

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
  const r = BigInt(`0x${Buffer.from(signature.subarray(0, 32)).toString('hex')}`);
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`);
  return der(0x30, integer(r), integer(s > order / 2n ? order - s : s));
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

// DER (X.690): a tag, a length, the content. Object identifiers are written out, tag and length included.
const COMMON_NAME = Uint8Array.of(0x06, 0x03, 0x55, 0x04, 0x03);
const ECDSA_WITH_SHA256 = Uint8Array.of(0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02);

function der(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(content);
  const length =
    body.length < 0x80
      ? [body.length]
      : body.length < 0x100
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...length), body]);
}

function integer(value: bigint): Uint8Array {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  // A leading 1 bit would make the number negative.
  return der(0x02, (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Uint8Array.of(0), bytes]) : bytes);
}
