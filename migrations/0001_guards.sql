-- Who may write what, and the promise that no business row is committed without its audit entry.
-- One role per process (SECURITY.md A7); none is a superuser, none may delete, and rows that are written
-- once cannot be updated. The roles themselves are made by db/migrate.ts, because their passwords are not here.
CREATE FUNCTION require_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- The entry must come from this very transaction: an old entry's id buys nothing.
  IF EXISTS (SELECT 1 FROM public.audit_entries WHERE id = NEW.entry_id AND xact = pg_current_xact_id()) THEN
    RETURN NULL;
  END IF;
  -- The owner could switch this trigger off anyway; what the owner writes past the ledger is for verify to find.
  IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER') THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'a write to % came without its audit entry', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER persons_require_entry AFTER INSERT OR UPDATE ON persons DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry();
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER role_assignments_require_entry AFTER INSERT OR UPDATE ON role_assignments DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry();
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER cases_require_entry AFTER INSERT OR UPDATE ON cases DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry();
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER case_relations_require_entry AFTER INSERT ON case_relations DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry();
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER applications_require_entry AFTER INSERT ON applications DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry();
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER tasks_require_entry AFTER INSERT OR UPDATE ON tasks DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry();
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER decisions_require_entry AFTER INSERT ON decisions DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry();
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER assessments_require_entry AFTER INSERT ON assessments DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry();
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER measurements_require_entry AFTER INSERT ON measurements DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry();
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER plans_require_entry AFTER INSERT OR UPDATE ON plans DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry();
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER therapy_sessions_require_entry AFTER INSERT ON therapy_sessions DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry();
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER clocks_require_entry AFTER INSERT OR UPDATE ON clocks DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry();
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER disclosures_require_entry AFTER INSERT ON disclosures DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry();
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER refusals_require_entry AFTER INSERT ON refusals DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry();
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER operations_require_entry AFTER INSERT ON operations DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry();
--> statement-breakpoint
INSERT INTO log_head (id, size, root, range, at) VALUES (1, 0, sha256(''), '', '1970-01-01T00:00:00Z');

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO rehab_web, rehab_worker, rehab_ledger, rehab_verify;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO rehab_web, rehab_worker, rehab_ledger, rehab_verify;
-- Whoever verifies has no business with sign-in secrets.
REVOKE SELECT ON web_session, passkey_session, passkey_challenge_cache, task_draft FROM rehab_worker, rehab_ledger, rehab_verify;
--> statement-breakpoint
GRANT INSERT (id, subject_kind, subject_id, subject_version, event, person_id, at, body, signature, key_id) ON audit_entries TO rehab_web, rehab_worker;
--> statement-breakpoint
GRANT INSERT, UPDATE ON audit_subjects TO rehab_web, rehab_worker;
--> statement-breakpoint
GRANT INSERT ON persons, role_assignments, cases, case_relations, applications, tasks, decisions, assessments, measurements, plans, therapy_sessions, clocks, disclosures, refusals, operations TO rehab_worker;
--> statement-breakpoint
GRANT UPDATE ON persons, role_assignments, cases, tasks, plans, clocks TO rehab_worker;
--> statement-breakpoint
GRANT INSERT ON disclosures, refusals, operations TO rehab_web;
--> statement-breakpoint
GRANT UPDATE ON tasks TO rehab_web;
--> statement-breakpoint
GRANT INSERT, UPDATE, DELETE ON web_session, passkey_session, passkey_challenge_cache, task_draft TO rehab_web;
--> statement-breakpoint
GRANT INSERT ON log_leaves, log_checkpoints, log_anchors TO rehab_ledger;
--> statement-breakpoint
GRANT UPDATE ON log_head TO rehab_ledger;
--> statement-breakpoint
GRANT INSERT, DELETE ON operation_settled_cache TO rehab_ledger;
