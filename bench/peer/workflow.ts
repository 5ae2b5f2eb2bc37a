// Bench, the bare peer of a decision: a workflow with one Update that does one ordinary activity which does nothing.
import { condition, defineSignal, defineUpdate, proxyActivities, setHandler } from '@temporalio/workflow';

export const pokeUpdate = defineUpdate<string, [string]>('poke');
export const endSignal = defineSignal('end');

const { nothing } = proxyActivities<{ nothing(input: string): Promise<string> }>({
  startToCloseTimeout: '15 seconds',
});

export async function peerWorkflow(): Promise<void> {
  let ended = false;
  setHandler(pokeUpdate, (input) => nothing(input));
  setHandler(endSignal, () => {
    ended = true;
  });
  await condition(() => ended);
}
