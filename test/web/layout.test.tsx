// The frame of every page: titles, navigation, fixed settings, and what a fragment request is.
import { describe, expect, it } from 'vitest';
import { ROLES } from '../../domain/roles.ts';
import {
  CONTENT_SECURITY_POLICY,
  type Frame,
  formAttributes,
  Hidden,
  HTMX_CONFIG,
  navigationOf,
  page,
  wantsFragment,
} from '../../web/layout.tsx';
import { text } from '../../web/text/text.ts';
import { bannedWords, wordsOf } from '../support/words.ts';

const t = text('en', 'Europe/Berlin');
const frame: Frame = {
  t,
  theme: 'system',
  path: '/queue?view=mine',
  navigation: navigationOf(t, 'approval-officer', { queue: 41 }),
  viewer: { name: 'K. Example', role: 'approval-officer', roles: ['approval-officer', 'doctor'] },
  checkpoint: { size: 48_230, anchored: 48_218 },
};
const render = (over: Partial<Frame>, options: Parameters<typeof page>[1]) =>
  String(page({ ...frame, ...over }, options, <p>body</p>));

describe('page', () => {
  it('is a whole document with task or page, case and service in its title', () => {
    const html = render({}, { title: 'Decide application', caseNumber: 'RC-7QK4-M2' });
    expect(html).toMatch(/^<!doctype html><html lang="en" data-theme="system"/);
    expect(html).toContain('<title>Decide application – RC-7QK4-M2 – Rehabilitation</title>');
    expect(render({}, { title: 'Case RC-7QK4-M2', caseNumber: 'RC-7QK4-M2' })).toContain(
      '<title>Case RC-7QK4-M2 – Rehabilitation</title>',
    );
    expect(html.match(/<h1/g)).toHaveLength(1);
    expect(html.match(/<main/g)).toHaveLength(1);
  });

  it('begins its title with "Error:" when there is something to correct, and shows it above the h1', () => {
    const html = render({}, { title: 'Assess', faults: [{ field: 'findings', words: 'Fill this in' }] });
    expect(html).toContain('<title>Error: Assess');
    expect(html.indexOf('error-summary')).toBeLessThan(html.indexOf('<h1'));
    expect(render({ t: text('zh-Hans') }, { title: '评估', error: true })).toContain('<title>出错：评估');
  });

  it('skips first, speaks in two regions from the start, and keeps help at the same place', () => {
    for (const viewer of [frame.viewer, undefined]) {
      const html = render({ viewer }, { title: 'x' });
      expect(html.slice(html.indexOf('<body>'))).toMatch(/^<body><a class="skip" href="#main">/);
      expect(html).toContain('<div id="notice" role="status"></div>');
      expect(html).toContain('<div id="alert" role="alert"></div>');
      expect(html).toMatch(/<footer[\s\S]*href="\/help"/);
    }
  });

  it('marks the page one is on, prints the acting role beside the name, and offers the other role', () => {
    const html = render({}, { title: 'x' });
    expect(html).toMatch(/href="\/queue" aria-current="page"/);
    expect(html).toContain('<span class="account-role">approval officer</span>');
    expect(html).toMatch(/name="role" value="doctor"/);
    expect(html).not.toMatch(/name="role" value="approval-officer"/);
  });

  it('pins the settings of htmx and needs nothing its content policy refuses', () => {
    const html = render({}, { title: 'x' });
    const config = /name="htmx-config" content="([^"]*)"/.exec(html)?.[1]?.replaceAll('&quot;', '"');
    expect(config).toBe(HTMX_CONFIG);
    expect(JSON.parse(HTMX_CONFIG)).toEqual({
      extensions: 'sse',
      defaultSwap: 'outerMorph',
      noSwap: [204, 304, '5xx'],
      history: 'reload',
      defaultTimeout: 15_000,
      includeIndicatorCSS: false,
    });
    expect(html).not.toMatch(/\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|<style/);
    expect(CONTENT_SECURITY_POLICY).toContain("default-src 'none'");
    expect(CONTENT_SECURITY_POLICY).not.toMatch(/unsafe|nonce|\*/);
  });

  it('prints the newest checkpoint as it stands', () => {
    expect(render({}, { title: 'x' })).toContain(
      'Newest checkpoint #48\u202f230, anchored up to #48\u202f218, not cosigned yet',
    );
    expect(render({ checkpoint: { size: 9, cosigned: { count: 2, size: 7 } } }, { title: 'x' })).toContain(
      'cosigned 2 of 3 up to #7',
    );
    expect(render({ checkpoint: undefined }, { title: 'x' })).not.toContain('checkpoint #');
  });

  it('shows nothing of a banned kind in either language', () => {
    for (const words of [t, text('zh-Hans')]) {
      const html = String(
        page({ ...frame, t: words, navigation: navigationOf(words, 'auditor') }, { title: 'x' }, ''),
      );
      expect(bannedWords(wordsOf(html))).toEqual([]);
    }
  });
});

describe('navigation', () => {
  it.each(ROLES)('of %s has at most six items, each with its own place', (role) => {
    const items = navigationOf(t, role);
    expect(items.length).toBeLessThanOrEqual(6);
    expect(new Set(items.map((item) => item.href)).size).toBe(items.length);
    for (const { words } of items) expect(words).not.toBe('');
  });
});

describe('fragments and forms', () => {
  it('only a partial htmx request gets a fragment', () => {
    const of = (headers: Record<string, string>) => wantsFragment(new Headers(headers));
    expect(of({ 'HX-Request': 'true', 'HX-Request-Type': 'partial' })).toBe(true);
    expect(of({ 'HX-Request': 'true', 'HX-Request-Type': 'full' })).toBe(false);
    expect(of({ 'HX-Request-Type': 'partial' })).toBe(false);
    expect(of({})).toBe(false);
  });

  it('a form works without script, and hides what makes it one act', () => {
    const html = String(
      <form {...formAttributes('/tasks/t1')}>
        <Hidden values={{ key: 'k1', claim: 3, version: undefined }} />
      </form>,
    );
    expect(html).toContain('method="post" action="/tasks/t1"');
    expect(html).toContain('hx-post="/tasks/t1" hx-target="this" hx-sync="this:drop"');
    expect(html).toContain('novalidate');
    expect(html).toContain('<input type="hidden" name="key" value="k1"/>');
    expect(html).not.toContain('version');
  });
});
