// Station 4, the two statements of `recorded()`: their text, one per shape so that the server plans each once, and what
// many acts hand to them. Builds text and JSON only; never runs a statement and never decides.
//
// Rows go over as JSON, so that a text is the same for one act and for fifty. Two things keep plans right while tables
// grow: rows to lock or to update are looked up one by one through their index (the lateral and scalar subqueries),
// never by a join that a plan made on a small table could turn into a reading of all of it; and LIMIT, by whose
// parameter the planner expects a handful of rows and not the hundred it expects of JSON.
import { type Fragment, tableShape } from '../db/change.ts';
import type { RecordedName } from '../db/schema.ts';

/** One act's question before the rules: its key, its subject, its person, and the parameters of its facts. */
export interface Reading {
  readonly key: string;
  readonly kind: string;
  readonly id: string;
  readonly person: string;
  readonly facts: Fragment;
}

/**
 * Columns of an act in a reading; the facts' parameters follow as `act_1`… Named so that no fragment has a table or an
 * alias of that name: Postgres takes a bare name for a column of the outer query before it takes it for a whole row.
 */
const READING = ['act_key text', 'act_kind text', 'act_subject uuid', 'act_person uuid'];

/** The reading statement for one text of facts: operation, subject, person and facts of every act, one snapshot. */
export function readingText(facts: Fragment): string {
  const columns = ['act_o int', ...READING, ...facts.params.map((_, i) => `act_${i + 1} text`)];
  return `SELECT act.act_o AS o,
    (SELECT json_build_object('input_digest', o.input_digest, 'person', o.person_id, 'action', o.action, 'answer', o.answer) FROM operations o WHERE o.id = act.act_key) AS operation,
    (SELECT json_build_object('version', s.version, 'last', encode(s.last, 'hex')) FROM audit_subjects s WHERE s.kind = act.act_kind AND s.id = act.act_subject) AS subject,
    (SELECT json_build_object('version', p.version, 'last', encode(p.last, 'hex')) FROM audit_subjects p WHERE p.kind = 'person' AND p.id = act.act_person) AS person,
    (${placed(facts.text, 'act_')}) AS facts
    FROM json_to_recordset($1::json) AS act(${columns.join(', ')})`;
}

/** The statement's parameter. */
export const readingJson = (acts: readonly Reading[]): string =>
  JSON.stringify(
    acts.map(({ key, kind, id, person, facts }, o) => ({
      act_o: o,
      act_key: key,
      act_kind: kind,
      act_subject: id,
      act_person: person,
      ...named('act_', facts.params),
    })),
  );

/** Rows of one table that are written one way, as JSON objects in text without their brackets. */
export interface TableWrite {
  readonly table: RecordedName;
  readonly write: 'insert' | 'update';
}

/** What makes two acts fit into one statement. */
export interface WritingShape {
  /** Whether the subject is written about for the first time. */
  readonly first: boolean;
  readonly writes: readonly TableWrite[];
  readonly guards: readonly Fragment[];
}

/** Name of a shape: equal for acts that fit together. */
export const shapeName = ({ first, writes, guards }: WritingShape): string =>
  [
    first ? 'first' : 'next',
    ...writes.map(({ table, write }) => `${write} ${table}`),
    ...guards.map(({ text, params }) => `${text} ${params.length}`),
  ].join('\n');

/** The entry as it is stored, and what stands for its subject. */
export interface StoredEntry {
  readonly kind: string;
  readonly id: string;
  readonly version: number;
  /** Hexadecimal. */
  readonly last: string;
  readonly entry: string;
  readonly event: string;
  readonly person: string;
  readonly at: string;
  /** The entry's bytes as the text they are. */
  readonly body: string;
  /** Hexadecimal. */
  readonly signature: string;
  readonly keyId: string;
}

const ENTRY = [
  'kind text',
  'id uuid',
  'version int',
  'last text',
  'entry uuid',
  'event text',
  'person uuid',
  'at timestamptz',
  'body text',
  'signature text',
  '"keyId" text',
];

/**
 * The writing statement of a shape. `s` is the acts whose subject still has the version that was read and whose guards
 * hold; everything else selects from it, so an act is written whole or not at all. Gives `o` of the acts written.
 * Parameters: the acts, their number, then for each table its rows and the number of them.
 */
export function writingText({ first, writes, guards }: WritingShape): string {
  const columns = [
    'o int',
    ...ENTRY,
    ...guards.flatMap(({ params }, g) => params.map((_, i) => `guard${g}_${i + 1} text`)),
  ];
  const acts = `acts AS MATERIALIZED (SELECT * FROM json_to_recordset($1::json) AS act(${columns.join(', ')}) LIMIT $2::int)`;
  const holds = guards.map(({ text }, g) => `(${placed(text, `guard${g}_`)})`);
  const chosen = first
    ? [
        `n AS (INSERT INTO audit_subjects (kind, id, version, last, entry_id)
          SELECT act.kind, act.id, act.version, decode(act.last, 'hex'), act.entry FROM acts act${holds.length > 0 ? ` WHERE ${holds.join(' AND ')}` : ''}
          ON CONFLICT DO NOTHING RETURNING entry_id)`,
        's AS (SELECT act.* FROM acts act JOIN n ON n.entry_id = act.entry)',
      ]
    : [
        // The lock: whoever comes second finds another version, or waits here and then finds it.
        `l AS MATERIALIZED (SELECT act.*, x.place FROM acts act CROSS JOIN LATERAL (
          SELECT a.ctid AS place FROM audit_subjects a WHERE a.kind = act.kind AND a.id = act.id AND a.version = act.version - 1 FOR UPDATE) x${holds.length > 0 ? `\n          WHERE ${holds.join(' AND ')}` : ''})`,
        `s AS (UPDATE audit_subjects a SET version = l.version, last = decode(l.last, 'hex'), entry_id = l.entry
          FROM l WHERE a.ctid = l.place RETURNING l.*)`,
      ];
  const entries = `e AS (INSERT INTO audit_entries (id, subject_kind, subject_id, subject_version, event, person_id, at, body, signature, key_id)
    SELECT s.entry, s.kind, s.id, s.version, s.event, s.person, s.at, convert_to(s.body, 'UTF8'), decode(s.signature, 'hex'), s."keyId" FROM s)`;
  return `WITH ${[acts, ...chosen, entries, ...writes.map(rowsText)].join(',\n')}\nSELECT s.o FROM s`;
}

function rowsText({ table, write }: TableWrite, i: number): string {
  const shape = tableShape(table);
  const columns = shape.columns.map(({ name, type }) => `"${name}" ${type}`).join(', ');
  const rows = `(SELECT * FROM json_to_recordset($${3 + 2 * i}::json) AS given(o int, ${columns}) LIMIT $${4 + 2 * i}::int) r JOIN s ON s.o = r.o`;
  if (write === 'insert') {
    const names = shape.columns.map(({ name }) => `"${name}"`);
    return `w${i} AS (INSERT INTO ${shape.name} (${names.join(', ')}, entry_id) SELECT ${names.map((name) => `r.${name}`).join(', ')}, s.entry FROM ${rows})`;
  }
  const changed = shape.columns
    .filter(({ name }) => name !== 'id')
    .map(({ name }) => `"${name}" = q."${name}"`);
  return `w${i} AS (UPDATE ${shape.name} t SET ${changed.join(', ')}, entry_id = q.entry
    FROM (SELECT r.*, s.entry, (SELECT x.ctid FROM ${shape.name} x WHERE x.id = r.id) AS place FROM ${rows} OFFSET 0) q WHERE t.ctid = q.place)`;
}

/** One act, ready to be written with others of its shape. */
export interface Writing {
  readonly shape: WritingShape;
  readonly entry: StoredEntry;
  /** For each of the shape's writes the rows, as the insides of JSON objects. */
  readonly rows: readonly (readonly string[])[];
}

/** The statement's parameters for acts of one shape. */
export function writingParameters(acts: readonly Writing[]): (string | number)[] {
  const first = JSON.stringify(
    acts.map(({ entry, shape }, o) => ({
      o,
      ...entry,
      ...Object.assign({}, ...shape.guards.map(({ params }, g) => named(`guard${g}_`, params))),
    })),
  );
  const parameters: (string | number)[] = [first, acts.length];
  const tables = acts[0]?.shape.writes.length ?? 0;
  for (let i = 0; i < tables; i++) {
    const rows = acts.flatMap((act, o) => (act.rows[i] ?? []).map((row) => `{"o":${o},${row}}`));
    parameters.push(`[${rows.join()}]`, rows.length);
  }
  return parameters;
}

/** `$1` of a fragment becomes the act's own column. */
const placed = (text: string, prefix: string): string =>
  text.replace(/\$(\d+)/g, (_, n: string) => `act.${prefix}${n}`);

/** A fragment's parameters as columns of the act. They are read as text and cast by the fragment itself. */
function named(prefix: string, params: readonly unknown[]): Record<string, string | null> {
  return Object.fromEntries(
    params.map((param, i) => {
      if (param !== null && typeof param === 'object')
        throw new Error('parameter of a fragment must be a text, a number, a truth value or null');
      return [`${prefix}${i + 1}`, param === null || param === undefined ? null : String(param)];
    }),
  );
}
