// Composition: what Temporal sees of a payload is ciphertext. AES-256-GCM, fresh nonce each, the key's name beside it
// so that keys can be rotated. Failures are encoded too (SECURITY.md T3). Used by worker, web, ledger and replay alike.
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type DataConverter,
  METADATA_ENCODING_KEY,
  type Payload,
  type PayloadCodec,
  ValueError,
} from '@temporalio/common';
import proto from '@temporalio/proto';

const ENCODING = new TextEncoder().encode('binary/encrypted');
const KEY_NAME = 'encryption-key';

/** A codec under one 32-byte key. */
export function payloadCodec(key: Uint8Array): PayloadCodec {
  const name = createHash('sha256').update(key).digest('hex').slice(0, 12);
  return {
    encode: async (payloads) =>
      payloads.map((payload) => {
        const nonce = randomBytes(12);
        const cipher = createCipheriv('aes-256-gcm', key, nonce);
        const plain = proto.temporal.api.common.v1.Payload.encode(payload).finish();
        const data = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
        return { metadata: { [METADATA_ENCODING_KEY]: ENCODING, [KEY_NAME]: Buffer.from(name) }, data };
      }),
    decode: async (payloads) =>
      payloads.map((payload): Payload => {
        // Payloads that nobody encrypted reach the workflow as they are and are refused there by their shape.
        if (
          !payload.metadata?.[METADATA_ENCODING_KEY] ||
          Buffer.compare(payload.metadata[METADATA_ENCODING_KEY], ENCODING) !== 0
        )
          return payload;
        if (!payload.data) throw new ValueError('payload carries no data');
        if (payload.metadata[KEY_NAME] && Buffer.from(payload.metadata[KEY_NAME]).toString() !== name)
          throw new ValueError(
            'payload is encrypted under another key; check that the key folder belongs to this Temporal',
          );
        const data = Buffer.from(payload.data);
        const decipher = createDecipheriv('aes-256-gcm', key, data.subarray(0, 12));
        decipher.setAuthTag(data.subarray(data.length - 16));
        return proto.temporal.api.common.v1.Payload.decode(
          Buffer.concat([decipher.update(data.subarray(12, data.length - 16)), decipher.final()]),
        );
      }),
  };
}

/** The data converter that every client and worker of ours uses. */
export const dataConverter = (key: Uint8Array): DataConverter => ({
  payloadCodecs: [payloadCodec(key)],
  failureConverterPath: failureConverterPath(),
});

const failureConverterPath = (): string => {
  const here = fileURLToPath(import.meta.url);
  return fileURLToPath(new URL(`../workflows/failure-converter${extname(here)}`, import.meta.url));
};
