// What a process says of a fault: its class, its code and where it arose; never a word of what somebody typed.
import { expect, test } from 'vitest';
import { z } from 'zod';
import { faultFacts } from '../../bin/log.ts';

const CANARY = 'canary-5530';

/** Faults as our libraries throw them, with a canary wherever one may stand. */
const faults: Readonly<Record<string, () => unknown>> = {
  'a message of many lines': () => {
    throw new Error(`invalid input syntax: "first line\n${CANARY}\n    at ${CANARY} (/tmp/x.ts:1:1)"`);
  },
  'a schema that lists what it met': () => {
    const issue = z.strictObject({ a: z.literal('x') }).safeParse({ a: 1, [CANARY]: CANARY });
    if (!issue.success) throw issue.error;
  },
  'a cause': () => {
    throw new Error('outside', { cause: Object.assign(new Error(`inside\n${CANARY}`), { detail: CANARY }) });
  },
  'details of the database': () => {
    throw Object.assign(new Error(`duplicate key\nKey (name)=(${CANARY})`), {
      code: '23505',
      detail: `Key (name)=(${CANARY}) already exists.`,
      where: CANARY,
      query: CANARY,
      parameters: [CANARY],
    });
  },
  'no error at all': () => {
    throw CANARY;
  },
};

test.each(Object.keys(faults))('%s', (name) => {
  let fault: unknown;
  try {
    faults[name]?.();
  } catch (error) {
    fault = error;
  }
  const said = JSON.stringify(faultFacts(fault));
  expect(said).not.toContain(CANARY);
  expect(said).not.toContain('first line');
  // It still says where, which is what it is for.
  if (fault instanceof Error && fault.name !== 'ZodError') expect(said).toContain('faults.test.ts');
});
