CREATE TABLE "outside_changes" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "outside_changes_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"at" timestamp(3) with time zone NOT NULL,
	"size" bigint NOT NULL,
	"session_role" text collate "C" NOT NULL,
	"acting_role" text collate "C" NOT NULL,
	"table_name" text collate "C" NOT NULL,
	"row_key" text collate "C",
	"verb" text collate "C" NOT NULL,
	"columns" text[] NOT NULL
);
--> statement-breakpoint
CREATE TABLE "row_pass_cache" (
	"table_name" text collate "C" NOT NULL,
	"first_key" text collate "C" NOT NULL,
	"last_key" text collate "C" NOT NULL,
	"size" bigint NOT NULL,
	"note" text NOT NULL,
	CONSTRAINT "row_pass_cache_table_name_first_key_pk" PRIMARY KEY("table_name","first_key")
);

--> statement-breakpoint
-- What anybody but the processes' own roles does to a table that is recorded, derived or the ledger's is written down: its
-- place, never its values. db/guards.ts puts the triggers on every such table, and verify compares them with what it says.
-- The owner can switch them off, as ADR 0004 says of the others; verify tells when they are off.
CREATE FUNCTION note_outside_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before jsonb;
  after jsonb;
  place text;
  changed text[] := '{}';
BEGIN
  IF TG_OP IN ('UPDATE', 'DELETE') THEN before := to_jsonb(OLD); END IF;
  IF TG_OP IN ('INSERT', 'UPDATE') THEN after := to_jsonb(NEW); END IF;
  IF TG_LEVEL = 'ROW' THEN
    -- The row as it was known before, named by its key's columns.
    SELECT string_agg(coalesce(before, after) ->> TG_ARGV[n], ' ' ORDER BY n) INTO place FROM generate_series(0, TG_NARGS - 1) n;
  END IF;
  IF TG_OP = 'UPDATE' THEN
    SELECT coalesce(array_agg(name ORDER BY name), '{}') INTO changed
    FROM jsonb_each(after) AS a (name, value) WHERE a.value IS DISTINCT FROM before -> a.name;
  END IF;
  INSERT INTO public.outside_changes (at, size, session_role, acting_role, table_name, row_key, verb, columns)
  VALUES (clock_timestamp(), coalesce((SELECT h.size FROM public.log_head h WHERE h.id = 1), 0), session_user, current_user, TG_TABLE_NAME, place, TG_OP, changed);
  RETURN NULL;
END $$;
--> statement-breakpoint
CREATE FUNCTION keep_outside_changes() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'outside changes are only added to' USING ERRCODE = 'insufficient_privilege';
END $$;
--> statement-breakpoint
GRANT SELECT ON outside_changes, row_pass_cache TO rehab_web, rehab_worker, rehab_ledger, rehab_verify;
