-- What the ledger's tables say beside the log is either signed or can be computed again. Existing rows are brought along with
-- the notes of outside changes off; db/guards.ts has them on again before anybody else is let in.
ALTER TABLE log_checkpoints DISABLE TRIGGER USER;--> statement-breakpoint
ALTER TABLE log_anchors DISABLE TRIGGER USER;--> statement-breakpoint
DROP TABLE row_pass_cache;--> statement-breakpoint
-- The anchor tells its newest size again at its next start, signed this time.
DELETE FROM log_anchors;--> statement-breakpoint
ALTER TABLE "outside_changes" ALTER COLUMN "id" DROP IDENTITY;--> statement-breakpoint
ALTER TABLE "log_anchors" ADD COLUMN "note" text NOT NULL;--> statement-breakpoint
ALTER TABLE "log_checkpoints" ADD COLUMN "previous" bigint;--> statement-breakpoint
UPDATE log_checkpoints c SET previous = coalesce((SELECT max(p.size) FROM log_checkpoints p WHERE p.size < c.size), 0);--> statement-breakpoint
ALTER TABLE "log_checkpoints" ALTER COLUMN "previous" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "log_anchors" DROP COLUMN "transaction_id";--> statement-breakpoint
ALTER TABLE "log_anchors" DROP COLUMN "block_number";--> statement-breakpoint
ALTER TABLE "log_checkpoints" DROP COLUMN "at";--> statement-breakpoint
ALTER TABLE "log_head" DROP COLUMN "at";--> statement-breakpoint
ALTER TABLE log_checkpoints ENABLE TRIGGER USER;--> statement-breakpoint
ALTER TABLE log_anchors ENABLE TRIGGER USER;--> statement-breakpoint
-- Numbered without gaps, one at a time: one that is taken away is missed. Nobody of ours comes here, so nobody waits.
CREATE OR REPLACE FUNCTION note_outside_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
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
  LOCK TABLE public.outside_changes IN SHARE ROW EXCLUSIVE MODE;
  INSERT INTO public.outside_changes (id, at, size, session_role, acting_role, table_name, row_key, verb, columns)
  VALUES (coalesce((SELECT max(o.id) FROM public.outside_changes o), 0) + 1, clock_timestamp(),
    coalesce((SELECT h.size FROM public.log_head h WHERE h.id = 1), 0), session_user, current_user, TG_TABLE_NAME, place, TG_OP, changed);
  RETURN NULL;
END $$;
