// Bench, part of `ledger`: entries that persons signed, built by the product's own functions under keys that their member certified,
// and written nowhere. What checking them costs as a whole, against the bare work that SECURITY.md's floor G12 allows for it.
import { hash, randomBytes, randomUUID, verify, X509Certificate } from 'node:crypto';
import { insert } from '../db/change.ts';
import { derFromP1363 } from '../ledger/der.ts';
import { envelopeBytes, signatureBytes } from '../ledger/envelope.ts';
import { seal } from '../ledger/record-key.ts';
import { writingOf } from '../ledger/recorded.ts';
import { type CheckContext, type CheckTools, checkEntry, type GivenEntry } from '../ledger/verify-check.ts';
import { type Figure, figure } from './figure.ts';
import type { BenchMachine } from './machine.ts';
import { each, interleaved } from './rounds.ts';

/** Sessions that so many therapists signed. */
const SESSIONS = 4000;
const THERAPISTS = 8;

/** An entry, and what its two signatures are over in the forms that are quickest for bare checks. */
interface Signed extends GivenEntry {
  readonly person: { readonly bytes: Uint8Array; readonly der: Uint8Array; readonly fingerprint: string };
}

/** `contextOf` is asked when the therapists' certificates are recorded. */
export async function personallySigned(
  bench: BenchMachine,
  rounds: number,
  service: X509Certificate,
  contextOf: () => Promise<CheckContext>,
  tools: CheckTools,
): Promise<Figure> {
  const sample = await sessions(bench);
  const context = await contextOf();
  const keys = new Map(
    context.certificates.map(({ fingerprint, pem }) => [fingerprint, new X509Certificate(pem).publicKey]),
  );
  const demand = (holds: boolean): void => {
    if (!holds) throw new Error('signature of the sample does not hold');
  };
  const bare = sample.map((one, at) => ({
    ...one,
    der: derFromP1363(one.entry.signature),
    key: keys.get(one.person.fingerprint),
    again: at % 10 < 3,
  }));
  const measured = await interleaved(
    rounds,
    each(sample, (one) => {
      const { signed, faults, told } = checkEntry(one, context, tools);
      demand(signed && faults.length === 0 && told?.person === 'signed');
    }),
    each(bare, ({ entry, der, key, person, again }) => {
      for (let times = 0; times < 4; times++) hash('sha256', entry.body, 'buffer');
      // 1.3 times: each once, and three of ten once more.
      for (let times = again ? 2 : 1; times > 0; times--) {
        demand(verify('sha256', entry.body, service.publicKey, der));
        demand(key !== undefined && verify('sha256', person.bytes, key, person.der));
      }
    }),
  );
  return figure({
    bench: 'ledger',
    concurrency: 1,
    unit: 'per second and core',
    figure: 'whole entries that persons signed',
    value: measured.ours.perSecond,
    n: measured.ours.n,
    peer: { is: 'bare, 4 × SHA-256 and 1.3 × both signatures', value: measured.peer.perSecond },
    goal: { of: 'ratio', sign: '>=', bound: 1 },
  });
}

/** Sessions of one case as its therapists would sign them. */
async function sessions(bench: BenchMachine): Promise<Signed[]> {
  const { recorder } = bench.recorder('web', 2);
  const { keys, keyStore } = bench.machine.secrets;
  const caseId = randomUUID();
  await keyStore.create('case', caseId);
  const key = await keys.of('case', caseId);
  const therapists = await bench.people('therapist', THERAPISTS);
  const made: Signed[] = [];
  for (let at = 0; at < SESSIONS; at++) {
    const asking = therapists[at % THERAPISTS] as (typeof therapists)[number]; // there are so many
    const operation = randomUUID();
    const now = recorder.now().toISOString();
    const act = await bench.signed({
      key: operation,
      action: 'record-session',
      asking,
      values: { choice: 'held', minutes: 45 },
      caseId,
      task: null,
    });
    const bytes = act && signatureBytes(act.signature.value);
    if (!act || !bytes) throw new Error('therapist of the bench has no key');
    const { entry } = await writingOf(
      recorder,
      {
        key: operation,
        action: 'record-session',
        inputDigest: act.envelope.input,
        subject: { kind: 'case', id: caseId },
        actor: asking,
      },
      {
        event: 'session.recorded',
        personal: act,
        changes: [
          insert('statements', {
            id: randomUUID(),
            caseId,
            sealed: Buffer.from(seal(key, randomBytes(400), 'bench')).toString('base64'),
            sha256: act.envelope.statement,
            language: act.statement.language,
            at: now,
          }),
        ],
        answer: { kind: 'done' },
      },
      { kind: 'case', id: caseId },
      null,
      now,
    );
    made.push({
      key: key.digest,
      entry: {
        id: entry.entry,
        subjectKind: entry.kind,
        subjectId: entry.id,
        subjectVersion: entry.version,
        event: entry.event,
        personId: entry.person,
        at: entry.at,
        body: Buffer.from(entry.body),
        signature: Buffer.from(entry.signature, 'hex'),
        keyId: entry.keyId,
        statedBy: 0,
        writtenBy: 0,
      },
      person: {
        bytes: envelopeBytes(act.envelope),
        der: derFromP1363(bytes),
        fingerprint: act.signature.certificate,
      },
    });
  }
  return made;
}
