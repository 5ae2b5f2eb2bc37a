// An older build's way of waiting, as it was before 'limit-timer-runs-on': it asks for no change, and knows none. Bundled in the
// place of workflows/limit-timer.ts by test/workflows/upgrade.test.ts. Never part of the product.
import { condition } from '@temporalio/workflow';
import type { UntilOr } from '../../workflows/limit-timer.ts';

export const limitTimer = (): UntilOr => async (happened, at, margin) => {
  if (at) return await condition(happened, Math.max(0, Date.parse(at) - Date.now()) + margin);
  await condition(happened);
  return true;
};
