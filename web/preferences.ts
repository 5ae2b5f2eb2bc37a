// Station 1, web: how a person wants pages to look, in cookies, so that the first paint is right. Holds nothing personal: a
// language, a theme, a row height, whether single keys act, and how long a signature can be undone (I8).
import type { Context } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import type { WebEnv } from './deps.ts';
import type { Density, Theme, Undo } from './layout.tsx';
import { LANGS, type Lang } from './text/formats.ts';

export const THEMES: readonly Theme[] = ['system', 'light', 'dark'];
/** Seconds between “Sign” and signing, in which it can be undone; or until the person says so. */
export const UNDO: readonly Undo[] = ['10', '30', 'wait'];
export const DENSITIES: readonly Density[] = ['comfortable', 'compact'];

const NAMES = {
  lang: '__Host-lang',
  theme: '__Host-theme',
  density: '__Host-density',
  keys: '__Host-keys',
  undo: '__Host-undo',
} as const;
const YEAR = 365 * 24 * 3600;

export interface Preferences {
  /** Undefined until chosen: then the browser's language decides. */
  readonly lang: Lang | undefined;
  readonly theme: Theme;
  readonly density: Density;
  readonly keys: boolean;
  readonly undo: Undo;
}

/** What a request's cookies say; anything else than a known value counts as not set. */
export function preferencesOf(c: Context<WebEnv>): Preferences {
  const of = (name: keyof typeof NAMES): string | undefined => getCookie(c, NAMES[name]);
  return {
    lang: LANGS.find((known) => known === of('lang')),
    theme: THEMES.find((known) => known === of('theme')) ?? 'system',
    density: DENSITIES.find((known) => known === of('density')) ?? 'comfortable',
    keys: of('keys') !== 'off',
    undo: UNDO.find((known) => known === of('undo')) ?? '10',
  };
}

/** Keeps one preference for a year. */
export function keepPreference(c: Context<WebEnv>, name: keyof typeof NAMES, value: string): void {
  setCookie(c, NAMES[name], value, {
    path: '/',
    secure: true,
    httpOnly: true,
    sameSite: 'Lax',
    maxAge: YEAR,
  });
}
