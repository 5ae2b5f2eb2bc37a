// The evidence file from a case's page: offered to auditors, officers, the patient and who stands for them, and to nobody else; the look
// is recorded before it is made; it opens what this reader may see.
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evidenceFile } from '../../bin/evidence.ts';
import { LOG_ORIGIN } from '../../domain/consortium.ts';
import { keyIdOf } from '../../ledger/checkpoint.ts';
import { readEvidence } from '../../ledger/evidence/format.ts';
import { unpackEvidence } from '../../ledger/evidence/zip.ts';
import { nodeHashing } from '../../ledger/record-key.ts';
import { createSequencer } from '../../ledger/sequencer.ts';
import { ed25519Raw } from '../../ledger/signing.ts';
import { onDatabase, submit } from '../support/stories.ts';
import { createWebWorld, type WebWorld } from '../support/web-world.ts';

let w: WebWorld;
let caseId: string;
beforeAll(async () => {
  w = await createWebWorld({
    evidence: (world) => (id, options) =>
      evidenceFile(
        {
          db: world.web.db,
          keys: world.recorder.keys,
          parameters: world.parameters.set,
          serviceCertificates: [],
          cosignatures: async () => [],
          revocations: async () => [],
          blocks: async () => [],
          now: () => new Date(),
        },
        id,
        options,
      ),
  });
  caseId = (await submit(onDatabase(w), 'patient')).caseId;
});
afterAll(async () => {
  await w.close();
});

async function sequence(): Promise<void> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const publicKey = ed25519Raw(createPublicKey(privateKey));
  const options = {
    url: w.fresh.urls.ledger,
    signer: {
      name: LOG_ORIGIN,
      keyId: keyIdOf(LOG_ORIGIN, publicKey, nodeHashing.hash),
      publicKey,
      sign: (message: Uint8Array) => sign(null, message, privateKey),
    },
    now: () => new Date(),
  };
  const sequencer = createSequencer(options);
  while ((await sequencer.once()).taken > 0);
  await sequencer.close();
}

const looks = async (name: string): Promise<number> =>
  (
    await w.worker.sql<{ n: number }[]>`
      select count(*)::int as n from disclosures where view = 'evidence' and person_id = ${w.as(name).id}`
  )[0]?.n ?? 0;

describe('/cases/ID/evidence', () => {
  it('says so while nothing is in the log, and then gives the file', async () => {
    const b = await w.signIn('auditor');
    const early = await b.get(`/cases/${caseId}/evidence`);
    expect([early.status, early.headers.get('retry-after')]).toEqual([503, '5']);
    const said = await early.text();
    expect(said).toContain('has its place in the public log yet');
    expect(said).toContain(`href="/cases/${caseId}/evidence"`);
    await sequence();
    const answer = await b.get(`/cases/${caseId}/evidence`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/zip');
    expect(answer.headers.get('content-disposition')).toMatch(
      /^attachment; filename="evidence-RC-[\w-]+\.zip"$/,
    );
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const evidence = readEvidence(unpackEvidence(new Uint8Array(await answer.arrayBuffer())));
    expect(evidence.entries.length).toBeGreaterThan(0);
    expect(await looks('auditor')).toBe(1);
  });

  it('opens to each reader what the pages show them', async () => {
    const opened = async (name: string) => {
      const b = await w.signIn(name);
      const bytes = new Uint8Array(await (await b.get(`/cases/${caseId}/evidence`)).arrayBuffer());
      return new Set(
        readEvidence(unpackEvidence(bytes)).entries.flatMap(({ openings }) =>
          openings.map(({ table, column }) => `${table}.${column}`),
        ),
      );
    };
    expect(await opened('officerA')).toContain('applications.reason');
    expect(await opened('patient')).toContain('applications.reason');
    expect(await opened('auditor')).not.toContain('applications.reason');
    expect(await opened('auditor')).toContain('cases.state');
    expect(await looks('officerA')).toBe(1);
    // People looking at their own data disclose nothing to anybody.
    expect(await looks('patient')).toBe(0);
  });

  it.each(['therapistA', 'doctor', 'administrator', 'referrer'])(
    'refuses %s, and writes that down',
    async (name) => {
      const b = await w.signIn(name);
      expect((await b.get(`/cases/${caseId}/evidence`)).status).toBe(403);
      const [row] = await w.worker.sql`
      select count(*)::int as n from refusals where action = 'case.evidence' and person_id = ${w.as(name).id}`;
      expect(row?.n).toBe(1);
      expect(await (await b.get(name === 'referrer' ? '/my' : `/cases/${caseId}`)).text()).not.toContain(
        '/evidence',
      );
    },
  );

  it('a foreign case is unknown to a patient', async () => {
    await w.addPerson('stranger', 'patient');
    const b = await w.signIn('stranger');
    expect((await b.get(`/cases/${caseId}/evidence`)).status).toBe(404);
  });

  it('is linked from the case and from the patient’s own page', async () => {
    const link = `href="/cases/${caseId}/evidence"`;
    for (const [name, page] of [
      ['auditor', `/cases/${caseId}`],
      ['officerA', `/cases/${caseId}`],
      ['patient', '/my'],
    ] as const) {
      const b = await w.signIn(name);
      expect([name, (await (await b.get(page)).text()).includes(link)]).toEqual([name, true]);
    }
  });

  it('is not made without end: a person who asks too often is told to wait', async () => {
    const b = await w.signIn('officerB');
    const statuses: number[] = [];
    for (let i = 0; i < 11; i++) statuses.push((await b.get(`/cases/${caseId}/evidence`)).status);
    expect(statuses.slice(0, 10)).toEqual(Array(10).fill(200));
    expect(statuses[10]).toBe(429);
  });
});
