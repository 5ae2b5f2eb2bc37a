// The first requests that reach a member of the demonstration come together, as when several people begin their day: the keys of
// the two who approve are made then, once, and every request gets its certificate.
import { afterAll, expect, test } from 'vitest';
import { softwareKey } from '../../bin/drive/software-key.ts';
import { requestOf, testMembers } from '../support/signing.ts';

const members = testMembers();
afterAll(() => members.remove());

const personOf = (at: number): string => `00000000-0000-8000-8000-${String(at).padStart(12, '0')}`;

test('twelve first requests at once are all approved by the same two', async () => {
  const answers = await Promise.all(
    Array.from({ length: 12 }, async (_, at) => {
      const person = personOf(at);
      const answer = await members.doors.hospital.request('/enrolments', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ person, role: 'therapist', csr: requestOf(person, softwareKey()) }),
      });
      return (await answer.json()) as { state: string; approvals: number };
    }),
  );
  expect(answers.map(({ state, approvals }) => [state, approvals])).toEqual(answers.map(() => ['issued', 2]));
  expect(members.faults).toEqual([]);
});
