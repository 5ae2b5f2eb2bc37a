// Station 1, web: which recorded fields are opened to whom, on the trail's pages and in evidence. One table for both, so that a file
// never says more than a page. Judges fields alone; who may see a case at all is judged at its door.

/** Columns that say how a case goes and nothing about a person's health; readers without clinical rights see these. */
const PLAIN_COLUMNS: Readonly<Record<string, readonly string[]>> = {
  cases: [
    'id',
    'number',
    'state',
    'stage',
    'outcome',
    'round',
    'opened_at',
    'changed_at',
    'parameters_version',
  ],
  tasks: [
    'id',
    'case_id',
    'kind',
    'discipline',
    'status',
    'due_at',
    'opened_at',
    'closed_at',
    'claim_number',
    'claimed_by',
    'claimed_at',
    'claimed_until',
    'done_by',
  ],
  clocks: [
    'id',
    'case_id',
    'clock',
    'started_at',
    'due_at',
    'paused_at',
    'paused_ms',
    'stopped_at',
    'lapsed_at',
  ],
  decisions: [
    'id',
    'case_id',
    'task_id',
    'action',
    'choice',
    'duty',
    'state_before',
    'state_after',
    'round',
    'decided_by',
    'role',
    'decided_at',
  ],
  case_relations: ['id', 'case_id', 'relation', 'since'],
};
/** Sealed requests and stored answers: shown to nobody here, whatever the role. */
const HIDDEN_TABLES: ReadonlySet<string> = new Set(['operations']);

/** Sealed texts: they are shown opened, in their own place, or not at all. */
const HIDDEN_COLUMNS: ReadonlySet<string> = new Set(['statements.sealed']);

/** Whether readers without clinical rights may see the field. */
export const opensPlainly = (table: string, column: string): boolean =>
  PLAIN_COLUMNS[table]?.includes(column) ?? false;

/** Whether readers with clinical rights may see the table's fields. */
export const opensToCare = (table: string, column?: string): boolean =>
  !HIDDEN_TABLES.has(table) && !(column && HIDDEN_COLUMNS.has(`${table}.${column}`));
