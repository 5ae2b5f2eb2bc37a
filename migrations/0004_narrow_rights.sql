-- Two rights that went further than they were meant to (SECURITY.md A7).
-- The guard asked "pg_class" by its bare name, and a session finds its own temporary tables before pg_catalog: whoever could
-- make one could answer for the catalogue that they own the table. Names are whole now; db/migrate.ts takes the right to make
-- temporary tables away besides. No type is named here, because types too are looked for among temporary ones.
CREATE OR REPLACE FUNCTION require_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- The entry must come from this very transaction: an old entry's id buys nothing.
  IF EXISTS (SELECT 1 FROM public.audit_entries WHERE id = NEW.entry_id AND xact = pg_catalog.pg_current_xact_id()) THEN
    RETURN NULL;
  END IF;
  -- The owner could switch this trigger off anyway; what the owner writes past the ledger is for verify to find.
  IF pg_catalog.pg_has_role(current_user, (SELECT relowner FROM pg_catalog.pg_class WHERE oid = TG_RELID), 'MEMBER') THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'a write to % came without its audit entry', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
--> statement-breakpoint
-- The web takes and hands back tasks; what a task is, and whether it is done, only the worker says. A statement of recorded()
-- writes whole rows, so the right cannot be given by column.
CREATE FUNCTION claims_only() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  claim CONSTANT text[] := ARRAY['claim_number', 'claimed_by', 'claimed_at', 'claimed_until', 'entry_id'];
BEGIN
  IF to_jsonb(NEW) - claim IS DISTINCT FROM to_jsonb(OLD) - claim
     OR OLD.status <> 'open' OR NEW.claim_number < OLD.claim_number OR NEW.claim_number > OLD.claim_number + 1 THEN
    RAISE EXCEPTION 'the web changes of a task who holds it, and nothing else' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER tasks_claims_only BEFORE UPDATE ON tasks FOR EACH ROW WHEN (current_user = 'rehab_web') EXECUTE FUNCTION claims_only();
