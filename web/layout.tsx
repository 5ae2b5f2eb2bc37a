// Station 1, web: the frame of every page (UI.md section 4) and the words pages and fragments have in common.
// Everything it prints comes with the call: no request, no person and no setting is kept between two renderings (T20).
//
// A page's file holds its fragments as functions; the route answers either
//   page:      c.html(page(frame, { title, … }, <Body/>))            ordinary navigation, script off, first visit
//   fragment:  c.html(fragment(<Body/>, <Partial …/>, …))            when `wantsFragment(c.req.raw.headers)`
// The `h1` belongs to the page's head, so a fragment is what `hx-target` names, never the frame.
// A form has `method` and `action` first, then `hx-post`, `hx-target="this"`, `hx-sync="this:drop"` and `novalidate`
// (`formAttributes`). Every answer that differs by header says `Vary` (`VARY`). 5xx bodies hold `noticePartial` only.

import { raw } from 'hono/html';
import type { Child } from 'hono/jsx';
import { ORGANISATIONS } from '../domain/consortium.ts';
import { isStaff } from '../domain/permissions.ts';
import type { Role } from '../domain/roles.ts';
import type { IconName } from './assets/icons.ts';
import { assetUrl } from './assets/manifest.ts';
import { BackLink } from './parts/back-link.tsx';
import { ErrorSummary, type FaultWords } from './parts/error-summary.tsx';
import { Icon } from './parts/icon.tsx';
import { Said } from './parts/said.tsx';
import type { Tone } from './parts/tag.tsx';
import type { Text } from './text/text.ts';

/** htmx's fixed settings; a browser test pins them. No eval, no injected styles, no pages kept in the browser. */
export const HTMX_CONFIG =
  '{"extensions":"sse","defaultSwap":"outerMorph","noSwap":[204,304,"5xx"],"history":"reload","defaultTimeout":15000,"includeIndicatorCSS":false}';

/** Content policy under which every page must work; the server sends it with each answer. */
export const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** Headers by which one address gives a page or a fragment. */
export const VARY = 'HX-Request, HX-Request-Type';

export type Theme = 'system' | 'light' | 'dark';
export type Density = 'comfortable' | 'compact';
export type Undo = '10' | '30' | 'wait';

/** What the frame prints besides the page. Built anew for each request. */
export type Frame = {
  t: Text;
  theme: Theme;
  density?: Density;
  /** Single-key shortcuts; on unless the person switched them off. */
  keys?: boolean;
  /** Seconds in which a signature can be undone; ten unless the person said otherwise. */
  undo?: Undo;
  /** Address of this page, for the current mark in the navigation and for coming back from a change of language. */
  path: string;
  viewer?: Viewer | undefined;
  /** A role's own row; see `navigationOf`. */
  navigation?: readonly NavigationItem[];
  /** At most one (acting for somebody, emergency access, a store of ours is down). */
  banner?: { tone: Tone; words: Child } | undefined;
  /** Newest checkpoint for the footer. */
  checkpoint?:
    | {
        size: number;
        anchored?: number | undefined;
        cosigned?: { size: number; count: number } | undefined;
      }
    | undefined;
  demonstration?: boolean;
  /** Where the search in the bar leads; none where the role has nothing to search. */
  searchHref?: string | undefined;
};

/** The person who reads, with the role they act in. */
export type Viewer = {
  name: string;
  role: Role;
  /** Every role held; more than one shows the switch. */
  roles: readonly Role[];
  organisation?: string | undefined;
  actingFor?: string | undefined;
};

export type NavigationItem = { href: string; words: string; count?: number | undefined; go?: string };

/** The navigation of a role (UI.md section 3), with counts where the caller has them. Only pages that exist. */
export function navigationOf(
  t: Text,
  role: Role,
  counts: { queue?: number; day?: number } = {},
): NavigationItem[] {
  const queue: NavigationItem = { href: '/queue', words: t.navigation.queue, count: counts.queue, go: 'q' };
  const cases: NavigationItem = { href: '/cases', words: t.navigation.cases, go: 'c' };
  const signatures: NavigationItem = { href: '/signatures', words: t.signing.trayTitle, go: 's' };
  const board: NavigationItem = { href: '/board', words: t.navigation.board, go: 'b' };
  const consortium: NavigationItem = { href: '/consortium', words: t.navigation.consortium };
  switch (role) {
    case 'approval-officer':
    case 'doctor':
      return [queue, cases, signatures];
    case 'therapist':
      return [
        { href: '/day', words: t.navigation.day, count: counts.day, go: 'd' },
        queue,
        cases,
        signatures,
      ];
    case 'administrator':
      return [board, queue, cases, { href: '/people', words: t.navigation.people }, consortium];
    case 'security-administrator':
      return [
        { href: '/people', words: t.navigation.people },
        { href: '/certificates', words: t.keys.adminTitle },
      ];
    case 'auditor':
      return [{ href: '/audit', words: t.navigation.audit }, cases, board, consortium];
    case 'referrer':
      return [
        { href: '/my', words: t.navigation.applications },
        { href: '/apply', words: t.navigation.apply },
      ];
    case 'patient':
    case 'guardian':
      return [
        { href: '/my', words: t.navigation.my },
        { href: '/apply', words: t.navigation.apply },
      ];
    case 'supporter':
      return [{ href: '/my', words: t.navigation.my }];
    case 'privacy-officer':
      return [cases];
    case 'researcher':
      return [];
    default:
      return role satisfies never;
  }
}

export type PageOptions = {
  /** The `h1` and the first part of `title`. */
  title: string;
  /** Shown beside the h1 instead of the plain title (a tag, a case number with a name). */
  heading?: Child;
  /** Case number for the `title` element: "task – case – service". */
  caseNumber?: string | undefined;
  /** A line under the h1. */
  lead?: Child;
  back?: { href: string; words: string } | undefined;
  /** To the right of the h1: at most the one primary act of the page, and what else belongs up there. */
  actions?: Child;
  faults?: readonly FaultWords[];
  /** Ids for faults whose control is not a Field. */
  faultsAt?: Readonly<Record<string, string>>;
  /** `title` then begins with "Error:"; also when there are faults. */
  error?: boolean;
  /** Larger targets and one column of text. */
  audience?: 'patient' | 'staff';
};

/** The `title`: "task or page – case – service", with "Error:" first where something is to be corrected. */
export function TitleOf({
  t,
  options,
}: {
  t: Text;
  options: Pick<PageOptions, 'title' | 'caseNumber' | 'faults' | 'error'>;
}) {
  const number = options.caseNumber && !options.title.includes(options.caseNumber) ? options.caseNumber : '';
  const title = [options.title, number, t.service].filter(Boolean).join(' – ');
  const wrong = options.error || (options.faults ?? []).length > 0;
  return <title>{wrong ? `${t.frame.errorTitle}${title}` : title}</title>;
}

/** A whole page. The answer to ordinary navigation. */
export function page(frame: Frame, options: PageOptions, children: Child) {
  const { t } = frame;
  const faults = options.faults ?? [];
  return (
    <>
      {doctype}
      <html
        lang={t.lang}
        data-theme={frame.theme}
        data-density={frame.density ?? 'comfortable'}
        data-keys={frame.keys === false ? 'off' : 'on'}
        data-undo={frame.undo ?? '10'}
        {...(options.audience === 'patient' ? { 'data-audience': 'patient' } : {})}
      >
        <head>
          <meta charset="utf-8" />
          <TitleOf t={t} options={options} />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content={frame.theme === 'system' ? 'light dark' : frame.theme} />
          <meta name="htmx-config" content={HTMX_CONFIG} />
          <link rel="icon" href={assetUrl('favicon.svg')} type="image/svg+xml" />
          <link rel="stylesheet" href={assetUrl('style.css')} />
          <script src={assetUrl('htmx.js')} defer />
          <script src={assetUrl('app.js')} defer />
        </head>
        <body>
          <Shell frame={frame}>
            <main class="shell page" id="main" tabindex={-1}>
              {options.back ? <BackLink href={options.back.href} words={options.back.words} /> : null}
              <div id="errors">
                <ErrorSummary t={t} faults={faults} at={options.faultsAt ?? {}} />
              </div>
              <div class="page-head">
                <div>
                  <h1 id="page-title" tabindex={-1}>
                    {options.heading ?? options.title}
                  </h1>
                  {options.lead ? <p class="lead soft">{options.lead}</p> : null}
                </div>
                {options.actions ? <div class="cluster">{options.actions}</div> : null}
              </div>
              {children}
            </main>
          </Shell>
        </body>
      </html>
    </>
  );
}

/** A constant, and the only markup outside JSX in the whole web: there is no element for the document type (O1). */
const doctype = raw('<!doctype html>');

/** Skip link, bar, banner, the page, footer, and the two live regions that exist from the first render. */
export function Shell({ frame, children }: { frame: Frame; children?: Child }) {
  const { t, viewer } = frame;
  return (
    <>
      <a class="skip" href="#main">
        {t.frame.skip}
      </a>
      <header class="bar">
        <div class="shell bar-inner">
          {(frame.navigation ?? []).length > 0 ? (
            <details class="menu narrow-only bar-menu">
              <summary class="tool" aria-label={t.frame.menu}>
                <Icon name="menu" />
              </summary>
              <nav class="menu-panel menu-panel-start" aria-label={t.frame.navigation}>
                <NavigationLinks frame={frame} />
              </nav>
            </details>
          ) : null}
          <a class="brand" href="/">
            <Icon name="waypoints" />
            <span>{t.service}</span>
          </a>
          <nav class="nav wide-only" aria-label={t.frame.navigation}>
            <NavigationLinks frame={frame} keys />
          </nav>
          <div class="bar-tools">
            {frame.searchHref ? (
              <Tool href={frame.searchHref} icon="search" words={t.frame.search} shortcut="/" />
            ) : null}
            <span class="phone-hide">
              <Tool href="/help" icon="circle-help" words={t.frame.help} shortcut="?" />
            </span>
            <form method="post" action="/settings/language" class="phone-hide">
              <input type="hidden" name="language" value={t.lang === 'en' ? 'zh-Hans' : 'en'} />
              <input type="hidden" name="from" value={frame.path} />
              <button class="tool" type="submit" lang={t.lang === 'en' ? 'zh-Hans' : 'en'}>
                <Icon name="globe" />
                {t.otherLanguage}
              </button>
            </form>
            {viewer ? <Account frame={frame} viewer={viewer} /> : null}
          </div>
        </div>
      </header>
      {frame.banner ? (
        <div class={`banner is-${frame.banner.tone}`} id="banner">
          <div class="shell">
            <Icon name={frame.banner.tone === 'late' ? 'octagon-alert' : 'info'} />
            <p>{frame.banner.words}</p>
          </div>
        </div>
      ) : null}
      {children}
      <div class="notices">
        <div id="notice" role="status" />
        <div id="alert" role="alert" />
      </div>
      <Footer frame={frame} />
      <KeysSheet t={t} />
      <div
        id="texts"
        hidden
        data-saving={t.script.saving}
        data-waiting={t.script.waiting}
        data-asking={t.script.asking}
        data-unsure={t.script.unsure}
        data-ask={t.script.ask}
        data-no-answer={t.script.noAnswer}
        data-offline={t.script.offline}
        data-ended={t.script.ended}
        data-copied={t.script.copied}
      />
    </>
  );
}

function NavigationLinks({ frame, keys = false }: { frame: Frame; keys?: boolean }) {
  const here = frame.path.split('?')[0] ?? '';
  return (
    <ul>
      {(frame.navigation ?? []).map(({ href, words, count, go }) => (
        <li>
          <a
            href={href}
            {...(here === href || here.startsWith(`${href}/`) ? { 'aria-current': 'page' as const } : {})}
            {...(keys && go ? { 'data-go': go } : {})}
          >
            {words}
            {count ? <span class="count">{frame.t.number(count)}</span> : null}
          </a>
        </li>
      ))}
    </ul>
  );
}

function Tool({
  href,
  icon,
  words,
  shortcut,
}: {
  href: string;
  icon: IconName;
  words: string;
  shortcut?: string;
}) {
  return (
    <a
      class="tool"
      href={href}
      {...(shortcut ? { 'aria-keyshortcuts': shortcut } : {})}
      aria-label={words}
      title={words}
    >
      <Icon name={icon} />
    </a>
  );
}

function Account({ frame, viewer }: { frame: Frame; viewer: Viewer }) {
  const { t } = frame;
  const role = t.roles[viewer.role];
  return (
    <details class="menu">
      <summary class="tool">
        <Icon name="user" />
        <span class="visually-hidden">
          {t.frame.account}
          {t.marks.colon}
        </span>
        <span class="phone-quiet">
          <span class="account-name">
            <Said inline text={viewer.name} />
          </span>
          <span class="account-role">{role}</span>
        </span>
        <span class="phone-hide">
          <Icon name="chevron-down" />
        </span>
      </summary>
      <div class="menu-panel">
        <p class="meta">
          <Said inline text={viewer.name} />
          {t.marks.comma}
          {t.frame.actingAs(role)}
          {viewer.organisation ? `${t.marks.comma}${viewer.organisation}` : ''}
        </p>
        {viewer.roles
          .filter((other) => other !== viewer.role)
          .map((other) => (
            <form method="post" action="/settings/role">
              <input type="hidden" name="role" value={other} />
              <button class="menu-act" type="submit">
                <Icon name="users" />
                {t.frame.actingAs(t.roles[other])}
              </button>
            </form>
          ))}
        {isStaff(viewer.role) ? (
          <a href="/keys">
            <Icon name="key-round" />
            {t.signing.toKeys}
          </a>
        ) : null}
        <a href="/settings">
          <Icon name="settings" />
          {t.frame.settings}
        </a>
        <a href="/help">
          <Icon name="circle-help" />
          {t.frame.help}
        </a>
        <form method="post" action="/settings/language">
          <input type="hidden" name="language" value={t.lang === 'en' ? 'zh-Hans' : 'en'} />
          <input type="hidden" name="from" value={frame.path} />
          <button class="menu-act" type="submit" lang={t.lang === 'en' ? 'zh-Hans' : 'en'}>
            <Icon name="globe" />
            {t.otherLanguage}
          </button>
        </form>
        <form method="post" action="/sign-out">
          <button class="menu-act" type="submit">
            <Icon name="log-out" />
            {t.frame.signOut}
          </button>
        </form>
      </div>
    </details>
  );
}

function Footer({ frame }: { frame: Frame }) {
  const { t, checkpoint } = frame;
  return (
    <footer class="footer">
      <div class="shell">
        <a href="/help">{t.frame.helpAndContact}</a>
        <a href="/help#accessibility">{t.frame.accessibility}</a>
        <span>{t.frame.zone(t.zone)}</span>
        {checkpoint ? (
          <span class="footer-proof" id="footer-checkpoint">
            <Icon name="anchor" />
            <a class="figures" href="/consortium">
              {t.frame.checkpoint(checkpoint.size)}
              {checkpoint.anchored === undefined
                ? ''
                : `${t.marks.comma}${t.frame.anchoredUpTo(checkpoint.anchored)}`}
              {t.marks.comma}
              {checkpoint.cosigned
                ? t.frame.cosigned(checkpoint.cosigned.count, ORGANISATIONS.length, checkpoint.cosigned.size)
                : t.frame.notCosigned}
            </a>
          </span>
        ) : null}
      </div>
      {frame.demonstration ? (
        <div class="shell">
          <p>{t.frame.demonstration}</p>
        </div>
      ) : null}
    </footer>
  );
}

/** The keys with what they do, for the sheet and the help page. */
export function KeysList({ t }: { t: Text }) {
  const k = t.help.keys;
  const groups: [string, [string[], string][]][] = [
    [
      k.lists,
      [
        [['J', 'K'], k.next],
        [['Enter'], k.open],
        [['X'], k.select],
        [['Esc'], k.clear],
        [['C'], k.claim],
        [['H'], k.handBack],
        [['N'], k.takeNext],
      ],
    ],
    [
      k.decision,
      [
        [['E'], k.toEvidence],
        [['D'], k.toDecision],
        [['A', 'R', 'P'], k.choices],
        [['Ctrl', 'Enter'], k.send],
        [['Z'], k.undo],
      ],
    ],
    [
      k.everywhere,
      [
        [['/'], k.search],
        [['?'], k.sheet],
        [['G', 'Q B D C S'], k.go],
      ],
    ],
  ];
  return (
    <div class="stack">
      {groups.map(([title, keys]) => (
        <section>
          <h3>{title}</h3>
          <div class="keys">
            {keys.map(([names, words]) => (
              <div>
                <span>{words}</span>
                <span class="nowrap">
                  {names.map((name, index) => (
                    <>
                      {index > 0 ? ' ' : ''}
                      <kbd>{name}</kbd>
                    </>
                  ))}
                </span>
              </div>
            ))}
          </div>
        </section>
      ))}
    </div>
  );
}

function KeysSheet({ t }: { t: Text }) {
  return (
    <dialog class="sheet" id="keys-sheet" aria-labelledby="keys-sheet-title">
      <form method="dialog" class="stack">
        <div class="spread">
          <h2 id="keys-sheet-title">{t.help.keysTitle}</h2>
          <button class="button small" type="submit">
            {t.frame.close}
          </button>
        </div>
        <KeysList t={t} />
        <p class="meta">
          {t.help.keysOff} <a href="/settings">{t.frame.settings}</a>
        </p>
      </form>
    </dialog>
  );
}

// ---- Fragments

/** Whether the caller wants a fragment instead of the page (htmx, and not for the whole body). */
export function wantsFragment(headers: Headers): boolean {
  return headers.get('hx-request') === 'true' && headers.get('hx-request-type') === 'partial';
}

/** The main swap first, then partials for other places; a partial whose target is absent is skipped by htmx. */
export function fragment(...children: Child[]) {
  return <>{children}</>;
}

/** A piece for another place of the page. `swap` as htmx names it; a morph of the whole element unless said otherwise. */
export function Partial({ target, swap, children }: { target: string; swap?: string; children?: Child }) {
  return (
    <hx-partial hx-target={target} {...(swap ? { 'hx-swap': swap } : {})}>
      {children}
    </hx-partial>
  );
}

/** Says a sentence through `#notice` (`alert: true`: through `#alert`). The only content of a 5xx body. */
export function noticePartial(words: Child, options: { alert?: boolean } = {}) {
  return (
    <Partial target={options.alert ? '#alert' : '#notice'} swap="innerHTML">
      {words}
    </Partial>
  );
}

/** Attributes of every form that writes: works without script, drops a second click, never validates in the browser. */
export function formAttributes(action: string) {
  return {
    method: 'post',
    action,
    'hx-post': action,
    'hx-target': 'this',
    'hx-sync': 'this:drop',
    novalidate: true,
  } as const;
}

/** The hidden values that make a form one act: its operation key, and for tasks claim number and version. */
export function Hidden({ values }: { values: Readonly<Record<string, string | number | undefined>> }) {
  return (
    <>
      {Object.entries(values).map(([name, value]) =>
        value === undefined ? null : <input type="hidden" name={name} value={String(value)} />,
      )}
    </>
  );
}
