// When a station of the log counts as stopped: only when the very same waits for as long as the limit, and once for each stop.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createStanding, type Seen, STOPPED_MS } from '../../web/watch/standing.ts';

const AT = new Date('2026-01-01T00:00:00.000Z');
const NOTHING: Seen = {
  sequencer: null,
  anchor: null,
  'witness administration': null,
  'witness hospital': null,
  'witness association': null,
};

describe('a station of the log', () => {
  test('stands still when the same waits for the limit; that it goes on is told once', () => {
    const standing = createStanding();
    const told: unknown[] = [];
    const look = (over: Partial<Seen>, now: number) =>
      told.push(
        ...standing
          .look({ ...NOTHING, ...over }, now, new Date(AT.getTime() + now))
          .map(({ event, mark, since }) => [event, mark, since]),
      );
    look({ sequencer: 'a' }, 0);
    look({ sequencer: 'a' }, STOPPED_MS - 1);
    expect([told, standing.stopped(STOPPED_MS - 1, AT)]).toEqual([[], []]);
    look({ sequencer: 'a' }, STOPPED_MS);
    look({ sequencer: 'a' }, STOPPED_MS + 5_000);
    expect(told).toEqual([['sequencer.stopped', 'a', AT.toISOString()]]);
    expect(standing.stopped(STOPPED_MS, new Date(AT.getTime() + STOPPED_MS))).toEqual([
      { station: 'sequencer', since: AT.toISOString() },
    ]);
    look({ sequencer: 'b' }, STOPPED_MS + 10_000);
    look({}, STOPPED_MS + 15_000);
    expect(told.slice(1)).toEqual([['sequencer.resumed', 'a', AT.toISOString()]]);
    expect(standing.stopped(STOPPED_MS + 15_000, AT)).toEqual([]);
  });

  test('that always has something waiting, and always goes on, never stands still', () => {
    const standing = createStanding();
    for (let now = 0; now < 20 * STOPPED_MS; now += 5_000)
      expect(standing.look({ ...NOTHING, anchor: String(now) }, now, AT)).toEqual([]);
  });

  test('is told of in turns: stopped, resumed, stopped, whatever is seen', () => {
    const marks = fc.option(fc.constantFrom('a', 'b', 'c'), { nil: null });
    fc.assert(
      fc.property(
        fc.array(fc.record({ sequencer: marks, 'witness hospital': marks, rest: fc.nat(STOPPED_MS) })),
        (looks) => {
          const standing = createStanding();
          const last = new Map<string, string>();
          let now = 0;
          for (const { rest, ...seen } of looks) {
            now += rest;
            for (const { event, station } of standing.look({ ...NOTHING, ...seen }, now, AT)) {
              const to = event.split('.')[1] as string;
              expect(to).toBe(last.get(station) === 'stopped' ? 'resumed' : 'stopped');
              last.set(station, to);
            }
            const stopped = [...last].filter(([, to]) => to === 'stopped').map(([station]) => station);
            expect(
              standing
                .stopped(now, AT)
                .map(({ station }) => station)
                .sort(),
            ).toEqual(stopped.sort());
          }
        },
      ),
    );
  });
});
