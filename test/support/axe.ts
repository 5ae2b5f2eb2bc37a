// Test support: axe-core inside a page, with every WCAG tag up to 2.2 AA and no exclusions (UI.md section 7).
import type { Page } from 'playwright-core';
import { packageFile } from './browser.ts';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
type Axe = {
  run: (
    root: unknown,
    options: unknown,
  ) => Promise<{
    violations: { id: string; help: string; nodes: { html: string; failureSummary: string }[] }[];
  }>;
};

/** What axe finds, one line per element; empty when there is nothing. */
export async function axeViolations(page: Page): Promise<string[]> {
  // Evaluated over the debugging protocol, so the page's own content policy stays in force.
  await page.evaluate(await packageFile('axe-core', 'axe.min.js'));
  return page.evaluate(async (tags) => {
    // From the top: under the sticky bar a target counts as covered, which is where it happened to be scrolled to.
    scrollTo(0, 0);
    const { axe } = globalThis as unknown as { axe: Axe };
    const { violations } = await axe.run(document, { runOnly: tags, resultTypes: ['violations'] });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(
        (node) =>
          `${id}: ${node.html.slice(0, 160)} | ${node.failureSummary.replaceAll('\n', ' ').slice(0, 200)}`,
      ),
    );
  }, TAGS);
}
