// Test support: adds a case's histories to `test/histories`, one file per run, not encrypted. Only ever for invented people, and
// never over a file that is there: a saved history stands for a case that may still be alive somewhere.
import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { historyText, plainHistory } from '../../bin/replay/plain-history.ts';
import { isWorked } from '../../bin/replay/replay.ts';
import { caseWorkflowId } from '../../domain/ids.ts';

/** Saves every run of the case as `case-STORY@DAY.json`, later runs numbered. Gives the names of the files. */
export async function saveHistories(
  client: Client,
  converter: DataConverter,
  caseId: string,
  story: string,
): Promise<string[]> {
  const workflowId = caseWorkflowId(caseId);
  const day = new Date().toISOString().slice(0, 10);
  const runs: string[] = [];
  for await (const { runId } of client.workflow.list({ query: `WorkflowId = '${workflowId}'` }))
    runs.unshift(runId);
  const names: string[] = [];
  let at = 1;
  for (const runId of runs) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    // A run that was only handed over to has nothing to replay.
    if (!isWorked(history)) continue;
    const text = historyText(await plainHistory(history, converter));
    let path: string;
    do {
      const name = `case-${story}${at > 1 ? `-${at}` : ''}@${day}.json`;
      path = fileURLToPath(new URL(`../histories/${name}`, import.meta.url));
      at += 1;
    } while (existsSync(path));
    writeFileSync(path, text, { flag: 'wx' });
    names.push(path);
  }
  return names;
}
