// Every saved history replays against today's workflow, so that no running case breaks when the code changes; and against an
// altered workflow each of them fails, so that this test can fail.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, describe, expect, test } from 'vitest';
import { dataConverter } from '../../bin/payload-codec.ts';
import { historyFrom } from '../../bin/replay/plain-history.ts';
import { quietRuntime } from '../../bin/replay/replay.ts';

quietRuntime();

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const histories = readdirSync(here('../histories')).filter((name) => name.endsWith('.json'));
const history = (name: string): unknown => historyFrom(readFileSync(here(`../histories/${name}`), 'utf8'));
// Saved histories are not encrypted, so any key will do.
const converter = dataConverter(new Uint8Array(32));
const bundle = async (path: string): Promise<{ code: string }> =>
  await bundleWorkflowCode({
    workflowsPath: here(path),
    ...(converter.failureConverterPath ? { failureConverterPath: converter.failureConverterPath } : {}),
    logger: new DefaultLogger('ERROR', () => undefined),
  });

let today: { code: string };
let altered: { code: string };
beforeAll(async () => {
  today = await bundle('../../workflows/index.ts');
  altered = await bundle('./altered-workflow.ts');
});

test('there are histories of the main ways through a case', () => {
  for (const story of [
    'approved',
    'sent-back',
    'appealed',
    'withdrawn',
    'papers',
    'lapsed-and-reopened',
    'continued',
  ])
    expect(histories.some((name) => name.startsWith(`case-${story}@`))).toBe(true);
});

test.each(['approved', 'sent-back', 'appealed'])(
  'one of the %s cases has personally signed acts',
  (story) => {
    const signed = histories.filter((name) => {
      if (!name.startsWith(`case-${story}`)) return false;
      const payloads = readFileSync(here(`../histories/${name}`), 'utf8').matchAll(/"data": ?"([^"]+)"/g);
      return [...payloads].some(([, data]) => Buffer.from(data ?? '', 'base64').includes('"signed":"'));
    });
    expect(signed).not.toEqual([]);
  },
);

describe.each(histories)('%s', (name) => {
  test("replays against today's workflow", async () => {
    await Worker.runReplayHistory({ workflowBundle: today, dataConverter: converter }, history(name));
  });

  test('is refused by an altered workflow', async () => {
    await expect(
      Worker.runReplayHistory({ workflowBundle: altered, dataConverter: converter }, history(name)),
    ).rejects.toThrow(DeterminismViolationError);
  });
});
