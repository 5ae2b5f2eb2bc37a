// The auditor's verdict as it is printed: what was compared and what was left out, and what was noticed beside the findings.
import { expect, test } from 'vitest';
import type { VerifyReport } from '../../ledger/verify.ts';
import { VerifyStatus } from '../../web/audit/audit.tsx';
import { text } from '../../web/text/text.ts';

const report: VerifyReport = {
  status: 'sound',
  size: 7,
  counts: { entries: 7, leaves: 7, anchored: { hospital: 7 }, pending: 0 },
  findings: [],
  notes: [],
  seconds: 1,
};
const printed = (language: 'en' | 'zh-Hans', over: Partial<VerifyReport> = {}): string => {
  const t = text(language);
  const state = { running: false, startedAt: '2026-11-23T07:00:00.000Z', failed: false };
  return String(<VerifyStatus t={t} state={{ ...state, report: { ...report, ...over } }} />);
};

test.each(['en', 'zh-Hans'] as const)(
  'says which histories and cosignatures a verdict rests on, in %s',
  (language) => {
    const { audit } = text(language);
    const without = printed(language);
    expect(without).toContain(audit.casesLeftOut);
    expect(without).not.toContain(audit.cosigned);
    const counts = { ...report.counts, cases: 41, cosigned: 6 };
    const all = printed(language, { counts });
    expect(all).not.toContain(audit.casesLeftOut);
    expect(all).toMatch(new RegExp(`${audit.cases}.*>41<`, 's'));
    expect(all).toMatch(new RegExp(`${audit.cosigned}.*>6<`, 's'));
  },
);

test('tells what was noticed without taking the verdict back', () => {
  const { audit } = text('en');
  expect(printed('en')).not.toContain(audit.notes);
  const noted = printed('en', {
    notes: [
      {
        kind: 'clock-stepped-back',
        entry: 'an entry',
        index: 3,
        seconds: 3600,
        says: 'Clock stepped back <1 h> at index 3',
      },
    ],
  });
  expect(noted).toContain(audit.notes);
  expect(noted).toContain('Clock stepped back &lt;1 h&gt; at index 3');
  expect(noted).toContain(audit.soundText(7));
});
