// Station 3, the one translation of trouble for Temporal: a refusal is a value and never comes here; a fault is tried
// again, without end: an Update never ends in one, and a limit's end never ends its case (DESIGN.md section 9, 2).
// Messages that leave say what kind it was and nothing of what was in it (SECURITY.md T3).
import { ApplicationFailure } from '@temporalio/common';
import { KeyMissing } from '../ledger/record-key.ts';

/** Runs an activity's body and turns what it throws into a failure without content. */
export async function asFailure<T>(body: () => Promise<T>, note: (error: unknown) => void): Promise<T> {
  try {
    return await body();
  } catch (error) {
    note(error);
    if (error instanceof ApplicationFailure) throw error;
    // Tried again too: a key folder that was not there at a restart must not end every case whose timer rings meanwhile.
    if (error instanceof KeyMissing)
      throw ApplicationFailure.create({ type: 'KeyMissing', message: 'record key is missing' });
    const code = (error as { code?: unknown }).code;
    throw ApplicationFailure.create({
      type: 'Fault',
      message: `a service is not answering${typeof code === 'string' ? `: ${code}` : ''}`,
    });
  }
}
