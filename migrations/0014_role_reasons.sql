ALTER TABLE "role_assignments" ADD COLUMN "reason" text;--> statement-breakpoint
ALTER TABLE "role_assignments" ADD COLUMN "end_reason" text;
--> statement-breakpoint
-- The web gives roles and ends them, once each; whose a role is, which one and since when, nobody changes afterwards.
CREATE FUNCTION role_ends_only() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  ending CONSTANT text[] := ARRAY['ended_at', 'end_reason', 'entry_id'];
BEGIN
  IF to_jsonb(NEW) - ending IS DISTINCT FROM to_jsonb(OLD) - ending
     OR OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL THEN
    RAISE EXCEPTION 'a role can be ended, once, and nothing else' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER role_assignments_ends_only BEFORE UPDATE ON role_assignments FOR EACH ROW WHEN (current_user = 'rehab_web') EXECUTE FUNCTION role_ends_only();
--> statement-breakpoint
GRANT INSERT, UPDATE ON role_assignments TO rehab_web;
