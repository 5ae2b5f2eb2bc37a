// Bench `decision`: Update, transaction with its audit entry, answer, through `web/ask.ts` and the machine's own worker,
// against a bare Update with one ordinary activity that does nothing, on the same server and with a worker of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { dataConverter } from '../bin/payload-codec.ts';
import { TEMPORAL_NAMESPACE } from '../domain/consortium.ts';
import { type Ask, createAsk } from '../web/ask.ts';
import { askDoor, casesInTreatment, claimSessions, type Door, recordSession, type Treated } from './cases.ts';
import { type Figure, figure } from './figure.ts';
import type { BenchMachine } from './machine.ts';
import { endSignal, peerWorkflow, pokeLocallyUpdate, pokeUpdate } from './peer/workflow.ts';
import { processorLine, profiled, profiledProcess } from './profile.ts';
import { interleaved, p50Ms, perSecond, round, type Side, spread } from './rounds.ts';

const USERS = 32;
const PEER = 'bare Update, ordinary activity';
/** As a decision is built, without anything of ours. */
const LEAST = 'a bare Update with a local activity that does nothing';
/** Cases for each user: decisions of one round. */
const CASES = 3;

/** A web's way to Temporal, with time enough that a slow machine gives a figure and not an error. */
export async function openAsk(
  bench: BenchMachine,
): Promise<{ ask: Ask; connection: Connection; door: Door; web: ReturnType<BenchMachine['recorder']> }> {
  const { machine } = bench;
  const connection = await Connection.connect({ address: bench.stack.run().temporal });
  const web = bench.recorder('web', 20);
  const ask = createAsk({
    client: new Client({
      connection,
      namespace: TEMPORAL_NAMESPACE,
      dataConverter: dataConverter(machine.secrets.payload),
    }),
    db: web.connection.db,
    recorder: web.recorder,
    keyStore: machine.secrets.keyStore,
    keys: machine.secrets.keys,
    caseIdSecret: machine.secrets.keyed('case ids'),
    patienceMs: 60_000,
  });
  return { ask, connection, web, door: askDoor(bench, ask) };
}

export async function benchDecision(bench: BenchMachine, rounds: number): Promise<Figure[]> {
  const { connection, door, web } = await openAsk(bench);
  const peer = await startPeer(bench, connection);
  try {
    const therapists = await bench.people('therapist', USERS);
    bench.say('decision: bringing cases into treatment');
    const cases = await casesInTreatment(bench, door, web.recorder, therapists, USERS * CASES);
    const pids = (): Record<string, number> => ({ ...bench.pids(), 'peer worker': peer.pid });
    const sides = (users: number, each: number): { ours: Side; peer: Side; least: Side } => {
      const some = cases.slice(0, users * each);
      return {
        ours: {
          prepare: async () => {
            await claimSessions(door, web.recorder, some);
            await bench.sequenced();
          },
          run: () =>
            round(users, users * each, pids(), (user, turn) =>
              recordSession(some[user * each + turn] as Treated),
            ),
        },
        peer: {
          prepare: () => bench.sequenced(),
          run: () => round(users, users * each, pids(), (user, turn) => peer.poke(user * each + turn)),
        },
        least: {
          prepare: () => bench.sequenced(),
          run: () => round(users, users * each, pids(), (user, turn) => peer.pokeLocally(user * each + turn)),
        },
      };
    };
    const figures: Figure[] = [];
    const tell = (what: string, { ours, peer: bare }: Awaited<ReturnType<typeof interleaved>>): void => {
      bench.say(`  processor ms a decision, ${what}: ${processorLine(ours)}`);
      bench.say(`  processor ms an Update of the peer: ${processorLine(bare)}`);
    };
    const explain = async (made: readonly Figure[], side: Side): Promise<void> => {
      figures.push(...made);
      if (!made.some((one) => one.met === false)) return;
      await side.prepare?.();
      bench.say('  the web, by function:');
      for (const line of await profiled(side.run)) bench.say(`    ${line}`);
      const { worker } = bench.pids();
      if (worker === undefined) return;
      await side.prepare?.();
      bench.say('  the worker, by function:');
      const log = join(bench.machine.dataDir, 'logs', 'worker.log');
      for (const line of await profiledProcess(worker, log, side.run)) bench.say(`    ${line}`);
    };

    const alone = sides(1, 24);
    const one = await interleaved(rounds, alone.ours, alone.peer);
    tell('one user', one);
    const leastAlone = await interleaved(rounds, alone.least, alone.peer);
    figures.push(
      figure({
        bench: 'decision',
        figure: `p50 of ${LEAST}`,
        value: leastAlone.ours.p50Ms,
        unit: 'ms',
        peer: {
          is: PEER,
          value: leastAlone.peer.p50Ms,
          spread: spread(leastAlone.ours, leastAlone.peer, p50Ms),
        },
        n: leastAlone.ours.n,
        concurrency: 1,
      }),
    );
    await explain(
      [
        figure({
          bench: 'decision',
          figure: 'p50',
          value: one.ours.p50Ms,
          unit: 'ms',
          peer: { is: PEER, value: one.peer.p50Ms, spread: spread(one.ours, one.peer, p50Ms) },
          goal: { of: 'ratio', sign: '<=', bound: 0.4 },
          n: one.ours.n,
          concurrency: 1,
        }),
      ],
      alone.ours,
    );
    const crowd = sides(USERS, CASES);
    const many = await interleaved(rounds, crowd.ours, crowd.peer);
    tell(`${USERS} users`, many);
    const leastMany = await interleaved(rounds, crowd.least, crowd.peer);
    figures.push(
      figure({
        bench: 'decision',
        figure: `throughput of ${LEAST}`,
        value: leastMany.ours.perSecond,
        unit: 'per second',
        peer: {
          is: PEER,
          value: leastMany.peer.perSecond,
          spread: spread(leastMany.ours, leastMany.peer, perSecond),
        },
        n: leastMany.ours.n,
        concurrency: USERS,
      }),
    );
    const common = { bench: 'decision', n: many.ours.n, concurrency: USERS };
    await explain(
      [
        figure({
          ...common,
          figure: 'throughput',
          value: many.ours.perSecond,
          unit: 'per second',
          peer: { is: PEER, value: many.peer.perSecond, spread: spread(many.ours, many.peer, perSecond) },
          goal: { of: 'ratio', sign: '>=', bound: 1.6 },
        }),
        figure({
          ...common,
          figure: 'p99',
          value: many.ours.p99Ms,
          unit: 'ms',
          peer: { is: PEER, value: many.peer.p99Ms },
        }),
      ],
      crowd.ours,
    );
    return figures;
  } finally {
    await peer.stop();
    await Promise.all([connection.close(), web.connection.close()]);
  }
}

interface Peer {
  readonly pid: number;
  poke(workflow: number): Promise<unknown>;
  pokeLocally(workflow: number): Promise<unknown>;
  stop(): Promise<void>;
}

/** The bare peer: its worker, and as many workflows as we have cases. */
async function startPeer(bench: BenchMachine, connection: Connection): Promise<Peer> {
  const taskQueue = `bench-${randomUUID()}`;
  const client = new Client({ connection, namespace: TEMPORAL_NAMESPACE });
  const worker: ChildProcess = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      fileURLToPath(new URL('./peer/worker.ts', import.meta.url)),
      bench.stack.run().temporal,
      TEMPORAL_NAMESPACE,
      taskQueue,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], cwd: fileURLToPath(new URL('..', import.meta.url)) },
  );
  const { stdout, pid } = worker;
  if (stdout === null || pid === undefined) throw new Error("the peer's worker could not be started");
  const ready = await Promise.race([once(createInterface(stdout), 'line'), once(worker, 'exit')]);
  if (ready[0] !== 'ready') throw new Error("the peer's worker ended before it was ready");
  const handles = await Promise.all(
    Array.from({ length: USERS * CASES }, (_, i) =>
      client.workflow.start(peerWorkflow, { taskQueue, workflowId: `${taskQueue}-${i}` }),
    ),
  );
  const poke = (update: typeof pokeUpdate) => async (workflow: number) =>
    await handles[workflow]?.executeUpdate(update, { args: ['x'], updateId: randomUUID() });
  return {
    pid,
    poke: poke(pokeUpdate),
    pokeLocally: poke(pokeLocallyUpdate),
    async stop() {
      await Promise.all(handles.map((handle) => handle.signal(endSignal)));
      worker.kill('SIGTERM');
      if (worker.exitCode === null) await once(worker, 'exit');
    },
  };
}
