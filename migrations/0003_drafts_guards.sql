-- Only the web sees and changes drafts and counts of tries; whoever verifies has no business with either.
REVOKE ALL ON application_draft, sign_in_attempt_cache FROM rehab_worker, rehab_ledger, rehab_verify;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON application_draft, sign_in_attempt_cache TO rehab_web;
