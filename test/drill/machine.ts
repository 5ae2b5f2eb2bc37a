// Test support of the drills: a whole machine as a person starts it, killing its processes one by one or exactly between COMMIT
// and answer, and asking Postgres and Temporal afterwards what really happened.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import postgres from 'postgres';
import type { DriveReport } from '../../bin/drive/drive.ts';
import { type RunFile, readRunFile } from '../../bin/run-file.ts';
import { TEMPORAL_NAMESPACE } from '../../domain/consortium.ts';

const program = fileURLToPath(new URL('../../bin/rehab.mjs', import.meta.url));

/** How long a killed process may take to be there again, on a machine that does other work too. */
const BACK_WITHIN_MS = 120_000;
/** How long a commit is waited for. */
const COMMIT_WITHIN_MS = 240_000;

/** A decision that somebody was told is done. */
export interface Acknowledged {
  readonly key: string;
  readonly what: string;
}

export interface DrillMachine {
  readonly dataDir: string;
  run(): RunFile;
  /** `rehab VERB …` over this machine, with its exit code and what it printed. */
  rehab(...args: string[]): Promise<{ code: number | null; out: string; err: string }>;
  drive(cases: number, concurrency: number, seed: number): Promise<DriveReport>;
  acknowledged(): Acknowledged[];
  /** How many Updates the ledger says it has asked again, over all its lives. */
  askedAgain(): number;
  /** `kill -9`, then waits until its successor runs. */
  kill(name: string): Promise<void>;
  /** `kill -9` while some operation is committed and nobody has been answered. Gives its key. */
  killBetweenCommitAndAnswer(name: 'worker' | 'temporal'): Promise<string>;
  stop(): Promise<void>;
}

interface Mark {
  readonly key: string;
  readonly pid: number;
  readonly at: 'committed' | 'answering';
}

const linesOf = <T>(path: string): T[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as T)
    : [];

/**
 * Starts a machine. `pauseMs`: how long the worker waits between COMMIT and answer. `over`: the data folder to start over, which
 * then stays behind; a folder of its own unless given.
 */
export async function startMachine(pauseMs: number, over?: string): Promise<DrillMachine> {
  const folder = over === undefined ? mkdtempSync(join(tmpdir(), 'rehab-drill-')) : dirname(over);
  const dataDir = over ?? join(folder, 'data');
  const marks = join(folder, 'marks.jsonl');
  const acknowledgedFile = join(folder, 'acknowledged.jsonl');
  const child = spawn(process.execPath, [program, 'start', '--data', dataDir], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, REHAB_DRILL_PAUSE_MS: String(pauseMs), REHAB_DRILL_MARKS: marks },
  });
  const said: string[] = [];
  createInterface(child.stderr).on('line', (line) => said.push(line));
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), once(child, 'exit')]);
  if (typeof line !== 'string') throw new Error(`machine did not start: ${said.slice(-5).join(' ')}`);

  const run = (): RunFile => {
    const file = readRunFile(dataDir);
    if (!file) throw new Error('run.json is missing');
    return file;
  };

  const rehab: DrillMachine['rehab'] = async (...args) => {
    const [verb = '', ...rest] = args;
    const process_ = spawn(process.execPath, [program, verb, '--data', dataDir, ...rest], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [out, err, [code]] = await Promise.all([
      textOf(process_, 'stdout'),
      textOf(process_, 'stderr'),
      once(process_, 'close') as Promise<[number | null]>,
    ]);
    return { code, out, err };
  };

  async function untilBack(name: string, old: number): Promise<void> {
    const end = Date.now() + BACK_WITHIN_MS;
    for (;;) {
      const pid = readRunFile(dataDir)?.pids[name];
      if (pid !== undefined && pid !== old && said.some((line) => line === `${name}: ready again`)) {
        // Said once per restart; the next kill waits for its own.
        said.splice(said.indexOf(`${name}: ready again`), 1);
        return;
      }
      if (Date.now() > end) throw new Error(`${name} did not come back: ${said.slice(-5).join(' ')}`);
      await sleep(50);
    }
  }

  const pidOf = (name: string): number => {
    const pid = run().pids[name];
    if (pid === undefined) throw new Error(`no such process: ${name}`);
    return pid;
  };

  return {
    dataDir,
    run,
    rehab,
    async drive(cases, concurrency, seed) {
      const { out, err } = await rehab(
        ...['drive', '--cases', String(cases), '--concurrency', String(concurrency), '--seed', String(seed)],
        ...['--acknowledged', acknowledgedFile, '--json'],
      );
      if (!out.startsWith('{')) throw new Error(`drive did not report: ${err.slice(-500)}`);
      return JSON.parse(out) as DriveReport;
    },
    acknowledged: () => linesOf<Acknowledged>(acknowledgedFile),
    askedAgain: () =>
      readFileSync(join(dataDir, 'logs', 'ledger.log'), 'utf8')
        .split('\n')
        .reduce((sum, line) => sum + Number(/"askedAgain":(\d+)/.exec(line)?.[1] ?? 0), 0),
    async kill(name) {
      const pid = pidOf(name);
      process.kill(pid, 'SIGKILL');
      await untilBack(name, pid);
    },
    async killBetweenCommitAndAnswer(name) {
      const end = Date.now() + COMMIT_WITHIN_MS;
      const seen = linesOf<Mark>(marks).length;
      for (;;) {
        const fresh = linesOf<Mark>(marks).slice(seen);
        const waiting = fresh.find(
          (mark) =>
            mark.at === 'committed' && !fresh.some((one) => one.at === 'answering' && one.key === mark.key),
        );
        if (waiting) {
          const pid = name === 'worker' ? waiting.pid : pidOf(name);
          process.kill(pid, 'SIGKILL');
          // The marker proves it: committed before, and nobody was being answered yet when the signal was out.
          const answered = linesOf<Mark>(marks).some(
            (mark) => mark.at === 'answering' && mark.key === waiting.key,
          );
          await untilBack(name, pid);
          if (!answered) return waiting.key;
        }
        if (Date.now() > end) throw new Error('nothing was committed while a kill waited for it');
        await sleep(10);
      }
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      if (over === undefined && !process.env.REHAB_DRILL_KEEP)
        rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function textOf(child: ChildProcess, stream: 'stdout' | 'stderr'): Promise<string> {
  let text = '';
  for await (const part of child[stream]?.setEncoding('utf8') ?? []) text += part;
  return text;
}

/** How many decisions wait to be found in the history, or to be asked again. Cheap: may be asked often. */
export async function unsettled(run: RunFile): Promise<number> {
  const sql = postgres(run.postgres.owner, { max: 1, onnotice: () => undefined });
  try {
    const [row] = await sql<{ n: number }[]>`
      select count(*)::int as n from operations o
      where o.update_args <> '' and not exists (select 1 from operation_settled_cache s where s.operation_id = o.id)`;
    return row?.n ?? -1;
  } finally {
    await sql.end();
  }
}

/** What Postgres and Temporal hold about operations, read past all of our code; every entry's bytes are parsed once. */
export async function whatHappened(run: RunFile) {
  const sql = postgres(run.postgres.owner, { max: 1, onnotice: () => undefined });
  const connection = await Connection.connect({ address: run.temporal });
  try {
    const rows = await sql<{ id: string; update_name: string | null }[]>`
      select id, update_name from operations`;
    const entries = new Map<string, number>();
    await sql<{ body: Uint8Array }[]>`select body from audit_entries`.cursor(1000, (rows) => {
      for (const { body } of rows) {
        const { operation } = JSON.parse(Buffer.from(body).toString('utf8')) as { operation: string };
        entries.set(operation, (entries.get(operation) ?? 0) + 1);
      }
    });
    const operations = rows.map((row) => ({ ...row, entries: entries.get(row.id) ?? 0 }));
    const client = new Client({ connection, namespace: TEMPORAL_NAMESPACE });
    const updates = new Map<string, number>();
    for await (const { workflowId, runId } of client.workflow.list()) {
      const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      for (const event of events ?? []) {
        const id = event.workflowExecutionUpdateCompletedEventAttributes?.meta?.updateId;
        if (id) updates.set(id, (updates.get(id) ?? 0) + 1);
      }
    }
    return { operations, entries, updates };
  } finally {
    await sql.end();
    await connection.close();
  }
}
