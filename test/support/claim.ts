// Test support: claims made the way the web makes them, under the web's own database role.
import { randomUUID } from 'node:crypto';
import { claimTask, handBackTask } from '../../web/recorded.ts';
import type { World } from './case-world.ts';

/** The one open task of a case; its oldest, when there are several. */
export async function openTask({ worker }: Pick<World, 'worker'>, caseId: string): Promise<string> {
  const [task] = await worker.sql<{ id: string }[]>`
    select id from tasks where case_id = ${caseId} and status = 'open' order by opened_at, id`;
  if (!task) throw new Error('no open task');
  return task.id;
}

async function attempt(world: World, name: string, taskId: string) {
  const recorder = world.asWeb();
  const [task] = await recorder.sql<{ case_id: string }[]>`select case_id from tasks where id = ${taskId}`;
  if (!task) throw new Error('no such task');
  const { id: person, role } = world.as(name);
  return await claimTask(recorder, randomUUID(), { person, role }, task.case_id, taskId, 60);
}

/** Claims a task and gives the fencing number; `attempt` gives whatever the answer is. */
export const claim = Object.assign(
  async (world: World, name: string, taskId: string): Promise<number> => {
    const answer = await attempt(world, name, taskId);
    if (answer.kind !== 'claimed') throw new Error(`claim refused: ${JSON.stringify(answer)}`);
    return answer.claim;
  },
  {
    attempt,
    handBack: async (world: World, name: string, taskId: string, number: number) => {
      const recorder = world.asWeb();
      const [task] = await recorder.sql<
        { case_id: string }[]
      >`select case_id from tasks where id = ${taskId}`;
      const { id: person, role } = world.as(name);
      return await handBackTask(
        recorder,
        randomUUID(),
        { person, role },
        task?.case_id as string,
        taskId,
        number,
      );
    },
  },
);
