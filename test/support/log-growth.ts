// Test support: a log that grows, for tests of what is published of it. The entries are nobody's and say nothing; only their place
// in the tree matters.
import type postgres from 'postgres';
import type { Sequencer } from '../../ledger/sequencer.ts';

/** Adds entries of nobody under a role that may, and sequences them. */
export async function growLog(sql: postgres.Sql, sequencer: Sequencer, count: number): Promise<void> {
  await sql`
    insert into audit_entries (id, subject_kind, subject_id, subject_version, event, person_id, at, body, signature, key_id)
    select gen_random_uuid(), 'test', gen_random_uuid(), 1, 'verification.run', gen_random_uuid(), now(),
      convert_to(gen_random_uuid()::text, 'UTF8'), '\\x00', 'test' from generate_series(1, ${count})`;
  while ((await sequencer.once()).taken > 0);
}
