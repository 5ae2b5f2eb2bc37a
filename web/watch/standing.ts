// Station 1, rules: when a station of the log counts as stopped, from what is seen of it again and again. Pure: knows no clock,
// no store and nobody's name. What waits is told by a mark that changes with any progress, so that growth is never called a stop.
import type { Organisation } from '../../domain/consortium.ts';
import type { STATION_EVENTS } from '../../domain/events.ts';

/** Who keeps the log going: one sequencer, one anchor, and each organisation's witness. */
export type Station = 'sequencer' | 'anchor' | `witness ${Organisation}`;

/** A station that does not go on. */
export interface Stand {
  readonly station: Station;
  /** Since when it has been seen so, ISO 8601. */
  readonly since: string;
}

/** What is seen of each station: what waits there, or null where nothing does. */
export type Seen = Readonly<Record<Station, string | null>>;

/** A stop or its end, to be recorded. */
export interface Turn extends Stand {
  readonly event: (typeof STATION_EVENTS)[number];
  /** What waited. */
  readonly mark: string;
}

/** How long the same may wait before its station counts as stopped, milliseconds; with the rest between looks under a minute (SECURITY.md U3). */
export const STOPPED_MS = 45_000;

type Waiting = { readonly mark: string; readonly since: number; stopped: boolean };

/** A memory of what was seen, of one process. */
export function createStanding() {
  const waiting = new Map<Station, Waiting>();
  return {
    /** Takes up a stop that was recorded, by this process or one before it, and whose end was not. */
    takeUp({ station, since, mark }: Stand & { readonly mark: string }, now: number, at: Date): void {
      waiting.set(station, { mark, since: now - (at.getTime() - Date.parse(since)), stopped: true });
    },
    /** Takes what is seen now; gives what turned since the last look. `now` in milliseconds of a clock that does not run back. */
    look(seen: Seen, now: number, at: Date): readonly Turn[] {
      const turns: Turn[] = [];
      const turn = (station: Station, to: 'stopped' | 'resumed', { mark, since }: Waiting): void => {
        const [kind] = station.split(' ') as ['sequencer' | 'anchor' | 'witness'];
        turns.push({ event: `${kind}.${to}`, station, mark, since: sinceOf(since, now, at) });
      };
      for (const [station, mark] of Object.entries(seen) as [Station, string | null][]) {
        const before = waiting.get(station);
        if (before && before.mark === mark) {
          if (before.stopped || now - before.since < STOPPED_MS) continue;
          before.stopped = true;
          turn(station, 'stopped', before);
          continue;
        }
        if (before?.stopped) turn(station, 'resumed', before);
        if (mark === null) waiting.delete(station);
        else waiting.set(station, { mark, since: now, stopped: false });
      }
      return turns;
    },
    /** Stations that are stopped now. */
    stopped: (now: number, at: Date): readonly Stand[] =>
      [...waiting].flatMap(([station, { stopped, since }]) =>
        stopped ? [{ station, since: sinceOf(since, now, at) }] : [],
      ),
  };
}

const sinceOf = (since: number, now: number, at: Date): string =>
  new Date(at.getTime() - (now - since)).toISOString();
