// Station 1, web: a clock's row as a screen shows it. One place, so that officer, patient, administrator and auditor read the
// same sentence (UI.md, principle 2). Asks the rules for every day; decides nothing and locks nothing.
import { localDateAt } from '../domain/calendar.ts';
import { type ClockRun, remainingOf, statusOf, windowOf } from '../domain/clocks.ts';
import type { CaseClock } from '../domain/lifecycle.ts';
import type { Parameters } from '../domain/parameters.ts';
import type { ClockView } from './parts/clock-bar.tsx';
import type { LimitUnit } from './text/en.ts';

/** A clock as its row keeps it; instants are ISO 8601. */
export interface ClockFacts extends ClockRun {
  readonly clock: CaseClock;
  readonly dueAt: string;
  readonly stoppedAt: string | null;
  readonly lapsedAt: string | null;
}

/** What a screen says of a clock at `now`. Lengths are in the law's unit; beside months, whole ones first, then days. */
export function clockView(parameters: Parameters, facts: ClockFacts, now: Date): ClockView {
  const rule = parameters.clocks[facts.clock];
  const { calendar } = parameters;
  // A limit whose end only warns goes on being late; one whose end did something is over.
  if (facts.lapsedAt && !onlyWarns(parameters, facts.clock)) return { state: 'ended', on: facts.lapsedAt };
  if (facts.stoppedAt)
    return facts.stoppedAt <= facts.dueAt
      ? { state: 'met', on: facts.stoppedAt }
      : { state: 'ended', on: facts.stoppedAt };
  const at = now.toISOString();
  const window = windowOf(rule, facts, calendar, at);
  const started = Date.parse(facts.startedAt);
  const paused =
    facts.pausedMs + (facts.pausedAt ? Math.max(0, now.getTime() - Date.parse(facts.pausedAt)) : 0);
  const whole = window.lastAt - started - paused;
  const spent = whole > 0 ? Math.min(1, Math.max(0, (now.getTime() - started - paused) / whole)) : 1;
  if (facts.pausedAt) return { state: 'paused', since: facts.pausedAt, spent };
  const status = statusOf(rule, facts, calendar, at);
  const lastDay = new Date(window.lastAt);
  const { amount, unit } = amountOf(remainingOf(rule, facts, calendar, at));
  return status === 'late'
    ? { state: 'late', amount, unit, lastDay }
    : { state: status === 'soon' ? 'soon' : 'running', amount, unit, lastDay, spent };
}

/** What a screen says of a time by which something must be acknowledged: never far off, so it is never said to be far off. */
export function byTimeView(since: string, by: number, now: Date): ClockView {
  const left = by - now.getTime();
  const whole = by - Date.parse(since);
  const minutes = Math.floor(Math.abs(left) / 60_000);
  const length: { amount: number; unit: LimitUnit } =
    minutes < 120
      ? { amount: minutes, unit: 'minute' }
      : minutes < 2880
        ? { amount: Math.floor(minutes / 60), unit: 'hour' }
        : { amount: Math.floor(minutes / 1440), unit: 'day' };
  const lastDay = new Date(by);
  return left < 0
    ? { state: 'late', ...length, lastDay }
    : {
        state: 'soon',
        ...length,
        lastDay,
        spent: whole > 0 ? Math.min(1, Math.max(0, 1 - left / whole)) : 1,
      };
}

/** Whether the end of a limit changes nothing but what people are told: overdue never locks. */
function onlyWarns(parameters: Parameters, clock: CaseClock): boolean {
  const { effect } = parameters.clocks[clock];
  return effect === 'escalate' || effect === 'notify';
}

/** A length of time in the unit a person reads; never negative. */
function amountOf(left: ReturnType<typeof remainingOf>): { amount: number; unit: LimitUnit } {
  const value = Math.abs(left.value);
  switch (left.unit) {
    case 'calendar-days':
      return { amount: value, unit: 'day' };
    case 'working-days':
      return { amount: value, unit: 'working-day' };
    case 'months':
      return value > 0 ? { amount: value, unit: 'month' } : { amount: Math.abs(left.days ?? 0), unit: 'day' };
    case 'seconds':
      return value < 120
        ? { amount: value, unit: 'second' }
        : value < 7200
          ? { amount: Math.floor(value / 60), unit: 'minute' }
          : { amount: Math.floor(value / 3600), unit: 'hour' };
    default:
      return left.unit satisfies never;
  }
}

/** The clock that a reader should see first among those that run: the one that ends first, those standing still last. */
export function leadingClock<T extends ClockFacts>(
  parameters: Parameters,
  clocks: readonly T[],
): T | undefined {
  return clocks
    .filter((clock) => !clock.stoppedAt && (!clock.lapsedAt || onlyWarns(parameters, clock.clock)))
    .sort(
      (a, b) =>
        Number(Boolean(a.pausedAt)) - Number(Boolean(b.pausedAt)) ||
        (a.dueAt < b.dueAt ? -1 : a.dueAt > b.dueAt ? 1 : 0) ||
        parameters.clocks[a.clock].priority - parameters.clocks[b.clock].priority,
    )[0];
}

/** Today in the site's calendar. */
export const todayIn = (parameters: Parameters, now: Date): string =>
  localDateAt(now.getTime(), parameters.calendar.zone);
