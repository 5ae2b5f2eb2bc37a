// Station 7, evidence: protobuf as Fabric writes it, as much as blocks need: fields by number, read and written. Pure, and the browser's
// too. Knows no message by name, and never gives a field that is not all there.
import { joinBytes } from '../bytes.ts';

/** Bytes that are no protobuf message, or not of the kind that was asked for. */
export class NotProtobuf extends Error {
  override readonly name = 'NotProtobuf';
}

export type Message = ReadonlyMap<number, readonly (Uint8Array | number)[]>;

/** Fields of a protobuf message: numbers for varints, bytes for what has a length (protobuf encoding). Throws NotProtobuf. */
export function message(bytes: Uint8Array): Message {
  const fields = new Map<number, (Uint8Array | number)[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || scale > 2 ** 63) throw new NotProtobuf('number does not end');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new NotProtobuf('field ends too late');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const kind = tag % 8;
    const value =
      kind === 0
        ? varint()
        : kind === 2
          ? take(varint())
          : kind === 1
            ? take(8)
            : kind === 5
              ? take(4)
              : undefined;
    if (value === undefined) throw new NotProtobuf('field is of an unknown kind');
    const number = Math.floor(tag / 8);
    fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  return fields;
}

export const EMPTY = new Uint8Array(0);
/** Every value of a field of bytes. */
export const all = (of: Message, field: number): Uint8Array[] =>
  (of.get(field) ?? []).filter((value) => typeof value !== 'number');
/** The last one counts, as protobuf readers have it. */
export const one = (of: Message, field: number): Uint8Array => all(of, field).at(-1) ?? EMPTY;
/** A field that is a number; 0 when it is not there. */
export const number = (of: Message, field: number): number => {
  const value = of.get(field)?.at(-1);
  return typeof value === 'number' ? value : 0;
};
export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** A field of bytes; none at all when they are empty, as protobuf writers have it. */
export const field = (at: number, bytes: Uint8Array): Uint8Array =>
  bytes.length === 0 ? EMPTY : joinBytes(Uint8Array.of(at * 8 + 2), varintOf(bytes.length), bytes);
/** The same of a list, where an empty one has its place. */
export const listed = (at: number, bytes: Uint8Array): Uint8Array =>
  joinBytes(Uint8Array.of(at * 8 + 2), varintOf(bytes.length), bytes);

/** A number below 2^53 in as few bytes as it takes. */
export function varintOf(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Uint8Array.of(...bytes, rest);
}
