// Station 1, reads for screens: where the log stands, and the state of an entry in the log's own words.
import { inArray, sql } from 'drizzle-orm';
import type { Organisation } from '../../domain/consortium.ts';
import { type AuditEvent, STATION_EVENTS } from '../../domain/events.ts';
import { SERVICE } from '../../domain/roles.ts';
import type { Database } from '../connection.ts';
import { logCheckpoints } from '../schema.ts';

/** A checkpoint that members stand behind, and how many of them. */
export interface Cosigned {
  readonly size: number;
  readonly count: number;
}

/** Where the log stands: its newest checkpoint, the newest that the chain has accepted, the newest that two members cosigned. */
export interface LogState {
  readonly size: number;
  readonly anchored: number | undefined;
  readonly cosigned: Cosigned | undefined;
}

/** One statement: every page's footer asks. One organisation alone can cosign what it likes, so two are the least that count. */
export async function newestCheckpoint(db: Database): Promise<LogState> {
  const [row] = await db.execute<{
    size: number | null;
    anchored: number | null;
    cosigned: Cosigned | null;
  }>(sql`
    select
      (select size from log_head) as size,
      (select size from log_anchors order by size desc limit 1) as anchored,
      (select json_build_object('size', c.size, 'count', c.count) from (
        select size, count(*)::int as count from log_cosignature_cache
        group by size having count(*) >= 2 order by size desc limit 1) c) as cosigned`);
  return {
    size: Number(row?.size ?? 0),
    anchored: row?.anchored === null || row?.anchored === undefined ? undefined : Number(row.anchored),
    cosigned: row?.cosigned ?? undefined,
  };
}

/** A checkpoint with who cosigned it and when. Roots are hexadecimal. */
export interface CosignedCheckpoint {
  readonly size: number;
  readonly root: string;
  /** When the chain accepted it, or one beyond it; null until then. */
  readonly anchoredAt: string | null;
  readonly by: Readonly<Partial<Record<Organisation, string>>>;
}

type RawCosigned = { size: string; root: string; anchored: string | null; by: Record<string, string> | null };

/** The newest checkpoint, cosigned or not, and the newest ones that anybody has cosigned; newest first. */
export async function cosignedCheckpoints(db: Database, limit: number): Promise<CosignedCheckpoint[]> {
  const rows = await db.execute<RawCosigned>(sql`
    with wanted as (
      (select size from log_checkpoints order by size desc limit 1)
      union
      (select size from log_cosignature_cache group by size order by size desc limit ${limit})
    )
    select k.size, encode(k.root, 'hex') as root,
      (select to_char(a.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') from log_anchors a where a.size >= k.size order by a.size limit 1) as anchored,
      (select json_object_agg(c.organisation, to_char(c.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) from log_cosignature_cache c where c.size = k.size) as by
    from wanted w join log_checkpoints k on k.size = w.size
    order by k.size desc`);
  return [...rows].map(({ size, root, anchored, by }) => ({
    size: Number(size),
    root,
    anchoredAt: anchored,
    by: by ?? {},
  }));
}

/** Roots of our own checkpoints at these sizes, hexadecimal; sizes without a checkpoint are left out. */
export async function rootsAt(db: Database, sizes: readonly number[]): Promise<Map<number, string>> {
  if (sizes.length === 0) return new Map();
  const rows = await db
    .select({ size: logCheckpoints.size, root: sql<string>`encode(${logCheckpoints.root}, 'hex')` })
    .from(logCheckpoints)
    .where(inArray(logCheckpoints.size, [...sizes]));
  return new Map(rows.map(({ size, root }) => [size, root]));
}

/** Whether an entry, `e`, has no place yet; looked for among the newest alone. */
const pendingEntries = sql`e.xact >= coalesce((select a.xact from log_leaves l join audit_entries a on a.id = l.entry_id order by l.index desc offset 5000 limit 1), '0'::xid8) and not exists (select 1 from log_leaves l where l.entry_id = e.id)`;

/**
 * What waits longest: the entry that has no place in the log, and the first place that the chain has not accepted. Null where
 * nothing waits. While one of them stays the same, nobody sequences or anchors.
 */
export async function waitingLongest(
  db: Database,
): Promise<{ pending: string | null; unanchored: number | null }> {
  const [row] = await db.execute<{ pending: string | null; unanchored: string | null }>(sql`
    select
      (select e.id from audit_entries e where ${pendingEntries} order by e.xact, e.id limit 1) as pending,
      (select a.size from log_head h, (select coalesce(max(size), 0) as size from log_anchors) a where h.size > a.size) as unanchored`);
  return {
    pending: row?.pending ?? null,
    unanchored: row?.unanchored === null || row?.unanchored === undefined ? null : Number(row.unanchored),
  };
}

/** A stop of a station as it was recorded: the answer of its act. `of`: whose witness. */
export interface RecordedStop {
  readonly event: AuditEvent;
  readonly of: Organisation | null;
  readonly since: string;
  readonly mark: string;
}

/** Of each station the newest stop or end of one; their subject is the service, by which they are found without reading the others. */
export async function newestStops(db: Database): Promise<RecordedStop[]> {
  const rows = await db.execute<{ event: AuditEvent; answer: Omit<RecordedStop, 'event'> }>(sql`
    select distinct on (split_part(e.event, '.', 1), o.answer->>'of') e.event, o.answer
    from audit_entries e join operations o on o.entry_id = e.id
    where e.subject_kind = 'person' and e.subject_id = ${SERVICE.person}::uuid and e.event in (${sql.join(
      STATION_EVENTS.map((event) => sql`${event}`),
      sql`, `,
    )})
    order by split_part(e.event, '.', 1), o.answer->>'of', e.xact desc`);
  return [...rows].map(({ event, answer: { of, since, mark } }) => ({ event, of, since, mark }));
}

/** Entries that have no place in the log yet, and those the chain has not accepted; with the age of the oldest. */
export async function logBacklog(
  db: Database,
): Promise<{ pending: number; unanchored: number; oldestAt: string | null }> {
  const [row] = await db.execute<{ pending: number; unanchored: number; oldest: string | null }>(sql`
    with anchored as (select coalesce(max(size), 0) as size from log_anchors)
    select
      (select count(*)::int from audit_entries e where ${pendingEntries}) as pending,
      (select h.size - a.size from log_head h, anchored a)::int as unanchored,
      (select to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') from log_leaves l join audit_entries e on e.id = l.entry_id, anchored a where l.index = a.size) as oldest`);
  return { pending: row?.pending ?? 0, unanchored: row?.unanchored ?? 0, oldestAt: row?.oldest ?? null };
}
