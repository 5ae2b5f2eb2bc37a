// Verification with the histories of cases that were really lived through Temporal, in the same run as the database, the log and the
// chain: every generated change of a history is named at its case and Update, one at a time, and what is sound is not.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import {
  compareHistories,
  digestWith,
  type HistoryReader,
  readCase,
  temporalReader,
} from '../../bin/replay/histories.ts';
import { plainHistory } from '../../bin/replay/plain-history.ts';
import { type RecordedActs, type RecordedCase, recordedActs } from '../../bin/replay/recorded-acts.ts';
import { TEMPORAL_NAMESPACE } from '../../domain/consortium.ts';
import { caseWorkflowId } from '../../domain/ids.ts';
import type { Finding, VerifyReport } from '../../ledger/verify.ts';
import { continuedCase } from '../support/continued-case.ts';
import { HISTORY_WAYS, type Kept, keptReader } from '../support/mutate-histories.ts';
import { type Place, seeded } from '../support/mutation.ts';
import { onTemporal, STORIES, type Stage, type Story, submit } from '../support/stories.ts';
import { createTemporalWorld, type TemporalWorld } from '../support/temporal-world.ts';
import { createVerifyWorld, placeOf, type VerifyWorld } from '../support/verify-world.ts';

/** Chosen by a seed, so that a failure can be repeated; another seed by REHAB_TEST_SEED. */
const SEED = Number(process.env.REHAB_TEST_SEED ?? 20261123);
/** Each way at so many places. */
const PLACES = 3;

let temporal: TemporalWorld;
let stage: Stage;
let world: VerifyWorld;
let recorded: RecordedActs;
let kept: Kept;
let facts: ReadonlyMap<string, RecordedCase>;
let sound = 0;

/** Verifies everything, the histories as this reader has them. */
async function verified(
  reader: HistoryReader,
  { url, settleMs = 0 }: { url?: string; settleMs?: number } = {},
): Promise<VerifyReport> {
  const acts = url === undefined ? recorded : recordedActs(url);
  const { converter } = temporal;
  const digestOf = digestWith(temporal.recorder.keys);
  try {
    return await world.verify({
      ...(url === undefined ? {} : { url }),
      change: {
        histories: () =>
          compareHistories({
            reader,
            converter,
            recorded: acts,
            digestOf,
            settleMs,
            progress: () => undefined,
          }),
      },
    });
  } finally {
    if (acts !== recorded) await acts.close();
  }
}

const live = () => temporalReader(temporal.client, temporal.taskQueue);

/** An act is recorded before Temporal has its answer: a sound run waits for that, as `rehab verify` does. */
async function expectSound(reader: HistoryReader): Promise<void> {
  await world.anchor();
  expect((await verified(reader, { settleMs: 20_000 })).findings).toEqual([]);
  sound += 1;
}

beforeAll(async () => {
  temporal = await createTemporalWorld({
    parameters: JSON.stringify({
      version: 'test-seconds',
      clocks: { 'appeal-period': { unit: 'seconds', length: 2 } },
    }),
  });
  stage = onTemporal(temporal);
  world = await createVerifyWorld(temporal);
  recorded = recordedActs(temporal.fresh.urls.verify);
  for (const story of Object.keys(STORIES) as Story[]) {
    if (story === 'refused' || story === 'appealed') continue; // below
    await STORIES[story](stage);
  }
  // Refused, and final when the appeal period has ended; one of them is opened again.
  for (const again of [false, true]) {
    const caseId = await STORIES.refused(stage);
    await temporal.client.workflow.getHandle(caseWorkflowId(caseId)).result();
    if (again) await stage.act('officerB', 'reopen', { reasons: 'New findings' }, { caseId });
  }
  await continuedCase(temporal, stage);
  await expectSound(live());
  // As they are read, without their encryption.
  facts = await recorded.all();
  const listed = await live().runs(undefined);
  kept = new Map();
  for (const caseId of facts.keys()) {
    const { histories } = await readCase(
      { reader: live(), converter: temporal.converter },
      caseId,
      listed.get(caseId) ?? [],
    );
    const plain = histories.map(async ({ runId, history }) => {
      const { events } = await plainHistory(history, temporal.converter);
      return [runId, { events: events ?? [] }] as const;
    });
    kept.set(caseId, new Map(await Promise.all(plain)));
  }
});
afterAll(async () => {
  await recorded.close();
  // The world that it verifies is closed with it.
  await world.close();
});

const fits = (finding: Finding, place: Place): boolean =>
  Object.entries(place).every(([field, value]) => finding[field as keyof Finding] === value);

describe(`histories changed, one at a time (seed ${SEED})`, () => {
  const told = new Map<string, { made: number; found: number; located: number }>();
  const choose = seeded(SEED);
  const all = HISTORY_WAYS.flatMap((way) =>
    Array.from({ length: PLACES }, (_, n) => [`${way.name} (${n + 1})`, way, choose(2 ** 31)] as const),
  );

  test('unchanged they are sound', async () => {
    await expectSound(keptReader(kept));
    expect((await verified(keptReader(kept))).counts.cases).toBe(kept.size);
  });

  test.each(all)('%s', async (_, way, seed) => {
    const count = told.get(way.kind) ?? { made: 0, found: 0, located: 0 };
    told.set(way.kind, count);
    count.made += 1;
    // Cases and runs are changed, never what lies in them.
    const altered: Kept = new Map([...kept].map(([caseId, runs]) => [caseId, new Map(runs)]));
    const { finding, beside = [] } = way.change({ kept: altered, recorded: facts, choose: seeded(seed) });
    const { findings, status } = await verified(keptReader(altered));
    if (status === 'tampered') count.found += 1;
    expect(findings).toContainEqual(expect.objectContaining({ ...finding, disagrees: 'history' }));
    // Nothing may be said of a case, or of an Update, at which nothing was done.
    expect(findings.filter((one) => ![finding, ...beside].some((place) => fits(one, place)))).toEqual([]);
    expect(status).toBe('tampered');
    count.located += 1;
  });

  test('every one found and rightly located', () => {
    const sum = { made: 0, found: 0, located: 0 };
    for (const [kind, count] of told) {
      console.info(
        `histories, ${kind}: ${count.made} made, ${count.found} found, ${count.located} rightly located`,
      );
      for (const of of ['made', 'found', 'located'] as const) sum[of] += count[of];
    }
    console.info(`histories, all: ${sum.made} made, ${sum.found} found, ${sum.located} rightly located`);
    expect(sum.made).toBe(all.length);
    expect(sum).toMatchObject({ found: sum.made, located: sum.made });
  });
});

describe('on a Temporal that runs', () => {
  /** Runs Temporal's own command line, as an operator would. */
  async function operator(...args: string[]): Promise<void> {
    const { address, cli } = inject('temporal');
    await promisify(execFile)(cli, [...args, '--address', address, '--namespace', TEMPORAL_NAMESPACE]);
  }

  test('states one after another are sound, told apart by nothing', async () => {
    for (const story of ['withdrawn', 'papers', 'stumbling', 'appealed'] as const) {
      await STORIES[story](stage);
      await expectSound(live());
    }
    console.info(`histories: ${sound} sound states, none reported`);
  });

  test('what was changed in the database is told there, and the history stands against it', async () => {
    const caseId = await STORIES.withdrawn(stage);
    await expectSound(live());
    await world.onCopy(async (owner, url) => {
      const workflow = caseWorkflowId(caseId);
      await owner`update operations set answer = jsonb_set(answer, '{outcome}', '"approved"') where workflow_id = ${workflow} and action = 'withdraw'`;
      await owner`update cases set outcome = 'approved' where id = ${caseId}`;
      const { findings } = await verified(live(), { url });
      expect(findings.map(placeOf)).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ table: 'operations', column: 'answer', kind: 'edited' }),
          expect.objectContaining({ table: 'cases', row: caseId, column: 'outcome', kind: 'edited' }),
        ]),
      );
      for (const { store, disagrees, agree } of findings) {
        expect([store, disagrees]).toEqual(['postgres', 'postgres']);
        expect(agree).toContain('history');
      }
    });
  });

  test('a case that was terminated, an Update past the web, and a Temporal that is away are told', async () => {
    const { caseId } = await submit(stage);
    const workflow = caseWorkflowId(caseId);
    const request = await temporal.request('patient', 'withdraw', {}, { caseId });
    const input = JSON.stringify({ ...request, key: 'made-by-hand' });
    await operator(
      ...['workflow', 'update', 'start', '--wait-for-stage', 'accepted', '--workflow-id', workflow],
      ...['--name', 'withdrawApplication', '--update-id', 'made-by-hand', '--input', input],
    );
    await temporal.client.workflow.getHandle(workflow).getUpdateHandle('made-by-hand').result();
    await world.anchor();
    const raw = { store: 'history', table: workflow, row: 'made-by-hand', column: null, kind: 'inserted' };
    expect((await verified(live())).findings.map(placeOf)).toEqual([raw]);
    await operator('workflow', 'terminate', '--workflow-id', workflow, '--reason', 'test');
    const ended = { store: 'history', table: workflow, row: null, column: null, kind: 'truncated' };
    const { findings, status } = await verified(live());
    expect(findings.map(placeOf)).toEqual(expect.arrayContaining([raw, ended]));
    expect([findings.length, status]).toEqual([2, 'tampered']);

    const away = async () => {
      throw new Error('Temporal is away');
    };
    const unread = await verified({ runs: away, newest: away, history: away });
    expect(unread.status).toBe('unreadable');
    expect(unread.findings.map(placeOf)).toEqual([
      { store: 'history', table: null, row: null, column: null, kind: 'unreadable' },
    ]);
  });
});
