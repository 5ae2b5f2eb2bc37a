// A role that is ended while its holder acts (SECURITY.md A3): whichever commits first, nobody acts in a role that had ended. On
// a real database, with the transaction that ends the role held open.
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorld, type World } from '../support/case-world.ts';
import { claim, openTask } from '../support/claim.ts';
import { onDatabase, submit } from '../support/stories.ts';

let world: World;
let owner: postgres.Sql;
beforeAll(async () => {
  world = await createWorld();
  owner = postgres(world.fresh.ownerUrl, { max: 2, onnotice: () => undefined });
});
afterAll(async () => {
  await owner.end({ timeout: 5 });
  await world.close();
});

describe('a role that is being ended', () => {
  test.each([
    { ends: true, becomes: { kind: 'refusal', code: 'wrong-role' } },
    { ends: false, becomes: { kind: 'done', state: 'assessment-due' } },
  ])(
    'makes its holder’s act wait, and decide by what became of it: $becomes.kind',
    async ({ ends, becomes }) => {
      const { caseId } = await submit(onDatabase(world));
      const id = await openTask(world, caseId);
      const officer = ends ? 'officerA' : 'officerB';
      const request = await world.request(
        officer,
        'decide-eligibility',
        {
          choice: 'accept',
          criteria: { need: 'met', capacity: 'met', prognosis: 'met' },
          disciplines: ['physiotherapy'],
        },
        { caseId, task: { id, claim: await claim(world, officer, id) } },
      );
      const ending = await owner.reserve();
      await ending`begin`;
      await ending`
      update role_assignments set ended_at = now()
      where person_id = ${world.as(officer).id} and role = 'approval-officer'`;
      const [own] = await ending<{ xid: string }[]>`select pg_current_xact_id()::text as xid`;
      /** Whether somebody waits for the transaction that ends the role. */
      const waitedFor = async (): Promise<boolean> =>
        (await owner`select 1 from pg_locks where not granted and transactionid = ${own?.xid as string}::xid`)
          .length > 0;
      let answered = false;
      const act = world.verbs.decideEligibility(request).finally(() => {
        answered = true;
      });
      while (!answered && !(await waitedFor()));
      expect(answered).toBe(false);
      await (ends ? ending`commit` : ending`rollback`);
      ending.release();
      expect(await act).toMatchObject(becomes);
    },
  );
});
