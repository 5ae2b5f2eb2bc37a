CREATE TABLE "ask_outbox" (
	"operation_id" text collate "C" PRIMARY KEY NOT NULL,
	"person_id" uuid NOT NULL,
	"request" text collate "C" NOT NULL,
	"sent_at" timestamp(3) with time zone NOT NULL,
	"next_at" timestamp(3) with time zone NOT NULL,
	"tries" integer NOT NULL,
	"answer" jsonb
);
--> statement-breakpoint
CREATE INDEX "ask_outbox_next" ON "ask_outbox" USING btree ("next_at");--> statement-breakpoint
-- Only the web sees and changes what waits to be sent again.
REVOKE ALL ON ask_outbox FROM rehab_worker, rehab_ledger, rehab_verify;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON ask_outbox TO rehab_web;
