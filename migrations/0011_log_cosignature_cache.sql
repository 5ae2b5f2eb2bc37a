CREATE TABLE "log_cosignature_cache" (
	"size" bigint NOT NULL,
	"organisation" text collate "C" NOT NULL,
	"line" text NOT NULL,
	"at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "log_cosignature_cache_size_organisation_pk" PRIMARY KEY("size","organisation")
);
--> statement-breakpoint
GRANT SELECT ON log_cosignature_cache TO rehab_web, rehab_ledger, rehab_verify;
--> statement-breakpoint
GRANT INSERT ON log_cosignature_cache TO rehab_ledger;
