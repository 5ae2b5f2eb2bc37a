// Test support: a world whose decisions are signed by persons with certificates, sequenced, and cosigned by three witnesses; and the
// trust under which its evidence is judged. Everything is real but the authorities, which are as small as one can be.
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { createVerbs } from '../../activities/create.ts';
import { caseEvidence, type EvidenceFrom, evidenceFile } from '../../bin/evidence.ts';
import { blocksFor } from '../../bin/evidence-sources.ts';
import { logSigner } from '../../bin/log-keys.ts';
import { insert } from '../../db/change.ts';
import { connect } from '../../db/connection.ts';
import { readActValues } from '../../domain/acts.ts';
import {
  CHANNEL,
  LOG_ORIGIN,
  ORGANISATIONS,
  type Organisation,
  witnessName,
} from '../../domain/consortium.ts';
import { needsSignature } from '../../domain/events.ts';
import { signedContext } from '../../domain/operation-key.ts';
import { toHex } from '../../ledger/bytes.ts';
import { canonicalBytes } from '../../ledger/canonical.ts';
import { fingerprintOf, readCertificate } from '../../ledger/certificates.ts';
import { formatVerifierKey, parseNote } from '../../ledger/checkpoint.ts';
import {
  cosignatureLine,
  formatWitnessKey,
  withCosignatures,
  witnessKeyIdOf,
} from '../../ledger/cosignature.ts';
import { p1363FromDer } from '../../ledger/der.ts';
import { envelopeBytes, signatureValue } from '../../ledger/envelope.ts';
import type { Evidence, EvidenceTrust } from '../../ledger/evidence/format.ts';
import { envelopeFor } from '../../ledger/personal.ts';
import { nodeHashing, seal } from '../../ledger/record-key.ts';
import { NO_FACTS, recorded } from '../../ledger/recorded.ts';
import { createSequencer } from '../../ledger/sequencer.ts';
import { ed25519Raw, entrySigner } from '../../ledger/signing.ts';
import { statementText } from '../../ledger/statement.ts';
import { text } from '../../web/text/text.ts';
import { UPDATE_NAMES } from '../../workflows/messages.ts';
import { spki, testAuthority } from '../support/authority.ts';
import { type Answer, createWorld } from '../support/case-world.ts';
import { STORIES, type Stage, type Story } from '../support/stories.ts';
import { testChannel } from './channel.ts';

interface Signing {
  readonly key: KeyObject;
  readonly fingerprint: string;
}

export type EvidenceWorld = Awaited<ReturnType<typeof createEvidenceWorld>>;

export async function createEvidenceWorld() {
  const authorities = Object.fromEntries(
    ORGANISATIONS.map((name) => [name, testAuthority(`authority of the ${name}`)]),
  ) as Record<Organisation, ReturnType<typeof testAuthority>>;
  const service = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const serviceCertificate = authorities.hospital.issue({
    publicKey: spki(service.publicKey),
    name: 'service',
    attributes: { 'rehab.service': 'true' },
  });
  const world = await createWorld(undefined, { signer: entrySigner(service.privateKey, serviceCertificate) });
  const web = connect(world.fresh.urls.web, { max: 2, name: 'test-web' });
  world.onClose(() => web.close());
  const roots = Object.fromEntries(ORGANISATIONS.map((name) => [name, [authorities[name].root]]));
  const verbs = createVerbs({ ...world.deps, roots, note: (error) => console.info(error) });
  const signer = logSigner(randomBytes(32));
  const options = { url: world.fresh.urls.ledger, signer, now: () => new Date() };
  const sequencer = createSequencer(options);
  const witness = (organisation: Organisation) => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const name = witnessName(organisation);
    const publicKey = ed25519Raw(privateKey);
    const keyId = witnessKeyIdOf(name, publicKey, nodeHashing.hash);
    return { name, keyId, publicKey, sign: (message: Uint8Array) => sign(null, message, privateKey) };
  };
  const witnesses = {
    administration: witness('administration'),
    hospital: witness('hospital'),
    association: witness('association'),
  };
  const trust: EvidenceTrust = {
    origin: LOG_ORIGIN,
    log: formatVerifierKey(signer.name, signer.publicKey, nodeHashing.hash),
    witnesses: Object.fromEntries(
      ORGANISATIONS.map((name) => [
        name,
        formatWitnessKey(witnesses[name].name, witnesses[name].publicKey, nodeHashing.hash),
      ]),
    ),
    roots: Object.fromEntries(ORGANISATIONS.map((name) => [name, authorities[name].root])),
    channel: CHANNEL,
    genesis: '0'.repeat(64),
  };

  const keys = new Map<string, Signing>();
  /** A person's key and certificate, given by the hospital's authority and recorded. */
  async function signingOf(name: string): Promise<Signing> {
    const known = keys.get(name);
    if (known) return known;
    const { id, role } = world.as(name);
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const pem = authorities.hospital.issue({
      publicKey: spki(publicKey),
      name: id,
      attributes: { 'rehab.person': id, 'rehab.role': role },
    });
    const certificate = readCertificate(pem);
    if (!certificate) throw new Error('certificate cannot be read');
    const fingerprint = fingerprintOf(certificate, nodeHashing.hash);
    await recorded(
      { ...world.recorder, sql: web.sql },
      {
        key: `certificate-${fingerprint}`,
        action: 'certificate.issue',
        inputDigest: fingerprint,
        subject: { kind: 'person', id },
        actor: { person: id, role },
      },
      NO_FACTS,
      (_, { at, newId }) => ({
        event: 'certificate.issued',
        changes: [
          insert('certificates', {
            id: newId(),
            fingerprint,
            personId: id,
            organisation: 'hospital',
            role,
            pem,
            notBefore: certificate.notBefore,
            notAfter: certificate.notAfter,
            issuedAt: at,
            revokedAt: null,
            revocationReason: null,
          }),
        ],
        answer: { kind: 'issued' },
      }),
    );
    const made = { key: privateKey, fingerprint };
    keys.set(name, made);
    return made;
  }

  const stage: Stage = {
    world,
    async act(by, action, values, to) {
      const request = await world.request(by, action, values, { ...to, signed: null });
      let signed: string | undefined;
      if (needsSignature(action)) {
        const signing = await signingOf(by);
        const key = await world.recorder.keys.of('case', request.caseId);
        const at = new Date().toISOString();
        const statement = statementText({
          sentence: `I do this: ${action}`,
          lines: [['Case', request.caseId]],
          salt: randomBytes(16).toString('base64url'),
        });
        const read = readActValues(action, JSON.parse(JSON.stringify(values)));
        if ('faults' in read) throw new Error('values cannot be read');
        const envelope = envelopeFor(key, request, {
          certificate: signing.fingerprint,
          statement,
          values: read.values,
          at,
          parameters: world.recorder.parameters,
        });
        const signature = {
          certificate: signing.fingerprint,
          value: signatureValue(p1363FromDer(sign('sha256', envelopeBytes(envelope), signing.key))),
        };
        const act = { statement: { text: statement, language: 'en' }, envelope, signature };
        const context = signedContext(request.caseId, action, request.key);
        signed = Buffer.from(seal(key, Buffer.from(JSON.stringify(act)), context)).toString('base64');
      }
      const verb = verbs[UPDATE_NAMES[action]] as (asked: unknown) => Promise<Answer>;
      return await verb(signed ? { ...request, signed } : request);
    },
  };

  const channel = testChannel(authorities);
  const { set: limits } = world.parameters;
  channel.record(limits.version, toHex(nodeHashing.hash(canonicalBytes(limits))));
  let anchored = 0;
  const from: EvidenceFrom = {
    db: world.worker.db,
    keys: world.recorder.keys,
    parameters: world.parameters.set,
    serviceCertificates: [serviceCertificate],
    cosignatures: async () => [],
    revocations: async () => ORGANISATIONS.map((name) => authorities[name].crl()),
    blocks: (indexes, versions) => blocksFor(indexes, versions, channel.height, channel.block),
    now: () => new Date('2026-11-23T12:00:00.000Z'),
  };

  return {
    world,
    stage,
    trust,
    authorities,
    signer,
    from,
    channel,
    anchored: async () => anchored,
    serviceCertificate,
    /** Does these stories and sequences what they left. */
    async live(stories: readonly Story[]): Promise<string[]> {
      const cases: string[] = [];
      for (const story of stories) cases.push(await STORIES[story](stage));
      while ((await sequencer.once()).taken > 0);
      const rows = await world.worker.sql<{ leaf_hash: Uint8Array }[]>`
        select leaf_hash from log_leaves where index >= ${anchored} order by index`;
      channel.anchor(
        anchored,
        rows.map(({ leaf_hash }) => leaf_hash),
      );
      anchored += rows.length;
      return cases;
    },
    /** The checkpoint's note with these members' cosignatures. */
    async cosign(note: string, by: readonly Organisation[] = ORGANISATIONS): Promise<string> {
      const { text: said } = parseNote(note);
      const at = Math.floor(Date.now() / 1000);
      const lines = await Promise.all(
        by.map((name) => cosignatureLine(said, witnesses[name], at, witnesses[name].sign)),
      );
      return withCosignatures(note, lines);
    },
    /** The members' cosignatures of the newest checkpoint, as their chain would list them. */
    async cosignatures() {
      const [newest] = await world.worker.sql<{ size: string; note: string }[]>`
        select size, note from log_checkpoints order by size desc limit 1`;
      if (!newest) throw new Error('the log has no checkpoint');
      const whole = await this.cosign(newest.note);
      const lines = whole.slice(newest.note.length).trimEnd().split('\n');
      return lines.map((line) => ({ size: Number(newest.size), line }));
    },
    /** A case's evidence, cosigned. */
    async evidence(caseId: string, care = true): Promise<Evidence> {
      const made = await caseEvidence(from, caseId, care);
      if (!made) throw new Error('nothing of the case is in the log');
      return { ...made, checkpoint: await this.cosign(made.checkpoint) };
    },
    async file(caseId: string) {
      const made = await evidenceFile(from, caseId, { care: true, t: text('en', 'Europe/Berlin') });
      if (!made) throw new Error('nothing of the case is in the log');
      return made;
    },
    async close() {
      await sequencer.close();
      await world.close();
    },
  };
}
