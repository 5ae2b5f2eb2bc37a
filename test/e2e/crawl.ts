// End to end: no door without a way to it. Everybody of the demonstration walks from their first page over every link and form they
// are offered, and what the app's router declares must have been met on the way: a route nobody is led to is a page nobody has.
import { describe, expect, it } from 'vitest';
import { type Answer, type Browser, createBrowser } from '../../bin/drive/browser.ts';
import { type Form, fillIn, type Page as Read } from '../../bin/drive/page.ts';
import { meetPeople } from '../../bin/drive/people.ts';
import { createApp } from '../../web/app.tsx';
import type { WebDeps } from '../../web/deps.ts';
import type { RouteLine } from '../../web/routes.ts';
import { apply, askPapers, refuseApplication } from '../support/deeds.ts';
import { said } from './canary.ts';
import { as, type World } from './world.ts';

/** So many addresses of one route, with the same names in their query, each person opens: the cases are alike, the routes are not. */
const OF_A_KIND = 3;

/**
 * An invitation's link comes from outside, its secret behind the "#", and what is done with one that waits needs one: both are walked
 * with real links and a real authenticator in test/web-db/invitations.
 */
const BY_A_GIVEN_LINK = /^\/invitation(\/|$)|^\/people\/:id\/invitation\/(withdraw|confirm)$/;

/** What a page offers: links, what its forms and buttons send to, what it fetches by itself. */
interface Offered {
  readonly method: 'GET' | 'POST';
  readonly href: string;
}

function offersOf(body: string, page: Read): Offered[] {
  const own = [...body.matchAll(/\shx-(get|post|sse:connect)="([^"]*)"/g)].map(
    ([, how, href = '']): Offered => ({
      method: how === 'post' ? 'POST' : 'GET',
      href: href.replaceAll('&amp;', '&'),
    }),
  );
  return [
    ...page.links.map(({ href }): Offered => ({ method: 'GET', href })),
    ...page.forms.flatMap(({ method, action, controls }) =>
      [action, ...controls.flatMap((control) => control.action ?? [])].map(
        (href): Offered => ({ method: method === 'post' ? 'POST' : 'GET', href }),
      ),
    ),
    ...own,
  ];
}

/** The routes as the app declares them; it declares them by its settings alone. */
function declaredAt(origin: string): readonly RouteLine[] {
  const settings: WebDeps['settings'] = { publicUrl: new URL(origin), demonstration: true };
  return createApp({ settings } as WebDeps).lines; // no handler runs, so nothing else is read
}

/** Finds the route of a request, the one with the fewest placeholders first, as `find` comes before `:id`. */
function router(lines: readonly RouteLine[]) {
  const rules = lines
    .map((line) => ({
      line,
      rule: new RegExp(`^${line.path.replace(/:\w+/g, '[^/]+').replace('*', '.+')}$`),
      open: line.path.split(':').length,
    }))
    .sort((one, other) => one.open - other.open);
  return (method: string, path: string): RouteLine | undefined =>
    rules.find(({ line, rule }) => line.method === method && rule.test(path))?.line;
}

/** A form filled in with anything it takes: the first of each choice, a word in each field. */
function anything(form: Form): Record<string, string> {
  const filling: Record<string, string> = {};
  for (const { name, kind, value, options } of form.controls)
    if (!name || kind === 'hidden' || kind === 'button') continue;
    else if (kind === 'select') filling[name] ??= options[0] ?? '';
    else if (kind === 'radio' || kind === 'checkbox') filling[name] ??= value;
    else filling[name] ??= 'a word';
  fillIn(form, filling);
  return filling;
}

export function everyDoor(world: () => World): void {
  describe('every way', () => {
    it('leads somewhere, and every route is at the end of one', async () => {
      // States of a case that the other stories have gone past: papers are asked for, a refusal can be appealed against.
      for (const state of ['papers', 'refused'] as const) {
        const about = await as(world(), 'Quin Patient', {}, (page) =>
          apply(page, { reason: said('a wrist that is stiff'), goals: said('knit') }),
        );
        await as(world(), 'Dan Officer', {}, (page) =>
          state === 'papers'
            ? askPapers(page, about, [said('a picture')], said('we want to see it'))
            : refuseApplication(page, about, said('it heals by itself')),
        );
      }

      const { url } = world().machine;
      const lines = declaredAt(url);
      const routeOf = router(lines);
      const reached = new Set<RouteLine>();
      const dead: string[] = [];

      async function walk(who: string, browser: Browser, first: Answer): Promise<void> {
        const queue: string[] = [];
        const seen = new Set<string>([first.at]);
        const kinds = new Map<string, number>();
        const take = (at: string, body: string, page: Read): void => {
          for (const { method, href } of offersOf(body, page)) {
            const to = new URL(href, new URL(at, url));
            if (to.origin !== url) continue;
            const route = routeOf(method, to.pathname);
            if (route) reached.add(route);
            // A post is an act, and acts are the other stories' business; its address is known now.
            if (method === 'POST' || route?.path === '/live') continue;
            const path = `${to.pathname}${to.search}`;
            if (seen.has(path)) continue;
            seen.add(path);
            const kind = `${route?.path ?? to.pathname}?${[...new Set(to.searchParams.keys())].sort()}`;
            const met = kinds.get(kind) ?? 0;
            kinds.set(kind, met + 1);
            if (met < OF_A_KIND) queue.push(path);
          }
        };
        take(first.at, first.body, first.page);
        for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
          const answer = await browser.get(path);
          // A redirect is followed, so the page where it ends is judged by its title too.
          if ((answer.status !== 200 && answer.status !== 303) || /^Error/.test(answer.page.title))
            dead.push(`${who}: ${path} is ${answer.status}, ${answer.page.title}`);
          take(path, answer.body, answer.page);
          // The page that checks a decision is an answer to a form, and changes nothing.
          const check = answer.page.forms.find(({ action }) => /\/check$/.test(action));
          if (!check) continue;
          const checked = await browser.submit(check, anything(check));
          take(path, checked.body, checked.page);
        }
      }

      const walks = (await meetPeople(url)).map((person) => async () => {
        await walk(person.name, person.browser, await person.home());
      });
      const stranger = createBrowser({ origin: url });
      walks.push(async () => walk('a stranger', stranger, await stranger.get('/')));
      await Promise.all(
        [0, 1].map(async () => {
          for (let next = walks.shift(); next; next = walks.shift()) await next();
        }),
      );

      // What the pages of the other stories asked for by their own script or by a press of a button.
      for (const line of world().asked) {
        const [method = '', path = ''] = line.split(' ');
        const route = routeOf(method, path);
        // Links are for walking along; only answers to forms have no link that leads to them.
        if (route && (method === 'POST' || route.path === '/ask/:operation')) reached.add(route);
      }
      // A browser that loads the answer to a form anew, or goes back to it, asks for its address by GET.
      const answers = new Set([...reached].filter(({ method }) => method === 'POST').map(({ path }) => path));

      const nobodysWay = lines
        .filter((line) => !reached.has(line) && !(line.method === 'GET' && answers.has(line.path)))
        .filter(({ path }) => !BY_A_GIVEN_LINK.test(path))
        .map(({ method, path }) => `${method} ${path}`);
      expect({ dead, nobodysWay }).toEqual({ dead: [], nobodysWay: [] });
    }, 180_000);
  });
}
