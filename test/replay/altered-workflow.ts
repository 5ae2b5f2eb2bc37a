// Negative control: the same workflow with one timer more at its beginning, as a careless change without `patched()` would be.
// Every saved history must refuse it. Never part of the product.
import { sleep } from '@temporalio/workflow';
import { caseWorkflow as today } from '../../workflows/case-workflow.ts';
import type { CaseStart } from '../../workflows/messages.ts';

export async function caseWorkflow(start: CaseStart): Promise<unknown> {
  await sleep(1000);
  return await today(start);
}
