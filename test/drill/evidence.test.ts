// Evidence and an export from a whole machine after people worked on it: personally signed, cosigned by its members, anchored on its
// channel, with its members' own lists and trust. Checked by the command, by the checker in Node, and by its page in a
// browser without a network; a changed byte is refused with the reason.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { NODE_CRYPTO } from '../../bin/node-crypto.ts';
import { utf8 } from '../../ledger/bytes.ts';
import { checkEvidence, STEPS } from '../../ledger/evidence/check.ts';
import {
  type Evidence,
  type EvidenceTrust,
  evidenceText,
  readEvidence,
  readEvidenceTrust,
} from '../../ledger/evidence/format.ts';
import { verifyPage } from '../../ledger/evidence/page/build.ts';
import { packEvidence, unpackEvidence } from '../../ledger/evidence/zip.ts';
import { testAuthority } from '../support/authority.ts';
import { openBrowser } from '../support/browser.ts';
import { openChecker } from '../support/checker-page.ts';
import { everyByteChanged } from '../support/evidence-bytes.ts';
import { type Change, changesAround, changesOfEntries } from '../support/evidence-changes.ts';
import { type DrillMachine, startMachine } from './machine.ts';

/** How long members may take to cosign what was written last. */
const COSIGNED_WITHIN_MS = 120_000;
const CASES = 5;
/** Bytes of each case's file that are changed, one at a time. */
const TRIED = 300;

let machine: DrillMachine;
let folder: string;
let trust: EvidenceTrust;
/** Each case's file, by name in the folder, and what is in it. */
const made: { readonly file: string; readonly evidence: Evidence }[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rehab-evidence-drill-'));
  machine = await startMachine(0);
  const { errors } = await machine.drive(CASES, 2, 5);
  if (errors.length > 0) throw new Error(`drive did not go through: ${errors[0]}`);
  const [member] = Object.values(machine.run().members ?? {});
  const published = await fetch(new URL('/trust.json', member));
  writeFileSync(join(folder, 'trust.json'), await published.text());
  trust = readEvidenceTrust(readFileSync(join(folder, 'trust.json')));
  writeFileSync(join(folder, 'verify.html'), await verifyPage());
  const owner = postgres(machine.run().postgres.owner, { max: 1, onnotice: () => undefined });
  const cases = await owner<{ number: string }[]>`select number from cases order by opened_at limit ${CASES}`;
  await owner.end();
  for (const { number } of cases) made.push(await cosignedEvidence(number));
}, 600_000);
afterAll(async () => {
  await machine?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 120_000);

const check = (evidence: Evidence, by = trust) => checkEvidence(evidence, by, NODE_CRYPTO);

/** A case's file once members have cosigned what covers it; asked for anew until then. */
async function cosignedEvidence(number: string) {
  let asked = 0;
  return await vi.waitFor(
    async () => {
      const file = `${number}-${asked++}.zip`;
      const { code, err } = await machine.rehab('evidence', number, '-o', join(folder, file));
      if (code !== 0) throw new Error(`evidence was not made: ${err}`);
      const evidence = readEvidence(unpackEvidence(new Uint8Array(readFileSync(join(folder, file)))));
      const { steps } = await check(evidence);
      const cosigned = steps.find(({ name }) => name === 'cosignatures');
      if (cosigned?.outcome !== 'holds') throw new Error(cosigned?.says);
      return { file, evidence };
    },
    { timeout: COSIGNED_WITHIN_MS, interval: 1000 },
  );
}

const write = (name: string, evidence: Evidence): string => {
  const parts = { 'README.txt': 'test', 'report.html': 'test', 'verify.html': 'test' };
  writeFileSync(join(folder, name), packEvidence({ ...parts, 'evidence.json': evidenceText(evidence) }));
  return name;
};

describe('evidence from a machine that runs', () => {
  test('holds in every step, for each of five cases', async () => {
    expect(made).toHaveLength(CASES);
    for (const { evidence } of made) {
      const verdict = await check(evidence);
      expect(verdict.steps.map(({ name, outcome, says }) => [name, outcome, says])).toEqual(
        STEPS.map((name) => [name, 'holds', expect.any(String)]),
      );
      expect(verdict.cosigned.length).toBeGreaterThanOrEqual(2);
      expect(evidence.blocks.length).toBeGreaterThan(0);
      expect(evidence.revocations).toHaveLength(3);
    }
    // People signed, with certificates of their own, and what they read is there word for word.
    const signed = made.flatMap(({ evidence }) => evidence.entries.filter(({ statement }) => statement));
    expect(signed.length).toBeGreaterThan(CASES);
  });

  test('a changed byte is refused with the reason, wherever in the file it stands', async () => {
    // Some of many here; REHAB_SOAK=1 tries every byte of all five, which takes hours.
    for (const [which, { evidence }] of made.entries()) {
      const length = utf8(evidenceText(evidence)).length;
      const every = process.env.REHAB_SOAK ? 1 : Math.ceil(length / TRIED);
      const first = which % every;
      const { tried, faults, refusedBy } = await everyByteChanged(evidence, trust, { every, first });
      expect(faults).toEqual([]);
      expect(tried).toBe(Math.ceil((length - first) / every));
      console.info(`${made[which]?.file}: ${tried} of ${length} bytes changed; ${JSON.stringify(refusedBy)}`);
    }
  }, 14_400_000);

  test('the page checks all of it without a network, and refuses a sample of the changes', async () => {
    const browser = await openBrowser();
    try {
      const page = await openChecker(browser, folder);
      for (const { file } of made) {
        const { verdict, steps } = await page.give(file);
        expect([file, verdict]).toEqual([file, 'holds']);
        expect(new Set(Object.values(steps))).toEqual(new Set(['holds']));
      }
      const [first] = made;
      if (!first) throw new Error('no evidence');
      const changes = [...changesOfEntries(first.evidence, 2), ...changesAround(first.evidence, 2)];
      for (let at = 0; at < changes.length; at += Math.ceil(changes.length / 24)) {
        const change = changes[at] as Change;
        const { verdict, steps, says } = await page.give(write(`changed-${at}.zip`, change.evidence));
        expect([change.what, verdict]).toEqual([change.what, 'wrong']);
        expect([change.what, change.steps.some((name) => steps[name] === 'wrong'), says]).toEqual([
          change.what,
          true,
          expect.stringMatching(/\w/),
        ]);
      }
      expect(page.requests).toEqual([]);
      expect(page.complaints).toEqual([]);
    } finally {
      await browser.close();
    }
  }, 300_000);

  test('under other keys it is worth nothing, however consistent it is in itself', async () => {
    const [first] = made;
    if (!first) throw new Error('no evidence');
    const stranger = testAuthority('authority of somebody else').root;
    const { verdict, steps } = await check(first.evidence, {
      ...trust,
      roots: { administration: stranger, hospital: stranger, association: stranger },
    });
    expect(verdict).toBe('refused');
    const wrong = steps.filter(({ outcome }) => outcome === 'wrong').map(({ name }) => name);
    expect(wrong).toEqual(expect.arrayContaining(['service', 'persons', 'chain']));
  });
});

test('an export goes up to a cosigned checkpoint, and is sound to whoever trusts a member, and to nobody else', async () => {
  const exported = join(folder, 'export');
  const written = await machine.rehab('verify', '--export', exported);
  expect([written.code, written.err]).toEqual([0, expect.stringContaining('was written')]);
  const judged = await machine.rehab(
    'verify',
    '--export',
    exported,
    '--trust',
    join(folder, 'trust.json'),
    '--json',
  );
  expect([judged.code, JSON.parse(judged.out)]).toEqual([
    0,
    expect.objectContaining({ status: 'sound', findings: [] }),
  ]);
  const stranger = testAuthority('authority of somebody else').root;
  writeFileSync(
    join(folder, 'stranger.json'),
    JSON.stringify({
      ...trust,
      roots: { administration: stranger, hospital: stranger, association: stranger },
    }),
  );
  const refused = await machine.rehab(
    'verify',
    '--export',
    exported,
    '--trust',
    join(folder, 'stranger.json'),
  );
  expect(refused.code).toBe(2);
}, 300_000);
