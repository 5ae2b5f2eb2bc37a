// The one timer of a case: acts that leave the limit where it is leave its timer alone, and it rings all the same. On a real
// Temporal and a real database; histories from before are held to by test/replay.
import { temporal } from '@temporalio/proto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { caseWorkflowId } from '../../domain/ids.ts';
import { progressQuery } from '../../workflows/messages.ts';
import { complete, onTemporal, type Stage, toTreatment } from '../support/stories.ts';
import { createTemporalWorld, type TemporalWorld } from '../support/temporal-world.ts';

const { EventType } = temporal.api.enums.v1;
/** Long enough for a few sessions on a slow machine; one of them is all that the test needs. */
const INTERVAL = { unit: 'seconds' as const, length: 6 };

let world: TemporalWorld;
let stage: Stage;
beforeAll(async () => {
  world = await createTemporalWorld({
    parameters: JSON.stringify({ version: 'test-seconds', clocks: { 're-evaluation-interval': INTERVAL } }),
  });
  stage = onTemporal(world);
});
afterAll(() => world.close());

const handleOf = (caseId: string) => world.client.workflow.getHandle(caseWorkflowId(caseId));

async function timersOf(caseId: string) {
  const { events } = await handleOf(caseId).fetchHistory();
  const count = (type: number) => (events ?? []).filter(({ eventType }) => eventType === type).length;
  return {
    started: count(EventType.EVENT_TYPE_TIMER_STARTED),
    canceled: count(EventType.EVENT_TYPE_TIMER_CANCELED),
    fired: count(EventType.EVENT_TYPE_TIMER_FIRED),
  };
}

describe('the timer of the limit that ends next', () => {
  test('runs on through acts that leave the limit alone, and rings', async () => {
    const caseId = await toTreatment(stage, 40);
    const before = await timersOf(caseId);
    // Each limit before this one was met in time, and its timer was stopped when the next began.
    expect(before.canceled).toBe(before.started - 1);
    expect(before.fired).toBe(0);
    const absent = { choice: 'absent', note: 'had a fever' } as const;
    await complete(stage, caseId, 'therapistA', 'record-session', absent);
    await complete(stage, caseId, 'therapistA', 'record-session', absent);
    expect(await timersOf(caseId)).toEqual(before);
    for (;;) {
      const progress = await handleOf(caseId).query(progressQuery);
      if (progress?.state !== 'in-treatment') {
        expect(progress).toMatchObject({ state: 're-evaluation-due' });
        break;
      }
    }
    expect((await timersOf(caseId)).fired).toBe(1);
    const lapsed = await world.worker
      .sql`select event from audit_entries where subject_id = ${caseId} and event = 'clock.lapsed'`;
    expect(lapsed.length).toBe(1);
  });
});
