// Bench `write`: an audited write, as the web does it, against a bare single-statement write of its business row alone.
// Same driver, same pool, same server, fsync on for both; the ledger sequences and anchors meanwhile.
import { randomUUID } from 'node:crypto';
import type { Sql } from '../db/connection.ts';
import type { AuditEvent } from '../domain/events.ts';
import { type Asking, claimTask, handBackTask, recordDisclosure } from '../web/recorded.ts';
import { applications, casesInTreatment, claimSessions, recordSession, verbDoor } from './cases.ts';
import { type Figure, figure, type Goal } from './figure.ts';
import { floorOf } from './floor.ts';
import type { BenchMachine } from './machine.ts';
import { processorLine, profiled } from './profile.ts';
import { interleaved, type Measured, perSecond, round, type Side, spread } from './rounds.ts';

const GOAL: Goal = { of: 'ratio', sign: '>=', bound: 0.6 };
const WRITERS = [8, 32] as const;
/** The web's own pool (bin/commands/web.ts). */
const POOL = 20;
/** Cases for each writer of sessions. */
const CASES = 8;

/** What a write is called, how it is done, and its bare peer. */
interface Kind {
  readonly name: string;
  readonly peerIs: string;
  /** Operations a round. */
  readonly count: (writers: number) => number;
  readonly prepare?: (writers: number) => Promise<void>;
  /** Whose rows are written once more by one bare statement, and over which pool. */
  readonly floor: { readonly events: readonly AuditEvent[]; readonly sql: Sql };
  readonly ours: (writer: number, turn: number) => Promise<unknown>;
  readonly peer: (writer: number, turn: number) => Promise<unknown>;
}

export async function benchWrite(bench: BenchMachine, rounds: number): Promise<Figure[]> {
  const pools = poolsOf(bench);
  try {
    return await measure(bench, await kinds(bench, pools), rounds);
  } finally {
    // Postgres has so many connections and no more, and the next bench wants its own.
    await Promise.all(Object.values(pools).map(({ connection }) => connection.close()));
  }
}

const poolsOf = (bench: BenchMachine) => ({
  web: bench.recorder('web', POOL),
  worker: bench.recorder('worker', POOL),
  bareWeb: bench.recorder('web', POOL),
  bareWorker: bench.recorder('worker', POOL),
});

async function measure(bench: BenchMachine, all: readonly Kind[], rounds: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const kind of all) {
    for (const writers of WRITERS) {
      const count = kind.count(writers);
      const prepare = async (): Promise<void> => {
        await kind.prepare?.(writers);
        await bench.settled();
        await bench.sequenced();
      };
      const ours: Side = { prepare, run: () => round(writers, count, bench.pids(), kind.ours) };
      const peer: Side = {
        prepare: () => bench.sequenced(),
        run: () => round(writers, count, bench.pids(), kind.peer),
      };
      const measured = await interleaved(rounds, ours, peer);
      const made = figuresOf(kind, writers, measured);
      figures.push(...made);
      const floor = await floorOf(bench.owner, kind.floor.events, writers);
      const bare: Side = {
        prepare: () => bench.sequenced(),
        run: () => round(writers, count, bench.pids(), (writer) => floor.write(kind.floor.sql, writer)),
      };
      const least = await interleaved(rounds, bare, peer);
      figures.push(floorFigure(kind, writers, floor.rows, least, measured.ours));
      bench.say(
        `  processor ms of its ${floor.rows} rows in one bare statement: ${processorLine(least.ours)}`,
      );
      bench.say(`  processor ms an operation, ${kind.name} at ${writers}: ${processorLine(measured.ours)}`);
      bench.say(`  processor ms an operation, its peer: ${processorLine(measured.peer)}`);
      if (made.some((one) => one.met === false)) {
        await prepare();
        for (const line of await profiled(ours.run)) bench.say(`    ${line}`);
      }
    }
  }
  return figures;
}

/** The act's rows by one bare statement, against the same peer: what is left of the peer's throughput before our code. */
function floorFigure(
  kind: Kind,
  writers: number,
  rows: number,
  { ours, peer }: { ours: Measured; peer: Measured },
  act: Measured,
): Figure {
  return figure({
    bench: 'write',
    figure: `${kind.name}: its ${rows} rows in one bare statement (the act itself ${((act.perSecond / ours.perSecond) * 100).toFixed(0)} % of it)`,
    value: ours.perSecond,
    unit: 'per second',
    peer: { is: kind.peerIs, value: peer.perSecond, spread: spread(ours, peer, perSecond) },
    n: ours.n,
    concurrency: writers,
  });
}

function figuresOf(
  kind: Kind,
  writers: number,
  { ours, peer }: { ours: Measured; peer: Measured },
): Figure[] {
  const common = { bench: 'write', n: ours.n, concurrency: writers };
  const processor = (of: Measured, name: string): number => of.cpuMsPerOperation[name] ?? Number.NaN;
  return [
    figure({
      ...common,
      figure: kind.name,
      value: ours.perSecond,
      unit: 'per second',
      peer: { is: kind.peerIs, value: peer.perSecond, spread: spread(ours, peer, perSecond) },
      goal: GOAL,
    }),
    figure({
      ...common,
      figure: `${kind.name}, processor time of Node and Postgres`,
      value: processor(ours, 'bench') + processor(ours, 'postgres'),
      unit: 'ms',
      peer: { is: kind.peerIs, value: processor(peer, 'bench') + processor(peer, 'postgres') },
    }),
  ];
}

async function kinds(bench: BenchMachine, pools: ReturnType<typeof poolsOf>): Promise<Kind[]> {
  const most = Math.max(...WRITERS);
  const { web, worker } = pools;
  const officers = await bench.people('approval-officer', most);
  const therapists = await bench.people('therapist', most);
  const door = verbDoor(bench, worker.recorder);

  bench.say('write: bringing cases into treatment');
  const waiting = await applications(bench, door, most);
  const treated = await casesInTreatment(bench, door, web.recorder, therapists, most * CASES);

  await bareTables(bench.owner);
  const bareWeb = pools.bareWeb.connection.sql;
  const bareWorker = pools.bareWorker.connection.sql;
  const bare = (sql: Sql, text: string, params: readonly unknown[]) =>
    sql.unsafe(text, params as never[], { prepare: true }); // the driver's type of a parameter is not exported
  const entry = randomUUID();
  const soon = (): string => new Date(Date.now() + 3_600_000).toISOString();

  const tasks = await Promise.all(
    waiting.map(async (caseId) => {
      const [row] = await bench.owner<{ id: string }[]>`
        select id from tasks where case_id = ${caseId} and status = 'open'`;
      if (!row) throw new Error('case has no open task');
      return { caseId, id: row.id };
    }),
  );
  await bench.owner`insert into bench.tasks select * from tasks`;
  const held = new Map<number, number>();

  return [
    {
      name: 'disclosure',
      floor: { events: ['case.disclosed'], sql: bareWeb },
      peerIs: 'bare insert',
      count: () => 2000,
      ours: (writer) => {
        const who = officers[writer] as Asking;
        return recordDisclosure(web.recorder, `look-${randomUUID()}`, who, 'case', randomUUID());
      },
      peer: (writer) =>
        bare(
          bareWeb,
          'INSERT INTO bench.disclosures (id, case_id, person_id, role, view, shown_at, entry_id) VALUES ($1, $2, $3, $4, $5, $6, $7)',
          [
            randomUUID(),
            randomUUID(),
            (officers[writer] as Asking).person,
            'approval-officer',
            'case',
            new Date().toISOString(),
            entry,
          ],
        ),
    },
    {
      // Taking a task and handing it back in turn: two audited updates of one row.
      name: 'claim',
      floor: { events: ['task.claimed', 'task.handed-back'], sql: bareWeb },
      peerIs: 'bare update',
      count: () => 2000,
      ours: async (writer) => {
        const who = officers[writer] as Asking;
        const { caseId, id } = tasks[writer] as { caseId: string; id: string };
        const claim = held.get(writer);
        if (claim === undefined) {
          const answer = await claimTask(web.recorder, randomUUID(), who, caseId, id, 60);
          if (answer.kind !== 'claimed') throw new Error(`claim was refused: ${answer.code}`);
          held.set(writer, answer.claim);
        } else {
          const answer = await handBackTask(web.recorder, randomUUID(), who, caseId, id, claim);
          if (answer.kind !== 'handed-back') throw new Error(`hand-back was refused: ${answer.code}`);
          held.delete(writer);
        }
      },
      peer: (writer, turn) => {
        const free = turn % 2 === 1;
        return bare(
          bareWeb,
          'UPDATE bench.tasks SET claim_number = $2, claimed_by = $3, claimed_at = $4, claimed_until = $5, entry_id = $6 WHERE id = $1',
          [
            (tasks[writer] as { id: string }).id,
            turn,
            free ? null : (officers[writer] as Asking).person,
            free ? null : new Date().toISOString(),
            free ? null : soon(),
            entry,
          ],
        );
      },
    },
    {
      name: 'therapy session',
      floor: { events: ['session.recorded'], sql: bareWorker },
      peerIs: 'bare insert',
      count: (writers) => writers * CASES,
      prepare: (writers) => claimSessions(door, web.recorder, treated.slice(0, writers * CASES)),
      ours: (writer, turn) => recordSession(treated[writer * CASES + turn] as (typeof treated)[number]),
      peer: (writer) =>
        bare(
          bareWorker,
          'INSERT INTO bench.therapy_sessions (id, case_id, discipline, held, minutes, note, therapist_id, recorded_at, entry_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)',
          [
            randomUUID(),
            randomUUID(),
            'physiotherapy',
            true,
            45,
            'Stairs with a rail, twice',
            (therapists[writer] as Asking).person,
            new Date().toISOString(),
            entry,
          ],
        ),
    },
  ];
}

/** The same tables with the same indexes and without the guard, so that the peer may write without an entry. */
async function bareTables(owner: Sql): Promise<void> {
  await owner`create schema if not exists bench`;
  for (const name of ['disclosures', 'tasks', 'therapy_sessions'])
    await owner`create table ${owner(`bench.${name}`)} (like ${owner(name)} including all)`;
  await owner`grant usage on schema bench to rehab_web, rehab_worker`;
  await owner`grant select, insert, update on all tables in schema bench to rehab_web, rehab_worker`;
}
