// Station 1, reads for screens: audit entries with how far each has come in the log, and the rows they vouch for.
// Prints the state that is stored, no better one. Reads only; who may see values is judged by the caller.
import { sql } from 'drizzle-orm';
import type { AcknowledgementReason } from '../../domain/alerts.ts';
import { ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import type { AuditEvent } from '../../domain/events.ts';
import type { Discipline, Role } from '../../domain/roles.ts';
import { tableShape } from '../change.ts';
import type { Database } from '../connection.ts';
import { RECORDED, type RecordedName } from '../schema.ts';

export interface EntryRow {
  readonly id: string;
  readonly subject: {
    readonly kind: string;
    readonly id: string;
    readonly version: number;
    /** A case's number; null for a person, and where the row is missing. */
    readonly number: string | null;
  };
  readonly event: AuditEvent;
  readonly at: string;
  readonly by: {
    readonly id: string;
    readonly name: string | null;
    readonly organisation: Organisation | null;
  };
  /** Canonical bytes, as signed. */
  readonly body: Uint8Array;
  readonly keyId: string;
  /** Its leaf in the log; null while pending. */
  readonly leaf: {
    readonly index: number;
    readonly hash: Uint8Array;
    readonly commitment: Uint8Array;
  } | null;
  /** Size of the first checkpoint that covers it. */
  readonly checkpoint: number | null;
  /** Size of the first checkpoint the chain accepted that covers it; null until then. */
  readonly anchor: { readonly size: number; readonly at: string } | null;
  /** The person who acted has signed it themselves. */
  readonly signed: boolean;
  /** How many members have cosigned a checkpoint that covers it. */
  readonly cosigned: number;
  readonly decision: {
    readonly action: string;
    readonly choice: string | null;
    readonly reasons: string | null;
    readonly details: Readonly<Record<string, unknown>> | null;
    readonly role: Role | 'service';
    readonly discipline: Discipline | null;
  } | null;
  /** Whose witness stopped or goes on, when the entry says so. */
  readonly witness: Organisation | null;
  /** What was done about a safety alert, when the entry says so. */
  readonly acknowledgement: { readonly reason: AcknowledgementReason; readonly note: string | null } | null;
}

/** Where a list of entries begins and what it holds. */
export interface EntryFilter {
  readonly subject?: { readonly kind: 'case' | 'person'; readonly id: string };
  readonly event?: AuditEvent;
  /** ISO instants; `from` included, `until` not. */
  readonly from?: string;
  readonly until?: string;
  /** Only entries before this place: version for one subject, else instant and id. */
  readonly beforeVersion?: number;
  readonly before?: { readonly at: string; readonly id: string };
}

type Raw = {
  id: string;
  subject_kind: string;
  subject_id: string;
  subject_version: number;
  number: string | null;
  event: string;
  at: string;
  person_id: string;
  name: string | null;
  organisation: string | null;
  body: Uint8Array;
  key_id: string;
  index: string | null;
  leaf_hash: Uint8Array | null;
  commitment: Uint8Array | null;
  checkpoint: string | null;
  anchor: { size: number; at: string } | null;
  cosigned: number;
  signed: boolean;
  decision: EntryRow['decision'];
  witness: Organisation | null;
  acknowledgement: EntryRow['acknowledgement'];
};

/** Entries, newest first; of one subject by its versions, else by time. */
export async function entriesOf(db: Database, filter: EntryFilter, limit: number): Promise<EntryRow[]> {
  const { subject, event, from, until, beforeVersion, before } = filter;
  const rows = await db.execute<Raw>(sql`
    with e as (
      select * from audit_entries e
      where true
      ${subject ? sql`and e.subject_kind = ${subject.kind} and e.subject_id = ${subject.id}::uuid` : sql``}
      ${event ? sql`and e.event = ${event}` : sql``}
      ${from ? sql`and e.at >= ${from}::timestamptz` : sql``}
      ${until ? sql`and e.at < ${until}::timestamptz` : sql``}
      ${beforeVersion === undefined ? sql`` : sql`and e.subject_version < ${beforeVersion}`}
      ${before ? sql`and (e.at, e.id) < (${before.at}::timestamptz, ${before.id}::uuid)` : sql``}
      order by ${subject ? sql`e.subject_version desc` : sql`e.at desc, e.id desc`}
      limit ${limit}
    ),
    w as (
      select (select c.size from log_cosignature_cache c where c.organisation = o.name order by c.size desc limit 1) as size
      from unnest(${sql.param([...ORGANISATIONS])}::text[]) as o (name)
    )
    select e.id, e.subject_kind, e.subject_id, e.subject_version, about.number, e.event, e.at, e.person_id, p.name, p.organisation,
      e.body, e.key_id, l.index, l.leaf_hash, l.commitment,
      (select min(k.size) from log_checkpoints k where k.size > l.index) as checkpoint,
      (select json_build_object('size', a.size, 'at', a.at) from log_anchors a where a.size > l.index order by a.size limit 1) as anchor,
      (select count(*)::int from w where w.size > l.index) as cosigned,
      exists (select 1 from statements s where s.entry_id = e.id) as signed,
      (select json_build_object('action', d.action, 'choice', d.choice, 'reasons', d.reasons, 'details', d.details, 'role', d.role, 'discipline', t.discipline)
        from decisions d left join tasks t on t.id = d.task_id
        where d.entry_id = e.id and d.case_id = e.subject_id limit 1) as decision,
      (select o.answer->>'of' from operations o where o.entry_id = e.id and e.event in ('witness.stopped', 'witness.resumed') limit 1) as witness,
      (select json_build_object('reason', a.reason, 'note', a.note) from alert_acknowledgements a
        where a.entry_id = e.id and a.case_id = e.subject_id limit 1) as acknowledgement
    from e
    left join persons p on p.id = e.person_id
    left join cases about on e.subject_kind = 'case' and about.id = e.subject_id
    left join log_leaves l on l.entry_id = e.id
    order by ${subject ? sql`e.subject_version desc` : sql`e.at desc, e.id desc`}`);
  return [...rows].map((row) => ({
    id: row.id,
    subject: {
      kind: row.subject_kind,
      id: row.subject_id,
      version: row.subject_version,
      number: row.number,
    },
    event: row.event as AuditEvent,
    at: new Date(row.at).toISOString(),
    by: { id: row.person_id, name: row.name, organisation: row.organisation as Organisation | null },
    body: row.body,
    keyId: row.key_id,
    leaf:
      row.index !== null && row.leaf_hash && row.commitment
        ? { index: Number(row.index), hash: row.leaf_hash, commitment: row.commitment }
        : null,
    checkpoint: row.checkpoint === null ? null : Number(row.checkpoint),
    anchor: row.anchor && { size: row.anchor.size, at: new Date(row.anchor.at).toISOString() },
    cosigned: row.cosigned,
    signed: row.signed,
    decision: row.decision,
    witness: row.witness,
    acknowledgement: row.acknowledgement,
  }));
}

/** How many entries a subject has. */
export async function entryCount(db: Database, kind: 'case' | 'person', id: string): Promise<number> {
  const [row] = await db.execute<{ count: number }>(
    sql`select count(*)::int as count from audit_entries where subject_kind = ${kind} and subject_id = ${id}::uuid`,
  );
  return row?.count ?? 0;
}

const byTable = new Map(
  (Object.keys(RECORDED) as RecordedName[]).map((name) => [tableShape(name).name, name]),
);

/** The shape of a recorded table by its SQL name, as entries spell it; undefined for a name that is none. */
export const recordedTable = (name: string) => {
  const known = byTable.get(name);
  return known && tableShape(known);
};

/** Rows of a recorded table as they are now, by key, as JSON with column names. */
export async function rowsNow(
  db: Database,
  table: string,
  keys: readonly string[],
): Promise<Map<string, Readonly<Record<string, unknown>>>> {
  const name = byTable.get(table);
  if (!name || keys.length === 0) return new Map();
  const found = await db.execute<{ key: string; row: Record<string, unknown> }>(
    sql`select t.id::text as key, to_jsonb(t) as row from ${RECORDED[name]} t where t.id::text in ${[...keys]}`,
  );
  return new Map([...found].map(({ key, row }) => [key, row]));
}
