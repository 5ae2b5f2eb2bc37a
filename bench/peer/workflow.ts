// Bench, the bare peer of a decision: a workflow whose Updates do one activity which does nothing: an ordinary one, and a local
// one as ours is, which is the least that a decision could cost.
import {
  condition,
  defineSignal,
  defineUpdate,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
} from '@temporalio/workflow';

export const pokeUpdate = defineUpdate<string, [string]>('poke');
export const pokeLocallyUpdate = defineUpdate<string, [string]>('pokeLocally');
export const endSignal = defineSignal('end');

interface Doing {
  nothing(input: string): Promise<string>;
}
const { nothing } = proxyActivities<Doing>({ startToCloseTimeout: '15 seconds' });
const local = proxyLocalActivities<Doing>({ startToCloseTimeout: '5 seconds' });

export async function peerWorkflow(): Promise<void> {
  let ended = false;
  setHandler(pokeUpdate, (input) => nothing(input));
  setHandler(pokeLocallyUpdate, (input) => local.nothing(input));
  setHandler(endSignal, () => {
    ended = true;
  });
  await condition(() => ended);
}
