// Station 0, rules: days, weekends, holidays and zones, as plain arithmetic over ISO dates and epoch milliseconds.
// Zones come from Intl, which Node, the browser and the workflow sandbox all have; no library is needed.
// Must never read the time, and never treat a day as 24 hours: a day ends when the calendar's zone says so.

/** A day of the Gregorian calendar, `YYYY-MM-DD`, without a zone. */
export type LocalDate = string;

/** When a holiday falls. `years` bounds the law that made it, both ends included. */
export type HolidayRule = (
  | { readonly month: number; readonly day: number }
  /** Days after Easter Sunday (Western). */
  | { readonly easter: number }
  | { readonly date: LocalDate }
) & { readonly years?: readonly [from: number, to: number] };

export type Holiday = HolidayRule & { readonly name: { readonly en: string; readonly 'zh-Hans': string } };

/** Which days are worked, and in which zone they begin and end. */
export type Calendar = {
  readonly id: string;
  /** IANA name. */
  readonly zone: string;
  /** ISO weekdays that are not worked: 1 Monday … 7 Sunday. */
  readonly weekend: readonly number[];
  readonly holidays: readonly Holiday[];
  /** Days that are worked although they fall on a weekend or holiday (moved working days, as in China). */
  readonly extraWorkingDays: readonly LocalDate[];
  readonly source: string;
};

/** What kind of day it is; `name` is the holiday's. */
export type DayKind = {
  readonly working: boolean;
  readonly why: 'working-day' | 'weekend' | 'holiday' | 'extra-working-day';
  readonly name?: Holiday['name'];
};

export const DAY_MS = 86_400_000;
/** Bounds of what is computed with; outside them a date is a slip of the pen. */
const FIRST_YEAR = 1890;
const LAST_YEAR = 2200;

/** True for a day that exists, written `YYYY-MM-DD`, between 1890 and 2200. */
export function isLocalDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const year = Number(text.slice(0, 4));
  return year >= FIRST_YEAR && year <= LAST_YEAR && dateOfDayNumber(dayNumber(text)) === text;
}

/** `days` later (earlier when negative). */
export function addDays(date: LocalDate, days: number): LocalDate {
  return dateOfDayNumber(dayNumber(date) + days);
}

/** The same day `months` later; where that month is too short, its last day (BGB § 188(3)). */
export function addMonths(date: LocalDate, months: number): LocalDate {
  const [year, month, day] = partsOf(date);
  const index = year * 12 + (month - 1) + months;
  const [toYear, toMonth] = [Math.floor(index / 12), (((index % 12) + 12) % 12) + 1];
  // Day 0 of the month behind is the last of this one.
  const length = new Date(Date.UTC(toYear, toMonth, 0)).getUTCDate();
  return dateOfDayNumber(Date.UTC(toYear, toMonth - 1, Math.min(day, length)) / DAY_MS);
}

/** Days from `from` to `to`; negative when `to` is earlier. */
export function daysBetween(from: LocalDate, to: LocalDate): number {
  return dayNumber(to) - dayNumber(from);
}

/** ISO weekday: 1 Monday … 7 Sunday. */
export function weekday(date: LocalDate): number {
  // 1 January 1970, day 0, was a Thursday.
  return ((((dayNumber(date) + 3) % 7) + 7) % 7) + 1;
}

/** Whether the day is worked, and why. A moved working day beats a holiday, a holiday beats a weekend. */
export function dayKind(date: LocalDate, calendar: Calendar): DayKind {
  if (calendar.extraWorkingDays.includes(date)) return { working: true, why: 'extra-working-day' };
  const holiday = calendar.holidays.find((candidate) => fallsOn(candidate, date));
  if (holiday !== undefined) return { working: false, why: 'holiday', name: holiday.name };
  if (calendar.weekend.includes(weekday(date))) return { working: false, why: 'weekend' };
  return { working: true, why: 'working-day' };
}

/** This day if it is worked, else the next one that is. Throws when a calendar has no working day within a year. */
export function workingDayFrom(date: LocalDate, calendar: Calendar): LocalDate {
  for (let days = 0; days <= 366; days += 1) {
    const candidate = addDays(date, days);
    if (dayKind(candidate, calendar).working) return candidate;
  }
  throw new RangeError(`Calendar has no working day; correct its weekend and holidays: ${calendar.id}`);
}

/** True for an IANA zone this machine knows. */
export function isZone(zone: string): boolean {
  try {
    formatterOf(zone);
    return true;
  } catch {
    return false;
  }
}

/** The day it is in `zone` at the instant `ms` (epoch milliseconds). */
export function localDateAt(ms: number, zone: string): LocalDate {
  return dateOfDayNumber(Math.floor((ms + offsetAt(ms, zone)) / DAY_MS));
}

/** First instant of the day in the zone, in epoch milliseconds; where clocks skip midnight, the moment they skip to. */
export function startOfDay(date: LocalDate, zone: string): number {
  return edgesOfMidnight(date, zone).first;
}

/** Last instant (the last millisecond) of the day in the zone, so that "by that day" means all of it. */
export function endOfDay(date: LocalDate, zone: string): number {
  return edgesOfMidnight(addDays(date, 1), zone).last - 1;
}

/**
 * The instants at which the day `date` begins. They differ only where clocks, just past midnight, are turned back
 * into the day before: what must be done by that day may then be done until it ends for the last time.
 */
function edgesOfMidnight(date: LocalDate, zone: string): { first: number; last: number } {
  const wall = dayNumber(date) * DAY_MS;
  // Any offset that can hold at that midnight holds a day before or after it, as zones change at most daily.
  const offsets = [offsetAt(wall - DAY_MS, zone), offsetAt(wall + DAY_MS, zone)];
  const candidates = offsets
    .map((offset) => wall - offset)
    .filter((ms) => ms + offsetAt(ms, zone) === wall)
    .sort((a, b) => a - b);
  const [first, second = first] = candidates;
  if (first !== undefined && second !== undefined) {
    // Two midnights: either the day itself goes on between them, or it is the day before once more.
    return { first, last: localDateAt(second - 1, zone) < date ? second : first };
  }
  // Midnight is skipped: find the jump, the first millisecond whose wall time is past it.
  let before = wall - Math.max(...offsets) - 1;
  let after = wall - Math.min(...offsets);
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (middle + offsetAt(middle, zone) >= wall) after = middle;
    else before = middle;
  }
  return { first: after, last: after };
}

const formatters = new Map<string, Intl.DateTimeFormat>();

/** One formatter per zone, kept because making one is slow; throws RangeError for an unknown zone. */
function formatterOf(zone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(zone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formatters.set(zone, formatter);
  }
  return formatter;
}

/** Wall time minus UTC at the instant, in milliseconds. */
function offsetAt(ms: number, zone: string): number {
  const wholeSecond = Math.floor(ms / 1000) * 1000;
  const parts: Record<string, number> = {};
  for (const { type, value } of formatterOf(zone).formatToParts(wholeSecond)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - wholeSecond;
}

function fallsOn(holiday: Holiday, date: LocalDate): boolean {
  const [year, month, day] = partsOf(date);
  if (holiday.years !== undefined && (year < holiday.years[0] || year > holiday.years[1])) return false;
  if ('date' in holiday) return holiday.date === date;
  if ('easter' in holiday) return addDays(easterSunday(year), holiday.easter) === date;
  return holiday.month === month && holiday.day === day;
}

/** Western Easter Sunday (the anonymous Gregorian computus, Meeus, Astronomical Algorithms, chapter 8). */
function easterSunday(year: number): LocalDate {
  const a = year % 19;
  const [b, c] = [Math.floor(year / 100), year % 100];
  const [d, e] = [Math.floor(b / 4), b % 4];
  const f = Math.floor((b + 8) / 25);
  const g = Math.floor((b - f + 1) / 3);
  const h = (19 * a + b - d - g + 15) % 30;
  const [i, k] = [Math.floor(c / 4), c % 4];
  const l = (32 + 2 * e + 2 * i - h - k) % 7;
  const m = Math.floor((a + 11 * h + 22 * l) / 451);
  const sum = h + l - 7 * m + 114;
  return dateOfDayNumber(Date.UTC(year, Math.floor(sum / 31) - 1, (sum % 31) + 1) / DAY_MS);
}

/** Days since 1 January 1970. */
function dayNumber(date: LocalDate): number {
  const [year, month, day] = partsOf(date);
  return Date.UTC(year, month - 1, day) / DAY_MS;
}

function dateOfDayNumber(days: number): LocalDate {
  return new Date(days * DAY_MS).toISOString().slice(0, 10);
}

function partsOf(date: LocalDate): [year: number, month: number, day: number] {
  return [Number(date.slice(0, 4)), Number(date.slice(5, 7)), Number(date.slice(8, 10))];
}
