// The chaincode's keys, cosignatures and certificates over a map instead of a channel: who may say what, what counts with
// two of three, and what is refused with which code. The network's own tests run the same code behind real peers.
import { generateKeyPairSync, sign } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { LOG_ORIGIN, ORGANISATIONS, type Organisation, witnessName } from '../../domain/consortium.ts';
import {
  certificateOf,
  certificatesOf,
  certify,
  parametersOf,
  recordParameters,
  revoke,
} from '../../ledger/chaincode/certificates.ts';
import { cosign, cosignaturesAt, newestCosignatures } from '../../ledger/chaincode/cosignatures.ts';
import { listKeys, registerKey } from '../../ledger/chaincode/keys.ts';
import { append } from '../../ledger/chaincode/log.ts';
import { LogRefusal, type State } from '../../ledger/chaincode/state.ts';
import { parseNote } from '../../ledger/checkpoint.ts';
import {
  cosignatureLine,
  cosignedAt,
  formatWitnessKey,
  parseWitnessKey,
  withCosignatures,
} from '../../ledger/cosignature.ts';
import { createTestLog, crypto, ed25519, LOG_KEY, newLogKey, sha256, type TestLog } from './test-log.ts';

let map: Map<string, Uint8Array>;
let state: State;
let log: TestLog;

beforeEach(() => {
  map = new Map();
  state = {
    read: async (key) => map.get(key) ?? new Uint8Array(),
    write: async (key, value) => void map.set(key, value),
    async *scan(start, end) {
      for (const key of [...map.keys()].sort()) {
        if (key >= start && key < end) yield { key, value: map.get(key)! };
      }
    },
  };
  log = createTestLog();
});

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => 'done',
    (thrown: unknown) => thrown,
  );
  return error instanceof LogRefusal ? error.code : String(error);
}

function newWitness(name: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  const vkey = formatWitnessKey(name, raw, sha256);
  const key = parseWitnessKey(vkey, sha256);
  return {
    vkey,
    key,
    line: (text: string, at = 1_700_000_000) =>
      cosignatureLine(text, key, at, (message) => sign(null, message, privateKey)),
  };
}

/** Two organisations name the log's key and each witness's; the log grows to each of `sizes`. */
async function agreed(...sizes: number[]) {
  const witnesses = Object.fromEntries(
    ORGANISATIONS.map((of) => [of, newWitness(witnessName(of))]),
  ) as Record<Organisation, ReturnType<typeof newWitness>>;
  for (const by of ['administration', 'association'] as const) {
    await registerKey(state, by, 'log', LOG_ORIGIN, LOG_KEY.vkey, sha256);
    for (const of of ORGANISATIONS) await registerKey(state, by, 'witness', of, witnesses[of].vkey, sha256);
  }
  let from = 0;
  for (const to of sizes) {
    await log.grow(to - from);
    const { firstIndex, leaves, root, note } = await log.batch(from, to);
    const batch = {
      firstIndex,
      leaves: Buffer.concat(leaves),
      claimedRoot: Buffer.from(root).toString('hex'),
      note,
    };
    await append(state, batch, crypto);
    from = to;
  }
  return witnesses;
}

const textAt = (size: number) => parseNote(log.checkpointAt(size).note).text;

describe('keys', () => {
  test('one organisation alone puts no key in force, however often it says so; two do', async () => {
    const { vkey } = newLogKey();
    for (const _ of [1, 2, 3])
      expect(await registerKey(state, 'hospital', 'log', LOG_ORIGIN, vkey, sha256)).toMatchObject({
        vkey: null,
        proposals: { hospital: vkey },
      });
    const other = newLogKey().vkey;
    expect(await registerKey(state, 'association', 'log', LOG_ORIGIN, other, sha256)).toMatchObject({
      vkey: null,
    });
    await registerKey(state, 'administration', 'log', LOG_ORIGIN, vkey, sha256);
    expect(await listKeys(state)).toEqual([
      {
        kind: 'log',
        name: LOG_ORIGIN,
        vkey,
        former: [],
        proposals: { administration: vkey, association: other, hospital: vkey },
      },
    ]);
  });

  test('two replace a key, and the former one stays readable', async () => {
    await agreed(3);
    const next = newLogKey();
    await registerKey(state, 'hospital', 'log', LOG_ORIGIN, next.vkey, sha256);
    const { note } = await log.grow(2);
    const batch = await log.batch(3, 5);
    const call = {
      firstIndex: 3,
      leaves: Buffer.concat(batch.leaves),
      claimedRoot: Buffer.from(batch.root).toString('hex'),
      note: await next.signNote(parseNote(note).text),
    };
    // Named by one alone, the new key signs nothing yet.
    expect(await refusal(append(state, call, crypto))).toBe('WRONG_SIGNATURE');
    await registerKey(state, 'association', 'log', LOG_ORIGIN, next.vkey, sha256);
    expect(await refusal(append(state, { ...call, note }, crypto))).toBe('WRONG_SIGNATURE');
    expect(await refusal(append(state, call, crypto))).toBe('done');
    const [key] = await listKeys(state);
    expect(key).toMatchObject({ vkey: next.vkey, former: [LOG_KEY.vkey] });
  });

  test.each([
    ['a kind that is none', 'service', LOG_ORIGIN, LOG_KEY.vkey],
    ['a log key of another name', 'log', 'other/log', LOG_KEY.vkey],
    ['a log key as a witness', 'witness', 'hospital', LOG_KEY.vkey],
    ['a witness key as the log', 'log', 'rehab/witness/hospital', newWitness('rehab/witness/hospital').vkey],
    ['a witness of nobody', 'witness', 'nobody', newWitness('nobody').vkey],
    ['no key', 'log', LOG_ORIGIN, ''],
    [
      'a changed key',
      'log',
      LOG_ORIGIN,
      LOG_KEY.vkey.replace(/.=*$/, (end) => `${end[0] === 'A' ? 'B' : 'A'}${end.slice(1)}`),
    ],
  ])('%s is malformed', async (_, kind, name, vkey) => {
    expect(await refusal(registerKey(state, 'hospital', kind, name, vkey, sha256))).toBe('MALFORMED');
    expect(map.size).toBe(0);
  });
});

describe('cosignatures', () => {
  test('each organisation’s line over the chain’s own checkpoint is kept, once', async () => {
    const witnesses = await agreed(3, 5);
    for (const of of ['hospital', 'association'] as const) {
      const line = await witnesses[of].line(textAt(5));
      expect(await cosign(state, of, 5, line, crypto)).toEqual({
        at: 1_700_000_000,
        line,
        organisation: of,
        size: 5,
      });
      // A later line of the same witness changes nothing.
      const later = await witnesses[of].line(textAt(5), 1_800_000_000);
      expect((await cosign(state, of, 5, later, crypto)).line).toBe(line);
    }
    const kept = await cosignaturesAt(state, 5);
    expect(kept.map(({ organisation }) => organisation)).toEqual(['hospital', 'association']);
    expect(await newestCosignatures(state)).toEqual(kept);
    expect(await cosignaturesAt(state, 3)).toEqual([]);
    const note = withCosignatures(
      log.checkpointAt(5).note,
      kept.map(({ line }) => line),
    );
    expect(parseNote(note).signatures).toHaveLength(3);
    expect(
      withCosignatures(
        note,
        kept.map(({ line }) => line),
      ),
    ).toBe(note);
  });

  test('the line is C2SP tlog-cosignature: header, time and the checkpoint’s text are what is signed', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
    const id = sha256(Buffer.concat([Buffer.from('w.example\n\x04', 'latin1'), raw])).subarray(0, 4);
    const text = `log.example\n7\n${Buffer.alloc(32, 1).toString('base64')}\n`;
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(1_679_315_147n);
    const signed = sign(null, Buffer.from(`cosignature/v1\ntime 1679315147\n${text}`), privateKey);
    const written = `— w.example ${Buffer.concat([id, time, signed]).toString('base64')}`;
    const key = { name: 'w.example', keyId: id, publicKey: raw };
    expect(
      await cosignatureLine(text, key, 1_679_315_147, (message) => sign(null, message, privateKey)),
    ).toBe(written);
    expect(await cosignedAt(text, written, key, ed25519)).toBe(1_679_315_147);
    expect(formatWitnessKey('w.example', raw, sha256)).toBe(
      `w.example+${Buffer.from(id).toString('hex')}+${Buffer.concat([Buffer.of(4), raw]).toString('base64')}`,
    );
    for (let bit = 0; bit < 72 * 8; bit += 7) {
      const bytes = Buffer.concat([id, time, signed]);
      bytes[4 + (bit >> 3)]! ^= 1 << (bit & 7);
      const line = `— w.example ${bytes.toString('base64')}`;
      expect(await cosignedAt(text, line, key, ed25519)).toBeUndefined();
    }
  });

  test.each<
    [string, string, (w: Awaited<ReturnType<typeof agreed>>) => Promise<[Organisation, number, string]>]
  >([
    [
      'another organisation’s line',
      'WRONG_COSIGNATURE',
      async (w) => ['hospital', 5, await w.association.line(textAt(5))],
    ],
    [
      'a line over another size',
      'WRONG_COSIGNATURE',
      async (w) => ['hospital', 5, await w.hospital.line(textAt(3))],
    ],
    [
      'a line by a key of the same name',
      'WRONG_COSIGNATURE',
      async () => ['hospital', 5, await newWitness(witnessName('hospital')).line(textAt(5))],
    ],
    ['no line', 'WRONG_COSIGNATURE', async () => ['hospital', 5, '']],
    [
      'two lines',
      'WRONG_COSIGNATURE',
      async (w) => [
        'hospital',
        5,
        `${await w.hospital.line(textAt(5))}\n${await w.hospital.line(textAt(5))}`,
      ],
    ],
    [
      'a size at which no batch ended',
      'NOT_FOUND',
      async (w) => ['hospital', 4, await w.hospital.line(textAt(5))],
    ],
    [
      'a smaller size than the last',
      'SMALLER_SIZE',
      async (w) => {
        await cosign(state, 'hospital', 5, await w.hospital.line(textAt(5)), crypto);
        return ['hospital', 3, await w.hospital.line(textAt(3))];
      },
    ],
  ])('%s is refused: %s', async (_, code, make) => {
    const witnesses = await agreed(3, 5);
    const call = await make(witnesses);
    const before = new Map(map);
    expect(await refusal(cosign(state, ...call, crypto))).toBe(code);
    expect(map).toEqual(before);
  });

  test('a witness whose key nobody named cosigns nothing', async () => {
    for (const by of ['hospital', 'association'] as const)
      await registerKey(state, by, 'log', LOG_ORIGIN, LOG_KEY.vkey, sha256);
    await log.grow(3);
    const { leaves, root, note } = await log.batch(0, 3);
    const claimedRoot = Buffer.from(root).toString('hex');
    await append(state, { firstIndex: 0, leaves: Buffer.concat(leaves), claimedRoot, note }, crypto);
    const line = await newWitness(witnessName('hospital')).line(textAt(3));
    expect(await refusal(cosign(state, 'hospital', 3, line, crypto))).toBe('KEY_NOT_REGISTERED');
  });
});

describe('certificates', () => {
  const certificate = (digit: string) => ({
    fingerprint: digit.repeat(64),
    person: '00000000-0000-4000-8000-000000000001',
    role: 'therapist',
    notBefore: '2026-01-01T00:00:00.000Z',
    notAfter: '2027-01-01T00:00:00.000Z',
  });

  test('an organisation certifies and revokes its own; the same again is done, other facts are refused', async () => {
    const issued = await certify(state, 'hospital', certificate('a'));
    expect(issued).toEqual({ ...certificate('a'), organisation: 'hospital', revoked: null });
    expect(await certify(state, 'hospital', certificate('a'))).toEqual(issued);
    for (const change of [{ role: 'doctor' }, { notAfter: '2028-01-01T00:00:00.000Z' }])
      expect(await refusal(certify(state, 'hospital', { ...certificate('a'), ...change }))).toBe(
        'ALREADY_CERTIFIED',
      );
    // Another organisation can neither take the fingerprint for itself nor revoke it.
    expect(await refusal(certify(state, 'association', certificate('a')))).toBe('ALREADY_CERTIFIED');
    const at = '2026-06-01T00:00:00.000Z';
    expect(await refusal(revoke(state, 'association', 'a'.repeat(64), at, 'keyCompromise'))).toBe(
      'NOT_FOUND',
    );
    const revoked = { ...issued, revoked: { at, reason: 'keyCompromise' } };
    expect(await revoke(state, 'hospital', 'a'.repeat(64), at, 'keyCompromise')).toEqual(revoked);
    expect(await revoke(state, 'hospital', 'a'.repeat(64), at, 'keyCompromise')).toEqual(revoked);
    expect(await refusal(revoke(state, 'hospital', 'a'.repeat(64), at, 'superseded'))).toBe(
      'ALREADY_REVOKED',
    );
    // Certifying it again does not take the revocation back.
    expect(await certify(state, 'hospital', certificate('a'))).toEqual(revoked);
    expect(await certificateOf(state, 'a'.repeat(64))).toEqual(revoked);
    expect(await certificateOf(state, 'b'.repeat(64))).toBeUndefined();
  });

  test('an organisation’s certificates are listed in pages', async () => {
    for (const digit of ['c', 'a', 'e']) await certify(state, 'hospital', certificate(digit));
    await certify(state, 'association', certificate('b'));
    const first = await certificatesOf(state, 'hospital', '', 2);
    expect(first.map(({ fingerprint }) => fingerprint[0])).toEqual(['a', 'c']);
    const rest = await certificatesOf(state, 'hospital', first[1]!.fingerprint, 2);
    expect(rest.map(({ fingerprint }) => fingerprint[0])).toEqual(['e']);
    expect(await certificatesOf(state, 'hospital', rest[0]!.fingerprint, 2)).toEqual([]);
    expect(await certificatesOf(state, 'administration', '', 2)).toEqual([]);
  });

  test.each([
    ['a short fingerprint', { fingerprint: 'ab' }],
    ['a name instead of a UUID', { person: 'Ada' }],
    ['a role of several words', { role: 'therapist of somebody' }],
    ['a local time', { notBefore: '2026-01-01' }],
    ['an end before its begin', { notAfter: '2025-01-01T00:00:00.000Z' }],
  ])('%s is malformed', async (_, change) => {
    expect(await refusal(certify(state, 'hospital', { ...certificate('a'), ...change }))).toBe('MALFORMED');
    expect(map.size).toBe(0);
  });

  test('a version of the parameters has one digest for ever', async () => {
    expect(await parametersOf(state, '2026-07')).toBeUndefined();
    const recorded = { version: '2026-07', sha256: 'a'.repeat(64) };
    expect(await recordParameters(state, '2026-07', 'a'.repeat(64))).toEqual(recorded);
    expect(await recordParameters(state, '2026-07', 'a'.repeat(64))).toEqual(recorded);
    expect(await refusal(recordParameters(state, '2026-07', 'b'.repeat(64)))).toBe('DIFFERENT_PARAMETERS');
    expect(await parametersOf(state, '2026-07')).toEqual(recorded);
  });
});
