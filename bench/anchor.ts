// Bench `anchor`: leaves anchored a second through the real channel, in the large batches of a catch-up, and the time from
// an entry's commit until the chain has it, while people decide. Everything is the product's own code but the entries of
// the catch-up, which are made in bulk so that the log is long enough.

import { setTimeout as sleep } from 'node:timers/promises';
import { anchoredLog } from '../bin/anchored-log.ts';
import { logSigner } from '../bin/log-keys.ts';
import { databaseUrl, fabricProfilePath } from '../bin/machine.ts';
import { connect } from '../db/connection.ts';
import { createAnchor } from '../ledger/anchor.ts';
import { openChain } from '../ledger/fabric/client.ts';
import { readFabricProfile } from '../ledger/fabric/profile.ts';
import { ChainFault, ChainUnknown } from '../ledger/fabric/trouble.ts';
import { createSequencer } from '../ledger/sequencer.ts';
import { casesInTreatment, claimSessions, recordSession, type Treated } from './cases.ts';
import { openAsk } from './decision.ts';
import { type Figure, figure } from './figure.ts';
import type { BenchMachine } from './machine.ts';
import { median, quantile } from './rounds.ts';

/** Decisions a second that are offered. */
const OFFERED = 50;
const USERS = 32;
const CASES = 3;
const LEAVES = 400_000;
/** How often the chain may fail to answer during a catch-up before there is no figure. */
const TROUBLES = 10;

export async function benchAnchor(bench: BenchMachine, rounds: number): Promise<Figure[]> {
  return [...(await timeToAnchored(bench, rounds)), ...(await catchUp(bench))];
}

/** Decisions at the offered rate, or at what the server carries; then the log says when each was anchored. */
async function timeToAnchored(bench: BenchMachine, rounds: number): Promise<Figure[]> {
  const { connection, door, web } = await openAsk(bench);
  try {
    const therapists = await bench.people('therapist', USERS);
    bench.say('anchor: bringing cases into treatment');
    const cases = await casesInTreatment(bench, door, web.recorder, therapists, USERS * CASES);
    await bench.sequenced();
    const began = new Date();
    let decisions = 0;
    let busyMs = 0;
    for (let i = 0; i < rounds; i++) {
      await claimSessions(door, web.recorder, cases);
      const start = performance.now();
      let next = 0;
      await Promise.all(
        Array.from({ length: USERS }, async () => {
          while (next < cases.length) {
            const mine = next++;
            const due = start + (mine * 1000) / OFFERED;
            if (performance.now() < due) await sleep(due - performance.now());
            await recordSession(cases[mine] as Treated);
          }
        }),
      );
      busyMs += performance.now() - start;
      decisions += cases.length;
    }
    await bench.anchored();
    // An entry's time is taken before its commit, an anchor's after the chain's: the span is never shorter than asked for.
    const rows = await bench.owner<{ seconds: number }[]>`
      select extract(epoch from (select min(a.at) from log_anchors a where a.size > l.index) - e.at)::float8 as seconds
      from audit_entries e join log_leaves l on l.entry_id = e.id
      where e.at >= ${began.toISOString()} and e.event = 'session.recorded'
      order by 1`;
    const seconds = rows.map((row) => row.seconds);
    const common = { bench: 'anchor', n: seconds.length, concurrency: USERS, unit: 's' };
    return [
      figure({
        ...common,
        figure: 'decisions while it was measured',
        value: (decisions / busyMs) * 1000,
        unit: 'per second',
      }),
      figure({ ...common, figure: 'commit to anchored, p50', value: quantile(seconds, 0.5) }),
      figure({
        ...common,
        figure: 'commit to anchored, p99',
        value: quantile(seconds, 0.99),
        goal: { of: 'value', sign: '<=', bound: 2 },
      }),
    ];
  } finally {
    await Promise.all([connection.close(), web.connection.close()]);
  }
}

/** As after a long time without the chain: the ledger process stands still while the log grows, then batches go out. */
async function catchUp(bench: BenchMachine): Promise<Figure[]> {
  const { machine } = bench;
  await bench.anchored();
  const ledger = bench.pids().ledger;
  if (ledger === undefined) throw new Error('the ledger process is not running');
  const url = databaseUrl(machine, 'ledger');
  const { db, close } = connect(url, { max: 2, name: 'rehab-bench-ledger', statementSeconds: 60 });
  const chain = openChain({
    profile: readFabricProfile(fabricProfilePath(machine)),
    as: { organisation: 'hospital', identity: 'ledger' },
  });
  const sequencer = createSequencer({
    url,
    signer: logSigner(machine.secrets.logSeed),
    batch: 50_000,
  });
  process.kill(ledger, 'SIGSTOP');
  try {
    bench.say(`anchor: growing the log by ${LEAVES} entries`);
    // Nobody's: a subject kind of their own, bodies of a usual length. Only their hashes go to the chain.
    for (let first = 0; first < LEAVES; first += 50_000) {
      await bench.owner`
        insert into audit_entries (id, subject_kind, subject_id, subject_version, event, person_id, at, body, signature, key_id)
        select gen_random_uuid(), 'bench', gen_random_uuid(), 1, 'verification.run', gen_random_uuid(), now(),
          convert_to(repeat(gen_random_uuid()::text, 8), 'UTF8'), '\\x00', 'bench'
        from generate_series(1, 50000)`;
      while ((await sequencer.once()).taken > 0);
    }
    const anchor = createAnchor({
      chain,
      log: anchoredLog(db),
      onAnchored: async () => undefined,
    });
    const rates: number[] = [];
    let leaves = 0;
    let troubles = 0;
    const began = performance.now();
    let last = began;
    for (;;) {
      const { gained } = await anchor.once().catch(async (error: unknown) => {
        // As the ledger process does: asked again, and the time counts.
        if (!(error instanceof ChainFault) && !(error instanceof ChainUnknown)) throw error;
        if (++troubles > TROUBLES) throw error;
        bench.say(`  the chain did not answer: ${error.message}`);
        await sleep(250);
        return { gained: -1 };
      });
      if (gained < 0) continue;
      const now = performance.now();
      if (gained === 0) break;
      bench.say(`  ${gained} leaves in ${((now - last) / 1000).toFixed(2)} s`);
      rates.push(gained / ((now - last) / 1000));
      leaves += gained;
      last = now;
    }
    const overall = leaves / ((last - began) / 1000);
    const common = { bench: 'anchor', n: leaves, concurrency: 1, unit: 'leaves per second' };
    return [
      figure({
        ...common,
        figure: 'catch-up',
        value: overall,
        goal: { of: 'value', sign: '>=', bound: 30_000 },
      }),
      figure({ ...common, figure: 'catch-up, median batch', value: median(rates) }),
    ];
  } finally {
    process.kill(ledger, 'SIGCONT');
    await sequencer.close();
    await close();
    chain.close();
  }
}
