// Station 0, rules: a limit as data, and what follows from it: first, due and last day, what is left, day by day.
// Counts as German administrative law does (SGB X § 26 with BGB §§ 187–193); other calendars are other data.
// Must never read the time (`now` is an argument) and never lock anything: a clock that is late only says so.
import {
  addDays,
  addMonths,
  type Calendar,
  DAY_MS,
  dayKind,
  daysBetween,
  endOfDay,
  type Holiday,
  type LocalDate,
  localDateAt,
  startOfDay,
  workingDayFrom,
} from './calendar.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { Role } from './roles.ts';

/** Units a law counts in; `seconds` are for tests and demonstrations, where no law is. */
export const CLOCK_UNITS = ['calendar-days', 'working-days', 'months', 'seconds'] as const;
export type ClockUnit = (typeof CLOCK_UNITS)[number];

/** What happens when the last day has passed. */
export const CLOCK_EFFECTS = ['escalate', 'notify', 'deemed-approved', 'close', 'next-step'] as const;
export type ClockEffect = (typeof CLOCK_EFFECTS)[number];

/** Why a clock may stand still. */
export const PAUSE_GROUNDS = ['papers-missing', 'expert-report', 'in-hospital', 'force-majeure'] as const;
export type PauseGround = (typeof PAUSE_GROUNDS)[number];

/** A limit as data. Lengths are in `unit` and counted from the start event. */
export type Clock = {
  readonly id: string;
  readonly name: { readonly en: string; readonly 'zh-Hans': string };
  /** The law with its section, or "house rule" with its reason. */
  readonly legalBasis: string;
  /** The audit event that starts it. */
  readonly startsWith: string;
  readonly unit: ClockUnit;
  /** From when on it may be done; 0 at once. */
  readonly earliest: number;
  /** By when it should be done. */
  readonly due: number;
  /** By when it must be done. */
  readonly length: number;
  /** A last day that is not worked moves to the next one that is (SGB X § 26(3)). Working days always end on one. */
  readonly movesToWorkingDay: boolean;
  readonly pauseGrounds: readonly PauseGround[];
  readonly effect: ClockEffect;
  /** Who is told when it becomes late. */
  readonly tells: readonly Role[];
  /** Among clocks with the same time left, the lower number stands first. */
  readonly priority: number;
};

/** How one clock has run so far, as its row keeps it. Instants are ISO 8601 UTC. */
export type ClockRun = {
  readonly startedAt: string;
  /** Set while it stands still. */
  readonly pausedAt: string | null;
  /** Milliseconds it stood still before that. */
  readonly pausedMs: number;
};

/** Days and instants of a clock. For `seconds` the days are those on which the instants fall. */
export type ClockWindow = {
  readonly earliest: LocalDate;
  readonly due: LocalDate;
  readonly last: LocalDate;
  /** First millisecond of the first day, last ones of the others; epoch milliseconds. */
  readonly earliestAt: number;
  readonly dueAt: number;
  readonly lastAt: number;
};

export type ClockStatus = 'good' | 'soon' | 'late' | 'paused';

/** What is left, in the law's unit; negative when late. `days` only beside months: the days beyond the whole ones. */
export type Remaining = { readonly unit: ClockUnit; readonly value: number; readonly days?: number };

/**
 * One day of the count. `nth` is its number when it counts. `why`: the start day and days not worked do not count;
 * `made-up` days stand for the time the clock stood still; `moved` days follow a last day that is not worked.
 */
export type CountedDay = {
  readonly date: LocalDate;
  readonly counts: boolean;
  readonly nth?: number;
  readonly why: 'start-day' | 'counts' | 'weekend' | 'holiday' | 'made-up' | 'moved';
  readonly name?: Holiday['name'];
  readonly marks: readonly ('earliest' | 'due' | 'last')[];
};

/**
 * First, due and last day in the calendar's zone.
 * 1. The day of the start event is not counted (BGB § 187(1)). 2. Days end at the zone's midnight, whatever their hours.
 * 3. Months end on the day of the same number, or the month's last (BGB § 188). 4. Time that the clock stood still is
 * added behind, in calendar days, a begun day as a whole one, never more than one day too much in all (after BGB § 209).
 * 5. Then a last day that is not worked moves, if the clock says so. While it stands still, `now` counts as its end.
 */
export function windowOf(clock: Clock, run: ClockRun, calendar: Calendar, now: string): ClockWindow {
  const started = epoch(run.startedAt);
  const paused = pausedMsAt(run, now);
  const { unit } = clock;
  if (unit === 'seconds') {
    const [earliestAt, dueAt, lastAt] = [clock.earliest, clock.due, clock.length].map(
      (seconds) => started + seconds * 1000 + paused,
    ) as [number, number, number];
    const day = (ms: number) => localDateAt(ms, calendar.zone);
    return {
      earliest: day(earliestAt),
      due: day(dueAt),
      last: day(lastAt),
      earliestAt,
      dueAt,
      lastAt,
    };
  }
  const start = localDateAt(started, calendar.zone);
  const madeUp = Math.ceil(paused / DAY_MS);
  const end = (length: number) =>
    settle(clock, addDays(counted(unit, start, length, calendar), madeUp), calendar);
  // What may begin at once may begin on the very day and instant of the start.
  const earliest = clock.earliest === 0 ? start : counted(unit, start, clock.earliest, calendar);
  const [due, last] = [end(clock.due), end(clock.length)];
  return {
    earliest,
    due,
    last,
    earliestAt: clock.earliest === 0 ? started : startOfDay(earliest, calendar.zone),
    dueAt: endOfDay(due, calendar.zone),
    lastAt: endOfDay(last, calendar.zone),
  };
}

/** `paused` while it stands still; `late` after the last instant; `soon` from the due day's begin, or once due; else `good`. */
export function statusOf(clock: Clock, run: ClockRun, calendar: Calendar, now: string): ClockStatus {
  if (run.pausedAt !== null) return 'paused';
  const at = epoch(now);
  const { due, dueAt, lastAt } = windowOf(clock, run, calendar, now);
  if (at > lastAt) return 'late';
  const soonFrom = clock.unit === 'seconds' ? dueAt : startOfDay(due, calendar.zone);
  return at >= soonFrom ? 'soon' : 'good';
}

/** What is left until the last day in the law's own unit, today not counted: 0 is "today", negative is overdue. */
export function remainingOf(clock: Clock, run: ClockRun, calendar: Calendar, now: string): Remaining {
  const { last, lastAt } = windowOf(clock, run, calendar, now);
  const unit = clock.unit;
  if (unit === 'seconds') return { unit, value: Math.floor((lastAt - epoch(now)) / 1000) };
  const today = localDateAt(epoch(now), calendar.zone);
  if (unit === 'calendar-days') return { unit, value: daysBetween(today, last) };
  if (unit === 'working-days') {
    const [from, to] = today <= last ? [today, last] : [last, today];
    let days = 0;
    for (let day = addDays(from, 1); day <= to; day = addDays(day, 1)) {
      if (dayKind(day, calendar).working) days += 1;
    }
    return { unit, value: today <= last ? days : -days };
  }
  const sign = today <= last ? 1 : -1;
  const [from, to] = sign === 1 ? [today, last] : [last, today];
  let months = 0;
  while (addMonths(from, months + 1) <= to) months += 1;
  // `+ 0` so that nothing left is 0 and not -0.
  return { unit, value: sign * months + 0, days: sign * daysBetween(addMonths(from, months), to) + 0 };
}

/**
 * Every day from the start to the last day, with whether it counts and why not ("24 Dec counts, 25 Dec does not").
 * Empty for `seconds`, which have no days.
 */
export function explainDays(
  clock: Clock,
  run: ClockRun,
  calendar: Calendar,
  now: string,
): readonly CountedDay[] {
  if (clock.unit === 'seconds') return [];
  const window = windowOf(clock, run, calendar, now);
  const start = localDateAt(epoch(run.startedAt), calendar.zone);
  const countedTo = counted(clock.unit, start, clock.length, calendar);
  const madeUpTo = addDays(countedTo, Math.ceil(pausedMsAt(run, now) / DAY_MS));
  const days: CountedDay[] = [];
  let nth = 0;
  for (let date = start; date <= window.last; date = addDays(date, 1)) {
    const kind = dayKind(date, calendar);
    const marks = (['earliest', 'due', 'last'] as const).filter((mark) => window[mark] === date);
    const name = kind.name === undefined ? {} : { name: kind.name };
    if (date === start) days.push({ date, counts: false, why: 'start-day', ...name, marks });
    else if (date > madeUpTo) days.push({ date, counts: false, why: 'moved', ...name, marks });
    else if (date > countedTo) days.push({ date, counts: false, why: 'made-up', ...name, marks });
    else if (clock.unit === 'working-days' && !kind.working) {
      days.push({ date, counts: false, why: kind.why === 'holiday' ? 'holiday' : 'weekend', ...name, marks });
    } else {
      nth += 1;
      days.push({ date, counts: true, nth, why: 'counts', ...name, marks });
    }
  }
  return days;
}

/** The run with the clock standing still from `at`; refused when the law gives no such ground, or it stands already. */
export function pause(clock: Clock, run: ClockRun, ground: PauseGround, at: string): ClockRun | Refusal {
  if (!clock.pauseGrounds.includes(ground)) {
    return refuse('values', { fields: [{ field: 'ground', fault: 'noPauseGround' }] });
  }
  if (run.pausedAt !== null) return refuse('wrong-state');
  return { ...run, pausedAt: at };
}

/** The run with the clock going on from `at`; refused when it does not stand still. */
export function resume(run: ClockRun, at: string): ClockRun | Refusal {
  if (run.pausedAt === null) return refuse('wrong-state');
  return { ...run, pausedAt: null, pausedMs: pausedMsAt(run, at) };
}

/** Orders clocks for a queue: by last instant, then by the law's priority, then by start. */
export function byUrgency(
  a: { readonly clock: Clock; readonly run: ClockRun; readonly lastAt: number },
  b: { readonly clock: Clock; readonly run: ClockRun; readonly lastAt: number },
): number {
  if (a.lastAt !== b.lastAt) return a.lastAt - b.lastAt;
  if (a.clock.priority !== b.clock.priority) return a.clock.priority - b.clock.priority;
  return a.run.startedAt < b.run.startedAt ? -1 : a.run.startedAt > b.run.startedAt ? 1 : 0;
}

function counted(
  unit: Exclude<ClockUnit, 'seconds'>,
  start: LocalDate,
  length: number,
  calendar: Calendar,
): LocalDate {
  if (unit === 'calendar-days') return addDays(start, length);
  if (unit === 'months') return addMonths(start, length);
  let date = start;
  for (let left = length; left > 0; left -= 1) date = workingDayFrom(addDays(date, 1), calendar);
  return date;
}

function settle(clock: Clock, date: LocalDate, calendar: Calendar): LocalDate {
  const moves = clock.movesToWorkingDay || clock.unit === 'working-days';
  return moves ? workingDayFrom(date, calendar) : date;
}

function pausedMsAt(run: ClockRun, now: string): number {
  // A pause that begins later than `now` is a clock set back between two machines: it lasted no time yet.
  const open = run.pausedAt === null ? 0 : Math.max(0, epoch(now) - epoch(run.pausedAt));
  return run.pausedMs + open;
}

function epoch(instant: string): number {
  const ms = Date.parse(instant);
  if (Number.isNaN(ms)) throw new RangeError('Not an instant; give ISO 8601 in UTC');
  return ms;
}
