CREATE TABLE "invitations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"person_id" uuid NOT NULL,
	"token_hash" text collate "C" NOT NULL,
	"recovery" boolean NOT NULL,
	"reason" text,
	"made_by" uuid NOT NULL,
	"role" text collate "C" NOT NULL,
	"made_at" timestamp(3) with time zone NOT NULL,
	"ends_at" timestamp(3) with time zone NOT NULL,
	"confirmed_by" uuid,
	"confirmed_at" timestamp(3) with time zone,
	"used_at" timestamp(3) with time zone,
	"withdrawn_by" uuid,
	"withdrawn_at" timestamp(3) with time zone,
	"entry_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX "invitations_token" ON "invitations" USING btree ("token_hash");--> statement-breakpoint
CREATE INDEX "invitations_person" ON "invitations" USING btree ("person_id","made_at");--> statement-breakpoint
CREATE INDEX "invitations_standing" ON "invitations" USING btree ("ends_at") WHERE used_at is null and withdrawn_at is null;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER invitations_require_entry AFTER INSERT OR UPDATE ON invitations DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry();
--> statement-breakpoint
-- A link is confirmed, used or withdrawn, once each; whose it is and how long it counts nobody changes afterwards. Who had a way in
-- before gets in again only by two people, and neither of them is that person.
CREATE FUNCTION invitation_goes_on() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  later CONSTANT text[] := ARRAY['confirmed_by', 'confirmed_at', 'used_at', 'withdrawn_by', 'withdrawn_at', 'entry_id'];
BEGIN
  IF to_jsonb(NEW) - later IS DISTINCT FROM to_jsonb(OLD) - later
     OR OLD.used_at IS NOT NULL OR OLD.withdrawn_at IS NOT NULL
     OR (OLD.confirmed_by IS NOT NULL AND NEW.confirmed_by IS DISTINCT FROM OLD.confirmed_by)
     OR NEW.confirmed_by IN (NEW.made_by, NEW.person_id)
     OR (NEW.recovery AND NEW.used_at IS NOT NULL AND OLD.confirmed_by IS NULL) THEN
    RAISE EXCEPTION 'an invitation is confirmed, used or withdrawn, and nothing else' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER invitations_goes_on BEFORE UPDATE ON invitations FOR EACH ROW WHEN (current_user = 'rehab_web') EXECUTE FUNCTION invitation_goes_on();
--> statement-breakpoint
GRANT SELECT ON invitations TO rehab_web, rehab_verify;
--> statement-breakpoint
GRANT INSERT, UPDATE ON invitations TO rehab_web;
--> statement-breakpoint
-- The security administrator adds people on the page; what a person is, the web does not change.
GRANT INSERT ON persons TO rehab_web;
