DROP INDEX "tasks_queue";--> statement-breakpoint
CREATE INDEX "decisions_duties" ON "decisions" USING btree ("decided_by","case_id") WHERE duty is not null;--> statement-breakpoint
CREATE INDEX "tasks_queue" ON "tasks" USING btree ("kind","due_at","opened_at","id") WHERE status = 'open';