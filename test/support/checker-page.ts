// Test support: verify.html as a stranger uses it: opened from a folder in a browser without a network, given an evidence file and
// a trust.json. Notes every request and complaint, of which there may be none.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';

export interface CheckerPage {
  /** Gives two files of the folder and waits for the verdict; steps by name with their outcome. */
  give(
    evidence: string,
    trust?: string,
  ): Promise<{ verdict: string | null; says: string; steps: Record<string, string> }>;
  /** Text of the page's heading. */
  heading(): Promise<string>;
  rows(): Promise<number>;
  close(): Promise<void>;
  /** Addresses asked for other than the page itself. */
  readonly requests: readonly string[];
  readonly complaints: readonly string[];
}

/** Opens the folder's verify.html with the network off. */
export async function openChecker(browser: Browser, folder: string, locale = 'en'): Promise<CheckerPage> {
  const requests: string[] = [];
  const complaints: string[] = [];
  const context = await browser.newContext({ offline: true, locale });
  const page = await context.newPage();
  page.on('request', (request) => {
    if (!request.url().startsWith('file:')) requests.push(request.url());
  });
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(pathToFileURL(join(folder, 'verify.html')).href);
  return {
    requests,
    complaints,
    async give(evidence, trust = 'trust.json') {
      await page.setInputFiles('#evidence', join(folder, evidence));
      await page.setInputFiles('#trust', join(folder, trust));
      await page.click('#check');
      const verdict = page.locator('#verdict');
      await verdict.waitFor();
      const steps = await page
        .locator('.steps > li')
        .evaluateAll((items) =>
          items.map((item) => [item.getAttribute('data-step'), item.getAttribute('data-outcome')]),
        );
      return {
        verdict: await verdict.getAttribute('data-verdict'),
        says: await verdict.innerText(),
        steps: Object.fromEntries(steps) as Record<string, string>,
      };
    },
    heading: () => page.locator('h1').innerText(),
    rows: () => page.locator('tbody tr').count(),
    close: () => context.close(),
  };
}
