// Drive, browsing: one person's browser against the web: cookies, links, forms. What gets no answer, or "try again", is asked
// again with the same form, and so with the same operation key, for five minutes. Never builds an address by itself.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Control, type Filling, type Form, fillIn, type Page, readPage } from './page.ts';

/** How long the same request is asked again before it counts as failed. */
export const PATIENCE_MS = 5 * 60_000;
/** How long one request may take: the web itself answers within seconds. */
const REQUEST_MS = 30_000;
const REDIRECTS = 5;
/** How often the page of a "still working" is asked before the form itself is sent again, with the same key. */
const ASKS = 5;

/** An answer to a person, with the page it ended on. */
export interface Answer {
  /** Status of the request itself, before any redirect was followed. */
  readonly status: number;
  /** The act is done: answered by a redirect, or said on the page that was asked while it was "still working". */
  readonly done: boolean;
  /** Where the person is now. */
  readonly at: string;
  readonly page: Page;
  readonly body: string;
  /** Milliseconds from sending to the answer that counts, repeats and waiting for "still working" included. */
  readonly took: number;
  /** How often it had to be asked again. */
  readonly repeats: number;
}

/** Nobody answered in all that time. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

interface Raw {
  readonly status: number;
  readonly location: string | undefined;
  readonly retryAfter: number | undefined;
  readonly body: string;
}

export interface BrowserOptions {
  /** Where the web is, as printed or in run.json. */
  readonly origin: string;
  readonly patienceMs?: number;
  /** Signs in again, when the session has ended; without it a 401 is an answer like any other. */
  readonly signInAgain?: (browser: Browser) => Promise<void>;
}

export interface Browser {
  get(href: string): Promise<Answer>;
  /** Follows what a form does: with `button`, as if that one had been pressed. */
  submit(form: Form, filling?: Filling, button?: Control): Promise<Answer>;
  /** The same browser, taking "you are not signed in" for an answer. */
  readonly plain: Browser;
  /** Sends a file to an address that the page named for files. */
  send(href: string, type: string, body: string | Uint8Array): Promise<Answer>;
}

export function createBrowser({ origin, patienceMs = PATIENCE_MS, signInAgain }: BrowserOptions): Browser {
  const jar = new Map<string, string>();
  let signingIn: Promise<void> | undefined;

  function keep(response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^\s*([^=;]+)=([^;]*)/.exec(line) ?? [];
      if (name === undefined) continue;
      if (value === '' || /;\s*max-age=0\b/i.test(line)) jar.delete(name);
      else jar.set(name, value ?? '');
    }
  }

  /** One request. A lost connection is undefined. */
  async function once(
    method: 'GET' | 'POST',
    url: URL,
    sent?: { type: string; body: string | Uint8Array },
  ): Promise<Raw | undefined> {
    try {
      const response = await fetch(url, {
        method,
        redirect: 'manual',
        signal: AbortSignal.timeout(REQUEST_MS),
        headers: {
          accept: 'text/html,application/json;q=0.9',
          'accept-language': 'en',
          ...(jar.size > 0 ? { cookie: [...jar].map(([n, v]) => `${n}=${v}`).join('; ') } : {}),
          ...(method === 'POST' ? { origin, 'sec-fetch-site': 'same-origin' } : {}),
          ...(sent ? { 'content-type': sent.type } : {}),
        },
        ...(sent ? { body: sent.body as never } : {}),
      });
      keep(response);
      const seconds = Number(response.headers.get('retry-after'));
      return {
        status: response.status,
        location: response.headers.get('location') ?? undefined,
        retryAfter: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined,
        body: await response.text(),
      };
    } catch {
      return undefined;
    }
  }

  const urlOf = (href: string, from: URL): URL => {
    const url = new URL(href, from);
    if (url.origin !== new URL(origin).origin) throw new Error('link leads away from the web');
    return url;
  };

  async function ask(
    signsIn: boolean,
    method: 'GET' | 'POST',
    href: string,
    sent?: { type: string; body: string | Uint8Array },
  ): Promise<Answer> {
    const began = performance.now();
    const end = Date.now() + patienceMs;
    const first = urlOf(href, new URL(origin));
    let url = first;
    let how = method;
    let repeats = 0;
    let hops = 0;
    let status: number | undefined;
    let signIns = 0;
    let asks = 0;
    let measured: number | undefined;
    for (;;) {
      const raw = await once(how, url, how === 'POST' ? sent : undefined);
      const again = !raw || raw.status === 503 || raw.status === 429;
      if (again || raw.status === 202) {
        if (Date.now() > end) {
          if (!raw) throw new NoAnswer(`no answer within ${patienceMs / 1000} s`);
          return done(raw, url);
        }
        repeats++;
        await sleep(Math.min(raw?.retryAfter ?? 500, 2000));
        if (raw?.status === 202) {
          // The page says where to ask. What was lost before anybody did it is not found there: then it is sent again.
          const link = readPage(raw.body).links.find(({ href: to }) => /\/ask\//.test(to));
          const asking = link !== undefined && asks++ % (ASKS + 1) < ASKS;
          url = asking ? urlOf(link.href, url) : first;
          how = asking ? 'GET' : method;
        }
        continue;
      }
      const atSignIn =
        raw.status === 303 && raw.location !== undefined && urlOf(raw.location, url).pathname === '/sign-in';
      if ((raw.status === 401 || (atSignIn && how === 'GET')) && signsIn && signInAgain && signIns < 3) {
        signIns++;
        signingIn ??= signInAgain(plain).finally(() => {
          signingIn = undefined;
        });
        await signingIn;
        continue;
      }
      if (raw.status >= 300 && raw.status < 400 && raw.location !== undefined && hops++ < REDIRECTS) {
        status ??= raw.status;
        url = urlOf(raw.location, url);
        how = 'GET';
        // A done act is answered when its redirect comes; the page after it is another matter.
        measured ??= performance.now() - began;
        continue;
      }
      return done(raw, url);
    }

    function done(raw: Raw, at: URL): Answer {
      return {
        status: status ?? raw.status,
        done: (status ?? raw.status) === 303 || (asks > 0 && raw.status === 200),
        at: `${at.pathname}${at.search}`,
        page: readPage(raw.body),
        body: raw.body,
        took: measured ?? performance.now() - began,
        repeats,
      };
    }
  }

  const facing = (signsIn: boolean, itself: () => Browser): Browser => ({
    get plain() {
      return itself();
    },
    get: (href) => ask(signsIn, 'GET', href),
    async submit(form, filling = {}, button) {
      const pressed = button ?? form.controls.find(({ kind }) => kind === 'button');
      const fields = fillIn(form, filling, pressed);
      const action = pressed?.action ?? form.action;
      if (form.method === 'get') {
        const url = urlOf(action, new URL(origin));
        url.search = fields.toString();
        return await ask(signsIn, 'GET', url.href);
      }
      return await ask(signsIn, 'POST', action, {
        type: 'application/x-www-form-urlencoded',
        body: fields.toString(),
      });
    },
    send: (href, type, body) => ask(signsIn, 'POST', href, { type, body }),
  });
  const plain: Browser = facing(false, () => plain);
  return facing(true, () => plain);
}
