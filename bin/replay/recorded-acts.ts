// Composition of replay, Postgres' side: each case as its row has it, and each act with the entry and the operation it left.
// Reads as `rehab_verify`, in one snapshot per reading, and trusts no column for what the entry's bytes say.
import { hash } from 'node:crypto';
import postgres from 'postgres';
import type { Answer } from '../../activities/act.ts';
import { caseIdOf, caseWorkflowId } from '../../domain/ids.ts';
import { canonicalJson, type JsonValue } from '../../ledger/canonical.ts';
import type { Entry } from '../../ledger/entry.ts';

export interface CaseRow {
  readonly state: string;
  readonly stage: string;
  readonly outcome: string | null;
}

/** One operation key of a workflow, as far as Postgres knows it. */
export interface RecordedAct {
  readonly key: string;
  /** The row of `operations`; absent when only an entry names the key. */
  readonly operation?: {
    readonly updateName: string;
    readonly answer: Answer;
    readonly entryId: string;
    /** What was asked, as `askedOf` says it; null for an act of the service itself. */
    readonly asked: string | null;
    /** The digest of its values under the case's key. */
    readonly inputDigest: string;
  };
  /** The entry that names the key; absent when only the row does. */
  readonly entry?: {
    readonly id: string;
    readonly event: string;
    readonly version: number;
    /** Id of the Update that it answers; empty for an act of the service itself. */
    readonly update: string;
    readonly run: string;
    readonly at: number;
    readonly person: string;
    readonly role: string;
  };
}

export interface RecordedCase {
  readonly row: CaseRow | undefined;
  readonly acts: readonly RecordedAct[];
}

export interface RecordedActs {
  /** Cases by id, and acts of workflows that have no case. */
  all(): Promise<Map<string, RecordedCase>>;
  one(caseId: string): Promise<RecordedCase>;
  /** Case ids for what a person typed: an id, or a case's number. */
  caseIds(asked: string): Promise<string | undefined>;
  close(): Promise<void>;
}

const PORTION = 500;

export function recordedActs(url: string): RecordedActs {
  const sql = postgres(url, {
    max: 1,
    connect_timeout: 10,
    onnotice: () => undefined,
    connection: {
      application_name: 'rehab-replay',
      statement_timeout: 600_000,
      idle_in_transaction_session_timeout: 0,
      TimeZone: 'UTC',
    } as Record<string, string | number>,
  });

  /** One snapshot; with a case id only what concerns it, wherever its entries are filed. */
  async function read(caseId?: string): Promise<Map<string, RecordedCase>> {
    return await sql.begin('isolation level repeatable read read only', async (tx) => {
      const found = new Map<string, { row: CaseRow | undefined; acts: Map<string, RecordedAct> }>();
      const of = (id: string) => {
        const known = found.get(id) ?? { row: undefined, acts: new Map<string, RecordedAct>() };
        found.set(id, known);
        return known;
      };
      const actsOf = (id: string, key: string, more: Partial<RecordedAct>): void => {
        const { acts } = of(id);
        acts.set(key, { ...acts.get(key), key, ...more });
      };
      const rows = tx<({ id: string } & CaseRow)[]>`
        select id, state, stage, outcome from cases ${caseId ? tx`where id = ${caseId}` : tx``}`;
      for await (const portion of rows.cursor(PORTION))
        for (const { id, state, stage, outcome } of portion) of(id).row = { state, stage, outcome };
      const operations = tx<
        {
          id: string;
          workflow_id: string;
          update_name: string | null;
          update_args: string | null;
          input_digest: string;
          answer: Answer;
          entry_id: string;
        }[]
      >`select id, workflow_id, update_name, update_args, input_digest, answer, entry_id from operations
        where ${caseId ? tx`workflow_id = ${caseWorkflowId(caseId)}` : tx`workflow_id is not null`}`;
      for await (const portion of operations.cursor(PORTION))
        for (const row of portion) {
          const kase = caseIdOf(row.workflow_id);
          if (!kase) continue;
          const operation = {
            updateName: row.update_name ?? '',
            answer: row.answer,
            entryId: row.entry_id,
            asked: row.update_args && askedOf(row.update_args),
            inputDigest: row.input_digest,
          };
          actsOf(kase, row.id, { operation });
        }
      // A refusal's entry is filed under the person, so a case's entries are found by the workflow that they name.
      const entries = tx<{ id: string; body: Uint8Array }[]>`
        select id, body from audit_entries
        where position(convert_to(${`"workflow":{"id":"${caseId ? caseWorkflowId(caseId) : ''}`}, 'UTF8') in body) > 0`;
      for await (const portion of entries.cursor(PORTION))
        for (const { id, body } of portion) {
          const entry = entryIn(body);
          const kase = entry?.workflow && caseIdOf(entry.workflow.id);
          if (!entry?.workflow || !kase || !entry.operation) continue;
          actsOf(kase, entry.operation, {
            entry: {
              id,
              event: entry.event,
              version: entry.subject.version,
              update: entry.workflow.update,
              run: entry.workflow.run,
              at: Date.parse(entry.at),
              person: entry.actor?.person,
              role: entry.actor?.role,
            },
          });
        }
      return new Map([...found].map(([id, { row, acts }]) => [id, { row, acts: [...acts.values()] }]));
    });
  }

  return {
    all: () => read(),
    one: async (caseId) => (await read(caseId)).get(caseId) ?? { row: undefined, acts: [] },
    async caseIds(asked) {
      const [row] = await sql<{ id: string }[]>`
        select id from cases where id::text = ${asked.toLowerCase()} or number = ${asked.toUpperCase()}`;
      return row?.id;
    },
    close: () => sql.end({ timeout: 5 }),
  };
}

/** A request as something to compare that is short, however long it is. Takes its JSON text. */
export function askedOf(args: string): string {
  try {
    return hash('sha256', canonicalJson(JSON.parse(args) as JsonValue), 'base64url');
  } catch {
    // No text of ours: verify names the column, and here it is like nothing that was asked.
    return 'nothing that can be read';
  }
}

/** Bytes that are no entry any more are verify's to name; here they simply vouch for no act. */
function entryIn(body: Uint8Array): Entry | undefined {
  try {
    const value = JSON.parse(Buffer.from(body).toString('utf8')) as Entry;
    return typeof value?.subject?.version === 'number' ? value : undefined;
  } catch {
    return undefined;
  }
}
