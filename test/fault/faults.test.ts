// Faults on a whole machine under its people's work (SECURITY.md part 3): each external step of stations 4 to 6 failed, failed but
// stored, and its process killed; then what goes wrong between machines. After each the same oracle. A part of the table here;
// `npm run soak` does all of it.
import { X509Certificate } from 'node:crypto';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { application } from '../../bin/drive/answers.ts';
import { drawFrom } from '../../bin/drive/draw.ts';
import { meetPeople, type Person } from '../../bin/drive/people.ts';
import { logKeyOf, logSeed } from '../../bin/log-keys.ts';
import { NODE_CRYPTO } from '../../bin/node-crypto.ts';
import { ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { likeItsFolder } from '../../engines/users.ts';
import { checkEvidence } from '../../ledger/evidence/check.ts';
import { type Evidence, readEvidence, readEvidenceTrust } from '../../ledger/evidence/format.ts';
import { unpackEvidence } from '../../ledger/evidence/zip.ts';
import { certificateKeyId } from '../../ledger/signing.ts';
import { keyFilesIn, namedKeys } from '../support/key-table.ts';
import { type FaultMachine, startFaultMachine } from './machine.ts';
import { appendWith, certified, cosignedSize, evidenceSignedBy, signExport } from './thief.ts';

const soak = process.env.REHAB_SOAK === '1';
/** Cases driven during a fault. */
const CASES = soak ? 8 : 3;

let machine: FaultMachine;
let people: Person[];
let seeds = 0;
/** What each fault came to; printed at the end. */
const figures: Record<string, unknown> = {};

beforeAll(async () => {
  machine = await startFaultMachine();
  people = await meetPeople(machine.run().web);
}, 1_200_000); // first builds take minutes
afterAll(async () => {
  console.info(`faults: ${JSON.stringify(figures)}`);
  await machine?.stop();
}, 120_000);

const personOf = (role: string): Person => {
  const found = people.find((person) => person.role === role);
  if (!found) throw new Error(`nobody in that role: ${role}`);
  return found;
};

/** Works through a few cases, and demands that every one ended as intended. */
async function work() {
  const report = await machine.drive(CASES, ++seeds);
  expect(report.errors).toEqual([]);
  expect(Object.values(report.ended).reduce((a, b) => a + b, 0)).toBe(CASES);
}

/** A form of an application that somebody is about to send. */
async function applicationForm(person = personOf('referrer')) {
  await person.home();
  const { page } = await person.browser.get('/apply');
  const form = page.forms.find(({ method, action }) => method === 'post' && /^\/apply$/.test(action));
  if (!form) throw new Error('application form is missing');
  const key = form.controls.find(({ name }) => name === 'key')?.value ?? '';
  const filling = application(form, drawFrom(77, ++seeds), new Date());
  return {
    key,
    async send() {
      const answer = await person.browser.submit(form, filling);
      expect({ done: answer.done, page: answer.page.title, status: answer.status }).toMatchObject({
        done: true,
      });
      machine.acknowledge(key, 'submit-application');
      return answer;
    },
    form,
    filling,
  };
}

/**
 * People apply, one after another. For what is done while the chain takes nothing: the people of a drive make new keys, and
 * a new key's certificate waits for the chain.
 */
async function apply() {
  for (let at = 0; at < CASES; at++) await (await applicationForm()).send();
}

/** Operations and entries under a key. */
async function underKey(key: string): Promise<{ operations: number; entries: number }> {
  const [row] = await machine.owner<{ operations: number; entries: number }[]>`
    select (select count(*)::int from operations where id = ${key}) as operations,
      (select count(*)::int from audit_entries e join operations o on o.entry_id = e.id where o.id = ${key}) as entries`;
  return row ?? { operations: -1, entries: -1 };
}

// ---- Each external step of stations 4 to 6

/** How a step fails. */
const WAYS = {
  failed: { stored: false, killed: false },
  'failed but stored': { stored: true, killed: false },
  'killed before it': { stored: false, killed: true },
  'killed after it': { stored: true, killed: true },
} as const;
type Way = keyof typeof WAYS;

interface StepOf {
  readonly process: 'web' | 'worker' | 'ledger';
  /** Whether a message is this step; `key` is the operation's. */
  readonly is: (sent: string, opening: string, key: string) => boolean;
}

const sequencing = (text: RegExp): StepOf => ({
  process: 'ledger',
  is: (sent, opening) => opening.includes('rehab-sequencer') && text.test(sent),
});
/** The steps, by what is sent to Postgres. What is sent to the chain is stopped by its peers, below and in test/fabric. */
const STEPS: Readonly<Record<string, StepOf>> = {
  '4: the worker reads before it decides': {
    process: 'worker',
    is: (sent, _, key) => sent.includes(key),
  },
  '4: the worker writes rows, entry and key': {
    process: 'worker',
    is: (sent, _, key) => new RegExp(`operation\\W{1,9}${key.replace('.', '\\.')}`).test(sent),
  },
  '5: begins its transaction': sequencing(/begin/i),
  '5: takes the lock': sequencing(/pg_try_advisory_xact_lock/),
  '5: reads what is committed': sequencing(/from audit_entries e/),
  '5: writes leaves': sequencing(/insert into log_leaves/),
  '5: writes the checkpoint': sequencing(/insert into log_checkpoints/),
  '5: moves the head': sequencing(/update log_head/),
  '5: commits': sequencing(/commit/i),
  '6: keeps what the chain has accepted': {
    process: 'ledger',
    is: (sent) => /insert into "?log_anchors/.test(sent),
  },
};

const cells = Object.keys(STEPS).flatMap((step, row) =>
  (Object.keys(WAYS) as Way[])
    // One way per step, another for the next one, so that every way and every step is there.
    .filter((_, column) => soak || column === row % 4)
    .map((way) => ({ step, way })),
);

describe('a step of stations 4 to 6', () => {
  test.each(cells)(
    '$step: $way',
    async ({ step, way }) => {
      const { process: name, is } = STEPS[step] as StepOf;
      const { stored, killed } = WAYS[way];
      const { key, send } = await applicationForm();
      const back: Promise<void>[] = [];
      const happened = machine.database[name].breakNext({
        chosen: (sent, opening) => is(sent.toString('latin1'), opening.toString('latin1'), key),
        stored,
        ...(killed ? { strike: () => void back.push(machine.strike(name)) } : {}),
      });
      // A statement that was prepared before is sent without its text: each connection begins anew.
      machine.database[name].cut(() => true);
      await send();
      await happened;
      await Promise.all(back);
      await machine.atRest();
      expect(await underKey(key)).toEqual({ operations: 1, entries: 1 });
    },
    300_000,
  );

  test('leaves nothing behind: the oracle', async () => {
    figures.steps = { cells: cells.length, ...(await machine.oracle({ settled: soak })) };
  }, 300_000);
});

// ---- Between processes and between machines

describe('a decision that Temporal lost before anybody did it', () => {
  test('is sent again by the web with the same key, and its page ends in “done”', async () => {
    // Somebody without patience: sends the form once, and after that only looks at the page that says "still working".
    const [hasty] = (await meetPeople(machine.run().web, 1)).filter(({ role }) => role === 'referrer');
    if (!hasty) throw new Error('nobody in that role: referrer');
    const { key, form, filling } = await applicationForm(hasty);
    machine.freeze('worker');
    const sent = await hasty.browser.submit(form, filling);
    expect(sent.status).toBe(202);
    expect(await underKey(key)).toEqual({ operations: 0, entries: 0 });
    // Sent, and in Temporal's memory alone.
    await machine.strike('temporal');
    machine.thaw('worker');
    const look = async () => (await hasty.browser.get(`/ask/${key}`)).status;
    await expect.poll(look, { timeout: 120_000, interval: 250 }).toBe(200);
    expect(await underKey(key)).toEqual({ operations: 1, entries: 1 });
    machine.acknowledge(key, 'submit-application');
    figures.lost = await machine.oracle({ settled: soak });
  }, 300_000);
});

describe('while people work', () => {
  test('a second sequencer and anchor run beside the first, which is frozen for a while and wakes late (X8)', async () => {
    const other = await machine.second('ledger');
    const before = await machine.backlog();
    await work();
    machine.freeze('ledger');
    await work();
    // The frozen one wakes late: whatever it was about to do is refused or was done by the other.
    machine.thaw('ledger');
    await work();
    await machine.atRest();
    expect((await machine.backlog()).size).toBeGreaterThan(before.size);
    other.kill('SIGKILL');
    figures.twoSequencers = await machine.oracle({ settled: soak });
  }, 600_000);

  test('two of three orderers are lost: entries wait, are counted, and catch up (X6)', async () => {
    const lost = ['orderer-administration', 'orderer-association'];
    machine.freeze(...lost);
    const before = await machine.backlog();
    await apply();
    const during = await machine.backlog();
    // Work goes on and is sequenced; the chain takes nothing.
    expect(during.entries).toBeGreaterThan(before.entries);
    expect(during.anchored).toBeLessThan(during.entries);
    machine.thaw(...lost);
    await machine.atRest();
    figures.orderers = {
      waited: during.entries - during.anchored,
      ...(await machine.oracle({ settled: soak })),
    };
  }, 600_000);

  test('one organisation is away and comes back: the two others go on, and it catches up (X9)', async () => {
    const lost = ['peer-association', 'orderer-association', 'chaincode-association'];
    machine.freeze(...lost);
    machine.peers.association.away(true);
    try {
      await work();
      // Anchoring goes on with two.
      await machine.atRest();
    } finally {
      machine.peers.association.away(false);
      machine.thaw(...lost);
    }
    figures.oneAway = await machine.oracle({ settled: soak });
  }, 600_000);

  test('the whole chain is away: acts go on, the backlog is counted, nothing is anchored twice (G8)', async () => {
    for (const organisation of ORGANISATIONS) machine.peers[organisation].away(true);
    const before = await machine.backlog();
    await apply();
    const during = await machine.backlog();
    expect(during.anchored).toBe(before.anchored);
    expect(during.entries).toBeGreaterThan(before.entries);
    for (const organisation of ORGANISATIONS) machine.peers[organisation].away(false);
    await machine.atRest();
    figures.chainAway = {
      waited: during.entries - during.anchored,
      ...(await machine.oracle({ settled: soak })),
    };
  }, 600_000);

  test('sequencer, anchor and a witness that stand still: the board says so within a minute, and each is an entry with its end (U3)', async () => {
    const administrator = personOf('administrator');
    const told = async () =>
      await machine.owner<{ id: string; event: string; of: string | null }[]>`
        select e.id, e.event, o.answer->>'of' as of from audit_entries e join operations o on o.entry_id = e.id
        where e.event ~ '[.](stopped|resumed)$' order by e.event`;
    // What was stopped by the faults before has its end, also where the web that saw it was killed.
    const open = async () => {
      const events = (await told()).map(({ event }) => event.split('.')[1]);
      return events.filter((to) => to === 'stopped').length - events.filter((to) => to === 'resumed').length;
    };
    await expect.poll(open, { timeout: 240_000, interval: 500 }).toBe(0);
    const before = new Set((await told()).map(({ id }) => id));
    const since = async () =>
      (await told())
        .filter(({ id }) => !before.has(id))
        .map(({ event, of }) => (of === null ? event : `${event} ${of}`));
    // The chain takes nothing, then the ledger sequences nothing, and one member answers nobody.
    for (const organisation of ORGANISATIONS) machine.peers[organisation].away(true);
    await (await applicationForm()).send();
    await expect
      .poll(async () => (await machine.backlog()).size, { timeout: 30_000 })
      .toBeGreaterThan((await machine.backlog()).anchored);
    machine.freeze('ledger', 'member-association');
    await (await applicationForm()).send();
    const stopped = ['anchor.stopped', 'sequencer.stopped', 'witness.stopped association'];
    await expect.poll(since, { timeout: 120_000, interval: 500 }).toEqual(stopped);
    await administrator.home();
    const { page } = await administrator.browser.get('/board');
    expect(page.words).toMatch(/Log: not answering .* Chain: not answering .* Members: not answering/);
    machine.thaw('ledger', 'member-association');
    for (const organisation of ORGANISATIONS) machine.peers[organisation].away(false);
    const resumed = ['anchor.resumed', 'sequencer.resumed', 'witness.resumed association'];
    // The anchor's call that was under way takes its whole limit first.
    await expect.poll(since, { timeout: 240_000, interval: 500 }).toEqual([...stopped, ...resumed].sort());
    const after = (await administrator.browser.get('/board')).page;
    expect(after.words).toMatch(/Log: working .* Chain: \S.* Members: working/);
    // They are entries like any other: in the log, anchored, verified.
    await machine.atRest();
    figures.stoodStill = await machine.oracle({ settled: soak });
  }, 600_000);

  test('answers of the chain are lost again and again, while what was sent arrives (X7, X10)', async ({
    signal,
  }) => {
    let over = false;
    const losing = (async () => {
      // Out of time, it must not go on and disturb the next one.
      while (!over && !signal.aborted) {
        for (const organisation of ORGANISATIONS) machine.peers[organisation].mute(true);
        await sleep(1500);
        for (const organisation of ORGANISATIONS) machine.peers[organisation].mute(false);
        await sleep(500);
      }
    })();
    try {
      await work();
    } finally {
      over = true;
      await losing;
    }
    figures.answersLost = await machine.oracle({ settled: soak });
  }, 600_000);
});

describe('a key of the running machine is replaced', () => {
  const kept = (name: string): string => join(machine.dataDir, name);
  /** What a person takes away with them. */
  const beside = (name: string): string => join(dirname(machine.dataDir), name);
  const trustFile = (): string => kept('members/association/trust.json');
  const trust = () => readEvidenceTrust(readFileSync(trustFile()));
  const alarms = async () =>
    (
      await Promise.all(
        Object.values(machine.run().members ?? {}).map(
          async (url) => ((await (await fetch(`${url}/status`)).json()) as { alarms: unknown[] }).alarms,
        ),
      )
    ).flat();
  /** Waits until a member has cosigned all that there is. */
  async function untilCosignedBy(organisation: Organisation): Promise<void> {
    await machine.atRest();
    const { size } = await machine.backlog();
    const cosigned = () => cosignedSize(machine.run().fabric.profile, organisation);
    await expect.poll(cosigned, { timeout: 60_000, interval: 500 }).toBeGreaterThanOrEqual(size);
  }
  /** Evidence of the first case, as a person asks for it. */
  async function evidenceNow(): Promise<Evidence> {
    const [row] = await machine.owner<
      { number: string }[]
    >`select number from cases order by opened_at limit 1`;
    const file = beside(`evidence-${++seeds}.zip`);
    const { code, err } = await machine.rehab('evidence', row?.number ?? '', '-o', file);
    if (code !== 0) throw new Error(err);
    return readEvidence(unpackEvidence(new Uint8Array(readFileSync(file))));
  }
  const judged = async (evidence: Evidence) => (await checkEvidence(evidence, trust(), NODE_CRYPTO)).verdict;

  test('the log’s, while people work: nobody is refused, nothing is started again, and what both keys signed holds (K5)', async () => {
    await (await applicationForm()).send();
    await machine.atRest();
    const before = {
      pids: machine.stackPids(),
      seed: logSeed(machine.dataDir),
      evidence: await evidenceNow(),
    };
    const working = work();
    const rotated = await machine.rehab('keys', 'rotate', 'log');
    expect({ code: rotated.code, err: rotated.err }).toMatchObject({ code: 0 });
    await working;
    await (await applicationForm()).send();
    expect(machine.stackPids()).toEqual(before.pids);
    const { key, former, until } = JSON.parse(rotated.out) as { key: string; former: string; until: number };
    expect(former).toBe(logKeyOf(before.seed));
    expect(key).toBe(logKeyOf(logSeed(machine.dataDir)));
    expect(trust()).toMatchObject({ log: key, former: [{ of: 'log', key: former, until }] });
    const after = await machine.oracle({ settled: soak });
    expect(after.entries).toBeGreaterThan(until);
    const brought = await machine.rehab('verify', '--json', '--no-histories', '--trust', trustFile());
    expect(JSON.parse(brought.out)).toMatchObject({ status: 'sound', findings: [] });
    for (const organisation of ORGANISATIONS) await untilCosignedBy(organisation);
    await expect.poll(alarms, { timeout: 60_000, interval: 500 }).toEqual([]);

    // The old key is stolen now: what it signed up to its end holds, and nothing larger (X21).
    const newer = await evidenceNow();
    expect([await judged(before.evidence), await judged(newer)]).toEqual(['holds', 'holds']);
    expect(await judged(await evidenceSignedBy(newer, before.seed))).toBe('refused');
    await expect(appendWith(machine.run().fabric.profile, before.seed)).rejects.toMatchObject({
      code: 'WRONG_SIGNATURE',
    });
    const folder = beside('export');
    const checked = async () =>
      JSON.parse((await machine.rehab('verify', '--json', '--export', folder, '--trust', trustFile())).out);
    expect(await checked()).toMatchObject({ status: 'sound', findings: [] });
    expect(await signExport(folder, before.seed)).toBeGreaterThan(until);
    expect(await checked()).toMatchObject({
      status: 'tampered',
      findings: [expect.objectContaining({ kind: 'forged-checkpoint' })],
    });
    figures.replaced = { until, ...after };
  }, 300_000);

  test('a replacement that is killed is finished by the same command, and until then people work and entries wait', async () => {
    const cutOff = await machine.killedAt(
      kept('keys/replacement.json'),
      'keys',
      'rotate',
      'witness',
      '--org',
      'administration',
    );
    const before = await machine.backlog();
    await (await applicationForm()).send();
    if (cutOff) expect((await machine.backlog()).size).toBe(before.size);
    const again = await machine.rehab('keys', 'rotate', 'witness', '--org', 'administration');
    expect({ code: again.code, err: again.err }).toMatchObject({ code: 0 });
    const { key } = JSON.parse(again.out) as { key: string };
    expect(trust().witnesses.administration).toBe(key);
    await work();
    await machine.atRest();
    // It cosigns with the new key: the chain takes no other.
    await untilCosignedBy('administration');
    await expect.poll(alarms, { timeout: 60_000, interval: 500 }).toEqual([]);
  }, 300_000);
});

// After the keys: whoever ends a key within that hour ends it, by the authority's clock, before the acts that it signed.
describe('clocks', () => {
  test('the clock of web, worker and ledger is an hour ahead, and steps back an hour while people work', async () => {
    // Forward first: before the service's certificate began, verification rightly takes no signature of it.
    const ours = ['web', 'worker', 'ledger'] as const;
    await Promise.all(ours.map((name) => machine.setClock(name, 3_600_000)));
    await work();
    await Promise.all(ours.map((name) => machine.setClock(name, 0)));
    await work();
    const { notes, ...figure } = await machine.oracle({ settled: soak });
    figures.clock = figure;
    // Nothing was changed, so verification is sound; that the clock stepped back it says all the same (U5).
    expect(notes).toContainEqual(expect.objectContaining({ kind: 'clock-stepped-back' }));
  }, 600_000);
});

describe('the service’s certificate nears its end', () => {
  const certPath = () => join(machine.dataDir, 'fabric/operator/service/cert.pem');
  const named = (pem: string) => certificateKeyId(new X509Certificate(pem));
  /** Under which certificate the service signed the entry of the newest act. */
  async function signedUnder(key: string): Promise<string> {
    const [row] = await machine.owner<{ key_id: string }[]>`
      select e.key_id from audit_entries e join operations o on o.entry_id = e.id where o.id = ${key}`;
    return row?.key_id ?? '';
  }
  async function act(): Promise<string> {
    const { key, send } = await applicationForm();
    await send();
    return await signedUnder(key);
  }
  /** Certificates of the hospital's authority last so long from now on. */
  async function lasting(from: string, to: string): Promise<void> {
    const path = join(machine.dataDir, 'fabric/organisations/hospital/ca/fabric-ca-server-config.yaml');
    writeFileSync(path, readFileSync(path, 'utf8').replace(`expiry: ${from}`, `expiry: ${to}`));
    await machine.strike('ca-hospital');
  }

  test('it is renewed while people work, and they go on past its end: nothing is started again (X20)', async () => {
    const first = readFileSync(certPath(), 'utf8');
    const former = join(dirname(certPath()), `former-${named(first)}.pem`);
    copyFileSync(certPath(), former);
    likeItsFolder(former);
    await lasting('8760h', '1h');
    const short = await certified(machine.dataDir);
    writeFileSync(certPath(), short);
    const end = new X509Certificate(short).validToDate.getTime();
    // It is taken over within a second.
    await expect.poll(act, { timeout: 60_000 }).toBe(named(short));

    await lasting('1h', '8760h');
    const pids = machine.stackPids();
    const renewed = await machine.rehab('keys', 'renew');
    expect({ code: renewed.code, err: renewed.err }).toMatchObject({ code: 0 });
    expect(JSON.parse(renewed.out)).toEqual({ renewed: ['service of hospital'] });
    const next = named(readFileSync(certPath(), 'utf8'));
    await expect.poll(act, { timeout: 60_000 }).toBe(next);

    // The authority rounds to minutes: a good hour later the short one has ended.
    const later = 3_700_000;
    const ours = ['web', 'worker', 'ledger'] as const;
    await Promise.all(ours.map((name) => machine.setClock(name, later)));
    expect(Date.now() + later).toBeGreaterThan(end);
    expect(await act()).toBe(next);
    await Promise.all(ours.map((name) => machine.setClock(name, 0)));
    expect(machine.stackPids()).toEqual(pids);
  }, 300_000);
});

test('every key file of the machine stands in docs/keys.md, once, with its algorithm (K1)', () => {
  const named = namedKeys();
  const files = keyFilesIn(machine.dataDir);
  expect(files.filter(({ path }) => !named.some((one) => one.is(path)))).toEqual([]);
  for (const { path, algorithm } of files) {
    const [first] = named.filter((one) => one.is(path));
    // What is public may be anybody's.
    if (algorithm && first?.algorithm !== 'public')
      expect([path, first?.algorithm]).toEqual([path, expect.stringContaining(algorithm)]);
  }
  // There only while a key is replaced.
  const passing = ['keys/log-next', 'keys/replacement.json', 'members/ORG/witness-next.pem'];
  const unseen = named.filter((one) => !files.some(({ path }) => one.is(path)));
  expect(unseen.map(({ pattern }) => pattern).filter((one) => !one.includes('/former-'))).toEqual(passing);
});

test('after all of it nothing is orphaned, and no process was started by hand', async () => {
  figures.end = await machine.oracle({ settled: true });
}, 300_000);
