// Station 2, the changes of workflow code that a running case has gone through or not: the id of every `patched` and
// `deprecatePatch` in this folder (test/arch/changes.test.ts). A build goes on only with cases whose ids it knows (bin/changes.ts).

/** An id names one change for good. It stays here as long as its call stays in the code. */
export const CHANGES = ['limit-timer-runs-on'] as const;
