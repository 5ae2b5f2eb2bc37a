// Evidence of whole cases: made from a real database, checked by the same modules in Node, and refused with the reason for one changed
// byte of anything that is signed, for a missing piece, and for everything consistent in itself under other keys.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { caseEvidence, isWhole } from '../../bin/evidence.ts';
import { NODE_CRYPTO } from '../../bin/node-crypto.ts';
import type { Organisation } from '../../domain/consortium.ts';
import { fromBase64, toBase64, utf8 } from '../../ledger/bytes.ts';
import { canonicalJson } from '../../ledger/canonical.ts';
import { readCertificate } from '../../ledger/certificates.ts';
import { blockInEvidence, leavesInBlock } from '../../ledger/evidence/blocks.ts';
import { checkEvidence, STEPS, type StepName } from '../../ledger/evidence/check.ts';
import {
  type Evidence,
  evidenceText,
  NotEvidence,
  readEvidence,
  readEvidenceTrust,
} from '../../ledger/evidence/format.ts';
import { packEvidence, unpackEvidence } from '../../ledger/evidence/zip.ts';
import { everyByteChanged } from '../support/evidence-bytes.ts';
import { createEvidenceWorld, type EvidenceWorld } from './world.ts';

/** The same shape, to be altered; what is asked for is there, or the test fails where it looks. */
type Changeable<T> = T extends readonly (infer One)[]
  ? Changeable<One>[]
  : T extends object
    ? { -readonly [K in keyof T]: Changeable<T[K]> }
    : T;

const entryOf = (evidence: Changeable<Evidence>, at: number) => {
  const entry = evidence.entries[at];
  if (!entry) throw new Error(`no such entry: ${at}`);
  return entry;
};
const openingOf = (evidence: Changeable<Evidence>) => {
  const [opening] = entryOf(evidence, 0).openings;
  if (!opening) throw new Error('nothing is opened');
  return opening;
};

let w: EvidenceWorld;
let caseId: string;
let sound: Evidence;
/** A case that ended soon. */
let short: Evidence;
beforeAll(async () => {
  w = await createEvidenceWorld();
  const [first = '', second = ''] = await w.live(['approved', 'refused']);
  caseId = first;
  sound = await w.evidence(first);
  short = await w.evidence(second);
});
afterAll(async () => {
  await w.close();
});

const check = (evidence: Evidence, trust = w.trust) => checkEvidence(evidence, trust, NODE_CRYPTO);
const outcomes = async (evidence: Evidence, trust = w.trust) =>
  Object.fromEntries((await check(evidence, trust)).steps.map(({ name, outcome }) => [name, outcome]));
/** The sound evidence with one thing changed. */
const but = (change: (evidence: Changeable<Evidence>) => unknown): Evidence => {
  const copy = structuredClone(sound) as Changeable<Evidence>;
  change(copy);
  return copy;
};

describe('sound evidence', () => {
  test('holds in every step', async () => {
    const verdict = await check(sound);
    expect(verdict.steps.map(({ name, outcome }) => [name, outcome])).toEqual(
      STEPS.map((name) => [name, 'holds']),
    );
    expect(verdict.verdict).toBe('holds');
    expect(verdict.cosigned.map(({ organisation }) => organisation)).toEqual([
      'administration',
      'hospital',
      'association',
    ]);
    expect(sound.entries.length).toBeGreaterThan(15);
    expect(sound.entries.some(({ statement }) => statement?.startsWith('I do this'))).toBe(true);
  });

  test('reads back from its file as it was written', async () => {
    const { bytes, name } = await w.file(caseId);
    expect(name).toMatch(/^evidence-RC-[0-9A-Z]{4}-[0-9A-Z]{2}\.zip$/);
    const read = readEvidence(unpackEvidence(bytes));
    expect((await check(read)).verdict).toBe('holds');
    expect(readEvidenceTrust(Buffer.from(JSON.stringify(w.trust)))).toEqual(w.trust);
  });

  test('holds under keys that were replaced since, up to where they ended and no further', async () => {
    const size = (await check(sound)).checkpoint?.size ?? 0;
    const other = await createEvidenceWorld();
    try {
      const replaced = (until: number) => {
        const former = [
          { of: 'log' as const, key: w.trust.log, until },
          ...Object.entries(w.trust.witnesses).map(([of, key]) => ({ of: of as Organisation, key, until })),
        ];
        const trust = { ...w.trust, log: other.trust.log, witnesses: other.trust.witnesses, former };
        return readEvidenceTrust(Buffer.from(JSON.stringify(trust)));
      };
      expect((await check(sound, replaced(size))).verdict).toBe('holds');
      expect((await outcomes(sound, replaced(size))).cosignatures).toBe('holds');
      expect(await outcomes(sound, replaced(size - 1))).toMatchObject({
        checkpoint: 'wrong',
        cosignatures: 'wrong',
      });
      for (const wrong of [
        { of: 'log', key: w.trust.log },
        { of: 'nobody', key: w.trust.log, until: 1 },
      ])
        expect(() => readEvidenceTrust(Buffer.from(JSON.stringify({ ...w.trust, former: [wrong] })))).toThrow(
          NotEvidence,
        );
    } finally {
      await other.close();
    }
  });

  test('opens to readers without clinical rights what the pages show them, and nothing else', async () => {
    const plain = await w.evidence(caseId, false);
    const opened = new Set(
      plain.entries.flatMap(({ openings }) => openings.map((o) => `${o.table}.${o.column}`)),
    );
    expect(opened).toContain('cases.state');
    for (const place of opened) expect(place).toMatch(/^(cases|tasks|clocks|decisions|case_relations)\./);
    for (const never of ['decisions.reasons', 'decisions.details', 'case_relations.person_id'])
      expect(opened).not.toContain(never);
    expect(plain.entries.every(({ statement }) => statement === null)).toBe(true);
    expect((await check(plain)).verdict).toBe('holds');
    expect((await outcomes(plain)).statements).toBe('open');
  });

  test('says truthfully how many members cosigned', async () => {
    const none = but((e) => {
      e.checkpoint = `${e.checkpoint.split('\n').slice(0, 5).join('\n')}\n`;
    });
    const verdict = await check(none);
    expect(verdict.steps[1]).toMatchObject({
      outcome: 'open',
      says: 'Cosigned by 0 of 3 members; 2 are needed',
    });
    const one = but((e) => {
      e.checkpoint = `${e.checkpoint.split('\n').slice(0, 6).join('\n')}\n`;
    });
    expect((await check(one)).steps[1]?.says).toBe('Cosigned by 1 of 3 members; 2 are needed');
  });

  test('is proved under the newest checkpoint that two members cosigned, while it covers the case', async () => {
    const cosigned = await w.cosignatures();
    const [mine = ''] = await w.live(['refused']);
    const from = { ...w.from, cosignatures: async () => cosigned };
    const older = await caseEvidence(from, caseId, true);
    expect(older && (await check(older)).steps[1]?.says).toBe('Cosigned by 3 of 3 members');
    expect(older && (await check(older)).checkpoint?.size).toBe(cosigned[0]?.size);
    // A case that grew since is proved under the newest, which nobody has cosigned yet; and says so.
    expect([await isWhole(from, caseId), await isWhole(from, mine)]).toEqual([true, false]);
    const newer = await caseEvidence(from, mine, true);
    expect(newer && (await outcomes(newer))).toMatchObject({ cosignatures: 'open', inclusion: 'holds' });
    // One member's word is not enough to prefer an older checkpoint.
    const alone = await caseEvidence(
      { ...from, cosignatures: async () => cosigned.slice(0, 1) },
      caseId,
      true,
    );
    expect(alone && (await outcomes(alone)).cosignatures).toBe('open');
  });

  test('counts entries that had no place yet', async () => {
    const waiting = await w.evidence(caseId);
    expect(waiting.waiting).toBe(0);
    expect((await outcomes(but((e) => (e.waiting = 2)))).inclusion).toBe('open');
  });
});

describe('what is signed', () => {
  /** Every byte of a text in base64, flipped one at a time (some of many). */
  const flips = (text: string, every: number): string[] => {
    const bytes = fromBase64(text) ?? new Uint8Array(0);
    const changed: string[] = [];
    for (let at = 0; at < bytes.length; at += every) {
      const copy = bytes.slice();
      copy[at] = (copy[at] as number) ^ (1 << (at % 8));
      changed.push(toBase64(copy));
    }
    return changed;
  };
  const refusedBy = async (evidence: Evidence): Promise<StepName[]> => {
    const verdict = await check(evidence);
    expect(verdict.verdict).toBe('refused');
    for (const { outcome, says } of verdict.steps)
      if (outcome === 'wrong') expect(says.length).toBeGreaterThan(10);
    return verdict.steps.flatMap(({ name, outcome }) => (outcome === 'wrong' ? [name] : []));
  };

  test('an entry: one byte changed is refused, with the entry’s number', async () => {
    const at = 4;
    for (const body of flips(sound.entries[at]?.body ?? '', 401)) {
      const evidence = but((e) => (entryOf(e, at).body = body));
      const by = await refusedBy(evidence);
      expect(by).toContain('inclusion');
      expect((await check(evidence)).steps[2]?.says).toContain(`Entry ${at + 1}`);
    }
  }, 120_000);

  test('the service’s signature, a proof, a place', async () => {
    for (const signature of flips(sound.entries[2]?.signature ?? '', 16))
      expect(await refusedBy(but((e) => (entryOf(e, 2).signature = signature)))).toEqual(['service']);
    for (const hash of flips(sound.entries[2]?.proof[1] ?? '', 8))
      expect(await refusedBy(but((e) => (entryOf(e, 2).proof[1] = hash)))).toEqual(['inclusion']);
    expect(await refusedBy(but((e) => (entryOf(e, 2).index += 1)))).toContain('inclusion');
    expect(await refusedBy(but((e) => entryOf(e, 2).proof.pop()))).toEqual(['inclusion']);
  });

  test('a signature line of nobody who is trusted', async () => {
    const [line = ''] = sound.checkpoint.split('\n').filter((one) => one.includes('rehab/witness/hospital'));
    const another = line.replace('rehab/witness/hospital', 'somebody');
    expect(await refusedBy(but((e) => (e.checkpoint = e.checkpoint.replace(line, another))))).toEqual([
      'checkpoint',
    ]);
    // Whoever does not trust a member's witness does not count its line, and refuses nothing for it.
    const { administration, association } = w.trust.witnesses;
    const verdict = await check(sound, {
      ...w.trust,
      witnesses: { ...(administration && { administration }), ...(association && { association }) },
    });
    expect([verdict.verdict, verdict.cosigned.length]).toEqual(['holds', 2]);
  });

  test('parameters: another limit, another version, a set that nothing names, and one whose digest is not shown', async () => {
    const limits = sound.parameters[0]?.set ?? '';
    const other = limits.replace(/[1-9]/, (digit) => String(Number(digit) - 1));
    expect(
      await refusedBy(
        but((e) => (e.parameters[0] = { version: e.parameters[0]?.version ?? '', set: other })),
      ),
    ).toEqual(['parameters']);
    expect(await refusedBy(but((e) => e.parameters.push({ version: '2027-01', set: limits })))).toEqual([
      'parameters',
    ]);
    const recorded = sound.blocks.findIndex(
      ({ bytes }) => leavesInBlock(fromBase64(bytes) ?? new Uint8Array(0)).parameters.length > 0,
    );
    expect((await outcomes(but((e) => e.blocks.splice(recorded, 1)))).parameters).toBe('open');
  });

  test('a block with more in it than counts, and one that says nothing of the case', async () => {
    const [first] = sound.blocks;
    const bytes = fromBase64(first?.bytes ?? '') ?? new Uint8Array(0);
    const more = toBase64(Uint8Array.of(...bytes, 0x22, 1, 7));
    expect(
      await refusedBy(but((e) => (e.blocks[0] = { number: first?.number ?? 0, bytes: more }))),
    ).toContain('chain');
    const number = await w.channel.height();
    w.channel.record('2027-01', '0'.repeat(64));
    const raw = await w.channel.block(number);
    const strange = { number, bytes: toBase64(blockInEvidence(raw, () => true)) };
    expect(await refusedBy(but((e) => e.blocks.push(strange)))).toEqual(['chain']);
  });

  test('a statement, a value, an opening', async () => {
    const signed = sound.entries.findIndex(({ statement }) => statement !== null);
    expect(await refusedBy(but((e) => (entryOf(e, signed).statement += ' ')))).toEqual(['statements']);
    const silent = sound.entries.findIndex(({ statement }) => statement === null);
    expect(await refusedBy(but((e) => (entryOf(e, silent).statement = 'I said so')))).toEqual(['statements']);
    for (const field of ['table', 'key', 'column', 'opening', 'value'] as const)
      expect(await refusedBy(but((e) => (openingOf(e)[field] += '0')))).toEqual(['openings']);
    // The end of the opening is not the beginning of the value.
    expect(
      await refusedBy(
        but((e) => {
          const one = openingOf(e);
          one.value = one.opening.at(-1) + one.value;
          one.opening = one.opening.slice(0, -1);
        }),
      ),
    ).toEqual(['openings']);
    expect(await refusedBy(but((e) => entryOf(e, 0).openings.push(structuredClone(openingOf(e)))))).toEqual([
      'openings',
    ]);
  });

  test('certificates and revocation lists', async () => {
    for (const at of sound.certificates.keys()) {
      const lines = (sound.certificates[at] ?? '').split('\n');
      const middle = Math.floor(lines.length / 2);
      const line = lines[middle] ?? '';
      lines[middle] = `${line.slice(0, 10)}${line[10] === 'A' ? 'B' : 'A'}${line.slice(11)}`;
      await refusedBy(but((e) => (e.certificates[at] = lines.join('\n'))));
      await refusedBy(but((e) => e.certificates.splice(at, 1)));
    }
    expect((await outcomes(but((e) => (e.revocations = [])))).persons).toBe('open');
    const forged = sound.revocations[1]?.replace(/\n(.{20})./, (_, kept) => `\n${kept}X`) ?? '';
    expect(await refusedBy(but((e) => (e.revocations[1] = forged)))).toContain('service');
  });

  test('entries left out, moved, doubled, or another’s', async () => {
    expect(await refusedBy(but((e) => e.entries.splice(3, 1)))).toEqual(['order']);
    expect(await refusedBy(but((e) => e.entries.shift()))).toContain('order');
    expect(await refusedBy(but((e) => e.entries.reverse()))).toContain('order');
    expect(
      await refusedBy(but((e) => e.entries.push(structuredClone(entryOf(e, e.entries.length - 1))))),
    ).toEqual(['order']);
    // What nothing names is no part of a case either.
    expect(await refusedBy(but((e) => (e.entries = [])))).toEqual([
      'inclusion',
      'service',
      'chain',
      'parameters',
    ]);
    expect(await refusedBy(but((e) => (e.subject.pseudonym = 'somebody')))).toEqual(['order']);
    expect(await refusedBy(but((e) => (e.origin = 'other/log')))).toEqual(['checkpoint']);
  });
});

describe('trust', () => {
  test('a whole world of its own, consistent in itself, is refused under the trust of another', async () => {
    const other = await createEvidenceWorld();
    try {
      const [mine = ''] = await other.live(['refused']);
      const evidence = await other.evidence(mine);
      expect((await checkEvidence(evidence, other.trust, NODE_CRYPTO)).verdict).toBe('holds');
      const verdict = await check(evidence);
      expect(verdict.verdict).toBe('refused');
      expect(verdict.steps.filter(({ outcome }) => outcome === 'wrong').map(({ name }) => name)).toEqual(
        expect.arrayContaining(['checkpoint', 'service', 'persons']),
      );
      // Each root of trust by itself is enough to refuse it.
      for (const part of ['log', 'roots'] as const)
        expect(
          (await checkEvidence(evidence, { ...other.trust, [part]: w.trust[part] }, NODE_CRYPTO)).verdict,
        ).toBe('refused');
      const witnessed = await checkEvidence(
        evidence,
        { ...other.trust, witnesses: w.trust.witnesses },
        NODE_CRYPTO,
      );
      expect(witnessed.cosigned).toEqual([]);
    } finally {
      await other.close();
    }
  });

  test('a certificate that was revoked before the decision counts no more', async () => {
    const [mine = ''] = await w.live(['refused']);
    const evidence = await w.evidence(mine);
    expect((await outcomes(evidence)).persons).toBe('holds');
    const serial = readCertificate(evidence.certificates.at(-1) ?? '')?.serial ?? '';
    w.authorities.hospital.revoke(serial, new Date(Date.now() - 86_400_000));
    const after = await w.evidence(mine);
    expect((await check(after)).steps.find(({ name }) => name === 'persons')).toMatchObject({
      outcome: 'wrong',
      says: expect.stringContaining('revoked'),
    });
  });
});

describe('files', () => {
  test.each([
    ['nothing', ''],
    ['no JSON', 'hello'],
    ['another format', '{"format":"other"}'],
    ['a name twice', '{"v":1,"v":1}'],
    ['a cut zip', 'PK\u0003\u0004rest'],
  ])('%s is refused in words', (_, text) => {
    expect(() => readEvidence(unpackEvidence(Buffer.from(text)))).toThrow(NotEvidence);
  });

  test('one field more or less is another format', () => {
    for (const name of Object.keys(sound)) {
      const { [name as keyof Evidence]: __, ...less } = sound;
      expect(() => readEvidence(utf8(`${canonicalJson(less)}\n`))).toThrow(NotEvidence);
    }
    expect(() => readEvidence(utf8(`${canonicalJson({ ...sound, more: 1 })}\n`))).toThrow(NotEvidence);
  });

  test('a zip that claims to be small and unfolds to much is not unpacked', () => {
    const bomb = packEvidence({
      'README.txt': '',
      'evidence.json': 'a'.repeat(80 * 1024 * 1024),
      'report.html': '',
      'verify.html': '',
    });
    expect(() => unpackEvidence(bomb)).toThrow(NotEvidence);
  });
});

describe('every byte', () => {
  test('of a case’s file, changed, is refused by the step that is about it; but when it was made and how many wait', async () => {
    const { tried, faults, unsignedTaken, refusedBy } = await everyByteChanged(short, w.trust);
    expect(faults).toEqual([]);
    expect(tried).toBe(utf8(evidenceText(short)).length);
    // 24 characters of `madeAt` and the digit of `waiting` are nobody's signed word; some changes of them are no time at all.
    expect(unsignedTaken).toBeGreaterThan(0);
    expect(unsignedTaken).toBeLessThanOrEqual(25);
    // Each step refused something by itself, and most of the file could still be read when it was changed.
    expect(Object.keys(refusedBy).sort()).toEqual([...STEPS, 'reading'].sort());
    expect(refusedBy.reading).toBeLessThan(tried / 3);
  }, 1_200_000);

  test('of a longer case: one in so many', async () => {
    const every = 211;
    const { tried, faults } = await everyByteChanged(sound, w.trust, { every });
    expect(faults).toEqual([]);
    expect(tried).toBe(Math.ceil(utf8(evidenceText(sound)).length / every));
  }, 1_200_000);
});
