// Station 1, web: verification as the auditor's page sees it. bin gives the run its sources; the page only starts it and
// reads the outcome. One run at a time.
import type { VerifyReport } from '../../ledger/verify.ts';

export interface Verifying {
  /** Starts a run unless one is going on. */
  start(): void;
  state(): {
    readonly running: boolean;
    readonly startedAt: string | null;
    readonly report: VerifyReport | null;
    readonly failed: boolean;
  };
}
