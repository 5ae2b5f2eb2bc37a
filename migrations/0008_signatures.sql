CREATE TABLE "certificate_request_cache" (
	"key_name" text collate "C" PRIMARY KEY NOT NULL,
	"person_id" uuid NOT NULL,
	"role" text collate "C" NOT NULL,
	"organisation" text collate "C" NOT NULL,
	"request_id" text collate "C" NOT NULL,
	"asked_at" timestamp(3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "certificates" (
	"id" uuid PRIMARY KEY NOT NULL,
	"fingerprint" text collate "C" NOT NULL,
	"person_id" uuid NOT NULL,
	"organisation" text collate "C" NOT NULL,
	"role" text collate "C" NOT NULL,
	"pem" text collate "C" NOT NULL,
	"not_before" timestamp(3) with time zone NOT NULL,
	"not_after" timestamp(3) with time zone NOT NULL,
	"issued_at" timestamp(3) with time zone NOT NULL,
	"revoked_at" timestamp(3) with time zone,
	"revocation_reason" text collate "C",
	"entry_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "signing_draft" (
	"operation_id" text collate "C" PRIMARY KEY NOT NULL,
	"person_id" uuid NOT NULL,
	"role" text collate "C" NOT NULL,
	"action" text collate "C" NOT NULL,
	"case_id" uuid NOT NULL,
	"task_id" uuid,
	"sealed" "bytea" NOT NULL,
	"prepared_at" timestamp(3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "statements" (
	"id" uuid PRIMARY KEY NOT NULL,
	"case_id" uuid NOT NULL,
	"sealed" text collate "C" NOT NULL,
	"sha256" text collate "C" NOT NULL,
	"language" text collate "C" NOT NULL,
	"at" timestamp(3) with time zone NOT NULL,
	"entry_id" uuid NOT NULL
);
--> statement-breakpoint
ALTER TABLE "web_session" ADD COLUMN "authenticated_at" timestamp(3) with time zone;--> statement-breakpoint
UPDATE "web_session" SET "authenticated_at" = "created_at";--> statement-breakpoint
ALTER TABLE "web_session" ALTER COLUMN "authenticated_at" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "web_session" ADD COLUMN "signing_since" timestamp(3) with time zone;--> statement-breakpoint
CREATE INDEX "certificate_request_cache_person" ON "certificate_request_cache" USING btree ("person_id");--> statement-breakpoint
CREATE UNIQUE INDEX "certificates_fingerprint" ON "certificates" USING btree ("fingerprint");--> statement-breakpoint
CREATE INDEX "certificates_person" ON "certificates" USING btree ("person_id","role");--> statement-breakpoint
CREATE INDEX "signing_draft_person" ON "signing_draft" USING btree ("person_id","prepared_at");--> statement-breakpoint
CREATE INDEX "statements_case" ON "statements" USING btree ("case_id","at");--> statement-breakpoint
CREATE INDEX "statements_entry" ON "statements" USING btree ("entry_id");
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER statements_require_entry AFTER INSERT ON statements DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry();
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER certificates_require_entry AFTER INSERT OR UPDATE ON certificates DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry();
--> statement-breakpoint
-- A certificate is given once and revoked once; whose it is, and from when it counts no more, nobody changes afterwards.
CREATE FUNCTION revokes_only() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  revocation CONSTANT text[] := ARRAY['revoked_at', 'revocation_reason', 'entry_id'];
BEGIN
  IF to_jsonb(NEW) - revocation IS DISTINCT FROM to_jsonb(OLD) - revocation
     OR OLD.revoked_at IS NOT NULL OR NEW.revoked_at IS NULL THEN
    RAISE EXCEPTION 'a certificate can be revoked, once, and nothing else' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER certificates_revokes_only BEFORE UPDATE ON certificates FOR EACH ROW WHEN (current_user = 'rehab_web') EXECUTE FUNCTION revokes_only();
--> statement-breakpoint
GRANT SELECT ON statements, certificates TO rehab_web, rehab_worker, rehab_ledger, rehab_verify;
--> statement-breakpoint
GRANT INSERT ON statements TO rehab_worker;
--> statement-breakpoint
GRANT INSERT, UPDATE ON certificates TO rehab_web;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON signing_draft, certificate_request_cache TO rehab_web;
