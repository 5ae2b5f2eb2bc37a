CREATE TABLE "log_tiles" (
	"level" integer NOT NULL,
	"index" bigint NOT NULL,
	"hashes" "bytea" NOT NULL,
	"root" "bytea" NOT NULL,
	CONSTRAINT "log_tiles_level_index_pk" PRIMARY KEY("level","index")
);
--> statement-breakpoint
GRANT SELECT ON log_tiles TO rehab_web, rehab_worker, rehab_ledger, rehab_verify;
--> statement-breakpoint
GRANT INSERT ON log_tiles TO rehab_ledger;
