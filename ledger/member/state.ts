// Station 6, what a member remembers: the last state that it cosigned, and its alarms. One file in its own folder.
// Promise: what was written is there after a kill or a power cut, whole; a cosignature leaves only after its state is here.
// Must never be begun anew over a file that cannot be read: a witness that forgets may sign two histories.
import { join } from 'node:path';
import { z } from 'zod';
import { FolderTrouble, readText, writeDurably } from './folder.ts';

const hex32 = z.string().regex(/^[0-9a-f]{64}$/);

/** Why a member raised an alarm. Those of `TAMPER` stay until a person acknowledges them; the others end by themselves. */
export const ALARM_KINDS = [
  'forked-log',
  'forked-peer',
  'forked-witness',
  'forged-checkpoint',
  'key-differs',
  'leaf-differs',
  'shrunk-log',
  'shrunk-peer',
  'stalled',
  'published-unreachable',
  'peer-unreachable',
] as const;
export type AlarmKind = (typeof ALARM_KINDS)[number];
export const PASSING: ReadonlySet<AlarmKind> = new Set([
  'stalled',
  'published-unreachable',
  'peer-unreachable',
]);

const alarmSchema = z.strictObject({
  kind: z.enum(ALARM_KINDS),
  /** One sentence for people. */
  says: z.string(),
  /** Size of the log that it is about, where there is one. */
  size: z.int().nullable(),
  /** Index of the leaf that differs, where it is known. */
  index: z.int().nullable(),
  /** What each store says, hexadecimal: roots, or leaf hashes when there is an index. */
  roots: z.record(z.string(), z.string()),
  since: z.string(),
  /** When a person acknowledged it. */
  acknowledged: z.string().nullable(),
});
export type Alarm = z.infer<typeof alarmSchema>;

const stateSchema = z.strictObject({
  v: z.literal(1),
  /** The last checkpoint that was cosigned; `hashes` is the compact range there, from which growth is computed. */
  cosigned: z
    .strictObject({
      size: z.int().positive(),
      root: hex32,
      hashes: z.array(hex32),
      /** Seconds since 1970, as it stands in the line. */
      at: z.int(),
      line: z.string(),
    })
    .nullable(),
  /** The largest checkpoint that the published log has shown. */
  published: z.strictObject({ size: z.int().nonnegative(), root: hex32 }).nullable(),
  alarms: z.array(alarmSchema),
});
export type MemberState = z.infer<typeof stateSchema>;

const EMPTY: MemberState = { v: 1, cosigned: null, published: null, alarms: [] };

export type StateStore = {
  /** What was written last; the empty state in a folder that never had one. Throws FolderTrouble when it is damaged. */
  read(): Promise<MemberState>;
  /** Durable when it resolves. */
  write(state: MemberState): Promise<void>;
};

/** The state file of a member's folder. */
export function stateFile(folder: string): StateStore {
  const path = join(folder, 'state.json');
  return {
    async read() {
      const text = await readText(path);
      if (text === undefined) return EMPTY;
      try {
        return stateSchema.parse(JSON.parse(text));
      } catch {
        throw new FolderTrouble(
          `Member's state cannot be read; restore it from a copy, never delete it: ${path}`,
        );
      }
    },
    write: (state) => writeDurably(path, `${JSON.stringify(state, null, 2)}\n`),
  };
}
