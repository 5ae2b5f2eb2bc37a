DROP INDEX "operations_workflow";--> statement-breakpoint
CREATE INDEX "operations_workflow" ON "operations" USING btree ("workflow_id") WHERE workflow_id is not null;--> statement-breakpoint
-- Bodies and sealed arguments are digests and ciphertext: to try to compress each, and to move what does not shrink into a second
-- table with an index of its own, cost up to a third of a write. They stay in their row, up to a page.
ALTER TABLE audit_entries SET (toast_tuple_target = 8160);
--> statement-breakpoint
ALTER TABLE operations SET (toast_tuple_target = 8160);
