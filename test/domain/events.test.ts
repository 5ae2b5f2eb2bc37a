// Station 0: which acts must be signed follows from who does them: staff sign, applicants do not.
import { expect, test } from 'vitest';
import { needsSignature } from '../../domain/events.ts';
import { ACTIONS, LIFECYCLE } from '../../domain/lifecycle.ts';
import { isStaff } from '../../domain/permissions.ts';

test('every act of staff needs a personal signature, and no other', () => {
  for (const action of ACTIONS)
    expect([action, needsSignature(action)]).toEqual([action, LIFECYCLE[action].roles.every(isStaff)]);
});
