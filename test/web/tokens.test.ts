// The token file against the table of UI.md section 2: every ratio is computed from the file itself.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const folder = join(import.meta.dirname, '../../web/assets/css');
const css = (name: string) => readFileSync(join(folder, name), 'utf8');

/** Pairs of the plain theme: what stands in the first `:root` block. */
const tokens = new Map<string, readonly [string, string]>();
for (const [, name, light, dark] of (css('tokens.css').split('@media')[0] ?? '').matchAll(
  /--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g,
)) {
  if (name && light && dark) tokens.set(name, [light, dark]);
}

/** Relative luminance, WCAG 2.2 definition. */
function luminance(hex: string): number {
  const channel = (from: number) => {
    const value = Number.parseInt(hex.slice(from, from + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

const THEMES = [
  ['light', 0],
  ['dark', 1],
] as const;
const pick = (name: string, theme: 0 | 1): string => {
  const pair = tokens.get(name);
  if (!pair) throw new Error(`The token file lacks a token: ${name}`);
  return pair[theme];
};
const worst = (name: string, theme: 0 | 1, grounds: string[]): number =>
  Math.min(...grounds.map((ground) => contrast(pick(name, theme), pick(ground, theme))));
const SURFACES = ['page', 'surface', 'sunken'];

describe('tokens', () => {
  it('hold the values of the specification', () => {
    expect(Object.fromEntries(tokens)).toMatchObject({
      page: ['#f6f7f5', '#111816'],
      surface: ['#ffffff', '#18211e'],
      sunken: ['#eceeea', '#0c1210'],
      ink: ['#16211e', '#e7edea'],
      'ink-soft': ['#4a5753', '#a9b6b1'],
      edge: ['#75827d', '#7c8a85'],
      rule: ['#d3d9d5', '#34413c'],
      action: ['#0b5c63', '#7fd1d3'],
      'on-action': ['#ffffff', '#06282b'],
      visited: ['#5b3a8c', '#c9b2f0'],
      focus: ['#1d3fd1', '#ffd24d'],
    });
  });

  for (const [theme, index] of THEMES) {
    it.each([
      ['ink', SURFACES, [14.2, 13.9]],
      ['ink-soft', SURFACES, [6.5, 7.9]],
      ['edge', ['page', 'surface'], [3.7, 4.6]],
      ['action', ['page'], [7.2, 10.3]],
      ['on-action', ['action'], [7.7, 8.9]],
      ['visited', ['page'], [8.0, 8.7]],
      ['good-ink', ['good-tint'], [6.5, 8.8]],
      ['soon-ink', ['soon-tint'], [6.7, 9.0]],
      ['late-ink', ['late-tint'], [6.3, 8.4]],
      ['note-ink', ['note-tint'], [7.2, 8.9]],
      ['quiet-ink', ['quiet-tint'], [6.5, 7.3]],
      ['proof-ink', ['proof-tint'], [7.8, 8.9]],
    ] as const)(`${theme}: %s has the ratio that was promised`, (name, grounds, promised) => {
      // The table rounds to one decimal; a tenth below is a different colour.
      expect(worst(name, index, [...grounds])).toBeGreaterThanOrEqual(promised[index] - 0.05);
    });

    it(`${theme}: status words stand on every surface too (ClockBar has no tint)`, () => {
      for (const tone of ['good', 'soon', 'late', 'note', 'quiet', 'proof'])
        expect(worst(`${tone}-ink`, index, SURFACES), tone).toBeGreaterThanOrEqual(4.5);
    });

    it(`${theme}: the focus ring and chart series can be told from every surface`, () => {
      expect(worst('focus', index, SURFACES)).toBeGreaterThanOrEqual(3);
      for (let series = 1; series <= 5; series += 1)
        expect(worst(`series-${series}`, index, ['surface']), `series-${series}`).toBeGreaterThanOrEqual(
          [4.9, 7.8][index] ?? 0,
        );
    });
  }

  it('has a value in forced colours and in print for every colour but the ones that take no part', () => {
    const source = css('tokens.css');
    const forced = source.slice(source.indexOf('(forced-colors'), source.indexOf('@media print'));
    const print = source.slice(source.indexOf('@media print'));
    const inherits = new Set([
      'on-action',
      'focus',
      'series-1',
      'series-2',
      'series-3',
      'series-4',
      'series-5',
    ]);
    for (const name of tokens.keys()) {
      expect(forced, `forced colours: ${name}`).toContain(`--${name}:`);
      if (!inherits.has(name)) expect(print, `print: ${name}`).toContain(`--${name}:`);
    }
  });
});

describe('style sheets', () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.css'));

  it.each(files)('%s uses logical sides only, so that right to left needs nothing of its own', (name) => {
    const physical =
      /(?:^|[\s;{])(?:(?:margin|padding|border|inset|scroll-margin|scroll-padding)-(?:left|right|top|bottom)(?:-[a-z]+)?|left|right|top|bottom|width|height|min-width|max-width|min-height|max-height|text-align)\s*:\s*(?:left|right|[^;]*)/g;
    const found = [
      ...css(name)
        .replace(/\/\*[\s\S]*?\*\//g, '')
        .matchAll(physical),
    ]
      .map((match) => match[0].trim())
      .filter((rule) => !/text-align:\s*(start|end|center)/.test(rule));
    expect(found).toEqual([]);
  });

  it.each(files)('%s names no colour outside the tokens', (name) => {
    if (name === 'tokens.css') return;
    const colours = css(name)
      .replace(/\/\*[\s\S]*?\*\//g, '')
      .split('\n')
      .filter((line) => /#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(/i.test(line));
    // Black on paper, the shade behind a dialog, and the label of the skip link on the focus colour.
    expect(colours.filter((line) => !/#000\b|#0c1210|light-dark\(#ffffff, #111816\)/.test(line))).toEqual([]);
  });
});
