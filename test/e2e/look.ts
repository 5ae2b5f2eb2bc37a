// End to end: what is looked at on every page, in whatever state a story has brought it: accessibility by axe, words that never
// stand on a screen, a phone's width, and that the browser keeps nothing. What is wrong goes to the world's trouble.
import type { Page } from 'playwright-core';
import { axeViolations } from '../support/axe.ts';
import { bannedWords, wordsOf } from '../support/words.ts';
import type { World } from './world.ts';

const PHONE = { width: 360, height: 780 };

/** Looks at the page as it stands. `what` names it where something is wrong. */
export async function look(world: World, page: Page, what: string): Promise<void> {
  const wrong = [
    ...(await axeViolations(page)),
    ...bannedWords(wordsOf(await ourMarkup(page))).map(
      (word) => `a word that never stands on a screen: ${word}`,
    ),
    ...(await onAPhone(page)),
    ...(await keptByTheBrowser(page)),
  ];
  world.trouble.push(...wrong.map((line) => `${what}: ${line}`));
}

/** The page's markup without what people wrote. */
const ourMarkup = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const body = document.body.cloneNode(true) as HTMLElement;
    for (const element of body.querySelectorAll('[hx-ignore], textarea, [data-copy]')) element.remove();
    return body.outerHTML;
  });

async function onAPhone(page: Page): Promise<string[]> {
  const before = page.viewportSize() ?? { width: 1280, height: 900 };
  await page.setViewportSize(PHONE);
  const wide = await page.evaluate((width) => {
    if (document.documentElement.scrollWidth <= width) return [];
    return [...document.querySelectorAll<HTMLElement>('main *, header *, footer *')]
      .filter((element) => element.getBoundingClientRect().right > width + 1)
      .slice(0, 3)
      .map((element) => `wider than a phone: ${element.outerHTML.slice(0, 120)}`);
  }, PHONE.width);
  await page.setViewportSize(before);
  return wide;
}

/** Pages and drafts are the server's to keep: after a day's clicks the browser holds cookies and nothing else (O3). */
const keptByTheBrowser = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const keptKeys = async (): Promise<{ privateKey: CryptoKey }[]> => {
      const known = (await indexedDB.databases()).some(({ name }) => name === 'rehab-keys');
      if (!known) return [];
      const done = <T>(request: IDBRequest<T>): Promise<T> =>
        new Promise((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
      const base = await done(indexedDB.open('rehab-keys'));
      try {
        return await done(base.transaction('keys').objectStore('keys').getAll());
      } finally {
        base.close();
      }
    };
    return [
      ...Object.keys(localStorage).map((key) => `kept in localStorage: ${key}`),
      ...Object.keys(sessionStorage).map((key) => `kept in sessionStorage: ${key}`),
      // The person's signing keys lie in one, and nothing else; none can be taken out.
      ...(await indexedDB.databases())
        .filter(({ name }) => name !== 'rehab-keys')
        .map(({ name }) => `kept in a database: ${name}`),
      ...(await keptKeys()).flatMap((record) =>
        Object.keys(record).sort().join() === 'name,person,privateKey,publicKey' &&
        !record.privateKey.extractable
          ? []
          : ['kept among the keys: what is no key, or one that can be taken out'],
      ),
      ...(await caches.keys()).map((key) => `kept in a cache: ${key}`),
    ];
  });
