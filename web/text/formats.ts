// Station 1, web: dates, numbers and lists in the reader's language and the site's zone, all through Intl.
// Latin digits everywhere, groups from 10 000 on with a no-break space. Never decides a wording.

/** The two languages of the interface, as they stand in `lang`. */
export const LANGS = ['en', 'zh-Hans'] as const;
export type Lang = (typeof LANGS)[number];

const LOCALES: Record<Lang, string> = { en: 'en-GB', 'zh-Hans': 'zh-Hans-CN-u-nu-latn' };

/** A moment: a Date, or an ISO 8601 string as it stands in data. */
export type Moment = Date | string;

const asDate = (moment: Moment): Date => (typeof moment === 'string' ? new Date(moment) : moment);

/** Ways to write values down in one language and one zone. */
export type Formats = {
  lang: Lang;
  zone: string;
  /** "24 Nov 2026", "2026年11月24日" */
  date(moment: Moment): string;
  /** A calendar date without a zone, such as a date of birth, `YYYY-MM-DD`. */
  calendarDate(day: string): string;
  /** "14:05" */
  time(moment: Moment): string;
  /** "24 Nov 2026, 14:05", "2026年11月24日 14:05" */
  dateTime(moment: Moment): string;
  /** "48 190"; up to `digits` decimals. */
  number(value: number, digits?: number): string;
  /** "a, b and c" */
  list(items: readonly string[]): string;
};

/** Builds the formats of a language and a zone; callers keep them (`text` does). */
export function formats(lang: Lang, zone: string): Formats {
  const locale = LOCALES[lang];
  const dateIn = (timeZone: string) =>
    lang === 'en'
      ? new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric', timeZone })
      : new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone });
  const date = dateIn(zone);
  const plainDay = dateIn('UTC');
  const time = new Intl.DateTimeFormat(locale, {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: zone,
  });
  const list = new Intl.ListFormat(locale, { type: 'conjunction' });
  const numbers = new Map<number, Intl.NumberFormat>();
  const numberOf = (digits: number) => {
    const known = numbers.get(digits);
    if (known) return known;
    const made = new Intl.NumberFormat(locale, { useGrouping: 'min2', maximumFractionDigits: digits });
    numbers.set(digits, made);
    return made;
  };
  return {
    lang,
    zone,
    date: (moment) => date.format(asDate(moment)),
    calendarDate: (day) => plainDay.format(new Date(`${day}T00:00:00.000Z`)),
    time: (moment) => time.format(asDate(moment)),
    dateTime: (moment) =>
      `${date.format(asDate(moment))}${lang === 'en' ? ', ' : ' '}${time.format(asDate(moment))}`,
    number: (value, digits = 0) =>
      numberOf(digits)
        .formatToParts(value)
        .map((part) => (part.type === 'group' ? '\u202f' : part.value))
        .join(''),
    list: (items) => list.format(items),
  };
}
