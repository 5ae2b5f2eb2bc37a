// The checker's page as a stranger uses it: opened from a folder in a browser without a network, given the evidence of five cases and
// a trust.json. It says what the server's checker says, refuses one changed byte with the reason, and asks nobody anything.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Evidence, evidenceText } from '../../ledger/evidence/format.ts';
import { verifyPage } from '../../ledger/evidence/page/build.ts';
import { packEvidence, unpackEvidence } from '../../ledger/evidence/zip.ts';
import { openBrowser } from '../support/browser.ts';
import { type CheckerPage, openChecker } from '../support/checker-page.ts';
import { createEvidenceWorld, type EvidenceWorld } from './world.ts';

let w: EvidenceWorld;
let browser: Browser;
let folder: string;
let cases: string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rehab-evidence-'));
  w = await createEvidenceWorld();
  cases = await w.live(['approved', 'refused', 'appealed', 'withdrawn', 'refused']);
  browser = await openBrowser();
  writeFileSync(join(folder, 'verify.html'), await verifyPage());
  writeFileSync(join(folder, 'trust.json'), JSON.stringify(w.trust));
});
afterAll(async () => {
  await browser?.close();
  await w?.close();
  rmSync(folder, { recursive: true, force: true });
});

const pages: CheckerPage[] = [];
async function checker(locale = 'en'): Promise<CheckerPage> {
  const page = await openChecker(browser, folder, locale);
  pages.push(page);
  return page;
}

/** An evidence file with cosignatures, written into the folder. */
async function write(name: string, caseId: string, change: (evidence: Evidence) => Evidence = (e) => e) {
  const { bytes } = await w.file(caseId);
  const made = JSON.parse(new TextDecoder().decode(unpackEvidence(bytes))) as Evidence;
  const evidence = change({ ...made, checkpoint: await w.cosign(made.checkpoint) });
  writeFileSync(
    join(folder, name),
    packEvidence({
      'README.txt': 'test',
      'evidence.json': evidenceText(evidence),
      'report.html': 'test',
      'verify.html': 'test',
    }),
  );
}

describe('verify.html', () => {
  test('checks five cases without a network', async () => {
    const page = await checker();
    for (const [i, caseId] of cases.entries()) {
      await write(`case-${i}.zip`, caseId);
      const { verdict, steps } = await page.give(`case-${i}.zip`);
      expect([i, verdict]).toEqual([i, 'holds']);
      expect(new Set(Object.values(steps))).toEqual(new Set(['holds']));
      expect(Object.keys(steps).length).toBe(10);
      expect(await page.rows()).toBeGreaterThan(1);
    }
    await page.close();
  });

  test('refuses a changed byte with the reason, and other keys altogether', async () => {
    const page = await checker();
    const [caseId = ''] = cases;
    await write('body.zip', caseId, (evidence) => ({
      ...evidence,
      entries: evidence.entries.map((entry, at) =>
        at === 3
          ? {
              ...entry,
              body: `${entry.body.slice(0, 400)}${entry.body[400] === 'A' ? 'B' : 'A'}${entry.body.slice(401)}`,
            }
          : entry,
      ),
    }));
    const changed = await page.give('body.zip');
    expect(changed.verdict).toBe('wrong');
    expect(changed.says).toContain('Entry 4');
    expect(changed.steps.inclusion).toBe('wrong');

    await write('value.zip', caseId, (evidence) => ({
      ...evidence,
      entries: evidence.entries.map((entry, at) =>
        at === 0
          ? {
              ...entry,
              openings: entry.openings.map((opening, i) =>
                i === 0 ? { ...opening, value: '"else"' } : opening,
              ),
            }
          : entry,
      ),
    }));
    expect((await page.give('value.zip')).steps.openings).toBe('wrong');

    const other = await createEvidenceWorld();
    try {
      writeFileSync(join(folder, 'other-trust.json'), JSON.stringify(other.trust));
    } finally {
      await other.close();
    }
    await write('sound.zip', caseId);
    const foreign = await page.give('sound.zip', 'other-trust.json');
    expect(foreign.verdict).toBe('wrong');
    expect(foreign.says).toContain('not signed by the log’s key that is trusted');
    await page.close();
  });

  test('says in words what is no evidence, and speaks Chinese to those who do', async () => {
    const page = await checker('zh-CN');
    expect(await page.heading()).toBe('核验证据');
    writeFileSync(join(folder, 'none.zip'), 'hello');
    expect((await page.give('none.zip')).verdict).toBe('wrong');
    await page.close();
  });

  test('asked the network nothing and broke no policy of its own', () => {
    expect(pages.length).toBeGreaterThan(2);
    expect(pages.flatMap(({ requests }) => requests)).toEqual([]);
    expect(pages.flatMap(({ complaints }) => complaints)).toEqual([]);
  });

  test('the report is whole by itself', async () => {
    const [caseId = ''] = cases;
    const { bytes } = await w.file(caseId);
    const { unzipSync } = await import('fflate');
    const files = unzipSync(bytes);
    writeFileSync(join(folder, 'report.html'), files['report.html'] ?? '');
    const context = await browser.newContext({ offline: true });
    const page = await context.newPage();
    const wrong: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') wrong.push(message.text());
    });
    await page.goto(pathToFileURL(join(folder, 'report.html')).href);
    const text = await page.locator('body').innerText();
    expect(text).toMatch(/Evidence report RC-[0-9A-Z]{4}-[0-9A-Z]{2}/);
    expect(text).toContain('I do this: decide-eligibility');
    expect(text).toContain('0 of 3 cosignatures');
    expect((await page.pdf({ format: 'A4', preferCSSPageSize: true })).length).toBeGreaterThan(10_000);
    expect(wrong).toEqual([]);
    await context.close();
  });
});
