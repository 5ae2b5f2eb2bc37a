// Tests: every whole-life record of the Synthea set becomes the draft that is written down beside it, and never a wrong one.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import type { ApplicationDraft, Fact } from '../../fhir/import.ts';
import { hasSharedData, sharedData } from '../support/shared-data.ts';
import { draftOf } from './support.ts';

const files = hasSharedData
  ? readdirSync(sharedData('synthea-r4'))
      .filter((name) => name.endsWith('.json'))
      .sort()
  : [];
const textOf = (name: string) => readFileSync(sharedData('synthea-r4', name));

const day = (date: string | null) => date?.slice(0, 10) ?? 'no date';
const line = ({ kind, text, code, status, since }: Fact) =>
  `${kind}: ${text} (${code?.split('|')[1] ?? 'no code'}), ${status ?? 'no status'}, ${day(since)}`;

/** The draft in lines that a person can check against the record. */
const shown = (draft: ApplicationDraft) => ({
  patient: draft.patient,
  reason:
    draft.reason === null
      ? null
      : {
          what: line(draft.reason),
          basis: draft.reason.basis,
          order: draft.reason.order && line(draft.reason.order),
        },
  alternatives: draft.alternatives.map((one) => `${line(one)} – ${one.basis}`),
  goals: draft.goals,
  setAside: draft.setAside.map((one) => `${line(one)} – ${one.why}`),
  background: draft.background.map((one) => `${line(one)} – ${one.why}`),
  attention: draft.attention.map(({ id, text, since }) => `${id}: ${text}, ${day(since)}`),
  questions: draft.questions.map(({ code }) => code),
  source: draft.source,
});

describe.skipIf(!hasSharedData)('Synthea records', () => {
  it('are all eight here', () => {
    expect(files).toHaveLength(8);
  });

  test.each(files)('%s becomes the expected draft', (name) => {
    const expected = JSON.parse(readFileSync(join(import.meta.dirname, 'expectations', name), 'utf8'));
    expect(shown(draftOf(textOf(name)))).toEqual(expected);
  });

  test.each(files)('%s proposes nothing finished, no drug rehabilitation and no diabetes plan', (name) => {
    const { reason, alternatives } = draftOf(textOf(name));
    for (const one of [reason, ...alternatives]) {
      if (one === null) continue;
      expect(one.status).toBe('active');
      expect(one.until).toBeNull();
      const words = `${one.text} ${one.order?.text ?? ''}`;
      expect(words).not.toMatch(/fracture|drug|overdose|diabet|addict/i);
    }
  });

  test.each(files)(
    '%s has the same key however it is laid out, and another when one value changes',
    (name) => {
      const record = JSON.parse(textOf(name).toString('utf8'));
      const { duplicateKey } = draftOf(textOf(name));
      record.entry.reverse();
      record.id = 'another-export';
      expect(draftOf(JSON.stringify(record, null, 1)).duplicateKey).toBe(duplicateKey);
      const changed = record.entry.find(
        (entry: { resource: { resourceType: string } }) => entry.resource.resourceType === 'Condition',
      );
      changed.resource.code.text = 'Something else';
      expect(draftOf(record).duplicateKey).not.toBe(duplicateKey);
    },
  );

  it('have eight different keys', () => {
    expect(new Set(files.map((name) => draftOf(textOf(name)).duplicateKey)).size).toBe(8);
  });

  it('do not change their reason when all words are taken away: only codes count', () => {
    for (const name of files) {
      const before = draftOf(textOf(name));
      const record = JSON.parse(textOf(name).toString('utf8'), (key, value) =>
        key === 'display' || (key === 'text' && typeof value === 'string') ? 'words' : value,
      );
      const after = draftOf(record);
      expect(after.reason?.code).toBe(before.reason?.code);
      expect(after.reason?.basis).toBe(before.reason?.basis);
    }
  });
});
