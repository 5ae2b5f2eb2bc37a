CREATE TABLE "application_draft" (
	"id" uuid PRIMARY KEY NOT NULL,
	"person_id" uuid NOT NULL,
	"source_digest" text collate "C" NOT NULL,
	"sealed" "bytea" NOT NULL,
	"created_at" timestamp(3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sign_in_attempt_cache" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"tries" integer NOT NULL,
	"ends_at" timestamp(3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX "application_draft_source" ON "application_draft" USING btree ("person_id","source_digest");