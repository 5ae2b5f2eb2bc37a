// Station 1, web: what the members publish of themselves, as last seen. Everything here is somebody else's word and is shown as
// that. A member that does not answer is one that does not answer: nothing older is shown in its place as if it were new.
import { z } from 'zod';
import { ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import type { SendToMember } from '../keys/members.ts';

const state = z.object({ size: z.number().int().nonnegative(), root: z.string().max(64) });
const status = z.object({
  cosigned: state.extend({ at: z.iso.datetime() }).nullable(),
  peer: state.nullable(),
  published: state.nullable(),
  alarms: z
    .array(
      z.object({
        kind: z.string().max(40),
        says: z.string().max(1000),
        size: z.number().int().nullable(),
        index: z.number().int().nullable(),
        roots: z.record(z.string().max(40), z.string().max(64)),
        since: z.iso.datetime(),
      }),
    )
    .max(100),
  looked: z.iso.datetime().nullable(),
});
const trust = z.object({
  log: z.string().max(500),
  witnesses: z.record(z.enum(ORGANISATIONS), z.string().max(500)),
  /** Keys that were in force before, and whose. */
  former: z
    .array(z.object({ of: z.string().max(40), key: z.string().max(500) }))
    .max(200)
    .optional(),
});

export type MemberStatus = z.output<typeof status>;
export type MemberTrust = z.output<typeof trust>;

/** What one organisation's member says; undefined where it gave no answer that can be read. */
export interface MemberSeen {
  readonly organisation: Organisation;
  readonly status?: MemberStatus | undefined;
  readonly trust?: MemberTrust | undefined;
}

/** All members at one moment. */
export interface ConsortiumSeen {
  readonly at: Date;
  readonly members: readonly MemberSeen[];
}

export interface Consortium {
  /** Asks all members now, or shares an answer that is at most a second old. Never throws. */
  look(): Promise<ConsortiumSeen>;
  /** What was seen last, without waiting; looks again in the background when that was a while ago. */
  last(): ConsortiumSeen | undefined;
}

const PATIENCE_MS = 2_000;
/** How long one look serves everybody. */
const FRESH_MS = 1_000;
/** How old what every page says of the members may be before they are asked again. */
const STALE_MS = 15_000;
const MAX_BYTES = 64 * 1024;

/** The members behind a way of sending. */
export function consortiumOver(send: SendToMember, now: () => Date): Consortium {
  let seen: ConsortiumSeen | undefined;
  let looking: Promise<ConsortiumSeen> | undefined;

  async function read<T>(of: Organisation, path: string, shape: z.ZodType<T>): Promise<T | undefined> {
    try {
      const response = await send(of, path, { signal: AbortSignal.timeout(PATIENCE_MS) });
      const text = await response?.text();
      if (!response?.ok || text === undefined || text.length > MAX_BYTES) return undefined;
      return shape.safeParse(JSON.parse(text)).data;
    } catch {
      // Down, slow or talking nonsense: for whoever reads the page these are one thing.
      return undefined;
    }
  }

  const lookNow = async (): Promise<ConsortiumSeen> => {
    const members = await Promise.all(
      ORGANISATIONS.map(async (organisation): Promise<MemberSeen> => {
        const [said, agreed] = await Promise.all([
          read(organisation, '/status', status),
          read(organisation, '/trust.json', trust),
        ]);
        return { organisation, status: said, trust: agreed };
      }),
    );
    seen = { at: now(), members };
    return seen;
  };
  const look = (): Promise<ConsortiumSeen> => {
    if (seen && now().getTime() - seen.at.getTime() < FRESH_MS) return Promise.resolve(seen);
    looking ??= lookNow().finally(() => {
      looking = undefined;
    });
    return looking;
  };

  return {
    look,
    last() {
      if (!seen || now().getTime() - seen.at.getTime() > STALE_MS) void look();
      return seen;
    },
  };
}
