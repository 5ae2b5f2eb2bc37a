CREATE TABLE "alert_acknowledgements" (
	"id" uuid PRIMARY KEY NOT NULL,
	"case_id" uuid NOT NULL,
	"measurement_id" uuid NOT NULL,
	"reason" text collate "C" NOT NULL,
	"note" text,
	"acknowledged_by" uuid NOT NULL,
	"role" text collate "C" NOT NULL,
	"acknowledged_at" timestamp(3) with time zone NOT NULL,
	"entry_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX "alert_acknowledgements_measurement" ON "alert_acknowledgements" USING btree ("measurement_id");--> statement-breakpoint
CREATE INDEX "alert_acknowledgements_case" ON "alert_acknowledgements" USING btree ("case_id");--> statement-breakpoint
CREATE INDEX "measurements_alerts" ON "measurements" USING btree ("measured_at") WHERE alerts <> '[]'::jsonb;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER alert_acknowledgements_require_entry AFTER INSERT ON alert_acknowledgements DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION require_entry();
--> statement-breakpoint
GRANT SELECT ON alert_acknowledgements TO rehab_web, rehab_worker, rehab_ledger, rehab_verify;
--> statement-breakpoint
GRANT INSERT ON alert_acknowledgements TO rehab_web;
