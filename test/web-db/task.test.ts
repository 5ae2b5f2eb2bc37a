// Tasks over the app's own forms: a whole case without script, corrections, refusals, drafts, lost answers.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWebWorld, type WebWorld } from '../support/web-world.ts';
import { ANSWERS, toTreatment, work } from './staff-story.ts';

let world: WebWorld;
beforeAll(async () => {
  world = await createWebWorld();
});
afterAll(() => world.close());

describe('a whole case over forms', () => {
  test('goes from application to the outcome without script', async () => {
    const caseId = await toTreatment(world);
    for (const minutes of ['45', '40']) {
      const session = await work(world, 'therapistA', caseId, 'record-session', { choice: 'held', minutes });
      expect(session.status).toBe(303);
    }
    const again = await work(world, 'therapistB', caseId, 're-evaluate', {
      ...ANSWERS.high,
      findings: 'Does all of it alone',
      choice: 'finish',
    });
    expect(again.status).toBe(303);
    const end = await work(world, 'officerC', caseId, 'decide-outcome', { choice: 'approve' });
    expect(end.status).toBe(303);
    const [row] = await world.web.sql`select state, outcome from cases where id = ${caseId}`;
    expect(row).toMatchObject({ state: 'follow-up-waiting', outcome: 'approved' });
    expect(world.faults).toEqual([]);
  });
});
