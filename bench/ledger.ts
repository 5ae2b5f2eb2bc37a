// Bench `ledger`: what the log costs by the piece (signature checks, hashes, tree) against bare node:crypto over the same
// bytes, and as a whole: entries written by the product's own statements, sequenced, anchored on the three organisations'
// channel, and verified end to end by `rehab verify`. The ledger process stands still while the log grows; only the batches
// are larger than people would make them.
import { spawn } from 'node:child_process';
import { hash, randomUUID, verify as verifyBytes, X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { anchoredLog } from '../bin/anchored-log.ts';
import { logSigner } from '../bin/log-keys.ts';
import { databaseUrl, fabricProfilePath, serviceCertificate } from '../bin/machine.ts';
import { openSnapshot, rootsOf, trustOf, verifierUrl } from '../bin/verify-sources.ts';
import { insert } from '../db/change.ts';
import { connect } from '../db/connection.ts';
import { LOG_ORIGIN, ORGANISATIONS } from '../domain/consortium.ts';
import { createAnchor } from '../ledger/anchor.ts';
import { formatVerifierKey } from '../ledger/checkpoint.ts';
import { derFromP1363 } from '../ledger/der.ts';
import { commitmentOf } from '../ledger/entry.ts';
import { openChain } from '../ledger/fabric/client.ts';
import { readFabricProfile } from '../ledger/fabric/profile.ts';
import { ChainFault, ChainUnknown } from '../ledger/fabric/trouble.ts';
import { appendLeaves, EMPTY_RANGE, leafHash, rootOfRange } from '../ledger/merkle.ts';
import { nodeHashing } from '../ledger/record-key.ts';
import { writingOf } from '../ledger/recorded.ts';
import { createSequencer } from '../ledger/sequencer.ts';
import { p256Check } from '../ledger/signing.ts';
import { type Writing, writingParameters, writingText } from '../ledger/statements.ts';
import { checkEntry, signatureOf } from '../ledger/verify-check.ts';
import type { StoredEntry, VerifyReport } from '../ledger/verify-sources.ts';
import { recordDisclosure } from '../web/recorded.ts';
import { type Figure, figure, sentence } from './figure.ts';
import type { BenchMachine } from './machine.ts';
import { alone, each, interleaved, median, quantile } from './rounds.ts';
import { personallySigned } from './signed-entries.ts';

/** Acts of one statement; each is another person's. */
const TOGETHER = 2000;
/** Leaves of one batch on the chain. */
const BATCH = 50_000;
/** Entries that are checked and hashed by the piece. */
const SAMPLE = 20_000;
/** Acts a second, and for how many seconds, while the block files' growth in small batches is measured. */
const OFFERED = 50;
const SECONDS = 20;
/** Heap that verification is given, MiB, besides the bytes that it holds outside of it. */
const HEAP_MIB = 192;
/** How often the chain may fail to answer before there is no figure. */
const TROUBLES = 10;

export async function benchLedger(bench: BenchMachine, rounds: number, entries: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  // A long log takes long, so each is told when it is known.
  const add = (...made: readonly Figure[]): void => {
    for (const one of made) bench.say(`  ${sentence(one)}`);
    figures.push(...made);
  };
  await grown(bench, entries, add);
  const sample = await sampled(bench, Math.min(entries, SAMPLE));
  add(...(await bySignature(bench, sample, rounds)), ...(await byHash(bench, sample, rounds)));
  add(...(await verified(bench)));
  add(...(await inSmallBatches(bench)));
  return figures;
}

/** Entries, then the log over them, then the chain; each alone, with the ledger process standing still. */
async function grown(
  bench: BenchMachine,
  entries: number,
  add: (...made: readonly Figure[]) => void,
): Promise<void> {
  const ledger = bench.pids().ledger;
  if (ledger === undefined) throw new Error('the ledger process is not running');
  await bench.anchored();
  process.kill(ledger, 'SIGSTOP');
  try {
    add(await written(bench, entries));
    add(await sequencedIn(bench, entries));
    add(...(await anchored(bench)));
  } finally {
    process.kill(ledger, 'SIGCONT');
  }
}

/** Disclosures by as many people as one statement holds, in turn, as `recorded()` builds and writes them. */
async function written(bench: BenchMachine, entries: number): Promise<Figure> {
  const { recorder, connection } = bench.recorder('web', 2);
  const people = Array.from({ length: Math.min(10 * TOGETHER, entries) }, () => randomUUID());
  const heads = new Map<string, { version: number; last: string }>();
  bench.say(`ledger: writing ${entries} entries of ${people.length} people`);
  const build = async (person: string): Promise<Writing> => {
    const at = recorder.now().toISOString();
    const role = 'approval-officer';
    return await writingOf(
      recorder,
      {
        key: randomUUID(),
        action: 'disclosure',
        inputDigest: 'bench',
        subject: { kind: 'person', id: person },
        actor: { person, role },
      },
      {
        event: 'case.disclosed',
        changes: [
          insert('disclosures', {
            id: randomUUID(),
            caseId: null,
            personId: person,
            role,
            view: 'bench',
            shownAt: at,
          }),
        ],
        answer: { kind: 'shown' },
      },
      { kind: 'person', id: person },
      heads.get(person) ?? null,
      at,
    );
  };
  const began = performance.now();
  let writing: Promise<unknown> = Promise.resolve();
  for (let done = 0; done < entries; ) {
    const turn = done % people.length;
    const batch = people.slice(turn, Math.min(turn + TOGETHER, turn + entries - done));
    const acts = await Promise.all(batch.map(build));
    for (const { entry } of acts) heads.set(entry.id, { version: entry.version, last: entry.last });
    const text = writingText((acts[0] as Writing).shape);
    // One batch is built while the one before it is written.
    await writing;
    writing = connection.sql.unsafe(text, writingParameters(acts), { prepare: true });
    writing.catch(() => undefined);
    done += batch.length;
    if (done % (50 * TOGETHER) === 0)
      bench.say(`  ${done} entries, ${Math.floor(done / ((performance.now() - began) / 1000))} a second`);
  }
  await writing;
  const seconds = (performance.now() - began) / 1000;
  return figure({
    bench: 'ledger',
    figure: 'entries built, signed and written in bulk',
    value: entries / seconds,
    unit: 'per second',
    n: entries,
    concurrency: 1,
  });
}

async function sequencedIn(bench: BenchMachine, entries: number): Promise<Figure> {
  const sequencer = createSequencer({
    url: databaseUrl(bench.machine, 'ledger'),
    signer: logSigner(bench.machine.secrets.logSeed),
    batch: BATCH,
  });
  const rates: number[] = [];
  try {
    const began = performance.now();
    for (let last = began, done = 0; ; ) {
      const { taken } = await sequencer.once();
      if (taken === 0) break;
      const now = performance.now();
      rates.push(taken / ((now - last) / 1000));
      last = now;
      done += taken;
      if (done >= entries) break;
    }
    const seconds = (performance.now() - began) / 1000;
    bench.say(`  sequenced, entries a second by batch: ${spread(rates)}`);
    return figure({
      bench: 'ledger',
      figure: 'sequencer',
      value: entries / seconds,
      unit: 'entries per second',
      n: entries,
      concurrency: 1,
    });
  } finally {
    await sequencer.close();
  }
}

async function anchored(bench: BenchMachine): Promise<Figure[]> {
  const { machine } = bench;
  const { db, close } = connect(databaseUrl(machine, 'ledger'), {
    max: 2,
    name: 'rehab-bench-ledger',
    statementSeconds: 60,
  });
  const chain = openChain({
    profile: readFabricProfile(fabricProfilePath(machine)),
    as: { organisation: 'hospital', identity: 'ledger' },
  });
  try {
    const anchor = createAnchor({ chain, log: anchoredLog(db), onAnchored: async () => undefined });
    const before = blockBytes(machine.dataDir);
    const rates: number[] = [];
    const batches: number[] = [];
    const began = performance.now();
    for (let last = began, troubles = 0; ; ) {
      const gained = await anchor.once().then(
        (done) => done.gained,
        async (error: unknown) => {
          // As the ledger process does: asked again, and the time counts.
          if (!(error instanceof ChainFault) && !(error instanceof ChainUnknown)) throw error;
          if (++troubles > TROUBLES) throw error;
          bench.say(`  the chain did not answer: ${error.message}`);
          await sleep(250);
          return undefined;
        },
      );
      if (gained === undefined) continue;
      if (gained === 0) break;
      const now = performance.now();
      rates.push(gained / ((now - last) / 1000));
      batches.push(gained);
      last = now;
    }
    const seconds = (performance.now() - began) / 1000;
    const leaves = batches.reduce((sum, gained) => sum + gained, 0);
    bench.say(`  anchored, leaves a second by batch: ${spread(rates)}; ${median(batches)} leaves a batch`);
    const growth = await grownBy(machine.dataDir, before);
    const common = { bench: 'ledger', n: leaves, concurrency: 1 };
    return [
      figure({
        ...common,
        figure: 'anchored through the channel of three organisations',
        value: leaves / seconds,
        unit: 'leaves per second',
        goal: { of: 'value', sign: '>=', bound: 30_000 },
      }),
      figure({
        ...common,
        figure: `block files of one peer, in batches of ${median(batches)}`,
        value: growth / leaves,
        unit: 'bytes an entry',
        ...(median(batches) >= 10_000 ? { goal: { of: 'value', sign: '<=', bound: 34 } as const } : {}),
      }),
    ];
  } finally {
    await close();
    chain.close();
  }
}

/** People look at cases, so many a second, and the ledger process anchors as it always does. */
async function inSmallBatches(bench: BenchMachine): Promise<Figure[]> {
  const { recorder } = bench.recorder('web', 8);
  await bench.anchored();
  const before = blockBytes(bench.machine.dataDir);
  const person = randomUUID();
  const start = performance.now();
  const acts: Promise<void>[] = [];
  for (let i = 0; i < OFFERED * SECONDS; i++) {
    const due = start + (i * 1000) / OFFERED;
    if (performance.now() < due) await sleep(due - performance.now());
    const asking = { person: i % 2 === 0 ? person : randomUUID(), role: 'approval-officer' as const };
    acts.push(recordDisclosure(recorder, randomUUID(), asking, 'bench', null));
  }
  await Promise.all(acts);
  const seconds = (performance.now() - start) / 1000;
  await bench.anchored();
  const growth = await grownBy(bench.machine.dataDir, before);
  return [
    figure({
      bench: 'ledger',
      figure: `block files of one peer, at ${Math.round(acts.length / seconds)} acts a second`,
      value: growth / acts.length,
      unit: 'bytes an entry',
      n: acts.length,
      concurrency: OFFERED,
    }),
  ];
}

/** Bytes of each organisation's block files. */
function blockBytes(dataDir: string): readonly number[] {
  return ORGANISATIONS.map((organisation) => {
    const folder = blockFolder(join(dataDir, 'fabric'), organisation);
    return readdirSync(folder)
      .filter((name) => name.startsWith('blockfile_'))
      .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  });
}

/** Where a peer keeps the channel's blocks. */
function blockFolder(fabric: string, organisation: string): string {
  const found = readdirSync(fabric, { recursive: true, encoding: 'utf8' }).find(
    (name) => name.includes(organisation) && /ledgersData\/chains\/chains\/[^/]+\/blockfile_\d+$/.test(name),
  );
  if (!found) throw new Error(`block files are not where they were expected: ${organisation}`);
  return join(fabric, found, '..');
}

/** The most that any peer's files grew; peers may still be writing the last block. */
async function grownBy(dataDir: string, before: readonly number[]): Promise<number> {
  let last = -1;
  for (;;) {
    const grownNow = Math.max(...blockBytes(dataDir).map((bytes, i) => bytes - (before[i] ?? 0)));
    if (grownNow === last) return grownNow;
    last = grownNow;
    await sleep(1000);
  }
}

async function sampled(bench: BenchMachine, count: number): Promise<StoredEntry[]> {
  const rows = await bench.owner<(StoredEntry & { at: Date | string })[]>`
    select e.id, e.subject_kind as "subjectKind", e.subject_id as "subjectId", e.subject_version as "subjectVersion",
      e.event, e.person_id as "personId", to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at,
      e.body, e.signature, e.key_id as "keyId"
    from log_leaves l join audit_entries e on e.id = l.entry_id order by l.index desc limit ${count}`;
  return [...rows];
}

async function bySignature(
  bench: BenchMachine,
  sample: readonly StoredEntry[],
  rounds: number,
): Promise<Figure[]> {
  const { machine } = bench;
  const certificate = new X509Certificate(serviceCertificate(machine));
  const profile = readFabricProfile(fabricProfilePath(machine));
  const roots = rootsOf(profile);
  const logKey = formatVerifierKey(
    LOG_ORIGIN,
    logSigner(machine.secrets.logSeed).publicKey,
    nodeHashing.hash,
  );
  const { serviceKeys } = trustOf([certificate], { origin: LOG_ORIGIN, roots, logKeys: [logKey] });
  const contextNow = async () => {
    const snapshot = await openSnapshot(verifierUrl(machine));
    const certificates = await snapshot.certificates();
    await snapshot.close();
    return { serviceKeys, roots, certificates };
  };
  const context = await contextNow();
  const tools = { hashing: nodeHashing, p256: p256Check };
  const key = (await machine.secrets.keys.of('system', 'system')).digest;
  // The peer is given what it needs in the form that is quickest for it.
  const bare = sample.map(({ body, signature }) => ({
    body,
    der: derFromP1363(signature),
  }));
  const demand = (holds: boolean): void => {
    if (!holds) throw new Error('signature of the sample does not hold');
  };
  const peer = each(bare, ({ body, der }) => demand(verifyBytes('sha256', body, certificate.publicKey, der)));
  const checks = await interleaved(
    rounds,
    each(sample, (entry) => demand(signatureOf(entry, context, tools).signed)),
    peer,
  );
  const whole = await interleaved(
    rounds,
    each(sample, (entry) => demand(checkEntry({ entry, key }, context, tools).faults.length === 0)),
    peer,
  );
  bench.say(
    `  ${sample.length} entries, ${Math.round(median(sample.map(({ body }) => body.length)))} bytes each in the middle`,
  );
  sayRounds(bench, 'signature checks', checks);
  sayRounds(bench, 'whole entries', whole);
  const common = { bench: 'ledger', concurrency: 1, unit: 'per second and core' };
  return [
    figure({
      ...common,
      figure: 'signature checks',
      value: checks.ours.perSecond,
      n: checks.ours.n,
      peer: { is: 'bare node:crypto', value: checks.peer.perSecond },
      goal: { of: 'ratio', sign: '>=', bound: 0.8 },
    }),
    figure({
      ...common,
      figure: 'whole entries: signature, form, columns, digests',
      value: whole.ours.perSecond,
      n: whole.ours.n,
      peer: { is: 'the signature alone, bare', value: whole.peer.perSecond },
    }),
    await personallySigned(bench, rounds, certificate, contextNow, tools),
  ];
}

async function byHash(
  bench: BenchMachine,
  sample: readonly StoredEntry[],
  rounds: number,
): Promise<Figure[]> {
  const bodies = sample.map(({ body }) => body);
  const portions = Array.from({ length: Math.ceil(bodies.length / 256) }, (_, i) =>
    bodies.slice(256 * i, 256 * (i + 1)),
  );
  let root: Uint8Array | undefined;
  const ours = alone(bodies.length, () => {
    let range = EMPTY_RANGE;
    for (const portion of portions) {
      const leaves = portion.map((body) => leafHash(commitmentOf(body, nodeHashing), nodeHashing.hash));
      range = appendLeaves(range, leaves, nodeHashing.hash);
    }
    const made = rootOfRange(range, nodeHashing.hash);
    if (root && !Buffer.from(root).equals(made)) throw new Error('tree has another root than before');
    root = made;
  });
  // As many SHA-256 over as many bytes: each entry, its leaf of 33 bytes, and a node of 65 for each but one.
  const leaf = new Uint8Array(33);
  const node = new Uint8Array(65);
  const measured = await interleaved(
    rounds,
    ours,
    each(bodies, (body) => {
      hash('sha256', body, 'buffer');
      hash('sha256', leaf, 'buffer');
      hash('sha256', node, 'buffer');
    }),
  );
  sayRounds(bench, 'hashing and tree', measured);
  return [
    figure({
      bench: 'ledger',
      concurrency: 1,
      unit: 'entries per second and core',
      figure: 'hashing and tree',
      value: measured.ours.perSecond,
      n: measured.ours.n,
      peer: { is: 'bare SHA-256 loop', value: measured.peer.perSecond },
      goal: { of: 'ratio', sign: '>=', bound: 0.7 },
    }),
  ];
}

function sayRounds(
  bench: BenchMachine,
  name: string,
  { ours, peer }: Awaited<ReturnType<typeof interleaved>>,
): void {
  const one = ({ p50Ms, p99Ms }: typeof ours): string =>
    `${(p50Ms * 1000).toFixed(1)} µs, worst round ${(p99Ms * 1000).toFixed(1)}`;
  bench.say(`  ${name}, one: ${one(ours)}; bare: ${one(peer)}`);
}

const spread = (rates: readonly number[]): string => {
  const sorted = [...rates].sort((a, b) => a - b);
  return `${Math.floor(sorted[0] ?? 0)} to ${Math.floor(sorted.at(-1) ?? 0)}, ${Math.floor(quantile(sorted, 0.5))} in the middle`;
};

/** `rehab verify` over the machine as it stands, in a process of its own. */
async function verified(bench: BenchMachine): Promise<Figure[]> {
  await bench.anchored();
  bench.say('ledger: rehab verify over everything');
  const program = fileURLToPath(new URL('../bin/rehab.mjs', import.meta.url));
  const began = performance.now();
  const child = spawn(process.execPath, [program, 'verify', '--json', '--data', bench.machine.dataDir], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // More than this it does not get, however long the log is: what would grow with the log would end it.
    env: { ...process.env, NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB} --max-semi-space-size=8` },
  });
  const seen = watched(child.pid as number); // it was just started
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    for (const line of part.split('\n'))
      if (line.startsWith('Checked')) bench.say(`  ${line}, ${seen.line()}`);
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const seconds = (performance.now() - began) / 1000;
  seen.stop();
  const report = JSON.parse(text) as VerifyReport;
  if (code !== 0 || report.status !== 'sound')
    throw new Error(`verification ended with ${code}: ${JSON.stringify(report.findings.slice(0, 3))}`);
  const { entries } = report.counts;
  const common = { bench: 'ledger', n: entries, concurrency: 1 };
  const made = [
    figure({
      ...common,
      figure: 'rehab verify, end to end',
      value: entries / seconds,
      unit: 'entries per second',
    }),
    figure({ ...common, figure: 'rehab verify, time', value: seconds, unit: 's' }),
  ];
  if (!existsSync('/proc/self/stat')) return made;
  return [
    ...made,
    figure({ ...common, figure: 'rehab verify, peak memory', value: seen.peakMiB(), unit: 'MiB' }),
    figure({
      ...common,
      figure: 'rehab verify, memory added in its second half',
      value: seen.laterBytes() / entries,
      unit: 'bytes an entry',
    }),
    figure({
      ...common,
      figure: 'rehab verify, cores at work',
      value: seen.cpuSeconds() / seconds,
      unit: 'cores',
    }),
  ];
}

/** Memory and processor time of a process while it runs, from /proc. */
function watched(pid: number) {
  const samples: number[] = [];
  let cpu = 0;
  const look = (): void => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      samples.push(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024);
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      cpu = (Number(fields[11]) + Number(fields[12])) / 100; // ticks of 10 ms
    } catch {
      // ended, or no /proc here
    }
  };
  const timer = setInterval(look, 200);
  const peak = (of: readonly number[]): number => Math.max(0, ...of);
  return {
    stop: () => clearInterval(timer),
    peakMiB: () => peak(samples) / 2 ** 20,
    /** Peak of the whole run less the peak of its first half: what grows shows, what was loaded does not. */
    laterBytes: () => peak(samples) - peak(samples.slice(0, Math.ceil(samples.length / 2))),
    cpuSeconds: () => cpu,
    line: () => `${Math.round((samples.at(-1) ?? 0) / 2 ** 20)} MiB`,
  };
}
