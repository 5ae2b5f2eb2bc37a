// Station 1, web: the words of a page in one language, with the ways to write dates and numbers beside them.
// A catalogue that lacks a key does not compile. Holds no word itself and knows nothing about a person.

import { en } from './en.ts';
import { type Formats, formats, LANGS, type Lang } from './formats.ts';
import { zhHans } from './zh-hans.ts';

/** What every language must say; English is the shape, each other language must fit it whole. */
export type Catalogue = typeof en;

/** Words and formats of one language. Parts and pages take it as `t`. */
export type Text = Catalogue & Formats;

const CATALOGUES: Record<Lang, Catalogue> = { en, 'zh-Hans': zhHans };
const made = new Map<string, Text>();

/** The words in a language, with dates written in `zone` (IANA name). The same object for the same arguments. */
export function text(lang: Lang, zone = 'UTC'): Text {
  const name = `${lang} ${zone}`;
  const known = made.get(name);
  if (known) return known;
  const fresh: Text = { ...CATALOGUES[lang], ...formats(lang, zone) };
  made.set(name, fresh);
  return fresh;
}

/** The language a setting or an `Accept-Language` header asks for; English where neither is ours. */
export function langOf(...wishes: (string | undefined)[]): Lang {
  for (const wish of wishes) {
    for (const tag of (wish ?? '').split(',')) {
      const name = tag.split(';')[0]?.trim().toLowerCase() ?? '';
      if (name === 'zh' || name.startsWith('zh-')) return 'zh-Hans';
      if (name === 'en' || name.startsWith('en-')) return 'en';
    }
  }
  return LANGS[0];
}
