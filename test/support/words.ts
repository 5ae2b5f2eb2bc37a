// Test support: words that never stand on a screen (UI.md section 6). Auditors' technical details are the one exception for ledger words.
// A scan over rendered text; never over what people typed.

import { INSTRUMENTS } from '../../domain/instruments/registry.ts';

/**
 * Questions as the authors of an instrument published them: they may not be reworded, and PHQ-9 asks in Chinese about a feeling of 失败.
 * Excused word for word and as a whole; the same word anywhere else, also beside the question, is not.
 */
const PUBLISHED = INSTRUMENTS.flatMap(({ items }) => items.flatMap(({ text }) => [text.en, text['zh-Hans']]));

/** Each banned word with the language it is banned in. */
const BANNED: readonly RegExp[] = [
  /\bworkflows?\b/i,
  /\bactivit(y|ies)\b/i,
  /\bsignals?\b/i,
  /\bpayloads?\b/i,
  /\bmerkle\b/i,
  /\bnull\b/i,
  /\bundefined\b/i,
  /\bNaN\b/,
  /\[object /,
  /\binvalid\b/i,
  /\bfailed\b/i,
  /\boops\b/i,
  /\bplease\b/i,
  /\bsorry\b/i,
  /an error occurred/i,
  /this field is required/i,
  /!(?!=)/,
  /！/,
  /抱歉|对不起|无效|失败|工作流|默克尔/,
];

/** The banned words in a text, as found; empty when it may be shown. */
export function bannedWords(text: string): string[] {
  const own = PUBLISHED.reduce((rest, question) => rest.replaceAll(question, ' '), text);
  return BANNED.flatMap((word) => word.exec(own)?.[0] ?? []);
}

/** The visible words of rendered markup: tags and their attributes go, `aria-label`, `title` and `placeholder` stay. */
export function wordsOf(html: string): string {
  const labels = [...html.matchAll(/\s(?:aria-label|title|placeholder|data-[a-z-]+)="([^"]*)"/g)].map(
    (match) => match[1] ?? '',
  );
  const body = html
    .replace(/<(script|style|svg)\b[\s\S]*?<\/\1>/g, ' ')
    // The exact bytes that are signed are data, shown only to who opens them, and have no words of ours.
    .replace(/<pre class="bytes"[\s\S]*?<\/pre>/g, ' ')
    .replace(/<!doctype[^>]*>/i, ' ')
    .replace(/<[^>]*>/g, ' ');
  return `${body} ${labels.join(' ')}`;
}
