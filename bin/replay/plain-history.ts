// Composition of replay, histories to keep: a history whose payloads are no longer encrypted, so that it can be replayed
// without the machine's keys. Only ever for runs on invented people: what a person typed stays sealed, ids and states do not.
import type { DataConverter, Payload } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { History } from './history.ts';

/** The same history with every payload decrypted, wherever it stands. Gives a copy. */
export async function plainHistory(history: History, converter: DataConverter): Promise<History> {
  const codecs = converter.payloadCodecs ?? [];
  async function plain(value: unknown): Promise<unknown> {
    // Which process on which host did it is nothing that a replay needs, and nothing to keep.
    if (typeof value === 'string') return /^\d+@/.test(value) ? 'worker' : value;
    if (Array.isArray(value)) return await Promise.all(value.map(plain));
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
    // Numbers beyond 2^53 are objects of their own class; they hold no payload.
    if ('low' in value && 'high' in value) return value;
    if (isPayload(value)) {
      let payloads: Payload[] = [value];
      for (const codec of codecs) payloads = await codec.decode(payloads);
      return payloads[0];
    }
    const copy: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(value)) copy[name] = await plain(member);
    return copy;
  }
  return (await plain(history)) as History; // the same shape, payload by payload
}

const isPayload = (value: object): value is Payload =>
  'metadata' in value &&
  'data' in value &&
  typeof value.metadata === 'object' &&
  value.metadata !== null &&
  'encoding' in value.metadata;

const SHAPE = proto.temporal.api.history.v1.History;

/** A history as text to keep: enums by name, bytes as base64, long numbers as digits. */
export const historyText = (history: History): string =>
  `${JSON.stringify(SHAPE.toObject(SHAPE.fromObject(history), { enums: String, longs: String, bytes: String }), null, 1)}\n`;

/** Reads what `historyText` wrote. Throws when it is no such text. */
export const historyFrom = (text: string): History => SHAPE.fromObject(JSON.parse(text) as object);
