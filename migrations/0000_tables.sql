CREATE TABLE "applications" (
	"id" uuid PRIMARY KEY NOT NULL,
	"case_id" uuid NOT NULL,
	"round" integer NOT NULL,
	"reason" text NOT NULL,
	"reason_code" text collate "C",
	"reason_since" date,
	"goals" text,
	"background" jsonb NOT NULL,
	"questions" jsonb NOT NULL,
	"source" text,
	"source_digest" text collate "C",
	"submitted_by" uuid NOT NULL,
	"submitted_at" timestamp(3) with time zone NOT NULL,
	"entry_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "assessments" (
	"id" uuid PRIMARY KEY NOT NULL,
	"case_id" uuid NOT NULL,
	"discipline" text collate "C",
	"occasion" text collate "C" NOT NULL,
	"findings" text NOT NULL,
	"assessed_by" uuid NOT NULL,
	"assessed_at" timestamp(3) with time zone NOT NULL,
	"entry_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "audit_entries" (
	"id" uuid PRIMARY KEY NOT NULL,
	"subject_kind" text collate "C" NOT NULL,
	"subject_id" uuid NOT NULL,
	"subject_version" integer NOT NULL,
	"event" text collate "C" NOT NULL,
	"person_id" uuid NOT NULL,
	"at" timestamp(3) with time zone NOT NULL,
	"body" "bytea" NOT NULL,
	"signature" "bytea" NOT NULL,
	"key_id" text collate "C" NOT NULL,
	"xact" "xid8" DEFAULT pg_current_xact_id() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "audit_subjects" (
	"kind" text collate "C" NOT NULL,
	"id" uuid NOT NULL,
	"version" integer NOT NULL,
	"last" "bytea" NOT NULL,
	"entry_id" uuid NOT NULL,
	CONSTRAINT "audit_subjects_kind_id_pk" PRIMARY KEY("kind","id")
);
--> statement-breakpoint
CREATE TABLE "case_relations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"case_id" uuid NOT NULL,
	"person_id" uuid NOT NULL,
	"relation" text collate "C" NOT NULL,
	"since" timestamp(3) with time zone NOT NULL,
	"entry_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cases" (
	"id" uuid PRIMARY KEY NOT NULL,
	"number" text collate "C" NOT NULL,
	"patient_id" uuid NOT NULL,
	"state" text collate "C" NOT NULL,
	"stage" text collate "C" NOT NULL,
	"outcome" text collate "C",
	"round" integer NOT NULL,
	"opened_at" timestamp(3) with time zone NOT NULL,
	"changed_at" timestamp(3) with time zone NOT NULL,
	"parameters_version" text collate "C" NOT NULL,
	"entry_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "clocks" (
	"id" uuid PRIMARY KEY NOT NULL,
	"case_id" uuid NOT NULL,
	"clock" text collate "C" NOT NULL,
	"started_at" timestamp(3) with time zone NOT NULL,
	"due_at" timestamp(3) with time zone NOT NULL,
	"paused_at" timestamp(3) with time zone,
	"paused_ms" bigint NOT NULL,
	"stopped_at" timestamp(3) with time zone,
	"lapsed_at" timestamp(3) with time zone,
	"entry_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "decisions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"case_id" uuid NOT NULL,
	"task_id" uuid,
	"action" text collate "C" NOT NULL,
	"choice" text collate "C",
	"duty" text collate "C",
	"criteria" jsonb,
	"reasons" text,
	"details" jsonb,
	"state_before" text collate "C" NOT NULL,
	"state_after" text collate "C" NOT NULL,
	"round" integer NOT NULL,
	"decided_by" uuid NOT NULL,
	"role" text collate "C" NOT NULL,
	"decided_at" timestamp(3) with time zone NOT NULL,
	"entry_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "disclosures" (
	"id" uuid PRIMARY KEY NOT NULL,
	"case_id" uuid,
	"person_id" uuid NOT NULL,
	"role" text collate "C" NOT NULL,
	"view" text collate "C" NOT NULL,
	"shown_at" timestamp(3) with time zone NOT NULL,
	"entry_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "log_anchors" (
	"size" bigint PRIMARY KEY NOT NULL,
	"root" "bytea" NOT NULL,
	"transaction_id" text collate "C",
	"block_number" bigint,
	"at" timestamp(3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "log_checkpoints" (
	"size" bigint PRIMARY KEY NOT NULL,
	"root" "bytea" NOT NULL,
	"note" text NOT NULL,
	"at" timestamp(3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "log_head" (
	"id" integer PRIMARY KEY NOT NULL,
	"size" bigint NOT NULL,
	"root" "bytea" NOT NULL,
	"range" "bytea" NOT NULL,
	"at" timestamp(3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "log_leaves" (
	"index" bigint PRIMARY KEY NOT NULL,
	"entry_id" uuid NOT NULL,
	"commitment" "bytea" NOT NULL,
	"leaf_hash" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "measurements" (
	"id" uuid PRIMARY KEY NOT NULL,
	"assessment_id" uuid NOT NULL,
	"case_id" uuid NOT NULL,
	"instrument" text collate "C" NOT NULL,
	"instrument_version" text collate "C" NOT NULL,
	"answers" jsonb NOT NULL,
	"total" text collate "C",
	"alerts" jsonb NOT NULL,
	"stated_total" text collate "C",
	"measured_at" timestamp(3) with time zone NOT NULL,
	"entry_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "operation_settled_cache" (
	"operation_id" text collate "C" PRIMARY KEY NOT NULL,
	"at" timestamp(3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "operations" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"person_id" uuid NOT NULL,
	"action" text collate "C" NOT NULL,
	"input_digest" text collate "C" NOT NULL,
	"workflow_id" text collate "C",
	"update_name" text collate "C",
	"update_args" text collate "C",
	"answer" jsonb NOT NULL,
	"at" timestamp(3) with time zone NOT NULL,
	"entry_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "passkey_challenge_cache" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"challenge" text collate "C" NOT NULL,
	"person_id" uuid,
	"ends_at" timestamp(3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "passkey_session" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"person_id" uuid NOT NULL,
	"public_key" "bytea" NOT NULL,
	"counter" bigint NOT NULL,
	"transports" jsonb NOT NULL,
	"created_at" timestamp(3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "persons" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"organisation" text collate "C",
	"birth_date" date,
	"sex" text collate "C",
	"language" text collate "C",
	"added_at" timestamp(3) with time zone NOT NULL,
	"entry_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "plans" (
	"id" uuid PRIMARY KEY NOT NULL,
	"case_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"status" text collate "C" NOT NULL,
	"goals" jsonb NOT NULL,
	"sessions" jsonb NOT NULL,
	"sessions_left" jsonb NOT NULL,
	"minutes" integer NOT NULL,
	"proposed_by" uuid NOT NULL,
	"proposed_at" timestamp(3) with time zone NOT NULL,
	"entry_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "refusals" (
	"id" uuid PRIMARY KEY NOT NULL,
	"person_id" uuid NOT NULL,
	"role" text collate "C" NOT NULL,
	"action" text collate "C" NOT NULL,
	"code" text collate "C" NOT NULL,
	"case_id" uuid,
	"task_id" uuid,
	"refused_at" timestamp(3) with time zone NOT NULL,
	"entry_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "role_assignments" (
	"id" uuid PRIMARY KEY NOT NULL,
	"person_id" uuid NOT NULL,
	"role" text collate "C" NOT NULL,
	"disciplines" jsonb NOT NULL,
	"lead" boolean NOT NULL,
	"assigned_at" timestamp(3) with time zone NOT NULL,
	"ended_at" timestamp(3) with time zone,
	"entry_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "task_draft" (
	"task_id" uuid NOT NULL,
	"person_id" uuid NOT NULL,
	"sealed" "bytea" NOT NULL,
	"saved_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "task_draft_task_id_person_id_pk" PRIMARY KEY("task_id","person_id")
);
--> statement-breakpoint
CREATE TABLE "tasks" (
	"id" uuid PRIMARY KEY NOT NULL,
	"case_id" uuid NOT NULL,
	"kind" text collate "C" NOT NULL,
	"discipline" text collate "C",
	"status" text collate "C" NOT NULL,
	"due_at" timestamp(3) with time zone,
	"opened_at" timestamp(3) with time zone NOT NULL,
	"closed_at" timestamp(3) with time zone,
	"claim_number" integer NOT NULL,
	"claimed_by" uuid,
	"claimed_at" timestamp(3) with time zone,
	"claimed_until" timestamp(3) with time zone,
	"done_by" uuid,
	"entry_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "therapy_sessions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"case_id" uuid NOT NULL,
	"discipline" text collate "C" NOT NULL,
	"held" boolean NOT NULL,
	"minutes" integer NOT NULL,
	"note" text,
	"therapist_id" uuid NOT NULL,
	"recorded_at" timestamp(3) with time zone NOT NULL,
	"entry_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "web_session" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"person_id" uuid NOT NULL,
	"role" text collate "C" NOT NULL,
	"created_at" timestamp(3) with time zone NOT NULL,
	"seen_at" timestamp(3) with time zone NOT NULL,
	"ends_at" timestamp(3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE INDEX "applications_case" ON "applications" USING btree ("case_id");--> statement-breakpoint
CREATE UNIQUE INDEX "applications_source" ON "applications" USING btree ("source_digest") WHERE source_digest is not null;--> statement-breakpoint
CREATE INDEX "assessments_case" ON "assessments" USING btree ("case_id","assessed_at");--> statement-breakpoint
CREATE UNIQUE INDEX "audit_entries_subject" ON "audit_entries" USING btree ("subject_kind","subject_id","subject_version");--> statement-breakpoint
CREATE INDEX "audit_entries_xact" ON "audit_entries" USING btree ("xact");--> statement-breakpoint
CREATE INDEX "audit_entries_at" ON "audit_entries" USING btree ("at");--> statement-breakpoint
CREATE UNIQUE INDEX "case_relations_once" ON "case_relations" USING btree ("case_id","person_id","relation");--> statement-breakpoint
CREATE INDEX "case_relations_person" ON "case_relations" USING btree ("person_id");--> statement-breakpoint
CREATE UNIQUE INDEX "cases_number" ON "cases" USING btree ("number");--> statement-breakpoint
CREATE INDEX "cases_state" ON "cases" USING btree ("state","changed_at");--> statement-breakpoint
CREATE INDEX "cases_patient" ON "cases" USING btree ("patient_id");--> statement-breakpoint
CREATE INDEX "cases_opened" ON "cases" USING btree ("opened_at","id");--> statement-breakpoint
CREATE INDEX "clocks_case" ON "clocks" USING btree ("case_id");--> statement-breakpoint
CREATE INDEX "clocks_running" ON "clocks" USING btree ("due_at") WHERE stopped_at is null;--> statement-breakpoint
CREATE INDEX "decisions_case" ON "decisions" USING btree ("case_id","decided_at");--> statement-breakpoint
CREATE INDEX "disclosures_case" ON "disclosures" USING btree ("case_id","shown_at");--> statement-breakpoint
CREATE INDEX "disclosures_person" ON "disclosures" USING btree ("person_id","view","shown_at");--> statement-breakpoint
CREATE UNIQUE INDEX "log_leaves_entry" ON "log_leaves" USING btree ("entry_id");--> statement-breakpoint
CREATE INDEX "measurements_case" ON "measurements" USING btree ("case_id","instrument","measured_at");--> statement-breakpoint
CREATE INDEX "operations_workflow" ON "operations" USING btree ("workflow_id");--> statement-breakpoint
CREATE INDEX "passkey_session_person" ON "passkey_session" USING btree ("person_id");--> statement-breakpoint
CREATE UNIQUE INDEX "plans_number" ON "plans" USING btree ("case_id","number");--> statement-breakpoint
CREATE INDEX "refusals_person" ON "refusals" USING btree ("person_id","refused_at");--> statement-breakpoint
CREATE INDEX "refusals_case" ON "refusals" USING btree ("case_id");--> statement-breakpoint
CREATE UNIQUE INDEX "role_assignments_current" ON "role_assignments" USING btree ("person_id","role") WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX "tasks_queue" ON "tasks" USING btree ("kind","due_at","id") WHERE status = 'open';--> statement-breakpoint
CREATE INDEX "tasks_case" ON "tasks" USING btree ("case_id","opened_at");--> statement-breakpoint
CREATE INDEX "tasks_holder" ON "tasks" USING btree ("claimed_by") WHERE status = 'open';--> statement-breakpoint
CREATE INDEX "therapy_sessions_case" ON "therapy_sessions" USING btree ("case_id","recorded_at");--> statement-breakpoint
CREATE INDEX "web_session_person" ON "web_session" USING btree ("person_id");