// Station 1 to 4, web: watches sequencer, anchor and witnesses, tells the board, and records each stop and its end (SECURITY.md U3).
// Lives in the web, because whoever is watched cannot say that it stands still. An entry about a stopped sequencer takes its place
// in the log when there is one again.
import { setTimeout as sleep } from 'node:timers/promises';
import { newestStops, waitingLongest } from '../../db/views/log.ts';
import { ORGANISATIONS } from '../../domain/consortium.ts';
import { SERVICE } from '../../domain/roles.ts';
import type { WebDeps } from '../deps.ts';
import { recordEvent } from '../recorded.ts';
import { createStanding, type Seen, type Stand, type Station, type Turn } from './standing.ts';

/** Rest between two looks, milliseconds. */
const REST_MS = 5_000;

/** What watching needs of the web. */
type WatchDeps = Pick<WebDeps, 'db' | 'recorder' | 'consortium' | 'now'> & {
  /** Milliseconds of a clock that does not run back. */
  readonly clock: () => number;
};

export interface Watch {
  /** Looks once, and records what turned; what could not be recorded is tried again at the next look. Throws when Postgres is away. */
  once(): Promise<void>;
  /** Who stands still, as last seen. */
  readonly stopped: () => readonly Stand[];
}

/** The watch of one web process. */
export function createWatch(deps: WatchDeps): Watch {
  const standing = createStanding();
  const untold: Turn[] = [];
  let begun = false;
  return {
    async once() {
      if (!begun) {
        for (const { event, of, since, mark } of await newestStops(deps.db)) {
          const [kind, to] = event.split('.');
          const station = (of === null ? kind : `${kind} ${of}`) as Station;
          if (to === 'stopped') standing.takeUp({ station, since, mark }, deps.clock(), deps.now());
        }
        begun = true;
      }
      const seen = await look(deps);
      untold.push(...standing.look(seen, deps.clock(), deps.now()));
      for (let turn = untold[0]; turn; turn = untold[0]) {
        await tell(deps, turn);
        untold.shift();
      }
    },
    stopped: () => standing.stopped(deps.clock(), deps.now()),
  };
}

async function look({ db, consortium }: WatchDeps): Promise<Seen> {
  const [waits, { members }] = await Promise.all([waitingLongest(db), consortium.look()]);
  const silent = (organisation: (typeof ORGANISATIONS)[number]): string | null =>
    members.some((one) => one.organisation === organisation && one.status) ? null : 'silent';
  return {
    sequencer: waits.pending,
    anchor: waits.unanchored === null ? null : String(waits.unanchored),
    ...(Object.fromEntries(ORGANISATIONS.map((of) => [`witness ${of}`, silent(of)])) as Record<
      Station & `witness ${string}`,
      string | null
    >),
  };
}

/** Records a turn, once for all web processes where what waited has a name of its own. */
async function tell({ recorder }: WatchDeps, { event, station, mark, since }: Turn): Promise<void> {
  const [, of] = station.split(' ');
  const key = `${event}-${of === undefined ? mark : `${of}-${since}`}`;
  await recordEvent(recorder, key, SERVICE, event, { of: of ?? null, since, mark });
}

/** Watches until the signal. */
export async function keepWatching(
  watch: Watch,
  note: (error: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await watch.once();
    } catch (error) {
      note(error);
    }
    await sleep(REST_MS, undefined, { signal }).catch(() => undefined);
  }
}
